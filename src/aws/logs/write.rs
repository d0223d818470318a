//! Writes: one function per call.

use crate::aws::budget::Category::LogsWrite;
use crate::aws::clients::Resend;
use crate::aws::write_result::{WriteResult, deleted_or_absent};
use crate::aws::{Clients, Error};
use std::collections::{BTreeMap, BTreeSet};

/// Creates a log group with its tags. Not sent twice: AWS would answer the second one with
/// ResourceAlreadyExists.
///
/// # Errors
///
/// What AWS answers, or that no answer came.
pub async fn create_log_group(
    clients: &Clients<'_>,
    name: &str,
    kms_key_id: Option<&str>,
    tags: &BTreeMap<String, String>,
) -> Result<WriteResult, Error> {
    let request = clients.logs.create_log_group().log_group_name(name);
    let request = request.set_kms_key_id(kms_key_id.map(str::to_owned));
    let request = request.set_tags((!tags.is_empty()).then(|| tags.clone().into_iter().collect()));
    clients.write(LogsWrite, "logs:CreateLogGroup", Resend::Never, || request.clone().send()).await?;
    Ok(WriteResult::default())
}

/// Sets how many days events are kept.
///
/// # Errors
///
/// What AWS answers, or that no answer came.
pub async fn put_retention_policy(
    clients: &Clients<'_>,
    name: &str,
    days: i32,
) -> Result<WriteResult, Error> {
    let request = clients.logs.put_retention_policy().log_group_name(name).retention_in_days(days);
    clients.write(LogsWrite, "logs:PutRetentionPolicy", Resend::Harmless, || request.clone().send()).await?;
    Ok(WriteResult::default())
}

/// Keeps events for ever.
///
/// # Errors
///
/// What AWS answers, or that no answer came.
pub async fn delete_retention_policy(clients: &Clients<'_>, name: &str) -> Result<WriteResult, Error> {
    let request = clients.logs.delete_retention_policy().log_group_name(name);
    clients
        .write(LogsWrite, "logs:DeleteRetentionPolicy", Resend::Harmless, || request.clone().send())
        .await?;
    Ok(WriteResult::default())
}

/// Adds tags. Takes both forms of a log group's ARN; TagResource wants the one without the final
/// `:*`. Source: CloudWatch Logs API, LogGroup (`arn` and `logGroupArn`).
///
/// # Errors
///
/// What AWS answers, or that no answer came.
pub async fn tag_log_group(
    clients: &Clients<'_>,
    arn: &str,
    tags: &BTreeMap<String, String>,
) -> Result<WriteResult, Error> {
    let request = clients.logs.tag_resource().resource_arn(arn.strip_suffix(":*").unwrap_or(arn));
    let request = request.set_tags(Some(tags.clone().into_iter().collect()));
    clients.write(LogsWrite, "logs:TagResource", Resend::Harmless, || request.clone().send()).await?;
    Ok(WriteResult::default())
}

/// Takes tags off. Takes both forms of a log group's ARN, as [`tag_log_group`] does.
///
/// # Errors
///
/// What AWS answers, or that no answer came.
pub async fn untag_log_group(
    clients: &Clients<'_>,
    arn: &str,
    keys: &BTreeSet<String>,
) -> Result<WriteResult, Error> {
    let request = clients.logs.untag_resource().resource_arn(arn.strip_suffix(":*").unwrap_or(arn));
    let request = request.set_tag_keys(Some(keys.iter().cloned().collect()));
    clients.write(LogsWrite, "logs:UntagResource", Resend::Harmless, || request.clone().send()).await?;
    Ok(WriteResult::default())
}

/// Deletes a log group with all its events.
///
/// # Errors
///
/// What AWS answers, or that no answer came; that it is not there is none.
pub async fn delete_log_group(clients: &Clients<'_>, name: &str) -> Result<WriteResult, Error> {
    let request = clients.logs.delete_log_group().log_group_name(name);
    deleted_or_absent(
        clients.write(LogsWrite, "logs:DeleteLogGroup", Resend::Harmless, || request.clone().send()).await,
    )
}
