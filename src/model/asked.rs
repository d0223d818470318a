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
    /// Where a call makes something; none when it makes nothing, or nothing that is found by a
    /// place: a registration is found by its family.
    pub fn of(call: &Call) -> Option<Self> {
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
                let [definition, cluster, name] =
                    ["taskDefinition", "cluster", "serviceName"].map(|field| fields[field].as_str());
                Some(Self::Service { arn: service_arn(definition?, cluster?, name?)? })
            }
            Call::RunTask { fields, token, .. } => {
                let cluster = cluster_name(fields["cluster"].as_str()?).to_owned();
                Some(Self::Task { cluster, token: token.clone() })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::ComponentName;
    use serde_json::json;
    use std::collections::BTreeMap;

    /// What a pass saw of the cluster is no part of it: light passes do not look.
    #[test]
    fn a_call_alone_tells_where_a_service_and_a_task_would_be() {
        let (before, tags) = ("arn:aws:ecs:eu-west-1:1", BTreeMap::new());
        for cluster in ["main".to_owned(), format!("{before}:cluster/main")] {
            let definition = format!("{before}:task-definition/web:1");
            let fields = json!({"cluster": cluster, "serviceName": "web", "taskDefinition": definition});
            let (component, token) = (ComponentName::new("web"), "evk-1".to_owned());
            let run = Call::RunTask {
                component: component.clone(),
                token: token.clone(),
                forever: false,
                fields: fields.clone(),
                tags: tags.clone(),
            };
            assert_eq!(
                Place::of(&run),
                Some(Place::Task { cluster: "main".to_owned(), token: token.clone() })
            );
            let create = Call::CreateService { component, token, fields, tags: tags.clone() };
            let arn = format!("{before}:service/main/web");
            assert_eq!(Place::of(&create), Some(Place::Service { arn }));
        }
    }
}
