//! Deciding recorded requests again.
//!
//! A record holds everything that a decision hung on: the facts of the
//! request, the policies by digest, and what stood in the log before it. So
//! deciding again must give the same answer, and where it does not, something
//! has changed that should not have.

mod before;
mod compare;
mod player;
mod reader;

use std::collections::BTreeMap;
use std::num::NonZero;
use std::thread;

use aegis_engine::{Attached, Settings};
use aegis_log::{Log, ReadLogError};
use aegis_types::{ChainId, ParseEventError, SessionId};

pub use before::{state_before, visit_records};
pub use compare::Difference;
use player::Player;

/// What replaying a log showed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replay {
    /// How many recorded decisions were looked at.
    pub decided: u64,
    /// How many came out the same.
    pub identical: u64,
    /// How many were made by the gate itself, such as the end of an approval;
    /// there is nothing to decide again.
    pub by_gate: u64,
    /// How many came out otherwise because something was redacted or cut
    /// before it was recorded.
    pub redacted: u64,
    /// How many name a policy that the log does not hold, or that this program
    /// cannot read.
    pub without_policy: u64,
    /// Those that came out otherwise.
    pub differing: Vec<Difference>,
    /// How often a person was asked in each session, and would be now.
    pub questions: BTreeMap<SessionId, Questions>,
}

/// How often a person is asked.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Questions {
    /// How often it is recorded.
    pub recorded: u64,
    /// How often the replay comes to it.
    pub replayed: u64,
}

/// Why a log cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The log cannot be read.
    #[error("the log cannot be read")]
    Log(#[from] ReadLogError),
    /// A record is damaged.
    #[error(transparent)]
    Event(#[from] ParseEventError),
}

/// Decides every recorded request of `chains` again, with the policies that
/// decided it.
///
/// # Errors
///
/// [`ReplayError`] when the log or a record cannot be read.
pub fn exact(log: &dyn Log, chains: &[ChainId]) -> Result<Replay, ReplayError> {
    play(log, chains, None)
}

/// Decides every recorded request of `chains` with `policies` instead of those
/// that decided it, and shows what would be different.
///
/// # Errors
///
/// As [`exact`].
pub fn against(
    log: &dyn Log,
    chains: &[ChainId],
    policies: &[Attached<'_>],
    settings: Settings,
) -> Result<Replay, ReplayError> {
    let trial = Trial {
        before: None,
        policies,
        settings,
    };
    play(log, chains, Some(trial))
}

/// Decides every recorded request of `chains` with one set of policies and with
/// another, and shows what is different between them.
///
/// # Errors
///
/// As [`exact`].
pub fn between(
    log: &dyn Log,
    chains: &[ChainId],
    before: &[Attached<'_>],
    after: &[Attached<'_>],
    settings: Settings,
) -> Result<Replay, ReplayError> {
    let trial = Trial {
        before: Some(before),
        policies: after,
        settings,
    };
    play(log, chains, Some(trial))
}

/// Policies to decide by instead of those that did.
#[derive(Clone, Copy)]
struct Trial<'a> {
    /// Those to compare with, instead of what is recorded.
    before: Option<&'a [Attached<'a>]>,
    policies: &'a [Attached<'a>],
    settings: Settings,
}

type Instead<'a> = Option<Trial<'a>>;

/// Plays the chains on all cores, or in the order of time where a policy
/// counts calls of one session in another.
fn play(log: &dyn Log, chains: &[ChainId], instead: Instead<'_>) -> Result<Replay, ReplayError> {
    let chains: Vec<&ChainId> = chains
        .iter()
        .filter(|chain| chain.session().is_some())
        .collect();
    let mut replay = match play_apart(log, &chains, instead)? {
        Some(replay) => replay,
        None => Player::new(log, instead).play_all(&chains)?,
    };
    replay.differing.sort_by(|one, other| {
        let place = |difference: &Difference| {
            let principal = &difference.request.principal;
            (difference.request.at, principal.session.clone())
        };
        place(one).cmp(&place(other))
    });
    Ok(replay)
}

/// Plays each chain by itself; nothing if that is not the same as playing all
/// of them together.
fn play_apart(
    log: &dyn Log,
    chains: &[&ChainId],
    instead: Instead<'_>,
) -> Result<Option<Replay>, ReplayError> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let at_once = threads.min(chains.len()).max(1);
    let parts: Vec<Result<Option<Replay>, ReplayError>> = thread::scope(|scope| {
        let parts: Vec<_> = (0..at_once)
            .map(|part| {
                let chains = chains.iter().skip(part).step_by(at_once);
                scope.spawn(move || Player::new(log, instead).play_apart(chains))
            })
            .collect();
        let ends = parts.into_iter().map(|part| part.join());
        ends.map(|end| end.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    let mut all = Replay::default();
    for part in parts {
        match part? {
            Some(part) => all.add(part),
            None => return Ok(None),
        }
    }
    Ok(Some(all))
}

impl Replay {
    /// Adds what replaying another part, or another log, showed.
    pub fn add(&mut self, part: Self) {
        let Self {
            decided,
            identical,
            by_gate,
            redacted,
            without_policy,
            differing,
            questions,
        } = part;
        self.decided += decided;
        self.identical += identical;
        self.by_gate += by_gate;
        self.redacted += redacted;
        self.without_policy += without_policy;
        self.differing.extend(differing);
        for (session, asked) in questions {
            let all = self.questions.entry(session).or_default();
            all.recorded += asked.recorded;
            all.replayed += asked.replayed;
        }
    }
}
