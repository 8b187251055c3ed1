//! Rules for channels, threads and webhooks. Limits are those of Discord's description and of the
//! pages "Channels Resource", "Guild Resource" and "Webhook Resource" of its documentation.

use serde_json::Value;

use super::address::Schemes;
use super::form::{Field, Length, Rule, fields, list, optional, required};
use crate::refusal::{Problems, Refusal};

/// Minutes after which a thread can be archived.
const ARCHIVE: Rule = Rule::Number(&[60, 1_440, 4_320, 10_080]);
/// Seconds of a slowmode.
const SLOWMODE: Rule = Rule::Int(0, 21_600);
const POSITION: Rule = Rule::Int(0, i32::MAX as i64);
/// Characters of a channel's name.
const NAME: Rule = Rule::Text(Length::Filled(100));
/// Characters of a webhook's name.
const HOOK_NAME: Rule = Rule::Text(Length::Filled(80));
/// What no webhook's name may contain.
const RESERVED: [&str; 2] = ["clyde", "discord"];

const OVERWRITE: &[Field] = &[
    required("id", Rule::Id),
    required("type", Rule::Number(&[0, 1])),
    optional("allow", Rule::Id),
    optional("deny", Rule::Id),
];

/// What new channels and changed ones have in common.
const CHANNEL: &[Field] = &[
    optional("type", Rule::Number(&[0, 2, 4, 5, 13, 14, 15, 16])),
    optional("position", POSITION),
    optional("topic", Rule::Text(Length::UpTo(1_024))),
    optional("nsfw", Rule::Bool),
    optional("rate_limit_per_user", SLOWMODE),
    optional("parent_id", Rule::Id),
    optional("permission_overwrites", Rule::List(&Rule::Object(OVERWRITE), Length::UpTo(100))),
    optional("default_auto_archive_duration", ARCHIVE),
];

const MOVE: &[Field] = &[
    required("id", Rule::Id),
    optional("position", POSITION),
    optional("parent_id", Rule::Id),
    optional("lock_permissions", Rule::Bool),
];

const THREAD: &[Field] = &[
    required("name", NAME),
    optional("auto_archive_duration", ARCHIVE),
    optional("rate_limit_per_user", SLOWMODE),
];

const THREAD_CHANGE: &[Field] = &[
    optional("name", NAME),
    optional("archived", Rule::Bool),
    optional("locked", Rule::Bool),
    optional("invitable", Rule::Bool),
    optional("auto_archive_duration", ARCHIVE),
    optional("rate_limit_per_user", SLOWMODE),
];

fn checked(body: &Value, rules: &[&[Field]]) -> Result<(), Refusal> {
    let mut problems = Problems::default();
    for rules in rules {
        fields(body, "", rules, &mut problems);
    }
    problems.into_result()
}

/// Checks the body of a new channel.
pub(crate) fn create(body: &Value) -> Result<(), Refusal> {
    checked(body, &[&[required("name", NAME)], CHANNEL])
}

/// Checks the body of a change of a channel.
pub(crate) fn change(body: &Value) -> Result<(), Refusal> {
    let name = if body.get("name").is_some() { required } else { optional };
    checked(body, &[&[name("name", NAME)], CHANNEL])
}

/// Checks the body of an overwrite, whose id stands in the path.
pub(crate) fn overwrite(body: &Value) -> Result<(), Refusal> {
    checked(body, &[&OVERWRITE[1..]])
}

/// Checks a list of new positions.
pub(crate) fn moves(body: &Value) -> Result<(), Refusal> {
    let mut problems = Problems::default();
    for (index, entry) in list(body, "", &mut problems).iter().enumerate() {
        fields(entry, &index.to_string(), MOVE, &mut problems);
    }
    problems.into_result()
}

/// Checks the body of a new thread of a message.
pub(crate) fn thread(body: &Value) -> Result<(), Refusal> {
    checked(body, &[THREAD])
}

/// Checks the body of a new thread without a message.
pub(crate) fn loose_thread(body: &Value) -> Result<(), Refusal> {
    let more: &[Field] =
        &[optional("type", Rule::Number(&[10, 11, 12])), optional("invitable", Rule::Bool)];
    checked(body, &[THREAD, more])
}

/// Checks the body of a change of a thread.
pub(crate) fn thread_change(body: &Value) -> Result<(), Refusal> {
    checked(body, &[THREAD_CHANGE])
}

/// Checks the body of a new webhook.
pub(crate) fn webhook(body: &Value) -> Result<(), Refusal> {
    named(body, &[required("name", HOOK_NAME)], "name")
}

/// Checks the body of a change of a webhook.
pub(crate) fn webhook_change(body: &Value) -> Result<(), Refusal> {
    named(body, &[optional("name", HOOK_NAME), optional("channel_id", Rule::Id)], "name")
}

/// Checks what the body of a webhook's message has besides that of a message.
pub(crate) fn guise(body: &Value) -> Result<(), Refusal> {
    let avatar = Rule::Address(Schemes::Web, Length::UpTo(2_048));
    named(body, &[optional("username", HOOK_NAME), optional("avatar_url", avatar)], "username")
}

/// Checks a body with the name of a webhook, which may not pass for Discord's own.
fn named(body: &Value, rules: &[Field], name: &str) -> Result<(), Refusal> {
    let mut problems = Problems::default();
    fields(body, "", rules, &mut problems);
    let given = body[name].as_str().unwrap_or_default().to_lowercase();
    for word in RESERVED.iter().filter(|word| given.contains(*word)) {
        let words = format!("Username cannot contain \"{word}\"");
        problems.add(name, "USERNAME_INVALID_CONTAINS", words);
    }
    problems.into_result()
}
