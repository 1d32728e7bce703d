//! The places of those whose requests are in hand, shared among them.
//!
//! Neither a caller nor a tenant may have all places where there are several:
//! whoever fills a share waits behind its own requests, and one other tenant at
//! least finds a place that is free. Several tenants together may fill them all,
//! and then everybody waits.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aegis_api::ProblemKind;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::problem::Refusal;

/// How many shares are remembered before those are forgotten that nobody uses.
const SHARES_MAX: usize = 1_024;

/// Whose places a request takes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Asker {
    /// The name under which the log has it.
    pub(crate) name: String,
    /// Its tenant.
    pub(crate) tenant: String,
}

impl Asker {
    /// Returns whoever need not say who they are. All of them are one.
    pub(crate) fn nobody() -> Self {
        // Neither a caller nor a tenant has an empty name.
        Self {
            name: String::new(),
            tenant: String::new(),
        }
    }
}

/// How much of all places one may have, in percent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts {
    pub(crate) caller: usize,
    pub(crate) tenant: usize,
}

/// Places of one kind.
#[derive(Debug)]
pub(crate) struct Places {
    all: Arc<Semaphore>,
    callers: Shares,
    tenants: Shares,
    /// What takes these places, in the plural.
    what: &'static str,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _all: OwnedSemaphorePermit,
    _of_tenant: OwnedSemaphorePermit,
    _of_caller: OwnedSemaphorePermit,
}

/// Whose places are all taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Taken {
    Callers,
    Tenants,
    All,
}

impl Places {
    /// Returns so many places for `what`, of which each may have its part.
    pub(crate) fn new(count: usize, parts: Parts, what: &'static str) -> Self {
        Self {
            all: Arc::new(Semaphore::new(count)),
            callers: Shares::new(count, parts.caller),
            tenants: Shares::new(count, parts.tenant),
            what,
        }
    }

    /// Takes a place for `asker`, as soon as there is one, or refuses after `patience`.
    ///
    /// Whoever waits for a place of their own keeps nobody else from one.
    pub(crate) async fn take(&self, asker: &Asker, patience: Duration) -> Result<Place, Refusal> {
        let end = Instant::now() + patience;
        let caller = within(end, self.callers.of(&asker.name), Taken::Callers).await;
        let caller = caller.map_err(|taken| self.refusal(taken))?;
        self.take_of_others(asker, caller, end).await
    }

    /// Takes a place for `asker` in its turn, or refuses after `patience`.
    ///
    /// A caller waits at most as often as it may have places; beyond that it is
    /// refused at once. So whoever asks without end has one turn like others.
    pub(crate) async fn take_in_turn(
        &self,
        asker: &Asker,
        patience: Duration,
    ) -> Result<Place, Refusal> {
        let end = Instant::now() + patience;
        let caller = self.callers.of(&asker.name).try_acquire_owned();
        let caller = caller.map_err(|_| self.refusal(Taken::Callers))?;
        self.take_of_others(asker, caller, end).await
    }

    /// Takes what a place is besides the caller's own part.
    async fn take_of_others(
        &self,
        asker: &Asker,
        caller: OwnedSemaphorePermit,
        end: Instant,
    ) -> Result<Place, Refusal> {
        let place = async {
            let tenant = within(end, self.tenants.of(&asker.tenant), Taken::Tenants).await?;
            let all = within(end, Arc::clone(&self.all), Taken::All).await?;
            Ok(Place {
                _all: all,
                _of_tenant: tenant,
                _of_caller: caller,
            })
        };
        place.await.map_err(|taken| self.refusal(taken))
    }

    /// Takes a place for `asker`, if there is one.
    pub(crate) fn try_take(&self, asker: &Asker) -> Result<Place, Refusal> {
        let take = |places: Arc<Semaphore>, taken| {
            let place = places.try_acquire_owned();
            place.map_err(|_| self.refusal(taken))
        };
        Ok(Place {
            _all: take(Arc::clone(&self.all), Taken::All)?,
            _of_tenant: take(self.tenants.of(&asker.tenant), Taken::Tenants)?,
            _of_caller: take(self.callers.of(&asker.name), Taken::Callers)?,
        })
    }

    fn refusal(&self, taken: Taken) -> Refusal {
        let what = self.what;
        let (whose, most) = match taken {
            Taken::Callers => ("this caller", self.callers.most),
            Taken::Tenants => ("this tenant", self.tenants.most),
            Taken::All => {
                return Refusal::new(ProblemKind::Busy, format!("too many {what}; try again"));
            }
        };
        let detail = format!(
            "too many {what}: {whose} may have {most} at a time; try again when some of them have ended"
        );
        Refusal::new(ProblemKind::ShareTaken, detail)
    }
}

async fn within(
    end: Instant,
    places: Arc<Semaphore>,
    taken: Taken,
) -> Result<OwnedSemaphorePermit, Taken> {
    let place = tokio::time::timeout_at(end, places.acquire_owned()).await;
    let place: Result<OwnedSemaphorePermit, AcquireError> = place.map_err(|_| taken)?;
    place.map_err(|_| taken)
}

/// What each of many may have of some places.
#[derive(Debug)]
struct Shares {
    /// How many places one may have.
    most: usize,
    used: Mutex<BTreeMap<String, Arc<Semaphore>>>,
}

impl Shares {
    fn new(count: usize, percent: usize) -> Self {
        Self {
            // One place at least is somebody else's, unless there is only one.
            most: count
                .saturating_mul(percent)
                .div_ceil(100)
                .min(count.saturating_sub(1))
                .max(1),
            used: Mutex::default(),
        }
    }

    /// Returns the places of whoever is called `name`.
    fn of(&self, name: &str) -> Arc<Semaphore> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = used.get(name) {
            return Arc::clone(places);
        }
        if used.len() >= SHARES_MAX {
            used.retain(|_, places| Arc::strong_count(places) > 1);
        }
        let places = Arc::new(Semaphore::new(self.most));
        used.insert(name.to_owned(), Arc::clone(&places));
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTS: Parts = Parts {
        caller: 50,
        tenant: 75,
    };

    fn asker(name: &str, tenant: &str) -> Asker {
        Asker {
            name: name.to_owned(),
            tenant: tenant.to_owned(),
        }
    }

    #[test]
    fn nobody_has_all_places() {
        let places = Places::new(4, PARTS, "requests");
        let take = |name, tenant| places.try_take(&asker(name, tenant));
        let own = [take("a", "one").unwrap(), take("a", "one").unwrap()];
        assert!(take("a", "one").is_err(), "half of them are the caller's");
        let _next = take("b", "one").unwrap();
        assert!(take("c", "one").is_err(), "three of four are the tenant's");
        let _other = take("d", "two").unwrap();
        assert!(take("e", "three").is_err(), "there are no more");
        drop(own);
        assert!(take("a", "one").is_ok());
    }

    #[test]
    fn where_there_are_few_places_one_is_left_for_another_tenant() {
        for count in 2..=4 {
            let places = Places::new(count, PARTS, "requests");
            let take = |number: usize, tenant| places.try_take(&asker(&number.to_string(), tenant));
            let held: Vec<_> = (0..count).map_while(|it| take(it, "one").ok()).collect();
            assert_eq!(held.len(), count - 1);
            assert!(take(count, "two").is_ok(), "{count}");
        }
    }

    #[test]
    fn the_only_place_is_anybodys() {
        let places = Places::new(1, PARTS, "requests");
        let place = places.try_take(&asker("a", "one")).unwrap();
        assert!(places.try_take(&asker("b", "two")).is_err());
        drop(place);
        assert!(places.try_take(&asker("b", "two")).is_ok());
    }

    #[tokio::test]
    async fn who_asks_for_the_only_place_without_end_has_one_turn_like_others() {
        let places = Arc::new(Places::new(1, PARTS, "requests"));
        let take = |name, tenant| {
            let (places, asker) = (Arc::clone(&places), asker(name, tenant));
            async move { places.take_in_turn(&asker, Duration::from_secs(20)).await }
        };
        let place = take("a", "one").await.unwrap();
        let other = tokio::spawn(take("b", "two"));
        tokio::task::yield_now().await;
        assert!(take("a", "one").await.is_err(), "it has its turn");
        assert!(take("b", "two").await.is_err(), "it waits already");
        drop(place);
        let next = tokio::spawn(take("a", "one"));
        let place = other.await.unwrap().unwrap();
        assert!(!next.is_finished());
        drop(place);
        assert!(next.await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn who_waits_too_long_for_its_turn_is_refused() {
        let places = Places::new(1, PARTS, "requests");
        let _place = places.try_take(&asker("a", "one")).unwrap();
        let patience = Duration::from_millis(10);
        let refused = places.take_in_turn(&asker("b", "two"), patience).await;
        assert!(refused.is_err());
    }

    #[test]
    fn shares_that_nobody_uses_are_forgotten() {
        let places = Places::new(4, PARTS, "requests");
        let held = places.try_take(&asker("held", "one")).unwrap();
        for number in 0..3 * SHARES_MAX {
            places.try_take(&asker(&number.to_string(), "one")).unwrap();
        }
        let used = places.callers.used.lock().unwrap();
        assert!(used.len() <= SHARES_MAX && used.contains_key("held"));
        drop(held);
    }
}
