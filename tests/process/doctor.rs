//! `gander doctor`: each thing that is wrong is found and named with its mend, nothing is changed,
//! and no secret is said.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use discord_sandbox::{
    BotAccess, Effect, Fault, Match, Options, RateLimits, Sandbox, UserSpec, World,
};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::common::process::{Ended, Home, Program, id_of, sandbox};

fn doctor(home: &Home, sandbox: &Sandbox, args: &[&str]) -> Command {
    let mut command = home.serve(sandbox);
    let serve: Vec<_> = command.as_std().get_args().skip(1).map(ToOwned::to_owned).collect();
    let envs: Vec<_> = command
        .as_std()
        .get_envs()
        .map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned)))
        .collect();
    command = home.bare(&["doctor"]);
    command.args(args).args(serve);
    for (name, value) in envs {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command
}

async fn examined(home: &Home, sandbox: &Sandbox) -> Ended {
    let ended = Program::start(doctor(home, sandbox, &[])).ended().await;
    println!("{}{}", ended.out, ended.err);
    ended
}

/// Whether there is a finding with this mark and these words, and these in its mend.
#[track_caller]
fn must_find(ended: &Ended, mark: &str, what: &str, mend: &str) {
    let lines: Vec<&str> = ended.out.lines().collect();
    let is = |(nth, line): (usize, &&str)| {
        line.trim_start().starts_with(mark)
            && line.contains(what)
            && (mend.is_empty()
                || lines.get(nth + 1).is_some_and(|next| next.contains("→") && next.contains(mend)))
    };
    assert!(lines.iter().enumerate().any(is), "no {mark} {what:?} with {mend:?} in\n{}", ended.out);
}

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn all_is_well() {
    let (sandbox, home) = (sandbox().await, Home::new());
    home.configure(&format!(
        "time_zone = \"Europe/Berlin\"\n[discord]\nchannel = \"decisions\"\n[projects.web-shop]\n\
         channel = \"web-shop\"\n\
         [[approvers]]\nusers = [{}]\n[[approvers]]\nroles = [\"Approvers\"]\n[[watch]]\npath = \"work\"\n",
        id_of(&sandbox, "maya")
    ));
    mode(&home.config(), 0o600);
    let bot = home.serving(&sandbox).await;
    home.run(&["ask", "Deploy?"]).await.must(0, &[]);
    home.said_until(&["status"], |said| {
        said.contains("connected to Discord since") && !said.contains('⚠')
    })
    .await;
    bot.err.line("commands registered").await;
    let before = sandbox.journal(0).len();
    let ended = examined(&home, &sandbox).await;
    ended.must(0, &[]);
    let (folder, sandbox_) = (home.path().to_str().unwrap(), sandbox.addresses());
    let mut said = ended
        .out
        .replace(folder, "HOME")
        .replace(&id_of(&sandbox, "maya"), "MAYA")
        .replace(&sandbox_.token, "TOKEN");
    for (found, name) in [
        (r"\d{19}", "ID"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d CES?T", "NOW"),
        (r"\d+\.\d [KMG]B", "SIZE"),
        (r"head [0-9a-f]{16}", "head HASH"),
        (r"process \d+", "process N"),
        (r"since \d+s", "since 3s"),
        (r"disk \(.*\)", "disk (FS)"),
    ] {
        said = regex::Regex::new(found).unwrap().replace_all(&said, name).into_owned();
    }
    insta::assert_snapshot!("all_is_well", said);
    // Nothing was written but the opening of a direct message, which shows nobody anything.
    let asked = sandbox.journal(before as u64);
    let wrote: Vec<_> = asked
        .iter()
        .filter(|entry| {
            !["GET", "HEARTBEAT"].contains(&entry.method.as_str()) && !entry.path.is_empty()
        })
        .collect();
    assert!(
        wrote.iter().all(|entry| entry.method == "POST" && entry.path == "/users/@me/channels"),
        "{wrote:#?}"
    );
    drop(bot);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_on_discord_is_found_with_its_mend() {
    let stranger = UserSpec { member: false, ..UserSpec::new("nina") };
    let world = World {
        users: World::default().users.into_iter().chain([stranger]).collect(),
        ..World::default()
    };
    let sandbox =
        Sandbox::start(Options { world, rate_limits: RateLimits::Relaxed, ..Options::default() })
            .await
            .unwrap();
    let home = Home::new();
    home.configure(&format!(
        "[discord]\nchannel = \"locked\"\n[projects.web-shop]\nchannel = \"nowhere\"\n\
         [projects.app]\nchannel = \"general\"\n\
         [[approvers]]\nusers = [{}]\nroles = [\"Aprovers\"]\nrisks = [\"low\"]\n",
        id_of(&sandbox, "nina")
    ));
    let ended = examined(&home, &sandbox).await;
    ended.must(1, &[]);
    must_find(
        &ended,
        "✘",
        "cards of all other projects cannot be posted: #locked cannot be used",
        "Send Messages",
    );
    must_find(
        &ended,
        "✘",
        "cards of project web-shop cannot be posted: there is no text channel #nowhere",
        "Create it, or use another",
    );
    must_find(&ended, "✔", "cards of project app go to #general", "");
    must_find(
        &ended,
        "✘",
        &format!("the user {} is not on the server", id_of(&sandbox, "nina")),
        "Invite them",
    );
    must_find(
        &ended,
        "✘",
        "the role \"Aprovers\" does not exist",
        "correct roles under [[approvers]]",
    );
    must_find(
        &ended,
        "⚠",
        "nobody may decide questions about every project, medium, high and critical risk",
        "Add an [[approvers]]",
    );
    must_find(&ended, "⚠", "no slash commands are registered", "gander serve registers them");
    must_find(
        &ended,
        "✘",
        "gander serve is not running on this store",
        "Start it with gander serve",
    );
    assert!(!home.store().exists(), "nothing was made");
    must_find(&ended, "⚠", "the store ", "The first gander ask or gander serve creates it");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_url_that_swallows_clicks_and_a_role_that_nobody_has_are_found() {
    let (sandbox, home) = (sandbox().await, Home::new());
    home.configure("[[approvers]]\nroles = [\"Approvers\"]\n");
    let answer = |body: Value| Effect::Status {
        status: 200,
        ms: None,
        body: Some(body),
        retry_after_header: true,
        scope: Default::default(),
    };
    sandbox.set_interactions_endpoint_url(Some("https://example.org/x"));
    sandbox.fault(Fault::once(Match::new("GET", "/roles/member-counts"), answer(json!({}))));
    let ended = examined(&home, &sandbox).await;
    must_find(
        &ended,
        "✘",
        "clicks and commands go to https://example.org/x (the Interactions Endpoint URL), and \
         never reach this bot",
        &format!(
            "Open https://discord.com/developers/applications/{}/information, empty the field",
            sandbox.addresses().application_id
        ),
    );
    must_find(&ended, "✘", "nobody has the role \"Approvers\"", "Assign it to a person");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_wrong_missing_or_readable_is_found_and_never_printed() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let wrong = "MTAwMDAwMDAwMDAwMDAwMDAx.Gabcde.a_token_that_is_not_accepted_by_anybody";
    let mut command = doctor(&home, &sandbox, &[]);
    command.env("DISCORD_TOKEN", wrong);
    let ended = Program::start(command).ended().await;
    ended.must(1, &[]);
    must_find(&ended, "✘", "Discord does not accept the token", "Reset Token");
    assert!(!ended.out.contains(wrong));

    let mut command = doctor(&home, &sandbox, &[]);
    command.env_remove("DISCORD_TOKEN");
    let ended = Program::start(command).ended().await;
    must_find(&ended, "✘", "there is no bot token", "DISCORD_TOKEN_FILE");

    let file = home.path().join("token");
    std::fs::write(&file, &sandbox.addresses().token).unwrap();
    mode(&file, 0o644);
    let mut command = doctor(&home, &sandbox, &[]);
    command.env_remove("DISCORD_TOKEN").env("DISCORD_TOKEN_FILE", &file);
    let ended = Program::start(command).ended().await;
    must_find(&ended, "⚠", "others can read the token's file", "chmod 600");
    must_find(&ended, "✔", "the token is accepted", "");
    assert!(!ended.out.contains(&sandbox.addresses().token));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discord_that_fails_or_cannot_be_reached_ends_the_examination_of_it() {
    let (sandbox, home) = (sandbox().await, Home::new());
    sandbox.fault(Fault {
        times: 0,
        ..Fault::once(Match::new("GET", "/users/@me/guilds"), Effect::status(503))
    });
    let ended = examined(&home, &sandbox).await;
    ended.must(1, &[]);
    must_find(
        &ended,
        "✘",
        "Discord does not report which servers the bot is in: Discord answered 503",
        "Check the network",
    );
    must_find(&ended, "✔", "the token is accepted", "");
    sandbox.clear_faults();

    let mut command = doctor(&home, &sandbox, &[]);
    command.env("GANDER_DISCORD_API", "http://127.0.0.1:9").env_remove("GANDER_DISCORD_CA");
    let ended = Program::start(command).ended().await;
    must_find(&ended, "✘", "Discord cannot be reached", "GANDER_DISCORD_API");
    must_find(&ended, "⚠", "the store ", "");

    let offline = Program::start(doctor(&home, &sandbox, &["--offline"])).ended().await;
    must_find(&offline, "✔", "not checked (--offline)", "");
    assert!(!offline.out.contains("token"), "{}", offline.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_the_store_is_found_with_its_mend() {
    let home = Home::new();
    home.run(&["ask", "Deploy?"]).await.must(0, &[]);
    home.run(&["ask", "Again?"]).await.must(0, &[]);
    let sound = std::fs::read(home.store()).unwrap();
    mode(&home.store(), 0o666);
    let ended = home.run(&["doctor", "--offline"]).await;
    ended.must(1, &[]);
    must_find(
        &ended,
        "✘",
        "gander.db (mode 666): a user with write access can forge a verdict",
        "chmod 600",
    );
    must_find(&ended, "✔", "the file is sound, and the log's hash chain is intact: 2 events", "");
    must_find(&ended, "⚠", "2 cards wait to be posted", "when gander serve runs");
    mode(&home.store(), 0o600);
    let files = home.path().join("gander.db.files");
    std::fs::create_dir(&files).unwrap();
    for (open, mark) in [(0o777, "✘"), (0o755, "⚠")] {
        mode(&files, open);
        let ended = home.run(&["doctor", "--offline"]).await;
        let words = format!("gander.db.files (mode {open:o}): a user with write access can");
        must_find(&ended, mark, &words, "chmod 700");
    }
    mode(&files, 0o700);
    let ended = home.run(&["doctor", "--offline"]).await;
    must_find(&ended, "✔", "only your user can read and write it", "");

    // A flipped letter in the log.
    let at = sound.windows(7).rposition(|part| part == b"Deploy?").unwrap();
    let mut rewritten = sound.clone();
    let first = sound.windows(7).position(|part| part == b"Deploy?").unwrap();
    (rewritten[at], rewritten[first]) = (b'd', b'd');
    std::fs::write(home.store(), &rewritten).unwrap();
    let ended = home.run(&["doctor", "--offline"]).await;
    must_find(&ended, "✘", "it was damaged or changed: ", "gander audit verify finds the same");

    std::fs::write(home.store(), "somebody's shopping list\n".repeat(40)).unwrap();
    let ended = home.run(&["doctor", "--offline"]).await;
    must_find(&ended, "✘", "cannot open the store", "restore a backup");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_is_wrong_or_open_to_others_is_found() {
    let (sandbox, home) = (sandbox().await, Home::new());
    let bot = home.serving(&sandbox).await;
    home.configure("[discord]\nchanel = \"decisions\"\n[[watch]]\npath = \"nowhere\"\n");
    bot.err.line("the configuration is invalid").await;
    let said = |words: &'static str| move |said: &str| said.contains(words);
    let out = home.said_until(&["doctor", "--offline"], said("its configuration is invalid")).await;
    let ended = Ended { code: Some(1), out, err: String::new() };
    must_find(
        &ended,
        "✘",
        "gander.toml:2: unknown field `chanel`: did you mean `channel`?",
        "gander init --print",
    );
    must_find(
        &ended,
        "✘",
        "its configuration is invalid, so it uses the previous one: gander.toml:2",
        "Correct the file",
    );

    home.configure("[[watch]]\npath = \"nowhere\"\n[[watch]]\npath = \"gander.toml\"\n");
    mode(&home.config(), 0o666);
    let ended = home.run(&["doctor", "--offline"]).await;
    must_find(&ended, "✘", "they can make themselves approvers", "chmod go-w");
    must_find(&ended, "⚠", "nowhere does not exist", "Create it, or correct path");
    must_find(&ended, "✘", "gander.toml cannot be read", "correct path");
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_that_cannot_work_are_found() {
    let home = Home::new();
    home.configure(
        "[[watch]]\npath = \"work\"\nrerun = [\"no-such-program\", \"{issue}\"]\n\
         [[workrail]]\npath = \"rail\"\n[[wizard]]\npath = \"shop\"\n[[commands]]\n\
         name = \"triage\"\ncommand = [\"/no/such/triage\"]\n[github]\nsecret_file = \"none\"\n",
    );
    let ended = home.run(&["doctor", "--offline"]).await;
    must_find(&ended, "⚠", "rail does not exist", "[[workrail]]");
    must_find(&ended, "⚠", "shop does not exist", "[[wizard]]");
    must_find(&ended, "✘", "no-such-program is not installed", "rerun under [[watch]]");
    must_find(&ended, "✘", "/no/such/triage is not installed", "command under [[commands]]");
    must_find(&ended, "✘", "none cannot be read", "that only you can read");
    must_find(&ended, "⚠", "no port is open", "TLS proxy");
    must_find(&ended, "⚠", "there is no token for GitHub", "GANDER_GITHUB_TOKEN");
    home.configure("[[watch]]\npath = \"work\"\nrerun = [\"make\", \"{isue}\"]\n");
    let ended = home.run(&["doctor", "--offline"]).await;
    must_find(&ended, "✘", "{isue} in rerun is not known", "");
    home.configure("[[commands]]\nname = \"a b\"\ncommand = [\"x\"]\n");
    home.run(&["doctor", "--offline"]).await.must(1, &["\"a b\" is not a name"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn cards_that_cannot_be_shown_and_messages_that_cannot_be_opened_are_found() {
    let (sandbox, home) = (sandbox().await, Home::new());
    home.configure("[discord]\nchannel = \"decisions\"\n");
    let bot = home.serving(&sandbox).await;
    let view = sandbox.view("maya").unwrap();
    let decisions =
        view.channels.iter().find(|channel| channel.name == "decisions").unwrap().id.clone();
    sandbox.set_bot_access(&decisions, BotAccess::Hidden);
    home.run(&["ask", "Deploy?"]).await.must(0, &[]);
    bot.err.line("card not posted yet").await;
    home.said_until(&["status"], |said| said.contains("1 card cannot be posted")).await;
    sandbox.fault(Fault::once(Match::new("POST", "/users/@me/channels"), Effect::status(403)));
    let ended = examined(&home, &sandbox).await;
    must_find(&ended, "✘", "the card of #1 cannot be posted", "the card is tried again");
    must_find(&ended, "⚠", "no direct message can be opened", "Privacy Settings");
    let json: Value = Program::start(doctor(&home, &sandbox, &["--json"])).ended().await.json();
    assert_eq!(json["healthy"], false);
    let finding = json["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["area"] == "Channels")
        .unwrap();
    assert!(finding["state"] == "broken" && finding["mend"].is_string(), "{finding}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_anybody_can_invite_and_a_second_server_are_warnings() {
    let (sandbox, home) = (sandbox().await, Home::new());
    sandbox.set_bot_public(true);
    let bot = home.serving(&sandbox).await;
    bot.kill().await;
    sandbox.invite("Evil", discord_sandbox::Age::Older);
    let ended = examined(&home, &sandbox).await;
    must_find(&ended, "⚠", "anybody can invite the bot", "Public Bot");
    must_find(&ended, "⚠", "also in the server Evil", "Public Bot");
    must_find(&ended, "✔", "its server is", "");
    // Without a start before, nothing says which server it is.
    let new = Home::new();
    let ended = examined(&new, &sandbox).await;
    must_find(&ended, "✘", "the bot is in 2 servers, and none is chosen", "guild");
}
