use super::*;
use crate::desired::resolve as resolve_state;
use crate::model::desired::{ResolvedComponent, ResolvedState};
use crate::model::observed::Readiness;
use crate::model::observed::{
    Depth, Gap, ObservedCluster, ObservedResource, ObservedSecret, ObservedState, Seen,
};
use crate::model::plan::WaitingOn;
use crate::model::resource::{ResourceId, ResourceKind};
use crate::model::resource_record::ResourceRecord;
use std::collections::BTreeMap;

const SECRET: &str = "arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:shop/db-AbCdEf";
const GROUP: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/1";
const LISTENER: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/front/1/2";

fn seen_resource(arn: &str) -> Seen<ObservedResource> {
    Seen::Present(ours(arn))
}

fn ours(arn: &str) -> ObservedResource {
    let tags = BTreeMap::from([("evenkeel.dev/owner".to_owned(), "shop".to_owned())]);
    ObservedResource { tags, ..ObservedResource::new(arn, json!({})) }
}

fn seen_secret(arn: &str, version: Option<&str>, deleted: bool) -> Seen<ObservedSecret> {
    Seen::Present(ObservedSecret { arn: arn.to_owned(), version: version.map(str::to_owned), deleted })
}

/// AWS with everything that is referred to.
fn observed() -> ObservedState {
    let cluster = ObservedCluster {
        arn: "arn:aws:ecs:eu-west-1:123456789012:cluster/shop".to_owned(),
        status: "ACTIVE".to_owned(),
        capacity_providers: Vec::new(),
    };
    ObservedState {
        cluster: Seen::Present(cluster),
        resources: BTreeMap::from([
            (ResourceId::new(ResourceKind::TargetGroup, "web"), seen_resource(GROUP)),
            (ResourceId::new(ResourceKind::Listener, "http"), seen_resource(LISTENER)),
            (ResourceId::new(ResourceKind::LogGroup, "/ecs/shop"), seen_resource("arn:logs")),
        ]),
        load_balancers: BTreeMap::from([("front".to_owned(), seen_resource("arn:front"))]),
        secrets: BTreeMap::from([
            ("shop/db".to_owned(), seen_secret(SECRET, Some("v1"), false)),
            ("shop/key".to_owned(), seen_secret("arn:key", Some("k1"), false)),
        ]),
        ..ObservedState::unread(jiff::Timestamp::UNIX_EPOCH, Depth::Full)
    }
}

fn resolved_with(document: &Value, observed: &ObservedState, versions: &[(&str, &str)]) -> ResolvedState {
    let versions = versions.iter().map(|(id, version)| ((*id).to_owned(), (*version).to_owned())).collect();
    resolve_state(&state(document), observed, &versions, &BTreeMap::new())
}

fn web(observed: &ObservedState, versions: &[(&str, &str)]) -> ResolvedComponent {
    resolved_with(&shop(), observed, versions).components["web"].clone()
}

fn hash(document: &Value, versions: &[(&str, &str)]) -> String {
    let resolved = resolved_with(document, &observed(), versions);
    resolved.components["web"].definition.as_ref().unwrap().hash.to_string()
}

#[test]
fn names_become_full_arns_and_keep_what_follows() {
    let web = web(&observed(), &[]);
    assert_eq!(web.waiting, []);
    let definition = web.definition.unwrap();
    assert_eq!(
        definition.fields["containerDefinitions"][0]["secrets"],
        json!([
            {"name": "KEY", "valueFrom": "arn:key"},
            {"name": "PARAMETER", "valueFrom": "/shop/parameter"},
            {"name": "PASSWORD", "valueFrom": format!("{SECRET}:password::")},
        ])
    );
    assert_eq!(web.fields.unwrap()["loadBalancers"][0]["targetGroupArn"], GROUP);
}

#[test]
fn keys_of_listeners_and_load_balancers_become_arns() {
    let resolved = resolved_with(&shop(), &observed(), &[]);
    let rule = resolved.resources[&ResourceId::new(ResourceKind::Rule, "web")].fields.clone().unwrap();
    assert_eq!((&rule["listenerArn"], rule.get("listener")), (&json!(LISTENER), None));
    assert_eq!(rule["actions"][0]["targetGroups"], json!([{"targetGroupArn": GROUP, "weight": 1}]));
    let listener =
        resolved.resources[&ResourceId::new(ResourceKind::Listener, "http")].fields.clone().unwrap();
    assert_eq!(listener["loadBalancerArn"], "arn:front");
}

#[test]
fn another_family_is_another_definition() {
    let renamed = changed(&[("/spec/components/web/taskDefinition/family", json!("shop-frontend"))]);
    assert_ne!(
        hash(&renamed, &[]),
        hash(&shop(), &[]),
        "or the service would stay at the old family for ever"
    );
}

#[test]
fn a_missing_secret_is_told_with_account_and_region() {
    let mut aws = observed();
    aws.secrets.insert("shop/db".to_owned(), Seen::Absent);
    let web = web(&aws, &[]);
    assert_eq!(web.definition, None);
    assert_eq!(
        web.waiting,
        [WaitingOn::Secret {
            id: "shop/db".to_owned(),
            because: "there is none in account 123456789012, region eu-west-1".to_owned(),
        }]
    );
    assert!(web.fields.is_some(), "the service's own fields do not need the secret");
}

#[test]
fn a_secret_that_cannot_be_read_holds_the_definition() {
    let gap = Gap {
        operation: "secretsmanager:DescribeSecret".to_owned(),
        code: "AccessDeniedException".to_owned(),
        message: "no".to_owned(),
    };
    for (seen, expected) in [
        (seen_secret(SECRET, Some("v1"), true), "scheduled for deletion"),
        (seen_secret(SECRET, None, false), "no current version"),
        (Seen::Unknown(gap), "AccessDeniedException"),
        (Seen::NotRead, "not looked at"),
    ] {
        let mut aws = observed();
        aws.secrets.insert("shop/db".to_owned(), seen);
        let web = web(&aws, &[]);
        assert_eq!(web.definition, None);
        assert!(format!("{:?}", web.waiting).contains(expected), "{:?}", web.waiting);
    }
}

#[test]
fn a_target_group_that_is_not_there_yet_is_waited_for() {
    let mut aws = observed();
    let id = ResourceId::new(ResourceKind::TargetGroup, "web");
    aws.resources.insert(id.clone(), Seen::Absent);
    let resolved = resolved_with(&shop(), &aws, &[]);
    let web = &resolved.components["web"];
    assert_eq!(
        (web.fields.as_ref(), web.waiting.as_slice()),
        (None, [WaitingOn::Resource { id: id.clone() }].as_slice())
    );
    assert!(web.definition.is_some(), "a revision can be registered meanwhile");
    let rule = &resolved.resources[&ResourceId::new(ResourceKind::Rule, "web")];
    assert_eq!((rule.fields.as_ref(), rule.waiting.len()), (None, 1));
}

#[test]
fn a_missing_load_balancer_holds_its_listener() {
    let mut aws = observed();
    aws.load_balancers.insert("front".to_owned(), Seen::Absent);
    let resolved = resolved_with(&shop(), &aws, &[]);
    let listener = &resolved.resources[&ResourceId::new(ResourceKind::Listener, "http")];
    assert!(matches!(listener.waiting.as_slice(), [WaitingOn::LoadBalancer { name, .. }] if name == "front"));
}

#[test]
fn a_rotation_changes_the_hash_only_where_it_restarts() {
    let first = hash(&shop(), &[("shop/db", "v1"), ("shop/key", "k1")]);
    assert_eq!(first, hash(&shop(), &[]), "the observed version counts when none is accepted yet");
    assert_eq!(first, hash(&shop(), &[("shop/db", "v1"), ("shop/key", "k2")]));
    assert_ne!(first, hash(&shop(), &[("shop/db", "v2")]));
}

#[test]
fn the_hash_follows_the_content_and_not_the_service() {
    let first = hash(&shop(), &[]);
    assert_eq!(first, hash(&changed(&[("/spec/components/web/service/desiredCount", json!(5))]), &[]));
    let image = "/spec/components/web/taskDefinition/containerDefinitions/0/image";
    assert_ne!(first, hash(&changed(&[(image, json!("shop/web:2"))]), &[]));
}

#[test]
fn the_hash_of_the_declaration_does_not_depend_on_what_was_seen() {
    let mut aws = observed();
    aws.resources.clear();
    assert_eq!(web(&observed(), &[]).declared, web(&aws, &[]).declared);
}

fn recorded_group() -> BTreeMap<ResourceId, Box<ResourceRecord>> {
    let known = ResourceRecord { arn: Some(GROUP.to_owned()), ..ResourceRecord::default() };
    [(ResourceId::new(ResourceKind::TargetGroup, "web"), known.into())].into()
}

#[test]
fn a_light_pass_stands_on_recorded_arns_and_has_nothing_to_wait_for() {
    let mut aws = observed();
    aws.depth = Depth::Light;
    aws.resources.clear();
    aws.secrets.clear();
    let recorded = recorded_group();
    let resolved = resolve_state(&state(&shop()), &aws, &BTreeMap::new(), &recorded);
    let web = &resolved.components["web"];
    assert_eq!(web.waiting, []);
    assert_eq!(web.fields.as_ref().unwrap()["loadBalancers"][0]["targetGroupArn"], GROUP);
    assert_eq!(web.definition, None, "what was not looked at is never acted on");
}

#[test]
fn a_recorded_arn_does_not_stand_in_for_what_is_gone() {
    let id = ResourceId::new(ResourceKind::TargetGroup, "web");
    let mut aws = observed();
    aws.resources.insert(id.clone(), Seen::Absent);
    let recorded = recorded_group();
    let resolved = resolve_state(&state(&shop()), &aws, &BTreeMap::new(), &recorded);
    assert_eq!(resolved.components["web"].fields, None);
    assert_eq!(resolved.components["web"].waiting, [WaitingOn::Resource { id }]);
}

#[test]
fn blue_and_green_are_resolved_by_key_or_left_as_arns() {
    let rule = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/front/1/2/3";
    let blue_green = |production: &str| {
        changed(&[
            ("/spec/targetGroups/green", json!({"port": 8080, "vpcId": VPC})),
            ("/spec/components/web/service/deploymentConfiguration", json!({"strategy": "BLUE_GREEN"})),
            (
                "/spec/components/web/service/loadBalancers/0/advancedConfiguration",
                json!({"alternateTargetGroupArn": "green", "productionListenerRule": production,
                    "roleArn": "arn:aws:iam::123456789012:role/shift"}),
            ),
        ])
    };
    let mut aws = observed();
    aws.resources.insert(ResourceId::new(ResourceKind::TargetGroup, "green"), seen_resource("arn:green"));
    let by_arn = resolved_with(&blue_green(rule), &aws, &[]).components["web"].clone();
    let advanced = by_arn.fields.unwrap()["loadBalancers"][0]["advancedConfiguration"].clone();
    assert_eq!(
        (&advanced["alternateTargetGroupArn"], &advanced["productionListenerRule"]),
        (&json!("arn:green"), &json!(rule))
    );
    assert_eq!(advanced.get("testListenerRule"), None);

    let missing = resolved_with(&blue_green("web"), &aws, &[]).components["web"].clone();
    assert_eq!(missing.fields, None, "the rule is not there yet");
    aws.resources.insert(ResourceId::new(ResourceKind::Rule, "web"), seen_resource(rule));
    let by_key = resolved_with(&blue_green("web"), &aws, &[]).components["web"].clone();
    assert_eq!(by_key.fields.unwrap()["loadBalancers"][0]["advancedConfiguration"], advanced);
}

#[test]
fn only_a_log_group_of_this_document_and_region_is_waited_for() {
    let options = "/spec/components/web/taskDefinition/containerDefinitions/0/logConfiguration/options";
    let set = |option: &str, value: &str| {
        let mut all = shop().pointer(options).unwrap().clone();
        all[option] = json!(value);
        changed(&[(options, all)])
    };
    let mut aws = observed();
    aws.resources.insert(ResourceId::new(ResourceKind::LogGroup, "/ecs/shop"), Seen::Absent);
    let waits = |document: &Value| !resolved_with(document, &aws, &[]).components["web"].waiting.is_empty();
    assert!(waits(&shop()));
    assert!(!waits(&set("awslogs-region", "eu-central-1")), "the group of another region");
    assert!(!waits(&set("awslogs-create-group", "true")), "ECS makes it");
    assert!(!waits(&set("awslogs-group", "/ecs/theirs")), "somebody else's");
}

#[test]
fn a_load_balancer_that_was_not_seen_is_not_taken_for_absent() {
    let gap = Gap { operation: "o".to_owned(), code: "Throttling".to_owned(), message: "m".to_owned() };
    for (seen, why) in [
        (Some(Seen::Unknown(gap)), "Throttling"),
        (Some(Seen::NotRead), "not looked at"),
        (None, "not looked at"),
    ] {
        let mut aws = observed();
        aws.load_balancers.remove("front");
        if let Some(seen) = seen {
            aws.load_balancers.insert("front".to_owned(), seen);
        }
        let resolved = resolved_with(&shop(), &aws, &[]);
        let listener = &resolved.resources[&ResourceId::new(ResourceKind::Listener, "http")];
        assert!(
            matches!(listener.waiting.as_slice(), [WaitingOn::Observation { because }] if because.contains(why)),
            "{:?}",
            listener.waiting
        );
    }
}

#[test]
fn where_a_secret_was_looked_for_is_told_as_far_as_it_is_known() {
    let missing = |placement: Value, id: &str, cluster: Seen<ObservedCluster>| {
        let document = changed(&[
            ("/spec/placement", placement),
            (
                "/spec/components/web/taskDefinition/containerDefinitions/0/secrets",
                json!([{"name": "A", "valueFrom": id}]),
            ),
        ]);
        let mut aws = observed();
        aws.cluster = cluster;
        aws.secrets.insert(id.to_owned(), Seen::Absent);
        match resolved_with(&document, &aws, &[]).components["web"].waiting.as_slice() {
            [WaitingOn::Secret { because, .. }] => because.clone(),
            other => panic!("{other:?}"),
        }
    };
    let here = || json!({"region": "eu-west-1", "cluster": "shop"});
    let plain = missing(here(), "db-name", Seen::NotRead);
    assert!(
        plain.ends_with("for the parameter of that name in Parameter Store write `ssm:db-name`, or its ARN"),
        "{plain}"
    );
    let arn = "arn:aws:secretsmanager:us-east-1:999999999999:secret:db-AbCdEf";
    assert!(missing(here(), arn, Seen::NotRead).ends_with("in account 999999999999, region us-east-1"));
    assert!(missing(here(), "shop/db2", Seen::NotRead).ends_with("in region eu-west-1"));
    let by_role =
        json!({"region": "eu-west-1", "cluster": "shop", "roleArn": "arn:aws:iam::111111111111:role/r"});
    assert!(
        missing(by_role, "shop/db2", Seen::NotRead).ends_with("in account 111111111111, region eu-west-1")
    );
    let by_cluster =
        json!({"region": "eu-west-1", "cluster": "arn:aws:ecs:eu-west-1:222222222222:cluster/shop"});
    assert!(
        missing(by_cluster, "shop/db2", Seen::Absent).ends_with("in account 222222222222, region eu-west-1")
    );
}

#[test]
fn what_is_there_and_not_ready_is_waited_for_by_all_that_do_not_rely_on_it_yet() {
    let web = ResourceId::new(ResourceKind::TargetGroup, "web");
    let service = ResourceId::new(ResourceKind::Service, "web");
    let applied = ResourceRecord { applied: Some("d".into()), ..ResourceRecord::default() };
    let relying = BTreeMap::from([(service, applied.into())]);
    let waits = |readiness: Readiness, recorded: &BTreeMap<ResourceId, Box<ResourceRecord>>| {
        let mut aws = observed();
        let group = ObservedResource { readiness, ..ours(GROUP) };
        aws.resources.insert(web.clone(), Seen::Present(group));
        let resolved = resolve_state(&state(&shop()), &aws, &BTreeMap::new(), recorded);
        let service = &resolved.components["web"];
        assert_eq!(service.fields.is_none(), !service.waiting.is_empty());
        service.waiting.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let changing = Readiness::Changing { what: "being made".into() };
    let failed = Readiness::Failed { why: "no room".into() };
    let none = BTreeMap::new();
    assert_eq!(waits(Readiness::Ready, &none), Vec::<String>::new());
    assert_eq!(waits(changing.clone(), &none), ["target-group/web: it is being made"]);
    assert_eq!(waits(changing, &relying), Vec::<String>::new(), "what serves goes on");
    assert_eq!(waits(failed.clone(), &none), ["target-group/web: it failed: no room"]);
    assert_eq!(waits(failed, &relying), ["target-group/web: it failed: no room"]);
}

#[test]
fn what_a_key_stands_for_is_part_of_the_declaration_and_what_is_spelled_out_is_not() {
    let declared = |changes: &[(&str, Value)]| {
        let state = state(&changed(changes));
        let resolved = resolve_state(&state, &observed(), &BTreeMap::new(), &BTreeMap::new());
        resolved.components["web"].declared.clone()
    };
    let before = declared(&[]);
    assert_eq!(declared(&[("/spec/targetGroups/web/healthCheckPath", json!("/other"))]), before);
    assert_ne!(declared(&[("/spec/targetGroups/web/port", json!(9999))]), before, "another target group");
}

#[test]
fn what_is_somebody_elses_is_not_relied_on() {
    let mut aws = observed();
    let web = ResourceId::new(ResourceKind::TargetGroup, "web");
    let tags = BTreeMap::from([("evenkeel.dev/owner".to_owned(), "blog".to_owned())]);
    let group = ObservedResource { tags, ..ObservedResource::new(GROUP, json!({})) };
    aws.resources.insert(web, Seen::Present(group));
    let resolved = resolve_state(&state(&shop()), &aws, &BTreeMap::new(), &BTreeMap::new());
    let waiting: Vec<String> = resolved.components["web"].waiting.iter().map(ToString::to_string).collect();
    assert_eq!(waiting, ["target-group/web: it is not this deployment's"]);
}

#[test]
fn a_parameter_by_name_is_handed_to_ecs_as_its_name() {
    let secrets = json!([{"name": "A", "valueFrom": "ssm:db-name"}, {"name": "B", "valueFrom": "/shop/b"}]);
    let document =
        changed(&[("/spec/components/web/taskDefinition/containerDefinitions/0/secrets", secrets)]);
    let definition = resolved_with(&document, &observed(), &[]).components["web"].definition.clone().unwrap();
    let handed = &definition.fields["containerDefinitions"][0]["secrets"];
    assert_eq!(
        *handed,
        json!([{"name": "A", "valueFrom": "db-name"}, {"name": "B", "valueFrom": "/shop/b"}])
    );
}
