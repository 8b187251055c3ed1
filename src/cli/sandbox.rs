//! `gander sandbox`: the pretend Discord alone, for external tests and for exploring.

use std::net::SocketAddr;

use clap::{Args, ValueEnum};
use discord_sandbox::{Options, RateLimits, Sandbox};

use super::{Exit, Failure, Outcome, output};

#[derive(Debug, Args)]
pub(super) struct SandboxArgs {
    /// The address to listen on; port 0 picks a free port
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR")]
    listen: SocketAddr,
    /// Discord's own rate limits, or limits too high for a test to reach
    #[arg(long, value_enum, default_value_t = Limits::Real)]
    rate_limits: Limits,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Limits {
    Real,
    Relaxed,
}

impl SandboxArgs {
    pub(super) async fn run(self) -> Outcome {
        let rate_limits = match self.rate_limits {
            Limits::Real => RateLimits::Real,
            Limits::Relaxed => RateLimits::Relaxed,
        };
        let options = Options { listen: self.listen, rate_limits, ..Options::default() };
        let sandbox =
            Sandbox::start(options).await.map_err(|error| Failure::new(Exit::No, error))?;
        output::json(sandbox.addresses());
        output::progress(&format!(
            "the pretend Discord is at {} (press Ctrl-C to stop)",
            sandbox.addresses().page
        ));
        super::serve::asked_to_stop().await;
        sandbox.shutdown().await;
        Ok(Exit::Yes)
    }
}
