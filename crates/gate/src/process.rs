//! Which processes this one descends from.

use std::ffi::OsString;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// How many generations upward are looked at.
const GENERATIONS_MAX: usize = 128;

/// The names under which agent hosts run.
pub(crate) const AGENT_HOSTS: [&str; 13] = [
    "claude",
    "codex",
    "gemini",
    "opencode",
    "cursor-agent",
    "aider",
    "goose",
    "copilot",
    "qwen",
    "crush",
    "droid",
    "kiro-cli",
    "auggie",
];

/// Variables that agent hosts set for what they start.
const MARKERS: [&str; 4] = [
    "CLAUDECODE=",
    "CLAUDE_CODE_ENTRYPOINT=",
    "CODEX_SANDBOX=",
    "GEMINI_CLI=",
];

/// A process as far as the ancestry rule needs it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Process {
    /// Its number.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// The file name of its program and of a script it runs.
    pub programs: Vec<String>,
    /// The variable that an agent host set for it, if one did.
    pub marker: Option<String>,
}

/// Shows processes.
pub trait Processes: Send + Sync {
    /// Returns the process `id` and those it descends from, youngest first.
    ///
    /// `None` when this cannot be told; nobody may then rely on its descent.
    fn line_of(&self, id: u32) -> Option<Vec<Process>>;
}

/// The processes of this machine, as its `/proc` shows them.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcFs;

impl Processes for ProcFs {
    fn line_of(&self, id: u32) -> Option<Vec<Process>> {
        let (line, is_whole) = climb(id);
        is_whole.then_some(line)
    }
}

/// Returns the line of the process `id` as far up as it can be read, and
/// whether that is all of it.
fn climb(id: u32) -> (Vec<Process>, bool) {
    let mut line = Vec::new();
    let mut next = id;
    while next != 0 && line.len() < GENERATIONS_MAX {
        let Some((process, parent)) = read_process(next) else {
            return (line, false);
        };
        line.push(process);
        next = parent;
    }
    (line, true)
}

/// Returns how it is known that the process `id` descends from an agent's
/// host, for people; `None` if nothing that can be read shows one.
///
/// Where a forebear cannot be read, what stands below it still counts. An
/// answer to an approval is stricter: it needs the whole line.
#[must_use]
pub fn agent_above(id: u32) -> Option<String> {
    agent_in(&climb(id).0, &[])
}

/// Reads a file of `/proc`, whose size nobody tells, in few steps.
fn read_whole(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(8 * 1024);
    fs::File::open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn read_process(id: u32) -> Option<(Process, u32)> {
    let folder = PathBuf::from(format!("/proc/{id}"));
    let status = String::from_utf8(read_whole(&folder.join("status")).ok()?).ok()?;
    let field = |name: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .map(str::trim)
    };
    let parent = field("PPid")?.parse().ok()?;
    let name = field("Name")?.to_owned();
    // Of another user's process neither can be read; its name still can.
    let mut programs: Vec<String> = fs::read_link(folder.join("exe"))
        .ok()
        .and_then(|path| path.file_name().map(OsString::from))
        .map(|name| name.to_string_lossy().into_owned())
        .into_iter()
        .collect();
    let arguments = read_whole(&folder.join("cmdline")).unwrap_or_default();
    for argument in arguments.split(|byte| *byte == 0).take(2) {
        let text = String::from_utf8_lossy(argument);
        programs.extend(text.rsplit('/').next().map(str::to_owned));
        programs.extend(host_package(&text));
    }
    let environment = read_whole(&folder.join("environ")).unwrap_or_default();
    let marker = environment.split(|byte| *byte == 0).find_map(|variable| {
        let text = String::from_utf8_lossy(variable);
        let marker = MARKERS.iter().find(|marker| text.starts_with(**marker))?;
        Some(marker.trim_end_matches('=').to_owned())
    });
    let process = Process {
        id,
        name,
        programs,
        marker,
    };
    Some((process, parent))
}

/// Returns the agent host whose package `path` lies in, when an interpreter runs it.
pub(crate) fn host_package(path: &str) -> Option<String> {
    let named = |step: &str| match step {
        "claude-code" => Some("claude"),
        "gemini-cli" => Some("gemini"),
        "opencode-ai" => Some("opencode"),
        "aider-chat" => Some("aider"),
        other => AGENT_HOSTS.into_iter().find(|host| *host == other),
    };
    let (_, package) = path.split_once("node_modules/")?;
    package.split('/').find_map(named).map(str::to_owned)
}

/// Processes as a test states them.
#[derive(Clone, Debug, Default)]
pub struct FixedProcesses(pub Vec<Process>);

impl Processes for FixedProcesses {
    fn line_of(&self, id: u32) -> Option<Vec<Process>> {
        let start = self.0.iter().position(|process| process.id == id)?;
        self.0.get(start..).map(<[Process]>::to_vec)
    }
}

/// Returns the agent host that a line of processes descends from, for people.
///
/// `hosts` are the numbers of processes known to be agent hosts.
pub(crate) fn agent_in(line: &[Process], hosts: &[u32]) -> Option<String> {
    line.iter().find_map(|process| {
        if let Some(marker) = &process.marker {
            return Some(format!("process {} has `{marker}` set", process.id));
        }
        if hosts.contains(&process.id) {
            return Some(format!("process {} is the agent's host", process.id));
        }
        let is_host = |name: &str| AGENT_HOSTS.contains(&name.trim_end_matches(".exe"));
        std::iter::once(&process.name)
            .chain(&process.programs)
            .find(|name| is_host(name))
            .map(|name| format!("process {} is `{name}`", process.id))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(id: u32, name: &str) -> Process {
        Process {
            id,
            name: name.to_owned(),
            ..Process::default()
        }
    }

    #[test]
    fn a_descendant_of_an_agent_host_is_known_by_name_by_number_and_by_variable() {
        let plain = vec![process(9, "aegis"), process(8, "bash"), process(1, "init")];
        assert_eq!(agent_in(&plain, &[]), None);
        assert_eq!(agent_in(&plain, &[7]), None);
        assert!(agent_in(&plain, &[8]).is_some());
        let mut named = plain.clone();
        named.insert(2, process(7, "claude"));
        assert!(agent_in(&named, &[]).is_some());
        let mut marked = plain;
        marked[0].marker = Some("CLAUDECODE".to_owned());
        assert!(agent_in(&marked, &[]).is_some());
    }

    #[test]
    fn a_script_in_the_package_of_an_agent_host_is_that_host() {
        let script = "/usr/lib/node_modules/@anthropic-ai/claude-code/cli.js";
        assert_eq!(host_package(script).as_deref(), Some("claude"));
        assert_eq!(host_package("/home/claude/app.js"), None);
    }

    #[test]
    fn the_line_of_this_process_ends_at_the_first_process() {
        let line = ProcFs.line_of(std::process::id()).expect("/proc is there");
        assert_eq!(line[0].id, std::process::id());
        assert!(line.len() > 1);
        assert_eq!(ProcFs.line_of(u32::MAX), None);
    }
}
