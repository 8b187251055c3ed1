//! Reconciles a drop folder with the store: asks, revises and withdraws questions, and delivers
//! verdicts.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::Path;
use std::sync::Arc;

use chrono::TimeDelta;

use super::paper::{Report, VerdictFile};
use super::spool::{INBOX, Name, OUTCOMES, Spool, Take};
use super::survey::{Draft, Memory, Sight, Survey, survey};
use super::{DropFolder, KEY, Looked};
use crate::core::Time;
use crate::core::decision::{Attachment, Decision, DecisionId, Request, State};
use crate::engine::{Asked, Filter, Handle, HandleError};
use crate::sources::agent_task::Trouble;

/// How long a file must be missing before its question is withdrawn: some programs replace a file
/// by removing it first.
const GONE_FOR: TimeDelta = TimeDelta::seconds(1);

/// Reason of a withdrawal: the file is gone.
const GONE: &str = "its file was taken out of the drop folder";
/// Reason of a withdrawal: the drop folder is no longer configured.
pub(super) const UNCONFIGURED: &str = "its drop folder is no longer configured";

/// The reconciler of a drop folder.
#[derive(Debug)]
pub(super) struct Desk {
    spool: Spool,
    project: Option<String>,
    memory: Memory,
    /// Names with an undelivered final state, and the decision's number: the verdict file still
    /// says "open", or an intent exists. `None` until the first scan reads the disk.
    untold: Option<BTreeMap<String, i64>>,
    /// Missing files, and since when.
    missing: HashMap<String, Time>,
}

impl Desk {
    pub(super) fn new(folder: &DropFolder, store: &Path) -> Self {
        Self {
            spool: Spool::of(&folder.path, store),
            project: folder.project.clone().filter(|project| !project.trim().is_empty()),
            memory: Memory::default(),
            untold: None,
            missing: HashMap::new(),
        }
    }

    pub(super) fn root(&self) -> &Path {
        &self.spool.root
    }

    fn key(&self, name: &str) -> String {
        format!("{KEY}{}:{name}", self.spool.root.display())
    }

    /// The file name in a key, if the key belongs to this folder.
    pub(super) fn name_of<'a>(&self, key: &'a str) -> Option<&'a str> {
        key.strip_prefix(&self.key("")).filter(|name| !name.contains([':', '/']))
    }

    pub(super) async fn look(
        &mut self,
        handle: &Handle,
        looked: &mut Looked,
    ) -> Result<(), HandleError> {
        let seen = match self.survey(handle.clock().wall()).await {
            Ok(seen) => seen,
            Err(error) => {
                looked
                    .troubles
                    .push(Trouble { path: self.spool.root.clone(), why: error.to_string() });
                return Ok(());
            }
        };
        looked.troubles.extend(seen.troubles);
        looked.refused.extend(seen.odd);
        let filter =
            Filter { open_only: true, key_prefix: Some(self.key("")), ..Filter::default() };
        let mut open = BTreeMap::new();
        for decision in handle.list(filter).await? {
            if let Some(name) =
                decision.request.dedup_key.as_deref().and_then(|key| self.name_of(key))
            {
                open.insert(name.to_owned(), decision);
            }
        }
        let untold = self.untold.iter().flatten().map(|(name, _)| name);
        let names: BTreeSet<String> =
            seen.questions.keys().chain(open.keys()).chain(untold).cloned().collect();
        self.missing.retain(|name, _| !seen.questions.contains_key(name) && names.contains(name));
        for name in names {
            let open = open.remove(&name);
            match seen.questions.get(&name) {
                Some(Sight::Whole(draft)) => {
                    self.question(handle, &name, draft, open, looked).await?
                }
                Some(Sight::Unclear) => looked.unsettled = true,
                Some(Sight::Wrong(why)) => self.refuse(handle, &name, why, open, looked).await?,
                None => self.gone(handle, &name, open, looked).await?,
            }
        }
        for (name, report) in seen.reports {
            self.report(handle, &name, report, looked).await?;
        }
        Ok(())
    }

    async fn survey(&mut self, wall: Time) -> io::Result<Survey> {
        let (mut spool, mut memory, first) =
            (self.spool.clone(), std::mem::take(&mut self.memory), self.untold.is_none());
        let seen = tokio::task::spawn_blocking(move || {
            spool.make()?;
            let untold = if first { Some(spool.recover()?) } else { None };
            let seen = survey(&spool, &mut memory, wall)?;
            Ok::<_, io::Error>((spool, memory, untold, seen))
        });
        let (spool, memory, untold, seen) = seen.await.map_err(io::Error::other)??;
        (self.spool, self.memory) = (spool, memory);
        if let Some(untold) = untold {
            self.untold = Some(untold.into_iter().collect());
        }
        Ok(seen)
    }

    /// Runs file operations on a blocking thread. `None` after a failure, recorded as a
    /// [`Trouble`].
    async fn on_disk<T: Send + 'static>(
        &self,
        name: &str,
        looked: &mut Looked,
        work: impl FnOnce(&Spool, &str) -> io::Result<T> + Send + 'static,
    ) -> Option<T> {
        let (spool, named) = (self.spool.clone(), name.to_owned());
        let done = tokio::task::spawn_blocking(move || work(&spool, &named))
            .await
            .map_err(io::Error::other)
            .flatten();
        done.map_err(|error| {
            looked
                .troubles
                .push(Trouble { path: self.spool.path(INBOX, name), why: error.to_string() })
        })
        .ok()
    }

    async fn question(
        &mut self,
        handle: &Handle,
        name: &str,
        draft: &Arc<Draft>,
        open: Option<Decision>,
        looked: &mut Looked,
    ) -> Result<(), HandleError> {
        let standing = match open {
            Some(open) => Some(open),
            None => self.latest(handle, name).await?,
        };
        let request = match self.request(name, draft, standing.as_ref()) {
            Ok(request) => request,
            Err(why) => {
                return self
                    .refuse(handle, name, &why, standing.filter(|d| d.state.is_open()), looked)
                    .await;
            }
        };
        match standing {
            Some(standing) if standing.state.is_open() => {
                if standing.request == request {
                    self.tell(handle, name, &standing, looked).await;
                    return Ok(());
                }
                if standing.request.project != request.project {
                    let reason = format!("it is asked again under the project {}", request.project);
                    self.withdraw(handle, &standing, &reason, looked).await?;
                }
            }
            // A pruned decision cannot be compared; only its final state can still be delivered.
            Some(standing)
                if (standing.request == request || standing.pruned_at.is_some())
                    && self.is_untold(&standing, name) =>
            {
                return self
                    .tell_end(handle, name, standing, Some(Arc::clone(draft)), looked)
                    .await;
            }
            _ => {}
        }
        self.ask(handle, name, request, looked).await
    }

    /// The latest decision with the key of this name.
    async fn latest(&self, handle: &Handle, name: &str) -> Result<Option<Decision>, HandleError> {
        let key = self.key(name);
        let filter = Filter { key_prefix: Some(key.clone()), limit: 1, ..Filter::default() };
        Ok(handle
            .list(filter)
            .await?
            .into_iter()
            .find(|decision| decision.request.dedup_key.as_ref() == Some(&key)))
    }

    /// The request of a question. If its attachments are gone by now, uses the copies kept when the
    /// question was asked.
    ///
    /// # Errors
    /// The problem with the attachments, as text.
    fn request(
        &self,
        name: &str,
        draft: &Draft,
        standing: Option<&Decision>,
    ) -> Result<Request, String> {
        let with = |files: Vec<Attachment>| {
            draft.question.clone().into_request(self.key(name), self.project.as_deref(), files)
        };
        match &draft.files {
            Ok(files) => Ok(with(files.clone())),
            Err(why) => standing
                .filter(|standing| {
                    standing.request.attachments.len() == draft.question.attachments.len()
                })
                .map(|standing| with(standing.request.attachments.clone()))
                .filter(|request| standing.is_some_and(|standing| standing.request == *request))
                .ok_or_else(|| why.clone()),
        }
    }

    /// Whether a closed decision belongs to this very file and its final state is
    /// undelivered.
    fn is_untold(&self, decision: &Decision, name: &str) -> bool {
        let told_open =
            self.untold.as_ref().is_some_and(|untold| untold.get(name) == Some(&decision.id.0));
        match &decision.state {
            State::Resolved(resolved) => told_open || resolved.claimed_at.is_none(),
            // After a withdrawal by this source, a file that returns is a new question.
            State::Withdrawn { reason, .. } => {
                told_open && reason != GONE && reason != UNCONFIGURED
            }
            State::Pending(_) | State::Deferred { .. } => false,
        }
    }

    async fn ask(
        &mut self,
        handle: &Handle,
        name: &str,
        request: Request,
        looked: &mut Looked,
    ) -> Result<(), HandleError> {
        let decision = match handle.ask(request).await {
            Ok(Asked::New(decision)) => {
                tracing::info!(decision = decision.id.0, name, "asked through the drop folder");
                looked.asked.push(decision.id);
                decision
            }
            Ok(Asked::Revised(decision)) => {
                tracing::info!(
                    decision = decision.id.0,
                    revision = decision.revision.0,
                    name,
                    "the dropped file says something else"
                );
                looked.revised.push(decision.id);
                decision
            }
            Ok(Asked::Same(decision)) => decision,
            Err(HandleError::Inadmissible(why)) => {
                let open =
                    self.latest(handle, name).await?.filter(|decision| decision.state.is_open());
                return self.refuse(handle, name, &in_fields(&why.to_string()), open, looked).await;
            }
            Err(error) => return Err(error),
        };
        self.tell(handle, name, &decision, looked).await;
        Ok(())
    }

    /// Writes the decision's state to the verdict file.
    async fn tell(
        &mut self,
        handle: &Handle,
        name: &str,
        decision: &Decision,
        looked: &mut Looked,
    ) {
        let (said, id) = (VerdictFile::of(decision, handle.pace()), decision.id);
        let is_open = said.state.is_open();
        if self.on_disk(name, looked, move |spool, name| spool.tell(name, &said)).await.is_none() {
            return;
        }
        let untold = self.untold.get_or_insert_default();
        if is_open {
            untold.insert(name.to_owned(), id.0);
        } else {
            untold.remove(name);
            looked.told.push(id);
        }
    }

    /// Delivers the final state of a question, in the steps of the parent module.
    async fn tell_end(
        &mut self,
        handle: &Handle,
        name: &str,
        decision: Decision,
        draft: Option<Arc<Draft>>,
        looked: &mut Looked,
    ) -> Result<(), HandleError> {
        let (id, said) = (decision.id, VerdictFile::of(&decision, handle.pace()));
        let note = said.clone();
        if self.on_disk(name, looked, move |spool, name| spool.intend(name, &note)).await.is_none()
        {
            return Ok(());
        }
        self.untold.get_or_insert_default().insert(name.to_owned(), id.0);
        if let Some(draft) = draft {
            match self
                .on_disk(name, looked, move |spool, name| spool.take(name, &draft.bytes))
                .await
            {
                None => return Ok(()),
                Some(Take::Taken | Take::Gone) => {}
                Some(Take::Changed) => {
                    looked.unsettled = true;
                    self.on_disk(name, looked, Spool::forget_intent).await;
                    return Ok(());
                }
            }
        }
        if matches!(decision.state, State::Resolved(_)) {
            match handle.claim(id).await {
                Ok(claimed) => {
                    let claimed = VerdictFile::of(&claimed, handle.pace());
                    // The verdict was undone and replaced at this moment.
                    if claimed != said
                        && self
                            .on_disk(name, looked, move |spool, name| spool.intend(name, &claimed))
                            .await
                            .is_none()
                    {
                        return Ok(());
                    }
                }
                Err(error) => {
                    self.on_disk(name, looked, Spool::put_back).await;
                    // If the verdict was undone at this moment, the next scan handles the new
                    // state. After any other error the intent stays, and a later scan delivers the
                    // verdict.
                    let HandleError::Refused(..) = error else { return Err(error) };
                    self.on_disk(name, looked, Spool::forget_intent).await;
                    looked.unsettled = true;
                    return Ok(());
                }
            }
        }
        if self.on_disk(name, looked, Spool::tell_intended).await.is_some() {
            tracing::info!(decision = id.0, name, "the drop folder has the verdict");
            self.untold.get_or_insert_default().remove(name);
            looked.told.push(id);
        }
        Ok(())
    }

    /// Handles a name without a file: withdraws an open question, or delivers the final state.
    async fn gone(
        &mut self,
        handle: &Handle,
        name: &str,
        open: Option<Decision>,
        looked: &mut Looked,
    ) -> Result<(), HandleError> {
        if let Some(open) = open {
            let wall = handle.clock().wall();
            let since = *self.missing.entry(name.to_owned()).or_insert(wall);
            if (wall - since).abs() < GONE_FOR {
                looked.unsettled = true;
            } else if let Some(withdrawn) = self.withdraw(handle, &open, GONE, looked).await? {
                self.tell(handle, name, &withdrawn, looked).await;
            }
            return Ok(());
        }
        let Some(id) = self.untold.as_ref().and_then(|untold| untold.get(name)).copied() else {
            return Ok(());
        };
        match handle.get(DecisionId(id)).await {
            Ok(decision)
                if decision.request.dedup_key.as_deref() == Some(&self.key(name))
                    && !decision.state.is_open() =>
            {
                self.tell_end(handle, name, decision, None, looked).await
            }
            // The number belongs to another store, or the question was asked again at this moment.
            Ok(_) | Err(HandleError::NoSuchDecision(_)) => {
                self.untold.get_or_insert_default().remove(name);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Withdraws a question. `None` if a person answered at this moment; the next scan handles the
    /// verdict.
    async fn withdraw(
        &self,
        handle: &Handle,
        decision: &Decision,
        reason: &str,
        looked: &mut Looked,
    ) -> Result<Option<Decision>, HandleError> {
        match handle.withdraw(decision.id, reason).await {
            Ok(withdrawn) => {
                tracing::info!(decision = withdrawn.id.0, reason, "withdrawn");
                looked.withdrawn.push(withdrawn.id);
                Ok(Some(withdrawn))
            }
            Err(HandleError::Refused(..)) => {
                looked.unsettled = true;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Refuses a question: withdraws the open decision, tells the agent why, and moves the file to
    /// `refused/`.
    async fn refuse(
        &mut self,
        handle: &Handle,
        name: &str,
        why: &str,
        open: Option<Decision>,
        looked: &mut Looked,
    ) -> Result<(), HandleError> {
        if let Some(open) = open {
            let reason = format!("its file was replaced by one that is refused: {why}");
            self.withdraw(handle, &open, &reason, looked).await?;
        }
        let (said, why) = (VerdictFile::refused(why, handle.clock().wall()), why.to_owned());
        let refused = self.on_disk(name, looked, move |spool, name| {
            spool.tell(name, &said)?;
            spool.refuse(INBOX, &Name::Plain(name.to_owned()), &why)
        });
        if refused.await.is_some() {
            tracing::info!(name, "refused: see refused/ in the drop folder");
            self.untold.get_or_insert_default().remove(name);
            looked.refused.push(name.to_owned());
        }
        Ok(())
    }

    /// Handles an agent's report on a verdict.
    async fn report(
        &self,
        handle: &Handle,
        name: &str,
        report: Sight<Report>,
        looked: &mut Looked,
    ) -> Result<(), HandleError> {
        let wrong = match report {
            Sight::Unclear => {
                looked.unsettled = true;
                return Ok(());
            }
            Sight::Wrong(why) => why,
            Sight::Whole(report) => match self.reported(handle, name, report).await? {
                Ok(id) => {
                    // Reports are idempotent, so a file that cannot be removed does no harm.
                    if self
                        .on_disk(name, looked, |spool, name| {
                            std::fs::remove_file(spool.path(OUTCOMES, name))
                        })
                        .await
                        .is_some()
                    {
                        looked.reported.push(id);
                    }
                    return Ok(());
                }
                Err(why) => why,
            },
        };
        let refused = self.on_disk(name, looked, move |spool, name| {
            spool.refuse(OUTCOMES, &Name::Plain(name.to_owned()), &wrong)
        });
        if refused.await.is_some() {
            looked.refused.push(name.to_owned());
        }
        Ok(())
    }

    /// Files an agent's report. The inner error is the problem with the report, as text.
    async fn reported(
        &self,
        handle: &Handle,
        name: &str,
        report: Report,
    ) -> Result<Result<DecisionId, String>, HandleError> {
        let named = match report.id.map(DecisionId) {
            Some(id) => handle.get(id).await.map(Some),
            None => self.latest(handle, name).await,
        };
        let ours = match named {
            Ok(named) => named
                .filter(|decision| decision.request.dedup_key.as_deref() == Some(&self.key(name))),
            Err(HandleError::NoSuchDecision(_)) => None,
            Err(error) => return Err(error),
        };
        let Some(decision) = ours else {
            let number = report.id.map_or_else(String::new, |id| format!(" as #{id}"));
            return Ok(Err(format!(
                "nothing was asked under this name{number}: call the file as the question was called"
            )));
        };
        match handle.report(decision.id, report.outcome, &report.text).await {
            Ok(reported) => Ok(Ok(reported.id)),
            Err(HandleError::Refused(_, refused)) => Ok(Err(format!("{}: {refused}", decision.id))),
            Err(error) => Err(error),
        }
    }
}

/// Replaces command-line options in policy's messages with the fields of a file.
fn in_fields(why: &str) -> String {
    why.replace("--default reject", "\"safe_default\": \"reject\"")
        .replace("--expects choose", "\"expects\": \"choose\"")
        .replace("--expects approve", "\"expects\": \"approve\"")
}
