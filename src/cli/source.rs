//! Documents from files that are named on the command line.

use crate::model::finding::Finding;
use crate::specs::{self, FileContent};
use anyhow::{Context, bail};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// What some paths hold.
#[derive(Default)]
pub(super) struct Given {
    /// By file, as it is shown.
    pub files: Vec<(String, Arc<FileContent>)>,
    /// What is wrong with folders.
    pub problems: Vec<Finding>,
}

/// Reads files and folders; `-` is stdin.
///
/// # Errors
///
/// When a path cannot be read at all, or when none of them holds a document.
pub(super) fn read(paths: &[String]) -> anyhow::Result<Given> {
    let mut given = Given::default();
    for path in paths {
        if path == "-" {
            let content = contents("stdin", std::io::stdin().lock()).context("cannot read stdin")?;
            given.files.push(("stdin".to_owned(), content));
            continue;
        }
        let metadata = std::fs::metadata(path).with_context(|| format!("cannot read {path}"))?;
        if metadata.is_dir() {
            let scan = specs::scan(Path::new(path));
            given.problems.extend(scan.problems);
            let folder = path.trim_end_matches('/');
            let files = scan.items.into_iter().map(|(file, content)| (format!("{folder}/{file}"), content));
            given.files.extend(files);
        } else {
            let read = std::fs::File::open(path).and_then(|file| contents(path, file));
            given.files.push((path.clone(), read.with_context(|| format!("cannot read {path}"))?));
        }
    }
    let is_nothing = |content: &FileContent| content.documents.is_empty() && content.refused.is_empty();
    if given.problems.is_empty() && given.files.iter().all(|(_, content)| is_nothing(content)) {
        bail!("there is no document in {}", paths.join(", "));
    }
    Ok(given)
}

/// What a stream holds, which may have no end: no more is read than a document may have.
fn contents(shown: &str, stream: impl Read) -> std::io::Result<Arc<FileContent>> {
    let mut bytes = Vec::new();
    stream.take(specs::MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(Arc::new(specs::read(shown, &bytes)))
}

/// Findings as they are shown for `file`: those of a folder's files are placed below the folder.
pub(super) fn shown(file: &str, finding: &Finding) -> String {
    placed(file, finding).to_string()
}

/// A finding in `file`.
pub(super) fn placed(file: &str, finding: &Finding) -> Finding {
    let mut finding = finding.clone();
    if let Some(place) = &mut finding.place {
        file.clone_into(&mut place.file);
    }
    finding
}
