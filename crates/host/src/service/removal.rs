//! What must go when a service is taken away.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::Path;

use aegis_canon::Digest;

use super::step::{Act, Plan, Step, Word, failed};
use super::{ServiceError, ServiceRecord, Start, Tree, UNIT, account, settings};
use crate::install::plan_uninstall;

/// What stays of a service that is taken away.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Keep {
    /// The log with its keys, and what people changed.
    Written,
    /// Nothing.
    Nothing,
}

/// Plans to take the service away that was put in place in `tree`.
///
/// # Errors
///
/// [`ServiceError`] when it still runs, or it cannot be told what is ours.
pub fn plan_service_removal(tree: &Tree, keep: Keep, stop: Start) -> Result<Plan, ServiceError> {
    tree.must_be_ours()?;
    let Some(record) = ServiceRecord::read(tree)? else {
        return Ok(Plan::new(tree, Vec::new()));
    };
    let mut draft = Draft {
        tree,
        keep,
        record,
        steps: Vec::new(),
    };
    draft.stop(stop)?;
    draft.host()?;
    draft.settings()?;
    draft.files();
    draft.state();
    draft.account();
    draft.folders();
    Ok(Plan::new(tree, draft.steps))
}

struct Draft<'a> {
    tree: &'a Tree,
    keep: Keep,
    record: ServiceRecord,
    steps: Vec<Step>,
}

impl Draft<'_> {
    fn stop(&mut self, stop: Start) -> Result<(), ServiceError> {
        let socket = self.tree.socket();
        let systemctl = account::program("systemctl").filter(|_| self.tree.has_systemd());
        match (stop, systemctl) {
            (Start::Now, Some(program)) => {
                let words = ["disable", "--now", UNIT].map(str::to_owned).to_vec();
                let act = Act::Run { program, words };
                self.steps.push(Step::new(Word::Stopped, UNIT, act));
                Ok(())
            }
            (Start::Now | Start::No, _) if UnixStream::connect(&socket).is_ok() => {
                Err(ServiceError::Running(socket))
            }
            (Start::Now | Start::No, _) => Ok(()),
        }
    }

    fn host(&mut self) -> Result<(), ServiceError> {
        let path = self.tree.host_settings();
        let change = plan_uninstall(&self.tree.host_target())?;
        let text = path.display().to_string();
        let word = match (change.is_empty(), change.after()) {
            (true, _) => Word::Kept,
            (false, Some(_)) => Word::Changed,
            (false, None) => Word::Removed,
        };
        self.steps
            .push(Step::new(word, text, Act::Unregister(Box::new(change))));
        let host = self.tree.host_record();
        if host.exists() {
            let text = host.display().to_string();
            self.steps
                .push(Step::new(Word::Removed, text, Act::RemoveAll(host)));
        }
        Ok(())
    }

    fn settings(&mut self) -> Result<(), ServiceError> {
        let path = self.tree.managed().join("settings.toml");
        self.record.files.remove(&self.tree.path_on_machine(&path));
        if !path.exists() {
            return Ok(());
        }
        let held = fs::read_to_string(&path).map_err(failed("read", &path))?;
        let text = path.display().to_string();
        let rest = settings::without_service(self.tree, &self.record.user, &held);
        self.steps.push(match rest {
            Some(rest) if rest.is_empty() => Step::new(Word::Removed, text, Act::RemoveFile(path)),
            Some(rest) => {
                let bytes = rest.into_bytes();
                let mode = 0o644;
                Step::new(Word::Changed, text, Act::File { path, bytes, mode })
            }
            None => {
                let text = format!("{text}: the table `[service]` was changed by hand");
                Step::new(Word::Left, text, Act::Nothing)
            }
        });
        Ok(())
    }

    /// Plans that the files go which are as they were written.
    fn files(&mut self) {
        let record = self.tree.record();
        let mut has_unit = false;
        for (name, digest) in &self.record.files {
            let path = self.tree.at(&name.to_string_lossy());
            let Ok(held) = fs::read(&path) else {
                continue;
            };
            has_unit |= path == self.tree.unit();
            let text = path.display().to_string();
            let is_policy = path.starts_with(self.tree.managed());
            let is_theirs = is_policy && Digest::of(&held) != *digest;
            self.steps.push(match self.keep {
                Keep::Written if is_theirs => Step::new(Word::Left, text, Act::Nothing),
                Keep::Written | Keep::Nothing => {
                    Step::new(Word::Removed, text, Act::RemoveFile(path))
                }
            });
        }
        let systemctl = account::program("systemctl").filter(|_| self.tree.has_systemd());
        if let Some(program) = systemctl.filter(|_| has_unit) {
            let words = vec!["daemon-reload".to_owned()];
            let act = Act::Run { program, words };
            self.steps
                .push(Step::new(Word::Changed, "what systemd knows", act));
        }
        let text = record.display().to_string();
        self.steps
            .push(Step::new(Word::Removed, text, Act::RemoveFile(record)));
    }

    fn state(&mut self) {
        let state = self.tree.state();
        let run = self.tree.run();
        if run.exists() {
            let text = run.display().to_string();
            self.steps
                .push(Step::new(Word::Removed, text, Act::RemoveAll(run)));
        }
        if !state.exists() {
            return;
        }
        let text = state.display().to_string();
        let is_empty = fs::read_dir(&state).is_ok_and(|mut found| found.next().is_none());
        self.steps.push(match self.keep {
            Keep::Nothing => Step::new(Word::Removed, text, Act::RemoveAll(state)),
            Keep::Written if is_empty => Step::new(Word::Removed, text, Act::RemoveFolder(state)),
            // Its account goes, and its number may be given to another one.
            Keep::Written if self.tree.is_machine() => {
                let text =
                    format!("{text}: the log and its keys, which belong to root from now on");
                Step::new(Word::Left, text, Act::GiveToRoot(state))
            }
            Keep::Written => Step::new(Word::Left, text, Act::Nothing),
        });
    }

    fn account(&mut self) {
        if !self.record.made_user || !self.tree.is_machine() {
            return;
        }
        let name = self.record.user.clone();
        let text = format!("account {name}");
        let groups = self.tree.at("/etc/group");
        self.steps.push(Step::new(
            Word::Removed,
            text,
            Act::RemoveAccount { name, groups },
        ));
    }

    /// Plans that the folders go which were made, the innermost first.
    fn folders(&mut self) {
        for name in self.record.folders.iter().rev() {
            let path = self.tree.at(&name.to_string_lossy());
            if !path.exists() || path == self.tree.state() {
                continue;
            }
            let step = Step::new(Word::Removed, folder_text(&path), Act::RemoveFolder(path));
            self.steps.push(step);
        }
    }
}

fn folder_text(path: &Path) -> String {
    format!("{}, if nothing else lies in it", path.display())
}
