//! The `custom_id` of buttons, menus and forms: `g1:<store tag>:<verb>:<number>:<revision>`. All
//! state is in the id, so a button works after a restart and as long as its message exists.

use std::fmt;

use super::edits::EditAction;
use super::questions::QuestionAction;
use crate::core::decision::{DecisionId, Revision};
use crate::core::messaging::message::MessageId;

/// When an action opens a form before it changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FormNeed {
    Never,
    Always,
    /// At critical risk only, to type the confirmation.
    AtCriticalRisk,
    /// Only for the menu entry to type a time.
    ToTypeTime,
}

/// An action on a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DecisionAction {
    /// The button, and the form to confirm a critical risk.
    Approve,
    /// The second confirmation of an approval.
    Sure,
    /// The button to approve for the agent's session, and its second confirmation.
    Session,
    SureSession,
    /// The button that asks what to approve and for how long.
    AskGrant,
    /// The menu of grants on a card.
    Grant,
    /// The menu of grants in a private answer of its own.
    GrantAlone,
    /// The button that opens the form for an approval with a note.
    Note,
    Reject,
    /// An option's button, counted from 0, and the form to confirm a critical risk.
    Choose(u32),
    /// The menu of options.
    Pick,
    /// The button that opens the form for an answer, and the form itself.
    Answer,
    /// The button that asks for how long to defer.
    AskTime,
    /// The menu of times on a card, and its form to type a time.
    Defer,
    /// The menu of times in a private answer of its own, and its form to type a time.
    DeferUntil,
    Take,
    /// The menu of people.
    HandOver,
    Undo,
    /// The button that ends a grant.
    End,
    /// The button that ends a grant of the list.
    EndListed,
    Details,
    /// On the way through the questions of an agent.
    Question(QuestionAction),
    /// On the way to a changed call.
    Edit(EditAction),
}

impl DecisionAction {
    /// The verb of the second confirmation for this approval.
    pub(crate) const fn confirmation_verb(self) -> Option<Self> {
        match self {
            Self::Approve => Some(Self::Sure),
            Self::Session => Some(Self::SureSession),
            _ => None,
        }
    }

    /// When a button or menu with this verb opens a form.
    pub(crate) const fn form_need(self) -> FormNeed {
        match self {
            Self::Reject | Self::Answer | Self::Note => FormNeed::Always,
            Self::Approve | Self::Choose(_) | Self::Pick => FormNeed::AtCriticalRisk,
            Self::Defer | Self::DeferUntil => FormNeed::ToTypeTime,
            Self::Question(act) => act.form_need(),
            Self::Edit(act) => act.form_need(),
            Self::Sure
            | Self::Session
            | Self::SureSession
            | Self::AskGrant
            | Self::Grant
            | Self::GrantAlone
            | Self::AskTime
            | Self::Take
            | Self::HandOver
            | Self::Undo
            | Self::End
            | Self::EndListed
            | Self::Details => FormNeed::Never,
        }
    }

    /// Whether this verb changes the decision.
    pub(crate) const fn changes(self) -> bool {
        match self {
            Self::Details | Self::AskTime | Self::AskGrant => false,
            Self::Question(act) => matches!(act, QuestionAction::Submit(_)),
            Self::Edit(act) => !matches!(act, EditAction::Open),
            _ => true,
        }
    }

    /// Whether this verb approves.
    pub(crate) const fn approves(self) -> bool {
        matches!(self, Self::Approve | Self::Note | Self::Sure | Self::Session | Self::SureSession)
    }

    const WORDS: [(Self, &'static str); 20] = [
        (Self::Approve, "approve"),
        (Self::Sure, "sure"),
        (Self::Session, "session"),
        (Self::SureSession, "sure-session"),
        (Self::AskGrant, "ask-grant"),
        (Self::Grant, "grant"),
        (Self::GrantAlone, "grant-alone"),
        (Self::Note, "note"),
        (Self::Reject, "reject"),
        (Self::Pick, "pick"),
        (Self::Answer, "answer"),
        (Self::AskTime, "ask-time"),
        (Self::Defer, "defer"),
        (Self::DeferUntil, "until"),
        (Self::Take, "take"),
        (Self::HandOver, "hand"),
        (Self::Undo, "undo"),
        (Self::End, "end"),
        (Self::EndListed, "end-listed"),
        (Self::Details, "details"),
    ];

    fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("choose-") {
            Some(option) => Some(Self::Choose(option.parse().ok()?)),
            None => {
                let known = Self::WORDS.iter().find(|(_, word)| *word == text);
                known
                    .map(|(verb, _)| *verb)
                    .or_else(|| QuestionAction::parse(text).map(Self::Question))
                    .or_else(|| EditAction::parse(text).map(Self::Edit))
            }
        }
    }
}

impl fmt::Display for DecisionAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Choose(option) => write!(f, "choose-{option}"),
            Self::Question(act) => act.fmt(f),
            Self::Edit(act) => act.fmt(f),
            verb => f.write_str(
                Self::WORDS.iter().find(|(known, _)| known == verb).map_or("", |(_, word)| word),
            ),
        }
    }
}

/// An action on the list of a message, as drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListAction {
    /// Previews the bulk approval.
    Look,
    /// Approves the previewed decisions.
    Approve,
    /// Reviews the decisions one by one, from this position on, counted from 0.
    Walk(u32),
    /// The menu to open a decision. The number keeps several menus on a message apart.
    Open(u32),
    /// The menu of the list's parts.
    Parts,
    /// The part of the list that begins with this decision number.
    Part(u32),
    /// The menu to disagree with an automatic approval. The number keeps several menus on a message
    /// apart.
    Disagree(u32),
    /// Shows the current figures of a digest.
    Now,
    /// "Not now": snoozes notifications to the caller.
    Hush,
}

impl ListAction {
    fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| text.parse().ok();
        match text.split_once('-') {
            Some(("walk", at)) => number(at).map(Self::Walk),
            Some(("lopen", menu)) => number(menu).map(Self::Open),
            Some(("part", from)) => number(from).map(Self::Part),
            Some(("disagree", menu)) => number(menu).map(Self::Disagree),
            None if text == "now" => Some(Self::Now),
            None if text == "look" => Some(Self::Look),
            None if text == "together" => Some(Self::Approve),
            None if text == "parts" => Some(Self::Parts),
            None if text == "hush" => Some(Self::Hush),
            _ => None,
        }
    }
}

impl fmt::Display for ListAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Look => f.write_str("look"),
            Self::Approve => f.write_str("together"),
            Self::Walk(at) => write!(f, "walk-{at}"),
            Self::Open(menu) => write!(f, "lopen-{menu}"),
            Self::Parts => f.write_str("parts"),
            Self::Part(from) => write!(f, "part-{from}"),
            Self::Disagree(menu) => write!(f, "disagree-{menu}"),
            Self::Now => f.write_str("now"),
            Self::Hush => f.write_str("hush"),
        }
    }
}

/// The action of a button, menu or form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Control {
    /// An action on a list: the message's id and the revision of the drawn list.
    With(MessageId, u32, ListAction),
    /// An action on a decision at the seen revision.
    On(DecisionId, Revision, DecisionAction),
    /// The menu to open a decision of the private list.
    Open,
    /// A page of the private list, from 0. `place` keeps two buttons to the same page apart.
    Page { page: u32, place: u32 },
    /// A page of the private list of grants, in the same way.
    Grants { page: u32, place: u32 },
}

/// The position in a review of a list. The buttons of the shown card carry the position, and lead
/// to the next decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ListPosition {
    pub(crate) list: MessageId,
    pub(crate) revision: u32,
    /// The position in the list, from 0.
    pub(crate) at: u32,
}

impl ListPosition {
    /// The store's tag followed by this position, for the components of a card in the review.
    pub(crate) fn on(self, tag: &str) -> String {
        format!("{tag}~{}.{}.{}", self.list, self.revision, self.at)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let walk = Self {
            list: MessageId(parts.next()?.parse().ok()?),
            revision: parts.next()?.parse().ok()?,
            at: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(walk)
    }
}

/// A parsed `custom_id`: the store's tag, the position in a review, and the action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CustomId {
    pub(crate) tag: String,
    /// The position in a list, if the card is part of a review.
    pub(crate) walk: Option<ListPosition>,
    pub(crate) act: Control,
}

impl CustomId {
    pub(crate) fn new(tag: &str, act: Control) -> Self {
        Self { tag: tag.to_owned(), walk: None, act }
    }

    /// Parses an id. `None`: the id is not in this version's format.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        if parts.next()? != "g1" {
            return None;
        }
        let (tag, verb) = (parts.next()?, parts.next()?);
        let (tag, walk) = match tag.split_once('~') {
            Some((tag, walk)) => (tag, Some(ListPosition::parse(walk)?)),
            None => (tag, None),
        };
        let number: i64 = parts.next()?.parse().ok()?;
        let revision: u32 = parts.next()?.parse().ok()?;
        if parts.next().is_some() {
            return None;
        }
        let act = match verb {
            "open" => Control::Open,
            "page" => Control::Page { page: number.try_into().ok()?, place: revision },
            "grants" => Control::Grants { page: number.try_into().ok()?, place: revision },
            word => match ListAction::parse(word) {
                Some(together) => Control::With(MessageId(number), revision, together),
                None => Control::On(
                    DecisionId(number),
                    Revision(revision),
                    DecisionAction::parse(word)?,
                ),
            },
        };
        Some(Self { tag: tag.to_owned(), walk, act })
    }

    /// The decision to act on, if any.
    pub(crate) const fn decision(&self) -> Option<DecisionId> {
        match self.act {
            Control::On(id, ..) => Some(id),
            Control::With(..) | Control::Open | Control::Page { .. } | Control::Grants { .. } => {
                None
            }
        }
    }
}

impl fmt::Display for CustomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tag = self.walk.map_or_else(|| self.tag.clone(), |walk| walk.on(&self.tag));
        match self.act {
            Control::On(id, seen, verb) => write!(f, "g1:{tag}:{verb}:{}:{}", id.0, seen.0),
            Control::With(id, list, together) => write!(f, "g1:{tag}:{together}:{id}:{list}"),
            Control::Open => write!(f, "g1:{tag}:open:0:0"),
            Control::Page { page, place } => write!(f, "g1:{tag}:page:{page}:{place}"),
            Control::Grants { page, place } => write!(f, "g1:{tag}:grants:{page}:{place}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let (id, seen) = (DecisionId(i64::MAX), Revision(u32::MAX));
        let further = [
            DecisionAction::Choose(4),
            DecisionAction::Question(QuestionAction::Pick(99, 99)),
            DecisionAction::Question(QuestionAction::Submit(u32::MAX)),
            DecisionAction::Edit(EditAction::Confirm(u32::MAX)),
        ];
        let verbs = DecisionAction::WORDS.iter().map(|(verb, _)| *verb).chain(further);
        let together = [
            ListAction::Look,
            ListAction::Approve,
            ListAction::Walk(12),
            ListAction::Open(1),
            ListAction::Parts,
            ListAction::Part(7),
        ];
        let with = together.map(|together| Control::With(MessageId(7), 3, together));
        let acts = verbs
            .map(|verb| Control::On(id, seen, verb))
            .chain([Control::Open, Control::Page { page: 7, place: 1 }])
            .chain([Control::Grants { page: 7, place: 1 }])
            .chain(with);
        let walk = ListPosition { list: MessageId(i64::MAX), revision: 99_999, at: 999 };
        for act in acts {
            for walk in [None, Some(walk)] {
                let custom = CustomId { walk, ..CustomId::new("abc234", act) };
                let text = custom.to_string();
                assert!(text.len() <= 100, "Discord takes 100 characters: {text}");
                assert_eq!(CustomId::parse(&text), Some(custom));
            }
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
            "g1:t~1.2:approve:1:1",
            "g1:t~1.2.3.4:approve:1:1",
            "g1:t:walk-x:1:1",
        ] {
            assert_eq!(CustomId::parse(text), None, "{text}");
        }
    }
}
