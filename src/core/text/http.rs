//! What programs are told over HTTP when something is refused: what is wrong, and what to do.

use std::fmt::Write as _;

use crate::core::decision::Decision;
use crate::core::permission::Denied;

/// No token came, and the connection says nothing of who calls.
pub const NO_TOKEN: &str = "Send a token: Authorization: Bearer gander_…. Whoever runs Gander makes one with gander token create. Programs of the \
                            same machine need none on the Unix socket.";
/// A token came that is worth nothing.
pub const UNKNOWN_TOKEN: &str =
    "This token is not known here, or was revoked. Ask whoever runs Gander for another.";
/// There is nothing, or nothing that this caller may see.
pub const NO_DECISION: &str = "There is no such decision, or none that you may see. Check the number; a token sees what it asked itself, unless it \
                               may observe.";
/// No or several names.
pub const NO_HOST: &str = "The request needs exactly one Host header.";
/// Another name.
pub const FOREIGN_HOST: &str = "The Host header is not one of this server's names. Call it by its address on this machine, or let whoever runs Gander \
                                add the name to hosts under [http] in gander.toml.";
/// A web page.
pub const FOREIGN_ORIGIN: &str =
    "Requests that web pages of other origins cause are refused. Call this API from a program.";
/// The revision is missing.
pub const REVISION_NEEDED: &str = "Name the revision that was seen: send the ETag of the decision as If-Match, such as If-Match: \"1\". Then nothing \
                                   is decided that has changed meanwhile.";
/// The revision is none.
pub const WRONG_REVISION: &str = "That is no revision: send the decision's ETag as it came, or its revision as a number from 1 on.";
/// A query that cannot be a page's.
pub const WRONG_CURSOR: &str =
    "That is no cursor: give the next_cursor of the page before as it came, or leave it out.";
/// A position that is none.
pub const WRONG_POSITION: &str = "That is no position of the log: give the id of the last event that came, a whole number from 0 on.";
/// The body is not JSON by name.
pub const MEDIA_TYPE: &str = "Send the body as JSON: Content-Type: application/json.";
/// Files over a connection.
pub const NO_FILES: &str = "leave `attachments` out: files of this machine cannot be named over a connection; put the text into `body`, or name `links`";
/// Asked anew.
pub const SUPERSEDED: &str = "It was asked again with another content, and whatever becomes of that is no answer to this question. Look at the \
                              decision, and wait for its revision or ask anew.";
/// Further than clocks reach.
pub const BEYOND_ALL_TIME: &str =
    "That moment is beyond all time: write for example {\"for\": \"2h\"}.";
/// The store is locked.
pub const STORE_BUSY: &str = "The store is busy with another process. Nothing was changed; the same request may work in a moment.";
/// No room.
pub const STORE_FULL: &str = "The disk of the store is full. Nothing was changed; tell whoever runs Gander, and try again later.";
/// Worse.
pub const STORE_BROKEN: &str =
    "The store cannot be used. Tell whoever runs Gander: the log of gander serve says more.";
/// The process ends.
pub const ENDING: &str = "Gander is about to stop or to start again. Try again in a moment.";
/// No connection to Discord.
pub const NOT_CONNECTED: &str =
    "The bot is not connected to Discord: what is asked is kept, and shown once it is.";
/// Why a question is over whose asker said no more.
pub const TAKEN_BACK: &str = "the agent took it back";

/// Why a person may not decide.
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

/// What a program of a user of this machine is called.
#[must_use]
pub fn user(uid: u32) -> String {
    format!("user {uid}")
}

/// Too many requests.
#[must_use]
pub fn too_many(seconds: u64) -> String {
    format!(
        "This token has made more requests than it may. Wait {seconds} s; a long wait for a verdict counts as one request."
    )
}

/// A body that is too long.
#[must_use]
pub fn too_large(limit: usize) -> String {
    format!(
        "The body has more than {} KiB. Shorten it, or name links to what is long.",
        limit >> 10
    )
}

/// A body that did not come.
#[must_use]
pub fn slow(seconds: u64) -> String {
    format!("The body did not arrive within {seconds} s. Send it at once.")
}

/// What is wrong with a query.
#[must_use]
pub fn wrong_query(words: &str) -> String {
    let mut text = format!("The query cannot be understood: {words}");
    if !text.ends_with(['.', '?']) {
        let _ = write!(text, ".");
    }
    text
}

/// A header that is there twice, or unreadable.
#[must_use]
pub fn wrong_header(name: &str) -> String {
    format!("The header {name} cannot be understood: send it once, in plain text.")
}

/// An idempotency key that is none.
#[must_use]
pub fn wrong_key(longest: usize) -> String {
    format!("An Idempotency-Key has 1 to {longest} plain characters, such as a UUID.")
}

/// A page that is too long or none.
#[must_use]
pub fn wrong_limit(most: u32) -> String {
    format!("limit is from 1 to {most}.")
}

/// A page that lies too far back.
#[must_use]
pub fn wrong_offset(most: u32) -> String {
    format!("offset is from 0 to {most}.")
}

/// A wait that is too long.
#[must_use]
pub fn wrong_timeout(most: u64) -> String {
    format!("timeout is in seconds, at most {most}. Wait again when it is over.")
}

/// A batch that is too long or empty.
#[must_use]
pub fn wrong_batch(count: usize, most: usize) -> String {
    format!("questions: there are {count}; a batch has 1 to {most}.")
}

/// A text that is too long.
#[must_use]
pub fn too_many_characters(most: usize) -> String {
    format!("The text has more than {most} characters; shorten it.")
}

/// What a refusal says that came without words.
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
