//! Content of a card, independent of Discord types.
//!
//! A card is computed from the decision alone, so that any process renders an identical card at any
//! time, and recovery after a crash needs no saved state. Does not depend on how surfaces send
//! cards.

mod details;
mod edited;
mod permission;
mod questions;
mod scripts;
mod told;

pub use self::details::{details_card, full_text};
use self::details::{full_text_file, is_diff};
pub use self::edited::change_card;
use self::permission::{Where, masked_note};
use self::told::{Line, Told, footer, whole_footer};
use super::text::{self, label};
use crate::core::decision::{
    Attachment, Decision, Outcome, Pending, Reported, Resolved, Risk, State, Verdict,
};
use crate::core::escalation::Stage;
use crate::core::untrusted::{
    Cut, Secrets, clean, code_block, escaped, file_name, quotation, units,
};
use crate::core::values::time_scale::TimeScale;

/// The colour of a card's edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Pending, with this risk.
    Waiting(Risk),
    /// Pending, with a breached SLA.
    Breached,
    /// Deferred.
    Deferred,
    /// Approved, chosen or answered.
    Yes,
    /// Rejected.
    No,
    /// Withdrawn, or moved to a newer message.
    Over,
    /// A card with figures instead of a decision.
    Figures,
}

/// A field of an embed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The name.
    pub name: String,
    /// The text, never empty.
    pub value: String,
    /// Whether fields are shown side by side.
    pub inline: bool,
}

/// A file written by the bot, for content too long for a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextFile {
    /// The file name.
    pub name: String,
    /// The content.
    pub text: String,
}

/// Content of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// The message's plain content, as shown on a lock screen.
    pub headline: String,
    /// The colour of the embed's edge.
    pub tone: Tone,
    /// The embed's title. Empty where the headline has it.
    pub title: String,
    /// The embed's text. May be empty.
    pub description: String,
    /// The embed's fields.
    pub fields: Vec<Field>,
    /// The embed's last line.
    pub footer: String,
    /// Whether to add buttons fitting the decision's state.
    pub controls: bool,
    /// Whether an approval may be offered here: what it lets run can be read to the end, on the
    /// card or in `texts`.
    pub approvable: bool,
    /// Files with content too long for the card.
    pub texts: Vec<TextFile>,
    /// The decision's attachments.
    pub attachments: Vec<Attachment>,
    /// The card to show if Discord refuses the files: it names no file, and offers no approval of
    /// what nobody can read. `None`: there is nothing to say differently.
    pub without_files: Option<Box<Card>>,
}

impl Card {
    /// Changes the card, and equally the card to show without files.
    #[must_use]
    pub fn changed(mut self, change: &impl Fn(&mut Self)) -> Self {
        change(&mut self);
        self.without_files = self.without_files.map(|card| Box::new(card.changed(change)));
        self
    }
}

/// Whether the files of a card are there to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Files {
    /// They are posted with the card.
    Posted,
    /// Discord refused them.
    Refused,
}

/// Maximum characters over all embeds of a message (Discord: 6,000), less a reserve for the later
/// verdict.
const EMBED_BUDGET: usize = 4_700;
/// Maximum details (Discord: 25 fields per embed), less the fields added by the card itself.
const MOST_DETAILS: usize = 14;
/// Maximum characters of a field (Discord: 1,024).
const FIELD: usize = 1_000;
/// Maximum characters of a question's explanation, beyond its first part: on a phone, what an
/// approver needs and the first row of buttons are in view at once.
const SHORT: usize = 160;
/// Maximum characters of a detail's value.
const DETAIL: usize = 200;

/// The card of a decision in the current state, below the decision's headline.
#[must_use]
pub fn decision_card(decision: &Decision, time_scale: TimeScale) -> Card {
    card_below(&Line::Headline, decision, time_scale)
}

/// The card of a decision below a line that need not name the decision: the embed tells all.
#[must_use]
pub fn decision_card_below(notice: String, decision: &Decision, time_scale: TimeScale) -> Card {
    card_below(&Line::Notice(notice), decision, time_scale)
}

fn card_below(line: &Line, decision: &Decision, time_scale: TimeScale) -> Card {
    let card = drawn(line, decision, time_scale, Files::Posted);
    let has_files = !card.texts.is_empty() || !card.attachments.is_empty();
    let bare = has_files.then(|| Box::new(drawn(line, decision, time_scale, Files::Refused)));
    Card { without_files: bare, ..card }
}

fn drawn(line: &Line, decision: &Decision, time_scale: TimeScale, files: Files) -> Card {
    let told = Told::by(line, decision);
    let mut page = Page::new();
    let title = page.keep(escaped(&text::card_title(&decision.request), 230));
    let footer = footer(decision, &told);
    page.left = page.left.saturating_sub(units(&title) + units(&footer) + 20);
    let mut fields = done_fields(decision, time_scale);
    fields.extend(facts(decision, time_scale, &told));
    let edited = edited::shown(decision, Where::Card, Secrets::Masked, files);
    // The change shows the call as it was, too.
    let is_replaced = edited.as_ref().is_some_and(|edited| edited.whole);
    let edited = page.keep_all(edited);
    let runs = permission::what_runs(decision, Where::Card, Secrets::Masked, files);
    let runs = runs.filter(|_| !is_replaced);
    let masked = decision.request.masked_secrets();
    let masked = masked_note(decision, Secrets::Masked, masked);
    page.left = page.left.saturating_sub(masked.as_deref().map_or(0, units));
    let shown = runs.as_ref().map(|runs| runs.whole);
    let says_so = shown == Some(false);
    // A plan has a file of its own, also if the card shows all of it: people read it there.
    let is_posted = files == Files::Posted;
    let plan =
        permission::file(decision, Secrets::Masked).filter(|_| decision.request.plan && is_posted);
    let runs = runs.map(|runs| if plan.is_some() { runs.text } else { page.keep(runs) });
    page.left = page.left.saturating_sub(runs.as_deref().map_or(0, units));
    let changed = scripts::changed(decision, Where::Card, Secrets::Masked, files);
    let changes_whole = changed.as_ref().is_none_or(|changed| changed.whole);
    let changed = page.keep_all(changed);
    let explanation = page.explanation(decision);
    page.options(decision);
    page.questions(decision);
    if runs.is_none() && !is_replaced {
        page.body(decision);
    }
    fields.append(&mut page.fields);
    let whole = (!page.whole && is_posted).then(|| full_text_file(decision));
    // A cut tool call carries a note of its own.
    let more = whole.as_ref().filter(|_| !says_so || plan.is_some());
    let more = more.map(|file| text::more_in_file(&file.name));
    let texts: Vec<TextFile> = plan.into_iter().chain(whole).collect();
    let attachments = if is_posted { attachments(decision) } else { Vec::new() };
    let refused = (!is_posted).then(|| text::FILES_LEFT_OUT.to_owned());
    // Nothing that belongs to the call makes way for the notice.
    let parts = refused.into_iter().chain(masked).chain(edited).chain(runs);
    let parts = parts.chain(changed).chain(more).chain(explanation);
    let due =
        matches!(decision.state, State::Pending(_)).then(|| text::answer_by(decision, time_scale));
    let description = parts.chain(due).collect::<Vec<_>>().join("\n");
    let footer = if page.left_out { text::more_in_details(&footer) } else { footer };
    let runs_unseen = decision.is_call() && !(shown.unwrap_or(page.whole) && changes_whole);
    Card {
        headline: match line {
            Line::Headline => text::headline(decision, time_scale),
            Line::Notice(notice) => notice.clone(),
        },
        tone: tone(decision),
        title: if told.title { String::new() } else { format!("{} · {title}", decision.id) },
        description,
        fields,
        footer,
        controls: true,
        approvable: !runs_unseen || !texts.is_empty(),
        texts,
        attachments,
        without_files: None,
    }
}

/// The decision's attachments, with sanitized names.
fn attachments(decision: &Decision) -> Vec<Attachment> {
    let named =
        |file: &Attachment| Attachment { name: file_name(&file.name), path: file.path.clone() };
    decision.request.attachments.iter().map(named).collect()
}

/// The old message of a decision moved to another message; `headline` names the new message.
#[must_use]
pub fn moved_card(decision: &Decision, headline: String) -> Card {
    Card {
        headline,
        tone: Tone::Over,
        title: format!(
            "{} · {}",
            decision.id,
            escaped(&text::card_title(&decision.request), 230).text
        ),
        description: String::new(),
        fields: Vec::new(),
        footer: whole_footer(decision),
        controls: false,
        approvable: false,
        texts: Vec::new(),
        attachments: Vec::new(),
        without_files: None,
    }
}

fn tone(decision: &Decision) -> Tone {
    let is_breached =
        decision.position.as_ref().is_some_and(|position| position.stage >= Stage::Breach);
    let risk = decision.terms.risk;
    match &decision.state {
        State::Pending(_) if is_breached => Tone::Breached,
        State::Pending(_) => Tone::Waiting(risk),
        State::Deferred { .. } => Tone::Deferred,
        State::Resolved(resolved) if is_negative(resolved) => Tone::No,
        State::Resolved(resolved) if resolved.grant.ended.is_some() => Tone::Over,
        State::Resolved(Resolved {
            reported: Some(Reported { outcome: Outcome::NotRun, .. }),
            ..
        }) => Tone::Over,
        State::Resolved(_) => Tone::Yes,
        State::Withdrawn { .. } => Tone::Over,
    }
}

/// Whether the decision was rejected, or approved with a failed outcome.
const fn is_negative(resolved: &Resolved) -> bool {
    matches!(resolved.verdict, Verdict::Rejected { .. })
        || matches!(resolved.reported, Some(Reported { outcome: Outcome::Failed, .. }))
}

/// People's actions, shown above the other fields.
fn done_fields(decision: &Decision, time_scale: TimeScale) -> Vec<Field> {
    let mut fields = Vec::new();
    match &decision.state {
        State::Pending(pending) => {
            fields.extend(done_while_pending(decision, pending, time_scale));
        }
        State::Deferred { until, by, .. } => {
            let (name, value) = text::deferred(*until, by, time_scale);
            fields.push(field(name, value));
        }
        State::Resolved(resolved) => {
            let (name, value) = text::verdict(decision, resolved, time_scale);
            let against = text::disagreed(decision, time_scale);
            let grant = decision.grant().and_then(|grant| text::grant_on_card(&grant, time_scale));
            let grant = grant.map(|grant| format!("{grant}\n")).unwrap_or_default();
            fields.push(field(
                &name,
                format!(
                    "{value}\n{grant}{}{against}",
                    text::claimed(decision, resolved, time_scale)
                ),
            ));
        }
        State::Withdrawn { reason, at } => {
            let (name, value) = match decision.desk_outcome() {
                Some(outcome) => text::desk::ended(outcome, *at, time_scale),
                None => text::withdrawn(reason, *at, time_scale),
            };
            fields.push(field(name, value));
        }
    }
    let (needed, votes) = (decision.approvals_needed(), decision.state.votes());
    if needed > 1 && decision.state.is_open() {
        let given = format!("{} of {needed}\n{}", votes.len(), text::votes(votes, time_scale));
        fields.push(field(label::APPROVALS, given.trim_end().to_owned()));
        fields.extend(
            text::not_counted(&decision.lapsed, time_scale)
                .map(|words| field(label::NOT_COUNTED, words)),
        );
    } else if !votes.is_empty() {
        fields.push(field(label::APPROVED_BEFORE, text::votes(votes, time_scale)));
    }
    if let (true, Some(earlier)) = (decision.state.is_open(), decision.terms.precedent) {
        fields.push(field(label::ASKED_BEFORE, text::precedent(earlier)));
    }
    if decision.state.is_open() && decision.is_about_credentials() {
        fields.push(field(label::WHERE_IT_GOES, text::CREDENTIALS.into()));
    }
    fields.extend(
        text::pictures(&decision.request.attachments).map(|names| field(label::PICTURES, names)),
    );
    fields
}

/// What people and the escalation did while the decision waits.
fn done_while_pending(
    decision: &Decision,
    pending: &Pending,
    time_scale: TimeScale,
) -> impl Iterator<Item = Field> {
    let Pending { proposals, undone, taken, .. } = pending;
    let desk = decision.desk.as_ref();
    let fields = [
        (!proposals.is_empty())
            .then(|| field(label::TO_CONFIRM, text::proposals(proposals, time_scale))),
        undone.as_ref().map(|undone| field(label::UNDONE, text::undone(undone, time_scale))),
        decision.position.as_ref().map(|position| {
            field(label::STILL_WAITING, text::escalation_progress(decision, position, time_scale))
        }),
        desk.map(|desk| field(label::AT_DESK, text::desk::asked(desk, time_scale))),
        taken.as_ref().map(|taken| field(label::ON_IT, text::taken(taken, time_scale))),
        decision.prioritized.as_ref().map(|_| field(label::PRIORITY, text::priority(decision))),
    ];
    fields.into_iter().flatten()
}

/// A field with the full width of the card.
fn field(name: &str, value: String) -> Field {
    Field { name: name.into(), value, inline: false }
}

fn facts(decision: &Decision, time_scale: TimeScale, told: &Told) -> Vec<Field> {
    let inline = |name: &str, value: String| Field { name: name.into(), value, inline: true };
    let risk = decision.terms.risk;
    let mut facts = Vec::new();
    if !told.risk {
        facts.push(inline(label::RISK, format!("{} {risk}", text::dot(risk))));
    }
    if matches!(decision.state, State::Pending(_)) {
        return facts;
    }
    if decision.state.is_open() {
        facts.push(inline(
            label::ANSWER_BY,
            text::relative(time_scale.wall_time(decision.breach_at())),
        ));
    }
    facts.push(inline(label::ASKED, text::relative(time_scale.wall_time(decision.asked_at))));
    if let Some(confidence) = decision.request.confidence {
        facts.push(inline(label::CONFIDENCE, text::confidence(confidence)));
    }
    facts
}

/// Collects the embed's fields within the remaining character budget.
struct Page {
    left: usize,
    whole: bool,
    /// Whether parts of the explanation are in the details only.
    left_out: bool,
    fields: Vec<Field>,
}

impl Page {
    const fn new() -> Self {
        Self { left: EMBED_BUDGET, whole: true, left_out: false, fields: Vec::new() }
    }

    fn keep(&mut self, cut: Cut) -> String {
        self.whole &= cut.whole;
        cut.text
    }

    /// A text within the room that is left beside `beside` characters. `None` if it is empty or
    /// fewer than 16 characters of room are left.
    fn take(
        &mut self,
        beside: usize,
        limit: usize,
        cut: impl FnOnce(usize) -> Cut,
    ) -> Option<String> {
        let room = self.left.saturating_sub(beside).min(limit);
        if room < 16 {
            self.whole = false;
            return None;
        }
        let value = self.keep(cut(room));
        if value.trim().is_empty() {
            return None;
        }
        self.left -= beside + units(&value);
        Some(value)
    }

    /// Adds a field if [`Self::take`] finds a text and room.
    fn field(&mut self, name: &str, limit: usize, inline: bool, cut: impl FnOnce(usize) -> Cut) {
        if let Some(value) = self.take(units(name), limit, cut) {
            self.fields.push(Field { name: name.to_owned(), value, inline });
        }
    }

    /// The agent's explanation as one quotation, without the headings that take a line each. Of a
    /// tool call all of it, of a question the most important parts that together are short.
    fn explanation(&mut self, decision: &Decision) -> Option<String> {
        let request = &decision.request;
        let insight = &request.insight;
        let mut room = if decision.is_call() { usize::MAX } else { SHORT };
        let mut shown = Vec::new();
        let by_importance =
            [(1, &insight.why_it_matters), (2, &insight.what_to_do), (0, &insight.observation)];
        for (place, said) in by_importance {
            let said = text::readable(request, said, Secrets::Masked);
            let said = said.trim();
            if !self.has_room(&mut room, said, shown.is_empty()) {
                continue;
            }
            let quoted = self.take(0, 700, |limit| quotation(said, limit));
            shown.extend(quoted.map(|quoted| (place, quoted.trim_end().to_owned())));
        }
        shown.sort_by_key(|(place, _)| *place);
        let mut shown: Vec<String> = shown.into_iter().map(|(_, quoted)| quoted).collect();
        if decision.is_call() {
            self.details(decision);
        } else {
            for detail in &request.details {
                let quoted = text::detail(request, detail, DETAIL, Secrets::Masked);
                if self.has_room(&mut room, &quoted.text, shown.is_empty()) {
                    shown.extend(self.take(0, FIELD, |_| quoted));
                }
            }
        }
        (!shown.is_empty()).then(|| shown.join("\n"))
    }

    /// Whether a part of the explanation is shown: the first is, and then what is short enough.
    /// What is left out is in the details.
    fn has_room(&mut self, room: &mut usize, said: &str, is_first: bool) -> bool {
        if said.is_empty() {
            return false;
        }
        let size = units(said);
        let fits = is_first || size <= *room;
        *room = if fits { room.saturating_sub(size) } else { *room };
        self.left_out |= !fits;
        fits
    }

    fn details(&mut self, decision: &Decision) {
        let details = &decision.request.details;
        self.whole &= details.len() <= MOST_DETAILS;
        let mut quoted: Vec<String> = Vec::new();
        for detail in details.iter().take(MOST_DETAILS) {
            let said = text::detail(&decision.request, detail, DETAIL, Secrets::Masked);
            quoted.push(self.keep(said));
        }
        // The names of details are the agent's words, and never the name of a field.
        let mut rest = quoted.as_slice();
        while !rest.is_empty() {
            let mut fits = 0;
            self.field(label::AGENTS_DETAILS, FIELD, false, |room| {
                let shown = text::fitting_quotations(rest, room);
                fits = shown.1;
                Cut { text: shown.0, whole: true }
            });
            if fits == 0 {
                self.whole = false;
                break;
            }
            rest = &rest[fits..];
        }
    }

    fn body(&mut self, decision: &Decision) {
        let body = clean(&decision.request.body);
        let diff = is_diff(&body);
        self.field(label::BODY, 1_000, false, |room| {
            if diff { code_block(&body, "diff", room) } else { quotation(body.trim(), room) }
        });
    }
}
