//! Sentences about steps.
