//! The details view: everything about a decision beyond the card's space.

use super::permission::{self, Where};
use super::{Card, Field, TextFile, footer, tone};
use crate::core::decision::{Choice, Decision};
use crate::core::untrusted::{clean, code_block, escaped, one_line, quotation, units};
use crate::core::values::time_scale::TimeScale;
use crate::presentation::text;
use crate::presentation::text::label;

/// Maximum characters of each part; the attached file has the full text (Discord: 4,096 in a
/// description, 6,000 in all).
const PART: usize = 700;
/// Like [`PART`], beside a tool call that needs the room.
const PART_BESIDE: usize = 300;
/// Maximum characters of a field's text (Discord: 1,024).
const FIELD: usize = 1_000;

/// The full request and terms, with long texts and diffs as files.
#[must_use]
pub fn details_card(decision: &Decision, time_scale: TimeScale) -> Card {
    let body = &decision.request.body;
    let mut texts = vec![full_text_file(decision)];
    if decision.is_permission() {
        texts.extend(permission::file(decision));
    } else if is_diff(&clean(body)) {
        texts
            .push(TextFile { name: format!("decision-{}.diff", decision.id.0), text: clean(body) });
    }
    Card {
        headline: String::new(),
        tone: tone(decision),
        title: format!("{} · {}", decision.id, escaped(&text::named(&decision.request), 230).text),
        description: told(decision),
        fields: terms(decision, time_scale),
        footer: footer(decision),
        controls: false,
        texts,
        attachments: Vec::new(),
    }
}

/// The agent's text, each part cut to the available room; the file has the full text.
fn told(decision: &Decision) -> String {
    let (request, insight) = (&decision.request, &decision.request.insight);
    let runs = permission::what_runs(decision, Where::Details);
    let part = if runs.is_some() { PART_BESIDE } else { PART };
    let body = clean(&request.body);
    let body =
        if is_diff(&body) { code_block(&body, "diff", PART) } else { quotation(body.trim(), PART) };
    let said = |text: &str| escaped(clean(text).trim(), part).text;
    let parts = [
        (label::WHAT_RUNS, runs.as_ref().map(|runs| runs.text.clone()).unwrap_or_default()),
        (label::OBSERVATION, said(&insight.observation)),
        (label::WHY_IT_MATTERS, said(&insight.why_it_matters)),
        (label::WHAT_TO_DO, said(&insight.what_to_do)),
        (label::OPTIONS, text::options(&request.options, part).text),
        (label::BODY, if runs.is_some() { String::new() } else { body.text }),
    ];
    let kept = parts.into_iter().filter(|(_, text)| !text.trim().is_empty());
    kept.map(|(name, text)| format!("**{name}**\n{}", text.trim_end()))
        .collect::<Vec<_>>()
        .join("\n")
}

fn terms(decision: &Decision, time_scale: TimeScale) -> Vec<Field> {
    let (request, terms) = (&decision.request, &decision.terms);
    let said = |text: &str| escaped(&one_line(text), 200).text;
    let raised = if terms.risk > request.risk {
        format!(" (asked as {})", request.risk)
    } else {
        String::new()
    };
    let agent = match &request.agent.session {
        Some(session) => format!("{} · {}", said(&request.agent.name), said(session)),
        None => said(&request.agent.name),
    };
    let links: Vec<String> =
        request.links.iter().map(|link| text::link(&link.name, &link.url)).collect();
    let approvals = decision.approvals_needed();
    let inline = [
        (label::PROJECT, said(&request.project)),
        (label::KIND, said(&request.kind.words())),
        (label::ENVIRONMENT, request.environment.as_deref().map(said).unwrap_or_default()),
        (label::AGENT, agent),
        (label::JOB, request.job.as_deref().map(said).unwrap_or_default()),
        (label::RISK, format!("{} {}{raised}", text::dot(terms.risk), terms.risk)),
        (label::PRIORITY, text::priority(decision)),
        (label::ASKED, text::moment(time_scale.wall_time(decision.asked_at))),
        (label::ANSWER_BY, text::moment(time_scale.wall_time(decision.breach_at()))),
        (label::APPROVALS, if approvals > 1 { approvals.to_string() } else { String::new() }),
    ];
    let fields = inline.into_iter().map(|(name, value)| (name, value, true)).chain([(
        label::LINKS,
        fitting(&links),
        false,
    )]);
    let kept = fields.filter(|(_, value, _)| !value.is_empty());
    kept.map(|(name, value, inline)| Field { name: name.to_owned(), value, inline }).collect()
}

/// As many whole lines as fit into a field.
fn fitting(lines: &[String]) -> String {
    let mut text = String::new();
    for line in lines {
        if units(&text) + units(line) + 3 > FIELD {
            text.push('…');
            break;
        }
        text.push_str(line);
        text.push('\n');
    }
    text.trim_end().to_owned()
}

/// Whether a text is a diff, for syntax colouring.
pub(crate) fn is_diff(text: &str) -> bool {
    ["diff --git ", "--- ", "@@ ", "*** Begin Patch"].iter().any(|start| text.starts_with(start))
}

/// The file with [`full_text`].
pub(crate) fn full_text_file(decision: &Decision) -> TextFile {
    TextFile { name: text::full_text_file(decision), text: full_text(decision) }
}

/// The full request as plain text. Cleaned but not escaped, because no Markdown renderer reads the
/// file.
#[must_use]
pub fn full_text(decision: &Decision) -> String {
    let request = &decision.request;
    let mut parts = vec![format!("# {} {}", decision.id, text::named(request))];
    for (name, value) in [
        (label::OBSERVATION, &request.insight.observation),
        (label::WHY_IT_MATTERS, &request.insight.why_it_matters),
        (label::WHAT_TO_DO, &request.insight.what_to_do),
    ] {
        if !value.trim().is_empty() {
            parts.push(format!("## {name}\n\n{}", clean(value).trim()));
        }
    }
    if !request.options.is_empty() {
        let line = |choice: &Choice| {
            format!("- {}: {}", one_line(&choice.name), one_line(&choice.description))
        };
        let lines: Vec<String> = request.options.iter().map(line).collect();
        parts.push(format!("## {}\n\n{}", label::OPTIONS, lines.join("\n")));
    }
    if !request.details.is_empty() {
        let lines: Vec<String> = request
            .details
            .iter()
            .map(|d| {
                format!("- {}: {}", one_line(&d.name), text::readable(request, &d.value).trim())
            })
            .collect();
        parts.push(format!("## {}\n\n{}", label::DETAILS, lines.join("\n")));
    }
    if !request.links.is_empty() {
        let lines: Vec<String> = request
            .links
            .iter()
            .map(|link| format!("- {}: {}", one_line(&link.name), one_line(&link.url)))
            .collect();
        parts.push(format!("## {}\n\n{}", label::LINKS, lines.join("\n")));
    }
    if !request.body.trim().is_empty() {
        let name = if decision.is_permission() { label::WHAT_RUNS } else { label::BODY };
        parts.push(format!("## {name}\n\n{}", text::readable(request, &request.body).trim()));
    }
    parts.join("\n\n") + "\n"
}
