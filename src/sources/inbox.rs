//! The drop folder: a JSON file put into `inbox/` becomes a decision, and its verdict appears in
//! `verdicts/`.
//!
//! For agents without a library, in any language that can write a file. The file's name is the
//! question's identity. While the file lies in `inbox/` it asks: changed, it is the next revision;
//! removed, the question is taken back. With the verdict it is taken out of `inbox/`, and only then
//! is the verdict told; so a file of that name that lies there later is a new question, whatever it
//! says, and no old verdict answers it.
//!
//! Telling a verdict claims it. It runs in four steps, each of which can be the last before a power
//! cut:
//!
//! 1. the verdict is noted under a hidden name, with the decision's number;
//! 2. the question is taken out of `inbox/` under a hidden name, and left there if it changed since
//!    it was read;
//! 3. the verdict is claimed in the store;
//! 4. the taken question is removed, and the note renamed to the verdict's file.
//!
//! A start puts back what was taken and not answered. A note, or a verdict's file that says
//! `asked`, whose decision is answered: that verdict was not told, and is told now. All else is
//! read from the store at each look.
//!
//! Must not know surfaces, the store's tables or who may decide.

mod desk;
mod notices;
pub mod paper;
mod spool;
mod survey;

use std::path::{Path, PathBuf};
use std::time::Duration;

use self::desk::Desk;
use self::notices::Notices;
use super::agent_task::Trouble;
use crate::core::decision::DecisionId;
use crate::engine::{Filter, Handle, HandleError};

/// What every key of this source begins with.
pub const KEY: &str = "inbox:";

/// How long after a notice the folder is looked at: several files that come together are one look.
const SETTLE: Duration = Duration::from_millis(20);
/// How soon it is looked again at what is not whole, or only just gone.
const SOON: Duration = Duration::from_millis(500);
/// How soon it is looked again after something failed.
const AGAIN: Duration = Duration::from_secs(5);
/// How long until the next look when nothing is noticed: notices are only hints.
const SLOW: Duration = Duration::from_secs(60);

/// A drop folder, as it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropFolder {
    /// The folder that has `inbox/` and the others in it. It is made if it is not there.
    pub path: PathBuf,
    /// The project of questions that name none.
    pub project: Option<String>,
}

/// What one look found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looked {
    /// Decisions that are new.
    pub asked: Vec<DecisionId>,
    /// Decisions whose content changed.
    pub revised: Vec<DecisionId>,
    /// Decisions that were taken back.
    pub withdrawn: Vec<DecisionId>,
    /// Decisions whose end the agent was told.
    pub told: Vec<DecisionId>,
    /// Decisions of which an agent said how it went.
    pub reported: Vec<DecisionId>,
    /// Names of files that were refused.
    pub refused: Vec<String>,
    /// Something is not whole yet, or in motion: it is looked at again soon.
    pub unsettled: bool,
    /// What could not be read, written or moved. It stays as it is.
    pub troubles: Vec<Trouble>,
}

/// All drop folders.
#[derive(Debug)]
pub struct Inbox {
    desks: Vec<Desk>,
    swept: bool,
}

impl Inbox {
    /// The drop folders of a store, whose file is named because attachments are kept beside it.
    #[must_use]
    pub fn new(folders: &[DropFolder], store: &Path) -> Self {
        Self {
            desks: folders.iter().map(|folder| Desk::new(folder, store)).collect(),
            swept: false,
        }
    }

    /// Looks once at everything, and makes what is asked and told equal what lies in the folders
    /// and the store.
    ///
    /// # Errors
    /// The store's, with what was done before it left as it is; the next look goes on from there.
    /// What is wrong with a file or folder is no error: it is refused, or a [`Trouble`].
    pub async fn look(&mut self, handle: &Handle) -> Result<Looked, HandleError> {
        let mut looked = Looked::default();
        for desk in &mut self.desks {
            desk.look(handle, &mut looked).await?;
        }
        if !self.swept {
            self.sweep(handle, &mut looked).await?;
            self.swept = true;
        }
        Ok(looked)
    }

    /// Takes back what was asked through folders that are no longer configured: nobody would be
    /// told the verdict.
    async fn sweep(&self, handle: &Handle, looked: &mut Looked) -> Result<(), HandleError> {
        let filter =
            Filter { open_only: true, key_prefix: Some(KEY.to_owned()), ..Filter::default() };
        for decision in handle.list(filter).await? {
            let key = decision.request.dedup_key.as_deref().unwrap_or_default();
            if !self.desks.iter().any(|desk| desk.name_of(key).is_some()) {
                match handle.withdraw(decision.id, desk::UNCONFIGURED).await {
                    Ok(_) => looked.withdrawn.push(decision.id),
                    Err(HandleError::Refused(..)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    fn roots(&self) -> Vec<PathBuf> {
        self.desks.iter().map(|desk| desk.root().to_owned()).collect()
    }
}

/// Looks whenever something changes, and slowly without that. Runs for as long as it is polled.
pub async fn run(handle: Handle, folders: Vec<DropFolder>, store: PathBuf) {
    let mut inbox = Inbox::new(&folders, &store);
    let mut notices = Notices::new();
    let mut hints = handle.hints();
    let mut said: Vec<Trouble> = Vec::new();
    loop {
        hints.mark_unchanged();
        // Watched first and looked at then: what appears in between is noticed.
        notices.watch(&inbox.roots());
        let wait = match inbox.look(&handle).await {
            // That look took back what an earlier configuration had brought in.
            Ok(_) if folders.is_empty() => std::future::pending().await,
            Ok(looked) => {
                for trouble in looked.troubles.iter().filter(|trouble| !said.contains(trouble)) {
                    tracing::warn!(path = ?trouble.path, why = trouble.why, "trouble with a drop folder; looking again in 5 s");
                }
                let wait = match &looked {
                    looked if looked.unsettled => SOON,
                    looked if !looked.troubles.is_empty() => AGAIN,
                    _ => SLOW,
                };
                said = looked.troubles;
                wait
            }
            Err(error) => {
                tracing::warn!(%error, "the drop folders could not be brought in; looking again in 5 s");
                AGAIN
            }
        };
        tokio::select! {
            () = notices.wait() => {}
            // The sender lives in the handle, so the channel cannot close.
            _ = hints.changed() => {}
            () = tokio::time::sleep(wait) => notices.forget(),
        }
        tokio::time::sleep(SETTLE).await;
    }
}
