//! `[grants]`, and `longest_grant` of projects and kinds: what a grant may cover, and for how long.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::TimeSpan;
use super::values::word;
use crate::core::decision::{GrantSpan, LongestGrant, Risk};
use crate::core::policy::grants::GrantPolicy;

/// The longest grant: a time span, or a word.
#[derive(Debug, Clone, Copy)]
pub(super) struct Longest(pub(super) LongestGrant);

impl<'de> Deserialize<'de> for Longest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(Self(match text.trim() {
            "never" => LongestGrant::Never,
            "session" => LongestGrant::UpTo(GrantSpan::Session),
            "until revoked" => LongestGrant::UNLIMITED,
            span => match span.parse::<TimeSpan>() {
                Ok(TimeSpan(seconds)) => LongestGrant::UpTo(GrantSpan::Seconds(seconds)),
                Err(_) => {
                    return Err(D::Error::custom(format!(
                        "{text:?} is not the length of a grant: write never, session, a time span \
                         such as 8h, or until revoked"
                    )));
                }
            },
        }))
    }
}

/// The greatest risk of a call that a grant may cover.
#[derive(Debug, Clone, Copy)]
struct Below(Risk);

impl<'de> Deserialize<'de> for Below {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match word::<D, Risk>(deserializer)? {
            Some(risk) if risk < Risk::Critical => Ok(Self(risk)),
            _ => Err(D::Error::custom(
                "a call of critical risk is never covered: write low, medium or high",
            )),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct GrantsSection {
    longest: Option<Longest>,
    max_risk: Option<Below>,
    max_risk_of_patterns: Option<Below>,
}

impl GrantsSection {
    pub(super) fn policy(&self) -> GrantPolicy {
        let usual = GrantPolicy::default();
        let max_risk = self.max_risk.map_or(usual.max_risk, |risk| risk.0);
        let of_patterns =
            self.max_risk_of_patterns.map_or(usual.max_risk_of_patterns, |risk| risk.0);
        GrantPolicy {
            longest: self.longest.map_or(usual.longest, |longest| longest.0),
            max_risk,
            max_risk_of_patterns: of_patterns.min(max_risk),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ConfigError, understand};
    use crate::core::policy::rules::Rules;

    fn read(text: &str) -> Result<Rules, ConfigError> {
        understand("gander.toml".as_ref(), text).map(|config| config.rules)
    }

    #[test]
    fn limits_are_said_for_all_and_by_project_and_kind() {
        assert_eq!(read("").unwrap().grants, GrantPolicy::default());
        let text = "[grants]\n\
            longest = \"8h\"\n\
            max_risk = \"medium\"\n\
            [projects.Web-Shop]\n\
            longest_grant = \"session\"\n\
            [projects.docs]\n\
            longest_grant = \"never\"\n\
            [kinds.deploy]\n\
            longest_grant = \"until revoked\"\n";
        let rules = read(text).unwrap();
        let expected = GrantPolicy {
            longest: LongestGrant::UpTo(GrantSpan::EIGHT_HOURS),
            max_risk: Risk::Medium,
            max_risk_of_patterns: Risk::Medium,
        };
        assert_eq!(rules.grants, expected);
        let of = |project: &str| rules.projects.get(project).unwrap().longest_grant;
        assert_eq!(of("web-shop"), Some(LongestGrant::UpTo(GrantSpan::Session)));
        assert_eq!(of("docs"), Some(LongestGrant::Never));
        let deploy = rules.kinds.get(&"deploy".into()).unwrap().longest_grant;
        assert_eq!(deploy, Some(LongestGrant::UNLIMITED));
    }

    #[test]
    fn a_wrong_limit_is_refused_with_its_line() {
        for (text, says) in [
            ("[grants]\nlongest = \"for ever\"\n", "until revoked"),
            ("[grants]\nmax_risk = \"critical\"\n", "never covered"),
            ("[grants]\nmost = \"1h\"\n", "unknown field"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(says) && error.contains("gander.toml:2"), "{error}");
        }
    }
}
