//! Where everything stands, in figures: for `gander status` and for whoever asks a surface.
//!
//! Read from the store at each call. What the running bot says of itself ([`super::pulse`]) comes
//! from this process if it is the bot; another process adds it. Words for it are the surfaces' own.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveTime, TimeZone as _};
use serde::Serialize;

use super::pulse::Pulse;
use super::{Filter, Handle, HandleError};
use crate::core::Time;
use crate::core::decision::{Decision, DecisionId, State};
use crate::core::event::Event;

/// Events that are read at a time, from the end of the log backwards.
const PAGE: u64 = 500;

/// Where everything stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// When it was read, by the store's clock.
    pub at: Time,
    /// What is open, by project, in the order of their names. A project without anything open is
    /// not in it.
    pub projects: Vec<ProjectStatus>,
    /// Decisions that got their verdict since midnight of the configured time zone, and kept it.
    pub decided_today: usize,
    /// Open decisions whose card is not, or not yet, as it should be.
    pub unshown: Vec<DecisionId>,
    /// What the bot that serves this store says of itself; absent: none runs, as far as is known
    /// here.
    pub bot: Option<Pulse>,
}

/// What is open in one project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProjectStatus {
    /// Its name.
    pub project: String,
    /// Decisions that wait for an answer.
    pub waiting: usize,
    /// Those of them whose SLA is breached.
    pub overdue: usize,
    /// Since when the longest overdue of them is.
    pub overdue_since: Option<Time>,
    /// The one of them that was asked first.
    pub oldest: Option<Oldest>,
    /// Decisions that are put off.
    pub deferred: usize,
    /// When the first of those comes back.
    pub next_return: Option<Time>,
}

/// The decision that waits for the longest time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Oldest {
    /// Its number.
    pub id: DecisionId,
    /// When it was asked, by the store's clock.
    pub asked_at: Time,
}

impl Status {
    /// Decisions that wait for an answer.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.projects.iter().map(|project| project.waiting).sum()
    }

    /// Those of them whose SLA is breached.
    #[must_use]
    pub fn overdue(&self) -> usize {
        self.projects.iter().map(|project| project.overdue).sum()
    }

    /// Decisions that are put off.
    #[must_use]
    pub fn deferred(&self) -> usize {
        self.projects.iter().map(|project| project.deferred).sum()
    }

    /// Whether a bot runs, is connected, goes by the configuration as it is written, and shows
    /// every card that is due.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.bot.as_ref().is_some_and(Pulse::is_healthy)
    }
}

impl Handle {
    /// Where everything stands.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn status(&self) -> Result<Status, HandleError> {
        let at = self.now();
        let open = self.list(Filter { open_only: true, ..Filter::default() }).await?;
        let unsettled: BTreeSet<DecisionId> =
            self.store(|store| store.unsettled()).await?.into_iter().collect();
        let unshown = open
            .iter()
            .map(|decision| decision.id)
            .filter(|id| unsettled.contains(id))
            .rev()
            .collect();
        let decided_today = self.decided_since(self.midnight(at)).await?;
        Ok(Status {
            at,
            projects: by_project(&open, at),
            decided_today,
            unshown,
            bot: self.pulse(),
        })
    }

    /// The last midnight of the configured zone. Where the clock skips midnight, the first moment
    /// of that day.
    fn midnight(&self, now: Time) -> Time {
        let zone = self.rules().zone;
        let day = now.with_timezone(&zone).date_naive();
        let hours = (0..24).filter_map(|hour| NaiveTime::from_hms_opt(hour, 0, 0));
        let mut moments =
            hours.filter_map(|hour| zone.from_local_datetime(&day.and_time(hour)).earliest());
        moments.next().map_or(now, |midnight| midnight.to_utc())
    }

    /// How many decisions got a verdict since then and kept it. Reads the log backwards, as far as
    /// that time.
    async fn decided_since(&self, since: Time) -> Result<usize, HandleError> {
        let mut end = self.head().await?.seq;
        // What happened last to a decision counts, and that is met first.
        let mut decided: BTreeMap<DecisionId, bool> = BTreeMap::new();
        while end > 0 {
            let start = end.saturating_sub(PAGE);
            let events =
                self.events(start, usize::try_from(end - start).unwrap_or(usize::MAX)).await?;
            for logged in events.iter().rev().filter(|logged| logged.at >= since) {
                match logged.event {
                    Event::Resolved { .. } => drop(decided.entry(logged.decision).or_insert(true)),
                    Event::Undone { .. } => drop(decided.entry(logged.decision).or_insert(false)),
                    _ => {}
                }
            }
            if events.first().is_some_and(|first| first.at < since) {
                break;
            }
            end = start;
        }
        Ok(decided.values().filter(|kept| **kept).count())
    }
}

fn by_project(open: &[Decision], now: Time) -> Vec<ProjectStatus> {
    let mut projects: BTreeMap<&str, ProjectStatus> = BTreeMap::new();
    for decision in open {
        let name = decision.request.project.as_str();
        let project = projects.entry(name).or_insert_with(|| ProjectStatus {
            project: name.to_owned(),
            waiting: 0,
            overdue: 0,
            overdue_since: None,
            oldest: None,
            deferred: 0,
            next_return: None,
        });
        match &decision.state {
            State::Pending(_) => {
                project.waiting += 1;
                let breach = decision.breach_at();
                if breach <= now {
                    project.overdue += 1;
                    project.overdue_since =
                        Some(project.overdue_since.map_or(breach, |since| since.min(breach)));
                }
                let this = Oldest { id: decision.id, asked_at: decision.asked_at };
                let older =
                    |oldest: &Oldest| (oldest.asked_at, oldest.id) <= (this.asked_at, this.id);
                project.oldest = project.oldest.filter(older).or(Some(this));
            }
            State::Deferred { until, .. } => {
                project.deferred += 1;
                project.next_return =
                    Some(project.next_return.map_or(*until, |next| next.min(*until)));
            }
            State::Resolved(_) | State::Withdrawn { .. } => {}
        }
    }
    projects.into_values().collect()
}
