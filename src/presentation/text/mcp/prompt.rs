//! Titles, arguments and texts of the MCP prompts that a person can start in an assistant.

/// Title of `whats_needs_attention`.
pub const ATTENTION: &str = "What needs my attention?";
/// Title of `review_server`.
pub const REVIEW: &str = "Review decisions about a server or project";
/// Title of `deploy_checklist`.
pub const CHECKLIST: &str = "Go through the checklist before a deployment";

/// `whats_needs_attention`.
#[must_use]
pub fn attention(waiting: &str) -> String {
    format!(
        "Tell me what needs my attention, most urgent first: for each decision, its number, \
         the question, what can go wrong, and the time left. Recommend nothing that the \
         decision itself does not support, and decide nothing until I say so by its number.\n\
         \n\
         {waiting}"
    )
}

/// Description of an argument.
pub const ONLY_PROJECT: &str = "Only this project";
/// Description of an argument.
pub const SERVER: &str = "Words of the server's or project's name; default: all";
/// Description of an argument.
pub const DEPLOYED: &str = "The project to deploy; default: all";
/// Description of an argument.
pub const ENVIRONMENT: &str = "The target environment: production, staging …";

/// `review_server`.
#[must_use]
pub fn review(server: Option<&str>, waiting: &str) -> String {
    let server = server.map_or_else(|| "everything".to_owned(), super::said);
    format!(
        "Review {server} with me: waiting decisions, recent decisions (factory_search), and \
         blockers (factory_get_blockers). Point out anything risky, overdue, or asked \
         repeatedly. Decide nothing until I say so by its number.\n\
         \n\
         {waiting}"
    )
}

/// `deploy_checklist`.
#[must_use]
pub fn checklist(project: Option<&str>, environment: Option<&str>, waiting: &str) -> String {
    let project = project.map(|project| format!(" {}", super::said(project))).unwrap_or_default();
    let environment = environment
        .map(|environment| format!(" to {}", super::said(environment)))
        .unwrap_or_default();
    format!(
        "I am about to deploy{project}{environment}. Go through this with me, one by one, \
         and say for each whether it is clear: 1. no open decision of high or critical risk; \
         2. nothing overdue; 3. all test results named in the decisions are passes; 4. all \
         requested credentials are in place; 5. the last deployment's outcome was reported \
         and succeeded (factory_search). If you cannot know, say so. Decide nothing until I \
         say so by its number.\n\
         \n\
         {waiting}"
    )
}
