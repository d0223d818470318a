//! From a planned call to the function that makes it.

use crate::aws::cloudwatch::write as cloudwatch;
use crate::aws::ecs::{deployments, write as ecs};
use crate::aws::elbv2::write as elb;
use crate::aws::logs::write as logs;
use crate::aws::{Clients, Error, WriteResult};
use crate::model::call::Call;

/// Makes the call. Each arm is one call of AWS with the plan's own parameters.
///
/// # Errors
///
/// AWS refused the call, or gave no answer.
pub(super) async fn send(aws: &Clients<'_>, call: &Call) -> Result<WriteResult, Error> {
    match call {
        Call::CreateLogGroup { name, kms_key_id, tags } => {
            logs::create_log_group(aws, name, kms_key_id.as_deref(), tags).await
        }
        Call::PutRetentionPolicy { name, days } => logs::put_retention_policy(aws, name, *days).await,
        Call::DeleteRetentionPolicy { name } => logs::delete_retention_policy(aws, name).await,
        Call::TagLogGroup { arn, tags } => logs::tag_log_group(aws, arn, tags).await,
        Call::UntagLogGroup { arn, keys } => logs::untag_log_group(aws, arn, keys).await,
        Call::DeleteLogGroup { name } => logs::delete_log_group(aws, name).await,
        Call::CreateTargetGroup { fields, tags } => elb::create_target_group(aws, fields, tags).await,
        Call::ModifyTargetGroup { arn, fields } => elb::modify_target_group(aws, arn, fields).await,
        Call::ModifyTargetGroupAttributes { arn, attributes } => {
            elb::modify_target_group_attributes(aws, arn, attributes).await
        }
        Call::DeleteTargetGroup { arn } => elb::delete_target_group(aws, arn).await,
        Call::DeregisterTargets { arn, targets } => elb::deregister_targets(aws, arn, targets).await,
        Call::CreateListener { fields, tags } => elb::create_listener(aws, fields, tags).await,
        Call::ModifyListener { arn, fields } => elb::modify_listener(aws, arn, fields).await,
        Call::DeleteListener { arn } => elb::delete_listener(aws, arn).await,
        Call::CreateRule { fields, tags } => elb::create_rule(aws, fields, tags).await,
        Call::ModifyRule { arn, fields } => elb::modify_rule(aws, arn, fields).await,
        Call::SetRulePriorities { priorities } => elb::set_rule_priorities(aws, priorities).await,
        Call::DeleteRule { arn } => elb::delete_rule(aws, arn).await,
        Call::TagElb { arn, tags } => elb::add_tags(aws, arn, tags).await,
        Call::UntagElb { arn, keys } => elb::remove_tags(aws, arn, keys).await,
        Call::PutMetricAlarm { fields, tags } => cloudwatch::put_metric_alarm(aws, fields, tags).await,
        Call::TagAlarm { arn, tags } => cloudwatch::tag_alarm(aws, arn, tags).await,
        Call::UntagAlarm { arn, keys } => cloudwatch::untag_alarm(aws, arn, keys).await,
        Call::DeleteAlarm { name } => cloudwatch::delete_alarm(aws, name).await,
        Call::RegisterTaskDefinition { fields, tags, .. } => {
            ecs::register_task_definition(aws, fields, tags).await
        }
        Call::DeregisterTaskDefinition { arn } => ecs::deregister_task_definition(aws, arn).await,
        Call::RunTask { token, fields, tags, .. } => ecs::run_task(aws, token, fields, tags).await,
        Call::StopTask { cluster, arn, reason } => ecs::stop_task(aws, cluster, arn, reason).await,
        Call::CreateService { token, fields, tags, .. } => {
            ecs::create_service(aws, token, fields, tags).await
        }
        Call::UpdateService { fields, .. } => ecs::update_service(aws, fields).await,
        Call::ContinueServiceDeployment { arn, hook, rollback } => {
            deployments::continue_service_deployment(aws, arn, hook, *rollback).await
        }
        Call::DeleteService { cluster, service, force } => {
            ecs::delete_service(aws, cluster, service, *force).await
        }
        Call::TagEcs { arn, tags } => ecs::tag_resource(aws, arn, tags).await,
        Call::UntagEcs { arn, keys } => ecs::untag_resource(aws, arn, keys).await,
    }
}
