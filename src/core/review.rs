//! The daily review: automatic approvals since the previous review, with a way to disagree.
//!
//! One message lists each approval and is edited whenever a listed decision changes. Each automatic
//! approval is on exactly one review, so the lists themselves record the reviewed decisions. Does
//! not depend on the schedule (`daily`) or on delivery.

use super::Time;
use super::batch::cell;
use super::card::{Card, TextFile, Tone};
use super::pace::Pace;
use super::posting::{Listed, Sheet};
use super::text;
use super::untrusted::units;

/// Maximum approvals per message: within reach of four menus.
pub const MOST_LISTED: usize = 100;
/// Maximum lines and characters shown on the message (Discord: 4,096 in a description).
const MOST_LINES: usize = 25;
const LINES: usize = 3_600;

/// The card of a review in the current state.
#[must_use]
pub fn review_card(sheet: &Sheet, project: &str, until: Time, pace: Pace) -> Card {
    let listed = sheet.listed.as_slice();
    let mut description = format!("{}\n", text::review_until(until, pace));
    let mut whole = true;
    for (index, Listed { decision, .. }) in listed.iter().enumerate() {
        let line = text::review_line(decision, pace);
        if index >= MOST_LINES || units(&description) + units(&line) + 1 > LINES {
            whole = false;
            break;
        }
        description.push('\n');
        description.push_str(&line);
    }
    let texts: Vec<TextFile> = (!whole).then(|| list(sheet)).into_iter().collect();
    if let Some(file) = texts.first() {
        description.push_str(&text::review_more(&file.name));
    }
    let against = listed.iter().any(|listed| listed.decision.disagreed.is_some());
    Card {
        headline: text::review_headline(project, listed),
        tone: if against { Tone::No } else { Tone::Yes },
        title: text::review_title(sheet.posting.id, project, listed.len()),
        description,
        fields: Vec::new(),
        footer: String::new(),
        controls: true,
        texts,
        attachments: Vec::new(),
    }
}

/// The full list as a CSV file.
fn list(sheet: &Sheet) -> TextFile {
    let mut rows = "number,confidence,kind,agent,title,disagreed\n".to_owned();
    for Listed { decision, .. } in &sheet.listed {
        let request = &decision.request;
        let confidence = request.confidence.map(text::sure).unwrap_or_default();
        let cells =
            [&request.kind.words(), &request.agent.name, &request.title].map(|text| cell(text));
        let against = if decision.disagreed.is_some() { "yes" } else { "" };
        rows.push_str(&format!("{},{confidence},{},{against}\n", decision.id.0, cells.join(",")));
    }
    TextFile { name: text::review_file(sheet.posting.id), text: rows }
}
