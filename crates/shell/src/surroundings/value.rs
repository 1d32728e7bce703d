//! The values of variables.

use std::rc::Rc;

use aegis_types::{UnknownCause, Word, WordPart};

/// The most values that a variable is taken to have one of.
pub(super) const VALUES_MAX: usize = 8;

/// The value of a variable.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// One value.
    Parts(Rc<[WordPart]>),
    /// The elements of an array.
    Elements(Rc<[Word]>),
    /// One of these, none of which is such a choice again.
    Either(Rc<[Value]>),
    /// It is not set.
    Unset,
    /// It cannot be told.
    Unknown,
}

impl Value {
    /// Returns what is one of `values`.
    pub(crate) fn one_of(values: impl IntoIterator<Item = Self>) -> Self {
        let mut different: Vec<Self> = Vec::new();
        for value in values {
            let alternatives = match &value {
                Self::Either(values) => values.as_ref(),
                Self::Parts(_) | Self::Elements(_) | Self::Unset | Self::Unknown => {
                    std::slice::from_ref(&value)
                }
            };
            for value in alternatives {
                if !different.contains(value) {
                    different.push(value.clone());
                }
            }
        }
        match different.as_slice() {
            [only] => only.clone(),
            [] => Self::Unknown,
            several if several.len() > VALUES_MAX => Self::Unknown,
            several => Self::Either(several.into()),
        }
    }
}

/// Returns the value of a variable that the text does not set.
pub(super) fn outer_value(name: &str) -> Value {
    match name {
        // These have values that are told from where they are used.
        "HOME" | "IFS" | "PWD" | "OLDPWD" => Value::Unknown,
        _ => {
            let cause = UnknownCause::Variable(name.to_owned());
            Value::Parts(Rc::new([WordPart::Unknown(cause)]))
        }
    }
}

/// Returns whether the shell itself works out what a variable is, whatever it is
/// set to.
pub(super) fn is_computed(name: &str) -> bool {
    matches!(
        name,
        "_" | "BASHPID"
            | "BASH_ARGV0"
            | "BASH_COMMAND"
            | "BASH_SUBSHELL"
            | "DIRSTACK"
            | "EPOCHREALTIME"
            | "EPOCHSECONDS"
            | "FUNCNAME"
            | "GROUPS"
            | "HISTCMD"
            | "LINENO"
            | "PIPESTATUS"
            | "RANDOM"
            | "SECONDS"
            | "SRANDOM"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_one_of_many_cannot_be_told() {
        let value = |text: &str| Value::Parts(Rc::new([WordPart::Literal(text.to_owned())]));
        assert_eq!(Value::one_of([value("a"), value("a")]), value("a"));
        let either = Value::one_of([value("a"), value("b")]);
        let wider = Value::one_of([either.clone(), value("c"), value("a")]);
        let Value::Either(values) = &wider else {
            panic!("{wider:?}");
        };
        assert_eq!(values.as_ref(), [value("a"), value("b"), value("c")]);
        let many = (0..=VALUES_MAX).map(|number| value(&number.to_string()));
        assert_eq!(Value::one_of(many), Value::Unknown);
    }
}
