//! `gander serve`: what it says when it cannot work, and that it goes on as soon as it can.

use std::net::SocketAddr;

use discord_sandbox::{BotAccess, Options, Sandbox};
use tokio::net::TcpSocket;
use tokio::process::Command;

use crate::common::cards::{card_that, click, open_card, reject};
use crate::common::process::{Home, Program, sandbox, sandbox_in_a_hurry};

/// A port that nobody listens on. It is kept from others for as long as the socket lives, yet can
/// be listened on.
fn closed_port() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

fn set(mut command: Command, variable: &str, value: &str) -> Command {
    command.env(variable, value);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discord_that_cannot_be_reached_is_named_until_it_can() {
    let home = Home::new();
    let (_kept, address) = closed_port();
    let token = "MTAwMDAwMDAwMDAwMDAwMDAx.Gabcde.a_token_that_was_given_out_before_the_start";
    let mut serve =
        set(home.gander(&["serve"]), "GANDER_DISCORD_API", &format!("http://{address}"));
    serve.env("DISCORD_TOKEN", token);
    let mut bot = Program::start(serve);
    let said = bot.err.line("Discord cannot be reached").await;
    for words in [
        "ERROR",
        &address.to_string(),
        "Trying again in",
        "check the network and GANDER_DISCORD_API",
    ] {
        assert!(said.contains(words), "{words:?} is missing in {said}");
    }
    assert!(bot.is_running());

    let options = Options { listen: address, token: Some(token.to_owned()), ..Options::default() };
    let sandbox = Sandbox::start(options).await.unwrap();
    bot.err.line("the gateway is ready").await;
    home.run(&["ask", "Deploy?"]).await.must(0, &[]);
    open_card(&sandbox, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_https_port_is_named() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let (_kept, address) = closed_port();
    let bot = Program::start(set(
        home.serve(&sandbox),
        "GANDER_DISCORD_API",
        &format!("https://{address}"),
    ));
    let said = bot.err.line("Discord cannot be reached").await;
    assert!(
        said.contains(&format!("https://{address}")) && said.contains("GANDER_DISCORD_API"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_ends_it_with_where_to_get_one() {
    let (sandbox, home) = (sandbox().await, Home::new());
    for wrong in [
        "MTAwMDAwMDAwMDAwMDAwMDAx.Gabcde.this_one_was_reset_long_ago_and_is_of_no_use",
        "hunter2-hunter2",
    ] {
        let ended = Program::start(set(home.serve(&sandbox), "DISCORD_TOKEN", wrong)).ended().await;
        ended.must(
            1,
            &["Discord does not accept the token", "discord.com/developers", "DISCORD_TOKEN"],
        );
    }
}

#[tokio::test]
async fn no_token_ends_it_with_where_to_put_one() {
    let home = Home::new();
    home.run(&["serve"])
        .await
        .must(2, &["there is no bot token", "DISCORD_TOKEN_FILE", "gander demo"]);
    for (variable, value, words) in [
        ("DISCORD_TOKEN", "  ", "there is no bot token"),
        ("DISCORD_TOKEN", "two words", "copy it again"),
        ("DISCORD_TOKEN_FILE", "nowhere.txt", "DISCORD_TOKEN_FILE=nowhere.txt"),
    ] {
        Program::start(set(home.gander(&["serve"]), variable, value))
            .ended()
            .await
            .must(2, &[words]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_a_file_is_as_good() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let file = home.path().join("token");
    std::fs::write(&file, format!("Bot {}\n", sandbox.addresses().token)).unwrap();
    let mut serve = home.serve(&sandbox);
    serve.env_remove("DISCORD_TOKEN").env("DISCORD_TOKEN_FILE", &file);
    let bot = Program::start(serve);
    bot.err.line("the gateway is ready").await;
    bot.signal("TERM").await;
    let ended = bot.ended().await;
    ended.must(0, &[]);
    assert!(!ended.err.contains(&sandbox.addresses().token), "{ended:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_authority_is_named() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let file = home.path().join("authority.pem");
    let serve = || set(home.serve(&sandbox), "GANDER_DISCORD_CA", file.to_str().unwrap());
    let half = "-----BEGIN CERTIFICATE-----\nMIIBszCC\n-----END CERTIFICATE-----\n";
    for broken in [None, Some(""), Some("no certificate"), Some(half)] {
        if let Some(text) = broken {
            std::fs::write(&file, text).unwrap();
        }
        let ended = Program::start(serve()).ended().await;
        ended.must(1, &["GANDER_DISCORD_CA=", "authority.pem", "Give the PEM file"]);
    }
    let mut without = home.serve(&sandbox);
    without.env_remove("GANDER_DISCORD_CA");
    Program::start(without).ended().await.must(2, &["GANDER_DISCORD_CA"]);
    let address = sandbox.addresses().tls.trim_start_matches("https://").to_owned();
    Program::start(set(home.serve(&sandbox), "GANDER_DISCORD_API", &address))
        .ended()
        .await
        .must(2, &["GANDER_DISCORD_API", "https://"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_did_not_sign_is_named_and_waited_for() {
    let (one, other, home) = (sandbox().await, sandbox().await, Home::new());
    let bot = Program::start(set(home.serve(&one), "GANDER_DISCORD_CA", &other.addresses().ca));
    let said = bot.err.line("ERROR").await;
    assert!(said.contains("certificate") && said.contains("GANDER_DISCORD_CA"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_it_cannot_see_is_named_until_it_can() {
    let (sandbox, home) = (sandbox().await, Home::new());
    home.configure("[discord]\nchannel = \"locked\"\n");
    home.run(&["ask", "Deploy?"]).await.must(0, &[]);
    let mut bot = Program::start(home.serve(&sandbox));
    let said = bot.err.line("cannot be posted").await;
    for words in ["ERROR", "#locked", "permissions", "View Channel", "gander.toml", "/attention"] {
        assert!(said.contains(words), "{words:?} is missing in {said}");
    }
    bot.err.line("the gateway is ready").await;
    assert!(bot.is_running());
    sandbox.set_bot_access(sandbox.addresses().channel_id("locked").unwrap(), BotAccess::Full);
    let card = open_card(&sandbox, 1).await;
    assert_eq!(card.0["channel_id"], *sandbox.addresses().channel_id("locked").unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_does_not_exist_is_named() {
    let (sandbox, home) = (sandbox().await, Home::new());
    home.configure("[projects.web-shop]\nchannel = \"web-shp\"\n");
    let bot = home.serving(&sandbox).await;
    let said = bot.err.line("cannot be posted").await;
    assert!(
        said.contains("project web-shop") && said.contains("there is no text channel #web-shp"),
        "{said}"
    );
    bot.err.line("cards of all other projects go to #decisions").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_one_on_the_same_store_names_the_first() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let first = home.serving(&sandbox).await;
    let process = format!("process {}", first.id());
    Program::start(home.serve(&sandbox))
        .ended()
        .await
        .must(1, &["another gander serve", &process, "--store"]);
    first.kill().await;
    // The lock ended with its process.
    home.serving(&sandbox).await.signal("INT").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_cannot_be_opened_is_named() {
    let (sandbox, home) = (sandbox().await, Home::new());
    std::fs::write(home.store(), "this is no database, but somebody's shopping list\n".repeat(40))
        .unwrap();
    Program::start(home.serve(&sandbox))
        .ended()
        .await
        .must(70, &["cannot open the store", "gander.db: "]);
    home.run(&["ask", "Deploy?"]).await.must(70, &["cannot open the store", "gander.db: "]);
}

#[tokio::test(flavor = "multi_thread")]
async fn asked_to_stop_it_ends_with_0_and_leaves_the_cards_to_its_successor() {
    let (sandbox, home) = (sandbox().await, Home::new());
    for signal in ["TERM", "INT"] {
        let bot = home.serving(&sandbox).await;
        bot.signal(signal).await;
        bot.ended().await.must(0, &[]);
    }
    let agent = Program::start(home.gander(&["ask", "Deploy?", "--wait"]));
    let bot = home.serving(&sandbox).await;
    let card = open_card(&sandbox, 1).await;
    bot.signal("TERM").await;
    bot.ended().await.must(0, &[]);
    let _successor = home.serving(&sandbox).await;
    assert!(
        click(&sandbox.user("maya").unwrap(), &card, "approve").await.ok,
        "a button of its predecessor works"
    );
    agent.ended().await.must(0, &["approved by Maya"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_on_a_stopped_bot_gets_no_answer_and_the_agent_waits_on() {
    let (sandbox, home) = (sandbox_in_a_hurry().await, Home::new());
    let bot = home.serving(&sandbox).await;
    let maya = sandbox.user("maya").unwrap();
    let mut agent = Program::start(home.gander(&["ask", "Deploy?", "--wait"]));
    let card = open_card(&sandbox, 1).await;

    bot.signal("STOP").await;
    let clicked = reject(&maya, &card, "Never sent: the form cannot open").await;
    assert!(!clicked.ok && clicked.modal.is_none() && clicked.message.is_none(), "{clicked:?}");
    assert!(agent.is_running());
    home.run(&["show", "1"]).await.must(0, &["waits for an answer"]);

    bot.signal("CONT").await;
    let clicked = click(&maya, &card, "approve").await;
    assert!(clicked.ok, "{clicked:?}");
    agent.ended().await.must(0, &["approved by Maya"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_that_reaches_the_bot_late_counts_once() {
    let (sandbox, home) = (sandbox_in_a_hurry().await, Home::new());
    let bot = home.serving(&sandbox).await;
    let maya = sandbox.user("maya").unwrap();
    let mut agent = Program::start(home.gander(&["ask", "Deploy?", "--wait"]));
    let card = open_card(&sandbox, 1).await;

    bot.signal("STOP").await;
    for _ in 0..2 {
        assert!(!click(&maya, &card, "approve").await.ok);
    }
    assert!(agent.is_running());
    bot.signal("CONT").await;
    agent.ended().await.must(0, &["approved by Maya"]);
    card_that(&sandbox, 1, "tells of the approval", |card| {
        card.control("approve").is_none() && card.headline().contains("approved by Maya")
    })
    .await;
    let events = home.run(&["events", "--json"]).await.out;
    assert_eq!(events.matches("\"event\":\"resolved\"").count(), 1, "{events}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_decide_is_told_and_the_agent_waits_on() {
    let (sandbox, home) = (sandbox().await, Home::new());
    home.configure("[[approvers]]\nroles = [\"Approvers\"]\n");
    let _bot = home.serving(&sandbox).await;
    let mut agent = Program::start(home.gander(&["ask", "Deploy?", "--wait"]));
    let card = open_card(&sandbox, 1).await;
    for stranger in ["sven", "maya"] {
        let told = click(&sandbox.user(stranger).unwrap(), &card, "approve").await;
        assert!(told.ok && told.is_ephemeral() && told.content().contains("Approvers"), "{told:?}");
    }
    assert!(agent.is_running());
    assert!(click(&sandbox.user("jonas").unwrap(), &card, "approve").await.ok);
    agent.ended().await.must(0, &["approved by Jonas"]);
}
