//! Lines of a stream, and what waits to be written.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::sync::{mpsc, watch};

/// Longest line, in bytes.
pub(super) const LONGEST: usize = 16 << 20;
/// Bytes that may wait to be written before the other side is no longer read.
const MOST_WAITING: usize = 4 << 20;

/// Reads lines.
#[derive(Debug)]
pub(super) struct Lines<R> {
    reader: BufReader<R>,
    longest: usize,
}

/// The next of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A line with its end; without, if the stream ended before.
    Line(Vec<u8>),
    TooLong,
    End,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn of(reader: R) -> Self {
        Self { reader: BufReader::new(reader), longest: LONGEST }
    }

    /// The next line. After a line that is too long, there is none.
    ///
    /// # Errors
    /// The stream's.
    pub(super) async fn next(&mut self) -> io::Result<Next> {
        let mut line = Vec::new();
        loop {
            let there = self.reader.fill_buf().await?;
            if there.is_empty() {
                return Ok(if line.is_empty() { Next::End } else { Next::Line(line) });
            }
            let end = there.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
            let taken = end.unwrap_or(there.len());
            if line.len() + taken > self.longest {
                return Ok(Next::TooLong);
            }
            line.extend_from_slice(&there[..taken]);
            self.reader.consume(taken);
            if end.is_some() {
                return Ok(Next::Line(line));
            }
        }
    }
}

/// Lines that wait to be written, in their order.
#[derive(Debug, Clone)]
pub(super) struct Outbox {
    lines: mpsc::UnboundedSender<Option<Vec<u8>>>,
    waiting: Arc<watch::Sender<usize>>,
}

/// Writes the lines of an [`Outbox`].
#[derive(Debug)]
pub(super) struct Writer {
    lines: mpsc::UnboundedReceiver<Option<Vec<u8>>>,
    waiting: Arc<watch::Sender<usize>>,
}

/// A new outbox, and what writes its lines.
pub(super) fn outbox() -> (Outbox, Writer) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let waiting = Arc::new(watch::Sender::new(0));
    let writer = Writer { lines: receiver, waiting: Arc::clone(&waiting) };
    (Outbox { lines: sender, waiting }, writer)
}

impl Outbox {
    /// Adds a line. Without a writer, the line is lost.
    pub(super) fn push(&self, line: Vec<u8>) {
        self.waiting.send_modify(|waiting| *waiting += line.len());
        // The stream has ended, and its end is noticed elsewhere.
        let _ = self.lines.send(Some(line));
    }

    /// Closes the stream once everything before is written.
    pub(super) fn close(&self) {
        let _ = self.lines.send(None);
    }

    /// Whether a line waits.
    pub(super) fn has_waiting(&self) -> bool {
        *self.waiting.borrow() > 0
    }

    /// Resolves when few lines wait, or when nothing writes them any more.
    pub(super) async fn room(&self) {
        let mut waiting = self.waiting.subscribe();
        tokio::select! {
            _ = waiting.wait_for(|waiting| *waiting < MOST_WAITING) => {}
            () = self.lines.closed() => {}
        }
    }
}

impl Writer {
    /// Writes until the outbox is closed, then closes the stream.
    ///
    /// # Errors
    /// The stream's; what waits is lost.
    pub(super) async fn write(mut self, mut to: impl AsyncWrite + Unpin) -> io::Result<()> {
        while let Some(Some(line)) = self.lines.recv().await {
            to.write_all(&line).await?;
            to.flush().await?;
            self.waiting.send_modify(|waiting| *waiting = waiting.saturating_sub(line.len()));
        }
        to.shutdown().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(text: &[u8], longest: usize) -> Vec<Next> {
        let mut lines = Lines { reader: BufReader::with_capacity(4, text), longest };
        let mut found = Vec::new();
        loop {
            let next = lines.next().await.unwrap();
            let is_over = matches!(next, Next::End | Next::TooLong);
            found.push(next);
            if is_over {
                return found;
            }
        }
    }

    fn line(text: &str) -> Next {
        Next::Line(text.as_bytes().to_vec())
    }

    #[tokio::test]
    async fn lines_come_whole_with_their_ends() {
        assert_eq!(
            read(b"one two\n\nthree\r\nhalf", 10).await,
            [line("one two\n"), line("\n"), line("three\r\n"), line("half"), Next::End]
        );
        assert_eq!(read(b"", 10).await, [Next::End]);
        assert_eq!(
            read(b"123456789\n1234567890\n", 10).await,
            [line("123456789\n"), Next::TooLong]
        );
        assert_eq!(read(b"12345678901", 10).await, [Next::TooLong]);
    }

    #[tokio::test]
    async fn what_is_not_read_fills_up() {
        let (outbox, writer) = outbox();
        outbox.room().await;
        outbox.push(vec![b'x'; MOST_WAITING]);
        let is_full = tokio::select! {
            biased;
            () = outbox.room() => false,
            () = std::future::ready(()) => true,
        };
        assert!(is_full);
        let (to, mut from) = tokio::io::duplex(64);
        let writing = tokio::spawn(writer.write(to));
        let reading = tokio::spawn(async move {
            tokio::io::copy(&mut from, &mut tokio::io::sink()).await.unwrap()
        });
        outbox.room().await;
        outbox.close();
        writing.await.unwrap().unwrap();
        assert_eq!(reading.await.unwrap(), MOST_WAITING as u64);
    }

    #[tokio::test]
    async fn a_closed_stream_holds_nobody_up() {
        let (outbox, writer) = outbox();
        let (to, from) = tokio::io::duplex(64);
        drop(from);
        outbox.push(vec![b'x'; 2 * MOST_WAITING]);
        assert!(writer.write(to).await.is_err());
        outbox.room().await;
        outbox.push(b"lost".to_vec());
    }
}
