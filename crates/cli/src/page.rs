//! Text for a terminal: aligned, quiet, the same everywhere.

use std::fmt::Write as _;

use aegis_redact::visible;
use aegis_types::Verdict;
use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;

/// The greatest length of a text from outside in a page.
pub(crate) const TEXT_CHARS_MAX: usize = 5_000;

const DIM: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const RED: Style = AnsiColor::Red.on_default();

/// How a piece of a line looks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Tone {
    /// As the terminal has it.
    Plain,
    /// In the background.
    Quiet,
    /// In front.
    Strong,
    /// Good.
    Good,
    /// Wants attention.
    Careful,
    /// Bad.
    Bad,
}

impl Tone {
    const fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Quiet => DIM,
            Self::Strong => BOLD,
            Self::Good => GREEN,
            Self::Careful => YELLOW,
            Self::Bad => RED,
        }
    }

    /// Returns the tone of a verdict.
    pub(crate) const fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Allow => Self::Good,
            Verdict::Ask => Self::Careful,
            Verdict::Deny => Self::Bad,
        }
    }
}

/// A piece of a line.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    text: String,
    tone: Tone,
}

/// Returns a piece of our own text, or of text from outside; both are shown safely.
pub(crate) fn piece(tone: Tone, text: impl AsRef<str>) -> Piece {
    Piece {
        text: visible(text.as_ref(), TEXT_CHARS_MAX),
        tone,
    }
}

/// Returns a piece of a text that a person must see all of, however long it is.
pub(crate) fn whole(tone: Tone, text: impl AsRef<str>) -> Piece {
    Piece {
        text: visible(text.as_ref(), usize::MAX),
        tone,
    }
}

/// A page of text, built line by line.
#[derive(Debug, Default)]
pub(crate) struct Page {
    text: String,
}

impl Page {
    /// Returns the page, with the escape sequences of its tones.
    pub(crate) fn into_text(self) -> String {
        self.text
    }

    /// Adds a line of `pieces`, side by side.
    pub(crate) fn line(&mut self, pieces: &[Piece]) -> &mut Self {
        for part in pieces {
            push(&mut self.text, part);
        }
        self.text.push('\n');
        self
    }

    /// Adds a line of plain text.
    pub(crate) fn plain(&mut self, text: impl AsRef<str>) -> &mut Self {
        self.line(&[piece(Tone::Plain, text)])
    }

    /// Adds a heading, with an empty line before it unless it is the first line.
    pub(crate) fn heading(&mut self, text: impl AsRef<str>) -> &mut Self {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.line(&[piece(Tone::Strong, text)])
    }

    /// Adds an empty line.
    pub(crate) fn blank(&mut self) -> &mut Self {
        self.text.push('\n');
        self
    }

    /// Adds text that is already laid out over several lines, as it is.
    pub(crate) fn block(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        if !text.ends_with('\n') {
            self.text.push('\n');
        }
        self
    }

    /// Adds `label value` pairs, the values aligned.
    pub(crate) fn fields(&mut self, fields: &[(&str, Piece)]) -> &mut Self {
        let width = fields
            .iter()
            .map(|(label, _)| label.chars().count())
            .max()
            .unwrap_or(0);
        for (label, value) in fields {
            let padded = format!("  {label:<width$}  ");
            self.line(&[piece(Tone::Quiet, padded), value.clone()]);
        }
        self
    }

    /// Adds a table: a quiet heading, then the rows, columns aligned.
    pub(crate) fn table(&mut self, heading: &[&str], rows: &[Vec<Piece>]) -> &mut Self {
        let mut widths: Vec<usize> = heading.iter().map(|name| name.width()).collect();
        for row in rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.text.width());
            }
        }
        let names: Vec<Piece> = heading
            .iter()
            .map(|name| piece(Tone::Quiet, name))
            .collect();
        for row in std::iter::once(&names).chain(rows) {
            self.row(&widths, row);
        }
        self
    }

    fn row(&mut self, widths: &[usize], row: &[Piece]) {
        let last = row
            .iter()
            .rposition(|cell| !cell.text.is_empty())
            .unwrap_or_default();
        for (position, (cell, width)) in row.iter().zip(widths).enumerate().take(last + 1) {
            self.text.push_str("  ");
            push(&mut self.text, cell);
            if position != last {
                let gap = width.saturating_sub(cell.text.width());
                self.text.extend(std::iter::repeat_n(' ', gap));
            }
        }
        self.text.push('\n');
    }
}

fn push(text: &mut String, part: &Piece) {
    let style = part.tone.style();
    let _ = write!(text, "{style}{}{style:#}", part.text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(page: Page) -> String {
        anstream::adapter::strip_str(&page.into_text()).to_string()
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut page = Page::default();
        let rows = [
            vec![piece(Tone::Plain, "a"), piece(Tone::Good, "allow")],
            vec![piece(Tone::Plain, "long-name"), piece(Tone::Bad, "deny")],
        ];
        page.table(&["name", "verdict"], &rows);
        assert_eq!(
            plain(page),
            "  name       verdict\n  a          allow\n  long-name  deny\n"
        );
    }

    #[test]
    fn text_from_outside_cannot_leave_its_line() {
        let mut page = Page::default();
        page.fields(&[("command", piece(Tone::Plain, "a\n\u{1b}[2Jb"))]);
        assert_eq!(plain(page), "  command  a\\n\\u{1b}[2Jb\n");
    }
}
