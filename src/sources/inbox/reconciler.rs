//! Reconciles a drop folder with the store: asks, revises and withdraws questions, and delivers
//! verdicts.

mod delivery;
mod reports;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::Path;
use std::sync::Arc;

use chrono::TimeDelta;

use super::files::{INBOX, Name, Spool};
use super::scan::{Draft, ReadCache, Scan, ScannedFile, survey};
use super::schema;
use super::{DropFolder, InboxScan, KEY};
use crate::core::Time;
use crate::core::decision::{Attachment, Decision, DecisionId, Request};
use crate::engine::{Asked, Filter, Handle, HandleError};
use crate::sources::agent_task::SourceError;

/// How long a file must be missing before its question is withdrawn: some programs replace a file
/// by removing it first.
const GONE_FOR: TimeDelta = TimeDelta::seconds(1);

/// Reason of a withdrawal: the file is gone.
const GONE: &str = "its file was removed from the drop folder";
/// Reason of a withdrawal: the drop folder is no longer configured.
pub(super) const UNCONFIGURED: &str = "its drop folder is no longer configured";

/// The reconciler of a drop folder.
#[derive(Debug)]
pub(super) struct FolderReconciler {
    spool: Spool,
    project: Option<String>,
    memory: ReadCache,
    /// Names with an undelivered final state, and the decision's number: the verdict file still
    /// says "open", or an intent exists. `None` until the first scan reads the disk.
    untold: Option<BTreeMap<String, i64>>,
    /// Missing files, and since when.
    missing: HashMap<String, Time>,
    /// Whether this scan has met a limit on asking: the files that follow wait for the next scan.
    is_full: bool,
}

impl FolderReconciler {
    pub(super) fn new(folder: &DropFolder, store: &Path) -> Self {
        Self {
            spool: Spool::of(&folder.path, store),
            project: folder.project.clone().filter(|project| !project.trim().is_empty()),
            memory: ReadCache::default(),
            untold: None,
            missing: HashMap::new(),
            is_full: false,
        }
    }

    pub(super) fn root(&self) -> &Path {
        &self.spool.root
    }

    fn key(&self, name: &str) -> String {
        format!("{KEY}{}:{name}", self.spool.root.display())
    }

    /// The file name in a key, if the key belongs to this folder.
    pub(super) fn name_of<'a>(&self, key: &'a str) -> Option<&'a str> {
        key.strip_prefix(&self.key("")).filter(|name| !name.contains([':', '/']))
    }

    pub(super) async fn look(
        &mut self,
        handle: &Handle,
        looked: &mut InboxScan,
    ) -> Result<(), HandleError> {
        self.is_full = false;
        let seen = match self.survey(handle.clock().wall()).await {
            Ok(seen) => seen,
            Err(error) => {
                looked
                    .troubles
                    .push(SourceError { path: self.spool.root.clone(), why: error.to_string() });
                return Ok(());
            }
        };
        looked.troubles.extend(seen.troubles);
        looked.refused.extend(seen.odd);
        let filter =
            Filter { open_only: true, key_prefix: Some(self.key("")), ..Filter::default() };
        let mut open = BTreeMap::new();
        for decision in handle.approvals().list(filter).await? {
            if let Some(name) =
                decision.request.dedup_key.as_deref().and_then(|key| self.name_of(key))
            {
                open.insert(name.to_owned(), decision);
            }
        }
        let untold = self.untold.iter().flatten().map(|(name, _)| name);
        let names: BTreeSet<String> =
            seen.questions.keys().chain(open.keys()).chain(untold).cloned().collect();
        self.missing.retain(|name, _| !seen.questions.contains_key(name) && names.contains(name));
        for name in names {
            let open = open.remove(&name);
            match seen.questions.get(&name) {
                Some(ScannedFile::Whole(draft)) => {
                    self.question(handle, &name, draft, open, looked).await?
                }
                Some(ScannedFile::Unclear) => looked.unsettled = true,
                Some(ScannedFile::Wrong(why)) => {
                    self.refuse(handle, &name, why, open, looked).await?
                }
                None => self.gone(handle, &name, open, looked).await?,
            }
        }
        for (name, report) in seen.reports {
            self.report(handle, &name, report, looked).await?;
        }
        Ok(())
    }

    async fn survey(&mut self, wall: Time) -> io::Result<Scan> {
        let (spool, mut memory, first) =
            (self.spool.clone(), std::mem::take(&mut self.memory), self.untold.is_none());
        let seen = tokio::task::spawn_blocking(move || {
            spool.make()?;
            let untold = if first { Some(spool.recover()?) } else { None };
            let seen = survey(&spool, &mut memory, wall)?;
            Ok::<_, io::Error>((memory, untold, seen))
        });
        let (memory, untold, seen) = seen.await.map_err(io::Error::other)??;
        self.memory = memory;
        if let Some(untold) = untold {
            self.untold = Some(untold.into_iter().collect());
        }
        Ok(seen)
    }

    /// Runs file operations on a blocking thread. `None` after a failure, recorded as a
    /// [`SourceError`].
    async fn on_disk<T: Send + 'static>(
        &self,
        name: &str,
        looked: &mut InboxScan,
        work: impl FnOnce(&Spool, &str) -> io::Result<T> + Send + 'static,
    ) -> Option<T> {
        let (spool, named) = (self.spool.clone(), name.to_owned());
        let done = tokio::task::spawn_blocking(move || work(&spool, &named))
            .await
            .map_err(io::Error::other)
            .flatten();
        done.map_err(|error| {
            looked
                .troubles
                .push(SourceError { path: self.spool.path(INBOX, name), why: error.to_string() })
        })
        .ok()
    }

    async fn question(
        &mut self,
        handle: &Handle,
        name: &str,
        draft: &Arc<Draft>,
        open: Option<Decision>,
        looked: &mut InboxScan,
    ) -> Result<(), HandleError> {
        let standing = match open {
            Some(open) => Some(open),
            None => self.latest(handle, name).await?,
        };
        let request = match self.request(name, draft, standing.as_ref()) {
            Ok(request) => request,
            Err(why) => {
                return self
                    .refuse(handle, name, &why, standing.filter(|d| d.state.is_open()), looked)
                    .await;
            }
        };
        match standing {
            Some(standing) if standing.state.is_open() => {
                if standing.request == request {
                    self.tell(handle, name, &standing, looked).await;
                    return Ok(());
                }
                if standing.request.project != request.project {
                    let reason = format!("it is asked again under the project {}", request.project);
                    self.withdraw(handle, &standing, &reason, looked).await?;
                }
            }
            // A pruned decision cannot be compared; only its final state can still be delivered.
            Some(standing)
                if (standing.request == request || standing.pruned_at.is_some())
                    && self.is_undelivered(&standing, name) =>
            {
                return self.deliver(handle, name, standing, Some(Arc::clone(draft)), looked).await;
            }
            _ => {}
        }
        self.ask(handle, name, request, looked).await
    }

    /// The latest decision with the key of this name.
    async fn latest(&self, handle: &Handle, name: &str) -> Result<Option<Decision>, HandleError> {
        let filter = Filter { key: Some(self.key(name)), limit: 1, ..Filter::default() };
        Ok(handle.approvals().list(filter).await?.pop())
    }

    /// The request of a question. If its attachments are gone by now, uses the copies kept when the
    /// question was asked.
    ///
    /// # Errors
    /// The problem with the attachments, as text.
    fn request(
        &self,
        name: &str,
        draft: &Draft,
        standing: Option<&Decision>,
    ) -> Result<Request, String> {
        let with = |files: Vec<Attachment>| {
            schema::request(draft.question.clone(), self.key(name), self.project.as_deref(), files)
        };
        match &draft.files {
            Ok(files) => Ok(with(files.clone())),
            Err(why) => standing
                .filter(|standing| {
                    standing.request.attachments.len() == draft.question.attachments.len()
                })
                .map(|standing| with(standing.request.attachments.clone()))
                .filter(|request| standing.is_some_and(|standing| standing.request == *request))
                .ok_or_else(|| why.clone()),
        }
    }

    async fn ask(
        &mut self,
        handle: &Handle,
        name: &str,
        request: Request,
        looked: &mut InboxScan,
    ) -> Result<(), HandleError> {
        if self.is_full {
            return Ok(());
        }
        let decision = match handle.approvals().ask(request).await {
            Ok(Asked::New(decision)) => {
                tracing::info!(
                    decision = decision.id.0,
                    name,
                    "question read from the drop folder"
                );
                looked.asked.push(decision.id);
                decision
            }
            Ok(Asked::Revised(decision)) => {
                tracing::info!(
                    decision = decision.id.0,
                    revision = decision.revision.0,
                    name,
                    "the dropped file changed"
                );
                looked.revised.push(decision.id);
                decision
            }
            Ok(Asked::Same(decision)) => decision,
            Err(HandleError::Limited(reached)) => {
                self.is_full = true;
                let path = self.spool.root.clone();
                looked.troubles.push(SourceError { path, why: reached.to_string() });
                return Ok(());
            }
            Err(HandleError::InvalidRequest(why)) => {
                let open =
                    self.latest(handle, name).await?.filter(|decision| decision.state.is_open());
                return self.refuse(handle, name, &in_fields(&why.to_string()), open, looked).await;
            }
            Err(error) => return Err(error),
        };
        self.tell(handle, name, &decision, looked).await;
        Ok(())
    }

    /// Handles a name without a file: withdraws an open question, or delivers the final state.
    async fn gone(
        &mut self,
        handle: &Handle,
        name: &str,
        open: Option<Decision>,
        looked: &mut InboxScan,
    ) -> Result<(), HandleError> {
        if let Some(open) = open {
            let wall = handle.clock().wall();
            let since = *self.missing.entry(name.to_owned()).or_insert(wall);
            if (wall - since).abs() < GONE_FOR {
                looked.unsettled = true;
            } else if let Some(withdrawn) = self.withdraw(handle, &open, GONE, looked).await? {
                self.tell(handle, name, &withdrawn, looked).await;
            }
            return Ok(());
        }
        let Some(id) = self.untold.as_ref().and_then(|untold| untold.get(name)).copied() else {
            return Ok(());
        };
        match handle.approvals().get(DecisionId(id)).await {
            Ok(decision)
                if decision.request.dedup_key.as_deref() == Some(&self.key(name))
                    && !decision.state.is_open() =>
            {
                self.deliver(handle, name, decision, None, looked).await
            }
            // The number belongs to another store, or the question was asked again at this moment.
            Ok(_) | Err(HandleError::NoSuchDecision(_)) => {
                self.untold.get_or_insert_default().remove(name);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Withdraws a question. `None` if a person answered at this moment; the next scan handles the
    /// verdict.
    async fn withdraw(
        &self,
        handle: &Handle,
        decision: &Decision,
        reason: &str,
        looked: &mut InboxScan,
    ) -> Result<Option<Decision>, HandleError> {
        match handle.approvals().withdraw(decision.id, reason).await {
            Ok(withdrawn) => {
                tracing::info!(decision = withdrawn.id.0, reason, "withdrawn");
                looked.withdrawn.push(withdrawn.id);
                Ok(Some(withdrawn))
            }
            Err(HandleError::Refused(..)) => {
                looked.unsettled = true;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Refuses a question: withdraws the open decision, tells the agent why, and moves the file to
    /// `refused/`.
    async fn refuse(
        &mut self,
        handle: &Handle,
        name: &str,
        why: &str,
        open: Option<Decision>,
        looked: &mut InboxScan,
    ) -> Result<(), HandleError> {
        if let Some(open) = open {
            let reason = format!("its file was replaced by an invalid one: {why}");
            self.withdraw(handle, &open, &reason, looked).await?;
        }
        let (said, why) = (schema::refused_file(why, handle.clock().wall()), why.to_owned());
        let refused = self.on_disk(name, looked, move |spool, name| {
            spool.tell(name, &said)?;
            spool.refuse(INBOX, &Name::Plain(name.to_owned()), &why)
        });
        if refused.await.is_some() {
            tracing::info!(name, "file rejected: see refused/ in the drop folder");
            self.untold.get_or_insert_default().remove(name);
            looked.refused.push(name.to_owned());
        }
        Ok(())
    }
}

/// Replaces command-line options in policy's messages with the fields of a file.
fn in_fields(why: &str) -> String {
    why.replace("--default reject", "\"safe_default\": \"reject\"")
        .replace("--expects choose", "\"expects\": \"choose\"")
        .replace("--expects approve", "\"expects\": \"approve\"")
}
