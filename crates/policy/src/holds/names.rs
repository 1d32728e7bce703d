//! Patterns for names of files of which none is there.

use aegis_types::PathFact;

use super::options;
use super::path::below;
use super::view::View;
use crate::pattern;

/// Commands after which a pattern may stand for other names.
const SWITCHES: [&str; 4] = ["bind", "set", "setopt", "shopt"];

/// A pattern for names in one folder.
#[derive(Debug)]
pub(super) struct Names<'a> {
    /// The folder, resolved.
    folder: &'a str,
    /// The pattern.
    name: &'a str,
    written: &'a str,
}

impl<'a> Names<'a> {
    /// Reads a path as a pattern for names that is all open of it; of what is
    /// removed, a folder may go with everything in it.
    pub(super) fn of(fact: &'a PathFact) -> Option<Self> {
        let resolved = fact.resolved.as_deref()?;
        let (folder, name) = resolved.rsplit_once('/')?;
        let is_pattern = |text: &str| text.contains(['*', '?', '[', '(', '{']);
        let is_simple = is_pattern(name)
            && !is_pattern(folder)
            && !name.contains(['(', '{', '\\'])
            && !name.contains("**")
            && fact.written.ends_with(name)
            && !fact.written.contains(['$', '`', '…', '~', '\\', '"', '\'']);
        (is_simple && !fact.access.delete).then_some(Self {
            folder,
            name,
            written: &fact.written,
        })
    }

    /// Returns whether none of them is what a glob is about, which begins in `root`
    /// or, without one, where it says.
    pub(super) fn are_apart(&self, root: Option<&str>, glob: &str) -> bool {
        if root == Some("") || glob.contains(['{', '\\', '!']) {
            return false;
        }
        // What lies in a folder is one of them if theirs lies there, or if one of
        // them is that folder.
        let inside = glob.strip_suffix("/**");
        if inside.is_some() && self.folder_is_in(root, glob) {
            return false;
        }
        let glob = inside.unwrap_or(glob);
        let end = glob.find(['*', '?', '[']).unwrap_or(glob.len());
        let start = glob.get(..end).unwrap_or_default();
        let literal = start.rsplit_once('/').map_or("", |(folder, _)| folder);
        let within = match root {
            Some(root) => format!("{}/{literal}", root.trim_end_matches('/')),
            None => literal.to_owned(),
        };
        let within = within.trim_end_matches('/');
        let is_placed = within.starts_with('/');
        let is_elsewhere = is_placed
            && below(self.folder, within).is_none()
            && below(within, self.folder).is_none();
        let last = glob.rsplit('/').next().unwrap_or_default();
        // What a folder holds is read where the folder is named.
        let is_deeper = is_placed && below(within, self.folder).is_some_and(|it| !it.is_empty());
        is_elsewhere || !is_deeper && !last.contains("**") && self.never_are(last)
    }

    /// Returns whether their folder may lie in what a glob is about.
    fn folder_is_in(&self, root: Option<&str>, glob: &str) -> bool {
        let any_name = format!("{}/-", self.folder);
        match root {
            Some(root) => below(&any_name, root).is_some_and(|it| pattern::matches(glob, it)),
            None => pattern::matches(glob, &any_name),
        }
    }

    /// Returns whether none of them matches a glob on names.
    fn never_are(&self, glob: &str) -> bool {
        let is_open = |it: &char| matches!(it, '*' | '?' | '[');
        let start = |text: &str| -> String { text.chars().take_while(|it| !is_open(it)).collect() };
        let end = |text: &str| -> String {
            let letters = text.chars().rev();
            letters
                .take_while(|it| !is_open(it) && *it != ']')
                .collect()
        };
        // What begins with a dot is only meant by what does so too.
        let is_hidden = glob.starts_with('.') && self.name.starts_with(['*', '?', '[']);
        let differs = |one: &str, other: &str| !one.starts_with(other) && !other.starts_with(one);
        let is_literal = !glob.contains(['*', '?', '[']);
        is_hidden
            || differs(&start(self.name), &start(glob))
            || differs(&end(self.name), &end(glob))
            || is_literal && !pattern::matches(&self.name.replace("[^", "[!"), glob)
    }

    /// Returns whether nothing else in the line writes files, among which one of
    /// them may come to be, or changes what patterns stand for.
    pub(super) fn stay_as_they_are(&self, view: View<'_, '_>) -> bool {
        let context = &view.request().context;
        let mut others = context.paths.iter().filter(|it| it.written != self.written);
        let switches = |name: &str| SWITCHES.contains(&options::base_name(name));
        let is_switched = view
            .whole_lines()
            .iter()
            .any(|line| line.program.name().is_none_or(switches));
        !others.any(|it| it.access.write) && !is_switched
    }
}

#[cfg(test)]
mod tests {
    use aegis_types::Access;

    use super::*;

    fn are_apart(path: &str, access: Access, root: Option<&str>, glob: &str) -> Option<bool> {
        let fact = PathFact {
            written: path.rsplit('/').next().unwrap().to_owned(),
            resolved: Some(path.to_owned()),
            identity: None,
            access,
            unknown: true,
            listed: false,
            causes: Vec::new(),
        };
        Some(Names::of(&fact)?.are_apart(root, glob))
    }

    #[test]
    fn a_pattern_is_apart_from_names_that_it_never_means() {
        let shop = Some("/shop");
        for (path, root, glob, expected) in [
            ("/shop/src/*.ts", shop, ".env", true),
            ("/shop/src/*.ts", None, "**/.env", true),
            ("/shop/*", None, "**/.env", true),
            ("/shop/.[dev]", shop, ".env", true),
            ("/shop/*.ts", None, "**/*.pem", true),
            ("/shop/*.ts", Some("/home/ann"), ".ssh/**", true),
            ("/shop/a*", shop, "b*", true),
            ("/shop/.e*", shop, ".env", false),
            ("/shop/.e??", None, "**/.env", false),
            ("/shop/.[^x]nv", shop, ".env", false),
            ("/shop/*", shop, "secrets/*.txt", false),
            ("/shop/*", shop, "secrets", false),
            ("/shop/*.ts", shop, "src/**", true),
            ("/shop/*", shop, "src/**", false),
            ("/shop/src/*.ts", shop, "src/**", false),
            ("/shop/src/*.ts", None, "**/.env/**", true),
            ("/shop/.env/*.ts", None, "**/.env/**", false),
            ("/shop/*.ts", shop, "**", false),
            ("/shop/*.ts", shop, "*", false),
            ("/shop/*.ts", shop, "{a,.env}", false),
            ("/shop/*.ts", Some(""), ".env", false),
        ] {
            let found = are_apart(path, Access::READ, root, glob);
            assert_eq!(found, Some(expected), "{path} {glob}");
        }
        // A folder that is removed takes with it what lies in it.
        assert_eq!(are_apart("/shop/*", Access::DELETE, shop, "a/.env"), None);
        assert_eq!(are_apart("/sh*p/*", Access::READ, shop, ".env"), None);
    }
}
