//! Commands that run on another machine or in a container.

use aegis_types::{Command, Word};

use crate::option::{self, Spec, first_text, shown_text};
use crate::program::program_name;

const SSH: Spec = Spec {
    short: "bcDEeFIiJLlmOoPpQRSWw",
    long: &[],
    ends_at_operand: true,
};

const CONTAINER: Spec = Spec {
    short: "vpewuhlacm",
    long: &[
        "name",
        "volume",
        "mount",
        "publish",
        "env",
        "env-file",
        "workdir",
        "user",
        "network",
        "net",
        "entrypoint",
        "platform",
        "memory",
        "cpus",
        "hostname",
        "label",
        "add-host",
        "device",
        "cap-add",
        "cap-drop",
        "gpus",
        "ipc",
        "pid",
        "pull",
        "restart",
        "runtime",
        "security-opt",
        "shm-size",
        "tmpfs",
        "ulimit",
        "userns",
        "volumes-from",
    ],
    ends_at_operand: true,
};

const GIVEN: Spec = Spec {
    short: "cC",
    long: &["command"],
    ends_at_operand: false,
};

/// Returns the text that `command` has run by a shell, or as a command, on
/// another machine or in a container; nothing if it does not.
///
/// What it would do there is not part of a plan: its paths are not those of
/// this machine.
#[must_use]
pub fn run_elsewhere(command: &Command) -> Option<String> {
    let arguments = command.arguments.as_slice();
    let words: Vec<String> = match program_name(command)?.as_ref() {
        "ssh" => {
            let read = option::read(arguments, &SSH);
            read.operands
                .iter()
                .skip(1)
                .map(|word| shown_text(word))
                .collect()
        }
        "docker" | "podman" | "nerdctl" | "docker-compose" | "podman-compose" | "crictl" => {
            in_container(arguments)?
        }
        "kubectl" | "oc" | "lxc" | "incus" | "multipass" | "limactl" | "distrobox" | "toolbox" => {
            behind_dashes(arguments)?
        }
        "vagrant" | "fly" | "flyctl" | "gcloud" | "eb" => texts_given(arguments),
        "heroku" => {
            let at = arguments
                .iter()
                .position(|word| first_text(word) == "run")?;
            let rest = arguments.get(at + 1..)?;
            rest.iter().map(shown_text).collect()
        }
        "wsl" | "wsl.exe" => arguments.iter().map(quoted).collect(),
        _ => return None,
    };
    Some(words.join(" ")).filter(|text| !text.is_empty())
}

fn in_container(arguments: &[Word]) -> Option<Vec<String>> {
    let is_verb = |word: &Word| matches!(first_text(word), "run" | "exec" | "create");
    let verb = arguments.iter().position(is_verb)?;
    let read = option::read(arguments.get(verb + 1..)?, &CONTAINER);
    let entry = read.values(&["entrypoint"]).map(quoted);
    let rest = read.operands.iter().skip(1).map(|word| quoted(word));
    Some(entry.chain(rest).collect())
}

/// Returns the words behind `--`.
fn behind_dashes(arguments: &[Word]) -> Option<Vec<String>> {
    let dashes = arguments.iter().position(|word| first_text(word) == "--")?;
    let rest = arguments.get(dashes + 1..)?;
    Some(rest.iter().map(quoted).collect())
}

/// Returns the texts that options give to a shell of another machine.
fn texts_given(arguments: &[Word]) -> Vec<String> {
    if !arguments.iter().any(|word| first_text(word) == "ssh") {
        return Vec::new();
    }
    let read = option::read(arguments, &GIVEN);
    let texts = read.values(&["c", "C", "command"]);
    texts.map(shown_text).collect()
}

/// Returns the text of a word, quoted if a shell would not take it as one word.
pub(crate) fn quoted(word: &Word) -> String {
    let text = shown_text(word);
    let is_plain = |c: char| c.is_alphanumeric() || "_./:=@%+,-\u{fffd}".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        let plan = crate::plan(text);
        let found = plan.commands.first().and_then(run_elsewhere);
        assert_eq!(found.as_deref(), expected, "{text}");
    }

    #[test]
    fn what_runs_elsewhere_follows_the_machine_or_the_image() {
        check("ssh -p 22 a@b 'cd x && y'", Some("cd x && y"));
        check("ssh b y z", Some("y z"));
        check("docker run -it --name n image y z", Some("y z"));
        check("docker compose exec service y", Some("y"));
        check("docker exec box sh -c 'y z'", Some("sh -c 'y z'"));
        check("kubectl exec pod -- y z", Some("y z"));
        check("lxc exec box -- y z", Some("y z"));
        check("vagrant ssh -c 'y z'", Some("y z"));
        check("gcloud compute ssh vm --command='y z'", Some("y z"));
        check("heroku run y z", Some("y z"));
        check("gcloud builds list --command y", None);
        check("ssh b", None);
        check("docker ps", None);
        check("ls b y", None);
    }
}
