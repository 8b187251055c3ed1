//! `discord-sandbox`: the sandbox as a program of its own, for tests in any language and for use by
//! hand. Prints its addresses as one line of JSON; everything else goes to standard error.

mod arguments;

use std::io::{self, Write as _};
use std::process::ExitCode;

use discord_sandbox::Sandbox;

use arguments::Arguments;

fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(io::stderr).with_target(false).init();
    let done = match Arguments::read(std::env::args_os()) {
        Ok(Arguments::Help) => write_line(arguments::HELP.trim_end()),
        Ok(Arguments::Version) => {
            write_line(concat!("discord-sandbox ", env!("CARGO_PKG_VERSION")))
        }
        Ok(Arguments::Run(options)) => run(*options),
        Err(error) => {
            complain(&format!("{error}\nTry discord-sandbox --help."));
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// Runs the sandbox until it is asked to stop.
fn run(options: discord_sandbox::Options) -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let sandbox = Sandbox::start(options).await?;
        write_line(&serde_json::to_string(sandbox.addresses())?)?;
        tracing::info!("listening on {}; press Ctrl-C to stop", sandbox.addresses().page);
        asked_to_stop().await?;
        sandbox.shutdown().await;
        Ok(())
    })
}

/// Returns on Ctrl-C, and on Unix when the process is told to terminate.
async fn asked_to_stop() -> io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            pressed = tokio::signal::ctrl_c() => pressed,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

fn write_line(line: &str) -> Result<(), Box<dyn std::error::Error>> {
    let mut output = io::stdout();
    writeln!(output, "{line}")?;
    Ok(output.flush()?)
}

/// Says on standard error why nothing runs. Where that is closed nobody can be told.
fn complain(words: &str) {
    writeln!(io::stderr(), "discord-sandbox: {words}").ok();
}
