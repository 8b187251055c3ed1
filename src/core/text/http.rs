//! Error texts of the HTTP API: the problem, and what to do.

use std::fmt::Write as _;

use crate::core::decision::Decision;
use crate::core::permission::Denied;

/// The request has no token, and the connection does not identify the caller.
pub const NO_TOKEN: &str = "Send a token: Authorization: Bearer gander_…. Whoever runs Gander makes one with gander token create. Programs of the \
                            same machine need none on the Unix socket.";
/// The token is unknown or revoked.
pub const UNKNOWN_TOKEN: &str =
    "This token is not known here, or was revoked. Ask whoever runs Gander for another.";
/// The decision does not exist or is not visible to the caller.
pub const NO_DECISION: &str = "There is no such decision, or none that you may see. Check the number; a token sees what it asked itself, unless it \
                               may observe.";
/// The Host header is missing or repeated.
pub const NO_HOST: &str = "The request needs exactly one Host header.";
/// The Host header names another server.
pub const FOREIGN_HOST: &str = "The Host header is not one of this server's names. Call it by its address on this machine, or let whoever runs Gander \
                                add the name to hosts under [http] in gander.toml.";
/// The request comes from a web page of another origin.
pub const FOREIGN_ORIGIN: &str =
    "Requests that web pages of other origins cause are refused. Call this API from a program.";
/// The If-Match header is missing.
pub const REVISION_NEEDED: &str = "Name the revision that was seen: send the ETag of the decision as If-Match, such as If-Match: \"1\". Then nothing \
                                   is decided that has changed meanwhile.";
/// The If-Match header is not a revision.
pub const WRONG_REVISION: &str = "That is no revision: send the decision's ETag as it came, or its revision as a number from 1 on.";
/// The pagination cursor is invalid.
pub const WRONG_CURSOR: &str =
    "That is no cursor: give the next_cursor of the page before as it came, or leave it out.";
/// The position in the event log is invalid.
pub const WRONG_POSITION: &str = "That is no position of the log: give the id of the last event that came, a whole number from 0 on.";
/// The Content-Type is not JSON.
pub const MEDIA_TYPE: &str = "Send the body as JSON: Content-Type: application/json.";
/// Attachments cannot be named over a connection.
pub const NO_FILES: &str = "leave `attachments` out: files of this machine cannot be named over a connection; put the text into `body`, or name `links`";
/// The decision was revised while the caller waited.
pub const SUPERSEDED: &str = "It was asked again with another content, and whatever becomes of that is no answer to this question. Look at the \
                              decision, and wait for its revision or ask anew.";
/// The time is beyond the supported range.
pub const BEYOND_ALL_TIME: &str =
    "That moment is beyond all time: write for example {\"for\": \"2h\"}.";
/// The store is locked.
pub const STORE_BUSY: &str = "The store is busy with another process. Nothing was changed; the same request may work in a moment.";
/// The disk is full.
pub const STORE_FULL: &str = "The disk of the store is full. Nothing was changed; tell whoever runs Gander, and try again later.";
/// The store is unusable.
pub const STORE_BROKEN: &str =
    "The store cannot be used. Tell whoever runs Gander: the log of gander serve says more.";
/// The process is shutting down.
pub const ENDING: &str = "Gander is about to stop or to start again. Try again in a moment.";
/// The bot has no connection to Discord.
pub const NOT_CONNECTED: &str =
    "The bot is not connected to Discord: what is asked is kept, and shown once it is.";
/// Default reason for a withdrawal without a reason.
pub const TAKEN_BACK: &str = "the agent took it back";

/// Why a person is not allowed to decide.
#[must_use]
pub fn denied(decision: &Decision, denied: &Denied) -> String {
    let id = decision.id;
    match denied {
        Denied::NotAnApprover(who) => {
            format!("{id} is for {} to decide. Nothing was changed.", super::waits_for(who))
        }
        Denied::OwnQuestion => {
            format!("You asked {id} yourself, so somebody else decides it. Nothing was changed.")
        }
        Denied::NobodyMay => {
            format!(
                "Nobody may decide {id} yet: no [[approvers]] in gander.toml covers its project, kind and risk. Nothing was changed."
            )
        }
    }
}

/// Name of a local caller, identified by user ID.
#[must_use]
pub fn user(uid: u32) -> String {
    format!("user {uid}")
}

/// The rate limit is exceeded.
#[must_use]
pub fn too_many(seconds: u64) -> String {
    format!(
        "This token has made more requests than it may. Wait {seconds} s; a long wait for a verdict counts as one request."
    )
}

/// The body exceeds `limit` bytes.
#[must_use]
pub fn too_large(limit: usize) -> String {
    format!(
        "The body has more than {} KiB. Shorten it, or name links to what is long.",
        limit >> 10
    )
}

/// The body did not arrive in time.
#[must_use]
pub fn slow(seconds: u64) -> String {
    format!("The body did not arrive within {seconds} s. Send it at once.")
}

/// The query string is invalid.
#[must_use]
pub fn wrong_query(words: &str) -> String {
    let mut text = format!("The query cannot be understood: {words}");
    if !text.ends_with(['.', '?']) {
        let _ = write!(text, ".");
    }
    text
}

/// A header is repeated or unreadable.
#[must_use]
pub fn wrong_header(name: &str) -> String {
    format!("The header {name} cannot be understood: send it once, in plain text.")
}

/// The Idempotency-Key is invalid.
#[must_use]
pub fn wrong_key(longest: usize) -> String {
    format!("An Idempotency-Key has 1 to {longest} plain characters, such as a UUID.")
}

/// The page size is out of range.
#[must_use]
pub fn wrong_limit(most: u32) -> String {
    format!("limit is from 1 to {most}.")
}

/// The offset is out of range.
#[must_use]
pub fn wrong_offset(most: u32) -> String {
    format!("offset is from 0 to {most}.")
}

/// The wait is too long.
#[must_use]
pub fn wrong_timeout(most: u64) -> String {
    format!("timeout is in seconds, at most {most}. Wait again when it is over.")
}

/// The batch is empty or too long.
#[must_use]
pub fn wrong_batch(count: usize, most: usize) -> String {
    format!("questions: there are {count}; a batch has 1 to {most}.")
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
            "There is nothing at this path. /openapi.json lists what there is; paths end without a slash."
        }
        405 => "This path knows other methods: the Allow header names them.",
        408 => "The request took too long.",
        413 => "The body is too long.",
        415 => MEDIA_TYPE,
        _ => "The request cannot be understood. /openapi.json describes each.",
    }
}
