//! The agent's process: which one runs the hook, and whether it still runs.

use std::path::PathBuf;

use super::adapters::Agent;
use crate::core::decision::resumption::{AgentProcess, ProcessMark};

/// Who runs the hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Starter {
    /// The agent, which was started in this folder.
    Agent(Option<PathBuf>),
    /// Another program.
    Other,
    /// The system does not tell.
    Unknown,
}

/// The process that runs the hook: the agent, or another program in its place.
pub(super) fn of_agent(agent: Agent) -> Starter {
    procfs::starter_of_hook().map_or(Starter::Unknown, |process| procfs::starter(agent, process))
}

/// A mark of the process that runs the hook; `None` if the system does not tell.
pub(super) fn mark_of_agent() -> Option<ProcessMark> {
    procfs::mark(procfs::starter_of_hook()?)
}

/// What the system says about a marked process.
pub(super) fn look(mark: Option<&ProcessMark>) -> AgentProcess {
    mark.map_or(AgentProcess::Unmarked, procfs::look)
}

/// Whether a process is a shell that runs a single line, as agents start hooks.
fn runs_line(arguments: &[String]) -> bool {
    let [program, flag, ..] = arguments else { return false };
    let name = program.rsplit('/').next().unwrap_or(program).trim_start_matches('-');
    let is_shell = ["sh", "bash", "dash", "zsh", "ksh", "fish", "ash", "busybox"];
    is_shell.contains(&name)
        && flag.starts_with('-')
        && !flag.starts_with("--")
        && flag.contains('c')
}

/// Whether a process is the agent, by the name of its program or of the script that an interpreter
/// runs.
fn is_agent(agent: Agent, exe: &str, arguments: &[String]) -> bool {
    let name = agent.process();
    let last = |word: &String| word.rsplit('/').next().unwrap_or(word).to_lowercase();
    exe.to_lowercase().contains(name)
        || arguments.iter().take(2).any(|word| last(word).starts_with(name))
}

/// State and start of a process, from the line that Linux writes about it: the name, in brackets,
/// may contain anything.
fn state_and_start(line: &str) -> Option<(char, u64)> {
    /// Fields after the name and before the start.
    const BEFORE_START: usize = 19;
    let (_, rest) = line.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((state, fields.nth(BEFORE_START - 1)?.parse().ok()?))
}

#[cfg(target_os = "linux")]
mod procfs {
    use std::os::unix::fs::MetadataExt as _;
    use std::path::Path;

    use super::{Agent, AgentProcess, ProcessMark, Starter, is_agent, runs_line, state_and_start};
    use crate::disk::{self, FileError};

    /// Most bytes read of what the system says about a process; a command line is shorter.
    const LONGEST_FACTS: u64 = 4 << 20;
    /// Most shells between an agent and its hook.
    const MOST_SHELLS: u32 = 8;

    /// The process that runs the hook, behind the shells in between.
    pub(super) fn starter_of_hook() -> Option<u32> {
        let mut process = std::os::unix::process::parent_id();
        // Agents run a hook by a shell, and Gander's hook is a shell's line itself.
        for _ in 0..MOST_SHELLS {
            if !runs_line(&arguments_of(process)?) {
                return Some(process);
            }
            process = parent_of(process)?;
        }
        None
    }

    fn arguments_of(process: u32) -> Option<Vec<String>> {
        let arguments = facts_of_process(process, "cmdline").ok()?;
        let words = arguments.split(|byte| *byte == 0);
        Some(words.map(|word| String::from_utf8_lossy(word).into_owned()).collect())
    }

    fn facts_of_process(process: u32, file: &str) -> Result<Vec<u8>, FileError> {
        disk::read_own(format!("/proc/{process}/{file}").as_ref(), LONGEST_FACTS)
    }

    fn parent_of(process: u32) -> Option<u32> {
        let status = facts_of_process(process, "status").ok()?;
        String::from_utf8_lossy(&status)
            .lines()
            .find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok())
    }

    pub(super) fn starter(agent: Agent, process: u32) -> Starter {
        let exe = std::fs::read_link(format!("/proc/{process}/exe")).ok();
        let exe = exe.as_deref().and_then(Path::file_name);
        let exe = exe.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let cwd = std::fs::read_link(format!("/proc/{process}/cwd"));
        let (Ok(cwd), Some(arguments)) = (cwd, arguments_of(process)) else {
            return Starter::Unknown;
        };
        if !is_agent(agent, &exe, &arguments) {
            return Starter::Other;
        }
        Starter::Agent(Some(match agent.folder_argument(&arguments) {
            Some(folder) => cwd.join(folder),
            None => cwd,
        }))
    }

    /// Machine, namespace and user of this process: process numbers mean something only there.
    fn surroundings() -> Option<(String, String, u32)> {
        let boot =
            disk::read_own("/proc/sys/kernel/random/boot_id".as_ref(), LONGEST_FACTS).ok()?;
        let boot = String::from_utf8_lossy(&boot).trim().to_owned();
        let namespace = std::fs::read_link("/proc/self/ns/pid").ok()?;
        let user = std::fs::metadata("/proc/self").ok()?.uid();
        Some((boot, namespace.to_string_lossy().into_owned(), user))
    }

    fn stat(process: u32) -> Result<Option<(char, u64)>, FileError> {
        let line = facts_of_process(process, "stat")?;
        Ok(state_and_start(&String::from_utf8_lossy(&line)))
    }

    pub(super) fn mark(process: u32) -> Option<ProcessMark> {
        let (boot, namespace, user) = surroundings()?;
        let (_, started) = stat(process).ok()??;
        Some(ProcessMark { boot, namespace, user, process, started })
    }

    pub(super) fn look(mark: &ProcessMark) -> AgentProcess {
        let Some((boot, namespace, user)) = surroundings() else { return AgentProcess::Elsewhere };
        if mark.user != user {
            return AgentProcess::Elsewhere;
        }
        if mark.boot != boot {
            return AgentProcess::Ended;
        }
        if mark.namespace != namespace {
            return AgentProcess::Elsewhere;
        }
        match stat(mark.process) {
            // Dead, and not yet collected by its parent.
            Ok(Some(('Z' | 'X' | 'x', _))) => AgentProcess::Ended,
            Ok(Some((_, started))) if started == mark.started => AgentProcess::Runs,
            Ok(Some(_)) => AgentProcess::Ended,
            Err(error) if error.is_absence() => AgentProcess::Ended,
            // It may have ended during the look: the next one will tell.
            Ok(None) | Err(_) => AgentProcess::Runs,
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod procfs {
    use super::{Agent, AgentProcess, ProcessMark, Starter};

    pub(super) const fn starter_of_hook() -> Option<u32> {
        None
    }

    pub(super) fn starter(_: Agent, _: u32) -> Starter {
        Starter::Unknown
    }

    pub(super) const fn mark(_: u32) -> Option<ProcessMark> {
        None
    }

    pub(super) const fn look(_: &ProcessMark) -> AgentProcess {
        AgentProcess::Elsewhere
    }
}

#[cfg(test)]
mod tests {
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
    fn the_start_of_a_process_is_read_whatever_its_name() {
        let fields = "1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2";
        for name in ["claude", "a) Z 1 (b", "", "(x)"] {
            let line = format!("4711 ({name}) S {fields}");
            assert_eq!(state_and_start(&line), Some(('S', 987_654)), "{name}");
        }
        assert_eq!(state_and_start("4711 (claude) S 1 1"), None);
        assert_eq!(state_and_start(""), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_runs_until_it_ends_and_another_of_its_number_is_another() {
        let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        let mark = procfs::mark(child.id()).unwrap();
        assert_eq!(look(Some(&mark)), AgentProcess::Runs);
        let earlier = ProcessMark { started: mark.started - 1, ..mark.clone() };
        assert_eq!(look(Some(&earlier)), AgentProcess::Ended);
        for elsewhere in [
            ProcessMark { user: mark.user + 1, ..mark.clone() },
            ProcessMark { namespace: "pid:[1]".into(), ..mark.clone() },
        ] {
            assert_eq!(look(Some(&elsewhere)), AgentProcess::Elsewhere);
        }
        let before = ProcessMark { boot: "another".into(), ..mark.clone() };
        assert_eq!(look(Some(&before)), AgentProcess::Ended);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(look(Some(&mark)), AgentProcess::Ended);
        assert_eq!(look(None), AgentProcess::Unmarked);
    }
}
