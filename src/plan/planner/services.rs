//! Services: created and pointed at a revision in phase `Rolling` alone, repaired in every phase.

use super::capacity::FORCED;
use super::drift::Baseline;
use super::stopping::{stop_before_update, stop_predecessors};
use super::strategy::{Step, moves_groups, moves_production, shares_traffic};
use super::traffic::{self, Stay};
use super::{Draft, Writable, capacity, changes, definitions, seen, tags, unfinished, unsaid};
use crate::model::arn::{family_of, family_revision, is_service};
use crate::model::call::{Call, Verb};
use crate::model::desired::{DesiredComponent, ResolvedComponent, Workload};
use crate::model::ids::ContentHash;
use crate::model::kinds::DriftPolicy;
use crate::model::observed::{ObservedService, Seen};
use crate::model::owner::Owner;
use crate::model::plan::{FieldChange, Impact, Ownership, Reason, WaitingOn};
use crate::model::predecessor::{Predecessor, serves_for, stands_for, surplus};
use crate::model::resource::{ResourceId, ResourceKind, TAG_COMPONENT, Tree};
use crate::model::resource_record::Refusal;
use crate::model::rollout::{ComponentRollout, Phase, client_token};
use crate::model::service_deployment::shifts_traffic;
use crate::plan::PlanInput;
use crate::plan::diff::{differences, leave, tag_differences, updated_fields};
use crate::plan::resources::target_group::load_balancers;
use crate::plan::resources::texts;
use crate::plan::resources::{self, ResourceType};
use crate::plan::row::{Difference, Effect, UpdateCall};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

const GRACE: &str = "healthCheckGracePeriodSeconds";

pub(super) fn plan(draft: &mut Draft<'_>) {
    let input = draft.input;
    let nothing = ComponentRollout::default();
    for (name, component) in &input.desired.components {
        let Workload::Service { service_name, .. } = &component.workload else { continue };
        let Some(resolved) = input.resolved.components.get(name) else { continue };
        let id = ResourceId::new(ResourceKind::Service, name.as_str());
        let state = input.rollout.components.get(name).map_or(&nothing, AsRef::as_ref);
        let one = One { id: &id, component, resolved, state, service_name };
        match seen(&input.observed.services, name) {
            Seen::NotRead => {}
            Seen::Unknown(gap) => draft.wait_unobserved(&id, gap),
            Seen::Absent => absent(draft, &one),
            Seen::Present(service) if service.status == "DRAINING" => {
                draft.wait(&id, WaitingOn::Draining { service: service.name.clone() });
            }
            Seen::Present(service) => match draft.owner(&id, &service.arn, &service.tags) {
                Owner::Ours => {
                    let impassable = || Some(draft.impassable.get(name)?.because.clone());
                    match service.deployed_by_another().or_else(impassable) {
                        Some(message) => draft.note(&id, message, true),
                        None if is_held_for_another(draft, &one, service) => {}
                        None => repair(draft, &one, service),
                    }
                }
                Owner::Foreign(owner) => draft.note_foreign(&id, &format!("service `{service_name}`"), owner),
            },
        }
    }
}

/// One service component.
#[derive(Clone, Copy)]
struct One<'a> {
    id: &'a ResourceId,
    component: &'a DesiredComponent,
    resolved: &'a ResolvedComponent,
    state: &'a ComponentRollout,
    service_name: &'a str,
}

/// A revision that the rollout wants a service to run, and since when.
struct Intent<'a> {
    hash: &'a ContentHash,
    revision: &'a str,
    since: Timestamp,
}

impl One<'_> {
    /// The revision that the service is to run now, while the rollout wants one to be written.
    fn revision_to_write(&self) -> Option<Intent<'_>> {
        let Phase::Rolling { hash, deployment: None, since, .. } = &self.state.phase else { return None };
        let revision = self.state.revision.as_ref().filter(|revision| revision.hash == *hash)?;
        Some(Intent { hash, revision: &revision.arn, since: *since })
    }

    /// Whether the recorded service has another name, or is in another cluster, than is declared by
    /// now: nobody deleted the declared one.
    fn stands_elsewhere(&self, draft: &Draft<'_>) -> bool {
        let cluster = &draft.input.desired.placement.cluster;
        draft.input.rollout.arn(self.id).is_some_and(|arn| !is_service(arn, cluster, self.service_name))
    }

    /// How many tasks the service is to have that the declared one takes the place of, under
    /// another name or in another cluster.
    fn predecessor_count(&self, draft: &Draft<'_>) -> Option<u32> {
        let arn = draft.input.rollout.arn(self.id).filter(|_| self.stands_elsewhere(draft))?;
        let mut services = draft.input.observed.all_services().filter_map(|(_, seen)| seen.present());
        let service = services.find(|service| service.arn == arn)?;
        Some(draft.input.rollout.count_to_restore(&Tree::Null, service).unwrap_or(service.desired))
    }

    /// Whether the revision that was sent last is another one: what it points at is no drift, but
    /// an edit that is undone.
    fn sent_another(&self, draft: &Draft<'_>, wanted: &str) -> bool {
        let known = draft.input.rollout.resources.get(self.id);
        let sent = known.and_then(|known| known.sent_fields.get("taskDefinition"));
        sent.is_some_and(|sent| sent.value.tree() != wanted)
    }

    /// Whether the rollout of this content was complete before: rolling it again repairs what
    /// someone did.
    fn was_complete(&self) -> bool {
        let completed = self.state.completed.as_ref().map(|revision| &revision.hash);
        completed.is_some() && completed == self.state.phase.hash()
    }
}

fn absent(draft: &mut Draft<'_>, one: &One<'_>) {
    let (Some(intent), Some(fields)) = (one.revision_to_write(), &one.resolved.fields) else {
        gone(draft, one);
        return;
    };
    if let Some(because) = shares_traffic(draft, fields) {
        draft.note(one.id, because, true);
        return;
    }
    if let Some(on) = without_traffic(draft, fields) {
        draft.wait(one.id, on);
        return;
    }
    let reason = if one.stands_elsewhere(draft) {
        Some(Reason::Changed)
    } else {
        draft.judge_absent(one.id, &one.resolved.declared)
    };
    let Some(reason) = reason else { return };
    if stop_predecessors(draft, one.id, one.component) {
        return;
    }
    let token = token(draft, one, &intent);
    let mut fields = fields.clone();
    if let (Some(members), Workload::Service { initial_count, most, .. }) =
        (fields.as_object_mut(), &one.component.workload)
    {
        members.insert("cluster".to_owned(), json!(draft.input.desired.placement.cluster));
        members.insert("serviceName".to_owned(), json!(one.service_name));
        members.insert("taskDefinition".to_owned(), json!(intent.revision));
        // Where neither is declared it runs on Fargate, whatever the cluster's default is.
        if !members.contains_key("capacityProviderStrategy") {
            members.entry("launchType").or_insert(json!("FARGATE"));
        }
        // ECS refuses a count for DAEMON services.
        if members.get("schedulingStrategy").is_none_or(|strategy| strategy != "DAEMON") {
            // Where nobody declares the count, its predecessor has the one that is needed.
            let count = one.predecessor_count(draft).unwrap_or_default().max(*initial_count);
            let count = most.map_or(count, |most| count.min(most));
            members.entry("desiredCount").or_insert(json!(count));
        }
    }
    let tags = draft.tags(one.id);
    let call = Call::CreateService { component: one.component.name.clone(), token, fields, tags };
    draft.act(one.id, Verb::Create, call, reason, Vec::new());
}

/// An absent service whose time has not come: told when someone deleted it and the document wants
/// it only reported.
fn gone(draft: &mut Draft<'_>, one: &One<'_>) {
    let rollout = draft.input.rollout;
    let known = rollout.arn(one.id).is_some() || rollout.applied(one.id).is_some();
    let ours = one.stands_elsewhere(draft) || draft.is_deleted_by_us(one.id);
    if known && !ours && draft.policy(one.id, "") != DriftPolicy::Ignore {
        draft.report_drift(one.id, None, false);
    }
}

/// The token of one creation: another for every new intent.
fn token(draft: &Draft<'_>, one: &One<'_>, intent: &Intent<'_>) -> String {
    let Intent { hash, since, .. } = intent;
    client_token(&format!("{}/{}/{hash}/{since}", draft.input.desired.deployment, one.component.name))
}

/// ECS refuses a service whose target group no load balancer forwards to. When one of our own rules
/// or listeners is going to, the service waits for it; a rule that this plan makes comes before the
/// service.
fn without_traffic(draft: &Draft<'_>, fields: &Tree) -> Option<WaitingOn> {
    let input = draft.input;
    for arn in load_balancers(fields).filter_map(|balancer| balancer["targetGroupArn"].as_str()) {
        let mut seen = input.observed.all_resources().filter_map(|(_, seen)| seen.present());
        let group = seen.find(|group| group.arn == arn);
        if group.is_none_or(|group| !group.used_by.is_empty()) || is_forwarded_to(draft, arn) {
            continue;
        }
        let made_now = draft.actions.iter().any(|action| {
            forwards(action.resource.kind) && action.call.fields().is_some_and(|fields| mentions(fields, arn))
        });
        if made_now {
            continue;
        }
        let forwarder = input
            .desired
            .resources
            .iter()
            .find(|(id, resource)| forwards(id.kind) && forwards_to_group(draft, &resource.fields, arn));
        if let Some((id, _)) = forwarder {
            return Some(WaitingOn::Resource { id: id.clone() });
        }
    }
    None
}

/// Whether AWS shows one of our rules or listeners that forwards to this target group, whatever the
/// group itself knows of it yet.
fn is_forwarded_to(draft: &Draft<'_>, arn: &str) -> bool {
    draft.input.observed.all_resources().any(|(id, seen)| {
        forwards(id.kind) && seen.present().is_some_and(|found| mentions(&found.fields, arn))
    })
}

/// Whether unresolved fields of a rule or listener name the target group with this ARN, by its key.
fn forwards_to_group(draft: &Draft<'_>, fields: &Tree, arn: &str) -> bool {
    let resources = &draft.input.observed.resources;
    let keys = resources
        .iter()
        .filter(|(id, seen)| {
            id.kind == ResourceKind::TargetGroup && seen.present().is_some_and(|group| group.arn == arn)
        })
        .map(|(id, _)| id.key.as_str());
    keys.into_iter().any(|key| names_group(fields, key)) || mentions(fields, arn)
}

/// Whether resources of this kind send traffic to target groups.
fn forwards(kind: ResourceKind) -> bool {
    resources::of(kind).is_some_and(ResourceType::forwards)
}

fn names_group(value: &Value, key: &str) -> bool {
    match value {
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| (name == "targetGroup" && value == key) || names_group(value, key)),
        Value::Array(elements) => elements.iter().any(|element| names_group(element, key)),
        _ => false,
    }
}

fn mentions(value: &Value, text: &str) -> bool {
    match value {
        Value::Object(members) => members.values().any(|value| mentions(value, text)),
        Value::Array(elements) => elements.iter().any(|element| mentions(element, text)),
        other => other == text,
    }
}

/// A service that runs the tasks of another component so far, where either may not run twice:
/// nothing is done to it but to stop those, until it can be pointed at a revision of its own.
/// Answers whether that is still to come.
fn is_lent(draft: &mut Draft<'_>, one: &One<'_>, service: &ObservedService) -> bool {
    let PlanInput { desired, rollout, .. } = draft.input;
    stands_for(desired, rollout, one.id, service).is_some()
        && (one.revision_to_write().is_none() || stop_before_update(draft, one.id, one.component, service))
}

/// What a service is to be for now.
struct Wanted {
    fields: Tree,
    /// Whether its traffic comes back to the declared group first, before ECS may shift it.
    comes_back: bool,
    /// Whether it stays in groups that it is not declared to be in.
    stays: bool,
}

/// What a service that rolls is to be before it may shift its traffic, should that go to another
/// group than the declared one: in both, and still rolling. ECS takes over a rule that sends to
/// where the tasks are, not one that it finds elsewhere.
fn rolling_first(declared: &Tree, service: &ObservedService) -> Option<Tree> {
    if !shifts_traffic(declared) || shifts_traffic(&service.fields) {
        return None;
    }
    let mut fields = declared.clone();
    fields["deploymentConfiguration"] = service.fields["deploymentConfiguration"].clone();
    let balancers = fields["loadBalancers"].as_array_mut().into_iter().flatten();
    balancers.filter_map(Tree::as_object_mut).for_each(|it| drop(it.remove("advancedConfiguration")));
    Some(fields)
}

/// What a service is to be for now: as declared, with what others decided and what it has to keep
/// for a while. `None` while nothing is done to it.
fn wanted(draft: &mut Draft<'_>, one: &One<'_>, service: &ObservedService) -> Option<Wanted> {
    let declared = one.resolved.fields.as_ref()?;
    if is_lent(draft, one, service) {
        return None;
    }
    let fields = capacity::settled(draft, one.id, declared, service);
    let fields = unsaid::kept(draft, one.id, fields, service);
    let fields = with_count(&fields, draft.input.rollout.count_to_restore(declared, service));
    let fields = with_count(&fields, too_many(one.component, &fields, service));
    let fields = with_count(&fields, count_while_sent_to(draft, one.id, &fields, service));
    let first = rolling_first(&fields, service);
    // What will be its alternate group nobody else is to take over.
    let edited = first.is_none() && !draft.is_settled(one.id, &one.resolved.declared);
    let only = |id: &ResourceId| first.is_none() || draft.input.desired.resources.contains_key(id);
    match traffic::stay(draft, first.as_ref().unwrap_or(&fields), service, edited, only, |_| true) {
        Stay::With(entries, waits) => {
            let stays = !entries.is_empty();
            let comes_back = stays && first.is_some();
            waits.into_iter().for_each(|on| draft.wait(one.id, on));
            let fields = first.filter(|_| comes_back).unwrap_or(fields);
            Some(Wanted { fields: with_balancers(&fields, entries), comes_back, stays })
        }
        Stay::Never(because) => {
            draft.note(one.id, because, true);
            None
        }
    }
}

/// How many tasks a service is to have that has more than it may: nobody declares how many, and
/// somebody else's count, or that of a former form of it, is too high.
fn too_many(component: &DesiredComponent, fields: &Tree, service: &ObservedService) -> Option<u32> {
    let Workload::Service { most, .. } = &component.workload else { return None };
    let count = fields["desiredCount"].as_u64().unwrap_or_else(|| u64::from(service.desired));
    (*most).filter(|most| count > u64::from(*most))
}

/// How many tasks a service keeps that is declared to have none, while requests are sent to it that
/// are declared to go elsewhere.
fn count_while_sent_to(
    draft: &mut Draft<'_>,
    id: &ResourceId,
    declared: &Tree,
    service: &ObservedService,
) -> Option<u32> {
    if declared["desiredCount"] != 0 || service.desired == 0 || shifts_traffic(declared) {
        return None;
    }
    let on = traffic::still_sent_to(draft, service)?;
    draft.wait(id, on);
    Some(service.desired)
}

/// Whether nothing is done to a service yet because another declared component serves by it: until
/// that one does so by its own, this one's tasks would answer for it.
fn is_held_for_another(draft: &mut Draft<'_>, one: &One<'_>, service: &ObservedService) -> bool {
    let input = draft.input;
    let server = |id: &ResourceId, service| serves_for(input.desired, input.rollout, id, service);
    let Some(other) = server(one.id, service) else { return false };
    // From each to the one whose service it is to have.
    let mut chain = vec![&one.component.name, other];
    while let Some(last) = chain.last().copied() {
        let own = seen(&input.observed.services, last).present();
        let Some(next) =
            own.and_then(|own| server(&ResourceId::new(ResourceKind::Service, last.as_str()), own))
        else {
            break;
        };
        if chain.contains(&next) {
            let because = format!(
                "service {} is component {other}'s until that has another one, and they wait for each other in a circle; give one of \
                 them another `serviceName`, and this name once it is Ready",
                service.name
            );
            draft.note(one.id, because, true);
            return true;
        }
        chain.push(next);
    }
    let what = ResourceId::new(ResourceKind::Service, other.as_str());
    let own = seen(&input.observed.services, other).present();
    let serves = own.is_some_and(|own| own.arn != service.arn)
        && unfinished::lacking(draft, &input.desired.components[other]).is_none();
    if !serves {
        let because = format!("service {} serves for it until then", service.name);
        draft.wait(one.id, WaitingOn::Declared { what, because });
    }
    !serves
}

fn repair(draft: &mut Draft<'_>, one: &One<'_>, service: &ObservedService) {
    let Some(Wanted { fields, comes_back, stays }) = &wanted(draft, one, service) else { return };
    let mut found = differences(ResourceKind::Service, fields, &service.fields, &BTreeSet::new());
    let stays_with_ports = stays_in_groups(draft, one, fields, service, &mut found);
    let stage = (seen(&draft.input.observed.stages, &one.component.name), one.state.stage.as_ref());
    let step = if *comes_back { Step::Groups } else { Step::of(fields, service, stage, &found) };
    found.extend(tag_differences(ResourceKind::Service, &draft.tags(one.id), &service.tags));
    let tagged_first = draft.is_tagged_first(one.id, &one.resolved.declared, &service.tags);
    if tagged_first {
        found.retain(|difference| difference.row.update_call == UpdateCall::Tag);
    }
    if stands_for(draft.input.desired, draft.input.rollout, one.id, service).is_some() {
        // Whose tasks it runs is told by its tag until it runs its own.
        found.retain(|difference| difference.change.path != format!("tags.{TAG_COMPONENT}"));
    }
    let hold = holds_tasks(&one.state.phase);
    let alone = one.revision_to_write().is_some() && !step.is_gate();
    let refusal = draft.refusal(one.id, &one.resolved.declared, alone);
    if let Some(refusal) = refusal {
        note_refused(draft, one, refusal, &found, step);
    }
    if let Some(on) = step.waits(draft, &one.component.name, service).filter(|_| !hold) {
        draft.wait(one.id, on);
    }
    let another = is_another(draft, one, &found) || stays_with_ports;
    let surplus = waits_for_surplus(draft, one, service, &found);
    let unforwarded = not_forwarded_to(draft, one, fields, &found);
    let stays_without = unforwarded || stays_without_balancers(&found, hold, step);
    let all_found = found.clone();
    let baseline = with_groups(draft.baseline(one.id, &one.resolved.declared), *stays, &found);
    let writable = draft.split_writable(one.id, &baseline, found, |difference| {
        (hold && difference.change.impact > Impact::None)
            || (refusal.is_some() && is_updated(difference))
            || step.holds(&difference.change)
            || (surplus && difference.change.impact >= Impact::StartsDeployment)
            || (another && is_updated(difference))
            || (unforwarded && difference.change.path.starts_with("loadBalancers"))
            || (stays_without && difference.row.path == GRACE)
    });
    let Writable { mut reason, differences: write } = writable;
    let (tags, mut write): (Vec<Difference>, Vec<Difference>) =
        write.into_iter().partition(|difference| difference.row.update_call == UpdateCall::Tag);
    if !tags.is_empty() {
        let call = Call::TagEcs { arn: service.arn.clone(), tags: texts(&tags, "tags.") };
        let reason = draft.reason_to_tag(&service.arn, &reason);
        draft.act(one.id, Verb::Tag, call, reason, changes(&tags));
    }
    tags::take_off(draft, one.id, &service.tags, |keys| Call::UntagEcs { arn: service.arn.clone(), keys });
    write.retain(is_updated);
    let mut update = updated_fields(&write, fields);
    let left = all_found.iter().filter(|difference| !write.contains(difference));
    left.for_each(|difference| leave(&mut update, difference));
    let mut all = changes(&write);
    if tagged_first {
        return;
    }
    // A new revision may be made for the new groups: the two go together.
    let revision = if another || unforwarded || surplus || step.holds_revision() {
        None
    } else {
        revision_change(draft, one, service)
    };
    if let Some((why, change)) = revision {
        add_revision(&mut update, service, &change);
        all.insert(0, change);
        reason = why;
    }
    if !all.is_empty() {
        update_service(draft, one, service, update, reason, all);
    }
}

/// Adds the revision that is to run to an update, or asks for another deployment of the present
/// one.
fn add_revision(update: &mut Map<String, Value>, service: &ObservedService, change: &FieldChange) {
    let revision = if change.path == FORCED {
        update.insert(FORCED.to_owned(), change.new.clone());
        json!(service.task_definition)
    } else {
        change.new.clone()
    };
    update.insert("taskDefinition".to_owned(), revision);
}

/// Whether a service that may not have a second task is to start a deployment while it has more, or
/// those that it had are not stopped yet: ECS counts none that is STOPPING.
fn waits_for_surplus(
    draft: &mut Draft<'_>,
    one: &One<'_>,
    service: &ObservedService,
    found: &[Difference],
) -> bool {
    let starts = one.revision_to_write().is_some()
        || found.iter().any(|difference| difference.change.impact >= Impact::StartsDeployment);
    if !starts {
        return false;
    }
    let waits: Vec<WaitingOn> =
        surplus(draft.input.observed, one.component, service).iter().map(Predecessor::wait).collect();
    let is_there = !waits.is_empty();
    waits.into_iter().for_each(|on| draft.wait(one.id, on));
    is_there
}

/// Takes out what cannot change of the groups of a service whose traffic ECS shifts, and says so.
/// Answers whether new revisions wait for that, too.
fn stays_in_groups(
    draft: &mut Draft<'_>,
    one: &One<'_>,
    fields: &Tree,
    service: &ObservedService,
    found: &mut Vec<Difference>,
) -> bool {
    let because = moves_groups(fields, service).or_else(|| moves_production(draft, fields, service));
    let Some(because) = because else { return false };
    found.retain(|difference| !difference.change.path.starts_with("loadBalancers"));
    draft.note(one.id, because, true);
    has_other_ports(fields, service)
}

/// Whether a service that stays in its groups is declared with other container ports than they are
/// for: ECS takes no revision that lacks these.
///
/// Source: ECS's own words, "The container web did not have a container port 8080 defined."
fn has_other_ports(declared: &Tree, service: &ObservedService) -> bool {
    let port = |it: &Value| (it["containerName"].clone(), it["containerPort"].clone());
    let declared: Vec<_> = load_balancers(declared).map(port).collect();
    load_balancers(&service.fields).any(|it| !declared.contains(&port(it)))
}

/// From when a service was last in agreement, where it stays in groups that it is not declared to
/// be in, or gets others: ECS forgets the grace period with the groups that it is for, so who
/// brings them brings it.
fn with_groups<'a>(baseline: Baseline<'a>, stays: bool, found: &[Difference]) -> Baseline<'a> {
    let baseline = if stays { baseline.with_change("loadBalancers") } else { baseline };
    let groups = found.iter().find(|it| it.change.path.starts_with("loadBalancers"));
    let regrouped = groups.is_some_and(|groups| !baseline.is_drift(groups));
    if regrouped { baseline.with_change(GRACE) } else { baseline }
}

/// Whether what is declared is another service than the one that is there: of another scheduling
/// strategy or launch type, which AWS changes for none. All else that is declared is meant for that
/// one (a DAEMON stops its tasks before it starts new ones), so nothing of it is done to this one.
fn is_another(draft: &Draft<'_>, one: &One<'_>, found: &[Difference]) -> bool {
    found.iter().any(|difference| {
        difference.row.effect == Effect::Impossible
            && draft.policy(one.id, &difference.change.path) == DriftPolicy::Repair
    })
}

/// The call of an update, unless what may not run beside the tasks that it starts has to stop
/// first.
fn update_service(
    draft: &mut Draft<'_>,
    one: &One<'_>,
    service: &ObservedService,
    mut update: Map<String, Value>,
    reason: Reason,
    mut all: Vec<FieldChange>,
) {
    if starts_tasks(service, &all) && stop_before_update(draft, one.id, one.component, service) {
        return;
    }
    if one.component.workload.recreates() {
        let deploying = all.iter_mut().filter(|change| change.impact == Impact::StartsDeployment);
        deploying.for_each(|change| change.impact = Impact::Restarts);
    }
    capacity::force(&mut update);
    update.insert("cluster".to_owned(), json!(draft.input.desired.placement.cluster));
    update.insert("service".to_owned(), json!(service.name));
    let call = Call::UpdateService { component: one.component.name.clone(), fields: Value::Object(update) };
    draft.act(one.id, Verb::Update, call, reason, all);
}

/// Whether a service is to be in a group that one of our rules or listeners is to forward to and
/// does not yet: it waits for that one, for ECS refuses the change until then.
fn not_forwarded_to(draft: &mut Draft<'_>, one: &One<'_>, fields: &Tree, found: &[Difference]) -> bool {
    let moves = found.iter().any(|it| it.change.path.starts_with("loadBalancers"));
    let on = without_traffic(draft, fields).filter(|_| moves);
    on.map(|on| draft.wait(one.id, on)).is_some()
}

/// What replaces tasks waits until the gates are open, and does not stir what failed.
fn holds_tasks(phase: &Phase) -> bool {
    matches!(phase, Phase::Idle | Phase::Waiting { .. } | Phase::RolledBack { .. } | Phase::Stalled { .. })
}

/// Whether the target groups of a service are to change, and not yet: a grace period goes with the
/// groups that it is for.
fn stays_without_balancers(found: &[Difference], hold: bool, step: Step) -> bool {
    let mut balancers = found.iter().filter(|it| it.change.path.starts_with("loadBalancers"));
    balancers.any(|it| hold || step.holds(&it.change))
}

/// Whether changes make a service start tasks: more than none, or others than it runs.
fn starts_tasks(service: &ObservedService, changes: &[FieldChange]) -> bool {
    changes.iter().any(|change| match service.desired {
        0 => change.path == "desiredCount",
        _ => change.impact >= Impact::StartsDeployment,
    })
}

fn is_updated(difference: &Difference) -> bool {
    difference.row.update_call == UpdateCall::UpdateService
}

/// Says what AWS did not take, in its words.
fn note_refused(draft: &mut Draft<'_>, one: &One<'_>, refusal: &Refusal, found: &[Difference], step: Step) {
    let paths: Vec<String> =
        found.iter().filter(|it| is_updated(it)).map(|it| format!("`{}`", it.change.path)).collect();
    if !paths.is_empty() {
        let revisions = if step.is_gate() {
            "new revisions wait for the strategy that is declared"
        } else {
            "new revisions are rolled out without it"
        };
        let message = format!(
            "AWS did not take the change of {}: {}; {revisions}, and it is asked for again later, or at once with another retry annotation",
            paths.join(", "),
            refusal.message
        );
        draft.note(one.id, message, true);
    }
}

/// The declared fields, with the count that a service is to have again.
fn with_count(declared: &Tree, count: Option<u32>) -> Tree {
    let mut fields = declared.clone();
    if let (Some(members), Some(count)) = (fields.as_object_mut(), count) {
        members.insert("desiredCount".to_owned(), json!(count));
    }
    fields
}

/// The declared fields, with further target groups.
fn with_balancers(declared: &Tree, entries: Vec<Tree>) -> Tree {
    let mut fields = declared.clone();
    if let Some(balancers) = fields["loadBalancers"].as_array_mut() {
        balancers.extend(entries);
    }
    fields
}

/// A new deployment of a revision whose deployment ECS has given up. Source: ECS developer guide,
/// deployment circuit breaker: without a rollback the service starts no more tasks until there is a
/// new deployment.
fn another_try(service: &ObservedService) -> (Reason, FieldChange) {
    let what = format!("another try of {}", family_revision(&service.task_definition));
    let change = FieldChange {
        path: FORCED.to_owned(),
        old: json!(false),
        new: json!(true),
        owner: Ownership::Declared,
        impact: Impact::StartsDeployment,
    };
    (Reason::Rollout { what }, change)
}

/// Whether a service runs a revision of another component that is declared: it has that one's name
/// by now, and nobody pointed it there.
fn runs_another_components(draft: &Draft<'_>, one: &One<'_>, service: &ObservedService) -> bool {
    let family = family_of(&service.task_definition);
    let mut components = draft.input.desired.components.values();
    family != one.component.family && components.any(|other| other.family == family)
}

/// The change of the revision, when the rollout wants it written; tells one that is left as it is.
fn revision_change(
    draft: &mut Draft<'_>,
    one: &One<'_>,
    service: &ObservedService,
) -> Option<(Reason, FieldChange)> {
    let change = |new: &str, owner: Ownership| FieldChange {
        path: "taskDefinition".to_owned(),
        old: json!(service.task_definition),
        new: json!(new),
        owner,
        impact: Impact::StartsDeployment,
    };
    if let Some(Intent { revision: wanted, since, .. }) = one.revision_to_write() {
        if service.task_definition == wanted {
            return service.gave_up_before(since).then(|| another_try(service));
        }
        let change = change(wanted, Ownership::Declared);
        let taken_over = runs_another_components(draft, one, service);
        if one.was_complete() && !one.sent_another(draft, wanted) && !taken_over {
            draft.report_drift(one.id, Some(change.clone()), true);
            return Some((Reason::Drifted, change));
        }
        let what = definitions::rollout_words(draft, one.component).unwrap_or_else(|| {
            let (old, new) = (family_revision(&service.task_definition), family_revision(wanted));
            format!("revision {old} → {new}")
        });
        return Some((Reason::Rollout { what }, change));
    }
    // Complete, and still elsewhere: the document wants this difference reported, or left alone.
    let Phase::Complete { hash, .. } = &one.state.phase else { return None };
    let wanted = one.state.revision.as_ref().filter(|revision| revision.hash == *hash)?;
    if service.task_definition != wanted.arn && draft.policy(one.id, "taskDefinition") != DriftPolicy::Ignore
    {
        draft.report_drift(one.id, Some(change(&wanted.arn, Ownership::Delegated)), false);
    }
    None
}
