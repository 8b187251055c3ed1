//! The whole ladder of a decision that nobody answers, through the real engine and store: in
//! virtual time, with the program killed before and after each rung, over pauses of any length, and
//! through all that can happen on the way.

use chrono::TimeDelta;
use gander::core::decision::{Request, Risk, SafeDefault};

use crate::ladder_world;
use crate::ladder_world::{World, hours, minutes};

pub(crate) const BREACH: &str = "dm mention push sms webhook desktop";

fn slas() -> [(&'static str, Option<TimeDelta>, Vec<String>); 4] {
    let said = |steps: &[&str]| steps.iter().map(|step| step.replace('*', BREACH)).collect();
    [
        (
            "45 min",
            Some(minutes(45)),
            said(&[
                "15m SLA warning: here mention push dm",
                "45m breach: *",
                "2h 45m overdue: voice",
                "2h 45m rejected",
            ]),
        ),
        (
            "2 h",
            Some(hours(2)),
            said(&[
                "30m reminder: dm",
                "1h 30m SLA warning: here mention push",
                "2h breach: *",
                "4h overdue: voice",
                "4h rejected",
            ]),
        ),
        (
            "the default",
            None,
            said(&[
                "30m reminder: dm",
                "2h reminder: mention push",
                "4h SLA warning: here",
                "4h 30m breach: *",
                "6h 30m overdue: voice",
                "6h 30m rejected",
            ]),
        ),
        (
            "24 h",
            Some(hours(24)),
            said(&[
                "30m reminder: dm",
                "2h reminder: mention push",
                "6h reminder: mention push",
                "10h reminder: mention push",
                "14h reminder: mention push",
                "18h reminder: mention push",
                "22h reminder: mention push",
                "23h 30m SLA warning: here",
                "1d breach: *",
                "1d 2h overdue: voice",
                "1d 2h rejected",
            ]),
        ),
    ]
}

pub(crate) fn question(sla: Option<TimeDelta>) -> Request {
    let sla_seconds = sla.map(|sla| u64::try_from(sla.num_seconds()).unwrap());
    Request { title: "Deploy?".into(), risk: Risk::Low, sla_seconds, ..Request::default() }
}

#[tokio::test]
async fn each_rung_fires_once_in_its_time_to_the_default() {
    for (name, sla, expected) in slas() {
        let world = World::new();
        let id = world.ask(question(sla)).await;
        world.to_the_end(id).await;
        assert_eq!(world.told(id), expected, "an SLA of {name}");
        world.must_be_whole();
    }
}

#[tokio::test]
async fn who_dies_before_and_after_each_rung_climbs_the_same_ladder() {
    for (name, sla, expected) in slas() {
        let mut world = World::new();
        let id = world.ask(question(sla)).await;
        let mut deaths = 0;
        while let Some(wake) = world.wakes(id) {
            world.die();
            world.clock.set(wake.max(world.now()));
            // The due moment has come, and nothing of it was written.
            world.die();
            world.fail_to_write().await;
            world.die();
            // The rung is written, and nothing else was done: between the last one and the safe
            // default, too.
            world.pass().await;
            world.die();
            deaths += 4;
        }
        assert_eq!(world.told(id), expected, "an SLA of {name}");
        assert!(deaths > 4 * 3, "{deaths}");
        world.must_be_whole();
    }
}

#[tokio::test]
async fn after_a_pause_only_the_highest_due_rung_fires_and_the_log_names_the_others() {
    for (name, sla, undisturbed) in slas() {
        let steps = undisturbed.len() - 1;
        for seconds in [1, 30, 60, 599, 3_600, 5 * 3_600, 86_400, 7 * 86_400, 30 * 86_400] {
            let mut world = World::new();
            let id = world.ask(question(sla)).await;
            let pause = TimeDelta::seconds(seconds);
            while let Some(wake) = world.wakes(id) {
                let late = (wake - world.now()).max(TimeDelta::zero());
                let pauses = late.num_milliseconds() / pause.num_milliseconds()
                    + i32::from(late > TimeDelta::zero()) as i64;
                world.clock.advance(pause * i32::try_from(pauses).unwrap());
                world.die();
                let before = world.told(id).len();
                world.pass().await;
                assert_eq!(
                    world.told(id).len(),
                    before + 1,
                    "one at a time, SLA {name}, pauses of {seconds} s"
                );
            }
            let fired = world.told(id);
            let passed = world.passed(id);
            assert_eq!(
                fired.len() - 1 + passed,
                steps,
                "SLA {name}, pauses of {seconds} s: {fired:#?}"
            );
            assert!(fired.last().unwrap().ends_with(" rejected"), "{fired:#?}");
            world.must_be_whole();
        }
    }
    let world = World::new();
    let id = world.ask(question(None)).await;
    world.clock.advance(TimeDelta::days(30));
    world.pass().await;
    let late = format!(
        "30d breach: {BREACH} (passed over: reminder due after 30m, reminder due after 2h, SLA \
         warning due after 4h)"
    );
    assert_eq!(world.told(id), [late.as_str()]);
    // People have the two hours that the breach promises.
    world.to_the_end(id).await;
    assert_eq!(world.told(id), [late.as_str(), "30d 2h overdue: voice", "30d 2h rejected"]);
}

#[tokio::test]
async fn a_breach_that_reached_nobody_approves_nothing() {
    let world = World::with(ladder_world::silence_approves());
    let id = world
        .ask(Request { safe_default: Some(SafeDefault::Approve), ..question(Some(hours(2))) })
        .await;
    world.to_the_end(id).await;
    assert_eq!(world.told(id).last().unwrap(), "4h rejected");
}

#[tokio::test]
async fn people_are_told_before_their_silence_approves_however_long_the_bot_was_away() {
    for days in [1, 30] {
        let mut world = World::with(ladder_world::silence_approves());
        world.reaches = true;
        let id = world
            .ask(Request { safe_default: Some(SafeDefault::Approve), ..question(Some(hours(2))) })
            .await;
        world.clock.advance(TimeDelta::days(days));
        world.pass().await;
        let late = format!(
            "{days}d breach: {BREACH} (passed over: reminder due after 30m, SLA warning due after \
             1h 30m)"
        );
        assert_eq!(world.told(id), [late.as_str()]);
        world.to_the_end(id).await;
        let (overdue, approved) =
            (format!("{days}d 2h overdue: voice"), format!("{days}d 2h approved"));
        assert_eq!(world.told(id), [late, overdue, approved]);
    }
}
