//! Putting the service in place, and taking it away again.

use serde_json::Value;

use super::stage::{AGENT, Machine, PROGRAMS, Told};

/// Settings of the client and of Aegis as an administrator wrote them.
const HOST: &str = "{\n    \"model\": \"opus\",   \"cleanupPeriodDays\": 7\n}";
const OWN: &str = "durability = \"full\"\n";

/// Returns what became of what ends with `name`.
fn word(told: &Told, name: &str) -> String {
    let json = told.json();
    let deeds = json["deeds"].as_array().unwrap();
    let found = deeds
        .iter()
        .find(|deed| deed["text"].as_str().unwrap().ends_with(name));
    let found = found.unwrap_or_else(|| panic!("nothing of {name}: {told:?}"));
    found["word"].as_str().unwrap().to_owned()
}

/// Returns the mode and the owner of a path.
fn kept_by(machine: &Machine, path: &str) -> String {
    let told = machine.root(&["stat", "--format=%a %U:%G", path]);
    told.succeeds().out.trim().to_owned()
}

fn uninstall(machine: &Machine, words: &[&str]) -> Told {
    let program = format!("{PROGRAMS}/aegis");
    let fixed = [&*program, "uninstall", "service"];
    machine.root(&[&fixed[..], words].concat())
}

#[test]
fn everything_has_the_owner_and_the_mode_that_it_must_have() {
    let machine = Machine::new();
    let told = machine.install(&["--json"]).succeeds();
    for (path, expected) in [
        ("/usr/local/lib/aegis", "755 root:root"),
        ("/usr/local/lib/aegis/aegis", "755 root:root"),
        ("/usr/local/lib/aegis/aegis-hook", "755 root:root"),
        ("/usr/local/lib/aegis/installed.json", "644 root:root"),
        ("/etc/aegis", "755 root:root"),
        ("/etc/aegis/settings.toml", "644 root:root"),
        ("/etc/aegis/policy.yaml", "644 root:root"),
        ("/var/lib/aegis", "700 aegis:aegis"),
        ("/etc/systemd/system/aegis.service", "644 root:root"),
        ("/etc/claude-code", "755 root:root"),
        ("/etc/claude-code/managed-settings.json", "644 root:root"),
    ] {
        assert_eq!(kept_by(&machine, path), expected, "{path}");
        assert_eq!(word(&told, path), "made", "{path}");
    }
    assert_eq!(word(&told, "account aegis"), "made");
    let account = machine.root(&["getent", "passwd", "aegis"]).succeeds().out;
    assert!(account.trim().ends_with("nologin"), "{account}");
    let settings: Value =
        serde_json::from_str(&machine.read("/etc/claude-code/managed-settings.json")).unwrap();
    assert_eq!(settings["disableAllHooks"], false);
    assert_eq!(settings["allowManagedHooksOnly"], true);
    let hook = &settings["hooks"]["PreToolUse"][0]["hooks"][0];
    assert_eq!(hook["command"], format!("{PROGRAMS}/aegis-hook"));
    assert_eq!(hook["onFailure"], "block");
}

#[test]
fn a_second_time_nothing_is_changed() {
    let machine = Machine::installed();
    let before = machine.tree();
    let again = machine.install(&["--json"]).succeeds();
    for deed in again.json()["deeds"].as_array().unwrap() {
        let word = deed["word"].as_str().unwrap();
        assert!(["kept", "skipped"].contains(&word), "{deed}");
    }
    machine.is_as_before(&before);
}

#[test]
fn what_was_changed_since_is_put_right() {
    let machine = Machine::installed();
    let script = "chmod 777 /etc/aegis; chown mallory /etc/aegis/settings.toml; \
                  echo >> /etc/systemd/system/aegis.service; chown mallory /var/lib/aegis";
    machine.root(&["/bin/sh", "-c", script]).succeeds();
    // What others may change is no place for what must hold.
    let told = machine.install(&[]).fails();
    assert!(told.err.contains("can be changed by others"), "{told:?}");
    machine.root(&["chmod", "755", "/etc/aegis"]).succeeds();
    let told = machine.install(&["--json"]).succeeds();
    for name in ["settings.toml", "aegis.service", "/var/lib/aegis"] {
        assert_eq!(word(&told, name), "changed", "{name}");
    }
    assert_eq!(kept_by(&machine, "/var/lib/aegis"), "700 aegis:aegis");
    assert_eq!(
        kept_by(&machine, "/etc/aegis/settings.toml"),
        "644 root:root"
    );
}

#[test]
fn a_dry_run_changes_nothing_and_says_what_would_be() {
    let machine = Machine::new();
    let before = machine.tree();
    let told = machine.install(&["--dry-run", "--json"]).succeeds();
    assert_eq!(told.json()["applied"], false);
    assert_eq!(word(&told, "/etc/aegis"), "made");
    machine.is_as_before(&before);
    assert!(
        uninstall(&machine, &[]).exit != 0,
        "there is no such program"
    );
}

#[test]
fn nothing_is_left_behind() {
    let machine = Machine::new();
    machine
        .root(&["mkdir", "/etc/aegis", "/etc/claude-code"])
        .succeeds();
    machine.put("/etc/aegis/settings.toml", OWN);
    machine.put("/etc/claude-code/managed-settings.json", HOST);
    let before = machine.tree();
    machine.install(&[]).succeeds();
    assert!(machine.read("/etc/aegis/settings.toml").starts_with(OWN));
    assert!(machine.tree() != before);
    uninstall(&machine, &["--purge"]).succeeds();
    machine.is_as_before(&before);
    // From nothing, and with what was recorded meanwhile.
    machine
        .root(&["rm", "-r", "/etc/aegis", "/etc/claude-code"])
        .succeeds();
    let before = machine.tree();
    let mut machine = machine;
    machine.install(&[]).succeeds();
    machine.start();
    machine.propose("call-1", "git status");
    let told = uninstall(&machine, &["--purge", "--no-stop"]).fails();
    assert!(told.err.contains("still listens"), "{told:?}");
    machine.stop();
    uninstall(&machine, &["--purge"]).succeeds();
    machine.is_as_before(&before);
}

#[test]
fn the_log_stays_and_belongs_to_root_unless_it_is_purged() {
    let mut machine = Machine::served();
    machine.propose("call-1", "git status");
    let recorded = machine.recorded();
    machine.stop();
    machine.put(
        "/etc/aegis/policy.yaml",
        "aegis: policy/v1\nname: mine\ndefault: deny\n",
    );
    let told = uninstall(&machine, &["--json"]).succeeds();
    assert_eq!(word(&told, "policy.yaml"), "left");
    assert_eq!(kept_by(&machine, "/var/lib/aegis/log.db"), "600 root:root");
    assert!(machine.root(&["getent", "passwd", "aegis"]).exit != 0);
    assert!(machine.read("/etc/aegis/policy.yaml").contains("mine"));
    // Put in place again, the service goes on where it stopped.
    machine.install(&[]).succeeds();
    assert!(machine.read("/etc/aegis/policy.yaml").contains("mine"));
    machine.start();
    machine.propose("call-2", "git status");
    let now = machine.recorded();
    let mut records = recorded
        .lines()
        .filter(|line| !line.starts_with("{\"end\""));
    assert!(records.all(|line| now.contains(line)), "{now}");
}

#[test]
fn what_is_in_the_way_is_named_and_nothing_is_done() {
    let machine = Machine::new();
    let before = machine.tree();
    let told = machine.install(&["--user", "root"]).fails();
    assert!(told.err.contains("no name for the account"), "{told:?}");
    let told = machine.install(&["--user", AGENT]).fails();
    assert!(told.err.contains("people log into"), "{told:?}");
    machine.is_as_before(&before);
    machine
        .root(&["ln", "-s", "/home/mallory", "/etc/aegis"])
        .succeeds();
    let told = machine.install(&[]).fails();
    assert!(told.err.contains("`/etc/aegis` is a link"), "{told:?}");
    machine.root(&["rm", "/etc/aegis"]).succeeds();
    machine.is_as_before(&before);
}

#[test]
fn only_root_may_put_a_service_in_place() {
    let machine = Machine::installed();
    let program = format!("{PROGRAMS}/aegis");
    for words in ["install service --no-start", "uninstall service --no-stop"] {
        let told = machine.agent(&format!("{program} {words}")).fails();
        assert!(told.err.contains("only root may do"), "{told:?}");
    }
}
