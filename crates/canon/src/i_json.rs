//! The values that canonical JSON can carry.

use serde_json::{Number, Value};

use crate::parse::{DEPTH_MAX, is_i_json_integer, is_written_as_large_integer};

/// Why a value cannot be read back from its canonical bytes.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotIJson {
    /// A whole number is beyond ±(2^53 - 1).
    #[error("whole number beyond 2^53 - 1 at `{pointer}`")]
    IntegerTooLarge {
        /// Where it stands, as a JSON pointer.
        pointer: String,
    },
    /// Arrays and objects are nested deeper than [`DEPTH_MAX`].
    #[error("nesting deeper than 128")]
    TooDeep,
}

/// Checks that [`parse`](crate::parse) accepts the canonical bytes of `value`.
///
/// Values that [`parse`](crate::parse) returned always pass. It is meant for
/// values made in other ways, such as from a `u64`.
///
/// # Errors
///
/// [`NotIJson`] with the first number or the depth that cannot be carried.
pub fn check_i_json(value: &Value) -> Result<(), NotIJson> {
    check(value, 0).map_err(|fault| match fault {
        Fault::TooDeep => NotIJson::TooDeep,
        Fault::IntegerTooLarge { mut steps } => {
            steps.reverse();
            let pointer = steps.concat();
            NotIJson::IntegerTooLarge { pointer }
        }
    })
}

enum Fault {
    TooDeep,
    /// The steps of the pointer, innermost first.
    IntegerTooLarge {
        steps: Vec<String>,
    },
}

impl Fault {
    fn below(self, step: String) -> Self {
        match self {
            Fault::TooDeep => Fault::TooDeep,
            Fault::IntegerTooLarge { mut steps } => {
                steps.push(step);
                Fault::IntegerTooLarge { steps }
            }
        }
    }
}

fn check(value: &Value, depth: usize) -> Result<(), Fault> {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
        Value::Number(number) if is_i_json_number(number) => Ok(()),
        Value::Number(_) => Err(Fault::IntegerTooLarge { steps: Vec::new() }),
        Value::Array(_) | Value::Object(_) if depth == DEPTH_MAX => Err(Fault::TooDeep),
        Value::Array(items) => items.iter().enumerate().try_for_each(|(index, item)| {
            check(item, depth + 1).map_err(|fault| fault.below(format!("/{index}")))
        }),
        Value::Object(members) => members.iter().try_for_each(|(key, item)| {
            check(item, depth + 1).map_err(|fault| {
                let step = key.replace('~', "~0").replace('/', "~1");
                fault.below(format!("/{step}"))
            })
        }),
    }
}

/// Says whether `number` can be read back from its canonical bytes.
pub(crate) fn is_i_json_number(number: &Number) -> bool {
    if let Some(integer) = number.as_i64() {
        return is_i_json_integer(integer);
    }
    // A `u64` beyond `i64::MAX` is too large whatever its value.
    number.is_f64()
        && number
            .as_f64()
            .is_some_and(|double| !is_written_as_large_integer(double))
}
