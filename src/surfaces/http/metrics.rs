//! `/metrics`: open waits and streams, responses by status, and the state of decisions.

use std::sync::atomic::AtomicI64;

use axum::http::StatusCode;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::sync::watch;

use crate::engine::operations::status::SystemStatus;

type Labels = Vec<(&'static str, String)>;
type ByProject = Family<Labels, Gauge<i64, AtomicI64>>;

/// Counters of this process.
#[derive(Debug, Default)]
pub(super) struct Counters {
    answered: Family<Labels, Counter>,
    waiting: watch::Sender<i64>,
    streams: watch::Sender<i64>,
}

/// Counts a wait or stream as open until dropped.
#[derive(Debug)]
pub(super) struct OpenGuard(watch::Sender<i64>);

impl OpenGuard {
    fn new(count: &watch::Sender<i64>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count.clone())
    }
}

impl Drop for OpenGuard {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

impl Counters {
    /// Counts a request that waits for a verdict.
    pub(super) fn waiting(&self) -> OpenGuard {
        OpenGuard::new(&self.waiting)
    }

    /// Counts an event stream.
    pub(super) fn streaming(&self) -> OpenGuard {
        OpenGuard::new(&self.streams)
    }

    pub(super) fn answered(&self, status: StatusCode) {
        self.answered.get_or_create(&vec![("status", status.as_u16().to_string())]).inc();
    }

    /// All metrics in the OpenMetrics text format. `head`: position of the latest event.
    pub(super) fn text(&self, status: &SystemStatus, head: u64) -> String {
        let mut registry = Registry::with_prefix("gander");
        registry.register("http_requests", "Requests answered, by status", self.answered.clone());
        let mut gauge = |name: &str, help: &str, value| register(&mut registry, name, help, value);
        gauge("http_waiting", "Requests waiting for a verdict", *self.waiting.borrow());
        gauge("http_streams", "Open event streams", *self.streams.borrow());
        gauge(
            "log_position",
            "Position of the latest event",
            i64::try_from(head).unwrap_or(i64::MAX),
        );
        let connected = status.bot.as_ref().is_some_and(|bot| bot.connected.is_some());
        gauge("connected", "Whether the bot is connected to Discord", i64::from(connected));
        decisions(&mut registry, status);
        encoded(&registry)
    }
}

/// The metrics of the decisions that a status counts, in the OpenMetrics text format. Says nothing
/// of the process or of other projects.
pub(super) fn metrics_of_projects(status: &SystemStatus) -> String {
    let mut registry = Registry::with_prefix("gander");
    decisions(&mut registry, status);
    encoded(&registry)
}

fn encoded(registry: &Registry) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = encode(&mut text, registry);
    text
}

fn register(registry: &mut Registry, name: &str, help: &str, value: i64) {
    let gauge: Gauge<i64, AtomicI64> = Gauge::default();
    gauge.set(value);
    registry.register(name, help, gauge);
}

fn decisions(registry: &mut Registry, status: &SystemStatus) {
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let decided = count(status.decided_today);
    register(registry, "decided_today", "Decisions decided since midnight", decided);
    let unshown = count(status.unshown.len());
    register(registry, "cards_unshown", "Open decisions whose card is out of date", unshown);
    let families: [ByProject; 3] = Default::default();
    for project in &status.projects {
        let labels = vec![("project", project.project.clone())];
        for (family, value) in
            families.iter().zip([project.waiting, project.overdue, project.deferred])
        {
            family.get_or_create(&labels).set(count(value));
        }
    }
    let [waiting, overdue, deferred] = families;
    registry.register("decisions_waiting", "Decisions waiting for an answer", waiting);
    registry.register("decisions_overdue", "Waiting decisions with a breached SLA", overdue);
    registry.register("decisions_deferred", "Deferred decisions", deferred);
}
