//! What Discord has: the operations and component types of its own description, and the events of
//! its documentation. Says nothing about what the sandbox makes of them.

use std::sync::LazyLock;

/// An operation of the REST interface.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) method: &'static str,
    /// The path below `/api/v10`, with names in braces for what varies.
    pub(crate) template: &'static str,
    /// Discord's name for it.
    pub(crate) id: &'static str,
    /// The section of the documentation that it belongs to.
    pub(crate) tag: &'static str,
}

/// All operations, by path and method. The file is written by `tests/server/coverage.rs` from
/// Discord's description.
pub(crate) static OPERATIONS: LazyLock<Vec<Operation>> = LazyLock::new(|| {
    let rows = include_str!("description/operations.tsv").lines();
    let operation = |row: &'static str| {
        let cells: [&str; 4] = row.split('\t').collect::<Vec<_>>().try_into().ok()?;
        let [method, template, id, tag] = cells;
        Some(Operation { method, template, id, tag })
    };
    rows.filter_map(operation).collect()
});

/// A component type.
#[derive(Debug)]
pub(crate) struct Component {
    pub(crate) number: u64,
    pub(crate) name: &'static str,
    /// Whether messages can have it.
    pub(crate) in_messages: bool,
    /// Whether forms can have it.
    pub(crate) in_forms: bool,
}

/// All component types. The file is written as the other.
pub(crate) static COMPONENTS: LazyLock<Vec<Component>> = LazyLock::new(|| {
    let rows = include_str!("description/components.tsv").lines();
    let component = |row: &'static str| {
        let (number, rest) = row.split_once('\t')?;
        let (name, places) = rest.split_once('\t')?;
        let (in_messages, in_forms) = (places.contains("message"), places.contains("form"));
        Some(Component { number: number.parse().ok()?, name, in_messages, in_forms })
    };
    rows.filter_map(component).collect()
});

/// A component type, if Discord knows it.
pub(crate) fn component(kind: u64) -> Option<&'static Component> {
    COMPONENTS.iter().find(|component| component.number == kind)
}

/// Events of the gateway (Discord's documentation, "Gateway Events"), each with the bits of the
/// intents that ask for it; 0: every bot gets it.
pub(crate) const EVENTS: &[(&str, u64)] = &[
    ("READY", 0),
    ("RESUMED", 0),
    ("APPLICATION_COMMAND_PERMISSIONS_UPDATE", 0),
    ("AUTO_MODERATION_RULE_CREATE", 1 << 20),
    ("AUTO_MODERATION_RULE_UPDATE", 1 << 20),
    ("AUTO_MODERATION_RULE_DELETE", 1 << 20),
    ("AUTO_MODERATION_ACTION_EXECUTION", 1 << 21),
    ("CHANNEL_CREATE", 1),
    ("CHANNEL_UPDATE", 1),
    ("CHANNEL_DELETE", 1),
    ("CHANNEL_PINS_UPDATE", 1 | 1 << 12),
    ("THREAD_CREATE", 1),
    ("THREAD_UPDATE", 1),
    ("THREAD_DELETE", 1),
    ("THREAD_LIST_SYNC", 1),
    ("THREAD_MEMBER_UPDATE", 1),
    ("THREAD_MEMBERS_UPDATE", 1 | 1 << 1),
    ("ENTITLEMENT_CREATE", 0),
    ("ENTITLEMENT_UPDATE", 0),
    ("ENTITLEMENT_DELETE", 0),
    ("GUILD_CREATE", 1),
    ("GUILD_UPDATE", 1),
    ("GUILD_DELETE", 1),
    ("GUILD_AUDIT_LOG_ENTRY_CREATE", 1 << 2),
    ("GUILD_BAN_ADD", 1 << 2),
    ("GUILD_BAN_REMOVE", 1 << 2),
    ("GUILD_EMOJIS_UPDATE", 1 << 3),
    ("GUILD_STICKERS_UPDATE", 1 << 3),
    ("GUILD_SOUNDBOARD_SOUND_CREATE", 1 << 3),
    ("GUILD_SOUNDBOARD_SOUND_UPDATE", 1 << 3),
    ("GUILD_SOUNDBOARD_SOUND_DELETE", 1 << 3),
    ("GUILD_SOUNDBOARD_SOUNDS_UPDATE", 1 << 3),
    ("SOUNDBOARD_SOUNDS", 0),
    ("GUILD_INTEGRATIONS_UPDATE", 1 << 4),
    ("INTEGRATION_CREATE", 1 << 4),
    ("INTEGRATION_UPDATE", 1 << 4),
    ("INTEGRATION_DELETE", 1 << 4),
    ("WEBHOOKS_UPDATE", 1 << 5),
    ("INVITE_CREATE", 1 << 6),
    ("INVITE_DELETE", 1 << 6),
    ("GUILD_MEMBER_ADD", 1 << 1),
    ("GUILD_MEMBER_UPDATE", 1 << 1),
    ("GUILD_MEMBER_REMOVE", 1 << 1),
    ("GUILD_MEMBERS_CHUNK", 0),
    ("GUILD_ROLE_CREATE", 1),
    ("GUILD_ROLE_UPDATE", 1),
    ("GUILD_ROLE_DELETE", 1),
    ("GUILD_SCHEDULED_EVENT_CREATE", 1 << 16),
    ("GUILD_SCHEDULED_EVENT_UPDATE", 1 << 16),
    ("GUILD_SCHEDULED_EVENT_DELETE", 1 << 16),
    ("GUILD_SCHEDULED_EVENT_USER_ADD", 1 << 16),
    ("GUILD_SCHEDULED_EVENT_USER_REMOVE", 1 << 16),
    ("INTERACTION_CREATE", 0),
    ("MESSAGE_CREATE", 1 << 9 | 1 << 12),
    ("MESSAGE_UPDATE", 1 << 9 | 1 << 12),
    ("MESSAGE_DELETE", 1 << 9 | 1 << 12),
    ("MESSAGE_DELETE_BULK", 1 << 9),
    ("MESSAGE_REACTION_ADD", 1 << 10 | 1 << 13),
    ("MESSAGE_REACTION_REMOVE", 1 << 10 | 1 << 13),
    ("MESSAGE_REACTION_REMOVE_ALL", 1 << 10 | 1 << 13),
    ("MESSAGE_REACTION_REMOVE_EMOJI", 1 << 10 | 1 << 13),
    ("MESSAGE_POLL_VOTE_ADD", 1 << 24 | 1 << 25),
    ("MESSAGE_POLL_VOTE_REMOVE", 1 << 24 | 1 << 25),
    ("PRESENCE_UPDATE", 1 << 8),
    ("STAGE_INSTANCE_CREATE", 1),
    ("STAGE_INSTANCE_UPDATE", 1),
    ("STAGE_INSTANCE_DELETE", 1),
    ("SUBSCRIPTION_CREATE", 0),
    ("SUBSCRIPTION_UPDATE", 0),
    ("SUBSCRIPTION_DELETE", 0),
    ("TYPING_START", 1 << 11 | 1 << 14),
    ("USER_UPDATE", 0),
    ("VOICE_CHANNEL_EFFECT_SEND", 1 << 7),
    ("VOICE_STATE_UPDATE", 1 << 7),
    ("VOICE_SERVER_UPDATE", 0),
];

/// What a bot may send over the gateway (Discord's documentation, "Gateway Opcodes").
pub(crate) const SENT_BY_BOTS: &[(u64, &str)] = &[
    (1, "HEARTBEAT"),
    (2, "IDENTIFY"),
    (3, "PRESENCE_UPDATE"),
    (4, "VOICE_STATE_UPDATE"),
    (6, "RESUME"),
    (8, "REQUEST_GUILD_MEMBERS"),
    (31, "REQUEST_SOUNDBOARD_SOUNDS"),
];
