//! Shares of cases, with how sure they are and what they must reach.

use anyhow::{Context, Result};

/// How large a share must be, in per cent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// The share is only reported.
    None,
    /// At least so many cases went as they should.
    AtLeast(f64),
    /// At most so many cases went as they should not.
    AtMost(f64),
}

/// What becomes of a target that is missed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Bar {
    /// The command fails.
    Required,
    /// The miss is shown, and nothing more.
    Reported,
}

/// A share of the cases of one set.
#[derive(Clone, Debug)]
pub struct Rate {
    /// The set, or a part of it.
    pub set: String,
    /// What is counted, such as `caught`.
    pub counted: &'static str,
    /// What the cases are called that count against the set, such as `missed`.
    pub against: &'static str,
    /// The cases.
    pub cases: usize,
    /// The cases that count against the set, as a person looks at them.
    pub shown: Vec<String>,
    /// What the share must be.
    pub target: Target,
    /// Whether it must.
    pub bar: Bar,
}

impl Rate {
    /// Returns a rate of cases that went well: those that count against are the rest.
    pub fn good(set: impl Into<String>, counted: &'static str, against: &'static str) -> Self {
        Self {
            set: set.into(),
            counted,
            against,
            cases: 0,
            shown: Vec::new(),
            target: Target::None,
            bar: Bar::Reported,
        }
    }

    /// Returns a rate of cases that went wrong.
    pub fn bad(set: impl Into<String>, counted: &'static str) -> Self {
        Self::good(set, counted, counted)
    }

    /// Returns the rate of what was denied or asked about and had to be.
    pub fn caught(set: impl Into<String>) -> Self {
        Self::good(set, "caught", "missed")
    }

    /// Sets what the share must be.
    pub fn with(mut self, target: Target, bar: Bar) -> Self {
        self.target = target;
        self.bar = bar;
        self
    }

    /// Counts a case, which may count against the set.
    pub fn count(&mut self, against: Option<String>) {
        self.cases += 1;
        self.shown.extend(against);
    }

    /// Returns how many cases are counted.
    pub fn count_of(&self) -> usize {
        if self.counted == self.against {
            self.shown.len()
        } else {
            self.cases - self.shown.len()
        }
    }

    /// Returns the share in per cent; that of no cases is what is wanted.
    pub fn per_cent(&self) -> f64 {
        match (self.cases, self.target) {
            (0, Target::AtLeast(_)) => 100.0,
            (0, _) => 0.0,
            (cases, _) => self.count_of() as f64 * 100.0 / cases as f64,
        }
    }

    /// Reports whether the share is what it must be.
    pub fn is_met(&self) -> bool {
        match self.target {
            Target::None => true,
            Target::AtLeast(least) => self.per_cent() >= least,
            Target::AtMost(most) => self.per_cent() <= most,
        }
    }

    /// Reports whether the command must fail.
    pub fn fails(&self) -> bool {
        match self.bar {
            Bar::Required => !self.is_met(),
            Bar::Reported => false,
        }
    }

    fn row(&self) -> String {
        let (low, high) = wilson(self.count_of(), self.cases);
        let target = match self.target {
            Target::None => String::new(),
            Target::AtLeast(least) => format!("at least {least} %: {}", self.standing()),
            Target::AtMost(most) => format!("at most {most} %: {}", self.standing()),
        };
        format!(
            "{:<44} {:>6} {:>6} {:>7.2} % [{:>6.2}, {:>6.2}]   {:<8} {target}",
            self.set,
            self.cases,
            self.count_of(),
            self.per_cent(),
            low * 100.0,
            high * 100.0,
            self.counted,
        )
        .trim_end()
        .to_owned()
    }

    fn standing(&self) -> &'static str {
        match self.is_met() {
            true => "met",
            false => "missed",
        }
    }
}

/// Takes `--show word` out of the arguments of a command; returns the rest and the word.
pub fn shown(arguments: &[String]) -> Result<(Vec<String>, Option<&str>)> {
    let mut rest = Vec::new();
    let mut show = None;
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        if word == "--show" {
            let shown = words.next();
            show =
                Some(shown.context("`--show` needs a word of the rows to show, such as `missed`")?);
        } else {
            rest.push(word.clone());
        }
    }
    Ok((rest, show.map(String::as_str)))
}

/// Prints the rates as one table, and the cases against those that `show` names.
///
/// `show` is a part of a row's name or of what counts against it. Returns
/// whether every bar that must be reached is.
pub fn print(rates: &[Rate], show: Option<&str>) -> bool {
    if rates.is_empty() {
        return true;
    }
    println!(
        "\n{:<44} {:>6} {:>6} {:>9} {:<18} measure",
        "set", "cases", "count", "share", "  95 % interval"
    );
    for rate in rates {
        println!("{}", rate.row());
    }
    for rate in rates {
        let name = format!("{} {}", rate.set, rate.against);
        let is_shown = show.is_some_and(|word| name.contains(word));
        if is_shown && !rate.shown.is_empty() {
            println!("\n{name}:");
            for case in &rate.shown {
                println!("  {case}");
            }
        }
    }
    rates.iter().all(|rate| !rate.fails())
}

/// Returns the 95 % interval of Wilson for `count` of `cases`.
fn wilson(count: usize, cases: usize) -> (f64, f64) {
    const Z: f64 = 1.96;
    if cases == 0 {
        return (0.0, 1.0);
    }
    let cases = cases as f64;
    let share = count as f64 / cases;
    let scale = 1.0 + Z * Z / cases;
    let middle = (share + Z * Z / (2.0 * cases)) / scale;
    let half = Z / scale * (share * (1.0 - share) / cases + Z * Z / (4.0 * cases * cases)).sqrt();
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(count: usize, cases: usize, expected: (f64, f64)) {
        let (low, high) = wilson(count, cases);
        assert!(
            (low - expected.0).abs() < 0.001 && (high - expected.1).abs() < 0.001,
            "{count} of {cases}: {low} {high}"
        );
    }

    #[test]
    fn the_interval_is_that_of_wilson() {
        check(0, 0, (0.0, 1.0));
        check(0, 10, (0.0, 0.2775));
        check(10, 10, (0.7225, 1.0));
        check(8, 10, (0.4902, 0.9433));
        check(97, 100, (0.9155, 0.9897));
    }

    #[test]
    fn a_share_is_of_what_is_counted() {
        let mut caught = Rate::caught("set").with(Target::AtLeast(97.0), Bar::Required);
        let mut asked = Rate::bad("set", "asked").with(Target::AtMost(4.0), Bar::Required);
        assert!(caught.is_met() && asked.is_met());
        for case in 0..10 {
            let against = (case == 0).then(|| "row".to_owned());
            caught.count(against.clone());
            asked.count(against);
        }
        assert_eq!((caught.count_of(), asked.count_of()), (9, 1));
        assert!(caught.fails() && asked.fails());
    }
}
