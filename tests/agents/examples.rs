//! The loops of docs/agents.md, run as they stand there: a program of its own each, against a real
//! `gander serve` that is killed and started again while the agent waits, and a person who clicks.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use discord_sandbox::Sandbox;
use tokio::process::Command;

use crate::common::cards::{card_that, click, open_card, reject};
use crate::common::process::{Home, Program, sandbox};
use crate::common::tools::{AGENTS, TOOLS, find, is_there};
use crate::http_proxy::{Proxy, installed};

const DOCUMENT: &str = include_str!("../../docs/agents.md");
/// What the agent does when it may.
const DEPLOY: &str = "#!/bin/sh\necho deployed | tee -a deployed.txt\n";

/// The block of the document that is marked with this name.
fn block(name: &str) -> String {
    let (_, behind) = DOCUMENT
        .split_once(&format!("<!-- example: {name} -->\n"))
        .expect("the document has this block");
    let (_, behind) = behind.split_once('\n').expect("a fence");
    behind.split_once("```").expect("the fence ends").0.to_owned()
}

/// The block with the lines between these two replaced, as the document says for TCP.
fn over_tcp(name: &str, first: &str, last: &str) -> String {
    let whole = block(name);
    let lines: Vec<&str> = whole.lines().collect();
    let at = |start: &str| {
        lines.iter().position(|line| line.starts_with(start)).expect("the line is there")
    };
    let (before, behind) = (&lines[..at(first)], &lines[at(last) + 1..]);
    let other = block(&format!("{name}-tcp"));
    [before, &[other.trim_end()], behind].concat().join("\n") + "\n"
}

/// How the agent reaches the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Socket,
    Tcp,
    /// Through a proxy on this port.
    Proxy(u16),
}

/// A bot, what it serves, and where the agent works.
struct World {
    sandbox: Sandbox,
    home: Home,
    bot: Option<Program>,
    port: u16,
    token: String,
}

impl World {
    async fn start() -> Self {
        let (sandbox, home) = (sandbox().await, Home::new());
        // It comes back on the same one.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        home.configure(&format!(
            "time_zone = \"UTC\"\nbatch.min = 0\n[http]\nlisten = \"127.0.0.1:{port}\"\n"
        ));
        let made = home.run(&["token", "create", "an agent"]).await;
        made.must(0, &[]);
        let deploy = home.work().join("deploy.sh");
        std::fs::write(&deploy, DEPLOY).unwrap();
        std::fs::set_permissions(&deploy, std::fs::Permissions::from_mode(0o755)).unwrap();
        let bot = Some(home.serving(&sandbox).await);
        Self { sandbox, home, bot, port, token: made.out.trim().to_owned() }
    }

    /// An agent, as its owner would start it.
    fn agent(&self, mut command: Command, by: By) -> Program {
        command.current_dir(self.home.work());
        for name in ["GANDER_URL", "GANDER_TOKEN", "GANDER_TOKEN_FILE", "GANDER_SOCKET"] {
            command.env_remove(name);
        }
        let socket = format!("{}.sock", self.home.store().display());
        match by {
            By::Socket => {
                command.env("GANDER_URL", format!("unix://{socket}")).env("GANDER_SOCKET", socket)
            }
            By::Tcp | By::Proxy(_) => {
                let port = if let By::Proxy(port) = by { port } else { self.port };
                command.env("GANDER_URL", format!("http://127.0.0.1:{port}"));
                command.env("GANDER_TOKEN", &self.token)
            }
        };
        Program::start(command)
    }

    fn deployed(&self) -> usize {
        std::fs::read_to_string(self.home.work().join("deployed.txt"))
            .unwrap_or_default()
            .lines()
            .count()
    }

    /// Whether the card tells how it went.
    async fn tells(&self, number: i64, words: &str) {
        card_that(&self.sandbox, number, words, |card| {
            card.fields().iter().any(|(_, text)| text.contains(words))
        })
        .await;
    }

    /// The bot as after a power cut.
    async fn restart(&mut self) {
        self.bot.take().expect("it runs").kill().await;
        let gone =
            |sandbox: &Sandbox| sandbox.view("maya").filter(|view| !view.bot_online).map(drop);
        self.sandbox
            .wait_for("the bot to be gone", crate::common::process::LIMIT, gone)
            .await
            .unwrap();
        self.bot = Some(self.home.serving(&self.sandbox).await);
    }

    /// The same through nginx, if it is installed: it answers 502 while the bot is away.
    async fn live_behind_proxy(&mut self, command: impl Fn() -> Command, number: i64) {
        let upstream = format!("http://127.0.0.1:{}", self.port);
        let Some(proxy) = Proxy::to(&upstream).await else { return };
        let port = proxy.address.rsplit(':').next().unwrap().parse().unwrap();
        self.live(command, By::Proxy(port), number).await;
    }

    /// Lets the agent live through it all, twice: approved after a restart of the bot, then
    /// rejected.
    async fn live(&mut self, command: impl Fn() -> Command, by: By, number: i64) {
        let maya = self.sandbox.user("maya").unwrap();
        let before = self.deployed();
        let agent = self.agent(command(), by);
        open_card(&self.sandbox, number).await;
        self.restart().await;
        assert!(click(&maya, &open_card(&self.sandbox, number).await, "approve").await.ok);
        agent.ended().await.must(0, &[]);
        assert_eq!(self.deployed(), before + 1);
        self.tells(number, "It reported success").await;

        let agent = self.agent(command(), by);
        assert!(
            reject(&maya, &open_card(&self.sandbox, number + 1).await, "Not on a Friday").await.ok
        );
        let ended = agent.ended().await;
        let said = format!("{}{}", ended.out, ended.err);
        assert!(said.contains("not deployed") && said.contains("Not on a Friday"), "{ended:#?}");
        assert_eq!(self.deployed(), before + 1, "what was rejected was not done");
    }
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn run(program: &str, file: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg(file);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn shell() {
    let version = std::process::Command::new("curl").arg("--version").output();
    let version =
        version.map(|told| String::from_utf8_lossy(&told.stdout).into_owned()).unwrap_or_default();
    let number =
        |part: Option<&str>| part.and_then(|part| part.parse::<u32>().ok()).unwrap_or_default();
    let mut parts = version.split([' ', '.']).skip(1);
    let new = (number(parts.next()), number(parts.next())) >= (7, 82);
    if !is_there("curl 7.82 or newer", new, TOOLS) {
        return;
    }
    let mut world = World::start().await;
    let file = write(world.home.path(), "agent.sh", &block("shell"));
    world.live(|| run("sh", &file), By::Socket, 1).await;
    let file = write(world.home.path(), "agent-tcp.sh", &over_tcp("shell", "socket=", "}"));
    world.live(|| run("sh", &file), By::Tcp, 3).await;
    world.live_behind_proxy(|| run("sh", &file), 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python() {
    let knows = |code: &str| {
        std::process::Command::new("python3")
            .args(["-c", code])
            .output()
            .is_ok_and(|told| told.status.success())
    };
    if !is_there("python3", knows(""), TOOLS)
        || !is_there("httpx (pip install httpx)", knows("import httpx"), AGENTS)
    {
        return;
    }
    let mut world = World::start().await;
    let file = write(world.home.path(), "agent.py", &block("python"));
    world.live(|| run("python3", &file), By::Socket, 1).await;
    let file =
        write(world.home.path(), "agent_tcp.py", &over_tcp("python", "socket =", "gander ="));
    world.live(|| run("python3", &file), By::Tcp, 3).await;
    world.live_behind_proxy(|| run("python3", &file), 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn typescript() {
    if !is_there("node", find("node").is_some(), TOOLS) {
        return;
    }
    let mut world = World::start().await;
    // The block has no types that must be taken out, so Node.js runs it by itself.
    let file = write(world.home.path(), "agent.mjs", &block("typescript"));
    world.live(|| run("node", &file), By::Tcp, 1).await;
    world.live_behind_proxy(|| run("node", &file), 3).await;
    if is_there("tsx (npm install tsx)", find("tsx").is_some(), AGENTS) {
        let file = write(world.home.path(), "agent.mts", &block("typescript"));
        let number = if installed().is_some() { 5 } else { 3 };
        world.live(|| run("tsx", &file), By::Tcp, number).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rust() {
    let compiled = include_str!("examples_agent.rs");
    let compiled = compiled.split_once("\n\n").expect("its first comment").1;
    // What is run here is what the document says, but for what a module of a test needs.
    assert_eq!(compiled.replace("pub(super) async fn main", "async fn main"), block("rust"));
    let mut world = World::start().await;
    let this = std::env::current_exe().unwrap();
    let again = || {
        let mut command = Command::new(&this);
        command.args(["--exact", "examples::the_loop_in_rust", "--ignored", "--nocapture"]);
        command
    };
    world.live(again, By::Socket, 1).await;
    world.live(again, By::Tcp, 3).await;
    world.live_behind_proxy(again, 5).await;
}

/// Not a test: what [`rust`] starts as a program of its own.
#[test]
#[ignore = "started by the test named rust"]
fn the_loop_in_rust() {
    crate::examples_agent::main().unwrap();
}
