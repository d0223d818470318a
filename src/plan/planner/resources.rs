//! Log groups, target groups, listeners and rules.

use super::{Draft, changes, seen};
use crate::model::call::{Call, Verb};
use crate::model::desired::ResolvedResource;
use crate::model::observed::{ObservedResource, Seen};
use crate::model::owner::Owner;
use crate::model::plan::{FieldChange, Reason};
use crate::model::resource::{ResourceId, ResourceKind, Tree};
use crate::plan::diff::{Difference, differences, tag_differences, updated_fields};
use crate::plan::table::{Carrier, Effect};
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) fn plan(draft: &mut Draft<'_>) {
    let input = draft.input;
    for (id, resolved) in &input.resolved.resources {
        for on in &resolved.waiting {
            draft.wait(id, on.clone());
        }
        let Some(fields) = &resolved.fields else { continue };
        match seen(&input.observed.resources, id) {
            Seen::NotRead => {}
            Seen::Unknown(gap) => draft.wait_for_sight(id, gap),
            Seen::Absent => match draft.moved(id) {
                Some(moved) => bring_back(draft, id, resolved, fields, moved),
                None => {
                    if let Some(reason) = draft.judge_absent(id, &resolved.declared) {
                        create(draft, id, fields, reason, Vec::new());
                    }
                }
            },
            Seen::Present(resource) => match draft.owner(id, &resource.arn, &resource.tags) {
                Owner::Ours => repair(draft, id, resolved, fields, resource),
                Owner::Foreign(owner) => draft.note_foreign(id, name_of(id, fields), owner),
            },
        }
    }
}

/// The name under which people know a resource.
fn name_of<'n>(id: &'n ResourceId, fields: &'n Tree) -> &'n str {
    fields["name"].as_str().unwrap_or(&id.key)
}

/// Someone moved it to another port or priority. It is made again where it is declared; the moved
/// one serves until that stands, and is removed then. When that difference is only to be reported,
/// it stays where it is.
fn bring_back(
    draft: &mut Draft<'_>,
    id: &ResourceId,
    resolved: &ResolvedResource,
    fields: &Tree,
    moved: &ObservedResource,
) {
    let place = draft.displacement(id, moved);
    let verdict = draft.judge(id, &resolved.declared, place, |_| false);
    if !verdict.write.is_empty() {
        create(draft, id, fields, verdict.reason, changes(&verdict.write));
    }
}

fn create(draft: &mut Draft<'_>, id: &ResourceId, fields: &Tree, reason: Reason, changes: Vec<FieldChange>) {
    let tags = draft.tags(id);
    let call = match id.kind {
        ResourceKind::LogGroup => {
            let name = log_group_name(id, fields);
            let kms_key_id = fields["kmsKeyId"].as_str().map(str::to_owned);
            Call::CreateLogGroup { name, kms_key_id, tags }
        }
        ResourceKind::TargetGroup => {
            let mut fields = fields.clone();
            // CreateTargetGroup takes no attributes: they follow once the group is seen.
            fields.as_object_mut().map(|members| members.remove("attributes"));
            Call::CreateTargetGroup { fields, tags }
        }
        ResourceKind::Listener => Call::CreateListener { fields: fields.clone(), tags },
        ResourceKind::Rule => Call::CreateRule { fields: fields.clone(), tags },
        ResourceKind::TaskDefinition | ResourceKind::Task | ResourceKind::Service => return,
    };
    draft.act(id, Verb::Create, call, reason.clone(), changes);
    if let (ResourceKind::LogGroup, Some(days)) = (id.kind, days(&fields["retentionInDays"])) {
        let call = Call::PutRetentionPolicy { name: log_group_name(id, fields), days };
        draft.act(id, Verb::Update, call, reason, Vec::new());
    }
}

fn log_group_name(id: &ResourceId, fields: &Tree) -> String {
    fields["logGroupName"].as_str().unwrap_or(&id.key).to_owned()
}

fn days(value: &Value) -> Option<i32> {
    value.as_i64().and_then(|days| i32::try_from(days).ok())
}

fn repair(
    draft: &mut Draft<'_>,
    id: &ResourceId,
    resolved: &ResolvedResource,
    fields: &Tree,
    resource: &ObservedResource,
) {
    let mut found = differences(id.kind, fields, &resource.fields, &draft.governed);
    found.extend(tag_differences(id.kind, &draft.tags(id), &resource.tags));
    let total = found.len();
    let verdict = draft.judge(id, &resolved.declared, found, |_| false);
    if verdict.write.iter().any(|difference| difference.row.effect == Effect::Replaces) {
        // AWS cannot move it: it goes in this pass and comes back as declared in the next.
        let call = match id.kind {
            ResourceKind::Listener => Call::DeleteListener { arn: resource.arn.clone() },
            _ => Call::DeleteRule { arn: resource.arn.clone() },
        };
        draft.act(id, Verb::Delete, call, verdict.reason, changes(&verdict.write));
        return;
    }
    let all = verdict.write.len() == total;
    let mut by_carrier: BTreeMap<Carrier, Vec<Difference>> = BTreeMap::new();
    for difference in verdict.write {
        by_carrier.entry(difference.row.carrier).or_default().push(difference);
    }
    for (carrier, group) in by_carrier {
        let target = Target { id, fields, arn: &resource.arn, whole: all };
        if let Some(call) = call_for(draft, carrier, &target, &group) {
            let verb = if carrier == Carrier::Tag { Verb::Tag } else { Verb::Update };
            draft.act(id, verb, call, verdict.reason.clone(), changes(&group));
        }
    }
}

/// What a call is made for.
struct Target<'t> {
    id: &'t ResourceId,
    fields: &'t Tree,
    arn: &'t str,
    /// Whether every difference that was seen is written.
    whole: bool,
}

fn call_for(
    draft: &Draft<'_>,
    carrier: Carrier,
    target: &Target<'_>,
    differences: &[Difference],
) -> Option<Call> {
    let arn = target.arn.to_owned();
    Some(match carrier {
        Carrier::RetentionPolicy => {
            let name = log_group_name(target.id, target.fields);
            match days(&target.fields["retentionInDays"]) {
                Some(days) => Call::PutRetentionPolicy { name, days },
                None => Call::DeleteRetentionPolicy { name },
            }
        }
        Carrier::ModifyTargetGroup => {
            Call::ModifyTargetGroup { arn, fields: Value::Object(updated_fields(differences, target.fields)) }
        }
        Carrier::ModifyTargetGroupAttributes => {
            Call::ModifyTargetGroupAttributes { arn, attributes: texts(differences, "attributes.") }
        }
        Carrier::ModifyListener => {
            Call::ModifyListener { arn, fields: Value::Object(updated_fields(differences, target.fields)) }
        }
        Carrier::ModifyRule => {
            let mut fields = updated_fields(differences, target.fields);
            // Both halves as declared, unless one of them is left to someone: what is not sent
            // stays as it is.
            if target.whole && draft.governed.is_empty() {
                for half in ["conditions", "actions"] {
                    fields.insert(half.to_owned(), target.fields[half].clone());
                }
            }
            Call::ModifyRule { arn, fields: Value::Object(fields) }
        }
        Carrier::Tag => tag(target.id.kind, arn, texts(differences, "tags."))?,
        _ => return None,
    })
}

/// The call that puts tags on a resource of this kind.
pub(super) fn tag(kind: ResourceKind, arn: String, tags: BTreeMap<String, String>) -> Option<Call> {
    Some(match kind {
        ResourceKind::LogGroup => Call::TagLogGroup { arn, tags },
        ResourceKind::TargetGroup | ResourceKind::Listener | ResourceKind::Rule => Call::TagElb { arn, tags },
        ResourceKind::Service | ResourceKind::TaskDefinition => Call::TagEcs { arn, tags },
        ResourceKind::Task => return None,
    })
}

/// New values of changed map members, as texts, by their keys.
pub(super) fn texts(differences: &[Difference], prefix: &str) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    differences
        .iter()
        .filter_map(|difference| {
            let key = difference.change.path.strip_prefix(prefix)?;
            Some((key.to_owned(), text(&difference.change.new)))
        })
        .collect()
}
