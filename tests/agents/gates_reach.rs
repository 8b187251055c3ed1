//! Agents that cannot open the store: their gates ask `gander serve` over its socket, or over TCP
//! with a token.

use std::path::PathBuf;

use discord_sandbox::Sandbox;
use gander::core::decision::{Risk, State};
use tokio::process::Command;

use crate::common::cards::{click, open_card, reject};
use crate::common::process::{Ended, Home, LIMIT, Program, copy_program, sandbox};
use crate::gates_standin::{ALL, Agent, Kind, Outcome};
use crate::gates_world::World;

/// A person's machine where the bot runs, and beside it one on which an agent works that sees none
/// of its files.
pub(crate) struct Apart {
    pub(crate) sandbox: Sandbox,
    pub(crate) server: World,
    pub(crate) bot: Option<Program>,
    /// The agent's.
    pub(crate) home: Home,
}

impl Apart {
    pub(crate) async fn new() -> Self {
        let (sandbox, server, home) = (sandbox().await, World::new(), Home::new());
        server
            .home
            .configure("time_zone = \"UTC\"\nbatch.min = 0\n[http]\nlisten = \"127.0.0.1:0\"\n");
        let bot = Some(server.home.serving(&sandbox).await);
        Self { sandbox, server, bot, home }
    }

    pub(crate) fn socket(&self) -> String {
        format!("{}.sock", self.server.home.store().display())
    }

    /// The address that the bot has got.
    async fn address(&self) -> String {
        let line = self.bot.as_ref().unwrap().err.line("http://127.0.0.1:").await;
        line.split_once("http://").map(|(_, address)| format!("http://{}", address.trim())).unwrap()
    }

    /// A file with a token of its own on the agent's machine, and its secret.
    async fn token(&self, args: &[&str]) -> (PathBuf, String) {
        let made = self.server.home.run(&[&["token", "create", "agent"], args].concat()).await;
        made.must(0, &[]);
        let file = self.home.path().join("the token");
        std::fs::write(&file, &made.out).unwrap();
        (file, made.out.trim().to_owned())
    }

    /// An agent whose gate was installed with these flags.
    pub(crate) async fn agent(&self, kind: Kind, args: &[&str]) -> Agent {
        let (agent, ended) = installed(&self.home, kind, args).await;
        ended.must(0, &["wrote"]);
        agent
    }
}

/// What an agent says to its hook, of this folder.
pub(crate) fn pre(home: &Home, kind: Kind, command: &str) -> String {
    let path =
        format!("{}/fixtures/gates/{}-pre-tool-use.json", env!("CARGO_MANIFEST_DIR"), kind.name());
    let command = serde_json::to_string(command).unwrap();
    let text = std::fs::read_to_string(path).unwrap();
    text.replace("{cwd}", home.work().to_str().unwrap()).replace("\"{command}\"", &command)
}

pub(crate) async fn installed(home: &Home, kind: Kind, args: &[&str]) -> (Agent, Ended) {
    let work = home.work();
    let place = work.to_str().unwrap();
    let install = ["gate", "install", kind.name(), "--project", place, "--yes"];
    let ended = Program::start(home.bare(&[&install[..], args].concat())).ended().await;
    let mut env = vec![("HOME".to_owned(), home.path().to_str().unwrap().to_owned())];
    if kind == Kind::ClaudeCode {
        env.push(("CLAUDE_PROJECT_DIR".to_owned(), place.to_owned()));
    }
    (Agent { kind, project: home.work(), env, on_failure: false, patience: None }, ended)
}

pub(crate) fn acts_on(told: &str, words: &[&str]) {
    for words in words {
        assert!(told.contains(words), "{words:?} is missing in {told}");
    }
}

/// A person's clicks are what each of the agents does: yes, no with a reason, yes for the session.
async fn clicks_decide(apart: &Apart, kinds: &[Kind], args: &[&str]) {
    let maya = apart.sandbox.user("maya").unwrap();
    let mut number = 0;
    for kind in kinds {
        let agent = apart.agent(*kind, &[&["--timeout", "1m"], args].concat()).await;
        assert_eq!(
            agent.call(pre(&apart.home, *kind, "git status")).await,
            Outcome::Ran,
            "by the server's rules"
        );
        acts_on(
            &agent.call(pre(&apart.home, *kind, "sudo ls")).await.denied(),
            &["Agents do not act as another user."],
        );
        number += 1;
        let (outcome, ()) =
            tokio::join!(agent.call(pre(&apart.home, *kind, "cargo test && git push")), async {
                let card = open_card(&apart.sandbox, number).await;
                assert!(
                    card.0.to_string().contains("cargo test && git push")
                        && card.control("session").is_some(),
                    "{card:?}"
                );
                click(&maya, &card, "approve").await;
            });
        assert_eq!(outcome, Outcome::Ran, "{kind:?}");
        let State::Resolved(resolved) = apart.server.decision(number).await.state else {
            panic!("undecided")
        };
        assert!(resolved.claimed_at.is_some());
        number += 1;
        let (outcome, ()) =
            tokio::join!(agent.call(pre(&apart.home, *kind, "cargo bench")), async {
                reject(&maya, &open_card(&apart.sandbox, number).await, "Not on battery").await;
            });
        assert!(
            outcome.clone().denied().ends_with(&format!("(decision #{number}): Not on battery")),
            "{outcome:?}"
        );
        number += 1;
        let (outcome, ()) = tokio::join!(agent.call(pre(&apart.home, *kind, "cargo doc")), async {
            click(&maya, &open_card(&apart.sandbox, number).await, "session").await;
        });
        assert_eq!(outcome, Outcome::Ran, "{kind:?}");
        assert_eq!(
            agent.call(pre(&apart.home, *kind, "cargo doc")).await,
            Outcome::Ran,
            "for the session"
        );
        assert_eq!(apart.server.asked(0).await.len(), usize::try_from(number).unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_socket_a_click_is_what_the_agent_does() {
    let apart = Apart::new().await;
    clicks_decide(&apart, &ALL, &["--connect", &apart.socket()]).await;
    let asker = apart.server.decision(1).await.request.asked_by.unwrap();
    assert!(asker.id.starts_with("unix:"), "{asker:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tcp_with_a_token_too_and_the_token_is_written_nowhere() {
    let apart = Apart::new().await;
    let (file, secret) = apart.token(&["--project", "shop"]).await;
    let address = apart.address().await;
    let flags = ["--connect", &address, "--token-file", file.to_str().unwrap()];
    clicks_decide(&apart, &[Kind::ClaudeCode, Kind::Codex], &flags).await;
    let decision = apart.server.decision(1).await;
    assert_eq!((decision.request.project.as_str(), decision.terms.risk), ("shop", Risk::High));
    assert!(decision.request.asked_by.unwrap().id.starts_with("token:"));
    assert!(
        !apart.home.path().join("config/gander/gates.toml").exists(),
        "the rules are the server's"
    );
    for kind in [Kind::ClaudeCode, Kind::Codex] {
        let written = std::fs::read_to_string(kind.file(&apart.home.work())).unwrap();
        assert!(written.contains(&address) && !written.contains(&secret), "{written}");
    }
    // From the environment, where there is no file.
    let mut agent = apart.agent(Kind::Goose, &["--timeout", "1s", "--connect", &address]).await;
    acts_on(
        &agent.call(pre(&apart.home, Kind::Goose, "git push")).await.denied(),
        &["Send a token", "so the call is denied"],
    );
    agent.env.push(("GANDER_TOKEN".into(), secret));
    acts_on(
        &agent.call(pre(&apart.home, Kind::Goose, "git push")).await.denied(),
        &["Not decided yet", "decision #7"],
    );
    // A folder's own file names the project; that of another project is refused.
    std::fs::write(apart.home.work().join("gander.toml"), "project = \"notes\"\n").unwrap();
    acts_on(
        &agent.call(pre(&apart.home, Kind::Goose, "git push")).await.denied(),
        &["notes", "so the call is denied"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_off_ends_the_run_and_late_answers_are_for_the_next_call() {
    let apart = Apart::new().await;
    let mut agent =
        apart.agent(Kind::ClaudeCode, &["--timeout", "1s", "--connect", &apart.socket()]).await;
    let push = pre(&apart.home, Kind::ClaudeCode, "git push");
    acts_on(&agent.call(&push).await.denied(), &["decision #1 waits for a person", "Status:"]);
    acts_on(&agent.call(&push).await.denied(), &["decision #1 waits"]);
    let asked = apart.server.asked(1).await.remove(0);
    apart.server.defers(&asked).await;
    acts_on(&agent.call(&push).await.denied(), &["Maya deferred decision #1 until"]);
    agent.env.push(("CLAUDE_CODE_ENTRYPOINT".into(), "sdk-cli".into()));
    let Outcome::Deferred(words) = agent.call(&push).await else { panic!("it was not deferred") };
    acts_on(&words, &["deferred decision #1"]);
    // Answered while nobody waits: for the next call, and for that alone.
    let make = pre(&apart.home, Kind::ClaudeCode, "make");
    acts_on(&agent.call(&make).await.denied(), &["decision #2"]);
    let asked = apart.server.decision(2).await;
    apart.server.decides(&asked, gander::core::decision::Verdict::approved()).await;
    assert_eq!(agent.call(&make).await, Outcome::Ran);
    acts_on(&agent.call(&make).await.denied(), &["decision #3"]);
}

/// Killed while an agent waits, and back later: the click lets the call run.
#[tokio::test(flavor = "multi_thread")]
async fn it_waits_through_a_server_that_is_killed() {
    let mut apart = Apart::new().await;
    let mut agent =
        apart.agent(Kind::Goose, &["--timeout", "2m", "--connect", &apart.socket()]).await;
    agent.patience = Some(LIMIT * 3);
    let maya = apart.sandbox.user("maya").unwrap();
    let first = apart.bot.take().unwrap();
    let (outcome, bot) =
        tokio::join!(agent.call(pre(&apart.home, Kind::Goose, "git push")), async {
            open_card(&apart.sandbox, 1).await;
            first.kill().await;
            let bot = apart.server.home.serving(&apart.sandbox).await;
            click(&maya, &open_card(&apart.sandbox, 1).await, "approve").await;
            bot
        });
    assert_eq!(outcome, Outcome::Ran);
    assert_eq!(apart.server.asked(1).await.len(), 1);
    // Gone for good, the gate says what it knows when its time is over.
    let agent =
        apart.agent(Kind::ClaudeCode, &["--timeout", "12s", "--connect", &apart.socket()]).await;
    let (outcome, _) =
        tokio::join!(agent.call(pre(&apart.home, Kind::ClaudeCode, "make")), async {
            // The card comes after the gate has heard the number.
            open_card(&apart.sandbox, 2).await;
            bot.kill().await
        });
    acts_on(
        &outcome.denied(),
        &["decision #2 waits for a person", "It may have been answered since"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_revoked_denies_also_in_the_middle() {
    let apart = Apart::new().await;
    let (file, _) = apart.token(&[]).await;
    let address = apart.address().await;
    let flags = ["--timeout", "1m", "--connect", &address, "--token-file", file.to_str().unwrap()];
    let agent = apart.agent(Kind::ClaudeCode, &flags).await;
    let (outcome, ()) =
        tokio::join!(agent.call(pre(&apart.home, Kind::ClaudeCode, "git push")), async {
            open_card(&apart.sandbox, 1).await;
            apart.server.home.run(&["token", "revoke", "1"]).await.must(0, &[]);
        });
    acts_on(&outcome.denied(), &["unknown or revoked", "so the call is denied"]);
    acts_on(
        &agent.call(pre(&apart.home, Kind::ClaudeCode, "git status")).await.denied(),
        &["unknown or revoked"],
    );
    std::fs::write(&file, "").unwrap();
    acts_on(
        &agent.call(pre(&apart.home, Kind::ClaudeCode, "git status")).await.denied(),
        &["the secret in", "is empty", "so the call is denied"],
    );
}

/// The own rules, where there are some, make it stricter and never laxer; broken ones deny.
#[tokio::test(flavor = "multi_thread")]
async fn both_machines_rules_hold() {
    let apart = Apart::new().await;
    let agent =
        apart.agent(Kind::ClaudeCode, &["--timeout", "1s", "--connect", &apart.socket()]).await;
    let rules = apart.home.path().join(".config/gander/gates.toml");
    std::fs::create_dir_all(rules.parent().unwrap()).unwrap();
    std::fs::write(
        &rules,
        "[[rules]]\ndo = \"deny\"\ncommands = [\"make\"]\nreason = \"Not here.\"\n[[rules]]\n\
         do = \"ask\"\ncommands = [\"ls\"]\n\
         risk = \"critical\"\n[[rules]]\ndo = \"allow\"\n",
    )
    .unwrap();
    acts_on(&agent.call(pre(&apart.home, Kind::ClaudeCode, "make")).await.denied(), &["Not here."]);
    acts_on(&agent.call(pre(&apart.home, Kind::ClaudeCode, "ls")).await.denied(), &["decision #1"]);
    acts_on(
        &agent.call(pre(&apart.home, Kind::ClaudeCode, "git push")).await.denied(),
        &["decision #2"],
    );
    acts_on(
        &agent.call(pre(&apart.home, Kind::ClaudeCode, "sudo ls")).await.denied(),
        &["another user"],
    );
    let risks: Vec<Risk> =
        apart.server.asked(2).await.iter().map(|asked| asked.terms.risk).collect();
    assert_eq!(risks, [Risk::Critical, Risk::High]);
    assert_eq!(agent.call(pre(&apart.home, Kind::ClaudeCode, "git status")).await, Outcome::Ran);
    std::fs::write(&rules, "[[rules]]\ndo = \"alow\"\n").unwrap();
    acts_on(
        &agent.call(pre(&apart.home, Kind::ClaudeCode, "git status")).await.denied(),
        &["gates.toml:2"],
    );
    std::fs::remove_file(&rules).unwrap();
    std::fs::write(apart.server.home.path().join("gates.toml"), "[[rules]]\ndo = \"alow\"\n")
        .unwrap();
    let told = agent.call(pre(&apart.home, Kind::ClaudeCode, "git status")).await.denied();
    acts_on(&told, &["gander serve cannot read its gate rules", "so the call is denied"]);
    assert!(!told.contains("gates.toml"), "where they lie is nobody's business: {told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn status_and_doctor_say_which_way_and_whether_it_works() {
    let mut apart = Apart::new().await;
    let (file, _) = apart.token(&["--project", "shop"]).await;
    let address = apart.address().await;
    let flags = ["--connect", &address, "--token-file", file.to_str().unwrap()];
    let (_, ended) = installed(&apart.home, Kind::Codex, &flags).await;
    ended.must(0, &["works: asks as agent (token:1), in shop, by the server's rules"]);
    installed(&apart.home, Kind::ClaudeCode, &[]).await.1.must(0, &["wrote"]);
    let work = apart.home.work();
    let run = |args: &[&str]| Program::start(apart.home.bare(args)).ended();
    let status = ["gate", "status", "--project", work.to_str().unwrap()];
    let works =
        format!("at {address}: works: asks as agent (token:1), in shop, by the server's rules");
    run(&status).await.must(0, &[&works, "works, with the store's file"]);
    let doctor = ["doctor", "--offline"];
    let examined = run(&doctor).await;
    assert!(examined.out.contains("Gates") && examined.out.contains(&works), "{examined:?}");
    apart.bot.take().unwrap().kill().await;
    run(&status).await.must(1, &["does not work, so every call is denied: no answer from"]);
    run(&doctor).await.must(1, &["does not work, so every call is denied", "--token-file"]);
    let json = run(&[&status[..], &["--json"]].concat()).await.json();
    let codex = json["agents"]
        .as_array()
        .unwrap()
        .iter()
        .find(|agent| agent["connect"] == address.as_str())
        .unwrap();
    assert!(codex["problem"].as_str().unwrap().contains("no answer"), "{json}");
    // What cannot be an address is told before anything is written.
    let (_, ended) =
        installed(&apart.home, Kind::Goose, &["--connect", "http://gander.example:7777"]).await;
    ended.must(2, &["unencrypted", "unix:///"]);
    assert!(!Kind::Goose.file(&work).exists());
}

/// An agent's environment is its own; its gate asks where its command line says.
#[tokio::test(flavor = "multi_thread")]
async fn the_environment_does_not_choose_who_answers() {
    let world = World::new();
    let mut agent = world.agent(Kind::ClaudeCode, "1s").await;
    agent.env.push(("GANDER_URL".into(), "http://127.0.0.1:1".into()));
    acts_on(&agent.call(world.pre(Kind::ClaudeCode, "git push")).await.denied(), &["decision #1"]);
}

/// A store that this user may not open, and whose socket they may: the gate asks there by itself.
#[tokio::test(flavor = "multi_thread")]
async fn another_users_store_is_asked_by_its_socket() {
    use std::os::unix::fs::PermissionsExt as _;
    let may = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap()
    };
    let is_root = String::from_utf8(Command::new("id").arg("-u").output().await.unwrap().stdout)
        .unwrap()
        .trim()
        == "0";
    let has_setpriv = Command::new("setpriv")
        .arg("--version")
        .output()
        .await
        .is_ok_and(|ran| ran.status.success());
    if !is_root || !has_setpriv {
        println!("skipped: only root can be another user, by setpriv");
        return;
    }
    let (sandbox, server) = (sandbox().await, World::new());
    server
        .home
        .configure("time_zone = \"UTC\"\nbatch.min = 0\n[http]\nsocket_for = \"everyone\"\n");
    let _bot = server.home.serving(&sandbox).await;
    may(server.home.path(), 0o755);
    may(&server.home.config(), 0o644);
    let program = server.home.path().join("gander");
    copy_program(&program).await;
    may(&server.home.store(), 0o600);
    let mut gate = Command::new("setpriv");
    // The checkout that this test runs in may be closed to other users.
    gate.current_dir(server.home.work()).env_clear().env("PATH", "/usr/bin:/bin");
    gate.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(&program);
    gate.args(["gate", "claude-code", "--timeout", "1s", "--store"])
        .arg(server.home.store())
        .env("HOME", "/nonexistent");
    gate.stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let mut child = gate.spawn().unwrap();
    let input = server.pre(Kind::ClaudeCode, "git push");
    tokio::io::AsyncWriteExt::write_all(&mut child.stdin.take().unwrap(), input.as_bytes())
        .await
        .unwrap();
    let ended = tokio::time::timeout(LIMIT, child.wait_with_output()).await.unwrap().unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&ended.stdout),
        String::from_utf8_lossy(&ended.stderr)
    );
    acts_on(&said, &["decision #1 waits"]);
    assert_eq!(server.asked(1).await[0].request.asked_by.as_ref().unwrap().id, "unix:65534");
}
