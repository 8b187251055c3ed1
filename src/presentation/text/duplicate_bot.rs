//! Warnings about another store that acts under the same bot.

use chrono::TimeDelta;

use super::span;
use crate::core::untrusted::{one_line, plain};

/// Maximum characters shown of a store's tag; this store's tags are shorter.
const LONGEST_TAG: usize = 20;

/// Problem and remedy when another store uses the same bot. `posts`: the other store was seen
/// posting messages; if `false`, a button of the other store was pressed. `ago`: time since the
/// last observation.
#[must_use]
pub fn another(tag: &str, posts: bool, ago: TimeDelta) -> (String, &'static str) {
    let (tag, ago) = (plain(&one_line(tag), LONGEST_TAG).text, span(ago));
    if posts {
        let what = format!(
            "another gander serve, on another store (its buttons carry {tag}), posts as this \
             bot; last seen {ago} ago. Both receive every click, and the wrong one may answer \
             first"
        );
        let remedy = "Stop one of them, or give each store its own bot application. If you know of \
            no other, the token has leaked: reset it in the Developer Portal";
        return (what, remedy);
    }
    let what = format!(
        "a button of another store (it carries {tag}) was pressed {ago} ago under this bot's \
         name: either its card remains from an earlier store, or another gander serve runs with \
         this token"
    );
    (
        what,
        "If the store was replaced, delete that card. If another gander serve runs, give it its \
         own bot application",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_not_said() {
        let (sure, _) = another("ab12", true, TimeDelta::minutes(5));
        assert!(sure.contains("ab12") && sure.contains("5m ago"), "{sure}");
        let (unsure, remedy) = another("ab12", false, TimeDelta::seconds(1));
        assert!(
            unsure.contains(", or another gander serve") && remedy.starts_with("If"),
            "{unsure} {remedy}"
        );
    }
}
