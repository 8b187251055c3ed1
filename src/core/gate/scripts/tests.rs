//! Which files a call runs, and when nobody knows.

use serde_json::json;

use super::super::tests::call;
use super::*;

/// Files of a test, by their paths below the workspace.
#[derive(Default)]
struct Disk {
    files: BTreeMap<PathBuf, String>,
    looked: usize,
}

const ROOT: &str = "/home/maya/shop";

impl Disk {
    fn with(files: &[(&str, &str)]) -> Self {
        let at = |(path, text): &(&str, &str)| (Path::new(ROOT).join(path), (*text).to_owned());
        Self { files: files.iter().map(at).collect(), looked: 0 }
    }
}

impl Files for Disk {
    fn read(&mut self, named: &NamedPath, _: Place, folder: FolderMeans) -> Option<RunFile> {
        self.looked += 1;
        let path = named.path(None);
        let is_folder = self.files.keys().any(|file| file.starts_with(&path) && *file != path);
        Some(match self.files.get(&path) {
            Some(text) => {
                RunFile::Found(ScriptContent::Text { digest: text.clone(), text: text.clone() })
            }
            None if is_folder && folder == FolderMeans::UnknownFiles => {
                RunFile::Found(ScriptContent::Unknown)
            }
            None => RunFile::Nothing,
        })
    }

    fn spellings(&mut self, folder: &Path, name: &str) -> Vec<String> {
        let inside = self.files.keys().filter(|path| path.parent() == Some(folder));
        let names = inside.filter_map(|path| path.file_name()?.to_str());
        names.filter(|other| other.eq_ignore_ascii_case(name)).map(str::to_owned).collect()
    }
}

/// Nothing is known about the files.
struct Unlooked;

impl Files for Unlooked {
    fn read(&mut self, _: &NamedPath, place: Place, _: FolderMeans) -> Option<RunFile> {
        (place == Place::Inside).then_some(RunFile::Nothing)
    }

    fn spellings(&mut self, _: &Path, _: &str) -> Vec<String> {
        Vec::new()
    }
}

fn runs(command: &str, disk: &mut dyn Files) -> Runs {
    look(&call("Bash", json!({ "command": command })), disk)
}

/// The names below the workspace that a command runs. `None`: not for certain.
fn names(command: &str) -> Option<Vec<String>> {
    let runs = runs(command, &mut Unlooked);
    let name = |path: &PathBuf| path.strip_prefix(ROOT).unwrap().to_string_lossy().into_owned();
    runs.certain.then(|| runs.files.keys().map(name).collect())
}

#[test]
fn files_that_a_command_runs() {
    for (command, expected) in [
        ("bash src/x.sh", "src/x.sh"),
        ("bash -eu src/x.sh", "src/x.sh"),
        ("sh < src/x.sh", "src/x.sh"),
        ("./x --all", "x"),
        ("scripts/x.sh a b", "scripts/x.sh"),
        ("python3.12 a.py out.json", "a.py"),
        ("python3 < a.py", "a.py"),
        (". ./env.sh", "env.sh"),
        ("source env.sh", "env.sh"),
        ("timeout 60 ./x", "x"),
        ("sh -c './x'", "x"),
        ("cd src && ./x", "src/x x"),
        ("uv run a.py", "a.py"),
        ("deno run a.ts", "a.ts run"),
        ("npx tsx a.ts", "a.ts tsx"),
        ("psql -f a.sql", "a.sql"),
        ("psql -Atf a.sql", "a.sql"),
        ("psql --file=a.sql", "a.sql"),
        ("psql < a.sql", "a.sql"),
        ("mysql shop < a.sql", "a.sql"),
        ("/usr/bin/env python3 a.py", "a.py python3"),
        ("python3 -m pytest tests", "pytest"),
        ("cat a.sh | sh", "a.sh cat sh"),
        ("cargo test", ""),
        ("cat a.py", ""),
    ] {
        let found = names(command).unwrap();
        let found: Vec<&str> = found.iter().map(String::as_str).collect();
        // The inline script of `sh -c` is no file.
        let found: Vec<&str> = found.into_iter().filter(|name| !name.contains('\'')).collect();
        assert_eq!(found.join(" "), expected, "{command}");
    }
    for command in ["bash $X", "bash src/*.sh", "\"$HOME/x\"", "bash 'x"] {
        assert_eq!(names(command), None, "{command}");
    }
}

#[test]
fn files_that_options_name_or_programs_look_for() {
    for (command, expected) in [
        ("make", "GNUmakefile Makefile makefile"),
        ("make -C src all", "src/GNUmakefile src/Makefile src/makefile"),
        ("make -f a.mk -f b.mk", "a.mk b.mk"),
        ("make -kf a.mk all", "a.mk"),
        ("make --fil=a.mk", "a.mk"),
        ("make -Csrc --makefile a.mk", "src/a.mk"),
        ("make -j$(nproc) X=$Y", "GNUmakefile Makefile makefile"),
        ("kubectl -n prod apply -f a.yaml,b.yaml", "a.yaml b.yaml"),
        ("kubectl apply --filename=a.yaml", "a.yaml"),
        ("kubectl apply -f - < a.yaml", "a.yaml"),
        ("kubectl get pods", ""),
        ("helm upgrade x chart -f values.yaml", "values.yaml"),
        ("docker build -f a.Dockerfile .", "a.Dockerfile"),
        // No Dockerfile; what runs in the container may be a file of the workspace.
        ("docker run -f x alpine", "alpine"),
        ("terraform -chdir=infra apply -var-file=a.tfvars", "infra/a.tfvars infra/apply"),
        ("ansible-playbook -i hosts site.yml -e @v.yml", "hosts site.yml v.yml"),
        ("env X=1 make -f a.mk", "a.mk make"),
    ] {
        let found = names(command).map(|names| names.join(" "));
        assert_eq!(found.as_deref(), Some(expected), "{command}");
    }
    for command in [
        "make -f $FILE",
        "make $ARGS",
        "make --eval='all: ; x'",
        "MAKEFILES=evil.mk make",
        "kubectl apply -k overlay",
        "kubectl apply -f https://example.org/x.yaml",
        "just -g build",
        "just sub/build",
        "npm run build -w packages/a",
        "pnpm -r test",
        "yarn workspaces run test",
        "npm_config_prefix=evil npm test",
    ] {
        assert_eq!(names(command), None, "{command}");
    }
}

#[test]
fn the_file_that_the_program_takes_is_found() {
    for (command, files, expected) in [
        ("make", &[("makefile", "a"), ("Makefile", "b")][..], "GNUmakefile makefile"),
        ("make", &[("Makefile", "b")], "GNUmakefile Makefile makefile"),
        ("cd src && just x", &[("JustFile", "a")], "JustFile src/.justfile src/justfile"),
        ("just x", &[(".JUSTFILE", "a")], ".JUSTFILE justfile"),
        ("task x", &[("taskfile.yml", "a")], "Taskfile.yml taskfile.yml"),
        (
            "docker compose -f a.yml rm -f web",
            &[("compose.yml", "a"), ("compose.override.yml", "b")],
            "a.yml compose.override.yml compose.yaml compose.yml web",
        ),
        (
            "docker build src",
            &[("src/Containerfile", "a")],
            "build/Containerfile build/Dockerfile src/Containerfile src/Dockerfile",
        ),
    ] {
        let found = runs(command, &mut Disk::with(files));
        let name = |path: &PathBuf| path.strip_prefix(ROOT).unwrap().display().to_string();
        let found: Vec<String> = found.files.keys().map(name).collect();
        assert_eq!(found.join(" "), expected, "{command}");
    }
}

const PACKAGE: &str = r#"{"scripts": {
    "pretest": "node before.js", "test": "npm run unit && sh e2e.sh", "unit": "./unit",
    "deploy": "make -f deploy.mk", "vary": "node $FILE", "loop": "npm run loop"
}}"#;

#[test]
fn the_scripts_of_a_package_are_followed() {
    for (command, expected) in [
        ("npm test", "before.js e2e.sh package.json unit"),
        ("pnpm run deploy", "deploy.mk package.json"),
        ("cd src && yarn unit", "package.json src/package.json unit"),
        ("npm --prefix . run loop", "package.json"),
        ("npm ls", "package.json"),
        ("run-s unit deploy", "deploy.mk package.json unit"),
        ("node --run unit", "package.json unit"),
    ] {
        let found = runs(command, &mut Disk::with(&[("package.json", PACKAGE), ("unit", "x")]));
        assert!(found.certain, "{command}");
        let name = |path: &PathBuf| path.strip_prefix(ROOT).unwrap().display().to_string();
        let found: Vec<String> = found.files.keys().map(name).collect();
        assert_eq!(found.join(" "), expected, "{command}");
    }
    let mut disk = Disk::with(&[("package.json", PACKAGE)]);
    assert!(!runs("npm run vary", &mut disk).certain);
    assert!(!runs("npm test", &mut Disk::with(&[("package.json", "{")])).certain);
    assert!(runs("npm test", &mut Disk::default()).certain, "there is no package");
}

#[test]
fn work_is_limited() {
    let deep = format!("cd {} && make && npm test", "a/".repeat(400));
    let mut disk = Disk::default();
    assert!(runs(&deep, &mut disk).files.len() <= MOST_PATHS);
    assert!(disk.looked <= MOST_PATHS);
    let many: Vec<String> = (0..2_000).map(|number| format!("make -f {number}.mk")).collect();
    let mut disk = Disk::default();
    assert!(!runs(&many.join("; "), &mut disk).certain && disk.looked <= MOST_PATHS);
    // Each script runs the next, and none is followed for ever.
    let chain: Vec<String> =
        (0..100).map(|at| format!("\"s{at}\": \"npm run s{}\"", at + 1)).collect();
    let text = format!("{{\"scripts\": {{{}}}}}", chain.join(","));
    assert!(!runs("npm run s0", &mut Disk::with(&[("package.json", &text)])).certain);
}

fn digest(digest: &str) -> RunFile {
    RunFile::Found(ScriptContent::Unshown { digest: digest.into(), why: Unshown::NotSent })
}

#[test]
fn another_content_is_another_call() {
    let mut one = call("Bash", json!({ "command": "bash x.sh" }));
    assert!(one.key().ends_with(":once"), "nobody looked");
    one.facts.runs.insert("/home/maya/shop/x.sh".into(), digest("a"));
    let mut other = one.clone();
    assert!(!one.key().ends_with(":once"));
    other.facts.runs.insert("/home/maya/shop/x.sh".into(), digest("b"));
    assert_ne!((one.key(), one.hash()), (other.key(), other.hash()));
    assert!(one.hash().starts_with(&one.identity()) && one.hash().len() == 64);
    other.facts.runs.insert("/home/maya/shop/x.sh".into(), RunFile::Nothing);
    assert_ne!(one.key(), other.key());
    other.facts.runs.insert("/home/maya/shop/x.sh".into(), RunFile::Found(ScriptContent::Unknown));
    assert!(other.key().ends_with(":once"));
    for command in ["cargo test", "bash /opt/x.sh"] {
        assert!(!call("Bash", json!({ "command": command })).key().ends_with(":once"));
    }
}

/// What a gate has looked up stands for the files on a server.
#[test]
fn the_facts_of_a_gate_suffice_where_they_are_complete() {
    for command in ["npm test", "just x", "make", "cd src && python3 tool", "bash x.sh"] {
        let mut call = call("Bash", json!({ "command": command }));
        let mut disk = Disk::with(&[
            ("package.json", PACKAGE),
            ("JUSTFILE", "a"),
            ("src/tool/__main__.py", "x"),
            ("e2e.sh", "x"),
        ]);
        call.facts.runs = look(&call, &mut disk).files;
        let whole = !command.contains("tool");
        assert_eq!(call.runs_known_files(), whole, "{command}");
        while call.facts.runs.pop_first().is_some() {
            assert!(!call.runs_known_files(), "{command} {:?}", call.facts.runs);
        }
    }
}

#[test]
fn the_shortest_texts_are_kept() {
    let text = |length: usize| {
        let text = "x".repeat(length);
        RunFile::Found(ScriptContent::Text { digest: length.to_string(), text })
    };
    let mut files = BTreeMap::from([
        (PathBuf::from("/a"), text(MOST_TEXT)),
        (PathBuf::from("/b"), text(10)),
        (PathBuf::from("/c"), text(MOST_TEXT - 10)),
        (PathBuf::from("/d"), RunFile::Nothing),
    ]);
    limit_texts(&mut files);
    let why = Unshown::TooLong;
    let long = RunFile::Found(ScriptContent::Unshown { digest: MOST_TEXT.to_string(), why });
    assert_eq!(files[Path::new("/a")], long);
    assert_eq!(files[Path::new("/c")], text(MOST_TEXT - 10));
}
