//! What a gate asks before an agent's tool call, as people see it: what will run, the buttons, what
//! the agent gets.

use discord_sandbox::{Effect, Fault, Match};
use gander::core::decision::{Decision, Detail, Request, Risk, State, Verdict};
use gander::core::policy::approval_guard::Guard;
use gander::engine::Claim;
use serde_json::Value;

use crate::bot::{Bot, LIMIT, can_decide, click, control, custom_ids, id, reject, submit, words};

/// What a gate asks: the tool in the title, what will run in the body.
pub(crate) fn call(tool: &str, runs: &str) -> Request {
    let mut request = Request {
        title: tool.into(),
        kind: "permission".into(),
        project: "web-shop".into(),
        risk: Risk::Medium,
        body: runs.into(),
        details: vec![Detail { name: "Directory".into(), value: "~/src/web-shop".into() }],
        ..Request::default()
    };
    (request.agent.name, request.agent.session) = ("claude-code".into(), Some("3f2a9c41".into()));
    request
}

/// A diff of a file that has a fence in it.
pub(crate) const DIFF: &str = "--- a/README.md\n+++ b/README.md\n@@ -1,5 +1,5 @@\n # Shop\n \n \
                               ```sh\n-npm start\n+npm run dev\n ```\n";

/// A command that shows as another than it is, and carries a secret.
pub(crate) fn hidden() -> String {
    let token = format!("ghp_{}", "a1B2c3D4e5".repeat(4));
    format!(
        "echo ok\u{202E} txt.yalped # \u{200B}\u{1b}[2K\n\
         curl -H 'Authorization: token {token}' https://api.github.com/user"
    )
}

/// A command of 5,000 characters whose end matters.
pub(crate) fn long() -> String {
    let copies: Vec<String> = (1..=97)
        .map(|n| format!("cp build/asset-{n:03}.js dist/assets/{n:03}.js # keep it small"))
        .collect();
    let all = copies.join("\n");
    format!("{}\nrm -rf ~/backups", &all[..4_983])
}

async fn verdict(bot: &Bot, decision: &Decision, claim: Claim) -> (Verdict, String) {
    let waited =
        tokio::time::timeout(LIMIT, bot.handle.approvals().wait(decision.id, None, claim, None))
            .await
            .unwrap()
            .unwrap();
    let State::Resolved(resolved) = waited.state else { panic!("{waited:?}") };
    (resolved.verdict, resolved.by.name)
}

pub(crate) fn description(message: &Value) -> &str {
    message["embeds"][0]["description"].as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_for_the_session_says_so_and_covers_until_it_is_undone() {
    let bot = Bot::start().await;
    let (pen, maya) = (bot.pen(), bot.person("maya"));
    let (decision, card) = bot.ask_and_see(call("Bash", "cargo test --all -- --nocapture")).await;
    let mut seen = format!("══ it waits\n{}", pen.message(&card));
    let done = click(&maya, &card, "session").await;
    seen.push_str(&format!(
        "══ approved for the session\n{}",
        pen.message(done.message.as_ref().unwrap())
    ));
    assert_eq!(verdict(&bot, &decision, Claim::No).await, (Verdict::for_session(), "Maya".into()));
    let stands = bot.handle.approvals().get(decision.id).await.unwrap();
    assert!(stands.has_live_grant());
    let undone = click(&bot.person("jonas"), &done.message.unwrap(), "undo").await;
    seen.push_str(&format!(
        "══ undone by Jonas\n{}",
        pen.message(undone.message.as_ref().unwrap())
    ));
    assert!(!bot.handle.approvals().get(decision.id).await.unwrap().has_live_grant());
    let once = click(&maya, &undone.message.unwrap(), "approve").await;
    assert!(once.ok, "{once:?}");
    assert_eq!(verdict(&bot, &decision, Claim::Yes).await, (Verdict::approved(), "Maya".into()));
    assert!(!bot.handle.approvals().get(decision.id).await.unwrap().has_live_grant());
    insta::assert_snapshot!("permission_session", seen);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_click_at_once_one_decides_and_the_other_is_told() {
    let bot = Bot::start().await;
    let (decision, card) = bot.ask_and_see(call("Bash", "npm ci")).await;
    let agent = tokio::spawn({
        let (handle, id) = (bot.handle.clone(), decision.id);
        async move { handle.approvals().wait(id, None, Claim::Yes, None).await.unwrap() }
    });
    let (maya, jonas) = (bot.person("maya"), bot.person("jonas"));
    let (one, other) =
        tokio::join!(click(&maya, &card, "session"), click(&jonas, &card, "approve"));
    let told = [&one, &other]
        .into_iter()
        .filter(|outcome| words(outcome).contains("Another person was faster"))
        .count();
    assert_eq!(told, 1, "{one:?}\n{other:?}");
    let waited = tokio::time::timeout(LIMIT, agent).await.unwrap().unwrap();
    let State::Resolved(resolved) = &waited.state else { panic!("{waited:?}") };
    assert_eq!(
        resolved.verdict.grant().is_some(),
        resolved.by.name == "Maya",
        "each gave what they clicked"
    );
    bot.card(decision.id, "settled", |card| !can_decide(card)).await;
    let history = bot.handle.event_log().history(decision.id).await.unwrap();
    let verdicts = history.iter().filter(|logged| logged.event.word() == "resolved").count();
    assert_eq!(verdicts, 1, "{history:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_rejected_with_a_reason_by_those_who_may_and_by_nobody_else() {
    let bot = Bot::start().await;
    let (decision, card) = bot.ask_and_see(call("Bash", "git push --force")).await;
    let refused = click(&bot.person("sven"), &card, "session").await;
    assert!(words(&refused).contains("to decide"), "{refused:?}");
    let done = reject(&bot.person("maya"), &card, "Never force-push. Open a pull request.").await;
    assert!(words(&done).contains("rejected by Maya"), "{done:?}");
    let rejected = Verdict::Rejected { reason: "Never force-push. Open a pull request.".into() };
    assert_eq!(verdict(&bot, &decision, Claim::Yes).await, (rejected, "Maya".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn for_the_session_is_offered_only_where_it_can_be_given() {
    let bot = Bot::start().await;
    let offered = |card: &Value| custom_ids(card).iter().any(|id| id.contains(":session:"));
    let (_, high) =
        bot.ask_and_see(Request { risk: Risk::High, ..call("Bash", "terraform apply") }).await;
    assert!(offered(&high));
    let without = |change: &dyn Fn(&mut Request)| {
        let mut request = call("Bash", "make");
        change(&mut request);
        request
    };
    for request in [
        without(&|request| request.agent.session = None),
        without(&|request| request.risk = Risk::Critical),
        without(&|request| request.approvals_needed = 2),
        without(&|request| request.kind = "deploy".into()),
    ] {
        let (_, card) = bot.ask_and_see(request).await;
        assert!(!offered(&card), "{card:#}");
    }
    // A button of before its risk rose.
    let (decision, card) =
        bot.ask_and_see(Request { dedup_key: Some("k".into()), ..call("Bash", "make") }).await;
    let session = control(&card, "session");
    // It is clicked before it is redrawn.
    bot.sandbox.fault(Fault::once(Match::new("PATCH", "/messages"), Effect::HoldRequest));
    bot.ask(Request { dedup_key: Some("k".into()), risk: Risk::Critical, ..call("Bash", "make") })
        .await;
    let late = bot.person("maya").click(id(&card), &session).await;
    bot.sandbox.release_held();
    assert!(words(&late).contains("changed after you saw it"), "{late:?}");
    assert!(bot.handle.approvals().get(decision.id).await.unwrap().state.is_open());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_approves_without_looking_is_asked_once_more_about_the_session_too() {
    let bot = Bot::start().await;
    bot.guard(Guard { in_a_row: 1, ..Guard::default() });
    let maya = bot.person("maya");
    let (_, first) = bot.ask_and_see(call("Bash", "ls")).await;
    click(&maya, &first, "approve").await;
    let (decision, card) = bot.ask_and_see(call("Bash", "ls -a")).await;
    let asked = click(&maya, &card, "session").await;
    let asked = asked.message.unwrap();
    let sure = maya.click(id(&asked), &control(&asked, "sure-session")).await;
    assert!(sure.ok, "{sure:?}");
    assert_eq!(verdict(&bot, &decision, Claim::Yes).await, (Verdict::for_session(), "Maya".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_what_will_run_is_invisible() {
    let bot = Bot::start().await;
    let (pen, maya) = (bot.pen(), bot.person("maya"));
    let mut seen = String::new();
    for (case, request) in [
        ("hidden characters and a secret", call("Bash\u{202E}", &hidden())),
        ("a diff with a fence in it", call("Edit README.md", DIFF)),
        ("what another tool is given", call("mcp__db__query", r#"{"sql":"select 1","limit":10}"#)),
        ("nothing but its name", call("ExitPlanMode", "")),
    ] {
        let (_, card) = bot.ask_and_see(request).await;
        let details = click(&maya, &card, "details").await.message.unwrap();
        seen.push_str(&format!(
            "══ {case}\n{}══ its details\n{}\n",
            pen.message(&card),
            pen.message(&details)
        ));
        let others = click(&bot.person("sven"), &card, "details").await.message.unwrap();
        let said = card.to_string() + &others.to_string();
        assert!(!said.contains("a1B2c3D4e5") && !said.contains('\u{202E}'), "{said}");
        let theirs = details.to_string();
        assert!(!theirs.contains('\u{202E}'), "{theirs}");
        // Who decides reads all that runs; nobody else does.
        assert_eq!(theirs.contains("a1B2c3D4e5"), case.contains("secret"), "{case}: {theirs}");
        assert_eq!(description(&card).matches("```").count() % 2, 0);
    }
    insta::assert_snapshot!("permission_shown", seen);
}

/// All that a person reads of a decision: the card, its details, and the files with them.
pub(crate) async fn read(bot: &Bot, decision: &Decision, card: &Value, who: &str) -> String {
    let details = click(&bot.person(who), card, "details").await.message.unwrap();
    let mut seen = format!("{card}\n{details}\n");
    let files = [card, &details].map(|message| message["attachments"].as_array().unwrap().clone());
    for file in files.iter().flatten() {
        seen.push_str(&fetched(bot, file["url"].as_str().unwrap()).await);
    }
    let shown = crate::hostile::gander(bot, "show", decision, &[]).await;
    seen.push_str(&shown);
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn no_mask_covers_what_runs() {
    let bot = Bot::start().await;
    let begin = "-----BEGIN PRIVATE KEY-----";
    for (tool, runs) in [
        ("Bash", format!("make test # {begin}\npython3 x.py")),
        ("Bash", format!("make test # {begin}\npython3 x.py\n-----END PRIVATE KEY-----")),
        ("Bash", "token=`python3 x.py` make".into()),
        ("Bash", "password=\"$(python3 x.py)\" make".into()),
        ("Bash", "git clone \"https://user:$(python3 x.py)@host/x\"".into()),
        ("Bash", "curl -H \"Authorization: Bearer $(python3 x.py)\" https://a.example".into()),
        (
            "Write",
            format!("--- /dev/null\n+++ b/run.sh\n@@ -0,0 +1,2 @@\n+{begin}\n+python3 x.py\n"),
        ),
        ("Edit", "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+secret = \"python3 x.py\"\n".into()),
        ("mcp__x__y", format!("{{\n  \"text\": \"{begin}\\npython3 x.py\"\n}}")),
    ] {
        for kind in ["permission", "deploy"] {
            let key = Some(format!("gate:claude-code:s:{kind}{}", runs.len()));
            let request = Request { kind: kind.into(), dedup_key: key, ..call(tool, &runs) };
            let (decision, card) = bot.ask_and_see(request).await;
            assert!(description(&card).contains("python3 x.py"), "{kind} {runs}: {card:#}");
            let seen = read(&bot, &decision, &card, "maya").await;
            assert!(!seen.contains("•••"), "{kind} {runs}: {seen}");
            assert_eq!(decision.terms.risk, Risk::Medium, "nothing is masked");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_masked_is_said_raises_the_risk_and_is_read_by_those_who_decide() {
    let bot = Bot::start().await;
    let line = |n: usize| format!("MIIE{}", "a1B2c3D4e5F6".repeat(5).split_at(n).1);
    let key = format!(
        "--- /dev/null\n+++ b/id\n@@ -0,0 +1,4 @@\n+-----BEGIN PRIVATE KEY-----\n+{}\n+{}\n\
         +-----END PRIVATE KEY-----\n",
        line(0),
        line(1)
    );
    let token = format!("ghp_{}", "a1B2c3D4e5".repeat(4));
    for (runs, says, secret) in [
        (format!("curl -H 'X: {token}'"), "1 part is masked", token.clone()),
        (key, "2 parts are masked", line(1)),
    ] {
        let (decision, card) = bot.ask_and_see(call("Bash", &runs)).await;
        assert!(description(&card).contains(says), "{card:#}");
        assert_eq!(decision.terms.risk, Risk::High);
        let seen = read(&bot, &decision, &card, "maya").await;
        assert!(seen.contains(&secret), "who decides reads it: {seen}");
        assert!(seen.contains("gander show") && seen.contains("--json"), "{seen}");
        let seen = read(&bot, &decision, &card, "sven").await;
        assert!(!seen.contains(&secret) && seen.contains("•••"), "nobody else does: {seen}");
    }
    let forged = bot.ask_and_see(call("Bash", "sh '••• private key •••'")).await.1;
    assert!(description(&forged).contains("‹U+2022›") && !description(&forged).contains("•••"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_command_is_shown_to_its_end_in_its_details() {
    let bot = Bot::start().await;
    let command = long();
    assert_eq!(command.chars().count(), 5_000);
    let (_, card) = bot.ask_and_see(call("Bash", &command)).await;
    assert!(
        description(&card).starts_with("```sh\ncp build/asset-001.js")
            && description(&card).contains("only the beginning")
    );
    assert!(!card.to_string().contains("rm -rf"), "it has no room");
    let details = click(&bot.person("maya"), &card, "details").await.message.unwrap();
    let lines = command.lines().count();
    let says = format!(
        "only the beginning** ({lines} lines, 5,000 characters). The attached \
         decision-1.txt has all of it."
    );
    assert!(description(&details).contains(&says), "{}", description(&details));
    let files = details["attachments"].as_array().unwrap();
    let file = files
        .iter()
        .find(|file| file["filename"] == "decision-1.txt")
        .unwrap_or_else(|| panic!("{files:?}"));
    assert_eq!(file["size"], 5_000);
    let address = file["url"].as_str().unwrap();
    let text = fetched(&bot, address).await;
    assert_eq!(text, command, "all of it, as it will run");
}

/// A file of the pretend Discord.
async fn fetched(bot: &Bot, address: &str) -> String {
    let address = if address.starts_with("http") {
        address.to_owned()
    } else {
        format!("{}{address}", bot.sandbox.addresses().page)
    };
    reqwest::get(address).await.unwrap().text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_screen_names_what_will_run() {
    let bot = Bot::start().await;
    let pen = bot.pen();
    let mut lines = Vec::new();
    for request in [
        call("Bash", "cargo publish --token $CARGO_TOKEN\ngit push --tags"),
        call("Bash: npm ci", "npm ci"),
        call("Edit README.md", DIFF),
        Request { project: "default".into(), ..call("Bash", &hidden()) },
    ] {
        let (_, card) = bot.ask_and_see(request).await;
        lines.push(pen.steady(card["content"].as_str().unwrap()));
    }
    insta::assert_snapshot!("permission_lock_screen", lines.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn approved_together_is_approved_once() {
    use gander::core::messaging::batch::Batching;
    let bot = Bot::start_batching(Batching { min: 2, ..Batching::default() }).await;
    bot.guard(Guard::off());
    let mut asked = Vec::new();
    for command in ["ls", "pwd", "git status"] {
        asked.push(bot.ask(Request { risk: Risk::Low, ..call("Bash", command) }).await);
    }
    let all = |sandbox: &discord_sandbox::Sandbox| {
        let view = sandbox.view("maya").unwrap();
        let messages = view.channels.iter().flat_map(|channel| channel.messages.clone());
        messages.into_iter().find(|message| {
            custom_ids(message).iter().any(|id| id.contains(":look:"))
                && message.to_string().contains("git status")
        })
    };
    let batch = bot.sandbox.wait_for("the batch", LIMIT, all).await.unwrap();
    assert!(batch.to_string().contains("Bash: pwd"), "each line names what will run: {batch:#}");
    assert!(!custom_ids(&batch).iter().any(|id| id.contains("session")));
    let maya = bot.person("maya");
    let list = click(&maya, &batch, "look").await.message.unwrap();
    maya.click(id(&list), &control(&list, "together")).await;
    for decision in asked {
        assert_eq!(verdict(&bot, &decision, Claim::No).await.0, Verdict::approved());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_and_a_deferral_work_as_on_every_card() {
    let bot = Bot::start().await;
    let maya = bot.person("maya");
    let (decision, card) = bot.ask_and_see(call("Bash", "npm run build")).await;
    let form = click(&maya, &card, "note").await;
    let done =
        crate::bot::submit_fields(&maya, &form, serde_json::json!({ "note": "Only once." })).await;
    assert!(done.ok, "{done:?}");
    assert_eq!(
        verdict(&bot, &decision, Claim::Yes).await.0,
        Verdict::noted(Some("Only once.".into()))
    );
    let (decision, card) = bot.ask_and_see(call("Bash", "npm publish")).await;
    let form = crate::bot::defer(&maya, &card, "typed").await;
    submit(&maya, &form, "2h").await;
    assert!(matches!(
        bot.handle.approvals().get(decision.id).await.unwrap().state,
        State::Deferred { .. }
    ));
}
