//! What is to be said of a document beside what it declares.

/// Something that is to be said of a field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Note {
    /// The field, as findings name it; it need not be in the document.
    pub(super) field: String,
    /// What is to be said: sentences.
    pub(super) message: String,
    /// Whether it is said on stderr, too.
    pub(super) warns: bool,
}

impl Note {
    /// What a person has to know.
    pub(super) fn warning(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into(), warns: true }
    }
}
