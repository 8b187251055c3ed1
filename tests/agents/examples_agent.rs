//! An agent that asks before it deploys: the loop of docs/agents.md, which is compared with it.

use std::process::Command;
use std::time::Duration;

use gander_client::{Client, Error, Outcome, Question, Risk, VerdictKind};

#[tokio::main]
pub(super) async fn main() -> Result<(), Error> {
    // GANDER_URL (http://… or unix:///…) and GANDER_TOKEN; without them, the socket of your own
    // gander serve.
    let client = Client::from_env()?;
    let question = Question {
        kind: Some("deploy".into()),
        risk: Some(Risk::Medium),
        dedup_key: Some("deploy-shop".into()),
        ..Question::new("Deploy the shop?")
    };
    let asked = client.ask(&question).await?;
    let decision = client.wait(&asked, Duration::from_secs(24 * 60 * 60)).await?;
    if decision.resolution.verdict != Some(VerdictKind::Approved) {
        let reason = decision.resolution.reason.unwrap_or_default();
        println!("not deployed: {:?} {reason}", decision.state);
        return Ok(());
    }
    let done = Command::new("./deploy.sh").status().is_ok_and(|status| status.success());
    let outcome = if done { Outcome::Succeeded } else { Outcome::Failed };
    client.report(&asked, outcome, "").await?;
    Ok(())
}
