//! The bot as `gander serve` runs it, in this process.

use std::path::Path;

use discord_sandbox::Sandbox;
use gander::engine::Handle;
use gander::engine::escalation::scheduler;
use gander::engine::event_log::watch;
use gander::sources::{self, SourceSettings};
use gander::surfaces::discord::{self, Api, Channels, DiscordSettings, ResponseTimes};
use tokio::task::JoinHandle;

use super::wire::LIMIT;

/// What `gander serve` runs.
pub(crate) fn tasks(sandbox: &Sandbox, handle: &Handle, store: &Path) -> Vec<JoinHandle<()>> {
    let addresses = sandbox.addresses();
    let settings = DiscordSettings {
        token: addresses.token.as_str().into(),
        api: Api::from_settings(Some(&addresses.tls), Some(addresses.ca.as_ref())).unwrap(),
        guild: None,
        channels: Channels::default(),
        response_times: ResponseTimes::default(),
    };
    let (surface, store) = (handle.clone(), store.to_owned());
    let (watched, working, beside) = (handle.clone(), handle.clone(), store.clone());
    vec![
        tokio::spawn(async move {
            discord::run(surface, settings, std::future::pending()).await.unwrap()
        }),
        tokio::spawn(scheduler::run(handle.clone())),
        tokio::spawn(async move { watch::run(watched, &store).await }),
        tokio::spawn(
            async move { sources::run(working, SourceSettings::default(), &beside).await },
        ),
    ]
}

/// Waits until a bot is connected and has registered its commands.
pub(crate) async fn is_online(sandbox: &Sandbox) {
    let online = |sandbox: &Sandbox| {
        let view = sandbox.view("maya")?;
        (view.bot_online && !view.commands.is_empty()).then_some(())
    };
    sandbox.wait_for("the bot to be online", LIMIT, online).await.unwrap();
}
