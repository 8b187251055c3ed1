//! The batch card: a line per decision as far as space allows, the counts, and a file with the full
//! list.

use super::card::{Card, Field, TextFile, Tone};
use super::text;
use super::text::label;
use crate::core::decision::{Decision, Risk, State, Verdict};
use crate::core::messaging::batch::check_bulk_approval;
use crate::core::messaging::message::{Listed, MessageView};
use crate::core::untrusted::{one_line, units};
use crate::core::values::time_scale::TimeScale;

/// Maximum characters of all lines (Discord: 4,096 in a description, 6,000 over a whole message).
const LINES: usize = 3_700;
/// Maximum number of lines. A phone's screen shows six.
const MOST_LINES: usize = 25;
/// Maximum options of a menu (Discord).
const MENU: usize = 25;

/// Counts of a list's decisions by state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BatchSummary {
    /// All current and former items.
    pub count: usize,
    /// Pending on this card, low risk.
    pub low: usize,
    /// Pending on this card, medium risk.
    pub medium: usize,
    /// Deferred.
    pub put_off: usize,
    /// Approved, chosen or answered.
    pub yes: usize,
    /// Rejected.
    pub no: usize,
    /// Withdrawn.
    pub withdrawn: usize,
    /// Moved to own cards.
    pub left: usize,
    /// Pending on this card and eligible for bulk approval.
    pub together: usize,
}

impl BatchSummary {
    /// Number pending on this card.
    #[must_use]
    pub const fn waiting(&self) -> usize {
        self.low + self.medium
    }
}

/// Counts the decisions by state.
#[must_use]
pub fn summary(listed: &[Listed]) -> BatchSummary {
    let mut summary = BatchSummary { count: listed.len(), ..BatchSummary::default() };
    for Listed { item, decision } in listed {
        let place = match &decision.state {
            State::Resolved(resolved) if matches!(resolved.verdict, Verdict::Rejected { .. }) => {
                &mut summary.no
            }
            State::Resolved(_) => &mut summary.yes,
            State::Withdrawn { .. } => &mut summary.withdrawn,
            _ if item.gone.is_some() => &mut summary.left,
            State::Deferred { .. } => &mut summary.put_off,
            State::Pending(_) if decision.terms.risk == Risk::Low => &mut summary.low,
            State::Pending(_) => &mut summary.medium,
        };
        *place += 1;
        if item.gone.is_none() && check_bulk_approval(item, decision, "", true).is_ok() {
            summary.together += 1;
        }
    }
    summary
}

/// The card of a batch in the current state.
#[must_use]
pub fn batch_card(view: &MessageView, project: &str, time_scale: TimeScale) -> Card {
    let (id, listed) = (view.message.id, view.listed.as_slice());
    let summary = summary(listed);
    let (lines, whole) = lines(listed, time_scale);
    let mut description = lines;
    let mut texts = Vec::new();
    if !whole {
        let file = list_file(view, time_scale);
        description.push_str(&text::batch_more(&file.name));
        texts.push(file);
    }
    let counts = text::batch_counts(&summary);
    let fields = (summary.waiting() < summary.count || !whole).then(|| Field {
        name: label::STANDING.into(),
        value: counts,
        inline: false,
    });
    Card {
        headline: text::batch_headline(id, project, &summary),
        tone: tone(&summary),
        title: text::batch_title(id, project, summary.count),
        description,
        fields: fields.into_iter().collect(),
        footer: text::batch_footer(
            view.message.revision,
            listed.iter().map(|listed| listed.decision.request.agent.name.as_str()),
        ),
        controls: true,
        approvable: true,
        texts,
        attachments: Vec::new(),
        without_files: None,
    }
}

const fn tone(summary: &BatchSummary) -> Tone {
    match summary {
        BatchSummary { medium: 1.., .. } => Tone::Waiting(Risk::Medium),
        BatchSummary { low: 1.., .. } => Tone::Waiting(Risk::Low),
        BatchSummary { put_off: 1.., .. } => Tone::Deferred,
        BatchSummary { no: 0, yes: 1.., .. } => Tone::Yes,
        BatchSummary { yes: 0, no: 1.., .. } => Tone::No,
        _ => Tone::Over,
    }
}

/// One line per decision, open decisions first if space is short. Returns whether all lines fit.
fn lines(listed: &[Listed], time_scale: TimeScale) -> (String, bool) {
    let mut order: Vec<&Listed> = listed.iter().collect();
    if listed.len() > MOST_LINES {
        order.sort_by_key(|listed| !listed.is_open_here());
    }
    let (mut text, mut whole) = (String::new(), true);
    for (index, listed) in order.into_iter().enumerate() {
        let line = text::batch_line(listed, time_scale);
        if index >= MOST_LINES || units(&text) + units(&line) + 1 > LINES {
            whole = false;
            break;
        }
        text.push_str(&line);
        text.push('\n');
    }
    (text.trim_end().to_owned(), whole)
}

/// The full list as a CSV file.
#[must_use]
pub fn list_file(view: &MessageView, time_scale: TimeScale) -> TextFile {
    let mut text = "number,risk,kind,title,state,answer by\n".to_owned();
    for Listed { decision, .. } in &view.listed {
        let breach = time_scale.wall_time(decision.breach_at()).format("%Y-%m-%dT%H:%M:%SZ");
        let (request, named) = (&decision.request, text::named(&decision.request));
        let (kind, title) = (cell(&request.kind.words()), plain_cell(&named));
        let row = format!(
            "{},{},{kind},{title},{},{breach}\n",
            decision.id.0,
            decision.terms.risk,
            state(decision)
        );
        text.push_str(&row);
    }
    TextFile { name: text::batch_file(view.message.id), text }
}

const fn state(decision: &Decision) -> &'static str {
    match &decision.state {
        State::Resolved(resolved) => resolved.verdict.word(),
        other => other.word(),
    }
}

/// A quoted CSV cell that spreadsheets do not evaluate as a formula, even if the agent's title
/// starts like a formula.
pub(crate) fn cell(text: &str) -> String {
    plain_cell(&one_line(text))
}

/// [`cell`], for a cleaned line.
pub(crate) fn plain_cell(line: &str) -> String {
    let guard = if line.starts_with(['=', '+', '-', '@', '\t']) { "'" } else { "" };
    format!("\"{guard}{}\"", line.replace('"', "\"\""))
}

/// A section of a list, opened by a menu entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchPage {
    /// Index of the first decision, from 0.
    pub start: usize,
    /// Number of decisions.
    pub count: usize,
}

/// Decisions per page of a long list: two menus of 25, so 25 pages reach every decision of a full
/// batch.
pub const PAGE_ITEMS: usize = 2 * MENU;

/// Splits a list of this length into pages: the first menu opens a page, the second a decision. For
/// a single page, one menu lists all decisions.
#[must_use]
pub fn pages(count: usize) -> Vec<BatchPage> {
    let size = if count <= MENU * MENU { MENU } else { PAGE_ITEMS };
    (0..count)
        .step_by(size)
        .take(MENU)
        .map(|start| BatchPage { start, count: size.min(count - start) })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::messaging::batch::MAX_BATCH_SIZE;

    #[test]
    fn two_clicks_lead_to_every_one_of_the_longest_list() {
        for count in [0, 1, 25, 26, 625, 626, MAX_BATCH_SIZE] {
            let pages = pages(count);
            assert!(
                pages.len() <= MENU && pages.iter().all(|page| page.count <= PAGE_ITEMS),
                "{count}"
            );
            assert_eq!(pages.iter().map(|page| page.count).sum::<usize>(), count);
        }
    }

    #[test]
    fn no_title_is_a_formula() {
        assert_eq!(cell("=1+1, \"x\"\ny"), "\"'=1+1, \"\"x\"\" y\"");
        assert_eq!(cell("Plain"), "\"Plain\"");
    }
}
