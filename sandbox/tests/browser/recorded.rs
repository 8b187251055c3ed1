//! The page with a recorded state in place of a sandbox: what the page draws and asks for can be
//! looked at for everything that Discord's objects can hold, whatever bots can bring about here.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;

use crate::pictures::png;

/// What every recorded state has: people, roles, servers, commands.
const BASE: &str = "base";

/// A server of the page whose state is a fixture, changed only by the test.
pub(crate) struct Recorded {
    pub(crate) page: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    state: Mutex<Value>,
    acts: Mutex<Vec<Value>>,
    /// Outcomes of what people do, by action or by the custom id of a component.
    outcomes: Mutex<Value>,
    changes: broadcast::Sender<()>,
}

impl Drop for Recorded {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Recorded {
    /// Serves the channels of these fixtures. Whatever people do is answered with "ok" until
    /// [`Self::answer`] says something else.
    pub(crate) async fn start(channels: &[&str]) -> Self {
        let mut state = recording(BASE);
        state["channels"] =
            channels.iter().flat_map(|case| recording(case).as_array().unwrap().clone()).collect();
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            acts: Mutex::default(),
            outcomes: Mutex::new(json!({})),
            changes: broadcast::channel(16).0,
        });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let page = format!("http://{}/", listener.local_addr().unwrap());
        let router = router().with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { page, shared, task }
    }

    /// From now on an action, or the use of the component with this id, leads to `outcome`.
    pub(crate) fn answer(&self, what: &str, outcome: Value) {
        self.shared.outcomes.lock().unwrap()[what] = outcome;
    }

    /// Changes the state and tells the page so.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Value)) {
        let mut state = self.shared.state.lock().unwrap();
        change(&mut state);
        state["change"] = json!(state["change"].as_u64().unwrap_or_default() + 1);
        self.shared.changes.send(()).ok();
    }

    /// What people did so far, as the page asked for it, without what it asks by itself.
    pub(crate) fn acts(&self) -> Vec<Value> {
        self.shared.acts.lock().unwrap().clone()
    }

    /// The only act so far of this kind.
    pub(crate) fn act(&self, action: &str) -> Value {
        let acts = self.acts();
        let found: Vec<_> = acts.iter().filter(|act| act["action"] == action).collect();
        assert_eq!(found.len(), 1, "{action}: {acts:?}");
        found[0].clone()
    }
}

/// The fixture of this name.
pub(crate) fn recording(case: &str) -> Value {
    let file = folder("tests/browser/states").join(format!("{case}.json"));
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/", get(|| async { file("index.html") }))
        .route("/page/{name}", get(|Path(name): Path<String>| async move { file(&name) }))
        .route("/_sandbox/addresses", get(addresses))
        .route("/_sandbox/state", get(state))
        .route("/_sandbox/live", get(live))
        .route("/_sandbox/act", post(act))
        .route("/_sandbox/files/{id}/{name}", get(picture))
}

/// A file of the page, as it is in the folder.
fn file(name: &str) -> Response {
    let kind = match name.rsplit_once('.') {
        Some((_, "html")) => "text/html; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "css")) => "text/css; charset=utf-8",
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let text = std::fs::read_to_string(folder("page").join(name)).unwrap();
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

async fn addresses(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let state = shared.state.lock().unwrap();
    let people = state["users"].as_array().unwrap().iter().filter(|user| user["bot"] == false);
    let users: serde_json::Map<_, _> = people
        .map(|user| (user["username"].as_str().unwrap().to_owned(), user["id"].clone()))
        .collect();
    Json(json!({ "users": users }))
}

async fn state(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(shared.state.lock().unwrap().clone())
}

async fn live(State(shared): State<Arc<Shared>>, upgrade: WebSocketUpgrade) -> Response {
    let mut changes = shared.changes.subscribe();
    upgrade.on_upgrade(async move |mut socket| {
        while changes.recv().await.is_ok() {
            if socket.send("change".into()).await.is_err() {
                break;
            }
        }
    })
}

async fn act(State(shared): State<Arc<Shared>>, Json(act): Json<Value>) -> Json<Value> {
    let outcomes = shared.outcomes.lock().unwrap();
    let named = [&act["custom_id"], &act["action"]]
        .into_iter()
        .filter_map(Value::as_str)
        .find_map(|name| outcomes.get(name));
    let outcome = named.cloned().unwrap_or_else(|| json!({ "ok": true }));
    shared.acts.lock().unwrap().push(act);
    Json(outcome)
}

/// A picture of one colour in place of each file.
async fn picture(Path((_, name)): Path<(String, String)>) -> Response {
    let shade = name.bytes().fold(0u8, u8::wrapping_add);
    let (width, height) = if shade % 2 == 0 { (160, 90) } else { (90, 160) };
    let kind = [(header::CONTENT_TYPE, "image/png")];
    (kind, png(width, height, [shade / 2, 120, 200 - shade / 2])).into_response()
}
