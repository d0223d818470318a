//! The order of actions: stable and total, so that the same plan always reads and runs the same.
//!
//! What others refer to comes first, what refers to others is removed first. Tags follow the
//! resources, and removals come last: nothing is taken away before its successor stands.

use crate::model::plan::{Call, PlannedAction, Reason};

/// Stage, then step within the stage.
fn rank(action: &PlannedAction) -> (u8, u8) {
    match &action.call {
        // On the way out a service is scaled down after the traffic is gone.
        Call::UpdateService { .. } if action.reason == Reason::Undeclared => (8, 3),
        Call::StopTask { .. } if action.reason == Reason::Undeclared => (8, 4),
        Call::CreateLogGroup { .. } => (0, 0),
        Call::PutRetentionPolicy { .. } | Call::DeleteRetentionPolicy { .. } => (0, 1),
        Call::CreateTargetGroup { .. } => (1, 0),
        Call::ModifyTargetGroup { .. } => (1, 1),
        Call::ModifyTargetGroupAttributes { .. } => (1, 2),
        Call::CreateListener { .. } => (2, 0),
        Call::ModifyListener { .. } => (2, 1),
        Call::CreateRule { .. } => (3, 0),
        Call::ModifyRule { .. } => (3, 1),
        Call::RegisterTaskDefinition { .. } => (4, 0),
        Call::StopTask { .. } => (5, 0),
        Call::RunTask { .. } => (5, 1),
        Call::CreateService { .. } => (6, 0),
        Call::UpdateService { .. } => (6, 1),
        Call::TagLogGroup { .. } | Call::TagElb { .. } | Call::TagEcs { .. } => (7, 0),
        Call::DeregisterTargets { .. } => (8, 0),
        Call::DeleteRule { .. } => (8, 1),
        Call::DeleteListener { .. } => (8, 2),
        Call::DeleteService { .. } => (8, 3),
        Call::DeleteTargetGroup { .. } => (8, 5),
        Call::DeregisterTaskDefinition { .. } => (8, 6),
        Call::DeleteLogGroup { .. } => (8, 7),
    }
}

/// The actions in order.
pub(super) fn sorted(mut actions: Vec<PlannedAction>) -> Vec<PlannedAction> {
    // The planner walks sorted maps, so what is equal here keeps an order that does not depend on
    // the input's.
    actions.sort_by(|a, b| {
        (rank(a), a.resource.kind, &a.resource.key).cmp(&(rank(b), b.resource.kind, &b.resource.key))
    });
    actions
}
