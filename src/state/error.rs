//! What can go wrong with records.

/// Why a record could not be kept or found.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What kind of trouble it is.
    pub kind: ErrorKind,
    /// Where: a folder, a file, a table, an item.
    pub place: String,
    message: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Kinds of trouble, by what is to be done about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The place cannot be read or written at present.
    Io,
    /// There is no such place: no controller has kept anything there.
    Missing,
    /// Something is there but is not whole.
    Damaged,
    /// Something was written by a newer Evenkeel.
    TooNew,
    /// Another controller holds the place, or took it over.
    Held,
}

impl Error {
    /// What was tried with a place, and why it did not work.
    pub fn io(
        action: &str,
        place: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        let place = place.into();
        let message = format!("cannot {action} `{place}`");
        Self { kind: ErrorKind::Io, message, place, source: Some(source.into()) }
    }

    /// Something is not whole.
    pub(super) fn damaged(place: impl Into<String>, why: &str) -> Self {
        let place = place.into();
        let message = format!(
            "record `{place}` is damaged: {why}; it is kept aside, and the deployment is recovered from what runs in AWS"
        );
        Self { kind: ErrorKind::Damaged, message, place, source: None }
    }

    /// A request that cannot be used: it is not kept aside, and nothing recovers it.
    pub(super) fn of_request(path: &std::path::Path) -> Self {
        let place = path.display().to_string();
        let message = format!("request `{place}` cannot be used; delete it, and ask again");
        Self { kind: ErrorKind::Damaged, message, place, source: None }
    }

    /// Something has a newer format.
    pub(super) fn too_new(place: impl Into<String>, found: u32, known: u32) -> Self {
        let place = place.into();
        let message = format!(
            "record `{place}` has format {found}, this version reads up to {known}; run the newer version, or move that file away"
        );
        Self { kind: ErrorKind::TooNew, message, place, source: None }
    }

    /// Another controller holds the place.
    pub(super) fn held(place: impl Into<String>) -> Self {
        let place = place.into();
        let message = format!("`{place}` is in use by another controller; two would fight each other");
        Self { kind: ErrorKind::Held, message, place, source: None }
    }

    /// The lease is lost, or was never taken.
    pub(super) fn lost(place: impl Into<String>) -> Self {
        let place = place.into();
        let message = format!(
            "`{place}` is not held by this controller (another one took it over, or it was replaced): nothing is written"
        );
        Self { kind: ErrorKind::Held, message, place, source: None }
    }
}
