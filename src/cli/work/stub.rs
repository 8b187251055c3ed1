//! The stub: an agent within this process, for tests, for demonstrations and for the walking
//! skeleton. It leaves a mark in the folder that it works in, and changes nothing else.

use std::io::Write as _;
use std::path::Path;

use serde_json::json;

use super::leased::LeasedJob;
use super::stopping::WorkError;
use super::task_file::written;
use crate::core::jobs::{Enqueuer, Handoff, InvalidJob, Job, JobRequest, JobSource};
use crate::disk::{FileError, Folder};
use crate::engine::{HandleError, JobFilter};

/// What a stub does beside leaving its mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stub {
    Plain,
    /// Enqueues jobs without end: shows that the queue's guards hold.
    Flood,
}

/// Jobs that a flooding stub enqueues for each of its own.
const FLOOD: u32 = 5;
/// Folder of everything that Gander writes for runs.
pub(super) const GANDER: &str = ".gander";
/// Folder of the marks within that of a run.
const MARKS: &str = "marks";

impl Stub {
    pub(super) fn of(word: &str) -> Option<Self> {
        match word {
            "stub" => Some(Self::Plain),
            "stub:flood" => Some(Self::Flood),
            _ => None,
        }
    }

    /// Does a job in a folder. A mark that is there already is of an attempt that was killed: the
    /// work was done, and is not done again.
    pub(super) async fn work(self, leased: &LeasedJob, root: &Path) -> Result<Handoff, WorkError> {
        let job = leased.job();
        let mark = format!("{GANDER}/run/{}/{MARKS}/{}.json", folder_name(&job.run), job.id.0);
        leave_mark(&job, root, &written(leased.handle.now())).map_err(|error| {
            WorkError::failed(format!("the mark {mark} cannot be written: {error}"))
        })?;
        leased.step(&format!("left the mark {mark}")).await?;
        let more = match self {
            Self::Plain => 0,
            Self::Flood => flood(leased, &job).await?,
        };
        let for_next = match more {
            0 => "Nothing: a stub only shows the way of a job.".to_owned(),
            more => format!("{more} more jobs were enqueued."),
        };
        Ok(Handoff {
            goal: job.request.title,
            did: format!("Left the mark {mark}."),
            for_next,
            evidence: format!("{mark} exists."),
            files_touched: vec![mark],
            assumptions: String::new(),
        })
    }
}

/// The name of a run as a folder's.
pub(super) fn folder_name(run: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '-' };
    run.chars().take(80).map(plain).collect()
}

/// Opens a folder within another, and makes what is missing on the way. No part may be a link.
pub(super) fn within(root: &Folder, parts: &[&str]) -> Result<Folder, FileError> {
    let mut folder = root.folder(Path::new("."))?;
    for part in parts {
        folder.make_folder(Path::new(part))?;
        folder = folder.folder(Path::new(part))?;
    }
    Ok(folder)
}

fn leave_mark(job: &Job, root: &Path, at: &str) -> Result<(), FileError> {
    let marks = within(&Folder::open(root)?, &[GANDER, "run", &folder_name(&job.run), MARKS])?;
    let name = format!("{}.json", job.id.0);
    let mut file = match marks.create(Path::new(&name)) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let text = json!({
        "job": job.id.0, "run": job.run, "type": job.request.job_type,
        "title": job.request.title, "attempt": job.attempts, "at": at,
    });
    writeln!(file, "{text}")?;
    Ok(file.sync_all()?)
}

/// Enqueues jobs until a guard stands. Returns how many were enqueued.
async fn flood(leased: &LeasedJob, job: &Job) -> Result<u32, WorkError> {
    let mut more = 0;
    for number in 0..FLOOD {
        let source =
            JobSource { name: format!("stub:{}", job.run), id: format!("{}-{number}", job.id.0) };
        // While this one was killed, those that it enqueued may have been done.
        let filter = JobFilter {
            source: Some(source.name.clone()),
            source_id: Some(source.id.clone()),
            ..JobFilter::default()
        };
        if !leased.handle.jobs().list(filter).await?.is_empty() {
            continue;
        }
        let request = JobRequest {
            title: format!("More work {} after {}", number + 1, job.id),
            project: job.request.project.clone(),
            job_type: "flood".into(),
            source: Some(source),
            parent: Some(job.id),
            agent: job.request.agent.clone(),
            by: Enqueuer::Agent { name: "stub".into() },
            ..JobRequest::default()
        };
        match leased.handle.jobs().enqueue(request).await {
            Ok(_) => more += 1,
            Err(HandleError::InvalidJob(
                why @ (InvalidJob::GuardAsked { .. } | InvalidJob::GuardRefused { .. }),
            )) => {
                leased.step(&format!("enqueues no more: {why}")).await?;
                break;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_a_harmless_name_of_a_folder() {
        for (run, expected) in
            [("job-7", "job-7"), ("../../etc", "------etc"), (".", "-"), ("a b\0", "a-b-")]
        {
            assert_eq!(folder_name(run), expected);
        }
    }

    #[test]
    fn a_folder_behind_a_link_is_refused() {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path().join("root");
        std::fs::create_dir(&root).unwrap();
        std::os::unix::fs::symlink(temporary.path(), root.join(GANDER)).unwrap();
        assert!(within(&Folder::open(&root).unwrap(), &[GANDER, "run"]).is_err());
        assert!(!temporary.path().join("run").exists());
    }
}
