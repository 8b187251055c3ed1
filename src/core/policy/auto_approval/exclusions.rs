//! Requests that are never approved automatically: kinds that concern secrets, money, legal matters
//! or customers, and everything that may concern production.

use crate::core::decision::{Kind, Request};

/// Kinds never approved automatically, alone or as part of a longer name.
const NEVER: [&str; 10] = [
    "credential",
    "secret",
    "password",
    "clientcomm",
    "customercomm",
    "communication",
    "pricing",
    "price",
    "legal",
    "payment",
];
/// Kinds treated as production unless the environment says otherwise.
const DEPLOYMENT_KINDS: [&str; 7] =
    ["deploy", "release", "rollout", "publish", "golive", "launch", "production"];
/// Environments that are clearly not production.
const NOT_PRODUCTION: [&str; 15] = [
    "staging",
    "stage",
    "test",
    "testing",
    "qa",
    "dev",
    "development",
    "local",
    "localhost",
    "sandbox",
    "preview",
    "review",
    "demo",
    "ci",
    "integration",
];

/// A kind without word separators: `client-communication` and `Client Communication` become equal.
fn letters(kind: &Kind) -> String {
    kind.as_str().chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether this kind is never approved automatically, regardless of the configuration.
#[must_use]
pub fn never_auto_approved(kind: &Kind) -> bool {
    let letters = letters(kind);
    NEVER.iter().any(|never| letters.contains(never))
}

/// Whether a request concerns production, or may do so. Every environment outside
/// [`NOT_PRODUCTION`] counts as production. Without an environment, the kinds in
/// [`DEPLOYMENT_KINDS`] count as production.
pub(super) fn may_be_production(request: &Request) -> bool {
    let Some(environment) =
        request.environment.as_ref().filter(|environment| !environment.trim().is_empty())
    else {
        let letters = letters(&request.kind);
        return DEPLOYMENT_KINDS.iter().any(|brings| letters.contains(brings));
    };
    let name = environment.trim().to_lowercase();
    // `staging`, `staging2`, `staging-2`: only a number may follow the name.
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches(['-', '_']);
    !NOT_PRODUCTION.contains(&stem)
}
