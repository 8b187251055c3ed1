//! The folder that the person chose for the agent to work in.
//!
//! Never taken from the call: Codex reports the working directory that its model asked for. The
//! folder was recorded at installation, or is the one in which the agent's process was started.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::adapters::Agent;
use super::process;
use crate::core::decision::resumption::FolderMark;

/// The workspace folder, also in resolved form if links lead there. Empty if the folder is unknown
/// or includes the person's home folder and more: then nothing is inside.
pub(super) fn roots(agent: Agent, recorded: Option<&Path>, homes: &[PathBuf]) -> Vec<PathBuf> {
    workspace(recorded.map(Path::to_owned).or_else(|| begun(agent)), homes)
}

/// The workspace in this folder; see [`roots`].
pub(super) fn workspace(root: Option<PathBuf>, homes: &[PathBuf]) -> Vec<PathBuf> {
    let Some(root) = root.filter(|root| root.is_absolute()) else { return Vec::new() };
    let real = root.canonicalize().unwrap_or_else(|_| root.clone());
    let includes_home = |root: &Path| {
        root.parent().is_none() || homes.iter().any(|home| home != root && home.starts_with(root))
    };
    if includes_home(&root) || includes_home(&real) {
        return Vec::new();
    }
    let differs = real != root;
    std::iter::once(root).chain(differs.then_some(real)).collect()
}

/// Where the agent began.
fn begun(agent: Agent) -> Option<PathBuf> {
    let told = agent.folder_variable().and_then(std::env::var_os).map(PathBuf::from);
    let told = told.filter(|root| root.is_absolute());
    told.or_else(|| match process::of_agent(agent) {
        process::Starter::Agent(folder) => folder,
        // A person, or a program other than the agent, runs the hook here.
        process::Starter::Other => std::env::current_dir().ok(),
        process::Starter::Unknown if agent.model_moves_hook() => None,
        process::Starter::Unknown => std::env::current_dir().ok(),
    })
}

/// The folder in which the agent was started, with its identity. `recorded`: the folder of the
/// installation, in which the agent's must lie. `None` if the folder is unknown, or if it includes
/// the person's home folder and more.
pub(super) fn start_folder(
    agent: Agent,
    recorded: Option<&Path>,
    homes: &[PathBuf],
) -> Option<FolderMark> {
    let begun = begun(agent).or_else(|| recorded.map(Path::to_owned))?;
    let real = roots(agent, Some(&begun), homes).pop()?;
    let within = |root: &Path| root.canonicalize().is_ok_and(|root| real.starts_with(root));
    if recorded.is_some_and(|root| !within(root)) {
        return None;
    }
    mark(&real)
}

/// The folder with its identity, by its path without links. `None` if there is no folder.
pub(super) fn mark(folder: &Path) -> Option<FolderMark> {
    let path = folder.canonicalize().ok()?;
    let found = path.metadata().ok().filter(std::fs::Metadata::is_dir)?;
    Some(FolderMark { path, device: found.dev(), inode: found.ino() })
}

/// The path, and the path without links.
pub(super) fn with_real(file: &Path) -> Vec<PathBuf> {
    std::iter::once(file.to_owned()).chain(file.canonicalize().ok()).collect()
}

/// Whether two paths lead to the same place.
pub(super) fn is_same(one: &Path, other: &Path) -> bool {
    one == other
        || one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::gate::adapters::named;

    #[test]
    fn a_folder_around_the_home_folder_is_no_workspace() {
        let temporary = tempfile::tempdir().unwrap();
        let home = temporary.path().join("home/maya");
        std::fs::create_dir_all(home.join("shop")).unwrap();
        let homes = [home.clone()];
        let codex = named("codex").unwrap();
        let of = |root: &Path| roots(codex, Some(root), &homes);
        assert_eq!(of(&home.join("shop")).first(), Some(&home.join("shop")));
        assert_eq!(of(&home).first(), Some(&home));
        assert!(of(home.parent().unwrap()).is_empty());
        assert!(of(Path::new("/")).is_empty());
        assert!(of(Path::new("shop")).is_empty());
    }
}
