//! Text as a word that a shell takes literally.

/// Returns a text as one word that a shell takes literally.
#[must_use]
pub fn in_quotes(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
