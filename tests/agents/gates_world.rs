//! A person's machine with an agent that stops at the gate, and the person beside it.

use std::path::PathBuf;
use std::time::Duration;

use gander::core::decision::{Ballot, Decision, DecisionId, Verdict, Via};
use gander::core::policy::rules::Rules;
use gander::engine::event_log::watch;
use gander::engine::{Filter, Handle};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::common::engine;
pub(crate) use crate::common::engine::maya;
use crate::common::process::{Home, LIMIT};
use crate::gates_standin::{Agent, Kind};

pub(crate) struct World {
    pub(crate) home: Home,
    pub(crate) handle: Handle,
    watching: JoinHandle<()>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let home = Home::new();
        let handle = engine::handle(&home.store(), Rules::default());
        let (watched, path) = (handle.clone(), home.store());
        let watching = tokio::spawn(async move { watch::run(watched, &path).await });
        Self { home, handle, watching }
    }

    pub(crate) fn project(&self) -> PathBuf {
        self.home.work()
    }

    /// An agent whose hooks were installed, with a gate that waits this long.
    pub(crate) async fn agent(&self, kind: Kind, patience: &str) -> Agent {
        let project = self.project();
        let place = project.to_str().unwrap();
        let args =
            ["gate", "install", kind.name(), "--project", place, "--timeout", patience, "--yes"];
        self.home.run(&args).await.must(0, &["wrote"]);
        let mut env = vec![("HOME".to_owned(), self.home.path().to_str().unwrap().to_owned())];
        if kind == Kind::ClaudeCode {
            env.push(("CLAUDE_PROJECT_DIR".to_owned(), place.to_owned()));
        }
        Agent { kind, project, env, on_failure: false, patience: None }
    }

    /// What an agent says of a command to its hook of this event.
    pub(crate) fn says(&self, case: &str, command: &str) -> String {
        let path = format!("{}/fixtures/gates/{case}.json", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        let command = serde_json::to_string(command).unwrap();
        text.replace("{cwd}", self.project().to_str().unwrap()).replace("\"{command}\"", &command)
    }

    pub(crate) fn pre(&self, kind: Kind, command: &str) -> String {
        self.says(&format!("{}-pre-tool-use", kind.name()), command)
    }

    /// The decisions that were asked, once there are so many.
    pub(crate) async fn asked(&self, count: usize) -> Vec<Decision> {
        self.asked_within(count, LIMIT).await
    }

    /// The same, of an agent that takes its time.
    pub(crate) async fn asked_within(&self, count: usize, limit: Duration) -> Vec<Decision> {
        let mut hints = self.handle.hints();
        let waited = timeout(limit, async {
            loop {
                hints.mark_unchanged();
                let mut found = self.handle.approvals().list(Filter::default()).await.unwrap();
                if found.len() >= count {
                    found.reverse();
                    return found;
                }
                let _ = hints.changed().await;
            }
        });
        waited.await.unwrap_or_else(|_| panic!("there were not {count} decisions"))
    }

    pub(crate) async fn decision(&self, id: i64) -> Decision {
        self.handle.approvals().get(DecisionId(id)).await.unwrap()
    }

    /// The first decision, once it is no longer open.
    pub(crate) async fn closed(&self) -> Decision {
        let id = self.asked(1).await.remove(0).id.0;
        let mut hints = self.handle.hints();
        let waited = timeout(LIMIT, async {
            loop {
                hints.mark_unchanged();
                let decision = self.decision(id).await;
                if !decision.state.is_open() {
                    return decision;
                }
                let _ = hints.changed().await;
            }
        });
        waited.await.unwrap_or_else(|_| panic!("decision {id} stays open"))
    }

    /// Maya, whose machine it is, decides, and types the word that critical risk demands.
    pub(crate) async fn decides(&self, decision: &Decision, verdict: Verdict) -> Decision {
        let ballot = Ballot { verdict, confirmation: decision.confirmation() };
        self.handle
            .approvals()
            .resolve(decision.id, decision.revision, &maya(), Via::Discord, ballot)
            .await
            .unwrap()
    }

    pub(crate) async fn defers(&self, decision: &Decision) -> Decision {
        let until = self.handle.now() + chrono::TimeDelta::hours(3);
        self.handle.approvals().defer(decision.id, decision.revision, &maya(), until).await.unwrap()
    }
}

pub(crate) fn rejected(reason: &str) -> Verdict {
    Verdict::Rejected { reason: reason.to_owned() }
}
