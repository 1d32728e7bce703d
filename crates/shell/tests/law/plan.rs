//! The laws of plans.

use aegis_shell::{plan, plan_powershell, program_name};
use aegis_types::{Plan, UnknownCause, Word};

use super::{COMMANDS_MAX, is_read, within, words};

/// The longest text that is read, in bytes.
const TEXT_BYTES_MAX: usize = 256 * 1024;

/// Asserts that whatever a plan lists has a place in the text, and that a text
/// is read or said not to be.
pub fn places_lie_within(text: &str) {
    check(text, &plan(text));
}

/// Asserts that equal texts have equal plans.
pub fn equal_texts_have_equal_plans(text: &str) {
    assert_eq!(plan(text), plan(text));
    assert_eq!(plan_powershell(text), plan_powershell(text));
}

/// Asserts that the commands of PowerShell are named in lower case, and that a
/// text that computes is said not to be followed.
pub fn powershell_is_named_and_not_followed(text: &str) {
    let plan = plan_powershell(text);
    check(text, &plan);
    let computes = text.contains(['$', '`', '(', '{', '@']) && !text.contains(['\'', '"']);
    assert!(!computes || !plan.unknowns.is_empty());
    let other = plan_powershell(&text.to_ascii_uppercase());
    assert_eq!(programs(&plan), programs(&other));
}

fn programs(plan: &Plan) -> Vec<Option<&Word>> {
    let commands = plan.commands.iter();
    commands.map(|command| command.program.as_ref()).collect()
}

fn check(text: &str, plan: &Plan) {
    let places = words(plan)
        .map(|word| word.span)
        .chain(plan.commands.iter().map(|command| command.span))
        .chain(plan.unknowns.iter().map(|unknown| unknown.span));
    for span in places {
        within(text, span);
    }
    assert!(plan.commands.len() <= COMMANDS_MAX);
    let is_long = text.len() > TEXT_BYTES_MAX;
    let is_said = plan
        .unknowns
        .iter()
        .any(|unknown| unknown.cause == UnknownCause::TooComplex);
    assert!(!is_long || is_said);
}

/// Asserts that single quotes around plain words change no command.
///
/// Looked at are the arguments of commands that stand in the text itself; what
/// is text within text has other quotes around it. Whether `time` is a word of
/// the shell or a program depends on the dash after it, so it is left out.
pub fn quoting_plain_words_changes_nothing(text: &str) {
    let found = plan(text);
    if !is_read(&found) {
        return;
    }
    let mut places: Vec<(usize, usize)> = found
        .commands
        .iter()
        .filter(|command| command.through.is_empty())
        .filter(|command| program_name(command).as_deref() != Some("time"))
        .flat_map(|command| &command.arguments)
        .map(|word| (word, word.span.start as usize..word.span.end as usize))
        .filter(|(word, place)| word.literal().as_deref() == text.get(place.clone()))
        .map(|(_, place)| (place.start, place.end))
        .filter(|(start, end)| is_plain(&text[*start..*end]))
        .collect();
    places.sort_unstable();
    places.dedup();
    let mut other = String::new();
    let mut done = 0;
    for (start, end) in places {
        if start < done || !is_alone(text, start, end) {
            continue;
        }
        other.push_str(&text[done..start]);
        other.push_str(&format!("'{}'", &text[start..end]));
        done = end;
    }
    other.push_str(&text[done..]);
    assert_eq!(shape(&found), shape(&plan(&other)), "{other}");
}

fn is_plain(text: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "/._-".contains(letter);
    !text.is_empty() && text.chars().all(is_letter)
}

/// Returns whether blanks or the ends of a line are on both sides.
fn is_alone(text: &str, start: usize, end: usize) -> bool {
    let is_blank = |letter: Option<char>| letter.is_none_or(|it| matches!(it, ' ' | '\t' | '\n'));
    is_blank(text[..start].chars().next_back()) && is_blank(text[end..].chars().next())
}

/// Returns the words of each command, without their places.
fn shape(plan: &Plan) -> Vec<Vec<String>> {
    let shown = |word: &Word| format!("{:?}", word.parts);
    plan.commands
        .iter()
        .map(|command| {
            let given = command.program.iter().chain(&command.arguments);
            given.map(shown).collect()
        })
        .collect()
}

/// Asserts that a word means the same in quotes and behind backslashes.
pub fn a_quoted_word_is_literal(word: &str) {
    let escaped: String = word.chars().flat_map(|letter| ['\\', letter]).collect();
    let argument = |text: &str| plan(text).commands[0].arguments[0].literal();
    assert_eq!(argument(&format!("rm '{word}'")).as_deref(), Some(word));
    assert_eq!(argument(&format!("rm {escaped}")).as_deref(), Some(word));
}
