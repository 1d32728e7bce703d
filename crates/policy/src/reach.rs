//! Rules that can never be the first that holds.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::matcher::Matcher;
use crate::parse::Walker;
use crate::pattern::Glob;
use crate::problem::{ProblemCode, quoted};
use crate::rule::Rule;
use crate::when::When;

/// How many globs are compared with each later rule.
const GLOBS_MAX: usize = 64;

/// What earlier rules decide whatever else a request is.
#[derive(Default)]
struct Decided<'r> {
    /// The rule that holds for everything.
    everything: Option<&'r str>,
    /// Tools by name, and the rule that holds for all their calls.
    tools: BTreeMap<&'r str, &'r str>,
    /// The same for globs on tools.
    globs: Vec<(&'r Glob, &'r str)>,
}

/// Warns of rules that are never asked, because an earlier one holds whenever
/// they do.
///
/// The rules stand in the order in which they are asked.
pub(crate) fn warn_unreachable(walker: &mut Walker<'_>, rules: &[(&Rule, &Range<usize>)]) {
    // What a broken rule matches means nothing.
    if walker.has_error() {
        return;
    }
    let mut decided = Decided::default();
    for (rule, span) in rules.iter().filter(|(rule, _)| !rule.mandatory) {
        if let Some(earlier) = decided.by(rule) {
            let message = format!(
                "this rule is never asked: {} holds whenever it does",
                quoted(earlier)
            );
            walker
                .warn(ProblemCode::Unreachable, span, message)
                .help("the first rule that holds decides: put the general rule after it");
        } else {
            decided.add(rule);
        }
    }
}

impl<'r> Decided<'r> {
    /// Returns the rule that holds whenever `rule` does.
    fn by(&self, rule: &Rule) -> Option<&'r str> {
        if let Some(earlier) = self.everything {
            return Some(earlier);
        }
        let mut earlier = None;
        for glob in &rule.matcher.tool {
            earlier = Some(self.by_glob(glob)?);
        }
        earlier
    }

    fn by_glob(&self, glob: &Glob) -> Option<&'r str> {
        if let Some(earlier) = self.tools.get(glob.as_str()) {
            return Some(earlier);
        }
        let covers = |wider: &Glob| {
            wider == glob
                || wider.as_str() == "*"
                || glob.is_literal() && wider.matches(glob.as_str())
        };
        let found = self.globs.iter().find(|(wider, _)| covers(wider));
        found.map(|(_, earlier)| *earlier)
    }

    fn add(&mut self, rule: &'r Rule) {
        let tools_only = Matcher {
            tool: rule.matcher.tool.clone(),
            ..Matcher::default()
        };
        if rule.when != When::default() || rule.matcher != tools_only {
            return;
        }
        let id = rule.id.as_str();
        if rule.matcher.tool.is_empty() {
            self.everything = Some(id);
        }
        for glob in &rule.matcher.tool {
            if glob.is_literal() {
                self.tools.entry(glob.as_str()).or_insert(id);
            } else if self.globs.len() < GLOBS_MAX {
                self.globs.push((glob, id));
            }
        }
    }
}
