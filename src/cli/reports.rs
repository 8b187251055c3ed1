//! `gander calibration`, `gander digest`: the reports' figures, without plots.

use clap::Args;

use super::{Common, Exit, Outcome, output};
use crate::core::Time;
use crate::presentation::text;
use crate::presentation::text::{ReportFormat, ReportSection};

#[derive(Debug, Args)]
pub(super) struct CalibrationArgs {
    /// Only this agent
    #[arg(long)]
    agent: Option<String>,
    /// Only this kind
    #[arg(long)]
    kind: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct DigestArgs {
    /// Number of days up to now
    #[arg(
        long,
        value_name = "DAYS",
        default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(1..=366)
    )]
    days: u32,
}

fn parts(parts: &[ReportSection]) {
    for (title, lines) in parts {
        output::line(&format!("\n{title}"));
        for line in lines {
            output::line(&format!("  {line}"));
        }
    }
}

impl CalibrationArgs {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let opened = common.open_to_read()?;
        let calibration = opened
            .handle
            .reports()
            .calibration(self.agent.as_deref(), self.kind.as_deref())
            .await?;
        if common.json {
            output::json(&calibration);
            return Ok(Exit::Yes);
        }
        let style = ReportFormat {
            said: &text::figure_name,
            at: &|at| at.to_string(),
            code: str::to_owned,
        };
        output::line(&text::calibration_headline(&calibration, style));
        let said = text::calibration_parts(&calibration, style);
        parts(&said);
        if !said.is_empty() {
            output::line(&format!("\n{}", text::CALIBRATION_NOTE));
        }
        Ok(Exit::Yes)
    }
}

impl DigestArgs {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let opened = common.open_to_read()?;
        let digest = opened.handle.reports().digest_of_days(self.days).await?;
        if common.json {
            output::json(&digest);
            return Ok(Exit::Yes);
        }
        let zone = opened.handle.rules().zone;
        let at = |at: Time| at.with_timezone(&zone).format("%Y-%m-%d %H:%M %Z").to_string();
        let style = ReportFormat { said: &text::figure_name, at: &at, code: str::to_owned };
        output::line(&format!(
            "{}: {}",
            text::digest_title(&digest),
            text::digest_span(&digest, style)
        ));
        parts(&text::digest_parts(&digest, style));
        Ok(Exit::Yes)
    }
}
