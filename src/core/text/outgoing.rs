//! Text for channels beyond Discord, and why a notification was not sent.

use std::sync::LazyLock;

use regex::Regex;

use crate::core::Time;
use crate::core::outgoing::{Letter, MOST_TRIES, Outgoing, Sending, Way, sms};
use crate::core::untrusted::{one_line, plain};

/// Emoji, and characters that join or colour emoji. A voice call would read these aloud, and an SMS
/// with a single emoji holds less than half the characters.
static PICTURE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"[\p{Extended_Pictographic}\u{1F1E6}-\u{1F1FF}\u{1F3FB}-\u{1F3FF}\u{FE0F}\u{200D}\u{20E3}]").ok()
});

/// Removes emoji.
fn without_pictures(text: &str) -> String {
    let bare =
        PICTURE.as_ref().map_or_else(|| text.into(), |picture| picture.replace_all(text, ""));
    bare.lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

/// An SMS of at most two parts: the title, as much of the text as fits, and the complete link.
#[must_use]
pub fn sms(message: &Outgoing) -> String {
    sms::fitted(
        &without_pictures(&message.title),
        &without_pictures(&message.words),
        message.link.as_deref(),
    )
}

/// Text of a voice call, spoken once.
#[must_use]
pub fn spoken(message: &Outgoing) -> String {
    let sentence = |text: &str| {
        let text = text.trim_end_matches(['.', ' ']);
        if text.is_empty() { String::new() } else { format!(" {text}.") }
    };
    let (title, words) =
        (without_pictures(&message.title), without_pictures(&message.words).replace('\n', ". "));
    plain(
        &format!(
            "This is Gander.{}{} Please look at Discord.",
            sentence(&title),
            sentence(&plain(&words, 500).text)
        ),
        1_000,
    )
    .text
}

/// Spoken between the two repetitions of a voice call.
pub const ONCE_MORE: &str = "Once more.";

/// Test notification of `gander doctor --send-test`.
#[must_use]
pub fn test_message(way: Way) -> (String, String) {
    (
        "🪿 A test of Gander".into(),
        format!(
            "If you read or hear this, Gander reaches you by {}. Nothing waits for it.",
            way_name(way)
        ),
    )
}

/// Name of a channel.
#[must_use]
pub const fn way_name(way: Way) -> &'static str {
    match way {
        Way::Push => "push notification",
        Way::Sms => "SMS",
        Way::Voice => "phone call",
        Way::Webhook => "webhook",
        Way::Desktop => "desktop notification",
    }
}

/// Sending was interrupted, and a retry is safe or harmless.
pub const INTERRUPTED: &str = "its sending was interrupted";

/// The channel is not configured.
#[must_use]
pub fn way_not_configured(way: Way) -> String {
    let table = match way {
        Way::Push => "[ntfy]",
        Way::Sms | Way::Voice => "[twilio]",
        Way::Webhook => "[[webhooks]]",
        Way::Desktop => "[desktop]",
    };
    format!("there is no {} in this Gander: {table} is not in gander.toml", way_name(way))
}

/// The address that a channel needs.
#[must_use]
pub const fn address_name(way: Way) -> &'static str {
    match way {
        Way::Push => "ntfy topic (ntfy = \"…\")",
        Way::Sms | Way::Voice => "phone number (phone = \"+…\")",
        Way::Webhook => "name",
        Way::Desktop => "session",
    }
}

/// The person has no address for the channel.
#[must_use]
pub fn no_address(way: Way) -> String {
    format!("they have no {} under [[people]] in gander.toml", address_name(way))
}

/// The service did not answer in time.
#[must_use]
pub fn no_answer(seconds: u64) -> String {
    format!("no answer within {seconds} s")
}

/// The maximum number of attempts is reached.
#[must_use]
pub fn given_up_after(tries: u32, why: &str) -> String {
    format!("given up after {tries} {}: {why}", if tries == 1 { "try" } else { "tries" })
}

/// The notification expired, or the maximum number of attempts is reached.
#[must_use]
pub fn given_up(letter: &Letter) -> String {
    match &letter.sending {
        Sending::Trying { .. } => {
            nobody_knows("it could not be looked for at its carrier for 6 hours")
        }
        Sending::Held { .. } => {
            "given up after 6 hours: they had so many messages that it could not go before".into()
        }
        Sending::Queued { why: Some(why), .. } if letter.tries >= MOST_TRIES => {
            given_up_after(letter.tries, why)
        }
        Sending::Queued { why: Some(why), .. } => format!("given up after 6 hours: {why}"),
        _ => "given up after 6 hours".into(),
    }
}

/// The notification may have been sent and is not repeated.
#[must_use]
pub fn nobody_knows(why: &str) -> String {
    format!("nobody knows whether it went, and it is not repeated: {why}")
}

/// A notification and its status, on one line. `who` is the recipient's name, empty for a channel
/// without a person; `clock` formats a time.
#[must_use]
pub fn letter(letter: &Letter, who: &str, clock: impl Fn(Time) -> String) -> String {
    let to = if who.is_empty() { String::new() } else { format!(" to {}", one_line(who)) };
    let tries =
        if letter.tries > 1 { format!(", at the {}. try", letter.tries) } else { String::new() };
    let so_far = match &letter.sending {
        Sending::Queued { why: None, .. } => "waits for its turn".into(),
        Sending::Queued { next_try, why: Some(why) } => {
            format!("not sent yet ({why}); tried again at {}", clock(*next_try))
        }
        Sending::Held { until } => {
            format!("held back until {}: they had enough of them for now", clock(*until))
        }
        Sending::Trying { since, .. } => format!("being sent since {}", clock(*since)),
        Sending::Sent { at, receipt } if receipt.is_empty() => {
            format!("sent at {}{tries}", clock(*at))
        }
        Sending::Sent { at, receipt } => {
            format!("sent at {}{tries}, receipt {}", clock(*at), one_line(receipt))
        }
        Sending::GaveUp { at, why } => format!("did not go ({}): {why}", clock(*at)),
        Sending::Dropped { at } => format!("not needed any more at {}", clock(*at)),
    };
    format!("{}{to}: {so_far}", way_name(letter.message.way))
}
