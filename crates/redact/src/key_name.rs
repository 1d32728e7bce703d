//! Names of keys that have secret values.

use crate::kind::SecretKind;

/// What the name of a key says about its value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum KeyName {
    /// Its value is a password, which may look like anything.
    Password,
    /// Its value is a secret that was generated.
    Secret(SecretKind),
    /// Its value is credentials after a scheme.
    Authorization,
    /// Its value may be a secret if it looks random.
    Doubtful,
}

impl KeyName {
    pub(crate) fn kind(self) -> SecretKind {
        match self {
            KeyName::Password => SecretKind::Password,
            KeyName::Secret(kind) => kind,
            KeyName::Authorization => SecretKind::Authorization,
            KeyName::Doubtful => SecretKind::Secret,
        }
    }
}

/// The longest name that is looked at.
const NAME_MAX: usize = 128;

/// Words before `key` that make it a secret one.
const SECRET_KEYS: &[&str] = &[
    "api",
    "access",
    "secret",
    "secretaccess",
    "private",
    "encryption",
    "signing",
    "master",
    "account",
    "sharedaccess",
    "shared",
    "storage",
    "auth",
    "session",
    "hmac",
    "webhook",
    "subscription",
    "app",
    "admin",
    "role",
    "service",
    "deploy",
    "consumer",
    "license",
    "client",
];

/// Words before `key` that make it no secret.
const OPEN_KEYS: &[&str] = &["public", "publishable", "idempotency", "pub"];

/// Words before `token` that make it a place in a list or a piece of text.
const OPEN_TOKENS: &[&str] = &[
    "page",
    "next",
    "continuation",
    "sync",
    "cursor",
    "start",
    "continue",
    "max",
    "num",
    "eos",
    "pad",
    "unk",
    "bos",
    "sep",
    "cls",
    "mask",
    "stop",
    "end",
    "special",
    "first",
    "last",
    "prev",
    "previous",
    "per",
    "expected",
    "unexpected",
    "skip",
];

/// Returns what `name` says about its value, whatever its case and separators.
pub(crate) fn classify(name: &str) -> Option<KeyName> {
    if name.len() > NAME_MAX || !may_be_secret(name.as_bytes()) {
        return None;
    }
    let plain: String = name
        .bytes()
        .filter(u8::is_ascii_alphanumeric)
        .map(|byte| char::from(byte.to_ascii_lowercase()))
        .collect();
    let plain = plain.trim_end_matches(|c: char| c.is_ascii_digit());
    if is_short_password(name, plain) {
        return Some(KeyName::Password);
    }
    classify_plain(plain)
}

fn classify_plain(plain: &str) -> Option<KeyName> {
    const PASSWORDS: &[&str] = &[
        "password",
        "passwd",
        "pwd",
        "passphrase",
        "passcode",
        "passwort",
    ];
    if PASSWORDS.iter().any(|word| plain.ends_with(word)) {
        return Some(KeyName::Password);
    }
    if plain.ends_with("authorization") {
        return Some(KeyName::Authorization);
    }
    if plain.ends_with("connectionstring") || plain.ends_with("connstring") {
        return Some(KeyName::Secret(SecretKind::ConnectionString));
    }
    if plain.ends_with("secret") || plain.ends_with("secretkeybase") {
        return Some(KeyName::Secret(SecretKind::Secret));
    }
    if let Some(before) = plain.strip_suffix("token") {
        let is_open = OPEN_TOKENS.iter().any(|word| before.ends_with(word));
        return (!is_open).then_some(KeyName::Secret(SecretKind::Token));
    }
    if let Some(before) = plain.strip_suffix("key") {
        return classify_key(before);
    }
    let is_doubtful = matches!(plain, "auth" | "sig" | "signature" | "pat")
        || plain.ends_with("credential")
        || plain.ends_with("credentials");
    is_doubtful.then_some(KeyName::Doubtful)
}

fn classify_key(before: &str) -> Option<KeyName> {
    if OPEN_KEYS.iter().any(|word| before.ends_with(word)) {
        return None;
    }
    if before.ends_with("private") {
        return Some(KeyName::Secret(SecretKind::PrivateKey));
    }
    if SECRET_KEYS.iter().any(|word| before.ends_with(word)) {
        return Some(KeyName::Secret(SecretKind::ApiKey));
    }
    Some(KeyName::Doubtful)
}

/// Says whether `name` ends in `pass` as a word of its own: `DB_PASS`, `dbPass`.
///
/// `pass` alone counts tests more often than it opens doors.
fn is_short_password(name: &str, plain: &str) -> bool {
    let name = name.trim_end_matches(|c: char| !c.is_ascii_alphabetic());
    let Some(start) = name.len().checked_sub(4) else {
        return false;
    };
    let is_own_word = match name.as_bytes().get(..start).and_then(|head| head.last()) {
        Some(b'_' | b'-' | b'.') => true,
        Some(byte) => byte.is_ascii_lowercase() && name.ends_with("Pass"),
        None => false,
    };
    plain.ends_with("pass") && is_own_word
}

/// Says quickly of most names that they have no secret values, by their last
/// three letters.
pub(crate) fn may_be_secret(name: &[u8]) -> bool {
    let mut letters = name.iter().rev().filter(|byte| byte.is_ascii_alphabetic());
    let mut next = || letters.next().map_or(0, |byte| byte.to_ascii_lowercase());
    let last = [next(), next(), next()];
    // Backwards: password, passwd, pwd, passphrase, passcode, passwort, pass,
    // token, secret, key, authorization, connectionstring, secretkeybase,
    // auth, sig, signature, pat, credential, credentials; and `value`, whose
    // name may stand before it.
    matches!(
        &last,
        b"dro"
            | b"eul"
            | b"dws"
            | b"dwp"
            | b"esa"
            | b"edo"
            | b"tro"
            | b"ssa"
            | b"nek"
            | b"ter"
            | b"yek"
            | b"noi"
            | b"gni"
            | b"htu"
            | b"gis"
            | b"eru"
            | b"tap"
            | b"lai"
            | b"sla"
    )
}
