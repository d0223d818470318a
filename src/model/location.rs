//! Where documents or records are kept.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A place that documents or records are kept in, as a flag names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// `file:DIR`: a folder; for documents also one file.
    File(PathBuf),
    /// `memory:`: nowhere. Empty at the start and gone with the process, as a test wants it, or a
    /// plan for an account in which nothing was ever recorded.
    Memory,
}

impl Location {
    /// The folder or file, where it is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Memory => None,
        }
    }

    /// Whether one of two is inside of the other, or both are the same: what is written into the
    /// one would be read from the other.
    pub fn overlaps(&self, other: &Self) -> bool {
        let (Some(one), Some(other)) = (self.path(), other.path()) else { return false };
        match (real(one), real(other)) {
            (Some(one), Some(other)) => one.starts_with(&other) || other.starts_with(&one),
            _ => false,
        }
    }
}

/// A path without links, as far as it exists.
fn real(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    let real = |above: &Path| Some(above.canonicalize().ok()?.join(path.strip_prefix(above).ok()?));
    path.ancestors().find_map(real)
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Memory => f.write_str("memory:"),
        }
    }
}

impl FromStr for Location {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(PathBuf::from(path))),
            Some(("memory", "")) => Ok(Self::Memory),
            Some(("git" | "dynamodb", _)) => {
                Err("this version keeps documents and records in files only: file:DIR".to_owned())
            }
            _ => Err("expected file:DIR, such as file:/etc/evenkeel/specs".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_reads_as_it_is_written() {
        for text in ["file:specs", "file:/var/lib/evenkeel", "memory:"] {
            assert_eq!(text.parse::<Location>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_location_overlaps_what_it_is_in_and_what_is_in_it() {
        let at = |text: &str| text.parse::<Location>().unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("specs")).unwrap();
        std::os::unix::fs::symlink(folder.path().join("specs"), folder.path().join("link")).unwrap();
        let below = |name: &str| at(&format!("file:{}/{name}", folder.path().display()));
        for (one, other, expected) in [
            ("specs", "specs", true),
            ("specs", "specs/state", true),
            ("", "specs", true),
            ("link", "specs", true),
            ("specs", "state", false),
            ("specs", "specs-state", false),
        ] {
            assert_eq!(below(one).overlaps(&below(other)), expected, "{one}, {other}");
            assert_eq!(below(other).overlaps(&below(one)), expected, "{other}, {one}");
        }
        assert!(!at("memory:").overlaps(&at("memory:")));
    }

    #[test]
    fn locations_other_than_files_are_refused_with_what_is_possible() {
        let refused = |text: &str| text.parse::<Location>().unwrap_err();
        assert!(refused("git:https://example.com/specs").contains("file:DIR"));
        assert!(refused("dynamodb:records").contains("file:DIR"));
        for text in ["specs", "file:", "memory:x", ""] {
            assert!(refused(text).contains("file:/etc/evenkeel/specs"), "{text}");
        }
    }
}
