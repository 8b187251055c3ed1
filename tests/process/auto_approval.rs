//! What passes by itself, from the agent's side and by the configuration alone; the figures at a
//! terminal.

use crate::common::cards::{card_that, click, open_card};
use crate::common::process::{Home, Program, sandbox};

const ROUTED: &str =
    "[projects.shop]\nroute_by_confidence = true\n[kinds.naming]\nroute_by_confidence = true\n";

fn ask<'a>(title: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec![
        "ask",
        title,
        "--project",
        "shop",
        "--kind",
        "naming",
        "--risk",
        "low",
        "--confidence",
        "0.95",
    ];
    args.extend(more);
    args
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_sure_is_told_plainly_that_nobody_was_asked() {
    let (sandbox, home) = (sandbox().await, Home::new());
    home.configure(ROUTED);
    let bot = home.serving(&sandbox).await;
    home.run(&ask("Call it Basket?", &["--wait"]))
        .await
        .must(0, &["approved by itself (confidence 0.95)"]);
    home.run(&["show", "1"])
        .await
        .must(0, &["State    approved by itself (confidence 0.95); picked up by the agent"]);
    let told = home.run(&["wait", "1", "--json"]).await.json();
    assert_eq!(
        (&told["by"], &told["note"]),
        (&"Gander".into(), &"approved by itself (confidence 0.95)".into()),
        "{told:#}"
    );
    assert_eq!(told["decision"]["state"]["via"], "routing");
    home.run(&["digest"])
        .await
        .must(0, &["Digest of one day", "1 approved automatically", "events, head"]);
    home.run(&["calibration"]).await.must(0, &["No figures yet"]);
    home.run(&["audit", "verify"]).await.must(0, &["The hash chain is intact"]);

    home.run(&["ask", "Sure?", "--project", "shop", "--kind", "naming", "--confidence", "0.7"])
        .await
        .must(0, &["2"]);
    assert!(
        click(&sandbox.user("maya").unwrap(), &open_card(&sandbox, 2).await, "approve").await.ok
    );
    home.run(&["wait", "2"]).await.must(0, &["approved by Maya"]);
    home.run(&["calibration", "--kind", "naming"])
        .await
        .must(0, &["100 % of 1 decision", "0.70–0.79: 100 % of 1"]);
    let figures = home.run(&["calibration", "--json"]).await.json();
    assert_eq!(
        (&figures["count"]["approved"], &figures["supported"]["supported"]),
        (&1.into(), &"too_few".into()),
        "{figures:#}"
    );
    bot.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_rules_of_the_process_that_serves_let_anything_pass() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let bot = home.serving(&sandbox).await;
    // The agent brings a configuration of its own, in which everything passes.
    let own = home.work().join("own.toml");
    std::fs::write(&own, ROUTED).unwrap();
    let mut args = ask("Let me pass", &[]);
    let store = home.store();
    args.extend(["--config", own.to_str().unwrap(), "--store", store.to_str().unwrap()]);
    Program::start(home.bare(&args)).ended().await.must(0, &["1"]);
    open_card(&sandbox, 1).await;
    home.run(&["show", "1"]).await.must(0, &["waits for an answer"]);
    // Nor does a file in the folder where it works.
    std::fs::write(home.work().join("gander.toml"), ROUTED).unwrap();
    home.run(&ask("Let me pass", &[]))
        .await
        .must(2, &["may only set the project and defaults for asking"]);
    std::fs::remove_file(home.work().join("gander.toml")).unwrap();

    // It holds as soon as the one who serves says so; the card is drawn.
    let new = home.path().join("gander.toml.new");
    std::fs::write(&new, ROUTED).unwrap();
    std::fs::rename(new, home.config()).unwrap();
    bot.err.line("approved by itself").await;
    card_that(&sandbox, 1, "says so", |card| {
        card.0.to_string().contains("approved by itself (confidence 0.95)")
    })
    .await;
}

#[tokio::test]
async fn a_mistake_in_what_may_pass_is_named_with_its_line() {
    let home = Home::new();
    for (toml, said) in [
        (
            "[kinds.pricing]\nroute_by_confidence = true\n",
            [":2:", "the kind \"pricing\" is never approved automatically"],
        ),
        (
            "[kinds.a]\nrisk = \"low\"\n[kinds.Legal-Review]\nroute_by_confidence = true\n",
            [":4:", "Remove route_by_confidence"],
        ),
        (
            "[confidence]\napprove_above = 0.5\n",
            [":2:", "automatic approval needs a confidence of at least 0.8"],
        ),
        ("[confidence]\nblock_below = 1.5\n", [":2:", "write a number from 0 to 1"]),
        (
            "[confidence]\napprove_above = 0.85\nblock_below = 0.9\n",
            [":3:", "block_below = 0.9 is above approve_above = 0.85"],
        ),
        ("[digest]\nat = \"8 o'clock\"\n", [":2:", "is not a time of day"]),
        ("[review]\nat = \"25:00\"\n", [":2:", "is not a time of day"]),
        (
            "[projects.shop]\nroute_by_confidense = true\n",
            [":2:", "did you mean `route_by_confidence`"],
        ),
    ] {
        home.configure(toml);
        home.run(&["attention"]).await.must(2, &said);
    }
    home.configure(
        "[kinds.pricing]\nroute_by_confidence = false\n[confidence]\napprove_above = 1\n",
    );
    home.run(&["ask", "Fine?"]).await.must(0, &[]);
}
