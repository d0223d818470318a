//! What comes first, and that every call has a place.

use crate::model::call::Call;
use crate::model::plan::{PlannedAction, Reason};
use crate::model::resource::{ResourceId, ResourceKind};
use crate::plan::order::sorted;
use serde_json::{Value, json};

/// Every call in the order in which a plan makes it; `!` marks a removal of what is no longer
/// declared.
const ORDER: &str = "createLogGroup putRetentionPolicy deleteRetentionPolicy createTargetGroup modifyTargetGroup \
                     modifyTargetGroupAttributes createListener modifyListener createRule modifyRule \
                     registerTaskDefinition stopTask runTask createService updateService tagEcs tagElb tagLogGroup \
                     deregisterTargets deleteRule deleteListener deleteService !updateService !stopTask \
                     deleteTargetGroup deregisterTaskDefinition deleteLogGroup";

fn action(word: &str) -> PlannedAction {
    // Every member that any call has; each takes its own.
    let mut members = json!({"call": word.trim_start_matches('!'), "name": "n", "arn": "a", "days": 1, "tags": {}, "fields": {},
        "attributes": {}, "targets": [], "component": "c", "hash": "h", "token": "t", "cluster": "c", "reason": "r",
        "service": "s", "force": false, "forever": false});
    members["kmsKeyId"] = Value::Null;
    let call: Call = serde_json::from_value(members).unwrap_or_else(|error| panic!("{word}: {error}"));
    let reason = if word.starts_with('!') { Reason::Undeclared } else { Reason::Changed };
    let resource = ResourceId::new(ResourceKind::Service, "web");
    PlannedAction { resource, verb: call.spec().verbs[0], call, reason, changes: Vec::new() }
}

fn words(actions: &[PlannedAction]) -> Vec<String> {
    let word = |action: &PlannedAction| {
        let call = serde_json::to_value(&action.call).unwrap()["call"].as_str().unwrap().to_owned();
        if action.reason == Reason::Undeclared { format!("!{call}") } else { call }
    };
    actions.iter().map(word).collect()
}

#[test]
fn what_others_refer_to_is_made_first_and_removed_last() {
    let mut expected: Vec<&str> = ORDER.split_whitespace().collect();
    let wanted = expected.clone();
    for _ in 0..2 {
        expected.reverse();
        let actions = sorted(expected.iter().map(|word| action(word)).collect());
        // Equal ranks keep the order in which the planner walks.
        let ranks = |words: Vec<String>| -> Vec<usize> { words.iter().map(|word| rank(word)).collect() };
        let wanted: Vec<String> = wanted.iter().map(|word| (*word).to_owned()).collect();
        assert_eq!(ranks(words(&actions)), ranks(wanted));
    }
}

/// The place of a call in the list above, those of one rank at one place.
fn rank(word: &str) -> usize {
    let same = [
        ("deleteRetentionPolicy", "putRetentionPolicy"),
        ("tagElb", "tagEcs"),
        ("tagLogGroup", "tagEcs"),
        ("!updateService", "deleteService"),
    ];
    let word = same.iter().find(|(one, _)| *one == word).map_or(word, |(_, other)| *other);
    ORDER.split_whitespace().position(|known| known == word).unwrap_or_else(|| panic!("{word} has no place"))
}

#[test]
fn of_one_step_the_order_is_by_kind_and_key() {
    let mut actions: Vec<PlannedAction> = Vec::new();
    for (kind, key) in [
        (ResourceKind::Service, "b"),
        (ResourceKind::Rule, "z"),
        (ResourceKind::Service, "a"),
        (ResourceKind::Listener, "y"),
    ] {
        actions.push(PlannedAction { resource: ResourceId::new(kind, key), ..action("tagElb") });
    }
    let order: Vec<String> = sorted(actions).iter().map(|action| action.resource.to_string()).collect();
    assert_eq!(order, ["listener/y", "rule/z", "service/a", "service/b"]);
}
