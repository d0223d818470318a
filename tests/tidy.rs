//! The rules of the code as a test: who may import whom, what pure layers may not know, and how
//! large things may get.

#![expect(clippy::unwrap_used, reason = "a test that meets what it does not expect fails, and says where")]

use evenkeel::model::call::CallKind;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What each layer may import of ours, besides itself. Layers never import layers; only `reconcile`
/// calls them in turn.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("specs", &["model"]),
    ("desired", &["model"]),
    ("observed", &["model", "aws"]),
    ("rollout", &["model"]),
    ("plan", &["model"]),
    ("executor", &["model", "aws"]),
    ("state", &["model"]),
    ("status", &["model"]),
    ("aws", &["model"]),
    ("telemetry", &["model", "settings"]),
    ("http", &["model", "state", "telemetry", "reconcile"]),
    (
        "reconcile",
        &[
            "model",
            "specs",
            "desired",
            "observed",
            "rollout",
            "plan",
            "executor",
            "state",
            "status",
            "aws",
            "telemetry",
        ],
    ),
    (
        "cli",
        &["model", "specs", "desired", "observed", "plan", "state", "status", "aws", "reconcile", "settings"],
    ),
];

/// Layers that decide: no I/O, no time, no chance.
const PURE: &[&str] = &["model", "desired", "rollout", "plan", "status"];
/// Files of other layers that are pure, too.
const PURE_FILES: &[&str] =
    &["reconcile/declarations.rs", "reconcile/decide.rs", "reconcile/entry.rs", "reconcile/forecast.rs"];
const IMPURE_WORDS: &[&str] = &[
    "async fn",
    ".await",
    "tokio::",
    "tracing::",
    "SystemTime",
    "Instant",
    "Timestamp::now",
    "HashMap",
    "HashSet",
    "std::fs",
    "std::env",
    "rand::",
];

/// Production lines at which a file has to become two.
const MOST_LINES: usize = 800;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
}

/// Files below a folder as (path relative to it, text without comments and without the tests at the
/// end).
fn production(folder: &str) -> BTreeMap<String, String> {
    let base = root().join(folder);
    let mut files = Vec::new();
    rust_files(&base, &mut files);
    let tests = test_modules(&files);
    files
        .into_iter()
        .filter(|path| !tests.iter().any(|test| path.starts_with(test) || *path == test.with_extension("rs")))
        .map(|path| {
            let name = path.strip_prefix(&base).unwrap().to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).unwrap();
            let text = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap();
            let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            (name, code.join("\n"))
        })
        .collect()
}

/// Modules that are compiled for tests only, as paths without extension.
fn test_modules(files: &[PathBuf]) -> Vec<PathBuf> {
    let mut modules = Vec::new();
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        let stem = file.file_stem().unwrap();
        let folder = match stem.to_str().unwrap() {
            "mod" | "lib" | "main" => file.parent().unwrap().to_path_buf(),
            _ => file.with_extension(""),
        };
        for (index, _) in text.match_indices("#[cfg(test)]\n") {
            let line = text[index..].lines().nth(1).unwrap();
            let declared = line.strip_suffix(';').and_then(|line| line.rsplit_once("mod "));
            if let Some((_, name)) = declared {
                modules.push(folder.join(name));
            }
        }
    }
    modules
}

fn layer(file: &str) -> Option<&str> {
    let (first, _) = file.split_once('/')?;
    (first != "bin").then_some(first)
}

fn report(broken: &[String]) {
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn layers_import_only_what_the_dependency_rule_allows() {
    let layers: BTreeMap<&str, &[&str]> = MAY_IMPORT.iter().copied().collect();
    let mut broken = Vec::new();
    for (file, code) in production("src") {
        let Some(here) = layer(&file) else { continue };
        let Some(allowed) = layers.get(here) else {
            broken.push(format!("src/{file}: `{here}` is not a layer; add it to MAY_IMPORT"));
            continue;
        };
        for (index, _) in code.match_indices("crate::") {
            let rest = &code[index + "crate::".len()..];
            let imported: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if imported != here
                && layers.contains_key(imported.as_str())
                && !allowed.contains(&imported.as_str())
            {
                broken.push(format!(
                    "src/{file}: `{here}` imports `{imported}`; hand it over through `model` or `reconcile`"
                ));
            }
        }
    }
    report(&broken);
}

#[test]
fn only_aws_names_the_sdk() {
    let mut broken = Vec::new();
    for (file, code) in production("src") {
        if layer(&file) == Some("aws") {
            continue;
        }
        for word in ["aws_sdk_", "aws_smithy_", "aws_types", "aws_config", "aws_credential_types"] {
            if code.contains(word) {
                broken.push(format!("src/{file}: names `{word}`; the `aws` layer translates"));
            }
        }
    }
    report(&broken);
}

#[test]
fn pure_layers_know_no_time_chance_or_io() {
    let mut broken = Vec::new();
    for (file, code) in production("src") {
        let pure =
            layer(&file).is_some_and(|layer| PURE.contains(&layer)) || PURE_FILES.contains(&file.as_str());
        if !pure {
            continue;
        }
        for word in IMPURE_WORDS.iter().filter(|word| code.contains(**word)) {
            broken.push(format!(
                "src/{file}: `{word}` in a pure layer; take it as an argument or report it as a value"
            ));
        }
    }
    report(&broken);
}

#[test]
fn only_the_binaries_choose_between_real_and_simulated_aws() {
    let mut broken = Vec::new();
    for (file, code) in production("src") {
        if layer(&file).is_some() && code.contains("aws_sim") {
            broken.push(format!("src/{file}: names the simulation; only the binaries do"));
        }
    }
    for (file, code) in production("aws-sim/src") {
        if code.contains("evenkeel") {
            broken.push(format!("aws-sim/src/{file}: knows of the controller; it simulates AWS for anybody"));
        }
    }
    report(&broken);
}

#[test]
fn files_stay_small_enough_to_be_read() {
    let mut broken = Vec::new();
    for folder in ["src", "aws-sim/src"] {
        for (file, code) in production(folder) {
            let lines = code.lines().count();
            if lines > MOST_LINES {
                broken.push(format!(
                    "{folder}/{file}: {lines} production lines; what should be a file of its own?"
                ));
            }
        }
    }
    report(&broken);
}

#[test]
fn there_are_no_rooms_without_a_purpose() {
    let vague = ["utils", "helpers", "manager", "common", "misc", "util", "helper"];
    let mut broken = Vec::new();
    for folder in ["src", "aws-sim/src"] {
        for file in production(folder).into_keys() {
            let named = file.trim_end_matches(".rs").split('/').any(|part| vague.contains(&part));
            if named {
                broken.push(format!("{folder}/{file}: name it by what it decides"));
            }
        }
    }
    report(&broken);
}

#[test]
fn the_iam_policies_allow_every_call_that_a_plan_can_make() {
    let mut missing = Vec::new();
    for file in ["manifests/iam-policy.json", "manifests/iam-policy-no-adoption.json"] {
        let policy = fs::read_to_string(root().join(file)).unwrap();
        let operations = CallKind::ALL.iter().map(|call| call.spec().operation);
        let lacking = operations.filter(|operation| !policy.contains(&format!("\"{operation}\"")));
        missing.extend(lacking.map(|operation| format!("{file}: lacks {operation}")));
    }
    report(&missing);
}

/// Files by their path, with their text. The rules below read such a tree, so that a made-up one
/// can show that each of them can fail.
type Tree = BTreeMap<String, String>;

fn sources(folders: &[&str]) -> Tree {
    let mut files = Vec::new();
    for folder in folders {
        rust_files(&root().join(folder), &mut files);
    }
    let named = |path: &PathBuf| path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
    files.iter().map(|path| (named(path), fs::read_to_string(path).unwrap())).collect()
}

fn tree(files: &[(&str, &str)]) -> Tree {
    files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

/// Columns that a comment may be wide; rustfmt wraps code only.
const COMMENT_WIDTH: usize = 100;

fn wide_comments(tree: &Tree) -> Vec<String> {
    let mut wide = Vec::new();
    for (file, text) in tree {
        let mut fenced = false;
        for (index, line) in text.lines().enumerate() {
            let Some(comment) = line.trim_start().strip_prefix("//") else {
                fenced = false;
                continue;
            };
            let words = comment.trim_start_matches(['/', '!']).trim();
            fenced ^= words.starts_with("```");
            let cannot_wrap = fenced || words.starts_with('|') || !words.contains(' ');
            let columns = line.chars().count();
            if columns > COMMENT_WIDTH && !cannot_wrap {
                wide.push(format!("{file}:{}: a comment of {columns} columns; wrap it", index + 1));
            }
        }
    }
    wide
}

#[test]
fn comments_are_narrow_enough_to_be_read() {
    report(&wide_comments(&sources(&["src", "aws-sim", "tests", "examples"])));
}

#[test]
fn a_wide_comment_is_found_unless_it_cannot_be_wrapped() {
    let wide = "word ".repeat(30);
    let text = format!("// {wide}\nlet a = 1;\n/// | {wide}\n// ```\n// {wide}\n// ```\n//! {wide}");
    let found = wide_comments(&tree(&[("src/a.rs", &text)]));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("src/a.rs:1:") && found[1].starts_with("src/a.rs:7:"), "{found:?}");
}

/// What a plan is made of: a new call or kind of resource must be thought of wherever they differ.
const CLOSED: &[&str] = &["Call", "CallKind", "ResourceKind", "Part"];

/// Finds `match`es on a closed enum that take some of its variants together unnamed.
#[derive(Default)]
struct Wildcards {
    /// The enum of the `impl` around, which is `Self` there.
    within: Option<String>,
    /// The function around.
    function: String,
    /// The functions with such a `match`.
    found: Vec<String>,
}

impl Wildcards {
    /// Whether a pattern names a variant of a closed enum.
    fn names_closed(&self, pattern: &syn::Pat) -> bool {
        struct Paths<'w>(&'w Wildcards, bool);
        impl<'ast> syn::visit::Visit<'ast> for Paths<'_> {
            fn visit_path(&mut self, path: &'ast syn::Path) {
                let names: Vec<String> = path.segments.iter().map(|part| part.ident.to_string()).collect();
                let [.., of, _] = names.as_slice() else { return };
                let of =
                    if of == "Self" { self.0.within.as_deref().unwrap_or_default() } else { of.as_str() };
                self.1 |= CLOSED.contains(&of);
            }
        }
        let mut paths = Paths(self, false);
        syn::visit::Visit::visit_pat(&mut paths, pattern);
        paths.1
    }

    /// The parts of a pattern that are compared each by itself.
    fn columns(pattern: &syn::Pat) -> Vec<&syn::Pat> {
        match pattern {
            syn::Pat::Tuple(tuple) => tuple.elems.iter().collect(),
            other => vec![other],
        }
    }

    fn alternatives(pattern: &syn::Pat) -> Vec<&syn::Pat> {
        match pattern {
            syn::Pat::Or(or) => or.cases.iter().collect(),
            other => vec![other],
        }
    }
}

impl<'ast> syn::visit::Visit<'ast> for Wildcards {
    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let before = self.within.take();
        if let syn::Type::Path(path) = &*item.self_ty {
            self.within = path.path.segments.last().map(|last| last.ident.to_string());
        }
        syn::visit::visit_item_impl(self, item);
        self.within = before;
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        self.function = signature.ident.to_string();
    }

    fn visit_expr_match(&mut self, found: &'ast syn::ExprMatch) {
        let rows: Vec<Vec<&syn::Pat>> =
            found.arms.iter().flat_map(|arm| Self::alternatives(&arm.pat)).map(Self::columns).collect();
        let width = rows.iter().map(Vec::len).max().unwrap_or_default();
        for column in 0..width {
            let here: Vec<&syn::Pat> = rows.iter().filter_map(|row| row.get(column).copied()).collect();
            let whole = rows.iter().filter(|row| row.len() == 1).filter_map(|row| row.first().copied());
            if here.iter().any(|pattern| self.names_closed(pattern)) {
                let is_wild = |pattern: &syn::Pat| matches!(pattern, syn::Pat::Wild(_));
                if here.into_iter().chain(whole).any(is_wild) {
                    self.found.push(self.function.clone());
                }
            }
        }
        syn::visit::visit_expr_match(self, found);
    }
}

fn wildcards(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for (file, text) in tree {
        let mut wildcards = Wildcards::default();
        syn::visit::Visit::visit_file(&mut wildcards, &syn::parse_file(text).unwrap());
        let told = |function| format!("{file}: {function}: `_` takes calls or kinds together; name them");
        found.extend(wildcards.found.into_iter().map(told));
    }
    found
}

#[test]
fn whoever_tells_calls_or_kinds_of_resources_apart_names_them_all() {
    report(&wildcards(&production("src")));
}

#[test]
fn a_wildcard_among_calls_or_kinds_is_found_and_one_among_others_is_none() {
    let text = "impl ResourceKind { fn a(self) { match self { Self::Rule => 1, _ => 2 } } }\n\
                fn b() { match (kind, seen) {\n (ResourceKind::Rule, _) => 1,\n (_, Seen::Absent) => 2 } }\n\
                fn c() { match kind {\n ResourceKind::Rule | ResourceKind::Task => match seen {\n Seen::Absent => 1, _ => 2 } } }\n\
                fn d() { match &action.call { Call::StopTask { .. } => 1, _ => 2 } }";
    let found = wildcards(&tree(&[("src/a.rs", text)]));
    let functions: Vec<&str> = found.iter().map(|told| told.split(": ").nth(1).unwrap()).collect();
    assert_eq!(functions, ["a", "b", "d"], "{found:?}");
}

/// Folders in which Cargo builds every file by itself; `main.rs` and `lib.rs` are entries anywhere.
const ENTRY_FOLDERS: &[&str] = &["src/bin", "tests", "tests/fuzz", "examples", "aws-sim/examples"];

fn is_entry(file: &str) -> bool {
    let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
    matches!(name, "main.rs" | "lib.rs") || ENTRY_FOLDERS.contains(&folder)
}

fn dead_files(tree: &Tree) -> Vec<String> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<String> = tree.keys().filter(|file| is_entry(file)).cloned().collect();
    while let Some(file) = next.pop() {
        let Some(text) = tree.get(&file) else { continue };
        if reached.insert(file.clone()) {
            next.extend(declared(&file, text));
        }
    }
    let dead = tree.keys().filter(|file| !reached.contains(*file));
    dead.map(|file| format!("{file}: no `mod` declares it; delete it, or declare it")).collect()
}

/// Where the modules that a file declares may be.
fn declared(file: &str, text: &str) -> Vec<String> {
    let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
    let below = match name {
        _ if name == "mod.rs" || is_entry(file) => folder.to_owned(),
        _ => file.trim_end_matches(".rs").to_owned(),
    };
    let (mut files, mut path) = (Vec::new(), None);
    for line in text.lines().map(str::trim) {
        if let Some(named) = line.strip_prefix("#[path = \"").and_then(|line| line.strip_suffix("\"]")) {
            path = Some(named);
        } else if let Some((_, module)) = line.strip_suffix(';').and_then(|line| line.split_once("mod ")) {
            match path.take() {
                Some(path) => files.push(joined(folder, path)),
                None => files.extend([format!("{below}/{module}.rs"), format!("{below}/{module}/mod.rs")]),
            }
        }
    }
    files
}

/// A path below a folder, with its `..` walked.
fn joined(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').collect();
    for part in path.split('/') {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts.join("/")
}

#[test]
fn every_file_is_declared_by_a_module() {
    report(&dead_files(&sources(&["src", "aws-sim", "tests", "examples"])));
}

#[test]
fn a_file_that_no_module_declares_is_found() {
    let found = dead_files(&tree(&[
        ("src/lib.rs", "pub mod layer;\n"),
        ("src/layer/mod.rs", "#[cfg(test)]\n#[path = \"../proof.rs\"]\nmod tests;\nmod a;\n"),
        ("src/layer/a.rs", "mod b;\n"),
        ("src/layer/a/b.rs", ""),
        ("src/layer/b.rs", ""),
        ("src/proof.rs", ""),
    ]));
    assert_eq!(found, ["src/layer/b.rs: no `mod` declares it; delete it, or declare it"]);
}

#[test]
fn files_of_a_room_import_each_other_in_one_direction() {
    let mut circles: Vec<String> = Vec::new();
    for folder in ["src", "aws-sim/src"] {
        circles.extend(in_a_circle(&production(folder)).iter().map(|file| format!("{folder}/{file}")));
    }
    for file in &mut circles {
        file.push_str(": imports a file that imports it; move what both need into a file of its own");
    }
    report(&circles);
}

#[test]
fn a_circle_inside_a_room_is_found_and_what_an_entry_exports_again_is_none() {
    let found = in_a_circle(&tree(&[
        ("layer/mod.rs", "pub mod a;\nmod b;\nmod c;\npub use self::c::{C, D as E};\npub use b::B;\n"),
        ("layer/a.rs", "use super::{b::{B, f}, C};\nfn a() {}"),
        ("layer/b.rs", "fn b() { crate::layer::a::a() }\nuse super::C;"),
        ("layer/c.rs", "pub struct C;"),
        ("other/mod.rs", "use crate::layer::a::X;"),
    ]));
    assert_eq!(found, ["layer/a.rs", "layer/b.rs"]);
}

/// Files of one layer that reach themselves through what they import. A layer and the layers
/// inside it are one thing in this, as they are to the compiler: what a file names of its parent
/// does not count.
fn in_a_circle(tree: &Tree) -> Vec<String> {
    let imports = imports_inside_rooms(tree);
    let reaches_itself = |file: &&String| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![*file]);
        while let Some(at) = next.pop() {
            next.extend(imports[at].iter().filter(|import| seen.insert(*import)));
        }
        seen.contains(*file)
    };
    imports.keys().filter(reaches_itself).cloned().collect()
}

/// A path of names, such as `crate::plan::order`.
type Names = Vec<String>;

fn imports_inside_rooms(tree: &Tree) -> BTreeMap<String, BTreeSet<String>> {
    let files: BTreeMap<Names, &String> = tree.keys().map(|file| (module_of(file), file)).collect();
    let (mut exports, mut named) = (BTreeMap::new(), Vec::new());
    for (module, file) in &files {
        for (exported, path) in paths_in(&tree[*file], module, &files) {
            match (exported, path.last()) {
                (true, Some(name)) => {
                    drop(exports.insert([&**module, std::slice::from_ref(name)].concat(), path))
                }
                _ => named.push((*file, path)),
            }
        }
    }
    let mut imports: BTreeMap<_, _> = tree.keys().map(|file| (file.clone(), BTreeSet::new())).collect();
    for (file, mut path) in named {
        while !path.is_empty() && !files.contains_key(&path) {
            match exports.get(&path) {
                Some(origin) if *origin != path => path.clone_from(origin),
                _ => drop(path.pop()),
            }
        }
        let is_above = module_of(file).starts_with(&path);
        let import = files.get(&path).filter(|import| !is_above && layer(import) == layer(file));
        imports.get_mut(file).unwrap().extend(import.map(|import| (*import).clone()));
    }
    imports
}

fn module_of(file: &str) -> Names {
    let parts = file.trim_end_matches(".rs").split('/').map(str::to_owned);
    parts.filter(|part| !matches!(part.as_str(), "mod" | "lib")).collect()
}

/// The paths of ours that a file names, from the root of the crate, and whether it only exports
/// them again.
fn paths_in(text: &str, module: &[String], files: &BTreeMap<Names, &String>) -> Vec<(bool, Names)> {
    let words = words(text);
    let mut paths = Vec::new();
    for at in 0..words.len() {
        let before = |back: usize| at.checked_sub(back).map_or("", |at| words[at]);
        if words.get(at + 1) != Some(&"::") || before(1) == "::" {
            continue;
        }
        let above = &module[..module.len().saturating_sub(1)];
        let child = [module, &[words[at].to_owned()]].concat();
        let (start, base) = match words[at] {
            "crate" => (at + 2, Names::new()),
            "self" => (at + 2, module.to_vec()),
            "super" => (at + 2, above.to_vec()),
            _ if files.contains_key(&child) => (at, module.to_vec()),
            _ => continue,
        };
        let exported = before(1) == "use" && (before(2) == "pub" || before(2) == ")");
        let mut found = Vec::new();
        read_paths(&words, start, base, &mut found);
        paths.extend(found.into_iter().map(|path| (exported, path)));
    }
    paths
}

/// Reads the path that starts at a word, and every branch of its braces; returns the word behind.
fn read_paths(words: &[&str], mut at: usize, mut path: Names, found: &mut Vec<Names>) -> usize {
    loop {
        match words.get(at).copied().unwrap_or_default() {
            "super" => drop(path.pop()),
            "{" => {
                while !matches!(words.get(at), None | Some(&"}")) {
                    at = read_paths(words, at + 1, path.clone(), found);
                }
                return at + 1;
            }
            "self" => {}
            word if word.starts_with(|c: char| c.is_alphabetic() || c == '_') => path.push(word.to_owned()),
            _ => {}
        }
        if words.get(at + 1) != Some(&"::") {
            found.push(path);
            let end = words[at..].iter().position(|word| matches!(*word, "," | "}" | ";"));
            return end.map_or(words.len(), |more| at + more);
        }
        at += 2;
    }
}

fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        let length = match first {
            _ if is_name(first) => rest.find(|c| !is_name(c)).unwrap_or(rest.len()),
            _ if rest.starts_with("::") => 2,
            _ => first.len_utf8(),
        };
        if !first.is_whitespace() {
            words.push(&rest[..length]);
        }
        rest = &rest[length..];
    }
    words
}
