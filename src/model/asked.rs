//! What AWS was asked to make, and where it would be.

use super::arn::{cluster_name, service_arn};
use super::call::Call;
use super::resource::{ResourceId, Tree};
use super::resource_record::SHOWN_WITHIN;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One thing that AWS was asked to make. It is kept before the call is sent and until AWS said what
/// came of it, or would show it: when no answer comes, and the thing is declared no longer a moment
/// later, nothing else leads to it. That it is there says nothing of whose it is; its tags do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// The key that it was declared under.
    pub resource: ResourceId,
    /// Where it would be found.
    pub place: Place,
    /// Region in which it would be found.
    pub region: String,
    /// When it was asked for.
    pub at: Timestamp,
}

/// By what something is found of which no ARN is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Place {
    /// A log group, target group or alarm, by its name.
    Named {
        /// The name.
        name: String,
    },
    /// A listener.
    Port {
        /// ARN of its load balancer.
        load_balancer: String,
        /// Its port.
        port: i64,
    },
    /// A rule.
    Priority {
        /// ARN of its listener.
        listener: String,
        /// Its priority.
        priority: i64,
    },
    /// A service.
    Service {
        /// The ARN that it must have.
        arn: String,
    },
    /// A task.
    Task {
        /// Name of its cluster.
        cluster: String,
        /// Its `startedBy`, which no other has.
        token: String,
    },
}

impl Place {
    /// Where a call makes something, given the ARN of the cluster; none when it makes nothing, or
    /// nothing that is found by a place: a registration is found by its family.
    pub fn of(call: &Call, cluster_arn: &str) -> Option<Self> {
        let text = |fields: &Tree, name: &str| fields[name].as_str().map(str::to_owned);
        match call {
            Call::CreateLogGroup { name, .. } => Some(Self::Named { name: name.clone() }),
            Call::CreateTargetGroup { fields, .. } => Some(Self::Named { name: text(fields, "name")? }),
            Call::PutMetricAlarm { fields, .. } => Some(Self::Named { name: text(fields, "alarmName")? }),
            Call::CreateListener { fields, .. } => Some(Self::Port {
                load_balancer: text(fields, "loadBalancerArn")?,
                port: fields["port"].as_i64()?,
            }),
            Call::CreateRule { fields, .. } => Some(Self::Priority {
                listener: text(fields, "listenerArn")?,
                priority: fields["priority"].as_i64()?,
            }),
            Call::CreateService { fields, .. } => {
                Some(Self::Service { arn: service_arn(cluster_arn, fields["serviceName"].as_str()?)? })
            }
            Call::RunTask { token, .. } => {
                Some(Self::Task { cluster: cluster_name(cluster_arn).to_owned(), token: token.clone() })
            }
            Call::PutRetentionPolicy { .. }
            | Call::DeleteRetentionPolicy { .. }
            | Call::TagLogGroup { .. }
            | Call::UntagLogGroup { .. }
            | Call::DeleteLogGroup { .. }
            | Call::ModifyTargetGroup { .. }
            | Call::ModifyTargetGroupAttributes { .. }
            | Call::DeleteTargetGroup { .. }
            | Call::DeregisterTargets { .. }
            | Call::ModifyListener { .. }
            | Call::DeleteListener { .. }
            | Call::ModifyRule { .. }
            | Call::DeleteRule { .. }
            | Call::SetRulePriorities { .. }
            | Call::TagElb { .. }
            | Call::UntagElb { .. }
            | Call::RegisterTaskDefinition { .. }
            | Call::DeregisterTaskDefinition { .. }
            | Call::TagEcs { .. }
            | Call::UntagEcs { .. }
            | Call::StopTask { .. }
            | Call::UpdateService { .. }
            | Call::ContinueServiceDeployment { .. }
            | Call::DeleteService { .. }
            | Call::TagAlarm { .. }
            | Call::UntagAlarm { .. }
            | Call::DeleteAlarm { .. } => None,
        }
    }
}

impl Asked {
    /// Whether something of this ARN is what was asked for, as far as an ARN tells.
    pub fn is_found(&self, arn: &str) -> bool {
        match &self.place {
            Place::Named { name } => {
                let ends =
                    [":log-group:", ":alarm:"].iter().any(|before| arn.ends_with(&format!("{before}{name}")));
                ends || arn.contains(&format!(":targetgroup/{name}/"))
            }
            Place::Service { arn: expected } => arn == expected,
            Place::Port { .. } | Place::Priority { .. } | Place::Task { .. } => false,
        }
    }

    /// Whether AWS need not show it yet. A clock that was set back does not make it so for ever.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        now.duration_since(self.at).abs() < SHOWN_WITHIN
    }
}
