//! Tests of the windows.
