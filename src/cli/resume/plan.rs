//! What would be started for an agent, and where: checked against the folder as it is now, the
//! installed gate, and the person's configuration.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::cli::gate::seat::{self, GateScope};
use crate::config::resume::ResumeSettings;
use crate::config::{Config, NamedFolders};
use crate::core::Time;
use crate::core::decision::DecisionId;
use crate::core::decision::resumption::{FolderMark, Obstacle, Resumption, Standing};
use crate::core::gate::quote;
use crate::engine::ParkedAgent;

/// What the person has set, and the store.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::cli) struct Surroundings {
    pub(super) settings: ResumeSettings,
    folders: NamedFolders,
    store: PathBuf,
}

/// An agent that can be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    /// The decisions whose verdicts it is told, of one session.
    pub(super) decisions: Vec<DecisionId>,
    pub(super) agent: String,
    session: String,
    pub(super) folder: FolderMark,
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
}

impl Surroundings {
    pub(in crate::cli) fn new(config: &Config, store: &Path) -> Self {
        Self {
            settings: config.resume.clone(),
            folders: config.named_folders(),
            store: store.to_owned(),
        }
    }

    /// With another configuration, on the same store.
    pub(in crate::cli) fn with(&self, config: &Config) -> Self {
        Self::new(config, &self.store)
    }

    /// The store's file.
    pub(super) fn store(&self) -> &Path {
        &self.store
    }

    /// The plan for an agent whose resumption is owed.
    ///
    /// # Errors
    /// Why the agent cannot be started there.
    pub(super) fn plan(&self, resumption: &Resumption) -> Result<Plan, Obstacle> {
        let place = &resumption.seat;
        let command = seat::command_of(place)?;
        seat::check_folder(&place.folder)?;
        let workspace = match seat::gate_of(place, &self.store)? {
            GateScope::For(workspace) => workspace,
            GateScope::Everywhere => {
                self.folders.around(&place.folder.path).ok_or(Obstacle::NotNamed)?
            }
        };
        let set = self.settings.programs.get(&place.agent);
        let (name, options) = set
            .map_or((command.program, &[][..]), |set| (set.name.as_str(), set.options.as_slice()));
        let arguments = command.arguments(&place.session, options)?;
        let program = seat::program(name, &[place.folder.path.clone(), workspace])?;
        Ok(Plan {
            decisions: vec![resumption.decision],
            agent: place.agent.clone(),
            session: place.session.clone(),
            folder: place.folder.clone(),
            program,
            arguments,
        })
    }
}

/// A parked agent, where it stands, and whether it could be started.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Judged {
    pub(super) parked: ParkedAgent,
    pub(super) standing: Standing,
    /// Absent unless its resumption is owed.
    pub(super) startable: Option<Result<Plan, Obstacle>>,
}

/// Judges parked agents at `now`, store time. Looks at processes and reads files, away from the
/// threads on which others wait.
pub(super) async fn judge(
    parked: Vec<ParkedAgent>,
    surroundings: &Surroundings,
    now: Time,
) -> Vec<Judged> {
    let surroundings = surroundings.clone();
    let judge = move |parked: ParkedAgent| {
        let process = seat::process_of(&parked.resumption.seat);
        let standing = parked.resumption.standing(&parked.decision, process, now);
        let is_owed = standing == Standing::Owed;
        let startable = is_owed.then(|| surroundings.plan(&parked.resumption));
        Judged { parked, standing, startable }
    };
    let judged = move || parked.into_iter().map(judge).collect();
    // After a panic nothing is started.
    tokio::task::spawn_blocking(judged).await.unwrap_or_default()
}

/// Adds a plan: an agent is told of all verdicts of its session at once, in the order of their
/// questions.
pub(super) fn add(plans: &mut Vec<Plan>, plan: Plan) {
    let same = |other: &&mut Plan| other.agent == plan.agent && other.session == plan.session;
    match plans.iter_mut().find(same) {
        Some(other) => {
            other.decisions.extend(plan.decisions);
            other.decisions.sort_unstable();
        }
        None => plans.push(plan),
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<String> = self.decisions.iter().map(ToString::to_string).collect();
        let program = self.program.to_string_lossy().into_owned();
        let words = std::iter::once(&program).chain(&self.arguments);
        let line = words.map(|word| shown(word)).collect::<Vec<_>>().join(" ");
        write!(f, "{}: {line} (in {})", ids.join(", "), self.folder.path.display())
    }
}

/// A word as a shell needs it.
fn shown(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-:=".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) { word.to_owned() } else { quote(word) }
}
