//! `gander serve` killed at any moment: no card is lost or doubled, no verdict is lost or given
//! twice.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use discord_sandbox::{Effect, Fault, Match, Options, Person, RateLimits, Sandbox, Wire};
use gander::core::decision::{Decision, DecisionId, Request, State, Verdict};
use gander::core::policy::rules::Rules;
use gander::engine::clock::{SystemClock, wall_time};
use gander::engine::event_log::watch;
use gander::engine::{Claim, Handle};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::common::cards::{Card, card_that, cards, click, open_card, reject};
use crate::common::chance::Chance;
use crate::common::process::{Home, LIMIT, Program, sandbox};
use crate::common::truth;
use gander::store::Store;

/// How often the bot is killed in the one long run.
const KILLS: usize = 25;
const DECISIONS: usize = 50;
/// How long a bot that has nothing left to do is looked at before it is killed all the same.
const IDLE: Duration = Duration::from_secs(1);
/// A click on a dead bot is given up sooner than Discord does, to click more often.
const CLICK: Duration = Duration::from_secs(1);

/// Everything around the bot: the store beside it, the agents that ask and wait, the people who
/// click.
#[derive(Clone)]
struct Around {
    sandbox: Sandbox,
    store: Arc<Store>,
    handle: Handle,
}

/// What happens around the bot on its own, for one decision each.
#[derive(Default)]
struct Going {
    agents: JoinSet<Decision>,
    people: JoinSet<()>,
}

impl Around {
    async fn new(home: &Home) -> Self {
        let options = Options {
            rate_limits: RateLimits::Relaxed,
            interaction_deadline: CLICK,
            ..Options::default()
        };
        let sandbox = Sandbox::start(options).await.unwrap();
        let maya = sandbox.addresses().user_id("maya").unwrap();
        home.configure(&format!(
            "batch.min = 0\nguard.in_a_row = 0\n[projects.web-shop]\nchannel = \"web-shop\"\n\
             [[approvers]]\nusers = [{maya}]\nroles = [\"Approvers\"]\n"
        ));
        let store = Arc::new(Store::open(&home.store(), None, wall_time()).unwrap());
        let handle = Handle::new(
            Arc::clone(&store),
            Rules::default(),
            Arc::new(SystemClock::new(store.time_scale())),
        );
        let (watching, path) = (handle.clone(), home.store());
        tokio::spawn(async move { watch::run(watching, &path).await });
        Self { sandbox, store, handle }
    }

    fn decision(&self, id: DecisionId) -> Decision {
        self.store.decisions().get(id).unwrap().unwrap()
    }

    fn is_open(&self, id: DecisionId) -> bool {
        self.decision(id).state.is_open()
    }

    fn last_entry(&self) -> u64 {
        self.sandbox.journal(0).last().map_or(0, |entry| entry.n)
    }

    fn open(&self) -> u64 {
        let open = gander::store::Filter { open_only: true, ..Default::default() };
        self.store.decisions().list(&open).unwrap().len() as u64
    }

    /// Waits until the bot has made this many requests since an entry of the journal, or has
    /// nothing to do any more.
    async fn requests(&self, since: u64, count: u64) {
        let made = |sandbox: &Sandbox| {
            sandbox.journal(since).iter().filter(|entry| entry.kind == Wire::Rest).count() as u64
        };
        // An idle bot is killed as well.
        let _ = self
            .sandbox
            .wait_for("requests", IDLE, |sandbox| (made(sandbox) >= count).then_some(()))
            .await;
    }

    /// Makes sure that often something was done of which the bot, when it is killed, has not heard
    /// yet.
    fn withhold_an_answer(&self, chance: &mut Chance) {
        let requests = [
            ("POST", "/channels/*/messages"),
            ("PATCH", "/channels/*/messages"),
            ("POST", "/callback"),
        ];
        if let Some((method, path)) = requests.get(usize::try_from(chance.below(5)).unwrap()) {
            self.sandbox
                .fault(Fault::once(Match::new(method, path), Effect::WithholdAnswer { ms: None }));
        }
    }

    /// An agent asks and waits; a person will answer, and of every fifth another person the
    /// contrary.
    async fn ask(&self, going: &mut Going, number: usize) {
        let project = if number.is_multiple_of(2) { "web-shop" } else { "default" };
        let request = Request {
            title: format!("Question {number}?"),
            project: project.into(),
            ..Request::default()
        };
        let id = self.handle.approvals().ask(request).await.unwrap().into_decision().id;
        let handle = self.handle.clone();
        going.agents.spawn(async move {
            handle.approvals().wait(id, None, Claim::Yes, None).await.unwrap()
        });
        going.people.spawn(self.clone().answer("maya", id, number.is_multiple_of(3)));
        if number.is_multiple_of(5) {
            going.people.spawn(self.clone().answer("jonas", id, !number.is_multiple_of(3)));
        }
    }

    /// Clicks, however often it takes, until the decision is answered.
    async fn answer(self, who: &str, id: DecisionId, approves: bool) {
        let person = self.sandbox.user(who).unwrap();
        while self.is_open(id) {
            let probe = |sandbox: &Sandbox| {
                if !self.is_open(id) {
                    return Some(None);
                }
                let view = sandbox.view(who).filter(|view| view.bot_online)?;
                cards(&view, id.0)
                    .into_iter()
                    .find(|card| card.control("approve").is_some())
                    .map(Some)
            };
            let Ok(Some(card)) = self.sandbox.wait_for("a card with buttons", LIMIT, probe).await
            else {
                continue;
            };
            // Whether the bot lived long enough to answer is seen in the store, not in the outcome.
            let _ = if approves {
                click(&person, &card, "approve").await
            } else {
                reject(&person, &card, &reason(&person)).await
            };
        }
    }

    /// What is in the wrong channel, or too much.
    fn misplaced(&self) -> Vec<String> {
        let view = self.sandbox.view("maya").unwrap();
        let decisions = self.store.decisions().list(&gander::store::Filter::default()).unwrap();
        let mut misplaced = Vec::new();
        for decision in &decisions {
            let channel =
                if decision.request.project == "web-shop" { "web-shop" } else { "decisions" };
            let there = |card: &Card| {
                Some(card.0["channel_id"].as_str().unwrap())
                    == self.sandbox.addresses().channel_id(channel)
            };
            if !cards(&view, decision.id.0).iter().all(there) {
                misplaced.push(format!("the card of {} is not in #{channel}", decision.id));
            }
        }
        let public = |message: &&Value| !Card((*message).clone()).is_private();
        let messages =
            view.channels.iter().flat_map(|channel| &channel.messages).filter(public).count();
        if messages != decisions.len() {
            misplaced.push(format!("{messages} messages hang for {} decisions", decisions.len()));
        }
        misplaced
    }

    /// Waits until every card is as it should be, and where.
    async fn settled(&self) {
        truth::settled(&self.sandbox, &self.store, None).await;
        assert!(self.misplaced().is_empty(), "{:#?}", self.misplaced());
    }
}

fn reason(person: &Person) -> String {
    format!("{} says no", person.name())
}

/// The events of the log by decision, as the command line prints them.
async fn events(home: &Home) -> BTreeMap<i64, Vec<String>> {
    let printed = home.run(&["events", "--json"]).await;
    printed.must(0, &[]);
    let mut events = BTreeMap::<i64, Vec<String>>::new();
    for line in printed.out.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        let word = event["event"].as_str().unwrap().to_owned();
        events.entry(event["decision"].as_i64().unwrap()).or_default().push(word);
    }
    events
}

/// Nobody but who was asked has answered, and an agent got what stands.
fn must_be_what_was_clicked(decision: &Decision) {
    let State::Resolved(resolved) = &decision.state else { panic!("{decision:?} has no verdict") };
    let number: usize =
        decision.request.title.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap();
    let by_maya = resolved.by.name == "Maya";
    assert!(by_maya || (resolved.by.name == "Jonas" && number.is_multiple_of(5)), "{decision:?}");
    let expected = if number.is_multiple_of(3) == by_maya {
        Verdict::approved()
    } else {
        Verdict::Rejected { reason: if by_maya { "maya says no" } else { "jonas says no" }.into() }
    };
    assert_eq!(resolved.verdict, expected, "{decision:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_there_is_one_true_card_and_one_verdict_each() {
    let mut chance = Chance::new();
    println!("{}", chance.replay());
    let home = Home::new();
    let (around, mut going) = (Around::new(&home).await, Going::default());
    let mut asked = 0;
    for round in 0..KILLS {
        let since = around.last_entry();
        let bot = Program::start(home.serve(&around.sandbox));
        around.withhold_an_answer(&mut chance);
        let kill = chance.below(24 + 3 * around.open());
        // Questions come before and after the kill as well; with the last kill all have come.
        let mut asks: Vec<u64> =
            (asked..DECISIONS * (round + 1) / KILLS).map(|_| chance.below(60)).collect();
        asks.sort_unstable();
        for at in asks.iter().filter(|at| **at < kill) {
            around.requests(since, *at).await;
            asked += 1;
            around.ask(&mut going, asked).await;
        }
        around.requests(since, kill).await;
        bot.kill().await;
        around.sandbox.clear_faults();
        for _ in asks.iter().filter(|at| **at >= kill) {
            asked += 1;
            around.ask(&mut going, asked).await;
        }
    }
    let answered = (1..=50).filter(|number| !around.is_open(DecisionId(*number))).count();
    println!("{answered} of {asked} decisions were answered when the last bot started");

    let bot = home.serving(&around.sandbox).await;
    while let Some(done) = going.people.join_next().await {
        done.unwrap();
    }
    while let Some(told) = going.agents.join_next().await {
        let told = told.unwrap();
        assert!(
            matches!(told.state, State::Resolved(_)),
            "the wait ended without a verdict: {told:?}"
        );
        assert_eq!(told, around.decision(told.id));
        must_be_what_was_clicked(&told);
    }
    around.settled().await;
    let events = events(&home).await;
    assert_eq!(events.len(), DECISIONS);
    for (id, words) in events {
        assert_eq!(words, ["asked", "resolved", "claimed"], "#{id}");
    }
    truth::must_be_whole(&around.store);
    bot.signal("TERM").await;
    bot.ended().await.must(0, &[]);
}

/// A create that Discord carries out, and of which the bot never learns: it is killed while it
/// waits for the answer.
async fn post_and_be_killed(home: &Home, sandbox: &Sandbox) {
    let bot = home.serving(sandbox).await;
    sandbox
        .fault(Fault::once(Match::new("POST", "/messages"), Effect::WithholdAnswer { ms: None }));
    home.run(&["ask", "Deploy?"]).await.must(0, &[]);
    open_card(sandbox, 1).await;
    bot.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_was_posted_by_a_killed_bot_is_found_and_not_posted_again() {
    let (sandbox, home) = (sandbox().await, Home::new());
    post_and_be_killed(&home, &sandbox).await;
    let _bot = home.serving(&sandbox).await;
    let card = open_card(&sandbox, 1).await;
    assert!(click(&sandbox.user("maya").unwrap(), &card, "approve").await.ok);
    home.run(&["wait", "1"]).await.must(0, &["approved by Maya"]);
    card_that(&sandbox, 1, "tells that the agent went on", is_picked_up).await;
    assert_eq!(cards(&sandbox.view("maya").unwrap(), 1).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_is_decided_before_it_was_found_again_stays_true() {
    let (sandbox, home) = (sandbox().await, Home::new());
    post_and_be_killed(&home, &sandbox).await;
    sandbox.fault(Fault {
        matching: Match::new("GET", "/channels/*/messages"),
        effect: Effect::status(503),
        times: 0,
    });
    let bot = home.serving(&sandbox).await;
    bot.err.line("card not posted yet").await;
    let card = open_card(&sandbox, 1).await;
    assert!(click(&sandbox.user("maya").unwrap(), &card, "approve").await.ok);
    sandbox.clear_faults();
    home.run(&["wait", "1"]).await.must(0, &["approved by Maya"]);
    card_that(&sandbox, 1, "tells that the agent went on", is_picked_up).await;
    assert_eq!(cards(&sandbox.view("maya").unwrap(), 1).len(), 1);
}

fn is_picked_up(card: &Card) -> bool {
    card.control("approve").is_none()
        && card.fields().iter().any(|(_, text)| text.contains("The agent picked it up"))
}
