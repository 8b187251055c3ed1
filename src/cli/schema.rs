//! `gander schema`: the JSON Schemas of the drop folder's files.

use clap::{Args, ValueEnum};

use super::{Exit, Outcome, output};
use crate::sources::inbox::schema;

#[derive(Debug, Args)]
pub(super) struct Schema {
    /// Which file
    #[arg(value_enum)]
    of: Of,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Of {
    /// A question in inbox/, written by an agent
    Inbox,
    /// A verdict in verdicts/, written by Gander
    Verdict,
    /// A report in outcomes/, written by an agent
    #[value(alias = "outcomes")]
    Outcome,
}

impl Schema {
    #[expect(clippy::unnecessary_wraps, reason = "as every command ends")]
    pub(super) fn run(&self) -> Outcome {
        let schema = match self.of {
            Of::Inbox => schema::question_schema(),
            Of::Verdict => schema::verdict_schema(),
            Of::Outcome => schema::outcome_schema(),
        };
        output::line(schema.trim_end());
        Ok(Exit::Yes)
    }
}
