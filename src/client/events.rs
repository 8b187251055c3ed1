//! The event stream (server-sent events). Reconnects and resumes after a broken connection.

use std::time::Duration;

use backon::ExponentialBackoff;
use reqwest::Response;
use reqwest::header::{ACCEPT, HeaderName};
use tokio::time::{sleep, timeout};

use super::send::{Call, Failed, pause, pauses};
use super::{Client, Error, Next};
use crate::channels::innermost;
use crate::wire::{Happened, Problem};

/// The server sends at least a comment every 15 s; a connection silent for this long is dead.
const SILENCE: Duration = Duration::from_secs(45);
/// Longest event, in bytes; far above any real event.
const LONGEST_EVENT: usize = 1 << 20;

/// Events in order. Nothing is lost when the connection breaks: the stream resumes after the last
/// event received.
#[derive(Debug)]
pub struct Events {
    client: Client,
    after: Option<u64>,
    open: Option<Response>,
    parts: Parts,
    pauses: ExponentialBackoff,
}

impl Events {
    pub(super) fn new(client: Client, after: Option<u64>) -> Self {
        Self { client, after, open: None, parts: Parts::default(), pauses: pauses() }
    }

    /// The position up to which events have been received, from which a later stream can resume.
    /// `None`: no position received yet.
    #[must_use]
    pub const fn position(&self) -> Option<u64> {
        self.after
    }

    /// Waits for the next event, without a time limit and across restarts of `gander serve`. Cancel
    /// safe.
    ///
    /// # Errors
    /// [`Error::Refused`], for example when the token is revoked; [`Error::Strange`].
    pub async fn next(&mut self) -> Result<Happened, Error> {
        loop {
            while let Some(told) = self.parts.next() {
                self.after = told.position.or(self.after);
                if let Some(happened) = self.read(&told)? {
                    self.pauses = pauses();
                    return Ok(happened);
                }
            }
            if let Err(error) = self.hear().await {
                (self.open, self.parts) = (None, Parts::default());
                let Next::Again(after) = error.next() else { return Err(error) };
                sleep(pause(&mut self.pauses, after)).await;
            }
        }
    }

    fn strange(&self, why: String) -> Error {
        Error::Strange { place: self.client.place.words.clone(), why }
    }

    /// Decodes an event; `None`: the event carries only a position.
    fn read(&self, told: &Told) -> Result<Option<Happened>, Error> {
        if told.data.is_empty() {
            return Ok(None);
        }
        if told.event == "problem" {
            let problem: Problem = serde_json::from_str(&told.data)
                .map_err(|error| self.strange(error.to_string()))?;
            return Err(Error::Refused(Box::new(problem)));
        }
        serde_json::from_str(&told.data)
            .map(Some)
            .map_err(|error| self.strange(format!("an event cannot be read: {error}")))
    }

    /// Reads one chunk of the stream; connects first if necessary.
    async fn hear(&mut self) -> Result<(), Error> {
        if self.open.is_none() {
            let mut call = Call::get(&["v1", "events"]).header(ACCEPT, "text/event-stream")?;
            if let Some(after) = self.after {
                call = call.header(HeaderName::from_static("last-event-id"), &after.to_string())?;
            }
            let opened = timeout(SILENCE, self.client.open(&call, None)).await;
            self.open =
                Some(opened.map_err(|_| self.silent())?.map_err(|Failed { error, .. }| error)?);
        }
        let Some(open) = &mut self.open else { return Ok(()) };
        match timeout(SILENCE, open.chunk()).await {
            Ok(Ok(Some(piece))) if self.parts.bytes.len() + piece.len() <= LONGEST_EVENT => {
                self.parts.bytes.extend_from_slice(&piece)
            }
            Ok(Ok(Some(_))) => return Err(self.strange("an event is longer than any".into())),
            Ok(Ok(None)) => return Err(self.broken("it ended the stream".into())),
            Ok(Err(error)) => return Err(self.broken(innermost(&error.without_url()))),
            Err(_) => return Err(self.silent()),
        }
        Ok(())
    }

    fn silent(&self) -> Error {
        self.broken("it fell silent".into())
    }

    fn broken(&self, why: String) -> Error {
        Error::Unreachable { place: self.client.place.words.clone(), why }
    }
}

/// One raw server-sent event.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    position: Option<u64>,
    event: String,
    data: String,
}

/// Decoder state: bytes not yet decoded, and the event under construction.
#[derive(Debug, Default)]
struct Parts {
    bytes: Vec<u8>,
    told: Told,
}

impl Parts {
    /// The next complete event, if any. An incomplete line stays in the buffer.
    fn next(&mut self) -> Option<Told> {
        while let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.bytes.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\n', '\r']);
            if line.is_empty() {
                let told = std::mem::take(&mut self.told);
                if told != Told::default() {
                    return Some(told);
                }
                continue;
            }
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "id" => self.told.position = value.parse().ok(),
                "event" => value.clone_into(&mut self.told.event),
                "data" if self.told.data.is_empty() => value.clone_into(&mut self.told.data),
                "data" => {
                    self.told.data.push('\n');
                    self.told.data.push_str(value);
                }
                // Comments keep the connection alive.
                _ => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_however_they_are_cut() {
        let stream = ": hello\n\nid: 7\nevent: asked\ndata: {\"seq\":7}\n\n:\n\nid: 8\r\ndata: a\r\ndata:b\r\n\r\nid: 9\n\ndata: half";
        let expected =
            [(Some(7), "asked", "{\"seq\":7}"), (Some(8), "", "a\nb"), (Some(9), "", "")];
        for size in [1, 2, 3, 7, stream.len()] {
            let mut parts = Parts::default();
            let mut told = Vec::new();
            for piece in stream.as_bytes().chunks(size) {
                parts.bytes.extend_from_slice(piece);
                told.extend(std::iter::from_fn(|| parts.next()));
            }
            let told: Vec<_> = told
                .iter()
                .map(|told| (told.position, told.event.as_str(), told.data.as_str()))
                .collect();
            assert_eq!(told, expected, "in pieces of {size}");
        }
    }
}
