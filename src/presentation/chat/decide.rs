//! Commands that change a decision: split into object and text, checked for doubts, and converted
//! to a [`ChatAction`].

use super::grammar;
use super::subject::{SubjectFilter, take_risk};
use super::target::TargetMatch;
use super::words::{Word, bare, is_disguised, reorders, text_of, words};
use super::{
    ActionName, Ambiguity, ChatAction, ChatRequest, Interpretation, MissingPart, NotCommandReason,
    Phrase,
};
use crate::core::decision::DecisionId;
use crate::core::decision::{Expects, Risk};

/// Characters that begin a quotation or code.
pub(crate) const QUOTES: [char; 8] = ['"', '\'', '“', '„', '«', '‘', '`', '>'];

/// Maximum number of words that name a decision.
const MOST_WORDS: usize = 30;

/// A command without its verb.
pub(crate) struct Command<'p, 'a, 's> {
    pub(crate) phrase: &'p Phrase<'a, 's>,
    pub(crate) act: ActionName,
    /// The words that name the decision.
    pub(crate) object: Vec<Word<'a>>,
    /// The text after a colon, a dash or "because". May be empty.
    tail: Option<&'a str>,
}

/// Interprets a command. `length` is the number of words in the verb.
pub(crate) fn decide(phrase: &Phrase<'_, '_>, act: ActionName, length: usize) -> Interpretation {
    let (object, tail) = split(act, &phrase.words[length..], phrase.text);
    let object = grammar::without_thanks(&object).to_vec();
    let command = Command { phrase, act, object, tail };
    if let Some(why) = command.reluctance() {
        return phrase.not_decided(why);
    }
    match act {
        ActionName::Approve => command.approve(),
        ActionName::Reject | ActionName::Answer => command.with_text(),
        ActionName::Choose => command.choose(),
        ActionName::Defer => command.defer(),
        ActionName::Undo => command.finish(ChatAction::Undo),
        ActionName::Take => command.take(),
        ActionName::Show | ActionName::History => phrase.not_understood(),
    }
}

/// Splits object and text. Only actions that accept a text have a text.
fn split<'a>(
    act: ActionName,
    behind: &[Word<'a>],
    text: &'a str,
) -> (Vec<Word<'a>>, Option<&'a str>) {
    if !matches!(act, ActionName::Approve | ActionName::Reject | ActionName::Answer) {
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
        if word.is(&["-", "--", "–", "—"]) || (act == ActionName::Answer && word.is(&["with"]))
        {
            return (before(), rest(word.end()));
        }
        if act == ActionName::Approve && word.is(&["with"]) {
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
    fn reluctance(&self) -> Option<NotCommandReason> {
        let phrase = self.phrase;
        let verb = phrase.words.first()?;
        let end = self.object.last().map_or(verb.end(), Word::end);
        let head = &phrase.text[..end];
        if is_disguised(head) || reorders(phrase.text) {
            return Some(NotCommandReason::Disguised);
        }
        let hidden = ["~~", "`", "||"].iter().any(|mark| phrase.text[..end].contains(mark));
        if hidden || verb.raw.starts_with(QUOTES) || phrase.text.starts_with(QUOTES) {
            return Some(NotCommandReason::Quoted);
        }
        if phrase.text[verb.at..end].contains('\n') || self.another_command() {
            return Some(NotCommandReason::OneAtATime);
        }
        // Options and times contain words of their own; `choose` and `defer` check the other words
        // themselves.
        if matches!(self.act, ActionName::Choose | ActionName::Defer) {
            let asks = self.object.iter().any(|word| word.raw.contains('?'));
            return asks.then_some(NotCommandReason::Question);
        }
        self.reluctance_in(&self.object)
    }

    pub(crate) fn reluctance_in(&self, object: &[Word<'_>]) -> Option<NotCommandReason> {
        let why = grammar::reluctance(object);
        // "reject 12, not ready": the negation belongs to the reason, and a question back follows.
        let in_reason = why == Some(NotCommandReason::Negated)
            && self.act == ActionName::Reject
            && self.numbered_first().is_some();
        if object.len() > MOST_WORDS {
            return Some(NotCommandReason::Reported);
        }
        let second = object.iter().any(grammar::is_verb)
            || object.iter().any(|word| grammar::is_unnamed_plural(word));
        why.filter(|_| !in_reason).or_else(|| second.then_some(NotCommandReason::OneAtATime))
    }

    /// Whether the text, or a part of the text, is another command.
    fn another_command(&self) -> bool {
        let Some(tail) = self.tail else { return false };
        let said = words(tail);
        let listed = |word: &Word<'_>| {
            word.number().is_some() || !word.list().is_empty() || grammar::joins(word)
        };
        if self.act != ActionName::Answer && !said.is_empty() && said.iter().all(listed) {
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
        let counts =
            |index: usize| self.act != ActionName::Answer || grammar::is_verb(&said[index]);
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

    fn find(&self) -> TargetMatch {
        self.phrase.known.find(&self.object, self.act)
    }

    pub(crate) fn finish(&self, verb: ChatAction) -> Interpretation {
        if self.object.iter().any(grammar::is_all) {
            return self.phrase.not_decided(NotCommandReason::OneAtATime);
        }
        self.conclude(self.find(), verb)
    }

    pub(crate) fn conclude(&self, found: TargetMatch, verb: ChatAction) -> Interpretation {
        match found {
            TargetMatch::One(target) => Interpretation::Decide { verb, target },
            TargetMatch::Unsure(candidates, ambiguity) => {
                Interpretation::Ambiguous { wish: ChatRequest::Decide(verb), candidates, ambiguity }
            }
            rest => self.no_target_reply(rest),
        }
    }

    /// The reply when no decision can be confirmed as it stands.
    pub(crate) fn no_target_reply(&self, found: TargetMatch) -> Interpretation {
        match found {
            TargetMatch::Nothing { near } => {
                Interpretation::NoMatch { act: self.act, words: self.object_text(), near }
            }
            TargetMatch::Several(about) => {
                Interpretation::NotDecided { why: NotCommandReason::OneAtATime, about }
            }
            found => Interpretation::Missing {
                act: self.act,
                candidates: found.ids(),
                part: MissingPart::Target,
            },
        }
    }

    pub(crate) fn missing(&self, found: TargetMatch, part: MissingPart) -> Interpretation {
        match found {
            TargetMatch::One(_) | TargetMatch::Unsure(..) => {
                Interpretation::Missing { act: self.act, candidates: found.ids(), part }
            }
            rest => self.no_target_reply(rest),
        }
    }

    fn object_text(&self) -> String {
        text_of(self.phrase.text, &self.object).trim_end_matches(':').to_owned()
    }

    fn approve(&self) -> Interpretation {
        let (risk, names) = take_risk(&self.object);
        let unnamed = names.iter().all(|word| grammar::is_filler(word) || grammar::is_all(word));
        if self.object.iter().any(grammar::is_all) || (risk.is_some() && unnamed) {
            return self.approve_all(risk, &names);
        }
        let note = self.tail.filter(|tail| tail.chars().any(|c| !c.is_whitespace()));
        let found = self.find();
        if let (None, TargetMatch::Unsure(..) | TargetMatch::Several(_), Some((id, more))) =
            (note, &found, self.numbered_first())
            && !matches!(found, TargetMatch::Unsure(_, Ambiguity::Number))
        {
            let wish = ChatRequest::Decide(ChatAction::Approve { note: Some(more.to_owned()) });
            return Interpretation::Ambiguous {
                wish,
                candidates: vec![id],
                ambiguity: Ambiguity::MoreWords,
            };
        }
        let doubtful = note.is_some_and(|note| grammar::reluctance(&words(note)).is_some());
        let found = self.or_ambiguous(found, doubtful.then_some(Ambiguity::Note));
        self.conclude(found, ChatAction::Approve { note: note.map(str::to_owned) })
    }

    /// Makes a match unsure if something is ambiguous or the text also names a decision: the object
    /// may continue in the text.
    fn or_ambiguous(&self, found: TargetMatch, ambiguity: Option<Ambiguity>) -> TargetMatch {
        let TargetMatch::One(id) = found else { return found };
        let by_words = !self.object.iter().any(|word| word.number().is_some());
        let overlaps = || {
            let tail = words(self.tail.unwrap_or_default());
            let numbered =
                tail.iter().any(|word| word.number().is_some() || !word.list().is_empty());
            by_words && !numbered && self.phrase.known.find(&tail, self.act).fits()
        };
        match ambiguity.or_else(|| overlaps().then_some(Ambiguity::Overlap)) {
            Some(ambiguity) => TargetMatch::Unsure(vec![id], ambiguity),
            None => TargetMatch::One(id),
        }
    }

    fn approve_all(&self, risk: Option<Risk>, names: &[&Word<'_>]) -> Interpretation {
        if names.iter().any(|word| word.number().is_some() || !word.list().is_empty()) {
            return self.phrase.not_decided(NotCommandReason::OneAtATime);
        }
        let level = names.iter().find_map(|word| word.plain.parse::<Risk>().ok());
        let counting =
            names.iter().filter(|word| !grammar::is_filler(word) && !grammar::is_all(word));
        let counting = counting.filter(|word| {
            word.plain.parse::<Risk>().is_err() && !word.is(&["open", "pending", "waiting"])
        });
        let of = SubjectFilter {
            words: counting.map(|word| word.plain.clone()).collect(),
            risk: risk.or(level),
            overdue: false,
        };
        let (mut low, mut others) = (Vec::new(), Vec::new());
        let now = self.phrase.known.now;
        for (subject, names) in
            self.phrase.known.iter().filter(|(subject, _)| subject.openness.is_open())
        {
            if of.matches_names(subject, names, now) {
                let offered = subject.risk == Risk::Low && subject.expects == Expects::Approve;
                if offered { low.push(subject.id) } else { others.push(subject.id) }
            }
        }
        match (low.is_empty(), others.is_empty()) {
            (true, true) => Interpretation::NoMatch {
                act: self.act,
                words: self.object_text(),
                near: Vec::new(),
            },
            (true, false) => {
                Interpretation::NotDecided { why: NotCommandReason::OnlyLowTogether, about: others }
            }
            _ => Interpretation::ApproveAll { of, low, others },
        }
    }

    /// A rejection or an answer.
    fn with_text(&self) -> Interpretation {
        if self.object.iter().any(grammar::is_all) && self.numbered_first().is_none() {
            return self.phrase.not_decided(NotCommandReason::OneAtATime);
        }
        let (part, verb): (MissingPart, fn(String) -> ChatAction) = match self.act {
            ActionName::Reject => (MissingPart::Reason, |reason| ChatAction::Reject { reason }),
            _ => (MissingPart::Text, |text| ChatAction::Answer { text }),
        };
        let found = self.find();
        let says =
            |text: &&str| text.chars().any(|c| !c.is_whitespace() && !c.is_ascii_punctuation());
        match (self.tail.filter(says), self.numbered_first()) {
            (Some(text), _) => self.conclude(self.or_ambiguous(found, None), verb(text.to_owned())),
            (None, Some((id, text)))
                if self.tail.is_none()
                    && !matches!(
                        found,
                        TargetMatch::One(_) | TargetMatch::Unsure(_, Ambiguity::Number)
                    ) =>
            {
                let wish = ChatRequest::Decide(verb(text.to_owned()));
                Interpretation::Ambiguous {
                    wish,
                    candidates: vec![id],
                    ambiguity: Ambiguity::MoreWords,
                }
            }
            _ => self.missing(found, part),
        }
    }

    fn take(&self) -> Interpretation {
        let said_take = self.phrase.words.first().is_some_and(|word| word.is(&["take"]));
        match self.finish(ChatAction::Take) {
            // "I'm on holiday" is not a failed command.
            Interpretation::NoMatch { .. }
                if !said_take && !self.object.iter().any(|word| word.number().is_some()) =>
            {
                self.phrase.not_understood()
            }
            understood => understood,
        }
    }
}
