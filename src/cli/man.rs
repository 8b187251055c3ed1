//! `gander man DIR`: writes the manual, a page per command.

use std::path::PathBuf;

use clap::{Args, CommandFactory as _};

use super::{Cli, Common, Exit, Failure, Outcome, output};

#[derive(Debug, Args)]
#[command(after_help = "For example: gander man ~/.local/share/man/man1, and then: man gander")]
pub(super) struct Man {
    /// The folder for the pages; created if missing
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl Man {
    pub(super) fn run(&self, common: &Common) -> Outcome {
        let failed = |error: std::io::Error| {
            Failure::new(Exit::No, format!("{}: {error}", self.folder.display()))
        };
        std::fs::create_dir_all(&self.folder).map_err(failed)?;
        clap_mangen::generate_to(Cli::command(), &self.folder).map_err(failed)?;
        if common.json {
            output::json(&serde_json::json!({ "written": self.folder }));
        } else {
            output::line(&format!("wrote the manual to {}", self.folder.display()));
        }
        Ok(Exit::Yes)
    }
}
