//! Manifests and imports, each with what it shows.

use super::*;

fn listing(files: &[(&str, &str)]) -> Listing {
    files.iter().map(|(path, text)| ((*path).into(), Some((*text).into()))).collect()
}

fn names(files: &[(&str, &str)]) -> String {
    let found = frameworks(&listing(files));
    found.iter().map(|found| found.framework.word()).collect::<Vec<_>>().join(" ")
}

#[test]
fn each_framework_is_found_by_its_manifest() {
    for (file, text, expected) in [
        ("package.json", r#"{"dependencies":{"next":"15","react":"19"}}"#, "nextjs"),
        ("web/package.json", r#"{"devDependencies":{"react":"19"}}"#, "react"),
        ("package.json", r#"{"dependencies":{"next-auth":"1","preact":"1"}}"#, ""),
        ("package.json", r#"{"dependencies":["next"]}"#, ""),
        ("package.json", r#"{"dependencies":{"next":"#, ""),
        ("next.config.mjs", "", "nextjs"),
        ("manage.py", "os.environ.setdefault(\"DJANGO_SETTINGS_MODULE\", \"a\")", "django"),
        ("manage.py", "print('hello')", ""),
        ("requirements.txt", "Django==5.1  # web\n-r more.txt\n", "django"),
        ("requirements-dev.txt", "Flask>=3\nfastapi[standard]\n", "flask fastapi"),
        ("requirements.txt", "django-environ\n# flask\n", ""),
        ("pyproject.toml", "[project]\ndependencies = [\"fastapi~=0.1\"]\n", "fastapi"),
        ("pyproject.toml", "[tool.poetry.dependencies]\nflask = \"3\"\n", "flask"),
        ("pyproject.toml", "[project.optional-dependencies]\nweb = [\"django\"]\n", "django"),
        ("pyproject.toml", "[project\n", ""),
        ("Pipfile", "[packages]\nflask = \"*\"\n", "flask"),
        ("setup.py", "setup(install_requires=[\n    'flask>=3',\n])\n", "flask"),
        ("composer.json", r#"{"require":{"laravel/framework":"^12"}}"#, "laravel"),
        ("Gemfile", "source 'x'\ngem \"rails\", \"~> 8\"\n", "rails"),
        ("Gemfile", "gem 'railties'\n# gem 'rails'\n", ""),
        ("Cargo.toml", "[package]\n", "rust"),
        ("go.mod", "module x\n", "go"),
        ("Package.swift", "// swift-tools-version:6.0\n", "swift"),
        ("Shop.xcodeproj/project.pbxproj", "", "swift"),
        ("app/build.gradle.kts", "plugins { id(\"com.android.application\") }", "android"),
        ("build.gradle", "plugins { id 'java' }", ""),
        ("app/src/main/AndroidManifest.xml", "<manifest/>", "android"),
        ("notes.txt", "django flask", ""),
    ] {
        assert_eq!(names(&[(file, text)]), expected, "{file}: {text}");
    }
}

#[test]
fn several_frameworks_have_their_manifests_nearest_to_the_top() {
    let files = [
        ("api/requirements.txt", "django\n"),
        ("api/deep/requirements.txt", "django\n"),
        ("web/package.json", r#"{"dependencies":{"react":"1"}}"#),
        ("Cargo.toml", ""),
    ];
    let found = frameworks(&listing(&files));
    let found: Vec<_> = found.iter().map(|it| (it.framework, it.manifest.as_str())).collect();
    let expected = [
        (Framework::React, "web/package.json"),
        (Framework::Django, "api/requirements.txt"),
        (Framework::Rust, "Cargo.toml"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_call_of_a_model_is_found_by_its_import_alone() {
    for (line, expected) in [
        ("from openai import OpenAI", "OpenAI"),
        ("import anthropic", "Anthropic"),
        ("import anthropic as claude", "Anthropic"),
        ("    from langchain_openai.chat import X", "LangChain"),
        ("from google.generativeai import GenerativeModel", "Google Gen AI"),
        ("import OpenAI from \"openai\";", "OpenAI"),
        ("import { generateText } from 'ai'", "AI SDK"),
        ("const a = require('@anthropic-ai/sdk')", "Anthropic"),
        ("} from \"@langchain/core\"", "LangChain"),
        ("use async_openai::Client;", "OpenAI"),
        ("\t\"github.com/openai/openai-go\"", "OpenAI"),
        ("# we do not use openai here", ""),
        ("x = 'openai'", ""),
        ("from openair import x", ""),
        ("from .openai import x", ""),
        ("import ai from './ai'", ""),
        ("import openai from './own'", ""),
        ("from airflow import ai", ""),
    ] {
        assert_eq!(library_in(line).unwrap_or_default(), expected, "{line}");
    }
    let found = listing(&[
        ("a/notes.md", "from openai import OpenAI"),
        ("a/views.py", "import os\nfrom openai import OpenAI\n"),
    ]);
    let expected = ModelCall { library: "OpenAI", file: "a/views.py".into(), line: 2 };
    assert_eq!(model_call(&found), Some(expected));
    assert_eq!(model_call(&listing(&[("a.py", "import os\n")])), None);
}
