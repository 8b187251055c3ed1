//! What surrounds the program: completions, the manual, the unit for systemd.

use std::path::Path;

use tokio::process::Command;

use crate::common::process::{Home, Program};

/// The subcommands, as the help lists them.
async fn subcommands(home: &Home) -> Vec<String> {
    let help = Program::start(home.bare(&["--help"])).ended().await;
    help.must(0, &["Commands:"]);
    let listed = help
        .out
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty());
    let names: Vec<String> =
        listed.filter_map(|line| line.split_whitespace().next()).map(ToOwned::to_owned).collect();
    assert!(
        names.contains(&"serve".to_owned()) && names.contains(&"doctor".to_owned()),
        "{names:?}"
    );
    names
}

#[tokio::test]
async fn completions_name_each_subcommand() {
    let home = Home::new();
    let subcommands = subcommands(&home).await;
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = Program::start(home.bare(&["completions", shell])).ended().await;
        script.must(0, &["store"]);
        for name in &subcommands {
            assert!(script.out.contains(name), "{shell}: {name}");
        }
    }
    Program::start(home.bare(&["completions", "tcsh"]))
        .ended()
        .await
        .must(2, &["bash", "zsh", "fish"]);
    let script = Program::start(home.bare(&["completions", "bash"])).ended().await.out;
    let file = home.path().join("gander.bash");
    std::fs::write(&file, script).unwrap();
    Program::start(of("bash", &["-n", file.to_str().unwrap()])).ended().await.must(0, &[]);
}

fn of(program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args);
    command
}

#[tokio::test]
async fn the_manual_has_a_page_for_each_subcommand() {
    let home = Home::new();
    let folder = home.path().join("man/man1");
    Program::start(home.bare(&["man", folder.to_str().unwrap()]))
        .ended()
        .await
        .must(0, &["wrote the manual to"]);
    let page = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let first = page("gander.1");
    for name in subcommands(&home).await {
        assert!(first.contains(&name.replace('-', "\\-")), "gander.1 does not name {name}");
        assert!(page(&format!("gander-{name}.1")).contains(".SH NAME"), "{name}");
    }
    assert!(page("gander-ask.1").contains("dedup"), "flags are in it");
    Program::start(home.bare(&["man", home.config().to_str().unwrap()]))
        .ended()
        .await
        .must(1, &["gander.toml"]);
}

#[tokio::test]
async fn systemd_understands_the_unit() {
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/gander.service");
    let text = std::fs::read_to_string(&unit).unwrap();
    for line in [
        "ExecReload=/bin/kill -HUP $MAINPID",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "RestartPreventExitStatus=2",
    ] {
        assert!(text.lines().any(|other| other == line), "{line}");
    }
    let home = Home::new();
    // The program lies where it was built, and systemd asks for it.
    let there = home.path().join("gander.service");
    std::fs::write(&there, text.replace("%h/.cargo/bin/gander", env!("CARGO_BIN_EXE_gander")))
        .unwrap();
    let mut verify =
        of("systemd-analyze", &["verify", "--user", "--man=no", there.to_str().unwrap()]);
    // It wants a folder for the user's session, which a machine that only tests does not have.
    verify.env("XDG_RUNTIME_DIR", home.path()).env("HOME", home.path());
    match verify.output().await {
        Ok(said) => {
            let words = String::from_utf8_lossy(&said.stderr).into_owned();
            assert!(said.status.success() && !words.contains("gander.service:"), "{words}");
        }
        Err(error) => {
            println!("systemd-analyze cannot be run here ({error}): the unit was only read")
        }
    }
}
