//! The program `discord-sandbox`, as a shell or a fixture starts it.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::common::LIMIT;

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_discord-sandbox"));
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Starts it; returns the line that it prints.
async fn start(arguments: &[&str]) -> (Child, Value) {
    let mut child = program(arguments).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = timeout(LIMIT, lines.next_line()).await.unwrap().unwrap().unwrap();
    (child, serde_json::from_str(&line).unwrap())
}

async fn get(addresses: &Value, path: &str) -> Value {
    let url = format!("{}/v10{path}", addresses["rest"].as_str().unwrap());
    let token = format!("Bot {}", addresses["token"].as_str().unwrap());
    let request = reqwest::Client::new().get(url).header("authorization", token);
    request.send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn it_prints_where_it_is_and_whom_it_serves() {
    let (_child, addresses) = start(&["--token", "a.b.c", "--rate-limits", "relaxed"]).await;
    assert_eq!(addresses["token"], "a.b.c");
    let me = get(&addresses, "/users/@me").await;
    assert_eq!(me["id"], addresses["application_id"]);
}

#[tokio::test]
async fn it_says_what_is_wrong_with_its_arguments() {
    for (arguments, words) in [
        (&["--listen", "somewhere"][..], "somewhere"),
        (&["--rate-limits", "none"], "--rate-limits is real or relaxed"),
        (&["--world", "/nowhere/world.json"], "--world /nowhere/world.json"),
        (&["--wrong"], "--wrong"),
        (&["more"], "more"),
    ] {
        let output = timeout(LIMIT, program(arguments).output()).await.unwrap().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(words), "{said}");
    }
    let elsewhere = program(&["--listen", "192.0.2.1:0"]).output().await.unwrap();
    assert_eq!(elsewhere.status.code(), Some(1), "it could not start");
}

#[tokio::test]
async fn it_helps() {
    let output = program(&["--help"]).output().await.unwrap();
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).unwrap();
    for option in ["--listen", "--world", "--privileged-intents", "--token", "--rate-limits"] {
        assert!(help.contains(option), "{option} in {help}");
    }
    let output = program(&["--version"]).output().await.unwrap();
    assert_eq!(
        output.stdout,
        concat!("discord-sandbox ", env!("CARGO_PKG_VERSION"), "\n").as_bytes()
    );
}

/// The example of a world in the README is complete: it says what a world has.
#[tokio::test]
async fn it_serves_the_world_of_the_readme() {
    let readme = include_str!("../../README.md");
    let (_, after) = readme.split_once("<!-- world: started by a test -->\n\n```json\n").unwrap();
    let (world, _) = after.split_once("```").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("world.json");
    std::fs::write(&file, world).unwrap();
    let (_child, addresses) = start(&["--world", file.to_str().unwrap()]).await;
    let names = |object: &Value| object.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&addresses["users"]), ["ada", "bob", "eve"]);
    assert_eq!(addresses["more_bots"][0]["token"], "not-a-secret");
    let written: Value = serde_json::from_str(world).unwrap();
    let whole = serde_json::to_value(discord_sandbox::World::default()).unwrap();
    assert_eq!(names(&written), names(&whole), "every field of a world is in the example");
}

/// The world of a file.
#[tokio::test]
async fn it_serves_the_world_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("world.json");
    std::fs::write(&file, json!({ "guild": "Laboratory" }).to_string()).unwrap();
    let (_child, addresses) = start(&["--world", file.to_str().unwrap()]).await;
    let path = format!("/guilds/{}", addresses["guild_id"].as_str().unwrap());
    assert_eq!(get(&addresses, &path).await["name"], "Laboratory");
    assert!(addresses["users"]["maya"].is_string(), "what the file leaves out is as usual");

    std::fs::write(&file, "{}\n{").unwrap();
    let output = program(&["--world", file.to_str().unwrap()]).output().await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("world.json") && said.contains("line 2"), "{said}");
}
