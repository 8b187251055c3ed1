//! The steps of a history. Each is drawn from a seed of its own, so that a step can be left out
//! without changing what the others draw: that is how a failing history is shortened.

use chrono::{TimeDelta, Timelike as _};
use gander::core::availability::{ContactTime, ContactUrgency, delivery_timings};
use gander::core::decision::{
    AgentCall, Ballot, Decision, DecisionId, DeskOutcome, Expects, Outcome, OwnPrompt, Priority,
    Request, Revision, Risk, Verdict, Via,
};
use gander::core::escalation::{Channel, Contact, ContactResult, DueStep, Stage};
use gander::core::policy::desk::DeskOffer;
use gander::core::policy::rules::{Rule, Rules};
use gander::core::values::channel::Addressee;
use gander::engine::clock::Clock as _;
use gander::engine::{Handle, HandleError};

use crate::common::chance::Chance;
use crate::questions::{PEOPLE, PROJECTS, pause, pick, request, rules, voter};
use crate::sink::Weather;
use crate::world::World;

type Done = Result<String, String>;

/// What an act came to, in a word; only what nobody may answer is a fault.
fn came<T>(result: Result<T, HandleError>) -> Done {
    match result {
        Ok(_) => Ok("done".into()),
        Err(HandleError::Refused(_, refused)) => Ok(format!("refused: {refused}")),
        Err(HandleError::InvalidRequest(why)) => Ok(format!("inadmissible: {why}")),
        Err(HandleError::Denied(..)) => Ok("denied".into()),
        Err(error) => Err(error.to_string()),
    }
}

impl World {
    /// One step. What it was, in words.
    pub(crate) async fn step(&mut self, number: u64, chance: &mut Chance) -> Done {
        self.tally.steps += 1;
        // Nothing can happen before something is asked.
        let what = match if number <= 2 { 0 } else { chance.below(26) } {
            0..=3 => self.ask(chance).await?,
            4..=6 => self.answer(chance).await?,
            7 | 8 => self.defer(chance).await?,
            9 => self.person(chance).await?,
            10 => self.agent_comes(chance).await?,
            11 => self.configure(chance).await?,
            12..=16 => self.until_the_next(chance).await?,
            17 | 18 => self.time_passes(chance).await?,
            19 => self.set_back(chance).await?,
            20 | 21 => self.dies(chance).await?,
            22 | 23 => self.tell(chance).await?,
            _ => self.weather(chance).await?,
        };
        self.check(false).map_err(|why| format!("{what}: {why}"))?;
        if self.sink.is_some() {
            let ms = pick(chance, &[0, 20, 90, 1_000, 70_000]);
            tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
            self.check(false).map_err(|why| format!("{what}, then the board: {why}"))?;
        }
        Ok(what)
    }

    fn some(&self, chance: &mut Chance) -> Option<Decision> {
        let all: Vec<DecisionId> = self.reference.cases.keys().copied().collect();
        let open = self.reference.open();
        let from = if open.is_empty() || chance.one_in(4) { all } else { open };
        if from.is_empty() {
            None
        } else {
            self.store().decisions().get(pick(chance, &from)).unwrap()
        }
    }

    async fn ask(&mut self, chance: &mut Chance) -> Done {
        if self.reference.open().len() >= 4 {
            return Ok("enough is asked".into());
        }
        if self.sink.is_some() && self.reference.open().is_empty() && chance.one_in(2) {
            return self.ask_many(chance).await;
        }
        let request = request(chance);
        let words = format!(
            "ask {} of {} ({}, {:?}, SLA {:?})",
            request.title, request.project, request.risk, request.safe_default, request.sla_seconds
        );
        // One agent in six has read rules that allow it more.
        let handle =
            if chance.one_in(6) { self.agent(lax(&self.rules)) } else { self.handle().clone() };
        if chance.one_in(8) {
            return self.ask_by_gate(chance, request).await;
        }
        let came = came(handle.approvals().ask(request).await)?;
        // As the watch on the store's folder would.
        self.handle().hint();
        Ok(format!("{words}: {came}"))
    }

    /// Asks about a tool call, mostly with somebody at the desk.
    async fn ask_by_gate(&mut self, chance: &mut Chance, request: Request) -> Done {
        let key = request.dedup_key.as_ref().map(|key| format!("gate:{key}"));
        let call = Request {
            kind: "permission".into(),
            expects: Expects::Approve,
            options: Vec::new(),
            safe_default: None,
            body: "make".into(),
            dedup_key: key,
            ..request
        };
        let call_of_agent = AgentCall::default();
        let offer = DeskOffer { prompt: OwnPrompt::Both, call: call_of_agent };
        let offer = (!chance.one_in(4)).then_some(offer);
        let words = format!("ask {} by a gate ({}): {offer:?}", call.title, call.risk);
        let came = came(self.handle().gates().ask(call, offer).await)?;
        Ok(format!("{words}: {came}"))
    }

    /// So many at once that they share a card.
    async fn ask_many(&mut self, chance: &mut Chance) -> Done {
        let project = pick(chance, &PROJECTS);
        for n in 0..3 {
            let request = Request {
                title: format!("One of several, {n}?"),
                project: project.into(),
                risk: Risk::Low,
                ..Request::default()
            };
            came(self.handle().approvals().ask(request).await)?;
        }
        Ok(format!("ask three of {project} at once"))
    }

    async fn answer(&mut self, chance: &mut Chance) -> Done {
        let Some(decision) = self.some(chance) else { return Ok("nothing to answer".into()) };
        let verdict = verdict(chance, &decision);
        let ballot =
            Ballot { verdict, confirmation: decision.confirmation().filter(|_| !chance.one_in(4)) };
        let seen = Revision(decision.revision.0.saturating_sub(u32::from(chance.one_in(6))));
        let (id, who, words) = (decision.id, pick(chance, &PEOPLE), ballot.verdict.word());
        let came = came(
            self.handle().approvals().resolve(id, seen, &voter(who), Via::Discord, ballot).await,
        )?;
        Ok(format!("person {who}: {words} {id}: {came}"))
    }

    async fn defer(&mut self, chance: &mut Chance) -> Done {
        let Some(decision) = self.some(chance) else { return Ok("nothing to put off".into()) };
        let span = pick(chance, &[60_i64, 3_600, 86_400, 7 * 86_400, 8 * 86_400, -1]);
        let until = self.clock.now() + TimeDelta::seconds(span);
        let who = voter(pick(chance, &PEOPLE));
        let came = came(
            self.handle().approvals().defer(decision.id, decision.revision, &who, until).await,
        )?;
        Ok(format!("put {} off for {span} s: {came}", decision.id))
    }

    async fn person(&mut self, chance: &mut Chance) -> Done {
        let Some(decision) = self.some(chance) else { return Ok("nothing to act on".into()) };
        let (id, who, handle) = (decision.id, voter(pick(chance, &PEOPLE)), self.handle().clone());
        match chance.below(6) {
            4 => {
                let came = came(
                    handle
                        .approvals()
                        .propose(id, decision.revision, &who, Via::Mcp, verdict(chance, &decision))
                        .await,
                )?;
                Ok(format!("want {id} decided: {came}"))
            }
            0 => Ok(format!("take {id}: {}", came(handle.approvers().take(id, &who).await)?)),
            1 => Ok(format!(
                "hand {id} over: {}",
                came(handle.approvers().hand_over(id, &who, &voter(pick(chance, &PEOPLE))).await)?
            )),
            2 => {
                let priority = pick(chance, &[Priority::Low, Priority::High, Priority::Urgent]);
                Ok(format!(
                    "{id} is {priority}: {}",
                    came(handle.approvers().prioritize(id, &who, priority).await)?
                ))
            }
            _ => Ok(format!("undo {id}: {}", came(handle.approvals().undo(id, &who).await)?)),
        }
    }

    async fn agent_comes(&mut self, chance: &mut Chance) -> Done {
        let Some(decision) = self.some(chance) else { return Ok("nothing to come for".into()) };
        let (id, handle) = (decision.id, self.handle().clone());
        if decision.desk.is_some() && !chance.one_in(3) {
            let gates = handle.gates();
            if chance.one_in(2) {
                return Ok(format!(
                    "leave the desk of {id}: {}",
                    came(gates.leave_desk(id).await)?
                ));
            }
            let outcome = pick(chance, &[DeskOutcome::Ran, DeskOutcome::Closed]);
            let came = came(gates.end_at_desk(id, outcome).await)?;
            return Ok(format!("the prompt of {id} ends, {outcome:?}: {came}"));
        }
        match chance.below(4) {
            0 => Ok(format!(
                "withdraw {id}: {}",
                came(handle.approvals().withdraw(id, "not needed").await)?
            )),
            1 => Ok(format!(
                "report on {id}: {}",
                came(handle.approvals().report(id, Outcome::Succeeded, "well").await)?
            )),
            _ => Ok(format!("claim {id}: {}", came(handle.approvals().claim(id).await)?)),
        }
    }

    /// The configuration changes: at once, or for the next program.
    async fn configure(&mut self, chance: &mut Chance) -> Done {
        let mut next = rules(chance);
        if chance.one_in(2) {
            // Another ladder, and all else as it was.
            next.projects = std::mem::take(&mut self.rules.projects)
                .into_iter()
                .zip(next.projects)
                .map(|((name, was), (_, is))| (name, Rule { ladder: is.ladder, ..was }))
                .collect();
        }
        self.rules = next.clone();
        if chance.one_in(3) {
            self.die().await;
            return Ok("it dies, and comes again with other rules".into());
        }
        let handle: Handle = self.handle().clone();
        handle.set_rules(next.clone());
        handle.operations().enforce_rules().await.map_err(|error| error.to_string())?;
        for id in self.reference.open() {
            let decision = self.store().decisions().get(id).unwrap().unwrap();
            let rule = &next.projects[&decision.request.project];
            let ladder = rule
                .ladder
                .as_ref()
                .or_else(|| next.ladder_by_risk.get(&decision.terms.risk))
                .unwrap_or(&next.ladder);
            let ladder = ladder.with_channels(|channel| next.channels.has(channel));
            let sla = decision.terms.sla_seconds;
            if decision.terms.ladder != ladder
                || sla < next.sla_floor_seconds
                || rule.risk.is_some_and(|risk| decision.terms.risk < risk)
            {
                return Err(format!(
                    "{id} is not rules applied that hold now: {:?}",
                    decision.terms
                ));
            }
        }
        Ok("other rules".into())
    }

    async fn until_the_next(&mut self, chance: &mut Chance) -> Done {
        let Some(wake) = self.reference.wakes() else { return self.time_passes(chance).await };
        let left = TimeDelta::milliseconds((wake - self.clock.now().timestamp_millis()).max(0));
        let by = if chance.one_in(6) { left - TimeDelta::milliseconds(1) } else { left }
            .max(TimeDelta::zero());
        self.pass(by).await?;
        Ok(format!("{} until the next moment", gander::presentation::text::span(by)))
    }

    async fn time_passes(&mut self, chance: &mut Chance) -> Done {
        let by = pause(chance);
        self.pass(by).await?;
        Ok(format!("{} pass", gander::presentation::text::span(by)))
    }

    async fn set_back(&mut self, chance: &mut Chance) -> Done {
        let by = pick(chance, &[1_i64, 60, 3_600, 10 * 3_600, 2 * 86_400]);
        self.pass(TimeDelta::seconds(-by)).await?;
        Ok(format!("the clock is set back by {by} s"))
    }

    /// The program dies between two steps, or while it does what is due.
    async fn dies(&mut self, chance: &mut Chance) -> Done {
        if chance.one_in(3) {
            self.die().await;
            return Ok("it dies".into());
        }
        let left = self
            .reference
            .wakes()
            .map_or(0, |wake| (wake - self.clock.now().timestamp_millis()).max(0));
        let by = TimeDelta::milliseconds(left)
            + if chance.one_in(2) { pause(chance) } else { TimeDelta::zero() };
        self.advance(by).await?;
        self.tally.jump(by);
        let after = chance.below(6);
        self.let_come_due(Some(after)).await?;
        if chance.one_in(2) {
            self.let_come_due(None).await?;
        }
        Ok(format!(
            "{} pass, and it dies within (after {after})",
            gander::presentation::text::span(by)
        ))
    }

    /// Whoever reaches people says what came of it.
    async fn tell(&mut self, chance: &mut Chance) -> Done {
        let mut told = 0;
        let nobody = chance.one_in(3);
        for (id, seq, step) in std::mem::take(&mut self.to_tell) {
            let decision = self.store().decisions().get(id).unwrap().unwrap();
            let contacts = self.contacts(chance, &step, decision.terms.risk, nobody).await?;
            let complete = !chance.one_in(5);
            came(self.handle().escalation().record_contacts(id, seq, contacts, complete).await)?;
            told += 1;
        }
        self.check(false)?;
        // What reached nobody makes the next rung due at once.
        self.let_come_due(None).await?;
        Ok(format!(
            "{told} rungs are told of{}",
            if nobody { ", and nobody is reached" } else { "" }
        ))
    }

    async fn contacts(
        &mut self,
        chance: &mut Chance,
        step: &DueStep,
        risk: Risk,
        nobody: bool,
    ) -> Result<Vec<Contact>, String> {
        let now = self.clock.now();
        let urgency = if step.stage >= Stage::Breach {
            ContactUrgency::Breach
        } else {
            ContactUrgency::Usual
        };
        let mut people = Vec::new();
        for user in PEOPLE {
            people.push(
                self.handle()
                    .availability()
                    .person_status(user, "x")
                    .await
                    .map_err(|error| error.to_string())?,
            );
        }
        let meant: Vec<_> = people.iter().map(|person| person.availability(now)).collect();
        let reaches = delivery_timings(&meant, urgency, risk);
        let mut contacts = Vec::new();
        for channel in &step.by {
            let personal = match channel {
                Channel::Dm => true,
                Channel::Mention | Channel::Here => false,
                Channel::External(channel) => channel.addressee() == Addressee::Person,
            };
            for (person, reach) in people.iter().zip(&reaches) {
                let hour = now.with_timezone(&person.profile.zone).hour();
                let asleep = !(7..22).contains(&hour)
                    && urgency == ContactUrgency::Usual
                    && risk != Risk::Critical;
                if asleep != matches!(reach, ContactTime::Held { .. }) {
                    return Err(format!("it is {hour} in {}, and {reach:?}", person.profile.zone));
                }
                let failed = || ContactResult::Failed { why: "direct messages are closed".into() };
                let came = match reach {
                    _ if nobody || chance.one_in(4) => failed(),
                    ContactTime::Now => ContactResult::Reached,
                    ContactTime::Held { until, .. } => ContactResult::Held { until: *until },
                    ContactTime::PassedOver { until } => ContactResult::Away { until: *until },
                };
                self.tally.count(match &came {
                    ContactResult::Reached => "reached",
                    ContactResult::Held { .. } => "held back in quiet hours",
                    _ => "not reached",
                });
                let who = personal.then(|| voter(person.profile.user).person);
                contacts.push(Contact { who, channel: *channel, result: came });
            }
        }
        Ok(contacts)
    }

    async fn weather(&mut self, chance: &mut Chance) -> Done {
        let Some(sink) = self.sink.clone() else { return self.until_the_next(chance).await };
        if chance.one_in(4) {
            self.calm().await?;
            return Ok("fair weather, and every card is true".into());
        }
        if chance.one_in(3) {
            let Some(message) = sink.delete(chance) else {
                return Ok("there is no message to delete".into());
            };
            // Of what is deleted while the connection is lost nothing is heard.
            if let Some(reconciler) = self.reconciler().filter(|_| chance.one_in(2)) {
                reconciler.deleted(message.clone()).await;
            }
            return Ok(format!("somebody deletes message {message}"));
        }
        let weather = pick(
            chance,
            &[
                Weather::Fair,
                Weather::Faults(2),
                Weather::Faults(4),
                Weather::Faults(4),
                Weather::Outage,
                Weather::ShutOut,
                Weather::NoChannel,
            ],
        );
        sink.weather(weather);
        self.tally.count(format!("weather: {weather:?}"));
        Ok(format!("weather: {weather:?}"))
    }
}

/// What an agent may have read: no risk, no floor, and silence approves.
fn lax(rules: &Rules) -> Rules {
    let rule = || Rule { allow_default_approve: true, ..Rule::default() };
    Rules {
        projects: rules.projects.keys().map(|name| (name.clone(), rule())).collect(),
        sla_floor_seconds: 1,
        ..rules.clone()
    }
}

fn verdict(chance: &mut Chance, decision: &Decision) -> Verdict {
    match (chance.one_in(3), decision.request.expects) {
        (true, _) => Verdict::Rejected { reason: "no".into() },
        (_, Expects::Approve) => Verdict::approved(),
        (_, Expects::Choose) => Verdict::Chosen { option: "left".into() },
        (_, Expects::Answer) => Verdict::answered("so".into()),
    }
}
