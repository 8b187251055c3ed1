//! Limits on asking, for programs and people alike: one asker cannot fill a channel.
//!
//! They hold for every request with a verified asker: a token, another Unix user, a person on
//! Discord; and for each drop folder, and for the watched folders together, which agents fill.
//! Programs of the bot's own user are not limited, over the socket and on the command line.

/// The limits of one asker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AskLimits {
    /// Questions that may wait for an answer at a time.
    pub open: u32,
    /// New questions and revisions per minute; the larger of both numbers may come at once.
    pub per_minute: u32,
}

impl AskLimits {
    /// No limits, for measurements.
    pub const NONE: Self = Self { open: u32::MAX, per_minute: u32::MAX };
}

impl Default for AskLimits {
    /// Enough for fifty agents under one token, each with a question every 30 s and four waiting.
    fn default() -> Self {
        Self { open: 200, per_minute: 100 }
    }
}

/// Which limit refused a question, and what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AskLimitReached {
    /// [`AskLimits::open`].
    #[error(
        "no more than {most} of your questions may wait for an answer at a time. Wait for answers \
         or withdraw questions, then ask again (the limit is open_questions under [policy] in \
         gander.toml)"
    )]
    Open {
        /// The limit.
        most: u32,
    },
    /// [`AskLimits::per_minute`].
    #[error(
        "you ask too often: new questions are limited to {per_minute} a minute. Ask again in \
         {after_seconds} s (the limit is questions_per_minute under [policy] in gander.toml)"
    )]
    Rate {
        /// The limit.
        per_minute: u32,
        /// Seconds until the next question is taken.
        after_seconds: u64,
    },
}

/// Pause before asking again at the limit of open questions, in seconds: people answer in minutes.
const OPEN_RETRY_SECONDS: u64 = 60;

impl AskLimitReached {
    /// Seconds after which a retry may succeed.
    #[must_use]
    pub const fn retry_after_seconds(self) -> u64 {
        match self {
            Self::Open { .. } => OPEN_RETRY_SECONDS,
            Self::Rate { after_seconds, .. } => after_seconds,
        }
    }
}

/// What a request would add to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addition {
    /// A new question. `open`: the asker's questions that wait already.
    Question {
        /// Their number.
        open: u32,
    },
    /// New content of an open question.
    Revision,
}

impl AskLimits {
    /// Checks the number of open questions.
    ///
    /// # Errors
    /// [`AskLimitReached::Open`].
    pub const fn check_open(self, addition: Addition) -> Result<(), AskLimitReached> {
        match addition {
            Addition::Question { open } if open >= self.open => {
                Err(AskLimitReached::Open { most: self.open })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_new_question_beyond_the_limit_is_refused() {
        let limits = AskLimits { open: 2, per_minute: 1 };
        let refused = Err(AskLimitReached::Open { most: 2 });
        for (addition, checked) in [
            (Addition::Question { open: 0 }, Ok(())),
            (Addition::Question { open: 1 }, Ok(())),
            (Addition::Question { open: 2 }, refused),
            (Addition::Question { open: 300 }, refused),
            (Addition::Revision, Ok(())),
        ] {
            assert_eq!(limits.check_open(addition), checked, "{addition:?}");
        }
    }
}
