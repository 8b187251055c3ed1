//! The meaning of Twilio's error responses (<https://www.twilio.com/docs/api/errors>), with the
//! remedy.
//!
//! Twilio's error texts contain the phone number, so the texts are not repeated. The error code
//! leads to Twilio's page.

use serde::Deserialize;

use super::WHO;
use crate::channels::http::ServiceResponse;
use crate::engine::notifications::outbox::SendError;

#[derive(Deserialize)]
struct Wrong {
    code: Option<u32>,
}

/// The meaning of a status other than 2xx.
pub(super) fn meaning(answer: &ServiceResponse) -> SendError {
    let code = answer.json::<Wrong>().and_then(|wrong| wrong.code).unwrap_or(0);
    if let Some(known) = known(code, answer) {
        return known;
    }
    match answer.status {
        401 => known(20_003, answer).unwrap_or_else(|| answer.meaning(WHO, "")),
        // Twilio may have carried out the request before failing.
        500..=599 => {
            SendError::PossiblySent(format!("Twilio has a problem (HTTP {})", answer.status))
        }
        _ if code > 0 => SendError::Refused(format!(
            "Twilio rejects it (error {code}): see https://www.twilio.com/docs/errors/{code}"
        )),
        _ => answer.meaning(WHO, "Check [twilio] in gander.toml"),
    }
}

/// The meaning of error codes with a known remedy.
fn known(code: u32, answer: &ServiceResponse) -> Option<SendError> {
    let unreachable = |what: &str, remedy: &str| {
        Some(SendError::Unreachable(format!("{what} (Twilio error {code}). {remedy}")))
    };
    let refused = |what: &str, remedy: &str| {
        Some(SendError::Refused(format!("{what} (Twilio error {code}). {remedy}")))
    };
    let number = "Correct phone under [[people]] in gander.toml";
    match code {
        // Our side: account and token.
        20_003 => refused(
            "Twilio does not accept the account and token",
            "Copy both from Twilio's console: the account into [twilio] in gander.toml, the \
             token into TWILIO_AUTH_TOKEN or its file",
        ),
        20_404 => refused(
            "Twilio does not know the account",
            "Correct account under [twilio] in gander.toml",
        ),
        10_001 | 20_005 => refused(
            "the Twilio account is not active",
            "Check Twilio's console: the balance may be used up",
        ),
        // Our side: the sending number and the account's permissions.
        21_210 | 21_212 | 21_603 | 21_606 | 21_659 | 21_660 | 21_661 => refused(
            "Twilio does not allow sending or calling from this number",
            "Correct from under [twilio]: use one of the account's own numbers",
        ),
        21_219 | 21_608 => refused(
            "a trial account can reach only verified numbers",
            "Verify the number in Twilio's console, or upgrade the account",
        ),
        21_215 | 21_408 | 13_227 => refused(
            "the account may not reach this country",
            "Allow the country in Twilio's console: Messaging or Voice, Geo permissions",
        ),
        // Too many requests, or a full queue.
        20_429 | 14_107 | 21_611 | 63_038 => Some(SendError::Later {
            after: answer.retry_after,
            why: format!("Twilio reports too many requests (error {code})"),
        }),
        // The receiver's side.
        21_211 | 21_217 | 21_265 | 13_223 | 13_224 => {
            unreachable("the phone number does not exist", number)
        }
        21_610 => unreachable(
            "the person blocked this number by replying STOP",
            "They must send START to the number",
        ),
        21_614 | 21_635 => unreachable("the phone number cannot receive SMS", number),
        21_214 | 21_216 | 21_612 | 13_225 => {
            unreachable("the phone number cannot be reached from this number", number)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_say_who_can_do_something_about_it() {
        let said = |status, code| {
            let message = "The 'To' number +15005550001 is not valid.";
            let body = format!(r#"{{"code": {code}, "message": "{message}", "status": {status}}}"#);
            let (kind, words) = match meaning(&ServiceResponse {
                status,
                retry_after: chrono::TimeDelta::seconds(7),
                body,
            }) {
                SendError::Later { after, why } => (format!("later, {}", after.num_seconds()), why),
                SendError::PossiblySent(why) => ("unsure".into(), why),
                SendError::Unreachable(why) => ("unreachable".into(), why),
                SendError::Refused(why) => ("refused".into(), why),
            };
            assert!(!words.contains("5005550001"), "{words}");
            format!("{status} {code} {kind}: {words}")
        };
        let all = [
            said(401, 20_003),
            said(404, 20_404),
            said(403, 20_005),
            said(400, 21_606),
            said(400, 21_608),
            said(400, 21_408),
            said(429, 20_429),
            said(400, 21_211),
            said(400, 21_610),
            said(400, 21_614),
            said(400, 21_612),
            said(400, 99_999),
            said(401, 0),
            said(429, 0),
            said(503, 0),
            said(302, 0),
            said(418, 0),
        ];
        insta::assert_snapshot!(all.join("\n"));
    }
}
