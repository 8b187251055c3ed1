//! `gander calibration`, `gander digest`: the reports' figures, without plots.

use clap::Args;

use super::{Common, Exit, Outcome, output};
use crate::core::Time;
use crate::core::text::{self, Figures, Part};

#[derive(Debug, Args)]
pub(super) struct Calibration {
    /// Only this agent
    #[arg(long)]
    agent: Option<String>,
    /// Only this kind
    #[arg(long)]
    kind: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Digest {
    /// Number of days up to now
    #[arg(long, value_name = "DAYS", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=366))]
    days: u32,
}

fn parts(parts: &[Part]) {
    for (title, lines) in parts {
        output::line(&format!("\n{title}"));
        for line in lines {
            output::line(&format!("  {line}"));
        }
    }
}

impl Calibration {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let opened = common.open_to_read()?;
        let calibration =
            opened.handle.calibration(self.agent.as_deref(), self.kind.as_deref()).await?;
        if common.json {
            output::json(&calibration);
            return Ok(Exit::Yes);
        }
        let style =
            Figures { said: &text::figure_name, at: &|at| at.to_string(), code: str::to_owned };
        output::line(&text::calibration_headline(&calibration, style));
        let said = text::calibration_parts(&calibration, style);
        parts(&said);
        if !said.is_empty() {
            output::line(&format!("\n{}", text::CALIBRATION_NOTE));
        }
        Ok(Exit::Yes)
    }
}

impl Digest {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let opened = common.open_to_read()?;
        let digest = opened.handle.digest_of_days(self.days).await?;
        if common.json {
            output::json(&digest);
            return Ok(Exit::Yes);
        }
        let zone = opened.handle.rules().zone;
        let at = |at: Time| at.with_timezone(&zone).format("%Y-%m-%d %H:%M %Z").to_string();
        let style = Figures { said: &text::figure_name, at: &at, code: str::to_owned };
        output::line(&format!(
            "{}: {}",
            text::digest_title(&digest),
            text::digest_span(&digest, style)
        ));
        parts(&text::digest_parts(&digest, style));
        Ok(Exit::Yes)
    }
}
