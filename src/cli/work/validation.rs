//! The project's own check of an agent's work.

use std::path::Path;

use crate::disk::Folder;

/// Size limit in bytes of a makefile that is looked at.
const LONGEST_MAKEFILE: u64 = 1 << 20;
/// Names of makefiles, in make's own order.
const MAKEFILES: [&str; 3] = ["GNUmakefile", "makefile", "Makefile"];

/// The command that checks a worktree: the configured one, or else `make check` if there is such a
/// target.
pub(super) fn command(configured: Option<&str>, worktree: &Folder) -> Option<String> {
    if let Some(command) = configured {
        return Some(command.trim().to_owned()).filter(|command| !command.is_empty());
    }
    let read = |name: &&str| worktree.read_text(Path::new(name), LONGEST_MAKEFILE).ok();
    let makefile = MAKEFILES.iter().find_map(read)?;
    has_check(&makefile).then(|| "make check".to_owned())
}

/// Whether a makefile has a target `check`.
fn has_check(makefile: &str) -> bool {
    makefile.lines().any(|line| {
        let Some((targets, rest)) = line.split_once(':') else { return false };
        let is_rule = !line.starts_with(['\t', '#', '.']) && !rest.starts_with('=');
        is_rule && targets.split_whitespace().any(|target| target == "check")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_told_from_a_variable_and_a_comment() {
        for (makefile, expected) in [
            ("check:\n\ttrue\n", true),
            ("all check : build\n", true),
            ("check::\n", true),
            ("check := yes\n", false),
            ("# check:\n", false),
            (".PHONY: check\n", false),
            ("checks:\n", false),
            ("\tcheck:\n", false),
            ("build: check\n", false),
            ("", false),
        ] {
            assert_eq!(has_check(makefile), expected, "{makefile:?}");
        }
    }

    #[test]
    fn the_configured_command_wins_and_an_empty_one_means_none() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::open(temporary.path()).unwrap();
        assert_eq!(command(None, &folder), None);
        std::fs::write(temporary.path().join("Makefile"), "check:\n").unwrap();
        assert_eq!(command(None, &folder).as_deref(), Some("make check"));
        assert_eq!(command(Some("npm test"), &folder).as_deref(), Some("npm test"));
        assert_eq!(command(Some(" "), &folder), None);
    }
}
