//! Globs of searches: names of files to read, and names of files and folders to leave out.
//!
//! Programs differ in what a glob means. So a glob that selects files is read as selecting at least
//! what any program would read, and a glob that leaves files out counts only if its meaning is
//! certain: a name, in exactly this spelling.

use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};

use crate::core::gate::private::{Secrecy, by_name};

/// Which names a search reads.
#[derive(Debug, Clone, Default)]
pub struct Globs {
    /// The search reads only files of these names; empty: all.
    only: Vec<GlobMatcher>,
    /// Names of files that the search does not read.
    files: Vec<GlobMatcher>,
    /// Names of folders that the search does not enter.
    folders: Vec<GlobMatcher>,
}

fn insensitive(glob: &str) -> Option<GlobMatcher> {
    let glob = GlobBuilder::new(glob).case_insensitive(true).build().ok()?;
    Some(glob.compile_matcher())
}

/// A glob that surely means these names, in every dialect. Braces mean themselves to grep and diff.
fn certain(glob: &str, braces: bool) -> Option<GlobMatcher> {
    let unsure: &[char] = if braces { &['/', '\\', '['] } else { &['/', '\\', '[', '{', '}'] };
    if glob.is_empty() || glob.trim() != glob || glob.contains(unsure) {
        return None;
    }
    Some(GlobBuilder::new(glob).build().ok()?.compile_matcher())
}

/// The names of files that a glob may select; `None` if it may be any.
fn selected(glob: &str) -> Option<GlobMatcher> {
    let split = glob.find('{').is_some_and(|at| glob[at..].contains('/'));
    let unsure = glob.starts_with('#') || glob.trim() != glob || glob.contains(['\\', '[']);
    let name = glob.rsplit('/').next().unwrap_or_default();
    if split || unsure || name.is_empty() { None } else { insensitive(name) }
}

/// The globs in a text, as Claude Code's Grep splits it: at spaces and commas outside of braces.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_u32;
    let pieces = text.split(move |c: char| {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && (c == ',' || c.is_whitespace())
    });
    pieces.filter(|piece| !piece.is_empty())
}

/// Whether a text contains globs, and all of them leave files out.
#[must_use]
pub fn only_leaves_out(text: &str) -> bool {
    pieces(text).next().is_some() && pieces(text).all(|piece| piece.starts_with('!'))
}

impl Globs {
    /// The globs in a text, as Claude Code's Grep takes it.
    pub(super) fn of_text(text: &str) -> Self {
        let mut globs = Self::default();
        pieces(text).for_each(|piece| globs.add(piece));
        globs.settle();
        globs
    }

    /// Adds a glob of ripgrep; `!` before it leaves files out.
    pub(super) fn add(&mut self, glob: &str) {
        let Some(out) = glob.strip_prefix('!') else { return self.select(glob) };
        // With a slash elsewhere, a glob starts at a folder that is not known here.
        let (anywhere, name) = out.strip_prefix("**/").map_or((false, out), |name| (true, name));
        let below = anywhere.then(|| name.strip_suffix("/**")).flatten();
        match below.or_else(|| name.strip_suffix('/')) {
            Some(folder) => self.folders.extend(certain(folder, true)),
            None => {
                self.files.extend(certain(name, true));
                self.folders.extend(certain(name, true));
            }
        }
    }

    /// Adds a glob of files that the search reads.
    pub(super) fn select(&mut self, glob: &str) {
        self.only.extend(selected(glob).or_else(|| insensitive("*")));
    }

    /// Adds a name of files that grep or diff leave out.
    pub(super) fn leave_files_out(&mut self, name: &str) {
        self.files.extend(certain(name, false));
    }

    /// Adds a name of folders that grep or diff leave out.
    pub(super) fn leave_folders_out(&mut self, name: &str) {
        self.folders.extend(certain(name, false));
    }

    /// After all globs: beside globs that select, what is left out depends on the order, which is
    /// not followed here.
    pub(super) fn settle(&mut self) {
        if self.selects() {
            self.files.clear();
            self.folders.clear();
        }
    }

    /// Whether a glob selects files. Such files are read even if `.gitignore` names them too.
    #[must_use]
    pub const fn selects(&self) -> bool {
        !self.only.is_empty()
    }

    /// Whether there is no glob.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.only.is_empty() && self.files.is_empty() && self.folders.is_empty()
    }

    /// Whether the search reads a file with this path below the searched folder.
    #[must_use]
    pub fn takes(&self, below: &Path) -> bool {
        let like = |globs: &[GlobMatcher], path: &Path| {
            let name = path.file_name().map(Path::new);
            name.is_some_and(|name| globs.iter().any(|glob| glob.is_match(name)))
        };
        let left_out = like(&self.files, below)
            || below.ancestors().skip(1).any(|folder| like(&self.folders, folder));
        !left_out && (self.only.is_empty() || like(&self.only, below))
    }
}

/// Names that only secrets have, each beside an ordinary name of equal shape. A pattern that
/// matches the first and not the second asks for secrets.
const SAMPLES: [(&str, &str); 19] = [
    (".env", ".abc"),
    (".env.local", ".abc.local"),
    ("prod.env", "prod.abc"),
    ("id_rsa", "ab_cde"),
    ("id_ed25519", "ab_cd25519"),
    ("server.pem", "server.abc"),
    ("server.key", "server.abc"),
    ("server.p12", "server.a12"),
    ("team.kdbx", "team.abcd"),
    ("terraform.tfstate", "terraform.abcdefg"),
    ("prod.tfvars", "prod.abcdef"),
    (".netrc", ".abcde"),
    (".npmrc", ".abcde"),
    (".git-credentials", ".abc-defghijklmno"),
    (".bash_history", ".abcd_efghijk"),
    (".ssh", ".abc"),
    (".aws", ".abc"),
    (".gnupg", ".abcde"),
    ("credentials.json", "abcdefghijk.json"),
];

/// Whether a glob is made to match files with secrets.
#[must_use]
pub fn asks_for_secrets(glob: &str) -> bool {
    // A glob that leaves files out reads nothing.
    pieces(glob).filter(|piece| !piece.starts_with('!')).any(piece_asks)
}

fn piece_asks(glob: &str) -> bool {
    let literal = |piece: &str| by_name(Path::new(piece)) == Some(Secrecy::Certain);
    let wanted = |piece: &str| match insensitive(piece) {
        Some(glob) => {
            SAMPLES.iter().any(|(secret, plain)| glob.is_match(secret) && !glob.is_match(plain))
        }
        None => true,
    };
    // What stands in braces may be several paths: each piece is judged as a path of its own.
    let mut pieces = glob.split(['/', '{', '}', ',', ' ']).filter(|part| !part.is_empty());
    let whole = glob.rsplit('/').next().unwrap_or(glob);
    pieces.any(|piece| literal(piece) || (!piece.contains('[') && wanted(piece))) || wanted(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_that_ask_for_secrets() {
        for glob in [
            ".env",
            "**/.env*",
            "**/.e[n]v",
            "**/.en?",
            "**/.e*",
            "*.{ts,env}",
            "{.env,.env.local}",
            "**/*.pem",
            "**/id_*",
            "**/*_rsa",
            "**/.ssh/**",
            ".aws/*",
            "**/*.tfstate*",
            "**/*credential*",
            "config/{.env,a}.local",
            "**/.ENV",
            "!a,.env",
        ] {
            assert!(asks_for_secrets(glob), "{glob}");
        }
        for glob in [
            "**/*.rs",
            "*",
            "**/*",
            "**/.*",
            "src/**/*.{ts,tsx}",
            "**/*.json",
            "**/*test*",
            "src/routes/[id]/*.ts",
            "docs/**",
            "!.env*",
            "!.env, !*.pem",
            "**/package.json",
            "**/*token*.ts",
        ] {
            assert!(!asks_for_secrets(glob), "{glob}");
        }
    }

    fn ripgrep(globs: &[&str]) -> Globs {
        let mut read = Globs::default();
        globs.iter().for_each(|glob| read.add(glob));
        read.settle();
        read
    }

    /// What is left out, is left out by every program; and what a program reads, is read.
    #[test]
    fn what_a_glob_leaves_out_is_certain() {
        for (globs, path, takes) in [
            (&["!.env"][..], "a/.env", false),
            (&["!.env"], ".env/a", false),
            (&["!**/.env"], "a/.env", false),
            (&["!.e*"], "a/.env", false),
            (&["!{.env,a}"], ".env", false),
            (&["!zz/"], "zz/.env", false),
            (&["!**/zz/**"], "a/zz/.env", false),
            (&["!.ENV"], ".env", true),
            (&["!.env/"], ".env", true),
            (&["!/.env"], ".env", true),
            (&["!zz/**"], "a/zz/.env", true),
            (&["!zz/.env"], "zz/.env", true),
            (&["!.[e]nv"], ".env", true),
            (&["!.en\\v"], ".env", true),
            (&["!.env", "*"], ".env", true),
            (&["/*"], ".env", true),
            (&["/.env"], ".env", true),
            (&["./.env"], "a/.env", true),
            (&["zz/"], "zz/.env", true),
            (&["#"], ".env", true),
            (&["*.{rs,a/env}"], ".env", true),
            (&[".en[v]"], ".env", true),
            (&[""], ".env", true),
            (&["src/*.rs"], "src/.env", false),
            (&["*.{rs,ts}"], ".env", false),
        ] {
            assert_eq!(ripgrep(globs).takes(Path::new(path)), takes, "{globs:?} {path}");
        }
        let mut globs = Globs::default();
        globs.leave_files_out("{.env,x}");
        globs.leave_folders_out(".env");
        assert!(globs.takes(Path::new("a/.env")), "folders are no files");
        globs.leave_files_out(".env*");
        globs.leave_folders_out("node_modules");
        assert!(!globs.takes(Path::new("a/.env.local")));
        assert!(!globs.takes(Path::new("node_modules/x/.npmrc")));
        assert!(globs.takes(Path::new("a/key.pem")));
        assert!(!Globs::of_text("*.rs").takes(Path::new(".env")));
        assert!(Globs::of_text("*.rs, .env").takes(Path::new("sub/.env")));
        assert!(Globs::of_text("!/.env !/config").takes(Path::new(".env")));
    }
}
