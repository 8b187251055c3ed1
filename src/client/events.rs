//! What happens, as it happens: the stream of server-sent events, taken up again where it broke
//! off.

use std::time::Duration;

use backon::ExponentialBackoff;
use reqwest::Response;
use reqwest::header::{ACCEPT, HeaderName};
use tokio::time::{sleep, timeout};

use super::send::{Call, Failed, pause, pauses};
use super::{Client, Error, Next};
use crate::channels::innermost;
use crate::wire::{Happened, Problem};

/// The server sends something every 15 s; a connection that is silent for so much longer is dead.
const SILENCE: Duration = Duration::from_secs(45);
/// Bytes of one event at most: none is longer by far.
const LONGEST_EVENT: usize = 1 << 20;

/// What happens, one after the other. Nothing is lost when the connection is: it goes on behind the
/// last that was seen.
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

    /// The position up to which was seen: where to go on some other time. `None`: nothing was seen
    /// yet.
    #[must_use]
    pub const fn position(&self) -> Option<u64> {
        self.after
    }

    /// The next event; waits for it as long as it takes, and through restarts of `gander serve`.
    /// Nothing is lost if it is not waited for to its end.
    ///
    /// # Errors
    /// [`Error::Refused`], such as of a token that was revoked; [`Error::Strange`].
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

    /// What an event tells; `None`: nothing but a position.
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

    /// Reads a piece of the stream, connecting first where it is not.
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

/// An event as it is sent.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    position: Option<u64>,
    event: String,
    data: String,
}

/// What was heard and not yet told.
#[derive(Debug, Default)]
struct Parts {
    bytes: Vec<u8>,
    told: Told,
}

impl Parts {
    /// The next whole event, if it is there. Whatever is no whole line yet stays for later.
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
