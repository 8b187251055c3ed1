//! Grants over HTTP: listed and ended with the right scopes, and never given.

use gander::core::access::Scope;
use gander::core::decision::authorization::ApproverRule;
use gander::core::decision::{GrantSpan, GrantTerms, Verdict, Via};
use gander::core::policy::rules::Rules;
use gander::surfaces::http::HttpSettings;
use serde_json::{Value, json};

use crate::http_world::{Token, World, got, maya};

fn push(command: &str, session: &str) -> Value {
    json!({
        "agent": "claude-code", "session": session, "tool": "Bash",
        "input": { "command": command }, "cwd": "/home/ada/shop", "project": "shop",
        "roots": ["/home/ada/shop"], "home": "/home/ada",
        "facts": { "git": "own", "coverage": "complete" },
    })
}

async fn brought(token: &Token<'_>, call: &Value) -> Value {
    got(token.post("/v1/gate", call)).await.must(200)
}

/// In `shop`, Maya and the user 7 decide; in `notes`, somebody else.
async fn world() -> World {
    let rule = |users: &[u64], project: &str| ApproverRule {
        users: users.to_vec(),
        projects: vec![project.to_owned()],
        ..ApproverRule::default()
    };
    let maya = maya().person.discord_id().unwrap();
    let approvers = vec![rule(&[maya, 7], "shop"), rule(&[8], "notes")];
    let rules = Rules { approvers, ..Rules::default() };
    World::with(HttpSettings::default(), rules, None).await
}

/// A push of the agent that Maya approves for an hour, with its pattern.
async fn granted(world: &World, agent: &Token<'_>) -> i64 {
    let id = brought(agent, &push("git push", "s-1")).await["decision"].as_i64().unwrap();
    let asked = world.decision(id).await;
    let offered = asked.longer_grants();
    let terms =
        offered.into_iter().find(|terms| terms.span == GrantSpan::HOUR && terms.pattern.is_some());
    let verdict = Verdict::granting(terms.expect("a pattern is offered"));
    let approvals = world.handle.approvals();
    approvals.resolve(asked.id, asked.revision, &maya(), Via::Discord, verdict).await.unwrap();
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_is_listed_and_ended_with_the_right_scopes() {
    let world = world().await;
    let agent = world.token(&[Scope::Ask], &["shop"], None).await;
    let other = world.token(&[Scope::Ask], &["shop"], None).await;
    let id = granted(&world, &agent).await;
    assert_eq!(brought(&agent, &push("git push origin x", "s-2")).await["answer"], "allow");
    // Another token is another caller, whatever it says of its agent.
    assert_eq!(brought(&other, &push("git push origin x", "s-2")).await["answer"], "wait");

    let end = format!("/v1/grants/{id}/end");
    for (scopes, projects, user, count, status) in [
        (Scope::Observe, "shop", None, 1, 403),
        (Scope::Observe, "notes", None, 0, 403),
        (Scope::Decide, "notes", Some(7), 0, 404),
        (Scope::Decide, "shop", Some(8), 0, 403),
        (Scope::Admin, "notes", None, 0, 404),
    ] {
        let token = world.token(&[scopes], &[projects], user).await;
        let listed = got(token.get("/v1/grants")).await.must(200);
        let what = format!("{scopes:?} {projects} {user:?}");
        assert_eq!(listed["items"].as_array().unwrap().len(), count, "{what}: {listed:#}");
        assert_eq!(got(token.post(&end, &json!({}))).await.status, status, "{what}");
    }
    assert_eq!(got(agent.get("/v1/grants")).await.status, 403, "an agent's token asks");
    assert_eq!(got(agent.post(&end, &json!({}))).await.status, 403);

    let person = world.token(&[Scope::Decide], &["shop"], Some(7)).await;
    let listed = got(person.get("/v1/grants?project=Shop")).await.must(200);
    let grant = &listed["items"][0];
    assert_eq!(
        (&grant["decision"], &grant["pattern"], &grant["lasts"], &grant["uses"]),
        (&json!(id), &json!("git push *"), &json!("timed"), &json!(1)),
        "{grant:#}"
    );
    assert_eq!(
        (&grant["root"], &grant["by"], &grant["agent"]),
        (&json!("/home/ada/shop"), &json!("Maya"), &json!("claude-code"))
    );
    let ended = got(person.post(&end, &json!({}))).await.must(200);
    assert!(ended["grant"]["ended_at"].is_string(), "{ended:#}");
    got(person.post(&end, &json!({}))).await.must_be_problem(409, "conflict");
    assert_eq!(brought(&agent, &push("git push origin y", "s-2")).await["answer"], "wait");
    let listed = got(person.get("/v1/grants")).await.must(200);
    assert_eq!(listed["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_ends_a_grant_in_its_own_name() {
    let world = world().await;
    let agent = world.token(&[Scope::Ask], &["shop"], None).await;
    let id = granted(&world, &agent).await;
    let admin = world.token(&[Scope::Admin], &["shop"], None).await;
    let ended = got(admin.post(&format!("/v1/grants/{id}/end"), &json!({}))).await.must(200);
    assert_eq!(ended["grant"]["ended_by"], "a token", "{ended:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_gives_more_than_the_session() {
    let world = world().await;
    let agent = world.token(&[Scope::Ask], &["shop"], None).await;
    let person = world.token(&[Scope::Decide], &["shop"], Some(7)).await;
    let call = push("cargo test", "s-1");
    let id = brought(&agent, &call).await["decision"].as_i64().unwrap();
    let approve = format!("/v1/decisions/{id}/approve");
    for body in [
        json!({ "grant": { "span": "until_revoked" } }),
        json!({ "for_session": "until_revoked" }),
        json!({ "lasts": "timed" }),
    ] {
        let refused = got(person.post(&approve, &body).header("If-Match", "1")).await;
        assert_eq!(refused.status, 422, "{body}");
    }
    // An agent's question says nothing of grants.
    let grantable = json!({ "root": "/", "call": "x", "patterns": [] });
    let question = json!({ "title": "x", "project": "shop", "grantable": grantable });
    assert_eq!(got(agent.post("/v1/decisions", &question)).await.status, 422);
    let decision = world.decision(id).await;
    let hour = GrantTerms { span: GrantSpan::HOUR, pattern: None };
    assert!(decision.offers(&hour));
    got(person.post(&approve, &json!({ "for_session": true })).header("If-Match", "1"))
        .await
        .must(200);
    assert_eq!(world.decision(id).await.grant().unwrap().terms, GrantTerms::SESSION);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_gate_says_of_its_files_widens_nothing_beyond_the_card() {
    let world = world().await;
    let agent = world.token(&[Scope::Ask], &["shop"], None).await;
    granted(&world, &agent).await;
    let with = |field: &str, value: Value| {
        let mut call = push("git push origin x", "s-2");
        call[field] = value;
        call
    };
    for call in [
        push("git push origin x; rm y", "s-2"),
        push("git push --force", "s-2"),
        with("roots", json!(["/home/ada/other"])),
        with("roots", json!([])),
        with("cwd", json!("/home/ada/other")),
        with("agent", json!("codex")),
        with("project", json!("shop2")),
        with("own_prompt", json!(true)),
        with("facts", Value::Null),
        with("facts", json!({ "git": "foreign", "coverage": "complete" })),
        with("facts", json!({ "git": "own", "coverage": "partial" })),
        with("facts", json!({ "git": "own", "coverage": "complete", "shadowed": ["git"] })),
        with("at_least", json!({ "risk": "critical" })),
    ] {
        let answer = got(agent.post("/v1/gate", &call)).await;
        assert!(answer.status == 403 || answer.json["answer"] == "wait", "{call}: {answer:?}");
    }
    assert_eq!(brought(&agent, &push("git push origin x", "s-3")).await["answer"], "allow");
}
