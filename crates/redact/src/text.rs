//! Finding all secrets of a text.

use crate::marker::markers;
use crate::span::{Span, join, outside};
use crate::{flag, pair, pem, phrase, token};

/// Returns the places of the secrets in `text`, in order and apart.
pub(crate) fn secrets(text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    pem::find(text, &mut spans);
    let mut named = Vec::new();
    token::find(text, &mut spans, &mut named);
    pair::find(text, &mut spans);
    flag::find(text, &mut spans);
    phrase::find(text, &mut spans);
    spans.append(&mut named);
    if spans.is_empty() {
        return spans;
    }
    outside(join(spans), &markers(text))
}
