//! From what AWS shows of services to the application that declares them.

use super::brief::brief;
use super::keys::{Keys, label};
use super::members::declarable;
use super::note::Note;
use super::seen::{SeenService, SeenServices};
use crate::desired;
use crate::model::arn::{Arn, family_of, is_arn, load_balancer_name, target_group_name};
use crate::model::finding::{Finding, field_key};
use crate::model::kinds::{API_VERSION, Document};
use crate::model::resource::{ResourceKind, TAG_COMPONENT, TAG_HASH, TAG_OWNER, Tree};
use anyhow::Context;
use serde_json::{Map, json};
use std::collections::{BTreeMap, BTreeSet};

/// Tags that AWS puts on by itself and nobody else may write.
const OF_AWS: &str = "aws:";
/// Tag that CloudFormation, and with it CDK and Copilot, puts on what it made.
const STACK: &str = "aws:cloudformation:stack-name";

/// A document and what is to be said of it.
pub(super) struct Built {
    pub(super) document: Document,
    pub(super) notes: Vec<Note>,
    /// What keeps the document from being used as it stands.
    pub(super) errors: Vec<Finding>,
}

/// The application that declares what was seen.
///
/// What Evenkeel cannot declare of load balancing is left to whoever made it, and referred to by
/// its ARN.
///
/// # Errors
///
/// AWS shows something that no document can hold.
pub(super) fn document(seen: &SeenServices, name: Option<&str>) -> anyhow::Result<Built> {
    let mut left_out: BTreeMap<String, String> = BTreeMap::new();
    loop {
        let mut draft = Draft::new(seen, name, &left_out);
        draft.build();
        let document: Document = serde_json::from_value(draft.document.clone())
            .context("AWS shows something that no document can hold")?;
        let (_, findings) = desired::render(&document);
        let errors: Vec<Finding> = findings.into_iter().filter(Finding::is_error).collect();
        let refused: Vec<(String, String)> = errors
            .iter()
            .filter_map(|error| draft.keys.arn_at(&error.field).map(|arn| (arn, error.message.clone())))
            .collect();
        if refused.is_empty() {
            return finish(draft, errors);
        }
        left_out.extend(refused);
    }
}

fn finish(draft: Draft<'_>, errors: Vec<Finding>) -> anyhow::Result<Built> {
    let Draft { document, mut notes, .. } = draft;
    let document: Document = serde_json::from_value(brief(document)).context("a document became none")?;
    let (_, findings) = desired::render(&document);
    notes.extend(findings.into_iter().map(|finding| {
        let help = if finding.help.is_empty() { String::new() } else { format!(" ({})", finding.help) };
        Note::warning(finding.field, format!("{}{help}", finding.message))
    }));
    notes.sort();
    notes.dedup();
    Ok(Built { document, notes, errors })
}

/// A document on its way.
struct Draft<'a> {
    seen: &'a SeenServices,
    /// ARNs of what cannot be declared, with why.
    left_out: &'a BTreeMap<String, String>,
    keys: Keys,
    name: String,
    document: Tree,
    notes: Vec<Note>,
}

impl<'a> Draft<'a> {
    fn new(seen: &'a SeenServices, name: Option<&str>, left_out: &'a BTreeMap<String, String>) -> Self {
        let name = name.map_or_else(|| own_name(seen), str::to_owned);
        let document = json!({
            "apiVersion": API_VERSION,
            "kind": "Application",
            "metadata": {"name": name},
            "spec": {"placement": seen.placement, "adopt": true},
        });
        Self { seen, left_out, keys: Keys::default(), name, document, notes: Vec::new() }
    }

    fn build(&mut self) {
        self.resources();
        for one in &self.seen.services {
            self.component(one);
        }
        self.log_groups();
        self.tags();
        let root = self.document.take();
        self.document = declarable(root, &mut self.notes);
    }

    /// The key that something has by its tags, if it is of this deployment.
    fn tagged_key(&self, tags: &BTreeMap<String, String>) -> Option<String> {
        let ours = tags.get(TAG_OWNER).is_some_and(|owner| *owner == self.name);
        tags.get(TAG_COMPONENT).filter(|_| ours).cloned()
    }

    fn put(&mut self, map: &str, key: &str, value: Tree) {
        self.document["spec"][map][key] = value;
    }

    /// Target groups, listeners and rules: first their keys, for they name each other.
    fn resources(&mut self) {
        let seen = self.seen;
        let left_out = self.left_out;
        let declared = |arn: &String| !left_out.contains_key(arn);
        for (arn, group) in seen.groups.iter().filter(|(arn, _)| declared(arn)) {
            let key = self.tagged_key(&group.tags).unwrap_or_else(|| label(target_group_name(arn)));
            self.keys.add(ResourceKind::TargetGroup, arn, key);
        }
        for (arn, listener) in seen.listeners.iter().filter(|(arn, _)| declared(arn)) {
            let protocol = listener.fields["protocol"].as_str().unwrap_or_default();
            let key = || label(&format!("{protocol}-{}", listener.fields["port"]));
            self.keys.add(ResourceKind::Listener, arn, self.tagged_key(&listener.tags).unwrap_or_else(key));
        }
        for (arn, rule) in seen.rules.iter().filter(|(arn, _)| declared(arn)) {
            let key = || format!("rule-{}", rule.fields["priority"]);
            self.keys.add(ResourceKind::Rule, arn, self.tagged_key(&rule.tags).unwrap_or_else(key));
        }
        for (arn, group) in &seen.groups {
            if let Some(key) = self.keys.of(ResourceKind::TargetGroup, arn) {
                self.put("targetGroups", &key, target_group(&group.fields));
            }
        }
        for (arn, listener) in &seen.listeners {
            if let Some(key) = self.keys.of(ResourceKind::Listener, arn) {
                let fields = self.listener(&listener.fields);
                self.put("listeners", &key, fields);
            }
        }
        for (arn, rule) in &seen.rules {
            if let Some(key) = self.keys.of(ResourceKind::Rule, arn) {
                let fields = self.rule(&rule.fields);
                self.put("rules", &key, fields);
            }
        }
        for (arn, why) in left_out {
            let message = format!("{arn} cannot be declared and stays as it is: {why}");
            self.notes.push(Note::warning("spec", message));
        }
    }

    fn listener(&self, seen: &Tree) -> Tree {
        let mut fields = seen.clone();
        if let Some(fields) = fields.as_object_mut() {
            let balancer = fields.remove("loadBalancerArn");
            let name = balancer.as_ref().and_then(Tree::as_str).map(load_balancer_name).unwrap_or_default();
            fields.insert("loadBalancer".to_owned(), name.into());
            self.actions(fields, "defaultActions");
        }
        fields
    }

    /// A rule on a listener that is declared here, or on one that is somebody else's.
    fn rule(&self, seen: &Tree) -> Tree {
        let mut fields = seen.clone();
        if let Some(fields) = fields.as_object_mut() {
            let listener = fields.get("listenerArn").and_then(Tree::as_str).unwrap_or_default();
            if let Some(key) = self.keys.of(ResourceKind::Listener, listener) {
                fields.remove("listenerArn");
                fields.insert("listener".to_owned(), key.into());
            }
            self.actions(fields, "actions");
        }
        fields
    }

    /// Target groups by key where they are declared here; a single one in the short form.
    fn actions(&self, fields: &mut Map<String, Tree>, member: &str) {
        for action in fields.get_mut(member).and_then(Tree::as_array_mut).into_iter().flatten() {
            for group in action.get_mut("targetGroups").and_then(Tree::as_array_mut).into_iter().flatten() {
                let arn = group["targetGroupArn"].as_str().unwrap_or_default();
                if let Some(key) = self.keys.of(ResourceKind::TargetGroup, arn)
                    && let Some(group) = group.as_object_mut()
                {
                    group.remove("targetGroupArn");
                    group.insert("targetGroup".to_owned(), key.into());
                }
            }
            let short = match action["targetGroups"].as_array().map(Vec::as_slice) {
                Some([only]) if only["weight"] == 1 => only["targetGroup"].as_str().map(str::to_owned),
                _ => None,
            };
            if let (Some(key), Some(action)) = (short, action.as_object_mut()) {
                action.remove("targetGroups");
                action.insert("targetGroup".to_owned(), key.into());
            }
        }
    }

    fn component(&mut self, one: &SeenService) {
        let SeenService { service, definition, is_scaled } = one;
        let key = self.tagged_key(&service.tags).unwrap_or_else(|| self.component_key(one));
        let key = self.keys.add(ResourceKind::Service, &service.arn, key);
        let path = field_key("spec.components", &key);
        let mut declared = definition.fields.clone();
        if let Some(fields) = declared.as_object_mut() {
            fields.insert("family".to_owned(), family_of(&service.task_definition).into());
        }
        parameters(&mut declared);
        roles(&mut declared, &service.arn);
        let mut fields = self.service(&service.fields);
        fields["serviceName"] = json!(service.name);
        let counted = fields["schedulingStrategy"] != "DAEMON";
        if let Some(fields) = fields.as_object_mut().filter(|_| *is_scaled || !counted) {
            fields.remove("desiredCount");
        }
        let workload = if is_singleton(&fields) { "singleton" } else { "service" };
        let at = format!("{path}.{workload}");
        match (is_scaled, counted) {
            (true, _) => self.notes.push(Note::warning(
                format!("{at}.desiredCount"),
                "Application Auto Scaling sets the number of tasks (it has target tracking alarms): it is left out, and left alone",
            )),
            (false, true) => self.notes.push(Note {
                field: format!("{at}.desiredCount"),
                message: "What runs now. Take it out if somebody else scales.".to_owned(),
                warns: false,
            }),
            (false, false) => {}
        }
        if workload == "singleton" {
            self.notes.push(Note {
                field: at.clone(),
                message: "Minimum 0 %, maximum 100 % and at most one task: the old one stops before the new one starts."
                    .to_owned(),
                warns: false,
            });
        }
        if !service.is_steady() {
            let message =
                "it is in the middle of a deployment, or lacks tasks: import it again once that is over";
            self.notes.push(Note::warning(&path, message));
        }
        if definition.status != "ACTIVE" {
            let message = format!(
                "its revision {} is {}: the first pass registers one that says the same, and rolls it out",
                service.task_definition, definition.status
            );
            self.notes.push(Note::warning(format!("{path}.taskDefinition"), message));
        }
        self.owners(&path, service.tags.get(TAG_OWNER), &service.name);
        let component = json!({"taskDefinition": declared, (workload): fields});
        self.put("components", &key, component);
    }

    fn owners(&mut self, path: &str, owner: Option<&String>, service: &str) {
        if let Some(owner) = owner.filter(|owner| **owner != self.name) {
            let message = format!(
                "service {service} is deployment `{owner}`'s of Evenkeel by its tag: under another name it is left alone until that tag is off"
            );
            self.notes.push(Note::warning(path, message));
        }
    }

    /// The rest of a service's name behind the deployment's, or the name of its container.
    fn component_key(&self, one: &SeenService) -> String {
        let own = label(&one.service.name);
        let rest = own.strip_prefix(&format!("{}-", self.name));
        if let Some(rest) = rest.filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase())) {
            return rest.to_owned();
        }
        let balanced = one.service.fields["loadBalancers"][0]["containerName"].as_str();
        let first = one.definition.fields["containerDefinitions"][0]["name"].as_str();
        balanced.or(first).map_or(own, label)
    }

    fn service(&self, seen: &Tree) -> Tree {
        let mut fields = seen.clone();
        let rolling = fields["deploymentConfiguration"]["strategy"].as_str().is_none_or(|s| s == "ROLLING");
        if let Some(deployment) =
            fields.get_mut("deploymentConfiguration").and_then(Tree::as_object_mut).filter(|_| rolling)
        {
            // Without a shift of traffic there is nothing to bake.
            deployment.remove("bakeTimeInMinutes");
        }
        let Some(members) = fields.as_object_mut() else { return fields };
        let is = |members: &Map<String, Tree>, member: &str, value: Tree| members.get(member) == Some(&value);
        if is(members, "deploymentController", json!({"type": "ECS"})) {
            members.remove("deploymentController");
        }
        if is(members, "healthCheckGracePeriodSeconds", json!(0)) {
            members.remove("healthCheckGracePeriodSeconds");
        }
        // What CreateService makes of a service where it can.
        if is(members, "availabilityZoneRebalancing", json!("ENABLED")) {
            members.remove("availabilityZoneRebalancing");
        }
        for balancer in members.get_mut("loadBalancers").and_then(Tree::as_array_mut).into_iter().flatten() {
            self.balancer(balancer);
        }
        fields
    }

    fn balancer(&self, balancer: &mut Tree) {
        let group = balancer["targetGroupArn"].as_str().unwrap_or_default();
        if let Some(key) = self.keys.of(ResourceKind::TargetGroup, group)
            && let Some(balancer) = balancer.as_object_mut()
        {
            balancer.remove("targetGroupArn");
            balancer.insert("targetGroup".to_owned(), key.into());
        }
        let Some(advanced) = balancer.get_mut("advancedConfiguration") else { return };
        for (member, kind) in [
            ("alternateTargetGroupArn", ResourceKind::TargetGroup),
            ("productionListenerRule", ResourceKind::Rule),
            ("testListenerRule", ResourceKind::Rule),
        ] {
            if let Some(key) = advanced[member].as_str().and_then(|arn| self.keys.of(kind, arn)) {
                advanced[member] = key.into();
            }
        }
    }

    fn log_groups(&mut self) {
        let seen = self.seen;
        for (name, group) in &seen.log_groups {
            let mut fields = group.fields.clone();
            for extra in ["logGroupName", "retentionPolicyName"] {
                fields.as_object_mut().map(|fields| fields.remove(extra));
            }
            self.put("logGroups", name, fields);
        }
        for name in &seen.no_log_groups {
            let message = format!(
                "log group {name} is not there: tasks do not start without it, unless `awslogs-create-group` makes it; it is not declared here"
            );
            self.notes.push(Note::warning("spec", message));
        }
    }

    /// Tags that are on everything are declared; of others it is said that they stay as they are.
    fn tags(&mut self) {
        let own = |key: &String| [TAG_OWNER, TAG_COMPONENT, TAG_HASH].contains(&key.as_str());
        let all: Vec<_> = self.seen.tagged().collect();
        let on_all = |key: &String, value: &String| all.iter().all(|(_, tags)| tags.get(key) == Some(value));
        let mut others: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        let mut stacks = BTreeSet::new();
        let mut common: BTreeMap<String, String> = BTreeMap::new();
        for (what, tags) in &all {
            stacks.extend(tags.get(STACK));
            for (key, value) in tags.iter().filter(|(key, _)| !own(key) && !key.starts_with(OF_AWS)) {
                if on_all(key, value) {
                    common.insert(key.clone(), value.clone());
                } else {
                    others.entry(format!("{key}={value}")).or_default().insert(what);
                }
            }
        }
        for (tag, things) in others {
            let things: Vec<&str> = things.into_iter().collect();
            let message = format!(
                "tag {tag} is not on everything, and spec.tags is for everything: it stays where it is ({}); a new revision of a task \
                 definition does not get it",
                things.join(", ")
            );
            self.notes.push(Note::warning("spec.tags", message));
        }
        for stack in stacks {
            let message = format!(
                "some of this was made by CloudFormation stack {stack} (CDK and Copilot are CloudFormation, too): take it out of the stack \
                 with `DeletionPolicy: Retain` first, or both will write"
            );
            self.notes.push(Note::warning("spec.adopt", message));
        }
        if !common.is_empty() {
            self.document["spec"]["tags"] = json!(common);
        }
        for what in &self.seen.unseen {
            self.notes.push(Note::warning("spec", format!("could not be seen: {what}")));
        }
    }
}

/// The deployment that all services carry the tag of, or the first service's name.
fn own_name(seen: &SeenServices) -> String {
    let mut owners = seen.services.iter().map(|one| one.service.tags.get(TAG_OWNER));
    let first = owners.next().flatten();
    match first.filter(|first| owners.all(|owner| owner == Some(*first))) {
        Some(owner) => owner.clone(),
        None => label(seen.services.first().map_or("", |one| &one.service.name)),
    }
}

/// The fields of a target group, without the attributes that have AWS's default.
fn target_group(seen: &Tree) -> Tree {
    let mut fields = seen.clone();
    let is_default = |key: &str, value: &Tree| {
        let path = format!("attributes.{key}");
        crate::plan::default_of(ResourceKind::TargetGroup, seen, &path).is_some_and(|default| value == default)
            // Nobody uses the name of a cookie without stickiness by it.
            || (key == "stickiness.app_cookie.cookie_name" && value == "")
    };
    if let Some(attributes) = fields.get_mut("attributes").and_then(Tree::as_object_mut) {
        attributes.retain(|key, value| !is_default(key, value));
    }
    fields
}

/// Writes plain names of parameters in the form that says what they are: ECS takes a text that is
/// no ARN for the name of a parameter.
fn parameters(definition: &mut Tree) {
    let name = |secret: &mut Tree| {
        let plain =
            secret["valueFrom"].as_str().filter(|from| !from.starts_with("arn:") && !from.starts_with('/'));
        if let Some(plain) = plain {
            secret["valueFrom"] = json!(format!("ssm:{plain}"));
        }
    };
    for container in definition["containerDefinitions"].as_array_mut().into_iter().flatten() {
        let options = ["/secrets", "/logConfiguration/secretOptions"];
        for pointer in options {
            container.pointer_mut(pointer).and_then(Tree::as_array_mut).into_iter().flatten().for_each(name);
        }
    }
}

/// Writes roles that were given by name with their ARNs. Source: ECS API, RegisterTaskDefinition,
/// taskRoleArn: a short name or an ARN.
fn roles(definition: &mut Tree, service: &str) {
    let Some(account) = Arn::parse(service).map(|arn| arn.account) else { return };
    let partition = service.split(':').nth(1).unwrap_or_default();
    for member in ["taskRoleArn", "executionRoleArn"] {
        if let Some(name) = definition[member].as_str().filter(|role| !is_arn(role) && !role.is_empty()) {
            definition[member] = json!(format!("arn:{partition}:iam::{account}:role/{name}"));
        }
    }
}

/// Whether never two tasks of a service run.
fn is_singleton(fields: &Tree) -> bool {
    let deployment = &fields["deploymentConfiguration"];
    deployment["minimumHealthyPercent"] == 0
        && deployment["maximumPercent"] == 100
        && deployment["strategy"].as_str().is_none_or(|strategy| strategy == "ROLLING")
        && fields["schedulingStrategy"] != "DAEMON"
        && fields["desiredCount"].as_u64().is_some_and(|count| count <= 1)
}
