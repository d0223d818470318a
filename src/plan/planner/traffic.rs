//! Where traffic flows.
use super::Draft;
use crate::model::observed::ObservedService;
use crate::model::plan::WaitingOn;

pub(super) fn still_sent_to(_draft: &Draft<'_>, _service: &ObservedService) -> Option<WaitingOn> {
    None
}
