//! What a service answers when the machine fails it, and how it goes on once
//! the fault is over: the same process, without a restart.
//!
//! A fault is made by what causes it on a real machine; the program has no
//! switch to fail.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use aegis_api::{Address, Client, ClientError, DecisionReply, DecisionRequest, SystemConnector};
use rustix::process::{Resource, Rlimit, prlimit};
use serde_json::{Value, json};

use super::running::Running;
use super::stage::{Stage, programs};

/// The folder that holds the log.
const STATE: &str = "home/.local/share/aegis";

/// How many requests fail at the latest once there is no room.
const TRIES_MAX: u32 = 64;

/// A service whose socket lies apart from its log.
struct Served {
    running: Running,
    client: Client,
    stage: Stage,
}

impl Served {
    fn new() -> Self {
        Self::started(Stage::with_policy(), Path::new("/usr/bin/env"), &[])
    }

    /// Starts it by `program`, which gets `words` and then the command line.
    fn started(stage: Stage, program: &Path, words: &[&str]) -> Self {
        let socket = stage.path("home/aegis.sock");
        let aegis = programs().join("aegis");
        let own = [aegis.to_str().unwrap(), "serve", "--socket"];
        let words = [words, &own, &[socket.to_str().unwrap()]].concat();
        let running = Running::start(&stage, program, &words, "unix:");
        let address: Address = format!("unix:{}", socket.display()).parse().unwrap();
        let client = Client::new(SystemConnector::default(), address);
        Self {
            running,
            client,
            stage,
        }
    }

    fn decide(&self, call: &str) -> DecisionReply {
        let home = self.stage.path("home").to_str().unwrap().to_owned();
        let request = DecisionRequest {
            variables: [("HOME".to_owned(), home)].into(),
            session_id: "s".to_owned(),
            call_id: call.to_owned(),
            tool_name: "Bash".to_owned(),
            args: json!({"command": "git status"}),
            ..DecisionRequest::default()
        };
        self.client.decide(&request).unwrap()
    }

    /// Returns the status and the detail of the problem that an event is answered with.
    fn report(&self) -> Option<(u16, String)> {
        let event = json!({"session_id": "s", "event_type": "TOOL_RESULT"});
        match self.client.post::<Value>("/v1/events", &event) {
            Ok(_) => None,
            Err(ClientError::Problem(problem)) => Some((problem.status, problem.detail)),
            Err(error) => panic!("{error}"),
        }
    }

    /// Returns why the service is not ready, if it is not.
    fn unready(&self) -> Option<String> {
        match self.client.get::<Value>("/readyz") {
            Ok(_) => None,
            Err(ClientError::Problem(problem)) => {
                assert_eq!(problem.status, 503);
                Some(problem.detail)
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Asks until an action cannot be recorded, and checks that the log is told
    /// of by `cause` wherever it is needed.
    fn fails(&self, cause: &str) {
        let number = (0..TRIES_MAX).find_map(|number| {
            let reply = self.decide(&format!("fault-{number}"));
            (!reply.recorded).then_some(reply)
        });
        let reply = number.expect("no request failed");
        assert_eq!(reply.verdict, "deny", "{reply:?}");
        assert_eq!(reply.reason, "CANNOT_DECIDE");
        let message = reply.message.unwrap();
        assert!(message.contains(cause), "{message}");
        let (status, detail) = self.report().expect("the event was recorded");
        assert_eq!(status, 503);
        assert!(detail.contains(cause), "{detail}");
        let detail = self.unready().expect("the service said it was ready");
        assert!(detail.contains(cause), "{detail}");
    }

    /// Checks that nothing can be decided, for want of a policy.
    fn fails_by_policy(&self) {
        let reply = self.decide("without");
        let said = (reply.verdict.as_str(), reply.reason.as_str());
        assert_eq!(said, ("deny", "CANNOT_DECIDE"), "{reply:?}");
        let detail = self.unready().expect("the service said it was ready");
        assert!(detail.contains("no earlier good one is known"), "{detail}");
    }

    /// Checks that the same process decides and records.
    fn goes_on(&self) {
        let reply = self.decide("after");
        assert_eq!((reply.verdict.as_str(), reply.recorded), ("allow", true));
        assert_eq!(self.report(), None);
        assert_eq!(self.unready(), None);
    }
}

/// Returns the words that give a process mounts of its own and do `before`
/// there, as root, before it becomes what comes after the words.
fn own_mounts(before: &str) -> Vec<String> {
    let script = format!("{before} && exec \"$@\"");
    let words = ["--user", "--map-root-user", "--mount", "/bin/sh", "-c"];
    let words = words.into_iter().chain([script.as_str(), "sh"]);
    words.map(str::to_owned).collect()
}

#[test]
fn a_full_disk_denies_and_with_room_the_service_goes_on() {
    let stage = Stage::with_policy();
    let state = stage.path(STATE);
    fs::create_dir_all(&state).unwrap();
    let mount = format!(
        "/usr/bin/mount -t tmpfs -o size=1m,mode=700 tmpfs '{}'",
        state.display()
    );
    let words = own_mounts(&mount);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let served = Served::started(stage, Path::new("/usr/bin/unshare"), &words);
    assert!(served.decide("before").recorded);

    // The disk as the service sees it.
    let seen = PathBuf::from(format!(
        "/proc/{}/root",
        served.running.id().as_raw_nonzero()
    ));
    let disk = seen.join(state.strip_prefix("/").unwrap());
    let filler = disk.join("filler");
    let mut file = fs::File::create(&filler).unwrap();
    while file.write_all(&[0; 4_096]).is_ok() {}
    served.fails("no room is left");
    drop(file);
    fs::remove_file(&filler).unwrap();
    served.goes_on();

    for name in ["log.db", "log.db-wal"] {
        fs::copy(disk.join(name), state.join(name)).unwrap();
    }
    served.stage.aegis(&["log", "verify"]).exits(0);
}

#[test]
fn a_file_that_may_not_grow_denies_and_the_service_outlives_it() {
    let served = Served::new();
    assert!(served.decide("before").recorded);
    let process = served.running.id();
    let limit = |current| {
        let limit = Rlimit {
            current,
            maximum: None,
        };
        prlimit(Some(process), Resource::Fsize, limit).unwrap();
    };
    limit(Some(0));
    served.fails("disk I/O error");
    limit(None);
    served.goes_on();
    served.stage.aegis(&["log", "verify"]).exits(0);
}

#[test]
fn a_log_that_may_not_be_written_denies_until_it_may() {
    let stage = Stage::with_policy();
    stage.propose("s", "earlier", "git status");
    let log = stage.log();
    let mode = |mode| fs::set_permissions(&log, fs::Permissions::from_mode(mode)).unwrap();
    mode(0o400);
    // Modes bind root as well once it has no capabilities.
    let is_root = rustix::process::geteuid().is_root();
    let served = if is_root {
        let words = ["--bounding-set=-all", "--inh-caps=-all"];
        Served::started(stage, Path::new("/usr/bin/setpriv"), &words)
    } else {
        Served::started(stage, Path::new("/usr/bin/env"), &[])
    };
    served.fails("the log is read-only");
    mode(0o600);
    served.goes_on();
    served.stage.aegis(&["log", "verify"]).exits(0);
}

#[test]
fn a_log_that_is_removed_under_a_service_denies_until_it_is_back() {
    let served = Served::new();
    assert!(served.decide("before").recorded);
    let log = served.stage.log();
    let away = served.stage.path("home/away.db");
    for file in [log.clone(), log.with_file_name("log.db-wal")] {
        fs::rename(&file, &away).unwrap();
        // Before anything was asked, too.
        assert!(served.unready().is_some());
        served.fails("was removed while it was open");
        fs::rename(&away, &file).unwrap();
        served.goes_on();
    }
    served.stage.aegis(&["log", "verify"]).exits(0);
}

/// Returns how many compiled policies lie beside the log.
fn compiled_policies(stage: &Stage) -> usize {
    let cache = stage.path(&format!("{STATE}/cache"));
    let files = fs::read_dir(cache).into_iter().flatten();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".policy")).count()
}

#[test]
fn the_policy_is_compiled_when_the_service_says_that_it_listens() {
    let served = Served::new();
    assert_eq!(compiled_policies(&served.stage), 1);
    assert_eq!(served.unready(), None);
    assert_eq!(served.running.stop(), "");
}

#[test]
fn a_broken_policy_is_told_of_at_the_start_and_mended_without_a_restart() {
    let stage = Stage::new();
    let policy = "home/.config/aegis/policy.yaml";
    stage.write(policy, "aegis: policy/v1\nname: [\n");
    let served = Served::started(stage, Path::new("/usr/bin/env"), &[]);
    served.fails_by_policy();
    served.stage.write(policy, super::stage::POLICY);
    served.goes_on();

    served.stage.write(policy, "aegis: policy/v1\nname: [\n");
    served.goes_on();
    let Served { running, stage, .. } = served;
    let said = running.stop();
    assert!(
        said.starts_with("warning: every action is denied until this is mended: "),
        "{said}"
    );
    let again = Served::started(stage, Path::new("/usr/bin/env"), &[]);
    again.goes_on();
    let said = again.running.stop();
    assert!(
        said.starts_with("warning: the last good policy is in force in place of "),
        "{said}"
    );
}
