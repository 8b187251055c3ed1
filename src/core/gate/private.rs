//! Secret places: names of files that hold secrets, and folders where a person's secrets are kept.
//!
//! Judges by kinds of names, because a list of programs is never complete. A hidden folder of the
//! home folder is private unless known to be public.

use std::path::Path;

use super::autorun::AGENT_FOLDERS;

/// How sure a name makes it that a file holds a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Secrecy {
    /// The name is also an ordinary word, such as a search pattern.
    Likely,
    /// Files of this name hold secrets.
    Certain,
}

/// Endings of files that hold keys, passwords, cookies, or the state of infrastructure.
const ENDINGS: [&str; 36] = [
    "pem",
    "key",
    "p8",
    "p12",
    "pfx",
    "pkcs12",
    "jks",
    "jceks",
    "keystore",
    "bks",
    "keytab",
    "keychain",
    "keychain-db",
    "kdb",
    "kdbx",
    "ppk",
    "gpg",
    "pgp",
    "agekey",
    "ovpn",
    "tfstate",
    "tfvars",
    "kubeconfig",
    "mobileprovision",
    "wallet",
    "env",
    "vars",
    "secret",
    "secrets",
    "token",
    "credentials",
    "netrc",
    "npmrc",
    "pypirc",
    "pgpass",
    "htpasswd",
];
/// Whole names of files that hold secrets, with a leading dot or underscore left out.
const NAMES: [&str; 65] = [
    "netrc",
    "npmrc",
    "yarnrc",
    "yarnrc.yml",
    "curlrc",
    "wgetrc",
    "msmtprc",
    "mbsyncrc",
    "fetchmailrc",
    "offlineimaprc",
    "muttrc",
    "gemrc",
    "condarc",
    "hgrc",
    "netlifyrc",
    "twurlrc",
    "flaskenv",
    "sftp-config.json",
    "sftp.json",
    "ftpconfig",
    "ftppass",
    "remote-sync.json",
    "rclone.conf",
    "pg_service.conf",
    "pypirc",
    "pgpass",
    "my.cnf",
    "mylogin.cnf",
    "git-credentials",
    "htpasswd",
    "htdigest",
    "dockercfg",
    "s3cfg",
    "boto",
    "vault-token",
    "vault_pass",
    "vault-password",
    "terraformrc",
    "terraform.rc",
    "authinfo",
    "kubeconfig",
    "envrc",
    "env",
    "wp-config.php",
    "local.settings.json",
    "auth.json",
    "logins.json",
    "key3.db",
    "key4.db",
    "cert9.db",
    "signons.sqlite",
    "cookies",
    "cookies.sqlite",
    "cookies.txt",
    "cookies.db",
    "login data",
    "local state",
    "wallet.dat",
    "shadow",
    "gshadow",
    "sudoers",
    "lesshst",
    "viminfo",
    "zhistory",
    "histfile",
];
/// Folders, at any depth, whose files are secret.
const FOLDERS: [&str; 15] = [
    ".ssh",
    ".gnupg",
    ".aws",
    ".azure",
    ".kube",
    ".oci",
    ".gcloud",
    ".config/gcloud",
    ".password-store",
    ".terraform.d",
    ".mozilla",
    ".secrets",
    ".envs",
    ".sops",
    ".vault",
];
/// Words in a name that announce a secret, if the file is not source code or a document.
const WORDS: [&str; 18] = [
    "secret",
    "secrets",
    "credential",
    "credentials",
    "creds",
    "token",
    "tokens",
    "password",
    "passwords",
    "passwd",
    "passphrase",
    "apikey",
    "apikeys",
    "key",
    "keys",
    "keystore",
    "cookies",
    "serviceaccount",
];
/// Pairs of words that announce a secret.
const PAIRS: [(&str, &str); 4] =
    [("service", "account"), ("private", "key"), ("client", "secret"), ("firebase", "adminsdk")];
/// Endings of source code and documents, in which a word such as "token" is a subject.
const PROSE: [&str; 62] = [
    "rs", "py", "pyi", "js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "go", "java", "kt",
    "kts", "scala", "c", "h", "cc", "cpp", "cxx", "hpp", "hh", "cs", "fs", "m", "mm", "swift",
    "rb", "php", "pl", "pm", "lua", "r", "jl", "ex", "exs", "erl", "hs", "ml", "clj", "dart", "sh",
    "bash", "sql", "html", "css", "scss", "less", "vue", "svelte", "md", "mdx", "rst", "adoc",
    "svg", "png", "proto", "graphql", "snap", "pub", "tf",
];
/// Endings and words of files that show which secrets are needed, without the secrets.
const TEMPLATES: [&str; 8] =
    ["example", "sample", "template", "tmpl", "dist", "defaults", "schema", "pub"];
/// Hidden folders of the home folder that hold public code: packages and tool chains.
const PUBLIC: [&[&str]; 11] = [
    &[".cargo", "registry", "src"],
    &[".cargo", "git", "checkouts"],
    &[".rustup", "toolchains"],
    &[".nvm", "versions"],
    &[".pyenv", "versions"],
    &[".rbenv", "versions"],
    &[".sdkman", "candidates"],
    &[".m2", "repository"],
    &[".local", "lib"],
    &["go", "pkg", "mod"],
    &[".deno", "npm"],
];
/// Folders of the system that every user may read.
const SYSTEM: [&str; 16] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/etc",
    "/opt",
    "/nix/store",
    "/tmp",
    "/var/tmp",
    "/var/folders",
    "/private/tmp",
    "/System",
    "/Applications",
    "/Library",
];
/// Devices without content.
const DEVICES: [&str; 7] =
    ["/dev/null", "/dev/zero", "/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/tty", "/dev/full"];
/// Folders of the system that hold secrets of the machine or of its processes.
const SYSTEM_SECRETS: [&str; 9] = [
    "/proc",
    "/dev",
    "/run",
    "/var/run",
    "/etc/ssl/private",
    "/etc/ssh",
    "/etc/sudoers.d",
    "/etc/NetworkManager",
    "/etc/wireguard",
];

fn parts(path: &Path) -> Vec<String> {
    path.iter().map(|part| part.to_string_lossy().to_lowercase()).collect()
}

/// Whether the name of a file, or of a folder around it, says that the file holds a secret. `path`
/// may be absolute or relative.
#[must_use]
pub fn by_name(path: &Path) -> Option<Secrecy> {
    let parts = parts(path);
    let (name, folders) = parts.split_last()?;
    let within = |folder: &&str| {
        let wanted: Vec<&str> = folder.split('/').collect();
        parts.windows(wanted.len()).any(|found| found.iter().eq(wanted.iter()))
    };
    if FOLDERS.iter().any(within) {
        let is_public = TEMPLATES.iter().any(|end| name.ends_with(&format!(".{end}")));
        return (!is_public || folders.is_empty()).then_some(Secrecy::Certain);
    }
    secrecy_of(name)
}

/// As [`by_name`], for a single name in lower case.
fn secrecy_of(name: &str) -> Option<Secrecy> {
    let last = name.rsplit_once('.').map_or("", |(_, end)| end);
    let bare = name.trim_start_matches(['.', '_']);
    let hidden = name.starts_with('.');
    let is_prose = PROSE.contains(&last);
    if TEMPLATES.contains(&last) || bare == "env" && !hidden {
        return None;
    }
    // `.env.production`, `terraform.tfstate.backup`: the telling part stands before the last.
    let telling = ["env", "tfstate", "kdbx", "pem", "key", "gpg"];
    let inner = name.split('.').skip(1).any(|part| telling.contains(&part));
    let ssh_key =
        ["id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"].iter().any(|start| name.starts_with(start));
    let known = is_env(name)
        || is_login(name)
        || ENDINGS.contains(&last)
        || NAMES.contains(&bare)
        || (inner && !is_prose)
        || (ssh_key && !is_prose)
        || name.starts_with("gander.db")
        || name.starts_with(".gander-")
        || is_history(name, hidden);
    if !known && (is_prose || !announces_secret(name)) {
        return None;
    }
    let sure = hidden || ssh_key || name.contains('.');
    Some(if sure { Secrecy::Certain } else { Secrecy::Likely })
}

/// `.env`, and what is derived from it: `.env2`, `.env-prod`, `.env~`. Not `.envelope`.
fn is_env(name: &str) -> bool {
    let derived = name.strip_prefix(".env").and_then(|rest| rest.chars().next());
    derived.is_some_and(|next| !next.is_alphabetic()) && !is_template(name)
}

/// Settings of a command-line client, which keeps its login in them: `.sentryclirc`,
/// `.databrickscfg`.
fn is_login(name: &str) -> bool {
    let stem = name.strip_prefix('.').filter(|stem| !stem.contains('.'));
    stem.is_some_and(|stem| ["clirc", "cfg", "credentials"].iter().any(|end| stem.ends_with(end)))
}

/// Files of a project in which agents and git keep tokens beside harmless settings. Secret if
/// named; a search that takes them in is no more than a search.
#[must_use]
pub fn may_hold_tokens(path: &Path) -> bool {
    let parts = parts(path);
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match parts.as_slice() {
        [.., "mcp.json" | ".mcp.json"] | [.., ".git", "config"] => true,
        [.., folder, name] => {
            AGENT_FOLDERS.contains(folder)
                && name.starts_with("settings.local")
                && name.ends_with("json")
        }
        _ => false,
    }
}

/// Whether a word of a name says that the file shows which secrets are needed.
fn is_template(name: &str) -> bool {
    name.split(|c: char| !c.is_alphanumeric()).any(|word| TEMPLATES.contains(&word))
}

fn announces_secret(name: &str) -> bool {
    let words: Vec<&str> = name
        .split(|c: char| !c.is_alphanumeric())
        .map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit()))
        .filter(|word| !word.is_empty())
        .collect();
    let paired = words.windows(2).any(|pair| PAIRS.contains(&(pair[0], pair[1])));
    !is_template(name) && (paired || words.iter().any(|word| WORDS.contains(word)))
}

/// Histories of shells and interpreters hold what was typed, passwords included.
fn is_history(name: &str, hidden: bool) -> bool {
    let stem = name.strip_suffix(".txt").unwrap_or(name);
    let ends = ["_history", "-history", "_hist"].iter().any(|end| stem.ends_with(end));
    let kept = ["history.db", "history.sqlite", "history.jsonl"].contains(&name);
    ends || kept || (hidden && (stem.ends_with("history") || stem.ends_with("hist")))
}

/// What a place outside the agent's workspace is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutsidePlace {
    /// Readable for everybody: programs, packages, settings of the system.
    Public,
    /// A file that lies directly in the home folder.
    HomeFile,
    /// A folder of the person's, or a place of unknown nature.
    Theirs,
    /// A place where secrets are kept.
    Secret,
}

/// Judges an absolute path outside the workspace by its place. `homes`: the person's home folder,
/// under each of its names.
#[must_use]
pub fn outside(path: &Path, homes: &[&Path]) -> OutsidePlace {
    for home in homes {
        let Ok(below) = path.strip_prefix(home) else { continue };
        let below = parts(below);
        let starts = |public: &&[&str]| {
            below.len() >= public.len()
                && below.iter().zip(*public).all(|(part, name)| part == name)
        };
        return match below.as_slice() {
            _ if PUBLIC.iter().any(starts) => OutsidePlace::Public,
            [first, ..] if first.starts_with('.') => OutsidePlace::Secret,
            [first, ..] if ["library", "appdata", "snap"].contains(&first.as_str()) => {
                OutsidePlace::Secret
            }
            [_] => OutsidePlace::HomeFile,
            _ => OutsidePlace::Theirs,
        };
    }
    let within = |folders: &[&str]| folders.iter().any(|folder| path.starts_with(folder));
    if DEVICES.iter().any(|device| path == Path::new(device)) {
        OutsidePlace::Public
    } else if within(&SYSTEM_SECRETS) {
        OutsidePlace::Secret
    } else if within(&SYSTEM) {
        OutsidePlace::Public
    } else {
        OutsidePlace::Theirs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_which_files_hold_secrets() {
        let listed = include_str!("../../../fixtures/gates/paths/private.txt");
        for name in listed.lines() {
            assert_eq!(by_name(Path::new(name)), Some(Secrecy::Certain), "{name}");
        }
        let listed = include_str!("../../../fixtures/gates/paths/maybe-private.txt");
        for name in listed.lines() {
            assert_eq!(by_name(Path::new(name)), Some(Secrecy::Likely), "{name}");
        }
        let listed = include_str!("../../../fixtures/gates/paths/plain.txt");
        for name in listed.lines() {
            assert_eq!(by_name(Path::new(name)), None, "{name}");
            assert!(!may_hold_tokens(Path::new(name)), "{name}");
        }
        for name in [".mcp.json", ".cursor/mcp.json", ".claude/settings.local.json", ".git/config"]
        {
            assert_eq!(by_name(Path::new(name)), None, "a search may take it in: {name}");
            assert!(may_hold_tokens(Path::new(name)), "{name}");
        }
    }

    #[test]
    fn places_tell_what_is_private() {
        let homes = [Path::new("/home/maya")];
        for (path, place) in [
            ("/home/maya/.aws/credentials", OutsidePlace::Secret),
            ("/home/maya/.config/rclone/rclone.conf", OutsidePlace::Secret),
            ("/home/maya/.newtool/anything", OutsidePlace::Secret),
            ("/home/maya/Library/Keychains/login", OutsidePlace::Secret),
            ("/home/maya/.cargo/registry/src/index/serde/lib.rs", OutsidePlace::Public),
            ("/home/maya/.cargo/credentials.toml", OutsidePlace::Secret),
            ("/home/maya/notes.txt", OutsidePlace::HomeFile),
            ("/home/maya", OutsidePlace::Theirs),
            ("/home/maya/other/x", OutsidePlace::Theirs),
            ("/home/ada/x", OutsidePlace::Theirs),
            ("/srv/x", OutsidePlace::Theirs),
            ("/etc/hosts", OutsidePlace::Public),
            ("/etc/ssh/ssh_host_ed25519_key", OutsidePlace::Secret),
            ("/proc/self/environ", OutsidePlace::Secret),
            ("/run/secrets/gander", OutsidePlace::Secret),
            ("/dev/null", OutsidePlace::Public),
            ("/dev/sda", OutsidePlace::Secret),
            ("/usr/include/stdio.h", OutsidePlace::Public),
        ] {
            assert_eq!(outside(Path::new(path), &homes), place, "{path}");
        }
    }
}
