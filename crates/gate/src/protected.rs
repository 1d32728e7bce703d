//! What Aegis itself stands on, and when an action touches it.
//!
//! A protected object is a file, or a folder with everything in it. It is
//! known by its real path and by its inode, so it does not matter by which
//! name, link or mount it is reached. Its *home* is the folder made for it:
//! the object itself if it is a folder, else the folder it lies in.
//!
//! An action touches an object when one of its paths, fully resolved,
//!
//! 1. is the object or lies in it, and the action may change it there (or read
//!    it, if it is a key);
//! 2. is a folder above it, or a link on the way to it, and the action
//!    certainly removes, moves or remounts it, or changes everything below it;
//! 3. is its home, and a program that is not understood is given that folder.
//!
//! Rule 3 stops at the home on purpose: a program that is not understood and
//! is given the project's folder (`eslint .`) is an everyday thing, and does
//! not touch the `.aegis` that lies there.
//!
//! What only running would show is judged by what is known of it, see
//! [`near`](crate::gather). Text is never searched for names of files.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use aegis_types::{Access, FileIdentity, ProtectedKind};

use crate::gather::fold;
use crate::gather::resolve::{Found, Last, Resolver};
use crate::places::Places;
use crate::surroundings::Surroundings;

/// Subfolders of a project's `.aegis` that an agent may change.
const FREE_IN_PROJECT: &[&str] = &["scenarios", "reports"];

/// Something Aegis stands on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProtectedObject {
    /// What it is.
    pub kind: ProtectedKind,
    /// Its real path.
    pub path: PathBuf,
    /// Whether it is a folder, with everything in it.
    pub is_folder: bool,
    /// The names of subfolders that are not part of it.
    free: &'static [&'static str],
    identity: Option<FileIdentity>,
    /// Real paths of folders above it, and of links on the way to it.
    above: Vec<PathBuf>,
    /// The folders above it that are there, the innermost first.
    folders: Vec<FileIdentity>,
    /// The innermost of these as a path.
    anchor: PathBuf,
}

/// Everything Aegis stands on.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Protected {
    objects: Vec<ProtectedObject>,
}

/// How a path lies to an object.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Relation<'a> {
    /// It is the object or lies in it.
    In(&'a ProtectedObject),
    /// It is the folder made for the object.
    Home(&'a ProtectedObject),
    /// It is a folder above it or a link on the way to it.
    Above(&'a ProtectedObject),
}

/// How sure an action's reach for a path is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Reach {
    /// How it reaches for it.
    pub(crate) access: Access,
    /// Whether it certainly does.
    pub(crate) is_certain: bool,
    /// Whether it reaches for everything below it as well.
    pub(crate) is_deep: bool,
    /// Whether that is so for what is hidden, too.
    pub(crate) sees_hidden: bool,
}

impl Reach {
    /// Returns that a path itself is certainly reached for.
    pub(crate) const fn certain(access: Access) -> Self {
        Self {
            access,
            is_certain: true,
            is_deep: false,
            sees_hidden: true,
        }
    }

    /// Returns that a path itself may be reached for.
    pub(crate) const fn possible(access: Access) -> Self {
        Self {
            is_certain: false,
            ..Self::certain(access)
        }
    }

    /// Returns the same for everything below as well, if `is_deep`.
    pub(crate) const fn deep(self, is_deep: bool) -> Self {
        Self { is_deep, ..self }
    }

    /// Returns the same as certain only if `is_certain`.
    pub(crate) const fn if_certain(self, is_certain: bool) -> Self {
        Self { is_certain, ..self }
    }
}

impl ProtectedObject {
    /// Returns the folder made for it.
    pub(crate) fn home(&self) -> &Path {
        if self.is_folder {
            &self.path
        } else {
            self.path.parent().unwrap_or(&self.path)
        }
    }

    /// Returns whether a folder is the one made for it, under another spelling.
    fn is_home(&self, found: &Found) -> bool {
        !self.is_folder
            && found.identity.is_some()
            && self.folders.first() == found.identity.as_ref()
            && self.path.parent() == Some(&self.anchor)
    }

    /// Returns whether `rest`, taken from its anchor, is the object or lies in it.
    fn contains_by_spelling(&self, rest: &Path) -> bool {
        let Ok(own) = self.path.strip_prefix(&self.anchor) else {
            return false;
        };
        if !self.is_folder {
            return fold::is_alike(rest, own);
        }
        fold::rest_below(rest, own).is_some_and(|inner| self.contains(&self.path.join(inner)))
    }

    /// Returns whether `path` is the object or lies in it, by its text alone.
    pub(crate) fn contains(&self, path: &Path) -> bool {
        let Some(rest) = rest_below(path, &self.path) else {
            return false;
        };
        if rest.is_empty() || !self.is_folder {
            return rest.is_empty();
        }
        let first = rest.split(|byte| *byte == b'/').next().unwrap_or_default();
        !self.free.iter().any(|free| first == free.as_bytes())
    }
}

impl Protected {
    /// Returns what Aegis stands on at `places`.
    #[must_use]
    pub fn of(places: &Places, surroundings: &Surroundings) -> Self {
        let mut set = Self::default();
        let plain = Resolver::default();
        set.add_own(&plain, places);
        for program in &surroundings.programs {
            set.add(&plain, ProtectedKind::Program, program, None);
        }
        set.add_host_settings(&plain, places, surroundings);
        set
    }

    fn add_own(&mut self, plain: &Resolver, places: &Places) {
        let whole: Option<&'static [&'static str]> = Some(&[]);
        self.add(plain, ProtectedKind::Log, &places.state, whole);
        self.add(plain, ProtectedKind::Key, &places.keys, whole);
        self.add(plain, ProtectedKind::Policy, &places.cache, whole);
        self.add(plain, ProtectedKind::Policy, &places.trust, None);
        for (folder, policy) in [
            (&places.user, &places.user_policy),
            (&places.managed, &places.managed_policy),
        ] {
            self.add(plain, ProtectedKind::Settings, folder, whole);
            self.add(plain, ProtectedKind::Policy, policy, None);
        }
        if let Some(project) = &places.project {
            self.add(
                plain,
                ProtectedKind::Settings,
                &project.folder,
                Some(FREE_IN_PROJECT),
            );
            self.add(plain, ProtectedKind::Policy, &project.policy, None);
        }
    }

    fn add_host_settings(
        &mut self,
        plain: &Resolver,
        places: &Places,
        surroundings: &Surroundings,
    ) {
        let kind = ProtectedKind::HostSettings;
        let mut folders = vec![
            surroundings.home.join(".claude"),
            surroundings.directory.join(".claude"),
        ];
        folders.extend(surroundings.folder("CLAUDE_CONFIG_DIR"));
        folders.extend(
            places
                .project
                .iter()
                .map(|project| project.root.join(".claude")),
        );
        folders.sort();
        folders.dedup();
        for folder in folders {
            self.add(plain, kind, &folder.join("settings.json"), None);
            self.add(plain, kind, &folder.join("settings.local.json"), None);
        }
        self.add(plain, kind, &surroundings.host_managed, Some(&[]));
    }

    /// Adds the object at `path`, by every name it has there; `free` if it is a folder.
    fn add(
        &mut self,
        plain: &Resolver,
        kind: ProtectedKind,
        path: &Path,
        free: Option<&'static [&'static str]>,
    ) {
        let root = Path::new("/");
        let mut names = Vec::new();
        let followed = plain.follow_noting(root, path, Last::Followed, &mut names);
        let kept = match &followed {
            // Without any link on the way both are the same.
            Some(found) if found.path == path => None,
            Some(_) | None => plain.follow(root, path, Last::Kept),
        };
        for found in followed.into_iter().chain(kept) {
            // All of these are absolute and plain, so their bytes tell them
            // apart; comparing them step by step takes far longer.
            let mut above = names.clone();
            above.extend(found.path.ancestors().skip(1).map(Path::to_path_buf));
            above.retain(|name| !is_same(name, &found.path));
            above.sort_by(|one, other| one.as_os_str().cmp(other.as_os_str()));
            above.dedup_by(|one, other| one.as_os_str() == other.as_os_str());
            let anchor = found
                .path
                .ancestors()
                .skip(1)
                .zip(&found.folders)
                .find(|(_, identity)| identity.is_some());
            let object = ProtectedObject {
                kind,
                anchor: anchor.map_or_else(PathBuf::new, |(folder, _)| folder.to_path_buf()),
                folders: found.folders.iter().copied().flatten().collect(),
                path: found.path,
                is_folder: free.is_some(),
                free: free.unwrap_or_default(),
                identity: found.identity,
                above,
            };
            if !self.objects.contains(&object) {
                self.objects.push(object);
            }
        }
    }

    /// Returns every object.
    #[must_use]
    pub fn objects(&self) -> &[ProtectedObject] {
        &self.objects
    }

    /// Returns the object that is `path` or that it lies in; of several the innermost.
    pub(crate) fn holding(
        &self,
        path: &Path,
        identity: Option<FileIdentity>,
    ) -> Option<&ProtectedObject> {
        let by_path = self
            .objects
            .iter()
            .filter(|object| object.contains(path))
            .max_by_key(|object| object.path.as_os_str().len());
        by_path.or_else(|| {
            let identity = identity?;
            self.objects
                .iter()
                .find(|object| object.identity == Some(identity))
        })
    }

    /// Returns where the programs of Aegis lie.
    pub(crate) fn programs(&self) -> impl Iterator<Item = &Path> {
        let programs = self
            .objects
            .iter()
            .filter(|object| object.kind == ProtectedKind::Program);
        programs.map(|object| object.path.as_path())
    }

    /// Returns the object whose folder `path` lies in under another name, as
    /// after a bind mount.
    fn holding_by_folder(&self, found: &Found) -> Option<&ProtectedObject> {
        let path = &found.path;
        let folders = path.ancestors().skip(1).zip(&found.folders);
        folders
            .filter(|(_, identity)| identity.is_some())
            .find_map(|(folder, identity)| {
                self.objects.iter().find(|object| {
                    object.is_folder
                        && object.identity == *identity
                        && path
                            .strip_prefix(folder)
                            .is_ok_and(|rest| object.contains(&object.path.join(rest)))
                })
            })
    }

    /// Returns the object that `found` is or lies in under another spelling, as
    /// on file systems that do not tell names by their case.
    ///
    /// Where the same folder is reached, by whatever name, what lies in it is
    /// compared as those do: rather one file too many than one too few.
    fn holding_by_spelling(&self, found: &Found) -> Option<&ProtectedObject> {
        let path = &found.path;
        let folders = path.ancestors().skip(1).zip(&found.folders);
        let mut present = folders.filter(|(_, identity)| identity.is_some());
        present.find_map(|(folder, identity)| {
            let rest = path.strip_prefix(folder).ok()?;
            self.objects.iter().find(|object| {
                let is_anchored = object.folders.first() == identity.as_ref();
                is_anchored && object.contains_by_spelling(rest)
            })
        })
    }

    /// Returns how `path` lies to the objects; nothing if to none of them.
    pub(crate) fn relation(&self, found: &Found) -> Option<Relation<'_>> {
        let path = &found.path;
        if let Some(object) = self
            .holding(path, found.identity)
            .or_else(|| self.holding_by_folder(found))
            .or_else(|| self.holding_by_spelling(found))
        {
            return Some(Relation::In(object));
        }
        // A folder above is one by its path, or by what it is under another spelling.
        let is_above = |object: &&ProtectedObject| {
            object.above.iter().any(|name| is_same(name, path))
                || found
                    .identity
                    .is_some_and(|identity| object.folders.contains(&identity))
        };
        let mut below = self.objects.iter().filter(is_above);
        let first = below.next()?;
        let home = std::iter::once(first)
            .chain(below)
            .find(|object| object.home() == path || object.is_home(found));
        Some(home.map_or(Relation::Above(first), Relation::Home))
    }

    /// Returns the objects below the folder `path`, by its text alone.
    pub(crate) fn below<'a>(&'a self, path: &Path) -> impl Iterator<Item = &'a ProtectedObject> {
        self.objects
            .iter()
            .filter(move |object| object.path != path && object.path.starts_with(path))
    }

    /// Returns the objects below the folder `path`; nothing if there are none, or
    /// if one lies there under another name as well.
    pub(crate) fn plainly_below(
        &self,
        path: &Path,
        identity: Option<FileIdentity>,
    ) -> Option<Vec<&ProtectedObject>> {
        let is_below = |object: &&ProtectedObject| {
            object.above.iter().any(|name| is_same(name, path))
                || identity.is_some_and(|identity| object.folders.contains(&identity))
        };
        let below: Vec<_> = self.objects.iter().filter(is_below).collect();
        let are_plain = below
            .iter()
            .all(|it| it.path != path && it.path.starts_with(path));
        (are_plain && !below.is_empty() && self.holding(path, identity).is_none()).then_some(below)
    }

    /// Returns the key that reading everything below `found` reads.
    ///
    /// `sees_hidden` says whether names that begin with a dot are read too.
    fn key_below(&self, found: &Found, sees_hidden: bool) -> Option<&ProtectedObject> {
        self.below(&found.path)
            .filter(|object| object.kind == ProtectedKind::Key)
            .find(|object| {
                let rest = object
                    .path
                    .strip_prefix(&found.path)
                    .unwrap_or(&object.path);
                let mut steps = rest.components();
                sees_hidden
                    || !steps.any(|step| step.as_os_str().as_encoded_bytes().starts_with(b"."))
            })
    }

    /// Returns whether every object below `found` lies in something hidden.
    fn hides_all_below(&self, found: &Found) -> bool {
        self.holding(&found.path, found.identity).is_none()
            && self.below(&found.path).all(|object| {
                let rest = object.path.strip_prefix(&found.path);
                let mut steps = rest.unwrap_or(&object.path).components();
                steps.any(|step| step.as_os_str().as_encoded_bytes().starts_with(b"."))
            })
    }

    /// Returns the object that an action touches by reaching for `found`.
    pub(crate) fn touched_by(&self, found: &Found, reach: Reach) -> Option<&ProtectedObject> {
        if reach.is_deep
            && reach.access.read
            && !reach.access.changes()
            && self
                .holding(&found.path, found.identity)
                .is_none_or(|held| held.kind != ProtectedKind::Key)
        {
            // Reading all of a folder reads the keys in it.
            return self.key_below(found, reach.sees_hidden);
        }
        // What leaves hidden folders alone changes nothing in them from above.
        if !reach.sees_hidden && reach.is_deep && self.hides_all_below(found) {
            return None;
        }
        let changes = reach.access.changes();
        match self.relation(found)? {
            Relation::In(object) => {
                let is_read_key = object.kind == ProtectedKind::Key && reach.access.read;
                (changes || is_read_key).then_some(object)
            }
            Relation::Home(object) => {
                let removes = reach.access.delete || reach.is_deep;
                let is_meant = if reach.is_certain { removes } else { true };
                (changes && is_meant).then_some(object)
            }
            Relation::Above(object) => {
                let removes = reach.access.delete || reach.is_deep;
                (changes && removes && reach.is_certain).then_some(object)
            }
        }
    }
}

/// Returns whether two real paths are the same.
///
/// Both are absolute and plain, so their bytes tell; comparing them step by step
/// takes far longer.
fn is_same(one: &Path, other: &Path) -> bool {
    one.as_os_str() == other.as_os_str()
}

/// Returns what follows the real path `folder` in the real path `path`: nothing
/// if they are the same, `None` if it does not lie there.
fn rest_below<'p>(path: &'p Path, folder: &Path) -> Option<&'p [u8]> {
    let path = path.as_os_str().as_bytes();
    let rest = path.strip_prefix(folder.as_os_str().as_bytes())?;
    match rest.split_first() {
        Some((b'/', rest)) => Some(rest),
        // The root ends in a slash already.
        Some(_) if folder == Path::new("/") => Some(rest),
        Some(_) => None,
        None => Some(rest),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    struct Machine {
        folder: tempfile::TempDir,
        protected: Protected,
    }

    impl Machine {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let root = fs::canonicalize(folder.path()).unwrap();
            for path in [
                "home/.config/aegis",
                "home/.local/share/aegis/keys",
                "home/.claude",
                "app/.aegis/scenarios",
                "app/.claude",
            ] {
                fs::create_dir_all(root.join(path)).unwrap();
            }
            fs::write(root.join("home/.config/aegis/policy.yaml"), "x").unwrap();
            let surroundings = Surroundings {
                home: root.join("home"),
                directory: root.join("app"),
                managed: root.join("etc/aegis"),
                host_managed: root.join("etc/claude-code"),
                ..Surroundings::default()
            };
            let protected = Protected::of(&Places::of(&surroundings), &surroundings);
            Self { folder, protected }
        }

        fn real(&self, path: &str) -> PathBuf {
            fs::canonicalize(self.folder.path()).unwrap().join(path)
        }

        fn check(&self, path: &str, reach: Reach, expected: Option<ProtectedKind>) {
            let found = Resolver::default()
                .follow(&self.real(""), Path::new(path), Last::Followed)
                .unwrap();
            let touched = self.protected.touched_by(&found, reach);
            assert_eq!(touched.map(|object| object.kind), expected, "{path}");
        }
    }

    const fn certain(access: Access) -> Reach {
        Reach::certain(access)
    }

    const UNSURE: Reach = Reach::possible(Access::ANY);

    #[test]
    fn an_object_is_touched_by_changing_it_and_a_key_by_reading_it() {
        let machine = Machine::new();
        let write = certain(Access::WRITE);
        let read = certain(Access::READ);
        let policy = Some(ProtectedKind::Policy);
        machine.check("home/.config/aegis/policy.yaml", write, policy);
        machine.check("home/.config/aegis/policy.yaml", read, None);
        machine.check(
            "home/.config/aegis/new",
            write,
            Some(ProtectedKind::Settings),
        );
        machine.check("home/.config/other", write, None);
        let key = "home/.local/share/aegis/keys/redaction.key";
        machine.check(key, read, Some(ProtectedKind::Key));
        machine.check("home/.local/share/aegis/log.db", read, None);
        machine.check(
            "home/.claude/settings.json",
            write,
            Some(ProtectedKind::HostSettings),
        );
        machine.check("home/.claude/commands/x.md", write, None);
        machine.check("app/.aegis/scenarios/one.yaml", write, None);
    }

    #[test]
    fn a_folder_above_is_touched_by_removing_it_and_not_by_writing_to_it() {
        let machine = Machine::new();
        let settings = Some(ProtectedKind::Log);
        machine.check("home/.local", certain(Access::DELETE), settings);
        machine.check("home/.local", certain(Access::WRITE), None);
        let deep = Reach {
            is_deep: true,
            ..certain(Access::WRITE)
        };
        machine.check("home/.local", deep, settings);
    }

    #[test]
    fn a_program_not_understood_touches_by_the_home_and_not_by_what_lies_above() {
        let machine = Machine::new();
        machine.check("app", UNSURE, None);
        machine.check("app/.aegis", UNSURE, Some(ProtectedKind::Settings));
        machine.check("app/.claude", UNSURE, Some(ProtectedKind::HostSettings));
        machine.check("home/.config", UNSURE, None);
    }

    #[test]
    fn a_hard_link_is_the_object() {
        let machine = Machine::new();
        fs::hard_link(
            machine.real("home/.config/aegis/policy.yaml"),
            machine.real("app/innocent"),
        )
        .unwrap();
        machine.check(
            "app/innocent",
            certain(Access::WRITE),
            Some(ProtectedKind::Policy),
        );
    }

    #[test]
    fn another_case_and_what_is_not_seen_make_no_other_object() {
        let machine = Machine::new();
        let write = certain(Access::WRITE);
        let (host, settings) = (
            Some(ProtectedKind::HostSettings),
            Some(ProtectedKind::Settings),
        );
        machine.check("home/.claude/Settings.JSON", write, host);
        machine.check("app/.claude/SETTINGS.local.json", write, host);
        machine.check("app/.claude/setting\u{17f}.json", write, host);
        machine.check("app/.claude/set\u{200d}tings.json", write, host);
        // Nothing of it is there yet.
        machine.check("etc/CLAUDE-code/managed-settings.json", write, host);
        machine.check("etc/Aegis/settings.toml", write, settings);
        machine.check("home/.config/AEGIS/policy.yaml", write, settings);
        machine.check("home/.CONFIG/aegis/policy.yaml", write, None);
        machine.check("app/.claude/settings.jsonx", write, None);
        machine.check("app/.claude/commands/Settings.json", write, None);
    }

    #[test]
    fn a_folder_above_is_one_by_every_name_it_has() {
        let machine = Machine::new();
        let plain = Resolver::default();
        let follow = |path: &str| {
            plain
                .follow(&machine.real(""), Path::new(path), Last::Followed)
                .unwrap()
        };
        // As on a file system on which both names are one folder.
        for (other, name, kind) in [
            (
                "app/.Claude",
                "app/.claude",
                Some(ProtectedKind::HostSettings),
            ),
            ("home/.LOCAL", "home/.local", Some(ProtectedKind::Log)),
            ("app/SRC", "bin", None),
        ] {
            let found = Found {
                identity: follow(name).identity,
                ..follow(other)
            };
            let touched = machine
                .protected
                .touched_by(&found, certain(Access::DELETE));
            assert_eq!(touched.map(|object| object.kind), kind, "{other}");
        }
    }

    #[test]
    fn a_link_on_the_way_is_above_the_object() {
        let machine = Machine::new();
        let root = machine.real("");
        fs::rename(root.join("home/.config"), root.join("home/dotfiles")).unwrap();
        symlink("dotfiles", root.join("home/.config")).unwrap();
        let surroundings = Surroundings {
            home: root.join("home"),
            directory: root.join("app"),
            managed: root.join("etc/aegis"),
            host_managed: root.join("etc/claude-code"),
            ..Surroundings::default()
        };
        let protected = Protected::of(&Places::of(&surroundings), &surroundings);
        let kept = Resolver::default()
            .follow(&root, Path::new("home/.config"), Last::Kept)
            .unwrap();
        assert!(
            protected
                .touched_by(&kept, certain(Access::DELETE))
                .is_some()
        );
        let written = Resolver::default()
            .follow(
                &root,
                Path::new("home/dotfiles/aegis/policy.yaml"),
                Last::Followed,
            )
            .unwrap();
        assert!(
            protected
                .touched_by(&written, certain(Access::WRITE))
                .is_some()
        );
    }
}
