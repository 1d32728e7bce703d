//! What statements in SQL do, as far as a rule may ask for it.
//!
//! Text is told apart into words, names, values and signs, so that quotes,
//! comments and letter case hide nothing, and what stands in a value is no
//! statement.

mod dialect;
mod token;

use serde::{Deserialize, Serialize};

use dialect::Dialect;
use token::{Token, tokens};

/// How deep statements in the values of other ones are looked into.
const DEPTH_MAX: u8 = 4;

/// How many bytes and tokens are looked at, each as often as it is.
const STEPS_MAX: usize = 256 * 1024;

/// Words after `drop` that name what goes, be its own name hidden.
const DROPPED: [&str; 33] = [
    "aggregate",
    "collection",
    "column",
    "constraint",
    "database",
    "domain",
    "event",
    "extension",
    "foreign",
    "function",
    "if",
    "index",
    "keyspace",
    "login",
    "materialized",
    "owned",
    "partition",
    "policy",
    "procedure",
    "publication",
    "role",
    "routine",
    "schema",
    "sequence",
    "server",
    "stream",
    "subscription",
    "table",
    "tablespace",
    "trigger",
    "type",
    "user",
    "view",
];

/// Functions that reach files, programs or servers beside the database.
const OUTSIDE: [&str; 16] = [
    "dblink",
    "dblink_connect",
    "dblink_exec",
    "edit",
    "executable",
    "load_extension",
    "load_file",
    "lo_export",
    "lo_import",
    "pg_ls_dir",
    "pg_read_binary_file",
    "pg_read_file",
    "sys_eval",
    "sys_exec",
    "writefile",
    "xp_cmdshell",
];

/// Extensions that do the same.
const EXTENSIONS: [&str; 5] = ["adminpack", "dblink", "file_fdw", "plsh", "postgres_fdw"];

/// Tables and columns that hold passwords.
const SECRETS: [&str; 5] = [
    "authentication_string",
    "pg_authid",
    "pg_shadow",
    "pg_user_mapping",
    "rolpassword",
];

/// Words at the beginning before values that are run: of statements, and of
/// command lines for clients.
const RUNNING: [&str; 11] = [
    "begin", "do", "exec", "execute", "mariadb", "mysql", "prepare", "psql", "set", "sqlcmd",
    "sqlite3",
];

/// Words after which a statement may begin that is given within another one.
const STARTS: [&str; 8] = [
    "analyze", "as", "begin", "else", "explain", "loop", "then", "verbose",
];

/// What a statement does.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SqlKind {
    /// It removes a table, a column or anything else that has a name.
    Drop,
    /// It empties a table.
    Truncate,
    /// It removes every row, for it says no others.
    DeleteAll,
    /// It changes every row.
    UpdateAll,
    /// It gives rights, or makes or changes an account.
    Grant,
    /// It reaches a program, a file or a server beside the database.
    Outside,
    /// It names where passwords are kept.
    Secret,
    /// It stops the server, or changes how it runs.
    Server,
}

impl SqlKind {
    /// Every kind, by its name in a policy.
    pub(crate) const NAMES: [(&'static str, Self); 8] = [
        ("drop", Self::Drop),
        ("truncate", Self::Truncate),
        ("delete_all", Self::DeleteAll),
        ("update_all", Self::UpdateAll),
        ("grant", Self::Grant),
        ("outside", Self::Outside),
        ("secret", Self::Secret),
        ("server", Self::Server),
    ];
}

/// What the statements in some texts do.
#[derive(Debug)]
pub(crate) struct Statements {
    kinds: Vec<SqlKind>,
    /// How much may still be looked at.
    steps: usize,
    /// Whether every statement was looked at.
    is_whole: bool,
}

impl Default for Statements {
    fn default() -> Self {
        Self {
            kinds: Vec::new(),
            steps: STEPS_MAX,
            is_whole: true,
        }
    }
}

impl Statements {
    /// Adds the statements in `text`; text that is no SQL has none.
    ///
    /// Which database reads it is not known, so each may: what one takes for a
    /// value or a comment is a statement to another.
    pub(crate) fn read(&mut self, text: &str) {
        for dialect in Dialect::of(text) {
            self.read_as(text, dialect, DEPTH_MAX);
        }
    }

    /// Returns whether a statement does something of a kind, as far as was seen.
    pub(crate) fn does(&self, kind: SqlKind) -> bool {
        self.kinds.contains(&kind)
    }

    /// Returns whether nothing was too long or too deep to be looked at.
    pub(crate) fn is_whole(&self) -> bool {
        self.is_whole
    }

    fn read_as(&mut self, text: &str, dialect: Dialect, depth: u8) {
        let read = text.get(..text.floor_char_boundary(self.steps));
        self.spend(text.len());
        let tokens = tokens(read.unwrap_or_default(), dialect);
        for statement in tokens.split(|token| token.is_sign(';')) {
            for at in 0..statement.len() {
                let kind = self.kind_at(statement, at);
                self.kinds.extend(kind.filter(|kind| !self.does(*kind)));
            }
            // What such a statement, or a client, is given as a value is run.
            let first = statement.first().and_then(Token::word);
            if !first.is_some_and(|word| RUNNING.contains(&word)) {
                continue;
            }
            for value in statement.iter().filter_map(Token::value) {
                match depth.checked_sub(1) {
                    Some(deeper) => self.read_as(value, dialect, deeper),
                    None => self.is_whole = false,
                }
            }
        }
    }

    /// Returns whether so many steps are left, which are then taken.
    fn spend(&mut self, steps: usize) -> bool {
        let left = self.steps.checked_sub(steps);
        self.steps = left.unwrap_or_default();
        self.is_whole &= left.is_some();
        left.is_some()
    }

    /// Returns what the words from `at` on say by themselves.
    fn kind_at(&mut self, statement: &[Token], at: usize) -> Option<SqlKind> {
        let rest = statement.get(at..)?;
        let word = rest.first()?.word()?;
        let next = rest.get(1).and_then(Token::word);
        let is_call = rest.get(1).is_some_and(|token| token.is_sign('('));
        let begins = begins_at(statement, at);
        match word {
            "drop" if begins || is_of_alter(statement) => {
                let is_named = next.is_some_and(|next| DROPPED.contains(&next));
                let is_more = rest.get(2).is_some_and(|token| !token.is_sign(')'));
                let drops = is_named || next.is_some() && is_more || !begins && rest.len() > 1;
                drops.then_some(SqlKind::Drop)
            }
            "truncate" if begins && rest.len() > 1 && !is_call => Some(SqlKind::Truncate),
            "detach" if next == Some("delete") => Some(SqlKind::DeleteAll),
            "delete" if begins && rest.len() > 1 => {
                is_about_all(self.own(rest)?).then_some(SqlKind::DeleteAll)
            }
            "update" if begins => {
                let own = self.own(rest)?;
                let sets = own.iter().any(|token| token.is_word("set"));
                (sets && is_about_all(own)).then_some(SqlKind::UpdateAll)
            }
            "grant" | "reassign" if begins && rest.len() > 1 => Some(SqlKind::Grant),
            "create" | "alter" if begins => of_definition(rest),
            "superuser" => Some(SqlKind::Grant),
            "to" | "from" if next == Some("program") => Some(SqlKind::Outside),
            "to" => leads_outside(rest.get(1)?.value()?).then_some(SqlKind::Outside),
            "into" if matches!(next, Some("outfile" | "dumpfile")) => Some(SqlKind::Outside),
            _ if OUTSIDE.contains(&word) && (is_call || word == "xp_cmdshell") => {
                Some(SqlKind::Outside)
            }
            _ if SECRETS.contains(&word) => Some(SqlKind::Secret),
            "mysql" if rest.get(1)?.is_sign('.') && rest.get(2)?.is_word("user") => {
                Some(SqlKind::Secret)
            }
            "shutdown" if begins => Some(SqlKind::Server),
            "reset" if begins && matches!(next, Some("master" | "slave" | "replica")) => {
                Some(SqlKind::Server)
            }
            "purge" if begins && matches!(next, Some("binary" | "master")) => Some(SqlKind::Server),
            "system" if begins && next == Some("shutdown") => Some(SqlKind::Server),
            _ => None,
        }
    }

    /// Returns the tokens of a statement up to the bracket that closes it, if so
    /// many may still be looked at.
    fn own<'a>(&mut self, rest: &'a [Token]) -> Option<&'a [Token]> {
        let mut depth = 0_usize;
        let closes = |token: &Token| {
            let is_closed = token.is_sign(')') && depth == 0;
            match token {
                Token::Sign('(') => depth += 1,
                Token::Sign(')') => depth = depth.saturating_sub(1),
                Token::Sign(_) | Token::Word(_) | Token::Value(_) => {}
            }
            is_closed
        };
        let looked_at = rest.get(..self.steps).unwrap_or(rest);
        let length = looked_at.iter().position(closes).unwrap_or(rest.len());
        rest.get(..length).filter(|_| self.spend(length))
    }
}

/// Returns what `create` or `alter` makes, where that matters.
fn of_definition(rest: &[Token]) -> Option<SqlKind> {
    let is_filler = |word: &str| matches!(word, "or" | "replace" | "if" | "not" | "exists");
    let mut words = rest.iter().skip(1).filter_map(Token::word);
    let made = words.find(|word| !is_filler(word))?;
    match made {
        "role" | "user" | "login" => Some(SqlKind::Grant),
        "system" => Some(SqlKind::Server),
        "subscription" | "server" => Some(SqlKind::Outside),
        "extension" | "language" => {
            let name = words.find(|word| !is_filler(word))?;
            let is_untrusted = name.starts_with("pl") && name.ends_with('u');
            (is_untrusted || EXTENSIONS.contains(&name)).then_some(SqlKind::Outside)
        }
        _ => None,
    }
}

/// Returns whether a statement begins at `at`, be it within another one.
fn begins_at(statement: &[Token], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).and_then(|at| statement.get(at)) else {
        return true;
    };
    before.is_sign('(') || before.word().is_some_and(|word| STARTS.contains(&word))
}

fn is_of_alter(statement: &[Token]) -> bool {
    statement
        .first()
        .is_some_and(|token| token.is_word("alter"))
}

/// Returns whether a file lies hidden, or an address is one of another machine.
fn leads_outside(target: &str) -> bool {
    target.contains("/.") || target.contains("://")
}

/// Returns whether a statement is about every row: it has no condition, or one
/// that any row fulfils.
fn is_about_all(rest: &[Token]) -> bool {
    let mut depth = 0_usize;
    let mut condition: Option<Vec<&Token>> = None;
    for token in rest {
        if token.is_sign('(') {
            depth += 1;
        } else if token.is_sign(')') {
            depth = depth.saturating_sub(1);
        } else if depth == 0 && condition.is_none() && token.is_word("where") {
            condition = Some(Vec::new());
            continue;
        }
        if depth == 0 && matches!(token.word(), Some("returning" | "order" | "limit")) {
            break;
        }
        if let Some(condition) = &mut condition {
            condition.push(token);
        }
    }
    let Some(condition) = condition else {
        return true;
    };
    let mut alternatives = condition.split(|token| token.is_word("or"));
    alternatives.any(is_always_true)
}

fn is_always_true(mut condition: &[&Token]) -> bool {
    while let [first, inner @ .., last] = condition
        && first.is_sign('(')
        && last.is_sign(')')
    {
        condition = inner;
    }
    let is_zero = |token: &Token| token.is_word("0");
    match condition {
        [only] => only.word().is_some_and(|word| {
            word == "true" || word != "0" && word.bytes().all(|digit| digit.is_ascii_digit())
        }),
        [left, sign, right] if sign.is_sign('=') && left == right => true,
        [_, sign, right] if sign.is_sign('>') && is_zero(right) => true,
        [_, sign, equal, right] if sign.is_sign('>') && equal.is_sign('=') && is_zero(right) => {
            true
        }
        [_, is, not, null] => is.is_word("is") && not.is_word("not") && null.is_word("null"),
        [_, like, any] => like.is_word("like") && any.value() == Some("%"),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
