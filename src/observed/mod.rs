//! 3 OBSERVED: what AWS shows.
