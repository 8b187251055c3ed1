//! The places for connections, and who loses one when all are taken.
//!
//! The limit follows the process's limit of open files: a share is kept for the store, the
//! configuration, the heartbeat and Discord, so no number of connections stops those. One address,
//! or one Unix user, has at most half of the places. When no place is left, the connection that has
//! been silent longest gives way; if every connection has a request in progress, the new one is
//! refused.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::sync::Notify;

use crate::engine::per_caller::PerCaller;

/// Most connections, however many files may be open.
const MOST: usize = 8_192;
/// Fewest connections, even if no file is left to be kept.
const FEWEST: usize = 8;
/// Open files kept for everything else: a quarter, within these bounds. The store needs about 50
/// (16 read connections with three files each), Discord and the folders about 20.
const KEPT: (u64, u64) = (96, 512);
/// Connections that gave way and may still be open while others are accepted.
const CLOSING: usize = 8;
/// Open files for which the program asks at its start, if the system allows more than it gives.
const WANTED_FILES: u64 = 16_384;

/// The number of connections if so many files may be open; `None`: any number.
fn share(open_files: Option<u64>) -> usize {
    let Some(open_files) = open_files else { return MOST };
    let kept = (open_files / 4).clamp(KEPT.0, KEPT.1);
    let left = usize::try_from(open_files.saturating_sub(kept)).unwrap_or(MOST);
    left.clamp(FEWEST, MOST)
}

/// Raises the process's limit of open files to 16,384, as far as the system allows. Many shells and
/// services start programs with 1,024 of a much higher allowed number.
pub fn raise_file_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(WANTED_FILES, |most| most.min(WANTED_FILES));
    if limit.current.is_some_and(|current| current < wanted) {
        limit.current = Some(wanted);
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::debug!(%error, "the limit of open files stays as it is");
        }
    }
}

/// The other end of a connection, as far as places are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Origin {
    /// An IPv4 address, or the first half of an IPv6 address: the rest is the network's to choose.
    Address(IpAddr),
    /// A Unix user.
    User(u32),
}

impl Origin {
    pub(super) fn of(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                IpAddr::from([a, b, c, d, 0, 0, 0, 0])
            }
            v4 => v4,
        })
    }
}

#[derive(Debug)]
struct Connection {
    origin: Origin,
    /// Requests whose response has not ended.
    requests: usize,
    /// When the connection became silent, as a count of events.
    silent_since: u64,
    give_way: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Places {
    taken: HashMap<u64, Connection>,
    by_origin: HashMap<Origin, usize>,
    events: u64,
    /// Connections that gave way and are not closed yet.
    closing: usize,
    /// Whether the log has said that no place was left.
    is_full: bool,
}

impl Places {
    fn tick(&mut self) -> u64 {
        self.events += 1;
        self.events
    }

    fn remove(&mut self, id: u64) -> Option<Connection> {
        let gone = self.taken.remove(&id)?;
        if let Some(count) = self.by_origin.get_mut(&gone.origin) {
            *count -= 1;
            if *count == 0 {
                self.by_origin.remove(&gone.origin);
            }
        }
        Some(gone)
    }

    /// Closes the connection that has been silent longest; of this origin, if given.
    fn make_room(&mut self, of: Option<Origin>) -> bool {
        let silent = self.taken.iter().filter(|(_, connection)| {
            connection.requests == 0 && of.is_none_or(|origin| origin == connection.origin)
        });
        let Some(id) = silent.min_by_key(|(_, connection)| connection.silent_since) else {
            return false;
        };
        let id = *id.0;
        let Some(gone) = self.remove(id) else { return false };
        gone.give_way.notify_one();
        self.closing += 1;
        true
    }
}

/// The places of all listeners. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Connections {
    places: Arc<Mutex<Places>>,
    /// Notified when a connection that gave way is closed.
    closed: Arc<Notify>,
    most: usize,
    most_by_origin: usize,
}

/// A place, given back on drop.
#[derive(Debug)]
pub(super) struct Place {
    connections: Connections,
    id: u64,
    give_way: Arc<Notify>,
}

/// A request in progress; its connection is not silent until this is dropped.
#[derive(Debug)]
pub(super) struct Busy {
    connections: Connections,
    id: u64,
}

impl Connections {
    /// As many places as the process's limit of open files allows now.
    pub(super) fn by_file_limit() -> Self {
        Self::new(share(getrlimit(Resource::Nofile).current))
    }

    fn new(most: usize) -> Self {
        let most_by_origin = (most / 2).max(1);
        Self { places: Arc::default(), closed: Arc::default(), most, most_by_origin }
    }

    /// Requests in progress by caller: a quarter of the places for each, so that no caller keeps
    /// every connection busy with long waits.
    pub(super) fn in_progress(&self) -> PerCaller {
        PerCaller::at_most((self.most / 4).max(1))
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until few of the connections that gave way are still open.
    pub(super) async fn settled(&self) {
        while self.places().closing > CLOSING {
            self.closed.notified().await;
        }
    }

    /// Takes a place. `None`: every connection, or every connection of this origin, has a request
    /// in progress.
    pub(super) fn take(&self, origin: Origin) -> Option<Place> {
        let mut places = self.places();
        let has_share = places.by_origin.get(&origin).is_none_or(|has| *has < self.most_by_origin);
        let has_room = places.taken.len() < self.most;
        if has_share && has_room {
            places.is_full &= places.taken.len() > self.most / 2;
        } else {
            let of = (!has_share).then_some(origin);
            if !std::mem::replace(&mut places.is_full, true) {
                tracing::warn!(
                    ?origin,
                    most = self.most,
                    "no place is left for another connection: the one that has been silent longest \
                     gives way, or the new one is refused"
                );
            }
            if !places.make_room(of) {
                return None;
            }
        }
        let (id, give_way) = (places.tick(), Arc::new(Notify::new()));
        *places.by_origin.entry(origin).or_default() += 1;
        places.taken.insert(
            id,
            Connection { origin, requests: 0, silent_since: id, give_way: Arc::clone(&give_way) },
        );
        drop(places);
        Some(Place { connections: self.clone(), id, give_way })
    }
}

impl Place {
    /// Counts a request until the returned value is dropped.
    pub(super) fn busy(&self) -> Busy {
        if let Some(connection) = self.connections.places().taken.get_mut(&self.id) {
            connection.requests += 1;
        }
        Busy { connections: self.connections.clone(), id: self.id }
    }

    /// Resolves when the connection must give way to another.
    pub(super) async fn must_give_way(&self) {
        self.give_way.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.connections.places();
        if places.remove(self.id).is_none() {
            // It gave way, and its place has been taken since.
            places.closing = places.closing.saturating_sub(1);
            drop(places);
            // Each of the two listeners may wait; a notice without a listener is kept for the next.
            self.connections.closed.notify_one();
            self.connections.closed.notify_waiters();
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut places = self.connections.places();
        let now = places.tick();
        if let Some(connection) = places.taken.get_mut(&self.id) {
            connection.requests = connection.requests.saturating_sub(1);
            connection.silent_since = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Origin = Origin::User(1);
    const OTHER: Origin = Origin::User(2);

    /// Whether the connection was told to give way.
    fn gives_way(place: &Place) -> bool {
        use std::future::Future as _;
        let mut told = std::pin::pin!(place.must_give_way());
        let waker = std::task::Waker::noop();
        told.as_mut().poll(&mut std::task::Context::from_waker(waker)).is_ready()
    }

    #[test]
    fn a_share_of_the_open_files_is_kept() {
        for (open_files, connections) in [
            (None, MOST),
            (Some(u64::MAX), MOST),
            (Some(20_000), MOST),
            (Some(4_096), 3_584),
            (Some(1_024), 768),
            (Some(256), 160),
            (Some(64), FEWEST),
        ] {
            assert_eq!(share(open_files), connections, "{open_files:?}");
        }
    }

    #[test]
    fn the_longest_silent_of_an_origin_beyond_its_half_gives_way() {
        let connections = Connections::new(8);
        let ones: Vec<Place> = (0..4).map(|_| connections.take(ONE).unwrap()).collect();
        drop(ones[0].busy());
        let fifth = connections.take(ONE).unwrap();
        let told: Vec<bool> = ones.iter().map(gives_way).collect();
        assert_eq!(told, [false, true, false, false], "the first was heard since");
        assert!(connections.take(OTHER).is_some());
        drop(fifth);
        assert_eq!(connections.places().by_origin.get(&ONE), Some(&3));
    }

    #[test]
    fn a_connection_with_a_request_never_gives_way() {
        let connections = Connections::new(4);
        let busy: Vec<(Place, Busy)> = [ONE, ONE, OTHER, OTHER]
            .map(|origin| connections.take(origin).unwrap())
            .map(|place| {
                let busy = place.busy();
                (place, busy)
            })
            .into();
        assert!(connections.take(ONE).is_none() && connections.take(Origin::User(3)).is_none());
        assert!(!busy.iter().any(|(place, _)| gives_way(place)));
        let mut busy = busy.into_iter();
        let (silent, request) = busy.next().unwrap();
        drop(request);
        assert!(connections.take(Origin::User(3)).is_some() && gives_way(&silent));
        // A connection that gave way gives nothing back a second time.
        drop(silent);
        drop(busy);
        assert!(connections.places().taken.is_empty());
        assert!(connections.places().by_origin.is_empty());
        assert_eq!(connections.places().closing, 0);
    }

    #[tokio::test]
    async fn few_that_gave_way_are_open_while_others_are_accepted() {
        let connections = Connections::new(2);
        let mut gave_way: Vec<Place> =
            (0..CLOSING + 2).map(|_| connections.take(ONE).unwrap()).collect();
        let settled = tokio::spawn({
            let connections = connections.clone();
            async move { connections.settled().await }
        });
        tokio::task::yield_now().await;
        assert!(connections.places().closing > CLOSING && !settled.is_finished());
        drop(gave_way.remove(0));
        settled.await.unwrap();
    }

    #[test]
    fn a_network_has_one_share_of_ipv6() {
        let of = |address: &str| Origin::of(address.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::2"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:127.0.0.1"), of("127.0.0.1"));
        assert_ne!(of("127.0.0.1"), of("127.0.0.2"));
    }

    #[test]
    fn a_caller_has_a_quarter_of_the_connections_in_progress() {
        let progress = Connections::new(8).in_progress();
        let held: Vec<_> = (0..2).map(|_| progress.count("token:1").unwrap()).collect();
        assert_eq!(progress.count("token:1").unwrap_err(), 2);
        assert!(progress.count("token:2").is_ok());
        drop(held);
        assert!(progress.count("token:1").is_ok());
    }
}
