//! The only place that prints. What waits, lists and follows goes to standard output; complaints
//! and progress go to standard error, so that a script reads answers alone. Whatever an agent has
//! written: no character goes out from here that hides, reorders or colours what a terminal shows.

use std::io::{self, Write as _};

use crate::core::untrusted::{visible, visible_json};

/// Prints a line. A reader that went away is the end of the command, not an error.
pub(super) fn line(text: &str) {
    put(&visible(text));
}

fn put(text: &str) {
    if let Err(error) = writeln!(io::stdout(), "{text}").and_then(|()| io::stdout().flush())
        && error.kind() == io::ErrorKind::BrokenPipe
    {
        std::process::exit(0);
    }
}

/// Prints a value as one line of JSON. What is hidden or reorders text stands in it by its number:
/// the same value, and nothing that a terminal obeys.
pub(super) fn json(value: &impl serde::Serialize) {
    // Every printed type has string keys, so this cannot fail.
    put(&visible_json(&serde_json::to_string(value).unwrap_or_default()));
}

/// Prints a value as [`json`] does, to somebody to whom silence would mean something: whether there
/// is anybody to hear it, and it was written.
pub(super) fn told(value: &serde_json::Value) -> bool {
    let line = format!("{}\n", visible_json(&value.to_string()));
    open_output().and_then(|mut output| output.write_all(line.as_bytes())).is_ok()
}

/// Standard output as it is. Rust's own pretends that all is well with one that is closed: it has
/// the null device opened in its place, and takes one that cannot be written for written.
#[cfg(unix)]
fn open_output() -> io::Result<std::fs::File> {
    use std::os::fd::AsFd as _;
    use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};

    let output = std::fs::File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let found = output.metadata()?;
    let is_null = found.file_type().is_char_device()
        && std::fs::metadata("/dev/null")?.rdev() == found.rdev();
    if is_null { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(output) }
}

#[cfg(not(unix))]
fn open_output() -> io::Result<io::Stdout> {
    Ok(io::stdout())
}

/// Says what happens while something is waited for.
pub(super) fn progress(text: &str) {
    // Nobody to tell is no reason to stop waiting.
    let _ = writeln!(io::stderr(), "{}", visible(text));
}

/// Says what went wrong.
pub(super) fn complain(text: &str) {
    progress(&format!("gander: {text}"));
}
