//! The places of those whose requests are in hand, shared among them.
//!
//! Most places of a kind are shared: neither a caller nor a tenant may have all
//! of them, so whoever fills a share waits behind its own requests. Several tenants
//! together may still fill them all. So a quarter is kept for tenants, of which each
//! may have one, and an eighth for those who run the service, of which each may have
//! half: to keep out one more tenant takes as many others as places are kept, and
//! who runs the service is never kept out by any of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aegis_api::ProblemKind;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::problem::Refusal;

/// Of so many places one is kept for owners, and two for tenants.
const KEPT_OF: usize = 8;

/// How much of the places that are kept for owners one may have, in percent.
const OWNER_PERCENT: usize = 50;

/// How many shares are remembered before those are forgotten that nobody uses.
const SHARES_MAX: usize = 1_024;

/// Whose places a request takes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Asker {
    /// The name under which the log has it.
    pub(crate) name: String,
    /// Its tenant.
    pub(crate) tenant: String,
    /// Whether it runs the service, or answers for it.
    pub(crate) is_owner: bool,
}

impl Asker {
    /// Returns whoever need not say who they are. All of them are one.
    pub(crate) fn nobody() -> Self {
        // Neither a caller nor a tenant has an empty name.
        Self {
            name: String::new(),
            tenant: String::new(),
            is_owner: false,
        }
    }
}

/// How much of the shared places one may have, in percent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts {
    pub(crate) caller: usize,
    pub(crate) tenant: usize,
}

/// Places of one kind.
#[derive(Debug)]
pub(crate) struct Places {
    callers: Shares,
    shared: Part,
    /// Kept for tenants: one for each, as far as they go.
    of_tenants: Part,
    /// Kept for owners.
    of_owners: Part,
    /// What takes these places, in the plural.
    what: &'static str,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _of_part: PlaceOfPart,
    _of_caller: OwnedSemaphorePermit,
}

impl Places {
    /// Returns so many places for `what`, of which each may have its part.
    pub(crate) fn new(count: usize, parts: Parts, what: &'static str) -> Self {
        let kept = count / KEPT_OF;
        let shared = count - 3 * kept;
        Self {
            callers: Shares::of_places(shared, parts.caller),
            shared: Part::new(shared, Shares::of_places(shared, parts.tenant)),
            of_tenants: Part::new(2 * kept, Shares::new(1)),
            of_owners: Part::new(kept, Shares::of_places(kept, OWNER_PERCENT)),
            what,
        }
    }

    /// Takes a place for `asker`, as soon as there is one, or refuses after `patience`.
    ///
    /// Whoever waits for a place of their own keeps nobody else from one.
    pub(crate) async fn take(&self, asker: &Asker, patience: Duration) -> Result<Place, Refusal> {
        let end = Instant::now() + patience;
        let caller = tokio::time::timeout_at(end, self.callers.of(&asker.name).acquire_owned());
        let Ok(Ok(caller)) = caller.await else {
            return Err(self.share_taken("this caller", &self.callers));
        };
        self.take_of_parts(asker, caller, end).await
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
        let caller = self.try_caller(asker)?;
        self.take_of_parts(asker, caller, end).await
    }

    /// Takes a place for `asker`, if there is one.
    pub(crate) fn try_take(&self, asker: &Asker) -> Result<Place, Refusal> {
        let mut parts = self.parts(asker).into_iter().flatten();
        let of_part = parts.find_map(|(part, name)| part.try_take(name));
        Ok(Place {
            _of_part: of_part.ok_or_else(|| self.taken(asker))?,
            _of_caller: self.try_caller(asker)?,
        })
    }

    fn try_caller(&self, asker: &Asker) -> Result<OwnedSemaphorePermit, Refusal> {
        let caller = self.callers.of(&asker.name).try_acquire_owned();
        caller.map_err(|_| self.share_taken("this caller", &self.callers))
    }

    /// Takes what a place is besides the caller's own part.
    async fn take_of_parts(
        &self,
        asker: &Asker,
        caller: OwnedSemaphorePermit,
        end: Instant,
    ) -> Result<Place, Refusal> {
        let [shared, of_tenants, of_owners] = self.parts(asker).map(take_of);
        let of_part = tokio::time::timeout_at(end, async {
            tokio::select! {
                // What is kept stays so as long as there are others.
                biased;
                place = shared => place,
                place = of_tenants => place,
                place = of_owners => place,
            }
        });
        match of_part.await {
            Ok(Ok(of_part)) => Ok(Place {
                _of_part: of_part,
                _of_caller: caller,
            }),
            Ok(Err(_)) | Err(_) => Err(self.taken(asker)),
        }
    }

    /// Returns the parts of which `asker` may have a place, and in whose name.
    fn parts<'a>(&'a self, asker: &'a Asker) -> [Option<(&'a Part, &'a str)>; 3] {
        let owner = asker.is_owner.then_some((&self.of_owners, &*asker.name));
        [
            Some((&self.shared, &asker.tenant)),
            Some((&self.of_tenants, &asker.tenant)),
            owner,
        ]
    }

    /// Returns why `asker` gets no place of a part.
    fn taken(&self, asker: &Asker) -> Refusal {
        let Part { all, shares } = &self.shared;
        let is_full = shares.of(&asker.tenant).available_permits() == 0;
        if is_full && all.available_permits() > 0 {
            return self.share_taken("this tenant", shares);
        }
        let what = self.what;
        Refusal::new(ProblemKind::Busy, format!("too many {what}; try again"))
    }

    fn share_taken(&self, whose: &str, shares: &Shares) -> Refusal {
        let (what, most) = (self.what, shares.most);
        let detail = format!(
            "too many {what}: {whose} may have {most} at a time; try again when some of them have ended"
        );
        Refusal::new(ProblemKind::ShareTaken, detail)
    }
}

/// Takes a place of a part, as soon as there is one; never where there is no part.
async fn take_of(part: Option<(&Part, &str)>) -> Result<PlaceOfPart, AcquireError> {
    match part {
        Some((part, name)) => part.take(name).await,
        None => std::future::pending().await,
    }
}

/// A part of the places of one kind.
#[derive(Debug)]
struct Part {
    all: Arc<Semaphore>,
    shares: Shares,
}

#[derive(Debug)]
struct PlaceOfPart {
    _of_all: OwnedSemaphorePermit,
    _of_share: OwnedSemaphorePermit,
}

impl Part {
    fn new(count: usize, shares: Shares) -> Self {
        Self {
            all: Arc::new(Semaphore::new(count)),
            shares,
        }
    }

    async fn take(&self, name: &str) -> Result<PlaceOfPart, AcquireError> {
        let of_share = self.shares.of(name).acquire_owned().await?;
        let of_all = Arc::clone(&self.all).acquire_owned().await?;
        Ok(PlaceOfPart {
            _of_all: of_all,
            _of_share: of_share,
        })
    }

    fn try_take(&self, name: &str) -> Option<PlaceOfPart> {
        Some(PlaceOfPart {
            _of_all: Arc::clone(&self.all).try_acquire_owned().ok()?,
            _of_share: self.shares.of(name).try_acquire_owned().ok()?,
        })
    }
}

/// What each of many may have of some places.
#[derive(Debug)]
struct Shares {
    /// How many places one may have.
    most: usize,
    used: Mutex<BTreeMap<String, Arc<Semaphore>>>,
}

impl Shares {
    fn new(most: usize) -> Self {
        Self {
            most,
            used: Mutex::default(),
        }
    }

    /// Returns shares of `percent` of so many places.
    fn of_places(count: usize, percent: usize) -> Self {
        let part = count.saturating_mul(percent).div_ceil(100);
        // One place at least is somebody else's, unless there is only one.
        Self::new(part.min(count.saturating_sub(1)).max(1))
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
            is_owner: false,
        }
    }

    fn owner(name: &str) -> Asker {
        Asker {
            is_owner: true,
            ..asker(name, "one")
        }
    }

    /// Takes what there is for eight callers of each of these tenants.
    fn fill(places: &Places, tenants: &[&str]) -> Vec<Place> {
        let callers = tenants
            .iter()
            .flat_map(|tenant| (0..8).map(move |it| asker(&format!("{tenant} {it}"), tenant)));
        callers
            .flat_map(|caller| std::iter::from_fn(move || places.try_take(&caller).ok()))
            .collect()
    }

    #[test]
    fn one_more_tenant_finds_a_place_and_so_does_who_runs_the_service() {
        for count in [8, 16, 256] {
            let (kept, owned) = (count / 4, count / 8);
            let places = Places::new(count, PARTS, "requests");
            // Two tenants fill what is shared, and take one each of what is kept.
            let held = fill(&places, &["one", "two"]);
            assert_eq!(held.len(), count - kept - owned + 2, "{count}");
            let names: Vec<String> = (2..kept).map(|it| it.to_string()).collect();
            let names: Vec<&str> = names.iter().map(|it| &**it).collect();
            let others = fill(&places, &names);
            assert_eq!(others.len(), names.len(), "{count}: one for each");
            assert!(places.try_take(&asker("new", "new")).is_err(), "{count}");
            let own = std::iter::from_fn(|| places.try_take(&owner("root")).ok());
            let own: Vec<Place> = own.take(count).collect();
            assert_eq!(own.len(), (owned / 2).max(1), "{count}");
            let is_left = owned > 1;
            assert_eq!(places.try_take(&owner("op")).is_ok(), is_left, "{count}");
        }
    }

    #[tokio::test]
    async fn who_waits_gets_what_is_kept_for_it_at_once() {
        let places = Places::new(16, PARTS, "requests");
        let held = fill(&places, &["one", "two"]);
        let patience = Duration::from_millis(10);
        let new = places.take(&asker("new", "three"), patience).await;
        let more = places.take(&asker("more", "three"), patience).await;
        assert!(new.is_ok() && more.is_err(), "a tenant has one of them");
        let own = places.take(&owner("root"), patience).await.unwrap();
        assert!(places.take(&owner("root"), patience).await.is_err());
        let other = places.take(&owner("operator"), patience).await.unwrap();
        drop((held, new, own, other));
        let again = fill(&places, &["one", "two", "three", "four"]);
        assert_eq!(again.len(), 14, "what is kept is given back");
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
