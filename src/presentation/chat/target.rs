//! Finds the decision that the words after a verb name.
//!
//! A number names exactly this decision. Words must all match, and must match a single decision: no
//! best match wins. Anything less results in a question back.

use std::cell::OnceCell;

use chrono::TimeDelta;

use super::grammar;
use super::subject::{Names, Openness, Subject, take_risk};
use super::words::{Number, Word};
use super::{ActionName, Ambiguity};
use crate::core::Time;
use crate::core::decision::{DecisionId, Risk};

/// Time after a verdict during which the same words may still mean the decided decision.
const JUST_NOW: TimeDelta = TimeDelta::minutes(10);

/// All decisions that a phrase can name.
pub(crate) struct KnownDecisions<'s> {
    all: &'s [Subject],
    /// Built on first use: a lookup by number needs no names.
    names: OnceCell<Vec<Names>>,
    pub(crate) now: Time,
}

/// Result of a lookup.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum TargetMatch {
    /// Exactly this decision.
    One(DecisionId),
    /// Possible decisions; never empty.
    Unsure(Vec<DecisionId>, Ambiguity),
    /// The words name several decisions; lists the existing ones.
    Several(Vec<DecisionId>),
    /// No decision matches; lists similar decisions.
    Nothing { near: Vec<DecisionId> },
    /// No words.
    Unnamed,
}

impl TargetMatch {
    /// Whether all words match a decision without typo correction.
    pub(crate) fn fits(&self) -> bool {
        match self {
            Self::One(_) => true,
            Self::Unsure(_, ambiguity) => *ambiguity != Ambiguity::Misspelt,
            Self::Several(ids) => !ids.is_empty(),
            Self::Nothing { .. } | Self::Unnamed => false,
        }
    }

    /// The possible decisions.
    pub(crate) fn ids(self) -> Vec<DecisionId> {
        match self {
            Self::One(id) => vec![id],
            Self::Unsure(ids, _) | Self::Several(ids) => ids,
            Self::Nothing { .. } | Self::Unnamed => Vec::new(),
        }
    }
}

/// The words after a verb, classified.
struct Object {
    numbers: Vec<Number>,
    /// For the first number: how many significant words precede and follow the number.
    place: (usize, usize),
    risk: Option<Risk>,
    /// Without fillers and numbers.
    names: Vec<String>,
    /// Includes a number's digits as a word, because a title may contain the number.
    names_and_number: Vec<String>,
    joined: bool,
    set: bool,
    vague: bool,
}

impl Object {
    fn read(words: &[Word<'_>]) -> Self {
        let mut numbers = Vec::new();
        for word in words {
            let list = word.list();
            numbers.extend(list.into_iter().map(|id| Number { id: Some(id), marked: true }));
            numbers.extend(word.number());
        }
        let stated = words
            .windows(2)
            .any(|pair| pair[0].is(&["number", "decision", "nr"]) && pair[1].number().is_some());
        if let (true, Some(first)) = (stated, numbers.first_mut()) {
            first.marked = true;
        }
        let (risk, rest) = take_risk(words);
        let counting: Vec<&Word<'_>> = rest
            .into_iter()
            .filter(|word| !grammar::is_filler(word) && !grammar::joins_alone(word))
            .collect();
        let place = counting.iter().position(|word| word.number().is_some()).unwrap_or_default();
        let names = counting.iter().filter(|word| word.number().is_none());
        let (last, others) =
            words.split_last().map_or((None, words), |(last, others)| (Some(last), others));
        Self {
            place: (place, counting.len().saturating_sub(place + 1)),
            risk,
            names: names.clone().map(|word| word.plain.clone()).collect(),
            names_and_number: counting.iter().map(|word| word.plain.clone()).collect(),
            joined: others.iter().any(grammar::joins) || last.is_some_and(grammar::joins_alone),
            set: counting.iter().any(|word| grammar::is_set(word))
                || words.iter().any(grammar::is_plural_filler),
            vague: !counting.is_empty() && counting.iter().all(|word| grammar::is_vague(word)),
            numbers,
        }
    }
}

impl<'s> KnownDecisions<'s> {
    pub(crate) fn new(subjects: &'s [Subject], now: Time) -> Self {
        Self { all: subjects, names: OnceCell::new(), now }
    }

    pub(crate) fn get(&self, id: DecisionId) -> Option<&'s Subject> {
        self.all.iter().find(|subject| subject.id == id)
    }

    /// Subjects and their names, in the given order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'s Subject, &Names)> {
        let names = self.names.get_or_init(|| self.all.iter().map(Names::of).collect());
        self.all.iter().zip(names)
    }

    /// Finds the decision that the words name as the object of `act`.
    pub(crate) fn find(&self, words: &[Word<'_>], act: ActionName) -> TargetMatch {
        let object = Object::read(words);
        let fit = |names: &[String]| {
            self.fitting(names, object.risk, |openness| applies_to(act, openness))
        };
        match object.numbers.as_slice() {
            [] => {}
            [_] if object.joined && object.names.is_empty() => return self.several(&object, &[]),
            [number] if object.names.is_empty() && object.risk.is_none() => {
                return match number.id.and_then(|id| self.get(id)) {
                    Some(subject) => TargetMatch::One(subject.id),
                    None => TargetMatch::Nothing { near: Vec::new() },
                };
            }
            [_] if object.joined => return self.several(&object, &fit(&object.names)),
            [number] => return self.numbered(*number, &object, act),
            _ => return self.several(&object, &[]),
        }
        if object.names.is_empty() && object.risk.is_none() {
            return TargetMatch::Unnamed;
        }
        let fitting = fit(&object.names);
        if object.joined {
            return self.several(&object, &fitting);
        }
        self.named(&object, fitting, act)
    }

    fn several(&self, object: &Object, others: &[DecisionId]) -> TargetMatch {
        let mut ids: Vec<DecisionId> = Vec::new();
        let numbered = object
            .numbers
            .iter()
            .filter_map(|number| self.get(number.id?))
            .map(|subject| subject.id);
        for id in numbered.chain(others.iter().copied()) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        TargetMatch::Several(ids)
    }

    /// A number with other words: both must agree.
    fn numbered(&self, number: Number, object: &Object, act: ActionName) -> TargetMatch {
        let by_title = self
            .fitting(&object.names_and_number, object.risk, |openness| applies_to(act, openness));
        let by_number = number.id.and_then(|id| self.iter().find(|(subject, _)| subject.id == id));
        let Some((subject, names)) = by_number else {
            let in_the_middle = object.place.0 > 0 && object.place.1 > 0 && !number.marked;
            return match by_title.as_slice() {
                [] => TargetMatch::Nothing { near: Vec::new() },
                // "the http 500 fix": nobody writes a decision's number in this position, and no
                // decision has this number.
                _ if in_the_middle && !object.set => self.named(object, by_title, act),
                _ => TargetMatch::Unsure(by_title, Ambiguity::Number),
            };
        };
        let agrees = names.has_all(&object.names)
            && object.risk.is_none_or(|risk| risk == subject.risk)
            && !object.set;
        let mut ids = vec![subject.id];
        let by_names = if agrees {
            Vec::new()
        } else {
            self.fitting(&object.names, object.risk, |openness| applies_to(act, openness))
        };
        for id in by_title.into_iter().chain(by_names) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        match (agrees, ids.len()) {
            (true, 1) => TargetMatch::One(subject.id),
            (true, _) if number.marked => TargetMatch::One(subject.id),
            (true, _) => TargetMatch::Unsure(ids, Ambiguity::Number),
            (false, 1) => TargetMatch::Unsure(ids, Ambiguity::MoreWords),
            (false, _) => TargetMatch::Unsure(ids, Ambiguity::Number),
        }
    }

    fn named(&self, object: &Object, fitting: Vec<DecisionId>, act: ActionName) -> TargetMatch {
        match fitting.as_slice() {
            [] => self.nearly(object, act),
            [_] if object.set || object.vague => TargetMatch::Unsure(fitting, Ambiguity::Unnamed),
            [one] => {
                let names = if object.numbers.is_empty() {
                    &object.names
                } else {
                    &object.names_and_number
                };
                let gone = self.fitting(names, object.risk, |openness| {
                    act != ActionName::Undo && self.was_just_closed(openness)
                });
                if gone.is_empty() {
                    TargetMatch::One(*one)
                } else {
                    TargetMatch::Unsure(fitting, Ambiguity::JustDecided { other: gone[0] })
                }
            }
            _ => TargetMatch::Unsure(fitting, Ambiguity::SeveralFit),
        }
    }

    /// No exact match: decisions that match with typo correction, or similar decisions.
    fn nearly(&self, object: &Object, act: ActionName) -> TargetMatch {
        let risk = |subject: &Subject| object.risk.is_none_or(|risk| risk == subject.risk);
        let meant = |names: &Names| {
            object.names.iter().all(|word| names.has(word) || names.nearest(word).is_some())
        };
        let may = |subject: &Subject| applies_to(act, subject.openness);
        let slips =
            self.iter().filter(|(subject, names)| may(subject) && risk(subject) && meant(names));
        let slips: Vec<DecisionId> = slips.map(|(subject, _)| subject.id).collect();
        if !slips.is_empty() && object.numbers.is_empty() {
            return TargetMatch::Unsure(slips, Ambiguity::Misspelt);
        }
        let over = self
            .fitting(&object.names_and_number, object.risk, |openness| !applies_to(act, openness));
        if !over.is_empty() {
            return TargetMatch::Nothing { near: over };
        }
        let count = |names: &Names| object.names.iter().filter(|word| names.has(word)).count();
        let most = self
            .iter()
            .filter(|(subject, _)| may(subject))
            .map(|(_, names)| count(names))
            .max()
            .unwrap_or_default();
        let near =
            self.iter().filter(|(subject, names)| may(subject) && most > 0 && count(names) == most);
        TargetMatch::Nothing { near: near.map(|(subject, _)| subject.id).collect() }
    }

    /// Subjects whose names include all these words.
    pub(crate) fn fitting(
        &self,
        words: &[String],
        risk: Option<Risk>,
        may: impl Fn(Openness) -> bool,
    ) -> Vec<DecisionId> {
        let fits = |(subject, names): &(&Subject, &Names)| {
            may(subject.openness)
                && risk.is_none_or(|risk| risk == subject.risk)
                && names.has_all(words)
        };
        self.iter().filter(fits).map(|(subject, _)| subject.id).collect()
    }

    fn was_just_closed(&self, openness: Openness) -> bool {
        match openness {
            Openness::Open => false,
            Openness::Resolved { at } | Openness::Withdrawn { at } => self.now - at <= JUST_NOW,
        }
    }

    /// Decisions that a sentence without effect mentions: the numbers in the sentence, or the
    /// matches of the words before the ambiguity.
    pub(crate) fn about(&self, words: &[Word<'_>]) -> Vec<DecisionId> {
        let object = Object::read(words);
        if !object.numbers.is_empty() {
            return self.several(&object, &[]).ids();
        }
        let plain = |word: &Word<'_>| !grammar::is_condition(word) && !grammar::is_negation(word);
        let from = words.iter().position(grammar::is_verb).map_or(0, |at| at + 1);
        let behind = &words[from..];
        let until = behind.iter().position(|word| !plain(word)).unwrap_or(behind.len());
        let object = Object::read(grammar::without_thanks(&behind[..until]));
        if object.names.is_empty() || object.set {
            Vec::new()
        } else {
            self.fitting(&object.names, object.risk, Openness::is_open)
        }
    }
}

/// Whether an action applies to a decision in this state.
const fn applies_to(act: ActionName, openness: Openness) -> bool {
    match act {
        ActionName::Undo => openness.is_resolved(),
        ActionName::History => true,
        _ => openness.is_open(),
    }
}
