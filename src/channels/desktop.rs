//! Desktop notifications with a sound, on the machine that runs the bot. Uses the system's program:
//! `notify-send` (Linux and similar systems), `osascript` (macOS).
//!
//! Not a library: the libraries speak D-Bus and bring about sixty crates, for a single call that
//! the system's program makes. No shell is involved, and a text is always a separate argument,
//! never an option. Delivery is at least once.

use std::ffi::OsString;
use std::process::Stdio;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::process::Command;

use crate::core::Time;
use crate::core::messaging::notification::{ExternalChannel, Notification, NotificationPriority};
use crate::core::untrusted::{one_line, plain};
use crate::engine::notifications::outbox::{NotificationSender, Receipt, SendError};

/// `[desktop]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesktopSettings {
    /// A program to run instead of the system's; must accept the same arguments.
    pub program: Option<std::path::PathBuf>,
}

#[derive(Debug)]
struct Desktop {
    program: OsString,
    system: System,
}

#[derive(Debug, Clone, Copy)]
enum System {
    Freedesktop,
    MacOs,
}

/// The desktop channel, if configured.
pub(super) fn sender(
    settings: &super::ChannelSettings,
) -> Option<Result<Arc<dyn NotificationSender>, String>> {
    let DesktopSettings { program } = settings.desktop.clone()?;
    let system = match std::env::consts::OS {
        "macos" => Ok(System::MacOs),
        "windows" => Err(
            "desktop notifications are not supported on Windows: remove [desktop] from gander.toml",
        ),
        _ => Ok(System::Freedesktop),
    };
    let usual = |system| match system {
        System::MacOs => "osascript",
        System::Freedesktop => "notify-send",
    };
    let make = |system| {
        Arc::new(Desktop {
            program: program.map_or_else(|| usual(system).into(), Into::into),
            system,
        }) as Arc<dyn NotificationSender>
    };
    Some(system.map(make).map_err(ToOwned::to_owned))
}

/// The program's arguments.
fn arguments(system: System, message: &Notification) -> Vec<String> {
    let words = plain(&message.words, 600).text;
    match system {
        System::Freedesktop => {
            let urgency = match message.urgency {
                NotificationPriority::Normal => "normal",
                NotificationPriority::High | NotificationPriority::Urgent => "critical",
            };
            // notify-send's body may contain markup, so markup characters are escaped.
            let words = words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            [
                "--app-name=Gander",
                &format!("--urgency={urgency}"),
                "--hint=string:sound-name:message-new-instant",
                "--hint=string:category:im.received",
                "--",
                &message.title,
                &words,
            ]
            .map(ToOwned::to_owned)
            .into()
        }
        System::MacOs => [
            "-e",
            "on run argv",
            "-e",
            "display notification (item 2 of argv) with title (item 1 of argv) sound name \
             \"Glass\"",
            "-e",
            "end run",
            "--",
            &message.title,
            &words,
        ]
        .map(ToOwned::to_owned)
        .into(),
    }
}

#[async_trait]
impl NotificationSender for Desktop {
    fn channel(&self) -> ExternalChannel {
        ExternalChannel::Desktop
    }

    async fn send(&self, message: &Notification, _: Time) -> Result<Receipt, SendError> {
        let program = self.program.to_string_lossy();
        let mut command = Command::new(&self.program);
        command
            .args(arguments(self.system, message))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let ended = command.output().await.map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => SendError::Refused(format!(
                "{program} is not installed. Install it (Debian: apt install libnotify-bin), or \
                 remove [desktop] from gander.toml"
            )),
            _ => SendError::Refused(format!("cannot run {program}: {error}")),
        })?;
        if ended.status.success() {
            return Ok(String::new());
        }
        let said = plain(&one_line(&String::from_utf8_lossy(&ended.stderr)), 200).text;
        Err(SendError::Refused(format!(
            "{program} failed ({said}). It needs a logged-in user's session: run gander serve in \
             that session, not as a system service"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(title: &str, words: &str) -> Notification {
        Notification {
            key: "k".into(),
            person: String::new(),
            channel: ExternalChannel::Desktop,
            to: String::new(),
            title: title.into(),
            words: words.into(),
            link: None,
            urgency: NotificationPriority::Urgent,
            decisions: Default::default(),
        }
    }

    #[test]
    fn texts_are_never_options_markup_or_script() {
        let nasty = message("--help\" & do shell script \"id\"", "<b>x</b> & $(id) \\");
        let linux = arguments(System::Freedesktop, &nasty);
        assert_eq!(
            linux[linux.len() - 3..],
            ["--", "--help\" & do shell script \"id\"", "&lt;b&gt;x&lt;/b&gt; &amp; $(id) \\"]
        );
        assert!(linux.contains(&"--urgency=critical".to_owned()));
        let mac = arguments(System::MacOs, &nasty);
        assert_eq!(
            mac[mac.len() - 3..],
            ["--", "--help\" & do shell script \"id\"", "<b>x</b> & $(id) \\"]
        );
        assert!(mac[..mac.len() - 2].iter().all(|argument| !argument.contains("id\"")), "{mac:?}");
    }
}
