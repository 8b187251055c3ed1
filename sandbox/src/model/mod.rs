//! The world that is simulated: accounts, applications, guilds, channels and their messages. Plain
//! data that can be cloned, and ways to find it. Permissions, JSON and the ways to change the world
//! have modules of their own.

mod account;
mod channel;
mod guild;
mod message;
mod realm;
mod webhook;

pub(crate) use account::{Application, Presence, User};
pub(crate) use channel::{
    About, Channel, GuildPlace, Overwrite, OverwriteOf, Place, Thread, ThreadKind,
};
pub(crate) use guild::{Ban, Guild, Member, Role};
pub(crate) use message::{
    Attachment, Audience, Cause, FLAG_COMPONENTS_V2, FLAG_EPHEMERAL, FLAG_HAS_THREAD, FLAG_LOADING,
    FLAG_SUPPRESS_EMBEDS, FLAG_SUPPRESS_NOTIFICATIONS, Guise, Mentions, Message, Notice, Origin,
    Reaction, Target,
};
pub(crate) use realm::Realm;
pub(crate) use webhook::Webhook;
