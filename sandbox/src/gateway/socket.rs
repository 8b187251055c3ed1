//! The gateway's WebSocket: carries payloads between a client and the protocol, and ends the
//! connection in the ways a client must be able to bear.

use std::sync::Arc;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use tokio::sync::mpsc::{self, UnboundedReceiver};

use super::protocol::{CloseCode, Connection};
use super::transport::Transport;
use super::{Ending, Order, ends_session};
use crate::hub::Hub;

/// Serves one client until either side ends the connection or the sandbox stops.
pub(crate) async fn serve(socket: WebSocket, transport: Transport, hub: Arc<Hub>) {
    let (sender, orders) = mpsc::unbounded_channel();
    let mut connection = Connection::open(&mut hub.lock().gateway, sender);
    let mut line = Line { socket, transport };
    let end = converse(&mut line, &hub, &mut connection, orders).await;
    let state = &mut *hub.lock();
    state.gateway.disconnect(connection.number, end == End::ForGood);
    state.touch();
}

/// How a connection ended, for its session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    /// The session can be resumed.
    Resumable,
    /// Discord forgets the session: the client closed with 1000 or 1001, or erred gravely.
    ForGood,
}

/// The WebSocket, and how payloads are written on it.
struct Line {
    socket: WebSocket,
    transport: Transport,
}

async fn converse(
    line: &mut Line,
    hub: &Hub,
    connection: &mut Connection,
    mut orders: UnboundedReceiver<Order>,
) -> End {
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                Some(Order::Send(payload)) => {
                    let Some(message) = line.transport.encode(payload) else {
                        return End::Resumable;
                    };
                    if line.socket.send(message).await.is_err() {
                        return End::Resumable;
                    }
                }
                Some(Order::End(Ending::Close(code))) => {
                    close(&mut line.socket, code).await;
                    return End::Resumable;
                }
                Some(Order::End(Ending::Tcp)) | None => return End::Resumable,
            },
            received = line.socket.recv() => match received {
                Some(Ok(Message::Close(frame))) => return end_by_client(frame.as_ref()),
                Some(Ok(message)) => {
                    if let Err(code) = hear(hub, connection, message) {
                        close(&mut line.socket, Some(code)).await;
                        return if ends_session(code) { End::ForGood } else { End::Resumable };
                    }
                }
                Some(Err(_)) | None => return End::Resumable,
            },
            () = hub.closing() => return End::Resumable,
        }
    }
}

/// Hands a data frame to the protocol; pings and pongs are the WebSocket's own matter.
fn hear(hub: &Hub, connection: &mut Connection, message: Message) -> Result<(), CloseCode> {
    match message {
        Message::Text(text) => connection.receive(&mut hub.lock(), &text),
        Message::Binary(bytes) => {
            let text = std::str::from_utf8(&bytes).unwrap_or_default();
            connection.receive(&mut hub.lock(), text)
        }
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) => Ok(()),
    }
}

fn end_by_client(frame: Option<&CloseFrame>) -> End {
    match frame.map(|frame| frame.code) {
        Some(1000 | 1001) => End::ForGood,
        _ => End::Resumable,
    }
}

async fn close(socket: &mut WebSocket, code: Option<u16>) {
    let frame = code.map(|code| CloseFrame { code, reason: reason(code).into() });
    // A client that is gone already does not need to be told.
    socket.send(Message::Close(frame)).await.ok();
}

/// Discord's words for its close codes.
fn reason(code: CloseCode) -> &'static str {
    match code {
        4000 => "Unknown error.",
        4001 => "Unknown opcode.",
        4002 => "Error while decoding payload.",
        4003 => "Not authenticated.",
        4004 => "Authentication failed.",
        4005 => "Already authenticated.",
        4007 => "Invalid seq.",
        4008 => "You are being rate limited.",
        4009 => "Session timed out.",
        4010 => "Invalid shard.",
        4011 => "Sharding required.",
        4013 => "Invalid intent(s).",
        4014 => "Disallowed intent(s).",
        _ => "",
    }
}
