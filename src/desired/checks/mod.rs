//! Everything that AWS would refuse, or that cannot work, and that can be known from the document
//! alone; all at once.
//!
//! Each check says which field, what is wrong and how to mend it. What only AWS can know (does the
//! subnet exist, may the role be passed) is not guessed here. Sources: ECS API
//! (RegisterTaskDefinition, CreateService, RunTask), ECS developer guide (task definition
//! differences for Fargate), Elastic Load Balancing v2 API, CloudWatch Logs API.

mod amounts;
mod connect;
mod container;
mod definition;
mod graph;
mod hooks;
mod launch;
mod partitions;
mod ports;
mod scope;
mod service;
mod volumes;

use super::forms::{self, is_label, is_role};
use super::resources;
use crate::model::arn::Arn;
use crate::model::finding::{Finding, Findings, field_key};
use crate::model::ids::DeploymentName;
use crate::model::kinds::{ApplicationSpec, Component, Placement, Suspend};
use crate::model::resource::{ResourceId, ResourceKind};

/// Tags that a resource may have, less the three of Evenkeel. Source: ECS API, TagResource: 50.
const TAGS: usize = 47;

/// Checks a whole application.
pub(super) fn application(name: &DeploymentName, spec: &ApplicationSpec) -> Vec<Finding> {
    let mut findings = Findings::default();
    placement(&mut findings, &spec.placement);
    suspend(&mut findings, spec.suspend.as_ref());
    tags(&mut findings, spec);
    drift(&mut findings, name, spec);
    resources::check(&mut findings, name, spec);
    if spec.components.is_empty() {
        findings.error("spec.components", "there are no components", "declare at least one");
    }
    for (key, part) in &spec.components {
        component(&mut findings, spec, key, part);
    }
    graph::check(&mut findings, &spec.components);
    unique_names(&mut findings, name, spec);
    partitions::check(&mut findings, spec);
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
    definition::check(findings, spec, &path, component);
    service::check(findings, spec, &path, component);
}

fn placement(findings: &mut Findings, placement: &Placement) {
    if !forms::is_region(&placement.region) {
        findings.error(
            "spec.placement.region",
            format!("`{}` is not a region", placement.region),
            "such as eu-west-1",
        );
    } else if let Some(known) = forms::likely_region(&placement.region) {
        let message = format!("`{}` is not a region that is known", placement.region);
        findings.warning("spec.placement.region", message, format!("did you mean {known}?"));
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

/// Source: ECS API, Tag; patterns of TagKey and TagValue in the models of Elastic Load Balancing
/// and CloudWatch Logs, which are narrower than what ECS is known to refuse.
fn tags(findings: &mut Findings, spec: &ApplicationSpec) {
    let tags = &spec.tags;
    let narrow = !(spec.target_groups.is_empty()
        && spec.listeners.is_empty()
        && spec.rules.is_empty()
        && spec.log_groups.is_empty());
    let plain = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c);
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
        if let Some(odd) = key.chars().chain(value.chars()).find(|c| !plain(*c)) {
            let message = format!("`{odd}` cannot be in a tag");
            let help = "letters, numbers, spaces and _ . : / = + - @";
            if narrow {
                findings.error(&field, message, help);
            } else {
                findings.warning(&field, message, help);
            }
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
fn drift(findings: &mut Findings, name: &DeploymentName, spec: &ApplicationSpec) {
    if spec.drift.fields.is_empty() {
        return;
    }
    let declared = resources::lower(name, spec);
    let is_declared = |text: &str| match ResourceId::try_from(text.to_owned()) {
        // A name with a dot in it does not end where the path's first part does.
        Ok(id) if id.kind == ResourceKind::LogGroup => true,
        Ok(id) if resources::of(id.kind).is_some() => declared.contains_key(&id),
        Ok(id) => spec.components.contains_key(&id.key),
        Err(_) => false,
    };
    for path in spec.drift.fields.keys() {
        let first = path.split('.').next().unwrap_or_default();
        if first != "*" && !is_declared(first) {
            findings.warning(
                field_key("spec.drift.fields", path),
                format!("`{first}` is no resource of this document, so the exception covers nothing"),
                "paths are written as `ctl plan` prints them, such as service/web.desiredCount",
            );
        }
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
    for (what, names) in [("a service named", services), ("the family", families)] {
        for (field, own) in &names {
            if !forms::is_ecs_name(own) {
                let help = "1 to 255 letters, digits, hyphens and underscores";
                findings.error(field.clone(), format!("`{own}` is not a name that ECS takes"), help);
            }
        }
        findings.duplicates(what, names);
    }
}
