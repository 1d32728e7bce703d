//! Packages that come from an address instead of a registry.

use aegis_types::Word;

use crate::written;

/// Schemes of addresses from which packages are fetched.
const SCHEMES: [&str; 10] = [
    "http://",
    "https://",
    "git://",
    "git+http://",
    "git+https://",
    "git+ssh://",
    "git+git://",
    "ssh://",
    "ftp://",
    "hg+https://",
];

/// Short names of places from which JavaScript packages are fetched.
const PLACES: [&str; 5] = ["github:", "gitlab:", "bitbucket:", "gist:", "git@"];

/// Returns whether `word`, a package that the program `name` is given, comes from
/// an address: `https://…`, `name@https://…`, `name @ git+https://…`, and for
/// JavaScript `owner/project`.
pub(super) fn is_from_elsewhere(name: &str, word: &Word) -> bool {
    let text = written(word);
    let behind = text
        .split_once('@')
        .map_or("", |(_, rest)| rest.trim_start());
    let has_scheme = |text: &str| SCHEMES.iter().any(|scheme| text.starts_with(scheme));
    if has_scheme(&text) || has_scheme(behind) {
        return true;
    }
    let is_script = matches!(
        name,
        "npm" | "pnpm" | "yarn" | "bun" | "npx" | "pnpx" | "bunx"
    );
    if !is_script {
        return false;
    }
    let starts = |text: &str| PLACES.iter().any(|place| text.starts_with(place));
    starts(&text) || starts(behind) || is_owned(&text)
}

/// Returns whether a text is the name of a project behind that of its owner.
fn is_owned(text: &str) -> bool {
    let project = text.split('#').next().unwrap_or(text);
    let is_name = |part: &str| {
        let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        !part.is_empty() && part.chars().all(is_letter) && !part.starts_with('.')
    };
    project
        .split_once('/')
        .is_some_and(|(owner, project)| is_name(owner) && is_name(project))
}

#[cfg(test)]
mod tests {
    use aegis_types::WordPart;

    use super::*;

    fn check(name: &str, package: &str) -> bool {
        let word = Word {
            parts: vec![WordPart::Literal(package.to_owned())],
            ..Word::default()
        };
        is_from_elsewhere(name, &word)
    }

    #[test]
    fn packages_from_an_address_are_told_from_those_of_a_registry() {
        for (name, package) in [
            ("pip", "https://x.example/p.whl"),
            ("pip", "p @ git+https://x.example/p"),
            ("uv", "p @ https://x.example/p.whl"),
            ("npm", "x/y"),
            ("npm", "x/y#main"),
            ("npm", "gitlab:x/y"),
            ("npm", "git@x.example:y/z.git"),
            ("yarn", "p@https://x.example/p.tgz"),
            ("brew", "https://x.example/p.rb"),
        ] {
            assert!(check(name, package), "{name} {package}");
        }
        for (name, package) in [
            ("pip", "requests==2.0"),
            ("pip", "./p"),
            ("npm", "@types/node"),
            ("npm", "@types/node@20"),
            ("npm", "./packages/p"),
            ("npm", "../p"),
            ("npm", "file:../p"),
            ("npm", "react@npm:preact"),
            ("brew", "homebrew/cask/p"),
        ] {
            assert!(!check(name, package), "{name} {package}");
        }
    }
}
