//! An outbox under test: a store, a clock that is moved, and carriers.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::TimeDelta;
use gander::channels::{SecretFrom, Settings, ntfy, twilio, webhook};
use gander::core::Time;
use gander::core::decision::{Decision, DecisionId, Request};
use gander::core::outgoing::{Letter, Outgoing, Sending, Urgency, Way};
use gander::core::policy::Rules;
use gander::engine::Handle;
use gander::engine::clock::TestClock;
use gander::engine::outbox::{self, Carriers};
use gander::store::sqlite::SqliteStore;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::standin::LIMIT;

pub(crate) const ACCOUNT: &str = "AC00000000000000000000000000000abc";
pub(crate) const TOKEN: &str = "geheim0123456789";
pub(crate) const FROM: &str = "+15005550006";
pub(crate) const MAYA: &str = "+491701234567";
pub(crate) const LINK: &str =
    "https://discord.com/channels/1000000000000000001/1000000000000000002/1000000000000000003";

pub(crate) fn noon() -> Time {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

pub(crate) struct Desk {
    pub(crate) folder: TempDir,
    pub(crate) handle: Handle,
    pub(crate) clock: TestClock,
    running: Option<JoinHandle<()>>,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let clock = TestClock::at(noon());
        std::fs::write(folder.path().join("secret"), TOKEN).unwrap();
        let handle = open(&folder, &clock);
        Self { folder, handle, clock, running: None }
    }

    /// Where the secret lies.
    pub(crate) fn secret(&self, variable: &'static str) -> SecretFrom {
        SecretFrom { file: Some(self.folder.path().join("secret")), variable }
    }

    pub(crate) fn ntfy(&self, url: &str) -> Settings {
        let ntfy = ntfy::Settings { server: url.parse().unwrap(), token: self.secret(ntfy::TOKEN) };
        Settings { ntfy: Some(ntfy), ..Settings::default() }
    }

    pub(crate) fn twilio(&self, url: &str) -> Settings {
        let token = self.secret(twilio::TOKEN);
        let twilio = twilio::Settings {
            account: ACCOUNT.parse().unwrap(),
            from: FROM.into(),
            token,
            api: url.parse().unwrap(),
        };
        Settings { twilio: Some(twilio), ..Settings::default() }
    }

    pub(crate) fn webhook(&self, url: &str, secret: &str) -> Settings {
        let file: PathBuf = self.folder.path().join("hook-secret");
        std::fs::write(&file, secret).unwrap();
        let secret = SecretFrom { file: Some(file), variable: webhook::SECRET };
        let hook = webhook::Settings {
            name: "pager".into(),
            url: url.parse().unwrap(),
            projects: Vec::new(),
            secret,
        };
        Settings { webhooks: vec![hook], ..Settings::default() }
    }

    /// Runs the outbox with these carriers.
    pub(crate) fn run(&mut self, carriers: Carriers) {
        let (sender, carriers) = watch::channel(carriers);
        let handle = self.handle.clone();
        self.running = Some(tokio::spawn(async move {
            outbox::run(handle, carriers).await;
            drop(sender);
        }));
    }

    pub(crate) fn run_with(&mut self, settings: &Settings) {
        self.run(gander::channels::carriers(settings));
    }

    /// Ends it between two steps, as a death of the process would, and opens the store anew.
    pub(crate) async fn die(&mut self) {
        let running = self.running.take().unwrap();
        running.abort();
        let _ = running.await;
        self.handle = open(&self.folder, &self.clock);
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.clock.advance(TimeDelta::seconds(seconds));
    }

    pub(crate) async fn ask(&self, title: &str) -> Decision {
        self.handle
            .ask(Request { title: title.into(), ..Request::default() })
            .await
            .unwrap()
            .into_decision()
    }

    pub(crate) async fn send(&self, messages: Vec<Outgoing>) {
        self.handle.send_out(messages).await.unwrap();
    }

    /// Waits until a message stands so.
    pub(crate) async fn until(&self, key: &str, is: impl Fn(&Sending) -> bool) -> Letter {
        let mut hints = self.handle.hints();
        let waited = tokio::time::timeout(LIMIT, async {
            loop {
                hints.mark_unchanged();
                let letter = self.handle.outgoing(key).await.unwrap().unwrap();
                if is(&letter.sending) {
                    return letter;
                }
                hints.changed().await.unwrap();
            }
        });
        match waited.await {
            Ok(letter) => letter,
            Err(_) => panic!("{key} stands so: {:?}", self.handle.outgoing(key).await),
        }
    }

    pub(crate) async fn settled(&self, key: &str) -> Letter {
        self.until(key, Sending::is_settled).await
    }

    /// Why it was given up.
    pub(crate) async fn given_up(&self, key: &str) -> String {
        match self.settled(key).await.sending {
            Sending::GaveUp { why, .. } => why,
            other => panic!("{other:?}"),
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.abort();
        }
    }
}

fn open(folder: &TempDir, clock: &TestClock) -> Handle {
    let store = SqliteStore::open(&folder.path().join("gander.db"), None, noon()).unwrap();
    Handle::new(Arc::new(store), Rules::default(), Arc::new(clock.clone()))
}

pub(crate) fn message(key: &str, way: Way, to: &str) -> Outgoing {
    Outgoing {
        key: key.into(),
        person: "discord:1".into(),
        way,
        to: to.into(),
        title: "🚨 GHL deploy SLA BREACHED — action required".into(),
        words: "#142 waits since 4h 30m · high risk".into(),
        link: Some(LINK.into()),
        urgency: Urgency::Urgent,
        decisions: BTreeSet::new(),
    }
}

pub(crate) fn about(id: DecisionId, message: Outgoing) -> Outgoing {
    Outgoing { decisions: [id].into(), ..message }
}
