//! Policies that come with the program.

const PACKS: [(&str, &str); 18] = [
    ("aegis:developer", include_str!("../packs/developer.yaml")),
    ("aegis:look", include_str!("../packs/look.yaml")),
    ("aegis:edit", include_str!("../packs/edit.yaml")),
    ("aegis:python", include_str!("../packs/python.yaml")),
    ("aegis:node", include_str!("../packs/node.yaml")),
    ("aegis:ruby", include_str!("../packs/ruby.yaml")),
    ("aegis:rust", include_str!("../packs/rust.yaml")),
    ("aegis:go", include_str!("../packs/go.yaml")),
    ("aegis:java", include_str!("../packs/java.yaml")),
    ("aegis:dotnet", include_str!("../packs/dotnet.yaml")),
    ("aegis:strict", include_str!("../packs/strict.yaml")),
    ("aegis:readonly", include_str!("../packs/readonly.yaml")),
    ("aegis:ci", include_str!("../packs/ci.yaml")),
    (
        "aegis:secure-defaults",
        include_str!("../packs/secure-defaults.yaml"),
    ),
    ("aegis:supervised", include_str!("../packs/supervised.yaml")),
    ("aegis:guided", include_str!("../packs/guided.yaml")),
    ("aegis:autonomous", include_str!("../packs/autonomous.yaml")),
    ("aegis:trusted", include_str!("../packs/trusted.yaml")),
];

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

/// What the packs say of calls; those that hold only rules have examples instead.
const TESTS: [(&str, &str); 8] = [
    ("aegis:strict", include_str!("../packs/tests/strict.yaml")),
    ("aegis:guided", include_str!("../packs/tests/guided.yaml")),
    ("aegis:ci", include_str!("../packs/tests/ci.yaml")),
    (
        "aegis:readonly",
        include_str!("../packs/tests/readonly.yaml"),
    ),
    (
        "aegis:autonomous",
        include_str!("../packs/tests/autonomous.yaml"),
    ),
    (
        "aegis:secure-defaults",
        include_str!("../packs/tests/secure-defaults.yaml"),
    ),
    (
        "aegis:supervised",
        include_str!("../packs/tests/supervised.yaml"),
    ),
    ("aegis:trusted", include_str!("../packs/tests/trusted.yaml")),
];

/// Returns the tests that come with a built-in pack, beside its examples.
#[must_use]
pub fn pack_tests(name: &str) -> Option<&'static str> {
    let found = TESTS.iter().find(|(known, _)| *known == name);
    found.map(|(_, text)| *text)
}
