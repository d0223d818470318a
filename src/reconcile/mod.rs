//! The corridor: the walk through the rooms.
