//! Replies of the bot to phrases: what was understood, and questions back.

use super::label;
use super::subject;
use crate::core::decision::{Decision, DecisionId};
use crate::core::phrase::{Act, Doubt, EXAMPLES, Filter, Part, Reluctance, Verb};
use crate::core::untrusted::{escaped, one_line, units};

/// Maximum characters repeated from a person's own words.
const REPEATED: usize = 80;

fn said(words: &str) -> String {
    escaped(&one_line(words), REPEATED).text
}

/// The action as a spoken verb.
const fn act(act: Act) -> &'static str {
    match act {
        Act::Approve => "approve",
        Act::Reject => "reject",
        Act::Choose => "choose",
        Act::Answer => "answer",
        Act::Defer => "put off",
        Act::Undo => "undo",
        Act::Take => "take",
        Act::Show => "show",
        Act::History => "show the history of",
    }
}

/// The understood command, before execution or confirmation.
#[must_use]
pub fn understood(verb: &Verb, id: DecisionId) -> String {
    let beside = match verb {
        Verb::Approve { note: Some(words) }
        | Verb::Reject { reason: words }
        | Verb::Answer { text: words } => Some(words),
        Verb::Choose { option } => Some(option),
        Verb::Approve { note: None } | Verb::Defer { .. } | Verb::Undo | Verb::Take => None,
    };
    let words = beside.map(|words| format!(" — “{}”", said(words))).unwrap_or_default();
    format!("🪿 Understood: {} {id}{words}", act(verb.act()))
}

/// The understood filter of a list.
#[must_use]
pub fn shown(of: &Filter, count: usize) -> String {
    let risk = of.risk.map(|risk| format!("{risk} risk"));
    let overdue = of.overdue.then(|| "overdue".to_owned());
    let words = (!of.words.is_empty()).then(|| format!("“{}”", said(&of.words.join(" "))));
    let of: Vec<String> = [overdue, risk, words].into_iter().flatten().collect();
    match (of.as_slice(), count) {
        ([], _) => "🪿 Understood: what waits on you".into(),
        (of, 0) => format!("🪿 Understood: what waits on you, {}. Nothing does.", of.join(", ")),
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
pub const NO_MORE: &str = "🪿 That was all. “What needs my attention?” begins anew.";

/// The action is clear, but the decision is not.
#[must_use]
pub fn doubt(wish: Act, doubt: Doubt, candidates: &[DecisionId]) -> String {
    let (wish, one) = (act(wish), candidates.first().map(ToString::to_string).unwrap_or_default());
    let why = match doubt {
        Doubt::SeveralFit => format!("{} fit your words", candidates.len()),
        Doubt::Misspelt => format!("{one} fits only if something is misspelt"),
        Doubt::JustDecided { other } => {
            format!("your words also fit {other}, which was decided a moment ago")
        }
        Doubt::Number => format!("the number among your words may mean {one} or not"),
        Doubt::MoreWords => format!("{one} fits some of your words, and not all"),
        Doubt::Unnamed => format!("I can only guess that you mean {one}"),
        Doubt::Note => format!("what you say beside {one} sounds like a condition or a question"),
        Doubt::Overlap => "what stands behind the colon also names a decision".into(),
    };
    let which = if candidates.len() == 1 { "Is it this one?" } else { "Which one?" };
    format!("🤔 You want to {wish}, but {why}. {which} Nothing is done yet.")
}

/// The words match no decision.
#[must_use]
pub fn nothing_fits(wish: Act, words: &str, near: usize) -> String {
    let near = match near {
        0 => " “What needs my attention?” shows what there is.",
        1 => " This one comes near:",
        _ => " These come near:",
    };
    format!(
        "🤷 You want to {} “{}”, but nothing that waits on you fits all of it. Nothing was done.{near}",
        act(wish),
        said(words)
    )
}

/// Asks for the missing part of a command.
#[must_use]
pub fn missing(wish: Act, part: &Part, candidates: &[DecisionId]) -> String {
    let id = match candidates {
        [one] => one.0.to_string(),
        _ => "142".into(),
    };
    let given = |given: &Option<String>| {
        given.as_deref().map(|given| format!("“{}” is none. ", said(given))).unwrap_or_default()
    };
    match part {
        Part::Target => {
            format!(
                "🤔 You want to {}: which one? Say its number or its words, such as `{} 142`.",
                act(wish),
                say(wish)
            )
        }
        Part::Reason => {
            format!("🤔 Rejecting needs a reason, for the agent is told why. Say `reject {id}: …`")
        }
        Part::Option { given: option } => {
            format!("🤔 Which option? {}Say `choose … for {id}`", given(option))
        }
        Part::Text => format!("🤔 What shall I tell the agent? Say `answer {id}: …`"),
        Part::Time { given: time } => {
            format!(
                "🤔 Until when? {}Say for example `defer {id} until {}`",
                given(time),
                "tomorrow 9:00"
            )
        }
    }
}

/// The action as a typed command.
const fn say(wish: Act) -> &'static str {
    match wish {
        Act::Defer => "defer",
        Act::History => "history of",
        other => act(other),
    }
}

/// Why words that mention a verdict decide nothing.
#[must_use]
pub fn not_decided(why: Reluctance) -> String {
    let why = match why {
        Reluctance::Negated => {
            "you say what shall not be done. To say no to a decision: `reject 142: why`"
        }
        Reluctance::Conditional => {
            "that depends on something, and I cannot judge it. Decide when it has come true, or reject with what is missing"
        }
        Reluctance::Question => "that is a question, and the answer is yours",
        Reluctance::Past => "that sounds like something that is done already",
        Reluctance::Reported => "a decision must be a plain command from you: `approve 142`",
        Reluctance::OneAtATime => {
            "please say one thing at a time: each decision gets its own message"
        }
        Reluctance::OnlyLowTogether => {
            "only what is of low risk is approved together: `approve all low-risk items`. Everything else is decided one by one"
        }
        Reluctance::Disguised => {
            "there are hidden or look-alike characters in it. Please type it yourself"
        }
        Reluctance::Quoted => {
            "it is in quotation marks or formatted as something else. Please say it plainly"
        }
        Reluctance::ToSomebodyElse => "that is addressed to somebody else",
        Reluctance::SlashCommand => {
            "that came as a message. To use the command, type / and pick it from the list, or leave the slash out"
        }
    };
    format!("✋ Nothing was decided: {why}.")
}

/// The phrase was not understood.
#[must_use]
pub fn not_understood(words: &str) -> String {
    format!(
        "🤷 I did not understand “{}”. Nothing was done. Say `help` for what I know.",
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
    text + "-# I understand no more than this, and I never decide on a guess. `/help` shows the commands."
}

/// Heading above the preview of a bulk approval.
#[must_use]
pub fn approve_these(others: usize) -> String {
    let others = match others {
        0 => String::new(),
        1 => " One more that you named is not of low risk, or wants more than a yes: decide it by its card.".into(),
        others => {
            format!(" {others} more that you named are not of low risk, or want more than a yes: decide them by their cards.")
        }
    };
    format!("🪿 Understood: approve what is of low risk.{others}")
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
        if decision.state.is_open() { "your approval counts; it needs more" } else { "approved" };
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
pub const DIRECT_MESSAGES_CLOSED: &str = "📪 I would answer in a direct message, but yours are closed to me. `/attention` and the other commands answer you here, privately.";
