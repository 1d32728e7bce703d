//! Where a service keeps its log.

use std::path::PathBuf;

/// Where a service keeps its log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum StorePlace {
    /// In a file.
    File(PathBuf),
    /// In memory, until the service ends.
    Memory,
}

/// What may stand behind the name of a file, because the log is kept so anyway.
const KEPT_ANYWAY: [(&str, &[&str]); 8] = [
    ("mode", &["rwc"]),
    ("cache", &["shared", "private"]),
    ("_journal_mode", &["WAL", "wal"]),
    ("_journal", &["WAL", "wal"]),
    ("_foreign_keys", &["on", "1", "true"]),
    ("_fk", &["on", "1", "true"]),
    ("_txlock", &["immediate"]),
    ("_locking_mode", &["NORMAL", "normal"]),
];

impl StorePlace {
    /// Reads a place as the control plane writes it.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let scheme = text.split_once(':').map(|(scheme, _)| scheme);
        let scheme = scheme.map(str::to_ascii_lowercase);
        match scheme.as_deref() {
            None | Some("" | "file" | "sqlite") => {}
            Some("postgres" | "postgresql") => {
                return Err(
                    "this version keeps its log in SQLite, and not yet in PostgreSQL".into(),
                );
            }
            Some(_) => return Err("the scheme is not known".into()),
        }
        let path = ["sqlite://", "file://", "sqlite:", "file:"]
            .into_iter()
            .find_map(|start| text.strip_prefix(start));
        let (path, query) = match (path, path.and_then(|path| path.split_once('?'))) {
            (_, Some((path, query))) => (path, query),
            (Some(path), None) => (path, ""),
            (None, None) => text.split_once('?').unwrap_or((text, "")),
        };
        let mut is_memory = path == ":memory:";
        for parameter in query.split('&').filter(|it| !it.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            if (name, value) == ("mode", "memory") {
                is_memory = true;
                continue;
            }
            let known = KEPT_ANYWAY.iter().find(|(known, _)| *known == name);
            if !known.is_some_and(|(_, values)| values.contains(&value)) {
                return Err(format!("`{name}={value}` cannot have effect"));
            }
        }
        if is_memory {
            return Ok(Self::Memory);
        }
        if path.is_empty() || path.contains('\0') {
            return Err("no file is named".into());
        }
        Ok(Self::File(PathBuf::from(path)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_that_the_control_plane_ships_is_read_or_refused_with_its_cause() {
        let file = |path: &str| Ok(StorePlace::File(path.into()));
        for (text, expected) in [
            ("file:aegis.db?mode=rwc&cache=shared", file("aegis.db")),
            (
                "file:/var/lib/aegis/aegis.db?_journal=WAL",
                file("/var/lib/aegis/aegis.db"),
            ),
            ("file:///var/lib/aegis.db", file("/var/lib/aegis.db")),
            ("sqlite:///var/lib/aegis.db", file("/var/lib/aegis.db")),
            ("aegis.db", file("aegis.db")),
            ("/srv/a b.db", file("/srv/a b.db")),
            (":memory:", Ok(StorePlace::Memory)),
            ("file::memory:?cache=shared", Ok(StorePlace::Memory)),
            ("file:x?mode=memory&cache=shared", Ok(StorePlace::Memory)),
        ] {
            assert_eq!(StorePlace::read(text), expected, "{text}");
        }
        for (text, cause) in [
            ("postgres:db", "PostgreSQL"),
            ("postgres://aegis:x@db/aegis", "PostgreSQL"),
            ("postgresql://db/aegis", "PostgreSQL"),
            ("redis://db", "scheme"),
            ("file:a?_journal=OFF", "_journal=OFF"),
            ("file:a?mode=ro", "mode=ro"),
            ("file:", "no file"),
        ] {
            let said = StorePlace::read(text).unwrap_err();
            assert!(said.contains(cause), "{text}: {said}");
        }
    }
}
