//! The order of actions: stable and total, so that the same plan always reads and runs the same.
//!
//! What others refer to comes first, what refers to others is removed first. Tags follow the
//! resources, and removals come last: nothing is taken away before its successor stands.

use crate::model::call::Stage;
use crate::model::plan::{PlannedAction, Reason};

fn stage(action: &PlannedAction) -> Stage {
    let spec = action.call.spec();
    if action.reason == Reason::Undeclared { spec.stage_undeclared } else { spec.stage }
}

/// The actions in order.
pub(super) fn sorted(mut actions: Vec<PlannedAction>) -> Vec<PlannedAction> {
    // The planner walks sorted maps, so what is equal here keeps an order that does not depend on
    // the input's.
    actions.sort_by(|a, b| {
        (stage(a), a.resource.kind, &a.resource.key).cmp(&(stage(b), b.resource.kind, &b.resource.key))
    });
    actions
}
