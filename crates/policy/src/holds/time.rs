//! Hours of the day in a zone.

use aegis_types::Timestamp;
use jiff::civil::Weekday as CivilWeekday;
use jiff::tz::TimeZone;

use crate::truth::{Truth, WhyNot, WhyUnknown};
use crate::when::{TimeWindow, Weekday};

impl TimeWindow {
    /// Returns whether `at` falls into the window.
    pub(crate) fn holds(&self, at: Timestamp) -> Truth {
        let Some((minute, today)) = local(at, &self.zone.0) else {
            return Truth::Unknown(WhyUnknown::Time);
        };
        let begins_on = |day| self.days.is_empty() || self.days.contains(&day);
        let (from, to) = (self.from.0, self.to.0);
        let holds = if from < to {
            from <= minute && minute < to && begins_on(today)
        } else {
            (from <= minute && begins_on(today)) || (minute < to && begins_on(before(today)))
        };
        Truth::of(holds, || WhyNot::Time)
    }
}

/// Returns the minute of the day and the day that clocks in `zone` show.
fn local(at: Timestamp, zone: &str) -> Option<(u16, Weekday)> {
    let zone = match zone {
        "UTC" => TimeZone::UTC,
        named => TimeZone::get(named).ok()?,
    };
    let zoned = jiff::Timestamp::from_millisecond(at.unix_ms())
        .ok()?
        .to_zoned(zone);
    let hour = u16::try_from(zoned.hour()).ok()?;
    let minute = u16::try_from(zoned.minute()).ok()?;
    let day = match zoned.weekday() {
        CivilWeekday::Monday => Weekday::Mon,
        CivilWeekday::Tuesday => Weekday::Tue,
        CivilWeekday::Wednesday => Weekday::Wed,
        CivilWeekday::Thursday => Weekday::Thu,
        CivilWeekday::Friday => Weekday::Fri,
        CivilWeekday::Saturday => Weekday::Sat,
        CivilWeekday::Sunday => Weekday::Sun,
    };
    Some((hour * 60 + minute, day))
}

const fn before(day: Weekday) -> Weekday {
    match day {
        Weekday::Mon => Weekday::Sun,
        Weekday::Tue => Weekday::Mon,
        Weekday::Wed => Weekday::Tue,
        Weekday::Thu => Weekday::Wed,
        Weekday::Fri => Weekday::Thu,
        Weekday::Sat => Weekday::Fri,
        Weekday::Sun => Weekday::Sat,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::when::{DayTime, Zone};

    fn window(from: u16, to: u16, zone: &str, days: &[Weekday]) -> TimeWindow {
        TimeWindow {
            from: DayTime(from * 60),
            to: DayTime(to * 60),
            zone: Zone(zone.into()),
            days: days.iter().copied().collect(),
        }
    }

    fn at(text: &str) -> Timestamp {
        let parsed: jiff::Timestamp = text.parse().unwrap();
        Timestamp::from_unix_ms(parsed.as_millisecond())
    }

    fn check(window: &TimeWindow, time: &str) -> bool {
        window.holds(at(time)) == Truth::Yes
    }

    #[test]
    fn a_window_over_midnight_belongs_to_the_day_on_which_it_begins() {
        let window = window(22, 6, "UTC", &[Weekday::Fri]);
        assert!(check(&window, "2026-11-20T22:00:00Z"));
        assert!(check(&window, "2026-11-21T05:59:59Z"));
        assert!(!check(&window, "2026-11-21T06:00:00Z"));
        assert!(!check(&window, "2026-11-20T05:00:00Z"));
        assert!(!check(&window, "2026-11-21T22:00:00Z"));
    }

    #[test]
    fn the_clock_is_that_of_the_zone_in_summer_and_winter() {
        let window = window(9, 17, "Europe/Berlin", &[]);
        assert!(check(&window, "2026-01-12T08:00:00Z"));
        assert!(!check(&window, "2026-01-12T07:59:00Z"));
        assert!(check(&window, "2026-07-13T07:00:00Z"));
        assert!(!check(&window, "2026-07-13T15:00:00Z"));
    }

    #[test]
    fn midnight_at_the_end_of_a_day_closes_a_window() {
        let window = window(18, 24, "UTC", &[]);
        assert!(check(&window, "2026-11-21T23:59:59Z"));
        assert!(!check(&window, "2026-11-22T00:00:00Z"));
    }

    #[test]
    fn an_unknown_zone_is_unknown() {
        assert!(
            window(0, 1, "Mars/Olympus", &[])
                .holds(at("2026-11-21T00:00:00Z"))
                .is_unknown()
        );
    }
}
