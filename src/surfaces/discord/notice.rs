//! Tells a person about an assigned decision, or about the verdict on their question.
//!
//! Best effort: the card shows the same information, so a lost message loses nothing.

use std::sync::Arc;

use serenity::all::{
    ChannelId, CreateAllowedMentions, CreateMessage, Mentionable as _, MessageId, User, UserId,
};

use super::Bot;
use super::error::meaning;
use crate::core::decision::{Decision, DecisionId, Person, Refused, State};
use crate::core::event::Event;
use crate::core::permission::Voter;
use crate::core::text;
use crate::engine::HandleError;
use crate::engine::clock::LONGEST_SLEEP;

impl Bot {
    /// Assigns a decision to another person.
    ///
    /// # Errors
    /// As [`crate::engine::Handle::hand_over`].
    pub(super) async fn hand_over(
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
                tracing::info!(decision = id.0, %to, "cannot be handed to them: {}", meaning(&error).1);
                let decision = self.handle.may_see(id, from).await?;
                let who = Person::discord(to.get(), to.to_string());
                return Err(HandleError::Refused(Box::new(decision), Refused::NotTheirs { who }));
            }
        };
        self.handle.hand_over(id, from, &to_voter).await
    }

    /// Tells `to` about the assignment, unless `from` assigned the decision to themselves.
    pub(super) async fn tell_handed_over(&self, decision: &Decision, from: &User, to: UserId) {
        if from.id != to {
            self.tell(decision, to, |link| {
                text::handed_to_you(decision, from.display_name(), link)
            })
            .await;
        }
    }

    /// Sends a direct message. If direct messages are closed, posts a mention as a reply to the
    /// card. Returns whether either message was sent.
    async fn tell(
        &self,
        decision: &Decision,
        to: UserId,
        words: impl Fn(Option<&str>) -> String + Send,
    ) -> bool {
        let card = self.handle.card_of(decision.id).await.ok().flatten();
        let link = card.as_ref().map(|(channel, message)| {
            format!("https://discord.com/channels/{}/{channel}/{message}", self.application.guild)
        });
        let words = words(link.as_deref());
        let direct = async {
            let message =
                CreateMessage::new().content(&words).allowed_mentions(CreateAllowedMentions::new());
            to.create_dm_channel(&self.http).await?.id.send_message(&self.http, message).await
        };
        let Err(error) = direct.await else { return true };
        tracing::info!(decision = decision.id.0, %to, "their direct messages are closed to the bot ({}); mentioned instead", meaning(&error).1);
        let place = card.and_then(|(channel, message)| {
            Some((channel.parse::<u64>().ok()?, message.parse::<u64>().ok()?))
        });
        let Some((channel, message)) = place else { return false };
        let channel = ChannelId::new(channel);
        let mention = CreateMessage::new()
            .content(format!("{} {words}", to.mention()))
            .reference_message((channel, MessageId::new(message)))
            .allowed_mentions(CreateAllowedMentions::new().users([to]));
        let sent = channel.send_message(&self.http, mention).await;
        if let Err(error) = &sent {
            tracing::warn!(decision = decision.id.0, %to, "they could not be told: {}; the card says it", meaning(error).1);
        }
        sent.is_ok()
    }

    /// Tells a requester the verdict, and claims the verdict on their behalf, as an agent would.
    async fn tell_asker(&self, id: DecisionId) -> Result<(), HandleError> {
        let decision = self.handle.get(id).await?;
        let asker = decision.request.asked_by.as_ref().and_then(Person::discord_id);
        let is_new =
            matches!(&decision.state, State::Resolved(resolved) if resolved.claimed_at.is_none());
        let (Some(asker), true) = (asker, is_new) else { return Ok(()) };
        // Claim before sending, because a reported verdict must not be undone. A rejected claim
        // means an undo a moment ago: nothing to report.
        let decision = match self.handle.claim(id).await {
            Ok(decision) => decision,
            Err(HandleError::Refused(..)) => return Ok(()),
            Err(error) => return Err(error),
        };
        let State::Resolved(resolved) = &decision.state else { return Ok(()) };
        let pace = self.handle.pace();
        if !self
            .tell(&decision, UserId::new(asker), |link| {
                text::answered_you(&decision, resolved, link, pace)
            })
            .await
        {
            tracing::warn!(
                decision = id.0,
                asker,
                "who asked could not be told the verdict; the card shows it"
            );
        }
        Ok(())
    }
}

/// Number of recent events searched at startup for verdicts not yet reported to their requesters.
const LOOKED_BACK: u64 = 1_000;

/// Tells people the verdicts on their questions. Never returns.
pub(super) async fn tell_askers(bot: Arc<Bot>) {
    let mut hints = bot.handle.hints();
    let mut cursor = None;
    loop {
        hints.mark_unchanged();
        if let Err(error) = tell_new(&bot, &mut cursor).await {
            tracing::warn!(%error, "who asked could not be told; trying again within 15 s");
        }
        // Wake on a change or for the next retry. The handle owns the sender, so the channel cannot
        // close.
        let _ = tokio::time::timeout(LONGEST_SLEEP, hints.changed()).await;
    }
}

async fn tell_new(bot: &Bot, cursor: &mut Option<u64>) -> Result<(), HandleError> {
    let mut position = match *cursor {
        Some(position) => position,
        None => bot.handle.head().await?.seq.saturating_sub(LOOKED_BACK),
    };
    loop {
        let events = bot.handle.events(position, 500).await?;
        let Some(last) = events.last() else { return Ok(()) };
        for logged in events.iter().filter(|logged| matches!(logged.event, Event::Resolved { .. }))
        {
            bot.tell_asker(logged.decision).await?;
        }
        position = last.seq;
        *cursor = Some(position);
    }
}
