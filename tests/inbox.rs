//! The drop folder on a real disk and a real store: each file is asked once, and each verdict told once.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails here")]

mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::TimeDelta;
use common::cards::{click, open_card};
use common::process::{Home, LIMIT, sandbox};
use gander::core::Time;
use gander::core::decision::{Decision, DecisionId, Person, State, Surface};
use gander::core::event::Event;
use gander::core::permission::Voter;
use gander::core::policy::Rules;
use gander::engine::clock::{Clock as _, TestClock};
use gander::engine::{Filter, Handle};
use gander::sources::inbox::{DropFolder, Inbox, Looked, paper, run};
use gander::store::sqlite::SqliteStore;
use serde_json::{Value, json};

fn fixtures(start: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/inbox");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let mut found: Vec<_> = paths.map(|path| (name(&path), std::fs::read(&path).unwrap())).collect();
    found.retain(|(name, _)| name.starts_with(start));
    found.sort();
    assert!(!found.is_empty(), "no fixture begins with {start}");
    found
}

/// A drop folder and a store beside it.
struct World {
    temporary: tempfile::TempDir,
    clock: TestClock,
    handle: Handle,
    inbox: Inbox,
}

const QUESTION: &str = r#"{"title": "Deploy?", "risk": "low"}"#;

impl World {
    fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let clock = TestClock::at(Time::from_timestamp_millis(1_790_000_000_000).unwrap());
        let store = SqliteStore::open(&temporary.path().join("gander.db"), None, clock.now()).unwrap();
        let handle = Handle::new(Arc::new(store), Rules::default(), Arc::new(clock.clone()));
        let mut world = Self { inbox: Inbox::new(&[], temporary.path()), temporary, clock, handle };
        world.restart();
        world
    }

    /// A look that remembers nothing, as after a kill.
    fn restart(&mut self) {
        self.inbox = Inbox::new(&[self.folder()], &self.temporary.path().join("gander.db"));
    }

    fn folder(&self) -> DropFolder {
        DropFolder { path: self.root(), project: None }
    }

    fn root(&self) -> PathBuf {
        self.temporary.path().join("drop")
    }

    fn path(&self, file: &str) -> PathBuf {
        self.root().join(file)
    }

    fn put(&self, file: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        let now = self.clock.now();
        std::fs::File::options().append(true).open(path).unwrap().set_modified(now.into()).unwrap();
    }

    fn remove(&self, file: &str) {
        std::fs::remove_file(self.path(file)).unwrap();
    }

    fn there(&self, file: &str) -> bool {
        std::fs::symlink_metadata(self.path(file)).is_ok()
    }

    async fn look(&mut self) -> Looked {
        self.inbox.look(&self.handle).await.unwrap()
    }

    async fn look_after(&mut self, seconds: i64) -> Looked {
        self.clock.advance(TimeDelta::seconds(seconds));
        self.look().await
    }

    fn verdict(&self, name: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.path("verdicts").join(name)).unwrap()).unwrap()
    }

    async fn get(&self, id: i64) -> Decision {
        self.handle.get(DecisionId(id)).await.unwrap()
    }

    async fn count(&self) -> usize {
        self.handle.list(Filter::default()).await.unwrap().len()
    }

    async fn approve(&self, id: i64) {
        let decision = self.get(id).await;
        self.handle.approve(decision.id, decision.revision, &ada(), Surface::Discord).await.unwrap();
    }

    async fn claims(&self, id: i64) -> usize {
        let history = self.handle.history(DecisionId(id)).await.unwrap();
        history.iter().filter(|logged| logged.event == Event::Claimed).count()
    }

    /// The verdict on 1 was told, once, and the question is gone.
    async fn must_be_told(&mut self, case: &str) {
        let said = self.verdict("a.json");
        assert_eq!((&said["id"], &said["state"], &said["verdict"]), (&json!(1), &json!("resolved"), &json!("approved")), "{case}");
        assert_eq!((self.count().await, self.claims(1).await), (1, 1), "{case}: asked once, claimed once");
        let left: Vec<_> = ["inbox", "verdicts"]
            .into_iter()
            .flat_map(|folder| std::fs::read_dir(self.path(folder)).unwrap())
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, ["a.json"], "{case}: only the verdict is left");
        self.restart();
        assert_eq!(self.look().await, Looked::default(), "{case}: nothing is left to do");
    }
}

fn ada() -> Voter {
    Voter { person: Person::discord(1, "Ada"), roles: Vec::new(), owner: true }
}

#[tokio::test]
async fn a_dropped_file_is_asked_and_its_verdict_told() {
    let mut world = World::new();
    assert_eq!(world.look().await, Looked::default());
    world.put("inbox/a.json", QUESTION);
    assert_eq!(world.look().await.asked, [DecisionId(1)]);
    assert_eq!(world.verdict("a.json"), json!({"id": 1, "revision": 1, "state": "asked", "at": "2026-09-21T14:13:20Z"}));
    assert_eq!(world.look().await, Looked::default(), "once");

    let until = world.handle.now() + TimeDelta::hours(2);
    let decision = world.get(1).await;
    world.handle.defer(decision.id, decision.revision, &ada(), until).await.unwrap();
    world.look().await;
    let said = world.verdict("a.json");
    assert_eq!((&said["state"], &said["by"], &said["until"]), (&json!("deferred"), &json!("Ada"), &json!("2026-09-21T16:13:20Z")));
    assert!(world.there("inbox/a.json"));

    let reason = "Not on a \"Friday\"\u{202E}";
    world.handle.reject(decision.id, decision.revision, &ada(), Surface::Discord, reason).await.unwrap();
    assert_eq!(world.look().await.told, [DecisionId(1)]);
    let said = world.verdict("a.json");
    assert_eq!((&said["state"], &said["verdict"], &said["reason"]), (&json!("resolved"), &json!("rejected"), &json!(reason)));
    assert!(!world.there("inbox/a.json"));
    assert_eq!(world.claims(1).await, 1);
}

#[cfg(unix)]
#[tokio::test]
async fn folders_and_verdicts_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut world = World::new();
    world.look().await;
    world.put("inbox/a.json", QUESTION);
    world.look().await;
    let mode = |file: &str| std::fs::metadata(world.path(file)).unwrap().permissions().mode() & 0o777;
    for folder in ["", "inbox", "verdicts", "refused", "outcomes"] {
        assert_eq!(mode(folder), 0o700, "{folder}");
    }
    assert_eq!(mode("verdicts/a.json"), 0o600);
}

#[tokio::test]
async fn a_changed_file_is_the_next_revision_and_a_removed_one_is_taken_back() {
    let mut world = World::new();
    world.put("inbox/a.json", QUESTION);
    world.look().await;
    world.put("inbox/a.json", r#"{"title": "Deploy both?"}"#);
    assert_eq!(world.look().await.revised, [DecisionId(1)]);
    assert_eq!(world.verdict("a.json")["revision"], 2);

    world.remove("inbox/a.json");
    let looked = world.look().await;
    assert!(looked.unsettled && looked.withdrawn.is_empty(), "it may be being replaced: {looked:?}");
    world.put("inbox/a.json", r#"{"title": "Deploy both?"}"#);
    assert_eq!(world.look_after(2).await, Looked::default());
    world.remove("inbox/a.json");
    world.look().await;
    assert_eq!(world.look_after(2).await.withdrawn, [DecisionId(1)]);
    let said = world.verdict("a.json");
    assert_eq!((&said["state"], &said["reason"]), (&json!("withdrawn"), &json!("its file was taken out of the drop folder")));
    assert_eq!(world.look_after(2).await, Looked::default());
}

#[tokio::test]
async fn a_question_under_another_project_is_another_question() {
    let mut world = World::new();
    world.put("inbox/a.json", QUESTION);
    world.look().await;
    world.put("inbox/a.json", r#"{"title": "Deploy?", "risk": "low", "project": "Shop"}"#);
    let looked = world.look().await;
    assert_eq!((looked.asked, looked.withdrawn), (vec![DecisionId(2)], vec![DecisionId(1)]));
    assert_eq!(world.verdict("a.json")["id"], 2);
    assert_eq!(world.get(2).await.request.project, "shop");
}

#[tokio::test]
async fn the_same_name_again_is_a_new_question_and_no_old_verdict_answers_it() {
    let mut world = World::new();
    world.put("inbox/a.json", QUESTION);
    world.look().await;
    world.approve(1).await;
    world.look().await;
    world.must_be_told("the first").await;
    world.put("inbox/a.json", QUESTION);
    assert_eq!(world.look().await.asked, [DecisionId(2)]);
    assert_eq!((&world.verdict("a.json")["id"], &world.verdict("a.json")["state"]), (&json!(2), &json!("asked")));

    world.approve(2).await;
    world.look().await;
    // An agent that tidies up, and drops the same once more: nothing tells of the old verdicts but the store.
    world.remove("verdicts/a.json");
    world.restart();
    world.put("inbox/a.json", QUESTION);
    assert_eq!(world.look().await.asked, [DecisionId(3)]);
}

#[tokio::test]
async fn a_kill_at_any_step_neither_loses_nor_doubles() {
    /// What a kill leaves behind, by the step it came after.
    type Left = fn(&World);
    let note: Left = |world| world.put("verdicts/.a.json.intent", r#"{"id":1,"state":"resolved","at":"x"}"#);
    let take: Left = |world| std::fs::rename(world.path("inbox/a.json"), world.path("inbox/.a.json.taken")).unwrap();
    let copy: Left = |world| {
        std::fs::copy(world.path("inbox/a.json"), world.path("inbox/.a.json.taken")).unwrap();
    };
    let cases: [(&str, bool, &[Left]); 8] = [
        ("asked, and nobody told", false, &[|world| world.remove("verdicts/a.json")]),
        ("a half of the verdict's file", false, &[|world| world.put("verdicts/.a.json.half", "{")]),
        ("the note cut short", false, &[|world| world.put("verdicts/.a.json.intent", "{\"id\":1,")]),
        ("the note written", false, &[note]),
        ("the question taken", false, &[note, take]),
        ("the verdict claimed", true, &[note, take]),
        ("the verdict claimed, and its agent dropped the same again", true, &[note, copy]),
        ("the question removed", true, &[note, |world| world.remove("inbox/a.json")]),
    ];
    for (case, claimed, left) in cases {
        let mut world = World::new();
        world.put("inbox/a.json", QUESTION);
        world.look().await;
        world.approve(1).await;
        if claimed {
            world.handle.claim(DecisionId(1)).await.unwrap();
        }
        left.iter().for_each(|left| left(&world));
        world.restart();
        assert_eq!(world.look().await.told, [DecisionId(1)], "{case}");
        world.must_be_told(case).await;
    }
}

#[tokio::test]
async fn what_happened_while_nobody_looked_is_told() {
    let mut world = World::new();
    for name in ["a", "b", "c", "d"] {
        world.put(&format!("inbox/{name}.json"), QUESTION);
    }
    world.look().await;
    // Claimed by somebody else; taken back by somebody else; answered, and its file removed; asked anew.
    world.approve(1).await;
    world.handle.claim(DecisionId(1)).await.unwrap();
    world.handle.withdraw(DecisionId(2), "no longer").await.unwrap();
    world.approve(3).await;
    world.remove("inbox/c.json");
    world.approve(4).await;
    world.put("inbox/d.json", r#"{"title": "Another?"}"#);
    world.restart();
    let looked = world.look().await;
    assert_eq!((looked.told.len(), looked.asked), (3, vec![DecisionId(5)]));
    let said = |name: &str| world.verdict(name)["state"].as_str().unwrap().to_owned();
    assert_eq!([said("a.json"), said("b.json"), said("c.json"), said("d.json")], ["resolved", "withdrawn", "resolved", "asked"]);
    assert_eq!(world.verdict("b.json")["reason"], "no longer");
    assert_eq!(world.claims(4).await, 0, "nobody acts on the answer to what is no longer asked");
    assert!(!world.there("inbox/a.json") && !world.there("inbox/b.json") && world.there("inbox/d.json"));
    world.restart();
    assert_eq!(world.look().await, Looked::default());
}

#[tokio::test]
async fn a_folder_that_is_no_longer_configured_asks_nothing_until_it_is_again() {
    let mut world = World::new();
    world.put("inbox/a.json", QUESTION);
    world.look().await;
    let mut none = Inbox::new(&[], &world.path("gander.db"));
    assert_eq!(none.look(&world.handle).await.unwrap().withdrawn, [DecisionId(1)]);
    world.restart();
    assert_eq!(world.look().await.asked, [DecisionId(2)]);
}

#[tokio::test]
async fn what_is_half_written_is_waited_for() {
    let mut world = World::new();
    world.look().await;
    world.put("inbox/a.json", &QUESTION[..10]);
    let looked = world.look_after(4).await;
    assert!(looked.unsettled && looked.refused.is_empty(), "{looked:?}");
    world.put("inbox/a.json", QUESTION);
    assert_eq!(world.look().await.asked, [DecisionId(1)]);

    // Being rewritten is not going away; staying so is.
    world.put("inbox/a.json", "");
    assert_eq!(world.look_after(4).await.withdrawn, []);
    let looked = world.look_after(2).await;
    assert_eq!((looked.withdrawn, looked.refused), (vec![DecisionId(1)], vec!["a.json".to_owned()]));
    assert_eq!(world.verdict("a.json")["state"], "refused");
}

#[tokio::test]
async fn what_is_wrong_is_refused_with_the_reason() {
    let mut refusals = String::new();
    for start in ["bad-", "policy-", "broken-", "twice-"] {
        for (name, bytes) in fixtures(start) {
            let mut world = World::new();
            world.put("inbox/x.json", &bytes);
            std::fs::write(world.temporary.path().join("secret.txt"), "secret").unwrap();
            let looked = world.look_after(6).await;
            assert_eq!((looked.refused, world.count().await), (vec!["x.json".to_owned()], 0), "{name}");
            assert!(!world.there("inbox/x.json"), "{name}");
            assert_eq!(std::fs::read(world.path("refused/x.json")).unwrap(), bytes, "{name}");
            let text = std::fs::read_to_string(world.path("refused/x.txt")).unwrap();
            assert!(text.starts_with("inbox/x.json was not taken.\n\n") && text.contains("gander schema inbox"), "{text}");
            let why = world.verdict("x.json")["reason"].as_str().unwrap().to_owned();
            assert!(text.contains(&why), "{text}");
            assert_eq!(world.look().await, Looked::default(), "{name}");
            refusals += &format!("{name}\n  {why}\n");
        }
    }
    insta::assert_snapshot!(refusals);
}

#[tokio::test]
async fn names_and_things_that_are_no_questions() {
    let mut world = World::new();
    world.look().await;
    for ignored in [".hidden.json", "note.txt", "a.json.tmp", "a.json~"] {
        world.put(&format!("inbox/{ignored}"), QUESTION);
    }
    assert_eq!(world.look_after(9).await, Looked::default());
    let odd = ["two words.json", "naïve.json", "a\nb.json", "semi;colon.json", &format!("{}.json", "x".repeat(200))];
    for name in odd {
        world.put(&format!("inbox/{name}"), QUESTION);
    }
    std::fs::create_dir(world.path("inbox/folder.json")).unwrap();
    world.put("inbox/huge.json", vec![b' '; (8 << 20) + 1]);
    let looked = world.look().await;
    assert_eq!((looked.refused.len(), looked.troubles, world.count().await), (odd.len() + 2, Vec::new(), 0));
    for name in odd.iter().chain(&["folder.json", "huge.json"]) {
        assert!(world.there(&format!("refused/{name}")) && !world.there(&format!("inbox/{name}")), "{name:?}");
    }
    let said = |name: &str| world.verdict(name)["reason"].as_str().unwrap().to_owned();
    assert!(said("folder.json").contains("folder") && said("huge.json").contains("8388608 bytes"));
    // And once more under the same name, where a folder is in the way.
    world.put("inbox/folder.json", "[]");
    assert_eq!(world.look().await.refused, ["folder.json"]);
    assert!(world.there("refused/folder.1.json") && world.there("refused/folder.1.txt"));
}

#[cfg(unix)]
#[tokio::test]
async fn links_and_pipes_are_refused_and_not_followed() {
    use std::os::unix::ffi::OsStrExt as _;
    let mut world = World::new();
    world.look().await;
    std::fs::write(world.temporary.path().join("elsewhere.json"), QUESTION).unwrap();
    std::os::unix::fs::symlink("../../elsewhere.json", world.path("inbox/link.json")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(world.path("inbox/pipe.json")).status().unwrap().success());
    std::fs::write(world.path("inbox").join(std::ffi::OsStr::from_bytes(b"\xff.json")), QUESTION).unwrap();
    // What is written goes nowhere else either.
    for trap in ["verdicts/.a.json.half", "verdicts/a.json", "refused/.refusal.half"] {
        std::os::unix::fs::symlink("../../elsewhere.json", world.path(trap)).unwrap();
    }
    world.put("inbox/a.json", QUESTION);
    let looked = world.look().await;
    assert_eq!((looked.refused.len(), looked.asked.len(), looked.troubles), (3, 1, Vec::new()));
    assert_eq!(std::fs::read_to_string(world.temporary.path().join("elsewhere.json")).unwrap(), QUESTION);
    assert!(std::fs::symlink_metadata(world.path("verdicts/a.json")).unwrap().is_file());
}

#[cfg(unix)]
#[tokio::test]
async fn attached_files_are_kept_and_come_from_inside() {
    let mut world = World::new();
    world.look().await;
    world.put("files/shot.png", "picture");
    std::fs::write(world.temporary.path().join("secret.txt"), "secret").unwrap();
    std::os::unix::fs::symlink("../../secret.txt", world.path("files/innocent.txt")).unwrap();
    world.put("inbox/out.json", r#"{"title": "Deploy?", "attachments": ["files/innocent.txt"]}"#);
    world.put("inbox/a.json", r#"{"title": "Deploy?", "attachments": ["files/shot.png"]}"#);
    let looked = world.look().await;
    assert_eq!((looked.refused, looked.asked), (vec!["out.json".to_owned()], vec![DecisionId(1)]));
    let kept = world.get(1).await.request.attachments;
    assert_eq!((kept[0].name.as_str(), std::fs::read(&kept[0].path).unwrap()), ("shot.png", b"picture".to_vec()));

    world.put("files/shot.png", "another picture");
    assert_eq!(world.look().await.revised, [DecisionId(1)], "another picture is another question");
    world.remove("files/shot.png");
    world.restart();
    assert_eq!(world.look().await, Looked::default(), "an agent may tidy up once it has asked");
}

#[tokio::test]
async fn what_cannot_be_written_is_tried_again() {
    let mut world = World::new();
    world.put("inbox/a.json", QUESTION);
    world.look().await;
    world.remove("verdicts/a.json");
    std::fs::create_dir_all(world.path("verdicts/a.json/in the way")).unwrap();
    world.approve(1).await;
    let looked = world.look().await;
    assert_eq!((looked.told, looked.troubles.len()), (Vec::new(), 1));
    assert_eq!(world.look().await.troubles.len(), 1);
    world.restart();
    assert_eq!(world.look().await.troubles.len(), 1);
    std::fs::remove_dir_all(world.path("verdicts/a.json")).unwrap();
    assert_eq!(world.look().await.told, [DecisionId(1)]);
    world.must_be_told("a disk that failed for a while").await;
}

#[tokio::test]
async fn an_agent_says_how_it_went() {
    let mut world = World::new();
    world.put("inbox/a.json", QUESTION);
    world.look().await;
    let report = |text: &str| format!(r#"{{"outcome": "failed", "text": "{text}"}}"#);
    world.put("outcomes/a.json", report("too early"));
    assert_eq!(world.look().await.refused, ["a.json"]);
    let why = std::fs::read_to_string(world.path("refused/a.txt")).unwrap();
    assert!(why.contains("outcomes/a.json was not taken") && why.contains("#1: it has no verdict yet"), "{why}");

    world.approve(1).await;
    world.look().await;
    world.put("outcomes/a.json", report("out of memory"));
    assert_eq!(world.look().await.reported, [DecisionId(1)]);
    assert!(!world.there("outcomes/a.json"));
    let State::Resolved(resolved) = world.get(1).await.state else { panic!("it is answered") };
    assert_eq!(resolved.reported.unwrap().text, "out of memory");
    for (file, text, words) in [
        ("outcomes/b.json", report("x"), "nothing was asked under this name"),
        ("outcomes/a.json", r#"{"outcome": "succeded"}"#.to_owned(), "did you mean `succeeded`?"),
        ("outcomes/a.json", r#"{"outcome": "failed", "id": 9}"#.to_owned(), "nothing was asked under this name as #9"),
    ] {
        world.put(file, text);
        assert_eq!(world.look().await.refused.len(), 1);
        let why = std::fs::read_to_string(world.path(&file.replace("outcomes", "refused")).with_extension("txt")).unwrap();
        assert!(why.contains(words), "{why}");
    }
}

#[test]
fn the_schemas_are_those_of_the_program() {
    for (name, generated) in
        [("inbox", paper::question_schema()), ("verdict", paper::verdict_schema()), ("outcome", paper::outcome_schema())]
    {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schema/{name}.json"));
        let committed = std::fs::read_to_string(path).unwrap();
        assert_eq!(committed, generated, "write it anew: gander schema {name} > schema/{name}.json");
    }
}

#[tokio::test]
async fn the_schema_and_the_program_agree() {
    let schema: Value = serde_json::from_str(&paper::question_schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let parsed = |bytes: &[u8]| -> Value { serde_json::from_slice(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)).unwrap() };
    for (name, bytes) in fixtures("good-") {
        let mut world = World::new();
        world.put("inbox/x.json", &bytes);
        assert_eq!(world.look().await.asked.len(), 1, "{name}");
        let errors: Vec<String> = validator.iter_errors(&parsed(&bytes)).map(|error| error.to_string()).collect();
        assert_eq!(errors, [""; 0], "{name}");
    }
    // That the program refuses them too is another test above.
    for (name, bytes) in fixtures("bad-") {
        assert!(!validator.is_valid(&parsed(&bytes)), "{name}");
    }
    for (name, bytes) in fixtures("policy-") {
        assert!(validator.is_valid(&parsed(&bytes)), "{name}: only policy or the disk refuses it");
    }
}

#[tokio::test]
async fn every_verdict_file_fits_its_schema() {
    let schema: Value = serde_json::from_str(&paper::verdict_schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut world = World::new();
    for (name, bytes) in fixtures("good-").into_iter().chain(fixtures("bad-")) {
        world.put(&format!("inbox/{name}"), bytes);
    }
    let asked = world.look().await.asked;
    for (name, _) in fixtures("good-").into_iter().chain(fixtures("bad-")) {
        assert!(validator.is_valid(&world.verdict(&name)), "{name}");
    }
    for id in asked {
        let decision = world.handle.get(id).await.unwrap();
        world.handle.reject(id, decision.revision, &ada(), Surface::Discord, "no").await.unwrap();
    }
    world.look().await;
    for (name, _) in fixtures("good-") {
        let said = world.verdict(&name);
        assert!(validator.is_valid(&said) && said["verdict"] == "rejected", "{said}");
    }
}

/// Waits until the store says so. The handle's hints tell when to look.
async fn until(handle: &Handle, what: &str, holds: impl Fn(&[Decision]) -> bool) {
    let mut hints = handle.hints();
    let waited = tokio::time::timeout(LIMIT, async {
        loop {
            hints.mark_unchanged();
            if holds(&handle.list(Filter::default()).await.unwrap()) {
                return;
            }
            hints.changed().await.unwrap();
        }
    });
    waited.await.unwrap_or_else(|_| panic!("{what}: not within {LIMIT:?}"));
}

#[tokio::test]
async fn while_it_runs_everything_is_noticed() {
    let mut world = World::new();
    world.look().await;
    let running = tokio::spawn(run(world.handle.clone(), vec![world.folder()], world.temporary.path().join("gander.db")));
    world.put("inbox/.a.json.new", QUESTION);
    std::fs::rename(world.path("inbox/.a.json.new"), world.path("inbox/a.json")).unwrap();
    until(&world.handle, "a file that is dropped", |all| all.len() == 1).await;
    world.approve(1).await;
    let claimed = |all: &[Decision]| matches!(&all[0].state, State::Resolved(resolved) if resolved.claimed_at.is_some());
    until(&world.handle, "a verdict", claimed).await;
    running.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bot_serves_it_through_a_kill() {
    let (sandbox, home) = (sandbox().await, Home::new());
    home.configure("time_zone = \"UTC\"\n[[inbox]]\npath = \"drop\"\nproject = \"shop\"\n");
    let inbox = home.path().join("drop/inbox");
    std::fs::create_dir_all(&inbox).unwrap();
    std::fs::write(inbox.join("deploy-7.json"), QUESTION).unwrap();
    let bot = home.serving(&sandbox).await;
    let card = open_card(&sandbox, 1).await;
    bot.kill().await;
    std::fs::write(inbox.join("deploy-8.json"), QUESTION).unwrap();
    home.run(&["withdraw", "1", "--reason", "the build is broken"]).await.must(0, &["withdrawn"]);
    drop(card);

    let bot = home.serving(&sandbox).await;
    let card = open_card(&sandbox, 2).await;
    assert!(click(&sandbox.user("maya").unwrap(), &card, "approve").await.ok);
    bot.err.line("the drop folder has the verdict decision=2").await;
    let verdict = |name: &str| -> Value {
        serde_json::from_slice(&std::fs::read(home.path().join("drop/verdicts").join(name)).unwrap()).unwrap()
    };
    assert_eq!((&verdict("deploy-7.json")["state"], &verdict("deploy-8.json")["by"]), (&json!("withdrawn"), &json!("Maya")));
    assert_eq!(std::fs::read_dir(&inbox).unwrap().count(), 0);
    assert_eq!(home.run(&["show", "2", "--json"]).await.json()["decision"]["request"]["project"], "shop");
}
