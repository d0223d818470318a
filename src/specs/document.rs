//! From bytes to documents: parse, check against the schema, hand to serde.

use super::node::{Mark, Node, SourceMap, Value};
use super::parse::{ParsedDocument, parse, placed};
use super::validate::validate;
use crate::model::canonical::content_hash;
use crate::model::finding::Finding;
use crate::model::ids::DeploymentName;
use crate::model::kinds::{Document, DocumentText, Kind};
use crate::model::status::Source;
use serde::Deserialize;
use std::sync::Arc;

/// Largest file that is read, in bytes.
pub const MAX_FILE_BYTES: u64 = 10 * 1024 * 1024;

/// A document that can be used, with where it stands.
#[derive(Clone, Debug)]
pub struct StoredDocument {
    /// Name of the deployment that it declares.
    pub name: DeploymentName,
    /// Kind of the document.
    pub kind: Kind,
    /// What the document says, without places; see [`Self::document`].
    pub text: DocumentText,
    /// File, line and content hash.
    pub source: Source,
    /// Where each of its fields stands, to give the findings of later layers their places.
    pub places: SourceMap,
}

impl StoredDocument {
    /// The document. Made anew each time, because it takes ten times the memory of its text.
    pub fn document(&self) -> Document {
        self.text.document().expect("it was written from a document")
    }

    /// Gives every finding that has no place the place of its field.
    pub fn locate(&self, findings: &mut [Finding]) {
        for finding in findings.iter_mut().filter(|finding| finding.place.is_none()) {
            finding.place = self.places.place(&finding.field);
        }
    }
}

/// A document, or a whole text, that cannot be used.
#[derive(Clone, Debug)]
pub struct Refused {
    /// Whose document it is, when that much could be read.
    pub name: Option<DeploymentName>,
    /// Why; at least one error, in the order of the text.
    pub findings: Vec<Finding>,
    /// The document without the members that are wrong, when the rest is one: never to be used,
    /// only to be checked for sense, so that a typo in one field does not hide what is wrong with
    /// the others.
    pub partial: Option<Arc<StoredDocument>>,
}

/// What one text holds: a file, or an item of a table.
#[derive(Clone, Debug, Default)]
pub struct FileContent {
    /// Documents that can be used, in the order of the text.
    pub documents: Vec<Arc<StoredDocument>>,
    /// The others.
    pub refused: Vec<Refused>,
}

impl FileContent {
    /// A file of which nothing can be used.
    pub(crate) fn broken(finding: Finding) -> Self {
        Self {
            documents: Vec::new(),
            refused: vec![Refused { name: None, findings: vec![finding], partial: None }],
        }
    }
}

/// Reads the documents of one file.
///
/// **Guarantees**: never fails as a whole; every mistake of every document (of endless ones the
/// first thousand or two) is a finding with file, line and column; a text that is not well-formed
/// gives no document at all, because it may be half-written. Time and memory are bounded by the
/// length of the text, whatever its aliases and anchors multiply.
pub fn read(file: &str, bytes: &[u8]) -> FileContent {
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return FileContent::broken(too_large(file, bytes.len() as u64));
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return FileContent::broken(not_utf8(file, bytes, error.valid_up_to())),
    };
    if text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}').is_empty() {
        return FileContent::broken(empty(file));
    }
    let parsed = parse(file, text);
    if let Some(finding) = parsed.broken {
        return FileContent::broken(finding);
    }
    let mut content = FileContent::default();
    for document in parsed.documents {
        match read_document(file, document) {
            Ok(declared) => content.documents.push(Arc::new(declared)),
            Err(refused) => content.refused.push(refused),
        }
    }
    content
}

/// The finding for a file over the limit.
pub(crate) fn too_large(file: &str, bytes: u64) -> Finding {
    let mut finding = Finding::error(
        "",
        format!("the file has {bytes} bytes; more than {MAX_FILE_BYTES} (10 MiB) are not read"),
        "split it, or keep files that are not documents elsewhere",
    );
    finding.place = Some(crate::model::finding::Place { file: file.to_owned(), line: 1, column: 1 });
    finding
}

/// The finding for a file without anything in it: what is written anew is empty for a moment, and a
/// writer that dies leaves it so.
fn empty(file: &str) -> Finding {
    let mut finding = Finding::error(
        "",
        "the file is empty",
        "nothing counts as removed while it is so; remove the file to remove what it declared",
    );
    finding.place = Some(crate::model::finding::Place { file: file.to_owned(), line: 1, column: 1 });
    finding
}

fn not_utf8(file: &str, bytes: &[u8], valid: usize) -> Finding {
    // The line ends of YAML, so that places agree with those of every other finding.
    let before = String::from_utf8_lossy(&bytes[..valid]).replace("\r\n", "\n").replace('\r', "\n");
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let finding =
        Finding::error("", format!("the byte 0x{:02x} is not UTF-8", bytes[valid]), "save the file as UTF-8");
    let mark = Mark {
        line: u32::try_from(line).unwrap_or(u32::MAX),
        column: u32::try_from(column).unwrap_or(u32::MAX),
    };
    placed(finding, file, mark)
}

fn read_document(file: &str, parsed: ParsedDocument) -> Result<StoredDocument, Refused> {
    let ParsedDocument { root, mut findings } = parsed;
    let name = root
        .get("metadata")
        .and_then(|metadata| metadata.get("name"))
        .and_then(Node::text)
        .filter(|name| !name.is_empty())
        .map(DeploymentName::from);
    let mut left_out = Vec::new();
    if matches!(root.value, Value::Map(_)) {
        let kind = root.get("kind").and_then(Node::text).and_then(Kind::parse);
        let validated = validate(file, &root, kind);
        findings.extend(validated.findings);
        left_out = validated.left_out;
    } else {
        let finding = Finding::error("", "a document is a map", "it has apiVersion, kind, metadata and spec");
        findings.push(placed(finding, file, root.mark));
    }
    if findings.is_empty() {
        let json = root.to_json_without(&left_out);
        match Document::deserialize(&json) {
            Ok(document) => return Ok(declared(file, &root, document)),
            Err(error) => {
                findings.push(placed(Finding::error("", error.to_string(), ""), file, root.mark));
            }
        }
    }
    findings.sort_by(|a, b| a.place.cmp(&b.place));
    let partial = partial(file, &root, &findings, &left_out);
    Err(Refused { name, findings, partial })
}

/// What is left of a document without the members that findings stand at.
fn partial(file: &str, root: &Node, findings: &[Finding], left_out: &[Mark]) -> Option<Arc<StoredDocument>> {
    let wrong = |finding: &Finding| {
        finding.place.as_ref().map(|place| Mark { line: place.line, column: place.column })
    };
    let wrong: Vec<_> = findings.iter().filter_map(wrong).chain(left_out.iter().copied()).collect();
    let json = root.to_json_without(&wrong);
    let document = Document::deserialize(&json).ok()?;
    Some(Arc::new(declared(file, root, document)))
}

fn declared(file: &str, root: &Node, document: Document) -> StoredDocument {
    let json = document.to_json();
    let content_hash = content_hash(&json).to_string();
    StoredDocument {
        kind: document.spec.kind(),
        name: document.metadata.name,
        text: DocumentText::of(&json),
        source: Source { file: file.to_owned(), line: root.mark.line, content_hash },
        places: SourceMap::new(file, root),
    }
}
