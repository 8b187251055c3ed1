//! What goose alone does: where it looks for a gate, what takes one from it, and what passes by
//! one.

use serde_json::json;

use super::*;

/// What is told of a call that the usual rules deny.
const DENIED: &str = "Agents do not act as another user.";
const SUDO: &str = "sudo touch ran";

/// goose in a folder of the project.
fn start_in(real: &Real, folder: &str) -> Child {
    let mut command = agents::command(&real.program, &real.world.home, &real.model);
    let folder = real.world.project().join(folder);
    std::fs::create_dir_all(&folder).unwrap();
    command.args(["run", "--no-session", "-t", "go"]).current_dir(folder).spawn().unwrap()
}

async fn install(real: &Real, verb: &str, project: bool) {
    let place = real.world.project();
    let mut args = vec!["gate", verb, "goose", "--yes"];
    if project {
        args.extend(["--project", place.to_str().unwrap()]);
    }
    real.world.home.run(&args).await.must(0, &[]);
}

/// Its own limit is longer than the gate's; struck all the same, it denies by `on_failure`. The
/// limit is in seconds.
#[tokio::test(flavor = "multi_thread")]
async fn goose_that_gives_up_on_its_gate_runs_nothing() {
    let Some(real) = Real::new(Kind::Goose, "100s", &["touch ran"]).await else { return };
    real.edit_hooks(|hooks| hooks.replace("\"timeout\": 130", "\"timeout\": 1"));
    let said = ended(real.start(&[])).await;
    assert!(
        !real.ran() && real.model.told().contains("configured to block on failure"),
        "{}",
        real.story(&said)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn goose_is_told_that_it_is_put_off() {
    let Some(real) = Real::new(Kind::Goose, "100s", &["touch ran"]).await else { return };
    let (said, ()) = tokio::join!(ended(real.start(&[])), async {
        let asked = real.world.asked_within(1, PATIENCE).await.remove(0);
        real.world.defers(&asked).await;
    });
    assert!(
        !real.ran() && real.model.told().contains("Not decided: Maya deferred decision #1 until"),
        "{}",
        real.story(&said)
    );
}

/// A project's gate holds where goose is started in that very folder; the person's own one
/// everywhere.
#[tokio::test(flavor = "multi_thread")]
async fn the_persons_own_gate_stops_goose_in_every_folder() {
    let Some(real) = Real::new(Kind::Goose, "100s", &[SUDO]).await else { return };
    install(&real, "uninstall", true).await;
    install(&real, "install", false).await;
    for folder in ["", "deep/down"] {
        let said = ended(start_in(&real, folder)).await;
        assert!(real.model.told().contains(DENIED), "{folder}: {}", real.story(&said));
    }
}

/// goose takes the project's folder of a name for that plugin, and the person's own of that name
/// for nothing, even when the project's is empty.
#[tokio::test(flavor = "multi_thread")]
async fn taking_a_projects_gate_away_leaves_the_persons_own() {
    let Some(real) = Real::new(Kind::Goose, "100s", &[SUDO]).await else { return };
    install(&real, "install", false).await;
    install(&real, "uninstall", true).await;
    let said = ended(real.start(&[])).await;
    assert!(real.model.told().contains(DENIED), "{}", real.story(&said));
}

/// What goose is told to do for it by another, or by a program of its own, it does without its
/// hooks: the usual rules deny that.
#[tokio::test(flavor = "multi_thread")]
async fn what_passes_by_the_gate_of_goose_is_denied() {
    let ways = [
        Call::new("delegate", json!({ "instructions": "Do it aside" })),
        Call::new(
            "extensionmanager__manage_extensions",
            json!({ "action": "enable", "extension_name": "code_execution" }),
        ),
    ];
    let aside = || Some(("Do it aside", vec![vec![shell(Kind::Goose, "touch ran")]]));
    let Some(real) =
        Real::with(Kind::Goose, "100s", Model::with_aside(vec![ways.to_vec()], aside()).await)
            .await
    else {
        return;
    };
    let said = ended(real.start(&[])).await;
    let told = real.model.results();
    assert!(
        told.len() == 2 && told.iter().all(|told| told.contains("bypass the gate")),
        "{}",
        real.story(&said)
    );
    assert!(!real.ran(), "{}", real.story(&said));
    // When this fails, goose asks its hooks there too, and the rule can go.
    std::fs::write(
        real.world.home.path().join("gates.toml"),
        "[[rules]]\ndo = \"allow\"\ntools = [\"delegate\"]\n",
    )
    .unwrap();
    let model = Model::with_aside(vec![ways[..1].to_vec()], aside()).await;
    let open = Real { model, ..real };
    let said = ended(open.start(&[])).await;
    assert!(open.ran() && open.world.asked(0).await.is_empty(), "{}", open.story(&said));
}

/// Its tools for files, by the names that it has for them.
#[tokio::test(flavor = "multi_thread")]
async fn the_rules_know_the_tools_of_goose() {
    let elsewhere = tempfile::tempdir().unwrap();
    let outside = elsewhere.path().join("ran").to_str().unwrap().to_owned();
    let calls = vec![
        Call::new("write", json!({ "path": "inside.txt", "content": "one\n" })),
        Call::new("edit", json!({ "path": "inside.txt", "before": "one", "after": "two" })),
        Call::new("tree", json!({ "path": "." })),
        Call::new("write", json!({ "path": outside, "content": "three\n" })),
        Call::new(
            "edit",
            json!({ "path": ".agents/plugins/gander/hooks/hooks.json", "before": "block",
                "after": "allow" }),
        ),
    ];
    let Some(real) =
        Real::calling(Kind::Goose, "100s", calls.into_iter().map(|call| vec![call]).collect())
            .await
    else {
        return;
    };
    let (said, asked) = tokio::join!(ended(real.start(&[])), async {
        let mut asked = Vec::new();
        for count in 1..=2 {
            let one = real.world.asked_within(count, PATIENCE).await.remove(count - 1);
            real.world.decides(&one, rejected("Not there")).await;
            asked.push((
                one.terms.risk.as_str().to_owned(),
                one.request.body.contains("three") || one.request.body.contains("allow"),
            ));
        }
        asked
    });
    assert_eq!(
        asked,
        [("high".to_owned(), true), ("critical".to_owned(), true)],
        "{}",
        real.story(&said)
    );
    assert_eq!(
        std::fs::read_to_string(real.world.project().join("inside.txt")).unwrap(),
        "two\n",
        "{}",
        real.story(&said)
    );
    assert!(!elsewhere.path().join("ran").exists());
}
