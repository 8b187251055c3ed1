//! A bot reduced to its wires, so that the tests see every byte the sandbox sends and can break
//! every rule a library would keep.

#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails here")]

use std::time::Duration;

use discord_sandbox::{Options, RateLimits, Sandbox};
use futures_util::{SinkExt, StreamExt};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Long enough for a loaded machine; nothing waits so long when all is well.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

/// GUILDS, GUILD_MESSAGES and DIRECT_MESSAGES.
pub(crate) const INTENTS: u64 = 1 | 1 << 9 | 1 << 12;

/// A sandbox without tight rate limits, and patient.
pub(crate) async fn relaxed() -> Sandbox {
    start(Options {
        rate_limits: RateLimits::Relaxed,
        interaction_deadline: LIMIT,
        ..Options::default()
    })
    .await
}

pub(crate) async fn start(options: Options) -> Sandbox {
    Sandbox::start(options).await.unwrap()
}

/// Id of a channel of the default world.
pub(crate) fn channel(sandbox: &Sandbox, name: &str) -> String {
    sandbox.addresses().channel_id(name).unwrap().to_owned()
}

/// The REST side of a bot.
#[derive(Clone)]
pub(crate) struct Rest {
    client: Client,
    base: String,
    token: String,
}

impl Rest {
    pub(crate) fn of(sandbox: &Sandbox) -> Self {
        Self {
            client: Client::new(),
            base: format!("{}/v10", sandbox.addresses().rest),
            token: sandbox.addresses().token.clone(),
        }
    }

    /// The REST side of a further bot.
    pub(crate) fn of_bot(sandbox: &Sandbox, name: &str) -> Self {
        let token = sandbox.addresses().bot(name).unwrap().token.clone();
        Self { token, ..Self::of(sandbox) }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.base))
            .header("authorization", format!("Bot {}", self.token))
    }

    /// A GET request outside of the version of the API.
    pub(crate) fn request_beside(&self, path: &str) -> reqwest::RequestBuilder {
        let base = self.base.strip_suffix("/v10").unwrap();
        self.client
            .get(format!("{base}{path}"))
            .header("authorization", format!("Bot {}", self.token))
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Value) -> Response {
        let mut request = self.request(method, path);
        if !body.is_null() {
            request = request.json(&body);
        }
        timeout(LIMIT, request.send()).await.unwrap().unwrap()
    }

    /// Status and JSON body.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let response = self.send(method, path, body).await;
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.call(Method::GET, path, Value::Null).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::POST, path, body).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::PATCH, path, body).await
    }

    pub(crate) async fn delete(&self, path: &str) -> (u16, Value) {
        self.call(Method::DELETE, path, Value::Null).await
    }

    /// Posts a message that must succeed.
    pub(crate) async fn say(&self, channel: &str, body: Value) -> Value {
        let path = format!("/channels/{channel}/messages");
        let (status, message) = self.post(&path, body).await;
        assert_eq!(status, 200, "{message}");
        message
    }

    /// Answers an interaction.
    pub(crate) async fn respond(&self, interaction: &Value, body: Value) -> (u16, Value) {
        let path = format!(
            "/interactions/{}/{}/callback",
            text(interaction, "id"),
            text(interaction, "token")
        );
        self.post(&path, body).await
    }
}

/// A text field that must be there.
pub(crate) fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object[key].as_str().unwrap_or_else(|| panic!("{key} of {object}"))
}

/// The gateway side of a bot.
pub(crate) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(crate) sequence: u64,
}

/// Operation 9: the session cannot be resumed.
pub(crate) fn invalid_session() -> Value {
    json!({ "op": 9, "d": false, "s": null, "t": null })
}

/// What a gateway connection brought.
#[derive(Debug)]
pub(crate) enum Received {
    Payload(Value),
    Closed(Option<u16>),
}

impl Socket {
    /// Connects.
    pub(crate) async fn open(sandbox: &Sandbox) -> Self {
        let address = format!("{}?v=10&encoding=json", sandbox.addresses().gateway);
        let (stream, _) = connect_async(address).await.unwrap();
        Self { stream, sequence: 0 }
    }

    /// Connects and reads HELLO.
    pub(crate) async fn connect(sandbox: &Sandbox) -> Self {
        let mut socket = Self::open(sandbox).await;
        let hello = socket.payload().await;
        assert_eq!(hello["op"], 10);
        assert!(hello["d"]["heartbeat_interval"].is_u64());
        socket
    }

    /// Connects and identifies; returns READY's data as well.
    pub(crate) async fn ready(sandbox: &Sandbox, intents: u64) -> (Self, Value) {
        Self::ready_with(sandbox, &sandbox.addresses().token, intents).await
    }

    /// The same for a further bot.
    pub(crate) async fn ready_bot(sandbox: &Sandbox, name: &str, intents: u64) -> (Self, Value) {
        let token = &sandbox.addresses().bot(name).unwrap().token;
        Self::ready_with(sandbox, token, intents).await
    }

    async fn ready_with(sandbox: &Sandbox, token: &str, intents: u64) -> (Self, Value) {
        let mut socket = Self::connect(sandbox).await;
        socket.identify(token, intents).await;
        let ready = socket.event("READY").await;
        (socket, ready)
    }

    pub(crate) async fn identify(&mut self, token: &str, intents: u64) {
        let data = json!({
            "token": format!("Bot {token}"),
            "intents": intents,
            "properties": { "os": "linux", "browser": "test", "device": "test" },
            "compress": true,
        });
        self.send(json!({ "op": 2, "d": data })).await;
    }

    pub(crate) async fn send(&mut self, payload: Value) {
        self.send_text(payload.to_string()).await;
    }

    pub(crate) async fn send_text(&mut self, payload: String) {
        self.stream.send(Message::text(payload)).await.unwrap();
    }

    pub(crate) async fn receive(&mut self) -> Received {
        loop {
            let frame = timeout(LIMIT, self.stream.next()).await.unwrap();
            match frame {
                Some(Ok(Message::Text(text))) => {
                    let payload: Value = serde_json::from_str(&text).unwrap();
                    self.sequence = payload["s"].as_u64().unwrap_or(self.sequence);
                    return Received::Payload(payload);
                }
                Some(Ok(Message::Close(frame))) => {
                    return Received::Closed(frame.map(|frame| frame.code.into()));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Received::Closed(None),
            }
        }
    }

    pub(crate) async fn payload(&mut self) -> Value {
        match self.receive().await {
            Received::Payload(payload) => payload,
            Received::Closed(code) => panic!("closed with {code:?}"),
        }
    }

    /// Reads until the connection is closed.
    pub(crate) async fn closed(&mut self) -> Option<u16> {
        loop {
            if let Received::Closed(code) = self.receive().await {
                return code;
            }
        }
    }

    /// Reads up to an event and returns its data.
    pub(crate) async fn event(&mut self, name: &str) -> Value {
        loop {
            let payload = self.payload().await;
            if payload["t"] == name {
                return payload["d"].clone();
            }
        }
    }
}

/// A bot that answers every interaction with what `answer` says, and hands them out.
pub(crate) struct Answering {
    pub(crate) interactions: tokio::sync::mpsc::UnboundedReceiver<Value>,
    task: JoinHandle<()>,
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Answering {
    /// Connects; `answer` is asked for the callback to each interaction, `null` for none.
    pub(crate) async fn start(sandbox: &Sandbox, answer: fn(&Value) -> Value) -> Self {
        let (mut socket, _) = Socket::ready(sandbox, INTENTS).await;
        let rest = Rest::of(sandbox);
        let (sender, interactions) = tokio::sync::mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            loop {
                let interaction = socket.event("INTERACTION_CREATE").await;
                let callback = answer(&interaction);
                if !callback.is_null() {
                    let (status, body) = rest.respond(&interaction, callback).await;
                    assert_eq!(status, 204, "{body}");
                }
                sender.send(interaction).ok();
            }
        });
        Self { interactions, task }
    }

    /// The next interaction, once it has been answered.
    pub(crate) async fn next(&mut self) -> Value {
        timeout(LIMIT, self.interactions.recv()).await.unwrap().unwrap()
    }
}

/// Registers the application's commands everywhere.
pub(crate) async fn register(sandbox: &Sandbox, commands: Value) {
    let path = format!("/applications/{}/commands", sandbox.addresses().application_id);
    let (status, body) = Rest::of(sandbox).call(Method::PUT, &path, commands).await;
    assert_eq!(status, 200, "{body}");
}

/// The first error's path and code in a nested list of errors.
pub(crate) fn first_error(errors: &Value) -> (String, String) {
    let mut path = Vec::new();
    let mut place = errors;
    loop {
        let fields = place.as_object().unwrap();
        if let Some(list) = fields.get("_errors") {
            return (path.join("."), text(&list[0], "code").to_owned());
        }
        let (key, value) = fields.iter().next().unwrap();
        path.push(key.clone());
        place = value;
    }
}
