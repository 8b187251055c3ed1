//! Draws messages for several decisions, with the buttons of their purpose.

use serenity::all::{
    ButtonStyle, CreateActionRow, CreateButton, CreateSelectMenu, CreateSelectMenuKind,
    CreateSelectMenuOption, ReactionType,
};

use super::custom_id::{Act, CustomId, Together};
use super::figures;
use super::reminders;
use super::render::{self, View, button};
use crate::core::batch::{pages, summary};
use crate::core::card::Card;
use crate::core::posting::{Listed, Posting, Purpose, Sheet};
use crate::core::text::{self, label};

/// Maximum options of a menu (Discord).
pub(super) const MENU: usize = 25;

/// Draws a message. Add the buttons of a new purpose here.
pub(super) fn sheet(card: &Card, sheet: &Sheet, tag: &str) -> View {
    let mut view = render::plain_card(card);
    if let Purpose::Digest { digest } = &sheet.posting.purpose {
        view.files.extend(figures::wait_png(digest));
    }
    view.rows = match &sheet.posting.purpose {
        Purpose::Batch { .. } => batch_rows(sheet, tag),
        Purpose::Review { .. } => review_rows(sheet, tag),
        // The search after a crash finds the message by this button.
        Purpose::Digest { .. } => vec![CreateActionRow::Buttons(vec![button(
            id_of(&sheet.posting, tag, Together::Now),
            ButtonStyle::Secondary,
            label::HOW_IS_IT_NOW,
        )])],
        Purpose::Selection { .. } => Vec::new(),
        Purpose::Reminder { .. }
        | Purpose::Mention { .. }
        | Purpose::Confirmation { .. }
        | Purpose::Incident { .. }
        | Purpose::Unreached { .. } => reminders::rows(card, sheet, tag),
    };
    view
}

/// The `custom_id` of a component that acts on the message's latest list.
pub(super) fn id_of(posting: &Posting, tag: &str, together: Together) -> String {
    CustomId::new(tag, Act::With(posting.id, posting.revision, together)).to_string()
}

/// The buttons and menu of a batch. Never empty: the search after a crash finds the message by
/// these components.
pub(super) fn batch_rows(sheet: &Sheet, tag: &str) -> Vec<CreateActionRow> {
    let (posting, summary) = (&sheet.posting, summary(&sheet.listed));
    let mut buttons: Vec<CreateButton> = Vec::new();
    if summary.together > 0 {
        let label = text::approve_all_label(summary.together);
        buttons.push(button(id_of(posting, tag, Together::Look), ButtonStyle::Success, &label));
    }
    if summary.waiting() > 0 {
        let label = text::review_all_label(summary.waiting());
        buttons.push(button(id_of(posting, tag, Together::Walk(0)), ButtonStyle::Primary, &label));
    }
    let mut rows: Vec<CreateActionRow> =
        (!buttons.is_empty()).then_some(CreateActionRow::Buttons(buttons)).into_iter().collect();
    rows.push(menu(sheet, tag));
    rows
}

/// The menu that opens a decision. Above [`MENU`] decisions, a menu that opens a part of the list.
fn menu(sheet: &Sheet, tag: &str) -> CreateActionRow {
    let (posting, listed) = (&sheet.posting, sheet.listed.as_slice());
    if listed.len() <= MENU {
        return open_menu(posting, listed, 0, tag);
    }
    let option = |page: crate::core::batch::Page| {
        let part = &listed[page.start..page.start + page.count];
        let (label, description) = text::part_option(part);
        CreateSelectMenuOption::new(
            label,
            part.first().map_or(0, |first| first.decision.id.0).to_string(),
        )
        .description(description)
    };
    let kind = CreateSelectMenuKind::String {
        options: pages(listed.len()).into_iter().map(option).collect(),
    };
    let menu = CreateSelectMenu::new(id_of(posting, tag, Together::Parts), kind);
    CreateActionRow::SelectMenu(menu.placeholder(label::OPEN_PART))
}

/// The menus to disagree with automatic approvals.
fn review_rows(sheet: &Sheet, tag: &str) -> Vec<CreateActionRow> {
    let only = sheet.listed.len() <= MENU;
    let option = |listed: &Listed| {
        let (title, description) = text::review_option(&listed.decision);
        CreateSelectMenuOption::new(title, listed.decision.id.0.to_string())
            .description(description)
    };
    let menu = |(number, part): (u32, &[Listed])| {
        let kind = CreateSelectMenuKind::String { options: part.iter().map(option).collect() };
        let menu =
            CreateSelectMenu::new(id_of(&sheet.posting, tag, Together::Disagree(number)), kind);
        CreateActionRow::SelectMenu(menu.placeholder(text::disagree_hint(part, only)))
    };
    (0..).zip(sheet.listed.chunks(MENU)).map(menu).collect()
}

/// A menu that opens one of at most [`MENU`] decisions. `number` keeps the ids of several menus on
/// a message apart.
pub(super) fn open_menu(
    posting: &Posting,
    listed: &[Listed],
    number: u32,
    tag: &str,
) -> CreateActionRow {
    let option = |listed: &Listed| {
        let (title, description) = text::open_option(&listed.decision);
        CreateSelectMenuOption::new(title, listed.decision.id.0.to_string())
            .description(description)
            .emoji(ReactionType::Unicode(text::sign(&listed.decision).to_owned()))
    };
    let kind =
        CreateSelectMenuKind::String { options: listed.iter().take(MENU).map(option).collect() };
    let menu = CreateSelectMenu::new(id_of(posting, tag, Together::Open(number)), kind);
    CreateActionRow::SelectMenu(menu.placeholder(text::open_menu_hint(listed)))
}
