//! Commands that run on another machine or in a container.

use aegis_types::{Command, Word};

use crate::option::{self, Spec, first_text, shown_text};
use crate::program::{is_shell, program_name};
use crate::programs;
use crate::quote::in_quotes;

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
    let (image, rest) = read.operands.split_first()?;
    let entry: Vec<String> = read.values(&["entrypoint"]).map(quoted).collect();
    let rest = rest.iter().map(|word| quoted(word));
    let is_run = arguments.get(verb).map(first_text) != Some("exec");
    let own = (is_run && entry.is_empty())
        .then(|| program_of_image(image))
        .flatten();
    Some(
        entry
            .into_iter()
            .chain(started(own, rest.collect()))
            .collect(),
    )
}

/// Returns the words behind `--`.
fn behind_dashes(arguments: &[Word]) -> Option<Vec<String>> {
    let dashes = arguments.iter().position(|word| first_text(word) == "--")?;
    let rest = arguments.get(dashes + 1..)?;
    let before = arguments.get(..dashes)?.iter();
    let mut images = before.filter_map(|word| first_text(word).strip_prefix("--image="));
    let own = images.next().and_then(image_name);
    Some(started(own, rest.iter().map(quoted).collect()))
}

/// Returns the program that an image is named for: `curl` of `curlimages/curl:8`.
fn program_of_image(image: &Word) -> Option<String> {
    image_name(&shown_text(image))
}

fn image_name(image: &str) -> Option<String> {
    let name = image.rsplit('/').next()?;
    let name = name.split([':', '@']).next()?;
    programs::entry_for(name).map(|_| name.to_owned())
}

/// Returns what a container runs: its words, behind the program of its image unless
/// they begin with a program themselves.
fn started(own: Option<String>, words: Vec<String>) -> Vec<String> {
    let is_program = words.first().is_some_and(|first| {
        let name = first.rsplit('/').next().unwrap_or(first);
        let is_address = first.contains("://");
        !is_address && (is_shell(name) || programs::entry_for(name).is_some())
    });
    let own = own.filter(|_| !is_program && !words.is_empty());
    own.into_iter().chain(words).collect()
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
    in_quotes(&text)
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
        check("docker run x/curl:8 -s y", Some("curl -s y"));
        check("docker run x/curl rm y", Some("rm y"));
        check("kubectl run z --image=x/curl -- -s y", Some("curl -s y"));
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
