//! A Discord that runs offline, on loopback, for tests, demonstrations and screenshots of bots.
//!
//! [`Sandbox::start`] opens a REST interface (API v10), a gateway, a page that draws the server as
//! a person sees it, and a control API. A bot written with any library is pointed at the addresses
//! of [`Addresses`]; a test acts as the people of the server through [`Person`] and looks at what
//! they see through [`View`]. The sandbox refuses what Discord refuses, with Discord's codes and
//! bodies, and misbehaves on request ([`Fault`], [`GatewayFault`]). A moderator's hand is on
//! [`Sandbox`] itself: messages and channels go, permissions are taken and given back, people
//! leave. Several guilds and bots live in one sandbox ([`World::more_guilds`],
//! [`World::more_bots`]).
//!
//! What is simulated and what is not is in the README, under "Scope". What Discord has and the
//! sandbox has not is refused by its name (501), never passed over in silence.

mod actions;
mod additions;
mod addresses;
mod audit;
mod channels;
mod clock;
mod commands;
mod components;
mod context;
mod control;
mod control_faults;
mod control_help;
mod control_moderation;
mod control_world;
mod coverage;
mod description;
mod error;
mod fault;
mod forms;
mod founding;
mod gap;
mod gateway;
mod http;
mod hub;
mod interactions;
mod journal;
mod live;
mod marks;
mod members;
mod mentions;
mod messages;
mod model;
mod moderation;
mod net;
mod objects;
mod options;
mod outcome;
mod page;
mod permissions;
mod person;
mod picture;
mod pins;
mod presence;
mod ranks;
mod ratelimit;
mod reactions;
mod refusal;
mod resolve;
mod rest;
mod sandbox;
mod selection;
mod snapshots;
mod snowflake;
mod state;
mod thread_acts;
mod thread_objects;
mod threads;
mod tls;
mod transcript;
mod uploads;
mod validate;
mod view;
mod views;
mod webhooks;
mod world;

pub use addresses::{Addresses, BotAddress, GuildAddress, Names};
pub use error::{StartError, TimedOut, WorldError};
pub use fault::{
    DropHow, Effect, Fault, GatewayFault, GatewayPhase, LimitHeader, LimitScope, Match,
};
pub use journal::{Direction, JournalEntry, Wire};
pub use moderation::Age;
pub use options::{Options, RateLimits};
pub use outcome::Outcome;
pub use person::Person;
pub use sandbox::Sandbox;
pub use view::{ChannelKind, ChannelView, Notification, Pending, Reason, View};
pub use world::{
    BotAccess, BotSpec, ChannelSpec, GuildSpec, MemberSpec, OverwriteSpec, RoleSpec, Subject,
    UserSpec, World,
};

/// The README's example must compile, and do what it says.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
