//! Answers GitHub's deployment requests by REST, each once.
//!
//! The verdict is claimed before GitHub is told, so that it cannot be undone afterwards. Until
//! GitHub has confirmed, the decision's number stays in the store, and the answer is sent again,
//! also after a restart.

use std::time::Duration;

use gander_client::http::root_cause;
use reqwest::{Client, StatusCode, redirect};
use secrecy::ExposeSecret as _;

use super::GithubHook;
use super::github::{DeploymentRequest, deployment_prefix};
use crate::core::decision::{Decision, DecisionId, Outcome, State, Verdict};
use crate::engine::{Filter, Handle, HandleError};

const MEMO: &str = "github-answer";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// Pause before the next attempt, at first.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// Longest pause before the next attempt.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// Interval of looks without a hint.
const POLL_INTERVAL: Duration = Duration::from_secs(60);

/// The meaning of an attempt.
enum Attempt {
    Done,
    /// GitHub is busy, or cannot be reached.
    Later(String),
    Refused(String),
}

/// Answers after each verdict. Never returns.
pub(super) async fn run(handle: Handle, hook: GithubHook) {
    let client = match client(&hook) {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(%error, "GitHub's deployment requests cannot be answered");
            return std::future::pending().await;
        }
    };
    let mut hints = handle.hints();
    let mut pause = FIRST_PAUSE;
    loop {
        hints.mark_unchanged();
        let wait = match answer_all(&handle, &hook, &client).await {
            Ok(None) => {
                pause = FIRST_PAUSE;
                POLL_INTERVAL
            }
            Ok(Some(why)) => {
                tracing::warn!(
                    why,
                    "GitHub was not told yet; trying again in {} s",
                    pause.as_secs()
                );
                pause = (pause * 2).min(LONGEST_PAUSE);
                tokio::time::sleep(pause / 2).await;
                continue;
            }
            Err(error) => {
                tracing::warn!(%error, "could not look for verdicts for GitHub; trying again");
                FIRST_PAUSE
            }
        };
        // The handle holds the sender, so the channel cannot close.
        let _ = tokio::time::timeout(wait, hints.changed()).await;
    }
}

/// Redirects are not followed: the token goes only to the configured address.
fn client(hook: &GithubHook) -> reqwest::Result<Client> {
    let client = Client::builder()
        .use_rustls_tls()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(REQUEST_TIMEOUT)
        .redirect(redirect::Policy::none())
        .user_agent(concat!("gander/", env!("CARGO_PKG_VERSION")));
    // No proxy for requests to this machine.
    if hook.api.url().scheme() == "http" { client.no_proxy() } else { client }.build()
}

/// Answers every verdict. Returns why the rest must wait, if it must.
async fn answer_all(
    handle: &Handle,
    hook: &GithubHook,
    client: &Client,
) -> Result<Option<String>, HandleError> {
    if let Some(id) = handle.operations().memo(MEMO).await?.and_then(|id| id.parse().ok()) {
        match handle.approvals().get(DecisionId(id)).await {
            Ok(decision) => {
                if let Some(why) = finish(handle, hook, client, &decision).await? {
                    return Ok(Some(why));
                }
            }
            // The store is an older backup.
            Err(HandleError::NoSuchDecision(_)) => handle.operations().put_memo(MEMO, None).await?,
            Err(error) => return Err(error),
        }
    }
    let filter = Filter {
        key_prefix: Some(deployment_prefix()),
        state: Some("resolved".into()),
        ..Filter::default()
    };
    let is_unclaimed = |decision: &Decision| {
        decision.request.asked_by.is_none()
            && matches!(&decision.state, State::Resolved(it) if it.claimed_at.is_none())
    };
    let resolved = handle.approvals().list(filter).await?;
    for decision in resolved.into_iter().rev().filter(is_unclaimed) {
        handle.operations().put_memo(MEMO, Some(decision.id.0.to_string())).await?;
        match handle.approvals().claim(decision.id).await {
            // Undone at this moment.
            Err(HandleError::Refused(..)) => handle.operations().put_memo(MEMO, None).await?,
            Err(error) => return Err(error),
            Ok(claimed) => {
                if let Some(why) = finish(handle, hook, client, &claimed).await? {
                    return Ok(Some(why));
                }
            }
        }
    }
    Ok(None)
}

/// Tells GitHub a claimed verdict. Returns why it must wait, if it must.
async fn finish(
    handle: &Handle,
    hook: &GithubHook,
    client: &Client,
    decision: &Decision,
) -> Result<Option<String>, HandleError> {
    let key = decision.request.dedup_key.as_deref().unwrap_or_default();
    let (State::Resolved(resolved), Some(request)) = (&decision.state, DeploymentRequest::of(key))
    else {
        handle.operations().put_memo(MEMO, None).await?;
        return Ok(None);
    };
    if resolved.claimed_at.is_none() {
        // Interrupted before the claim: it is answered like any other.
        return Ok(None);
    }
    let (state, comment) = match &resolved.verdict {
        Verdict::Approved(_) => {
            ("approved", format!("Approved by {} with Gander", resolved.by.name))
        }
        Verdict::Rejected { reason } => ("rejected", reason.clone()),
        Verdict::Chosen { .. } | Verdict::Answered { .. } => {
            ("rejected", "It was not approved.".to_owned())
        }
    };
    let (outcome, words) = match send(hook, client, &request, state, &comment).await {
        Attempt::Later(why) => return Ok(Some(why)),
        Attempt::Done => (Outcome::Succeeded, format!("GitHub was told: {state}")),
        Attempt::Refused(why) => (Outcome::Failed, why),
    };
    handle.approvals().report(decision.id, outcome, &words).await?;
    handle.operations().put_memo(MEMO, None).await?;
    Ok(None)
}

async fn send(
    hook: &GithubHook,
    client: &Client,
    request: &DeploymentRequest,
    state: &str,
    comment: &str,
) -> Attempt {
    let Some(token) = &hook.token else { return Attempt::Refused("there is no token".into()) };
    let body = serde_json::json!({
        "environment_name": request.environment,
        "state": state,
        "comment": comment,
    });
    let (owner, name) = request.repository.split_once('/').unwrap_or_default();
    let run = request.run.to_string();
    let path = ["repos", owner, name, "actions", "runs", &run, "deployment_protection_rule"];
    let address = hook.api.join_path(&path);
    let sent = client
        .post(address)
        .bearer_auth(token.expose_secret())
        .header("accept", "application/vnd.github+json")
        .header("content-type", "application/json")
        .header("x-github-api-version", "2022-11-28")
        .body(body.to_string())
        .send()
        .await;
    match sent.map(|response| response.status()) {
        Err(error) => Attempt::Later(root_cause(&error.without_url())),
        Ok(status) if status.is_success() => Attempt::Done,
        Ok(status)
            if status.is_server_error()
                || status == StatusCode::TOO_MANY_REQUESTS
                || status == StatusCode::REQUEST_TIMEOUT =>
        {
            Attempt::Later(format!("GitHub answered {status}"))
        }
        Ok(status) => Attempt::Refused(format!(
            "GitHub refused the answer ({status}): check the permission \"Deployments\" of the \
             token, and whether the deployment still waits"
        )),
    }
}
