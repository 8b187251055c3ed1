//! The journal as lines that a person reads when a test has failed: who did what, in which order,
//! with names instead of ids and the errors in Discord's words. Only renders.

use std::fmt::Write as _;

use serde_json::Value;

use crate::addresses::Addresses;
use crate::journal::{Direction, JournalEntry, Wire};

/// Characters of a body that are shown.
const SHOWN: usize = 160;

/// One line an entry, oldest first.
pub(crate) fn render(entries: &[JournalEntry], addresses: &Addresses) -> String {
    let mut text = String::new();
    for entry in entries {
        // Writing to a string cannot fail.
        writeln!(text, "{}", line(entry)).ok();
    }
    with_names(text, addresses)
}

fn line(entry: &JournalEntry) -> String {
    // 2026-01-02T03:04:05.678901+00:00: the time of day in milliseconds is enough.
    let at = entry.at.get(11..23).unwrap_or(&entry.at);
    let who = match entry.direction {
        Direction::In => "bot",
        Direction::Out => "sandbox",
    };
    let what = match entry.kind {
        Wire::Rest => request(entry),
        Wire::Gateway => format!("{}{}", entry.method, after_space(&event(entry))),
    };
    format!("{:>4} {at} {who:<7} {what}", entry.n)
}

fn request(entry: &JournalEntry) -> String {
    let status = match entry.status {
        Some(status) => status.to_string(),
        None => "no answer".to_owned(),
    };
    let failed = entry.status.is_some_and(|status| status >= 400);
    let answer = if failed { format!(" => {}", shortened(&entry.answer)) } else { String::new() };
    let body = if entry.body.is_null() { String::new() } else { shortened(&entry.body) };
    format!("{} {}{} -> {status}{answer}", entry.method, entry.path, after_space(&body))
}

/// What happened, of the events that a test is about; the others are known by their name.
fn event(entry: &JournalEntry) -> String {
    let data = &entry.body;
    match entry.method.as_str() {
        "INTERACTION_CREATE" => interaction(data),
        "MESSAGE_CREATE" | "MESSAGE_UPDATE" => {
            format!("{} in {}: {}", author(data), plain(&data["channel_id"]), content(data))
        }
        "READY" | "RESUMED" | "GUILD_CREATE" | "IDENTIFY" => String::new(),
        _ => shortened(data),
    }
}

fn interaction(data: &Value) -> String {
    let user = if data["user"].is_null() { &data["member"]["user"] } else { &data["user"] };
    let user = plain(&user["username"]);
    let inner = &data["data"];
    match data["type"].as_u64() {
        Some(2) => format!("{user} uses {}{}", plain(&inner["name"]), options(inner)),
        Some(3) => {
            let values = if inner["values"].is_null() { "" } else { &inner["values"].to_string() };
            format!(
                "{user} uses the component {}{}",
                plain(&inner["custom_id"]),
                after_space(values)
            )
        }
        Some(4) => format!("{user} types into {}{}", plain(&inner["name"]), options(inner)),
        Some(5) => format!("{user} submits {}", plain(&inner["custom_id"])),
        _ => shortened(data),
    }
}

fn options(command: &Value) -> String {
    let options = command["options"].as_array().into_iter().flatten();
    options.fold(String::new(), |text, option| {
        let value = if option["value"].is_null() { &option["options"] } else { &option["value"] };
        format!("{text} {}={value}", plain(&option["name"]))
    })
}

fn author(message: &Value) -> &str {
    message["author"]["username"].as_str().unwrap_or("somebody")
}

/// A message's text, or what it has instead.
fn content(message: &Value) -> String {
    let titles = message["embeds"].as_array().into_iter().flatten();
    let titles = titles.filter_map(|embed| embed["title"].as_str());
    let titles = titles.map(|title| format!(" [embed {title:?}]"));
    let files = message["attachments"].as_array().into_iter().flatten();
    let files = files.map(|file| format!(" [file {}]", plain(&file["filename"])));
    titles.chain(files).fold(message["content"].to_string(), |text, part| text + &part)
}

fn plain(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

fn after_space(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" {text}") }
}

fn shortened(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Ids replaced by what they stand for: `#general`, `@maya`.
fn with_names(mut text: String, addresses: &Addresses) -> String {
    for (name, id) in addresses.channels.iter() {
        text = text.replace(id, &format!("#{name}"));
    }
    for (name, id) in addresses.users.iter() {
        text = text.replace(id, &format!("@{name}"));
    }
    text
}
