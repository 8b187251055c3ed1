//! The agents themselves, not stand-ins: where they are found, and how they are run with a scripted
//! model so that nothing leaves the machine.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::process::Home;
use super::scripted::Model;
use super::tools;

/// A real agent starts slowly on a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Where an agent's program is. Says so where it is not; with `GANDER_TEST_AGENTS=1` that fails.
pub(crate) fn installed(name: &str) -> Option<PathBuf> {
    let found = tools::find(name);
    tools::is_there(name, found.is_some(), tools::AGENTS);
    found
}

/// An agent in the working directory of a home of its own, with this model.
pub(crate) fn command(program: &Path, home: &Home, model: &Model) -> Command {
    let mut command = Command::new(program);
    command.current_dir(home.work()).env_clear().env("HOME", home.path());
    command.env("PATH", "/usr/bin:/bin").env("SHELL", "/bin/sh");
    // What would go elsewhere all the same ends at a door that nobody opens.
    command.env("HTTPS_PROXY", "http://127.0.0.1:9").env("NO_PROXY", "127.0.0.1");
    // A key of nobody; and root is let go without permissions in what is a sandbox.
    command.env("ANTHROPIC_API_KEY", "sk-ant-nobody").env("IS_SANDBOX", "1");
    command
        .env("ANTHROPIC_BASE_URL", &model.address)
        .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1");
    // The scripted model searches for no tools: all are in its first request, those of MCP servers
    // too. Otherwise Claude Code 2.1.332 names some only when asked.
    command.env("ENABLE_TOOL_SEARCH", "false").env("MCP_CONNECTION_NONBLOCKING", "0");
    command
        .env("ANTHROPIC_HOST", &model.address)
        .env("GOOSE_PROVIDER", "anthropic")
        .env("GOOSE_MODEL", "scripted");
    command.env("GOOSE_MODE", "auto").env("GOOSE_DISABLE_KEYRING", "1");
    command.env("GOOSE_TELEMETRY_ENABLED", "false").env("GOOSE_TELEMETRY_OFF", "1");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Tells Codex of this model, and what else stands in its configuration.
pub(crate) fn configure_codex(home: &Home, model: &Model, more: &str) {
    let folder = home.path().join(".codex");
    std::fs::create_dir(&folder).unwrap();
    let config = format!(
        "model = \"scripted\"\nmodel_provider = \"scripted\"\n[model_providers.scripted]\n\
         name = \"scripted\"\n\
         base_url = \"{}/v1\"\nwire_api = \"responses\"\n[analytics]\nenabled = false\n{more}",
        model.address
    );
    std::fs::write(folder.join("config.toml"), config).unwrap();
}

/// Everything that an agent printed.
pub(crate) async fn ended(child: Child) -> String {
    let output =
        timeout(PATIENCE, child.wait_with_output()).await.expect("the agent ends").unwrap();
    format!(
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
