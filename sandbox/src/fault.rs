//! Misbehaviour on request: which requests, events and connections go wrong, how, and how often.
//! Decides; the REST entry and the gateway carry it out.

use serde::Deserialize;
use serde_json::Value;

/// One arranged misbehaviour of the REST interface.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Which requests it strikes.
    pub matching: Match,
    /// What happens to them.
    pub effect: Effect,
    /// How many requests it strikes; 0: until the faults are cleared.
    pub times: u32,
}

impl Fault {
    /// A fault that strikes the next matching request.
    #[must_use]
    pub fn once(matching: Match, effect: Effect) -> Self {
        Self { matching, effect, times: 1 }
    }
}

/// Which requests a fault strikes. `Match::default()` means every one.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Match {
    /// HTTP method in capitals.
    pub method: Option<String>,
    /// Part of the path below `/api/v10`; `*` stands for anything, so that
    /// `/channels/*/messages` fits every channel.
    pub path: Option<String>,
}

impl Match {
    /// Requests with this method whose path contains `path`.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        Self { method: Some(method.to_owned()), path: Some(path.to_owned()) }
    }

    fn fits(&self, method: &str, path: &str) -> bool {
        let method_fits =
            self.method.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method));
        method_fits && self.path.as_ref().is_none_or(|wanted| contains(path, wanted))
    }
}

/// Whether the pieces of `pattern` between its `*` occur in `path` in their order.
fn contains(path: &str, pattern: &str) -> bool {
    let mut rest = path;
    for piece in pattern.split('*') {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    true
}

/// What happens to a request that a fault strikes.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// It is carried out after this many milliseconds.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// It is not carried out but answered with this status.
    Status {
        /// HTTP status. 429 gets Discord's body and headers of a rate limit.
        status: u16,
        /// Milliseconds before the answer; for 429 also the wait it asks for (default 1,000).
        ms: Option<u64>,
        /// Body, instead of the one Discord sends with such a status.
        body: Option<Value>,
        /// Whether a 429 carries `Retry-After` as a header, not only in its body.
        retry_after_header: bool,
        /// Whose limit a 429 says it is.
        scope: LimitScope,
    },
    /// It is carried out, but the answer is never sent.
    WithholdAnswer {
        /// Milliseconds until the connection is closed. Default: when the client leaves.
        ms: Option<u64>,
    },
    /// It is carried out and answered; before that the gateway's connections are closed.
    DropGateway {
        /// Close code; without one the TCP connection just ends.
        code: Option<u16>,
    },
    /// It waits, not carried out, until
    /// [`Sandbox::release_held`](crate::Sandbox::release_held).
    HoldRequest,
    /// It is carried out, but its answer waits until
    /// [`Sandbox::release_held`](crate::Sandbox::release_held). The journal notes it without a
    /// status.
    HoldAnswer,
    /// It meets `effect`, or is carried out as usual without one, but a header of the rate limit
    /// in the answer is another.
    MangleHeader {
        /// Which header.
        header: LimitHeader,
        /// What it says; `None` leaves it out.
        value: Option<String>,
        /// What else happens to the request.
        effect: Option<Box<Effect>>,
    },
}

impl Effect {
    /// An answer with this status and all else as Discord has it.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::Status {
            status,
            ms: None,
            body: None,
            retry_after_header: true,
            scope: LimitScope::User,
        }
    }

    /// A rate limit (429) that asks for a wait of this many milliseconds. Without its header only
    /// the body says so, and no header tells of the bucket.
    #[must_use]
    pub fn limited(scope: LimitScope, ms: u64, retry_after_header: bool) -> Self {
        Self::Status { status: 429, ms: Some(ms), body: None, retry_after_header, scope }
    }

    /// The request is carried out, and the connection cut before its answer.
    #[must_use]
    pub fn lost_answer() -> Self {
        Self::WithholdAnswer { ms: Some(0) }
    }

    /// A header of the rate limit says something that is none: of the answer as it is, or for
    /// [`LimitHeader::RetryAfter`], which no other answer has, of a 429.
    #[must_use]
    pub fn malformed(header: LimitHeader, value: &str) -> Self {
        let limited = matches!(header, LimitHeader::RetryAfter);
        let effect = limited.then(|| Box::new(Self::status(429)));
        Self::MangleHeader { header, value: Some(value.to_owned()), effect }
    }
}

/// A header that tells of a rate limit.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum LimitHeader {
    /// `X-RateLimit-Limit`.
    Limit,
    /// `X-RateLimit-Remaining`.
    Remaining,
    /// `X-RateLimit-Reset`.
    Reset,
    /// `X-RateLimit-Reset-After`.
    ResetAfter,
    /// `Retry-After`.
    RetryAfter,
}

impl LimitHeader {
    /// Every one of them.
    pub const ALL: [Self; 5] =
        [Self::Limit, Self::Remaining, Self::Reset, Self::ResetAfter, Self::RetryAfter];

    /// The header's name in lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Limit => "x-ratelimit-limit",
            Self::Remaining => "x-ratelimit-remaining",
            Self::Reset => "x-ratelimit-reset",
            Self::ResetAfter => "x-ratelimit-reset-after",
            Self::RetryAfter => "retry-after",
        }
    }
}

/// Whose limit was exceeded, in the words of `X-RateLimit-Scope`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum LimitScope {
    /// The bot's own, for one bucket.
    #[default]
    User,
    /// The bot's own, over everything.
    Global,
    /// The resource's, shared by all who use it.
    Shared,
}

impl LimitScope {
    /// The word in the header.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Global => "global",
            Self::Shared => "shared",
        }
    }
}

/// How the gateway's connections are to end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DropHow {
    /// The TCP connection ends without a close frame.
    Tcp,
    /// A close frame, with or without a code.
    Close(Option<u16>),
    /// Operation 7: the client is asked to reconnect.
    Reconnect,
    /// Operation 9: the session is invalid.
    InvalidSession {
        /// Whether the client may still resume it.
        resumable: bool,
    },
}

/// One arranged misbehaviour of the gateway. What strikes events counts those of the world alone:
/// READY, the GUILD_CREATE after it and RESUMED are never struck. An event counts if a session
/// hears of it, once for each application, and so the journal notes it, when it happens. Events that are lost or late are
/// still replayed by a RESUME from before them, as every event is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum GatewayFault {
    /// Events are delivered twice, the second time with the same sequence number.
    Duplicate {
        /// Which, by name (`INTERACTION_CREATE`); `None`: any.
        event: Option<String>,
        /// How many; 0: until the faults are cleared.
        times: u32,
    },
    /// Events are not delivered.
    Lose {
        /// Which, by name; `None`: any.
        event: Option<String>,
        /// How many; 0: until the faults are cleared.
        times: u32,
    },
    /// Events are kept back until so many are there, and then delivered newest first. Clearing the
    /// faults delivers those that are there.
    Reorder {
        /// Which, by name; `None`: any.
        event: Option<String>,
        /// How many.
        count: u32,
    },
    /// A connection ends when it has come this far.
    DropAt {
        /// How far.
        phase: GatewayPhase,
        /// How it ends.
        how: DropHow,
        /// How many connections; 0: until the faults are cleared.
        times: u32,
    },
}

/// How far a connection to the gateway has come.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum GatewayPhase {
    /// It is open; HELLO is not sent.
    BeforeHello,
    /// IDENTIFY has come in answer to HELLO; READY is not sent and there is no session.
    AfterHello,
    /// READY is sent, the GUILD_CREATE that belongs to it is not. The session can be resumed.
    DuringReady,
    /// READY and GUILD_CREATE are sent.
    AfterReady,
    /// RESUME has come; half of what was missed is sent, RESUMED is not. The session can be
    /// resumed.
    DuringResume,
}

/// The faults arranged and not yet used up, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn arrange(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn to_come(&self) -> Vec<Fault> {
        self.0.clone()
    }

    /// What is to happen to this request: the oldest fault that fits, which is used up by it.
    pub(crate) fn strike(&mut self, method: &str, path: &str) -> Option<Effect> {
        let index = self.0.iter().position(|f| f.matching.fits(method, path))?;
        let fault = &mut self.0[index];
        match fault.times {
            0 => Some(fault.effect.clone()),
            1 => Some(self.0.remove(index).effect),
            _ => {
                fault.times -= 1;
                Some(fault.effect.clone())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        let fault = Match::new("POST", "/channels/*/messages");
        assert!(fault.fits("POST", "/channels/12/messages"));
        assert!(!fault.fits("GET", "/channels/12/messages"));
        assert!(!fault.fits("POST", "/channels/12"));
        assert!(Match::default().fits("GET", "/users/@me"));
    }

    #[test]
    fn a_fault_is_used_up() {
        let mut faults = Faults::default();
        faults.arrange(Fault { matching: Match::default(), effect: Effect::status(503), times: 2 });
        assert_eq!(faults.strike("GET", "/a"), Some(Effect::status(503)));
        assert_eq!(faults.strike("GET", "/b"), Some(Effect::status(503)));
        assert_eq!(faults.strike("GET", "/c"), None);
    }
}
