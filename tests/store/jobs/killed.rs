//! Processes that are killed at any moment of a change: each change is there as a whole, or not at
//! all, and nothing of it happens twice.

use gander::core::jobs::{JobId, LeaseRef};
use gander::store::JobFilter;

use super::store;
use crate::common::chance::Chance;
use crate::common::process::{Home, Program};

/// Rounds, each with a process that is killed.
const ROUNDS: usize = 40;

/// One round's command, which changes a queue of two jobs, of which the second depends on the
/// first.
const COMMANDS: [&[&str]; 6] = [
    &["job", "add", "more", "--source", "issues", "--source-id", "9"],
    &["job", "next", "--worker", "ada"],
    &["job", "fail", "1", "--reason", "given up"],
    &["job", "retry", "1", "--hint", "again"],
    &["halt"],
    &["halt", "--lift"],
];

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_there_as_a_whole_or_not_at_all() {
    let home = Home::new();
    home.run(&["ask", "Deploy?"]).await.must(0, &[]);
    home.run(&["job", "add", "first"]).await.must(0, &["1\n"]);
    home.run(&["job", "add", "second", "--after", "1"]).await.must(0, &["2\n"]);
    let mut chance = Chance::new();
    println!("{}", chance.replay());
    let mut killed = 0;
    for round in 0..ROUNDS {
        let command = COMMANDS[round % COMMANDS.len()];
        let mut program = Program::start(home.gander(command));
        // A random moment of a short life: not a wait for something.
        let pause = std::time::Duration::from_micros(chance.below(25_000));
        tokio::time::sleep(pause).await;
        killed += usize::from(program.is_running());
        program.kill().await;
        let store = store(&home.store());
        let audit = store.audit().verify().unwrap();
        assert_eq!(audit.fault, None, "after {command:?}, killed after {pause:?}");
        let jobs = store.jobs().list(&JobFilter { open_only: true, ..JobFilter::default() });
        let jobs = jobs.unwrap();
        let of_source = jobs.iter().filter(|job| job.request.source.is_some()).count();
        assert!(of_source <= 1, "the source is queued once");
        let (first, second) = (
            store.jobs().get(JobId(1)).unwrap().unwrap(),
            store.jobs().get(JobId(2)).unwrap().unwrap(),
        );
        let blocked = first.state.fails_dependants();
        assert_eq!(
            second.state.word() == "needs_person",
            blocked,
            "{:?} and {:?}",
            first.state,
            second.state
        );
        let halted = !store.jobs().halts().unwrap().is_empty();
        assert!(!halted || jobs.iter().all(|job| LeaseRef::of(job).is_none()), "{jobs:?}");
    }
    println!("{killed} of {ROUNDS} were killed before they ended");
}
