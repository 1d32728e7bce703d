//! How much is looked at before a text is called too complex.

/// The longest text, in bytes.
pub(crate) const TEXT_BYTES_MAX: usize = 256 * 1024;

/// The most commands of a plan.
const COMMANDS_MAX: usize = 4_096;

/// The most words of all commands of a plan together.
pub(crate) const WORDS_MAX: usize = 4_096;

/// How many bytes are read in all, text within text counted again.
const READ_BYTES_MAX: usize = 2 * TEXT_BYTES_MAX;

/// How many bytes words may have in all after expansion.
const EXPANDED_BYTES_MAX: usize = 4 * TEXT_BYTES_MAX;

/// The longest value that an operator of an expansion is followed on.
pub(crate) const EDITED_BYTES_MAX: usize = 8 * 1024;

/// How many steps may be taken: tree nodes that are visited.
const STEPS_MAX: usize = 64 * 1024;

/// The most words that braces of one word may give.
pub(crate) const BRACES_MAX: usize = 256;

/// The most values of a loop that are followed one by one.
pub(crate) const TURNS_MAX: usize = 8;

/// The most tokens of code in another language that are looked at.
pub(crate) const CODE_TOKENS_MAX: usize = 16 * 1024;

/// What is left of the allowances.
#[derive(Debug)]
pub(crate) struct Limits {
    commands: usize,
    words: usize,
    read_bytes: usize,
    expanded_bytes: usize,
    steps: usize,
}

impl Limits {
    /// Returns the full allowances.
    pub(crate) fn new() -> Self {
        Self {
            commands: COMMANDS_MAX,
            words: WORDS_MAX,
            read_bytes: READ_BYTES_MAX,
            expanded_bytes: EXPANDED_BYTES_MAX,
            steps: STEPS_MAX,
        }
    }

    /// Takes one command of `words` words; `false` if that is more than is left.
    pub(crate) fn take_command(&mut self, words: usize) -> bool {
        take(&mut self.commands, 1) && take(&mut self.words, words)
    }

    /// Takes a text of `bytes` bytes that is read.
    pub(crate) fn take_read(&mut self, bytes: usize) -> bool {
        bytes <= TEXT_BYTES_MAX && take(&mut self.read_bytes, bytes)
    }

    /// Takes `bytes` bytes of expanded text.
    pub(crate) fn take_expanded(&mut self, bytes: usize) -> bool {
        take(&mut self.expanded_bytes, bytes)
    }

    /// Takes a step.
    pub(crate) fn take_step(&mut self) -> bool {
        self.take_steps(1)
    }

    /// Takes as many steps.
    pub(crate) fn take_steps(&mut self, count: usize) -> bool {
        take(&mut self.steps, count)
    }
}

fn take(left: &mut usize, amount: usize) -> bool {
    match left.checked_sub(amount) {
        Some(rest) => {
            *left = rest;
            true
        }
        None => {
            *left = 0;
            false
        }
    }
}
