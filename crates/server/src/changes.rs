//! News of the log, looked for once for all who wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aegis_log::Log;
use tokio::sync::watch;

/// How often the log is looked at while somebody waits.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Tells all who wait when the log has grown, whoever wrote to it.
#[derive(Debug)]
pub(crate) struct Changes {
    counter: watch::Sender<u64>,
    is_watched: AtomicBool,
}

impl Changes {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            counter: watch::Sender::new(0),
            is_watched: AtomicBool::new(false),
        })
    }

    /// Returns what changes after the log has. What is read after this call is
    /// followed by a change whenever it has become old.
    pub(crate) fn follow(self: &Arc<Self>, log: &Arc<dyn Log>) -> watch::Receiver<u64> {
        let follower = self.counter.subscribe();
        if !self.is_watched.swap(true, Ordering::SeqCst) {
            tokio::spawn(Arc::clone(self).watch(Arc::clone(log)));
        }
        follower
    }

    async fn watch(self: Arc<Self>, log: Arc<dyn Log>) {
        loop {
            let reader = Arc::clone(&log);
            let read = tokio::task::spawn_blocking(move || reader.change_counter()).await;
            // A log that cannot be read is told of as a change: who reads then learns why.
            let found = read.ok().and_then(Result::ok);
            self.counter.send_if_modified(|known| match found {
                Some(found) if found == *known => false,
                Some(found) => {
                    *known = found;
                    true
                }
                None => true,
            });
            tokio::time::sleep(LOOK_EVERY).await;
            if self.counter.receiver_count() > 0 {
                continue;
            }
            self.is_watched.store(false, Ordering::SeqCst);
            // Who came in between found the log watched.
            let is_followed = self.counter.receiver_count() > 0;
            if !is_followed || self.is_watched.swap(true, Ordering::SeqCst) {
                return;
            }
        }
    }
}
