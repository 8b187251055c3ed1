//! What a click, a choice or a submitted form does.

use serenity::all::{
    ActionRowComponent, ComponentInteraction, ComponentInteractionDataKind, CreateActionRow, CreateInputText, CreateModal,
    InputTextStyle, Member, Message, MessageFlags, ModalInteraction, User,
};

use super::Bot;
use super::attention;
use super::custom_id::{Act, CustomId};
use super::render::{self, View};
use super::respond::{Answer, Responder, SOON, Sent};
use crate::core::card::decision_card;
use crate::core::decision::{Decision, DecisionId, Refused, Revision, Surface};
use crate::core::permission::Voter;
use crate::core::text::{self, label};
use crate::core::when;
use crate::engine::HandleError;

/// After this long an answer has landed or never will: Discord refuses it 3 s after the click.
const ANSWER_LANDS: std::time::Duration = std::time::Duration::from_secs(5);
/// The field of a form.
const FIELD: &str = "text";
/// The longest reason or time that a form takes (Discord: at most 4,000).
const LONGEST_REASON: u16 = 1_000;
const LONGEST_ANSWER: u16 = 4_000;
const LONGEST_TIME: u16 = 60;

/// A click, choice or form, reduced to what matters.
struct Press<'a> {
    user: &'a User,
    member: Option<&'a Member>,
    message: Option<&'a Message>,
    custom_id: &'a str,
    /// The chosen value, or the form's text.
    input: Option<String>,
    is_form: bool,
}

/// What a person's act leads to.
enum Done {
    /// This, at once.
    Answer(Box<Answer>),
    /// The decision changed: the message that was clicked shows it.
    Changed(Box<Decision>),
}

impl Done {
    fn answer(answer: Answer) -> Self {
        Self::Answer(Box::new(answer))
    }

    fn words(words: impl Into<String>) -> Self {
        Self::answer(Answer::Private(View::words(words)))
    }
}

/// Handles a click on a button or a choice from a menu.
pub(super) async fn component(bot: &Bot, interaction: &ComponentInteraction) {
    let input = match &interaction.data.kind {
        ComponentInteractionDataKind::StringSelect { values } => values.first().cloned(),
        _ => None,
    };
    let press = Press {
        user: &interaction.user,
        member: interaction.member.as_ref(),
        message: Some(&interaction.message),
        custom_id: &interaction.data.custom_id,
        input,
        is_form: false,
    };
    press.handle(bot, Responder::new(&bot.http, interaction.id, &interaction.token)).await;
}

/// Handles a submitted form.
pub(super) async fn form(bot: &Bot, interaction: &ModalInteraction) {
    let fields = interaction.data.components.iter().flat_map(|row| &row.components);
    let input = fields.into_iter().find_map(|component| match component {
        ActionRowComponent::InputText(field) if field.custom_id == FIELD => field.value.clone(),
        _ => None,
    });
    let press = Press {
        user: &interaction.user,
        member: interaction.member.as_ref(),
        message: interaction.message.as_deref(),
        custom_id: &interaction.data.custom_id,
        input,
        is_form: true,
    };
    press.handle(bot, Responder::new(&bot.http, interaction.id, &interaction.token)).await;
}

impl Press<'_> {
    async fn handle(&self, bot: &Bot, mut responder: Responder<'_>) {
        let Some(act) = CustomId::parse(self.custom_id).filter(|id| id.tag == bot.handle.tag()).map(|id| id.act) else {
            responder.send(Answer::Private(View::words(text::NOT_OURS))).await;
            return;
        };
        // Taken before anything is committed: else the reconciler draws the same card at the same time, with a request of its own.
        let id = CustomId::new(bot.handle.tag(), act).decision().filter(|_| !self.is_private() && !self.asks_for_form(act));
        let lock = match id {
            Some(id) => bot.deliveries.lock(id).await,
            None => None,
        };
        let voter = bot.application.voter(&bot.http, &bot.places, self.user, self.member);
        let done = if self.asks_for_form(act) {
            // A form can only be the first answer: what takes long is not waited for, the form's own submission is checked again.
            let check = async { self.form(bot, act, &voter.await).await };
            match tokio::time::timeout(SOON, check).await {
                Ok(done) => done,
                Err(_) => Done::answer(Answer::Form(form_for(bot, act, label::DECIDE))),
            }
        } else {
            responder.acknowledging(async { self.act(bot, act, &voter.await).await }).await
        };
        match done {
            Done::Answer(answer) => {
                responder.send(*answer).await;
            }
            Done::Changed(decision) => self.show(bot, responder, *decision, lock.is_some()).await,
        }
    }

    fn asks_for_form(&self, act: Act) -> bool {
        match act {
            Act::Reject(..) | Act::Answer(..) => !self.is_form,
            Act::Defer(..) => !self.is_form && self.input.as_deref() == Some(render::DEFER_TYPED),
            _ => false,
        }
    }

    /// Whether the clicked message is one that only this person sees.
    fn is_private(&self) -> bool {
        self.message.is_some_and(|message| message.flags.is_some_and(|flags| flags.contains(MessageFlags::EPHEMERAL)))
    }

    /// Shows the changed decision where it was clicked.
    async fn show(&self, bot: &Bot, responder: Responder<'_>, decision: Decision, locked: bool) {
        let pace = bot.handle.pace();
        if self.is_private() {
            let notice = Some(text::headline(&decision, pace));
            responder.send(Answer::Update(attention::opened(&decision, pace, bot.handle.tag(), notice))).await;
            return;
        }
        let Some(message) = self.message else { return };
        let message_id = message.id.to_string();
        if !locked {
            // The reconciler works on this card and will leave it true. An answer that draws could land after its last edit
            // and stay, so this one draws nothing.
            responder.send(Answer::Nothing).await;
            return;
        }
        let card = bot.deliveries.clicked(decision.id, &message.channel_id.to_string(), message_id.clone()).await;
        // What stands now, not what stood when the click was handled: the reconciler may have been in between.
        let decision = bot.handle.get(decision.id).await.unwrap_or(decision);
        let view = render::card(&decision_card(&decision, pace), &decision, bot.handle.tag());
        match (responder.send(Answer::Card(view)).await, card) {
            (Sent::Seen, Some(card)) if card.shown < decision.changed => bot.deliveries.drawn(card, &decision).await,
            (Sent::Seen, _) => {}
            // Whether it landed is not known; draw once more when it no longer can.
            (Sent::Lost, _) => bot.redraw_after(ANSWER_LANDS, message_id),
        }
    }

    async fn act(&self, bot: &Bot, act: Act, voter: &Voter) -> Done {
        let result = match act {
            Act::Approve(id, seen) => bot.handle.approve(id, seen, voter, Surface::Discord).await,
            Act::Reject(id, seen) => {
                let reason = self.input.as_deref().unwrap_or_default();
                bot.handle.reject(id, seen, voter, Surface::Discord, reason).await
            }
            Act::Choose(id, seen, number) => self.choose(bot, id, seen, Some(number), voter).await,
            Act::Pick(id, seen) => {
                let number = self.input.as_deref().and_then(|value| value.parse().ok());
                self.choose(bot, id, seen, number, voter).await
            }
            Act::Answer(id, seen) => {
                let text = self.input.as_deref().unwrap_or_default();
                bot.handle.answer(id, seen, voter, Surface::Discord, text).await
            }
            Act::Defer(id, seen) => {
                let input = self.input.as_deref().unwrap_or_default();
                let Some(until) = until(bot, input) else { return Done::words(text::unreadable_time(input)) };
                bot.handle.defer(id, seen, voter, until).await
            }
            Act::Open => return self.open(bot, voter).await,
            Act::Page { page, .. } => return Done::answer(Answer::Update(bot.attention(voter, page).await)),
        };
        match result {
            Ok(decision) => {
                tracing::info!(
                    decision = decision.id.0,
                    by = voter.person.name,
                    state = decision.state.word(),
                    "decided on Discord"
                );
                Done::Changed(Box::new(decision))
            }
            Err(error) => self.not_done(bot, act, error).await,
        }
    }

    /// Chooses by the option's place in the revision that was seen.
    async fn choose(
        &self,
        bot: &Bot,
        id: DecisionId,
        seen: Revision,
        number: Option<u32>,
        voter: &Voter,
    ) -> Result<Decision, HandleError> {
        let decision = bot.handle.get(id).await?;
        let option = number.and_then(|number| decision.request.options.get(usize::try_from(number).ok()?));
        // The content of another revision does not matter: a verdict on what was not seen is refused.
        let name = option.map(|choice| choice.name.clone()).unwrap_or_default();
        bot.handle.choose(id, seen, voter, Surface::Discord, &name).await
    }

    async fn open(&self, bot: &Bot, voter: &Voter) -> Done {
        let id = self.input.as_deref().and_then(|value| value.parse::<DecisionId>().ok());
        let Some(id) = id else { return Done::words(text::NOT_OURS) };
        match bot.handle.may_see(id, voter).await {
            Ok(decision) => {
                let view = attention::opened(&decision, bot.handle.pace(), bot.handle.tag(), None);
                Done::answer(Answer::Update(view))
            }
            Err(error) => self.not_done(bot, Act::Open, error).await,
        }
    }

    /// The form for a reason or a time, unless it would be in vain.
    async fn form(&self, bot: &Bot, act: Act, voter: &Voter) -> Done {
        let (Act::Reject(id, seen) | Act::Answer(id, seen) | Act::Defer(id, seen)) = act else {
            return Done::words(text::NOT_OURS);
        };
        match bot.handle.may_decide(id, seen, voter).await {
            Ok(decision) => {
                let verb = match act {
                    Act::Reject(..) => label::REJECT,
                    Act::Answer(..) => label::ANSWER,
                    _ => label::PUT_OFF,
                };
                Done::answer(Answer::Form(form_for(bot, act, &text::modal_title(verb, &decision))))
            }
            // What cannot be read now is checked when the form is submitted.
            Err(HandleError::Store(_)) => Done::answer(Answer::Form(form_for(bot, act, label::DECIDE))),
            Err(error) => self.not_done(bot, act, error).await,
        }
    }

    /// Why nothing was done, and what to do instead.
    async fn not_done(&self, bot: &Bot, act: Act, error: HandleError) -> Done {
        let pace = bot.handle.pace();
        match error {
            HandleError::Denied(decision, denied) => {
                tracing::info!(decision = decision.id.0, by = %self.user.id, "refused: not an approver");
                Done::words(text::denied(&decision, &denied, bot.application.owner_id()))
            }
            HandleError::Refused(decision, refused) => {
                if let (false, Some(message)) = (self.is_private(), self.message) {
                    // Not awaited: it needs the card's lock, which this click holds.
                    bot.redraw_after(std::time::Duration::ZERO, message.id.to_string());
                }
                match refused {
                    Refused::Outdated { seen, .. } => Done::answer(Answer::Private(outdated(bot, &decision, seen).await)),
                    refused => Done::words(text::refused(&decision, &refused, pace)),
                }
            }
            HandleError::NoSuchDecision(id) => Done::words(text::unknown(id)),
            error => {
                let decision = CustomId::new("", act).decision().map(|id| id.0);
                tracing::error!(decision, %error, "a click could not be carried out");
                Done::words(text::trouble(&error.to_string()))
            }
        }
    }
}

/// What changed since the person looked, and the card as it is now, to be decided on.
async fn outdated(bot: &Bot, decision: &Decision, seen: Revision) -> View {
    let mut notice = text::refused(decision, &Refused::Outdated { seen, current: decision.revision }, bot.handle.pace());
    if let Ok(Some(before)) = bot.handle.request_at(decision.id, seen).await {
        notice = format!("{notice}\n{}", text::changes(&before, &(decision.request.clone(), decision.terms.clone())));
    }
    attention::opened(decision, bot.handle.pace(), bot.handle.tag(), Some(notice))
}

fn until(bot: &Bot, input: &str) -> Option<crate::core::Time> {
    when::parse(input, bot.handle.now(), bot.handle.rules().zone)
}

fn form_for(bot: &Bot, act: Act, title: &str) -> CreateModal {
    let id = CustomId::new(bot.handle.tag(), act).to_string();
    let field = match act {
        Act::Reject(..) => CreateInputText::new(InputTextStyle::Paragraph, label::REASON, FIELD)
            .placeholder(label::REASON_HINT)
            .max_length(LONGEST_REASON),
        Act::Answer(..) => CreateInputText::new(InputTextStyle::Paragraph, label::YOUR_ANSWER, FIELD).max_length(LONGEST_ANSWER),
        _ => CreateInputText::new(InputTextStyle::Short, label::WHEN, FIELD)
            .placeholder(label::DEFER_TYPED_HINT)
            .max_length(LONGEST_TIME),
    };
    CreateModal::new(id, title).components(vec![CreateActionRow::InputText(field.required(true).min_length(1))])
}

impl Bot {
    /// Draws a card once more, after a while.
    fn redraw_after(&self, pause: std::time::Duration, message: String) {
        let deliveries = std::sync::Arc::clone(&self.deliveries);
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            deliveries.redraw(message).await;
        });
    }

    /// A page of what waits on somebody.
    pub(super) async fn attention(&self, voter: &Voter, page: u32) -> View {
        match self.handle.attention(Some(voter)).await {
            Ok(waiting) => attention::list(&waiting, page, self.handle.now(), self.handle.pace(), self.handle.tag(), None),
            Err(error) => View::words(text::trouble(&error.to_string())),
        }
    }
}
