//! Holds an agent at its hook until a person has answered.

use std::path::PathBuf;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::io::AsyncReadExt as _;

use super::hook::{self, Answer, Event, Hooked, Said};
use super::way::Way;
use super::{AgentKind, Stop, elsewhere};
use crate::cli::{Common, Exit, Opened, Outcome, PATIENCE, opened, output};
use crate::client::Client;
use crate::config::{self, Config, Span, gates};
use crate::core::decision::Decision;
use crate::core::gate::rules::{Ruling, judge};
use crate::core::policy::project_name;
use crate::core::text;
use crate::engine::clock::wall_time;
use crate::engine::gates::{Before, Told};
use crate::engine::pulse::{self, Running};
use crate::engine::{Claim, watch};
use crate::store::sqlite::SqliteStore;

/// Default time limit. Agents stop a hook after 600 s by default, goose after 30 s; the answer
/// comes before.
const USUAL: Duration = Duration::from_secs(570);
const USUAL_OF_GOOSE: Duration = Duration::from_secs(15);
/// How long past the limit the store may take to report the timeout. After that the gate denies
/// without the store.
const GRACE: Duration = Duration::from_secs(10);
/// Environment variable and value by which Claude Code tells its hooks that it runs as `claude -p`.
const ENTRY: (&str, &str) = ("CLAUDE_CODE_ENTRYPOINT", "sdk-cli");

/// The result of a step, or an error message. Every error denies the call.
type Step<T> = Result<T, String>;

impl Stop {
    pub(super) async fn run(self, agent: AgentKind, common: &Common) -> Outcome {
        let (limit, began) = (self.limit(agent), std::time::Instant::now());
        let said = match guarded(limit, understood(agent)).await.and_then(|understood| understood) {
            Err(why) => hook::refuse(text::gate::broken(&why)),
            Ok(hooked) => {
                let (event, left) = (hooked.event, limit.saturating_sub(began.elapsed()));
                let may_defer = self.may_defer(agent);
                let asking = Asking {
                    agent,
                    hooked,
                    common: common.clone(),
                    limit: left,
                    may_defer,
                    way: self.way,
                };
                let answered = guarded(left + GRACE, asking.answer()).await;
                let answer = answered
                    .and_then(|answered| answered)
                    .unwrap_or_else(|why| Answer::Deny(text::gate::broken(&why)));
                hook::say(agent, event, answer)
            }
        };
        Ok(put(said))
    }

    fn limit(&self, agent: AgentKind) -> Duration {
        let usual = if agent == AgentKind::Goose { USUAL_OF_GOOSE } else { USUAL };
        self.timeout.map_or(usual, |Span(seconds)| Duration::from_secs(seconds))
    }

    fn may_defer(&self, agent: AgentKind) -> bool {
        let under_print = || std::env::var(ENTRY.0).is_ok_and(|entry| entry == ENTRY.1);
        agent == AgentKind::ClaudeCode && (self.may_defer || under_print())
    }
}

/// Writes the answer. An answer that could not be written counts as a denial: an empty answer would
/// be a yes.
fn put(said: Said) -> Exit {
    if let Some(words) = &said.err {
        output::progress(words);
    }
    let heard = said.out.as_ref().is_none_or(output::told);
    if !heard {
        // Codex takes a denial without a message for a failed hook, and goes on.
        output::progress(&text::gate::broken("its answer could not be written"));
    }
    // All three agents take exit status 2 (`Usage`) as a denial.
    if heard && said.code == 0 { Exit::Yes } else { Exit::Usage }
}

async fn understood(agent: AgentKind) -> Step<Hooked> {
    let mut input = Vec::new();
    let most = hook::LONGEST as u64 + 1;
    tokio::io::stdin()
        .take(most)
        .read_to_end(&mut input)
        .await
        .map_err(|error| format!("standard input: {error}"))?;
    hook::understand(agent, &input)
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
        Err(_) => Err(format!("nothing came of it within {}", humantime::format_duration(limit))),
    }
}

struct Asking {
    agent: AgentKind,
    hooked: Hooked,
    common: Common,
    limit: Duration,
    may_defer: bool,
    way: Way,
}

impl Asking {
    async fn answer(self) -> Step<Answer> {
        let told = match self.way.client()? {
            Some(client) => self.told_by_server(&client).await?,
            None => {
                let user = self.common.config().map_err(words)?;
                let store = self.common.store_path(&user).map_err(words)?;
                match self.way.clone().or_socket_of(&store).client()? {
                    Some(client) => self.told_by_server(&client).await?,
                    None => self.told_by_store(&user, store).await?,
                }
            }
        };
        Ok(match told {
            Told::Allow { words, note } => Answer::Allow { words, note },
            Told::Defer(words) if self.may_defer => Answer::Defer(words),
            Told::Deny(words) | Told::Defer(words) | Told::Wait(words) => Answer::Deny(words),
        })
    }

    /// Whether Codex itself asks for permission, about a call that its `PreToolUse` hook has just
    /// allowed.
    fn is_own_prompt(&self) -> bool {
        self.agent == AgentKind::Codex && self.hooked.event == Event::PermissionRequest
    }

    async fn told_by_server(&self, client: &Client) -> Step<Told> {
        elsewhere::told(client, &self.hooked, self.is_own_prompt(), &self.common, self.limit).await
    }

    async fn told_by_store(&self, user: &Config, path: PathBuf) -> Step<Told> {
        let began = std::time::Instant::now();
        let call = &self.hooked.call;
        let rules = gates::load(self.common.config.as_deref()).map_err(words)?;
        let (risk, kind, reason) = match judge(&rules, call) {
            Ruling::Allow => return Ok(allow(text::gate::ALLOWED.to_owned())),
            Ruling::Deny { reason } => {
                return Ok(Told::Deny(text::gate::denied(reason.as_deref())));
            }
            Ruling::Ask { risk, kind, reason } => (risk, kind, reason),
        };
        let asks = config::load_ask_defaults(&call.cwd, user.file.as_deref()).map_err(words)?;
        let mut request = call.request(asks.project, risk, kind, reason);
        request.project = project_name(&request.project);
        let patience = PATIENCE.min(self.limit / 2);
        let file = path.clone();
        let open = tokio::task::spawn_blocking(move || {
            SqliteStore::open_patiently(&file, None, wall_time(), patience)
        });
        let opened = opened(open.await.map_err(words)?.map_err(words)?, &path, user);
        let handle = &opened.handle;
        let asked = match handle.before(&request, self.is_own_prompt()).await.map_err(words)? {
            Before::Covers(words) => return Ok(allow(words)),
            Before::Unclaimed(decision) => *decision,
            Before::Nothing => handle.ask(request).await.map_err(words)?.into_decision(),
        };
        let left = self.limit.saturating_sub(began.elapsed());
        let waited = wait(&opened, &asked, left).await?;
        Ok(handle.told(&waited, asked.revision, pulse::of(&opened.store) == Running::No))
    }
}

async fn wait(opened: &Opened, asked: &Decision, limit: Duration) -> Step<Decision> {
    let handle = &opened.handle;
    // The limit is in wall-clock time; the store's time may run faster.
    let speed = i32::try_from(handle.pace().speed.max(1)).unwrap_or(i32::MAX);
    let span = TimeDelta::from_std(limit).ok().and_then(|limit| limit.checked_mul(speed));
    let deadline = span.and_then(|span| handle.now().checked_add_signed(span));
    let deadline = deadline.ok_or("--timeout is beyond all time: write for example 10m")?;
    tokio::select! {
        waited = handle.wait(asked.id, Some(asked.revision), Claim::Yes, Some(deadline)) => waited.map_err(words),
        () = watch::run(handle.clone(), &opened.store) => Err("the store is no longer watched".into()),
    }
}

const fn allow(words: String) -> Told {
    Told::Allow { words, note: None }
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
        assert_eq!(failed, Err::<(), _>("the gate itself failed".into()));
        let hung = guarded(Duration::from_millis(1), std::future::pending::<()>()).await;
        assert_eq!(hung, Err("nothing came of it within 1ms".into()));
    }
}
