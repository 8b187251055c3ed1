//! The store at its worst: locked, full, read-only, truncated, not a store at all.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use discord_sandbox::Sandbox;
use gander::store::StoreError;
use rusqlite::{Connection, TransactionBehavior};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::common::cards::{card_that, click, open_card};
use crate::common::process::{Ended, Home, Program, copy_program, sandbox};
use crate::common::tools;

/// Waits until Maya is told this, in a message that only she sees.
async fn told(sandbox: &Sandbox, words: &str) {
    let messages = |sandbox: &Sandbox| -> Vec<String> {
        let view = sandbox.view("maya").unwrap();
        let private = view
            .channels
            .iter()
            .flat_map(|channel| &channel.messages)
            .filter(|message| message["flags"] == 64);
        private.map(|message| message["content"].to_string()).collect()
    };
    let found = |sandbox: &Sandbox| {
        messages(sandbox).iter().any(|content| content.contains(words)).then_some(())
    };
    let waited = sandbox.wait_for(words, crate::common::process::LIMIT, found).await;
    assert!(waited.is_ok(), "Maya was not told {words:?}, but {:?}", messages(sandbox));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_locked_for_ten_seconds_delays_questions_and_loses_none() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let bot = home.serving(&sandbox).await;
    home.run(&["ask", "Deploy?"]).await.must(0, &["1\n"]);
    let card = open_card(&sandbox, 1).await;
    let mut other = Connection::open(home.store()).unwrap();
    let held = other.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    let asking: Vec<Program> = (0..3)
        .map(|n| Program::start(home.gander(&["ask", "Meanwhile?", "--project", &format!("p{n}")])))
        .collect();

    let clicked = click(&sandbox.user("maya").unwrap(), &card, "approve").await;
    assert!(clicked.ok, "{clicked:?}");
    told(&sandbox, "the store is locked by another process; nothing was written, try again").await;
    home.run(&["show", "1"]).await.must(0, &["waits for an answer"]);
    home.run(&["attention"]).await.must(0, &["Deploy?"]);
    // The condition itself, not a wait for something.
    tokio::time::sleep(Duration::from_secs(10)).await;
    drop(held);

    let mut numbers = Vec::new();
    for asked in asking {
        let ended = asked.ended().await;
        ended.must(0, &[]);
        numbers.push(ended.out.trim().parse::<i64>().unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, [2, 3, 4], "each was filed once");
    assert!(click(&sandbox.user("maya").unwrap(), &card, "approve").await.ok);
    home.run(&["wait", "1"]).await.must(0, &["approved by Maya"]);
    card_that(&sandbox, 1, "is decided", |card| card.control("approve").is_none()).await;
    open_card(&sandbox, 4).await;
    home.run(&["audit", "verify"]).await.must(0, &[]);
    drop(bot);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_stays_locked_is_named_and_nothing_is_filed() {
    let home = Home::new();
    home.run(&["ask", "Deploy?"]).await.must(0, &[]);
    let mut other = Connection::open(home.store()).unwrap();
    let held = other.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    home.run(&["ask", "Again?"])
        .await
        .must(75, &["locked by another process", "nothing was written, try again"]);
    drop(held);
    home.run(&["ask", "Again?"]).await.must(0, &["2\n"]);
}

/// A file system of its own, in a namespace that ends with the test: nothing of it is ever left
/// behind.
struct Mount {
    keeper: Child,
    folder: PathBuf,
}

impl Mount {
    /// So large. None where this is not allowed, which is said.
    async fn new(home: &Home, size: &str) -> Option<Self> {
        let folder = home.path().join("small");
        std::fs::create_dir(&folder).unwrap();
        let mount =
            r#"mount -t tmpfs -o size="$0",mode=700 small "$1" && echo mounted && exec cat"#;
        let mut keeper = Command::new("unshare");
        keeper.args(["--user", "--map-root-user", "--mount", "sh", "-c", mount, size]).arg(&folder);
        keeper.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mounted = match keeper.spawn() {
            Ok(mut keeper) => {
                let mut said = BufReader::new(keeper.stdout.take().unwrap()).lines();
                (said.next_line().await.unwrap().as_deref() == Some("mounted")).then_some(keeper)
            }
            Err(_) => None,
        };
        let what = "a file system that can be mounted, if only in a namespace of its own,";
        tools::is_there(what, mounted.is_some(), tools::TOOLS);
        mounted.map(|keeper| Self { keeper, folder })
    }

    fn store(&self) -> PathBuf {
        self.folder.join("gander.db")
    }

    /// A command as it runs in there.
    fn within(&self, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command.arg("--target").arg(self.keeper.id().unwrap().to_string());
        command.args(["--user", "--preserve-credentials", "--mount"]).arg(program);
        command
    }

    /// The program on the store in there.
    fn gander(&self, home: &Home, args: &[&str]) -> Command {
        let mut command = self.within(Path::new(env!("CARGO_BIN_EXE_gander")));
        command.args(args).arg("--store").arg(self.store()).arg("--config").arg(home.config());
        command.current_dir(home.work()).env_clear().env("HOME", home.path());
        command
    }

    async fn run(&self, home: &Home, args: &[&str]) -> Ended {
        Program::start(self.gander(home, args)).ended().await
    }

    async fn remount(&self, options: &str) {
        let mut mount = self.within(Path::new("mount"));
        mount.args(["-o", &format!("remount,{options}"), "small"]).arg(&self.folder);
        assert!(mount.status().await.unwrap().success(), "remount {options}");
    }
}

/// The bot on the store in there.
async fn serving(mount: &Mount, home: &Home, sandbox: &Sandbox) -> Program {
    let addresses = sandbox.addresses();
    let mut serve = mount.gander(home, &["serve"]);
    serve
        .env("DISCORD_TOKEN", &addresses.token)
        .env("GANDER_DISCORD_API", &addresses.tls)
        .env("GANDER_DISCORD_CA", &addresses.ca);
    let bot = Program::start(serve);
    bot.err.line("the gateway is ready").await;
    bot
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_named_nothing_is_lost_and_room_is_all_it_needs() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let Some(mount) = Mount::new(&home, "3m").await else { return };
    let bot = serving(&mount, &home, &sandbox).await;
    mount.run(&home, &["ask", "Deploy?"]).await.must(0, &["1\n"]);
    let card = open_card(&sandbox, 1).await;
    let plan = home.work().join("plan.md");
    std::fs::write(&plan, "A long plan. ".repeat(10_000)).unwrap();
    let ask = ["ask", "Long?", "--body-file", plan.to_str().unwrap()];
    let mut filed = 1;
    let mut last = None;
    // Ever shorter, for what is too long may leave room for less: until not even a verdict fits.
    for length in [10_000, 1_000, 1] {
        std::fs::write(&plan, "A long plan. ".repeat(length)).unwrap();
        loop {
            let ended = mount.run(&home, &ask).await;
            if ended.code != Some(0) {
                last = Some(ended);
                break;
            }
            filed += 1;
            assert!(filed < 1_000, "the disk never was full");
        }
        // What is left beside the store's own files.
        let fill = r#"cat /dev/zero >> "$0" 2>/dev/null; true"#;
        let mut filler = mount.within(Path::new("sh"));
        assert!(
            filler
                .args(["-c", fill])
                .arg(mount.folder.join("filler"))
                .status()
                .await
                .unwrap()
                .success()
        );
    }
    let refused = last.unwrap();
    println!("{filed} questions fit on the small disk, then: {}", refused.err.trim());
    refused.must(
        70,
        &["the disk with the store is full; nothing was written. Free some space and try again"],
    );
    click(&sandbox.user("maya").unwrap(), &card, "approve").await;
    told(&sandbox, "the disk with the store is full; nothing was written").await;
    mount.run(&home, &["show", "1"]).await.must(0, &["waits for an answer"]);

    mount.run(&home, &["attention", "--json"]).await.must(0, &["Long?"]);
    mount.run(&home, &["show", "2"]).await.must(0, &["A long plan."]);
    mount
        .run(&home, &["audit", "verify"])
        .await
        .must(0, &["The hash chain is intact", &format!("{filed} decisions match the log")]);

    mount.remount("size=16m").await;
    mount.run(&home, &ask).await.must(0, &[&format!("{}\n", filed + 1)]);
    assert!(click(&sandbox.user("maya").unwrap(), &card, "approve").await.ok);
    mount.run(&home, &["wait", "1"]).await.must(0, &["approved by Maya"]);
    card_that(&sandbox, 1, "is decided", |card| card.control("approve").is_none()).await;
    open_card(&sandbox, filed + 1).await;
    drop(bot);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_written_can_be_read() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let Some(mount) = Mount::new(&home, "8m").await else { return };
    mount.run(&home, &["ask", "Deploy?"]).await.must(0, &["1\n"]);
    mount.remount("ro").await;
    mount.run(&home, &["show", "1"]).await.must(0, &["Deploy?", "waits for an answer"]);
    mount.run(&home, &["attention"]).await.must(0, &["Deploy?"]);
    mount.run(&home, &["events"]).await.must(0, &["asked by agent: Deploy?"]);
    mount.run(&home, &["audit", "verify"]).await.must(0, &["The hash chain is intact"]);
    mount.run(&home, &["audit", "export"]).await.must(0, &["\"seq\":1"]);
    mount
        .run(&home, &["prune", "--older-than", "90d", "--dry-run"])
        .await
        .must(0, &["would prune 0"]);
    let backup = home.path().join("backup.db");
    mount.run(&home, &["backup", backup.to_str().unwrap()]).await.must(0, &["1 decisions"]);
    for writing in [&["ask", "Again?"][..], &["prune", "--older-than", "90d"], &["wait", "1"]] {
        mount.run(&home, writing).await.must(
            70,
            &["the store cannot be written: it is read-only", "Check the permissions", "gander.db"],
        );
    }
    let addresses = sandbox.addresses();
    let mut serve = mount.gander(&home, &["serve"]);
    serve
        .env("DISCORD_TOKEN", &addresses.token)
        .env("GANDER_DISCORD_API", &addresses.tls)
        .env("GANDER_DISCORD_CA", &addresses.ca);
    Program::start(serve)
        .ended()
        .await
        .must(1, &["cannot use the lock file", "Check the folder's permissions"]);
    mount.remount("rw").await;
    mount.run(&home, &["ask", "Again?"]).await.must(0, &["2\n"]);
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

#[tokio::test]
async fn a_file_without_the_right_to_write_can_be_read() {
    use std::os::unix::fs::{PermissionsExt as _, chown};
    const NOBODY: u32 = 65_534;
    let home = Home::new();
    home.run(&["ask", "Deploy?"]).await.must(0, &["1\n"]);
    std::fs::set_permissions(home.store(), std::fs::Permissions::from_mode(0o400)).unwrap();
    let program = home.path().join("gander-of-somebody-else");
    if is_root() {
        // Root may write whatever the permissions say: it is done as somebody else, who may not
        // enter the folder of the build.
        copy_program(&program).await;
        for entry in std::fs::read_dir(home.path()).unwrap() {
            chown(entry.unwrap().path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        chown(home.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let run = |args: &'static [&'static str]| {
        let mut command = home.gander(args);
        if is_root() {
            let usual = std::mem::replace(&mut command, tokio::process::Command::new(&program));
            command
                .args(usual.as_std().get_args())
                .current_dir(home.work())
                .env_clear()
                .uid(NOBODY)
                .gid(NOBODY);
            for (name, value) in usual.as_std().get_envs() {
                match value {
                    Some(value) => command.env(name, value),
                    None => command.env_remove(name),
                };
            }
        }
        Program::start(command).ended()
    };
    run(&["show", "1"]).await.must(0, &["Deploy?"]);
    run(&["attention"]).await.must(0, &["Deploy?"]);
    run(&["audit", "verify"]).await.must(0, &["The hash chain is intact"]);
    run(&["ask", "Again?"]).await.must(70, &["it is read-only", "gander.db"]);
    std::fs::set_permissions(home.store(), std::fs::Permissions::from_mode(0o600)).unwrap();
    run(&["ask", "Again?"]).await.must(0, &["2\n"]);
}

#[tokio::test]
async fn what_is_no_store_is_refused_and_left_as_it_is() {
    let home = Home::new();
    home.run(&["ask", "Deploy?", "--observation", &"long ".repeat(2_000)]).await.must(0, &[]);
    let whole = std::fs::read(home.store()).unwrap();
    let half = whole[..whole.len() / 2].to_vec();
    let mut torn = whole.clone();
    torn[..16].copy_from_slice(b"not a database!!");
    for (case, bytes, says) in [
        ("half of it", half, "malformed"),
        (
            "another file",
            b"Dear diary, today I let an agent deploy. ".repeat(200),
            "it is not a database",
        ),
        ("a torn header", torn, "it is not a database"),
        ("nothing", Vec::new(), "it is empty, although it contained decisions"),
    ] {
        std::fs::write(home.store(), &bytes).unwrap();
        for command in [&["ask", "Again?"][..], &["audit", "verify"], &["backup", "elsewhere.db"]] {
            let ended = home.run(command).await;
            assert_ne!(ended.code, Some(0), "{case}: {ended:#?}");
            assert!(
                ended.err.contains(says) || ended.out.contains(says),
                "{case}: {says:?} is missing in {ended:#?}"
            );
            assert!(
                ended.err.contains("backup") || ended.out.contains("backup"),
                "{case}, what to do: {ended:#?}"
            );
        }
        assert_eq!(std::fs::read(home.store()).unwrap(), bytes, "{case}: it was not touched");
        assert!(!home.work().join("elsewhere.db").exists());
    }
    std::fs::remove_file(home.store()).unwrap();
    let others = Connection::open(home.store()).unwrap();
    others.execute_batch("CREATE TABLE recipe (name TEXT)").unwrap();
    home.run(&["ask", "Again?"]).await.must(70, &["not a Gander store", "--store"]);
    let tables: i64 =
        others.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 1, "nothing was put into it");
    std::fs::write(home.store(), &whole).unwrap();
    home.run(&["audit", "verify"]).await.must(0, &["1 decision matches the log"]);
}

#[test]
fn the_words_for_what_is_wrong_say_what_to_do() {
    let words = [StoreError::Busy, StoreError::Full, StoreError::ReadOnly("/x/gander.db".into())]
        .map(|error| error.to_string());
    insta::assert_snapshot!("store_errors", words.join("\n"));
}
