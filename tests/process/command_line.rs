//! The command line as agents and scripts use it: exit statuses, what stands on which stream, and
//! JSON.

use serde_json::Value;

use crate::common::cards::{card_that, cards, click, defer, open_card, reject};
use crate::common::process::{Home, Program, sandbox};

#[tokio::test(flavor = "multi_thread")]
async fn approve_ends_the_wait_with_0() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let _bot = home.serving(&sandbox).await;
    let agent = Program::start(home.gander(&["ask", "Deploy?", "--wait"]));
    let card = open_card(&sandbox, 1).await;
    assert!(click(&sandbox.user("maya").unwrap(), &card, "approve").await.ok);
    let ended = agent.ended().await;
    ended.must(0, &[]);
    assert_eq!(ended.out, "1\napproved by Maya\n");
    assert!(ended.err.contains("waiting for a person to decide #1"), "{ended:#?}");
    card_that(&sandbox, 1, "tells that the agent went on", |card| {
        card.control("approve").is_none()
            && card.fields().iter().any(|(name, text)| {
                *name == "✅ Approved" && text.contains("The agent picked it up")
            })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reject_ends_the_wait_with_1_and_the_reason() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let _bot = home.serving(&sandbox).await;
    let maya = sandbox.user("maya").unwrap();
    let agent = Program::start(home.gander(&["ask", "Deploy?", "--wait"]));
    assert!(reject(&maya, &open_card(&sandbox, 1).await, "Not on a Friday").await.ok);
    let ended = agent.ended().await;
    ended.must(1, &[]);
    assert_eq!(ended.out, "1\nrejected by Maya: Not on a Friday\n");

    let agent = Program::start(home.gander(&["ask", "Again?", "--wait", "--json"]));
    assert!(reject(&maya, &open_card(&sandbox, 2).await, "Still Friday").await.ok);
    let ended = agent.ended().await;
    ended.must(1, &[]);
    let report = ended.json();
    assert_eq!(
        (&report["id"], &report["outcome"], &report["reason"], &report["by"]),
        (&2.into(), &"rejected".into(), &"Still Friday".into(), &"Maya".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deferral_ends_the_wait_with_75() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let _bot = home.serving(&sandbox).await;
    let agent = Program::start(home.gander(&["ask", "Deploy?", "--wait"]));
    let card = open_card(&sandbox, 1).await;
    let maya = sandbox.user("maya").unwrap();
    assert!(defer(&maya, &card, "2h").await.ok);
    let ended = agent.ended().await;
    ended.must(75, &[]);
    assert!(
        ended.out.contains("deferred by Maya until ") && ended.out.contains("wait for #1 again"),
        "{ended:#?}"
    );
    // Whoever asks again learns the same, and in JSON until when.
    let again = home.run(&["wait", "1", "--json"]).await;
    again.must(75, &[]);
    assert_eq!(again.json()["outcome"], "deferred");
    assert_eq!(again.json()["decision"]["state"]["state"], "deferred");
}

#[tokio::test]
async fn a_wait_that_nobody_answers_ends_with_75() {
    let home = Home::new();
    let ended = home.run(&["ask", "Deploy?", "--wait", "--timeout", "1s"]).await;
    ended.must(75, &["waiting for a person"]);
    let told = [
        "1",
        "not answered in time; #1 stays open: wait again",
        "answer due in 4h 30m",
        "next step: reminder in 30m (dm)",
        "waits for the owner of the bot's application",
        "rejected in 6h 30m if nobody answers",
    ];
    assert_eq!(ended.out.lines().collect::<Vec<_>>(), told);
    let ended = home.run(&["wait", "#1", "--timeout", "1s", "--json"]).await;
    ended.must(75, &[]);
    assert_eq!(ended.json()["outcome"], "timed_out");
}

#[tokio::test]
async fn wrong_usage_ends_with_2_and_says_what_is_right() {
    let home = Home::new();
    let cases: [(&[&str], &str); 15] = [
        (&["dance"], "dance"),
        (&["ask"], "<TITLE>"),
        (&["ask", "Deploy?", "--colour"], "--colour"),
        (&["ask", ""], "the title is empty"),
        (&["ask", " \t "], "the title is empty"),
        (&["ask", "Deploy?", "--risk", "huge"], "low, medium, high, critical"),
        (&["ask", "Deploy?", "--confidence", "7"], "from 0 to 1"),
        (&["ask", "Deploy?", "--detail", "tests"], "NAME=VALUE"),
        (&["ask", "Deploy?", "--timeout", "1s"], "--wait"),
        (&["ask", "Deploy?", "--wait", "--timeout", "soon"], "4h 30m"),
        (&["ask", "Deploy?", "--default", "approve"], "allow_default_approve"),
        (&["ask", "Deploy?", "--body-file", "nowhere.txt"], "nowhere.txt"),
        (&["wait", "nine"], "142"),
        (&["wait", "9"], "there is no decision #9"),
        (&["show", "9"], "there is no decision #9"),
    ];
    for (args, words) in cases {
        let ended = home.run(args).await;
        ended.must(2, &[words]);
        assert_eq!(ended.out, "", "{args:?}: complaints go to standard error");
    }
    assert_eq!(home.run(&["attention"]).await.out, "Nothing waits for an answer.\n");
}

#[tokio::test]
async fn a_mistake_in_the_configuration_is_named_with_its_line() {
    let home = Home::new();
    for (toml, words) in [
        (
            "[discord]\nchanel = \"decisions\"\n",
            "gander.toml:2: unknown field `chanel`: did you mean `channel`?",
        ),
        (
            "\n\n[policy]\nsla_flor = \"10m\"\n",
            "gander.toml:4: unknown field `sla_flor`: did you mean `sla_floor`?",
        ),
        ("[policy]\nsla = \"soon\"\n", "gander.toml:2: \"soon\" is not a time span"),
        ("[kinds.deploy]\nrisk = \"huge\"\n", "low, medium, high, critical"),
        ("[[approvers]]\nprojects = [\"web-shop\"]\n", "names nobody"),
        ("time_zone = \"Mars\"\n", "gander.toml:1: \"Mars\" is not a time zone"),
        ("[batch]\nmim = 4\n", "gander.toml:2: unknown field `mim`: did you mean `min`?"),
        ("[batch]\nwindow = \"soon\"\n", "gander.toml:2: \"soon\" is not a time span"),
        ("[discord\n", "gander.toml:1:"),
    ] {
        home.configure(toml);
        for args in [&["ask", "Deploy?"][..], &["serve"], &["attention"]] {
            home.run(args).await.must(2, &[words]);
        }
    }
    std::fs::remove_file(home.config()).unwrap();
    home.run(&["attention"]).await.must(2, &["gander.toml"]);
}

#[tokio::test]
async fn a_working_directory_sets_the_project_but_no_approvers() {
    let home = Home::new();
    let here = home.work().join("gander.toml");
    std::fs::write(&here, "project = \"web-shop\"\nrisk = \"high\"\nagent = \"goose\"\n").unwrap();
    let asked = home.run(&["ask", "Deploy?", "--json"]).await;
    let request = asked.json()["decision"]["request"].clone();
    assert_eq!(
        (&request["project"], &request["risk"], &request["agent"]["name"]),
        (&"web-shop".into(), &"high".into(), &"goose".into())
    );
    let asked = home.run(&["ask", "Deploy?", "--project", "mobile-app", "--json"]).await;
    assert_eq!(asked.json()["decision"]["request"]["project"], "mobile-app");

    for forbidden in [
        "[[approvers]]\nusers = [1]\n",
        "[policy]\nsla = \"1s\"\n",
        "[discord]\nchannel = \"general\"\n",
        "store = \"x\"\n",
    ] {
        std::fs::write(&here, format!("project = \"web-shop\"\n{forbidden}")).unwrap();
        home.run(&["ask", "Deploy?"])
            .await
            .must(2, &["gander.toml:2", "working directory", "approvers", "belong in your own"]);
    }
    let waiting = home.run(&["attention", "--json"]).await.json();
    assert_eq!(waiting.as_array().unwrap().len(), 2, "what was refused was not filed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_while_the_bot_is_down_is_shown_when_it_starts() {
    let (sandbox, home) = (sandbox().await, Home::new());
    home.configure("[projects.web-shop]\nchannel = \"web-shop\"\n");
    home.run(&["ask", "Deploy?", "--project", "web-shop"]).await.must(0, &["1\n"]);
    home.run(&["ask", "Rename it?"]).await.must(0, &["2\n"]);
    let waiting = Program::start(home.gander(&["wait", "2"]));
    waiting.err.line("waiting for a person to decide #2").await;
    assert!(cards(&sandbox.view("maya").unwrap(), 1).is_empty());

    let _bot = home.serving(&sandbox).await;
    let card = open_card(&sandbox, 1).await;
    assert_eq!(card.0["channel_id"], *sandbox.addresses().channel_id("web-shop").unwrap());
    let card = open_card(&sandbox, 2).await;
    assert_eq!(card.0["channel_id"], *sandbox.addresses().channel_id("decisions").unwrap());
    assert!(click(&sandbox.user("maya").unwrap(), &card, "approve").await.ok);
    waiting.ended().await.must(0, &["approved by Maya"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_was_killed_asks_again_with_its_key_and_gets_the_same_decision() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let _bot = home.serving(&sandbox).await;
    let ask = ["ask", "Deploy?", "--dedup-key", "deploy-142", "--wait"];
    let agent = Program::start(home.gander(&ask));
    agent.err.line("waiting for a person to decide #1").await;
    let card = open_card(&sandbox, 1).await;
    agent.kill().await;
    let agent = Program::start(home.gander(&ask));
    agent.err.line("waiting for a person to decide #1").await;
    assert!(click(&sandbox.user("maya").unwrap(), &card, "approve").await.ok);
    let ended = agent.ended().await;
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "1\napproved by Maya\n"));
    // What is over does not stand in the way of a new question; the old verdict can still be read.
    home.run(&["ask", "Deploy?", "--dedup-key", "deploy-142"]).await.must(0, &["2\n"]);
    home.run(&["wait", "1"]).await.must(0, &["approved by Maya"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn show_attention_and_events_tell_what_happened() {
    let (sandbox, home) = (sandbox().await, Home::new());
    home.run(&[
        "ask",
        "Deploy?",
        "--agent",
        "goose",
        "--why",
        "Payments fail",
        "--detail",
        "tests=47/47",
    ])
    .await
    .must(0, &[]);
    let following = Program::start(home.gander(&["events", "--follow"]));
    let as_json = Program::start(home.gander(&["events", "--follow", "--json"]));
    home.run(&["ask", "Rename it?", "--priority", "urgent"]).await.must(0, &[]);
    following.out.line("#1  asked by goose: Deploy?").await;
    let waiting = home.run(&["attention"]).await;
    assert!(
        waiting.out.find("Rename it?").unwrap() < waiting.out.find("Deploy?").unwrap(),
        "the most urgent first: {waiting:#?}"
    );
    home.run(&["show", "1"])
        .await
        .must(0, &["Deploy?", "Payments fail", "47/47", "waits for an answer; due in 4h"]);

    let _bot = home.serving(&sandbox).await;
    let maya = sandbox.user("maya").unwrap();
    assert!(reject(&maya, &open_card(&sandbox, 1).await, "Not on a Friday").await.ok);
    following.out.line("#1  rejected (Not on a Friday) by Maya").await;
    home.run(&["show", "1"])
        .await
        .must(0, &["rejected (Not on a Friday) by Maya; not yet picked up by the agent"]);
    home.run(&["wait", "1"]).await.must(1, &["Not on a Friday"]);
    following.out.line("#1  picked up by the agent").await;

    let shown = home.run(&["show", "1", "--json"]).await.json();
    assert_eq!(shown["decision"]["state"]["verdict"]["reason"], "Not on a Friday");
    let words: Vec<&str> = shown["history"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|event| event["event"].as_str())
        .collect();
    assert_eq!(words, ["asked", "resolved", "claimed"]);
    let waiting = home.run(&["attention", "--json"]).await.json();
    assert_eq!((waiting.as_array().unwrap().len(), &waiting[0]["id"]), (1, &2.into()));

    as_json.out.line("claimed").await;
    let all = home.run(&["events", "--json"]).await.out;
    assert_eq!(as_json.out.so_far(), all, "what is followed is what is read afterwards");
    let seqs: Vec<u64> = all
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(seqs, [1, 2, 3, 4]);
    assert_eq!(home.run(&["events", "--json", "--since", "3"]).await.out.lines().count(), 1);
    // A position beyond the log is one of a store that was there before a backup was restored.
    home.run(&["events", "--since", "900", "--follow"]).await.must(2, &["a backup of the store"]);
}

#[tokio::test]
async fn a_reader_that_leaves_ends_events_quietly() {
    let home = Home::new();
    home.run(&["ask", "Deploy?"]).await.must(0, &[]);
    let following = Program::start(home.gander(&["events", "--follow"]));
    following.out.line("asked by agent: Deploy?").await;
    following.out.stop_listening().await;
    home.run(&["ask", "Again?"]).await.must(0, &[]);
    let ended = following.ended().await;
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
}

#[tokio::test]
async fn init_writes_a_configuration_that_is_understood() {
    let home = Home::new();
    let before = std::fs::read_to_string(home.config()).unwrap();
    let ended = home.run(&["init"]).await;
    ended.must(2, &["already exists", "gander init --print"]);
    assert_eq!(std::fs::read_to_string(home.config()).unwrap(), before, "it was not touched");

    // Where it is looked for if nothing is named.
    let ended = Program::start(home.bare(&["init"])).ended().await;
    let usual = home.path().join("config/gander/gander.toml");
    ended.must(0, &["wrote ", usual.to_str().unwrap()]);
    Program::start(home.bare(&["ask", "Deploy?"])).ended().await.must(0, &["1\n"]);
    assert!(home.path().join("state/gander/gander.db").exists());

    let printed = Program::start(home.bare(&["init", "--print"])).ended().await;
    assert_eq!(printed.out, std::fs::read_to_string(&usual).unwrap());

    std::fs::remove_file(home.config()).unwrap();
    let ended = home.run(&["init", "--json"]).await;
    ended.must(0, &[]);
    assert_eq!(ended.json()["written"], home.config().to_str().unwrap());
    home.run(&["ask", "Deploy?"]).await.must(0, &["1\n"]);
}
