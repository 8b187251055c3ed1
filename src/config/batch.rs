//! `[batch]`: when decisions share a card.

use chrono::TimeDelta;
use serde::Deserialize;

use super::Span;
use crate::core::batch::Batching;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Batch {
    min: Option<usize>,
    window: Option<Span>,
}

impl Batch {
    /// With the projects that want a card for each.
    pub(super) fn batching(&self, except: impl Iterator<Item = String>) -> Batching {
        let usual = Batching::default();
        let window = self.window.and_then(|span| TimeDelta::try_seconds(i64::try_from(span.0).ok()?));
        Batching { min: self.min.unwrap_or(usual.min), window: window.unwrap_or(usual.window), except: except.collect() }
    }
}
