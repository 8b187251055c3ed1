//! What GitHub's events mean: checks that failed, requested reviews, labels, and deployments that
//! wait for an approval. Has all text that these put on a card. Pure.

use serde_json::Value;

use super::GithubRules;
use crate::core::decision::{Agent, Detail, GITHUB_KEY, Insight, Kind, Link, Request, Risk};
use crate::sources::effect::{Effect, text_at, title_part};

/// Between [`GITHUB_KEY`] and the run of a deployment request.
const DEPLOYMENT: &str = "deployment:";
const PASSED: &str = "the check has passed";
const REVIEWED: &str = "a review was given, or is not requested any more";
const CLOSED: &str = "it was closed";
const UNLABELLED: &str = "the label was removed";
const RUN_ENDED: &str = "the workflow run has ended";

/// The effects of an event. Other events, and payloads without the documented fields, have none.
pub(super) fn effects(event: &str, payload: &Value, rules: &GithubRules) -> Vec<Effect> {
    let repository = text_at(payload, "/repository/full_name").filter(|name| is_repository(name));
    let (Some(repository), Some(action)) = (repository, text_at(payload, "/action")) else {
        return Vec::new();
    };
    let event_of = Event { repository, payload, rules };
    let effects = match (event, action) {
        ("check_run", "completed") => event_of.check(),
        ("pull_request", "review_requested") => event_of.review(),
        ("pull_request", "review_request_removed") | ("pull_request_review", "submitted") => {
            event_of.over_review(REVIEWED)
        }
        ("pull_request" | "issues", "labeled") => event_of.label(),
        ("pull_request" | "issues", "unlabeled") => event_of.over_label(),
        ("pull_request" | "issues", "closed" | "deleted") => event_of.closed(),
        ("deployment_protection_rule", "requested") => event_of.deployment(),
        ("workflow_run", "completed") => event_of.over_run(),
        _ => None,
    };
    effects.unwrap_or_default()
}

/// A deployment that waits for an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DeploymentRequest {
    pub(super) repository: String,
    pub(super) run: u64,
    pub(super) environment: String,
}

impl DeploymentRequest {
    fn key(&self) -> String {
        let Self { repository, run, environment } = self;
        format!("{GITHUB_KEY}{DEPLOYMENT}{repository}:{run}:{environment}")
    }

    /// The request that a key names.
    pub(super) fn of(key: &str) -> Option<Self> {
        let mut parts = key.strip_prefix(GITHUB_KEY)?.strip_prefix(DEPLOYMENT)?.splitn(3, ':');
        let (repository, run, environment) = (parts.next()?, parts.next()?, parts.next()?);
        is_repository(repository).then_some(Self {
            repository: repository.to_owned(),
            run: run.parse().ok()?,
            environment: environment.to_owned(),
        })
    }
}

/// Prefix of the keys of deployment requests.
pub(super) fn deployment_prefix() -> String {
    format!("{GITHUB_KEY}{DEPLOYMENT}")
}

/// Whether a name is `owner/repository`, without anything that a path could hide.
fn is_repository(name: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    name.split_once('/').is_some_and(|(owner, name)| is_part(owner) && is_part(name))
}

/// An event of a repository.
struct Event<'a> {
    repository: &'a str,
    payload: &'a Value,
    rules: &'a GithubRules,
}

type Effects = Option<Vec<Effect>>;

impl<'a> Event<'a> {
    fn text(&self, pointer: &str) -> Option<&'a str> {
        text_at(self.payload, pointer)
    }

    fn number(&self, pointer: &str) -> Option<u64> {
        self.payload.pointer(pointer)?.as_u64()
    }

    /// The beginning of a commit's hash.
    fn commit(&self, pointer: &str) -> String {
        self.text(pointer).unwrap_or_default().chars().take(12).collect()
    }

    fn over(&self, key: &str, reason: &'static str) -> Effect {
        Effect::Over { prefix: format!("{GITHUB_KEY}{key}"), reason }
    }

    fn base(&self, kind: &str, title: &str, key: &str) -> Request {
        let name = self.repository.split_once('/').map_or(self.repository, |(_, name)| name);
        Request {
            title: title_part(title),
            kind: Kind::from(kind),
            project: self.rules.project.clone().unwrap_or_else(|| name.to_owned()),
            agent: Agent {
                name: "github".into(),
                session: self.text("/sender/login").map(ToOwned::to_owned),
            },
            dedup_key: Some(format!("{GITHUB_KEY}{key}")),
            ..Request::default()
        }
    }

    fn details(&self, facts: &[(&str, Option<&str>)]) -> Vec<Detail> {
        let fact = |(name, value): &(&str, Option<&str>)| {
            Some(Detail { name: (*name).to_owned(), value: (*value)?.to_owned() })
        };
        let repository = [("repository", Some(self.repository))];
        repository.iter().chain(facts).filter_map(fact).collect()
    }

    fn links(&self, pointers: &[(&str, &str)]) -> Vec<Link> {
        let link = |(name, pointer): &(&str, &str)| {
            let is_sound =
                |url: &&str| url.starts_with("https://") && !url.contains(char::is_whitespace);
            let url = self.text(pointer).filter(is_sound)?;
            Some(Link { name: (*name).to_owned(), url: url.to_owned() })
        };
        pointers.iter().filter_map(link).collect()
    }

    /// A check is known by its name and branch: a later run of it that passes ends the question.
    fn check(&self) -> Effects {
        let name = self.text("/check_run/name")?;
        let branch = self.text("/check_run/check_suite/head_branch").unwrap_or("no branch");
        let key = format!(
            "check:{}:{}",
            self.repository,
            crate::sources::short_hash(format!("{branch}\n{name}").as_bytes())
        );
        let conclusion = self.text("/check_run/conclusion")?;
        match conclusion {
            "success" | "neutral" | "skipped" => return Some(vec![self.over(&key, PASSED)]),
            "failure" | "timed_out" | "action_required" | "startup_failure" => {}
            _ => return None,
        }
        let commit = self.commit("/check_run/head_sha");
        let request = Request {
            insight: Insight {
                observation: self
                    .text("/check_run/output/summary")
                    .or_else(|| self.text("/check_run/output/title"))
                    .map_or_else(|| format!("The check ended with {conclusion}."), title_part),
                why_it_matters: "Nothing that requires the check can be merged or deployed.".into(),
                what_to_do: "Approve to have somebody take care of it; reject if it may fail."
                    .into(),
            },
            details: self.details(&[
                ("branch", Some(branch)),
                ("commit", Some(&commit)),
                ("conclusion", Some(conclusion)),
            ]),
            links: self
                .links(&[("check", "/check_run/html_url"), ("details", "/check_run/details_url")]),
            ..self.base("test_failure", &format!("Check failed: {name} on {branch}"), &key)
        };
        Some(vec![Effect::ask(request)])
    }

    fn review_key(&self) -> Option<String> {
        Some(format!("review:{}:{}:", self.repository, self.number("/pull_request/number")?))
    }

    fn review(&self) -> Effects {
        let reviewer =
            self.text("/requested_reviewer/login").or_else(|| self.text("/requested_team/slug"))?;
        let wanted = &self.rules.reviewers;
        if !wanted.is_empty() && !wanted.iter().any(|name| name.eq_ignore_ascii_case(reviewer)) {
            return None;
        }
        let number = self.number("/pull_request/number")?;
        let title = self.text("/pull_request/title").unwrap_or_default();
        let key = format!("{}{reviewer};", self.review_key()?);
        let request = Request {
            insight: Insight {
                observation: format!("{reviewer} is asked to review the pull request."),
                why_it_matters: "The pull request waits for the review.".into(),
                what_to_do: "Review it on GitHub; the question ends with the review.".into(),
            },
            details: self.details(&[
                ("author", self.text("/pull_request/user/login")),
                ("branch", self.text("/pull_request/head/ref")),
            ]),
            body: self.text("/pull_request/body").unwrap_or_default().to_owned(),
            links: self.links(&[("pull request", "/pull_request/html_url")]),
            ..self.base("code_review", &format!("Review requested: #{number} {title}"), &key)
        };
        Some(vec![Effect::ask(request)])
    }

    /// A review, or the end of its request. Without a name, all reviews of the pull request end.
    fn over_review(&self, reason: &'static str) -> Effects {
        let reviewer = self
            .text("/review/user/login")
            .or_else(|| self.text("/requested_reviewer/login"))
            .or_else(|| self.text("/requested_team/slug"));
        let name = reviewer.map(|name| format!("{name};")).unwrap_or_default();
        Some(vec![self.over(&(self.review_key()? + &name), reason)])
    }

    /// The number and the part of the payload of an issue or pull request.
    fn subject(&self) -> Option<(u64, &'static str)> {
        ["/pull_request", "/issue"]
            .into_iter()
            .find_map(|part| Some((self.number(&format!("{part}/number"))?, part)))
    }

    fn labels_key(&self, number: u64) -> String {
        format!("label:{}:{number}:", self.repository)
    }

    fn label_key(&self, number: u64, label: &str) -> String {
        format!("{}{label};", self.labels_key(number))
    }

    fn label(&self) -> Effects {
        let label = self.text("/label/name")?;
        if !self.rules.labels.iter().any(|wanted| wanted.eq_ignore_ascii_case(label)) {
            return None;
        }
        let (number, part) = self.subject()?;
        let title = self.text(&format!("{part}/title")).unwrap_or_default();
        let url = format!("{part}/html_url");
        let request = Request {
            insight: Insight {
                observation: format!("It was labelled {label}."),
                why_it_matters: "The label says that a person is needed.".into(),
                what_to_do:
                    "Read it on GitHub and do what it asks for; the question ends when the \
                    label is removed."
                        .into(),
            },
            details: self.details(&[("author", self.text(&format!("{part}/user/login")))]),
            body: self.text(&format!("{part}/body")).unwrap_or_default().to_owned(),
            links: self.links(&[("GitHub", &url)]),
            ..self.base(
                "priority",
                &format!("{label}: #{number} {title}"),
                &self.label_key(number, label),
            )
        };
        Some(vec![Effect::ask(request)])
    }

    fn over_label(&self) -> Effects {
        let (number, label) = (self.subject()?.0, self.text("/label/name")?);
        Some(vec![self.over(&self.label_key(number, label), UNLABELLED)])
    }

    fn closed(&self) -> Effects {
        let (number, _) = self.subject()?;
        let mut over = vec![self.over(&self.labels_key(number), CLOSED)];
        over.extend(self.review_key().map(|key| self.over(&key, CLOSED)));
        Some(over)
    }

    /// The address to call is made from the repository and the run, never taken from the payload.
    fn deployment(&self) -> Effects {
        let environment = self.text("/environment").filter(|name| name.len() <= 255)?;
        let callback = self.text("/deployment_callback_url")?;
        let run = callback.strip_suffix("/deployment_protection_rule")?.rsplit('/').next()?;
        let deployment = DeploymentRequest {
            repository: self.repository.to_owned(),
            run: run.parse().ok()?,
            environment: environment.to_owned(),
        };
        let run_url = format!("https://github.com/{}/actions/runs/{run}", self.repository);
        let commit = self.commit("/deployment/sha");
        let key = deployment.key();
        let request = Request {
            environment: Some(environment.to_owned()),
            risk: Risk::High,
            insight: Insight {
                observation: format!("A workflow waits before it deploys to {environment}."),
                why_it_matters: "It deploys as soon as the deployment is approved.".into(),
                what_to_do: "Approve or reject; Gander answers GitHub.".into(),
            },
            details: self.details(&[
                ("ref", self.text("/deployment/ref")),
                ("commit", Some(&commit)),
                ("creator", self.text("/deployment/creator/login")),
                ("event", self.text("/event")),
            ]),
            links: vec![Link { name: "workflow run".into(), url: run_url }],
            dedup_key: Some(key),
            ..self.base("deploy", &format!("Deploy {} to {environment}", self.repository), "")
        };
        Some(vec![Effect::ask(request)])
    }

    fn over_run(&self) -> Effects {
        let run = self.number("/workflow_run/id")?;
        Some(vec![self.over(&format!("{DEPLOYMENT}{}:{run}:", self.repository), RUN_ENDED)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture(case: &str) -> Value {
        let path = format!("{}/fixtures/github/{case}.json", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        serde_json::from_str(&text).unwrap()
    }

    fn rules() -> GithubRules {
        GithubRules { labels: vec!["needs-human".into()], ..GithubRules::default() }
    }

    fn one(event: &str, payload: &Value) -> Effect {
        let mut effects = effects(event, payload, &rules());
        assert_eq!(effects.len(), 1, "{event}: {effects:?}");
        effects.remove(0)
    }

    fn asked(event: &str, case: &str) -> Request {
        match one(event, &fixture(case)) {
            Effect::Ask(request) => *request,
            other => panic!("{event}: {other:?}"),
        }
    }

    fn prefix(event: &str, payload: &Value) -> String {
        match one(event, payload) {
            Effect::Over { prefix, .. } => prefix,
            other => panic!("{event}: {other:?}"),
        }
    }

    #[test]
    fn what_needs_a_person_is_asked_and_what_follows_ends_it() {
        let check = asked("check_run", "check-run-failure");
        assert_eq!(check.title, "Check failed: build on price-cache");
        let mut passed = fixture("check-run-failure");
        passed["check_run"]["conclusion"] = "success".into();
        let key = check.dedup_key.unwrap();
        assert!(key.starts_with(&prefix("check_run", &passed)), "{key}");
        passed["check_run"]["conclusion"] = "cancelled".into();
        assert_eq!(effects("check_run", &passed, &rules()), []);

        let review = asked("pull_request", "review-requested");
        assert_eq!(review.title, "Review requested: #77 Cache the price list");
        let key = review.dedup_key.unwrap();
        let mut reviewed = fixture("review-requested");
        reviewed["action"] = "submitted".into();
        reviewed["review"] = serde_json::json!({"user": {"login": "ada"}});
        assert!(key.starts_with(&prefix("pull_request_review", &reviewed)), "{key}");
        reviewed["review"]["user"]["login"] = "eve".into();
        assert!(!key.starts_with(&prefix("pull_request_review", &reviewed)), "{key}");

        let label = asked("issues", "issue-labeled");
        assert_eq!(
            (label.title.as_str(), label.project.as_str()),
            ("needs-human: #12 Prices", "shop")
        );
        let mut closed = fixture("issue-labeled");
        closed["action"] = "closed".into();
        assert!(label.dedup_key.unwrap().starts_with(&prefix("issues", &closed)));
        let mut other = fixture("issue-labeled");
        other["label"]["name"] = "bug".into();
        assert_eq!(effects("issues", &other, &rules()), []);

        let deploy = asked("deployment_protection_rule", "deployment-requested");
        assert_eq!((deploy.kind.as_str(), deploy.risk), ("deploy", Risk::High));
        let key = deploy.dedup_key.unwrap();
        let named = DeploymentRequest::of(&key).unwrap();
        assert_eq!(
            (named.repository.as_str(), named.run, named.environment.as_str()),
            ("octo/shop", 4711, "production")
        );
        let ended = serde_json::json!({"action": "completed", "workflow_run": {"id": 4711},
            "repository": {"full_name": "octo/shop"}});
        assert!(key.starts_with(&prefix("workflow_run", &ended)));
    }

    #[test]
    fn reviewers_can_be_chosen() {
        let of = |reviewers: &[&str]| GithubRules {
            reviewers: reviewers.iter().map(|name| (*name).to_owned()).collect(),
            ..GithubRules::default()
        };
        let payload = fixture("review-requested");
        assert_eq!(effects("pull_request", &payload, &of(&["Ada"])).len(), 1);
        assert_eq!(effects("pull_request", &payload, &of(&["eve"])).len(), 0);
    }

    #[test]
    fn a_hostile_repository_or_run_makes_no_address() {
        for name in ["octo", "../x", "octo/..", "octo/a b", "octo/shop/../../x", "", "octo/sh%2fop"]
        {
            let mut payload = fixture("deployment-requested");
            payload["repository"]["full_name"] = name.into();
            let found = effects("deployment_protection_rule", &payload, &rules());
            assert_eq!(found, [], "{name}");
        }
        for callback in [
            "",
            "https://evil.example/x",
            "https://api.github.com/runs/4711x/deployment_protection_rule",
        ] {
            let mut payload = fixture("deployment-requested");
            payload["deployment_callback_url"] = callback.into();
            let found = effects("deployment_protection_rule", &payload, &rules());
            assert_eq!(found, [], "{callback}");
        }
        for payload in ["null", "[]", "{}", r#"{"action": 1, "repository": []}"#] {
            let payload = serde_json::from_str(payload).unwrap();
            for event in ["check_run", "issues", "pull_request", "deployment_protection_rule", ""] {
                assert_eq!(effects(event, &payload, &rules()), []);
            }
        }
    }
}
