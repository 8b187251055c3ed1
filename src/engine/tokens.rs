//! Tokens: creation, listing, revocation and authentication.
//!
//! A secret is shown once, when its token is created; the store keeps its SHA-256. With 256 random
//! bits a secret cannot be guessed, so no slower hash is needed. Does not depend on the transport
//! of tokens.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::clock::wall_time;
use super::{Handle, HandleError};
use crate::core::caller::{Caller, Grant, Token, TokenId};
use crate::store::{NewToken, StoreError};

/// Prefix of every secret, recognised by secret scanners and by cards.
const MARK: &str = "gander_";

/// A token's secret. Shown once, at the token's creation.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// The secret in plain text.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

impl Handle {
    /// Creates a token. Only the caller learns its secret.
    ///
    /// # Errors
    /// [`HandleError::Ungrantable`], [`HandleError::Store`].
    pub async fn create_token(
        &self,
        name: &str,
        grant: Grant,
    ) -> Result<(Token, Secret), HandleError> {
        let grant = grant.admissible()?;
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(|error| {
            StoreError::Failed(format!("the system gives no random numbers: {error}"))
        })?;
        let secret = Secret(format!("{MARK}{}", URL_SAFE_NO_PAD.encode(random)));
        let new = NewToken {
            name: name.trim().to_owned(),
            grant,
            hash: hash(&secret.0),
            at: wall_time(),
        };
        let token = self.store(move |store| store.mint(new)).await?;
        Ok((token, secret))
    }

    /// All tokens, including revoked tokens.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn tokens(&self) -> Result<Vec<Token>, HandleError> {
        Ok(self.store(|store| store.tokens()).await?.into_iter().map(|kept| kept.token).collect())
    }

    /// Revokes a token. `false`: no such token, or already revoked.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn revoke_token(&self, id: TokenId) -> Result<bool, HandleError> {
        let revoked = self.store(move |store| store.revoke(id, wall_time())).await?;
        self.hint();
        Ok(revoked)
    }

    /// Authenticates a secret. `None`: unknown, or the token was revoked. Compares with every token
    /// in constant time.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn caller_of(&self, secret: &str) -> Result<Option<Caller>, HandleError> {
        let shown = hash(secret);
        let kept = self.store(|store| store.tokens()).await?;
        let mut found = None;
        for (index, kept) in kept.iter().enumerate() {
            if bool::from(kept.hash.as_slice().ct_eq(shown.as_slice()))
                && kept.token.revoked_at.is_none()
            {
                found = Some(index);
            }
        }
        let Some(index) = found else { return Ok(None) };
        let tokens: Vec<Token> = kept.into_iter().map(|kept| kept.token).collect();
        let token = &tokens[index];
        let (id, now) = (token.id, wall_time());
        if token.used_at.is_none_or(|at| now - at >= chrono::TimeDelta::minutes(1)) {
            // The last use is informative only: ignore a failed write.
            let _ = self.store(move |store| store.used(id, now)).await;
        }
        Ok(Some(Caller::of_token(token, &tokens)))
    }
}
