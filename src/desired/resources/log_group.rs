//! Log groups. Source: CloudWatch Logs API, CreateLogGroup and PutRetentionPolicy.

use super::{Claim, ResourceType};
use crate::desired::fields::fields_of;
use crate::model::arn::Arn;
use crate::model::desired::{DesiredResource, DesiredState};
use crate::model::finding::{Findings, field_key};
use crate::model::ids::DeploymentName;
use crate::model::kinds::{ApplicationSpec, LogGroup as Declared};
use crate::model::resource::{ResourceId, Tree};

/// Days that CloudWatch Logs can keep events. Source: CloudWatch Logs API, PutRetentionPolicy.
const RETENTION: [i32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

pub(super) struct LogGroup;

impl ResourceType for LogGroup {
    fn lower(&self, _: &DeploymentName, spec: &ApplicationSpec) -> Vec<(String, DesiredResource)> {
        spec.log_groups.iter().map(|(name, group)| (name.clone(), lowered(name, group))).collect()
    }

    fn check(&self, findings: &mut Findings, _: &DeploymentName, spec: &ApplicationSpec) {
        for (name, group) in &spec.log_groups {
            one(findings, name, group);
        }
    }

    /// Several documents may write to one log group, when they agree on it.
    fn claim(&self, _: &DesiredState, id: &ResourceId, fields: &Tree) -> Option<Claim> {
        Some(Claim::shared(format!("log group `{}`", id.key), fields.clone()))
    }
}

fn lowered(name: &str, group: &Declared) -> DesiredResource {
    let mut fields = fields_of(group);
    fields.remove("deletionPolicy");
    fields.insert("logGroupName".to_owned(), name.into());
    DesiredResource { fields: Tree::Object(fields), deletion_policy: group.deletion_policy }
}

fn one(findings: &mut Findings, name: &str, group: &Declared) {
    let field = field_key("spec.logGroups", name);
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-/.#".contains(c);
    if name.is_empty() || name.len() > 512 || !name.chars().all(plain) || name.starts_with("aws/") {
        let help = "1 to 512 letters, digits and _-/.#, not starting with aws/";
        findings.error(&field, format!("`{name}` is not the name of a log group"), help);
    }
    if let Some(days) = group.retention_in_days
        && !RETENTION.contains(&days)
    {
        let allowed: Vec<String> = RETENTION.iter().map(i32::to_string).collect();
        findings.error(
            format!("{field}.retentionInDays"),
            format!("CloudWatch Logs cannot keep events for {days} days"),
            format!("one of {}; leave it out to keep them for ever", allowed.join(", ")),
        );
    }
    if let Some(key) = &group.kms_key_id
        && Arn::parse(key).is_none_or(|arn| arn.service != "kms")
    {
        findings.error(format!("{field}.kmsKeyId"), format!("`{key}` is not the ARN of a KMS key"), "");
    }
}
