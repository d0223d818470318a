//! Actions of listeners and rules. Source: Elastic Load Balancing v2 API, Action.

use super::no_such;
use crate::desired::fields::{Fields, each, fields_of, fill, object};
use crate::desired::forms;
use crate::model::finding::Findings;
use crate::model::kinds::ApplicationSpec;
use crate::model::kinds::load_balancing::{ListenerAction, Redirect};
use crate::model::resource::{ResourceKind, Tree};
use crate::model::schema::UNDECLARABLE_ACTIONS;
use serde_json::json;

/// Target groups of one forward action. Source: ELB quotas.
const FORWARD_GROUPS: usize = 5;
/// Characters of each part of an address to redirect to.
const REDIRECT_PART: usize = 128;
/// Protocols of listeners and target groups.
pub(super) const PROTOCOLS: [&str; 6] = ["HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP"];

/// The one form of an action: `forward` always with `targetGroups` and weights, a redirect with its
/// placeholders written out.
pub(super) fn fields(action: &ListenerAction) -> Tree {
    let mut fields = fields_of(action);
    fields.remove("targetGroup");
    if action.kind == "forward" {
        let mut groups: Vec<Tree> = action
            .target_group
            .iter()
            .map(|key| json!({"targetGroup": key, "weight": 1}))
            .chain(action.target_groups.iter().map(|group| {
                let mut fields = fields_of(group);
                fill(&mut fields, "weight", 1);
                Tree::Object(fields)
            }))
            .collect();
        groups.sort_by_cached_key(|group| {
            (group["targetGroup"].to_string(), group["targetGroupArn"].to_string())
        });
        fields.insert("targetGroups".to_owned(), groups.into());
    }
    if let Some(redirect) = object(&mut fields, "redirectConfig") {
        for (key, placeholder) in [
            ("protocol", "#{protocol}"),
            ("port", "#{port}"),
            ("host", "#{host}"),
            ("path", "/#{path}"),
            ("query", "#{query}"),
        ] {
            fill(redirect, key, placeholder);
        }
    }
    Tree::Object(fields)
}

/// Puts the target groups of resolved actions into the order of their ARNs.
pub(super) fn in_arn_order(fields: &mut Fields, actions: &str) {
    each(fields, actions, |action| {
        if let Some(groups) = action.get_mut("targetGroups").and_then(Tree::as_array_mut) {
            groups.sort_by_cached_key(|group| group["targetGroupArn"].to_string());
        }
    });
}

/// Keys of the target groups that an action forwards to.
pub(super) fn groups_of(action: &ListenerAction) -> impl Iterator<Item = &String> {
    let several = action.target_groups.iter().filter_map(|group| group.target_group.as_ref());
    action.target_group.iter().chain(several)
}

/// Checks the actions of a listener or rule; `listener` is the listener's protocol, when known.
pub(super) fn check(
    findings: &mut Findings,
    spec: &ApplicationSpec,
    path: &str,
    actions: &[ListenerAction],
    listener: Option<&str>,
) {
    if actions.len() != 1 {
        let message = format!("there is exactly one action, here are {}", actions.len());
        findings.error(path, message, "forward, redirect or fixed-response");
    }
    for (index, action) in actions.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let http = listener.is_none_or(|protocol| matches!(protocol, "HTTP" | "HTTPS"));
        if UNDECLARABLE_ACTIONS.contains(&action.kind.as_str()) {
            let message = format!("`{}` is an action of AWS's that cannot be declared yet", action.kind);
            findings.error(format!("{path}.type"), message, "forward, redirect or fixed-response");
        } else {
            let known = ["forward", "redirect", "fixed-response"];
            findings.one_of(format!("{path}.type"), Some(&action.kind), &known);
        }
        if !http && action.kind != "forward" {
            findings.error(format!("{path}.type"), "a network load balancer can only forward", "use forward");
        }
        for (kind, field, is_set) in [
            ("forward", "targetGroup", action.target_group.is_some() || !action.target_groups.is_empty()),
            ("redirect", "redirectConfig", action.redirect_config.is_some()),
            ("fixed-response", "fixedResponseConfig", action.fixed_response_config.is_some()),
        ] {
            if (action.kind == kind) != is_set {
                let message =
                    if is_set { format!("it is for {kind}") } else { format!("{kind} needs {field}") };
                findings.error(format!("{path}.{field}"), message, "");
            }
        }
        forward(findings, spec, &path, action, listener);
        answers(findings, &path, action, listener);
    }
}

fn forward(
    findings: &mut Findings,
    spec: &ApplicationSpec,
    path: &str,
    action: &ListenerAction,
    listener: Option<&str>,
) {
    if action.target_group.is_some() && !action.target_groups.is_empty() {
        findings.error(path, "targetGroup is short for targetGroups", "use one of them");
    }
    if action.target_groups.len() > FORWARD_GROUPS {
        findings.error(
            format!("{path}.targetGroups"),
            "too many target groups",
            format!("{FORWARD_GROUPS} at most"),
        );
    }
    for (index, group) in action.target_groups.iter().enumerate() {
        let path = format!("{path}.targetGroups[{index}]");
        let least = i64::from(action.target_groups.len() == 1);
        findings.within(format!("{path}.weight"), group.weight.map(i64::from), least, 999);
        match (&group.target_group, &group.target_group_arn) {
            (Some(_), None) => {}
            (None, Some(arn)) if forms::is_balancing_arn(arn, "targetgroup/") => {}
            (None, Some(arn)) => {
                let message = format!("`{arn}` is not the ARN of a target group");
                findings.error(format!("{path}.targetGroupArn"), message, "");
            }
            _ => findings.error(path, "name exactly one of targetGroup and targetGroupArn", ""),
        }
    }
    for key in groups_of(action) {
        let Some(group) = spec.target_groups.get(key) else {
            let field = format!("{path}.targetGroup");
            no_such(findings, field, ResourceKind::TargetGroup, key, spec.target_groups.keys());
            continue;
        };
        nobody_serves(findings, spec, path, action, key);
        let protocol = group.protocol.as_deref().unwrap_or("HTTP");
        if let Some(listener) = listener
            && !fits(listener, protocol)
        {
            let message =
                format!("a {listener} listener cannot forward to target group `{key}` of {protocol}");
            findings.error(format!("{path}.targetGroup"), message, "make the protocols agree");
        }
    }
    if let Some(listener) = listener.filter(|protocol| !matches!(*protocol, "HTTP" | "HTTPS"))
        && action.stickiness_seconds.is_some()
    {
        let message = format!("a {listener} listener does not stick to target groups");
        findings.error(format!("{path}.stickinessSeconds"), message, "remove it");
    }
    let sticky = action.stickiness_seconds.map(i64::from);
    findings.within(format!("{path}.stickinessSeconds"), sticky, 1, 604_800);
}

/// Warns of requests that are sent to a target group in which no declared service registers tasks:
/// what was there may have been taken out of the document. Somebody else may register targets.
fn nobody_serves(
    findings: &mut Findings,
    spec: &ApplicationSpec,
    path: &str,
    action: &ListenerAction,
    key: &String,
) {
    let named = action.target_groups.iter().enumerate().filter(|(_, group)| group.weight != Some(0));
    let mut named = named.filter(|(_, group)| group.target_group.as_ref() == Some(key));
    let field = match named.next() {
        _ if action.target_group.as_ref() == Some(key) => format!("{path}.targetGroup"),
        Some((index, _)) => format!("{path}.targetGroups[{index}].targetGroup"),
        None => return,
    };
    let workloads = spec.components.values();
    let services =
        workloads.filter_map(|component| component.service.as_ref().or(component.singleton.as_ref()));
    let mut balancers = services.flat_map(|service| &service.load_balancers);
    let registers = balancers.any(|balancer| {
        let alternate = balancer.advanced_configuration.as_ref();
        let alternate = alternate.and_then(|advanced| advanced.alternate_target_group_arn.as_ref());
        balancer.target_group.as_ref() == Some(key) || alternate == Some(key)
    });
    if !registers {
        let message = format!(
            "no service of this document registers tasks in target group `{key}`: what is sent there is answered only if somebody else \
             registers targets"
        );
        let help = "take this out together with the service that was there, or forward to a group that a service is in";
        findings.warning(field, message, help);
    }
}

/// Which target groups a listener can forward to. Source: ELB user guides, "Target groups for your
/// Network Load Balancers" and "… Application Load Balancers", routing configuration.
fn fits(listener: &str, group: &str) -> bool {
    match listener {
        "HTTP" | "HTTPS" => matches!(group, "HTTP" | "HTTPS"),
        "TCP" => matches!(group, "TCP" | "TCP_UDP"),
        "TLS" => matches!(group, "TCP" | "TLS"),
        "UDP" => matches!(group, "UDP" | "TCP_UDP"),
        "TCP_UDP" => group == "TCP_UDP",
        _ => true,
    }
}

fn answers(findings: &mut Findings, path: &str, action: &ListenerAction, listener: Option<&str>) {
    if let Some(redirect) = &action.redirect_config {
        let path = format!("{path}.redirectConfig");
        parts(findings, &path, redirect);
        if listener == Some("HTTPS") && redirect.protocol.as_deref() == Some("HTTP") {
            let message = "HTTPS is not redirected to HTTP";
            findings.error(format!("{path}.protocol"), message, "HTTPS, or leave it out");
        }
        let code = Some(redirect.status_code.as_str());
        findings.one_of(format!("{path}.statusCode"), code, &["HTTP_301", "HTTP_302"]);
        findings.one_of(
            format!("{path}.protocol"),
            redirect.protocol.as_deref(),
            &["HTTP", "HTTPS", "#{protocol}"],
        );
        let changed = [
            (&redirect.protocol, "#{protocol}"),
            (&redirect.port, "#{port}"),
            (&redirect.host, "#{host}"),
            (&redirect.path, "/#{path}"),
        ]
        .into_iter()
        .any(|(part, same)| part.as_deref().is_some_and(|part| part != same));
        if !changed {
            let message = "the redirect changes nothing, so clients would go round in circles";
            findings.error(path, message, "change protocol, port, host or path");
        }
    }
    if let Some(fixed) = &action.fixed_response_config {
        let path = format!("{path}.fixedResponseConfig");
        let code = fixed.status_code.as_str();
        let good = code.len() == 3
            && code.starts_with(['2', '4', '5'])
            && code.bytes().all(|byte| byte.is_ascii_digit());
        if !good {
            findings.error(
                format!("{path}.statusCode"),
                format!("`{code}` is not allowed"),
                "2XX, 4XX or 5XX",
            );
        }
        let types = ["text/plain", "text/css", "text/html", "application/javascript", "application/json"];
        findings.one_of(format!("{path}.contentType"), fixed.content_type.as_deref(), &types);
        if fixed.message_body.as_ref().is_some_and(|body| body.chars().count() > 1024) {
            findings.error(format!("{path}.messageBody"), "the body is too long", "1024 characters at most");
        }
    }
}

/// The parts of an address to redirect to. Source: Elastic Load Balancing v2 API,
/// RedirectActionConfig.
fn parts(findings: &mut Findings, path: &str, redirect: &Redirect) {
    let given = |part: &Option<String>| part.clone().unwrap_or_default();
    if let Some(port) = redirect.port.as_deref()
        && port != "#{port}"
        && !port.parse::<u16>().is_ok_and(|port| port > 0)
    {
        findings.error(format!("{path}.port"), format!("`{port}` is not a port"), "1 to 65535, or #{port}");
    }
    if redirect.path.as_ref().is_some_and(|own| !own.starts_with('/')) {
        let message = format!("`{}` is not a path", given(&redirect.path));
        findings.error(format!("{path}.path"), message, "it starts with /");
    }
    for (field, part, least) in
        [("host", &redirect.host, 1), ("path", &redirect.path, 1), ("query", &redirect.query, 0)]
    {
        let length = part.as_ref().map(|part| part.chars().count());
        if length.is_some_and(|length| !(least..=REDIRECT_PART).contains(&length)) {
            let message = format!("the {field} has {} characters", length.unwrap_or_default());
            findings.error(format!("{path}.{field}"), message, format!("{least} to {REDIRECT_PART}"));
        }
    }
}
