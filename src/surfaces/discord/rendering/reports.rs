//! Calibration and digest as private answers, with their plots as files.

use serenity::all::CreateAttachment;

use super::render::{self, View};
use crate::core::decision::authorization::Voter;
use crate::core::messaging::digest::DigestFigures;
use crate::engine::operations::plot::png;
use crate::presentation::plot::{Picture, calibration_plot, wait_plot};
use crate::presentation::reports::{calibration_card, digest_card};
use crate::presentation::text;
use crate::surfaces::discord::Bot;

/// The plot as a PNG file; `None` if drawing fails. The card also has the figures as text.
fn file(picture: &Picture, name: &str) -> Option<CreateAttachment> {
    match png(picture) {
        Ok(bytes) => Some(CreateAttachment::bytes(bytes, name)),
        Err(error) => {
            tracing::error!(%error, "answered without a plot");
            None
        }
    }
}

/// The plot of waiting times.
pub(crate) fn wait_png(digest: &DigestFigures) -> Option<CreateAttachment> {
    wait_plot(digest).and_then(|picture| file(&picture, "waits.png"))
}

impl Bot {
    /// Decisions of the last days, and waiting decisions, for an approver.
    pub(crate) async fn digest(&self, voter: &Voter, days: u32) -> View {
        if !self.is_approver(voter) {
            return View::words(text::FOR_APPROVERS);
        }
        match self.handle.reports().digest_of_days(days).await {
            Ok(digest) => {
                let mut view = render::plain_card(&digest_card(&digest, self.handle.time_scale()));
                view.files.extend(wait_png(&digest));
                view
            }
            Err(error) => View::words(text::store_failed(&error.to_string())),
        }
    }

    /// How often people agreed with agents, by stated confidence, for an approver.
    pub(crate) async fn calibration(
        &self,
        voter: &Voter,
        agent: Option<&str>,
        kind: Option<&str>,
    ) -> View {
        if !self.is_approver(voter) {
            return View::words(text::FOR_APPROVERS);
        }
        match self.handle.reports().calibration(agent, kind).await {
            Ok(calibration) => {
                let card = calibration_card(&calibration);
                if calibration.count.all() == 0 {
                    return View::words(card.headline);
                }
                let mut view = render::plain_card(&card);
                view.files.extend(file(&calibration_plot(&calibration), "calibration.png"));
                view
            }
            Err(error) => View::words(text::store_failed(&error.to_string())),
        }
    }
}
