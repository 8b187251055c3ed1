//! The tasks with which a run begins. Pure.
//!
//! What does not depend on each other runs side by side: the installation beside the setup, and
//! both beside the plan. A task about language models exists only if the sources call one.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::frameworks::{Found, ModelCall};

/// A task to enqueue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Seed {
    /// Its own within the run.
    pub(super) key: String,
    #[serde(rename = "type")]
    pub(super) job_type: String,
    pub(super) title: String,
    pub(super) prompt: String,
    /// Keys of tasks that must be done before: each stands before this one.
    pub(super) needs: Vec<String>,
    pub(super) inputs: Value,
}

/// The tasks for a project, in the order in which they are enqueued.
pub(super) fn of(frameworks: &[Found], call: Option<&ModelCall>) -> Vec<Seed> {
    let mut seeds = Vec::new();
    for Found { framework, manifest } in frameworks {
        let (word, name) = (framework.word(), framework.name());
        let inputs = json!({ "framework": word, "manifest": manifest });
        seeds.push(Seed {
            key: format!("install-{word}"),
            job_type: "install".into(),
            title: format!("Install the libraries for {name}"),
            prompt: format!("Add the libraries to {manifest}, in its own way."),
            needs: Vec::new(),
            inputs: inputs.clone(),
        });
        seeds.push(Seed {
            key: format!("init-{word}"),
            job_type: "init".into(),
            title: format!("Set up {name}"),
            prompt: format!("Set the libraries up where {name} starts."),
            needs: Vec::new(),
            inputs,
        });
    }
    let names: Vec<&str> = frameworks.iter().map(|found| found.framework.name()).collect();
    seeds.push(Seed {
        key: "plan".into(),
        job_type: "plan".into(),
        title: "Plan what to measure".into(),
        prompt: format!("Read the project ({}) and write the plan.", names.join(", ")),
        needs: Vec::new(),
        inputs: json!({}),
    });
    let set_up: Vec<String> = frameworks
        .iter()
        .flat_map(|found| ["install", "init"].map(|it| format!("{it}-{}", found.framework.word())))
        .collect();
    seeds.push(Seed {
        key: "instrument".into(),
        job_type: "instrument".into(),
        title: "Do what was planned".into(),
        prompt: "Read the plan's handoff, and do what it says.".into(),
        needs: set_up.iter().cloned().chain(["plan".into()]).collect(),
        inputs: json!({}),
    });
    if let Some(ModelCall { library, file, line }) = call {
        seeds.push(Seed {
            key: "llm-analytics".into(),
            job_type: "llm-analytics".into(),
            title: format!("Measure the calls of {library}"),
            prompt: format!("{file}:{line} calls {library}. Measure these calls."),
            needs: set_up,
            inputs: json!({ "library": library, "file": file, "line": line }),
        });
    }
    let last: Vec<String> = seeds
        .iter()
        .rev()
        .take(1 + usize::from(call.is_some()))
        .map(|seed| seed.key.clone())
        .collect();
    seeds.push(Seed {
        key: "report".into(),
        job_type: "report".into(),
        title: "Report what was done".into(),
        prompt: "Read all handoffs, and write one report.".into(),
        needs: last.into_iter().rev().collect(),
        inputs: json!({}),
    });
    seeds
}

#[cfg(test)]
mod tests {
    use super::super::frameworks::Framework;
    use super::*;

    fn shape(seeds: &[Seed]) -> Vec<String> {
        seeds.iter().map(|seed| format!("{} <- {}", seed.key, seed.needs.join(" "))).collect()
    }

    #[test]
    fn branches_run_side_by_side_and_what_was_found_adds_a_task() {
        let next = Found { framework: Framework::NextJs, manifest: "package.json".into() };
        let call = ModelCall { library: "OpenAI", file: "app/a.ts".into(), line: 3 };
        assert_eq!(
            shape(&of(std::slice::from_ref(&next), None)),
            [
                "install-nextjs <- ",
                "init-nextjs <- ",
                "plan <- ",
                "instrument <- install-nextjs init-nextjs plan",
                "report <- instrument",
            ]
        );
        let seeds = of(std::slice::from_ref(&next), Some(&call));
        assert_eq!(
            shape(&seeds)[4..],
            ["llm-analytics <- install-nextjs init-nextjs", "report <- instrument llm-analytics",]
        );
        for (at, seed) in seeds.iter().enumerate() {
            let before = |key: &String| seeds[..at].iter().any(|seed| seed.key == *key);
            assert!(seed.needs.iter().all(before), "{}", seed.key);
        }
    }
}
