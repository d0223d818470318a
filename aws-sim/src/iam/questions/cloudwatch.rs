//! CloudWatch: "Actions, resources, and condition keys for Amazon CloudWatch".

use super::{Asking, Tags, listed_tags, names};
use crate::{fields::Fields, iam::question::Question};

pub(super) fn of(asking: &Asking<'_>, action: &str) -> Option<Vec<Question>> {
    let input = asking.input;
    match asking.operation {
        "PutMetricAlarm" => {
            let arn = alarm(asking, input.text("AlarmName").unwrap_or_default());
            let tags = listed_tags(input, "Tags", "Key", "Value");
            let own = about(asking, action, &arn).giving(&tags);
            let mut asked = vec![own];
            // API reference, PutMetricAlarm, Tags: the permission is needed to tag a new alarm; of
            // one that is there, tags of this call are ignored.
            if !tags.is_empty() && asking.region.cloudwatch.tags_at(&arn).is_none() {
                asked.push(Question::new("cloudwatch:TagResource", arn).giving(&tags));
            }
            Some(asked)
        }
        "DeleteAlarms" => {
            let alarms = names(input, "AlarmNames");
            Some(alarms.iter().map(|name| about(asking, action, &alarm(asking, name))).collect())
        }
        // Live: aws-samples/amazon-cloudwatch-auto-alarms#1: `alarm:*`.
        "DescribeAlarms" => Some(vec![Question::new(action, alarm(asking, "*"))]),
        "TagResource" => {
            let tags = listed_tags(input, "Tags", "Key", "Value");
            Some(vec![about(asking, action, input.text("ResourceARN")?).giving(&tags)])
        }
        "UntagResource" => {
            Some(vec![about(asking, action, input.text("ResourceARN")?).naming(names(input, "TagKeys"))])
        }
        "ListTagsForResource" => Some(vec![about(asking, action, input.text("ResourceARN")?)]),
        "SetAlarmState" | "DescribeAlarmHistory" => {
            Some(vec![about(asking, action, &alarm(asking, input.text("AlarmName")?))])
        }
        _ => None,
    }
}

fn alarm(asking: &Asking<'_>, name: &str) -> String {
    asking.arn("cloudwatch", &format!("alarm:{name}"))
}

fn about(asking: &Asking<'_>, action: &str, arn: &str) -> Question {
    let none = Tags::new();
    let tags = asking.region.cloudwatch.tags_at(arn).unwrap_or(&none);
    Question::new(action, arn).of_resource("cloudwatch", tags)
}
