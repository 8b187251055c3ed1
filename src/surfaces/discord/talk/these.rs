//! Several of low risk, approved with one click. Which, and at which revisions, stands in the button: what changed since
//! is not approved.

use serenity::all::{ButtonStyle, CreateActionRow};

use super::super::Bot;
use super::super::custom_id::Group;
use super::super::render::{View, button};
use super::Talk;
use crate::core::decision::{Decision, DecisionId, Revision, Risk, Via};
use crate::core::permission::Voter;
use crate::core::policy::enforce;
use crate::core::text;
use crate::engine::HandleError;

impl Talk<'_> {
    /// Shows what would be approved, and asks.
    pub(super) fn offer(&self, low: &[DecisionId], others: usize, found: &[Decision]) -> View {
        let named: Vec<Decision> = low.iter().filter_map(|id| found.iter().find(|decision| decision.id == *id)).cloned().collect();
        let (group, offered) = Group::of(self.bot.handle.tag(), &named, super::LISTED);
        let offered = &named[..offered];
        let notice = text::approve_these(offered.len(), named.len() - offered.len(), others);
        let part = text::part(0, offered.len(), offered.len());
        let mut view = self.listed(notice, offered, part);
        let label = text::approve_these_label(offered.len());
        view.rows.insert(0, CreateActionRow::Buttons(vec![button(group.to_string(), ButtonStyle::Success, &label)]));
        view
    }
}

impl Bot {
    /// Approves them one by one, and says what became of each.
    pub(in super::super) async fn approve_these(&self, voter: &Voter, group: &Group) -> View {
        let mut lines = Vec::new();
        for (id, seen) in &group.members {
            lines.push(self.approve_low(voter, *id, *seen).await);
        }
        View::words(lines.join("\n"))
    }

    async fn approve_low(&self, voter: &Voter, id: DecisionId, seen: Revision) -> String {
        let decision = match self.handle.may_see(id, voter).await {
            Ok(decision) => decision,
            Err(error) => return text::failed_of_these(id, &error.to_string()),
        };
        // By the bot's own rules: whoever asked may have read others.
        let terms = enforce(&self.handle.rules(), &decision.request, &decision.terms);
        if terms.risk != Risk::Low {
            return text::not_low(&Decision { terms, ..decision });
        }
        match self.handle.approve(id, seen, voter, Via::Discord).await {
            Ok(decision) => {
                tracing::info!(
                    decision = id.0,
                    by = voter.person.name,
                    state = decision.state.word(),
                    "approved with others on Discord"
                );
                text::approved_of_these(&decision)
            }
            Err(HandleError::Refused(decision, refused)) => text::not_approved(&decision, &refused),
            Err(error) => text::failed_of_these(id, &error.to_string()),
        }
    }
}
