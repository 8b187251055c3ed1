//! SMS and phone calls by Twilio (<https://www.twilio.com/docs/messaging/api/message-resource>,
//! <https://www.twilio.com/docs/voice/api/call-resource>).
//!
//! Twilio has no idempotency key. So an interrupted notification is searched in Twilio's own list,
//! by receiver, sender and time, before sending again; while the list cannot be read, nothing is
//! sent. Accepted by Twilio counts as sent: delivery to the phone is not checked.

mod errors;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta};
use reqwest::Client;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use self::errors::meaning;
use super::http::{Endpoint, ServiceResponse, exchange, http_client};
use super::secret::SecretFrom;
use crate::core::Time;
use crate::core::messaging::notification::{ExternalChannel, Notification};
use crate::engine::notifications::outbox::{NotificationSender, Receipt, SearchResult, SendError};
use crate::presentation::text;

/// The environment variable with the account's token.
pub const TOKEN: &str = "TWILIO_AUTH_TOKEN";
const WHO: &str = "Twilio";
/// The search starts this much earlier than the recorded intent, because clocks differ.
const CLOCK_DIFFERENCE: TimeDelta = TimeDelta::minutes(2);
/// Maximum entries read from Twilio's list, newest first: far more than the sending limits allow
/// within the relevant time.
const LISTED: &str = "100";

/// `[twilio]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwilioSettings {
    /// The account's SID.
    pub account: Account,
    /// The sending and calling number, in E.164.
    pub from: String,
    /// The account's token.
    pub token: SecretFrom,
    /// The address of Twilio's API; another address for rehearsals.
    pub api: Endpoint,
}

/// An account's SID: `AC` and 32 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account(String);

impl std::str::FromStr for Account {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let digits = text.strip_prefix("AC").unwrap_or_default();
        if digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Self(text.to_owned()));
        }
        Err(format!(
            "{text:?} is not a Twilio Account SID: it is AC and 32 digits or letters a to f, \
             shown on the first page of Twilio's console"
        ))
    }
}

#[derive(Debug)]
struct Twilio {
    channel: ExternalChannel,
    client: Client,
    settings: TwilioSettings,
    token: SecretString,
}

/// The SMS channel, if configured.
pub(super) fn sms(
    settings: &super::ChannelSettings,
) -> Option<Result<Arc<dyn NotificationSender>, String>> {
    sender(settings, ExternalChannel::Sms)
}

/// The voice channel, if configured.
pub(super) fn voice(
    settings: &super::ChannelSettings,
) -> Option<Result<Arc<dyn NotificationSender>, String>> {
    sender(settings, ExternalChannel::Voice)
}

fn sender(
    settings: &super::ChannelSettings,
    channel: ExternalChannel,
) -> Option<Result<Arc<dyn NotificationSender>, String>> {
    let settings = settings.twilio.clone()?;
    let make = || {
        let token = settings.token.demand("Twilio token", "[twilio] auth_token_file")?;
        Ok(Arc::new(Twilio { channel, client: http_client(&settings.api)?, settings, token })
            as Arc<dyn NotificationSender>)
    };
    Some(make())
}

/// A message or call in Twilio's response.
#[derive(Debug, Deserialize)]
struct Told {
    sid: String,
    /// RFC 2822; absent only in entries from other senders.
    date_created: Option<String>,
    /// Only for messages.
    body: Option<String>,
}

#[derive(Debug, Deserialize)]
struct List {
    #[serde(alias = "messages", alias = "calls")]
    listed: Vec<Told>,
}

/// The script of a call: the words, a pause of a second, and the words again.
fn twiml(message: &Notification) -> String {
    let words = text::spoken(message)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;");
    format!(
        "<Response><Say>{words}</Say><Pause length=\"1\"/><Say>{} {words}</Say></Response>",
        text::ONCE_MORE
    )
}

impl Twilio {
    /// The API resource, the form field for the text, and the text.
    fn resource(&self, message: &Notification) -> (&'static str, &'static str, String) {
        match self.channel {
            ExternalChannel::Voice => ("Calls.json", "Twiml", twiml(message)),
            _ => ("Messages.json", "Body", text::sms(message)),
        }
    }

    fn url(&self, resource: &str) -> reqwest::Url {
        self.settings.api.join_path(&["2010-04-01", "Accounts", &self.settings.account.0, resource])
    }

    async fn ask(&self, request: reqwest::RequestBuilder) -> Result<ServiceResponse, SendError> {
        exchange(
            request.basic_auth(&self.settings.account.0, Some(self.token.expose_secret())),
            WHO,
        )
        .await
    }
}

/// Whether two texts are equal apart from whitespace. A trial account prepends its own words.
fn same_text(sent: &str, ours: &str) -> bool {
    let bare = |text: &str| text.split_whitespace().collect::<String>();
    bare(sent).ends_with(&bare(ours))
}

#[async_trait]
impl NotificationSender for Twilio {
    fn channel(&self) -> ExternalChannel {
        self.channel
    }

    async fn send(&self, message: &Notification, _: Time) -> Result<Receipt, SendError> {
        let (resource, field, text) = self.resource(message);
        let form = [("To", message.to.as_str()), ("From", &self.settings.from), (field, &text)];
        let answer = self.ask(self.client.post(self.url(resource)).form(&form)).await?;
        match answer.status {
            200..=299 => match answer.json::<Told>() {
                Some(told) => Ok(told.sid),
                None => Err(SendError::PossiblySent("Twilio's answer is not valid".into())),
            },
            _ => Err(meaning(&answer)),
        }
    }

    async fn find(
        &self,
        message: &Notification,
        since: Time,
        known: &[Receipt],
    ) -> Result<SearchResult, SendError> {
        let (resource, _, text) = self.resource(message);
        let query =
            [("To", message.to.as_str()), ("From", &self.settings.from), ("PageSize", LISTED)];
        let answer = self.ask(self.client.get(self.url(resource)).query(&query)).await?;
        let list = match (answer.status, answer.json::<List>()) {
            (200..=299, Some(list)) => list.listed,
            (200..=299, None) => {
                return Err(SendError::PossiblySent("Twilio's list is not valid".into()));
            }
            _ => return Err(meaning(&answer)),
        };
        let created =
            |told: &Told| DateTime::parse_from_rfc2822(told.date_created.as_deref()?).ok();
        let is_it = |told: &Told| {
            created(told).is_some_and(|at| at >= since - CLOCK_DIFFERENCE)
                && !known.contains(&told.sid)
                && told.body.as_deref().is_none_or(|body| same_text(body, &text))
        };
        Ok(list
            .into_iter()
            .find(is_it)
            .map_or(SearchResult::SendAgain, |told| SearchResult::Sent(told.sid)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_read_or_refused_with_where_it_stands() {
        assert!(format!("AC{}", "0f".repeat(16)).parse::<Account>().is_ok());
        for bad in
            ["", "AC", "SK00000000000000000000000000000000", "AC0000000000000000000000000000000g"]
        {
            assert!(bad.parse::<Account>().unwrap_err().contains("Twilio's console"), "{bad}");
        }
    }

    #[test]
    fn a_trial_accounts_own_words_and_blanks_do_not_hide_a_message() {
        assert!(same_text(
            "Sent from your Twilio trial account - GHL deploy\nwaits",
            "GHL deploy \nwaits"
        ));
        assert!(!same_text("GHL deploy waits", "Stripe deploy waits"));
    }
}
