//! `gander serve` killed in each interval between two of its steps, many times each.
//!
//! There are no hooks in the program. The pretend Discord carries a request out and withholds the
//! answer, or does not carry it out; another connection holds the store's lock; the log says how
//! far the bot is. Where a kill really fell is read afterwards from the store and the journal, and
//! only that counts.

mod hold_ups;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use discord_sandbox::{Effect, Fault, Match, Outcome, Person, Sandbox, Wire};
use gander::core::decision::{DecisionId, Request, State, Verdict};
use gander::core::policy::rules::Rules;
use gander::engine::Handle;
use gander::engine::clock::{SystemClock, wall_time};
use gander::store::{Filter, Store};
use serde_json::json;
use tokio::task::JoinSet;

use crate::common::cards::{Card, cards, click};
use crate::common::chance::Chance;
use crate::common::intervals::{Hits, Remains, says};
use crate::common::process::{Ended, Home, LIMIT, Program, sandbox};
use crate::common::truth;

/// How often each interval must be hit.
const HITS: usize = 30;

/// The bot is killed so often at most.
const MOST_KILLS: usize = 100;

/// Agents wait over several bots.
const PATIENCE: Duration = Duration::from_secs(300);

/// Less than the bot waits for the store's lock.
const AT_ONCE: Duration = Duration::from_secs(1);

/// The path of the answer to a click.
const CALLBACK: &str = "/callback";

/// The projects of one round, and of the next: what is held up in one round does not hold up
/// another's cards.
const PROJECTS: [[&str; 2]; 2] = [["web-shop", "mobile-app"], ["default", "general"]];

/// Long enough to take the store's lock meanwhile.
fn slowly() -> Effect {
    Effect::Delay { ms: 150 }
}

fn unheard() -> Effect {
    Effect::WithholdAnswer { ms: None }
}

/// A bot that will be killed.
struct Bot {
    program: Program,
    /// The journal's last entry before it was started.
    since: u64,
}

impl Bot {
    /// Waits until the log says this of a decision for the nth time.
    async fn says_for_the(&self, n: usize, words: &str, id: DecisionId) {
        self.program
            .err
            .nth_line_that(&format!("{words} {id}"), n, |line| says(line, words, id))
            .await;
    }

    /// Waits until the log says this of a decision.
    async fn says(&self, words: &str, id: DecisionId) {
        self.says_for_the(1, words, id).await;
    }
}

/// The store, the agents and the people around the bots.
struct Scene {
    home: Home,
    sandbox: Sandbox,
    store: Arc<Store>,
    handle: Handle,
    lock: rusqlite::Connection,
    chance: Chance,
    agents: JoinSet<(DecisionId, Ended)>,
    /// An agent waits for these.
    attended: BTreeSet<DecisionId>,
    people: JoinSet<Outcome>,
    /// What this and the round before had to do with.
    recent: Vec<DecisionId>,
}

fn must_be_rejected(id: DecisionId) -> bool {
    id.0 % 3 == 0
}

fn reason(id: DecisionId) -> String {
    format!("No, {id} is not wanted.")
}

impl Scene {
    async fn new() -> Self {
        let (home, sandbox) = (Home::new(), sandbox().await);
        let maya = sandbox.addresses().user_id("maya").unwrap();
        let channels = ["web-shop", "mobile-app", "general"]
            .map(|name| format!("[projects.{name}]\nchannel = \"{name}\"\n"));
        home.configure(&format!(
            "batch.min = 0\nguard.in_a_row = 0\n{}[[approvers]]\nusers = [{maya}]\n\
             roles = [\"Approvers\"]\n",
            channels.concat()
        ));
        let store = Arc::new(Store::open(&home.store(), None, wall_time()).unwrap());
        let handle = Handle::new(
            Arc::clone(&store),
            Rules::default(),
            Arc::new(SystemClock::new(store.time_scale())),
        );
        let lock = rusqlite::Connection::open(home.store()).unwrap();
        lock.busy_timeout(LIMIT).unwrap();
        Self {
            home,
            sandbox,
            store,
            handle,
            lock,
            chance: Chance::new(),
            agents: JoinSet::new(),
            attended: BTreeSet::new(),
            people: JoinSet::new(),
            recent: Vec::new(),
        }
    }

    async fn start(&self) -> Bot {
        let since = self.sandbox.journal(0).last().map_or(0, |entry| entry.n);
        let mut command = self.home.serve(&self.sandbox);
        command.env("RUST_LOG", "gander=debug");
        let program = Program::start(command);
        program.err.line("the gateway is ready").await;
        Bot { program, since }
    }

    fn person(&mut self) -> Person {
        let name = if self.chance.one_in(2) { "maya" } else { "jonas" };
        self.sandbox.user(name).unwrap()
    }

    fn card(&self, id: DecisionId) -> Card {
        cards(&self.sandbox.view("maya").unwrap(), id.0).pop().unwrap()
    }

    fn open(&self) -> Vec<DecisionId> {
        let mut open: Vec<_> =
            self.store.decisions().list(&Filter { open_only: true, ..Filter::default() }).unwrap();
        open.sort_by_key(|decision| decision.id);
        open.into_iter().map(|decision| decision.id).collect()
    }

    fn fault(&self, method: &str, path: &str, effect: Effect) {
        self.sandbox.fault(Fault::once(Match::new(method, path), effect));
    }

    /// Somebody decides, and the answer to that click, and to no later one, meets this effect.
    async fn decides_with(
        &mut self,
        bot: &Bot,
        deciding: Deciding,
        id: DecisionId,
        effect: Effect,
    ) {
        self.fault("POST", CALLBACK, effect);
        self.people.spawn(deciding.done());
        bot.says("done on Discord", id).await;
        let met = |sandbox: &Sandbox| {
            let to_come = sandbox.faults();
            (!to_come.iter().any(|fault| fault.matching.path.as_deref() == Some(CALLBACK)))
                .then_some(())
        };
        self.sandbox.wait_for("the answer to the click", LIMIT, met).await.unwrap();
    }

    /// Waits for a request that was carried out and whose answer was withheld. Turns in a channel
    /// may all be taken by what is held up there: then it does not come, and nothing is counted.
    async fn unheard(&self, bot: &Bot, path: &str) {
        let made = |sandbox: &Sandbox| {
            let mut entries = sandbox.journal(bot.since).into_iter();
            entries.find(|entry| {
                entry.kind == Wire::Rest && entry.status.is_none() && entry.path.contains(path)
            })
        };
        let _ = self.sandbox.wait_for(path, AT_ONCE, made).await;
    }

    /// An agent asks, as a process that waits, or without waiting.
    async fn ask(&mut self, project: &str) -> DecisionId {
        let id = if self.chance.one_in(2) {
            let program = Program::start(self.home.gander(&[
                "ask",
                "May I?",
                "--project",
                project,
                "--wait",
            ]));
            let id = program.out.line_that("a number", |_| true).await.parse().unwrap();
            self.attended.insert(id);
            self.agents.spawn(async move { (id, program.ended_within(PATIENCE).await) });
            id
        } else {
            self.file(project).await
        };
        self.recent.push(id);
        id
    }

    async fn file(&self, project: &str) -> DecisionId {
        let request =
            Request { title: "May I?".into(), project: project.into(), ..Request::default() };
        self.handle.approvals().ask(request).await.unwrap().into_decision().id
    }

    /// An agent comes for the verdict.
    fn attend(&mut self, id: DecisionId) {
        if self.attended.insert(id) {
            let program = Program::start(self.home.gander(&["wait", &id.to_string()]));
            self.agents.spawn(async move { (id, program.ended_within(PATIENCE).await) });
        }
    }

    /// Everything before the last click: the act that decides.
    async fn reach_for(&mut self, person: &Person, card: &Card, id: DecisionId) -> Deciding {
        if !must_be_rejected(id) {
            return Deciding {
                person: person.clone(),
                on: card.id().into(),
                act: card.control("approve").unwrap().into(),
                form: false,
            };
        }
        let opened = click(person, card, "reject").await;
        let form = opened.modal_id().unwrap_or_else(|| panic!("no form: {opened:?}")).to_owned();
        Deciding { person: person.clone(), on: form, act: reason(id), form: true }
    }

    /// Decides on the card in the channel, as far as the last click.
    async fn reach_for_card(&mut self, id: DecisionId) -> Deciding {
        let (person, card) = (self.person(), self.card(id));
        self.reach_for(&person, &card, id).await
    }

    /// Decides in a message that only Jonas sees.
    async fn decide_privately(&mut self, id: DecisionId) {
        let jonas = self.sandbox.user("jonas").unwrap();
        let channel = self.sandbox.addresses().channel_id("general").unwrap().to_owned();
        let list = jonas.command(&channel, "attention", json!({})).await;
        let list = Card(list.message.clone().unwrap_or_else(|| panic!("no list: {list:?}")));
        let opened =
            jonas.select(list.id(), list.control("open").unwrap(), &[&id.0.to_string()]).await;
        let copy = Card(
            opened
                .message
                .clone()
                .unwrap_or_else(|| panic!("{id} could not be opened: {opened:?}")),
        );
        let outcome = self.reach_for(&jonas, &copy, id).await.done().await;
        assert!(outcome.ok, "{outcome:?}");
    }

    /// Lets the reconciler edit a card whose verdict has been answered; the edit meets this effect.
    async fn edit(&mut self, bot: &Bot, id: DecisionId, effect: Effect) {
        let edit = format!("/messages/{}", self.card(id).id());
        if self.attended.contains(&id) || self.chance.one_in(2) {
            self.fault("PATCH", &edit, effect);
            self.decide_privately(id).await;
            bot.says("callback answered", id).await;
        } else {
            let outcome = self.reach_for_card(id).await.done().await;
            assert!(outcome.ok, "{outcome:?}");
            bot.says("revision recorded", id).await;
            self.fault("PATCH", &edit, effect);
            self.attend(id);
            bot.says("event=\"claimed\"", id).await;
        }
    }
}

/// The click that decides, or the form that is ready to be sent.
struct Deciding {
    person: Person,
    on: String,
    act: String,
    form: bool,
}

impl Deciding {
    async fn done(self) -> Outcome {
        if self.form {
            self.person.submit(&self.on, json!({ "text": self.act })).await
        } else {
            self.person.click(&self.on, &self.act).await
        }
    }

    /// How often the bot hears of it.
    fn times(&self) -> usize {
        1 + usize::from(self.form)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_any_two_steps_there_is_one_true_card_one_verdict_and_one_claim() {
    let mut scene = Scene::new().await;
    println!("{}", scene.chance.replay());
    let mut hits = Hits::default();
    let mut kills = 0;
    while hits.fewest() < HITS && kills < MOST_KILLS {
        scene.live_and_die(kills, &mut hits).await;
        kills += 1;
    }
    let bot = scene.start().await;
    let decisions = scene.come_to_an_end().await;
    bot.program.signal("TERM").await;
    bot.program.ended().await.must(0, &[]);
    println!(
        "{decisions} decisions, each with one card, one verdict and one claim, after {kills} \
         kills\n{}",
        hits.table()
    );
    assert!(hits.fewest() >= HITS, "an interval was missed:\n{}", hits.table());
}
