//! A store, a clock that moves when it is told to, and a program that dies when it is told to.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use gander::core::Time;
use gander::core::decision::authorization::Voter;
use gander::core::decision::event::Event;
use gander::core::decision::{Decision, DecisionId, Person, Request, Verdict, Via};
use gander::core::escalation::{Channel, Contact, ContactResult, DueStep};
use gander::core::messaging::notification::{ExternalChannel, ExternalChannels, Machine};
use gander::core::policy::rules::{Rule, Rules};
use gander::engine::Handle;
use gander::engine::clock::{Clock as _, TestClock};
use gander::engine::escalation::scheduler;
use gander::presentation::text::span;
use gander::store::Store;

pub(crate) fn minutes(count: i64) -> TimeDelta {
    TimeDelta::minutes(count)
}

pub(crate) fn hours(count: i64) -> TimeDelta {
    TimeDelta::hours(count)
}

/// Every way to reach people is set up.
pub(crate) fn everything() -> Rules {
    let machine =
        |channel, name: &str| Machine { channel, name: name.into(), projects: Vec::new() };
    let machines =
        vec![machine(ExternalChannel::Webhook, "pager"), machine(ExternalChannel::Desktop, "")];
    Rules { channels: ExternalChannels::new(ExternalChannel::ALL, machines), ..Rules::default() }
}

/// Rules under which an agent may ask for an approval by silence.
pub(crate) fn silence_approves() -> Rules {
    let rule = Rule { allow_default_approve: true, ..Rule::default() };
    Rules { projects: [("default".to_owned(), rule)].into(), ..everything() }
}

pub(crate) fn maya() -> Voter {
    Voter { person: Person::discord(1, "Maya"), roles: Vec::new(), owner: true }
}

/// No history here is as long.
const MOST_EVENTS: usize = 50;

pub(crate) struct World {
    folder: tempfile::TempDir,
    pub(crate) clock: TestClock,
    pub(crate) handle: Handle,
    store: Option<Arc<Store>>,
    /// Whether every rung reaches somebody.
    pub(crate) reaches: bool,
}

fn open(path: &std::path::Path, now: Time) -> Arc<Store> {
    // Nobody holds the lock for long here, but where a test wants a write to fail.
    Arc::new(Store::open_with_timeout(path, None, now, Duration::from_millis(1)).unwrap())
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(everything())
    }

    pub(crate) fn with(rules: Rules) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = TestClock::at("2026-03-01T12:00:00Z".parse().unwrap());
        let store = open(&folder.path().join("gander.db"), clock.now());
        let handle = Handle::new(Arc::clone(&store), rules, Arc::new(clock.clone()));
        Self { folder, clock, handle, store: Some(store), reaches: false }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("gander.db")
    }

    pub(crate) fn store(&self) -> &Arc<Store> {
        self.store.as_ref().unwrap()
    }

    pub(crate) fn now(&self) -> Time {
        self.clock.now()
    }

    /// All that the program had in memory is gone; another one comes.
    pub(crate) fn die(&mut self) {
        let rules = (*self.handle.rules()).clone();
        self.store = None;
        let store = open(&self.path(), self.now());
        self.handle = Handle::new(Arc::clone(&store), rules, Arc::new(self.clock.clone()));
        self.store = Some(store);
    }

    pub(crate) async fn ask(&self, request: Request) -> DecisionId {
        self.handle.approvals().ask(request).await.unwrap().into_decision().id
    }

    pub(crate) fn decision(&self, id: DecisionId) -> Decision {
        self.store().decisions().get(id).unwrap().unwrap()
    }

    pub(crate) fn wake(&self, id: DecisionId) -> Option<Time> {
        self.decision(id).wake_at()
    }

    pub(crate) async fn pass(&self) {
        scheduler::pass(&self.handle).await.unwrap();
        self.reach().await;
    }

    /// Somebody is reached by the rungs that have fired.
    async fn reach(&self) {
        for id in self.store().decisions().open_ids().unwrap().into_iter().filter(|_| self.reaches)
        {
            if let Some(position) =
                self.decision(id).position.filter(|position| position.contacts.is_empty())
            {
                let reached = Contact {
                    who: Some(maya().person),
                    channel: Channel::Dm,
                    result: ContactResult::Reached,
                };
                self.handle
                    .escalation()
                    .record_contacts(id, position.seq, vec![reached], true)
                    .await
                    .unwrap();
            }
        }
    }

    /// Time passes, and all that is due is done.
    pub(crate) async fn after(&self, by: TimeDelta) {
        self.clock.advance(by);
        for _ in 0..MOST_EVENTS {
            let next = scheduler::pass(&self.handle).await.unwrap();
            self.reach().await;
            if next.is_none_or(|next| next > self.now()) {
                return;
            }
        }
        panic!("the timers do not come to rest");
    }

    /// When it wakes. A decision that always does is never over.
    #[track_caller]
    pub(crate) fn wakes(&self, id: DecisionId) -> Option<Time> {
        assert!(
            self.store().event_log().history(id).unwrap().len() < MOST_EVENTS,
            "no end: {:#?}",
            self.told(id)
        );
        self.wake(id)
    }

    /// Goes from one moment to the next until the decision is over.
    pub(crate) async fn to_the_end(&self, id: DecisionId) {
        while let Some(wake) = self.wakes(id) {
            self.clock.set(wake.max(self.now()));
            self.pass().await;
        }
    }

    /// The timers try, and another process holds the store.
    pub(crate) async fn fail_to_write(&self) {
        let mut other = rusqlite::Connection::open(self.path()).unwrap();
        let held =
            other.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
        let head = self.store().event_log().head().unwrap();
        assert_eq!(scheduler::pass(&self.handle).await.unwrap(), None, "it will look again soon");
        assert_eq!(self.store().event_log().head().unwrap(), head);
        drop(held);
    }

    /// What the log tells of a decision: after how long, what.
    pub(crate) fn told(&self, id: DecisionId) -> Vec<String> {
        let history = self.store().event_log().history(id).unwrap();
        let asked = history[0].at;
        let told = history
            .iter()
            .skip(1)
            .filter(|logged| !matches!(logged.event, Event::ContactsRecorded { .. }));
        let told = told
            .map(|logged| format!("{} {}", span(logged.at - asked), words(&logged.event, asked)));
        told.collect()
    }

    /// How many rungs were passed over.
    pub(crate) fn passed(&self, id: DecisionId) -> usize {
        let history = self.store().event_log().history(id).unwrap().into_iter();
        let steps = history.filter_map(|logged| match logged.event {
            Event::StepFired { step } => Some(step.passed),
            _ => None,
        });
        steps.flatten().map(|passed| passed.times as usize).sum()
    }

    #[track_caller]
    pub(crate) fn must_be_whole(&self) {
        assert_eq!(self.store().audit().verify().unwrap().fault, None);
    }
}

fn words(event: &Event, asked: Time) -> String {
    match event {
        Event::StepFired { step: DueStep { stage, by, passed, .. } } => {
            let by: Vec<&str> = by.iter().map(|channel: &Channel| channel.word()).collect();
            let passed: Vec<String> = passed
                .iter()
                .map(|p| format!("{} due after {}{}", p.stage, span(p.due - asked), more(p.times)))
                .collect();
            let passed = if passed.is_empty() {
                String::new()
            } else {
                format!(" (passed over: {})", passed.join(", "))
            };
            format!("{stage}: {}{passed}", by.join(" "))
        }
        Event::Resolved { verdict: Verdict::Approved(_), via: Via::SafeDefault, .. } => {
            "approved".into()
        }
        Event::Resolved { via: Via::SafeDefault, .. } => "rejected".into(),
        Event::Resolved { verdict, .. } => format!("{} by a person", verdict.word()),
        other => other.word().into(),
    }
}

fn more(times: u32) -> String {
    if times > 1 { format!(" and {} more", times - 1) } else { String::new() }
}
