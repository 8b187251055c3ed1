//! Vocabulary of the bot: verbs, politeness, and words that cancel or weaken a command.
//!
//! Tables and their lookup functions. Other modules decide the consequences of a match.
//!
//! Kept by hand: a phrase may approve a tool call, so a closed list of words decides, and no parser
//! or language model guesses; a parser crate would not make the list shorter.

use super::words::{Word, pieces};
use super::{ActionName, NotCommandReason};

/// Intent of a phrase, by its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intent {
    Act(ActionName),
    Attention,
    Show,
    More,
    Status,
    Help,
    Snooze,
    Unsnooze,
}

/// Beginnings of phrases. Folded, without apostrophes; the longest match wins.
const INTENT_PHRASES: &[(Intent, &str)] = &[
    (Intent::Act(ActionName::Approve), "approve | accept"),
    (Intent::Act(ActionName::Reject), "reject | decline | deny | refuse"),
    (Intent::Act(ActionName::Choose), "choose | pick | select | go with"),
    (Intent::Act(ActionName::Answer), "answer | answer to | reply | reply to"),
    (
        Intent::Act(ActionName::Defer),
        "defer | postpone | snooze | delay | put off | remind me | remind me about | remind me of",
    ),
    (Intent::Act(ActionName::Undo), "undo | revoke | take back"),
    (Intent::Act(ActionName::Take), "take | i take | ill take | i will take | im on | i am on"),
    (
        Intent::Act(ActionName::History),
        "history | history of | log of | what happened to | what happened with | who approved | \
         who rejected | who decided | who answered | who took | who deferred | when was | why was",
    ),
    (
        Intent::Attention,
        "attention | list | inbox | queue | pending | open decisions | overdue | anything | is \
         anything | any | are there any | do i have any | do i have anything | which | whats up \
         | what needs | what is waiting | whats waiting | what waits | what is open | whats open \
         | what is pending | whats pending | what is overdue | whats overdue | what is left | \
         whats left | what do i | what should i | what must i | what am i | who needs | who \
         waits | who is waiting | whos waiting | what",
    ),
    (
        Intent::Show,
        "show | show me | display | see | view | open | details | details of | details on | tell \
         me about | about | what about | what is | whats | look at | take a look at | have a \
         look at | take a gander at | have a gander at | status of",
    ),
    (
        Intent::More,
        "what else | more | next | next page | show more | show me more | anything else | go on \
         | continue | and what else",
    ),
    (Intent::Snooze, "snooze me | mute me | do not disturb me | dont disturb me"),
    (Intent::Unsnooze, "unsnooze | unsnooze me | unmute me | wake me | wake me up | snooze off"),
    (
        Intent::Status,
        "status | how are things | how is it going | hows it going | ping | are you there | are \
         you ok | are you up",
    ),
    (
        Intent::Help,
        "help | help me | what can you do | what can i say | what can i do | how does this work \
         | how do you work | commands | examples",
    ),
];

/// Words that may precede a command without changing the meaning.
const GREETINGS: &str = "please | pls | plz | hey | hi | hello | gander | @gander | ok | okay | \
    so | well | yo | thanks | yes | alright | right | now | then | just | kindly | also | great \
    | good morning | could you | can you | would you please | will you please | go ahead and";

/// Words that may follow a command without changing the meaning.
const THANKS: &str = "please | pls | plz | thanks | thx | cheers | thank you | many thanks | now \
    | right now | right away | asap | for me | gander | @gander | ok | okay | 👍 | 🙏 | ✅ | 🚀 | 🎉 \
    | ❤ | 🙂 | 😊";

/// Words that negate a command.
const NEGATIONS: &str = "not dont never no nope nothing none nobody cannot cant wont shouldnt \
    mustnt wouldnt couldnt didnt doesnt isnt arent wasnt havent hasnt without except excluding \
    but instead rather neither nor stop cancel avoid skip hold wait";

/// Words that make a command conditional or refer to another time.
const CONDITIONS: &str = "if when whenever unless once after before until till while provided \
    assuming assume suppose supposing depending only maybe perhaps probably possibly might would \
    could should think guess kidding joking pretend imagine hypothetically later soon eventually \
    tomorrow tonight yesterday monday tuesday wednesday thursday friday saturday sunday week \
    month weekend noon midnight whether as";

/// Words that begin a question.
const QUESTIONS: &str = "should shall may can could would will did does do is are was were has \
    have what who whom why when how where which whose must";

/// Stems of verbs that decide. A stem is enough to be careful, whatever the form.
const VERB_STEMS: &str =
    "approv accept reject declin deny denie refus defer postpon undo undid revok";

/// Verb forms for a past or ongoing action.
const PAST: &str = "approved accepted rejected declined denied refused deferred postponed undid \
    undone revoked approving rejecting";

/// Words that do not help to identify a decision.
const FILLERS: &str = "a an the of for to on in from by with at into about my our me decision \
    request approval rejection verdict question thing item card number nr one stuff work change \
    that this it";

/// Further words without meaning in a read-only request.
const LOOK_FILLERS: &str = "is was its there i you we us do have has are be does need attention \
    decide deciding approve waiting wait waits open pending left today now right all any every \
    everything anything what which still must should look first who please up new list got going \
    owe your decided";

/// Words for sets and list positions; they name no single decision.
const SETS: &str =
    "all everything every each any anything both rest others other low medium high critical risk";

/// Words that could refer to several decisions, whatever the titles.
const VAGUE: &str = "first second third last next latest newest oldest previous another same top \
    remaining new old these those them he she they yes sure again here two three good fine great \
    done";

/// The phrases of a table.
fn phrases(table: &'static str) -> impl Iterator<Item = &'static str> {
    table.split('|').map(str::trim)
}

/// Whether the word is the plural of a word in the list.
fn plural_among(word: &Word<'_>, list: &str) -> bool {
    word.plain
        .strip_suffix('s')
        .is_some_and(|one| one.len() > 3 && list.split(' ').any(|known| known == one))
}

fn begins(words: &[Word<'_>], phrase: &str) -> Option<usize> {
    let mut length = 0;
    for (index, part) in phrase.split(' ').enumerate() {
        if words.get(index)?.plain != part {
            return None;
        }
        length = index + 1;
    }
    Some(length)
}

fn ends(words: &[Word<'_>], phrase: &str) -> Option<usize> {
    let length = phrase.split(' ').count();
    begins(words.get(words.len().checked_sub(length)?..)?, phrase)
}

/// Number of greeting words at the beginning. A greeting with a question mark does not count.
pub(crate) fn greeting(words: &[Word<'_>]) -> usize {
    let mut skipped = 0;
    let greets =
        |words: &[Word<'_>]| phrases(GREETINGS).filter_map(|phrase| begins(words, phrase)).max();
    while let Some(length) =
        greets(&words[skipped..]).filter(|length| !asks(&words[skipped..skipped + length]))
    {
        skipped += length;
    }
    skipped
}

fn asks(words: &[Word<'_>]) -> bool {
    words.iter().any(|word| word.raw.contains('?'))
}

/// Removes thanks at the end. Keeps thanks with a question mark ("ok?").
pub(crate) fn without_thanks<'a, 'b>(mut words: &'b [Word<'a>]) -> &'b [Word<'a>] {
    while let Some(length) = phrases(THANKS).filter_map(|phrase| ends(words, phrase)).max() {
        let (before, thanks) = words.split_at(words.len() - length);
        if asks(thanks) {
            break;
        }
        words = before;
    }
    words
}

/// Intent of a phrase, and the length of the beginning in words. At equal length the earlier entry
/// wins.
pub(crate) fn intent(words: &[Word<'_>]) -> Option<(Intent, usize)> {
    let mut best: Option<(Intent, usize)> = None;
    for (intent, all) in INTENT_PHRASES {
        let length = phrases(all).filter_map(|phrase| begins(words, phrase)).max();
        if let Some(length) = length
            && best.is_none_or(|(_, longest)| length > longest)
        {
            best = Some((*intent, length));
        }
    }
    best
}

/// The action of the single-word verb that is one typo away from this word.
pub(crate) fn misspelt(word: &Word<'_>) -> Option<ActionName> {
    // "approved" and "approves" are not typos.
    if word.among(PAST) || word.plain.ends_with(['s', 'd']) {
        return None;
    }
    INTENT_PHRASES.iter().find_map(|(intent, all)| match intent {
        Intent::Act(act) => {
            let near = |verb: &&str| {
                verb.len() >= 5
                    && !verb.contains(' ')
                    && strsim::osa_distance(verb, &word.plain) == 1
            };
            phrases(all).find(near).map(|_| *act)
        }
        _ => None,
    })
}

/// Whether a word is any form of a verb that decides.
pub(crate) fn is_verb(word: &Word<'_>) -> bool {
    !is_filler(word)
        && pieces(&word.plain)
            .iter()
            .any(|piece| VERB_STEMS.split(' ').any(|stem| piece.starts_with(stem)))
}

/// Whether these words are a complete command: a verb at the beginning, followed by an object.
pub(crate) fn is_command(words: &[Word<'_>]) -> bool {
    let words = &words[greeting(words)..];
    match intent(words) {
        Some((Intent::Act(act), length)) if act != ActionName::History => {
            let object = words[length..].iter().find(|word| !is_filler(word));
            object.is_some_and(|word| {
                word.number().is_some()
                    || !word.list().is_empty()
                    || is_set(word)
                    || is_verb(&words[0])
            })
        }
        _ => false,
    }
}

/// Why these words are not a plain statement, or `None`.
pub(crate) fn reluctance(words: &[Word<'_>]) -> Option<NotCommandReason> {
    if words.iter().any(|word| word.among(NEGATIONS)) {
        return Some(NotCommandReason::Negated);
    }
    if asks(words) {
        return Some(NotCommandReason::Question);
    }
    words.iter().any(is_condition).then_some(NotCommandReason::Conditional)
}

/// Whether a word makes the command conditional or names a time.
pub(crate) fn is_condition(word: &Word<'_>) -> bool {
    word.among(CONDITIONS) || is_time(&word.plain)
}

/// `2h`, `30min`, `9:00`, `9am`.
fn is_time(word: &str) -> bool {
    let unit = word.trim_start_matches(|c: char| c.is_ascii_digit());
    let counted = unit.len() < word.len();
    let clock =
        unit.strip_prefix(':').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let named = [
        "s", "sec", "m", "min", "mins", "minutes", "h", "hr", "hrs", "hour", "hours", "d", "day",
        "days", "w", "am", "pm",
    ];
    counted && (clock || named.contains(&unit))
}

/// Why words with a verb in another place than the beginning decide nothing.
pub(crate) fn aside(words: &[Word<'_>]) -> NotCommandReason {
    if words.iter().any(|word| word.among(NEGATIONS)) {
        NotCommandReason::Negated
    } else if asks(words) || words.first().is_some_and(|word| word.among(QUESTIONS)) {
        NotCommandReason::Question
    } else if words.iter().any(is_condition) && !words.iter().any(|word| word.among(PAST)) {
        NotCommandReason::Conditional
    } else if words.iter().any(|word| word.among(PAST)) {
        NotCommandReason::Past
    } else {
        NotCommandReason::Reported
    }
}

pub(crate) fn is_negation(word: &Word<'_>) -> bool {
    word.among(NEGATIONS)
}

pub(crate) fn is_filler(word: &Word<'_>) -> bool {
    word.among(FILLERS) || is_plural_filler(word)
}

/// `items`, `the ones`: plural fillers, for more than one decision.
pub(crate) fn is_plural_filler(word: &Word<'_>) -> bool {
    word.is(&["ones"]) || plural_among(word, FILLERS)
}

pub(crate) fn is_look_filler(word: &Word<'_>) -> bool {
    is_filler(word) || word.among(LOOK_FILLERS) || plural_among(word, LOOK_FILLERS)
}

/// Whether the word means all decisions.
pub(crate) fn is_all(word: &Word<'_>) -> bool {
    word.is(&["all", "everything", "every", "each", "any", "anything"])
}

/// Whether the word means several decisions without naming any.
pub(crate) fn is_unnamed_plural(word: &Word<'_>) -> bool {
    word.is(&["both", "rest", "others", "remaining", "them", "these", "those"])
}

pub(crate) fn is_set(word: &Word<'_>) -> bool {
    word.among(SETS)
}

pub(crate) fn is_vague(word: &Word<'_>) -> bool {
    word.among(VAGUE)
}

/// Whether the word is only a conjunction.
pub(crate) fn joins_alone(word: &Word<'_>) -> bool {
    word.is(&["and", "or", "plus", "&", "+", "/"])
}

/// Whether the word joins two parts: `and`, or a trailing comma.
pub(crate) fn joins(word: &Word<'_>) -> bool {
    word.is(&["and", "or", "plus", "&", "+", "/", "vs", "through", "thru", ".."])
        || word.raw.ends_with([',', ';'])
}
