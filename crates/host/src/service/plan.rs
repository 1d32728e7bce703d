//! What must be made for a service.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use aegis_canon::Digest;

use super::step::{Act, Plan, Step, Word, failed};
use super::{
    PROGRAMS, ServiceError, ServiceRecord, Start, Tree, UNIT, Wanted, account, settings, unit,
};
use crate::install::plan_install;
use crate::registration::Registration;

/// The mode of what everybody may read and only root may change.
const FILE: u32 = 0o644;
const FOLDER: u32 = 0o755;

/// Plans to put a service in place.
///
/// # Errors
///
/// [`ServiceError`] when something there must not or cannot be built upon.
pub fn plan_service(wanted: &Wanted) -> Result<Plan, ServiceError> {
    account::check_name(&wanted.user)?;
    let tree = &wanted.tree;
    tree.must_be_ours()?;
    let last = ServiceRecord::read(tree)?;
    let mut draft = Draft {
        wanted,
        tree,
        record: ServiceRecord::of(&wanted.user),
        last: last.unwrap_or_else(|| ServiceRecord::of(&wanted.user)),
        coming: Vec::new(),
        steps: Vec::new(),
    };
    draft.record.made_user = draft.last.made_user;
    draft.record.folders.clone_from(&draft.last.folders);
    draft.folder(&tree.programs(), FOLDER, None)?;
    // The record comes before what it tells of: what an interruption leaves
    // behind can be taken away as well.
    let place = draft.steps.len();
    draft.account()?;
    for program in PROGRAMS {
        draft.program(program)?;
    }
    draft.folder(&tree.managed(), FOLDER, None)?;
    draft.settings()?;
    draft.policy()?;
    draft.folder(
        &tree.state(),
        0o700,
        tree.is_machine().then_some(&*wanted.user),
    )?;
    draft.file(
        &tree.unit(),
        unit::text(tree, &wanted.user).into_bytes(),
        FILE,
    )?;
    draft.host()?;
    draft.start();
    draft.record_at(place)?;
    Ok(Plan::new(tree, draft.steps))
}

struct Draft<'a> {
    wanted: &'a Wanted,
    tree: &'a Tree,
    record: ServiceRecord,
    /// What was put in place the last time.
    last: ServiceRecord,
    /// The folders that will be there.
    coming: Vec<PathBuf>,
    steps: Vec<Step>,
}

impl Draft<'_> {
    fn account(&mut self) -> Result<(), ServiceError> {
        let user = &self.wanted.user;
        let text = format!("account {user}");
        if !self.tree.is_machine() {
            let text = format!("{text}: this tree is no machine");
            self.steps
                .push(Step::new(Word::Skipped, text, Act::Nothing));
            return Ok(());
        }
        match account::account_called(&self.tree.accounts(), user) {
            Some(found) if found.user == 0 => return Err(ServiceError::Name(user.clone())),
            Some(found) if found.lets_people_in() => {
                return Err(ServiceError::LoginAccount {
                    user: user.clone(),
                    shell: found.shell,
                });
            }
            Some(_) => self.steps.push(Step::kept(text)),
            None => {
                self.record.made_user = true;
                let act = Act::MakeAccount {
                    name: user.clone(),
                    home: self.tree.path_on_machine(&self.tree.state()),
                };
                self.steps.push(Step::new(Word::Made, text, act));
            }
        }
        Ok(())
    }

    /// Plans a folder, and those above it that are missing.
    fn folder(&mut self, path: &Path, mode: u32, owner: Option<&str>) -> Result<(), ServiceError> {
        if let Some(above) = path.parent().filter(|above| !self.will_be(above)) {
            self.folder(above, FOLDER, None)?;
        }
        self.guard(path)?;
        let text = path.display().to_string();
        let word = match fs::symlink_metadata(path) {
            Ok(found) if self.is_right(&found, mode, owner) => {
                self.steps.push(Step::kept(text));
                return Ok(());
            }
            Ok(_) => Word::Changed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Word::Made,
            Err(error) => return Err(failed("look at", path)(error)),
        };
        if word == Word::Made {
            self.coming.push(path.to_path_buf());
            self.record.folders.insert(self.tree.path_on_machine(path));
        }
        let act = Act::Folder {
            path: path.to_path_buf(),
            mode,
            owner: owner.map(str::to_owned),
        };
        self.steps.push(Step::new(word, text, act));
        Ok(())
    }

    /// Returns whether `path` is there, or will be.
    fn will_be(&self, path: &Path) -> bool {
        path.exists() || self.coming.iter().any(|coming| coming == path)
    }

    /// Returns whether what was found has this mode and this owner.
    fn is_right(&self, found: &Metadata, mode: u32, owner: Option<&str>) -> bool {
        let owner = match owner {
            None => Some(self.tree.owner()),
            Some(name) => {
                let account = account::account_called(&self.tree.accounts(), name);
                account.map(|account| account.user)
            }
        };
        owner == Some(found.uid()) && found.permissions().mode() & 0o7777 == mode
    }

    /// Plans a file that is wholly ours.
    fn file(&mut self, path: &Path, bytes: Vec<u8>, mode: u32) -> Result<(), ServiceError> {
        let name = self.tree.path_on_machine(path);
        self.record.files.insert(name, Digest::of(&bytes));
        self.write(path, bytes, mode)
    }

    fn write(&mut self, path: &Path, bytes: Vec<u8>, mode: u32) -> Result<(), ServiceError> {
        if let Some(above) = path.parent().filter(|above| !self.will_be(above)) {
            self.folder(above, FOLDER, None)?;
        }
        self.guard(path)?;
        let text = path.display().to_string();
        let found = fs::symlink_metadata(path).ok();
        let is_right = found.as_ref().is_some_and(|found| {
            self.is_right(found, mode, None) && fs::read(path).is_ok_and(|held| held == bytes)
        });
        if is_right {
            self.steps.push(Step::kept(text));
            return Ok(());
        }
        let word = if found.is_some() {
            Word::Changed
        } else {
            Word::Made
        };
        let act = Act::File {
            path: path.to_path_buf(),
            bytes,
            mode,
        };
        self.steps.push(Step::new(word, text, act));
        Ok(())
    }

    fn program(&mut self, name: &str) -> Result<(), ServiceError> {
        let source = self.wanted.programs.join(name);
        let is_program = fs::metadata(&source)
            .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0);
        if !is_program {
            return Err(ServiceError::NoProgram(source));
        }
        let bytes = fs::read(&source).map_err(failed("read", &source))?;
        self.file(&self.tree.programs().join(name), bytes, FOLDER)
    }

    fn settings(&mut self) -> Result<(), ServiceError> {
        let path = self.tree.managed().join("settings.toml");
        self.guard(&path)?;
        let before = read(&path)?;
        let user = &self.wanted.user;
        let after = settings::with_service(self.tree, user, &path, before.as_deref())?;
        self.file(&path, after.into_bytes(), FILE)
    }

    fn policy(&mut self) -> Result<(), ServiceError> {
        let path = self.tree.managed().join("policy.yaml");
        self.guard(&path)?;
        let name = self.tree.path_on_machine(&path);
        match (read(&path)?, self.last.files.get(&name)) {
            (None, _) => self.file(&path, settings::POLICY.as_bytes().to_vec(), FILE),
            (Some(text), Some(written)) if *written == Digest::of(text.as_bytes()) => {
                self.file(&path, text.into_bytes(), FILE)
            }
            // A person's policy is theirs: its mode and owner are for them to set.
            (Some(_), _) => {
                self.steps.push(Step::kept(path.display().to_string()));
                Ok(())
            }
        }
    }

    fn host(&mut self) -> Result<(), ServiceError> {
        let path = self.tree.host_settings();
        let program = self.tree.hook_program();
        let registration = Registration::of(&program, self.wanted.longest_approval).alone();
        let change = plan_install(&self.tree.host_target(), &registration)?.for_everybody();
        if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
            self.folder(folder, FOLDER, None)?;
        }
        self.guard(&path)?;
        let text = path.display().to_string();
        self.steps.push(if change.is_empty() {
            Step::kept(text)
        } else {
            let word = if path.exists() {
                Word::Changed
            } else {
                Word::Made
            };
            Step::new(word, text, Act::Register(Box::new(change)))
        });
        Ok(())
    }

    fn start(&mut self) {
        let skipped = |why: &str| {
            let text = format!("{UNIT} is not started: {why}");
            Step::new(Word::Skipped, text, Act::Nothing)
        };
        let systemctl = account::program("systemctl").filter(|_| self.tree.has_systemd());
        let step = match (self.wanted.start, systemctl) {
            (Start::No, _) if !self.tree.is_machine() => skipped("this tree is no machine"),
            (Start::No, _) => skipped("--no-start was given"),
            (Start::Now, None) => skipped("systemd does not run here"),
            (Start::Now, Some(program)) => {
                let run = |words: &[&str]| Act::Run {
                    program: program.clone(),
                    words: words.iter().map(|word| (*word).to_owned()).collect(),
                };
                self.steps.extend([
                    Step::new(Word::Changed, "what systemd knows", run(&["daemon-reload"])),
                    Step::new(
                        Word::Changed,
                        "what starts with the machine",
                        run(&["enable", UNIT]),
                    ),
                ]);
                Step::new(Word::Started, UNIT, run(&["restart", UNIT]))
            }
        };
        self.steps.push(step);
    }

    /// Plans the record, which comes at `place` among the steps.
    fn record_at(&mut self, place: usize) -> Result<(), ServiceError> {
        let text = self.record.text();
        self.write(&self.tree.record(), text.into_bytes(), FILE)?;
        self.steps
            .get_mut(place..)
            .unwrap_or_default()
            .rotate_right(1);
        Ok(())
    }

    /// Refuses a link at `path`, and folders above it that others than root may change.
    fn guard(&self, path: &Path) -> Result<(), ServiceError> {
        if fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink()) {
            return Err(ServiceError::Link(path.to_path_buf()));
        }
        exposed_above(self.tree, path).map_or(Ok(()), |found| Err(ServiceError::Exposed(found)))
    }
}

/// Returns the first folder above `path` in `tree` that others than its owner may
/// change, or that belongs to somebody else than root.
pub(crate) fn exposed_above(tree: &Tree, path: &Path) -> Option<PathBuf> {
    let owner = tree.owner();
    path.ancestors()
        .skip(1)
        .take_while(|above| {
            above.starts_with(&tree.root) && (tree.is_machine() || **above != tree.root)
        })
        .find(|above| {
            fs::metadata(above)
                .is_ok_and(|found| found.uid() != owner || found.permissions().mode() & 0o022 != 0)
        })
        .map(Path::to_path_buf)
}

fn read(path: &Path) -> Result<Option<String>, ServiceError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path)(error)),
    }
}
