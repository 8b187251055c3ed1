//! An outbox under test: a store, a clock that is moved, and senders.

use std::collections::BTreeSet;
use std::path::PathBuf;

use chrono::TimeDelta;
use gander::channels::{ChannelSettings, SecretFrom, ntfy, twilio, webhook};
use gander::core::Time;
use gander::core::decision::{Decision, DecisionId, Request};
use gander::core::messaging::notification::{
    DeliveryState, ExternalChannel, Notification, NotificationPriority, OutboxEntry,
};
use gander::core::policy::rules::Rules;
use gander::engine::Handle;
use gander::engine::clock::TestClock;
use gander::engine::notifications::outbox;
use gander::engine::notifications::outbox::Senders;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::channels_standin::LIMIT;
use crate::common::engine;

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

    pub(crate) fn ntfy(&self, url: &str) -> ChannelSettings {
        let ntfy =
            ntfy::NtfySettings { server: url.parse().unwrap(), token: self.secret(ntfy::TOKEN) };
        ChannelSettings { ntfy: Some(ntfy), ..ChannelSettings::default() }
    }

    pub(crate) fn twilio(&self, url: &str) -> ChannelSettings {
        let token = self.secret(twilio::TOKEN);
        let twilio = twilio::TwilioSettings {
            account: ACCOUNT.parse().unwrap(),
            from: FROM.into(),
            token,
            api: url.parse().unwrap(),
        };
        ChannelSettings { twilio: Some(twilio), ..ChannelSettings::default() }
    }

    pub(crate) fn webhook(&self, url: &str, secret: &str) -> ChannelSettings {
        let file: PathBuf = self.folder.path().join("hook-secret");
        std::fs::write(&file, secret).unwrap();
        let secret = SecretFrom { file: Some(file), variable: webhook::SECRET };
        let hook = webhook::WebhookSettings {
            name: "pager".into(),
            url: url.parse().unwrap(),
            projects: Vec::new(),
            secret,
        };
        ChannelSettings { webhooks: vec![hook], ..ChannelSettings::default() }
    }

    /// Runs the outbox with these senders.
    pub(crate) fn run(&mut self, senders: Senders) {
        let (changes, senders) = watch::channel(senders);
        let handle = self.handle.clone();
        self.running = Some(tokio::spawn(async move {
            outbox::run(handle, senders).await;
            drop(changes);
        }));
    }

    pub(crate) fn run_with(&mut self, settings: &ChannelSettings) {
        self.run(gander::channels::senders(settings));
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
            .approvals()
            .ask(Request { title: title.into(), ..Request::default() })
            .await
            .unwrap()
            .into_decision()
    }

    pub(crate) async fn send(&self, messages: Vec<Notification>) {
        self.handle.notifications().enqueue(messages).await.unwrap();
    }

    /// Waits until a message stands so.
    pub(crate) async fn until(
        &self,
        key: &str,
        is: impl Fn(&DeliveryState) -> bool,
    ) -> OutboxEntry {
        let mut hints = self.handle.hints();
        let waited = tokio::time::timeout(LIMIT, async {
            loop {
                hints.mark_unchanged();
                let letter = self.handle.notifications().get(key).await.unwrap().unwrap();
                if is(&letter.state) {
                    return letter;
                }
                hints.changed().await.unwrap();
            }
        });
        match waited.await {
            Ok(letter) => letter,
            Err(_) => panic!("{key} stands so: {:?}", self.handle.notifications().get(key).await),
        }
    }

    pub(crate) async fn settled(&self, key: &str) -> OutboxEntry {
        self.until(key, DeliveryState::is_settled).await
    }

    /// Why it was given up.
    pub(crate) async fn given_up(&self, key: &str) -> String {
        match self.settled(key).await.state {
            DeliveryState::GaveUp { why, .. } => why,
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
    engine::handle_at(&folder.path().join("gander.db"), Rules::default(), clock)
}

pub(crate) fn message(key: &str, channel: ExternalChannel, to: &str) -> Notification {
    Notification {
        key: key.into(),
        person: "discord:1".into(),
        channel,
        to: to.into(),
        title: "🚨 GHL deploy SLA BREACHED — action required".into(),
        words: "#142 waits since 4h 30m · high risk".into(),
        link: Some(LINK.into()),
        urgency: NotificationPriority::Urgent,
        decisions: BTreeSet::new(),
    }
}

pub(crate) fn about(id: DecisionId, message: Notification) -> Notification {
    Notification { decisions: [id].into(), ..message }
}
