//! Files that run by themselves, or that instruct agents: settings of agents and editors, hooks,
//! automation servers, tool managers, start-up files of interpreters.
//!
//! Judges by kind. Every hidden file or folder of a project counts unless known to be harmless. The
//! project's own programs and build files (`Makefile`, `build.rs`, `conftest.py`, `setup.py`) do
//! not: they run only when somebody runs the project, and a command that does is asked.

use std::path::Path;

/// What a file does by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Autorun {
    /// Programs on this machine run it, or obey it.
    Machine,
    /// Git takes the folder with this file for a repository, or obeys the file.
    Git,
    /// Agents follow it.
    Instructions,
    /// A server runs it after a push.
    Server,
    /// A hidden file whose effect is unknown.
    Hidden,
}

/// Folders of agents' settings. Below their `worktrees`, agents keep whole copies of a project.
pub(super) const AGENT_FOLDERS: [&str; 15] = [
    ".claude",
    ".codex",
    ".agents",
    ".goose",
    ".cursor",
    ".gemini",
    ".opencode",
    ".qwen",
    ".kimi-code",
    ".kiro",
    ".windsurf",
    ".copilot",
    ".crush",
    ".roo",
    ".amp",
];
/// Hidden files and folders, beside those of agents, that programs on this machine obey.
const MACHINE: [&str; 28] = [
    ".husky",
    ".githooks",
    ".vscode",
    ".idea",
    ".fleet",
    ".zed",
    ".vs",
    ".nvim",
    ".vim",
    ".devcontainer",
    ".devcontainer.json",
    ".envrc",
    ".direnv",
    ".mcp.json",
    ".config",
    ".mise",
    ".mise.toml",
    ".tool-versions",
    ".asdfrc",
    ".pre-commit-config.yaml",
    ".lefthook",
    ".lefthook.yml",
    ".overcommit.yml",
    ".dir-locals.el",
    ".exrc",
    ".gitconfig",
    ".crush.json",
    ".crushrc",
];
/// Folders within [`SERVER`] whose files agents on this machine obey, as paths.
const MACHINE_FOLDERS: [&[&str]; 2] = [&[".github", "hooks"], &[".github", "copilot"]];
/// Hidden files and folders that servers obey.
const SERVER: [&str; 17] = [
    ".github",
    ".gitlab",
    ".gitlab-ci.yml",
    ".circleci",
    ".travis.yml",
    ".drone.yml",
    ".buildkite",
    ".forgejo",
    ".gitea",
    ".woodpecker",
    ".woodpecker.yml",
    ".teamcity",
    ".semaphore",
    ".cirrus.yml",
    ".appveyor.yml",
    ".azure-pipelines",
    ".tekton",
];
/// Hidden files without effect on what runs.
const HARMLESS: [&str; 9] = [
    ".gitkeep",
    ".keep",
    ".editorconfig",
    ".gitattributes",
    ".mailmap",
    ".nojekyll",
    ".env.example",
    ".env.sample",
    ".env.template",
];
/// Hidden folders whose files have no effect on what runs, as paths.
const HARMLESS_FOLDERS: [&[&str]; 3] =
    [&[".well-known"], &[".changeset"], &[".github", "issue_template"]];
/// Names of files with instructions for agents, without the ending `.md`.
const INSTRUCTIONS: [&str; 20] = [
    "agents",
    "agent",
    "claude",
    "gemini",
    "qwen",
    "codex",
    "crush",
    "goose",
    "cursor",
    "warp",
    "copilot-instructions",
    "copilot",
    "opencode",
    "windsurf",
    "cline",
    "jules",
    "kiro",
    "amp",
    "skill",
    "replit",
];
/// Git's hooks; other names in a folder `hooks` are common in source code.
const GIT_HOOKS: [&str; 16] = [
    "applypatch-msg",
    "pre-applypatch",
    "post-applypatch",
    "pre-commit",
    "pre-merge-commit",
    "prepare-commit-msg",
    "commit-msg",
    "post-commit",
    "pre-rebase",
    "post-checkout",
    "post-merge",
    "pre-push",
    "pre-receive",
    "post-receive",
    "post-rewrite",
    "fsmonitor-watchman",
];
/// Files that make a folder a repository, or say which one to use.
const GIT_FILES: [&str; 7] =
    ["head", "fetch_head", "orig_head", "commondir", "gitdir", "packed-refs", "config.worktree"];
/// Names that programs on this machine obey: start-up files of interpreters, agents' servers and
/// plugins, hooks, tool managers, package managers, and Gander's own.
const NAMES: [&str; 30] = [
    "sitecustomize.py",
    "usercustomize.py",
    "mcp.json",
    "hooks.json",
    "plugin.json",
    "opencode.json",
    "opencode.jsonc",
    "crush.json",
    "crushrc",
    "claude_desktop_config.json",
    "mise.toml",
    "mise.local.toml",
    "devbox.json",
    "devenv.nix",
    "flake.nix",
    "shell.nix",
    "rust-toolchain",
    "rust-toolchain.toml",
    "bunfig.toml",
    "pip.conf",
    "pip.ini",
    "gradle-wrapper.properties",
    "gradle-wrapper.jar",
    "init.gradle",
    "init.gradle.kts",
    "session.vim",
    "_vimrc",
    "gander.toml",
    "gates.toml",
    "nuget.config",
];
/// Endings of files that interpreters and editors run when they start.
const ENDINGS: [&str; 5] = ["pth", "pyc", "egg-link", "code-workspace", "sublime-project"];
/// Names of configurations of automation servers and hosts, without ending.
const SERVER_NAMES: [&str; 20] = [
    "jenkinsfile",
    "azure-pipelines",
    "bitbucket-pipelines",
    "appveyor",
    "buildspec",
    "cloudbuild",
    "wercker",
    "codefresh",
    "bitrise",
    "codemagic",
    "circle",
    "shippable",
    "travis",
    "drone",
    "amplify",
    "netlify",
    "vercel",
    "render",
    "fly",
    "procfile",
];

/// What a file does by itself, judged by its path below the project's folder. Ignores case.
#[must_use]
pub fn of(path: &Path) -> Option<Autorun> {
    let parts: Vec<String> =
        path.iter().map(|part| part.to_string_lossy().to_lowercase()).collect();
    let (name, folders) = parts.split_last()?;
    if parts.iter().any(|part| part == ".git") || GIT_FILES.contains(&name.as_str()) {
        return Some(Autorun::Git);
    }
    // A harmless folder does not make what lies below it harmless.
    let hidden = (0..parts.len()).filter_map(|at| of_hidden(&parts, at));
    hidden.chain(of_name(name, folders)).max_by_key(|found| found.strictness())
}

impl Autorun {
    /// Orders what a path may be at once; the strictest counts.
    const fn strictness(self) -> u8 {
        match self {
            Self::Hidden => 0,
            Self::Server => 1,
            Self::Instructions => 2,
            Self::Machine => 3,
            Self::Git => 4,
        }
    }
}

/// For a hidden part of a path.
fn of_hidden(parts: &[String], at: usize) -> Option<Autorun> {
    if !parts.get(at)?.starts_with('.') {
        return None;
    }
    let (first, is_last) = (parts[at].as_str(), at + 1 == parts.len());
    let in_folder = |folder: &&[&str]| {
        parts.len() > at + folder.len()
            && parts[at..].iter().zip(*folder).all(|(part, name)| part == name)
    };
    if HARMLESS_FOLDERS.iter().any(in_folder) {
        return None;
    }
    if is_last && (HARMLESS.contains(&first) || first.ends_with("ignore")) {
        return None;
    }
    let is_instruction = |stem: &str| INSTRUCTIONS.contains(&stem);
    let stem = parts.last().and_then(|name| name.split('.').next()).unwrap_or_default();
    let obeyed = AGENT_FOLDERS.contains(&first) || MACHINE.contains(&first);
    Some(if obeyed || MACHINE_FOLDERS.iter().any(in_folder) {
        Autorun::Machine
    } else if is_instruction(stem) && !is_last {
        Autorun::Instructions
    } else if SERVER.contains(&first) {
        Autorun::Server
    } else {
        Autorun::Hidden
    })
}

/// For a path without hidden parts, by its name in lower case.
fn of_name(name: &str, folders: &[String]) -> Option<Autorun> {
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    let first = name.split('.').next().unwrap_or_default();
    let in_hooks = folders.last().is_some_and(|folder| folder == "hooks");
    let hook_folder = |folder: &String| {
        ["githooks", "git-hooks", "git_hooks", "hooks.d"].contains(&folder.as_str())
    };
    let is_yaml = ["yml", "yaml"].contains(&ending);
    if NAMES.contains(&name)
        || ENDINGS.contains(&ending)
        || (in_hooks && GIT_HOOKS.contains(&first))
        || folders.iter().any(hook_folder)
        || (first.starts_with("lefthook") && is_yaml)
    {
        return Some(Autorun::Machine);
    }
    if ["md", "mdc"].contains(&ending) && INSTRUCTIONS.contains(&first)
        || name.ends_with(".instructions.md")
    {
        return Some(Autorun::Instructions);
    }
    let named = SERVER_NAMES.contains(&first);
    let configures = is_yaml || ["", "toml", "json"].contains(&ending) || first == "jenkinsfile";
    let pipeline = is_yaml
        && (stem == "ci"
            || ["-ci", ".ci", "pipeline", "pipelines"].iter().any(|end| stem.ends_with(end)));
    ((named && configures) || pipeline).then_some(Autorun::Server)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_files_that_run_by_themselves() {
        let kind = |word: &str| match word {
            "machine" => Some(Autorun::Machine),
            "git" => Some(Autorun::Git),
            "instructions" => Some(Autorun::Instructions),
            "server" => Some(Autorun::Server),
            "hidden" => Some(Autorun::Hidden),
            _ => None,
        };
        let listed = include_str!("../../../fixtures/gates/paths/autorun.tsv");
        for line in listed.lines() {
            let (path, expected) = line.split_once('\t').unwrap();
            assert_eq!(of(Path::new(path)), kind(expected), "{path}");
        }
    }
}
