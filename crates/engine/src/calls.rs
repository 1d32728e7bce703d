//! Counting earlier calls.

use aegis_policy::{CallsWindow, Matcher, ScopeName, Truth, WhyNot};
use aegis_types::{ActionRequest, Scope, State};

use crate::checks::Question;
use crate::reduce::OTHER_TOOLS;

/// Returns whether so many earlier calls of the tools that `matcher` names lie
/// in the window, which ends with the request.
pub(crate) fn calls_hold(question: &Question<'_>, matcher: &Matcher, window: CallsWindow) -> Truth {
    let found = count(question.state, question.facts.request(), matcher, window);
    if found >= window.over {
        Truth::Yes
    } else {
        Truth::No(WhyNot::Calls {
            found,
            over: window.over,
            per: window.per,
        })
    }
}

fn count(state: &State, request: &ActionRequest, matcher: &Matcher, window: CallsWindow) -> u32 {
    let Some(tools) = state.calls.get(&scope(request, window.by)) else {
        return 0;
    };
    let since = request.at.minus(window.per);
    let total: usize = tools
        .iter()
        .filter(|(tool, _)| &***tool == OTHER_TOOLS || matcher.names_tool(tool))
        .map(|(_, times)| times.count(since))
        .sum();
    u32::try_from(total).unwrap_or(u32::MAX)
}

fn scope(request: &ActionRequest, name: ScopeName) -> Scope {
    match name {
        ScopeName::Session => Scope::Session(request.principal.session.clone()),
        ScopeName::Agent => Scope::Agent(request.principal.agent.clone()),
        ScopeName::Tenant => Scope::Tenant(request.principal.tenant.clone()),
    }
}
