//! What a version of a secret holds.

/// What a version holds. `Debug` shows no value.
#[derive(Clone, PartialEq)]
pub(super) enum Content {
    String(String),
    /// In base64, as it travels.
    Binary(String),
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Content({} bytes)", self.len())
    }
}

impl Content {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::String(text) => text.len(),
            Self::Binary(base64) => base64.len() / 4 * 3,
        }
    }
}
