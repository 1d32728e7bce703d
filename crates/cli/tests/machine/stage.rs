//! A machine of its own: accounts, folders and processes that nobody else has.
//!
//! A process that owns its mounts and its process numbers stands for it. What is
//! written below `/etc`, `/home`, `/run`, `/usr/local` and `/var/lib` lands in
//! memory and is gone with it, and no process of it outlives it. So the real
//! commands put the real service in place, and the machine underneath keeps
//! what it had.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// The ordinary user as whom an agent works.
pub const AGENT: &str = "mallory";

/// Another ordinary user.
pub const OTHER: &str = "ada";

/// Where the programs are put.
pub const PROGRAMS: &str = "/usr/local/lib/aegis";

/// The socket of the service.
pub const SOCKET: &str = "/run/aegis/aegis.sock";

/// The folders that the machine has for itself; beside them `tmp`, in which other
/// tests work below.
const OWN_FOLDERS: &str = "etc home run usr/local var/lib";

/// Makes the folders, tells that they are there and stays.
const BEGIN: &str = r#"
set -e
mount -t tmpfs -o mode=755 tmpfs "$MEMORY"
for folder in $FOLDERS; do
    mkdir -p "$MEMORY/$folder/upper" "$MEMORY/$folder/work"
    chmod --reference="/$folder" "$MEMORY/$folder/upper"
    mount -t overlay overlay -o "lowerdir=/$folder,upperdir=$MEMORY/$folder/upper,workdir=$MEMORY/$folder/work" "/$folder"
done
echo ready
exec cat
"#;

/// A machine of its own, with two ordinary users.
pub struct Machine {
    _folder: tempfile::TempDir,
    first: Child,
    process: u32,
    daemon: Option<Daemon>,
}

/// The running service.
struct Daemon {
    process: Child,
    _said: BufReader<ChildStdout>,
}

/// What a command said, and how it ended.
#[derive(Clone, Debug)]
pub struct Told {
    pub out: String,
    pub err: String,
    pub exit: i32,
}

impl Told {
    #[track_caller]
    pub fn succeeds(self) -> Self {
        assert_eq!(self.exit, 0, "{self:?}");
        self
    }

    #[track_caller]
    pub fn fails(self) -> Self {
        assert_ne!(self.exit, 0, "{self:?}");
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}\n{self:?}"))
    }
}

impl Machine {
    /// Returns a machine on which nothing of Aegis is installed.
    pub fn new() -> Self {
        assert!(
            rustix::process::geteuid().is_root(),
            "these tests make accounts and mounts of their own: start them as root"
        );
        let folder = tempfile::Builder::new().prefix("aegis-").tempdir().unwrap();
        let mut first = Command::new("unshare")
            .args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
            .args(["--propagation", "private", "/bin/sh", "-c", BEGIN])
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("MEMORY", folder.path())
            .env("FOLDERS", format!("{OWN_FOLDERS} tmp"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`unshare` of util-linux");
        let mut line = String::new();
        let said = first.stdout.take().unwrap();
        BufReader::new(said).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "a process needs mounts of its own here");
        let children = format!("/proc/{0}/task/{0}/children", first.id());
        let process = fs::read_to_string(children).unwrap();
        let machine = Self {
            _folder: folder,
            process: process.trim().parse().unwrap(),
            first,
            daemon: None,
        };
        for user in [AGENT, OTHER] {
            let words = ["useradd", "--create-home", "--shell", "/bin/sh", user];
            machine.root(&words).succeeds();
        }
        machine
    }

    /// Returns a machine with the service put in place, which does not run yet.
    pub fn installed() -> Self {
        let machine = Self::new();
        machine.install(&[]).succeeds();
        machine
    }

    /// Returns a machine with a service that runs.
    pub fn served() -> Self {
        let mut machine = Self::installed();
        machine.start();
        machine
    }

    /// Puts the service in place.
    pub fn install(&self, words: &[&str]) -> Told {
        let program = programs().join("aegis");
        let program = program.to_str().unwrap();
        let fixed = [program, "install", "service", "--no-start"];
        self.root(&[&fixed[..], words].concat())
    }

    /// Runs a program as root.
    pub fn root(&self, words: &[&str]) -> Told {
        told(self.inside(&[]).args(words).env("HOME", "/root"))
    }

    /// Runs a shell script as the ordinary user `name`, in their home.
    pub fn user(&self, name: &str, script: &str) -> Told {
        let home = format!("/home/{name}");
        let mut command = self.inside(&as_user(name));
        command
            .args(["/bin/sh", "-c"])
            .arg(format!("cd {home}; {script}"))
            .env("HOME", &home)
            .env("USER", name);
        told(&mut command)
    }

    /// Runs a shell script as the agent's user.
    pub fn agent(&self, script: &str) -> Told {
        self.user(AGENT, script)
    }

    /// Starts the service as its unit says, and waits until it listens.
    pub fn start(&mut self) {
        self.start_by(&[]);
    }

    /// As [`Machine::start`], by a program that starts it.
    pub fn start_by(&mut self, starter: &[&str]) {
        let words = "install --directory --owner=aegis --group=aegis --mode=755 /run/aegis";
        self.root(&words.split(' ').collect::<Vec<_>>()).succeeds();
        let unit = self.read("/etc/systemd/system/aegis.service");
        let field = |name: &str| {
            let line = unit.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("no {name}")).to_owned()
        };
        let program = field("ExecStart=");
        let variables = field("Environment=");
        let mut words = as_user("aegis");
        words.extend(["--inh-caps", "-all,+dac_read_search"]);
        words.extend(["--ambient-caps", "-all,+dac_read_search"]);
        words.extend(["--bounding-set", "-all,+dac_read_search", "--no-new-privs"]);
        let mut command = self.inside(&words);
        command.args(starter).args(program.split(' '));
        for variable in variables.split(' ') {
            let (name, value) = variable.split_once('=').unwrap();
            command.env(name, value);
        }
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        assert!(line.starts_with("listening"), "the service says `{line}`");
        self.daemon = Some(Daemon {
            process,
            _said: said,
        });
    }

    /// Tells the service to end, and waits until it has.
    pub fn end(&mut self) {
        let found = self.root(&["pgrep", "--exact", "-u", "aegis", "aegis"]);
        let process = found.succeeds().out.trim().to_owned();
        self.root(&["kill", "-TERM", &process]).succeeds();
        if let Some(mut daemon) = self.daemon.take() {
            daemon.process.wait().unwrap();
        }
    }

    /// Ends the service as the system does when it must.
    pub fn stop(&mut self) {
        let process = self.daemon_process().to_string();
        self.root(&["kill", "-KILL", &process]).succeeds();
        if let Some(mut daemon) = self.daemon.take() {
            daemon.process.wait().unwrap();
        }
    }

    /// Returns the number that the service's process has on the machine.
    pub fn daemon_process(&self) -> u32 {
        let found = self.root(&["pgrep", "-u", "aegis"]).succeeds();
        found.out.trim().parse().unwrap()
    }

    /// Sends a request to the service as the user `name`; returns its status and the reply.
    pub fn ask(&self, name: &str, path: &str, body: Option<&Value>, more: &str) -> (u16, Value) {
        let body = body.map(|body| {
            self.put("/tmp/aegis-body.json", &body.to_string());
            "--data-binary @/tmp/aegis-body.json --header 'content-type: application/json'"
        });
        let script = format!(
            "curl --silent --unix-socket {SOCKET} --write-out '\\n%{{http_code}}' {} {more} \
             http://localhost{path}",
            body.unwrap_or_default()
        );
        let told = if name == "root" {
            self.root(&["/bin/sh", "-c", &script])
        } else {
            self.user(name, &script)
        };
        let (reply, status) = told.out.rsplit_once('\n').unwrap_or(("", "0"));
        let reply = serde_json::from_str(reply).unwrap_or(Value::Null);
        (status.parse().unwrap(), reply)
    }

    /// Lets the agent propose a shell command; returns the reply.
    pub fn propose(&self, id: &str, command: &str) -> Value {
        let body = json!({
            "session_id": "monday",
            "call_id": id,
            "tool_name": "Bash",
            "args": {"command": command},
            "directory": "/home/mallory",
        });
        let (status, reply) = self.ask(AGENT, "/v1/decisions", Some(&body), "");
        assert_eq!(status, 200, "{reply}");
        reply
    }

    /// Runs `aegis` as the account of the service, as an operator does.
    pub fn aegis(&self, words: &[&str]) -> Told {
        let mut command = self.inside(&as_user("aegis"));
        command
            .arg(format!("{PROGRAMS}/aegis"))
            .args(words)
            .env("HOME", "/var/lib/aegis")
            .env("AEGIS_HOME", "/var/lib/aegis");
        told(&mut command)
    }

    /// Returns what was recorded, as text, from a log that holds together.
    pub fn recorded(&self) -> String {
        self.aegis(&["log", "verify"]).succeeds();
        self.aegis(&["log", "export"]).succeeds().out
    }

    /// Returns a file of the machine.
    pub fn read(&self, path: &str) -> String {
        self.root(&["cat", path]).succeeds().out
    }

    /// Writes a file of the machine that everybody may read.
    pub fn put(&self, path: &str, text: &str) {
        let mut child = self
            .inside(&[])
            .args(["/bin/sh", "-c", "cat > \"$0\" && chmod 644 \"$0\"", path])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
        assert!(child.wait().unwrap().success());
    }

    /// Returns everything below the folders of its own: name, kind, mode, owner, size, link.
    pub fn tree(&self) -> Vec<String> {
        let script = format!(
            "cd / && find {OWN_FOLDERS} -printf '%p %M %U:%G %s %l\\n' && find etc -type f -exec \
             sha256sum {{}} +"
        );
        let told = self.root(&["/bin/sh", "-c", &script]).succeeds();
        let mut lines: Vec<String> = told
            .out
            .lines()
            // The programs that make accounts keep the list before the last change.
            .filter(|line| {
                !["etc/passwd-", "etc/group-", "etc/shadow-", "etc/gshadow-"]
                    .iter()
                    .any(|name| line.split(' ').any(|word| word == *name))
            })
            .map(|line| {
                // The size of a folder is what it once held.
                let is_folder = line
                    .split(' ')
                    .nth(1)
                    .is_some_and(|mode| mode.starts_with('d'));
                let words: Vec<&str> = line.split(' ').collect();
                match words.as_slice() {
                    [name, mode, owner, _, ..] if is_folder => format!("{name} {mode} {owner}"),
                    _ => line.to_owned(),
                }
            })
            .collect();
        lines.sort();
        lines
    }

    /// Asserts that everything is as it was when the tree was `before`.
    #[track_caller]
    pub fn is_as_before(&self, before: &[String]) {
        let after = self.tree();
        let only = |one: &[String], other: &[String]| -> Vec<String> {
            let lines = one.iter().filter(|line| !other.contains(line));
            lines.cloned().collect()
        };
        let (gone, came) = (only(before, &after), only(&after, before));
        assert!(
            gone.is_empty() && came.is_empty(),
            "gone: {gone:#?}\ncame: {came:#?}"
        );
    }

    /// Returns a command inside the machine, with nothing around it.
    fn inside(&self, before: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args(["--mount", "--pid", "--target", &self.process.to_string()])
            .args(before)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .current_dir("/")
            .stdin(Stdio::null());
        command
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // All processes of the machine end with its first one.
        let _ = self.first.kill();
        let _ = self.first.wait();
        if let Some(mut daemon) = self.daemon.take() {
            let _ = daemon.process.wait();
        }
    }
}

/// Returns the words that make what follows run as `name`, with no rights besides.
fn as_user(name: &str) -> Vec<&str> {
    vec![
        "setpriv",
        "--reuid",
        name,
        "--regid",
        name,
        "--clear-groups",
    ]
}

fn told(command: &mut Command) -> Told {
    let output = command.output().unwrap();
    Told {
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
        exit: output.status.code().unwrap_or(-1),
    }
}

/// Returns the folder in which `aegis` and `aegis-hook` lie side by side.
pub fn programs() -> PathBuf {
    let folder = std::env::var_os("AEGIS_TEST_BIN").unwrap_or_else(|| {
        panic!(
            "this test needs `aegis` and `aegis-hook` side by side: start it with `cargo xtask \
             test`, which builds both and sets AEGIS_TEST_BIN to their folder"
        )
    });
    Path::new(&folder).canonicalize().unwrap()
}
