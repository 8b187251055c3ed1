//! Interprets what a person says to the bot: `approve the GHL deploy`, `what else?`.
//!
//! Uses no language model: tables of English words and strict rules, and therefore the same words
//! always have the same meaning. A decision is made only by a plain command about exactly one
//! decision, named by a number or by words that all fit this decision and no other. Anything less
//! results in a question back. Doubts, negations, conditions, questions and quotations decide
//! nothing. English only.
//!
//! Does not depend on who is speaking, on what was shown to the person (the executor adds the
//! revision), nor on how the reply is worded.

mod choose;
mod decide;
mod defer;
mod grammar;
mod look;
mod subject;
mod target;
mod words;

use chrono_tz::Tz;

use self::grammar::Intent;
pub use self::subject::{Openness, Subject, SubjectFilter};
use self::target::KnownDecisions;
use self::words::Word;
use crate::core::Time;
use crate::core::decision::DecisionId;

/// Interpretation of a phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Interpretation {
    /// Show open decisions.
    Attention {
        /// Restricts the list.
        of: SubjectFilter,
    },
    /// Show the next page of the last list.
    More,
    /// Act on a decision. The only variant that changes anything.
    Decide {
        /// The action.
        verb: ChatAction,
        /// The decision. When named by number, the decision may already be decided or withdrawn.
        target: DecisionId,
    },
    /// Show a preview of a bulk approval and ask for confirmation. Never executed directly.
    ApproveAll {
        /// The restriction in the command.
        of: SubjectFilter,
        /// Decisions that can be approved in bulk: open, low risk, answered by yes or no. Never
        /// empty.
        low: Vec<DecisionId>,
        /// Other decisions that match the command; each must be decided on its card.
        others: Vec<DecisionId>,
    },
    /// Show a decision. A bare number is passed on even when no subject has this number.
    Show(DecisionId),
    /// Show the history of a decision. As with [`Self::Show`], the number may be unknown.
    History(DecisionId),
    /// Show the status.
    Status,
    /// Show example phrases.
    Help,
    /// Snooze the speaker's notifications; `off` ends the snooze.
    Snooze {
        /// End of the snooze, as spoken and unchecked. `None`: not given.
        until: Option<String>,
    },
    /// The command is complete except for the decision: ask which candidate is meant, or, with a
    /// single candidate, whether this candidate is meant.
    Ambiguous {
        /// What to do with the picked decision.
        wish: ChatRequest,
        /// In the order of the subjects; never empty. A single candidate needs a confirmation.
        candidates: Vec<DecisionId>,
        /// Why the command is ambiguous.
        ambiguity: Ambiguity,
    },
    /// No open decision matches the words.
    NoMatch {
        /// The requested action.
        act: ActionName,
        /// The words that name the decision, as spoken: not escaped, any length.
        words: String,
        /// Similar decisions, or decisions that would match if they were still open. May be empty.
        near: Vec<DecisionId>,
    },
    /// The command lacks a part.
    Missing {
        /// The requested action.
        act: ActionName,
        /// Decisions that may be meant. May be empty; when several, the person must also be asked
        /// for the decision.
        candidates: Vec<DecisionId>,
        /// The missing part.
        part: MissingPart,
    },
    /// The words mention a verdict but are not a plain command: say why, and show the decisions.
    NotDecided {
        /// Why the words are not a command.
        why: NotCommandReason,
        /// Decisions that the words mention. May be empty.
        about: Vec<DecisionId>,
    },
    /// The phrase matches no rule.
    NotUnderstood {
        /// The phrase, not escaped.
        words: String,
    },
}

/// An action on a decision, with all arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChatAction {
    /// Approve.
    Approve {
        /// The note that follows the command.
        note: Option<String>,
    },
    /// Reject.
    Reject {
        /// The reason in the person's own words. Never empty.
        reason: String,
    },
    /// Choose an option.
    Choose {
        /// Name of the option, exactly as the agent spelled the name.
        option: String,
    },
    /// Answer with text.
    Answer {
        /// The answer in the person's own words. Never empty.
        text: String,
    },
    /// Defer.
    Defer {
        /// End of the deferral. Not checked against the limits.
        until: Time,
    },
    /// Undo the verdict.
    Undo,
    /// Assign the decision to the speaker: "I'm on it."
    Take,
}

impl ChatAction {
    /// The action without arguments.
    #[must_use]
    pub const fn act(&self) -> ActionName {
        match self {
            Self::Approve { .. } => ActionName::Approve,
            Self::Reject { .. } => ActionName::Reject,
            Self::Choose { .. } => ActionName::Choose,
            Self::Answer { .. } => ActionName::Answer,
            Self::Defer { .. } => ActionName::Defer,
            Self::Undo => ActionName::Undo,
            Self::Take => ActionName::Take,
        }
    }
}

/// A command that lacks only the decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChatRequest {
    /// Act on the decision.
    Decide(ChatAction),
    /// Show the decision's history.
    History,
}

/// A requested action, without arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each says itself")]
pub enum ActionName {
    Approve,
    Reject,
    Choose,
    Answer,
    Defer,
    Undo,
    Take,
    Show,
    History,
}

/// A missing part of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MissingPart {
    /// The decision.
    Target,
    /// The reason of a rejection.
    Reason,
    /// The option.
    Option {
        /// Words that match no option.
        given: Option<String>,
    },
    /// The answer's text.
    Text,
    /// The end of a deferral.
    Time {
        /// Words that are not a valid time.
        given: Option<String>,
    },
}

/// Why a complete command needs a question back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ambiguity {
    /// Two or more decisions match.
    SeveralFit,
    /// The decision matches only if a word is misspelt.
    Misspelt,
    /// The words also match another decision, decided or withdrawn in the last ten minutes.
    JustDecided {
        /// The other decision.
        other: DecisionId,
    },
    /// A number among other words may or may not name a decision.
    Number,
    /// The phrase has words beyond the ones that name the decision.
    MoreWords,
    /// The decision is not named but only implied, by "the last one" or by an option alone.
    Unnamed,
    /// The note beside an approval resembles a condition, a question or a negation.
    Note,
    /// The words after the colon also name decisions.
    Overlap,
}

/// Why words that mention a verdict decide nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotCommandReason {
    /// "don't approve 142"
    Negated,
    /// "approve 142 if the tests pass"
    Conditional,
    /// "should I approve 142?"
    Question,
    /// "I approved 142 yesterday"
    Past,
    /// "Maya said approve 142": not a command, because the phrase does not begin with the verb.
    Reported,
    /// "approve 142 and reject 143"
    OneAtATime,
    /// "approve all high-risk items"
    OnlyLowTogether,
    /// Hidden characters, or letters and digits that imitate others.
    Disguised,
    /// In quotation marks, as code, struck out or as a spoiler.
    Quoted,
    /// The phrase begins with a mention of another person.
    ToSomebodyElse,
    /// "/approve 142", sent as a message instead of a command.
    SlashCommand,
}

/// Example phrases for "help", each with its effect. Every example is understood while a matching
/// decision is open.
pub const EXAMPLES: &[(&str, &str)] = &[
    ("what needs my attention?", "shows what waits, the most urgent first"),
    ("what else?", "shows the next ones"),
    (
        "show me the GHL test failures",
        "shows the matches: by project, kind, title, environment, agent or risk",
    ),
    ("show 142", "shows one decision"),
    ("approve 142", "approves it; with a note: `approve 142: nice work`"),
    ("approve the GHL deploy", "approves it, if exactly one decision matches all your words"),
    ("reject stripe: needs more tests", "rejects it; the agent gets the reason"),
    ("choose Postgres for 17", "chooses one of its options"),
    ("answer 18: use the blue one", "answers it with your text"),
    ("defer 12 until tomorrow 9:00", "defers it; also `2h`, `18:30`, `2026-12-24`"),
    ("remind me about the ghl deploy in 2h", "also defers it"),
    ("approve all low-risk items", "lists them and asks you to confirm"),
    ("I'm on 12", "tells the others that you are on it"),
    ("snooze me until 18:00", "holds back notifications; `unsnooze me` ends it"),
    ("undo 140", "undoes a verdict that the agent has not picked up"),
    ("history of #12", "shows its history"),
    ("status", "shows whether everything works"),
    ("help", "shows this"),
];

/// Interprets a phrase. `subjects` holds the open decisions, most urgent first, and the decisions
/// with a verdict that can still be undone; `zone` is the person's time zone. `said` must not
/// contain the mention of the bot.
#[must_use]
pub fn interpret(said: &str, subjects: &[Subject], now: Time, zone: Tz) -> Interpretation {
    let text = said.replace("\r\n", "\n");
    let text = text.trim();
    let all = words::words(text);
    let phrase = Phrase {
        text,
        words: &all[grammar::greeting(&all)..],
        known: KnownDecisions::new(subjects, now),
        zone,
    };
    if phrase.words.is_empty() {
        return Interpretation::Help;
    }
    match grammar::intent(phrase.words) {
        Some((Intent::Act(ActionName::History), length)) => {
            phrase.read_only_unless_command(|| look::history(&phrase, &phrase.words[length..]))
        }
        Some((Intent::Act(act), length)) => decide::decide(&phrase, act, length),
        Some((intent, length)) => {
            phrase.read_only_unless_command(|| look::look(&phrase, intent, length))
        }
        None => phrase.without_intent(),
    }
}

/// A phrase, and the decisions that the phrase can name.
struct Phrase<'a, 's> {
    text: &'a str,
    /// Without the greeting.
    words: &'a [Word<'a>],
    known: KnownDecisions<'s>,
    zone: Tz,
}

impl Phrase<'_, '_> {
    fn not_decided(&self, why: NotCommandReason) -> Interpretation {
        // A disguised number displays as a different number; therefore no decision is listed.
        let about = if why == NotCommandReason::Disguised {
            Vec::new()
        } else {
            self.known.about(self.words)
        };
        Interpretation::NotDecided { why, about }
    }

    fn not_understood(&self) -> Interpretation {
        Interpretation::NotUnderstood { words: self.text.to_owned() }
    }

    /// Executes a read-only request, unless a command is mixed in: then the person must learn that
    /// the command was not executed.
    fn read_only_unless_command(&self, show: impl FnOnce() -> Interpretation) -> Interpretation {
        let numbered =
            self.words.iter().any(|word| word.number().is_some() || !word.list().is_empty());
        let hangs = numbered
            || self
                .words
                .iter()
                .any(|word| grammar::is_negation(word) || word.is(&["if", "unless"]));
        let speaks = self.words.iter().any(grammar::is_verb);
        let asks_history =
            matches!(grammar::intent(self.words), Some((Intent::Act(ActionName::History), _)));
        if self.text.lines().skip(1).any(|line| grammar::is_command(&words::words(line))) {
            self.not_decided(NotCommandReason::OneAtATime)
        } else if speaks && hangs && !asks_history {
            self.not_decided(grammar::aside(self.words))
        } else {
            show()
        }
    }

    /// A phrase without a known beginning.
    fn without_intent(&self) -> Interpretation {
        let Some(first) = self.words.first() else { return Interpretation::Help };
        if let Some(name) = first.plain.strip_prefix('/') {
            return self.slash(name);
        }
        let speaks = self.words.iter().any(grammar::is_verb);
        if first.raw.starts_with("<@") || (first.raw.starts_with('@') && speaks) {
            return self.not_decided(NotCommandReason::ToSomebodyElse);
        }
        if words::is_disguised(self.text) {
            return self.not_decided(NotCommandReason::Disguised);
        }
        if let Some(act) = grammar::misspelt(first) {
            return match decide::decide(self, act, 1) {
                Interpretation::Decide { verb, target } => Interpretation::Ambiguous {
                    wish: ChatRequest::Decide(verb),
                    candidates: vec![target],
                    ambiguity: Ambiguity::Misspelt,
                },
                asked => asked,
            };
        }
        if speaks {
            let why = if self.text.starts_with(decide::QUOTES) {
                NotCommandReason::Quoted
            } else {
                grammar::aside(self.words)
            };
            return self.not_decided(why);
        }
        let numbered = self.words.iter().any(|word| word.number().is_some());
        if numbered && self.words.iter().any(grammar::is_negation) {
            return self.not_decided(NotCommandReason::Negated);
        }
        look::by_words_alone(self).unwrap_or_else(|| self.not_understood())
    }

    /// A slash command sent as a message. Read-only commands are executed.
    fn slash(&self, name: &str) -> Interpretation {
        let first = Word { plain: name.to_owned(), ..self.words[0].clone() };
        let words: Vec<Word<'_>> =
            std::iter::once(first).chain(self.words[1..].iter().cloned()).collect();
        match grammar::intent(&words) {
            Some((Intent::Act(_), _)) => self.not_decided(NotCommandReason::SlashCommand),
            Some((intent, length)) => {
                self.read_only_unless_command(|| look::look(self, intent, length))
            }
            None => self.not_understood(),
        }
    }
}
