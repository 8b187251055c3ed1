//! Decodes server-sent events.
//!
//! Written by hand: `eventsource-stream` 0.2.3 does not report an `id` without `data`, with which
//! Gander says how far a filtered stream has come; it has no limit for what a server sends without
//! a line's end, and reads such a line anew with every chunk.

/// Most bytes kept for the events not yet decoded; far above any real event.
const LONGEST_EVENT: usize = 1 << 20;

/// A server-sent event as received.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct SseEvent {
    /// The `id`, a position in the log.
    pub(crate) position: Option<u64>,
    /// The type; empty if not given.
    pub(crate) event: String,
    /// The data; empty if the event carries only a position.
    pub(crate) data: String,
}

/// The server sent more than [`LONGEST_EVENT`] bytes without completing an event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Decoder state: bytes not yet decoded, and the event under construction.
#[derive(Debug, Default)]
pub(crate) struct SseDecoder {
    bytes: Vec<u8>,
    event: SseEvent,
}

impl SseDecoder {
    /// Adds received bytes.
    ///
    /// # Errors
    /// [`TooLong`].
    pub(crate) fn push(&mut self, chunk: &[u8]) -> Result<(), TooLong> {
        if self.bytes.len() + self.event.data.len() + chunk.len() > LONGEST_EVENT {
            return Err(TooLong);
        }
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }

    /// The next complete event, if any. An incomplete line stays in the buffer.
    pub(crate) fn next(&mut self) -> Option<SseEvent> {
        while let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.bytes.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\n', '\r']);
            if line.is_empty() {
                let event = std::mem::take(&mut self.event);
                if event != SseEvent::default() {
                    return Some(event);
                }
                continue;
            }
            self.add_line(line);
        }
        None
    }

    fn add_line(&mut self, line: &str) {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => self.event.position = value.parse().ok(),
            "event" => value.clone_into(&mut self.event.event),
            "data" if self.event.data.is_empty() => value.clone_into(&mut self.event.data),
            "data" => {
                self.event.data.push('\n');
                self.event.data.push_str(value);
            }
            // Comments keep the connection alive.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(chunks: &[&[u8]]) -> Vec<SseEvent> {
        let mut decoder = SseDecoder::default();
        let mut events = Vec::new();
        for chunk in chunks {
            decoder.push(chunk).unwrap();
            events.extend(std::iter::from_fn(|| decoder.next()));
        }
        events
    }

    #[test]
    fn events_are_read_however_they_are_cut() {
        let stream = ": hello\n\nid: 7\nevent: asked\ndata: {\"seq\":7}\n\n:\n\n\
                      id: 8\r\ndata: a\r\ndata:b\r\n\r\nid: 9\n\ndata: half";
        let expected =
            [(Some(7), "asked", "{\"seq\":7}"), (Some(8), "", "a\nb"), (Some(9), "", "")];
        for size in [1, 2, 3, 7, stream.len()] {
            let events = decoded(&stream.as_bytes().chunks(size).collect::<Vec<_>>());
            let events: Vec<_> = events
                .iter()
                .map(|event| (event.position, event.event.as_str(), event.data.as_str()))
                .collect();
            assert_eq!(events, expected, "in pieces of {size}");
        }
    }

    #[test]
    fn a_long_line_is_read_and_a_flood_is_an_error() {
        let data = "x".repeat(LONGEST_EVENT / 2);
        let event = decoded(&[format!("data: {data}\n\n").as_bytes()]).remove(0);
        assert_eq!(event.data, data);

        // Neither a line without an end nor an event without an end fills the memory.
        for flood in ["xxxxxxxx".repeat(1024), format!("data: {}\n", "x".repeat(8192))] {
            let mut decoder = SseDecoder::default();
            let pushed = (0..=LONGEST_EVENT / 8192).try_for_each(|_| {
                decoder.push(flood.as_bytes())?;
                assert_eq!(decoder.next(), None);
                Ok(())
            });
            assert_eq!(pushed, Err(TooLong));
        }
    }

    #[test]
    fn bytes_that_are_no_text_spoil_only_their_event() {
        let events = decoded(&[b"data: \xff\n\ndata: good\n\n"]);
        let data: Vec<_> = events.iter().map(|event| event.data.as_str()).collect();
        assert_eq!(data, ["\u{FFFD}", "good"]);
    }
}
