//! Searches decisions by typed text and parses the values of autocomplete entries.
//!
//! For autocomplete and search only: a match is displayed, never decided on. Does no access
//! control; the caller passes only decisions that the person may see.

use crate::core::decision::{Choice, Decision, DecisionId, Revision};
use crate::core::untrusted::clean;

/// How typed text refers to a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// An autocomplete entry of this store, with the revision that the entry showed.
    Shown {
        /// The decision.
        id: DecisionId,
        /// The revision that the entry showed.
        seen: Revision,
    },
    /// An autocomplete entry of another store.
    Foreign,
    /// A typed number. The person may not have seen the decision.
    Number(DecisionId),
    /// Any other text: words of the title, project or kind.
    Words(String),
}

/// Value of an autocomplete entry: decision number, revision, and the store's tag.
#[must_use]
pub fn value(decision: &Decision, tag: &str) -> String {
    format!("{}@{}.{tag}", decision.id.0, decision.revision.0)
}

/// Parses a [`value`], a number, or words.
#[must_use]
pub fn named(text: &str, tag: &str) -> Named {
    let text = text.trim();
    if let Some((id, seen, of)) = entry(text) {
        return if of == tag { Named::Shown { id, seen } } else { Named::Foreign };
    }
    text.parse().map_or_else(|_| Named::Words(text.to_owned()), Named::Number)
}

fn entry(text: &str) -> Option<(DecisionId, Revision, &str)> {
    let (id, rest) = text.split_once('@')?;
    let (seen, tag) = rest.split_once('.')?;
    Some((DecisionId(id.parse().ok().filter(|id| *id > 0)?), Revision(seen.parse().ok()?), tag))
}

/// Value of an autocomplete entry for an option: the option's position, counted from 1, and the
/// [`value`] of the decision.
#[must_use]
pub fn option_value(decision: &Decision, place: usize, tag: &str) -> String {
    format!("{place}/{}", value(decision, tag))
}

/// Resolves typed text to an option: an entry for this exact revision, or an option's name. `None`
/// when no option matches, or two do.
#[must_use]
pub fn option<'a>(typed: &str, decision: &'a Decision, tag: &str) -> Option<&'a Choice> {
    let options = &decision.request.options;
    let typed = typed.trim();
    let offered = typed.split_once('/').and_then(|(place, of)| {
        let shown = Named::Shown { id: decision.id, seen: decision.revision };
        let place = place.parse::<usize>().ok().filter(|_| named(of, tag) == shown)?;
        options.get(place.checked_sub(1)?)
    });
    let called = match options.iter().find(|choice| plain(&choice.name) == plain(typed)) {
        Some(exactly) => Some(exactly),
        None => {
            let mut alike = options.iter().filter(|choice| folded(&choice.name) == folded(typed));
            alike.next().filter(|_| alike.next().is_none())
        }
    };
    match (offered, called) {
        // The text is an entry for one option and the name of another.
        (Some(offered), Some(called)) if offered != called => None,
        (offered, called) => offered.or(called),
    }
}

/// Options whose name or description contains the typed text, with positions from 1.
#[must_use]
pub fn options<'a>(typed: &str, decision: &'a Decision) -> Vec<(usize, &'a Choice)> {
    let wanted = folded(typed);
    let fits = |choice: &Choice| {
        folded(&choice.name).contains(&wanted) || folded(&choice.description).contains(&wanted)
    };
    (1..).zip(&decision.request.options).filter(|(_, choice)| fits(choice)).collect()
}

/// Characters of a text that are searched: a title may be 16 KiB, and the search runs at each
/// keystroke.
const SEARCHED: usize = 300;
/// Minimum letters of a word for typo tolerance.
const MISTYPED_FROM: usize = 4;

/// Decisions that match all typed words, best match first; equal matches keep the given order.
/// Empty text matches all.
#[must_use]
pub fn ranked<'a>(typed: &str, decisions: &'a [Decision]) -> Vec<&'a Decision> {
    let wanted = wanted(typed);
    let fitting =
        decisions.iter().filter_map(|decision| Some((rank(&wanted, decision)?, decision)));
    let mut found: Vec<(u32, &Decision)> = fitting.collect();
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, decision)| decision).collect()
}

fn plain(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn folded(text: &str) -> String {
    let searched: String = text.chars().take(SEARCHED).collect();
    // Fast path: most texts hide nothing, and cleaning takes longer than the rest of the search.
    if searched.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        return searched
            .split(' ')
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
            .to_ascii_lowercase();
    }
    plain(&searched).to_lowercase()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

fn wanted(typed: &str) -> Vec<String> {
    let typed = folded(typed);
    let found: Vec<String> = typed
        .split(|c: char| !c.is_alphanumeric() && c != '#')
        .filter(|word| !word.is_empty())
        .map(Into::into)
        .collect();
    // Text without letters or digits, an emoji for example, is searched for unchanged.
    if found.is_empty() && !typed.is_empty() { vec![typed] } else { found }
}

/// Rank of a match, 0 is best. `None`: a word occurs nowhere in the decision.
fn rank(wanted: &[String], decision: &Decision) -> Option<u32> {
    let request = &decision.request;
    let title = folded(&request.title);
    let about = folded(&format!("{} {}", request.project, request.kind.words()));
    wanted.iter().map(|word| word_rank(word, decision.id, &title, &about)).sum()
}

fn word_rank(word: &str, id: DecisionId, title: &str, about: &str) -> Option<u32> {
    let number = id.0.to_string();
    let digits = word.trim_start_matches('#');
    if digits == number {
        return Some(0);
    }
    if !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && number.starts_with(digits)
    {
        return Some(1);
    }
    if word.starts_with('#') {
        return None;
    }
    let begins = |text: &str| words(text).any(|other| other.starts_with(word));
    let mistyped = |text: &str| {
        word.chars().count() >= MISTYPED_FROM && words(text).any(|other| is_nearly(word, other))
    };
    if begins(title) {
        Some(2)
    } else if begins(about) {
        Some(3)
    } else if title.contains(word) || about.contains(word) {
        Some(4)
    } else if mistyped(title) || mistyped(about) {
        Some(20)
    } else {
        None
    }
}

/// Whether the typed text is at most one typo away from a word or from the word's beginning.
fn is_nearly(typed: &str, word: &str) -> bool {
    let beginning: String = word.chars().take(typed.chars().count()).collect();
    strsim::osa_distance(typed, word) <= 1 || strsim::osa_distance(typed, &beginning) <= 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Time;
    use crate::core::decision::{Request, Risk, Terms};

    fn decision(id: i64, title: &str, project: &str, kind: &str) -> Decision {
        let request = Request {
            title: title.into(),
            project: project.into(),
            kind: kind.into(),
            ..Request::default()
        };
        let terms = Terms { risk: Risk::Low, sla_seconds: 60, ..Terms::default() };
        Decision::new(DecisionId(id), request, terms, Time::UNIX_EPOCH)
    }

    fn some() -> Vec<Decision> {
        vec![
            decision(3, "Deploy contact sync", "ghl", "deploy"),
            decision(14, "Rename the contact module", "web-shop", "naming"),
            decision(142, "Keep 14 days of logs?", "web-shop", "client_communication"),
            decision(7, "Réduire l’image 🦢", "default", "routine"),
        ]
    }

    #[test]
    fn decisions_are_found_by_number_title_project_and_kind() {
        for (typed, found) in [
            ("", vec![3, 14, 142, 7]),
            ("  ", vec![3, 14, 142, 7]),
            ("14", vec![14, 142]),
            ("#14", vec![14, 142]),
            ("#142", vec![142]),
            ("142", vec![142]),
            ("contact", vec![3, 14]),
            ("CONTACT mod", vec![14]),
            ("web-shop", vec![14, 142]),
            ("web rename", vec![14]),
            ("client communication", vec![142]),
            ("deploy", vec![3]),
            ("depoly", vec![3]),
            ("loy", vec![3]),
            ("réd", vec![7]),
            ("🦢", vec![7]),
            ("days 142", vec![142]),
            ("stripe", vec![]),
            ("#", vec![]),
            ("dep contact nothing", vec![]),
        ] {
            let all = some();
            let ids: Vec<i64> = ranked(typed, &all).iter().map(|decision| decision.id.0).collect();
            assert_eq!(ids, found, "{typed:?}");
        }
    }

    #[test]
    fn hidden_characters_hide_nothing_from_the_search_and_long_titles_are_cut() {
        let all = [
            decision(1, "Dep\u{200B}loy \u{202E}now", "default", "routine"),
            decision(2, &"x".repeat(16_000), "d", "k"),
        ];
        assert_eq!(ranked("deploy", &all).len(), 1);
        assert_eq!(ranked(&"x".repeat(6_000), &all).len(), 1);
    }

    #[test]
    fn what_an_entry_carries_is_read_again_and_nothing_else_is_an_entry() {
        let mut shown = decision(142, "x", "d", "k");
        shown.revision = Revision(3);
        let seen = Named::Shown { id: shown.id, seen: Revision(3) };
        assert_eq!(named(&value(&shown, "abc234"), "abc234"), seen);
        assert_eq!(named(" 142@3.abc234 ", "abc234"), seen);
        assert_eq!(named("142@3.other1", "abc234"), Named::Foreign);
        for (text, is) in [
            ("142", Named::Number(DecisionId(142))),
            (" #142 ", Named::Number(DecisionId(142))),
            ("142@3", Named::Words("142@3".into())),
            ("0@1.abc234", Named::Words("0@1.abc234".into())),
            ("-1", Named::Words("-1".into())),
            ("0", Named::Words("0".into())),
            ("me@1.example", Named::Words("me@1.example".into())),
            ("stripe deploy", Named::Words("stripe deploy".into())),
            ("", Named::Words(String::new())),
        ] {
            assert_eq!(named(text, "abc234"), is, "{text:?}");
        }
    }

    fn choices(names: &[&str]) -> Decision {
        let mut decision = decision(5, "Which?", "d", "k");
        decision.request.options = names
            .iter()
            .map(|name| Choice { name: (*name).into(), description: "fast".into() })
            .collect();
        decision
    }

    #[test]
    fn an_option_is_meant_by_its_entry_or_its_name() {
        let decision = choices(&["Postgres", "Redis", "a", "A"]);
        let name = |typed: &str| option(typed, &decision, "tag").map(|choice| choice.name.as_str());
        assert_eq!(name("Redis"), Some("Redis"));
        assert_eq!(name(" redis "), Some("Redis"));
        assert_eq!(name("A"), Some("A"));
        assert_eq!(name(&option_value(&decision, 1, "tag")), Some("Postgres"));
        for nothing in
            ["", "Redi", "1", "0/5@1.tag", "9/5@1.tag", "1/5@2.tag", "1/6@1.tag", "1/5@1.other"]
        {
            assert_eq!(name(nothing), None, "{nothing:?}");
        }
        assert_eq!(
            option("B", &choices(&["b", "B "]), "tag").map(|choice| choice.name.as_str()),
            Some("B ")
        );
    }

    #[test]
    fn an_option_called_like_another_ones_entry_is_not_chosen_by_it() {
        let decision = choices(&["Keep", "1/5@1.tag"]);
        assert_eq!(option("1/5@1.tag", &decision, "tag"), None);
        assert_eq!(options("ke", &decision).len(), 1);
        assert_eq!(
            options("FAST", &decision).iter().map(|(place, _)| *place).collect::<Vec<_>>(),
            [1, 2]
        );
    }
}
