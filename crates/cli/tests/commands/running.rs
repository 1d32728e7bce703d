//! A service in a process of its own.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::stage::Stage;

/// A service that runs until it is dropped.
pub struct Running {
    child: Child,
    out: BufReader<ChildStdout>,
    /// What it said of the places where it listens.
    pub said: String,
}

impl Running {
    /// Starts `program` in `stage`, and waits until it says that it listens at
    /// a place that begins with `place`: whoever asks it then is answered.
    pub fn start(stage: &Stage, program: &Path, words: &[&str], place: &str) -> Self {
        let mut child = stage
            .command(program)
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        while !said.contains(place) {
            let mut line = String::new();
            if out.read_line(&mut line).unwrap() == 0 {
                let err = rest_of(&mut child);
                panic!("{words:?} does not listen: {said}{err}");
            }
            said.push_str(&line);
        }
        Self { child, out, said }
    }

    pub fn port(&self) -> &str {
        let (_, address) = self.said.split_once("://127.0.0.1:").unwrap();
        address.split_whitespace().next().unwrap()
    }

    /// Returns the number of its process.
    pub fn id(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.id(), signal).unwrap();
    }

    /// Stops the service, and returns what it wrote on standard error.
    pub fn stop(mut self) -> String {
        self.signal(Signal::TERM);
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        let err = rest_of(&mut self.child);
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        err
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn rest_of(child: &mut Child) -> String {
    let mut err = String::new();
    let stream = child.stderr.take();
    stream.unwrap().read_to_string(&mut err).unwrap();
    err
}
