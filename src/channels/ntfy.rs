//! Push notifications by ntfy (<https://docs.ntfy.sh/publish/#publish-as-json>): ntfy.sh or a
//! self-hosted server.
//!
//! Delivery is at least once. An interrupted notification is sent again with the same
//! `sequence_id`, and the app replaces the first (from ntfy 2.16 on; older servers show both). A
//! tap opens the Discord message.

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Client;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::http::{Endpoint, exchange, http_client};
use super::secret::SecretFrom;
use crate::core::Time;
use crate::core::messaging::notification::{ExternalChannel, Notification, NotificationPriority};
use crate::core::untrusted::{one_line, plain};
use crate::engine::notifications::outbox::{NotificationSender, Receipt, SendError};

/// Maximum characters of a notification. ntfy turns a message of more than 4,096 bytes into an
/// attachment; this many characters are always fewer bytes.
const LONGEST: usize = 1_300;
/// The environment variable with the token.
pub const TOKEN: &str = "NTFY_TOKEN";
const CHECK: &str = "Check [ntfy] in gander.toml, and the topic under [[people]]";

/// `[ntfy]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NtfySettings {
    /// The server.
    pub server: Endpoint,
    /// The access token, if the server requires a token.
    pub token: SecretFrom,
}

#[derive(Debug)]
struct Ntfy {
    client: Client,
    server: Endpoint,
    token: Option<SecretString>,
}

/// The push channel, if configured.
pub(super) fn sender(
    settings: &super::ChannelSettings,
) -> Option<Result<Arc<dyn NotificationSender>, String>> {
    let NtfySettings { server, token } = settings.ntfy.clone()?;
    let make = || {
        Ok(Arc::new(Ntfy { client: http_client(&server)?, token: token.read()?, server })
            as Arc<dyn NotificationSender>)
    };
    Some(make())
}

/// ntfy's response to a published message.
#[derive(Deserialize)]
struct Published {
    id: String,
}

/// ntfy's error response.
#[derive(Deserialize)]
struct Wrong {
    code: u32,
    #[serde(default)]
    error: String,
}

/// The `sequence_id` of a notification, the same for every attempt. ntfy allows 64 entries and
/// digits.
fn sequence_id(key: &str) -> String {
    let digest = Sha256::digest(key.as_bytes());
    digest.iter().take(16).fold(String::from("g"), |id, byte| format!("{id}{byte:02x}"))
}

#[async_trait]
impl NotificationSender for Ntfy {
    fn channel(&self) -> ExternalChannel {
        ExternalChannel::Push
    }

    async fn send(&self, message: &Notification, _: Time) -> Result<Receipt, SendError> {
        let (priority, tag) = match message.urgency {
            NotificationPriority::Normal => (3, "hourglass_flowing_sand"),
            NotificationPriority::High => (4, "warning"),
            NotificationPriority::Urgent => (5, "rotating_light"),
        };
        let words = if message.words.is_empty() { &message.title } else { &message.words };
        let mut body = serde_json::json!({
            "topic": message.to,
            "title": message.title,
            "message": plain(words, LONGEST).text,
            "priority": priority,
            "tags": [tag],
            "sequence_id": sequence_id(&message.key),
        });
        if let Some(link) = &message.link {
            body["click"] = link.as_str().into();
        }
        let mut request = self
            .client
            .post(self.server.url().clone())
            .header("Content-Type", "application/json")
            .body(body.to_string());
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose_secret());
        }
        let who = format!("ntfy at {}", self.server.host());
        let answer = exchange(request, &who).await?;
        match answer.status {
            200..=299 => match answer.json::<Published>() {
                Some(published) => Ok(published.id),
                None => Err(SendError::Refused(format!(
                    "the server at {} is not ntfy. {CHECK}",
                    self.server.host()
                ))),
            },
            401 | 403 => Err(SendError::Refused(format!(
                "{who} does not allow publishing to this topic (HTTP {}). Set {TOKEN}, or [ntfy] \
                 token_file, to a token that may write to it",
                answer.status
            ))),
            _ => {
                let wrong = answer.json::<Wrong>().map(|wrong| {
                    format!(
                        "ntfy says: {} ({})",
                        plain(&one_line(&wrong.error), 200).text,
                        wrong.code
                    )
                });
                Err(answer.meaning(&who, wrong.as_deref().unwrap_or(CHECK)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_message_has_the_same_id() {
        let id = sequence_id("142:climb3:push:discord:80351110224678912");
        assert_eq!(id, sequence_id("142:climb3:push:discord:80351110224678912"));
        assert_ne!(id, sequence_id("142:climb4:push:discord:80351110224678912"));
        assert!(id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
    }
}
