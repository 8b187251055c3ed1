//! Draws messages, with the buttons of their purpose.

use serenity::all::{
    ButtonStyle, CreateActionRow, CreateButton, CreateSelectMenu, CreateSelectMenuKind,
    CreateSelectMenuOption, ReactionType,
};

use super::render::{self, View, button};
use super::reports;
use crate::core::messaging::message::{Listed, Message, MessageView, Purpose};
use crate::presentation::batch::{pages, summary};
use crate::presentation::card::Card;
use crate::presentation::text;
use crate::presentation::text::label;
use crate::surfaces::discord::alerts::reminders;
use crate::surfaces::discord::interactions::custom_id::{Control, CustomId, ListAction};

/// Maximum options of a menu (Discord).
pub(crate) const MENU: usize = 25;

/// Draws a message. Add the buttons of a new purpose here.
pub(crate) fn message_view(card: &Card, message_view: &MessageView, tag: &str) -> View {
    if let (Purpose::Card { .. }, Some(listed)) =
        (&message_view.message.purpose, message_view.listed.first())
    {
        let silent = listed.decision.at_desk().is_some();
        return View { silent, ..render::card(card, &listed.decision, tag) };
    }
    let mut view = render::with_rows(card, |card| rows(card, message_view, tag));
    if let Purpose::Digest { digest } = &message_view.message.purpose {
        view.files.extend(reports::wait_png(digest));
    }
    view
}

fn rows(card: &Card, message_view: &MessageView, tag: &str) -> Vec<CreateActionRow> {
    match &message_view.message.purpose {
        Purpose::Batch { .. } => batch_rows(message_view, tag),
        Purpose::Review { .. } => review_rows(message_view, tag),
        // The search after a crash finds the message by this button.
        Purpose::Digest { .. } => vec![CreateActionRow::Buttons(vec![button(
            id_of(&message_view.message, tag, ListAction::Now),
            ButtonStyle::Secondary,
            label::HOW_IS_IT_NOW,
        )])],
        Purpose::Card { .. } | Purpose::Selection { .. } => Vec::new(),
        Purpose::Reminder { .. }
        | Purpose::Mention { .. }
        | Purpose::Confirmation { .. }
        | Purpose::Incident { .. }
        | Purpose::Unreached { .. } => reminders::rows(card, message_view, tag),
    }
}

/// The `custom_id` of a component that acts on the message's latest list.
pub(crate) fn id_of(message: &Message, tag: &str, together: ListAction) -> String {
    CustomId::new(tag, Control::With(message.id, message.revision, together)).to_string()
}

/// The buttons and menu of a batch. Never empty: the search after a crash finds the message by
/// these components.
pub(crate) fn batch_rows(message_view: &MessageView, tag: &str) -> Vec<CreateActionRow> {
    let (message, summary) = (&message_view.message, summary(&message_view.listed));
    let mut buttons: Vec<CreateButton> = Vec::new();
    if summary.together > 0 {
        let label = text::approve_all_label(summary.together);
        buttons.push(button(id_of(message, tag, ListAction::Look), ButtonStyle::Success, &label));
    }
    if summary.waiting() > 0 {
        let label = text::review_all_label(summary.waiting());
        buttons.push(button(
            id_of(message, tag, ListAction::Walk(0)),
            ButtonStyle::Primary,
            &label,
        ));
    }
    let mut rows: Vec<CreateActionRow> =
        (!buttons.is_empty()).then_some(CreateActionRow::Buttons(buttons)).into_iter().collect();
    rows.push(menu(message_view, tag));
    rows
}

/// The menu that opens a decision. Above [`MENU`] decisions, a menu that opens a part of the list.
fn menu(message_view: &MessageView, tag: &str) -> CreateActionRow {
    let (message, listed) = (&message_view.message, message_view.listed.as_slice());
    if listed.len() <= MENU {
        return open_menu(message, listed, 0, tag);
    }
    let option = |page: crate::presentation::batch::BatchPage| {
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
    let menu = CreateSelectMenu::new(id_of(message, tag, ListAction::Parts), kind);
    CreateActionRow::SelectMenu(menu.placeholder(label::OPEN_PART))
}

/// The menus to disagree with automatic approvals.
fn review_rows(message_view: &MessageView, tag: &str) -> Vec<CreateActionRow> {
    let only = message_view.listed.len() <= MENU;
    let option = |listed: &Listed| {
        let (title, description) = text::review_option(&listed.decision);
        CreateSelectMenuOption::new(title, listed.decision.id.0.to_string())
            .description(description)
    };
    let menu = |(number, part): (u32, &[Listed])| {
        let kind = CreateSelectMenuKind::String { options: part.iter().map(option).collect() };
        let menu = CreateSelectMenu::new(
            id_of(&message_view.message, tag, ListAction::Disagree(number)),
            kind,
        );
        CreateActionRow::SelectMenu(menu.placeholder(text::disagree_hint(part, only)))
    };
    (0..).zip(message_view.listed.chunks(MENU)).map(menu).collect()
}

/// A menu that opens one of at most [`MENU`] decisions. `number` keeps the ids of several menus on
/// a message apart.
pub(crate) fn open_menu(
    message: &Message,
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
    let menu = CreateSelectMenu::new(id_of(message, tag, ListAction::Open(number)), kind);
    CreateActionRow::SelectMenu(menu.placeholder(text::open_menu_hint(listed)))
}
