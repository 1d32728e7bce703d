//! Credentials in URLs.

use crate::kind::SecretKind;
use crate::placeholder::is_placeholder;
use crate::span::Span;

/// The longest authority, with its credentials, that is looked at.
const URL_MAX: usize = 1024;

/// Hosts and paths whose addresses let anybody post.
const WEBHOOKS: &[&str] = &[
    "hooks.slack.com/services/",
    "hooks.slack.com/workflows/",
    "hooks.slack.com/triggers/",
    "discord.com/api/webhooks/",
    "discordapp.com/api/webhooks/",
    "hooks.zapier.com/hooks/catch/",
    "webhook.office.com/webhookb2/",
    "outlook.office.com/webhook/",
    "chat.googleapis.com/v1/spaces/",
];

/// What the hosts of web hooks have in their names.
const WEBHOOK_HOSTS: &[&str] = &["hook", "discord", "outlook", "chat.google"];

/// Says whether the colon at `colon` is that of a URL.
pub(crate) fn is_at(text: &str, colon: usize) -> bool {
    let rest = text.as_bytes().get(colon..).unwrap_or_default();
    rest.starts_with(b"://") || rest.starts_with(b":\\/\\/")
}

/// Finds the credentials of the URL whose scheme ends at `colon`.
pub(crate) fn find(text: &str, colon: usize, spans: &mut Vec<Span>) {
    let rest = text.get(colon..).unwrap_or_default();
    let slashes = if rest.starts_with("://") { 3 } else { 5 };
    let start = colon + slashes;
    let limit = text.floor_char_boundary(start + URL_MAX);
    let rest = text.get(start..limit).unwrap_or_default();
    let end = rest
        .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>' | '|'))
        .unwrap_or(rest.len());
    let url = rest.get(..end).unwrap_or_default();
    if let Some(span) = webhook(url, start) {
        spans.push(span);
    } else if let Some(span) = user_information(url, start) {
        spans.push(span);
    }
}

fn webhook(url: &str, start: usize) -> Option<Span> {
    let host = url.split('/').next()?;
    if !WEBHOOK_HOSTS.iter().any(|part| host.contains(part)) {
        return None;
    }
    let path = WEBHOOKS.iter().find_map(|hook| {
        let at = url.find(hook)?;
        Some(at + hook.len())
    })?;
    let secret = url
        .get(path..)?
        .trim_end_matches(['.', ',', ')', ']', '}', '\\']);
    let is_hook = secret.len() >= 16 && !is_placeholder(secret);
    is_hook.then(|| {
        Span::new(
            start + path..start + path + secret.len(),
            SecretKind::Webhook,
        )
    })
}

fn user_information(url: &str, start: usize) -> Option<Span> {
    let authority = url.split(['/', '?', '#']).next()?;
    let end = match authority.rfind('@') {
        Some(at) => at,
        // A password may hold what ends an authority, but a port cannot.
        None if authority.starts_with('[') => return None,
        None => {
            let (_, port) = authority.split_once(':')?;
            if port.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            url.find('@')?
        }
    };
    let information = url.get(..end)?;
    let (secret, at) = match information.split_once(':') {
        Some((user, password)) if !password.is_empty() => (password, user.len() + 1),
        Some((user, _)) => (user, 0),
        None => (information, 0),
    };
    // Without a password the user may be a token.
    let is_token = at > 0 || secret.len() >= 20 && secret.bytes().any(|byte| byte.is_ascii_digit());
    let is_secret = is_token && !is_placeholder(secret) && !is_template(secret);
    let start = start + at;
    is_secret.then(|| Span::new(start..start + secret.len(), SecretKind::UrlPassword))
}

/// Says whether `secret` is put in when the URL is used.
fn is_template(secret: &str) -> bool {
    secret.starts_with(['$', '{', '<', '*', '[', '('])
        || secret.starts_with("%s")
        || secret.starts_with("%(")
}
