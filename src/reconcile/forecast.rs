//! What follows from a plan, pass by pass, if AWS does everything that it is asked for: tasks end
//! well, deployments complete, targets become healthy. Pure; `ctl plan` shows it, so that the whole
//! road is known before its first step is taken.

use super::decide::{Decision, decide};
use super::entry::Declaration;
use crate::model::arn::{family_of, load_balancer_of, revision_number};
use crate::model::call::{Call, Verb};
use crate::model::desired::{ResolvedDefinition, ResolvedState, Workload};
use crate::model::ids::ComponentName;
use crate::model::kinds::application::RunPolicy;
use crate::model::observed::{
    ObservedContainer, ObservedDefinition, ObservedDeployment, ObservedResource, ObservedService,
    ObservedState, ObservedTarget, ObservedTask, Readiness, Seen,
};
use crate::model::plan::{ActionResult, Outcome, Plan, PlannedAction};
use crate::model::resource::{Part, ResourceId, ResourceKind, TAG_COMPONENT, TAG_HASH, TAG_OWNER, Tree};
use crate::model::rollout::{Revision, RolloutState};
use crate::rollout;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Passes that are looked ahead: no road of a sound plan is longer.
const PASSES: usize = 24;

/// Between two passes everything has come to rest, bake times included.
const REST: SignedDuration = SignedDuration::from_hours(25);

/// The plans after this one that hold actions, in order; empty when nothing follows from it.
pub fn forecast(declared: &Declaration, first: &Decision, now: Timestamp) -> Vec<Plan> {
    let mut road = Vec::new();
    let mut decision = first.clone();
    let mut now = now;
    for _ in 0..PASSES {
        let mut world = World { observed: decision.observed.clone(), declared, now };
        let outcomes: Vec<Outcome> = decision
            .plan
            .actions
            .iter()
            .enumerate()
            .map(|(index, action)| Outcome { action: index, result: world.answer(action) })
            .collect();
        let Decision { observed, resolved, step, plan } = &decision;
        let region = declared.desired.placement.region.as_str();
        let intent = rollout::record_intent(step.clone(), observed, plan, region, now);
        let state = rollout::record(intent, resolved, observed, plan, &outcomes);
        now += REST;
        world.rest(now);
        world.shows_revisions(&state, resolved);
        let next = decide(declared, &state, world.observed, now);
        let stands_still = next.plan.actions.is_empty() && plan.actions.is_empty() && next.step == *step;
        if stands_still {
            break;
        }
        if !next.plan.actions.is_empty() {
            road.push(next.plan.clone());
        }
        decision = next;
    }
    road
}

/// AWS as it would be.
struct World<'d> {
    observed: ObservedState,
    declared: &'d Declaration,
    now: Timestamp,
}

impl World<'_> {
    /// Does what is asked for, and says what AWS would.
    fn answer(&mut self, action: &PlannedAction) -> ActionResult {
        let arn = match (action.resource.kind.part(), action.verb) {
            (Part::Service, verb) => self.service(action, verb),
            (Part::TaskDefinition, _) => self.definition(action),
            (Part::Task, verb) => self.task(action, verb),
            (Part::Resource, verb) => self.resource(action, verb),
        };
        let deployment = action.call.writes_revision().then(|| "ecs-svc/0".to_owned());
        ActionResult::Done { arn, deployment }
    }

    fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:aws:{service}:{}::{resource}", self.declared.desired.placement.region)
    }

    fn service(&mut self, action: &PlannedAction, verb: Verb) -> Option<String> {
        let key = &action.resource.key;
        if verb == Verb::Create {
            let Call::CreateService { fields, tags, .. } = &action.call else { return None };
            let name = fields["serviceName"].as_str().unwrap_or_default();
            let cluster = &self.declared.desired.placement.cluster;
            let mut made = ObservedService {
                arn: self.arn("ecs", &format!("service/{cluster}/{name}")),
                name: name.to_owned(),
                status: "ACTIVE".to_owned(),
                created_at: Some(self.now),
                fields: fields.clone(),
                task_definition: fields["taskDefinition"].as_str().unwrap_or_default().to_owned(),
                desired: 0,
                running: 0,
                pending: 0,
                deployments: Vec::new(),
                events: Vec::new(),
                tags: tags.clone(),
                controller: None,
                current_deployment: None,
                revision: None,
            };
            come_to_rest(&mut made, self.now);
            let arn = made.arn.clone();
            self.observed.services.insert(ComponentName::new(key), Seen::Present(made));
            return Some(arn);
        }
        if verb == Verb::Delete {
            self.observed.leftover_services.remove(key);
            if let Some(seen) = self.observed.services.get_mut(key.as_str()) {
                *seen = Seen::Absent;
            }
            return None;
        }
        let now = self.now;
        let declared = self.observed.services.get_mut(key.as_str());
        let found = declared.or_else(|| self.observed.leftover_services.get_mut(key));
        let Some(Seen::Present(service)) = found else { return None };
        if let Call::TagEcs { tags, .. } = &action.call {
            service.tags.extend(tags.clone());
        }
        if let Call::UntagEcs { keys, .. } = &action.call {
            service.tags.retain(|key, _| !keys.contains(key));
        }
        for (member, value) in action.call.fields().and_then(Tree::as_object).into_iter().flatten() {
            match member.as_str() {
                "cluster" | "service" | "forceNewDeployment" => {}
                "taskDefinition" => {
                    value.as_str().unwrap_or_default().clone_into(&mut service.task_definition)
                }
                _ => service.fields[member] = value.clone(),
            }
        }
        come_to_rest(service, now);
        let arn = service.arn.clone();
        self.observed.stages.remove(key.as_str());
        Some(arn)
    }

    fn definition(&mut self, action: &PlannedAction) -> Option<String> {
        match &action.call {
            Call::RegisterTaskDefinition { fields, tags, hash, .. } => {
                let family = fields["family"].as_str().unwrap_or_default();
                let known = self.observed.definitions.keys().filter(|arn| family_of(arn) == family);
                let number = known.map(|arn| revision_number(arn)).max().unwrap_or_default() + 1;
                let arn = self.arn("ecs", &format!("task-definition/{family}:{number}"));
                let mut tags = tags.clone();
                tags.insert(TAG_HASH.to_owned(), hash.to_string());
                let made = ObservedDefinition {
                    arn: arn.clone(),
                    status: "ACTIVE".to_owned(),
                    registered_at: Some(self.now),
                    registered_by: None,
                    fields: fields.clone(),
                    tags,
                };
                self.observed.definitions.insert(arn.clone(), Seen::Present(made));
                Some(arn)
            }
            Call::TagEcs { arn, tags } => {
                if let Some(Seen::Present(definition)) = self.observed.definitions.get_mut(arn) {
                    definition.tags.extend(tags.clone());
                }
                None
            }
            Call::UntagEcs { arn, keys } => {
                if let Some(Seen::Present(definition)) = self.observed.definitions.get_mut(arn) {
                    definition.tags.retain(|key, _| !keys.contains(key));
                }
                None
            }
            Call::DeregisterTaskDefinition { arn } => {
                for family in self.observed.families.values_mut() {
                    if let Seen::Present(revisions) = family {
                        revisions.retain(|known| known != arn);
                    }
                }
                None
            }
            Call::CreateLogGroup { .. }
            | Call::PutRetentionPolicy { .. }
            | Call::DeleteRetentionPolicy { .. }
            | Call::TagLogGroup { .. }
            | Call::UntagLogGroup { .. }
            | Call::DeleteLogGroup { .. }
            | Call::CreateTargetGroup { .. }
            | Call::ModifyTargetGroup { .. }
            | Call::ModifyTargetGroupAttributes { .. }
            | Call::DeleteTargetGroup { .. }
            | Call::DeregisterTargets { .. }
            | Call::CreateListener { .. }
            | Call::ModifyListener { .. }
            | Call::DeleteListener { .. }
            | Call::CreateRule { .. }
            | Call::ModifyRule { .. }
            | Call::DeleteRule { .. }
            | Call::SetRulePriorities { .. }
            | Call::TagElb { .. }
            | Call::UntagElb { .. }
            | Call::RunTask { .. }
            | Call::StopTask { .. }
            | Call::CreateService { .. }
            | Call::UpdateService { .. }
            | Call::ContinueServiceDeployment { .. }
            | Call::DeleteService { .. }
            | Call::PutMetricAlarm { .. }
            | Call::TagAlarm { .. }
            | Call::UntagAlarm { .. }
            | Call::DeleteAlarm { .. } => None,
        }
    }

    fn task(&mut self, action: &PlannedAction, verb: Verb) -> Option<String> {
        if let Call::StopTask { arn, .. } = &action.call {
            self.stop_task(arn);
        }
        let Call::RunTask { token, fields, .. } = &action.call else { return None };
        if verb != Verb::Run {
            return None;
        }
        let name = ComponentName::new(&action.resource.key);
        let desired = &self.declared.desired;
        let arn = self.arn("ecs", &format!("task/{}/{token}", desired.placement.cluster));
        let component = desired.components.get(&name)?;
        let forever = matches!(component.workload, Workload::Task { run: RunPolicy::Forever, .. });
        let containers = component.task_definition["containerDefinitions"].as_array();
        let ended = |container: &Tree| ObservedContainer {
            name: container["name"].as_str().unwrap_or_default().to_owned(),
            exit_code: (!forever).then_some(0),
            reason: None,
        };
        let made = ObservedTask {
            arn: arn.clone(),
            task_definition: fields["taskDefinition"].as_str().unwrap_or_default().to_owned(),
            last_status: if forever { "RUNNING" } else { "STOPPED" }.to_owned(),
            started_by: Some(token.clone()),
            created_at: Some(self.now),
            stopping_at: None,
            execution_stopped_at: None,
            stopped_at: (!forever).then_some(self.now),
            stop_code: (!forever).then(|| "EssentialContainerExited".to_owned()),
            stopped_reason: None,
            containers: containers.into_iter().flatten().map(ended).collect(),
            health: None,
            addresses: Vec::new(),
        };
        self.observed.tasks.insert(name, Seen::Present(vec![made]));
        Some(arn)
    }

    fn stop_task(&mut self, arn: &str) {
        let tasks = self.observed.tasks.values_mut().chain(self.observed.former_tasks.values_mut());
        let tasks = tasks.filter_map(|seen| match seen {
            Seen::Present(tasks) => Some(tasks),
            Seen::Absent | Seen::NotRead | Seen::Unknown(_) => None,
        });
        for task in tasks.flatten().filter(|task| task.arn == arn) {
            "STOPPED".clone_into(&mut task.last_status);
            task.stopped_at = Some(self.now);
        }
    }

    fn resource(&mut self, action: &PlannedAction, verb: Verb) -> Option<String> {
        let id = &action.resource;
        if let Call::SetRulePriorities { priorities } = &action.call {
            self.reposition(priorities);
            return None;
        }
        match verb {
            Verb::Create => self.create(id, &action.call),
            Verb::Delete => {
                if self.observed.leftovers.remove(&id.key).is_none() {
                    self.observed.resources.insert(id.clone(), Seen::Absent);
                }
                None
            }
            Verb::Deregister => {
                if let (Call::DeregisterTargets { targets: gone, .. }, Some(Seen::Present(targets))) =
                    (&action.call, self.observed.targets.get_mut(&id.key))
                {
                    targets.retain(|target| !gone.iter().any(|(id, _)| *id == target.id));
                }
                None
            }
            Verb::Register | Verb::Run | Verb::Stop => None,
            Verb::Update | Verb::Tag | Verb::Untag => {
                let Some(Seen::Present(resource)) = self.observed.resources.get_mut(id) else { return None };
                match &action.call {
                    Call::PutRetentionPolicy { days, .. } => resource.fields["retentionInDays"] = json!(days),
                    Call::DeleteRetentionPolicy { .. } => resource.fields["retentionInDays"] = Value::Null,
                    Call::ModifyTargetGroupAttributes { attributes, .. } => {
                        for (key, value) in attributes {
                            resource.fields["attributes"][key] = json!(value);
                        }
                    }
                    Call::UntagElb { keys, .. }
                    | Call::UntagLogGroup { keys, .. }
                    | Call::UntagAlarm { keys, .. } => {
                        resource.tags.retain(|key, _| !keys.contains(key));
                    }
                    Call::TagElb { tags, .. }
                    | Call::TagLogGroup { tags, .. }
                    | Call::TagAlarm { tags, .. } => {
                        resource.tags.extend(tags.clone());
                    }
                    // It is put as a whole: what is not named gets its default back.
                    Call::PutMetricAlarm { fields, .. } => resource.fields = fields.clone(),
                    call => {
                        for (member, value) in call.fields().and_then(Tree::as_object).into_iter().flatten() {
                            resource.fields[member] = value.clone();
                        }
                    }
                }
                Some(resource.arn.clone())
            }
        }
    }

    fn create(&mut self, id: &ResourceId, call: &Call) -> Option<String> {
        let (fields, tags) = match call {
            Call::CreateLogGroup { name, kms_key_id, tags } => {
                (json!({"logGroupName": name, "kmsKeyId": kms_key_id}), tags)
            }
            Call::PutRetentionPolicy { days, .. } => {
                if let Some(Seen::Present(group)) = self.observed.resources.get_mut(id) {
                    group.fields["retentionInDays"] = json!(days);
                }
                return None;
            }
            Call::CreateTargetGroup { fields, tags }
            | Call::CreateListener { fields, tags }
            | Call::CreateRule { fields, tags }
            | Call::PutMetricAlarm { fields, tags } => (fields.clone(), tags),
            Call::DeleteRetentionPolicy { .. }
            | Call::TagLogGroup { .. }
            | Call::UntagLogGroup { .. }
            | Call::DeleteLogGroup { .. }
            | Call::ModifyTargetGroup { .. }
            | Call::ModifyTargetGroupAttributes { .. }
            | Call::DeleteTargetGroup { .. }
            | Call::DeregisterTargets { .. }
            | Call::ModifyListener { .. }
            | Call::DeleteListener { .. }
            | Call::ModifyRule { .. }
            | Call::DeleteRule { .. }
            | Call::SetRulePriorities { .. }
            | Call::TagElb { .. }
            | Call::UntagElb { .. }
            | Call::RegisterTaskDefinition { .. }
            | Call::DeregisterTaskDefinition { .. }
            | Call::RunTask { .. }
            | Call::StopTask { .. }
            | Call::CreateService { .. }
            | Call::UpdateService { .. }
            | Call::ContinueServiceDeployment { .. }
            | Call::DeleteService { .. }
            | Call::TagAlarm { .. }
            | Call::UntagAlarm { .. }
            | Call::DeleteAlarm { .. }
            | Call::TagEcs { .. }
            | Call::UntagEcs { .. } => return None,
        };
        let name = fields["name"].as_str().unwrap_or(&id.key);
        let arn = match id.kind {
            ResourceKind::TargetGroup => self.arn("elasticloadbalancing", &format!("targetgroup/{name}/new")),
            kind => self.arn("elasticloadbalancing", &format!("{kind}/{}/new", id.key)),
        };
        let made = ObservedResource { tags: tags.clone(), ..ObservedResource::new(arn.clone(), fields) };
        self.observed.resources.insert(id.clone(), Seen::Present(made));
        Some(arn)
    }

    /// Rules stand at their new priorities, each where it is declared.
    fn reposition(&mut self, priorities: &BTreeMap<String, i32>) {
        let declared = &self.declared.desired.resources;
        let mut rules = BTreeMap::new();
        for (id, seen) in &mut self.observed.resources {
            let moves = seen.present().is_some_and(|rule| priorities.contains_key(&rule.arn));
            if let Some(Seen::Present(rule)) =
                (moves && id.kind == ResourceKind::Rule).then(|| std::mem::replace(seen, Seen::Absent))
            {
                rules.insert(rule.arn.clone(), rule);
            }
        }
        for arn in priorities.keys() {
            if let Some((_, Seen::Present(rule))) = self.observed.leftovers.remove(arn) {
                rules.insert(arn.clone(), rule);
            }
        }
        for (arn, mut rule) in rules {
            rule.fields["priority"] = json!(priorities[&arn]);
            let key = rule.tags.get(TAG_COMPONENT).cloned().unwrap_or_default();
            let by_tag = ResourceId::new(ResourceKind::Rule, key);
            let there = declared.iter().find(|(id, resource)| {
                id.kind == ResourceKind::Rule && resource.fields["priority"] == rule.fields["priority"]
            });
            let id =
                if declared.contains_key(&by_tag) { Some(by_tag) } else { there.map(|(id, _)| id.clone()) };
            if let Some(id) = id {
                self.observed.resources.insert(id, Seen::Present(rule));
            }
        }
    }

    /// The load balancers that forward to each target group, by ARNs.
    fn users(&self) -> BTreeMap<String, BTreeSet<String>> {
        let all = || self.observed.all_resources().filter_map(|(_, seen)| seen.present());
        let balancer_of = |listener: &str| {
            let known =
                all().find(|one| one.arn == listener).and_then(|one| one.fields["loadBalancerArn"].as_str());
            known.map(str::to_owned).or_else(|| load_balancer_of(listener))
        };
        let mut users: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for resource in all() {
            let mut groups = BTreeSet::new();
            target_groups(&resource.fields["actions"], &mut groups);
            target_groups(&resource.fields["defaultActions"], &mut groups);
            let own = resource.fields["loadBalancerArn"].as_str().map(str::to_owned);
            let balancer = own.or_else(|| balancer_of(resource.fields["listenerArn"].as_str()?));
            let Some(balancer) = balancer else { continue };
            for group in groups {
                users.entry(group).or_default().insert(balancer.clone());
            }
        }
        users
    }

    /// The next look shows the revisions that the rollout went back to: what is wanted ran before,
    /// and this look had no reason to read it.
    fn shows_revisions(&mut self, state: &RolloutState, resolved: &ResolvedState) {
        for (name, component) in &state.components {
            let Some(revision) = &component.revision else { continue };
            let definition = resolved.components.get(name).and_then(|resolved| resolved.definition.as_ref());
            let Some(definition) = definition.filter(|definition| definition.hash == revision.hash) else {
                continue;
            };
            let unread = matches!(self.observed.definitions.get(&revision.arn), None | Some(Seen::NotRead));
            if unread {
                let known = self.known(name, revision, definition);
                self.observed.definitions.insert(revision.arn.clone(), Seen::Present(known));
            }
        }
    }

    fn known(
        &self,
        name: &ComponentName,
        revision: &Revision,
        definition: &ResolvedDefinition,
    ) -> ObservedDefinition {
        let desired = &self.declared.desired;
        let mut tags = desired.tags.clone();
        tags.extend([
            (TAG_OWNER.to_owned(), desired.deployment.to_string()),
            (TAG_COMPONENT.to_owned(), name.to_string()),
            (TAG_HASH.to_owned(), revision.hash.to_string()),
        ]);
        ObservedDefinition {
            arn: revision.arn.clone(),
            status: "ACTIVE".to_owned(),
            registered_at: revision.registered,
            registered_by: None,
            fields: definition.fields.clone(),
            tags,
        }
    }

    /// Everything has come to rest: targets are healthy, and what forwards to a group uses it.
    fn rest(&mut self, now: Timestamp) {
        self.now = now;
        self.observed.at = now;
        let mut registered: BTreeMap<String, u32> = BTreeMap::new();
        for (_, seen) in self.observed.all_services() {
            let Some(service) = seen.present() else { continue };
            for balancer in service.fields["loadBalancers"].as_array().into_iter().flatten() {
                if let Some(arn) = balancer["targetGroupArn"].as_str() {
                    *registered.entry(arn.to_owned()).or_default() += service.desired;
                }
            }
        }
        // What AWS is at work on is done.
        let left = self.observed.leftovers.values_mut().map(|(_, seen)| seen);
        let all = self.observed.resources.values_mut().chain(self.observed.load_balancers.values_mut());
        for seen in all.chain(left) {
            if let Seen::Present(resource) = seen
                && matches!(resource.readiness, Readiness::Changing { .. })
            {
                resource.readiness = Readiness::Ready;
            }
        }
        let users = self.users();
        let declared = self.observed.resources.iter_mut().map(|(id, seen)| (id.clone(), seen));
        let leftovers = self.observed.leftovers.iter_mut();
        let leftovers = leftovers.map(|(arn, (kind, seen))| (ResourceId::left_over(*kind, arn), seen));
        for (id, seen) in declared.chain(leftovers) {
            let Seen::Present(group) = seen else { continue };
            if id.kind != ResourceKind::TargetGroup {
                continue;
            }
            group.used_by = users.get(&group.arn).into_iter().flatten().cloned().collect();
            let count = registered.get(&group.arn).copied().unwrap_or_default();
            let target = |number: u32| ObservedTarget {
                id: format!("target-{number}"),
                port: 0,
                state: "healthy".to_owned(),
                reason: None,
                description: None,
            };
            self.observed.targets.insert(id.key, Seen::Present((0..count).map(target).collect()));
        }
        let ends = |name: &ComponentName| {
            let component = self.declared.desired.components.get(name);
            !component
                .is_some_and(|one| matches!(one.workload, Workload::Task { run: RunPolicy::Forever, .. }))
        };
        for (name, seen) in &mut self.observed.tasks {
            if let (Seen::Present(tasks), true) = (seen, ends(name)) {
                tasks.iter_mut().filter(|task| !task.is_stopped()).for_each(end);
            }
        }
        self.observed.stopping_tasks.clear();
        let stays = |arn: &String| {
            let formers = self.declared.desired.handover.formers.values().flatten();
            formers.into_iter().any(|former| former.arn == *arn && former.stays)
        };
        for (_, seen) in self.observed.formers.iter_mut().filter(|(arn, _)| !stays(arn)) {
            *seen = Seen::Absent;
        }
        self.observed.shifting.values_mut().for_each(|seen| *seen = Seen::Absent);
        // Which tasks a service has after all this, nobody knows.
        let services: Vec<ComponentName> = self.observed.services.keys().cloned().collect();
        for name in services {
            let component = self.declared.desired.components.get(&name);
            if component.is_some_and(|component| matches!(component.workload, Workload::Service { .. })) {
                self.observed.tasks.insert(name, Seen::NotRead);
            }
        }
    }
}

/// A run has ended well, in time.
fn end(task: &mut ObservedTask) {
    "STOPPED".clone_into(&mut task.last_status);
    task.stop_code.get_or_insert_with(|| "EssentialContainerExited".to_owned());
    task.stopped_at = task.created_at;
    for container in &mut task.containers {
        container.exit_code.get_or_insert(0);
    }
}

fn target_groups(actions: &Tree, found: &mut BTreeSet<String>) {
    for action in actions.as_array().into_iter().flatten() {
        let groups = action["targetGroups"].as_array().into_iter().flatten();
        found.extend(groups.filter_map(|group| group["targetGroupArn"].as_str()).map(str::to_owned));
    }
}

/// ECS has done what the service says.
fn come_to_rest(service: &mut ObservedService, now: Timestamp) {
    let count = service.fields["desiredCount"].as_u64().and_then(|count| u32::try_from(count).ok());
    let count = count.unwrap_or(service.desired);
    (service.desired, service.running, service.pending) = (count, count, 0);
    service.deployments = vec![ObservedDeployment {
        id: "ecs-svc/0".to_owned(),
        status: "PRIMARY".to_owned(),
        task_definition: service.task_definition.clone(),
        rollout_state: Some("COMPLETED".to_owned()),
        rollout_state_reason: None,
        desired: count,
        running: count,
        pending: 0,
        failed: 0,
        created_at: Some(now),
    }];
}
