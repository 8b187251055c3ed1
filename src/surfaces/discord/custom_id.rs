//! What a button carries. Nothing is held in memory for it, so it works after a restart and for as long as
//! its message stands: `g1:<store tag>:<verb>:<number>:<revision>`.

use std::fmt;

use crate::core::decision::{DecisionId, Revision};

/// What a button, menu or modal does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Approve(DecisionId, Revision),
    Reject(DecisionId, Revision),
    /// An option's button, counted from 0.
    Choose(DecisionId, Revision, u32),
    /// The menu of options.
    Pick(DecisionId, Revision),
    /// The button that opens the form for an answer, and that form.
    Answer(DecisionId, Revision),
    /// The menu of times, and the modal in which one is typed.
    Defer(DecisionId, Revision),
    /// The menu that opens one of the list.
    Open,
    /// A page of the list, from 0. `place` tells apart two buttons that lead to the same page.
    Page {
        page: u32,
        place: u32,
    },
}

/// A button's act and the store that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CustomId {
    pub(super) tag: String,
    pub(super) act: Act,
}

impl CustomId {
    pub(super) fn new(tag: &str, act: Act) -> Self {
        Self { tag: tag.to_owned(), act }
    }

    /// Reads a button's id. `None`: it is not one of this version's.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        if parts.next()? != "g1" {
            return None;
        }
        let (tag, verb) = (parts.next()?, parts.next()?);
        let number: i64 = parts.next()?.parse().ok()?;
        let revision: u32 = parts.next()?.parse().ok()?;
        if parts.next().is_some() {
            return None;
        }
        let (id, seen) = (DecisionId(number), Revision(revision));
        let act = match verb {
            "approve" => Act::Approve(id, seen),
            "reject" => Act::Reject(id, seen),
            "pick" => Act::Pick(id, seen),
            "answer" => Act::Answer(id, seen),
            "defer" => Act::Defer(id, seen),
            "open" => Act::Open,
            "page" => Act::Page { page: number.try_into().ok()?, place: revision },
            verb => Act::Choose(id, seen, verb.strip_prefix("choose-")?.parse().ok()?),
        };
        Some(Self { tag: tag.to_owned(), act })
    }

    /// The decision that it is about, if it is about one.
    pub(super) const fn decision(&self) -> Option<DecisionId> {
        match self.act {
            Act::Approve(id, _) | Act::Reject(id, _) | Act::Defer(id, _) | Act::Pick(id, _) | Act::Answer(id, _) => Some(id),
            Act::Choose(id, ..) => Some(id),
            Act::Open | Act::Page { .. } => None,
        }
    }
}

impl fmt::Display for CustomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (verb, number, revision) = match self.act {
            Act::Choose(id, seen, option) => return write!(f, "g1:{}:choose-{option}:{}:{}", self.tag, id.0, seen.0),
            Act::Pick(id, seen) => ("pick", id.0, seen.0),
            Act::Answer(id, seen) => ("answer", id.0, seen.0),
            Act::Approve(id, seen) => ("approve", id.0, seen.0),
            Act::Reject(id, seen) => ("reject", id.0, seen.0),
            Act::Defer(id, seen) => ("defer", id.0, seen.0),
            Act::Open => ("open", 0, 0),
            Act::Page { page, place } => ("page", i64::from(page), place),
        };
        write!(f, "g1:{}:{verb}:{number}:{revision}", self.tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let (id, seen) = (DecisionId(i64::MAX), Revision(u32::MAX));
        let acts = [
            Act::Approve(id, seen),
            Act::Reject(id, seen),
            Act::Defer(id, seen),
            Act::Choose(id, seen, 4),
            Act::Pick(id, seen),
            Act::Answer(id, seen),
            Act::Open,
            Act::Page { page: 7, place: 1 },
        ];
        for act in acts {
            let text = CustomId::new("abc234", act).to_string();
            assert!(text.len() <= 100, "Discord takes 100 characters: {text}");
            assert_eq!(CustomId::parse(&text), Some(CustomId::new("abc234", act)));
        }
    }

    #[test]
    fn what_is_not_ours_is_nothing() {
        for text in [
            "",
            "g1",
            "g2:t:approve:1:1",
            "g1:t:approve:1",
            "g1:t:approve:x:1",
            "g1:t:explode:1:1",
            "g1:t:page:-1:0",
            "g1:t:approve:1:1:1",
        ] {
            assert_eq!(CustomId::parse(text), None, "{text}");
        }
    }
}
