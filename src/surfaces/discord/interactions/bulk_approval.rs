//! Actions on a list: preview a bulk approval, approve in bulk, review the decisions one by one,
//! open a part of the list or a decision.
//!
//! No state in memory: a button names the message and the revision of its list, and during a review
//! the buttons of the shown card carry the position. Only the caller sees the answers.

use std::time::Duration;

use serenity::all::{ButtonStyle, CreateActionRow, CreateAttachment, CreateEmbed};
use tokio::time::Instant;

use super::custom_id::{Control, CustomId, ListAction, ListPosition};
use super::respond::{Responder, Response};
use crate::core::decision::authorization::Voter;
use crate::core::decision::{Decision, DecisionId, Risk, State, Via};
use crate::core::messaging::batch::MAX_BATCH_SIZE;
use crate::core::messaging::message::{Item, Listed, MessageId, MessageView, Purpose};
use crate::engine::{HandleError, ItemOutcome, Preview, TOGETHER};
use crate::presentation::batch::{PAGE_ITEMS, pages};
use crate::presentation::card::decision_card_below;
use crate::presentation::text;
use crate::presentation::text::label;
use crate::surfaces::discord::Bot;
use crate::surfaces::discord::rendering::message_views;
use crate::surfaces::discord::rendering::message_views::MENU;
use crate::surfaces::discord::rendering::render;
use crate::surfaces::discord::rendering::render::{View, button};

/// Stands for a list not yet frozen: the decisions waiting for the caller.
pub(crate) const WAITING_LIST: MessageId = MessageId(0);
/// Minimum time between progress messages, because Discord limits the rate of edits.
const BETWEEN: Duration = Duration::from_secs(1);
/// Blue, the colour of lists.
const BLUE: u32 = 0x58_65F2;

fn id_of(tag: &str, id: MessageId, list: u32, together: ListAction) -> String {
    CustomId::new(tag, Control::With(id, list, together)).to_string()
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
    pub(crate) async fn preview_bulk_approval(
        &self,
        voter: &Voter,
        id: MessageId,
        list: u32,
    ) -> View {
        let found = if id == WAITING_LIST {
            self.handle.attention().list(Some(voter)).await.map(|mut waiting| {
                waiting.retain(|decision| decision.terms.risk == Risk::Low);
                Some(waiting.iter().map(Listed::now).collect())
            })
        } else {
            self.handle
                .bulk()
                .list(id, list, voter)
                .await
                .map(|message_view| message_view.map(|message_view| message_view.listed))
        };
        match found {
            Ok(Some(listed)) => self.preflight(voter, listed).await,
            Ok(None) => View::words(text::NO_SUCH_LIST),
            Err(error) => View::words(text::store_failed(&error.to_string())),
        }
    }

    /// Previews the bulk approval of decisions named in a chat message.
    pub(crate) async fn preview_named(
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
        let Preview { mut goes, left_out } = self.handle.bulk().preview(found, voter);
        let more = goes.len().saturating_sub(MAX_BATCH_SIZE);
        goes.truncate(MAX_BATCH_SIZE);
        let content = text::bulk_preview(goes.len(), left_out.len(), more);
        if goes.is_empty() && left_out.is_empty() {
            return View::words(content);
        }
        let (lines, whole) = text::bulk_preview_lines(&goes, &left_out);
        let mut view = View { content, embed: Some(listed(&lines)), ..View::default() };
        if !whole {
            view.files.push(file(
                text::BULK_PREVIEW_FILE.into(),
                text::bulk_preview_file(&goes, &left_out),
            ));
        }
        if goes.is_empty() {
            return view;
        }
        match self
            .handle
            .bulk()
            .freeze(goes.iter().map(|listed| listed.item).collect(), voter)
            .await
        {
            Ok(id) => {
                let label = text::approve_these_label(goes.len());
                let approve = button(
                    id_of(self.handle.tag(), id, 1, ListAction::Approve),
                    ButtonStyle::Success,
                    &label,
                );
                view.rows.push(CreateActionRow::Buttons(vec![approve]));
                view
            }
            Err(error) => View::words(text::store_failed(&error.to_string())),
        }
    }

    /// Approves a list and shows each decision's result. A list longer than [`TOGETHER`] shows
    /// progress.
    pub(crate) async fn approve_together(
        &self,
        voter: &Voter,
        id: MessageId,
        list: u32,
        mut responder: Responder<'_>,
    ) {
        let message_view =
            match responder.acknowledge_if_slow(self.handle.bulk().list(id, list, voter)).await {
                Ok(Some(message_view)) => message_view,
                Ok(None) => {
                    responder.send(Response::Update(View::words(text::NO_SUCH_LIST))).await;
                    return;
                }
                Err(error) => {
                    responder
                        .send(Response::Update(View::words(text::store_failed(&error.to_string()))))
                        .await;
                    return;
                }
            };
        let items: Vec<Item> = message_view.listed.iter().map(|listed| listed.item).collect();
        let count = items.len();
        let fates = if count > TOGETHER {
            responder.begin(View::words(text::approving(0, count))).await;
            self.approve_in_parts(&items, voter, &responder).await
        } else {
            responder
                .acknowledge_if_slow(self.handle.bulk().approve(&items, voter, Via::Discord))
                .await
        };
        let approved = fates.iter().filter(|fate| matches!(fate, ItemOutcome::Approved(_))).count();
        tracing::info!(
            message_id = id.0,
            list,
            by = voter.person.name,
            approved,
            of = count,
            "approved together on Discord"
        );
        responder.send(Response::Update(results(&fates))).await;
    }

    /// Approves a long list in parts, and shows progress.
    async fn approve_in_parts(
        &self,
        items: &[Item],
        voter: &Voter,
        responder: &Responder<'_>,
    ) -> Vec<ItemOutcome> {
        let mut fates = Vec::with_capacity(items.len());
        let mut said = Instant::now();
        for part in items.chunks(TOGETHER) {
            fates.extend(self.handle.bulk().approve(part, voter, Via::Discord).await);
            if fates.len() < items.len() && said.elapsed() >= BETWEEN {
                said = Instant::now();
                responder.progress(View::words(text::approving(fates.len(), items.len()))).await;
            }
        }
        fates
    }

    /// Shows the next waiting decision of a list for this person, from position `at` on. `notice`
    /// is shown above the card.
    pub(crate) async fn walk(
        &self,
        voter: &Voter,
        id: MessageId,
        list: u32,
        at: u32,
        notice: Option<String>,
    ) -> View {
        let message_view = match self.list_to_review(voter, id, list).await {
            Ok(Some(message_view)) => message_view,
            Ok(None) => {
                return View::words(if id == WAITING_LIST {
                    text::NOTHING_WAITS
                } else {
                    text::NO_SUCH_LIST
                });
            }
            Err(error) => return View::words(text::store_failed(&error.to_string())),
        };
        let (id, list) = (message_view.message.id, if id == WAITING_LIST { 1 } else { list });
        let decidable = |listed: &&Listed| {
            matches!(listed.decision.state, State::Pending(_))
                && self.handle.approvers().is_for(&listed.decision, voter)
        };
        let start = usize::try_from(at).unwrap_or(usize::MAX);
        let open: Vec<(usize, &Listed)> = message_view
            .listed
            .iter()
            .enumerate()
            .filter(|(_, listed)| decidable(listed))
            .collect();
        let Some((place, next)) = open.iter().find(|(place, _)| *place >= start) else {
            return self.walked(id, list, open.len(), message_view.listed.len(), notice);
        };
        let left = open.iter().filter(|(other, _)| other > place).count();
        let words = text::review_step(
            place + 1,
            message_view.listed.len(),
            left,
            &text::headline(&next.decision, self.handle.time_scale()),
        );
        let at = u32::try_from(*place).unwrap_or(u32::MAX);
        self.step(
            voter,
            &next.decision,
            ListPosition { list: id, revision: list, at },
            above(notice, words),
        )
    }

    /// The list to review: a batch in the order of its lines, a frozen selection by urgency.
    async fn list_to_review(
        &self,
        voter: &Voter,
        id: MessageId,
        list: u32,
    ) -> Result<Option<MessageView>, HandleError> {
        let (id, list) = if id == WAITING_LIST {
            let waiting = self.handle.attention().list(Some(voter)).await?;
            (
                self.handle
                    .bulk()
                    .freeze(waiting.iter().take(MAX_BATCH_SIZE).map(Item::of).collect(), voter)
                    .await?,
                1,
            )
        } else {
            (id, list)
        };
        let Some(mut message_view) = self.handle.bulk().list(id, list, voter).await? else {
            return Ok(None);
        };
        if matches!(message_view.message.purpose, Purpose::Selection { .. }) {
            // Urgency at the time of the selection, because the order must not change during the
            // review.
            let chosen = self.handle.time_scale().store_time(message_view.message.opened_at);
            message_view.listed.sort_by_cached_key(|listed| listed.decision.urgency(chosen));
        }
        Ok(Some(message_view))
    }

    /// A card during a review, with a button to skip the decision.
    pub(crate) fn step(
        &self,
        voter: &Voter,
        decision: &Decision,
        walk: ListPosition,
        content: String,
    ) -> View {
        self.opens(voter, decision);
        let tag = walk.on(self.handle.tag());
        let card = decision_card_below(content, decision, self.handle.time_scale());
        let mut view = render::card(&card, decision, &tag);
        let next = ListAction::Walk(walk.at.saturating_add(1));
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
        id: MessageId,
        list: u32,
        left: usize,
        count: usize,
        notice: Option<String>,
    ) -> View {
        let mut view = View::words(above(notice, text::review_finished(left, count)));
        if left > 0 {
            let again = id_of(self.handle.tag(), id, list, ListAction::Walk(0));
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
    pub(crate) async fn part(&self, voter: &Voter, id: MessageId, from: DecisionId) -> View {
        let message_view = match self.handle.messages().view(id).await {
            Ok(Some(message_view)) => message_view,
            Ok(None) => return View::words(text::NO_SUCH_LIST),
            Err(error) => return View::words(text::store_failed(&error.to_string())),
        };
        let start = message_view
            .listed
            .partition_point(|listed| listed.decision.id < from)
            .min(message_view.listed.len().saturating_sub(1));
        let size = pages(message_view.listed.len()).first().map_or(PAGE_ITEMS, |page| page.count);
        let part = &message_view.listed[start..(start + size).min(message_view.listed.len())];
        self.shown.record(
            serenity::all::UserId::new(voter.person.discord_id().unwrap_or(1)),
            part.iter().map(|l| &l.decision),
        );
        let lines: Vec<String> = part.iter().map(text::part_line).collect();
        let tag = self.handle.tag();
        let mut rows: Vec<CreateActionRow> = Vec::new();
        for (number, menu) in (0..).zip(part.chunks(MENU)) {
            rows.push(message_views::open_menu(&message_view.message, menu, number, tag));
        }
        let to = |index: usize| {
            u32::try_from(message_view.listed[index].decision.id.0).unwrap_or(u32::MAX)
        };
        let turn = |index: usize, label| {
            button(
                id_of(tag, id, message_view.message.revision, ListAction::Part(to(index))),
                ButtonStyle::Secondary,
                label,
            )
        };
        let previous = (start > 0).then(|| turn(start.saturating_sub(size), label::PREVIOUS));
        let next =
            (start + size < message_view.listed.len()).then(|| turn(start + size, label::NEXT));
        let turns: Vec<_> = previous.into_iter().chain(next).collect();
        rows.extend((!turns.is_empty()).then_some(CreateActionRow::Buttons(turns)));
        let content =
            text::part_title(id, start + 1, start + part.len(), message_view.listed.len());
        View { content, embed: Some(listed(&lines)), rows, ..View::default() }
    }

    /// Records that a person has opened this decision: the revision and the time.
    pub(crate) fn opens(&self, voter: &Voter, decision: &Decision) {
        let person = serenity::all::UserId::new(voter.person.discord_id().unwrap_or(1));
        self.shown.record(person, [decision]);
        let now = self.handle.clock().wall();
        self.shown.habits(person, |habits| habits.open(decision.id, now));
    }
}

fn above(notice: Option<String>, words: String) -> String {
    notice.map_or_else(|| words.clone(), |notice| format!("{notice}\n\n{words}"))
}

/// The result for each decision.
fn results(fates: &[ItemOutcome]) -> View {
    let approved = fates.iter().filter(|fate| matches!(fate, ItemOutcome::Approved(_))).count();
    let fate = |fate: &ItemOutcome| match fate {
        ItemOutcome::Approved(decision) => text::approved_of_these(decision),
        ItemOutcome::LeftOut(decision, why) => text::skipped_line(decision, why),
        ItemOutcome::Failed(id, error) => text::failed_of_these(*id, &error.to_string()),
    };
    // Decisions that were not approved come first, because they still need attention.
    let mut ordered: Vec<&ItemOutcome> = fates.iter().collect();
    ordered.sort_by_key(|fate| matches!(fate, ItemOutcome::Approved(_)));
    let lines: Vec<String> = ordered.into_iter().map(fate).collect();
    let (shown, whole) = text::fitting_lines(lines.iter().map(String::as_str));
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
