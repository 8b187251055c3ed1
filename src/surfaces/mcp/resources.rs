//! The resources: the dashboard, and each decision. Only open decisions are listed, but every
//! decision that the caller may see can be read.

use rmcp::ErrorData;
use rmcp::model::{
    ListResourceTemplatesResult, ListResourcesResult, ReadResourceResult, Resource,
    ResourceContents, ResourceTemplate,
};
use serde::Serialize;

use super::McpServer;
use super::answer::broken;
use super::schema::DecisionState;
use crate::core::decision::{Decision, DecisionId};
use crate::engine::approvals::access::{Access, AccessError};
use crate::engine::{Filter, HandleError};
use crate::presentation::text;

/// The dashboard's URI.
pub(super) const SUMMARY: &str = "factory://dashboard/summary";
/// URI prefix of decisions.
const DECISIONS: &str = "factory://decisions/";
/// Decisions per page of the list.
const PAGE: usize = 50;
/// Media type of every resource.
const JSON: &str = "application/json";

/// The URI of a decision.
pub(super) fn uri(id: DecisionId) -> String {
    format!("{DECISIONS}{}", id.0)
}

/// Whether a URI has one of our forms; the resource need not exist.
pub(super) fn is_ours(uri: &str) -> bool {
    uri == SUMMARY || decision_of(uri).is_some()
}

fn decision_of(uri: &str) -> Option<DecisionId> {
    let number = uri.strip_prefix(DECISIONS)?;
    // Only the canonical spelling is valid, so that a subscribed URI equals the URI in
    // notifications.
    let id: i64 = number.parse().ok().filter(|id| *id > 0)?;
    (id.to_string() == number).then_some(DecisionId(id))
}

impl McpServer {
    pub(super) async fn resources(
        &self,
        access: &Access,
        cursor: Option<&str>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let before = match cursor.map(str::parse) {
            None => None,
            Some(Ok(id)) => Some(DecisionId(id)),
            Some(Err(_)) => return Err(ErrorData::invalid_params(text::mcp::NO_CURSOR, None)),
        };
        let filter = Filter { open_only: true, before, limit: PAGE, ..Filter::default() };
        let open = access.list(filter).await.map_err(|error| broken(&error))?;
        let mut resources = Vec::new();
        if before.is_none() {
            let summary = Resource::new(SUMMARY, "summary").with_title(text::mcp::SUMMARY_TITLE);
            resources.push(summary.with_description(text::mcp::SUMMARY_WORDS).with_mime_type(JSON));
        }
        resources.extend(open.iter().map(|decision| self.resource(decision)));
        let mut list = ListResourcesResult::with_all_items(resources);
        list.next_cursor =
            open.last().filter(|_| open.len() == PAGE).map(|last| last.id.0.to_string());
        Ok(list)
    }

    fn resource(&self, decision: &Decision) -> Resource {
        Resource::new(uri(decision.id), format!("decision-{}", decision.id.0))
            .with_title(format!("{} {}", decision.id, text::mcp::title(&decision.request)))
            .with_description(self.line(decision))
            .with_mime_type(JSON)
    }

    pub(super) fn templates() -> ListResourceTemplatesResult {
        let template = ResourceTemplate::new(format!("{DECISIONS}{{id}}"), "decision")
            .with_title(text::mcp::DECISION_TITLE);
        ListResourceTemplatesResult::with_all_items(vec![
            template.with_description(text::mcp::DECISION_WORDS).with_mime_type(JSON),
        ])
    }

    pub(super) async fn read(
        &self,
        access: &Access,
        uri: &str,
    ) -> Result<ReadResourceResult, ErrorData> {
        if uri == SUMMARY {
            let summary = self.summary(access).await.map_err(|error| broken(&error))?;
            return contents(uri, &summary);
        }
        let missing = || ErrorData::resource_not_found(text::mcp::no_resource(uri), None);
        let id = decision_of(uri).ok_or_else(missing)?;
        match access.get(id).await {
            Ok(decision) => contents(
                uri,
                &self.told(DecisionState::from(&decision), self.line(&decision), &decision),
            ),
            Err(AccessError::Handle(HandleError::NoSuchDecision(_))) => Err(missing()),
            Err(error) => Err(broken(&error)),
        }
    }
}

fn contents(uri: &str, data: &impl Serialize) -> Result<ReadResourceResult, ErrorData> {
    let text = serde_json::to_string_pretty(data)
        .map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
    Ok(ReadResourceResult::new(vec![ResourceContents::text(text, uri).with_mime_type(JSON)]))
}
