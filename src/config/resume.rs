//! `[resume]`: agents that ended before their call was decided are started again with the answer.
//!
//! Off by default. What is started, and where, comes from this file and from installed gates: an
//! agent can neither name a program nor a folder.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use serde::Deserialize;

use super::place::{Place, WrongValue};
use super::resolve;
use super::values::TimeSpan;

/// How agents are started again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResumeSettings {
    /// Whether `serve` starts agents by itself.
    pub enabled: bool,
    /// Folders in which agents may be started, besides those with a gate of their own and those of
    /// projects. Absolute.
    pub folders: Vec<PathBuf>,
    /// How many agents `serve` has started and not seen end, at most.
    pub at_once: usize,
    /// After this time, `serve` no longer acts on a verdict.
    pub within: TimeDelta,
    /// The program of an agent, by the agent's name, and options for it.
    pub programs: BTreeMap<String, AgentProgram>,
}

/// A program with options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentProgram {
    /// A name that is looked up, or an absolute path.
    pub name: String,
    /// Options before those that name the session.
    pub options: Vec<String>,
}

impl Default for ResumeSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            folders: Vec::new(),
            at_once: 2,
            within: TimeDelta::hours(24),
            programs: BTreeMap::new(),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ResumeSection {
    enabled: bool,
    folders: Vec<PathBuf>,
    at_once: Option<NonZeroU32>,
    within: Option<TimeSpan>,
    programs: Programs,
}

/// The agents that can go on with a session.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct Programs {
    claude_code: Vec<String>,
    codex: Vec<String>,
    goose: Vec<String>,
}

impl ResumeSection {
    /// The settings. Paths are relative to the file's folder.
    ///
    /// # Errors
    /// [`WrongValue`].
    pub(super) fn settings(self, folder: &Path) -> Result<ResumeSettings, WrongValue> {
        let usual = ResumeSettings::default();
        let Programs { claude_code, codex, goose } = self.programs;
        let mut programs = BTreeMap::new();
        for (agent, words) in [("claude-code", claude_code), ("codex", codex), ("goose", goose)] {
            let Some((name, options)) = words.split_first() else { continue };
            let wrong = |what: &str| {
                Err(Place::of(&["resume", "programs", agent]).wrong(format!("{name:?} {what}")))
            };
            if name.trim().is_empty() || name.starts_with('-') {
                return wrong("is not a program: write its name or path first, then its options");
            }
            let name = match resolve(Path::new("/"), Path::new(name)) {
                path if name.starts_with('/') || name.starts_with("~/") => {
                    path.to_string_lossy().into_owned()
                }
                _ if name.contains('/') => {
                    return wrong("is a relative path: write a name, or an absolute path");
                }
                _ => name.clone(),
            };
            programs.insert(agent.to_owned(), AgentProgram { name, options: options.to_vec() });
        }
        Ok(ResumeSettings {
            enabled: self.enabled,
            folders: self.folders.iter().map(|path| resolve(folder, path)).collect(),
            at_once: self.at_once.map_or(usual.at_once, |most| most.get() as usize),
            within: self
                .within
                .and_then(|span| TimeDelta::try_seconds(i64::try_from(span.0).ok()?))
                .unwrap_or(usual.within),
            programs,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ResumeSettings, String> {
        let section: ResumeSection = toml::from_str(text).map_err(|error| error.to_string())?;
        section.settings(Path::new("/home/maya/.config/gander")).map_err(|wrong| wrong.what)
    }

    #[test]
    fn nothing_is_started_unless_the_person_says_so() {
        assert_eq!(read("").unwrap(), ResumeSettings::default());
        assert!(!ResumeSettings::default().enabled);
    }

    #[test]
    fn a_program_is_a_name_or_an_absolute_path_with_options() {
        let text = "enabled = true\nfolders = [\"code\", \"/srv/shop\"]\nat_once = 3\n\
            within = \"2h\"\n[programs]\ncodex = [\"codex\", \"--skip-git-repo-check\"]\n\
            claude-code = [\"/opt/claude\"]\n";
        let read_ = read(text).unwrap();
        let folders = ["/home/maya/.config/gander/code", "/srv/shop"].map(PathBuf::from);
        assert_eq!((read_.enabled, read_.at_once, read_.folders), (true, 3, folders.to_vec()));
        assert_eq!(read_.within, TimeDelta::hours(2));
        let options = vec!["--skip-git-repo-check".to_owned()];
        assert_eq!(read_.programs["codex"], AgentProgram { name: "codex".into(), options });
        assert_eq!(read_.programs["claude-code"].name, "/opt/claude");
        for wrong in ["--yolo", "./codex", "bin/codex", " "] {
            let text = format!("[programs]\ncodex = [{wrong:?}]\n");
            assert!(read(&text).unwrap_err().contains("write"), "{wrong}");
        }
        assert!(read("[programs]\ncursor = [\"cursor\"]\n").is_err());
        assert!(read("at_once = 0\n").is_err());
    }
}
