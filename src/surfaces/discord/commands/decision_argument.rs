//! Resolves a command's argument `decision`: an autocomplete entry, a number, or words. An entry
//! carries the revision that the person saw, and a number refers to a revision shown before. In all
//! other cases the card is shown before the command decides anything.

use serenity::all::{CreateAttachment, CreateEmbed, UserId};

use crate::core::decision::authorization::Voter;
use crate::core::decision::{Decision, DecisionId, Refused, Revision};
use crate::core::untrusted::{clean, only_own_links, units};
use crate::engine::HandleError;
use crate::presentation::find;
use crate::presentation::find::Named;
use crate::presentation::text;
use crate::presentation::text::CardReason;
use crate::surfaces::discord::Bot;
use crate::surfaces::discord::interactions::{attention, refusals};
use crate::surfaces::discord::rendering::render::View;

/// Maximum length of a message's content in UTF-16 units (Discord: 2,000), with a margin.
const CONTENT: usize = 1_950;

/// The resolved argument.
pub(crate) enum DecisionArgument {
    /// A decision, and the revision that the person saw.
    Seen(DecisionId, Revision),
    /// A decision that the person has not seen, and a notice: show the card first.
    Unseen(Box<Decision>, String),
    /// No decision: the answer to send.
    Nothing(Box<View>),
}

/// Where to search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SearchScope {
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
pub(crate) const MOST_DECIDED: usize = 50;

impl SearchScope {
    /// The decisions that the person may decide or was allowed to decide.
    pub(in crate::surfaces::discord) async fn of(
        self,
        bot: &Bot,
        voter: &Voter,
    ) -> Result<Vec<Decision>, HandleError> {
        let mut found = if self == Self::Decided {
            Vec::new()
        } else {
            bot.handle.attention().open_for(voter).await?
        };
        if self != Self::Open {
            found.extend(bot.handle.attention().decided_for(voter, MOST_DECIDED).await?);
        }
        Ok(found)
    }
}

/// Resolves the argument `decision` of a command.
pub(crate) async fn find(
    bot: &Bot,
    voter: &Voter,
    typed: &str,
    among: SearchScope,
) -> DecisionArgument {
    match find::named(typed, bot.handle.tag()) {
        Named::Shown { id, seen } => DecisionArgument::Seen(id, seen),
        Named::Foreign => nothing(View::words(text::FOREIGN_ENTRY)),
        Named::Number(id) => by_number(bot, voter, id).await,
        Named::Words(words) => by_words(bot, voter, &words, among).await,
    }
}

fn nothing(view: View) -> DecisionArgument {
    DecisionArgument::Nothing(Box::new(view))
}

async fn by_number(bot: &Bot, voter: &Voter, id: DecisionId) -> DecisionArgument {
    match bot.handle.approvers().may_see(id, voter).await {
        Ok(decision) => match bot.shown.revision(user(voter), id) {
            Some(seen) => DecisionArgument::Seen(id, seen),
            None => {
                let notice = text::instead(&decision, CardReason::Number);
                DecisionArgument::Unseen(Box::new(decision), notice)
            }
        },
        Err(error) => nothing(bot.not_done(voter, id, error).await),
    }
}

/// The Discord user behind a voter. Every caller of a command has a Discord user.
fn user(voter: &Voter) -> UserId {
    UserId::new(voter.person.discord_id().unwrap_or(1))
}

async fn by_words(bot: &Bot, voter: &Voter, words: &str, among: SearchScope) -> DecisionArgument {
    let all = match among.of(bot, voter).await {
        Ok(all) => all,
        Err(error) => return nothing(View::words(text::store_failed(&error.to_string()))),
    };
    match find::ranked(words, &all).as_slice() {
        [] => nothing(View::words(text::none_match(words))),
        [one] => DecisionArgument::Unseen(
            Box::new((*one).clone()),
            text::instead(one, CardReason::Words(words)),
        ),
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
    pub(in crate::surfaces::discord) fn show(
        &self,
        to: &Voter,
        decision: &Decision,
        notice: Option<String>,
    ) -> View {
        self.opens(to, decision);
        attention::opened(decision, self.handle.time_scale(), self.handle.tag(), notice)
    }

    /// Explains why a command changed nothing.
    pub(in crate::surfaces::discord) async fn not_done(
        &self,
        voter: &Voter,
        id: DecisionId,
        error: HandleError,
    ) -> View {
        let time_scale = self.handle.time_scale();
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
                    refusals::outdated(self, &decision, seen).await
                }
                refused => {
                    let words = text::already(&decision, &refused, time_scale);
                    View::words(
                        words.unwrap_or_else(|| text::refused(&decision, &refused, time_scale)),
                    )
                }
            },
            HandleError::NoSuchDecision(id) => View::words(text::no_such(id)),
            error => {
                tracing::error!(decision = id.0, %error, "a command failed");
                View::words(text::store_failed(&error.to_string()))
            }
        }
    }
}

/// Text that a person typed into a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::surfaces::discord) struct Written {
    /// Introduces the text in the answer, such as "Your note was:".
    pub(crate) what: &'static str,
    /// The text as typed.
    pub(crate) words: String,
}

impl Written {
    pub(crate) fn new(what: &'static str, words: impl Into<String>) -> Option<Self> {
        Some(Self { what, words: words.into() }).filter(|written| !written.words.trim().is_empty())
    }

    /// Repeats the typed text in the answer, to spare the person typing again; as a file if too
    /// long.
    pub(crate) fn keep(written: Option<&Self>, mut view: View) -> View {
        let Some(Self { what, words }) = written else { return view };
        let room = CONTENT.saturating_sub(units(&view.content));
        // What is copied from the answer must be what was typed, links included.
        let kept = text::kept(what, words, room).filter(|kept| only_own_links(kept) == *kept);
        if let Some(kept) = kept {
            view.content.push_str(&kept);
        } else {
            view.content.push_str(&text::kept_in_file(what));
            view.files.push(CreateAttachment::bytes(clean(words).into_bytes(), text::KEPT_FILE));
        }
        view
    }
}
