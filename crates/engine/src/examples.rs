//! Checking a policy's examples.

use aegis_policy::{Compiled, Example, Place, Rule, Truth};
use aegis_types::{ActionRequest, RuleId};

/// An example that its rule gets wrong.
#[derive(Clone, Debug)]
pub struct ExampleFailure {
    /// The rule.
    pub rule: RuleId,
    /// Where the example is written.
    pub place: Place,
    /// What was expected of it.
    pub expected: Expectation,
    /// What the rule makes of it.
    pub truth: Truth,
}

/// What is expected of an example.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Expectation {
    /// The rule is about it.
    Matches,
    /// The rule is not about it.
    Misses,
}

/// Returns the examples that their rules get wrong.
///
/// What a rule is about is checked, not its circumstances: an example has no
/// time of day and no calls before it. An example of a mandatory rule, or of one
/// that stands behind others, is checked against that rule alone.
#[must_use]
pub fn check_examples(
    policy: &Compiled,
    make_request: &dyn Fn(&Example) -> ActionRequest,
) -> Vec<ExampleFailure> {
    let mut failures = Vec::new();
    for rule in &policy.policy().rules {
        let both = [
            (Expectation::Matches, &rule.examples.matches),
            (Expectation::Misses, &rule.examples.misses),
        ];
        for (expected, examples) in both {
            for example in examples {
                failures.extend(failure(rule, expected, example, make_request));
            }
        }
    }
    failures
}

fn failure(
    rule: &Rule,
    expected: Expectation,
    example: &Example,
    make_request: &dyn Fn(&Example) -> ActionRequest,
) -> Option<ExampleFailure> {
    let truth = rule.matcher.holds(&make_request(example), rule.verdict);
    let found = if truth.satisfies(rule.verdict, rule.unknown) {
        Expectation::Matches
    } else {
        Expectation::Misses
    };
    (found != expected).then(|| ExampleFailure {
        rule: rule.id.clone(),
        place: example.place,
        expected,
        truth,
    })
}
