//! What can go wrong with records.

use std::path::PathBuf;

/// Why a record could not be kept or found.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder or a file in it cannot be read or written.
    #[error("cannot {action} `{path}`")]
    Io {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A file is there but is not a whole record.
    #[error(
        "state file `{path}` is damaged: {why}; it is kept aside, and the deployment is recovered from what runs in AWS"
    )]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A file was written by a newer Evenkeel.
    #[error(
        "state file `{path}` has format {found}, this version reads up to {known}; run the newer version"
    )]
    TooNew {
        /// Which file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that this version reads.
        known: u32,
    },
    /// Another controller works with this folder.
    #[error("state folder `{path}` is in use by another controller; two would fight each other")]
    Locked {
        /// Which folder.
        path: PathBuf,
    },
}
