use super::*;
use aws_sdk_elasticloadbalancingv2::types::*;

const RULE: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/edge/1/2/3";
const GROUP: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/9";

fn forward_config(weight: Option<i32>, sticky: Option<bool>) -> ForwardActionConfig {
    ForwardActionConfig::builder()
        .target_groups(TargetGroupTuple::builder().target_group_arn(GROUP).set_weight(weight).build())
        .target_group_stickiness_config(
            TargetGroupStickinessConfig::builder().set_enabled(sticky).duration_seconds(60).build(),
        )
        .build()
}

#[test]
fn a_lone_target_group_is_a_list_of_one() {
    let lone = Action::builder().r#type(ActionTypeEnum::Forward).target_group_arn(GROUP).build();
    let listed = Action::builder()
        .r#type(ActionTypeEnum::Forward)
        .target_group_arn(GROUP)
        .forward_config(forward_config(None, Some(false)))
        .build();
    let wanted = json!([{"type": "forward", "targetGroups": [{"targetGroupArn": GROUP, "weight": 1}]}]);
    assert_eq!(actions(Some(vec![lone])), wanted);
    assert_eq!(actions(Some(vec![listed])), wanted);
}

#[test]
fn stickiness_shows_only_when_it_is_on() {
    let sticky = Action::builder()
        .r#type(ActionTypeEnum::Forward)
        .forward_config(forward_config(Some(5), Some(true)))
        .build();
    let wanted = json!([{
        "type": "forward",
        "targetGroups": [{"targetGroupArn": GROUP, "weight": 5}],
        "stickinessSeconds": 60,
    }]);
    assert_eq!(actions(Some(vec![sticky])), wanted);
}

#[test]
fn a_rule_names_its_listener_and_its_conditions_in_order() {
    let host = RuleCondition::builder()
        .field("host-header")
        .values("old.example.com")
        .host_header_config(
            HostHeaderConditionConfig::builder().values("b.example.com").values("a.example.com").build(),
        )
        .build();
    let header = RuleCondition::builder()
        .field("http-header")
        .http_header_config(
            HttpHeaderConditionConfig::builder().http_header_name("X-Beta").values("yes").build(),
        )
        .build();
    let raw = Rule::builder().rule_arn(RULE).priority("10").conditions(header).conditions(host).build();
    let seen = rule(raw).expect("it is not a default rule");
    let wanted = json!({
        "listenerArn": "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/edge/1/2",
        "priority": 10,
        "conditions": [
            {"field": "host-header", "values": ["a.example.com", "b.example.com"]},
            {"field": "http-header", "httpHeaderConfig": {"httpHeaderName": "X-Beta", "values": ["yes"]}},
        ],
        "actions": [],
    });
    assert_eq!(seen.fields, wanted);
}

#[test]
fn a_default_rule_is_no_rule() {
    assert!(rule(Rule::builder().rule_arn(RULE).priority("default").build()).is_none());
}

#[test]
fn a_target_group_has_the_fields_that_are_declared() {
    let raw = TargetGroup::builder()
        .target_group_arn(GROUP)
        .target_group_name("web")
        .protocol(ProtocolEnum::Http)
        .protocol_version("HTTP2")
        .port(8080)
        .target_type(TargetTypeEnum::Ip)
        .matcher(Matcher::builder().http_code("200").build())
        .load_balancer_arns("lb")
        .build();
    let seen = target_group(raw);
    let wanted = json!({
        "name": "web", "protocol": "HTTP", "protocolVersion": "HTTP2", "port": 8080, "targetType": "ip",
        "matcher": {"httpCode": "200"},
    });
    assert_eq!(seen.fields, wanted);
    assert_eq!(seen.used_by, ["lb"]);
}

#[test]
fn a_target_group_that_shows_no_version_has_the_default_of_its_protocol() {
    let version = |protocol: ProtocolEnum, version: Option<&str>| {
        let found =
            TargetGroup::builder().protocol(protocol).set_protocol_version(version.map(str::to_owned));
        target_group(found.build()).fields.get("protocolVersion").cloned()
    };
    assert_eq!(version(ProtocolEnum::Http, None), Some(json!("HTTP1")));
    assert_eq!(version(ProtocolEnum::Https, Some("GRPC")), Some(json!("GRPC")));
    assert_eq!(version(ProtocolEnum::Tcp, None), None);
}

#[test]
fn an_action_that_cannot_be_declared_shows_by_its_type() {
    let login = Action::builder().r#type(ActionTypeEnum::AuthenticateOidc).order(1).build();
    let then = Action::builder().r#type(ActionTypeEnum::Forward).target_group_arn(GROUP).order(2).build();
    let seen = actions(Some(vec![then, login]));
    assert_eq!(seen[0], json!({"type": "authenticate-oidc"}));
    assert_eq!(seen[1]["type"], "forward");
}
