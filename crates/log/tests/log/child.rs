//! A process of its own that appends, for the tests that need several.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use aegis_log::{Durability, Options, SqliteLog};

use crate::making::{append_action, session};

/// Tells a test process that it is such a child, and what to do.
const ORDERS: &str = "AEGIS_LOG_TEST_CHILD";

/// What a child does: append so many actions to a session of its own and, in
/// turn, to one that all share; write a line for each after it was acknowledged.
pub struct Orders<'a> {
    pub log: &'a Path,
    pub acknowledged: &'a Path,
    pub durability: Durability,
    pub name: &'a str,
    pub appends: usize,
    pub wal_pages: u32,
}

impl Orders<'_> {
    /// Returns the command that starts the child, under `program` if one is given.
    pub fn command(&self, program: &[&str]) -> Command {
        let this = std::env::current_exe().unwrap();
        let mut words = program.iter();
        let mut command = match words.next() {
            Some(program) => {
                let mut command = Command::new(program);
                command.args(words).arg(this);
                command
            }
            None => Command::new(this),
        };
        let orders = [
            self.log.to_str().unwrap(),
            self.acknowledged.to_str().unwrap(),
            match self.durability {
                Durability::Full => "full",
                Durability::Normal => "normal",
            },
            self.name,
            &self.appends.to_string(),
            &self.wal_pages.to_string(),
        ]
        .join("\n");
        command
            .args(["--exact", "child::obey", "--nocapture"])
            .env(ORDERS, orders)
            .stdout(Stdio::null());
        command
    }
}

/// Runs the orders, if this process was given any.
#[test]
fn obey() {
    let Ok(orders) = std::env::var(ORDERS) else {
        return;
    };
    let orders: Vec<&str> = orders.lines().collect();
    let [path, acknowledged, durability, name, appends, wal_pages] = orders[..] else {
        panic!("{orders:?}");
    };
    let options = Options {
        durability: match durability {
            "full" => Durability::Full,
            _ => Durability::Normal,
        },
        wal_pages: wal_pages.parse().unwrap(),
        patience: std::time::Duration::from_secs(20),
        ..Options::default()
    };
    let log = SqliteLog::open(path, options).unwrap();
    let mut lines = OpenOptions::new()
        .append(true)
        .create(true)
        .open(acknowledged)
        .unwrap();
    for number in 0..appends.parse().unwrap() {
        let chain = session(if number % 2 == 0 { name } else { "shared" });
        let action = format!("{name}-{number}");
        append_action(&log, &chain, &action, 10);
        lines.write_all(format!("{action}\n").as_bytes()).unwrap();
        log.maintain().unwrap();
    }
}
