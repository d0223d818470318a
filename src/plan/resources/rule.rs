//! Listener rules. Source: Elastic Load Balancing v2 API.

use super::{Change, ResourceType};
use crate::model::call::{Call, Verb};
use crate::model::observed::ObservedResource;
use crate::model::resource::{ResourceId, ResourceKind, Tree};
use crate::plan::row::{Class, Compare, Effect, Row, UpdateCall};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const fn row(path: &'static str, doc: &'static str) -> Row {
    Row::new(ResourceKind::Rule, UpdateCall::ModifyRule, path, doc)
}

const ROWS: &[Row] = &[
    row("listener", "finds the rule; resolved to listenerArn").identity(),
    row("listenerArn", "a change makes a new rule").effect(Effect::Replaces),
    row("priority", "finds the rule; a change makes a new one")
        .compare(Compare::Text)
        .effect(Effect::Replaces),
    row("conditions", "when the rule takes a request").compare(Compare::Conditions),
    row("actions", "what it does then").class(Class::WeightsDelegatedWhileShifting).compare(Compare::Actions),
    row("tags", "declared tags and Evenkeel's own")
        .compare(Compare::DeclaredKeys)
        .update_call(UpdateCall::Tag),
];

pub(in crate::plan) struct Rule;

impl ResourceType for Rule {
    fn rows(&self) -> &'static [Row] {
        ROWS
    }

    fn described(&self, _: &ResourceId, rule: &ObservedResource) -> String {
        let listener = rule.fields["listenerArn"].as_str().unwrap_or_default();
        format!("a rule with priority {} of listener {listener} ({})", rule.fields["priority"], rule.arn)
    }

    fn forwards(&self) -> bool {
        true
    }

    fn create(&self, _: &ResourceId, fields: &Tree, tags: BTreeMap<String, String>) -> Vec<(Verb, Call)> {
        vec![(Verb::Create, Call::CreateRule { fields: fields.clone(), tags })]
    }

    fn update(&self, with: UpdateCall, change: &Change<'_>) -> Option<Call> {
        let mut fields = change.updated.clone();
        // Both halves as declared, unless one of them is left to someone: what is not sent stays as
        // it is.
        if change.whole {
            for half in ["conditions", "actions"] {
                fields.insert(half.to_owned(), change.fields[half].clone());
            }
        }
        let (arn, fields) = (change.arn.to_owned(), Value::Object(fields));
        (with == UpdateCall::ModifyRule).then_some(Call::ModifyRule { arn, fields })
    }

    fn tag(&self, arn: String, tags: BTreeMap<String, String>) -> Call {
        Call::TagElb { arn, tags }
    }

    fn untag(&self, arn: String, keys: BTreeSet<String>) -> Call {
        Call::UntagElb { arn, keys }
    }

    fn delete(&self, _: &ResourceId, resource: &ObservedResource) -> Call {
        Call::DeleteRule { arn: resource.arn.clone() }
    }
}
