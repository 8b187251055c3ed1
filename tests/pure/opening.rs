//! Files are opened in one place: `src/disk` knows the links, pipes and endless files that agents
//! can put in the place of a file. Everything else asks it.

use syn::visit::{self, Visit};

use crate::tidy::rust_files;

/// The part of the code that opens files.
const OWNER: &str = "src/disk/";

/// The last two parts of paths that open, read or write a file by its path.
const OPENING: [(&str, &str); 13] = [
    ("fs", "read"),
    ("fs", "read_to_string"),
    ("fs", "write"),
    ("fs", "copy"),
    ("fs", "canonicalize"),
    ("File", "open"),
    ("File", "open_buffered"),
    ("File", "create"),
    ("File", "create_new"),
    ("File", "create_buffered"),
    ("File", "options"),
    ("OpenOptions", "new"),
    ("tokio", "fs"),
];

/// Files that find out where links lead, and why: what they find names a place, and is not opened
/// because of it.
const RESOLVING: [(&str, &str); 8] = [
    ("src/cli/gate/facts.rs", "where the names of a tool call lead"),
    ("src/cli/gate/repository.rs", "which repository git would use"),
    ("src/cli/gate/root.rs", "the person's folder by its other names"),
    ("src/cli/gate/install.rs", "the user's hook file stays a link"),
    ("src/config.rs", "whether the working directory's file is the user's own"),
    ("src/config/reload.rs", "which folders are watched"),
    ("src/engine/operations/health.rs", "on which mount the store is"),
    ("src/store/files.rs", "the user's store may be a link"),
];

/// The names of a file's calls that open or resolve a path.
#[derive(Default)]
struct Calls(Vec<String>);

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|word| word == "test")
    })
}

impl Calls {
    fn check(&mut self, names: &[String]) {
        for pair in names.windows(2) {
            if OPENING.iter().any(|(one, two)| pair[0] == *one && pair[1] == *two) {
                self.0.push(pair.join("::"));
            }
        }
    }

    fn tree(&mut self, tree: &syn::UseTree, before: &[String]) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.tree(&path.tree, &with(&path.ident)),
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.tree(tree, before));
            }
            syn::UseTree::Name(name) => self.check(&with(&name.ident)),
            // An alias would hide what is called.
            syn::UseTree::Rename(name) => {
                let names = with(&name.ident);
                // A trait without a name of its own calls nothing.
                let is_named = name.rename != "_";
                if is_named
                    && names
                        .iter()
                        .any(|name| ["fs", "File", "OpenOptions"].contains(&name.as_str()))
                {
                    self.0.push(names.join("::"));
                }
            }
            syn::UseTree::Glob(_) => {}
        }
    }
}

impl<'a> Visit<'a> for Calls {
    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        self.tree(&item.tree, &[]);
    }

    fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        let names: Vec<String> =
            path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.check(&names);
        visit::visit_path(self, path);
    }

    fn visit_expr_method_call(&mut self, call: &'a syn::ExprMethodCall) {
        if call.method == "canonicalize" {
            self.0.push("canonicalize".into());
        }
        visit::visit_expr_method_call(self, call);
    }
}

fn calls(text: &str) -> Vec<String> {
    let mut calls = Calls::default();
    calls.visit_file(&syn::parse_file(text).unwrap());
    calls.0
}

#[test]
fn only_one_part_of_the_code_opens_files() {
    let mut wrong = Vec::new();
    let files = rust_files("src").into_iter();
    for (name, text) in
        files.filter(|(name, _)| !name.starts_with(OWNER) && !name.ends_with("/tests.rs"))
    {
        let may_resolve = RESOLVING.iter().any(|(file, _)| name == *file);
        for call in calls(&text) {
            if call != "canonicalize" || !may_resolve {
                wrong.push(format!("{name}: {call}: use crate::disk"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_exception_is_needed() {
    let files = rust_files("src");
    for (file, _) in RESOLVING {
        let found = calls(&files[file]);
        assert!(found.iter().any(|call| call == "canonicalize"), "{file} resolves nothing");
    }
}

#[test]
fn every_way_to_open_is_seen() {
    let text = "use std::fs::{self, File, read as slurp}; use tokio::fs as files; \
        fn f(path: &Path) { fs::read_to_string(path); std::fs::write(path, x); File::open(path); \
        std::fs::OpenOptions::new(); path.canonicalize(); fs::metadata(path); file.read(); } \
        #[cfg(test)] mod tests { fn g() { std::fs::write(path, x); } }";
    assert_eq!(
        calls(text),
        [
            "std::fs::read",
            "tokio::fs",
            "fs::read_to_string",
            "fs::write",
            "File::open",
            "OpenOptions::new",
            "canonicalize"
        ]
    );
}
