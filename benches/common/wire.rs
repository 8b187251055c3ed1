//! What is seen on the sandbox's side, and the bare requests of the floor.

use std::time::{Duration, Instant};

use discord_sandbox::{JournalEntry, Options, RateLimits, Sandbox};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::watch;

/// Far more than anything takes: whatever takes longer is an error, not a figure.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// A folder on the build's disk, for the system's temporary folder may be memory, where durable
/// costs nothing.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// A fresh pretend Discord, without tight rate limits.
pub(crate) async fn sandbox() -> Sandbox {
    Sandbox::start(Options { rate_limits: RateLimits::Relaxed, ..Options::default() })
        .await
        .unwrap()
}

/// Sees when the sandbox holds a new message. It is woken by the change and reads what is new in
/// the journal: a few entries, so a few dozen microseconds at most, in every figure and in its
/// floor alike.
pub(crate) struct Probe {
    sandbox: Sandbox,
    changes: watch::Receiver<u64>,
    read: u64,
}

impl Probe {
    pub(crate) fn new(sandbox: &Sandbox) -> Self {
        Self {
            changes: sandbox.changes(),
            sandbox: sandbox.clone(),
            read: sandbox.journal(0).last().map_or(0, |entry| entry.n),
        }
    }

    /// The next message, and when it was there.
    pub(crate) async fn message(&mut self) -> (Instant, Value) {
        let waiting = async {
            loop {
                self.changes.mark_unchanged();
                let entries = self.sandbox.journal(self.read);
                let seen = Instant::now();
                self.read = entries.last().map_or(self.read, |entry| entry.n);
                if let Some(created) =
                    entries.into_iter().find(|entry| entry.method == "MESSAGE_CREATE")
                {
                    return (seen, created.body);
                }
                self.changes.changed().await.unwrap();
            }
        };
        tokio::time::timeout(LIMIT, waiting).await.expect("the sandbox holds a message")
    }
}

/// Whether a request created a message of a channel.
pub(crate) fn creates_message(entry: &JournalEntry) -> bool {
    entry.method == "POST"
        && entry.path.starts_with("/channels/")
        && entry.path.ends_with("/messages")
}

/// Whether a request answered an interaction.
pub(crate) fn answers_click(entry: &JournalEntry) -> bool {
    entry.method == "POST" && entry.path.starts_with("/interactions/")
}

/// The id of the message's button that approves.
pub(crate) fn approve_button(message: &Value) -> String {
    let rows = message["components"].as_array().into_iter().flatten();
    let components = rows.flat_map(|row| row["components"].as_array().into_iter().flatten());
    let mut ids = components.filter_map(|component| component["custom_id"].as_str());
    ids.find(|id| id.split(':').nth(2) == Some("approve")).unwrap().to_owned()
}

/// An HTTP client as Gander has one: over TLS, with the sandbox's certificate, without anything
/// around it.
#[derive(Clone)]
pub(crate) struct Rest {
    client: reqwest::Client,
    token: String,
}

impl Rest {
    pub(crate) fn new(sandbox: &Sandbox) -> Self {
        let addresses = sandbox.addresses();
        let authority =
            reqwest::Certificate::from_pem(&std::fs::read(&addresses.ca).unwrap()).unwrap();
        let address = addresses.tls.trim_start_matches("https://").parse().unwrap();
        let client = reqwest::Client::builder()
            .use_rustls_tls()
            .add_root_certificate(authority)
            .resolve("discord.com", address);
        Self { client: client.build().unwrap(), token: format!("Bot {}", addresses.token) }
    }

    /// Posts a body and reads the answer.
    pub(crate) async fn post(&self, path: &str, body: String) {
        let request = self
            .client
            .post(format!("https://discord.com/api/v10{path}"))
            .header("authorization", &self.token);
        let answer =
            request.header("content-type", "application/json").body(body).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {text}");
    }
}
