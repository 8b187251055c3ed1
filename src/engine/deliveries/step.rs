//! The next action for a decision's cards, computed from the store's records alone.

use crate::core::Time;
use crate::core::decision::Decision;
use crate::core::posting::Posting;
use crate::store::{Delivery, SHOWN_FOR_GOOD};

/// The next action for a decision's cards.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Search for the message of an interrupted create.
    Search(Delivery),
    /// Record this intent, then post a new message.
    Create(Delivery),
    /// Edit the message to the decision's current state.
    Draw(Delivery),
    /// Edit an old message to point to the decision's new card.
    Move { old: Delivery, to: Delivery },
    /// Edit the decision's own message to point to the batch's card.
    Join { old: Delivery, to: Box<Posting> },
    /// Nothing to do.
    Settled,
}

/// Computes the next action from the records alone. The caller fills in a create's channel and
/// time. `carrier`: the batch's card covering the decision, if any.
pub(super) fn next_step(
    decision: &Decision,
    cards: &[Delivery],
    carrier: Option<&Posting>,
) -> Step {
    // Ignore final messages (`SHOWN_FOR_GOOD`): their decision has moved to another message or
    // ended long ago.
    let standing: Vec<&Delivery> =
        cards.iter().filter(|card| !card.lost && card.shown != SHOWN_FOR_GOOD).collect();
    if let Some(interrupted) = standing.iter().find(|card| card.message.is_none()) {
        return Step::Search((*interrupted).clone());
    }
    if let Some(carrier) = carrier {
        // Until the batch's card is posted, the decision's own card is the only one: leave it
        // unchanged.
        let old = standing.first().filter(|_| carrier.message().is_some());
        return old.map_or(Step::Settled, |old| Step::Join {
            old: (*old).clone(),
            to: Box::new(carrier.clone()),
        });
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
    let old = standing.iter().find(|card| card.generation < latest.generation);
    old.map_or(Step::Settled, |old| Step::Move { old: (*old).clone(), to: latest.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::decision::{DecisionId, Request, Risk, State, Terms};

    fn decision(returns: u32, changed: u64, open: bool) -> Decision {
        let terms = Terms { risk: Risk::Low, sla_seconds: 60, ..Terms::default() };
        let mut decision =
            Decision::new(DecisionId(1), Request::default(), terms, Time::UNIX_EPOCH);
        (decision.returns, decision.changed) = (returns, changed);
        if !open {
            decision.state = State::Withdrawn { reason: "gone".into(), at: Time::UNIX_EPOCH };
        }
        decision
    }

    fn card(
        generation: u32,
        returns: u32,
        message: Option<&str>,
        shown: u64,
        lost: bool,
    ) -> Delivery {
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
            Step::Join { old, to } => format!("{} joins {}", old.generation, to.id),
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
            (
                "came back, posted",
                decision(1, 3, true),
                vec![old(2), card(2, 1, Some("b"), 3, false)],
                "move 1 to 2",
            ),
            (
                "came back, moved",
                decision(1, 3, true),
                vec![old(SHOWN_FOR_GOOD), card(2, 1, Some("b"), 3, false)],
                "settled",
            ),
            ("over before it was posted", decision(0, 2, false), vec![], "settled"),
            (
                "over while it was posted",
                decision(0, 2, false),
                vec![card(1, 0, None, 0, false)],
                "search 1",
            ),
            (
                "over and deleted",
                decision(0, 2, false),
                vec![card(1, 0, Some("a"), 1, true)],
                "settled",
            ),
        ];
        for (case, decision, cards, expected) in cases {
            assert_eq!(name(&next_step(&decision, &cards, None)), expected, "{case}");
        }
    }
    fn batch(message: Option<&str>) -> Posting {
        use crate::core::posting::{Hanging, Place, PostingId, Purpose};
        let hanging = message.map_or(Hanging::Nothing, |message| Hanging::Message {
            channel: "c".into(),
            message: message.into(),
            shown: 1,
            drawn: 1,
        });
        let (purpose, place) = (Purpose::Batch { project: "p".into() }, Place::Project("p".into()));
        let opened_at = Time::UNIX_EPOCH;
        Posting {
            id: PostingId(7),
            purpose,
            place,
            opened_at,
            revision: 1,
            generation: 1,
            hanging,
            items: Vec::new(),
        }
    }

    #[test]
    fn a_batchs_card_takes_the_place_of_its_own() {
        let own = |shown| card(1, 0, Some("a"), shown, false);
        let there = batch(Some("b"));
        let cases = [
            ("straight into a batch", decision(0, 1, true), vec![], &there, "settled"),
            (
                "interrupted meanwhile",
                decision(0, 1, true),
                vec![card(1, 0, None, 0, false)],
                &there,
                "search 1",
            ),
            (
                "the batch is not posted yet",
                decision(0, 2, true),
                vec![own(1)],
                &batch(None),
                "settled",
            ),
            ("it is", decision(0, 1, true), vec![own(1)], &there, "1 joins 7"),
            ("decided meanwhile", decision(0, 2, false), vec![own(1)], &there, "1 joins 7"),
            ("joined", decision(0, 1, true), vec![own(SHOWN_FOR_GOOD)], &there, "settled"),
        ];
        for (case, decision, cards, carrier, expected) in cases {
            assert_eq!(name(&next_step(&decision, &cards, Some(carrier))), expected, "{case}");
        }
        let out_again = next_step(&decision(0, 2, true), &[own(SHOWN_FOR_GOOD)], None);
        assert_eq!(name(&out_again), "create 2", "what leaves a batch gets a card of its own");
    }
}
