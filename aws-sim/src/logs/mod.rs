//! CloudWatch Logs: groups, streams, events, retention and tags.
//!
//! A stream keeps its newest [`streams::MOST_EVENTS`] events, so that a long run does not grow
//! without end. Events past their group's retention are not shown.

mod events;
mod groups;
mod input;
mod pattern;
mod shapes;
mod streams;
mod tags;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use self::groups::Group;
use crate::ctx::Ctx;
use crate::error::ApiError;

/// All log groups of one account in one region, by name.
#[derive(Debug, Clone, Default)]
pub struct Logs {
    groups: BTreeMap<String, Group>,
}

impl Logs {
    /// Answers one awsJson operation.
    ///
    /// # Errors
    /// The service's own error codes; `UnknownOperationException` for an operation that is not
    /// simulated.
    pub fn handle(&mut self, ctx: &mut Ctx<'_>, op: &str, input: &Value) -> Result<Value, ApiError> {
        let input = &shapes::admit(op, input)?;
        match op {
            "CreateLogGroup" => self.create_group(ctx, input),
            "DescribeLogGroups" => self.describe_groups(input),
            "DeleteLogGroup" => self.delete_group(input),
            "PutRetentionPolicy" => self.put_retention(input),
            "DeleteRetentionPolicy" => self.delete_retention(input),
            "AssociateKmsKey" => self.associate_key(input),
            "DisassociateKmsKey" => self.disassociate_key(input),
            "CreateLogStream" => self.create_stream(ctx, input),
            "DeleteLogStream" => self.delete_stream(input),
            "DescribeLogStreams" => self.describe_streams(input),
            "PutLogEvents" => self.put_events(ctx, input),
            "GetLogEvents" => self.get_events(ctx, input),
            "FilterLogEvents" => self.filter_events(ctx, input),
            "TagResource" => self.tag_resource(input),
            "UntagResource" => self.untag_resource(input),
            "ListTagsForResource" => self.list_tags_for_resource(input),
            "TagLogGroup" => self.tag_group(input),
            "UntagLogGroup" => self.untag_group(input),
            "ListTagsLogGroup" => self.list_tags_group(input),
            other => {
                Err(ApiError::new(400, "UnknownOperationException", format!("Unknown operation: {other}")))
            }
        }
    }

    /// Whether there is a group with this name.
    #[must_use]
    pub fn has_group(&self, name: &str) -> bool {
        self.groups.contains_key(name)
    }

    /// Writes one line as the `awslogs` driver does, making the stream if it is not there. Returns
    /// whether the group exists; without it the line is lost.
    pub fn put(&mut self, now: Timestamp, group: &str, stream: &str, message: &str) -> bool {
        let Some(group) = self.groups.get_mut(group) else { return false };
        let at = now.as_millisecond();
        group.stream_or_new(stream, at).push(at, at, message.to_owned());
        true
    }
}

fn not_found(what: &str) -> ApiError {
    ApiError::new(400, "ResourceNotFoundException", format!("The specified {what} does not exist."))
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "InvalidParameterException", message)
}
