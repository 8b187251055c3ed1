//! Holds an agent at its hook until a person has answered.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use gander_client::Client;
use tokio::io::AsyncReadExt as _;

use super::adapters::{Agent, Defer};
use super::hook::{self, HookAnswer, HookEvent, HookInput, HookOutput, Installed};
use super::local::{self, Filed, Judged};
use super::release::{ApprovedChange, Release, Settled, plan_stands, release};
use super::transport::Transport;
use super::{Stop, config_of, listener, own_files, remote, seat};
use crate::cli::{Common, Exit, LOCK_TIMEOUT, Opened, Outcome, opened, output};
use crate::config::{Config, TimeSpan};
use crate::core::Time;
use crate::core::decision::resumption::{AgentProcess, Seat, Wait};
use crate::core::decision::{Decision, DecisionId, Request, State};
use crate::engine::approvals::gates::GateReply;
use crate::engine::clock::wall_time;
use crate::engine::event_log::watch;
use crate::engine::operations::heartbeat;
use crate::engine::operations::heartbeat::Running;
use crate::engine::{Claim, Handle, HandleError};
use crate::presentation::text;
use crate::store::Store;

/// How long past the limit the store may take to report the timeout. After that the gate denies
/// without the store.
const GRACE: Duration = Duration::from_secs(10);

/// The result of a step, or an error message. Every error denies the call.
type Step<T> = Result<T, String>;

impl Stop {
    pub(super) async fn run(self, agent: Agent, common: &Common) -> Outcome {
        let (limit, began) = (self.limit(agent), Instant::now());
        let said = match guarded(limit, self.understood(agent, common))
            .await
            .and_then(|understood| understood)
        {
            // The exit code works in every event that honours a denial.
            Err(why) => agent.refuse(text::gate::broken(&why)),
            Ok(hooked) => {
                let (agent, event) = (hooked.agent, hooked.event);
                let left = limit.saturating_sub(began.elapsed());
                let may_defer = self.may_defer(agent);
                let asking = Asking {
                    hooked,
                    common: common.clone(),
                    limit: left,
                    may_defer,
                    root: self.root,
                    transport: self.transport,
                };
                let answered = guarded(left + GRACE, asking.answer()).await;
                let answer = answered
                    .and_then(|answered| answered)
                    .unwrap_or_else(|why| HookAnswer::Deny(text::gate::broken(&why)));
                agent.say(event, answer)
            }
        };
        Ok(put(said))
    }

    /// Reads the call, and looks at its files.
    fn understood(
        &self,
        agent: Agent,
        common: &Common,
    ) -> impl Future<Output = Step<HookInput>> + Send + 'static {
        let (root, common) = (self.root.clone(), common.clone());
        let token = self.transport.token_file.clone();
        async move {
            let mut input = Vec::new();
            let most = hook::LONGEST as u64 + 1;
            tokio::io::stdin()
                .take(most)
                .read_to_end(&mut input)
                .await
                .map_err(|error| format!("standard input: {error}"))?;
            // A configuration that cannot be read denies the call later, with its own reason.
            let user = config_of(&common).unwrap_or_default();
            let store = common.store_path(&user).unwrap_or_default();
            let config = common.config.as_deref().or(user.file.as_deref());
            let own = own_files(&store, config, token.as_deref());
            hook::parse_input(agent, &input, Installed { root, own })
        }
    }

    fn limit(&self, agent: Agent) -> Duration {
        self.timeout.map_or(agent.usual_wait(), |TimeSpan(seconds)| Duration::from_secs(seconds))
    }

    fn may_defer(&self, agent: Agent) -> bool {
        match agent.can_defer() {
            Defer::Never => false,
            Defer::IfWanted { unattended } => self.may_defer || unattended,
        }
    }
}

/// Writes the answer. An answer that could not be written counts as a denial: an empty answer would
/// be a yes.
fn put(said: HookOutput) -> Exit {
    if let Some(words) = &said.err {
        output::progress(words);
    }
    let heard = said.out.as_ref().is_none_or(output::try_json);
    if !heard {
        // Codex takes a denial without a message for a failed hook, and goes on.
        output::progress(&text::gate::broken("could not write the answer"));
    }
    // Every agent takes exit status 2 (`Usage`) as a denial.
    if heard && said.code == 0 { Exit::Yes } else { Exit::Usage }
}

/// Runs a step with a time limit, so that neither a panic nor a hang lets a call pass.
async fn guarded<T: Send + 'static>(
    limit: Duration,
    step: impl Future<Output = T> + Send + 'static,
) -> Step<T> {
    let step = tokio::spawn(step);
    match tokio::time::timeout(limit, step).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(_)) => Err(text::gate::FAILED.into()),
        Err(_) => Err(format!("no result within {}", humantime::format_duration(limit))),
    }
}

struct Asking {
    hooked: HookInput,
    common: Common,
    limit: Duration,
    may_defer: bool,
    /// The folder of the installation.
    root: Option<PathBuf>,
    transport: Transport,
}

impl Asking {
    async fn answer(self) -> Step<HookAnswer> {
        let settled = match self.transport.client()? {
            Some(client) => self.told_by_server(&client).await?,
            None => {
                let user = config_of(&self.common).map_err(words)?;
                let store = self.common.store_path(&user).map_err(words)?;
                match self.transport.clone().or_socket_of(&store).client()? {
                    Some(client) => self.told_by_server(&client).await?,
                    None => self.told_by_store(&user, store).await?,
                }
            }
        };
        // Before any yes: the agent runs the settled call, or none.
        let changed = self.hooked.arguments_of(&settled.call)?;
        Ok(match (settled.reply, changed) {
            (GateReply::Allow { words, note }, Some(input)) => {
                HookAnswer::AllowChanged { words, note: note.unwrap_or_default(), input }
            }
            (GateReply::Unasked(words), Some(input)) => {
                HookAnswer::AllowChanged { words, note: String::new(), input }
            }
            (reply, _) => self.unchanged(reply),
        })
    }

    /// The answer about the call as the agent made it.
    fn unchanged(&self, reply: GateReply) -> HookAnswer {
        let HookInput { call, event, .. } = &self.hooked;
        match reply {
            GateReply::Unasked(words) => HookAnswer::Allow { words, note: None, input: None },
            GateReply::Allow { .. } if !plan_stands(call) => {
                HookAnswer::Deny(text::gate::PLAN_CHANGED.to_owned())
            }
            GateReply::Allow { words, note } => {
                // The person has read the plan: the agent's own prompt need not appear as well.
                let input = call.is_plan().then(|| call.input.clone());
                HookAnswer::Allow { words, note, input }
            }
            GateReply::AllowChanged { note, .. } => {
                HookAnswer::Deny(text::gate::not_handed_over(&note))
            }
            GateReply::Answer { words, answers } => match call.answered(&answers) {
                Some(input) => HookAnswer::Answer { words, input },
                None => HookAnswer::Deny(words),
            },
            // A server that gets no answer now may ask again later.
            GateReply::Defer(words) | GateReply::Wait(words)
                if *event == HookEvent::Elicitation =>
            {
                HookAnswer::Defer(words)
            }
            GateReply::Defer(words) if self.may_defer => HookAnswer::Defer(words),
            GateReply::Deny(words) | GateReply::Defer(words) | GateReply::Wait(words) => {
                HookAnswer::Deny(words)
            }
        }
    }

    async fn told_by_server(&self, client: &Client) -> Step<Settled> {
        remote::ask_server(client, &self.hooked, &self.common, self.limit).await
    }

    async fn told_by_store(&self, user: &Config, path: PathBuf) -> Step<Settled> {
        let began = Instant::now();
        let (mut call, mut changed_since) = (self.hooked.call.clone(), None);
        let (mut opened, mut approved): (Option<Opened>, Option<ApprovedChange>) = (None, None);
        loop {
            let question = match local::judged(&self.common, &call, None)? {
                Judged::Reply(reply) => return Ok(Settled::by(reply, approved, call)),
                Judged::Ask(asking) => {
                    local::question_of_call(user, &call, *asking, self.hooked.takes_edits())?
                }
            };
            let question = match question {
                Ok(question) => question,
                Err(unfit) => {
                    let reply = GateReply::Deny(text::gate::unfit(&unfit));
                    return Ok(Settled { reply, call });
                }
            };
            let opened = match &mut opened {
                Some(opened) => opened,
                none => none.insert(self.opened(user, &path).await?),
            };
            if approved.is_some() {
                let gates = opened.handle.gates();
                let earlier = gates.allowed_before(&question.request, changed_since).await;
                let earlier = earlier.map_err(words)?;
                if earlier.is_some_and(|earlier| gates.approved_as_changed(&question, &earlier)) {
                    return Ok(Settled::by(local::allow(String::new()), approved, call));
                }
            }
            let changes =
                local::changes_since(&opened.handle, &question.request, changed_since).await?;
            let question = question.with_request(|request| Request { changes, ..request });
            let asked = match local::filed(&opened.handle, question).await? {
                Filed::Covered(words) => return Ok(Settled { reply: local::allow(words), call }),
                Filed::Asked(decision) => *decision,
            };
            let waited = self.verdict_on(opened, &asked, began).await?;
            let unserved = heartbeat::of(&opened.store) == Running::No;
            let reply = opened.handle.gates().reply(&waited, asked.revision, unserved);
            match release(&call, &reply).await? {
                Release::Stands => return Ok(Settled { reply, call }),
                Release::Changed(now) => {
                    (call, changed_since, approved) = (*now, Some(asked.id), None);
                }
                Release::ByPerson(now, change) => {
                    (call, changed_since, approved) = (*now, Some(asked.id), Some(change));
                }
            }
        }
    }

    /// Waits until the agent can be told something about a decision, and keeps a record of the
    /// agent meanwhile. `began`: when the time limit began.
    async fn verdict_on(
        &self,
        opened: &Opened,
        asked: &Decision,
        began: Instant,
    ) -> Step<Decision> {
        let handle = &opened.handle;
        let seat = self.park(handle, asked.id).await;
        let left = self.limit.saturating_sub(began.elapsed());
        let waited = wait(opened, asked, left, seat.as_ref()).await;
        if seat.is_some() {
            self.leave(handle, asked.id, waited.as_ref().ok()).await;
        }
        waited
    }

    async fn opened(&self, user: &Config, path: &Path) -> Step<Opened> {
        let (file, patience) = (path.to_owned(), LOCK_TIMEOUT.min(self.limit / 2));
        let open = tokio::task::spawn_blocking(move || {
            Store::open_with_timeout(&file, None, wall_time(), patience)
        });
        Ok(opened(open.await.map_err(words)?.map_err(words)?, path, user))
    }
}

impl Asking {
    /// Records where the agent works, for the case that it ends before the decision has a verdict.
    /// `None`: it could not be started again, or not recorded.
    async fn park(&self, handle: &Handle, id: DecisionId) -> Option<Seat> {
        let HookInput { agent, call, event, .. } = &self.hooked;
        // The answer is for an MCP server that ended with the agent, and not for the agent's model.
        if *event == HookEvent::Elicitation {
            return None;
        }
        let seat = seat::of(*agent, call, self.root.as_deref())?;
        // Without the record, the agent is not started again; its call is decided all the same.
        handle.resumptions().park(id, seat.clone()).await.ok()?;
        Some(seat)
    }

    /// Records what the agent is told. `waited`: the decision at the end of the wait; `None` if the
    /// wait failed.
    async fn leave(&self, handle: &Handle, id: DecisionId, waited: Option<&Decision>) {
        let resumptions = handle.resumptions();
        let recorded = match waited.map(|decision| &decision.state) {
            Some(State::Resolved(_) | State::Withdrawn { .. }) => resumptions.forget(id).await,
            Some(State::Deferred { .. }) if self.may_defer => {
                resumptions.stop_waiting(id, Wait::Parted).await
            }
            Some(State::Pending(_) | State::Deferred { .. }) => {
                resumptions.stop_waiting(id, Wait::WentOn).await
            }
            None => resumptions.abandon(id).await,
        };
        // A record that could not be changed says that the gate waits, which ends by itself.
        let _ = recorded;
    }
}

/// Why no verdict is taken for an agent that has ended: it is for the agent that goes on.
const NOBODY: &str = "nobody reads the answer";

/// Waits for the verdict, and claims it unless the agent has ended.
async fn take(
    handle: &Handle,
    asked: &Decision,
    deadline: Time,
    seat: Option<&Seat>,
) -> Step<Decision> {
    let approvals = handle.approvals();
    let (id, revision) = (asked.id, asked.revision);
    loop {
        let found = approvals.wait(id, Some(revision), Claim::No, Some(deadline)).await;
        let found = found.map_err(words)?;
        if found.revision != revision || !matches!(found.state, State::Resolved(_)) {
            return Ok(found);
        }
        // The system may close a pipe some time after the process that read it has ended.
        if seat.is_some_and(|seat| seat::process_of(seat) == AgentProcess::Ended) {
            return Err(NOBODY.into());
        }
        match approvals.claim(id).await {
            Ok(claimed) => return Ok(claimed),
            // Undone at this very moment.
            Err(HandleError::Refused(..)) => {}
            Err(HandleError::Store(error)) if error.is_retryable() => {}
            Err(error) => return Err(words(error)),
        }
    }
}

async fn wait(
    opened: &Opened,
    asked: &Decision,
    limit: Duration,
    seat: Option<&Seat>,
) -> Step<Decision> {
    let handle = &opened.handle;
    // The limit is in wall-clock time; the store's time may run faster.
    let speed = i32::try_from(handle.time_scale().speed.max(1)).unwrap_or(i32::MAX);
    let span = TimeDelta::from_std(limit).ok().and_then(|limit| limit.checked_mul(speed));
    let deadline = span.and_then(|span| handle.now().checked_add_signed(span));
    let deadline = deadline.ok_or("--timeout is out of range: write, for example, 10m")?;
    tokio::select! {
        taken = take(handle, asked, deadline, seat) => taken,
        () = handle.resumptions().keep_waiting(asked.id) => {
            Err("the gate can no longer say that it waits".into())
        }
        () = listener::gone() => Err(NOBODY.into()),
        () = watch::run(handle.clone(), &opened.store) => {
            Err("the store can no longer be watched".into())
        }
    }
}

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_mistake_of_its_own_and_a_hang_are_no_yes() {
        let failed = guarded(Duration::from_secs(60), async { panic!("a mistake") }).await;
        assert_eq!(failed, Err::<(), _>("the gate failed".into()));
        let hung = guarded(Duration::from_millis(1), std::future::pending::<()>()).await;
        assert_eq!(hung, Err("no result within 1ms".into()));
    }
}
