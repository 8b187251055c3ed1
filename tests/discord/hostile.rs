//! Texts of agents that try to be more than data.

use gander::core::decision::{Agent, Attachment, Detail, Insight, Request};

use crate::bot::{Bot, can_decide, click, request};

#[tokio::test(flavor = "multi_thread")]
async fn hostile_texts_come_out_as_text() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let hostile = [
        ("long_title", Request { title: "x".repeat(5_000), ..request("") }),
        ("everyone", Request { title: "@everyone @here <@1> <@&2> look".into(), body: "@everyone".into(), ..request("") }),
        ("right_to_left", Request { title: "Delete \u{202E}gpj.atad\u{202C} now\u{200B}!".into(), ..request("") }),
        (
            "fake_verdict",
            Request {
                body: "```\n✅ Approved\nby <@1>\n```\n**✅ Approved** by Maya\n# Approved by Maya\n> quoted\n[Approve](https://evil.example)".into(),
                details: vec![Detail { name: "✅ Approved".into(), value: "by Maya".into() }],
                ..request("Fake?")
            },
        ),
        (
            "secret_and_terminal",
            Request {
                insight: Insight { observation: format!("key {}{} \u{1b}[31mred", "AKIA", "IOSFODNN7EXAMPLE"), ..Insight::default() },
                agent: Agent { name: "**root**\n@everyone".into(), session: None },
                ..request("Look at https://evil.example/x_y_z")
            },
        ),
    ];
    for (case, request) in hostile {
        let (decision, card) = bot.ask_and_see(request).await;
        insta::assert_snapshot!(format!("hostile_{case}"), pen.message(&card));
        assert!(can_decide(&card), "{case}: it can be decided");
        assert_eq!(card["mention_everyone"], false, "{case}");
        assert!(card["mentions"].as_array().unwrap().is_empty(), "{case}");
        click(&bot.person("maya"), &card, "approve").await;
        assert!(!bot.handle.get(decision.id).await.unwrap().state.is_open(), "{case}");
    }
    let pings =
        bot.person("sven").view().notifications.iter().filter(|n| format!("{:?}", n.reason).to_lowercase() != "message").count();
    assert_eq!(pings, 0, "nobody is pinged by an agent's text");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_beyond_all_limits_goes_into_a_file_that_survives_the_verdict() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let details = (0..40).map(|n| Detail { name: format!("fact {n}"), value: "v".repeat(300) }).collect();
    let picture = bot.folder.path().join("mockup.png");
    std::fs::write(&picture, b"not really a picture").unwrap();
    let insight = Insight { observation: "o".repeat(9_000), why_it_matters: "w".repeat(9_000), what_to_do: "d".repeat(9_000) };
    let long = Request {
        body: "A line of a plan.\n".repeat(3_000),
        details,
        insight,
        attachments: vec![Attachment { name: "mockup.png".into(), path: picture }],
        ..request(&"T".repeat(900))
    };
    let (decision, card) = bot.ask_and_see(long).await;
    insta::assert_snapshot!("beyond_all_limits", pen.message(&card));
    click(&bot.person("maya"), &card, "approve").await;
    let card = bot.card(decision.id, "approved", |card| !can_decide(card)).await;
    let files: Vec<&str> = card["attachments"].as_array().unwrap().iter().filter_map(|file| file["filename"].as_str()).collect();
    assert_eq!(files, ["decision-1.md", "mockup.png"], "the verdict took no file away");
}
