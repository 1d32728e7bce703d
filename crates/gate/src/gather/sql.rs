//! What statements in SQL do, by the words they begin with.

use aegis_types::EffectKind;

/// How many statements of one text are looked at.
const STATEMENTS_MAX: usize = 256;

/// Returns the effects of the statements in `text`; unknown ones where a word
/// is not known.
///
/// Every `;` ends a statement, and only comments before one are passed over,
/// in quotes too: rather one effect too many.
pub(crate) fn effects(text: &str) -> Vec<EffectKind> {
    let mut kinds: Vec<EffectKind> = Vec::new();
    let mut statements = text.split(';').map(words_of).filter(|it| !it.is_empty());
    for words in statements.by_ref().take(STATEMENTS_MAX) {
        kinds.extend(of_statement(&words));
    }
    if statements.next().is_some() {
        kinds.push(EffectKind::Unknown);
    }
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// Returns whether a text begins like a statement.
pub(crate) fn is_statement(text: &str) -> bool {
    let words = words_of(text.split(';').next().unwrap_or_default());
    !words.is_empty() && !of_statement(&words).contains(&EffectKind::Unknown)
}

fn words_of(statement: &str) -> Vec<String> {
    after_comments(statement)
        .split(|character: char| !(character.is_alphanumeric() || character == '_'))
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect()
}

fn of_statement(words: &[String]) -> Vec<EffectKind> {
    let Some((first, rest)) = words.split_first() else {
        return Vec::new();
    };
    let has = |word: &str| rest.iter().any(|other| other == word);
    match first.as_str() {
        "select" | "with" | "values" | "table" | "from" | "explain" | "show" | "describe"
        | "desc" => {
            let mut kinds = vec![EffectKind::Read];
            if ["insert", "update", "merge", "into", "create"]
                .into_iter()
                .any(has)
            {
                kinds.push(EffectKind::Write);
            }
            if has("delete") {
                kinds.push(EffectKind::Delete);
            }
            kinds
        }
        "pragma" => vec![EffectKind::Read, EffectKind::Write],
        "insert" | "update" | "replace" | "merge" | "upsert" | "create" | "comment" | "rename"
        | "load" | "import" | "attach" | "detach" | "vacuum" | "reindex" | "analyze"
        | "optimize" | "refresh" | "lock" => vec![EffectKind::Write],
        "alter" if has("drop") => vec![EffectKind::Write, EffectKind::Delete],
        "alter" => vec![EffectKind::Write],
        "copy" | "unload" | "export" => {
            let mut kinds = vec![EffectKind::Read, EffectKind::Write];
            if has("program") {
                kinds.push(EffectKind::Execute);
            }
            kinds
        }
        "delete" | "drop" | "truncate" | "purge" => vec![EffectKind::Delete],
        "grant" | "revoke" | "reassign" => vec![EffectKind::Privilege],
        "begin" | "start" | "commit" | "rollback" | "end" | "savepoint" | "release" | "use"
        | "set" | "reset" => Vec::new(),
        // `do`, `call`, `execute`: code that is not looked into.
        _ => vec![EffectKind::Unknown],
    }
}

/// Returns what follows the comments at the beginning of a statement; what only
/// some databases take for one is none.
fn after_comments(statement: &str) -> &str {
    let mut rest = statement.trim_start();
    loop {
        let end = match rest {
            _ if rest.starts_with("--") => "\n",
            _ if rest.starts_with("/*!") => return rest,
            _ if rest.starts_with("/*") => "*/",
            _ => return rest,
        };
        rest = rest
            .split_once(end)
            .map_or("", |(_, after)| after.trim_start());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_do_what_their_first_words_say() {
        use EffectKind::{Delete, Execute, Privilege, Read, Unknown, Write};
        for (text, expected) in [
            ("SELECT * FROM users", &[Read][..]),
            ("  -- note\n/* x */ select 1;", &[Read]),
            ("select * into backup from users", &[Read, Write]),
            (
                "with gone as (delete from t returning *) select * from gone",
                &[Read, Delete],
            ),
            ("explain analyze delete from t", &[Read, Delete]),
            ("select 1; DROP TABLE users", &[Read, Delete]),
            ("/*! drop table users */", &[Delete]),
            ("select '--'; drop table users", &[Read, Delete]),
            ("/* ; */ drop table users", &[Delete]),
            ("insert into t values (1)", &[Write]),
            ("alter table t drop column c", &[Write, Delete]),
            ("copy t to program 'sh'", &[Read, Write, Execute]),
            ("grant all on t to public", &[Privilege]),
            ("begin; commit", &[]),
            ("call purge_all()", &[Unknown]),
            ("", &[]),
        ] {
            assert_eq!(effects(text), expected, "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_statements() {
        assert!(is_statement("update t set a = 1"));
        for text in ["how do I update a table", "{\"find\": 1}", "", "call x()"] {
            assert!(!is_statement(text), "{text}");
        }
    }
}
