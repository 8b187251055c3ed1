//! What one person sees: the data behind the page and behind assertions of tests. Plain data; how
//! it is gathered is the state's business.

use serde::Serialize;
use serde_json::{Map, Value};

/// The server as one person sees it.
#[derive(Clone, Debug, Serialize)]
pub struct View {
    /// The person's own user object, with `roles`, `hue` and `dms_closed` added for the page.
    pub me: Value,
    /// Everybody, the bots included, in the same form; bots have `online` as well.
    pub users: Vec<Value>,
    /// The first guild's `id`, `name` and `owner_id`.
    pub guild: Value,
    /// Role objects of the first guild.
    pub roles: Vec<Value>,
    /// The guilds the person is in: `id`, `name`, `owner_id`, role objects as `roles`, and
    /// member objects as `members`, each with `timed_out` and `status`.
    pub guilds: Vec<Value>,
    /// Command objects that bots have registered and that this person may use somewhere: typed ones
    /// (type 1) and those of the "Apps" menu of a person (2) or a message (3).
    pub commands: Vec<Value>,
    /// The channels, in order of guild, then the direct messages with bots.
    pub channels: Vec<ChannelView>,
    /// What the person's phone showed, oldest first.
    pub notifications: Vec<Notification>,
    /// Interactions of this person that the bot has yet to answer.
    pub pending: Vec<Pending>,
    /// Whether the first bot is connected to the gateway.
    pub bot_online: bool,
    /// Counter of changes; grows whenever anything here may have changed.
    pub change: u64,
}

impl View {
    /// The channel with this name or id.
    #[must_use]
    pub fn channel(&self, name_or_id: &str) -> Option<&ChannelView> {
        self.channels.iter().find(|channel| channel.id == name_or_id || channel.name == name_or_id)
    }

    /// The direct message with the first bot.
    #[must_use]
    pub fn dm(&self) -> Option<&ChannelView> {
        self.channels.iter().find(|channel| channel.kind == ChannelKind::Dm)
    }

    /// Messages of a channel by its name or id, oldest first; empty if the person sees no such
    /// channel.
    #[must_use]
    pub fn messages(&self, channel: &str) -> &[Value] {
        self.channel(channel).map_or(&[], |c| &c.messages)
    }

    /// The message with this id, wherever the person sees it.
    #[must_use]
    pub fn message(&self, id: &str) -> Option<&Value> {
        self.channels
            .iter()
            .flat_map(|channel| &channel.messages)
            .find(|message| message["id"] == id)
    }
}

/// A channel as a person sees it.
#[derive(Clone, Debug, Serialize)]
pub struct ChannelView {
    /// Id of the channel.
    pub id: String,
    /// Name without `#`; of a direct message, the bot's name.
    pub name: String,
    /// What kind of channel it is.
    pub kind: ChannelKind,
    /// Of a thread, the channel that it belongs to; of another channel, its category.
    pub parent_id: Option<String>,
    /// The other fields of the channel object: `type`, `position`, of a thread `thread_metadata`,
    /// `message_count`, `member_count`, and `member` if the person has joined it.
    #[serde(flatten)]
    pub object: Map<String, Value>,
    /// The guild; `None` for a direct message.
    pub guild_id: Option<String>,
    /// The line below the name; empty for a direct message.
    pub topic: String,
    /// Ids of the pinned messages, the last pinned first.
    pub pins: Vec<String>,
    /// Message objects, oldest first, the person's own ephemeral ones (flag 64) included.
    pub messages: Vec<Value>,
}

/// What kind of channel.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    /// A text channel of the server.
    Guild,
    /// A voice channel of the server, of which only the name is simulated.
    Voice,
    /// A category of channels.
    Category,
    /// A thread, which follows its channel in the list.
    Thread,
    /// A direct message between a person and the bot.
    Dm,
}

/// What a person's phone shows of a message.
#[derive(Clone, Debug, Serialize)]
pub struct Notification {
    /// Running number over all people.
    pub n: u64,
    /// When it was shown, ISO 8601.
    pub at: String,
    /// Channel of the message.
    pub channel_id: String,
    /// Name of that channel.
    pub channel: String,
    /// The message.
    pub message_id: String,
    /// Display name of the author.
    pub author: String,
    /// The plain content with mentions resolved; embeds and components never show here.
    pub text: String,
    /// Why the phone showed it.
    pub reason: Reason,
}

/// Why a message notified somebody.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It is a direct message.
    Dm,
    /// It mentions the person or a role of theirs.
    Mention,
    /// It mentions `@everyone` or `@here`.
    Everyone,
    /// It is a message in the server, which notifies of all messages.
    Message,
}

/// An interaction that the bot has yet to answer.
#[derive(Clone, Debug, Serialize)]
pub struct Pending {
    /// The message whose component was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// Where it happened.
    pub channel_id: String,
    /// Name of the command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether the bot deferred its answer ("is thinking…").
    pub thinking: bool,
}
