//! Every sequence of acts up to a depth, from each sort of question: no state of a decision is
//! reached that breaks an invariant or from which no verdict is possible.
//!
//! Breadth first over distinct states. Two states are one if they differ only in what decides
//! nothing: log positions, and when exactly something happened, but for how long a deferral still
//! lasts and how old a verdict is.

mod acts;

use std::collections::{BTreeMap, HashSet};

use chrono::TimeDelta;
use gander::core::Time;
use gander::core::decision::authorization::{ApproverRule, voters_not_counted};
use gander::core::decision::event::Event;
use gander::core::decision::{
    Ballot, Choice, Decision, DecisionId, DeferLimits, Expects, Outcome, Pending, Person, Priority,
    Refused, Request, Resolved, Revision, Risk, State, Terms, Verdict, Via,
};
use gander::core::escalation::LadderPosition;
use gander::core::policy::rules::{Rule, Rules, admit, enforce};

use crate::invariants::{INVARIANTS, Step, broken, name_of};

use acts::{ALPHABET, Did, Letter, act, word_of};

/// The longest sequence. `GANDER_WALK_DEPTH` walks further.
const DEPTH: usize = 7;

/// Fewer states or transitions than these, over all questions, mean that the walk has shrunk.
const AT_LEAST: (usize, usize) = (80_000, 1_500_000);

/// Everybody who may approve: one more than any question needs.
const APPROVERS: [u64; 4] = [1, 2, 3, 4];

#[derive(Clone)]
struct Place {
    decision: Decision,
    now: Time,
}

/// A place, and the acts that lead to it.
struct Reached {
    place: Place,
    path: Vec<Letter>,
}

#[derive(Default)]
struct Tally {
    states: usize,
    transitions: usize,
    deepest: usize,
    events: BTreeMap<&'static str, u64>,
    refusals: BTreeMap<String, u64>,
    nothing: u64,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.transitions += other.transitions;
        self.nothing += other.nothing;
        other.events.into_iter().for_each(|(word, n)| *self.events.entry(word).or_default() += n);
        for (word, n) in other.refusals {
            *self.refusals.entry(word).or_default() += n;
        }
    }
}

fn person(id: u64) -> Person {
    Person::discord(id, format!("person {id}"))
}

/// All that decides what may happen next. Times are told from now, and only as far as anything
/// asks.
fn canonical(Place { decision, now }: &Place) -> String {
    let people = |votes: &[gander::core::decision::Vote]| -> Vec<String> {
        votes.iter().map(|vote| vote.by.id.clone()).collect()
    };
    let state = match &decision.state {
        State::Pending(Pending { votes, taken, undone, proposals }) => {
            let taken = taken.as_ref().map(|taken| &taken.by.id);
            let position = decision.position.as_ref().map(|position| {
                (position.due - decision.ladder_began_at(), position.at <= *now, position.in_vain)
            });
            let waits = (*now - decision.ladder_began_at()).num_hours().clamp(-2, 8);
            format!(
                "pending {:?} {taken:?} {:?} {position:?} {waits} {:?}",
                people(votes),
                undone.as_ref().map(|undone| undone.verdict.word()),
                proposals
                    .iter()
                    .map(|proposal| (&proposal.by.id, proposal.verdict.word()))
                    .collect::<Vec<_>>()
            )
        }
        State::Deferred { until, votes, .. } => {
            format!(
                "deferred {} {:?}",
                (*until - *now).num_hours().clamp(-2, 7 * 24),
                people(votes)
            )
        }
        State::Resolved(Resolved { verdict, at, votes, claimed_at, reported, .. }) => {
            let age = (*now - *at).num_hours().clamp(-2, 25);
            let reported = reported.as_ref().map(|reported| reported.outcome);
            format!(
                "resolved {} {age} {:?} {} {reported:?}",
                verdict.word(),
                people(votes),
                claimed_at.is_some()
            )
        }
        State::Withdrawn { .. } => "withdrawn".into(),
    };
    let Terms { risk, approvals, safe_default, .. } = &decision.terms;
    let (title, asked_risk, revised) =
        (&decision.request.title, decision.request.risk, decision.revision.0 > 1);
    format!(
        "{state} | {title} {asked_risk} {revised} {risk} {approvals} {safe_default} {}",
        decision.deferrals
    )
}

/// Whether people can still bring this to an end: a yes by enough of them, or a no by one; and what
/// is put off returns.
fn dead_end(place: &Place) -> Option<&'static str> {
    let decision = &place.decision;
    if !decision.state.is_open() {
        return None;
    }
    let no = Verdict::Rejected { reason: "no".into() };
    if decision.resolve(no, person(1), Via::Discord, decision.revision).is_err() {
        return Some("nobody can reject it");
    }
    if let State::Deferred { until, .. } = decision.state {
        let back = decision
            .return_from_deferral(until)
            .map(|event| decision.clone().evolve(&event, until, 0));
        if !back.is_ok_and(|back| matches!(back.state, State::Pending(_))) {
            return Some("it does not come back");
        }
    } else if !ends_by_itself(decision.clone()) {
        return Some("nobody answers, and it stays open for ever");
    }
    let mut asked = decision.clone();
    for who in APPROVERS {
        let verdict = match asked.request.expects {
            Expects::Approve => Verdict::approved(),
            Expects::Choose => Verdict::Chosen { option: "green".into() },
            Expects::Answer => Verdict::answered("yes".into()),
        };
        let ballot = Ballot { verdict, confirmation: asked.confirmation() };
        if let Ok(event) = asked.resolve(ballot, person(who), Via::Terminal, asked.revision) {
            asked = asked.evolve(&event, place.now, 0);
        }
    }
    crate::invariants::resolved(&asked).is_none().then_some("all approvers together cannot say yes")
}

/// Whether the ladder leads to an end where nobody does anything.
fn ends_by_itself(mut decision: Decision) -> bool {
    for _ in 0..20 {
        let Some(wake) = decision.wake_at() else { return !decision.state.is_open() };
        let Ok(event) = decision.escalate(wake, TimeDelta::zero()) else { return false };
        decision = decision.clone().evolve(&event, wake, decision.changed + 1);
    }
    false
}

/// Walks from one question, and adds to the tally.
fn walk(name: &str, first: Request, depth: usize, tally: &mut Tally) {
    let now = Time::UNIX_EPOCH + TimeDelta::days(20_000);
    let terms = admit(&Rules::default(), &first).unwrap();
    let start = Place { decision: Decision::new(DecisionId(1), first, terms, now), now };
    let mut seen = HashSet::from([canonical(&start)]);
    let mut edge = vec![Reached { place: start, path: Vec::new() }];
    let mut closed = false;
    for level in 1..=depth {
        let mut next = Vec::new();
        for (found, part) in on_all_cores(name, &edge, &seen) {
            tally.add(part);
            for (state, reached) in found {
                if seen.insert(state) {
                    next.push(reached);
                }
            }
        }
        tally.deepest = tally.deepest.max(level);
        edge = next;
        if edge.is_empty() {
            closed = true;
            break;
        }
    }
    println!(
        "{name:<22} {:>7} states{}",
        seen.len(),
        if closed { ", which are all there are" } else { "" }
    );
    tally.states += seen.len();
}

/// What is reached from these places and not seen yet, in their order; each core has a part of them.
fn on_all_cores(
    name: &str,
    edge: &[Reached],
    seen: &HashSet<String>,
) -> Vec<(Vec<(String, Reached)>, Tally)> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let parts = edge.chunks(edge.len().div_ceil(cores));
        let walking: Vec<_> = parts.map(|part| scope.spawn(|| walk_on(name, part, seen))).collect();
        walking.into_iter().map(|walked| walked.join().unwrap()).collect()
    })
}

fn walk_on(
    name: &str,
    edge: &[Reached],
    seen: &HashSet<String>,
) -> (Vec<(String, Reached)>, Tally) {
    let (mut found, mut tally) = (Vec::new(), Tally::default());
    let mut here = HashSet::new();
    for Reached { place, path } in edge {
        for letter in ALPHABET {
            tally.transitions += 1;
            let Some(after) = step(letter, place, path, &mut tally) else { continue };
            let state = canonical(&after);
            if seen.contains(&state) || !here.insert(state.clone()) {
                continue;
            }
            let path: Vec<Letter> = path.iter().copied().chain([letter]).collect();
            if let Some(why) = dead_end(&after) {
                panic!("{name}: after {path:?}: {why}: {:#?}", after.decision);
            }
            found.push((state, Reached { place: after, path }));
        }
    }
    (found, tally)
}

/// Does one act; the place that it leads to, if it leads anywhere.
fn step(letter: Letter, place: &Place, path: &[Letter], tally: &mut Tally) -> Option<Place> {
    match act(letter, place) {
        Did::Nothing => tally.nothing += 1,
        Did::Refused(refused) => *tally.refusals.entry(name_of(&refused)).or_default() += 1,
        Did::TimePassed(now) => return Some(Place { now, ..place.clone() }),
        Did::Happened(event) => {
            *tally.events.entry(event.word()).or_default() += 1;
            let (before, typed) = (&place.decision, word_of(letter, &place.decision));
            let after = before.clone().evolve(&event, place.now, before.changed + 1);
            let step = Step {
                before,
                event: &event,
                after: &after,
                now: place.now,
                typed: typed.as_deref(),
            };
            let broken = broken(&step);
            assert!(
                broken.is_empty(),
                "{broken:?} by {letter:?} after {path:?}: {before:#?} became {after:#?}"
            );
            return Some(Place { decision: after, now: place.now });
        }
    }
    None
}

fn questions() -> Vec<(&'static str, Request)> {
    let request = |expects, risk, approvals_needed| {
        let choices = ["blue", "green"]
            .map(|name| Choice { name: name.into(), description: String::new() })
            .to_vec();
        let options = if expects == Expects::Choose { choices } else { Vec::new() };
        Request {
            title: "this".into(),
            kind: "deploy".into(),
            expects,
            risk,
            approvals_needed,
            options,
            ..Request::default()
        }
    };
    vec![
        ("yes or no", request(Expects::Approve, Risk::Low, 1)),
        ("yes or no, of three", request(Expects::Approve, Risk::High, 3)),
        ("yes or no, critical", request(Expects::Approve, Risk::Critical, 2)),
        ("a choice", request(Expects::Choose, Risk::Medium, 1)),
        ("a critical choice", request(Expects::Choose, Risk::Critical, 1)),
        ("an answer", request(Expects::Answer, Risk::Low, 1)),
    ]
}

#[test]
fn no_sequence_of_acts_breaks_an_invariant_or_ends_in_a_dead_end() {
    let depth = std::env::var("GANDER_WALK_DEPTH").map_or(DEPTH, |depth| depth.parse().unwrap());
    let mut tally = Tally::default();
    for (name, request) in questions() {
        walk(name, request, depth, &mut tally);
    }
    let Tally { states, transitions, deepest, events, refusals, nothing } = &tally;
    println!(
        "\n{states} states, {transitions} transitions by {} letters, sequences of up to {deepest}",
        ALPHABET.len()
    );
    println!(
        "events {events:#?}\nrefusals {refusals:#?}\nnothing new {nothing}\n\nAfter each step:"
    );
    for (name, _) in INVARIANTS {
        println!("- {name}");
    }
    println!("- from each open state a yes, a no, and from each deferral a return remain possible");
    assert!(
        depth < DEPTH || (*states >= AT_LEAST.0 && *transitions >= AT_LEAST.1),
        "the walk has shrunk"
    );
    assert_eq!(events.len(), 16, "every event but the first was seen");
    assert!(refusals.len() >= 13, "{refusals:?}");
}
