//! A session survives the three ways in which Discord ends a connection without ending it.

use discord_sandbox::{DropHow, JournalEntry, Sandbox, Wire};

use crate::stage::{Checked, Stage, answered, same};

pub(crate) async fn tcp(stage: &Stage) -> Checked {
    resumes(stage, DropHow::Tcp, "resumed after the connection was lost").await
}

pub(crate) async fn reconnect(stage: &Stage) -> Checked {
    resumes(stage, DropHow::Reconnect, "resumed after op 7").await
}

pub(crate) async fn invalid_session(stage: &Stage) -> Checked {
    let how = DropHow::InvalidSession { resumable: true };
    resumes(stage, how, "resumed after op 9").await
}

/// The bot resumes its session rather than opening another, and misses nothing: Maya writes to it
/// at once, and it echoes what it hears in a direct message.
async fn resumes(stage: &Stage, how: DropHow, words: &str) -> Checked {
    let mark = stage.mark();
    let channel = stage.maya.dm_with_bot().ok_or("no direct message")?;
    stage.sandbox.drop_gateway(how);
    answered(stage.maya.message(&channel, words).await)?;
    stage.wait("the bot to return", |sandbox| returned(sandbox, mark)).await?;
    stage.wait_for_message(&channel, &format!("maya said {words}")).await?;
    let attempts = sent_since(&stage.sandbox, mark);
    same("what the bot sent", attempts.last().map(|e| e.method.as_str()), Some("RESUME"))?;
    same("the number of sessions", stage.sandbox.gateway_sessions(), 1)
}

/// What the bot sent to begin or resume a session.
fn sent_since(sandbox: &Sandbox, mark: u64) -> Vec<JournalEntry> {
    let mut entries = sandbox.journal(mark);
    entries.retain(|entry| {
        entry.kind == Wire::Gateway && matches!(entry.method.as_str(), "RESUME" | "IDENTIFY")
    });
    entries
}

fn returned(sandbox: &Sandbox, mark: u64) -> Option<()> {
    (!sent_since(sandbox, mark).is_empty() && sandbox.gateway_sessions() == 1).then_some(())
}
