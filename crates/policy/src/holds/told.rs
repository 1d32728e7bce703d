//! What a command is told: the values of its options, and all of its text.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use aegis_types::{UnknownCause, Word, WordPart};

use super::line::{Line, is_literal, shown};
use super::options;
use crate::matcher::{OptionPattern, ShellPattern};
use crate::pattern::{Glob, Pattern};
use crate::sql::Statements;
use crate::truth::{Truth, WhyNot, WhyUnknown, any, every};

/// How much of what a command is told is looked at, in bytes.
const TOLD_BYTES_MAX: usize = 64 * 1024;

/// All that a command is told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// The variables set for it, its program, its words and the files that it is
    /// redirected to, with a blank between them, and the text that it reads in a
    /// line of its own. `$NAME` and `$()` stand for what only running would show.
    text: String,
    /// What the statements in SQL among it do, once that is asked.
    statements: OnceLock<Statements>,
    /// Whether nothing of it is only shown by running it.
    is_whole: bool,
}

/// The value of an option.
struct Value<'a> {
    shown: Cow<'a, str>,
    is_literal: bool,
    /// What it begins with for sure.
    start: String,
}

impl ShellPattern {
    /// Returns whether each option has one of its values.
    pub(super) fn options_hold(&self, line: &Line<'_>, restricts: bool) -> Truth {
        every(
            self.options
                .iter()
                .map(|option| option.holds(line, restricts)),
        )
    }

    /// Returns whether the conditions on text and on statements hold.
    ///
    /// A restriction goes by what is known of it, an allow only by all of it.
    pub(super) fn told_holds(&self, line: &Line<'_>, restricts: bool) -> Truth {
        if self.text.is_empty() && self.sql.is_empty() {
            return Truth::Yes;
        }
        let told = line.told.get_or_init(|| line.read_told());
        let unknown = || Truth::Unknown(unknown_words(line));
        if !told.is_whole && !restricts {
            return unknown();
        }
        let truth = |holds: bool| match holds {
            true => Truth::Yes,
            false if !told.is_whole => unknown(),
            false => Truth::No(WhyNot::Command { program: None }),
        };
        let matches = |pattern: &Pattern| pattern.is_match(&told.text).unwrap_or(restricts);
        truth(self.text.is_empty() || self.text.iter().any(matches)).and(|| {
            if self.sql.is_empty() {
                return Truth::Yes;
            }
            let statements = told.statements.get_or_init(|| line.read_statements());
            // What is too long or too deep to be read may do anything.
            match statements.is_whole() {
                true => truth(self.sql.iter().any(|kind| statements.does(*kind))),
                false if restricts => Truth::Yes,
                false => unknown(),
            }
        })
    }
}

impl OptionPattern {
    fn holds(&self, line: &Line<'_>, restricts: bool) -> Truth {
        let matches = |glob: &Glob, value: &Value<'_>| glob.matches_name(&value.shown);
        let truth = |value: &Value<'_>| {
            let globs = &self.value;
            if value.is_literal && globs.iter().any(|glob| matches(glob, value)) {
                Truth::Yes
            } else if !value.is_literal && globs.iter().any(|it| it.may_match_from(&value.start)) {
                Truth::Unknown(unknown_words(line))
            } else {
                Truth::No(WhyNot::Command { program: None })
            }
        };
        let values = line.values(&self.name);
        // A later value may take the place of one before it.
        let not = || WhyNot::Command { program: None };
        let truth = match (restricts, values.is_empty()) {
            (true, _) => any(values.iter().map(truth), not),
            (false, true) => Truth::No(not()),
            (false, false) => every(values.iter().map(truth)),
        };
        match truth {
            Truth::No(_) if line.hides_options => Truth::Unknown(unknown_words(line)),
            Truth::Yes | Truth::No(_) | Truth::Unknown(_) => truth,
        }
    }
}

fn unknown_words(line: &Line<'_>) -> WhyUnknown {
    WhyUnknown::Arguments {
        program: Arc::from(line.program.name().unwrap_or_default()),
    }
}

impl<'a> Line<'a> {
    /// Returns all that the command is told.
    fn read_told(&self) -> Told {
        let mut told = Told {
            is_whole: true,
            ..Told::default()
        };
        for assignment in &self.command.assignments {
            told.text.push_str(&assignment.name);
            told.text.push('=');
            told.push(&assignment.value);
            told.text.push(' ');
        }
        told.text
            .push_str(options::base_name(self.program.name().unwrap_or_default()));
        for word in &self.command.arguments {
            told.text.push(' ');
            told.push(word);
        }
        for redirection in self.command.redirections.iter().filter(|it| it.writes()) {
            told.text.push_str(" >");
            told.push(&redirection.target);
        }
        match aegis_shell::text_read(self.plan, self.at) {
            Some(text) if !text.is_empty() => {
                told.text.push('\n');
                told.text.push_str(&text);
            }
            Some(_) => {}
            None => told.is_whole = false,
        }
        if told.text.len() > TOLD_BYTES_MAX {
            let end = told.text.floor_char_boundary(TOLD_BYTES_MAX);
            told.text.truncate(end);
            told.is_whole = false;
        }
        told
    }

    /// Returns what the statements do that the command is told.
    fn read_statements(&self) -> Statements {
        let mut statements = Statements::default();
        for word in &self.command.arguments {
            statements.read(statement_of(&shown(word)));
        }
        if let Some(text) = aegis_shell::text_read(self.plan, self.at) {
            statements.read(&text);
        }
        statements
    }

    /// Returns the values that an option is given, in any of its spellings.
    fn values(&self, wanted: &str) -> Vec<Value<'a>> {
        let mut values = Vec::new();
        let mut words = self.command.arguments.iter();
        while let Some(word) = words.next() {
            let text = shown(word);
            if text == "--" {
                break;
            }
            if text.len() < 2 || !text.starts_with('-') {
                continue;
            }
            if self.is_option(&text, wanted) {
                values.extend(words.next().map(|value| Value::of(value, 0)));
                continue;
            }
            if let Some(end) = text.find('=')
                && text.get(..end).is_some_and(|it| self.is_option(it, wanted))
            {
                values.push(Value::of(word, end + 1));
                continue;
            }
            if let Some(end) = self.end_of_letters(&text, wanted) {
                values.extend(match end < text.len() || !is_literal(word) {
                    true => Some(Value::of(word, end)),
                    false => words.next().map(|value| Value::of(value, 0)),
                });
                continue;
            }
            let known = self.known();
            if known.is_some_and(|known| known.takes_value(&text)) {
                words.next();
            }
        }
        values
    }

    /// Returns whether `given` is a spelling of the option `wanted`.
    fn is_option(&self, given: &str, wanted: &str) -> bool {
        let is_same = |known: aegis_shell::ProgramOptions| {
            let normal = known.normal(wanted);
            normal.is_some() && known.normal(given) == normal
        };
        // One dash or two make no difference to what parses options in that way.
        let name = |option: &'_ str| option.trim_start_matches('-').len();
        let is_long = name(given) > 1 && !given.starts_with("--") && self.has_long_options();
        let is_dashed = is_long && given.trim_start_matches('-') == wanted.trim_start_matches('-');
        // Many programs accept an abbreviation that fits one option only.
        let is_short = given.starts_with("--") && given.len() > 4 && wanted.starts_with(given);
        given == wanted || is_dashed || is_short || self.known().is_some_and(is_same)
    }

    /// Returns where in `-abc` the value begins of the option that one of the letters is.
    fn end_of_letters(&self, text: &str, wanted: &str) -> Option<usize> {
        if text.starts_with("--") || self.has_long_options() {
            return None;
        }
        for (at, letter) in text.char_indices().skip(1) {
            let option = format!("-{letter}");
            let end = at + letter.len_utf8();
            if self.is_option(&option, wanted) {
                return Some(end);
            }
            if self.known()?.ends_letters(&option) {
                return None;
            }
        }
        None
    }
}

impl Told {
    fn push(&mut self, word: &Word) {
        self.is_whole &= is_literal(word);
        for part in &word.parts {
            match part {
                WordPart::Literal(text) | WordPart::Pattern(text) => self.text.push_str(text),
                WordPart::Home(user) => {
                    self.text.push('~');
                    self.text.push_str(user.as_deref().unwrap_or_default());
                }
                WordPart::Stream(_) => self.text.push_str("/dev/fd/"),
                WordPart::Unknown(UnknownCause::Variable(name)) => {
                    self.text.push('$');
                    self.text.push_str(name);
                }
                WordPart::Unknown(_) => self.text.push_str("$()"),
            }
        }
    }
}

/// Returns where in a word a statement may stand, be it the value of an option
/// in the same word.
fn statement_of(text: &str) -> &str {
    let statement = match text.strip_prefix('-') {
        None => Some(text),
        Some(option) if option.starts_with('-') => option.split_once('=').map(|it| it.1),
        Some(option) => option
            .char_indices()
            .nth(1)
            .and_then(|(at, _)| option.get(at..)),
    };
    statement.unwrap_or_default()
}

impl<'a> Value<'a> {
    /// Returns what follows the first `skipped` bytes of a word.
    fn of(word: &'a Word, skipped: usize) -> Self {
        let cut = |text: &str| text.get(skipped..).unwrap_or_default().to_owned();
        let first = word.parts.first();
        let start = first.map_or("", |part| match part {
            WordPart::Literal(text) => text,
            WordPart::Pattern(_)
            | WordPart::Home(_)
            | WordPart::Stream(_)
            | WordPart::Unknown(_) => "",
        });
        let whole = shown(word);
        Self {
            shown: match skipped {
                0 => whole,
                _ => Cow::Owned(cut(&whole)),
            },
            is_literal: is_literal(word),
            start: cut(start),
        }
    }
}

#[cfg(test)]
mod tests {
    use aegis_types::Verdict;
    use serde_json::json;

    use crate::{MemorySources, Source, parse};

    /// Returns what a rule that is about `shell` says of a command line.
    fn check(shell: &serde_json::Value, line: &str, verdict: Verdict) -> &'static str {
        let rule = json!({"id": "r", "match": {"shell": shell}, "verdict": "deny"});
        let policy =
            json!({"aegis": "policy/v1", "name": "p", "default": "allow", "rules": [rule]});
        let source = Source::new("p.yaml", &policy.to_string());
        let policy = parse(&source, &MemorySources::default()).unwrap().policy;
        let mut request = crate::holds::tests::shell_request();
        request.params = json!({"command": line});
        request.context.plan = Some(aegis_shell::plan(line));
        match policy.rules[0].matcher.holds(&request, verdict) {
            crate::Truth::Yes => "yes",
            crate::Truth::No(_) => "no",
            crate::Truth::Unknown(_) => "unknown",
        }
    }

    fn each(shell: &serde_json::Value, lines: &[&str], verdict: Verdict, expected: &str) {
        for line in lines {
            assert_eq!(check(shell, line, verdict), expected, "{line}");
        }
    }

    #[test]
    fn an_option_has_its_value_in_every_spelling() {
        let deletes = json!({"program": "curl", "options": {"-X": ["DELETE", "PUT"]}});
        let lines = [
            "curl -X DELETE u",
            "curl -XPUT u",
            "curl -sXDELETE u",
            "curl --request DELETE u",
            "curl --request=DEL''ETE u",
            "m=DELETE; curl -X $m u",
        ];
        each(&deletes, &lines, Verdict::Deny, "yes");
        let lines = [
            "curl -X GET u",
            "curl DELETE",
            "curl -o -X DELETE",
            "curl -- -X DELETE",
        ];
        each(&deletes, &lines, Verdict::Deny, "no");
        let lines = ["curl -X \"$m\" u", "curl $(cat o) u", "curl -X DE\"$m\" u"];
        each(&deletes, &lines, Verdict::Deny, "unknown");
        each(&deletes, &["curl -X DELETE u"], Verdict::Allow, "yes");
        each(&deletes, &["curl -X DELETE -X GET u"], Verdict::Allow, "no");
        each(&deletes, &["curl -X \"$m\" u"], Verdict::Allow, "unknown");
        let branch = json!({"program": "git", "subcommand": "checkout", "options": {"-B": "main"}});
        each(&branch, &["git checkout -qB main x"], Verdict::Deny, "yes");
        each(
            &branch,
            &["git checkout -qB topic main"],
            Verdict::Deny,
            "no",
        );
    }

    #[test]
    fn text_is_all_that_a_command_is_told() {
        let told = json!({"program": "tool", "text": r"^A=1 tool b c >d\ne\n?$"});
        let lines = [
            "A=1 tool b c >d <<< e",
            "A=1 to''ol 'b' \"c\" > d <<< 'e'",
            "x=c; A=1 tool b $x >d <<< e",
            "printf '%s' e | A=1 timeout 1 tool b c >d",
        ];
        each(&told, &lines, Verdict::Deny, "yes");
        each(
            &told,
            &["A=2 tool b c >d <<< e", "tool2 b"],
            Verdict::Deny,
            "no",
        );
        each(
            &told,
            &["cat f | A=1 tool b c >d", "tool $x"],
            Verdict::Deny,
            "unknown",
        );
        let shown = json!({"program": "tool", "text": r"\$HOST \$\(\)"});
        each(&shown, &["tool \"$HOST\" \"$(id)\""], Verdict::Deny, "yes");
        each(&shown, &["tool \"$HOST\" \"$(id)\""], Verdict::Allow, "no");
    }

    #[test]
    fn statements_too_long_or_too_deep_to_be_read_are_restricted() {
        let drops = json!({"program": "psql", "sql": "drop"});
        let calm = json!({"program": "psql", "text": "nothing", "sql": "drop"});
        let mut deep = "'x'".to_owned();
        for _ in 0..6 {
            deep = format!("'execute {}'", deep.replace('\'', "''"));
        }
        for line in [
            format!("psql -c \"{} drop table users\"", ";".repeat(16_384)),
            format!("psql -c \"{}\"", "(delete x".repeat(4_000)),
            format!("psql -c \"execute {deep}\""),
        ] {
            each(&drops, &[&line], Verdict::Deny, "yes");
            each(&calm, &[&line], Verdict::Deny, "no");
        }
    }

    #[test]
    fn statements_are_found_wherever_a_client_is_told_them() {
        let drops = json!({"program": "psql", "sql": "drop"});
        let lines = [
            "psql -c 'DROP TABLE users'",
            "psql -c DROP\\ TABLE\\ users",
            "psql -c\"DR\"'OP TABLE users'",
            "psql --command='drop table users'",
            "a=DROP; psql -c \"$a TABLE users\"",
            "psql <<< 'drop table users'",
            "printf '%s TABLE users' DROP | psql",
            "env timeout 1 sh -c 'psql -c \"drop table users\"'",
            "psql -c \"select '\\''; drop table users; -- '\"",
            "psql <<'X'\nselect 1; # '\ndrop table users; # '\nX",
        ];
        each(&drops, &lines, Verdict::Deny, "yes");
        each(
            &drops,
            &["psql -c 'select 1'", "psql shop"],
            Verdict::Deny,
            "no",
        );
        each(
            &drops,
            &["psql -c \"$q\"", "cat q | psql"],
            Verdict::Deny,
            "unknown",
        );
    }
}
