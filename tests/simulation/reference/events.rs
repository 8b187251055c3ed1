//! How each event changes where a decision stands, and which of them cannot be.

use super::*;

/// How long people elsewhere are not asked.
const QUIET: At = 600_000;

fn must(holds: bool, else_: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(else_) }
}

impl Case {
    pub(super) fn follow(&mut self, event: &Event, at: At, seq: u64) -> Result<(), &'static str> {
        match event {
            Event::Revised { request, terms } => {
                must(
                    self.is_open() && terms.risk >= self.terms.risk,
                    "it cannot be asked again like this",
                )?;
                self.revised(request, terms);
            }
            Event::Enforced { terms } => {
                must(self.is_open() && terms.risk >= self.terms.risk, "rules do not change this")?;
                self.enforced(terms, at);
            }
            Event::Deferred { until, .. } => {
                self.deferrals += 1;
                let until = until.timestamp_millis();
                must(
                    self.is_open() && at < until && until <= at + 7 * DAY && self.deferrals <= 3,
                    "it cannot be put off",
                )?;
                (self.stands, self.reached, self.desk) = (Stands::PutOff { until }, None, None);
            }
            Event::Returned => {
                must(
                    matches!(self.stands, Stands::PutOff { until } if until <= at),
                    "it does not come back now",
                )?;
                self.begin(at);
            }
            Event::StepFired { step } => self.climbed(step, at, seq),
            Event::ContactsRecorded { position, contacts, complete } => {
                self.told(*position, contacts, *complete, at)?
            }
            Event::Lapsed { of } => {
                must(
                    self.is_open() && of.iter().all(|by| self.voted.remove(&by.id)),
                    "nobody's vote is lost",
                )?;
            }
            // It decides nothing and moves no time.
            Event::Proposed { .. } => {}
            Event::Voted { .. } | Event::Taken { .. } | Event::Resolved { .. } => {
                self.decide(event, at)?
            }
            // It orders what waits, and changes nothing of when and how it is decided.
            Event::Prioritized { .. } => must(self.is_open(), "nobody wants it any more")?,
            Event::Undone { .. } => {
                let fresh = matches!(self.stands, Stands::Decided { at: given, claimed: false } if at <= given + DAY);
                must(fresh, "it cannot be undone")?;
                self.verdicts = 0;
                self.voted.clear();
                self.begin(at);
            }
            Event::AskedAtDesk { .. } | Event::LeftDesk | Event::EndedAtDesk { .. } => {
                self.at_desk(event, at)?
            }
            Event::Withdrawn { .. } => {
                must(self.is_open(), "it cannot be withdrawn")?;
                self.stands = Stands::Withdrawn;
            }
            Event::Claimed | Event::Reported { .. } => {
                let Stands::Decided { claimed, .. } = &mut self.stands else {
                    return Err("there is no verdict");
                };
                *claimed = true;
            }
            _ => return Err("this does not happen here"),
        }
        Ok(())
    }

    /// What was said at a lower risk counts no more, and is asked of everybody.
    fn enforced(&mut self, terms: &Terms, at: At) {
        if terms.risk > self.terms.risk {
            self.voted.clear();
            if self.desk.take().is_some() {
                self.begin(at);
            }
        }
        self.terms = terms.clone();
    }

    /// Somebody is at the desk, or was.
    fn at_desk(&mut self, event: &Event, at: At) -> Result<(), &'static str> {
        match event {
            Event::AskedAtDesk { until, .. } => {
                let until = until.timestamp_millis();
                let longest = self.desk.unwrap_or(at + QUIET).min(at + QUIET);
                must(
                    self.stands == Stands::Waits
                        && until <= longest
                        && self.terms.risk <= Risk::High
                        && self.needed() == 1
                        && self.voted.is_empty(),
                    "nobody may be asked at the desk",
                )?;
                (self.desk, self.prompted) = (Some(until), true);
            }
            Event::LeftDesk => {
                must(self.desk.take().is_some(), "it is not at the desk")?;
                self.begin(at);
            }
            Event::EndedAtDesk { .. } => {
                must(self.is_open() && self.prompted, "no prompt has asked")?;
                (self.stands, self.desk) = (Stands::Withdrawn, None);
            }
            _ => {}
        }
        Ok(())
    }

    fn climbed(&mut self, step: &DueStep, at: At, seq: u64) {
        let planned = step.planned.timestamp_millis();
        let (stage, last, contacts) = (step.stage, step.default, BTreeMap::new());
        self.reached = Some(Reached {
            stage,
            planned,
            fired: at,
            seq,
            last,
            contacts,
            complete: false,
            of_another: false,
        });
    }

    /// Asked again, so that what was told and voted was about something else.
    fn revised(&mut self, request: &Request, terms: &Terms) {
        (self.request, self.terms, self.told_of_breach) = (request.clone(), terms.clone(), None);
        if let Some(reached) = &mut self.reached {
            reached.of_another = true;
        }
        self.revision += 1;
        self.voted.clear();
    }

    /// What came of the tries to reach people.
    fn told(
        &mut self,
        position: u64,
        contacts: &[Contact],
        complete: bool,
        at: At,
    ) -> Result<(), &'static str> {
        let open = self.is_open();
        let reached = self
            .reached
            .as_mut()
            .filter(|reached| open && reached.seq == position)
            .ok_or("nobody asks that")?;
        for Contact { who, channel, result: came } in contacts {
            let reaches = matches!(came, ContactResult::Reached | ContactResult::Held { .. });
            reached
                .contacts
                .insert((who.as_ref().map(|who| who.id.clone()), channel.word()), reaches);
        }
        reached.complete = complete;
        // The rung that ends it tells people nothing that they could answer any more.
        let warns = reached.stage >= Stage::Breach && !reached.last;
        // Told twice of one way at once, the later counts.
        let latest: BTreeMap<_, _> = contacts
            .iter()
            .map(|Contact { who, channel, result: came }| {
                ((who.as_ref().map(|who| &who.id), channel.word()), came)
            })
            .collect();
        if warns
            && !reached.of_another
            && latest.values().any(|came| **came == ContactResult::Reached)
        {
            self.told_of_breach.get_or_insert(at);
        }
        Ok(())
    }

    /// What people do to come to a verdict; and silence.
    fn decide(&mut self, event: &Event, at: At) -> Result<(), &'static str> {
        match event {
            Event::Voted { by, .. } => {
                let new = self.voted.insert(by.id.clone());
                must(self.is_open() && new && self.needed() > 1, "nobody can vote")?;
            }
            Event::Taken { .. } => {
                must(self.is_open(), "nobody can take it")?;
                if matches!(self.stands, Stands::PutOff { .. }) {
                    self.begin(at);
                }
            }
            Event::Resolved { verdict, via, .. } => {
                must(self.is_open() && self.verdicts == 0, "it has a verdict")?;
                let enough = self.voted.len() + 1 >= self.needed() as usize || !via.is_person();
                must(
                    enough || matches!(verdict, Verdict::Rejected { .. }),
                    "others must approve, too",
                )?;
                self.verdicts += 1;
                self.desk = None;
                self.stands = Stands::Decided { at, claimed: false };
            }
            _ => {}
        }
        Ok(())
    }
}
