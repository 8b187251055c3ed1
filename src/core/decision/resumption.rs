//! Resumptions: an agent that ended before its call was decided is started again with the answer.
//!
//! A gate records where its agent works (the [`Seat`]) and whether it still waits ([`Wait`]). Once
//! the decision has a verdict that nobody has claimed, and the agent has ended, a resumption is
//! owed. It is started at most once: the start is on record before the process runs, and a start
//! whose end nobody saw stays [`ResumeEnd::Unknown`]. Does not depend on how an agent is started,
//! nor on how processes are looked at.

use std::path::PathBuf;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::event::Event;
use super::{Decision, DecisionId, Refused, State, Verdict};
use crate::core::Time;

/// How long a gate, or the process that has started an agent, counts as alive after its last sign,
/// in wall-clock time.
pub const LEASE: TimeDelta = TimeDelta::seconds(90);

/// How often a sign of life is given, in wall-clock time.
pub const RENEWAL: TimeDelta = TimeDelta::seconds(30);

/// How an agent's session identifiers look. An identifier comes from the agent: only one of this
/// shape becomes an argument of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionShape {
    /// `c06057bc-837b-4946-9fba-2c86f99eff95`.
    Uuid,
    /// `20261121_3`: a date and a number.
    DateAndNumber,
}

impl SessionShape {
    /// Whether the identifier has this shape.
    #[must_use]
    pub fn accepts(self, session: &str) -> bool {
        match self {
            Self::Uuid => {
                let groups: Vec<&str> = session.split('-').collect();
                let is_hex = |group: &&str| group.bytes().all(|b| b.is_ascii_hexdigit());
                groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
                    && groups.iter().all(is_hex)
            }
            Self::DateAndNumber => session.split_once('_').is_some_and(|(date, number)| {
                let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
                date.len() == 8 && digits(date) && (1..=6).contains(&number.len()) && digits(number)
            }),
        }
    }
}

/// A folder, recognised again even if another folder has taken its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderMark {
    /// The path without links. Absolute.
    pub path: PathBuf,
    /// The device of the folder.
    pub device: u64,
    /// The number of the folder on its device.
    pub inode: u64,
}

/// A process, recognised again even if another process has taken its number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessMark {
    /// The machine's start.
    pub boot: String,
    /// The namespace of process numbers.
    pub namespace: String,
    /// The user.
    pub user: u32,
    /// The number of the process.
    pub process: u32,
    /// The start of the process, in the kernel's ticks after the machine's start.
    pub started: u64,
}

/// Where the agent of a gate's question works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// The agent's name in the table of adapters.
    pub agent: String,
    /// The agent's session, in the shape of its agent.
    pub session: String,
    /// The folder in which the agent was started.
    pub folder: FolderMark,
    /// The agent's process; `None` where the system does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<ProcessMark>,
}

/// Whether the gate still waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// The gate waits, or has ended without a word. It counts as alive until this time.
    Until(Time),
    /// The gate has denied the call, because nobody had decided: the agent went on.
    WentOn,
    /// The gate has told the agent to end, because a person had deferred the decision.
    Parted,
}

/// What the system says about the agent's process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentProcess {
    /// It runs.
    Runs,
    /// It has ended.
    Ended,
    /// It ran where this process cannot look: in a container, or as another user.
    Elsewhere,
    /// The gate could not tell which process it was.
    Unmarked,
}

/// What to do about a session in which an earlier start has an unknown end: its agent may still
/// run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownEnd {
    /// Start nothing.
    Prevents,
    /// Start the agent: a person has looked at the session.
    SeenByPerson,
}

/// How a resumption ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum ResumeEnd {
    /// The agent ended with status 0.
    Finished,
    /// The agent ended otherwise.
    Failed {
        /// The exit status; absent after a signal.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<i32>,
    },
    /// The program could not be started.
    NotStarted,
    /// Nobody saw the end: Gander, or the machine, stopped before the agent did.
    Unknown,
}

/// A resumption, as the decision shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumed {
    /// When the agent was started.
    pub at: Time,
    /// The end, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<ResumedEnd>,
}

/// The end of a resumption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumedEnd {
    /// When.
    pub at: Time,
    /// How.
    #[serde(flatten)]
    pub how: ResumeEnd,
}

/// How far a resumption is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResumeProgress {
    /// Nothing was started.
    Parked(Wait),
    /// The start is on record.
    Started {
        /// When.
        at: Time,
        /// The process that watches the agent counts as alive until this time.
        watched_until: Time,
    },
    /// It is over.
    Ended {
        /// When the agent was started.
        started: Time,
        /// How it ended.
        how: ResumeEnd,
    },
}

/// The record of an agent that waits, or waited, at its gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resumption {
    /// The decision that the agent waits for.
    pub decision: DecisionId,
    /// Where the agent works.
    pub seat: Seat,
    /// How far its resumption is.
    pub progress: ResumeProgress,
}

/// Whether a resumption is owed, and if not, why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The decision has no verdict yet.
    Undecided,
    /// Nobody is owed an answer: the decision was withdrawn, or its approval was ended.
    Void,
    /// The agent has the answer.
    Claimed,
    /// The gate still waits, and takes the answer.
    AtTheGate,
    /// The agent still runs, and asks again.
    Running,
    /// The agent ran where this process cannot look.
    Elsewhere,
    /// The agent must be started.
    Owed,
    /// The agent was started.
    Started {
        /// When.
        at: Time,
    },
    /// The resumption is over.
    Ended {
        /// When the agent was started.
        started: Time,
        /// How.
        how: ResumeEnd,
    },
}

impl Resumption {
    /// Where the resumption stands at `now`, store time. `process`: what the system says about the
    /// agent's process.
    #[must_use]
    pub fn standing(&self, decision: &Decision, process: AgentProcess, now: Time) -> Standing {
        let wait = match self.progress {
            ResumeProgress::Started { at, watched_until } if now < watched_until => {
                return Standing::Started { at };
            }
            ResumeProgress::Started { at, .. } => {
                return Standing::Ended { started: at, how: ResumeEnd::Unknown };
            }
            ResumeProgress::Ended { started, how } => return Standing::Ended { started, how },
            ResumeProgress::Parked(wait) => wait,
        };
        match &decision.state {
            State::Pending(_) | State::Deferred { .. } => return Standing::Undecided,
            State::Withdrawn { .. } => return Standing::Void,
            State::Resolved(resolved) if resolved.claimed_at.is_some() => {
                return Standing::Claimed;
            }
            State::Resolved(resolved) if resolved.grant.ended.is_some() => return Standing::Void,
            State::Resolved(_) => {}
        }
        match (wait, process) {
            (Wait::Until(until), _) if now < until => Standing::AtTheGate,
            (_, AgentProcess::Runs) => Standing::Running,
            (_, AgentProcess::Elsewhere) => Standing::Elsewhere,
            (_, AgentProcess::Ended) => Standing::Owed,
            // Without a process to look at, an agent that went on may still run.
            (Wait::WentOn, AgentProcess::Unmarked) => Standing::Running,
            (Wait::Until(_) | Wait::Parted, AgentProcess::Unmarked) => Standing::Owed,
        }
    }

    /// Whether `other` waits in the same session: its agent is told of both at once, because two
    /// processes must not go on with one session.
    #[must_use]
    pub fn shares_session(&self, other: &Self) -> bool {
        self.seat.agent == other.seat.agent && self.seat.session == other.seat.session
    }
}

/// Why an agent cannot be started, although its resumption is owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// Gander does not know how this agent goes on with a session.
    Agent,
    /// The session's identifier does not look like one of the agent's.
    Session,
    /// The folder is gone, or another folder has its name.
    Folder,
    /// The person has named neither this folder nor a folder around it.
    NotNamed,
    /// No gate would stop the agent there.
    NoGate,
    /// A gate is installed, and the agent ignores it.
    GateOff(String),
    /// The agent's program is not found under this name.
    NoProgram(String),
    /// The program lies in the agent's own folder, where an agent can exchange it.
    ProgramInside(PathBuf),
}

impl Decision {
    /// Records that the agent is about to be started with the verdict. The verdict is thereby
    /// claimed, because the agent is told, except for the approval of a call that runs something:
    /// the repeated call claims it, and it can be undone until then.
    ///
    /// # Errors
    /// [`Refused::NotResolved`], [`Refused::Withdrawn`], [`Refused::AlreadyClaimed`],
    /// [`Refused::AlreadyResumed`].
    pub fn start_resumption(&self) -> Result<Event, Refused> {
        let resolved = self.verdict()?;
        match (&resolved.resumed, resolved.claimed_at) {
            (Some(resumed), _) => Err(Refused::AlreadyResumed { at: resumed.at }),
            (None, Some(at)) => Err(Refused::AlreadyClaimed { at }),
            (None, None) => Ok(Event::ResumeStarted),
        }
    }

    /// Records how the resumption ended. `None`: its verdict was undone meanwhile, or the end is on
    /// record.
    #[must_use]
    pub fn end_resumption(&self, how: ResumeEnd) -> Option<Event> {
        let end = self.verdict().ok()?.resumed?.end;
        // The process that watches the agent may have slept, and see the end after all.
        let is_news = end.is_none_or(|end| end.how == ResumeEnd::Unknown && how != end.how);
        is_news.then_some(Event::ResumeEnded { how })
    }

    pub(crate) fn resume_started(&mut self, at: Time) {
        // Without a person, the agent may have no tool with which to propose its plan again.
        let is_plan = self.request.plan;
        if let State::Resolved(resolved) = &mut self.state {
            resolved.resumed = Some(Resumed { at, end: None });
            if is_plan || !matches!(resolved.verdict, Verdict::Approved(_)) {
                resolved.claimed_at.get_or_insert(at);
            }
        }
    }

    pub(crate) fn resume_ended(&mut self, how: ResumeEnd, at: Time) {
        if let State::Resolved(resolved) = &mut self.state
            && let Some(resumed) = &mut resolved.resumed
        {
            resumed.end = Some(ResumedEnd { at, how });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::decision::{Person, Request, Revision, Terms, Via};

    fn at(minutes: i64) -> Time {
        Time::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    fn ann() -> Person {
        Person::discord(1, "Ann")
    }

    fn asked() -> Decision {
        let request = Request { title: "Run git push".into(), ..Request::default() };
        Decision::new(DecisionId(1), request, Terms::default(), at(0))
    }

    fn decided(verdict: Verdict) -> Decision {
        let event = asked().resolve(verdict, ann(), Via::Discord, Revision(1)).unwrap();
        asked().evolve(&event, at(5), 2)
    }

    fn no() -> Verdict {
        Verdict::Rejected { reason: "Not today".into() }
    }

    fn parked(wait: Wait) -> Resumption {
        let folder = FolderMark { path: "/home/maya/shop".into(), device: 1, inode: 2 };
        let (agent, session) = ("codex".into(), "01a1ff32-10f1-7453-b7f1-a622c7a17040".into());
        let seat = Seat { agent, session, folder, process: None };
        Resumption { decision: DecisionId(1), seat, progress: ResumeProgress::Parked(wait) }
    }

    #[test]
    fn a_session_has_its_agents_shape_or_is_none() {
        let uuid = "c06057bc-837b-4946-9fba-2c86f99eff95";
        assert!(SessionShape::Uuid.accepts(uuid));
        assert!(SessionShape::Uuid.accepts(&uuid.to_uppercase()));
        for bad in [
            "",
            "--dangerously-skip-permissions",
            "-c06057bc-837b-4946-9fba-2c86f99eff9",
            "c06057bc-837b-4946-9fba-2c86f99eff95 --yolo",
            "c06057bc-837b-4946-9fba-2c86f99eff95\n",
            "c06057bc_837b-4946-9fba-2c86f99eff95",
            "c06057bc-837b-4946-9fba-2c86f99eff9g",
            "c06057bc-837b-4946-9fba-2c86f99eff9\u{ff11}",
            "../../../../etc/passwd",
            "20261121_3",
        ] {
            assert!(!SessionShape::Uuid.accepts(bad), "{bad:?}");
        }
        assert!(SessionShape::DateAndNumber.accepts("20261121_3"));
        assert!(SessionShape::DateAndNumber.accepts("20250921_143022"));
        for bad in ["20261121_", "_3", "20261121_3_4", "-0261121_3", "20261121_-3", "٢٠٢٦١١٢١_3"]
        {
            assert!(!SessionShape::DateAndNumber.accepts(bad), "{bad:?}");
        }
    }

    #[test]
    fn it_is_owed_once_the_agent_has_ended_and_somebody_has_decided() {
        use AgentProcess::{Elsewhere, Ended, Runs, Unmarked};
        let yes = decided(Verdict::approved());
        for (wait, process, minute, standing) in [
            (Wait::Until(at(7)), Ended, 6, Standing::AtTheGate),
            (Wait::Until(at(7)), Ended, 7, Standing::Owed),
            (Wait::Until(at(7)), Runs, 8, Standing::Running),
            (Wait::Until(at(7)), Unmarked, 8, Standing::Owed),
            (Wait::WentOn, Runs, 8, Standing::Running),
            (Wait::WentOn, Ended, 8, Standing::Owed),
            (Wait::WentOn, Unmarked, 8, Standing::Running),
            (Wait::Parted, Unmarked, 8, Standing::Owed),
            (Wait::Parted, Runs, 8, Standing::Running),
            (Wait::Parted, Elsewhere, 8, Standing::Elsewhere),
        ] {
            let found = parked(wait).standing(&yes, process, at(minute));
            assert_eq!(found, standing, "{wait:?} {process:?}");
        }
        let of = |decision: &Decision| parked(Wait::Parted).standing(decision, Ended, at(9));
        assert_eq!(of(&asked()), Standing::Undecided);
        assert_eq!(of(&decided(no())), Standing::Owed);
        let claimed = yes.clone().evolve(&yes.claim().unwrap().unwrap(), at(6), 3);
        assert_eq!(of(&claimed), Standing::Claimed);
        let withdrawn = asked().withdraw("done".into()).unwrap();
        assert_eq!(of(&asked().evolve(&withdrawn, at(6), 3)), Standing::Void);
    }

    #[test]
    fn a_start_whose_end_nobody_saw_is_unknown_and_never_owed_again() {
        let yes = decided(Verdict::approved());
        let mut resumption = parked(Wait::Parted);
        resumption.progress = ResumeProgress::Started { at: at(6), watched_until: at(8) };
        let of = |minute| resumption.standing(&yes, AgentProcess::Ended, at(minute));
        assert_eq!(of(7), Standing::Started { at: at(6) });
        assert_eq!(of(8), Standing::Ended { started: at(6), how: ResumeEnd::Unknown });
    }

    #[test]
    fn a_verdict_is_taken_up_once() {
        for verdict in [Verdict::approved(), no()] {
            let decided = decided(verdict.clone());
            let event = decided.start_resumption().unwrap();
            let started = decided.evolve(&event, at(6), 3);
            assert_eq!(started.start_resumption(), Err(Refused::AlreadyResumed { at: at(6) }));
            let end = started.end_resumption(ResumeEnd::Finished).unwrap();
            let ended = started.clone().evolve(&end, at(9), 4);
            assert_eq!(ended.end_resumption(ResumeEnd::Unknown), None);
            let unknown = started.evolve(&Event::ResumeEnded { how: ResumeEnd::Unknown }, at(8), 4);
            assert_eq!(unknown.end_resumption(ResumeEnd::Unknown), None);
            assert!(unknown.end_resumption(ResumeEnd::Finished).is_some());
            assert!(ended.start_resumption().is_err());
            // The agent was told of a no; a yes is taken by the repeated call.
            let claimed = ended.verdict().unwrap().claimed_at;
            assert_eq!(claimed, (verdict == no()).then(|| at(6)));
        }
        let yes = decided(Verdict::approved());
        let claimed = yes.clone().evolve(&yes.claim().unwrap().unwrap(), at(6), 3);
        assert_eq!(claimed.start_resumption(), Err(Refused::AlreadyClaimed { at: at(6) }));
        assert_eq!(asked().start_resumption(), Err(Refused::NotResolved));
    }

    #[test]
    fn an_approved_plan_is_told_and_not_proposed_again() {
        let plan = Request { plan: true, ..asked().request };
        let decided = Decision { request: plan, ..decided(Verdict::approved()) };
        let started = decided.clone().evolve(&decided.start_resumption().unwrap(), at(6), 3);
        assert_eq!(started.verdict().unwrap().claimed_at, Some(at(6)));
    }

    #[test]
    fn an_undone_verdict_has_no_end_to_record() {
        let yes = decided(Verdict::approved());
        let started = yes.clone().evolve(&yes.start_resumption().unwrap(), at(6), 3);
        let undone = started.evolve(&Event::Undone { by: ann() }, at(7), 4);
        assert_eq!(undone.end_resumption(ResumeEnd::Finished), None);
    }

    #[test]
    fn what_is_stored_reads_again() {
        for (how, text) in [
            (ResumeEnd::Finished, r#"{"how":"finished"}"#),
            (ResumeEnd::Failed { status: Some(1) }, r#"{"how":"failed","status":1}"#),
            (ResumeEnd::Failed { status: None }, r#"{"how":"failed"}"#),
            (ResumeEnd::Unknown, r#"{"how":"unknown"}"#),
        ] {
            assert_eq!(serde_json::to_string(&how).unwrap(), text);
            assert_eq!(serde_json::from_str::<ResumeEnd>(text).unwrap(), how);
        }
    }
}
