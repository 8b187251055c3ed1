//! Discord's error answers: status, code, message and, for a faulty form, the nested list of what
//! is wrong with it.

use serde_json::{Map, Value, json};

use crate::gap::Gap;

/// An error answer of the REST interface.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    code: u32,
    message: String,
    errors: Option<Value>,
    /// What Discord would do and this sandbox cannot.
    pub(crate) gap: Option<Gap>,
}

impl Refusal {
    fn new(status: u16, code: u32, message: &str) -> Self {
        Self { status, code, message: message.to_owned(), errors: None, gap: None }
    }

    /// The answer to what Discord has and this sandbox has not.
    pub(crate) fn gap(gap: Gap) -> Self {
        let message = format!("501: Not Implemented: {}", gap.words());
        Self { gap: Some(gap), ..Self::new(501, 0, &message) }
    }

    /// The JSON body.
    pub(crate) fn body(&self) -> Value {
        let mut body = json!({ "message": self.message, "code": self.code });
        if let Some(errors) = &self.errors {
            body["errors"] = errors.clone();
        }
        if let Some(gap) = &self.gap {
            body["not_simulated"] = json!({ gap.kind: gap.name });
        }
        body
    }

    /// The same, with the errors of a form moved below this field.
    pub(crate) fn below(mut self, field: &str) -> Self {
        self.errors = self.errors.map(|errors| json!({ field: errors }));
        self
    }

    /// The answer Discord gives with a bare HTTP status.
    pub(crate) fn bare(status: u16) -> Self {
        let words = match status {
            400 => "400: Bad Request",
            401 => "401: Unauthorized",
            403 => "403: Forbidden",
            404 => "404: Not Found",
            405 => "405: Method Not Allowed",
            413 => "413: Payload Too Large",
            500 => "500: Internal Server Error",
            502 => "502: Bad Gateway",
            503 => "503: Service Unavailable",
            _ => "Error",
        };
        Self::new(status, 0, words)
    }

    pub(crate) fn invalid_json() -> Self {
        Self::new(400, 50109, "The request body contains invalid JSON.")
    }

    /// The refusal of a body that is neither JSON nor a form.
    pub(crate) fn content_type() -> Self {
        let words = "Expected \"Content-Type\" header to be one of {'application/json', \
                     'application/x-www-form-urlencoded', 'multipart/form-data'}.";
        Problems::one("", "CONTENT_TYPE_INVALID", words)
    }

    pub(crate) fn invalid_version() -> Self {
        Self::new(400, 50041, "Invalid API version")
    }

    pub(crate) fn unknown_channel() -> Self {
        Self::new(404, 10003, "Unknown Channel")
    }

    pub(crate) fn unknown_guild() -> Self {
        Self::new(404, 10004, "Unknown Guild")
    }

    pub(crate) fn unknown_overwrite() -> Self {
        Self::new(404, 10009, "Unknown Overwrite")
    }

    pub(crate) fn unknown_member() -> Self {
        Self::new(404, 10007, "Unknown Member")
    }

    pub(crate) fn unknown_message() -> Self {
        Self::new(404, 10008, "Unknown Message")
    }

    pub(crate) fn unknown_user() -> Self {
        Self::new(404, 10013, "Unknown User")
    }

    pub(crate) fn unknown_role() -> Self {
        Self::new(404, 10011, "Unknown Role")
    }

    pub(crate) fn unknown_emoji() -> Self {
        Self::new(404, 10014, "Unknown Emoji")
    }

    pub(crate) fn unknown_ban() -> Self {
        Self::new(404, 10026, "Unknown Ban")
    }

    pub(crate) fn too_many_pins(most: usize) -> Self {
        let words = format!("Maximum number of pins reached ({most})");
        Self::new(400, 30003, &words)
    }

    pub(crate) fn too_many_roles(most: usize) -> Self {
        let words = format!("Maximum number of server roles reached ({most})");
        Self::new(400, 30005, &words)
    }

    pub(crate) fn too_many_reactions(most: usize) -> Self {
        let words = format!("Maximum number of reactions reached ({most})");
        Self::new(403, 30010, &words)
    }

    pub(crate) fn system_message() -> Self {
        Self::new(403, 50021, "Cannot execute action on a system message")
    }

    pub(crate) fn too_old_to_delete() -> Self {
        let words = "You can only bulk delete messages that are under 14 days old.";
        Self::new(400, 50034, words)
    }

    pub(crate) fn invalid_role() -> Self {
        Self::new(400, 50028, "Invalid Role")
    }

    pub(crate) fn nobody_banned() -> Self {
        Self::new(400, 500_000, "Failed to ban users")
    }

    pub(crate) fn unknown_webhook() -> Self {
        Self::new(404, 10015, "Unknown Webhook")
    }

    pub(crate) fn unknown_interaction() -> Self {
        Self::new(404, 10062, "Unknown interaction")
    }

    pub(crate) fn unknown_command() -> Self {
        Self::new(404, 10063, "Unknown application command")
    }

    pub(crate) fn not_your_application() -> Self {
        let words = "You are not authorized to perform this action on this application";
        Self::new(403, 20012, words)
    }

    pub(crate) fn too_many_commands(most: usize) -> Self {
        let words = format!("Maximum number of application commands reached ({most}).");
        Self::new(400, 30032, &words)
    }

    pub(crate) fn too_many_webhooks(most: usize) -> Self {
        Self::new(400, 30007, &format!("Maximum number of webhooks reached ({most})."))
    }

    pub(crate) fn too_many_channels(most: usize) -> Self {
        Self::new(400, 30013, &format!("Maximum number of guild channels reached ({most})."))
    }

    pub(crate) fn too_large() -> Self {
        Self::new(413, 40005, "Request entity too large")
    }

    pub(crate) fn already_acknowledged() -> Self {
        let words = "Interaction has already been acknowledged.";
        Self::new(400, 40060, words)
    }

    pub(crate) fn missing_access() -> Self {
        Self::new(403, 50001, "Missing Access")
    }

    pub(crate) fn not_in_dm() -> Self {
        let words = "Cannot execute action on a DM channel";
        Self::new(403, 50003, words)
    }

    pub(crate) fn other_author() -> Self {
        let words = "Cannot edit a message authored by another user";
        Self::new(403, 50005, words)
    }

    pub(crate) fn empty_message() -> Self {
        Self::new(400, 50006, "Cannot send an empty message")
    }

    pub(crate) fn cannot_dm() -> Self {
        Self::new(403, 50007, "Cannot send messages to this user")
    }

    /// Bots cannot write to bots. The status differs from that of a person who does not want
    /// messages.
    pub(crate) fn cannot_dm_bot() -> Self {
        Self::new(400, 50007, "Cannot send messages to this user")
    }

    pub(crate) fn missing_permissions() -> Self {
        Self::new(403, 50013, "Missing Permissions")
    }

    pub(crate) fn wrong_channel_type() -> Self {
        Self::new(400, 50024, "Cannot execute action on this channel type")
    }

    pub(crate) fn invalid_message_type() -> Self {
        Self::new(400, 50068, "Invalid message type")
    }

    pub(crate) fn archived_thread() -> Self {
        Self::new(400, 50083, "Thread is archived")
    }

    pub(crate) fn thread_exists() -> Self {
        let words = "A thread has already been created for this message";
        Self::new(400, 160_004, words)
    }

    pub(crate) fn locked_thread() -> Self {
        Self::new(400, 160_005, "Thread is locked")
    }

    pub(crate) fn invalid_webhook_token() -> Self {
        Self::new(401, 50027, "Invalid Webhook Token")
    }

    pub(crate) fn invalid_recipient() -> Self {
        Self::new(400, 50033, "Invalid Recipient(s)")
    }

    pub(crate) fn cannot_reply() -> Self {
        Self::new(403, 160_002, "Cannot reply without permission to read message history")
    }

    pub(crate) fn no_mutual_guild() -> Self {
        let words = "Cannot send messages to this user due to having no mutual guilds";
        Self::new(403, 50278, words)
    }
}

/// What is wrong with a form, each with the path to it: `embeds.0.title`.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<(String, &'static str, String)>);

impl Problems {
    /// Notes a problem. `code` is Discord's name for its kind.
    pub(crate) fn add(&mut self, path: &str, code: &'static str, message: impl Into<String>) {
        self.0.push((path.to_owned(), code, message.into()));
    }

    /// Notes that a field is missing.
    pub(crate) fn required(&mut self, path: &str) {
        self.add(path, "BASE_TYPE_REQUIRED", "This field is required");
    }

    /// The refusal of the form, if anything is wrong with it.
    pub(crate) fn into_result(self) -> Result<(), Refusal> {
        if self.0.is_empty() {
            return Ok(());
        }
        let mut errors = json!({});
        for (path, code, message) in self.0 {
            let mut place = &mut errors;
            for step in path.split('.').filter(|step| !step.is_empty()) {
                place = &mut place[step];
            }
            let list = &mut place["_errors"];
            if !list.is_array() {
                *list = json!([]);
            }
            if let Some(list) = list.as_array_mut() {
                list.push(json!({ "code": code, "message": message }));
            }
        }
        let mut refusal = Refusal::new(400, 50035, "Invalid Form Body");
        refusal.errors = Some(errors);
        Err(refusal)
    }

    /// The refusal for a single problem.
    pub(crate) fn one(path: &str, code: &'static str, message: impl Into<String>) -> Refusal {
        let mut problems = Self::default();
        problems.add(path, code, message);
        match problems.into_result() {
            Err(refusal) => refusal,
            Ok(()) => Refusal::bare(400),
        }
    }
}

/// The fields of an object; empty for anything else.
pub(crate) fn fields(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_nest_as_discord_nests_them() {
        let mut problems = Problems::default();
        let words = "Must be 256 or fewer in length.";
        problems.add("embeds.0.title", "BASE_TYPE_MAX_LENGTH", words);
        let refusal = problems.into_result().unwrap_err();
        assert_eq!(
            refusal.body(),
            json!({
                "message": "Invalid Form Body",
                "code": 50035,
                "errors": { "embeds": { "0": { "title": { "_errors": [{
                    "code": "BASE_TYPE_MAX_LENGTH",
                    "message": "Must be 256 or fewer in length.",
                }] } } } },
            })
        );
    }
}
