//! What happens in a history: agents, workers, people, time.

use gander::core::jobs::{JobResult, Move, Usage};

use super::model::{DAY, HOUR, MINUTE, Now, Piece, Reply};
use super::world::{Checked, PROJECTS, World, lease_ref, maya, words};
use crate::common::chance::Chance;

const WORKERS: [&str; 4] = ["ada", "ben", "cem", "dia"];
const AGENTS: [Option<&str>; 4] = [None, None, Some("goose"), Some("claude")];

fn index(chance: &mut Chance, length: usize) -> usize {
    usize::try_from(chance.below(length as u64)).unwrap()
}

impl World {
    pub(super) fn step(&mut self, chance: &mut Chance) -> Checked {
        let did = match chance.below(20) {
            0..=3 => self.somebody_enqueues(chance),
            4..=6 => self.somebody_leases(chance),
            7..=12 => self.a_worker_acts(chance),
            13..=14 => self.a_person_acts(chance),
            15 => self.a_person_answers(chance),
            16 if chance.one_in(2) => self.a_person_answers(chance),
            16 => self.halt_or_lift(chance),
            17 => Ok(self.time_passes(chance)),
            18 => self.workers_keep_on(chance),
            _ if chance.one_in(3) => {
                self.restart();
                Ok("the process dies".into())
            }
            _ => self.sweep().map(|()| "sweep".into()),
        }?;
        self.compare().map_err(|why| format!("{why}, after: {did}"))?;
        Ok(did)
    }

    fn time_passes(&mut self, chance: &mut Chance) -> String {
        let millis = match chance.below(10) {
            0..=5 => i64::try_from(chance.below(3 * 60_000)).unwrap(),
            6..=7 => i64::try_from(chance.below(12)).unwrap() * MINUTE,
            8 => i64::try_from(chance.below(72)).unwrap() * HOUR,
            // The clock is set back.
            _ => -i64::try_from(chance.below(100)).unwrap() * HOUR,
        };
        self.pass_time(millis);
        format!("{} s pass", millis / 1_000)
    }

    /// Time passes, and all workers renew their leases, without output. Then the queue is swept.
    fn workers_keep_on(&mut self, chance: &mut Chance) -> Checked {
        let rounds = 1 + chance.below(3);
        for _ in 0..rounds {
            self.pass_time(100_000);
            let (at, until) = (self.millis(), self.now + super::world::rules().lease);
            let held: Vec<(i64, String)> = self
                .model
                .pieces
                .values()
                .filter_map(|piece| Some((piece.id, piece.lease.as_ref()?.worker.clone())))
                .collect();
            for (id, worker) in held {
                let done = self.store().jobs().renew(lease_ref(id, &worker, None), until);
                if self.allowed(done.unwrap(), true)? {
                    self.model.heard(id, at, false);
                }
            }
        }
        self.sweep()?;
        Ok(format!("the workers renew {rounds} times"))
    }

    fn any_job(&self, chance: &mut Chance) -> Option<i64> {
        let ids: Vec<i64> = self.model.pieces.keys().copied().collect();
        (!ids.is_empty()).then(|| ids[index(chance, ids.len())])
    }

    fn somebody_enqueues(&mut self, chance: &mut Chance) -> Checked {
        let agent = chance.one_in(2);
        let parent = if agent { self.any_job(chance).filter(|_| chance.one_in(2)) } else { None };
        let mut needs: Vec<i64> =
            (0..chance.below(3)).filter_map(|_| self.any_job(chance)).collect();
        needs.sort_unstable();
        needs.dedup();
        let deadline = chance
            .one_in(2)
            .then(|| self.millis() + i64::try_from(chance.below(40)).unwrap() * DAY / 2 - 10 * DAY);
        let piece = Piece {
            id: 0,
            project: index(chance, PROJECTS.len()),
            weight: 1 + i64::try_from(chance.below(4)).unwrap(),
            deadline,
            needs,
            source: chance.one_in(3).then(|| chance.below(3)),
            agent: AGENTS[index(chance, 4)],
            run: format!("run-{}", chance.below(2)),
            depth: 0,
            limit: 1 + u32::try_from(chance.below(3)).unwrap(),
            now: Now::Queued,
            lease: None,
            attempts: 0,
            failures: 0,
            bias: 0,
            at_risk: false,
            tokens: None,
        };
        self.enqueue(piece, parent, agent)
    }

    fn somebody_leases(&mut self, chance: &mut Chance) -> Checked {
        let worker = WORKERS[index(chance, 4)];
        let projects: Vec<usize> = match chance.below(3) {
            0 => vec![index(chance, 3)],
            _ => Vec::new(),
        };
        let leased = self.lease(worker, &projects, AGENTS[index(chance, 4)])?;
        Ok(format!("{worker} leases {leased:?}"))
    }

    /// A worker with a lease, or one that had it.
    fn a_lease(&self, chance: &mut Chance) -> Option<(i64, String, Option<u32>)> {
        let held: Vec<_> = self
            .model
            .pieces
            .values()
            .filter_map(|piece| Some((piece.id, piece.lease.clone()?)))
            .collect();
        if held.is_empty() || chance.one_in(8) {
            let id = self.any_job(chance)?;
            let attempt = chance.one_in(2).then(|| u32::try_from(chance.below(3)).unwrap());
            return Some((id, WORKERS[index(chance, 4)].into(), attempt));
        }
        let (id, lease) = held[index(chance, held.len())].clone();
        Some((id, lease.worker, chance.one_in(2).then_some(lease.attempt)))
    }

    fn a_worker_acts(&mut self, chance: &mut Chance) -> Checked {
        let Some((id, worker, attempt)) = self.a_lease(chance) else {
            return Ok("nobody works".into());
        };
        let holds = self.model.holds(id, &worker, attempt);
        let named = lease_ref(id, &worker, attempt);
        let at = self.millis();
        let did = match chance.below(9) {
            0..=1 => {
                let until = self.now + super::world::rules().lease;
                let done = self.store().jobs().renew(named, until).unwrap();
                if self.allowed(done, holds)? {
                    self.model.heard(id, at, false);
                }
                "renews"
            }
            2 => {
                let step = chance.one_in(2).then(|| "a step".to_owned());
                let until = self.now + super::world::rules().lease;
                let done =
                    self.store().jobs().output(named, step, until, words(), self.now).unwrap();
                if self.allowed(done, holds)? {
                    self.model.heard(id, at, true);
                }
                "gives output about"
            }
            3..=4 => self.ends_well(id, holds, named, chance)?,
            5 => {
                let tokens = chance.one_in(2).then(|| chance.below(600));
                let usage = Usage { tokens, ..Usage::default() };
                if self.change(id, holds, move |job, _| {
                    job.fail(&named, "broken".into(), usage).map(Some)
                })? {
                    self.model.fail(id, tokens);
                }
                "fails"
            }
            6 => {
                if self.change(id, holds, move |job, _| job.hand_back(&named).map(Some))? {
                    match self.model.piece(id).now {
                        Now::Asking(_) => {
                            self.model.pieces.get_mut(&id).unwrap().lease = None;
                        }
                        _ => self.model.set(id, Now::Queued),
                    }
                }
                "hands back"
            }
            7 => self.waits(id, holds, named)?,
            _ => self.resumes(id, holds, named)?,
        };
        Ok(format!("{worker} {did} {id} (has it: {holds})"))
    }

    fn ends_well(
        &mut self,
        id: i64,
        holds: bool,
        named: gander::core::jobs::LeaseRef,
        chance: &mut Chance,
    ) -> Result<&'static str, String> {
        if chance.one_in(4) {
            let why = "nothing to do".to_owned();
            if self.change(id, holds, move |job, _| job.find_not_needed(&named, why).map(Some))? {
                self.model.set(id, Now::NotNeeded);
            }
            return Ok("does not need");
        }
        let tokens = chance.one_in(2).then(|| chance.below(600));
        let usage = Usage { tokens, ..Usage::default() };
        let mut result = JobResult { usage, ..JobResult::default() };
        result.handoff.did = "all of it".into();
        if self.change(id, holds, move |job, _| job.finish(&named, result).map(Some))? {
            if let Some(tokens) = tokens {
                let piece = self.model.pieces.get_mut(&id).unwrap();
                piece.tokens = Some(piece.tokens.unwrap_or(0) + tokens);
            }
            self.model.set(id, Now::Done);
        }
        Ok("finishes")
    }

    fn waits(
        &mut self,
        id: i64,
        holds: bool,
        named: gander::core::jobs::LeaseRef,
    ) -> Result<&'static str, String> {
        if !holds {
            return Ok("is silent about");
        }
        let asked = self.ask();
        if self.change(id, true, move |job, _| {
            job.wait_for(&named, gander::core::decision::DecisionId(asked))
        })? {
            let lease = self.model.piece(id).lease.clone();
            self.model.set(id, Now::Asking(asked));
            self.model.pieces.get_mut(&id).unwrap().lease = lease;
        }
        Ok("asks about")
    }

    fn resumes(
        &mut self,
        id: i64,
        holds: bool,
        named: gander::core::jobs::LeaseRef,
    ) -> Result<&'static str, String> {
        let allowed = match self.model.piece(id).now {
            Now::Asking(on) => holds && self.model.replies.contains_key(&on),
            _ => holds,
        };
        let span = super::world::rules().lease;
        let waits = matches!(self.model.piece(id).now, Now::Asking(_));
        if self.change(id, allowed, move |job, at| job.resume(&named, at + span))? && waits {
            let at = self.millis();
            let piece = self.model.pieces.get_mut(&id).unwrap();
            piece.now = Now::Running { stuck: false, asked: None };
            self.model.heard(id, at, true);
        }
        Ok("resumes")
    }

    fn a_person_acts(&mut self, chance: &mut Chance) -> Checked {
        let Some(id) = self.any_job(chance) else { return Ok("nobody looks".into()) };
        let now = self.model.piece(id).now.clone();
        let over = now.is_over();
        let did = match chance.below(8) {
            0 => {
                if self.change(id, !over, |job, _| job.cancel(maya(), "no".into()).map(Some))? {
                    self.model.set(id, Now::Cancelled);
                }
                "cancels"
            }
            1 => {
                let allowed = !over && !matches!(now, Now::Guarded(_) | Now::Held);
                if self.change(id, allowed, |job, _| job.hold(maya()).map(Some))? {
                    self.model.set(id, Now::Held);
                }
                "holds"
            }
            2 => {
                let allowed = now == Now::Held;
                if self.change(id, allowed, |job, _| job.release(maya()).map(Some))? {
                    self.model.set(id, Now::Queued);
                }
                "releases"
            }
            3..=4 => return self.retries(id, &now),
            5 => {
                if self.change(id, !over, |job, _| job.give_up(maya(), String::new()).map(Some))? {
                    self.model.set(id, Now::Failed);
                }
                "gives up"
            }
            6 => {
                let to =
                    [Move::Up, Move::Down, Move::First, Move::Last, Move::Back][index(chance, 5)];
                if self.change(id, !over, move |job, _| job.move_to(maya(), to))? {
                    let bias = &mut self.model.pieces.get_mut(&id).unwrap().bias;
                    *bias = match to {
                        Move::Up => (*bias + 1).min(1_000),
                        Move::Down => (*bias - 1).max(-1_000),
                        Move::First => 1_000,
                        Move::Last => -1_000,
                        Move::Back => 0,
                    };
                }
                "moves"
            }
            _ => {
                let allowed = !over && self.model.piece(id).lease.is_none();
                if self.change(id, allowed, |job, _| {
                    job.finish_by(maya(), JobResult::default()).map(Some)
                })? {
                    self.model.set(id, Now::Done);
                }
                "does"
            }
        };
        Ok(format!("Maya {did} {id} ({now:?})"))
    }

    fn retries(&mut self, id: i64, now: &Now) -> Checked {
        let piece = self.model.piece(id);
        let fits = matches!(now, Now::Failed3(_) | Now::Blocked(_) | Now::Held) || now.is_dead();
        let taken = piece.source.and_then(|source| self.model.open_with_source(source));
        let free = taken.is_none_or(|other| other == id);
        let dead = self.model.dead_dependency(&piece.needs).is_some();
        let allowed = fits && free && !dead;
        if self.change(id, allowed, |job, _| job.retry(maya(), "try harder".into()).map(Some))? {
            self.model.pieces.get_mut(&id).unwrap().failures = 0;
            self.model.set(id, Now::Queued);
        }
        Ok(format!("Maya retries {id} ({now:?})"))
    }

    fn open_questions(&self) -> Vec<(i64, Now)> {
        let pieces = self.model.pieces.values();
        let asked = pieces.filter_map(|piece| Some((piece.now.decision()?, piece.now.clone())));
        asked.filter(|(on, _)| !self.model.replies.contains_key(on)).collect()
    }

    fn a_person_answers(&mut self, chance: &mut Chance) -> Checked {
        let open = self.open_questions();
        if open.is_empty() {
            return Ok("nobody asks".into());
        }
        let (on, now) = open[index(chance, open.len())].clone();
        let options: &[Reply] = match now {
            Now::Guarded(_) | Now::Asking(_) => {
                &[Reply::Approve, Reply::Approve, Reply::Reject, Reply::Withdraw]
            }
            Now::Running { .. } => &[
                Reply::Option("Stop and retry"),
                Reply::Option("Keep waiting"),
                Reply::Option("Give up"),
                Reply::Withdraw,
            ],
            _ => &[
                Reply::Option("Retry"),
                Reply::Option("Take over"),
                Reply::Reject,
                Reply::Withdraw,
            ],
        };
        let reply = options[index(chance, options.len())];
        self.reply(on, reply)?;
        Ok(format!("Maya answers #{on}: {reply:?}"))
    }

    fn halt_or_lift(&mut self, chance: &mut Chance) -> Checked {
        let project = chance.one_in(2).then(|| index(chance, 3));
        let name = project.map(|project| PROJECTS[project].to_owned());
        let jobs = self.store().jobs();
        if chance.one_in(2) {
            let halted = jobs.halt(name, maya(), words(), self.now).is_ok();
            super::world::agree("a halt", &halted, &!self.model.halted.contains(&project))?;
            if halted {
                self.model.halt(project);
            }
            return Ok(format!("Maya halts {project:?}: {halted}"));
        }
        let lifted = jobs.lift(name, maya(), words(), self.now).is_ok();
        let should = match project {
            None => !self.model.halted.is_empty(),
            project => !self.model.halted.contains(&None) && self.model.halted.contains(&project),
        };
        super::world::agree("the end of a halt", &lifted, &should)?;
        if lifted {
            self.model.lift(project);
        }
        Ok(format!("Maya lifts the halt of {project:?}: {lifted}"))
    }

    /// In the end everybody works and answers. Nothing may be left, and nobody may wait for ever.
    pub(super) fn end(&mut self) -> Result<(), String> {
        if !self.model.halted.is_empty() {
            self.store().jobs().lift(None, maya(), words(), self.now).unwrap();
            self.model.lift(None);
        }
        for _ in 0..20 + 4 * self.model.pieces.len() {
            for (on, now) in self.open_questions() {
                let reply = match now {
                    Now::Guarded(_) | Now::Asking(_) => Reply::Approve,
                    _ => Reply::Option("Give up"),
                };
                self.reply(on, reply)?;
            }
            self.sweep()?;
            let stopped: Vec<i64> = self
                .model
                .pieces
                .values()
                .filter(|piece| {
                    matches!(piece.now, Now::Held | Now::Blocked(_) | Now::Failed3(None))
                })
                .map(|piece| piece.id)
                .collect();
            for id in stopped {
                if !self.model.piece(id).now.is_over() {
                    self.change(id, true, |job, _| job.cancel(maya(), "no".into()).map(Some))?;
                    self.model.set(id, Now::Cancelled);
                }
            }
            if let Some(id) = self.lease("eve", &[], None)? {
                let named = lease_ref(id, "eve", None);
                let result = JobResult::default();
                self.change(id, true, move |job, _| job.finish(&named, result).map(Some))?;
                self.model.set(id, Now::Done);
            } else {
                self.pass_time(3 * MINUTE);
            }
            self.compare()?;
            if self.model.pieces.values().all(|piece| piece.now.is_over()) {
                return Ok(());
            }
        }
        let left = self.model.pieces.values().filter(|piece| !piece.now.is_over());
        Err(format!("these are left: {:?}", left.collect::<Vec<_>>()))
    }
}
