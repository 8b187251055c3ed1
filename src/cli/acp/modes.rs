//! The modes of a session. In some, the agent asks nobody before a tool call: then nothing stops
//! at the relay either.
//!
//! Modes have no meaning in the protocol, only a name that the agent chose. A mode counts as
//! unsupervised by the words that agents use for it.

/// Parts of the names of unsupervised modes, in small letters and without separators: `yolo` (Kimi,
/// Qwen Code, Gemini CLI), `bypassPermissions` (Claude), `full-access` (Codex) and their like.
const UNSUPERVISED: [&str; 12] = [
    "yolo",
    "bypass",
    "fullaccess",
    "fullauto",
    "dangerous",
    "skippermission",
    "autoapprove",
    "approveall",
    "alwaysapprove",
    "allowall",
    "acceptall",
    "unrestricted",
];
/// A name that means it as a whole, for [`NEVER_ASKING_IN_AUTO`]. Other agents have a mode `auto`
/// that asks.
const AUTO: &str = "auto";
/// How the names of agents begin that ask nobody in their mode `auto`: goose runs every tool, and
/// with Claude a model decides instead of the person.
const NEVER_ASKING_IN_AUTO: [&str; 2] = ["goose", "claude"];

/// The modes that the person allows although the agent asks nobody in them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct AllowedModes(pub(super) Vec<String>);

impl AllowedModes {
    /// Whether prompts may be sent to this agent in this mode.
    pub(super) fn allow(&self, agent: &str, mode: &str) -> bool {
        !is_unsupervised(agent, mode) || self.0.iter().any(|allowed| allowed == mode)
    }
}

/// Whether the agent asks nobody in this mode, by the mode's name.
fn is_unsupervised(agent: &str, mode: &str) -> bool {
    let plain = |name: &str| {
        let letters = name.chars().filter(|c| c.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect::<String>()
    };
    let mode = plain(mode);
    let agent = plain(agent);
    UNSUPERVISED.iter().any(|part| mode.contains(part))
        || (mode == AUTO && NEVER_ASKING_IN_AUTO.iter().any(|name| agent.starts_with(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_without_questions_is_known_by_its_name() {
        for (agent, mode, unsupervised) in [
            ("Kimi Code CLI", "yolo", true),
            ("Kimi Code CLI", "auto", false),
            ("Claude Agent", "bypassPermissions", true),
            ("Claude Agent", "auto", true),
            ("Claude Agent", "default", false),
            ("Qwen Code", "auto", false),
            ("Claude Agent", "dontAsk", false),
            ("Codex", "full-access", true),
            ("Codex", "danger-full-access", true),
            ("goose", "auto", true),
            ("goose", "smart_approve", false),
            ("Qwen Code", "YOLO", true),
            ("OpenCode", "build", false),
        ] {
            assert_eq!(is_unsupervised(agent, mode), unsupervised, "{agent} {mode}");
        }
        let allowed = AllowedModes(vec!["yolo".into()]);
        assert!(allowed.allow("Kimi", "yolo") && !allowed.allow("Kimi", "bypass"));
    }
}
