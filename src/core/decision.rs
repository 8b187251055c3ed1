//! A decision, its states, and what may happen to it.
//!
//! Each transition is two steps. A method such as [`Decision::resolve`] looks at the state and either
//! names the [`Event`] that shall happen or the reason why not; [`Decision::evolve`] applies an event.
//! The log holds events only, so replaying it through `evolve` gives the state again.
//!
//! Must not know: who is an approver (`permission`), what a project allows (`policy`), how it looks (`card`).

use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::Time;
use super::event::Event;
pub use super::request::{Agent, Attachment, Choice, Detail, Expects, Insight, Kind, Priority, Request, Risk, SafeDefault, Terms};

/// The number of a decision within its store; people write it `#142`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DecisionId(pub i64);

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

impl FromStr for DecisionId {
    type Err = String;

    /// Takes `142` and `#142`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.trim()
            .trim_start_matches('#')
            .parse()
            .ok()
            .filter(|number| *number > 0)
            .map(Self)
            .ok_or_else(|| format!("{text:?} is not the number of a decision: write it as 142 or #142"))
    }
}

/// Counts the versions of a decision's content, from 1. A verdict names the one that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u32);

/// A person, as a surface knows them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Person {
    /// Surface and identity there: `discord:80351110224678912`.
    pub id: String,
    /// What others call them.
    pub name: String,
}

impl Person {
    /// The Discord user with this id.
    #[must_use]
    pub fn discord(id: u64, name: impl Into<String>) -> Self {
        Self { id: format!("discord:{id}"), name: name.into() }
    }

    /// Their Discord user id, if they are known by one.
    #[must_use]
    pub fn discord_id(&self) -> Option<u64> {
        self.id.strip_prefix("discord:")?.parse().ok()
    }
}

/// Where a person gave an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Surface {
    /// A button, menu, modal or slash command.
    Discord,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
pub enum Verdict {
    /// Yes.
    Approved,
    /// No, and why.
    Rejected {
        /// Never empty: an agent that is not told why tries again.
        reason: String,
    },
    /// One of the options.
    Chosen {
        /// The option's name.
        option: String,
    },
    /// A text.
    Answered {
        /// The answer.
        text: String,
    },
}

/// A verdict that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// The answer.
    pub verdict: Verdict,
    /// Who gave it.
    pub by: Person,
    /// Where.
    pub via: Surface,
    /// When.
    pub at: Time,
    /// When the agent took it, to act on it.
    pub claimed_at: Option<Time>,
}

/// Where a decision stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum State {
    /// Somebody owes it an answer.
    Pending,
    /// Put off; it comes back by itself.
    Deferred {
        /// When it comes back.
        until: Time,
        /// Who put it off.
        by: Person,
        /// When they did.
        at: Time,
    },
    /// Answered.
    Resolved(Resolved),
    /// The asker no longer needs an answer.
    Withdrawn {
        /// Why.
        reason: String,
        /// When.
        at: Time,
    },
}

impl State {
    /// The word for the state: `pending`, `deferred`, `resolved`, `withdrawn`.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Deferred { .. } => "deferred",
            Self::Resolved(_) => "resolved",
            Self::Withdrawn { .. } => "withdrawn",
        }
    }

    /// Whether an answer is still possible.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Pending | Self::Deferred { .. })
    }
}

/// One thing that a human owes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Its number.
    pub id: DecisionId,
    /// The version of its content.
    pub revision: Revision,
    /// What was asked, in that version.
    pub request: Request,
    /// What policy made of it.
    pub terms: Terms,
    /// When it was first asked.
    pub asked_at: Time,
    /// How often it was put off.
    pub deferrals: u32,
    /// How often it came back.
    pub returns: u32,
    /// Where it stands.
    pub state: State,
    /// The log position of its latest event; a card that shows an earlier one is out of date.
    pub changed: u64,
}

/// How often and how far a decision may be put off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeferLimits {
    /// Times, over its life.
    pub times: u32,
    /// From the moment of deferring to the return.
    pub longest: TimeDelta,
}

impl Default for DeferLimits {
    fn default() -> Self {
        Self { times: 3, longest: TimeDelta::days(7) }
    }
}

/// Why a decision did not change. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Somebody was first.
    #[error("it is already decided, by {}", .0.by.name)]
    AlreadyResolved(Box<Resolved>),
    /// The asker took it back.
    #[error("the agent took it back ({reason})")]
    Withdrawn {
        /// Why.
        reason: String,
        /// When.
        at: Time,
    },
    /// The person saw an older revision than the one that stands.
    #[error("it changed since revision {} was seen", seen.0)]
    Outdated {
        /// What they saw.
        seen: Revision,
        /// What stands.
        current: Revision,
    },
    /// The verdict does not fit what is expected.
    #[error("it expects you to {expects}")]
    WrongAnswer {
        /// What would.
        expects: Expects,
    },
    /// The choice is none of those that are offered.
    #[error("it does not offer {option:?}")]
    NoSuchOption {
        /// What was chosen.
        option: String,
    },
    /// The answer is empty.
    #[error("the answer is empty")]
    NoAnswer,
    /// A rejection came without a reason.
    #[error("a rejection needs a reason")]
    NoReason,
    /// It was put off as often as may be.
    #[error("it was put off {times} times, as often as may be")]
    DeferredTooOften {
        /// The limit.
        times: u32,
    },
    /// The return would be too far away.
    #[error("it can be put off until {latest} at the latest")]
    DeferredTooLong {
        /// The latest allowed return.
        latest: Time,
    },
    /// The return would not be in the future.
    #[error("the time is already past")]
    NotLater,
    /// It already waits for exactly that return.
    #[error("it is already put off until {until}")]
    AlreadyDeferred {
        /// When it comes back.
        until: Time,
    },
    /// There is no verdict to claim yet.
    #[error("it has no verdict yet")]
    NotResolved,
    /// It is not deferred, or not yet due to come back.
    #[error("it is not due to come back")]
    NotDue,
}

impl Decision {
    /// A decision as it is at the moment it is asked.
    #[must_use]
    pub fn new(id: DecisionId, request: Request, terms: Terms, asked_at: Time) -> Self {
        Self { id, revision: Revision(1), request, terms, asked_at, deferrals: 0, returns: 0, state: State::Pending, changed: 0 }
    }

    /// When the SLA is breached.
    #[must_use]
    pub fn breach_at(&self) -> Time {
        let span = i64::try_from(self.terms.sla_seconds).ok().and_then(TimeDelta::try_seconds);
        span.and_then(|span| self.asked_at.checked_add_signed(span)).unwrap_or(Time::MAX_UTC)
    }

    /// When this decision wants to be looked at by itself, without anybody acting.
    #[must_use]
    pub fn wake_at(&self) -> Option<Time> {
        match &self.state {
            State::Deferred { until, .. } => Some(*until),
            _ => None,
        }
    }

    /// The order of urgency, most urgent first: breached, then priority, then soonest breach, then risk, then age.
    #[must_use]
    pub fn urgency(&self, now: Time) -> impl Ord + use<> {
        use std::cmp::Reverse;
        let breach = self.breach_at();
        (breach > now, Reverse(self.request.priority), breach, Reverse(self.terms.risk), self.asked_at, self.id)
    }

    /// Gives the verdict, if it fits what was asked and nobody was first.
    ///
    /// # Errors
    /// See [`Refused`]: answered or withdrawn already, an older revision, a verdict of the wrong sort, no reason.
    pub fn resolve(&self, verdict: Verdict, by: Person, via: Surface, seen: Revision) -> Result<Event, Refused> {
        self.must_be_open_at(seen)?;
        let expects = self.request.expects;
        match (&verdict, expects) {
            (Verdict::Rejected { reason }, _) if reason.trim().is_empty() => return Err(Refused::NoReason),
            (Verdict::Answered { text }, Expects::Answer) if text.trim().is_empty() => return Err(Refused::NoAnswer),
            (Verdict::Chosen { option }, Expects::Choose) if !self.offers(option) => {
                return Err(Refused::NoSuchOption { option: option.clone() });
            }
            (Verdict::Rejected { .. }, _)
            | (Verdict::Approved, Expects::Approve)
            | (Verdict::Chosen { .. }, Expects::Choose)
            | (Verdict::Answered { .. }, Expects::Answer) => {}
            _ => return Err(Refused::WrongAnswer { expects }),
        }
        Ok(Event::Resolved { verdict, by, via })
    }

    /// Puts it off until a time.
    ///
    /// # Errors
    /// See [`Refused`]: not open, an older revision, too often, too long, not in the future.
    pub fn defer(&self, until: Time, by: Person, seen: Revision, now: Time, limits: DeferLimits) -> Result<Event, Refused> {
        self.must_be_open_at(seen)?;
        if let State::Deferred { until: standing, .. } = self.state
            && standing == until
        {
            return Err(Refused::AlreadyDeferred { until });
        }
        if self.deferrals >= limits.times {
            return Err(Refused::DeferredTooOften { times: limits.times });
        }
        if until <= now {
            return Err(Refused::NotLater);
        }
        let latest = now.checked_add_signed(limits.longest).unwrap_or(Time::MAX_UTC);
        if until > latest {
            return Err(Refused::DeferredTooLong { latest });
        }
        Ok(Event::Deferred { until, by })
    }

    /// Comes back from a deferral that is over.
    ///
    /// # Errors
    /// [`Refused::NotDue`] while it is not.
    pub fn come_back(&self, now: Time) -> Result<Event, Refused> {
        match self.state {
            State::Deferred { until, .. } if until <= now => Ok(Event::Returned),
            _ => Err(Refused::NotDue),
        }
    }

    /// The asker no longer needs an answer.
    ///
    /// # Errors
    /// See [`Refused`]: not open any more.
    pub fn withdraw(&self, reason: String) -> Result<Event, Refused> {
        self.must_be_open()?;
        Ok(Event::Withdrawn { reason })
    }

    /// The agent takes the verdict to act on it. `None`: it had taken it before.
    ///
    /// # Errors
    /// [`Refused::NotResolved`] while it is open, [`Refused::Withdrawn`] if it never will be.
    pub fn claim(&self) -> Result<Option<Event>, Refused> {
        match &self.state {
            State::Resolved(resolved) => Ok(resolved.claimed_at.is_none().then_some(Event::Claimed)),
            State::Withdrawn { reason, at } => Err(Refused::Withdrawn { reason: reason.clone(), at: *at }),
            State::Pending | State::Deferred { .. } => Err(Refused::NotResolved),
        }
    }

    /// Asked again: the event, if its content differs. What was once asked at a higher risk keeps that: the people who
    /// may decide it are not exchanged by asking again.
    #[must_use]
    pub fn revise(&self, request: &Request, terms: &Terms) -> Option<Event> {
        let terms = Terms { risk: terms.risk.max(self.terms.risk), ..terms.clone() };
        let differs = self.request != *request || self.terms.risk != terms.risk;
        differs.then(|| Event::Revised { request: Box::new(request.clone()), terms })
    }

    /// Applies what happened. `seq` is the event's position in the log.
    #[must_use]
    pub fn evolve(mut self, event: &Event, at: Time, seq: u64) -> Self {
        self.changed = seq;
        match event.clone() {
            Event::Asked { request, terms } => {
                (self.request, self.terms, self.asked_at) = (*request, terms, at);
            }
            Event::Revised { request, terms } => {
                (self.request, self.terms) = (*request, terms);
                self.revision.0 += 1;
            }
            Event::Enforced { terms } => {
                self.terms = terms;
            }
            Event::Deferred { until, by } => {
                self.deferrals += 1;
                self.state = State::Deferred { until, by, at };
            }
            Event::Returned => {
                self.returns += 1;
                self.state = State::Pending;
            }
            Event::Resolved { verdict, by, via } => {
                self.state = State::Resolved(Resolved { verdict, by, via, at, claimed_at: None });
            }
            Event::Withdrawn { reason } => self.state = State::Withdrawn { reason, at },
            Event::Claimed => {
                if let State::Resolved(resolved) = &mut self.state {
                    resolved.claimed_at = Some(at);
                }
            }
        }
        self
    }

    fn offers(&self, option: &str) -> bool {
        self.request.options.iter().any(|choice| choice.name == option)
    }

    /// Whether somebody who saw this revision can still answer.
    ///
    /// # Errors
    /// See [`Refused`]: answered or withdrawn already, an older revision.
    pub fn must_be_open_at(&self, seen: Revision) -> Result<(), Refused> {
        self.must_be_open()?;
        if seen == self.revision { Ok(()) } else { Err(Refused::Outdated { seen, current: self.revision }) }
    }

    fn must_be_open(&self) -> Result<(), Refused> {
        match &self.state {
            State::Pending | State::Deferred { .. } => Ok(()),
            State::Resolved(resolved) => Err(Refused::AlreadyResolved(Box::new(resolved.clone()))),
            State::Withdrawn { reason, at } => Err(Refused::Withdrawn { reason: reason.clone(), at: *at }),
        }
    }
}
