//! How many cases reach each rule of a policy.

use aegis_types::RuleId;
use serde_json::{Value, json};

use crate::command::tested::Tested;
use crate::describe;
use crate::page::{Page, Piece, Tone, piece};

/// A rule, and how many cases reach it.
#[derive(Clone)]
pub(crate) struct Covered {
    pub(crate) rule: RuleId,
    pub(crate) place: String,
    pub(crate) cases: usize,
}

/// The own rules of one policy, and how many cases of all files reach each.
pub(crate) struct PolicyCoverage {
    policy: String,
    rules: Vec<Covered>,
}

/// Returns the coverage of each policy that was tested, in the order of files.
pub(crate) fn by_policy(all: &[Tested]) -> Vec<PolicyCoverage> {
    let mut found: Vec<PolicyCoverage> = Vec::new();
    for one in all.iter().filter(|one| one.problems.is_empty()) {
        match found.iter_mut().find(|it| it.policy == one.policy) {
            Some(known) => {
                for (known, more) in known.rules.iter_mut().zip(&one.coverage) {
                    known.cases += more.cases;
                }
            }
            None => found.push(PolicyCoverage {
                policy: one.policy.clone(),
                rules: one.coverage.clone(),
            }),
        }
    }
    found
}

impl PolicyCoverage {
    /// Returns the share of rules that cases reach, in whole percent.
    pub(crate) fn percent(&self) -> usize {
        let reached = self.rules.iter().filter(|it| it.cases > 0).count();
        (reached * 100).checked_div(self.rules.len()).unwrap_or(100)
    }

    /// Adds a table of the rules; `least` is the share that is wanted.
    pub(crate) fn show(&self, page: &mut Page, least: usize) {
        page.heading(format!("Coverage of {}", self.policy));
        if self.rules.is_empty() {
            page.line(&[piece(Tone::Quiet, "  it has no rules of its own")]);
            return;
        }
        let rows: Vec<Vec<Piece>> = self.rules.iter().map(row).collect();
        page.table(&["rule", "cases", "where"], &rows);
        let missed = self.rules.iter().filter(|it| it.cases == 0);
        let missed: Vec<&str> = missed.map(|it| it.rule.as_str()).collect();
        let percent = self.percent();
        let (tone, wanted) = match percent {
            _ if percent < least => (Tone::Bad, format!("; {least}% is wanted")),
            100 => (Tone::Good, String::new()),
            _ => (Tone::Careful, String::new()),
        };
        let rules = describe::count(self.rules.len(), "rule", "rules");
        let reached = self.rules.len() - missed.len();
        page.line(&[
            piece(tone, format!("  {percent}%")),
            piece(
                Tone::Plain,
                format!("  {reached} of {rules} reached{wanted}"),
            ),
        ]);
        if !missed.is_empty() {
            page.line(&[
                piece(Tone::Quiet, "  no case reaches "),
                piece(Tone::Careful, missed.join(", ")),
            ]);
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        let rules: Vec<Value> = self
            .rules
            .iter()
            .map(|it| json!({"rule": it.rule, "place": it.place, "cases": it.cases}))
            .collect();
        json!({"policy": self.policy, "percent": self.percent(), "rules": rules})
    }
}

fn row(it: &Covered) -> Vec<Piece> {
    let tone = match it.cases {
        0 => Tone::Careful,
        _ => Tone::Plain,
    };
    vec![
        piece(tone, it.rule.as_str()),
        piece(tone, it.cases.to_string()),
        piece(Tone::Quiet, &it.place),
    ]
}
