//! Secrets in variables that go to hosts.

use aegis_types::{EffectKind, EffectResource, RedirectionKind, UnknownCause, WordPart};

use super::Found;
use super::command::Told;
use super::flow::host_of;
use super::setting::is_secret_name;
use crate::option::first_text;

/// Adds that the value of a variable goes to a host, whose name says that it is a secret.
///
/// A token goes to the host that it is for: `$GITHUB_TOKEN` to GitHub.
pub(super) fn sent(told: &Told<'_>, found: &mut Found) {
    let EffectResource::Host(host) = host_of(told) else {
        return;
    };
    let texts = told.command.redirections.iter();
    let texts = texts.filter(|it| it.kind == RedirectionKind::Text);
    let words = told
        .command
        .arguments
        .iter()
        .chain(texts.map(|it| &it.target));
    for name in variables_of_curl(told) {
        if is_secret_name(&name) && !is_for(&name, &host) {
            let resource = EffectResource::Host(host.clone());
            found.add(EffectKind::Upload, resource, &[told.program_span()]);
        }
    }
    for word in words {
        for part in &word.parts {
            let WordPart::Unknown(UnknownCause::Variable(name)) = part else {
                continue;
            };
            if is_secret_name(name) && !is_for(name, &host) {
                let resource = EffectResource::Host(host.clone());
                let causes = [word.span, told.program_span()];
                found.add(EffectKind::Upload, resource, &causes);
            }
        }
    }
}

/// Returns the variables of the environment that curl is told to take: `--variable %NAME`.
fn variables_of_curl(told: &Told<'_>) -> Vec<String> {
    if told.name() != "curl" {
        return Vec::new();
    }
    let reading = told.reading.iter();
    let values = reading.flat_map(|reading| reading.values("--variable"));
    let names = values.filter_map(|word| {
        let text = first_text(word).strip_prefix('%')?;
        let end = text.find(['=', '@', '[', ';']).unwrap_or(text.len());
        text.get(..end).map(str::to_owned)
    });
    names.collect()
}

/// Returns whether a secret is for a host, by the names of both: it begins with
/// the name of the domain, or the host stands in a variable of the project.
fn is_for(name: &str, host: &str) -> bool {
    let host = host.split_once("://").map_or(host, |(_, rest)| rest);
    let end = host.find(['/', '?', '#', ':']).unwrap_or(host.len());
    let authority = host.get(..end).unwrap_or(host);
    if let Some(variable) = authority.strip_prefix('$') {
        return !is_secret_name(variable) && !variable.contains(['.', '$', '@']);
    }
    let owner = match name.split('_').next().unwrap_or_default() {
        "GH" => "GITHUB",
        "HF" => "HUGGINGFACE",
        owner => owner,
    };
    let domain = authority.rsplit('.').nth(1);
    !authority.contains('$') && domain.is_some_and(|domain| domain.eq_ignore_ascii_case(owner))
}
