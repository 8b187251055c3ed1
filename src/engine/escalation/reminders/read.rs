//! Turns log events into reminders: fired escalation steps, people's actions, ends of ladders.

use super::{Later, Reminders};
use crate::core::decision::event::{Event, Logged};
use crate::core::decision::{Decision, Person, Revision};
use crate::core::messaging::incident;
use crate::core::messaging::message::{Destination, Item, Purpose};
use crate::core::messaging::reminder::{outcomes_to_report, reminders};
use crate::engine::EventFilter;
use crate::presentation::text;
use crate::store::{NewMessage, ReminderUpdate};

/// The acting person of an event.
const fn actor(event: &Event) -> Option<&Person> {
    match event {
        Event::Deferred { by, .. }
        | Event::Proposed { by, .. }
        | Event::Voted { by, .. }
        | Event::Taken { by, .. }
        | Event::Prioritized { by, .. }
        | Event::Resolved { by, .. }
        | Event::Undone { by }
        | Event::GrantEnded { by, .. } => Some(by),
        _ => None,
    }
}

impl Reminders {
    /// Reads the log from the cursor. Returns whether any escalation update fired.
    pub(super) async fn read_log(&self) -> Result<bool, Later> {
        let cursor = self.handle.with_store(|store| store.reminders().cursor()).await?;
        let mut log = self.handle.event_log().follow(cursor, EventFilter::default());
        let mut climbed = false;
        while let Some(events) = log.try_next().await? {
            let mut update = ReminderUpdate {
                cursor: Some(log.cursor()),
                at: self.moment(),
                ..ReminderUpdate::default()
            };
            for logged in &events {
                climbed |= match self.read(logged, &mut update).await {
                    Err(error) if error.is_of_one() => {
                        tracing::error!(
                            decision = logged.decision.0,
                            %error,
                            "nobody can be reminded of it"
                        );
                        false
                    }
                    read => read?,
                };
            }
            let opens = !update.open.is_empty();
            self.handle.with_store(move |store| store.reminders().record(update)).await?;
            if opens {
                self.reconciler.queue_messages().await;
            }
        }
        Ok(climbed)
    }

    /// Wall-clock time and store time.
    pub(super) fn moment(&self) -> (crate::core::Time, crate::core::Time) {
        (self.handle.clock().wall(), self.handle.now())
    }

    async fn read(&self, logged: &Logged, update: &mut ReminderUpdate) -> Result<bool, Later> {
        update.acted.extend(
            actor(&logged.event)
                .and_then(|person| Some((person.discord_id()?, person.name.clone()))),
        );
        match &logged.event {
            Event::StepFired { step } => {
                let decision = self.handle.approvals().get(logged.decision).await?;
                // Skips a superseded or answered update; a later event reports the state.
                if let Some(position) =
                    decision.position.as_ref().filter(|position| position.seq == logged.seq)
                {
                    let found = reminders(
                        &decision,
                        position,
                        &step.by,
                        &self.audience(&decision, &step.by).await?,
                    );
                    if found.is_empty()
                        && let Some((contacts, complete)) =
                            outcomes_to_report(&decision, position.seq, &found)
                    {
                        self.handle
                            .escalation()
                            .record_contacts(decision.id, position.seq, contacts, complete)
                            .await?;
                    }
                    update.put.extend(found);
                }
                self.report(logged, update).await?;
                Ok(true)
            }
            Event::Proposed { by, seen, again: false, .. } => {
                self.ask_to_confirm(logged, by, *seen, update).await.map(|()| false)
            }
            Event::Resolved { .. } => self.report(logged, update).await.map(|()| false),
            Event::ContactsRecorded { position, .. } => {
                self.report_unreached(logged, *position, update).await.map(|()| false)
            }
            _ => Ok(false),
        }
    }

    /// Asks the proposing person for confirmation, once for each content. Skips decisions answered,
    /// deferred or changed meanwhile.
    async fn ask_to_confirm(
        &self,
        logged: &Logged,
        by: &Person,
        seen: Revision,
        update: &mut ReminderUpdate,
    ) -> Result<(), Later> {
        let Some(user) = by.discord_id() else { return Ok(()) };
        let decision = self.handle.approvals().get(logged.decision).await?;
        if decision.proposal_of(&by.id).is_some_and(|earlier| earlier.revision == seen) {
            let purpose = Purpose::Confirmation { user, direct: true };
            let new = NewMessage {
                purpose,
                place: Destination::Direct(user),
                items: vec![Item::of(&decision)],
                at: update.at.0,
            };
            update.open.push((new, Vec::new()));
        }
        Ok(())
    }

    /// Posts the incident report when due at this event.
    async fn report(&self, logged: &Logged, update: &mut ReminderUpdate) -> Result<(), Later> {
        let may_be_due = match &logged.event {
            Event::StepFired { step } => {
                step.stage == crate::core::escalation::Stage::Overdue && !step.default
            }
            Event::Resolved { via, .. } => *via == crate::core::decision::Via::SafeDefault,
            _ => false,
        };
        if !may_be_due {
            return Ok(());
        }
        let events = self.handle.event_log().history(logged.decision).await?;
        if incident::is_due(&events, logged.seq) {
            let decision = self.handle.approvals().get(logged.decision).await?;
            let report = text::incident_report(
                &decision,
                &events,
                logged.seq,
                self.handle.time_scale(),
                self.handle.rules().zone,
            );
            tracing::warn!(
                decision = decision.id.0,
                "nobody answered in time: incident report posted"
            );
            update
                .open
                .push((beside(&decision, Purpose::Incident { report }, update.at.0), Vec::new()));
        }
        Ok(())
    }

    /// Posts in the project's channel if no approver could be reached and no other escalation
    /// update is already due.
    async fn report_unreached(
        &self,
        logged: &Logged,
        position: u64,
        update: &mut ReminderUpdate,
    ) -> Result<(), Later> {
        let decision = self.handle.approvals().get(logged.decision).await?;
        let Some(current) =
            decision.position.as_ref().filter(|current| current.seq == position && current.in_vain)
        else {
            return Ok(());
        };
        let follows = decision.upcoming_step().is_some_and(|next| next.at <= self.handle.now());
        if !follows && !current.contacts.is_empty() {
            let contacts = current.contacts.clone();
            update.open.push((
                beside(&decision, Purpose::Unreached { contacts }, update.at.0),
                Vec::new(),
            ));
        }
        Ok(())
    }
}

/// A message in the channel of a decision's card.
fn beside(decision: &Decision, purpose: Purpose, at: crate::core::Time) -> NewMessage {
    let place = Destination::Project(decision.request.project.clone());
    NewMessage { purpose, place, items: vec![Item::of(decision)], at }
}
