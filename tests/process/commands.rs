//! Commands that print decisions: asked, revised, withdrawn, answered, refused; started again, and
//! gone with the bot.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use gander::core::decision::{Decision, DecisionId, Risk, State, Via};
use gander::core::policy::rules::Rules;
use gander::engine::{Filter, Handle};
use gander::sources::command::{CommandSource, run};
use tokio::task::JoinSet;

use crate::common::cards::open_card;
use crate::common::engine::{self, maya};
use crate::common::process::{Home, LIMIT, sandbox};

/// A store, and a command that is a shell script of the test.
struct World {
    temporary: tempfile::TempDir,
    handle: Handle,
    running: JoinSet<()>,
}

impl World {
    fn new(script: &str) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        write_script(&temporary.path().join("script"), script);
        let handle = engine::handle(&temporary.path().join("gander.db"), Rules::default());
        let mut world = Self { temporary, handle, running: JoinSet::new() };
        world.start();
        world
    }

    fn start(&mut self) {
        let source = CommandSource {
            name: "triage".into(),
            command: vec!["/bin/sh".into(), self.path("script").display().to_string()],
            folder: self.temporary.path().to_owned(),
            project: Some("shop".into()),
        };
        self.running = JoinSet::new();
        self.running.spawn(run(self.handle.clone(), vec![source]));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.temporary.path().join(name)
    }

    async fn until(&self, what: &str, holds: impl Fn(&[Decision]) -> bool) {
        engine::until(&self.handle, what, holds).await;
    }

    async fn all(&self) -> Vec<Decision> {
        self.handle.approvals().list(Filter::default()).await.unwrap()
    }

    async fn approve(&self, id: i64) {
        let decision = self.handle.approvals().get(DecisionId(id)).await.unwrap();
        let (id, seen) = (decision.id, decision.revision);
        self.handle.approvals().approve(id, seen, &maya(), Via::Discord).await.unwrap();
    }

    /// Waits until a file has these words.
    async fn file_has(&self, name: &str, words: &str) -> String {
        let path = self.path(name);
        let waited = tokio::time::timeout(LIMIT, async {
            loop {
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                if text.contains(words) {
                    return text;
                }
                tokio::task::yield_now().await;
            }
        });
        waited.await.unwrap_or_else(|_| panic!("{words:?} did not come into {name}"))
    }
}

fn write_script(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).unwrap();
}

fn is_claimed(decision: &Decision) -> bool {
    matches!(&decision.state, State::Resolved(resolved) if resolved.claimed_at.is_some())
}

/// Asks one question, then keeps what it is told.
const ASKS: &str = r#"
echo '{"title": "Deploy?", "dedup_key": "deploy-7", "risk": "low"}'
while read -r line; do printf '%s\n' "$line" >> told; done
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_asked_once_and_the_verdict_told() {
    let mut world = World::new(ASKS);
    world.until("the question", |all| all.len() == 1).await;
    let decision = world.all().await.remove(0);
    assert_eq!((decision.request.project.as_str(), decision.request.risk), ("shop", Risk::Low));
    world.approve(1).await;
    world.until("the claim", |all| is_claimed(&all[0])).await;
    let told = world.file_has("told", "\n").await;
    let told: serde_json::Value = serde_json::from_str(told.trim()).unwrap();
    assert_eq!(
        (told["dedup_key"].as_str(), told["verdict"].as_str(), told["id"].as_i64()),
        (Some("deploy-7"), Some("approved"), Some(1))
    );
    // Started again, it asks the same: it gets the same answer, and nobody is asked.
    std::fs::remove_file(world.path("told")).unwrap();
    world.start();
    world.file_has("told", "approved").await;
    assert_eq!(world.all().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_revise_withdraw_and_are_refused() {
    let world = World::new(
        r#"
echo '{"title": "One?", "dedup_key": "a"}'
echo 'no JSON'
echo '{"title": "No key?"}'
echo '{"title": "", "dedup_key": "empty"}'
echo '{"title": "Unknown?", "dedup_key": "u", "titel": 1}'
echo '{"title": "Two?", "dedup_key": "a"}'
echo '{"title": "Gone?", "dedup_key": "b"}'
echo '{"withdraw": "b", "reason": "it went away"}'
echo '{"withdraw": "never asked"}'
head -c 3000000 /dev/zero | tr '\0' 'x'; echo
echo '{"title": "Last?", "dedup_key": "c"}'
while read -r line; do printf '%s\n' "$line" >> told; done
"#,
    );
    world.until("all lines", |all| all.iter().any(|it| it.request.title == "Last?")).await;
    let all = world.all().await;
    let states: Vec<_> =
        all.iter().rev().map(|it| (it.request.title.as_str(), it.state.word())).collect();
    assert_eq!(states, [("Two?", "pending"), ("Gone?", "withdrawn"), ("Last?", "pending")]);
    let told = world.file_has("told", "titel").await;
    assert_eq!(told.matches("\"refused\"").count(), 4, "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_ends_is_started_again_and_one_that_left_the_configuration_withdraws() {
    let world = World::new(
        r#"
echo run >> runs
echo "{\"title\": \"Run?\", \"dedup_key\": \"run-$(wc -l < runs | tr -d ' ')\"}"
"#,
    );
    world.until("a second run", |all| all.len() >= 2).await;
    let mut world = world;
    world.running = JoinSet::new();
    world.running.spawn(run(world.handle.clone(), Vec::new()));
    world.until("the withdrawal", |all| all.iter().all(|it| !it.state.is_open())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_and_what_it_started_end_with_the_source() {
    let mut world = World::new(
        r#"
sleep 1000 &
echo $! > child
echo '{"title": "Deploy?", "dedup_key": "a"}'
wait
"#,
    );
    world.until("the question", |all| all.len() == 1).await;
    let child = std::fs::read_to_string(world.path("child")).unwrap();
    let process = Path::new("/proc").join(child.trim());
    assert!(process.exists());
    world.running.shutdown().await;
    let ended = tokio::time::timeout(LIMIT, async {
        // A zombie has no command line.
        while std::fs::read(process.join("cmdline")).is_ok_and(|line| !line.is_empty()) {
            tokio::task::yield_now().await;
        }
    });
    assert!(ended.await.is_ok(), "the child lives on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_printed_question_has_a_card() {
    let (sandbox, home) = (sandbox().await, Home::new());
    write_script(&home.path().join("ask"), ASKS);
    home.configure(
        "time_zone = \"UTC\"\nbatch.min = 0\n[[commands]]\nname = \"triage\"\n\
         command = [\"/bin/sh\", \"ask\"]\n",
    );
    let bot = home.serving(&sandbox).await;
    let card = open_card(&sandbox, 1).await;
    assert!(card.0.to_string().contains("Deploy?"), "{card:?}");
    bot.kill().await;
}
