//! The architecture as a test: who imports whom, how long a function and a file may be, who owns
//! what.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Lines of a file at most.
const LONGEST_FILE: usize = 500;
/// Lines of a function at most.
const LONGEST_FUNCTION: usize = 70;

/// What a module may import of ours.
const MAY_IMPORT: [(&str, &[&str]); 8] = [
    ("core", &["core"]),
    ("store", &["core", "store"]),
    ("engine", &["core", "store", "engine"]),
    ("channels", &["core", "engine", "channels"]),
    ("wire", &["core", "wire"]),
    ("client", &["channels", "client", "config", "core", "wire"]),
    ("sources", &["core", "engine", "sources", "wire"]),
    ("surfaces", &["core", "engine", "surfaces", "wire"]),
];

/// Crates with one user.
const OWNED: [(&str, &[&str]); 13] = [
    ("serenity", &["src/surfaces/discord"]),
    ("poise", &["src/surfaces/discord"]),
    ("rusqlite", &["src/store"]),
    ("notify", &["src/engine/watch.rs", "src/sources", "src/config"]),
    ("clap", &["src/cli"]),
    ("tiny_skia", &["src/engine/plot.rs"]),
    ("ttf_parser", &["src/engine/plot.rs"]),
    ("dejavu", &["src/engine/plot.rs"]),
    ("hmac", &["src/channels/webhook.rs"]),
    ("hyper", &["src/surfaces/http"]),
    ("governor", &["src/surfaces/http/limits.rs"]),
    ("prometheus_client", &["src/surfaces/http/metrics.rs"]),
    ("reqwest", &["src/channels", "src/client", "src/surfaces/discord"]),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &str) -> BTreeMap<String, String> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(folder), &mut found);
    let name = |path: &Path| path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
    found.into_iter().map(|path| (name(&path), std::fs::read_to_string(&path).unwrap())).collect()
}

fn all_files() -> BTreeMap<String, String> {
    ["src", "sandbox/browser", "sandbox/src", "sandbox/tests", "tests", "benches"]
        .into_iter()
        .filter(|folder| root().join(folder).is_dir())
        .flat_map(rust_files)
        .collect()
}

/// The code of a line: what stands before a comment.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

#[test]
fn imports_go_one_way() {
    let mut wrong = Vec::new();
    for (name, text) in rust_files("src") {
        let Some(module) = name.split('/').nth(1).map(|part| part.trim_end_matches(".rs")) else {
            continue;
        };
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(of, _)| *of == module) else { continue };
        for (number, line) in text.lines().enumerate() {
            for imported in code(line).split("crate::").skip(1) {
                let imported: String =
                    imported.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                // An empty name is a group, `crate::{…}`, whose members this would not see: write
                // one line for each.
                if !allowed.contains(&imported.as_str()) {
                    wrong.push(format!(
                        "{name}:{}: {module} must not import {imported}",
                        number + 1
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_crate_has_its_owner() {
    let mut wrong = Vec::new();
    for (name, text) in rust_files("src") {
        for (number, line) in text.lines().enumerate() {
            for (dependency, owners) in OWNED {
                let uses = code(line).match_indices(&format!("{dependency}::")).any(|(at, _)| {
                    !code(line)[..at]
                        .ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':')
                });
                if uses && !owners.iter().any(|owner| name.starts_with(owner)) {
                    wrong.push(format!(
                        "{name}:{}: {dependency} belongs to {}",
                        number + 1,
                        owners.join(", ")
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_core_is_pure() {
    let mut wrong = Vec::new();
    for (name, text) in rust_files("src/core") {
        for (number, line) in text.lines().enumerate() {
            for impure in [
                "async ",
                ".await",
                "std::fs",
                "std::net",
                "std::env",
                "std::thread",
                "tokio",
                "Instant::now",
                "getrandom",
            ] {
                if code(line).contains(impure) {
                    wrong.push(format!("{name}:{}: {impure} in the core", number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_and_functions_are_short() {
    let mut wrong = Vec::new();
    for (name, text) in all_files() {
        let lines = text.lines().count();
        if lines > LONGEST_FILE {
            wrong.push(format!("{name}: {lines} lines, at most {LONGEST_FILE}"));
        }
        wrong.extend(long_functions(&text).map(|(line, length)| {
            format!("{name}:{line}: a function of {length} lines, at most {LONGEST_FUNCTION}")
        }));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Functions that are too long: their first line and length. rustfmt puts the closing brace under
/// the `fn`.
fn long_functions(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let starts_function = |line: &str| {
        let words = line.trim_start();
        words.starts_with("fn ")
            || (words.starts_with("pub")
                || words.starts_with("async ")
                || words.starts_with("const "))
                && words.contains("fn ")
                && words.contains('(')
    };
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate().filter(|(_, line)| starts_function(line)) {
        let end = lines[start..]
            .iter()
            .position(|other| indent(other) == indent(line) && other.trim_start().starts_with('}'));
        let length = end.map_or(0, |end| end + 1);
        if length > LONGEST_FUNCTION {
            found.push((start + 1, length));
        }
    }
    found.into_iter()
}

#[test]
fn every_module_says_why_it_exists() {
    let silent: Vec<String> = all_files()
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//!"))
        .map(|(name, _)| name)
        .collect();
    assert!(silent.is_empty(), "no //! at the start of {}", silent.join(", "));
}

#[test]
fn every_dependency_says_what_for() {
    let mut wrong = Vec::new();
    for manifest in ["Cargo.toml", "sandbox/Cargo.toml", "sandbox/browser/Cargo.toml"] {
        let text = std::fs::read_to_string(root().join(manifest)).unwrap();
        let mut in_dependencies = false;
        for line in text.lines() {
            if line.starts_with('[') {
                in_dependencies = line.contains("dependencies");
            } else if in_dependencies
                && line.contains('=')
                && !line.contains('#')
                && !EVIDENT.iter().any(|name| line.starts_with(name))
            {
                wrong.push(format!("{manifest}: {line}"));
            }
        }
    }
    assert!(wrong.is_empty(), "say what for:\n{}", wrong.join("\n"));
}

/// Dependencies that every Rust programmer knows.
const EVIDENT: [&str; 8] = [
    "serde",
    "serde_json",
    "tokio",
    "chrono",
    "thiserror",
    "tracing",
    "tracing-subscriber",
    "serenity",
];
