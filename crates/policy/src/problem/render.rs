//! Problems as text for people.

use std::fmt::Write as _;
use std::ops::Range;

use aegis_redact::push_visible;

use super::excerpt::{shown, text_width};
use super::{Problem, Severity};
use crate::rule::Place;
use crate::source::Source;

/// The columns of source text that are shown of a line.
const COLUMNS_MAX: usize = 160;

/// How text is coloured.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Paint {
    /// Not at all.
    #[default]
    Plain,
    /// By the escape sequences of terminals.
    Ansi,
}

#[derive(Clone, Copy)]
enum Role {
    Error,
    Warning,
    Strong,
    Frame,
    Good,
}

impl Paint {
    fn text(self, role: Role, text: &str) -> String {
        let code = match role {
            Role::Error => "1;31",
            Role::Warning => "1;33",
            Role::Strong => "1",
            Role::Frame => "1;34",
            Role::Good => "32",
        };
        match self {
            Self::Plain => text.to_owned(),
            Self::Ansi => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }
}

/// Returns the problems as text for people, each with the line it is about.
///
/// Nothing of a source can move or hide other text: whatever is invisible is
/// shown as an escape.
#[must_use]
pub fn render(problems: &[Problem], sources: &[Source], paint: Paint) -> String {
    let mut out = String::new();
    for problem in problems {
        let renderer = Renderer {
            sources,
            paint,
            gutter: gutter(problem),
        };
        renderer.problem(&mut out, problem);
        out.push('\n');
    }
    summary(&mut out, problems);
    out
}

fn gutter(problem: &Problem) -> usize {
    let related = problem.related.as_ref().map_or(0, |it| it.place.line);
    problem.place.line.max(related).to_string().len()
}

fn summary(out: &mut String, problems: &[Problem]) {
    let of = |severity| problems.iter().filter(|it| it.severity == severity).count();
    let counted = |count: usize, noun: &str| match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    };
    let parts: Vec<String> = [
        (of(Severity::Error), "error"),
        (of(Severity::Warning), "warning"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, noun)| counted(count, noun))
    .collect();
    if !parts.is_empty() {
        let _ = writeln!(out, "{}", parts.join(", "));
    }
}

struct Renderer<'a> {
    sources: &'a [Source],
    paint: Paint,
    gutter: usize,
}

/// A line of a source, made safe to show, and the columns that are marked.
struct Line {
    text: String,
    before: usize,
    marked: usize,
}

impl Renderer<'_> {
    fn problem(&self, out: &mut String, problem: &Problem) {
        let (role, title) = match problem.severity {
            Severity::Error => (Role::Error, "error"),
            Severity::Warning => (Role::Warning, "warning"),
        };
        let title = format!("{title}[{}]", problem.code);
        let message = self.paint.text(Role::Strong, &problem.message);
        let _ = writeln!(out, "{}: {message}", self.paint.text(role, &title));
        self.excerpt(out, "-->", problem.place, &problem.span, (role, '^', ""));
        if let Some(related) = &problem.related {
            let mark = (Role::Frame, '-', related.message.as_str());
            self.excerpt(out, ":::", related.place, &related.span, mark);
        }
        if let Some(help) = &problem.help {
            let frame = self.frame("=");
            let _ = writeln!(
                out,
                "{frame} {} {help}",
                self.paint.text(Role::Strong, "help:")
            );
        }
        self.patch(out, problem);
    }

    /// Returns the empty gutter and `mark`.
    fn frame(&self, mark: &str) -> String {
        let mark = self.paint.text(Role::Frame, mark);
        format!("{:width$} {mark}", "", width = self.gutter)
    }

    fn numbered(&self, line: u32, mark: &str) -> String {
        let head = format!("{line:>width$} {mark}", width = self.gutter);
        self.paint.text(Role::Frame, &head)
    }

    fn excerpt(
        &self,
        out: &mut String,
        arrow: &str,
        place: Place,
        span: &Range<usize>,
        (role, mark, label): (Role, char, &str),
    ) {
        let Some(source) = self.sources.get(usize::from(place.source)) else {
            return;
        };
        let arrow = self.paint.text(Role::Frame, arrow);
        let name = shown(&source.name, 200);
        let Place { line, column, .. } = place;
        let _ = writeln!(
            out,
            "{:width$}{arrow} {name}:{line}:{column}",
            "",
            width = self.gutter
        );
        let Some(shown) = line_at(&source.text, span) else {
            return;
        };
        let _ = writeln!(out, "{}", self.frame("|"));
        let _ = writeln!(out, "{} {}", self.numbered(line, "|"), shown.text);
        let marks = String::from_iter(std::iter::repeat_n(mark, shown.marked.max(1)));
        let marks = if label.is_empty() {
            marks
        } else {
            format!("{marks} {label}")
        };
        let _ = writeln!(
            out,
            "{} {:before$}{}",
            self.frame("|"),
            "",
            self.paint.text(role, &marks),
            before = shown.before
        );
    }

    /// Shows the line as it would be with the suggestion taken.
    fn patch(&self, out: &mut String, problem: &Problem) {
        let Some(suggestion) = &problem.suggestion else {
            return;
        };
        let Some(source) = self.sources.get(usize::from(problem.place.source)) else {
            return;
        };
        let bounds = line_bounds(&source.text, suggestion.span.start);
        let (Some(before), Some(after)) = (
            source.text.get(bounds.start..suggestion.span.start),
            source.text.get(suggestion.span.end..bounds.end),
        ) else {
            // The suggestion goes over the end of its line: the help says it all.
            return;
        };
        let line = problem.place.line;
        let written = format!("{before}{}{after}", suggestion.replacement);
        let _ = writeln!(out, "{}", self.frame("|"));
        for (number, text) in (line..).zip(written.split('\n')) {
            let text = cut(&escaped(text), 0);
            let text = self.paint.text(Role::Good, text.trim_end());
            let _ = writeln!(out, "{} {text}", self.numbered(number, "+"));
        }
    }
}

/// Returns the bytes of the line that holds the byte `at`, its end not included.
fn line_bounds(text: &str, at: usize) -> Range<usize> {
    let is_break = |byte: &u8| matches!(byte, b'\n' | b'\r');
    let bytes = text.as_bytes();
    let at = at.min(bytes.len());
    let (before, after) = bytes.split_at(at);
    let start = before.iter().rposition(is_break).map_or(0, |it| it + 1);
    let end = after
        .iter()
        .position(is_break)
        .map_or(bytes.len(), |it| at + it);
    start..end
}

fn line_at(text: &str, span: &Range<usize>) -> Option<Line> {
    let bounds = line_bounds(text, span.start);
    let before = escaped(text.get(bounds.start..span.start)?);
    let marked = escaped(text.get(span.start..span.end.min(bounds.end).max(span.start))?);
    let after = escaped(text.get(span.end.min(bounds.end).max(span.start)..bounds.end)?);
    // A long line is shown from a little before the marked part on.
    let skip = match text_width(&before) {
        width if width + text_width(&marked).min(40) > COLUMNS_MAX => {
            before.chars().count().saturating_sub(20)
        }
        _ => 0,
    };
    let lead = if skip > 0 { "…" } else { "" };
    let before: String = lead.chars().chain(before.chars().skip(skip)).collect();
    let whole = format!("{before}{marked}{after}");
    let room = COLUMNS_MAX.saturating_sub(text_width(&before));
    Some(Line {
        text: cut(&whole, 0).trim_end().to_owned(),
        before: text_width(&before),
        marked: text_width(&marked).min(room),
    })
}

/// Returns the text with tabs as four blanks and what is invisible as escapes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\t' => out.push_str("    "),
            _ => push_visible(&mut out, character),
        }
    }
    out
}

/// Returns the text from the character `skip` on, cut to what is shown of a line.
fn cut(text: &str, skip: usize) -> String {
    let mut out = String::new();
    for (column, character) in text.chars().skip(skip).enumerate() {
        if column == COLUMNS_MAX {
            out.push('…');
            break;
        }
        out.push(character);
    }
    out
}
