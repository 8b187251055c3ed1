//! The prompts: frequent questions of a person to the assistant, with the pending decisions
//! attached as data.

use rmcp::ErrorData;
use rmcp::model::{
    GetPromptRequestParams, GetPromptResult, ListPromptsResult, Prompt, PromptArgument,
    PromptMessage, Role,
};

use super::McpServer;
use super::answer::broken;
use crate::engine::approvals::access::Access;
use crate::presentation::text;
use crate::presentation::text::mcp::prompt;

impl McpServer {
    pub(super) fn prompts() -> ListPromptsResult {
        let argument = |name: &str, words: &str| {
            PromptArgument::new(name).with_description(words).with_required(false)
        };
        let make = |name: &str, title: &str, arguments| {
            Prompt::new(name, Some(title), Some(arguments)).with_title(title)
        };
        ListPromptsResult::with_all_items(vec![
            make(
                "whats_needs_attention",
                prompt::ATTENTION,
                vec![argument("project", prompt::ONLY_PROJECT)],
            ),
            make("review_server", prompt::REVIEW, vec![argument("server", prompt::SERVER)]),
            make(
                "deploy_checklist",
                prompt::CHECKLIST,
                vec![
                    argument("project", prompt::DEPLOYED),
                    argument("environment", prompt::ENVIRONMENT),
                ],
            ),
        ])
    }

    pub(super) async fn prompt(
        &self,
        access: &Access,
        request: GetPromptRequestParams,
    ) -> Result<GetPromptResult, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        let argument = |name: &str| {
            let given = arguments.get(name).and_then(serde_json::Value::as_str).map(str::trim);
            given.filter(|given| !given.is_empty()).map(ToOwned::to_owned)
        };
        let (project, named) = match request.name.as_str() {
            "whats_needs_attention" | "deploy_checklist" => (argument("project"), None),
            "review_server" => (None, argument("server")),
            other => return Err(ErrorData::invalid_params(text::mcp::no_prompt(other), None)),
        };
        let waiting = self
            .waiting_words(access, project.as_deref(), named.as_deref())
            .await
            .map_err(|error| broken(&error))?;
        let (title, words) = match request.name.as_str() {
            "whats_needs_attention" => (prompt::ATTENTION, prompt::attention(&waiting)),
            "review_server" => (prompt::REVIEW, prompt::review(named.as_deref(), &waiting)),
            _ => (
                prompt::CHECKLIST,
                prompt::checklist(project.as_deref(), argument("environment").as_deref(), &waiting),
            ),
        };
        let mut result = GetPromptResult::new(vec![PromptMessage::new_text(Role::User, words)]);
        result.description = Some(title.to_owned());
        Ok(result)
    }
}
