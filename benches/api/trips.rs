//! Round trips: asking, waiting for what is answered already, looking, and the whole of an agent's
//! loop.

use std::sync::{Arc, Mutex};

use discord_sandbox::RateLimits;

use super::Counts;
use super::load::{Load, TASKS, load};
use super::serve::Served;

/// Each by one caller and by many.
#[derive(Debug, Default)]
pub(crate) struct Trips {
    ask: [Load; 2],
    take: [Load; 2],
    look: [Load; 2],
    whole: [Load; 2],
}

/// What the two are called.
pub(crate) fn both() -> [String; 2] {
    ["one caller".into(), format!("{TASKS} concurrent callers")]
}

impl Trips {
    pub(crate) const fn rows(&self) -> [(&'static str, &[Load; 2]); 4] {
        [
            ("ask: POST /v1/decisions, durable", &self.ask),
            ("wait, already answered: claimed, durable", &self.take),
            ("wait, already answered: not claimed", &self.look),
            ("ask, approve, wait and claim, report: four durable", &self.whole),
        ]
    }
}

pub(crate) async fn run(counts: Counts) -> Trips {
    let mut trips = Trips::default();
    for (index, (tasks, count)) in
        [(1, counts.alone), (TASKS, counts.together)].into_iter().enumerate()
    {
        // What is open in one costs nothing in the other.
        let served = Served::start(true, RateLimits::Real).await;
        let (agent, person) = (served.agent.clone(), served.person.clone());
        trips.ask[index] = load(tasks, count, {
            let agent = agent.clone();
            move |number| {
                let agent = agent.clone();
                async move {
                    agent.ask(number).await;
                }
            }
        })
        .await;
        let ids = Arc::new(answered(&served, count).await);
        let waits = |claim: bool| {
            let (agent, ids) = (agent.clone(), Arc::clone(&ids));
            move |number: usize| {
                let (agent, id) = (agent.clone(), ids[number]);
                async move {
                    if claim {
                        agent.take(id).await;
                    } else {
                        agent.get(&format!("/v1/decisions/{id}/wait?timeout=600")).await;
                    }
                }
            }
        };
        trips.look[index] = load(tasks, count, waits(false)).await;
        trips.take[index] = load(tasks, count, waits(true)).await;
        trips.whole[index] = load(tasks, count / 4, move |number| {
            let (agent, person) = (agent.clone(), person.clone());
            async move {
                let id = agent.ask(number).await;
                person.approve(id).await;
                agent.take(id).await;
                agent
                    .post(
                        &format!("/v1/decisions/{id}/outcome"),
                        r#"{"outcome": "succeeded"}"#.into(),
                    )
                    .await;
            }
        })
        .await;
        served.end().await;
    }
    trips
}

/// So many decisions that are approved and not taken.
async fn answered(served: &Served, count: usize) -> Vec<i64> {
    let ids = Arc::new(Mutex::new(Vec::new()));
    let (agent, person, kept) = (served.agent.clone(), served.person.clone(), Arc::clone(&ids));
    load(TASKS, count, move |number| {
        let (agent, person, kept) = (agent.clone(), person.clone(), Arc::clone(&kept));
        async move {
            let id = agent.ask(number).await;
            person.approve(id).await;
            kept.lock().unwrap().push(id);
        }
    })
    .await;
    Arc::into_inner(ids).unwrap().into_inner().unwrap()
}
