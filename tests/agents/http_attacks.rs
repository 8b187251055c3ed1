//! What a hostile agent, or one that was told to, tries with its token.

use gander::core::access::Scope;
use gander::core::decision::authorization::ApproverRule;
use gander::core::decision::{DecisionId, Risk, SafeDefault, State};
use gander::core::policy::rules::Rules;
use gander::surfaces::http::HttpSettings;
use reqwest::Method;
use serde_json::{Value, json};

use crate::http_world::{World, got, low};

const VERDICTS: [(&str, &str); 6] = [
    ("approve", r"{}"),
    ("reject", r#"{"reason":"x"}"#),
    ("choose", r#"{"option":"A"}"#),
    ("answer", r#"{"text":"x"}"#),
    ("defer", r#"{"for":"1h"}"#),
    ("undo", r"{}"),
];

fn body(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agents_token_approving() {
    let world = World::new().await;
    let (agent, other) = (world.agent().await, world.agent().await);
    let observer = world.token(&[Scope::Ask, Scope::Observe, Scope::Admin], &[], None).await;
    agent.ask(&low("Its own")).await;
    other.ask(&low("Another's")).await;
    for token in [&agent, &observer] {
        for id in [1, 2] {
            for (verdict, said) in VERDICTS {
                let refused = got(token.verdict(id, verdict, "1", &body(said))).await;
                refused.must_be_problem(403, "forbidden");
                assert_eq!(refused.json["scope"], "decide");
                assert!(
                    refused.header("www-authenticate").contains("scope=\"decide\""),
                    "{refused:?}"
                );
            }
        }
    }
    assert_eq!(world.handle.event_log().head().await.unwrap().seq, 2, "nothing happened");
}

#[tokio::test(flavor = "multi_thread")]
async fn anothers_decision_is_not_there() {
    let world = World::new().await;
    let (agent, other) = (world.agent().await, world.agent().await);
    other.ask(&low("Secret")).await;
    let nothing = got(agent.get("/v1/decisions/99")).await;
    for request in [
        agent.get("/v1/decisions/1"),
        agent.get("/v1/decisions/1/wait?timeout=0"),
        agent.post("/v1/decisions/1/wait?claim=true", &json!({})),
        agent.post("/v1/decisions/1/claim", &json!({})),
        agent.post("/v1/decisions/1/outcome", &json!({ "outcome": "failed" })),
        agent.post("/v1/decisions/1/withdraw", &json!({})),
    ] {
        let hidden = got(request).await;
        assert_eq!((hidden.status, &hidden.text), (404, &nothing.text), "as if there were none");
    }
    assert_eq!(got(agent.get("/v1/decisions")).await.must(200)["items"], json!([]));
    assert_eq!(got(agent.get("/v1/attention")).await.must(200)["count"], 0);
    let told = got(agent.get("/v1/events?after=0&follow=false")).await.text;
    assert!(!told.contains("data"), "{told}");
    let told = got(agent.get("/v1/events?after=0&follow=false&decision=1")).await.text;
    assert!(!told.contains("data"), "{told}");
    assert!(got(other.get("/v1/events?after=0&follow=false")).await.text.contains("asked"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_one_project_reading_another() {
    let world = World::new().await;
    let asker = world.agent().await;
    asker.ask(&low("Shop's")).await;
    asker.ask(&json!({ "title": "Notes'", "project": "notes", "risk": "low" })).await;
    let notes =
        world.token(&[Scope::Ask, Scope::Observe, Scope::Decide], &["notes"], Some(7)).await;
    got(notes.get("/v1/decisions/2")).await.must(200);
    for request in [notes.get("/v1/decisions/1"), notes.verdict(1, "approve", "1", &json!({}))] {
        got(request).await.must_be_problem(404, "not-found");
    }
    for query in ["", "?project=shop", "?project=SHOP"] {
        let listed = got(notes.get(&format!("/v1/decisions{query}"))).await.text;
        assert!(!listed.contains("Shop's"), "{listed}");
    }
    assert_eq!(got(notes.get("/v1/attention")).await.must(200)["count"], 1);
    let events = got(notes.get("/v1/events?after=0&follow=false")).await.text;
    assert!(events.contains("\"decision\":2") && !events.contains("\"decision\":1"), "{events}");
    got(notes.post("/v1/decisions", &json!({ "title": "x", "project": "shop" })))
        .await
        .must_be_problem(403, "forbidden");
    got(notes.post("/v1/decisions", &json!({ "title": "x", "project": "ѕhop" })))
        .await
        .must_be_problem(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn risk_lowered_confidence_1_default_approve_and_a_sla_of_a_second() {
    let mut rules = Rules::default();
    rules.projects.insert(
        "shop".into(),
        gander::core::policy::rules::Rule { risk: Some(Risk::High), ..Default::default() },
    );
    let world = World::with(HttpSettings::default(), rules, None).await;
    let agent = world.agent().await;
    let preferences = json!({ "title": "Trust me", "project": "shop", "risk": "low", "confidence": 1.0,
        "sla": "1s" });
    let told = got(agent.post("/v1/decisions", &preferences)).await.must(201);
    assert_eq!(
        (&told["terms"]["risk"], &told["terms"]["safe_default"], &told["state"]),
        (&json!("high"), &json!("reject"), &json!("pending"))
    );
    assert_eq!(told["terms"]["sla_seconds"], 600, "the floor");
    for project in ["shop", "other"] {
        let preferences = json!({ "title": "Silence is consent", "project": project, "risk": "low",
            "safe_default": "approve" });
        got(agent.post("/v1/decisions", &preferences)).await.must_be_problem(422, "invalid");
    }
    // Asked again, more harmlessly: what it was once asked at holds.
    let again = |risk: &str| json!({ "title": "x", "risk": risk, "dedup_key": "k" });
    got(agent.post("/v1/decisions", &again("critical"))).await.must(201);
    assert_eq!(
        got(agent.post("/v1/decisions", &again("low"))).await.must(200)["terms"]["risk"],
        "critical"
    );
    for (field, value) in [
        ("confidence", json!(1.5)),
        ("confidence", json!("1")),
        ("approvals_needed", json!(0)),
        ("terms", json!({})),
        ("asked_by", json!({})),
        ("state", json!("resolved")),
    ] {
        let mut question = low("x");
        question[field] = value;
        got(agent.post("/v1/decisions", &question)).await.must_be_problem(422, "invalid");
    }
    let terms = world.decision(1).await.terms;
    assert_eq!((terms.risk, terms.safe_default), (Risk::High, SafeDefault::Reject));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_get_that_would_decide() {
    let world = World::new().await;
    let agent = world.agent().await;
    let person = world.token(&[Scope::Decide], &[], Some(7)).await;
    agent.ask(&low("Deploy?")).await;
    for what in
        ["approve", "reject", "choose", "answer", "defer", "undo", "claim", "outcome", "withdraw"]
    {
        for token in [&agent, &person] {
            for method in [
                Method::GET,
                Method::HEAD,
                Method::PUT,
                Method::PATCH,
                Method::DELETE,
                Method::OPTIONS,
            ] {
                let refused = got(token
                    .request(method.clone(), &format!("/v1/decisions/1/{what}"))
                    .header("If-Match", "1"))
                .await;
                assert_eq!(
                    (refused.status, refused.header("allow")),
                    (405, "POST"),
                    "{method} {what}"
                );
            }
        }
    }
    // No override of the method, by header or query.
    let sly = person
        .get("/v1/decisions/1/approve?_method=POST")
        .header("X-HTTP-Method-Override", "POST")
        .header("If-Match", "1");
    got(sly).await.must_be_problem(405, "method-not-allowed");
    assert_eq!(world.handle.event_log().head().await.unwrap().seq, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn replayed_idempotency_keys_with_other_bodies() {
    let world = World::new().await;
    let (agent, other) = (world.agent().await, world.agent().await);
    let once =
        |question: Value| agent.post("/v1/decisions", &question).header("Idempotency-Key", "k");
    got(once(low("Delete the cache?"))).await.must(201);
    world.approve(1).await;
    let refused = got(once(low("Delete the database?"))).await;
    refused.must_be_problem(422, "key-reused");
    assert_eq!(world.decision(1).await.request.title, "Delete the cache?");
    // Keys are kept apart by asker.
    let told = got(other.post("/v1/decisions", &low("Mine")).header("Idempotency-Key", "k"))
        .await
        .must(201);
    assert_eq!(told["id"], 2);
    for key in ["", " ", "ü", &"k".repeat(256)] {
        let refused =
            got(agent.post("/v1/decisions", &low("x")).header("Idempotency-Key", key)).await;
        refused.must_be_problem(400, "bad-request");
    }
    let twice = agent
        .post("/v1/decisions", &low("x"))
        .header("Idempotency-Key", "a")
        .header("Idempotency-Key", "b");
    got(twice).await.must_be_problem(400, "bad-request");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dedup_key_of_anothers_question() {
    let world = World::new().await;
    let (agent, other) = (world.agent().await, world.agent().await);
    let question =
        |title: &str, key: &str| json!({ "title": title, "project": "shop", "dedup_key": key });
    agent.ask(&question("Deploy to staging?", "deploy")).await;
    for (id, key) in [(2, "deploy"), (3, "token:1:deploy"), (4, "inbox:/x"), (5, "agent-task:x")] {
        let told = got(other.post("/v1/decisions", &question("Deploy to production?", key)))
            .await
            .must(201);
        assert_eq!(
            (told["id"].as_i64(), told["revision"].as_i64()),
            (Some(id), Some(1)),
            "a question of its own"
        );
    }
    let first = world.decision(1).await;
    assert_eq!((first.revision.0, first.request.title.as_str()), (1, "Deploy to staging?"));
    for key in ["", "  ", "\u{3000}"] {
        got(other.post("/v1/decisions", &question("x", key))).await.must_be_problem(422, "invalid");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deciding_what_its_holder_asked() {
    let world = World::new().await;
    let asks = world.token(&[Scope::Ask], &[], Some(7)).await;
    let both = world.token(&[Scope::Ask, Scope::Decide], &[], Some(7)).await;
    asks.ask(&low("By Maya's agent")).await;
    both.ask(&low("By the same token")).await;
    for id in [1, 2] {
        for (verdict, said) in VERDICTS {
            let refused = got(both.verdict(id, verdict, "1", &body(said))).await;
            refused.must_be_problem(403, "forbidden");
        }
    }
    assert_eq!(world.handle.event_log().head().await.unwrap().seq, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn deciding_in_the_name_of_somebody_who_may_not() {
    let rules = Rules {
        approvers: vec![ApproverRule { users: vec![8], ..ApproverRule::default() }],
        ..Rules::default()
    };
    let world = World::with(HttpSettings::default(), rules, None).await;
    let (agent, person) = (world.agent().await, world.token(&[Scope::Decide], &[], Some(7)).await);
    let observer = world.token(&[Scope::Decide, Scope::Observe], &[], Some(7)).await;
    agent.ask(&low("Deploy?")).await;
    for token in [&person, &observer] {
        got(token.verdict(1, "approve", "1", &json!({}))).await.must_be_problem(403, "denied");
    }
    assert!(matches!(world.decision(1).await.state, State::Pending(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn high_risk_decided_with_a_decide_token() {
    let world = World::new().await;
    let (agent, person) = (world.agent().await, world.token(&[Scope::Decide], &[], Some(7)).await);
    for risk in Risk::ALL {
        agent.ask(&json!({ "title": "Deploy?", "risk": risk.to_string() })).await;
    }
    for (id, risk) in (1..).zip(Risk::ALL) {
        let given =
            got(person.verdict(id, "approve", "1", &json!({ "confirmation": "APPROVE" }))).await;
        let stands = world.decision(id).await.state;
        if *risk < Risk::High {
            assert!(
                given.status == 200 && matches!(stands, State::Resolved(_)),
                "{risk}: {given:?}"
            );
        } else {
            assert!(
                given.status == 202 && matches!(stands, State::Pending(_)),
                "{risk}: {given:?}"
            );
            assert_eq!(
                (&given.json["proposed"][0]["by"], &given.json["proposed"][0]["verdict"]),
                (&json!("Maya"), &json!("approved"))
            );
            assert!(given.json.get("verdict").is_none(), "it is no verdict");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token() {
    let world = World::new().await;
    let agent = world.agent().await;
    agent.ask(&low("Deploy?")).await;
    world.handle.tokens().revoke(agent.id).await.unwrap();
    for request in [
        agent.get("/v1/decisions/1"),
        agent.post("/v1/decisions", &low("x")),
        agent.get("/v1/events"),
        agent.get("/metrics"),
    ] {
        let refused = got(request).await;
        refused.must_be_problem(401, "unauthorized");
        assert!(refused.header("www-authenticate").starts_with("Bearer"));
    }
    assert!(world.handle.approvals().get(DecisionId(2)).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gates_key_is_nobody_elses() {
    let world = World::new().await;
    let agent = world.agent().await;
    let question = json!({ "title": "Run cargo test", "kind": "permission",
        "dedup_key": "gate:claude-code:s:0" });
    got(agent.post("/v1/decisions", &question)).await.must_be_problem(422, "invalid");
    let batch = json!({ "questions": [question] });
    assert_eq!(
        got(agent.post("/v1/decisions:batch", &batch)).await.json["items"][0]["status"],
        422
    );
}
