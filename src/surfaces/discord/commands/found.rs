//! Resolves a command's argument `decision`: an autocomplete entry, a number, or words. An entry
//! carries the revision that the person saw, and a number refers to a revision shown before. In all
//! other cases the card is shown before the command decides anything.

use serenity::all::{CreateAttachment, CreateEmbed, UserId};

use super::super::render::View;
use super::super::{Bot, attention, interactions};
use crate::core::decision::{Decision, DecisionId, Refused, Revision};
use crate::core::find::{self, Named};
use crate::core::permission::Voter;
use crate::core::text::{self, Instead};
use crate::core::untrusted::{clean, units};
use crate::engine::HandleError;

/// Maximum length of a message's content in UTF-16 units (Discord: 2,000), with a margin.
const CONTENT: usize = 1_950;

/// The resolved argument.
pub(super) enum Found {
    /// A decision, and the revision that the person saw.
    Seen(DecisionId, Revision),
    /// A decision that the person has not seen, and a notice: show the card first.
    Unseen(Box<Decision>, String),
    /// No decision: the answer to send.
    Nothing(Box<View>),
}

/// Where to search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Among {
    /// Open decisions.
    Open,
    /// Recently decided decisions.
    Decided,
    /// Open and recently decided decisions.
    All,
}

/// Maximum matches to list.
const MOST_SHOWN: usize = 6;

/// Number of recently decided decisions to search.
pub(super) const MOST_DECIDED: usize = 50;

impl Among {
    /// The decisions that the person may decide or was allowed to decide.
    pub(in super::super) async fn of(
        self,
        bot: &Bot,
        voter: &Voter,
    ) -> Result<Vec<Decision>, HandleError> {
        let mut found =
            if self == Self::Decided { Vec::new() } else { bot.handle.open_for(voter).await? };
        if self != Self::Open {
            found.extend(bot.handle.decided_for(voter, MOST_DECIDED).await?);
        }
        Ok(found)
    }
}

/// Resolves the argument `decision` of a command.
pub(super) async fn find(bot: &Bot, voter: &Voter, typed: &str, among: Among) -> Found {
    match find::named(typed, bot.handle.tag()) {
        Named::Shown { id, seen } => Found::Seen(id, seen),
        Named::Foreign => nothing(View::words(text::FOREIGN_ENTRY)),
        Named::Number(id) => by_number(bot, voter, id).await,
        Named::Words(words) => by_words(bot, voter, &words, among).await,
    }
}

fn nothing(view: View) -> Found {
    Found::Nothing(Box::new(view))
}

async fn by_number(bot: &Bot, voter: &Voter, id: DecisionId) -> Found {
    match bot.handle.may_see(id, voter).await {
        Ok(decision) => match bot.shown.revision(user(voter), id) {
            Some(seen) => Found::Seen(id, seen),
            None => {
                let notice = text::instead(&decision, Instead::Number);
                Found::Unseen(Box::new(decision), notice)
            }
        },
        Err(error) => nothing(bot.not_done(voter, id, error).await),
    }
}

/// The Discord user behind a voter. Every caller of a command has a Discord user.
fn user(voter: &Voter) -> UserId {
    UserId::new(voter.person.discord_id().unwrap_or(1))
}

async fn by_words(bot: &Bot, voter: &Voter, words: &str, among: Among) -> Found {
    let all = match among.of(bot, voter).await {
        Ok(all) => all,
        Err(error) => return nothing(View::words(text::trouble(&error.to_string()))),
    };
    match find::ranked(words, &all).as_slice() {
        [] => nothing(View::words(text::none_fits(words))),
        [one] => Found::Unseen(Box::new((*one).clone()), text::instead(one, Instead::Words(words))),
        several => {
            // List as many as fit on a phone screen; an additional word narrows the search.
            let shown: Vec<Decision> =
                several.iter().take(MOST_SHOWN).map(|decision| (*decision).clone()).collect();
            bot.shown.record(user(voter), &shown);
            let embed = CreateEmbed::new()
                .description(shown.iter().map(text::found_line).collect::<Vec<_>>().join("\n"));
            let rows = vec![attention::open_menu(&shown, bot.handle.tag())];
            let content = text::several(words, several.len(), shown.len());
            nothing(View { content, embed: Some(embed), rows, ..View::default() })
        }
    }
}

impl Bot {
    /// A decision with its buttons, for one person. Records that the person has seen the decision.
    pub(in super::super) fn show(
        &self,
        to: &Voter,
        decision: &Decision,
        notice: Option<String>,
    ) -> View {
        self.opens(to, decision);
        attention::opened(decision, self.handle.pace(), self.handle.tag(), notice)
    }

    /// Explains why a command changed nothing.
    pub(in super::super) async fn not_done(
        &self,
        voter: &Voter,
        id: DecisionId,
        error: HandleError,
    ) -> View {
        let pace = self.handle.pace();
        match error {
            HandleError::Denied(decision, denied) => {
                tracing::info!(
                    decision = id.0,
                    by = voter.person.name,
                    "a command was refused: not an approver"
                );
                View::words(text::denied(&decision, &denied, self.application.owner_id()))
            }
            HandleError::Refused(decision, refused) => match refused {
                Refused::Outdated { seen, .. } => {
                    self.shown.record(user(voter), [&*decision]);
                    interactions::outdated(self, &decision, seen).await
                }
                refused => {
                    let words = text::already(&decision, &refused, pace);
                    View::words(words.unwrap_or_else(|| text::refused(&decision, &refused, pace)))
                }
            },
            HandleError::NoSuchDecision(id) => View::words(text::no_such(id)),
            error => {
                tracing::error!(decision = id.0, %error, "a command could not be carried out");
                View::words(text::trouble(&error.to_string()))
            }
        }
    }
}

/// Text that a person typed into a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Written {
    /// Introduces the text in the answer, such as "Your note was:".
    pub(super) what: &'static str,
    /// The text as typed.
    pub(super) words: String,
}

impl Written {
    pub(super) fn new(what: &'static str, words: impl Into<String>) -> Option<Self> {
        Some(Self { what, words: words.into() }).filter(|written| !written.words.trim().is_empty())
    }

    /// Repeats the typed text in the answer, to spare the person typing again; as a file if too
    /// long.
    pub(super) fn keep(written: Option<&Self>, mut view: View) -> View {
        let Some(Self { what, words }) = written else { return view };
        let room = CONTENT.saturating_sub(units(&view.content));
        if let Some(kept) = text::kept(what, words, room) {
            view.content.push_str(&kept);
        } else {
            view.content.push_str(&text::kept_in_file(what));
            view.files.push(CreateAttachment::bytes(clean(words).into_bytes(), text::KEPT_FILE));
        }
        view
    }
}
