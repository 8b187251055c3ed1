//! The agents that a worker can run: how each is named, and the command that starts it with a
//! prompt. Pure.
//!
//! No command passes an option that skips permissions: what an agent may do is decided by its own
//! settings and by Gander's gate.

use std::ffi::OsString;
use std::path::Path;

use super::stub::Stub;

/// The agents that are known by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    Goose,
    Claude,
    Codex,
    OpenCode,
    Gemini,
}

impl Named {
    const ALL: [Self; 5] = [Self::Goose, Self::Claude, Self::Codex, Self::OpenCode, Self::Gemini];

    const fn word(self) -> &'static str {
        match self {
            Self::Goose => "goose",
            Self::Claude => "claude",
            Self::Codex => "codex",
            Self::OpenCode => "opencode",
            Self::Gemini => "gemini",
        }
    }
}

/// An agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AgentChoice {
    /// Within this process: does nothing but leave a mark.
    Stub(Stub),
    /// A command of its own.
    Named(Named),
    /// A program that speaks the Agent Client Protocol.
    Acp(Vec<String>),
    /// A line for the shell, which reads the prompt on its standard input.
    Command(String),
}

/// How a prompt reaches an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PromptBy {
    Input,
    Argument,
}

/// How people's words reach an agent that works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Steering {
    /// The turn is cancelled, and the session goes on with the words.
    AtOnce,
    /// With the next turn.
    BetweenTurns,
}

/// A command to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Launch {
    pub(super) command: Vec<OsString>,
    pub(super) prompt: PromptBy,
    pub(super) steering: Steering,
}

impl std::str::FromStr for AgentChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if let Some(line) = text.strip_prefix("acp:") {
            let words = shell_words(line)?;
            if words.is_empty() {
                return Err("acp: needs a command, such as \"acp:goose acp\"".into());
            }
            return Ok(Self::Acp(words));
        }
        if let Some(line) = text.strip_prefix("command:") {
            return match line.trim() {
                "" => Err("command: needs a command, such as \"command:./agent.sh\"".into()),
                line => Ok(Self::Command(line.to_owned())),
            };
        }
        if let Some(stub) = Stub::of(text) {
            return Ok(Self::Stub(stub));
        }
        let named = Named::ALL.into_iter().find(|named| named.word() == text);
        named.map(Self::Named).ok_or_else(|| {
            format!(
                "{text:?} is no agent: name stub, goose, claude, codex, opencode, gemini, \
                 \"acp:COMMAND\" or \"command:…\""
            )
        })
    }
}

impl AgentChoice {
    /// The name by which jobs ask for the agent.
    pub(super) fn name(&self) -> String {
        let program = |word: &str| {
            let name = Path::new(word).file_name().map(|name| name.to_string_lossy().into_owned());
            name.unwrap_or_else(|| word.to_owned())
        };
        match self {
            Self::Stub(_) => "stub".to_owned(),
            Self::Named(named) => named.word().to_owned(),
            Self::Acp(words) => words.first().map(|word| program(word)).unwrap_or_default(),
            Self::Command(line) => program(line.split_whitespace().next().unwrap_or_default()),
        }
    }

    /// The command. `session`: the session to go on with, if the agent can; `gander`: this program.
    /// `None`: it runs within this process.
    pub(super) fn launch(&self, gander: &Path, turn: &Turn<'_>) -> Option<Launch> {
        let (command, prompt, steering): (Vec<OsString>, _, _) = match self {
            Self::Stub(_) => return None,
            // Asks before tool calls over the protocol, in every mode that asks at all.
            Self::Named(Named::Goose) => {
                return Self::Acp(vec!["goose".into(), "acp".into()]).launch(gander, turn);
            }
            Self::Named(Named::Claude) => {
                let mut words: Vec<OsString> = vec!["claude".into(), "-p".into()];
                // Each worktree has its own sessions.
                if turn.goes_on {
                    words.push("--continue".into());
                }
                (words, PromptBy::Input, Steering::BetweenTurns)
            }
            Self::Named(Named::Codex) => {
                (words(["codex", "exec", "-"]), PromptBy::Input, Steering::BetweenTurns)
            }
            Self::Named(Named::OpenCode) => {
                let mut words: Vec<OsString> = vec!["opencode".into(), "run".into()];
                if turn.goes_on {
                    words.push("--continue".into());
                }
                words.push("--".into());
                words.push(turn.prompt.into());
                (words, PromptBy::Argument, Steering::BetweenTurns)
            }
            Self::Named(Named::Gemini) => {
                let prompt = format!("--prompt={}", turn.prompt);
                (words(["gemini", &prompt]), PromptBy::Argument, Steering::BetweenTurns)
            }
            Self::Acp(agent) => {
                let mut command: Vec<OsString> =
                    vec![gander.into(), "acp".into(), "--prompt=-".into()];
                if let Some(session) = turn.session {
                    command.push(format!("--continue={session}").into());
                }
                let files = [
                    ("--session-file", Some(turn.session_file)),
                    ("--store", Some(turn.store)),
                    ("--config", turn.config),
                ];
                for (option, file) in files {
                    if let Some(file) = file {
                        command.push(option.into());
                        command.push(file.into());
                    }
                }
                command.push("--".into());
                command.extend(agent.iter().map(OsString::from));
                (command, PromptBy::Input, Steering::AtOnce)
            }
            Self::Command(line) => {
                (words(["sh", "-c", line]), PromptBy::Input, Steering::BetweenTurns)
            }
        };
        Some(Launch { command, prompt, steering })
    }
}

/// What a turn of an agent begins with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn<'a> {
    pub(super) prompt: &'a str,
    /// Whether the agent has worked in this worktree before.
    pub(super) goes_on: bool,
    pub(super) session: Option<&'a str>,
    /// Where an agent's session is written, once it is known.
    pub(super) session_file: &'a Path,
    pub(super) store: &'a Path,
    pub(super) config: Option<&'a Path>,
}

fn words<const N: usize>(words: [&str; N]) -> Vec<OsString> {
    words.into_iter().map(OsString::from).collect()
}

/// Splits a command at blanks; quotes keep blanks together, as in a shell. Nothing is replaced.
fn shell_words(line: &str) -> Result<Vec<String>, String> {
    let (mut found, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => found.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err(format!("a quote in {line:?} does not end"));
    }
    found.extend(word);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launched(agent: &str, session: Option<&str>) -> Vec<String> {
        let turn = Turn {
            prompt: "-x",
            session,
            goes_on: session.is_some(),
            session_file: Path::new("/s/session"),
            store: Path::new("/s/gander.db"),
            config: None,
        };
        let agent: AgentChoice = agent.parse().unwrap();
        let launch = agent.launch(Path::new("/bin/gander"), &turn);
        let command = launch.map(|launch| launch.command).unwrap_or_default();
        command.into_iter().map(|word| word.into_string().unwrap()).collect()
    }

    #[test]
    fn each_agent_is_started_without_skipping_permissions() {
        for (agent, session, expected) in [
            ("stub", None, ""),
            ("claude", None, "claude -p"),
            ("claude", Some("s1"), "claude -p --continue"),
            ("codex", None, "codex exec -"),
            ("opencode", None, "opencode run -- -x"),
            ("gemini", None, "gemini --prompt=-x"),
            ("command:./a.sh --fast", None, "sh -c ./a.sh --fast"),
            (
                "goose",
                Some("s1"),
                "/bin/gander acp --prompt=- --continue=s1 --session-file /s/session --store \
                 /s/gander.db -- goose acp",
            ),
            (
                "acp:'my agent' --acp",
                None,
                "/bin/gander acp --prompt=- --session-file /s/session --store /s/gander.db -- \
                 my agent --acp",
            ),
        ] {
            assert_eq!(launched(agent, session).join(" "), expected, "{agent}");
        }
        let all = ["goose", "claude", "codex", "opencode", "gemini", "acp:x"];
        for word in all.into_iter().flat_map(|agent| launched(agent, None)) {
            for skip in ["yolo", "dangerously", "bypass", "full-auto", "allow-all"] {
                assert!(!word.contains(skip), "{word}");
            }
        }
    }

    #[test]
    fn an_unknown_agent_is_named_with_those_that_are_known() {
        for wrong in ["", "gpt", "acp:", "acp:'x", "command:  ", "stub:x"] {
            let error = wrong.parse::<AgentChoice>().unwrap_err();
            assert!(!error.is_empty(), "{wrong}");
        }
        let error = "gpt".parse::<AgentChoice>().unwrap_err();
        assert!(error.contains("goose, claude, codex"), "{error}");
    }

    #[test]
    fn an_agent_has_the_name_of_its_program() {
        for (agent, name) in [
            ("stub:flood", "stub"),
            ("goose", "goose"),
            ("acp:/opt/bin/agent --acp", "agent"),
            ("command:./run.sh", "run.sh"),
        ] {
            assert_eq!(agent.parse::<AgentChoice>().unwrap().name(), name);
        }
    }
}
