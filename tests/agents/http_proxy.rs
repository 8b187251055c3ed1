//! Through Debian's nginx with its default configuration: waits, streams, and the loop of
//! docs/agents.md.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::common::process::LIMIT;
use crate::common::tools::{TOOLS, find, is_there};
use crate::http_world::{World, client, got, low};

/// The configuration that Debian's package installs.
const DEBIANS: &str = "/etc/nginx/nginx.conf";

/// nginx in front of a server. It is killed with the test.
pub(crate) struct Proxy {
    pub(crate) address: String,
    _folder: TempDir,
    _nginx: Child,
}

/// Debian's program and its configuration; says so where they are missing.
pub(crate) fn installed() -> Option<(PathBuf, String)> {
    let program = find("nginx").or_else(|| Some(PathBuf::from("/usr/sbin/nginx")));
    let program = program.filter(|program| program.is_file());
    let debians = std::fs::read_to_string(DEBIANS).ok();
    let there = program.is_some() && debians.is_some();
    is_there("nginx (apt-get install nginx-light)", there, TOOLS).then_some(())?;
    program.zip(debians)
}

/// Debian's configuration, but with files in this folder and one site.
fn configured(debians: &str, folder: &Path, site: &str) -> String {
    let mut sites = 0;
    let lines = debians.lines().map(|line| {
        let words: Vec<&str> = line.trim().trim_end_matches(';').split_whitespace().collect();
        match words.as_slice() {
            ["include", path] if path.contains("sites-enabled") => {
                sites += 1;
                site.to_owned()
            }
            // Modules and sites of this machine.
            ["include", path] if path.contains("modules-enabled") || path.contains("conf.d") => {
                String::new()
            }
            ["pid", ..] => format!("pid {}/nginx.pid;", folder.display()),
            ["error_log", ..] => format!("error_log {}/error.log;", folder.display()),
            ["access_log", ..] => format!("access_log {}/access.log;", folder.display()),
            // Files beside the configuration, such as the types of documents.
            ["include", path] if !path.starts_with('/') => {
                format!("include /etc/nginx/{path};")
            }
            _ => line.to_owned(),
        }
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    assert_eq!(sites, 1, "Debian's configuration has another shape:\n{debians}");
    text
}

impl Proxy {
    /// In front of this address. `None`: nginx is not installed.
    pub(crate) async fn to(upstream: &str) -> Option<Self> {
        let (program, debians) = installed()?;
        let folder = TempDir::new().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        // Where Debian keeps temporary files, only its own user may write.
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {}/{kind};", folder.path().display()))
            .concat();
        let site = format!(
            "{temporary} server {{ listen 127.0.0.1:{port}; \
             location / {{ proxy_pass {upstream}; }} }}"
        );
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, configured(&debians, folder.path(), &site)).unwrap();
        let errors = folder.path().join("error.log");
        let mut nginx = Command::new(program);
        // One process, so that nothing is left when it is killed.
        nginx.args(["-g", "daemon off; master_process off;", "-c"]).arg(&file);
        nginx.arg("-e").arg(&errors);
        nginx.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let nginx = nginx.spawn().unwrap();
        let address = format!("http://127.0.0.1:{port}");
        let answers = async {
            while client().get(&address).send().await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        let began = timeout(LIMIT, answers).await;
        assert!(began.is_ok(), "{}", std::fs::read_to_string(&errors).unwrap_or_default());
        Some(Self { address, _folder: folder, _nginx: nginx })
    }
}

fn request(proxy: &Proxy, secret: &str, path: &str) -> reqwest::RequestBuilder {
    let request = client().post(format!("{}{path}", proxy.address)).bearer_auth(secret);
    request.header("Content-Type", "application/json").body("{}")
}

/// The next part of a response's body.
async fn part(response: &mut reqwest::Response) -> String {
    let part = timeout(LIMIT, response.chunk()).await.expect("something comes").unwrap();
    String::from_utf8_lossy(&part.expect("the stream is open")).into_owned()
}

/// nginx gives up a silent request after 60 s, with 504.
#[tokio::test(flavor = "multi_thread")]
async fn a_wait_of_the_usual_length_ends_before_a_proxy_gives_up() {
    let world = World::new().await;
    let Some(proxy) = Proxy::to(&world.address).await else { return };
    let agent = world.agent().await;
    agent.ask(&low("Deploy?")).await;
    let wait = "/v1/decisions/1/wait?claim=true";
    assert_eq!(got(request(&proxy, &agent.secret, wait)).await.must(200)["state"], "pending");
    let waiting = tokio::spawn(got(request(&proxy, &agent.secret, wait)));
    world.figure_is("http_waiting", 1).await;
    world.approve(1).await;
    assert_eq!(waiting.await.unwrap().must(200)["verdict"], "approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_begins_at_once_and_passes_on_each_event() {
    let world = World::new().await;
    let Some(proxy) = Proxy::to(&world.address).await else { return };
    let agent = world.agent().await;
    let events = client().get(format!("{}/v1/events", proxy.address)).bearer_auth(&agent.secret);
    let mut stream = timeout(LIMIT, events.send()).await.expect("headers come at once").unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut said = part(&mut stream).await;
    assert!(said.starts_with(": "), "{said}");
    for id in 1..=3 {
        agent.ask(&low("Deploy?")).await;
        while !said.contains(&format!("\"decision\":{id}")) {
            said += &part(&mut stream).await;
        }
    }
    let own = gander_client::Client::new(&proxy.address).unwrap().token(&agent.secret).unwrap();
    let mut events = own.events(Some(2));
    let event = timeout(LIMIT, events.next()).await.expect("an event comes").unwrap();
    assert_eq!((event.seq, event.decision), (3, 3));
}

/// The stream of an MCP session says nothing of its own for as long as nothing changes.
#[tokio::test(flavor = "multi_thread")]
async fn every_event_stream_is_marked_for_proxies() {
    let world = World::new().await;
    let agent = world.agent().await;
    agent.ask(&low("Deploy?")).await;
    let local = Client::builder().unix_socket(world.socket.as_path()).build().unwrap();
    for query in ["", "?after=0", "?follow=false", "?decision=1"] {
        let mut stream = local.get(format!("http://gander/v1/events{query}")).send().await.unwrap();
        assert_eq!(stream.headers()["x-accel-buffering"], "no", "{query}");
        assert!(part(&mut stream).await.starts_with(": "), "{query}");
    }
    let json: Value = got(local.get("http://gander/v1/decisions/1")).await.must(200);
    assert_eq!(json["question"]["title"], json!("Deploy?"));
}
