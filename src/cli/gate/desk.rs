//! Lets an agent's own prompt ask a person at the desk, and closes the card when the prompt ends.
//!
//! The gate offers the desk only if its hook was installed so, a person is there, and the agent is
//! certain to ask. Nothing here lets a call run: the answer is the person's, in the agent's prompt.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::TimeDelta;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::adapters::{AGENTS, Agent};
use super::hook::HookInput;
use super::hook_file::Found;
use super::install::read;
use super::transport::Transport;
use super::{command, config_of};
use crate::cli::presence::{self, Scene, claude_file};
use crate::cli::{Common, Failure, LOCK_TIMEOUT, Opened, opened};
use crate::config::Config;
use crate::core::availability::presence::Presence;
use crate::core::decision::{AgentCall, DecisionId, DeskOutcome, OwnPrompt};
use crate::core::policy::desk::DeskOffer;
use crate::engine::HandleError;
use crate::engine::clock::wall_time;
use crate::presentation::text;
use crate::store::{Store, StoreError};

/// The agent's own prompt at a hook's event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prompt {
    /// The agent cannot be made to ask, or not for certain.
    None,
    /// The hook's answer can make the agent ask.
    Offered(OwnPrompt),
    /// The agent asks already. A yes or no of the hook answers its prompt.
    Shown,
}

/// What an agent tells its hooks later about calls of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Notice {
    pub(super) session: String,
    pub(super) news: News,
}

/// What has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum News {
    /// This call ran, well or not.
    Ran(String),
    /// The work of the agent, or of this subagent, has paused: none of its calls waits any more.
    Paused { thread: Option<String> },
}

/// How often a waiting hook looks whether the person is still there, in store time.
const LOOK_AGAIN: TimeDelta = TimeDelta::seconds(10);
/// How long a notice may wait for the store.
const NOTICE_LIMIT: Duration = Duration::from_secs(5);

/// The offer to ask at the desk, if a person is there now.
pub(super) async fn offer(hooked: &HookInput, user: &Config) -> Option<DeskOffer> {
    let Prompt::Offered(prompt) = hooked.prompt else { return None };
    is_here(hooked, user).await.then(|| DeskOffer { prompt, call: hooked.named.clone() })
}

async fn is_here(hooked: &HookInput, user: &Config) -> bool {
    let Some(settings) = &user.presence else { return false };
    let mut folders = hooked.call.roots.clone();
    folders.push(hooked.call.cwd.clone());
    let scene = Scene { folders: &folders, claude_file: claude_file() };
    presence::look(settings, &scene).await.together == Presence::Here
}

/// Asks people elsewhere as soon as the person has left the desk. Never returns.
pub(super) async fn watch(
    hooked: &HookInput,
    user: &Config,
    opened: &Opened,
    id: DecisionId,
) -> Infallible {
    let handle = &opened.handle;
    loop {
        handle.clock().sleep_until(handle.now() + LOOK_AGAIN).await;
        if is_here(hooked, user).await {
            continue;
        }
        match handle.gates().leave_desk(id).await {
            Ok(_) => return std::future::pending().await,
            // The end of the quiet time comes in any case.
            Err(error) => tracing::debug!(%error, "could not ask elsewhere"),
        }
    }
}

/// The signals with which an agent ends a hook whose prompt is gone.
pub(super) struct PromptGone([Signal; 3]);

impl PromptGone {
    /// # Errors
    /// The system refuses, as text.
    pub(super) fn new() -> Result<Self, String> {
        let on = |kind| signal(kind).map_err(|error| error.to_string());
        Ok(Self([
            on(SignalKind::terminate())?,
            on(SignalKind::interrupt())?,
            on(SignalKind::hangup())?,
        ]))
    }

    pub(super) async fn wait(&mut self) {
        let [terminate, interrupt, hangup] = &mut self.0;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

/// Closes the question whose prompt is gone.
///
/// # Errors
/// The store, as text.
pub(super) async fn close(opened: &Opened, id: DecisionId) -> Result<(), String> {
    let closed = opened.handle.gates().end_at_desk(id, DeskOutcome::Closed).await;
    closed.map(drop).map_err(|error| error.to_string())
}

impl Notice {
    /// Closes the questions at the desk that are over by this. A failure only leaves a card open:
    /// its quiet time ends in any case.
    pub(super) async fn take(self, agent: Agent, common: &Common) {
        let taken = tokio::time::timeout(NOTICE_LIMIT, self.close_all(agent, common)).await;
        match taken {
            Ok(Ok(())) => {}
            Ok(Err(failure)) => tracing::debug!("a notice was lost: {}", failure.words),
            Err(_) => tracing::debug!("a notice was lost: the store is busy"),
        }
    }

    async fn close_all(self, agent: Agent, common: &Common) -> Result<(), Failure> {
        let user = config_of(common)?;
        if user.presence.is_none() {
            return Ok(());
        }
        let path = common.store_path(&user)?;
        if !path.exists() {
            return Ok(());
        }
        // Most calls were never at the desk: reading takes no turn of the writers.
        let reader = opened(Store::open_to_read(&path, wall_time())?, &path, &user);
        let over = self.over(agent, &reader).await?;
        if over.is_empty() {
            return Ok(());
        }
        let patience = LOCK_TIMEOUT.min(NOTICE_LIMIT);
        let writer = opened(open_in_time(&path, patience)?, &path, &user);
        for (id, outcome) in over {
            writer.handle.gates().end_at_desk(id, outcome).await?;
        }
        Ok(())
    }

    /// The questions that are over.
    async fn over(
        &self,
        agent: Agent,
        reader: &Opened,
    ) -> Result<Vec<(DecisionId, DeskOutcome)>, HandleError> {
        let there = reader.handle.gates().at_desk_of(agent.name(), &self.session).await?;
        let outcome = |named: &AgentCall| match &self.news {
            News::Ran(call) => (named.call.as_ref() == Some(call)).then_some(DeskOutcome::Ran),
            News::Paused { thread } => (named.thread == *thread).then_some(DeskOutcome::Closed),
        };
        let over = there.into_iter().filter_map(|decision| {
            let outcome = outcome(&decision.desk.as_ref()?.call)?;
            Some((decision.id, outcome))
        });
        Ok(over.collect())
    }
}

fn open_in_time(path: &Path, patience: Duration) -> Result<Store, StoreError> {
    Store::open_with_timeout(path, None, wall_time(), patience)
}

/// A gate, and whether its agent asks at the desk.
#[derive(Debug)]
pub(in crate::cli) struct GateAtDesk {
    pub(in crate::cli) agent: &'static str,
    pub(in crate::cli) file: PathBuf,
    /// `None`: the agent cannot.
    installed: Option<bool>,
}

impl GateAtDesk {
    pub(in crate::cli) fn asks(&self) -> bool {
        self.installed == Some(true)
    }

    pub(in crate::cli) const fn words(&self) -> &'static str {
        match self.installed {
            Some(true) => text::desk::ASKS_THERE,
            Some(false) => text::desk::NOT_INSTALLED_SO,
            None => text::desk::CANNOT,
        }
    }
}

/// The gates of all agents: the user's, and a project's.
///
/// # Errors
/// A hook file cannot be read.
pub(in crate::cli) fn gates(project: Option<&Path>) -> Result<Vec<GateAtDesk>, Failure> {
    let mut found = Vec::new();
    for agent in AGENTS {
        for place in std::iter::once(None).chain(project.map(Some)) {
            let Ok(file) = agent.hook_file(place) else { continue };
            let gate = read(&file)?.and_then(|text| agent.format().installed(&text));
            let Some(Found { command, .. }) = gate else { continue };
            let by_store = Transport::of_command(&command).connect.is_none();
            let installed =
                agent.asks_at_desk().then(|| by_store && command::is_for_desk(&command));
            found.push(GateAtDesk { agent: agent.name(), file, installed });
        }
    }
    Ok(found)
}
