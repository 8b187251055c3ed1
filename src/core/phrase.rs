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

use super::Time;
use super::decision::DecisionId;
use grammar::Intent;
pub use subject::{Filter, Standing, Subject};
use target::Known;
use words::Word;

/// Interpretation of a phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Understood {
    /// Show open decisions.
    Attention {
        /// Restricts the list.
        of: Filter,
    },
    /// Show the next page of the last list.
    More,
    /// Act on a decision. The only variant that changes anything.
    Decide {
        /// The action.
        verb: Verb,
        /// The decision. When named by number, the decision may already be decided or withdrawn.
        target: DecisionId,
    },
    /// Show a preview of a bulk approval and ask for confirmation. Never executed directly.
    ApproveAll {
        /// The restriction in the command.
        of: Filter,
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
        wish: Wish,
        /// In the order of the subjects; never empty. A single candidate needs a confirmation.
        candidates: Vec<DecisionId>,
        /// Why the command is ambiguous.
        doubt: Doubt,
    },
    /// No open decision matches the words.
    NothingFits {
        /// The requested action.
        act: Act,
        /// The words that name the decision, as spoken: not escaped, any length.
        words: String,
        /// Similar decisions, or decisions that would match if they were still open. May be empty.
        near: Vec<DecisionId>,
    },
    /// The command lacks a part.
    Missing {
        /// The requested action.
        act: Act,
        /// Decisions that may be meant. May be empty; when several, the person must also be asked
        /// for the decision.
        candidates: Vec<DecisionId>,
        /// The missing part.
        part: Part,
    },
    /// The words mention a verdict but are not a plain command: say why, and show the decisions.
    NotDecided {
        /// Why the words are not a command.
        why: Reluctance,
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
pub enum Verb {
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

impl Verb {
    /// The action without arguments.
    #[must_use]
    pub const fn act(&self) -> Act {
        match self {
            Self::Approve { .. } => Act::Approve,
            Self::Reject { .. } => Act::Reject,
            Self::Choose { .. } => Act::Choose,
            Self::Answer { .. } => Act::Answer,
            Self::Defer { .. } => Act::Defer,
            Self::Undo => Act::Undo,
            Self::Take => Act::Take,
        }
    }
}

/// A command that lacks only the decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Act on the decision.
    Decide(Verb),
    /// Show the decision's history.
    History,
}

/// A requested action, without arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each says itself")]
pub enum Act {
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
pub enum Part {
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
pub enum Doubt {
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
pub enum Reluctance {
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
        "shows what fits: by project, kind, title, environment, agent or risk",
    ),
    ("show 142", "shows one decision"),
    ("approve 142", "approves it; with a note: `approve 142: nice work`"),
    ("approve the GHL deploy", "approves it, if exactly one decision fits all your words"),
    ("reject stripe: needs more tests", "rejects it; the agent is told why"),
    ("choose Postgres for 17", "chooses one of its options"),
    ("answer 18: use the blue one", "answers it with your text"),
    ("defer 12 until tomorrow 9:00", "puts it off; also `2h`, `18:30`, `2026-12-24`"),
    ("remind me about the ghl deploy in 2h", "puts it off, too"),
    ("approve all low-risk items", "shows them and asks before it approves them"),
    ("I'm on 12", "tells the others that you take care of it"),
    ("snooze me until 18:00", "holds back what would reach you; `unsnooze me` ends it"),
    ("undo 140", "takes a verdict back that the agent has not picked up yet"),
    ("history of #12", "shows what happened to it"),
    ("status", "says whether all is well"),
    ("help", "shows this"),
];

/// Interprets a phrase. `subjects` holds the open decisions, most urgent first, and the decisions
/// with a verdict that can still be undone; `zone` is the person's time zone. `said` must not
/// contain the mention of the bot.
#[must_use]
pub fn understand(said: &str, subjects: &[Subject], now: Time, zone: Tz) -> Understood {
    let text = said.replace("\r\n", "\n");
    let text = text.trim();
    let all = words::words(text);
    let phrase = Phrase {
        text,
        words: &all[grammar::greeting(&all)..],
        known: Known::new(subjects, now),
        zone,
    };
    if phrase.words.is_empty() {
        return Understood::Help;
    }
    match grammar::intent(phrase.words) {
        Some((Intent::Act(Act::History), length)) => {
            phrase.unless_mixed(|| look::history(&phrase, &phrase.words[length..]))
        }
        Some((Intent::Act(act), length)) => decide::decide(&phrase, act, length),
        Some((intent, length)) => phrase.unless_mixed(|| look::look(&phrase, intent, length)),
        None => phrase.without_a_beginning(),
    }
}

/// A phrase, and the decisions that the phrase can name.
struct Phrase<'a, 's> {
    text: &'a str,
    /// Without the greeting.
    words: &'a [Word<'a>],
    known: Known<'s>,
    zone: Tz,
}

impl Phrase<'_, '_> {
    fn not_decided(&self, why: Reluctance) -> Understood {
        // A disguised number displays as a different number; therefore no decision is listed.
        let about =
            if why == Reluctance::Disguised { Vec::new() } else { self.known.about(self.words) };
        Understood::NotDecided { why, about }
    }

    fn not_understood(&self) -> Understood {
        Understood::NotUnderstood { words: self.text.to_owned() }
    }

    /// Executes a read-only request, unless a command is mixed in: then the person must learn that
    /// the command was not executed.
    fn unless_mixed(&self, show: impl FnOnce() -> Understood) -> Understood {
        let numbered =
            self.words.iter().any(|word| word.number().is_some() || !word.list().is_empty());
        let hangs = numbered
            || self
                .words
                .iter()
                .any(|word| grammar::is_negation(word) || word.is(&["if", "unless"]));
        let speaks = self.words.iter().any(grammar::is_verb);
        let asks_history =
            matches!(grammar::intent(self.words), Some((Intent::Act(Act::History), _)));
        if self.text.lines().skip(1).any(|line| grammar::is_command(&words::words(line))) {
            self.not_decided(Reluctance::OneAtATime)
        } else if speaks && hangs && !asks_history {
            self.not_decided(grammar::aside(self.words))
        } else {
            show()
        }
    }

    /// A phrase without a known beginning.
    fn without_a_beginning(&self) -> Understood {
        let Some(first) = self.words.first() else { return Understood::Help };
        if let Some(name) = first.plain.strip_prefix('/') {
            return self.slash(name);
        }
        let speaks = self.words.iter().any(grammar::is_verb);
        if first.raw.starts_with("<@") || (first.raw.starts_with('@') && speaks) {
            return self.not_decided(Reluctance::ToSomebodyElse);
        }
        if words::is_disguised(self.text) {
            return self.not_decided(Reluctance::Disguised);
        }
        if let Some(act) = grammar::misspelt(first) {
            return match decide::decide(self, act, 1) {
                Understood::Decide { verb, target } => Understood::Ambiguous {
                    wish: Wish::Decide(verb),
                    candidates: vec![target],
                    doubt: Doubt::Misspelt,
                },
                asked => asked,
            };
        }
        if speaks {
            let why = if self.text.starts_with(decide::QUOTES) {
                Reluctance::Quoted
            } else {
                grammar::aside(self.words)
            };
            return self.not_decided(why);
        }
        let numbered = self.words.iter().any(|word| word.number().is_some());
        if numbered && self.words.iter().any(grammar::is_negation) {
            return self.not_decided(Reluctance::Negated);
        }
        look::by_words_alone(self).unwrap_or_else(|| self.not_understood())
    }

    /// A slash command sent as a message. Read-only commands are executed.
    fn slash(&self, name: &str) -> Understood {
        let first = Word { plain: name.to_owned(), ..self.words[0].clone() };
        let words: Vec<Word<'_>> =
            std::iter::once(first).chain(self.words[1..].iter().cloned()).collect();
        match grammar::intent(&words) {
            Some((Intent::Act(_), _)) => self.not_decided(Reluctance::SlashCommand),
            Some((intent, length)) => self.unless_mixed(|| look::look(self, intent, length)),
            None => self.not_understood(),
        }
    }
}
