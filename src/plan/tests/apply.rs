//! AWS and the record, simplified: a plan's actions applied to them, so that the second plan
//! can be planned.

use super::fixture::Fixture;
use crate::model::call::Verb;
use crate::model::ids::ComponentName;
use crate::model::observed::{
    ObservedDefinition, ObservedDeployment, ObservedResource, ObservedService, ObservedTarget, ObservedTask,
    Seen,
};
use crate::model::plan::{Plan, PlannedAction};
use crate::model::resource::{ResourceId, ResourceKind, Tree};
use crate::model::rollout::{Phase, Revision};
use serde_json::Value;
use std::collections::BTreeMap;

/// The input of the next plan after every action succeeded and ECS came to rest.
pub(super) fn apply(fixture: &Fixture, plan: &Plan) -> Fixture {
    let mut next = fixture.clone();
    for action in &plan.actions {
        apply_one(&mut next, action);
        settle(&mut next, &action.resource);
    }
    next
}

/// What `rollout::record` notes about a resource that was brought to its declaration.
fn settle(fixture: &mut Fixture, id: &ResourceId) {
    let declared = match id.kind {
        ResourceKind::Service => fixture.resolved.components.get(id.key.as_str()).map(|c| c.declared.clone()),
        _ => fixture.resolved.resources.get(id).map(|r| r.declared.clone()),
    };
    if let Some(declared) = declared {
        fixture.rollout.resource_mut(&id.clone()).applied = Some(declared);
    }
}

/// Applies an action by its verb; parameters are read from the call as it is serialised.
#[expect(clippy::too_many_lines, reason = "a table of verbs")]
fn apply_one(fixture: &mut Fixture, action: &PlannedAction) {
    let id = &action.resource;
    let component = ComponentName::from(id.key.as_str());
    let call = serde_json::to_value(&action.call).unwrap();
    let text = |key: &str| call[key].as_str().unwrap();
    let tags = || -> BTreeMap<String, String> { serde_json::from_value(call["tags"].clone()).unwrap() };
    match (action.verb, id.kind) {
        (Verb::Create, ResourceKind::Service) => {
            create_service(fixture, &component, &call["fields"], &tags());
            arrive(fixture, &component);
        }
        (Verb::Create, ResourceKind::LogGroup) => {
            create(fixture, id, serde_json::json!({"logGroupName": text("name")}), &tags());
        }
        (Verb::Create, _) => {
            create(fixture, id, call["fields"].clone(), &tags());
            forward(fixture, &call["fields"]);
        }
        (Verb::Update, ResourceKind::Service) if call["call"] == "continueServiceDeployment" => {
            fixture.observed.stages.remove(&component);
        }
        (Verb::Update, ResourceKind::Service) => update_service(fixture, &component, &call["fields"]),
        (Verb::Update, ResourceKind::LogGroup) => set(fixture, id, "retentionInDays", call["days"].clone()),
        (Verb::Update, ResourceKind::Rule) if call["priorities"].is_object() => {
            reposition(fixture, &serde_json::from_value(call["priorities"].clone()).unwrap());
        }
        (Verb::Update, _) => {
            for (key, value) in call["fields"].as_object().into_iter().flatten() {
                set(fixture, id, key, value.clone());
            }
            for (key, value) in call["attributes"].as_object().into_iter().flatten() {
                resource(fixture, id).fields["attributes"][key] = value.clone();
            }
            forward(fixture, &call["fields"]);
        }
        (Verb::Tag, ResourceKind::TaskDefinition) => {
            match fixture.observed.definitions.get_mut(text("arn")) {
                Some(Seen::Present(definition)) => definition.tags.extend(tags()),
                _ => panic!("{} was not seen", text("arn")),
            }
        }
        (Verb::Tag, ResourceKind::Service) => service(fixture, &id.key).tags.extend(tags()),
        (Verb::Tag, _) => resource(fixture, id).tags.extend(tags()),
        (Verb::Untag, kind) => {
            let tags = match kind {
                ResourceKind::TaskDefinition => match fixture.observed.definitions.get_mut(text("arn")) {
                    Some(Seen::Present(definition)) => &mut definition.tags,
                    _ => panic!("{} was not seen", text("arn")),
                },
                ResourceKind::Service => &mut service(fixture, &id.key).tags,
                _ => &mut resource(fixture, id).tags,
            };
            let keys: Vec<String> = serde_json::from_value(call["keys"].clone()).unwrap();
            keys.iter().for_each(|key| drop(tags.remove(key)));
        }
        (Verb::Register, _) => register(fixture, &component, text("hash"), &call["fields"], &tags()),
        (Verb::Run, _) => run(fixture, &component, text("token"), &call["fields"]),
        (Verb::Stop, _) => stop(fixture, text("arn")),
        (Verb::Deregister, ResourceKind::TargetGroup) => {
            let gone: Vec<(String, u16)> = serde_json::from_value(call["targets"].clone()).unwrap();
            if let Some(Seen::Present(registered)) = fixture.observed.targets.get_mut(&id.key) {
                registered.retain(|target| !gone.iter().any(|(id, _)| *id == target.id));
            }
        }
        (Verb::Deregister, _) => {
            for family in fixture.observed.families.values_mut() {
                if let Seen::Present(arns) = family {
                    arns.retain(|known| known != text("arn"));
                }
            }
        }
        (Verb::Delete, ResourceKind::Service) => {
            if fixture.observed.leftover_services.remove(&id.key).is_none() {
                fixture.observed.services.insert(component, Seen::Absent);
            }
        }
        (Verb::Delete, _) => delete(fixture, id),
    }
}

fn update_service(fixture: &mut Fixture, component: &ComponentName, fields: &Tree) {
    let updated = service(fixture, component.as_str());
    for (key, value) in fields.as_object().expect("fields are an object") {
        match key.as_str() {
            "cluster" | "service" => {}
            "taskDefinition" => updated.task_definition = value.as_str().unwrap().to_owned(),
            _ => updated.fields[key] = value.clone(),
        }
    }
    rest(updated);
    if fields.get("taskDefinition").is_some() {
        arrive(fixture, component);
    }
    if fields.get("loadBalancers").is_some() {
        fixture.observed.tasks.insert(component.clone(), Seen::NotRead);
        register_targets(fixture, component);
    }
}

/// Rules stand at their new priorities, each under the key that is declared there.
fn reposition(fixture: &mut Fixture, priorities: &BTreeMap<String, i32>) {
    let moving =
        |seen: &Seen<ObservedResource>| seen.present().is_some_and(|r| priorities.contains_key(&r.arn));
    let mut rules: BTreeMap<String, ObservedResource> = BTreeMap::new();
    for seen in fixture.observed.resources.values_mut().filter(|seen| moving(seen)) {
        if let Seen::Present(rule) = std::mem::replace(seen, Seen::Absent) {
            rules.insert(rule.arn.clone(), rule);
        }
    }
    fixture.observed.leftovers.retain(|_, (_, seen)| {
        let gone = moving(seen);
        if let (true, Seen::Present(rule)) = (gone, &*seen) {
            rules.insert(rule.arn.clone(), rule.clone());
        }
        !gone
    });
    for (arn, mut rule) in rules {
        rule.fields["priority"] = priorities[&arn].into();
        let declared = fixture.resolved.resources.iter().find(|(id, resolved)| {
            let fields = resolved.fields.as_ref();
            id.kind == ResourceKind::Rule
                && fields.is_some_and(|fields| {
                    fields["priority"] == rule.fields["priority"]
                        && fields["listenerArn"] == rule.fields["listenerArn"]
                })
        });
        let id = declared.map(|(id, _)| id.clone()).expect("rules are moved to where they are declared");
        fixture.observed.resources.insert(id, Seen::Present(rule));
    }
}

/// The tasks of a service are healthy targets of its groups.
fn register_targets(fixture: &mut Fixture, component: &ComponentName) {
    let Some(Seen::Present(service)) = fixture.observed.services.get(component) else { return };
    let arns: Vec<String> = service.fields["loadBalancers"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|balancer| Some(balancer["targetGroupArn"].as_str()?.to_owned()))
        .collect();
    let count = service.desired;
    for (id, seen) in &fixture.observed.resources {
        if !seen.present().is_some_and(|group| arns.contains(&group.arn)) {
            continue;
        }
        let target = |number: u32| ObservedTarget {
            id: format!("10.9.0.{number}"),
            port: 8080,
            state: "healthy".to_owned(),
            reason: None,
            description: None,
        };
        fixture.observed.targets.insert(id.key.clone(), Seen::Present((0..count).map(target).collect()));
    }
}

fn stop(fixture: &mut Fixture, arn: &str) {
    let observed = &mut fixture.observed;
    let all = observed.tasks.values_mut().chain(observed.former_tasks.values_mut());
    let all = all.filter_map(|seen| match seen {
        Seen::Present(tasks) => Some(tasks),
        _ => None,
    });
    all.flatten().filter(|task| task.arn == arn).for_each(|task| task.last_status = "STOPPED".to_owned());
}

fn create(fixture: &mut Fixture, id: &ResourceId, fields: Tree, tags: &BTreeMap<String, String>) {
    let made = ObservedResource { tags: tags.clone(), ..ObservedResource::new(format!("new/{id}"), fields) };
    fixture.rollout.resource_mut(&id.clone()).arn = Some(made.arn.clone());
    fixture.observed.resources.insert(id.clone(), Seen::Present(made));
}

fn delete(fixture: &mut Fixture, id: &ResourceId) {
    if fixture.observed.leftovers.remove(&id.key).is_none() {
        fixture.observed.resources.insert(id.clone(), Seen::Absent);
    }
    fixture.rollout.resources.remove(id);
}

fn resource<'w>(fixture: &'w mut Fixture, id: &ResourceId) -> &'w mut ObservedResource {
    let observed = &mut fixture.observed;
    let left_over = observed.leftovers.get_mut(&id.key).map(|(_, seen)| seen);
    match left_over.or_else(|| observed.resources.get_mut(id)) {
        Some(Seen::Present(resource)) => resource,
        _ => panic!("{id} is changed and not there"),
    }
}

fn set(fixture: &mut Fixture, id: &ResourceId, key: &str, value: Value) {
    resource(fixture, id).fields[key] = value;
}

/// Target groups that a new action forwards to are used from now on.
fn forward(fixture: &mut Fixture, fields: &Tree) {
    let text = fields.to_string();
    for seen in fixture.observed.resources.values_mut() {
        if let Seen::Present(group) = seen
            && text.contains(&group.arn)
            && group.used_by.is_empty()
        {
            group.used_by.push("lb/edge".to_owned());
        }
    }
}

fn service<'w>(fixture: &'w mut Fixture, key: &str) -> &'w mut ObservedService {
    let declared = fixture.observed.services.get_mut(key);
    match declared.or_else(|| fixture.observed.leftover_services.get_mut(key)) {
        Some(Seen::Present(service)) => service,
        _ => panic!("service {key} is changed and not there"),
    }
}

/// ECS has done what the service says.
fn rest(service: &mut ObservedService) {
    let count = service.fields["desiredCount"].as_u64().unwrap_or(1);
    let count = u32::try_from(count).unwrap();
    (service.desired, service.running, service.pending) = (count, count, 0);
    service.deployments = vec![ObservedDeployment {
        id: "ecs-svc/2".to_owned(),
        status: "PRIMARY".to_owned(),
        task_definition: service.task_definition.clone(),
        rollout_state: Some("COMPLETED".to_owned()),
        rollout_state_reason: None,
        desired: count,
        running: count,
        pending: 0,
        failed: 0,
        created_at: None,
    }];
}

fn create_service(
    fixture: &mut Fixture,
    component: &ComponentName,
    fields: &Tree,
    tags: &BTreeMap<String, String>,
) {
    let text = |key: &str| fields[key].as_str().unwrap().to_owned();
    let mut made = ObservedService {
        controller: None,
        current_deployment: None,
        revision: None,
        arn: format!("service/{}", text("serviceName")),
        name: text("serviceName"),
        status: "ACTIVE".to_owned(),
        created_at: None,
        fields: fields.clone(),
        task_definition: text("taskDefinition"),
        desired: 0,
        running: 0,
        pending: 0,
        deployments: Vec::new(),
        events: Vec::new(),
        tags: tags.clone(),
    };
    rest(&mut made);
    let id = ResourceId::new(ResourceKind::Service, component.as_str());
    fixture.rollout.resource_mut(&id).arn = Some(made.arn.clone());
    fixture.observed.services.insert(component.clone(), Seen::Present(made));
    // Its tasks are looked at in a later pass.
    fixture.observed.tasks.insert(component.clone(), Seen::NotRead);
    register_targets(fixture, component);
}

/// The rollout has seen the deployment through.
fn arrive(fixture: &mut Fixture, component: &ComponentName) {
    let now = fixture.now;
    let state = fixture.rollout.components.get_mut(component).expect("a component that rolls has a state");
    if let Phase::Rolling { hash, .. } = &state.phase {
        state.phase = Phase::Complete { hash: hash.clone(), since: now };
        state.completed.clone_from(&state.revision);
    }
}

fn register(
    fixture: &mut Fixture,
    component: &ComponentName,
    hash: &str,
    fields: &Tree,
    tags: &BTreeMap<String, String>,
) {
    let arn = format!("task-definition/{}:99", fields["family"].as_str().unwrap());
    let made = ObservedDefinition {
        arn: arn.clone(),
        status: "ACTIVE".to_owned(),
        registered_at: Some(fixture.now),
        registered_by: None,
        fields: fields.clone(),
        tags: tags.clone(),
    };
    fixture.observed.definitions.insert(arn.clone(), Seen::Present(made));
    let state = fixture.rollout.components.entry(component.clone()).or_default();
    state.revision = Some(Revision { hash: hash.into(), arn, registered: None });
}

fn run(fixture: &mut Fixture, component: &ComponentName, token: &str, fields: &Tree) {
    let made = ObservedTask {
        arn: format!("task/{token}"),
        task_definition: fields["taskDefinition"].as_str().unwrap().to_owned(),
        last_status: "RUNNING".to_owned(),
        started_by: Some(token.to_owned()),
        created_at: None,
        stopping_at: None,
        execution_stopped_at: None,
        stopped_at: None,
        stop_code: None,
        stopped_reason: None,
        containers: Vec::new(),
        health: None,
        addresses: Vec::new(),
    };
    match fixture.observed.tasks.get_mut(component) {
        Some(Seen::Present(tasks)) => tasks.push(made),
        _ => {
            fixture.observed.tasks.insert(component.clone(), Seen::Present(vec![made]));
        }
    }
}
