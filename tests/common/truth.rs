//! What always holds once everything has calmed down: one card each, true to the store; one
//! verdict; one claim.

use discord_sandbox::{Sandbox, View};
use gander::core::decision::event::Event;
use gander::core::decision::{Decision, DecisionId, State};
use gander::core::messaging::message::{FinalPost, Message, PostState};
use gander::engine::clock::wall_time;
use gander::presentation::card::decision_card;
use gander::store::{Filter, Store};

use super::cards::{Card, cards};
use super::process::{Home, LIMIT};

/// Whether a card shows what stands.
pub(crate) fn is_true(card: &Card, decision: &Decision, store: &Store) -> bool {
    let expected = decision_card(decision, store.time_scale());
    let fields: Vec<_> =
        expected.fields.iter().map(|field| (field.name.as_str(), field.value.as_str())).collect();
    let drawn = (card.headline(), card.title(), card.fields(), card.control("approve").is_some());
    drawn == (&expected.headline, &expected.title, fields, decision.state.is_open())
}

/// What is not as it should be with these decisions, or with all.
pub(crate) fn untruths(
    sandbox: &Sandbox,
    store: &Store,
    only: Option<&[DecisionId]>,
) -> Vec<String> {
    let view = sandbox.view("maya").unwrap();
    let decisions: Vec<Decision> = match only {
        Some(ids) => ids.iter().map(|id| store.decisions().get(*id).unwrap().unwrap()).collect(),
        None => store.decisions().list(&Filter::default()).unwrap(),
    };
    let unsettled = store.messages().outdated_cards().unwrap();
    let mut untruths: Vec<String> =
        decisions.iter().filter_map(|decision| untruth(&view, store, decision)).collect();
    let waiting = decisions.iter().filter(|decision| unsettled.contains(&decision.id));
    untruths.extend(waiting.map(|decision| {
        format!("the card of {} is not settled by the store's own record", decision.id)
    }));
    untruths
}

fn untruth(view: &View, store: &Store, decision: &Decision) -> Option<String> {
    let id = decision.id;
    let deleted = |card: &Message| {
        matches!(card.state, PostState::Final(FinalPost::NeverPosted | FinalPost::Deleted { .. }))
    };
    let known = store.messages().cards_of(id).unwrap().into_iter().rfind(|card| !deleted(card));
    let hanging = cards(view, id.0);
    match (hanging.as_slice(), known) {
        // What is over needs no card any more if somebody took it away.
        ([], None) if !decision.state.is_open() => None,
        ([card], Some(known)) if known.state.message_id() != Some(card.id()) => {
            Some(format!("{id} hangs as {}, but the store knows {known:?}", card.id()))
        }
        ([card], Some(_)) if !is_true(card, decision, store) => {
            let expected = decision_card(decision, store.time_scale());
            Some(format!("the card of {id} is not true: {card:?} instead of {expected:?}"))
        }
        ([_], Some(_)) => None,
        (cards, known) => {
            Some(format!("{id} has {} cards, and the store knows {known:?}", cards.len()))
        }
    }
}

/// Waits until all is as it should be with these decisions, or with all.
pub(crate) async fn settled(sandbox: &Sandbox, store: &Store, only: Option<&[DecisionId]>) {
    // A change of the store alone does not wake: what is written last follows the last request by a
    // moment.
    let deadline = tokio::time::Instant::now() + LIMIT;
    loop {
        let probe = |sandbox: &Sandbox| untruths(sandbox, store, only).is_empty().then_some(());
        if sandbox
            .wait_for("true cards", std::time::Duration::from_millis(200), probe)
            .await
            .is_ok()
        {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{:#?}", untruths(sandbox, store, only));
    }
}

/// The log of a decision has one question, a verdict if there is one, and at most one claim. How
/// many claims.
#[track_caller]
pub(crate) fn must_be_decided_once(store: &Store, id: DecisionId) -> usize {
    let events: Vec<Event> =
        store.event_log().history(id).unwrap().into_iter().map(|logged| logged.event).collect();
    let count = |is: fn(&Event) -> bool| events.iter().filter(|event| is(event)).count();
    let verdicts = count(|event| matches!(event, Event::Resolved { .. }));
    let stands = usize::from(matches!(
        store.decisions().get(id).unwrap().unwrap().state,
        State::Resolved(_)
    ));
    assert_eq!(
        (count(|event| matches!(event, Event::Asked { .. })), verdicts),
        (1, stands),
        "{id}: {events:#?}"
    );
    let claims = count(|event| matches!(event, Event::Claimed));
    assert!(claims <= verdicts, "{id}: {events:#?}");
    claims
}

/// The log's chain is whole.
#[track_caller]
pub(crate) fn must_be_whole(store: &Store) {
    assert_eq!(store.audit().first_broken_link().unwrap(), None, "the log's chain is broken");
}

/// Waits until the store's record says that every card shows its decision: the edit comes first.
pub(crate) async fn cards_are_recorded(home: &Home) {
    let store = Store::open(&home.store(), None, wall_time()).unwrap();
    let recorded = async {
        while !store.messages().outdated_cards().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, recorded).await.unwrap();
}
