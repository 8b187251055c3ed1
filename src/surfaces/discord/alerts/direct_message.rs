//! Assigns decisions to people, and tells a person the verdict on their question.
//!
//! A verdict is claimed and then told, once: the store records both before they begin, and a
//! process that was killed in between is followed by one that searches for the message, and sends
//! it if it is missing.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serenity::all::{
    ChannelId, CreateAllowedMentions, Mentionable as _, Message, MessageId, UserId,
};

use crate::core::Time;
use crate::core::decision::authorization::Voter;
use crate::core::decision::event::{Event, Logged};
use crate::core::decision::{Decision, DecisionId, Person, Refused, State};
use crate::core::untrusted::only_own_links;
use crate::engine::clock::LONGEST_SLEEP;
use crate::engine::reconciler::CLOCK_DIFFERENCE;
use crate::engine::{EventFilter, HandleError};
use crate::presentation::text;
use crate::surfaces::discord::Bot;
use crate::surfaces::discord::connection::error::{Meaning, meaning};
use crate::surfaces::discord::rendering::render::View;
use crate::surfaces::discord::rendering::search::messages_since;

/// The key of the record in the store of a verdict that is being told.
const RECORD_KEY: &str = "verdict being told";

/// A verdict that is being claimed and told to its requester.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Telling {
    decision: DecisionId,
    /// When this began, by the wall clock.
    at: Time,
}

/// Why verdicts could not be told for now.
#[derive(Debug, thiserror::Error)]
enum NotTold {
    #[error(transparent)]
    Handle(#[from] HandleError),
    #[error("Discord does not show the earlier messages: {0}")]
    Discord(String),
}

impl Bot {
    /// Assigns a decision to another person.
    ///
    /// # Errors
    /// As [`crate::engine::ApproverApi::hand_over`].
    pub(crate) async fn hand_over(
        &self,
        id: DecisionId,
        from: &Voter,
        to: UserId,
    ) -> Result<Decision, HandleError> {
        let application = &self.application;
        let to_voter = match self.http.get_member(application.guild, to).await {
            Ok(member) => {
                application.voter(&self.http, &self.places, &member.user, Some(&member)).await
            }
            Err(error) => {
                tracing::info!(
                    decision = id.0,
                    %to,
                    "cannot notify the assigned person: {}",
                    meaning(&error).1
                );
                let decision = self.handle.approvers().may_see(id, from).await?;
                let who = Person::discord(to.get(), to.to_string());
                return Err(HandleError::Refused(
                    Box::new(decision),
                    Refused::AssigneeMayNotDecide { who },
                ));
            }
        };
        self.handle.approvers().hand_over(id, from, &to_voter).await
    }

    /// Sends a direct message. If direct messages are closed, posts a mention as a reply to the
    /// card. Returns whether either message was sent.
    pub(super) async fn tell(
        &self,
        decision: &Decision,
        to: UserId,
        words: impl Fn(Option<&str>) -> String + Send,
    ) -> bool {
        let card = self.handle.messages().card_of(decision.id).await.ok().flatten();
        let link = card.as_ref().map(|(channel, message)| {
            format!("https://discord.com/channels/{}/{channel}/{message}", self.application.guild)
        });
        let words = words(link.as_deref());
        let direct = async {
            let message = View::words(&words).create();
            to.create_dm_channel(&self.http).await?.id.send_message(&self.http, message).await
        };
        let Err(error) = direct.await else { return true };
        tracing::info!(decision = decision.id.0, %to, "the person's direct messages are closed \
             ({}); mentioning them instead", meaning(&error).1);
        let place = card.and_then(|(channel, message)| {
            Some((channel.parse::<u64>().ok()?, message.parse::<u64>().ok()?))
        });
        let Some((channel, message)) = place else { return false };
        let channel = ChannelId::new(channel);
        let mention = View::words(format!("{} {words}", to.mention()))
            .create()
            .reference_message((channel, MessageId::new(message)))
            .allowed_mentions(CreateAllowedMentions::new().users([to]));
        let sent = channel.send_message(&self.http, mention).await;
        if let Err(error) = &sent {
            tracing::warn!(decision = decision.id.0, %to, "could not notify the person: {}; the \
                 card shows it", meaning(error).1);
        }
        sent.is_ok()
    }

    /// Tells a requester the verdict, and claims the verdict on their behalf, as an agent would.
    async fn notify_requester(&self, id: DecisionId) -> Result<(), NotTold> {
        let decision = self.handle.approvals().get(id).await?;
        let is_new =
            matches!(&decision.state, State::Resolved(resolved) if resolved.claimed_at.is_none());
        if requester(&decision).is_none() || !is_new {
            return Ok(());
        }
        let at = self.handle.clock().wall();
        self.record(Some(Telling { decision: id, at })).await?;
        // Claim before sending, because a reported verdict must not be undone. A rejected claim
        // means an undo a moment ago: nothing to report.
        match self.handle.approvals().claim(id).await {
            Ok(decision) => self.tell_verdict(&decision).await,
            Err(HandleError::Refused(..)) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(self.record(None).await?)
    }

    async fn tell_verdict(&self, decision: &Decision) {
        let (Some(asker), Some(words)) = (requester(decision), self.verdict_words(decision, None))
        else {
            return;
        };
        let told = self.tell(decision, asker, |link| {
            self.verdict_words(decision, link).unwrap_or_else(|| words.clone())
        });
        if !told.await {
            tracing::warn!(
                decision = decision.id.0,
                %asker,
                "could not send the verdict to the person who asked; the card shows it"
            );
        }
    }

    /// The message about a verdict; `None` for a decision without one.
    fn verdict_words(&self, decision: &Decision, link: Option<&str>) -> Option<String> {
        let State::Resolved(resolved) = &decision.state else { return None };
        Some(text::answered_you(decision, resolved, link, self.handle.time_scale()))
    }

    async fn record(&self, telling: Option<Telling>) -> Result<(), HandleError> {
        // Serialisation of two numbers cannot fail.
        let text = telling.and_then(|telling| serde_json::to_string(&telling).ok());
        self.handle.operations().put_memo(RECORD_KEY, text).await
    }

    /// Finishes what a killed process began: searches for the message, and sends a missing one.
    async fn finish_interrupted(&self) -> Result<(), NotTold> {
        let record = self.handle.operations().memo(RECORD_KEY).await?;
        let telling: Option<Telling> = record.and_then(|text| serde_json::from_str(&text).ok());
        let Some(Telling { decision: id, at }) = telling else { return Ok(()) };
        let decision = match self.handle.approvals().get(id).await {
            Err(HandleError::NoSuchDecision(_)) => return Ok(self.record(None).await?),
            decision => decision?,
        };
        match &decision.state {
            State::Resolved(resolved) if resolved.claimed_at.is_some() => {
                if !self.was_told(&decision, at - CLOCK_DIFFERENCE).await? {
                    self.tell_verdict(&decision).await;
                }
                Ok(self.record(None).await?)
            }
            // Not claimed yet, or undone.
            _ => self.notify_requester(id).await,
        }
    }

    /// Whether the requester was told the verdict since this time: in the direct messages, or
    /// beside the card.
    async fn was_told(&self, decision: &Decision, since: Time) -> Result<bool, NotTold> {
        let (Some(asker), Some(words)) = (requester(decision), self.verdict_words(decision, None))
        else {
            return Ok(true);
        };
        let card = self.handle.messages().card_of(decision.id).await.ok().flatten();
        let beside = card.and_then(|(channel, _)| channel.parse().ok()).map(ChannelId::new);
        let mut places: Vec<ChannelId> = beside.into_iter().collect();
        match asker.create_dm_channel(&self.http).await {
            Ok(direct) => places.push(direct.id),
            Err(error) => not_now(&error)?,
        }
        let (me, words) = (self.application.me, only_own_links(&words));
        for place in places {
            // The link to the card may have changed since.
            let is_it =
                |message: &Message| message.author.id == me && message.content.contains(&words);
            match messages_since(&self.http, place, since, is_it).await {
                Ok(found) if !found.is_empty() => return Ok(true),
                Ok(_) => {}
                Err(error) => not_now(&error)?,
            }
        }
        Ok(false)
    }
}

/// The person who asked, if a person asked on Discord.
fn requester(decision: &Decision) -> Option<UserId> {
    decision.request.asked_by.as_ref().and_then(Person::discord_id).map(UserId::new)
}

/// An error that passes: the search is repeated. After any other error nothing can have been sent.
fn not_now(error: &serenity::Error) -> Result<(), NotTold> {
    match meaning(error) {
        (Meaning::Passing | Meaning::Unauthorized, why) => Err(NotTold::Discord(why)),
        _ => Ok(()),
    }
}

/// Number of recent events searched at startup for verdicts not yet reported to their requesters.
const STARTUP_EVENT_WINDOW: u64 = 1_000;

/// Tells people the verdicts on their questions. Never returns.
pub(crate) async fn notify_requesters(bot: Arc<Bot>) {
    let recent = loop {
        match bot.handle.event_log().head().await {
            Ok(head) => break head.seq.saturating_sub(STARTUP_EVENT_WINDOW),
            Err(error) => {
                tracing::warn!(%error, "could not notify the person who asked; \
                     trying again within 15 s");
                tokio::time::sleep(LONGEST_SLEEP).await;
            }
        }
    };
    let mut log = bot.handle.event_log().follow(recent, EventFilter::default());
    loop {
        let before = log.cursor();
        let events = log.next().await;
        if let Err(error) = notify_new_verdicts(&bot, &events).await {
            tracing::warn!(%error, "could not notify the person who asked; \
                 trying again within 15 s");
            log.retry_from(before).await;
        }
    }
}

async fn notify_new_verdicts(bot: &Bot, events: &[Logged]) -> Result<(), NotTold> {
    bot.finish_interrupted().await?;
    for logged in events.iter().filter(|logged| matches!(logged.event, Event::Resolved { .. })) {
        bot.notify_requester(logged.decision).await?;
    }
    Ok(())
}
