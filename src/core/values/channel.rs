//! Channels: the ways to reach people. Some are on Discord, the others are an
//! [`ExternalChannel`]. Configuration, store and log spell a channel by its [`Channel::word`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A way to reach people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum Channel {
    /// A Discord direct message to each person.
    Dm,
    /// A mention under the card.
    Mention,
    /// `@here` under the card.
    Here,
    /// A channel beyond Discord.
    External(ExternalChannel),
}

/// A way to reach people outside Discord.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExternalChannel {
    /// A push notification to a phone, through ntfy.
    Push,
    /// A text message to a phone.
    Sms,
    /// A phone call with a spoken text.
    Voice,
    /// A signed HTTP request to the user's own program.
    Webhook,
    /// A desktop notification on the bot's machine.
    Desktop,
}

/// Who receives the notifications of an external channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addressee {
    /// Each person with an address for the channel.
    Person,
    /// A machine of the configuration, whoever the approvers are.
    Machine,
}

impl Channel {
    /// All channels, as a user would list them.
    pub fn all() -> impl Iterator<Item = Self> {
        let on_discord = [Self::Dm, Self::Mention, Self::Here];
        on_discord.into_iter().chain(ExternalChannel::ALL.map(Self::External))
    }

    /// The name in configuration, store and log.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Dm => "dm",
            Self::Mention => "mention",
            Self::Here => "here",
            Self::External(channel) => channel.word(),
        }
    }

    /// The channel, if it is outside Discord.
    #[must_use]
    pub const fn external(self) -> Option<ExternalChannel> {
        match self {
            Self::Dm | Self::Mention | Self::Here => None,
            Self::External(channel) => Some(channel),
        }
    }

    /// Whether the channel reaches people, as opposed to a machine of the configuration.
    #[must_use]
    pub const fn reaches_people(self) -> bool {
        match self {
            Self::Dm | Self::Mention | Self::Here => true,
            Self::External(channel) => matches!(channel.addressee(), Addressee::Person),
        }
    }
}

impl ExternalChannel {
    /// All external channels.
    pub const ALL: [Self; 5] = [Self::Push, Self::Sms, Self::Voice, Self::Webhook, Self::Desktop];

    /// The name in configuration, store and command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Sms => "sms",
            Self::Voice => "voice",
            Self::Webhook => "webhook",
            Self::Desktop => "desktop",
        }
    }

    /// Who receives the channel's notifications.
    #[must_use]
    pub const fn addressee(self) -> Addressee {
        match self {
            Self::Push | Self::Sms | Self::Voice => Addressee::Person,
            Self::Webhook | Self::Desktop => Addressee::Machine,
        }
    }
}

impl From<ExternalChannel> for Channel {
    fn from(channel: ExternalChannel) -> Self {
        Self::External(channel)
    }
}

impl From<Channel> for &'static str {
    fn from(channel: Channel) -> Self {
        channel.word()
    }
}

impl TryFrom<String> for Channel {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl FromStr for Channel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::all().find(|channel| channel.word() == text).ok_or_else(|| {
            let words: Vec<&str> = Self::all().map(Self::word).collect();
            format!("{text:?} is not a channel: write one of {}", words.join(", "))
        })
    }
}

impl fmt::Display for ExternalChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for ExternalChannel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|channel| channel.word() == text).ok_or_else(|| {
            let words = Self::ALL.map(Self::word);
            format!("{text:?} is not a channel: write {}", words.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_names_every_external_channel_by_its_word() {
        // serde's error lists the variants, so a variant missing from `ALL` fails here.
        let error = serde_json::from_str::<ExternalChannel>("\"?\"").unwrap_err().to_string();
        let known: Vec<&str> = error.split('`').skip(3).step_by(2).collect();
        assert_eq!(known, ExternalChannel::ALL.map(ExternalChannel::word), "{error}");
    }

    #[test]
    fn a_channel_is_serialised_as_its_word() {
        let words: Vec<String> =
            Channel::all().map(|channel| serde_json::to_string(&channel).unwrap()).collect();
        assert_eq!(
            words.join(" "),
            r#""dm" "mention" "here" "push" "sms" "voice" "webhook" "desktop""#
        );
        let read = |word: &String| serde_json::from_str::<Channel>(word).unwrap();
        assert!(words.iter().map(read).eq(Channel::all()));
        let unknown = serde_json::from_str::<Channel>("\"fax\"").unwrap_err();
        assert_eq!(
            unknown.to_string(),
            "\"fax\" is not a channel: write one of dm, mention, here, push, sms, voice, \
             webhook, desktop"
        );
    }
}
