//! The content of a message, by purpose.

use super::batch::batch_card;
use super::card::{Card, decision_card};
use super::reminder::{
    confirmation_card, incident_card, mention_card, reminder_card, unreached_card,
};
use super::reports::digest_card;
use super::review::review_card;
use crate::core::messaging::message::{MessageView, Purpose};
use crate::core::values::time_scale::TimeScale;

/// The content to show. `None` if the message is never posted.
#[must_use]
pub fn present(view: &MessageView, time_scale: TimeScale) -> Option<Card> {
    match &view.message.purpose {
        Purpose::Card { .. } => {
            view.listed.first().map(|listed| decision_card(&listed.decision, time_scale))
        }
        Purpose::Batch { project } => Some(batch_card(view, project, time_scale)),
        Purpose::Review { project, until } => Some(review_card(view, project, *until, time_scale)),
        Purpose::Digest { digest } => Some(digest_card(digest, time_scale)),
        Purpose::Selection { .. } => None,
        Purpose::Reminder { .. } => Some(reminder_card(view, time_scale)),
        Purpose::Mention { users, roles, here } => Some(mention_card(view, users, roles, *here)),
        Purpose::Confirmation { user, direct } => {
            confirmation_card(view, *user, *direct, time_scale)
        }
        Purpose::Incident { report } => incident_card(view, report),
        Purpose::Unreached { contacts } => unreached_card(view, contacts),
    }
}
