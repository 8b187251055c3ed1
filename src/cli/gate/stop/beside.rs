//! Waits beside the agent's own prompt for an answer elsewhere.

use std::time::Instant;

use super::wait::reply_to;
use super::{Asking, Step, is_approved_change, words};
use crate::cli::Opened;
use crate::cli::gate::hook::HookAnswer;
use crate::cli::gate::local;
use crate::cli::gate::release::{Release, Settled, release};
use crate::cli::gate::{config_of, desk};
use crate::config::Config;
use crate::core::decision::{Decision, State};
use crate::engine::approvals::gates::GateReply;
use crate::presentation::text;

impl Asking {
    /// Waits beside the agent's own prompt for an answer elsewhere. Whatever is no answer leaves
    /// the prompt as it is: it is about the question that this gate left to it, or about rules of
    /// the agent's own.
    pub(super) async fn answer_prompt(self) -> Step<HookAnswer> {
        const PROMPT: HookAnswer = HookAnswer::OwnPrompt(String::new());
        let began = Instant::now();
        let mut gone = desk::PromptGone::new()?;
        let user = config_of(&self.common).map_err(words)?;
        let path = self.common.store_path(&user).map_err(words)?;
        if self.transport.clone().or_socket_of(&path).connect.is_some() {
            return Ok(PROMPT);
        }
        let question = match self.question(&user, &self.hooked.call)? {
            Ok(question) => question,
            Err(GateReply::Deny(words)) => return Ok(HookAnswer::Deny(words)),
            Err(_) => return Ok(PROMPT),
        };
        let opened = self.opened(&user, &path).await?;
        let beside = opened.handle.gates().beside_prompt(&question.request).await;
        let Some(asked) = beside.map_err(words)? else { return Ok(PROMPT) };
        let waited = tokio::select! {
            waited = self.verdict_on(&opened, &asked, began) => waited?,
            never = desk::watch(&self.hooked, &user, &opened, asked.id) => match never {},
            () = gone.wait() => {
                desk::close(&opened, asked.id).await?;
                return Ok(PROMPT);
            }
        };
        match (&waited.state, reply_to(&opened, &waited, asked.revision)) {
            // The prompt has just been answered there, or nobody needs an answer elsewhere.
            (State::Withdrawn { .. }, _) | (_, GateReply::Wait(_)) => Ok(PROMPT),
            (_, reply) => {
                let settled = self.settled_beside_prompt(&user, &opened, &asked, reply).await?;
                self.in_words(settled)
            }
        }
    }

    /// A reply to the question `asked` beside the agent's own prompt, and the call that it is
    /// about. Denies what a person has to see again: the agent makes the call anew, and the gate
    /// asks anew.
    async fn settled_beside_prompt(
        &self,
        user: &Config,
        opened: &Opened,
        asked: &Decision,
        reply: GateReply,
    ) -> Step<Settled> {
        let agents_own = self.hooked.call.clone();
        let (call, approved) = match release(&agents_own, &reply).await? {
            Release::Stands => return Ok(Settled { reply, call: agents_own }),
            Release::PlanChanged => {
                opened.handle.gates().record_plan_changed(asked.id).await;
                return Ok(Settled { reply: local::plan_changed(), call: agents_own });
            }
            Release::Changed(now) => (*now, None),
            Release::ByPerson(now, change) => (*now, Some(change)),
        };
        let question = match self.question(user, &call)? {
            Ok(question) => question,
            Err(reply) => return Ok(Settled::by(reply, approved, call)),
        };
        if approved.is_some()
            && is_approved_change(&opened.handle, &question, Some(asked.id)).await?
        {
            return Ok(Settled::by(local::allow(String::new()), approved, call));
        }
        // Says on the card that the call did not run.
        local::changes_since(&opened.handle, &question.request, Some(asked.id)).await?;
        let denied = GateReply::Deny(match reply {
            GateReply::AllowChanged { note, .. } => text::gate::not_handed_over(&note),
            _ => text::gate::SEEN_NO_MORE.to_owned(),
        });
        Ok(Settled { reply: denied, call: agents_own })
    }
}
