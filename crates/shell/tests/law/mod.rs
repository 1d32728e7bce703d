//! The laws that hold for every text, each stated once.
//!
//! A function is given an input and panics where a law is broken. The property
//! tests, the kept inputs and the fuzz targets all come through these.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    dead_code,
    missing_docs
)]

pub mod code;
pub mod plan;
pub mod table;
pub mod text;

use std::collections::BTreeSet;

use aegis_shell::effects;
use aegis_types::{Plan, Span, UnknownCause, Word};

/// The most commands of a plan.
const COMMANDS_MAX: usize = 4_096;

/// What an input is held against.
pub type Laws = fn(&str);

/// Each target of the fuzzer, with its laws.
pub const TARGETS: [(&str, Laws); 4] = [
    ("parser", parser),
    ("effects", all_effects),
    ("table", table::laws),
    ("code", code::laws),
];

/// The laws of plans.
pub fn parser(text: &str) {
    plan::places_lie_within(text);
    plan::equal_texts_have_equal_plans(text);
    plan::quoting_plain_words_changes_nothing(text);
    plan::powershell_is_named_and_not_followed(text);
}

/// The laws of what plans would do.
pub fn all_effects(text: &str) {
    text::whatever_is_listed_can_be_looked_at(text);
    text::effects_are_bounded_and_equal(text);
    text::nothing_is_hidden_by_its_neighbours(text);
    text::a_group_does_what_is_in_it(text);
}

/// Returns the words of a plan.
pub fn words(plan: &Plan) -> impl Iterator<Item = &Word> {
    plan.commands.iter().flat_map(|command| {
        let assigned = command.assignments.iter().map(|it| &it.value);
        let redirected = command.redirections.iter().map(|it| &it.target);
        let given = command.program.iter().chain(&command.arguments);
        given.chain(assigned).chain(redirected)
    })
}

/// Returns what a plan would do, without the words that cause it.
pub fn done(plan: &Plan) -> BTreeSet<String> {
    let effects = effects(plan).into_iter();
    effects
        .map(|effect| format!("{} {:?}", effect.kind.as_str(), effect.resource))
        .collect()
}

/// Asserts that a place lies within the text, at the bounds of characters.
pub fn within(text: &str, span: Span) {
    assert!(span.start <= span.end, "{span:?}");
    let found = text.get(span.start as usize..span.end as usize);
    assert!(found.is_some(), "{span:?}");
}

/// Returns whether all of the text was read.
pub fn is_read(plan: &Plan) -> bool {
    plan.unknowns.iter().all(|unknown| {
        !matches!(
            unknown.cause,
            UnknownCause::Syntax | UnknownCause::TooComplex
        )
    })
}

/// Returns `text` as one word of a shell.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
