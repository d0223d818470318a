//! A call of AWS as the checkers read it.

use crate::document::REGION;
use aws_sim::Sim;
use aws_sim::record::Call;
use aws_sim::wire::{Request, Service};
use serde_json::{Value, json};

/// A call.
pub struct Parsed {
    /// The service.
    pub service: Service,
    /// The operation.
    pub operation: String,
    /// Whether it changes something.
    pub write: bool,
    /// What it asks for; lists of awsQuery as arrays, their leaves as texts.
    pub input: Value,
    /// The key that it is signed with.
    pub key: Option<String>,
}

impl Parsed {
    /// Reads a request.
    pub fn of(request: &Request) -> Self {
        Self {
            service: request.service,
            operation: request.operation.clone(),
            write: request.is_write(),
            input: request.input(),
            key: request.access_key.clone(),
        }
    }

    /// A text of the input.
    pub fn text(&self, member: &str) -> &str {
        self.input[member].as_str().unwrap_or_default()
    }

    /// A list of texts of the input.
    pub fn texts(&self, member: &str) -> Vec<&str> {
        self.input[member].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// The tags that it gives, whatever the service calls them.
    pub fn tag(&self, key: &str) -> Option<&str> {
        if let Some(map) = self.input["tags"].as_object() {
            return map.get(key)?.as_str();
        }
        let tags = self.input["tags"].as_array().or(self.input["Tags"].as_array())?;
        let named = |tag: &&Value| tag["key"] == key || tag["Key"] == key;
        let tag = tags.iter().find(named)?;
        tag["value"].as_str().or(tag["Value"].as_str())
    }

    /// ARN or name of the one thing that it works on.
    pub fn target(&self) -> &str {
        let members = [
            "service",
            "serviceName",
            "TargetGroupArn",
            "RuleArn",
            "ListenerArn",
            "logGroupName",
            "resourceArn",
            "taskDefinition",
            "task",
            "family",
            "Name",
            "AlarmName",
            "ResourceARN",
            "serviceDeploymentArn",
        ];
        let named = members.iter().map(|member| self.text(member)).find(|text| !text.is_empty());
        let listed = ["ResourceArns", "AlarmNames"].iter().find_map(|list| self.texts(list).first().copied());
        named.or(listed).unwrap_or_default()
    }
}

/// A call as one line of a trace.
pub fn line(parsed: &Parsed, call: &Call, answered: bool) -> String {
    let end = match (call.status, answered, &call.error) {
        (0, _, _) => "no answer".to_owned(),
        (status, false, _) => format!("{status}, lost"),
        (status, true, Some(error)) => format!("{status} {error}"),
        (status, true, None) => status.to_string(),
    };
    let input = if parsed.write { parsed.input.to_string() } else { short(&parsed.input.to_string()) };
    format!("{:.3} #{} {}:{} -> {end} {input}", call.at, call.number, call.service, call.operation)
}

fn short(text: &str) -> String {
    let kept: String = text.chars().take(160).collect();
    if kept.len() < text.len() { format!("{kept}…") } else { kept }
}

/// Reads AWS as it is now: not a call, and never stale. `None` when AWS refuses.
pub fn read(sim: &Sim, service: Service, operation: &str, input: &Value) -> Option<Value> {
    sim.with(|world| world.edit(REGION, service, operation, input)).ok()
}

/// A service as DescribeServices shows it, with its tags; `None` when it was never made.
pub fn service(sim: &Sim, cluster: &str, name: &str) -> Option<Value> {
    let input = json!({"cluster": cluster, "services": [name], "include": ["TAGS"]});
    let found = read(sim, Service::Ecs, "DescribeServices", &input)?;
    found["services"].get(0).cloned()
}

/// The tags of a target group, listener or rule.
pub fn elb_tags(sim: &Sim, arn: &str) -> Option<Value> {
    let found = read(sim, Service::Elbv2, "DescribeTags", &json!({"ResourceArns.member.1": arn}))?;
    found["TagDescriptions"].get(0).map(|one| one["Tags"].clone())
}

/// An alarm as DescribeAlarms shows it, without what goes on by itself, and its tags.
pub fn alarm(sim: &Sim, name: &str) -> Option<(Value, Value)> {
    let found = read(sim, Service::Cloudwatch, "DescribeAlarms", &json!({"AlarmNames": [name]}))?;
    let mut alarm = found["MetricAlarms"].get(0)?.clone();
    let input = json!({"ResourceARN": alarm["AlarmArn"]});
    let tags = read(sim, Service::Cloudwatch, "ListTagsForResource", &input)?["Tags"].clone();
    let members = alarm.as_object_mut()?;
    members.retain(|member, _| !member.starts_with("State") && !member.ends_with("Timestamp"));
    Some((alarm, tags))
}

/// A tag in a list of tags.
pub fn tag_in<'t>(tags: &'t Value, key: &str) -> Option<&'t str> {
    let tag = tags.as_array()?.iter().find(|tag| tag["key"] == key || tag["Key"] == key)?;
    tag["value"].as_str().or(tag["Value"].as_str())
}
