//! Waiting for a program, within bounds of time and size.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// The most that is kept of standard output or standard error, in bytes.
const OUTPUT_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How long output may take to end after the program has.
///
/// Something that the program left running may hold the pipe open.
const OUTPUT_GRACE: Duration = Duration::from_secs(2);

/// How a program ended.
pub(super) struct Ended {
    /// Its status.
    pub status: ExitStatus,
    /// Whether it was ended because its time was over.
    pub is_timed_out: bool,
    /// Its standard output, cut at a bound.
    pub output: String,
    /// Its standard error, cut at a bound.
    pub errors: String,
}

/// Starts a program in a process group of its own and waits until the group is gone.
///
/// The program reads nothing. When `limit` is over, or when the program ends
/// first, every process of its group is ended.
pub(super) fn finish(command: &mut Command, limit: Duration) -> io::Result<Ended> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()?;
    let output = child.stdout.take().map(collect);
    let errors = child.stderr.take().map(collect);
    let (status, is_timed_out) = wait(&mut child, limit)?;
    Ok(Ended {
        status,
        is_timed_out,
        output: output.map(Collected::text).unwrap_or_default(),
        errors: errors.map(Collected::text).unwrap_or_default(),
    })
}

fn wait(child: &mut Child, limit: Duration) -> io::Result<(ExitStatus, bool)> {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let Some(group) = group else {
        return child.wait().map(|status| (status, false));
    };
    // The waiting thread leaves the program unreaped, so the id of its group
    // cannot belong to anything else when the group is ended.
    let (ended, end) = mpsc::channel();
    thread::spawn(move || {
        let ending = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let _ = waitid(WaitId::Pid(group), ending);
        // Nobody listens any more once the time is over.
        let _ = ended.send(());
    });
    let is_timed_out = end.recv_timeout(limit).is_err();
    // A group whose processes have all ended is no failure.
    let _ = kill_process_group(group, Signal::KILL);
    Ok((child.wait()?, is_timed_out))
}

/// Output that a thread is reading.
struct Collected {
    bytes: Arc<Mutex<Vec<u8>>>,
    end: Receiver<()>,
}

impl Collected {
    /// Returns the output once it has ended, or as far as it came by then.
    fn text(self) -> String {
        // Either way, what has been read is all there is to tell.
        let _ = self.end.recv_timeout(OUTPUT_GRACE);
        let bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

fn collect(source: impl Read + Send + 'static) -> Collected {
    let bytes = Arc::new(Mutex::new(Vec::new()));
    let (ended, end) = mpsc::channel();
    let kept = Arc::clone(&bytes);
    thread::spawn(move || {
        let mut source = source.take(OUTPUT_BYTES_MAX);
        let mut part = [0; 16 * 1024];
        while let Ok(count @ 1..) = source.read(&mut part) {
            let read = part.get(..count).unwrap_or_default();
            kept.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend_from_slice(read);
        }
        let _ = ended.send(());
    });
    Collected { bytes, end }
}
