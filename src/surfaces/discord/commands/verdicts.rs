//! Commands that decide, defer, take and undo.

use super::complete::{answerable, approvable, choosable, open, option, undoable};
use super::decision_argument::{DecisionArgument, SearchScope, Written, find};
use super::{Context, Error, answer as answer_with};
use crate::core::Time;
use crate::core::decision::authorization::Voter;
use crate::core::decision::{Decision, DecisionId, Revision, Risk, Verdict, Via};
use crate::core::policy::rules::enforce;
use crate::core::values::time_words;
use crate::engine::HandleError;
use crate::presentation::find as search;
use crate::presentation::text;
use crate::presentation::text::CardReason;
use crate::surfaces::discord::Bot;
use crate::surfaces::discord::rendering::render::View;

/// Approve a decision: the agent continues.
#[poise::command(slash_command)]
pub(crate) async fn approve(
    ctx: Context<'_>,
    #[description = "Number, words of the title or project; pick from the list"]
    #[autocomplete = "approvable"]
    decision: String,
    #[description = "What the agent should keep in mind"]
    #[max_length = 1000]
    note: Option<String>,
) -> Result<(), Error> {
    let note = note.filter(|note| !note.trim().is_empty()).map(|note| note.trim().to_owned());
    let written = note.as_deref().and_then(|note| Written::new(text::YOUR_NOTE, note));
    let wish = Wish { verdict: RequestedVerdict::Is(Verdict::noted(note)), written };
    answer_with(ctx, |voter| async move { wish.decide(ctx.data(), &voter, &decision).await }).await
}

/// Reject a decision with a reason: the agent gets the reason and does something else.
#[poise::command(slash_command)]
pub(crate) async fn reject(
    ctx: Context<'_>,
    #[description = "Number, words of the title or project; pick from the list"]
    #[autocomplete = "open"]
    decision: String,
    #[description = "What should be different next time?"]
    #[max_length = 1000]
    reason: String,
) -> Result<(), Error> {
    let written = Written::new(text::YOUR_REASON, reason.as_str());
    let wish = Wish {
        verdict: RequestedVerdict::Is(Verdict::Rejected { reason: reason.trim().to_owned() }),
        written,
    };
    answer_with(ctx, |voter| async move { wish.decide(ctx.data(), &voter, &decision).await }).await
}

/// Choose one of a decision's options.
#[poise::command(slash_command)]
pub(crate) async fn choose(
    ctx: Context<'_>,
    #[description = "Number, words of the title or project; pick from the list"]
    #[autocomplete = "choosable"]
    decision: String,
    #[description = "One of its options"]
    #[autocomplete = "option"]
    #[rename = "option"]
    chosen: String,
) -> Result<(), Error> {
    let wish = Wish { verdict: RequestedVerdict::Option(chosen), written: None };
    answer_with(ctx, |voter| async move { wish.decide(ctx.data(), &voter, &decision).await }).await
}

/// Answer a question with text.
#[poise::command(slash_command)]
pub(crate) async fn answer(
    ctx: Context<'_>,
    #[description = "Number, words of the title or project; pick from the list"]
    #[autocomplete = "answerable"]
    decision: String,
    #[description = "Your answer to the agent"]
    #[max_length = 4000]
    text: String,
) -> Result<(), Error> {
    let written = Written::new(text::YOUR_ANSWER, text.as_str());
    let wish =
        Wish { verdict: RequestedVerdict::Is(Verdict::answered(text.trim().to_owned())), written };
    answer_with(ctx, |voter| async move { wish.decide(ctx.data(), &voter, &decision).await }).await
}

/// Defer a decision: it comes back automatically.
#[poise::command(slash_command)]
pub(crate) async fn defer(
    ctx: Context<'_>,
    #[description = "Number, words of the title or project; pick from the list"]
    #[autocomplete = "open"]
    decision: String,
    #[description = "When it returns: 45m, 3h, 2d, 18:30, tomorrow 14:00"]
    #[max_length = 60]
    until: String,
) -> Result<(), Error> {
    answer_with(
        ctx,
        |voter| async move { defer_by_text(ctx.data(), &voter, &decision, &until).await },
    )
    .await
}

/// Undo an unclaimed verdict, or end an approval for a session.
#[poise::command(slash_command)]
pub(crate) async fn undo(
    ctx: Context<'_>,
    #[description = "Number, words of the title or project; pick from the list"]
    #[autocomplete = "undoable"]
    decision: String,
) -> Result<(), Error> {
    answer_with(ctx, |voter| async move { undo_by_text(ctx.data(), &voter, &decision).await }).await
}

/// Take a decision: say that you are on it.
#[poise::command(slash_command)]
pub(crate) async fn take(
    ctx: Context<'_>,
    #[description = "Number, words of the title or project; pick from the list"]
    #[autocomplete = "open"]
    decision: String,
) -> Result<(), Error> {
    answer_with(ctx, |voter| async move { take_by_text(ctx.data(), &voter, &decision).await }).await
}

/// A verdict that a person wants to give.
struct Wish {
    verdict: RequestedVerdict,
    /// The typed text, repeated in the answer if the verdict cannot be given at once.
    written: Option<Written>,
}

/// Gives a verdict if the person has seen the decision and the risk is below high. In other cases
/// shows the card first.
pub(crate) async fn decide_by_number(
    bot: &Bot,
    voter: &Voter,
    id: DecisionId,
    verdict: Verdict,
) -> View {
    let written = match &verdict {
        Verdict::Approved(approval) => {
            approval.note.as_deref().and_then(|note| Written::new(text::YOUR_NOTE, note))
        }
        Verdict::Rejected { reason } => Written::new(text::YOUR_REASON, reason.as_str()),
        Verdict::Chosen { option } => Written::new(text::YOUR_CHOICE, option.as_str()),
        Verdict::Answered { text, .. } => Written::new(text::YOUR_ANSWER, text.as_str()),
    };
    Wish { verdict: RequestedVerdict::Is(verdict), written }
        .decide(bot, voter, &id.to_string())
        .await
}

enum RequestedVerdict {
    Is(Verdict),
    /// An option's name, or an autocomplete entry's value.
    Option(String),
}

impl Wish {
    /// Gives the verdict on the seen revision if the risk is below high. In other cases shows the
    /// card.
    async fn decide(&self, bot: &Bot, voter: &Voter, typed: &str) -> View {
        match find(bot, voter, typed, SearchScope::Open).await {
            DecisionArgument::Nothing(view) => Written::keep(self.written.as_ref(), *view),
            DecisionArgument::Unseen(decision, notice) => {
                look_first(bot, voter, &decision, notice, self.written(bot, &decision).as_ref())
                    .await
            }
            DecisionArgument::Seen(id, seen) => match self.on_seen(bot, voter, id, seen).await {
                Ok(view) => view,
                Err(error) => {
                    Written::keep(self.written.as_ref(), bot.not_done(voter, id, error).await)
                }
            },
        }
    }

    async fn on_seen(
        &self,
        bot: &Bot,
        voter: &Voter,
        id: DecisionId,
        seen: Revision,
    ) -> Result<View, HandleError> {
        let decision = bot.handle.approvers().may_decide(id, seen, voter).await?;
        if risk(bot, &decision) >= Risk::High {
            let notice = text::instead(&decision, CardReason::Risk);
            return Ok(Written::keep(
                self.written(bot, &decision).as_ref(),
                bot.show(voter, &decision, Some(notice)),
            ));
        }
        let verdict = match &self.verdict {
            RequestedVerdict::Is(verdict) => verdict.clone(),
            RequestedVerdict::Option(typed) => {
                match search::option(typed, &decision, bot.handle.tag()) {
                    Some(choice) => Verdict::Chosen { option: choice.name.clone() },
                    None => {
                        return Ok(bot.show(
                            voter,
                            &decision,
                            Some(text::instead(&decision, CardReason::Option(typed))),
                        ));
                    }
                }
            }
        };
        let decided =
            bot.handle.approvals().resolve(id, seen, voter, Via::Discord, verdict).await?;
        tracing::info!(
            decision = id.0,
            by = voter.person.name,
            state = decided.state.word(),
            "decided by a command on Discord"
        );
        Ok(bot.show(voter, &decided, None))
    }

    /// The typed text; for an option the option's name instead of the entry's value.
    fn written(&self, bot: &Bot, decision: &Decision) -> Option<Written> {
        match &self.verdict {
            RequestedVerdict::Is(_) => self.written.clone(),
            RequestedVerdict::Option(typed) => {
                let option = search::option(typed, decision, bot.handle.tag())?;
                Written::new(text::YOUR_CHOICE, option.name.as_str())
            }
        }
    }
}

/// The risk by the bot's own rules: the process that filed the request may have read other rules.
fn risk(bot: &Bot, decision: &Decision) -> Risk {
    enforce(&bot.handle.rules(), &decision.request, &decision.terms).risk
}

async fn defer_by_text(bot: &Bot, voter: &Voter, typed: &str, until: &str) -> View {
    let written = Written::new(text::YOUR_TIME, until);
    let Some(until) = time_words::parse(until, bot.handle.now(), bot.handle.rules().zone) else {
        return View::words(text::unreadable_time(until));
    };
    defer_until(bot, voter, typed, until, written).await
}

/// Defers a decision if the person has seen it.
pub(crate) async fn defer_until(
    bot: &Bot,
    voter: &Voter,
    typed: &str,
    until: Time,
    written: Option<Written>,
) -> View {
    match find(bot, voter, typed, SearchScope::Open).await {
        DecisionArgument::Nothing(view) => Written::keep(written.as_ref(), *view),
        DecisionArgument::Unseen(decision, notice) => {
            look_first(bot, voter, &decision, notice, written.as_ref()).await
        }
        // Allowed at any risk: a deferral decides nothing, and the decision comes back.
        DecisionArgument::Seen(id, seen) => {
            match bot.handle.approvals().defer(id, seen, voter, until).await {
                Ok(decision) => bot.show(voter, &decision, None),
                Err(error) => Written::keep(written.as_ref(), bot.not_done(voter, id, error).await),
            }
        }
    }
}

/// The card, or the reason why nothing can be decided any more.
async fn look_first(
    bot: &Bot,
    voter: &Voter,
    decision: &Decision,
    notice: String,
    written: Option<&Written>,
) -> View {
    let view = match bot.handle.approvers().may_decide(decision.id, decision.revision, voter).await
    {
        Ok(decision) => bot.show(voter, &decision, Some(notice)),
        Err(error) => bot.not_done(voter, decision.id, error).await,
    };
    Written::keep(written, view)
}

pub(crate) async fn undo_by_text(bot: &Bot, voter: &Voter, typed: &str) -> View {
    match find(bot, voter, typed, SearchScope::Decided).await {
        DecisionArgument::Nothing(view) => *view,
        DecisionArgument::Unseen(decision, notice) => {
            match decision.undo(voter.person.clone(), bot.handle.now()) {
                Ok(_) => bot.show(voter, &decision, Some(notice)),
                Err(refused) => {
                    bot.not_done(voter, decision.id, HandleError::Refused(decision, refused)).await
                }
            }
        }
        DecisionArgument::Seen(id, _) => match bot.handle.approvals().undo(id, voter).await {
            Ok(decision) => {
                tracing::info!(
                    decision = id.0,
                    by = voter.person.name,
                    "undone by a command on Discord"
                );
                bot.show(voter, &decision, Some(text::you_undid(&decision)))
            }
            Err(error) => bot.not_done(voter, id, error).await,
        },
    }
}

pub(crate) async fn take_by_text(bot: &Bot, voter: &Voter, typed: &str) -> View {
    let id = match find(bot, voter, typed, SearchScope::Open).await {
        DecisionArgument::Nothing(view) => return *view,
        // A number is enough: taking decides nothing, and the answer shows the card.
        DecisionArgument::Unseen(decision, _) if typed.parse() == Ok(decision.id) => decision.id,
        DecisionArgument::Unseen(decision, notice) => {
            return look_first(bot, voter, &decision, notice, None).await;
        }
        DecisionArgument::Seen(id, _) => id,
    };
    match bot.handle.approvers().take(id, voter).await {
        Ok(decision) => bot.show(voter, &decision, Some(text::you_took(&decision))),
        Err(error) => bot.not_done(voter, id, error).await,
    }
}
