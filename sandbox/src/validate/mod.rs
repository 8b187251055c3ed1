//! Discord's rules for forms: what it answers with 50035 and the like. Looks at JSON only; whether
//! something exists or is permitted is for the routes to say.

mod address;
pub(crate) mod callback;
pub(crate) mod channel;
pub(crate) mod command;
pub(crate) mod component;
mod embed;
pub(crate) mod emoji;
mod form;
mod gap;
pub(crate) mod guild;
mod label;
mod layout;
pub(crate) mod message;
pub(crate) mod modal;
pub(crate) mod query;
