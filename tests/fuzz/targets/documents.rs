//! Any bytes as a file of a spec store: what is accepted stays the same when it is written down and
//! read again, and whatever is wrong with the rest stands at a place that the text has.

use evenkeel::desired::{lower, render};
use evenkeel::model::finding::{Finding, Place};
use evenkeel::model::ids::Generation;
use evenkeel::model::visible::visible;
use evenkeel::specs::{FileContent, Refused, StoredDocument, read};
use serde_json::Value;

const FILE: &str = "spec.yaml";

/// Reads the bytes as the store does and checks what it guarantees.
pub fn check(bytes: &[u8]) {
    let content = read(FILE, bytes);
    let lines = Lines::of(bytes);
    for refused in &content.refused {
        check_refused(refused, &lines);
    }
    for declared in &content.documents {
        assert!(lines.has(&Place { file: FILE.to_owned(), line: declared.source.line, column: 1 }));
        check_accepted(declared, &lines);
    }
}

fn check_refused(refused: &Refused, lines: &Lines) {
    assert!(refused.findings.iter().any(Finding::is_error), "refused for no reason");
    for finding in &refused.findings {
        let place = finding.place.as_ref().unwrap_or_else(|| panic!("{finding} has no place"));
        assert!(lines.has(place), "{finding} is not in the text");
        // Everybody who reports a finding prints it.
        assert!(finding.to_string().contains(&*visible(&finding.message)));
    }
    assert!(refused.findings.is_sorted_by(|a, b| a.place <= b.place), "{:?}", refused.findings);
    if let Some(partial) = &refused.partial {
        let _ = lower(&partial.document(), Generation(1));
    }
}

fn check_accepted(declared: &StoredDocument, lines: &Lines) {
    let document = declared.document();
    assert_eq!((&document.metadata.name, document.spec.kind()), (&declared.name, declared.kind));
    // As it was written, and in its canonical form with defaults left out: both mean the same
    // document.
    for written in [declared.text.to_json(), document.to_json()] {
        let again = only(&written);
        assert_eq!(again.document(), document, "{written}");
        assert_eq!(again.source.content_hash, declared.source.content_hash, "{written}");
    }
    each_path(&document.to_json(), "", &mut |path| {
        let place = declared.places.place(path).expect("a document from a text knows places");
        assert!(lines.has(&place), "{path} at {place} is not in the text");
    });
    check_lowering(declared);
}

/// Whatever is accepted can be lowered, and a document without errors means what its generic form
/// means.
fn check_lowering(declared: &StoredDocument) {
    let document = declared.document();
    let (state, mut findings) = lower(&document, Generation(1));
    assert_eq!(state.is_none(), findings.iter().any(Finding::is_error));
    assert!(findings.is_sorted_by(|a, b| a.field <= b.field), "{findings:?}");
    declared.locate(&mut findings);
    assert!(findings.iter().all(|finding| finding.place.is_some()));
    let (generic, _) = render(&document);
    let Some(state) = state else { return };
    let (rendered, _) = lower(&generic, Generation(1));
    let mut rendered = rendered.expect("the generic form of a good document is good");
    rendered.kind.clone_from(&state.kind);
    assert_eq!(rendered, state);
    let again = only(&generic.to_json());
    assert_eq!(again.document(), generic);
}

/// The one good document of a JSON text.
fn only(json: &Value) -> std::sync::Arc<StoredDocument> {
    let FileContent { mut documents, refused } = read("spec.json", json.to_string().as_bytes());
    assert!(refused.is_empty() && documents.len() == 1, "{json} is refused: {refused:?}");
    documents.remove(0)
}

fn each_path(value: &Value, path: &str, visit: &mut impl FnMut(&str)) {
    visit(path);
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let below = evenkeel::model::finding::field_key(path, key);
                each_path(
                    member,
                    below.strip_prefix('.').filter(|_| path.is_empty()).unwrap_or(&below),
                    visit,
                );
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                each_path(item, &format!("{path}[{index}]"), visit);
            }
        }
        _ => {}
    }
}

/// How many characters each line of a text has.
struct Lines(Vec<usize>);

impl Lines {
    /// YAML ends a line with LF, CR or both; bytes that are no UTF-8 count as a character each time
    /// that they stop the reading.
    fn of(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n").replace('\r', "\n");
        Self(text.split('\n').map(|line| line.chars().count()).collect())
    }

    /// Whether a place is in the text, the place behind the last character of a line included.
    fn has(&self, place: &Place) -> bool {
        let line = usize::try_from(place.line).expect("a line number fits");
        let column = usize::try_from(place.column).expect("a column number fits");
        let characters = line.checked_sub(1).and_then(|line| self.0.get(line));
        characters.is_some_and(|characters| (1..=characters + 1).contains(&column))
    }
}
