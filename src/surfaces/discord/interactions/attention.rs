//! The private list of decisions waiting for a person, and a decision opened from the list.

use serenity::all::{
    ButtonStyle, CreateActionRow, CreateButton, CreateEmbed, CreateEmbedFooter, CreateSelectMenu,
    CreateSelectMenuKind, CreateSelectMenuOption, ReactionType,
};

use super::bulk_approval::WAITING_LIST;
use super::custom_id::{Control, CustomId, ListAction};
use crate::core::Time;
use crate::core::decision::Decision;
use crate::core::decision::authorization::Voter;
use crate::core::values::time_scale::TimeScale;
use crate::engine::AttentionPage;
use crate::presentation::card::{decision_card, decision_card_below};
use crate::presentation::text;
use crate::presentation::text::label;
use crate::surfaces::discord::Bot;
use crate::surfaces::discord::rendering::render;
use crate::surfaces::discord::rendering::render::{View, button};

/// Decisions per page: as many as fit on a phone screen with the menu below.
pub(crate) const PAGE: usize = 6;

/// Makes the ids of page buttons unique: Discord rejects a message with two equal `custom_id`s.
const BACK: u32 = 0;
const PREVIOUS: u32 = 1;
const NEXT: u32 = 2;
const REFRESH: u32 = 3;

/// A page of the list. `notice`, the result of the last action, is shown above the list.
pub(crate) fn list(
    waiting: &AttentionPage,
    now: Time,
    time_scale: TimeScale,
    tag: &str,
    notice: Option<String>,
) -> View {
    let pages = waiting.count.div_ceil(PAGE);
    if pages == 0 {
        let words = notice.map_or_else(
            || text::NOTHING_WAITS.to_owned(),
            |notice| format!("{notice}\n\n{}", text::NOTHING_WAITS),
        );
        return View::words(words);
    }
    let (page, shown) = (waiting.offset / PAGE, waiting.decisions.as_slice());
    let lines: Vec<String> =
        shown.iter().map(|decision| text::attention_line(decision, now, time_scale)).collect();
    let embed = CreateEmbed::new()
        .title(text::attention_title(waiting.count))
        .description(lines.join("\n"))
        .colour(0x58_65F2)
        .footer(CreateEmbedFooter::new(text::page(page + 1, pages)));
    let mut rows = vec![open_menu(shown, tag), turn(page, pages, tag)];
    rows.extend((waiting.count > 1).then(|| together(tag)));
    View { content: notice.unwrap_or_default(), embed: Some(embed), rows, ..View::default() }
}

pub(crate) fn open_menu(shown: &[Decision], tag: &str) -> CreateActionRow {
    let options = shown.iter().map(|decision| {
        let (title, description) = text::open_option(decision);
        CreateSelectMenuOption::new(title, decision.id.0.to_string())
            .description(description)
            .emoji(ReactionType::Unicode(text::dot(decision.terms.risk).to_owned()))
    });
    let kind = CreateSelectMenuKind::String { options: options.collect() };
    CreateActionRow::SelectMenu(
        CreateSelectMenu::new(CustomId::new(tag, Control::Open).to_string(), kind)
            .placeholder(label::OPEN),
    )
}

fn page_button(tag: &str, page: usize, place: u32, emoji: &str, label: &str) -> CreateButton {
    let page = u32::try_from(page).unwrap_or(0);
    let id = CustomId::new(tag, Control::Page { page, place }).to_string();
    button(id, ButtonStyle::Secondary, label).emoji(ReactionType::Unicode(emoji.to_owned()))
}

fn turn(page: usize, pages: usize, tag: &str) -> CreateActionRow {
    let mut buttons = Vec::new();
    if pages > 1 {
        buttons.push(
            page_button(tag, page.saturating_sub(1), PREVIOUS, "◀️", label::PREVIOUS)
                .disabled(page == 0),
        );
        buttons
            .push(page_button(tag, page + 1, NEXT, "▶️", label::NEXT).disabled(page + 1 == pages));
    }
    buttons.push(page_button(tag, page, REFRESH, "🔄", label::REFRESH));
    CreateActionRow::Buttons(buttons)
}

/// The bulk buttons for all waiting decisions. A click freezes the list.
fn together(tag: &str) -> CreateActionRow {
    let id = |together| CustomId::new(tag, Control::With(WAITING_LIST, 0, together)).to_string();
    let approve = button(id(ListAction::Look), ButtonStyle::Success, label::APPROVE_LOW);
    CreateActionRow::Buttons(vec![
        approve,
        button(id(ListAction::Walk(0)), ButtonStyle::Primary, label::REVIEW_ALL),
    ])
}

/// A decision opened from the list: the current card with a button back to the list. `notice` is
/// shown above the card.
pub(crate) fn opened(
    decision: &Decision,
    time_scale: TimeScale,
    tag: &str,
    notice: Option<String>,
) -> View {
    let card = match notice {
        Some(notice) => decision_card_below(notice, decision, time_scale),
        None => decision_card(decision, time_scale),
    };
    let mut view = render::card(&card, decision, tag);
    view.rows.push(CreateActionRow::Buttons(vec![page_button(tag, 0, BACK, "↩️", label::BACK)]));
    view
}

impl Bot {
    /// A page of the decisions waiting for this person.
    pub(crate) async fn attention(&self, voter: &Voter, page: u32) -> View {
        let offset = usize::try_from(page).unwrap_or(0).saturating_mul(PAGE);
        match self.handle.attention().page(Some(voter), offset, PAGE).await {
            Ok(waiting) => {
                list(&waiting, self.handle.now(), self.handle.time_scale(), self.handle.tag(), None)
            }
            Err(error) => View::words(text::store_failed(&error.to_string())),
        }
    }
}
