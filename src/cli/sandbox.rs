//! `gander sandbox`: the pretend Discord alone, for outside tests and for looking around.

use std::net::SocketAddr;

use clap::{Args, ValueEnum};
use discord_sandbox::{Options, RateLimits, Sandbox};

use super::{Exit, Failure, Outcome, output};

#[derive(Debug, Args)]
pub(super) struct SandboxArgs {
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR")]
    listen: SocketAddr,
    /// Discord's own rate limits, or ones that no test meets
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
            "the pretend Discord is at {} (Ctrl-C ends it)",
            sandbox.addresses().page
        ));
        super::serve::asked_to_stop().await;
        sandbox.shutdown().await;
        Ok(Exit::Yes)
    }
}
