//! Log groups. Source: CloudWatch Logs API, CreateLogGroup and PutRetentionPolicy.

use super::{Change, ResourceType};
use crate::model::call::{Call, Verb};
use crate::model::observed::ObservedResource;
use crate::model::resource::{ResourceId, ResourceKind, Tree};
use crate::plan::row::{Absent, Class, Compare, Effect, Row, UpdateCall};
use std::collections::{BTreeMap, BTreeSet};

const fn row(path: &'static str, doc: &'static str) -> Row {
    Row::new(ResourceKind::LogGroup, UpdateCall::RetentionPolicy, path, doc)
}

const ROWS: &[Row] = &[
    row("logGroupName", "finds the group").identity(),
    Row {
        absent: Absent::Nothing,
        ..row("retentionInDays", "absent keeps events for ever").compare(Compare::Text)
    },
    row("kmsKeyId", "set at creation only, so that nobody loses access to old events")
        .class(Class::DelegatedUnlessDeclared)
        .compare(Compare::NameOrArn)
        .update_call(UpdateCall::Creation)
        .effect(Effect::Impossible),
    row("deletionPolicy", "what happens when the group is no longer declared").setting(),
    row("tags", "declared tags and Evenkeel's own")
        .compare(Compare::DeclaredKeys)
        .update_call(UpdateCall::Tag),
];

pub(in crate::plan) struct LogGroup;

impl ResourceType for LogGroup {
    fn rows(&self) -> &'static [Row] {
        ROWS
    }

    fn described(&self, id: &ResourceId, group: &ObservedResource) -> String {
        format!("log group `{}`", name(id, &group.fields))
    }

    fn create(&self, id: &ResourceId, fields: &Tree, tags: BTreeMap<String, String>) -> Vec<(Verb, Call)> {
        let name = name(id, fields);
        let kms_key_id = fields["kmsKeyId"].as_str().map(str::to_owned);
        let create = Call::CreateLogGroup { name: name.clone(), kms_key_id, tags };
        let retention = days(fields).map(|days| (Verb::Update, Call::PutRetentionPolicy { name, days }));
        [(Verb::Create, create)].into_iter().chain(retention).collect()
    }

    fn update(&self, with: UpdateCall, change: &Change<'_>) -> Option<Call> {
        let name = name(change.id, change.fields);
        (with == UpdateCall::RetentionPolicy).then(|| match days(change.fields) {
            Some(days) => Call::PutRetentionPolicy { name, days },
            None => Call::DeleteRetentionPolicy { name },
        })
    }

    fn warns(&self, id: &ResourceId, fields: &Tree, observed: &Tree) -> Option<String> {
        if is_by_policy(observed) {
            let policy = observed["retentionPolicyName"].as_str().unwrap_or_default();
            return (days(fields) != days(observed)).then(|| {
                format!(
                    "how long its events are kept is told by the account's retention policy `{policy}`, which stands above what the \
                     document says; it is left alone"
                )
            });
        }
        let fewer = days(fields).filter(|days| self::days(observed).is_none_or(|before| *days < before))?;
        Some(format!("with {fewer} days AWS deletes the older events of {} for good", name(id, fields)))
    }

    fn left_to_others(&self, observed: &Tree) -> &'static [&'static str] {
        if is_by_policy(observed) { &["retentionInDays"] } else { &[] }
    }

    fn tag(&self, arn: String, tags: BTreeMap<String, String>) -> Call {
        Call::TagLogGroup { arn, tags }
    }

    fn untag(&self, arn: String, keys: BTreeSet<String>) -> Call {
        Call::UntagLogGroup { arn, keys }
    }

    fn delete(&self, id: &ResourceId, _: &ObservedResource) -> Call {
        Call::DeleteLogGroup { name: id.key.clone() }
    }
}

/// Whether a retention policy of the account says how long events are kept; then the days that are
/// shown are its own. Source: CloudWatch Logs API, LogGroup.retentionPolicyName.
fn is_by_policy(observed: &Tree) -> bool {
    observed["retentionPolicyName"].is_string()
}

fn name(id: &ResourceId, fields: &Tree) -> String {
    fields["logGroupName"].as_str().unwrap_or(&id.key).to_owned()
}

fn days(fields: &Tree) -> Option<i32> {
    fields["retentionInDays"].as_i64().and_then(|days| i32::try_from(days).ok())
}
