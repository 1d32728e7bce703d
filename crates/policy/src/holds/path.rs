//! Conditions on paths.

use aegis_types::{Access, Context, PathFact, Verdict};

use super::names::Names;
use super::sense::Sense;
use super::view::View;
use crate::matcher::{Matcher, PathPattern};
use crate::pattern::{self, Glob};
use crate::truth::{Truth, WhyNot, WhyUnknown, any};

impl Matcher {
    pub(super) fn path_holds(&self, view: View<'_, '_>, sense: Sense) -> Truth {
        if self.path.is_empty() {
            return Truth::Yes;
        }
        let context = &view.request().context;
        let folders = Folders {
            home: &context.home,
            directory: &context.directory,
        };
        sense.combine(
            view.paths().map(|fact| {
                if !sense.covers() && self.is_apart(view, fact, folders) {
                    return Truth::No(WhyNot::Path);
                }
                fact_holds(&self.path, fact, folders, sense)
            }),
            view.hidden_paths(sense),
            || WhyNot::Path,
        )
    }

    /// Returns whether the paths that an allow names lie in this folder.
    pub(super) fn names_folder(&self, folder: &str, context: &Context) -> Truth {
        let folders = Folders {
            home: &context.home,
            directory: &context.directory,
        };
        let sense = Sense::of(Verdict::Allow);
        let inside = format!("{folder}/-");
        let globs = self.path.iter().flat_map(|pattern| &pattern.glob);
        any(
            globs.map(|glob| glob_holds(glob, &inside, Access::READ, folders, sense)),
            || WhyNot::Folder,
        )
    }

    /// Returns the facts on paths that a restriction may be about.
    pub(super) fn paths_meant<'a>(
        &self,
        view: View<'_, 'a>,
        sense: Sense,
    ) -> impl Iterator<Item = &'a PathFact> {
        let context = &view.request().context;
        let folders = Folders {
            home: &context.home,
            directory: &context.directory,
        };
        view.paths()
            .filter(move |fact| sense.covers() || !self.is_apart(view, fact, folders))
            .filter(move |fact| fact_holds(&self.path, fact, folders, sense).is_possible())
    }

    /// Returns whether a path is a pattern for names of which no file has one, and
    /// that no name can have of what a restriction is about.
    fn is_apart(&self, view: View<'_, '_>, fact: &PathFact, folders: Folders<'_>) -> bool {
        let Some(names) = Names::of(fact).filter(|_| fact.unknown) else {
            return false;
        };
        let mut globs = self.path.iter().flat_map(|pattern| &pattern.glob);
        let is_apart = self.path.iter().all(|it| !it.glob.is_empty())
            && globs.all(|glob| match anchor(glob.as_str()) {
                Anchor::Home(rest) => names.are_apart(Some(folders.home), rest),
                Anchor::Directory(rest) => names.are_apart(Some(folders.directory), rest),
                Anchor::None => names.are_apart(None, glob.as_str()),
            });
        is_apart && names.stay_as_they_are(view)
    }
}

/// Where `~` and `.` lie.
#[derive(Clone, Copy)]
struct Folders<'a> {
    home: &'a str,
    directory: &'a str,
}

fn fact_holds(
    patterns: &[PathPattern],
    fact: &PathFact,
    folders: Folders<'_>,
    sense: Sense,
) -> Truth {
    any(
        patterns
            .iter()
            .map(|pattern| pattern_holds(pattern, fact, folders, sense)),
        || WhyNot::Path,
    )
}

fn pattern_holds(
    pattern: &PathPattern,
    fact: &PathFact,
    folders: Folders<'_>,
    sense: Sense,
) -> Truth {
    if !is_meant(pattern.access, fact.access, sense) {
        return Truth::No(WhyNot::Path);
    }
    if pattern.glob.is_empty() {
        return Truth::Yes;
    }
    let resolved = match &fact.resolved {
        Some(resolved) => any(
            pattern
                .glob
                .iter()
                .map(|glob| glob_holds(glob, resolved, fact.access, folders, sense)),
            || WhyNot::Path,
        ),
        None => Truth::Unknown(WhyUnknown::Path),
    };
    let is_within = |glob: &Glob| {
        let holds = |path: &str| glob_holds(glob, path, fact.access, folders, sense);
        glob.as_str().ends_with("/**") && fact.resolved.as_deref().map(holds) == Some(Truth::Yes)
    };
    match resolved {
        // Whatever names it stands for, they lie within.
        Truth::Yes if only_names_are_open(fact) && pattern.glob.iter().any(is_within) => Truth::Yes,
        // What was resolved is only part of what the written form may lead to.
        Truth::Yes if fact.unknown && sense.covers() => Truth::Unknown(WhyUnknown::Path),
        Truth::No(_) if fact.unknown => Truth::Unknown(WhyUnknown::Path),
        decided @ (Truth::Yes | Truth::No(_) | Truth::Unknown(_)) => decided,
    }
}

/// Returns whether a path is a pattern for names that are not there yet, of which
/// nothing but the names is open, and these are only removed.
///
/// What is read or written by such a name may be a link that leads elsewhere.
fn only_names_are_open(fact: &PathFact) -> bool {
    let removes = Access {
        delete: true,
        ..Access::default()
    };
    let is_pattern = |text: &str| text.contains(['*', '?', '[', '(']);
    let (folder, name) = fact.written.rsplit_once('/').unwrap_or(("", &fact.written));
    fact.unknown
        && fact.access == removes
        && is_pattern(name)
        && !is_pattern(folder)
        && !fact.written.contains(['$', '`', '…'])
}

fn is_meant(wanted: Access, found: Access, sense: Sense) -> bool {
    if wanted == Access::default() {
        return true;
    }
    if sense.covers() {
        wanted.or(found) == wanted
    } else {
        wanted.meets(found)
    }
}

fn glob_holds(
    glob: &Glob,
    path: &str,
    access: Access,
    folders: Folders<'_>,
    sense: Sense,
) -> Truth {
    let text = glob.as_str();
    let (folder, rest) = match anchor(text) {
        Anchor::Home(rest) => (folders.home, rest),
        Anchor::Directory(rest) => (folders.directory, rest),
        Anchor::None => {
            let holds = glob.matches(path) || (!sense.covers() && is_above(text, path, access));
            return Truth::of(holds, || WhyNot::Path);
        }
    };
    if folder.is_empty() {
        return Truth::Unknown(WhyUnknown::Home);
    }
    let holds = match below(path, folder) {
        Some("") => rest.is_empty() || (!sense.covers() && is_above(rest, "", access)),
        Some(inner) => {
            pattern::matches(rest, inner) || (!sense.covers() && is_above(rest, inner, access))
        }
        // A folder above the home or working directory.
        None => !sense.covers() && access.delete && below(folder, path).is_some(),
    };
    Truth::of(holds, || WhyNot::Path)
}

/// Where a glob is anchored.
pub(crate) enum Anchor<'a> {
    /// In the home directory.
    Home(&'a str),
    /// In the working directory.
    Directory(&'a str),
    /// At the root, or nowhere.
    None,
}

/// Returns where a glob is anchored, and the rest of it.
pub(crate) fn anchor(glob: &str) -> Anchor<'_> {
    if glob == "~" {
        return Anchor::Home("");
    }
    if glob == "." {
        return Anchor::Directory("");
    }
    if let Some(rest) = glob.strip_prefix("~/") {
        return Anchor::Home(rest);
    }
    if let Some(rest) = glob.strip_prefix("./") {
        return Anchor::Directory(rest);
    }
    Anchor::None
}

/// Returns the part of `path` below `folder`, empty if it is the folder itself.
pub(crate) fn below<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    let folder = folder.strip_suffix('/').unwrap_or(folder);
    let rest = path.strip_prefix(folder)?;
    if rest.is_empty() {
        return Some(rest);
    }
    rest.strip_prefix('/')
}

/// Returns whether `path` is the folder all of whose content `glob` is about,
/// or, when it is removed, a folder above what `glob` is about. An empty path
/// is the folder in which the glob is anchored.
fn is_above(glob: &str, path: &str, access: Access) -> bool {
    let literal = match glob.find(['*', '?', '[', '{', '\\']) {
        Some(end) => glob
            .get(..end)
            .and_then(|before| before.rsplit_once('/'))
            .map_or("", |(folder, _)| folder),
        None => glob,
    };
    if path == literal {
        let rest = glob.strip_prefix(literal);
        let names_all_of = matches!(rest, Some("/**" | "/*" | "**" | "/**/*"));
        return access.delete || names_all_of;
    }
    access.delete && !literal.is_empty() && (path.is_empty() || below(literal, path).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOLDERS: Folders<'_> = Folders {
        home: "/home/ann",
        directory: "/home/ann/shop",
    };

    fn pattern(glob: &str, access: Access) -> [PathPattern; 1] {
        [PathPattern {
            glob: vec![Glob::new(glob)],
            access,
        }]
    }

    fn fact(path: &str, access: Access) -> PathFact {
        PathFact {
            written: path.to_owned(),
            resolved: Some(path.to_owned()),
            identity: None,
            access,
            unknown: false,
            listed: false,
            causes: Vec::new(),
        }
    }

    fn check(glob: &str, path: &str, access: Access, verdict: Verdict) -> Truth {
        fact_holds(
            &pattern(glob, Access::default()),
            &fact(path, access),
            FOLDERS,
            Sense::of(verdict),
        )
    }

    fn denies(glob: &str, path: &str) -> bool {
        check(glob, path, Access::READ, Verdict::Deny) == Truth::Yes
    }

    fn allows(glob: &str, path: &str) -> bool {
        check(glob, path, Access::READ, Verdict::Allow) == Truth::Yes
    }

    #[test]
    fn home_and_working_directory_anchor_a_glob() {
        assert!(denies("~/.ssh/**", "/home/ann/.ssh/id_rsa"));
        assert!(!denies("~/.ssh/**", "/home/bob/.ssh/id_rsa"));
        assert!(!denies("~/.ssh/**", "/home/annabel/.ssh/id_rsa"));
        assert!(allows("./src/**", "/home/ann/shop/src/a/b.rs"));
        assert!(!allows("./src/**", "/home/ann/shop-evil/src/a.rs"));
        assert!(denies("**/.env", "/srv/x/.env"));
        assert!(!denies("**/.env", "/srv/x/.envrc"));
        assert!(denies("/etc/**", "/etc/ssl/key"));
    }

    #[test]
    fn letters_keep_their_case() {
        assert!(!denies("**/.env", "/srv/.ENV"));
    }

    #[test]
    fn removing_a_folder_removes_what_lies_below_it() {
        let removes = |glob, path| check(glob, path, Access::DELETE, Verdict::Deny) == Truth::Yes;
        assert!(removes("~/.ssh/id_rsa", "/home/ann/.ssh"));
        assert!(removes("~/.ssh/**", "/home/ann"));
        assert!(removes("~/.ssh/**", "/home"));
        assert!(removes("/srv/data/*.db", "/srv"));
        assert!(removes("/srv/data/*.db", "/"));
        assert!(!removes("~/.ssh/**", "/home/ann/shop"));
        assert!(!denies("~/.ssh/id_rsa", "/home/ann/.ssh"));
        assert!(denies("~/.ssh/**", "/home/ann/.ssh"));
    }

    #[test]
    fn an_allow_covers_only_the_access_it_names() {
        let holds = |given: Access, verdict| {
            fact_holds(
                &pattern("./**", Access::READ),
                &fact("/home/ann/shop/a", given),
                FOLDERS,
                Sense::of(verdict),
            )
        };
        assert_eq!(holds(Access::READ, Verdict::Allow), Truth::Yes);
        assert!(!holds(Access::ANY, Verdict::Allow).is_possible());
        assert_eq!(holds(Access::ANY, Verdict::Deny), Truth::Yes);
        assert!(!holds(Access::WRITE, Verdict::Deny).is_possible());
    }

    #[test]
    fn an_unresolved_path_is_unknown() {
        let mut fact = fact("x", Access::READ);
        fact.resolved = None;
        fact.unknown = true;
        for verdict in [Verdict::Allow, Verdict::Deny] {
            let truth = fact_holds(
                &pattern("~/.ssh/**", Access::default()),
                &fact,
                FOLDERS,
                Sense::of(verdict),
            );
            assert_eq!(truth, Truth::Unknown(WhyUnknown::Path));
        }
    }

    #[test]
    fn names_that_a_pattern_leaves_open_lie_in_its_folder() {
        let delete = Access {
            delete: true,
            ..Access::default()
        };
        let covers = |written: &str, access: Access, glob: &str| {
            let mut fact = fact("/home/ann/dist/*", access);
            fact.written = written.to_owned();
            fact.unknown = true;
            let pattern = pattern(glob, Access::default());
            fact_holds(&pattern, &fact, FOLDERS, Sense::of(Verdict::Allow))
        };
        assert_eq!(covers("dist/*", delete, "~/dist/**"), Truth::Yes);
        for (written, access, glob) in [
            ("dist/*", delete, "~/dist/*"),
            ("dist/*", delete, "~/src/**"),
            ("$X/*", delete, "~/dist/**"),
            ("*/x", delete, "~/dist/**"),
            ("dist/*/", delete, "~/dist/**"),
            // A name may be a link by then.
            ("dist/*", Access::READ, "~/dist/**"),
            ("dist/*", Access::WRITE, "~/dist/**"),
        ] {
            assert!(
                covers(written, access, glob).is_unknown(),
                "{written} {glob}"
            );
        }
    }

    #[test]
    fn without_a_recorded_home_its_paths_are_unknown() {
        let truth = fact_holds(
            &pattern("~/.ssh/**", Access::default()),
            &fact("/root/.ssh/id", Access::READ),
            Folders {
                home: "",
                directory: "/root",
            },
            Sense::of(Verdict::Deny),
        );
        assert_eq!(truth, Truth::Unknown(WhyUnknown::Home));
    }
}
