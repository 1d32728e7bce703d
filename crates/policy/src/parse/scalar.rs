//! Texts with a meaning of their own.

use std::str::FromStr;
use std::sync::Arc;

use aegis_types::{DurationMs, ParseIdError};

use super::node::{Meaning, Node, NodeValue, meaning};
use super::suggest::nearest;
use super::walker::Walker;
use crate::problem::{ProblemCode, quoted};
use crate::when::{DayTime, Zone};

/// The greatest length of a name, so that it can be qualified.
const NAME_BYTES_MAX: usize = 100;

impl<'a> Walker<'a> {
    /// Reads an identifier.
    pub fn name<T>(&mut self, node: &Node<'a>, what: &str) -> Option<T>
    where
        T: FromStr<Err = ParseIdError>,
    {
        let text = self.some_text(node, what)?;
        let fault = match text.parse() {
            Ok(_) if text.len() > NAME_BYTES_MAX => ParseIdError::TooLong { bytes: text.len() },
            Ok(name) => return Some(name),
            Err(fault) => fault,
        };
        let message = match fault {
            ParseIdError::Empty => format!("{what} is empty"),
            ParseIdError::TooLong { bytes } => {
                format!("{what} has at most {NAME_BYTES_MAX} bytes, this one has {bytes}")
            }
            ParseIdError::Character { found } => format!(
                "{what} holds visible ASCII characters only, found U+{:04X}",
                u32::from(found)
            ),
        };
        let meant: String = text.split_whitespace().collect::<Vec<_>>().join("-");
        let problem = self.error(ProblemCode::BadName, &node.span, message);
        if meant.len() <= NAME_BYTES_MAX && meant.parse::<T>().is_ok() {
            problem.suggest(meant);
        }
        None
    }

    /// Reads a name for people as an identifier, with its blanks as dashes.
    pub fn label<T>(&mut self, node: &Node<'a>, what: &str) -> Option<T>
    where
        T: FromStr<Err = ParseIdError>,
    {
        let text = self.some_text(node, what)?;
        if !text.contains(char::is_whitespace) {
            return self.name(node, what);
        }
        let dashed = text.split_whitespace().collect::<Vec<_>>().join("-");
        match dashed.parse() {
            Ok(name) if dashed.len() <= 100 => Some(name),
            Ok(_) | Err(_) => self.name(node, what),
        }
    }

    /// Reads a length of time that is not zero.
    pub fn duration(&mut self, node: &Node<'a>, what: &str, most: &str) -> Option<DurationMs> {
        let text = match &node.value {
            NodeValue::Scalar {
                text,
                is_plain: true,
            } if meaning(text) == Meaning::Number => {
                let message = format!("{what} has no unit");
                let problem = self.error(ProblemCode::BadDuration, &node.span, message);
                problem.help("the units are `ms`, `s`, `m`, `h` and `d`");
                if text.parse::<u32>().is_ok() {
                    problem.suggest(format!("{text}s"));
                }
                return None;
            }
            NodeValue::Scalar { .. } | NodeValue::List(_) | NodeValue::Map(_) => {
                self.some_text(node, what)?
            }
        };
        let longest = most.parse::<DurationMs>();
        match text.parse::<DurationMs>() {
            Ok(duration) if duration.as_ms() == 0 => {
                let message = format!("{what} is no time at all");
                self.error(ProblemCode::OutOfRange, &node.span, message);
                None
            }
            Ok(duration) if longest.as_ref().is_ok_and(|longest| duration > *longest) => {
                let message = format!("{what} is longer than {most}");
                self.error(ProblemCode::OutOfRange, &node.span, message);
                None
            }
            Ok(duration) => Some(duration),
            Err(_) => {
                let message = format!("{what} is no duration: {}", quoted(text));
                self.error(ProblemCode::BadDuration, &node.span, message)
                    .help("write whole numbers with the units `d`, `h`, `m`, `s`, `ms`, from large to small, such as `1h30m`");
                None
            }
        }
    }

    /// Reads a number of bytes.
    pub fn size(&mut self, node: &Node<'a>, what: &str) -> Option<u64> {
        const UNITS: [(&str, u64); 8] = [
            ("KiB", 1 << 10),
            ("MiB", 1 << 20),
            ("GiB", 1 << 30),
            ("kB", 1_000),
            ("KB", 1_000),
            ("MB", 1_000_000),
            ("GB", 1_000_000_000),
            ("B", 1),
        ];
        let text = match &node.value {
            NodeValue::Scalar { text, .. } => text.as_ref(),
            NodeValue::List(_) | NodeValue::Map(_) => self.some_text(node, what)?,
        };
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let length = UNITS.iter().find(|(name, _)| *name == unit.trim_start());
        let size = length.and_then(|(_, length)| number.parse::<u64>().ok()?.checked_mul(*length));
        match size {
            Some(size @ 1..=0x1f_ffff_ffff_ffff) => Some(size),
            Some(_) => {
                let message = format!("{what} is out of bounds: {}", quoted(text));
                self.error(ProblemCode::OutOfRange, &node.span, message);
                None
            }
            None => {
                let message = format!("{what} is no number of bytes: {}", quoted(text));
                let problem = self.error(ProblemCode::BadSize, &node.span, message);
                problem.help("write a whole number with one of the units `B`, `KiB`, `MiB`, `GiB`, `kB`, `MB`, `GB`, such as `64KiB`");
                if !number.is_empty() && unit.is_empty() {
                    problem.suggest(format!("{number}B"));
                }
                None
            }
        }
    }

    /// Reads a time of day.
    pub fn day_time(&mut self, node: &Node<'a>, what: &str) -> Option<DayTime> {
        let text = match &node.value {
            NodeValue::Scalar { text, .. } => text.as_ref(),
            NodeValue::List(_) | NodeValue::Map(_) => self.some_text(node, what)?,
        };
        if let Some(time) = day_time(text) {
            return Some(time);
        }
        let message = format!("{what} is no time of day: {}", quoted(text));
        let problem = self.error(ProblemCode::BadTime, &node.span, message);
        match text.parse::<u16>() {
            Ok(hour @ 0..=24) => {
                problem.suggest(format!("\"{hour:02}:00\""));
            }
            Ok(minutes @ 60..=1440) => {
                problem
                    .help("older YAML reads a time without quotes as this number of minutes")
                    .suggest(format!("\"{:02}:{:02}\"", minutes / 60, minutes % 60));
            }
            _ => {
                problem.help("write hours and minutes of 24 hours, such as `\"18:00\"`");
            }
        }
        None
    }

    /// Reads the name of a time zone.
    pub fn zone(&mut self, node: &Node<'a>, what: &str) -> Option<Zone> {
        let text = self.some_text(node, what)?;
        if let Some(zone) = self.zones.get(text) {
            return Some(zone.clone());
        }
        let database = jiff::tz::db();
        if let Ok(zone) = database.get(text)
            && let Some(name) = zone.iana_name()
        {
            let zone = Zone(Arc::from(name));
            self.zones.insert(text.to_owned(), zone.clone());
            return Some(zone);
        }
        let message = format!("unknown time zone {}", quoted(text));
        let names: Vec<String> = database
            .available()
            .map(|it| it.as_str().to_owned())
            .collect();
        let near = nearest(text, names.iter().map(String::as_str)).or_else(|| {
            // People write the city alone, or with blanks.
            let city = text.replace(' ', "_");
            let is_city = |it: &&String| {
                it.rsplit('/')
                    .next()
                    .is_some_and(|last| last.eq_ignore_ascii_case(&city))
            };
            names.iter().find(is_city).map(String::as_str)
        });
        let problem = self.error(ProblemCode::BadZone, &node.span, message);
        problem.help("write a name of the IANA database, such as `Europe/Berlin` or `UTC`");
        problem.suggest_nearest(near);
        None
    }
}

/// Returns the time of day that `text` says: one or two digits, a colon, two digits.
fn day_time(text: &str) -> Option<DayTime> {
    let (hours, minutes) = text.split_once(':')?;
    let is_digits = |it: &str| it.bytes().all(|it| it.is_ascii_digit());
    if !matches!(hours.len(), 1 | 2) || minutes.len() != 2 {
        return None;
    }
    if !is_digits(hours) || !is_digits(minutes) {
        return None;
    }
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    match (hours, minutes) {
        (0..=23, 0..=59) | (24, 0) => Some(DayTime(hours * 60 + minutes)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<u16>) {
        assert_eq!(day_time(text), expected.map(DayTime), "{text}");
    }

    #[test]
    fn a_time_of_day_has_hours_and_minutes() {
        check("18:00", Some(1080));
        check("9:05", Some(545));
        check("00:00", Some(0));
        check("24:00", Some(1440));
    }

    #[test]
    fn anything_else_is_no_time_of_day() {
        for text in [
            "24:01", "18", "18:0", "18:60", "+8:00", "18:00:00", "", ":00", "6pm",
        ] {
            check(text, None);
        }
    }
}
