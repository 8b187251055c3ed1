//! Verdicts at a real terminal, the agent's side of the command line, and what hostile texts do to
//! either.

use std::path::Path;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::common::process::{Ended, Home, LIMIT};

const MAYA: &str = "time_zone = \"UTC\"\n[terminal]\nuser = 100000000000000002\nname = \"Maya\"\n\
                    roles = [\"Approvers\"]\n";

fn home(toml: &str) -> Home {
    let home = Home::new();
    home.configure(toml);
    home
}

/// A person before a terminal on which the program runs.
struct Screen {
    terminal: pty_process::Pty,
    child: tokio::process::Child,
    seen: String,
}

impl Screen {
    fn start(home: &Home, args: &[&str]) -> Self {
        let (terminal, other_end) = pty_process::open().unwrap();
        terminal.resize(pty_process::Size::new(50, 200)).unwrap();
        let plain = home.gander(args);
        let plain = plain.as_std();
        let mut command = pty_process::Command::new(plain.get_program());
        command =
            command.args(plain.get_args()).env_clear().kill_on_drop(true).current_dir(home.work());
        for (name, value) in plain.get_envs() {
            command = command.env(name, value.unwrap_or_default());
        }
        Self { terminal, child: command.spawn(other_end).unwrap(), seen: String::new() }
    }

    /// Reads until this is on the screen.
    async fn sees(&mut self, words: &str) {
        let mut bytes = [0; 4096];
        let read = timeout(LIMIT, async {
            while !self.seen.contains(words) {
                // The system reports an error when the program has ended.
                match self.terminal.read(&mut bytes).await {
                    Ok(1..) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                    _ => return false,
                }
                bytes = [0; 4096];
                self.seen.retain(|c| c != '\0' && c != '\r');
            }
            true
        });
        assert_eq!(read.await, Ok(true), "{words:?} is not on the screen:\n{}", self.seen);
    }

    async fn types(&mut self, line: &str) {
        self.terminal.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    /// How it ended.
    async fn ended(mut self) -> Ended {
        let mut bytes = Vec::new();
        // Ends with an error once nobody has the other end open.
        let _ = timeout(LIMIT, self.terminal.read_to_end(&mut bytes)).await.unwrap();
        let status = timeout(LIMIT, self.child.wait()).await.unwrap().unwrap();
        let out = self.seen + &String::from_utf8_lossy(&bytes).replace('\r', "");
        Ended { code: status.code(), out, err: String::new() }
    }
}

async fn asked(home: &Home, args: &[&str]) {
    home.run(&[&["ask"], args].concat()).await.must(0, &[]);
}

async fn state(home: &Home, id: &str) -> serde_json::Value {
    home.run(&["show", id, "--json"]).await.json()["decision"]["state"].clone()
}

#[tokio::test]
async fn a_verdict_is_off_until_it_is_configured() {
    let home = Home::new();
    asked(&home, &["Deploy?"]).await;
    for args in [
        &["approve", "1"][..],
        &["reject", "1"],
        &["defer", "1", "2h"],
        &["choose", "1"],
        &["answer", "1"],
        &["undo", "1"],
    ] {
        home.run(args)
            .await
            .must(2, &["verdicts at the terminal are off", "[terminal]", "user = ", "gander.toml"]);
    }
    // Nor does a folder that agents write to switch it on.
    std::fs::write(home.work().join("gander.toml"), MAYA).unwrap();
    home.run(&["approve", "1"]).await.must(2, &["verdicts at the terminal are off"]);
    assert_eq!(state(&home, "1").await["state"], "pending");
    home.configure("[terminal]\nname = \"Maya\"\n");
    home.run(&["approve", "1"]).await.must(2, &["gander.toml:1", "user"]);
}

#[tokio::test]
async fn no_terminal_is_no_person() {
    let home = home(MAYA);
    asked(&home, &["Deploy?"]).await;
    home.run(&["approve", "1"])
        .await
        .must(2, &["standard input and output must both be a terminal", "gander wait"]);
    assert_eq!(state(&home, "1").await["state"], "pending");
}

#[tokio::test]
async fn a_person_sees_all_of_it_types_the_number_and_has_decided() {
    let home = home(MAYA);
    asked(
        &home,
        &[
            "Deploy?",
            "--risk",
            "high",
            "--why",
            "Carts are lost.",
            "--agent",
            "shipper",
            "--detail",
            "tests=47/47",
        ],
    )
    .await;
    let mut screen = Screen::start(&home, &["approve", "1", "--note", "Slowly"]);
    screen.sees("Type 1 to confirm").await;
    for words in [
        "# #1 Deploy?",
        "Carts are lost.",
        "- tests:",
        "> 47/47",
        "Risk     high",
        "Agent    shipper",
        "with the note “Slowly”",
    ] {
        assert!(screen.seen.contains(words), "{words:?} is missing:\n{}", screen.seen);
    }
    screen.types("1").await;
    screen.ended().await.must(0, &["Done.", "approved (Slowly) by Maya"]);
    let state = state(&home, "1").await;
    assert_eq!(
        (&state["via"], &state["by"]["id"]),
        (&"terminal".into(), &"discord:100000000000000002".into())
    );

    // The agent has not taken it: it can be undone, here too.
    let mut screen = Screen::start(&home, &["undo", "1"]);
    screen.sees("Type 1 to confirm").await;
    screen.types("1").await;
    screen.ended().await.must(0, &["waits for an answer"]);
}

#[tokio::test]
async fn anything_else_that_is_typed_decides_nothing() {
    let home = home(MAYA);
    asked(&home, &["Deploy?"]).await;
    for typed in ["2", "yes", "", "1 1", "\u{4}"] {
        let mut screen = Screen::start(&home, &["approve", "1"]);
        screen.sees("Type 1 to confirm").await;
        screen.types(typed).await;
        screen.ended().await.must(1, &["not confirmed: nothing was decided"]);
    }
    assert_eq!(state(&home, "1").await["state"], "pending");
}

#[tokio::test]
async fn critical_risk_has_its_word_typed() {
    let home = home(MAYA);
    asked(&home, &["Drop the table?", "--risk", "critical", "--kind", "deploy"]).await;
    for (typed, code, words) in [("1", 1, "not confirmed"), ("deploy", 0, "approved by Maya")] {
        let mut screen = Screen::start(&home, &["approve", "1"]);
        screen.sees("Type DEPLOY to confirm").await;
        screen.types(typed).await;
        screen.ended().await.must(code, &[words]);
    }
}

#[tokio::test]
async fn what_is_left_out_is_asked_for() {
    let home = home(MAYA);
    asked(&home, &["Deploy?"]).await;
    asked(&home, &["Which?", "--option", "Postgres=known", "--option", "Redis=fast"]).await;
    asked(&home, &["What name?", "--expects", "answer"]).await;
    asked(&home, &["Later?"]).await;
    for (args, question, answer, done) in [
        (
            &["reject", "1"][..],
            "Why? The agent gets this",
            "Not on a Friday",
            "rejected (Not on a Friday) by Maya",
        ),
        (&["choose", "2"], "Which one", "2", "chosen: Redis by Maya"),
        (&["answer", "3"], "Your answer", "Bluebird", "answered: Bluebird by Maya"),
        (&["defer", "4"], "When should it come back", "2h", "deferred until"),
    ] {
        let mut screen = Screen::start(&home, args);
        screen.sees(question).await;
        screen.types(answer).await;
        screen.sees("Type ").await;
        screen.types(args[1]).await;
        screen.ended().await.must(0, &[done]);
    }
    home.run(&["claim", "2"]).await.must(0, &["Redis"]);
}

#[tokio::test]
async fn who_may_not_decide_learns_who_may() {
    let home = home(&format!(
        "{MAYA}[[approvers]]\nusers = [7]\nrisks = [\"low\"]\n[[approvers]]\n\
         roles = [\"Approvers\"]\nrisks = [\"high\"]\n"
    ));
    asked(&home, &["Deploy?", "--risk", "low"]).await;
    asked(&home, &["Deploy?", "--risk", "medium"]).await;
    asked(&home, &["Deploy?", "--risk", "high"]).await;
    Screen::start(&home, &["approve", "1"])
        .ended()
        .await
        .must(1, &["you may not decide #1: it is for the Discord user 7 to decide"]);
    Screen::start(&home, &["approve", "2"])
        .ended()
        .await
        .must(1, &["no rule under [[approvers]] covers"]);
    let mut screen = Screen::start(&home, &["reject", "3", "--reason", "No"]);
    screen.sees("Type 3 to confirm").await;
    // What is shown is what is decided: by then it says something else.
    home.run(&["withdraw", "3", "--reason", "never mind"]).await.must(0, &[]);
    screen.types("3").await;
    screen.ended().await.must(1, &["the agent withdrew it (never mind)", "Nothing was changed"]);
    Screen::start(&home, &["choose", "3", "a"]).ended().await.must(1, &["withdrew it"]);
}

#[tokio::test]
async fn a_question_that_changes_while_it_is_read_is_not_decided() {
    let home = home(MAYA);
    asked(&home, &["Deploy one?", "--dedup-key", "d"]).await;
    let mut screen = Screen::start(&home, &["approve", "1"]);
    screen.sees("Type 1 to confirm").await;
    asked(&home, &["Deploy all?", "--dedup-key", "d"]).await;
    screen.types("1").await;
    screen.ended().await.must(1, &["it changed since revision 1 was seen", "Nothing was changed"]);
    Screen::start(&home, &["answer", "1", "x"])
        .ended()
        .await
        .must(1, &["expects you to approve: gander approve 1"]);
}

#[tokio::test]
async fn the_agents_side_has_its_exit_statuses() {
    let home = home(MAYA);
    asked(&home, &["Deploy?"]).await;
    asked(&home, &["And this?"]).await;
    home.run(&["claim", "1"]).await.must(75, &["#1 has no verdict yet"]);
    home.run(&["report", "1", "succeeded"]).await.must(75, &["it has no verdict yet"]);
    home.run(&["report", "1", "sort-of"]).await.must(2, &["succeeded, failed"]);
    home.run(&["withdraw", "2"]).await.must(2, &["--reason"]);
    home.run(&["withdraw", "2", "--reason", " "]).await.must(2, &["give a short reason"]);
    home.run(&["withdraw", "2", "--reason", "done by hand"]).await.must(0, &["#2: withdrawn"]);
    home.run(&["withdraw", "2", "--reason", "again"]).await.must(0, &["#2: was withdrawn before"]);
    home.run(&["claim", "2"]).await.must(75, &["withdrawn: done by hand"]);
    home.run(&["report", "2", "failed"]).await.must(75, &["withdrew it"]);
    home.run(&["claim", "9"]).await.must(2, &["there is no decision #9"]);

    let mut screen = Screen::start(&home, &["reject", "1", "--reason", "No"]);
    screen.sees("Type 1 to confirm").await;
    screen.types("#1").await;
    screen.ended().await.must(0, &[]);
    for _ in 0..2 {
        home.run(&["claim", "1"]).await.must(1, &["rejected by Maya: No"]);
    }
    assert_eq!(home.run(&["claim", "1", "--json"]).await.json()["outcome"], "rejected");
    home.run(&["withdraw", "1", "--reason", "late"]).await.must(1, &["already decided by Maya"]);
    home.run(&["report", "1", "succeeded", "left alone"]).await.must(0, &["#1: reported"]);
    home.run(&["show", "1"]).await.must(0, &["the agent reports: succeeded: left alone"]);
    Screen::start(&home, &["undo", "1"]).ended().await.must(1, &["it can no longer be undone"]);
}

#[tokio::test]
async fn help_shows_groups_and_defaults() {
    let help = Home::new().run(&["ask", "--help"]).await.out;
    for words in [
        "Subject:",
        "Content of the card:",
        "[default: medium]",
        "[default: normal]",
        "[default: reject]",
    ] {
        assert!(help.contains(words), "{words:?} is missing in {help}");
    }
    let schema =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/inbox.json"))
            .unwrap();
    assert_eq!(Home::new().run(&["schema", "inbox"]).await.out, schema);
}

/// Everything that an agent can say, each with what hides, reorders or colours text.
const HOSTILE: &str = "x\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202E}desrever\u{2066}\u{200B}\u{7f}\u{8}\r#1 approved\u{E0041}";

#[tokio::test]
async fn no_text_of_an_agent_reaches_the_terminal_as_more_than_text() {
    let home = home(MAYA);
    let (detail, option) = (format!("{HOSTILE}={HOSTILE}"), format!("{HOSTILE}={HOSTILE}"));
    std::fs::write(home.work().join("body.txt"), HOSTILE).unwrap();
    let texts =
        ["--observation", "--why", "--what", "--environment", "--agent", "--session", "--job"];
    let mut args = vec![
        "ask",
        HOSTILE,
        "--detail",
        &detail,
        "--option",
        &option,
        "--option",
        "other",
        "--body-file",
        "body.txt",
    ];
    texts.iter().for_each(|name| args.extend([*name, HOSTILE]));
    home.run(&args).await.must(0, &[]);
    home.run(&["ask", HOSTILE, "--dedup-key", HOSTILE]).await.must(0, &[]);
    home.run(&["withdraw", "2", "--reason", HOSTILE]).await.must(0, &[]);
    let mut screen = Screen::start(&home, &["choose", "1", "other"]);
    screen.sees("Type 1 to confirm").await;
    screen.types("1").await;
    let chosen = screen.ended().await;
    chosen.must(0, &[]);
    home.run(&["report", "1", "failed", HOSTILE]).await.must(0, &[]);
    home.run(&["ask", HOSTILE]).await.must(0, &[]);

    let mut all = vec![("choose".to_owned(), chosen)];
    for args in [
        &["show", "1"][..],
        &["show", "2"],
        &["attention"],
        &["events"],
        &["wait", "1"],
        &["wait", "2"],
        &["claim", "2"],
        &["report", "2", "failed"],
        &["withdraw", "1", "--reason", HOSTILE],
        &["ask", "x", "--kind", HOSTILE],
    ] {
        all.push((args.join(" "), home.run(args).await));
        all.push((
            format!("{} --json", args.join(" ")),
            home.run(&[args, &["--json"]].concat()).await,
        ));
    }
    for (command, ended) in all {
        let said = format!("{}{}", ended.out, ended.err);
        let hidden = |c: &char| {
            (c.is_control() && *c != '\n')
                || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{E0000}'..='\u{E0FFF}')
        };
        assert_eq!(said.chars().filter(hidden).collect::<String>(), "", "{command}: {said:?}");
    }
    let title =
        home.run(&["show", "1", "--json"]).await.json()["decision"]["request"]["title"].clone();
    assert_eq!(title, HOSTILE, "as JSON nothing is lost");
}

#[tokio::test]
async fn a_tool_call_is_shown_as_it_runs_and_approved_for_the_session_where_that_is_offered() {
    let home = home(MAYA);
    let call = [
        "Bash",
        "--kind",
        "permission",
        "--agent",
        "claude-code",
        "--session",
        "s-1",
        "--body-file",
    ];
    let file = home.work().join("command.txt");
    std::fs::write(&file, "cargo test\u{202E} # fine").unwrap();
    asked(&home, &[&call[..], &[file.to_str().unwrap()]].concat()).await;
    let mut screen = Screen::start(&home, &["approve", "1", "--for-session"]);
    screen.sees("cargo test‹U+202E› # fine").await;
    screen.sees("approve #1 for this session.").await;
    screen.types("1").await;
    screen.ended().await.must(0, &["approved for this session by Maya"]);
    let waited = home.run(&["wait", "1", "--json"]).await.json();
    assert_eq!(
        (&waited["outcome"], &waited["for_session"]),
        (&"approved".into(), &true.into()),
        "{waited:#}"
    );
    home.run(&["wait", "1"]).await.must(0, &["approved for this session by Maya"]);
    home.run(&["show", "1"])
        .await
        .must(0, &["approved for this session by Maya", "cargo test‹U+202E› # fine"]);
    asked(&home, &["Deploy?", "--agent", "claude-code", "--session", "s-1"]).await;
    let refused = Screen::start(&home, &["approve", "2", "--for-session"]);
    refused
        .ended()
        .await
        .must(1, &["can be approved only once, not for a session", "Nothing was decided"]);
    assert_eq!(state(&home, "2").await["state"], "pending");
}

#[tokio::test]
async fn a_token_that_decides_is_made_by_somebody_who_types_its_name() {
    let home = home(MAYA);
    let create =
        ["token", "create", "Maya's phone", "--scope", "decide", "--user", "7", "--called", "Maya"];
    let mut screen = Screen::start(&home, &create);
    screen.sees("To create it, type its name").await;
    screen.types("yes").await;
    screen.ended().await.must(1, &["not confirmed: nothing was created"]);
    let mut screen = Screen::start(&home, &create);
    screen.sees("To create it, type its name").await;
    screen.types("Maya's phone").await;
    screen.ended().await.must(0, &["gander_", "may decide, for Maya (discord:7)"]);
    home.run(&["token", "list"]).await.must(0, &["1  Maya's phone"]);
}

#[tokio::test]
async fn what_an_agent_writes_while_a_person_thinks_is_not_lost() {
    let home = Home::new();
    let (place, file) = (home.work(), home.work().join(".claude/settings.local.json"));
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, "{}").unwrap();
    let mut screen = Screen::start(
        &home,
        &["gate", "install", "claude-code", "--project", place.to_str().unwrap()],
    );
    screen.sees("Write this?").await;
    let meanwhile = r#"{"permissions": {"deny": ["Bash(rm *)"]}}"#;
    std::fs::write(&file, meanwhile).unwrap();
    screen.types("y").await;
    screen.ended().await.must(2, &["it changed since it was shown", "Nothing was changed"]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), meanwhile);
}

/// What the gate answers to a command of Claude Code, if no person decides at once.
async fn gated(home: &Home, session: &str, command: &str) -> String {
    let (work, work_name) = (home.work(), home.work().to_str().unwrap().to_owned());
    let input = serde_json::json!({
        "hook_event_name": "PreToolUse", "session_id": session, "cwd": work,
        "tool_name": "Bash", "tool_input": { "command": command },
    });
    let mut gate = home.gander(&["gate", "claude-code", "--timeout", "1s", "--root", &work_name]);
    let (stdin, stdout) = (std::process::Stdio::piped(), std::process::Stdio::piped());
    let mut child = gate.stdin(stdin).stdout(stdout).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.to_string().as_bytes()).await.unwrap();
    String::from_utf8(child.wait_with_output().await.unwrap().stdout).unwrap()
}

#[tokio::test]
async fn a_grant_is_given_and_ended_by_a_person_at_the_terminal() {
    let home = home(MAYA);
    assert!(gated(&home, "s-1", "cargo test").await.contains("decision #1"));
    let mut screen = Screen::start(&home, &["approve", "1", "--for", "8h", "--covering", "1"]);
    screen.sees("Pattern 1  `cargo test *`: commands that begin with `cargo test`").await;
    screen.sees("approve #1 for 8h, covering `cargo test *`").await;
    screen.types("1").await;
    screen.ended().await.must(0, &["approved for 8h", "by Maya"]);
    assert!(gated(&home, "s-2", "cargo test x").await.contains("\"allow\""));
    home.run(&["grants"]).await.must(0, &["cargo test *", "in 8h", "by Maya", "used once"]);
    for (args, says) in [
        (&["approve", "1", "--for", "soon"][..], "until revoked"),
        (&["approve", "1", "--covering", "1"], "--for"),
        (&["grants", "end"], "Usage"),
    ] {
        home.run(args).await.must(2, &[says]);
    }
    let mut screen = Screen::start(&home, &["grants", "end", "1"]);
    screen.sees("end the grant of #1.").await;
    screen.types("1").await;
    screen.ended().await.must(0, &["Done."]);
    home.run(&["grants"]).await.must(0, &["No grant stands"]);
    assert!(gated(&home, "s-2", "cargo test x").await.contains("decision #2"));
    let again = Screen::start(&home, &["grants", "end", "1"]);
    again.ended().await.must(1, &["already ended"]);
    let refused = Screen::start(&home, &["approve", "2", "--for", "8h", "--covering", "9"]);
    refused.ended().await.must(1, &["cannot be approved for so much", "Nothing was decided"]);
}
