//! What can be meant: decisions in short, the words by which each is known, and filters over them.
//!
//! A word fits or does not; nothing in here scores. What is made of one fit, or two, is decided
//! elsewhere.

use std::collections::HashSet;

use super::super::Time;
use super::super::decision::{
    Decision, DecisionId, Expects, Kind, Priority, Revision, Risk, State,
};
use super::super::untrusted::one_line;
use super::words::{Word, bare, pieces, stem, words};

/// A decision that somebody can mean, in short. Texts are the agent's: cleaned and on one line, but
/// not escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Its number.
    pub id: DecisionId,
    /// The revision that stands.
    pub revision: Revision,
    /// What was asked.
    pub title: String,
    /// The project.
    pub project: String,
    /// What it is about.
    pub kind: Kind,
    /// `production`, `staging` …
    pub environment: Option<String>,
    /// Who asks.
    pub agent: String,
    /// The risk that policy gave it.
    pub risk: Risk,
    /// How soon it is wanted.
    pub priority: Priority,
    /// What answers it.
    pub expects: Expects,
    /// The names of its options exactly as the agent gave them: a choice is compared with these.
    pub options: Vec<String>,
    /// Whether it waits, or since when no longer.
    pub standing: Standing,
    /// When its SLA is breached.
    pub breach_at: Time,
}

/// Whether a subject still waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It waits for an answer, or is put off.
    Open,
    /// It has a verdict.
    Resolved {
        /// Since when.
        at: Time,
    },
    /// The agent took it back.
    Withdrawn {
        /// When.
        at: Time,
    },
}

impl Standing {
    pub(super) const fn is_open(self) -> bool {
        matches!(self, Self::Open)
    }

    pub(super) const fn is_resolved(self) -> bool {
        matches!(self, Self::Resolved { .. })
    }
}

impl From<&Decision> for Subject {
    fn from(decision: &Decision) -> Self {
        let request = &decision.request;
        Self {
            id: decision.id,
            revision: decision.revision,
            title: one_line(&request.title),
            project: one_line(&request.project),
            kind: request.kind.clone(),
            environment: request.environment.as_deref().map(one_line),
            agent: one_line(&request.agent.name),
            risk: decision.terms.risk,
            priority: decision.priority(),
            expects: request.expects,
            options: request.options.iter().map(|choice| choice.name.clone()).collect(),
            standing: match &decision.state {
                State::Pending(_) | State::Deferred { .. } => Standing::Open,
                State::Resolved(resolved) => Standing::Resolved { at: resolved.at },
                State::Withdrawn { at, .. } => Standing::Withdrawn { at: *at },
            },
            breach_at: decision.breach_at(),
        }
    }
}

/// What people call the kinds that agents ask about most, beside their own names.
const SYNONYMS: &[(&str, &[&str])] = &[
    ("deploy", &["deployment", "release", "rollout"]),
    ("credentials", &["creds", "cred", "secret"]),
    ("test_failure", &["failing", "failed", "fail", "broken", "tests"]),
    ("client_communication", &["customer", "email", "mail"]),
    ("pricing", &["price"]),
    ("naming", &["name"]),
    ("code_review", &["pr", "pull"]),
    ("parameter", &["param", "setting"]),
    ("permission", &["access"]),
];

/// The words by which one subject is known.
#[derive(Debug)]
pub(super) struct Names(HashSet<String>);

impl Names {
    pub(super) fn of(subject: &Subject) -> Self {
        let mut names = Self(HashSet::new());
        let kind = subject.kind.words();
        let environment = subject.environment.as_deref().unwrap_or_default();
        for text in [&subject.title, &subject.project, &kind, environment, &subject.agent] {
            names.add(text);
        }
        for (_, others) in SYNONYMS.iter().filter(|(kind, _)| *kind == subject.kind.as_str()) {
            names.0.extend(others.iter().map(|other| stem(other)));
        }
        if subject.priority == Priority::Urgent {
            names.add("urgent");
        }
        names
    }

    fn add(&mut self, text: &str) {
        for word in words(text) {
            let pieces = pieces(&word.plain);
            if pieces.len() > 1 {
                // "2.4" is one word, and neither 2 nor 24.
                self.0.extend(
                    pieces.iter().filter(|piece| !has_digit(piece)).map(|piece| stem(piece)),
                );
                if !has_digit(&word.plain) {
                    self.0.insert(stem(&pieces.concat()));
                }
            }
            self.0.insert(stem(&word.plain));
        }
    }

    /// Whether this word is one of them, in singular or plural. Of a composed word each piece must
    /// be.
    pub(super) fn has(&self, word: &str) -> bool {
        if self.0.contains(&stem(word)) {
            return true;
        }
        let pieces = pieces(word);
        pieces.len() > 1
            && !has_digit(word)
            && (self.0.contains(&stem(&pieces.concat()))
                || pieces.iter().all(|piece| self.0.contains(&stem(piece))))
    }

    pub(super) fn has_all(&self, words: &[String]) -> bool {
        words.iter().all(|word| self.has(word))
    }

    /// The name that a slip of the finger may have meant.
    pub(super) fn nearest(&self, word: &str) -> Option<&str> {
        let word = stem(word);
        let slips = match word.chars().count() {
            0..=3 => return None,
            4..=7 => 1,
            _ => 2,
        };
        // Numbers are never off by one digit.
        if has_digit(&word) {
            return None;
        }
        let distance = |name: &&String| strsim::osa_distance(name, &word);
        let near = self.0.iter().filter(|name| distance(name) <= slips && !has_digit(name));
        near.min_by_key(|name| (distance(name), (*name).clone())).map(String::as_str)
    }
}

fn has_digit(word: &str) -> bool {
    word.chars().any(|c| c.is_ascii_digit())
}

/// A choice among what waits. Empty, it takes everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Words that must all fit: of project, kind, title, environment or agent. Folded.
    pub words: Vec<String>,
    /// This risk alone.
    pub risk: Option<Risk>,
    /// Only what is past its SLA.
    pub overdue: bool,
}

impl Filter {
    /// Whether it takes everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it takes this one. Does not ask whether it is open.
    #[must_use]
    pub fn takes(&self, subject: &Subject, now: Time) -> bool {
        self.takes_known(subject, &Names::of(subject), now)
    }

    pub(super) fn takes_known(&self, subject: &Subject, names: &Names, now: Time) -> bool {
        self.risk.is_none_or(|risk| risk == subject.risk)
            && (!self.overdue || subject.breach_at <= now)
            && names.has_all(&self.words)
    }
}

/// The risk that stands in these words, and the words without it: `low-risk`, `high risk`.
pub(super) fn take_risk<'a, 'b>(words: &'b [Word<'a>]) -> (Option<Risk>, Vec<&'b Word<'a>>) {
    let mut risk = None;
    let mut rest = Vec::new();
    let mut index = 0;
    while let Some(word) = words.get(index) {
        let pair = words
            .get(index + 1)
            .filter(|next| next.is(&["risk", "risks"]))
            .and_then(|_| word.plain.parse().ok());
        let one = || word.plain.strip_suffix("-risk").and_then(|level| level.parse().ok());
        match (pair, one()) {
            (Some(level), _) => {
                risk = Some(level);
                index += 1;
            }
            (None, Some(level)) => risk = Some(level),
            (None, None) => rest.push(word),
        }
        index += 1;
    }
    (risk, rest)
}

/// A name of an option, as it is compared.
pub(super) fn option_key(name: &str) -> String {
    let pieces: Vec<String> =
        one_line(name).split_whitespace().map(bare).filter(|word| !word.is_empty()).collect();
    pieces.join(" ")
}
