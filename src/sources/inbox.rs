//! The drop folder: a JSON file in `inbox/` becomes a decision, and its verdict appears in
//! `verdicts/`.
//!
//! For agents without a client library, in any language that can write a file. The file's name
//! identifies the question. While the file is in `inbox/`, a change is a revision, and removal
//! withdraws the question. Once a verdict is given, the file leaves `inbox/` before the verdict is
//! delivered. A later file with this name is therefore a new question, whatever its content, and an
//! old verdict never answers it.
//!
//! Delivering a verdict claims the verdict. Delivery has four steps, and a power cut may follow any
//! step:
//!
//! 1. write the verdict to a hidden file (the intent), with the decision's number;
//! 2. move the question out of `inbox/` to a hidden name, or leave it if it changed since it was
//!    read;
//! 3. claim the verdict in the store;
//! 4. remove the moved question, and rename the intent to the verdict file.
//!
//! At start, moved questions without a delivered verdict are moved back. An intent, or a verdict
//! file with the state `asked`, whose decision is answered marks an undelivered verdict, which is
//! delivered now. Everything else is read from the store at each scan.
//!
//! Does not depend on surfaces, the store's tables or permissions.

mod files;
mod reconciler;
mod scan;
pub mod schema;

use std::path::{Path, PathBuf};
use std::time::Duration;

use self::files::{INBOX, OUTCOMES};
use self::reconciler::FolderReconciler;
use super::agent_task::SourceError;
use super::folder_notices::FolderNotices;
use crate::core::decision::{DROPPED_KEY, DecisionId};
use crate::engine::{Filter, Handle, HandleError};

/// Prefix of every key of this source.
pub const KEY: &str = DROPPED_KEY;

/// Pause between a change notice and the scan, so that files arriving together need one scan.
const SETTLE: Duration = Duration::from_millis(20);
/// Pause before the next scan while a file is incomplete, or has just been removed.
const SOON: Duration = Duration::from_millis(500);
/// Pause before the next scan after an error.
const AGAIN: Duration = Duration::from_secs(5);
/// Interval of scans without notices, because notices are only hints.
const POLL_INTERVAL: Duration = Duration::from_secs(60);

/// A configured drop folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropFolder {
    /// The folder that contains `inbox/`, `verdicts/`, `refused/` and `outcomes/`. Created if
    /// missing.
    pub path: PathBuf,
    /// The project of questions without a project.
    pub project: Option<String>,
}

/// The result of one scan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InboxScan {
    /// New decisions.
    pub asked: Vec<DecisionId>,
    /// Decisions with changed content.
    pub revised: Vec<DecisionId>,
    /// Withdrawn decisions.
    pub withdrawn: Vec<DecisionId>,
    /// Decisions whose final state (verdict or withdrawal) was delivered to the agent.
    pub told: Vec<DecisionId>,
    /// Decisions with a new report from an agent.
    pub reported: Vec<DecisionId>,
    /// Names of refused files.
    pub refused: Vec<String>,
    /// A file is incomplete or in motion: the next scan follows soon.
    pub unsettled: bool,
    /// Files and folders that could not be read, written or moved, and stay unchanged.
    pub troubles: Vec<SourceError>,
}

/// All drop folders.
#[derive(Debug)]
pub struct Inbox {
    desks: Vec<FolderReconciler>,
    swept: bool,
}

impl Inbox {
    /// The drop folders of a store. `store` is the store's file; attachments are kept beside it.
    #[must_use]
    pub fn new(folders: &[DropFolder], store: &Path) -> Self {
        let mut desks: Vec<FolderReconciler> = Vec::new();
        for desk in folders.iter().map(|folder| FolderReconciler::new(folder, store)) {
            // Of two paths to one folder, the first counts.
            if !desks.iter().any(|other| other.root() == desk.root()) {
                desks.push(desk);
            }
        }
        Self { desks, swept: false }
    }

    /// Scans all folders once: files decisions from questions, and delivers verdicts.
    ///
    /// # Errors
    /// A store error. Work done before the error stays; the next scan continues. A bad file or
    /// folder is refused or becomes a [`SourceError`], and is not an error.
    pub async fn look(&mut self, handle: &Handle) -> Result<InboxScan, HandleError> {
        let mut looked = InboxScan::default();
        for desk in &mut self.desks {
            desk.look(handle, &mut looked).await?;
        }
        if !self.swept {
            self.sweep(handle, &mut looked).await?;
            self.swept = true;
        }
        Ok(looked)
    }

    /// Withdraws questions from folders that are no longer configured, because nobody would receive
    /// the verdict.
    async fn sweep(&self, handle: &Handle, looked: &mut InboxScan) -> Result<(), HandleError> {
        let filter =
            Filter { open_only: true, key_prefix: Some(KEY.to_owned()), ..Filter::default() };
        for decision in handle.approvals().list(filter).await? {
            let key = decision.request.dedup_key.as_deref().unwrap_or_default();
            if !self.desks.iter().any(|desk| desk.name_of(key).is_some()) {
                match handle.approvals().withdraw(decision.id, reconciler::UNCONFIGURED).await {
                    Ok(_) => looked.withdrawn.push(decision.id),
                    Err(HandleError::Refused(..)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// The folders into which agents write.
    fn folders(&self) -> Vec<PathBuf> {
        let of = |desk: &FolderReconciler| [INBOX, OUTCOMES].map(|name| desk.root().join(name));
        self.desks.iter().flat_map(of).collect()
    }
}

/// Scans after each change notice, and every 60 s without notices. Never returns.
pub async fn run(handle: Handle, folders: Vec<DropFolder>, store: PathBuf) {
    let mut inbox = Inbox::new(&folders, &store);
    let mut notices = FolderNotices::new();
    let mut hints = handle.hints();
    let mut said: Vec<SourceError> = Vec::new();
    loop {
        hints.mark_unchanged();
        // Watch before scanning, so that a file created in between raises a notice.
        notices.watch(inbox.folders());
        let wait = match inbox.look(&handle).await {
            // Without folders, this one scan has withdrawn all questions of an earlier
            // configuration.
            Ok(_) if folders.is_empty() => std::future::pending().await,
            Ok(looked) => {
                for trouble in looked.troubles.iter().filter(|trouble| !said.contains(trouble)) {
                    tracing::warn!(
                        path = ?trouble.path,
                        why = trouble.why,
                        "a drop folder has a problem; trying again in 5 s"
                    );
                }
                let wait = match &looked {
                    looked if looked.unsettled => SOON,
                    looked if !looked.troubles.is_empty() => AGAIN,
                    _ => POLL_INTERVAL,
                };
                said = looked.troubles;
                wait
            }
            Err(error) => {
                tracing::warn!(%error, "could not read the drop folders; trying again in 5 s");
                AGAIN
            }
        };
        tokio::select! {
            () = notices.wait() => {}
            // The handle holds the sender, so the channel cannot close.
            _ = hints.changed() => {}
            () = tokio::time::sleep(wait) => notices.forget(),
        }
        tokio::time::sleep(SETTLE).await;
    }
}
