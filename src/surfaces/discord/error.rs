//! What Discord's refusals mean, and what happens next.
//!
//! Texts made here never hold an address: those of interactions carry their tokens.

use std::time::Duration;

use serenity::http::HttpError;

use super::connect::ConnectError;
use crate::engine::deliveries::BoardError;

/// What a failed request means to whoever made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The token is not accepted.
    Unauthorized,
    /// The message is not there.
    MessageGone,
    /// The channel is not there.
    ChannelGone,
    /// The bot may not use the channel.
    ChannelClosed,
    /// The interaction was answered already: an earlier try did arrive.
    AlreadyAnswered,
    /// The interaction's time is over.
    TooLate,
    /// It may work later.
    Passing,
    /// The request itself is wrong.
    Refused,
}

/// What a failed request means, and the words for it.
pub(super) fn meaning(error: &serenity::Error) -> (Meaning, String) {
    let http = match error {
        serenity::Error::Http(http) => http,
        // An answer that is not Discord's: a proxy's page, or half of one. What was asked may have
        // been done.
        serenity::Error::Json(_) => {
            return (Meaning::Passing, "the answer was not Discord's".into());
        }
        other => return (Meaning::Refused, other.to_string()),
    };
    match http {
        HttpError::UnsuccessfulRequest(response) => {
            let (status, code) = (response.status_code.as_u16(), response.error.code);
            let details: Vec<String> = response
                .error
                .errors
                .iter()
                .map(|e| format!("{}: {}", e.path, e.message))
                .collect();
            let mut words =
                format!("Discord answered {status}: {} (code {code})", response.error.message);
            if !details.is_empty() {
                words = format!("{words}: {}", details.join("; "));
            }
            (by_code(status, code), words)
        }
        HttpError::Request(error) => (Meaning::Passing, transport(error)),
        HttpError::RateLimitI64F64 | HttpError::RateLimitUtf8 => {
            (Meaning::Passing, "Discord's rate-limit headers could not be read".into())
        }
        other => (Meaning::Refused, other.to_string()),
    }
}

const fn by_code(status: u16, code: isize) -> Meaning {
    match (status, code) {
        (_, 10_008) => Meaning::MessageGone,
        (_, 10_003) => Meaning::ChannelGone,
        // Missing access, missing permissions, archived thread.
        (_, 50_001 | 50_013 | 50_083) => Meaning::ChannelClosed,
        (_, 40_060) => Meaning::AlreadyAnswered,
        // Unknown interaction, unknown webhook, invalid webhook token.
        (_, 10_062 | 10_015 | 50_027) => Meaning::TooLate,
        (401, _) => Meaning::Unauthorized,
        (413, _) => Meaning::Refused,
        (408 | 429 | 500..=599, _) => Meaning::Passing,
        // Discord's own refusals have a code; without one it was something on the way.
        (_, ..=0) => Meaning::Passing,
        _ => Meaning::Refused,
    }
}

/// A failure on the way, without the address.
pub(super) fn transport(error: &reqwest::Error) -> String {
    let what = if error.is_timeout() {
        "Discord did not answer in time"
    } else if error.is_connect() {
        "Discord cannot be reached"
    } else {
        "the connection to Discord broke"
    };
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    if std::ptr::addr_eq(cause, error) { what.into() } else { format!("{what} ({cause})") }
}

/// The same, as the reconciler needs it. `advice` says what to do about a closed channel.
pub(super) fn for_board(error: &serenity::Error, advice: impl FnOnce() -> String) -> BoardError {
    let (meaning, words) = meaning(error);
    match meaning {
        Meaning::MessageGone | Meaning::ChannelGone => BoardError::Gone,
        Meaning::ChannelClosed => BoardError::NoPlace(format!("{words}. {}", advice())),
        Meaning::Refused => BoardError::Refused(words),
        Meaning::Unauthorized => BoardError::NotLetIn(format!(
            "{words}. {}, and start gander serve again",
            ConnectError::Unauthorized
        )),
        Meaning::Passing | Meaning::AlreadyAnswered | Meaning::TooLate => {
            BoardError::Later { after: Duration::from_secs(1), why: words }
        }
    }
}
