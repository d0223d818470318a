//! One target of a target group.

use jiff::Timestamp;

use super::answers::TargetAnswers;
use super::health::{Epoch, Probed};

/// One registered target; its group keys it by id and port.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub registered: Timestamp,
    pub epoch: Epoch,
    pub answers: TargetAnswers,
    pub zone: Option<String>,
    /// Whether ECS registered it.
    pub of_task: bool,
    /// When draining ends and the target is gone. `None` while it is registered.
    pub drained_at: Option<Timestamp>,
}

impl Target {
    /// A target that is registered now.
    pub(super) fn new(now: Timestamp, answers: TargetAnswers, zone: Option<String>, of_task: bool) -> Self {
        Self { registered: now, epoch: Epoch::initial(now), answers, zone, of_task, drained_at: None }
    }

    /// What its health follows from.
    pub(super) fn probed(&self, port: u16) -> Probed<'_> {
        Probed { registered: self.registered, epoch: self.epoch, answers: &self.answers, port }
    }
}
