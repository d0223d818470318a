//! Windows: health, metrics.
