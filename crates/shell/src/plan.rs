//! The way in: text becomes a plan.

use aegis_types::{Plan, Span, UnknownCause};

use crate::embed::is_reserved;
use crate::limit::TEXT_BYTES_MAX;
use crate::syntax::Origin;
use crate::walk::{Setting, Walk};

/// The version of the analysis, recorded with what it derives.
pub const VERSION: u32 = 3;

/// Returns what `text`, given to bash, would run.
///
/// The work is bounded: a text that is longer, deeper or wider than what is
/// looked at has the unknown [`UnknownCause::TooComplex`] beside whatever was
/// found before.
#[must_use]
pub fn plan(text: &str) -> Plan {
    let mut walk = Walk::new(text);
    let end = u32::try_from(text.len()).unwrap_or(u32::MAX);
    let whole = Span { start: 0, end };
    if text.len() > TEXT_BYTES_MAX {
        walk.note(whole, UnknownCause::TooComplex);
    } else if text.contains('\0') || is_reserved(text) {
        // No shell is given a zero byte; the reserved characters have a use here.
        walk.note(whole, UnknownCause::Syntax);
    } else {
        walk.text(text, Origin::Offset(0), &Setting::default());
        walk.late_traps();
        walk.uncalled_functions();
    }
    walk.plan
}
