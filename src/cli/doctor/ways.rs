//! Checks of the channels beyond Discord, and a test message by each.

use super::super::{Failure, ways};
use super::others_can_read;
use crate::channels::{self, SecretFrom, Settings};
use crate::config::Config;
use crate::core::finding::Finding;
use crate::core::outgoing::{Outgoing, Urgency, Way};
use crate::core::text;
use crate::engine::clock::wall_time;
use crate::engine::outbox::Unsent;

const WAYS: &str = "Ways beyond Discord";

/// Checks the configured channels without sending a message.
pub(super) fn checkup(config: &Config) -> Result<Vec<Finding>, Failure> {
    let settings = ways::settings(config)?;
    let mut found: Vec<Finding> = channels::faults(&settings)
        .iter()
        .map(|fault| in_two(fault, "Set it right and look again"))
        .collect();
    found.extend(channels::secrets(&settings).filter_map(open_to_others));
    for way in Way::ALL.into_iter().filter(|way| is_configured(&settings, *way)) {
        let to = receivers(config, way);
        if to.is_empty() {
            found.push(Finding::warning(
                WAYS,
                format!(
                    "nobody is reached by {}: no one under [[people]] has a {}",
                    text::way_name(way),
                    text::address_name(way)
                ),
                format!(
                    "Add {} to somebody under [[people]] in gander.toml",
                    text::address_name(way)
                ),
            ));
        }
    }
    if found.is_empty() && Way::ALL.into_iter().any(|way| is_configured(&settings, way)) {
        let all =
            Way::ALL.into_iter().filter(|way| is_configured(&settings, *way)).map(text::way_name);
        let all: Vec<&str> = all.collect();
        found.push(Finding::fine(
            WAYS,
            format!("{}: set up; gander doctor --send-test tries them", all.join(", ")),
        ));
    }
    found.extend(left_out(config));
    Ok(found)
}

/// Channels named by an escalation ladder but not configured. The default ladder does not count:
/// the warning is only for users who wrote a ladder or an address.
fn left_out(config: &Config) -> Option<Finding> {
    let rules = &config.rules;
    let with_address = |way: Way| {
        rules.people.iter().any(|person| match way {
            Way::Push => person.ntfy.is_some(),
            Way::Sms | Way::Voice => person.phone.is_some(),
            Way::Webhook | Way::Desktop => false,
        })
    };
    let ladders =
        rules.ladders().filter(|ladder| **ladder != crate::core::ladder::Ladder::default());
    let named: std::collections::BTreeSet<_> =
        ladders.flat_map(|ladder| ladder.rungs().iter().flat_map(|rung| rung.by.clone())).collect();
    let missing = crate::core::ladder::Way::ALL.into_iter().filter(|way| {
        !rules.ways.has(*way)
            && (named.contains(way) || Way::of_rung(*way).is_some_and(with_address))
    });
    let missing: Vec<&str> = missing.map(crate::core::ladder::Way::word).collect();
    (!missing.is_empty()).then(|| {
        Finding::warning(
            WAYS,
            format!("not set up, and so left out of the ladder: {}", missing.join(", ")),
            "Add them to gander.toml: docs/escalation.md tells how, under Beyond Discord",
        )
    })
}

/// Sends a test message to every configured receiver, by `only` this channel or by each.
pub(super) async fn send_test(config: &Config, only: Option<Way>) -> Result<Vec<Finding>, Failure> {
    let settings = ways::settings(config)?;
    let carriers = channels::carriers(&settings);
    let mut found = Vec::new();
    for way in Way::ALL.into_iter().filter(|way| only.is_none_or(|only| only == *way)) {
        let Some(carrier) = carriers.iter().find(|carrier| carrier.way() == way) else {
            if only.is_some() {
                found.push(Finding::broken(
                    WAYS,
                    text::way_not_configured(way),
                    "Add it: docs/escalation.md tells how, under Beyond Discord",
                ));
            }
            continue;
        };
        let receivers = receivers(config, way);
        if receivers.is_empty() {
            let what = format!(
                "nothing was sent by {}: no one under [[people]] has a {}",
                text::way_name(way),
                text::address_name(way)
            );
            found.push(Finding::broken(
                WAYS,
                what,
                format!(
                    "Add {} to somebody under [[people]] in gander.toml",
                    text::address_name(way)
                ),
            ));
        }
        for (name, to) in receivers {
            let sent = carrier.send(&test_message(way, to), wall_time()).await;
            found.push(outcome(way, &name, sent));
        }
    }
    if found.is_empty() {
        let mend = "Add [ntfy], [twilio], [[webhooks]] or [desktop] to gander.toml: docs/escalation.md tells how, under Beyond Discord";
        found.push(Finding::broken(
            WAYS,
            "no way beyond Discord is configured: nothing was sent",
            mend,
        ));
    }
    Ok(found)
}

fn test_message(way: Way, to: String) -> Outgoing {
    let (title, words) = text::test_message(way);
    // A fresh idempotency key each time, so a repeated test is sent again.
    let key = format!("test:{way}:{}", wall_time().timestamp_micros());
    Outgoing {
        key,
        person: String::new(),
        way,
        to,
        title,
        words,
        link: None,
        urgency: Urgency::Normal,
        decisions: [].into(),
    }
    .fit_to_leave()
}

fn outcome(way: Way, name: &str, sent: Result<String, Unsent>) -> Finding {
    let to = if name.is_empty() {
        text::way_name(way).to_owned()
    } else {
        format!("{} to {name}", text::way_name(way))
    };
    match sent {
        Ok(receipt) if receipt.is_empty() => Finding::fine(WAYS, format!("{to}: sent")),
        Ok(receipt) => Finding::fine(WAYS, format!("{to}: sent, receipt {receipt}")),
        Err(Unsent::Later { why, .. }) => {
            in_two(&format!("{to}: {why}"), "Try again in a moment; gander serve does so by itself")
        }
        Err(Unsent::Unsure(why)) => in_two(
            &format!("{to}: {why}"),
            "Look whether it arrived; gander serve looks for it before it repeats it",
        ),
        Err(Unsent::Unreachable(why) | Unsent::Refused(why)) => {
            in_two(&format!("{to}: {why}"), "Set it right and try again")
        }
    }
}

/// Splits a message into problem and remedy at the first `. `; a message without a remedy gets the
/// usual one.
fn in_two(words: &str, usual: &str) -> Finding {
    let (what, mend) = words.split_once(". ").unwrap_or((words, usual));
    Finding::broken(WAYS, what, mend)
}

fn open_to_others(secret: &SecretFrom) -> Option<Finding> {
    let file = secret.path()?;
    let mode = others_can_read(&file)?;
    let what = format!("others can read the secret's file {} (mode {mode:03o})", file.display());
    Some(Finding::warning(WAYS, what, format!("chmod 600 {}", file.display())))
}

fn is_configured(settings: &Settings, way: Way) -> bool {
    let ways = channels::ways(settings);
    match way {
        Way::Push => ways.push,
        Way::Sms => ways.sms,
        Way::Voice => ways.voice,
        Way::Webhook => !ways.hooks.is_empty(),
        Way::Desktop => ways.desktop,
    }
}

/// Names and addresses of all receivers of a channel.
fn receivers(config: &Config, way: Way) -> Vec<(String, String)> {
    let (rules, ways) = (&config.rules, &config.rules.ways);
    let to_people = || {
        rules
            .people
            .iter()
            .filter_map(|person| Some((person.name.clone(), ways.of_person(way, person)?)))
            .collect()
    };
    match way {
        Way::Push | Way::Sms | Way::Voice => to_people(),
        Way::Webhook => {
            ways.hooks.iter().map(|hook| (hook.name.clone(), hook.name.clone())).collect()
        }
        Way::Desktop => vec![(String::new(), String::new())],
    }
}
