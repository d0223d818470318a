//! Listeners. Source: Elastic Load Balancing v2 API, CreateListener and its data types.

use super::{Claim, ResourceType, action, whole};
use crate::desired::fields::{Fields, fields_of};
use crate::desired::forms;
use crate::desired::references::{Reference, To};
use crate::model::arn::{Arn, load_balancer_name};
use crate::model::desired::{DesiredResource, DesiredState};
use crate::model::finding::{Findings, field_key};
use crate::model::ids::DeploymentName;
use crate::model::kinds::ApplicationSpec;
use crate::model::kinds::load_balancing::Listener as Declared;
use crate::model::resource::{ResourceId, ResourceKind, Tree};

/// Source: Elastic Load Balancing v2 API, CreateListener, `AlpnPolicy`.
const ALPN: [&str; 5] = ["HTTP1Only", "HTTP2Only", "HTTP2Optional", "HTTP2Preferred", "None"];

pub(super) struct Listener;

impl ResourceType for Listener {
    fn lower(&self, _: &DeploymentName, spec: &ApplicationSpec) -> Vec<(String, DesiredResource)> {
        let lower = |listener| whole(spec, fields(listener));
        spec.listeners.iter().map(|(key, listener)| (key.clone(), lower(listener))).collect()
    }

    fn check(&self, findings: &mut Findings, _: &DeploymentName, spec: &ApplicationSpec) {
        for (key, listener) in &spec.listeners {
            one(findings, spec, &field_key("spec.listeners", key), listener);
        }
        let places = spec.listeners.iter().map(|(key, listener)| {
            let place = format!("{}:{}", load_balancer_name(&listener.load_balancer), listener.port);
            (field_key("spec.listeners", key), place)
        });
        findings.duplicates("a listener on", places);
    }

    fn claim(&self, _: &DesiredState, _: &ResourceId, fields: &Tree) -> Option<Claim> {
        Some(Claim::alone(in_words(fields)))
    }

    fn references(&self) -> &'static [Reference] {
        &[
            Reference { path: "loadBalancer", to: To::LoadBalancer, becomes: "loadBalancerArn" },
            Reference {
                path: "defaultActions[].targetGroups[].targetGroup",
                to: To::Resource(ResourceKind::TargetGroup),
                becomes: "targetGroupArn",
            },
        ]
    }

    fn settle(&self, fields: &mut Fields) {
        action::in_arn_order(fields, "defaultActions");
    }
}

/// A listener as it is claimed, with its rules.
pub(super) fn in_words(fields: &Tree) -> String {
    let balancer = load_balancer_name(fields["loadBalancer"].as_str().unwrap_or_default());
    format!("listener on port {} of load balancer `{balancer}`", fields["port"])
}

/// The fields of a listener, its load balancer still as declared. The security policy is not filled
/// in: the console's default is stricter than the API's, and a person who raises it by hand must
/// not have it lowered again.
fn fields(listener: &Declared) -> Tree {
    let mut fields = fields_of(listener);
    let actions: Vec<Tree> = listener.default_actions.iter().map(action::fields).collect();
    fields.insert("defaultActions".to_owned(), actions.into());
    Tree::Object(fields)
}

fn one(findings: &mut Findings, spec: &ApplicationSpec, path: &str, listener: &Declared) {
    let at = |field: &str| format!("{path}.{field}");
    let balancer = listener.load_balancer.as_str();
    let plain = balancer.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let good = forms::is_balancing_arn(balancer, "loadbalancer/") || (!balancer.is_empty() && plain);
    if !good {
        let message = format!("`{balancer}` is neither the name nor the ARN of a load balancer");
        findings.error(at("loadBalancer"), message, "");
    }
    if listener.port == 0 {
        findings.error(at("port"), "0 is not a port", "1 to 65535");
    }
    let protocol = listener.protocol.as_str();
    findings.one_of(at("protocol"), Some(protocol), &action::PROTOCOLS);
    let secure = matches!(protocol, "HTTPS" | "TLS");
    match (secure, listener.certificates.len()) {
        (true, 1) | (false, 0) => {}
        (true, count) => {
            let message = format!("{protocol} needs exactly one default certificate, there are {count}");
            findings.error(at("certificates"), message, "");
        }
        (false, _) => {
            findings.error(at("certificates"), format!("{protocol} has no certificate"), "remove it")
        }
    }
    for (index, certificate) in listener.certificates.iter().enumerate() {
        let arn = Arn::parse(&certificate.certificate_arn);
        if arn.is_none_or(|arn| !matches!(arn.service, "acm" | "iam")) {
            let message = format!("`{}` is not the ARN of a certificate", certificate.certificate_arn);
            findings.error(format!("{path}.certificates[{index}].certificateArn"), message, "");
        }
    }
    if listener.ssl_policy.is_some() && !secure {
        findings.error(at("sslPolicy"), format!("{protocol} has no security policy"), "remove it");
    }
    if !listener.alpn_policy.is_empty() && protocol != "TLS" {
        findings.error(at("alpnPolicy"), "only TLS listeners have an ALPN policy", "remove it");
    }
    if listener.alpn_policy.len() > 1 {
        findings.error(at("alpnPolicy"), "a listener has one ALPN policy", "keep one of them");
    }
    for (index, policy) in listener.alpn_policy.iter().enumerate() {
        findings.one_of(format!("{path}.alpnPolicy[{index}]"), Some(policy), &ALPN);
    }
    action::check(findings, spec, &at("defaultActions"), &listener.default_actions, Some(protocol));
}
