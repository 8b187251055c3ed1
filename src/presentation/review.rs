//! The daily review: automatic approvals since the previous review, with a way to disagree.
//!
//! One message lists each approval and is edited whenever a listed decision changes. Each automatic
//! approval is on exactly one review, so the lists themselves record the reviewed decisions. Does
//! not depend on the schedule (`daily`) or on delivery.

use super::batch::{cell, plain_cell};
use super::card::{Card, TextFile, Tone};
use super::text;
use crate::core::Time;
use crate::core::messaging::message::{Listed, MessageView};
use crate::core::untrusted::units;
use crate::core::values::time_scale::TimeScale;

/// Maximum approvals per message: within reach of four menus.
pub const MOST_LISTED: usize = 100;
/// Maximum lines and characters shown on the message (Discord: 4,096 in a description).
const MOST_LINES: usize = 25;
const LINES: usize = 3_600;

/// The card of a review in the current state.
#[must_use]
pub fn review_card(view: &MessageView, project: &str, until: Time, time_scale: TimeScale) -> Card {
    let listed = view.listed.as_slice();
    let mut description = format!("{}\n", text::review_until(until, time_scale));
    let mut whole = true;
    for (index, Listed { decision, .. }) in listed.iter().enumerate() {
        let line = text::review_line(decision, time_scale);
        if index >= MOST_LINES || units(&description) + units(&line) + 1 > LINES {
            whole = false;
            break;
        }
        description.push('\n');
        description.push_str(&line);
    }
    let texts: Vec<TextFile> = (!whole).then(|| list(view)).into_iter().collect();
    if let Some(file) = texts.first() {
        description.push_str(&text::review_more(&file.name));
    }
    let against = listed.iter().any(|listed| listed.decision.disagreed.is_some());
    Card {
        headline: text::review_headline(project, listed),
        tone: if against { Tone::No } else { Tone::Yes },
        title: text::review_title(view.message.id, project, listed.len()),
        description,
        fields: Vec::new(),
        footer: String::new(),
        controls: true,
        approvable: true,
        texts,
        attachments: Vec::new(),
        without_files: None,
    }
}

/// The full list as a CSV file.
fn list(view: &MessageView) -> TextFile {
    let mut rows = "number,confidence,kind,agent,title,disagreed\n".to_owned();
    for Listed { decision, .. } in &view.listed {
        let request = &decision.request;
        let confidence = request.confidence.map(text::format_confidence).unwrap_or_default();
        let cells = [
            cell(&request.kind.words()),
            cell(&request.agent.name),
            plain_cell(&text::named(request)),
        ];
        let against = if decision.disagreed.is_some() { "yes" } else { "" };
        rows.push_str(&format!("{},{confidence},{},{against}\n", decision.id.0, cells.join(",")));
    }
    TextFile { name: text::review_file(view.message.id), text: rows }
}
