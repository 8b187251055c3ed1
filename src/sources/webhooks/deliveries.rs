//! Delivery ids of GitHub that were handled, kept in the store: a delivery that is sent again, by
//! GitHub or by an eavesdropper, is not handled again.

use std::collections::VecDeque;

use crate::engine::{Handle, HandleError};
use crate::sources::short_hash;

const MEMO: &str = "github-deliveries";
/// Ids that are remembered, the latest ones.
const MOST: usize = 2_000;

/// The ids, as short hashes.
#[derive(Debug, Default)]
pub(super) struct Deliveries(Option<VecDeque<String>>);

impl Deliveries {
    async fn load(&mut self, handle: &Handle) -> Result<&mut VecDeque<String>, HandleError> {
        if self.0.is_none() {
            let kept = handle.operations().memo(MEMO).await?.unwrap_or_default();
            self.0 = Some(kept.split_whitespace().map(ToOwned::to_owned).collect());
        }
        Ok(self.0.get_or_insert_default())
    }

    pub(super) async fn knows(
        &mut self,
        handle: &Handle,
        delivery: &str,
    ) -> Result<bool, HandleError> {
        Ok(self.load(handle).await?.contains(&short_hash(delivery.as_bytes())))
    }

    pub(super) async fn keep(
        &mut self,
        handle: &Handle,
        delivery: &str,
    ) -> Result<(), HandleError> {
        let known = self.load(handle).await?;
        known.push_back(short_hash(delivery.as_bytes()));
        if known.len() > MOST {
            known.pop_front();
        }
        let text = known.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        handle.operations().put_memo(MEMO, Some(text)).await
    }
}
