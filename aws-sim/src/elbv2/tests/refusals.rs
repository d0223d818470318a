//! What is refused of attributes, conditions and actions, in the words of AWS.

use super::*;

/// The code and text of the refusal of a group's attributes.
fn attribute_refusal(w: &mut Fixture, group: &str, pairs: &[(&str, &str)]) -> Option<(&'static str, String)> {
    let mut form = vec![("TargetGroupArn".to_owned(), group.to_owned())];
    for (index, (key, value)) in pairs.iter().enumerate() {
        form.push((format!("Attributes.member.{}.Key", index + 1), (*key).to_owned()));
        form.push((format!("Attributes.member.{}.Value", index + 1), (*value).to_owned()));
    }
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    w.call("ModifyTargetGroupAttributes", &form).err().map(|error| (error.code, error.message))
}

fn group_of(w: &mut Fixture, protocol: &str) -> String {
    let name = protocol.to_lowercase().replace('_', "-");
    let form = [
        ("Name", name.as_str()),
        ("Protocol", protocol),
        ("Port", "80"),
        ("VpcId", "vpc-1"),
        ("TargetType", "ip"),
    ];
    text(&w.ok("CreateTargetGroup", &form)["TargetGroups"][0]["TargetGroupArn"])
}

#[test]
fn a_type_of_stickiness_belongs_to_the_protocols_of_its_balancer() {
    let mut w = Fixture::new();
    for (protocol, good) in [
        ("HTTP", ["lb_cookie"].as_slice()),
        ("HTTPS", &["lb_cookie"]),
        ("TCP", &["source_ip"]),
        ("UDP", &["source_ip"]),
        ("TCP_UDP", &["source_ip"]),
        ("TLS", &[]),
        ("GENEVE", &["source_ip_dest_ip", "source_ip_dest_ip_proto"]),
    ] {
        let group = group_of(&mut w, protocol);
        for kind in ["lb_cookie", "source_ip", "source_ip_dest_ip", "source_ip_dest_ip_proto"] {
            let pairs = [("stickiness.enabled", "true"), ("stickiness.type", kind)];
            let refusal = attribute_refusal(&mut w, &group, &pairs);
            assert_eq!(refusal.is_none(), good.contains(&kind), "{kind} on {protocol}: {refusal:?}");
        }
    }
    let (web, tcp) = (w.group("a"), group_of(&mut w, "QUIC"));
    for (group, pairs, code, text) in [
        (
            &web,
            [("stickiness.type", "source_ip")].as_slice(),
            "InvalidConfigurationRequest",
            "Stickiness type 'source_ip' is not supported for target groups with the HTTP protocol",
        ),
        (
            &tcp,
            &[("stickiness.type", "lb_cookie")],
            "InvalidConfigurationRequest",
            "Stickiness type 'lb_cookie' is not supported for target groups with the QUIC protocol",
        ),
        (
            &web,
            &[("stickiness.enabled", "true"), ("stickiness.type", "app_cookie")],
            "InvalidConfigurationRequest",
            "You must set an application cookie name to enable stickiness of type 'app_cookie'",
        ),
        (
            &web,
            &[("stickiness.type", "sticky")],
            "ValidationError",
            "'Stickiness type' must be one of [app_cookie, lb_cookie, source_ip]",
        ),
    ] {
        assert_eq!(attribute_refusal(&mut w, group, pairs), Some((code, text.to_owned())));
    }
}

#[test]
fn attributes_are_refused_in_the_words_of_aws() {
    let mut w = Fixture::new();
    let group = w.group("web");
    for (pairs, text) in [
        (
            [("slow_start.duration_seconds", "29")].as_slice(),
            "'slow_start.duration_seconds' value '29' must be between '30-900' inclusive",
        ),
        (
            &[("deregistration_delay.timeout_seconds", "3601")],
            "'deregistration_delay.timeout_seconds' value '3601' must be between '0-3600' inclusive",
        ),
        (
            &[("stickiness.enabled", "1")],
            "The value of 'stickiness.enabled' must be 'true' or 'false', but was '1'",
        ),
        (
            &[("load_balancing.algorithm.type", "x")],
            "'Load balancer algorithm' must be one of [round_robin, weighted_random, least_outstanding_requests]",
        ),
        (
            &[("load_balancing.algorithm.anomaly_mitigation", "on")],
            "You cannot enable both anomaly mitigation and round robin algorithm on a target group",
        ),
        (
            &[
                ("load_balancing.algorithm.type", "least_outstanding_requests"),
                ("slow_start.duration_seconds", "60"),
            ],
            "You cannot enable both slow start and least outstanding requests algorithm on a target group",
        ),
        (
            &[("load_balancing.cross_zone.enabled", "x")],
            "'load_balancing.cross_zone.enabled' must be one of use_load_balancer_configuration,true,false",
        ),
        (
            &[("preserve_client_ip.enabled", "true")],
            "A target group with HTTP protocol does not support the attribute preserve_client_ip.enabled",
        ),
        (
            &[("stickiness.duration_seconds", "1")],
            "Target group attribute key 'stickiness.duration_seconds' is not recognized",
        ),
        (
            &[("stickiness.enabled", "true"), ("stickiness.enabled", "true")],
            "Target group attribute keys must be unique: '[stickiness.enabled]'",
        ),
        (
            &[("target_group_health.dns_failover.minimum_healthy_targets.percentage", "101")],
            "'target_group_health.dns_failover.minimum_healthy_targets.percentage' must be 'off' or an integer from 1 to 100 inclusive",
        ),
        (
            &[("target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "2")],
            "DNS failover threshold must be greater than or equal to unhealthy state routing threshold",
        ),
    ] {
        assert_eq!(attribute_refusal(&mut w, &group, pairs).map(|(_, text)| text).as_deref(), Some(text));
    }
    assert_eq!(attribute_refusal(&mut w, &group, &[("slow_start.duration_seconds", "0")]), None);
}

#[test]
fn conditions_are_refused_in_the_words_of_aws() {
    let mut w = Fixture::new();
    let (lb, group) = (w.load_balancer("web"), w.group("web"));
    let listener = w.listener(&lb, "80", &group);
    let (long, longer) = ("a".repeat(41), "b".repeat(129));
    let method = "M".repeat(41);
    let c = |name: &str| format!("Conditions.member.1.{name}");
    let one = |field: &str, member: &str, value: &str| {
        vec![(c("Field"), field.to_owned()), (c(member), value.to_owned())]
    };
    let header = |name: &str| {
        let mut form = one("http-header", "HttpHeaderConfig.HttpHeaderName", name);
        form.push((c("HttpHeaderConfig.Values.member.1"), "x".to_owned()));
        form
    };
    let (host, path, methods) = ("host-header", "path-pattern", "http-request-method");
    let cases = [
        (header(&long), "Condition value for 'http-header' cannot contain more than 40 characters".to_owned()),
        (header("Host"), "You cannot specify 'Host' as an HTTP header name".to_owned()),
        (one(methods, "HttpRequestMethodConfig.Values.member.1", &method), "Condition value for 'http-request-method' cannot contain more than 40 characters".to_owned()),
        (one(methods, "HttpRequestMethodConfig.Values.member.1", "get"), "Condition value 'get' contains a character that is not valid".to_owned()),
        (one("query-string", "QueryStringConfig.Values.member.1.Value", &longer), "Condition value for 'query-string' cannot contain more than 128 characters".to_owned()),
        (one(host, "Values.member.1", &longer), "Condition value for 'host-header' cannot contain more than 128 characters".to_owned()),
        (one(host, "Values.member.1", "example"), "Condition value 'example' contains a character that is not valid".to_owned()),
        (one(path, "HostHeaderConfig.Values.member.1", "a.example.com"), "For conditions of type 'path-pattern', you must specify the following fields: 'Values or RegexValues or PathPatternConfig'".to_owned()),
        (one(path, "PathPatternConfig", ""), "You must provide exactly one of the following: ['Values' 'RegexValues'] for config of type 'PathPatternConfig'".to_owned()),
        (one("source-ip", "SourceIpConfig.Values.member.1", "10.0.0.1"), "The specified value '10.0.0.1' is not a valid CIDR block".to_owned()),
        (one("header", "Values.member.1", "x"), "Condition field 'header' must be one of 'http-header,http-request-method,host-header,query-string,path-pattern,source-ip'".to_owned()),
    ];
    for (form, expected) in cases {
        let action = [
            ("ListenerArn", listener.as_str()),
            ("Priority", "1"),
            ("Actions.member.1.Type", "forward"),
            ("Actions.member.1.TargetGroupArn", group.as_str()),
        ];
        let pairs: Vec<(&str, &str)> =
            form.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(action).collect();
        let error = w.call("CreateRule", &pairs).expect_err(&expected);
        assert_eq!((error.code, error.message), ("ValidationError", expected));
    }
}

#[test]
fn actions_are_refused_in_the_words_of_aws() {
    let mut w = Fixture::new();
    let (lb, group) = (w.load_balancer("web"), w.group("web"));
    let listener = w.listener(&lb, "80", &group);
    let forward = "DefaultActions.member.1.ForwardConfig";
    let tuple = |name: &str| format!("{forward}.TargetGroups.member.1.{name}");
    let sticky = |name: &str| format!("{forward}.TargetGroupStickinessConfig.{name}");
    let of = |kind: &str, more: &[(String, &str)]| {
        let mut form = vec![("DefaultActions.member.1.Type".to_owned(), kind.to_owned())];
        form.extend(more.iter().map(|(name, value)| (name.clone(), (*value).to_owned())));
        form
    };
    let redirect = |name: &str| format!("DefaultActions.member.1.RedirectConfig.{name}");
    let group_tuple = (tuple("TargetGroupArn"), group.as_str());
    for (form, expected) in [
        (
            of("forward", &[group_tuple.clone(), (tuple("Weight"), "1000")]),
            "The weight for the target group must be between 1 and 999, inclusive",
        ),
        (
            of("forward", &[group_tuple.clone(), (sticky("Enabled"), "true")]),
            "You must provide a duration when enabling target group stickiness",
        ),
        (
            of("forward", &[group_tuple, (sticky("Enabled"), "true"), (sticky("DurationSeconds"), "604801")]),
            "Target group stickiness duration must be between 1 and 604800 seconds",
        ),
        (
            of("fixed-response", &[]),
            "For actions of type 'fixed-response', you must specify the following fields: 'FixedResponseConfig'",
        ),
        (
            of("redirect", &[(redirect("StatusCode"), "HTTP_307")]),
            "1 validation error detected: Value 'HTTP_307' at 'defaultActions.1.member.redirectConfig.statusCode' failed to satisfy constraint: Member must satisfy enum value set: [HTTP_301, HTTP_302]",
        ),
        (
            of("redirect", &[(redirect("StatusCode"), "HTTP_301"), (redirect("Port"), "x")]),
            "The Port parameter must be either an integer between 1 and 65535 or '#{port}'.",
        ),
        (
            of(
                "fixed-response",
                &[
                    ("DefaultActions.member.1.FixedResponseConfig.StatusCode".to_owned(), "200"),
                    ("DefaultActions.member.1.FixedResponseConfig.ContentType".to_owned(), "text/xml"),
                ],
            ),
            "The ContentType must be one of:'text/html', 'application/json', 'application/javascript', 'text/css', 'text/plain'.",
        ),
    ] {
        let mut pairs: Vec<(&str, &str)> =
            form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        pairs.push(("ListenerArn", listener.as_str()));
        assert_eq!(w.call("ModifyListener", &pairs).expect_err(expected).message, expected);
    }
}
