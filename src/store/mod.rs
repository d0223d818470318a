//! 1 DECLARED: where documents come from.
