//! The gateway's operations: what a client may send when, and what it gets for it. Knows no
//! sockets.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

use super::{Ending, Gateway, Link, Order, Resumption, Session, ends_session, intents};
use crate::fault::{DropHow, GatewayPhase};
use crate::journal::Direction;
use crate::state::State;

/// Largest payload a client may send, in bytes (Discord's documented limit).
const LARGEST_PAYLOAD: usize = 4_096;
/// Payloads a client may send in [`BURST_WINDOW`] (Discord's documented limit).
const BURST: usize = 120;
const BURST_WINDOW: Duration = Duration::from_secs(60);
/// Milliseconds between heartbeats, as Discord asks for.
const HEARTBEAT_MS: u64 = 41_250;

/// A close code, as Discord documents them.
pub(super) type CloseCode = u16;
const UNKNOWN_OPCODE: CloseCode = 4001;
const DECODE_ERROR: CloseCode = 4002;
const NOT_AUTHENTICATED: CloseCode = 4003;
const AUTHENTICATION_FAILED: CloseCode = 4004;
const ALREADY_AUTHENTICATED: CloseCode = 4005;
const INVALID_SEQUENCE: CloseCode = 4007;
const RATE_LIMITED: CloseCode = 4008;
const INVALID_SHARD: CloseCode = 4010;
const INVALID_INTENTS: CloseCode = 4013;
const DISALLOWED_INTENTS: CloseCode = 4014;

/// One client's connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) number: u64,
    orders: UnboundedSender<Order>,
    session: Option<String>,
    received: VecDeque<Instant>,
}

impl Connection {
    /// Opens a connection; its first order is to send HELLO.
    pub(super) fn open(gateway: &mut Gateway, orders: UnboundedSender<Order>) -> Self {
        let connection =
            Self { number: gateway.connect(), orders, session: None, received: VecDeque::new() };
        match gateway.strike(GatewayPhase::BeforeHello) {
            Some(how) => connection.break_off(gateway, how),
            None => {
                connection.send(&json!({ "op": 10, "d": { "heartbeat_interval": HEARTBEAT_MS } }))
            }
        }
        connection
    }

    /// Handles what the client sent.
    pub(super) fn receive(&mut self, state: &mut State, text: &str) -> Result<(), CloseCode> {
        self.count()?;
        if text.len() > LARGEST_PAYLOAD {
            return Err(DECODE_ERROR);
        }
        let payload: Value = serde_json::from_str(text).map_err(|_| DECODE_ERROR)?;
        let data = &payload["d"];
        match (payload["op"].as_u64(), self.session(&state.gateway)) {
            (Some(1), _) => {
                self.send(&json!({ "op": 11 }));
                Ok(())
            }
            (Some(2), false) => self.identify(state, data),
            (Some(6), false) => self.resume(state, data),
            (Some(2 | 6), true) => Err(ALREADY_AUTHENTICATED),
            (Some(3 | 4 | 8 | 31), false) => Err(NOT_AUTHENTICATED),
            (Some(8), true) => {
                self.request_members(state, data);
                Ok(())
            }
            (Some(3 | 4 | 31), true) => Ok(()),
            (Some(_), _) => Err(UNKNOWN_OPCODE),
            (None, _) => Err(DECODE_ERROR),
        }
    }

    /// Whether the connection has a session that still exists.
    fn session(&self, gateway: &Gateway) -> bool {
        let id = self.session.as_ref();
        id.is_some_and(|id| gateway.sessions.iter().any(|session| session.id == *id))
    }

    fn count(&mut self) -> Result<(), CloseCode> {
        let now = Instant::now();
        self.received.push_back(now);
        while self.received.front().is_some_and(|at| now.duration_since(*at) > BURST_WINDOW) {
            self.received.pop_front();
        }
        if self.received.len() > BURST {
            return Err(RATE_LIMITED);
        }
        Ok(())
    }

    fn identify(&mut self, state: &mut State, data: &Value) -> Result<(), CloseCode> {
        note(state, "IDENTIFY", data);
        authenticate(state, data)?;
        let wanted = data["intents"].as_u64().ok_or(DECODE_ERROR)?;
        if wanted & !intents::KNOWN != 0 {
            return Err(INVALID_INTENTS);
        }
        if wanted & intents::PRIVILEGED != 0 && !state.settings.privileged_intents {
            return Err(DISALLOWED_INTENTS);
        }
        if data["shard"][1].as_u64().is_some_and(|shards| shards > 1) {
            return Err(INVALID_SHARD);
        }
        if let Some(how) = state.gateway.strike(GatewayPhase::AfterHello) {
            state.gateway.identified += 1;
            self.break_off(&mut state.gateway, how);
            return Ok(());
        }
        let id = state.gateway.open(wanted, self.link());
        self.session = Some(id.clone());
        let ready = ready(state, &id, data);
        let guilds = if wanted & intents::GUILDS == 0 {
            Vec::new()
        } else {
            let with_members = wanted & intents::GUILD_MEMBERS != 0;
            let others = state.server.others.iter();
            let others = others.map(|(id, name)| state.server.other_guild_object(*id, name));
            [state.server.guild_create_object(with_members)].into_iter().chain(others).collect()
        };
        send(state, &id, "READY", ready);
        // What follows the end of a connection is kept for the session's return.
        if let Some(how) = state.gateway.strike(GatewayPhase::DuringReady) {
            self.break_off(&mut state.gateway, how);
        }
        for guild in guilds {
            send(state, &id, "GUILD_CREATE", guild);
        }
        if let Some(how) = state.gateway.strike(GatewayPhase::AfterReady) {
            self.break_off(&mut state.gateway, how);
        }
        state.touch();
        Ok(())
    }

    fn resume(&mut self, state: &mut State, data: &Value) -> Result<(), CloseCode> {
        note(state, "RESUME", data);
        authenticate(state, data)?;
        let id = data["session_id"].as_str().ok_or(DECODE_ERROR)?;
        let sequence = data["seq"].as_u64().ok_or(DECODE_ERROR)?;
        let broken_off = state.gateway.strike(GatewayPhase::DuringResume);
        match state.gateway.resume(id, sequence, self.link(), broken_off.is_some()) {
            Resumption::Resumed => {
                self.session = Some(id.to_owned());
                if let Some(how) = broken_off {
                    self.break_off(&mut state.gateway, how);
                }
            }
            Resumption::Unknown => self.send(&json!({ "op": 9, "d": false })),
            Resumption::FromTheFuture => return Err(INVALID_SEQUENCE),
        }
        state.touch();
        Ok(())
    }

    /// Operation 8: the members that match, in one chunk.
    fn request_members(&self, state: &mut State, data: &Value) {
        let Some(id) = &self.session else { return };
        let query = data["query"].as_str().unwrap_or_default();
        let members: Vec<_> = state
            .server
            .everybody()
            .filter(|user| user.member && user.name.starts_with(query))
            .map(|user| state.server.member_object(user))
            .collect();
        let mut chunk = json!({
            "guild_id": state.server.guild_id,
            "members": members,
            "chunk_index": 0,
            "chunk_count": 1,
            "not_found": [],
        });
        if let Some(nonce) = data["nonce"].as_str() {
            chunk["nonce"] = json!(nonce);
        }
        send(state, id, "GUILD_MEMBERS_CHUNK", chunk);
    }

    /// Ends or disturbs this connection alone.
    fn break_off(&self, gateway: &mut Gateway, how: DropHow) {
        let for_good = match how {
            DropHow::Tcp => {
                self.order(Order::End(Ending::Tcp));
                false
            }
            DropHow::Close(code) => {
                self.order(Order::End(Ending::Close(code)));
                code.is_some_and(ends_session)
            }
            DropHow::Reconnect => {
                self.send(&json!({ "op": 7, "d": null }));
                false
            }
            DropHow::InvalidSession { resumable } => {
                self.send(&json!({ "op": 9, "d": resumable }));
                !resumable
            }
        };
        if let (true, Some(id)) = (for_good, &self.session) {
            gateway.forget(id);
        }
    }

    fn link(&self) -> Link {
        Link { connection: self.number, orders: self.orders.clone() }
    }

    fn send(&self, payload: &Value) {
        self.order(Order::Send(payload.to_string()));
    }

    fn order(&self, order: Order) {
        // The socket's task owns the receiving end; once it is gone nobody waits for the order.
        self.orders.send(order).ok();
    }
}

fn authenticate(state: &State, data: &Value) -> Result<(), CloseCode> {
    let token = data["token"].as_str().unwrap_or_default();
    let bare = token.strip_prefix("Bot ").unwrap_or(token);
    if bare == state.settings.token { Ok(()) } else { Err(AUTHENTICATION_FAILED) }
}

/// Notes what a client sent, without its token.
fn note(state: &mut State, name: &str, data: &Value) {
    let mut data = data.clone();
    if let Some(fields) = data.as_object_mut() {
        fields.remove("token");
    }
    state.journal.gateway(Direction::In, name, data);
}

/// Sends an event to one session and notes it.
fn send(state: &mut State, session: &str, name: &str, data: Value) {
    if let Some(session) = state.gateway.session_mut(session) {
        Session::send(session, name, &data);
    }
    state.journal.gateway(Direction::Out, name, data);
}

fn ready(state: &State, session: &str, identify: &Value) -> Value {
    let server = &state.server;
    let ids = [server.guild_id].into_iter().chain(server.others.iter().map(|(id, _)| *id));
    let guilds: Vec<_> = ids.map(|id| json!({ "id": id, "unavailable": true })).collect();
    let mut ready = json!({
        "v": 10,
        "user": server.current_user_object(),
        "guilds": guilds,
        "session_id": session,
        "resume_gateway_url": state.settings.gateway,
        "application": { "id": server.bot.id, "flags": 0 },
        "session_type": "normal",
        "private_channels": [],
        "user_settings": {},
    });
    if identify["shard"].is_array() {
        ready["shard"] = identify["shard"].clone();
    }
    ready
}
