//! Groups reminders into messages: all reminders due for a receiver share a message, and may join a
//! message sent a moment ago if its stage is at least as high.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Later, Reminders};
use crate::core::availability::{Availability, ContactTime, delivery_timing};
use crate::core::decision::{Decision, DecisionId};
use crate::core::escalation::{Channel, ExternalChannel, Stage};
use crate::core::messaging::message::{Destination, Item, ListChange, Message, PostState, Purpose};
use crate::core::messaging::notification::{Notification, NotificationPriority as Pressing};
use crate::core::messaging::reminder::{
    GROUPING_WINDOW, Receiver, Reminder, ReminderMessage, ReminderState, urgency,
};
use crate::presentation::text;
use crate::store::{ListUpdate, NewMessage, ReminderUpdate};

/// The key for grouping reminders into a message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Envelope {
    /// A person's direct messages.
    Direct(u64),
    /// A Discord channel.
    Channel(String),
    /// A receiver over a channel beyond the surface.
    Beyond(ExternalChannel, String),
}

impl Reminders {
    /// Sends due reminders. Returns whether anything was written.
    pub(super) async fn send(
        &self,
        reminders: &[Reminder],
        decisions: &HashMap<DecisionId, Decision>,
    ) -> Result<bool, Later> {
        let mut step = ReminderUpdate { at: self.moment(), ..ReminderUpdate::default() };
        let mut available = HashMap::new();
        let mut envelopes: BTreeMap<Envelope, Vec<(Reminder, &Decision)>> = BTreeMap::new();
        for known in reminders.iter().filter(|reminder| {
            matches!(reminder.state, ReminderState::Due | ReminderState::Held { .. })
        }) {
            let Some(decision) = decisions.get(&known.decision) else { continue };
            let reminder = self.recheck_held(known, decision, &mut available).await?;
            if let ReminderState::Held { .. } = reminder.state {
                step.put.extend((reminder != *known).then_some(reminder));
                continue;
            }
            match self.envelope(&reminder, decision) {
                Ok(envelope) => envelopes.entry(envelope).or_default().push((reminder, decision)),
                Err(why) => {
                    let result = crate::core::escalation::ContactResult::Failed { why };
                    step.put.push(Reminder { state: ReminderState::Over { result }, ..reminder });
                }
            }
        }
        let posts = envelopes.keys().any(|envelope| !matches!(envelope, Envelope::Beyond(..)));
        let since = step.at.1.checked_sub_signed(GROUPING_WINDOW).unwrap_or_default();
        let said = if posts {
            self.handle.with_store(move |store| store.reminders().messages_since(since)).await?
        } else {
            Vec::new()
        };
        for (envelope, inside) in envelopes {
            self.seal(envelope, inside, &said, &mut step).await?;
        }
        let opens = !step.open.is_empty() || !step.amend.is_empty();
        let writes = opens || !step.put.is_empty() || !step.send.is_empty();
        if writes {
            self.handle.with_store(move |store| store.reminders().record(step)).await?;
            self.handle.hint();
        }
        if opens {
            self.reconciler.queue_messages().await;
        }
        Ok(writes)
    }

    /// Checks a held reminder again: the person's quiet time may have been extended or ended.
    /// `known` caches availability.
    async fn recheck_held(
        &self,
        reminder: &Reminder,
        decision: &Decision,
        known: &mut HashMap<u64, Availability>,
    ) -> Result<Reminder, Later> {
        let (ReminderState::Held { .. }, Receiver::Person { user, name }) =
            (&reminder.state, &reminder.receiver)
        else {
            return Ok(reminder.clone());
        };
        let availability = match known.entry(*user) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(unknown) => *unknown.insert(
                self.handle
                    .availability()
                    .person_status(*user, name)
                    .await?
                    .availability(self.handle.now()),
            ),
        };
        let state =
            match delivery_timing(availability, urgency(reminder.stage), decision.terms.risk) {
                ContactTime::Now => ReminderState::Due,
                ContactTime::Held { until, .. } | ContactTime::PassedOver { until } => {
                    ReminderState::Held { until }
                }
            };
        Ok(Reminder { state, ..reminder.clone() })
    }

    fn envelope(&self, reminder: &Reminder, decision: &Decision) -> Result<Envelope, String> {
        match (reminder.channel, &reminder.receiver) {
            (Channel::Dm, Receiver::Person { user, .. }) => Ok(Envelope::Direct(*user)),
            (Channel::Dm | Channel::Mention | Channel::Here, _) => {
                self.directory.channel(&decision.request.project).map(Envelope::Channel)
            }
            (Channel::External(channel), receiver) => Ok(Envelope::Beyond(channel, receiver.key())),
        }
    }

    async fn seal(
        &self,
        envelope: Envelope,
        inside: Vec<(Reminder, &Decision)>,
        said: &[(ReminderMessage, Stage)],
        step: &mut ReminderUpdate,
    ) -> Result<(), Later> {
        let decisions: BTreeMap<DecisionId, &Decision> =
            inside.iter().map(|(_, decision)| (decision.id, *decision)).collect();
        let decisions: Vec<&Decision> = decisions.into_values().collect();
        let reminders: Vec<Reminder> = inside.into_iter().map(|(reminder, _)| reminder).collect();
        let (purpose, place) = match envelope {
            Envelope::Beyond(..) => {
                return self.queue_notification(reminders, &decisions, step).await;
            }
            Envelope::Direct(user) => (Purpose::Reminder { user }, Destination::Direct(user)),
            Envelope::Channel(channel) => (mention(&reminders), Destination::Channel(channel)),
        };
        let items: Vec<Item> = decisions.iter().map(|decision| Item::of(decision)).collect();
        if let Some((on, message)) = self.recent(&purpose, &place, &reminders, said).await? {
            let changes = items.into_iter().map(ListChange::Put).collect();
            step.amend.push(ListUpdate { on, revision: message.revision, changes, reminders });
        } else {
            step.open.push((NewMessage { purpose, place, items, at: step.at.0 }, reminders));
        }
        Ok(())
    }

    /// A recent message able to take these reminders. An edit notifies no one, so the message must
    /// already have reached every receiver, at this stage or a higher one.
    async fn recent(
        &self,
        purpose: &Purpose,
        place: &Destination,
        reminders: &[Reminder],
        said: &[(ReminderMessage, Stage)],
    ) -> Result<Option<(ReminderMessage, Message)>, Later> {
        let stage =
            reminders.iter().map(|reminder| reminder.stage).max().unwrap_or(Stage::Reminder);
        let no_less = said.iter().filter(|(_, said)| *said >= stage);
        let latest: BTreeSet<_> = no_less.map(|(on, _)| (on.message, on.since)).collect();
        for (id, since) in latest.into_iter().rev() {
            let Some(found) = self.handle.with_store(move |store| store.messages().get(id)).await?
            else {
                continue;
            };
            if found.place == *place
                && !matches!(found.state, PostState::Final(_))
                && covers(&found.purpose, purpose)
            {
                return Ok(Some((ReminderMessage { message: id, since }, found)));
            }
        }
        Ok(None)
    }

    async fn queue_notification(
        &self,
        reminders: Vec<Reminder>,
        decisions: &[&Decision],
        step: &mut ReminderUpdate,
    ) -> Result<(), Later> {
        let Some(first) = reminders.first().cloned() else { return Ok(()) };
        let (Some(channel), receiver) = (first.channel.external(), &first.receiver) else {
            return Ok(());
        };
        let (title, words) = text::notification_text(decisions);
        let to = match receiver {
            Receiver::Machine { name } => name.clone(),
            Receiver::Person { user, name } => {
                let somebody = self.handle.availability().person_status(*user, name).await?;
                self.handle.rules().channels.address(channel, &somebody.profile).unwrap_or_default()
            }
            Receiver::Role { .. } | Receiver::Here => String::new(),
        };
        let key = format!("rung:{}:{}:{}", first.position, channel.word(), receiver.key());
        let shown = match decisions.first() {
            Some(decision) => self.handle.messages().card_of(decision.id).await?,
            None => None,
        };
        step.send.push(Notification {
            key: key.clone(),
            person: if matches!(receiver, Receiver::Machine { .. }) {
                String::new()
            } else {
                receiver.key()
            },
            channel,
            to,
            title,
            words,
            link: shown.map(|(channel, message)| self.directory.link(&channel, &message)),
            urgency: pressing(&reminders, decisions),
            decisions: decisions.iter().map(|decision| decision.id).collect(),
        });
        let sent = |reminder| Reminder {
            state: ReminderState::Notification { key: key.clone() },
            ..reminder
        };
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
fn covers(existing: &Purpose, wanted: &Purpose) -> bool {
    match (existing, wanted) {
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
