//! Listener rules. Source: Elastic Load Balancing v2 API, CreateRule and its data types.

use super::{Claim, ResourceType, action, condition, listener, no_such, whole};
use crate::desired::fields::{Fields, fields_of};
use crate::desired::forms;
use crate::desired::references::{Reference, To};
use crate::model::desired::{DesiredResource, DesiredState};
use crate::model::finding::{Findings, field_key};
use crate::model::ids::DeploymentName;
use crate::model::kinds::ApplicationSpec;
use crate::model::kinds::load_balancing::{Rule as Declared, RuleCondition};
use crate::model::resource::{ResourceId, ResourceKind, Tree};

pub(super) struct Rule;

impl ResourceType for Rule {
    fn lower(&self, _: &DeploymentName, spec: &ApplicationSpec) -> Vec<(String, DesiredResource)> {
        spec.rules.iter().map(|(key, rule)| (key.clone(), whole(spec, fields(rule)))).collect()
    }

    fn check(&self, findings: &mut Findings, _: &DeploymentName, spec: &ApplicationSpec) {
        for (key, rule) in &spec.rules {
            one(findings, spec, &field_key("spec.rules", key), rule);
        }
        let places = spec.rules.iter().map(|(key, rule)| {
            let listener = rule.listener.as_ref().or(rule.listener_arn.as_ref()).map_or("", String::as_str);
            let place = format!("{} on {listener}", rule.priority);
            (format!("{}.priority", field_key("spec.rules", key)), place)
        });
        findings.duplicates("priority", places);
    }

    /// In the words in which its listener is claimed.
    fn claim(&self, state: &DesiredState, _: &ResourceId, fields: &Tree) -> Option<Claim> {
        let listener = match fields.get("listenerArn").and_then(Tree::as_str) {
            Some(arn) => format!("listener `{arn}`"),
            None => {
                let key = fields["listener"].as_str().unwrap_or_default();
                let id = ResourceId::new(ResourceKind::Listener, key);
                listener::in_words(&state.resources.get(&id)?.fields)
            }
        };
        Some(Claim::alone(format!("rule with priority {} of the {listener}", fields["priority"])))
    }

    fn references(&self) -> &'static [Reference] {
        &[
            Reference { path: "listener", to: To::Resource(ResourceKind::Listener), becomes: "listenerArn" },
            Reference {
                path: "actions[].targetGroups[].targetGroup",
                to: To::Resource(ResourceKind::TargetGroup),
                becomes: "targetGroupArn",
            },
        ]
    }

    fn settle(&self, fields: &mut Fields) {
        action::in_arn_order(fields, "actions");
    }
}

/// The fields of a rule, its listener and target groups still by key.
fn fields(rule: &Declared) -> Tree {
    let mut fields = fields_of(rule);
    let mut conditions: Vec<Tree> = rule.conditions.iter().map(condition_fields).collect();
    conditions.sort_by_cached_key(|condition| (condition["field"].to_string(), condition.to_string()));
    fields.insert("conditions".to_owned(), conditions.into());
    fields.insert("actions".to_owned(), rule.actions.iter().map(action::fields).collect::<Vec<_>>().into());
    Tree::Object(fields)
}

/// The one form of a condition: values sorted, each once.
fn condition_fields(condition: &RuleCondition) -> Tree {
    let mut condition = condition.clone();
    sort_unique(&mut condition.values);
    if let Some(header) = &mut condition.http_header_config {
        sort_unique(&mut header.values);
    }
    if let Some(query) = &mut condition.query_string_config {
        query.values.sort_by(|a, b| (&a.key, &a.value).cmp(&(&b.key, &b.value)));
        query.values.dedup();
    }
    Tree::Object(fields_of(&condition))
}

fn sort_unique(values: &mut Vec<String>) {
    values.sort();
    values.dedup();
}

fn one(findings: &mut Findings, spec: &ApplicationSpec, path: &str, rule: &Declared) {
    let at = |field: &str| format!("{path}.{field}");
    let mut protocol = None;
    match (&rule.listener, &rule.listener_arn) {
        (Some(key), None) => match spec.listeners.get(key) {
            Some(listener) => {
                protocol = Some(listener.protocol.as_str());
                if !matches!(listener.protocol.as_str(), "HTTP" | "HTTPS") {
                    let message = format!("{} listeners have no rules", listener.protocol);
                    findings.error(at("listener"), message, "use the listener's defaultActions");
                }
            }
            None => no_such(findings, at("listener"), ResourceKind::Listener, key, spec.listeners.keys()),
        },
        (None, Some(arn)) if forms::is_balancing_arn(arn, "listener/") => {}
        (None, Some(arn)) => {
            findings.error(at("listenerArn"), format!("`{arn}` is not the ARN of a listener"), "");
        }
        _ => findings.error(path, "name exactly one of listener and listenerArn", ""),
    }
    findings.within(at("priority"), Some(i64::from(rule.priority)), 1, 50_000);
    condition::check(findings, &at("conditions"), &rule.conditions);
    action::check(findings, spec, &at("actions"), &rule.actions, protocol.or(Some("HTTP")));
}
