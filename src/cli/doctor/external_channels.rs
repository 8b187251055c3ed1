//! Checks of the channels beyond Discord, and a test message by each.

use std::collections::BTreeSet;

use super::others_can_read;
use crate::channels::{self, SecretFrom};
use crate::cli::{Failure, external_channels};
use crate::config::Config;
use crate::core::escalation::{Channel, Ladder};
use crate::core::messaging::notification::{
    ExternalChannel, Notification, NotificationPriority, address,
};
use crate::core::values::channel::Addressee;
use crate::core::values::check_result::CheckResult;
use crate::engine::clock::wall_time;
use crate::engine::notifications::outbox::SendError;
use crate::presentation::text;

const CHANNELS: &str = "Channels beyond Discord";

/// Checks the configured channels without sending a message.
pub(super) fn checkup(config: &Config) -> Result<Vec<CheckResult>, Failure> {
    let settings = external_channels::settings(config)?;
    let mut found: Vec<CheckResult> = channels::faults(&settings)
        .iter()
        .map(|fault| in_two(fault, "Correct it and run this again"))
        .collect();
    found.extend(channels::secrets(&settings).filter_map(exposed_secret));
    let configured = channels::channels(&settings);
    for channel in configured.iter() {
        if receivers(config, channel).is_empty() {
            found.push(CheckResult::warning(
                CHANNELS,
                format!(
                    "nobody can be reached by {}: no one under [[people]] has a {}",
                    text::channel_name(channel),
                    text::address_name(channel)
                ),
                format!(
                    "Add {} to a person under [[people]] in gander.toml",
                    text::address_name(channel)
                ),
            ));
        }
    }
    let all: Vec<&str> = configured.iter().map(text::channel_name).collect();
    if found.is_empty() && !all.is_empty() {
        found.push(CheckResult::fine(
            CHANNELS,
            format!("{}: configured; test with gander doctor --send-test", all.join(", ")),
        ));
    }
    found.extend(left_out(config));
    Ok(found)
}

/// Channels named by an escalation ladder but not configured. The default ladder does not count:
/// the warning is only for users who wrote a ladder or an address.
fn left_out(config: &Config) -> Option<CheckResult> {
    let rules = &config.rules;
    let with_address = |channel: ExternalChannel| {
        rules.people.iter().any(|person| address(channel, person).is_some())
    };
    let ladders = rules.ladders().filter(|ladder| **ladder != Ladder::default());
    let named: BTreeSet<Channel> =
        ladders.flat_map(|ladder| ladder.steps().iter().flat_map(|step| step.by.clone())).collect();
    let missing = ExternalChannel::ALL.into_iter().filter(|channel| {
        !rules.channels.has((*channel).into())
            && (named.contains(&(*channel).into()) || with_address(*channel))
    });
    let missing: Vec<&str> = missing.map(ExternalChannel::word).collect();
    (!missing.is_empty()).then(|| {
        CheckResult::warning(
            CHANNELS,
            format!("not configured, and therefore skipped in the ladder: {}", missing.join(", ")),
            "Add them to gander.toml: see docs/escalation.md, Beyond Discord",
        )
    })
}

/// Sends a test message to every configured receiver, by `only` this channel or by each.
pub(super) async fn send_test(
    config: &Config,
    only: Option<ExternalChannel>,
) -> Result<Vec<CheckResult>, Failure> {
    let settings = external_channels::settings(config)?;
    let senders = channels::senders(&settings);
    let mut found = Vec::new();
    for channel in
        ExternalChannel::ALL.into_iter().filter(|channel| only.is_none_or(|only| only == *channel))
    {
        let Some(sender) = senders.iter().find(|sender| sender.channel() == channel) else {
            if only.is_some() {
                found.push(CheckResult::broken(
                    CHANNELS,
                    text::channel_not_configured(channel),
                    "Add it: see docs/escalation.md, Beyond Discord",
                ));
            }
            continue;
        };
        let receivers = receivers(config, channel);
        if receivers.is_empty() {
            let what = format!(
                "nothing was sent by {}: no one under [[people]] has a {}",
                text::channel_name(channel),
                text::address_name(channel)
            );
            found.push(CheckResult::broken(
                CHANNELS,
                what,
                format!(
                    "Add {} to a person under [[people]] in gander.toml",
                    text::address_name(channel)
                ),
            ));
        }
        for (name, to) in receivers {
            let sent = sender.send(&test_message(channel, to), wall_time()).await;
            found.push(outcome(channel, &name, sent));
        }
    }
    if found.is_empty() {
        found.push(CheckResult::broken(
            CHANNELS,
            "no channel beyond Discord is configured: nothing was sent",
            format!(
                "Add {} to gander.toml: see docs/escalation.md, Beyond Discord",
                text::channel_sections()
            ),
        ));
    }
    Ok(found)
}

fn test_message(channel: ExternalChannel, to: String) -> Notification {
    let (title, words) = text::test_message(channel);
    // A fresh idempotency key each time, so a repeated test is sent again.
    let key = format!("test:{channel}:{}", wall_time().timestamp_micros());
    Notification {
        key,
        person: String::new(),
        channel,
        to,
        title,
        words,
        link: None,
        urgency: NotificationPriority::Normal,
        decisions: [].into(),
    }
    .sanitize()
}

fn outcome(channel: ExternalChannel, name: &str, sent: Result<String, SendError>) -> CheckResult {
    let to = if name.is_empty() {
        text::channel_name(channel).to_owned()
    } else {
        format!("{} to {name}", text::channel_name(channel))
    };
    match sent {
        Ok(receipt) if receipt.is_empty() => CheckResult::fine(CHANNELS, format!("{to}: sent")),
        Ok(receipt) => CheckResult::fine(CHANNELS, format!("{to}: sent, receipt {receipt}")),
        Err(SendError::Later { why, .. }) => in_two(
            &format!("{to}: {why}"),
            "Try again in a moment; gander serve retries automatically",
        ),
        Err(SendError::PossiblySent(why)) => in_two(
            &format!("{to}: {why}"),
            "Check whether it arrived; gander serve checks before repeating it",
        ),
        Err(SendError::Unreachable(why) | SendError::Refused(why)) => {
            in_two(&format!("{to}: {why}"), "Correct it and try again")
        }
    }
}

/// Splits a message into problem and remedy at the first `. `; a message without a remedy gets the
/// usual one.
fn in_two(words: &str, usual: &str) -> CheckResult {
    let (what, remedy) = words.split_once(". ").unwrap_or((words, usual));
    CheckResult::broken(CHANNELS, what, remedy)
}

fn exposed_secret(secret: &SecretFrom) -> Option<CheckResult> {
    let file = secret.path()?;
    let mode = others_can_read(&file)?;
    let what = format!("others can read the secret's file {} (mode {mode:03o})", file.display());
    Some(CheckResult::warning(CHANNELS, what, format!("chmod 600 {}", file.display())))
}

/// Names and addresses of all receivers of a channel.
fn receivers(config: &Config, channel: ExternalChannel) -> Vec<(String, String)> {
    let (rules, channels) = (&config.rules, &config.rules.channels);
    match channel.addressee() {
        Addressee::Person => rules
            .people
            .iter()
            .filter_map(|person| Some((person.name.clone(), channels.address(channel, person)?)))
            .collect(),
        Addressee::Machine => channels
            .machines()
            .iter()
            .filter(|machine| machine.channel == channel)
            .map(|machine| (machine.name.clone(), machine.name.clone()))
            .collect(),
    }
}
