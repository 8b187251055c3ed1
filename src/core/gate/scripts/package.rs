//! The scripts of a `package.json` that a package manager runs.

use std::collections::BTreeMap;

use serde_json::Value;

/// Verbs that run the scripts which the words name, and no others.
const RUNS: [&str; 9] =
    ["run", "run-script", "rum", "urn", "exec", "x", "dlx", "--run", "workspace"];
/// Verbs that run a script of their own name. The beginning of a verb may stand for it.
const NAMESAKES: [&str; 4] = ["test", "start", "stop", "restart"];
/// Other verbs that run the script `test`.
const TESTS: [&str; 5] = ["tst", "it", "cit", "install-test", "install-ci-test"];
/// Scripts that other verbs run by themselves: at an installation, a publication, a new version.
const BY_THEMSELVES: [&str; 21] = [
    "preinstall",
    "install",
    "postinstall",
    "preprepare",
    "prepare",
    "postprepare",
    "dependencies",
    "prepublish",
    "prepublishOnly",
    "publish",
    "postpublish",
    "prepack",
    "postpack",
    "preversion",
    "version",
    "postversion",
    "preuninstall",
    "uninstall",
    "postuninstall",
    "env",
    "pnpm:devPreinstall",
];

/// The scripts that a package manager may run, called with these words, by name. `None` if the text
/// is not understood.
pub(super) fn scripts(text: &str, words: &[String]) -> Option<BTreeMap<String, String>> {
    let parsed: Value = serde_json::from_str(text).ok()?;
    let Some(scripts) = parsed.as_object()?.get("scripts") else { return Some(BTreeMap::new()) };
    let scripts = scripts.as_object()?;
    let mut found = BTreeMap::new();
    for (name, script) in scripts {
        // Also those before and behind: `pretest`, `posttest`.
        let base = ["pre", "post"].iter().find_map(|part| name.strip_prefix(part));
        if [Some(name.as_str()), base].into_iter().flatten().any(|name| is_named(name, words)) {
            found.insert(name.clone(), script.as_str()?.to_owned());
        }
    }
    Some(found)
}

/// Whether the words may make a package manager run a script.
fn is_named(script: &str, words: &[String]) -> bool {
    let means = |word: &String| {
        // A pattern of a program that runs several scripts.
        word == script || word.contains('*') || (!word.is_empty() && is_verb_of(word, script))
    };
    words.iter().any(means) || (BY_THEMSELVES.contains(&script) && runs_others(words))
}

/// Whether a verb runs this script.
fn is_verb_of(word: &str, script: &str) -> bool {
    match script {
        "test" => script.starts_with(word) || TESTS.contains(&word),
        // A restart is a stop and a start.
        "start" | "stop" => script.starts_with(word) || "restart".starts_with(word),
        "restart" => script.starts_with(word),
        _ => false,
    }
}

/// Whether the words may make a package manager run scripts that they do not name.
fn runs_others(words: &[String]) -> bool {
    let verb = words.iter().find(|word| !word.starts_with('-')).map_or("", String::as_str);
    let is_namesake = !verb.is_empty() && NAMESAKES.iter().any(|name| name.starts_with(verb));
    !is_namesake && !words.iter().any(|word| RUNS.contains(&word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"scripts": {
        "pretest": "a", "test": "b", "posttest": "c", "build": "d", "postinstall": "e",
        "restart": "f", "stop": "g", "start": "h", "lint:js": "i"
    }}"#;

    fn runs(line: &str) -> String {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        scripts(TEXT, &words).unwrap().into_values().collect()
    }

    #[test]
    fn the_scripts_that_the_words_name() {
        for (line, expected) in [
            ("run build", "d"),
            ("--silent run build -- --all", "d"),
            ("test", "cab"),
            ("t", "cab"),
            ("run", ""),
            ("start", "h"),
            ("restart", "fhg"),
            ("install", "e"),
            ("ci", "e"),
            ("install-test", "ecab"),
            ("publish", "e"),
            ("build", "de"),
            ("run lint:*", "abcdefghi"),
        ] {
            let mut expected: Vec<&str> = expected.split("").collect();
            expected.sort_unstable();
            let found = runs(line);
            let mut found: Vec<&str> = found.split("").collect();
            found.sort_unstable();
            assert_eq!(found, expected, "{line}");
        }
    }

    #[test]
    fn a_text_that_is_not_understood_is_none() {
        let words = ["test".to_owned()];
        for text in ["", "{", "[]", r#"{"scripts": 1}"#, r#"{"scripts": {"test": 1}}"#] {
            assert_eq!(scripts(text, &words), None, "{text}");
        }
        assert_eq!(scripts("{}", &words), Some(BTreeMap::new()));
    }
}
