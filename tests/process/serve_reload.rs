//! The configuration while the bot runs: what is valid holds at once, what is not changes nothing
//! and is said.

use discord_sandbox::{Outcome, Person, Sandbox};

use crate::common::cards::{card_that, click, open_card};
use crate::common::process::{Home, LIMIT, Program, id_of, sandbox};

const HOLDS: &str = "the new configuration is in use";
const KEPT: &str = "the configuration is invalid";
const WRONG: &str = "⚠️ **Gander's configuration is invalid";
const MENDED: &str = "✅ **Fixed**";

/// Replaces the file as editors do: by a rename.
fn replace(home: &Home, toml: &str) {
    let new = home.path().join("gander.toml.new");
    std::fs::write(&new, toml).unwrap();
    std::fs::rename(new, home.config()).unwrap();
}

/// Waits for the nth line with these words.
async fn times(bot: &Program, words: &str, count: usize) {
    let is = |said: &str| said.lines().filter(|line| line.contains(words)).count() >= count;
    bot.err.until(&format!("{count} lines with {words:?}"), is).await;
}

/// Messages in the usual channel that begin so.
fn notices(sandbox: &Sandbox, beginning: &str) -> Vec<String> {
    let view = sandbox.view("maya").unwrap();
    let messages = view.channels.iter().flat_map(|channel| &channel.messages);
    let words = messages.filter_map(|message| message["content"].as_str());
    words.filter(|words| words.starts_with(beginning)).map(ToOwned::to_owned).collect()
}

async fn notices_become(sandbox: &Sandbox, wrong: usize, mended: usize) {
    let counts =
        |sandbox: &Sandbox| (notices(sandbox, WRONG).len(), notices(sandbox, MENDED).len());
    let waited = sandbox
        .wait_for("the notices", LIMIT, |sandbox| {
            (counts(sandbox) == (wrong, mended)).then_some(())
        })
        .await;
    assert!(waited.is_ok(), "{:?} instead of {:?}", counts(sandbox), (wrong, mended));
}

async fn approve(person: &Person, sandbox: &Sandbox, number: i64) -> Outcome {
    click(person, &open_card(sandbox, number).await, "approve").await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approver_added_by_role_decides_with_the_next_click() {
    let (sandbox, home) = (sandbox().await, Home::new());
    home.configure(&format!("[[approvers]]\nusers = [{}]\n", id_of(&sandbox, "maya")));
    let bot = home.serving(&sandbox).await;
    let agent = Program::start(home.gander(&["ask", "Deploy?", "--wait"]));
    let jonas = sandbox.user("jonas").unwrap();
    let told = approve(&jonas, &sandbox, 1).await;
    assert!(told.is_ephemeral(), "{told:?}");
    home.run(&["show", "1"]).await.must(0, &["waits for an answer"]);

    replace(&home, "[[approvers]]\nroles = [\"Approvers\"]\n");
    bot.err.line(HOLDS).await;
    let told = approve(&sandbox.user("maya").unwrap(), &sandbox, 1).await;
    assert!(
        told.is_ephemeral() && told.content().contains("Approvers"),
        "who was taken out may no more: {told:?}"
    );
    assert!(approve(&jonas, &sandbox, 1).await.ok);
    agent.ended().await.must(0, &["approved by Jonas"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_keeps_what_was_said_before_and_is_said_once_until_it_is_mended() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let mine = format!("[[approvers]]\nusers = [{}]\n", id_of(&sandbox, "maya"));
    home.configure(&mine);
    let bot = home.serving(&sandbox).await;
    home.run(&["ask", "Deploy?"]).await.must(0, &[]);

    replace(&home, "[[approvers]]\nroles = [\"Approvers\"]\nusres = [1]\n");
    bot.err.line(KEPT).await;
    notices_become(&sandbox, 1, 0).await;
    let said = notices(&sandbox, WRONG).remove(0);
    assert!(
        !said.contains(home.path().to_str().unwrap()),
        "where the file lies is nobody's business: {said}"
    );
    insta::assert_snapshot!(said, @r"
    ⚠️ **Gander's configuration is invalid. The previous configuration stays in use.**
    > gander.toml:3: unknown field \`usres\`: did you mean \`users\`?
    -# Correct the file and save it; Gander reads it again automatically. `gander doctor` shows details.
    ");
    home.run(&["status"]).await.must(2, &["gander.toml:3"]);
    let told = approve(&sandbox.user("jonas").unwrap(), &sandbox, 1).await;
    assert!(told.is_ephemeral(), "the old rules hold: {told:?}");

    // The same mistake saved again is no news; another one is.
    replace(&home, "[[approvers]]\nroles = [\"Approvers\"]\nusres = [1]\n# and a remark\n");
    times(&bot, KEPT, 2).await;
    replace(&home, "time_zone = \"Mars\"\n");
    times(&bot, KEPT, 3).await;
    notices_become(&sandbox, 1, 1).await;
    assert!(notices(&sandbox, WRONG)[0].contains("\"Mars\" is not a time zone"));

    replace(&home, &mine);
    bot.err.line(HOLDS).await;
    notices_become(&sandbox, 0, 2).await;
    let said = home.said_until(&["status"], |said| !said.contains('✘')).await;
    assert!(said.contains("1 decision waits"), "{said}");
    assert!(approve(&sandbox.user("maya").unwrap(), &sandbox, 1).await.ok);
    home.run(&["wait", "1"]).await.must(0, &["approved by Maya"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_a_restart_left_behind_is_mended() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let bot = home.serving(&sandbox).await;
    replace(&home, "time_zone = \"Mars\"\n");
    notices_become(&sandbox, 1, 0).await;
    bot.kill().await;
    // With the mistake it does not start, and says why.
    Program::start(home.serve(&sandbox))
        .ended()
        .await
        .must(2, &["gander.toml:1: \"Mars\" is not a time zone"]);
    assert_eq!(notices(&sandbox, WRONG).len(), 1);
    replace(&home, "time_zone = \"UTC\"\n");
    let _bot = home.serving(&sandbox).await;
    notices_become(&sandbox, 0, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_half_written_emptied_or_deleted_changes_nothing() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let jonas_too = "[[approvers]]\nroles = [\"Approvers\"]\n";
    home.configure(jonas_too);
    let bot = home.serving(&sandbox).await;
    for (nth, (toml, words)) in [
        (Some("[[approvers]]\nroles = [\"Appro"), "gander.toml:2:"),
        (
            Some(""),
            "gander.toml: it is empty, which would make the application's owner the only approver",
        ),
        (None, "gander.toml: it is missing"),
    ]
    .into_iter()
    .enumerate()
    {
        match toml {
            // Not by a rename: as a program that was interrupted would leave it.
            Some(toml) => home.configure(toml),
            None => std::fs::remove_file(home.config()).unwrap(),
        }
        let number = i64::try_from(nth).unwrap() + 1;
        times(&bot, KEPT, nth + 1).await;
        notices_become(&sandbox, 1, nth).await;
        let said = notices(&sandbox, WRONG).remove(0);
        assert!(said.contains(words), "{said}");
        // Asked without the configuration: a command would only say what is wrong with it.
        let mut ask = home.bare(&["ask", "Deploy?", "--store"]);
        ask.arg(home.store());
        Program::start(ask).ended().await.must(0, &[]);
        let told = approve(&sandbox.user("maya").unwrap(), &sandbox, number).await;
        assert!(told.is_ephemeral() && told.content().contains("Approvers"), "{told:?}");
        assert!(approve(&sandbox.user("jonas").unwrap(), &sandbox, number).await.ok);
    }
    home.configure(jonas_too);
    bot.err.line(HOLDS).await;
    notices_become(&sandbox, 0, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn open_decisions_channels_and_watched_folders_follow_at_once() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let bot = home.serving(&sandbox).await;
    home.run(&["ask", "Deploy?", "--project", "web-shop", "--risk", "low"]).await.must(0, &[]);
    card_that(&sandbox, 1, "tells of low risk", |card| card.0.to_string().contains("low risk"))
        .await;
    let project = home.path().join("shop");
    let worktree = project.join(".agents/worktrees/one");
    std::fs::create_dir_all(&worktree).unwrap();
    let task = r#"{"taskId":"t1","taskDescription":"Blue or green?","status":"needs-review","humanActionRequired":true}"#;
    std::fs::write(worktree.join(".agent-task.json"), task).unwrap();
    let watched = format!(
        "store = \"{}\"\n[projects.web-shop]\nrisk = \"high\"\nchannel = \"general\"\n[[watch]]\n\
         path = \"shop\"\n",
        home.store().display()
    );
    replace(&home, &watched);
    bot.err.line("store in gander.toml has changed: restart gander serve to apply it").await;
    bot.err.line(HOLDS).await;
    card_that(&sandbox, 1, "tells of high risk", |card| card.0.to_string().contains("high risk"))
        .await;
    open_card(&sandbox, 2).await;
    home.run(&["show", "2"]).await.must(0, &["needs-review"]);
    home.run(&["ask", "Again?", "--project", "web-shop"]).await.must(0, &[]);
    open_card(&sandbox, 3).await;
    let view = sandbox.view("maya").unwrap();
    let general = view.channels.iter().find(|channel| channel.name == "general").unwrap();
    assert!(
        general.messages.iter().any(|message| message["content"].to_string().contains("Again?")),
        "{general:#?}"
    );
    home.said_until(&["status"], |said| said.contains("⚠ store in gander.toml has changed")).await;

    // What is watched no longer is withdrawn.
    replace(&home, "time_zone = \"UTC\"\n");
    card_that(&sandbox, 2, "is withdrawn", |card| card.control("approve").is_none()).await;
    home.run(&["wait", "2"]).await.must(75, &["withdrawn"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_had_no_place_is_posted_as_soon_as_it_has_one() {
    let (sandbox, home) = (sandbox().await, Home::new());
    home.configure("[projects.web-shop]\nchannel = \"nowhere\"\n");
    let bot = home.serving(&sandbox).await;
    home.run(&["ask", "Deploy?", "--project", "web-shop"]).await.must(0, &[]);
    bot.err.line("card not posted yet").await;
    replace(&home, "[projects.web-shop]\nchannel = \"decisions\"\n");
    open_card(&sandbox, 1).await;
    home.said_until(&["status"], |said| !said.contains('✘')).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sighup_reads_it_again_and_ends_nothing() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let mut bot = home.serving(&sandbox).await;
    bot.signal("HUP").await;
    bot.err.line("SIGHUP: reading the configuration").await;
    replace(&home, "time_zone = \"Europe/Berlin\"\n");
    bot.signal("HUP").await;
    bot.err.line(HOLDS).await;
    assert!(bot.is_running());
    bot.signal("TERM").await;
    bot.ended().await.must(0, &[]);
}
