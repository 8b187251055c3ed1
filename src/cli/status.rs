//! `gander status`: open decisions by project, and the bot's health.

use super::{Common, Exit, Outcome, output};
use crate::core::Time;
use crate::core::untrusted::one_line;
use crate::engine::operations::heartbeat;
use crate::engine::operations::heartbeat::{Heartbeat, Running};
use crate::engine::operations::status::{ProjectStatus, SystemStatus};
use crate::presentation::text;

/// Most cards listed by id.
const MOST_NAMED: usize = 5;

/// `gander status`.
pub(super) async fn run(common: &Common) -> Outcome {
    let opened = common.open()?;
    let mut status = opened.handle.operations().status().await?;
    let running = heartbeat::of(&opened.store);
    if let Running::Yes(heartbeat) = &running {
        status.bot = Some((**heartbeat).clone());
    }
    if common.json {
        output::json(&serde_json::json!({
            "status": status,
            "waiting": status.waiting(), "overdue": status.overdue(), "deferred": status.deferred(),
            "running": running != Running::No, "healthy": status.is_healthy(),
        }));
        return Ok(Exit::Yes);
    }
    for line in open(&status).into_iter().chain([String::new()]).chain(bot(
        &status,
        &running,
        opened.handle.clock().wall(),
    )) {
        output::line(&line);
    }
    Ok(Exit::Yes)
}

fn count(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn open(status: &SystemStatus) -> Vec<String> {
    let mut lines = match (status.waiting(), status.overdue()) {
        (0, _) => vec!["Nothing waits for an answer.".to_owned()],
        (waiting, 0) => vec![format!(
            "{} for an answer, none overdue.",
            count(waiting, "decision waits", "decisions wait")
        )],
        (waiting, overdue) => {
            vec![format!(
                "{} for an answer, {overdue} overdue.",
                count(waiting, "decision waits", "decisions wait")
            )]
        }
    };
    let name = |project: &ProjectStatus| one_line(&project.project);
    let width =
        status.projects.iter().map(|project| name(project).chars().count()).max().unwrap_or(0);
    for project in &status.projects {
        lines.push(format!(
            "  {:<width$}  {}",
            name(project),
            facts(project, status.at).join(" · ")
        ));
    }
    lines.push(match status.decided_today {
        0 => "Nothing was decided today.".to_owned(),
        decided => format!("{} decided today.", count(decided, "decision was", "decisions were")),
    });
    lines
}

fn facts(project: &ProjectStatus, now: Time) -> Vec<String> {
    let mut facts = Vec::new();
    if let Some(oldest) = project.oldest {
        facts.push(format!("{} waiting", project.waiting));
        if project.overdue > 0 {
            facts.push(format!("{} overdue", project.overdue));
        }
        facts.push(format!("the oldest, {}, for {}", oldest.id, text::span(now - oldest.asked_at)));
    }
    if let Some(next) = project.next_return {
        let next =
            if next > now { format!("in {}", text::span(next - now)) } else { "now".to_owned() };
        facts.push(format!("{} deferred, back {next}", project.deferred));
    }
    facts
}

fn bot(status: &SystemStatus, running: &Running, wall: Time) -> Vec<String> {
    let mut lines = match running {
        Running::No => vec![
            "✘ gander serve is not running on this store: cards are not posted, \
            and clicks are not answered."
                .to_owned(),
        ],
        Running::Silent(holder) => vec![format!(
            "⚠ gander serve runs on this store ({holder}), but has not reported its health."
        )],
        Running::Yes(heartbeat) => of(heartbeat, wall),
    };
    let held_back = match running {
        Running::Yes(heartbeat) => heartbeat.held_back.len(),
        _ => 0,
    };
    let waiting = status.unshown.len().saturating_sub(held_back);
    if waiting > 0 {
        let cards = count(waiting, "card is", "cards are");
        lines.push(format!("⚠ {cards} not posted yet, or not up to date."));
    }
    lines
}

fn of(heartbeat: &Heartbeat, wall: Time) -> Vec<String> {
    let since = text::span(wall - heartbeat.since);
    let mut lines = vec![match heartbeat.connected {
        Some(connected) => format!(
            "✔ gander serve has been running since {since} (process {}), connected to Discord \
             since {}.",
            heartbeat.process,
            text::span(wall - connected)
        ),
        None => format!(
            "✘ gander serve has been running since {since} (process {}), but is not connected to \
             Discord.",
            heartbeat.process
        ),
    }];
    if let Some(trouble) = &heartbeat.configuration {
        lines.push(format!(
            "✘ Its configuration is invalid, so it uses the previous one: {trouble}"
        ));
    }
    lines.extend(heartbeat.after_restart.iter().map(|change| format!("⚠ {change}")));
    lines.extend(heartbeat.other_servers.iter().map(|(id, name)| {
        let (what, mend) = text::in_server(name, *id);
        format!("⚠ {what}. {mend}.")
    }));
    lines.extend(heartbeat.another.as_ref().map(|another| {
        let (what, remedy) = another.describe(wall);
        format!("⚠ {what}. {remedy}.")
    }));
    let held_back = heartbeat.held_back.len();
    if held_back > 0 {
        lines.push(format!(
            "✘ {} be posted at present:",
            count(held_back, "card cannot", "cards cannot")
        ));
        lines.extend(
            heartbeat.held_back.iter().take(MOST_NAMED).map(|(id, why)| format!("  {id}: {why}")),
        );
    }
    if held_back > MOST_NAMED {
        lines.push(format!("  and {} more: see gander doctor", held_back - MOST_NAMED));
    }
    lines
}
