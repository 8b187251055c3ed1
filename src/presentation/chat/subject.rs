//! Summaries of the decisions that a phrase can name, the names of each decision, and filters.
//!
//! A word matches or does not match; nothing here computes a score. Other modules decide the
//! consequences of one or several matches.

use std::collections::HashSet;

use super::words::{Word, bare, pieces, stem, words};
use crate::core::Time;
use crate::core::decision::{Decision, DecisionId, Expects, Kind, Priority, Revision, Risk, State};
use crate::core::untrusted::one_line;

/// Summary of a decision that a phrase can name. Texts come from the agent: cleaned and on one
/// line, but not escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Number.
    pub id: DecisionId,
    /// Current revision.
    pub revision: Revision,
    /// Title.
    pub title: String,
    /// Project.
    pub project: String,
    /// Kind.
    pub kind: Kind,
    /// `production`, `staging` …
    pub environment: Option<String>,
    /// The agent that asks.
    pub agent: String,
    /// Risk assigned by policy.
    pub risk: Risk,
    /// Priority.
    pub priority: Priority,
    /// Expected kind of answer.
    pub expects: Expects,
    /// Names of the options, exactly as the agent spelled them; a choice is compared with these
    /// names.
    pub options: Vec<String>,
    /// Open, resolved or withdrawn, and since when.
    pub openness: Openness,
    /// Time of the SLA breach.
    pub breach_at: Time,
}

/// Whether a subject is still open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Openness {
    /// Pending or deferred.
    Open,
    /// Has a verdict.
    Resolved {
        /// Time of the verdict.
        at: Time,
    },
    /// Withdrawn by the agent.
    Withdrawn {
        /// Time of the withdrawal.
        at: Time,
    },
}

impl Openness {
    pub(crate) const fn is_open(self) -> bool {
        matches!(self, Self::Open)
    }

    pub(crate) const fn is_resolved(self) -> bool {
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
            openness: match &decision.state {
                State::Pending(_) | State::Deferred { .. } => Openness::Open,
                State::Resolved(resolved) => Openness::Resolved { at: resolved.at },
                State::Withdrawn { at, .. } => Openness::Withdrawn { at: *at },
            },
            breach_at: decision.breach_at(),
        }
    }
}

/// Common synonyms for the kinds that agents ask about most.
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

/// Words that identify one subject.
#[derive(Debug)]
pub(crate) struct Names(HashSet<String>);

impl Names {
    pub(crate) fn of(subject: &Subject) -> Self {
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

    /// Whether the word is a name, in singular or plural. For a compound word, every piece must be
    /// a name.
    pub(crate) fn has(&self, word: &str) -> bool {
        if self.0.contains(&stem(word)) {
            return true;
        }
        let pieces = pieces(word);
        pieces.len() > 1
            && !has_digit(word)
            && (self.0.contains(&stem(&pieces.concat()))
                || pieces.iter().all(|piece| self.0.contains(&stem(piece))))
    }

    pub(crate) fn has_all(&self, words: &[String]) -> bool {
        words.iter().all(|word| self.has(word))
    }

    /// The name closest to a mistyped word.
    pub(crate) fn nearest(&self, word: &str) -> Option<&str> {
        let word = stem(word);
        let slips = match word.chars().count() {
            0..=3 => return None,
            4..=7 => 1,
            _ => 2,
        };
        // No typo tolerance for words with digits.
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

/// Filter for decisions. The empty filter matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubjectFilter {
    /// Words that must all match project, kind, title, environment or agent. Folded.
    pub words: Vec<String>,
    /// Only this risk.
    pub risk: Option<Risk>,
    /// Only decisions past their SLA.
    pub overdue: bool,
}

impl SubjectFilter {
    /// Whether the filter matches everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the filter matches a subject. Does not check whether the subject is open.
    #[must_use]
    pub fn takes(&self, subject: &Subject, now: Time) -> bool {
        self.matches_names(subject, &Names::of(subject), now)
    }

    pub(crate) fn matches_names(&self, subject: &Subject, names: &Names, now: Time) -> bool {
        self.risk.is_none_or(|risk| risk == subject.risk)
            && (!self.overdue || subject.breach_at <= now)
            && names.has_all(&self.words)
    }
}

/// Extracts a risk such as `low-risk` or `high risk`, and returns the remaining words.
pub(crate) fn take_risk<'a, 'b>(words: &'b [Word<'a>]) -> (Option<Risk>, Vec<&'b Word<'a>>) {
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

/// Name of an option, normalised for comparison.
pub(crate) fn option_key(name: &str) -> String {
    let pieces: Vec<String> =
        one_line(name).split_whitespace().map(bare).filter(|word| !word.is_empty()).collect();
    pieces.join(" ")
}
