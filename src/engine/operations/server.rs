//! The server to which a store belongs. The first start pins the server; only the configuration
//! changes it afterwards. Anybody may invite a public application, so being in a server proves
//! nothing.

use std::path::Path;

use crate::engine::{HandleError, OperationsApi};
use crate::store::sqlite::health;

/// The memo with the server's id.
const MEMO: &str = "server";

impl OperationsApi<'_> {
    /// The server to which the store belongs, if one was pinned.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn pinned_server(self) -> Result<Option<u64>, HandleError> {
        Ok(self.memo(MEMO).await?.and_then(|id| id.parse().ok()))
    }

    /// Pins the store to a server from now on.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn pin_server(self, id: u64) -> Result<(), HandleError> {
        self.put_memo(MEMO, Some(id.to_string())).await
    }
}

/// The server to which a store's file belongs, read without changing anything.
#[must_use]
pub fn pinned(store: &Path) -> Option<u64> {
    health::memo(store, MEMO)?.parse().ok()
}
