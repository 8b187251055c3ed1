//! Caps, links, phone numbers and backoff of notifications.

use super::*;

fn at(minutes: i64) -> Time {
    Time::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::minutes(minutes)
}

/// Sends a queue of `count` notifications under the caps and returns when each was sent.
fn drain(channel: ExternalChannel, count: usize) -> Vec<i64> {
    let (mut sent, mut now) = (Vec::new(), at(0));
    for _ in 0..count {
        now = earliest_send(channel, &sent, now);
        sent.push(now);
    }
    sent.into_iter().map(|time| (time - at(0)).num_minutes()).collect()
}

#[test]
fn caps_hold_in_every_window_and_lose_nothing() {
    assert_eq!(drain(ExternalChannel::Sms, 12), [0, 0, 0, 0, 0, 15, 15, 15, 15, 15, 30, 60]);
    assert_eq!(drain(ExternalChannel::Voice, 8), [0, 0, 0, 15, 15, 15, 30, 60]);
    assert_eq!(drain(ExternalChannel::Push, 50), vec![0; 50]);
    for channel in ExternalChannel::ALL {
        let sent = drain(channel, 60);
        for cap in channel.caps() {
            for start in &sent {
                let within = sent
                    .iter()
                    .filter(|at| (*start..*start + cap.within.num_minutes()).contains(at))
                    .count();
                assert!(within <= cap.most, "{channel}: {within} from minute {start}");
            }
        }
    }
}

#[test]
fn the_order_in_which_they_went_does_not_matter() {
    let sent = [at(9), at(1), at(7), at(3), at(5)];
    assert_eq!(earliest_send(ExternalChannel::Sms, &sent, at(10)), at(16));
    assert_eq!(earliest_send(ExternalChannel::Sms, &sent[1..], at(10)), at(10));
    assert_eq!(
        earliest_send(ExternalChannel::Sms, &sent, at(16)),
        at(16),
        "the window is half open"
    );
}

#[test]
fn only_a_link_to_discord_leaves() {
    for good in [
        "https://discord.com/channels/1/22/333",
        "https://discord.com/channels/@me/22/333",
        "https://discord.com/channels/1/22",
    ] {
        assert_eq!(link_to_discord(good), Some(good));
    }
    for bad in [
        "http://discord.com/channels/1/2/3",
        "https://discord.com.evil.example/channels/1/2/3",
        "https://discord.com/channels/1/2/3?approve=142",
        "https://discord.com/channels/1/2/3#x",
        "https://discord.com/channels/1/2/3/4",
        "https://discord.com/channels/1/../3",
        "https://discord.com/api/webhooks/1/x",
        "https://gander.example/approve/142",
        "https://discord.com/channels/1//3",
        "",
    ] {
        assert_eq!(link_to_discord(bad), None, "{bad}");
    }
}

#[test]
fn what_leaves_is_clean_and_cleaning_again_changes_nothing() {
    let message = Notification {
        key: "k".into(),
        person: "discord:1".into(),
        channel: ExternalChannel::Push,
        to: "topic".into(),
        title: "Deploy\n@everyone \u{202E}now\u{1b}[31m".into(),
        words: "see https://evil.example/approve?id=1 <@123>\npassword=hunter22222".into(),
        link: Some("https://evil.example/approve".into()),
        urgency: NotificationPriority::High,
        decisions: [DecisionId(1)].into(),
    };
    let fit = message.sanitize();
    assert_eq!(fit.title, "Deploy @ everyone now");
    assert!(
        !fit.words.contains("://") && !fit.words.contains("<@") && !fit.words.contains("hunter2"),
        "{}",
        fit.words
    );
    assert_eq!(fit.link, None);
    assert_eq!(fit.clone().sanitize(), fit);
}

#[test]
fn pauses_double_up_to_a_quarter_of_an_hour_and_respect_what_is_asked_for() {
    let seconds: Vec<i64> =
        (1..=9).map(|tries| pause(tries, TimeDelta::zero()).num_seconds()).collect();
    assert_eq!(seconds, [10, 20, 40, 80, 160, 320, 640, 900, 900]);
    assert_eq!(pause(1, TimeDelta::seconds(90)).num_seconds(), 90);
    assert_eq!(
        pause(1, TimeDelta::days(9)).num_seconds(),
        3_600,
        "nobody may keep a message for days"
    );
}

#[test]
fn a_channel_knows_the_addresses_of_its_receivers() {
    let machine = |channel, name: &str, projects: &[&str]| Machine {
        channel,
        name: name.into(),
        projects: projects.iter().map(|&p| p.into()).collect(),
    };
    let machines = vec![
        machine(ExternalChannel::Webhook, "all", &[]),
        machine(ExternalChannel::Webhook, "shop", &["web-shop"]),
        machine(ExternalChannel::Desktop, "", &[]),
    ];
    let channels = ExternalChannels::new([ExternalChannel::Sms], machines);
    let nobody = Profile::unknown(1, "Maya", chrono_tz::UTC);
    let maya = Profile {
        phone: Some("+491701234567".into()),
        ntfy: Some("topic".into()),
        ..nobody.clone()
    };
    assert_eq!(channels.address(ExternalChannel::Sms, &maya).as_deref(), Some("+491701234567"));
    assert_eq!(channels.address(ExternalChannel::Voice, &maya), None, "not configured");
    assert_eq!(channels.address(ExternalChannel::Sms, &nobody), None, "no number");
    let names = |project| {
        channels
            .machines_for(project)
            .into_iter()
            .map(|(channel, to)| format!("{channel} {to}"))
            .collect::<Vec<_>>()
    };
    assert_eq!(names("web-shop"), ["webhook all", "webhook shop", "desktop "]);
    assert_eq!(names("app"), ["webhook all", "desktop "]);
    assert!(channels.has(Channel::Here) && channels.has(ExternalChannel::Webhook.into()));
    let without = ExternalChannels::new(ExternalChannel::ALL, Vec::new());
    assert!(!without.has(ExternalChannel::Webhook.into()), "a channel to no machine");
}
