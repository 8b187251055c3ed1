//! Turns a waiting task into a question for a person.
//!
//! Contains all text that this source puts on a card. Text from the file has priority; the text
//! here fills the gaps. Pure. Does not depend on folders, files or the store.

use super::answer::{AnswerPlan, DECISION_FILE, DecisionFileUse};
use super::command::ApprovalCommand;
use super::format::{COUNTS, Task, Waits};
use crate::core::decision::{Agent, Detail, Insight, Kind, Request, Risk, TASK_KEY};

/// Prefix of every key of this source.
pub(super) const KEY: &str = TASK_KEY;
/// The longest task name in a title, in characters; the body has the full description.
const LONGEST_NAME: usize = 160;

/// The key of a file's question: path and state. A new state is a new question, because an edited
/// card notifies nobody, and a deferred review must not hold back a failure.
pub(super) fn key(file: &str, waits: Waits) -> String {
    format!("{KEY}{file}#{}", waits.word())
}

/// The file and the state in a key, if this source made the key.
pub(super) fn parts_of(key: &str) -> Option<(&str, &str)> {
    key.strip_prefix(KEY)?.rsplit_once('#')
}

/// The question of a waiting task.
///
/// The risk is medium in most states: risk describes the harm of a wrong *answer*, and a wrong
/// answer to a failed task costs some rework. It is low where the work is done and stays where it
/// is. Policy may raise the risk for a project or a kind.
pub(super) fn question(
    task: &Task,
    waits: Waits,
    file: &str,
    project: &str,
    answer: &AnswerPlan,
) -> Request {
    let words = words(waits);
    let mut insight = match waits {
        // What the agent said while it worked does not explain why it stopped to report.
        Waits::Stale => Insight::default(),
        _ => task.insight.clone(),
    };
    for (part, usual) in [
        (&mut insight.observation, words.observation),
        (&mut insight.why_it_matters, words.why_it_matters),
        (&mut insight.what_to_do, words.what_to_do),
    ] {
        if part.is_empty() {
            usual.clone_into(part);
        }
    }
    if let ApprovalCommand::Runs(line) = &answer.command {
        // The first part of the explanation is always on the card, so the agent's words cannot
        // push out what an approval runs.
        let folder = line.folder.display();
        let why = std::mem::take(&mut insight.why_it_matters);
        insight.what_to_do = format!(
            "If you approve, Gander runs: {line} (in {folder}). {} {why}",
            insight.what_to_do
        );
    }
    let name: String = task.name.chars().take(LONGEST_NAME).collect();
    let whole = task.description == name || task.description.is_empty();
    Request {
        title: format!("{}: {name}", words.heading),
        kind: Kind::from(words.kind),
        insight,
        details: details(task, answer),
        body: if whole { String::new() } else { task.description.clone() },
        project: project.to_owned(),
        agent: Agent {
            name: task.agent.clone().unwrap_or_else(|| "agent".into()),
            session: Some(task.id.clone()),
        },
        risk: words.risk,
        dedup_key: Some(key(file, waits)),
        ..Request::default()
    }
}

fn details(task: &Task, answer: &AnswerPlan) -> Vec<Detail> {
    let detail = |name: &str, value: &str| Detail { name: name.into(), value: value.into() };
    let folder = answer.file.parent().unwrap_or(&answer.file).to_string_lossy();
    let mut details = vec![detail("state", &task.state), detail("worktree", &folder)];
    details.extend(task.facts.iter().cloned());
    match &answer.command {
        ApprovalCommand::Nothing => {}
        ApprovalCommand::Runs(line) => details.push(detail(
            "if you approve",
            &format!("Gander runs, in {}: {line}", line.folder.display()),
        )),
        ApprovalCommand::Unusable(why) => details.push(detail(
            "if you approve",
            &format!("Gander cannot run the configured command: {why}"),
        )),
    }
    match (answer.decision_file, &answer.command) {
        (DecisionFileUse::Written, _) => details.push(detail(
            "after your answer",
            &format!("Gander writes it to {DECISION_FILE} in the worktree, for the agent"),
        )),
        (DecisionFileUse::Unused, ApprovalCommand::Runs(_)) => {}
        // An answer that seems to have an effect, and has none, is worse than no answer.
        (DecisionFileUse::Unused, _) => details.push(detail(
            "after your answer",
            "Gander records the answer, but this agent does not read it: do what the card \
             recommends, or tell the agent",
        )),
    }
    details
}

/// Whether two questions are equal to a person: ignores counters and the project's name.
pub(super) fn same_question(a: &Request, b: &Request) -> bool {
    let bare = |request: &Request| {
        let mut request = request.clone();
        request.details.retain(|detail| !COUNTS.contains(&detail.name.as_str()));
        request.project.clear();
        request
    };
    bare(a) == bare(b)
}

/// Why a question ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EndReason<'a> {
    /// The task is in another state.
    Continued(&'a str),
    /// Nobody reviewed the completed task for [`super::scan::REVIEW_WITHIN`].
    Aged,
    /// The file no longer exists.
    Gone,
    /// The file is no longer a task.
    NotATask,
    /// The folder is no longer watched.
    Unwatched,
    /// The file is asked about under this other path.
    Alias(&'a str),
    /// The question is asked again under another project.
    Renamed(&'a str),
}

impl EndReason<'_> {
    /// The reason, as shown on the card.
    pub(super) fn reason(self) -> String {
        let short = |text: &str| text.chars().take(80).collect::<String>();
        match self {
            Self::Continued(state) => {
                format!("the task continued without an answer: its state is now {}", short(state))
            }
            Self::Aged => "the task is complete for a week, and nobody has reviewed it".into(),
            Self::Gone => "the task's file was removed, so the task no longer waits".into(),
            Self::NotATask => {
                "the task's file has other content now, so the task no longer waits".into()
            }
            Self::Unwatched => "its folder is no longer watched".into(),
            Self::Alias(file) => {
                format!("this is another path of {file}, which is asked about alone")
            }
            Self::Renamed(project) => {
                format!("it is asked again under the project {}", short(project))
            }
        }
    }
}

struct Words {
    heading: &'static str,
    kind: &'static str,
    risk: Risk,
    observation: &'static str,
    why_it_matters: &'static str,
    what_to_do: &'static str,
}

const fn words(waits: Waits) -> Words {
    match waits {
        Waits::Plan => PLAN,
        Waits::Review => REVIEW,
        Waits::Validation => VALIDATION,
        Waits::Blocked => BLOCKED,
        Waits::Failed => FAILED,
        Waits::Person => PERSON,
        Waits::Ready => READY,
        Waits::Stale => STALE,
    }
}

const PLAN: Words = Words {
    heading: "Plan to review",
    kind: "design_review",
    risk: Risk::Medium,
    observation: "The agent has a plan and stopped for a review.",
    why_it_matters: "The agent implements nothing until the plan is reviewed.",
    what_to_do: "Read the plan. If it is right, run the task again with \
        skip_to=implement; if not, tell the agent why.",
};

const REVIEW: Words = Words {
    heading: "Work to review",
    kind: "code_review",
    risk: Risk::Medium,
    observation: "The agent stopped and asks for a review.",
    why_it_matters: "The task does not continue until it is reviewed.",
    what_to_do: "Review the worktree, then let the task continue \
         or tell the agent what is wrong.",
};

const VALIDATION: Words = Words {
    heading: "Validation failed",
    kind: "test_failure",
    risk: Risk::Medium,
    observation: "The implementation does not pass its validation.",
    why_it_matters: "When its retries are used up, the agent stops \
         and the worktree goes stale.",
    what_to_do: "Open the worktree, run the validation, fix the failures, and run the \
        task again with skip_to=implement.",
};

const BLOCKED: Words = Words {
    heading: "Blocked",
    kind: "routine",
    risk: Risk::Medium,
    observation: "The task is blocked. The agent gave no reason.",
    why_it_matters: "The task does not continue until the blocker is resolved.",
    what_to_do: "Find the blocker in the worktree or the issue, \
         resolve it, and run the task again.",
};

const FAILED: Words = Words {
    heading: "Task failed",
    kind: "routine",
    risk: Risk::Medium,
    observation: "The task failed and the agent gave up. It gave no reason.",
    why_it_matters: "No agent works on the task any more, and its work \
         may be lost with the worktree.",
    what_to_do: "Review the worktree, then run the task again or close it.",
};

const PERSON: Words = Words {
    heading: "A person is needed",
    kind: "routine",
    risk: Risk::Medium,
    observation: "The agent says that a person has to act.",
    why_it_matters: "The task waits for this, or continues without what it needs.",
    what_to_do: "Read the agent's message in the worktree, and act on it.",
};

const READY: Words = Words {
    heading: "Ready for local review",
    kind: "code_review",
    risk: Risk::Low,
    observation: "The task is complete in its worktree. Nothing was pushed.",
    why_it_matters: "The work helps nobody until it is reviewed and pushed.",
    what_to_do: "Review the worktree, then push it or tell the agent what is wrong.",
};

const STALE: Words = Words {
    heading: "Stale or possibly hung",
    kind: "routine",
    risk: Risk::Medium,
    observation: "The agent has not reported for more than 30 minutes.",
    why_it_matters: "The agent may be hung or gone. Nobody else takes the task meanwhile.",
    what_to_do: "Look whether the agent still runs. If not, run the task again.",
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::agent_task::format::{Reading, read_task};

    fn ask(case: &str) -> Request {
        let path = format!("{}/fixtures/agent-task/{case}.json", env!("CARGO_MANIFEST_DIR"));
        let Reading::Task(task) = read_task(&std::fs::read_to_string(path).unwrap()) else {
            panic!("{case} is no task")
        };
        let file = "/r/.agents/worktrees/w/.agent-task.json";
        let answer = AnswerPlan {
            file: file.into(),
            task_id: task.id.clone(),
            task_state: task.state.clone(),
            digest: String::new(),
            decision_file: DecisionFileUse::Unused,
            command: ApprovalCommand::Nothing,
        };
        question(&task, task.waits.expect("it waits"), file, "shop", &answer)
    }

    fn detail<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
        request
            .details
            .iter()
            .find(|detail| detail.name == name)
            .map(|detail| detail.value.as_str())
    }

    #[test]
    fn titles_and_kinds() {
        let cases = [
            (
                "published-needs-review",
                "code_review",
                "Work to review: Cache the price list of the shop front",
            ),
            ("published-plan-review", "design_review", "Plan to review: Split the importer in two"),
            (
                "published-working-needs-person",
                "routine",
                "A person is needed: task/publish-nightly",
            ),
            (
                "written-impl-validation-failed",
                "test_failure",
                "Validation failed: issue-58-cart-totals",
            ),
            ("written-planning-review", "design_review", "Plan to review: issue-61-search-filters"),
            ("written-blocked", "routine", "Blocked: issue-60-tax-tables"),
            ("written-failed", "routine", "Task failed: issue-62-mailer"),
        ];
        for (case, kind, title) in cases {
            let request = ask(case);
            assert_eq!((request.kind.as_str(), request.title.as_str()), (kind, title), "{case}");
            assert_eq!(request.risk, Risk::Medium, "{case}");
            let insight = &request.insight;
            for part in [&insight.observation, &insight.why_it_matters, &insight.what_to_do] {
                assert!(!part.is_empty(), "{case}: {insight:?}");
            }
            assert!(request.details.len() <= 14, "{case}: a card has room for 14 details");
        }
    }

    #[test]
    fn details_are_the_files_facts() {
        let request = ask("published-needs-review");
        for (name, value) in [
            ("state", "needs-review"),
            ("step", "implementing"),
            ("branch", "issue/issue-41-price-cache"),
            ("validation", "make check"),
            ("model", "big-coder-2"),
            ("tokens", "input 81200, output 9400"),
            ("cost in USD", "1.27"),
            ("pull request", "https://git.example/shop/front/pull/77"),
            ("worktree", "/r/.agents/worktrees/w"),
        ] {
            assert_eq!(detail(&request, name), Some(value), "{name}");
        }
        assert_eq!(
            (request.agent.name.as_str(), request.agent.session.as_deref()),
            ("goose", Some("front-41"))
        );
        assert!(
            !format!("{request:?}").contains("2026-"),
            "no time is in it, or each heartbeat were a revision"
        );
        assert!(request.body.contains("Keep the old endpoint"), "a long description is not lost");
    }

    #[test]
    fn counts_make_no_new_question_and_words_do() {
        let asked = ask("written-impl-validation-failed");
        let mut counted = asked.clone();
        counted.details.push(Detail { name: "tokens".into(), value: "5".into() });
        assert!(same_question(&asked, &counted));
        counted.insight.observation.push_str(" And one more.");
        assert!(!same_question(&asked, &counted));
    }

    #[test]
    fn a_key_names_its_file_again() {
        for file in ["/a/b/.agent-task.json", "/odd#name: x/.agent-task.json"] {
            assert_eq!(parts_of(&key(file, Waits::Plan)), Some((file, "planning-review")));
        }
        assert_eq!(parts_of("deploy:42#failed"), None);
    }
}
