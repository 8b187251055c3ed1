//! The words of a verdict: the log holds a reason code where Gander gave it without a person, and
//! an answer to each question where an agent asked several.

use std::borrow::Cow;

use crate::core::decision::{Approval, Decision, ReasonCode, State, Verdict, Via};

use super::{NOBODY_ANSWERED, automatic_approval_note};

/// A verdict with its reason code replaced by words, and its answers written out. A sentence from a
/// log of an earlier version, and a person's own words, stay as stored.
#[must_use]
pub fn worded(verdict: &Verdict, via: Via) -> Cow<'_, Verdict> {
    let words = |code: &str| match code.parse() {
        Ok(ReasonCode::NobodyAnswered) => Some(NOBODY_ANSWERED.to_owned()),
        Ok(ReasonCode::Confidence(confidence)) => Some(automatic_approval_note(confidence)),
        Err(()) => None,
    };
    match (verdict, via) {
        (Verdict::Rejected { reason }, Via::SafeDefault) => words(reason)
            .map_or(Cow::Borrowed(verdict), |reason| Cow::Owned(Verdict::Rejected { reason })),
        (Verdict::Approved(Approval { note: Some(note), .. }), Via::Routing) => words(note)
            .map_or(Cow::Borrowed(verdict), |note| Cow::Owned(Verdict::noted(Some(note)))),
        (Verdict::Answered { text, answers }, _) if !answers.is_empty() => {
            let text = super::answer_words(text, answers).into_owned();
            Cow::Owned(Verdict::Answered { text, answers: answers.clone() })
        }
        _ => Cow::Borrowed(verdict),
    }
}

/// A decision for a reader outside of Gander: [`worded`] applied to its verdict.
#[must_use]
pub fn worded_decision(decision: &Decision) -> Cow<'_, Decision> {
    let State::Resolved(resolved) = &decision.state else { return Cow::Borrowed(decision) };
    match worded(&resolved.verdict, resolved.via) {
        Cow::Borrowed(_) => Cow::Borrowed(decision),
        Cow::Owned(verdict) => {
            let mut resolved = resolved.clone();
            resolved.verdict = verdict;
            Cow::Owned(Decision { state: State::Resolved(resolved), ..decision.clone() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_becomes_words_and_everything_else_stays_as_stored() {
        let rejected = |reason: &str| Verdict::Rejected { reason: reason.into() };
        let code = ReasonCode::NobodyAnswered.to_string();
        assert_eq!(*worded(&rejected(&code), Via::SafeDefault), rejected(NOBODY_ANSWERED));
        let sentence = "Nobody answered in time, and silence is a no here.";
        assert_eq!(*worded(&rejected(sentence), Via::SafeDefault), rejected(sentence));
        // A person who writes the code means these words.
        assert_eq!(*worded(&rejected(&code), Via::Discord), rejected(&code));

        let noted = |note: &str| Verdict::noted(Some(note.into()));
        let words = worded(&noted("confidence:0.956"), Via::Routing).into_owned();
        assert_eq!(words, noted(&automatic_approval_note(0.956)));
        let sentence = "approved by itself (confidence 0.95)";
        assert_eq!(*worded(&noted(sentence), Via::Routing), noted(sentence));
    }
}
