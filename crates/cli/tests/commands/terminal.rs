//! A terminal of a test's own, with a command that a person started there.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::stage::Stage;

/// How long something is waited for that must come.
const PATIENCE: Duration = Duration::from_secs(60);

/// A command at a terminal.
pub struct Terminal {
    shell: Child,
    side: File,
    shown: Receiver<Vec<u8>>,
    seen: String,
    exit: std::path::PathBuf,
}

impl Terminal {
    /// Starts `aegis` with its standard streams at a terminal, as
    /// [`Stage::person`] does without one.
    pub fn start(stage: &Stage, words: &[&str]) -> Self {
        const LEAVE: &str = "exec 3<&0; { read -r go <&3; exec 3<&-; \
            \"$@\" <\"$TERMINAL\" >\"$TERMINAL\" 2>\"$TERMINAL\" & \
            echo $! >\"$EXIT.number\"; wait $!; echo $? >\"$EXIT\"; } &";
        let side = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&side).unwrap();
        unlockpt(&side).unwrap();
        let name = ptsname(&side, Vec::new()).unwrap();
        let exit = stage.path("exit-terminal");
        let mut shell = stage
            .command(std::path::Path::new("/bin/sh"))
            .args(["-c", LEAVE, "sh", env!("CARGO_BIN_EXE_aegis")])
            .args(words)
            .env("TERMINAL", name.to_str().unwrap())
            .env("EXIT", &exit)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut go = shell.stdin.take().unwrap();
        shell.wait().unwrap();
        go.write_all(b"go\n").unwrap();
        let side = File::from(side);
        let mut screen = side.try_clone().unwrap();
        let (tell, shown) = channel();
        thread::spawn(move || {
            let mut bytes = [0; 4_096];
            // Reading fails when the command has left the terminal.
            while let Ok(count) = screen.read(&mut bytes) {
                if tell.send(bytes[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            shell,
            side,
            shown,
            seen: String::new(),
            exit,
        }
    }

    /// Waits until the terminal shows `text` after what was waited for before.
    #[track_caller]
    pub fn shows(&mut self, text: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.seen.find(text) {
                self.seen = self.seen.split_off(at + text.len());
                return;
            }
            let left = until.saturating_duration_since(Instant::now());
            match self.shown.recv_timeout(left) {
                Ok(bytes) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(error) => panic!("no `{text}` ({error}) in {}", self.seen),
            }
        }
    }

    /// Types a line.
    pub fn types(&mut self, line: &str) {
        writeln!(self.side, "{line}").unwrap();
    }

    /// Ends the command; returns its exit code.
    pub fn end(self) -> i32 {
        let number = fs::read_to_string(self.exit.with_extension("number")).unwrap();
        let number = Pid::from_raw(number.trim().parse().unwrap()).unwrap();
        kill_process(number, Signal::TERM).unwrap();
        self.exit()
    }

    /// Waits for the end of the command; returns its exit code.
    pub fn exit(mut self) -> i32 {
        let mut rest = Vec::new();
        // The shell that stayed behind holds this until the command has ended.
        let mut open = self.shell.stdout.take().unwrap();
        open.read_to_end(&mut rest).unwrap();
        let exit = fs::read_to_string(&self.exit).unwrap();
        exit.trim().parse().unwrap()
    }
}
