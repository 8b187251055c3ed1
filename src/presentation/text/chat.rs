//! Replies of the bot to phrases: what was understood, and questions back.

use super::label;
use super::subject;
use crate::core::decision::{Decision, DecisionId};
use crate::core::untrusted::{escaped, one_line, units};
use crate::presentation::chat::{
    ActionName, Ambiguity, ChatAction, EXAMPLES, MissingPart, NotCommandReason, SubjectFilter,
};

/// Maximum characters repeated from a person's own words.
const REPEATED: usize = 80;

fn said(words: &str) -> String {
    escaped(&one_line(words), REPEATED).text
}

/// The action as a spoken verb.
const fn act(act: ActionName) -> &'static str {
    match act {
        ActionName::Approve => "approve",
        ActionName::Reject => "reject",
        ActionName::Choose => "choose",
        ActionName::Answer => "answer",
        ActionName::Defer => "defer",
        ActionName::Undo => "undo",
        ActionName::Take => "take",
        ActionName::Show => "show",
        ActionName::History => "show the history of",
    }
}

/// The understood command, before execution or confirmation.
#[must_use]
pub fn understood(verb: &ChatAction, id: DecisionId) -> String {
    let beside = match verb {
        ChatAction::Approve { note: Some(words) }
        | ChatAction::Reject { reason: words }
        | ChatAction::Answer { text: words } => Some(words),
        ChatAction::Choose { option } => Some(option),
        ChatAction::Approve { note: None }
        | ChatAction::Defer { .. }
        | ChatAction::Undo
        | ChatAction::Take => None,
    };
    let words = beside.map(|words| format!(" — “{}”", said(words))).unwrap_or_default();
    format!("🪿 Understood: {} {id}{words}", act(verb.act()))
}

/// The understood filter of a list.
#[must_use]
pub fn shown(of: &SubjectFilter, count: usize) -> String {
    let risk = of.risk.map(|risk| format!("{risk} risk"));
    let overdue = of.overdue.then(|| "overdue".to_owned());
    let words = (!of.words.is_empty()).then(|| format!("“{}”", said(&of.words.join(" "))));
    let of: Vec<String> = [overdue, risk, words].into_iter().flatten().collect();
    match (of.as_slice(), count) {
        ([], _) => "🪿 Understood: what waits on you".into(),
        (of, 0) => format!("🪿 Understood: what waits on you, {}. Nothing matches.", of.join(", ")),
        (of, _) => format!("🪿 Understood: what waits on you, {}", of.join(", ")),
    }
}

/// Page position below a list.
#[must_use]
pub fn part(from: usize, to: usize, count: usize) -> String {
    match count {
        _ if to < count => format!("{} to {to} of {count} · say “what else?” for more", from + 1),
        1 => "1 decision".into(),
        _ => format!("{} to {to} of {count}", from + 1),
    }
}

/// The list has no further pages.
pub const NO_MORE: &str = "🪿 That was all. Say “What needs my attention?” to start again.";

/// The action is clear, but the decision is not.
#[must_use]
pub fn ambiguous(wish: ActionName, ambiguity: Ambiguity, candidates: &[DecisionId]) -> String {
    let (wish, one) = (act(wish), candidates.first().map(ToString::to_string).unwrap_or_default());
    let why = match ambiguity {
        Ambiguity::SeveralFit => format!("{} fit your words", candidates.len()),
        Ambiguity::Misspelt => format!("{one} matches only with a spelling correction"),
        Ambiguity::JustDecided { other } => {
            format!("your words also match {other}, which was decided a moment ago")
        }
        Ambiguity::Number => format!("the number in your message may or may not mean {one}"),
        Ambiguity::MoreWords => format!("{one} matches only some of your words"),
        Ambiguity::Unnamed => format!("I can only guess that you mean {one}"),
        Ambiguity::Note => "the rest of your message sounds like a condition or a question".into(),
        Ambiguity::Overlap => "the text after the colon also names a decision".into(),
    };
    let which = if candidates.len() == 1 { "Is it this one?" } else { "Which one?" };
    format!("🤔 You want to {wish}, but {why}. {which} Nothing is done yet.")
}

/// The words match no decision.
#[must_use]
pub fn nothing_fits(wish: ActionName, words: &str, near: usize) -> String {
    let near = match near {
        0 => " “What needs my attention?” shows what is waiting.",
        1 => " This one is similar:",
        _ => " These are similar:",
    };
    format!(
        "🤷 You want to {} “{}”, but nothing waiting on you matches all of that. Nothing was \
         done.{near}",
        act(wish),
        said(words)
    )
}

/// Asks for the missing part of a command.
#[must_use]
pub fn missing(wish: ActionName, part: &MissingPart, candidates: &[DecisionId]) -> String {
    let id = match candidates {
        [one] => one.0.to_string(),
        _ => "142".into(),
    };
    let given = |given: &Option<String>| {
        given
            .as_deref()
            .map(|given| format!("“{}” is not an option. ", said(given)))
            .unwrap_or_default()
    };
    match part {
        MissingPart::Target => {
            format!(
                "🤔 You want to {}: which one? Say its number or words from its title, such as \
                 `{} 142`.",
                act(wish),
                say(wish)
            )
        }
        MissingPart::Reason => {
            format!("🤔 Rejecting needs a reason, which the agent gets. Say `reject {id}: …`")
        }
        MissingPart::Option { given: option } => {
            format!("🤔 Which option? {}Say `choose … for {id}`", given(option))
        }
        MissingPart::Text => format!("🤔 What should I tell the agent? Say `answer {id}: …`"),
        MissingPart::Time { given: time } => {
            format!(
                "🤔 Until when? {}Say, for example, `defer {id} until {}`",
                given(time),
                "tomorrow 9:00"
            )
        }
    }
}

/// The action as a typed command.
const fn say(wish: ActionName) -> &'static str {
    match wish {
        ActionName::Defer => "defer",
        ActionName::History => "history of",
        other => act(other),
    }
}

/// Why words that mention a verdict decide nothing.
#[must_use]
pub fn not_decided(why: NotCommandReason) -> String {
    let why = match why {
        NotCommandReason::Negated => {
            "that says what should not be done. To reject a decision: `reject 142: why`"
        }
        NotCommandReason::Conditional => {
            "that sounds like a condition, and I cannot check it. Decide when it is met, or \
             reject and say what is missing"
        }
        NotCommandReason::Question => "that is a question, and only you can answer it",
        NotCommandReason::Past => "that sounds like something already done",
        NotCommandReason::Reported => "a decision must be a plain command from you: `approve 142`",
        NotCommandReason::OneAtATime => "please send one message per decision",
        NotCommandReason::OnlyLowTogether => {
            "only low-risk decisions can be approved in bulk: `approve all low-risk items`. \
             Decide all others one by one"
        }
        NotCommandReason::Disguised => {
            "it contains hidden or look-alike characters. Please type it yourself"
        }
        NotCommandReason::Quoted => "it is quoted or formatted. Please type it as plain text",
        NotCommandReason::ToSomebodyElse => "that is addressed to another person",
        NotCommandReason::SlashCommand => {
            "that was sent as a message. To use the command, type / and pick it from the list, \
             or leave out the slash"
        }
    };
    format!("✋ Nothing was decided: {why}.")
}

/// The phrase was not understood.
#[must_use]
pub fn not_understood(words: &str) -> String {
    format!(
        "🤷 I did not understand “{}”. Nothing was done. Say `help` to see what I understand.",
        said(words)
    )
}

/// Help for phrases.
#[must_use]
pub fn help() -> String {
    let mut text = "🪿 **Say it in your own words, or like this:**\n".to_owned();
    for (phrase, what) in EXAMPLES {
        let line = format!("• `{phrase}` {what}\n");
        // The help of the slash commands covers the phrases that do not fit.
        if units(&text) + units(&line) > 1_850 {
            break;
        }
        text.push_str(&line);
    }
    text + "-# I understand only these phrases, and never decide on a guess. `/help` shows the \
        commands."
}

/// Heading above the preview of a bulk approval.
#[must_use]
pub fn approve_these(others: usize) -> String {
    let others = match others {
        0 => String::new(),
        1 => {
            " One more is not low-risk, or needs a choice or a text: decide it on its card.".into()
        }
        others => {
            format!(
                " {others} more are not low-risk, or need a choice or a text: decide them on \
                their cards."
            )
        }
    };
    format!("🪿 Understood: approve all low-risk decisions.{others}")
}

/// Button that confirms the bulk approval.
#[must_use]
pub fn approve_these_label(count: usize) -> String {
    if count == 1 { label::APPROVE.into() } else { format!("{} these {count}", label::APPROVE) }
}

/// Result for one decision of a bulk approval.
#[must_use]
pub fn approved_of_these(decision: &Decision) -> String {
    let word =
        if decision.state.is_open() { "your approval counts; more are needed" } else { "approved" };
    format!("✅ **{}** {word}: {}", decision.id, title(decision))
}

/// The person is not allowed to approve the decision, or the store failed.
#[must_use]
pub fn failed_of_these(id: DecisionId, why: &str) -> String {
    format!("✋ **{id}** was not approved: {}", escaped(&one_line(why), 200).text)
}

fn title(decision: &Decision) -> String {
    format!(
        "{} · {}",
        escaped(&super::title(&decision.request), 70).text,
        escaped(&subject(decision), 40).text
    )
}

/// Posted in the channel where the bot was addressed: a person's pending decisions are private.
pub const ANSWERED_PRIVATELY: &str = "📬 I answered you in a direct message.";
/// Posted in the channel when the person's direct messages are closed.
pub const DIRECT_MESSAGES_CLOSED: &str = "📪 I would answer in a direct message, but you do not \
    accept mine. `/attention` and the other commands answer you here, privately.";
