//! The only module that prints. Results go to standard output, errors and progress to standard
//! error, so scripts can read the results alone. Text from agents loses the characters that hide,
//! reorder or colour text on a terminal.

use std::io::{self, Write as _};

use crate::core::untrusted::{visible, visible_json};

/// Prints a line. A closed pipe ends the process with status 0.
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

/// Prints a value as one line of JSON. Escapes replace the characters that hide or reorder text:
/// the value stays equal, and the terminal shows the escape.
pub(super) fn json(value: &impl serde::Serialize) {
    // Serialisation fails only for maps without string keys, and no printed type has any.
    put(&visible_json(&serde_json::to_string(value).unwrap_or_default()));
}

/// Prints a value like [`json`] and returns whether the output was open and accepted the line.
/// For hooks, whose caller treats missing output as permission.
pub(super) fn try_json(value: &serde_json::Value) -> bool {
    let line = format!("{}\n", visible_json(&value.to_string()));
    open_output().and_then(|mut output| output.write_all(line.as_bytes())).is_ok()
}

/// Standard output as a file, for error detection. [`io::stdout`] hides errors: Rust's runtime
/// replaces a closed descriptor by the null device at the start, and writes to a descriptor not
/// open for writing report success.
///
/// # Errors
/// [`io::ErrorKind::BrokenPipe`] if standard output was closed or is the null device.
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

/// A part of a text, as it may go to standard output: without what hides, reorders or colours text
/// on a terminal.
pub(super) fn part(text: &str) -> Vec<u8> {
    visible(text).into_bytes()
}

/// Prints progress to standard error.
pub(super) fn progress(text: &str) {
    // Ignores a closed standard error: progress is not worth ending a wait.
    let _ = writeln!(io::stderr(), "{}", visible(text));
}

/// Prints an error to standard error.
pub(super) fn print_error(text: &str) {
    progress(&format!("gander: {text}"));
}
