//! The reader of shell scripts: exact on plain lines, careful with all others.

use super::*;
use crate::core::gate::programs::program;

fn read(line: &str) -> Line {
    super::read(line, &Budget::default())
}

fn possible_commands(line: &str) -> Vec<Vec<String>> {
    let budget = Budget::default();
    let read = super::read(line, &budget);
    let further = further_commands(line, &read, &budget);
    read.commands.into_iter().chain(further).map(|command| command.words).collect()
}

#[test]
fn what_is_plain_is_read_exactly() {
    for (line, commands) in [
        ("ls -la", vec![vec!["ls", "-la"]]),
        (
            "git log --format='%h %s' | head -n 3",
            vec![vec!["git", "log", "--format=%h %s"], vec!["head", "-n", "3"]],
        ),
        (
            "a && b || c; d & e\nf",
            vec![vec!["a"], vec!["b"], vec!["c"], vec!["d"], vec!["e"], vec!["f"]],
        ),
        ("\"r\"'m' a\\ b \"\"", vec![vec!["rm", "a b", ""]]),
        ("make 2>&1 >/dev/null", vec![vec!["make"]]),
        ("make &>/dev/null </dev/null", vec![vec!["make"]]),
        ("cd sub && \\\n ls", vec![vec!["cd", "sub"], vec!["ls"]]),
        ("diff ../../a ./../b", vec![vec!["diff", "../../a", "./../b"]]),
        ("ls # it's; x", vec![vec!["ls"]]),
        ("# first\nls a#b", vec![vec!["ls", "a#b"]]),
        ("git log main..HEAD", vec![vec!["git", "log", "main..HEAD"]]),
    ] {
        let read = read(line);
        let found: Vec<&Vec<String>> = read.commands.iter().map(|command| &command.words).collect();
        assert_eq!(found, commands.iter().collect::<Vec<_>>(), "{line}");
        assert!(read.certain, "{line}");
    }
}

#[test]
fn what_may_be_something_else_is_uncertain() {
    for line in [
        "",
        "  ",
        ";",
        "ls $(rm x)",
        "ls `rm x`",
        "ls \"$(rm x)\"",
        "ls \"`rm x`\"",
        "ls $HOME",
        "ls ${x}",
        "ls > out",
        "ls >> out",
        "ls >| out",
        "ls <(rm x)",
        "ls <<E\nx\nE",
        "ls < in",
        "A=1 ls",
        "PATH=/tmp ls",
        "(ls)",
        "{ ls; }",
        "ls *",
        "ls ?",
        "ls [ab]",
        "ls {a,b}",
        "ls # x\r make",
        "# x",
        "if ls; then ls; fi",
        "! ls",
        "ls 'x",
        "ls \"x",
        "ls \\",
        "$'ls'",
        "=ls",
        "ls \u{0}x",
        "ls\rrm x",
        "ls \u{1b}[2J",
        "ls 2>&$x",
        "ls >&out",
        "ls > /dev/null$x",
        "ls >/dev/nul''l",
        "cat /dev/fd/../environ",
        "cat link/../../secret",
        "grep --file=link/../x y",
        "time ls",
        "ls\u{a0}x",
        "for f in a; do ls; done",
    ] {
        assert!(!read(line).certain, "{line:?} {:?}", read(line));
    }
    assert!(!read(&"a ".repeat(3_000_000)).certain);
}

#[test]
fn every_command_that_may_be_run_is_a_suspect() {
    for line in [
        "sudo rm x",
        "/usr/bin/sudo rm x",
        "A=1 B=2 sudo rm x",
        "ls; sudo rm x",
        "ls\nsudo rm x",
        "ls | sudo rm x",
        "ls & sudo rm x",
        "echo $(sudo rm x)",
        "echo \"$(sudo rm x)\"",
        "echo `sudo rm x`",
        "\"sudo\" rm x",
        "su\\do rm x",
        "'su'do rm x",
        "(sudo rm x)",
        "{ sudo rm x; }",
        "env sudo rm x",
        "env -i A=1 sudo rm x",
        "timeout 5 sudo rm x",
        "sh -c 'sudo rm x'",
        "bash -lc \"sudo rm x\"",
        "eval 'sudo rm x'",
        "xargs -n1 sudo rm x",
        "find . -exec sudo rm x ;",
        "if true; then sudo rm x; fi",
        "! sudo rm x",
        "cat <(sudo rm x)",
        "nohup nice -n 5 sudo rm x",
        "sh -c 'sh -c \"sudo rm x\"'",
        "ssh host 'sudo rm x'",
        "x=$(sudo rm x)",
        "cat <<E\n$(sudo rm x)\nE",
        "time sudo rm x",
    ] {
        let found = possible_commands(line);
        assert!(found.iter().any(|words| program(&words[0]) == "sudo"), "{line}: {found:?}");
    }
    assert!(
        possible_commands("git commit -m 'no sudo here'").iter().all(|words| words[0] == "git")
    );
}
