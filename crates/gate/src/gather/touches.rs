//! Collecting facts on paths, and what they touch of Aegis.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use aegis_types::{Access, PathFact, ProtectedKind, ProtectedTouch, Span};

use super::glob::Allowance;
use super::resolve::{Found, Last, Resolver};
use crate::protected::{Protected, ProtectedObject, Reach};

/// How many facts on paths one request has at most.
const PATHS_MAX: usize = 512;

/// How many touches are told.
const TOUCHES_MAX: usize = 64;

/// How long the part of an action that touches something is told.
const THROUGH_CHARS_MAX: usize = 160;

/// How many names are looked at for secrets in the folders of one request.
const HELD_NAMES_MAX: usize = 16_384;

/// How many folders that may be gone are remembered.
const LOST_MAX: usize = 256;

/// The facts on paths of one request.
pub(crate) struct Touches<'a> {
    pub(crate) protected: &'a Protected,
    pub(crate) base: &'a Path,
    pub(crate) resolver: Resolver,
    pub(crate) paths: Vec<PathFact>,
    pub(crate) touched: Vec<ProtectedTouch>,
    /// Whether some command runs where a `cd` leads.
    pub(crate) has_moves: bool,
    /// The words of the command line that are being looked at, which cause what is found.
    pub(crate) cause: Option<Span>,
    /// Folders that are removed, moved or closed, so that no `cd` enters them.
    lost: Vec<PathBuf>,
    /// What may still be looked at for patterns.
    pub(crate) globs: Allowance,
    /// How many names may still be looked at for secrets in folders; each folder has
    /// some of its own beyond them.
    pub(super) names_left: usize,
    /// Programs that were looked up in the search path, by name.
    pub(super) searched: RefCell<HashMap<String, Option<PathBuf>>>,
}

/// A path as an action reaches for it.
#[derive(Clone, Debug)]
pub(crate) struct Reached<'w> {
    /// The path, absolute or relative to the base.
    pub(crate) path: &'w Path,
    /// As it is written.
    pub(crate) written: &'w str,
    /// How it is reached for.
    pub(crate) reach: Reach,
    /// Whether what is written holds what only running would show.
    pub(crate) is_unknown: bool,
    /// The part of the action that reaches for it.
    pub(crate) through: &'w str,
}

impl<'a> Touches<'a> {
    /// Returns no facts yet; what `files` has seen need not be looked at again.
    pub(crate) fn new(protected: &'a Protected, base: &'a Path, files: &Resolver) -> Self {
        Self {
            protected,
            base,
            resolver: files.without_links(),
            paths: Vec::new(),
            touched: Vec::new(),
            has_moves: false,
            cause: None,
            lost: Vec::new(),
            globs: Allowance::default(),
            names_left: HELD_NAMES_MAX,
            searched: RefCell::default(),
        }
    }

    /// Notes that a path may be gone afterwards.
    pub(crate) fn lose(&mut self, path: &Path) {
        if self.has_moves && self.lost.len() < LOST_MAX {
            let found = self.resolver.follow(self.base, path, Last::Followed);
            self.lost.extend(found.map(|found| found.path));
        }
    }

    /// Returns whether the real path `folder` may be gone.
    pub(crate) fn is_lost(&self, folder: &Path) -> bool {
        self.lost.len() >= LOST_MAX || self.lost.iter().any(|path| folder.starts_with(path))
    }

    /// Notes that something which may do anything is given all below a folder.
    ///
    /// To be given a project is an everyday thing; what holds the log or a key
    /// is not.
    pub(crate) fn hand(&mut self, path: &Path, access: Access, through: &str) {
        let Some(found) = self.resolver.follow(self.base, path, Last::Followed) else {
            return;
        };
        let object = self
            .protected
            .below(&found.path)
            .find(|object| matches!(object.kind, ProtectedKind::Log | ProtectedKind::Key))
            .or_else(|| {
                let mut user = self.protected.below(&found.path);
                user.find(|object| !object.path.starts_with(self.base))
                    .filter(|_| !self.base.starts_with(&found.path))
            });
        if let Some(object) = object {
            let (kind, place) = (object.kind, object.path.clone());
            self.touch(kind, &place, Reach::possible(access), through);
        }
    }

    /// Adds a path with everything it may lead to.
    pub(crate) fn reach(&mut self, reached: &Reached<'_>) {
        let followed = self.leads_to(reached.path, Last::Followed);
        let other = self.leads_to_kept(reached.path, &followed);
        let kept = other.as_ref().unwrap_or(&followed);
        if followed.is_empty() || kept.is_empty() {
            self.add_unresolved(reached.written, reached.reach.access);
            return;
        }
        let access = reached.reach.access;
        for place in kept {
            if followed.contains(place) {
                self.place(reached, place, access);
            } else if access.changes() {
                // Removing and renaming are about the link itself; what replaces a
                // file puts it where the link was.
                let own = Access {
                    read: false,
                    execute: false,
                    ..access
                };
                if access.delete {
                    self.add_fact(reached, place, own);
                }
                self.judge(reached, place, own);
            }
        }
        let beyond = Access {
            delete: false,
            ..access
        };
        if beyond == Access::default() {
            return;
        }
        for place in followed.iter().filter(|place| !kept.contains(place)) {
            self.place(reached, place, beyond);
        }
    }

    /// Adds a path that a tool is given which only looks, as its name says.
    ///
    /// The name is believed where Aegis' own objects are no secrets; for the
    /// policies the tool has this `access`.
    pub(crate) fn look(&mut self, path: &Path, written: &str, access: Access) {
        let reached = Reached {
            path,
            written,
            reach: Reach::possible(Access::ANY),
            is_unknown: false,
            through: written,
        };
        let mut places = self.leads_to(path, Last::Followed);
        if places.is_empty() {
            self.add_unresolved(written, access);
        }
        for place in self.leads_to_kept(path, &places).unwrap_or_default() {
            if !places.contains(&place) {
                places.push(place);
            }
        }
        for place in &places {
            self.add_fact(&reached, place, access);
            self.judge(&reached, place, Access::READ);
        }
    }

    fn place(&mut self, reached: &Reached<'_>, place: &Found, access: Access) {
        self.add_fact(reached, place, access);
        self.judge(reached, place, access);
    }

    fn judge(&mut self, reached: &Reached<'_>, place: &Found, access: Access) {
        let reach = Reach {
            access,
            ..reached.reach
        };
        if let Some(object) = self.protected.touched_by(place, reach) {
            let (kind, path) = (object.kind, object.path.clone());
            self.touch(kind, &path, reach, reached.through);
        }
    }

    /// Returns the files that a path leads to, with and without planned links:
    /// whether a link is ever made, only running shows.
    fn leads_to(&self, path: &Path, last: Last) -> Vec<Found> {
        let with = self.resolver.follow(self.base, path, last);
        let mut found = Vec::new();
        // A planned link that leads in circles says nothing of the files as they are.
        if with.as_ref().is_none_or(|found| found.is_planned) {
            found.extend(self.resolver.without_links().follow(self.base, path, last));
        }
        found.extend(with);
        found
    }

    /// Returns what a path means that is not followed to its end, if that is
    /// anything else than what it leads to.
    fn leads_to_kept(&self, path: &Path, followed: &[Found]) -> Option<Vec<Found>> {
        let is_without_links = !followed.is_empty() && followed.iter().all(|it| !it.is_linked);
        (!is_without_links).then(|| self.leads_to(path, Last::Kept))
    }

    fn add_fact(&mut self, reached: &Reached<'_>, place: &Found, access: Access) {
        if self.paths.len() >= PATHS_MAX {
            return;
        }
        let fact = PathFact {
            written: reached.written.to_owned(),
            resolved: place.path.to_str().map(str::to_owned),
            identity: place.identity,
            access,
            unknown: reached.is_unknown || place.path.to_str().is_none(),
            listed: false,
            causes: self.cause.into_iter().collect(),
        };
        match self.paths.iter_mut().find(|known| {
            known.resolved == fact.resolved
                && known.written == fact.written
                && known.causes == fact.causes
        }) {
            Some(known) => {
                known.access = known.access.or(access);
                known.unknown |= fact.unknown;
                known.listed = false;
            }
            None => self.paths.push(fact),
        }
        if self.paths.len() == PATHS_MAX {
            // What is left out may be of any command.
            self.cause = None;
            self.add_unresolved("…", Access::ANY);
        }
    }

    /// Adds a path of which only the name and the attributes are looked at.
    pub(crate) fn add_listed(&mut self, path: &Path, written: &str, access: Access) {
        let known = self.paths.len();
        self.add_fact_only(path, written, access);
        if let Some(fact) = self.paths.get_mut(known) {
            fact.listed = true;
        }
    }

    /// Adds a path that is judged elsewhere.
    pub(crate) fn add_fact_only(&mut self, path: &Path, written: &str, access: Access) {
        self.add_fact_at((path, Last::Followed), written, access);
    }

    /// Adds a path that is judged elsewhere, with its last step followed or not.
    pub(super) fn add_fact_at(
        &mut self,
        (path, last): (&Path, Last),
        written: &str,
        access: Access,
    ) {
        let Some(found) = self.resolver.follow(self.base, path, last) else {
            self.add_unresolved(written, access);
            return;
        };
        let reached = Reached {
            path,
            written,
            reach: Reach::certain(access),
            is_unknown: false,
            through: written,
        };
        self.add_fact(&reached, &found, access);
    }

    /// Adds a path of which it cannot be told where it leads.
    pub(crate) fn add_unresolved(&mut self, written: &str, access: Access) {
        let fact = PathFact {
            written: written.to_owned(),
            resolved: None,
            identity: None,
            access,
            unknown: true,
            listed: false,
            causes: self.cause.into_iter().collect(),
        };
        if !self.paths.contains(&fact) {
            self.paths.push(fact);
        }
    }

    /// Notes that an action touches a protected object.
    pub(crate) fn touch(&mut self, kind: ProtectedKind, path: &Path, reach: Reach, through: &str) {
        let touch = ProtectedTouch {
            kind,
            path: path.to_string_lossy().into_owned(),
            access: reach.access,
            uncertain: !reach.is_certain,
            unlisted: false,
            through: aegis_redact::visible(through, THROUGH_CHARS_MAX),
        };
        self.note(touch);
    }

    fn note(&mut self, touch: ProtectedTouch) {
        if self.touched.len() < TOUCHES_MAX && !self.touched.contains(&touch) {
            self.touched.push(touch);
        }
    }

    /// Notes that a list which cannot be read may name an object.
    pub(crate) fn may_be_listed(&mut self, object: &ProtectedObject, through: &str) {
        self.note(ProtectedTouch {
            kind: object.kind,
            path: object.path.to_string_lossy().into_owned(),
            access: Access::WRITE,
            uncertain: true,
            unlisted: true,
            through: aegis_redact::visible(through, THROUGH_CHARS_MAX),
        });
    }

    /// Notes that part of an action was not looked at, so that it may do anything.
    pub(crate) fn cut(&mut self, through: &str) {
        self.come_near(self.protected.objects().first(), through);
    }

    /// Notes that something dark comes near an object.
    pub(crate) fn come_near(&mut self, object: Option<&ProtectedObject>, through: &str) {
        let Some(object) = object else {
            return;
        };
        let (kind, path): (ProtectedKind, PathBuf) = (object.kind, object.path.clone());
        let reach = Reach::possible(Access::ANY);
        self.touch(kind, &path, reach, through);
    }
}
