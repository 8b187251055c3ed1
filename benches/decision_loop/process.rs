//! `gander serve` as a process of its own: its memory, and how long it takes to be there.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use discord_sandbox::Sandbox;
use gander::store::Filter;
use tokio::process::{Child, Command};

use super::bot::{open, request, settled};
use crate::common::report::resident;
use crate::common::wire::{LIMIT, folder, sandbox};

/// How long a process rests before its memory is read.
const REST: Duration = Duration::from_secs(1);

/// A running `gander serve`. It ends with this.
pub(crate) struct Serve(Child);

impl Serve {
    /// Starts the program with a store in this folder, and nothing else around it.
    pub(crate) fn spawn(folder: &Path, sandbox: &Sandbox) -> Self {
        let addresses = sandbox.addresses();
        let mut command = Command::new(env!("CARGO_BIN_EXE_gander"));
        let config = folder.join("gander.toml");
        std::fs::write(&config, "guard.in_a_row = 0\n").unwrap();
        command
            .arg("serve")
            .arg("--store")
            .arg(folder.join("gander.db"))
            .arg("--config")
            .arg(config)
            .current_dir(folder);
        command.env_clear().env("HOME", folder).env("DISCORD_TOKEN", &addresses.token);
        command.env("GANDER_DISCORD_API", &addresses.tls).env("GANDER_DISCORD_CA", &addresses.ca);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        Self(command.spawn().unwrap())
    }

    /// Its resident memory in MiB, where the system tells.
    pub(crate) fn resident(&self) -> Option<f64> {
        resident(&self.0.id()?.to_string())
    }

    pub(crate) async fn end(mut self) {
        self.0.kill().await.unwrap();
    }
}

/// What cold starts showed.
pub(crate) struct Starts {
    /// From spawning the process to READY.
    pub(crate) times: Vec<Duration>,
    /// Resident memory of the last one, once it has looked at every card, in MiB.
    pub(crate) resident: Option<f64>,
}

async fn sessions(sandbox: &Sandbox, count: usize) {
    let there = |sandbox: &Sandbox| (sandbox.gateway_sessions() == count).then_some(());
    sandbox.wait_for("the gateway's sessions", LIMIT, there).await.unwrap();
}

/// Starts the program again and again on a store with open decisions whose cards hang.
pub(crate) async fn cold_starts(count: usize, decisions: usize) -> Starts {
    let folder = folder();
    let sandbox = sandbox().await;
    let (store, handle) = open(folder.path());
    for number in 0..decisions {
        handle.approvals().ask(request(number)).await.unwrap();
    }
    let first = Serve::spawn(folder.path(), &sandbox);
    settled(&store).await;
    first.end().await;
    drop(handle);
    let mut starts = Starts { times: Vec::new(), resident: None };
    for _ in 0..count {
        sessions(&sandbox, 0).await;
        let spawned = Instant::now();
        let serve = Serve::spawn(folder.path(), &sandbox);
        sessions(&sandbox, 1).await;
        starts.times.push(spawned.elapsed());
        tokio::time::sleep(REST).await;
        starts.resident = serve.resident();
        serve.end().await;
    }
    let open = store.decisions().list(&Filter { open_only: true, ..Filter::default() }).unwrap();
    assert_eq!(open.len(), decisions, "nobody decided anything");
    starts
}
