//! `gander serve` as a process of its own, a pretend Discord for it, and a bare client.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use discord_sandbox::{Options, RateLimits, Sandbox};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::holder::token_of_maya;
use crate::common::bot::is_online;
use crate::common::report;
use crate::common::wire::folder;

/// What is waited before memory is read, and between two looks at figures.
pub(crate) const REST: Duration = Duration::from_secs(1);

/// A bare client on a Unix socket, with a token or as this user.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    http: reqwest::Client,
    token: Option<String>,
}

impl Caller {
    pub(crate) fn new(socket: &Path, token: Option<String>) -> Self {
        let http = reqwest::Client::builder().no_proxy().unix_socket(socket).build().unwrap();
        Self { http, token }
    }

    async fn call(&self, mut request: reqwest::RequestBuilder) -> String {
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        assert!(status.is_success(), "{status}: {text}");
        text
    }

    pub(crate) async fn get(&self, path: &str) -> String {
        self.call(self.http.get(format!("http://localhost{path}"))).await
    }

    pub(crate) async fn post(&self, path: &str, body: String) -> Value {
        let request = self
            .http
            .post(format!("http://localhost{path}"))
            .header("content-type", "application/json");
        serde_json::from_str(&self.call(request.body(body)).await).unwrap()
    }

    /// Asks; the decision's number.
    pub(crate) async fn ask(&self, number: usize) -> i64 {
        self.post("/v1/decisions", question(number).to_string()).await["id"].as_i64().unwrap()
    }

    /// Approves what was asked once.
    pub(crate) async fn approve(&self, id: i64) {
        let request = self
            .http
            .post(format!("http://localhost/v1/decisions/{id}/approve"))
            .header("if-match", "\"1\"");
        self.call(request).await;
    }

    /// Waits for the verdict, and takes it.
    pub(crate) async fn take(&self, id: i64) {
        let decision = self
            .post(&format!("/v1/decisions/{id}/wait?timeout=600&claim=true"), String::new())
            .await;
        assert_eq!(decision["verdict"], "approved", "{decision}");
    }
}

/// A question as agents ask them.
pub(crate) fn question(number: usize) -> Value {
    json!({
        "title": format!("Deploy contact sync {number} to staging"),
        "kind": "routine", "environment": "staging", "risk": "low", "confidence": 0.82,
        "insight": {
            "observation": "All stages are green.", "why_it_matters": "Sales sees stale contacts.",
            "what_to_do": "Approve to roll out. Rolling back takes 2 minutes."
        },
        "details": [{ "name": "tests", "value": "47/47" }, { "name": "coverage", "value": "94 %" }],
        "agent": { "name": "goose", "session": "s-7" }
    })
}

/// A running bot. It ends with this.
pub(crate) struct Served {
    pub(crate) sandbox: Sandbox,
    process: Child,
    folder: TempDir,
    /// An agent, as this user.
    pub(crate) agent: Caller,
    /// A person, by a token.
    pub(crate) person: Caller,
}

impl Served {
    /// Connected, with nothing to do. `batches`: whether decisions share cards. Without Discord's
    /// own limits a card that many share is drawn again without pause, which nobody's Discord lets
    /// a bot do.
    pub(crate) async fn start(batches: bool, rate_limits: RateLimits) -> Self {
        let sandbox = Sandbox::start(Options { rate_limits, ..Options::default() }).await.unwrap();
        let folder = folder();
        let socket = folder.path().join("api.sock");
        // Whoever approves hundreds in a row is asked whether they look, and whoever calls that
        // often is slowed down; neither is what is measured.
        let batch = if batches { "" } else { "batch.min = 0\n" };
        let http = "[http]\nsocket = \"api.sock\"\nrequests_per_second = 1000000\n";
        std::fs::write(
            folder.path().join("gander.toml"),
            format!("guard.in_a_row = 0\n{batch}{http}"),
        )
        .unwrap();
        let addresses = sandbox.addresses();
        let maya = addresses.user_id("maya").unwrap().parse().unwrap();
        let token = token_of_maya(&folder.path().join("gander.db"), maya, &[]).await;
        let mut serve = gander(folder.path(), &["serve"]);
        serve.env("DISCORD_TOKEN", &addresses.token);
        serve.env("GANDER_DISCORD_API", &addresses.tls).env("GANDER_DISCORD_CA", &addresses.ca);
        let process = serve.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        is_online(&sandbox).await;
        let (agent, person) = (Caller::new(&socket, None), Caller::new(&socket, Some(token)));
        Self { sandbox, process, folder, agent, person }
    }

    /// The program, with this store and configuration.
    pub(crate) fn gander(&self, args: &[&str]) -> Command {
        gander(self.folder.path(), args)
    }

    /// Its resident memory in MiB, where the system tells.
    pub(crate) fn resident(&self) -> Option<f64> {
        report::resident(&self.process.id()?.to_string())
    }

    /// The processor time that it has used, where the system tells; Linux counts in hundredths of a
    /// second.
    pub(crate) fn used(&self) -> Option<Duration> {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id()?)).ok()?;
        let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
        let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
        Some(Duration::from_millis(ticks * 10))
    }

    /// How many requests wait for a verdict.
    pub(crate) async fn waiting(&self) -> usize {
        let metrics = self.agent.get("/metrics").await;
        let line = metrics.lines().find_map(|line| line.strip_prefix("gander_http_waiting "));
        line.unwrap().trim().parse().unwrap()
    }

    pub(crate) async fn end(mut self) {
        self.process.kill().await.unwrap();
        self.sandbox.shutdown().await;
    }
}

fn gander(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gander"));
    command
        .args(args)
        .arg("--store")
        .arg(folder.join("gander.db"))
        .arg("--config")
        .arg(folder.join("gander.toml"));
    command
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}
