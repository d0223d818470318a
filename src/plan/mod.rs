//! 4b PLAN: the diff with field ownership. Pure.
