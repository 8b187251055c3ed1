//! `defer 12 until tomorrow 9:00`, `remind me in 2h about the ghl deploy`: a decision and a time,
//! in either order.

use super::decide::Command;
use super::grammar;
use super::words::{Word, text_of};
use super::{ChatAction, Interpretation, MissingPart, NotCommandReason};
use crate::core::Time;
use crate::core::values::time_words;

/// Words before a time.
const BEFORE_A_TIME: [&str; 9] = ["until", "till", "til", "to", "by", "for", "in", "at", "on"];

/// Words that make a deferral conditional. Other words of time ("once", "tomorrow") try to state
/// the end.
const HANGING: [&str; 14] = [
    "if", "unless", "whether", "maybe", "perhaps", "provided", "assuming", "might", "should",
    "would", "could", "think", "guess", "only",
];

/// The object, and the time or the words that failed to parse as a time.
struct Apart<'w, 'a> {
    object: &'w [Word<'a>],
    time: Result<Time, Option<String>>,
}

impl Command<'_, '_, '_> {
    pub(crate) fn defer(&self) -> Interpretation {
        let apart = self.apart(&self.object);
        let hangs = apart.object.iter().any(|word| word.is(&HANGING));
        let negated = self.object.iter().any(grammar::is_negation);
        let why = match (negated, hangs) {
            (_, true) => Some(NotCommandReason::Conditional),
            (true, _) => Some(NotCommandReason::Negated),
            _ => apart
                .object
                .iter()
                .any(|word| grammar::is_all(word) || grammar::is_unnamed_plural(word))
                .then_some(NotCommandReason::OneAtATime),
        };
        // "remind me to approve 142": the verb is not a second command, but not a name either.
        let why = why.or_else(|| {
            apart.object.iter().any(grammar::is_verb).then_some(NotCommandReason::Reported)
        });
        if let Some(why) = why {
            return self.phrase.not_decided(why);
        }
        let found = self.phrase.known.find(apart.object, self.act);
        match apart.time {
            Ok(until) => self.conclude(found, ChatAction::Defer { until }),
            Err(given) => self.missing(found, MissingPart::Time { given }),
        }
    }

    fn apart<'w, 'a>(&self, words: &'w [Word<'a>]) -> Apart<'w, 'a> {
        if let Some(until) = self.time(words) {
            return Apart { object: &[], time: Ok(until) };
        }
        // "remind me in 2h about 12": the time comes first.
        let about = words.iter().position(|word| word.is(&["about", "of"])).filter(|at| *at > 0);
        if let Some(at) = about
            && let Some(until) = self.time(&words[..at])
        {
            return Apart { object: &words[at + 1..], time: Ok(until) };
        }
        // The earliest position gives the longest time: "tomorrow 9:00", not "9:00".
        for at in 1..words.len() {
            if let Some(until) = self.time(&words[at..]) {
                return Apart { object: &words[..at], time: Ok(until) };
            }
        }
        let tries = |word: &Word<'_>| {
            word.is(&BEFORE_A_TIME[..5]) || (grammar::is_condition(word) && !word.is(&HANGING))
        };
        match words.iter().position(tries).filter(|at| *at > 0) {
            Some(at) => {
                let from = if words[at].is(&BEFORE_A_TIME) { at + 1 } else { at };
                let given = text_of(self.phrase.text, &words[from..]);
                Apart {
                    object: &words[..at],
                    time: Err(Some(given).filter(|given| !given.is_empty())),
                }
            }
            None => Apart { object: words, time: Err(None) },
        }
    }

    /// Parses words as a time; all words must belong to the time.
    fn time(&self, words: &[Word<'_>]) -> Option<Time> {
        let words = if words.first()?.is(&BEFORE_A_TIME) { &words[1..] } else { words };
        // A bare number must not merge with a following number: "12 2h" is not 122 hours.
        let strays = |pair: &[Word<'_>]| {
            pair[0].number().is_some() && pair[1].plain.starts_with(|c: char| c.is_ascii_digit())
        };
        if words.windows(2).any(strays) {
            return None;
        }
        let text = text_of(self.phrase.text, words);
        time_words::parse(
            text.trim_matches(['.', '!', ',', '*', '_']),
            self.phrase.known.now,
            self.phrase.zone,
        )
    }
}
