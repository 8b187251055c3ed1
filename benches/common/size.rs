//! How large a run is, from the command line.

/// The smallest size instead of the full one.
const SMOKE: &str = "--smoke";
/// What `cargo bench` itself adds.
const BENCH: &str = "--bench";

/// The full size; the smallest, which only shows that it works, with `--smoke` and where it is run
/// as a test, without the argument that `cargo bench` adds.
pub(crate) fn chosen<T>(full: T, smoke: T) -> T {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let unknown = arguments.iter().find(|argument| ![SMOKE, BENCH].contains(&argument.as_str()));
    assert!(unknown.is_none(), "unknown argument {unknown:?}; the only one is {SMOKE}");
    let has = |wanted: &str| arguments.iter().any(|argument| argument == wanted);
    if has(SMOKE) || !has(BENCH) { smoke } else { full }
}
