//! A word now and then about what takes long.

use std::io::Write as _;
use std::time::{Duration, Instant};

use aegis_log::CopyStep;

/// After how long, and how often, something is said.
const PAUSE: Duration = Duration::from_secs(1);

/// Tells on standard error how far something is.
pub(crate) struct Progress {
    began: Instant,
    pace: Pace,
}

impl Progress {
    /// Begins the time.
    pub(crate) fn begin() -> Self {
        Self {
            began: Instant::now(),
            pace: Pace::default(),
        }
    }

    /// Tells of a step of copying, if it is time to.
    pub(crate) fn tell(&mut self, step: CopyStep) {
        self.tell_of(|| words(step));
    }

    /// Tells `words`, if it is time to.
    pub(crate) fn tell_of(&mut self, words: impl FnOnce() -> String) {
        if let Some(line) = self.pace.line(self.began.elapsed(), words) {
            // Whoever does not listen is not kept from the answer.
            let _ = writeln!(anstream::stderr().lock(), "  {line}");
        }
    }
}

/// When something was last said, since the beginning.
#[derive(Default)]
struct Pace(Duration);

impl Pace {
    fn line(&mut self, elapsed: Duration, words: impl FnOnce() -> String) -> Option<String> {
        if elapsed < self.0.saturating_add(PAUSE) {
            return None;
        }
        self.0 = elapsed;
        Some(words())
    }
}

fn words(step: CopyStep) -> String {
    match step {
        CopyStep::Copying { pages, of } => {
            let percent = pages.saturating_mul(100).checked_div(of).unwrap_or(0);
            format!("copying, {percent} % …")
        }
        CopyStep::Verifying => "verifying the copy …".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_in_the_first_second_and_then_once_a_second() {
        let mut pace = Pace::default();
        let copying = |pages| CopyStep::Copying { pages, of: 3_000 };
        let said: Vec<Option<String>> = [
            (0, copying(0)),
            (999, copying(900)),
            (1_000, copying(1_000)),
            (1_900, copying(1_500)),
            (2_500, copying(2_999)),
            (2_600, CopyStep::Verifying),
            (3_500, CopyStep::Verifying),
        ]
        .into_iter()
        .map(|(elapsed_ms, step)| pace.line(Duration::from_millis(elapsed_ms), || words(step)))
        .collect();
        let line = |text: &str| Some(text.to_owned());
        assert_eq!(
            said,
            [
                None,
                None,
                line("copying, 33 % …"),
                None,
                line("copying, 99 % …"),
                None,
                line("verifying the copy …"),
            ]
        );
    }

    #[test]
    fn an_empty_log_is_no_division_by_zero() {
        let step = CopyStep::Copying { pages: 0, of: 0 };
        let line = Pace::default().line(Duration::from_secs(9), || words(step));
        assert_eq!(line.as_deref(), Some("copying, 0 % …"));
    }
}
