//! The floor: the same durable commits and the same requests, with nothing between.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use discord_sandbox::Sandbox;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::rounds::{PAUSE, Times};
use crate::common::bare::Bare;
use crate::common::wire::{LIMIT, Probe, Rest, approve_button, sandbox};

/// What Gander wrote and sent for one decision: what the floor writes and sends.
pub(crate) struct Trace {
    /// The decision as it was kept when it was asked.
    pub(crate) asked: String,
    /// The request that created its card.
    pub(crate) card: String,
    /// The decision as it was kept when it was approved.
    pub(crate) approved: String,
    /// The request that answered the click.
    pub(crate) callback: String,
}

/// A round of the floor: the cards of these traces, and then the clicks on them.
pub(crate) async fn round(folder: &Path, traces: Vec<Trace>, times: &mut Times) {
    let sandbox = sandbox().await;
    let file = folder.join("bare.db");
    let bare = Bare::open(&file);
    let rest = Rest::new(&sandbox);
    let path =
        format!("/channels/{}/messages", sandbox.addresses().channel_id("decisions").unwrap());
    let traces = Arc::new(traces);
    let answering =
        answer_clicks(&sandbox, Bare::open(&file), rest.clone(), Arc::clone(&traces)).await;
    let mut probe = Probe::new(&sandbox);
    let mut cards = Vec::new();
    for trace in &*traces {
        let called = Instant::now();
        bare.insert(&trace.asked);
        let committed = Instant::now();
        let ((held, card), ()) =
            tokio::join!(probe.message(), rest.post(&path, trace.card.clone()));
        times.ask(called, committed, held);
        cards.push(card);
        tokio::time::sleep(PAUSE).await;
    }
    let maya = sandbox.user("maya").unwrap();
    for card in &cards {
        times.click(&maya, card).await;
        tokio::time::sleep(PAUSE).await;
    }
    answering.abort();
    sandbox.shutdown().await;
}

/// A gateway client that knows nothing but how to answer these clicks: a row, then the callback.
async fn answer_clicks(
    sandbox: &Sandbox,
    bare: Bare,
    rest: Rest,
    traces: Arc<Vec<Trace>>,
) -> JoinHandle<()> {
    let mut socket = identified(sandbox).await;
    tokio::spawn(async move {
        let buttons: HashMap<String, usize> =
            traces.iter().enumerate().map(|(index, trace)| (button_of(trace), index)).collect();
        loop {
            let click = event(&mut socket, "INTERACTION_CREATE").await;
            let trace = &traces[buttons[click["data"]["custom_id"].as_str().unwrap()]];
            bare.insert(&trace.approved);
            let (id, token) = (click["id"].as_str().unwrap(), click["token"].as_str().unwrap());
            rest.post(&format!("/interactions/{id}/{token}/callback"), trace.callback.clone())
                .await;
        }
    })
}

fn button_of(trace: &Trace) -> String {
    approve_button(&serde_json::from_str(&trace.card).unwrap())
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Connects, identifies with the intents that Gander has, and waits for READY. Heartbeats are left
/// out: a round is over before the first is missed.
async fn identified(sandbox: &Sandbox) -> Socket {
    let addresses = sandbox.addresses();
    let (mut socket, _) =
        tokio_tungstenite::connect_async(format!("{}?v=10&encoding=json", addresses.gateway))
            .await
            .unwrap();
    let properties = json!({ "os": "linux", "browser": "bench", "device": "bench" });
    let identify = json!({ "op": 2, "d": { "token": addresses.token, "intents": 1 | 1 << 9,
        "properties": properties } });
    socket.send(Message::text(identify.to_string())).await.unwrap();
    tokio::time::timeout(LIMIT, event(&mut socket, "READY")).await.expect("the gateway is ready");
    socket
}

/// Reads up to an event and returns its data.
async fn event(socket: &mut Socket, name: &str) -> Value {
    loop {
        let Message::Text(text) = socket.next().await.unwrap().unwrap() else { continue };
        let mut payload: Value = serde_json::from_str(&text).unwrap();
        if payload["t"] == name {
            return payload["d"].take();
        }
    }
}
