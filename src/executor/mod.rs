//! 5 ACT: the loop over actions.
