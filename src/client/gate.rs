//! A gate's calls: what an agent is about to do is brought to the server, and waited for.

use std::time::Duration;

use super::send::Call;
use super::{Client, Error};
use crate::wire::gate::Verdict;
use crate::wire::{GateAnswer, GateCall, GateReady};

impl Client {
    /// Brings a tool call to the gate. While what it became is open, or answered and not yet taken,
    /// it is the same decision; so repeating it is safe.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn gate(&self, call: &GateCall) -> Result<GateAnswer, Error> {
        self.send(&Call::post(&["v1", "gate"]).body(call)?).await
    }

    /// Waits until there is an answer for the call that this decision was asked for, and takes it,
    /// or until this long is over. If `gander serve` ends meanwhile, it goes on waiting for it to
    /// come back. To the second.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn gate_wait(
        &self,
        id: i64,
        revision: u32,
        timeout: Duration,
    ) -> Result<GateAnswer, Error> {
        let id = id.to_string();
        let call = Call::post(&["v1", "gate", &id, "wait"]);
        self.poll(&call, Some(revision), None, timeout, |answer: &GateAnswer| {
            answer.answer == Verdict::Wait
        })
        .await
    }

    /// Whether a gate can ask here, and as whom.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn gate_ready(&self) -> Result<GateReady, Error> {
        self.send(&Call::get(&["v1", "gate"])).await
    }
}
