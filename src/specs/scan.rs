//! One scan of a folder tree, or at a single file.

use super::document::{FileContent, MAX_FILE_BYTES, read, too_large};
use crate::model::finding::{Finding, Place};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

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

/// Files that were read before, so that what did not change is not parsed again, nor even read.
#[derive(Debug, Default)]
pub(super) struct Cache {
    files: BTreeMap<String, Known>,
    /// Scans since every file was read.
    scans: u32,
}

/// A file as it was read.
#[derive(Debug)]
struct Known {
    digest: [u8; 32],
    /// What tells that it is still the same; none while it cannot tell.
    stamp: Option<Stamp>,
    content: Arc<FileContent>,
}

/// After so many scans every file is read, whatever its stamp says: a file server whose clock is
/// behind might make a change look old.
const READ_ALL_AFTER: u32 = 30;

/// A file that was changed so shortly before it was read may change again within the same tick of
/// the file system's clock; so its stamp says nothing yet.
const TICK: Duration = Duration::from_secs(2);

/// What changes with a file, whatever its contents: no program can set the time of the last change
/// of its inode. Source: inode(7), `st_ctime`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    #[cfg(unix)]
    fn of(file: &Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        Some(Self {
            device: file.dev(),
            inode: file.ino(),
            length: file.len(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        })
    }

    #[cfg(not(unix))]
    fn of(_file: &Metadata) -> Option<Self> {
        None
    }

    /// Whether the last change is long enough ago.
    fn is_settled(&self, now: SystemTime) -> bool {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let changed = u64::try_from(self.changed.0.max(self.modified.0)).unwrap_or(u64::MAX);
        Duration::from_secs(changed).saturating_add(TICK) < now
    }
}

/// Reads all documents below `root`, or those of the file `root`.
///
/// Takes `*.yaml`, `*.yml` and `*.json`; leaves out everything that begins with a dot (editors'
/// files, `.git`, the data folders of Kubernetes ConfigMaps) or with `#`. Links are followed; what
/// two paths lead to is read once.
pub fn scan(root: &Path) -> Scan {
    scan_cached(root, &mut Cache::default(), SystemTime::now())
}

/// Like [`scan`], reusing what is in `cache` and leaving in it what was read now. A file that looks
/// untouched since it was read is not read again, but for every thirtieth time.
///
/// `now` is the time of the system's clock, which file systems go by, too.
pub(super) fn scan_cached(root: &Path, cache: &mut Cache, now: SystemTime) -> Scan {
    let old = std::mem::take(cache);
    let new = Cache { scans: (old.scans + 1) % READ_ALL_AFTER, ..Cache::default() };
    let mut walk = Walk { now, scan: Scan::default(), old, new, visited: BTreeSet::new() };
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

struct Walk {
    now: SystemTime,
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
        let known = self.old.files.remove(shown);
        let stamp = known.as_ref().and_then(|known| known.stamp).filter(|_| self.new.scans > 0);
        let known = match contents(path, stamp, self.now) {
            Ok(Contents::Unchanged) => known,
            Ok(Contents::Read(bytes, stamp)) => Some(reread(shown, &bytes, stamp, known)),
            Ok(Contents::TooLarge(bytes)) => return self.broken(shown, too_large(shown, bytes)),
            Err(error) => {
                let mut finding =
                    Finding::error("", format!("the file cannot be read: {}", plain(&error)), "");
                finding.place = Some(Place { file: shown.to_owned(), line: 1, column: 1 });
                return self.broken(shown, finding);
            }
        };
        if let Some(known) = known {
            self.scan.items.insert(shown.to_owned(), Arc::clone(&known.content));
            self.new.files.insert(shown.to_owned(), known);
        }
    }

    fn broken(&mut self, shown: &str, finding: Finding) {
        self.scan.items.insert(shown.to_owned(), Arc::new(FileContent::broken(finding)));
    }
}

/// A file that was read (again): parsed, unless its bytes are those of before.
fn reread(shown: &str, bytes: &[u8], stamp: Option<Stamp>, known: Option<Known>) -> Known {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    let content = match known {
        Some(known) if known.digest == digest => known.content,
        _ => Arc::new(read(shown, bytes)),
    };
    Known { digest, stamp, content }
}

enum Contents {
    /// It has the stamp that was given.
    Unchanged,
    /// With the stamp that tells that it is still the same; none while it cannot tell.
    Read(Vec<u8>, Option<Stamp>),
    TooLarge(u64),
}

/// Reads a file, unless it is unchanged. It is opened in any case: then a network file system asks
/// its server and does not answer from memory.
fn contents(path: &Path, before: Option<Stamp>, now: SystemTime) -> io::Result<Contents> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    let stamp = Stamp::of(&metadata);
    if before.is_some() && before == stamp {
        return Ok(Contents::Unchanged);
    }
    if metadata.len() > MAX_FILE_BYTES {
        return Ok(Contents::TooLarge(metadata.len()));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
    file.read_to_end(&mut bytes)?;
    Ok(Contents::Read(bytes, stamp.filter(|stamp| stamp.is_settled(now))))
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

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs::FileTimes;

    fn documents(scan: &Scan) -> usize {
        scan.items["a.yaml"].documents.len()
    }

    #[test]
    fn what_was_not_touched_is_not_read_again_and_every_change_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        let good = "apiVersion: evenkeel.dev/v1alpha1\nkind: Application\nmetadata: {name: web}\nspec:\n  \
                    placement: {region: eu-west-1, cluster: c}\n  components:\n    web:\n      taskDefinition:\n        \
                    containerDefinitions: [{name: web, image: \"nginx:1\"}]\n      service: {}\n";
        std::fs::write(&path, good).unwrap();
        let mut cache = Cache::default();
        let (at_once, later) = (SystemTime::now(), SystemTime::now() + Duration::from_secs(3600));
        assert_eq!(documents(&scan_cached(folder.path(), &mut cache, at_once)), 1);
        assert_eq!(cache.files["a.yaml"].stamp, None, "it was changed a moment ago");
        scan_cached(folder.path(), &mut cache, later);
        assert!(cache.files["a.yaml"].stamp.is_some());
        // Whoever reads it finds that this is not what is in it.
        let spoil = |cache: &mut Cache| {
            let known = cache.files.get_mut("a.yaml").unwrap();
            (known.digest, known.content) = ([0; 32], Arc::default());
        };
        spoil(&mut cache);
        let unread = |cache: &mut Cache| documents(&scan_cached(folder.path(), cache, later)) == 0;
        let reads = (0..100).filter(|_| {
            let read = !unread(&mut cache);
            spoil(&mut cache);
            read
        });
        assert_eq!(reads.count(), 3, "now and then all are");
        // The same length, and the times that it had before.
        let times = std::fs::metadata(&path).unwrap();
        std::fs::write(&path, good.replace("nginx:1", "nginx:2")).unwrap();
        let times = FileTimes::new().set_modified(times.modified().unwrap());
        File::options().write(true).open(&path).unwrap().set_times(times).unwrap();
        assert!(!unread(&mut cache), "an edit that hides itself");
        std::fs::remove_file(&path).unwrap();
        assert!(scan_cached(folder.path(), &mut cache, later).items.is_empty());
    }
}
