//! The gateway's operations: what a client may send when, and what it gets for it. Knows no
//! sockets.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

use super::requests::{self, Asker};
use super::{Ending, Gateway, Link, Order, Resumption, Session, control, ends_session, intents};
use crate::coverage;
use crate::description::SENT_BY_BOTS;
use crate::fault::{DropHow, GatewayPhase};
use crate::gap::{self, Gap};
use crate::journal::Direction;
use crate::model::{Application, Guild, Presence, User};
use crate::objects::Hears;
use crate::presence::shown;
use crate::snowflake::Snowflake;
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
                let hello = json!({ "heartbeat_interval": HEARTBEAT_MS });
                connection.send(&control(10, hello));
            }
        }
        connection
    }

    /// Handles what the client sent.
    pub(super) fn receive(&mut self, state: &mut State, text: &str) -> Result<(), CloseCode> {
        self.count(state.clock().instant())?;
        if text.len() > LARGEST_PAYLOAD {
            return Err(DECODE_ERROR);
        }
        let payload: Value = serde_json::from_str(text).map_err(|_| DECODE_ERROR)?;
        let data = &payload["d"];
        match (payload["op"].as_u64(), self.session(&state.gateway)) {
            (Some(1), _) => {
                self.send(&control(11, Value::Null));
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
            (Some(3), true) => self.update_presence(state, data),
            (Some(op @ (4 | 31)), true) => {
                self.ignore(state, op, data);
                Ok(())
            }
            (Some(_), _) => Err(UNKNOWN_OPCODE),
            (None, _) => Err(DECODE_ERROR),
        }
    }

    /// Whether the connection has a session.
    fn session(&self, gateway: &Gateway) -> bool {
        self.session.as_ref().is_some_and(|id| gateway.is_on(id, self.number))
    }

    fn count(&mut self, now: Instant) -> Result<(), CloseCode> {
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
        let application = authenticate(state, "IDENTIFY", data)?;
        let wanted = data["intents"].as_u64().ok_or(DECODE_ERROR)?;
        if wanted & !intents::KNOWN != 0 {
            return Err(INVALID_INTENTS);
        }
        if wanted & intents::PRIVILEGED != 0 && !application.privileged_intents {
            return Err(DISALLOWED_INTENTS);
        }
        if data["shard"][1].as_u64().is_some_and(|shards| shards > 1) {
            return Err(INVALID_SHARD);
        }
        let bot = application.bot.clone();
        if let Some(how) = state.gateway.strike(GatewayPhase::AfterHello) {
            state.gateway.count_identify(bot.id);
            self.break_off(&mut state.gateway, how);
            return Ok(());
        }
        let id = state.gateway.open(bot.id, wanted, self.link());
        self.session = Some(id.clone());
        let presence = presence(&data["presence"]).unwrap_or_else(Presence::online);
        state.set_presence(bot.id, presence);
        let ready = ready(state, &bot, &id, data);
        let guilds =
            if wanted & intents::GUILDS == 0 { Vec::new() } else { created(state, bot.id, wanted) };
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
        let application = authenticate(state, "RESUME", data)?.id();
        let id = data["session_id"].as_str().ok_or(DECODE_ERROR)?;
        let sequence = data["seq"].as_u64().ok_or(DECODE_ERROR)?;
        let broken_off = state.gateway.strike(GatewayPhase::DuringResume);
        let (link, broken) = (self.link(), broken_off.is_some());
        match state.gateway.resume(application, id, sequence, link, broken) {
            Resumption::Resumed => {
                self.session = Some(id.to_owned());
                if let Some(how) = broken_off {
                    self.break_off(&mut state.gateway, how);
                }
            }
            Resumption::Unknown => self.send(&control(9, json!(false))),
            Resumption::FromTheFuture => return Err(INVALID_SEQUENCE),
        }
        state.touch();
        Ok(())
    }

    /// The application whose session this is.
    fn application(&self, gateway: &Gateway) -> Option<Snowflake> {
        let id = self.session.as_ref()?;
        let session = gateway.sessions.iter().find(|session| session.id == *id);
        session.map(|session| session.application)
    }

    /// Notes an operation that is part of Discord, but not of this sandbox.
    fn ignore(&self, state: &mut State, op: u64, data: &Value) {
        let known = SENT_BY_BOTS.iter().find(|(number, _)| *number == op);
        let name = known.map_or("unknown", |(_, name)| name);
        let gap = Gap { kind: "opcode", name: format!("{name} ({op})") };
        let application = self.application(&state.gateway);
        state.journal.gateway(Direction::In, application, name, data.clone());
        state.journal.mark(gap.to_string());
        gap::tell(&gap.words());
        state.touch();
    }

    /// Operation 8.
    fn request_members(&self, state: &mut State, data: &Value) {
        let Some(id) = &self.session else { return };
        let session = state.gateway.sessions.iter().find(|session| session.id == *id);
        let Some(session) = session else { return };
        let asker = Asker { application: session.application, intents: session.intents };
        for chunk in requests::members(state, asker, data) {
            send(state, id, "GUILD_MEMBERS_CHUNK", chunk);
        }
    }

    /// Operation 3.
    fn update_presence(&self, state: &mut State, data: &Value) -> Result<(), CloseCode> {
        let presence = presence(data).ok_or(DECODE_ERROR)?;
        if let Some(application) = self.application(&state.gateway) {
            state.set_presence(application, presence);
        }
        Ok(())
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
                self.send(&control(7, Value::Null));
                false
            }
            DropHow::InvalidSession { resumable } => {
                self.send(&control(9, json!(resumable)));
                gateway.detach(|session| Some(&session.id) == self.session.as_ref());
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

/// The data of GUILD_CREATE for each of the bot's guilds, with what its intents let it hear of.
fn created(state: &State, bot: Snowflake, wanted: u64) -> Vec<Value> {
    let hears = Hears::with(wanted);
    let object = |guild: &Guild| {
        let mut object = state.realm.guild_create_object(guild, bot, hears);
        if wanted & intents::GUILD_PRESENCES != 0 {
            object["presences"] = json!(state.presences(guild));
        }
        object
    };
    state.realm.guilds_of(bot).map(object).collect()
}

/// The presence that a bot sends; `None` without a status that exists.
fn presence(data: &Value) -> Option<Presence> {
    let status = shown(data["status"].as_str()?)?;
    let activities = data["activities"].as_array().cloned().unwrap_or_default();
    Some(Presence { status, activities })
}

/// The application of a client's token. Notes what the client sent, without its token.
fn authenticate<'a>(
    state: &'a mut State,
    name: &str,
    data: &Value,
) -> Result<&'a Application, CloseCode> {
    let token = data["token"].as_str().unwrap_or_default();
    let bare = token.strip_prefix("Bot ").unwrap_or(token);
    let application = state.realm.authorized(bare).map(Application::id);
    let mut data = data.clone();
    if let Some(fields) = data.as_object_mut() {
        fields.remove("token");
    }
    let intents = data["intents"].as_u64().filter(|_| name == "IDENTIFY");
    state.journal.gateway(Direction::In, application, name, data);
    mark_missing_events(state, intents.unwrap_or(0));
    let application = application.and_then(|id| state.realm.application(id));
    application.ok_or(AUTHENTICATION_FAILED)
}

/// Tells of the events that a bot asks for with its intents and that this sandbox does not send.
fn mark_missing_events(state: &mut State, intents: u64) {
    let missing = coverage::missing_events(intents).join(", ");
    if !missing.is_empty() {
        state.journal.mark(format!("events {missing}"));
        gap::tell(&format!("a bot's intents ask for events that are never sent here: {missing}"));
    }
}

/// Sends an event to one session and notes it.
fn send(state: &mut State, session: &str, name: &str, data: Value) {
    let mut application = None;
    if let Some(session) = state.gateway.session_mut(session) {
        application = Some(session.application);
        Session::send(session, name, &data);
    }
    state.journal.gateway(Direction::Out, application, name, data);
}

fn ready(state: &State, bot: &User, session: &str, identify: &Value) -> Value {
    let guilds = state.realm.guilds_of(bot.id);
    let guilds: Vec<_> =
        guilds.map(|guild| json!({ "id": guild.id, "unavailable": true })).collect();
    let flags = state.realm.application(bot.id).map_or(0, Application::flags);
    let mut ready = json!({
        "v": 10,
        "user": state.realm.current_user_object(bot),
        "guilds": guilds,
        "session_id": session,
        "resume_gateway_url": state.settings.gateway,
        "application": { "id": bot.id, "flags": flags },
        "session_type": "normal",
        "private_channels": [],
        "user_settings": {},
    });
    if identify["shard"].is_array() {
        ready["shard"] = identify["shard"].clone();
    }
    ready
}
