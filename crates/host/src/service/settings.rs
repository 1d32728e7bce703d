//! The managed settings and the policy of a machine with a service.

use std::path::Path;

use super::{ServiceError, Tree};

/// The policy of a machine that had none.
pub(super) const POLICY: &str =
    "# The policy for everybody on this machine. What users and projects say of their own
# may only tighten it. `aegis policy check` checks it.
aegis: policy/v1
name: machine
extends: aegis:developer
";

/// What stands above the table in settings that had nothing else.
const HEAD: &str =
    "# Settings of Aegis for everybody on this machine; they count more than those of users.
# `aegis doctor` prints each value in force, and where it comes from.
";

/// Returns the table that names the service.
fn table(tree: &Tree, user: &str) -> String {
    let socket = tree.path_on_machine(&tree.socket());
    format!(
        "\n# Who decides: hooks ask at this socket, and believe nobody but this account.\n\
         [service]\nsocket = \"{}\"\nuser = \"{user}\"\n",
        socket.display()
    )
}

/// Returns the settings `before` with the table; they stay as they are if they hold it.
pub(super) fn with_service(
    tree: &Tree,
    user: &str,
    path: &Path,
    before: Option<&str>,
) -> Result<String, ServiceError> {
    let table = table(tree, user);
    let Some(before) = before else {
        return Ok(format!("{HEAD}{table}"));
    };
    let read: toml::Table =
        before
            .parse()
            .map_err(|error: toml::de::Error| ServiceError::Settings {
                path: path.to_path_buf(),
                cause: error.message().to_owned(),
            })?;
    match read.get("service") {
        None if before.ends_with('\n') || before.is_empty() => Ok(format!("{before}{table}")),
        None => Ok(format!("{before}\n{table}")),
        Some(_) if named(before) == named(&table) => Ok(before.to_owned()),
        Some(_) => Err(ServiceError::OtherService(path.to_path_buf())),
    }
}

/// Returns the settings `text` without the table; nothing if nothing is left of
/// what a person wrote, and `None` if the table was changed.
pub(super) fn without_service(tree: &Tree, user: &str, text: &str) -> Option<String> {
    let (before, after) = text.split_once(&table(tree, user))?;
    let rest = format!("{before}{after}");
    Some(if rest == HEAD { String::new() } else { rest })
}

/// Returns the socket and the account that the settings `text` name.
pub(crate) fn named(text: &str) -> Option<(String, String)> {
    let read: toml::Table = text.parse().ok()?;
    let table = read.get("service")?.as_table()?;
    let field = |name: &str| table.get(name)?.as_str().map(str::to_owned);
    Some((field("socket")?, field("user")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Tree {
        Tree::below(Path::new("/"))
    }

    #[test]
    fn the_table_comes_and_goes_with_nothing_else() {
        let path = Path::new("/etc/aegis/settings.toml");
        for before in ["", "mode = \"enforce\"\n", "[mcp.x]\npath = [\"y\"]\n"] {
            let after = with_service(&tree(), "aegis", path, Some(before)).unwrap();
            let expected = ("/run/aegis/aegis.sock".to_owned(), "aegis".to_owned());
            assert_eq!(named(&after), Some(expected));
            assert_eq!(
                with_service(&tree(), "aegis", path, Some(&after)).unwrap(),
                after
            );
            let gone = without_service(&tree(), "aegis", &after);
            assert_eq!(gone.as_deref(), Some(before));
        }
        let alone = with_service(&tree(), "aegis", path, None).unwrap();
        assert_eq!(
            without_service(&tree(), "aegis", &alone).as_deref(),
            Some("")
        );
    }

    #[test]
    fn a_table_of_somebody_else_is_not_ours() {
        let path = Path::new("/etc/aegis/settings.toml");
        let other = "[service]\nsocket = \"/run/other.sock\"\nuser = \"aegis\"\n";
        let refused = with_service(&tree(), "aegis", path, Some(other)).unwrap_err();
        assert!(
            matches!(refused, ServiceError::OtherService(_)),
            "{refused}"
        );
        assert_eq!(without_service(&tree(), "aegis", other), None);
        let broken = with_service(&tree(), "aegis", path, Some("mode =")).unwrap_err();
        assert!(matches!(broken, ServiceError::Settings { .. }), "{broken}");
    }
}
