//! Tokens: creation, listing, revocation and authentication.
//!
//! A secret is shown once, when its token is created; the store keeps its SHA-256. With 256 random
//! bits a secret cannot be guessed, so no slower hash is needed. Does not depend on the transport
//! of tokens.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::core::access::{Caller, Grant, HolderStanding, Token, TokenId};
use crate::engine::clock::wall_time;
use crate::engine::{Handle, HandleError};
use crate::store::{NewToken, StoreError};

/// Prefix of every secret, recognised by secret scanners and by cards.
const MARK: &str = "gander_";

fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Tokens of remote callers.
#[derive(Debug, Clone, Copy)]
pub struct TokenApi<'a> {
    pub(in crate::engine) handle: &'a Handle,
}

impl TokenApi<'_> {
    /// Creates a token. Only the caller learns its secret.
    ///
    /// # Errors
    /// [`HandleError::InvalidGrant`], [`HandleError::Store`].
    pub async fn create(
        self,
        name: &str,
        grant: Grant,
    ) -> Result<(Token, SecretString), HandleError> {
        let grant = grant.validated()?;
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(|error| {
            StoreError::Failed(format!("the system provides no random numbers: {error}"))
        })?;
        let secret = SecretString::from(format!("{MARK}{}", URL_SAFE_NO_PAD.encode(random)));
        let new = NewToken {
            name: name.trim().to_owned(),
            grant,
            hash: hash(secret.expose_secret()),
            at: wall_time(),
        };
        let token = self.handle.with_store(move |store| store.tokens().create(new)).await?;
        Ok((token, secret))
    }

    /// All tokens, including revoked tokens.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn list(self) -> Result<Vec<Token>, HandleError> {
        Ok(self
            .handle
            .with_store(|store| store.tokens().all())
            .await?
            .into_iter()
            .map(|kept| kept.token)
            .collect())
    }

    /// Revokes a token. `false`: no such token, or already revoked.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn revoke(self, id: TokenId) -> Result<bool, HandleError> {
        let revoked =
            self.handle.with_store(move |store| store.tokens().revoke(id, wall_time())).await?;
        self.handle.hint();
        Ok(revoked)
    }

    /// Authenticates a secret. `None`: unknown, or the token was revoked. Compares with every token
    /// in constant time.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn caller_of(self, secret: &str) -> Result<Option<Caller>, HandleError> {
        let shown = hash(secret);
        let kept = self.handle.with_store(|store| store.tokens().all()).await?;
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
            let _ = self.handle.with_store(move |store| store.tokens().record_use(id, now)).await;
        }
        let caller = Caller::of_token(token, &tokens);
        let standing = self.standing_of(&caller).await;
        Ok(Some(caller.with_standing(standing)))
    }

    /// Caller ids of tokens that no longer give what a stream or a wait was opened with: revoked
    /// tokens, and tokens whose holder has left the bot's server.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn ended(self) -> Result<BTreeSet<String>, HandleError> {
        let tokens = self.list().await?;
        let mut ended = BTreeSet::new();
        for token in &tokens {
            let lapsed = token.revoked_at.is_none()
                && self.standing_of(&Caller::of_token(token, &[])).await == HolderStanding::Left;
            if token.revoked_at.is_some() || lapsed {
                ended.insert(token.id.caller());
            }
        }
        Ok(ended)
    }
}
