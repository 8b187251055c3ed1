//! What the person must know about an agent's gate after the installation.

/// Copilot CLI, in a project.
pub const COPILOT_PROJECT: &str = "Copilot runs the hooks of a project only in a folder that you \
    have marked as trusted. Keep .github/hooks/gander.json out of git: it names a program on your \
    machine, and Copilot's agents in the cloud would run it.";

/// Cursor.
pub const CURSOR: &str = "Gander was tried with Cursor's own hook runner, not with the editor: \
    look at Cursor's settings, Hooks, whether both hooks are listed without an error. Cursor asks \
    its own questions after Gander's; let it run everything to be asked once.";

/// Gemini CLI.
pub const GEMINI: &str = "Trust the folder when Gemini asks at its first start there: in other \
    folders, and over ACP (Zed, JetBrains: gemini --acp), Gemini runs no hooks, and Gander stops \
    nothing. Gemini asks its own questions after Gander's; start it with --approval-mode yolo to \
    be asked once.";

/// `OpenCode`.
pub const OPENCODE: &str = "OpenCode has no tools while the gate does not load (with --pure, for \
    example): its opencode.json denies all, and the gate takes that back. Restart OpenCode.";

/// Qwen Code.
pub const QWEN: &str = "Qwen Code goes on without a hook's answer after 60 s. So Gander tells it \
    after 40 s at most that the decision is still open, and to ask again later. Qwen Code asks its \
    own questions before Gander's; start it with --approval-mode yolo to be asked once.";

/// Kimi.
pub const KIMI: &str = "Kimi asks its own questions after Gander's; start it with --yolo to be \
    asked once.";

/// Crush.
pub const CRUSH: &str = "Gander could not be tried with Crush: its gate follows Crush's source of \
    August 2026. Crush runs no hook for the calls of its sub-agents, for a command with a NUL \
    character, and for what a project's crushrc does at the start.";

/// Kiro.
pub const KIRO: &str = "Gander could not be tried with Kiro, and Kiro goes on if a hook is late \
    or breaks: do not rely on this gate before you have seen it deny a call. Kiro's editor before \
    version 1 tells its hooks nothing, and version 2 of its command line runs only the hooks of \
    an agent's own file.";

/// The person wants to wait longer than the agent does. `longest`: in seconds.
#[must_use]
pub fn too_long(agent: &str, longest: u64) -> String {
    format!("{agent} goes on without its hook's answer: --timeout can be at most {longest}s")
}

/// The agent does not wait as long as is usual. `longest`: in seconds.
#[must_use]
pub fn shortened(agent: &str, longest: u64) -> String {
    format!("{agent} waits for you at most {longest} s, and may then ask again")
}
