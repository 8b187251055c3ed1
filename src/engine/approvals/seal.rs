//! Seals: codes that only this store can make. A client keeps a reference with its seal, and can
//! neither guess nor alter it.
//!
//! Every seal is for one caller: with another token it is wrong. The key is made at its first use
//! and kept in the store, so a seal stays right after a restart and in other processes. Does not
//! depend on what the references are for.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use tokio::sync::OnceCell;

use super::access::Access;
use crate::engine::{Handle, HandleError};
use crate::store::StoreError;

/// Name of the key among the store's memos.
const KEY: &str = "seal-key";
/// Length of a seal in bytes: 192 bits cannot be guessed.
const LENGTH: usize = 24;

/// The store's key, once it has been read.
#[derive(Debug, Default)]
pub(in crate::engine) struct SealKey(OnceCell<SecretString>);

/// What a seal is for. A seal for one purpose is wrong for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealPurpose {
    /// A revision of a question, which its asker follows.
    Question,
    /// A wait that its caller continues with another request.
    Wait,
}

impl SealPurpose {
    const fn word(self) -> &'static str {
        match self {
            Self::Question => "question",
            Self::Wait => "wait",
        }
    }
}

impl Handle {
    async fn seal_key(&self) -> Result<&SecretString, HandleError> {
        self.inner.seal_key.0.get_or_try_init(|| self.read_seal_key()).await
    }

    async fn read_seal_key(&self) -> Result<SecretString, HandleError> {
        let kept = self.with_store(|store| match store.memos().get(KEY)? {
            Some(kept) => Ok(kept),
            None => store.memos().settle(KEY, new_key()?),
        });
        Ok(SecretString::from(kept.await?))
    }
}

fn new_key() -> Result<String, StoreError> {
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(|error| {
        StoreError::Failed(format!("the system provides no random numbers: {error}"))
    })?;
    Ok(URL_SAFE_NO_PAD.encode(random))
}

/// The seal of a caller's numbers. A caller's id contains no zero byte, and numbers have a fixed
/// length, so different inputs never look alike.
fn seal(key: &str, purpose: SealPurpose, caller: &str, numbers: &[i64]) -> String {
    // HMAC accepts keys of any length, so the error cannot occur; an empty seal is never right.
    let Ok(code) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else { return String::new() };
    let code = code.chain_update(format!("{}\0{caller}\0", purpose.word()));
    let code = numbers.iter().fold(code, |code, number| code.chain_update(number.to_be_bytes()));
    URL_SAFE_NO_PAD.encode(&code.finalize().into_bytes()[..LENGTH])
}

impl Access {
    /// The seal of these numbers for this caller: 32 letters, digits, `-` and `_`.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn seal(&self, purpose: SealPurpose, numbers: &[i64]) -> Result<String, HandleError> {
        let key = self.handle().seal_key().await?;
        Ok(seal(key.expose_secret(), purpose, &self.caller().id, numbers))
    }

    /// Whether a seal is right for these numbers and this caller. Takes the same time for every
    /// wrong seal.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn is_sealed(
        &self,
        purpose: SealPurpose,
        numbers: &[i64],
        given: &str,
    ) -> Result<bool, HandleError> {
        let right = self.seal(purpose, numbers).await?;
        Ok(!right.is_empty() && bool::from(right.as_bytes().ct_eq(given.as_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{SealPurpose, new_key, seal};

    #[test]
    fn every_part_of_the_input_changes_the_seal() {
        let (key, other) = (new_key().unwrap(), new_key().unwrap());
        let question = SealPurpose::Question;
        let seals = [
            seal(&key, question, "token:1", &[1, 1]),
            seal(&other, question, "token:1", &[1, 1]),
            seal(&key, SealPurpose::Wait, "token:1", &[1, 1]),
            seal(&key, question, "token:11", &[1, 1]),
            seal(&key, question, "token:1", &[1, 2]),
            seal(&key, question, "token:1", &[2, 1]),
            seal(&key, question, "token:1", &[1]),
            seal(&key, question, "token:1", &[1, 1, 0]),
        ];
        let different: BTreeSet<&String> = seals.iter().collect();
        assert_eq!(different.len(), seals.len(), "{seals:?}");
        assert_eq!(seals[0], seal(&key, question, "token:1", &[1, 1]));
        assert!(seals.iter().all(|seal| seal.len() == 32), "{seals:?}");
    }
}
