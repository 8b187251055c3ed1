//! As an agent uses it: ask, wait, take the verdict once, report.

use std::time::{Duration, Instant};

use gander::core::access::Scope;
use gander::core::decision::{DecisionId, Verdict, Via};
use gander::core::policy::rules::Rules;
use gander::surfaces::http::HttpSettings;
use reqwest::Method;
use serde_json::json;

use crate::http_world::{World, client, got, low, maya};

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_asks_waits_and_takes_the_verdict_once() {
    let world = World::new().await;
    let agent = world.agent().await;
    let asked = got(agent.post("/v1/decisions", &low("Deploy?"))).await;
    assert_eq!((asked.header("location"), asked.header("etag")), ("/v1/decisions/1", "\"1-1\""));
    asked.must(201);
    let waiting = tokio::spawn(got(
        agent.post("/v1/decisions/1/wait?claim=true&timeout=600&revision=1", &json!({}))
    ));
    world.figure_is("http_waiting", 1).await;
    world.approve(1).await;
    let told = waiting.await.unwrap().must(200);
    assert_eq!(
        (&told["state"], &told["verdict"], &told["by"], &told["via"]),
        (&json!("resolved"), &json!("approved"), &json!("Maya"), &json!("discord"))
    );
    assert!(told["claimed_at"].is_string() && told.get("standing").is_none(), "{told:#}");
    world.figure_is("http_waiting", 0).await;

    // Again is the same claim.
    let again = got(agent.post("/v1/decisions/1/claim", &json!({}))).await.must(200);
    assert_eq!(again["claimed_at"], told["claimed_at"]);
    let done =
        got(agent
            .post("/v1/decisions/1/outcome", &json!({ "outcome": "succeeded", "text": "out" })))
        .await
        .must(200);
    assert_eq!(
        (&done["outcome"]["outcome"], &done["outcome"]["text"]),
        (&json!("succeeded"), &json!("out"))
    );
    let events = world.handle.event_log().history(DecisionId(1)).await.unwrap();
    let words: Vec<_> = events.iter().map(|logged| logged.event.word()).collect();
    assert_eq!(words, ["asked", "resolved", "claimed", "reported"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_takes_nothing_and_undone_verdicts_are_waited_on() {
    let world = World::new().await;
    let agent = world.agent().await;
    let id = agent.ask(&low("Deploy?")).await;
    world.approve(id).await;
    let told = got(agent.get("/v1/decisions/1/wait")).await.must(200);
    assert!(told["verdict"] == "approved" && told.get("claimed_at").is_none());
    got(agent.get("/v1/decisions/1/wait?claim=true")).await.must_be_problem(400, "bad-request");
    world.handle.approvals().undo(DecisionId(id), &maya()).await.unwrap();
    let told =
        got(agent.post("/v1/decisions/1/wait?timeout=0&claim=true", &json!({}))).await.must(200);
    assert_eq!(told["state"], "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_ends_says_where_things_stand() {
    let world = World::new().await;
    let agent = world.agent().await;
    agent.ask(&low("Deploy?")).await;
    let told = got(agent.get("/v1/decisions/1/wait?timeout=0")).await.must(200);
    assert_eq!(told["state"], "pending");
    let standing = &told["standing"];
    assert!(
        standing["words"]
            .as_str()
            .unwrap()
            .starts_with("answer due in 4h 30m; next step: reminder in 30m (dm)"),
        "{standing:#}"
    );
    assert_eq!(
        (&standing["next"]["by"], &standing["default"], &standing["waits_for"]["owner"]),
        (&json!(["dm"]), &json!("reject"), &json!(true))
    );

    let now = world.handle.now();
    let (id, seen) = (DecisionId(1), world.decision(1).await.revision);
    world
        .handle
        .approvals()
        .defer(id, seen, &maya(), now + chrono::TimeDelta::hours(2))
        .await
        .unwrap();
    let told = got(agent.get("/v1/decisions/1/wait")).await.must(200);
    assert!(
        told["state"] == "deferred" && told["until"].is_string() && told["by"] == "Maya",
        "{told:#}"
    );
    got(agent.post("/v1/decisions/1/withdraw", &json!({ "reason": "done otherwise" })))
        .await
        .must(200);
    let told = got(agent.get("/v1/decisions/1/wait")).await.must(200);
    assert_eq!((&told["state"], &told["reason"]), (&json!("withdrawn"), &json!("done otherwise")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_is_by_the_wall_clock_however_fast_the_store_runs() {
    let world = World::with(HttpSettings::default(), Rules::default(), Some(600)).await;
    let agent = world.agent().await;
    agent.ask(&low("Deploy?")).await;
    let began = Instant::now();
    let told = got(agent.get("/v1/decisions/1/wait?timeout=1")).await.must(200);
    assert!(began.elapsed() >= Duration::from_millis(950), "{:?}", began.elapsed());
    assert_eq!(told["state"], "pending");
    let breach = told["breach_at"].as_str().unwrap().parse::<gander::core::Time>().unwrap();
    let asked = told["asked_at"].as_str().unwrap().parse::<gander::core::Time>().unwrap();
    assert_eq!(
        (breach - asked).num_seconds(),
        4 * 3600 / 600 + 1800 / 600,
        "moments are the wall clock's"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sort_of_verdict_reaches_the_agent() {
    let world = World::new().await;
    let agent = world.agent().await;
    let answers = [
        (
            low("A"),
            Verdict::Rejected { reason: "not today".into() },
            json!({ "verdict": "rejected", "reason": "not today" }),
        ),
        (
            low("B"),
            Verdict::noted(Some("after 18:00".into())),
            json!({ "verdict": "approved", "note": "after 18:00" }),
        ),
        (
            json!({ "title": "C", "options": [{ "name": "Postgres" }, { "name": "SQLite" }] }),
            Verdict::Chosen { option: "SQLite".into() },
            json!({ "verdict": "chosen", "option": "SQLite" }),
        ),
        (
            json!({ "title": "D", "expects": "answer" }),
            Verdict::answered("42".into()),
            json!({ "verdict": "answered", "answer": "42" }),
        ),
    ];
    for (question, verdict, said) in answers {
        let id = agent.ask(&question).await;
        let decision = world.decision(id).await;
        world
            .handle
            .approvals()
            .resolve(decision.id, decision.revision, &maya(), Via::Discord, verdict)
            .await
            .unwrap();
        let told = got(agent.get(&format!("/v1/decisions/{id}"))).await.must(200);
        for (name, value) in said.as_object().unwrap() {
            assert_eq!(&told[name], value, "{told:#}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_again_is_the_same_question() {
    let world = World::new().await;
    let agent = world.agent().await;
    let question = json!({ "title": "Deploy?", "dedup_key": "deploy-7" });
    got(agent.post("/v1/decisions", &question)).await.must(201);
    let same = got(agent.post("/v1/decisions", &question)).await.must(200);
    assert_eq!(
        (&same["id"], &same["revision"], &same["question"]["dedup_key"]),
        (&json!(1), &json!(1), &json!("deploy-7"))
    );
    let revised =
        got(agent.post("/v1/decisions", &json!({ "title": "Deploy 8?", "dedup_key": "deploy-7" })))
            .await
            .must(200);
    assert_eq!((&revised["id"], &revised["revision"]), (&json!(1), &json!(2)));
    // Whoever waits for the first question's verdict is told that there is none.
    got(agent.get("/v1/decisions/1/wait?revision=1")).await.must_be_problem(409, "superseded");

    let once = |body| agent.post("/v1/decisions", &body).header("Idempotency-Key", "7f1c");
    got(once(low("Once?"))).await.must(201);
    world.approve(2).await;
    let repeated = got(once(low("Once?"))).await.must(200);
    assert_eq!(
        (&repeated["id"], &repeated["verdict"]),
        (&json!(2), &json!("approved")),
        "also when it is over"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn several_are_asked_at_once_and_each_has_its_result() {
    let world = World::new().await;
    let agent = world.token(&[Scope::Ask], &["shop"], None).await;
    let questions = json!({ "questions": [
        { "title": "A", "risk": "low" },
        { "title": "B", "project": "other" },
        { "title": "C", "approvals_needed": 3 },
        { "title": " \u{200B}" },
    ] });
    let batch =
        || agent.post("/v1/decisions:batch", &questions).header("Idempotency-Key", "batch 1");
    let told = got(batch()).await.must(200);
    let statuses: Vec<_> = told["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["status"].as_u64().unwrap())
        .collect();
    assert_eq!(statuses, [201, 403, 201, 422], "{told:#}");
    assert_eq!(
        told["items"][0]["decision"]["question"]["project"], "shop",
        "the token's only project needs no naming"
    );
    assert_eq!(told["items"][1]["problem"]["type"], "urn:gander:problem:forbidden");
    let again = got(batch()).await.must(200);
    assert_eq!(
        (&again["items"][0]["status"], &again["items"][0]["decision"]["id"]),
        (&json!(200), &json!(1))
    );
    assert_eq!(world.handle.event_log().head().await.unwrap().seq, 2);
    got(agent.post("/v1/decisions:batch", &json!({ "questions": [] })))
        .await
        .must_be_problem(422, "invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_of_this_machine_needs_no_token_on_the_socket() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new().await;
    let local = reqwest::Client::builder().unix_socket(world.socket.as_path()).build().unwrap();
    let ask = local
        .post("http://gander/v1/decisions")
        .header("Content-Type", "application/json")
        .body(low("Deploy?").to_string());
    got(ask).await.must(201);
    let asker = world.decision(1).await.request.asked_by.unwrap();
    assert!(asker.id.starts_with("unix:"), "{asker:?}");
    got(local.get("http://gander/metrics")).await.must(200);
    got(local.post("http://gander/v1/decisions/1/approve").header("If-Match", "1"))
        .await
        .must_be_problem(403, "forbidden");
    // A token goes before the user, and one that is wrong is not passed over.
    got(local.get("http://gander/v1/decisions").bearer_auth("gander_x"))
        .await
        .must_be_problem(401, "unauthorized");
    let mode = std::fs::metadata(&world.socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    got(client().request(Method::GET, format!("{}/v1/decisions", world.address)))
        .await
        .must_be_problem(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_when_it_ends_is_answered() {
    let world = World::new().await;
    let agent = world.agent().await;
    agent.ask(&low("Deploy?")).await;
    let waiting = tokio::spawn(got(agent.get("/v1/decisions/1/wait?timeout=600")));
    world.figure_is("http_waiting", 1).await;
    world.http.end().await;
    assert_eq!(waiting.await.unwrap().must(200)["state"], "pending");
    assert!(agent.get("/v1/decisions/1").send().await.is_err(), "nobody comes in any more");
}
