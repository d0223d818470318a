//! Task definition revisions: registered early and once per content, kept while anything may need
//! them.

use super::{Draft, Writable, seen, tags as declared_tags};
use crate::model::arn::{family_of, family_revision};
use crate::model::call::{Call, Verb};
use crate::model::desired::{DesiredComponent, ResolvedDefinition, Workload};
use crate::model::kinds::DriftPolicy;
use crate::model::normalise::normalise_task_definition;
use crate::model::observed::{ObservedDefinition, Seen};
use crate::model::owner::{Owner, OwnershipBasis};
use crate::model::plan::{FieldChange, Impact, Ownership, Reason, WaitingOn};
use crate::model::resource::{ResourceId, ResourceKind, TAG_COMPONENT, TAG_HASH, TAG_OWNER};
use crate::model::rollout::{PendingRegistration, Revision, RolloutState};
use crate::plan::diff::{differences, tag_differences};
use crate::plan::resources::texts;
use crate::plan::row::Difference;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// ACTIVE revisions that a family keeps, whether they are used or not.
pub const KEPT_REVISIONS: usize = 10;

const SHOWN_WITHIN: SignedDuration = RolloutState::SHOWN_WITHIN;

/// Revisions deregistered in one pass at most; the call is a slow category at AWS (one per second).
const DEREGISTERED_PER_PASS: usize = 5;

pub(super) fn plan(draft: &mut Draft<'_>) {
    let input = draft.input;
    for (name, component) in &input.desired.components {
        let Some(resolved) = input.resolved.components.get(name) else { continue };
        let id = ResourceId::new(ResourceKind::TaskDefinition, name.as_str());
        if let Some(definition) = &resolved.definition {
            register(draft, &id, component, definition);
            retag(draft, &id, component, definition);
        }
        prune(draft, &id, component);
    }
}

/// What is known of the revision for the wanted content.
enum RevisionState {
    /// It is there, or nothing says otherwise.
    Registered,
    /// It was there and can no longer be used.
    Deregistered { arn: String, status: String },
    /// There is none.
    Never,
    /// Not enough was seen to say so.
    Unseen,
}

fn register(
    draft: &mut Draft<'_>,
    id: &ResourceId,
    component: &DesiredComponent,
    definition: &ResolvedDefinition,
) {
    let (reason, changes) = match standing(draft, component, definition) {
        RevisionState::Registered | RevisionState::Unseen => return,
        RevisionState::Deregistered { .. } if may_come_to_light(draft, id, component, definition) => return,
        RevisionState::Deregistered { arn, status } => {
            let policy = draft.policy(id, "status");
            let change = FieldChange {
                path: "status".to_owned(),
                old: json!(format!("{} {status}", family_revision(&arn))),
                new: json!("ACTIVE"),
                owner: Ownership::Declared,
                impact: Impact::None,
            };
            if policy != DriftPolicy::Ignore {
                draft.report_drift(id, Some(change.clone()), policy == DriftPolicy::Repair);
            }
            if policy != DriftPolicy::Repair {
                return;
            }
            (Reason::Deleted, vec![change])
        }
        RevisionState::Never => match previous(draft, component) {
            None => (Reason::Missing, Vec::new()),
            Some(previous) => {
                let found = compare(previous, definition);
                let reason = what(&found, previous, definition, component)
                    .map_or(Reason::Missing, |what| Reason::Rollout { what });
                (reason, super::changes(&found))
            }
        },
    };
    let mut fields = definition.fields.clone();
    if let Some(members) = fields.as_object_mut() {
        members.insert("family".to_owned(), json!(definition.family));
    }
    let call = Call::RegisterTaskDefinition {
        component: component.name.clone(),
        hash: definition.hash.clone(),
        fields,
        tags: tags(draft, id, definition),
    };
    draft.act(id, Verb::Register, call, reason, changes);
}

/// Tags of a revision: those of everything, and the hash by which it is found again.
fn tags(draft: &Draft<'_>, id: &ResourceId, definition: &ResolvedDefinition) -> BTreeMap<String, String> {
    let mut tags = draft.tags(id);
    tags.insert(TAG_HASH.to_owned(), definition.hash.to_string());
    tags
}

/// Sets the tags of the revision in force again: without them it is not found again when its record
/// is lost. One that carries another owner's tag is left alone.
fn retag(draft: &mut Draft<'_>, id: &ResourceId, component: &DesiredComponent, wanted: &ResolvedDefinition) {
    let input = draft.input;
    let recorded = input.rollout.components.get(&component.name).and_then(|c| c.revision.as_ref());
    let Some(definition) = recorded
        .filter(|revision| revision.hash == wanted.hash)
        .and_then(|revision| seen(&input.observed.definitions, revision.arn.as_str()).present())
        .filter(|definition| definition.status == "ACTIVE")
        .filter(|definition| is_ours(draft, definition) || !definition.tags.contains_key(TAG_OWNER))
    else {
        return;
    };
    let arn = definition.arn.clone();
    declared_tags::take_off(draft, id, &definition.tags, |keys| Call::UntagEcs { arn, keys });
    let wanted_tags = tags(draft, id, wanted);
    let missing = tag_differences(ResourceKind::TaskDefinition, &wanted_tags, &definition.tags);
    let mut baseline = draft.baseline_of_revision(id);
    if draft.comes_over(&definition.arn, &definition.tags) {
        // What it was there it has another name for here.
        baseline = baseline.with_change(&format!("tags.{TAG_COMPONENT}"));
    }
    let is_known = input.rollout.resources.get(id).is_some_and(|known| known.last_applied.is_some());
    if input.desired.adopt && !is_known {
        // It never had them: it is taken over with the service that runs it.
        for key in wanted_tags.keys() {
            baseline = baseline.with_change(&format!("tags.{key}"));
        }
    }
    let Writable { reason, differences } = draft.split_writable(id, &baseline, missing, |_| false);
    if !differences.is_empty() {
        let reason = draft.reason_to_tag(&definition.arn, &reason);
        let call = Call::TagEcs { arn: definition.arn.clone(), tags: texts(&differences, "tags.") };
        draft.act(id, Verb::Tag, call, reason, super::changes(&differences));
    }
}

fn standing(
    draft: &mut Draft<'_>,
    component: &DesiredComponent,
    wanted: &ResolvedDefinition,
) -> RevisionState {
    let observed = draft.input.observed;
    let recorded = draft.input.rollout.components.get(&component.name).and_then(|c| c.revision.as_ref());
    let id = ResourceId::new(ResourceKind::TaskDefinition, component.name.as_str());
    if let Some(revision) = recorded.filter(|revision| revision.hash == wanted.hash) {
        let state = match seen(&observed.definitions, revision.arn.as_str()) {
            Seen::Present(definition) if definition.status != "ACTIVE" => {
                RevisionState::Deregistered { arn: revision.arn.clone(), status: definition.status.clone() }
            }
            Seen::Absent if is_fresh(revision, draft.input.now) => RevisionState::Registered,
            Seen::Absent => {
                RevisionState::Deregistered { arn: revision.arn.clone(), status: "deleted".to_owned() }
            }
            Seen::Present(_) | Seen::NotRead | Seen::Unknown(_) => RevisionState::Registered,
        };
        // Another one of that content may be there: the family says.
        return match (state, seen(&observed.families, &component.name)) {
            (RevisionState::Deregistered { .. }, Seen::Unknown(gap)) => {
                draft.wait_unobserved(&id, gap);
                RevisionState::Unseen
            }
            (state, _) => state,
        };
    }
    let found = observed.definitions.values().filter_map(Seen::present).any(|definition| {
        definition.status == "ACTIVE"
            && is_ours(draft, definition)
            && definition.tags.get(TAG_HASH).is_some_and(|hash| hash == wanted.hash.as_str())
            && family_of(&definition.arn) == wanted.family
    });
    if found {
        return RevisionState::Registered;
    }
    // One of the newest revisions could not be read: it may be the one.
    let unread = observed.definitions.iter().find_map(|(arn, found)| match found {
        Seen::Unknown(gap) if family_of(arn) == wanted.family => Some(gap),
        _ => None,
    });
    if let Some(gap) = unread {
        draft.wait_unobserved(&id, gap);
        return RevisionState::Unseen;
    }
    if may_come_to_light(draft, &id, component, wanted) {
        return RevisionState::Unseen;
    }
    match seen(&observed.families, &component.name) {
        Seen::Unknown(gap) => {
            draft.wait_unobserved(&id, gap);
            RevisionState::Unseen
        }
        // Nothing is recorded and nobody read it: it may have been registered in a pass whose
        // record was lost.
        Seen::NotRead if recorded.is_none() => RevisionState::Unseen,
        Seen::NotRead | Seen::Present(_) | Seen::Absent => RevisionState::Never,
    }
}

/// Whether a registration of this content had no answer so lately that its revision may yet be
/// shown; says so.
fn may_come_to_light(
    draft: &mut Draft<'_>,
    id: &ResourceId,
    component: &DesiredComponent,
    wanted: &ResolvedDefinition,
) -> bool {
    let pending = draft
        .input
        .rollout
        .components
        .get(&component.name)
        .and_then(|state| state.pending_registration.as_ref());
    let now = draft.input.now;
    let Some(pending) = pending.filter(|pending| pending.hash == wanted.hash && may_be_hidden(pending, now))
    else {
        return false;
    };
    let until = pending.at + SHOWN_WITHIN;
    let because =
        format!("a revision that was asked for at {:.0} may not be shown before {until:.0}", pending.at);
    draft.wait(id, WaitingOn::Observation { because });
    true
}

/// Whether a revision may have been made that no read shows yet. A clock that was set back does not
/// make it wait for ever.
fn may_be_hidden(pending: &PendingRegistration, now: Timestamp) -> bool {
    now.duration_since(pending.at).abs() < SHOWN_WITHIN
}

/// Whether a revision was registered so lately that AWS need not show it yet: reads lag behind
/// writes.
fn is_fresh(revision: &Revision, now: Timestamp) -> bool {
    revision.registered.is_some_and(|registered| now.duration_since(registered) < SHOWN_WITHIN)
}

fn is_ours(draft: &Draft<'_>, definition: &ObservedDefinition) -> bool {
    // A family may be shared, so only the revision's own tag decides.
    let basis = OwnershipBasis::default();
    Owner::of(&definition.arn, &definition.tags, draft.input.desired, basis).is_ours()
}

/// The revision that the component runs or last completed.
fn previous<'o>(draft: &Draft<'o>, component: &DesiredComponent) -> Option<&'o ObservedDefinition> {
    let input = draft.input;
    let recorded = input.rollout.components.get(&component.name);
    let service = seen(&input.observed.services, &component.name).present();
    let arns = [
        service.map(|service| service.task_definition.as_str()),
        recorded.and_then(|c| c.completed.as_ref()).map(|revision| revision.arn.as_str()),
        recorded.and_then(|c| c.revision.as_ref()).map(|revision| revision.arn.as_str()),
    ];
    arns.into_iter().flatten().find_map(|arn| seen(&input.observed.definitions, arn).present())
}

fn compare(previous: &ObservedDefinition, wanted: &ResolvedDefinition) -> Vec<Difference> {
    let mut old = previous.fields.clone();
    let mut new = wanted.fields.clone();
    normalise_task_definition(&mut old);
    normalise_task_definition(&mut new);
    differences(ResourceKind::TaskDefinition, &new, &old, &BTreeSet::new())
}

/// Why the wanted content of a component differs from what it runs, in a few words.
pub(super) fn rollout_words(draft: &Draft<'_>, component: &DesiredComponent) -> Option<String> {
    let previous = previous(draft, component)?;
    let wanted = draft.input.resolved.components.get(&component.name)?.definition.as_ref()?;
    what(&compare(previous, wanted), previous, wanted, component)
}

/// A few words; none when the content is the same and nothing says why it was to be registered
/// again.
fn what(
    found: &[Difference],
    previous: &ObservedDefinition,
    wanted: &ResolvedDefinition,
    component: &DesiredComponent,
) -> Option<String> {
    let image = found.iter().find(|difference| difference.change.path.ends_with("].image"));
    let first = match (image, found.first()) {
        (Some(image), _) => {
            let (old, new) = (image.change.old.as_str(), image.change.new.as_str());
            images(old.unwrap_or_default(), new.unwrap_or_default())
        }
        (None, Some(first)) => format!("{} changed", first.change.path),
        (None, None) if family_of(&previous.arn) != wanted.family => {
            format!("family {} → {}", family_of(&previous.arn), wanted.family)
        }
        // Same fields, another hash: what is in the hash beside the fields are family and versions
        // of secrets. A revision of something else has a hash of its own.
        (None, None) => {
            let own = previous.tags.get(TAG_COMPONENT).is_some_and(|key| *key == component.name.as_str());
            let reads_secrets = component.secrets.iter().any(|using| using.restarts);
            return (own && reads_secrets && previous.tags.contains_key(TAG_HASH))
                .then(|| "a secret has a new version".to_owned());
        }
    };
    Some(match found.len() {
        0 | 1 => first,
        more => format!("{first} and {} more", more - 1),
    })
}

/// `image 1.4.1 → 1.4.2` when only the tag differs, else both in full.
fn images(old: &str, new: &str) -> String {
    match (old.rsplit_once(':'), new.rsplit_once(':')) {
        (Some((repository, before)), Some((same, after))) if repository == same => {
            format!("image {before} → {after}")
        }
        _ => format!("image {old} → {new}"),
    }
}

/// Deregisters old revisions of a family that nothing uses.
///
/// Only in a family that is ours: by its default name, unless others may have registered revisions
/// under it before it was adopted, or by the owner tag of the very revision.
fn prune(draft: &mut Draft<'_>, id: &ResourceId, component: &DesiredComponent) {
    let observed = draft.input.observed;
    let Seen::Present(revisions) = seen(&observed.families, &component.name) else { return };
    let Some(used) = used_revisions(draft, component) else { return };
    let desired = draft.input.desired;
    let our_family =
        !desired.adopt && component.family == format!("{}-{}", desired.deployment, component.name);
    let surplus: Vec<&String> = revisions
        .iter()
        .skip(KEPT_REVISIONS)
        .filter(|arn| !used.contains(arn.as_str()))
        .filter(|arn| match seen(&observed.definitions, arn.as_str()) {
            Seen::Present(definition) => is_ours(draft, definition),
            _ => our_family,
        })
        .collect();
    // Oldest first, so that a slow category at AWS takes the least useful ones first.
    for arn in surplus.into_iter().rev().take(DEREGISTERED_PER_PASS) {
        let call = Call::DeregisterTaskDefinition { arn: arn.clone() };
        draft.act(id, Verb::Deregister, call, Reason::Superseded, Vec::new());
    }
}

/// Every revision that something may need; `None` while that is not known.
fn used_revisions<'o>(draft: &Draft<'o>, component: &DesiredComponent) -> Option<BTreeSet<&'o str>> {
    let input = draft.input;
    let mut used = BTreeSet::new();
    let is_service = matches!(component.workload, Workload::Service { .. });
    if is_service && *seen(&input.observed.services, &component.name) == Seen::NotRead {
        return None;
    }
    // What is left over of it, in another cluster, say, runs a revision of its own.
    for (_, seen) in input.observed.all_services() {
        match seen {
            Seen::Present(service) => {
                used.insert(service.task_definition.as_str());
                used.extend(service.deployments.iter().map(|deployment| deployment.task_definition.as_str()));
            }
            Seen::Unknown(_) => return None,
            Seen::Absent | Seen::NotRead => {}
        }
    }
    match seen(&input.observed.tasks, &component.name) {
        Seen::Present(tasks) => used.extend(tasks.iter().map(|task| task.task_definition.as_str())),
        Seen::Absent => {}
        // The deployments of a service name every revision that its tasks run.
        Seen::NotRead if is_service => {}
        Seen::NotRead | Seen::Unknown(_) => return None,
    }
    let recorded = input.rollout.components.get(&component.name);
    let kept = recorded.into_iter().flat_map(|c| [c.revision.as_ref(), c.completed.as_ref()]);
    used.extend(kept.flatten().map(|revision| revision.arn.as_str()));
    Some(used)
}
