//! Windows: one file per ctl command.
