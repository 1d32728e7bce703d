//! Approvals and obligations.

use aegis_types::{ApprovalTerms, Obligation, Otherwise, RedactScope, SandboxScope};

use crate::parse::{Node, Walker};

/// The longest time that an approval may wait.
pub(crate) const WAIT_MAX: &str = "7d";

/// What silence means, by its words.
pub(crate) const OTHERWISE: [(&str, Otherwise); 2] =
    [("deny", Otherwise::Deny), ("allow", Otherwise::Allow)];

/// Reads how an approval is sought.
pub(super) fn approval<'a>(walker: &mut Walker<'a>, node: &Node<'a>) -> Option<ApprovalTerms> {
    const KEYS: [&str; 4] = ["within", "otherwise", "approvers", "channels"];
    let map = walker.map(node, "`approval`", &KEYS)?;
    let usual = ApprovalTerms::default();
    let channel = |walker: &mut Walker<'a>, node: &Node<'a>| {
        walker.some_text(node, "a channel").map(str::to_owned)
    };
    Some(ApprovalTerms {
        within: map
            .get("within")
            .and_then(|it| walker.duration(it, "`within`", WAIT_MAX))
            .unwrap_or(usual.within),
        otherwise: map
            .get("otherwise")
            .and_then(|it| walker.choice(it, "`otherwise`", &OTHERWISE))
            .unwrap_or(usual.otherwise),
        approvers: map
            .get("approvers")
            .and_then(|it| walker.integer(it, "`approvers`", 1..=16))
            .and_then(|it| u8::try_from(it).ok())
            .unwrap_or(usual.approvers),
        channels: map
            .get("channels")
            .map_or_else(Vec::new, |it| walker.one_or_many(it, "`channels`", channel)),
    })
}

/// Reads under which obligations an action may proceed.
pub(super) fn obligations<'a>(walker: &mut Walker<'a>, node: &Node<'a>) -> Vec<Obligation> {
    const KEYS: [&str; 5] = ["timeout", "output", "redact", "sandbox", "notify"];
    const REDACT: [(&str, RedactScope); 2] = [
        ("secrets", RedactScope::Secrets),
        ("personal", RedactScope::Personal),
    ];
    const SANDBOX: [(&str, SandboxScope); 2] = [
        ("workspace", SandboxScope::Workspace),
        ("offline", SandboxScope::Offline),
    ];
    let Some(map) = walker.map(node, "`obligations`", &KEYS) else {
        return Vec::new();
    };
    let timeout = map.get("timeout");
    let timeout = timeout.and_then(|it| walker.duration(it, "`timeout`", "1d"));
    let output = map.get("output").and_then(|it| walker.size(it, "`output`"));
    let redact = map.get("redact");
    let redact = redact.and_then(|it| walker.choice(it, "`redact`", &REDACT));
    let sandbox = map.get("sandbox");
    let sandbox = sandbox.and_then(|it| walker.choice(it, "`sandbox`", &SANDBOX));
    let notify = map.get("notify").map_or_else(Vec::new, |it| {
        walker.one_or_many(it, "`notify`", |walker, item| {
            walker.some_text(item, "a channel").map(str::to_owned)
        })
    });
    let mut obligations: Vec<Obligation> = timeout
        .map(Obligation::Timeout)
        .into_iter()
        .chain(output.map(Obligation::OutputBytesMax))
        .chain(redact.map(Obligation::Redact))
        .chain(sandbox.map(Obligation::Sandbox))
        .chain(notify.into_iter().map(Obligation::Notify))
        .collect();
    obligations.sort();
    obligations.dedup();
    obligations
}
