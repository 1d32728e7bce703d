//! How a part of the text is reached.

use aegis_types::{Condition, Place, Wrapper};

use crate::output::Output;

/// How deeply commands may stand within each other, functions and text included.
const DEPTH_MAX: u32 = 64;

/// Shells that keep to the letter of the standard, and programs that start one.
const STRICT: [&str; 10] = [
    "sh", "dash", "ash", "ksh", "su", "script", "watch", "parallel", "ssh", "git",
];

/// How a part of the text is reached.
#[derive(Clone, Debug, Default)]
pub(crate) struct Setting {
    /// The wrappers, outermost first.
    pub(crate) through: Vec<Wrapper>,
    /// The pipeline in which it stands, if that is longer than it.
    pub(crate) place: Option<Place>,
    /// What it can read, if a pipe leads to it.
    pub(crate) input: Option<Output>,
    /// Whether nothing else can have read from that before.
    is_input_whole: bool,
    /// Whether what it can read was given to it alone, whose commands read it in turn.
    is_input_own: bool,
    /// Whether something else may have read a part of that before.
    is_input_begun: bool,
    /// How deep it stands.
    pub(crate) depth: u32,
    condition: Condition,
    is_in_background: bool,
    /// Whether when it happens, and how often, is open.
    is_open: bool,
    /// Whether it may not happen, seen from where its output is collected.
    is_open_here: bool,
}

impl Setting {
    /// Returns the setting of what runs inside `wrapper`.
    pub(crate) fn within(&self, wrapper: Wrapper) -> Self {
        let mut inner = self.clone();
        inner.depth = inner.depth.saturating_add(1);
        if let Wrapper::Program(name) = &wrapper
            && matches!(name.as_str(), "find" | "xargs" | "parallel" | "watch")
        {
            (inner.is_open, inner.is_open_here) = (true, true);
        }
        inner.through.push(wrapper);
        inner
    }

    /// Returns the setting of what stands one deeper.
    pub(crate) fn deeper(&self) -> Self {
        Self {
            depth: self.depth.saturating_add(1),
            ..self.clone()
        }
    }

    /// Returns the setting of what runs inside `wrapper` with a standard output of its own.
    pub(crate) fn apart(&self, wrapper: Wrapper) -> Self {
        Self {
            place: None,
            input: None,
            is_open_here: false,
            ..self.within(wrapper)
        }
    }

    /// Returns the setting of what runs at a branch.
    pub(crate) fn branch(&self) -> Self {
        Self {
            is_open_here: true,
            ..self.turn()
        }
    }

    /// Returns the setting of what may run, at a time that is open.
    pub(crate) fn perhaps(&self) -> Self {
        Self {
            condition: Condition::Branch,
            is_open: true,
            is_open_here: true,
            ..self.clone()
        }
    }

    /// Returns the setting of a turn of a loop that surely happens.
    pub(crate) fn turn(&self) -> Self {
        Self {
            condition: Condition::Branch,
            ..self.within(Wrapper::Compound)
        }
    }

    /// Returns the setting of what is collected apart from its surroundings.
    pub(crate) fn collected(self) -> Self {
        Self {
            is_open_here: false,
            ..self
        }
    }

    /// Returns whether the shell in which it stands may keep to the letter of the standard.
    pub(crate) fn is_in_strict_shell(&self) -> bool {
        is_strict(&self.through)
    }

    /// Returns whether when it happens, and how often, is open.
    pub(crate) fn is_open(&self) -> bool {
        self.is_open
    }

    /// Returns whether it may not happen, seen from where its output is collected.
    pub(crate) fn is_open_here(&self) -> bool {
        self.is_open_here
    }

    /// Returns the setting of what runs on a condition.
    pub(crate) fn when(&self, condition: Condition) -> Self {
        let mut inner = self.clone();
        if inner.condition != Condition::Branch {
            inner.condition = condition;
        }
        inner.is_open_here = true;
        inner
    }

    /// Returns the setting of what runs in the background.
    pub(crate) fn in_background(&self) -> Self {
        Self {
            is_in_background: true,
            is_open: true,
            is_open_here: true,
            ..self.clone()
        }
    }

    /// Returns the setting of a member of a pipeline.
    pub(crate) fn at(&self, place: Place) -> Self {
        Self {
            place: Some(place),
            ..self.clone()
        }
    }

    /// Returns the setting of what reads `input`.
    pub(crate) fn reading(self, input: Option<Output>) -> Self {
        Self {
            input,
            is_input_whole: false,
            is_input_own: false,
            is_input_begun: false,
            ..self
        }
    }

    /// Returns the setting of what stands behind something that `reads` of the input
    /// they share; nothing if that does not, or there is no input.
    pub(crate) fn behind(&self, reads: impl FnOnce() -> bool) -> Option<Self> {
        let is_begun = !self.is_input_begun && self.input.is_some() && reads();
        is_begun.then(|| Self {
            is_input_begun: true,
            ..self.clone()
        })
    }

    /// Returns whether something else may have read a part of its input before.
    pub(crate) fn is_input_begun(&self) -> bool {
        self.is_input_begun
    }

    /// Returns the setting of a group to which its input leads.
    pub(crate) fn with_own_input(self) -> Self {
        Self {
            is_input_own: true,
            ..self
        }
    }

    /// Returns the setting of what stands in a group to which the input leads, and
    /// that of the command in it which reads first.
    pub(crate) fn in_turn(&self) -> (Self, Self) {
        let rest = Self {
            is_input_own: false,
            ..self.clone()
        };
        let first = match &self.input {
            Some(Output::Text(text)) if self.is_input_own => {
                let text = Output::Text(text.clone());
                rest.clone().reading_first(text)
            }
            Some(_) | None => rest.clone(),
        };
        (first, rest)
    }

    /// Returns the setting of what reads `input` before anything else does.
    pub(crate) fn reading_first(self, input: Output) -> Self {
        Self {
            input: Some(input),
            is_input_whole: true,
            ..self
        }
    }

    /// Returns whether nothing else can have read from its input before.
    pub(crate) fn is_input_whole(&self) -> bool {
        self.is_input_whole
    }

    /// Returns the place that commands here have.
    pub(crate) fn command_place(&self) -> Place {
        Place {
            condition: self.condition,
            background: self.is_in_background,
            ..self.place.unwrap_or_default()
        }
    }

    /// Returns whether it stands deeper than is looked at.
    pub(crate) fn is_too_deep(&self) -> bool {
        self.depth > DEPTH_MAX
    }
}

/// Returns whether what runs through these may run in a shell that keeps to the
/// letter of the standard.
pub(crate) fn is_strict(through: &[Wrapper]) -> bool {
    let mut wrappers = through.iter().rev();
    let shell = wrappers.find_map(|wrapper| match wrapper {
        Wrapper::Program(name) => Some(name.as_str()),
        Wrapper::Substitution
        | Wrapper::ProcessSubstitution
        | Wrapper::Subshell
        | Wrapper::Compound
        | Wrapper::Function(_)
        | Wrapper::Text => None,
    });
    shell.is_some_and(|shell| STRICT.contains(&shell))
}
