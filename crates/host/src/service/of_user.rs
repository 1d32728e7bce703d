//! The service of one user, which systemd starts with the user's first session.

use std::fs;
use std::path::{Path, PathBuf};

use super::step::{Act, Plan, Step, Word, failed};
use super::{ServiceError, Start, Tree, UNIT, account};

/// The first line of a unit of ours.
const MARK: &str = "# Written by `aegis install daemon`. Put changes into a drop-in \
                    (`systemctl --user edit aegis`).";

/// The service of a user to put in place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DaemonWanted {
    /// The folder of the user's settings, such as `~/.config`.
    pub config: PathBuf,
    /// The folder of what runs for the user now, where there is one.
    pub runtime: Option<PathBuf>,
    /// The program `aegis`.
    pub program: PathBuf,
    /// The variables that say where its files lie, with their values.
    pub variables: Vec<(String, String)>,
    /// Whether it is started, or stopped.
    pub start: Start,
}

/// Plans to put the service of a user in place.
///
/// # Errors
///
/// [`ServiceError`] when something there must not be built upon.
pub fn plan_daemon(wanted: &DaemonWanted) -> Result<Plan, ServiceError> {
    let unit = wanted.unit()?;
    let bytes = text(wanted).into_bytes();
    let mut steps = Vec::new();
    let missing: Vec<&Path> = unit
        .ancestors()
        .skip(1)
        .take_while(|above| !above.exists())
        .collect();
    for path in missing.into_iter().rev() {
        let act = Act::Folder {
            path: path.to_path_buf(),
            mode: 0o755,
            owner: None,
        };
        steps.push(Step::new(Word::Made, path.display().to_string(), act));
    }
    let name = unit.display().to_string();
    steps.push(match fs::read(&unit) {
        Ok(held) if held == bytes => Step::kept(name),
        held => {
            let word = if held.is_ok() {
                Word::Changed
            } else {
                Word::Made
            };
            let path = unit;
            let mode = 0o644;
            Step::new(word, name, Act::File { path, bytes, mode })
        }
    });
    match wanted.manager() {
        Ok(program) => {
            let run = |words: &[&str]| run(&program, words);
            let known = "what systemd knows of the user's units";
            steps.extend([
                Step::new(Word::Changed, known, run(&["daemon-reload"])),
                Step::new(
                    Word::Changed,
                    "what starts with the first session",
                    run(&["enable", UNIT]),
                ),
                Step::new(Word::Started, UNIT, run(&["restart", UNIT])),
            ]);
        }
        Err(why) => {
            let text = format!("{UNIT} is not started: {why}");
            steps.push(Step::new(Word::Skipped, text, Act::Nothing));
        }
    }
    Ok(Plan::new(&Tree::below(Path::new("/")), steps))
}

/// Plans to take the service of a user away; what was changed by hand stays.
///
/// # Errors
///
/// [`ServiceError`] when it cannot be told what is there.
pub fn plan_daemon_removal(wanted: &DaemonWanted) -> Result<Plan, ServiceError> {
    let unit = wanted.unit()?;
    let mut steps = Vec::new();
    if unit.exists() {
        let held = fs::read_to_string(&unit).map_err(failed("read", &unit))?;
        let name = unit.display().to_string();
        if is_ours(&held, wanted) {
            if let Ok(program) = wanted.manager() {
                let stop = run(&program, &["disable", "--now", UNIT]);
                steps.push(Step::new(Word::Stopped, UNIT, stop));
            }
            steps.push(Step::new(Word::Removed, name, Act::RemoveFile(unit)));
        } else {
            let text = format!("{name}: it was changed by hand");
            steps.push(Step::new(Word::Left, text, Act::Nothing));
        }
    }
    Ok(Plan::new(&Tree::below(Path::new("/")), steps))
}

impl DaemonWanted {
    /// Returns where the unit lies, which no link may stand for.
    fn unit(&self) -> Result<PathBuf, ServiceError> {
        let unit = self.config.join("systemd/user").join(UNIT);
        if fs::symlink_metadata(&unit).is_ok_and(|found| found.is_symlink()) {
            return Err(ServiceError::Link(unit));
        }
        Ok(unit)
    }

    /// Returns the program that speaks to the user's systemd, or why it is not asked.
    fn manager(&self) -> Result<PathBuf, &'static str> {
        let runs = self
            .runtime
            .as_ref()
            .is_some_and(|runtime| runtime.join("systemd/private").exists());
        match (self.start, account::program("systemctl")) {
            (Start::No, _) => Err("--no-start was given"),
            (Start::Now, Some(program)) if runs => Ok(program),
            (Start::Now, _) => Err("systemd runs nothing for this user here"),
        }
    }
}

fn run(program: &Path, words: &[&str]) -> Act {
    let words = std::iter::once(&"--user").chain(words);
    Act::Run {
        program: program.to_path_buf(),
        words: words.map(|word| (*word).to_owned()).collect(),
    }
}

/// Tells whether a unit is as it was written, for whichever program.
fn is_ours(held: &str, wanted: &DaemonWanted) -> bool {
    let start = |line: &str| line.starts_with("ExecStart=") || line.starts_with("Environment=");
    let rest = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !start(line));
        lines.map(str::to_owned).collect()
    };
    rest(held) == rest(&text(wanted))
}

/// Returns the text of the unit.
///
/// A unit of a user is started without rights, so what needs a namespace of its
/// own would put another user's number on the files that it looks at. What is
/// taken away is what a process can give up by itself.
fn text(wanted: &DaemonWanted) -> String {
    let program = quoted(&wanted.program.display().to_string());
    let variables = wanted.variables.iter();
    let variables: String = variables
        .map(|(name, value)| format!("Environment={}\n", quoted(&format!("{name}={value}"))))
        .collect();
    format!(
        "{MARK}

[Unit]
Description=Aegis decides what the AI agents of this user may do

[Service]
Type=exec
ExecStart={program} serve
{variables}WorkingDirectory=/
Restart=on-failure
RestartSec=1s
TimeoutStopSec=30s

# Its socket lies beside the log, for this user alone.
UMask=0077
NoNewPrivileges=yes

# It speaks through its socket alone. A port needs a drop-in that gives this back.
RestrictAddressFamilies=AF_UNIX

LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM

LimitCORE=0
MemoryMax=512M
TasksMax=1024

[Install]
WantedBy=default.target
"
    )
}

/// Returns a word as a unit spells it.
fn quoted(word: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in word.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            // A variable and a specifier are replaced, doubled ones are not.
            '%' | '$' => quoted.extend([letter, letter]),
            '\n' => quoted.push_str("\\n"),
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn wanted(folder: &Path) -> DaemonWanted {
        DaemonWanted {
            config: folder.join("config"),
            runtime: None,
            program: PathBuf::from("/bin/true"),
            variables: vec![("AEGIS_HOME".to_owned(), "/home/a b/100%".to_owned())],
            start: Start::Now,
        }
    }

    /// Asks systemd about the unit as one of a user.
    fn analyze(folder: &Path, words: &[&str]) -> (bool, String) {
        let unit = folder.join(UNIT);
        fs::write(&unit, text(&wanted(folder))).unwrap();
        let output = Command::new("systemd-analyze")
            .arg("--user")
            .args(words)
            .arg(&unit)
            .env("XDG_RUNTIME_DIR", folder)
            .output()
            .expect("`systemd-analyze` (Debian, Ubuntu: apt-get install systemd)");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        (output.status.success(), said)
    }

    #[test]
    fn systemd_takes_the_unit_without_a_complaint() {
        let folder = tempfile::tempdir().unwrap();
        let (is_fine, said) = analyze(folder.path(), &["verify"]);
        assert!(is_fine && said.is_empty(), "{said}");
    }

    #[test]
    fn the_unit_takes_away_what_a_process_can_give_up_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        let words = ["security", "--no-pager", "--offline=true", "--threshold=62"];
        let (is_fine, said) = analyze(folder.path(), &words);
        assert!(is_fine, "{said}");
        // With these it would see files as another user's, or not at all.
        for word in [
            "Private",
            "Protect",
            "ReadOnly",
            "Capabilit",
            "RootDirectory",
        ] {
            assert!(!text(&wanted(folder.path())).contains(word), "{word}");
        }
    }

    #[test]
    fn a_unit_comes_is_kept_and_goes_unless_somebody_changed_it() {
        let folder = tempfile::tempdir().unwrap();
        let wanted = wanted(folder.path());
        let unit = folder.path().join("config/systemd/user").join(UNIT);
        let now = aegis_types::Timestamp::from_unix_ms(0);
        let done = |plan: Result<Plan, ServiceError>| -> Vec<Word> {
            let plan = plan.unwrap();
            plan.apply(now).unwrap();
            plan.deeds().map(|deed| deed.word).collect()
        };
        let made = done(plan_daemon(&wanted));
        assert_eq!(
            made,
            [
                Word::Made,
                Word::Made,
                Word::Made,
                Word::Made,
                Word::Skipped
            ]
        );
        assert_eq!(done(plan_daemon(&wanted)), [Word::Kept, Word::Skipped]);
        let moved = DaemonWanted {
            program: PathBuf::from("/elsewhere/aegis"),
            ..wanted.clone()
        };
        assert_eq!(done(plan_daemon_removal(&moved)), [Word::Removed]);
        assert!(!unit.exists());
        assert_eq!(done(plan_daemon_removal(&wanted)), []);
        done(plan_daemon(&wanted));
        fs::write(&unit, format!("{}Nice=5\n", text(&wanted))).unwrap();
        assert_eq!(done(plan_daemon_removal(&wanted)), [Word::Left]);
        assert!(unit.exists());
        fs::remove_file(&unit).unwrap();
        std::os::unix::fs::symlink("/dev/null", &unit).unwrap();
        assert!(matches!(plan_daemon(&wanted), Err(ServiceError::Link(_))));
    }
}
