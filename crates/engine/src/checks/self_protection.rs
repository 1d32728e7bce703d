//! Guards what Aegis stands on, and sees that no agent runs beside it.

use std::sync::Arc;

use aegis_types::{
    CheckName, Finding, NestedAgent, ProtectedKind, ProtectedTouch, Reason, Risk, Standing, Verdict,
};

use super::{Found, Question};

/// How much of a text from outside a message takes up.
const TEXT_CHARS_MAX: usize = 80;

/// Every kind of protected object, in the order in which it is told.
const KINDS: [ProtectedKind; 7] = [
    ProtectedKind::Control,
    ProtectedKind::Policy,
    ProtectedKind::Settings,
    ProtectedKind::HostSettings,
    ProtectedKind::Log,
    ProtectedKind::Key,
    ProtectedKind::Program,
];

pub(super) fn assess(question: &Question<'_>, found: &mut Vec<Found<'_>>) {
    let context = &question.facts.request().context;
    for kind in KINDS {
        let mut touches = context
            .protected
            .iter()
            .filter(|touch| touch.kind == kind && is_forbidden(touch))
            .peekable();
        if touches.peek().is_none() {
            continue;
        }
        let (mut is_uncertain, mut is_unlisted) = (true, true);
        for touch in touches {
            is_uncertain &= touch.uncertain;
            is_unlisted &= touch.unlisted;
        }
        let denial = denied(
            Reason::ProtectedResource,
            Arc::from(protected_message(kind, is_uncertain)),
            is_uncertain,
        );
        found.push(if is_unlisted { asked(kind) } else { denial });
    }
    if let Some(agent) = context.nested_agents.first() {
        let message = Arc::from(ungoverned_message(agent));
        found.push(denied(Reason::UngovernedAgent, message, false));
    }
}

/// Returns whether a touch is more than the looking that anybody may do.
///
/// Policies and settings are no secrets: to read them helps an agent to keep
/// within them. Keys are, and a command that changes Aegis changes it by running.
const fn is_forbidden(touch: &ProtectedTouch) -> bool {
    let access = touch.access;
    match touch.kind {
        ProtectedKind::Control => true,
        ProtectedKind::Key => access.changes() || access.read,
        ProtectedKind::Policy
        | ProtectedKind::Settings
        | ProtectedKind::Log
        | ProtectedKind::Program
        | ProtectedKind::HostSettings => access.changes(),
    }
}

const fn denied<'a>(reason: Reason, message: Arc<str>, unknown: bool) -> Found<'a> {
    Found::bare(Finding {
        check: CheckName::SelfProtection,
        verdict: Verdict::Deny,
        reason,
        standing: Standing::Explicit,
        policy: None,
        rule: None,
        message: Some(message),
        risk: Some(Risk::Critical),
        unknown,
        observed: false,
        words: Vec::new(),
    })
}

/// Asks about a list of names that cannot be read: most hold nothing of Aegis.
fn asked<'a>(kind: ProtectedKind) -> Found<'a> {
    let message = format!(
        "This writes whatever files an archive or a patch names, and the names cannot be read \
         beforehand: {} could be among them. Give it a folder of its own, or save the archive or \
         the patch to a file first.",
        kind.noun()
    );
    Found::bare(Finding {
        verdict: Verdict::Ask,
        risk: Some(Risk::High),
        ..denied(Reason::ProtectedResource, Arc::from(message), true).finding
    })
}

fn protected_message(kind: ProtectedKind, is_uncertain: bool) -> String {
    let certainty = if is_uncertain { "may touch" } else { "touches" };
    let remedy = match kind {
        ProtectedKind::Control => {
            "Commands that change Aegis are for the user: ask the user to run it"
        }
        ProtectedKind::Policy => {
            "Ask the user to change the policy; `aegis policy explain` shows what it says"
        }
        ProtectedKind::Settings => "Ask the user to change the settings; `aegis doctor` shows them",
        ProtectedKind::HostSettings => {
            "Ask the user to edit this file, or to run `aegis install` or `aegis uninstall`"
        }
        ProtectedKind::Log => "Read it with `aegis log show`; nothing else writes it",
        ProtectedKind::Key => "Its content is of no use to this task; go on without it",
        ProtectedKind::Program => "Ask the user to update or remove Aegis",
    };
    let simpler = if is_uncertain {
        ". If that is not meant, write the command in a simpler form, one step at a time"
    } else {
        ""
    };
    format!("This {certainty} {}. {remedy}{simpler}.", kind.noun())
}

fn ungoverned_message(agent: &NestedAgent) -> String {
    format!(
        "`{}` would start an agent that Aegis does not govern: {}. Use a sub-agent of this \
         session, or ask the user to start it.",
        cut(&agent.program),
        cut(&agent.cause)
    )
}

fn cut(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_control())
        .take(TEXT_CHARS_MAX)
        .collect()
}
