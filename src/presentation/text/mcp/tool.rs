//! Descriptions of the MCP tools: they tell an agent or assistant when to call each tool.

/// `request_approval`.
pub const REQUEST: &str = "Ask a person for an approval, a choice or an answer before you \
    act. Files the question and returns its number at once, without waiting. Continue with \
    other work, then call await_decision with that number. In a client with tasks, the result \
    comes later and is the verdict itself: then there is nothing to wait for. Say what you saw, \
    why it matters and what you recommend (insight), and be honest about the risk: policy may \
    raise it, never lower it. Give a dedup_key to make repeated calls the same question.";
/// `await_decision`.
pub const AWAIT: &str = "Wait for the verdict on your question, for at most `seconds` \
    (default 45, at most 240). Returns as soon as a person has decided, and claims the \
    verdict: it can then no longer be undone, so act on it. Without a verdict in time, \
    returns the approvers and the next escalation step: call again for as long as you need \
    the answer. Rejected means no: do not look for a way around it.";
/// `report_outcome`.
pub const REPORT: &str = "Report the outcome after you acted on a verdict: succeeded or \
    failed, with a text. The person sees it on the same card.";
/// `withdraw`.
pub const WITHDRAW: &str = "Withdraw your question when it no longer needs an answer. The \
    person sees this on the card.";
/// `permission_prompt`.
pub const PERMISSION: &str = "For Claude Code's --permission-prompt-tool: asks a person \
    whether a tool may be used, waits for a while, and returns \
    {\"behavior\":\"allow\",\"updatedInput\":…} or {\"behavior\":\"deny\",\"message\":…}. Do \
    not call it yourself.";
/// `factory_get_pending_tasks`.
pub const PENDING: &str = "List the decisions that wait for the person's answer, most urgent \
    first, each with its number and revision. Show the person the full question before you \
    decide anything.";
/// `factory_approve_task`.
pub const APPROVE: &str = "Approve a decision in the name of the token's holder, because \
    they told you to, in this conversation, after seeing it. Give the revision that they \
    saw: if the decision changed since, nothing is decided. For a choice or a text answer, \
    give `option` or `answer`. High and critical risk is not decided here: the person \
    confirms it on Discord.";
/// `factory_reject_task`.
pub const REJECT: &str = "Reject a decision in the name of the token's holder, because they \
    told you to. Give their reason: the agent receives it word for word. Give the revision \
    that they saw.";
/// `factory_assign_priority`.
pub const PRIORITY: &str = "Set the priority of a decision, as the person wishes: low, \
    normal, high or urgent. Changes the order of waiting decisions, and decides nothing.";
/// `factory_get_blockers`.
pub const BLOCKERS: &str = "Show what blocks the work: decisions that wait for people, by \
    project, agent and job, with counts, waiting times, approvers and overdue ones.";
/// `factory_search`.
pub const SEARCH: &str = "Find decisions, open or closed, by words of their title, project \
    or kind, or by number; best match first. Without a query: newest first.";
