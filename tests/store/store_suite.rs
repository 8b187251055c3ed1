//! What the store must do, whatever the engine below. A second engine keeps the accessors of
//! [`Store`] (`decisions`, `event_log`, `messages` …) and passes this suite, the other `store_*`
//! suites of this folder apart from `store_sqlite` and `store_versions`, and the simulation.

mod grants;
mod pruning;

use std::sync::Arc;

use chrono::TimeDelta;
use gander::core::Time;
use gander::core::decision::event::Event;
use gander::core::decision::pending_summary::PendingSummary;
use gander::core::decision::{
    Attachment, Decision, DecisionId, Detail, Insight, Person, Priority, Refused, Request, Risk,
    Terms, Verdict, Via,
};
use gander::core::messaging::message::{Destination, Item, Message, MessageId, PostState, Purpose};
use gander::store::{Asked, Changed, Filter, NewCard, NewMessage, Store, StoreError, Why};

pub(crate) fn noon() -> Time {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

pub(crate) fn terms() -> Terms {
    Terms { risk: Risk::Medium, sla_seconds: 3600, ..Terms::default() }
}

fn maya() -> Person {
    Person::discord(1, "Maya")
}

pub(crate) fn request(title: &str, key: Option<&str>) -> Request {
    Request { title: title.into(), dedup_key: key.map(Into::into), ..Request::default() }
}

pub(crate) fn ask(store: &Store, title: &str) -> Decision {
    store.decisions().ask(request(title, None), terms(), noon()).unwrap().into_decision()
}

fn approve(store: &Store, decision: &Decision) -> Changed {
    let seen = decision.revision;
    let decide = Box::new(move |d: &Decision| {
        Ok(Some(d.resolve(Verdict::approved(), maya(), Via::Discord, seen)?))
    });
    store.decisions().change(decision.id, noon(), decide).unwrap()
}

/// A case of the suite: its name, and what must hold of any store.
type Case = (&'static str, fn(&Store));

/// The suite: each store that is made must behave so.
pub(crate) fn conforms(make: impl Fn() -> (Arc<Store>, tempfile::TempDir)) {
    let suite: [Case; 20] = [
        ("numbers_count_up", numbers_count_up),
        (
            "the_same_key_is_the_same_decision_while_open",
            the_same_key_is_the_same_decision_while_open,
        ),
        ("keys_of_two_projects_are_two", keys_of_two_projects_are_two),
        (
            "a_key_is_found_among_those_that_begin_like_it",
            a_key_is_found_among_those_that_begin_like_it,
        ),
        ("the_first_answer_wins", the_first_answer_wins),
        ("the_log_replays_to_the_state", the_log_replays_to_the_state),
        ("a_refused_change_writes_nothing", a_refused_change_writes_nothing),
        ("what_is_due_is_found", what_is_due_is_found),
        (
            "cards_are_remembered_and_the_unsettled_found",
            cards_are_remembered_and_the_unsettled_found,
        ),
        ("many_threads_write_at_once", many_threads_write_at_once),
        ("what_waits_is_known_without_reading_it", what_waits_is_known_without_reading_it),
        (
            "what_is_pruned_keeps_its_summary_and_its_place_in_the_chain",
            pruning::what_is_pruned_keeps_its_summary_and_its_place_in_the_chain,
        ),
        (
            "what_is_open_or_unsettled_is_not_pruned",
            pruning::what_is_open_or_unsettled_is_not_pruned,
        ),
        (
            "files_are_in_use_until_their_decision_is_pruned",
            pruning::files_are_in_use_until_their_decision_is_pruned,
        ),
        ("the_log_can_be_walked_by_anybody", pruning::the_log_can_be_walked_by_anybody),
        ("a_copy_is_sound_and_whole", a_copy_is_sound_and_whole),
        ("a_memo_is_kept_until_it_is_forgotten", a_memo_is_kept_until_it_is_forgotten),
        (
            "grants_are_found_by_agent_project_and_workspace",
            grants::grants_are_found_by_agent_project_and_workspace,
        ),
        (
            "what_people_have_handled_is_told_beside_a_grant",
            grants::what_people_have_handled_is_told_beside_a_grant,
        ),
        ("uses_are_counted_within_a_span", grants::uses_are_counted_within_a_span),
    ];
    for (case, run) in suite {
        let (store, _folder) = make();
        println!("{case}");
        run(&store);
        assert_eq!(store.audit().first_broken_link().unwrap(), None, "{case}: the chain");
        let audit = store.audit().verify().unwrap();
        assert_eq!(audit.fault, None, "{case}: the audit");
        assert_eq!(
            audit.replayed,
            store.decisions().list(&Filter::default()).unwrap().len() as u64,
            "{case}: what was replayed"
        );
    }
}

fn numbers_count_up(store: &Store) {
    let ids: Vec<i64> = (0..3).map(|_| ask(store, "x").id.0).collect();
    assert_eq!(ids, [1, 2, 3]);
    assert_eq!(store.decisions().get(DecisionId(4)).unwrap(), None);
    assert_eq!(store.decisions().list(&Filter { limit: 2, ..Filter::default() }).unwrap().len(), 2);
}

fn the_same_key_is_the_same_decision_while_open(store: &Store) {
    let first = store.decisions().ask(request("a", Some("k")), terms(), noon()).unwrap();
    let Asked::New(first) = first else { panic!("{first:?}") };
    assert_eq!(
        store.decisions().ask(request("a", Some("k")), terms(), noon()).unwrap(),
        Asked::Same(first.clone())
    );
    let Asked::Revised(revised) =
        store.decisions().ask(request("b", Some("k")), terms(), noon()).unwrap()
    else {
        panic!()
    };
    assert_eq!((revised.id, revised.revision.0, revised.asked_at), (first.id, 2, first.asked_at));
    approve(store, &revised).unwrap();
    let Asked::New(next) = store.decisions().ask(request("b", Some("k")), terms(), noon()).unwrap()
    else {
        panic!("answered: a new one")
    };
    assert_ne!(next.id, first.id);
}

fn keys_of_two_projects_are_two(store: &Store) {
    let of = |project: &str| Request { project: project.into(), ..request("a", Some("k")) };
    let first = store.decisions().ask(of("one"), terms(), noon()).unwrap().into_decision();
    let second = store.decisions().ask(of("two"), terms(), noon()).unwrap().into_decision();
    assert_ne!(first.id, second.id);
    let filter = Filter { project: Some("two".into()), open_only: true, ..Filter::default() };
    assert_eq!(store.decisions().list(&filter).unwrap(), std::slice::from_ref(&second));
    let keyed = |prefix: &str| {
        store
            .decisions()
            .list(&Filter { key_prefix: Some(prefix.into()), ..Filter::default() })
            .unwrap()
            .len()
    };
    assert_eq!((keyed("k"), keyed("kk"), keyed("")), (2, 0, 2));
}

fn a_key_is_found_among_those_that_begin_like_it(store: &Store) {
    let of = |key: &str| Request { dedup_key: Some(key.into()), ..request("a", None) };
    let asked = ["k", "k.json", "k"].map(|key| {
        let asked = store.decisions().ask(of(key), terms(), noon()).unwrap().into_decision();
        approve(store, &asked).unwrap();
        asked.id
    });
    store.decisions().ask(of("k.json.json"), terms(), noon()).unwrap();
    let keyed = |key: &str| {
        let filter = Filter { key: Some(key.into()), ..Filter::default() };
        let found = store.decisions().list(&filter).unwrap();
        found.iter().map(|decision| decision.id).collect::<Vec<_>>()
    };
    assert_eq!(keyed("k"), [asked[2], asked[0]], "newest first");
    assert_eq!(keyed("k.json"), [asked[1]]);
    assert_eq!(keyed("k."), []);
}

fn the_first_answer_wins(store: &Store) {
    let decision = ask(store, "x");
    let resolved = approve(store, &decision).unwrap();
    let unchanged = *approve(store, &decision).unwrap_err();
    assert_eq!(unchanged.decision, resolved);
    assert!(matches!(unchanged.why, Why::Refused(Refused::AlreadyResolved(by)) if by.by == maya()));
    let verdicts = store
        .event_log()
        .history(decision.id)
        .unwrap()
        .into_iter()
        .filter(|l| matches!(l.event, Event::Resolved { .. }))
        .count();
    assert_eq!(verdicts, 1);
}

fn the_log_replays_to_the_state(store: &Store) {
    let decision =
        store.decisions().ask(request("a", Some("k")), terms(), noon()).unwrap().into_decision();
    store
        .decisions()
        .ask(request("b", Some("k")), terms(), noon() + TimeDelta::nanoseconds(1_234_567))
        .unwrap();
    let seen = gander::core::decision::Revision(2);
    let until = noon() + TimeDelta::hours(1);
    let defer = Box::new(move |d: &Decision| {
        Ok(Some(d.defer(until, maya(), seen, noon(), Default::default())?))
    });
    store.decisions().change(decision.id, noon(), defer).unwrap().unwrap();
    store
        .decisions()
        .change(decision.id, until, Box::new(move |d| Ok(Some(d.return_from_deferral(until)?))))
        .unwrap()
        .unwrap();
    let reject = move |d: &Decision| {
        let verdict = Verdict::Rejected { reason: "no".into() };
        Ok(Some(d.resolve(verdict, maya(), Via::Discord, seen)?))
    };
    store.decisions().change(decision.id, until, Box::new(reject)).unwrap().unwrap();
    let standing = store
        .decisions()
        .change(decision.id, until, Box::new(|d| Ok(d.claim()?)))
        .unwrap()
        .unwrap();
    let history = store.event_log().history(decision.id).unwrap();
    let blank = Decision::new(decision.id, Request::default(), terms(), noon());
    let replayed = history
        .iter()
        .fold(blank, |state, logged| state.evolve(&logged.event, logged.at, logged.seq));
    assert_eq!(replayed, standing);
    assert_eq!(store.decisions().get(decision.id).unwrap(), Some(standing));
    assert_eq!(history.len(), 6);
    assert_eq!(store.event_log().events(2, 2).unwrap(), history[2..4]);
    assert_eq!(store.event_log().head().unwrap().seq, 6);
}

fn a_refused_change_writes_nothing(store: &Store) {
    let decision = ask(store, "x");
    let head = store.event_log().head().unwrap();
    let refused = store
        .decisions()
        .change(decision.id, noon(), Box::new(|d| Ok(Some(d.return_from_deferral(noon())?))))
        .unwrap();
    assert_eq!(refused.unwrap_err().why, Why::Refused(Refused::NotDue));
    assert_eq!(store.event_log().head().unwrap(), head);
    let nobody = store.decisions().change(DecisionId(99), noon(), Box::new(|_| Ok(None)));
    assert_eq!(nobody.unwrap_err(), StoreError::NoSuchDecision(DecisionId(99)));
}

fn what_is_due_is_found(store: &Store) {
    let (now, soon, later) =
        (noon(), noon() + TimeDelta::minutes(30), noon() + TimeDelta::hours(2));
    assert_eq!(store.decisions().next_wake().unwrap(), None);
    for until in [later, soon] {
        let decision = ask(store, "x");
        let defer = Box::new(move |d: &Decision| {
            Ok(Some(d.defer(until, maya(), d.revision, now, Default::default())?))
        });
        store.decisions().change(decision.id, now, defer).unwrap().unwrap();
    }
    assert_eq!(store.decisions().next_wake().unwrap(), Some(soon));
    assert_eq!(store.decisions().due(now).unwrap(), []);
    assert_eq!(store.decisions().due(soon).unwrap(), [DecisionId(2)]);
    assert_eq!(store.decisions().due(later).unwrap(), [DecisionId(2), DecisionId(1)]);
    store
        .decisions()
        .change(DecisionId(2), soon, Box::new(move |d| Ok(Some(d.return_from_deferral(soon)?))))
        .unwrap()
        .unwrap();
    assert_eq!(
        store.decisions().due(later).unwrap(),
        [DecisionId(2), DecisionId(1)],
        "one waits again, and its ladder begins"
    );
    assert_eq!(
        store.decisions().next_wake().unwrap(),
        store.decisions().get(DecisionId(2)).unwrap().unwrap().wake_at()
    );
}

fn cards_are_remembered_and_the_unsettled_found(store: &Store) {
    let decision = ask(store, "x");
    assert_eq!(store.messages().outdated_cards().unwrap(), [decision.id], "no card yet");
    let intent = store.messages().open_card(new_card(&decision)).unwrap();
    let begun = PostState::Creating { channel: "7".into(), at: noon() };
    assert_eq!((&intent.state, intent.generation), (&begun, 1));
    assert_eq!(intent.purpose, Purpose::Card { decision: decision.id });
    assert_eq!(intent.items, [Item { since: 1, ..Item::of(&decision) }]);
    assert_eq!(store.messages().get(intent.id).unwrap().as_ref(), Some(&intent));
    assert_eq!(store.messages().outdated_cards().unwrap(), [decision.id], "an interrupted create");
    let shows = posted("70", decision.changed);
    store.messages().put_post_state(intent.id, 1, shows.clone()).unwrap();
    assert_eq!(store.messages().outdated_cards().unwrap(), []);
    let card = Message { state: shows, ..intent };
    assert_eq!(store.messages().with_discord_id("70").unwrap().as_ref(), Some(&card));
    assert_eq!(store.messages().cards_of(decision.id).unwrap(), std::slice::from_ref(&card));
    assert_eq!(store.messages().outdated(None).unwrap(), [], "a card is no list");
    approve(store, &decision).unwrap();
    assert_eq!(
        store.messages().outdated_cards().unwrap(),
        [decision.id],
        "it shows an earlier state"
    );
    let deleted = card.state.clone().into_deleted();
    store.messages().put_post_state(card.id, 1, deleted.clone()).unwrap();
    assert_eq!(store.messages().outdated_cards().unwrap(), [], "what is decided needs no card");
    let known = store.messages().with_discord_id("70").unwrap().unwrap();
    assert_eq!(known, Message { state: deleted.clone(), ..card });
    store.messages().put_post_state(known.id, 1, posted("71", 9)).unwrap();
    assert_eq!(store.messages().get(known.id).unwrap().unwrap().state, deleted, "final");
    let next =
        store.messages().open_card(NewCard { generation: 2, ..new_card(&decision) }).unwrap();
    assert_ne!(next.id, known.id);
    let generations = |cards: Vec<Message>| cards.iter().map(|c| c.generation).collect::<Vec<_>>();
    assert_eq!(generations(store.messages().cards_of(decision.id).unwrap()), [1, 2]);
    let list = store.messages().open(selection()).unwrap();
    assert_eq!(list, MessageId(1), "cards leave no gaps in the numbers of other messages");
}

fn many_threads_write_at_once(store: &Store) {
    std::thread::scope(|scope| {
        for thread in 0..8 {
            scope.spawn(move || (0..25).for_each(|n| drop(ask(store, &format!("{thread}/{n}")))));
        }
    });
    assert_eq!(store.decisions().list(&Filter::default()).unwrap().len(), 200);
    assert_eq!(store.event_log().head().unwrap().seq, 200);
}

/// A question with all that makes it long.
fn long(title: &str) -> Request {
    let part = |part: &str| format!("{part} of {title}");
    Request {
        insight: Insight {
            observation: part("what was seen"),
            why_it_matters: part("why"),
            what_to_do: part("what"),
        },
        details: vec![Detail { name: "tests".into(), value: "47/47".into() }],
        body: part("a long text"),
        attachments: vec![Attachment {
            name: "a.png".into(),
            path: format!("/kept/{title}").into(),
        }],
        confidence: Some(0.1 + 0.2),
        ..request(title, Some(title))
    }
}

fn what_waits_is_known_without_reading_it(store: &Store) {
    let asker = Request {
        asked_by: Some(maya()),
        project: "shop".into(),
        kind: "deploy".into(),
        priority: Priority::Urgent,
        ..long("a")
    };
    let asked: Vec<Decision> = [asker, long("b"), long("c"), long("d")]
        .map(|request| store.decisions().ask(request, terms(), noon()).unwrap().into_decision())
        .to_vec();
    approve(store, &asked[1]).unwrap();
    let until = noon() + TimeDelta::hours(1);
    let defer = Box::new(move |d: &Decision| {
        Ok(Some(d.defer(until, maya(), d.revision, noon(), Default::default())?))
    });
    store.decisions().change(asked[2].id, noon(), defer).unwrap().unwrap();
    let mut waiting = store.decisions().pending().unwrap();
    waiting.sort_by_key(|waiting| waiting.id);
    assert_eq!(waiting, [PendingSummary::from(&asked[0]), PendingSummary::from(&asked[3])]);
    assert_eq!(waiting[0].asked_by.as_deref(), Some("discord:1"));
    let mut whole = store.decisions().pending_since(None).unwrap();
    whole.waiting.sort_by_key(|waiting| waiting.id);
    assert_eq!((whole.replaced, &whole.waiting), (None, &waiting));
    let changes = |after| store.decisions().pending_since(Some(after)).unwrap();
    let nothing = changes(whole.position);
    assert_eq!((nothing.replaced, nothing.waiting), (Some(vec![]), vec![]));
    let mut since = changes(whole.position - 3);
    since.replaced.as_mut().unwrap().sort_unstable();
    assert_eq!(since.replaced.unwrap(), [asked[1].id, asked[2].id, asked[3].id]);
    assert_eq!(since.waiting, [PendingSummary::from(&asked[3])]);
    assert_eq!(store.decisions().open_ids().unwrap(), [asked[0].id, asked[2].id, asked[3].id]);
    let wanted = [asked[3].id, DecisionId(99), asked[0].id];
    assert_eq!(
        store.decisions().get_many(&wanted).unwrap(),
        [asked[3].clone(), asked[0].clone()],
        "in the order that was asked for"
    );
}

fn new_card(decision: &Decision) -> NewCard {
    let (item, place) = (Item::of(decision), Destination::Project("p".into()));
    NewCard { item, generation: 1, place, channel: "7".into(), at: noon() }
}

fn posted(message: &str, shown: u64) -> PostState {
    PostState::Posted { channel: "7".into(), message: message.into(), shown, list: 1 }
}

fn selection() -> NewMessage {
    let (purpose, place) = (Purpose::Selection { of: "discord:1".into() }, Destination::Nowhere);
    NewMessage { purpose, place, items: Vec::new(), at: noon() }
}

fn a_copy_is_sound_and_whole(store: &Store) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("copy.db");
    std::fs::write(&file, "").unwrap();
    let decision = store.decisions().ask(long("a"), terms(), noon()).unwrap().into_decision();
    approve(store, &decision).unwrap();
    let audit = store.maintenance().copy_to(&file).unwrap();
    assert_eq!(
        (&audit.fault, audit.chain.unwrap().hash),
        (&None, store.event_log().head().unwrap().hash)
    );
    assert!(std::fs::metadata(&file).unwrap().len() > 0);
    assert!(store.maintenance().copy_to(&file).is_err(), "what is there is not overwritten");
}

fn a_memo_is_kept_until_it_is_forgotten(store: &Store) {
    let tag = store.tag().to_owned();
    assert_eq!(store.memos().get("tag").unwrap(), None, "the store's own is not a surface's");
    for text in ["one", "two"] {
        store.memos().put("tag", Some(text.into())).unwrap();
        assert_eq!(store.memos().get("tag").unwrap().as_deref(), Some(text));
    }
    store.memos().put("other", None).unwrap();
    store.memos().put("tag", None).unwrap();
    assert_eq!((store.memos().get("tag").unwrap(), store.tag()), (None, tag.as_str()));
}
