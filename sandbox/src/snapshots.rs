//! The world as it was at a moment, to be put back: at its founding, and at each snapshot. The
//! clock, faults and the journal are not part of it.

use std::collections::HashMap;

use crate::error::WorldError;
use crate::interactions::Interactions;
use crate::model::Realm;
use crate::ratelimit::Limiter;
use crate::snowflake::Snowflake;
use crate::state::{State, StoredFile};
use crate::view::Notification;

/// The world at a moment.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    realm: Realm,
    interactions: Interactions,
    limiter: Limiter,
    files: HashMap<Snowflake, StoredFile>,
    notifications: Vec<(Snowflake, Notification)>,
}

impl Snapshot {
    /// The world before anything has happened in it.
    pub(crate) fn founded(realm: &Realm, limiter: &Limiter) -> Self {
        Self {
            realm: realm.clone(),
            interactions: Interactions::default(),
            limiter: limiter.clone(),
            files: HashMap::new(),
            notifications: Vec::new(),
        }
    }
}

/// All moments that can be returned to.
#[derive(Debug)]
pub(crate) struct Snapshots {
    founded: Snapshot,
    /// Their ids are their numbers, from 1.
    taken: Vec<Snapshot>,
    era: u64,
}

impl Snapshots {
    pub(crate) fn new(founded: Snapshot) -> Self {
        Self { founded, taken: Vec::new(), era: 0 }
    }

    /// How often a world was put back.
    pub(crate) fn era(&self) -> u64 {
        self.era
    }

    fn get(&self, id: &str) -> Option<&Snapshot> {
        let number: usize = id.parse().ok()?;
        self.taken.get(number.checked_sub(1)?)
    }
}

impl State {
    /// Puts the world back as it was founded, and forgets faults and the journal.
    pub(crate) fn reset(&mut self) {
        self.put_back(self.snapshots.founded.clone());
        self.clear_faults();
        self.release_held();
        self.journal.clear();
        self.touch();
    }

    /// Keeps the world as it is now, and returns the snapshot's id.
    pub(crate) fn snapshot(&mut self) -> String {
        self.snapshots.taken.push(Snapshot {
            realm: self.realm.clone(),
            interactions: self.interactions.clone(),
            limiter: self.limiter.clone(),
            files: self.files.clone(),
            notifications: self.notifications.clone(),
        });
        self.snapshots.taken.len().to_string()
    }

    /// Puts the world back as it was at a snapshot.
    pub(crate) fn restore(&mut self, id: &str) -> Result<(), WorldError> {
        let snapshot = self.snapshots.get(id).cloned();
        let snapshot = snapshot.ok_or_else(|| WorldError(format!("there is no snapshot {id}")))?;
        self.put_back(snapshot);
        self.touch();
        Ok(())
    }

    /// Replaces the world. No session outlives that, since its events tell of another one.
    fn put_back(&mut self, snapshot: Snapshot) {
        let Snapshot { realm, interactions, limiter, files, notifications } = snapshot;
        self.realm = realm;
        self.interactions = interactions;
        self.limiter = limiter;
        self.files = files;
        self.notifications = notifications;
        self.snapshots.era += 1;
        self.gateway.reset();
    }
}
