//! The API over a store of its own, listening on loopback and on a socket; and requests to it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gander::config::gates::RulesFile;
use gander::core::access::{Scope, TokenId};
use gander::core::decision::{Decision, DecisionId, Verdict, Via};
use gander::core::policy::rules::Rules;
use gander::engine::Handle;
use gander::engine::clock::{SystemClock, wall_time};
use gander::engine::event_log::waiters;
use gander::surfaces::http::{Bound, HttpApi, HttpSettings};
use reqwest::{Client, Method, RequestBuilder};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinSet;

pub(crate) use crate::common::engine::maya;
use crate::common::holder::grant;
pub(crate) use crate::common::process::LIMIT;
use gander::store::Store;

/// The API while a test lives.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) handle: Handle,
    pub(crate) http: HttpApi,
    pub(crate) address: String,
    pub(crate) socket: PathBuf,
    local: Client,
    _running: JoinSet<()>,
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) json: Value,
    pub(crate) text: String,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Whether it was refused so, as a problem.
    #[track_caller]
    pub(crate) fn must_be_problem(&self, status: u16, word: &str) {
        assert_eq!(
            (self.status, self.json["type"].as_str()),
            (status, Some(format!("urn:gander:problem:{word}").as_str())),
            "{self:#?}"
        );
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert!(
            self.json["detail"].as_str().is_some_and(|detail| detail.len() > 20)
                && self.json["status"] == status,
            "{self:#?}"
        );
    }

    #[track_caller]
    pub(crate) fn must(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:#?}");
        self.json
    }
}

/// Sends a request and reads the answer.
pub(crate) async fn got(request: RequestBuilder) -> Got {
    let response =
        tokio::time::timeout(LIMIT, request.send()).await.expect("an answer in time").unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = tokio::time::timeout(LIMIT, response.text()).await.expect("a body in time").unwrap();
    Got { status, headers, json: serde_json::from_str(&text).unwrap_or_default(), text }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(HttpSettings::default(), Rules::default(), None).await
    }

    pub(crate) async fn with(settings: HttpSettings, rules: Rules, speed: Option<u32>) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("gander.db");
        let store = Store::open(&file, speed, wall_time()).unwrap();
        let clock = SystemClock::new(store.time_scale());
        let handle = Handle::new(Arc::new(store), rules, Arc::new(clock));
        let settings = HttpSettings { listen: Some("127.0.0.1:0".parse().unwrap()), ..settings };
        let bound = Bound::new(&settings, &file).await.unwrap();
        let http = HttpApi::new(
            handle.clone(),
            &settings,
            Arc::new(RulesFile(Some(folder.path().join("gander.toml")))),
        );
        let address = format!("http://{}", bound.address().unwrap());
        let mut running = JoinSet::new();
        let runs = http.clone();
        running.spawn(async move { runs.run(bound).await });
        running.spawn(waiters::run(handle.clone()));
        let socket = folder.path().join("gander.db.sock");
        let local = Client::builder().unix_socket(socket.as_path()).build().unwrap();
        Self { folder, handle, http, address, socket, local, _running: running }
    }

    /// A token; `user`: in whose name it decides.
    pub(crate) async fn token(
        &self,
        scopes: &[Scope],
        projects: &[&str],
        user: Option<u64>,
    ) -> Token<'_> {
        let grant = grant(scopes, projects, user);
        let (token, secret) = self.handle.tokens().create("a token", grant).await.unwrap();
        Token {
            world: self,
            id: token.id,
            secret: secret.expose_secret().to_owned(),
            client: client(),
        }
    }

    /// An agent's token.
    pub(crate) async fn agent(&self) -> Token<'_> {
        self.token(&[Scope::Ask], &[], None).await
    }

    /// Somebody without a token.
    pub(crate) fn stranger(&self, method: Method, path: &str) -> RequestBuilder {
        client().request(method, format!("{}{path}", self.address))
    }

    pub(crate) async fn decision(&self, id: i64) -> Decision {
        self.handle.approvals().get(DecisionId(id)).await.unwrap()
    }

    /// A person approves it.
    pub(crate) async fn approve(&self, id: i64) -> Decision {
        let decision = self.decision(id).await;
        self.handle
            .approvals()
            .resolve(decision.id, decision.revision, &maya(), Via::Discord, Verdict::approved())
            .await
            .unwrap()
    }

    /// A figure of `/metrics`.
    pub(crate) async fn figure(&self, name: &str) -> i64 {
        // As a program of this machine: it needs no token.
        let text = got(self.local.get("http://gander/metrics")).await.text;
        let line = text.lines().find(|line| line.starts_with(&format!("gander_{name} ")));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok())
            .unwrap_or_else(|| panic!("no {name} in {text}"))
    }

    /// Waits until a figure is so.
    pub(crate) async fn figure_is(&self, name: &str, value: i64) {
        let reached = tokio::time::timeout(LIMIT, async {
            while self.figure(name).await != value {
                tokio::task::yield_now().await;
            }
        });
        assert!(reached.await.is_ok(), "{name} never was {value}");
    }
}

pub(crate) fn client() -> Client {
    Client::builder().no_proxy().pool_idle_timeout(Duration::from_secs(5)).build().unwrap()
}

/// A token, and requests with it.
pub(crate) struct Token<'a> {
    world: &'a World,
    pub(crate) id: TokenId,
    pub(crate) secret: String,
    pub(crate) client: Client,
}

impl Token<'_> {
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.world.address))
            .bearer_auth(&self.secret)
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.request(Method::POST, path)
            .header("Content-Type", "application/json")
            .body(body.to_string())
    }

    /// A verdict on a revision.
    pub(crate) fn verdict(&self, id: i64, what: &str, seen: &str, body: &Value) -> RequestBuilder {
        self.post(&format!("/v1/decisions/{id}/{what}"), body).header("If-Match", seen)
    }

    /// Asks, and returns the number.
    pub(crate) async fn ask(&self, question: &Value) -> i64 {
        got(self.post("/v1/decisions", question)).await.must(201)["id"].as_i64().unwrap()
    }
}

pub(crate) fn low(title: &str) -> Value {
    serde_json::json!({ "title": title, "risk": "low", "project": "shop" })
}
