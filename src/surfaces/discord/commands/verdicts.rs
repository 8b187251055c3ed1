//! Commands that decide, defer, take and undo.

use super::super::Bot;
use super::super::render::View;
use super::complete::{answerable, approvable, choosable, open, option, undoable};
use super::found::{Among, Found, Written, find};
use super::{Context, Error, answer as answer_with, voter};
use crate::core::Time;
use crate::core::decision::{Decision, DecisionId, Revision, Risk, Verdict, Via};
use crate::core::find as search;
use crate::core::permission::Voter;
use crate::core::policy::enforce;
use crate::core::text::{self, Instead};
use crate::core::when;
use crate::engine::HandleError;

/// Approve a decision: the agent goes on.
#[poise::command(slash_command)]
pub(super) async fn approve(
    ctx: Context<'_>,
    #[description = "Number, words of the title, project: pick from what is offered"]
    #[autocomplete = "approvable"]
    decision: String,
    #[description = "What the agent should mind when it goes on"]
    #[max_length = 1000]
    note: Option<String>,
) -> Result<(), Error> {
    let note = note.filter(|note| !note.trim().is_empty()).map(|note| note.trim().to_owned());
    let written = note.as_deref().and_then(|note| Written::new(text::YOUR_NOTE, note));
    let wish = Wish { verdict: Wanted::Is(Verdict::noted(note)), written };
    answer_with(ctx, async { wish.decide(ctx.data(), &voter(ctx).await, &decision).await }).await
}

/// Reject a decision with a reason: the agent gets the reason and does something else.
#[poise::command(slash_command)]
pub(super) async fn reject(
    ctx: Context<'_>,
    #[description = "Number, words of the title, project: pick from what is offered"]
    #[autocomplete = "open"]
    decision: String,
    #[description = "What should be different next time?"]
    #[max_length = 1000]
    reason: String,
) -> Result<(), Error> {
    let written = Written::new(text::YOUR_REASON, reason.as_str());
    let wish = Wish {
        verdict: Wanted::Is(Verdict::Rejected { reason: reason.trim().to_owned() }),
        written,
    };
    answer_with(ctx, async { wish.decide(ctx.data(), &voter(ctx).await, &decision).await }).await
}

/// Choose one of a decision's options.
#[poise::command(slash_command)]
pub(super) async fn choose(
    ctx: Context<'_>,
    #[description = "Number, words of the title, project: pick from what is offered"]
    #[autocomplete = "choosable"]
    decision: String,
    #[description = "One of its options"]
    #[autocomplete = "option"]
    #[rename = "option"]
    chosen: String,
) -> Result<(), Error> {
    let wish = Wish { verdict: Wanted::Option(chosen), written: None };
    answer_with(ctx, async { wish.decide(ctx.data(), &voter(ctx).await, &decision).await }).await
}

/// Answer a question with text.
#[poise::command(slash_command)]
pub(super) async fn answer(
    ctx: Context<'_>,
    #[description = "Number, words of the title, project: pick from what is offered"]
    #[autocomplete = "answerable"]
    decision: String,
    #[description = "Your answer, as the agent gets it"]
    #[max_length = 4000]
    text: String,
) -> Result<(), Error> {
    let written = Written::new(text::YOUR_ANSWER, text.as_str());
    let wish =
        Wish { verdict: Wanted::Is(Verdict::Answered { text: text.trim().to_owned() }), written };
    answer_with(ctx, async { wish.decide(ctx.data(), &voter(ctx).await, &decision).await }).await
}

/// Defer a decision: it comes back by itself.
#[poise::command(slash_command)]
pub(super) async fn defer(
    ctx: Context<'_>,
    #[description = "Number, words of the title, project: pick from what is offered"]
    #[autocomplete = "open"]
    decision: String,
    #[description = "When it comes back: 45m, 3h, 2d, 18:30, tomorrow 14:00"]
    #[max_length = 60]
    until: String,
) -> Result<(), Error> {
    answer_with(ctx, async { put_off(ctx.data(), &voter(ctx).await, &decision, &until).await })
        .await
}

/// Undo a verdict that the agent has not claimed yet.
#[poise::command(slash_command)]
pub(super) async fn undo(
    ctx: Context<'_>,
    #[description = "Number, words of the title, project: pick from what is offered"]
    #[autocomplete = "undoable"]
    decision: String,
) -> Result<(), Error> {
    answer_with(ctx, async { take_back(ctx.data(), &voter(ctx).await, &decision).await }).await
}

/// Take a decision: say that you are on it.
#[poise::command(slash_command)]
pub(super) async fn take(
    ctx: Context<'_>,
    #[description = "Number, words of the title, project: pick from what is offered"]
    #[autocomplete = "open"]
    decision: String,
) -> Result<(), Error> {
    answer_with(ctx, async { take_on(ctx.data(), &voter(ctx).await, &decision).await }).await
}

/// A verdict that a person wants to give.
struct Wish {
    verdict: Wanted,
    /// The typed text, repeated in the answer if the verdict cannot be given at once.
    written: Option<Written>,
}

/// Gives a verdict if the person has seen the decision and the risk is below high. In other cases
/// shows the card first.
pub(in super::super) async fn decide_by_number(
    bot: &Bot,
    voter: &Voter,
    id: DecisionId,
    verdict: Verdict,
) -> View {
    let written = match &verdict {
        Verdict::Approved { note, .. } => {
            note.as_deref().and_then(|note| Written::new(text::YOUR_NOTE, note))
        }
        Verdict::Rejected { reason } => Written::new(text::YOUR_REASON, reason.as_str()),
        Verdict::Chosen { option } => Written::new(text::YOUR_CHOICE, option.as_str()),
        Verdict::Answered { text } => Written::new(text::YOUR_ANSWER, text.as_str()),
    };
    Wish { verdict: Wanted::Is(verdict), written }.decide(bot, voter, &id.to_string()).await
}

enum Wanted {
    Is(Verdict),
    /// An option's name, or an autocomplete entry's value.
    Option(String),
}

impl Wish {
    /// Gives the verdict on the seen revision if the risk is below high. In other cases shows the
    /// card.
    async fn decide(&self, bot: &Bot, voter: &Voter, typed: &str) -> View {
        match find(bot, voter, typed, Among::Open).await {
            Found::Nothing(view) => Written::keep(self.written.as_ref(), *view),
            Found::Unseen(decision, notice) => {
                look_first(bot, voter, &decision, notice, self.written(bot, &decision).as_ref())
                    .await
            }
            Found::Seen(id, seen) => match self.on_seen(bot, voter, id, seen).await {
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
        let decision = bot.handle.may_decide(id, seen, voter).await?;
        if risk(bot, &decision) >= Risk::High {
            let notice = text::instead(&decision, Instead::Risk);
            return Ok(Written::keep(
                self.written(bot, &decision).as_ref(),
                bot.show(voter, &decision, Some(notice)),
            ));
        }
        let verdict = match &self.verdict {
            Wanted::Is(verdict) => verdict.clone(),
            Wanted::Option(typed) => match search::option(typed, &decision, bot.handle.tag()) {
                Some(choice) => Verdict::Chosen { option: choice.name.clone() },
                None => {
                    return Ok(bot.show(
                        voter,
                        &decision,
                        Some(text::instead(&decision, Instead::Option(typed))),
                    ));
                }
            },
        };
        let decided = bot.handle.resolve(id, seen, voter, Via::Discord, verdict).await?;
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
            Wanted::Is(_) => self.written.clone(),
            Wanted::Option(typed) => {
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

async fn put_off(bot: &Bot, voter: &Voter, typed: &str, until: &str) -> View {
    let written = Written::new(text::YOUR_TIME, until);
    let Some(until) = when::parse(until, bot.handle.now(), bot.handle.rules().zone) else {
        return View::words(text::unreadable_time(until));
    };
    put_off_until(bot, voter, typed, until, written).await
}

/// Defers a decision if the person has seen it.
pub(in super::super) async fn put_off_until(
    bot: &Bot,
    voter: &Voter,
    typed: &str,
    until: Time,
    written: Option<Written>,
) -> View {
    match find(bot, voter, typed, Among::Open).await {
        Found::Nothing(view) => Written::keep(written.as_ref(), *view),
        Found::Unseen(decision, notice) => {
            look_first(bot, voter, &decision, notice, written.as_ref()).await
        }
        // Allowed at any risk: a deferral decides nothing, and the decision comes back.
        Found::Seen(id, seen) => match bot.handle.defer(id, seen, voter, until).await {
            Ok(decision) => bot.show(voter, &decision, None),
            Err(error) => Written::keep(written.as_ref(), bot.not_done(voter, id, error).await),
        },
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
    let view = match bot.handle.may_decide(decision.id, decision.revision, voter).await {
        Ok(decision) => bot.show(voter, &decision, Some(notice)),
        Err(error) => bot.not_done(voter, decision.id, error).await,
    };
    Written::keep(written, view)
}

pub(in super::super) async fn take_back(bot: &Bot, voter: &Voter, typed: &str) -> View {
    match find(bot, voter, typed, Among::Decided).await {
        Found::Nothing(view) => *view,
        Found::Unseen(decision, notice) => {
            match decision.undo(voter.person.clone(), bot.handle.now()) {
                Ok(_) => bot.show(voter, &decision, Some(notice)),
                Err(refused) => {
                    bot.not_done(voter, decision.id, HandleError::Refused(decision, refused)).await
                }
            }
        }
        Found::Seen(id, _) => match bot.handle.undo(id, voter).await {
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

pub(in super::super) async fn take_on(bot: &Bot, voter: &Voter, typed: &str) -> View {
    let id = match find(bot, voter, typed, Among::Open).await {
        Found::Nothing(view) => return *view,
        // A number is enough: taking decides nothing, and the answer shows the card.
        Found::Unseen(decision, _) if typed.parse() == Ok(decision.id) => decision.id,
        Found::Unseen(decision, notice) => {
            return look_first(bot, voter, &decision, notice, None).await;
        }
        Found::Seen(id, _) => id,
    };
    match bot.handle.take(id, voter).await {
        Ok(decision) => bot.show(voter, &decision, Some(text::you_took(&decision))),
        Err(error) => bot.not_done(voter, id, error).await,
    }
}
