//! Decides whether an action may happen.
//!
//! [`decide`] is a function of the request, the attached policies, the state and
//! the settings. Equal inputs give equal decisions, which is what makes replay
//! possible. Facts about the world arrive in the request's context.

mod decide;

mod checks;

mod combine;

mod calls;

mod reduce;

mod explain;

mod examples;

mod cases;

mod difference;

mod memory;

pub use cases::{CheckedCase, Coverage, Difference, check_case};
pub use decide::{Attached, Fallback, Settings, asked_parts, decide};
pub use difference::{PolicyDifference, TermsChange, terms_change};
pub use examples::{ExampleFailure, Expectation, check_examples};
pub use explain::{Explanation, PolicyExplanation, RuleExplanation, Standpoint, explain};
pub use memory::memory_needed;
pub use reduce::reduce;
