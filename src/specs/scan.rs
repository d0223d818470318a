//! One scan of a folder tree, or at a single file.

use super::document::{FileContent, MAX_FILE_BYTES, read, too_large};
use crate::model::finding::{Finding, Place};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What one scan found.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// The texts that were found: files by path relative to the root, with `/` between the parts, a
    /// single file by its name.
    pub items: BTreeMap<String, Arc<FileContent>>,
    /// Folders and links that could not be followed.
    pub problems: Vec<Finding>,
    /// Whether something could not be read.
    pub incomplete: bool,
}

/// Files that were read before, so that what did not change is not parsed again.
pub(super) type Cache = BTreeMap<String, (Digested, Arc<FileContent>)>;
type Digested = [u8; 32];

/// Reads all documents below `root`, or those of the file `root`.
///
/// Takes `*.yaml`, `*.yml` and `*.json`; leaves out everything that begins with a dot (editors'
/// files, `.git`, the data folders of Kubernetes ConfigMaps) or with `#`. Links are followed; what
/// two paths lead to is read once.
pub fn scan(root: &Path) -> Scan {
    scan_cached(root, &mut Cache::new())
}

/// Like [`scan`], reusing what is in `cache` and leaving in it what was read now.
pub(super) fn scan_cached(root: &Path, cache: &mut Cache) -> Scan {
    let mut walk = Walk { old: std::mem::take(cache), ..Walk::default() };
    match std::fs::metadata(root) {
        Err(error) => {
            walk.problem(format!("the spec store `{}` cannot be read: {}", root.display(), plain(&error)))
        }
        Ok(metadata) if metadata.is_dir() => walk.folder(root, "", &mut Vec::new()),
        Ok(_) => {
            let name = root.file_name().unwrap_or(root.as_os_str()).to_string_lossy().into_owned();
            let real = root.canonicalize().unwrap_or_else(|_| root.to_owned());
            walk.file(root, &name, real);
        }
    }
    *cache = walk.new;
    walk.scan
}

#[derive(Default)]
struct Walk {
    scan: Scan,
    old: Cache,
    new: Cache,
    /// Real paths of what was visited.
    visited: BTreeSet<PathBuf>,
}

impl Walk {
    fn problem(&mut self, message: String) {
        let help = "nothing counts as removed while it is so";
        self.scan.problems.push(Finding::error("", message, help));
        self.scan.incomplete = true;
    }

    /// Visits a folder; `above` are the real paths of the folders that lead to it.
    fn folder(&mut self, path: &Path, shown: &str, above: &mut Vec<PathBuf>) {
        let label = if shown.is_empty() { path.display().to_string() } else { shown.to_owned() };
        let real = match path.canonicalize() {
            Ok(real) => real,
            Err(error) => {
                return self.problem(format!("the folder `{label}` cannot be read: {}", plain(&error)));
            }
        };
        if above.contains(&real) {
            // What it leads to is being read anyway, so nothing is missed.
            let message = format!("the link `{label}` leads back to a folder that it is in: a loop");
            self.scan.problems.push(Finding::error("", message, "remove the link"));
            return;
        }
        if !self.visited.insert(real.clone()) {
            return;
        }
        let names = match list(path) {
            Ok(names) => names,
            Err(error) => {
                return self.problem(format!("the folder `{label}` cannot be read: {}", plain(&error)));
            }
        };
        above.push(real.clone());
        for (name, is_link) in names {
            let below = if shown.is_empty() { name.clone() } else { format!("{shown}/{name}") };
            // Only a link leads elsewhere than its folder does.
            let place = (!is_link).then(|| real.join(&name));
            self.entry(&path.join(&name), &below, above, place);
        }
        above.pop();
    }

    /// Visits what a name in a folder leads to; `place` is its real path, unless it is a link.
    fn entry(&mut self, path: &Path, shown: &str, above: &mut Vec<PathBuf>, place: Option<PathBuf>) {
        match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => self.folder(path, shown, above),
            Ok(metadata) if metadata.is_file() && is_document_file(path) => {
                let real = place.or_else(|| path.canonicalize().ok()).unwrap_or_else(|| path.to_owned());
                self.file(path, shown, real);
            }
            Ok(_) => {}
            // Between listing and reading it was removed or renamed: the next scan, which that very
            // change brings, sees it right.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !path.is_symlink() => {}
            Err(error) if path.extension().is_none() || is_document_file(path) => {
                self.problem(format!("`{shown}` cannot be followed: {}", plain(&error)));
            }
            Err(_) => {}
        }
    }

    fn file(&mut self, path: &Path, shown: &str, real: PathBuf) {
        if !self.visited.insert(real) {
            return;
        }
        let bytes = match contents(path) {
            Ok(Contents::Read(bytes)) => bytes,
            Ok(Contents::TooLarge(bytes)) => {
                let content = FileContent::broken(too_large(shown, bytes));
                self.scan.items.insert(shown.to_owned(), Arc::new(content));
                return;
            }
            Err(error) => {
                let mut finding =
                    Finding::error("", format!("the file cannot be read: {}", plain(&error)), "");
                finding.place = Some(Place { file: shown.to_owned(), line: 1, column: 1 });
                self.scan.items.insert(shown.to_owned(), Arc::new(FileContent::broken(finding)));
                return;
            }
        };
        let digest: Digested = Sha256::digest(&bytes).into();
        let content = match self.old.remove(shown) {
            Some((known, content)) if known == digest => content,
            _ => Arc::new(read(shown, &bytes)),
        };
        self.new.insert(shown.to_owned(), (digest, content.clone()));
        self.scan.items.insert(shown.to_owned(), content);
    }
}

enum Contents {
    Read(Vec<u8>),
    TooLarge(u64),
}

fn contents(path: &Path) -> io::Result<Contents> {
    let bytes = std::fs::metadata(path)?.len();
    if bytes > MAX_FILE_BYTES {
        return Ok(Contents::TooLarge(bytes));
    }
    std::fs::read(path).map(Contents::Read)
}

/// The names in a folder that may lead to documents, sorted, each with whether it is a link.
fn list(path: &Path) -> io::Result<Vec<(String, bool)>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with(['.', '#']) {
            // Where the file system does not say, it may be one.
            names.push((name, entry.file_type().map_or(true, |kind| kind.is_symlink())));
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Whether a file holds documents, by its extension; that leaves out `web.yaml~`, `web.yaml.swp`,
/// `web.yaml.tmp`, `4913`.
fn is_document_file(path: &Path) -> bool {
    matches!(path.extension().and_then(OsStr::to_str), Some("yaml" | "yml" | "json"))
}

/// An I/O error without the number of the operating system.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}
