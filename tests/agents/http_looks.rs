//! Looking: versions, pages, streams, what waits; and how refusals are worded.

use gander::core::access::Scope;
use gander::core::policy::rules::Rules;
use gander::surfaces::http::HttpSettings;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::http_world::{LIMIT, Token, World, got, low};

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_decision_is_not_sent_again() {
    let world = World::new().await;
    let agent = world.agent().await;
    agent.ask(&low("Deploy?")).await;
    let tag = got(agent.get("/v1/decisions/1")).await.header("etag").to_owned();
    let again =
        got(agent.get("/v1/decisions/1").header("If-None-Match", format!("\"0-0\", W/{tag}")))
            .await;
    assert_eq!((again.status, again.text.as_str(), again.header("etag")), (304, "", tag.as_str()));
    world.approve(1).await;
    let changed = got(agent.get("/v1/decisions/1").header("If-None-Match", &tag)).await;
    assert_ne!(changed.header("etag"), tag);
    assert_eq!(changed.must(200)["state"], "resolved");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_names_the_revision_that_was_seen() {
    let world = World::new().await;
    let agent = world.agent().await;
    let person = world.token(&[Scope::Decide], &[], Some(7)).await;
    let question = |title: &str| json!({ "title": title, "risk": "low", "dedup_key": "k" });
    agent.ask(&question("Deploy 1?")).await;
    let tag = got(person.get("/v1/decisions/1")).await.header("etag").to_owned();
    got(agent.post("/v1/decisions", &question("Deploy 2?"))).await.must(200);
    got(person.post("/v1/decisions/1/approve", &json!({})))
        .await
        .must_be_problem(428, "revision-needed");
    got(person.verdict(1, "approve", "*", &json!({})))
        .await
        .must_be_problem(428, "revision-needed");
    got(person.verdict(1, "approve", "new", &json!({}))).await.must_be_problem(400, "bad-request");
    let refused = got(person.verdict(1, "approve", &tag, &json!({}))).await;
    refused.must_be_problem(412, "outdated");
    assert_eq!(
        refused.json["decision"]["question"]["title"], "Deploy 2?",
        "what it is now comes with it"
    );
    let tag = got(person.get("/v1/decisions/1")).await.header("etag").to_owned();
    let told = got(person.verdict(1, "approve", &tag, &json!({ "note": "go" }))).await.must(200);
    assert_eq!(
        (&told["verdict"], &told["via"], &told["note"]),
        (&json!("approved"), &json!("http"), &json!("go"))
    );
    let late = got(person.verdict(1, "reject", "2", &json!({ "reason": "no" }))).await;
    late.must_be_problem(409, "already-decided");
    assert!(
        late.json["detail"].as_str().unwrap().contains("by Maya")
            && late.json["decision"]["by"] == "Maya"
    );
    got(person.post("/v1/decisions/1/undo", &json!({}))).await.must(200);
    let told = got(person.verdict(1, "defer", "2", &json!({ "for": "2h" }))).await.must(200);
    assert_eq!(told["state"], "deferred");
    got(person.verdict(1, "reject", "2", &json!({ "reason": " " })))
        .await
        .must_be_problem(422, "invalid");
    let told = got(person.verdict(1, "reject", "2", &json!({ "reason": "no" }))).await.must(200);
    assert_eq!(told["reason"], "no");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_comes_in_pages_that_what_comes_meanwhile_does_not_move() {
    let world = World::new().await;
    let agent = world.agent().await;
    for n in 1..=5 {
        agent.ask(&low(&format!("Q{n}"))).await;
    }
    let ids = |page: &Value| {
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["id"].as_i64().unwrap())
            .collect::<Vec<_>>()
    };
    let first = got(agent.get("/v1/decisions?limit=2")).await.must(200);
    agent.ask(&low("Q6")).await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = got(agent.get(&format!("/v1/decisions?limit=2&cursor={cursor}"))).await.must(200);
    let cursor = second["next_cursor"].as_str().unwrap();
    let last = got(agent.get(&format!("/v1/decisions?limit=2&cursor={cursor}"))).await.must(200);
    assert_eq!((ids(&first), ids(&second), ids(&last)), (vec![5, 4], vec![3, 2], vec![1]));
    assert!(last.get("next_cursor").is_none());
    world.approve(2).await;
    for (query, expected) in [
        ("state=resolved", vec![2]),
        ("state=open&limit=2", vec![6, 5]),
        ("state=pending&project=Shop&kind=routine&risk=low&limit=1", vec![6]),
        ("project=other", vec![]),
        ("risk=high", vec![]),
    ] {
        assert_eq!(
            ids(&got(agent.get(&format!("/v1/decisions?{query}"))).await.must(200)),
            expected,
            "{query}"
        );
    }
    for query in [
        "limit=0",
        "limit=101",
        "cursor=x",
        "cursor=-1",
        "stat=open",
        "state=new",
        "limit=2&limit=3",
    ] {
        got(agent.get(&format!("/v1/decisions?{query}"))).await.must_be_problem(400, "bad-request");
    }
    let waiting = got(agent.get("/v1/attention?limit=2")).await.must(200);
    assert_eq!((waiting["count"].as_i64(), ids(&waiting)), (Some(5), vec![1, 3]));
}

/// A stream of events, read one by one.
struct Stream {
    response: Response,
    unread: String,
}

impl Stream {
    async fn open(token: &Token<'_>, query: &str, behind: Option<&str>) -> Self {
        let request = token.get(&format!("/v1/events{query}"));
        let request =
            behind.iter().fold(request, |request, id| request.header("Last-Event-ID", *id));
        let response = request.send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (200, &"text/event-stream".parse().unwrap())
        );
        Self { response, unread: String::new() }
    }

    /// The next event: its id, name and data. `None` at the end.
    async fn next(&mut self) -> Option<(String, String, Value)> {
        loop {
            if let Some((event, rest)) = self.unread.split_once("\n\n") {
                let field = |name: &str| {
                    event
                        .lines()
                        .find_map(|line| line.strip_prefix(name))
                        .unwrap_or_default()
                        .trim()
                        .to_owned()
                };
                let (id, name, data) = (field("id:"), field("event:"), field("data:"));
                self.unread = rest.to_owned();
                if !data.is_empty() {
                    return Some((id, name, serde_json::from_str(&data).unwrap()));
                }
                continue;
            }
            let chunk = tokio::time::timeout(LIMIT, self.response.chunk())
                .await
                .expect("an event in time")
                .unwrap()?;
            self.unread.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_tells_what_happens_and_resumes_behind_its_last_event() {
    let world = World::new().await;
    let (agent, other) = (world.agent().await, world.agent().await);
    other.ask(&low("Not yours")).await;
    let mut stream = Stream::open(&agent, "?after=0", None).await;
    agent.ask(&low("Deploy?")).await;
    other.ask(&low("Not yours either")).await;
    world.approve(2).await;
    let (first, name, data) = stream.next().await.unwrap();
    assert_eq!((first.as_str(), name.as_str(), &data["decision"]), ("2", "asked", &json!(2)));
    let (second, name, data) = stream.next().await.unwrap();
    assert_eq!((second.as_str(), name.as_str()), ("4", "resolved"));
    assert_eq!(
        (&data["verdict"], &data["by"], &data["via"]),
        (&json!("approved"), &json!("Maya"), &json!("discord"))
    );
    drop(stream);
    got(agent.post("/v1/decisions/2/claim", &json!({}))).await.must(200);
    let mut again = Stream::open(&agent, "", Some(&first)).await;
    let names = [again.next().await.unwrap().1, again.next().await.unwrap().1];
    assert_eq!(names, ["resolved", "claimed"], "none is missed, none comes twice");
    let mut only = Stream::open(&agent, "?after=0&decision=2", None).await;
    assert_eq!(only.next().await.unwrap().2["decision"], 2);
    got(agent.get("/v1/events").header("Last-Event-ID", "x"))
        .await
        .must_be_problem(400, "bad-request");
}

/// A backup was restored: the follower knows more than the log.
#[tokio::test(flavor = "multi_thread")]
async fn a_position_beyond_the_log_is_gone() {
    let world = World::new().await;
    let agent = world.agent().await;
    agent.ask(&low("Deploy?")).await;
    for request in [
        agent.get("/v1/events").header("Last-Event-ID", "2"),
        agent.get("/v1/events?after=900&follow=false"),
        agent.get("/v1/events?after=0").header("Last-Event-ID", "900"),
    ] {
        let gone = got(request).await;
        gone.must_be_problem(410, "position-gone");
        assert!(gone.json["position"] == 1 && gone.text.contains("backup"), "{gone:?}");
    }
    // The end itself is no position beyond.
    let mut stream = Stream::open(&agent, "", Some("1")).await;
    agent.ask(&low("Next?")).await;
    assert_eq!(stream.next().await.unwrap().2["decision"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_open_ends_when_its_token_is_revoked() {
    let world = World::new().await;
    let agent = world.agent().await;
    agent.ask(&low("Deploy?")).await;
    let mut stream = Stream::open(&agent, "", None).await;
    let waiting =
        tokio::spawn(got(agent.post("/v1/decisions/1/wait?claim=true&timeout=600", &json!({}))));
    world.figure_is("http_waiting", 1).await;
    assert!(world.handle.tokens().revoke(agent.id).await.unwrap());
    waiting.await.unwrap().must_be_problem(401, "unauthorized");
    assert_eq!(stream.next().await.unwrap().1, "problem");
    assert_eq!(stream.next().await, None);
    world.approve(1).await;
    assert!(
        !format!("{:?}", world.decision(1).await.state).contains("claimed_at: Some"),
        "nobody took it"
    );
    got(agent.get("/v1/decisions/1")).await.must_be_problem(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_requests_are_refused_for_a_while() {
    let world =
        World::with(HttpSettings { rate: 1, ..HttpSettings::default() }, Rules::default(), None)
            .await;
    let (agent, other) = (world.agent().await, world.agent().await);
    for _ in 0..10 {
        got(agent.get("/v1/decisions")).await.must(200);
    }
    let refused = got(agent.get("/v1/decisions")).await;
    refused.must_be_problem(429, "too-many-requests");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
    got(other.get("/v1/decisions")).await.must(200);
    got(world.stranger(Method::GET, "/health")).await.must(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_say_what_to_do() {
    let world = World::new().await;
    let agent = world.agent().await;
    let person = world.token(&[Scope::Decide], &[], Some(7)).await;
    agent.ask(&low("Deploy?")).await;
    agent.ask(&json!({ "title": "Which?", "options": [{ "name": "A" }, { "name": "B" }] })).await;
    let text = |body: &'static str| {
        agent
            .request(Method::POST, "/v1/decisions")
            .header("Content-Type", "application/json")
            .body(body)
    };
    let requests = vec![
        ("no token", world.stranger(Method::GET, "/v1/decisions")),
        (
            "an unknown token",
            world.stranger(Method::GET, "/v1/decisions").bearer_auth("gander_nobody"),
        ),
        ("no path", agent.get("/v1/decision")),
        ("no method", agent.request(Method::DELETE, "/v1/decisions/1")),
        ("no decision", agent.get("/v1/decisions/99")),
        ("no number", agent.get("/v1/decisions/one")),
        ("a mistyped field", agent.post("/v1/decisions", &json!({ "titel": "x" }))),
        ("no title", agent.post("/v1/decisions", &json!({}))),
        ("a wrong risk", agent.post("/v1/decisions", &json!({ "title": "x", "risk": "hihg" }))),
        (
            "a file",
            agent.post("/v1/decisions", &json!({ "title": "x", "attachments": ["/etc/passwd"] })),
        ),
        ("half", text("{\"title\": ")),
        ("no JSON", text("title=x")),
        ("a list", text("[1]")),
        (
            "a form",
            agent
                .request(Method::POST, "/v1/decisions")
                .header("Content-Type", "text/plain")
                .body("{\"title\":\"x\"}"),
        ),
        ("a mistyped filter", agent.get("/v1/decisions?projet=shop")),
        ("a long wait", agent.get("/v1/decisions/1/wait?timeout=601")),
        ("no verdict to take", agent.post("/v1/decisions/1/claim", &json!({}))),
        ("no right to decide", agent.verdict(1, "approve", "1", &json!({}))),
        ("another's verdict", person.post("/v1/decisions/1/claim", &json!({}))),
        ("the wrong answer", person.verdict(1, "choose", "1", &json!({ "option": "A" }))),
        ("no such option", person.verdict(2, "choose", "1", &json!({ "option": "C" }))),
        (
            "both until and for",
            person.verdict(
                1,
                "defer",
                "1",
                &json!({ "for": "2h", "until": "2027-01-01T00:00:00Z" }),
            ),
        ),
        ("too late", person.verdict(1, "defer", "1", &json!({ "for": "90d" }))),
        ("the past", person.verdict(1, "defer", "1", &json!({ "until": "2020-01-01T00:00:00Z" }))),
    ];
    let mut lines = String::new();
    for (name, request) in requests {
        lines.push_str(&refusal(name, request).await);
    }
    insta::assert_snapshot!(lines);
}

/// What a request is refused with, in two lines.
async fn refusal(name: &str, request: RequestBuilder) -> String {
    let got = got(request).await;
    let word = got.json["type"]
        .as_str()
        .unwrap_or_default()
        .trim_start_matches("urn:gander:problem:")
        .to_owned();
    got.must_be_problem(got.status, &word);
    let allow = if got.status == 405 {
        format!(" (Allow: {})", got.header("allow"))
    } else {
        String::new()
    };
    // The latest moment is another each time.
    let detail = got.json["detail"].as_str().unwrap().split(" until 20").next().unwrap();
    format!("{name}: {} {word}{allow}\n  {detail}\n", got.status)
}
