//! `gander resume`: starts agents again that ended before their call was decided, with the answer
//! as the prompt. `gander serve` does the same by itself where `[resume]` says so.

mod automatic;
mod launch;
mod plan;

use clap::Args;

pub(super) use self::automatic::run as run_automatically;
use self::launch::{Output, Start};
pub(super) use self::plan::Surroundings;
use self::plan::{Judged, Plan};
use super::{Common, Exit, Failure, Outcome, output};
use crate::core::decision::DecisionId;
use crate::core::decision::resumption::{ResumeEnd, UnknownEnd};
use crate::core::untrusted::one_line;
use crate::engine::Handle;
use crate::presentation::text;

#[derive(Debug, Args)]
#[command(
    after_help = "Without a number and without --all, the command only lists. Exit status: 0 \
        all that was wanted was started and finished, or listed, 1 an agent could not be started, \
        or failed, 2 bad usage or configuration, 75 the store was locked, 70 internal error"
)]
pub(super) struct ResumeArgs {
    /// The decisions whose agents go on
    #[arg(value_name = "ID", conflicts_with = "all")]
    ids: Vec<DecisionId>,
    /// Start every agent that is owed an answer, one after the other
    #[arg(long)]
    all: bool,
    /// Only show what would be started
    #[arg(long)]
    dry_run: bool,
}

impl ResumeArgs {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let config = common.config()?;
        let opened = common.open()?;
        let handle = &opened.handle;
        let surroundings = Surroundings::new(&config, &opened.store);
        handle.resumptions().expire().await?;
        let parked = handle.resumptions().all().await?;
        let listed = plan::judge(parked, &surroundings, handle.now()).await;
        if !self.all && self.ids.is_empty() {
            return show(&listed, handle, common.json);
        }
        // A person who names a decision has looked at its session.
        let unknown = if self.all { UnknownEnd::Prevents } else { UnknownEnd::SeenByPerson };
        let mut outcome = Exit::Yes;
        for plan in self.chosen(listed, handle)? {
            if self.dry_run {
                output::line(&plan.to_string());
                continue;
            }
            output::progress(&format!("starting {plan}"));
            let how = match launch::start(handle, &plan, unknown, Output::Shared).await? {
                Start::Running(launched) => launched.watch(handle).await?,
                Start::Failed => ResumeEnd::NotStarted,
                Start::EndUnknown => {
                    output::progress(text::resume::END_UNKNOWN);
                    outcome = Exit::No;
                    continue;
                }
                Start::NotOwed => {
                    output::progress("nothing was started: another process was faster");
                    outcome = Exit::No;
                    continue;
                }
            };
            output::progress(&format!("it {}", text::resume::end_words(how)));
            if how != ResumeEnd::Finished {
                outcome = Exit::No;
            }
        }
        Ok(outcome)
    }

    /// What to start, one plan per session.
    fn chosen(&self, listed: Vec<Judged>, handle: &Handle) -> Result<Vec<Plan>, Failure> {
        let mut plans: Vec<Plan> = Vec::new();
        let mut missing = self.ids.clone();
        for Judged { parked, standing, startable } in listed {
            let id = parked.decision.id;
            if !self.all && !self.ids.contains(&id) {
                continue;
            }
            missing.retain(|wanted| *wanted != id);
            match startable {
                Some(Ok(plan)) => plan::add(&mut plans, plan),
                Some(Err(obstacle)) if self.all => {
                    let why = text::resume::obstacle(&obstacle);
                    output::progress(&format!("{id} is left out: {why}"));
                }
                Some(Err(obstacle)) => {
                    let why = text::resume::obstacle(&obstacle);
                    return Err(Failure::new(Exit::No, format!("{id} cannot be started: {why}")));
                }
                None if self.all => {}
                None => {
                    let why = text::resume::standing(standing, handle.now());
                    return Err(Failure::new(Exit::No, format!("{id} is not started: {why}")));
                }
            }
        }
        match missing.first() {
            Some(id) => {
                let words = format!(
                    "no agent waits for {id} at a gate of this machine that Gander could start"
                );
                Err(Failure::new(Exit::No, words))
            }
            None => Ok(plans),
        }
    }
}

fn show(listed: &[Judged], handle: &Handle, as_json: bool) -> Outcome {
    let now = handle.now();
    let why = |listed: &Judged| match &listed.startable {
        Some(Err(obstacle)) => {
            format!("the agent ended, but cannot be started: {}", text::resume::obstacle(obstacle))
        }
        _ => text::resume::standing(listed.standing, now),
    };
    if as_json {
        let all: Vec<_> = listed
            .iter()
            .map(|one| {
                let seat = &one.parked.resumption.seat;
                serde_json::json!({
                    "decision": one.parked.decision.id.0,
                    "title": text::title(&one.parked.decision.request),
                    "agent": seat.agent,
                    "session": seat.session,
                    "folder": seat.folder.path,
                    "standing": text::resume::standing_word(one.standing),
                    "startable": matches!(one.startable, Some(Ok(_))),
                    "why": why(one),
                })
            })
            .collect();
        output::json(&all);
        return Ok(Exit::Yes);
    }
    if listed.is_empty() {
        output::line("No agent waits at a gate of this machine.");
    }
    for one in listed {
        let (decision, seat) = (&one.parked.decision, &one.parked.resumption.seat);
        output::line(&format!(
            "{:>6}  {:<11}  {}\n        {} in {} · {}",
            decision.id.to_string(),
            text::resume::standing_word(one.standing),
            one_line(&text::title(&decision.request)),
            seat.agent,
            seat.folder.path.display(),
            why(one),
        ));
    }
    Ok(Exit::Yes)
}
