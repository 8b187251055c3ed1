//! How payloads are written on a gateway connection: as text, or as one zlib stream over all of
//! them (`compress=zlib-stream` in the gateway's address). Knows no sockets.

use std::io::Write;

use axum::extract::ws::Message;
use flate2::Compression;
use flate2::write::ZlibEncoder;

/// How payloads are written.
#[derive(Debug)]
pub(crate) enum Transport {
    Plain,
    /// The stream's window is shared by all payloads of a connection. What is not taken out of the
    /// encoder yet is the next frame.
    Zlib(ZlibEncoder<Vec<u8>>),
}

impl Transport {
    /// What the address asks for. Discord ignores what it does not know.
    pub(crate) fn of(compress: Option<&str>) -> Self {
        match compress {
            Some("zlib-stream") => Self::Zlib(ZlibEncoder::new(Vec::new(), Compression::fast())),
            _ => Self::Plain,
        }
    }

    /// A payload as a frame; `None` if it cannot be compressed, which ends the stream.
    pub(super) fn encode(&mut self, payload: String) -> Option<Message> {
        match self {
            Self::Plain => Some(Message::text(payload)),
            Self::Zlib(stream) => {
                stream.write_all(payload.as_bytes()).ok()?;
                // Ends the frame with Z_SYNC_FLUSH, by which clients know that it is whole.
                stream.flush().ok()?;
                Some(Message::Binary(std::mem::take(stream.get_mut()).into()))
            }
        }
    }
}
