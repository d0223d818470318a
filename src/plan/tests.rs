//! Tests of the room: golden plans, the table, and properties.

mod apply;
mod cases;
mod properties;
mod table;
mod world;
