//! Groups reminders into messages: all reminders due for a receiver share a message, and may join a
//! message sent a moment ago if its stage is at least as high.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Later, Reminders};
use crate::core::decision::{Decision, DecisionId};
use crate::core::ladder::{Stage, Way};
use crate::core::outgoing::{Outgoing, Urgency as Pressing};
use crate::core::people::{Availability, Reach, may_reach};
use crate::core::posting::{Change, Hanging, Item, Place, Posting, Purpose};
use crate::core::remind::{GATHERED, On, Receiver, Reminder, Standing, beyond, urgency};
use crate::core::text;
use crate::store::{Amended, NewPosting, Reminding};

/// The key for grouping reminders into a message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Envelope {
    /// A person's direct messages.
    Direct(u64),
    /// A Discord channel.
    Channel(String),
    /// A receiver over a channel beyond the surface.
    Beyond(&'static str, String),
}

impl Reminders {
    /// Sends due reminders. Returns whether anything was written.
    pub(super) async fn send(
        &self,
        reminders: &[Reminder],
        decisions: &HashMap<DecisionId, Decision>,
    ) -> Result<bool, Later> {
        let mut step = Reminding { at: self.moment(), ..Reminding::default() };
        let mut available = HashMap::new();
        let mut envelopes: BTreeMap<Envelope, Vec<(Reminder, &Decision)>> = BTreeMap::new();
        for known in reminders
            .iter()
            .filter(|reminder| matches!(reminder.standing, Standing::Due | Standing::Held { .. }))
        {
            let Some(decision) = decisions.get(&known.decision) else { continue };
            let reminder = self.still_quiet(known, decision, &mut available).await?;
            if let Standing::Held { .. } = reminder.standing {
                step.put.extend((reminder != *known).then_some(reminder));
                continue;
            }
            match self.envelope(&reminder, decision) {
                Ok(envelope) => envelopes.entry(envelope).or_default().push((reminder, decision)),
                Err(why) => {
                    let came = crate::core::ladder::Came::Failed { why };
                    step.put.push(Reminder { standing: Standing::Over { came }, ..reminder });
                }
            }
        }
        let posts = envelopes.keys().any(|envelope| !matches!(envelope, Envelope::Beyond(..)));
        let since = step.at.1.checked_sub_signed(GATHERED).unwrap_or_default();
        let said = if posts {
            self.handle.store(move |store| store.messages_since(since)).await?
        } else {
            Vec::new()
        };
        for (envelope, inside) in envelopes {
            self.seal(envelope, inside, &said, &mut step).await?;
        }
        let opens = !step.open.is_empty() || !step.amend.is_empty();
        let writes = opens || !step.put.is_empty() || !step.send.is_empty();
        if writes {
            self.handle.store(move |store| store.remind(step)).await?;
            self.handle.hint();
        }
        if opens {
            self.deliveries.look_at_postings().await;
        }
        Ok(writes)
    }

    /// Checks a held reminder again: the person's quiet time may have been extended or ended.
    /// `known` caches availability.
    async fn still_quiet(
        &self,
        reminder: &Reminder,
        decision: &Decision,
        known: &mut HashMap<u64, Availability>,
    ) -> Result<Reminder, Later> {
        let (Standing::Held { .. }, Receiver::Person { user, name }) =
            (&reminder.standing, &reminder.receiver)
        else {
            return Ok(reminder.clone());
        };
        let availability = match known.entry(*user) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(unknown) => *unknown
                .insert(self.handle.somebody(*user, name).await?.availability(self.handle.now())),
        };
        let standing = match may_reach(availability, urgency(reminder.stage), decision.terms.risk) {
            Reach::Now => Standing::Due,
            Reach::Held { until, .. } | Reach::PassedOver { until } => Standing::Held { until },
        };
        Ok(Reminder { standing, ..reminder.clone() })
    }

    fn envelope(&self, reminder: &Reminder, decision: &Decision) -> Result<Envelope, String> {
        match (reminder.way, &reminder.receiver) {
            (Way::Dm, Receiver::Person { user, .. }) => Ok(Envelope::Direct(*user)),
            (Way::Dm | Way::Mention | Way::Here, _) => {
                self.directory.channel(&decision.request.project).map(Envelope::Channel)
            }
            (way, receiver) => Ok(Envelope::Beyond(way.word(), receiver.key())),
        }
    }

    async fn seal(
        &self,
        envelope: Envelope,
        inside: Vec<(Reminder, &Decision)>,
        said: &[(On, Stage)],
        step: &mut Reminding,
    ) -> Result<(), Later> {
        let decisions: BTreeMap<DecisionId, &Decision> =
            inside.iter().map(|(_, decision)| (decision.id, *decision)).collect();
        let decisions: Vec<&Decision> = decisions.into_values().collect();
        let reminders: Vec<Reminder> = inside.into_iter().map(|(reminder, _)| reminder).collect();
        let (purpose, place) = match envelope {
            Envelope::Beyond(..) => return self.mail(reminders, &decisions, step).await,
            Envelope::Direct(user) => (Purpose::Reminder { user }, Place::Direct(user)),
            Envelope::Channel(channel) => (mention(&reminders), Place::Channel(channel)),
        };
        let items: Vec<Item> = decisions.iter().map(|decision| Item::of(decision)).collect();
        if let Some((on, posting)) = self.recent(&purpose, &place, &reminders, said).await? {
            let changes = items.into_iter().map(Change::Put).collect();
            step.amend.push(Amended { on, revision: posting.revision, changes, reminders });
        } else {
            step.open.push((NewPosting { purpose, place, items, at: step.at.0 }, reminders));
        }
        Ok(())
    }

    /// A recent message able to take these reminders. An edit notifies no one, so the message must
    /// already have reached every receiver, at this stage or a higher one.
    async fn recent(
        &self,
        purpose: &Purpose,
        place: &Place,
        reminders: &[Reminder],
        said: &[(On, Stage)],
    ) -> Result<Option<(On, Posting)>, Later> {
        let stage =
            reminders.iter().map(|reminder| reminder.stage).max().unwrap_or(Stage::Reminder);
        let no_less = said.iter().filter(|(_, said)| *said >= stage);
        let latest: BTreeSet<_> = no_less.map(|(on, _)| (on.posting, on.since)).collect();
        for (posting, since) in latest.into_iter().rev() {
            let Some(found) = self.handle.store(move |store| store.posting(posting)).await? else {
                continue;
            };
            if found.place == *place
                && found.hanging != Hanging::Over
                && covers(&found.purpose, purpose)
            {
                return Ok(Some((On { posting, since }, found)));
            }
        }
        Ok(None)
    }

    async fn mail(
        &self,
        reminders: Vec<Reminder>,
        decisions: &[&Decision],
        step: &mut Reminding,
    ) -> Result<(), Later> {
        let Some(first) = reminders.first().cloned() else { return Ok(()) };
        let (Some(way), receiver) = (beyond(first.way), &first.receiver) else { return Ok(()) };
        let (title, words) = text::beyond(decisions);
        let to = match receiver {
            Receiver::Machine { name } => name.clone(),
            Receiver::Person { user, name } => {
                let somebody = self.handle.somebody(*user, name).await?;
                self.handle.rules().ways.of_person(way, &somebody.profile).unwrap_or_default()
            }
            Receiver::Role { .. } | Receiver::Here => String::new(),
        };
        let key = format!("rung:{}:{}:{}", first.climb, way.word(), receiver.key());
        let shown = match decisions.first() {
            Some(decision) => self.handle.card_of(decision.id).await?,
            None => None,
        };
        step.send.push(Outgoing {
            key: key.clone(),
            person: if matches!(receiver, Receiver::Machine { .. }) {
                String::new()
            } else {
                receiver.key()
            },
            way,
            to,
            title,
            words,
            link: shown.map(|(channel, message)| self.directory.link(&channel, &message)),
            urgency: pressing(&reminders, decisions),
            decisions: decisions.iter().map(|decision| decision.id).collect(),
        });
        let sent =
            |reminder| Reminder { standing: Standing::Outgoing { key: key.clone() }, ..reminder };
        step.put.extend(reminders.into_iter().map(sent));
        Ok(())
    }
}

fn pressing(reminders: &[Reminder], decisions: &[&Decision]) -> Pressing {
    let stage = reminders.iter().map(|reminder| reminder.stage).max().unwrap_or(Stage::Reminder);
    let critical = decisions
        .iter()
        .any(|decision| decision.terms.risk == crate::core::decision::Risk::Critical);
    match stage {
        _ if critical => Pressing::Urgent,
        Stage::Reminder => Pressing::Normal,
        Stage::Warning => Pressing::High,
        Stage::Breach | Stage::Overdue => Pressing::Urgent,
    }
}

/// A message mentioning exactly the reminders' receivers.
fn mention(reminders: &[Reminder]) -> Purpose {
    let mut users = BTreeSet::new();
    let mut roles = BTreeSet::new();
    for reminder in reminders {
        match reminder.receiver {
            Receiver::Person { user, .. } => drop(users.insert(user)),
            Receiver::Role { role, .. } => drop(roles.insert(role)),
            Receiver::Here | Receiver::Machine { .. } => {}
        }
    }
    let here = reminders.iter().any(|reminder| reminder.receiver == Receiver::Here);
    Purpose::Mention {
        users: users.into_iter().collect(),
        roles: roles.into_iter().collect(),
        here,
    }
}

/// Whether the existing message notified all receivers of the wanted one.
fn covers(standing: &Purpose, wanted: &Purpose) -> bool {
    match (standing, wanted) {
        (Purpose::Reminder { user }, Purpose::Reminder { user: other }) => user == other,
        (
            Purpose::Mention { users, roles, here },
            Purpose::Mention { users: more_users, roles: more_roles, here: also_here },
        ) => {
            more_users.iter().all(|user| users.contains(user))
                && more_roles.iter().all(|role| roles.contains(role))
                && (*here || !also_here)
        }
        _ => false,
    }
}
