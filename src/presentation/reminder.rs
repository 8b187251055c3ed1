//! Cards for reminders: a decision's own card or a list in a direct message, a line under the cards
//! in a channel.

use super::card::{Card, TextFile, Tone, decision_card, decision_card_below};
use super::text::{self, label};
use crate::core::decision::{Decision, State};
use crate::core::escalation::{Contact, Stage};
use crate::core::messaging::incident;
use crate::core::messaging::message::{Listed, MessageView};
use crate::core::untrusted::units;
use crate::core::values::time_scale::TimeScale;

/// Maximum characters of a list's lines (Discord: 4,096 in a description).
const LINES: usize = 3_700;
/// Maximum lines of a direct message. A phone's screen shows six.
const MOST_LINES: usize = 25;
/// Maximum lines of a mention, shown to everybody in a channel that already has the cards.
const MOST_MENTIONED: usize = 8;

fn blank(headline: String, tone: Tone) -> Card {
    Card {
        headline,
        tone,
        title: String::new(),
        description: String::new(),
        fields: Vec::new(),
        footer: String::new(),
        controls: false,
        approvable: true,
        texts: Vec::new(),
        attachments: Vec::new(),
        without_files: None,
    }
}

/// The stage reached by a pending decision.
fn stage(decision: &Decision) -> Option<Stage> {
    let waits = matches!(decision.state, State::Pending(_));
    decision.position.as_ref().filter(|_| waits).map(|position| position.stage)
}

/// Most urgent first: pending decisions by stage, then closed decisions.
fn in_order(listed: &[Listed]) -> Vec<&Decision> {
    let mut order: Vec<&Decision> = listed.iter().map(|listed| &listed.decision).collect();
    order.sort_by_key(|decision| {
        (std::cmp::Reverse(stage(decision)), decision.breach_at(), decision.id)
    });
    order
}

/// The lines that fit, and the number of omitted lines.
fn lines(order: &[&Decision], most: usize, time_scale: TimeScale) -> (String, usize) {
    let mut said = String::new();
    for (index, decision) in order.iter().enumerate() {
        let line = text::reminder_line(decision, time_scale);
        if index >= most || units(&said) + units(&line) + 1 > LINES {
            return (said.trim_end().to_owned(), order.len() - index);
        }
        said.push_str(&line);
        said.push('\n');
    }
    (said.trim_end().to_owned(), 0)
}

/// A direct message: for one decision the card, headed by the waiting time; for several a list.
#[must_use]
pub fn reminder_card(view: &MessageView, time_scale: TimeScale) -> Card {
    if let [one] = view.listed.as_slice() {
        let card = match text::reminder_of_one(&one.decision) {
            Some(headline) => decision_card_below(headline, &one.decision, time_scale),
            None => decision_card(&one.decision, time_scale),
        };
        return card.changed(&|card| {
            // Later steps do not edit this message: it says only what stays true of its own step.
            for field in card.fields.iter_mut().filter(|field| field.name == label::STILL_WAITING) {
                let own_step = field.value.lines().next().unwrap_or_default().to_owned();
                field.value = own_step;
            }
        });
    }
    let order = in_order(&view.listed);
    let (mut description, left) = lines(&order, MOST_LINES, time_scale);
    if left > 0 {
        description.push_str(&text::more_below(left));
    }
    let waiting: Vec<&Decision> =
        order.iter().copied().filter(|decision| stage(decision).is_some()).collect();
    let highest = waiting.iter().filter_map(|decision| stage(decision)).max();
    let tone = match highest {
        Some(stage) if stage >= Stage::Breach => Tone::Breached,
        _ => waiting
            .iter()
            .map(|decision| decision.terms.risk)
            .max()
            .map_or(Tone::Over, Tone::Waiting),
    };
    let title = if waiting.is_empty() {
        text::decisions(order.len())
    } else {
        text::attention_title(waiting.len())
    };
    Card {
        title,
        description,
        controls: true,
        ..blank(text::several_wait(&waiting, order.len()), tone)
    }
}

/// A mention under the cards of a channel: the pending decisions and the mentioned people. After
/// all decisions are closed, shows the outcomes.
#[must_use]
pub fn mention_card(view: &MessageView, users: &[u64], roles: &[u64], here: bool) -> Card {
    let order = in_order(&view.listed);
    let said: Vec<String> =
        order.iter().take(MOST_MENTIONED).map(|decision| text::mention_line(decision)).collect();
    let mut words = said.join("\n");
    if order.len() > MOST_MENTIONED {
        words.push_str(&text::more_below(order.len() - MOST_MENTIONED));
    }
    let waits = order.iter().any(|decision| stage(decision).is_some());
    if waits {
        words = format!("{words}\n{}", text::mention_targets(users, roles, here));
    }
    Card { controls: waits, ..blank(words, Tone::Over) }
}

/// Asks a person to confirm a verdict proposed elsewhere: the card in a direct message, or a line
/// under the card in the channel. Without an open proposal, shows the outcome.
#[must_use]
pub fn confirmation_card(
    view: &MessageView,
    user: u64,
    direct: bool,
    time_scale: TimeScale,
) -> Option<Card> {
    let decision = &view.listed.first()?.decision;
    let proposal =
        decision.proposals().iter().find(|proposal| proposal.by.discord_id() == Some(user));
    let card = decision_card(decision, time_scale);
    if direct {
        return Some(proposal.map_or(card, |proposal| {
            decision_card_below(text::confirm(decision, proposal), decision, time_scale)
        }));
    }
    let words = proposal
        .map(|proposal| text::confirm_here(decision, user, proposal))
        .unwrap_or(card.headline);
    Some(Card { controls: proposal.is_some(), ..blank(words, Tone::Over) })
}

/// The incident report as a file, under a line with the decision's outcome.
#[must_use]
pub fn incident_card(view: &MessageView, report: &str) -> Option<Card> {
    let decision = &view.listed.first()?.decision;
    let file = TextFile { name: incident::file_name(decision), text: report.to_owned() };
    Some(Card { texts: vec![file], ..blank(text::incident_headline(decision), Tone::Over) })
}

/// Alert that nobody could be reached, with the reasons.
#[must_use]
pub fn unreached_card(view: &MessageView, contacts: &[Contact]) -> Option<Card> {
    let decision = &view.listed.first()?.decision;
    let words = text::nobody_reached(decision, contacts);
    Some(Card { controls: stage(decision).is_some(), ..blank(words, Tone::Over) })
}
