//! Everything that AWS would refuse, or that cannot work, and that can be known from the document
//! alone; all at once.
//!
//! Each check says which field, what is wrong and how to mend it. What only AWS can know (does the
//! subnet exist, may the role be passed) is not guessed here. Sources: ECS API
//! (RegisterTaskDefinition, CreateService, RunTask), ECS developer guide (task definition
//! differences for Fargate), Elastic Load Balancing v2 API, CloudWatch Logs API.

mod balancing;
mod container;
mod definition;
mod forms;
mod graph;
mod launch;
mod service;

pub(super) use forms::is_label;

use super::arn::{Arn, load_balancer_name};
use super::defaults::Capacity;
use crate::model::finding::{Finding, Findings, field_key};
use crate::model::ids::DeploymentName;
use crate::model::kinds::{ApplicationSpec, Component, LogGroup, Placement, Suspend};
use forms::is_role;
use std::collections::BTreeMap;

/// Days that CloudWatch Logs can keep events. Source: CloudWatch Logs API, PutRetentionPolicy.
const RETENTION: [i32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];
/// Tags that a resource may have, less the three of Evenkeel. Source: ECS API, TagResource: 50.
const TAGS: usize = 47;

impl Findings {
    /// An error when the value is not one of the allowed words.
    fn one_of(&mut self, field: String, value: Option<&str>, allowed: &[&str]) {
        if let Some(value) = value
            && !allowed.contains(&value)
        {
            self.error(field, format!("`{value}` is not known"), format!("one of {}", allowed.join(", ")));
        }
    }

    /// An error when the number is outside of the range.
    fn within(&mut self, field: String, value: Option<i64>, from: i64, to: i64) {
        if let Some(value) = value
            && !(from..=to).contains(&value)
        {
            self.error(field, format!("{value} is out of range"), format!("{from} to {to}"));
        }
    }

    /// An error for each item that was there before.
    fn duplicates<'a>(&mut self, what: &str, items: impl IntoIterator<Item = (String, &'a str)>) {
        let mut seen: BTreeMap<&str, String> = BTreeMap::new();
        for (field, item) in items {
            match seen.get(item) {
                Some(first) => {
                    let message = format!("{what} `{item}` is already there, at {first}");
                    self.error(field, message, "remove one of them");
                }
                None => {
                    seen.insert(item, field);
                }
            }
        }
    }
}

/// Checks a whole application.
pub(super) fn application(name: &DeploymentName, spec: &ApplicationSpec) -> Vec<Finding> {
    let mut findings = Findings::default();
    placement(&mut findings, &spec.placement);
    suspend(&mut findings, spec.suspend.as_ref());
    tags(&mut findings, &spec.tags);
    drift(&mut findings, spec);
    for (key, group) in &spec.log_groups {
        log_group(&mut findings, key, group);
    }
    balancing::check(&mut findings, name, spec);
    if spec.components.is_empty() {
        findings.error("spec.components", "there are no components", "declare at least one");
    }
    for (key, part) in &spec.components {
        component(&mut findings, spec, key, part);
    }
    graph::check(&mut findings, &spec.components);
    unique_names(&mut findings, name, spec);
    findings.finish()
}

fn component(findings: &mut Findings, spec: &ApplicationSpec, key: &str, component: &Component) {
    let path = field_key("spec.components", key);
    if !is_label(key) {
        let help = "1 to 63 lower-case letters, digits and hyphens, starting with a letter";
        findings.error(&path, format!("`{key}` is not a component name"), help);
    }
    let workloads = [component.service.is_some(), component.task.is_some(), component.singleton.is_some()];
    let count = workloads.into_iter().filter(|is_there| *is_there).count();
    if count != 1 {
        let message = format!("a component has exactly one workload, this one has {count}");
        findings.error(&path, message, "declare one of service, task and singleton");
    }
    let capacity = Capacity::of_component(component);
    definition::check(findings, spec, &path, &component.task_definition, capacity);
    service::check(findings, spec, &path, component);
}

fn placement(findings: &mut Findings, placement: &Placement) {
    if !forms::is_region(&placement.region) {
        findings.error(
            "spec.placement.region",
            format!("`{}` is not a region", placement.region),
            "such as eu-west-1",
        );
    }
    let cluster = placement.cluster.as_str();
    match Arn::parse(cluster) {
        Some(arn) if arn.service == "ecs" && arn.resource.starts_with("cluster/") && arn.has_account() => {
            if arn.region != placement.region {
                let message = format!("the cluster is in {}, not in {}", arn.region, placement.region);
                findings.error("spec.placement.cluster", message, "make region and cluster agree");
            }
        }
        None if forms::is_ecs_name(cluster) => {}
        _ => findings.error(
            "spec.placement.cluster",
            format!("`{cluster}` is neither the name nor the ARN of a cluster"),
            "1 to 255 letters, digits, hyphens and underscores, or arn:…:ecs:…:cluster/NAME",
        ),
    }
    role(findings, "spec.placement.roleArn", placement.role_arn.as_deref());
}

/// Checks the form of a role's ARN.
fn role(findings: &mut Findings, field: impl Into<String>, role: Option<&str>) {
    if let Some(role) = role
        && !is_role(role)
    {
        findings.error(
            field,
            format!("`{role}` is not the ARN of a role"),
            "arn:aws:iam::123456789012:role/NAME, with the partition of its region",
        );
    }
}

fn suspend(findings: &mut Findings, suspend: Option<&Suspend>) {
    let Some(suspend) = suspend else { return };
    for (field, text) in [("by", &suspend.by), ("reason", &suspend.reason)] {
        if text.trim().is_empty() {
            let help = "a pause always says who asked for it and why";
            findings.error(format!("spec.suspend.{field}"), "it is empty", help);
        }
    }
}

/// Source: ECS API, Tag.
fn tags(findings: &mut Findings, tags: &BTreeMap<String, String>) {
    if tags.len() > TAGS {
        findings.error("spec.tags", format!("{} tags are too many", tags.len()), format!("{TAGS} at most"));
    }
    for (key, value) in tags {
        let field = field_key("spec.tags", key);
        if key.to_ascii_lowercase().starts_with("aws:") {
            findings.error(&field, "`aws:` is reserved by AWS", "use another prefix");
        }
        if key.starts_with("evenkeel.dev/") {
            findings.error(&field, "`evenkeel.dev/` tags say what Evenkeel owns", "use another prefix");
        }
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
            findings.error(
                &field,
                "the tag is too long or has no key",
                "128 characters for keys, 256 for values",
            );
        }
    }
}

/// Paths of exceptions must begin with a resource that is declared, else they say nothing.
fn drift(findings: &mut Findings, spec: &ApplicationSpec) {
    for path in spec.drift.fields.keys() {
        let first = path.split('.').next().unwrap_or_default();
        let known = match first.split_once('/') {
            _ if first == "*" => true,
            Some(("service" | "task" | "task-definition", key)) => spec.components.contains_key(key),
            Some(("target-group", key)) => spec.target_groups.contains_key(key),
            Some(("listener", key)) => spec.listeners.contains_key(key),
            Some(("rule", key)) => spec.rules.contains_key(key),
            Some(("log-group", _)) => true,
            _ => false,
        };
        if !known {
            findings.warning(
                field_key("spec.drift.fields", path),
                format!("`{first}` is no resource of this document, so the exception covers nothing"),
                "paths are written as `ctl plan` prints them, such as service/web.desiredCount",
            );
        }
    }
}

/// Source: CloudWatch Logs API, CreateLogGroup.
fn log_group(findings: &mut Findings, name: &str, group: &LogGroup) {
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

/// Names that two parts of the document would share in AWS.
fn unique_names(findings: &mut Findings, name: &DeploymentName, spec: &ApplicationSpec) {
    let services: Vec<(String, String)> = spec
        .components
        .iter()
        .filter_map(|(key, part)| {
            let service = part.service.as_ref().or(part.singleton.as_ref())?;
            let own = service.service_name.clone().unwrap_or_else(|| format!("{name}-{key}"));
            Some((field_key("spec.components", key), own))
        })
        .collect();
    let families: Vec<(String, String)> = spec
        .components
        .iter()
        .map(|(key, part)| {
            let own = part.task_definition.family.clone().unwrap_or_else(|| format!("{name}-{key}"));
            (format!("{}.taskDefinition.family", field_key("spec.components", key)), own)
        })
        .collect();
    let listeners: Vec<(String, String)> = spec
        .listeners
        .iter()
        .map(|(key, listener)| {
            let own = format!("{}:{}", load_balancer_name(&listener.load_balancer), listener.port);
            (field_key("spec.listeners", key), own)
        })
        .collect();
    let rules: Vec<(String, String)> = spec
        .rules
        .iter()
        .map(|(key, rule)| {
            let listener = rule.listener.as_ref().or(rule.listener_arn.as_ref()).map_or("", String::as_str);
            (format!("{}.priority", field_key("spec.rules", key)), format!("{} on {listener}", rule.priority))
        })
        .collect();
    for (what, names) in [
        ("a service named", &services),
        ("the family", &families),
        ("a listener on", &listeners),
        ("priority", &rules),
    ] {
        findings.duplicates(what, names.iter().map(|(field, own)| (field.clone(), own.as_str())));
        for (field, own) in names {
            let ecs = matches!(what, "a service named" | "the family");
            if ecs && !forms::is_ecs_name(own) {
                let help = "1 to 255 letters, digits, hyphens and underscores";
                findings.error(field.clone(), format!("`{own}` is not a name that ECS takes"), help);
            }
        }
    }
}
