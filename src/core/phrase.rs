//! What somebody means who says something to the bot: `approve the GHL deploy`, `what else?`.
//!
//! No model: tables of English words and strict rules, so that the same words mean the same every
//! time. What decides is understood only if it is said plainly, as a command, about exactly one
//! decision: a number, or words that all fit one decision and no other. Everything less is a
//! question back. Doubts, negations, conditions, questions and quotations decide nothing. English
//! only.
//!
//! Must not know: who is asking, what they were shown (whoever executes it adds the revision), how
//! the answer is worded.

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

/// What was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Understood {
    /// Show what waits.
    Attention {
        /// Which of it.
        of: Filter,
    },
    /// Show the next page of what was shown last.
    More,
    /// Do this. The only member that changes anything.
    Decide {
        /// What to do.
        verb: Verb,
        /// With which decision. Named by its number, it may be decided or withdrawn already.
        target: DecisionId,
    },
    /// Show what would be approved together, and ask whether it shall be. Never executed straight.
    ApproveAll {
        /// What was said of them.
        of: Filter,
        /// Those that can be offered: open, of low risk, answered by yes or no. Never empty.
        low: Vec<DecisionId>,
        /// Those that were said too, but are decided one by one, by their cards.
        others: Vec<DecisionId>,
    },
    /// Show this one. A bare number is passed on even where nothing of that number was among the
    /// subjects.
    Show(DecisionId),
    /// Show what happened to this one. As with [`Self::Show`], the number may be unknown.
    History(DecisionId),
    /// Say how things are.
    Status,
    /// Say what can be said.
    Help,
    /// Hold back what would reach whoever says it; `off` ends that.
    Snooze {
        /// Until when, as it was said: not checked. `None`: they did not say.
        until: Option<String>,
    },
    /// Ask which of these is meant, or whether this one is: the wish is complete but for that.
    Ambiguous {
        /// What shall be done with the one that is picked.
        wish: Wish,
        /// In the order of the subjects; never empty. One alone needs a confirmation.
        candidates: Vec<DecisionId>,
        /// Why it is not clear.
        doubt: Doubt,
    },
    /// Nothing of what waits is known by these words.
    NothingFits {
        /// What was wished.
        act: Act,
        /// The words that name it, as they were said: not escaped, and as long as they were.
        words: String,
        /// What comes near, or would fit if it were still open. May be empty.
        near: Vec<DecisionId>,
    },
    /// Something is missing to do it.
    Missing {
        /// What was wished.
        act: Act,
        /// For which decision it may be meant. May be empty; several: that must be asked, too.
        candidates: Vec<DecisionId>,
        /// What is missing.
        part: Part,
    },
    /// The words speak of deciding, but they are no plain command: say so, and show what they are
    /// about.
    NotDecided {
        /// Why not.
        why: Reluctance,
        /// What they are about. May be empty.
        about: Vec<DecisionId>,
    },
    /// No idea.
    NotUnderstood {
        /// What was said, not escaped.
        words: String,
    },
}

/// What changes a decision, with all that it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verb {
    /// Yes.
    Approve {
        /// What was said beside it.
        note: Option<String>,
    },
    /// No.
    Reject {
        /// Why, in the person's own words. Never empty.
        reason: String,
    },
    /// One of its options.
    Choose {
        /// Its name exactly as the agent gave it.
        option: String,
    },
    /// A text.
    Answer {
        /// In the person's own words. Never empty.
        text: String,
    },
    /// Put it off.
    Defer {
        /// When it comes back. Not checked against the limits.
        until: Time,
    },
    /// Take the verdict back.
    Undo,
    /// "I'm on it."
    Take,
}

impl Verb {
    /// What is done, without what it needs.
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

/// What is wished of one decision, once it is known which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Do this with it.
    Decide(Verb),
    /// See what happened to it.
    History,
}

/// What can be wished of a decision, in a word.
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

/// What a command lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Which decision.
    Target,
    /// Why it is rejected.
    Reason,
    /// Which option.
    Option {
        /// What was said and is none of them.
        given: Option<String>,
    },
    /// The answer.
    Text,
    /// Until when.
    Time {
        /// What was said and is no time.
        given: Option<String>,
    },
}

/// Why a complete wish is asked back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// Two or more fit.
    SeveralFit,
    /// It is meant only if something was misspelt.
    Misspelt,
    /// The words also fit another one, which was decided or withdrawn in the last ten minutes.
    JustDecided {
        /// That one.
        other: DecisionId,
    },
    /// A number among other words: it may be a decision's or not.
    Number,
    /// There are more words than the decision's.
    MoreWords,
    /// It is not named, only hinted at: by "the last one", or by its option alone.
    Unnamed,
    /// What is said beside the approval sounds like a condition, a question or a no.
    Note,
    /// The words behind the colon are names of decisions, too.
    Overlap,
}

/// Why words that speak of deciding decide nothing.
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
    /// "Maya said approve 142": not a command, for it does not begin with the verb.
    Reported,
    /// "approve 142 and reject 143"
    OneAtATime,
    /// "approve all high-risk items"
    OnlyLowTogether,
    /// Hidden characters, or letters and digits that imitate others.
    Disguised,
    /// In quotation marks, as code, struck out or hidden.
    Quoted,
    /// A mention of somebody else stands first.
    ToSomebodyElse,
    /// "/approve 142" came as a message, not as a command.
    SlashCommand,
}

/// Phrases for the answer to "help", and what each does. Each is understood where such decisions
/// wait.
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

/// Understands what was said. `subjects` are the open decisions, most urgent first, and those whose
/// verdict can still be undone; `zone` is that of the person. The bot's own mention is not part of
/// `said`.
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

/// What was said, and what it can be about.
struct Phrase<'a, 's> {
    text: &'a str,
    /// Without the greeting.
    words: &'a [Word<'a>],
    known: Known<'s>,
    zone: Tz,
}

impl Phrase<'_, '_> {
    fn not_decided(&self, why: Reluctance) -> Understood {
        // What a disguised number looks like is not what it is: it is not repeated.
        let about =
            if why == Reluctance::Disguised { Vec::new() } else { self.known.about(self.words) };
        Understood::NotDecided { why, about }
    }

    fn not_understood(&self) -> Understood {
        Understood::NotUnderstood { words: self.text.to_owned() }
    }

    /// What only shows something, unless a command is mixed into it: whoever gave that must hear
    /// that it was not done.
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

    /// Words that begin like nothing that the bot knows.
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

    /// A slash command that was sent as a message. What only shows something is shown.
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
