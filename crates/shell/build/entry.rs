//! The files that tell what programs do.

use std::collections::BTreeMap;

use crate::phrase::{self, Effect, Resource, Role};
use crate::tree::{Fault, Node, Source, Text, Value};

/// A program.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) file: String,
    pub(crate) names: Vec<Text>,
    pub(crate) entry: Entry,
}

/// What is said of a program or of a subcommand.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    pub(crate) options: Vec<Given>,
    pub(crate) is_long_single: bool,
    pub(crate) ends_at_operand: bool,
    pub(crate) is_code: bool,
    pub(crate) starts_here: bool,
    pub(crate) input: Input,
    pub(crate) prints_settings: bool,
    pub(crate) operands: Option<Operands>,
    pub(crate) beneath: Beneath,
    pub(crate) effects: Vec<Effect>,
    pub(crate) whens: Vec<When>,
    /// The words of each subcommand, in its several names, and its entry.
    pub(crate) subcommands: Vec<(Vec<String>, Entry)>,
    pub(crate) examples: Vec<Example>,
}

/// What becomes of standard input.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Input {
    #[default]
    Unsaid,
    Sent,
    Run,
}

/// An option.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    pub(crate) spellings: Vec<Text>,
    pub(crate) takes: Takes,
    pub(crate) role: Role,
    /// The settings, `name=value`, to whose value the role belongs; none for any word.
    pub(crate) of: Vec<String>,
}

/// Where the value of an option stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Takes {
    Nothing,
    Value,
    Pair,
    Attached,
}

/// The roles of operands.
#[derive(Debug)]
pub(crate) struct Operands {
    pub(crate) roles: Vec<Role>,
    /// Which of them stands for any number.
    pub(crate) repeated: Option<usize>,
}

/// Whether what lies beneath a folder is meant too.
#[derive(Debug, Default)]
pub(crate) enum Beneath {
    #[default]
    Unsaid,
    Always,
    With(Vec<Condition>),
}

/// An option, by its normal form, with a pattern of its value.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    pub(crate) option: String,
    pub(crate) value: String,
}

/// What differs under conditions.
#[derive(Debug)]
pub(crate) struct When {
    pub(crate) given: Vec<Condition>,
    pub(crate) without: Vec<Condition>,
    pub(crate) words: Vec<String>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) operands: Option<Operands>,
    pub(crate) beneath: Beneath,
}

/// A command line and all that it does.
#[derive(Debug)]
pub(crate) struct Example {
    pub(crate) run: Text,
    pub(crate) does: Vec<String>,
}

/// Reads `text`, the content of `file`.
pub(crate) fn read(file: &str, text: &str) -> Result<Vec<Program>, Vec<Fault>> {
    let source = Source { file };
    let items = source.read(text).and_then(|root| source.list(root));
    let (mut programs, mut faults) = (Vec::new(), Vec::new());
    for item in items.map_err(|fault| vec![fault])? {
        match program(source, item) {
            Ok(program) => programs.push(program),
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() {
        Ok(programs)
    } else {
        Err(faults)
    }
}

fn program(source: Source<'_>, item: Node) -> Result<Program, Fault> {
    let line = item.line;
    let mut fields = Fields::new(source, item)?;
    let names = fields.texts("names")?;
    if names.is_empty() {
        return source.fault(line, "`names` is missing");
    }
    if let Some(name) = names.iter().find(|name| {
        let stem = name.text.strip_suffix('*').unwrap_or(&name.text);
        stem.is_empty() || stem.contains(['*', '/', ' '])
    }) {
        return source.fault(name.line, format!("`{}` names no program", name.text));
    }
    let entry = entry(source, fields, &[])?;
    Ok(Program {
        file: source.file.to_owned(),
        names,
        entry,
    })
}

/// The keys of a mapping that are not read yet.
struct Fields<'a> {
    source: Source<'a>,
    left: BTreeMap<String, (usize, Node)>,
}

impl<'a> Fields<'a> {
    fn new(source: Source<'a>, node: Node) -> Result<Self, Fault> {
        // A subcommand of which nothing is said does nothing.
        let is_nothing =
            matches!(&node.value, Value::Scalar(text) if text.is_empty() || text == "~");
        let entries = if is_nothing {
            Vec::new()
        } else {
            source.map(node)?
        };
        let keyed = |(key, node): (Text, Node)| (key.text, (key.line, node));
        let left = entries.into_iter().map(keyed).collect();
        Ok(Self { source, left })
    }

    fn take(&mut self, key: &str) -> Option<Node> {
        self.left.remove(key).map(|(_, node)| node)
    }

    fn list(&mut self, key: &str) -> Result<Vec<Node>, Fault> {
        match self.take(key) {
            Some(node) => self.source.list(node),
            None => Ok(Vec::new()),
        }
    }

    fn texts(&mut self, key: &str) -> Result<Vec<Text>, Fault> {
        match self.take(key) {
            Some(node) => self.source.texts(node),
            None => Ok(Vec::new()),
        }
    }

    /// Takes a key whose only value is `word`.
    fn word(&mut self, key: &str, word: &str) -> Result<bool, Fault> {
        let Some(node) = self.take(key) else {
            return Ok(false);
        };
        let text = self.source.text(node)?;
        if text.text == word {
            return Ok(true);
        }
        self.source
            .fault(text.line, format!("`{key}` is `{word}`, or not there"))
    }

    fn end(self) -> Result<(), Fault> {
        match self.left.into_iter().next() {
            Some((key, (line, _))) => self.source.fault(line, format!("unknown key `{key}`")),
            None => Ok(()),
        }
    }
}

fn entry(source: Source<'_>, mut fields: Fields<'_>, outer: &[Given]) -> Result<Entry, Fault> {
    if let Some(about) = fields.take("about") {
        source.text(about)?;
    }
    let options = options(source, &mut fields)?;
    let mut known = options.clone();
    known.extend_from_slice(outer);
    let effects = effects(source, &mut fields, &known)?;
    let mut whens = Vec::new();
    for item in fields.list("when")? {
        whens.push(when(source, item, &known)?);
    }
    let subcommands = subcommands(source, &mut fields, &known)?;
    let mut examples = Vec::new();
    for item in fields.list("examples")? {
        examples.push(example(source, item)?);
    }
    let found = Entry {
        options,
        is_long_single: fields.word("long", "single")?,
        ends_at_operand: fields.word("ends", "operand")?,
        is_code: fields.word("paths", "code")?,
        starts_here: fields.word("default", ".")?,
        input: input(source, &mut fields)?,
        prints_settings: fields.word("output", "settings")?,
        operands: operands(source, &mut fields)?,
        beneath: beneath(source, &mut fields, &known)?,
        effects,
        whens,
        subcommands,
        examples,
    };
    fields.end()?;
    Ok(found)
}

fn input(source: Source<'_>, fields: &mut Fields<'_>) -> Result<Input, Fault> {
    let Some(node) = fields.take("input") else {
        return Ok(Input::Unsaid);
    };
    let text = source.text(node)?;
    match text.text.as_str() {
        "send" => Ok(Input::Sent),
        "code" => Ok(Input::Run),
        _ => source.fault(text.line, "`input` is `send` or `code`"),
    }
}

fn subcommands(
    source: Source<'_>,
    fields: &mut Fields<'_>,
    known: &[Given],
) -> Result<Vec<(Vec<String>, Entry)>, Fault> {
    let mut subcommands = Vec::new();
    let mut lines = BTreeMap::new();
    let entries = match fields.take("subcommands") {
        Some(node) => source.map(node)?,
        None => Vec::new(),
    };
    for (name, node) in entries {
        let mut inner = Fields::new(source, node)?;
        let mut names = vec![name];
        names.extend(inner.texts("also")?);
        for name in &names {
            if let Some(first) = lines.insert(name.text.clone(), name.line) {
                let message = format!("`{}` stands in line {first} too", name.text);
                return source.fault(name.line, message);
            }
        }
        let names = names.into_iter().map(|name| name.text).collect();
        subcommands.push((names, entry(source, inner, known)?));
    }
    Ok(subcommands)
}

fn options(source: Source<'_>, fields: &mut Fields<'_>) -> Result<Vec<Given>, Fault> {
    let mut options: Vec<Given> = Vec::new();
    let kinds = [
        ("flags", Takes::Nothing),
        ("values", Takes::Value),
        ("pairs", Takes::Pair),
        ("optional", Takes::Attached),
    ];
    for (key, takes) in kinds {
        for item in fields.list(key)? {
            let option = option(source, item, takes)?;
            for spelling in &option.spellings {
                let mut known = options.iter().flat_map(|known| &known.spellings);
                if let Some(first) = known.find(|first| first.text == spelling.text) {
                    let message = format!("`{}` stands in line {} too", spelling.text, first.line);
                    return source.fault(spelling.line, message);
                }
            }
            options.push(option);
        }
    }
    Ok(options)
}

fn option(source: Source<'_>, item: Node, takes: Takes) -> Result<Given, Fault> {
    let line = item.line;
    let text = Role {
        code: "Role::Text".to_owned(),
    };
    let (spellings, role, of) = match item.value {
        Value::Map(_) if takes == Takes::Nothing => {
            return source.fault(line, "a flag has no value, and so no role");
        }
        Value::Map(_) => {
            let mut fields = Fields::new(source, item)?;
            let role = match fields.take("role") {
                Some(role) => phrase::role(source, &source.text(role)?)?,
                None => return source.fault(line, "`role` is missing"),
            };
            let names = fields.texts("names")?;
            let of = fields.texts("of")?.into_iter().map(|it| it.text);
            let of = of.collect();
            fields.end()?;
            (names, role, of)
        }
        Value::List(_) => (source.texts(item)?, text, Vec::new()),
        Value::Scalar(_) => (vec![source.text(item)?], text, Vec::new()),
    };
    let is_option = |text: &str| text == "+" || text.len() > 1 && text.starts_with(['-', '+']);
    if spellings.is_empty() {
        return source.fault(line, "an option has a name");
    }
    match spellings
        .iter()
        .find(|it| !is_option(&it.text) || it.text.contains(' '))
    {
        Some(spelling) => source.fault(spelling.line, format!("`{}` is no option", spelling.text)),
        None => Ok(Given {
            spellings,
            takes,
            role,
            of,
        }),
    }
}

fn normal<'o>(known: &'o [Given], option: &str) -> Option<&'o str> {
    let found = known
        .iter()
        .find(|known| known.spellings.iter().any(|it| it.text == option))?;
    found.spellings.first().map(|first| first.text.as_str())
}

fn condition(source: Source<'_>, text: &Text, known: &[Given]) -> Result<Condition, Fault> {
    let (option, value) = match normal(known, &text.text) {
        Some(option) => (Some(option), ""),
        None => match text.text.split_once('=') {
            Some((option, value)) => (normal(known, option), value),
            None => (None, ""),
        },
    };
    match option {
        Some(option) => Ok(Condition {
            option: option.to_owned(),
            value: value.to_owned(),
        }),
        None => source.fault(text.line, format!("`{}` is no option of it", text.text)),
    }
}

fn conditions(
    source: Source<'_>,
    texts: &[Text],
    known: &[Given],
) -> Result<Vec<Condition>, Fault> {
    texts
        .iter()
        .map(|text| condition(source, text, known))
        .collect()
}

fn effects(
    source: Source<'_>,
    fields: &mut Fields<'_>,
    known: &[Given],
) -> Result<Vec<Effect>, Fault> {
    let mut effects = Vec::new();
    for text in fields.texts("effects")? {
        let mut effect = phrase::effect(source, &text)?;
        if effect.kind.0 == "execute" {
            return source.fault(text.line, "that a program runs is not stated");
        }
        if let Resource::Option(option) = &mut effect.resource {
            match normal(known, option) {
                Some(normal) => *option = normal.to_owned(),
                None => {
                    return source.fault(text.line, format!("`{option}` is no option of it"));
                }
            }
        }
        effects.push(effect);
    }
    Ok(effects)
}

fn operands(source: Source<'_>, fields: &mut Fields<'_>) -> Result<Option<Operands>, Fault> {
    let Some(node) = fields.take("operands") else {
        return Ok(None);
    };
    let (mut roles, mut repeated) = (Vec::new(), None);
    for mut text in source.texts(node)? {
        if let Some(role) = text.text.strip_suffix("...") {
            if repeated.replace(roles.len()).is_some() {
                return source.fault(text.line, "only one role stands for any number");
            }
            text.text = role.to_owned();
        }
        roles.push(phrase::role(source, &text)?);
    }
    Ok(Some(Operands { roles, repeated }))
}

fn beneath(source: Source<'_>, fields: &mut Fields<'_>, known: &[Given]) -> Result<Beneath, Fault> {
    let Some(node) = fields.take("beneath") else {
        return Ok(Beneath::Unsaid);
    };
    match &node.value {
        Value::Scalar(text) if text == "always" => Ok(Beneath::Always),
        Value::Scalar(_) | Value::Map(_) => {
            source.fault(node.line, "`beneath` is `always`, or a list of options")
        }
        Value::List(_) => {
            let options = source.texts(node)?;
            Ok(Beneath::With(conditions(source, &options, known)?))
        }
    }
}

fn when(source: Source<'_>, item: Node, known: &[Given]) -> Result<When, Fault> {
    let line = item.line;
    let mut fields = Fields::new(source, item)?;
    let when = When {
        given: conditions(source, &fields.texts("given")?, known)?,
        without: conditions(source, &fields.texts("without")?, known)?,
        words: fields
            .texts("words")?
            .into_iter()
            .map(|it| it.text)
            .collect(),
        effects: effects(source, &mut fields, known)?,
        operands: operands(source, &mut fields)?,
        beneath: beneath(source, &mut fields, known)?,
    };
    fields.end()?;
    if when.given.is_empty() && when.without.is_empty() && when.words.is_empty() {
        return source.fault(line, "`when` has no condition");
    }
    Ok(when)
}

fn example(source: Source<'_>, item: Node) -> Result<Example, Fault> {
    let line = item.line;
    let mut fields = Fields::new(source, item)?;
    let Some(run) = fields.take("run") else {
        return source.fault(line, "`run` is missing");
    };
    let run = source.text(run)?;
    let does = fields.texts("does")?;
    fields.end()?;
    for text in &does {
        phrase::effect(source, text)?;
    }
    Ok(Example {
        run,
        does: does.into_iter().map(|text| text.text).collect(),
    })
}
