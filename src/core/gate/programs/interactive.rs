//! Commands that read further commands from a terminal. An agent may type into a running program
//! unseen (Codex: `write_stdin`, without a hook), and thereby do anything.

use super::{is_option, is_script_option, is_shell, name, starts, unversioned};

/// Interpreters that read commands without a script.
const INTERPRETERS: &[&str] = &[
    "python", "pypy", "node", "nodejs", "deno", "bun", "ruby", "perl", "php", "lua", "luajit", "R",
    "julia", "tclsh", "swift", "octave",
];

/// Options of interpreters for commands in the words, or for information.
const CODE: &[&str] = &[
    "-c",
    "-e",
    "-E",
    "-m",
    "-p",
    "-pe",
    "-ne",
    "-r",
    "-V",
    "-v",
    "-h",
    "--eval",
    "--print",
    "--help",
    "--version",
];

/// The same for clients of databases.
const QUERY: &[&str] = &[
    "-c",
    "-e",
    "-f",
    "-l",
    "--command",
    "--eval",
    "--execute",
    "--file",
    "--help",
    "--list",
    "--version",
    "-batch",
    "--batch",
];

/// Options of shells and interpreters with a value.
const VALUED: &[&str] =
    &["-o", "-O", "+o", "+O", "--rcfile", "--init-file", "-W", "-X", "-I", "--import"];

/// Modules of Python with a prompt for commands.
const MODULES: &[&str] = &["code", "pdb", "IPython", "asyncio", "bpython", "ptpython"];

/// Clients of databases. Most can also run programs.
const CLIENTS: &[&str] = &[
    "psql",
    "mysql",
    "mariadb",
    "sqlite",
    "duckdb",
    "mongosh",
    "mongo",
    "cqlsh",
    "redis-cli",
    "clickhouse-client",
    "sqlcmd",
];

/// Programs that always read commands.
const ALWAYS: &[&str] = &[
    "bpython",
    "ed",
    "emacs",
    "evcxr",
    "ex",
    "expect",
    "ftp",
    "gdb",
    "ghci",
    "gore",
    "groovysh",
    "guile",
    "iex",
    "ipython",
    "irb",
    "jshell",
    "less",
    "lldb",
    "login",
    "man",
    "more",
    "mosh",
    "nix-shell",
    "nvim",
    "ocaml",
    "pry",
    "ptpython",
    "racket",
    "sbcl",
    "scala",
    "screen",
    "script",
    "sftp",
    "su",
    "telnet",
    "tmux",
    "utop",
    "vi",
    "view",
    "vim",
    "wish",
];

/// Verbs for a shell or a console.
const VERBS: &[(&str, &str)] = &[
    ("adb", "shell"),
    ("aws", "start-session"),
    ("az", "ssh"),
    ("bin/rails", "c"),
    ("django-admin", "shell"),
    ("fly", "console"),
    ("flyctl", "console"),
    ("gcloud", "ssh"),
    ("gh", "ssh"),
    ("heroku", "run"),
    ("hg", "debugshell"),
    ("multipass", "shell"),
    ("nix", "develop"),
    ("nix", "repl"),
    ("nix", "shell"),
    ("pipenv", "shell"),
    ("poetry", "shell"),
    ("rails", "c"),
    ("rails", "console"),
    ("rails", "dbconsole"),
    ("vagrant", "ssh"),
    ("docker", "attach"),
    ("podman", "attach"),
    ("kubectl", "attach"),
    ("kubectl", "debug"),
    ("deno", "repl"),
];

/// Programs that open a shell elsewhere if a terminal is requested.
const CONTAINERS: &[&str] = &["docker", "podman", "nerdctl", "kubectl", "oc", "lxc"];

/// Whether a command reads further commands from a terminal.
#[must_use]
pub fn is_interactive(words: &[String]) -> bool {
    let program = name(words);
    let rest = words.get(1..).unwrap_or_default();
    let has = |word: &str| rest.iter().any(|said| said == word);
    let short = |letter: char| {
        let cluster = |word: &&String| word.starts_with('-') && !word.starts_with("--");
        rest.iter().filter(cluster).any(|word| word.contains(letter))
    };
    let verb = |(owner, verb): &(&str, &str)| *owner == program && has(verb);
    if ALWAYS.contains(&program) || VERBS.iter().any(verb) {
        return !has("--version") && !has("--help") && !has("-batch");
    }
    if rest.iter().any(|word| word.ends_with("manage.py")) && (has("shell") || has("dbshell")) {
        return true;
    }
    if is_shell(words) {
        let script = rest.iter().any(|word| is_script_option(word));
        return short('i') || (!script && (short('s') || !has_script(words)));
    }
    let base = unversioned(program);
    if INTERPRETERS.contains(&base) {
        let module = rest.iter().any(|word| MODULES.contains(&word.as_str()));
        return (module && has("-m"))
            || has("-i")
            || has("-a")
            || has("--interactive")
            || (!is_given(CODE, rest) && !has_script(words));
    }
    if CLIENTS.contains(&base) {
        let operands = rest.iter().filter(|word| !is_option(word)).count();
        let told = match base {
            "sqlite" | "duckdb" => operands > 1,
            "redis-cli" => rest.first().is_some_and(|word| !is_option(word)),
            _ => false,
        };
        return !told && !is_given(QUERY, rest);
    }
    match program {
        "ssh" => has("-t") || has("-tt") || starts(words, 1, 1).is_empty(),
        program if CONTAINERS.contains(&program) => {
            let terminal = has("--tty") || has("--stdin") || has("--interactive");
            let runs = has("exec") || has("run");
            runs && (terminal || short('t') || short('i'))
        }
        _ => false,
    }
}

/// Whether options tell a program what to do.
fn is_given(options: &[&str], rest: &[String]) -> bool {
    rest.iter().any(|word| {
        let option = word.split_once('=').map_or(word.as_str(), |(option, _)| option);
        options.contains(&option) || (word.starts_with("-c") && word.len() > 2)
    })
}

/// Whether a word names a script. Not the standard input under one of its names.
fn has_script(words: &[String]) -> bool {
    let is_input = |word: &str| matches!(word, "-" | "/dev/stdin" | "/dev/fd/0" | "/dev/tty");
    let mut rest = words.iter().skip(1);
    while let Some(word) = rest.next() {
        if VALUED.contains(&word.as_str()) {
            rest.next();
        } else if !is_option(word) {
            return !is_input(word);
        }
    }
    false
}
