//! `gander grants`: what agents may do without asking; and `gander grants end`. Giving a grant is
//! an approval, at a terminal: `gander approve --for`.

use clap::{Args, Subcommand};

use super::read::clock;
use super::verdict::{EndArgs, PersonAction};
use super::{Common, Exit, Outcome, output};
use crate::presentation::{json, text};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Grants {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// End a grant, at a terminal: from then on its calls ask again
    End(EndArgs),
}

impl Grants {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        match self.command {
            Some(Command::End(end)) => PersonAction::End(end).run(common).await,
            None => list(common).await,
        }
    }
}

async fn list(common: &Common) -> Outcome {
    let opened = common.open_to_read()?;
    let handle = &opened.handle;
    let found = handle.grants().live(None).await?;
    if common.json {
        let scale = handle.time_scale();
        let all = found.iter().filter_map(|decision| json::listed_grant(decision, scale));
        output::json(&all.collect::<Vec<_>>());
        return Ok(Exit::Yes);
    }
    if found.is_empty() {
        output::line(text::NO_GRANTS);
    }
    let (now, zone) = (handle.now(), handle.rules().zone);
    for decision in &found {
        let Some(grant) = decision.grant() else { continue };
        for line in text::grant_lines(decision, &grant, now, |at| clock(at, zone)) {
            output::line(&line);
        }
    }
    Ok(Exit::Yes)
}
