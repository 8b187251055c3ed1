//! The `gander` program. All code is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    gander::cli::run()
}
