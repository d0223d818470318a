//! Amounts of CPU and memory as task definitions write them.

use crate::model::kinds::task_definition::Units;

/// The memory of a task in MiB, if it is an amount.
pub(super) fn in_mib(memory: &Units) -> Option<u32> {
    in_units(memory, "gb")
}

/// Units or MiB of a written amount.
pub(super) fn in_units(units: &Units, unit: &str) -> Option<u32> {
    let lower = units.0.trim().to_ascii_lowercase();
    match lower.strip_suffix(unit) {
        Some(amount) => {
            let amount = amount.trim().parse::<f64>().ok()? * 1024.0;
            format!("{amount:.0}").parse().ok()
        }
        None => lower.parse().ok(),
    }
}
