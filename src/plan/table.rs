//! The ownership table: one row for every field that Evenkeel can write.
//!
//! The table drives the diff, the repair, the words of `ctl plan` and the documentation
//! ([`markdown`]). A field that is absent on one side is first given the meaning that its row
//! states, so that a spelled-out default and an absent one agree.
//!
//! # What is done about drift, field by field
//!
//! Measured by `tests/it/matrix` on a controller at work and the simulated AWS: *repaired* is
//! written back in the pass that sees it, and reported; *reported* is reported and never fought;
//! *left* is neither reported nor written.
//!
#![doc = include_str!("ownership/log-group.md")]
#![doc = include_str!("ownership/target-group.md")]
#![doc = include_str!("ownership/listener.md")]
#![doc = include_str!("ownership/rule.md")]
#![doc = include_str!("ownership/alarm.md")]
#![doc = include_str!("ownership/task-definition.md")]
#![doc = include_str!("ownership/task.md")]
#![doc = include_str!("ownership/service.md")]

mod service;
mod task_definition;

pub use super::row::{Absent, Class, Compare, Effect, Inside, Row, UpdateCall};

use super::resources::{self, ResourceType};
use crate::model::resource::{Part, ResourceKind};

/// The rows of one kind.
pub fn rows(kind: ResourceKind) -> &'static [Row] {
    match kind.part() {
        Part::Resource => resources::of(kind).map_or(&[], ResourceType::rows),
        Part::TaskDefinition => task_definition::TASK_DEFINITION,
        Part::Task => service::TASK,
        Part::Service => service::SERVICE,
    }
}

/// The row that a concrete or schematic path belongs to: the one that equals it or stands above it.
pub fn row_for(kind: ResourceKind, path: &str) -> Option<&'static Row> {
    let path = without_keys(path);
    rows(kind).iter().find(|row| {
        path.strip_prefix(row.path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || rest.starts_with('['))
    })
}

/// `containerDefinitions[web].image` as `containerDefinitions[].image`.
fn without_keys(path: &str) -> String {
    let mut plain = String::with_capacity(path.len());
    let mut inside = false;
    for letter in path.chars() {
        match letter {
            '[' => inside = true,
            ']' => inside = false,
            _ if inside => continue,
            _ => {}
        }
        plain.push(letter);
    }
    plain
}

/// The rows of one kind as Markdown, for the documentation, with further columns after the owner.
pub fn markdown(kind: ResourceKind, columns: &[&str], cells: impl Fn(&Row) -> Vec<String>) -> String {
    let line = |cells: &[&str]| format!("| {} |\n", cells.join(" | "));
    let names = [&["field", "owner"], columns, &["compared", "carried by", "effect", ""]].concat();
    let mut text = line(&names) + &line(&vec!["---"; names.len()]);
    for row in rows(kind) {
        let path = format!("`{}`", row.path);
        let further = cells(row);
        let further: Vec<&str> = further.iter().map(String::as_str).collect();
        let (compare, carrier, effect) = (row.compare.words(), row.update_call.words(), row.effect.words());
        let own = [path.as_str(), row.class.words()];
        text += &line(&[&own, further.as_slice(), &[compare, carrier, effect, row.doc]].concat());
    }
    text
}
