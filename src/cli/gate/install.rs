//! `gander gate install` and `uninstall`: changes an agent's hook files after showing the diff.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use similar::TextDiff;

use super::adapters::{self, Agent};
use super::command::{AtDesk, HookCommand, Pinned};
use super::groups::EMPTY;
use super::hook_file::Companion;
use super::transport::Transport;
use super::{config_of, remote};
use crate::cli::{Common, Exit, Failure, Outcome, output};
use crate::config::{TimeSpan, gates};
use crate::disk;
use crate::engine::operations::heartbeat::{self, Running};
use crate::presentation::text;

/// Default wait of an agent for a person. Waiting costs nothing; asking again does.
const USUAL: TimeSpan = TimeSpan(3600);
/// A new file with more lines is only named, not shown.
const LONGEST_SHOWN: usize = 60;
/// Shortest accepted wait.
const SHORTEST: TimeSpan = TimeSpan(1);

/// A file's content before and after; `None` means that the file does not exist.
#[derive(Debug, Clone)]
struct PlannedChange {
    file: PathBuf,
    before: Option<String>,
    after: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Install {
    #[command(flatten)]
    place: Place,
    /// How long the agent waits for a person before being told to do something else [default: 1h]
    #[arg(long)]
    timeout: Option<TimeSpan>,
    #[command(flatten)]
    transport: Transport,
    /// While [presence] in your gander.toml says that you are at the desk, let the agent's own
    /// prompt ask you there, beside a quiet card. Only for agents that are certain to ask
    #[arg(long, conflicts_with = "connect")]
    desk: bool,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Args)]
pub(super) struct Uninstall {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Args)]
struct Place {
    /// The agent
    #[arg(value_parser = adapters::parser())]
    agent: Agent,
    /// Only in this folder [default: everywhere the agent runs]
    #[arg(long, value_name = "DIR")]
    project: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct How {
    /// Write without asking
    #[arg(long)]
    yes: bool,
    /// Only show what would be written
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
}

fn wrong(file: &Path, why: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Usage, format!("{}: {why}. Nothing was changed", file.display()))
}

pub(super) fn read(file: &Path) -> Result<Option<String>, Failure> {
    match disk::read_own_text(file, disk::LONGEST_SETTINGS) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.is_absence() => Ok(None),
        Err(error) => Err(wrong(file, error)),
    }
}

impl Place {
    fn file(&self) -> Result<PathBuf, Failure> {
        if let Some(project) = self.project.as_ref().filter(|project| !project.is_dir()) {
            return Err(wrong(project, "this folder does not exist"));
        }
        self.agent.hook_file(self.project.as_deref()).map_err(|why| Failure::new(Exit::Usage, why))
    }

    fn companion(&self, hooks: &Path) -> Result<Option<Companion>, Failure> {
        let found = self.agent.companion(hooks, self.project.as_deref());
        found.map_err(|why| Failure::new(Exit::Usage, why))
    }
}

impl Install {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let agent = self.place.agent;
        let timeout = self.wait()?;
        let file = self.place.file()?;
        let project = self.place.project.as_deref();
        agent.check_enabled(&file, project).map_err(|off| wrong(&off.file, off.why))?;
        let desk = self.at_desk(common)?;
        let program = std::env::current_exe()
            .map_err(|error| Failure::new(Exit::Internal, format!("this program: {error}")))?;
        let client = self.transport.client().map_err(|why| Failure::new(Exit::Usage, why))?;
        let pinned = Pinned { desk, ..self.pinned(common)? };
        let hook = HookCommand::new(agent, &program, &pinned, &self.transport, timeout.0);
        let before = read(&file)?;
        let after =
            agent.format().with_gate(before.as_deref(), &hook).map_err(|why| wrong(&file, why))?;
        let companion = self.place.companion(&file)?;
        let mut changes = vec![PlannedChange { file, before, after: Some(after) }];
        if let Some(Companion { file, with, .. }) = companion {
            let before = read(&file)?;
            let after = with(before.as_deref()).map_err(|why| wrong(&file, why))?;
            // The agent reads both files at once, or only this one.
            changes.insert(0, PlannedChange { file, before, after: Some(after) });
        }
        let rules = gates::file(common.config.as_deref())?;
        if rules.symlink_metadata().is_ok() {
            // A gate with broken rules denies every call, so report the error now.
            gates::load(common.config.as_deref())?;
        } else if client.is_none() {
            // Over a connection only the server's rules count, so no local rules are written.
            changes.push(PlannedChange {
                file: rules,
                before: None,
                after: Some(gates::DEFAULTS.to_owned()),
            });
        }
        let written = self.how.apply(changes)?;
        if written {
            let least = agent.longest_wait().filter(|longest| longest.as_secs() < USUAL.0);
            let shortened = least.filter(|_| self.timeout.is_none());
            if let Some(longest) = shortened {
                let longest = longest.as_secs();
                output::progress(&text::gate::agents::shortened(agent.title(), longest));
            }
            agent.advice(project).into_iter().for_each(output::progress);
        }
        match client {
            _ if !written => {}
            Some(client) => output::progress(
                &remote::looked(client)
                    .await
                    .unwrap_or_else(|why| text::gate::connection_broken(&why)),
            ),
            None => {
                let served = heartbeat::of(&common.store_path(&config_of(common)?)?);
                output::progress(&text::gate::next(agent.title(), served != Running::No));
            }
        }
        Ok(Exit::Yes)
    }
}

impl Install {
    /// How long the gate waits for a person.
    fn wait(&self) -> Result<TimeSpan, Failure> {
        let agent = self.place.agent;
        let longest = agent.longest_wait().map(|longest| TimeSpan(longest.as_secs()));
        let Some(wanted) = self.timeout else {
            return Ok(longest.map_or(USUAL, |longest| longest.min(USUAL)));
        };
        if wanted < SHORTEST {
            return Err(Failure::new(
                Exit::Usage,
                "--timeout must be longer than 0: write, for example, 1h",
            ));
        }
        match longest.filter(|longest| wanted > *longest) {
            Some(TimeSpan(longest)) => {
                let words = text::gate::agents::too_long(agent.title(), longest);
                Err(Failure::new(Exit::Usage, words))
            }
            None => Ok(wanted),
        }
    }

    /// Whether the agent's own prompt may ask.
    fn at_desk(&self, common: &Common) -> Result<AtDesk, Failure> {
        let agent = self.place.agent;
        if !self.desk {
            return Ok(AtDesk::No);
        }
        if !agent.asks_at_desk() {
            return Err(Failure::new(Exit::Usage, text::desk::cannot_install(agent.title())));
        }
        if config_of(common)?.presence.is_none() {
            output::progress(text::desk::NO_PRESENCE);
        }
        Ok(AtDesk::Yes)
    }

    /// The files and the folder of the person, as they are called now.
    fn pinned(&self, common: &Common) -> Result<Pinned, Failure> {
        let config = match &common.config {
            Some(config) => config.clone(),
            None => crate::config::user_file()?,
        };
        let root = match &self.place.project {
            Some(project) => {
                let whole = std::path::absolute(project).map_err(|error| wrong(project, error))?;
                Some(whole.canonicalize().unwrap_or(whole))
            }
            None => None,
        };
        // A store that the configuration names is found there at each call.
        let user = config_of(common)?;
        let store = match &common.store {
            Some(store) => Some(store.clone()),
            None if user.store.is_some() || self.transport.connect.is_some() => None,
            None => Some(common.store_path(&user)?),
        };
        Ok(Pinned { config: Some(config), store, root, desk: AtDesk::No })
    }
}

impl Uninstall {
    pub(super) fn run(self, _: &Common) -> Outcome {
        let file = self.place.file()?;
        let Some(before) = read(&file)? else {
            self.clear_away(&file)?;
            return unchanged();
        };
        let agent = self.place.agent;
        let after = agent.format().without_gate(&before).map_err(|why| wrong(&file, why))?;
        // A user's symbolic link is kept; the linked file gets an empty object.
        let is_link = file.symlink_metadata().is_ok_and(|there| there.is_symlink());
        let after = after.or_else(|| is_link.then(|| EMPTY.to_owned()));
        let companion = self.place.companion(&file)?.filter(|_| after.is_none());
        let mut changes = vec![PlannedChange { file: file.clone(), before: Some(before), after }];
        if let Some(Companion { file, without, .. }) = companion
            && let Some(before) = read(&file)?
        {
            let after = without(&before).map_err(|why| wrong(&file, why))?;
            changes.push(PlannedChange { file, before: Some(before), after });
        }
        self.how.apply(changes)?;
        self.clear_away(&file)?;
        Ok(Exit::Yes)
    }

    /// Removes the gate's own folders once they are empty.
    fn clear_away(&self, hooks: &Path) -> Result<(), Failure> {
        if self.how.dry_run {
            return Ok(());
        }
        for folder in self.place.agent.own_folders(hooks) {
            match std::fs::remove_dir(&folder) {
                Err(error)
                    if !matches!(
                        error.kind(),
                        io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty
                    ) =>
                {
                    return Err(Failure::new(
                        Exit::Internal,
                        format!("{}: {error}", folder.display()),
                    ));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn unchanged() -> Outcome {
    output::line("nothing to change");
    Ok(Exit::Yes)
}

impl How {
    /// Shows the changes and writes them if the person agrees. Returns whether files were written.
    fn apply(&self, changes: Vec<PlannedChange>) -> Result<bool, Failure> {
        let changes: Vec<PlannedChange> =
            changes.into_iter().filter(|change| change.before != change.after).collect();
        if changes.is_empty() {
            unchanged()?;
            return Ok(false);
        }
        for change in &changes {
            output::line(&shown(change));
        }
        if self.dry_run {
            output::progress("nothing was written (--dry-run)");
            return Ok(false);
        }
        if !self.yes && !confirmed()? {
            return Err(Failure::new(Exit::No, "nothing was written"));
        }
        for change in &changes {
            // The agent may have written the file while the person read the diff.
            if read(&change.file)? != change.before {
                return Err(wrong(&change.file, "it changed since it was shown: run this again"));
            }
        }
        for change in changes {
            write(&change).map_err(|error| {
                Failure::new(Exit::Internal, format!("{}: {error}", change.file.display()))
            })?;
            output::progress(&format!(
                "{} {}",
                if change.after.is_some() { "wrote" } else { "removed" },
                change.file.display()
            ));
        }
        Ok(true)
    }
}

fn shown(change: &PlannedChange) -> String {
    let (before, after) =
        (change.before.as_deref().unwrap_or_default(), change.after.as_deref().unwrap_or_default());
    let name = |text: &Option<String>| {
        text.as_ref().map_or_else(|| "/dev/null".to_owned(), |_| change.file.display().to_string())
    };
    // The default rules are a long manual, readable later; the diff of the agent's own file matters
    // now.
    if change.before.is_none() && after.lines().count() > LONGEST_SHOWN {
        return format!(
            "{}: a new file of {} lines, the default rules",
            change.file.display(),
            after.lines().count()
        );
    }
    let diff = TextDiff::from_lines(before, after);
    diff.unified_diff()
        .header(&name(&change.before), &name(&change.after))
        .to_string()
        .trim_end()
        .to_owned()
}

fn confirmed() -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::new(
            Exit::Usage,
            "there is no terminal for a confirmation: check the changes with --dry-run, and \
             write them with --yes",
        ));
    }
    let line = crate::cli::verdict::typed_line("Write this? [y/N] ")?;
    Ok(matches!(line.to_lowercase().as_str(), "y" | "yes"))
}

/// Replaces the whole file atomically, so an agent never reads half a file. A symbolic link stays a
/// link.
fn write(change: &PlannedChange) -> io::Result<()> {
    let file = change.file.canonicalize().unwrap_or_else(|_| change.file.clone());
    let Some(text) = &change.after else { return std::fs::remove_file(file) };
    let folder = file.parent().unwrap_or_else(|| Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(format!(".new-{}", std::process::id()));
    let new = folder.join(name);
    let mut written = disk::create_own(&new)?;
    let done =
        written.write_all(text.as_bytes()).and_then(|()| written.sync_all()).and_then(|()| {
            if let Ok(old) = file.metadata() {
                written.set_permissions(old.permissions())?;
            }
            std::fs::rename(&new, &file)
        });
    if done.is_err() {
        // Best effort: no process reads the temporary file.
        let _ = std::fs::remove_file(&new);
    }
    done
}
