//! No words decide by accident: prefixes, shuffles, heaps of words, garbage, and whatever takes a
//! command back.

use super::*;

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

/// What may stand before a verb.
const POLITE: &str = "please pls hey hi hello gander ok okay so well yo thanks yes alright right \
                      now then just kindly also great good morning could can would will you go \
                      ahead and";

/// What names nothing.
const SILENT: &str = "the a an of for to on in from by with at about my our me decision request \
                      approval question item card one it that this thanks please now ok thx cheers \
                      thank you many right gander approve accept reject decline deny refuse answer \
                      reply undo revoke take im i am ill will back";

fn verbs_of(what: &ChatAction) -> &'static [&'static str] {
    match what {
        ChatAction::Approve { .. } => &["approve", "accept"],
        ChatAction::Reject { .. } => &["reject", "decline", "deny", "refuse"],
        ChatAction::Choose { .. } => &["choose", "pick", "select", "go"],
        ChatAction::Answer { .. } => &["answer", "reply"],
        ChatAction::Defer { .. } => &["defer", "postpone", "snooze", "delay", "put", "remind"],
        ChatAction::Undo => &["undo", "revoke", "take"],
        ChatAction::Take => &["take", "im", "i", "ill"],
    }
}

/// Whether one of the words is the target's number.
fn has_number(words: &[String], target: DecisionId) -> bool {
    let number = target.0.to_string();
    words.iter().any(|word| {
        word.trim_start_matches('#').split(|c: char| !c.is_alphanumeric()).next()
            == Some(number.as_str())
    })
}

/// The rule by which a decision may come about, said a second time and more simply than in the
/// code: the words begin with a verb of that act after nothing but politeness, they carry nothing
/// that takes it back, and they name the target by its number or by words that are all its own.
fn may_decide(
    said: &str,
    what: &ChatAction,
    target: DecisionId,
    subjects: &[Subject],
) -> Result<(), &'static str> {
    let lower = said.to_lowercase().replace(['\'', '’'], "");
    // "approve: 142": the colon of the verb begins no reason.
    let lower = ["approve", "accept", "reject", "decline", "deny", "refuse", "answer", "reply"]
        .iter()
        .fold(lower, |text, verb| text.replace(&format!("{verb}:"), verb));
    let head = match what {
        ChatAction::Choose { .. }
        | ChatAction::Defer { .. }
        | ChatAction::Undo
        | ChatAction::Take => lower.as_str(),
        _ => lower.split_once([':', '—']).map_or(lower.as_str(), |(head, _)| head),
    };
    let bare =
        |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric() && c != '#').to_owned();
    let words: Vec<String> =
        lower.split_whitespace().map(bare).filter(|word| !word.is_empty()).collect();
    let verbs = verbs_of(what);
    let first = words.iter().find(|word| {
        verbs.contains(&word.as_str()) || !POLITE.split(' ').any(|known| known == *word)
    });
    if !first.is_some_and(|word| verbs.contains(&word.as_str())) {
        return Err("no verb at the beginning");
    }
    // Behind a number may be a reason, which may say anything; in front of it and between the words
    // of a name, nothing may.
    let named = [" because ", " since ", " - ", " – ", " with "]
        .iter()
        .fold(head, |named, reason| named.split(reason).next().unwrap_or_default());
    let named: Vec<String> = named.split_whitespace().map(bare).collect();
    let taken_back = ["not", "dont", "never", "if", "unless", "nothing", "except", "maybe"];
    if !matches!(what, ChatAction::Choose { .. })
        && named.iter().any(|word| taken_back.contains(&word.as_str()))
    {
        return Err("taken back");
    }
    let Some(subject) = subjects.iter().find(|subject| subject.id == target) else {
        return Err("an unknown target");
    };
    if has_number(&words, target) {
        return Ok(());
    }
    if matches!(what, ChatAction::Choose { .. } | ChatAction::Defer { .. }) {
        let names_it = words.iter().any(|word| word.chars().count() > 2 && may_name(word, subject));
        return if names_it { Ok(()) } else { Err("nothing names the target") };
    }
    let counting: Vec<&String> = named
        .iter()
        .filter(|word| {
            !word.is_empty()
                && !SILENT.split(' ').chain(POLITE.split(' ')).any(|known| known == *word)
        })
        .collect();
    if counting.is_empty() || !counting.iter().all(|word| may_name(word, subject)) {
        return Err("a word is not the target's");
    }
    let mut others = subjects.iter().filter(|other| {
        other.id != target
            && (other.openness == Openness::Open) == !matches!(what, ChatAction::Undo)
    });
    let fits = |other: &Subject| counting.iter().all(|word| tokens(other).contains(word));
    if others.any(fits) { Err("another one fits, too") } else { Ok(()) }
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
    let synonyms = "release rollout deployment creds secret failing failed broken price param \
                    setting access risk high low medium critical \
                    highrisk lowrisk urgent pr pull fail cred";
    let stem = word.trim_end_matches('s').trim_end_matches("ie");
    compact(&text_of(subject)).contains(stem)
        || synonyms.split(' ').any(|known| known.starts_with(stem))
}

fn check(said: &str, subjects: &[Subject], decided: &mut usize) {
    if let Interpretation::Decide { verb: what, target } = interpret(said, subjects, now(), Berlin)
    {
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
            let understood = interpret(&said, &subjects, now(), Berlin);
            assert!(
                !matches!(understood, Interpretation::Decide { .. }),
                "{said:?}: {}",
                noted(&understood)
            );
            tried += 1;
        }
        for after in ["\napprove 19", "\nreject 19: no"] {
            let said = format!("{command}{after}");
            let understood = interpret(&said, &subjects, now(), Berlin);
            assert!(
                !matches!(understood, Interpretation::Decide { .. }),
                "{said:?}: {}",
                noted(&understood)
            );
            tried += 1;
        }
    }
    assert!(tried > 800, "{tried}");
}
