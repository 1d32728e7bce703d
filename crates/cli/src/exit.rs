//! The exit codes, one table for every command.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Exit {
    /// It did what was asked, and the answer is yes where there is one.
    Done,
    /// The answer is no: a fault found, a check failed, a refusal.
    No,
    /// The command line, or a file or token given, is wrong.
    Usage,
    /// Something around the program failed: files, a database, a client.
    Environment,
    /// The time was over before an answer came.
    TimedOut,
}

impl Exit {
    /// Returns the number that the shell sees. A program ended by Ctrl-C gives
    /// 130 by the shell's own rule.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::No => 1,
            Self::Usage => 2,
            Self::Environment => 3,
            Self::TimedOut => 4,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_has_the_number_of_the_table() {
        let table = [
            (Exit::Done, 0),
            (Exit::No, 1),
            (Exit::Usage, 2),
            (Exit::Environment, 3),
            (Exit::TimedOut, 4),
        ];
        for (exit, number) in table {
            assert_eq!(exit.number(), number, "{exit:?}");
        }
    }
}
