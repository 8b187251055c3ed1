//! Tells people about decisions that others assigned to them.
//!
//! Follows a person's quiet hours as reminders do: only critical risk and a breach come through.
//! Assignments within a minute share a message. A person who is not told now is reminded by the
//! escalation ladder. Kept in memory, because the card shows the assignment too.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serenity::all::{User, UserId};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::core::availability::{ContactTime, ContactUrgency, delivery_timing};
use crate::core::decision::{Decision, DecisionId, Pending, State};
use crate::core::escalation::Stage;
use crate::engine::HandleError;
use crate::engine::clock::LONGEST_SLEEP;
use crate::presentation::text;
use crate::surfaces::discord::Bot;

/// The least time between two messages to one person about assignments.
const BETWEEN: Duration = Duration::from_secs(60);

/// An assignment: the decision, and the name of the person who assigned it.
type Assignment = (DecisionId, String);

/// The assignments of one person.
#[derive(Debug)]
struct Mailbox {
    /// When the person may be told next.
    next: Instant,
    untold: Vec<Assignment>,
}

/// Assignments that are still to be told.
#[derive(Debug, Default)]
pub(crate) struct Assignments {
    mailboxes: Mutex<HashMap<UserId, Mailbox>>,
    added: Notify,
}

impl Assignments {
    fn add(&self, to: UserId, assignment: Assignment, now: Instant) {
        let mut mailboxes = self.mailboxes.lock().unwrap_or_else(PoisonError::into_inner);
        let mailbox = match mailboxes.entry(to) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(Mailbox { next: now, untold: Vec::new() }),
        };
        mailbox.untold.push(assignment);
        self.added.notify_one();
    }

    /// What is to be told now, by person.
    fn take_due(&self, now: Instant) -> Vec<(UserId, Vec<Assignment>)> {
        let mut mailboxes = self.mailboxes.lock().unwrap_or_else(PoisonError::into_inner);
        let mut due = Vec::new();
        for (to, mailbox) in mailboxes.iter_mut().filter(|(_, mailbox)| mailbox.next <= now) {
            if !mailbox.untold.is_empty() {
                mailbox.next = now + BETWEEN;
                due.push((*to, std::mem::take(&mut mailbox.untold)));
            }
        }
        mailboxes.retain(|_, mailbox| mailbox.next > now);
        due
    }

    fn next(&self) -> Option<Instant> {
        let mailboxes = self.mailboxes.lock().unwrap_or_else(PoisonError::into_inner);
        mailboxes.values().map(|mailbox| mailbox.next).min()
    }
}

/// Tells people about assignments. Never returns.
pub(crate) async fn run(bot: Arc<Bot>) {
    loop {
        for (to, assigned) in bot.assignments.take_due(Instant::now()) {
            let bot = Arc::clone(&bot);
            tokio::spawn(async move { bot.tell_assigned(to, &assigned).await });
        }
        let next = bot.assignments.next().unwrap_or_else(|| Instant::now() + LONGEST_SLEEP);
        tokio::select! {
            () = bot.assignments.added.notified() => {}
            () = tokio::time::sleep_until(next) => {}
        }
    }
}

impl Bot {
    /// Tells `to` about the assignment, unless `from` assigned the decision to themselves.
    pub(crate) fn notify_assignee(&self, decision: &Decision, from: &User, to: UserId) {
        if from.id != to {
            let assignment = (decision.id, from.display_name().to_owned());
            self.assignments.add(to, assignment, Instant::now());
        }
    }

    async fn tell_assigned(&self, to: UserId, assigned: &[Assignment]) {
        let mut told = Vec::new();
        for (id, from) in assigned {
            match self.is_to_be_told(*id, to).await {
                Ok(Some(decision)) => told.push((decision, from.clone())),
                Ok(None) => tracing::debug!(decision = id.0, %to, "the assignment is not told now"),
                Err(error) => tracing::warn!(decision = id.0, %error, "an assignment is not told"),
            }
        }
        let Some((decision, _)) = told.first() else { return };
        self.tell(decision, to, |link| match told.as_slice() {
            [(decision, from)] => text::handed_to_you(decision, from, link),
            several => text::several_handed_to_you(several),
        })
        .await;
    }

    /// The decision, if it is still this person's, and the person may be disturbed for it.
    async fn is_to_be_told(
        &self,
        id: DecisionId,
        to: UserId,
    ) -> Result<Option<Decision>, HandleError> {
        let decision = self.handle.approvals().get(id).await?;
        let State::Pending(Pending { taken: Some(taken), .. }) = &decision.state else {
            return Ok(None);
        };
        if taken.by.discord_id() != Some(to.get()) {
            return Ok(None);
        }
        let status = self.handle.availability().person_status(to.get(), &taken.by.name).await?;
        let is_late =
            decision.position.as_ref().is_some_and(|position| position.stage >= Stage::Breach);
        let urgency = if is_late { ContactUrgency::Breach } else { ContactUrgency::Usual };
        let available = status.availability(self.handle.now());
        let now = delivery_timing(available, urgency, decision.terms.risk) == ContactTime::Now;
        Ok(now.then_some(decision))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_within_a_minute_is_told_together() {
        let (assignments, start) = (Assignments::default(), Instant::now());
        let (maya, jonas) = (UserId::new(1), UserId::new(2));
        let after = |seconds| start + Duration::from_secs(seconds);
        let add = |to, id: i64, at| assignments.add(to, (DecisionId(id), "Sven".into()), at);
        let due = |at| {
            let told = assignments.take_due(at).into_iter();
            let ids = |list: Vec<Assignment>| list.iter().map(|(id, _)| id.0).collect::<Vec<_>>();
            told.map(|(to, list)| (to.get(), ids(list))).collect::<Vec<_>>()
        };
        add(maya, 1, start);
        assert_eq!(due(start), [(1, vec![1])], "the first at once");
        add(maya, 2, after(1));
        add(maya, 3, after(2));
        add(jonas, 4, after(2));
        assert_eq!(due(after(2)), [(2, vec![4])], "others do not wait for her");
        assert_eq!(assignments.next(), Some(after(60)));
        assert_eq!(due(after(59)), []);
        assert_eq!(due(after(60)), [(1, vec![2, 3])]);
        assert_eq!(due(after(200)), []);
        assert_eq!(assignments.next(), None, "nobody is remembered for ever");
    }
}
