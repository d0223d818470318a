//! Tests of the room: golden plans, the table, the diff, the last door, and properties.

mod apply;
mod calls;
mod cases;
mod diff;
mod lint;
mod properties;
mod table;
mod world;
