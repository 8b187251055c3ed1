//! Checks the application's settings and the clock. serenity's models lack the needed fields, and
//! its responses lack the headers. So this module sends its own requests with the same HTTP client.

use chrono::{DateTime, TimeDelta};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::DISCORD;
use crate::core::Time;
use crate::core::values::check_result::CheckResult;
use crate::surfaces::discord::DiscordSettings;
use crate::surfaces::discord::connection::connect;
use crate::surfaces::discord::connection::connect::{Api, ConnectError};
use crate::surfaces::discord::connection::error;

/// Tolerated difference between this machine's clock and Discord's.
const MOST_SKEW: TimeDelta = TimeDelta::seconds(2);

/// Sends requests to Discord without serenity.
pub(crate) struct RawClient {
    client: reqwest::Client,
    base: String,
    authorization: SecretString,
}

/// Discord's response.
pub(crate) struct RawResponse {
    pub(crate) status: u16,
    /// The `Date` header, with a resolution of a second.
    pub(crate) date: Option<Time>,
    /// `None` if the body is not JSON.
    pub(crate) body: Option<Value>,
}

impl RawClient {
    pub(crate) fn new(settings: &DiscordSettings) -> Result<Self, ConnectError> {
        let host = match &settings.api {
            Api::Discord | Api::Pinned { .. } => "https://discord.com",
            Api::Proxy(address) => address,
        };
        Ok(Self {
            client: connect::client(&settings.api)?,
            base: format!("{host}/api/v10"),
            authorization: format!("Bot {}", settings.token.expose_secret()).into(),
        })
    }

    /// Sends a request, without retry. The error is a description for people, without the address.
    pub(crate) async fn get(&self, path: &str) -> Result<RawResponse, String> {
        let agent = concat!("DiscordBot (gander, ", env!("CARGO_PKG_VERSION"), ")");
        let request = self.client.get(format!("{}{path}", self.base));
        let request = request
            .header("authorization", self.authorization.expose_secret())
            .header("user-agent", agent);
        let response = request.send().await.map_err(|error| error::transport(&error))?;
        let date = response
            .headers()
            .get("date")
            .and_then(|value| DateTime::parse_from_rfc2822(value.to_str().ok()?).ok());
        let status = response.status().as_u16();
        let text = response.text().await.map_err(|error| error::transport(&error))?;
        Ok(RawResponse {
            status,
            date: date.map(|date| date.to_utc()),
            body: serde_json::from_str(&text).ok(),
        })
    }
}

/// Compares the clocks. Discord wrote `date` between `sent` and `received`, truncated to the
/// second.
pub(crate) fn compare(sent: Time, received: Time, date: Time) -> CheckResult {
    let (least, most) = (sent - date - TimeDelta::seconds(1), received - date);
    let off = match () {
        () if least > TimeDelta::zero() => least,
        () if most < TimeDelta::zero() => most,
        () => TimeDelta::zero(),
    };
    if off.abs() <= MOST_SKEW {
        return CheckResult::fine("Clock", "it matches Discord's clock within 2 s");
    }
    let which = if off > TimeDelta::zero() { "fast" } else { "slow" };
    let what = format!(
        "this machine's clock is at least {} s {which}: deadlines come at the wrong time",
        off.abs().num_seconds()
    );
    CheckResult::warning(
        "Clock",
        what,
        "Synchronise the system clock: on most Linux systems with timedatectl set-ntp true",
    )
}

fn id(value: &Value) -> Option<u64> {
    value.as_str().and_then(|text| text.parse().ok())
}

/// Adds the findings about the application. Returns its id and owner; `None` if the id is missing.
pub(crate) fn about(
    application: &Value,
    found: &mut Vec<CheckResult>,
) -> Option<(u64, Option<u64>)> {
    let own = id(&application["id"])?;
    let owner =
        id(&application["team"]["owner_user_id"]).or_else(|| id(&application["owner"]["id"]));
    let name = application["name"].as_str().unwrap_or("without a name");
    let whose = owner.map_or_else(String::new, |owner| format!(", owned by {owner}"));
    found.push(CheckResult::fine(
        DISCORD,
        format!("the token is accepted: application {name} ({own}){whose}"),
    ));
    let portal = format!("https://discord.com/developers/applications/{own}");
    found.push(
        match application["interactions_endpoint_url"].as_str().filter(|url| !url.is_empty()) {
            Some(url) => CheckResult::broken(
                DISCORD,
                format!(
                    "clicks and commands go to {url} (the Interactions Endpoint URL), and never \
                reach this bot"
                ),
                format!(
                    "Open {portal}/information, empty the field Interactions Endpoint URL, and save"
                ),
            ),
            None => CheckResult::fine(
                DISCORD,
                "clicks and commands come over the gateway: no Interactions Endpoint URL is set",
            ),
        },
    );
    found.push(intents(application["flags"].as_u64().unwrap_or(0), &portal));
    found.extend(public_bot(application["bot_public"].as_bool(), &portal));
    Some((own, owner))
}

/// Warns about a bot that anybody may invite. Discord creates every application like this.
fn public_bot(public: Option<bool>, portal: &str) -> Option<CheckResult> {
    Some(match public? {
        false => CheckResult::fine(DISCORD, "only its owner can invite the bot"),
        true => CheckResult::warning(
            DISCORD,
            "anybody can invite the bot into their server (Public Bot is on); it works in its own \
             server only",
            format!(
                "Switch it off: open {portal}/installation, set Install Link to None, and save; \
                 then {portal}/bot, Public Bot"
            ),
        ),
    })
}

/// Warns about privileged intents. Gander needs none, and an enabled intent lets a thief of the
/// token read more.
fn intents(flags: u64, portal: &str) -> CheckResult {
    // Each intent has two flags: for large bots, and for bots in fewer than 100 servers.
    let privileged =
        [("Presence", 12..=13), ("Server Members", 14..=15), ("Message Content", 18..=19)];
    let on = |bits: &std::ops::RangeInclusive<u32>| bits.clone().any(|bit| flags & (1 << bit) != 0);
    let names: Vec<&str> =
        privileged.iter().filter(|(_, bits)| on(bits)).map(|(name, _)| *name).collect();
    if names.is_empty() {
        return CheckResult::fine(DISCORD, "no privileged intent is on, and none is needed");
    }
    CheckResult::warning(
        DISCORD,
        format!("a privileged intent is on that Gander does not need: {}", names.join(", ")),
        format!("Switch it off: {portal}/bot, Privileged Gateway Intents"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::values::check_result::Health;
    use serde_json::json;

    #[test]
    fn clocks_are_compared_as_far_as_the_header_tells() {
        let date: Time = "2026-03-01T12:00:00Z".parse().unwrap();
        let at = |millis| date + TimeDelta::milliseconds(millis);
        for (sent, received, words) in [
            (0, 500, None),
            // Truncated to the second: Discord's clock may have shown 12:00:00.999.
            (2_900, 3_000, None),
            (3_500, 3_600, Some("2 s fast")),
            (4_100, 4_200, Some("3 s fast")),
            (-1_900, -1_800, None),
            (-5_200, -5_000, Some("5 s slow")),
            // A slow response proves little.
            (-30_000, 0, None),
        ] {
            let found = compare(at(sent), at(received), date);
            match words {
                None => assert_eq!(found.state, Health::Fine, "{sent} {found:?}"),
                Some(words) => assert!(found.what.contains(words), "{sent} {found:?}"),
            }
        }
    }

    #[test]
    fn an_endpoint_and_privileged_intents_are_named_with_where_to_switch_them_off() {
        let look = |application: Value| {
            let mut found = Vec::new();
            let who = about(&application, &mut found);
            (
                who,
                found
                    .into_iter()
                    .filter(|finding| finding.state != Health::Fine)
                    .collect::<Vec<_>>(),
            )
        };
        let plain = json!({
            "id": "7",
            "name": "Gander",
            "owner": { "id": "8" },
            "interactions_endpoint_url": null,
            "flags": 1 << 23,
        });
        assert_eq!(look(plain.clone()), (Some((7, Some(8))), vec![]));
        let public = |on: bool| look(json!({ "id": "7", "bot_public": on })).1;
        assert!(public(false).is_empty());
        assert!(public(true)[0].what.contains("anybody can invite"), "{:?}", public(true));
        let team = json!({ "id": "7", "owner": { "id": "8" }, "team": { "owner_user_id": "9" } });
        assert_eq!(look(team), (Some((7, Some(9))), vec![]));
        let mut wrong = plain;
        wrong["interactions_endpoint_url"] = "https://example.org/discord".into();
        wrong["flags"] = (1 << 15 | 1 << 18).into();
        let (_, found) = look(wrong);
        assert!(
            found[0].state == Health::Broken
                && found[0].what.contains("https://example.org/discord"),
            "{found:?}"
        );
        assert!(
            found[0].remedy.as_ref().unwrap().contains("applications/7/information"),
            "{found:?}"
        );
        assert!(
            found[1].state == Health::Warning
                && found[1].what.ends_with("Server Members, Message Content"),
            "{found:?}"
        );
        assert_eq!(look(json!({ "code": 0 })).0, None);
    }
}
