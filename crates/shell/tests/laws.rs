//! What holds for every text.

use aegis_shell::{effects, hints, located, plan, plan_powershell, touched};
use aegis_types::{Plan, Word};
use proptest::prelude::*;

/// Pieces from which texts are made that are nearly well formed.
const PIECES: &[&str] = &[
    "a",
    "rm -rf x",
    " ",
    "\n",
    ";",
    "&&",
    "||",
    "|",
    "&",
    "(",
    ")",
    "{",
    "}",
    "$(",
    "`",
    "\"",
    "'",
    "$'",
    "\\",
    "\\\n",
    "${x",
    "${",
    "}",
    "$((",
    "))",
    "((",
    "<<E\n",
    "\nE\n",
    "<<-",
    "<<<",
    "<(",
    ">(",
    ">",
    ">>",
    "<",
    "&>",
    "2>&1",
    "if ",
    "then ",
    "else ",
    "fi",
    "while ",
    "do ",
    "done",
    "for x in ",
    "case x in ",
    "esac",
    ";;",
    "function f ",
    "f()",
    "[[ ",
    " ]]",
    "x=",
    "x=(",
    "$x",
    "$1",
    "$@",
    "{a,b}",
    "{1..9}",
    "*",
    "?",
    "[a]",
    "~",
    "~u/",
    "#",
    "!",
    "time ",
    "coproc ",
    "cd ",
    "eval ",
    "sh -c '",
    "sudo ",
    "xargs ",
    "find . -exec ",
    "\\;",
    "alias a=b",
    "set -- ",
    "\u{e9}",
    "\u{1f600}",
    "=",
    ":-",
    "export ",
    "trap 'a' EXIT",
    "source ",
    "git checkout -- ",
    "sed -i s/a/b/w ",
    "awk '{print}' ",
    "\u{fdd1}",
];

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::collection::vec(prop::sample::select(PIECES), 0..40)
            .prop_map(|pieces| pieces.concat()),
        any::<String>(),
        "[ -~\n]{0,80}",
    ]
}

fn words(plan: &Plan) -> impl Iterator<Item = &Word> {
    plan.commands.iter().flat_map(|command| {
        command
            .program
            .iter()
            .chain(&command.arguments)
            .chain(
                command
                    .assignments
                    .iter()
                    .map(|assignment| &assignment.value),
            )
            .chain(
                command
                    .redirections
                    .iter()
                    .map(|redirection| &redirection.target),
            )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn any_text_has_a_plan_whose_places_lie_within_it(text in texts()) {
        let plan = plan(&text);
        let places = words(&plan)
            .map(|word| word.span)
            .chain(plan.commands.iter().map(|command| command.span))
            .chain(plan.unknowns.iter().map(|unknown| unknown.span));
        for span in places {
            prop_assert!(span.start <= span.end);
            prop_assert!(text.get(span.start as usize..span.end as usize).is_some());
        }
        prop_assert!(plan.commands.len() <= 4_096);
    }

    #[test]
    fn equal_texts_have_equal_plans(text in texts()) {
        prop_assert_eq!(plan(&text), plan(&text));
    }

    #[test]
    fn whatever_a_plan_lists_can_be_looked_at(text in texts()) {
        for command in &plan(&text).commands {
            for hint in hints(command) {
                prop_assert!(!hint.is_empty());
            }
            for touched in touched(command) {
                if let Some(word) = located(command, &touched.word) {
                    prop_assert_eq!(word.span, touched.word.span);
                }
            }
        }
        prop_assert!(!plan_powershell(&text).unknowns.is_empty());
    }

    #[test]
    fn quoting_a_word_does_not_change_the_plan(word in "[a-z/.*$~{},\\\\ \"-]{1,12}") {
        let quoted = format!("rm '{word}'");
        let escaped: String = word.chars().flat_map(|c| ['\\', c]).collect();
        let found = plan(&quoted);
        let other = plan(&format!("rm {escaped}"));
        prop_assert_eq!(
            found.commands[0].arguments[0].literal(),
            Some(word)
        );
        prop_assert_eq!(
            found.commands[0].arguments[0].literal(),
            other.commands[0].arguments[0].literal()
        );
    }

    #[test]
    fn effects_are_bounded_and_equal_for_equal_texts(text in texts()) {
        let found = effects(&plan(&text));
        prop_assert!(found.len() <= 512);
        prop_assert_eq!(&found, &effects(&plan(&text)));
        for effect in &found {
            prop_assert!(!effect.causes.is_empty());
        }
        prop_assert!(effects(&plan_powershell(&text)).len() <= 512);
    }
}
