//! Random histories of a decision against a small model of what people were promised.
//!
//! A history that fails is shrunk to its shortest form and printed with its seed. Replay:
//! `PROPTEST_RNG_SEED=<seed> cargo test --test pure core_property`; more of them:
//! `PROPTEST_CASES=100000`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use chrono::TimeDelta;
use gander::core::Time;
use gander::core::decision::authorization::{ApproverRule, voters_not_counted};
use gander::core::decision::event::Event;
use gander::core::decision::{
    Ballot, Choice, Decision, DecisionId, DeferLimits, Expects, Outcome, Person, Priority, Refused,
    Request, Revision, Risk, SafeDefault, Verdict, Via,
};
use gander::core::policy::rules::{Rule, Rules, admit, enforce};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngSeed, TestError, TestRunner};

use crate::invariants::{Step, broken, name_of};
use crate::model::{
    Act, Answer, Ask, Config as Configured, Deed, Model, OPTIONS, PEOPLE, Shown, Word,
};

/// Histories of one run, unless `PROPTEST_CASES` says otherwise.
const HISTORIES: u32 = 3_000;

/// What each run must have come by, so that the histories cannot quietly become tame.
const MUST_HAPPEN: [&str; 40] = [
    "asked again: nothing new",
    "revised",
    "enforced",
    "voted",
    "lapsed",
    "proposed",
    "proposed: nothing new",
    "CurrentlyDeferred",
    "NotDecidableRemotely",
    "approved",
    "rejected",
    "chosen",
    "answered",
    "taken",
    "prioritized",
    "deferred",
    "returned",
    "undone",
    "claimed",
    "claimed: nothing new",
    "reported",
    "reported: nothing new",
    "withdrawn",
    "AlreadyResolved",
    "Withdrawn",
    "Outdated",
    "WrongAnswer",
    "NoSuchOption",
    "NoAnswer",
    "NoReason",
    "Unconfirmed",
    "AlreadyVoted",
    "AlreadyTaken",
    "AlreadyPrioritized",
    "DeferredTooOften",
    "DeferredTooLong",
    "NotInFuture",
    "AlreadyDeferred",
    "AlreadyClaimed",
    "TooLateToUndo",
];

/// An act as it is drawn: what was seen and the time that was named depend on where the history
/// stands.
#[derive(Debug, Clone)]
enum Input {
    Do(Deed, Seen),
    /// Exactly what was handed in that many steps ago, with what was seen then.
    Again(usize),
}

#[derive(Debug, Clone, Copy)]
enum Seen {
    Current,
    Older(u32),
    Newer,
}

/// The decision under test, and its log.
struct Real {
    decision: Decision,
    first: (Request, gander::core::decision::Terms, Time),
    log: Vec<(Event, Time)>,
    rules: Rules,
    now: Time,
}

impl Real {
    fn new(ask: &Ask) -> Self {
        let now = Time::UNIX_EPOCH + TimeDelta::days(20_000);
        let (rules, request) = (Rules::default(), request(ask));
        let terms = admit(&rules, &request).unwrap();
        let decision = Decision::new(DecisionId(1), request.clone(), terms.clone(), now);
        Self { decision, first: (request, terms, now), log: Vec::new(), rules, now }
    }

    /// Does it, and says what came of it; or which invariants broke.
    fn act(&mut self, act: &Act) -> Result<Answer, String> {
        let (event, quiet) = match self.event(act) {
            Ok(Some(event)) => (event, ""),
            Ok(None) => return Ok(Ok(nothing_new(&act.deed))),
            Err(refusal) => return Ok(Err(refusal)),
        };
        let word = match &event {
            Event::Resolved { verdict, .. } => verdict.word(),
            other => other.word(),
        };
        let before = self.decision.clone();
        self.log.push((event.clone(), self.now));
        self.decision = before.clone().evolve(&event, self.now, self.log.len() as u64);
        let typed = self.typed(&act.deed, &before);
        let step = Step {
            before: &before,
            event: &event,
            after: &self.decision,
            now: self.now,
            typed: typed.as_deref(),
        };
        match broken(&step).as_slice() {
            [] => Ok(Ok(format!("{word}{quiet}"))),
            broken => Err(format!(
                "broken: {}\nbefore {before:?}\nafter {:?}",
                broken.join("; "),
                self.decision
            )),
        }
    }

    fn event(&mut self, act: &Act) -> Result<Option<Event>, String> {
        let decision = &self.decision;
        let refused = |refused: Refused| name_of(&refused);
        let vote = |who: usize, verdict| {
            let ballot = Ballot { verdict, confirmation: self.typed(&act.deed, decision) };
            let via = if matches!(act.deed, Deed::Reject { token: true, .. }) {
                Via::Http
            } else {
                Via::Discord
            };
            decision
                .resolve(ballot, person(who), via, Revision(act.seen))
                .map(Some)
                .map_err(refused)
        };
        match &act.deed {
            Deed::Ask(ask) => {
                let request = request(ask);
                let terms = admit(&self.rules, &request).map_err(|error| name_of(&error))?;
                Ok(decision.revise(&request, &terms))
            }
            Deed::Configure(config) => {
                self.rules = rules(*config);
                Ok(self.enforced())
            }
            Deed::Dismiss { who } => Ok(self.dismissed(*who)),
            Deed::Approve { who, note, .. } => {
                vote(*who, Verdict::noted(note.then(|| "mind the gap".into())))
            }
            Deed::Reject { who, reason, .. } => {
                vote(*who, Verdict::Rejected { reason: (*reason).into() })
            }
            Deed::Choose { who, option, .. } => {
                vote(*who, Verdict::Chosen { option: (*option).into() })
            }
            Deed::Answer { who, text } => vote(*who, Verdict::answered((*text).into())),
            Deed::Propose { who, yes } => {
                let no = || Verdict::Rejected { reason: "no".into() };
                let verdict = if *yes { Verdict::approved() } else { no() };
                decision
                    .propose(verdict, person(*who), Via::Mcp, Revision(act.seen))
                    .map_err(refused)
            }
            Deed::Take { who } => decision.take(person(*who), None).map(Some).map_err(refused),
            Deed::HandOver { from, to } => {
                let from = (from != to).then(|| person(*from));
                decision.take(person(*to), from).map(Some).map_err(refused)
            }
            Deed::Prioritize { who, priority } => {
                decision.prioritize(*priority, person(*who)).map(Some).map_err(refused)
            }
            Deed::Defer { who, .. } => {
                let limits = DeferLimits::default();
                decision
                    .defer(act.until, person(*who), Revision(act.seen), self.now, limits)
                    .map(Some)
                    .map_err(refused)
            }
            Deed::ComeBack => decision.return_from_deferral(self.now).map(Some).map_err(refused),
            Deed::Undo { who } => decision.undo(person(*who), self.now).map(Some).map_err(refused),
            Deed::Claim | Deed::Report { .. } | Deed::Withdraw => {
                self.of_an_agent(&act.deed).map_err(refused)
            }
            Deed::Clock { seconds } => {
                self.now += TimeDelta::seconds(*seconds);
                Ok(None)
            }
        }
    }

    /// What the rules say now, where it differs.
    fn enforced(&self) -> Option<Event> {
        let terms = enforce(&self.rules, &self.decision.request, &self.decision.terms);
        let differs = self.decision.state.is_open() && terms != self.decision.terms;
        differs.then_some(Event::Enforced { terms })
    }

    /// The votes that are lost when this person may approve no longer.
    fn dismissed(&self, who: usize) -> Option<Event> {
        let users = (0..PEOPLE.len()).filter(|one| *one != who).map(|one| one as u64).collect();
        let of = voters_not_counted(
            &[ApproverRule { users, ..ApproverRule::default() }],
            &self.decision,
        );
        (!of.is_empty()).then_some(Event::Lapsed { of })
    }

    fn of_an_agent(&self, deed: &Deed) -> Result<Option<Event>, Refused> {
        match deed {
            Deed::Claim => self.decision.claim(),
            Deed::Report { worked, text } => {
                let outcome = if *worked { Outcome::Succeeded } else { Outcome::Failed };
                self.decision.report(outcome, (*text).into())
            }
            _ => self.decision.withdraw("not needed".into()).map(Some),
        }
    }

    /// What is typed as a confirmation, in the words of the decision as it stands.
    fn typed(&self, deed: &Deed, decision: &Decision) -> Option<String> {
        let (Deed::Approve { word, .. } | Deed::Choose { word, .. }) = deed else { return None };
        let right = decision.confirmation().unwrap_or_else(|| "APPROVE".into());
        match word {
            Word::None => None,
            Word::Right => Some(right),
            Word::Loose => Some(format!(" {} ", right.to_lowercase())),
            Word::Wrong => Some("yes".into()),
        }
    }

    /// What the store would make of the log, read back from disk.
    fn replayed(&self) -> Decision {
        let (request, terms, at) = self.first.clone();
        let new = Decision::new(DecisionId(1), request, terms, at);
        let on_disk =
            |event| serde_json::from_str::<Event>(&serde_json::to_string(event).unwrap()).unwrap();
        (1_u64..)
            .zip(&self.log)
            .fold(new, |decision, (seq, (event, at))| decision.evolve(&on_disk(event), *at, seq))
    }

    fn shown(&self) -> Shown {
        let (decision, state) = (&self.decision, &self.decision.state);
        let pending = match state {
            gander::core::decision::State::Pending(pending) => Some(pending),
            _ => None,
        };
        let resolved = crate::invariants::resolved(decision);
        Shown {
            state: state.word(),
            verdict: resolved.map(|r| (r.verdict.word(), r.by.id.clone())),
            votes: state.votes().iter().map(|vote| vote.by.id.clone()).collect(),
            revision: decision.revision.0,
            deferrals: decision.deferrals,
            returns: decision.returns,
            taken: pending
                .and_then(|pending| pending.taken.as_ref())
                .map(|taken| taken.by.id.clone()),
            proposed: decision
                .proposals()
                .iter()
                .map(|one| (one.by.id.clone(), one.verdict.word() == "approved"))
                .collect(),
            undone: pending.is_some_and(|pending| pending.undone.is_some()),
            claimed: resolved.is_some_and(|r| r.claimed_at.is_some()),
            reported: resolved
                .and_then(|r| r.reported.as_ref())
                .map(|r| (r.outcome == Outcome::Succeeded, r.text.clone())),
            wakes: decision
                .wake_at()
                .filter(|_| matches!(state, gander::core::decision::State::Deferred { .. })),
            risk: decision.terms.risk,
            needed: decision.approvals_needed(),
            missing: if state.is_open() { decision.approvals_missing() } else { 0 },
            silence_approves: decision.terms.safe_default == SafeDefault::Approve,
            wanted: decision.prioritized.as_ref().map(|given| given.priority),
        }
    }
}

fn nothing_new(deed: &Deed) -> String {
    match deed {
        Deed::Ask(_) => "asked again: nothing new".into(),
        Deed::Claim => "claimed: nothing new".into(),
        Deed::Propose { .. } => "proposed: nothing new".into(),
        Deed::Report { .. } => "reported: nothing new".into(),
        _ => "nothing".into(),
    }
}

fn person(who: usize) -> Person {
    // People change their names; what counts is who they are.
    Person::discord(who as u64, PEOPLE[who % PEOPLE.len()])
}

fn request(ask: &Ask) -> Request {
    let choices =
        OPTIONS.map(|name| Choice { name: name.into(), description: String::new() }).to_vec();
    Request {
        title: format!("question {}", ask.title),
        kind: ask.kind.into(),
        expects: ask.expects,
        options: if ask.expects == Expects::Choose { choices } else { Vec::new() },
        risk: ask.risk,
        approvals_needed: ask.approvals,
        confidence: ask.confidence,
        safe_default: ask.silence_approves.then_some(SafeDefault::Approve),
        ..Request::default()
    }
}

fn rules(config: Configured) -> Rules {
    let rule = Rule {
        risk: config.risk,
        approvals: config.approvals,
        allow_default_approve: config.silence_may_approve,
        ..Rule::default()
    };
    Rules { projects: [("default".to_owned(), rule)].into(), ..Rules::default() }
}

fn asks() -> impl Strategy<Value = Ask> {
    let expects = prop_oneof![4 => Just(Expects::Approve), 1 => Just(Expects::Choose), 1 => Just(Expects::Answer)];
    let risk = prop_oneof![3 => Just(Risk::Low), 2 => Just(Risk::Medium), 1 => Just(Risk::High), 2 => Just(Risk::Critical)];
    let approvals = prop_oneof![3 => Just(1_u32), 3 => 2..=4_u32, 1 => Just(0)];
    let confidence = prop_oneof![2 => Just(None), 1 => (0.0..=1.0_f64).prop_map(Some)];
    let kind = select(vec!["deploy", "client communication", "naming"]);
    (0..2_u8, kind, expects, risk, approvals, confidence, prop::bool::weighted(0.2)).prop_map(
        |(title, kind, expects, risk, approvals, confidence, silence_approves)| Ask {
            title,
            kind,
            expects,
            risk,
            approvals,
            confidence,
            silence_approves,
        },
    )
}

fn deeds() -> impl Strategy<Value = Deed> {
    let who = || 0..PEOPLE.len();
    let word = || prop_oneof![3 => Just(Word::Right), 1 => Just(Word::Loose), 1 => Just(Word::Wrong), 3 => Just(Word::None)];
    let day = 86_400_i64;
    let later = select(vec![-60, 0, 60, 7_200, 7_200, 7 * day, 7 * day + 1, 400 * day]);
    let jumps = select(vec![-day, -3_600, 1, 60, 7_200, 7_200, day, day + 1, 400 * day]);
    let options = select(vec![OPTIONS[0], OPTIONS[1], "neither", ""]);
    let risks = prop::option::of(select(vec![Risk::Low, Risk::High, Risk::Critical]));
    let config = (risks, prop::option::of(1..=4_u32), any::<bool>());
    let priority = select(vec![Priority::Low, Priority::Urgent]);
    let words = || select(vec!["", "because", "for another reason"]);
    prop_oneof![
        2 => asks().prop_map(Deed::Ask),
        2 => config.prop_map(|(risk, approvals, silence_may_approve)| Deed::Configure(Configured { risk, approvals, silence_may_approve })),
        2 => who().prop_map(|who| Deed::Dismiss { who }),
        8 => (who(), any::<bool>(), word()).prop_map(|(who, note, word)| Deed::Approve { who, note, word }),
        1 => (who(), words(), prop::bool::weighted(0.3)).prop_map(|(who, reason, token)| Deed::Reject { who, reason, token }),
        3 => (0..2_usize, prop::bool::weighted(0.7)).prop_map(|(who, yes)| Deed::Propose { who, yes }),
        2 => (who(), options, word()).prop_map(|(who, option, word)| Deed::Choose { who, option, word }),
        2 => (who(), select(vec!["", " ", "42"])).prop_map(|(who, text)| Deed::Answer { who, text }),
        2 => who().prop_map(|who| Deed::Take { who }),
        2 => (who(), who()).prop_map(|(from, to)| Deed::HandOver { from, to }),
        2 => (who(), priority).prop_map(|(who, priority)| Deed::Prioritize { who, priority }),
        6 => (who(), later).prop_map(|(who, seconds)| Deed::Defer { who, seconds }),
        4 => Just(Deed::ComeBack),
        3 => who().prop_map(|who| Deed::Undo { who }),
        2 => Just(Deed::Claim),
        2 => (any::<bool>(), words()).prop_map(|(worked, text)| Deed::Report { worked, text }),
        1 => Just(Deed::Withdraw),
        6 => jumps.prop_map(|seconds| Deed::Clock { seconds }),
    ]
}

fn histories() -> impl Strategy<Value = (Ask, Vec<Input>)> {
    let seen = prop_oneof![8 => Just(Seen::Current), 1 => (1..3_u32).prop_map(Seen::Older), 1 => Just(Seen::Newer)];
    let input = prop_oneof![9 => (deeds(), seen).prop_map(|(deed, seen)| Input::Do(deed, seen)), 1 => (1..8_usize).prop_map(Input::Again)];
    // The first question is asked under the rules that come with the program: they allow no
    // approval by silence.
    let first = asks().prop_map(|ask| Ask {
        silence_approves: false,
        approvals: if ask.expects == Expects::Approve { ask.approvals } else { 1 },
        ..ask
    });
    (first, prop::collection::vec(input, 1..40))
}

/// What a person or agent hands in, now.
fn act(input: &Input, real: &Real, done: &[Act]) -> Option<Act> {
    match input {
        Input::Again(back) => done.len().checked_sub(*back).and_then(|at| done.get(at)).cloned(),
        Input::Do(deed, seen) => {
            let current = real.decision.revision.0;
            let seen = match seen {
                Seen::Current => current,
                Seen::Older(by) => current.saturating_sub(*by),
                Seen::Newer => current + 1,
            };
            let seconds = if let Deed::Defer { seconds, .. } = deed { *seconds } else { 0 };
            Some(Act { deed: deed.clone(), seen, until: real.now + TimeDelta::seconds(seconds) })
        }
    }
}

/// Lives through a history on both sides; an error says where they part.
fn live(
    first: &Ask,
    inputs: &[Input],
    counts: &RefCell<BTreeMap<String, u64>>,
) -> Result<(), String> {
    let (mut real, mut model) = (Real::new(first), Model::new(first, Real::new(first).now));
    let mut done: Vec<Act> = Vec::new();
    for (number, input) in inputs.iter().enumerate() {
        let Some(act) = act(input, &real, &done) else { continue };
        let answered =
            real.act(&act).map_err(|broken| format!("step {number}, {act:?}: {broken}"))?;
        let expected = model.act(&act);
        if answered != expected {
            return Err(format!(
                "step {number}, {act:?}: {answered:?}, and should be {expected:?}"
            ));
        }
        if real.shown() != model.shown() {
            return Err(format!(
                "step {number}, {act:?}:\nis        {:?}\nshould be {:?}",
                real.shown(),
                model.shown()
            ));
        }
        *counts.borrow_mut().entry(answered.unwrap_or_else(|refusal| refusal)).or_default() += 1;
        done.push(act);
    }
    if real.replayed() != real.decision {
        return Err(format!("the log gives {:?}, and it is {:?}", real.replayed(), real.decision));
    }
    Ok(())
}

#[test]
fn a_decision_keeps_its_promises_through_any_history() {
    let mut config = Config { failure_persistence: None, ..Config::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = HISTORIES;
    }
    let seed = match config.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => RandomState::new().build_hasher().finish(),
    };
    config.rng_seed = RngSeed::Fixed(seed);
    let cases = config.cases;
    let counts = RefCell::new(BTreeMap::new());
    let lived = TestRunner::new(config).run(&histories(), |(first, inputs)| {
        live(&first, &inputs, &counts).map_err(TestCaseError::fail)
    });
    match lived {
        Ok(()) => {}
        Err(TestError::Fail(why, (first, inputs))) => panic!(
            "{why}\n\nThe shortest such history begins with {first:?}\nand goes on with {inputs:#?}\n\
             PROPTEST_RNG_SEED={seed} cargo test --test pure core_property replays it"
        ),
        Err(TestError::Abort(why)) => panic!("gave up: {why}"),
    }
    let counts = counts.into_inner();
    println!("{cases} histories, {} steps, seed {seed}: {counts:#?}", counts.values().sum::<u64>());
    let missing: Vec<_> = MUST_HAPPEN.iter().filter(|name| !counts.contains_key(**name)).collect();
    assert!(
        missing.is_empty() || cases < HISTORIES,
        "these never happened: {missing:?} (seed {seed})"
    );
}
