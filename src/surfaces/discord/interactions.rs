//! Handles clicks, menu choices and submitted forms. This file leads from the click on a decision
//! to the answer.

pub(crate) mod attention;
pub(crate) mod bulk_approval;
pub(crate) mod chat;
pub(crate) mod custom_id;
mod deciding;
mod defer;
pub(crate) mod edits;
pub(crate) mod forms;
mod grants;
mod list_actions;
pub(crate) mod questions;
pub(crate) mod refusals;
pub(crate) mod respond;
pub(crate) mod seen_revisions;

use serenity::all::{
    ButtonStyle, ComponentInteraction, ComponentInteractionDataKind, CreateActionRow, GuildId,
    Member, Message, MessageFlags, User, UserId,
};

use self::custom_id::{Control, CustomId, DecisionAction, FormNeed, ListAction, ListPosition};
use self::forms::Fields;
use self::respond::{Responder, Response, Sent};
use super::Bot;
use super::alerts::duplicate_bot;
use super::connection::people::Outsider;
use super::rendering::render;
use super::rendering::render::View;
use crate::core::decision::authorization::Voter;
use crate::core::decision::{Ballot, Decision, DecisionId, Revision, Verdict, Via};
use crate::core::untrusted::Secrets;
use crate::engine::HandleError;
use crate::presentation::card::{decision_card, details_card};
use crate::presentation::text;

/// After this long an answer has arrived or never will: Discord rejects answers 3 s after the
/// click.
const ANSWER_LANDS: std::time::Duration = std::time::Duration::from_secs(5);

/// A click, menu choice or submitted form.
struct Press<'a> {
    /// The server of the message; absent in a direct message.
    guild: Option<GuildId>,
    user: &'a User,
    member: Option<&'a Member>,
    message: Option<&'a Message>,
    /// In a direct message, visible to this person only.
    direct: bool,
    /// On a message in a direct channel that the reconciler edits, such as a reminder.
    reminder: bool,
    custom_id: &'a str,
    input: Input,
}

/// The input of an interaction.
enum Input {
    /// A button: no input.
    Click,
    /// The values chosen from a menu.
    Chosen(Vec<String>),
    /// The person chosen from a menu.
    Person(UserId),
    /// The fields of a submitted form.
    Form(Fields),
}

impl Input {
    /// The chosen value, or the form's text; empty for other input.
    fn text(&self) -> &str {
        match self {
            Self::Chosen(values) => values.first().map_or("", String::as_str),
            Self::Form(fields) => &fields.text,
            Self::Click | Self::Person(_) => "",
        }
    }
}

/// The outcome of an action.
enum Done {
    /// Send this answer.
    Answer(Box<Response>),
    /// The decision changed: redraw the clicked message.
    Changed(Box<Decision>),
}

impl Done {
    fn answer(answer: Response) -> Self {
        Self::Answer(Box::new(answer))
    }

    fn words(words: impl Into<String>) -> Self {
        Self::answer(Response::Private(View::words(words)))
    }
}

/// Handles a click on a button or a choice from a menu.
pub(crate) async fn component(bot: &Bot, interaction: &ComponentInteraction) {
    let input = match &interaction.data.kind {
        ComponentInteractionDataKind::StringSelect { values } => {
            Some(Input::Chosen(values.clone()))
        }
        ComponentInteractionDataKind::UserSelect { values } => {
            values.first().copied().map(Input::Person)
        }
        _ => None,
    };
    let press = Press {
        guild: interaction.guild_id,
        user: &interaction.user,
        member: interaction.member.as_ref(),
        message: Some(&interaction.message),
        direct: interaction.guild_id.is_none(),
        reminder: interaction.guild_id.is_none() && is_reminder(bot, &interaction.message).await,
        custom_id: &interaction.data.custom_id,
        input: input.unwrap_or(Input::Click),
    };
    press.handle(bot, Responder::new(bot, interaction.id, &interaction.token)).await;
}

/// The answer to somebody who may not see decisions.
fn refusal(outsider: &Outsider) -> Response {
    Response::Private(View::words(outsider.words()))
}

/// Whether the reconciler edits this direct message. `false` if the store does not answer in time.
async fn is_reminder(bot: &Bot, message: &Message) -> bool {
    let message = message.id.to_string();
    let found = tokio::time::timeout(
        bot.response_times.acknowledge_after,
        bot.handle.messages().with_discord_id(message),
    )
    .await;
    matches!(found, Ok(Ok(Some(_))))
}

impl Press<'_> {
    async fn handle(&self, bot: &Bot, mut responder: Responder<'_>) {
        if bot.application.is_elsewhere(self.guild) {
            tracing::warn!(by = %self.user.id, "click refused: not from the bot's server");
            responder.send(Response::Private(View::words(text::OTHER_SERVER))).await;
            return;
        }
        let parsed = CustomId::parse(self.custom_id);
        let Some(custom) = parsed.as_ref().filter(|custom| custom.tag == bot.handle.tag()) else {
            parsed.iter().for_each(|foreign| duplicate_bot::record_foreign_button(bot, foreign));
            responder.send(Response::Private(View::words(text::FOREIGN_BUTTON))).await;
            return;
        };
        let act = custom.act;
        let decision = custom.decision().map(|id| id.0);
        tracing::debug!(decision, act = self.custom_id, by = %self.user.id, "click received");
        let application = &bot.application;
        let voter = application.visitor(&bot.http, &bot.places, self.guild, self.user, self.member);
        if let Control::With(id, list, ListAction::Approve) = act {
            match responder.acknowledge_if_slow(voter).await {
                Ok(voter) => bot.approve_together(&voter, id, list, responder).await,
                Err(outsider) => drop(responder.send(refusal(&outsider)).await),
            }
            return;
        }
        if let Control::On(id, seen, verb) = act
            && let Some(decision) = self.asks_for_form(bot, id, verb).await
        {
            // A form must be the first answer. If the check takes too long, open the form
            // unchecked: the submission is checked again.
            let check = self.checked_form(bot, id, seen, verb, voter);
            let answer =
                match tokio::time::timeout(bot.response_times.acknowledge_after, check).await {
                    Ok(answer) => answer,
                    Err(_) => {
                        let verb = self.form_verb(verb);
                        Response::Form(self.form_of(bot, id, seen, verb, decision.as_deref()))
                    }
                };
            responder.send(answer).await;
            return;
        }
        // Lock before the commit. Without the lock the reconciler would redraw the same card at the
        // same moment with a second request.
        let lock = match act {
            Control::On(id, _, verb) if verb.changes() && !self.is_private() => {
                bot.reconciler.lock(id).await
            }
            _ => None,
        };
        let work = async {
            let voter = voter.await?;
            Ok((self.act(bot, act, &voter).await, voter))
        };
        match responder.acknowledge_if_slow(work).await {
            Err(outsider) => drop(responder.send(refusal(&outsider)).await),
            Ok((Done::Answer(answer), _)) => {
                responder.send(*answer).await;
            }
            Ok((Done::Changed(decision), voter)) => {
                self.show(bot, responder, &voter, (*decision).clone(), lock.is_some()).await;
                drop(lock);
                if let (Control::On(_, _, DecisionAction::HandOver), Input::Person(to)) =
                    (act, &self.input)
                {
                    bot.notify_assignee(&decision, self.user, *to);
                }
            }
        }
    }

    /// `Some` if the action needs a form first. The inner value is the decision, if read in time.
    async fn asks_for_form(
        &self,
        bot: &Bot,
        id: DecisionId,
        verb: DecisionAction,
    ) -> Option<Option<Box<Decision>>> {
        let always = match verb.form_need() {
            _ if matches!(self.input, Input::Form(_)) => return None,
            FormNeed::Always => true,
            FormNeed::ToTypeTime if self.input.text() == render::DEFER_TYPED => true,
            FormNeed::AtCriticalRisk => false,
            FormNeed::ToTypeTime | FormNeed::Never => return None,
        };
        let decision = tokio::time::timeout(
            bot.response_times.acknowledge_after,
            bot.handle.approvals().enforce(id),
        )
        .await
        .ok()
        .and_then(Result::ok);
        let confirms = decision.as_ref().is_some_and(|decision| decision.confirmation().is_some());
        (always || confirms).then(|| decision.map(Box::new))
    }

    /// Whether the clicked message is visible to this person only and not edited by the reconciler.
    fn is_private(&self) -> bool {
        (self.direct && !self.reminder)
            || self.message.is_some_and(|message| {
                message.flags.is_some_and(|flags| flags.contains(MessageFlags::EPHEMERAL))
            })
    }

    /// Shows the changed decision in the clicked message.
    async fn show(
        &self,
        bot: &Bot,
        responder: Responder<'_>,
        voter: &Voter,
        decision: Decision,
        locked: bool,
    ) {
        let time_scale = bot.handle.time_scale();
        if self.reminder {
            // The reconciler redraws this message. An answer with content could arrive after the
            // last edit and overwrite the newer content.
            answered(&decision, responder.send(Response::Nothing).await);
            return;
        }
        if let Some(view) = self.private_view(bot, voter, &decision).await {
            answered(&decision, responder.send(Response::Update(view)).await);
            return;
        }
        let Some(message) = self.message else { return };
        let message_id = message.id.to_string();
        if !locked {
            // The reconciler holds the card's lock and will redraw the card. An answer with content
            // could arrive after the last edit and overwrite the newer content.
            answered(&decision, responder.send(Response::Nothing).await);
            return;
        }
        let card = bot
            .reconciler
            .clicked(decision.id, &message.channel_id.to_string(), message_id.clone())
            .await;
        // Read the decision again: the reconciler may have changed the card since the click.
        let decision = bot.handle.approvals().get(decision.id).await.unwrap_or(decision);
        let view = render::card(&decision_card(&decision, time_scale), &decision, bot.handle.tag());
        // The answer keeps the message's files: those of another revision only an edit replaces.
        let view = match (self.seen(), message.attachments.len()) {
            (Some(seen), attached)
                if seen != decision.revision && (attached > 0 || view.bare.is_some()) =>
            {
                answered(&decision, responder.send(Response::Nothing).await);
                return;
            }
            (_, attached) => view.beside_files(attached),
        };
        match (answered(&decision, responder.send(Response::Card(view)).await), card) {
            (Sent::Seen, Some(card)) => bot.reconciler.answered(card, &decision).await,
            (Sent::Seen, None) => {}
            // The answer may or may not have arrived. Redraw once an answer can no longer arrive.
            (Sent::Lost, _) => bot.redraw_after(ANSWER_LANDS, message_id),
        }
    }

    /// What a clicked message that one person alone sees shows next. `None`: everybody sees it.
    async fn private_view(&self, bot: &Bot, voter: &Voter, decision: &Decision) -> Option<View> {
        let time_scale = bot.handle.time_scale();
        let notice = text::headline(decision, time_scale);
        if self.asks_alone() {
            return Some(View::words(notice));
        }
        if let Some(walk) = self.walk() {
            let next = walk.at.saturating_add(1);
            return Some(bot.walk(voter, walk.list, walk.revision, next, Some(notice)).await);
        }
        self.is_private()
            .then(|| attention::opened(decision, time_scale, bot.handle.tag(), Some(notice)))
    }

    async fn act(&self, bot: &Bot, act: Control, voter: &Voter) -> Done {
        match act {
            Control::With(id, list, together) => self.with(bot, voter, id, list, together).await,
            Control::Open => self.open(bot, voter).await,
            Control::Page { page, .. } => {
                Done::answer(Response::Update(bot.attention(voter, page).await))
            }
            Control::Grants { page, .. } => {
                Done::answer(Response::Update(bot.grants(voter, page, None).await))
            }
            Control::On(id, seen, verb) => self.act_on(bot, id, seen, verb, voter).await,
        }
    }

    /// An action on one decision, at the revision that the person saw.
    async fn act_on(
        &self,
        bot: &Bot,
        id: DecisionId,
        seen: Revision,
        verb: DecisionAction,
        voter: &Voter,
    ) -> Done {
        let handle = &bot.handle;
        if let Some(sure) = verb.confirmation_verb()
            && let Some(asked) = self.ask_confirmation(bot, id, seen, sure).await
        {
            return asked;
        }
        let result = match verb {
            DecisionAction::Session | DecisionAction::SureSession => {
                let verdict = Verdict::for_session();
                handle.approvals().resolve(id, seen, voter, Via::Discord, verdict).await
            }
            DecisionAction::Approve | DecisionAction::Note | DecisionAction::Sure => {
                let ballot = self.ballot(Verdict::noted(self.note()));
                handle.approvals().resolve(id, seen, voter, Via::Discord, ballot).await
            }
            DecisionAction::Reject => {
                handle.approvals().reject(id, seen, voter, Via::Discord, self.input.text()).await
            }
            DecisionAction::Choose(number) => self.choose(bot, id, seen, Some(number), voter).await,
            DecisionAction::Pick => {
                self.choose(bot, id, seen, self.input.text().parse().ok(), voter).await
            }
            DecisionAction::Answer => {
                let answer = Verdict::answered(self.input.text().trim().to_owned());
                let ballot = self.ballot(answer);
                handle.approvals().resolve(id, seen, voter, Via::Discord, ballot).await
            }
            DecisionAction::Defer | DecisionAction::DeferUntil => {
                match defer::until(bot, self.input.text()) {
                    Some(until) => handle.approvals().defer(id, seen, voter, until).await,
                    None => return Done::words(text::unreadable_time(self.input.text())),
                }
            }
            DecisionAction::Take => handle.approvers().take(id, voter).await,
            DecisionAction::HandOver => self.hand_over(bot, id, voter).await,
            DecisionAction::Undo | DecisionAction::End => handle.approvals().undo(id, voter).await,
            DecisionAction::Grant | DecisionAction::GrantAlone => {
                self.grant(bot, id, seen, voter).await
            }
            DecisionAction::AskTime => return self.ask_time(bot, id, seen, voter).await,
            DecisionAction::AskGrant => return self.ask_grant(bot, id, seen, voter).await,
            DecisionAction::EndListed => return self.end_listed(bot, id, voter).await,
            DecisionAction::Details => return self.details(bot, voter, id).await,
            DecisionAction::Edit(act) => {
                return Box::pin(self.on_edit(bot, id, seen, act, voter)).await;
            }
            DecisionAction::Question(act) => {
                return self.on_questions(bot, id, seen, act, voter).await;
            }
        };
        match result {
            Ok(decision) => self.done(bot, voter, verb, decision),
            Err(error) => {
                self.explain_refusal(bot, voter, Control::On(id, seen, verb), error).await
            }
        }
    }

    /// Asks for a second confirmation of an approval given without reading. `None`: no need to ask.
    async fn ask_confirmation(
        &self,
        bot: &Bot,
        id: DecisionId,
        seen: Revision,
        sure: DecisionAction,
    ) -> Option<Done> {
        let decision = bot.handle.approvals().get(id).await.ok()?;
        decision.check_open_at(seen).ok()?;
        let (guard, now) = (bot.handle.rules().guard, bot.handle.clock().wall());
        let reason = bot
            .shown
            .habits(self.user.id, |habits| habits.confirm_reason(guard, &decision, now))?;
        tracing::info!(decision = id.0, by = %self.user.id, ?reason, "asked once more");
        let sure = CustomId::new(&self.tag(bot), Control::On(id, seen, sure)).to_string();
        let mut view = View::words(text::confirm_hasty_approval(&decision, reason));
        let sure = render::button(sure, ButtonStyle::Danger, &text::confirm_hasty_label(id));
        view.rows.push(CreateActionRow::Buttons(vec![sure]));
        Some(Done::answer(Response::Private(view)))
    }

    /// The store's tag, followed by the position in the list during a review.
    fn tag(&self, bot: &Bot) -> String {
        self.walk().map_or_else(|| bot.handle.tag().to_owned(), |walk| walk.on(bot.handle.tag()))
    }

    /// The revision on the clicked message.
    fn seen(&self) -> Option<Revision> {
        match CustomId::parse(self.custom_id)?.act {
            Control::On(_, seen, _) => Some(seen),
            _ => None,
        }
    }

    fn walk(&self) -> Option<ListPosition> {
        CustomId::parse(self.custom_id)?.walk
    }

    fn ballot(&self, verdict: Verdict) -> Ballot {
        let confirmation = match &self.input {
            Input::Form(fields) => fields.word.clone(),
            _ => None,
        };
        Ballot { verdict, confirmation }
    }

    fn note(&self) -> Option<String> {
        match &self.input {
            Input::Form(fields) => fields.note.clone(),
            _ => None,
        }
    }

    /// All details, visible to the caller only. Needs no permission: everybody in the channel can
    /// read the card anyway. What the card masks is shown only to those who may decide.
    async fn details(&self, bot: &Bot, voter: &Voter, id: DecisionId) -> Done {
        match bot.handle.approvals().get(id).await {
            Ok(decision) => {
                bot.opens(voter, &decision);
                let decides = bot.handle.approvers().is_for(&decision, voter);
                let secrets = if decides { Secrets::Shown } else { Secrets::Masked };
                let card = details_card(&decision, bot.handle.time_scale(), secrets);
                Done::answer(Response::Private(render::card(&card, &decision, bot.handle.tag())))
            }
            Err(error) => self.not_done(bot, Control::Open, error).await,
        }
    }

    async fn hand_over(
        &self,
        bot: &Bot,
        id: DecisionId,
        voter: &Voter,
    ) -> Result<Decision, HandleError> {
        let Input::Person(to) = self.input else {
            return bot.handle.approvers().may_see(id, voter).await;
        };
        bot.hand_over(id, voter, to).await
    }
}

fn answered(decision: &Decision, sent: Sent) -> Sent {
    tracing::debug!(decision = decision.id.0, ?sent, "callback answered");
    sent
}
