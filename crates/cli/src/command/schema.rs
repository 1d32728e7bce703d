//! `aegis schema`: the JSON Schema of a kind of file.

use serde_json::Value;

use crate::arguments::SchemaKind;
use crate::page::Page;
use crate::report::{Failure, Report};

const POLICY: &str = include_str!("../../schemas/policy.schema.json");
const POLICY_TESTS: &str = include_str!("../../schemas/policy-tests.schema.json");
const FIREWALL: &str = include_str!("../../schemas/firewall.schema.json");
const ACTION_RULES: &str = include_str!("../../schemas/action-rules.schema.json");
const ENVELOPE: &str = include_str!("../../schemas/envelope.schema.json");

/// Returns the schema of `kind`.
pub(crate) fn schema(kind: SchemaKind) -> Result<Report, Failure> {
    let text = match kind {
        SchemaKind::Policy => POLICY,
        SchemaKind::PolicyTests => POLICY_TESTS,
        SchemaKind::Firewall => FIREWALL,
        SchemaKind::ActionRules => ACTION_RULES,
        SchemaKind::Envelope => ENVELOPE,
    };
    let json: Value = serde_json::from_str(text)
        .map_err(|error| Failure::environment(format!("the schema is damaged: {error}")))?;
    let mut page = Page::default();
    page.block(text);
    Ok(Report::done(page, json))
}
