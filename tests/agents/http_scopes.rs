//! Every route, with every scope, within and outside of the token's projects.

use gander::core::access::Scope;
use gander::core::decision::authorization::ApproverRule;
use gander::core::policy::rules::Rules;
use gander::surfaces::http::HttpSettings;
use reqwest::Method;
use serde_json::{Value, json};

use crate::http_world::{Got, Token, World, got};

/// A kind of token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kind {
    scopes: &'static [Scope],
    projects: &'static [&'static str],
}

const fn kind(scopes: &'static [Scope], projects: &'static [&'static str]) -> Kind {
    Kind { scopes, projects }
}

/// Each scope, for all projects and for one.
const KINDS: [Kind; 9] = [
    kind(&[Scope::Ask], &[]),
    kind(&[Scope::Ask], &["shop"]),
    kind(&[Scope::Observe], &[]),
    kind(&[Scope::Observe], &["shop"]),
    kind(&[Scope::Decide], &[]),
    kind(&[Scope::Decide], &["shop"]),
    kind(&[Scope::Decide], &["notes"]),
    kind(&[Scope::Admin], &[]),
    kind(&[Scope::Admin], &["shop"]),
];

impl Kind {
    fn has(self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    fn is_for(self, project: &str) -> bool {
        self.projects.is_empty() || self.projects.contains(&project)
    }

    /// Whether it sees another's decision of a project. The holder may decide in `shop` alone.
    fn sees(self, project: &str) -> bool {
        let all = self.has(Scope::Observe) || self.has(Scope::Admin);
        self.is_for(project) && (all || self.has(Scope::Decide) && project == "shop")
    }
}

/// In `shop`, the user 7 decides; in `notes`, somebody else.
fn rules() -> Rules {
    let rule = |user, project: &str| ApproverRule {
        users: vec![user],
        projects: vec![project.to_owned()],
        ..ApproverRule::default()
    };
    Rules { approvers: vec![rule(7, "shop"), rule(8, "notes")], ..Rules::default() }
}

async fn world() -> World {
    World::with(HttpSettings::default(), rules(), None).await
}

async fn token<'a>(world: &'a World, kind: Kind) -> Token<'a> {
    let user = kind.has(Scope::Decide).then_some(7);
    world.token(kind.scopes, kind.projects, user).await
}

fn question(project: &str) -> Value {
    json!({ "title": "Rename it?", "risk": "low", "project": project })
}

/// A route about one decision: method, path after the number, body, and the scope that the route
/// needs (`None`: any).
type OnDecision = (Method, &'static str, Value, Option<Scope>);

fn routes_on_decisions() -> Vec<OnDecision> {
    let (decide, ask) = (Some(Scope::Decide), Some(Scope::Ask));
    vec![
        (Method::GET, "", Value::Null, None),
        (Method::GET, "/wait?timeout=0", Value::Null, None),
        (Method::POST, "/wait?timeout=0", Value::Null, None),
        (Method::POST, "/claim", json!({}), ask),
        (Method::POST, "/outcome", json!({ "outcome": "succeeded" }), ask),
        (Method::POST, "/withdraw", json!({}), Some(Scope::Admin)),
        (Method::POST, "/approve", json!({}), decide),
        (Method::POST, "/reject", json!({ "reason": "no" }), decide),
        (Method::POST, "/choose", json!({ "option": "a" }), decide),
        (Method::POST, "/answer", json!({ "text": "a" }), decide),
        (Method::POST, "/defer", json!({ "for": "1h" }), decide),
        (Method::POST, "/undo", json!({}), decide),
    ]
}

async fn send(token: &Token<'_>, id: i64, (method, path, body, _): &OnDecision) -> Got {
    let path = format!("/v1/decisions/{id}{path}");
    let request = match method {
        &Method::GET => token.get(&path),
        _ => token.post(&path, body).header("If-Match", "1"),
    };
    got(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn another_callers_decision_is_there_for_those_who_see_it_and_missing_for_the_rest() {
    let world = world().await;
    for kind in KINDS {
        // An asker for each kind: one may ask only so many questions a minute.
        let (asker, token) = (world.agent().await, token(&world, kind).await);
        for project in ["shop", "notes"] {
            for route in routes_on_decisions() {
                let id = asker.ask(&question(project)).await;
                let got = send(&token, id, &route).await;
                let (status, (_, path, _, needs)) = (got.status, &route);
                let passes = match needs {
                    None => true,
                    // A withdrawal needs one of the two.
                    Some(Scope::Admin) => kind.has(Scope::Admin) || kind.has(Scope::Ask),
                    Some(scope) => kind.has(*scope),
                };
                let what = format!("{kind:?} {path} in {project}");
                let decides = *needs == Some(Scope::Decide) && kind.is_for(project);
                match (passes, kind.sees(project)) {
                    // A person who may not decide it is told who may, and no more.
                    (true, false) if decides => {
                        assert_eq!(status, 403, "{what}");
                        assert!(got.json["decision"].is_null(), "{what}: {got:?}");
                    }
                    (false, _) => assert_eq!(status, 403, "{what}"),
                    (true, false) => assert_eq!(status, 404, "{what}"),
                    // Whether it fits the decision's state is another matter.
                    (true, true) => assert!(![401, 403, 404].contains(&status), "{what}: {status}"),
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_the_log_have_what_the_token_sees_and_no_more() {
    let world = world().await;
    let asker = world.agent().await;
    for project in ["shop", "notes"] {
        asker.ask(&question(project)).await;
    }
    for kind in KINDS {
        let token = token(&world, kind).await;
        let expected: Vec<&str> =
            ["shop", "notes"].into_iter().filter(|project| kind.sees(project)).collect();
        for path in ["/v1/decisions", "/v1/attention"] {
            let page = got(token.get(path)).await.must(200);
            let mut projects: Vec<&str> = page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["question"]["project"].as_str().unwrap())
                .collect();
            projects.sort_unstable_by(|one, other| other.cmp(one));
            assert_eq!(projects, expected, "{kind:?} {path}");
        }
        let log = got(token.get("/v1/events?after=0&follow=false")).await;
        let count =
            log.text.matches("event: asked").count() + log.text.matches("event:asked").count();
        assert_eq!((log.status, count), (200, expected.len()), "{kind:?}: {}", log.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_tell_of_the_tokens_projects_alone() {
    let world = world().await;
    let asker = world.agent().await;
    for project in ["shop", "notes"] {
        asker.ask(&question(project)).await;
    }
    for kind in KINDS {
        let found = got(token(&world, kind).await.get("/metrics")).await;
        if !kind.has(Scope::Observe) && !kind.has(Scope::Admin) {
            assert_eq!(found.status, 403, "{kind:?}");
            continue;
        }
        for project in ["shop", "notes"] {
            let told = found.text.contains(&format!("project=\"{project}\""));
            assert_eq!(told, kind.is_for(project), "{kind:?} {project}: {}", found.text);
        }
        let whole = found.text.contains("gander_log_position");
        assert_eq!(whole, kind.projects.is_empty(), "{kind:?}: {}", found.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_and_gates_keep_to_the_tokens_projects() {
    let world = world().await;
    for kind in KINDS {
        let token = token(&world, kind).await;
        let ready = got(token.get("/v1/gate")).await;
        assert_eq!(ready.status, if kind.has(Scope::Ask) { 200 } else { 403 }, "{kind:?}");
        for project in ["shop", "notes"] {
            let allowed = kind.has(Scope::Ask) && kind.is_for(project);
            let asked = got(token.post("/v1/decisions", &question(project))).await;
            assert_eq!(asked.status, if allowed { 201 } else { 403 }, "{kind:?} {project}");
            let batch = json!({ "questions": [question(project)] });
            let batch = got(token.post("/v1/decisions:batch", &batch)).await;
            let filed = batch.status == 200 && batch.json["items"][0]["decision"].is_object();
            assert_eq!(filed, allowed, "{kind:?} {project}: {batch:?}");
            let call = json!({
                "agent": "goose", "session": "s", "tool": "Bash", "cwd": "/tmp", "roots": ["/tmp"],
                "input": { "command": "make" }, "project": project,
            });
            let gated = got(token.post("/v1/gate", &call)).await;
            assert_eq!(gated.status, if allowed { 200 } else { 403 }, "{kind:?}: {gated:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_is_missing_here() {
    let world = world().await;
    let document = got(world.stranger(Method::GET, "/openapi.json")).await.must(200);
    let mut known: Vec<(String, String)> = routes_on_decisions()
        .into_iter()
        .map(|(method, path, ..)| {
            let path = path.split('?').next().unwrap();
            (format!("/v1/decisions/{{id}}{path}"), method.to_string().to_lowercase())
        })
        .collect();
    let others = [
        ("/v1/decisions", "get"),
        ("/v1/decisions", "post"),
        ("/v1/decisions:batch", "post"),
        ("/v1/attention", "get"),
        ("/v1/events", "get"),
        ("/v1/gate", "get"),
        ("/v1/gate", "post"),
        // `http_grants` has these two with every scope.
        ("/v1/grants", "get"),
        ("/v1/grants/{id}/end", "post"),
        // Like the wait for a decision, which it uses.
        ("/v1/gate/{id}/wait", "post"),
        ("/metrics", "get"),
        // Open to everybody.
        ("/health", "get"),
        ("/ready", "get"),
        ("/openapi.json", "get"),
    ];
    known.extend(others.map(|(path, method)| (path.to_owned(), method.to_owned())));
    let mut declared = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys().filter(|name| *name != "parameters") {
            declared.push((path.clone(), method.clone()));
        }
    }
    known.sort();
    declared.sort();
    assert_eq!(known, declared);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wait_of_a_gate_is_for_its_asker() {
    let world = world().await;
    let asker = world.agent().await;
    let id = asker.ask(&question("shop")).await;
    for kind in KINDS {
        let token = token(&world, kind).await;
        let path = format!("/v1/gate/{id}/wait?revision=1&timeout=0");
        let status = got(token.post(&path, &json!({}))).await.status;
        let expected = if kind.has(Scope::Ask) { 404 } else { 403 };
        assert_eq!(status, expected, "{kind:?}");
    }
}
