//! Calls of a gate: submit a tool call, and wait for the verdict.

use std::time::Duration;

use crate::send::Call;
use crate::types::{GateAnswer, GateCall, GateReady, GateVerdict};
use crate::{Client, Error};

impl Client {
    /// Submits a tool call to the gate. Safe to repeat: while the decision is open, or resolved but
    /// not yet claimed, the same call returns the same decision.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn gate(&self, call: &GateCall) -> Result<GateAnswer, Error> {
        self.send(&Call::post(&["v1", "gate"]).body(call)?).await
    }

    /// Waits for the verdict on the call of this decision and claims the verdict, or returns after
    /// `timeout` (rounded up to whole seconds). If `gander serve` ends meanwhile, keeps waiting
    /// until `gander serve` is back.
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
        self.poll(&call, Some(revision), None, timeout, |answer: &GateAnswer| match answer.answer {
            GateVerdict::Wait => true,
            GateVerdict::Defer => self.through_deferral,
            GateVerdict::Allow | GateVerdict::Deny => false,
        })
        .await
    }

    /// Whether a gate can ask on this server, and as which caller.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn gate_ready(&self) -> Result<GateReady, Error> {
        self.send(&Call::get(&["v1", "gate"])).await
    }
}
