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
    /// When draining ends and the target is gone. `None` while it is registered.
    pub drained_at: Option<Timestamp>,
}

impl Target {
    /// What its health follows from.
    pub(super) fn probed(&self, port: u16) -> Probed<'_> {
        Probed { registered: self.registered, epoch: self.epoch, answers: &self.answers, port }
    }
}
