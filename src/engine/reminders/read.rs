//! Turns log events into reminders: fired escalation steps, people's actions, ends of ladders.

use super::{Later, Reminders};
use crate::core::decision::{Decision, Person, Revision};
use crate::core::event::{Event, Logged};
use crate::core::incident;
use crate::core::posting::{Item, Place, Purpose};
use crate::core::remind::{news, reminders};
use crate::store::{NewPosting, Reminding};

/// Events read at a time.
const PAGE: usize = 500;

/// The acting person of an event.
const fn actor(event: &Event) -> Option<&Person> {
    match event {
        Event::Deferred { by, .. }
        | Event::Proposed { by, .. }
        | Event::Voted { by, .. }
        | Event::Taken { by, .. }
        | Event::Prioritized { by, .. }
        | Event::Resolved { by, .. }
        | Event::Undone { by } => Some(by),
        _ => None,
    }
}

impl Reminders {
    /// Reads the log from the cursor. Returns whether any escalation step fired.
    pub(super) async fn read_log(&self) -> Result<bool, Later> {
        let mut cursor = self.handle.store(|store| store.reminded_up_to()).await?;
        let mut climbed = false;
        loop {
            let events = self.handle.events(cursor, PAGE).await?;
            let Some(last) = events.last() else { return Ok(climbed) };
            cursor = last.seq;
            let mut step =
                Reminding { cursor: Some(cursor), at: self.moment(), ..Reminding::default() };
            for logged in &events {
                climbed |= match self.read(logged, &mut step).await {
                    Err(error) if error.is_of_one() => {
                        tracing::error!(decision = logged.decision.0, %error, "nobody can be reminded of it");
                        false
                    }
                    read => read?,
                };
            }
            let opens = !step.open.is_empty();
            self.handle.store(move |store| store.remind(step)).await?;
            if opens {
                self.deliveries.look_at_postings().await;
            }
        }
    }

    /// Wall-clock time and store time.
    pub(super) fn moment(&self) -> (crate::core::Time, crate::core::Time) {
        (self.handle.clock().wall(), self.handle.now())
    }

    async fn read(&self, logged: &Logged, step: &mut Reminding) -> Result<bool, Later> {
        step.acted.extend(
            actor(&logged.event)
                .and_then(|person| Some((person.discord_id()?, person.name.clone()))),
        );
        match &logged.event {
            Event::Climbed { rung } => {
                let decision = self.handle.get(logged.decision).await?;
                // Skips a superseded or answered step; a later event reports the state.
                if let Some(climb) = decision.climb.as_ref().filter(|climb| climb.seq == logged.seq)
                {
                    let found = reminders(
                        &decision,
                        climb,
                        &rung.by,
                        &self.audience(&decision, &rung.by).await?,
                    );
                    if found.is_empty()
                        && let Some((contacts, complete)) = news(&decision, climb.seq, &found)
                    {
                        self.handle.tell(decision.id, climb.seq, contacts, complete).await?;
                    }
                    step.put.extend(found);
                }
                self.report(logged, step).await?;
                Ok(true)
            }
            Event::Proposed { by, seen, again: false, .. } => {
                self.ask_to_confirm(logged, by, *seen, step).await.map(|()| false)
            }
            Event::Resolved { .. } => self.report(logged, step).await.map(|()| false),
            Event::Told { climb, .. } => {
                self.say_unreached(logged, *climb, step).await.map(|()| false)
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
        step: &mut Reminding,
    ) -> Result<(), Later> {
        let Some(user) = by.discord_id() else { return Ok(()) };
        let decision = self.handle.get(logged.decision).await?;
        if decision.proposal_of(&by.id).is_some_and(|standing| standing.revision == seen) {
            let purpose = Purpose::Confirmation { user, direct: true };
            let new = NewPosting {
                purpose,
                place: Place::Direct(user),
                items: vec![Item::of(&decision)],
                at: step.at.0,
            };
            step.open.push((new, Vec::new()));
        }
        Ok(())
    }

    /// Posts the incident report when due at this event.
    async fn report(&self, logged: &Logged, step: &mut Reminding) -> Result<(), Later> {
        let may_be_due = match &logged.event {
            Event::Climbed { rung } => {
                rung.stage == crate::core::ladder::Stage::Overdue && !rung.default
            }
            Event::Resolved { via, .. } => *via == crate::core::decision::Via::SafeDefault,
            _ => false,
        };
        if !may_be_due {
            return Ok(());
        }
        let events = self.handle.history(logged.decision).await?;
        if incident::is_due(&events, logged.seq) {
            let decision = self.handle.get(logged.decision).await?;
            let report = incident::report(
                &decision,
                &events,
                logged.seq,
                self.handle.pace(),
                self.handle.rules().zone,
            );
            tracing::warn!(
                decision = decision.id.0,
                "nobody answered in time: incident report posted"
            );
            step.open
                .push((beside(&decision, Purpose::Incident { report }, step.at.0), Vec::new()));
        }
        Ok(())
    }

    /// Posts in the project's channel if no approver could be reached and no other escalation step
    /// is already due.
    async fn say_unreached(
        &self,
        logged: &Logged,
        climb: u64,
        step: &mut Reminding,
    ) -> Result<(), Later> {
        let decision = self.handle.get(logged.decision).await?;
        let Some(standing) =
            decision.climb.as_ref().filter(|standing| standing.seq == climb && standing.in_vain)
        else {
            return Ok(());
        };
        let follows = decision.next_rung().is_some_and(|next| next.at <= self.handle.now());
        if !follows && !standing.contacts.is_empty() {
            let contacts = standing.contacts.clone();
            step.open
                .push((beside(&decision, Purpose::Unreached { contacts }, step.at.0), Vec::new()));
        }
        Ok(())
    }
}

/// A message in the channel of a decision's card.
fn beside(decision: &Decision, purpose: Purpose, at: crate::core::Time) -> NewPosting {
    let place = Place::Project(decision.request.project.clone());
    NewPosting { purpose, place, items: vec![Item::of(decision)], at }
}
