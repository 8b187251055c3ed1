//! What the environment makes of programs. A repository can set the environment of an agent's
//! hooks, and the agent's commands run in the same one.
//!
//! A variable that leads to a file outside the workspace is the person's own: an agent cannot write
//! there unasked, and a repository cannot bring the file along.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::facts::{listed_home, really};
use crate::core::gate::budget::Budget;
use crate::core::gate::known::ALL;
use crate::core::gate::{ToolCall, reach, shell};

/// Starts of variables of git without effect on a command that only reads.
const HARMLESS: [&str; 16] = [
    "GIT_AUTHOR_",
    "GIT_COMMITTER_",
    "GIT_PS1_",
    "GIT_TERMINAL_PROMPT",
    "GIT_OPTIONAL_LOCKS",
    "GIT_MERGE_AUTOEDIT",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_ATTR_NOSYSTEM",
    "GIT_LFS_SKIP_SMUDGE",
    "GIT_FLUSH",
    "GIT_ADVICE",
    "GIT_EDITOR",
    "GIT_SEQUENCE_EDITOR",
    "GIT_REFLOG_ACTION",
    "GIT_PAGER_IN_USE",
    "GIT_HTTP_USER_AGENT",
];
/// The setting that Copilot CLI gives its hooks and commands: git then obeys fewer repositories.
const STRICTER: [(&str, &str); 3] = [
    ("GIT_CONFIG_COUNT", "1"),
    ("GIT_CONFIG_KEY_0", "safe.bareRepository"),
    ("GIT_CONFIG_VALUE_0", "explicit"),
];
/// Variables of git that are harmless if they lead to a file outside the workspace.
const LEADING: [&str; 7] = [
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_ASKPASS",
    "GIT_EXEC_PATH",
    "GIT_SSH",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
];
/// Programs that show text, for git.
const PAGERS: [&str; 5] = ["cat", "less", "more", "delta", "bat"];
/// Folders in which git looks for its configuration.
const CONFIGURING: [&str; 2] = ["HOME", "XDG_CONFIG_HOME"];
/// Start-up files and libraries of every program.
const LOADED: [&str; 5] =
    ["LD_PRELOAD", "LD_AUDIT", "DYLD_INSERT_LIBRARIES", "BASH_ENV", "ZDOTDIR"];
/// Folders with libraries of every program.
const LIBRARIES: [&str; 4] =
    ["LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FRAMEWORK_PATH", "DYLD_FALLBACK_LIBRARY_PATH"];
/// How bash passes a function on.
const FUNCTION: &str = "BASH_FUNC_";

/// An environment, seen from a workspace.
#[derive(Debug)]
pub(super) struct Environment<'a> {
    variables: Vec<(String, String)>,
    roots: &'a [PathBuf],
    /// The person's home folder, not as the environment has it, and the usual folder for
    /// configuration in it.
    homes: Vec<PathBuf>,
}

impl<'a> Environment<'a> {
    /// The environment of this process.
    pub(super) fn here(roots: &'a [PathBuf]) -> Self {
        let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        let variables = std::env::vars_os().map(|(name, value)| (text(name), text(value)));
        let homes = listed_home().into_iter().flat_map(|home| [home.join(".config"), home]);
        Self { variables: variables.collect(), roots, homes: homes.collect() }
    }

    /// Whether a path lies in the workspace, or depends on the folder in which a program runs.
    fn is_inside(&self, path: &str) -> bool {
        let path = Path::new(path);
        let real = really(path);
        let inside = |path: &Path| self.roots.iter().any(|root| path.starts_with(root));
        !path.is_absolute() || inside(path) || real.is_none_or(|real| inside(&real))
    }

    /// Whether git may obey other settings than those of the person and of its repository.
    pub(super) fn misleads_git(&self) -> bool {
        let has = |(name, value): &(&str, &str)| {
            self.variables.iter().any(|(it, its)| it == name && its == value)
        };
        let stricter = STRICTER.iter().all(has);
        self.variables.iter().any(|(name, value)| {
            if stricter && STRICTER.iter().any(|(known, _)| known == name) {
                return false;
            }
            if CONFIGURING.contains(&name.as_str()) {
                let home = self.homes.iter().any(|home| Path::new(value) == home);
                return !home && !value.is_empty() && self.is_inside(value);
            }
            name.starts_with("GIT_") && !self.is_harmless(name, value)
        })
    }

    fn is_harmless(&self, name: &str, value: &str) -> bool {
        let plain = |c: char| c.is_ascii_alphanumeric() || " -_=./~:@".contains(c);
        let is_plain = value.chars().all(plain);
        let mut words = value.split(' ');
        let program = words.next().unwrap_or_default();
        match name {
            "GIT_PAGER" => value.is_empty() || (is_plain && PAGERS.contains(&program)),
            // Some options of ssh run programs or load libraries.
            "GIT_SSH_COMMAND" => {
                let runs = |word: &str| {
                    let word = word.to_lowercase();
                    word.starts_with("-f") || word.contains("command") || word.contains("provider")
                };
                is_plain && program == "ssh" && !words.any(runs)
            }
            name if LEADING.contains(&name) => value.is_empty() || !self.is_inside(value),
            name => HARMLESS.iter().any(|start| name.starts_with(start)),
        }
    }

    /// Programs of a call that the environment makes depend on files of the workspace.
    pub(super) fn shadowed(&self, call: &ToolCall) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let (programs, folders) = programs(call);
        for (name, value) in &self.variables {
            let mut entries = value.split([':', ' ']).filter(|entry| !entry.is_empty());
            let loads = LOADED.contains(&name.as_str())
                && entries.any(|entry| {
                    // A library without a folder is searched in the system's folders.
                    (entry.contains('/') || !name.contains('_')) && self.is_inside(entry)
                });
            let libraries = LIBRARIES.contains(&name.as_str())
                && value.split(':').any(|folder| !folder.is_empty() && self.is_inside(folder));
            if loads || libraries || (name == "BASH_ENV" && self.is_inside(value)) {
                found.insert(ALL.to_owned());
            }
            if name == "RIPGREP_CONFIG_PATH" && !value.is_empty() && self.is_inside(value) {
                found.insert("rg".to_owned());
            }
            let function =
                name.strip_prefix(FUNCTION).and_then(|name| name.split(['%', '(']).next());
            found.extend(function.map(str::to_owned));
            if name == "PATH" {
                let stands_in = |program: &&String| self.stands_in(value, program, &folders);
                found.extend(programs.iter().filter(stands_in).cloned());
            }
        }
        found
    }

    /// Whether the first program of this name on the search path is a file of the workspace.
    fn stands_in(&self, search: &str, program: &str, folders: &[PathBuf]) -> bool {
        for entry in search.split(':') {
            let inside = self.is_inside(entry);
            let is_there = |folder: &PathBuf| {
                folder
                    .join(entry)
                    .join(program)
                    .symlink_metadata()
                    .is_ok_and(|found| !found.is_dir())
            };
            if folders.iter().any(is_there) {
                return inside;
            }
        }
        false
    }
}

/// The programs that a call runs by their mere names, and the folders in which it runs.
fn programs(call: &ToolCall) -> (BTreeSet<String>, Vec<PathBuf>) {
    let Some(text) = call.command() else { return (BTreeSet::new(), Vec::new()) };
    let budget = Budget::default();
    let line = shell::read(&text, &budget);
    let folders = reach::folders(call, &line.commands, &budget);
    let first = |command: &shell::Command| command.words.first().cloned();
    let mut named: BTreeSet<String> = line.commands.iter().filter_map(first).collect();
    named.retain(|name| !name.contains('/'));
    (named, folders)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::gate::tests;

    fn environment<'a>(name: &str, value: &str, roots: &'a [PathBuf]) -> Environment<'a> {
        let variables = vec![(name.to_owned(), value.to_owned())];
        Environment { variables, roots, homes: vec![PathBuf::from("/srv/shop/maya")] }
    }

    #[test]
    fn variables_that_mislead_git() {
        let roots = [PathBuf::from("/srv/shop")];
        for (name, value, misleads) in [
            ("GIT_DIR", "/srv/x", true),
            ("GIT_EXTERNAL_DIFF", "/srv/shop/evil", true),
            ("GIT_CONFIG_COUNT", "1", true),
            ("GIT_CONFIG_KEY_0", "core.fsmonitor", true),
            ("GIT_CONFIG_PARAMETERS", "'core.pager=x'", true),
            ("GIT_OBJECT_DIRECTORY", "x", true),
            ("GIT_CONFIG_GLOBAL", "cfg", true),
            ("GIT_CONFIG_GLOBAL", "/srv/shop/cfg", true),
            ("GIT_CONFIG_GLOBAL", "/dev/null", false),
            ("GIT_UNHEARD_OF", "1", true),
            ("GIT_PAGER", "cat", false),
            ("GIT_PAGER", "less -FRX", false),
            ("GIT_PAGER", "./evil", true),
            ("GIT_PAGER", "cat; ./evil", true),
            ("GIT_EDITOR", "true", false),
            ("GIT_ASKPASS", "/usr/share/code/askpass.sh", false),
            ("GIT_ASKPASS", "./evil", true),
            ("GIT_SSL_CAINFO", "/etc/ssl/certs/ca-certificates.crt", false),
            ("GIT_SSL_CAINFO", "ca.crt", true),
            ("GIT_SSL_CAPATH", "/srv/shop/certs", true),
            ("GIT_SSH_COMMAND", "ssh -i ~/.ssh/work", false),
            ("GIT_SSH_COMMAND", "ssh -o ProxyCommand=./evil", true),
            ("GIT_SSH_COMMAND", "./evil", true),
            ("GIT_AUTHOR_NAME", "Maya", false),
            ("XDG_CONFIG_HOME", "/srv/shop/cfg", true),
            ("XDG_CONFIG_HOME", "/srv/.config", false),
            ("HOME", "/srv/shop", true),
            ("HOME", "/srv/shop/maya", false),
            ("PAGER", "./evil", false),
        ] {
            let found = environment(name, value, &roots).misleads_git();
            assert_eq!(found, misleads, "{name}={value}");
        }
    }

    /// Only this setting, and only as a whole.
    #[test]
    fn a_setting_that_makes_git_stricter_does_not_mislead_it() {
        let misleads = |changed: &[(&str, &str)]| {
            let given = STRICTER.iter().filter(|(name, _)| !changed.iter().any(|it| it.0 == *name));
            let all = given.chain(changed).map(|(name, value)| ((*name).into(), (*value).into()));
            Environment { variables: all.collect(), roots: &[], homes: Vec::new() }.misleads_git()
        };
        assert!(!misleads(&[]));
        for changed in [
            ("GIT_CONFIG_COUNT", "2"),
            ("GIT_CONFIG_KEY_0", "core.fsmonitor"),
            ("GIT_CONFIG_VALUE_0", "all"),
            ("GIT_CONFIG_KEY_1", "core.pager"),
            ("GIT_DIR", "/srv/x"),
        ] {
            assert!(misleads(&[changed]), "{changed:?}");
        }
    }

    #[test]
    fn programs_that_files_of_the_workspace_stand_in_for() {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path().canonicalize().unwrap();
        for folder in ["bin", "cargo"] {
            std::fs::create_dir(root.join(folder)).unwrap();
            std::fs::write(root.join(folder).join("ls"), "").unwrap();
        }
        let call = |command: &str| ToolCall {
            cwd: root.clone(),
            roots: vec![root.clone()],
            ..tests::call("Bash", json!({ "command": command }))
        };
        let roots = [root.clone()];
        let inside = format!("{}/bin:/usr/bin", root.display());
        for (name, value, command, expected) in [
            ("PATH", "./bin:/usr/bin:/bin", "ls", "ls"),
            ("PATH", inside.as_str(), "cat a | ls", "ls"),
            ("PATH", "./bin:/usr/bin:/bin", "cat a", ""),
            ("PATH", "/usr/bin:/bin:./bin", "ls", ""),
            ("PATH", "/usr/bin:/bin", "./ls", ""),
            ("PATH", ":/usr/bin:/bin", "cd bin && ls", "ls"),
            ("RIPGREP_CONFIG_PATH", "rg.conf", "rg x", "rg"),
            ("RIPGREP_CONFIG_PATH", "/nowhere/rg.conf", "rg x", ""),
            ("LD_PRELOAD", "./x.so", "ls", "*"),
            ("LD_PRELOAD", "libeatmydata.so", "ls", ""),
            ("LD_LIBRARY_PATH", "/nowhere/lib:", "ls", ""),
            ("LD_LIBRARY_PATH", "lib", "ls", "*"),
            ("BASH_ENV", "x", "ls", "*"),
            ("ZDOTDIR", "x", "ls", "*"),
            ("BASH_FUNC_ls%%", "() {  make; }", "ls", "ls"),
        ] {
            let found = environment(name, value, &roots).shadowed(&call(command));
            let found: Vec<String> = found.into_iter().collect();
            assert_eq!(found.join(" "), expected, "{name}={value} {command}");
        }
    }
}
