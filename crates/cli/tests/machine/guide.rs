//! The guide to hardening does what it says: its commands are run in order.
//!
//! In a block of the language `console` a line that begins with `# ` is run by
//! root and one with `$ ` by an ordinary user. A block `console systemd` is not
//! run, because no systemd runs here: the program of the unit is started and
//! stopped where the block says so.

use std::fs;
use std::path::Path;

use super::stage::{Machine, programs};

#[test]
fn every_command_of_the_guide_to_hardening_does_what_it_says() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/hardening.md");
    let text = fs::read_to_string(guide).unwrap();
    let mut machine = Machine::new();
    let path = format!("PATH={}:$PATH", programs().display());
    let (mut run, mut skipped) = (0, 0);
    let mut lines = text.lines().peekable();
    let mut said_before = "";
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```") else {
            said_before = if line.is_empty() { said_before } else { line };
            continue;
        };
        for command in lines.by_ref().take_while(|line| *line != "```") {
            let (who, words) = command.split_at(2);
            match (language, who) {
                ("console", "# ") => {
                    let script = format!("{path}; {words}");
                    machine.root(&["/bin/sh", "-c", &script]).succeeds();
                    run += 1;
                }
                ("console", "$ ") => {
                    let told = machine.agent(words).succeeds();
                    assert!(told.out.contains("· G1: "), "{told:?}");
                    run += 1;
                }
                ("console systemd", "# ") => {
                    assert!(said_before.starts_with("Needs systemd"), "{said_before}");
                    match words.split(' ').nth(1) {
                        Some("enable") => machine.start(),
                        Some("stop") => machine.stop(),
                        other => panic!("{other:?}"),
                    }
                    skipped += 1;
                }
                _ => panic!("a block `{language}` with `{command}`"),
            }
        }
    }
    assert_eq!((run, skipped), (10, 2));
}
