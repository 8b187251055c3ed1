//! Programs that the user's configuration names.

use tokio::process::Command;

/// Variables with Gander's own secrets, and where they are.
const SECRETS: [&str; 11] = [
    "DISCORD_TOKEN",
    "DISCORD_TOKEN_FILE",
    "NTFY_TOKEN",
    "NTFY_TOKEN_FILE",
    "TWILIO_AUTH_TOKEN",
    "TWILIO_AUTH_TOKEN_FILE",
    "GANDER_TOKEN",
    "GANDER_WEBHOOK_SECRET",
    "GANDER_GITHUB_WEBHOOK_SECRET",
    "GANDER_GITHUB_TOKEN",
    "GANDER_ALERTMANAGER_TOKEN",
];

/// Removes Gander's own secrets from a program's environment.
pub(super) fn without_secrets(command: &mut Command) -> &mut Command {
    for name in SECRETS {
        command.env_remove(name);
    }
    command
}
