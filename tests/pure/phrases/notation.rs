//! What was understood, in the notation of the table.

use std::fmt::Write as _;

use super::*;

fn ids(ids: &[DecisionId]) -> String {
    ids.iter().map(|id| format!(" {id}")).collect()
}

pub(crate) fn verb(verb: &ChatAction, ids: &str) -> String {
    match verb {
        ChatAction::Approve { note: None } => format!("approve{ids}"),
        ChatAction::Approve { note: Some(note) } => format!("approve{ids} \"{note}\""),
        ChatAction::Reject { reason } => format!("reject{ids} \"{reason}\""),
        ChatAction::Choose { option } => format!("choose{ids} \"{option}\""),
        ChatAction::Answer { text } => format!("answer{ids} \"{text}\""),
        ChatAction::Defer { until } => {
            format!("defer{ids} {}", until.with_timezone(&Berlin).format("%Y-%m-%d %H:%M"))
        }
        ChatAction::Undo => format!("undo{ids}"),
        ChatAction::Take => format!("take{ids}"),
    }
}

fn filter(of: &SubjectFilter) -> String {
    let mut text: String = of.words.iter().map(|word| format!(" {word}")).collect();
    if let Some(risk) = of.risk {
        let _ = write!(text, " risk {risk}");
    }
    if of.overdue {
        text.push_str(" overdue");
    }
    text
}

const fn ambiguity(ambiguity: Ambiguity) -> &'static str {
    match ambiguity {
        Ambiguity::SeveralFit => "several",
        Ambiguity::Misspelt => "misspelt",
        Ambiguity::JustDecided { .. } => "just-decided",
        Ambiguity::Number => "number",
        Ambiguity::MoreWords => "more-words",
        Ambiguity::Unnamed => "unnamed",
        Ambiguity::Note => "note",
        Ambiguity::Overlap => "overlap",
    }
}

const fn why(why: NotCommandReason) -> &'static str {
    match why {
        NotCommandReason::Negated => "negated",
        NotCommandReason::Conditional => "conditional",
        NotCommandReason::Question => "question",
        NotCommandReason::Past => "past",
        NotCommandReason::Reported => "reported",
        NotCommandReason::OneAtATime => "one-at-a-time",
        NotCommandReason::OnlyLowTogether => "only-low",
        NotCommandReason::Disguised => "disguised",
        NotCommandReason::Quoted => "quoted",
        NotCommandReason::ToSomebodyElse => "to-somebody-else",
        NotCommandReason::SlashCommand => "slash",
    }
}

fn part(part: &MissingPart) -> String {
    let with = |name: &str, given: &Option<String>| match given {
        Some(given) => format!("{name} \"{given}\""),
        None => name.to_owned(),
    };
    match part {
        MissingPart::Target => "target".into(),
        MissingPart::Reason => "reason".into(),
        MissingPart::Text => "text".into(),
        MissingPart::Option { given } => with("option", given),
        MissingPart::Time { given } => with("time", given),
    }
}

/// What was understood, in the notation of the table.
pub(crate) fn noted(understood: &Interpretation) -> String {
    match understood {
        Interpretation::Attention { of } => format!("list{}", filter(of)),
        Interpretation::More => "more".into(),
        Interpretation::Decide { verb: what, target } => {
            format!("DECIDE {}", verb(what, &format!(" {target}")))
        }
        Interpretation::ApproveAll { low, others, .. } if others.is_empty() => {
            format!("offer{}", ids(low))
        }
        Interpretation::ApproveAll { low, others, .. } => {
            format!("offer{} not{}", ids(low), ids(others))
        }
        Interpretation::Show(id) => format!("show {id}"),
        Interpretation::History(id) => format!("history {id}"),
        Interpretation::Status => "status".into(),
        Interpretation::Help => "help".into(),
        Interpretation::Snooze { until } => format!("snooze {}", until.as_deref().unwrap_or("?")),
        Interpretation::Ambiguous { wish, candidates, ambiguity: unclear } => {
            let wish = match wish {
                ChatRequest::Decide(what) => verb(what, ""),
                ChatRequest::History => "history".into(),
            };
            let other = if let Ambiguity::JustDecided { other } = unclear {
                format!(" {other}")
            } else {
                String::new()
            };
            format!("ask {wish}{}: {}{other}", ids(candidates), ambiguity(*unclear))
        }
        Interpretation::NoMatch { act, words, near } => {
            let near = if near.is_empty() { String::new() } else { format!(" near{}", ids(near)) };
            format!("nothing {} \"{words}\"{near}", format!("{act:?}").to_lowercase())
        }
        Interpretation::Missing { act, candidates, part: lacks } => {
            format!(
                "missing {} {}{}",
                part(lacks),
                format!("{act:?}").to_lowercase(),
                ids(candidates)
            )
        }
        Interpretation::NotDecided { why: reluctance, about } => {
            format!("undecided {}{}", why(*reluctance), ids(about))
        }
        Interpretation::NotUnderstood { .. } => "?".into(),
    }
}
