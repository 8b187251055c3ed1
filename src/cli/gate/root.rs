//! The folder that the person chose for the agent to work in.
//!
//! Never taken from the call: Codex reports the working directory that its model asked for. The
//! folder was recorded at installation, or is the one in which the agent's process was started.

use std::path::{Path, PathBuf};

use super::adapters::Agent;

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

/// The process that runs the hook.
mod process {
    use std::path::PathBuf;

    use super::Agent;
    #[cfg(target_os = "linux")]
    use crate::disk::{self, FileError};

    /// Most bytes read of what the system says about a process; a command line is shorter.
    #[cfg(target_os = "linux")]
    const LONGEST_FACTS: u64 = 4 << 20;

    /// Who runs the hook.
    pub(super) enum Starter {
        /// The agent, which was started in this folder.
        Agent(Option<PathBuf>),
        /// Another program.
        Other,
        /// The system does not tell.
        Unknown,
    }

    #[cfg(target_os = "linux")]
    pub(super) fn of_agent(agent: Agent) -> Starter {
        let mut process = std::os::unix::process::parent_id();
        // Agents run a hook by a shell, and Gander's hook is a shell's line itself.
        for _ in 0..MOST_SHELLS {
            let Ok(arguments) = facts_of_process(process, "cmdline") else {
                return Starter::Unknown;
            };
            let arguments: Vec<String> = arguments
                .split(|byte| *byte == 0)
                .map(|word| String::from_utf8_lossy(word).into_owned())
                .collect();
            if !runs_line(&arguments) {
                return starter(agent, process, &arguments);
            }
            let Some(parent) = parent_of(process) else { return Starter::Unknown };
            process = parent;
        }
        Starter::Unknown
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn of_agent(_: Agent) -> Starter {
        Starter::Unknown
    }

    /// Most shells between an agent and its hook.
    #[cfg(target_os = "linux")]
    const MOST_SHELLS: u32 = 8;

    /// Whether a process is a shell that runs a single line, as agents start hooks.
    pub(super) fn runs_line(arguments: &[String]) -> bool {
        let [program, flag, ..] = arguments else { return false };
        let name = program.rsplit('/').next().unwrap_or(program).trim_start_matches('-');
        let is_shell = ["sh", "bash", "dash", "zsh", "ksh", "fish", "ash", "busybox"];
        is_shell.contains(&name)
            && flag.starts_with('-')
            && !flag.starts_with("--")
            && flag.contains('c')
    }

    #[cfg(target_os = "linux")]
    fn facts_of_process(process: u32, file: &str) -> Result<Vec<u8>, FileError> {
        disk::read_own(format!("/proc/{process}/{file}").as_ref(), LONGEST_FACTS)
    }

    #[cfg(target_os = "linux")]
    fn parent_of(process: u32) -> Option<u32> {
        let status = facts_of_process(process, "status").ok()?;
        String::from_utf8_lossy(&status)
            .lines()
            .find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok())
    }

    #[cfg(target_os = "linux")]
    fn starter(agent: Agent, process: u32, arguments: &[String]) -> Starter {
        let exe = std::fs::read_link(format!("/proc/{process}/exe")).ok();
        let exe = exe.as_deref().and_then(std::path::Path::file_name);
        let exe = exe.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let Ok(cwd) = std::fs::read_link(format!("/proc/{process}/cwd")) else {
            return Starter::Unknown;
        };
        if !is_agent(agent, &exe, arguments) {
            return Starter::Other;
        }
        Starter::Agent(Some(match agent.folder_argument(arguments) {
            Some(folder) => cwd.join(folder),
            None => cwd,
        }))
    }

    /// Whether a process is the agent, by the name of its program or of the script that an
    /// interpreter runs.
    pub(super) fn is_agent(agent: Agent, exe: &str, arguments: &[String]) -> bool {
        let name = agent.process();
        let last = |word: &String| word.rsplit('/').next().unwrap_or(word).to_lowercase();
        exe.to_lowercase().contains(name)
            || arguments.iter().take(2).any(|word| last(word).starts_with(name))
    }
}

#[cfg(test)]
mod tests {
    use super::process::{is_agent, runs_line};
    use super::*;
    use crate::cli::gate::adapters::named;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn the_agent_is_found_behind_its_shells() {
        for line in ["/bin/sh -c gander", "zsh -lc gander", "/usr/bin/bash -c x"] {
            assert!(runs_line(&words(line)), "{line}");
        }
        for line in ["-zsh", "bash run.sh", "codex -c model=x", "python3 -c x", "bash --rcfile c"] {
            assert!(!runs_line(&words(line)), "{line}");
        }
        let (codex, goose) = (named("codex").unwrap(), named("goose").unwrap());
        assert!(is_agent(codex, "codex", &words("codex")));
        assert!(is_agent(codex, "node", &words("node /usr/lib/bin/codex.js")));
        assert!(is_agent(goose, "goosed", &words("goosed agent")));
        assert!(!is_agent(codex, "python3", &words("python3 run.py codex")));
    }

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
