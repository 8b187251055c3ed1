//! Calibration and digest as private answers, with their plots as files.

use serenity::all::CreateAttachment;

use super::Bot;
use super::render::{self, View};
use crate::core::digest::Digest;
use crate::core::figures::{calibration_card, digest_card};
use crate::core::plot::{Picture, calibration_plot, wait_plot};
use crate::core::text;
use crate::engine::plot::png;

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
pub(super) fn wait_png(digest: &Digest) -> Option<CreateAttachment> {
    wait_plot(digest).and_then(|picture| file(&picture, "waits.png"))
}

impl Bot {
    /// Decisions of the last days, and waiting decisions.
    pub(super) async fn digest(&self, days: u32) -> View {
        match self.handle.digest_of_days(days).await {
            Ok(digest) => {
                let mut view = render::plain_card(&digest_card(&digest, self.handle.pace()));
                view.files.extend(wait_png(&digest));
                view
            }
            Err(error) => View::words(text::trouble(&error.to_string())),
        }
    }

    /// How often people agreed with agents, by stated confidence.
    pub(super) async fn calibration(&self, agent: Option<&str>, kind: Option<&str>) -> View {
        match self.handle.calibration(agent, kind).await {
            Ok(calibration) => {
                let card = calibration_card(&calibration);
                if calibration.count.all() == 0 {
                    return View::words(card.headline);
                }
                let mut view = render::plain_card(&card);
                view.files.extend(file(&calibration_plot(&calibration), "calibration.png"));
                view
            }
            Err(error) => View::words(text::trouble(&error.to_string())),
        }
    }
}
