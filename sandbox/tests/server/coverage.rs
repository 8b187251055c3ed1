//! How much of Discord is here, and that the rest is loud.
//!
//! `UPDATE=1` writes the table of the README anew; with `DISCORD_OPENAPI=FILE`, Discord's published
//! description (github.com/discord/discord-api-spec), the data files are made from it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use discord_sandbox::{Direction, Sandbox, Wire};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::common::{INTENTS, Rest, Socket, relaxed, text};

/// Whether files are to be written instead of compared.
fn updates() -> bool {
    std::env::var_os("UPDATE").is_some()
}

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Compares a file with what it should hold, or writes it.
fn keep(path: &str, wanted: &str) {
    if updates() {
        std::fs::write(file(path), wanted).unwrap();
    }
    let held = std::fs::read_to_string(file(path)).unwrap();
    assert!(held == wanted, "{path} is out of date: run this test with UPDATE=1");
}

async fn coverage(sandbox: &Sandbox) -> Value {
    let address = format!("{}_sandbox/coverage", sandbox.addresses().page);
    let answer = Client::new().get(address).send().await.unwrap();
    answer.json().await.unwrap()
}

#[test]
fn the_data_files_are_those_of_the_description() {
    let Some(path) = std::env::var_os("DISCORD_OPENAPI") else { return };
    let description: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut operations = Vec::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            if let Some(id) = operation["operationId"].as_str() {
                let row = [path.as_str(), &method.to_uppercase(), id, section(path)];
                operations.push(row.map(str::to_owned));
            }
        }
    }
    operations.sort();
    let rows =
        operations.iter().map(|[path, method, id, tag]| format!("{method}\t{path}\t{id}\t{tag}\n"));
    keep("src/description/operations.tsv", &rows.collect::<String>());
    let schemas = description["components"]["schemas"].as_object().unwrap();
    let types = schemas["MessageComponentTypes"]["oneOf"].as_array().unwrap();
    let rows = types.iter().map(|row| {
        let requested = |ending| {
            let mut named = schemas.iter().filter(|(name, _)| name.ends_with(ending));
            named.any(|(_, schema)| schema["properties"]["type"]["enum"][0] == row["const"])
        };
        let places = [("ForMessageRequest", "message"), ("ForModalRequest", "form")];
        let places = places.into_iter().filter(|(ending, _)| requested(*ending));
        let places: Vec<_> = places.map(|(_, place)| place).collect();
        format!("{}\t{}\t{}\n", row["const"], text(row, "title"), places.join(","))
    });
    keep("src/description/components.tsv", &rows.collect::<String>());
}

/// The section of Discord's documentation that a path belongs to; its description has no tags. The
/// first that a path contains counts.
fn section(path: &str) -> &'static str {
    const SECTIONS: &[(&str, &str)] = &[
        ("/commands", "Application commands"),
        ("/interactions/", "Interactions"),
        ("/webhooks/{webhook_id}/{webhook_token}/messages", "Interactions"),
        ("/webhooks", "Webhooks"),
        ("/role-connection", "Role connections"),
        ("/emojis", "Emoji"),
        ("/entitlements", "Entitlements"),
        ("/skus", "SKUs and subscriptions"),
        ("/soundboard", "Soundboard"),
        ("/send-soundboard", "Soundboard"),
        ("/sticker", "Stickers"),
        ("/lobbies", "Lobbies"),
        ("/partner-sdk", "Social SDK"),
        ("/stage-instances", "Stage instances"),
        ("/auto-moderation", "Auto moderation"),
        ("/audit-logs", "Audit log"),
        ("/scheduled-events", "Scheduled events"),
        ("/templates", "Guild templates"),
        ("/invites", "Invites"),
        ("/reactions", "Reactions"),
        ("/polls", "Polls"),
        ("/thread", "Threads"),
        ("/pins", "Pins"),
        ("/channels/{channel_id}/messages", "Messages"),
        ("/guilds/{guild_id}/messages", "Messages"),
        ("/voice", "Voice"),
        ("/bans", "Members and bans"),
        ("/bulk-ban", "Members and bans"),
        ("/prune", "Members and bans"),
        ("/members", "Members and bans"),
        ("/requests", "Members and bans"),
        ("/roles", "Roles"),
        ("/channels", "Channels"),
        ("/guilds", "Guilds"),
        ("/users", "Users"),
        ("/applications", "Applications"),
        ("/oauth2", "OAuth2"),
        ("/gateway", "Gateway"),
    ];
    let found = SECTIONS.iter().find(|(part, _)| path.contains(part));
    found.unwrap_or_else(|| panic!("{path} belongs to no section")).1
}

/// The README's table of how much there is.
fn table(coverage: &Value) -> String {
    let mut sections: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    let mut count = |section, kind: &Value| {
        let counts = sections.entry(section).or_default();
        let column = ["simulated", "checked", "loud"].iter().position(|name| kind == name);
        counts[column.unwrap()] += 1;
    };
    for operation in coverage["operations"].as_array().unwrap() {
        count(text(operation, "tag"), &operation["coverage"]);
    }
    let mut sum = [0; 3];
    for counts in sections.values() {
        (0..3).for_each(|column| sum[column] += counts[column]);
    }
    let mut more: Vec<(String, [usize; 3])> = vec![("**All operations**".to_owned(), sum)];
    for (name, list, field) in [
        ("Gateway events", "events", "coverage"),
        ("Gateway operations of bots", "opcodes", "coverage"),
        ("Component types in messages", "components", "in_messages"),
        ("Component types in forms", "components", "in_forms"),
    ] {
        let mut counts = [0; 3];
        for entry in coverage[list].as_array().unwrap() {
            let kinds = ["simulated", "checked", "loud"];
            // A component type that does not exist in a place is not counted there.
            if let Some(column) = kinds.iter().position(|kind| entry[field] == *kind) {
                counts[column] += 1;
            }
        }
        more.push((name.to_owned(), counts));
    }
    let rows = sections.into_iter().map(|(name, counts)| (name.to_owned(), counts)).chain(more);
    let mut table = "| | Simulated | Checked | Loud |\n| --- | --: | --: | --: |\n".to_owned();
    for (name, [simulated, checked, loud]) in rows {
        table += &format!("| {name} | {simulated} | {checked} | {loud} |\n");
    }
    table
}

#[tokio::test]
async fn the_readme_tells_how_much_there_is() {
    let sandbox = relaxed().await;
    let readme = std::fs::read_to_string(file("README.md")).unwrap();
    let (begin, end) = ("<!-- coverage -->\n", "<!-- /coverage -->");
    let (before, rest) = readme.split_once(begin).unwrap();
    let (_, after) = rest.split_once(end).unwrap();
    let table = table(&coverage(&sandbox).await);
    keep("README.md", &format!("{before}{begin}\n{table}\n{end}{after}"));
}

#[tokio::test]
async fn every_operation_of_discord_is_here_or_says_that_it_is_not() {
    let sandbox = relaxed().await;
    let rest = Rest::of(&sandbox);
    let coverage = coverage(&sandbox).await;
    let operations = coverage["operations"].as_array().unwrap();
    assert_eq!(operations.len(), 242);
    for operation in operations {
        let path: Vec<_> = text(operation, "path").split('/').map(filled).collect();
        let method: Method = text(operation, "method").parse().unwrap();
        let since = sandbox.journal(0).last().map_or(0, |entry| entry.n);
        let (status, body) = rest.call(method, &path.join("/"), Value::Null).await;
        let id = text(operation, "id");
        let gap = sandbox.journal(since)[0].gap.clone();
        if operation["coverage"] == "loud" {
            assert_eq!((status, &body["code"]), (501, &json!(0)), "{id}: {body}");
            assert_eq!(body["not_simulated"]["operation"], id);
            assert_eq!(gap.unwrap(), format!("operation {id}"));
        } else {
            assert_ne!(status, 501, "{id}: {body}");
            let words = body["message"].as_str().unwrap_or_default();
            assert!(!words.starts_with("404:") && !words.starts_with("405:"), "{id}: {body}");
            assert_eq!(gap, None);
        }
    }
}

/// A segment of a path with something for its name.
fn filled(segment: &str) -> &str {
    if segment.starts_with('{') { "1" } else { segment }
}

#[tokio::test]
async fn a_wrong_address_is_no_gap() {
    let sandbox = relaxed().await;
    let rest = Rest::of(&sandbox);
    for (method, path, status) in [
        (Method::GET, "/nowhere", 404),
        (Method::GET, "/channels", 404),
        (Method::GET, "/channels/1/messages/2/nothing", 404),
        (Method::POST, "/channels/1", 405),
        (Method::PUT, "/users/@me", 405),
        (Method::DELETE, "/gateway/bot", 405),
    ] {
        let (got, body) = rest.call(method, path, Value::Null).await;
        let words = match status {
            404 => "404: Not Found",
            _ => "405: Method Not Allowed",
        };
        assert_eq!((got, &body), (status, &json!({ "message": words, "code": 0 })), "{path}");
    }
    assert!(sandbox.journal(0).iter().all(|entry| entry.gap.is_none()));
}

#[tokio::test]
async fn the_gateway_tells_of_what_it_ignores() {
    let sandbox = relaxed().await;
    let (mut socket, _) = Socket::ready(&sandbox, INTENTS | 1 << 11).await;
    socket.send(json!({ "op": 4, "d": { "channel_id": null } })).await;
    let loud = sandbox
        .wait_for("the journal", crate::common::LIMIT, |sandbox| {
            let journal = sandbox.journal(0);
            let is_loud = |entry: &&discord_sandbox::JournalEntry| {
                entry.kind == Wire::Gateway
                    && entry.direction == Direction::In
                    && entry.gap.is_some()
            };
            let gaps: Vec<_> = journal.iter().filter(is_loud).map(|e| e.gap.clone()).collect();
            (gaps.len() == 2).then_some(gaps)
        })
        .await
        .unwrap();
    let [identify, voice] = loud.as_slice() else { panic!("{loud:?}") };
    assert!(identify.as_deref().unwrap().contains("TYPING_START"));
    assert_eq!(voice.as_deref(), Some("opcode VOICE_STATE_UPDATE (4)"));
}

#[tokio::test]
async fn the_events_said_to_be_sent_are_in_the_sources() {
    let sandbox = relaxed().await;
    let coverage = coverage(&sandbox).await;
    let mut sources = String::new();
    let told_of = ["control_help.rs", "coverage.rs", "description.rs"];
    let mut folders = vec![file("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else if name.ends_with(".rs") && !told_of.contains(&name.as_str()) {
                sources += &std::fs::read_to_string(entry.path()).unwrap();
            }
        }
    }
    for event in coverage["events"].as_array().unwrap() {
        let sent = sources.contains(&format!("\"{}\"", text(event, "name")));
        let said = event["coverage"] != "loud";
        assert_eq!(said, sent, "{event}: correct EVENTS_SENT in src/coverage.rs");
    }
}
