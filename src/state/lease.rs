//! The right to write records, and with them AWS.

use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// One controller's right to write. Clones are the same one.
///
/// Its token is greater than that of every lease before it: a store refuses what is written under a
/// token when it knows a greater one.
#[derive(Clone, Debug)]
pub struct Lease {
    term: Term,
    lost: Arc<AtomicBool>,
}

/// Who holds a store, as it is kept beside the records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Term {
    /// For people who ask who it is.
    pub holder: String,
    /// Only grows.
    pub token: u64,
}

impl Lease {
    /// The lease that follows one with the given token.
    pub(super) fn after(token: u64, holder: &str) -> Self {
        let term = Term { holder: holder.to_owned(), token: token.saturating_add(1) };
        Self { term, lost: Arc::default() }
    }

    pub(super) fn term(&self) -> &Term {
        &self.term
    }

    /// Who holds it, for people.
    pub fn holder(&self) -> &str {
        &self.term.holder
    }

    /// The number that every later lease exceeds.
    pub fn token(&self) -> u64 {
        self.term.token
    }

    /// Whether it is not known to be lost.
    pub fn holds(&self) -> bool {
        !self.lost.load(Ordering::Acquire)
    }

    /// What the store just saw of it.
    pub(super) fn seen(&self, holds: bool) {
        self.lost.store(!holds, Ordering::Release);
    }
}
