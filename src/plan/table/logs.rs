//! Rows of log groups. Source: CloudWatch Logs API, CreateLogGroup and PutRetentionPolicy.

use super::{Absent, Carrier, Class, Compare, Effect, Row};
use crate::model::resource::ResourceKind;

const fn row(path: &'static str, doc: &'static str) -> Row {
    Row::new(ResourceKind::LogGroup, Carrier::RetentionPolicy, path, doc)
}

pub(super) const LOG_GROUP: &[Row] = &[
    row("logGroupName", "finds the group").identity(),
    Row {
        absent: Absent::Nothing,
        ..row("retentionInDays", "absent keeps events for ever").compare(Compare::Text)
    },
    row("kmsKeyId", "set at creation only, so that nobody loses access to old events")
        .class(Class::DelegatedUnlessDeclared)
        .compare(Compare::NameOrArn)
        .carrier(Carrier::Creation)
        .effect(Effect::Impossible),
    row("deletionPolicy", "what happens when the group is no longer declared").setting(),
    row("tags", "declared tags and Evenkeel's own").compare(Compare::DeclaredKeys).carrier(Carrier::Tag),
];
