//! Listeners. Source: Elastic Load Balancing v2 API.

use super::{Change, ResourceType};
use crate::model::call::{Call, Verb};
use crate::model::observed::ObservedResource;
use crate::model::plan::WaitingOn;
use crate::model::resource::{ResourceId, ResourceKind, Tree};
use crate::plan::PlanInput;
use crate::plan::row::{Class, Compare, Effect, Row, UpdateCall};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const fn row(path: &'static str, doc: &'static str) -> Row {
    Row::new(ResourceKind::Listener, UpdateCall::ModifyListener, path, doc)
}

const ROWS: &[Row] = &[
    row("loadBalancer", "finds the listener; resolved to loadBalancerArn").identity(),
    row("loadBalancerArn", "a change makes a new listener").effect(Effect::Replaces),
    row("port", "finds the listener; a change makes a new one")
        .compare(Compare::Text)
        .effect(Effect::Replaces),
    row("protocol", "HTTP, HTTPS, TCP, TLS, UDP or TCP_UDP"),
    row("sslPolicy", "security policy of HTTPS and TLS; AWS's default depends on how the listener was made")
        .class(Class::DefaultedUnlessDeclared),
    row("certificates", "the default certificate").compare(Compare::Set(&[("isDefault", "true")])),
    row("alpnPolicy", "ALPN policy of TLS").compare(Compare::Set(&[])).means("[\"None\"]"),
    row("defaultActions", "what happens to requests that no rule takes")
        .class(Class::WeightsDelegatedWhileShifting)
        .compare(Compare::Actions),
    row("tags", "declared tags and Evenkeel's own")
        .compare(Compare::DeclaredKeys)
        .update_call(UpdateCall::Tag),
];

/// The policy that a listener gets when it becomes a secure one and none is declared. Source: ELBv2
/// API, ModifyListener (a change from HTTP to HTTPS or from TCP to TLS needs one); Elastic Load
/// Balancing user guide, "Security policies" (the recommended one).
const SSL_POLICY: &str = "ELBSecurityPolicy-TLS13-1-2-2021-06";

pub(in crate::plan) struct Listener;

impl ResourceType for Listener {
    fn rows(&self) -> &'static [Row] {
        ROWS
    }

    fn described(&self, _: &ResourceId, listener: &ObservedResource) -> String {
        format!("a listener on port {} ({})", listener.fields["port"], listener.arn)
    }

    fn forwards(&self) -> bool {
        true
    }

    fn create(&self, _: &ResourceId, fields: &Tree, tags: BTreeMap<String, String>) -> Vec<(Verb, Call)> {
        vec![(Verb::Create, Call::CreateListener { fields: fields.clone(), tags })]
    }

    fn update(&self, with: UpdateCall, change: &Change<'_>) -> Option<Call> {
        let mut fields = change.updated.clone();
        let secure = fields.get("protocol").is_some_and(|protocol| protocol == "HTTPS" || protocol == "TLS");
        if secure && !fields.contains_key("sslPolicy") {
            let known = [&change.fields["sslPolicy"], &change.observed["sslPolicy"]];
            let policy = known.into_iter().find(|policy| policy.is_string()).cloned();
            fields.insert("sslPolicy".to_owned(), policy.unwrap_or_else(|| json!(SSL_POLICY)));
        }
        let arn = change.arn.to_owned();
        let call = Call::ModifyListener { arn, fields: Value::Object(fields) };
        (with == UpdateCall::ModifyListener).then_some(call)
    }

    fn tag(&self, arn: String, tags: BTreeMap<String, String>) -> Call {
        Call::TagElb { arn, tags }
    }

    fn untag(&self, arn: String, keys: BTreeSet<String>) -> Call {
        Call::UntagElb { arn, keys }
    }

    fn delete(&self, _: &ResourceId, resource: &ObservedResource) -> Call {
        Call::DeleteListener { arn: resource.arn.clone() }
    }

    /// A rule of somebody else: deleting its listener would delete it as well.
    fn used_by(&self, _: &PlanInput<'_>, listener: &ObservedResource) -> Option<WaitingOn> {
        listener.guests.first().map(|by| WaitingOn::InUse { by: by.clone() })
    }

    /// A declared rule: deleting its listener would delete it as well.
    fn supports(&self, input: &PlanInput<'_>, listener: &ObservedResource) -> Option<ResourceId> {
        let mut rules = input.resolved.resources.iter().filter(|(id, _)| id.kind == ResourceKind::Rule);
        let on_it = |fields: &Tree| fields["listenerArn"] == listener.arn.as_str();
        let found = rules.find(|(_, rule)| rule.fields.as_ref().is_some_and(on_it));
        found.map(|(id, _)| id.clone())
    }
}
