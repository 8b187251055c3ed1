//! Gander as the client of an agent: one prompt, whose words go to the terminal.
//!
//! Pure: takes lines and answers, and returns what is to be done.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::effect::Effect;
use super::elicitation;
use super::modes::AllowedModes;
use super::relay::mode_of;
use super::requests::{Handled, Requests, Setup};
use super::wire::{self, Id, Message};
use crate::presentation::text::acp as text;

/// The version of the protocol.
const VERSION: u64 = 1;

/// What is to be done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Task {
    pub(super) prompt: String,
    /// The session to continue; `None`: a new one.
    pub(super) session: Option<String>,
    /// The mode to set before the prompt.
    pub(super) mode: Option<String>,
    /// The folder of the session.
    pub(super) cwd: PathBuf,
}

/// How the prompt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// The agent stopped, for this reason of the protocol.
    Stopped(String),
    /// It did not come to that.
    Failed(String),
}

/// The request whose answer is awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Initialize,
    Open,
    SetMode,
    Prompt,
    Over,
}

/// The state of a client.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) requests: Requests,
    modes: AllowedModes,
    task: Task,
    phase: Phase,
    /// The number of the awaited request.
    number: u64,
    session: Option<String>,
    is_cancelled: bool,
    end: Option<End>,
    /// Whether the printed text ends a line.
    at_line_start: bool,
}

impl Client {
    /// `agent`: its name until it tells its own. Returns what is to be done first.
    pub(super) fn start(
        setup: Setup,
        modes: AllowedModes,
        agent: &str,
        task: Task,
    ) -> (Self, Vec<Effect>) {
        let mut client = Self {
            requests: Requests::new(setup, agent),
            modes,
            task,
            phase: Phase::Over,
            number: 0,
            session: None,
            is_cancelled: false,
            end: None,
            at_line_start: true,
        };
        let params = json!({
            "protocolVersion": VERSION,
            "clientCapabilities": {
                "fs": { "readTextFile": false, "writeTextFile": false },
                "terminal": false,
                "elicitation": { "form": {} },
            },
            "clientInfo": {
                "name": "gander", "title": "Gander", "version": env!("CARGO_PKG_VERSION"),
            },
        });
        let effects = vec![client.send(Phase::Initialize, wire::INITIALIZE, &params)];
        (client, effects)
    }

    /// How the prompt ended, if it has.
    pub(super) const fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// The session, once the agent has opened one.
    pub(super) fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    fn send(&mut self, phase: Phase, method: &str, params: &Value) -> Effect {
        self.phase = phase;
        self.number += 1;
        Effect::ToAgent(wire::request(self.number, method, params))
    }

    /// A line of the agent.
    pub(super) fn agent_sent(&mut self, line: &[u8]) -> Vec<Effect> {
        let mut effects = Vec::new();
        let Some(message) = Message::read(line) else {
            if !line.trim_ascii().is_empty() {
                effects.push(Effect::Tell(text::garbage(line)));
            }
            return effects;
        };
        match message {
            Message::Request { id, method, params } => match method.as_str() {
                wire::PERMISSION => self.requests.permission(id, params, &mut effects),
                wire::ELICITATION => {
                    if let Handled::No(id) = self.requests.elicitation(id, params, &mut effects) {
                        effects.push(Effect::Tell(text::FORM_DECLINED.to_owned()));
                        let declined = elicitation::declined();
                        effects.push(Effect::ToAgent(wire::result(&id, &declined)));
                    }
                }
                _ if self.requests.is_open(&id) => {}
                _ => {
                    let refused = wire::error(&id, wire::NO_METHOD, text::NOT_OFFERED);
                    effects.push(Effect::ToAgent(refused));
                }
            },
            Message::Notification { method, params } => match method.as_str() {
                wire::UPDATE => self.take_in(params, &mut effects),
                wire::CANCEL_REQUEST => {
                    if let Some(id) = Id::given_up(params) {
                        self.requests.give_up(&id, &mut effects);
                    }
                }
                _ => {}
            },
            Message::Response { id, result, error } if id == Id::of_number(self.number) => {
                match wire::read::<Value>(result) {
                    Some(result) => self.go_on(&result, &mut effects),
                    None => self.fail(text::agent_error(wire::read(error).as_ref()), &mut effects),
                }
            }
            Message::Response { .. } => {}
        }
        effects
    }

    fn take_in(&mut self, params: Option<&serde_json::value::RawValue>, effects: &mut Vec<Effect>) {
        let Some(news) = self.requests.update(params, effects) else { return };
        if let Some(mode) = news.mode.filter(|mode| !self.modes.allow(&self.requests.agent, mode)) {
            effects.push(Effect::Tell(text::mode_entered(&mode)));
        }
        // While a session is loaded, the agent tells what was said before.
        if self.phase != Phase::Prompt {
            return;
        }
        if let Some(words) = news.words.filter(|words| !words.is_empty()) {
            self.at_line_start = words.ends_with('\n');
            effects.push(Effect::Print(words));
        }
        if let Some((title, status)) = news.call {
            self.end_line(effects);
            effects.extend(text::call_status(&title, status.as_deref()).map(Effect::Tell));
        }
    }

    /// Ends the line that the agent's words have begun.
    pub(super) fn end_line(&mut self, effects: &mut Vec<Effect>) {
        if !std::mem::replace(&mut self.at_line_start, true) {
            effects.push(Effect::Print("\n".into()));
        }
    }

    /// The agent has answered the awaited request.
    fn go_on(&mut self, result: &Value, effects: &mut Vec<Effect>) {
        match self.phase {
            Phase::Initialize => {
                self.requests.introduce(result);
                self.open(result, effects);
            }
            Phase::Open => {
                let named = result["sessionId"].as_str().map(str::to_owned);
                let Some(session) = self.task.session.clone().or(named) else {
                    return self.fail(text::NO_SESSION.into(), effects);
                };
                let known = self.requests.known.open(&session, Some(self.task.cwd.clone()));
                known.mode = mode_of(result).or(known.mode.take());
                effects.push(Effect::Tell(text::session(&session)));
                self.session = Some(session.clone());
                match self.task.mode.clone() {
                    Some(mode) if !self.modes.allow(&self.requests.agent, &mode) => {
                        self.fail(text::mode_refused(&mode), effects);
                    }
                    Some(mode) => {
                        let params = json!({ "sessionId": session, "modeId": mode });
                        effects.push(self.send(Phase::SetMode, wire::SET_MODE, &params));
                    }
                    None => self.prompt(&session, effects),
                }
            }
            Phase::SetMode => {
                let Some(session) = self.session.clone() else { return };
                self.requests.known.open(&session, None).mode.clone_from(&self.task.mode);
                self.prompt(&session, effects);
            }
            Phase::Prompt => {
                let reason = result["stopReason"].as_str().unwrap_or_default().to_owned();
                self.finish(End::Stopped(reason), effects);
            }
            Phase::Over => {}
        }
    }

    fn open(&mut self, initialized: &Value, effects: &mut Vec<Effect>) {
        let capabilities = &initialized["agentCapabilities"];
        let can_load = capabilities["loadSession"] == true;
        let can_resume = capabilities["sessionCapabilities"]["resume"].is_object();
        let method = match &self.task.session {
            None => wire::NEW,
            Some(_) if can_load => wire::LOAD,
            Some(_) if can_resume => wire::RESUME,
            Some(_) => return self.fail(text::CANNOT_CONTINUE.into(), effects),
        };
        let mut params = json!({ "cwd": self.task.cwd, "mcpServers": [] });
        if let Some(session) = &self.task.session {
            params["sessionId"] = session.as_str().into();
            // The agent may ask before it has told all that was said before.
            self.requests.known.open(session, Some(self.task.cwd.clone()));
        }
        effects.push(self.send(Phase::Open, method, &params));
    }

    fn prompt(&mut self, session: &str, effects: &mut Vec<Effect>) {
        let mode = self.requests.known.session(session).and_then(|session| session.mode.clone());
        if let Some(mode) = mode.filter(|mode| !self.modes.allow(&self.requests.agent, mode)) {
            return self.fail(text::mode_refused(&mode), effects);
        }
        self.requests.known.begin_turn(session);
        let prompt = json!([{ "type": "text", "text": self.task.prompt }]);
        let params = json!({ "sessionId": session, "prompt": prompt });
        effects.push(self.send(Phase::Prompt, wire::PROMPT, &params));
    }

    /// The person stops the agent. Whether the agent was told.
    pub(super) fn cancel(&mut self) -> Option<Vec<Effect>> {
        let session = self.session.clone().filter(|_| self.phase == Phase::Prompt)?;
        if std::mem::replace(&mut self.is_cancelled, true) {
            return None;
        }
        let mut effects = Vec::new();
        self.requests.cancel_turn(&session, &mut effects);
        let params = json!({ "sessionId": session });
        effects.push(Effect::ToAgent(wire::notification(wire::CANCEL, &params)));
        Some(effects)
    }

    fn fail(&mut self, why: String, effects: &mut Vec<Effect>) {
        self.finish(End::Failed(why), effects);
    }

    fn finish(&mut self, end: End, effects: &mut Vec<Effect>) {
        self.phase = Phase::Over;
        self.end_line(effects);
        self.requests.end(text::AGENT_GONE, effects);
        self.end.get_or_insert(end);
    }
}

#[cfg(test)]
mod tests;
