//! The default rules at places that no rule names: secrets, files that run by themselves, worktrees
//! and folders outside the workspace.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::tests::{call, of_command, of_file, ruling};
use super::*;
use crate::core::gate::ToolCall;
use crate::core::gate::edits::Before;
use crate::core::gate::facts::{Coverage, Facts, FileFact, GitRepository, PlaceKind};
use crate::core::gate::rules::{Ruling, judge};

/// A call whose files were looked up, and one of which is special.
fn with_fact(call: ToolCall, path: &str, real: &str, kind: PlaceKind) -> ToolCall {
    let mut facts = Facts { coverage: Coverage::Complete, ..Facts::default() };
    facts.add(path.into(), FileFact { real: real.into(), kind });
    ToolCall { facts, ..call }
}

fn shell(command: &str) -> ToolCall {
    call("Bash", json!({ "command": command }))
}

#[test]
fn files_that_run_by_themselves_are_asked() {
    let listed = include_str!("../../../fixtures/gates/paths/autorun.tsv");
    for line in listed.lines() {
        let (path, kind) = line.split_once('\t').unwrap();
        let expected = match kind {
            "machine" | "git" => "critical",
            "instructions" | "server" | "hidden" => "high",
            _ => "allow",
        };
        // Writing a package changes no scripts here.
        assert_eq!(of_write(path), expected, "{path}");
        let patch = format!("*** Begin Patch\n*** Update File: {path}\n@@\n-a\n+b\n*** End Patch");
        // What a patch makes of a package that nobody has read is not known.
        let expected = if path == "package.json" { "high" } else { expected };
        assert_eq!(ruling(&call("apply_patch", json!({ "command": patch }))), expected, "{path}");
    }
}

fn of_write(path: &str) -> String {
    ruling(&call("Write", json!({ "file_path": path, "content": "{}" })))
}

#[test]
fn commands_that_write_such_files_keep_the_risk() {
    for (command, expected) in [
        ("cp x .vscode/settings.json", "critical"),
        ("tee CLAUDE.md", "high"),
        ("echo x > AGENTS.md", "high"),
        ("sed -i s/a/b/ .github/workflows/ci.yml", "high"),
        ("cat CLAUDE.md", "allow"),
        ("grep -n x .github/workflows/ci.yml", "allow"),
        ("git add .gitlab-ci.yml", "medium"),
    ] {
        assert_eq!(of_command(command), expected, "{command}");
    }
}

#[test]
fn a_package_that_runs_new_scripts_is_asked() {
    let write = |content: &str| {
        ruling(&call("Write", json!({ "file_path": "web/package.json", "content": content })))
    };
    assert_eq!(write(r#"{"scripts": {"test": "jest"}}"#), "allow");
    assert_eq!(write(r#"{"scripts": {"postinstall": "node x"}}"#), "high");
    let edit = json!({ "file_path": "package.json", "old_string": "tsc", "new_string": "sh x" });
    let mut edit = call("Edit", edit);
    assert_eq!(ruling(&edit), "high", "the file is not known");
    edit.before = Before::Text(r#"{"scripts": {"prepare": "tsc"}}"#.into());
    assert_eq!(ruling(&edit), "high");
    edit.before = Before::Text(r#"{"scripts": {"build": "tsc"}}"#.into());
    assert_eq!(ruling(&edit), "allow");
    edit.before = Before::Unknown;
    assert_eq!(ruling(&edit), "high");
    for name in ["binding.gyp", "package.json5", "package.yaml", "sub/Package.JSON"] {
        let content = r#"{"scripts": {"install": "x"}}"#;
        let write = call("Write", json!({ "file_path": name, "content": content }));
        assert_eq!(ruling(&write), "high", "{name}");
    }
}

#[test]
fn a_patch_of_a_package_is_asked_unless_it_runs_the_same() {
    let before = "{\n  \"version\": \"1\",\n  \"scripts\": {\n    \"prepare\": \"tsc\"\n  }\n}\n";
    let of = |body: &str| {
        let patch = format!("*** Begin Patch\n{body}\n*** End Patch");
        let mut call = call("apply_patch", json!({ "command": patch }));
        call.before = Before::Text(before.into());
        ruling(&call)
    };
    let update = "*** Update File: package.json\n@@\n";
    for (body, expected) in [
        (format!("{update}-  \"version\": \"1\",\n+  \"version\": \"2\","), "allow"),
        (format!("{update}-    \"prepare\": \"tsc\"\n+    \"prepare\": \"node evil.js\""), "high"),
        (format!("{update} {{\n+  \"postinstall\": \"x\","), "allow"),
        (format!("{update}   \"scripts\": {{\n+    \"postinstall\": \"x\","), "high"),
        ("*** Update File: d.json\n*** Move to: package.json\n@@\n-a\n+b".into(), "high"),
        ("*** Add File: package.json\n+{\"\\u0073cripts\": {\"install\": \"x\"}}".into(), "high"),
        (
            format!("{update}-  \"version\": \"1\",\n*** Update File: a/package.json\n@@\n-a\n+b"),
            "high",
        ),
        ("*** Update File: src/a.rs\n@@\n-a\n+b".into(), "allow"),
    ] {
        assert_eq!(of(&body), expected, "{body}");
    }
}

#[test]
fn a_package_by_another_name_is_one() {
    let content = r#"{"scripts": {"postinstall": "x"}}"#;
    let (path, real) = ("/home/maya/shop/data/conf.json", "/home/maya/shop/package.json");
    let mut write = call("Write", json!({ "file_path": "data/conf.json", "content": content }));
    assert_eq!(ruling(&write), "allow");
    assert_eq!(ruling(&with_fact(write.clone(), path, real, PlaceKind::File)), "high");
    write.real = vec![real.into()];
    assert_eq!(ruling(&write), "high");
    let patch = "*** Begin Patch\n*** Update File: data/conf.json\n@@\n-a\n+b\n*** End Patch";
    let patch = call("apply_patch", json!({ "command": patch }));
    assert_eq!(ruling(&with_fact(patch, path, real, PlaceKind::File)), "high");
}

#[test]
fn a_worktree_is_a_project_of_its_own() {
    for folder in [".claude", ".agents", ".codex", ".cursor"] {
        let at = |path: &str| format!("/home/maya/shop/{folder}/worktrees/x/{path}");
        for (path, expected) in [
            ("src/a.rs", "allow"),
            ("README.md", "allow"),
            (".gitignore", "allow"),
            (".claude/settings.json", "critical"),
            (".codex/hooks.json", "critical"),
            (".git", "critical"),
            ("CLAUDE.md", "high"),
            (".claude/worktrees/y/src/a.rs", "allow"),
            (".claude/worktrees/y/.claude/settings.json", "critical"),
        ] {
            assert_eq!(of_file("Edit", &at(path)), expected, "{}", at(path));
        }
        for path in ["settings.json", "worktrees/../settings.json", "worktrees/x/../../hooks.json"]
        {
            let path = format!("/home/maya/shop/{folder}/{path}");
            assert_eq!(of_file("Edit", &path), "critical", "{path}");
        }
        let looks = format!("cd {folder}/worktrees/x && cat src/a.rs");
        assert_eq!(of_command(&looks), "allow", "{looks}");
    }
    assert_eq!(of_file("Edit", "/home/maya/shop/.git/worktrees/x/config.worktree"), "critical");
    // Codex keeps worktrees in the home folder, and agents are started there.
    let mut call = call(
        "Edit",
        json!({
            "file_path": "src/a.rs", "old_string": "a", "new_string": "b"
        }),
    );
    call.cwd = "/home/maya/.codex/worktrees/ab12/shop".into();
    call.roots = vec![call.cwd.clone()];
    assert_eq!(ruling(&call), "allow");
    call.input["file_path"] = ".codex/config.toml".into();
    assert_eq!(ruling(&call), "critical");
    call.input["file_path"] = "/home/maya/.codex/config.toml".into();
    assert_eq!(ruling(&call), "critical");
}

#[test]
fn a_link_counts_as_what_it_leads_to() {
    let key = |call| {
        with_fact(call, "/home/maya/shop/notes.txt", "/home/maya/.ssh/id_rsa", PlaceKind::File)
    };
    assert_eq!(ruling(&key(shell("cat notes.txt"))), "high");
    assert_eq!(ruling(&key(shell("head -n 3 ./notes.txt"))), "high");
    assert_eq!(ruling(&key(shell("sort --files0-from=notes.txt"))), "high");
    assert_eq!(ruling(&key(shell("cat other.txt"))), "allow");
    assert_eq!(ruling(&key(call("Read", json!({ "file_path": "notes.txt" })))), "high");
    let docs = with_fact(
        shell("cd docs && cat credentials"),
        "/home/maya/shop/docs/credentials",
        "/home/maya/.aws/credentials",
        PlaceKind::File,
    );
    assert_eq!(ruling(&docs), "high");
    let written = with_fact(
        call("Write", json!({ "file_path": "x", "content": "" })),
        "/home/maya/shop/x",
        "/home/maya/shop/.claude/settings.json",
        PlaceKind::File,
    );
    assert_eq!(ruling(&written), "critical");
}

#[test]
fn what_the_gate_found_counts() {
    let found =
        |command: &str, path: &str, kind| ruling(&with_fact(shell(command), path, path, kind));
    assert_eq!(found("cat a", "/home/maya/shop/a", PlaceKind::Key), "high");
    assert_eq!(found("cat /tmp/a", "/tmp/a", PlaceKind::Private), "high");
    assert_eq!(found("cat /tmp/a", "/tmp/a", PlaceKind::File), "allow");
    assert_eq!(found("ls ../other", "/home/maya/other", PlaceKind::Folder), "medium");
    assert_eq!(found("cat ../notes", "/home/maya/notes", PlaceKind::File), "allow");
    assert_eq!(found("cat token", "/home/maya/shop/token", PlaceKind::File), "high");
    let write = call("Write", json!({ "file_path": "pkg/config", "content": "x" }));
    let path = "/home/maya/shop/pkg/config";
    assert_eq!(ruling(&with_fact(write, path, path, PlaceKind::Repository)), "critical");
    // Words that are no files.
    let looked = |command: &str| {
        let facts = Facts { coverage: Coverage::Complete, ..Facts::default() };
        ruling(&ToolCall { facts, ..shell(command) })
    };
    for command in ["grep -n process.env src/a.ts", "grep -n token src/a.rs", "cut -d / -f 2 x"] {
        assert_eq!(looked(command), "allow", "{command}");
    }
    let mut more = shell("cat a");
    more.facts.coverage = Coverage::Partial;
    assert_eq!(ruling(&more), "medium");
    let mut own = shell("cat ../gander/token");
    own.facts.own = vec!["/home/maya/gander".into()];
    assert_eq!(ruling(&own), "critical");
}

#[test]
fn git_is_silent_only_with_the_workspaces_own_repository() {
    let of = |command: &str, git| {
        let mut call = shell(command);
        call.facts.git = git;
        ruling(&call)
    };
    assert_eq!(of("git status", GitRepository::Own), "allow");
    assert_eq!(of("cd sub && git status", GitRepository::Own), "allow");
    assert_eq!(of("git status", GitRepository::Foreign), "medium");
    assert_eq!(of("cd sub && git status", GitRepository::Unknown), "medium");
    assert_eq!(of("ls", GitRepository::Foreign), "allow");
}

#[test]
fn folders_of_the_person_outside_are_asked() {
    for (tool, path, expected) in [
        ("Read", "/home/maya/other/a.rs", "medium"),
        ("Read", "../other/a.rs", "medium"),
        ("Read", "/srv/data/x", "medium"),
        ("Read", "/home/maya/notes.txt", "allow"),
        ("Read", "/usr/include/stdio.h", "allow"),
        ("Read", "/home/maya/.cargo/registry/src/i/serde/lib.rs", "allow"),
        ("Read", "/home/maya/.config/rclone/rclone.conf", "high"),
        ("Read", "/home/maya/.zsh_history", "high"),
        ("Read", "/home/maya/.newtool/session", "high"),
        ("Read", "infra/terraform.tfstate", "high"),
        ("Read", "/etc/shadow", "high"),
        ("Read", ".env.example", "allow"),
        ("Read", "src/token.rs", "allow"),
    ] {
        assert_eq!(of_file(tool, path), expected, "{tool} {path}");
    }
    for command in ["cat ~/other/a", "ls ../other/src", "head /home/maya/other/a"] {
        assert_eq!(of_command(command), "medium", "{command}");
    }
    // A directory that the call names is not the workspace.
    let strayed = ToolCall { cwd: "/home/maya/other".into(), ..shell("ls") };
    assert_eq!(ruling(&strayed), "medium");
    let written = ToolCall {
        cwd: "/home/maya/other".into(),
        ..call(
            "Write",
            json!({
                "file_path": "a.rs", "content": ""
            }),
        )
    };
    assert_eq!(ruling(&written), "high");
}

#[test]
fn searches_for_secrets_are_asked() {
    let case = include_str!("../../../fixtures/gates/claude-code-grep-secrets.json");
    let case: Value = serde_json::from_str(case).unwrap();
    assert_eq!(ruling(&call("Grep", case["tool_input"].clone())), "high");
    for (tool, input, expected) in [
        ("Glob", json!({ "pattern": "**/.env*" }), "high"),
        ("Glob", json!({ "pattern": "**/*.{pem,key}" }), "high"),
        ("Glob", json!({ "pattern": "src/**/*.ts" }), "allow"),
        ("Glob", json!({ "pattern": "**/*token*" }), "allow"),
        ("Glob", json!({ "pattern": "../other/**" }), "medium"),
        ("Glob", json!({ "pattern": "~/.aws/*" }), "high"),
        ("Grep", json!({ "pattern": "x", "path": ".env" }), "high"),
        ("Grep", json!({ "pattern": "KEY", "glob": "*.ts" }), "allow"),
    ] {
        assert_eq!(ruling(&call(tool, input.clone())), expected, "{tool} {input}");
    }
    for command in ["grep -rn KEY .", "rg -uu KEY", "git grep --untracked KEY"] {
        let mut call = shell(command);
        assert_eq!(ruling(&call), "allow", "{command}");
        call.facts.searched = vec![PathBuf::from("/home/maya/shop/.env")];
        assert_eq!(ruling(&call), "high", "{command}");
    }
}

#[test]
fn a_rule_that_spells_out_a_file_or_a_command_decides_alone() {
    let own = r#"
        [[rules]]
        do = "allow"
        commands = ["cat .env.test"]
        [[rules]]
        do = "allow"
        tools = ["Read"]
        paths = [".env.test", "docs/**"]
        [[rules]]
        do = "allow"
        tools = ["Write"]
        paths = ["docs/*.md", "AGENTS.md"]
        [[rules]]
        do = "allow"
        commands = ["cat *"]
    "#;
    let rules = understand(Path::new(FILE), own).unwrap();
    let is_allowed = |call: &ToolCall| judge(&rules, call) == Ruling::Allow;
    let write = |path: &str| call("Write", json!({ "file_path": path, "content": "" }));
    let read = |path: &str| call("Read", json!({ "file_path": path }));
    assert!(is_allowed(&shell("cat .env.test")));
    assert!(!is_allowed(&shell("cat .env.test .env")));
    assert!(is_allowed(&read(".env.test")));
    assert!(!is_allowed(&read("docs/key.pem")));
    assert!(is_allowed(&write("AGENTS.md")));
    assert!(is_allowed(&write("docs/a.md")));
    assert!(!is_allowed(&write("docs/CLAUDE.md")));
}

/// A call whose files were looked up; none is special.
fn looked_up(call: ToolCall) -> ToolCall {
    ToolCall { facts: Facts { coverage: Coverage::Complete, ..Facts::default() }, ..call }
}

/// A reader reads names of files from data, writes or runs programs only by options that a list of
/// bad options would miss.
#[test]
fn an_option_that_is_not_known_in_full_is_asked() {
    for command in [
        "printf x | sort --files=-",
        "sort --files0=src/list.txt",
        "sort --files0-from=src/list.txt",
        "sort --fi=-",
        "sort --file=-",
        "wc --files0-from=-",
        "wc --files=-",
        "du --files0=-",
        "sort -o x y",
        "sort -uo x y",
        "sort --outp=x y",
        "grep --rege=KEY zz src",
        "diff --from=a b",
        "rg --pre x y",
        "git log --stdin",
        "git show --textc HEAD",
        "git grep --cached KEY",
        "git ls-files -X x",
    ] {
        assert_eq!(ruling(&looked_up(shell(command))), "medium", "{command}");
    }
    for command in [
        "grep -rn foo src",
        "rg -n foo",
        "rg --pretty foo src",
        "rg --files",
        "git diff --stat",
        "git log --oneline -5",
        "git ls-files --others --exclude-standard",
        "git show HEAD --stat",
        "sort -u file",
        "sort --numeric-sort file",
        "sort --version-sort -k 2 file",
        "wc -l file",
        "du -sh src",
        "ls -la",
        "ls --color=auto -1 src",
        "diff a b",
        "diff -u a b",
        "head -n 3 file",
        "tail -20 file",
        "cut -d , -f 2 file",
    ] {
        assert_eq!(ruling(&looked_up(shell(command))), "allow", "{command}");
    }
    // A rule may name the option, or spell out the command.
    let own = "[[rules]]\ndo = \"allow\"\ncommands = [\"sort * --compress-program=gzip *\", \
        \"sort --files0-from=list\", \"sort *\"]\n";
    let rules = understand(Path::new(FILE), own).unwrap();
    for (command, is) in [
        ("sort --compress-program=gzip x", true),
        ("sort --files0-from=list", true),
        ("sort --compress-program=./evil x", false),
        ("sort --files0-from=list x", false),
    ] {
        assert_eq!(judge(&rules, &looked_up(shell(command))) == Ruling::Allow, is, "{command}");
    }
}

/// The history and the index have files that the working folder does not have.
#[test]
fn git_shows_secrets_that_are_no_files() {
    for command in [
        "git show HEAD:old.env",
        "git show HEAD:.env",
        "git show :.env",
        "git show :0:.env",
        "git show HEAD~3:./config/key.pem",
        "git log -p -- :/.env",
        "git log -p -- ':(top).env'",
        "git log -p -- ':(icase).ENV'",
        "git log -L 1,5:.env",
        "git diff HEAD -- '.en?'",
        "git diff HEAD -- '.e[n]v'",
        "git diff HEAD -- '.e\\nv'",
        "git diff --cached -- '*.env'",
        "git grep KEY HEAD -- .env",
        "git blame HEAD -- old.pem",
    ] {
        assert_eq!(ruling(&looked_up(shell(command))), "high", "{command}");
    }
    for command in [
        "git show HEAD:src/a.rs",
        "git show HEAD:.env.example",
        "git diff -- ':!.env'",
        "git log -S process.env -- src",
        "git log --grep token.json",
        "git grep process.env",
        "git grep -e process.env -- src",
        "git log main..feature/token",
        "git diff -- '*.rs'",
        "git status .env.production",
    ] {
        assert_eq!(ruling(&looked_up(shell(command))), "allow", "{command}");
    }
}

#[test]
fn a_glob_that_leaves_files_out_names_none() {
    for (glob, expected) in [
        ("!.env", "allow"),
        ("!.env !*.pem", "allow"),
        ("*.ts,!.env", "allow"),
        ("!a .env", "high"),
        (".env", "high"),
    ] {
        let input = json!({ "pattern": "KEY", "glob": glob });
        assert_eq!(ruling(&looked_up(call("Grep", input))), expected, "{glob}");
    }
}

/// What the gate did not look up may be there.
#[test]
fn a_name_beyond_the_limit_counts() {
    let partial = |command: &str| {
        let facts = Facts { coverage: Coverage::Partial, ..Facts::default() };
        ruling(&ToolCall { facts, ..shell(command) })
    };
    assert_eq!(partial("cat .env"), "high");
    assert_eq!(partial("cat a"), "medium");
}
