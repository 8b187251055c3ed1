//! A flood of questions under Discord's real rate limits: how long until every one of them is in
//! front of people, in how many messages, and how long it takes to approve them all. Beside it what
//! a card each would take, measured on a few.
//!
//! `cargo bench --bench flood` prints the figures for 1,000 and 10,000; with `-- --smoke` for 60.
//! It fails where the promises are broken: 1,000 in at most 20 messages within 10 s, 10,000 in at
//! most 40 within a minute, each decision within two clicks.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a benchmark")]

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use discord_sandbox::{Options, Person, RateLimits, Sandbox};
use futures_util::future::join_all;
use gander::core::decision::{DecisionId, Request, Risk};
use gander::core::messaging::batch::Batching;
use gander::core::policy::rules::Rules;
use gander::engine::Handle;
use gander::engine::clock::{SystemClock, wall_time};
use serde_json::Value;
use tokio::task::JoinHandle;

use common::bot::{is_online, tasks};
use common::report::machine;
use common::size;
use gander::store::Store;

/// Far more than anything takes: whatever takes longer is an error, not a figure.
const LIMIT: Duration = Duration::from_secs(300);
/// Decisions of each flood that are opened, to see that two clicks lead there.
const OPENED: usize = 10;

/// What is measured.
struct Counts {
    /// Cards on which a card each is measured: the first five are free under Discord's limit of
    /// five in five seconds.
    single: usize,
    floods: &'static [Promise],
}

const FULL: Counts = Counts {
    single: 25,
    floods: &[
        Promise { count: 1_000, messages: 20, within: Duration::from_secs(10) },
        Promise { count: 10_000, messages: 40, within: Duration::from_secs(60) },
    ],
};
const SMOKE: Counts = Counts {
    single: 6,
    floods: &[Promise { count: 60, messages: 20, within: Duration::from_secs(10) }],
};

/// What is promised of a flood of this size.
struct Promise {
    count: usize,
    messages: usize,
    within: Duration,
}

/// A server with Discord's real limits, a bot in it, and the store that it serves.
struct World {
    sandbox: Sandbox,
    handle: Handle,
    store: Arc<Store>,
    running: Vec<JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

impl World {
    async fn start(batching: Batching) -> Self {
        let sandbox =
            Sandbox::start(Options { rate_limits: RateLimits::Real, ..Options::default() })
                .await
                .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("gander.db");
        let store = Arc::new(Store::open(&file, None, wall_time()).unwrap());
        let clock = Arc::new(SystemClock::new(store.time_scale()));
        let handle = Handle::new(
            Arc::clone(&store) as Arc<_>,
            Rules { batching, ..Rules::default() },
            clock,
        );
        let running = tasks(&sandbox, &handle, &file);
        is_online(&sandbox).await;
        Self { sandbox, handle, store, running, _folder: folder }
    }

    /// Asks so many at once, and says how long that took.
    async fn ask(&self, count: usize) -> Duration {
        let began = Instant::now();
        for asked in
            join_all((0..count).map(|number| self.handle.approvals().ask(request(number)))).await
        {
            asked.unwrap();
        }
        began.elapsed()
    }

    /// The messages of the channel.
    fn messages(&self) -> Vec<Value> {
        let view = self.sandbox.view("maya").unwrap();
        view.messages("decisions")
            .iter()
            .filter(|message| message["flags"].as_u64() != Some(64))
            .cloned()
            .collect()
    }

    /// Waits until all are in front of people, and says how long that took. A card of its own
    /// counts only where no batch stands for its decision.
    async fn all_covered(&self, count: usize, began: Instant) -> Duration {
        let mut changes = self.sandbox.changes();
        loop {
            changes.mark_unchanged();
            let (mut covered, now) = (0, began.elapsed());
            for message in self.messages() {
                covered += match own(&message) {
                    None => covers(&message),
                    Some(id) => {
                        let stands = self.handle.messages().card_of(id).await.unwrap();
                        usize::from(
                            stands.is_some_and(|(_, standing)| message["id"] == standing.as_str()),
                        )
                    }
                };
            }
            if covered >= count {
                return now;
            }
            tokio::time::timeout(LIMIT, changes.changed())
                .await
                .expect("all to be on messages")
                .unwrap();
        }
    }

    /// Waits until every message shows what stands, by the store's own record.
    async fn settled(&self) {
        let settling = async {
            while !(self.store.messages().outdated_cards().unwrap().is_empty()
                && self.store.messages().outdated(None).unwrap().is_empty())
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(LIMIT, settling).await.expect("all messages are true");
    }

    async fn end(self) {
        self.running.iter().for_each(JoinHandle::abort);
        self.sandbox.shutdown().await;
    }
}

fn request(number: usize) -> Request {
    let asked = serde_json::json!({
        "title": format!("Rename module {number}"), "kind": "routine", "risk": "low",
        "details": [{ "name": "tests", "value": "47/47" }], "agent": { "name": "goose" }
    });
    let request: Request = serde_json::from_value(asked).unwrap();
    assert_eq!(request.risk, Risk::Low);
    request
}

fn custom_id(message: &Value, verb: &str) -> Option<String> {
    let rows = message["components"]
        .as_array()?
        .iter()
        .flat_map(|row| row["components"].as_array().into_iter().flatten());
    let mut ids = rows.filter_map(|component| component["custom_id"].as_str());
    ids.find(|id| id.split(':').nth(2).is_some_and(|word| word.starts_with(verb)))
        .map(str::to_owned)
}

/// The parts of a batch's title: what it is, and the rest.
fn title(message: &Value) -> (&str, &str) {
    message["embeds"][0]["title"]
        .as_str()
        .and_then(|title| title.split_once(" · "))
        .unwrap_or_default()
}

/// The decision of a card of its own: the card's words end with the number. A batch's may, too.
fn own(message: &Value) -> Option<DecisionId> {
    if covers(message) > 0 {
        return None;
    }
    message["content"].as_str()?.rsplit(' ').next()?.parse().ok()
}

/// How many decisions a batch's card lists.
fn covers(message: &Value) -> usize {
    match title(message) {
        (batch, rest) if batch.starts_with("Batch ") => {
            rest.split(' ').next().unwrap_or_default().replace(',', "").parse().unwrap_or(0)
        }
        _ => 0,
    }
}

/// A card each, under the same limits: how long one takes, from the second five on.
async fn card_each(count: usize) -> Duration {
    let world = World::start(Batching::off()).await;
    let began = Instant::now();
    world.ask(count).await;
    let all = |_: &Sandbox| (world.messages().len() == count).then_some(());
    world.sandbox.wait_for("a card each", LIMIT, all).await.unwrap();
    let took = began.elapsed();
    world.end().await;
    took / u32::try_from(count).unwrap()
}

async fn flood(promise: &Promise, (single, each): (usize, Duration)) -> bool {
    let world = World::start(Batching::default()).await;
    let began = Instant::now();
    let asked = world.ask(promise.count).await;
    let covered = world.all_covered(promise.count, began).await;
    world.settled().await;
    let settled = began.elapsed();
    let messages = world.messages().len();
    let kept = messages <= promise.messages && covered <= promise.within;
    println!("\n{} low-risk decisions at once", promise.count);
    println!("  filed (durable) in                      {:>9.2} s", asked.as_secs_f64());
    println!(
        "  all visible to people after             {:>9.2} s   promised {} s",
        covered.as_secs_f64(),
        promise.within.as_secs()
    );
    println!("  every message current and stored after  {:>9.2} s", settled.as_secs_f64());
    println!(
        "  messages used                           {messages:>9}     promised {}",
        promise.messages
    );
    let count = u32::try_from(promise.count).unwrap();
    println!(
        "  separate cards would take               {:>9.0} s   ({} measured, {:.2} s each)",
        (each * count).as_secs_f64(),
        single,
        each.as_secs_f64()
    );
    let maya = world.sandbox.user("maya").unwrap();
    opened_in_two_clicks(&world, &maya, promise.count).await;
    approve_all(&world, &maya, promise.count).await;
    world.end().await;
    println!("  {}", if kept { "kept" } else { "BROKEN" });
    kept
}

/// Opens a few of them, from all over the flood, with two clicks each.
async fn opened_in_two_clicks(world: &World, maya: &Person, count: usize) {
    for step in 0..OPENED {
        let number = i64::try_from(1 + step * (count - 1) / (OPENED - 1)).unwrap();
        let posting = world
            .handle
            .messages()
            .card_of(DecisionId(number))
            .await
            .unwrap()
            .expect("it is on a message")
            .1;
        let card =
            world.messages().into_iter().find(|message| message["id"] == posting.as_str()).unwrap();
        let opened = match custom_id(&card, "parts") {
            // On a card of its own it is where it is decided.
            _ if own(&card).is_some() => continue,
            None => {
                maya.select(&posting, &custom_id(&card, "lopen").unwrap(), &[&number.to_string()])
                    .await
            }
            Some(menu) => {
                let part = part_of(&card, &menu, number);
                let shown = maya.select(&posting, &menu, &[&part]).await.message.unwrap();
                let open = menu_with(&shown, number);
                maya.select(shown["id"].as_str().unwrap(), &open, &[&number.to_string()]).await
            }
        };
        let opened = opened.message.unwrap();
        assert_eq!(own(&opened), Some(DecisionId(number)), "{opened}");
    }
    println!("  opened with two clicks                  {OPENED:>9} of {OPENED} tried");
}

fn menus(message: &Value) -> Vec<(String, Vec<String>)> {
    let rows = message["components"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|row| row["components"].as_array().unwrap());
    let options = |menu: &Value| {
        menu["options"]
            .as_array()
            .unwrap()
            .iter()
            .map(|o| o["value"].as_str().unwrap().to_owned())
            .collect()
    };
    rows.filter(|c| c["type"] == 3)
        .map(|menu| (menu["custom_id"].as_str().unwrap().to_owned(), options(menu)))
        .collect()
}

/// The menu's entry whose part of the list has this number.
fn part_of(card: &Value, menu: &str, number: i64) -> String {
    let (_, parts) = menus(card).into_iter().find(|(id, _)| id == menu).unwrap();
    parts.into_iter().rfind(|first| first.parse::<i64>().unwrap() <= number).unwrap()
}

fn menu_with(shown: &Value, number: i64) -> String {
    menus(shown)
        .into_iter()
        .find(|(_, options)| options.contains(&number.to_string()))
        .expect("it is on this part")
        .0
}

/// Approves the first batch, which is the whole flood or a thousand of it.
async fn approve_all(world: &World, maya: &Person, count: usize) {
    let card = world.messages().into_iter().find(|message| covers(message) > 1).unwrap();
    let whole = covers(&card);
    let before = maya
        .click(card["id"].as_str().unwrap(), &custom_id(&card, "look").unwrap())
        .await
        .message
        .unwrap();
    let began = Instant::now();
    let said =
        maya.click(before["id"].as_str().unwrap(), &custom_id(&before, "together").unwrap()).await;
    let first = began.elapsed();
    let message = said.message.expect("something is said")["id"].as_str().unwrap().to_owned();
    let done = |sandbox: &Sandbox| {
        let view = sandbox.view("maya")?;
        let found = view.message(&message)?;
        (found["content"].as_str()?.contains("approved")
            && found["embeds"][0]["description"].is_string())
        .then(|| found.clone())
    };
    let done = world.sandbox.wait_for("the results", LIMIT, done).await.unwrap();
    let took = began.elapsed();
    println!(
        "  Approve all low-risk ({whole} of {count}): first reply after {:>9.2} s   promised 3 s",
        first.as_secs_f64()
    );
    println!(
        "    all decided, results shown after          {:>5.2} s   {}",
        took.as_secs_f64(),
        done["content"]
    );
    assert!(done["content"].as_str().unwrap().starts_with("✅ All "), "{done:#}");
    assert!(first < Duration::from_secs(3), "the person waited {first:?} for the first reply");
    let over = |_: &Sandbox| {
        world.messages().iter().any(|m| m["id"] == card["id"] && covers_open(m) == 0).then_some(())
    };
    world.sandbox.wait_for("the card to show it", LIMIT, over).await.unwrap();
    println!(
        "    the card is current after                 {:>5.2} s",
        began.elapsed().as_secs_f64()
    );
}

fn covers_open(message: &Value) -> usize {
    usize::from(custom_id(message, "walk").is_some())
}

#[tokio::main]
async fn main() {
    let Counts { single, floods } = size::chosen(FULL, SMOKE);
    println!("a flood under Discord's own rate limits, {}, in the pretend Discord", machine());
    let each = card_each(single).await;
    let mut kept = true;
    for promise in floods {
        kept &= flood(promise, (single, each)).await;
    }
    assert!(kept, "a limit is exceeded");
}
