//! Read-only requests: lists, one decision, the history of a decision. Tolerates typos, because
//! these requests change nothing.

use super::grammar::{self, Intent};
use super::subject::{Openness, SubjectFilter, take_risk};
use super::words::{Word, text_of};
use super::{
    ActionName, Ambiguity, ChatRequest, Interpretation, MissingPart, NotCommandReason, Phrase,
};
use crate::core::decision::{DecisionId, Risk};

/// Words that ask for overdue decisions.
const OVERDUE: [&str; 4] = ["overdue", "late", "breached", "breach"];

/// Interprets a read-only request. `length` is the number of words in the beginning.
pub(crate) fn look(phrase: &Phrase<'_, '_>, intent: Intent, length: usize) -> Interpretation {
    let rest = grammar::without_thanks(&phrase.words[length..]);
    let counts = rest.iter().any(|word| !grammar::is_look_filler(word));
    match intent {
        Intent::More if !counts => Interpretation::More,
        Intent::Status if !counts => Interpretation::Status,
        Intent::Help => Interpretation::Help,
        Intent::Unsnooze if !counts => Interpretation::Snooze { until: Some("off".into()) },
        Intent::Snooze => snooze(phrase, rest),
        Intent::Show => {
            let skipped = rest.iter().take_while(|word| grammar::is_filler(word)).count();
            match grammar::intent(&rest[skipped..]) {
                Some((Intent::Act(ActionName::History), more)) => {
                    history(phrase, &rest[skipped + more..])
                }
                _ => show(phrase, rest, true),
            }
        }
        _ => show(
            phrase,
            &phrase.words[begin(phrase, intent, length)..],
            intent != Intent::Attention,
        ),
    }
}

/// Words before a time.
const BEFORE_A_TIME: [&str; 4] = ["until", "till", "til", "for"];

/// Snoozes the speaker's notifications until the given time.
fn snooze(phrase: &Phrase<'_, '_>, rest: &[Word<'_>]) -> Interpretation {
    let from = rest.first().is_some_and(|word| word.is(&BEFORE_A_TIME));
    let until = text_of(phrase.text, &rest[usize::from(from)..]);
    Interpretation::Snooze {
        until: Some(until.trim_end_matches(['.', '!']).to_owned())
            .filter(|until| !until.is_empty()),
    }
}

/// Index of the first word to interpret. Beginnings such as `overdue` are part of the filter.
fn begin(phrase: &Phrase<'_, '_>, intent: Intent, length: usize) -> usize {
    let says =
        intent == Intent::Attention && phrase.words[..length].iter().any(|word| word.is(&OVERDUE));
    if says { 0 } else { length }
}

/// Shows the decisions that match the words. `one`: a single match is shown as a decision instead
/// of a list.
fn show(phrase: &Phrase<'_, '_>, rest: &[Word<'_>], one: bool) -> Interpretation {
    let rest = grammar::without_thanks(rest);
    let numbers: Vec<_> = rest.iter().filter_map(Word::number).collect();
    let lists = rest.iter().any(|word| !word.list().is_empty());
    if numbers.len() > 1 || lists {
        return phrase.not_decided(NotCommandReason::OneAtATime);
    }
    let of = filter(phrase, rest);
    let fitting = fitting(phrase, &of, Openness::is_open);
    if let [number] = numbers.as_slice() {
        let by_title = !number.marked && of.words.len() > 1;
        return match (number.id, fitting.as_slice()) {
            (_, [id]) if by_title => Interpretation::Show(*id),
            (_, [_, _, ..]) if by_title => Interpretation::Attention { of },
            (Some(id), _) => Interpretation::Show(id),
            (None, _) => nothing(phrase, rest),
        };
    }
    match fitting.as_slice() {
        [id] if one && !of.words.is_empty() => Interpretation::Show(*id),
        [] if !of.words.is_empty() => {
            match self::fitting(phrase, &of, |standing| !standing.is_open()).as_slice() {
                [id] => Interpretation::Show(*id),
                near => Interpretation::NoMatch {
                    act: ActionName::Show,
                    words: named(phrase, rest),
                    near: near.to_vec(),
                },
            }
        }
        _ => Interpretation::Attention { of },
    }
}

fn nothing(phrase: &Phrase<'_, '_>, rest: &[Word<'_>]) -> Interpretation {
    Interpretation::NoMatch { act: ActionName::Show, words: named(phrase, rest), near: Vec::new() }
}

/// The requested words without leading fillers such as "my attention in".
fn named(phrase: &Phrase<'_, '_>, rest: &[Word<'_>]) -> String {
    let fillers = rest.iter().take_while(|word| grammar::is_look_filler(word)).count();
    text_of(phrase.text, &rest[fillers..]).trim_end_matches(['?', '.', '!']).to_owned()
}

fn filter(phrase: &Phrase<'_, '_>, words: &[Word<'_>]) -> SubjectFilter {
    let (mut risk, rest) = take_risk(words);
    let mut of = SubjectFilter::default();
    for word in rest {
        let known = || phrase.known.iter().any(|(_, names)| names.has(&word.plain));
        if word.is(&OVERDUE) && !known() {
            of.overdue = true;
        } else if let (Ok(level), false) = (word.plain.parse::<Risk>(), known()) {
            risk = Some(level);
        } else if !grammar::is_look_filler(word) && !grammar::joins_alone(word) {
            of.words.push(if known() { word.plain.clone() } else { corrected(phrase, word) });
        }
    }
    of.risk = risk;
    of
}

/// The word, or the known name that was probably meant.
fn corrected(phrase: &Phrase<'_, '_>, word: &Word<'_>) -> String {
    let near = phrase.known.iter().filter_map(|(_, names)| names.nearest(&word.plain));
    let best =
        near.min_by_key(|name| (strsim::osa_distance(name, &word.plain), (*name).to_owned()));
    best.map_or_else(|| word.plain.clone(), str::to_owned)
}

fn fitting(
    phrase: &Phrase<'_, '_>,
    of: &SubjectFilter,
    may: impl Fn(Openness) -> bool,
) -> Vec<DecisionId> {
    let all = phrase.known.iter().filter(|(subject, _)| may(subject.openness));
    all.filter(|(subject, names)| of.matches_names(subject, names, phrase.known.now))
        .map(|(subject, _)| subject.id)
        .collect()
}

/// Interprets a request for a decision's history.
pub(crate) fn history(phrase: &Phrase<'_, '_>, rest: &[Word<'_>]) -> Interpretation {
    let rest: Vec<Word<'_>> = grammar::without_thanks(rest)
        .iter()
        .filter(|word| !grammar::is_verb(word))
        .cloned()
        .collect();
    let numbers: Vec<_> = rest.iter().filter_map(Word::number).collect();
    let of = filter(phrase, &rest);
    let fitting = fitting(phrase, &of, |_| true);
    match (numbers.as_slice(), fitting.as_slice()) {
        ([number], _) => number.id.map_or_else(|| nothing(phrase, &rest), Interpretation::History),
        ([_, _, ..], _) => phrase.not_decided(NotCommandReason::OneAtATime),
        ([], _) if of.is_empty() => Interpretation::Missing {
            act: ActionName::History,
            candidates: Vec::new(),
            part: MissingPart::Target,
        },
        ([], [id]) => Interpretation::History(*id),
        ([], []) => Interpretation::NoMatch {
            act: ActionName::History,
            words: named(phrase, &rest),
            near: Vec::new(),
        },
        ([], _) => Interpretation::Ambiguous {
            wish: ChatRequest::History,
            candidates: fitting,
            ambiguity: Ambiguity::SeveralFit,
        },
    }
}

/// Phrases without a known beginning: `142`, `ghl deploy?`. `None` if no decision matches.
pub(crate) fn by_words_alone(phrase: &Phrase<'_, '_>) -> Option<Interpretation> {
    match show(phrase, phrase.words, true) {
        shown @ (Interpretation::Show(_) | Interpretation::NotDecided { .. }) => Some(shown),
        Interpretation::Attention { of } if !of.is_empty() => {
            Some(Interpretation::Attention { of })
        }
        _ => None,
    }
}
