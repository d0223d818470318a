//! Validation and the simulated AWS check each other.
//!
//! `tests/cases/desired/checks.txt` has a document for each finding of `ctl validate`. Each goes
//! straight to AWS, too, unchecked, and its line is followed by what AWS says to it: `~` and the
//! call, the code and the words, or `~ -` and the reason why AWS takes what validation does not.
//!
//! The other way round, every sentence in the source of the simulated AWS is among those answers,
//! or `tests/cases/desired/unforeseen.txt` says why no document provokes it: a refusal that is new
//! needs a finding, or a reason.

mod refusals;
mod straight;

use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The lines of the table, and each with what AWS says to it.
struct Table {
    lines: Vec<String>,
}

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/desired").join(file)
}

fn shop() -> Value {
    serde_json::from_str(&std::fs::read_to_string(path("shop.json")).unwrap()).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a switch for whoever runs the tests, not a setting")]
fn updates() -> bool {
    std::env::var("UPDATE_GOLDEN").is_ok_and(|value| value == "1")
}

/// Sets (or, with null, removes) what a JSON pointer names; `-` appends to a list, missing objects
/// on the way are made.
fn set(document: &mut Value, pointer: &str, value: Value) {
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    let last = last.replace("~1", "/");
    if document.pointer(parent).is_none() {
        set(document, parent, json!({}));
    }
    match document.pointer_mut(parent).unwrap() {
        Value::Array(items) if last == "-" => items.push(value),
        Value::Array(items) => items[last.parse::<usize>().unwrap()] = value,
        Value::Object(fields) if value.is_null() => {
            fields.remove(&last);
        }
        Value::Object(fields) => {
            fields.insert(last, value);
        }
        other => panic!("{pointer} goes through {other}"),
    }
}

/// Changes a document as a text says, below the base that its section names.
fn change(document: &mut Value, base: &str, text: &str) {
    let (pointer, value) = text.split_once(" = ").unwrap();
    let pointer = match pointer {
        "(self)" => base.to_owned(),
        relative => format!("{base}{relative}"),
    };
    set(document, &pointer, serde_json::from_str(value).unwrap());
}

impl Table {
    fn read() -> Self {
        let text = std::fs::read_to_string(path("checks.txt")).unwrap();
        Self { lines: text.lines().map(str::to_owned).collect() }
    }

    /// The table as it should be: all lines, each followed by what AWS says to it. Where AWS says
    /// nothing, the reason that stands there is kept.
    async fn answered(&self) -> Vec<String> {
        let (mut base, mut good) = ("", shop());
        let mut answered = Vec::new();
        for (index, line) in self.lines.iter().enumerate().filter(|(_, line)| !line.starts_with('~')) {
            answered.push(line.clone());
            if let Some(bases) = line.strip_prefix('@') {
                (base, good) = (bases.trim().split_once(' ').unwrap_or_default().0, shop());
            } else if let Some(text) = line.strip_prefix("+ ") {
                change(&mut good, "", text);
            } else if !line.is_empty() && !line.starts_with('#') {
                let mut document = good.clone();
                change(&mut document, base, line.split_once(" => ").unwrap().0);
                let reason = self.lines.get(index + 1).filter(|next| next.starts_with("~ -"));
                answered.push(match straight::apply(&document).await {
                    Err(refusal) => format!("~ {refusal}"),
                    Ok(()) => reason.cloned().unwrap_or_else(|| "~ - ?".to_owned()),
                });
            }
        }
        answered
    }
}

#[tokio::test(start_paused = true)]
async fn aws_takes_the_good_document() {
    let refused = straight::apply(&shop()).await.err().map(|refusal| refusal.to_string());
    assert_eq!(refused, None);
}

#[tokio::test(start_paused = true)]
async fn what_validation_finds_aws_refuses() {
    let table = Table::read();
    let answered = table.answered().await;
    if updates() {
        std::fs::write(path("checks.txt"), answered.join("\n") + "\n").unwrap();
    }
    let both = answered.iter().zip(&table.lines).filter(|(now, then)| now != then);
    let wrong: Vec<_> = both.take(5).collect();
    let same = wrong.is_empty() && answered.len() == table.lines.len();
    assert!(same, "AWS says something else: UPDATE_GOLDEN=1 writes it down, look at it: {wrong:#?}");
    let open = answered.iter().filter(|line| line.starts_with("~ - ?")).count();
    assert_eq!(open, 0, "why does AWS take what validation does not?");
}

/// Entries of `unforeseen.txt`: a file, the beginning of a sentence in it (or `*` for all), and why
/// no document provokes it.
fn unforeseen() -> Vec<(String, String)> {
    let text = std::fs::read_to_string(path("unforeseen.txt")).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let entries = lines.map(|line| {
        let parts: Vec<&str> = line.split(" | ").collect();
        assert!(parts.len() == 3 && !parts[2].trim().is_empty(), "file | beginning | reason: {line}");
        (parts[0].to_owned(), parts[1].to_owned())
    });
    entries.collect()
}

#[test]
fn what_aws_refuses_validation_finds_or_the_reason_is_listed() {
    let table = Table::read();
    let answers: Vec<&str> =
        table.lines.iter().filter_map(|line| Some(line.strip_prefix("~ ")?.split_once(": ")?.1)).collect();
    let listed = unforeseen();
    let mut used = vec![false; listed.len()];
    let mut open = Vec::new();
    let all = refusals::sentences();
    assert!(all.len() > 400, "{} sentences are too few: is the source read?", all.len());
    for sentence in all.iter().filter(|sentence| !answers.iter().any(|answer| sentence.is_in(answer))) {
        let entry = listed.iter().position(|(file, text)| {
            *file == sentence.file && (text == "*" || sentence.text.starts_with(text.as_str()))
        });
        match entry {
            Some(entry) => used[entry] = true,
            None => open.push(format!("{} | {}", sentence.file, sentence.text)),
        }
    }
    assert!(open.is_empty(), "neither provoked in checks.txt nor listed: {open:#?}");
    let stale: Vec<_> =
        listed.iter().zip(&used).filter(|(_, used)| !**used).map(|(entry, _)| entry).collect();
    assert!(stale.is_empty(), "listed for nothing: {stale:#?}");
}
