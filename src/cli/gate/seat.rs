//! Where the agent at this gate works, for the time when it has ended and must go on; and what is
//! needed to start it there. Nothing of it is taken from the words of a model: the folder is where
//! the agent's process was started, and the session must look like one of the agent's.

use std::path::{Path, PathBuf};

use super::adapters::{self, Agent};
use super::hook_file::Found;
use super::transport::{self, Transport};
use super::{facts, install, process, root};
use crate::core::decision::resumption::{AgentProcess, FolderMark, Obstacle, Seat, SessionShape};
use crate::core::gate::ToolCall;

/// How an agent goes on with a session, without a person at the desk. The prompt comes from
/// standard input, where other users of the machine cannot read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) struct ResumeCommand {
    /// The agent's program.
    pub(in crate::cli) program: &'static str,
    /// How its sessions look.
    pub(super) session: SessionShape,
    /// The arguments before those that the person has set.
    pub(super) first: &'static [&'static str],
    /// The arguments before the session.
    pub(super) before_session: &'static [&'static str],
    /// The arguments after the session.
    pub(super) after_session: &'static [&'static str],
}

impl ResumeCommand {
    /// The arguments for a session. `options`: what the person has set.
    ///
    /// # Errors
    /// [`Obstacle::Session`].
    pub(in crate::cli) fn arguments(
        &self,
        session: &str,
        options: &[String],
    ) -> Result<Vec<String>, Obstacle> {
        // Looked at again: the store may hold another than was recorded.
        if !self.session.accepts(session) {
            return Err(Obstacle::Session);
        }
        let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        Ok([
            own(self.first),
            options.to_vec(),
            own(self.before_session),
            vec![session.to_owned()],
            own(self.after_session),
        ]
        .concat())
    }
}

/// How the agent of a seat goes on.
///
/// # Errors
/// [`Obstacle::Agent`].
pub(in crate::cli) fn command_of(seat: &Seat) -> Result<ResumeCommand, Obstacle> {
    adapters::named(&seat.agent).and_then(|agent| agent.resume()).ok_or(Obstacle::Agent)
}

/// The seat of the agent that makes a call; `None` if the agent could not be started again.
/// `root`: the folder of the installation.
pub(super) fn of(agent: Agent, call: &ToolCall, root: Option<&Path>) -> Option<Seat> {
    let shape = agent.resume()?.session;
    let session = call.session.clone().filter(|session| shape.accepts(session))?;
    let homes = facts::homes(call.home.as_deref());
    let folder = root::start_folder(agent, root, &homes)?;
    Some(Seat {
        agent: agent.name().to_owned(),
        session,
        folder,
        process: process::mark_of_agent(),
    })
}

/// What the system says about the process of a seat.
pub(in crate::cli) fn process_of(seat: &Seat) -> AgentProcess {
    process::look(seat.process.as_ref())
}

/// Checks that the folder is still the recorded one.
///
/// # Errors
/// [`Obstacle::Folder`].
pub(in crate::cli) fn check_folder(folder: &FolderMark) -> Result<(), Obstacle> {
    if root::mark(&folder.path).as_ref() == Some(folder) { Ok(()) } else { Err(Obstacle::Folder) }
}

/// For where a gate was installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) enum GateScope {
    /// For this folder and those in it.
    For(PathBuf),
    /// For everywhere.
    Everywhere,
}

/// The gate that stops the agent of a seat in its folder, and asks in this store.
///
/// # Errors
/// [`Obstacle::Agent`], [`Obstacle::NoGate`], [`Obstacle::GateOff`].
pub(in crate::cli) fn gate_of(seat: &Seat, store: &Path) -> Result<GateScope, Obstacle> {
    let agent = adapters::named(&seat.agent).ok_or(Obstacle::Agent)?;
    let folder = &seat.folder.path;
    let mut obstacle = Obstacle::NoGate;
    for place in folder.ancestors().map(Some).chain([None]) {
        let Ok(file) = agent.hook_file(place) else { continue };
        // A file that cannot be read holds no gate.
        let Ok(Some(text)) = install::read(&file) else { continue };
        let Some(Found { command, .. }) = agent.format().installed(&text) else { continue };
        let asks_here = Transport::of_command(&command).connect.is_none()
            && transport::store_of_command(&command)
                .is_none_or(|named| root::is_same(&named, store));
        let for_place = transport::root_of_command(&command);
        let is_of_place = match (&for_place, place) {
            (Some(root), Some(place)) => root::is_same(root, place),
            (None, None) => true,
            _ => false,
        };
        if !asks_here || !is_of_place {
            continue;
        }
        match agent.check_enabled(&file, Some(folder)) {
            Ok(()) => {
                return Ok(
                    place.map_or(GateScope::Everywhere, |place| GateScope::For(place.to_owned()))
                );
            }
            Err(off) => {
                obstacle = Obstacle::GateOff(format!("{}: {}", off.file.display(), off.why));
            }
        }
    }
    Err(obstacle)
}

/// The program of an agent, by a name that is looked up or by an absolute path. A program within
/// these folders is refused: an agent may have put it there.
///
/// # Errors
/// [`Obstacle::NoProgram`], [`Obstacle::ProgramInside`].
pub(in crate::cli) fn program(name: &str, folders: &[PathBuf]) -> Result<PathBuf, Obstacle> {
    let found = if name.contains('/') {
        Some(PathBuf::from(name)).filter(|file| file.is_absolute() && is_program(file))
    } else {
        let path = std::env::var_os("PATH").unwrap_or_default();
        // A relative folder of the path would be one of the agent's.
        let folders = std::env::split_paths(&path).filter(|folder| folder.is_absolute());
        folders.map(|folder| folder.join(name)).find(|file| is_program(file))
    };
    let found = found.ok_or_else(|| Obstacle::NoProgram(name.to_owned()))?;
    let names = root::with_real(&found);
    let is_inside = |folder: &PathBuf| names.iter().any(|name| name.starts_with(folder));
    if folders.iter().any(is_inside) {
        return Err(Obstacle::ProgramInside(found));
    }
    Ok(found)
}

fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_the_agents_own_and_takes_only_its_sessions() {
        let uuid = "c06057bc-837b-4946-9fba-2c86f99eff95";
        for (agent, session, line) in [
            ("claude-code", uuid, format!("-p --x --resume {uuid}")),
            ("codex", uuid, format!("exec resume --x {uuid} -")),
            (
                "goose",
                "20261121_3",
                "run --x --resume --session-id 20261121_3 --instructions -".to_owned(),
            ),
        ] {
            let command = adapters::named(agent).unwrap().resume().unwrap();
            let options = ["--x".to_owned()];
            assert_eq!(command.arguments(session, &options).unwrap().join(" "), line);
            for hostile in ["--dangerously-skip-permissions", "-", "--last", "", "a b", "../x"] {
                assert_eq!(command.arguments(hostile, &[]), Err(Obstacle::Session), "{hostile}");
            }
        }
    }

    #[test]
    fn a_program_in_the_agents_folder_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let (theirs, yours) = (folder.path().join("shop"), folder.path().join("bin"));
        for folder in [&theirs, &yours] {
            std::fs::create_dir(folder).unwrap();
            crate::disk::replace(&folder.join("claude"), b"#!/bin/sh\n").unwrap();
        }
        let path = |folder: &Path| folder.join("claude").to_str().unwrap().to_owned();
        let inside = std::slice::from_ref(&theirs);
        assert_eq!(program(&path(&yours), inside), Err(Obstacle::NoProgram(path(&yours))));
        for folder in [&theirs, &yours] {
            use std::os::unix::fs::PermissionsExt as _;
            let file = folder.join("claude");
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        assert_eq!(program(&path(&yours), inside), Ok(yours.join("claude")));
        assert!(matches!(program(&path(&theirs), inside), Err(Obstacle::ProgramInside(_))));
        std::os::unix::fs::symlink(theirs.join("claude"), yours.join("codex")).unwrap();
        let link = yours.join("codex").to_str().unwrap().to_owned();
        assert!(matches!(program(&link, inside), Err(Obstacle::ProgramInside(_))));
        assert_eq!(program("./claude", inside), Err(Obstacle::NoProgram("./claude".into())));
    }
}
