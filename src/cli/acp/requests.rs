//! The agent's requests that people answer: which are open, what is asked about each, and what the
//! agent is told. Every request gets one answer, and every doubt is a no.
//!
//! Pure: takes messages and answers, and returns what is to be done.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use super::about::{About, QwenQuestion, choices, is_asking};
use super::call::{self, Place, ReadCall};
use super::effect::{
    Answer, Answered, AskId, AskedCallQuestion, AskedQuestion, CallAnswers, Denier, Effect, Yes,
};
use super::elicitation::{self, ElicitationRequest, Wants};
use super::known::{Known, News};
use super::permission::{self, Offer, PermissionRequest};
use super::wire::{self, Id};
use crate::cli::gate::Unique;
use crate::core::decision::{Agent, Choice, Outcome};
use crate::core::hex;
use crate::presentation::acp::{AgentQuestion, Context, agent_name};
use crate::presentation::text::acp as text;

/// Most requests that wait for an answer at a time.
const MOST_OPEN: usize = 100;
/// Longest request, in bytes: no person could judge a longer one.
const LONGEST: usize = 1 << 20;
/// Beginning of the dedup keys of an agent's questions.
pub(in crate::cli) const KEY: &str = "acp:";

/// What the person who started the relay has set.
#[derive(Debug, Clone, Default)]
pub(super) struct Setup {
    /// The folder that the agent works in.
    pub(super) root: PathBuf,
    pub(super) home: Option<PathBuf>,
    /// Whether people choose among the agent's own options for every call.
    pub(super) show: ShownOptions,
}

/// Which answers people see for a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum ShownOptions {
    /// Approve and Reject, where the agent has one option for each.
    #[default]
    YesOrNo,
    /// The agent's own.
    Agents,
}

/// A request that waits for an answer.
#[derive(Debug)]
struct Open {
    id: Id,
    session: String,
    about: About,
    /// Equal for requests about the same call. Only one of them is asked at a time: one approval is
    /// for one call.
    key: String,
    /// The question, while another request about the same call is asked.
    behind: Option<Box<AskedQuestion>>,
}

/// The open requests, and what is known of the sessions.
#[derive(Debug)]
pub(super) struct Requests {
    setup: Setup,
    pub(super) agent: String,
    pub(super) known: Known,
    open: BTreeMap<AskId, Open>,
    /// The keys of questions that are being withdrawn. Until that is done, nothing is asked under
    /// them: it would be the same question.
    withdrawing: BTreeMap<AskId, String>,
    next: u64,
}

impl Requests {
    /// `agent`: its name until it tells its own.
    pub(super) fn new(setup: Setup, agent: &str) -> Self {
        Self {
            setup,
            agent: agent_name(agent),
            known: Known::default(),
            open: BTreeMap::new(),
            withdrawing: BTreeMap::new(),
            next: 0,
        }
    }

    /// The agent tells its name.
    pub(super) fn introduce(&mut self, initialized: &Value) {
        let info = &initialized["agentInfo"];
        let named = ["title", "name"].into_iter().filter_map(|field| info[field].as_str());
        if let Some(name) = named.map(agent_name).find(|name| !name.is_empty()) {
            self.agent = name;
        }
    }

    /// The agent asks before a tool call.
    pub(super) fn permission(
        &mut self,
        id: Id,
        params: Option<&RawValue>,
        effects: &mut Vec<Effect>,
    ) {
        if !self.is_new(&id, effects) {
            return;
        }
        let refuse = |answer: Value| Effect::ToAgent(wire::result(&id, &answer));
        let request = match readable::<PermissionRequest>(params) {
            Ok(request) => request,
            Err(why) => {
                effects.push(Effect::Tell(why.to_owned()));
                effects.push(refuse(permission::cancelled(why)));
                return;
            }
        };
        let why = if self.known.session(&request.session_id).is_none() {
            Some(text::OTHER_SESSION)
        } else if request.offer() == Offer::Unusable {
            Some(text::UNUSABLE)
        } else if self.open.len() >= MOST_OPEN {
            Some(text::TOO_MANY)
        } else {
            None
        };
        if let Some(why) = why {
            effects.push(Effect::Tell(why.to_owned()));
            effects.push(refuse(request.no(why)));
            return;
        }
        match self.question_about(&request) {
            Some((about, key, question)) => {
                let session = request.session_id;
                self.ask(Open { id, session, about, key, behind: None }, question, effects);
            }
            None => effects.push(refuse(request.no(text::UNUSABLE))),
        }
    }

    /// What is asked about a request. `None`: a question that nobody could answer here.
    fn question_about(
        &self,
        request: &PermissionRequest,
    ) -> Option<(About, String, AskedQuestion)> {
        let (session, call_id) = (&request.session_id, &request.tool_call.tool_call_id);
        let known = self.known.call(session, call_id);
        let of_session = self.known.session(session);
        let cwd = of_session.and_then(|session| session.cwd.as_deref()).unwrap_or(&self.setup.root);
        let home = self.setup.home.as_deref();
        let place = Place { agent: &self.agent, session, cwd, home };
        let read = call::read(&place, &request.tool_call.described, &known);
        let context = self.context(session);
        if let Some(qwen) = QwenQuestion::of(request) {
            let qwen = qwen?;
            let asked = self.asked(request, qwen.message, qwen.options, context);
            let about = About::Question { request: request.clone(), qwen: Some(qwen.submit) };
            return Some((about, asked.key.clone(), AskedQuestion::Question(asked)));
        }
        if is_asking(&read, request) {
            let names = request.names().into_iter();
            let options = names.map(|name| Choice { name, description: String::new() }).collect();
            let message = request.tool_call.described.texts().join("\n");
            let asked = self.asked(request, message, options, context);
            let about = About::Question { request: request.clone(), qwen: None };
            return Some((about, asked.key.clone(), AskedQuestion::Question(asked)));
        }
        let key = read.call.key();
        let ReadCall { call, arguments } = read;
        let options = |yes| CallAnswers::Options {
            options: choices(request),
            stopping: request.stopping(),
            yes,
        };
        let answers = match (request.offer(), self.setup.show) {
            (Offer::Choice, _) => options(Yes::Ambiguous),
            (_, ShownOptions::Agents) if request.options.len() > 1 => options(Yes::Certain),
            _ => CallAnswers::YesOrNo,
        };
        let question = AskedCallQuestion { call, arguments, context, answers };
        let about = About::Call { request: request.clone() };
        Some((about, key, AskedQuestion::Call(Box::new(question))))
    }

    fn asked(
        &self,
        request: &PermissionRequest,
        message: String,
        options: Vec<Choice>,
        context: Context,
    ) -> AgentQuestion {
        let header = request.tool_call.described.title.clone().unwrap_or_default();
        let parts = [request.tool_call.tool_call_id.as_str(), &message];
        let key = self.key(&request.session_id, &parts, &options);
        let agent = self.agent_of(&request.session_id);
        AgentQuestion { agent, message, header, options, context, key }
    }

    fn agent_of(&self, session: &str) -> Agent {
        Agent { name: self.agent.clone(), session: Some(session.to_owned()) }
    }

    fn context(&self, session: &str) -> Context {
        let session = self.known.session(session);
        session.map(|session| session.context.clone()).unwrap_or_default()
    }

    /// Equal for a question that is asked again, also after a restart.
    fn key(&self, session: &str, parts: &[&str], options: &[Choice]) -> String {
        let names = options.iter().map(|option| option.name.as_str());
        let mut hash = Sha256::new();
        for part in
            [self.agent.as_str(), session].into_iter().chain(parts.iter().copied()).chain(names)
        {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        format!("{KEY}{}", hex(&hash.finalize()[..16]))
    }

    /// The agent wants a form filled in. Returns the request if it is left to the client.
    pub(super) fn elicitation(
        &mut self,
        id: Id,
        params: Option<&RawValue>,
        effects: &mut Vec<Effect>,
    ) -> Handled {
        if !self.is_new(&id, effects) {
            return Handled::Yes;
        }
        let refuse = |answer: Value| Effect::ToAgent(wire::result(&id, &answer));
        let request = match readable::<ElicitationRequest>(params) {
            Ok(request) => request,
            Err(why) => {
                effects.push(Effect::Tell(why.to_owned()));
                effects.push(refuse(elicitation::cancelled()));
                return Handled::Yes;
            }
        };
        let session = request.session_id.as_deref();
        let session = session.filter(|session| self.known.session(session).is_some());
        let (Some(session), Some(form)) = (session, request.form()) else { return Handled::No(id) };
        if self.open.len() >= MOST_OPEN {
            effects.push(Effect::Tell(text::TOO_MANY.to_owned()));
            effects.push(refuse(elicitation::cancelled()));
            return Handled::Yes;
        }
        let options = match &form.wants {
            Wants::Choice(options) => options.iter().map(|(choice, _)| choice.clone()).collect(),
            Wants::Text => Vec::new(),
        };
        let call = request.tool_call_id.as_deref().unwrap_or_default();
        let key = self.key(session, &[call, &request.message, &form.header], &options);
        let asked = AgentQuestion {
            agent: self.agent_of(session),
            message: request.message.clone(),
            header: form.header.clone(),
            options,
            context: self.context(session),
            key: key.clone(),
        };
        let open =
            Open { session: session.to_owned(), id, about: About::Form(form), key, behind: None };
        self.ask(open, AskedQuestion::Question(asked), effects);
        Handled::Yes
    }

    fn ask(&mut self, open: Open, question: AskedQuestion, effects: &mut Vec<Effect>) {
        let ask = AskId(self.next);
        self.next += 1;
        let question = Box::new(question);
        let mut keys = self.open.values().map(|other| &other.key).chain(self.withdrawing.values());
        let is_behind = keys.any(|key| *key == open.key);
        let behind = is_behind.then(|| question.clone());
        self.open.insert(ask, Open { behind, ..open });
        if !is_behind {
            effects.push(Effect::Ask { ask, question });
        }
    }

    /// Whether no open request has this id. Where one has, the agent has asked two things under one
    /// number: nobody could tell which of them an answer is for.
    fn is_new(&mut self, id: &Id, effects: &mut Vec<Effect>) -> bool {
        let Some(ask) = self.ask_of(id) else { return true };
        effects.push(Effect::Tell(text::SAME_ID.to_owned()));
        self.close(ask, text::SAME_ID, effects);
        false
    }

    fn ask_of(&self, id: &Id) -> Option<AskId> {
        self.open.iter().find_map(|(ask, open)| (open.id == *id).then_some(*ask))
    }

    /// Whether the agent waits for the answer to its request of this id.
    pub(super) fn is_open(&self, id: &Id) -> bool {
        self.ask_of(id).is_some()
    }

    /// Ends a request without an answer of people.
    fn close(&mut self, ask: AskId, why: &'static str, effects: &mut Vec<Effect>) {
        let Some(open) = self.open.remove(&ask) else { return };
        let answer = match &open.about {
            About::Call { .. } | About::Question { .. } => permission::cancelled(text::CANCELLED),
            About::Form(_) => elicitation::cancelled(),
        };
        effects.push(Effect::ToAgent(wire::result(&open.id, &answer)));
        self.ended(ask, open, why, effects);
    }

    /// Withdraws the question about a request that is closed, if it was asked.
    fn ended(&mut self, ask: AskId, open: Open, why: &'static str, effects: &mut Vec<Effect>) {
        if open.behind.is_none() {
            self.withdrawing.insert(ask, open.key);
            effects.push(Effect::Withdraw { ask, why });
        }
    }

    /// A question is withdrawn: the next about its call may be asked.
    pub(super) fn withdrawn(&mut self, ask: AskId) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Some(key) = self.withdrawing.remove(&ask) {
            self.ask_next(&key, &mut effects);
        }
        effects
    }

    fn ask_next(&mut self, key: &str, effects: &mut Vec<Effect>) {
        let next = self.open.iter_mut().find(|(_, other)| other.key == key);
        if let Some((ask, open)) = next
            && let Some(question) = open.behind.take()
        {
            effects.push(Effect::Ask { ask: *ask, question });
        }
    }

    /// The client ends the turn of a session.
    pub(super) fn cancel_turn(&mut self, session: &str, effects: &mut Vec<Effect>) {
        let of_session = |(ask, open): (&AskId, &Open)| (open.session == session).then_some(*ask);
        let asks: Vec<AskId> = self.open.iter().filter_map(of_session).collect();
        self.close_all(asks, text::TURN_CANCELLED, effects);
    }

    /// Nobody waits for any answer any more.
    pub(super) fn end(&mut self, why: &'static str, effects: &mut Vec<Effect>) {
        let asks = self.open.keys().copied().collect();
        self.close_all(asks, why, effects);
    }

    fn close_all(&mut self, asks: Vec<AskId>, why: &'static str, effects: &mut Vec<Effect>) {
        asks.into_iter().for_each(|ask| self.close(ask, why, effects));
    }

    /// The agent gives up a request. Whether the request was open here.
    pub(super) fn give_up(&mut self, id: &Id, effects: &mut Vec<Effect>) -> bool {
        let Some(ask) = self.ask_of(id) else { return false };
        let Some(open) = self.open.remove(&ask) else { return false };
        effects.push(Effect::ToAgent(wire::error(&open.id, wire::GIVEN_UP, text::GIVEN_UP)));
        self.ended(ask, open, text::GIVEN_UP, effects);
        true
    }

    /// A question is answered.
    pub(super) fn answered(&mut self, ask: AskId, answer: Answer) -> Vec<Effect> {
        let mut effects = Vec::new();
        let Some(open) = self.open.remove(&ask) else {
            if let (Some(decision), Answered::Allowed { .. }) = (answer.decision, answer.verdict) {
                let text = text::TOO_LATE.to_owned();
                effects.push(Effect::Report { decision, outcome: Outcome::Failed, text });
            }
            effects.extend(self.withdrawn(ask));
            return effects;
        };
        let told = open.about.answer(&answer.verdict);
        effects.push(Effect::ToAgent(wire::result(&open.id, &told)));
        match (&answer.verdict, answer.decision, &open.about) {
            (Answered::Allowed { .. }, Some(decision), About::Call { request }) => {
                let call = &request.tool_call.tool_call_id;
                self.known.decided(&open.session, call, decision);
            }
            (Answered::Denied { words, by }, decision, about) => {
                effects.push(Effect::Tell(words.clone()));
                let untold = *by == Denier::Person && matches!(about, About::Call { .. });
                if let Some(decision) = decision.filter(|_| untold) {
                    let text = text::REASON_UNTOLD.to_owned();
                    effects.push(Effect::Report { decision, outcome: Outcome::Succeeded, text });
                }
            }
            _ => {}
        }
        self.ask_next(&open.key, &mut effects);
        effects
    }

    /// Takes in what the agent tells of its work.
    pub(super) fn update(
        &mut self,
        params: Option<&RawValue>,
        effects: &mut Vec<Effect>,
    ) -> Option<News> {
        let news = self.known.update(wire::read(params)?)?;
        if let Some(ended) = &news.ended {
            let outcome = if ended.succeeded { Outcome::Succeeded } else { Outcome::Failed };
            let text = text::ended(&ended.text);
            effects.push(Effect::Report { decision: ended.decision, outcome, text });
        }
        Some(news)
    }
}

/// Whether a request needs nothing further.
#[derive(Debug)]
pub(super) enum Handled {
    Yes,
    /// It is left to the client.
    No(Id),
}

/// Reads a request's parameters.
fn readable<T: serde::de::DeserializeOwned>(params: Option<&RawValue>) -> Result<T, &'static str> {
    let params = params.ok_or(text::UNREADABLE)?.get();
    if params.len() > LONGEST {
        return Err(text::TOO_LONG);
    }
    let Unique(params) = serde_json::from_str(params).map_err(|_| text::UNREADABLE)?;
    // A list would do as well for the parser's taste.
    if !params.is_object() {
        return Err(text::UNREADABLE);
    }
    serde_json::from_value(params).map_err(|_| text::UNREADABLE)
}
