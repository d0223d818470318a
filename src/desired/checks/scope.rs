//! A task definition as the checks of its parts see it.

use crate::model::kinds::ApplicationSpec;
use crate::model::kinds::task_definition::TaskDefinition;

/// What the parts of a task definition need to know about the whole.
pub(super) struct Scope<'a> {
    pub(super) spec: &'a ApplicationSpec,
    pub(super) definition: &'a TaskDefinition,
    pub(super) fargate: bool,
    pub(super) mode: &'a str,
}
