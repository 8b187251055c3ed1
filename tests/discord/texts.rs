//! The hostile texts of `fixtures/hostile`, and the questions that are made of them.

use std::path::Path;

use gander::core::decision::{Agent, Attachment, Choice, Detail, Expects, Insight, Link, Request};
use serde::Deserialize;

use crate::bot::request;

/// A file of `fixtures/hostile`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    /// What it tries.
    about: String,
    /// What stands wherever an agent may say something.
    text: Vec<Part>,
    /// What stands in the body instead.
    #[serde(default)]
    body: Vec<Part>,
    /// Names of attached files, beside the text itself.
    #[serde(default)]
    files: Vec<String>,
    /// Names of projects that must be refused.
    #[serde(default)]
    projects: Vec<String>,
    /// How many details.
    #[serde(default = "one")]
    facts: usize,
    /// How many options.
    #[serde(default = "two")]
    options: usize,
    /// What must be seen nowhere.
    #[serde(default)]
    gone: Vec<String>,
}

const fn one() -> usize {
    1
}

const fn two() -> usize {
    2
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Part {
    Text(String),
    Many { of: String, times: usize },
    Secret { secret: String },
}

/// A hostile text and what is to become of it.
pub(crate) struct Hostile {
    /// `01-spoofed-fields`.
    pub(crate) case: String,
    pub(crate) about: String,
    pub(crate) text: String,
    /// What must be seen nowhere.
    pub(crate) gone: Vec<String>,
    pub(crate) projects: Vec<String>,
    pub(crate) request: Request,
}

/// All of them, by their names. Files are laid down in the folder.
pub(crate) fn hostile(folder: &Path) -> Vec<Hostile> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/hostile");
    let mut paths: Vec<_> =
        std::fs::read_dir(fixtures).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| read(path, folder)).collect()
}

fn read(path: &Path, folder: &Path) -> Hostile {
    let case = path.file_stem().unwrap().to_string_lossy().into_owned();
    let fixture: Fixture = serde_json::from_slice(&std::fs::read(path).unwrap())
        .unwrap_or_else(|error| panic!("{case}: {error}"));
    let mut gone = fixture.gone.clone();
    let mut text = String::new();
    for part in &fixture.text {
        match part {
            Part::Text(plain) => text.push_str(plain),
            Part::Many { of, times } => text.push_str(&of.repeat(*times)),
            Part::Secret { secret } => {
                let (whole, core) = secret_named(secret);
                text.push_str(&whole);
                gone.push(core);
            }
        }
    }
    let body = fixture
        .body
        .iter()
        .map(|part| if let Part::Text(text) = part { text.as_str() } else { "" })
        .collect::<String>();
    let request = question(&fixture, &text, if body.is_empty() { &text } else { &body }, folder);
    Hostile { case, about: fixture.about, text, gone, projects: fixture.projects, request }
}

/// The text in every place that an agent fills.
fn question(fixture: &Fixture, text: &str, body: &str, folder: &Path) -> Request {
    let file = folder.join("attached");
    std::fs::write(&file, b"a file").unwrap();
    let start = beginning(text);
    let names = fixture.files.iter().cloned().chain([format!("{start}.png")]);
    let option = |n| Choice { name: format!("{n} {start}"), description: text.to_owned() };
    let fact = |n| Detail {
        name: if n == 0 { text.to_owned() } else { format!("fact {n}") },
        value: text.to_owned(),
    };
    Request {
        expects: Expects::Choose,
        insight: Insight {
            observation: text.to_owned(),
            why_it_matters: text.to_owned(),
            what_to_do: text.to_owned(),
        },
        details: (0..fixture.facts).map(fact).collect(),
        body: body.to_owned(),
        options: (0..fixture.options).map(option).collect(),
        attachments: names.map(|name| Attachment { name, path: file.clone() }).collect(),
        links: vec![Link { name: text.to_owned(), url: "https://ci.example/run/7".into() }],
        environment: Some(text.to_owned()),
        job: Some(text.to_owned()),
        agent: Agent { name: text.to_owned(), session: Some(text.to_owned()) },
        ..request(text)
    }
}

/// The first words: cut in the middle, a secret could not be told from other letters.
fn beginning(text: &str) -> String {
    let end = text
        .char_indices()
        .rfind(|(at, c)| *at < 70 && c.is_whitespace())
        .map_or(text.len(), |(at, _)| at);
    text[..end].chars().take(90).collect()
}

/// A made-up secret of a format, and the part of it that nobody may see. Put together here, so that
/// nobody takes the fixture for a real one.
fn secret_named(name: &str) -> (String, String) {
    let filler = "a1B2c3D4e5F6g7H8i9J0".repeat(4);
    let of = |prefix: &str, length: usize| {
        let core = filler[..length].to_owned();
        (format!("{prefix}{core}"), core)
    };
    match name {
        "aws" => ("AKIA".to_owned() + "IOSFODNN7EXAMPLE", "IOSFODNN7EXAMPLE".into()),
        "github" => of(&["ghp", "_"].concat(), 36),
        "slack" => of(&["xoxb", "-1234567890-"].concat(), 24),
        "stripe" => of(&["sk", "_live_"].concat(), 24),
        "anthropic" => of(&["sk", "-ant-api03-"].concat(), 40),
        "google" => of("AIza", 35),
        "url" => ("postgres://app:".to_owned() + "hunter2@db.example/x", "hunter2@".into()),
        "password" => ("correct".to_owned() + "-horse-battery", "correct-horse".into()),
        "pem" => {
            let (begin, end) = ("-----BEGIN RSA ", "-----END RSA ");
            (format!("{begin}PRIVATE KEY-----\nMIIE{filler}\n{end}PRIVATE KEY-----"), "MIIE".into())
        }
        "jwt" => {
            (format!("eyJhbGciOiJI.eyJ{}.{}", &filler[..20], &filler[..43]), "eyJhbGciOiJI".into())
        }
        // Broken up by what nobody sees.
        "split" => (format!("gh\u{200B}p_\u{202E}{}", &filler[..36]), filler[..36].into()),
        other => panic!("no secret is called {other:?}"),
    }
}
