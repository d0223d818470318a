//! Reads: descriptions only, never values.
