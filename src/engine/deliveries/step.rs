//! What is next for a decision's cards, from the record alone.

use crate::core::Time;
use crate::core::decision::Decision;
use crate::store::{Delivery, SHOWN_FOR_GOOD};

/// The next thing to do for a decision's cards.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// An earlier create may have happened: look for it.
    Search(Delivery),
    /// Put up a new message: record this intent first.
    Create(Delivery),
    /// Edit the message to what stands.
    Draw(Delivery),
    /// Tell on an old message where the decision went.
    Move { old: Delivery, to: Delivery },
    /// All is as it should be.
    Settled,
}

/// What is next, from the record alone. A create needs its channel and time filled in.
pub(super) fn next_step(decision: &Decision, cards: &[Delivery]) -> Step {
    let standing: Vec<&Delivery> = cards.iter().filter(|card| !card.lost).collect();
    if let Some(interrupted) = standing.iter().find(|card| card.message.is_none()) {
        return Step::Search((*interrupted).clone());
    }
    let latest = standing.last().copied();
    if decision.state.is_open() && latest.is_none_or(|card| card.returns < decision.returns) {
        return Step::Create(Delivery {
            decision: decision.id,
            generation: cards.last().map_or(1, |card| card.generation + 1),
            returns: decision.returns,
            channel: String::new(),
            intent_at: Time::UNIX_EPOCH,
            message: None,
            shown: 0,
            lost: false,
        });
    }
    let Some(latest) = latest else { return Step::Settled };
    if latest.shown < decision.changed {
        return Step::Draw(latest.clone());
    }
    let old = standing.iter().find(|card| card.generation < latest.generation && card.shown != SHOWN_FOR_GOOD);
    old.map_or(Step::Settled, |old| Step::Move { old: (*old).clone(), to: latest.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::decision::{DecisionId, Request, Risk, State, Terms};

    fn decision(returns: u32, changed: u64, open: bool) -> Decision {
        let terms = Terms { risk: Risk::Low, sla_seconds: 60, ..Terms::default() };
        let mut decision = Decision::new(DecisionId(1), Request::default(), terms, Time::UNIX_EPOCH);
        (decision.returns, decision.changed) = (returns, changed);
        if !open {
            decision.state = State::Withdrawn { reason: "gone".into(), at: Time::UNIX_EPOCH };
        }
        decision
    }

    fn card(generation: u32, returns: u32, message: Option<&str>, shown: u64, lost: bool) -> Delivery {
        Delivery {
            decision: DecisionId(1),
            generation,
            returns,
            channel: "c".into(),
            intent_at: Time::UNIX_EPOCH,
            message: message.map(Into::into),
            shown,
            lost,
        }
    }

    fn name(step: &Step) -> String {
        match step {
            Step::Search(card) => format!("search {}", card.generation),
            Step::Create(card) => format!("create {}", card.generation),
            Step::Draw(card) => format!("draw {}", card.generation),
            Step::Move { old, to } => format!("move {} to {}", old.generation, to.generation),
            Step::Settled => "settled".into(),
        }
    }

    #[test]
    fn what_is_next_follows_from_the_record() {
        let old = |shown| card(1, 0, Some("a"), shown, false);
        let cases = [
            ("asked", decision(0, 1, true), vec![], "create 1"),
            ("intent only", decision(0, 1, true), vec![card(1, 0, None, 0, false)], "search 1"),
            ("posted", decision(0, 1, true), vec![old(1)], "settled"),
            ("changed", decision(0, 2, true), vec![old(1)], "draw 1"),
            ("deleted", decision(0, 1, true), vec![card(1, 0, Some("a"), 1, true)], "create 2"),
            ("came back", decision(1, 3, true), vec![old(2)], "create 2"),
            ("came back, posted", decision(1, 3, true), vec![old(2), card(2, 1, Some("b"), 3, false)], "move 1 to 2"),
            ("came back, moved", decision(1, 3, true), vec![old(SHOWN_FOR_GOOD), card(2, 1, Some("b"), 3, false)], "settled"),
            ("over before it was posted", decision(0, 2, false), vec![], "settled"),
            ("over while it was posted", decision(0, 2, false), vec![card(1, 0, None, 0, false)], "search 1"),
            ("over and deleted", decision(0, 2, false), vec![card(1, 0, Some("a"), 1, true)], "settled"),
        ];
        for (case, decision, cards, expected) in cases {
            assert_eq!(name(&next_step(&decision, &cards)), expected, "{case}");
        }
    }
}
