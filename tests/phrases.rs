//! What is understood of words said to the bot: a table of phrases, and what holds for any words at
//! all.
//!
//! The rows of `fixtures/phrases/*.tsv` are a phrase, a tab, and what is understood: `DECIDE …`
//! changes something, `ask …` and `undecided …` do not. `\n` and `\u{200b}` are written like that;
//! `{x*4000}` is 4,000 times x.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::fmt::Write as _;
use std::path::PathBuf;

use chrono::TimeDelta;
use chrono_tz::Europe::Berlin;
use gander::core::Time;
use gander::core::decision::{Decision, DecisionId, Request, Risk, State, Terms};
use gander::core::phrase::{
    Doubt, EXAMPLES, Filter, Part, Reluctance, Standing, Subject, Understood, Verb, Wish,
    understand,
};
use serde::Deserialize;

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
    subject.standing = match (resolved, withdrawn) {
        (Some(ago), _) => Standing::Resolved { at: now() - ago },
        (_, Some(ago)) => Standing::Withdrawn { at: now() - ago },
        _ => Standing::Open,
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

fn ids(ids: &[DecisionId]) -> String {
    ids.iter().map(|id| format!(" {id}")).collect()
}

fn verb(verb: &Verb, ids: &str) -> String {
    match verb {
        Verb::Approve { note: None } => format!("approve{ids}"),
        Verb::Approve { note: Some(note) } => format!("approve{ids} \"{note}\""),
        Verb::Reject { reason } => format!("reject{ids} \"{reason}\""),
        Verb::Choose { option } => format!("choose{ids} \"{option}\""),
        Verb::Answer { text } => format!("answer{ids} \"{text}\""),
        Verb::Defer { until } => {
            format!("defer{ids} {}", until.with_timezone(&Berlin).format("%Y-%m-%d %H:%M"))
        }
        Verb::Undo => format!("undo{ids}"),
        Verb::Take => format!("take{ids}"),
    }
}

fn filter(of: &Filter) -> String {
    let mut text: String = of.words.iter().map(|word| format!(" {word}")).collect();
    if let Some(risk) = of.risk {
        let _ = write!(text, " risk {risk}");
    }
    if of.overdue {
        text.push_str(" overdue");
    }
    text
}

const fn doubt(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::SeveralFit => "several",
        Doubt::Misspelt => "misspelt",
        Doubt::JustDecided { .. } => "just-decided",
        Doubt::Number => "number",
        Doubt::MoreWords => "more-words",
        Doubt::Unnamed => "unnamed",
        Doubt::Note => "note",
        Doubt::Overlap => "overlap",
    }
}

const fn why(why: Reluctance) -> &'static str {
    match why {
        Reluctance::Negated => "negated",
        Reluctance::Conditional => "conditional",
        Reluctance::Question => "question",
        Reluctance::Past => "past",
        Reluctance::Reported => "reported",
        Reluctance::OneAtATime => "one-at-a-time",
        Reluctance::OnlyLowTogether => "only-low",
        Reluctance::Disguised => "disguised",
        Reluctance::Quoted => "quoted",
        Reluctance::ToSomebodyElse => "to-somebody-else",
        Reluctance::SlashCommand => "slash",
    }
}

fn part(part: &Part) -> String {
    let with = |name: &str, given: &Option<String>| match given {
        Some(given) => format!("{name} \"{given}\""),
        None => name.to_owned(),
    };
    match part {
        Part::Target => "target".into(),
        Part::Reason => "reason".into(),
        Part::Text => "text".into(),
        Part::Option { given } => with("option", given),
        Part::Time { given } => with("time", given),
    }
}

/// What was understood, in the notation of the table.
fn noted(understood: &Understood) -> String {
    match understood {
        Understood::Attention { of } => format!("list{}", filter(of)),
        Understood::More => "more".into(),
        Understood::Decide { verb: what, target } => {
            format!("DECIDE {}", verb(what, &format!(" {target}")))
        }
        Understood::ApproveAll { low, others, .. } if others.is_empty() => {
            format!("offer{}", ids(low))
        }
        Understood::ApproveAll { low, others, .. } => {
            format!("offer{} not{}", ids(low), ids(others))
        }
        Understood::Show(id) => format!("show {id}"),
        Understood::History(id) => format!("history {id}"),
        Understood::Status => "status".into(),
        Understood::Help => "help".into(),
        Understood::Snooze { until } => format!("snooze {}", until.as_deref().unwrap_or("?")),
        Understood::Ambiguous { wish, candidates, doubt: unclear } => {
            let wish = match wish {
                Wish::Decide(what) => verb(what, ""),
                Wish::History => "history".into(),
            };
            let other = if let Doubt::JustDecided { other } = unclear {
                format!(" {other}")
            } else {
                String::new()
            };
            format!("ask {wish}{}: {}{other}", ids(candidates), doubt(*unclear))
        }
        Understood::NothingFits { act, words, near } => {
            let near = if near.is_empty() { String::new() } else { format!(" near{}", ids(near)) };
            format!("nothing {} \"{words}\"{near}", format!("{act:?}").to_lowercase())
        }
        Understood::Missing { act, candidates, part: lacks } => {
            format!(
                "missing {} {}{}",
                part(lacks),
                format!("{act:?}").to_lowercase(),
                ids(candidates)
            )
        }
        Understood::NotDecided { why: reluctance, about } => {
            format!("undecided {}{}", why(*reluctance), ids(about))
        }
        Understood::NotUnderstood { .. } => "?".into(),
    }
}

#[test]
fn every_phrase_of_the_table_is_understood_as_it_says() {
    let (rows, subjects) = (rows(), subjects());
    let mut wrong = String::new();
    for row in &rows {
        let understood = understand(&row.phrase, &subjects, now(), Berlin);
        let found = noted(&understood);
        if found != row.expected {
            let _ = writeln!(
                wrong,
                "{}.tsv:{}: {:?}\n  expected {}\n  found    {found}",
                row.group, row.line, row.phrase, row.expected
            );
        }
        let decides = matches!(understood, Understood::Decide { .. });
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
        let understood = understand(phrase, &subjects, now(), Berlin);
        let fails = matches!(
            understood,
            Understood::NothingFits { .. }
                | Understood::Missing { .. }
                | Understood::Ambiguous { .. }
                | Understood::NotDecided { .. }
                | Understood::NotUnderstood { .. }
        );
        assert!(!fails, "{phrase} ({does}): {}", noted(&understood));
    }
}

#[test]
fn a_filter_takes_what_the_list_was_asked_for() {
    let subjects = subjects();
    let listed = |phrase: &str| match understand(phrase, &subjects, now(), Berlin) {
        Understood::Attention { of } => {
            let taken = subjects
                .iter()
                .filter(|subject| subject.standing == Standing::Open && of.takes(subject, now()));
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
        if let Understood::ApproveAll { low, .. } =
            understand(&row.phrase, &subjects, now(), Berlin)
        {
            let offered: Vec<&Subject> = low
                .iter()
                .map(|id| subjects.iter().find(|subject| subject.id == *id).unwrap())
                .collect();
            assert!(!offered.is_empty(), "{:?}", row.phrase);
            assert!(
                offered
                    .iter()
                    .all(|subject| subject.risk == Risk::Low && subject.standing == Standing::Open),
                "{:?}",
                row.phrase
            );
        }
    }
}

/// A small generator (xorshift), so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// The rule by which a decision may come about, said a second time and more simply than in the
/// code: the words begin with a verb of that act after nothing but politeness, they carry nothing
/// that takes it back, and they name the target by its number or by words that are all its own.
fn may_decide(
    said: &str,
    what: &Verb,
    target: DecisionId,
    subjects: &[Subject],
) -> Result<(), &'static str> {
    let lower = said.to_lowercase().replace(['\'', '’'], "");
    // "approve: 142": the colon of the verb begins no reason.
    let lower = ["approve", "accept", "reject", "decline", "deny", "refuse", "answer", "reply"]
        .iter()
        .fold(lower, |text, verb| text.replace(&format!("{verb}:"), verb));
    let head = match what {
        Verb::Choose { .. } | Verb::Defer { .. } | Verb::Undo | Verb::Take => lower.as_str(),
        _ => lower.split_once([':', '—']).map_or(lower.as_str(), |(head, _)| head),
    };
    let bare =
        |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric() && c != '#').to_owned();
    let words: Vec<String> =
        lower.split_whitespace().map(bare).filter(|word| !word.is_empty()).collect();
    let verbs: &[&str] = match what {
        Verb::Approve { .. } => &["approve", "accept"],
        Verb::Reject { .. } => &["reject", "decline", "deny", "refuse"],
        Verb::Choose { .. } => &["choose", "pick", "select", "go"],
        Verb::Answer { .. } => &["answer", "reply"],
        Verb::Defer { .. } => &["defer", "postpone", "snooze", "delay", "put", "remind"],
        Verb::Undo => &["undo", "revoke", "take"],
        Verb::Take => &["take", "im", "i", "ill"],
    };
    let polite = "please pls hey hi hello gander ok okay so well yo thanks yes alright right now then just kindly also great good \
                  morning could can would will you go ahead and";
    let first = words.iter().find(|word| {
        verbs.contains(&word.as_str()) || !polite.split(' ').any(|known| known == *word)
    });
    if !first.is_some_and(|word| verbs.contains(&word.as_str())) {
        return Err("no verb at the beginning");
    }
    // Behind a number may be a reason, which may say anything; in front of it and between the words
    // of a name, nothing may.
    let named = head
        .split(" because ")
        .next()
        .unwrap_or_default()
        .split(" since ")
        .next()
        .unwrap_or_default();
    let named =
        named.split(" - ").next().unwrap_or_default().split(" – ").next().unwrap_or_default();
    let named: Vec<String> =
        named.split(" with ").next().unwrap_or_default().split_whitespace().map(bare).collect();
    let taken_back = ["not", "dont", "never", "if", "unless", "nothing", "except", "maybe"];
    if !matches!(what, Verb::Choose { .. })
        && named.iter().any(|word| taken_back.contains(&word.as_str()))
    {
        return Err("taken back");
    }
    let Some(subject) = subjects.iter().find(|subject| subject.id == target) else {
        return Err("an unknown target");
    };
    let number = target.0.to_string();
    if words.iter().any(|word| {
        word.trim_start_matches('#').split(|c: char| !c.is_alphanumeric()).next()
            == Some(number.as_str())
    }) {
        return Ok(());
    }
    if matches!(what, Verb::Choose { .. } | Verb::Defer { .. }) {
        let names_it = words.iter().any(|word| word.chars().count() > 2 && may_name(word, subject));
        return if names_it { Ok(()) } else { Err("nothing names the target") };
    }
    let silent = "the a an of for to on in from by with at about my our me decision request approval question item card one it that \
                  this thanks please now ok thx cheers thank you many right gander approve accept reject decline deny refuse answer \
                  reply undo revoke take im i am ill will back";
    let counting: Vec<&String> = named
        .iter()
        .filter(|word| {
            !word.is_empty()
                && !silent.split(' ').chain(polite.split(' ')).any(|known| known == *word)
        })
        .collect();
    if counting.is_empty() || !counting.iter().all(|word| may_name(word, subject)) {
        return Err("a word is not the target's");
    }
    let open = |other: &&Subject| {
        other.id != target && (other.standing == Standing::Open) == !matches!(what, Verb::Undo)
    };
    match subjects
        .iter()
        .filter(open)
        .find(|other| counting.iter().all(|word| tokens(other).contains(word)))
    {
        Some(_) => Err("another one fits, too"),
        None => Ok(()),
    }
}

fn text_of(subject: &Subject) -> String {
    let environment = subject.environment.as_deref().unwrap_or_default();
    let text = format!(
        "{} {} {} {} {environment}",
        subject.title,
        subject.project,
        subject.kind.words(),
        subject.agent
    );
    text.to_lowercase().replace('é', "e")
}

fn tokens(subject: &Subject) -> Vec<String> {
    text_of(subject).split(|c: char| !c.is_alphanumeric()).map(str::to_owned).collect()
}

/// Whether a word could be one of a subject's, generously.
fn may_name(word: &str, subject: &Subject) -> bool {
    let compact = |text: &str| {
        text.replace('é', "e").chars().filter(|c| c.is_alphanumeric()).collect::<String>()
    };
    let word = compact(word);
    let synonyms = "release rollout deployment creds secret failing failed broken price param setting access risk high low medium critical \
                    highrisk lowrisk urgent pr pull fail cred";
    let stem = word.trim_end_matches('s').trim_end_matches("ie");
    compact(&text_of(subject)).contains(stem)
        || synonyms.split(' ').any(|known| known.starts_with(stem))
}

fn check(said: &str, subjects: &[Subject], decided: &mut usize) {
    if let Understood::Decide { verb: what, target } = understand(said, subjects, now(), Berlin) {
        *decided += 1;
        if let Err(why) = may_decide(said, &what, target, subjects) {
            panic!("{said:?} decides {}: {why}", verb(&what, &format!(" {target}")));
        }
    }
}

#[test]
fn no_prefix_and_no_shuffle_of_a_phrase_decides_by_accident() {
    let (rows, subjects) = (rows(), subjects());
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let (mut tried, mut decided) = (0, 0);
    for row in rows.iter().filter(|row| row.phrase.len() < 200) {
        for (end, _) in row.phrase.char_indices() {
            check(&row.phrase[..end], &subjects, &mut decided);
            tried += 1;
        }
        let mut words: Vec<&str> = row.phrase.split(' ').collect();
        for _ in 0..8 {
            dice.shuffle(&mut words);
            check(&words.join(" "), &subjects, &mut decided);
            tried += 1;
        }
    }
    println!("{tried} prefixes and shuffles, of which {decided} decide");
    assert!(tried > 10_000 && decided > 100, "{tried} tried, {decided} decide");
}

#[test]
fn no_heap_of_words_and_no_garbage_decides_by_accident() {
    let (rows, subjects) = (rows(), subjects());
    let pool: Vec<&str> = rows
        .iter()
        .filter(|row| row.phrase.len() < 200)
        .flat_map(|row| row.phrase.split(' '))
        .collect();
    let odd: Vec<char> =
        "approve142#:;,.-—!?*_~`|<>@/\"'“\\\n\t \u{200b}\u{202e}\u{301}é１а👍🏽\u{1b}\u{0}ßİ日ﬁ"
            .chars()
            .collect();
    let mut dice = Dice(0x2545_F491_4F6C_DD1D);
    let mut decided = 0;
    for round in 0..8_000 {
        let said = if round % 2 == 0 {
            let verb = ["approve", "reject", "take", "undo", "defer", "choose", "answer", ""]
                [dice.below(8)];
            let heap: Vec<&str> =
                (0..=dice.below(5)).map(|_| pool[dice.below(pool.len())]).collect();
            format!("{verb} {}", heap.join(" "))
        } else {
            (0..dice.below(40)).map(|_| odd[dice.below(odd.len())]).collect()
        };
        check(&said, &subjects, &mut decided);
    }
    println!("8000 heaps of words, of which {decided} decide");
    assert!(decided > 50, "{decided}");
}

#[test]
fn a_qualification_takes_the_force_out_of_every_command() {
    let (rows, subjects) = (rows(), subjects());
    let mut tried = 0;
    for row in
        rows.iter().filter(|row| row.expected.starts_with("DECIDE") && !row.phrase.contains('\n'))
    {
        let command = row.phrase.trim_start_matches(['*', '_']);
        for before in [
            "don't ",
            "do not ",
            "never ",
            "should I ",
            "Maya said ",
            "if it is green, ",
            "maybe ",
            "> ",
            "\"",
            "I will not ",
            "<@7> ",
        ] {
            let said = format!("{before}{command}");
            let understood = understand(&said, &subjects, now(), Berlin);
            assert!(
                !matches!(understood, Understood::Decide { .. }),
                "{said:?}: {}",
                noted(&understood)
            );
            tried += 1;
        }
        for after in ["\napprove 19", "\nreject 19: no"] {
            let said = format!("{command}{after}");
            let understood = understand(&said, &subjects, now(), Berlin);
            assert!(
                !matches!(understood, Understood::Decide { .. }),
                "{said:?}: {}",
                noted(&understood)
            );
            tried += 1;
        }
    }
    assert!(tried > 800, "{tried}");
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
        noted(&understand("approve the GHL deploy", &many, now(), Berlin)),
        "DECIDE approve #142"
    );
    println!("10,000 subjects: {:?}", started.elapsed());
    match understand("approve stripe", &many, now(), Berlin) {
        Understood::Ambiguous { candidates, doubt: Doubt::SeveralFit, .. } => {
            assert_eq!(candidates.len(), 10_001)
        }
        other => panic!("{}", noted(&other)),
    }
}
