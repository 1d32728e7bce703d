//! Following a path to the file it really leads to.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::ops::Range;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use aegis_types::FileIdentity;

/// How many links one path may lead through, as on Linux.
const LINKS_MAX: usize = 40;

/// How many steps one path may have.
const STEPS_MAX: usize = 1_024;

/// How many names are remembered while one request is gathered, and how long
/// the longest of them is.
const NAMES_MAX: usize = 1_024;
const NAME_BYTES_MAX: usize = 4_096;

/// Whether the last step of a path is followed if it is a link.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Last {
    /// It is followed, as reading and writing do.
    Followed,
    /// It is the link itself, as removing and renaming mean it.
    Kept,
}

/// Where a path leads.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Found {
    /// The real path: absolute, without links, `.` and `..`.
    pub(crate) path: PathBuf,
    /// The file, if there is one.
    pub(crate) identity: Option<FileIdentity>,
    /// The folders above it, the innermost first; nothing for one that is not there.
    pub(crate) folders: Vec<Option<FileIdentity>>,
    /// Whether it is a folder.
    pub(crate) is_folder: bool,
    /// Whether a planned link, and not only the real ones, led there.
    pub(crate) is_planned: bool,
    /// Whether any link led there.
    pub(crate) is_linked: bool,
}

/// A name that an action not yet done will make lead elsewhere.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct PlannedLink {
    /// The real path of the name.
    pub(crate) name: PathBuf,
    /// Where it will lead: absolute, or relative to the folder of the name.
    pub(crate) leads_to: PathBuf,
}

/// What stands under a name.
#[derive(Clone, Debug, Default)]
struct Node {
    identity: Option<FileIdentity>,
    is_folder: bool,
    /// Where it leads, if it is a link.
    leads_to: Option<PathBuf>,
}

impl Node {
    fn at(path: &Path) -> Self {
        let Ok(metadata) = fs::symlink_metadata(path) else {
            return Self::default();
        };
        Self {
            identity: Some(identity_of(&metadata)),
            is_folder: metadata.is_dir(),
            leads_to: metadata
                .is_symlink()
                .then(|| fs::read_link(path).ok())
                .flatten(),
        }
    }
}

/// The file system as one request finds it: every name is looked at once.
#[derive(Clone, Debug, Default)]
struct Files(Rc<RefCell<Seen>>);

/// The identities of a file and the folders above it, the outermost first.
type Line = Vec<Option<FileIdentity>>;

/// What was looked at.
#[derive(Debug, Default)]
struct Seen {
    nodes: HashMap<OsString, Rc<Node>>,
    /// Folders under their real paths.
    folders: HashMap<OsString, Rc<Line>>,
}

impl Files {
    /// Notes that `path` is the real path of a folder.
    fn add_folder(&self, path: &Path, line: Line) {
        let folders = &mut self.0.borrow_mut().folders;
        if folders.len() < NAMES_MAX && !folders.contains_key(path.as_os_str()) {
            folders.insert(path.as_os_str().to_owned(), Rc::new(line));
        }
    }

    /// Returns the way to what `whole` names beyond `folder`, if `folder` is
    /// known to be the real path of a folder.
    fn beyond(&self, folder: &Path, whole: &Path) -> Option<Walk> {
        let rest = whole.as_os_str().as_bytes();
        let rest = rest.strip_prefix(folder.as_os_str().as_bytes())?;
        let rest = rest.strip_prefix(b"/")?;
        let line = self.0.borrow().folders.get(folder.as_os_str())?.to_vec();
        Some(Walk {
            at: folder.to_path_buf(),
            line,
            ahead: rest.to_vec(),
            from: 0,
        })
    }

    fn at(&self, path: &Path) -> Rc<Node> {
        let known = &mut self.0.borrow_mut().nodes;
        if let Some(node) = known.get(path.as_os_str()) {
            return Rc::clone(node);
        }
        let node = Rc::new(Node::at(path));
        if known.len() < NAMES_MAX && path.as_os_str().len() <= NAME_BYTES_MAX {
            known.insert(path.as_os_str().to_owned(), Rc::clone(&node));
        }
        node
    }
}

/// A path on its way: where it has come to, and the steps that are left.
struct Walk {
    at: PathBuf,
    line: Line,
    /// The steps, of which those before `from` are done.
    ahead: Vec<u8>,
    from: usize,
}

impl Walk {
    /// Returns the next step.
    fn step(&mut self) -> Option<Range<usize>> {
        self.skip();
        let start = self.from;
        let rest = self.ahead.get(start..).filter(|rest| !rest.is_empty())?;
        let length = rest.iter().position(|byte| *byte == b'/');
        self.from = start + length.unwrap_or(rest.len());
        Some(start..self.from)
    }

    /// Goes past slashes and steps that lead nowhere.
    fn skip(&mut self) {
        loop {
            self.from += match self.ahead.get(self.from..) {
                Some([b'/', ..] | [b'.']) => 1,
                Some([b'.', b'/', ..]) => 2,
                Some(_) | None => return,
            };
        }
    }

    /// Returns whether no step is left.
    fn is_done(&mut self) -> bool {
        self.skip();
        self.from >= self.ahead.len()
    }

    fn text(&self, step: Range<usize>) -> &OsStr {
        OsStr::from_bytes(self.ahead.get(step).unwrap_or_default())
    }

    /// Puts the steps of `target` before those that are left.
    fn lead(&mut self, target: &Path) {
        let mut ahead = target.as_os_str().as_bytes().to_vec();
        ahead.push(b'/');
        ahead.extend_from_slice(self.ahead.get(self.from..).unwrap_or_default());
        self.ahead = ahead;
        self.from = 0;
        if target.is_absolute() {
            self.at = PathBuf::from("/");
            self.line.truncate(1);
        }
    }
}

/// Resolves paths, step by step, against the real file system and the links
/// that are planned.
#[derive(Clone, Debug, Default)]
pub(crate) struct Resolver {
    links: Vec<PlannedLink>,
    files: Files,
}

impl Resolver {
    /// Returns a resolver that knows of no planned link.
    pub(crate) fn without_links(&self) -> Self {
        Self {
            links: Vec::new(),
            files: self.files.clone(),
        }
    }

    /// Adds a link.
    pub(crate) fn plan(&mut self, link: PlannedLink) {
        if !self.links.contains(&link) {
            self.links.push(link);
        }
    }

    /// Returns the links that are planned.
    pub(crate) fn links(&self) -> &[PlannedLink] {
        &self.links
    }

    /// Follows `text`, taken from the absolute folder `base`.
    ///
    /// `None` when it leads in circles or has too many steps. Steps that do
    /// not exist are taken as written.
    pub(crate) fn follow(&self, base: &Path, text: &Path, last: Last) -> Option<Found> {
        let whole = base.join(text);
        // Nothing in the base is a link, so it need not be gone through again.
        let beyond = self.files.beyond(base, &whole);
        let walk = match beyond.filter(|_| self.links.is_empty()) {
            Some(walk) => walk,
            None => self.way_from_root(whole),
        };
        let (found, line) = self.walk(walk, base, text, last, None)?;
        if found.is_folder && !found.is_planned {
            self.files.add_folder(&found.path, line);
        }
        Some(found)
    }

    /// Follows a path as [`Resolver::follow`], and notes the real path of every
    /// name on the way: folders, links, and the last one.
    pub(crate) fn follow_noting(
        &self,
        base: &Path,
        text: &Path,
        last: Last,
        names: &mut Vec<PathBuf>,
    ) -> Option<Found> {
        let walk = self.way_from_root(base.join(text));
        let (found, _) = self.walk(walk, base, text, last, Some(names))?;
        Some(found)
    }

    fn way_from_root(&self, whole: PathBuf) -> Walk {
        let at = PathBuf::from("/");
        Walk {
            line: vec![self.files.at(&at).identity],
            at,
            ahead: whole.into_os_string().into_vec(),
            from: 0,
        }
    }

    fn walk(
        &self,
        mut walk: Walk,
        base: &Path,
        text: &Path,
        last: Last,
        mut names: Option<&mut Vec<PathBuf>>,
    ) -> Option<(Found, Line)> {
        // A slash at the end means the folder behind a link, not the link.
        let ends_in_slash = text.as_os_str().as_encoded_bytes().ends_with(b"/");
        let keeps_last = last == Last::Kept && !ends_in_slash;
        let mut links_left = LINKS_MAX;
        let mut steps_left = STEPS_MAX;
        let mut is_planned = false;
        // What stands where the walk has come to, if it was looked at.
        let mut here = None;
        while let Some(step) = walk.step() {
            steps_left = steps_left.checked_sub(1)?;
            if walk.text(step.clone()) == ".." {
                if walk.at.pop() {
                    walk.line.pop();
                }
                here = None;
                continue;
            }
            let is_kept = keeps_last && walk.is_done();
            let of_process = of_process(&walk.at, walk.text(step.clone()), base);
            let Walk { at, ahead, .. } = &mut walk;
            at.push(OsStr::from_bytes(ahead.get(step).unwrap_or_default()));
            if let Some(names) = &mut names {
                names.push(walk.at.clone());
            }
            let planned = self.links.iter().rev().find(|link| link.name == walk.at);
            let node = match planned {
                None => Some(self.files.at(&walk.at)),
                Some(_) if is_kept => Some(self.files.at(&walk.at)),
                Some(_) => None,
            };
            let target = match (planned, &node) {
                _ if is_kept => None,
                (Some(link), _) => {
                    is_planned = true;
                    Some(link.leads_to.clone())
                }
                (None, node) => {
                    of_process.or_else(|| node.as_ref().and_then(|node| node.leads_to.clone()))
                }
            };
            match target {
                Some(target) => {
                    links_left = links_left.checked_sub(1)?;
                    walk.at.pop();
                    walk.lead(&target);
                    here = None;
                }
                None => {
                    walk.line.push(node.as_ref().and_then(|node| node.identity));
                    here = node;
                }
            }
        }
        if ON_MACOS && !is_planned {
            walk.at = as_spelled(std::mem::take(&mut walk.at));
            here = None;
        }
        let node = here.unwrap_or_else(|| self.files.at(&walk.at));
        let above = walk.line.len().saturating_sub(1);
        let found = Found {
            identity: node.identity,
            is_folder: node.is_folder,
            folders: walk.line.iter().take(above).rev().copied().collect(),
            path: walk.at,
            is_planned,
            is_linked: links_left < LINKS_MAX,
        };
        Some((found, walk.line))
    }
}

/// Returns where `step` in the folder `at` leads for a process of the action:
/// `/proc/self/cwd` is its directory, not that of this process.
fn of_process(at: &Path, step: &OsStr, base: &Path) -> Option<PathBuf> {
    let target = match step.as_encoded_bytes() {
        b"cwd" => base,
        b"root" => Path::new("/"),
        _ => return None,
    };
    let mut steps = at.components().skip(1).map(Component::as_os_str);
    let is_proc = steps.next() == Some(OsStr::new("proc"));
    let is_process = steps.next().is_some_and(|name| {
        let digits = name.as_encoded_bytes();
        name == "self" || name == "thread-self" || digits.iter().all(u8::is_ascii_digit)
    });
    let is_whole = match steps.next() {
        None => true,
        Some(name) => name == "task" && steps.next().is_some() && steps.next().is_none(),
    };
    (is_proc && is_process && is_whole).then(|| target.to_path_buf())
}

/// Whether file systems take names of another case for the same, by custom.
const ON_MACOS: bool = cfg!(target_os = "macos");

/// Returns a path without links as the file system spells it.
///
/// What lies in its last folder that is there, and the last step, which may be a
/// link that is kept, stay as they are written if they are not there.
fn as_spelled(path: PathBuf) -> PathBuf {
    let is_link = fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink());
    let mut folders = path.ancestors().skip(usize::from(is_link));
    let spelled = folders.find_map(|folder| {
        let real = fs::canonicalize(folder).ok()?;
        Some(real.join(path.strip_prefix(folder).ok()?))
    });
    // Joining nothing leaves a slash at the end.
    spelled.map_or(path, |spelled| spelled.components().collect())
}

/// Returns which file `metadata` speaks of.
pub(crate) fn identity_of(metadata: &fs::Metadata) -> FileIdentity {
    FileIdentity {
        device: metadata.dev(),
        inode: metadata.ino(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    struct Tree(tempfile::TempDir);

    impl Tree {
        fn new() -> Self {
            let tree = Self(tempfile::tempdir().unwrap());
            fs::create_dir_all(tree.real("a/b")).unwrap();
            fs::write(tree.real("a/b/file"), "x").unwrap();
            tree
        }

        fn real(&self, path: &str) -> PathBuf {
            fs::canonicalize(self.0.path()).unwrap().join(path)
        }

        fn check(&self, resolver: &Resolver, text: &str, last: Last, expected: &str) {
            let found = resolver.follow(&self.real(""), Path::new(text), last);
            let path = found.map(|found| found.path);
            assert_eq!(path, Some(self.real(expected)), "{text}");
        }
    }

    #[test]
    fn parents_are_those_of_the_folder_that_a_link_leads_to() {
        let tree = Tree::new();
        symlink("a/b", tree.real("l")).unwrap();
        let plain = Resolver::default();
        tree.check(&plain, "l/../b/./file", Last::Followed, "a/b/file");
        tree.check(&plain, "l", Last::Followed, "a/b");
        tree.check(&plain, "l", Last::Kept, "l");
        tree.check(&plain, "l/", Last::Kept, "a/b");
        tree.check(&plain, "a//b/../../l/none/x", Last::Followed, "a/b/none/x");
    }

    #[test]
    fn a_planned_link_leads_like_a_real_one() {
        let tree = Tree::new();
        let mut resolver = Resolver::default();
        resolver.plan(PlannedLink {
            name: tree.real("soon"),
            leads_to: PathBuf::from("a"),
        });
        tree.check(&resolver, "soon/b/file", Last::Followed, "a/b/file");
        tree.check(&Resolver::default(), "soon/b", Last::Followed, "soon/b");
    }

    #[test]
    fn links_in_a_circle_lead_nowhere() {
        let tree = Tree::new();
        symlink("two", tree.real("one")).unwrap();
        symlink("one", tree.real("two")).unwrap();
        let found = Resolver::default().follow(&tree.real(""), Path::new("one/x"), Last::Followed);
        assert_eq!(found, None);
    }

    #[test]
    fn the_working_directory_of_a_process_is_that_of_the_action() {
        let tree = Tree::new();
        let plain = Resolver::default();
        tree.check(&plain, "/proc/self/cwd/a/b", Last::Followed, "a/b");
        let long = format!("/proc/1/root{}", tree.real("a").display());
        tree.check(&plain, &long, Last::Followed, "a");
    }

    #[test]
    fn a_path_is_spelled_as_the_file_system_does_as_far_as_it_is_there() {
        let tree = Tree::new();
        symlink("a/b", tree.real("l")).unwrap();
        for path in ["a/b/file", "a/b", "a/none/x", "l"] {
            assert_eq!(as_spelled(tree.real(path)), tree.real(path), "{path}");
        }
        assert_eq!(as_spelled(PathBuf::from("/")), Path::new("/"));
    }

    #[test]
    fn parents_of_what_is_not_there_are_taken_as_written() {
        let tree = Tree::new();
        symlink("../gone/deep", tree.real("a/dangling")).unwrap();
        let plain = Resolver::default();
        tree.check(&plain, "none/../a/b", Last::Followed, "a/b");
        tree.check(&plain, "a/dangling/../x", Last::Followed, "gone/x");
        tree.check(&plain, "a/dangling", Last::Followed, "gone/deep");
        tree.check(&plain, "a/dangling", Last::Kept, "a/dangling");
    }

    #[test]
    fn hard_links_share_an_identity() {
        let tree = Tree::new();
        fs::hard_link(tree.real("a/b/file"), tree.real("other")).unwrap();
        let follow = |text: &str| {
            Resolver::default()
                .follow(&tree.real(""), Path::new(text), Last::Followed)
                .unwrap()
        };
        assert_eq!(follow("other").identity, follow("a/b/file").identity);
        assert_ne!(follow("other").path, follow("a/b/file").path);
    }
}
