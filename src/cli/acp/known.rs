//! What the agent's updates tell of a session before a request: each tool call, the plan, and the
//! agent's words. A request may name a call without its arguments, which an update told before.

use std::collections::VecDeque;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

use crate::presentation::acp::{Context, PlanStep, StepStatus};

/// Most bytes of the descriptions that are kept, of all tool calls.
const MOST_BYTES: usize = 16 << 20;
/// Longest description of a tool call that is kept, in bytes: no person could read more.
const LONGEST_CALL: usize = 1 << 20;
/// Most sessions of a client.
const MOST_SESSIONS: usize = 256;
/// Most characters of the agent's words that are kept.
const LONGEST_WORDS: usize = 600;
/// Most steps of a plan that are kept.
const MOST_STEPS: usize = 20;
/// Longest step of a plan, in characters.
const LONGEST_STEP: usize = 120;

/// A tool call as an agent describes it, in an update or in a request.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Described {
    pub(super) title: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) status: Option<String>,
    pub(super) content: Option<Vec<Value>>,
    pub(super) locations: Option<Vec<Value>>,
    pub(super) raw_input: Option<Value>,
    pub(super) raw_output: Option<Value>,
    #[serde(rename = "_meta")]
    pub(super) meta: Option<Value>,
}

/// What is known of a tool call.
#[derive(Debug, Clone, Default)]
pub(super) struct KnownCall {
    /// The title by which the agent introduced the call: often the tool's name.
    pub(super) first_title: Option<String>,
    /// What it told last, field by field.
    pub(super) last: Described,
    /// The arguments, where the agent told them as a text.
    pub(super) spelled: Option<Value>,
    /// The decision by which the call may run.
    pub(super) decision: Option<i64>,
}

/// A session of the agent.
#[derive(Debug, Clone, Default)]
pub(super) struct Session {
    /// The folder that the client named.
    pub(super) cwd: Option<PathBuf>,
    /// The mode that the agent is in.
    pub(super) mode: Option<String>,
    /// What the agent told of its work.
    pub(super) context: Context,
    /// Whether the next words begin a message.
    is_message_over: bool,
}

/// All sessions, as far as they are known.
#[derive(Debug, Default)]
pub(super) struct Known {
    sessions: VecDeque<(String, Session)>,
    calls: VecDeque<Kept>,
    bytes: usize,
}

#[derive(Debug)]
struct Kept {
    session: String,
    id: String,
    bytes: usize,
    call: KnownCall,
}

/// How a tool call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ended {
    /// The decision by which it ran.
    pub(super) decision: i64,
    pub(super) succeeded: bool,
    pub(super) text: String,
}

/// What an update brings.
#[derive(Debug, Default)]
pub(super) struct News {
    /// A tool call about which a person decided has ended.
    pub(super) ended: Option<Ended>,
    /// The mode that the session is in from now on.
    pub(super) mode: Option<String>,
    /// The agent's words.
    pub(super) words: Option<String>,
    /// A tool call that begins or ends, with its status.
    pub(super) call: Option<(String, Option<String>)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Update {
    session_id: String,
    update: Value,
}

impl Known {
    /// The session. `None`: no client has opened it.
    pub(super) fn session(&self, id: &str) -> Option<&Session> {
        self.sessions.iter().find_map(|(known, session)| (known == id).then_some(session))
    }

    fn session_mut(&mut self, id: &str) -> Option<&mut Session> {
        self.sessions.iter_mut().find_map(|(known, session)| (known == id).then_some(session))
    }

    /// The client works in this session, in this folder if it names one.
    pub(super) fn open(&mut self, id: &str, cwd: Option<PathBuf>) -> &mut Session {
        let at = self.sessions.iter().position(|(known, _)| known == id);
        let at = at.unwrap_or_else(|| {
            if self.sessions.len() == MOST_SESSIONS {
                self.sessions.pop_front();
            }
            self.sessions.push_back((id.to_owned(), Session::default()));
            self.sessions.len() - 1
        });
        let session = &mut self.sessions[at].1;
        session.cwd = cwd.or(session.cwd.take());
        session
    }

    /// What is known of a tool call.
    pub(super) fn call(&self, session: &str, id: &str) -> KnownCall {
        let found = self.calls.iter().rev().find(|kept| kept.session == session && kept.id == id);
        found.map(|kept| kept.call.clone()).unwrap_or_default()
    }

    /// A tool call may run by this decision.
    pub(super) fn decided(&mut self, session: &str, id: &str, decision: i64) {
        self.change(session, id, |call| call.decision = Some(decision));
    }

    /// The session begins a turn.
    pub(super) fn begin_turn(&mut self, session: &str) {
        if let Some(session) = self.session_mut(session) {
            session.context.words.clear();
        }
    }

    /// Takes in an update. `None`: not of a session that is known, or not readable.
    pub(super) fn update(&mut self, params: Value) -> Option<News> {
        let Update { session_id, update } = serde_json::from_value(params).ok()?;
        self.session(&session_id)?;
        let mut news = News::default();
        let kind = update["sessionUpdate"].as_str().unwrap_or_default().to_owned();
        match kind.as_str() {
            "agent_message_chunk" => {
                let words = update["content"]["text"].as_str().unwrap_or_default();
                self.session_mut(&session_id)?.add(words);
                news.words = Some(words.to_owned());
            }
            "plan" => self.session_mut(&session_id)?.context.plan = steps(&update["entries"]),
            "current_mode_update" => news.mode = update["currentModeId"].as_str().map(Into::into),
            "config_option_update" => news.mode = mode_of_options(&update["configOptions"]),
            "tool_call" | "tool_call_update" => {
                self.session_mut(&session_id)?.is_message_over = true;
                self.describe(&session_id, update, &mut news)?;
            }
            _ => {}
        }
        if let Some(mode) = &news.mode {
            self.session_mut(&session_id)?.mode = Some(mode.clone());
        }
        Some(news)
    }

    /// Takes in an update about a tool call. `None`: it is not readable.
    fn describe(&mut self, session: &str, update: Value, news: &mut News) -> Option<()> {
        let id = update["toolCallId"].as_str()?.to_owned();
        let is_long = update.to_string().len() > LONGEST_CALL;
        let mut told: Described = serde_json::from_value(update).ok()?;
        if is_long {
            told = Described { title: told.title, status: told.status, ..Described::default() };
        }
        let status = told.status.clone();
        let output = told.raw_output.take();
        let call = self.change(session, &id, |call| {
            call.take_in(told);
            if is_long {
                call.forget_arguments();
            }
        });
        let title = call.last.title.clone().or(call.first_title.clone()).unwrap_or_default();
        let is_over = matches!(status.as_deref(), Some("completed" | "failed"));
        news.ended = call.decision.filter(|_| is_over).map(|decision| Ended {
            decision,
            succeeded: status.as_deref() == Some("completed"),
            text: output.as_ref().map(output_text).unwrap_or_default(),
        });
        if news.ended.is_some() {
            self.change(session, &id, |call| call.decision = None);
        }
        news.call = Some((title, status));
        Some(())
    }

    /// Changes what is known of a call, and forgets the oldest calls where all are too long.
    fn change(
        &mut self,
        session: &str,
        id: &str,
        change: impl FnOnce(&mut KnownCall),
    ) -> KnownCall {
        let at = self.calls.iter().position(|kept| kept.session == session && kept.id == id);
        let mut kept = at.and_then(|at| self.calls.remove(at)).unwrap_or_else(|| Kept {
            session: session.to_owned(),
            id: id.to_owned(),
            bytes: 0,
            call: KnownCall::default(),
        });
        self.bytes = self.bytes.saturating_sub(kept.bytes);
        change(&mut kept.call);
        kept.bytes = kept.session.len() + kept.id.len() + kept.call.bytes();
        self.bytes += kept.bytes;
        let call = kept.call.clone();
        self.calls.push_back(kept);
        while self.bytes > MOST_BYTES {
            let Some(oldest) = self.calls.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(oldest.bytes);
        }
        call
    }
}

impl KnownCall {
    fn take_in(&mut self, told: Described) {
        if self.first_title.is_none() {
            self.first_title.clone_from(&told.title);
        }
        if let Some(spelled) = told.content.as_deref().and_then(spelled) {
            self.spelled = Some(spelled);
        }
        self.last = told.over(std::mem::take(&mut self.last));
    }

    /// What was told of the arguments is no longer all.
    fn forget_arguments(&mut self) {
        let title = self.last.title.take();
        self.last = Described { title, ..Described::default() };
        self.spelled = None;
    }

    /// Roughly the memory that the call takes.
    fn bytes(&self) -> usize {
        let text = |text: &Option<String>| text.as_deref().map_or(0, str::len);
        let value = |value: &Option<Value>| value.as_ref().map_or(0, |v| v.to_string().len());
        let list = |list: &Option<Vec<Value>>| {
            list.iter().flatten().map(|value| value.to_string().len()).sum::<usize>()
        };
        let Described { title, kind, content, locations, raw_input, meta, .. } = &self.last;
        100 + text(&self.first_title)
            + text(title)
            + text(kind)
            + list(content)
            + list(locations)
            + value(raw_input)
            + value(meta)
            + value(&self.spelled)
    }
}

impl Described {
    /// This description, with what only `before` tells.
    pub(super) fn over(self, before: Self) -> Self {
        Self {
            title: self.title.or(before.title),
            kind: self.kind.or(before.kind),
            status: self.status.or(before.status),
            content: self.content.or(before.content),
            locations: self.locations.or(before.locations),
            raw_input: self.raw_input.or(before.raw_input),
            raw_output: self.raw_output.or(before.raw_output),
            meta: self.meta.or(before.meta),
        }
    }

    /// The texts of the content, one below the other.
    pub(super) fn texts(&self) -> Vec<&str> {
        let content = self.content.as_deref().unwrap_or_default();
        content.iter().filter_map(|part| part["content"]["text"].as_str()).collect()
    }
}

/// The arguments that an agent writes as the only text of a call (Kimi).
fn spelled(content: &[Value]) -> Option<Value> {
    let [part] = content else { return None };
    let text = part["content"]["text"].as_str()?;
    serde_json::from_str(text).ok().filter(Value::is_object)
}

/// What a tool gave back, as a text.
fn output_text(output: &Value) -> String {
    let text = output.as_str().or_else(|| output["output"].as_str());
    let text = text.or_else(|| output["text"].as_str());
    text.map_or_else(|| output.to_string(), str::to_owned)
}

impl Session {
    /// Adds words to the agent's last message.
    fn add(&mut self, words: &str) {
        if std::mem::take(&mut self.is_message_over) {
            self.context.words.clear();
        }
        let said = &mut self.context.words;
        said.push_str(words);
        let over = said.chars().count().saturating_sub(LONGEST_WORDS);
        if over > 0 {
            *said = said.chars().skip(over).collect();
        }
    }
}

fn steps(entries: &Value) -> Vec<PlanStep> {
    let entries = entries.as_array().map(Vec::as_slice).unwrap_or_default();
    let step = |entry: &Value| {
        let words: String = entry["content"].as_str()?.chars().take(LONGEST_STEP).collect();
        let status = match entry["status"].as_str() {
            Some("completed") => StepStatus::Completed,
            Some("in_progress") => StepStatus::InProgress,
            _ => StepStatus::Pending,
        };
        Some(PlanStep { words, status })
    };
    entries.iter().take(MOST_STEPS).filter_map(step).collect()
}

/// The mode in a list of options that a client can set.
pub(super) fn mode_of_options(options: &Value) -> Option<String> {
    let option = options.as_array()?.iter().find(|option| is_mode(option))?;
    option["currentValue"].as_str().map(ToOwned::to_owned)
}

/// Whether an option that a client can set is the session's mode.
fn is_mode(option: &Value) -> bool {
    option["category"] == "mode" || option["id"] == "mode"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn known() -> Known {
        let mut known = Known::default();
        known.open("s", Some("/home/maya/shop".into()));
        known
    }

    fn tell(known: &mut Known, update: Value) -> Option<News> {
        known.update(json!({ "sessionId": "s", "update": update }))
    }

    fn call(known: &mut Known, id: &str, input: Value) {
        let call = json!({ "sessionUpdate": "tool_call", "toolCallId": id, "title": "Bash",
            "rawInput": input });
        assert!(tell(known, call).is_some());
    }

    #[test]
    fn the_last_word_on_a_call_counts_field_by_field() {
        let mut known = known();
        call(&mut known, "a", json!({ "command": "ls" }));
        let update = json!({ "sessionUpdate": "tool_call_update", "toolCallId": "a",
            "title": "Running ls", "rawInput": { "command": "ls -l" } });
        tell(&mut known, update);
        let found = known.call("s", "a");
        assert_eq!(found.first_title.as_deref(), Some("Bash"));
        assert_eq!(found.last.title.as_deref(), Some("Running ls"));
        assert_eq!(found.last.raw_input, Some(json!({ "command": "ls -l" })));
        assert_eq!(known.call("t", "a").first_title, None, "of another session");
    }

    #[test]
    fn arguments_that_were_too_long_to_keep_are_not_known() {
        let mut known = known();
        call(&mut known, "a", json!({ "command": "ls" }));
        call(&mut known, "a", json!({ "command": "x".repeat(LONGEST_CALL) }));
        assert_eq!(known.call("s", "a").last.raw_input, None);
        for n in 0..100 {
            call(&mut known, &n.to_string(), json!({ "command": "x".repeat(LONGEST_CALL / 2) }));
        }
        assert!(known.bytes <= MOST_BYTES && known.calls.len() < 40);
        assert_eq!(known.call("s", "0").last.raw_input, None, "the oldest are forgotten");
        assert!(known.call("s", "99").last.raw_input.is_some());
    }

    #[test]
    fn the_agents_last_words_and_plan_are_kept() {
        let mut known = known();
        let say = |known: &mut Known, words: &str| {
            tell(
                known,
                json!({ "sessionUpdate": "agent_message_chunk",
                "content": { "type": "text", "text": words } }),
            );
        };
        say(&mut known, "I look");
        say(&mut known, " around.");
        call(&mut known, "a", json!({}));
        say(&mut known, "Now I build.");
        let plan = json!({ "sessionUpdate": "plan", "entries": [
            { "content": "Look", "priority": "high", "status": "completed" },
            { "content": "Build", "priority": "high", "status": "in_progress" },
            { "content": 7 },
        ] });
        tell(&mut known, plan);
        let context = &known.session("s").unwrap().context;
        assert_eq!(context.words, "Now I build.");
        let steps: Vec<&str> = context.plan.iter().map(|step| step.words.as_str()).collect();
        assert_eq!(steps, ["Look", "Build"]);
        say(&mut known, &"é".repeat(5_000));
        assert_eq!(known.session("s").unwrap().context.words.chars().count(), LONGEST_WORDS);
        known.begin_turn("s");
        assert!(known.session("s").unwrap().context.words.is_empty());
    }

    #[test]
    fn a_client_opens_so_many_sessions() {
        let mut known = known();
        assert!(known.update(json!({ "sessionId": "t", "update": {} })).is_none());
        for n in 0..2 * MOST_SESSIONS {
            known.open(&n.to_string(), None);
        }
        assert_eq!(known.sessions.len(), MOST_SESSIONS);
        assert!(known.session("s").is_none());
    }
}
