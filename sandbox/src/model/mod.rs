//! The world that is simulated: accounts, applications, guilds, channels and their messages. Plain
//! data that can be cloned, and ways to find it. Permissions, JSON and the ways to change the world
//! have modules of their own.

mod account;
mod channel;
mod guild;
mod message;
mod realm;

pub(crate) use account::{Application, User};
pub(crate) use channel::{Channel, GuildPlace, Overwrite, OverwriteOf, Place, Thread};
pub(crate) use guild::{Guild, Member, Role};
pub(crate) use message::{
    Attachment, Audience, Cause, FLAG_EPHEMERAL, FLAG_LOADING, FLAG_SUPPRESS_EMBEDS,
    FLAG_SUPPRESS_NOTIFICATIONS, Mentions, Message, Origin, Target,
};
pub(crate) use realm::Realm;
