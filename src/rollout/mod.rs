//! 4a STEP: the stage machine. Pure.
