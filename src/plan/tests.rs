//! Tests of the layer: golden plans, the table, the diff, the final check, and properties.

mod apply;
mod calls;
mod cases;
mod compare;
mod diff;
mod fixture;
mod lint;
mod order;
mod properties;
mod table;
