//! Agents that wait at a gate, and the start of those that ended: once, whoever starts it, and
//! whenever it is killed.

use std::path::Path;
use std::sync::Barrier;

use chrono::TimeDelta;
use gander::core::Time;
use gander::core::decision::event::Event;
use gander::core::decision::resumption::{
    AgentProcess, FolderMark, ProcessMark, ResumeEnd, ResumeProgress, Seat, Standing, UnknownEnd,
    Wait,
};
use gander::core::decision::{Decision, DecisionId, Person, State, Verdict, Via};
use gander::store::{ResumeStart, Store};

use crate::store_suite::{ask, noon};

fn minutes(count: i64) -> Time {
    noon() + TimeDelta::minutes(count)
}

fn open(path: &Path) -> Store {
    Store::open(path, None, noon()).unwrap()
}

fn seat(session: &str, process: u32) -> Seat {
    Seat {
        agent: "codex".into(),
        session: session.into(),
        folder: FolderMark { path: "/home/maya/shop".into(), device: 1, inode: 2 },
        process: Some(ProcessMark {
            boot: "b".into(),
            namespace: "pid:[1]".into(),
            user: 1000,
            process,
            started: 7,
        }),
    }
}

/// An agent that ended while its gate waited, and has been answered since.
fn owed(store: &Store, session: &str) -> DecisionId {
    let asked = ask(store, "Run git push");
    store.resumptions().park(asked.id, seat(session, 1), minutes(1)).unwrap();
    resolve(store, asked.id, Verdict::approved());
    asked.id
}

fn resolve(store: &Store, id: DecisionId, verdict: Verdict) {
    let decide = Box::new(move |d: &Decision| {
        Ok(Some(d.resolve(verdict, Person::discord(1, "Maya"), Via::Discord, d.revision)?))
    });
    store.decisions().change(id, minutes(1), decide).unwrap().unwrap();
}

fn standing(store: &Store, id: DecisionId, at: Time) -> Standing {
    let all = store.resumptions().all().unwrap();
    let found = all.into_iter().find(|found| found.decision.id == id).unwrap();
    found.resumption.standing(&found.decision, AgentProcess::Ended, at)
}

fn started(store: &Store, of: &[DecisionId], at: Time) -> ResumeStart {
    started_if(store, of, UnknownEnd::Prevents, at)
}

fn started_if(store: &Store, of: &[DecisionId], unknown: UnknownEnd, at: Time) -> ResumeStart {
    store.resumptions().start(of.to_vec(), unknown, at, at + TimeDelta::seconds(90)).unwrap()
}

fn recorded(start: &ResumeStart) -> Vec<DecisionId> {
    let ResumeStart::Recorded(decisions) = start else { return Vec::new() };
    decisions.iter().map(|decision| decision.id).collect()
}

fn sound(store: &Store) {
    assert_eq!(store.audit().verify().unwrap().fault, None);
}

#[test]
fn a_store_that_is_closed_after_each_step_starts_an_agent_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gander.db");
    let id = owed(&open(&path), "s");
    assert_eq!(standing(&open(&path), id, minutes(0)), Standing::AtTheGate);
    assert_eq!(started(&open(&path), &[id], minutes(0)), ResumeStart::NothingOwed);
    assert_eq!(standing(&open(&path), id, minutes(2)), Standing::Owed);
    assert_eq!(recorded(&started(&open(&path), &[id], minutes(2))), [id]);
    // Killed here, nobody knows whether the process was started.
    assert_eq!(started(&open(&path), &[id], minutes(2)), ResumeStart::NothingOwed);
    assert_eq!(standing(&open(&path), id, minutes(3)), Standing::Started { at: minutes(2) });
    assert!(open(&path).resumptions().expire(minutes(3)).unwrap().is_empty());
    let unknown = open(&path).resumptions().expire(minutes(4)).unwrap();
    assert_eq!(unknown.iter().map(|decision| decision.id).collect::<Vec<_>>(), [id]);
    assert!(open(&path).resumptions().expire(minutes(5)).unwrap().is_empty());
    let over = Standing::Ended { started: minutes(2), how: ResumeEnd::Unknown };
    assert_eq!(standing(&open(&path), id, minutes(5)), over);
    assert_eq!(started(&open(&path), &[id], minutes(5)), ResumeStart::NothingOwed);
    sound(&open(&path));
}

#[test]
fn of_many_processes_one_starts_the_agent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gander.db");
    let id = owed(&open(&path), "s");
    let barrier = Barrier::new(8);
    let counts: Vec<usize> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let store = open(&path);
                    barrier.wait();
                    recorded(&started(&store, &[id], minutes(2))).len()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(counts.iter().sum::<usize>(), 1, "{counts:?}");
}

#[test]
fn one_session_goes_on_in_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("gander.db"));
    let [one, two, other] = ["s", "s", "t"].map(|session| owed(&store, session));
    // Told of both at once; another session is another matter.
    assert_eq!(recorded(&started(&store, &[one, two, other], minutes(2))), [one, two]);
    let third = owed(&store, "s");
    assert_eq!(started(&store, &[third], minutes(3)), ResumeStart::SessionRuns);
    assert_eq!(recorded(&started(&store, &[other], minutes(3))), [other]);
    store.resumptions().renew_watch(vec![one, two], minutes(9)).unwrap();
    assert_eq!(started(&store, &[third], minutes(8)), ResumeStart::SessionRuns);
    store.resumptions().end(vec![one, two], ResumeEnd::Finished, minutes(8)).unwrap();
    assert_eq!(recorded(&started(&store, &[third], minutes(8))), [third]);
    sound(&store);
}

#[test]
fn a_session_with_an_unknown_end_goes_on_only_if_a_person_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("gander.db"));
    let first = owed(&store, "s");
    started(&store, &[first], minutes(2));
    let [second, third] = ["s", "s"].map(|session| owed(&store, session));
    // Its agent may still run, whether or not the end was recorded as unknown.
    assert_eq!(started(&store, &[second], minutes(4)), ResumeStart::EndUnknown);
    assert_eq!(store.resumptions().expire(minutes(5)).unwrap().len(), 1);
    assert_eq!(started(&store, &[second], minutes(5)), ResumeStart::EndUnknown);
    let seen = started_if(&store, &[second], UnknownEnd::SeenByPerson, minutes(6));
    assert_eq!(recorded(&seen), [second]);
    let runs = started_if(&store, &[third], UnknownEnd::SeenByPerson, minutes(7));
    assert_eq!(runs, ResumeStart::SessionRuns);
    store.resumptions().end(vec![second], ResumeEnd::Finished, minutes(8)).unwrap();
    assert_eq!(recorded(&started(&store, &[third], minutes(9))), [third]);
    sound(&store);
}

#[test]
fn only_an_answer_that_nobody_has_taken_is_owed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("gander.db"));
    let open_ = ask(&store, "Run make").id;
    store.resumptions().park(open_, seat("s", 1), minutes(0)).unwrap();
    let [claimed, undone] = ["t", "u"].map(|session| owed(&store, session));
    let change = |id, event: Event| {
        let decide = Box::new(move |_: &Decision| Ok(Some(event)));
        store.decisions().change(id, minutes(2), decide).unwrap().unwrap()
    };
    change(claimed, Event::Claimed);
    change(undone, Event::Undone { by: Person::discord(1, "Maya") });
    for id in [open_, claimed, undone, DecisionId(99)] {
        assert_eq!(started(&store, &[id], minutes(3)), ResumeStart::NothingOwed, "{id}");
    }
    let decided = store.resumptions().decided().unwrap();
    assert_eq!(decided.iter().map(|found| found.decision.id).collect::<Vec<_>>(), [claimed]);
    store.resumptions().forget(claimed).unwrap();
    assert!(store.resumptions().decided().unwrap().is_empty());
}

#[test]
fn a_verdict_that_was_undone_after_the_start_is_not_taken_up_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("gander.db"));
    let id = owed(&store, "s");
    started(&store, &[id], minutes(2));
    let undo = Box::new(|d: &Decision| Ok(Some(d.undo(Person::discord(1, "Maya"), minutes(3))?)));
    store.decisions().change(id, minutes(3), undo).unwrap().unwrap();
    store.resumptions().end(vec![id], ResumeEnd::Finished, minutes(4)).unwrap();
    resolve(&store, id, Verdict::Rejected { reason: "After all, no".into() });
    assert_eq!(started(&store, &[id], minutes(5)), ResumeStart::NothingOwed);
    sound(&store);
}

#[test]
fn the_end_is_recorded_once_and_a_late_one_corrects_an_unknown_one() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("gander.db"));
    let id = owed(&store, "s");
    // Nothing was started.
    store.resumptions().end(vec![id], ResumeEnd::Finished, minutes(2)).unwrap();
    assert_eq!(standing(&store, id, minutes(2)), Standing::Owed);
    started(&store, &[id], minutes(2));
    assert_eq!(store.resumptions().expire(minutes(9)).unwrap().len(), 1);
    let failed = ResumeEnd::Failed { status: Some(3) };
    store.resumptions().end(vec![id], failed, minutes(10)).unwrap();
    store.resumptions().end(vec![id], ResumeEnd::Finished, minutes(11)).unwrap();
    let over = Standing::Ended { started: minutes(2), how: failed };
    assert_eq!(standing(&store, id, minutes(12)), over);
    let State::Resolved(resolved) = store.decisions().get(id).unwrap().unwrap().state else {
        panic!("it is decided")
    };
    assert_eq!(resolved.resumed.unwrap().end.unwrap().how, failed);
    sound(&store);
}

#[test]
fn a_gate_that_waits_again_and_the_process_of_its_session_are_known() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("gander.db"));
    let [first, second] = ["Run a", "Run b"].map(|title| ask(&store, title).id);
    store.resumptions().park(first, seat("s", 1), minutes(1)).unwrap();
    store.resumptions().put_wait(first, Wait::WentOn).unwrap();
    // The same session, in another process: somebody has resumed it at the desk.
    store.resumptions().park(second, seat("s", 2), minutes(2)).unwrap();
    let all = store.resumptions().all().unwrap();
    for found in &all {
        assert_eq!(found.resumption.seat.process.as_ref().unwrap().process, 2);
    }
    assert_eq!(all[1].resumption.progress, ResumeProgress::Parked(Wait::WentOn));
    store.resumptions().renew_wait(second, minutes(5)).unwrap();
    let all = store.resumptions().all().unwrap();
    let until = ResumeProgress::Parked(Wait::Until(minutes(5)));
    assert_eq!(all[0].resumption.progress, until);
    store.resumptions().put_wait(second, Wait::Parted).unwrap();
    store.resumptions().park(second, seat("s", 3), minutes(6)).unwrap();
    let all = store.resumptions().all().unwrap();
    let until = ResumeProgress::Parked(Wait::Until(minutes(6)));
    assert_eq!(all[0].resumption.progress, until);
}

#[test]
fn what_is_pruned_leaves_no_folder_behind() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("gander.db"));
    let asked = store
        .decisions()
        .ask(
            gander::core::decision::Request {
                title: "Run make".into(),
                body: "make".into(),
                ..Default::default()
            },
            crate::store_suite::terms(),
            noon(),
        )
        .unwrap()
        .into_decision();
    store.resumptions().park(asked.id, seat("s", 1), minutes(1)).unwrap();
    resolve(&store, asked.id, Verdict::approved());
    let pruned = store.maintenance().prune(minutes(60), minutes(61), 10).unwrap();
    assert_eq!(pruned.decisions, 1);
    assert!(store.resumptions().all().unwrap().is_empty());
}
