//! `/grants`: what agents may do without asking.

use super::{Context, Error, answer};

/// What agents may do without asking, with buttons to end it.
#[poise::command(slash_command)]
pub(crate) async fn grants(ctx: Context<'_>) -> Result<(), Error> {
    answer(ctx, |voter| async move { ctx.data().grants(&voter, 0, None).await }).await
}
