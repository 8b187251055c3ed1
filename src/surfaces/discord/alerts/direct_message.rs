//! Tells a person about an assigned decision, or about the verdict on their question.
//!
//! Best effort: the card shows the same information, so a lost message loses nothing.

use std::sync::Arc;

use serenity::all::{
    ChannelId, CreateAllowedMentions, CreateMessage, Mentionable as _, MessageId, User, UserId,
};

use crate::core::decision::authorization::Voter;
use crate::core::decision::event::{Event, Logged};
use crate::core::decision::{Decision, DecisionId, Person, Refused, State};
use crate::engine::clock::LONGEST_SLEEP;
use crate::engine::{EventFilter, HandleError};
use crate::presentation::text;
use crate::surfaces::discord::Bot;
use crate::surfaces::discord::connection::error::meaning;

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

    /// Tells `to` about the assignment, unless `from` assigned the decision to themselves.
    pub(crate) async fn notify_assignee(&self, decision: &Decision, from: &User, to: UserId) {
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
        let card = self.handle.messages().card_of(decision.id).await.ok().flatten();
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
        tracing::info!(decision = decision.id.0, %to, "the person's direct messages are closed \
             ({}); mentioning them instead", meaning(&error).1);
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
            tracing::warn!(decision = decision.id.0, %to, "could not notify the person: {}; the \
                 card shows it", meaning(error).1);
        }
        sent.is_ok()
    }

    /// Tells a requester the verdict, and claims the verdict on their behalf, as an agent would.
    async fn notify_requester(&self, id: DecisionId) -> Result<(), HandleError> {
        let decision = self.handle.approvals().get(id).await?;
        let asker = decision.request.asked_by.as_ref().and_then(Person::discord_id);
        let is_new =
            matches!(&decision.state, State::Resolved(resolved) if resolved.claimed_at.is_none());
        let (Some(asker), true) = (asker, is_new) else { return Ok(()) };
        // Claim before sending, because a reported verdict must not be undone. A rejected claim
        // means an undo a moment ago: nothing to report.
        let decision = match self.handle.approvals().claim(id).await {
            Ok(decision) => decision,
            Err(HandleError::Refused(..)) => return Ok(()),
            Err(error) => return Err(error),
        };
        let State::Resolved(resolved) = &decision.state else { return Ok(()) };
        let time_scale = self.handle.time_scale();
        if !self
            .tell(&decision, UserId::new(asker), |link| {
                text::answered_you(&decision, resolved, link, time_scale)
            })
            .await
        {
            tracing::warn!(
                decision = id.0,
                asker,
                "could not send the verdict to the person who asked; the card shows it"
            );
        }
        Ok(())
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

async fn notify_new_verdicts(bot: &Bot, events: &[Logged]) -> Result<(), HandleError> {
    for logged in events.iter().filter(|logged| matches!(logged.event, Event::Resolved { .. })) {
        bot.notify_requester(logged.decision).await?;
    }
    Ok(())
}
