//! Rules for bodies that concern a guild's members, bans, roles and messages. The limits are those
//! of the pages "Guild" and "Message" of Discord's documentation.

use serde_json::{Value, json};

use super::form::{Field, Length, Rule, fields, not, optional, required};
use crate::refusal::{Problems, Refusal};

pub(crate) const MEMBER: Body = Body(&[
    optional("nick", Rule::Text(Length::UpTo(32))),
    optional("roles", Rule::Set(&Rule::Id, Length::Any)),
    optional("communication_disabled_until", Rule::Time),
]);
pub(crate) const ROLE: Body = Body(&[
    optional("name", Rule::Text(Length::UpTo(100))),
    optional("permissions", Rule::Other(permissions)),
    optional("color", COLOR),
    optional("colors", Rule::Object(&[required("primary_color", COLOR)])),
    optional("hoist", Rule::Bool),
    optional("mentionable", Rule::Bool),
]);
pub(crate) const BAN: Body = Body(&[
    optional("delete_message_seconds", Rule::Int(0, 604_800)),
    optional("delete_message_days", Rule::Int(0, 7)),
]);
pub(crate) const BULK_BAN: Body = Body(&[
    required("user_ids", Rule::Set(&Rule::Id, Length::Between(1, 200))),
    optional("delete_message_seconds", Rule::Int(0, 604_800)),
]);
pub(crate) const BULK_DELETE: Body =
    Body(&[required("messages", Rule::Set(&Rule::Id, Length::Between(2, 100)))]);

const COLOR: Rule = Rule::Int(0, 0xff_ff_ff);

/// What the body of an operation may hold.
pub(crate) struct Body(&'static [Field]);

impl Body {
    /// Checks a body, which may be absent if it needs nothing.
    pub(crate) fn check(&self, body: &Value) -> Result<(), Refusal> {
        let mut problems = Problems::default();
        let absent = json!({});
        fields(if body.is_null() { &absent } else { body }, "", self.0, &mut problems);
        problems.into_result()
    }
}

/// Permission bits: a number, which Discord itself writes as a text.
fn permissions(value: &Value, path: &str, problems: &mut Problems) {
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
    if number.is_none() {
        not(value, path, "int", problems);
    }
}
