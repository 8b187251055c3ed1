//! Callers: one after the other, or many at once.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Callers at the same time.
pub(crate) const TASKS: usize = 32;

/// How long each took, and all of them.
#[derive(Debug, Default)]
pub(crate) struct Load {
    pub(crate) times: Vec<Duration>,
    pub(crate) whole: Duration,
}

/// Does this so often, from so many tasks at once.
pub(crate) async fn load<F, R>(tasks: usize, count: usize, act: F) -> Load
where
    F: Fn(usize) -> R + Clone + Send + 'static,
    R: Future<Output = ()> + Send,
{
    let next = Arc::new(AtomicUsize::new(0));
    let began = Instant::now();
    let tasks: Vec<_> = (0..tasks)
        .map(|_| {
            let (next, act) = (Arc::clone(&next), act.clone());
            tokio::spawn(async move {
                let mut times = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return times;
                    }
                    let called = Instant::now();
                    act(number).await;
                    times.push(called.elapsed());
                }
            })
        })
        .collect();
    let mut done = Load::default();
    for task in tasks {
        done.times.extend(task.await.unwrap());
    }
    done.whole = began.elapsed();
    done
}
