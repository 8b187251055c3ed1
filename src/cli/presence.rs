//! `gander presence`: whether a person is at the desk, and which agents ask there.

mod sources;

use std::path::{Path, PathBuf};

use clap::Args;

pub(super) use self::sources::{Scene, claude_file};
use super::{Common, Exit, Outcome, gate, output};
use crate::core::availability::presence::{
    AwayReason, Presence, PresenceSettings, judge, together,
};
use crate::core::values::check_result::CheckResult;
use crate::disk;
use crate::engine::clock::wall_time;
use crate::presentation::text;

#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 a person is at the desk, 1 nobody is or nobody knows, 2 \
        bad usage or configuration.")]
pub(super) struct PresenceArgs {
    /// Also look at the gates in this folder
    #[arg(long, value_name = "DIR")]
    project: Option<PathBuf>,
}

/// The answers of the sources.
#[derive(Debug)]
pub(super) struct Seen {
    /// All of them together.
    pub(super) together: Presence,
    /// The name and the answer of each source.
    each: Vec<(String, Presence)>,
}

/// Asks every source, at once.
pub(super) async fn look(settings: &PresenceSettings, scene: &Scene<'_>) -> Seen {
    let readings = sources::read(settings, scene).await;
    let now = wall_time();
    let each: Vec<(String, Presence)> = readings
        .into_iter()
        .map(|(name, reading)| (name, judge(&reading, settings, now)))
        .collect();
    Seen { together: together(each.iter().map(|(_, presence)| presence.clone())), each }
}

/// The result without `[presence]`.
fn unknown() -> Seen {
    Seen { together: Presence::Away(AwayReason::NotConfigured), each: Vec::new() }
}

impl PresenceArgs {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let config = common.config()?;
        let scene = Scene { folders: &[], claude_file: claude_file() };
        let seen = match &config.presence {
            Some(settings) => look(settings, &scene).await,
            None => unknown(),
        };
        let gates = gate::gates_at_desk(self.project.as_deref())?;
        let is_here = seen.together == Presence::Here;
        if common.json {
            output::json(&as_json(&seen, &gates));
        } else {
            output::line(&format!("At the desk: {}", text::desk::presence(&seen.together)));
            for (name, presence) in &seen.each {
                output::line(&format!("  {name}: {}", text::desk::presence(presence)));
            }
            if let Some(rules) = &config.rules.desk {
                output::line(&format!("Asked at the desk: {}.", text::desk::rules(rules)));
            }
            for gate in &gates {
                let (agent, file) = (gate.agent, gate.file.display());
                output::line(&format!("{agent:<12} {} ({file})", gate.words()));
            }
            if gates.is_empty() {
                output::line(text::desk::NO_GATES);
            }
        }
        Ok(if is_here { Exit::Yes } else { Exit::No })
    }
}

fn as_json(seen: &Seen, gates: &[gate::GateAtDesk]) -> serde_json::Value {
    let said = |presence: &Presence| {
        serde_json::json!({
            "present": *presence == Presence::Here,
            "why": text::desk::presence(presence),
        })
    };
    let source = |(name, presence): &(String, Presence)| {
        let mut source = said(presence);
        source["source"] = name.as_str().into();
        source
    };
    let gate = |gate: &gate::GateAtDesk| {
        serde_json::json!({
            "agent": gate.agent,
            "file": gate.file,
            "asks_at_desk": gate.asks(),
        })
    };
    let mut all = said(&seen.together);
    all["sources"] = seen.each.iter().map(source).collect();
    all["gates"] = gates.iter().map(gate).collect();
    all
}

/// Health check: whether each configured source can be read.
pub(super) async fn checkup(common: &Common) -> Vec<CheckResult> {
    const AREA: &str = "Presence";
    // Another check reports errors in the configuration.
    let Some(settings) = common.config().ok().and_then(|config| config.presence) else {
        return Vec::new();
    };
    let scene = Scene { folders: &[], claude_file: claude_file() };
    let seen = look(&settings, &scene).await;
    let check = |(name, presence): (String, Presence)| {
        let words = format!("{name}: {}", text::desk::presence(&presence));
        match presence {
            Presence::Away(AwayReason::Unknown(_) | AwayReason::Untrusted(_)) => {
                CheckResult::broken(AREA, words, text::desk::REMEDY)
            }
            _ => CheckResult::fine(AREA, words),
        }
    };
    seen.each.into_iter().map(check).collect()
}

/// The files by which a person is seen, under all their names. An agent is asked before it writes
/// them.
pub(super) fn own_files(settings: Option<&PresenceSettings>) -> Vec<PathBuf> {
    let Some(settings) = settings else { return Vec::new() };
    let claude = claude_file().filter(|_| settings.claude_file).map(PathBuf::from);
    let program = settings.command.first().map(PathBuf::from);
    let files = settings.file.iter().cloned().chain(claude).chain(program);
    let files: Vec<PathBuf> = files.filter(|file: &PathBuf| Path::is_absolute(file)).collect();
    let real: Vec<PathBuf> = files.iter().map(|file| disk::resolve(file)).collect();
    files.into_iter().chain(real).collect()
}
