//! Service deployments that ECS takes through stages: reading where they are, and answering one
//! that a hook pauses.

use super::shapes::timestamp;
use crate::aws::budget::Category;
use crate::aws::clients::{Clients, PlacementClients, Resend};
use crate::aws::{Error, WriteResult};
use crate::model::observed::Seen;
use crate::model::service_deployment::{ObservedHook, ObservedStage};
use aws_sdk_ecs::types::{
    DeploymentLifecycleHookAction, DeploymentLifecycleHookDetail, DeploymentLifecycleHookStatus,
    ServiceDeployment, ServiceRevisionSummary,
};
use std::collections::BTreeMap;

/// ARNs that DescribeServiceDeployments takes.
pub const DEPLOYMENTS_PER_CALL: usize = 20;

/// Where a service deployment is, and the percent of production traffic that ECS asks for its
/// service revisions, by their ARNs.
#[derive(Clone, Debug)]
pub struct Staged {
    /// Where it is; its target groups are not known yet.
    pub stage: ObservedStage,
    /// Percent by service revision: that of the deployment, and those that it takes the place of.
    pub revisions: BTreeMap<String, f64>,
}

/// Reads where up to [`DEPLOYMENTS_PER_CALL`] service deployments are, by ARN. Those that ECS does
/// not know are absent.
///
/// # Errors
///
/// When the call as a whole failed: nothing is known of any of them.
pub async fn describe_service_deployments(
    clients: &PlacementClients,
    arns: &[String],
) -> Result<BTreeMap<String, Seen<Staged>>, Error> {
    let send = || {
        let call = clients.ecs.describe_service_deployments();
        call.set_service_deployment_arns(Some(arns.to_vec())).send()
    };
    let answer =
        clients.read(Category::EcsServiceDeployments, "ecs:DescribeServiceDeployments", send).await?;
    let mut seen: BTreeMap<String, Seen<Staged>> =
        arns.iter().map(|arn| (arn.clone(), Seen::Absent)).collect();
    for found in answer.service_deployments.unwrap_or_default() {
        let staged = staged(found);
        seen.insert(staged.stage.deployment.clone(), Seen::Present(staged));
    }
    Ok(seen)
}

fn staged(found: ServiceDeployment) -> Staged {
    let strategy = found.deployment_configuration.and_then(|own| own.strategy);
    let target = found.target_service_revision;
    let hooks = found.lifecycle_hook_details.unwrap_or_default();
    let all = found.source_service_revisions.unwrap_or_default().into_iter().chain(target.clone());
    let asked = |revision: ServiceRevisionSummary| {
        Some((revision.arn?, revision.requested_production_traffic_weight?))
    };
    let stage = ObservedStage {
        deployment: found.service_deployment_arn.unwrap_or_default(),
        status: found.status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
        strategy: strategy.map_or_else(|| "ROLLING".to_owned(), |own| own.as_str().to_owned()),
        stage: found.lifecycle_stage.map(|stage| stage.as_str().to_owned()),
        production: target.and_then(|revision| revision.requested_production_traffic_weight),
        asked: Seen::NotRead,
        moves_rule: false,
        hooks: hooks.into_iter().filter_map(hook).collect(),
    };
    Staged { stage, revisions: all.filter_map(asked).collect() }
}

/// A hook that is not over.
fn hook(detail: DeploymentLifecycleHookDetail) -> Option<ObservedHook> {
    let pauses = match detail.status? {
        DeploymentLifecycleHookStatus::AwaitingAction => true,
        DeploymentLifecycleHookStatus::InProgress => false,
        _ => return None,
    };
    Some(ObservedHook {
        id: detail.hook_id?,
        pauses,
        target: detail.target_arn,
        until: timestamp(detail.expires_at),
        then: detail.timeout_action.map(|action| action.as_str().to_owned()),
    })
}

/// Continues a service deployment that a hook pauses, or rolls it back.
///
/// # Errors
///
/// What AWS answers (that the hook waits for nobody any more, say), or that no answer came.
pub async fn continue_service_deployment(
    clients: &Clients<'_>,
    deployment: &str,
    hook: &str,
    rollback: bool,
) -> Result<WriteResult, Error> {
    const OPERATION: &str = "ecs:ContinueServiceDeployment";
    let action = match rollback {
        true => DeploymentLifecycleHookAction::Rollback,
        false => DeploymentLifecycleHookAction::Continue,
    };
    let request = clients.ecs.continue_service_deployment().service_deployment_arn(deployment);
    let request = request.hook_id(hook).action(action);
    let send = || request.clone().send();
    // A hook is answered once: a second call would be refused as if the first had not come about.
    clients.write(Category::EcsServiceWrite, OPERATION, Resend::Never, send).await?;
    Ok(WriteResult::default())
}
