//! What a rule should say and does not.

use aegis_types::Verdict;

use super::clause::Clause;
use super::cover::alternatives;
use super::{Lint, LintCode};
use crate::matcher::{Matcher, ParamCondition, ParamTest};
use crate::rule::{Rule, Spelling};

/// Finds rules without examples, without a message, or about more calls than they seem.
pub(super) fn check(lint: &mut Lint<'_>, clause: &Clause<'_, '_>) {
    if let Some(rule) = clause.rule {
        let restricts = rule.verdict != Verdict::Allow;
        // The spelling of the tool firewall has no examples.
        if restricts && rule.examples.matches.is_empty() && clause.spelling == Spelling::Native {
            let message = "no example shows what this rule is about";
            lint.find(LintCode::NoExample, &clause.span, message)
                .help("write `examples: {matches: […], misses: […]}`; they are checked before the policy becomes active");
        }
        // The permission rules of a host have no messages.
        let may_say = clause.spelling != Spelling::Permissions;
        if rule.verdict == Verdict::Deny && rule.message.is_none() && may_say {
            let message = "the agent is not told what to do instead";
            lint.find(LintCode::NoMessage, &clause.span, message)
                .help("write `message:`; the agent reads it and goes on accordingly");
        }
        check_late(lint, clause);
        check_absent(lint, clause, rule);
    }
    check_counted(lint, clause);
}

/// Finds windows that count calls which the rule is not about.
fn check_counted(lint: &mut Lint<'_>, clause: &Clause<'_, '_>) {
    let matcher = clause.matcher;
    let counts = match (clause.rule, clause.limit) {
        (Some(rule), _) => rule.when.calls.is_some(),
        (None, limit) => limit.is_some(),
    };
    let is_narrowed = !(matcher.shell.is_empty()
        && matcher.path.is_empty()
        && matcher.host.is_empty()
        && matcher.effect.is_empty()
        && matcher.params.is_empty()
        && matcher.action.is_empty()
        && matcher.any.is_empty()
        && matcher.all.is_empty());
    if counts && is_narrowed && matcher.tool.is_empty() && clause.spelling == Spelling::Native {
        let message = "this counts the calls of every tool, not only those that it is about";
        lint.find(LintCode::CountsEverything, &clause.span, message)
            .help("calls are counted by tool: name the tools under `tool:`");
    }
}

/// Finds allows that begin to hold when many calls were made.
fn check_late(lint: &mut Lint<'_>, clause: &Clause<'_, '_>) {
    let Some(rule) = clause.rule else {
        return;
    };
    if rule.verdict == Verdict::Allow && rule.when.calls.is_some() {
        let message = "this allow begins to hold after so many calls, and not before";
        lint.find(LintCode::LateAllow, &clause.span, message)
            .help("a limit asks or denies beyond a number of calls: write one under `limits:`");
    }
}

/// Finds rules that hold for calls without a parameter, whatever those do: what
/// is absent is unknown, and satisfies a rule that asks or denies.
fn check_absent(lint: &mut Lint<'_>, clause: &Clause<'_, '_>, rule: &Rule) {
    let wants = |it: &ParamCondition| !matches!(it.test, ParamTest::Present(_));
    let is_bare = |it: &Matcher| {
        it.tool.is_empty()
            && it.action.is_empty()
            && it.resource.is_empty()
            && it.shell.is_empty()
            && it.path.is_empty()
            && it.host.is_empty()
            && it.effect.is_empty()
            && !it.params.is_empty()
            && it.params.iter().all(wants)
    };
    let passes = rule.verdict == Verdict::Allow || rule.unknown;
    if !passes && alternatives(clause.matcher, 0).iter().any(is_bare) {
        let message = "this holds for every call that has no such parameter as well";
        let help = match clause.spelling {
            Spelling::Native => "name the tools under `tool:`, or write `unknown: false`",
            Spelling::Firewall => "name the tool under `tool:`",
            Spelling::ActionRules => "name the types under `type:`",
            Spelling::Permissions => "name the tool before the parenthesis",
        };
        lint.find(LintCode::EveryTool, &clause.span, message)
            .help(help);
    }
}
