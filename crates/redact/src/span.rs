//! Places of secrets in a text.

use std::ops::Range;

use crate::kind::SecretKind;

/// A secret and its place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Span {
    pub(crate) range: Range<usize>,
    pub(crate) kind: SecretKind,
}

impl Span {
    pub(crate) fn new(range: Range<usize>, kind: SecretKind) -> Self {
        Span { range, kind }
    }
}

/// Joins spans that overlap, so that the rest is in order and apart.
///
/// Of two that overlap the longer names the kind; of two equal ones the one
/// found first, so detectors that know more come first.
pub(crate) fn join(mut spans: Vec<Span>) -> Vec<Span> {
    // A stable sort keeps the order of detection among equals.
    spans.sort_by_key(|span| (span.range.start, std::cmp::Reverse(span.range.end)));
    let mut joined: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match joined.last_mut() {
            Some(last) if span.range.start < last.range.end => {
                if span.range.len() > last.range.len() {
                    last.kind = span.kind;
                }
                last.range.end = last.range.end.max(span.range.end);
            }
            _ => joined.push(span),
        }
    }
    joined
}

/// Cuts out of `spans` what lies in `holes`; both are in order and apart.
pub(crate) fn outside(spans: Vec<Span>, holes: &[Range<usize>]) -> Vec<Span> {
    if holes.is_empty() {
        return spans;
    }
    let mut left = Vec::with_capacity(spans.len());
    let mut holes = holes;
    for span in spans {
        let mut start = span.range.start;
        while let Some((hole, after)) = holes.split_first() {
            if hole.start >= span.range.end {
                break;
            }
            if hole.start > start {
                left.push(Span::new(start..hole.start, span.kind));
            }
            start = start.max(hole.end);
            if hole.end > span.range.end {
                break;
            }
            holes = after;
        }
        if start < span.range.end {
            left.push(Span::new(start..span.range.end, span.kind));
        }
    }
    left
}
