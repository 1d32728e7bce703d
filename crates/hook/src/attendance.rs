//! Whether a person sits before the host.

use aegis_gate::Surroundings;

/// Returns whether nobody can answer a question of the host.
///
/// The host says so itself; older ones only say how they were started.
pub(crate) fn is_headless(surroundings: &Surroundings) -> bool {
    let variable = |name: &str| surroundings.variables.get(name).map(String::as_str);
    match variable("CLAUDE_CODE_SESSION_ATTENDED") {
        Some("0") => true,
        Some("1") => false,
        Some(_) | None => variable("CLAUDE_CODE_ENTRYPOINT") == Some("sdk-cli"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_says_whether_somebody_can_answer() {
        for (variables, expected) in [
            (vec![], false),
            (vec![("CLAUDE_CODE_ENTRYPOINT", "cli")], false),
            (vec![("CLAUDE_CODE_ENTRYPOINT", "sdk-cli")], true),
            (vec![("CLAUDE_CODE_SESSION_ATTENDED", "0")], true),
            (
                vec![
                    ("CLAUDE_CODE_ENTRYPOINT", "sdk-cli"),
                    ("CLAUDE_CODE_SESSION_ATTENDED", "1"),
                ],
                false,
            ),
        ] {
            let surroundings = Surroundings {
                variables: variables
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                    .collect(),
                ..Surroundings::default()
            };
            assert_eq!(is_headless(&surroundings), expected, "{variables:?}");
        }
    }
}
