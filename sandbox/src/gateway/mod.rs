//! Sessions of the gateway: who listens, what they missed, who may hear what. The socket and the
//! protocol's operations are in the submodules; what the events mean is the state's business.

mod faults;
pub(crate) mod intents;
mod protocol;
mod requests;
mod socket;
mod transport;

use std::collections::{HashMap, VecDeque};

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

use crate::fault::{DropHow, GatewayFault, GatewayPhase};
use crate::snowflake::{self, Snowflake};

use faults::{Delivery, Disturbances};
pub(crate) use socket::serve;
pub(crate) use transport::Transport;

/// Events a session can replay. Discord's number is not documented.
const REPLAY: usize = 1_000;

/// Sessions kept for a return.
const LOST_SESSIONS: usize = 8;

/// IDENTIFY operations a bot has in 24 h (Discord's documented limit).
pub(crate) const IDENTIFY_LIMIT: u32 = 1_000;

/// An event for one application.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) application: Snowflake,
    pub(crate) name: &'static str,
    /// The intent that asks for it; 0: everybody gets it.
    intent: u64,
    pub(crate) data: Value,
    /// What a session without the intent MESSAGE_CONTENT gets instead.
    pub(crate) redacted: Option<Value>,
}

impl Event {
    pub(crate) fn new(
        application: Snowflake,
        name: &'static str,
        intent: u64,
        data: Value,
    ) -> Self {
        Self { application, name, intent, data, redacted: None }
    }
}

/// What a socket is told to do.
#[derive(Debug)]
pub(crate) enum Order {
    /// Send this payload.
    Send(String),
    /// End the connection.
    End(Ending),
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ending {
    /// Without a word.
    Tcp,
    /// With a close frame, with or without a code.
    Close(Option<u16>),
}

/// A session, connected or waiting to be resumed.
#[derive(Debug)]
struct Session {
    id: String,
    application: Snowflake,
    intents: u64,
    sequence: u64,
    /// The last payloads with their sequence numbers.
    sent: VecDeque<(u64, String)>,
    link: Option<Link>,
}

/// The connection of a session.
#[derive(Debug)]
struct Link {
    connection: u64,
    orders: UnboundedSender<Order>,
}

impl Session {
    /// Sends an event, or keeps it for the session's return.
    fn send(&mut self, name: &str, data: &Value) {
        let payload = self.number(name, data);
        self.order(Order::Send(payload));
    }

    /// Gives an event its number and keeps its payload for the session's return.
    fn number(&mut self, name: &str, data: &Value) -> String {
        self.sequence += 1;
        let payload = json!({ "op": 0, "t": name, "s": self.sequence, "d": data }).to_string();
        if self.sent.len() == REPLAY {
            self.sent.pop_front();
        }
        self.sent.push_back((self.sequence, payload.clone()));
        payload
    }

    /// Tells the socket something. One that is gone will not miss it: its payloads are replayed.
    fn order(&self, order: Order) {
        if let Some(link) = &self.link {
            link.orders.send(order).ok();
        }
    }
}

/// All sessions.
#[derive(Debug, Default)]
pub(crate) struct Gateway {
    sessions: Vec<Session>,
    last_connection: u64,
    /// IDENTIFY operations by application.
    identified: HashMap<Snowflake, u32>,
    disturbances: Disturbances,
}

impl Gateway {
    /// Number of sessions that are connected.
    pub(crate) fn connected(&self) -> usize {
        self.sessions.iter().filter(|s| s.link.is_some()).count()
    }

    /// Whether a session of an application is connected.
    pub(crate) fn is_connected(&self, application: Snowflake) -> bool {
        self.sessions.iter().any(|s| s.application == application && s.link.is_some())
    }

    /// IDENTIFY operations an application has left.
    pub(crate) fn identifies_left(&self, application: Snowflake) -> u32 {
        let identified = self.identified.get(&application).copied().unwrap_or_default();
        IDENTIFY_LIMIT.saturating_sub(identified)
    }

    /// Counts an IDENTIFY operation of an application.
    fn count_identify(&mut self, application: Snowflake) {
        *self.identified.entry(application).or_default() += 1;
    }

    /// Sends an event to the sessions of its application that asked for it; tells whether there was one.
    pub(crate) fn dispatch(&mut self, event: &Event) -> bool {
        let asked = |session: &Session| {
            session.application == event.application
                && session.intents & event.intent == event.intent
        };
        if !self.sessions.iter().any(asked) {
            return false;
        }
        let delivery = self.disturbances.delivery(event.name);
        for session in self.sessions.iter_mut().filter(|session| asked(session)) {
            let full = session.intents & intents::MESSAGE_CONTENT != 0;
            let data = event.redacted.as_ref().filter(|_| !full);
            let payload = session.number(event.name, data.unwrap_or(&event.data));
            match delivery {
                Delivery::Usual => session.order(Order::Send(payload)),
                Delivery::Twice => {
                    session.order(Order::Send(payload.clone()));
                    session.order(Order::Send(payload));
                }
                Delivery::Never => {}
                Delivery::Later | Delivery::Last => {
                    self.disturbances.kept.push((session.id.clone(), payload))
                }
            }
        }
        if delivery == Delivery::Last {
            self.deliver_kept();
        }
        true
    }

    /// Delivers what was kept back, newest first.
    fn deliver_kept(&mut self) {
        for (id, payload) in std::mem::take(&mut self.disturbances.kept).into_iter().rev() {
            if let Some(session) = self.session_mut(&id) {
                session.order(Order::Send(payload));
            }
        }
    }

    /// Arranges a disturbance.
    pub(crate) fn disturb(&mut self, fault: GatewayFault) {
        self.disturbances.arrange(fault);
    }

    /// Forgets the disturbances and delivers what they kept back.
    pub(crate) fn calm(&mut self) {
        self.disturbances.clear();
        self.deliver_kept();
    }

    /// Whether and how a connection is to end in this phase.
    fn strike(&mut self, phase: GatewayPhase) -> Option<DropHow> {
        self.disturbances.strike(phase)
    }

    /// Forgets a session for good.
    fn forget(&mut self, id: &str) {
        self.sessions.retain(|session| session.id != id);
    }

    /// Ends or disturbs every connection.
    pub(crate) fn drop_connections(&mut self, how: DropHow) {
        match how {
            DropHow::Tcp => self.end(Ending::Tcp),
            DropHow::Close(code) => {
                self.end(Ending::Close(code));
                if code.is_some_and(ends_session) {
                    self.sessions.clear();
                }
            }
            DropHow::Reconnect => self.order_all(&control(7, Value::Null)),
            DropHow::InvalidSession { resumable } => {
                self.order_all(&control(9, json!(resumable)));
                self.detach(|_| true);
                if !resumable {
                    self.sessions.clear();
                }
            }
        }
    }

    /// Ends all sessions for good, and forgets how many there were.
    pub(crate) fn reset(&mut self) {
        self.drop_connections(DropHow::InvalidSession { resumable: false });
        self.identified.clear();
    }

    fn end(&mut self, ending: Ending) {
        for session in &mut self.sessions {
            session.order(Order::End(ending));
            session.link = None;
        }
    }

    /// Takes sessions off their connections, which stay open: a client may resume on the one on
    /// which it was told that its session is invalid, as discord.js does.
    fn detach(&mut self, which: impl Fn(&Session) -> bool) {
        for session in self.sessions.iter_mut().filter(|session| which(session)) {
            session.link = None;
        }
    }

    /// Whether a session is on this connection.
    fn is_on(&self, id: &str, connection: u64) -> bool {
        let session = self.sessions.iter().find(|session| session.id == id);
        let link = session.and_then(|session| session.link.as_ref());
        link.is_some_and(|link| link.connection == connection)
    }

    fn order_all(&self, payload: &Value) {
        for session in &self.sessions {
            session.order(Order::Send(payload.to_string()));
        }
    }

    /// A number for a new connection.
    fn connect(&mut self) -> u64 {
        self.last_connection += 1;
        self.last_connection
    }

    /// Opens a session of an application on a connection and returns its id.
    fn open(&mut self, application: Snowflake, intents: u64, link: Link) -> String {
        self.count_identify(application);
        self.forget_lost();
        let id = format!("{}{}", snowflake::secret(), snowflake::secret());
        self.sessions.push(Session {
            id: id.clone(),
            application,
            intents,
            sequence: 0,
            sent: VecDeque::new(),
            link: Some(link),
        });
        id
    }

    /// Forgets the oldest lost sessions, so that a client that never resumes leaves little behind.
    fn forget_lost(&mut self) {
        let lost = self.sessions.iter().filter(|s| s.link.is_none()).count();
        let mut surplus = lost.saturating_sub(LOST_SESSIONS);
        self.sessions.retain(|session| {
            let goes = session.link.is_none() && surplus > 0;
            surplus -= usize::from(goes);
            !goes
        });
    }

    /// Moves an application's session to a new connection and replays what it missed since
    /// `sequence`; only the first half of it if it is to be `broken_off`.
    fn resume(
        &mut self,
        application: Snowflake,
        id: &str,
        sequence: u64,
        link: Link,
        broken_off: bool,
    ) -> Resumption {
        let own = |s: &&mut Session| s.id == id && s.application == application;
        let Some(session) = self.sessions.iter_mut().find(own) else {
            return Resumption::Unknown;
        };
        if sequence > session.sequence {
            return Resumption::FromTheFuture;
        }
        let oldest = session.sent.front().map_or(0, |(first, _)| *first);
        if sequence + 1 < oldest {
            return Resumption::Unknown;
        }
        session.order(Order::End(Ending::Close(Some(4000))));
        session.link = Some(link);
        let missed: Vec<_> = session.sent.iter().filter(|(number, _)| *number > sequence).collect();
        let replayed = if broken_off { missed.len() / 2 } else { missed.len() };
        for (_, payload) in &missed[..replayed] {
            session.order(Order::Send(payload.clone()));
        }
        if broken_off {
            return Resumption::Resumed;
        }
        session.send("RESUMED", &json!({}));
        Resumption::Resumed
    }

    /// A connection is gone; its session stays for a return, unless the client ended it.
    fn disconnect(&mut self, connection: u64, for_good: bool) {
        let on_it =
            |session: &Session| session.link.as_ref().map(|l| l.connection) == Some(connection);
        if for_good {
            self.sessions.retain(|session| !on_it(session));
        }
        for session in self.sessions.iter_mut().filter(|session| on_it(session)) {
            session.link = None;
        }
    }

    fn session_mut(&mut self, id: &str) -> Option<&mut Session> {
        self.sessions.iter_mut().find(|session| session.id == id)
    }
}

/// A payload that is no event. Discord sends `s` and `t` with these too, and clients with typed
/// payloads fail without them.
fn control(op: u8, data: Value) -> Value {
    json!({ "op": op, "d": data, "s": null, "t": null })
}

/// What came of a RESUME.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Resumption {
    Resumed,
    /// No such session, or it missed more than is kept.
    Unknown,
    /// The sequence number was never sent.
    FromTheFuture,
}

/// Whether Discord forgets the session when it closes with this code.
fn ends_session(code: u16) -> bool {
    matches!(code, 4004 | 4007 | 4009..=4014)
}
