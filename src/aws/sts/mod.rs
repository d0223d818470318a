//! Security Token Service: who are we.
