//! A stand-in for an agent that can be resumed: a program of its own, which calls its hook as it
//! was installed, holds the pipe for the answer itself, and writes down with what it is resumed.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::common::process::{Ended, Home, LIMIT};
use crate::gates_standin::Kind;
use crate::gates_world::World;

/// What the stand-in does. It is bash, because a shell of its own must hold the pipe.
const SCRIPT: &str = r#"#!/bin/bash
home="$(cd "$(dirname "$0")/.." && pwd)"
for word in "$@"; do
    case "$word" in resume | --resume)
        { echo "args: $*"; echo "cwd: $PWD"; cat; echo; echo "=== end"; } >> "$home/resumed"
        env > "$home/environment"
        if [ -e "$home/fails" ]; then exit 7; fi
        if [ -e "$home/silent" ]; then exit 0; fi
        if [ -p "$home/resumed-hold" ]; then echo > "$home/resumed-at-hold"
            read -r _ < "$home/resumed-hold"; fi ;;
    esac
done
exec 3< <(exec /bin/sh -c "$(cat "$home/command")" < "$home/call")
hook=$!
IFS= read -r -d '' answer <&3
wait "$hook"
status=$?
printf '%s' "$answer" > "$home/answer"
case "$answer" in
    *'"deny"'* | *'"defer"'* | *'"block"'* | *'"ask"'*) status=1 ;;
esac
if [ "$status" = 0 ]; then echo x >> ran; fi
if [ -p "$home/hold" ]; then echo > "$home/at-hold"; read -r _ < "$home/hold"; fi
exit 0
"#;

/// An agent, its person, and the folder in which it works.
pub(crate) struct Scene {
    pub(crate) world: World,
    kind: Kind,
}

/// The agent stands still, or will.
pub(crate) struct Hold {
    at: PathBuf,
    release: PathBuf,
}

impl Hold {
    fn new(home: &Home, at: &str, release: &str) -> Self {
        let hold = Self { at: home.path().join(at), release: home.path().join(release) };
        for pipe in [&hold.at, &hold.release] {
            let made = std::process::Command::new("mkfifo").arg(pipe).status().unwrap();
            assert!(made.success());
        }
        hold
    }

    /// Waits until the agent stands still.
    pub(crate) async fn reached(&self) {
        let read = tokio::fs::read(&self.at);
        timeout(LIMIT, read).await.expect("the agent stands still").unwrap();
    }

    pub(crate) async fn release(&self) {
        timeout(LIMIT, tokio::fs::write(&self.release, "\n")).await.expect("it goes on").unwrap();
        // The agent stands still once.
        for pipe in [&self.at, &self.release] {
            std::fs::remove_file(pipe).unwrap();
        }
    }
}

impl Scene {
    /// The agent's gate is installed for its folder.
    pub(crate) async fn new(kind: Kind, patience: &str) -> Self {
        let world = World::new();
        world.agent(kind, patience).await;
        let file = kind.file(&world.project());
        Self::with(world, kind, &file)
    }

    /// The agent's gate is installed for everywhere.
    pub(crate) async fn everywhere(kind: Kind, patience: &str) -> Self {
        assert_eq!(kind, Kind::ClaudeCode);
        let world = World::new();
        let install = ["gate", "install", kind.name(), "--timeout", patience, "--yes"];
        world.home.run(&install).await.must(0, &["wrote"]);
        let file = world.home.path().join(".claude/settings.json");
        Self::with(world, kind, &file)
    }

    /// Claude Code's gate is installed for its folder and for the desk, and Maya is there.
    pub(crate) async fn at_desk() -> Self {
        let (world, kind) = (World::new(), Kind::ClaudeCode);
        world.agent(kind, "100s").await;
        let (place, hooks) = (world.project(), kind.file(&world.project()));
        let install = ["gate", "install", kind.name(), "--project", place.to_str().unwrap()];
        let how = ["--timeout", "100s", "--desk", "--yes"];
        world.home.run(&[&install[..], &how].concat()).await.must(0, &["wrote"]);
        let scene = Self::with(world, kind, &hooks);
        let marker = scene.file("maya-is-there");
        std::fs::write(&marker, "").unwrap();
        scene.configure(&format!("[presence]\nfile = {marker:?}\n"));
        scene
    }

    fn with(world: World, kind: Kind, hooks: &std::path::Path) -> Self {
        let hooks: Value = serde_json::from_str(&std::fs::read_to_string(hooks).unwrap()).unwrap();
        let command = hooks["hooks"]["PreToolUse"][0]["hooks"][0]["command"].as_str().unwrap();
        let scene = Self { world, kind };
        std::fs::create_dir(scene.home().path().join("bin")).unwrap();
        std::fs::write(scene.file("command"), command).unwrap();
        std::fs::write(scene.program(), SCRIPT).unwrap();
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(scene.program(), executable).unwrap();
        scene.calls("touch ran");
        scene.configure("");
        scene
    }

    pub(crate) fn home(&self) -> &Home {
        &self.world.home
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.home().path().join(name)
    }

    pub(crate) fn program(&self) -> PathBuf {
        let name = if self.kind == Kind::ClaudeCode { "claude" } else { self.kind.name() };
        self.file("bin").join(name)
    }

    /// The folder, as the agent names it.
    pub(crate) fn folder(&self) -> String {
        self.world.project().canonicalize().unwrap().to_str().unwrap().to_owned()
    }

    /// More keys of `[resume]`.
    pub(crate) fn configure(&self, resume: &str) {
        self.home().configure(&format!(
            "time_zone = \"UTC\"\nbatch.min = 0\n[resume]\n{resume}[resume.programs]\n{} = [{:?}]\n",
            self.kind.name(),
            self.program(),
        ));
    }

    /// The command that the agent wants to run from now on.
    pub(crate) fn calls(&self, command: &str) {
        self.sends(&self.world.pre(self.kind, command));
    }

    /// What the agent sends to its hook from now on.
    pub(crate) fn sends(&self, call: &str) {
        std::fs::write(self.file("call"), call).unwrap();
    }

    /// The agent's session.
    pub(crate) fn session(&self) -> String {
        let call: Value =
            serde_json::from_str(&std::fs::read_to_string(self.file("call")).unwrap()).unwrap();
        call["session_id"].as_str().unwrap().to_owned()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.program());
        command
            .arg("go")
            .current_dir(self.world.project())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.home().path())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        if self.kind == Kind::ClaudeCode {
            command.env("CLAUDE_PROJECT_DIR", self.world.project());
        }
        command
    }

    pub(crate) fn start(&self) -> Child {
        self.command().spawn().unwrap()
    }

    pub(crate) fn start_with(&self, name: &str, value: &str) -> Child {
        self.command().env(name, value).spawn().unwrap()
    }

    /// As `claude -p` does.
    pub(crate) fn start_unattended(&self) -> Child {
        self.start_with("CLAUDE_CODE_ENTRYPOINT", "sdk-cli")
    }

    pub(crate) async fn ended(&self, mut agent: Child) {
        let ended = timeout(LIMIT, agent.wait()).await.expect("the agent ends").unwrap();
        assert!(ended.success(), "{ended:?}");
    }

    /// Runs the program.
    pub(crate) async fn run(&self, args: &[&str]) -> Ended {
        self.home().run(args).await
    }

    /// Waits until so many agents are on record.
    pub(crate) async fn parked(&self, count: usize) {
        let waited = timeout(LIMIT, async {
            while self.world.handle.resumptions().all().await.unwrap().len() < count {
                tokio::task::yield_now().await;
            }
        });
        waited.await.expect("they are on record");
    }

    /// With what the agent was resumed.
    pub(crate) fn resumed(&self) -> Vec<String> {
        let all = std::fs::read_to_string(self.file("resumed")).unwrap_or_default();
        all.split_terminator("=== end\n").map(ToOwned::to_owned).collect()
    }

    /// The gate's last answer.
    pub(crate) fn answer(&self) -> Value {
        let answer = std::fs::read_to_string(self.file("answer")).unwrap();
        serde_json::from_str(&answer).unwrap()
    }

    /// The environment in which the agent was resumed.
    pub(crate) fn environment(&self) -> String {
        std::fs::read_to_string(self.file("environment")).unwrap()
    }

    /// How often the call ran.
    pub(crate) fn times_ran(&self) -> usize {
        let ran = std::fs::read_to_string(self.world.project().join("ran")).unwrap_or_default();
        ran.lines().count()
    }

    pub(crate) fn ran(&self) -> bool {
        self.times_ran() > 0
    }

    /// Waits until the call has run.
    pub(crate) async fn runs(&self) {
        let waited = timeout(LIMIT, async {
            while !self.ran() {
                tokio::task::yield_now().await;
            }
        });
        waited.await.expect("the call runs");
    }

    /// When resumed, the agent ends at once.
    pub(crate) fn repeats_nothing(&self) {
        std::fs::write(self.file("silent"), "").unwrap();
    }

    /// When resumed, the agent fails.
    pub(crate) fn fails(&self) {
        std::fs::write(self.file("fails"), "").unwrap();
    }

    /// The agent stands still when it has its answer.
    pub(crate) fn holds_afterwards(&self) -> Hold {
        Hold::new(self.home(), "at-hold", "hold")
    }

    /// The agent that stood still has ended, and the next one goes on.
    pub(crate) fn forgets(&self, hold: Hold) {
        for pipe in [hold.at, hold.release] {
            std::fs::remove_file(pipe).unwrap();
        }
    }

    /// The agent stands still when it is resumed.
    pub(crate) fn holds_when_resumed(&self) -> Hold {
        Hold::new(self.home(), "resumed-at-hold", "resumed-hold")
    }

    /// The agent has waited in vain, and the person has approved since.
    pub(crate) async fn owes_an_answer(&self) {
        self.ended(self.start()).await;
        let asked = self.world.asked(1).await.remove(0);
        let approved = gander::core::decision::Verdict::approved();
        self.world.decides(&asked, approved).await;
    }
}
