//! `gander status`: open decisions by project, and the bot's health.

use super::{Common, Exit, Outcome, output};
use crate::core::Time;
use crate::core::text;
use crate::core::untrusted::one_line;
use crate::engine::pulse::{self, Pulse, Running};
use crate::engine::status::{ProjectStatus, Status};

/// Most cards listed by id.
const MOST_NAMED: usize = 5;

/// `gander status`.
pub(super) async fn run(common: &Common) -> Outcome {
    let opened = common.open()?;
    let mut status = opened.handle.status().await?;
    let running = pulse::of(&opened.store);
    if let Running::Yes(pulse) = &running {
        status.bot = Some((**pulse).clone());
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

fn open(status: &Status) -> Vec<String> {
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
        facts.push(format!("{} put off, back {next}", project.deferred));
    }
    facts
}

fn bot(status: &Status, running: &Running, wall: Time) -> Vec<String> {
    let mut lines = match running {
        Running::No => vec!["✘ No gander serve runs on this store: cards are not posted, and clicks are not answered.".to_owned()],
        Running::Silent(holder) => vec![format!("⚠ A gander serve runs on this store ({holder}) and has not said how it is.")],
        Running::Yes(pulse) => of(pulse, wall),
    };
    let held_back = match running {
        Running::Yes(pulse) => pulse.held_back.len(),
        _ => 0,
    };
    let waiting = status.unshown.len().saturating_sub(held_back);
    if waiting > 0 {
        let cards = count(waiting, "card is", "cards are");
        lines.push(format!(
            "⚠ {cards} not posted yet, or not yet drawn as {} now.",
            if waiting == 1 { "it is" } else { "they are" }
        ));
    }
    lines
}

fn of(pulse: &Pulse, wall: Time) -> Vec<String> {
    let since = text::span(wall - pulse.since);
    let mut lines = vec![match pulse.connected {
        Some(connected) => format!(
            "✔ gander serve runs since {since} (process {}), connected to Discord since {}.",
            pulse.process,
            text::span(wall - connected)
        ),
        None => format!(
            "✘ gander serve runs since {since} (process {}), and is not connected to Discord.",
            pulse.process
        ),
    }];
    if let Some(trouble) = &pulse.configuration {
        lines.push(format!(
            "✘ Its configuration has a mistake, so what it said before holds: {trouble}"
        ));
    }
    lines.extend(pulse.after_restart.iter().map(|change| format!("⚠ {change}")));
    lines.extend(pulse.another.as_ref().map(|another| {
        let (what, mend) = another.said(wall);
        format!("⚠ {what}. {mend}.")
    }));
    let held_back = pulse.held_back.len();
    if held_back > 0 {
        lines.push(format!(
            "✘ {} be shown at present:",
            count(held_back, "card cannot", "cards cannot")
        ));
        lines.extend(
            pulse.held_back.iter().take(MOST_NAMED).map(|(id, why)| format!("  {id}: {why}")),
        );
    }
    if held_back > MOST_NAMED {
        lines.push(format!("  and {} more; gander doctor says more", held_back - MOST_NAMED));
    }
    lines
}
