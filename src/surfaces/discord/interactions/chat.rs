//! Chat with the bot, in a direct message or by mention.
//!
//! `core::phrase` parses the words; this module executes the command, shows a decision or asks
//! back. Answers go to direct messages only, because waiting decisions are private. A person can
//! decide only a decision that Gander has shown to them.

use serenity::all::{ChannelId, CreateEmbed, CreateEmbedFooter, CreateMessage, Message, UserId};

use super::attention;
use crate::core::decision::authorization::Voter;
use crate::core::decision::{Decision, DecisionId, Verdict};
use crate::presentation::chat::{
    ActionName, ChatAction, ChatRequest, Interpretation, MissingPart, NotCommandReason, Subject,
    SubjectFilter, interpret,
};
use crate::presentation::text;
use crate::surfaces::discord::Bot;
use crate::surfaces::discord::commands;
use crate::surfaces::discord::commands::SearchScope;
use crate::surfaces::discord::connection::error::meaning;
use crate::surfaces::discord::connection::people::Outsider;
use crate::surfaces::discord::rendering::render::View;

/// Decisions listed in an answer: as many as fit on a phone screen with the menu below.
const LISTED: usize = 6;

/// A person's position in the list requested last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ChatPosition {
    of: SubjectFilter,
    /// Number of list entries already shown.
    seen: usize,
}

/// Answers a message addressed to the bot; ignores all others.
pub(crate) async fn answer(bot: &Bot, message: &Message) {
    let me = bot.application.me;
    let direct = message.guild_id.is_none();
    if message.author.bot
        || message.webhook_id.is_some()
        || !(direct || message.mentions_user_id(me))
    {
        return;
    }
    if !bot.shown.may_answer(message.author.id) {
        tracing::warn!(by = %message.author.id, "message is too long to parse; ignored");
        return;
    }
    let (author, guild) = (&message.author, message.guild_id);
    let voter = match bot.application.visitor(&bot.http, &bot.places, guild, author, None).await {
        Ok(voter) => voter,
        // In another server, Gander says nothing at all.
        Err(Outsider::OtherServer) => return,
        Err(outsider) => return reply(bot, message, View::words(outsider.words())).await,
    };
    let words = without_mention(&message.content, me);
    let view = Talk { bot, voter: &voter, person: message.author.id }.answer(&words).await;
    if direct {
        return reply(bot, message, view).await;
    }
    let sent = match message.author.id.create_dm_channel(&bot.http).await {
        Ok(channel) => send(bot, channel.id, view.create()).await,
        Err(error) => Err(error),
    };
    let words = if sent.is_ok() { text::ANSWERED_PRIVATELY } else { text::DIRECT_MESSAGES_CLOSED };
    reply(bot, message, View::words(words)).await;
}

/// Replies to a message in its channel; a failure is logged.
async fn reply(bot: &Bot, message: &Message, view: View) {
    let reply =
        |view: View| send(bot, message.channel_id, view.create().reference_message(message));
    if let Err(error) = view.send_with(reply).await {
        tracing::warn!(by = %message.author.id, "a reply could not be sent: {}", meaning(&error).1);
    }
}

async fn send(bot: &Bot, channel: ChannelId, message: CreateMessage) -> serenity::Result<()> {
    channel.send_message(&bot.http, message).await.map(drop)
}

fn without_mention(content: &str, me: UserId) -> String {
    content
        .replacen(&format!("<@{me}>"), "", 1)
        .replacen(&format!("<@!{me}>"), "", 1)
        .trim()
        .to_owned()
}

/// A message from a person, to be answered.
struct Talk<'a> {
    bot: &'a Bot,
    voter: &'a Voter,
    person: UserId,
}

impl Talk<'_> {
    async fn answer(&self, words: &str) -> View {
        let found = match SearchScope::All.of(self.bot, self.voter).await {
            Ok(found) => found,
            Err(error) => return View::words(text::store_failed(&error.to_string())),
        };
        let subjects: Vec<Subject> = found.iter().map(Subject::from).collect();
        let handle = &self.bot.handle;
        let understood = interpret(words, &subjects, handle.now(), handle.rules().zone);
        tracing::debug!(by = self.voter.person.name, ?understood, "words");
        match understood {
            Interpretation::Attention { of } => self.waiting(ChatPosition { of, seen: 0 }, &found),
            Interpretation::More => match self.bot.shown.place(self.person) {
                Some(place) => self.waiting(place, &found),
                None => self.waiting(ChatPosition::default(), &found),
            },
            Interpretation::Decide { verb, target } => self.decide(&verb, target).await,
            Interpretation::ApproveAll { low, others, .. } => {
                let fits =
                    |id: &DecisionId| found.iter().find(|decision| decision.id == *id).cloned();
                let named: Vec<Decision> = low.iter().filter_map(fits).collect();
                self.bot.preview_named(self.voter, &named, others.len()).await
            }
            Interpretation::Show(id) => self.show(id).await,
            Interpretation::History(id) => {
                commands::all_about(self.bot, self.voter, &id.to_string()).await
            }
            Interpretation::Status => commands::status_of(self.bot, self.voter).await,
            Interpretation::Help => View::words(text::help()),
            Interpretation::Snooze { until: Some(until) } => {
                commands::snoozed(self.bot, &self.voter.person, &until).await
            }
            Interpretation::Snooze { until: None } => {
                View::words(text::preference_rejected(text::SNOOZE_UNTIL))
            }
            Interpretation::Ambiguous { wish, candidates, ambiguity } => {
                self.list(text::ambiguous(act(&wish), ambiguity, &candidates), &candidates, &found)
            }
            Interpretation::NoMatch { act, words, near } => {
                self.list(text::nothing_fits(act, &words, near.len()), &near, &found)
            }
            Interpretation::Missing { act, candidates, part } => {
                self.missing(act, &part, &candidates, &found)
            }
            Interpretation::NotDecided { why, about } => self.not_decided(why, &about, &found),
            Interpretation::NotUnderstood { words } => View::words(text::not_understood(&words)),
        }
    }

    /// Waiting decisions from a position on. Deferred decisions are left out, as in `/attention`.
    fn waiting(&self, place: ChatPosition, found: &[Decision]) -> View {
        let now = self.bot.handle.now();
        let is_pending = |decision: &&Decision| {
            matches!(decision.state, crate::core::decision::State::Pending(_))
        };
        let mut waiting: Vec<Decision> = found
            .iter()
            .filter(is_pending)
            .filter(|decision| place.of.takes(&Subject::from(*decision), now))
            .cloned()
            .collect();
        waiting.sort_by_cached_key(|decision| decision.urgency(now));
        if waiting.is_empty() {
            let words = text::shown(&place.of, 0);
            return View::words(if place.of.is_empty() {
                text::NOTHING_WAITS.to_owned()
            } else {
                words
            });
        }
        let (from, to) = (place.seen, waiting.len().min(place.seen + LISTED));
        if from >= to {
            return View::words(text::NO_MORE);
        }
        let view = self.listed(
            text::shown(&place.of, waiting.len()),
            &waiting[from..to],
            text::part(from, to, waiting.len()),
        );
        self.bot.shown.set_list_position(self.person, ChatPosition { seen: to, ..place });
        view
    }

    /// A list of decisions with a menu to open them. A single decision is opened directly.
    fn list(&self, notice: String, ids: &[DecisionId], found: &[Decision]) -> View {
        let listed: Vec<Decision> = ids
            .iter()
            .filter_map(|id| found.iter().find(|decision| decision.id == *id))
            .take(LISTED)
            .cloned()
            .collect();
        match listed.as_slice() {
            [] => View::words(notice),
            [one] => self.bot.show(self.voter, one, Some(notice)),
            several => {
                let part = text::part(0, several.len(), ids.len());
                self.listed(notice, several, part)
            }
        }
    }

    fn listed(&self, notice: String, listed: &[Decision], part: String) -> View {
        let handle = &self.bot.handle;
        self.bot.shown.record(self.person, listed);
        let lines: Vec<String> = listed
            .iter()
            .map(|decision| text::attention_line(decision, handle.now(), handle.time_scale()))
            .collect();
        let embed = CreateEmbed::new()
            .description(lines.join("\n"))
            .colour(0x58_65F2)
            .footer(CreateEmbedFooter::new(part));
        View {
            content: notice,
            embed: Some(embed),
            rows: vec![attention::open_menu(listed, handle.tag())],
            ..View::default()
        }
    }

    async fn show(&self, id: DecisionId) -> View {
        match self.bot.handle.approvers().may_see(id, self.voter).await {
            Ok(decision) => self.bot.show(self.voter, &decision, None),
            Err(error) => self.bot.not_done(self.voter, id, error).await,
        }
    }

    /// Executes the verb if the person has seen the current revision, by the same rules as the
    /// commands.
    async fn decide(&self, verb: &ChatAction, id: DecisionId) -> View {
        let (bot, voter) = (self.bot, self.voter);
        let view = match verb {
            ChatAction::Undo => commands::undo_by_text(bot, voter, &id.to_string()).await,
            ChatAction::Take => commands::take_by_text(bot, voter, &id.to_string()).await,
            ChatAction::Defer { until } => {
                commands::defer_until(bot, voter, &id.to_string(), *until, None).await
            }
            ChatAction::Approve { note } => self.verdict(id, Verdict::noted(note.clone())).await,
            ChatAction::Reject { reason } => {
                self.verdict(id, Verdict::Rejected { reason: reason.clone() }).await
            }
            ChatAction::Choose { option } => {
                self.verdict(id, Verdict::Chosen { option: option.clone() }).await
            }
            ChatAction::Answer { text } => self.verdict(id, Verdict::answered(text.clone())).await,
        };
        above(text::understood(verb, id), view)
    }

    async fn verdict(&self, id: DecisionId, verdict: Verdict) -> View {
        commands::decide_by_number(self.bot, self.voter, id, verdict).await
    }

    fn missing(
        &self,
        act: ActionName,
        part: &MissingPart,
        candidates: &[DecisionId],
        found: &[Decision],
    ) -> View {
        self.list(text::missing(act, part, candidates), candidates, found)
    }

    fn not_decided(&self, why: NotCommandReason, about: &[DecisionId], found: &[Decision]) -> View {
        self.list(text::not_decided(why), about, found)
    }
}

const fn act(wish: &ChatRequest) -> ActionName {
    match wish {
        ChatRequest::Decide(verb) => verb.act(),
        ChatRequest::History => ActionName::History,
    }
}

/// Puts a line above a view's content.
fn above(line: String, view: View) -> View {
    let content = if view.content.is_empty() { line } else { format!("{line}\n{}", view.content) };
    View { content, ..view }
}
