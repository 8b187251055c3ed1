//! Holds an agent at its hook until a person has answered.

use crate::presentation::gate::{QuestionTerms, question};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::TimeDelta;
use gander_client::Client;
use tokio::io::AsyncReadExt as _;

use super::adapters::{Agent, Defer};
use super::desk::{self, Prompt};
use super::hook::{self, HookAnswer, HookInput, HookOutput, Input, Installed};
use super::transport::Transport;
use super::{ProjectClaim, Stop, config_of, own_files, remote};
use crate::cli::{Common, Exit, LOCK_TIMEOUT, Opened, Outcome, opened, output, presence};
use crate::config::{Config, TimeSpan, gates};
use crate::core::decision::{Decision, Request, Revision};
use crate::core::gate::rules::{Ruling, judge};
use crate::core::policy::claims::{Claims, with_claims};
use crate::core::policy::rules::project_name;
use crate::engine::Claim;
use crate::engine::approvals::gates::{EarlierAnswer, GateQuestion, GateReply};
use crate::engine::clock::wall_time;
use crate::engine::event_log::watch;
use crate::engine::operations::heartbeat;
use crate::engine::operations::heartbeat::Running;
use crate::presentation::text;
use crate::store::Store;

/// How long past the limit the store may take to report the timeout. After that the gate denies
/// without the store.
const GRACE: Duration = Duration::from_secs(10);

/// The result of a step, or an error message. Every error denies the call.
type Step<T> = Result<T, String>;

impl Stop {
    pub(super) async fn run(self, agent: Agent, common: &Common) -> Outcome {
        let (limit, began) = (self.limit(agent), std::time::Instant::now());
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
    transport: Transport,
}

/// What comes of a call.
enum Answered {
    /// The gate's answer.
    Gate(GateReply),
    /// The agent's own prompt asks. The words are for the person there.
    OwnPrompt(String),
}

impl From<GateReply> for Answered {
    fn from(reply: GateReply) -> Self {
        Self::Gate(reply)
    }
}

/// The question about a call, or what the rules say without one.
enum Judged {
    Question(Box<Request>),
    Settled(GateReply),
}

impl Asking {
    async fn answer(self) -> Step<HookAnswer> {
        let answered = match self.transport.client()? {
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
        Ok(match answered {
            Answered::OwnPrompt(words) => HookAnswer::OwnPrompt(words),
            Answered::Gate(reply) => self.in_words(reply),
        })
    }

    fn in_words(&self, reply: GateReply) -> HookAnswer {
        match reply {
            GateReply::Allow { words, note } => HookAnswer::Allow { words, note },
            GateReply::Defer(words) if self.may_defer => HookAnswer::Defer(words),
            GateReply::Deny(words) | GateReply::Defer(words) | GateReply::Wait(words) => {
                HookAnswer::Deny(words)
            }
        }
    }

    async fn told_by_server(&self, client: &Client) -> Step<GateReply> {
        remote::ask_server(client, &self.hooked, &self.common, self.limit).await
    }

    /// Applies the rules of this machine.
    fn judged(&self, user: &Config) -> Step<Judged> {
        let call = &self.hooked.call;
        let rules = gates::load(self.common.config.as_deref()).map_err(words)?;
        let terms = match judge(&rules, call) {
            Ruling::Allow => return Ok(Judged::Settled(allow(text::gate::ALLOWED.to_owned()))),
            Ruling::Deny { reason } => {
                let denied = text::gate::denied(reason.as_deref());
                return Ok(Judged::Settled(GateReply::Deny(denied)));
            }
            Ruling::Ask { risk, kind, reason } => QuestionTerms { risk, kind, reason },
        };
        let project = ProjectClaim::of(call, user).map_err(words)?;
        let mut request = question(call, project.mapped, terms);
        request.project = project_name(&request.project);
        let claims = Claims { project: project.claimed, ..Claims::default() };
        Ok(Judged::Question(Box::new(with_claims(&user.rules, request, claims))))
    }

    async fn open(&self, user: &Config, path: &Path) -> Step<Opened> {
        let patience = LOCK_TIMEOUT.min(self.limit / 2);
        let file = path.to_owned();
        let open = tokio::task::spawn_blocking(move || {
            Store::open_with_timeout(&file, None, wall_time(), patience)
        });
        Ok(opened(open.await.map_err(words)?.map_err(words)?, path, user))
    }

    async fn told_by_store(&self, user: &Config, path: PathBuf) -> Step<Answered> {
        let began = std::time::Instant::now();
        let request = match self.judged(user)? {
            Judged::Question(request) => *request,
            Judged::Settled(reply) => return Ok(reply.into()),
        };
        let opened = self.open(user, &path).await?;
        let handle = &opened.handle;
        let asked = match handle.gates().earlier_answer(request).await.map_err(words)? {
            EarlierAnswer::Covers(words) => return Ok(allow(words).into()),
            EarlierAnswer::Unclaimed(decision) => *decision,
            EarlierAnswer::Ask(request) => {
                let offer = desk::offer(&self.hooked, user).await;
                match handle.gates().ask(*request, offer).await.map_err(words)? {
                    GateQuestion::AtDesk(decision) => {
                        return Ok(Answered::OwnPrompt(text::desk::prompt(&decision)));
                    }
                    GateQuestion::Elsewhere(decision) => *decision,
                }
            }
        };
        let left = self.limit.saturating_sub(began.elapsed());
        let waited = wait(&opened, &asked, left).await?;
        Ok(self.reply(&opened, &waited, asked.revision).into())
    }

    fn reply(&self, opened: &Opened, waited: &Decision, asked: Revision) -> GateReply {
        let unserved = heartbeat::of(&opened.store) == Running::No;
        opened.handle.gates().reply(waited, asked, unserved)
    }

    /// Waits beside the agent's own prompt for an answer elsewhere. Whatever is no answer leaves
    /// the prompt as it is: it is about the question that this gate left to it, or about rules of
    /// the agent's own.
    async fn answer_prompt(self) -> Step<HookAnswer> {
        const PROMPT: HookAnswer = HookAnswer::OwnPrompt(String::new());
        let began = std::time::Instant::now();
        let mut gone = desk::PromptGone::new()?;
        let user = config_of(&self.common).map_err(words)?;
        let path = self.common.store_path(&user).map_err(words)?;
        if self.transport.clone().or_socket_of(&path).connect.is_some() {
            return Ok(PROMPT);
        }
        let request = match self.judged(&user)? {
            Judged::Question(request) => request,
            Judged::Settled(GateReply::Deny(words)) => return Ok(HookAnswer::Deny(words)),
            Judged::Settled(_) => return Ok(PROMPT),
        };
        let opened = self.open(&user, &path).await?;
        let beside = opened.handle.gates().beside_prompt(&request).await.map_err(words)?;
        let Some(asked) = beside else { return Ok(PROMPT) };
        let left = self.limit.saturating_sub(began.elapsed());
        let waited = tokio::select! {
            waited = wait(&opened, &asked, left) => waited?,
            never = desk::watch(&self.hooked, &user, &opened, asked.id) => match never {},
            () = gone.wait() => {
                desk::close(&opened, asked.id).await?;
                return Ok(PROMPT);
            }
        };
        Ok(match self.reply(&opened, &waited, asked.revision) {
            GateReply::Wait(_) => PROMPT,
            // The prompt has just been answered there.
            _ if waited.desk_outcome().is_some() => PROMPT,
            reply => self.in_words(reply),
        })
    }
}

async fn wait(opened: &Opened, asked: &Decision, limit: Duration) -> Step<Decision> {
    let handle = &opened.handle;
    // The limit is in wall-clock time; the store's time may run faster.
    let speed = i32::try_from(handle.time_scale().speed.max(1)).unwrap_or(i32::MAX);
    let span = TimeDelta::from_std(limit).ok().and_then(|limit| limit.checked_mul(speed));
    let deadline = span.and_then(|span| handle.now().checked_add_signed(span));
    let deadline = deadline.ok_or("--timeout is out of range: write, for example, 10m")?;
    let (revision, deadline) = (Some(asked.revision), Some(deadline));
    tokio::select! {
        waited = handle.approvals().wait(asked.id, revision, Claim::Yes, deadline) => {
            waited.map_err(words)
        }
        () = watch::run(handle.clone(), &opened.store) => {
            Err("the store can no longer be watched".into())
        }
    }
}

const fn allow(words: String) -> GateReply {
    GateReply::Allow { words, note: None }
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
