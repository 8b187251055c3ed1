//! Tokens: made, listed, revoked, and recognised when somebody shows one.
//!
//! A secret is shown once, when its token is made; kept is its SHA-256. It is 256 random bits, so
//! nothing slower is needed to keep it from being guessed. Must not know how it is carried.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::clock::wall_time;
use super::{Handle, HandleError};
use crate::core::caller::{Caller, Grant, Token, TokenId};
use crate::store::{NewToken, StoreError};

/// What every secret begins with, so that scanners and cards know one when they see it.
const MARK: &str = "gander_";

/// A token's secret. Shown to whoever made the token, and never again.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// The secret itself.
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
    /// Makes a token. Its secret is in nobody's hands but the caller's.
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

    /// All tokens, also those that were revoked.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn tokens(&self) -> Result<Vec<Token>, HandleError> {
        Ok(self.store(|store| store.tokens()).await?.into_iter().map(|kept| kept.token).collect())
    }

    /// From now on a token is worth nothing. `false`: there is none with this number, or it was
    /// revoked before.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn revoke_token(&self, id: TokenId) -> Result<bool, HandleError> {
        let revoked = self.store(move |store| store.revoke(id, wall_time())).await?;
        self.hint();
        Ok(revoked)
    }

    /// Whose secret this is. `None`: nobody's, or its token was revoked. Every token is compared,
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
            // That it was used is good to know and worth no failure.
            let _ = self.store(move |store| store.used(id, now)).await;
        }
        Ok(Some(Caller::of_token(token, &tokens)))
    }
}
