//! `gander-client` against a real `gander serve`: through restarts, lost answers and refusals.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use discord_sandbox::Sandbox;
use gander_client::{
    Approve, Choice, Choose, Client, Defer, Error, Expects, ListFilter, Outcome, Phase,
    ProblemKind, Question, Reaction, SafeDefault, Span, VerdictKind, VerdictResult,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};

use crate::common::cards::{card_that, cards, click, open_card};
use crate::common::holder::token_of_maya;
use crate::common::process::{Home, LIMIT, Program, id_of, sandbox};

fn socket(home: &Home) -> String {
    format!("{}.sock", home.store().display())
}

/// Whoever runs as the bot's own user.
fn client(home: &Home) -> Client {
    Client::new(&format!("unix://{}", socket(home))).unwrap()
}

async fn token(home: &Home, args: &[&str]) -> String {
    let made = home.run(&[&["token", "create"], args].concat()).await;
    made.must(0, &[]);
    made.out.trim().to_owned()
}

async fn approve(sandbox: &Sandbox, number: i64) {
    assert!(
        click(&sandbox.user("maya").unwrap(), &open_card(sandbox, number).await, "approve")
            .await
            .ok
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn asks_waits_and_reports() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let _bot = home.serving(&sandbox).await;
    let client = client(&home);
    let mut events = client.events(Some(0));
    let asked = client.ask(&Question::new("Deploy?")).await.unwrap();
    assert_eq!((asked.id, asked.state), (1, Phase::Pending));
    let waited = client.wait(&asked, Duration::ZERO).await.unwrap();
    assert_eq!(waited.state, Phase::Pending);
    assert!(waited.standing.unwrap().words.contains("waits for"));
    let (waiting, agent) = (client.clone(), asked.clone());
    let waiting = tokio::spawn(async move { waiting.wait(&agent, LIMIT).await });
    approve(&sandbox, 1).await;
    let decided = waiting.await.unwrap().unwrap();
    assert_eq!(
        (decided.resolution.verdict, decided.by.as_deref()),
        (Some(VerdictKind::Approved), Some("Maya"))
    );
    assert!(decided.claimed_at.is_some());
    let reported = client.report(&decided, Outcome::Failed, "the disk is full").await.unwrap();
    assert_eq!(reported.outcome.unwrap().text, "the disk is full");
    card_that(&sandbox, 1, "tells how it went", |card| {
        card.0.to_string().contains("the disk is full")
    })
    .await;

    let withdrawn = client.ask(&Question::new("Something else?")).await.unwrap();
    let withdrawn = client.withdraw(&withdrawn, Some("found it myself")).await.unwrap();
    assert_eq!(
        (withdrawn.state, withdrawn.resolution.reason.as_deref()),
        (Phase::Withdrawn, Some("found it myself"))
    );
    let late = client.claim(&withdrawn).await.unwrap_err();
    assert_eq!(
        (late.problem_kind(), late.reaction(), late.decision().map(|it| it.id)),
        (Some(ProblemKind::Conflict), Reaction::GetDecision, Some(2))
    );

    // Silence approves nothing that the configuration does not allow it to.
    let refused =
        Question { safe_default: Some(SafeDefault::Approve), ..Question::new("If nobody minds?") };
    let all =
        client.ask_all(vec![Question::new("One?"), refused, Question::new("Two?")]).await.unwrap();
    assert_eq!(all.iter().map(|item| item.status).collect::<Vec<_>>(), [201, 422, 201]);
    let first = client.list(&ListFilter { limit: Some(3), ..ListFilter::default() }).await.unwrap();
    let rest = client
        .list(&ListFilter { cursor: first.next_cursor, ..ListFilter::default() })
        .await
        .unwrap();
    let ids: Vec<i64> = first.items.iter().chain(&rest.items).map(|decision| decision.id).collect();
    assert_eq!((ids, rest.next_cursor), (vec![4, 3, 2, 1], None));
    let open = client
        .list(&ListFilter { state: Some("open".into()), ..ListFilter::default() })
        .await
        .unwrap();
    assert_eq!((open.items.len(), client.attention(1, 1).await.unwrap().count), (2, 2));

    let mut happened = Vec::new();
    while happened.last().is_none_or(|last: &(i64, String)| last.0 != 4) {
        let next = tokio::time::timeout(LIMIT, events.next()).await.unwrap().unwrap();
        happened.push((next.decision, next.event));
    }
    let of_first: Vec<&str> =
        happened.iter().filter(|(id, _)| *id == 1).map(|(_, event)| event.as_str()).collect();
    assert_eq!(of_first, ["asked", "resolved", "claimed", "reported"]);
    assert!(events.position().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn goes_on_when_the_bot_comes_back() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let bot = home.serving(&sandbox).await;
    let client = client(&home).retry_for(LIMIT);
    let asked = client.ask(&Question::new("Deploy?")).await.unwrap();
    let mut events = client.events(Some(0));
    assert_eq!(events.next().await.unwrap().event, "asked");
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.wait(&asked, LIMIT * 2).await }
    });
    let following = tokio::spawn(async move {
        loop {
            let next = events.next().await.unwrap();
            if next.event == "resolved" {
                return next.seq;
            }
        }
    });
    open_card(&sandbox, 1).await;
    // It has seen nothing happen yet, and knows where it stands.
    let mut quiet = client.events(None);
    while quiet.position().is_none() {
        let _ = tokio::time::timeout(Duration::from_millis(20), quiet.next()).await;
    }
    bot.kill().await;
    // Asked while nobody is there.
    let asking = tokio::spawn({
        let client = client.clone();
        async move { client.ask(&Question::new("And this?")).await }
    });
    let bot = home.serving(&sandbox).await;
    assert_eq!(asking.await.unwrap().unwrap().id, 2);
    // Once more, and told to go: whoever waits is answered early.
    bot.signal("TERM").await;
    bot.ended().await.must(0, &[]);
    let _bot = home.serving(&sandbox).await;
    approve(&sandbox, 1).await;
    assert_eq!(waiting.await.unwrap().unwrap().resolution.verdict, Some(VerdictKind::Approved));
    assert!(tokio::time::timeout(LIMIT, following).await.unwrap().unwrap() > 1);
    let second = async { while quiet.next().await.unwrap().decision != 2 {} };
    tokio::time::timeout(LIMIT, second).await.expect("it missed nothing");
    assert_eq!(cards(&sandbox.view("maya").unwrap(), 2).len(), 1);
    assert_eq!(client.list(&ListFilter::default()).await.unwrap().items.len(), 2);
}

/// A way to the socket that swallows the first so many answers. Where it is, and how many requests
/// came.
async fn lossy(home: &Home, swallows: usize) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, socket, seen) =
        (listener.local_addr().unwrap(), socket(home), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&seen);
    tokio::spawn(async move {
        loop {
            let (mut from, _) = listener.accept().await.unwrap();
            let (socket, counted) = (socket.clone(), Arc::clone(&counted));
            tokio::spawn(async move {
                let mut to = UnixStream::connect(socket).await.unwrap();
                if counted.fetch_add(1, Ordering::Relaxed) >= swallows {
                    let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
                    return;
                }
                swallow(&mut from, &mut to).await;
            });
        }
    });
    (format!("http://{address}"), seen)
}

/// Hands on what comes until the first of the answer is there, and then hangs up.
async fn swallow(from: &mut TcpStream, to: &mut UnixStream) {
    let (mut asked, mut answered) = (vec![0; 64 << 10], [0]);
    loop {
        tokio::select! {
            read = from.read(&mut asked) => match read {
                Ok(read @ 1..) => to.write_all(&asked[..read]).await.unwrap(),
                _ => return,
            },
            _ = to.read(&mut answered) => return,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_asks_nothing_twice() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let _bot = home.serving(&sandbox).await;
    let (place, seen) = lossy(&home, 2).await;
    let asked = Client::new(&place).unwrap().ask(&Question::new("Deploy?")).await.unwrap();
    assert_eq!((asked.id, seen.load(Ordering::Relaxed)), (1, 3));
    approve(&sandbox, 1).await;
    let (place, seen) = lossy(&home, 1).await;
    let lossy_client = Client::new(&place).unwrap();
    assert_eq!(
        lossy_client.wait(&asked, LIMIT).await.unwrap().resolution.verdict,
        Some(VerdictKind::Approved)
    );
    assert_eq!(seen.load(Ordering::Relaxed), 2);
    // What is refused the second time is not made again.
    let other = client(&home).ask(&Question::new("Something else?")).await.unwrap();
    let (place, seen) = lossy(&home, 1).await;
    let unsure = Client::new(&place).unwrap().withdraw(&other, None).await.unwrap_err();
    assert!(matches!(unsure, Error::Unreachable { .. }), "{unsure}");
    assert_eq!(seen.load(Ordering::Relaxed), 1);
    assert_eq!(client(&home).get(other.id).await.unwrap().state, Phase::Withdrawn);
    assert_eq!(client(&home).list(&ListFilter::default()).await.unwrap().items.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_says_what_happens_next() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let nobody = client(&home).retry_for(Duration::ZERO);
    let error = nobody.get(1).await.unwrap_err();
    assert!(matches!(error.reaction(), Reaction::RetryAfter(_)), "{error}");
    let said = error.to_string();
    assert!(
        said.contains("gander.db.sock") && said.contains("Check that gander serve is running"),
        "{said}"
    );
    let waited = nobody.wait(1, Duration::from_millis(300)).await.unwrap_err();
    assert!(matches!(waited, Error::Unreachable { .. }), "{waited}");

    let secret = token(&home, &["goose", "--project", "shop"]).await;
    let _bot = home.serving(&sandbox).await;
    let goose = client(&home).token(&secret).unwrap();
    assert!(!format!("{goose:?}").contains(&secret) && format!("{goose:?}").contains("•••"));
    let unknown = client(&home).token("gander_nobody").unwrap().get(1).await.unwrap_err();
    assert_eq!(
        (unknown.problem_kind(), unknown.reaction()),
        (Some(ProblemKind::Unauthorized), Reaction::Unrecoverable)
    );
    assert!(matches!(client(&home).token("two words"), Err(Error::Settings(_))));
    let keyed = |title: &str| Question { dedup_key: Some("deploy".into()), ..Question::new(title) };
    let asked = goose.ask(&keyed("Deploy?")).await.unwrap();
    assert_eq!(asked.question.project.as_deref(), Some("shop"));
    let deciding = goose.approve(&asked, &Approve::default()).await.unwrap_err();
    assert_eq!(
        (deciding.problem_kind(), deciding.reaction()),
        (Some(ProblemKind::Forbidden), Reaction::Unrecoverable)
    );
    assert!(deciding.to_string().contains("agents ask, people decide"), "{deciding}");
    let elsewhere = goose
        .ask(&Question { project: Some("notes".into()), ..Question::new("Elsewhere?") })
        .await
        .unwrap_err();
    assert_eq!(elsewhere.problem_kind(), Some(ProblemKind::Forbidden));
    assert_eq!(goose.get(9).await.unwrap_err().problem_kind(), Some(ProblemKind::NotFound));
    // Asked anew with another content: who waits for the old is not told of a verdict on the new.
    goose.ask(&keyed("Deploy something else?")).await.unwrap();
    let superseded = goose.wait(&asked, LIMIT).await.unwrap_err();
    assert_eq!(
        (superseded.problem_kind(), superseded.decision().map(|it| it.revision)),
        (Some(ProblemKind::Superseded), Some(2))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_decides_with_a_token_of_their_own() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let asks = token(&home, &["goose"]).await;
    let user = id_of(&sandbox, "maya").parse().unwrap();
    let maya = token_of_maya(&home.store(), user, &[]).await;
    let _bot: Program = home.serving(&sandbox).await;
    let (agent, maya) = (client(&home).token(&asks).unwrap(), client(&home).token(&maya).unwrap());
    let ask = async |question: Question| agent.ask(&question).await.unwrap();

    let seen = ask(Question::new("Deploy?")).await;
    let put_off = maya.defer(&seen, Defer::For(Span(3_600))).await.unwrap();
    assert_eq!(put_off.state, Phase::Deferred);
    assert_eq!(agent.wait(&seen, LIMIT).await.unwrap().state, Phase::Deferred);
    let note = Approve { note: Some("go".into()), ..Approve::default() };
    let VerdictResult::Recorded(approved) = maya.approve(&seen, &note).await.unwrap() else {
        panic!("proposed")
    };
    assert_eq!(
        (approved.resolution.note.as_deref(), approved.via.as_deref()),
        (Some("go"), Some("http"))
    );
    assert_eq!(maya.undo(seen.id).await.unwrap().state, Phase::Pending);
    maya.reject(&seen, "Not on a Friday").await.unwrap();
    let late = maya.reject(&seen, "again").await.unwrap_err();
    assert_eq!(
        (late.problem_kind(), late.reaction()),
        (Some(ProblemKind::Decided), Reaction::GetDecision)
    );
    // Looked at, it is still nobody's; taken, it cannot be undone.
    assert!(agent.watch(&seen, LIMIT).await.unwrap().claimed_at.is_none());
    assert!(agent.wait(&seen, LIMIT).await.unwrap().claimed_at.is_some());
    assert_eq!(maya.undo(seen.id).await.unwrap_err().problem_kind(), Some(ProblemKind::Conflict));

    let options =
        ["blue", "green"].map(|name| Choice { name: name.into(), description: String::new() });
    let seen = ask(Question { options: options.into(), ..Question::new("Which?") }).await;
    maya.choose(&seen, &Choose { option: "green".into(), confirmation: None }).await.unwrap();
    assert_eq!(agent.claim(seen.id).await.unwrap().resolution.option.as_deref(), Some("green"));
    let seen = ask(Question { expects: Some(Expects::Answer), ..Question::new("What?") }).await;
    maya.answer(&seen, "this").await.unwrap();
    assert_eq!(agent.claim(&seen).await.unwrap().resolution.answer.as_deref(), Some("this"));

    let keyed = |title: &str| Question { dedup_key: Some("deploy".into()), ..Question::new(title) };
    let seen = ask(keyed("Deploy?")).await;
    ask(keyed("Delete it?")).await;
    let outdated = maya.approve(&seen, &Approve::default()).await.unwrap_err();
    assert_eq!(
        (outdated.problem_kind(), outdated.reaction()),
        (Some(ProblemKind::Outdated), Reaction::GetDecision)
    );
}

#[test]
fn the_client_finds_the_default_socket() {
    let store = gander::config::default_store_path().unwrap();
    let socket = gander::surfaces::http::default_socket(&store);
    assert_eq!(gander_client::default_socket().unwrap(), socket);
}
