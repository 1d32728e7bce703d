//! Deciding whether the value of a named key is a secret.

use crate::key_name::KeyName;
use crate::kind::SecretKind;
use crate::placeholder::is_placeholder;

/// How a value is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Form {
    /// Between quotes.
    Quoted,
    /// Without quotes, where only data stands: `KEY=value`, `key: value` on a
    /// line of its own, the argument of a flag.
    Data,
    /// Without quotes, where code may stand as well.
    Code,
}

/// Names of types and other words that follow a key in code and prose.
const PLAIN_WORDS: &[&str] = &[
    "str",
    "string",
    "text",
    "int",
    "integer",
    "bool",
    "boolean",
    "bytes",
    "byte",
    "any",
    "object",
    "optional",
    "char",
    "varchar",
    "number",
    "float",
    "void",
    "list",
    "map",
    "dict",
    "array",
    "input",
    "value",
    "default",
    "strict",
    "secretstr",
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "secret",
    "token",
    "key",
    "credentials",
    "credential",
    "user",
    "username",
    "admin",
    "self",
    "this",
    "file",
    "stdin",
    "prompt",
    "env",
    "config",
    "function",
    "return",
    "await",
    "new",
    "hash",
    "sha256",
    "sha512",
    "sha1",
    "md5",
    "bcrypt",
    "argon2",
    "scrypt",
    "base64",
    "utf8",
];

/// Words of sentences about passwords.
const PROMPT_WORDS: &[&str] = &[
    "password",
    "passphrase",
    "secret",
    "token",
    "key",
    "enter",
    "must",
    "invalid",
    "incorrect",
    "wrong",
    "confirm",
    "forgot",
    "your",
    "the",
    "is",
    "for",
    "and",
    "not",
];

/// Says whether `value` under a key called `key` of the class `name` is a secret.
pub(crate) fn is_secret(name: KeyName, key: &str, value: &str, form: Form) -> bool {
    if value.len() < 2 || is_placeholder(value) || is_path(value) || repeats_key(key, value) {
        return false;
    }
    if form != Form::Quoted && is_code(value, form) {
        return false;
    }
    if value.contains(char::is_whitespace) && is_sentence(value) {
        return false;
    }
    match name {
        KeyName::Password => is_password(value, form),
        KeyName::Secret(SecretKind::Token) if form == Form::Quoted => {
            is_generated(value, form) && (has_digit(value) || value.len() >= 16)
        }
        KeyName::Secret(_) => is_generated(value, form),
        KeyName::Authorization => true,
        KeyName::Doubtful => is_random(value),
    }
}

/// Says whether a value of JSON under a secret key is a secret.
///
/// JSON holds data, so everything is one but what plainly stands for it.
pub(crate) fn is_secret_data(name: KeyName, value: &str) -> bool {
    if is_placeholder(value) {
        return false;
    }
    match name {
        KeyName::Password | KeyName::Secret(_) | KeyName::Authorization => true,
        KeyName::Doubtful => is_random(value),
    }
}

fn is_password(value: &str, form: Form) -> bool {
    let has_symbol = value
        .bytes()
        .any(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'_' | b'.' | b'-'));
    match form {
        Form::Quoted => !is_plain_word(value),
        Form::Data => !is_plain_word(value) && value.len() >= 3,
        Form::Code => (has_digit(value) || has_symbol) && value.len() >= 4 && !is_plain_word(value),
    }
}

fn is_generated(value: &str, form: Form) -> bool {
    if value.contains(char::is_whitespace) || is_plain_word(value) {
        return false;
    }
    let is_number = value
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b':'));
    if is_number && value.len() < 16 {
        return false;
    }
    match form {
        Form::Quoted => value.len() >= 6 && !is_spoken_name(value),
        Form::Data => {
            value.len() >= 6 && (has_digit(value) || value.len() >= 12) && !is_spoken_name(value)
        }
        Form::Code => value.len() >= 8 && has_digit(value) && !is_identifier(value),
    }
}

/// Says whether `value` is long, mixed and even enough to be generated.
fn is_random(value: &str) -> bool {
    let has_letter = value.bytes().any(|byte| byte.is_ascii_alphabetic());
    // Hashes and UUIDs are hexadecimal; they name things.
    let is_hex = value
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let is_token = value.bytes().all(|byte| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'+' | b'/' | b'=' | b'_' | b'-' | b'.' | b'%' | b'~')
    });
    let is_mixed = value.bytes().any(|byte| byte.is_ascii_uppercase())
        && value.bytes().any(|byte| byte.is_ascii_lowercase());
    (20..=512).contains(&value.len())
        && has_digit(value)
        && has_letter
        && is_mixed
        && !is_hex
        && is_token
        && !is_identifier(value)
        && bits_per_byte(value) >= 3.7
}

/// Returns the entropy of the bytes of `value`.
fn bits_per_byte(value: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in value.bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let total = value.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = f64::from(*count) / total;
            -share * share.log2()
        })
        .sum()
}

fn has_digit(value: &str) -> bool {
    value.bytes().any(|byte| byte.is_ascii_digit())
}

fn is_plain_word(value: &str) -> bool {
    PLAIN_WORDS
        .iter()
        .any(|word| value.eq_ignore_ascii_case(word))
}

/// Says whether `value` is the key again: `password=password`.
fn repeats_key(key: &str, value: &str) -> bool {
    let plain = |text: &str| -> String {
        text.bytes()
            .filter(u8::is_ascii_alphanumeric)
            .map(|byte| char::from(byte.to_ascii_lowercase()))
            .collect()
    };
    let value = plain(value);
    !value.is_empty() && plain(key).ends_with(&value)
}

fn is_path(value: &str) -> bool {
    const ROOTS: &[&str] = &[
        "./",
        "../",
        "~/",
        "/run/",
        "/etc/",
        "/home/",
        "/tmp/",
        "/var/",
        "/usr/",
        "/opt/",
        "/root/",
        "/Users/",
        "/mnt/",
        "/dev/",
        "/srv/",
        "/app/",
        "/secrets/",
        "/proc/",
        "/work",
        "/data/",
        "file:",
        "/home",
        "C:\\",
        "D:\\",
    ];
    ROOTS.iter().any(|root| value.starts_with(root))
        || value.starts_with("http://")
        || value.starts_with("https://")
}

/// Says whether `value` is written as an expression rather than as data.
fn is_code(value: &str, form: Form) -> bool {
    let name = value
        .bytes()
        .take_while(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'$')
        })
        .count();
    let after = value.get(name..).unwrap_or_default();
    let is_call = name > 0 && (after.starts_with(['(', '[', '{', '<']) || after.starts_with("?."));
    let is_expression = is_call
        || value.contains("()")
        || value.contains("->")
        || value.contains("=>")
        || value.contains("::")
        || value.starts_with(['(', '[', '{', '&', '@', '=', '"', '\'', '`', '|', '%'])
        || value.starts_with("$(")
        || value.starts_with("${")
        || value.starts_with("!=");
    let is_in_code = form == Form::Code
        && (is_identifier(value)
            || is_worded(value)
            || is_literal_number(value)
            || value.starts_with(['*', '!', '~', '-', '+', '.', ':']));
    is_expression || is_dotted_name(value) || is_in_code
}

/// Says whether `value` is a number as code writes it: `0x04`, `24i32`.
fn is_literal_number(value: &str) -> bool {
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    let suffix = value.get(digits..).unwrap_or_default();
    let is_hex = value.starts_with("0x") && value.len() <= 18;
    is_hex
        || digits > 0
            && matches!(
                suffix,
                "i32" | "u32" | "i64" | "u64" | "L" | "U" | "UL" | "f"
            )
}

/// Says whether `value` is made of words long enough to be spoken, with some
/// digits between: `X509CertificateFlag`. Random text changes case more often.
pub(crate) fn is_worded(value: &str) -> bool {
    let is_name = value
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'.'));
    let mut words = 0;
    let mut letters = 0;
    let mut last = b'_';
    for byte in value.bytes() {
        if byte.is_ascii_alphabetic() {
            letters += 1;
            let is_new = !last.is_ascii_alphabetic()
                || last.is_ascii_lowercase() && byte.is_ascii_uppercase();
            words += usize::from(is_new);
        }
        last = byte;
    }
    is_name && letters >= 5 * words
}

/// Says whether `value` is a path through names: `self.config.password`.
fn is_dotted_name(value: &str) -> bool {
    let mut parts = value.split('.');
    value.contains('.') && parts.all(|part| is_identifier(part) && part.len() <= 32)
}

/// Says whether `value` is words joined as programmers join them.
fn is_identifier(value: &str) -> bool {
    let starts_well = value
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    starts_well
        && value.split(['_', '-', '.']).all(|word| {
            let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
            word.len() - letters.len() <= 3
                && letters.bytes().all(|byte| byte.is_ascii_alphabetic())
        })
}

/// Says whether `value` names a secret in words: `db-secret`, `MY_API_TOKEN`.
fn is_spoken_name(value: &str) -> bool {
    let has_word = value.split(['_', '-', '.', '/']).any(|word| {
        matches!(
            word.to_ascii_lowercase().as_str(),
            "secret" | "secrets" | "token" | "key" | "password" | "credentials" | "auth" | "name"
        )
    });
    has_word && is_identifier(&value.replace('/', "-"))
}

fn is_sentence(value: &str) -> bool {
    value.ends_with([':', '?', '.', '!'])
        || value.split_whitespace().any(|word| {
            let word = word.trim_matches(|c: char| !c.is_alphanumeric());
            PROMPT_WORDS
                .iter()
                .any(|prompt| word.eq_ignore_ascii_case(prompt))
        })
}
