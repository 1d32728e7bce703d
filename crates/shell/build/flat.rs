//! Writes the table as rows of numbers.
//!
//! Rows hold places in one text and in other tables, and no addresses: what
//! is never looked up is not even loaded when a program starts.

use std::collections::{BTreeMap, HashMap};

use crate::entry::{Beneath, Condition, Entry, Input, Operands, Program, Takes};
use crate::phrase::{Effect, Resource, Role};
use crate::place::Place;

/// More than fits into a row.
const TOO_MUCH: &str = "the table of programs is larger than its rows can say";

/// No operand stands for any number.
const NONE_REPEATED: usize = 255;

/// The tables so far.
#[derive(Default)]
struct Tables {
    text: String,
    known: HashMap<String, usize>,
    rows: BTreeMap<&'static str, Vec<String>>,
    runs: HashMap<(&'static str, Vec<String>), usize>,
    options: HashMap<String, usize>,
    entries: Vec<String>,
    same: HashMap<String, usize>,
}

/// A subcommand on its way into the table.
#[derive(Default)]
struct Branch<'a> {
    entry: Option<&'a Entry>,
    below: BTreeMap<String, Branch<'a>>,
}

/// Returns the tables of programs and places as Rust.
pub(crate) fn table(programs: &[Program], places: &[Place]) -> Result<String, &'static str> {
    let mut tables = Tables::default();
    let (mut exact, mut versioned) = (BTreeMap::new(), BTreeMap::new());
    for program in programs {
        let index = tables.entry(&program.entry)?;
        for name in &program.names {
            match name.text.strip_suffix('*') {
                Some(stem) => versioned.insert(stem, index),
                None => exact.insert(name.text.as_str(), index),
            };
        }
    }
    for (table, names) in [("EXACT", &exact), ("VERSIONED", &versioned)] {
        for (name, index) in names {
            let row = format!("({}, {index})", tables.text(name)?);
            tables.rows.entry(table).or_default().push(row);
        }
    }
    for place in places {
        tables.place(place)?;
    }
    tables.write()
}

/// Returns the examples as Rust.
pub(crate) fn examples(programs: &[Program]) -> String {
    let mut rust = String::from("const EXAMPLES: &[(&str, usize, &str, &[&str])] = &[\n");
    for program in programs {
        write_examples(&program.file, &program.entry, &mut rust);
    }
    rust.push_str("];\n");
    rust
}

fn write_examples(file: &str, entry: &Entry, rust: &mut String) {
    for example in &entry.examples {
        let (line, run) = (example.run.line, &example.run.text);
        rust.push_str(&format!(
            "({file:?}, {line}, {run:?}, &{:?}),\n",
            example.does
        ));
    }
    for (_, inner) in &entry.subcommands {
        write_examples(file, inner, rust);
    }
}

const TYPES: [(&str, &str); 10] = [
    ("EXACT", "(Text, u16)"),
    ("VERSIONED", "(Text, u16)"),
    ("SPELLINGS", "(Text, u16)"),
    ("OPTIONS", "OptionRow"),
    ("ROLES", "Role"),
    ("CONDITIONS", "(Text, Text)"),
    ("TEXTS", "Text"),
    ("EFFECTS", "(EffectKind, Resource)"),
    ("WHENS", "WhenRow"),
    ("SUBCOMMANDS", "(Text, u16)"),
];

impl Tables {
    fn write(self) -> Result<String, &'static str> {
        let mut rust = format!("pub(crate) static TEXT: &str = {:?};\n", self.text);
        for (name, kind) in TYPES {
            let rows = self.rows.get(name).map_or(&[][..], Vec::as_slice);
            write_static(&mut rust, name, kind, rows);
        }
        write_static(&mut rust, "ENTRIES", "EntryRow", &self.entries);
        let places = self.rows.get("PLACES").map_or(&[][..], Vec::as_slice);
        write_static(&mut rust, "PLACES", "PlaceRow", places);
        let is_too_much = self.entries.len() > usize::from(u16::MAX)
            || self.rows.iter().any(|(name, rows)| {
                let bound = if *name == "OPTIONS" { 1 << 16 } else { 1 << 20 };
                rows.len() >= bound
            });
        if is_too_much { Err(TOO_MUCH) } else { Ok(rust) }
    }

    /// Returns where a text is.
    fn text(&mut self, text: &str) -> Result<String, &'static str> {
        let end = self.text.len();
        let start = *self.known.entry(text.to_owned()).or_insert(end);
        if start == end {
            self.text.push_str(text);
        }
        if start >= 1 << 24 || text.len() > 255 {
            return Err(TOO_MUCH);
        }
        Ok(format!("Text({start}, {})", text.len()))
    }

    /// Adds rows, and returns which they are.
    fn add(&mut self, table: &'static str, rows: Vec<String>) -> Result<String, &'static str> {
        if rows.is_empty() {
            return Ok("Run(0, 0)".to_owned());
        }
        let count = u16::try_from(rows.len()).map_err(|_| TOO_MUCH)?;
        let known = self.rows.entry(table).or_default();
        let end = known.len();
        let start = *self.runs.entry((table, rows.clone())).or_insert(end);
        if start == end {
            known.extend(rows);
        }
        Ok(format!("Run({start}, {count})"))
    }

    /// Adds an entry with those below it, and returns its number.
    fn entry(&mut self, entry: &Entry) -> Result<usize, &'static str> {
        let branch = branch(entry);
        self.branch(&branch)
    }

    fn branch(&mut self, branch: &Branch<'_>) -> Result<usize, &'static str> {
        let implied = Entry::default();
        let entry = branch.entry.unwrap_or(&implied);
        let mut below = Vec::new();
        for (name, inner) in &branch.below {
            let index = self.branch(inner)?;
            below.push(format!("({}, {index})", self.text(name)?));
        }
        let subcommands = self.add("SUBCOMMANDS", below)?;
        let spellings = self.options(entry)?;
        let (roles, repeated) = self.operands(entry.operands.as_ref())?;
        let (beneath, always) = self.beneath(&entry.beneath)?;
        let effects = self.effects(&entry.effects)?;
        let whens = self.whens(entry)?;
        let flags = [
            ("LONG_SINGLE", entry.is_long_single),
            ("ENDS_AT_OPERAND", entry.ends_at_operand),
            ("IN_CODE", entry.is_code),
            ("HAS_OPERANDS", entry.operands.is_some()),
            ("BENEATH_ALWAYS", always),
            ("STARTS_HERE", entry.starts_here),
            ("INPUT_SENT", entry.input == Input::Sent),
            ("INPUT_RUN", entry.input == Input::Run),
            ("SETTINGS_PRINTED", entry.prints_settings),
        ];
        let row = format!(
            "EntryRow {{ flags: {}, repeated: {repeated}, spellings: {spellings}, \
             operands: {roles}, beneath: {beneath}, effects: {effects}, whens: {whens}, \
             subcommands: {subcommands} }}",
            flag_bits(&flags)
        );
        // Many subcommands do the same.
        let end = self.entries.len();
        let index = *self.same.entry(row.clone()).or_insert(end);
        if index == end {
            self.entries.push(row);
        }
        Ok(index)
    }

    fn options(&mut self, entry: &Entry) -> Result<String, &'static str> {
        let mut spellings = BTreeMap::new();
        for option in &entry.options {
            let normal = option.spellings.first().map_or("", |first| &first.text);
            let takes = match option.takes {
                Takes::Nothing => "Takes::Nothing",
                Takes::Value => "Takes::Value",
                Takes::Pair => "Takes::Pair",
                Takes::Attached => "Takes::Attached",
            };
            let of = self.texts(&option.of)?;
            let row = format!(
                "OptionRow {{ normal: {}, takes: {takes}, role: {}, of: {of} }}",
                self.text(normal)?,
                option.role.code
            );
            let rows = self.rows.entry("OPTIONS").or_default();
            let index = *self.options.entry(row.clone()).or_insert(rows.len());
            if index == rows.len() {
                rows.push(row);
            }
            for spelling in &option.spellings {
                spellings.insert(spelling.text.as_str(), index);
            }
        }
        let mut rows = Vec::new();
        for (spelling, index) in spellings {
            rows.push(format!("({}, {index})", self.text(spelling)?));
        }
        self.add("SPELLINGS", rows)
    }

    fn operands(&mut self, operands: Option<&Operands>) -> Result<(String, usize), &'static str> {
        let Some(operands) = operands else {
            return Ok(("Run(0, 0)".to_owned(), NONE_REPEATED));
        };
        let code = |role: &Role| role.code.clone();
        let roles = self.add("ROLES", operands.roles.iter().map(code).collect())?;
        Ok((roles, operands.repeated.unwrap_or(NONE_REPEATED)))
    }

    fn beneath(&mut self, beneath: &Beneath) -> Result<(String, bool), &'static str> {
        match beneath {
            Beneath::Unsaid => Ok(("Run(0, 0)".to_owned(), false)),
            Beneath::Always => Ok(("Run(0, 0)".to_owned(), true)),
            Beneath::With(options) => Ok((self.conditions(options)?, false)),
        }
    }

    fn conditions(&mut self, conditions: &[Condition]) -> Result<String, &'static str> {
        let mut rows = Vec::new();
        for condition in conditions {
            let (option, value) = (self.text(&condition.option)?, self.text(&condition.value)?);
            rows.push(format!("({option}, {value})"));
        }
        self.add("CONDITIONS", rows)
    }

    fn effects(&mut self, effects: &[Effect]) -> Result<String, &'static str> {
        let mut rows = Vec::new();
        for effect in effects {
            let resource = match &effect.resource {
                Resource::Nothing => "Resource::Nothing".to_owned(),
                Resource::Text(text) => format!("Resource::Text({})", self.text(text)?),
                Resource::Operand(number) => format!("Resource::Operand({number})"),
                Resource::Operands => "Resource::Operands".to_owned(),
                Resource::Option(option) => format!("Resource::Option({})", self.text(option)?),
            };
            rows.push(format!("(EffectKind::{}, {resource})", effect.kind.1));
        }
        self.add("EFFECTS", rows)
    }

    fn whens(&mut self, entry: &Entry) -> Result<String, &'static str> {
        let mut rows = Vec::new();
        for when in &entry.whens {
            let given = self.conditions(&when.given)?;
            let without = self.conditions(&when.without)?;
            let words = self.texts(&when.words)?;
            let effects = self.effects(&when.effects)?;
            let (operands, repeated) = self.operands(when.operands.as_ref())?;
            let (beneath, always) = self.beneath(&when.beneath)?;
            let flags = [
                ("HAS_OPERANDS", when.operands.is_some()),
                ("BENEATH_ALWAYS", always),
                ("HAS_BENEATH", !matches!(when.beneath, Beneath::Unsaid)),
            ];
            rows.push(format!(
                "WhenRow {{ flags: {}, repeated: {repeated}, given: {given}, \
                 without: {without}, words: {words}, effects: {effects}, operands: {operands}, \
                 beneath: {beneath} }}",
                flag_bits(&flags)
            ));
        }
        self.add("WHENS", rows)
    }

    fn texts(&mut self, texts: &[String]) -> Result<String, &'static str> {
        let mut rows = Vec::new();
        for text in texts {
            rows.push(self.text(text)?);
        }
        self.add("TEXTS", rows)
    }

    fn place(&mut self, place: &Place) -> Result<(), &'static str> {
        let texts = |texts: &[crate::tree::Text]| -> Vec<String> {
            texts.iter().map(|text| text.text.clone()).collect()
        };
        let paths = self.texts(&texts(&place.paths))?;
        let except = self.texts(&texts(&place.except))?;
        let way = |way: &str| place.access.contains(&way);
        let row = format!(
            "PlaceRow {{ kind: EffectKind::{}, access: Access {{ read: {}, write: {}, \
             delete: {}, execute: {} }}, paths: {paths}, except: {except} }}",
            place.kind.1,
            way("read"),
            way("write"),
            way("delete"),
            way("execute")
        );
        self.rows.entry("PLACES").or_default().push(row);
        Ok(())
    }
}

/// Sorts the subcommands of an entry by their words.
fn branch(entry: &Entry) -> Branch<'_> {
    let mut root = Branch {
        entry: Some(entry),
        below: BTreeMap::new(),
    };
    for (names, inner) in &entry.subcommands {
        for name in names {
            let mut place = &mut root;
            for word in name.split(' ') {
                place = place.below.entry(word.to_owned()).or_default();
            }
            place.entry = Some(inner);
            for (word, below) in branch(inner).below {
                place.below.insert(word, below);
            }
        }
    }
    root
}

fn flag_bits(flags: &[(&str, bool)]) -> String {
    let set: Vec<String> = flags
        .iter()
        .filter(|(_, is_set)| *is_set)
        .map(|(name, _)| format!("super::{name}"))
        .collect();
    if set.is_empty() {
        "0".to_owned()
    } else {
        set.join(" | ")
    }
}

fn write_static(rust: &mut String, name: &str, kind: &str, rows: &[String]) {
    let count = rows.len();
    rust.push_str(&format!(
        "pub(crate) static {name}: [{kind}; {count}] = [\n"
    ));
    for row in rows {
        rust.push_str(row);
        rust.push_str(",\n");
    }
    rust.push_str("];\n");
}
