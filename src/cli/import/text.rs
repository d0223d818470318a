//! A document as YAML, with what is to be said of it as comments at its places.

use super::note::Note;
use crate::model::kinds::{ApplicationSpec, Document, Kind, Metadata, Spec};
use crate::model::visible::visible;
use crate::specs::{self, StoredDocument};
use anyhow::{Context, bail};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Widest comment, in characters.
const WIDTH: usize = 100;

/// A document in the order in which people write it; fields stand in the order of the schema.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    api_version: &'a str,
    kind: Kind,
    metadata: &'a Metadata,
    spec: &'a ApplicationSpec,
}

/// The text of an application: a head, then the document with its notes.
///
/// **Guarantees**: read back, the text is the document.
///
/// # Errors
///
/// The text is not read back as the document: a mistake of ours, and not to be relied on.
pub(super) fn text(document: &Document, head: &str, notes: &[Note]) -> anyhow::Result<String> {
    let Spec::Application(spec) = &document.spec else { bail!("only an Application is written so") };
    let written = Written {
        api_version: &document.api_version,
        kind: document.spec.kind(),
        metadata: &document.metadata,
        spec,
    };
    // One line for an ARN, however long it is.
    let options = serde_saphyr::ser_options! { folded_wrap_chars: usize::MAX };
    let plain = serde_saphyr::to_string_with_options(&written, options).context("cannot write YAML")?;
    let stored = read(&plain)?;
    let text = comment(head, "") + &commented(&plain, &stored, notes);
    if read(&text)?.document() != *document {
        bail!("the document was written in a way that is read as another one; please report this");
    }
    Ok(text)
}

/// The one document of a text.
fn read(text: &str) -> anyhow::Result<Arc<StoredDocument>> {
    let content = specs::read("the imported document", text.as_bytes());
    match (content.documents.as_slice(), content.refused.as_slice()) {
        ([document], []) => Ok(Arc::clone(document)),
        (_, [refused, ..]) => {
            let why: Vec<String> = refused.findings.iter().map(ToString::to_string).collect();
            bail!("what was written cannot be read back: {}", why.join("; "))
        }
        _ => bail!("what was written holds no document"),
    }
}

/// Puts each note before the line of its field; what is said of a field that is not there goes
/// below the one that it would stand in.
fn commented(plain: &str, stored: &StoredDocument, notes: &[Note]) -> String {
    let lines: Vec<&str> = plain.lines().collect();
    let indent = |line: &str| " ".repeat(line.len() - line.trim_start().len());
    let mut before: BTreeMap<usize, String> = BTreeMap::new();
    for note in notes {
        let Some(place) = stored.places.place(&note.field) else { continue };
        let line = place.line as usize - 1;
        let is_there = stored.places.place(parent(&note.field)) != Some(place);
        let (at, indent) = match (is_there, lines.get(line + 1)) {
            (true, _) | (false, None) => (line, indent(lines[line])),
            (false, Some(next)) if indent(next).len() > indent(lines[line]).len() => (line + 1, indent(next)),
            (false, Some(_)) => (line, indent(lines[line])),
        };
        *before.entry(at).or_default() += &comment(&note.message, &indent);
    }
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        text += before.get(&number).map_or("", String::as_str);
        text += line;
        text.push('\n');
    }
    text
}

/// The path of what a field stands in.
fn parent(field: &str) -> &str {
    let cut = if field.ends_with("\"]") { field.rfind("[\"") } else { field.rfind(['.', '[']) };
    cut.map_or("", |at| &field[..at])
}

/// A text as comment lines, whatever is in it.
fn comment(text: &str, indent: &str) -> String {
    let mut out = String::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in visible(paragraph).split_whitespace() {
            if !line.is_empty() && indent.len() + 3 + line.chars().count() + word.chars().count() > WIDTH {
                out += &format!("{indent}# {line}\n");
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line += word;
        }
        out += format!("{indent}# {line}").trim_end();
        out.push('\n');
    }
    out
}
