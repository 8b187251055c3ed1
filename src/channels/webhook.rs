//! Signed requests to the user's own programs, following the Standard Webhooks specification
//! (<https://www.standardwebhooks.com>), so receivers can verify requests with existing libraries.
//!
//! A `POST` of JSON with three headers:
//!
//! - `webhook-id`: equal for every attempt of a notification; receivers drop known ids
//! - `webhook-timestamp`: seconds since 1970; receivers reject requests older than five minutes
//! - `webhook-signature`: `v1,` and the base64 of the HMAC-SHA256 over `id.timestamp.body`
//!
//! Delivery is at least once.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Client;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use super::http::{Endpoint, exchange, http_client};
use super::secret::SecretFrom;
use crate::core::Time;
use crate::core::messaging::notification::{ExternalChannel, Notification};
use crate::engine::notifications::outbox::{NotificationSender, Receipt, SendError};

/// The environment variable with the secret, for every webhook without a secret file.
pub const SECRET: &str = "GANDER_WEBHOOK_SECRET";
/// The specification requires at least 24 bytes.
const SHORTEST_KEY: usize = 24;

/// An entry of `[[webhooks]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSettings {
    /// The webhook's name; the host by default.
    pub name: String,
    /// The receiver's address.
    pub url: Endpoint,
    /// Only decisions of these projects; empty: all.
    pub projects: Vec<String>,
    /// The key for signatures.
    pub secret: SecretFrom,
}

#[derive(Debug)]
struct Hook {
    name: String,
    url: Endpoint,
    client: Client,
    key: SecretString,
}

/// All webhooks share a sender; a notification names its webhook.
#[derive(Debug)]
struct Webhooks(Vec<Result<Hook, (String, String)>>);

/// The webhook channel, if a webhook is configured. A broken webhook does not affect the others.
pub(super) fn sender(
    settings: &super::ChannelSettings,
) -> Option<Result<Arc<dyn NotificationSender>, String>> {
    if settings.webhooks.is_empty() {
        return None;
    }
    let hooks = settings
        .webhooks
        .iter()
        .map(|hook| Hook::new(hook).map_err(|why| (hook.name.clone(), why)))
        .collect();
    Some(Ok(Arc::new(Webhooks(hooks))))
}

/// Why webhooks cannot work, as text.
pub(super) fn faults(settings: &super::ChannelSettings) -> Vec<String> {
    settings.webhooks.iter().filter_map(|hook| Hook::new(hook).err()).collect()
}

impl Hook {
    fn new(settings: &WebhookSettings) -> Result<Self, String> {
        let WebhookSettings { name, url, secret, .. } = settings.clone();
        let key = secret
            .demand(&format!("secret for the webhook {name}"), "secret_file under [[webhooks]]")?;
        if bytes(&key)?.len() < SHORTEST_KEY {
            return Err(format!(
                "the secret of the webhook {name} is too short to be safe: create one of at \
                 least {SHORTEST_KEY} bytes, for example with: openssl rand -base64 32"
            ));
        }
        Ok(Self { client: http_client(&url)?, name, url, key })
    }
}

/// The bytes of a secret: base64 after the prefix `whsec_` as in the specification, or else the
/// text itself.
fn bytes(secret: &SecretString) -> Result<Vec<u8>, String> {
    match secret.expose_secret().strip_prefix("whsec_") {
        Some(coded) => BASE64_STANDARD
            .decode(coded)
            .map_err(|_| "the webhook's secret is not whsec_ and base64: copy it again".into()),
        None => Ok(secret.expose_secret().as_bytes().to_vec()),
    }
}

/// The value of the signature header.
fn signature(key: &[u8], id: &str, timestamp: i64, body: &str) -> String {
    // HMAC accepts keys of any length, so the error cannot occur; a receiver would reject an
    // unsigned request.
    let code = Hmac::<Sha256>::new_from_slice(key).map(|code| {
        let code = code.chain_update(format!("{id}.{timestamp}.{body}")).finalize().into_bytes();
        BASE64_STANDARD.encode(code)
    });
    format!("v1,{}", code.unwrap_or_default())
}

/// The `webhook-id` of a notification, the same for every attempt. A hash, because the receiver
/// does not need the key itself.
fn id(key: &str) -> String {
    Sha256::digest(key.as_bytes())
        .iter()
        .take(16)
        .fold(String::from("msg_"), |id, byte| format!("{id}{byte:02x}"))
}

fn body(message: &Notification, at: Time) -> String {
    let body = serde_json::json!({
        "type": "gander.attention",
        "timestamp": at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        "data": {
            "title": message.title,
            "text": message.words,
            "link": message.link,
            "urgency": message.urgency,
            "decisions": message.decisions,
        },
    });
    body.to_string()
}

#[async_trait]
impl NotificationSender for Webhooks {
    fn channel(&self) -> ExternalChannel {
        ExternalChannel::Webhook
    }

    async fn send(&self, message: &Notification, at: Time) -> Result<Receipt, SendError> {
        let is_it = |hook: &&Result<Hook, (String, String)>| match hook {
            Ok(hook) => hook.name == message.to,
            Err((name, _)) => *name == message.to,
        };
        let hook = match self.0.iter().find(is_it) {
            Some(Ok(hook)) => hook,
            Some(Err((_, why))) => return Err(SendError::Refused(why.clone())),
            None => {
                return Err(SendError::Refused(format!(
                    "the webhook {} is no longer in gander.toml",
                    message.to
                )));
            }
        };
        let (id, timestamp, body) = (id(&message.key), at.timestamp(), body(message, at));
        let key = bytes(&hook.key).map_err(SendError::Refused)?;
        let request = hook
            .client
            .post(hook.url.url().clone())
            .header("Content-Type", "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature(&key, &id, timestamp, &body))
            .body(body);
        let who = format!("the webhook {}", hook.name);
        let answer = exchange(request, &who).await?;
        match answer.status {
            200..=299 => Ok(id),
            401 | 403 => Err(SendError::Refused(format!(
                "{who} does not accept Gander's signature (HTTP {}). Use the same secret on both \
                 sides, and check the receiver's clock",
                answer.status
            ))),
            _ => Err(answer.meaning(&who, "Check its url under [[webhooks]] in gander.toml")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test cases 1 and 2: the HMAC alone, without id and timestamp.
    #[test]
    fn the_code_is_the_one_of_the_standard() {
        let code = |key: &[u8], data: &str| {
            let code = Hmac::<Sha256>::new_from_slice(key)
                .unwrap()
                .chain_update(data)
                .finalize()
                .into_bytes();
            code.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
        };
        assert_eq!(
            code(&[0x0b; 20], "Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
        assert_eq!(
            code(b"Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn the_signature_changes_with_each_part_that_it_covers() {
        let key = [7; 32];
        let one = signature(&key, "msg_1", 1_700_000_000, "{}");
        assert!(one.starts_with("v1,") && one.len() == 3 + 44, "{one}");
        for other in [
            signature(&[8; 32], "msg_1", 1_700_000_000, "{}"),
            signature(&key, "msg_2", 1_700_000_000, "{}"),
            signature(&key, "msg_1", 1_700_000_001, "{}"),
            signature(&key, "msg_1", 1_700_000_000, "{ }"),
        ] {
            assert_ne!(one, other);
        }
    }
}
