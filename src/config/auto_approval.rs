//! `[confidence]`: thresholds for automatic approval and for blocking. `[review]` and `[digest]`:
//! daily posts.

use chrono::NaiveTime;
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use crate::core::availability::clock_time;
use crate::core::decision::Kind;
use crate::core::messaging::daily::Daily;
use crate::core::policy::auto_approval::{Share, Thresholds, never_auto_approved};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Confidence {
    approve_above: Option<Above>,
    block_below: Option<Between>,
}

#[derive(Debug, Clone, Copy)]
struct Between(Share);

impl<'de> Deserialize<'de> for Between {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given = f64::deserialize(deserializer)?;
        Share::new(given).map(Self).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "{given} is not a confidence: write a number from 0 to 1, such as 0.6"
            ))
        })
    }
}

#[derive(Debug, Clone, Copy)]
struct Above(Share);

impl<'de> Deserialize<'de> for Above {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Between(share) = Between::deserialize(deserializer)?;
        if share < Thresholds::FLOOR {
            let floor = Thresholds::FLOOR.get();
            let words = format!(
                "approve_above = {} is too low: automatic approval needs a confidence of at \
                 least {floor}",
                share.get()
            );
            return Err(serde::de::Error::custom(words));
        }
        Ok(Self(share))
    }
}

impl Confidence {
    /// # Errors
    /// As text, if `block_below` is above `approve_above`.
    pub(super) fn thresholds(&self) -> Result<Thresholds, String> {
        let usual = Thresholds::default();
        let approve_above = self.approve_above.map_or(usual.approve_above, |above| above.0);
        let block_below = self.block_below.map_or(usual.block_below, |below| below.0);
        if block_below > approve_above {
            return Err(format!(
                "block_below = {} is above approve_above = {}: decisions above approve_above are \
                 approved, so they cannot block. Lower block_below",
                block_below.get(),
                approve_above.get()
            ));
        }
        Ok(Thresholds { approve_above, block_below })
    }
}

/// A time of day.
#[derive(Debug, Clone, Copy)]
struct At(NaiveTime);

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        clock_time(&String::deserialize(deserializer)?).map(Self).map_err(serde::de::Error::custom)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Review {
    at: Option<At>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct DigestSection {
    at: Option<At>,
    pub(super) channel: Option<String>,
}

pub(super) fn daily(review: &Review, digest: &DigestSection) -> Daily {
    let usual = Daily::default();
    Daily { review: review.at.map_or(usual.review, |at| at.0), digest: digest.at.map(|at| at.0) }
}

/// Checks that every kind with `route_by_confidence` allows automatic approval.
///
/// # Errors
/// The byte offset of the first violation, and the remedy.
pub(super) fn check_routable<'a>(
    kinds: impl Iterator<Item = (&'a String, Option<&'a Spanned<bool>>)>,
) -> Result<(), (usize, String)> {
    for (name, routed) in kinds {
        let Some(routed) = routed.filter(|routed| *routed.get_ref()) else { continue };
        if never_auto_approved(&Kind::from(name.as_str())) {
            let what = format!(
                "the kind {name:?} is never approved automatically: credentials, client \
                 communication, pricing, legal and payments always wait for a person. Remove \
                 route_by_confidence there"
            );
            return Err((routed.span().start, what));
        }
    }
    Ok(())
}
