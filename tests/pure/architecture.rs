//! The architecture as a test: which layer imports which, which folder of the core imports which,
//! which part of the code owns a dependency, and that a type's name means one thing.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};

use crate::tidy::{code, rust_files};

/// The layers of `src`, each with the layers that it may import.
const LAYERS: [(&str, &[&str]); 10] = [
    ("core", &[]),
    ("presentation", &["core"]),
    ("disk", &[]),
    ("store", &["core", "disk"]),
    ("engine", &["core", "presentation", "disk", "store"]),
    ("channels", &["core", "presentation", "disk", "engine"]),
    ("sources", &["core", "presentation", "disk", "engine"]),
    ("surfaces", &["core", "presentation", "disk", "engine"]),
    ("config", &["core", "disk", "engine", "channels", "sources", "surfaces"]),
    (
        "cli",
        &[
            "core",
            "presentation",
            "disk",
            "store",
            "engine",
            "channels",
            "sources",
            "surfaces",
            "config",
        ],
    ),
];

/// The folders of the core, each with the folders that it may import.
const CORE: [(&str, &[&str]); 10] = [
    ("values", &[]),
    ("untrusted", &["values"]),
    ("availability", &["values"]),
    ("escalation", &["values"]),
    ("decision", &["values", "untrusted", "escalation"]),
    ("messaging", &["values", "untrusted", "availability", "escalation", "decision"]),
    ("jobs", &["values", "untrusted", "decision"]),
    (
        "policy",
        &["values", "untrusted", "availability", "escalation", "decision", "messaging", "jobs"],
    ),
    ("gate", &["values", "untrusted", "decision"]),
    ("access", &["values", "decision", "policy"]),
];

/// Crates that only a part of the code may use.
const OWNED: [(&str, &[&str]); 15] = [
    // Files belong to the disk; the others ask about processes, users, limits and the reader of a
    // pipe.
    (
        "rustix",
        &[
            "src/cli/gate/listener.rs",
            "src/disk",
            "src/cli/acp/agent.rs",
            "src/cli/acp/child.rs",
            "src/cli/presence/sources.rs",
            "src/cli/work/process.rs",
            "src/engine/approvals/ask_limits.rs",
            "src/engine/approvals/judging.rs",
            "src/sources/command.rs",
            "src/surfaces/http/connections.rs",
        ],
    ),
    ("serenity", &["src/surfaces/discord"]),
    ("poise", &["src/surfaces/discord"]),
    ("rusqlite", &["src/store"]),
    ("notify", &["src/engine/event_log/watch.rs", "src/sources", "src/config"]),
    ("clap", &["src/cli"]),
    ("tiny_skia", &["src/engine/operations/plot.rs"]),
    ("ttf_parser", &["src/engine/operations/plot.rs"]),
    ("dejavu", &["src/engine/operations/plot.rs"]),
    (
        "hmac",
        &["src/channels/webhook.rs", "src/engine/approvals/seal.rs", "src/sources/webhooks.rs"],
    ),
    ("hyper", &["src/surfaces/http"]),
    ("governor", &["src/engine/rate_limit.rs"]),
    ("prometheus_client", &["src/surfaces/http/metrics.rs"]),
    ("reqwest", &["src/channels", "src/sources/webhooks/answer.rs", "src/surfaces/discord"]),
    (
        "gander_client",
        &[
            "src/channels/http.rs",
            "src/cli/acp",
            "src/cli/gate",
            "src/core/gate/questions.rs",
            "src/core/values/words.rs",
            "src/core/policy/validation.rs",
            "src/presentation/json",
            "src/sources",
            "src/surfaces/http",
            "src/surfaces/mcp",
        ],
    ),
];

/// The path of a file's module within the crate: `src/core/gate/rules.rs` is `[core, gate, rules]`.
fn module_of(file: &str) -> Vec<String> {
    let mut parts: Vec<String> =
        file.trim_end_matches(".rs").split('/').skip(1).map(str::to_owned).collect();
    if parts.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
        parts.pop();
    }
    parts
}

/// The paths that a file names, from the crate's root: imports, with groups, `self` and `super`
/// resolved, and paths in expressions, types and attributes of code that is not a test.
struct Paths {
    module: Vec<String>,
    found: BTreeSet<Vec<String>>,
}

impl Paths {
    fn of(file: &str, text: &str) -> BTreeSet<Vec<String>> {
        let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}"));
        let mut paths = Self { module: module_of(file), found: BTreeSet::new() };
        paths.visit_file(&parsed);
        paths.found
    }

    fn add(&mut self, segments: &[String]) {
        let first = segments.first().map(String::as_str);
        let supers = segments.iter().take_while(|segment| *segment == "super").count();
        let absolute = match first {
            Some("crate") => segments[1..].to_vec(),
            Some("self") => [&self.module[..], &segments[1..]].concat(),
            Some("super") => {
                let kept = self.module.len().saturating_sub(supers);
                [&self.module[..kept], &segments[supers..]].concat()
            }
            _ => return,
        };
        self.found.insert(absolute);
    }

    fn add_tree(&mut self, tree: &syn::UseTree, before: &[String]) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.add_tree(&path.tree, &with(&path.ident)),
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.add_tree(tree, before));
            }
            syn::UseTree::Name(name) => self.add(&with(&name.ident)),
            syn::UseTree::Rename(name) => self.add(&with(&name.ident)),
            syn::UseTree::Glob(_) => self.add(before),
        }
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|word| word == "test")
    })
}

impl<'a> Visit<'a> for Paths {
    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        self.add_tree(&item.tree, &[]);
    }

    fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
        if is_test(&item.attrs) {
            return;
        }
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        let segments: Vec<String> =
            path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.add(&segments);
        visit::visit_path(self, path);
    }
}

/// Each file of `src` outside of tests, with the paths that it names.
fn imports() -> Vec<(String, BTreeSet<Vec<String>>)> {
    let files = rust_files("src").into_iter().filter(|(name, _)| !name.ends_with("/tests.rs"));
    files
        .map(|(name, text)| (Paths::of(&name, &text), name))
        .map(|(paths, name)| (name, paths))
        .collect()
}

/// Checks one level of folders, `depth` below the crate's root, against its table.
fn check(depth: usize, below: &[&str], table: &[(&str, &[&str])]) -> Vec<String> {
    let known = |name: &String| table.iter().any(|(folder, _)| folder == name);
    let mut wrong = Vec::new();
    for (file, paths) in imports() {
        let module = module_of(&file);
        let inside = module.iter().zip(below).filter(|(part, folder)| part == *folder).count();
        let Some(folder) = module.get(depth).filter(|_| inside == below.len()) else { continue };
        let Some((_, allowed)) = table.iter().find(|(name, _)| name == folder) else {
            if depth > 0 {
                wrong.push(format!("{file}: the folder {folder} is not in the table"));
            }
            continue;
        };
        for path in paths.iter().filter(|path| path.len() > depth) {
            let same = path.iter().zip(below).filter(|(part, folder)| part == *folder).count();
            let other = &path[depth];
            if same == below.len()
                && known(other)
                && other != folder
                && !allowed.contains(&other.as_str())
            {
                wrong.push(format!("{file}: {folder} must not import {}", path.join("::")));
            }
        }
    }
    wrong
}

#[test]
fn layers_import_one_way() {
    let wrong = check(0, &[], &LAYERS);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn folders_of_the_core_import_one_way() {
    let wrong = check(1, &["core"], &CORE);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The tables themselves must not allow a cycle.
#[test]
fn no_table_allows_a_cycle() {
    for table in [&LAYERS[..], &CORE[..]] {
        for (at, (folder, allowed)) in table.iter().enumerate() {
            for other in *allowed {
                let position = table.iter().position(|(name, _)| name == other);
                // `config` reads the settings of the layers above it, which do not read `config`.
                let is_before = position.is_some_and(|position| position < at)
                    || (*folder, *other) == ("client", "config");
                assert!(is_before, "{folder} may import {other}, which does not come before it");
            }
        }
    }
}

#[test]
fn each_crate_has_its_owner() {
    let mut wrong = Vec::new();
    for (name, text) in rust_files("src") {
        for (number, line) in text.lines().enumerate() {
            for (dependency, owners) in OWNED {
                let uses = code(line).match_indices(&format!("{dependency}::")).any(|(at, _)| {
                    !code(line)[..at]
                        .ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':')
                });
                if uses && !owners.iter().any(|owner| name.starts_with(owner)) {
                    wrong.push(format!(
                        "{name}:{}: {dependency} belongs to {}",
                        number + 1,
                        owners.join(", ")
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_core_is_pure() {
    let mut wrong = Vec::new();
    for (name, text) in ["src/core", "src/presentation"].into_iter().flat_map(rust_files) {
        for (number, line) in text.lines().enumerate() {
            for impure in [
                "async ",
                ".await",
                "std::fs",
                "std::net",
                "std::env",
                "std::thread",
                "tokio",
                "Instant::now",
                "getrandom",
            ] {
                if code(line).contains(impure) {
                    wrong.push(format!("{name}:{}: {impure} in pure code", number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The public types that a file defines.
struct Types(Vec<String>);

impl<'a> Visit<'a> for Types {
    fn visit_item(&mut self, item: &'a syn::Item) {
        let named = match item {
            syn::Item::Struct(item) => Some((&item.vis, &item.ident)),
            syn::Item::Enum(item) => Some((&item.vis, &item.ident)),
            syn::Item::Trait(item) => Some((&item.vis, &item.ident)),
            syn::Item::Type(item) => Some((&item.vis, &item.ident)),
            _ => None,
        };
        if let Some((syn::Visibility::Public(_), name)) = named {
            self.0.push(name.to_string());
        }
        visit::visit_item(self, item);
    }
}

#[test]
fn a_public_type_name_means_one_thing() {
    let mut defined: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (file, text) in rust_files("src") {
        let mut types = Types(Vec::new());
        types.visit_file(&syn::parse_file(&text).unwrap());
        for name in types.0 {
            defined.entry(name).or_default().push(file.clone());
        }
    }
    let twice: Vec<String> = defined
        .into_iter()
        .filter(|(_, files)| files.len() > 1)
        .map(|(name, files)| format!("{name}: {}", files.join(", ")))
        .collect();
    assert!(twice.is_empty(), "types of one name:\n{}", twice.join("\n"));
}

#[test]
fn groups_and_supers_are_seen() {
    let text = "use super::super::store::{self, Store}; use crate::{core, engine::{Handle, a::B}};\
                fn f() { self::g::h(); super::x() }";
    let found = Paths::of("src/engine/escalation/progress.rs", text);
    let found: Vec<String> = found.into_iter().map(|path| path.join("::")).collect();
    assert_eq!(
        found,
        [
            "core",
            "engine::Handle",
            "engine::a::B",
            "engine::escalation::progress::g::h",
            "engine::escalation::x",
            "engine::store::Store",
            "engine::store::self",
        ]
    );
}
