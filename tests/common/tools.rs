//! Programs that tests need and not every machine has: where one is missing, its tests say so and
//! pass, unless a variable asks for them.

use std::path::PathBuf;

/// `1`: no test may be skipped for want of a program that every system's packages have.
pub(crate) const TOOLS: &str = "GANDER_TEST_REQUIRE_TOOLS";
/// `1`: nor for want of what comes from other registries.
pub(crate) const AGENTS: &str = "GANDER_TEST_AGENTS";

/// Whether a variable is `1`.
pub(crate) fn wanted(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|wanted| wanted == "1")
}

/// Where a program is, if it is installed.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// Whether to go on: says what is missing, or fails where that was asked for.
pub(crate) fn is_there(what: &str, there: bool, variable: &str) -> bool {
    assert!(there || !wanted(variable), "{variable}=1, and {what} is not installed");
    if !there {
        println!("skipped: {what} is not installed");
    }
    there
}
