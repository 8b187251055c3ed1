//! Telling a person that something is theirs now.
//!
//! A convenience beside the card, which says the same: nothing is lost if it does not arrive.

use serenity::all::{CreateAllowedMentions, CreateMessage, Mentionable as _, MessageId, User, UserId};

use super::Bot;
use super::error::meaning;
use crate::core::decision::{Decision, DecisionId, Refused};
use crate::core::permission::Voter;
use crate::core::text;
use crate::engine::HandleError;

impl Bot {
    /// Hands a decision to somebody.
    ///
    /// # Errors
    /// As [`crate::engine::Handle::hand_over`].
    pub(super) async fn hand_over(&self, id: DecisionId, from: &Voter, to: UserId) -> Result<Decision, HandleError> {
        let application = &self.application;
        let to_voter = match self.http.get_member(application.guild, to).await {
            Ok(member) => application.voter(&self.http, &self.places, &member.user, Some(&member)).await,
            Err(error) => {
                tracing::info!(decision = id.0, %to, "cannot be handed to them: {}", meaning(&error).1);
                let decision = self.handle.may_see(id, from).await?;
                let who = crate::core::decision::Person::discord(to.get(), to.to_string());
                return Err(HandleError::Refused(Box::new(decision), Refused::NotTheirs { who }));
            }
        };
        self.handle.hand_over(id, from, &to_voter).await
    }

    /// By direct message; where those are closed, by a mention under the card.
    pub(super) async fn tell_handed_over(&self, decision: &Decision, from: &User, to: UserId) {
        if from.id == to {
            return;
        }
        let card = self.handle.card_of(decision.id).await.ok().flatten();
        let link = card
            .as_ref()
            .map(|(channel, message)| format!("https://discord.com/channels/{}/{channel}/{message}", self.application.guild));
        let words = text::handed_to_you(decision, from.display_name(), link.as_deref());
        let direct = async {
            let channel = to.create_dm_channel(&self.http).await?;
            channel
                .id
                .send_message(&self.http, CreateMessage::new().content(&words).allowed_mentions(CreateAllowedMentions::new()))
                .await
        };
        let Err(error) = direct.await else { return };
        tracing::info!(decision = decision.id.0, %to, "their direct messages are closed to the bot ({}); mentioned instead", meaning(&error).1);
        let Some((channel, message)) = card else { return };
        let (Ok(channel), Ok(message)) = (channel.parse::<u64>(), message.parse::<u64>()) else { return };
        let (channel, message) = (serenity::all::ChannelId::new(channel), MessageId::new(message));
        let mention = CreateMessage::new()
            .content(format!("{} {words}", to.mention()))
            .reference_message((channel, message))
            .allowed_mentions(CreateAllowedMentions::new().users([to]));
        if let Err(error) = channel.send_message(&self.http, mention).await {
            tracing::warn!(decision = decision.id.0, %to, "they could not be told: {}; the card says it", meaning(&error).1);
        }
    }
}
