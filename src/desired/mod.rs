//! 2 DESIRED: what a document means, with every default filled and every fault found at once.
//!
//! Two steps, both pure. [`lower`] needs the document alone: a typed kind becomes an
//! [`ApplicationSpec`], which is checked ([`checks`]) and filled ([`defaults`]) into a
//! [`DesiredState`]. [`resolve`] adds what was observed in this pass: keys become ARNs, secret
//! names become full ARNs, contents become hashes; what cannot be resolved yet becomes a reason to
//! wait. [`common`] compares all documents together, for two of them may claim one thing in AWS.
//!
//! Why so: everything that AWS would refuse and that can be known without asking AWS is said here,
//! with the field it concerns, before anything is written. A half-applied document is harder to
//! understand than a refused one. And since every fixed default is present in the desired state, a
//! document that spells a default out is the same as one that leaves it out: no difference, no new
//! revision, no deployment.

mod application;
mod checks;
mod conflicts;
mod defaults;
mod fields;
mod forms;
mod kinds;
mod rebalancing;
mod references;
mod resolve;
mod resources;
mod secret_ref;
#[cfg(test)]
mod tests;

pub use conflicts::{Common, claimed, common, standing};
pub use resolve::resolve;

use crate::model::desired::DesiredState;
use crate::model::finding::Finding;
use crate::model::ids::Generation;
use crate::model::kinds::{ApplicationSpec, Document, Kind, Metadata, Spec};

/// Lowers a document of any kind to its desired state, with everything that is wrong or odd about
/// it.
///
/// **Guarantees**: all findings of the document in one call, sorted by field; the state is there
/// exactly when no finding is an error; equal meaning gives an equal state.
pub fn lower(doc: &Document, generation: Generation) -> (Option<DesiredState>, Vec<Finding>) {
    let (spec, findings) = checked(doc);
    if findings.iter().any(Finding::is_error) {
        return (None, findings);
    }
    (Some(application::lower(doc, &spec, generation)), findings)
}

/// Writes a document of any kind as the `Application` that it stands for, with the findings of
/// [`lower`].
///
/// **Guarantees**: lowering the result gives the same desired state, but for its kind.
pub fn render(doc: &Document) -> (Document, Vec<Finding>) {
    let (spec, findings) = checked(doc);
    (Document::new(doc.metadata.clone(), Spec::Application(Box::new(spec))), findings)
}

/// The generic form of a document and all findings.
fn checked(doc: &Document) -> (ApplicationSpec, Vec<Finding>) {
    let name = &doc.metadata.name;
    let (spec, mut findings) = kinds::lower(doc);
    findings.extend(metadata_findings(&doc.metadata));
    let lowered = checks::application(name, &spec);
    match doc.spec.kind() {
        Kind::Application => findings.extend(lowered),
        _ => findings.extend(lowered.into_iter().map(on_typed_document)),
    }
    findings.sort_by(|a, b| (&a.field, a.severity, &a.message).cmp(&(&b.field, b.severity, &b.message)));
    findings.dedup();
    (spec, findings)
}

/// A finding about the lowered form, reported to a person who wrote a typed document: the field is
/// not in that document, so the finding stands at `spec` and the message says which part of `ctl
/// render`'s output it speaks of.
fn on_typed_document(finding: Finding) -> Finding {
    let lowered = finding.field.strip_prefix("spec.").unwrap_or(&finding.field);
    let message = format!("in the rendered application, {lowered}: {}", finding.message);
    Finding { field: "spec".to_owned(), message, ..finding }
}

fn metadata_findings(metadata: &Metadata) -> Vec<Finding> {
    let name = metadata.name.as_str();
    if forms::is_label(name) {
        return Vec::new();
    }
    vec![Finding::error(
        "metadata.name",
        format!("`{name}` is not a name"),
        "1 to 63 lower-case letters, digits and hyphens, starting with a letter and not ending with a hyphen",
    )]
}
