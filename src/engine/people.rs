//! Who somebody is to Gander: what the configuration says of them, and what they have said
//! themselves.
//!
//! What they said is kept in the store and goes before the configuration. Must not know how they
//! said it.

use super::{Handle, HandleError};
use crate::core::Time;
use crate::core::people::{Availability, Profile, Wishes, availability};

/// Somebody, with all that says when they can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Somebody {
    /// What holds of them.
    pub profile: Profile,
    /// "Not before this."
    pub snooze: Option<Time>,
}

impl Somebody {
    fn new(configured: Profile, wishes: &Wishes) -> Self {
        Self { profile: configured.with(wishes), snooze: wishes.snooze }
    }

    /// Whether they can be reached at `now`.
    #[must_use]
    pub fn availability(&self, now: Time) -> Availability {
        availability(&self.profile, self.snooze, now)
    }
}

impl Handle {
    /// What the configuration says of somebody. `name`: what they are called, where it says
    /// nothing.
    fn configured(&self, user: u64, name: &str) -> Profile {
        let rules = self.rules();
        let found = rules.people.iter().find(|person| person.user == user);
        found.cloned().unwrap_or_else(|| Profile::unknown(user, name, rules.zone))
    }

    /// Somebody by their Discord id. `name`: what they are called, where the configuration does not
    /// say.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn somebody(&self, user: u64, name: &str) -> Result<Somebody, HandleError> {
        let wishes = self.store(move |store| store.wishes(user)).await?;
        Ok(Somebody::new(self.configured(user, name), &wishes))
    }

    /// Somebody says when they can be reached: `change` makes the new of what they said before.
    /// What holds then.
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

    /// Whoever can be sent a direct message by name: those configured, and those who have ever
    /// acted. Ids and names.
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
