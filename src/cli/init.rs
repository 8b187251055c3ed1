//! `gander init`: writes the user's configuration, commented, with every default.

use std::io::Write as _;
use std::path::Path;

use clap::Args;

use super::{Common, Exit, Failure, Outcome, output};
use crate::{config, disk};

/// The file to write. Every setting in the file has its default value, or is commented out.
const TEMPLATE: &str = include_str!("init/gander.toml");

#[derive(Debug, Args)]
pub(super) struct Init {
    /// Print the configuration instead of writing a file
    #[arg(long)]
    print: bool,
}

impl Init {
    pub(super) fn run(&self, common: &Common) -> Outcome {
        if self.print {
            output::line(TEMPLATE.trim_end());
            return Ok(Exit::Yes);
        }
        let path = match &common.config {
            Some(path) => path.clone(),
            None => config::user_file()?,
        };
        let failed = |error: std::io::Error| {
            Failure::new(Exit::Internal, format!("{}: {error}", path.display()))
        };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        match disk::create_own(&path) {
            Ok(mut file) => file.write_all(TEMPLATE.as_bytes()).map_err(failed)?,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                return Err(exists(&path));
            }
            Err(error) => return Err(failed(error)),
        }
        if common.json {
            output::json(&serde_json::json!({ "written": path }));
        } else {
            output::line(&format!("wrote {}", path.display()));
            if common.config.is_some() {
                output::progress(
                    "use it with --config, and keep it out of the folders in which agents work: \
                     agents must not use it as their own configuration",
                );
            }
        }
        Ok(Exit::Yes)
    }
}

fn exists(path: &Path) -> Failure {
    let words = format!(
        "{} already exists and was not changed. Compare it with: gander init --print",
        path.display()
    );
    Failure::new(Exit::Usage, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_says_what_the_defaults_are() {
        let folder = tempfile::tempdir().unwrap();
        let written = folder.path().join("gander.toml");
        std::fs::write(&written, TEMPLATE).unwrap();
        let config = config::load(Some(&written)).unwrap();
        let usual =
            crate::core::policy::rules::Rules { zone: config.rules.zone, ..Default::default() };
        assert_eq!(config.rules, usual);
        assert_eq!(config.resume, crate::config::resume::ResumeSettings::default());
    }

    #[test]
    fn what_is_commented_out_in_the_template_is_understood_too() {
        let folder = tempfile::tempdir().unwrap();
        let written = folder.path().join("gander.toml");
        let uncommented: Vec<&str> =
            TEMPLATE.lines().map(|line| line.strip_prefix("#: ").unwrap_or(line)).collect();
        std::fs::write(&written, uncommented.join("\n")).unwrap();
        config::load(Some(&written)).unwrap();
    }
}
