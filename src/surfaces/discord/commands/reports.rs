//! `/calibration` and `/digest`.

use super::{Context, Error, answer};

/// How often people agreed with agents, by the agents' stated confidence.
#[poise::command(slash_command)]
pub(crate) async fn calibration(
    ctx: Context<'_>,
    #[description = "Only this agent"] agent: Option<String>,
    #[description = "Only this kind: deploy, naming, …"] kind: Option<String>,
) -> Result<(), Error> {
    answer(ctx, |voter| async move {
        ctx.data().calibration(&voter, agent.as_deref(), kind.as_deref()).await
    })
    .await
}

/// Decisions of the last days, how long they waited, and decisions waiting now.
#[poise::command(slash_command)]
pub(crate) async fn digest(
    ctx: Context<'_>,
    #[description = "Number of days up to now; default: 1"]
    #[min = 1]
    #[max = 366]
    days: Option<u32>,
) -> Result<(), Error> {
    answer(ctx, |voter| async move { ctx.data().digest(&voter, days.unwrap_or(1)).await }).await
}
