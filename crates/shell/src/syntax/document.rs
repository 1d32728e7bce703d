//! Reads here-documents.

use std::cell::OnceCell;
use std::rc::Rc;

use super::reader::{Parser, Stop};
use super::tree::{Piece, RawWord};

/// A here-document whose text comes after the end of the line.
#[derive(Debug)]
pub(super) struct Awaited {
    /// The line that ends it.
    pub(super) delimiter: String,
    /// Whether the delimiter is quoted, so that nothing in the text is expanded.
    pub(super) is_literal: bool,
    /// Whether tabs at the start of lines are removed.
    pub(super) strips_tabs: bool,
    /// Where its text goes.
    pub(super) text: Rc<OnceCell<RawWord>>,
}

impl Parser<'_> {
    /// Reads the texts of all here-documents that wait, in order.
    pub(super) fn read_documents(&mut self) -> Result<(), Stop> {
        for awaited in std::mem::take(&mut self.awaited) {
            let word = self.document(&awaited)?;
            // INVARIANT: each cell is filled once, as its entry is taken off the list.
            let _ = awaited.text.set(word);
        }
        Ok(())
    }

    fn document(&mut self, awaited: &Awaited) -> Result<RawWord, Stop> {
        let start = self.position;
        let mut stripped = String::new();
        let mut continues = false;
        let end = loop {
            let line_start = self.position;
            let Some(line) = self.line() else {
                break self.position;
            };
            let kept = if awaited.strips_tabs {
                line.trim_start_matches('\t')
            } else {
                line
            };
            if !continues && kept.strip_suffix('\n').unwrap_or(kept) == awaited.delimiter {
                break line_start;
            }
            continues = !awaited.is_literal && ends_in_continuation(line);
            if awaited.strips_tabs {
                stripped.push_str(kept);
            }
        };
        let span = self.origin.span(start, end);
        let text = self.text.get(start..end).unwrap_or_default();
        let (text, origin) = if awaited.strips_tabs {
            (stripped.as_str(), super::Origin::Whole(span))
        } else {
            (text, self.origin.from(start))
        };
        let pieces = if awaited.is_literal {
            vec![Piece::Quoted(text.to_owned())]
        } else {
            self.inner(text, origin)?.document_pieces()?
        };
        Ok(RawWord { span, pieces })
    }

    /// Takes the next line with its end.
    fn line(&mut self) -> Option<&str> {
        let rest = self
            .text
            .get(self.position..)
            .filter(|rest| !rest.is_empty())?;
        let length = rest.find('\n').map_or(rest.len(), |end| end + 1);
        self.position += length;
        rest.get(..length)
    }
}

fn ends_in_continuation(line: &str) -> bool {
    let backslashes = line
        .strip_suffix('\n')
        .unwrap_or(line)
        .bytes()
        .rev()
        .take_while(|byte| *byte == b'\\')
        .count();
    backslashes % 2 == 1
}
