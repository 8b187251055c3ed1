//! What people were promised about a decision, as simply as it can be said. The code is compared
//! with it, so it shares nothing with the code but the names of things.

use chrono::TimeDelta;
use gander::core::Time;
use gander::core::decision::{Expects, Priority, Risk};

pub(crate) const PEOPLE: [&str; 5] = ["Maya", "Jonas", "Sven", "Ada", "Li"];
pub(crate) const OPTIONS: [&str; 2] = ["blue", "green"];

/// What an agent asks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ask {
    pub(crate) title: u8,
    pub(crate) kind: &'static str,
    pub(crate) expects: Expects,
    pub(crate) risk: Risk,
    pub(crate) approvals: u32,
    pub(crate) confidence: Option<f64>,
    pub(crate) silence_approves: bool,
}

/// What the configuration says.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Config {
    pub(crate) risk: Option<Risk>,
    pub(crate) approvals: Option<u32>,
    pub(crate) silence_may_approve: bool,
}

/// What is typed to confirm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Word {
    None,
    Right,
    /// Right but for blanks and capitals.
    Loose,
    Wrong,
}

/// What somebody does.
#[derive(Debug, Clone)]
pub(crate) enum Deed {
    Ask(Ask),
    Configure(Config),
    /// The configuration no longer lets this one decide it, and everybody else.
    Dismiss {
        who: usize,
    },
    Approve {
        who: usize,
        note: bool,
        word: Word,
    },
    /// `token`: with a token of theirs, and not with their own hand.
    Reject {
        who: usize,
        reason: &'static str,
        token: bool,
    },
    Propose {
        who: usize,
        yes: bool,
    },
    Choose {
        who: usize,
        option: &'static str,
        word: Word,
    },
    Answer {
        who: usize,
        text: &'static str,
    },
    Take {
        who: usize,
    },
    HandOver {
        from: usize,
        to: usize,
    },
    Defer {
        who: usize,
        seconds: i64,
    },
    Prioritize {
        who: usize,
        priority: Priority,
    },
    ComeBack,
    Undo {
        who: usize,
    },
    Claim,
    Report {
        worked: bool,
        text: &'static str,
    },
    Withdraw,
    Clock {
        seconds: i64,
    },
}

/// What somebody does, having seen this revision and naming this time.
#[derive(Debug, Clone)]
pub(crate) struct Act {
    pub(crate) deed: Deed,
    pub(crate) seen: u32,
    pub(crate) until: Time,
}

/// What happened, in a word; or why nothing did.
pub(crate) type Answer = Result<String, String>;

/// What can be seen of a decision.
#[derive(Debug, PartialEq)]
pub(crate) struct Shown {
    pub(crate) state: &'static str,
    pub(crate) verdict: Option<(&'static str, String)>,
    pub(crate) votes: Vec<String>,
    pub(crate) revision: u32,
    pub(crate) deferrals: u32,
    pub(crate) returns: u32,
    pub(crate) taken: Option<String>,
    /// Who wants what, and whether that is a yes.
    pub(crate) proposed: Vec<(String, bool)>,
    pub(crate) undone: bool,
    pub(crate) claimed: bool,
    pub(crate) reported: Option<(bool, String)>,
    pub(crate) wakes: Option<Time>,
    pub(crate) risk: Risk,
    pub(crate) needed: u32,
    pub(crate) missing: u32,
    pub(crate) silence_approves: bool,
    pub(crate) wanted: Option<Priority>,
}

/// A verdict that was given.
#[derive(Debug, Clone)]
struct Given {
    word: &'static str,
    by: usize,
    at: Time,
    claimed: bool,
    report: Option<(bool, &'static str)>,
}

#[derive(Debug, Clone)]
enum Stands {
    Waiting,
    PutOff(Time),
    Decided(Given),
    Gone,
}

/// The model: a handful of facts.
#[derive(Debug)]
pub(crate) struct Model {
    now: Time,
    config: Config,
    asked: Ask,
    stands: Stands,
    revision: u32,
    risk: Risk,
    approvals: u32,
    silence_approves: bool,
    votes: Vec<usize>,
    taken: Option<usize>,
    proposed: Vec<(usize, bool)>,
    undone: bool,
    deferrals: u32,
    returns: u32,
    wanted: Option<Priority>,
}

impl Model {
    pub(crate) fn new(ask: &Ask, now: Time) -> Self {
        Self {
            now,
            config: Config::default(),
            asked: ask.clone(),
            stands: Stands::Waiting,
            revision: 1,
            risk: ask.risk,
            approvals: ask.approvals.max(1),
            silence_approves: false,
            votes: Vec::new(),
            taken: None,
            proposed: Vec::new(),
            undone: false,
            deferrals: 0,
            returns: 0,
            wanted: None,
        }
    }

    pub(crate) fn act(&mut self, act: &Act) -> Answer {
        let happened: Result<&str, &str> = match &act.deed {
            Deed::Ask(ask) => self.ask(ask),
            Deed::Configure(config) => Ok(self.configure(*config)),
            Deed::Dismiss { who } => Ok(self.dismiss(*who)),
            Deed::Approve { who, word, .. } => self.approve(*who, *word, act.seen),
            Deed::Propose { who, yes } => self.propose(*who, *yes, act.seen),
            Deed::Reject { who, reason, token } => {
                self.open(Some(act.seen)).and_then(|()| match *reason {
                    "" => Err("NoReason"),
                    _ if *token && self.risk >= Risk::High => Err("NotDecidableRemotely"),
                    _ => Ok(self.decide("rejected", *who)),
                })
            }
            Deed::Choose { who, option, word } => self.choose(*who, option, *word, act.seen),
            Deed::Answer { who, text } => {
                self.open(Some(act.seen)).and_then(|()| match (self.asked.expects, text.trim()) {
                    (Expects::Answer, "") => Err("NoAnswer"),
                    (Expects::Answer, _) => Ok(self.decide("answered", *who)),
                    _ => Err("WrongAnswer"),
                })
            }
            // Whoever is handed it by themselves takes it.
            Deed::Take { who } => self.take(*who, false),
            Deed::HandOver { from, to } => self.take(*to, from != to),
            Deed::Prioritize { priority, .. } => {
                self.open(None).and_then(|()| match self.wanted.replace(*priority) {
                    Some(before) if before == *priority => Err("AlreadyPrioritized"),
                    _ => Ok("prioritized"),
                })
            }
            Deed::Defer { .. } => self.defer(act.until, act.seen),
            Deed::ComeBack => self.come_back(),
            Deed::Undo { .. } => self.undo(),
            Deed::Claim => self.given().map(|given| {
                if std::mem::replace(&mut given.claimed, true) {
                    "claimed: nothing new"
                } else {
                    "claimed"
                }
            }),
            Deed::Report { worked, text } => self.given().map(|given| {
                given.claimed = true;
                let said = given.report.replace((*worked, text));
                if said == given.report { "reported: nothing new" } else { "reported" }
            }),
            Deed::Withdraw => self.open(None).map(|()| {
                (self.stands, self.taken, self.undone) = (Stands::Gone, None, false);
                self.votes.clear();
                self.proposed.clear();
                "withdrawn"
            }),
            Deed::Clock { seconds } => {
                self.now += TimeDelta::seconds(*seconds);
                Ok("nothing")
            }
        };
        happened.map(Into::into).map_err(Into::into)
    }

    fn is_open(&self) -> bool {
        matches!(self.stands, Stands::Waiting | Stands::PutOff(_))
    }

    fn open(&self, seen: Option<u32>) -> Result<(), &'static str> {
        match self.stands {
            Stands::Decided(_) => Err("AlreadyResolved"),
            Stands::Gone => Err("Withdrawn"),
            _ if seen.is_some_and(|seen| seen != self.revision) => Err("Outdated"),
            _ => Ok(()),
        }
    }

    fn given(&mut self) -> Result<&mut Given, &'static str> {
        match &mut self.stands {
            Stands::Decided(given) => Ok(given),
            Stands::Gone => Err("Withdrawn"),
            Stands::Waiting | Stands::PutOff(_) => Err("NotResolved"),
        }
    }

    /// Several people are for a yes or no alone.
    fn needed(&self) -> u32 {
        if self.asked.expects == Expects::Approve { self.approvals } else { 1 }
    }

    /// Silence may approve only what is approved at all, of low or medium risk, where the
    /// configuration allows it.
    fn silence_may(&self, expects: Expects, risk: Risk) -> Result<(), &'static str> {
        match () {
            () if expects != Expects::Approve => Err("DefaultApproveExpects"),
            () if risk >= Risk::High => Err("DefaultApproveRisk"),
            () if !self.config.silence_may_approve => Err("DefaultApproveNotAllowed"),
            () => Ok(()),
        }
    }

    fn ask(&mut self, ask: &Ask) -> Result<&'static str, &'static str> {
        if ask.approvals > 1 && ask.expects != Expects::Approve {
            return Err("Approvals");
        }
        let asked_risk = ask.risk.max(self.config.risk.unwrap_or(ask.risk));
        if ask.silence_approves {
            self.silence_may(ask.expects, asked_risk)?;
        }
        let (risk, approvals) = (
            asked_risk.max(self.risk),
            self.approvals.max(ask.approvals).max(self.config.approvals.unwrap_or(1)),
        );
        let same = self.asked == *ask && (risk, approvals) == (self.risk, self.approvals);
        // What is over is not asked again: the store files a new one.
        if same || !self.is_open() {
            return Ok("asked again: nothing new");
        }
        self.silence_approves = ask.silence_approves && risk < Risk::High;
        (self.asked, self.risk, self.approvals) = (ask.clone(), risk, approvals);
        self.revision += 1;
        self.proposed.clear();
        self.votes.clear();
        Ok("revised")
    }

    fn configure(&mut self, config: Config) -> &'static str {
        self.config = config;
        if !self.is_open() {
            return "nothing";
        }
        let before = (self.risk, self.approvals, self.silence_approves);
        self.risk = self.risk.max(config.risk.unwrap_or(self.risk));
        self.approvals = self.approvals.max(config.approvals.unwrap_or(1));
        self.silence_approves &= self.silence_may(self.asked.expects, self.risk).is_ok();
        // Who approved before approved something lesser.
        if self.risk > before.0 {
            self.votes.clear();
        }
        if before == (self.risk, self.approvals, self.silence_approves) {
            "nothing"
        } else {
            "enforced"
        }
    }

    /// Their approval counts no longer; they can approve again once they may.
    fn dismiss(&mut self, who: usize) -> &'static str {
        if !self.is_open() || !self.votes.contains(&who) {
            return "nothing";
        }
        self.votes.retain(|voter| *voter != who);
        "lapsed"
    }

    fn needs_word(&self) -> bool {
        self.risk == Risk::Critical && self.asked.expects != Expects::Answer
    }

    fn confirm(&self, word: Word) -> Result<(), &'static str> {
        if self.needs_word() && matches!(word, Word::None | Word::Wrong) {
            Err("Unconfirmed")
        } else {
            Ok(())
        }
    }

    fn decide(&mut self, word: &'static str, by: usize) -> &'static str {
        self.stands =
            Stands::Decided(Given { word, by, at: self.now, claimed: false, report: None });
        (self.taken, self.undone) = (None, false);
        self.proposed.clear();
        word
    }

    /// It decides nothing.
    fn propose(&mut self, who: usize, yes: bool, seen: u32) -> Result<&'static str, &'static str> {
        self.open(Some(seen))?;
        match self.stands {
            Stands::PutOff(_) => Err("CurrentlyDeferred"),
            _ if yes && self.asked.expects != Expects::Approve => Err("WrongAnswer"),
            _ if yes && self.votes.contains(&who) => Err("AlreadyVoted"),
            _ if self.proposed.contains(&(who, yes)) => Ok("proposed: nothing new"),
            _ => {
                self.proposed.retain(|(one, _)| *one != who);
                self.proposed.push((who, yes));
                Ok("proposed")
            }
        }
    }

    fn approve(&mut self, who: usize, word: Word, seen: u32) -> Result<&'static str, &'static str> {
        self.open(Some(seen))?;
        if self.asked.expects != Expects::Approve {
            return Err("WrongAnswer");
        }
        self.confirm(word)?;
        if self.votes.contains(&who) {
            return Err("AlreadyVoted");
        }
        if (self.votes.len() + 1) < self.needed() as usize {
            self.votes.push(who);
            self.proposed.retain(|(one, _)| *one != who);
            return Ok("voted");
        }
        Ok(self.decide("approved", who))
    }

    fn choose(
        &mut self,
        who: usize,
        option: &str,
        word: Word,
        seen: u32,
    ) -> Result<&'static str, &'static str> {
        self.open(Some(seen))?;
        if self.asked.expects != Expects::Choose {
            return Err("WrongAnswer");
        }
        if !OPTIONS.contains(&option) {
            return Err("NoSuchOption");
        }
        self.confirm(word)?;
        Ok(self.decide("chosen", who))
    }

    fn take(&mut self, who: usize, handed: bool) -> Result<&'static str, &'static str> {
        self.open(None)?;
        if self.taken == Some(who) || (self.taken.is_some() && !handed) {
            return Err("AlreadyTaken");
        }
        self.taken = Some(who);
        self.stands = Stands::Waiting;
        Ok("taken")
    }

    fn defer(&mut self, until: Time, seen: u32) -> Result<&'static str, &'static str> {
        self.open(Some(seen))?;
        match self.stands {
            Stands::PutOff(standing) if standing == until => Err("AlreadyDeferred"),
            _ if self.deferrals == 3 => Err("DeferredTooOften"),
            _ if until <= self.now => Err("NotInFuture"),
            _ if until > self.now + TimeDelta::days(7) => Err("DeferredTooLong"),
            _ => {
                self.deferrals += 1;
                (self.stands, self.taken, self.undone) = (Stands::PutOff(until), None, false);
                self.proposed.clear();
                Ok("deferred")
            }
        }
    }

    fn come_back(&mut self) -> Result<&'static str, &'static str> {
        match self.stands {
            Stands::PutOff(until) if until <= self.now => {
                self.stands = Stands::Waiting;
                self.returns += 1;
                Ok("returned")
            }
            _ => Err("NotDue"),
        }
    }

    fn undo(&mut self) -> Result<&'static str, &'static str> {
        let now = self.now;
        match self.given()? {
            Given { claimed: true, .. } => Err("AlreadyClaimed"),
            Given { at, .. } if now > *at + TimeDelta::days(1) => Err("TooLateToUndo"),
            _ => {
                (self.stands, self.undone) = (Stands::Waiting, true);
                self.votes.clear();
                Ok("undone")
            }
        }
    }

    pub(crate) fn shown(&self) -> Shown {
        let id = |who: usize| format!("discord:{who}");
        let given = if let Stands::Decided(given) = &self.stands { Some(given) } else { None };
        Shown {
            state: match self.stands {
                Stands::Waiting => "pending",
                Stands::PutOff(_) => "deferred",
                Stands::Decided(_) => "resolved",
                Stands::Gone => "withdrawn",
            },
            verdict: given.map(|given| (given.word, id(given.by))),
            votes: self.votes.iter().map(|who| id(*who)).collect(),
            revision: self.revision,
            deferrals: self.deferrals,
            returns: self.returns,
            taken: self.taken.map(id),
            proposed: self.proposed.iter().map(|(who, yes)| (id(*who), *yes)).collect(),
            undone: self.undone,
            claimed: given.is_some_and(|given| given.claimed),
            reported: given
                .and_then(|given| given.report)
                .map(|(worked, text)| (worked, text.to_owned())),
            wakes: if let Stands::PutOff(until) = self.stands { Some(until) } else { None },
            risk: self.risk,
            needed: self.needed(),
            missing: if self.is_open() { self.needed() - self.votes.len() as u32 } else { 0 },
            silence_approves: self.silence_approves,
            wanted: self.wanted,
        }
    }
}
