//! Sentences about status.
