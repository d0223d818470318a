//! Rows of target groups, listeners and rules. Source: Elastic Load Balancing v2 API.

use super::{Carrier, Class, Compare, Effect, Row};
use crate::model::resource::ResourceKind;

const fn group(path: &'static str, doc: &'static str) -> Row {
    Row::new(ResourceKind::TargetGroup, Carrier::ModifyTargetGroup, path, doc)
        .class(Class::DeclaredWithDefault)
}

/// Fields of which ModifyTargetGroup has none: a change gives the group another name, so a new one
/// is made next to it.
const fn fixed_group(path: &'static str, doc: &'static str) -> Row {
    Row::new(ResourceKind::TargetGroup, Carrier::Creation, path, doc).effect(Effect::Impossible)
}

pub(super) const TARGET_GROUP: &[Row] = &[
    group("name", "finds the group; holds a hash of what cannot be changed")
        .class(Class::Declared)
        .identity(),
    fixed_group("protocol", "a change makes a new group"),
    fixed_group("protocolVersion", "a change makes a new group"),
    fixed_group("port", "a change makes a new group").compare(Compare::Text),
    fixed_group("vpcId", "a change makes a new group"),
    fixed_group("targetType", "a change makes a new group"),
    group("healthCheckProtocol", "protocol of health checks"),
    group("healthCheckPort", "`traffic-port` or a number").compare(Compare::Text),
    group("healthCheckPath", "path of HTTP health checks"),
    group("healthCheckIntervalSeconds", "seconds between health checks").compare(Compare::Text),
    group("healthCheckTimeoutSeconds", "seconds until a health check fails").compare(Compare::Text),
    group("healthyThresholdCount", "successes until healthy").compare(Compare::Text),
    group("unhealthyThresholdCount", "failures until unhealthy").compare(Compare::Text),
    group("matcher.httpCode", "HTTP codes that count as success").compare(Compare::Text),
    group("matcher.grpcCode", "gRPC codes that count as success").compare(Compare::Text),
    group("attributes", "named attributes; what is not named is left alone")
        .class(Class::DefaultedUnlessDeclared)
        .compare(Compare::DeclaredKeys)
        .carrier(Carrier::ModifyTargetGroupAttributes),
    group("targets", "registered by ECS; only addresses that belong to no task are taken out")
        .class(Class::Delegated)
        .compare(Compare::Never)
        .carrier(Carrier::DeregisterTargets),
    Row::new(ResourceKind::TargetGroup, Carrier::Tag, "tags", "declared tags and Evenkeel's own")
        .compare(Compare::DeclaredKeys),
];

const fn listener(path: &'static str, doc: &'static str) -> Row {
    Row::new(ResourceKind::Listener, Carrier::ModifyListener, path, doc)
}

pub(super) const LISTENER: &[Row] = &[
    listener("loadBalancer", "finds the listener; resolved to loadBalancerArn").identity(),
    listener("loadBalancerArn", "a change makes a new listener").effect(Effect::Replaces),
    listener("port", "finds the listener; a change makes a new one")
        .compare(Compare::Text)
        .effect(Effect::Replaces),
    listener("protocol", "HTTP, HTTPS, TCP, TLS, UDP or TCP_UDP"),
    listener(
        "sslPolicy",
        "security policy of HTTPS and TLS; AWS's default depends on how the listener was made",
    )
    .class(Class::DefaultedUnlessDeclared),
    listener("certificates", "the default certificate").compare(Compare::Set(&[("isDefault", "true")])),
    listener("alpnPolicy", "ALPN policy of TLS").compare(Compare::Set(&[])).means("[\"None\"]"),
    listener("defaultActions", "what happens to requests that no rule takes")
        .class(Class::WeightsDelegatedWhileShifting)
        .compare(Compare::Actions),
    listener("tags", "declared tags and Evenkeel's own").compare(Compare::DeclaredKeys).carrier(Carrier::Tag),
];

const fn rule(path: &'static str, doc: &'static str) -> Row {
    Row::new(ResourceKind::Rule, Carrier::ModifyRule, path, doc)
}

pub(super) const RULE: &[Row] = &[
    rule("listener", "finds the rule; resolved to listenerArn").identity(),
    rule("listenerArn", "a change makes a new rule").effect(Effect::Replaces),
    rule("priority", "finds the rule; a change makes a new one")
        .compare(Compare::Text)
        .effect(Effect::Replaces),
    rule("conditions", "when the rule takes a request").compare(Compare::Conditions),
    rule("actions", "what it does then")
        .class(Class::WeightsDelegatedWhileShifting)
        .compare(Compare::Actions),
    rule("tags", "declared tags and Evenkeel's own").compare(Compare::DeclaredKeys).carrier(Carrier::Tag),
];
