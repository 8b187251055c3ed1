//! The relay between a client and an agent: passes every line on as it came, except the agent's
//! requests that people answer ([`super::requests`]), and modes in which the agent asks nobody.
//!
//! Pure: takes lines and answers, and returns what is to be done.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::effect::Effect;
use super::elicitation;
use super::known::mode_of_options;
use super::modes::AllowedModes;
use super::requests::{Handled, Requests, Setup};
use super::wire::{self, Id, Message};
use crate::presentation::text::acp as text;

/// Most requests of the client of which the relay remembers what they were.
const MOST_REMEMBERED: usize = 1_000;
/// Most requests of the agent that the client has not answered.
const MOST_PASSED_ON: usize = 10_000;

/// The state of a relay.
#[derive(Debug)]
pub(super) struct Relay {
    pub(super) requests: Requests,
    modes: AllowedModes,
    /// The client's requests whose answers tell something.
    sent: HashMap<String, Sent>,
    /// The agent's requests that were passed on to the client, until it answers them.
    passed_on: HashSet<String>,
    client_fills_forms: bool,
}

/// What a request of the client was.
#[derive(Debug, Clone)]
enum Sent {
    Initialize,
    /// Opens a session in this folder; `None`: the answer names the session.
    Session {
        id: Option<String>,
        cwd: Option<PathBuf>,
    },
    Mode {
        session: String,
        mode: String,
    },
}

/// The parameters of the client's requests, as far as they matter.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Params {
    session_id: Option<String>,
    cwd: Option<PathBuf>,
    mode_id: Option<String>,
    config_id: Option<String>,
    value: Option<Value>,
}

impl Relay {
    /// `agent`: its name until it tells its own.
    pub(super) fn new(setup: Setup, modes: AllowedModes, agent: &str) -> Self {
        Self {
            requests: Requests::new(setup, agent),
            modes,
            sent: HashMap::new(),
            passed_on: HashSet::new(),
            client_fills_forms: false,
        }
    }

    /// A line of the agent.
    pub(super) fn agent_sent(&mut self, line: Vec<u8>) -> Vec<Effect> {
        let mut effects = Vec::new();
        let Some(message) = Message::read(&line) else {
            // What cannot be read here might be a request for another parser.
            if !line.trim_ascii().is_empty() {
                effects.push(Effect::Tell(text::garbage(&line)));
            }
            return effects;
        };
        let passes = match message {
            Message::Request { id, method, params } => {
                self.agent_asked(id, &method, params, &mut effects)
            }
            Message::Notification { method, params } => match method.as_str() {
                // Without an id, nobody could answer it.
                wire::PERMISSION | wire::ELICITATION => false,
                wire::UPDATE => {
                    self.take_in(params, &mut effects);
                    true
                }
                wire::CANCEL_REQUEST => {
                    !Id::given_up(params).is_some_and(|id| self.requests.give_up(&id, &mut effects))
                }
                _ => true,
            },
            Message::Response { id, result, .. } => {
                if let Some(sent) = self.sent.remove(id.key()) {
                    self.learn(sent, result, &mut effects);
                }
                true
            }
        };
        if passes {
            effects.push(Effect::ToClient(line));
        }
        effects
    }

    /// A request of the agent. Whether it passes on to the client.
    fn agent_asked(
        &mut self,
        id: Id,
        method: &str,
        params: Option<&RawValue>,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let refused = |id: &Id, why| Effect::ToAgent(wire::error(id, wire::INVALID_REQUEST, why));
        // The client answers another request of this number: that would be an answer to both.
        if self.passed_on.remove(id.key()) {
            effects.push(Effect::Tell(text::SAME_ID.to_owned()));
            effects.push(refused(&id, text::SAME_ID));
            return false;
        }
        let id = match method {
            wire::PERMISSION => {
                self.requests.permission(id, params, effects);
                return false;
            }
            wire::ELICITATION => match self.requests.elicitation(id, params, effects) {
                Handled::Yes => return false,
                Handled::No(id) if self.client_fills_forms => id,
                Handled::No(id) => {
                    effects.push(Effect::Tell(text::FORM_DECLINED.to_owned()));
                    let answer = elicitation::declined();
                    effects.push(Effect::ToAgent(wire::result(&id, &answer)));
                    return false;
                }
            },
            _ if self.requests.is_open(&id) => return false,
            _ => id,
        };
        if self.passed_on.len() >= MOST_PASSED_ON {
            effects.push(refused(&id, text::TOO_MANY));
            return false;
        }
        self.passed_on.insert(id.key().to_owned())
    }

    fn take_in(&mut self, params: Option<&RawValue>, effects: &mut Vec<Effect>) {
        let mode = self.requests.update(params, effects).and_then(|news| news.mode);
        self.enter(mode, effects);
    }

    /// The agent is in this mode.
    fn enter(&self, mode: Option<String>, effects: &mut Vec<Effect>) {
        if let Some(mode) = mode.filter(|mode| !self.modes.allow(&self.requests.agent, mode)) {
            effects.push(Effect::Tell(text::mode_entered(&mode)));
        }
    }

    /// The agent has answered a request of the client.
    fn learn(&mut self, sent: Sent, result: Option<&RawValue>, effects: &mut Vec<Effect>) {
        let Some(result) = wire::read::<Value>(result) else { return };
        match sent {
            Sent::Initialize => self.requests.introduce(&result),
            Sent::Session { id, cwd } => {
                let id = id.or_else(|| result["sessionId"].as_str().map(str::to_owned));
                let Some(id) = id else { return };
                let mode = mode_of(&result);
                let session = self.requests.known.open(&id, cwd);
                session.mode = mode.clone().or(session.mode.take());
                self.enter(mode, effects);
            }
            Sent::Mode { session, mode } => {
                self.requests.known.open(&session, None).mode = Some(mode);
            }
        }
    }

    /// A line of the client.
    pub(super) fn client_sent(&mut self, line: Vec<u8>) -> Vec<Effect> {
        let mut effects = Vec::new();
        let Some(message) = Message::read(&line) else {
            if !line.trim_ascii().is_empty() {
                effects.push(Effect::Tell(text::garbage(&line)));
            }
            return effects;
        };
        match message {
            Message::Request { id, method, params } => {
                let read: Params = wire::read(params).unwrap_or_default();
                if let Some(mode) = self.refused_mode(&method, &read) {
                    let words = text::mode_refused(&mode);
                    effects.push(Effect::Tell(words.clone()));
                    let answer = wire::error(&id, wire::INVALID_REQUEST, &words);
                    effects.push(Effect::ToClient(answer));
                    return effects;
                }
                let line = if method == wire::INITIALIZE { self.with_forms(line) } else { line };
                self.remember(&id, &method, read);
                effects.push(Effect::ToAgent(line));
            }
            Message::Notification { method, params } => {
                let session = wire::read::<Params>(params).and_then(|params| params.session_id);
                if let Some(session) = session.filter(|_| method == wire::CANCEL) {
                    self.requests.cancel_turn(&session, &mut effects);
                }
                effects.push(Effect::ToAgent(line));
            }
            Message::Response { id, .. } if self.passed_on.remove(id.key()) => {
                effects.push(Effect::ToAgent(line));
            }
            // The agent might take it for the answer to a request that people answer, now or later.
            Message::Response { .. } => effects.push(Effect::Tell(text::NOT_ASKED.to_owned())),
        }
        effects
    }

    /// The mode in which a request of the client would let the agent ask nobody.
    fn refused_mode(&self, method: &str, params: &Params) -> Option<String> {
        let mode = match method {
            wire::SET_MODE => params.mode_id.clone(),
            wire::SET_OPTION if params.config_id.as_deref().is_some_and(is_about_questions) => {
                params.value.as_ref().and_then(Value::as_str).map(str::to_owned)
            }
            wire::PROMPT => {
                let session = self.requests.known.session(params.session_id.as_deref()?)?;
                session.mode.clone()
            }
            _ => None,
        };
        mode.filter(|mode| !self.modes.allow(&self.requests.agent, mode))
    }

    fn remember(&mut self, id: &Id, method: &str, params: Params) {
        let Params { session_id, cwd, mode_id, config_id, value } = params;
        let cwd = cwd.filter(|cwd| cwd.is_absolute());
        if let Some(session) = &session_id {
            self.requests.known.open(session, cwd.clone());
        }
        let sent = match (method, session_id) {
            (wire::INITIALIZE, _) => Sent::Initialize,
            (wire::NEW | wire::FORK, _) => Sent::Session { id: None, cwd },
            (wire::LOAD | wire::RESUME, Some(id)) => Sent::Session { id: Some(id), cwd },
            (wire::PROMPT, Some(session)) => return self.requests.known.begin_turn(&session),
            (wire::SET_MODE, Some(session)) => {
                let Some(mode) = mode_id else { return };
                Sent::Mode { session, mode }
            }
            (wire::SET_OPTION, Some(session)) if config_id.as_deref() == Some("mode") => {
                let Some(Value::String(mode)) = value else { return };
                Sent::Mode { session, mode }
            }
            _ => return,
        };
        if self.sent.len() < MOST_REMEMBERED {
            self.sent.insert(id.key().to_owned(), sent);
        }
    }

    /// The client's introduction, with the ability to have forms filled in: people do it.
    fn with_forms(&mut self, line: Vec<u8>) -> Vec<u8> {
        let Ok(mut message) = serde_json::from_slice::<Value>(&line) else { return line };
        let Some(params) = message["params"].as_object_mut() else { return line };
        let none = || Value::Object(Map::new());
        let capabilities = params.entry("clientCapabilities").or_insert_with(none);
        let Some(capabilities) = capabilities.as_object_mut() else { return line };
        let forms = capabilities.entry("elicitation").or_insert_with(none);
        self.client_fills_forms = forms.get("form").is_some_and(Value::is_object);
        let Some(forms) = forms.as_object_mut().filter(|_| !self.client_fills_forms) else {
            return line;
        };
        forms.insert("form".into(), none());
        let mut line = message.to_string().into_bytes();
        line.push(b'\n');
        line
    }
}

/// Whether an option of a session may decide whether the agent asks.
fn is_about_questions(option: &str) -> bool {
    let option = option.to_lowercase();
    option != "model" && ["mode", "approv", "permission"].iter().any(|part| option.contains(part))
}

/// The mode that the answer to a client's request for a session tells.
pub(super) fn mode_of(result: &Value) -> Option<String> {
    let mode = result["modes"]["currentModeId"].as_str().map(str::to_owned);
    mode.or_else(|| mode_of_options(&result["configOptions"]))
}

#[cfg(test)]
pub(super) mod tests;
