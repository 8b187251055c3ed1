//! A message in words, for snapshots: everything that a person sees, without what differs from run
//! to run.

use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};
use discord_sandbox::Sandbox;
use regex::{Captures, Regex};
use serde_json::Value;

/// Draws messages of one server; times are told from `start`.
pub(crate) struct Pen<'a> {
    pub(crate) sandbox: &'a Sandbox,
    pub(crate) start: DateTime<Utc>,
    pub(crate) tag: &'a str,
}

impl Pen<'_> {
    pub(crate) fn message(&self, message: &Value) -> String {
        let mut drawn = format!("{}\n", message["content"].as_str().unwrap_or_default());
        for embed in message["embeds"].as_array().into_iter().flatten() {
            let _ = writeln!(
                drawn,
                "┌ {} #{:06x}",
                embed["title"].as_str().unwrap_or_default(),
                embed["color"].as_u64().unwrap_or(0)
            );
            for line in embed["description"].as_str().into_iter().flat_map(str::lines) {
                let _ = writeln!(drawn, "│ {line}");
            }
            for field in embed["fields"].as_array().into_iter().flatten() {
                let mark = if field["inline"] == true { "▪" } else { "■" };
                let _ = writeln!(drawn, "│{mark} {}", field["name"].as_str().unwrap_or_default());
                for line in field["value"].as_str().into_iter().flat_map(str::lines) {
                    let _ = writeln!(drawn, "│    {line}");
                }
            }
            let _ = writeln!(drawn, "└ {}", embed["footer"]["text"].as_str().unwrap_or_default());
        }
        for row in message["components"].as_array().into_iter().flatten() {
            let _ = writeln!(drawn, "{}", row_words(row));
        }
        for file in message["attachments"].as_array().into_iter().flatten() {
            let _ = writeln!(drawn, "📎 {}", file["filename"].as_str().unwrap_or_default());
        }
        self.steady(&drawn)
    }

    /// Replaces ids and times by what they stand for.
    pub(crate) fn steady(&self, text: &str) -> String {
        let mut text = text.replace(self.tag, "TAG");
        let addresses = self.sandbox.addresses();
        for (name, id) in addresses.users.iter().chain(addresses.channels.iter()) {
            text = text.replace(id, name);
        }
        let stamps = Regex::new(r"<t:(\d+):(.)>").unwrap();
        let text = stamps.replace_all(&text, |stamp: &Captures<'_>| {
            let at = DateTime::from_timestamp(stamp[1].parse().unwrap(), 0).unwrap();
            let minutes = (at - self.start + TimeDelta::seconds(30)).num_minutes();
            format!("<start{minutes:+}m {}>", &stamp[2])
        });
        Regex::new(r"\b\d{17,20}\b").unwrap().replace_all(&text, "ID").into_owned()
    }
}

fn row_words(row: &Value) -> String {
    let component = |component: &Value| {
        let id = component["custom_id"].as_str().unwrap_or_default();
        if component["type"] == 3 {
            let options = component["options"].as_array().into_iter().flatten();
            let labels: Vec<&str> = options.filter_map(|option| option["label"].as_str()).collect();
            return format!(
                "[▾ {}: {}] {id}",
                component["placeholder"].as_str().unwrap_or_default(),
                labels.join(" | ")
            );
        }
        let off = if component["disabled"] == true { " (off)" } else { "" };
        let emoji = component["emoji"]["name"].as_str().unwrap_or_default();
        format!("[{emoji} {}{off}] {id}", component["label"].as_str().unwrap_or_default())
    };
    row["components"].as_array().into_iter().flatten().map(component).collect::<Vec<_>>().join("  ")
}
