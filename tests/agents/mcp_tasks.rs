//! The tasks extension of the revision 2026-07-28, over both transports: a question is a task, and
//! its result is the verdict.

use gander::core::decision::{DecisionId, Revision, State, Verdict, Via};
use gander::core::policy::rules::Rules;
use serde_json::{Value, json};

use crate::common::engine;
use crate::mcp_http::{Web, served};
use crate::mcp_rpc::{Rpc, meta, text};
use crate::mcp_world::{World, person};

/// What requests of a client carry that speaks the tasks extension.
pub(crate) fn task_meta() -> Value {
    let mut meta = meta();
    meta["io.modelcontextprotocol/clientCapabilities"] =
        json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } });
    meta
}

/// A client of the newest revision.
pub(crate) enum Client {
    Stdio(Box<Rpc>),
    Http(Web),
}

impl Client {
    /// Asks, with what the request carries.
    pub(crate) async fn ask_with(&mut self, method: &str, mut params: Value, meta: Value) -> Value {
        params["_meta"] = meta;
        match self {
            Self::Stdio(rpc) => rpc.ask(method, params).await,
            Self::Http(web) => {
                web.headers = vec![
                    ("MCP-Protocol-Version", "2026-07-28".into()),
                    ("Mcp-Method", method.into()),
                ];
                let name = params.get("name").or(params.get("taskId")).and_then(Value::as_str);
                web.headers.extend(name.map(|name| ("Mcp-Name", name.to_owned())));
                web.ask(method, params).await
            }
        }
    }

    /// Asks, as a client that speaks the tasks extension.
    pub(crate) async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.ask_with(method, params, task_meta()).await
    }

    /// A tool's result.
    pub(crate) async fn tool(&mut self, name: &str, arguments: Value) -> Value {
        let answer = self.ask("tools/call", json!({ "name": name, "arguments": arguments })).await;
        assert!(answer["error"].is_null(), "{name}: {answer:#}");
        answer["result"].clone()
    }

    /// The id of the task for a new question.
    pub(crate) async fn asks(&mut self, question: Value) -> String {
        let task = self.tool("request_approval", question).await;
        assert_eq!((&task["resultType"], &task["status"]), (&json!("task"), &json!("working")));
        task["taskId"].as_str().unwrap().to_owned()
    }

    /// The task as of now.
    pub(crate) async fn task(&mut self, id: &str) -> Value {
        let answer = self.ask("tasks/get", json!({ "taskId": id })).await;
        assert!(answer["error"].is_null(), "{answer:#}");
        answer["result"].clone()
    }

    /// Cancels a task, which is acknowledged.
    pub(crate) async fn cancel(&mut self, id: &str) {
        let answer = self.ask("tasks/cancel", json!({ "taskId": id })).await;
        assert_eq!(answer["result"], json!({ "resultType": "complete" }), "{answer:#}");
    }
}

/// A client over each transport, with one token.
pub(crate) async fn clients(world: &World, token: &str) -> [Client; 2] {
    [
        Client::Stdio(Box::new(world.mcp(Some(token), &[]))),
        Client::Http(Web::new(served(&world.handle).await, token)),
    ]
}

async fn gives(world: &World, id: i64, verdict: Verdict) {
    let (id, revision) = (DecisionId(id), Revision(1));
    world.handle.approvals().resolve(id, revision, &person(), Via::Discord, verdict).await.unwrap();
}

/// When the verdict was claimed.
async fn claimed_at(world: &World, id: i64) -> Option<gander::core::Time> {
    match world.get(id).await.state {
        State::Resolved(resolved) => resolved.claimed_at,
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_a_task_whose_result_is_the_verdict() {
    let world = World::new();
    let token = world.agent().await;
    for (number, mut client) in (1..).zip(clients(&world, &token).await) {
        let found = client.ask("server/discover", json!({})).await;
        let extensions = &found["result"]["capabilities"]["extensions"];
        assert_eq!(extensions["io.modelcontextprotocol/tasks"], json!({}), "{found:#}");

        let task = client.tool("request_approval", json!({ "title": "Rename it?" })).await;
        assert_eq!(task["resultType"], "task", "{task:#}");
        assert_eq!(task["status"], "working", "{task:#}");
        assert_eq!(task["pollIntervalMs"], 5_000, "{task:#}");
        // It never ends by itself.
        assert!(task.as_object().unwrap().contains_key("ttlMs"), "{task:#}");
        assert_eq!(task["ttlMs"], Value::Null, "{task:#}");
        assert!(task["createdAt"].as_str().unwrap().ends_with('Z'), "{task:#}");
        let words = task["statusMessage"].as_str().unwrap();
        assert!(words.starts_with(&format!("#{number} waits for a person")), "{words}");
        assert!(words.contains("Silence is not an approval"), "{words}");
        let id = task["taskId"].as_str().unwrap().to_owned();

        let working = client.task(&id).await;
        assert_eq!(working["resultType"], "complete", "{working:#}");
        assert_eq!((&working["taskId"], &working["status"]), (&task["taskId"], &json!("working")));
        assert!(working.get("result").is_none(), "{working:#}");
        assert_eq!(claimed_at(&world, number).await, None);

        gives(&world, number, Verdict::noted(Some("after lunch".into()))).await;
        assert_eq!(claimed_at(&world, number).await, None, "nobody has read it yet");
        let completed = client.task(&id).await;
        assert_eq!(
            (&completed["status"], &completed["ttlMs"]),
            (&json!("completed"), &Value::Null)
        );
        let result = &completed["result"];
        assert_eq!(result["structuredContent"]["stands"], "approved", "{completed:#}");
        assert!(text(result).contains("with the note: after lunch. Act on it"), "{completed:#}");
        let claimed = claimed_at(&world, number).await;
        assert!(claimed.is_some(), "what was delivered was claimed");
        // It is there to be read again, by the same means or the other.
        let again = client.task(&id).await;
        assert_eq!(again["result"]["structuredContent"], result["structuredContent"]);
        assert_eq!(claimed_at(&world, number).await, claimed);
        let report = json!({ "id": number, "outcome": "succeeded", "text": "live" });
        let reported = client.tool("report_outcome", report).await;
        assert_eq!(reported["structuredContent"]["decision"]["outcome"]["text"], "live");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_answer_is_a_result() {
    let world = World::new();
    let token = world.agent().await;
    let [mut client, mut other] = clients(&world, &token).await;
    let options = json!([{ "name": "blue" }, { "name": "green" }]);
    for (number, question, verdict, stands, words) in [
        (
            1,
            json!({ "title": "Deploy?" }),
            Verdict::Rejected { reason: "not before Monday".into() },
            "rejected",
            "not before Monday",
        ),
        (
            2,
            json!({ "title": "Which?", "options": options }),
            Verdict::Chosen { option: "green".into() },
            "chosen",
            "green",
        ),
        (
            3,
            json!({ "title": "What?", "expects": "answer" }),
            Verdict::Answered { text: "42".into(), answers: Vec::new() },
            "answered",
            "42",
        ),
    ] {
        let id = client.asks(question).await;
        gives(&world, number, verdict).await;
        // The other transport's client holds the same token.
        let task = other.task(&id).await;
        assert_eq!(task["status"], "completed", "{task:#}");
        // A no is a result, and no failure of the call.
        assert_ne!(task["result"]["isError"], true, "{task:#}");
        assert_eq!(task["result"]["structuredContent"]["stands"], stands, "{task:#}");
        assert!(text(&task["result"]).contains(words), "{task:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_outlives_the_programs_that_serve_it() {
    let world = World::new();
    let token = world.agent().await;
    let [first, second] = clients(&world, &token).await;
    let mut ids = Vec::new();
    for mut client in [first, second] {
        ids.push(client.asks(json!({ "title": "Rename it?" })).await);
        if let Client::Stdio(rpc) = client {
            let (code, _, errors) = rpc.end().await;
            assert_eq!((code, errors.as_str()), (Some(0), ""));
        }
    }
    gives(&world, 1, Verdict::approved()).await;
    // Another process, and another server on the same store.
    let handle = engine::handle(&world.home.store(), Rules::default());
    let mut stdio = Client::Stdio(Box::new(world.mcp(Some(&token), &[])));
    let mut http = Client::Http(Web::new(served(&handle).await, &token));
    for client in [&mut stdio, &mut http] {
        assert_eq!(client.task(&ids[0]).await["status"], "completed");
        assert_eq!(client.task(&ids[1]).await["status"], "working");
    }
    http.cancel(&ids[1]).await;
    assert_eq!(stdio.task(&ids[1]).await["status"], "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_withdraws_the_question_and_no_verdict() {
    let world = World::new();
    let token = world.agent().await;
    for (first, mut client) in [1, 4].into_iter().zip(clients(&world, &token).await) {
        let open = client.asks(json!({ "title": "Never mind?" })).await;
        client.cancel(&open).await;
        assert!(matches!(world.get(first).await.state, State::Withdrawn { .. }));
        let cancelled = client.task(&open).await;
        assert_eq!(cancelled["status"], "cancelled", "{cancelled:#}");
        let words = cancelled["statusMessage"].as_str().unwrap();
        assert!(words.contains("there will be no verdict"), "{words}");
        assert!(cancelled.get("result").is_none(), "{cancelled:#}");
        client.cancel(&open).await;

        // After a verdict, before and after it is claimed.
        let decided = client.asks(json!({ "title": "Decided?" })).await;
        gives(&world, first + 1, Verdict::approved()).await;
        client.cancel(&decided).await;
        assert_eq!(claimed_at(&world, first + 1).await, None, "cancelling claims nothing");
        for _ in 0..2 {
            assert_eq!(client.task(&decided).await["status"], "completed");
            client.cancel(&decided).await;
        }
        assert!(matches!(world.get(first + 1).await.state, State::Resolved(_)));

        // What the tool withdraws is cancelled as well.
        let withdrawn = client.asks(json!({ "title": "Or this?" })).await;
        client.tool("withdraw", json!({ "id": first + 2, "reason": "found it" })).await;
        let task = client.task(&withdrawn).await;
        assert_eq!(task["status"], "cancelled", "{task:#}");
        assert!(task["statusMessage"].as_str().unwrap().contains("found it"), "{task:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deferred_or_undone_is_still_working() {
    let world = World::new();
    let mut client = Client::Stdio(Box::new(world.mcp(Some(&world.agent().await), &[])));
    let id = client.asks(json!({ "title": "Rename it?" })).await;
    gives(&world, 1, Verdict::approved()).await;
    world.handle.approvals().undo(DecisionId(1), &person()).await.unwrap();
    assert_eq!(client.task(&id).await["status"], "working", "the verdict was undone unread");
    let until = world.handle.now() + chrono::TimeDelta::hours(5);
    let approvals = world.handle.approvals();
    approvals.defer(DecisionId(1), Revision(1), &person(), until).await.unwrap();
    let deferred = client.task(&id).await;
    assert_eq!((&deferred["status"], &deferred["ttlMs"]), (&json!("working"), &Value::Null));
    assert_eq!(deferred["pollIntervalMs"], 60_000, "{deferred:#}");
    let words = deferred["statusMessage"].as_str().unwrap();
    assert!(words.contains("deferred by Olga") && words.contains("nothing is decided"), "{words}");
    gives(&world, 1, Verdict::approved()).await;
    assert_eq!(client.task(&id).await["status"], "completed");
    // What was delivered cannot be undone behind the agent's back.
    world.handle.approvals().undo(DecisionId(1), &person()).await.unwrap_err();
    assert_eq!(client.task(&id).await["status"], "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_belongs_to_the_words_that_were_asked() {
    let world = World::new();
    let token = world.agent().await;
    let mut client = Client::Stdio(Box::new(world.mcp(Some(&token), &[])));
    let question = |title: &str| json!({ "title": title, "dedup_key": "k" });
    let first = client.asks(question("Delete the logs")).await;
    // The same question is the same task: a client that lost the id finds it again.
    assert_eq!(client.asks(question("Delete the logs")).await, first);
    let second = client.asks(question("Delete everything")).await;
    assert_ne!(first, second);
    let old = client.task(&first).await;
    assert_eq!(old["status"], "completed", "{old:#}");
    assert_eq!(old["result"]["structuredContent"]["stands"], "superseded", "{old:#}");
    // Its end ends nothing of the newer question, and claims nothing of it.
    client.cancel(&first).await;
    assert_eq!(client.task(&second).await["status"], "working");
    let (id, revision) = (DecisionId(1), Revision(2));
    world.handle.approvals().approve(id, revision, &person(), Via::Discord).await.unwrap();
    assert_eq!(client.task(&first).await["result"]["structuredContent"]["stands"], "superseded");
    assert_eq!(claimed_at(&world, 1).await, None);
    let new = client.task(&second).await;
    assert_eq!(new["result"]["structuredContent"]["stands"], "approved", "{new:#}");
    assert!(claimed_at(&world, 1).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_question_makes_no_task() {
    let world = World::new();
    let token = world.agent().await;
    for mut client in clients(&world, &token).await {
        let wrong = client.tool("request_approval", json!({ "titel": "x" })).await;
        assert_eq!((&wrong["isError"], &wrong["taskId"]), (&json!(true), &Value::Null));
        assert!(text(&wrong).contains("did you mean `title`"), "{wrong:#}");
    }
    world.handle.approvals().get(DecisionId(1)).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pair_of_tools_serves_the_same_question() {
    let world = World::new();
    let token = world.agent().await;
    for (number, mut client) in (1..).zip(clients(&world, &token).await) {
        let id = client.asks(json!({ "title": "Rename it?" })).await;
        let wait = json!({ "id": number, "revision": 1, "seconds": 0 });
        let waited = client.tool("await_decision", wait.clone()).await;
        assert_eq!(waited["structuredContent"]["stands"], "pending", "{waited:#}");
        gives(&world, number, Verdict::approved()).await;
        let waited = client.tool("await_decision", wait).await;
        assert_eq!(waited["structuredContent"]["stands"], "approved", "{waited:#}");
        let task = client.task(&id).await;
        assert_eq!(
            task["result"]["structuredContent"]["decision"],
            waited["structuredContent"]["decision"]
        );
    }
}
