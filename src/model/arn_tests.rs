use super::*;

const BALANCING: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012";

#[test]
fn a_listener_names_its_load_balancer_and_a_cluster_its_services() {
    let of = |resource: &str| format!("arn:aws:elasticloadbalancing:eu-west-1:1:{resource}");
    assert_eq!(load_balancer_of(&of("listener/app/lb/1/2")), Some(of("loadbalancer/app/lb/1")));
    assert_eq!(load_balancer_of(&of("targetgroup/web/1")), None);
    let service = service_arn("arn:aws:ecs:eu-west-1:1:task-definition/web:1", "main", "web");
    assert_eq!(service.as_deref(), Some("arn:aws:ecs:eu-west-1:1:service/main/web"));
    assert!(is_service(&service.unwrap(), "main", "web"));
}

#[test]
fn arns_of_every_partition_are_read() {
    for partition in ["aws", "aws-cn", "aws-us-gov"] {
        let text = format!("arn:{partition}:ecs:cn-north-1:123456789012:cluster/shop");
        let arn = Arn::parse(&text).unwrap();
        assert_eq!((arn.service, arn.region), ("ecs", "cn-north-1"));
        assert_eq!((arn.account, arn.has_account()), ("123456789012", true));
        assert_eq!((cluster_name(&text), is_arn(&text)), ("shop", true));
    }
}

#[test]
fn what_is_not_an_arn_is_a_name() {
    assert_eq!(Arn::parse("shop"), None);
    assert_eq!(Arn::parse("arn:aws:ecs"), None);
    assert_eq!(Arn::parse("arn:other:ecs:r:1:x"), None);
    for name in [cluster_name, service_name, task_id, family_revision, load_balancer_name, target_group_name]
    {
        assert_eq!(name("front"), "front");
    }
    assert_eq!((service_cluster("front"), listener_of_rule("front"), is_arn("front")), (None, None, false));
}

#[test]
fn long_and_short_arns_of_services_and_tasks_are_understood() {
    let long = "arn:aws:ecs:eu-west-1:123456789012:service/shop/web";
    let short = "arn:aws:ecs:eu-west-1:123456789012:service/web";
    assert_eq!((service_name(long), service_cluster(long)), ("web", Some("shop")));
    assert_eq!((service_name(short), service_cluster(short)), ("web", None));
    assert_eq!(task_id("arn:aws:ecs:eu-west-1:123456789012:task/shop/0af"), "0af");
}

#[test]
fn a_definition_is_a_family_and_a_number() {
    let arn = "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:7";
    assert_eq!((family_revision(arn), family_of(arn), revision_number(arn)), ("web:7", "web", 7));
    assert_eq!((family_of("web"), revision_number("web")), ("web", 0));
}

#[test]
fn names_of_balancing_stand_before_their_ids() {
    let balancer = format!("{BALANCING}:loadbalancer/app/front/50dc6c495c0c9188");
    assert_eq!(load_balancer_name(&balancer), "front");
    assert_eq!(target_group_name(&format!("{BALANCING}:targetgroup/web/6d0ecf831eec9f09")), "web");
}

#[test]
fn a_rule_names_its_listener() {
    let rule = format!("{BALANCING}:listener-rule/app/front/50dc/f2f7/9683");
    assert_eq!(listener_of_rule(&rule), Some(format!("{BALANCING}:listener/app/front/50dc/f2f7")));
}
