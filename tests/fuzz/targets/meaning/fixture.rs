//! AWS after everything that a document declares was made and came to rest, as AWS shows it, and
//! the record of that.

use super::equivalents::{Around, node, resource};
use super::{below, coin};
use arbitrary::Unstructured;
use evenkeel::desired::resolve;
use evenkeel::model::desired::{DesiredState, ResolvedComponent, ResolvedState, Workload};
use evenkeel::model::ids::{ComponentName, DeploymentName};
use evenkeel::model::observed::{
    Depth, ObservedCluster, ObservedDefinition, ObservedDeployment, ObservedResource, ObservedSecret,
    ObservedService, ObservedState, ObservedTask, Seen,
};
use evenkeel::model::resource::{ResourceId, ResourceKind, TAG_COMPONENT, TAG_HASH, TAG_OWNER, Tree};
use evenkeel::model::rollout::{
    ComponentRollout, Phase, Revision, RolloutState, SecretVersion, WorkloadKind,
};
use evenkeel::plan::{PlanInput, plan, render};
use evenkeel::rollout::{StepInput, advance};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ACCOUNT: &str = "123456789012";
/// ARN of a cluster without its name.
pub(super) const CLUSTER: &str = "arn:aws:ecs:eu-west-1:123456789012:cluster/";
const BALANCING: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:";

/// ARN of a load balancer.
pub(super) fn load_balancer_arn(name: &str) -> String {
    format!("{BALANCING}loadbalancer/app/{name}/0123456789abcdef")
}

/// ARN of a secret.
pub(super) fn secret_arn(name: &str) -> String {
    format!("arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:{name}-AbCdEf")
}

/// ARN of what this deployment manages under a key.
pub(super) fn managed_arn(kind: ResourceKind, key: &str) -> String {
    match kind {
        ResourceKind::LogGroup => format!("arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:{key}"),
        ResourceKind::TargetGroup => format!("{BALANCING}targetgroup/{key}/0123456789abcdef"),
        ResourceKind::Listener => format!("{BALANCING}listener/app/lb/0123456789abcdef/{key}"),
        ResourceKind::Rule => format!("{BALANCING}listener-rule/app/lb/0123456789abcdef/l/{key}"),
        ResourceKind::Alarm => format!("arn:aws:cloudwatch:eu-west-1:{ACCOUNT}:alarm:{key}"),
        ResourceKind::TaskDefinition => format!("arn:aws:ecs:eu-west-1:{ACCOUNT}:task-definition/{key}:3"),
        ResourceKind::Task => format!("arn:aws:ecs:eu-west-1:{ACCOUNT}:task/c/{key}"),
        ResourceKind::Service => format!("arn:aws:ecs:eu-west-1:{ACCOUNT}:service/c/{key}"),
    }
}

/// What AWS shows, and the record.
pub(super) struct Fixture {
    observed: ObservedState,
    rollout: RolloutState,
    now: Timestamp,
}

impl Fixture {
    /// The state in which everything is as declared; none for a declaration that refers to what
    /// does not exist.
    pub(super) fn of(desired: &DesiredState, choices: &mut Unstructured<'_>) -> Option<Self> {
        let now = Timestamp::UNIX_EPOCH;
        let mut fixture = Self { observed: nothing(now), rollout: RolloutState::default(), now };
        fixture.rollout.generation = desired.generation;
        fixture.rollout.retry.clone_from(&desired.retry);
        fixture.surroundings(desired);
        for id in desired.resources.keys() {
            let arn = managed_arn(id.kind, &id.key);
            let tags = tags(desired, &id.key);
            // Of a target group that no load balancer knows ECS makes no service.
            let used_by = vec!["lb".to_owned()];
            let made = ObservedResource { tags, used_by, ..ObservedResource::new(arn.clone(), json!({})) };
            fixture.observed.resources.insert(id.clone(), Seen::Present(made));
            fixture.rollout.resource_mut(&id.clone()).arn = Some(arn);
        }
        let resolved = fixture.resolve(desired);
        for (id, part) in &resolved.resources {
            let fields = shown(id.kind, part.fields.as_ref()?, choices);
            if let Some(Seen::Present(made)) = fixture.observed.resources.get_mut(id) {
                made.fields = fields;
            }
            fixture.rollout.resource_mut(&id.clone()).applied = Some(part.declared.clone());
        }
        for (name, part) in &resolved.components {
            fixture.component(desired, name, part, choices)?;
        }
        Some(fixture)
    }

    /// What Evenkeel only refers to, under its name and under its ARN.
    fn surroundings(&mut self, desired: &DesiredState) {
        let listeners =
            desired.resources.values().filter_map(|resource| resource.fields["loadBalancer"].as_str());
        for name in listeners {
            let arn = if name.starts_with("arn:") { name.to_owned() } else { load_balancer_arn(name) };
            let tags = BTreeMap::new();
            let balancer = ObservedResource { tags, ..ObservedResource::new(arn.clone(), json!({})) };
            for key in [name.to_owned(), arn] {
                self.observed.load_balancers.insert(key, Seen::Present(balancer.clone()));
            }
        }
        let uses = desired.components.values().flat_map(|component| &component.secrets);
        for id in uses.map(|using| using.secret_id.as_str()) {
            let arn = if id.starts_with("arn:") { id.to_owned() } else { secret_arn(id) };
            let version = Some("v1".to_owned());
            let secret = ObservedSecret { arn: arn.clone(), version, deleted: false };
            for key in [id.to_owned(), arn] {
                self.observed.secrets.insert(key.clone(), Seen::Present(secret.clone()));
                let settled = SecretVersion { version: "v1".to_owned(), pending: None };
                self.rollout.secrets.insert(key, settled);
            }
        }
    }

    fn resolve(&self, desired: &DesiredState) -> ResolvedState {
        let versions =
            self.rollout.secrets.iter().map(|(id, known)| (id.clone(), known.version.clone())).collect();
        resolve(desired, &self.observed, &versions, &self.rollout.resources)
    }

    fn component(
        &mut self,
        desired: &DesiredState,
        name: &ComponentName,
        part: &ResolvedComponent,
        choices: &mut Unstructured<'_>,
    ) -> Option<()> {
        let definition = part.definition.as_ref()?;
        let arn = managed_arn(ResourceKind::TaskDefinition, &definition.family);
        let mut definition_tags = tags(desired, name.as_str());
        definition_tags.insert(TAG_HASH.to_owned(), definition.hash.to_string());
        let registered = ObservedDefinition {
            arn: arn.clone(),
            status: "ACTIVE".to_owned(),
            registered_at: None,
            registered_by: None,
            fields: told_definition(&definition.family, &definition.fields, choices),
            tags: definition_tags,
        };
        self.observed.definitions.insert(arn.clone(), Seen::Present(registered));
        self.observed.families.insert(name.clone(), Seen::Present(vec![arn.clone()]));
        let revision = Revision { hash: definition.hash.clone(), arn: arn.clone(), registered: None };
        let workload = match &desired.components[name].workload {
            Workload::Service { .. } => WorkloadKind::Service,
            Workload::Task { .. } => WorkloadKind::Task,
        };
        let state = ComponentRollout {
            workload: Some(workload),
            initial_hash: Some(definition.hash.clone()),
            pending_registration: None,
            earlier: Vec::new(),
            phase: Phase::Complete { hash: definition.hash.clone(), since: self.now },
            revision: Some(revision.clone()),
            completed: Some(revision),
            former_task_until: None,
            last_run: (workload == WorkloadKind::Task).then(|| definition.hash.clone()),
            stage: None,
            failures: Vec::new(),
        };
        self.rollout.components.insert(name.clone(), state.into());
        let fields = part.fields.as_ref()?;
        match &desired.components[name].workload {
            Workload::Service { service_name, initial_count, most, .. } => {
                let shown = told_service(fields, (*initial_count, *most), choices);
                let made = service(service_name, &arn, shown);
                let made = ObservedService { tags: tags(desired, name.as_str()), ..made };
                let id = ResourceId::new(ResourceKind::Service, name.as_str());
                self.rollout.resource_mut(&id.clone()).arn = Some(made.arn.clone());
                self.rollout.resource_mut(&id).applied = Some(part.declared.clone());
                self.observed.services.insert(name.clone(), Seen::Present(made));
            }
            Workload::Task { .. } => {
                self.observed.tasks.insert(name.clone(), Seen::Present(vec![running(&arn)]));
            }
        }
        Some(())
    }

    /// What one pass over a declaration would do, wait for, or note; nothing when all is as
    /// declared.
    pub(super) fn walk(&self, desired: &DesiredState) -> String {
        let (observed, now) = (&self.observed, self.now);
        let resolved = self.resolve(desired);
        let input = StepInput { prior: &self.rollout, desired, resolved: &resolved, observed, now };
        let step = advance(&input);
        let made = plan(&PlanInput { desired, resolved: &resolved, rollout: &step, observed, now });
        let moved =
            step.components.iter().filter(|(name, state)| self.rollout.components.get(*name) != Some(state));
        let moved: String =
            moved.map(|(name, state)| format!("{name} moves to {:?}\n", state.phase)).collect();
        let quiet =
            made.is_empty() && made.drift.is_empty() && made.waiting_on.is_empty() && made.notes.is_empty();
        if quiet { moved } else { format!("{moved}{}", render(&made)) }
    }
}

fn nothing(at: Timestamp) -> ObservedState {
    ObservedState {
        cluster: Seen::Present(ObservedCluster {
            arn: format!("{CLUSTER}c"),
            status: "ACTIVE".to_owned(),
            capacity_providers: Vec::new(),
        }),
        ..ObservedState::unread(at, Depth::Full)
    }
}

/// The tags that everything carries, and one of somebody else.
fn tags(desired: &DesiredState, component: &str) -> BTreeMap<String, String> {
    let owner: &DeploymentName = &desired.deployment;
    let mut tags = desired.tags.clone();
    tags.insert(TAG_OWNER.to_owned(), owner.to_string());
    tags.insert(TAG_COMPONENT.to_owned(), component.to_owned());
    tags.insert("aws:cloudformation:stack-name".to_owned(), "theirs".to_owned());
    tags
}

/// A log group, target group, listener or rule as AWS shows it.
fn shown(kind: ResourceKind, fields: &Tree, choices: &mut Unstructured<'_>) -> Tree {
    let mut fields = fields.clone();
    let part = match kind {
        ResourceKind::TargetGroup => {
            fields["attributes"]["load_balancing.algorithm.type"] = json!("round_robin");
            return floats(fields, choices);
        }
        ResourceKind::Listener => "listener",
        ResourceKind::Rule => "rules",
        _ => "logGroups",
    };
    resource(part, &mut fields, choices);
    floats(fields, choices)
}

/// A revision as DescribeTaskDefinition shows it.
fn told_definition(family: &str, fields: &Tree, choices: &mut Unstructured<'_>) -> Tree {
    let mut fields = fields.clone();
    let around = Around::definition(&fields);
    node(&mut fields, "taskDefinition", around, choices);
    fields["family"] = json!(family);
    fields["revision"] = json!(3);
    fields["status"] = json!("ACTIVE");
    fields["compatibilities"] = json!(["EC2", "FARGATE"]);
    fields["requiresAttributes"] = json!([{"name": "com.amazonaws.ecs.capability.task-iam-role"}]);
    fields["registeredBy"] = json!("arn:aws:iam::123456789012:role/evenkeel");
    nulls(&mut fields, &["ipcMode", "placementConstraints", "proxyConfiguration"], choices);
    fields
}

/// A service as DescribeServices shows it.
fn told_service(fields: &Tree, (count, most): (u32, Option<u32>), choices: &mut Unstructured<'_>) -> Tree {
    let mut fields = fields.clone();
    let around = Around { fargate: false, shared_ports: false };
    node(&mut fields, "service", around, choices);
    if fields["desiredCount"].is_null() {
        let count = count as usize + below(choices, 4);
        fields["desiredCount"] = json!(most.map_or(count, |most| count.min(most as usize)));
    }
    if fields["availabilityZoneRebalancing"].is_null() && coin(choices) {
        fields["availabilityZoneRebalancing"] = json!("ENABLED");
    }
    fields["deploymentController"] = json!({"type": "ECS"});
    let deployment = &mut fields["deploymentConfiguration"];
    if deployment["alarms"].is_null() && coin(choices) {
        deployment["alarms"] = json!({"alarmNames": [], "enable": false, "rollback": false});
    }
    nulls(&mut fields, &["healthCheckGracePeriodSeconds", "platformVersion", "launchType"], choices);
    floats(fields, choices)
}

/// Says that something is not there, rather than not saying it.
fn nulls(fields: &mut Tree, keys: &[&str], choices: &mut Unstructured<'_>) {
    for key in keys {
        if fields.get(*key).is_none() && coin(choices) {
            fields[*key] = Value::Null;
        }
    }
}

/// Numbers as numbers with a fraction of nothing.
fn floats(fields: Tree, choices: &mut Unstructured<'_>) -> Tree {
    fn every(value: &mut Value) {
        match value {
            Value::Number(number) => *value = json!(number.as_f64()),
            Value::Array(items) => items.iter_mut().for_each(every),
            Value::Object(members) => members.values_mut().for_each(every),
            _ => {}
        }
    }
    let mut fields = fields;
    if coin(choices) {
        every(&mut fields);
    }
    fields
}

fn service(name: &str, revision: &str, fields: Tree) -> ObservedService {
    let count = fields["desiredCount"].as_f64().unwrap_or(1.0);
    let count = format!("{count:.0}").parse().unwrap_or(1);
    let primary = ObservedDeployment {
        id: "ecs-svc/1".to_owned(),
        status: "PRIMARY".to_owned(),
        task_definition: revision.to_owned(),
        rollout_state: Some("COMPLETED".to_owned()),
        rollout_state_reason: None,
        desired: count,
        running: count,
        pending: 0,
        failed: 0,
        created_at: None,
    };
    ObservedService {
        controller: None,
        current_deployment: None,
        revision: None,
        arn: managed_arn(ResourceKind::Service, name),
        name: name.to_owned(),
        status: "ACTIVE".to_owned(),
        created_at: None,
        fields,
        task_definition: revision.to_owned(),
        desired: count,
        running: count,
        pending: 0,
        deployments: vec![primary],
        events: Vec::new(),
        tags: BTreeMap::new(),
    }
}

fn running(revision: &str) -> ObservedTask {
    ObservedTask {
        arn: managed_arn(ResourceKind::Task, "1"),
        task_definition: revision.to_owned(),
        last_status: "RUNNING".to_owned(),
        started_by: None,
        created_at: None,
        stopping_at: None,
        execution_stopped_at: None,
        stopped_at: None,
        stop_code: None,
        stopped_reason: None,
        containers: Vec::new(),
        health: None,
        addresses: Vec::new(),
    }
}
