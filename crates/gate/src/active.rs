//! The policies that files hold.
//!
//! Three files may hold a policy: the managed one, the user's and the
//! project's. If there is none but a project's that nobody trusts, the built-in
//! pack is in force beside it: else a file that may only tighten would loosen by
//! being there. A file that is broken or gone leaves its last good policy in force, and every
//! decision says so; a file that never held a good one lets nothing happen.

mod cache;

mod example;

mod load;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use aegis_canon::Digest;
use aegis_types::Mode;

use self::load::Loaded;
use crate::causes::with_causes;
use crate::file_stamp::{FileStamp, Stamped};
use crate::in_force::{InForce, Policies, PolicyInForce, RejectedPolicy};
use crate::places::Places;
use crate::settings::Origin;
use crate::trust::Trust;

pub use example::{case_request, case_state, example_request, example_request_in, probe_request};
pub use load::PolicyFolder;

/// The pack that is in force when no file holds a policy that counts in full.
const PACK: &str = "aegis:developer";

/// The policies that files hold, read again when a file changes.
#[derive(Debug)]
pub struct ActivePolicies {
    places: Places,
    mode: Mode,
    last: Mutex<Option<Arc<Stamped<Arc<InForce>>>>>,
}

impl ActivePolicies {
    /// Returns the policies that the files at `places` hold, all of which only
    /// watch if `mode` says so.
    #[must_use]
    pub const fn new(places: Places, mode: Mode) -> Self {
        Self {
            places,
            mode,
            last: Mutex::new(None),
        }
    }

    /// Returns the files that may hold a policy, and whose each is.
    #[must_use]
    pub fn files(places: &Places) -> Vec<(Origin, PathBuf)> {
        let mut files = vec![
            (Origin::Managed, places.managed_policy.clone()),
            (Origin::User, places.user_policy.clone()),
        ];
        files.extend(
            places
                .project
                .iter()
                .map(|project| (Origin::Project, project.policy.clone())),
        );
        files
    }

    /// Forgets the last good policy of the file at `path`, so that a file which
    /// is gone is no longer in force. Returns whether there was one.
    ///
    /// # Errors
    ///
    /// When it cannot be removed.
    pub fn forget(places: &Places, path: &Path) -> std::io::Result<bool> {
        cache::forget(places, path)
    }

    fn load(&self) -> (Vec<FileStamp>, InForce) {
        let mut stamps = vec![FileStamp::of(&self.places.trust)];
        let mut in_force = InForce::default();
        let trust = match Trust::load(&self.places.trust) {
            Ok(trust) => trust,
            Err(error) => {
                in_force.fault = Some(with_causes(&error));
                Trust::default()
            }
        };
        for (origin, path) in Self::files(&self.places) {
            stamps.push(FileStamp::of(&path));
            let loaded = load::file(&self.places, &path);
            if let Loaded::Good { others, .. } = &loaded {
                stamps.extend(others.iter().map(|other| FileStamp::of(other)));
            }
            self.add(&mut in_force, origin, path, loaded, &trust);
        }
        let is_bare = in_force.policies.iter().all(|policy| policy.only_tightens);
        if is_bare && in_force.fault.is_none() {
            match load::pack(&self.places, PACK) {
                Ok((compiled, document)) => in_force.policies.push(PolicyInForce {
                    compiled: self.observed(compiled),
                    document,
                    standing: aegis_types::PolicyStanding::Current,
                    only_tightens: false,
                    origin: Origin::Default,
                    path: None,
                }),
                Err(cause) => in_force.fault = Some(cause),
            }
        }
        (stamps, in_force)
    }

    fn add(
        &self,
        in_force: &mut InForce,
        origin: Origin,
        path: PathBuf,
        loaded: Loaded,
        trust: &Trust,
    ) {
        let (compiled, document, standing) = match loaded {
            Loaded::Absent => return,
            Loaded::Good {
                compiled, document, ..
            } => (compiled, document, aegis_types::PolicyStanding::Current),
            Loaded::Broken {
                cause,
                content,
                last_good,
            } => {
                in_force.rejected.push(RejectedPolicy {
                    path: path.clone(),
                    content,
                    cause: cause.clone(),
                    last_good: last_good.as_ref().map(|(compiled, _)| compiled.digest()),
                });
                let Some((compiled, document)) = last_good else {
                    in_force.fault = Some(format!(
                        "the policy `{}` cannot be used, and no earlier good one is known: {cause}",
                        path.display()
                    ));
                    return;
                };
                (compiled, document, aegis_types::PolicyStanding::LastGood)
            }
        };
        let may_be_forged = match origin {
            Origin::Project => true,
            Origin::User => self.places.is_guest,
            Origin::Default | Origin::Managed | Origin::Environment => false,
        };
        let only_tightens = may_be_forged && !trust.is_trusted_digest(&compiled.digest());
        in_force.policies.push(PolicyInForce {
            compiled: self.observed(compiled),
            document,
            standing,
            only_tightens,
            origin,
            path: Some(path),
        });
    }

    /// Returns the policy as one that only watches, if all of them do.
    fn observed(&self, compiled: Arc<aegis_policy::Compiled>) -> Arc<aegis_policy::Compiled> {
        match self.mode {
            Mode::Enforce => compiled,
            Mode::Observe => {
                let mut policy = compiled.policy().clone();
                policy.mode = Mode::Observe;
                Arc::new(aegis_policy::Compiled::new(policy, compiled.digest()))
            }
        }
    }

    /// Returns the digest by which the project's policy is trusted, if it is sound.
    ///
    /// It covers every text that the policy is made of.
    #[must_use]
    pub fn digest_to_trust(places: &Places, path: &Path) -> Option<Digest> {
        match load::file(places, path) {
            Loaded::Good { compiled, .. } => Some(compiled.digest()),
            Loaded::Absent | Loaded::Broken { .. } => None,
        }
    }
}

impl Policies for ActivePolicies {
    fn in_force(&self) -> Arc<InForce> {
        let last = || self.last.lock().unwrap_or_else(PoisonError::into_inner);
        // Files are looked at while nobody else waits for the lock.
        let known = last().clone();
        if let Some(known) = known.filter(|known| known.holds()) {
            return Arc::clone(known.value());
        }
        let mut last = last();
        // Whoever had the lock before may have read them meanwhile.
        if let Some(known) = last.as_ref().filter(|known| known.holds()) {
            return Arc::clone(known.value());
        }
        let (stamps, in_force) = self.load();
        let in_force = Arc::new(in_force);
        *last = Some(Arc::new(Stamped::new(stamps, Arc::clone(&in_force))));
        in_force
    }
}

#[cfg(test)]
mod tests;
