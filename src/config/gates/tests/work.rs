//! Judging takes an amount of work that grows no faster than the call, and ends.

use serde_json::json;

use super::*;
use crate::core::gate::budget::Budget;
use crate::core::gate::rules::judge_within;

/// The steps for a call of this command, and the ruling's reason if the budget is spent.
fn work(command: &str) -> (u64, bool) {
    let rules = understand(Path::new(FILE), DEFAULTS).unwrap();
    let budget = Budget::default();
    let call = call("Bash", json!({ "command": command }));
    let ruling = judge_within(&rules, &call, &budget);
    if budget.is_spent() {
        let Ruling::Ask { risk, reason, .. } = &ruling else { panic!("{ruling:?}") };
        assert!(*risk >= Risk::High, "{ruling:?}");
        assert!(*risk > Risk::High || *reason == Some(AskReason::TooMuch), "{ruling:?}");
    }
    (budget.spent(), budget.is_spent())
}

/// Commands that grow with a number, and so should the work.
fn growing(count: usize) -> Vec<(&'static str, String)> {
    let nested =
        |open: &str, close: &str| format!("echo {}make{}", open.repeat(count), close.repeat(count));
    vec![
        ("cd", "cd a;".repeat(count)),
        ("cd and back", "cd a; make; cd ..;".repeat(count)),
        ("pipes", "make |".repeat(count) + "make"),
        ("words", format!("make {}", "a ".repeat(count))),
        ("a long word", format!("make {}", "a".repeat(count))),
        ("quotes", format!("make {}", "'a'\"b\"".repeat(count))),
        ("substitutions", nested("$(echo ", ")")),
        ("substitutions in quotes", nested("\"$(echo ", ")\"")),
        ("parameters", nested("${a:-", "}")),
        ("arithmetic", nested("$((", "))")),
        ("subshells", format!("{}make{}", "(".repeat(count), ")".repeat(count))),
        ("open parentheses", "(".repeat(count)),
        ("open arithmetic", "((".repeat(count)),
        ("groups", format!("{}make;{}", "{ ".repeat(count), " }".repeat(count))),
        ("branches", "if ".repeat(count)),
        ("backquotes", format!("echo {}", "`make` ".repeat(count))),
        ("heredocs", "cat <<E\nsudo $(make)\nE\n".repeat(count)),
        ("heredocs of a line", format!("cat {}\n", "<<E ".repeat(count))),
        ("a heredoc", format!("cat > x <<'E'\n{}E\n", "line of text\n".repeat(count))),
        ("a heredoc for sh", format!("sh <<'E'\n{}E\n", "make all\n".repeat(count))),
        ("a heredoc for python", format!("python <<'E'\n{}E\n", "f(x)\n".repeat(count))),
        ("runners", "env ".repeat(count) + "make"),
        ("options of a runner", format!("env {}make", "-a ".repeat(count))),
        ("scripts", format!("sh -c '{}'", "make;".repeat(count))),
        ("files", "cat > x <<E\nE\nmv x y;".repeat(count)),
        ("an unfinished quote", "make;".repeat(count) + "'"),
    ]
}

#[test]
fn work_grows_no_faster_than_the_command() {
    let mut wrong = Vec::new();
    for ((name, once), (_, twice)) in growing(100).into_iter().zip(growing(200)) {
        let ((once, _), (twice, spent)) = (work(&once), work(&twice));
        // Each of many folders may be the folder of each command: the budget ends this.
        if twice > once * 5 / 2 && !(spent && name == "cd") {
            wrong.push(format!("{name}: {once} steps, then {twice}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// However long and whatever it contains, a call is answered: within the budget, or by a question
/// of high risk (`work` checks this). Before: 21 s for 1 KB of `cd`.
#[test]
fn long_commands_are_asked_within_the_budget() {
    let spent = growing(20_000).into_iter().filter(|(_, command)| {
        let end = (0..=100_000.min(command.len())).rev().find(|at| command.is_char_boundary(*at));
        work(&command[..end.unwrap()]).1
    });
    assert!(spent.count() > 0, "some need more");
}
