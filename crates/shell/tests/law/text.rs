//! The laws of what texts would do.

use aegis_shell::{EFFECTS_MAX, effects, hints, located, plan, plan_powershell, touched};
use aegis_types::Directory;

use super::{done, is_read, within};

/// Asserts that hints, touched words and their places can be told of each command.
pub fn whatever_is_listed_can_be_looked_at(text: &str) {
    for command in &plan(text).commands {
        let found = hints(command);
        assert!(found.len() <= 512);
        assert!(found.iter().all(|hint| !hint.is_empty()));
        for touched in touched(command) {
            within(text, touched.word.span);
            match located(command, &touched.word) {
                Some(word) => assert_eq!(word.span, touched.word.span),
                None => assert_eq!(command.directory, Directory::Unknown),
            }
        }
    }
}

/// Asserts that effects are few, have causes within the text, and are equal for equal texts.
pub fn effects_are_bounded_and_equal(text: &str) {
    for plan in [plan(text), plan_powershell(text)] {
        let found = effects(&plan);
        assert!(found.len() <= EFFECTS_MAX);
        assert_eq!(found, effects(&plan));
        for effect in &found {
            assert!(!effect.causes.is_empty(), "{effect:?}");
            for cause in &effect.causes {
                within(text, *cause);
            }
        }
    }
}

/// Asserts that a text does what it does whatever harmless line stands beside it.
pub fn nothing_is_hidden_by_its_neighbours(text: &str) {
    let alone = plan(text);
    if effects(&alone).len() + 4 > EFFECTS_MAX || !is_read(&alone) {
        return;
    }
    let alone = done(&alone);
    let mut others = vec![format!("true\n{text}")];
    if is_whole(text) {
        others.push(format!("{text}\ntrue"));
    }
    for other in others {
        let both = done(&plan(&other));
        let lost: Vec<_> = alone.difference(&both).collect();
        assert!(lost.is_empty(), "{other:?} loses {lost:?}");
    }
}

/// Asserts that nothing of a text is hidden in parentheses or braces.
///
/// Left out are aliases, which a group replaces later than lines do, and in
/// parentheses functions, which nothing can call that comes after.
pub fn a_group_does_what_is_in_it(text: &str) {
    let alone = plan(text);
    let is_comparable = is_read(&alone) && is_whole(text) && !text.contains("alias");
    if alone.commands.is_empty() || !is_comparable {
        return;
    }
    let mut others = vec![format!("{{ {text}\n}}"), format!("{{ {text}\n}} 3<<<other")];
    if !defines_function(text) {
        others.push(format!("( {text}\n)"));
    }
    for other in others {
        let grouped = plan(&other);
        if !is_read(&grouped) {
            continue;
        }
        let (alone, grouped) = (done(&alone), done(&grouped));
        let lost: Vec<_> = alone.difference(&grouped).collect();
        assert!(lost.is_empty(), "{other:?} loses {lost:?}");
    }
}

/// Returns whether a line after the text is no part of its last one.
///
/// A here-document without its end goes on to the end of the text.
fn is_whole(text: &str) -> bool {
    !text.ends_with('\\') && !text.contains("<<")
}

/// Returns whether some function may be defined.
fn defines_function(text: &str) -> bool {
    let together: String = text.split_whitespace().collect();
    together.contains("()") || together.contains("function")
}
