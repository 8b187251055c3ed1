//! The command that an agent runs before each tool call.

use std::path::{Path, PathBuf};

use super::adapters::Agent;
use super::transport::Transport;
use crate::core::gate::budget::Budget;
use crate::core::gate::{quote, shell};

/// How much longer the agent waits for the gate than the gate waits for a person, in seconds. "No
/// decision yet" is a valid answer; an agent whose hook times out may go on without an answer.
const HOOK_MARGIN: u64 = 30;
/// Printed when the gate was missing or killed. Codex takes exit status 2 as a denial only together
/// with a message.
const MISSING: &str =
    "Gander's gate did not answer, so this is denied. Tell the person who runs Gander.";

/// The program's own name.
pub(super) const GANDER: &str = "gander";

/// A hook's command with its time limit.
#[derive(Debug, Clone)]
pub(super) struct HookCommand {
    /// One line for a shell.
    pub(super) line: String,
    /// The agent's limit for the hook, in seconds.
    pub(super) limit: u64,
    /// The line for events in which the agent's own prompt asks at the desk, if it may. A failure
    /// there leaves everything to the prompt.
    pub(super) desk: Option<String>,
}

/// Whether the agent's own prompt may ask.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum AtDesk {
    /// Never.
    #[default]
    No,
    /// While a person is there.
    Yes,
}

/// What the person chooses at the installation: written into the hook's command as absolute paths,
/// because an agent, or a repository with settings for the agent, controls the hook's environment.
#[derive(Debug, Clone, Default)]
pub(super) struct Pinned {
    /// The person's configuration, beside which the rules are. The file may be missing.
    pub(super) config: Option<PathBuf>,
    /// The store.
    pub(super) store: Option<PathBuf>,
    /// The folder that the agent works in, if the gate is installed for one folder.
    pub(super) root: Option<PathBuf>,
    /// Whether the agent's own prompt may ask at the desk.
    pub(super) desk: AtDesk,
}

impl HookCommand {
    /// `timeout`: how long the gate waits for a person, in seconds.
    pub(super) fn new(
        agent: Agent,
        program: &Path,
        pinned: &Pinned,
        transport: &Transport,
        timeout: u64,
    ) -> Self {
        let mut words = vec![
            program.to_string_lossy().into_owned(),
            "gate".into(),
            agent.name().into(),
            "--timeout".into(),
            format!("{timeout}s"),
        ];
        let flags =
            [("--config", &pinned.config), ("--store", &pinned.store), ("--root", &pinned.root)];
        for (flag, path) in flags {
            if let Some(path) = path {
                words.push(flag.into());
                words.push(
                    std::path::absolute(path)
                        .unwrap_or_else(|_| path.clone())
                        .to_string_lossy()
                        .into_owned(),
                );
            }
        }
        words.extend(transport.words());
        let desk = (pinned.desk == AtDesk::Yes).then(|| {
            words.push(DESK.into());
            desk_line(agent, &words)
        });
        Self { line: line_of(agent, &words), limit: timeout + HOOK_MARGIN, desk }
    }
}

/// The flag of a gate that lets the agent's own prompt ask.
const DESK: &str = "--desk";

/// Whether a hook's command lets the agent's own prompt ask.
pub(super) fn is_for_desk(line: &str) -> bool {
    line.contains(&format!(" {DESK} "))
}

/// The line for events at the desk, from the words that call the gate.
fn desk_line(agent: Agent, words: &[String]) -> String {
    agent.shell_line(format!("{} || exit 0", run_of(words)))
}

/// The line for events at the desk that was installed with the gate which is this process. `None`:
/// an argument is not text.
pub(super) fn own_desk_line(agent: Agent) -> Option<String> {
    let words: Result<Vec<String>, _> =
        std::env::args_os().map(|word| word.into_string()).collect();
    words.ok().map(|words| desk_line(agent, &words))
}

fn run_of(words: &[String]) -> String {
    words.iter().map(|word| quote_if_needed(word)).collect::<Vec<_>>().join(" ")
}

/// The hook's command, from the words that call the gate.
pub(super) fn line_of(agent: Agent, words: &[String]) -> String {
    let run = run_of(words);
    // Every ending other than a yes is a denial. After status 2 the gate has already printed a
    // message, so no second message follows.
    let line = format!("{run} || {{ [ $? -eq 2 ] || echo {} >&2; exit 2; }}", quote(MISSING));
    agent.shell_line(line)
}

/// The words that call the gate in a hook's command. `None` if the command is not as it is written
/// by this version.
pub(super) fn words_of(agent: Agent, line: &str) -> Option<Vec<String>> {
    let first = |text: &str| {
        let read = shell::read(text, &Budget::default());
        read.commands.into_iter().next().map(|command| command.words)
    };
    let outer = first(line)?;
    let words = match outer.as_slice() {
        [shell, flag, inner] if shell == "/bin/sh" && flag == "-c" => first(inner)?,
        _ => outer,
    };
    (line_of(agent, &words) == line).then_some(words)
}

pub(super) fn quote_if_needed(word: &str) -> String {
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "/._-:".contains(c));
    if plain && !word.is_empty() { word.to_owned() } else { quote(word) }
}

/// Whether a hook's command runs the gate of this agent, and not another program with similar
/// arguments.
pub(super) fn runs_gate_of(agent: &str, command: &str) -> bool {
    let Some((before, _)) = command.split_once(&format!(" gate {agent} --timeout ")) else {
        return false;
    };
    let program = before
        .trim_end_matches(['\'', '"', '\\'])
        .rsplit(['/', ' ', '\'', '"'])
        .next()
        .unwrap_or_default();
    let own = std::env::current_exe().ok();
    let own = own.as_deref().and_then(Path::file_name).and_then(std::ffi::OsStr::to_str);
    program == GANDER || Some(program) == own
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::gate::adapters::AGENTS;

    #[test]
    fn the_words_of_a_command_are_found_again() {
        let odd = Path::new("/opt/it's $HOME; \"so\" `to` say/gander");
        for (agent, program) in AGENTS.iter().flat_map(|agent| {
            ["/usr/bin/gander".as_ref(), odd].map(|program: &Path| (*agent, program))
        }) {
            let pinned = Pinned {
                config: Some(odd.with_file_name("gander.toml")),
                store: Some("/srv/a b.db".into()),
                root: None,
                desk: AtDesk::Yes,
            };
            let hook = HookCommand::new(agent, program, &pinned, &Transport::default(), 60);
            let words = words_of(agent, &hook.line).unwrap();
            assert_eq!(
                (words[0].as_str(), words[2].as_str()),
                (program.to_str().unwrap(), agent.name())
            );
            assert!(words.contains(&"/srv/a b.db".to_owned()), "{words:?}");
            assert!(runs_gate_of(agent.name(), &hook.line), "{}", hook.line);
            let desk = hook.desk.unwrap();
            assert!(runs_gate_of(agent.name(), &desk) && is_for_desk(&hook.line), "{desk}");
            assert_eq!(words_of(agent, &hook.line.replace("exit 2", "exit 1")), None);
        }
    }
}
