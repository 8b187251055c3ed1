//! What is tried, and how each trial is judged.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::scene::{Replaced, Scene};
use crate::cli::gate::contract::{Ended, Fate};
use crate::core::decision::{Decision, Verdict};
use crate::presentation::text::gate::check::{self as words, TrialWords};

/// How much longer than a person's time a gate may take to say that nobody has answered.
const GRACE: Duration = Duration::from_secs(10);
/// A little more than a gate reads.
const BIG: usize = (1 << 20) + 1;

/// A trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trial {
    /// A person approves.
    Allowed,
    /// A person rejects.
    Denied,
    /// Two calls at once: one is approved.
    Two,
    /// A file that the call names changes between the question and the approval.
    Changed,
    /// Nobody answers within the gate's time.
    Unanswered,
    /// The gate neither answers nor ends.
    Frozen,
    /// The gate is killed.
    Killed,
    /// The gate's program is gone.
    Missing,
    /// Something else answers in the gate's place.
    Broken,
    /// The agent sends garbage.
    Garbage,
    /// The agent sends nothing.
    Empty,
    /// The agent sends more than a person can judge.
    Big,
}

/// All trials, in the order of the table.
pub(super) const TRIALS: [Trial; 12] = [
    Trial::Allowed,
    Trial::Denied,
    Trial::Two,
    Trial::Changed,
    Trial::Unanswered,
    Trial::Frozen,
    Trial::Killed,
    Trial::Missing,
    Trial::Broken,
    Trial::Garbage,
    Trial::Empty,
    Trial::Big,
];

/// The result of a trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// As it should be, perhaps by the agent itself.
    Holds(Option<String>),
    /// The agent runs the call, whatever a hook does.
    FailsOpen(String),
    /// The gate does not do what it should.
    Fails(String),
    /// There is nothing to try.
    NotApplicable(String),
}

impl Outcome {
    /// The result in a word, and the reason.
    pub(super) fn words(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::Holds(why) => (words::HOLDS, why.as_deref()),
            Self::FailsOpen(why) => (words::OPEN, Some(why)),
            Self::Fails(why) => (words::FAILS, Some(why)),
            Self::NotApplicable(why) => (words::NOT_APPLICABLE, Some(why)),
        }
    }
}

impl Trial {
    pub(super) const fn words(self) -> TrialWords {
        match self {
            Self::Allowed => words::ALLOWED,
            Self::Denied => words::DENIED,
            Self::Two => words::TWO,
            Self::Changed => words::CHANGED,
            Self::Unanswered => words::UNANSWERED,
            Self::Frozen => words::FROZEN,
            Self::Killed => words::KILLED,
            Self::Missing => words::MISSING,
            Self::Broken => words::BROKEN,
            Self::Garbage => words::GARBAGE,
            Self::Empty => words::EMPTY,
            Self::Big => words::BIG,
        }
    }
}

impl Scene {
    pub(super) async fn run(&self, trial: Trial) -> Outcome {
        let tried = match trial {
            Trial::Allowed => self.allowed().await,
            Trial::Denied => self.denied().await,
            Trial::Two => self.two().await,
            Trial::Changed => self.changed().await,
            Trial::Unanswered => self.unanswered().await,
            Trial::Frozen => Ok(self.frozen()),
            Trial::Killed => self.replaced(&["/bin/sh", "-c", "kill -KILL $$"]).await,
            Trial::Missing => self.replaced(&["/nowhere/gander"]).await,
            Trial::Broken => self.broken().await,
            Trial::Garbage => self.denies(b"not { json").await,
            Trial::Empty => self.denies(b"").await,
            Trial::Big => self.denies(&self.call(&"x".repeat(BIG))).await,
        };
        tried.unwrap_or_else(|why| Outcome::Fails(why.to_owned()))
    }

    fn fate(&self, ended: &Ended) -> Fate {
        self.agent.contract().fate(ended)
    }

    /// Runs hooks while a pretend approver answers. Returns what came of them, and how many
    /// decisions were answered.
    async fn answered<T>(
        &self,
        hooks: impl Future<Output = T>,
        answer: impl Fn(&Decision, usize) -> Option<Verdict>,
    ) -> (T, usize) {
        let count = AtomicUsize::new(0);
        let ended = tokio::select! {
            ended = hooks => ended,
            never = self.approve(&count, answer) => match never {},
        };
        (ended, count.load(Ordering::Relaxed))
    }

    async fn allowed(&self) -> Result<Outcome, &'static str> {
        let call = self.call("make yes");
        let hook = self.hook(&call, Replaced::Nothing);
        let (ended, asked) = self.answered(hook, |_, _| Some(Verdict::approved())).await;
        Ok(match self.fate(&ended?) {
            _ if asked != 1 => Outcome::Fails(words::NOT_ASKED.into()),
            Fate::Runs | Fate::Asks => Outcome::Holds(None),
            Fate::Denies => Outcome::Fails(words::DID_NOT_RUN.into()),
        })
    }

    async fn denied(&self) -> Result<Outcome, &'static str> {
        let call = self.call("make no");
        let hook = self.hook(&call, Replaced::Nothing);
        let (ended, asked) = self.answered(hook, |_, _| Some(rejected())).await;
        let ended = ended?;
        let hears = ended.out.contains(words::REASON) || ended.err.contains(words::REASON);
        Ok(match self.fate(&ended) {
            _ if asked != 1 => Outcome::Fails(words::NOT_ASKED.into()),
            Fate::Denies if hears => Outcome::Holds(None),
            Fate::Denies => Outcome::Fails(words::NO_REASON.into()),
            Fate::Runs | Fate::Asks => Outcome::Fails(words::RAN.into()),
        })
    }

    async fn two(&self) -> Result<Outcome, &'static str> {
        let (first, second) = (self.call("make first"), self.call("make second"));
        let hooks = async {
            tokio::join!(
                self.hook(&first, Replaced::Nothing),
                self.hook(&second, Replaced::Nothing)
            )
        };
        let answer = |decision: &Decision, _| {
            let is_first = decision.request.body == "make first";
            Some(if is_first { Verdict::approved() } else { rejected() })
        };
        let ((first, second), asked) = self.answered(hooks, answer).await;
        Ok(match (self.fate(&first?), self.fate(&second?)) {
            _ if asked != 2 => Outcome::Fails(words::NOT_ASKED.into()),
            (Fate::Runs | Fate::Asks, Fate::Denies) => Outcome::Holds(None),
            _ => Outcome::Fails(words::MIXED_UP.into()),
        })
    }

    /// An approval is for the script that the person could read.
    async fn changed(&self) -> Result<Outcome, &'static str> {
        let write = |text: &str| self.write("check.sh", text);
        let is_there = write("echo one\n");
        let call = self.call("bash check.sh");
        let hook = self.hook(&call, Replaced::Patience("5s"));
        let answer =
            |_: &Decision, before| (before == 0 && write("echo two\n")).then(Verdict::approved);
        let (ended, asked) = self.answered(hook, answer).await;
        Ok(match self.fate(&ended?) {
            _ if asked != 1 || !is_there => Outcome::Fails(words::NOT_ASKED.into()),
            Fate::Denies => Outcome::Holds(None),
            Fate::Runs | Fate::Asks => Outcome::Fails(words::RAN.into()),
        })
    }

    /// The gate answers by itself, and the installed one before the agent gives up.
    async fn unanswered(&self) -> Result<Outcome, &'static str> {
        let ended = self.hook(&self.call("make late"), Replaced::Patience("1s")).await?;
        let (wait, limit) = (self.wait.unwrap_or_default() + GRACE, self.limit);
        Ok(match self.fate(&ended) {
            Fate::Denies if limit.is_some_and(|limit| limit < wait) => {
                let limit = limit.unwrap_or_default().as_secs();
                Outcome::Fails(words::too_early(limit, wait.as_secs()))
            }
            Fate::Denies => Outcome::Holds(None),
            Fate::Runs | Fate::Asks => Outcome::Fails(words::RAN.into()),
        })
    }

    /// Told by the contract: the agent's limit may be an hour.
    fn frozen(&self) -> Outcome {
        let (contract, title) = (self.agent.contract(), self.agent.title());
        match (contract.late, self.limit) {
            (_, None) => Outcome::NotApplicable(words::waits_for_ever(title)),
            (Fate::Denies, _) => Outcome::Holds(Some(words::denies_late(title))),
            (Fate::Runs | Fate::Asks, limit) => {
                let seconds = limit.map(|limit| limit.as_secs());
                Outcome::FailsOpen(words::gives_up(title, seconds))
            }
        }
    }

    /// Another program in the gate's place.
    async fn replaced(&self, program: &[&str]) -> Result<Outcome, &'static str> {
        let ended = self.hook(&self.call("make nothing"), Replaced::Program(program)).await?;
        Ok(self.must_deny(&ended))
    }

    /// Something else answers with success. Only the agent could tell that this is no answer.
    async fn broken(&self) -> Result<Outcome, &'static str> {
        let program = Replaced::Program(&["/bin/echo", "not { json"]);
        let ended = self.hook(&self.call("make nothing"), program).await?;
        Ok(match self.fate(&ended) {
            Fate::Denies => Outcome::Holds(None),
            Fate::Runs | Fate::Asks => Outcome::FailsOpen(words::no_objection(self.agent.title())),
        })
    }

    async fn denies(&self, input: &[u8]) -> Result<Outcome, &'static str> {
        let ended = self.hook(input, Replaced::Nothing).await?;
        Ok(self.must_deny(&ended))
    }

    fn must_deny(&self, ended: &Ended) -> Outcome {
        match self.fate(ended) {
            Fate::Denies => Outcome::Holds(None),
            Fate::Runs | Fate::Asks => Outcome::Fails(words::RAN.into()),
        }
    }
}

fn rejected() -> Verdict {
    Verdict::Rejected { reason: words::REASON.to_owned() }
}
