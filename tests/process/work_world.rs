//! Folders, jobs and people around `gander work`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gander::core::decision::{Decision, State, Via};
use gander::core::jobs::{Enqueuer, Job, JobId, JobRequest, JobState};
use gander::core::policy::rules::Rules;
use gander::engine::event_log::watch;
use gander::engine::{Filter, Handle, JobFilter};
use serde_json::Value;
use tokio::process::Command;
use tokio::task::AbortHandle;

use crate::common::engine::{self, maya};
use crate::common::process::{Home, LIMIT};
use crate::common::tools;

/// Whether git is there; says so if not.
pub(crate) fn has_git() -> bool {
    tools::is_there("git", tools::find("git").is_some(), tools::TOOLS)
}

pub(crate) fn write(root: &Path, path: &str, text: &str) {
    let file = root.join(path);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
}

/// A fresh Next.js project, which calls a language model.
pub(crate) fn next_js(root: &Path) {
    let package = r#"{"name":"shop","dependencies":{"next":"15.5.0","react":"19.1.0"}}"#;
    write(root, "package.json", package);
    write(root, "next.config.mjs", "export default {};\n");
    write(root, "app/page.tsx", "export default function Page() { return <p>Shop</p>; }\n");
    let route = "import { NextResponse } from \"next/server\";\nimport OpenAI from \"openai\";\n";
    write(root, "app/api/chat/route.ts", route);
    write(root, "node_modules/flask/requirements.txt", "flask\n");
}

/// A fresh Django project, which calls none.
pub(crate) fn django(root: &Path) {
    let manage = "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n";
    write(root, "manage.py", manage);
    write(root, "requirements.txt", "Django==5.2\n");
    write(root, "shop/settings.py", "DEBUG = True\n");
    write(root, "shop/views.py", "from django.http import HttpResponse\n");
}

/// Every file of a folder outside `.gander`, with its content.
pub(crate) fn tree(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path == root.join(".gander") {
                continue;
            }
            if path.is_dir() {
                found.insert(path.clone(), b"folder".to_vec());
                folders.push(path);
            } else {
                found.insert(path.clone(), std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

pub(crate) fn json_in(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}\n{text}"))
}

/// The program in this home, with the search path of the test.
pub(crate) fn work(home: &Home, args: &[&str]) -> Command {
    let mut command = home.gander(&[&["work"], args].concat());
    command.env("PATH", std::env::var_os("PATH").unwrap());
    command
}

/// The store, as a person and a program see it.
pub(crate) struct Queue {
    pub(crate) handle: Handle,
    watching: AbortHandle,
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

impl Queue {
    pub(crate) fn of(home: &Home) -> Self {
        let handle = engine::handle(&home.store(), Rules::default());
        let (watched, store) = (handle.clone(), home.store());
        let watching = tokio::spawn(async move { watch::run(watched, &store).await });
        Self { handle, watching: watching.abort_handle() }
    }

    /// Enqueues a job of the project `shop`.
    pub(crate) async fn enqueue(&self, title: &str, prompt: &str) -> JobId {
        let request = JobRequest {
            title: title.into(),
            prompt: prompt.into(),
            project: "shop".into(),
            by: Enqueuer::Person { by: maya().person },
            ..JobRequest::default()
        };
        self.handle.jobs().enqueue(request).await.unwrap().into_job().id
    }

    pub(crate) async fn job(&self, id: JobId) -> Job {
        self.handle.jobs().get(id).await.unwrap()
    }

    pub(crate) async fn jobs(&self) -> Vec<Job> {
        self.handle.jobs().list(JobFilter::default()).await.unwrap()
    }

    /// Waits until a job is so.
    pub(crate) async fn until(&self, id: JobId, what: &str, is: impl Fn(&Job) -> bool) -> Job {
        let mut hints = self.handle.hints();
        let waited = tokio::time::timeout(LIMIT, async {
            loop {
                hints.mark_unchanged();
                let job = self.job(id).await;
                if is(&job) {
                    return job;
                }
                hints.changed().await.unwrap();
            }
        });
        match waited.await {
            Ok(job) => job,
            Err(_) => panic!("{id} is not {what}, but {:#?}", self.job(id).await),
        }
    }

    /// Waits for an open decision whose title begins so.
    pub(crate) async fn asked(&self, title: &str) -> Decision {
        let is_it = |decision: &Decision| {
            decision.request.title.starts_with(title) && matches!(decision.state, State::Pending(_))
        };
        engine::until(&self.handle, title, |all| all.iter().any(is_it)).await;
        let all = self.handle.approvals().list(Filter::default()).await.unwrap();
        all.into_iter().find(is_it).unwrap()
    }

    pub(crate) async fn approve(&self, decision: &Decision) {
        let approvals = self.handle.approvals();
        let by = maya();
        approvals.approve(decision.id, decision.revision, &by, Via::Discord).await.unwrap();
    }

    pub(crate) async fn is_done(&self, id: JobId) -> Job {
        self.until(id, "done", |job| matches!(job.state, JobState::Done { .. })).await
    }
}

/// Runs git in a folder; what it printed.
pub(crate) fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut git = std::process::Command::new("git");
    git.args(arguments).current_dir(folder).env("GIT_CONFIG_NOSYSTEM", "1");
    git.env("GIT_CONFIG_GLOBAL", "/dev/null");
    git.envs([("GIT_AUTHOR_NAME", "Ada"), ("GIT_AUTHOR_EMAIL", "ada@example.org")]);
    git.envs([("GIT_COMMITTER_NAME", "Ada"), ("GIT_COMMITTER_EMAIL", "ada@example.org")]);
    let output = git.output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A repository `shop` in the home's working directory.
pub(crate) fn repository(home: &Home) -> PathBuf {
    let root = home.work().join("shop");
    write(&root, "README.md", "shop\n");
    git(&root, &["init", "-q"]);
    git(&root, &["add", "."]);
    git(&root, &["commit", "-q", "-m", "Begin"]);
    root.canonicalize().unwrap()
}
