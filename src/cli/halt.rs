//! `gander halt`: stops all jobs at once, or lets them go on.

use clap::Args;

use super::{Common, Exit, Failure, Outcome, job, output};
use crate::core::policy::rules::project_name;
use crate::engine::HandleError;
use crate::presentation::json;

#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 done, 1 it was halted already, or not halted, 2 bad usage \
    or configuration, 75 the store was locked, 70 internal error")]
pub(super) struct Halt {
    /// Only this project
    #[arg(long)]
    project: Option<String>,
    /// Let the queue go on; without a project, end all halts
    #[arg(long)]
    lift: bool,
}

impl Halt {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let (opened, by) = (common.open()?, job::person(common)?);
        let (handle, project) = (&opened.handle, self.project.as_deref().map(project_name));
        let jobs = handle.jobs();
        let changed = match self.lift {
            false => jobs.halt(project.clone(), by).await,
            true => jobs.lift_halt(project.clone(), by).await,
        };
        let outcome = match changed {
            Err(error @ HandleError::Halt(_)) => return Err(Failure::new(Exit::No, error)),
            changed => changed?,
        };
        if common.json {
            let scale = handle.time_scale();
            let jobs: Vec<_> = outcome.jobs.iter().map(|job| json::job(job, scale)).collect();
            let state = if self.lift { "lifted" } else { "halted" };
            output::json(&serde_json::json!({ "halt": state, "project": project, "jobs": jobs }));
            return Ok(Exit::Yes);
        }
        let (done, what) =
            if self.lift { ("The halt is over", "goes on") } else { ("Halted", "stopped") };
        let whole = project.map_or_else(|| "all projects".into(), |name| format!("project {name}"));
        output::line(&format!("{done}: {whole}."));
        for job in &outcome.jobs {
            let kept = job.worktree.as_ref().map_or_else(String::new, |path| format!(" ({path})"));
            output::line(&format!("{what}: {} {}{kept}", job.id, job.request.title));
        }
        Ok(Exit::Yes)
    }
}
