//! `[ntfy]`, `[twilio]`, `[[webhooks]]`, `[desktop]`: channels beyond Discord.
//!
//! Only in the user's own file, and without secrets: secrets are in the environment or in a file
//! named here.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer};

use super::place::{Place, WrongValue};
use super::resolve;
use crate::channels::{ChannelSettings, Endpoint, SecretFrom, desktop, ntfy, twilio, webhook};
use crate::core::availability::phone;
use crate::core::policy::rules::project_name;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ntfy {
    #[serde(default)]
    server: Option<Endpoint>,
    #[serde(default)]
    token_file: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Twilio {
    #[serde(default, deserialize_with = "account")]
    account: Option<twilio::Account>,
    #[serde(default, deserialize_with = "number")]
    from: Option<String>,
    #[serde(default)]
    auth_token_file: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Webhook {
    #[serde(default)]
    url: Option<Endpoint>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    projects: Vec<String>,
    #[serde(default)]
    secret_file: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Desktop {
    #[serde(default)]
    program: Option<PathBuf>,
}

fn account<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<twilio::Account>, D::Error> {
    String::deserialize(deserializer)?.parse().map(Some).map_err(serde::de::Error::custom)
}

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    phone(&String::deserialize(deserializer)?).map(Some).map_err(serde::de::Error::custom)
}

/// The channels of the file. Paths are relative to the file's folder.
///
/// # Errors
/// [`WrongValue`].
pub(super) fn settings(
    ntfy: Option<Ntfy>,
    twilio: Option<Twilio>,
    webhooks: Vec<Webhook>,
    desktop: Option<Desktop>,
    folder: &Path,
) -> Result<ChannelSettings, WrongValue> {
    let at = |file: Option<PathBuf>| file.map(|file| resolve(folder, &file));
    let usual =
        |address: &str| address.parse::<Endpoint>().map_err(|why| Place::default().wrong(why));
    let mut settings = ChannelSettings {
        desktop: desktop.map(|desktop| desktop::DesktopSettings { program: desktop.program }),
        ..ChannelSettings::default()
    };
    if let Some(ntfy) = ntfy {
        let server = ntfy.server.map_or_else(|| usual("https://ntfy.sh"), Ok)?;
        settings.ntfy = Some(ntfy::NtfySettings {
            server,
            token: SecretFrom { file: at(ntfy.token_file), variable: ntfy::TOKEN },
        });
    }
    if let Some(twilio) = twilio {
        let token = SecretFrom { file: at(twilio.auth_token_file), variable: twilio::TOKEN };
        let api = usual("https://api.twilio.com")?;
        let (Some(account), Some(from)) = (twilio.account, twilio.from) else {
            let what =
                "[twilio] needs account, the Account SID, and from, a phone number of that account";
            return Err(Place::of(&["twilio"]).wrong(what));
        };
        settings.twilio = Some(twilio::TwilioSettings { account, from, token, api });
    }
    for (index, hook) in webhooks.into_iter().enumerate() {
        let place = Place::of(&["webhooks"]).index(index);
        let Some(url) = hook.url else {
            return Err(place.wrong("a [[webhooks]] has no url: add one"));
        };
        let name = hook.name.unwrap_or_else(|| url.host().to_owned());
        if settings.webhooks.iter().any(|other| other.name == name) {
            return Err(
                place.wrong(format!("two [[webhooks]] are called {name}: give each its own name"))
            );
        }
        let secret = SecretFrom { file: at(hook.secret_file), variable: webhook::SECRET };
        let projects = hook.projects.iter().map(|project| project_name(project)).collect();
        settings.webhooks.push(webhook::WebhookSettings { name, url, projects, secret });
    }
    Ok(settings)
}
