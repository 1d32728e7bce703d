//! Connections of one door: who may come in when it is full.
//!
//! Whoever holds least is let in, and whoever holds most makes room: of its
//! connections goes the one that is needed least. So silence at a door, or one
//! account that opens connections without end, keeps nobody else out.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Who holds a connection: the caller that its requests name, and before the
/// first of them what the system tells of the other end.
pub(crate) type Holder = Arc<str>;

/// Returns who comes from `address`, as far as that tells.
///
/// Every program of this machine has all addresses of its loopback, and whoever
/// has an address of IPv6 mostly has as many as the last 64 bits name.
pub(crate) fn holder_at(address: IpAddr) -> Holder {
    match address.to_canonical() {
        own if own.is_loopback() => "address:loopback".into(),
        IpAddr::V4(address) => format!("address:{address}").into(),
        IpAddr::V6(address) => format!("network:{:x}", address.to_bits() >> 64).into(),
    }
}

/// The connections of one door.
#[derive(Clone, Debug)]
pub(crate) struct Connections {
    held: Arc<Mutex<Held>>,
    most: usize,
}

/// One connection, until it is dropped.
#[derive(Debug)]
pub(crate) struct Connection {
    door: Connections,
    known: Mutex<Known>,
}

/// What the door knows of a connection: where it stands in [`Held`].
#[derive(Debug)]
struct Known {
    holder: Holder,
    standing: Standing,
}

/// Resolves once its connection has to go, because another one takes its place.
pub(crate) type Notice = oneshot::Receiver<()>;

/// How much a connection is needed, and since when; the least is the first to go.
type Standing = (Need, u64);

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Need {
    /// No request came yet.
    Silent,
    /// A request was answered, and none is in hand.
    Idle,
    /// A request is in hand.
    Used,
}

#[derive(Debug, Default)]
struct Held {
    /// Counts what happens, in place of a clock.
    now: u64,
    open: usize,
    holders: BTreeMap<Holder, BTreeMap<Standing, oneshot::Sender<()>>>,
    /// The holders; who makes room first is the last.
    ranks: BTreeSet<Rank>,
}

/// How many connections a holder has, and how much the first of them to go is needed.
type Rank = (usize, Reverse<Need>, Holder);

impl Connections {
    /// Returns a door through which as many may come at a time.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            held: Arc::default(),
            most,
        }
    }

    /// Returns how many may be open.
    pub(crate) const fn most(&self) -> usize {
        self.most
    }

    /// Returns how many are open.
    pub(crate) fn open(&self) -> usize {
        self.held().open
    }

    /// Lets `holder` in, and another connection go if that is needed; none if
    /// nobody has to make room.
    pub(crate) fn enter(&self, holder: Holder) -> Option<(Connection, Notice)> {
        let mut held = self.held();
        if held.open >= self.most && !held.make_room(&holder) {
            return None;
        }
        let (notify, notice) = oneshot::channel();
        let standing = (Need::Silent, held.tick());
        held.add(&holder, standing, notify);
        drop(held);
        let connection = Connection {
            door: self.clone(),
            known: Mutex::new(Known { holder, standing }),
        };
        Some((connection, notice))
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    /// Notes that a request is in hand, until what is returned is dropped.
    pub(crate) fn begin(self: &Arc<Self>) -> InHand {
        self.change(|known| known.standing.0 = Need::Used);
        InHand(Arc::clone(self))
    }

    /// Notes whose requests come through it.
    pub(crate) fn is_of(&self, holder: &str) {
        if &*self.known().holder != holder {
            self.change(|known| known.holder = holder.into());
        }
    }

    fn change(&self, change: impl FnOnce(&mut Known)) {
        let mut known = self.known();
        let mut held = self.door.held();
        // One that has to go is known to nobody.
        let Some(notify) = held.take(&known.holder, known.standing) else {
            return;
        };
        change(&mut known);
        known.standing.1 = held.tick();
        held.add(&known.holder, known.standing, notify);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let known = self.known();
        self.door.held().take(&known.holder, known.standing);
    }
}

/// A request in hand on a connection.
#[derive(Debug)]
pub(crate) struct InHand(Arc<Connection>);

impl Drop for InHand {
    fn drop(&mut self) {
        self.0.change(|known| known.standing.0 = Need::Idle);
    }
}

impl Held {
    fn tick(&mut self) -> u64 {
        self.now += 1;
        self.now
    }

    fn count(&self, holder: &Holder) -> usize {
        self.holders.get(holder).map_or(0, BTreeMap::len)
    }

    fn add(&mut self, holder: &Holder, standing: Standing, notify: oneshot::Sender<()>) {
        self.change(holder, |held| {
            let own = held.holders.entry(Arc::clone(holder)).or_default();
            own.insert(standing, notify);
            held.open += 1;
        });
    }

    fn take(&mut self, holder: &Holder, standing: Standing) -> Option<oneshot::Sender<()>> {
        self.change(holder, |held| {
            let own = held.holders.get_mut(holder)?;
            let notify = own.remove(&standing)?;
            if own.is_empty() {
                held.holders.remove(holder);
            }
            held.open -= 1;
            Some(notify)
        })
    }

    /// Changes what `holder` has, and its rank with it.
    fn change<T>(&mut self, holder: &Holder, change: impl FnOnce(&mut Self) -> T) -> T {
        if let Some(rank) = self.rank(holder) {
            self.ranks.remove(&rank);
        }
        let changed = change(self);
        if let Some(rank) = self.rank(holder) {
            self.ranks.insert(rank);
        }
        changed
    }

    fn rank(&self, holder: &Holder) -> Option<Rank> {
        let (need, _) = self.first(holder)?;
        Some((self.count(holder), Reverse(need), Arc::clone(holder)))
    }

    /// Lets one connection go for a new one of `holder`, if one has to.
    fn make_room(&mut self, holder: &Holder) -> bool {
        let Some((most, _, greatest)) = self.ranks.last().cloned() else {
            return false;
        };
        let own = self.count(holder);
        // Whoever holds as much as anybody makes room for itself.
        let from = if own < most { &greatest } else { holder };
        let Some(standing) = self.first(from) else {
            return false;
        };
        // A request in hand ends only for whoever then still holds less.
        if standing.0 == Need::Used && own + 1 >= most {
            return false;
        }
        self.take(from, standing).is_some()
    }

    /// Returns the connection of `holder` that goes first.
    fn first(&self, holder: &Holder) -> Option<Standing> {
        let own = self.holders.get(holder)?;
        own.first_key_value().map(|(standing, _)| *standing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Open = (Arc<Connection>, Notice);

    fn enter(door: &Connections, holder: &str) -> Option<Open> {
        let (connection, notice) = door.enter(holder.into())?;
        Some((Arc::new(connection), notice))
    }

    fn enters<const N: usize>(door: &Connections, holders: [&str; N]) -> [Open; N] {
        holders.map(|holder| enter(door, holder).unwrap())
    }

    /// Returns the places in `open` of those that have to go.
    fn going(open: &mut [Open]) -> Vec<usize> {
        let told = |(place, (_, notice)): (usize, &mut Open)| {
            let told = notice.try_recv();
            (told == Err(oneshot::error::TryRecvError::Closed)).then_some(place)
        };
        open.iter_mut().enumerate().filter_map(told).collect()
    }

    #[test]
    fn whoever_holds_most_makes_room_for_whoever_holds_less() {
        let door = Connections::new(4);
        let mut open = enters(&door, ["b", "a", "a", "a"]);
        let _new = enter(&door, "b").unwrap();
        assert_eq!(going(&mut open), [1]);
        let _own = enter(&door, "a").unwrap();
        assert_eq!(going(&mut open), [1, 2]);
        assert_eq!(door.open(), 4);
    }

    #[test]
    fn the_connection_that_is_needed_least_goes_first() {
        let door = Connections::new(3);
        let mut open = enters(&door, ["a", "a", "a"]);
        let _used = open[0].0.begin();
        drop(open[1].0.begin());
        let next = enter(&door, "b").unwrap();
        assert_eq!(going(&mut open), [2], "it is silent");
        drop(next);
        let next = enters(&door, ["c", "d"]);
        assert_eq!(going(&mut open), [1, 2], "it is idle");
        drop(next);
    }

    #[test]
    fn of_holders_of_as_much_the_one_that_is_needed_least_makes_room() {
        let door = Connections::new(4);
        let mut open = enters(&door, ["a", "a", "z", "z"]);
        let used: Vec<_> = open[2..]
            .iter()
            .map(|(connection, _)| connection.begin())
            .collect();
        let _new = enter(&door, "b").unwrap();
        assert_eq!(going(&mut open), [0], "the name says nothing");
        drop(used);

        let door = Connections::new(2);
        let mut open = enters(&door, ["a", "z"]);
        let _used = open[1].0.begin();
        let _new = enter(&door, "b").expect("the other one is silent");
        assert_eq!(going(&mut open), [0]);
    }

    #[test]
    fn a_request_in_hand_ends_for_a_holder_of_less_and_never_for_its_own() {
        let door = Connections::new(3);
        let mut open = enters(&door, ["a", "a", "a"]);
        let used: Vec<_> = open
            .iter()
            .map(|(connection, _)| connection.begin())
            .collect();
        assert!(enter(&door, "a").is_none());
        let (other, _notice) = enter(&door, "b").unwrap();
        assert_eq!(going(&mut open), [0]);
        let _in_hand = other.begin();
        assert!(enter(&door, "b").is_none(), "it would hold no less then");
        drop(used);
    }

    #[test]
    fn a_connection_counts_for_whoever_it_names() {
        let door = Connections::new(3);
        let mut open = enters(&door, ["address", "address", "address"]);
        let used: Vec<_> = open
            .iter()
            .map(|(connection, _)| connection.begin())
            .collect();
        for (connection, _) in &open {
            connection.is_of("token");
            connection.is_of("token");
        }
        assert!(enter(&door, "token").is_none());
        let _new = enter(&door, "address").unwrap();
        assert_eq!(going(&mut open), [0]);
        drop(used);
    }

    #[test]
    fn whoever_leaves_gives_its_place_back_once() {
        let door = Connections::new(2);
        let mut open = enters(&door, ["a", "a"]);
        let _next = enter(&door, "b").unwrap();
        assert_eq!(going(&mut open), [0]);
        drop(open[0].0.begin());
        drop(open);
        assert_eq!(door.open(), 1);
        let held = door.held();
        assert_eq!(held.ranks.len(), 1);
        assert_eq!(held.holders.len(), 1);
    }

    #[test]
    fn an_address_tells_no_more_of_its_holder_than_it_can() {
        let holder = |address: &str| holder_at(address.parse().unwrap());
        for same in ["127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(holder("127.0.0.1"), holder(same), "{same}");
        }
        assert_ne!(holder("10.0.0.1"), holder("10.0.0.2"));
        assert_eq!(holder("10.0.0.1"), holder("::ffff:10.0.0.1"));
        assert_eq!(holder("fd00:1:2:3::4"), holder("fd00:1:2:3:ffff::5"));
        assert_ne!(holder("fd00:1:2:3::4"), holder("fd00:1:2:4::4"));
    }
}
