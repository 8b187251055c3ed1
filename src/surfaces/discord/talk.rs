//! Chat with the bot, in a direct message or by mention.
//!
//! `core::phrase` parses the words; this module executes the command, shows a decision or asks
//! back. Answers go to direct messages only, because waiting decisions are private. A person can
//! decide only a decision that Gander has shown to them.

use serenity::all::{
    ChannelId, CreateAllowedMentions, CreateEmbed, CreateEmbedFooter, CreateMessage, Message,
    UserId,
};

use super::commands::{self, Among};
use super::error::meaning;
use super::render::View;
use super::{Bot, attention};
use crate::core::decision::{Decision, DecisionId, Verdict};
use crate::core::permission::Voter;
use crate::core::phrase::{
    Act, Filter, Part, Reluctance, Subject, Understood, Verb, Wish, understand,
};
use crate::core::text;

/// Decisions listed in an answer: as many as fit on a phone screen with the menu below.
const LISTED: usize = 6;

/// A person's position in the list requested last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Place {
    of: Filter,
    /// Number of list entries already shown.
    seen: usize,
}

/// Answers a message addressed to the bot; ignores all others.
pub(super) async fn answer(bot: &Bot, message: &Message) {
    let me = bot.application.me;
    let direct = message.guild_id.is_none();
    if message.author.bot
        || message.webhook_id.is_some()
        || !(direct || message.mentions_user_id(me))
    {
        return;
    }
    if !bot.shown.hears(message.author.id) {
        tracing::warn!(by = %message.author.id, "says more than is answered");
        return;
    }
    let words = without_mention(&message.content, me);
    let voter = bot.application.voter(&bot.http, &bot.places, &message.author, None).await;
    let view = Talk { bot, voter: &voter, person: message.author.id }.answer(&words).await;
    if direct {
        if let Err(error) =
            send(bot, message.channel_id, view.create().reference_message(message)).await
        {
            tracing::warn!(
                by = voter.person.name,
                "an answer in words was not taken: {}",
                meaning(&error).1
            );
        }
        return;
    }
    let sent = match message.author.id.create_dm_channel(&bot.http).await {
        Ok(channel) => send(bot, channel.id, view.create()).await,
        Err(error) => Err(error),
    };
    let words = if sent.is_ok() { text::ANSWERED_PRIVATELY } else { text::DIRECT_MESSAGES_CLOSED };
    let note = CreateMessage::new()
        .content(words)
        .reference_message(message)
        .allowed_mentions(CreateAllowedMentions::new());
    if let Err(error) = send(bot, message.channel_id, note).await {
        tracing::warn!(
            by = voter.person.name,
            "an answer in words was not taken: {}",
            meaning(&error).1
        );
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
        let found = match Among::All.of(self.bot, self.voter).await {
            Ok(found) => found,
            Err(error) => return View::words(text::trouble(&error.to_string())),
        };
        let subjects: Vec<Subject> = found.iter().map(Subject::from).collect();
        let handle = &self.bot.handle;
        let understood = understand(words, &subjects, handle.now(), handle.rules().zone);
        tracing::debug!(by = self.voter.person.name, ?understood, "words");
        match understood {
            Understood::Attention { of } => self.waiting(Place { of, seen: 0 }, &found),
            Understood::More => match self.bot.shown.place(self.person) {
                Some(place) => self.waiting(place, &found),
                None => self.waiting(Place::default(), &found),
            },
            Understood::Decide { verb, target } => self.decide(&verb, target).await,
            Understood::ApproveAll { low, others, .. } => {
                let fits =
                    |id: &DecisionId| found.iter().find(|decision| decision.id == *id).cloned();
                let named: Vec<Decision> = low.iter().filter_map(fits).collect();
                self.bot.offer_named(self.voter, &named, others.len()).await
            }
            Understood::Show(id) => self.show(id).await,
            Understood::History(id) => {
                commands::all_about(self.bot, self.voter, &id.to_string()).await
            }
            Understood::Status => commands::status_of(self.bot, self.voter).await,
            Understood::Help => View::words(text::help()),
            Understood::Snooze { until: Some(until) } => {
                commands::snoozed(self.bot, &self.voter.person, &until).await
            }
            Understood::Snooze { until: None } => View::words(text::not_set(text::SNOOZE_UNTIL)),
            Understood::Ambiguous { wish, candidates, doubt } => {
                self.list(text::doubt(act(&wish), doubt, &candidates), &candidates, &found)
            }
            Understood::NothingFits { act, words, near } => {
                self.list(text::nothing_fits(act, &words, near.len()), &near, &found)
            }
            Understood::Missing { act, candidates, part } => {
                self.missing(act, &part, &candidates, &found)
            }
            Understood::NotDecided { why, about } => self.not_decided(why, &about, &found),
            Understood::NotUnderstood { words } => View::words(text::not_understood(&words)),
        }
    }

    /// Waiting decisions from a position on. Deferred decisions are left out, as in `/attention`.
    fn waiting(&self, place: Place, found: &[Decision]) -> View {
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
        self.bot.shown.put_place(self.person, Place { seen: to, ..place });
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
            .map(|decision| text::attention_line(decision, handle.now(), handle.pace()))
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
        match self.bot.handle.may_see(id, self.voter).await {
            Ok(decision) => self.bot.show(self.voter, &decision, None),
            Err(error) => self.bot.not_done(self.voter, id, error).await,
        }
    }

    /// Executes the verb if the person has seen the current revision, by the same rules as the
    /// commands.
    async fn decide(&self, verb: &Verb, id: DecisionId) -> View {
        let (bot, voter) = (self.bot, self.voter);
        let view = match verb {
            Verb::Undo => commands::take_back(bot, voter, &id.to_string()).await,
            Verb::Take => commands::take_on(bot, voter, &id.to_string()).await,
            Verb::Defer { until } => {
                commands::put_off_until(bot, voter, &id.to_string(), *until, None).await
            }
            Verb::Approve { note } => self.verdict(id, Verdict::noted(note.clone())).await,
            Verb::Reject { reason } => {
                self.verdict(id, Verdict::Rejected { reason: reason.clone() }).await
            }
            Verb::Choose { option } => {
                self.verdict(id, Verdict::Chosen { option: option.clone() }).await
            }
            Verb::Answer { text } => {
                self.verdict(id, Verdict::Answered { text: text.clone() }).await
            }
        };
        above(text::understood(verb, id), view)
    }

    async fn verdict(&self, id: DecisionId, verdict: Verdict) -> View {
        commands::decide_by_number(self.bot, self.voter, id, verdict).await
    }

    fn missing(
        &self,
        act: Act,
        part: &Part,
        candidates: &[DecisionId],
        found: &[Decision],
    ) -> View {
        self.list(text::missing(act, part, candidates), candidates, found)
    }

    fn not_decided(&self, why: Reluctance, about: &[DecisionId], found: &[Decision]) -> View {
        self.list(text::not_decided(why), about, found)
    }
}

const fn act(wish: &Wish) -> Act {
    match wish {
        Wish::Decide(verb) => verb.act(),
        Wish::History => Act::History,
    }
}

/// Puts a line above a view's content.
fn above(line: String, view: View) -> View {
    let content = if view.content.is_empty() { line } else { format!("{line}\n{}", view.content) };
    View { content, ..view }
}
