//! Holds an agent at its hook until a person has answered.

mod beside;
mod wait;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use gander_client::Client;
use tokio::io::AsyncReadExt as _;

use self::wait::reply_to;
use super::adapters::{Agent, Defer};
use super::desk::{self, Prompt};
use super::hook::{self, HookAnswer, HookEvent, HookInput, HookOutput, Input, Installed};
use super::local::{self, Filed, Judged, Placed};
use super::release::{ApprovedChange, Release, Settled, plan_stands, release};
use super::transport::Transport;
use super::{Stop, config_of, own_files, remote};
use crate::cli::{Common, Exit, LOCK_TIMEOUT, Opened, Outcome, opened, output, presence};
use crate::config::{Config, TimeSpan};
use crate::core::decision::{DecisionId, Request};
use crate::core::gate::ToolCall;
use crate::engine::Handle;
use crate::engine::approvals::gates::{Edits, GateQuestion, GateReply};
use crate::engine::clock::wall_time;
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
            Ok(Input::Notice(agent, notice)) => {
                notice.take(agent, common).await;
                HookOutput::NOTHING
            }
            Ok(Input::Call(hooked)) => {
                let left = limit.saturating_sub(began.elapsed());
                self.answer(*hooked, common, left).await
            }
        };
        Ok(put(said))
    }

    /// The answer for a call within this time.
    async fn answer(self, hooked: HookInput, common: &Common, left: Duration) -> HookOutput {
        let (agent, event, prompt) = (hooked.agent, hooked.event, hooked.prompt);
        let may_defer = self.may_defer(agent);
        let asking = Asking {
            hooked,
            common: common.clone(),
            limit: left,
            may_defer,
            root: self.root,
            transport: self.transport,
        };
        let answered = match prompt {
            Prompt::Shown => guarded(left + GRACE, asking.answer_prompt()).await,
            Prompt::None | Prompt::Offered(_) => guarded(left + GRACE, asking.answer()).await,
        };
        let answer = answered.and_then(|answered| answered).unwrap_or_else(|why| {
            let words = text::gate::broken(&why);
            // The person before the agent's prompt can still answer.
            if prompt == Prompt::Shown {
                HookAnswer::OwnPrompt(words)
            } else {
                HookAnswer::Deny(words)
            }
        });
        agent.say(event, answer)
    }

    /// Reads the call, and looks at its files.
    fn understood(
        &self,
        agent: Agent,
        common: &Common,
    ) -> impl Future<Output = Step<Input>> + Send + 'static {
        let (root, desk, common) = (self.root.clone(), self.desk, common.clone());
        let token = self.transport.token_file.clone();
        async move {
            // A configuration that cannot be read denies the call later, with its own reason.
            let user = config_of(&common).unwrap_or_default();
            let store = common.store_path(&user).unwrap_or_default();
            let config = common.config.as_deref().or(user.file.as_deref());
            let mut own = own_files(&store, config, token.as_deref());
            own.extend(presence::own_files(user.presence.as_ref()));
            let installed = Installed { root, own, desk };
            let mut input = Vec::new();
            tokio::io::stdin()
                .take(installed.longest_input() as u64 + 1)
                .read_to_end(&mut input)
                .await
                .map_err(|error| format!("standard input: {error}"))?;
            hook::parse_input(agent, &input, installed)
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

/// What comes of a call.
enum Answered {
    /// The gate's answer.
    Gate(Box<Settled>),
    /// The agent's own prompt asks. The words are for the person there.
    OwnPrompt(String),
}

impl From<Settled> for Answered {
    fn from(settled: Settled) -> Self {
        Self::Gate(Box::new(settled))
    }
}

impl Asking {
    async fn answer(self) -> Step<HookAnswer> {
        let answered: Answered = match self.transport.client()? {
            Some(client) => self.told_by_server(&client).await?.into(),
            None => {
                let user = config_of(&self.common).map_err(words)?;
                let store = self.common.store_path(&user).map_err(words)?;
                match self.transport.clone().or_socket_of(&store).client()? {
                    Some(client) => self.told_by_server(&client).await?.into(),
                    None => self.told_by_store(&user, store).await?,
                }
            }
        };
        match answered {
            Answered::OwnPrompt(words) => Ok(HookAnswer::OwnPrompt(words)),
            Answered::Gate(settled) => self.in_words(*settled),
        }
    }

    /// The answer about a settled call: the agent runs that call, or none.
    fn in_words(&self, settled: Settled) -> Step<HookAnswer> {
        // Before any yes.
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

    async fn told_by_store(&self, user: &Config, path: PathBuf) -> Step<Answered> {
        let began = Instant::now();
        let (mut call, mut changed_since) = (self.hooked.call.clone(), None);
        let (mut opened, mut approved): (Option<Opened>, Option<ApprovedChange>) = (None, None);
        loop {
            let question = match self.question(user, &call)? {
                Ok(question) => question,
                Err(reply) => return Ok(Settled::by(reply, approved, call).into()),
            };
            let opened = match &mut opened {
                Some(opened) => opened,
                none => none.insert(self.opened(user, &path).await?),
            };
            if approved.is_some()
                && is_approved_change(&opened.handle, &question, changed_since).await?
            {
                return Ok(Settled::by(local::allow(String::new()), approved, call).into());
            }
            let changes =
                local::changes_since(&opened.handle, &question.request, changed_since).await?;
            let question = question.with_request(|request| Request { changes, ..request });
            let is_agents_own = changed_since.is_none();
            let offer = async {
                // The agent's prompt shows the call as the agent made it, and nothing else.
                if is_agents_own { desk::offer(&self.hooked, user).await } else { None }
            };
            let asked = match local::placed(&opened.handle, question, offer).await? {
                Placed::AtDesk(decision) => {
                    self.leave_to_prompt(&opened.handle, &decision).await;
                    return Ok(Answered::OwnPrompt(text::desk::prompt(&decision)));
                }
                Placed::Elsewhere(Filed::Covered(words)) => {
                    return Ok(Settled { reply: local::allow(words), call }.into());
                }
                Placed::Elsewhere(Filed::Asked(decision)) => *decision,
            };
            let waited = self.verdict_on(opened, &asked, began).await?;
            let reply = reply_to(opened, &waited, asked.revision);
            match release(&call, &reply).await? {
                Release::Stands => return Ok(Settled { reply, call }.into()),
                Release::PlanChanged => {
                    opened.handle.gates().record_plan_changed(asked.id).await;
                    return Ok(Settled { reply: local::plan_changed(), call }.into());
                }
                Release::Changed(now) => {
                    (call, changed_since, approved) = (*now, Some(asked.id), None);
                }
                Release::ByPerson(now, change) => {
                    (call, changed_since, approved) = (*now, Some(asked.id), Some(change));
                }
            }
        }
    }

    /// The question about a call, or the answer if no person is asked.
    fn question(&self, user: &Config, call: &ToolCall) -> Step<Result<GateQuestion, GateReply>> {
        let asking = match local::judged(&self.common, call, None)? {
            Judged::Reply(reply) => return Ok(Err(reply)),
            Judged::Ask(asking) => *asking,
        };
        let edits = Edits::taken_if(self.hooked.takes_edits());
        let question = local::question_of_call(user, call, asking, edits)?;
        Ok(question.map_err(|unfit| GateReply::Deny(text::gate::unfit(&unfit))))
    }

    async fn opened(&self, user: &Config, path: &Path) -> Step<Opened> {
        let (file, patience) = (path.to_owned(), LOCK_TIMEOUT.min(self.limit / 2));
        let open = tokio::task::spawn_blocking(move || {
            Store::open_with_timeout(&file, None, wall_time(), patience)
        });
        Ok(opened(open.await.map_err(words)?.map_err(words)?, path, user))
    }
}

/// Whether a question is about the change of a call that a person has approved with the decision
/// `since`.
async fn is_approved_change(
    handle: &Handle,
    question: &GateQuestion,
    since: Option<DecisionId>,
) -> Step<bool> {
    let gates = handle.gates();
    let earlier = gates.allowed_before(&question.request, since).await.map_err(words)?;
    Ok(earlier.is_some_and(|earlier| gates.approved_as_changed(question, &earlier)))
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
