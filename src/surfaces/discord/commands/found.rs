//! What a command's decision is: an entry that was offered, a number, or words. An entry showed the
//! person what they decide on, and a number means what they were shown before; for all else they
//! are shown the card first.

use serenity::all::{CreateAttachment, CreateEmbed, UserId};

use super::super::render::View;
use super::super::{Bot, attention, interactions};
use crate::core::decision::{Decision, DecisionId, Refused, Revision};
use crate::core::find::{self, Named};
use crate::core::permission::Voter;
use crate::core::text::{self, Instead};
use crate::core::untrusted::{clean, units};
use crate::engine::HandleError;

/// Characters of a message's content (Discord: 2,000), with some to spare.
const CONTENT: usize = 1_950;

/// What a command is about.
pub(super) enum Found {
    /// What they saw, at this revision.
    Seen(DecisionId, Revision),
    /// What they named, to be shown before anything is done.
    Unseen(Box<Decision>, String),
    /// Nothing to act on: this is said instead.
    Nothing(Box<View>),
}

/// Where words are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Among {
    /// What is open.
    Open,
    /// What was decided lately.
    Decided,
    /// Both.
    All,
}

/// Of those that words fit, as many are listed.
const MOST_SHOWN: usize = 6;

/// Of those decided lately, as many are looked through.
pub(super) const MOST_DECIDED: usize = 50;

impl Among {
    /// What of this the person may decide, or might have decided.
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

/// Reads the option `decision` of a command.
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

/// The Discord user behind a voter. Everybody who uses a command is one.
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
            // Of these, as many as a phone shows; a word more finds the others.
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
    /// A decision with its buttons, for one person, who has seen it then.
    pub(in super::super) fn show(
        &self,
        to: &Voter,
        decision: &Decision,
        notice: Option<String>,
    ) -> View {
        self.opens(to, decision);
        attention::opened(decision, self.handle.pace(), self.handle.tag(), notice)
    }

    /// Why a command changed nothing.
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

/// What a person wrote into a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Written {
    /// What it is.
    pub(super) what: &'static str,
    /// In their words.
    pub(super) words: String,
}

impl Written {
    pub(super) fn new(what: &'static str, words: impl Into<String>) -> Option<Self> {
        Some(Self { what, words: words.into() }).filter(|written| !written.words.trim().is_empty())
    }

    /// Says it back, so that nobody has to write it again: in the message, or as a file where it is
    /// too long.
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
