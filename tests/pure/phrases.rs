//! What is understood of words said to the bot: a table of phrases, and what holds for any words at
//! all.
//!
//! The rows of `fixtures/phrases/*.tsv` are a phrase, a tab, and what is understood: `DECIDE …`
//! changes something, `ask …` and `undecided …` do not. `\n` and `\u{200b}` are written like that;
//! `{x*4000}` is 4,000 times x.

mod accidents;
mod notation;

use std::fmt::Write as _;
use std::path::PathBuf;

use chrono::TimeDelta;
use chrono_tz::Europe::Berlin;
use gander::core::Time;
use gander::core::decision::{Decision, DecisionId, Request, Risk, State, Terms};
use gander::presentation::chat::{
    Ambiguity, ChatAction, ChatRequest, EXAMPLES, Interpretation, MissingPart, NotCommandReason,
    Openness, Subject, SubjectFilter, interpret,
};
use serde::Deserialize;

use notation::{noted, verb};

/// Groups of which no row may decide.
const NEVER_DECIDING: [&str; 4] = ["ambiguous", "negated", "hostile", "filters"];

const GROUPS: [&str; 8] =
    ["plain", "by-words", "reasons", "times", "ambiguous", "negated", "hostile", "filters"];

fn now() -> Time {
    "2026-03-10T08:00:00Z".parse().unwrap()
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/phrases")
}

#[derive(Deserialize)]
struct Fixture {
    decision: Vec<toml::Table>,
}

/// The subjects of the fixture, made as they are made in earnest: from decisions.
fn subjects() -> Vec<Subject> {
    let text = std::fs::read_to_string(folder().join("subjects.toml")).unwrap();
    let fixture: Fixture = toml::from_str(&text).unwrap();
    fixture.decision.into_iter().map(subject).collect()
}

fn subject(mut table: toml::Table) -> Subject {
    let mut minutes = |name: &str| {
        table.remove(name).map(|value| TimeDelta::minutes(value.as_integer().unwrap()))
    };
    let (asked, resolved, withdrawn) =
        (minutes("asked").unwrap(), minutes("resolved"), minutes("withdrawn"));
    let id = DecisionId(table.remove("id").unwrap().as_integer().unwrap());
    let request: Request = table.try_into().unwrap();
    let terms = Terms { risk: request.risk, sla_seconds: 16_200, ..Terms::default() };
    let decision = Decision::new(id, request, terms, now() - asked);
    let mut subject = Subject::from(&decision);
    // How a verdict comes about is another test's; here it matters only that there is one.
    subject.openness = match (resolved, withdrawn) {
        (Some(ago), _) => Openness::Resolved { at: now() - ago },
        (_, Some(ago)) => Openness::Withdrawn { at: now() - ago },
        _ => Openness::Open,
    };
    assert!(matches!(decision.state, State::Pending(_)));
    subject
}

struct Row {
    group: &'static str,
    line: usize,
    phrase: String,
    expected: String,
}

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for group in GROUPS {
        let text = std::fs::read_to_string(folder().join(format!("{group}.tsv"))).unwrap();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with("# ")) {
            let (phrase, expected) = line
                .split_once('\t')
                .unwrap_or_else(|| panic!("{group}.tsv:{}: no tab", number + 1));
            rows.push(Row {
                group,
                line: number + 1,
                phrase: unescaped(phrase),
                expected: unescaped(expected),
            });
        }
    }
    rows
}

/// `\n`, `\u{…}` and `{text*count}` as what they stand for.
fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['\\', '{']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("\\n") {
            out.push('\n');
            rest = after;
        } else if let Some((code, after)) =
            rest.strip_prefix("\\u{").and_then(|rest| rest.split_once('}'))
        {
            out.push(char::from_u32(u32::from_str_radix(code, 16).unwrap()).unwrap());
            rest = after;
        } else if let Some(((piece, count), after)) = rest
            .strip_prefix('{')
            .and_then(|rest| rest.split_once('}'))
            .and_then(|(inner, after)| Some((inner.split_once('*')?, after)))
        {
            out.push_str(&piece.repeat(count.parse().unwrap()));
            rest = after;
        } else {
            out.push_str(&rest[..1]);
            rest = &rest[1..];
        }
    }
    out + rest
}

#[test]
fn every_phrase_of_the_table_is_understood_as_it_says() {
    let (rows, subjects) = (rows(), subjects());
    let mut wrong = String::new();
    for row in &rows {
        let understood = interpret(&row.phrase, &subjects, now(), Berlin);
        let found = noted(&understood);
        if found != row.expected {
            let _ = writeln!(
                wrong,
                "{}.tsv:{}: {:?}\n  expected {}\n  found    {found}",
                row.group, row.line, row.phrase, row.expected
            );
        }
        let decides = matches!(understood, Interpretation::Decide { .. });
        assert!(
            !decides || !NEVER_DECIDING.contains(&row.group),
            "{}.tsv:{} decides: {:?}",
            row.group,
            row.line,
            row.phrase
        );
    }
    assert!(wrong.is_empty(), "{wrong}");
    let count = |group: &str| rows.iter().filter(|row| row.group == group).count();
    println!(
        "{} phrases: {}",
        rows.len(),
        GROUPS.map(|group| format!("{group} {}", count(group))).join(", ")
    );
    assert!(rows.len() >= 300, "only {} rows", rows.len());
}

#[test]
fn every_example_of_the_help_is_understood() {
    let subjects = subjects();
    for (phrase, does) in EXAMPLES {
        let understood = interpret(phrase, &subjects, now(), Berlin);
        let fails = matches!(
            understood,
            Interpretation::NoMatch { .. }
                | Interpretation::Missing { .. }
                | Interpretation::Ambiguous { .. }
                | Interpretation::NotDecided { .. }
                | Interpretation::NotUnderstood { .. }
        );
        assert!(!fails, "{phrase} ({does}): {}", noted(&understood));
    }
}

#[test]
fn a_filter_takes_what_the_list_was_asked_for() {
    let subjects = subjects();
    let listed = |phrase: &str| match interpret(phrase, &subjects, now(), Berlin) {
        Interpretation::Attention { of } => {
            let taken = subjects
                .iter()
                .filter(|subject| subject.openness == Openness::Open && of.takes(subject, now()));
            taken.map(|subject| subject.id.0).collect::<Vec<_>>()
        }
        other => panic!("{phrase}: {}", noted(&other)),
    };
    assert_eq!(listed("what needs my attention?").len(), 14);
    assert_eq!(listed("show me the GHL test failures"), [143, 144]);
    assert_eq!(listed("show me the falling tests"), [143, 144]);
    assert_eq!(listed("what is overdue?"), [25]);
    assert_eq!(listed("show high risk"), [142, 25]);
    assert_eq!(listed("any deploys?"), [142, 22]);
}

#[test]
fn an_offer_of_many_holds_open_ones_of_low_risk_alone() {
    let subjects = subjects();
    for row in rows() {
        if let Interpretation::ApproveAll { low, .. } =
            interpret(&row.phrase, &subjects, now(), Berlin)
        {
            let offered: Vec<&Subject> = low
                .iter()
                .map(|id| subjects.iter().find(|subject| subject.id == *id).unwrap())
                .collect();
            assert!(!offered.is_empty(), "{:?}", row.phrase);
            assert!(
                offered
                    .iter()
                    .all(|subject| subject.risk == Risk::Low && subject.openness == Openness::Open),
                "{:?}",
                row.phrase
            );
        }
    }
}

#[test]
fn a_flood_is_understood_in_time() {
    let one = subjects();
    let many: Vec<Subject> = (0..10_000)
        .map(|number| Subject {
            id: DecisionId(1_000 + number),
            title: format!("Job {number}"),
            ..one[3].clone()
        })
        .chain(one.iter().cloned())
        .collect();
    let started = std::time::Instant::now();
    assert_eq!(
        noted(&interpret("approve the GHL deploy", &many, now(), Berlin)),
        "DECIDE approve #142"
    );
    println!("10,000 subjects: {:?}", started.elapsed());
    match interpret("approve stripe", &many, now(), Berlin) {
        Interpretation::Ambiguous { candidates, ambiguity: Ambiguity::SeveralFit, .. } => {
            assert_eq!(candidates.len(), 10_001)
        }
        other => panic!("{}", noted(&other)),
    }
}
