//! The fixtures for pytest and Vitest, each with the bot of thirty lines that its tests run.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::bots;

#[tokio::test]
async fn the_fixtures_for_pytest_run_a_bot() {
    let Some(libraries) = bots::libraries() else { return };
    passes(pytest(&libraries, &clients().join("python/tests"))).await;
}

/// The README alone leads to a passing test of a bot of discord.py.
#[tokio::test]
async fn the_bot_of_the_readme_passes_its_test() {
    let Some(libraries) = bots::libraries() else { return };
    let folder = tempfile::tempdir().unwrap();
    for file in ["bot.py", "test_bot.py"] {
        std::fs::write(folder.path().join(file), of_the_readme(file)).unwrap();
    }
    passes(pytest(&libraries, folder.path())).await;
}

/// The block of code that begins with the name of its file.
fn of_the_readme(file: &str) -> &'static str {
    let readme = include_str!("../../README.md");
    let (_, rest) = readme.split_once(&format!("```python\n# {file}\n")).unwrap();
    rest.split_once("```").unwrap().0
}

/// pytest with the fixtures and discord.py.
fn pytest(libraries: &Path, tests: &Path) -> Command {
    let path = [libraries.join("discord.py"), clients().join("python")];
    let mut pytest = Command::new(libraries.join("python/bin/python"));
    pytest
        .args(["-m", "pytest", "-q"])
        .args(["-p", "discord_sandbox.pytest_plugin", "-p", "no:cacheprovider"])
        .arg(tests)
        .env("PYTHONPATH", std::env::join_paths(path).unwrap())
        .env("PYTHONDONTWRITEBYTECODE", "1");
    pytest
}

#[tokio::test]
async fn the_fixtures_for_vitest_run_a_bot() {
    let Some(libraries) = bots::libraries() else { return };
    let modules = libraries.join("javascript/node_modules");
    // Vitest looks for itself beside the tests: they run in a copy beside it.
    let copy = libraries.join("javascript/client");
    std::fs::create_dir_all(copy.join("test")).unwrap();
    for file in ["package.json", "index.js", "test/bot.cjs", "test/bot.test.js"] {
        std::fs::copy(clients().join("javascript").join(file), copy.join(file)).unwrap();
    }
    let mut vitest = Command::new("node");
    vitest.arg(modules.join("vitest/vitest.mjs")).args(["run", "--root", "."]).current_dir(copy);
    passes(vitest).await;
}

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients")
}

/// Runs a test suite on the program; what it said is in the failure.
async fn passes(mut suite: Command) {
    suite.env("DISCORD_SANDBOX", env!("CARGO_BIN_EXE_discord-sandbox"));
    let output = suite.kill_on_drop(true).output().await.unwrap();
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
}
