//! Points in time and lengths of time, whole milliseconds both.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time: milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Returns the point `unix_ms` milliseconds after the Unix epoch.
    #[must_use]
    pub const fn from_unix_ms(unix_ms: i64) -> Self {
        Self(unix_ms)
    }

    /// Returns the milliseconds since the Unix epoch.
    #[must_use]
    pub const fn unix_ms(self) -> i64 {
        self.0
    }

    /// Returns the point `duration` later; the end of time if there is none.
    #[must_use]
    pub const fn plus(self, duration: DurationMs) -> Self {
        Self(self.0.saturating_add_unsigned(duration.0))
    }

    /// Returns the point `duration` earlier; the beginning of time if there is none.
    #[must_use]
    pub const fn minus(self, duration: DurationMs) -> Self {
        Self(self.0.saturating_sub_unsigned(duration.0))
    }
}

/// A length of time in milliseconds.
///
/// Written and read as a whole number with a unit (`250ms`, `30s`, `10m`, `2h`,
/// `7d`), several in a row from large to small (`1h30m`).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct DurationMs(u64);

/// Why a text is not a duration.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ParseDurationError {
    /// There is no text.
    #[error("a duration must not be empty; write for example `30s`, `10m` or `1h30m`")]
    Empty,
    /// A unit has no number before it, or the text is no number at all.
    #[error("expected a whole number before the unit in `{text}`")]
    Number {
        /// The whole text.
        text: String,
    },
    /// A number has no unit, or an unknown one.
    #[error("expected one of the units `ms`, `s`, `m`, `h`, `d` in `{text}`")]
    Unit {
        /// The whole text.
        text: String,
    },
    /// Units do not go from large to small, or one stands twice.
    #[error("units go from large to small and stand once each in `{text}`")]
    Order {
        /// The whole text.
        text: String,
    },
    /// The duration is beyond what can be counted.
    #[error("the duration `{text}` is too long")]
    TooLong {
        /// The whole text.
        text: String,
    },
}

/// Units from large to small, with their length in milliseconds.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

impl DurationMs {
    /// Returns a duration of `milliseconds`.
    #[must_use]
    pub const fn from_ms(milliseconds: u64) -> Self {
        Self(milliseconds)
    }

    /// Returns a duration of `seconds`; the longest one if that overflows.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1_000))
    }

    /// Returns the length in milliseconds.
    #[must_use]
    pub const fn as_ms(self) -> u64 {
        self.0
    }

    /// Returns the length as the standard library writes it.
    #[must_use]
    pub const fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0)
    }
}

impl FromStr for DurationMs {
    type Err = ParseDurationError;

    fn from_str(text: &str) -> Result<Self, ParseDurationError> {
        if text.is_empty() {
            return Err(ParseDurationError::Empty);
        }
        let owned = || text.to_owned();
        let mut rest = text;
        let mut total: u64 = 0;
        let mut smallest = u64::MAX;
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, after) = rest.split_at(digits);
            if number.is_empty() {
                return Err(ParseDurationError::Number { text: owned() });
            }
            let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
            let (unit, after) = after.split_at(letters);
            let Some((_, length)) = UNITS.iter().find(|(name, _)| *name == unit) else {
                return Err(ParseDurationError::Unit { text: owned() });
            };
            if *length >= smallest {
                return Err(ParseDurationError::Order { text: owned() });
            }
            smallest = *length;
            total = number
                .parse::<u64>()
                .ok()
                .and_then(|count| count.checked_mul(*length))
                .and_then(|part| total.checked_add(part))
                .ok_or_else(|| ParseDurationError::TooLong { text: owned() })?;
            rest = after;
        }
        Ok(Self(total))
    }
}

impl fmt::Display for DurationMs {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return formatter.write_str("0s");
        }
        let mut rest = self.0;
        for (unit, length) in UNITS {
            if rest >= length {
                write!(formatter, "{}{unit}", rest / length)?;
                rest %= length;
            }
        }
        Ok(())
    }
}

impl Serialize for DurationMs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_u64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for DurationMs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
            text.parse().map_err(serde::de::Error::custom)
        } else {
            u64::deserialize(deserializer).map(Self)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<u64, ParseDurationError>) {
        assert_eq!(
            text.parse::<DurationMs>().map(DurationMs::as_ms),
            expected,
            "{text}"
        );
    }

    #[test]
    fn durations_are_whole_numbers_with_units_from_large_to_small() {
        check("30s", Ok(30_000));
        check("10m", Ok(600_000));
        check("1h30m", Ok(5_400_000));
        check("250ms", Ok(250));
        check("7d", Ok(604_800_000));
    }

    #[test]
    fn a_number_without_a_unit_is_no_duration() {
        check("", Err(ParseDurationError::Empty));
        check(
            "10",
            Err(ParseDurationError::Unit {
                text: "10".to_owned(),
            }),
        );
        check(
            "10 m",
            Err(ParseDurationError::Unit {
                text: "10 m".to_owned(),
            }),
        );
        check(
            "m",
            Err(ParseDurationError::Number {
                text: "m".to_owned(),
            }),
        );
        check(
            "-5m",
            Err(ParseDurationError::Number {
                text: "-5m".to_owned(),
            }),
        );
        check(
            "5m1h",
            Err(ParseDurationError::Order {
                text: "5m1h".to_owned(),
            }),
        );
        check(
            "99999999999999999999d",
            Err(ParseDurationError::TooLong {
                text: "99999999999999999999d".to_owned(),
            }),
        );
    }

    #[test]
    fn a_printed_duration_reads_back_as_itself() {
        for milliseconds in [0, 1, 999, 1_000, 61_000, 5_400_000, 90_061_001] {
            let duration = DurationMs::from_ms(milliseconds);
            assert_eq!(duration.to_string().parse::<DurationMs>(), Ok(duration));
        }
    }
}
