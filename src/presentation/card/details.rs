//! The details view: everything about a decision beyond the card's space.

use super::permission::{self, Where, masked_note};
use super::told::whole_footer;
use super::{Card, Field, Files, TextFile, edited, scripts, tone};
use crate::core::decision::{Choice, Decision, Question, Request, State};
use crate::core::untrusted::{
    Secrets, clean, code_block, escaped, in_line, one_line, plain, quotation, units,
};
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

/// The full request and terms, with long texts and diffs as files. `secrets` are shown only to a
/// person who may decide.
#[must_use]
pub fn details_card(decision: &Decision, time_scale: TimeScale, secrets: Secrets) -> Card {
    let body = text::readable(&decision.request, &decision.request.body, secrets);
    let mut texts =
        vec![TextFile { text: full_text(decision, secrets), ..full_text_file(decision) }];
    if decision.is_call() {
        texts.extend(permission::file(decision, secrets));
    } else if is_diff(&body) {
        texts.push(TextFile { name: format!("decision-{}.diff", decision.id.0), text: body });
    }
    let card = |description, texts| Card {
        headline: String::new(),
        tone: tone(decision),
        title: format!(
            "{} · {}",
            decision.id,
            escaped(&text::card_title(&decision.request), 230).text
        ),
        description,
        fields: terms(decision, time_scale),
        footer: whole_footer(decision),
        controls: false,
        approvable: false,
        texts,
        attachments: Vec::new(),
        without_files: None,
    };
    let bare = card(told(decision, secrets, Files::Refused), Vec::new());
    let whole = card(told(decision, secrets, Files::Posted), texts);
    Card { without_files: Some(Box::new(bare)), ..whole }
}

/// The agent's text, each part cut to the available room; the file has the full text.
fn told(decision: &Decision, secrets: Secrets, files: Files) -> String {
    let (request, insight) = (&decision.request, &decision.request.insight);
    let runs = permission::what_runs(decision, Where::Details, secrets, files);
    let part = if runs.is_some() { PART_BESIDE } else { PART };
    let body = text::readable(request, &request.body, secrets);
    let body =
        if is_diff(&body) { code_block(&body, "diff", PART) } else { quotation(body.trim(), PART) };
    let said = |words: &str| quotation(text::readable(request, words, secrets).trim(), part).text;
    let details: Vec<String> = request
        .details
        .iter()
        .map(|detail| text::detail(request, detail, PART_BESIDE, secrets).text)
        .collect();
    let details = text::fitting_quotations(&details, part).0;
    let edited = edited::shown(decision, Where::Details, secrets, files);
    let changed = scripts::changed(decision, Where::Details, secrets, files);
    let parts = [
        (label::EDITED, edited.map(|edited| edited.text).unwrap_or_default()),
        (label::WHAT_RUNS, runs.as_ref().map(|runs| runs.text.clone()).unwrap_or_default()),
        (label::CHANGED, changed.map(|changed| changed.text).unwrap_or_default()),
        (label::SCRIPTS, scripts::beginnings(decision, secrets, files)),
        (label::OBSERVATION, said(&insight.observation)),
        (label::WHY_IT_MATTERS, said(&insight.why_it_matters)),
        (label::WHAT_TO_DO, said(&insight.what_to_do)),
        (label::OPTIONS, text::options(&request.options, part).text),
        (label::QUESTIONS, several(request, PART)),
        (label::AGENTS_DETAILS, details),
        (label::BODY, if runs.is_some() { String::new() } else { body.text }),
    ];
    let kept = parts.into_iter().filter(|(_, text)| !text.trim().is_empty());
    let parts = kept.map(|(name, text)| format!("**{name}**\n{}", text.trim_end()));
    let refused = (files == Files::Refused).then(|| text::FILES_LEFT_OUT.to_owned());
    let notes = refused.into_iter().chain(masked_in_details(decision, secrets));
    notes.chain(parts).collect::<Vec<_>>().join("\n")
}

/// Says what is masked in the details, which also show the files that a call runs.
fn masked_in_details(decision: &Decision, secrets: Secrets) -> Option<String> {
    masked_note(decision, secrets, decision.request.masked_in_details())
}

fn terms(decision: &Decision, time_scale: TimeScale) -> Vec<Field> {
    let (request, terms) = (&decision.request, &decision.terms);
    let said = |words: &str| escaped(&in_line(&plain(&one_line(words), 180).text), 200).text;
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
    let confidence = request.confidence.map(text::confidence).unwrap_or_default();
    let in_the_end = if matches!(decision.state, State::Pending(_)) {
        text::in_the_end(decision, time_scale)
    } else {
        String::new()
    };
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
        (label::IF_NOBODY_ANSWERS, in_the_end),
        (label::CONFIDENCE, confidence),
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
    let text = full_text(decision, Secrets::Masked);
    TextFile { name: text::full_text_file(decision), text }
}

/// The full request as plain text. Cleaned but not escaped, because no Markdown renderer reads the
/// file. Each line of an agent's begins with `>`, to keep it from imitating a heading of the bot's.
#[must_use]
pub fn full_text(decision: &Decision, secrets: Secrets) -> String {
    let request = &decision.request;
    let readable = |text: &str| text::readable(request, text, secrets);
    let one = |text: &str| in_line(&one_line(&readable(text)));
    let quoted = |text: &str| {
        let text = readable(text);
        let lines = text.trim_end().trim_start_matches('\n').lines();
        lines.map(|line| format!("> {line}").trim_end().to_owned()).collect::<Vec<_>>().join("\n")
    };
    let insight = &request.insight;
    let body = if decision.is_call() { label::WHAT_RUNS } else { label::BODY };
    let options: Vec<String> =
        request.options.iter().map(|choice| option_line(choice, one)).collect();
    let details: Vec<String> = request
        .details
        .iter()
        .map(|detail| format!("- {}:\n{}", one(&detail.name), quoted(&detail.value)))
        .collect();
    let links: Vec<String> =
        request.links.iter().map(|link| format!("- {}: {}", one(&link.name), link.url)).collect();
    let parts = [
        (label::OBSERVATION, quoted(&insight.observation)),
        (label::WHY_IT_MATTERS, quoted(&insight.why_it_matters)),
        (label::WHAT_TO_DO, quoted(&insight.what_to_do)),
        (label::OPTIONS, options.join("\n")),
        (label::QUESTIONS, asked(request, one)),
        (label::DETAILS, details.join("\n")),
        (label::LINKS, clean(&links.join("\n"))),
        (label::EDITED, edited::whole(decision, secrets)),
        (body, quoted(&request.body)),
        (label::CHANGED, scripts::whole_change(decision, secrets)),
        (label::SCRIPTS, scripts::whole(decision, secrets).join("\n\n")),
    ];
    let title = format!("# {} {}", decision.id, text::card_title(request));
    let kept = parts.into_iter().filter(|(_, text)| !text.trim().is_empty());
    let parts = kept.map(|(name, text)| format!("## {name}\n\n{text}"));
    std::iter::once(title).chain(parts).collect::<Vec<_>>().join("\n\n") + "\n"
}

fn option_line(choice: &Choice, one: impl Fn(&str) -> String) -> String {
    format!("- {}: {}", one(&choice.name), one(&choice.description))
}

/// The questions in short; a lone choice has its options.
fn several(request: &Request, limit: usize) -> String {
    if request.options.is_empty() {
        text::questions(&request.questions, limit).text
    } else {
        String::new()
    }
}

/// The questions in full, with their options.
fn asked(request: &Request, one: impl Fn(&str) -> String) -> String {
    let question = |(at, question): (usize, &Question)| {
        let mut lines =
            vec![format!("{}. {}: {}", at + 1, one(&question.header), one(&question.text))];
        let options = question.options.iter().filter(|_| request.options.is_empty());
        lines.extend(options.map(|choice| format!("   {}", option_line(choice, &one))));
        lines.join("\n")
    };
    request.questions.iter().enumerate().map(question).collect::<Vec<_>>().join("\n")
}
