//! The bot against a pretend Discord, in one process and by a clock that the test moves.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::TimeDelta;
use discord_sandbox::{Outcome, Person, Sandbox};
use gander::core::decision::authorization::ApproverRule;
use gander::core::decision::{Decision, DecisionId, Request, Risk};
use gander::core::messaging::batch::Batching;
use gander::core::policy::approval_guard::Guard;
use gander::core::policy::rules::Rules;
use gander::engine::Handle;
use gander::engine::approvals::auto_approval;
use gander::engine::clock::{TestClock, wall_time};
use gander::engine::escalation::scheduler;
use gander::engine::event_log::watch;
use gander::engine::operations::daily;
use gander::surfaces::discord::{self, Api, Channels, DiscordSettings, ResponseTimes};
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::common::cards::{self, Card, is_card_of};
pub(crate) use crate::common::process::LIMIT;
use crate::common::process::{sandbox, sandbox_in_a_hurry};
use crate::draw::Pen;
use gander::store::Store;

/// A server, a bot in it, and the store that the bot serves.
pub(crate) struct Bot {
    pub(crate) sandbox: Sandbox,
    pub(crate) handle: Handle,
    pub(crate) clock: TestClock,
    pub(crate) folder: Arc<tempfile::TempDir>,
    file: PathBuf,
    rules: Rules,
    response_times: ResponseTimes,
    running: Vec<JoinHandle<()>>,
}

/// Maya by name and everybody with the role: Maya and Jonas may, Sven may not.
pub(crate) fn approvers(sandbox: &Sandbox) -> Vec<ApproverRule> {
    let maya = sandbox.addresses().user_id("maya").unwrap().parse().unwrap();
    vec![ApproverRule {
        users: vec![maya],
        roles: vec!["Approvers".into()],
        ..ApproverRule::default()
    }]
}

impl Bot {
    /// A new server and a bot for which Maya and everybody with the role may decide. Each decision
    /// has a card of its own, and nobody is asked whether they look: what these tests are about is
    /// one card's. Those of batches say how they share ([`Bot::start_batching`]), those of the
    /// guard switch it on ([`Bot::guard`]).
    pub(crate) async fn start() -> Self {
        let bot = Self::start_batching(Batching::off()).await;
        bot.guard(Guard::off());
        bot
    }

    /// Like [`Bot::start`], with Discord's own limit of 3 s for answers to clicks, which a loaded
    /// machine may miss: only for tests of that limit.
    pub(crate) async fn start_in_a_hurry() -> Self {
        let sandbox = sandbox_in_a_hurry().await;
        let batching = Batching::off();
        let rules = Rules { approvers: approvers(&sandbox), batching, ..Rules::default() };
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let file = folder.path().join("gander.db");
        let clock = TestClock::at(wall_time());
        let bot = Self::new(sandbox, rules, clock, folder, file);
        let bot = Self { response_times: ResponseTimes::default(), ..bot }.connect().await;
        bot.guard(Guard::off());
        bot
    }

    /// Asks people once more like this.
    pub(crate) fn guard(&self, guard: Guard) {
        self.handle.set_rules(Rules { guard, ..(*self.handle.rules()).clone() });
    }

    /// The same, with decisions that share cards like this.
    pub(crate) async fn start_batching(batching: Batching) -> Self {
        let sandbox = sandbox().await;
        let rules = Rules { approvers: approvers(&sandbox), batching, ..Rules::default() };
        Self::start_in(sandbox, rules).await
    }

    /// A new bot with a store of its own in this server.
    pub(crate) async fn start_in(sandbox: Sandbox, rules: Rules) -> Self {
        Self::start_at(sandbox, rules, wall_time()).await
    }

    /// The same, at this time.
    pub(crate) async fn start_at(sandbox: Sandbox, rules: Rules, now: gander::core::Time) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let file = folder.path().join("gander.db");
        let clock = TestClock::at(now);
        Self::new(sandbox, rules, clock, folder, file).connect().await
    }

    fn new(
        sandbox: Sandbox,
        rules: Rules,
        clock: TestClock,
        folder: Arc<tempfile::TempDir>,
        file: PathBuf,
    ) -> Self {
        let store = Arc::new(Store::open(&file, None, wall_time()).unwrap());
        let handle = Handle::new(store, rules.clone(), Arc::new(clock.clone()));
        let response_times = ResponseTimes { acknowledge_after: LIMIT, attempt: LIMIT };
        let running = Vec::new();
        Self { sandbox, handle, clock, folder, file, rules, response_times, running }
    }

    async fn connect(mut self) -> Self {
        let addresses = self.sandbox.addresses();
        let settings = DiscordSettings {
            token: addresses.token.as_str().into(),
            api: Api::Pinned {
                address: addresses.tls.trim_start_matches("https://").parse().unwrap(),
                ca: addresses.ca.clone().into(),
            },
            guild: None,
            channels: Channels {
                projects: [("web-shop".into(), "#web-shop".into())].into(),
                ..Channels::default()
            },
            response_times: self.response_times,
        };
        let (handle, file) = (self.handle.clone(), self.file.clone());
        self.running = vec![
            tokio::spawn(async move {
                discord::run(handle, settings, std::future::pending()).await.unwrap()
            }),
            tokio::spawn(scheduler::run(self.handle.clone())),
            tokio::spawn(auto_approval::run(self.handle.clone())),
            tokio::spawn(daily::run(self.handle.clone())),
            tokio::spawn({
                let handle = self.handle.clone();
                async move { watch::run(handle, &file).await }
            }),
        ];
        let ready = |sandbox: &Sandbox| {
            let view = sandbox.view("maya")?;
            (view.bot_online && !view.commands.is_empty()).then_some(())
        };
        self.sandbox.wait_for("the bot to be online", LIMIT, ready).await.unwrap();
        self
    }

    /// Ends the bot as a crash would: nothing is said, nothing is finished.
    pub(crate) async fn kill(&mut self) {
        for task in self.running.drain(..) {
            task.abort();
            let _ = task.await;
        }
        let gone = |sandbox: &Sandbox| (sandbox.gateway_sessions() == 0).then_some(());
        self.sandbox.wait_for("the bot to be gone", LIMIT, gone).await.unwrap();
    }

    /// Ends the bot and starts one anew on the same store.
    pub(crate) async fn restart(mut self) -> Self {
        self.kill().await;
        let Self { sandbox, rules, clock, folder, file, response_times, .. } = self;
        let bot = Self::new(sandbox, rules, clock, folder, file);
        Self { response_times, ..bot }.connect().await
    }

    pub(crate) fn person(&self, name: &str) -> Person {
        self.sandbox.user(name).unwrap()
    }

    /// Draws what is seen, with times told from now.
    pub(crate) fn pen(&self) -> Pen<'_> {
        Pen { sandbox: &self.sandbox, start: self.handle.now(), tag: self.handle.tag() }
    }

    /// An agent asks.
    pub(crate) async fn ask(&self, request: Request) -> Decision {
        self.handle.approvals().ask(request).await.unwrap().into_decision()
    }

    /// Asks, and waits until Maya sees the card.
    pub(crate) async fn ask_and_see(&self, request: Request) -> (Decision, Value) {
        let decision = self.ask(request).await;
        let card = self.card(decision.id, "is there", |_| true).await;
        (decision, card)
    }

    /// Waits until the newest card of a decision is as it should be, as everybody sees it.
    pub(crate) async fn card(
        &self,
        id: DecisionId,
        what: &str,
        is_so: impl Fn(&Value) -> bool,
    ) -> Value {
        let probe = |sandbox: &Sandbox| cards_of(sandbox, id).pop().filter(&is_so);
        self.sandbox.wait_for(&format!("the card of {id}: {what}"), LIMIT, probe).await.unwrap()
    }

    pub(crate) fn advance(&self, by: TimeDelta) {
        self.clock.advance(by);
    }
}

/// All messages of the server that stand for a decision, oldest first.
pub(crate) fn cards_of(sandbox: &Sandbox, id: DecisionId) -> Vec<Value> {
    let view = sandbox.view("maya").unwrap();
    let stands =
        |message: &&Value| is_card_of(message, id.0) && message["flags"].as_u64() != Some(64);
    // Reminders in direct messages show the same card.
    let dm = view.dm().map(|dm| dm.id.clone());
    let channels = view.channels.iter().filter(|channel| Some(&channel.id) != dm.as_ref());
    channels.flat_map(|channel| &channel.messages).filter(stands).cloned().collect()
}

/// The id of the message's button or menu whose custom id has this verb.
pub(crate) fn control(message: &Value, verb: &str) -> String {
    custom_ids(message)
        .into_iter()
        .find(|id| id.split(':').nth(2) == Some(verb))
        .unwrap_or_else(|| panic!("no {verb} on {message:#}"))
}

pub(crate) fn custom_ids(message: &Value) -> Vec<String> {
    let rows = message["components"].as_array().into_iter().flatten();
    let components = rows.flat_map(|row| row["components"].as_array().into_iter().flatten());
    components.filter_map(|component| component["custom_id"].as_str().map(Into::into)).collect()
}

/// Whether the message has what decides: every open decision can be rejected.
pub(crate) fn can_decide(message: &Value) -> bool {
    custom_ids(message).iter().any(|id| id.contains(":reject:"))
}

pub(crate) fn id(message: &Value) -> &str {
    message["id"].as_str().unwrap()
}

/// What the outcome shows in words: the answering message's content.
pub(crate) fn words(outcome: &Outcome) -> &str {
    assert!(outcome.ok, "{outcome:?}");
    outcome.message.as_ref().and_then(|message| message["content"].as_str()).unwrap_or_default()
}

pub(crate) async fn click(person: &Person, message: &Value, verb: &str) -> Outcome {
    person.click(id(message), &control(message, verb)).await
}

/// Clicks Reject and submits the reason.
pub(crate) async fn reject(person: &Person, message: &Value, reason: &str) -> Outcome {
    let form = click(person, message, "reject").await;
    submit(person, &form, reason).await
}

/// Fills in the form that an act has opened.
pub(crate) async fn submit(person: &Person, form: &Outcome, text: &str) -> Outcome {
    submit_fields(person, form, serde_json::json!({ "text": text })).await
}

/// Fills in the fields of a form that an act has opened, by their ids.
pub(crate) async fn submit_fields(person: &Person, form: &Outcome, fields: Value) -> Outcome {
    let modal = form.modal.as_ref().unwrap_or_else(|| panic!("no form: {form:?}"));
    person.submit(modal["modal_id"].as_str().unwrap(), fields).await
}

/// Clicks Defer and chooses a time.
pub(crate) async fn defer(person: &Person, message: &Value, value: &str) -> Outcome {
    cards::defer(person, &Card(message.clone()), value).await
}

/// A question as agents ask them.
pub(crate) fn request(title: &str) -> Request {
    let mut request = Request { title: title.into(), risk: Risk::Medium, ..Request::default() };
    request.agent.name = "goose".into();
    request
}

/// The whole of a deployment's question.
pub(crate) fn deploy() -> Request {
    serde_json::from_value(serde_json::json!({
        "title": "Deploy contact sync to production",
        "kind": "deploy", "project": "web-shop", "environment": "production", "risk": "high",
        "confidence": 0.82, "priority": "high",
        "insight": {
            "observation": "All stages are green.", "why_it_matters": "Sales sees stale contacts.",
            "what_to_do": "Approve to roll out. Rolling back takes 2 minutes."
        },
        "details": [{ "name": "tests", "value": "47/47" }, { "name": "coverage", "value": "94 %" }],
        "agent": { "name": "goose", "session": "s-7" }
    }))
    .unwrap()
}
