//! `gander token` as a person and a script use it: the secret is printed once and alone, and kept
//! nowhere.

use std::path::Path;

use crate::common::cards::open_card;
use crate::common::holder::token_of_maya;
use crate::common::process::{Home, sandbox};

/// Makes a token; its secret.
async fn create(home: &Home, args: &[&str]) -> String {
    let ended = home.run(&[&["token", "create"], args].concat()).await;
    ended.must(0, &["once, and not stored"]);
    // `TOKEN=$(gander token create …)` is the secret and nothing else.
    let secret = ended.out.strip_suffix('\n').unwrap();
    assert!(secret.starts_with("gander_") && secret.len() == "gander_".len() + 43, "{secret}");
    assert!(secret.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c)), "{secret}");
    assert!(!ended.err.contains(secret));
    secret.to_owned()
}

/// Whether some file of the home has these bytes.
fn is_kept(folder: &Path, secret: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return is_kept(&path, secret);
        }
        std::fs::read(&path).unwrap().windows(secret.len()).any(|part| part == secret.as_bytes())
    })
}

#[tokio::test]
async fn a_secret_is_printed_once_and_kept_nowhere() {
    let home = Home::new();
    home.run(&["token", "list"])
        .await
        .must(2, &["the store ", "does not exist", "gander token create; other commands"]);
    let plain = create(&home, &["goose"]).await;
    let decides = token_of_maya(&home.store(), 7, &["Web-Shop"]).await;
    let made = home.run(&["token", "create", "a program", "--json"]).await;
    made.must(0, &[]);
    let made = made.json();
    assert_eq!(
        (&made["id"], &made["name"], &made["scopes"]),
        (&3.into(), &"a program".into(), &serde_json::json!(["ask"]))
    );
    let secrets = [plain, decides, made["secret"].as_str().unwrap().to_owned()];

    let listed = home.run(&["token", "list"]).await;
    listed.must(
        0,
        &[
            "1  goose  may ask, created ",
            "2  Maya's phone  may observe, decide, in web-shop, for Maya (discord:7)",
            "never used",
        ],
    );
    let told = home.run(&["token", "list", "--json"]).await;
    told.must(0, &[]);
    assert_eq!(told.json().as_array().unwrap().len(), 3);
    for secret in &secrets {
        assert!(
            !is_kept(home.path(), secret)
                && !listed.out.contains(secret)
                && !told.out.contains(secret)
        );
        // Nor is a part of it.
        assert!(!is_kept(home.path(), &secret["gander_".len()..][..16]));
    }
}

#[tokio::test]
async fn a_revoked_token_stays_listed_and_is_not_revoked_twice() {
    let home = Home::new();
    create(&home, &["goose"]).await;
    home.run(&["token", "revoke", "1"]).await.must(0, &["token 1 is revoked"]);
    home.run(&["token", "revoke", "1"]).await.must(2, &["there is no token 1 to revoke"]);
    home.run(&["token", "revoke", "9"]).await.must(2, &["there is no token 9 to revoke"]);
    home.run(&["token", "list"]).await.must(0, &[", revoked "]);
}

#[tokio::test]
async fn a_token_that_would_be_wrong_is_not_made() {
    let home = Home::new();
    let cases: [(&[&str], &str); 9] = [
        (&["goose", "--scope", "everything"], "write ask, observe, decide or admin"),
        (&["goose", "--scope", "decide"], "give their Discord id and name"),
        (&["goose", "--scope", "decide", "--user", "7"], "--called"),
        (&["goose", "--scope", "decide", "--user", "0", "--called", "Maya"], "0 is not in 1.."),
        (
            &["goose", "--scope", "decide", "--user", "7", "--called", "Maya"],
            "created by a person at a terminal. Nothing was created",
        ),
        (&["goose", "--scope", "admin"], "created by a person at a terminal. Nothing was created"),
        (&["goose", "--called", "Maya"], "--user"),
        (&[" "], "a token needs a name"),
        (&[], "<NAME>"),
    ];
    for (args, words) in cases {
        let ended = home.run(&[&["token", "create"], args].concat()).await;
        ended.must(2, &[words]);
        assert_eq!(ended.out, "", "{args:?}: complaints go to standard error");
    }
    home.run(&["token", "list"]).await.must(2, &["the store ", "does not exist"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_a_question_is_masked_on_its_card() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let secret = create(&home, &["goose"]).await;
    let _bot = home.serving(&sandbox).await;
    let asked = home
        .run(&[
            "ask",
            &format!("Shall I go on with {secret}?"),
            "--observation",
            &format!("I have {secret}."),
        ])
        .await;
    asked.must(0, &[]);
    let card = open_card(&sandbox, 1).await;
    let shown = card.0.to_string();
    assert!(!shown.contains(&secret) && !shown.contains(&secret[7..]), "{shown}");
    assert!(card.headline().contains("“Shall I go on with "), "{shown}");
}
