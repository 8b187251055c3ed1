//! Handles clicks, menu choices and submitted forms.

use serenity::all::{
    ButtonStyle, ComponentInteraction, ComponentInteractionDataKind, CreateActionRow, CreateModal,
    Member, Message, MessageFlags, ModalInteraction, User, UserId,
};

use super::custom_id::{Act, CustomId, Together, Verb, Walk};
use super::forms::{self, Fields};
use super::render::{self, View};
use super::respond::{Answer, Responder, SOON, Sent};
use super::{Bot, another, attention};
use crate::core::card::{decision_card, details_card};
use crate::core::decision::{
    Ballot, Decision, DecisionId, Person, Refused, Revision, Verdict, Via,
};
use crate::core::permission::Voter;
use crate::core::posting::PostingId;
use crate::core::text;
use crate::core::when;
use crate::engine::HandleError;

/// After this long an answer has arrived or never will: Discord rejects answers 3 s after the
/// click.
const ANSWER_LANDS: std::time::Duration = std::time::Duration::from_secs(5);

/// A click, menu choice or submitted form.
struct Press<'a> {
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
    /// The value chosen from a menu.
    Chosen(String),
    /// The person chosen from a menu.
    Person(UserId),
    /// The fields of a submitted form.
    Form(Fields),
}

impl Input {
    /// The chosen value, or the form's text; empty for other input.
    fn text(&self) -> &str {
        match self {
            Self::Chosen(value) => value,
            Self::Form(fields) => &fields.text,
            Self::Click | Self::Person(_) => "",
        }
    }
}

/// The outcome of an action.
enum Done {
    /// Send this answer.
    Answer(Box<Answer>),
    /// The decision changed: redraw the clicked message.
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
        ComponentInteractionDataKind::StringSelect { values } => {
            values.first().cloned().map(Input::Chosen)
        }
        ComponentInteractionDataKind::UserSelect { values } => {
            values.first().copied().map(Input::Person)
        }
        _ => None,
    };
    let press = Press {
        user: &interaction.user,
        member: interaction.member.as_ref(),
        message: Some(&interaction.message),
        direct: interaction.guild_id.is_none(),
        reminder: interaction.guild_id.is_none() && is_reminder(bot, &interaction.message).await,
        custom_id: &interaction.data.custom_id,
        input: input.unwrap_or(Input::Click),
    };
    press.handle(bot, Responder::new(&bot.http, interaction.id, &interaction.token)).await;
}

/// Handles a submitted form.
pub(super) async fn form(bot: &Bot, interaction: &ModalInteraction) {
    let press = Press {
        user: &interaction.user,
        member: interaction.member.as_ref(),
        message: interaction.message.as_deref(),
        direct: interaction.guild_id.is_none(),
        reminder: match interaction.message.as_deref() {
            Some(message) => interaction.guild_id.is_none() && is_reminder(bot, message).await,
            None => false,
        },
        custom_id: &interaction.data.custom_id,
        input: Input::Form(Fields::of(&interaction.data)),
    };
    press.handle(bot, Responder::new(&bot.http, interaction.id, &interaction.token)).await;
}

/// Whether the reconciler edits this direct message. `false` if the store does not answer in time.
async fn is_reminder(bot: &Bot, message: &Message) -> bool {
    let message = message.id.to_string();
    let found =
        tokio::time::timeout(SOON, bot.handle.store(move |store| store.posting_of(&message))).await;
    matches!(found, Ok(Ok(Some(_))))
}

impl Press<'_> {
    async fn handle(&self, bot: &Bot, mut responder: Responder<'_>) {
        let Some(custom) = CustomId::parse(self.custom_id).filter(|id| another::is_ours(bot, id))
        else {
            responder.send(Answer::Private(View::words(text::NOT_OURS))).await;
            return;
        };
        let act = custom.act;
        tracing::debug!(decision = custom.decision().map(|id| id.0), act = self.custom_id, by = %self.user.id, "click received");
        let voter = bot.application.voter(&bot.http, &bot.places, self.user, self.member);
        if let Act::With(id, list, Together::Approve) = act {
            let voter = responder.acknowledging(voter).await;
            return bot.approve_together(&voter, id, list, responder).await;
        }
        if let Act::On(id, seen, verb) = act
            && let Some(decision) = self.asks_for_form(bot, id, verb).await
        {
            // A form must be the first answer. If the check takes too long, open the form
            // unchecked: the submission is checked again.
            let check = async { self.form(bot, id, seen, verb, &voter.await).await };
            let answer = match tokio::time::timeout(SOON, check).await {
                Ok(answer) => answer,
                Err(_) => Answer::Form(self.form_of(
                    bot,
                    id,
                    seen,
                    self.form_verb(verb),
                    decision.as_deref(),
                )),
            };
            responder.send(answer).await;
            return;
        }
        // Lock before the commit. Without the lock the reconciler would redraw the same card at the
        // same moment with a second request.
        let lock = match act {
            Act::On(id, _, verb) if verb != Verb::Details && !self.is_private() => {
                bot.deliveries.lock(id).await
            }
            _ => None,
        };
        let work = async {
            let voter = voter.await;
            (self.act(bot, act, &voter).await, voter)
        };
        match responder.acknowledging(work).await {
            (Done::Answer(answer), _) => {
                responder.send(*answer).await;
            }
            (Done::Changed(decision), voter) => {
                self.show(bot, responder, &voter, (*decision).clone(), lock.is_some()).await;
                drop(lock);
                if let (Act::On(_, _, Verb::HandOver), Input::Person(to)) = (act, &self.input) {
                    bot.tell_handed_over(&decision, self.user, *to).await;
                }
            }
        }
    }

    /// `Some` if the action needs a form first. The inner value is the decision, if read in time.
    async fn asks_for_form(
        &self,
        bot: &Bot,
        id: DecisionId,
        verb: Verb,
    ) -> Option<Option<Box<Decision>>> {
        let always = match verb {
            _ if matches!(self.input, Input::Form(_)) => return None,
            Verb::Reject | Verb::Answer | Verb::Note => true,
            Verb::Defer if self.input.text() == render::DEFER_TYPED => true,
            // A form only for critical risk, to type the confirmation.
            Verb::Approve | Verb::Choose(_) | Verb::Pick => false,
            Verb::Sure
            | Verb::Session
            | Verb::SureSession
            | Verb::Defer
            | Verb::Take
            | Verb::HandOver
            | Verb::Undo
            | Verb::Details => return None,
        };
        let decision =
            tokio::time::timeout(SOON, bot.handle.enforce(id)).await.ok().and_then(Result::ok);
        let confirms = decision.as_ref().is_some_and(|decision| decision.confirmation().is_some());
        (always || confirms).then(|| decision.map(Box::new))
    }

    /// The verb that the form executes when submitted.
    fn form_verb(&self, verb: Verb) -> Verb {
        match verb {
            Verb::Note => Verb::Approve,
            Verb::Pick => Verb::Choose(self.input.text().parse().unwrap_or(u32::MAX)),
            verb => verb,
        }
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
        let pace = bot.handle.pace();
        if self.reminder {
            // The reconciler redraws this message. An answer with content could arrive after the
            // last edit and overwrite the newer content.
            answered(&decision, responder.send(Answer::Nothing).await);
            return;
        }
        if let Some(walk) = self.walk() {
            let notice = Some(text::headline(&decision, pace));
            let next =
                bot.walk(voter, walk.list, walk.revision, walk.at.saturating_add(1), notice).await;
            answered(&decision, responder.send(Answer::Update(next)).await);
            return;
        }
        if self.is_private() {
            let notice = Some(text::headline(&decision, pace));
            answered(
                &decision,
                responder
                    .send(Answer::Update(attention::opened(
                        &decision,
                        pace,
                        bot.handle.tag(),
                        notice,
                    )))
                    .await,
            );
            return;
        }
        let Some(message) = self.message else { return };
        let message_id = message.id.to_string();
        if !locked {
            // The reconciler holds the card's lock and will redraw the card. An answer with content
            // could arrive after the last edit and overwrite the newer content.
            answered(&decision, responder.send(Answer::Nothing).await);
            return;
        }
        let card = bot
            .deliveries
            .clicked(decision.id, &message.channel_id.to_string(), message_id.clone())
            .await;
        // Read the decision again: the reconciler may have changed the card since the click.
        let decision = bot.handle.get(decision.id).await.unwrap_or(decision);
        let view = render::card(&decision_card(&decision, pace), &decision, bot.handle.tag());
        match (answered(&decision, responder.send(Answer::Card(view)).await), card) {
            (Sent::Seen, Some(card)) if card.shown < decision.changed => {
                bot.deliveries.drawn(card, &decision).await
            }
            (Sent::Seen, _) => {}
            // The answer may or may not have arrived. Redraw once an answer can no longer arrive.
            (Sent::Lost, _) => bot.redraw_after(ANSWER_LANDS, message_id),
        }
    }

    async fn act(&self, bot: &Bot, act: Act, voter: &Voter) -> Done {
        let (id, seen, verb) = match act {
            Act::With(id, list, together) => {
                return self.with(bot, voter, id, list, together).await;
            }
            Act::Open => return self.open(bot, voter).await,
            Act::Page { page, .. } => {
                return Done::answer(Answer::Update(bot.attention(voter, page).await));
            }
            Act::On(id, seen, verb) => (id, seen, verb),
        };
        let handle = &bot.handle;
        if let Some(sure) = verb.if_sure()
            && let Some(asked) = self.ask_once_more(bot, id, seen, sure).await
        {
            return asked;
        }
        let result = match verb {
            Verb::Session | Verb::SureSession => {
                handle.resolve(id, seen, voter, Via::Discord, Verdict::for_session()).await
            }
            Verb::Approve | Verb::Note | Verb::Sure => {
                handle
                    .resolve(
                        id,
                        seen,
                        voter,
                        Via::Discord,
                        self.ballot(Verdict::noted(self.note())),
                    )
                    .await
            }
            Verb::Reject => handle.reject(id, seen, voter, Via::Discord, self.input.text()).await,
            Verb::Choose(number) => self.choose(bot, id, seen, Some(number), voter).await,
            Verb::Pick => self.choose(bot, id, seen, self.input.text().parse().ok(), voter).await,
            Verb::Answer => handle.answer(id, seen, voter, Via::Discord, self.input.text()).await,
            Verb::Defer => match until(bot, self.input.text()) {
                Some(until) => handle.defer(id, seen, voter, until).await,
                None => return Done::words(text::unreadable_time(self.input.text())),
            },
            Verb::Take => handle.take(id, voter).await,
            Verb::HandOver => self.hand_over(bot, id, voter).await,
            Verb::Undo => handle.undo(id, voter).await,
            Verb::Details => return self.details(bot, voter, id).await,
        };
        match result {
            Ok(decision) => {
                if verb.approves() {
                    bot.shown
                        .approved(self.user.id, matches!(verb, Verb::Sure | Verb::SureSession));
                }
                tracing::info!(decision = id.0, by = voter.person.name, %verb, state = decision.state.word(), "done on Discord");
                Done::Changed(Box::new(decision))
            }
            Err(error) => match self.walk() {
                Some(walk) => self.not_done_on_the_way(bot, voter, act, walk, error).await,
                None => self.not_done(bot, act, error).await,
            },
        }
    }

    /// Like `not_done`, during a review of a list: skips a closed decision, shows a changed
    /// decision again.
    async fn not_done_on_the_way(
        &self,
        bot: &Bot,
        voter: &Voter,
        act: Act,
        walk: Walk,
        error: HandleError,
    ) -> Done {
        let HandleError::Refused(decision, refused) = error else {
            return self.not_done(bot, act, error).await;
        };
        let mut notice = text::refused(&decision, &refused, bot.handle.pace());
        let view = match refused {
            Refused::Outdated { seen, .. } => {
                if let Ok(Some(before)) = bot.handle.request_at(decision.id, seen).await {
                    notice = format!(
                        "{notice}\n{}",
                        text::changes(&before, &(decision.request.clone(), decision.terms.clone()))
                    );
                }
                bot.step(voter, &decision, walk, notice)
            }
            _ if decision.state.is_open() => bot.step(voter, &decision, walk, notice),
            _ => {
                bot.walk(voter, walk.list, walk.revision, walk.at.saturating_add(1), Some(notice))
                    .await
            }
        };
        Done::answer(Answer::Update(view))
    }

    /// An action on a list. Only the caller sees the result.
    async fn with(
        &self,
        bot: &Bot,
        voter: &Voter,
        id: PostingId,
        list: u32,
        together: Together,
    ) -> Done {
        let view = match together {
            Together::Disagree(_) => return self.disagree(bot, voter).await,
            Together::Now => return Done::answer(Answer::Private(bot.digest(1).await)),
            Together::Look | Together::Approve => bot.look_together(voter, id, list).await,
            Together::Walk(at) => bot.walk(voter, id, list, at, None).await,
            Together::Open(_) => return self.open(bot, voter).await,
            Together::Parts => match self.input.text().parse() {
                Ok(from) => bot.part(voter, id, from).await,
                Err(_) => View::words(text::NO_SUCH_LIST),
            },
            Together::Part(from) => bot.part(voter, id, DecisionId(from.into())).await,
            Together::Hush => bot.hush(voter).await,
        };
        Done::answer(if self.is_private() { Answer::Update(view) } else { Answer::Private(view) })
    }

    /// Asks for a second confirmation of an approval given without reading. `None`: no need to ask.
    async fn ask_once_more(
        &self,
        bot: &Bot,
        id: DecisionId,
        seen: Revision,
        sure: Verb,
    ) -> Option<Done> {
        let decision = bot.handle.get(id).await.ok()?;
        decision.must_be_open_at(seen).ok()?;
        let doubt = bot.shown.doubt(
            self.user.id,
            bot.handle.rules().guard,
            &decision,
            bot.handle.clock().wall(),
        )?;
        tracing::info!(decision = id.0, by = %self.user.id, ?doubt, "asked once more");
        let sure = CustomId::new(&self.tag(bot), Act::On(id, seen, sure)).to_string();
        let mut view = View::words(text::really(&decision, doubt));
        let sure = render::button(sure, ButtonStyle::Danger, &text::really_label(id));
        view.rows.push(CreateActionRow::Buttons(vec![sure]));
        Some(Done::answer(Answer::Private(view)))
    }

    /// The store's tag, followed by the position in the list during a review.
    fn tag(&self, bot: &Bot) -> String {
        self.walk().map_or_else(|| bot.handle.tag().to_owned(), |walk| walk.on(bot.handle.tag()))
    }

    fn walk(&self) -> Option<Walk> {
        CustomId::parse(self.custom_id)?.walk
    }

    /// Records disagreement with an automatic approval. The reconciler edits the review message.
    async fn disagree(&self, bot: &Bot, voter: &Voter) -> Done {
        let Ok(id) = self.input.text().parse::<DecisionId>() else {
            return Done::words(text::NOT_OURS);
        };
        match bot.handle.disagree(id, voter).await {
            Ok((decision, again)) => {
                tracing::info!(
                    decision = id.0,
                    by = voter.person.name,
                    state = decision.state.word(),
                    "disagreed with"
                );
                Done::words(text::you_disagree(&decision, again, bot.handle.pace()))
            }
            Err(error) => self.not_done(bot, Act::Open, error).await,
        }
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
    /// read the card anyway.
    async fn details(&self, bot: &Bot, voter: &Voter, id: DecisionId) -> Done {
        match bot.handle.get(id).await {
            Ok(decision) => {
                bot.opens(voter, &decision);
                let card = details_card(&decision, bot.handle.pace());
                Done::answer(Answer::Private(render::card(&card, &decision, bot.handle.tag())))
            }
            Err(error) => self.not_done(bot, Act::Open, error).await,
        }
    }

    async fn hand_over(
        &self,
        bot: &Bot,
        id: DecisionId,
        voter: &Voter,
    ) -> Result<Decision, HandleError> {
        let Input::Person(to) = self.input else { return bot.handle.may_see(id, voter).await };
        bot.hand_over(id, voter, to).await
    }

    /// Chooses an option by position in the revision that the person saw.
    async fn choose(
        &self,
        bot: &Bot,
        id: DecisionId,
        seen: Revision,
        number: Option<u32>,
        voter: &Voter,
    ) -> Result<Decision, HandleError> {
        let decision = bot.handle.get(id).await?;
        let option =
            number.and_then(|number| decision.request.options.get(usize::try_from(number).ok()?));
        // The option may come from a newer revision. No harm: a verdict on an outdated revision is
        // rejected.
        let option = option.map(|choice| choice.name.clone()).unwrap_or_default();
        bot.handle
            .resolve(id, seen, voter, Via::Discord, self.ballot(Verdict::Chosen { option }))
            .await
    }

    async fn open(&self, bot: &Bot, voter: &Voter) -> Done {
        let Ok(id) = self.input.text().parse::<DecisionId>() else {
            return Done::words(text::NOT_OURS);
        };
        match bot.handle.may_see(id, voter).await {
            Ok(decision) => {
                let view = bot.show(voter, &decision, None);
                Done::answer(if self.is_private() {
                    Answer::Update(view)
                } else {
                    Answer::Private(view)
                })
            }
            // Everybody in the channel can read the card anyway.
            Err(HandleError::Denied(..)) if !self.is_private() => {
                self.details(bot, voter, id).await
            }
            Err(error) => self.not_done(bot, Act::Open, error).await,
        }
    }

    /// The form, or the reason why a verdict would be rejected.
    async fn form(
        &self,
        bot: &Bot,
        id: DecisionId,
        seen: Revision,
        verb: Verb,
        voter: &Voter,
    ) -> Answer {
        let verb = self.form_verb(verb);
        match bot.handle.may_decide(id, seen, voter).await {
            Ok(decision) => Answer::Form(self.form_of(bot, id, seen, verb, Some(&decision))),
            // The submission is checked again.
            Err(HandleError::Store(_)) => Answer::Form(self.form_of(bot, id, seen, verb, None)),
            Err(error) => match self.not_done(bot, Act::On(id, seen, verb), error).await {
                Done::Answer(answer) => *answer,
                Done::Changed(_) => Answer::Nothing,
            },
        }
    }

    /// The form, prefilled with this person's proposal from elsewhere.
    fn form_of(
        &self,
        bot: &Bot,
        id: DecisionId,
        seen: Revision,
        verb: Verb,
        decision: Option<&Decision>,
    ) -> CreateModal {
        let person = Person::discord(self.user.id.get(), "").id;
        let wanted = decision
            .and_then(|decision| decision.proposal_of(&person))
            .map(|proposal| &proposal.verdict);
        forms::form(&self.tag(bot), id, seen, verb, decision, wanted)
    }

    /// Explains why the action failed, and the remedy.
    async fn not_done(&self, bot: &Bot, act: Act, error: HandleError) -> Done {
        let pace = bot.handle.pace();
        match error {
            HandleError::Denied(decision, denied) => {
                tracing::info!(decision = decision.id.0, by = %self.user.id, "refused: not an approver");
                Done::words(text::denied(&decision, &denied, bot.application.owner_id()))
            }
            HandleError::Refused(decision, refused) => {
                if let (false, Some(message)) = (self.is_private(), self.message) {
                    // Not awaited: the redraw needs the card's lock, held by this click.
                    bot.redraw_after(std::time::Duration::ZERO, message.id.to_string());
                }
                match refused {
                    Refused::Outdated { seen, .. } => {
                        Done::answer(Answer::Private(outdated(bot, &decision, seen).await))
                    }
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

fn answered(decision: &Decision, sent: Sent) -> Sent {
    tracing::debug!(decision = decision.id.0, ?sent, "callback answered");
    sent
}

/// Shows the changes since the seen revision, above the current card.
pub(super) async fn outdated(bot: &Bot, decision: &Decision, seen: Revision) -> View {
    let mut notice = text::refused(
        decision,
        &Refused::Outdated { seen, current: decision.revision },
        bot.handle.pace(),
    );
    if let Ok(Some(before)) = bot.handle.request_at(decision.id, seen).await {
        notice = format!(
            "{notice}\n{}",
            text::changes(&before, &(decision.request.clone(), decision.terms.clone()))
        );
    }
    attention::opened(decision, bot.handle.pace(), bot.handle.tag(), Some(notice))
}

fn until(bot: &Bot, input: &str) -> Option<crate::core::Time> {
    when::parse(input, bot.handle.now(), bot.handle.rules().zone)
}

impl Bot {
    /// Redraws a card after a delay.
    fn redraw_after(&self, pause: std::time::Duration, message: String) {
        let deliveries = std::sync::Arc::clone(&self.deliveries);
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            deliveries.redraw(message).await;
        });
    }
}
