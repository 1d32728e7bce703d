//! Under which circumstances a rule holds.

use std::collections::BTreeSet;
use std::sync::Arc;

use aegis_types::{DurationMs, Tier};
use serde::{Deserialize, Serialize};

/// Under which circumstances a rule holds: every part that is given must hold.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct When {
    /// The label of the environment is one of these.
    pub environment: Vec<Arc<str>>,
    /// The agent's tier lies within these bounds.
    pub tier: Option<TierBound>,
    /// More calls than this were made.
    pub calls: Option<CallsWindow>,
    /// The request falls into one of these windows of the day.
    pub time: Vec<TimeWindow>,
    /// The data of the request carries one of these origins.
    pub taint: BTreeSet<Arc<str>>,
}

/// Bounds on a tier.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum TierBound {
    /// Less than this.
    Below(Tier),
    /// At least this.
    AtLeast(Tier),
    /// Exactly this.
    Equals(Tier),
}

/// More than so many earlier calls within so long.
///
/// The calls counted are those of the tools the rule names, denied ones
/// included; the request itself is not counted.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct CallsWindow {
    /// It holds when this many earlier calls, or more, lie in the window.
    pub over: u32,
    /// The length of the window, which ends with the request.
    pub per: DurationMs,
    /// Whose calls are counted.
    pub by: ScopeName,
}

/// Whose calls are counted together.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum ScopeName {
    /// Those of the session.
    #[default]
    Session,
    /// Those of the agent.
    Agent,
    /// Those of the tenant.
    Tenant,
}

/// A window of the day in a time zone.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct TimeWindow {
    /// From this time of day on.
    pub from: DayTime,
    /// Up to, not including, this one; earlier than `from` means the next day.
    pub to: DayTime,
    /// The zone whose clock counts.
    pub zone: Zone,
    /// The days on which the window begins; empty means every day.
    pub days: BTreeSet<Weekday>,
}

/// A time of day in minutes after midnight, 0 to 1440 (midnight at its end).
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct DayTime(pub u16);

/// The name of a time zone in the IANA database, such as `Europe/Berlin`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Zone(pub Arc<str>);

/// A day of the week.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Weekday {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}
