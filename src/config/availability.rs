//! `[[people]]`: when and how a person can be reached.
//!
//! Only in the user's own file, because only the user decides about calls at night. Settings made
//! by a person on Discord override this file.

use std::ops::Range;

use chrono_tz::Tz;
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use super::values::DiscordId;
use crate::core::availability::{Away, Profile, QuietHours, ntfy_topic, phone, time_zone};

/// An entry of `[[people]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    user: Spanned<DiscordId>,
    name: String,
    #[serde(default, deserialize_with = "zone")]
    time_zone: Option<Tz>,
    #[serde(default, deserialize_with = "super::values::word")]
    quiet: Option<QuietHours>,
    #[serde(default)]
    away: Vec<Days>,
    #[serde(default, deserialize_with = "number")]
    phone: Option<String>,
    #[serde(default, deserialize_with = "topic")]
    ntfy: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Days(#[serde(deserialize_with = "super::values::word")] Option<Away>);

fn read<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    read: fn(&str) -> Result<T, String>,
) -> Result<Option<T>, D::Error> {
    read(&String::deserialize(deserializer)?).map(Some).map_err(serde::de::Error::custom)
}

fn zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Tz>, D::Error> {
    read(deserializer, time_zone)
}

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    read(deserializer, phone)
}

fn topic<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    read(deserializer, ntfy_topic)
}

/// The people's profiles. `server` is the time zone for people without one.
///
/// # Errors
/// The byte range in the file, and the problem.
pub(super) fn profiles(rows: Vec<Row>, server: Tz) -> Result<Vec<Profile>, (Range<usize>, String)> {
    let mut people: Vec<Profile> = Vec::new();
    for row in rows {
        let (span, DiscordId(user)) = (row.user.span(), row.user.into_inner());
        if let Some(other) = people.iter().find(|person| person.user == user) {
            let what =
                format!("{user} is already {}: write one [[people]] for each person", other.name);
            return Err((span, what));
        }
        people.push(Profile {
            user,
            name: row.name,
            zone: row.time_zone.unwrap_or(server),
            quiet: row.quiet,
            away: row.away.into_iter().filter_map(|days| days.0).collect(),
            phone: row.phone,
            ntfy: row.ntfy,
        });
    }
    Ok(people)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{ConfigError, understand};

    fn people(text: &str) -> Result<Vec<Profile>, String> {
        let understood = understand(Path::new("gander.toml"), text);
        understood.map(|config| config.rules.people).map_err(|error: ConfigError| error.to_string())
    }

    #[test]
    fn people_are_read_with_the_servers_zone_where_they_have_none() {
        let read = people(
            r#"
            time_zone = "Europe/Lisbon"
            [[people]]
            user = 80351110224678912
            name = "Maya"
            time_zone = "Europe/Berlin"
            quiet = "22:00-07:00"
            away = ["2026-12-24..2027-01-02", "2026-05-01"]
            phone = "+49 151 12345678"
            ntfy = "gander-maya-x7Kq"
            [[people]]
            user = "80351110224678913"
            name = "Jonas"
            "#,
        )
        .unwrap();
        let maya = Profile {
            user: 80_351_110_224_678_912,
            name: "Maya".into(),
            zone: chrono_tz::Europe::Berlin,
            quiet: Some("22:00-07:00".parse().unwrap()),
            away: vec!["2026-12-24..2027-01-02".parse().unwrap(), "2026-05-01".parse().unwrap()],
            phone: Some("+4915112345678".into()),
            ntfy: Some("gander-maya-x7Kq".into()),
        };
        assert_eq!(
            read,
            [maya, Profile::unknown(80_351_110_224_678_913, "Jonas", chrono_tz::Europe::Lisbon)]
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line_and_what_to_do() {
        let start = "[[people]]\nuser = 80351110224678912\nname = \"Maya\"\n";
        let said: Vec<String> = [
            "quiet = \"late\"",
            "quiet = \"22:00-22:00\"",
            "away = [\"2026-12-24..2027-01-02\", \"2026-12-40\"]",
            "away = [\"2027-01-02..2026-12-24\"]",
            "phone = \"015112345678\"",
            "ntfy = \"two words\"",
            "time_zone = \"Mars/Base\"",
            "telephone = \"+4915112345678\"",
            "[[people]]\nuser = 80351110224678912\nname = \"Maja\"",
            "[[people]]\nname = \"Jonas\"",
        ]
        .into_iter()
        .map(|line| people(&format!("{start}{line}\n")).unwrap_err())
        .collect();
        let expected = [
            "gander.toml:4: \"late\" is not a range of hours: write the start and the end, such as \
             \"22:00-07:00\"",
            "gander.toml:4: quiet hours from 22:00 to 22:00 would be a whole day or nothing: give \
             two different times",
            "gander.toml:4: \"2026-12-40\" is not a date: write year, month and day, such as \
             2026-12-24",
            "gander.toml:4: the absence from 2027-01-02 to 2026-12-24 ends before it begins: give \
             the first day first",
            "gander.toml:4: \"015112345678\" is not a phone number: write it with the country \
             code, such as \"+4915112345678\"",
            "gander.toml:4: \"two words\" is not an ntfy topic: use 1 to 64 letters, digits, - and \
             _, and choose a name that is hard to guess",
            "gander.toml:4: \"Mars/Base\" is not a time zone: write, for example, \
             \"Europe/Berlin\" or \"UTC\"",
            "gander.toml:4: unknown field `telephone`, expected one of `user`, `name`, \
             `time_zone`, `quiet`, `away`, `phone`, `ntfy`",
            "gander.toml:5: 80351110224678912 is already Maya: write one [[people]] for each \
             person",
            "gander.toml:4: missing field `user`",
        ];
        assert_eq!(said.join("\n").trim_end(), expected.join("\n"));
    }
}
