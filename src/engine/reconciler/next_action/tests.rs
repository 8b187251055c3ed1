//! Tests of the next action: what follows from the desired and the recorded state.

use super::*;
use crate::core::Time;
use crate::core::decision::{DecisionId, Request, Risk, State, Terms};
use crate::core::messaging::message::{Destination, FinalPost, Purpose};

fn decision(returns: u32, changed: u64, open: bool) -> Decision {
    let terms = Terms { risk: Risk::Low, sla_seconds: 60, ..Terms::default() };
    let mut decision = Decision::new(DecisionId(1), Request::default(), terms, Time::UNIX_EPOCH);
    (decision.returns, decision.changed) = (returns, changed);
    if !open {
        decision.state = State::Withdrawn { reason: "gone".into(), at: Time::UNIX_EPOCH };
    }
    decision
}

fn posted(message: &str, shown: u64) -> PostState {
    PostState::Posted { channel: "c".into(), message: message.into(), shown, list: 1 }
}

fn kept(message: &str) -> PostState {
    PostState::Final(FinalPost::Kept { channel: "c".into(), message: message.into() })
}

fn deleted(message: &str) -> PostState {
    PostState::Final(FinalPost::Deleted { channel: "c".into(), message: message.into() })
}

fn creating() -> PostState {
    PostState::Creating { channel: "c".into(), at: Time::UNIX_EPOCH }
}

fn card(generation: u32, returns: u32, state: PostState) -> Message {
    let item = Item { returns, ..Item::of(&decision(0, 1, true)) };
    Message {
        id: MessageId(-i64::from(generation)),
        purpose: Purpose::Card { decision: DecisionId(1) },
        place: Destination::Project("p".into()),
        opened_at: Time::UNIX_EPOCH,
        revision: 1,
        generation,
        state,
        items: vec![item],
    }
}

fn name(action: &NextAction) -> String {
    match action {
        NextAction::ChangeList(..) => "change the list".into(),
        NextAction::Search(view, if_missing) => {
            format!("search {}, else {if_missing:?}", view.message.generation)
        }
        NextAction::Create(Unposted::Card { generation, .. }) => format!("create {generation}"),
        NextAction::Create(Unposted::Message(_)) => "create".into(),
        NextAction::Edit(view) => format!("edit {}", view.message.generation),
        NextAction::Redirect { card, to: RedirectTarget::Card(_, message) } => {
            format!("redirect {} to {message}", card.message.generation)
        }
        NextAction::Redirect { card, to: RedirectTarget::Batch(batch, ..) } => {
            format!("redirect {} to batch {batch}", card.message.generation)
        }
        NextAction::Finish(_) => "finish".into(),
        NextAction::Settled(_) => "settled".into(),
    }
}

#[test]
fn what_is_next_follows_from_the_record() {
    let old = |shown| card(1, 0, posted("a", shown));
    let cases = [
        ("asked", decision(0, 1, true), vec![], "create 1"),
        ("intent only", decision(0, 1, true), vec![card(1, 0, creating())], "search 1, else Post"),
        ("posted", decision(0, 1, true), vec![old(1)], "settled"),
        ("changed", decision(0, 2, true), vec![old(1)], "edit 1"),
        ("deleted", decision(0, 1, true), vec![card(1, 0, deleted("a"))], "create 2"),
        ("came back", decision(1, 3, true), vec![old(2)], "create 2"),
        (
            "came back while it was posted",
            decision(1, 3, true),
            vec![card(1, 0, creating())],
            "search 1, else Finish",
        ),
        (
            "came back, posted",
            decision(1, 3, true),
            vec![old(2), card(2, 1, posted("b", 3))],
            "redirect 1 to b",
        ),
        (
            "came back, moved",
            decision(1, 3, true),
            vec![card(1, 0, kept("a")), card(2, 1, posted("b", 3))],
            "settled",
        ),
        ("over before it was posted", decision(0, 2, false), vec![], "settled"),
        (
            "over while it was posted",
            decision(0, 2, false),
            vec![card(1, 0, creating())],
            "search 1, else Finish",
        ),
        ("over and deleted", decision(0, 2, false), vec![card(1, 0, deleted("a"))], "settled"),
    ];
    for (case, decision, cards, expected) in cases {
        assert_eq!(name(&next_for_decision(&decision, &cards, None)), expected, "{case}");
    }
}

fn batch(state: PostState) -> Message {
    let purpose = Purpose::Batch { project: "p".into() };
    Message { id: MessageId(7), purpose, state, items: Vec::new(), ..card(1, 0, creating()) }
}

#[test]
fn a_batchs_card_takes_the_place_of_its_own() {
    let own = |state| card(1, 0, state);
    let there = batch(posted("b", 1));
    let cases = [
        ("straight into a batch", decision(0, 1, true), vec![], &there, "settled"),
        (
            "interrupted meanwhile",
            decision(0, 1, true),
            vec![own(creating())],
            &there,
            "search 1, else Finish",
        ),
        (
            "the batch is not posted yet",
            decision(0, 2, true),
            vec![own(posted("a", 1))],
            &batch(PostState::NotPosted),
            "settled",
        ),
        ("it is", decision(0, 1, true), vec![own(posted("a", 1))], &there, "redirect 1 to batch 7"),
        (
            "decided meanwhile",
            decision(0, 2, false),
            vec![own(posted("a", 1))],
            &there,
            "redirect 1 to batch 7",
        ),
        ("joined", decision(0, 1, true), vec![own(kept("a"))], &there, "settled"),
    ];
    for (case, decision, cards, batch, expected) in cases {
        assert_eq!(name(&next_for_decision(&decision, &cards, Some(batch))), expected, "{case}");
    }
    let out_again = next_for_decision(&decision(0, 2, true), &[own(kept("a"))], None);
    assert_eq!(name(&out_again), "create 2", "what leaves a batch gets a card of its own");
}

#[test]
fn other_messages_are_posted_while_wanted_and_edited_while_outdated() {
    let listed = |changed, open| vec![Listed::now(&decision(0, changed, open))];
    let cases = [
        ("new", PostState::NotPosted, listed(1, true), "create"),
        ("over before it was posted", PostState::NotPosted, listed(2, false), "finish"),
        ("intent only", creating(), listed(1, true), "search 1, else Post"),
        ("over while it was posted", creating(), listed(2, false), "search 1, else Finish"),
        ("changed", posted("b", 1), listed(2, true), "edit 1"),
        ("posted", posted("b", 2), listed(2, true), "settled"),
        ("final", kept("b"), listed(2, false), "settled"),
    ];
    for (case, state, listed, expected) in cases {
        let view = MessageView { message: batch(state), listed };
        assert_eq!(name(&next_for_message(view)), expected, "{case}");
    }
}

#[test]
fn a_lost_message_is_posted_again_while_wanted_and_a_lost_card_is_final() {
    let view =
        |message, open| MessageView { message, listed: vec![Listed::now(&decision(0, 1, open))] };
    let lost = |message, open| after_loss(&view(message, open));
    assert_eq!(lost(batch(posted("b", 1)), true), (2, PostState::NotPosted));
    assert_eq!(lost(batch(posted("b", 1)), false), (1, deleted("b")));
    assert_eq!(lost(batch(creating()), true), (1, PostState::NotPosted));
    assert_eq!(lost(card(1, 0, posted("a", 1)), true), (1, deleted("a")));
    let never = PostState::Final(FinalPost::NeverPosted);
    assert_eq!(lost(card(1, 0, creating()), true), (1, never));
}
