//! `[presence]`: how to see that a person is at the desk, and what may be asked there.
//!
//! Only in the user's own file: a file of the agent's folder must not say that a person is there.

use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use serde::Deserialize;

use super::place::{Place, WrongValue};
use super::resolve;
use super::values::{DiscordId, TimeSpan, word};
use crate::core::availability::presence::{LockScreen, PresenceSettings};
use crate::core::decision::authorization::{Role, Voter};
use crate::core::decision::{Person, Risk};
use crate::core::policy::desk::DeskRules;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PresenceSection {
    lock_screen: Option<LockScreenWord>,
    file: Option<PathBuf>,
    claude_file: bool,
    command: Vec<String>,
    idle: Option<TimeSpan>,
    fresh: Option<TimeSpan>,
    hand_over: Option<TimeSpan>,
    #[serde(deserialize_with = "word")]
    highest_risk: Option<Risk>,
    masked: bool,
    scripts: bool,
    user: Option<DiscordId>,
    name: Option<String>,
    roles: Vec<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
enum LockScreenWord {
    #[serde(rename = "logind")]
    Logind,
    #[serde(rename = "screensaver")]
    ScreenSaver,
}

/// How presence is seen, and what follows from it.
#[derive(Debug)]
pub(super) struct DeskSettings {
    pub(super) presence: PresenceSettings,
    pub(super) rules: DeskRules,
}

/// Shortest time before people elsewhere are asked, in seconds: a person needs it to read.
const SHORTEST_HAND_OVER: u64 = 30;

fn wrong(key: &str, what: impl Into<String>) -> WrongValue {
    Place::of(&["presence", key]).wrong(what)
}

fn span(span: TimeSpan) -> TimeDelta {
    i64::try_from(span.0).ok().and_then(TimeDelta::try_seconds).unwrap_or(TimeDelta::MAX)
}

impl PresenceSection {
    /// The settings. Paths are relative to the file's folder. `owner`: without approver rules, the
    /// author of this file decides.
    ///
    /// # Errors
    /// [`WrongValue`].
    pub(super) fn settings(self, folder: &Path, owner: bool) -> Result<DeskSettings, WrongValue> {
        let person = self.person(owner)?;
        let mut command = self.command;
        if let Some(program) = command.first_mut() {
            let named = Path::new(&*program);
            if !named.is_absolute() && !named.starts_with("~") {
                return Err(wrong(
                    "command",
                    format!(
                        "{program:?} is not a full path: an agent may choose what a short name \
                         means. Write, for example, [\"/usr/local/bin/at-desk\"]"
                    ),
                ));
            }
            *program = resolve(folder, named).to_string_lossy().into_owned();
        }
        let has_source = self.lock_screen.is_some()
            || self.file.is_some()
            || self.claude_file
            || !command.is_empty();
        if !has_source {
            return Err(Place::of(&["presence"]).wrong(
                "[presence] does not say how to see you at the desk: add lock_screen = \
                 \"logind\", file, claude_file = true or command",
            ));
        }
        if self.idle.is_some() && self.lock_screen.is_none() {
            return Err(wrong("idle", "idle needs lock_screen = \"logind\" or \"screensaver\""));
        }
        let hand_over = self.hand_over.map_or(DeskRules::HAND_OVER, span);
        if self.hand_over.is_some_and(|TimeSpan(seconds)| seconds < SHORTEST_HAND_OVER) {
            return Err(wrong(
                "hand_over",
                format!("hand_over is too short: write {SHORTEST_HAND_OVER}s or more"),
            ));
        }
        let presence = PresenceSettings {
            lock_screen: self.lock_screen.map(|word| match word {
                LockScreenWord::Logind => LockScreen::Logind,
                LockScreenWord::ScreenSaver => LockScreen::ScreenSaver,
            }),
            file: self.file.map(|file| resolve(folder, &file)),
            claude_file: self.claude_file,
            command,
            idle: self.idle.map(span),
            fresh: self.fresh.map_or(PresenceSettings::FRESH, span),
        };
        let rules = DeskRules {
            person,
            highest_risk: self.highest_risk.unwrap_or(DeskRules::HIGHEST_RISK),
            masked: self.masked,
            scripts: self.scripts,
            hand_over,
        };
        Ok(DeskSettings { presence, rules })
    }

    /// The person at the desk, as the approver rules know people.
    fn person(&self, owner: bool) -> Result<Voter, WrongValue> {
        let name = self.name.clone().filter(|name| !name.trim().is_empty());
        let person = match (self.user, name) {
            (Some(DiscordId(user)), name) => {
                Person::discord(user, name.unwrap_or_else(|| UNNAMED.to_owned()))
            }
            (None, None) if owner || self.roles.is_empty() => {
                Person { id: "desk".into(), name: UNNAMED.into() }
            }
            (None, _) => {
                return Err(wrong("user", "[presence] needs user, a Discord id, beside name"));
            }
        };
        let role =
            |named: &String| Role { id: named.parse().unwrap_or_default(), name: named.clone() };
        Ok(Voter { person, roles: self.roles.iter().map(role).collect(), owner })
    }
}

/// A person whom the configuration does not name.
const UNNAMED: &str = "the person at the desk";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<DeskSettings, String> {
        let section: PresenceSection = toml::from_str(text).map_err(|error| error.to_string())?;
        section.settings(Path::new("/home/maya/.config/gander"), true).map_err(|wrong| wrong.what)
    }

    #[test]
    fn the_defaults_are_careful() {
        let DeskSettings { presence, rules } = read("lock_screen = \"logind\"").unwrap();
        assert_eq!(presence.lock_screen, Some(LockScreen::Logind));
        assert_eq!(presence.fresh, TimeDelta::hours(12));
        assert_eq!((rules.highest_risk, rules.masked, rules.scripts), (Risk::High, false, false));
        assert_eq!((rules.hand_over, rules.person.owner), (TimeDelta::minutes(10), true));
    }

    #[test]
    fn everything_can_be_said() {
        let text = "file = \"desk\"\ncommand = [\"/usr/bin/at-desk\", \"-q\"]\nfresh = \"1h\"\n\
             claude_file = true\nhand_over = \"2m\"\nhighest_risk = \"critical\"\nmasked = true\n\
             scripts = true\nuser = 100000000000000002\nname = \"Maya\"\nroles = [\"Approvers\"]";
        let DeskSettings { presence, rules } = read(text).unwrap();
        assert_eq!(presence.file, Some("/home/maya/.config/gander/desk".into()));
        assert_eq!(presence.command, ["/usr/bin/at-desk", "-q"]);
        assert!(presence.claude_file && rules.masked && rules.scripts);
        assert_eq!(rules.person.person.discord_id(), Some(100_000_000_000_000_002));
        assert_eq!((rules.highest_risk, rules.hand_over), (Risk::Critical, TimeDelta::minutes(2)));
    }

    #[test]
    fn a_mistake_says_what_to_write() {
        for (text, words) in [
            ("", "add lock_screen"),
            ("masked = true", "add lock_screen"),
            ("lock_screen = \"xss\"", "unknown variant"),
            ("command = [\"at-desk\"]", "not a full path"),
            ("file = \"x\"\nidle = \"5m\"", "idle needs lock_screen"),
            ("file = \"x\"\nhand_over = \"5s\"", "30s or more"),
            ("file = \"x\"\nname = \"Maya\"", "needs user"),
            ("file = \"x\"\nhighest_risk = \"huge\"", "huge"),
            ("files = \"x\"", "unknown field"),
        ] {
            let said = read(text).unwrap_err();
            assert!(said.contains(words), "{text}: {said}");
        }
    }
}
