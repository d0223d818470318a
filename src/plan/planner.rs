//! From what should be and what was seen to what to do.
//!
//! This file holds the flow and the judgements that all resources share (whose is it, is it drift,
//! may it be written); one file per part below holds its calls.

mod association;
mod capacity;
mod continued;
mod definitions;
mod drift;
mod flapping;
mod impassable;
mod priorities;
mod removal;
mod requests;
mod resources;
mod services;
mod stopping;
mod strategy;
mod tags;
mod targets;
mod tasks;
mod traffic;
mod unfinished;
mod unsaid;
mod waiting;

use super::PlanInput;
use super::diff::differences;
use super::resources::target_group::load_balancers;
use super::row::Difference;
use super::row::Effect;
use super::{lint, order};
use crate::model::arn::is_arn;
use crate::model::call::{Call, Verb};
use crate::model::desired::{DesiredComponent, Workload};
use crate::model::ids::{ComponentName, ContentHash};
use crate::model::kinds::DriftPolicy;
use crate::model::observed::{Gap, ObservedResource, ObservedService, Seen};
use crate::model::owner::{self, Owner, OwnershipBasis};
use crate::model::plan::{Drift, FieldChange, Note, Plan, PlannedAction, Reason, Waiting, WaitingOn};
use crate::model::resource::{OnIdentityChange, ResourceId, ResourceKind, TAG_COMPONENT, TAG_OWNER};
use crate::model::resource_record::Refusal;
use crate::model::service_deployment::shifts_traffic;
use drift::Baseline;
use impassable::Impassable;
use std::collections::{BTreeMap, BTreeSet};

pub use definitions::KEPT_REVISIONS;

/// Plans one pass over one deployment.
///
/// **Guarantees**: deterministic; nothing is done about what was not seen to be there or not there;
/// nothing that is not ours is touched; a deployment that is as declared gives an empty plan;
/// applying a plan and planning again never repeats it.
///
/// **Never**: reads a clock; writes a service's revision other than in phase `Rolling` before its
/// deployment is seen.
pub fn plan(input: &PlanInput<'_>) -> Plan {
    let mut draft = Draft::new(input);
    draft.impassable = impassable::find(&draft);
    priorities::plan(&mut draft);
    resources::plan(&mut draft);
    definitions::plan(&mut draft);
    tasks::plan(&mut draft);
    services::plan(&mut draft);
    targets::plan(&mut draft);
    flapping::hold(&mut draft);
    continued::plan(&mut draft);
    waiting::explain(&mut draft);
    removal::undeclared(&mut draft);
    draft.finish()
}

/// Plans one pass of taking a deployment down whose document is gone. With deletion policy `Retain`
/// nothing is done and everything that stays is noted. `confirmed` says whether a person confirmed
/// the deletion of its data.
///
/// Rules and listeners go first, then services (scaled to 0 before), tasks and target groups, each
/// pass as far as what was seen allows; the deployment is gone when the plan is empty and waits for
/// nothing.
///
/// **Never**: deletes what is not ours by tag or record; deletes a log group unless that very group
/// says `Delete` and the deletion is confirmed.
pub fn teardown(input: &PlanInput<'_>, confirmed: bool) -> Plan {
    let mut draft = Draft::new(input);
    removal::teardown(&mut draft, confirmed);
    draft.finish()
}

/// Fields by which ECS stops what runs before it starts what is next.
const KEEPS_APART: [&str; 3] = [
    "deploymentConfiguration.strategy",
    "deploymentConfiguration.minimumHealthyPercent",
    "deploymentConfiguration.maximumPercent",
];

/// A plan in the making.
struct Draft<'a> {
    input: PlanInput<'a>,
    /// Target groups whose traffic ECS shifts at present.
    traffic_shifted_groups: BTreeSet<String>,
    actions: Vec<PlannedAction>,
    waiting: BTreeSet<Waiting>,
    drift: Vec<Drift>,
    notes: BTreeSet<Note>,
    stale_targets: BTreeMap<String, BTreeSet<String>>,
    /// Declared rules that are moved to their priority in this pass, with their ARNs.
    repositioned: BTreeMap<ResourceId, String>,
    /// Components whose service cannot come to a target group that is declared and not there yet.
    impassable: BTreeMap<ComponentName, Impassable>,
    /// What somebody deleted and the document does not want repaired.
    left_missing: BTreeSet<ResourceId>,
}

/// What may be written of a list of differences, and why.
struct Writable {
    reason: Reason,
    differences: Vec<Difference>,
}

impl<'a> Draft<'a> {
    fn new(input: &PlanInput<'a>) -> Self {
        Self {
            input: *input,
            traffic_shifted_groups: traffic_shifted_groups(input),
            actions: Vec::new(),
            waiting: BTreeSet::new(),
            drift: Vec::new(),
            notes: BTreeSet::new(),
            stale_targets: BTreeMap::new(),
            repositioned: BTreeMap::new(),
            impassable: BTreeMap::new(),
            left_missing: BTreeSet::new(),
        }
    }

    fn finish(mut self) -> Plan {
        let suspended = self.suspension();
        if suspended.is_some() {
            self.actions.clear();
            self.drift.iter_mut().for_each(|drift| drift.repaired = false);
            self.waiting = suspended.into_iter().collect();
        }
        let plan = Plan {
            deployment: self.input.desired.deployment.clone(),
            generation: self.input.desired.generation,
            actions: order::sorted(self.actions),
            waiting_on: self.waiting.into_iter().collect(),
            drift: self.drift,
            notes: self.notes.into_iter().collect(),
            stale_targets: self.stale_targets,
        };
        lint::enforce(&self.input, plan)
    }

    /// The declared pause, while it has not expired.
    fn suspension(&self) -> Option<Waiting> {
        let desired = self.input.desired;
        let pause = desired.suspend.as_ref().filter(|pause| pause.until > self.input.now)?;
        let because = format!("by {} until {}: {}", pause.by, pause.until, pause.reason);
        let first = desired.components.values().next().map(|component| match component.workload {
            Workload::Service { .. } => ResourceId::new(ResourceKind::Service, component.name.as_str()),
            Workload::Task { .. } => ResourceId::new(ResourceKind::Task, component.name.as_str()),
        });
        let resource = first
            .or_else(|| desired.resources.keys().next().cloned())
            .unwrap_or_else(|| ResourceId::new(ResourceKind::Service, desired.deployment.as_str()));
        let is_answer =
            |action: &&PlannedAction| matches!(action.call, Call::ContinueServiceDeployment { .. });
        let answers = self.actions.iter().filter(is_answer);
        let answers = answers.map(|action| ComponentName::new(&action.resource.key)).collect();
        Some(Waiting { resource, on: WaitingOn::Suspended { because, answers } })
    }

    fn act(
        &mut self,
        resource: &ResourceId,
        verb: Verb,
        call: Call,
        reason: Reason,
        changes: Vec<FieldChange>,
    ) {
        self.actions.push(PlannedAction { resource: resource.clone(), verb, call, reason, changes });
    }

    /// Why tags are put on what was seen with this ARN.
    fn reason_to_tag(&self, arn: &str, reason: &Reason) -> Reason {
        let from = self.input.desired.handover.from.get(arn).cloned();
        from.map_or_else(|| reason.clone(), |from| Reason::TakenOver { from })
    }

    fn wait(&mut self, resource: &ResourceId, on: WaitingOn) {
        self.waiting.insert(Waiting { resource: resource.clone(), on });
    }

    fn wait_unobserved(&mut self, resource: &ResourceId, gap: &Gap) {
        let because = format!("{}: {}: {}", gap.operation, gap.code, gap.message);
        self.wait(resource, WaitingOn::Observation { because });
    }

    fn note(&mut self, resource: &ResourceId, message: String, blocks: bool) {
        self.notes.insert(Note { resource: resource.clone(), message, blocks, next_try: None });
    }

    fn report_drift(&mut self, resource: &ResourceId, change: Option<FieldChange>, repaired: bool) {
        self.drift.push(Drift { resource: resource.clone(), change, repaired });
    }

    /// Whose something is that was seen and is declared.
    fn owner<'t>(&self, id: &ResourceId, arn: &str, tags: &'t BTreeMap<String, String>) -> Owner<'t>
    where
        'a: 't,
    {
        let desired = self.input.desired;
        let recorded = self.is_recorded(id, arn);
        Owner::of(arn, tags, desired, OwnershipBasis { adopts: desired.adopt, recorded })
    }

    /// Whether something that is declared belongs to another document of the store that declares
    /// it alike: that one keeps it as it is declared.
    fn is_shared(&self, id: &ResourceId, tags: &BTreeMap<String, String>) -> bool {
        let (desired, owner) = (self.input.desired, tags.get(TAG_OWNER).map(String::as_str));
        let shared = |owner: &str| desired.shared.get(id).is_some_and(|names| names.contains(owner));
        owner.is_some_and(|owner| owner != desired.deployment.as_str() && shared(owner))
    }

    /// Whether something that is not declared is ours.
    fn is_ours_undeclared(&self, id: &ResourceId, arn: &str, tags: &BTreeMap<String, String>) -> bool {
        let basis = OwnershipBasis { adopts: false, recorded: self.is_recorded(id, arn) };
        Owner::of(arn, tags, self.input.desired, basis).is_ours()
    }

    /// Whether the record says that we made or adopted it.
    fn is_recorded(&self, id: &ResourceId, arn: &str) -> bool {
        self.input.rollout.is_recorded(id, arn)
    }

    /// Says that something is in the way, and what can be done about it.
    fn note_foreign(&mut self, id: &ResourceId, what: &str, owner: Option<&str>) {
        let message = owner::in_the_way(what, owner, "declare another one");
        self.note(id, message, true);
    }

    /// Tags that a resource must carry.
    fn tags(&self, id: &ResourceId) -> BTreeMap<String, String> {
        let mut tags = self.input.desired.tags.clone();
        tags.insert(TAG_OWNER.to_owned(), self.input.desired.deployment.to_string());
        tags.insert(TAG_COMPONENT.to_owned(), id.key.clone());
        tags
    }

    /// Whether what was seen of ours gets its owner tag back, or its first one, before anything
    /// else is changed: a policy lets its holder change only what carries that tag.
    fn is_tagged_first(
        &self,
        id: &ResourceId,
        declared: &ContentHash,
        tags: &BTreeMap<String, String>,
    ) -> bool {
        let path = format!("tags.{TAG_OWNER}");
        let settled = self.is_settled(id, declared);
        let writes = !settled || self.policy(id, &path) == DriftPolicy::Repair;
        writes && tags.get(TAG_OWNER).is_none_or(|owner| *owner != self.input.desired.deployment.as_str())
    }

    /// What AWS did not take of this declaration, while it is not asked for: for a time, and for as
    /// long as a revision is to be written, which goes alone.
    fn refusal(&self, id: &ResourceId, declared: &ContentHash, revision: bool) -> Option<&'a Refusal> {
        let refused = self.input.rollout.resources.get(id)?.refused.as_ref()?;
        (refused.declared == *declared && (revision || refused.holds(self.input.now))).then_some(refused)
    }

    /// Whether the declaration is the one that AWS was last seen in agreement with.
    fn is_unchanged(&self, id: &ResourceId, declared: &ContentHash) -> bool {
        self.input.rollout.applied(id) == Some(declared)
    }

    /// What is to be done about drift of a field. What keeps two runs of a component apart in a
    /// rollout is put right whatever the document says: the next rollout would start one beside
    /// the other.
    fn policy(&self, id: &ResourceId, path: &str) -> DriftPolicy {
        let component = self.input.desired.components.get(id.key.as_str());
        let component = component.filter(|_| id.kind == ResourceKind::Service);
        if component.is_some_and(|it| it.workload.recreates()) && KEEPS_APART.contains(&path) {
            return DriftPolicy::Repair;
        }
        let path = if path.is_empty() { id.to_string() } else { format!("{id}.{path}") };
        self.input.desired.drift.policy_for(&path)
    }

    /// Sorts differences into those to write and those that are only reported; lists drift. `held`
    /// names differences that must not be written now (their cause is waited for elsewhere).
    fn split_writable(
        &mut self,
        id: &ResourceId,
        baseline: &Baseline<'_>,
        differences: Vec<Difference>,
        held: impl Fn(&Difference) -> bool,
    ) -> Writable {
        let mut drifted = true;
        let mut write = Vec::new();
        for difference in differences {
            let possible = match difference.row.effect {
                Effect::InPlace | Effect::StartsDeployment => true,
                Effect::Replaces => id.kind.info().on_identity_change == OnIdentityChange::Replace,
                Effect::Impossible => false,
            };
            let drift = baseline.is_drift(&difference);
            let unclear = baseline.is_unclear(&difference);
            if unclear && self.policy(id, &difference.change.path) != DriftPolicy::Repair {
                // Where nobody wants a repair, what may be somebody's is left until it can be told.
                continue;
            }
            let policy = if drift { self.policy(id, &difference.change.path) } else { DriftPolicy::Repair };
            let writes = policy == DriftPolicy::Repair && possible && !held(&difference);
            if drift && policy != DriftPolicy::Ignore {
                self.report_drift(id, Some(difference.change.clone()), writes);
            }
            if !possible && policy == DriftPolicy::Repair {
                self.note_impossible(id, &difference);
            }
            if writes {
                drifted &= drift;
                write.push(difference);
            }
        }
        let reason = if drifted { Reason::Drifted } else { Reason::Changed };
        Writable { reason, differences: write }
    }

    fn note_impossible(&mut self, id: &ResourceId, difference: &Difference) {
        let FieldChange { path, old, new, .. } = &difference.change;
        let remedy = capacity::remedy(path).unwrap_or(id.kind.info().remedy);
        let message = format!("`{path}` is {old} and cannot become {new} in AWS; {remedy}");
        self.note(id, message, true);
    }

    /// A declared listener or rule that does not stand where it is declared, but under its recorded
    /// ARN somewhere else, though the declaration is the one that was in force: someone moved it.
    fn moved(&self, id: &ResourceId) -> Option<&'a ObservedResource> {
        let PlanInput { resolved, rollout, observed, .. } = self.input;
        let declared = &resolved.resources.get(id)?.declared;
        let absent = matches!(seen(&observed.resources, id), Seen::Absent);
        let arn = rollout.arn(id).filter(|_| absent && self.is_unchanged(id, declared))?;
        let (_, elsewhere) = observed.leftovers.get(arn).filter(|(kind, _)| *kind == id.kind)?;
        let elsewhere = elsewhere.present()?;
        self.owner(id, arn, &elsewhere.tags).is_ours().then_some(elsewhere)
    }

    /// In what the place of a moved resource differs from its declaration.
    fn displacement(&self, id: &ResourceId, moved: &ObservedResource) -> Vec<Difference> {
        let fields = self.input.resolved.resources.get(id).and_then(|resource| resource.fields.as_ref());
        let found =
            fields.map(|fields| differences(id.kind, fields, &moved.fields, &self.traffic_shifted_groups));
        found.into_iter().flatten().filter(|difference| difference.row.effect == Effect::Replaces).collect()
    }

    /// Whether a resource was moved by someone and is not to be brought back.
    fn stays_moved(&self, arn: &str) -> bool {
        let recorded = self.input.rollout.arns().filter(|(_, known)| *known == arn);
        recorded.filter_map(|(id, _)| Some((id, self.moved(id)?))).any(|(id, moved)| {
            let place = self.displacement(id, moved);
            let baseline = self.baseline(id, &self.input.resolved.resources[id].declared);
            place.iter().all(|difference| {
                let policy = self.policy(id, &difference.change.path);
                baseline.is_drift(difference) && policy != DriftPolicy::Repair
            })
        })
    }

    /// Whether a resource that is declared and absent is made (again), and why. Lists the drift
    /// when someone deleted it.
    fn judge_absent(&mut self, id: &ResourceId, declared: &ContentHash) -> Option<Reason> {
        let rollout = self.input.rollout;
        if self.is_deleted_by_us(id) {
            return Some(Reason::Missing);
        }
        if !self.is_unchanged(id, declared) {
            // What stood under this key was declared otherwise: a target group of another port, a
            // rule of another priority.
            return Some(if rollout.applied(id).is_some() { Reason::Changed } else { Reason::Missing });
        }
        let policy = self.policy(id, "");
        if policy != DriftPolicy::Ignore {
            self.report_drift(id, None, policy == DriftPolicy::Repair);
        }
        if policy != DriftPolicy::Repair {
            self.left_missing.insert(id.clone());
        }
        (policy == DriftPolicy::Repair).then_some(Reason::Deleted)
    }
}

/// ARNs of the target groups of services whose traffic ECS shifts by itself, the alternate ones
/// included: as they are declared, seen and recorded. What is declared may not be resolved, what is
/// there may not be seen, and a service that is to be rolled by itself again is still shifted. One
/// that was seen to roll is not shifted yet.
///
/// Source: ECS API, DeploymentConfiguration.strategy and AdvancedConfiguration.
fn traffic_shifted_groups(input: &PlanInput<'_>) -> BTreeSet<String> {
    let mut arns = BTreeSet::new();
    let shifted = input.desired.components.values();
    let shifted = shifted.filter(|component| {
        component.is_traffic_shifted() && !is_rolling(input, component) && !is_absent(input, component)
    });
    for group in shifted.flat_map(DesiredComponent::target_groups).flatten() {
        let id = ResourceId::new(ResourceKind::TargetGroup, group);
        let observed = seen(&input.observed.resources, &id).present().map(|group| group.arn.as_str());
        let known = [observed, input.rollout.arn(&id), Some(group).filter(|group| is_arn(group))];
        arns.extend(known.into_iter().flatten().map(str::to_owned));
    }
    // What is not declared gets no new revision: once nothing is under way, ECS shifts nothing.
    let shifts = |id: &ResourceId, service: &ObservedService| {
        let declared = input.desired.components.contains_key(id.key.as_str());
        shifts_traffic(&service.fields) && (declared || !service.is_steady())
    };
    let services = input.observed.all_services().filter_map(|(id, seen)| Some((id, seen.present()?)));
    for balancer in services.filter(|(id, it)| shifts(id, it)).flat_map(|(_, it)| load_balancers(&it.fields))
    {
        let alternate = &balancer["advancedConfiguration"]["alternateTargetGroupArn"];
        let groups = [balancer["targetGroupArn"].as_str(), alternate.as_str()];
        arns.extend(groups.into_iter().flatten().map(str::to_owned));
    }
    arns
}

/// Whether the service of a component that is to shift its traffic certainly does not yet: it was
/// seen to roll, and was not told otherwise so lately that AWS may not show it.
fn is_rolling(input: &PlanInput<'_>, component: &DesiredComponent) -> bool {
    let id = ResourceId::new(ResourceKind::Service, component.name.as_str());
    let known = input.rollout.resources.get(&id);
    let sent = known.and_then(|known| known.sent_fields.get("deploymentConfiguration.strategy"));
    let told = sent.is_some_and(|sent| sent.is_fresh(input.now) && sent.value.tree() != "ROLLING");
    let service = seen(&input.observed.services, &component.name).present();
    service.is_some_and(|service| !shifts_traffic(&service.fields)) && !told
}

/// Whether the service of a component is certainly not there, so that ECS shifts nothing for it: it
/// was seen not to be, and neither made nor asked for.
fn is_absent(input: &PlanInput<'_>, component: &DesiredComponent) -> bool {
    let id = ResourceId::new(ResourceKind::Service, component.name.as_str());
    let asked = input.rollout.asked.iter().any(|asked| asked.resource == id);
    seen(&input.observed.services, &component.name).is_absent() && input.rollout.arn(&id).is_none() && !asked
}

/// Something that was looked for, when AWS gave an answer about it.
fn seen<'s, K: Ord + ?Sized, O: Ord + std::borrow::Borrow<K>, T>(
    map: &'s BTreeMap<O, Seen<T>>,
    key: &K,
) -> &'s Seen<T> {
    map.get(key).unwrap_or(&Seen::NotRead)
}

fn changes(differences: &[Difference]) -> Vec<FieldChange> {
    differences.iter().map(|difference| difference.change.clone()).collect()
}
