//! Reads the figures for calibration and digest from the store.

use chrono::TimeDelta;

use crate::core::Time;
use crate::core::decision::{Decision, GrantSpan, Request};
use crate::core::messaging::digest::{DigestFigures, End, GrantFigures, OpenFigures, digest};
use crate::core::policy::calibration::{Calibration, REVIEW_PERIOD, calibrate};
use crate::engine::{Handle, HandleError};
use crate::presentation::text::figure_name;
use crate::store::{Store, StoreError};

/// Most grants of a digest.
const MOST_GRANTS: usize = 50;

/// Figures for calibration and digest.
#[derive(Debug, Clone, Copy)]
pub struct ReportApi<'a> {
    pub(in crate::engine) handle: &'a Handle,
}

impl ReportApi<'_> {
    /// How often people agreed with agents, by the agents' stated confidence; optionally for one
    /// agent or kind.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn calibration(
        self,
        agent: Option<&str>,
        kind: Option<&str>,
    ) -> Result<Calibration, HandleError> {
        // Reviews are dated in wall-clock time, because people read by the wall clock: convert the
        // span.
        let wall = self.handle.clock().wall();
        let reviewed = wall
            .checked_sub_signed(self.handle.time_scale().wall_span(REVIEW_PERIOD))
            .unwrap_or(wall);
        let tallies = self.handle.with_store(move |store| store.reports().judged(reviewed)).await?;
        // People name an agent as displayed.
        let named = agent.map(|agent| {
            tallies.iter().map(|tally| &tally.agent).find(|known| is_called(known, agent)).cloned()
        });
        let agent =
            named.map(|named| named.unwrap_or_else(|| agent.unwrap_or_default().to_owned()));
        let kind = kind.map(|kind| String::from(crate::core::decision::Kind::from(kind)));
        Ok(calibrate(&tallies, agent.as_deref(), kind.as_deref()))
    }

    /// The figures of a period in store time.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn digest(self, from: Time, to: Time) -> Result<DigestFigures, HandleError> {
        let now = self.handle.now();
        let found = self.handle.with_store(move |store| {
            Ok((
                store.reports().asked_between(from, to)?,
                store.reports().ended_between(from, to)?,
                store.decisions().pending()?,
                store.decisions().open_ids()?,
                store.event_log().head()?,
                used_grants(store, from, to)?,
            ))
        });
        let (asked, ended, waiting, open, head, grants) = found.await?;
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let oldest = waiting.iter().min_by_key(|waiting| (waiting.asked_at, waiting.id));
        let open = OpenFigures {
            waiting: count(waiting.len()),
            overdue: count(waiting.iter().filter(|waiting| waiting.breach_at <= now).count()),
            deferred: count(open.len().saturating_sub(waiting.len())),
            oldest: oldest.map(|oldest| (oldest.id, oldest.asked_at)),
        };
        let end = End { events: head.seq, head: head.hash };
        let lasts = |decision: &&Decision| {
            decision.grant().is_some_and(|grant| grant.terms.span != GrantSpan::Session)
        };
        let standing = self.handle.grants().live(None).await?;
        let standing_grants = count(standing.iter().filter(lasts).count());
        let figures = digest((from, to), asked, &ended, open, end);
        Ok(DigestFigures { grants, standing_grants, ..figures })
    }

    /// The figures of the last `days` days, at least 1.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn digest_of_days(self, days: u32) -> Result<DigestFigures, HandleError> {
        let now = self.handle.now();
        let from = now.checked_sub_signed(TimeDelta::days(i64::from(days.max(1)))).unwrap_or(now);
        self.digest(from, now).await
    }
}

/// The grants that let calls through within a span.
fn used_grants(store: &Store, from: Time, to: Time) -> Result<Vec<GrantFigures>, StoreError> {
    let uses = store.grants().uses_between(from, to)?;
    let mut figures = Vec::new();
    for (id, uses) in uses.into_iter().take(MOST_GRANTS) {
        let Some(decision) = store.decisions().get(id)? else { continue };
        let pattern = decision.grant().and_then(|grant| grant.terms.pattern);
        let Request { project, title, .. } = decision.request;
        figures.push(GrantFigures { decision: id, project, title, pattern, uses });
    }
    Ok(figures)
}

fn is_called(known: &str, name: &str) -> bool {
    known == name || figure_name(known).eq_ignore_ascii_case(figure_name(name).as_str())
}
