//! Text for channels beyond Discord, and why a notification was not sent.

use std::sync::LazyLock;

use regex::Regex;

use crate::core::Time;
use crate::core::messaging::notification::{
    DeliveryState, ExternalChannel, MAX_ATTEMPTS, Notification, OutboxEntry, sms,
};
use crate::core::untrusted::{one_line, plain};

/// Emoji, and characters that join or colour emoji. A voice call would read these aloud, and an SMS
/// with a single emoji holds less than half the characters.
static PICTURE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"[\p{Extended_Pictographic}\u{1F1E6}-\u{1F1FF}\u{1F3FB}-\u{1F3FF}",
        r"\u{FE0F}\u{200D}\u{20E3}]",
    ))
    .ok()
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
pub fn sms(message: &Notification) -> String {
    sms::fit_sms(
        &without_pictures(&message.title),
        &without_pictures(&message.words),
        message.link.as_deref(),
    )
}

/// Text of a voice call, spoken once.
#[must_use]
pub fn spoken(message: &Notification) -> String {
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
pub fn test_message(channel: ExternalChannel) -> (String, String) {
    (
        "🪿 A test of Gander".into(),
        format!(
            "If you read or hear this, Gander can reach you by {}. You need not answer.",
            channel_name(channel)
        ),
    )
}

/// Name of a channel.
#[must_use]
pub const fn channel_name(channel: ExternalChannel) -> &'static str {
    match channel {
        ExternalChannel::Push => "push notification",
        ExternalChannel::Sms => "SMS",
        ExternalChannel::Voice => "phone call",
        ExternalChannel::Webhook => "webhook",
        ExternalChannel::Desktop => "desktop notification",
    }
}

/// Sending was interrupted, and a retry is safe or harmless.
pub const INTERRUPTED: &str = "sending was interrupted";

/// The section of `gander.toml` that configures a channel.
const fn channel_section(channel: ExternalChannel) -> &'static str {
    match channel {
        ExternalChannel::Push => "[ntfy]",
        ExternalChannel::Sms | ExternalChannel::Voice => "[twilio]",
        ExternalChannel::Webhook => "[[webhooks]]",
        ExternalChannel::Desktop => "[desktop]",
    }
}

/// The sections of all channels, as a choice in a sentence.
#[must_use]
pub fn channel_sections() -> String {
    let mut sections = ExternalChannel::ALL.map(channel_section).to_vec();
    sections.dedup();
    match sections.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        other => other.concat(),
    }
}

/// The channel is not configured.
#[must_use]
pub fn channel_not_configured(channel: ExternalChannel) -> String {
    format!(
        "this Gander cannot send a {}: {} is not in gander.toml",
        channel_name(channel),
        channel_section(channel)
    )
}

/// The address that a channel needs.
#[must_use]
pub const fn address_name(channel: ExternalChannel) -> &'static str {
    match channel {
        ExternalChannel::Push => "ntfy topic (ntfy = \"…\")",
        ExternalChannel::Sms | ExternalChannel::Voice => "phone number (phone = \"+…\")",
        ExternalChannel::Webhook => "name",
        ExternalChannel::Desktop => "session",
    }
}

/// The person has no address for the channel.
#[must_use]
pub fn no_address(channel: ExternalChannel) -> String {
    format!("they have no {} under [[people]] in gander.toml", address_name(channel))
}

/// The service did not answer in time.
#[must_use]
pub fn no_answer(seconds: u64) -> String {
    format!("no answer within {seconds} s")
}

/// The maximum number of attempts is reached.
#[must_use]
pub fn given_up_after(tries: u32, why: &str) -> String {
    format!("gave up after {tries} {}: {why}", if tries == 1 { "try" } else { "tries" })
}

/// The notification expired, or the maximum number of attempts is reached.
#[must_use]
pub fn given_up(entry: &OutboxEntry) -> String {
    match &entry.state {
        DeliveryState::Trying { .. } => {
            delivery_unknown("for 6 hours, the service could not be asked for its status")
        }
        DeliveryState::Held { .. } => {
            "gave up after 6 hours: the person's limit of messages was used up".into()
        }
        DeliveryState::Queued { why: Some(why), .. } if entry.tries >= MAX_ATTEMPTS => {
            given_up_after(entry.tries, why)
        }
        DeliveryState::Queued { why: Some(why), .. } => format!("gave up after 6 hours: {why}"),
        _ => "gave up after 6 hours".into(),
    }
}

/// The notification may have been sent and is not repeated.
#[must_use]
pub fn delivery_unknown(why: &str) -> String {
    format!("unknown whether it was sent, and it is not repeated: {why}")
}

/// A notification and its status, on one line. `who` is the recipient's name, empty for a channel
/// without a person; `clock` formats a time.
#[must_use]
pub fn outbox_entry(entry: &OutboxEntry, who: &str, clock: impl Fn(Time) -> String) -> String {
    let to = if who.is_empty() { String::new() } else { format!(" to {}", one_line(who)) };
    let tries =
        if entry.tries > 1 { format!(", after {} tries", entry.tries) } else { String::new() };
    let so_far = match &entry.state {
        DeliveryState::Queued { why: None, .. } => "queued".into(),
        DeliveryState::Queued { next_try, why: Some(why) } => {
            format!("not sent yet ({why}); next try at {}", clock(*next_try))
        }
        DeliveryState::Held { until } => {
            format!("held back until {}: the person's limit of messages was reached", clock(*until))
        }
        DeliveryState::Trying { since, .. } => format!("being sent since {}", clock(*since)),
        DeliveryState::Sent { at, receipt } if receipt.is_empty() => {
            format!("sent at {}{tries}", clock(*at))
        }
        DeliveryState::Sent { at, receipt } => {
            format!("sent at {}{tries}, receipt {}", clock(*at), one_line(receipt))
        }
        DeliveryState::GaveUp { at, why } => format!("not sent ({}): {why}", clock(*at)),
        DeliveryState::Dropped { at } => format!("no longer needed at {}", clock(*at)),
    };
    format!("{}{to}: {so_far}", channel_name(entry.message.channel))
}
