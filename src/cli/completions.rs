//! `gander completions SHELL`: prints a shell's completion script for commands and flags.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::{Cli, Exit, Outcome, output};

#[derive(Debug, Args)]
#[command(after_help = "For bash: gander completions bash > \
        ~/.local/share/bash-completion/completions/gander\n\
        For zsh:  gander completions zsh > a file named _gander in a folder of your $fpath\n\
        For fish: gander completions fish > ~/.config/fish/completions/gander.fish")]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self) -> Outcome {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "gander", &mut script);
        output::line(String::from_utf8_lossy(&script).trim_end());
        Ok(Exit::Yes)
    }
}
