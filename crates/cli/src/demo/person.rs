//! The person before the terminal, if there is one.

use std::io::{BufRead as _, IsTerminal as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

const SILENT: u8 = 0;
const GRANTED: u8 = 1;
const REFUSED: u8 = 2;

/// Listens for `y` and `n` at the terminal; hears nothing where there is none.
#[derive(Clone, Default)]
pub(super) struct Person(Arc<AtomicU8>);

impl Person {
    /// Begins to listen. The thread ends with the program: nothing can wake it
    /// from a read of the terminal.
    pub(super) fn listen() -> Self {
        let person = Self::default();
        if std::io::stdin().is_terminal() {
            let heard = Arc::clone(&person.0);
            std::thread::spawn(move || {
                for line in std::io::stdin().lock().lines().map_while(Result::ok) {
                    match line.trim() {
                        "y" | "yes" => heard.store(GRANTED, Ordering::Release),
                        "n" | "no" => heard.store(REFUSED, Ordering::Release),
                        _ => {}
                    }
                }
            });
        }
        person
    }

    /// Returns whether the person granted or refused; nothing while they are silent.
    pub(super) fn answer(&self) -> Option<bool> {
        match self.0.load(Ordering::Acquire) {
            GRANTED => Some(true),
            REFUSED => Some(false),
            SILENT..=u8::MAX => None,
        }
    }

    /// Forgets what was typed before the question.
    pub(super) fn forget(&self) {
        self.0.store(SILENT, Ordering::Release);
    }
}
