//! Requests that one rule gives up and another one takes: in each moment one of the two takes them.
//!
//! A rule that lets go of a host or path which another rule is declared to take, and does not take
//! yet, goes on taking it until then, beside what it takes from now on.
//!
//! Source: Elastic Load Balancing user guide, "Listener rules" (the first rule in order of priority
//! whose conditions all hold takes a request; the values of one condition are alternatives).

use super::{Draft, seen};
use crate::model::plan::WaitingOn;
use crate::model::resource::{ResourceId, ResourceKind, Tree};
use crate::plan::compare::same;
use crate::plan::table::Compare;
use serde_json::json;
use std::collections::BTreeSet;

/// Values that the conditions of one rule may have. Source: Elastic Load Balancing quotas.
pub(super) const VALUES_PER_RULE: usize = 5;

/// Wildcards that they may have. Source: Elastic Load Balancing quotas.
const WILDCARDS_PER_RULE: usize = 5;

/// A header that no client sends: a rule that asks for it takes no request, and its groups are
/// forwarded to all the same, so that ECS takes them.
const NOT_YET: &str = "x-evenkeel-not-yet";

/// Where the values of a condition stand.
const VALUES: [&str; 3] = ["/values", "/httpHeaderConfig/values", "/queryStringConfig/values"];

/// Whether two rules take the same requests, their places apart.
pub(super) fn are_the_same(one: &Tree, other: &Tree) -> bool {
    same(Compare::Conditions, &one["conditions"], &other["conditions"])
}

/// A rule that takes no request yet.
pub(super) fn darkened(declared: &Tree) -> Tree {
    let mut fields = declared.clone();
    let never = json!({"field": "http-header",
        "httpHeaderConfig": {"httpHeaderName": NOT_YET, "values": ["true"]}});
    if let Some(conditions) = fields["conditions"].as_array_mut() {
        conditions.push(never);
    }
    fields
}

/// Whether a rule is there and takes no request yet.
pub(super) fn is_dark(rule: &Tree) -> bool {
    let mut conditions = rule["conditions"].as_array().into_iter().flatten();
    conditions.any(|condition| condition["httpHeaderConfig"]["httpHeaderName"] == NOT_YET)
}

fn conditions(rule: &Tree) -> impl Iterator<Item = &Tree> {
    rule["conditions"].as_array().into_iter().flatten()
}

fn values(condition: &Tree) -> impl Iterator<Item = &Tree> {
    VALUES.iter().filter_map(|list| condition.pointer(list)?.as_array()).flatten()
}

pub(super) fn count_values(rule: &Tree) -> usize {
    conditions(rule).flat_map(values).count()
}

/// What a condition is about: itself without its values.
fn about(condition: &Tree) -> Tree {
    let mut bare = condition.clone();
    for list in VALUES {
        if let Some(values) = bare.pointer_mut(list) {
            *values = Tree::Null;
        }
    }
    bare
}

/// All that a rule asks for, each with what it is asked of.
fn asked(rule: &Tree) -> BTreeSet<(String, String)> {
    let pair = |condition: &Tree, value: &Tree| (about(condition).to_string(), value.to_string());
    conditions(rule)
        .flat_map(|condition| values(condition).map(move |value| pair(condition, value)))
        .collect()
}

/// What a rule takes for now of what it is declared to let go.
pub(super) enum Handover {
    /// These conditions, until another rule has taken it.
    Until(Tree, WaitingOn),
    /// It cannot keep it: for this reason there is a gap.
    Gap(String),
}

/// Whether a rule is to let go of what another one is declared to take and does not take yet, and
/// what it takes meanwhile.
pub(super) fn handover(
    draft: &Draft<'_>,
    id: &ResourceId,
    declared: &Tree,
    observed: &Tree,
) -> Option<Handover> {
    let taker = taker(draft, id, declared, observed)?;
    let on = WaitingOn::Declared {
        what: taker.clone(),
        because: "it is to take requests that are taken here until then".to_owned(),
    };
    if let Some(both) = both(declared, observed) {
        return Some(Handover::Until(both, on));
    }
    if takes_next(draft, &taker) {
        return Some(Handover::Until(observed["conditions"].clone(), on));
    }
    Some(Handover::Gap(format!(
        "requests that {taker} is to take are taken by neither for a moment: no rule can ask for the old and the new at once; to avoid \
         that, make the change in two edits"
    )))
}

/// The rule that is declared to take what this one is to let go, and does not take it yet.
fn taker(draft: &Draft<'_>, id: &ResourceId, declared: &Tree, observed: &Tree) -> Option<ResourceId> {
    if id.kind != ResourceKind::Rule || is_dark(observed) {
        return None;
    }
    let kept = asked(declared);
    let dropped: BTreeSet<_> = asked(observed).into_iter().filter(|pair| !kept.contains(pair)).collect();
    let input = draft.input;
    let mut rules =
        input.resolved.resources.iter().filter(|(other, _)| other.kind == id.kind && *other != id);
    let found = rules.find(|(other, resolved)| {
        let Some(wanted) = &resolved.fields else { return false };
        let there = seen(&input.observed.resources, *other).present();
        let there = there.filter(|rule| !is_dark(&rule.fields));
        let there = there.map(|rule| asked(&rule.fields)).unwrap_or_default();
        wanted["listenerArn"] == declared["listenerArn"]
            && asked(wanted).iter().any(|pair| dropped.contains(pair) && !there.contains(pair))
    });
    found.map(|(other, _)| other.clone())
}

/// Whether a rule is about to take what it is declared to, and keeps nothing back itself.
fn takes_next(draft: &Draft<'_>, id: &ResourceId) -> bool {
    let input = draft.input;
    let resolved = input.resolved.resources.get(id).and_then(|known| known.fields.as_ref());
    let there = seen(&input.observed.resources, id).present();
    let (Some(declared), Some(there)) = (resolved, there) else { return true };
    both(declared, &there.fields).is_some() || taker(draft, id, declared, &there.fields).is_none()
}

/// Conditions that hold where the declared or the present ones do, and nowhere else: there are such
/// where the two differ in the values of one condition.
fn both(declared: &Tree, observed: &Tree) -> Option<Tree> {
    let present: Vec<&Tree> = conditions(observed).collect();
    let mut wanted: Vec<Tree> = conditions(declared).cloned().collect();
    let mut widened = 0;
    if present.len() != wanted.len() {
        return None;
    }
    for condition in &mut wanted {
        let before = present.iter().find(|before| about(before) == about(condition))?;
        let more: Vec<Tree> =
            values(before).filter(|value| values(condition).all(|known| known != *value)).cloned().collect();
        let differs = !more.is_empty() || values(condition).count() != values(before).count();
        widened += usize::from(differs);
        let lists = VALUES.iter().find(|list| condition.pointer(list).is_some());
        if let Some(list) = lists.and_then(|list| condition.pointer_mut(list)).and_then(Tree::as_array_mut) {
            list.extend(more);
        }
    }
    let all = json!({"conditions": wanted});
    let wildcards = asked(&all).iter().map(|(_, value)| value.matches(['*', '?']).count()).sum::<usize>();
    let fits = count_values(&all) <= VALUES_PER_RULE && wildcards <= WILDCARDS_PER_RULE;
    (widened == 1 && fits).then(|| all["conditions"].clone())
}
