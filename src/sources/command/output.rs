//! Lines of a program's output, within limits.

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::ChildStderr;

/// Longest line, in bytes.
const LONGEST_LINE: usize = 1 << 20;
/// Bytes that are read at once.
const CHUNK: usize = 16 << 10;
/// Lines of errors that are logged for each run.
const MOST_ERRORS: usize = 100;
/// Longest logged error, in characters.
const LONGEST_ERROR: usize = 500;

/// A line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum OutputLine {
    Text(String),
    /// Skipped.
    TooLong,
}

/// Reads lines. `next` may be cancelled without losing a byte.
pub(super) struct OutputLines<R> {
    output: R,
    /// Bytes that are read, and no whole line yet.
    rest: Vec<u8>,
    /// Bytes of `rest` that have no line end.
    searched: usize,
    skipping: bool,
    is_over: bool,
}

impl<R: AsyncRead + Unpin> OutputLines<R> {
    pub(super) const fn new(output: R) -> Self {
        Self { output, rest: Vec::new(), searched: 0, skipping: false, is_over: false }
    }

    /// The next line; `None` at the end.
    pub(super) async fn next(&mut self) -> std::io::Result<Option<OutputLine>> {
        loop {
            if let Some(line) = self.cut() {
                return Ok(Some(line));
            }
            if self.is_over {
                return Ok(None);
            }
            let mut chunk = [0; CHUNK];
            match self.output.read(&mut chunk).await? {
                0 => self.is_over = true,
                read => self.rest.extend_from_slice(&chunk[..read]),
            }
        }
    }

    fn cut(&mut self) -> Option<OutputLine> {
        let end = self.rest[self.searched..].iter().position(|byte| *byte == b'\n');
        let (line, is_whole) = match end {
            Some(end) => {
                let mut line: Vec<u8> = self.rest.drain(..=self.searched + end).collect();
                line.pop();
                (line, true)
            }
            None if self.is_over || self.rest.len() > LONGEST_LINE => {
                (std::mem::take(&mut self.rest), false)
            }
            None => {
                self.searched = self.rest.len();
                return None;
            }
        };
        self.searched = 0;
        if std::mem::replace(&mut self.skipping, !is_whole && !self.is_over) {
            return if is_whole { self.cut() } else { None };
        }
        if self.skipping || line.len() > LONGEST_LINE {
            return Some(OutputLine::TooLong);
        }
        if line.is_empty() && !is_whole {
            return None;
        }
        Some(OutputLine::Text(String::from_utf8_lossy(&line).into_owned()))
    }
}

/// Logs the first lines of a program's errors, and reads the rest, so that it is not held up. Never
/// returns.
pub(super) async fn log_errors(name: String, errors: ChildStderr) {
    let mut lines = OutputLines::new(errors);
    let mut count = 0;
    while let Ok(Some(line)) = lines.next().await {
        count += 1;
        if let OutputLine::Text(text) = line
            && count <= MOST_ERRORS
        {
            let text: String = text.chars().take(LONGEST_ERROR).collect();
            tracing::warn!(command = name, text, "a command says");
        }
    }
    std::future::pending().await
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(bytes: &[u8]) -> Vec<OutputLine> {
        let mut lines = OutputLines::new(bytes);
        let mut all = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            all.push(line);
        }
        all
    }

    fn text(text: &str) -> OutputLine {
        OutputLine::Text(text.into())
    }

    #[tokio::test]
    async fn lines_are_cut_and_long_ones_skipped() {
        assert_eq!(lines(b"").await, []);
        assert_eq!(lines(b"a\n\nb").await, [text("a"), text(""), text("b")]);
        let long = [&vec![b'x'; 3 << 20][..], b"\nafter\n"].concat();
        assert_eq!(lines(&long).await, [OutputLine::TooLong, text("after")]);
        let endless = vec![b'x'; 3 << 20];
        assert_eq!(lines(&endless).await, [OutputLine::TooLong]);
        let limit = [&vec![b'y'; LONGEST_LINE][..], b"\n"].concat();
        assert_eq!(lines(&limit).await, [text(&"y".repeat(LONGEST_LINE))]);
    }
}
