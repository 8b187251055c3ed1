//! The only module that prints. Results go to standard output; errors and progress go to standard
//! error, so scripts read results alone. Characters that hide, reorder or colour terminal text
//! never leave this module, whatever an agent wrote.

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

/// Prints a value as one line of JSON. Characters that hide or reorder text are written as escapes:
/// the value is unchanged, and a terminal obeys none of them.
pub(super) fn json(value: &impl serde::Serialize) {
    // Every printed type has string keys, so serialisation cannot fail.
    put(&visible_json(&serde_json::to_string(value).unwrap_or_default()));
}

/// Prints a value like [`json`], for a reader that takes silence as an answer. Returns whether the
/// line was written to an open output.
pub(super) fn try_json(value: &serde_json::Value) -> bool {
    let line = format!("{}\n", visible_json(&value.to_string()));
    open_output().and_then(|mut output| output.write_all(line.as_bytes())).is_ok()
}

/// Standard output as a file, to see errors. Rust's standard library hides a closed standard
/// output: at the start it opens the null device in place of the closed descriptor, and it reports
/// success for a descriptor that cannot be written.
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

/// Prints progress to standard error.
pub(super) fn progress(text: &str) {
    // A closed standard error does not end the wait.
    let _ = writeln!(io::stderr(), "{}", visible(text));
}

/// Prints an error to standard error.
pub(super) fn print_error(text: &str) {
    progress(&format!("gander: {text}"));
}
