//! `gander backup`: copies the store and the files attached to decisions.

use std::path::PathBuf;

use clap::Args;

use super::{Common, Exit, Failure, Outcome, output};
use crate::engine::operations::maintenance::BackupError;

#[derive(Debug, Args)]
#[command(
    after_help = "The decisions' files are copied into FILE.files. Only the owner can read the \
        backup, like the store.\n\
        To restore it: stop the bot, remove the store's -wal and -shm files, copy FILE over the \
        store and FILE.files over the store's .files, and start the bot."
)]
pub(super) struct Backup {
    /// The file to write
    file: PathBuf,
    /// Overwrite an existing file; a link is replaced, not followed
    #[arg(long)]
    force: bool,
}

impl Backup {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let opened = common.open_to_read()?;
        let done = opened
            .handle
            .operations()
            .backup(&opened.store, &self.file, self.force)
            .await
            .map_err(|error| match error {
            BackupError::Store(error) => error.into(),
            error @ BackupError::Exists(_) | error @ BackupError::NoPlace { .. } => {
                Failure::new(Exit::Usage, error)
            }
            error => Failure::new(Exit::No, error),
        })?;
        let (file, folder) = (self.file.display().to_string(), done.folder.display().to_string());
        let (decisions, chain) = (done.audit.replayed, done.audit.chain);
        if common.json {
            output::json(&serde_json::json!({
                "file": file,
                "decisions": decisions,
                "chain": chain,
                "files": done.files,
                "folder": folder,
                "without": done.without,
            }));
        } else {
            let events = chain.map_or(0, |chain| chain.events);
            let files = match done.files {
                0 => "No files".to_owned(),
                1 => format!("1 file is in {folder}"),
                files => format!("{files} files are in {folder}"),
            };
            output::line(&format!(
                "{file}: {decisions} decisions, {events} events, checked and sound. {files}."
            ));
        }
        if done.without.is_empty() {
            return Ok(Exit::Yes);
        }
        let words = format!(
            "these files are missing or damaged in the store and therefore in the backup: {}",
            done.without.join(", ")
        );
        Err(Failure::new(Exit::No, words))
    }
}
