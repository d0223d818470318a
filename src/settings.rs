//! Flags, environment and files, read once.
