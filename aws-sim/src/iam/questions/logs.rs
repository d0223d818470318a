//! CloudWatch Logs: "Actions, resources, and condition keys for Amazon CloudWatch Logs".

use super::{Asking, Tags, names};
use crate::{fields::Fields, iam::question::Question};

pub(super) fn of(asking: &Asking<'_>, action: &str) -> Option<Vec<Question>> {
    let input = asking.input;
    let given: Tags = input["tags"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect();
    match asking.operation {
        "CreateLogGroup" => {
            let arn = group(asking, input.text("logGroupName")?);
            let mut asked = vec![Question::new(action, format!("{arn}:log-stream:")).giving(&given)];
            if !given.is_empty() {
                // API reference, CreateLogGroup: "To assign tags to the log group when it is
                // created, you must have either the logs:TagResource or logs:TagLogGroup
                // permission"; the second is on its way out and not asked for here.
                asked.push(Question::new("logs:TagResource", arn).giving(&given));
            }
            Some(asked)
        }
        "TagResource" => Some(vec![about(asking, action, input.text("resourceArn")?).giving(&given)]),
        "UntagResource" => {
            let keys = names(input, "tagKeys");
            Some(vec![about(asking, action, input.text("resourceArn")?).naming(keys)])
        }
        "ListTagsForResource" => Some(vec![about(asking, action, input.text("resourceArn")?)]),
        "DescribeLogGroups" => {
            Some(vec![Question::new(action, asking.arn("logs", "log-group::log-stream:"))])
        }
        // Live errors about groups that are named end like this: "on resource: arn:aws:logs:…:
        // log-group:NAME:log-stream:".
        _ => {
            let name = input.text("logGroupName")?;
            let mut question = about(asking, action, &group(asking, name));
            question.resource.push_str(":log-stream:");
            question.resource.push_str(input.text("logStreamName").unwrap_or_default());
            Some(vec![question])
        }
    }
}

fn group(asking: &Asking<'_>, name: &str) -> String {
    asking.arn("logs", &format!("log-group:{name}"))
}

fn about(asking: &Asking<'_>, action: &str, arn: &str) -> Question {
    let none = Tags::new();
    let tags = asking.region.logs.tags_at(arn).unwrap_or(&none);
    Question::new(action, arn).of_resource("logs", tags)
}
