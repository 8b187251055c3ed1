//! The meaning of Twilio's error responses (<https://www.twilio.com/docs/api/errors>), with the
//! remedy.
//!
//! Twilio's error texts contain the phone number, so the texts are not repeated. The error code
//! leads to Twilio's page.

use serde::Deserialize;

use super::super::http::Answer;
use super::WHO;
use crate::engine::outbox::Unsent;

#[derive(Deserialize)]
struct Wrong {
    code: Option<u32>,
}

/// The meaning of a status other than 2xx.
pub(super) fn meaning(answer: &Answer) -> Unsent {
    let code = answer.json::<Wrong>().and_then(|wrong| wrong.code).unwrap_or(0);
    if let Some(known) = known(code, answer) {
        return known;
    }
    match answer.status {
        401 => known(20_003, answer).unwrap_or_else(|| answer.meaning(WHO, "")),
        // Twilio may have carried out the request before failing.
        500..=599 => Unsent::Unsure(format!("Twilio has trouble (HTTP {})", answer.status)),
        _ if code > 0 => Unsent::Refused(format!(
            "Twilio refuses it (error {code}): see https://www.twilio.com/docs/errors/{code}"
        )),
        _ => answer.meaning(WHO, "Check [twilio] in gander.toml"),
    }
}

/// The meaning of error codes with a known remedy.
fn known(code: u32, answer: &Answer) -> Option<Unsent> {
    let unreachable = |what: &str, mend: &str| {
        Some(Unsent::Unreachable(format!("{what} (Twilio's error {code}). {mend}")))
    };
    let refused = |what: &str, mend: &str| {
        Some(Unsent::Refused(format!("{what} (Twilio's error {code}). {mend}")))
    };
    let number = "Correct phone under [[people]] in gander.toml";
    match code {
        // Our side: account and token.
        20_003 => refused(
            "Twilio does not accept account and token",
            "Copy both from Twilio's console: account under [twilio] in gander.toml, the token into TWILIO_AUTH_TOKEN or its file",
        ),
        20_404 => refused(
            "Twilio does not know the account",
            "Correct account under [twilio] in gander.toml",
        ),
        10_001 | 20_005 => refused(
            "the account at Twilio is not active",
            "Look at Twilio's console: its balance may be used up",
        ),
        // Our side: the sending number and the account's permissions.
        21_210 | 21_212 | 21_603 | 21_606 | 21_659 | 21_660 | 21_661 => refused(
            "Twilio does not let us send or call from this number",
            "Correct from under [twilio]: one of the account's own numbers",
        ),
        21_219 | 21_608 => refused(
            "a trial account reaches only numbers that were verified",
            "Verify it in Twilio's console, or upgrade the account",
        ),
        21_215 | 21_408 | 13_227 => refused(
            "the account may not reach that country",
            "Allow it in Twilio's console: Messaging or Voice, Geo permissions",
        ),
        // Too many requests, or a full queue.
        20_429 | 14_107 | 21_611 | 63_038 => Some(Unsent::Later {
            after: answer.retry_after,
            why: format!("Twilio says that these are too many requests (error {code})"),
        }),
        // The receiver's side.
        21_211 | 21_217 | 21_265 | 13_223 | 13_224 => {
            unreachable("there is no such phone number", number)
        }
        21_610 => {
            unreachable("they have told our number to stop", "They must send it the word START")
        }
        21_614 | 21_635 => unreachable("the phone number takes no SMS", number),
        21_214 | 21_216 | 21_612 | 13_225 => {
            unreachable("the phone number cannot be reached from ours", number)
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
            let body = format!(
                r#"{{"code": {code}, "message": "The 'To' number +15005550001 is not valid.", "status": {status}}}"#
            );
            let (kind, words) =
                match meaning(&Answer { status, retry_after: chrono::TimeDelta::seconds(7), body })
                {
                    Unsent::Later { after, why } => {
                        (format!("later, {}", after.num_seconds()), why)
                    }
                    Unsent::Unsure(why) => ("unsure".into(), why),
                    Unsent::Unreachable(why) => ("unreachable".into(), why),
                    Unsent::Refused(why) => ("refused".into(), why),
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
