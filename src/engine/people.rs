//! People's profiles: the configuration, overridden by their own preferences.
//!
//! Preferences are kept in the store. Does not depend on how people enter them.

use super::{Handle, HandleError};
use crate::core::Time;
use crate::core::people::{Availability, Profile, Wishes, availability};

/// A person, with everything needed to compute availability.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Somebody {
    /// The profile in force: configuration and preferences combined.
    pub profile: Profile,
    /// The end of the person's snooze.
    pub snooze: Option<Time>,
}

impl Somebody {
    fn new(configured: Profile, wishes: &Wishes) -> Self {
        Self { profile: configured.with(wishes), snooze: wishes.snooze }
    }

    /// The person's availability at `now`.
    #[must_use]
    pub fn availability(&self, now: Time) -> Availability {
        availability(&self.profile, self.snooze, now)
    }
}

impl Handle {
    /// A person's profile in the configuration. `name` is the fallback if the configuration has
    /// none.
    fn configured(&self, user: u64, name: &str) -> Profile {
        let rules = self.rules();
        let found = rules.people.iter().find(|person| person.user == user);
        found.cloned().unwrap_or_else(|| Profile::unknown(user, name, rules.zone))
    }

    /// A person, by Discord id. `name` is the fallback if the configuration has none.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn somebody(&self, user: u64, name: &str) -> Result<Somebody, HandleError> {
        let wishes = self.store(move |store| store.wishes(user)).await?;
        Ok(Somebody::new(self.configured(user, name), &wishes))
    }

    /// Changes a person's preferences: `change` maps the old preferences to the new. Returns the
    /// person with the new preferences.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn wish(
        &self,
        user: u64,
        name: &str,
        change: impl FnOnce(Wishes) -> Wishes + Send + 'static,
    ) -> Result<Somebody, HandleError> {
        let called = name.to_owned();
        let wishes = self.store(move |store| store.wish(user, &called, Box::new(change))).await?;
        self.hint();
        Ok(Somebody::new(self.configured(user, name), &wishes))
    }

    /// Ids and names of everyone reachable by direct message: configured people, and people who
    /// have ever acted.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn known_people(&self) -> Result<Vec<(u64, String)>, HandleError> {
        let mut known: Vec<(u64, String)> =
            self.rules().people.iter().map(|person| (person.user, person.name.clone())).collect();
        for (user, name) in self.store(|store| store.acted()).await? {
            if !known.iter().any(|(other, _)| *other == user) {
                known.push((user, name));
            }
        }
        Ok(known)
    }
}
