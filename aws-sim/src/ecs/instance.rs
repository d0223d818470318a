//! An EC2 instance that tasks are placed on.

/// A container instance.
#[derive(Debug, Clone)]
pub(super) struct Instance {
    pub(super) arn: String,
    pub(super) ec2_id: String,
}
