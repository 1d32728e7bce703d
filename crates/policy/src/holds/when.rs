//! Circumstances that the request itself shows.

use aegis_types::{ActionRequest, Tier};

use crate::truth::{Truth, WhyNot, WhyUnknown, any, every};
use crate::when::{TierBound, When};

impl When {
    /// Returns whether the circumstances hold that the request shows: all but
    /// the calls made before, which are a matter of memory.
    #[must_use]
    pub fn holds(&self, request: &ActionRequest) -> Truth {
        const PARTS: [fn(&When, &ActionRequest) -> Truth; 4] = [
            When::environment_holds,
            When::tier_holds,
            When::taint_holds,
            When::time_holds,
        ];
        every(PARTS.iter().map(|part| part(self, request)))
    }

    /// An environment without a label is none of those that have one: the label
    /// is the user's to give, and nothing that an agent could leave out.
    fn environment_holds(&self, request: &ActionRequest) -> Truth {
        if self.environment.is_empty() {
            return Truth::Yes;
        }
        let found = request.context.environment.as_deref();
        Truth::of(
            found.is_some_and(|found| self.environment.iter().any(|wanted| **wanted == *found)),
            || WhyNot::Environment,
        )
    }

    fn tier_holds(&self, request: &ActionRequest) -> Truth {
        match (self.tier, request.context.tier) {
            (None, _) => Truth::Yes,
            (Some(_), None) => Truth::Unknown(WhyUnknown::Tier),
            (Some(bound), Some(found)) => Truth::of(bound.admits(found), || WhyNot::Tier { found }),
        }
    }

    fn taint_holds(&self, request: &ActionRequest) -> Truth {
        let found = &request.context.taint;
        Truth::of(
            self.taint.is_empty() || self.taint.iter().any(|origin| found.contains(&**origin)),
            || WhyNot::Taint,
        )
    }

    fn time_holds(&self, request: &ActionRequest) -> Truth {
        if self.time.is_empty() {
            return Truth::Yes;
        }
        any(
            self.time.iter().map(|window| window.holds(request.at)),
            || WhyNot::Time,
        )
    }
}

impl TierBound {
    fn admits(self, found: Tier) -> bool {
        match self {
            Self::Below(bound) => found < bound,
            Self::AtLeast(bound) => found >= bound,
            Self::Equals(bound) => found == bound,
        }
    }
}
