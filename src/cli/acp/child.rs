//! `gander acp-agent PID -- COMMAND …`: becomes the command, and is told by the system to end when
//! the process of this number does. Only the side of the agent can arrange that.

use std::ffi::OsString;

use clap::Args;

#[cfg(not(target_os = "linux"))]
use crate::cli::Failure;
use crate::cli::{Exit, Outcome};

#[derive(Debug, Args)]
pub(in crate::cli) struct AcpAgent {
    /// The process that starts the agent
    starter: u32,
    /// The agent's command
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    command: Vec<OsString>,
}

/// Exit status of a shell for a command that it cannot start.
const NOT_STARTED: u8 = 127;

impl AcpAgent {
    #[cfg(target_os = "linux")]
    pub(in crate::cli) fn run(self) -> Outcome {
        use std::os::unix::process::CommandExt as _;

        use rustix::process::{Signal, set_parent_process_death_signal};

        let [program, arguments @ ..] = self.command.as_slice() else { return Ok(Exit::Usage) };
        let told = set_parent_process_death_signal(Some(Signal::TERM));
        // It may have ended before.
        let is_late = std::os::unix::process::parent_id() != self.starter;
        if told.is_err() || is_late {
            return Ok(Exit::Internal);
        }
        let error = std::process::Command::new(program).args(arguments).exec();
        let program = program.to_string_lossy();
        crate::cli::output::print_error(&format!("cannot start {program}: {error}"));
        Ok(Exit::Program(NOT_STARTED))
    }

    #[cfg(not(target_os = "linux"))]
    pub(in crate::cli) fn run(self) -> Outcome {
        Err(Failure::new(Exit::Usage, "only on Linux"))
    }
}
