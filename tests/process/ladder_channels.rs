//! What happens on the way up: put off, come back, undone, asked again, other rules, a clock that
//! is set back.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use gander::core::Time;
use gander::core::decision::{Request, Risk, SafeDefault, State, Via};
use gander::core::escalation::{Channel, ExternalChannel, Ladder, Step, StepTime};
use gander::core::policy::rules::{Rules, admit};
use gander::engine::Handle;
use gander::engine::clock::Clock;
use gander::engine::escalation::scheduler;

use crate::ladder_rungs::{BREACH, question};
use crate::ladder_world::{World, everything, hours, maya, minutes, silence_approves};

fn step(when: StepTime, channel: Channel) -> Step {
    Step { when, by: vec![channel], repeat: None, default: false }
}

fn ladder(steps: &[Step]) -> Ladder {
    Ladder::new(steps.to_vec()).unwrap()
}

fn end(after: u64) -> Step {
    Step { default: true, ..step(StepTime::AfterBreach(after), ExternalChannel::Voice.into()) }
}

fn by_silence(sla: TimeDelta) -> Request {
    Request {
        safe_default: Some(SafeDefault::Approve),
        dedup_key: Some("k".into()),
        ..question(Some(sla))
    }
}

#[tokio::test]
async fn a_deferral_stops_it_and_a_return_begins_it_anew() {
    let world = World::new();
    let id = world.ask(question(Some(hours(2)))).await;
    world.after(minutes(30)).await;
    let seen = world.decision(id).revision;
    world
        .handle
        .approvals()
        .defer(id, seen, &maya(), world.now() + TimeDelta::days(1))
        .await
        .unwrap();
    world.after(hours(23)).await;
    assert_eq!(world.told(id), ["30m reminder: dm", "30m deferred"], "put off over its breach");
    world.to_the_end(id).await;
    let breach = format!("1d 2h breach: {BREACH}");
    let anew = [
        "1d 30m returned",
        "1d 1h reminder: dm",
        "1d 2h SLA warning: here mention push",
        &breach,
        "1d 4h overdue: voice",
        "1d 4h rejected",
    ];
    assert_eq!(world.told(id)[2..], anew);
}

#[tokio::test]
async fn a_verdict_ends_it_and_an_undo_begins_it_anew() {
    let world = World::new();
    let id = world.ask(question(Some(hours(2)))).await;
    world.after(hours(2)).await;
    let seen = world.decision(id).revision;
    world.handle.approvals().approve(id, seen, &maya(), Via::Discord).await.unwrap();
    world.after(hours(20)).await;
    let passed = "(passed over: reminder due after 30m, SLA warning due after 1h 30m)";
    let first = [format!("2h breach: {BREACH} {passed}"), "2h approved by a person".to_owned()];
    assert_eq!(world.told(id), first);
    world.handle.approvals().undo(id, &maya()).await.unwrap();
    world.to_the_end(id).await;
    let told = world.told(id);
    assert_eq!(told[2..4], ["22h undone", "22h 30m reminder: dm"]);
    assert_eq!(told.last().unwrap(), "1d 2h rejected", "{told:#?}");
    world.handle.approvals().undo(id, &maya()).await.unwrap();
    assert!(world.wake(id).is_some(), "what silence decided can be undone, too");
}

#[tokio::test]
async fn asked_again_with_another_sla_it_goes_on_from_where_it_stands() {
    let world = World::new();
    let keyed = |sla| Request { dedup_key: Some("k".into()), ..question(Some(sla)) };
    let id = world.ask(keyed(hours(24))).await;
    world.after(hours(2)).await;
    assert_eq!(world.ask(keyed(hours(1))).await, id);
    world.after(TimeDelta::zero()).await;
    world.to_the_end(id).await;
    let breach = format!("2h breach: {BREACH} (passed over: SLA warning due after 30m)");
    assert_eq!(
        world.told(id),
        [
            "2h reminder: mention push (passed over: reminder due after 30m)",
            "2h revised",
            &breach,
            "4h overdue: voice",
            "4h rejected"
        ]
    );
    let id = world.ask(keyed(minutes(45))).await;
    world.after(minutes(45)).await;
    assert_eq!(world.ask(keyed(hours(24))).await, id);
    world.to_the_end(id).await;
    let told = world.told(id);
    let breaches = told.iter().filter(|told| told.contains("breach:")).count();
    assert_eq!(
        (breaches, told.last().unwrap().as_str()),
        (2, "1d 2h rejected"),
        "the breach of each SLA: {told:#?}"
    );
}

#[tokio::test]
async fn what_was_exchanged_after_people_were_told_is_not_approved_by_silence() {
    let mut world = World::with(silence_approves());
    world.reaches = true;
    let id = world.ask(by_silence(hours(2))).await;
    world.after(hours(3)).await;
    assert_eq!(
        world.decision(id).effective_default(),
        SafeDefault::Approve,
        "so it would have been"
    );
    world.ask(Request { title: "Something quite different?".into(), ..by_silence(hours(2)) }).await;
    assert_eq!(world.decision(id).effective_default(), SafeDefault::Reject, "and so it is told");
    world.to_the_end(id).await;
    assert_eq!(world.told(id).last().unwrap(), "5h rejected");
}

#[tokio::test]
async fn no_ladder_approves_by_silence_of_whom_it_told_nothing() {
    for steps in [vec![end(3_600)], vec![step(StepTime::After(60), Channel::Dm), end(3_600)]] {
        let rules = Rules { ladder: ladder(&steps), ..silence_approves() };
        let world = World::with(rules);
        let id = world.ask(by_silence(hours(2))).await;
        assert_eq!(world.decision(id).effective_default(), SafeDefault::Reject, "{steps:?}");
        world.to_the_end(id).await;
        assert!(world.told(id).last().unwrap().ends_with("rejected"), "{:#?}", world.told(id));
    }
}

#[tokio::test]
async fn a_risk_that_was_raised_is_not_approved_by_silence() {
    let world = World::with(silence_approves());
    let id = world.ask(by_silence(hours(2))).await;
    world.after(hours(3)).await;
    let mut rules = silence_approves();
    rules.projects.get_mut("default").unwrap().risk = Some(Risk::High);
    world.handle.set_rules(rules);
    // Nobody has looked at it since: the timers themselves hold it to the rules.
    world.to_the_end(id).await;
    let told = world.told(id);
    assert_eq!(
        told[told.len() - 3..],
        ["5h enforced", "5h overdue: voice", "5h rejected"],
        "{told:#?}"
    );
}

#[tokio::test]
async fn another_ladder_on_the_way_leaves_nothing_without_an_end() {
    let sms = ExternalChannel::Sms.into();
    let daily = Step { repeat: Some(24 * 3_600), ..step(StepTime::AfterBreach(3_600), sms) };
    let long = ladder(&[step(StepTime::AfterBreach(0), Channel::Mention), daily]);
    let hourly = Step { repeat: Some(3_600), ..step(StepTime::After(3_600), Channel::Dm) };
    for (then, goes_on) in [
        // Its end lies before where the decision stands, in time or in kind.
        (
            ladder(&[step(StepTime::AfterBreach(0), Channel::Mention), end(2 * 3_600)]),
            "1d 4h overdue: voice",
        ),
        (ladder(&[hourly]), "1d 4h overdue: dm"),
    ] {
        let mut world = World::with(Rules { ladder: long.clone(), ..everything() });
        let id = world.ask(question(Some(hours(2)))).await;
        for _ in 0..3 {
            let wake = world.wake(id).unwrap();
            world.after(wake - world.now()).await;
        }
        assert_eq!(world.told(id), ["2h breach: mention", "3h overdue: sms", "1d 3h overdue: sms"]);
        world.after(hours(1)).await;
        world.handle.set_rules(Rules { ladder: then.clone(), ..everything() });
        world.handle.operations().enforce_rules().await.unwrap();
        world.die();
        world.handle.set_rules(Rules { ladder: then, ..everything() });
        let wake = world.wake(id).expect("it is open, and wakes");
        world.after((wake - world.now()).max(TimeDelta::zero())).await;
        let told = world.told(id);
        assert_eq!(told[3..5], ["1d 4h enforced", goes_on], "{told:#?}");
        world.must_be_whole();
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_repeats_nothing() {
    let mut world = World::new();
    let id = world.ask(question(Some(hours(2)))).await;
    world.after(hours(2)).await;
    let told = world.told(id);
    for back in [minutes(1), hours(1), hours(1)] {
        world.after(-back).await;
        world.die();
        world.after(TimeDelta::zero()).await;
    }
    assert_eq!(world.told(id), told);
    // Between the last rung and the safe default, too; that does not wait for the clock to get
    // there again.
    world.after(hours(2) + minutes(1)).await;
    world.clock.set(world.wake(id).unwrap());
    world.pass().await;
    world.clock.advance(-minutes(90));
    world.pass().await;
    assert!(matches!(world.decision(id).state, State::Resolved(_)), "{:#?}", world.told(id));
    let steps = world.told(id).iter().filter(|told| told.contains(": ")).count();
    assert_eq!(steps, 2, "{:#?}", world.told(id));
}

/// A clock that lets something happen when it is asked for the nth time.
struct Meddling<C> {
    clock: C,
    asked: AtomicU64,
    at: u64,
    act: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl<C> std::fmt::Debug for Meddling<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meddling")
    }
}

#[async_trait::async_trait]
impl<C: Clock> Clock for Meddling<C> {
    fn now(&self) -> Time {
        if self.asked.fetch_add(1, Ordering::Relaxed) + 1 == self.at
            && let Some(act) = self.act.lock().unwrap().take()
        {
            act();
        }
        self.clock.now()
    }

    fn wall(&self) -> Time {
        self.clock.wall()
    }

    async fn sleep_until(&self, at: Time) {
        self.clock.sleep_until(at).await;
    }
}

/// An agent with rules of its own asks again in the very moment in which a rung falls due: with an
/// SLA of a second, and a ladder that would be at its end.
#[tokio::test]
async fn a_rung_is_climbed_by_the_rules_of_whoever_serves() {
    for at in 1..6 {
        let world = World::new();
        let id = world.ask(Request { safe_default: None, ..by_silence(hours(2)) }).await;
        world.clock.advance(minutes(30));
        let (store, now) = (Arc::clone(world.store()), world.now());
        let again = by_silence(TimeDelta::seconds(1));
        let terms = admit(
            &Rules { sla_floor_seconds: 1, ladder: ladder(&[end(60)]), ..silence_approves() },
            &again,
        )
        .unwrap();
        let act = Box::new(move || drop(store.decisions().ask(again, terms, now).unwrap()));
        let clock = Meddling {
            clock: world.clock.clone(),
            asked: AtomicU64::new(0),
            at,
            act: Mutex::new(Some(act)),
        };
        let serving = Handle::new(Arc::clone(world.store()), everything(), Arc::new(clock));
        scheduler::pass(&serving).await.unwrap();
        scheduler::pass(&serving).await.unwrap();
        assert!(
            matches!(world.decision(id).state, State::Pending(_)),
            "{at}: {:#?}",
            world.told(id)
        );
    }
}
