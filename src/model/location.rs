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
    fn locations_other_than_files_are_refused_with_what_is_possible() {
        let refused = |text: &str| text.parse::<Location>().unwrap_err();
        assert!(refused("git:https://example.com/specs").contains("file:DIR"));
        assert!(refused("dynamodb:records").contains("file:DIR"));
        for text in ["specs", "file:", "memory:x", ""] {
            assert!(refused(text).contains("file:/etc/evenkeel/specs"), "{text}");
        }
    }
}
