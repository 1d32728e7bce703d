//! Policies that come with the program.

const PACKS: [(&str, &str); 1] = [("aegis:developer", include_str!("../packs/developer.yaml"))];

/// Returns the text of a built-in pack.
#[must_use]
pub fn pack(name: &str) -> Option<&'static str> {
    let found = PACKS.iter().find(|(known, _)| *known == name);
    found.map(|(_, text)| *text)
}

/// Returns the names of the built-in packs.
pub fn pack_names() -> impl Iterator<Item = &'static str> {
    PACKS.iter().map(|(name, _)| *name)
}
