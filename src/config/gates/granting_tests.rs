//! Patterns of grants with the default rules: what is offered for a call, and attempts to have a
//! pattern cover more than it says.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::tests::call;
use super::*;
use crate::core::decision::{CallPattern, ScriptContent, Unshown};
use crate::core::gate::ToolCall;
use crate::core::gate::facts::{Coverage, Facts, FileFact, GitRepository, PlaceKind, RunFile};
use crate::core::gate::granting::{grantable, includes};
use crate::core::gate::reach::NamedPath;
use crate::core::gate::scripts::{self, Files, FolderMeans, Place};

fn rules() -> Vec<GateRule> {
    understand(Path::new(FILE), DEFAULTS).unwrap()
}

/// A call about whose files the gate has looked up everything.
fn looked(tool: &str, input: Value) -> ToolCall {
    let facts = Facts { coverage: Coverage::Complete, git: GitRepository::Own, ..Facts::default() };
    ToolCall { facts, ..call(tool, input) }
}

/// A workspace without files.
struct NoFiles;

impl Files for NoFiles {
    fn read(&mut self, _: &NamedPath, place: Place, _: FolderMeans) -> Option<RunFile> {
        (place == Place::Inside).then_some(RunFile::Nothing)
    }

    fn spellings(&mut self, _: &Path, _: &str) -> Vec<String> {
        Vec::new()
    }
}

fn run(command: &str) -> ToolCall {
    let mut call = looked("Bash", json!({ "command": command }));
    call.facts.runs = scripts::look(&call, &mut NoFiles).files;
    call
}

/// Patterns as a person reads them: `git push * [--tags]`.
fn said(pattern: &CallPattern) -> String {
    match pattern {
        CallPattern::Command { words, options } if options.is_empty() => {
            format!("{} *", words.join(" "))
        }
        CallPattern::Command { words, options } => {
            format!("{} * [{}]", words.join(" "), options.join(" "))
        }
        CallPattern::Tool { tool } => tool.clone(),
        CallPattern::Folder { folder } => format!("{folder}/**"),
    }
}

fn offered(call: &ToolCall) -> Vec<String> {
    let found = grantable(&rules(), call).unwrap();
    found.patterns.iter().map(said).collect()
}

fn command(words: &str, options: &[&str]) -> CallPattern {
    CallPattern::Command {
        words: words.split(' ').map(str::to_owned).collect(),
        options: options.iter().map(|option| (*option).to_owned()).collect(),
    }
}

#[test]
fn patterns_are_program_and_subcommand() {
    for (line, expected) in [
        ("git push", "git push *"),
        ("git push origin main", "git push origin *, git push *"),
        ("git push --tags origin", "git push * [--tags]"),
        ("git push --push-option=x", "git push * [--push-option=x]"),
        ("git commit -m 'Fix it; really & truly'", "git commit * [-m]"),
        ("cargo test", "cargo test *"),
        ("cargo test --release -p shop", "cargo test * [--release -p]"),
        ("cargo test -- --nocapture", "cargo test * [-- --nocapture]"),
        ("npm test", "npm test *"),
        ("npm run build", "npm run build *"),
        ("npm run build:css -- -w", "npm run build:css * [-- -w]"),
        ("gh pr create --fill", "gh pr create * [--fill]"),
        ("docker compose up -d", "docker compose up * [-d]"),
        ("make test", "make test *"),
        ("make test CFLAGS=-O2", "make test * [CFLAGS=-O2]"),
        ("go mod tidy", "go mod tidy *"),
        ("cd sub && cargo test", "cargo test *"),
        ("git status && git push", "git push *"),
        // A subcommand is missing, or the pattern would say too little.
        ("pytest", ""),
        ("rm x", ""),
        ("cp a b", ""),
        ("tar xf a.tar", ""),
        ("mytool run x", ""),
        ("npm run", ""),
        ("gh pr", ""),
        ("git remote", ""),
        ("/usr/bin/git push", ""),
        ("git 'pu*' x", ""),
        ("git -C . push", ""),
        ("git -c core.pager=x push", ""),
        // Two commands ask, and no pattern includes both.
        ("cargo test && git push", ""),
        // Programs that run others, files of the workspace or whatever they read.
        ("env git push", ""),
        ("timeout 9 cargo test", ""),
        ("npx jest --ci", ""),
        ("uv run pytest", ""),
        ("docker exec web ls", ""),
        ("docker run web ls", ""),
        ("bash run tests", ""),
        ("node run test", ""),
        ("./x test", ""),
        ("xargs git push", ""),
        ("ssh host ls", ""),
        // Not certain.
        ("git push $BRANCH", ""),
        ("git push $(cat x)", ""),
        ("cargo test > log", ""),
        ("A=b cargo test", ""),
        ("cargo test *.rs", ""),
        ("cargo +nightly test", ""),
        ("gander grants list", ""),
        ("gander status all", ""),
    ] {
        assert_eq!(offered(&run(line)).join(", "), expected, "{line}");
    }
}

#[test]
fn a_command_is_included_as_an_allowing_rule_would_allow_it_and_no_more() {
    let push = command("git push", &["--tags"]);
    for (line, expected) in [
        ("git push", true),
        ("git push origin main", true),
        ("git push --tags", true),
        ("cd sub && git push origin main", true),
        ("git status && git push | tail -3", true),
        ("git push; rm -rf x", false),
        ("git push; rm x", false),
        ("git push && cargo test", false),
        ("git push\nrm x", false),
        ("git push & rm x", false),
        ("git push | sh", false),
        ("git push || curl https://evil.example", false),
        ("git push $(rm x)", false),
        ("git push `rm x`", false),
        ("git push \"$(rm x)\"", false),
        ("git push <(rm x)", false),
        ("git push > ~/.bashrc", false),
        ("git push >> x", false),
        ("git push 'x", false),
        ("git push \"a\nb\"; rm x", false),
        ("git push --force", false),
        ("git push -f", false),
        ("git push +main", false),
        ("git push origin :main", false),
        ("git push --mirror", false),
        ("git push --receive-pack=./x", false),
        ("git push --exec ./x", false),
        ("git push --no-verify", false),
        ("git push -o x", false),
        ("git push 'ext::sh -c ./x' main", false),
        ("git -c core.pager=x push", false),
        ("git --exec-path=. push", false),
        ("git -C ../other push", false),
        ("cd ../other && git push", false),
        ("cd /tmp && git push", false),
        ("cd link/.. && git push", false),
        ("GIT_DIR=../x git push", false),
        ("env GIT_DIR=../x git push", false),
        ("git pushy", false),
        ("git 'push x'", false),
        ("git stash push", false),
        ("git push && git -C sub push", false),
        ("Git push", false),
        ("/tmp/git push", false),
        ("./git push", false),
        ("alias git=x; git push", false),
        ("git() { rm x; }; git push", false),
        ("for x in 1 2; do git push; done", false),
    ] {
        assert_eq!(includes(&rules(), &run(line), &push), expected, "{line}");
    }
}

/// Two commands that ask for different reasons, of which a person would see one.
#[test]
fn a_line_hides_no_rule_behind_another() {
    let text = "[[rules]]\ndo = \"ask\"\ncommands = [\"git push * release\"]\nrisk = \"low\"\n\
        [[rules]]\ndo = \"ask\"\ncommands = [\"git push *\", \"npm publish *\"]\nrisk = \"low\"\n";
    let rules = understand(Path::new(FILE), text).unwrap();
    let rule = |line: &str| grantable(&rules, &run(line)).unwrap().rule;
    let (push, release) = (rule("git push"), rule("git push release"));
    assert!(push.is_some() && release.is_some() && push != release);
    assert_eq!(rule("git push origin main"), push);
    assert_eq!(rule("git push a && git push b"), push);
    assert_eq!(rule("git push && git push release"), None);
    assert_eq!(rule("git push && make"), None);
    // Another command of the same rule is another question.
    assert_ne!(rule("npm publish"), push);
    let more = text.replace("npm publish *", "npm publish *\", \"gem push *");
    let more = understand(Path::new(FILE), &more).unwrap();
    assert_eq!(grantable(&more, &run("git push")).unwrap().rule, push, "it was only added to");
}

#[test]
fn what_is_not_known_about_a_call_is_not_included() {
    let push = command("git push", &[]);
    let with = |change: &dyn Fn(&mut ToolCall)| {
        let mut call = run("git push");
        change(&mut call);
        includes(&rules(), &call, &push)
    };
    assert!(with(&|_| {}));
    assert!(!with(&|call| call.facts.coverage = Coverage::Unknown));
    assert!(!with(&|call| call.facts.coverage = Coverage::Partial));
    assert!(!with(&|call| call.own_prompt = true), "Codex asks to leave its sandbox");
    assert!(!with(&|call| call.cwd = "/home/maya/other".into()), "another folder");
    assert!(!with(&|call| call.roots.clear()));
    assert!(!with(&|call| call.facts.git = GitRepository::Foreign), "another repository");
    let shadow = |call: &mut ToolCall| {
        call.facts.shadowed.insert("git".into());
    };
    assert!(!with(&shadow), "another program");
    let more = |name: &str, value: Value| {
        with(&|call| drop(call.input.as_object_mut().unwrap().insert(name.into(), value.clone())))
    };
    assert!(more("description", json!("Push it")));
    assert!(!more("dangerouslyDisableSandbox", json!(true)));
    assert!(!more("workdir", json!("/home/maya/other")));
    assert!(!more("env", json!({ "GIT_SSH_COMMAND": "./x" })));
    assert!(!more("tty", json!(true)));
    // The rules have changed since: they deny it, or nobody needs to be asked.
    let deny =
        understand(Path::new(FILE), "[[rules]]\ndo = \"deny\"\ncommands = [\"git push *\"]\n");
    assert!(!includes(&deny.unwrap(), &run("git push"), &push));
}

#[test]
fn a_command_that_runs_an_unknown_file_or_a_script_is_never_included() {
    let known = ScriptContent::Unshown { digest: "a".into(), why: Unshown::NotSent };
    let with = |line: &str, file: &str, content: &ScriptContent| {
        let mut call = run(line);
        call.facts.runs.insert(PathBuf::from(file), RunFile::Found(content.clone()));
        call
    };
    let make = |content| with("make test", "/home/maya/shop/Makefile", content);
    let test = command("make test", &[]);
    assert!(includes(&rules(), &run("make test"), &test));
    assert!(includes(&rules(), &make(&known), &test), "a grant compares it with what was shown");
    assert!(!includes(&rules(), &make(&ScriptContent::Unknown), &test));
    let script = with("bash test x", "/home/maya/shop/test", &known);
    assert!(!includes(&rules(), &script, &command("bash test", &[])));
}

fn edits() -> Vec<GateRule> {
    let text = "[[rules]]\ndo = \"ask\"\ntools = [\"*Edit\", \"Write\", \"apply_patch\"]\n\
        risk = \"low\"\n";
    understand(Path::new(FILE), text).unwrap()
}

fn write(path: &str) -> ToolCall {
    looked("Write", json!({ "file_path": path, "content": "x" }))
}

fn folders(call: &ToolCall) -> String {
    let found = grantable(&edits(), call).unwrap();
    found.patterns.iter().map(said).collect::<Vec<_>>().join(", ")
}

#[test]
fn an_edit_offers_its_folder_and_the_workspace() {
    assert_eq!(folders(&write("src/web/a.rs")), "src/web/**, /**");
    assert_eq!(folders(&write("/home/maya/shop/src/a.rs")), "src/**, /**");
    assert_eq!(folders(&write("a.rs")), "/**");
    let patch = "*** Begin Patch\n*** Update File: src/a/x.rs\n@@\n-a\n+b\n\
        *** Add File: src/b/y.rs\n+c\n*** End Patch";
    assert_eq!(folders(&looked("apply_patch", json!({ "input": patch }))), "src/**, /**");
    // Places that are asked even if a rule allows the call, and files elsewhere.
    for path in [
        "CLAUDE.md",
        ".git/hooks/x",
        ".github/workflows/ci.yml",
        "src/.env",
        "package.json",
        "/home/maya/other/a.rs",
        "../other/a.rs",
        ".claude/worktrees/x/src/a.rs",
    ] {
        assert_eq!(folders(&write(path)), "", "{path}");
    }
    // With the default rules nobody is asked about it.
    assert_eq!(offered(&write("src/a.rs")), Vec::<String>::new());
}

#[test]
fn a_folder_includes_what_lies_in_it_wherever_links_lead() {
    let src = CallPattern::Folder { folder: "src".into() };
    let of = |call: &ToolCall| includes(&edits(), call, &src);
    assert!(of(&write("src/a.rs")) && of(&write("src/deep/b.rs")));
    assert!(of(&looked(
        "Edit",
        json!({ "file_path": "src/a.rs", "old_string": "a", "new_string": "b" })
    )));
    for path in [
        "a.rs",
        "src2/a.rs",
        "SRC/a.rs",
        "src/../a.rs",
        "/home/maya/src/a.rs",
        "/src/a.rs",
        "src/CLAUDE.md",
        "src/.github/x.yml",
        "src/package.json",
        ".claude/worktrees/x/src/a.rs",
    ] {
        assert!(!of(&write(path)), "{path}");
    }
    // `src/link` leads out of the folder.
    let mut linked = write("src/link/a.rs");
    linked.real = vec!["/home/maya/shop/docs/a.rs".into()];
    assert!(!of(&linked));
    let mut linked = write("src/link/a.rs");
    let real = PathBuf::from("/home/maya/shop/docs/a.rs");
    let fact = FileFact { real, kind: PlaceKind::File };
    linked.facts.add("/home/maya/shop/src/link/a.rs".into(), fact);
    assert!(!of(&linked));
    let mut linked = write("src/link/a.rs");
    linked.real = vec!["/home/maya/shop/src/deep/a.rs".into()];
    assert!(of(&linked), "within the folder");
    // The workspace by its other name, without links.
    let mut other = write("src/a.rs");
    other.roots.push("/data/shop".into());
    other.real = vec!["/data/shop/src/a.rs".into()];
    assert!(of(&other));
    // What the tool would write is not known for certain.
    for input in [
        json!({ "file_path": "src/a.rs", "content": "x", "also": "b.rs" }),
        json!({ "file_path": "src/a.rs", "path": "b.rs", "content": "x" }),
        json!({ "content": "x" }),
    ] {
        assert!(!of(&looked("Write", input.clone())), "{input}");
    }
    assert!(!of(&looked("mcp__files__write", json!({ "path": "src/a.rs", "content": "x" }))));
    assert!(!of(&run("touch src/a.rs")));
    let patch = "*** Begin Patch\n*** Update File: src/a.rs\n*** Move to: b.rs\n@@\n-a\n+b\n\
        *** End Patch";
    assert!(!of(&looked("apply_patch", json!({ "input": patch }))));
}

#[test]
fn a_tool_is_included_by_its_full_name() {
    let offered = |tool: &str, input: Value| offered(&looked(tool, input)).join(", ");
    assert_eq!(offered("mcp__github__get_issue", json!({ "n": 7 })), "mcp__github__get_issue");
    assert_eq!(
        offered("WebFetch", json!({ "url": "https://a.example", "prompt": "x" })),
        "WebFetch"
    );
    assert_eq!(offered("Skill", json!({ "skill": "pdf" })), "Skill(pdf)");
    for (tool, input) in [
        ("Skill", json!({ "skill": "p*" })),
        ("Skill", json!({ "skill": ["pdf"] })),
        ("mcp__github__*", json!({})),
        ("mcp__x__bash", json!({ "command": "ls" })),
        ("mcp__x__y\u{200B}", json!({})),
        ("ExitPlanMode", json!({ "plan": "x" })),
        ("BashTool(x)", json!({})),
    ] {
        assert_eq!(offered(tool, input.clone()), "", "{tool} {input}");
    }
    let tool = |tool: &str| CallPattern::Tool { tool: tool.into() };
    let of = |name: &str, input: Value, pattern: &str| {
        includes(&rules(), &looked(name, input), &tool(pattern))
    };
    assert!(of("mcp__github__get_issue", json!({ "n": 8 }), "mcp__github__get_issue"));
    assert!(!of("mcp__github__get_issue2", json!({ "n": 8 }), "mcp__github__get_issue"));
    assert!(!of("mcp__gitlab__get_issue", json!({ "n": 8 }), "mcp__github__get_issue"));
    assert!(of("Skill", json!({ "skill": "pdf", "args": "x" }), "Skill(pdf)"));
    assert!(!of("Skill", json!({ "skill": "deploy" }), "Skill(pdf)"));
    assert!(!of("Skill", json!({ "skill": "pdf" }), "Skill"));
    // A place that is asked even if a rule allows the tool.
    let secret = json!({ "path": "/home/maya/.ssh/id_rsa" });
    assert!(!of("mcp__files__read", secret, "mcp__files__read"));
    assert!(of("mcp__files__read", json!({ "path": "src/a" }), "mcp__files__read"));
    assert!(!of("mcp__files__read", json!({ "path": "src/\u{202E}a" }), "mcp__files__read"));
}

#[test]
fn the_exact_call_is_recognised_in_any_session_and_in_no_other_folder() {
    let of = |call: &ToolCall| grantable(&rules(), call).unwrap().call;
    let one = run("git push");
    let session = ToolCall { session: Some("s-2".into()), ..one.clone() };
    assert_eq!(of(&one), of(&session));
    assert_ne!(one.identity(), session.identity());
    let folder = ToolCall { cwd: "/home/maya/shop/sub".into(), ..one.clone() };
    assert_ne!(of(&one), of(&folder));
    assert_ne!(of(&one), of(&ToolCall { agent: "goose".into(), ..one.clone() }));
    let elsewhere = ToolCall { cwd: "/home/maya/other".into(), ..one.clone() };
    assert_eq!(grantable(&rules(), &elsewhere), None);
    assert_eq!(grantable(&rules(), &ToolCall { roots: Vec::new(), ..one }), None);
}
