//! Classifies failed Discord requests, and decides whether to retry.
//!
//! Error texts from this module never contain an address, because an interaction's address contains
//! a token.

use std::time::Duration;

use serenity::http::HttpError;

use super::connect::ConnectError;
use crate::engine::reconciler::SinkError;

/// The meaning of a failed request for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Discord rejects the token.
    Unauthorized,
    /// The message does not exist.
    MessageGone,
    /// The channel does not exist.
    ChannelGone,
    /// The bot lacks access to the channel, or the thread is archived.
    ChannelClosed,
    /// The interaction is already answered: an earlier attempt arrived.
    AlreadyAnswered,
    /// The interaction has expired.
    TooLate,
    /// Temporary: a retry may succeed.
    Passing,
    /// The request is invalid: a retry would fail again.
    Refused,
}

/// Classifies a failed request, with a description for people.
pub(crate) fn meaning(error: &serenity::Error) -> (Meaning, String) {
    let http = match error {
        serenity::Error::Http(http) => http,
        // The response is not Discord's JSON: a proxy's page, or a truncated response. The request
        // may have succeeded.
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
            (Meaning::Passing, "Discord's rate-limit headers are invalid".into())
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
        // Discord's own rejections carry a code. Without a code the response came from a proxy.
        (_, ..=0) => Meaning::Passing,
        _ => Meaning::Refused,
    }
}

/// Describes a transport failure, without the address.
pub(crate) fn transport(error: &reqwest::Error) -> String {
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

/// Classifies a failed request for the reconciler. `advice` is the remedy for a closed channel.
pub(crate) fn for_sink(error: &serenity::Error, advice: impl FnOnce() -> String) -> SinkError {
    let (meaning, words) = meaning(error);
    match meaning {
        Meaning::MessageGone | Meaning::ChannelGone => SinkError::Gone,
        Meaning::ChannelClosed => SinkError::NoPlace(format!("{words}. {}", advice())),
        Meaning::Refused => SinkError::Refused(words),
        Meaning::Unauthorized => SinkError::AccessDenied(format!(
            "{words}. {}, and start gander serve again",
            ConnectError::Unauthorized
        )),
        Meaning::Passing | Meaning::AlreadyAnswered | Meaning::TooLate => {
            SinkError::Later { after: Duration::from_secs(1), why: words }
        }
    }
}
