//! The real program at 3,600 times the speed, killed around its rungs: after one was written, and
//! over the moment at which the next is due.

use std::collections::BTreeSet;
use std::sync::Arc;

use gander::core::decision::event::Event;
use gander::core::decision::{DecisionId, State, Verdict, Via};
use gander::core::policy::rules::Rules;
use gander::engine::Handle;
use gander::engine::clock::{SystemClock, wall_time};

use crate::common::process::{Home, LIMIT, Program, sandbox};
use crate::common::truth;
use gander::store::Store;

/// Bots that come and are killed, at most.
const MOST_BOTS: usize = 30;

struct Scene {
    home: Home,
    sandbox: discord_sandbox::Sandbox,
    store: Arc<Store>,
    handle: Handle,
    ids: Vec<DecisionId>,
}

impl Scene {
    async fn new() -> Self {
        let (home, sandbox) = (Home::new(), sandbox().await);
        let maya = sandbox.addresses().user_id("maya").unwrap();
        home.configure(&format!("[[approvers]]\nusers = [{maya}]\n"));
        let store = Arc::new(Store::open(&home.store(), Some(3_600), wall_time()).unwrap());
        let clock = Arc::new(SystemClock::new(store.time_scale()));
        let handle = Handle::new(Arc::clone(&store), Rules::default(), clock);
        let mut ids = Vec::new();
        for sla in ["45m", "2h", "4h 30m", "12h"] {
            let asked = home.run(&["ask", "May I?", "--sla", sla]).await;
            ids.push(asked.out.trim().parse().unwrap());
        }
        Self { home, sandbox, store, handle, ids }
    }

    async fn start(&self) -> Program {
        let mut command = self.home.serve(&self.sandbox);
        command.args(["--speed", "3600"]).env("RUST_LOG", "gander=debug");
        let program = Program::start(command);
        program.err.line("the gateway is ready").await;
        program
    }

    fn is_over(&self) -> bool {
        self.store.decisions().open_ids().unwrap().is_empty()
    }

    fn steps(&self) -> usize {
        let events = self.store.event_log().events(0, 10_000).unwrap();
        events.iter().filter(|logged| matches!(logged.event, Event::StepFired { .. })).count()
    }

    /// Each rung at most once, nothing after the verdict, and one verdict: that of silence.
    fn must_be_climbed_once(&self, id: DecisionId) {
        let events: Vec<Event> = self
            .store
            .event_log()
            .history(id)
            .unwrap()
            .into_iter()
            .map(|logged| logged.event)
            .collect();
        let mut fired = BTreeSet::new();
        for event in &events {
            if let Event::StepFired { step } = event {
                assert!(fired.insert((step.stage, step.planned)), "twice: {events:#?}");
            }
        }
        let verdicts: Vec<&Event> =
            events.iter().filter(|event| matches!(event, Event::Resolved { .. })).collect();
        let Some(Event::Resolved {
            verdict: Verdict::Rejected { .. }, via: Via::SafeDefault, ..
        }) = events.last()
        else {
            panic!("{events:#?}");
        };
        assert_eq!(verdicts.len(), 1, "{events:#?}");
        assert!(matches!(
            self.store.decisions().get(id).unwrap().unwrap().state,
            State::Resolved(_)
        ));
        truth::must_be_decided_once(&self.store, id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_killed_around_its_rungs_climbs_each_once() {
    let scene = Scene::new().await;
    let (mut bots, mut after, mut over) = (0, 0, 0);
    while !scene.is_over() {
        assert!(bots < MOST_BOTS, "{:#?}", scene.store.event_log().events(0, 1_000).unwrap());
        bots += 1;
        let next = scene.store.decisions().next_wake().unwrap();
        if bots % 2 == 0
            && let Some(next) = next
        {
            // Nobody is there when it falls due.
            let asleep = scene.handle.clock().sleep_until(next);
            tokio::time::timeout(LIMIT, asleep).await.unwrap();
            over += 1;
        }
        // On a slow machine an hour passes before it is ready, and it has climbed by then.
        let before = scene.steps();
        let bot = scene.start().await;
        if !scene.is_over() {
            // Killed as soon as it has said so: the rung is written, and what follows from it is
            // not.
            bot.err.line("nobody has answered").await;
        }
        bot.kill().await;
        after += usize::from(scene.steps() > before);
    }
    println!(
        "{bots} bots were killed, {after} of them right after a rung, {over} came after the moment \
         had passed"
    );
    let last = scene.start().await;
    truth::settled(&scene.sandbox, &scene.store, None).await;
    drop(last);
    for id in &scene.ids {
        scene.must_be_climbed_once(*id);
    }
    truth::must_be_whole(&scene.store);
    assert!(after >= 3 && over >= 1, "{after} {over}");
}
