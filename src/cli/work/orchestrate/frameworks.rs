//! Finds out what a project is made of: its frameworks, by their manifests, and whether its sources
//! call a language model. Pure: works on the files that were read.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The files of a project that were looked at: paths with `/`, relative to its folder, each with
/// its text if it was read.
pub(super) type Listing = BTreeMap<String, Option<String>>;

/// A framework, in the order in which people read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Framework {
    NextJs,
    React,
    Django,
    Flask,
    FastApi,
    Laravel,
    Rails,
    Rust,
    Go,
    Swift,
    Android,
}

impl Framework {
    /// The name that people know.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::NextJs => "Next.js",
            Self::React => "React",
            Self::Django => "Django",
            Self::Flask => "Flask",
            Self::FastApi => "FastAPI",
            Self::Laravel => "Laravel",
            Self::Rails => "Rails",
            Self::Rust => "Rust",
            Self::Go => "Go",
            Self::Swift => "Swift",
            Self::Android => "Android",
        }
    }

    /// The word in the identity of a task.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::NextJs => "nextjs",
            Self::React => "react",
            Self::Django => "django",
            Self::Flask => "flask",
            Self::FastApi => "fastapi",
            Self::Laravel => "laravel",
            Self::Rails => "rails",
            Self::Rust => "rust",
            Self::Go => "go",
            Self::Swift => "swift",
            Self::Android => "android",
        }
    }
}

/// A framework and the manifest that shows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    pub(super) framework: Framework,
    pub(super) manifest: String,
}

/// A line that calls a library of a language model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ModelCall {
    pub(super) library: &'static str,
    pub(super) file: String,
    /// From 1.
    pub(super) line: usize,
}

/// Names of manifests, whose texts are needed.
pub(super) fn is_manifest(path: &str) -> bool {
    let name = name_of(path);
    matches!(
        name,
        "package.json"
            | "pyproject.toml"
            | "setup.py"
            | "setup.cfg"
            | "Pipfile"
            | "manage.py"
            | "composer.json"
            | "Gemfile"
            | "Cargo.toml"
            | "go.mod"
            | "Package.swift"
            | "build.gradle"
            | "build.gradle.kts"
            | "AndroidManifest.xml"
    ) || (name.starts_with("requirements") && name.ends_with(".txt"))
}

/// Names of source files, whose texts tell of calls.
pub(super) fn is_source(path: &str) -> bool {
    let ending = name_of(path).rsplit_once('.').map(|(_, ending)| ending);
    ending.is_some_and(|ending| {
        [
            "py", "js", "mjs", "cjs", "jsx", "ts", "mts", "tsx", "php", "rb", "rs", "go", "swift",
            "kt", "java", "vue", "svelte",
        ]
        .contains(&ending)
    })
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether libraries are added in a file of this name.
fn lists_libraries(path: &str) -> bool {
    is_manifest(path) && !matches!(name_of(path), "manage.py" | "AndroidManifest.xml")
}

/// The frameworks, each once, by its first manifest. Next.js hides the React that it is made of.
pub(super) fn frameworks(files: &Listing) -> Vec<Found> {
    let mut found: BTreeMap<Framework, String> = BTreeMap::new();
    // A manifest at the top says more than one deep below.
    let mut paths: Vec<(&String, &Option<String>)> = files.iter().collect();
    paths.sort_by_key(|(path, _)| {
        (path.matches('/').count(), !lists_libraries(path), path.as_str())
    });
    for (path, text) in paths {
        let text = text.as_deref().unwrap_or_default();
        for framework in shown_by(path, text) {
            found.entry(framework).or_insert_with(|| path.clone());
        }
    }
    if found.contains_key(&Framework::NextJs) {
        found.remove(&Framework::React);
    }
    found.into_iter().map(|(framework, manifest)| Found { framework, manifest }).collect()
}

/// What a file shows by its name and text.
fn shown_by(path: &str, text: &str) -> Vec<Framework> {
    let name = name_of(path);
    let by_word = |table: &[(&str, Framework)], words: &BTreeSet<String>| {
        let has = |(word, _): &&(&str, Framework)| words.contains(*word);
        table.iter().filter(has).map(|(_, framework)| *framework).collect()
    };
    match name {
        "package.json" => {
            let node = [("next", Framework::NextJs), ("react", Framework::React)];
            by_word(&node, &keys(text, &["dependencies", "devDependencies", "peerDependencies"]))
        }
        "next.config.js" | "next.config.mjs" | "next.config.ts" => vec![Framework::NextJs],
        "composer.json" => {
            let php = [("laravel/framework", Framework::Laravel)];
            by_word(&php, &keys(text, &["require", "require-dev"]))
        }
        "Gemfile" => by_word(&[("rails", Framework::Rails)], &gems(text)),
        "Cargo.toml" => vec![Framework::Rust],
        "go.mod" => vec![Framework::Go],
        "Package.swift" => vec![Framework::Swift],
        "AndroidManifest.xml" => vec![Framework::Android],
        "build.gradle" | "build.gradle.kts" if text.contains("com.android.") => {
            vec![Framework::Android]
        }
        "manage.py" if text.contains("DJANGO_SETTINGS_MODULE") => vec![Framework::Django],
        _ if is_manifest(path) => {
            let python = [
                ("django", Framework::Django),
                ("flask", Framework::Flask),
                ("fastapi", Framework::FastApi),
            ];
            by_word(&python, &requirements(name, text))
        }
        _ if path.split('/').any(|part| part.ends_with(".xcodeproj")) => vec![Framework::Swift],
        _ => Vec::new(),
    }
}

/// The keys of some objects of a JSON text. A broken manifest names nothing.
fn keys(text: &str, sections: &[&str]) -> BTreeSet<String> {
    let file: Value = serde_json::from_str(text).unwrap_or_default();
    let objects = sections.iter().filter_map(|section| file.get(section)?.as_object());
    objects.flat_map(|object| object.keys().cloned()).collect()
}

fn gems(text: &str) -> BTreeSet<String> {
    let gem = |line: &str| {
        let rest = line.trim().strip_prefix("gem")?.trim_start().trim_start_matches('(');
        let quote = rest.chars().next().filter(|c| ['\'', '"'].contains(c))?;
        rest[1..].split(quote).next().map(str::to_owned)
    };
    text.lines().filter_map(gem).collect()
}

/// The names of required Python packages, in small letters.
fn requirements(file: &str, text: &str) -> BTreeSet<String> {
    let package = |words: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let end = words.find(|c| !allowed(c)).unwrap_or(words.len());
        words[..end].to_lowercase().replace('_', "-")
    };
    if file == "pyproject.toml" || file == "Pipfile" {
        let file: toml::Table = toml::from_str(text).unwrap_or_default();
        let mut found = BTreeSet::new();
        python_packages(&toml::Value::Table(file), &mut |name| {
            found.insert(package(name));
        });
        return found;
    }
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    let quoted = |line: &str| line.trim_start_matches(['"', '\'', ' ', '[']).to_owned();
    lines.filter(|line| !line.starts_with('-')).map(|line| package(&quoted(line))).collect()
}

/// Tables and lists of a Python manifest whose entries are packages.
fn python_packages(value: &toml::Value, tell: &mut impl FnMut(&str)) {
    let Some(table) = value.as_table() else { return };
    for (key, value) in table {
        let holds = key.ends_with("dependencies") || key == "packages" || key == "dev-packages";
        match value {
            toml::Value::Array(list) if holds => {
                list.iter().filter_map(toml::Value::as_str).for_each(&mut *tell);
            }
            toml::Value::Table(packages) if holds => {
                packages.keys().for_each(|name| tell(name));
                // Groups of optional packages.
                let lists = packages.values().filter_map(toml::Value::as_array).flatten();
                lists.filter_map(toml::Value::as_str).for_each(&mut *tell);
            }
            other => python_packages(other, tell),
        }
    }
}

/// Libraries of language models: the name for people, and the packages as imports name them.
const LIBRARIES: [(&str, &[&str]); 11] = [
    ("OpenAI", &["openai", "github.com/openai/openai-go", "async_openai", "async-openai"]),
    ("Anthropic", &["anthropic", "@anthropic-ai/sdk", "github.com/anthropics/anthropic-sdk-go"]),
    ("AI SDK", &["ai", "@ai-sdk/openai", "@ai-sdk/anthropic", "@ai-sdk/react"]),
    ("LangChain", &["langchain", "langchain_openai", "langchain_core", "@langchain/core"]),
    ("Google Gen AI", &["google.generativeai", "google.genai", "@google/generative-ai"]),
    ("Google Gen AI", &["@google/genai"]),
    ("Mistral", &["mistralai", "@mistralai/mistralai"]),
    ("Cohere", &["cohere", "cohere-ai"]),
    ("LiteLLM", &["litellm"]),
    ("Ollama", &["ollama"]),
    ("LlamaIndex", &["llama_index", "llamaindex"]),
];

/// The first line of the sources that imports a library of a language model.
pub(super) fn model_call(files: &Listing) -> Option<ModelCall> {
    files.iter().filter(|(path, _)| is_source(path)).find_map(|(path, text)| {
        let mut lines = text.as_deref()?.lines().enumerate();
        lines.find_map(|(at, line)| {
            let library = library_in(line)?;
            Some(ModelCall { library, file: path.clone(), line: at + 1 })
        })
    })
}

/// The library that a line imports.
fn library_in(line: &str) -> Option<&'static str> {
    let named = |package: &str| {
        let holds = |(_, packages): &&(&str, &[&str])| packages.contains(&package);
        LIBRARIES.iter().find(holds).map(|(library, _)| *library)
    };
    let line = line.trim_start();
    // `from openai import OpenAI`, `import anthropic as a`, `use async_openai::Client;`
    for start in ["from ", "import ", "use "] {
        let Some(rest) = line.strip_prefix(start) else { continue };
        let rest = rest.trim_start();
        let end = rest.find(|c: char| c.is_whitespace() || ",;:".contains(c));
        let whole = &rest[..end.unwrap_or(rest.len())];
        let mut package = whole;
        loop {
            if start != "import " || !rest[whole.len()..].trim_start().starts_with("from") {
                if let Some(library) = named(package) {
                    return Some(library);
                }
            }
            match package.rsplit_once('.') {
                Some((outer, _)) => package = outer,
                None => break,
            }
        }
    }
    // `import OpenAI from "openai"`, `require('openai')`, `import("ai")`, and Go's bare strings.
    let is_import =
        ["import", "export", "require", "} from"].iter().any(|word| line.contains(word))
            || line.starts_with(['"', '_']);
    let quoted = |quote: char| line.split(quote).skip(1).step_by(2).find_map(named);
    if is_import { quoted('"').or_else(|| quoted('\'')) } else { None }
}

#[cfg(test)]
mod tests;
