//! Writes: one function per call.
