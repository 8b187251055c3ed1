//! Why Gander itself gave a verdict, as a code: the log holds facts, and words are chosen when a
//! verdict is shown.
//!
//! A code is stored in the verdict's note or reason. Logs of earlier versions hold a sentence
//! there; a sentence is no code and is shown as stored.

use std::fmt;
use std::str::FromStr;

/// The reason for a verdict without a person.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ReasonCode {
    /// No person answered in time, and the safe default rejected.
    NobodyAnswered,
    /// The agent's confidence, from 0 to 1, was above the threshold of automatic approval.
    Confidence(f64),
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NobodyAnswered => f.write_str("nobody_answered"),
            Self::Confidence(confidence) => write!(f, "confidence:{confidence}"),
        }
    }
}

impl FromStr for ReasonCode {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "nobody_answered" {
            return Ok(Self::NobodyAnswered);
        }
        let confidence = text.strip_prefix("confidence:").ok_or(())?;
        confidence.parse().map(Self::Confidence).map_err(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_it_is_written_and_a_sentence_is_none() {
        for code in [
            ReasonCode::NobodyAnswered,
            ReasonCode::Confidence(0.95),
            ReasonCode::Confidence(1.0),
            ReasonCode::Confidence(0.923_456),
        ] {
            assert_eq!(code.to_string().parse(), Ok(code));
        }
        for sentence in [
            "",
            "confidence:",
            "confidence:high",
            "Nobody answered in time, and silence is a no here.",
        ] {
            assert_eq!(sentence.parse::<ReasonCode>(), Err(()), "{sentence}");
        }
    }
}
