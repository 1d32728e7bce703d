//! Walks loops: turn by turn where the turns are few and known.

use aegis_types::{Span, UnknownCause, Word, WordPart, Wrapper};

use super::scan::{Names, names_set, names_set_by};
use super::{Setting, Walk};
use crate::limit::TURNS_MAX;
use crate::output::Output;
use crate::surroundings::Value;
use crate::syntax::{Item, Kind, Node, Origin, Parser, Piece, RawWord, Script};

impl Walk<'_> {
    /// Walks a loop of which it is open how often it turns.
    pub(super) fn repetition(&mut self, test: &Script, body: &Script, setting: &Setting) {
        self.forget_set_in(&[test, body]);
        let commands = self.plan.commands.len();
        let mark = self.around.mark();
        self.script(test, &setting.within(Wrapper::Compound));
        self.script(body, &setting.branch());
        let names = names_set(&[test, body]);
        if names.defines || names.writes {
            // What one turn defines or writes is what the next one meets.
            let end = self.plan.commands.len();
            self.script(test, &setting.branch());
            self.script(body, &setting.branch());
            self.forget_repeated(commands, end);
        }
        self.around.blur(mark);
    }

    /// Returns what each turn of a loop reads whose test is `read`, if that is known.
    pub(super) fn inputs_of(
        &self,
        test: &Script,
        body: &Script,
        is_until: bool,
        setting: &Setting,
    ) -> Option<Vec<Output>> {
        let reads = matches!(test.items.as_slice(), [item] if is_read(item))
            && !is_until
            && self.around.function("read").is_none();
        let names = names_set(&[body]);
        if !reads || names.reads || self.calls_function(&names) {
            return None;
        }
        let inputs: Vec<Output> = match setting.input.as_ref()? {
            Output::Text(text) if !text.contains('\0') => {
                let lines = text.split_inclusive('\n');
                // What is left behind the last end of a line makes no turn.
                let lines = lines.filter(|line| line.ends_with('\n'));
                lines.map(|line| Output::Text(line.to_owned())).collect()
            }
            Output::Paths(paths) => {
                let paths = paths.iter().cloned();
                paths.map(|path| Output::Paths(vec![path])).collect()
            }
            Output::Text(_) | Output::Unknown => return None,
        };
        (inputs.len() <= TURNS_MAX).then_some(inputs)
    }

    /// Walks a loop that reads one of `inputs` a turn.
    ///
    /// What runs in it may read as well, so that no turn is sure.
    pub(super) fn turns_over(
        &mut self,
        inputs: Vec<Output>,
        test: &Script,
        body: &Script,
        setting: &Setting,
    ) {
        // A path stands for many, and the turns for one follow those for another.
        let is_open = inputs.iter().any(|it| matches!(it, Output::Paths(_)));
        for input in inputs {
            if is_open {
                self.forget_set_in(&[body]);
            }
            let mark = self.around.mark();
            let first = setting.branch().reading_first(input);
            self.script(test, &first);
            self.script(body, &setting.branch());
            self.around.blur(mark);
        }
        // The last test fails, and sets what stands behind the last end of a line.
        let rest = match &setting.input {
            Some(Output::Text(text)) => text.rsplit('\n').next().unwrap_or_default(),
            Some(Output::Paths(_) | Output::Unknown) | None => "",
        };
        let rest = Output::Text(rest.to_owned());
        self.script(test, &setting.branch().reading_first(rest));
    }

    /// Walks `select`: one of its words after the other, as a person chooses.
    pub(super) fn selection(
        &mut self,
        name: &str,
        words: Option<&[RawWord]>,
        body: &Script,
        setting: &Setting,
    ) {
        let words = match words {
            Some(words) => Some(self.words(words, setting)),
            None => self.around.positional().map(|words| words.to_vec()),
        };
        let is_plain = |word: &Word| word.literal().is_some();
        let words = words.filter(|words| words.iter().all(is_plain));
        let chosen = words.map(|words| {
            // Another answer than a number chooses nothing.
            let nothing = Value::Parts([].into());
            let words = words
                .iter()
                .map(|word| Value::Parts(word.parts.as_slice().into()));
            Value::one_of(words.chain([nothing]))
        });
        self.forget_set_in(&[body]);
        let mark = self.around.mark();
        self.around.set(name, chosen.unwrap_or(Value::Unknown));
        self.around.forget("REPLY");
        self.script(body, &setting.branch());
        self.around.blur(mark);
    }

    /// Walks `for (( … ))`, turn by turn while its values are known.
    pub(super) fn counting(&mut self, expression: &RawWord, body: &Script, setting: &Setting) {
        let word = self.single(expression, setting);
        // What is expanded in it is expanded again each time.
        let is_text = |piece: &Piece| matches!(piece, Piece::Bare(_) | Piece::Quoted(_));
        let is_plain = expression.pieces.iter().all(is_text);
        let parts = word.literal().filter(|_| is_plain);
        let parts: Vec<&str> = parts.iter().flat_map(|text| text.split(';')).collect();
        if let [start, test, step] = parts.as_slice()
            && !self.may_leave(body)
            && self.calculate(start).is_some()
        {
            for _ in 0..=TURNS_MAX {
                // An empty test holds.
                let holds = match test.trim() {
                    "" => Some(1),
                    test => self.calculate(test),
                };
                match holds {
                    Some(0) => return,
                    Some(_) => {}
                    None => break,
                }
                self.script(body, &setting.turn());
                if self.calculate(step).is_none() {
                    break;
                }
            }
        }
        self.forget_set_by(&[word]);
        self.forget_set_in(&[body]);
        let mark = self.around.mark();
        self.script(body, &setting.branch());
        self.around.blur(mark);
    }

    /// Walks a loop over words: value by value when they are few and known.
    pub(super) fn turns(
        &mut self,
        span: Span,
        name: &str,
        words: Option<&[RawWord]>,
        body: &Script,
        setting: &Setting,
    ) {
        let values = match words {
            Some(words) => Some(self.words(words, setting)),
            None => self.around.positional().map(|words| words.to_vec()),
        };
        let values = values.filter(|values| values.len() <= TURNS_MAX);
        let is_open = |part: &WordPart| matches!(part, WordPart::Pattern(_) | WordPart::Unknown(_));
        if let Some(values) = &values
            && !values.iter().any(|value| value.parts.iter().any(is_open))
        {
            if !self.may_leave(body) {
                // Every turn happens, one after the other.
                for value in values {
                    let parts = value.parts.as_slice().into();
                    self.around.set(name, Value::Parts(parts));
                    self.script(body, &setting.turn());
                }
                return;
            }
            if self.shows_each_step(body) {
                return self.turns_that_may_end(name, values, body, setting);
            }
        }
        let values = values.unwrap_or_else(|| {
            vec![Word {
                span,
                parts: vec![WordPart::Unknown(UnknownCause::Expansion)],
                ..Word::default()
            }]
        });
        let mark = self.around.mark();
        for mut value in values {
            value.parts.iter_mut().for_each(split_further);
            self.forget_set_in(&[body]);
            self.around.set(name, Value::Parts(value.parts.into()));
            self.script(body, &setting.branch());
        }
        self.around.blur(mark);
    }

    /// Walks the turns over known values of a loop that may end within any of them.
    ///
    /// Wherever a turn ends, what is set there was set at some step of it.
    fn turns_that_may_end(
        &mut self,
        name: &str,
        values: &[Word],
        body: &Script,
        setting: &Setting,
    ) {
        let mut first = None;
        for value in values {
            let parts = value.parts.as_slice().into();
            self.around.set(name, Value::Parts(parts));
            let mark = self.around.mark();
            first.get_or_insert(mark);
            self.script(body, &setting.branch());
            self.around.blur(mark);
        }
        if let Some(first) = first {
            self.around.blur(first);
        }
    }

    /// Returns whether walking `body` leaves a trace of each value that anything has
    /// at any step of it: branches and functions show what they come to alone.
    fn shows_each_step(&self, body: &Script) -> bool {
        let is_plain = |kind: &Kind| {
            matches!(
                kind,
                Kind::Simple { .. } | Kind::Arithmetic(_) | Kind::Test(_)
            )
        };
        let names = names_set(&[body]);
        let mut links = body.items.iter().flat_map(|item| &item.links);
        links.all(|link| link.pipeline.members.iter().all(|it| is_plain(&it.kind)))
            && !names.any_variable
            && !self.calls_function(&names)
    }

    /// Returns whether a part of a text may end the loop or the shell in which it stands.
    pub(super) fn may_leave(&self, body: &Script) -> bool {
        let names = names_set(&[body]);
        names.leaves || self.calls_function(&names)
    }

    /// Returns whether the shell may go on behind a part of a text from the midst of it.
    pub(super) fn may_go_on_behind(&self, part: &Script) -> bool {
        let names = names_set(&[part]);
        names.goes_on || self.calls_alias(&names)
    }

    /// Returns whether what runs in a function may end it before its last command.
    pub(crate) fn may_return(&self, body: &Node) -> bool {
        let names = names_set_by(body);
        names.goes_on || self.calls_alias(&names)
    }

    /// Returns whether what runs in a text may end it before its last command.
    pub(crate) fn text_may_return(&self, text: &str) -> bool {
        let mut parser = Parser::new(text, Origin::Offset(0), 0);
        loop {
            match parser.batch() {
                Ok(Some(script)) if self.may_go_on_behind(&script) => return true,
                Ok(Some(_)) => {}
                Ok(None) => return false,
                Err(_) => return true,
            }
        }
    }

    fn calls_function(&self, names: &Names) -> bool {
        let is_function = |name: &String| self.around.function(name).is_some();
        names.programs.iter().any(is_function) || self.calls_alias(names)
    }

    fn calls_alias(&self, names: &Names) -> bool {
        let is_alias = |name: &String| !self.around.alias(name).is_empty();
        names.programs.iter().any(is_alias)
    }

    /// Makes uncertain what a loop may have set in an earlier turn.
    fn forget_set_in(&mut self, scripts: &[&Script]) {
        let names = names_set(scripts);
        for name in &names.variables {
            self.around.forget(name);
        }
        let calls_function = self.calls_function(&names);
        if names.any_variable || calls_function {
            self.around.forget_all();
        }
        if names.directory || calls_function {
            self.around.move_to_unknown();
        }
        if names.positional {
            self.around.set_positional(None);
        }
    }
}

/// Makes of the value of a variable what it is after splitting: some part of it.
fn split_further(part: &mut WordPart) {
    if let WordPart::Unknown(UnknownCause::Variable(name)) = part
        && name != "PWD"
    {
        *part = WordPart::Unknown(UnknownCause::Expansion);
    }
}

/// Returns whether a pipeline is `read` alone.
pub(super) fn is_read(item: &Item) -> bool {
    let [link] = item.links.as_slice() else {
        return false;
    };
    let pipeline = &link.pipeline;
    let [node] = pipeline.members.as_slice() else {
        return false;
    };
    let Kind::Simple { words, .. } = &node.kind else {
        return false;
    };
    let is_named = words.first().and_then(RawWord::bare) == Some("read");
    is_named && !pipeline.negated && !item.background && node.redirections.is_empty()
}
