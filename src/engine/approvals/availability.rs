//! People's profiles: the configuration, overridden by their own preferences.
//!
//! Preferences are kept in the store. Does not depend on how people enter them.

use crate::core::Time;
use crate::core::availability::{Availability, Preferences, Profile, availability};
use crate::engine::{Handle, HandleError};

/// A person, with everything needed to compute availability.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonStatus {
    /// The profile in force: configuration and preferences combined.
    pub profile: Profile,
    /// The end of the person's snooze.
    pub snooze: Option<Time>,
}

impl PersonStatus {
    fn new(configured: Profile, preferences: &Preferences) -> Self {
        Self { profile: configured.with(preferences), snooze: preferences.snooze }
    }

    /// The person's availability at `now`.
    #[must_use]
    pub fn availability(&self, now: Time) -> Availability {
        availability(&self.profile, self.snooze, now)
    }
}

/// People's profiles and preferences.
#[derive(Debug, Clone, Copy)]
pub struct AvailabilityApi<'a> {
    pub(in crate::engine) handle: &'a Handle,
}

impl AvailabilityApi<'_> {
    /// A person's profile in the configuration. `name` is the fallback if the configuration has
    /// none.
    fn configured_profile(self, user: u64, name: &str) -> Profile {
        let rules = self.handle.rules();
        let found = rules.people.iter().find(|person| person.user == user);
        found.cloned().unwrap_or_else(|| Profile::unknown(user, name, rules.zone))
    }

    /// A person, by Discord id. `name` is the fallback if the configuration has none.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn person_status(self, user: u64, name: &str) -> Result<PersonStatus, HandleError> {
        let preferences =
            self.handle.with_store(move |store| store.availability().preferences(user)).await?;
        Ok(PersonStatus::new(self.configured_profile(user, name), &preferences))
    }

    /// Changes a person's preferences: `change` maps the old preferences to the new. Returns the
    /// person with the new preferences.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn update_preferences(
        self,
        user: u64,
        name: &str,
        change: impl FnOnce(Preferences) -> Preferences + Send + 'static,
    ) -> Result<PersonStatus, HandleError> {
        let called = name.to_owned();
        let preferences = self
            .handle
            .with_store(move |store| store.availability().update(user, &called, Box::new(change)))
            .await?;
        self.handle.hint();
        Ok(PersonStatus::new(self.configured_profile(user, name), &preferences))
    }

    /// Ids and names of everyone reachable by direct message: configured people, and people who
    /// have ever acted.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn known_people(self) -> Result<Vec<(u64, String)>, HandleError> {
        let mut known: Vec<(u64, String)> = self
            .handle
            .rules()
            .people
            .iter()
            .map(|person| (person.user, person.name.clone()))
            .collect();
        for (user, name) in
            self.handle.with_store(|store| store.availability().people_with_actions()).await?
        {
            if !known.iter().any(|(other, _)| *other == user) {
                known.push((user, name));
            }
        }
        Ok(known)
    }
}
