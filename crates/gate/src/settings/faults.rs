//! Finding all that is wrong with a settings file, in the words used for policies.

use std::ops::Range;

use aegis_policy::{Place, Problem, ProblemCode, Problems, Severity, Source, Suggestion, nearest};
use aegis_redact::visible;
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::ServerRoles;
use super::file::Values;
use super::service::ServiceValues;

/// The most characters of a key or a value in a message.
const CHARACTERS_MAX: usize = 60;

/// The keys of a settings file.
const KEYS: [&str; 11] = [
    "durability",
    "seal",
    "fallback",
    "headless",
    "environment",
    "mode",
    "approval_wait_max",
    "tenant",
    "agent",
    "mcp",
    "service",
];

/// The keys of `[mcp.NAME]`.
const ROLE_KEYS: [&str; 8] = [
    "path",
    "url",
    "host",
    "command",
    "query",
    "recipient",
    "text",
    "access",
];

/// The keys of `[service]`.
const SERVICE_KEYS: [&str; 4] = ["socket", "user", "deadline", "start_with_session"];

/// Returns all that is wrong with `text`, the content of the settings file
/// called `name`; `first` is what the parser met first.
pub(super) fn faults(name: &str, text: &str, first: &toml::de::Error) -> Problems {
    let mut found = Found {
        text,
        problems: Vec::new(),
    };
    let (table, unread) = DeTable::parse_recoverable(text);
    for error in &unread {
        found.syntax(error);
    }
    // Of a text that is not well formed nobody can tell what was meant.
    if unread.is_empty() {
        found.settings(table.get_ref());
    }
    if found.problems.is_empty() {
        found.syntax(first);
    }
    found.problems.sort_by_key(|problem| problem.span.start);
    Problems(found.problems, vec![Source::new(name, text)])
}

/// What was found so far.
struct Found<'a> {
    text: &'a str,
    problems: Vec<Problem>,
}

/// Where a key stands, as people and the parser name it.
#[derive(Clone, Copy)]
struct Part<'a> {
    noun: &'a str,
    keys: &'a [&'static str],
}

impl Found<'_> {
    fn settings(&mut self, table: &DeTable<'_>) {
        let part = Part {
            noun: "the settings",
            keys: &KEYS,
        };
        for (key, value) in self.known(table, part) {
            match key.as_str() {
                "mcp" => self.each_table(value, "mcp", &mut |found, roles| {
                    found.roles(roles);
                }),
                "service" => self.service(value),
                key => self.leaf::<Values>(key, value, key),
            }
        }
    }

    fn roles(&mut self, table: &DeTable<'_>) {
        let part = Part {
            noun: "the arguments of a server",
            keys: &ROLE_KEYS,
        };
        for (key, value) in self.known(table, part) {
            if let DeValue::Table(ways) = value.get_ref()
                && key == "access"
            {
                for (tool, way) in ways {
                    // A text in JSON is one in TOML.
                    let tool = serde_json::Value::from(tool.get_ref().as_ref());
                    self.leaf::<ServerRoles>(&format!("access.{tool}"), way, "access");
                }
            } else {
                self.leaf::<ServerRoles>(&key, value, &key);
            }
        }
    }

    fn service(&mut self, value: &Spanned<DeValue<'_>>) {
        let DeValue::Table(table) = value.get_ref() else {
            self.no_table("`service`", value, "[service]");
            return;
        };
        let part = Part {
            noun: "the settings of the service",
            keys: &SERVICE_KEYS,
        };
        for (key, value) in self.known(table, part) {
            self.leaf::<ServiceValues>(&key, value, &key);
        }
    }

    fn each_table(
        &mut self,
        value: &Spanned<DeValue<'_>>,
        key: &str,
        look: &mut dyn FnMut(&mut Self, &DeTable<'_>),
    ) {
        let header = format!("[{key}.NAME]");
        let DeValue::Table(tables) = value.get_ref() else {
            self.no_table(&format!("`{key}`"), value, &header);
            return;
        };
        for (name, value) in tables {
            if let DeValue::Table(table) = value.get_ref() {
                look(self, table);
            } else {
                self.no_table(&shown(name.get_ref()), value, &header);
            }
        }
    }

    fn no_table(&mut self, key: &str, value: &Spanned<DeValue<'_>>, header: &str) {
        let message = format!("{key} is no table");
        let help = Some(format!("begin one with `{header}` on a line of its own"));
        self.add(ProblemCode::WrongType, value.span(), message, help);
    }

    /// Returns the entries of `table` whose keys are known, and reports the others.
    fn known<'t, 'i>(
        &mut self,
        table: &'t DeTable<'i>,
        part: Part<'_>,
    ) -> Vec<(String, &'t Spanned<DeValue<'i>>)> {
        let mut known = Vec::new();
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            if part.keys.contains(&name) {
                known.push((name.to_owned(), value));
                continue;
            }
            let message = format!("unknown key {} in {}", shown(name), part.noun);
            self.slip(
                ProblemCode::UnknownKey,
                key.span(),
                message,
                name,
                part.keys,
            );
        }
        known
    }

    /// Reports what is wrong with one value, if `T` does not take it under the
    /// key that is written `path`.
    fn leaf<T: DeserializeOwned>(&mut self, path: &str, value: &Spanned<DeValue<'_>>, key: &str) {
        let written = self.text.get(value.span()).unwrap_or_default();
        let Err(error) = toml::from_str::<T>(&format!("{path} = {written}")) else {
            return;
        };
        let message = error.message();
        if let Some((found, expected)) = unknown_variant(message) {
            let message = format!("unknown value {} for `{key}`", shown(found));
            let code = ProblemCode::UnknownValue;
            self.slip(code, value.span(), message, found, &expected);
        } else if let Some((found, expected)) = wrong_type(message) {
            let message = format!("`{key}` must be {expected}, and is {found}");
            self.add(ProblemCode::WrongType, value.span(), message, None);
        } else if message.starts_with("data did not match") {
            let message = format!("`{key}` does not take {}", shown(written));
            let help = match key {
                "access" => "write `read`, `write`, `delete`, `execute`, or a list of them",
                _ => "write a number or a name",
            };
            let help = Some(help.to_owned());
            self.add(ProblemCode::WrongType, value.span(), message, help);
        } else {
            let code = match key {
                "approval_wait_max" | "deadline" => ProblemCode::BadDuration,
                "tenant" | "agent" => ProblemCode::BadName,
                _ => ProblemCode::OutOfRange,
            };
            let message = format!("`{key}` is not valid: {message}");
            self.add(code, value.span(), message, None);
        }
    }

    /// Reports a word that is none of those that are `known`.
    fn slip(
        &mut self,
        code: ProblemCode,
        span: Range<usize>,
        message: String,
        word: &str,
        known: &[&str],
    ) {
        let near = nearest(word, known.iter().copied());
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None if code == ProblemCode::UnknownKey => {
                format!("the keys here are `{}`", known.join("`, `"))
            }
            None => format!("the values here are `{}`", known.join("`, `")),
        };
        // A value stands in quotes, and keeps them.
        let written = self.text.get(span.clone()).unwrap_or_default();
        let suggestion = near.map(|near| Suggestion {
            span: span.clone(),
            replacement: written.replacen(word, near, 1),
            is_safe: false,
        });
        self.add(code, span, message, Some(help));
        if let Some(problem) = self.problems.last_mut() {
            problem.suggestion = suggestion;
        }
    }

    fn syntax(&mut self, error: &toml::de::Error) {
        let span = error.span().unwrap_or_default();
        self.add(ProblemCode::Syntax, span, error.message().to_owned(), None);
    }

    fn add(
        &mut self,
        code: ProblemCode,
        span: Range<usize>,
        message: String,
        help: Option<String>,
    ) {
        self.problems.push(Problem {
            severity: Severity::Error,
            code,
            place: place(self.text, span.start),
            span,
            message: visible(&message, 1_000),
            help: help.map(|help| visible(&help, 1_000)),
            suggestion: None,
            related: None,
        });
    }
}

/// Returns the line and the column of the byte `at`.
fn place(text: &str, at: usize) -> Place {
    let before = text.get(..at).unwrap_or_default();
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let line_before = before.rsplit('\n').next().unwrap_or_default();
    Place {
        source: 0,
        line: count(before.matches('\n').count() + 1),
        column: count(line_before.chars().count() + 1),
    }
}

fn shown(text: &str) -> String {
    format!("`{}`", visible(text, CHARACTERS_MAX))
}

/// Returns the value that a message of the parser says is none, and those that are.
///
/// The parser tells what it expects as text only, so the text is read: a second
/// table of every value beside the types would be one that drifts. A text of another
/// form is shown as it is, and the tests here show when a form has changed.
fn unknown_variant(message: &str) -> Option<(&str, Vec<&str>)> {
    let rest = message.strip_prefix("unknown variant `")?;
    let (found, rest) = rest.rsplit_once("`, expected ")?;
    Some((found, rest.split('`').skip(1).step_by(2).collect()))
}

/// Returns what a message of the parser says was found, and what was expected.
fn wrong_type(message: &str) -> Option<(&str, &str)> {
    let rest = message.strip_prefix("invalid type: ")?;
    rest.rsplit_once(", expected ")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::file::{LoadSettingsError, SettingsFile};

    fn check(text: &str, expected: &[&str]) {
        let read = SettingsFile::parse(Path::new("s.toml"), text.to_owned());
        let Err(LoadSettingsError::Invalid { problems, .. }) = read else {
            panic!("{text} is taken for settings");
        };
        let told: Vec<String> = problems
            .0
            .iter()
            .map(|it| {
                let help = it.help.as_deref().unwrap_or("-");
                let (line, column) = (it.place.line, it.place.column);
                format!("{line}:{column} {} {} | {help}", it.code, it.message)
            })
            .collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        check(
            "headles = \"wait\"\nmode = \"enforced\"\napproval_wait_max = \"soon\"\n\n[service]\n\
             sockt = \"/run/s\"\nstart_with_session = 3\n\n[mcp.web]\nurls = [\"page\"]\n\
             [mcp.web.access]\nget = \"reed\"\n",
            &[
                "1:1 unknown-key unknown key `headles` in the settings | did you mean `headless`?",
                "2:8 unknown-value unknown value `enforced` for `mode` | did you mean `enforce`?",
                "3:21 bad-duration `approval_wait_max` is not valid: expected a whole number before the unit in `soon` | -",
                "6:1 unknown-key unknown key `sockt` in the settings of the service | did you mean `socket`?",
                "7:22 wrong-type `start_with_session` must be a boolean, and is integer `3` | -",
                "10:1 unknown-key unknown key `urls` in the arguments of a server | did you mean `url`?",
                "12:7 wrong-type `access` does not take `\"reed\"` | write `read`, `write`, `delete`, `execute`, or a list of them",
            ],
        );
    }

    #[test]
    fn what_is_not_well_formed_is_told_where_it_is() {
        check(
            "mode = \n",
            &["1:8 syntax string values must be quoted, expected literal string | -"],
        );
    }

    #[test]
    fn a_value_of_another_shape_is_told() {
        check(
            "mcp = 1\nservice = []\n",
            &[
                "1:7 wrong-type `mcp` is no table | begin one with `[mcp.NAME]` on a line of its own",
                "2:11 wrong-type `service` is no table | begin one with `[service]` on a line of its own",
            ],
        );
        check(
            "[mcp]\nweb = 1\n",
            &[
                "2:7 wrong-type `web` is no table | begin one with `[mcp.NAME]` on a line of its own",
            ],
        );
    }

    #[test]
    fn every_key_is_known_to_the_parser_and_to_the_messages() {
        for (table, keys) in [
            ("", &super::KEYS[..]),
            ("[mcp.x]\n", &super::ROLE_KEYS),
            ("[service]\n", &super::SERVICE_KEYS),
        ] {
            let read = SettingsFile::parse(Path::new("s.toml"), format!("{table}no-such = 1"));
            let error = toml::from_str::<super::Values>(&format!("{table}no-such = 1"));
            assert!(read.is_err());
            let message = error.unwrap_err().message().to_owned();
            let told: Vec<&str> = message.split('`').skip(3).step_by(2).collect();
            assert_eq!(told, keys, "{message}");
        }
    }
}
