//! Alertmanager's webhook, version 4: a firing alert is a question, a resolved one withdraws it.
//!
//! An alert is known by its fingerprint and by when it began: repeated notifications of one alert
//! ask once, also after the answer.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::core::decision::{
    ALERTMANAGER_KEY, Agent, Detail, Insight, Kind, Link, Priority, Request, Risk,
};
use crate::engine::{Handle, HandleError};
use crate::sources::effect::{Applied, Effect, title_part};
use crate::sources::{ask_once, short_hash};

const RESOLVED: &str = "the alert is resolved";
/// Labels that the card shows, beside the alert's name.
const MOST_LABELS: usize = 8;

/// A notification.
#[derive(Debug, Deserialize)]
pub(super) struct Message {
    alerts: Vec<Alert>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Alert {
    status: Status,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    starts_at: String,
    #[serde(default, rename = "generatorURL")]
    generator_url: String,
    fingerprint: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Firing,
    Resolved,
}

/// Asks about firing alerts, and withdraws the questions about resolved ones.
///
/// # Errors
/// A store error, or a limit: Alertmanager sends the message again.
pub(super) async fn receive(
    handle: &Handle,
    message: Message,
    project: &str,
) -> Result<(), HandleError> {
    let mut applied = Applied::default();
    for alert in message.alerts {
        let prefix = format!("{ALERTMANAGER_KEY}{}:", short_hash(alert.fingerprint.as_bytes()));
        if alert.status == Status::Resolved {
            Effect::Over { prefix, reason: RESOLVED }.apply(handle, &mut applied).await?;
            continue;
        }
        match ask_once(handle, question(&alert, prefix, project)).await {
            Ok(_) => {}
            Err(HandleError::InvalidRequest(why)) => {
                tracing::warn!(%why, "an alert's question was refused");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn question(alert: &Alert, prefix: String, project: &str) -> Request {
    let label = |name: &str| alert.labels.get(name).map(String::as_str);
    let note = |name: &str| alert.annotations.get(name).cloned().unwrap_or_default();
    let name = label("alertname").unwrap_or("alert");
    let summary = note("summary");
    let severity = label("severity").unwrap_or_default();
    let (risk, priority) = match severity {
        "critical" | "page" | "error" => (Risk::High, Priority::High),
        "info" | "none" => (Risk::Low, Priority::Low),
        _ => (Risk::Medium, Priority::Normal),
    };
    let title = if summary.is_empty() { name.to_owned() } else { format!("{name}: {summary}") };
    let others = alert.labels.iter().filter(|(key, _)| *key != "alertname").take(MOST_LABELS);
    let links = [("source", alert.generator_url.clone()), ("runbook", note("runbook_url"))];
    let is_link = |url: &str| {
        (url.starts_with("https://") || url.starts_with("http://"))
            && !url.contains(char::is_whitespace)
    };
    Request {
        title: format!("Alert: {}", title_part(&title)),
        kind: Kind::from("insight"),
        insight: Insight {
            observation: [note("description"), note("message"), summary]
                .into_iter()
                .find(|text| !text.is_empty())
                .unwrap_or_default(),
            why_it_matters: note("impact"),
            what_to_do: "Approve to say that somebody takes care of it; reject if nobody needs to."
                .into(),
        },
        details: others
            .map(|(name, value)| Detail { name: name.clone(), value: value.clone() })
            .chain([Detail { name: "since".into(), value: alert.starts_at.clone() }])
            .collect(),
        links: links
            .into_iter()
            .filter(|(_, url)| is_link(url))
            .map(|(name, url)| Link { name: name.into(), url })
            .collect(),
        project: project.to_owned(),
        agent: Agent { name: "alertmanager".into(), session: None },
        risk,
        priority,
        dedup_key: Some(prefix + &short_hash(alert.starts_at.as_bytes())),
        ..Request::default()
    }
}
