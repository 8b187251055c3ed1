//! Tests of messages: destinations, and the lists that were drawn.

use super::*;

#[test]
fn a_place_is_read_as_it_is_written() {
    let places = [
        Destination::Project("web: shop".into()),
        Destination::Channel("17".into()),
        Destination::Direct(9),
        Destination::Digest,
        Destination::Nowhere,
    ];
    for place in places {
        assert_eq!(place.to_string().parse(), Ok(place));
    }
    for text in ["", "dm:x", "elsewhere", "x:1"] {
        assert!(text.parse::<Destination>().is_err(), "{text}");
    }
}

#[test]
fn every_list_that_was_drawn_is_known() {
    let item = |decision, seen, since, gone| Item {
        decision: DecisionId(decision),
        seen: Revision(seen),
        returns: 0,
        since,
        gone,
    };
    let message = Message {
        id: MessageId(1),
        purpose: Purpose::Batch { project: "p".into() },
        place: Destination::Nowhere,
        opened_at: Time::UNIX_EPOCH,
        revision: 4,
        generation: 1,
        state: PostState::NotPosted,
        items: vec![
            item(1, 1, 1, Some(2)),
            item(1, 2, 2, None),
            item(2, 1, 1, Some(4)),
            item(3, 1, 3, None),
        ],
    };
    let at = |revision| {
        message
            .list_at(revision)
            .iter()
            .map(|item| (item.decision.0, item.seen.0))
            .collect::<Vec<_>>()
    };
    assert_eq!(at(0), []);
    assert_eq!(at(1), [(1, 1), (2, 1)]);
    assert_eq!(at(2), [(1, 2), (2, 1)]);
    assert_eq!(at(3), [(1, 2), (2, 1), (3, 1)]);
    assert_eq!(at(4), [(1, 2), (3, 1)]);
    assert_eq!(at(5), []);
    let ever: Vec<_> =
        message.latest_items().iter().map(|item| (item.decision.0, item.gone)).collect();
    assert_eq!(ever, [(1, None), (2, Some(4)), (3, None)]);
}
