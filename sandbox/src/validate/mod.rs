//! Discord's rules for forms: what it answers with 50035 and the like. Looks at JSON only; whether
//! something exists or is permitted is for the routes to say.

pub(crate) mod callback;
pub(crate) mod command;
mod component;
mod embed;
pub(crate) mod message;
pub(crate) mod modal;
