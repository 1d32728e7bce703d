//! The gates of one process that decides for many callers.
//!
//! A hook opens one gate, answers and ends. A service lives long: it opens the
//! log once, and gives every caller a gate of its own that stands on the
//! settings, the policies and the protected files of that caller. All of them
//! write the same log with the same clock, and remember together.
//!
//! What a gate stands on is kept as long as the files it was read from are
//! still the same. Only where links lead is not looked at for every request:
//! a gate is made anew once it is [`LINKS_FOR`] old.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aegis_canon::{Key, KeyedDigest};
use aegis_log::{Log, MemoryLog};
use aegis_redact::Redactor;
use aegis_types::{Mode, TenantId, Timestamp};

use crate::active::ActivePolicies;
use crate::approver::{Approver, SilentApprover};
use crate::causes::with_causes;
use crate::clock::{Clock, SystemClock};
use crate::file_stamp::{FileStamp, Stamped};
use crate::gate::{Gate, Parts};
use crate::in_force::{FixedPolicies, InForce, Policies};
use crate::open::{OpenGateError, make_state_folder, open_log, redaction_key};
use crate::pause::{Pause, SleepingPause};
use crate::places::{Places, Project};
use crate::process::{ProcFs, Processes};
use crate::protected::Protected;
use crate::read_file::Reader;
use crate::recent::Recents;
use crate::settings::{DurabilityLevel, Origin, Setting, Settings};
use crate::surroundings::{HomeOrigin, Surroundings};
use crate::trust::Trust;

/// How many sets of policy files are kept compiled.
const POLICIES_MAX: usize = 256;

/// How many gates are kept.
const GATES_MAX: usize = 256;

/// How many bytes of variables a caller may have whose gate is kept: with the
/// number of gates the bound of what callers can fill the memory with.
const VARIABLES_BYTES_MAX: usize = 16 * 1024;

/// How long it counts where the links on the way to protected files lead.
///
/// Following each of them takes longer than everything else that a gate stands
/// on. Where an agent would turn one round by an action that is decided, that is
/// denied; what turns one round unseen has as long as this until it is seen.
const LINKS_FOR: Duration = Duration::from_millis(100);

/// Whom a gate is for.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Caller {
    /// What its process finds around it.
    pub surroundings: Surroundings,
    /// Whose sessions its are; those of the service's own tenant if absent.
    pub tenant: Option<TenantId>,
    /// Whether it could have written the files of its home itself, and not
    /// those of the service: its own settings and policies may then only tighten.
    pub is_guest: bool,
}

impl Caller {
    fn is_small(&self) -> bool {
        let variables = self.surroundings.variables.iter();
        let sizes = variables.map(|(name, value)| name.len() + value.len() + 64);
        sizes.sum::<usize>() <= VARIABLES_BYTES_MAX
    }
}

/// Where a service keeps its log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum LogPlace {
    /// In a file.
    File(PathBuf),
    /// In memory, until the process ends.
    Memory,
}

/// The gates of one process that share a log.
pub struct Gates {
    surroundings: Surroundings,
    places: Places,
    tenant: TenantId,
    key: Key,
    log: Arc<dyn Log>,
    clock: Arc<dyn Clock>,
    pause: Arc<dyn Pause>,
    processes: Arc<dyn Processes>,
    approver: Arc<dyn Approver>,
    recents: Arc<Recents>,
    policies: Mutex<BTreeMap<PolicyKey, Arc<ActivePolicies>>>,
    kept: Mutex<HashMap<Caller, Arc<Kept>>>,
}

/// A gate that was made, and what tells that it would be made the same again.
struct Kept {
    gate: Stamped<Gate>,
    made: Instant,
    project: Option<Project>,
}

impl Kept {
    fn is_good(&self, caller: &Caller) -> bool {
        self.made.elapsed() < LINKS_FOR
            && self.project == Project::of(&caller.surroundings)
            && self.gate.holds()
    }
}

/// What tells the policies of one caller from those of another.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct PolicyKey {
    user: PathBuf,
    project: Option<PathBuf>,
    is_guest: bool,
    reader: Reader,
    observes: bool,
}

impl Gates {
    /// Opens the log of a service whose own files lie where `surroundings` lead.
    ///
    /// Missing folders, a missing key and a missing log are made.
    ///
    /// # Errors
    ///
    /// [`OpenGateError`], whose text says what a person can do.
    pub fn open(
        surroundings: Surroundings,
        durability: DurabilityLevel,
    ) -> Result<Self, OpenGateError> {
        Self::open_at(surroundings, durability, None)
    }

    /// As [`Gates::open`], with the log at `place` and not where it usually is.
    ///
    /// # Errors
    ///
    /// As [`Gates::open`].
    pub fn open_at(
        surroundings: Surroundings,
        durability: DurabilityLevel,
        place: Option<LogPlace>,
    ) -> Result<Self, OpenGateError> {
        match surroundings.home_origin {
            HomeOrigin::Variable | HomeOrigin::UserDatabase => {}
            HomeOrigin::Nowhere => return Err(OpenGateError::Home),
        }
        let mut places = Places {
            project: None,
            ..Places::of(&surroundings)
        };
        let is_in_memory = place == Some(LogPlace::Memory);
        if let Some(LogPlace::File(path)) = place {
            places.log = path;
        }
        make_state_folder(&places)?;
        let trust = Trust::load(&places.trust)?;
        let settings = Settings::load(&places, &surroundings, &trust)?;
        let durability = durability.max(settings.durability.value);
        Ok(Self {
            key: redaction_key(&places)?,
            log: if is_in_memory {
                Arc::new(MemoryLog::new())
            } else {
                Arc::new(open_log(&places, durability)?)
            },
            tenant: settings.tenant.value,
            surroundings,
            places,
            clock: Arc::new(SystemClock),
            pause: Arc::new(SleepingPause),
            processes: Arc::new(ProcFs),
            approver: Arc::new(SilentApprover),
            recents: Arc::default(),
            policies: Mutex::default(),
            kept: Mutex::default(),
        })
    }

    /// Returns the log.
    #[must_use]
    pub fn log(&self) -> &Arc<dyn Log> {
        &self.log
    }

    /// Returns the present time, by the clock of all gates.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns where the files of the service itself lie.
    #[must_use]
    pub const fn places(&self) -> &Places {
        &self.places
    }

    /// Returns the tenant of callers that belong to no other.
    #[must_use]
    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Returns a gate for `tenant` that stands on the files of the service alone.
    ///
    /// # Errors
    ///
    /// As [`Gates::at`].
    pub fn of(&self, tenant: &TenantId) -> Result<Gate, OpenGateError> {
        self.at(Caller {
            surroundings: self.surroundings.clone(),
            tenant: Some(tenant.clone()),
            is_guest: false,
        })
    }

    /// Returns a gate for `caller`.
    ///
    /// # Errors
    ///
    /// [`OpenGateError`] when its settings, or the list of trusted files,
    /// cannot be read. Every action must then be denied.
    pub fn at(&self, caller: Caller) -> Result<Gate, OpenGateError> {
        self.watched(caller, Arc::clone(&self.approver))
    }

    /// Returns a gate for `caller`, of whose approvals `approver` is told.
    ///
    /// # Errors
    ///
    /// As [`Gates::at`].
    pub fn watched(
        &self,
        caller: Caller,
        approver: Arc<dyn Approver>,
    ) -> Result<Gate, OpenGateError> {
        // Files are looked at while no other caller waits for the lock.
        let known = self.kept().get(&caller).map(Arc::clone);
        if let Some(known) = known.filter(|known| known.is_good(&caller)) {
            return Ok(known.gate.value().telling(approver));
        }
        let made = Arc::new(self.make(&caller, None)?);
        let gate = made.gate.value().telling(approver);
        if !caller.is_small() {
            return Ok(gate);
        }
        let mut kept = self.kept();
        kept.retain(|_, kept| kept.made.elapsed() < LINKS_FOR);
        if kept.len() >= GATES_MAX && !kept.contains_key(&caller) {
            kept.clear();
        }
        kept.insert(caller, made);
        Ok(gate)
    }

    /// Returns a gate to decide what `caller` proposes: where the settings of its
    /// project cannot be read, one that denies and records all of it.
    ///
    /// # Errors
    ///
    /// As [`Gates::at`], but for such settings.
    pub fn deciding(&self, caller: Caller) -> Result<Gate, OpenGateError> {
        match self.at(caller.clone()) {
            Err(error @ OpenGateError::Settings(_)) => {
                let denying = self.make(&caller, Some(&error))?;
                Ok(denying.gate.value().telling(Arc::clone(&self.approver)))
            }
            found => found,
        }
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<Caller, Arc<Kept>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the gate of `caller`; without its project, and to deny for `cause`, if
    /// there is one.
    fn make(&self, caller: &Caller, cause: Option<&OpenGateError>) -> Result<Kept, OpenGateError> {
        let made = Instant::now();
        let mut places = self
            .places
            .for_caller(&caller.surroundings, caller.is_guest);
        if cause.is_some() {
            places.project = None;
        }
        let mut files = vec![places.trust.clone()];
        files.extend(Settings::files(&places).into_iter().map(|(path, _)| path));
        let stamps = files.iter().map(|file| FileStamp::of(file)).collect();
        let trust = Trust::load(&places.trust)?;
        let mut settings = Settings::load(&places, &caller.surroundings, &trust)?;
        let tenant = caller.tenant.clone().unwrap_or_else(|| self.tenant.clone());
        let redactor = Redactor::new(self.key_of(&tenant)?);
        settings.tenant = Setting {
            value: tenant,
            origin: Origin::Managed,
        };
        let parts = Parts {
            log: Arc::clone(&self.log),
            clock: Arc::clone(&self.clock),
            pause: Arc::clone(&self.pause),
            policies: match cause {
                None => self.policies_at(&places, settings.mode.value),
                Some(cause) => Arc::new(FixedPolicies::new(InForce {
                    fault: Some(with_causes(cause)),
                    ..InForce::default()
                })),
            },
            processes: Arc::clone(&self.processes),
            approver: Arc::clone(&self.approver),
            redactor,
            protected: Protected::of(&places, &caller.surroundings),
            settings,
            surroundings: caller.surroundings.clone(),
            places,
        };
        Ok(Kept {
            project: parts.places.project.clone(),
            gate: Stamped::new(stamps, Gate::sharing(parts, Arc::clone(&self.recents))),
            made,
        })
    }

    /// Returns the key of redaction of `tenant`: no two tenants share one.
    fn key_of(&self, tenant: &TenantId) -> Result<Key, OpenGateError> {
        if *tenant == self.tenant {
            return Ok(self.key.clone());
        }
        let label = format!("redaction of tenant {tenant}");
        let derived = KeyedDigest::of(&self.key, label.as_bytes());
        Key::new(derived.as_bytes()).ok_or_else(|| OpenGateError::Key {
            path: self.places.redaction_key.clone(),
        })
    }

    /// Returns the policies at `places`, compiled once for all who share them.
    fn policies_at(&self, places: &Places, mode: Mode) -> Arc<dyn Policies> {
        let key = PolicyKey {
            user: places.user.clone(),
            project: places.project.as_ref().map(|project| project.root.clone()),
            is_guest: places.is_guest,
            reader: places.reader,
            observes: mode == Mode::Observe,
        };
        let mut kept = self.policies.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= POLICIES_MAX && !kept.contains_key(&key) {
            kept.clear();
        }
        let policies = kept
            .entry(key)
            .or_insert_with(|| Arc::new(ActivePolicies::new(places.clone(), mode)));
        Arc::clone(policies) as Arc<dyn Policies>
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    fn gates_in(folder: &Path) -> (Surroundings, Gates) {
        let surroundings = Surroundings {
            home: folder.join("home"),
            managed: folder.join("managed"),
            ..Surroundings::default()
        };
        let place = Some(LogPlace::Memory);
        let gates = Gates::open_at(surroundings.clone(), DurabilityLevel::Normal, place).unwrap();
        (surroundings, gates)
    }

    #[test]
    fn a_gate_is_kept_as_long_as_nothing_that_it_stands_on_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let surroundings = |home: &str| Surroundings {
            home: at(home),
            managed: at("etc"),
            directory: at("app"),
            ..Surroundings::default()
        };
        let gates = Gates::open(surroundings("service"), DurabilityLevel::Normal).unwrap();
        let caller = Caller {
            surroundings: surroundings("home"),
            tenant: None,
            is_guest: false,
        };
        let is_kept = |gates: &Gates| {
            let kept = gates.kept().get(&caller).map(Arc::clone);
            kept.is_some_and(|kept| kept.is_good(&caller))
        };
        let mode = |gates: &Gates| gates.at(caller.clone()).unwrap().settings().mode.value;
        assert!(!is_kept(&gates));
        assert_eq!(mode(&gates), Mode::Enforce);
        assert!(is_kept(&gates));

        fs::create_dir_all(at("home/.config/aegis")).unwrap();
        fs::write(at("home/.config/aegis/settings.toml"), "mode = \"observe\"").unwrap();
        assert!(!is_kept(&gates));
        assert_eq!(mode(&gates), Mode::Observe);
        assert!(is_kept(&gates));

        fs::create_dir_all(at("app/.aegis")).unwrap();
        assert!(!is_kept(&gates));
        assert_eq!(mode(&gates), Mode::Observe);

        let old = gates.make(&caller, None).unwrap();
        assert!(old.is_good(&caller));
        let made = old.made.checked_sub(LINKS_FOR).unwrap();
        assert!(!Kept { made, ..old }.is_good(&caller));
    }

    #[test]
    fn policies_of_many_callers_do_not_pile_up() {
        let folder = tempfile::tempdir().unwrap();
        let (surroundings, gates) = gates_in(folder.path());
        for number in 0..=POLICIES_MAX {
            let caller = Surroundings {
                home: folder.path().join(format!("home-{number}")),
                ..surroundings.clone()
            };
            gates.policies_at(&Places::of(&caller), Mode::Enforce);
        }
        assert!(gates.policies.lock().unwrap().len() <= POLICIES_MAX);
    }

    #[test]
    fn gates_of_many_callers_and_of_large_ones_do_not_pile_up() {
        let folder = tempfile::tempdir().unwrap();
        let (surroundings, gates) = gates_in(folder.path());
        let open = |name: String, value: String| {
            let caller = Caller {
                surroundings: Surroundings {
                    variables: [(name, value)].into(),
                    ..surroundings.clone()
                },
                tenant: None,
                is_guest: true,
            };
            gates.at(caller).unwrap();
        };
        open("LARGE".to_owned(), "x".repeat(VARIABLES_BYTES_MAX));
        assert!(gates.kept().is_empty());
        for number in 0..=GATES_MAX {
            open(format!("NAME_{number}"), String::new());
        }
        assert!((1..=GATES_MAX).contains(&gates.kept().len()));
    }
}
