//! The house rules as a test: who may import whom, what pure rooms may not know, and how large
//! things may get.

#![expect(clippy::unwrap_used, reason = "a test that meets what it does not expect fails, and says where")]

use evenkeel::model::call::CallKind;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What each room may import of ours, besides itself. Rooms never import rooms; only the corridor
/// walks through them.
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
    ("telemetry", &["settings"]),
    ("http", &["reconcile"]),
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

/// Rooms that decide: no I/O, no time, no chance.
const PURE: &[&str] = &["model", "desired", "rollout", "plan", "status"];
/// Files of other rooms that are pure, too.
const PURE_FILES: &[&str] = &["reconcile/declarations.rs", "reconcile/decide.rs", "reconcile/entry.rs"];
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
        if path.is_dir() {
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

fn room(file: &str) -> Option<&str> {
    let (first, _) = file.split_once('/')?;
    (first != "bin").then_some(first)
}

fn report(broken: &[String]) {
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn rooms_import_only_what_the_dependency_rule_allows() {
    let rooms: BTreeMap<&str, &[&str]> = MAY_IMPORT.iter().copied().collect();
    let mut broken = Vec::new();
    for (file, code) in production("src") {
        let Some(here) = room(&file) else { continue };
        let Some(allowed) = rooms.get(here) else {
            broken.push(format!("src/{file}: `{here}` is not a room; add it to MAY_IMPORT"));
            continue;
        };
        for (index, _) in code.match_indices("crate::") {
            let rest = &code[index + "crate::".len()..];
            let imported: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if imported != here
                && rooms.contains_key(imported.as_str())
                && !allowed.contains(&imported.as_str())
            {
                broken.push(format!(
                    "src/{file}: `{here}` imports `{imported}`; hand it over through `model` or the corridor"
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
        if room(&file) == Some("aws") {
            continue;
        }
        for word in ["aws_sdk_", "aws_smithy_", "aws_types", "aws_config", "aws_credential_types"] {
            if code.contains(word) {
                broken.push(format!("src/{file}: names `{word}`; the `aws` room translates"));
            }
        }
    }
    report(&broken);
}

#[test]
fn pure_rooms_know_no_time_chance_or_io() {
    let mut broken = Vec::new();
    for (file, code) in production("src") {
        let pure =
            room(&file).is_some_and(|room| PURE.contains(&room)) || PURE_FILES.contains(&file.as_str());
        if !pure {
            continue;
        }
        for word in IMPURE_WORDS.iter().filter(|word| code.contains(**word)) {
            broken.push(format!(
                "src/{file}: `{word}` in a pure room; take it as an argument or report it as a value"
            ));
        }
    }
    report(&broken);
}

#[test]
fn only_the_binaries_choose_between_real_and_simulated_aws() {
    let mut broken = Vec::new();
    for (file, code) in production("src") {
        if room(&file).is_some() && code.contains("aws_sim") {
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
                broken
                    .push(format!("{folder}/{file}: {lines} production lines; which rooms want to be two?"));
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
fn the_iam_policy_allows_every_call_that_a_plan_can_make() {
    let policy = fs::read_to_string(root().join("manifests/iam-policy.json")).unwrap();
    let operations = CallKind::ALL.iter().map(|call| call.spec().operation);
    let missing: Vec<String> = operations
        .filter(|operation| !policy.contains(&format!("\"{operation}\"")))
        .map(|operation| format!("manifests/iam-policy.json: lacks {operation}"))
        .collect();
    report(&missing);
}
