//! Read-only tools and the dashboard for a person's assistant: pending decisions, blockers, search.
//! Limited to decisions that the caller may see.

use std::collections::BTreeMap;

use gander_client::types::{Moment, Phase};

use super::McpServer;
use super::answer::{Done, tool_success};
use super::schema::{
    Blockers, Blocking, DecisionList, Group, Owed, PendingInput, Search, SummaryOutput,
};
use crate::core::decision::{Decision, State};
use crate::core::policy::rules::project_name;
use crate::engine::Filter;
use crate::engine::approvals::access::{Access, AccessError};
use crate::presentation::find::ranked;
use crate::presentation::{json, text};

/// Default length of a list.
const USUAL: usize = 20;
/// Longest list.
const MOST: usize = 100;
/// Decisions that a search reads, newest first.
const SEARCHED: usize = 2_000;
/// Decisions on the dashboard.
const NEXT: usize = 5;
/// Groups of each sort in the text; the data contains all groups.
const SAID: usize = 5;

impl McpServer {
    /// Waiting decisions, most urgent first; only of `project`, if given.
    async fn waiting(
        &self,
        access: &Access,
        project: Option<&str>,
    ) -> Result<Vec<Decision>, AccessError> {
        let mut waiting = access.attention(0, usize::MAX).await?.decisions;
        if let Some(project) = project.map(project_name) {
            waiting.retain(|decision| decision.request.project == project);
        }
        Ok(waiting)
    }

    fn views(&self, decisions: &[Decision], count: usize) -> DecisionList {
        DecisionList::new(decisions.iter().map(|decision| self.view(decision)).collect(), count)
    }

    pub(super) async fn pending(&self, access: &Access, input: PendingInput) -> Done {
        let waiting = self.waiting(access, input.project.as_deref()).await;
        let waiting = match waiting {
            Ok(waiting) => waiting,
            Err(error) => return Err(self.refused(access, error).await),
        };
        let count = waiting.len();
        let limit = input.limit.unwrap_or(USUAL).clamp(1, MOST);
        let page: Vec<Decision> =
            waiting.into_iter().skip(input.offset.unwrap_or_default()).take(limit).collect();
        let lines: Vec<String> = page.iter().map(|decision| self.line(decision)).collect();
        tool_success(text::mcp::list(text::mcp::WAITING, &lines, count), &self.views(&page, count))
    }

    pub(super) async fn search(&self, access: &Access, input: Search) -> Done {
        let state = input.state.map(|state| match state {
            Phase::Pending => "pending",
            Phase::Deferred => "deferred",
            Phase::Resolved => "resolved",
            Phase::Withdrawn => "withdrawn",
        });
        let project = input.project.as_deref().map(project_name);
        let filter = Filter {
            state: state.map(ToOwned::to_owned),
            project,
            limit: SEARCHED,
            ..Filter::default()
        };
        let all = match access.list(filter).await {
            Ok(all) => all,
            Err(error) => return Err(self.refused(access, error).await),
        };
        let found = ranked(input.query.as_deref().unwrap_or_default(), &all);
        let (count, limit) = (found.len(), input.limit.unwrap_or(USUAL).clamp(1, MOST));
        let page: Vec<Decision> = found.into_iter().take(limit).cloned().collect();
        let line = |decision: &Decision| {
            let said = if matches!(decision.state, State::Pending(_)) {
                String::new()
            } else {
                let zone = self.handle.rules().zone;
                format!("; {}", text::mcp::waited(decision, None, self.handle.now(), zone, false))
            };
            format!("{}{said}", self.line(decision))
        };
        let lines: Vec<String> = page.iter().map(line).collect();
        tool_success(text::mcp::list(text::mcp::FOUND, &lines, count), &self.views(&page, count))
    }

    pub(super) async fn blockers(&self, access: &Access, input: Blocking) -> Done {
        let waiting = match self.waiting(access, input.project.as_deref()).await {
            Ok(waiting) => waiting,
            Err(error) => return Err(self.refused(access, error).await),
        };
        let projects = self.groups(&waiting, |decision| Some(decision.request.project.clone()));
        let agents = self.groups(&waiting, |decision| Some(decision.request.agent.name.clone()));
        let jobs = self.groups(&waiting, |decision| decision.request.job.clone());
        let longest = waiting.iter().min_by_key(|decision| decision.asked_at);
        let mut lines = Vec::new();
        for (sort, groups) in [("project", &projects), ("agent", &agents), ("job", &jobs)] {
            let said = groups.iter().take(SAID);
            lines.extend(said.map(|group| {
                let for_ = text::span(self.handle.clock().wall() - group.since.0);
                text::mcp::group(sort, &group.name, group.waiting, group.overdue, &for_)
            }));
        }
        let overdue: Vec<i64> = waiting
            .iter()
            .filter(|decision| self.is_overdue(decision))
            .map(|decision| decision.id.0)
            .collect();
        let longest_line = longest.map(|decision| self.line(decision));
        let words =
            text::mcp::blockers(waiting.len(), overdue.len(), &lines, longest_line.as_deref());
        let blockers = Blockers {
            waiting: waiting.len(),
            overdue,
            projects,
            agents,
            jobs,
            owed: self.owed(&waiting),
            longest: longest.map(|decision| self.view(decision)),
            data: text::mcp::DATA,
        };
        tool_success(words, &blockers)
    }

    /// The dashboard.
    pub(super) async fn summary(&self, access: &Access) -> Result<SummaryOutput, AccessError> {
        let waiting = self.waiting(access, None).await?;
        let put_off = Filter { state: Some("deferred".into()), ..Filter::default() };
        let deferred = access.list(put_off).await?.len();
        let overdue = waiting.iter().filter(|decision| self.is_overdue(decision)).count();
        Ok(SummaryOutput {
            words: text::mcp::summary(waiting.len(), overdue, deferred),
            waiting: waiting.len(),
            overdue,
            deferred,
            projects: self.groups(&waiting, |decision| Some(decision.request.project.clone())),
            next: waiting.iter().take(NEXT).map(|decision| self.view(decision)).collect(),
            data: text::mcp::DATA,
        })
    }

    /// Waiting decisions as text for a prompt. `named` keeps only decisions that match.
    pub(super) async fn waiting_words(
        &self,
        access: &Access,
        project: Option<&str>,
        named: Option<&str>,
    ) -> Result<String, AccessError> {
        let mut waiting = self.waiting(access, project).await?;
        if let Some(named) = named {
            waiting = ranked(named, &waiting).into_iter().cloned().collect();
        }
        let lines: Vec<String> =
            waiting.iter().take(USUAL).map(|decision| self.line(decision)).collect();
        Ok(text::mcp::list(text::mcp::WAITING, &lines, waiting.len()))
    }

    fn is_overdue(&self, decision: &Decision) -> bool {
        decision.breach_at() <= self.handle.now()
    }

    /// Groups by name, largest group first.
    fn groups(
        &self,
        waiting: &[Decision],
        name: impl Fn(&Decision) -> Option<String>,
    ) -> Vec<Group> {
        let mut by_name: BTreeMap<String, Group> = BTreeMap::new();
        for decision in waiting {
            let Some(name) = name(decision) else { continue };
            let since = Moment(self.handle.time_scale().wall_time(decision.asked_at));
            let new =
                || Group { name: name.clone(), waiting: 0, overdue: 0, since, ids: Vec::new() };
            let group = by_name.entry(name.clone()).or_insert_with(new);
            group.waiting += 1;
            group.overdue += usize::from(self.is_overdue(decision));
            group.since = group.since.min(since);
            group.ids.push(decision.id.0);
        }
        let mut groups: Vec<Group> = by_name.into_values().collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.waiting));
        groups
    }

    fn owed(&self, waiting: &[Decision]) -> Vec<Owed> {
        let mut owed: Vec<Owed> = Vec::new();
        for decision in waiting {
            let by = json::approvers(&self.handle.approvers().who_may(decision));
            match owed.iter_mut().find(|owed| owed.by == by) {
                Some(owed) => owed.ids.push(decision.id.0),
                None => owed.push(Owed { by, ids: vec![decision.id.0] }),
            }
        }
        owed
    }
}
