//! Error texts of the HTTP API: the problem, and what to do.

use std::fmt::Write as _;

use crate::core::decision::DecisionId;
use crate::core::decision::authorization::Denied;

/// The request has no token, and the connection does not identify the caller.
pub const NO_TOKEN: &str = "Send a token: Authorization: Bearer gander_…. The person who runs \
    Gander creates tokens with gander token create. Programs on the same machine need no token \
    on the Unix socket.";
/// The token is unknown or revoked.
pub const UNKNOWN_TOKEN: &str =
    "This token is unknown or revoked. Ask the person who runs Gander for a new one.";
/// The decision does not exist or is not visible to the caller.
pub const NO_DECISION: &str = "This decision does not exist, or you may not see it. Check the \
    number; without the scope observe, a token sees only its own questions.";
/// The Host header is missing or repeated.
pub const NO_HOST: &str = "The request needs exactly one Host header.";
/// The Host header names another server.
pub const FOREIGN_HOST: &str = "The Host header is not one of this server's names. Use the \
    server's address on this machine, or ask the person who runs Gander to add the name to hosts \
    under [http] in gander.toml.";
/// The request comes from a web page of another origin.
pub const FOREIGN_ORIGIN: &str =
    "Requests from web pages of other origins are refused. Call this API from a program.";
/// The If-Match header is missing.
pub const REVISION_NEEDED: &str = "Send the decision's ETag as If-Match, such as If-Match: \
    \"1\", to name the revision that the person saw. A decision that changed since is then not \
    decided.";
/// The If-Match header is not a revision.
pub const WRONG_REVISION: &str = "If-Match is not a revision: send the decision's ETag \
    unchanged, or its revision as a number of at least 1.";
/// The pagination cursor is invalid.
pub const WRONG_CURSOR: &str =
    "The cursor is invalid: send the next_cursor of the previous page unchanged, or leave it out.";
/// The position in the event log is invalid.
pub const WRONG_POSITION: &str = "The position is invalid: send the id of the last event \
    received, a whole number of at least 0.";
/// The Content-Type is not JSON.
pub const MEDIA_TYPE: &str = "Send the body as JSON: Content-Type: application/json.";
/// Attachments cannot be named over a connection.
pub const NO_FILES: &str = "leave out `attachments`: files cannot be attached over a connection; \
    put the text into `body`, or give `links`";
/// The decision was revised while the caller waited.
pub const SUPERSEDED: &str = "The decision was revised, so its verdict no longer answers this \
    question. Read the decision, then wait for the new revision or ask again.";
/// The time is beyond the supported range.
pub const BEYOND_ALL_TIME: &str =
    "The time is out of range. Write, for example, {\"for\": \"2h\"}.";
/// The store is locked.
pub const STORE_BUSY: &str =
    "Another process has locked the store. Nothing was changed; try again in a moment.";
/// The disk is full.
pub const STORE_FULL: &str = "The disk with the store is full. Nothing was changed; tell the \
    person who runs Gander, and try again later.";
/// The store is unusable.
pub const STORE_BROKEN: &str = "The store cannot be used. Tell the person who runs Gander: the \
    log of gander serve has the details.";
/// The process is shutting down.
pub const ENDING: &str = "Gander is stopping or restarting. Try again in a moment.";
/// Every connection is in use.
pub const NO_PLACE: &str = "Every connection of this server is in use. Try again in a moment; \
    programs that wait for verdicts can share connections by waiting in turn.";
/// The bot has no connection to Discord.
pub const NOT_CONNECTED: &str = "The bot is not connected to Discord. Questions are stored, and \
    shown when the bot is connected.";
/// Default reason for a withdrawal without a reason.
pub const TAKEN_BACK: &str = "the agent withdrew it";

/// Why a person is not allowed to decide.
#[must_use]
pub fn denied(id: DecisionId, denied: &Denied) -> String {
    match denied {
        Denied::NotAnApprover(who) => {
            format!("{id} is for {} to decide. Nothing was changed.", super::waits_for(who))
        }
        Denied::OwnQuestion => {
            format!(
                "You asked {id} yourself, so another person must decide it. Nothing was changed."
            )
        }
        Denied::NoApprovers => {
            format!(
                "Nobody may decide {id} yet: no [[approvers]] in gander.toml covers its project, \
                 kind and risk. Nothing was changed."
            )
        }
    }
}

/// Name of a local caller, identified by user ID.
#[must_use]
pub fn user(uid: u32) -> String {
    format!("user {uid}")
}

/// The caller has too many requests in progress.
#[must_use]
pub fn too_many_at_once(most: usize) -> String {
    format!(
        "You have {most} requests in progress, and more are not taken. Wait until some have ended, \
         or ask the person who runs Gander to raise the limit of open files (ulimit -n)."
    )
}

/// The rate limit is exceeded.
#[must_use]
pub fn too_many(seconds: u64) -> String {
    format!(
        "This token has exceeded its request limit. Wait {seconds} s; a long wait for a verdict \
         counts as one request."
    )
}

/// The message of an error as a sentence.
#[must_use]
pub fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}

/// The body exceeds `limit` bytes.
#[must_use]
pub fn too_large(limit: usize) -> String {
    format!(
        "The body is larger than {} KiB. Shorten it, or give links to the long parts.",
        limit >> 10
    )
}

/// The body did not arrive in time.
#[must_use]
pub fn slow(seconds: u64) -> String {
    format!("The body did not arrive within {seconds} s. Send it without pauses.")
}

/// The query string is invalid.
#[must_use]
pub fn wrong_query(words: &str) -> String {
    let mut text = format!("The query string is invalid: {words}");
    if !text.ends_with(['.', '?']) {
        let _ = write!(text, ".");
    }
    text
}

/// A header is repeated or unreadable.
#[must_use]
pub fn wrong_header(name: &str) -> String {
    format!("The header {name} is invalid: send it once, in plain text.")
}

/// The Idempotency-Key is invalid.
#[must_use]
pub fn wrong_key(longest: usize) -> String {
    format!(
        "An Idempotency-Key must have 1 to {longest} printable ASCII characters, not only spaces, \
         such as a UUID."
    )
}

/// The page size is out of range.
#[must_use]
pub fn wrong_limit(most: u32) -> String {
    format!("limit must be from 1 to {most}.")
}

/// The offset is out of range.
#[must_use]
pub fn wrong_offset(most: u32) -> String {
    format!("offset must be from 0 to {most}.")
}

/// The wait is too long.
#[must_use]
pub fn wrong_timeout(most: u64) -> String {
    format!("timeout is in seconds, at most {most}. Repeat the request to wait longer.")
}

/// The batch is empty or too long.
#[must_use]
pub fn wrong_batch(count: usize, most: usize) -> String {
    format!("questions: a batch must have 1 to {most} questions, not {count}.")
}

/// The text is too long.
#[must_use]
pub fn too_many_characters(most: usize) -> String {
    format!("The text has more than {most} characters; shorten it.")
}

/// Error text by status code, for errors without a text.
#[must_use]
pub const fn plainly(status: u16) -> &'static str {
    match status {
        404 => {
            "This path does not exist. /openapi.json lists all paths; paths do not end with a \
             slash."
        }
        405 => "This path does not support this method: the Allow header lists the methods.",
        408 => "Request timed out.",
        413 => "The body is too long.",
        415 => MEDIA_TYPE,
        _ => "The request is invalid. /openapi.json describes each request.",
    }
}
