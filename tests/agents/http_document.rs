//! `/openapi.json`: what it lists, and that the program does as it says.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use gander::core::access::Scope;
use gander::core::policy::ask_limits::AskLimits;
use gander::core::policy::rules::Rules;
use gander::surfaces::http::{HttpSettings, document};
use reqwest::Method;
use serde_json::Value;
use tokio::process::Command;

use crate::common::tools;
use crate::http_world::{World, got};

#[tokio::test(flavor = "multi_thread")]
async fn the_document_lists_every_operation() {
    let world = World::new().await;
    let served = got(world.stranger(Method::GET, "/openapi.json")).await.must(200);
    assert_eq!(served, document());
    let mut lines = String::new();
    for (path, operations) in served["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let statuses: Vec<&str> =
                operation["responses"].as_object().unwrap().keys().map(String::as_str).collect();
            let needs = operation["description"].as_str().unwrap_or(
                if operation.get("security").is_some() { "Needs a token." } else { "Open." },
            );
            let parameters: Vec<&str> = operation["parameters"]
                .as_array()
                .unwrap()
                .iter()
                .map(|p| p["name"].as_str().unwrap())
                .collect();
            writeln!(
                lines,
                "{method} {path} [{}] {needs} ({}) {}",
                parameters.join(" "),
                statuses.join(" "),
                operation["summary"].as_str().unwrap()
            )
            .unwrap();
        }
    }
    insta::assert_snapshot!(lines);
}

/// How to run schemathesis here, if it can be.
async fn schemathesis() -> Option<Command> {
    let mut python = Command::new("python3");
    python.args(["-c", "import schemathesis"]);
    if python.output().await.is_ok_and(|ended| ended.status.success()) {
        let mut command = Command::new("python3");
        command.args(["-m", "schemathesis.cli"]);
        return Some(command);
    }
    let there = Command::new("schemathesis")
        .arg("--version")
        .output()
        .await
        .is_ok_and(|ended| ended.status.success());
    there.then(|| Command::new("schemathesis"))
}

#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_finds_nothing_that_is_otherwise_than_documented() {
    let found = schemathesis().await;
    tools::is_there("schemathesis (pip install schemathesis)", found.is_some(), tools::AGENTS);
    let Some(mut command) = found else { return };
    let world = World::with(
        HttpSettings { rate: 1_000_000, ..HttpSettings::default() },
        Rules { ask_limits: AskLimits::NONE, ..Rules::default() },
        None,
    )
    .await;
    let token = world.token(&Scope::ALL, &[], Some(7)).await;
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/http/schemathesis.toml");
    command
        .arg("--no-color")
        .arg("--config-file")
        .arg(config)
        .arg("run")
        .arg(format!("{}/openapi.json", world.address));
    command.args(["--checks", "all", "--continue-on-failure", "-n", "15", "--seed", "1", "-H"]);
    command
        .arg(format!("Authorization: Bearer {}", token.secret))
        .current_dir(world.folder.path())
        .kill_on_drop(true);
    let ended = tokio::time::timeout(Duration::from_secs(900), command.output())
        .await
        .expect("it ends in time")
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    let summary = said.split("SUMMARY").last().unwrap_or_default();
    assert!(ended.status.success(), "{said}\n{}", String::from_utf8_lossy(&ended.stderr));
    println!("{summary}");
    let _: Value = got(token.get("/v1/decisions")).await.must(200);
}
