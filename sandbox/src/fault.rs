//! Misbehaviour on request: which requests go wrong, how, and how often. Decides; the REST entry
//! and the gateway carry it out.

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
        let method_fits = self.method.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method));
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
}

impl Effect {
    /// An answer with this status and all else as Discord has it.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::Status { status, ms: None, body: None, retry_after_header: true, scope: LimitScope::User }
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
