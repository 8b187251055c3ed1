//! Between which two of its steps the bot was killed, read from what it left behind.

use std::collections::BTreeMap;

use discord_sandbox::{JournalEntry, Sandbox, Wire};
use gander::core::decision::{Decision, DecisionId, State};
use gander::core::messaging::message::{Message, PostState};
use gander::store::Store;

use super::cards::cards;
use super::truth::is_true;

/// Between two steps on the way of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Interval {
    AskedIntended,
    IntendedPosted,
    PostedKnown,
    ClickedDecided,
    DecidedAnswered,
    AnsweredEdited,
    EditedRecorded,
}

impl Interval {
    pub(crate) const ALL: [(Self, &'static str); 7] = [
        (Self::AskedIntended, "asked → intent recorded"),
        (Self::IntendedPosted, "intent recorded → message posted"),
        (Self::PostedKnown, "posted → its id recorded"),
        (Self::ClickedDecided, "click received → verdict committed"),
        (Self::DecidedAnswered, "committed → callback answered"),
        (Self::AnsweredEdited, "callback answered → card edited"),
        (Self::EditedRecorded, "card edited → its revision recorded"),
    ];
}

/// How often each interval was hit: by kills, and how many cards were in it then.
#[derive(Debug, Default)]
pub(crate) struct Hits(BTreeMap<Interval, (usize, usize)>);

impl Hits {
    /// Counts one kill, by where it caught each card.
    pub(crate) fn count(&mut self, caught: &[Interval]) {
        for (interval, _) in Interval::ALL {
            let cards = caught.iter().filter(|hit| **hit == interval).count();
            if cards > 0 {
                let hits = self.0.entry(interval).or_default();
                *hits = (hits.0 + 1, hits.1 + cards);
            }
        }
    }

    /// The kills that hit the interval which was hit the least.
    pub(crate) fn fewest(&self) -> usize {
        Interval::ALL
            .iter()
            .map(|(interval, _)| self.0.get(interval).map_or(0, |hits| hits.0))
            .min()
            .unwrap_or(0)
    }

    pub(crate) fn table(&self) -> String {
        let rows = Interval::ALL.iter().map(|(interval, name)| {
            let (kills, cards) = self.0.get(interval).copied().unwrap_or_default();
            format!("{name:<38}{kills:>6}{cards:>7}\n")
        });
        format!(
            "{:<38}{:>6}{:>7}\n{}",
            "killed between",
            "kills",
            "cards",
            rows.collect::<String>()
        )
    }
}

/// What a killed bot leaves behind.
pub(crate) struct Remains<'a> {
    pub(crate) sandbox: &'a Sandbox,
    pub(crate) store: &'a Store,
    /// The journal since the bot was started.
    pub(crate) journal: Vec<JournalEntry>,
    /// What the bot logged.
    pub(crate) log: String,
}

impl Remains<'_> {
    /// Where this decision was when the bot was killed, if it was on its way.
    pub(crate) fn interval(&self, id: DecisionId) -> Option<Interval> {
        let decision = self.store.decisions().get(id).unwrap().unwrap();
        let hanging = cards(&self.sandbox.view("maya").unwrap(), id.0);
        let Some(card) = self.store.messages().cards_of(id).unwrap().pop() else {
            return Some(Interval::AskedIntended);
        };
        if card.state.message_id().is_none() {
            return Some(if hanging.is_empty() {
                Interval::IntendedPosted
            } else {
                Interval::PostedKnown
            });
        }
        if decision.state.is_open() {
            let act = self.deciding(id)?["data"]["custom_id"].as_str()?;
            // The act of a form is received twice: its button first.
            let acts = self
                .log
                .lines()
                .filter(|line| says(line, "click received", id) && line.contains(act))
                .count();
            return (acts > usize::from(is_form(act))).then_some(Interval::ClickedDecided);
        }
        if !matches!(decision.state, State::Resolved(_)) || is_shown(&card, &decision) {
            return None;
        }
        // Decided under an earlier bot: it was counted then.
        let interaction = self.deciding(id)?["id"].as_str()?;
        if !self
            .journal
            .iter()
            .any(|entry| entry.path.starts_with(&format!("/interactions/{interaction}/")))
        {
            return Some(Interval::DecidedAnswered);
        }
        let shows = hanging.iter().any(|card| is_true(card, &decision, self.store));
        Some(if shows { Interval::EditedRecorded } else { Interval::AnsweredEdited })
    }

    /// The last interaction that decides it, and not one that opens a form.
    fn deciding(&self, id: DecisionId) -> Option<&serde_json::Value> {
        let events = self
            .journal
            .iter()
            .filter(|entry| entry.kind == Wire::Gateway && entry.method == "INTERACTION_CREATE");
        let decides = |body: &&serde_json::Value| {
            let act = body["data"]["custom_id"].as_str().unwrap_or_default();
            act.split(':').nth(3) == Some(&id.0.to_string()) && (body["type"] == 5) == is_form(act)
        };
        events.map(|entry| &entry.body).rfind(decides)
    }
}

/// Whether the card is recorded to show the decision's state.
fn is_shown(card: &Message, decision: &Decision) -> bool {
    match card.state {
        PostState::Posted { shown, .. } => shown >= decision.changed,
        _ => true,
    }
}

fn is_form(act: &str) -> bool {
    act.split(':').nth(2) == Some("reject")
}

/// Whether a line of the log says this of a decision.
pub(crate) fn says(line: &str, words: &str, id: DecisionId) -> bool {
    let number = id.0.to_string();
    let named = |rest: &str| {
        rest.strip_prefix(&number)
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    line.contains(words) && line.split("decision=").skip(1).any(named)
}
