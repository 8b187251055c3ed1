//! One history: a store, the program on it that dies now and then, agents, people, a board of
//! cards, and a clock that does what clocks do. After each step the log is held against the
//! reference, and what must always hold is looked at.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use chrono::TimeDelta;
use gander::core::Time;
use gander::core::decision::DecisionId;
use gander::core::decision::event::Event;
use gander::core::policy::rules::Rules;
use gander::engine::Handle;
use gander::engine::clock::{Clock as _, TestClock};
use gander::engine::escalation::scheduler;
use gander::engine::reconciler::Reconciler;
use tokio::task::JoinHandle;

use crate::common::chance::Chance;
use crate::questions;
use crate::reference::{Must, Reference};
use crate::sink::{Pretend, Weather};
use crate::tally::Tally;
use gander::store::Store;

/// Passes of the timers until nothing is due any more, at most: the rungs that reach nobody, and
/// the end.
const MOST_PASSES: usize = 40;

/// The program that serves, and what of it dies.
struct Alive {
    handle: Handle,
    store: Arc<Store>,
    reconciler: Option<(Arc<Reconciler>, JoinHandle<()>)>,
}

/// A history in progress.
pub(crate) struct World {
    path: PathBuf,
    pub(crate) clock: TestClock,
    pub(crate) sink: Option<Pretend>,
    pub(crate) rules: Rules,
    /// Nothing, between a death and the next program.
    alive: Option<Alive>,
    pub(crate) reference: Reference,
    cursor: u64,
    /// Rungs of which nobody has been told yet.
    pub(crate) to_tell: Vec<(DecisionId, u64, gander::core::escalation::DueStep)>,
    pub(crate) tally: Tally,
}

fn start() -> Time {
    // A fortnight before clocks are set in Europe.
    "2026-10-11T09:00:00Z".parse().unwrap()
}

fn open(path: &Path, rules: &Rules, clock: &TestClock, sink: Option<&Pretend>) -> Alive {
    let store = Arc::new(Store::open(path, None, clock.now()).unwrap());
    let handle = Handle::new(Arc::clone(&store), rules.clone(), Arc::new(clock.clone()));
    let reconciler = sink.map(|sink| {
        let reconciler = Reconciler::new(handle.clone(), Arc::new(sink.clone()));
        let task = tokio::spawn(Arc::clone(&reconciler).run());
        (reconciler, task)
    });
    Alive { handle, store, reconciler }
}

impl World {
    /// A history on a fresh store.
    pub(crate) fn new(seed: u64, path: PathBuf, has_sink: bool) -> Self {
        let clock = TestClock::at(start());
        let sink = has_sink.then(|| Pretend::new(seed, clock.clone()));
        let rules = questions::rules(&mut Chance::of(seed ^ 0xA5A5));
        let alive = Some(open(&path, &rules, &clock, sink.as_ref()));
        let (reference, tally) = (Reference::default(), Tally::default());
        Self { path, clock, sink, rules, alive, reference, cursor: 0, to_tell: Vec::new(), tally }
    }

    fn alive(&self) -> &Alive {
        self.alive.as_ref().expect("the next program comes at once")
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.alive().handle
    }

    pub(crate) fn store(&self) -> &Store {
        &self.alive().store
    }

    pub(crate) fn reconciler(&self) -> Option<&Arc<Reconciler>> {
        self.alive().reconciler.as_ref().map(|(reconciler, _)| reconciler)
    }

    /// An agent's own process, with rules of its own.
    pub(crate) fn agent(&self, rules: Rules) -> Handle {
        Handle::new(Arc::clone(&self.alive().store), rules, Arc::new(self.clock.clone()))
    }

    fn now(&self) -> i64 {
        self.clock.now().timestamp_millis()
    }

    /// The program dies, and another one comes, perhaps with other rules.
    pub(crate) async fn die(&mut self) {
        self.tally.deaths += 1;
        self.stop().await;
        self.alive = Some(open(&self.path, &self.rules, &self.clock, self.sink.as_ref()));
        if let Some(reconciler) = self.reconciler() {
            reconciler.compare_all().await;
        }
    }

    async fn stop(&mut self) {
        let Some(Alive { handle, store, reconciler }) = self.alive.take() else { return };
        if let Some((reconciler, task)) = reconciler {
            task.abort();
            // It ends as it was told to.
            let _ = task.await;
            drop(reconciler);
        }
        drop(handle);
        // What SQLite was doing in this moment is done, or not, before the next program comes.
        while Arc::strong_count(&store) > 1 {
            tokio::task::spawn_blocking(|| ()).await.unwrap();
        }
    }

    /// Does all that is due, until nothing is; or dies within.
    pub(crate) async fn let_come_due(&mut self, dies_after: Option<u64>) -> Result<(), String> {
        for _ in 0..MOST_PASSES {
            let gathers = self.reference.anything_due(self.now()).is_some();
            let handle = self.handle().clone();
            let mut polls = 0;
            let finished = {
                let mut pass = pin!(scheduler::pass(&handle));
                std::future::poll_fn(|context| {
                    if dies_after == Some(polls) {
                        return Poll::Ready(None);
                    }
                    polls += 1;
                    pass.as_mut().poll(context).map(Some)
                })
                .await
            };
            drop(handle);
            let Some(next) = finished else {
                self.die().await;
                return self.check(gathers);
            };
            self.check(gathers)?;
            if next
                .map_err(|error| error.to_string())?
                .is_none_or(|next| next.timestamp_millis() > self.now())
            {
                return match self.reference.anything_due(self.now()) {
                    Some((id, must)) => Err(format!(
                        "{id}: nothing happens, and this must: {must:?}; {:?}",
                        self.reference.cases[&id]
                    )),
                    None => Ok(()),
                };
            }
        }
        Err(format!(
            "the timers do not come to rest: {:?}",
            self.reference.anything_due(self.now())
        ))
    }

    /// Follows what was written since the last time, and looks at what must always hold.
    pub(crate) fn check(&mut self, gathers: bool) -> Result<(), String> {
        let store = Arc::clone(&self.alive().store);
        let events =
            store.event_log().events(self.cursor, 100_000).map_err(|error| error.to_string())?;
        // Without an event nothing has changed.
        if events.is_empty() {
            return Ok(());
        }
        for logged in &events {
            self.cursor = logged.seq;
            if logged.at.timestamp_millis() != self.now() {
                return Err(format!(
                    "{} happened at {}, and it is {}",
                    logged.event.word(),
                    logged.at,
                    self.clock.now()
                ));
            }
            self.reference.follow(logged, gathers, &self.rules)?;
            self.tally.event(&logged.event);
            if let Event::StepFired { step } = &logged.event {
                self.to_tell.push((logged.decision, logged.seq, step.clone()));
            }
        }
        let changed: BTreeSet<DecisionId> = events.iter().map(|logged| logged.decision).collect();
        self.nothing_is_forgotten(&changed)
    }

    /// What is open has a next moment, that of the reference; what is over has none.
    fn nothing_is_forgotten(&self, changed: &BTreeSet<DecisionId>) -> Result<(), String> {
        let (store, said) =
            (&self.alive().store, |error: gander::store::StoreError| error.to_string());
        let waking: BTreeSet<DecisionId> =
            store.decisions().due(Time::MAX_UTC).map_err(said)?.into_iter().collect();
        let open: BTreeSet<DecisionId> = self.reference.open().into_iter().collect();
        if waking != open {
            return Err(format!("these wake: {waking:?}, and these are open: {open:?}"));
        }
        for id in open.intersection(changed).copied() {
            let decision = store.decisions().get(id).map_err(said)?.ok_or("it is gone")?;
            let case = &self.reference.cases[&id];
            let (is, should) = (decision.wake_at().map(|at| at.timestamp_millis()), case.wakes());
            if is.is_none() || is != should {
                return Err(format!("{id} wakes at {is:?}, and should at {should:?}: {case:?}"));
            }
        }
        let (is, should) = (
            store.decisions().next_wake().map_err(said)?.map(|at| at.timestamp_millis()),
            self.reference.wakes(),
        );
        if is == should {
            Ok(())
        } else {
            Err(format!("the store wakes at {is:?}, and should at {should:?}"))
        }
    }

    /// The clock moves. The reconciler holds decisions to the rules beside this story; it must not
    /// have read the clock before, and write after.
    pub(crate) async fn advance(&mut self, by: TimeDelta) -> Result<(), String> {
        if self.reconciler().is_some() {
            let gathers = self.reference.anything_due(self.now()).is_some();
            self.handle().operations().enforce_rules().await.map_err(|error| error.to_string())?;
            self.check(gathers)?;
        }
        self.clock.advance(by);
        Ok(())
    }

    /// Time passes, and then all that is due is done.
    pub(crate) async fn pass(&mut self, by: TimeDelta) -> Result<(), String> {
        self.advance(by).await?;
        self.tally.jump(by);
        self.let_come_due(None).await
    }

    /// Everybody is there again, and nobody answers: each decision comes to its end.
    pub(crate) async fn end(&mut self) -> Result<(), String> {
        if let Some(sink) = &self.sink {
            sink.weather(Weather::Fair);
        }
        for turn in 0..8 {
            let Some(wake) = self.reference.wakes() else { break };
            // At first each rung in its time; then pauses that swallow them.
            let left = TimeDelta::milliseconds((wake - self.now()).max(0));
            self.pass(if turn < 2 { left } else { left + TimeDelta::days(30) }).await?;
        }
        for id in self.reference.open() {
            let case = &self.reference.cases[&id];
            if case.terms.ladder.steps().last().is_some_and(|step| step.default) {
                return Err(format!(
                    "{id} does not come to its end: {case:?}, {:?}",
                    case.must(self.now(), 0) as Option<Must>
                ));
            }
            self.handle()
                .approvals()
                .withdraw(id, "nobody answers")
                .await
                .map_err(|error| error.to_string())?;
        }
        self.check(false)?;
        self.calm().await?;
        let audit = self.store().audit().verify().map_err(|error| error.to_string())?;
        match audit.fault {
            None if audit.replayed == self.reference.cases.len() as u64 => Ok(()),
            fault => Err(format!(
                "the log does not give what is kept: {fault:?}, {} replayed",
                audit.replayed
            )),
        }
    }

    /// Lets the program end without a death.
    pub(crate) async fn close(mut self) -> Tally {
        self.stop().await;
        let mut tally = self.tally;
        if let Some(sink) = &self.sink {
            tally.sink(&sink.counts());
        }
        tally
    }
}
