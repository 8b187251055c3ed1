//! A drop folder and a store for each test, and what is found in them.

use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use gander::core::Time;
use gander::core::decision::authorization::Voter;
use gander::core::decision::event::Event;
use gander::core::decision::{Decision, DecisionId, Person, Via};
use gander::core::policy::rules::Rules;
use gander::engine::clock::{Clock as _, TestClock};
use gander::engine::{Filter, Handle};
use gander::sources::inbox::{DropFolder, Inbox, InboxScan};
use serde_json::{Value, json};

use crate::common::engine;

pub(crate) fn fixtures(start: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/inbox");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let mut found: Vec<_> =
        paths.map(|path| (name(&path), std::fs::read(&path).unwrap())).collect();
    found.retain(|(name, _)| name.starts_with(start));
    found.sort();
    assert!(!found.is_empty(), "no fixture begins with {start}");
    found
}

/// A drop folder and a store beside it.
pub(crate) struct World {
    pub(crate) temporary: tempfile::TempDir,
    pub(crate) clock: TestClock,
    pub(crate) handle: Handle,
    pub(crate) inbox: Inbox,
}

pub(crate) const QUESTION: &str = r#"{"title": "Deploy?", "risk": "low"}"#;

impl World {
    pub(crate) fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let clock = TestClock::at(Time::from_timestamp_millis(1_790_000_000_000).unwrap());
        let store = temporary.path().join("gander.db");
        let handle = engine::handle_at(&store, Rules::default(), &clock);
        let mut world = Self { inbox: Inbox::new(&[], temporary.path()), temporary, clock, handle };
        world.restart();
        world
    }

    /// A look that remembers nothing, as after a kill.
    pub(crate) fn restart(&mut self) {
        self.inbox = Inbox::new(&[self.folder()], &self.temporary.path().join("gander.db"));
    }

    pub(crate) fn folder(&self) -> DropFolder {
        DropFolder { path: self.root(), project: None }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.temporary.path().join("drop")
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.root().join(file)
    }

    pub(crate) fn put(&self, file: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        let now = self.clock.now();
        std::fs::File::options().append(true).open(path).unwrap().set_modified(now.into()).unwrap();
    }

    pub(crate) fn remove(&self, file: &str) {
        std::fs::remove_file(self.path(file)).unwrap();
    }

    pub(crate) fn there(&self, file: &str) -> bool {
        std::fs::symlink_metadata(self.path(file)).is_ok()
    }

    pub(crate) async fn look(&mut self) -> InboxScan {
        self.inbox.look(&self.handle).await.unwrap()
    }

    pub(crate) async fn look_after(&mut self, seconds: i64) -> InboxScan {
        self.clock.advance(TimeDelta::seconds(seconds));
        self.look().await
    }

    pub(crate) fn verdict(&self, name: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.path("verdicts").join(name)).unwrap()).unwrap()
    }

    pub(crate) async fn get(&self, id: i64) -> Decision {
        self.handle.approvals().get(DecisionId(id)).await.unwrap()
    }

    pub(crate) async fn count(&self) -> usize {
        self.handle.approvals().list(Filter::default()).await.unwrap().len()
    }

    pub(crate) async fn approve(&self, id: i64) {
        let decision = self.get(id).await;
        self.handle
            .approvals()
            .approve(decision.id, decision.revision, &ada(), Via::Discord)
            .await
            .unwrap();
    }

    pub(crate) async fn claims(&self, id: i64) -> usize {
        let history = self.handle.event_log().history(DecisionId(id)).await.unwrap();
        history.iter().filter(|logged| logged.event == Event::Claimed).count()
    }

    /// The verdict on 1 was told, once, and the question is gone.
    pub(crate) async fn must_be_told(&mut self, case: &str) {
        let said = self.verdict("a.json");
        assert_eq!(
            (&said["id"], &said["state"], &said["verdict"]),
            (&json!(1), &json!("resolved"), &json!("approved")),
            "{case}"
        );
        assert_eq!(
            (self.count().await, self.claims(1).await),
            (1, 1),
            "{case}: asked once, claimed once"
        );
        let left: Vec<_> = ["inbox", "verdicts"]
            .into_iter()
            .flat_map(|folder| std::fs::read_dir(self.path(folder)).unwrap())
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, ["a.json"], "{case}: only the verdict is left");
        self.restart();
        assert_eq!(self.look().await, InboxScan::default(), "{case}: nothing is left to do");
    }
}

pub(crate) fn ada() -> Voter {
    Voter { person: Person::discord(1, "Ada"), roles: Vec::new(), owner: true }
}
