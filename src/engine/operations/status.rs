//! The overall status in figures, for `gander status` and for the surfaces.
//!
//! Every call reads the store. The bot's heartbeat ([`super::heartbeat`]) is included if this
//! process is the bot; another process adds the heartbeat itself. Surfaces choose the wording.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::heartbeat::Heartbeat;
use crate::core::Time;
use crate::core::access::Visibility;
use crate::core::decision::authorization::Area;
use crate::core::decision::event::Event;
use crate::core::decision::{Decision, DecisionId, State};
use crate::core::values::time_words::start_of_day;
use crate::engine::{Filter, HandleError, OperationsApi};

/// Events read at a time, from the end of the log backwards.
const PAGE: u64 = 500;

/// The overall status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SystemStatus {
    /// When the status was read, in store time.
    pub at: Time,
    /// Open decisions by project, sorted by name. Only projects with open decisions.
    pub projects: Vec<ProjectStatus>,
    /// Decisions with a verdict given since midnight in the configured time zone and not undone.
    pub decided_today: usize,
    /// Open decisions without an up-to-date card.
    pub unshown: Vec<DecisionId>,
    /// The heartbeat of the bot serving this store; absent if no bot is known to run.
    pub bot: Option<Heartbeat>,
}

/// One project's open decisions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProjectStatus {
    /// The project's name.
    pub project: String,
    /// Number of decisions waiting for an answer.
    pub waiting: usize,
    /// Number of waiting decisions past their SLA.
    pub overdue: usize,
    /// The earliest SLA breach among the waiting decisions.
    pub overdue_since: Option<Time>,
    /// The waiting decision asked first.
    pub oldest: Option<Oldest>,
    /// Number of deferred decisions.
    pub deferred: usize,
    /// When the next deferred decision returns.
    pub next_return: Option<Time>,
}

/// The longest-waiting decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Oldest {
    /// Decision number.
    pub id: DecisionId,
    /// When the decision was asked, in store time.
    pub asked_at: Time,
}

impl SystemStatus {
    /// Number of decisions waiting for an answer, in all projects.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.projects.iter().map(|project| project.waiting).sum()
    }

    /// Number of waiting decisions past their SLA, in all projects.
    #[must_use]
    pub fn overdue(&self) -> usize {
        self.projects.iter().map(|project| project.overdue).sum()
    }

    /// Number of deferred decisions, in all projects.
    #[must_use]
    pub fn deferred(&self) -> usize {
        self.projects.iter().map(|project| project.deferred).sum()
    }

    /// Whether a bot runs, is connected, uses the current configuration file, and shows every due
    /// card.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.bot.as_ref().is_some_and(Heartbeat::is_healthy)
    }
}

impl OperationsApi<'_> {
    /// Reads the overall status.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn status(self) -> Result<SystemStatus, HandleError> {
        self.status_of(None).await
    }

    /// Reads the status of some projects; `None`: of all.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn status_of(self, projects: Option<&[String]>) -> Result<SystemStatus, HandleError> {
        let at = self.handle.now();
        let visibility = projects.map_or(Visibility::All, |projects| Visibility::Limited {
            areas: vec![Area::of_projects(projects)],
            asker: String::new(),
        });
        let filter = Filter { open_only: true, visibility, ..Filter::default() };
        let open = self.handle.approvals().list(filter).await?;
        let unsettled: BTreeSet<DecisionId> = self
            .handle
            .with_store(|store| store.messages().outdated_cards())
            .await?
            .into_iter()
            .collect();
        let unshown = open
            .iter()
            .map(|decision| decision.id)
            .filter(|id| unsettled.contains(id))
            .rev()
            .collect();
        let zone = self.handle.rules().zone;
        let today = start_of_day(at.with_timezone(&zone).date_naive(), zone);
        let decided = self.decided_since(today).await?;
        let decided_today = match projects {
            None => decided.len(),
            Some(projects) => self.count_in(projects, decided).await?,
        };
        Ok(SystemStatus {
            at,
            projects: by_project(&open, at),
            decided_today,
            unshown,
            bot: self.heartbeat(),
        })
    }

    /// How many of these decisions belong to these projects.
    async fn count_in(
        self,
        projects: &[String],
        ids: Vec<DecisionId>,
    ) -> Result<usize, HandleError> {
        let found = self.handle.with_store(move |store| store.decisions().get_many(&ids)).await?;
        let in_them = |decision: &&Decision| projects.contains(&decision.request.project);
        Ok(found.iter().filter(in_them).count())
    }

    /// Decisions with a verdict given since a time and not undone. Reads the log backwards to this
    /// time.
    async fn decided_since(self, since: Time) -> Result<Vec<DecisionId>, HandleError> {
        let mut end = self.handle.event_log().head().await?.seq;
        // Only a decision's latest event counts, and reading backwards meets the latest first.
        let mut decided: BTreeMap<DecisionId, bool> = BTreeMap::new();
        while end > 0 {
            let start = end.saturating_sub(PAGE);
            let events = self
                .handle
                .event_log()
                .events(start, usize::try_from(end - start).unwrap_or(usize::MAX))
                .await?;
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
        Ok(decided.into_iter().filter(|(_, kept)| *kept).map(|(id, _)| id).collect())
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
