//! Checks.
use crate::model::finding::Finding;
use crate::model::ids::DeploymentName;
use crate::model::kinds::ApplicationSpec;

pub(super) fn is_label(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    name.len() <= 63
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-')
        && name.chars().all(plain)
}

pub(super) fn application(_: &DeploymentName, _: &ApplicationSpec) -> Vec<Finding> {
    Vec::new()
}
