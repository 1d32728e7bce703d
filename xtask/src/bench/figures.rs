//! Medians, percentiles, rates, and whether they reach a target.

use std::time::{Duration, Instant};

/// The figures of one series of times.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// Half of the times are at most this.
    pub median: Duration,
    /// 99 of 100 times are at most this.
    pub p99: Duration,
}

impl Figures {
    /// Returns the figures of `times`; zero if there are none.
    pub fn of(times: &[Duration]) -> Self {
        let mut sorted = times.to_vec();
        sorted.sort();
        let at = |share: usize| {
            let place = sorted.len().saturating_sub(1) * share / 100;
            sorted.get(place).copied().unwrap_or_default()
        };
        Self {
            median: at(50),
            p99: at(99),
        }
    }

    /// Measures `work` so many times.
    pub fn measured(rounds: usize, mut work: impl FnMut()) -> Self {
        let times: Vec<Duration> = (0..rounds)
            .map(|_| {
                let began = Instant::now();
                work();
                began.elapsed()
            })
            .collect();
        Self::of(&times)
    }

    /// Prints the figures on a line of their own.
    pub fn print(&self, name: &str) {
        println!(
            "  {name:<46} median {:>10}   p99 {:>10}",
            shown(self.median),
            shown(self.p99)
        );
    }
}

/// Returns the one in the middle of `values`; zero if there are none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

/// Returns a duration in the unit that fits it.
pub fn shown(duration: Duration) -> String {
    let us = duration.as_secs_f64() * 1e6;
    if us < 10.0 {
        format!("{} ns", duration.as_nanos())
    } else if us < 1_000.0 {
        format!("{us:.1} us")
    } else {
        format!("{:.3} ms", us / 1e3)
    }
}

/// Prints whether `value` is at most the target.
pub fn at_most(what: &str, value: f64, target: f64, unit: &str) {
    let standing = standing(value <= target, value / target);
    tell(
        what,
        value,
        &format!("at most {}", rounded(target)),
        unit,
        &standing,
    );
}

/// Prints whether `value` is at least the target.
pub fn at_least(what: &str, value: f64, target: f64, unit: &str) {
    let standing = standing(value >= target, target / value);
    tell(
        what,
        value,
        &format!("at least {}", rounded(target)),
        unit,
        &standing,
    );
}

fn standing(is_met: bool, excess: f64) -> String {
    if is_met {
        "met".to_owned()
    } else {
        format!("missed by {:.0} %", (excess - 1.0) * 100.0)
    }
}

fn tell(what: &str, value: f64, bound: &str, unit: &str, standing: &str) {
    println!(
        "  target: {what}: {} {unit}, {bound} {unit}: {standing}",
        rounded(value)
    );
}

fn rounded(value: f64) -> String {
    if value >= 100.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}")
    }
}
