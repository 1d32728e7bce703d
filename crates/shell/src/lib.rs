//! What a command line would do.
//!
//! [`plan`] reads shell text and lists the commands it would run, however they
//! are reached: through wrappers such as `sudo`, in substitutions, loops and
//! functions, in text that another shell is given. It runs nothing and reads
//! nothing but the text, so equal texts give equal plans. It never fails:
//! what it does not understand is an explicit unknown with its cause.
//!
//! Two kinds of unknown have two places. A part of a *word* that only running
//! would show is a part of that word. Whatever may run *commands that are not
//! listed* (a program whose name is computed, code in another language, text
//! that does not parse) stands in the plan's own list.
//!
//! [`touched`] tells which words of a command may name files, and how they are
//! reached for; [`located`] joins such a word with the directory in which the
//! command runs; [`hints`] lists the text that inline code shows; [`ascii_host`] tells how the
//! name of a host is looked up.

mod code;
mod decode;
mod effect;
mod elsewhere;
mod embed;
mod escape;
mod evaluate;
mod expand;
mod file;
mod hint;
mod idna;
mod input;
mod limit;
mod locate;
mod option;
mod option_code;
mod option_text;
mod output;
mod plan;
mod powershell;
mod program;
mod programs;
mod quote;
mod run;
mod surroundings;
mod syntax;
mod touch;
mod variable;
mod walk;

pub use effect::{EFFECTS_MAX, effects, effects_of};
pub use elsewhere::run_elsewhere;
pub use hint::{hints, loose_words};
pub use idna::{ascii_host, plain_host};
pub use locate::{located, written};
pub use output::text_read;
pub use plan::{VERSION, plan};
pub use powershell::plan_powershell;
pub use program::program_name;
pub use programs::{PROGRAMS_VERSION, ProgramOptions, is_place_of, place_kinds, program_names};
pub use quote::in_quotes;
pub use touch::{Extent, Listing, Touched, touched};
