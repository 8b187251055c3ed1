//! Looking after the store: is it sound, what may go, and a copy of it for a bad day.

use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::attachments::{self, Swept};
use super::{Handle, HandleError};
use crate::core::Time;
use crate::store::chain::{Entry, Fault};
use crate::store::{Audit, Pruned, Store, StoreError, files, hex};

/// Decisions, and rows of each sort, that are pruned in one transaction, so that nobody waits long
/// for the store.
const PRUNED_AT_ONCE: usize = 200;
/// An unused file younger than this may belong to a question that is just being filed.
const UNUSED_FOR: chrono::TimeDelta = chrono::TimeDelta::days(1);

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackedUp {
    /// The copied store, as it was found sound.
    pub audit: Audit,
    /// Where the decisions' files are.
    pub folder: PathBuf,
    /// How many there are.
    pub files: usize,
    /// Files that should be there, and are missing or damaged in the store itself.
    pub without: Vec<String>,
}

/// Why there is no backup. Nothing that was there before was touched.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is something already.
    #[error("{} is already there. Name another file, or overwrite it with --force", .0.display())]
    Exists(PathBuf),
    /// It is no file, or the store's own.
    #[error("{} cannot be the backup: {why}", path.display())]
    NoPlace {
        /// The path.
        path: PathBuf,
        /// Why not.
        why: &'static str,
    },
    /// It cannot be written.
    #[error("the backup {} cannot be written: {why}", path.display())]
    Failed {
        /// The path.
        path: PathBuf,
        /// The system's words.
        why: io::Error,
    },
    /// What was copied is not sound.
    #[error("nothing was backed up, because the store is not sound: {fault}. {advice}", fault = .0, advice = .0.advice())]
    Unsound(Fault),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Handle {
    /// Checks the chain, the states and the file.
    ///
    /// # Errors
    /// [`HandleError::Store`] where it cannot be read now; what is wrong in it is a finding.
    pub async fn audit(&self) -> Result<Audit, HandleError> {
        Ok(self.store(Store::audit).await?)
    }

    /// The log behind a position, to the byte.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn entries(&self, after: u64, limit: usize) -> Result<Vec<Entry>, HandleError> {
        Ok(self.store(move |store| store.entries(after, limit)).await?)
    }

    /// What [`Handle::prune`] would remove.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn prunable(&self, before: Time) -> Result<Pruned, HandleError> {
        Ok(self.store(move |store| store.prunable(before)).await?)
    }

    /// Removes the long parts of all that was over before this time, the records of messages about
    /// it that never change again, and the files that nothing needs any more. `store` is the
    /// store's path.
    ///
    /// # Errors
    /// [`HandleError::Store`]; what was pruned until then stays pruned.
    pub async fn prune(&self, before: Time, store: &Path) -> Result<(Pruned, Swept), HandleError> {
        let mut all = Pruned::default();
        loop {
            let at = self.now();
            let some = self.store(move |store| store.prune(before, at, PRUNED_AT_ONCE)).await?;
            self.hint();
            (all.decisions, all.bytes) = (all.decisions + some.decisions, all.bytes + some.bytes);
            (all.lists, all.sent) = (all.lists + some.lists, all.sent + some.sent);
            if some.decisions.max(some.lists).max(some.sent) < PRUNED_AT_ONCE as u64 {
                break;
            }
        }
        let (path, unused_since) = (store.to_owned(), self.clock().wall() - UNUSED_FOR);
        let sweep = move |store: &dyn Store| {
            let failed = |error: io::Error| {
                StoreError::Failed(format!("its files cannot be looked through: {error}"))
            };
            attachments::sweep(&path, &store.files_in_use()?, unused_since).map_err(failed)
        };
        Ok((all, self.store(sweep).await?))
    }

    /// Copies the store and the files of its decisions, while others use it. The copy is there only
    /// once it is whole and was found sound. `store` is the store's path.
    ///
    /// # Errors
    /// [`BackupError`].
    pub async fn backup(
        &self,
        store: &Path,
        file: &Path,
        force: bool,
    ) -> Result<BackedUp, BackupError> {
        let (ours, file) = (files::resolved(store), files::resolved(file));
        let backed_up = self.store(move |store| Ok(back_up(store, &ours, &file, force))).await;
        backed_up?
    }
}

fn back_up(
    store: &dyn Store,
    ours: &Path,
    file: &Path,
    force: bool,
) -> Result<BackedUp, BackupError> {
    let no_place = |why| Err(BackupError::NoPlace { path: file.to_owned(), why });
    let Some(name) = file.file_name() else { return no_place("it names no file") };
    if file.is_dir() {
        return no_place("it is a folder");
    }
    if file == ours {
        return no_place("it is the store itself");
    }
    if file.exists() && !force {
        return Err(BackupError::Exists(file.to_owned()));
    }
    let part =
        file.with_file_name(format!(".{}.{}.part", name.to_string_lossy(), std::process::id()));
    let written = write_copy(store, ours, file, &part, force);
    // Renamed if all went well; else it is of no use to anybody.
    let _ = std::fs::remove_file(&part);
    written
}

fn write_copy(
    store: &dyn Store,
    ours: &Path,
    file: &Path,
    part: &Path,
    force: bool,
) -> Result<BackedUp, BackupError> {
    let failed = |why| BackupError::Failed { path: file.to_owned(), why };
    // Made here first, it is its owner's alone.
    drop(files::private_file().write(true).create_new(true).open(part).map_err(failed)?);
    let audit = store.copy_to(part)?;
    if let Some(fault) = audit.fault {
        return Err(BackupError::Unsound(fault));
    }
    let in_use = store.files_in_use()?;
    let (from, folder) = (files::beside(ours, ".files"), files::beside(file, ".files"));
    let mut without = Vec::new();
    if !in_use.is_empty() {
        files::private_folder(&folder).map_err(failed)?;
    }
    for name in &in_use {
        if !copy_file(&from.join(name), &folder.join(name), name).map_err(failed)? {
            without.push(name.clone());
        }
    }
    std::fs::File::open(part).and_then(|copy| copy.sync_all()).map_err(failed)?;
    put_in_place(part, file, force).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => BackupError::Exists(file.to_owned()),
        _ => failed(error),
    })?;
    // Not every file system can do this; then its own order of writing has to do.
    let _ = std::fs::File::open(files::folder_of(file)).and_then(|folder| folder.sync_all());
    Ok(BackedUp { audit, folder, files: in_use.len() - without.len(), without })
}

/// Gives the whole copy its name; what has come to be there meanwhile is overwritten only if that
/// was asked for.
fn put_in_place(part: &Path, file: &Path, force: bool) -> io::Result<()> {
    if force {
        return std::fs::rename(part, file);
    }
    match std::fs::hard_link(part, file) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists && !file.exists() => {
            std::fs::rename(part, file)
        }
        linked => linked,
    }
}

/// Copies a kept file, if it is there and is what its name says: its content's hash.
fn copy_file(from: &Path, to: &Path, hash: &str) -> io::Result<bool> {
    let bytes = match std::fs::read(from) {
        Ok(bytes) if hex(&Sha256::digest(&bytes)) == hash => bytes,
        Ok(_) => return Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    attachments::write_private(to, &bytes).map(|()| true)
}
