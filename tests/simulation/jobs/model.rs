//! The queue a second time, as plain as can be: no index, no log, everything looked at anew. It
//! shares nothing with the program but the words of states.

use std::collections::{BTreeMap, BTreeSet};

pub(super) const MINUTE: i64 = 60_000;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;

pub(super) const LEASE: i64 = 2 * MINUTE;
pub(super) const STALL: i64 = 3 * MINUTE;
pub(super) const JOBS_PER_RUN: usize = 5;
pub(super) const DEPTH: u32 = 2;
pub(super) const TOKENS: u64 = 1_000;
pub(super) const RUNNING: usize = 4;
/// A question of the queue whose number is not known yet.
pub(super) const ASKED: i64 = 0;
/// By number of the project.
pub(super) const RUNNING_IN: [usize; 3] = [2, 2, 1];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Now {
    Queued,
    Running { stuck: bool, asked: Option<i64> },
    Guarded(i64),
    Asking(i64),
    Failed3(Option<i64>),
    Blocked(i64),
    Held,
    Halted,
    Done,
    NotNeeded,
    Failed,
    Cancelled,
    Refused,
}

impl Now {
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running { .. } => "running",
            Self::Guarded(_) | Self::Asking(_) => "waiting",
            Self::Failed3(_) | Self::Blocked(_) => "needs_person",
            Self::Held => "held",
            Self::Halted => "halted",
            Self::Done => "done",
            Self::NotNeeded => "not_needed",
            Self::Failed => "failed",
            Self::Cancelled | Self::Refused => "cancelled",
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.satisfies() || self.is_dead()
    }

    fn satisfies(&self) -> bool {
        matches!(self, Self::Done | Self::NotNeeded)
    }

    pub(super) fn is_dead(&self) -> bool {
        matches!(self, Self::Failed | Self::Cancelled | Self::Refused)
    }

    pub(super) fn decision(&self) -> Option<i64> {
        match self {
            Self::Running { asked, .. } | Self::Failed3(asked) => *asked,
            Self::Guarded(asked) | Self::Asking(asked) => Some(*asked),
            _ => None,
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) worker: String,
    pub(super) attempt: u32,
    pub(super) until: i64,
    pub(super) output: i64,
}

#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) id: i64,
    pub(super) project: usize,
    pub(super) weight: i64,
    pub(super) deadline: Option<i64>,
    pub(super) needs: Vec<i64>,
    pub(super) source: Option<u64>,
    pub(super) agent: Option<&'static str>,
    pub(super) run: String,
    pub(super) depth: u32,
    pub(super) limit: u32,
    pub(super) now: Now,
    pub(super) lease: Option<Held>,
    pub(super) attempts: u32,
    pub(super) failures: u32,
    pub(super) bias: i64,
    pub(super) at_risk: bool,
    pub(super) tokens: Option<u64>,
}

/// What a person answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    Approve,
    Reject,
    Withdraw,
    Option(&'static str),
}

#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) pieces: BTreeMap<i64, Piece>,
    pub(super) halted: BTreeSet<Option<usize>>,
    /// Answers that the queue has not seen yet, by decision.
    pub(super) replies: BTreeMap<i64, Reply>,
    turns: BTreeMap<usize, u64>,
    leases: u64,
}

impl Model {
    pub(super) fn piece(&self, id: i64) -> &Piece {
        &self.pieces[&id]
    }

    fn piece_mut(&mut self, id: i64) -> &mut Piece {
        self.pieces.get_mut(&id).unwrap()
    }

    pub(super) fn open_with_source(&self, source: u64) -> Option<i64> {
        let open = |piece: &&Piece| piece.source == Some(source) && !piece.now.is_over();
        self.pieces.values().find(open).map(|piece| piece.id)
    }

    pub(super) fn dead_dependency(&self, needs: &[i64]) -> Option<i64> {
        needs.iter().copied().filter(|id| self.piece(*id).now.is_dead()).min()
    }

    /// Whether a further job of an agent is beyond a guard; and what stands about the run.
    pub(super) fn beyond(&self, run: &str, depth: u32) -> bool {
        let of_run = || self.pieces.values().filter(|piece| piece.run == run);
        let jobs = of_run().filter(|piece| piece.now != Now::Refused).count();
        let used: Vec<u64> = of_run().filter_map(|piece| piece.tokens).collect();
        jobs >= JOBS_PER_RUN
            || depth > DEPTH
            || (!used.is_empty() && used.iter().sum::<u64>() >= TOKENS)
    }

    pub(super) fn guard_stands(&self, run: &str) -> bool {
        let stands = |piece: &Piece| matches!(piece.now, Now::Guarded(_) | Now::Refused);
        self.pieces.values().any(|piece| piece.run == run && stands(piece))
    }

    /// A state with all that follows from it for others.
    pub(super) fn set(&mut self, id: i64, to: Now) {
        let piece = self.piece_mut(id);
        let was = std::mem::replace(&mut piece.now, to);
        if !matches!(piece.now, Now::Running { .. } | Now::Asking(_)) {
            piece.lease = None;
        }
        let (dead, now) = (piece.now.is_dead(), piece.now.clone());
        if was.is_dead() != dead || was.satisfies() != now.satisfies() {
            let dependants: Vec<i64> = self
                .pieces
                .values()
                .filter(|piece| piece.needs.contains(&id))
                .map(|piece| piece.id)
                .collect();
            for other in dependants {
                match self.piece(other).now {
                    Now::Queued if dead => self.set(other, Now::Blocked(id)),
                    Now::Blocked(on) if !dead && on == id => self.set(other, Now::Queued),
                    _ => {}
                }
            }
        }
        if self.piece(id).now == Now::Queued {
            let needs = self.piece(id).needs.clone();
            if let Some(on) = self.dead_dependency(&needs) {
                self.set(id, Now::Blocked(on));
            }
        }
    }

    /// A failed attempt.
    pub(super) fn fail(&mut self, id: i64, tokens: Option<u64>) {
        let piece = self.piece_mut(id);
        piece.failures += 1;
        if let Some(tokens) = tokens {
            piece.tokens = Some(piece.tokens.unwrap_or(0) + tokens);
        }
        let last = piece.failures >= piece.limit;
        self.set(id, if last { Now::Failed3(Some(ASKED)) } else { Now::Queued });
    }

    pub(super) fn holds(&self, id: i64, worker: &str, attempt: Option<u32>) -> bool {
        self.piece(id).lease.as_ref().is_some_and(|lease| {
            lease.worker == worker && attempt.is_none_or(|attempt| attempt == lease.attempt)
        })
    }

    /// Takes back what was not renewed.
    pub(super) fn expire(&mut self, at: i64) {
        // After the clock was set back, nothing lies in the future.
        for lease in self.pieces.values_mut().filter_map(|piece| piece.lease.as_mut()) {
            (lease.until, lease.output) = (lease.until.min(at + LEASE), lease.output.min(at));
        }
        let mut due: Vec<(i64, i64)> = self
            .pieces
            .values()
            .filter_map(|piece| Some((piece.lease.as_ref()?.until, piece.id)))
            .filter(|(until, _)| *until <= at)
            .collect();
        due.sort_unstable();
        for (_, id) in due {
            if matches!(self.piece(id).now, Now::Running { .. }) {
                self.fail(id, None);
            } else {
                self.piece_mut(id).lease = None;
            }
        }
    }

    fn is_ready(&self, piece: &Piece) -> bool {
        piece.now == Now::Queued && piece.needs.iter().all(|id| self.piece(*id).now.satisfies())
    }

    fn score(piece: &Piece, at: i64) -> i64 {
        let urgency = match piece.deadline.map(|deadline| deadline - at) {
            None => 0,
            Some(left) if left <= -7 * DAY => 0,
            Some(left) if left <= 0 => 4,
            Some(left) if left <= 2 * DAY => 3,
            Some(left) if left <= 7 * DAY => 2,
            Some(left) if left <= 14 * DAY => 1,
            Some(_) => 0,
        };
        piece.weight + piece.bias + i64::from(piece.at_risk) + urgency
    }

    fn running(&self, project: Option<usize>) -> usize {
        let runs = |piece: &&Piece| {
            matches!(piece.now, Now::Running { .. })
                && project.is_none_or(|project| project == piece.project)
        };
        self.pieces.values().filter(runs).count()
    }

    /// The job that a worker must get.
    pub(super) fn next(&self, projects: &[usize], agent: Option<&str>, at: i64) -> Option<i64> {
        if self.halted.contains(&None) || self.running(None) >= RUNNING {
            return None;
        }
        let may = |piece: &&Piece| {
            (projects.is_empty() || projects.contains(&piece.project))
                && !self.halted.contains(&Some(piece.project))
                && self.running(Some(piece.project)) < RUNNING_IN[piece.project]
                && self.is_ready(piece)
                && (agent.is_none() || piece.agent.is_none() || piece.agent == agent)
        };
        self.pieces
            .values()
            .filter(may)
            .min_by_key(|piece| {
                let turn = self.turns.get(&piece.project).copied().unwrap_or(0);
                (turn, -Self::score(piece, at), piece.id)
            })
            .map(|piece| piece.id)
    }

    pub(super) fn leased(&mut self, id: i64, worker: &str, at: i64) {
        self.leases += 1;
        let (turn, project) = (self.leases, self.piece(id).project);
        self.turns.insert(project, turn);
        let piece = self.piece_mut(id);
        piece.attempts += 1;
        piece.lease = Some(Held {
            worker: worker.into(),
            attempt: piece.attempts,
            until: at + LEASE,
            output: at,
        });
        piece.now = Now::Running { stuck: false, asked: None };
    }

    pub(super) fn heard(&mut self, id: i64, at: i64, output: bool) {
        let piece = self.piece_mut(id);
        if let Some(lease) = &mut piece.lease {
            lease.until = at + LEASE;
            if output {
                lease.output = at;
            }
        }
        if output && matches!(piece.now, Now::Running { stuck: true, .. }) {
            piece.now = Now::Running { stuck: false, asked: None };
        }
    }

    /// Applies the answers, in the order of the jobs.
    pub(super) fn settle(&mut self, at: i64) {
        let ids: Vec<i64> = self.pieces.keys().copied().collect();
        for id in ids {
            let piece = self.piece(id);
            let Some(on) = piece.now.decision() else { continue };
            if matches!(piece.now, Now::Asking(_)) && piece.lease.is_some() {
                continue;
            }
            let Some(reply) = self.replies.remove(&on) else { continue };
            self.apply(id, reply, at);
        }
    }

    fn apply(&mut self, id: i64, reply: Reply, at: i64) {
        let to = match (self.piece(id).now.clone(), reply) {
            (Now::Asking(_), _) | (Now::Guarded(_), Reply::Approve) => Now::Queued,
            (Now::Guarded(_), _) => Now::Refused,
            (Now::Failed3(_), Reply::Withdraw) => Now::Failed3(None),
            (Now::Running { .. }, Reply::Withdraw) => Now::Running { stuck: true, asked: None },
            (_, Reply::Reject | Reply::Option("Give up")) => Now::Failed,
            (_, Reply::Option("Take over")) => Now::Held,
            (Now::Failed3(_), _) => {
                self.piece_mut(id).failures = 0;
                Now::Queued
            }
            (_, Reply::Option("Keep waiting")) => {
                self.piece_mut(id).lease.as_mut().unwrap().output = at;
                Now::Running { stuck: false, asked: None }
            }
            (Now::Running { .. }, _) => {
                return self.fail(id, None);
            }
            (now, _) => now,
        };
        self.set(id, to);
    }

    /// Marks what gives no output.
    pub(super) fn stall(&mut self, at: i64) {
        for piece in self.pieces.values_mut() {
            let silent = piece.lease.as_ref().is_some_and(|lease| at - lease.output >= STALL);
            if silent && matches!(piece.now, Now::Running { stuck: false, .. }) {
                piece.now = Now::Running { stuck: true, asked: Some(ASKED) };
            }
        }
    }

    pub(super) fn find_risks(&mut self, at: i64) {
        for piece in self.pieces.values_mut() {
            let near = piece.deadline.is_some_and(|deadline| deadline - 2 * DAY <= at);
            if near && piece.now == Now::Queued && piece.attempts == 0 {
                piece.at_risk = true;
            }
        }
    }

    pub(super) fn halt(&mut self, project: Option<usize>) {
        self.halted.insert(project);
        for piece in self.pieces.values_mut() {
            if project.is_none_or(|project| project == piece.project) && piece.lease.is_some() {
                piece.lease = None;
                if matches!(piece.now, Now::Running { .. }) {
                    piece.now = Now::Halted;
                }
            }
        }
    }

    pub(super) fn lift(&mut self, project: Option<usize>) {
        match project {
            None => self.halted.clear(),
            project => drop(self.halted.remove(&project)),
        }
        let halted: Vec<i64> = self
            .pieces
            .values()
            .filter(|piece| piece.now == Now::Halted)
            .filter(|piece| project.is_none_or(|project| project == piece.project))
            .map(|piece| piece.id)
            .collect();
        for id in halted {
            self.set(id, Now::Queued);
        }
    }
}
