//! Actions on a list: preview a bulk approval, approve in bulk, review the decisions one by one,
//! open a part of the list or a decision.
//!
//! No state in memory: a button names the message and the revision of its list, and during a review
//! the buttons of the shown card carry the position. Only the caller sees the answers.

use std::time::Duration;

use serenity::all::{ButtonStyle, CreateActionRow, CreateAttachment, CreateEmbed};
use tokio::time::Instant;

use super::Bot;
use super::custom_id::{Act, CustomId, Together, Walk};
use super::render::{self, View, button};
use super::respond::{Answer, Responder};
use super::sheets::{self, MENU};
use crate::core::batch::{MOST_OF_A_BATCH, PAGE_ITEMS, pages};
use crate::core::card::decision_card;
use crate::core::decision::{Decision, DecisionId, Risk, State, Via};
use crate::core::permission::Voter;
use crate::core::posting::{Item, Listed, PostingId, Purpose, Sheet};
use crate::core::text::{self, label};
use crate::engine::{Fate, HandleError, TOGETHER, Weighed};

/// Stands for a list not yet frozen: the decisions waiting for the caller.
pub(super) const WHAT_WAITS: PostingId = PostingId(0);
/// Minimum time between progress messages, because Discord limits the rate of edits.
const BETWEEN: Duration = Duration::from_secs(1);
/// Blue, the colour of lists.
const BLUE: u32 = 0x58_65F2;

fn id_of(tag: &str, id: PostingId, list: u32, together: Together) -> String {
    CustomId::new(tag, Act::With(id, list, together)).to_string()
}

fn listed(lines: &[String]) -> CreateEmbed {
    CreateEmbed::new().description(lines.join("\n")).colour(BLUE)
}

fn file(name: String, text: String) -> CreateAttachment {
    CreateAttachment::bytes(text.into_bytes(), name)
}

impl Bot {
    /// Previews the bulk approval of a list as drawn: included decisions, skipped decisions with
    /// reasons, and the button to approve.
    pub(super) async fn look_together(&self, voter: &Voter, id: PostingId, list: u32) -> View {
        let found = if id == WHAT_WAITS {
            self.handle.attention(Some(voter)).await.map(|mut waiting| {
                waiting.retain(|decision| decision.terms.risk == Risk::Low);
                Some(waiting.iter().map(Listed::now).collect())
            })
        } else {
            self.handle.list_of(id, list, voter).await.map(|sheet| sheet.map(|sheet| sheet.listed))
        };
        match found {
            Ok(Some(listed)) => self.preflight(voter, listed).await,
            Ok(None) => View::words(text::NO_SUCH_LIST),
            Err(error) => View::words(text::trouble(&error.to_string())),
        }
    }

    /// Previews the bulk approval of decisions named in a chat message.
    pub(super) async fn offer_named(
        &self,
        voter: &Voter,
        named: &[Decision],
        others: usize,
    ) -> View {
        let view = self.preflight(voter, named.iter().map(Listed::now).collect()).await;
        View { content: format!("{}\n{}", text::approve_these(others), view.content), ..view }
    }

    /// Freezes the previewed list: the click approves only decisions that the person was shown.
    async fn preflight(&self, voter: &Voter, found: Vec<Listed>) -> View {
        let Weighed { mut goes, left_out } = self.handle.weigh(found, voter);
        let more = goes.len().saturating_sub(MOST_OF_A_BATCH);
        goes.truncate(MOST_OF_A_BATCH);
        let content = text::preflight(goes.len(), left_out.len(), more);
        if goes.is_empty() && left_out.is_empty() {
            return View::words(content);
        }
        let (lines, whole) = text::preflight_lines(&goes, &left_out);
        let mut view = View { content, embed: Some(listed(&lines)), ..View::default() };
        if !whole {
            view.files
                .push(file(text::PREFLIGHT_FILE.into(), text::preflight_file(&goes, &left_out)));
        }
        if goes.is_empty() {
            return view;
        }
        match self.handle.freeze(goes.iter().map(|listed| listed.item).collect(), voter).await {
            Ok(id) => {
                let label = text::approve_these_label(goes.len());
                let approve = button(
                    id_of(self.handle.tag(), id, 1, Together::Approve),
                    ButtonStyle::Success,
                    &label,
                );
                view.rows.push(CreateActionRow::Buttons(vec![approve]));
                view
            }
            Err(error) => View::words(text::trouble(&error.to_string())),
        }
    }

    /// Approves a list and shows each decision's result. A list longer than [`TOGETHER`] shows
    /// progress.
    pub(super) async fn approve_together(
        &self,
        voter: &Voter,
        id: PostingId,
        list: u32,
        mut responder: Responder<'_>,
    ) {
        let sheet = match responder.acknowledging(self.handle.list_of(id, list, voter)).await {
            Ok(Some(sheet)) => sheet,
            Ok(None) => {
                responder.send(Answer::Update(View::words(text::NO_SUCH_LIST))).await;
                return;
            }
            Err(error) => {
                responder
                    .send(Answer::Update(View::words(text::trouble(&error.to_string()))))
                    .await;
                return;
            }
        };
        let items: Vec<Item> = sheet.listed.iter().map(|listed| listed.item).collect();
        let count = items.len();
        let fates = if count > TOGETHER {
            responder.begin(View::words(text::approving(0, count))).await;
            self.approve_long(&items, voter, &responder).await
        } else {
            responder.acknowledging(self.handle.approve_together(&items, voter, Via::Discord)).await
        };
        let approved = fates.iter().filter(|fate| matches!(fate, Fate::Approved(_))).count();
        tracing::info!(
            posting = id.0,
            list,
            by = voter.person.name,
            approved,
            of = count,
            "approved together on Discord"
        );
        responder.send(Answer::Update(results(&fates))).await;
    }

    /// Approves a long list in parts, and shows progress.
    async fn approve_long(
        &self,
        items: &[Item],
        voter: &Voter,
        responder: &Responder<'_>,
    ) -> Vec<Fate> {
        let mut fates = Vec::with_capacity(items.len());
        let mut said = Instant::now();
        for part in items.chunks(TOGETHER) {
            fates.extend(self.handle.approve_together(part, voter, Via::Discord).await);
            if fates.len() < items.len() && said.elapsed() >= BETWEEN {
                said = Instant::now();
                responder.progress(View::words(text::approving(fates.len(), items.len()))).await;
            }
        }
        fates
    }

    /// Shows the next waiting decision of a list for this person, from position `at` on. `notice`
    /// is shown above the card.
    pub(super) async fn walk(
        &self,
        voter: &Voter,
        id: PostingId,
        list: u32,
        at: u32,
        notice: Option<String>,
    ) -> View {
        let sheet = match self.to_walk(voter, id, list).await {
            Ok(Some(sheet)) => sheet,
            Ok(None) => {
                return View::words(if id == WHAT_WAITS {
                    text::NOTHING_WAITS
                } else {
                    text::NO_SUCH_LIST
                });
            }
            Err(error) => return View::words(text::trouble(&error.to_string())),
        };
        let (id, list) = (sheet.posting.id, if id == WHAT_WAITS { 1 } else { list });
        let theirs = |listed: &&Listed| {
            matches!(listed.decision.state, State::Pending(_))
                && self.handle.is_for(&listed.decision, voter)
        };
        let start = usize::try_from(at).unwrap_or(usize::MAX);
        let open: Vec<(usize, &Listed)> =
            sheet.listed.iter().enumerate().filter(|(_, listed)| theirs(listed)).collect();
        let Some((place, next)) = open.iter().find(|(place, _)| *place >= start) else {
            return self.walked(id, list, open.len(), sheet.listed.len(), notice);
        };
        let left = open.iter().filter(|(other, _)| other > place).count();
        let words = text::walk(
            place + 1,
            sheet.listed.len(),
            left,
            &text::headline(&next.decision, self.handle.pace()),
        );
        let at = u32::try_from(*place).unwrap_or(u32::MAX);
        self.step(
            voter,
            &next.decision,
            Walk { list: id, revision: list, at },
            above(notice, words),
        )
    }

    /// The list to review: a batch in the order of its lines, a frozen selection by urgency.
    async fn to_walk(
        &self,
        voter: &Voter,
        id: PostingId,
        list: u32,
    ) -> Result<Option<Sheet>, HandleError> {
        let (id, list) = if id == WHAT_WAITS {
            let waiting = self.handle.attention(Some(voter)).await?;
            (
                self.handle
                    .freeze(waiting.iter().take(MOST_OF_A_BATCH).map(Item::of).collect(), voter)
                    .await?,
                1,
            )
        } else {
            (id, list)
        };
        let Some(mut sheet) = self.handle.list_of(id, list, voter).await? else { return Ok(None) };
        if matches!(sheet.posting.purpose, Purpose::Selection { .. }) {
            // Urgency at the time of the selection, because the order must not change during the
            // review.
            let chosen = self.handle.pace().store_time(sheet.posting.opened_at);
            sheet.listed.sort_by_cached_key(|listed| listed.decision.urgency(chosen));
        }
        Ok(Some(sheet))
    }

    /// A card during a review, with a button to skip the decision.
    pub(super) fn step(
        &self,
        voter: &Voter,
        decision: &Decision,
        walk: Walk,
        content: String,
    ) -> View {
        self.opens(voter, decision);
        let tag = walk.on(self.handle.tag());
        let mut view = render::card(&decision_card(decision, self.handle.pace()), decision, &tag);
        view.content = content;
        let next = Together::Walk(walk.at.saturating_add(1));
        let skip = id_of(self.handle.tag(), walk.list, walk.revision, next);
        view.rows.push(CreateActionRow::Buttons(vec![button(
            skip,
            ButtonStyle::Secondary,
            label::SKIP,
        )]));
        view
    }

    /// The end of a review, with a button to start again if decisions are left.
    fn walked(
        &self,
        id: PostingId,
        list: u32,
        left: usize,
        count: usize,
        notice: Option<String>,
    ) -> View {
        let mut view = View::words(above(notice, text::walked(left, count)));
        if left > 0 {
            let again = id_of(self.handle.tag(), id, list, Together::Walk(0));
            view.rows.push(CreateActionRow::Buttons(vec![button(
                again,
                ButtonStyle::Primary,
                label::REVIEW_LEFT,
            )]));
        }
        view
    }

    /// The part of a list that begins with this decision: a line per decision, and menus to open
    /// decisions.
    pub(super) async fn part(&self, voter: &Voter, id: PostingId, from: DecisionId) -> View {
        let sheet = match self.handle.sheet(id).await {
            Ok(Some(sheet)) => sheet,
            Ok(None) => return View::words(text::NO_SUCH_LIST),
            Err(error) => return View::words(text::trouble(&error.to_string())),
        };
        let start = sheet
            .listed
            .partition_point(|listed| listed.decision.id < from)
            .min(sheet.listed.len().saturating_sub(1));
        let size = pages(sheet.listed.len()).first().map_or(PAGE_ITEMS, |page| page.count);
        let part = &sheet.listed[start..(start + size).min(sheet.listed.len())];
        self.shown.record(
            serenity::all::UserId::new(voter.person.discord_id().unwrap_or(1)),
            part.iter().map(|l| &l.decision),
        );
        let lines: Vec<String> = part.iter().map(text::part_line).collect();
        let tag = self.handle.tag();
        let mut rows: Vec<CreateActionRow> = Vec::new();
        for (number, menu) in (0..).zip(part.chunks(MENU)) {
            rows.push(sheets::open_menu(&sheet.posting, menu, number, tag));
        }
        let to =
            |index: usize| u32::try_from(sheet.listed[index].decision.id.0).unwrap_or(u32::MAX);
        let turn = |index: usize, label| {
            button(
                id_of(tag, id, sheet.posting.revision, Together::Part(to(index))),
                ButtonStyle::Secondary,
                label,
            )
        };
        let previous = (start > 0).then(|| turn(start.saturating_sub(size), label::PREVIOUS));
        let next = (start + size < sheet.listed.len()).then(|| turn(start + size, label::NEXT));
        let turns: Vec<_> = previous.into_iter().chain(next).collect();
        rows.extend((!turns.is_empty()).then_some(CreateActionRow::Buttons(turns)));
        let content = text::part_title(id, start + 1, start + part.len(), sheet.listed.len());
        View { content, embed: Some(listed(&lines)), rows, ..View::default() }
    }

    /// Records that a person has opened this decision: the revision and the time.
    pub(super) fn opens(&self, voter: &Voter, decision: &Decision) {
        let person = serenity::all::UserId::new(voter.person.discord_id().unwrap_or(1));
        self.shown.record(person, [decision]);
        self.shown.opened(person, decision.id, self.handle.clock().wall());
    }
}

fn above(notice: Option<String>, words: String) -> String {
    notice.map_or_else(|| words.clone(), |notice| format!("{notice}\n\n{words}"))
}

/// The result for each decision.
fn results(fates: &[Fate]) -> View {
    let approved = fates.iter().filter(|fate| matches!(fate, Fate::Approved(_))).count();
    let fate = |fate: &Fate| match fate {
        Fate::Approved(decision) => text::approved_of_these(decision),
        Fate::LeftOut(decision, why) => text::left_out_line(decision, why),
        Fate::Failed(id, error) => text::failed_of_these(*id, &error.to_string()),
    };
    // Decisions that were not approved come first, because they still need attention.
    let mut ordered: Vec<&Fate> = fates.iter().collect();
    ordered.sort_by_key(|fate| matches!(fate, Fate::Approved(_)));
    let lines: Vec<String> = ordered.into_iter().map(fate).collect();
    let (shown, whole) = text::as_many_as_fit(lines.iter().map(String::as_str));
    let mut view =
        View { content: text::approved_together(approved, fates.len()), ..View::default() };
    if !shown.is_empty() {
        view.embed = Some(listed(&shown));
    }
    if !whole {
        view.files.push(file(text::RESULTS_FILE.into(), text::plain_lines(&lines)));
    }
    view
}
