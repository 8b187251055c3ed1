//! Commands that change a decision: split into object and text, checked for doubts, and converted
//! to a [`Verb`].

use super::super::decision::DecisionId;
use super::super::request::{Expects, Risk};
use super::grammar;
use super::subject::{Filter, take_risk};
use super::target::Found;
use super::words::{Word, bare, is_disguised, reorders, text_of, words};
use super::{Act, Doubt, Part, Phrase, Reluctance, Understood, Verb, Wish};

/// Characters that begin a quotation or code.
pub(super) const QUOTES: [char; 8] = ['"', '\'', '“', '„', '«', '‘', '`', '>'];

/// Maximum number of words that name a decision.
const MOST_WORDS: usize = 30;

/// A command without its verb.
pub(super) struct Command<'p, 'a, 's> {
    pub(super) phrase: &'p Phrase<'a, 's>,
    pub(super) act: Act,
    /// The words that name the decision.
    pub(super) object: Vec<Word<'a>>,
    /// The text after a colon, a dash or "because". May be empty.
    tail: Option<&'a str>,
}

/// Interprets a command. `length` is the number of words in the verb.
pub(super) fn decide(phrase: &Phrase<'_, '_>, act: Act, length: usize) -> Understood {
    let (object, tail) = split(act, &phrase.words[length..], phrase.text);
    let object = grammar::without_thanks(&object).to_vec();
    let command = Command { phrase, act, object, tail };
    if let Some(why) = command.reluctance() {
        return phrase.not_decided(why);
    }
    match act {
        Act::Approve => command.approve(),
        Act::Reject | Act::Answer => command.with_text(),
        Act::Choose => command.choose(),
        Act::Defer => command.defer(),
        Act::Undo => command.finish(Verb::Undo),
        Act::Take => command.take(),
        Act::Show | Act::History => phrase.not_understood(),
    }
}

/// Splits object and text. Only actions that accept a text have a text.
fn split<'a>(act: Act, behind: &[Word<'a>], text: &'a str) -> (Vec<Word<'a>>, Option<&'a str>) {
    if !matches!(act, Act::Approve | Act::Reject | Act::Answer) {
        return (behind.to_vec(), None);
    }
    for (index, word) in behind.iter().enumerate() {
        let before = || behind[..index].to_vec();
        let rest = |at: usize| Some(text[at..].trim());
        if word.raw.trim_end_matches(['*', '_']).ends_with(':') {
            return (behind[..=index].to_vec(), rest(word.end()));
        }
        if let Some((at, size)) = inner_separator(word.raw) {
            let raw = &word.raw[..at];
            let object =
                before().into_iter().chain([Word { raw, at: word.at, plain: bare(raw) }]).collect();
            return (object, rest(word.at + at + size));
        }
        if index == 0 {
            continue;
        }
        let next = behind.get(index + 1);
        if word.is(&["because", "since", "cause", "cuz"]) {
            // "because of the tests" would read badly without "because".
            let from = if next.is_some_and(|next| next.is(&["of"])) { word.at } else { word.end() };
            return (before(), rest(from));
        }
        if word.is(&["-", "--", "–", "—"]) || (act == Act::Answer && word.is(&["with"])) {
            return (before(), rest(word.end()));
        }
        if act == Act::Approve && word.is(&["with"]) {
            let note = behind[index + 1..].iter().take(2).find(|word| word.is(&["note"]));
            if let Some(note) = note {
                return (before(), rest(note.end()));
            }
        }
    }
    (behind.to_vec(), None)
}

/// Position and length of a colon or dash inside a word, followed by a letter: `142:needs tests`.
/// Ignores `9:00` and links.
fn inner_separator(raw: &str) -> Option<(usize, usize)> {
    if raw.starts_with('<') {
        return None;
    }
    let mut places = raw.char_indices().filter(|(at, c)| *at > 0 && matches!(c, ':' | '—'));
    places.find_map(|(at, c)| {
        raw[at + c.len_utf8()..].starts_with(char::is_alphabetic).then_some((at, c.len_utf8()))
    })
}

impl<'a> Command<'_, 'a, '_> {
    /// Why this is not a plain command, or `None`.
    fn reluctance(&self) -> Option<Reluctance> {
        let phrase = self.phrase;
        let verb = phrase.words.first()?;
        let end = self.object.last().map_or(verb.end(), Word::end);
        let head = &phrase.text[..end];
        if is_disguised(head) || reorders(phrase.text) {
            return Some(Reluctance::Disguised);
        }
        let hidden = ["~~", "`", "||"].iter().any(|mark| phrase.text[..end].contains(mark));
        if hidden || verb.raw.starts_with(QUOTES) || phrase.text.starts_with(QUOTES) {
            return Some(Reluctance::Quoted);
        }
        if phrase.text[verb.at..end].contains('\n') || self.another_command() {
            return Some(Reluctance::OneAtATime);
        }
        // Options and times contain words of their own; `choose` and `defer` check the other words
        // themselves.
        if matches!(self.act, Act::Choose | Act::Defer) {
            let asks = self.object.iter().any(|word| word.raw.contains('?'));
            return asks.then_some(Reluctance::Question);
        }
        self.reluctance_in(&self.object)
    }

    pub(super) fn reluctance_in(&self, object: &[Word<'_>]) -> Option<Reluctance> {
        let why = grammar::reluctance(object);
        // "reject 12, not ready": the negation belongs to the reason, and a question back follows.
        let in_reason = why == Some(Reluctance::Negated)
            && self.act == Act::Reject
            && self.numbered_first().is_some();
        if object.len() > MOST_WORDS {
            return Some(Reluctance::Reported);
        }
        let second = object.iter().any(grammar::is_verb)
            || object.iter().any(|word| grammar::is_some_of_them(word));
        why.filter(|_| !in_reason).or_else(|| second.then_some(Reluctance::OneAtATime))
    }

    /// Whether the text, or a part of the text, is another command.
    fn another_command(&self) -> bool {
        let Some(tail) = self.tail else { return false };
        let said = words(tail);
        let listed = |word: &Word<'_>| {
            word.number().is_some() || !word.list().is_empty() || grammar::joins(word)
        };
        if self.act != Act::Answer && !said.is_empty() && said.iter().all(listed) {
            return true;
        }
        let begins = |index: usize| {
            let before = index.checked_sub(1).and_then(|before| said.get(before));
            before.is_none_or(|before| {
                let between = &tail[before.end()..said[index].at];
                between.contains('\n')
                    || before.raw.ends_with(['.', ';', ',', '!'])
                    || before.is(&["and", "then", "also", "or"])
            })
        };
        let counts = |index: usize| self.act != Act::Answer || grammar::is_verb(&said[index]);
        (0..said.len())
            .any(|index| begins(index) && counts(index) && grammar::is_command(&said[index..]))
    }

    /// The known number at the beginning of the object and the words after the number. `None` if
    /// another number follows.
    fn numbered_first(&self) -> Option<(DecisionId, &'a str)> {
        let (first, rest) = self.object.split_first()?;
        let id = self.phrase.known.get(first.number()?.id?)?.id;
        let alone = !rest.iter().any(|word| word.number().is_some() || !word.list().is_empty());
        let (from, to) = (rest.first()?, rest.last()?);
        (alone && !grammar::joins(from)).then(|| (id, self.phrase.text[from.at..to.end()].trim()))
    }

    fn find(&self) -> Found {
        self.phrase.known.find(&self.object, self.act)
    }

    pub(super) fn finish(&self, verb: Verb) -> Understood {
        if self.object.iter().any(grammar::is_all) {
            return self.phrase.not_decided(Reluctance::OneAtATime);
        }
        self.conclude(self.find(), verb)
    }

    pub(super) fn conclude(&self, found: Found, verb: Verb) -> Understood {
        match found {
            Found::One(target) => Understood::Decide { verb, target },
            Found::Unsure(candidates, doubt) => {
                Understood::Ambiguous { wish: Wish::Decide(verb), candidates, doubt }
            }
            rest => self.unfound(rest),
        }
    }

    /// The reply when no decision can be confirmed as it stands.
    pub(super) fn unfound(&self, found: Found) -> Understood {
        match found {
            Found::Nothing { near } => {
                Understood::NothingFits { act: self.act, words: self.object_text(), near }
            }
            Found::Several(about) => Understood::NotDecided { why: Reluctance::OneAtATime, about },
            found => {
                Understood::Missing { act: self.act, candidates: found.ids(), part: Part::Target }
            }
        }
    }

    pub(super) fn missing(&self, found: Found, part: Part) -> Understood {
        match found {
            Found::One(_) | Found::Unsure(..) => {
                Understood::Missing { act: self.act, candidates: found.ids(), part }
            }
            rest => self.unfound(rest),
        }
    }

    fn object_text(&self) -> String {
        text_of(self.phrase.text, &self.object).trim_end_matches(':').to_owned()
    }

    fn approve(&self) -> Understood {
        let (risk, names) = take_risk(&self.object);
        let unnamed = names.iter().all(|word| grammar::is_filler(word) || grammar::is_all(word));
        if self.object.iter().any(grammar::is_all) || (risk.is_some() && unnamed) {
            return self.approve_all(risk, &names);
        }
        let note = self.tail.filter(|tail| tail.chars().any(|c| !c.is_whitespace()));
        let found = self.find();
        if let (None, Found::Unsure(..) | Found::Several(_), Some((id, more))) =
            (note, &found, self.numbered_first())
            && !matches!(found, Found::Unsure(_, Doubt::Number))
        {
            let wish = Wish::Decide(Verb::Approve { note: Some(more.to_owned()) });
            return Understood::Ambiguous { wish, candidates: vec![id], doubt: Doubt::MoreWords };
        }
        let doubtful = note.is_some_and(|note| grammar::reluctance(&words(note)).is_some());
        let found = self.doubted(found, doubtful.then_some(Doubt::Note));
        self.conclude(found, Verb::Approve { note: note.map(str::to_owned) })
    }

    /// Makes a match unsure if there is a doubt or if the text also names a decision: the object
    /// may continue in the text.
    fn doubted(&self, found: Found, doubt: Option<Doubt>) -> Found {
        let Found::One(id) = found else { return found };
        let by_words = !self.object.iter().any(|word| word.number().is_some());
        let overlaps = || {
            let tail = words(self.tail.unwrap_or_default());
            let numbered =
                tail.iter().any(|word| word.number().is_some() || !word.list().is_empty());
            by_words && !numbered && self.phrase.known.find(&tail, self.act).fits()
        };
        match doubt.or_else(|| overlaps().then_some(Doubt::Overlap)) {
            Some(doubt) => Found::Unsure(vec![id], doubt),
            None => Found::One(id),
        }
    }

    fn approve_all(&self, risk: Option<Risk>, names: &[&Word<'_>]) -> Understood {
        if names.iter().any(|word| word.number().is_some() || !word.list().is_empty()) {
            return self.phrase.not_decided(Reluctance::OneAtATime);
        }
        let level = names.iter().find_map(|word| word.plain.parse::<Risk>().ok());
        let counting =
            names.iter().filter(|word| !grammar::is_filler(word) && !grammar::is_all(word));
        let counting = counting.filter(|word| {
            word.plain.parse::<Risk>().is_err() && !word.is(&["open", "pending", "waiting"])
        });
        let of = Filter {
            words: counting.map(|word| word.plain.clone()).collect(),
            risk: risk.or(level),
            overdue: false,
        };
        let (mut low, mut others) = (Vec::new(), Vec::new());
        let now = self.phrase.known.now;
        for (subject, names) in
            self.phrase.known.iter().filter(|(subject, _)| subject.standing.is_open())
        {
            if of.takes_known(subject, names, now) {
                let offered = subject.risk == Risk::Low && subject.expects == Expects::Approve;
                if offered { low.push(subject.id) } else { others.push(subject.id) }
            }
        }
        match (low.is_empty(), others.is_empty()) {
            (true, true) => Understood::NothingFits {
                act: self.act,
                words: self.object_text(),
                near: Vec::new(),
            },
            (true, false) => {
                Understood::NotDecided { why: Reluctance::OnlyLowTogether, about: others }
            }
            _ => Understood::ApproveAll { of, low, others },
        }
    }

    /// A rejection or an answer.
    fn with_text(&self) -> Understood {
        if self.object.iter().any(grammar::is_all) && self.numbered_first().is_none() {
            return self.phrase.not_decided(Reluctance::OneAtATime);
        }
        let (part, verb): (Part, fn(String) -> Verb) = match self.act {
            Act::Reject => (Part::Reason, |reason| Verb::Reject { reason }),
            _ => (Part::Text, |text| Verb::Answer { text }),
        };
        let found = self.find();
        let says =
            |text: &&str| text.chars().any(|c| !c.is_whitespace() && !c.is_ascii_punctuation());
        match (self.tail.filter(says), self.numbered_first()) {
            (Some(text), _) => self.conclude(self.doubted(found, None), verb(text.to_owned())),
            (None, Some((id, text)))
                if self.tail.is_none()
                    && !matches!(found, Found::One(_) | Found::Unsure(_, Doubt::Number)) =>
            {
                let wish = Wish::Decide(verb(text.to_owned()));
                Understood::Ambiguous { wish, candidates: vec![id], doubt: Doubt::MoreWords }
            }
            _ => self.missing(found, part),
        }
    }

    fn take(&self) -> Understood {
        let said_take = self.phrase.words.first().is_some_and(|word| word.is(&["take"]));
        match self.finish(Verb::Take) {
            // "I'm on holiday" is not a failed command.
            Understood::NothingFits { .. }
                if !said_take && !self.object.iter().any(|word| word.number().is_some()) =>
            {
                self.phrase.not_understood()
            }
            understood => understood,
        }
    }
}
