//! Maintenance of the store: audit, pruning and backup.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::core::Time;
use crate::core::policy::rules::enforcement_event;
use crate::disk::{self, FileError, FileFacts, FileKind, Folder};
use crate::engine::approvals::attachments;
use crate::engine::approvals::attachments::Swept;
use crate::engine::{Handle, HandleError};
use crate::store::chain::Fault;
use crate::store::{Audit, Filter, Pruned, Store, StoreError, files, hex};

/// Decisions, and rows of each kind, pruned per transaction, to keep waits for the store short.
const PRUNED_AT_ONCE: usize = 200;
/// Minimum age of a removed file: a younger unused file may belong to a question not yet stored.
const UNUSED_FOR: chrono::TimeDelta = chrono::TimeDelta::days(1);

/// The contents of a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupSummary {
    /// The audit of the copied store; no fault was found.
    pub audit: Audit,
    /// The folder with the copied attachments.
    pub folder: PathBuf,
    /// Number of copied files.
    pub files: usize,
    /// Attachments missing or damaged in the store itself.
    pub without: Vec<String>,
}

/// Why no backup was made. Existing files were not touched.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file already exists.
    #[error("{} already exists. Choose another file, or overwrite it with --force", .0.display())]
    Exists(PathBuf),
    /// The path is not a file, or is the store itself.
    #[error("cannot write a backup to {}: {why}", path.display())]
    NoPlace {
        /// The path.
        path: PathBuf,
        /// The reason.
        why: &'static str,
    },
    /// The backup cannot be written.
    #[error("the backup {} cannot be written: {why}", path.display())]
    Failed {
        /// The path.
        path: PathBuf,
        /// The system's error.
        why: io::Error,
    },
    /// The audit of the copy found a fault.
    #[error("nothing was backed up, because the store is \
         damaged: {fault}. {advice}", fault = .0, advice = .0.advice())]
    Unsound(Fault),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Health, status, heartbeat and maintenance.
#[derive(Debug, Clone, Copy)]
pub struct OperationsApi<'a> {
    pub(in crate::engine) handle: &'a Handle,
}

impl OperationsApi<'_> {
    /// Enforces the current rules on every open decision, and ends every grant that they no longer
    /// allow.
    ///
    /// # Errors
    /// [`HandleError::Store`]; the remaining decisions follow when next shown or decided.
    pub async fn enforce_rules(self) -> Result<(), HandleError> {
        for decision in
            self.handle.approvals().list(Filter { open_only: true, ..Filter::default() }).await?
        {
            if enforcement_event(&self.handle.rules(), &decision, None).is_some() {
                self.handle.approvals().enforce(decision.id).await?;
            }
        }
        self.handle.grants().end_fallen().await
    }

    /// Checks the hash chain, the states and the file.
    ///
    /// # Errors
    /// [`HandleError::Store`] if the store cannot be read now; faults inside the store are part of
    /// the result.
    pub async fn audit(self) -> Result<Audit, HandleError> {
        Ok(self.handle.with_store(|store| store.audit().verify()).await?)
    }

    /// What [`OperationsApi::prune`] would remove.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn prunable(self, before: Time) -> Result<Pruned, HandleError> {
        Ok(self.handle.with_store(move |store| store.maintenance().prunable(before)).await?)
    }

    /// Removes the long content of decisions ended before `before`, the records of their messages
    /// once these are final, and attachments no longer needed. `store` is the store's path.
    ///
    /// # Errors
    /// [`HandleError::Store`]; content pruned before the error stays pruned.
    pub async fn prune(self, before: Time, store: &Path) -> Result<(Pruned, Swept), HandleError> {
        let mut all = Pruned::default();
        loop {
            let at = self.handle.now();
            let some = self
                .handle
                .with_store(move |store| store.maintenance().prune(before, at, PRUNED_AT_ONCE))
                .await?;
            self.handle.hint();
            (all.decisions, all.bytes) = (all.decisions + some.decisions, all.bytes + some.bytes);
            (all.lists, all.sent) = (all.lists + some.lists, all.sent + some.sent);
            if some.decisions.max(some.lists).max(some.sent) < PRUNED_AT_ONCE as u64 {
                break;
            }
        }
        let (path, unused_since) = (store.to_owned(), self.handle.clock().wall() - UNUSED_FOR);
        let sweep = move |store: &Store| {
            let failed = |error: io::Error| {
                StoreError::Failed(format!("cannot read the folder of the store's files: {error}"))
            };
            attachments::sweep(&path, &store.maintenance().files_in_use()?, unused_since)
                .map_err(failed)
        };
        Ok((all, self.handle.with_store(sweep).await?))
    }

    /// Copies the store and its attachments while in use by other processes. The copy appears under
    /// its name only once complete and audited. `store` is the store's path.
    ///
    /// # Errors
    /// [`BackupError`].
    pub async fn backup(
        self,
        store: &Path,
        file: &Path,
        force: bool,
    ) -> Result<BackupSummary, BackupError> {
        // A link in the place of the backup is replaced, never followed.
        let (ours, file) = (files::resolved(store), files::in_resolved_folder(file));
        let backed_up =
            self.handle.with_store(move |store| Ok(back_up(store, &ours, &file, force))).await;
        backed_up?
    }

    /// A surface's memo of this name.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn memo(self, name: &str) -> Result<Option<String>, HandleError> {
        let name = name.to_owned();
        Ok(self.handle.with_store(move |store| store.memos().get(&name)).await?)
    }

    /// Stores a surface's memo under a name; `None` deletes the memo.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn put_memo(self, name: &str, text: Option<String>) -> Result<(), HandleError> {
        let name = name.to_owned();
        Ok(self.handle.with_store(move |store| store.memos().put(&name, text)).await?)
    }
}

fn back_up(
    store: &Store,
    ours: &Path,
    file: &Path,
    force: bool,
) -> Result<BackupSummary, BackupError> {
    let no_place = |why| Err(BackupError::NoPlace { path: file.to_owned(), why });
    let Some(name) = file.file_name() else { return no_place("this is not a file name") };
    if file.is_dir() {
        return no_place("this is a folder");
    }
    if files::resolved(file) == ours {
        return no_place("this is the store itself");
    }
    if file.symlink_metadata().is_ok() && !force {
        return Err(BackupError::Exists(file.to_owned()));
    }
    let failed = |why| BackupError::Failed { path: file.to_owned(), why };
    let (folder, _) = disk::folder_and_name(file).map_err(|error| failed(error.into()))?;
    let part = format!(".{}.{}.part", name.to_string_lossy(), std::process::id());
    let target = Target { folder, file, part: Path::new(&part), force };
    let written = target.write(store, ours);
    // On success the file was renamed; on failure a partial copy is useless.
    let _ = target.folder.remove(target.part);
    written
}

/// Where a backup is written: the opened folder, the file, and its name until it is complete.
struct Target<'a> {
    folder: Folder,
    file: &'a Path,
    part: &'a Path,
    force: bool,
}

impl Target<'_> {
    fn write(&self, store: &Store, ours: &Path) -> Result<BackupSummary, BackupError> {
        let failed = |why: io::Error| BackupError::Failed { path: self.file.to_owned(), why };
        // Creating the file here first makes it private to its owner.
        let copy = self.folder.create(self.part).map_err(failed)?;
        let made = self.facts(self.part).map_err(failed)?;
        let audit = store.maintenance().copy_to(&self.file.with_file_name(self.part))?;
        if let Some(fault) = audit.fault {
            return Err(BackupError::Unsound(fault));
        }
        // SQLite opened the copy by its path: it must still be the created file.
        let written = self.facts(self.part).map_err(failed)?;
        if (written.kind, written.id) != (FileKind::Regular, made.id) {
            return Err(failed(io::Error::other("it was replaced while being written")));
        }
        let in_use = store.maintenance().files_in_use()?;
        let without = self.copy_files(ours, &in_use).map_err(failed)?;
        copy.sync_all().map_err(failed)?;
        self.put_in_place().map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => BackupError::Exists(self.file.to_owned()),
            _ => failed(error),
        })?;
        self.folder.sync();
        let folder = files::beside(self.file, ".files");
        Ok(BackupSummary { audit, folder, files: in_use.len() - without.len(), without })
    }

    fn facts(&self, name: &Path) -> io::Result<FileFacts> {
        Ok(self.folder.facts(name)?)
    }

    /// Copies the attachments in use. Returns the names of those missing or damaged.
    fn copy_files(&self, ours: &Path, in_use: &BTreeSet<String>) -> io::Result<Vec<String>> {
        if in_use.is_empty() {
            return Ok(Vec::new());
        }
        let (from, to) = (files::beside(ours, ".files"), attachments::make_folder(self.file)?);
        let mut without = Vec::new();
        for name in in_use {
            if !copy_file(&from, &to, name)? {
                without.push(name.clone());
            }
        }
        Ok(without)
    }

    /// Renames the complete copy. A file created there meanwhile is overwritten only with `force`.
    fn put_in_place(&self) -> io::Result<()> {
        let name = Path::new(self.file.file_name().unwrap_or_default());
        if self.force {
            return self.folder.rename(self.part, &self.folder, name);
        }
        match self.folder.hard_link(self.part, &self.folder, name) {
            // The disk may lack hard links.
            Err(error)
                if error.kind() != io::ErrorKind::AlreadyExists
                    && self.folder.facts(name).is_err_and(|error| error.is_absence()) =>
            {
                self.folder.rename(self.part, &self.folder, name)
            }
            linked => linked,
        }
    }
}

/// Copies an attachment if its content matches the hash in its name. Returns `false` if missing or
/// damaged.
fn copy_file(from: &Path, to: &Folder, hash: &str) -> io::Result<bool> {
    let bytes = match disk::read_beside(&from.join(hash), attachments::LARGEST) {
        Ok(bytes) if hex(&Sha256::digest(&bytes)) == hash => bytes,
        Err(FileError::System(error)) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error);
        }
        // Missing, changed, or exchanged for something else.
        _ => return Ok(false),
    };
    to.replace(Path::new(hash), &bytes).map(|()| true)
}
