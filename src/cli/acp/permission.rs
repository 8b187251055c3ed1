//! `session/request_permission`: what an agent asks before a tool call, and how an answer is said.
//!
//! Only the crate's schema would say it with types, and those refuse a request whole for one option
//! of an unknown kind. Here the kinds are words.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::known::Described;
use crate::core::untrusted::{one_line, shape};

/// Most options. Discord's menu takes 25.
const MOST_OPTIONS: usize = 25;

/// The request's parameters.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PermissionRequest {
    pub(super) session_id: String,
    pub(super) tool_call: AskedCall,
    #[serde(default)]
    pub(super) options: Vec<PermissionOption>,
}

/// The tool call of a request.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AskedCall {
    pub(super) tool_call_id: String,
    #[serde(flatten)]
    pub(super) described: Described,
}

/// An answer that the agent offers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PermissionOption {
    pub(super) option_id: String,
    pub(super) name: String,
    pub(super) kind: String,
}

/// What an option does, as the agent says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OptionKind {
    AllowOnce,
    AllowAlways,
    RejectOnce,
    RejectAlways,
    /// Of a later version of the protocol, or of nobody's.
    Unknown,
}

impl PermissionOption {
    pub(super) fn kind(&self) -> OptionKind {
        match self.kind.as_str() {
            "allow_once" => OptionKind::AllowOnce,
            "allow_always" => OptionKind::AllowAlways,
            "reject_once" => OptionKind::RejectOnce,
            "reject_always" => OptionKind::RejectAlways,
            _ => OptionKind::Unknown,
        }
    }
}

/// How people can answer a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Offer {
    /// Yes or no: the agent has one option for a yes to this call alone.
    YesOrNo {
        /// The option's id.
        yes: String,
    },
    /// One of the agent's options: none or several of them are for a yes to this call alone, and
    /// nobody guesses which the person means.
    Choice,
    /// Not at all.
    Unusable,
}

impl PermissionRequest {
    /// How people can answer.
    pub(super) fn offer(&self) -> Offer {
        let ids: BTreeSet<&str> =
            self.options.iter().map(|option| option.option_id.as_str()).collect();
        // Of two options with an id, the agent knows one.
        if ids.len() != self.options.len() || self.options.len() > MOST_OPTIONS {
            return Offer::Unusable;
        }
        let mut once = self.of(OptionKind::AllowOnce);
        match (once.next(), once.next()) {
            (Some(yes), None) => Offer::YesOrNo { yes: yes.option_id.clone() },
            _ if self.options.len() < 2 => Offer::Unusable,
            _ => Offer::Choice,
        }
    }

    fn of(&self, kind: OptionKind) -> impl Iterator<Item = &PermissionOption> {
        self.options.iter().filter(move |option| option.kind() == kind)
    }

    /// The answer that this call does not run. Never that none like it ever does.
    pub(super) fn no(&self, words: &str) -> Value {
        let mut no = self.of(OptionKind::RejectOnce);
        match (no.next(), no.next()) {
            (Some(no), None) if self.offer() != Offer::Unusable => selected(&no.option_id, words),
            _ => cancelled(words),
        }
    }

    /// The names of the options that stop the call. An option of an unknown kind may let it run.
    pub(super) fn stopping(&self) -> Vec<String> {
        let stops = |option: &PermissionOption| {
            matches!(option.kind(), OptionKind::RejectOnce | OptionKind::RejectAlways)
        };
        let named = self.names().into_iter().zip(&self.options);
        named.filter(|(_, option)| stops(option)).map(|(name, _)| name).collect()
    }

    /// Names for the options under which a person tells them apart, in their order.
    pub(super) fn names(&self) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let mut named = |option: &PermissionOption| {
            let name = Some(one_line(&option.name)).filter(|name| !name.is_empty());
            let name = name.unwrap_or_else(|| one_line(&option.option_id));
            let name: String = name.chars().take(LONGEST_NAME).collect();
            let mut shown = name.clone();
            let mut number = 1;
            while !seen.insert(shape(&shown)) {
                number += 1;
                shown = format!("{name} ({number})");
            }
            shown
        };
        self.options.iter().map(&mut named).collect()
    }
}

/// Longest name of an option, in characters, with room for a number that tells it from its like.
const LONGEST_NAME: usize = 90;

/// The answer that names an option. The words have no field of their own in the protocol; an agent
/// that looks finds them.
pub(super) fn selected(option: &str, words: &str) -> Value {
    json!({ "outcome": { "outcome": "selected", "optionId": option }, "_meta": meta(words) })
}

/// The answer that nobody decided.
pub(super) fn cancelled(words: &str) -> Value {
    json!({ "outcome": { "outcome": "cancelled" }, "_meta": meta(words) })
}

/// What the protocol leaves to programs.
pub(super) fn meta(words: &str) -> Value {
    json!({ "gander": { "message": words } })
}
