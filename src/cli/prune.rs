//! `gander prune`: decisions closed long ago keep their summary and their place in the chain, and
//! lose their long texts and the records of messages about them.

use chrono::TimeDelta;
use clap::Args;

use super::{Common, Exit, Failure, Outcome, output};
use crate::config::TimeSpan;
use crate::store::Pruned;

/// Shortest age, in seconds: a verdict can be undone for a day, and an undone decision is open
/// again.
const YOUNGEST: u64 = 24 * 60 * 60;

#[derive(Debug, Args)]
#[command(after_help = "Never pruned: open decisions, and decisions whose card does not show the \
        outcome yet. The log's hash chain remains verifiable (gander audit verify), and the log \
        records each pruning. Cards on Discord do not change. Freed space in the file is reused; \
        gander backup makes a copy without it.")]
pub(super) struct Prune {
    /// Only decisions answered or withdrawn longer ago than this, such as 90d
    #[arg(long, value_name = "SPAN")]
    older_than: TimeSpan,
    /// Show what would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,
}

impl Prune {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let TimeSpan(seconds) = self.older_than;
        if seconds < YOUNGEST {
            return Err(Failure::new(
                Exit::Usage,
                "--older-than must be at least a day: until then a verdict can be undone",
            ));
        }
        let opened = if self.dry_run { common.open_to_read()? } else { common.open()? };
        let handle = &opened.handle;
        let span = i64::try_from(seconds).ok().and_then(TimeDelta::try_seconds);
        let before = span.and_then(|span| handle.now().checked_sub_signed(span));
        let before = before.ok_or_else(|| {
            Failure::new(Exit::Usage, "--older-than is out of range: write, for example, 90d")
        })?;
        let (pruned, swept) = if self.dry_run {
            (handle.operations().prunable(before).await?, None)
        } else {
            handle.operations().prune(before, &opened.store).await.map(|(p, s)| (p, Some(s)))?
        };
        if common.json {
            let files = swept
                .map(|swept| serde_json::json!({ "files": swept.files, "bytes": swept.bytes }));
            output::json(
                &serde_json::json!({ "dry_run": self.dry_run, "pruned": pruned, "removed": files }),
            );
            return Ok(Exit::Yes);
        }
        let Pruned { decisions, bytes, lists, sent } = pruned;
        let records =
            format!("and the records of {lists} lists and reminders and of {sent} notifications");
        output::line(&match swept {
            None => {
                format!(
                    "would prune {decisions} decisions: {bytes} bytes of text, the files that no \
                     other decision needs, {records}"
                )
            }
            Some(swept) => {
                let (files, of) = (swept.files, swept.bytes);
                format!(
                    "pruned {decisions} decisions: {bytes} bytes of text, {files} files of {of} \
                     bytes, {records}"
                )
            }
        });
        Ok(Exit::Yes)
    }
}
