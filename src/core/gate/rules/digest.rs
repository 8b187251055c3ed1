//! A digest of rules, by which a verdict names the rules that judged its call.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{FileLocation, GateRule, RuleEffect};
use crate::core::hex;

/// SHA-256 of the rules in hexadecimal: of their meaning, in their order, whatever the layout and
/// the comments of their file.
#[must_use]
pub fn digest(rules: &[GateRule]) -> String {
    let canonical = Value::Array(rules.iter().map(canonical).collect());
    hex(&Sha256::digest(canonical.to_string()))
}

/// A rule as JSON: objects of `serde_json` are sorted by name.
fn canonical(rule: &GateRule) -> Value {
    let commands: Vec<String> = rule.commands.iter().map(ToString::to_string).collect();
    let paths: Vec<String> = rule.paths.iter().map(ToString::to_string).collect();
    json!({
        "do": match rule.does {
            RuleEffect::Allow => "allow",
            RuleEffect::Ask => "ask",
            RuleEffect::Deny => "deny",
        },
        "tools": rule.tools,
        "commands": commands,
        "paths": paths,
        "where": rule.place.map(|place| match place {
            FileLocation::Inside => "inside",
            FileLocation::Outside => "outside",
        }),
        "risk": rule.risk,
        "kind": rule.kind.as_ref().map(|kind| kind.as_str()),
        "reason": rule.reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::decision::Risk;
    use crate::core::gate::pattern::{CommandPattern, PathPattern};

    #[test]
    fn it_is_of_the_meaning() {
        let rule = |command: &str| GateRule {
            does: RuleEffect::Ask,
            tools: Vec::new(),
            commands: CommandPattern::new(command).into_iter().collect(),
            paths: Vec::new(),
            place: None,
            risk: Some(Risk::High),
            kind: None,
            reason: None,
        };
        let one = digest(&[rule("git  push *"), rule("make")]);
        assert_eq!(one, digest(&[rule("git push *"), rule("make")]));
        assert_eq!(one.len(), 64);
        let path = PathPattern::new("~/.ssh/**").into_iter().collect();
        for others in [
            vec![rule("make"), rule("git push *")],
            vec![rule("git push *")],
            vec![rule("git push"), rule("make")],
            vec![rule("git push *"), GateRule { risk: None, ..rule("make") }],
            vec![rule("git push *"), GateRule { paths: path, ..rule("make") }],
        ] {
            assert_ne!(one, digest(&others), "{others:?}");
        }
        // Verdicts name it for ever.
        assert_eq!(digest(&[]), "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945");
    }
}
