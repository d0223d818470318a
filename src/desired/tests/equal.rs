//! Documents that mean the same give the same state.

use super::*;
use crate::model::canonical::content_hash;
use crate::model::normalise::normalise_task_definition;
use proptest::prelude::*;

const WEB: &str = "/spec/components/web";

#[test]
fn a_spelled_out_default_is_the_same_as_an_absent_one() {
    let container = format!("{WEB}/taskDefinition/containerDefinitions/0");
    let defaults = [
        (format!("{container}/cpu"), json!(0)),
        (format!("{container}/essential"), json!(true)),
        (format!("{container}/privileged"), json!(false)),
        (format!("{container}/stopTimeout"), json!(30)),
        (format!("{container}/versionConsistency"), json!("enabled")),
        (format!("{container}/mountPoints"), json!([])),
        (format!("{container}/portMappings/0/protocol"), json!("tcp")),
        (format!("{container}/portMappings/0/hostPort"), json!(8080)),
        (format!("{WEB}/taskDefinition/cpu"), json!(".5 vCPU")),
        (format!("{WEB}/taskDefinition/memory"), json!("1 GB")),
        (format!("{WEB}/taskDefinition/networkMode"), json!("awsvpc")),
        (format!("{WEB}/taskDefinition/family"), json!("shop-web")),
        (format!("{WEB}/taskDefinition/requiresCompatibilities"), json!(["FARGATE"])),
        (format!("{WEB}/taskDefinition/runtimePlatform"), json!({"cpuArchitecture": "X86_64"})),
        (format!("{WEB}/service/serviceName"), json!("shop-web")),
        (format!("{WEB}/service/platformVersion"), json!("LATEST")),
        (format!("{WEB}/service/schedulingStrategy"), json!("REPLICA")),
        (format!("{WEB}/service/propagateTags"), json!("NONE")),
        (format!("{WEB}/service/enableExecuteCommand"), json!(false)),
        (format!("{WEB}/service/enableECSManagedTags"), json!(false)),
        (format!("{WEB}/service/healthCheckGracePeriodSeconds"), json!(0)),
        (
            format!("{WEB}/service/deploymentConfiguration"),
            json!({"minimumHealthyPercent": 100, "maximumPercent": 200}),
        ),
        (format!("{WEB}/service/bakeSeconds"), json!(0)),
        (format!("{WEB}/service/progressDeadlineSeconds"), json!(900)),
        (format!("{WEB}/service/networkConfiguration/awsvpcConfiguration/assignPublicIp"), json!("DISABLED")),
        ("/spec/targetGroups/web/protocol".to_owned(), json!("HTTP")),
        ("/spec/targetGroups/web/targetType".to_owned(), json!("ip")),
        ("/spec/targetGroups/web/healthCheckIntervalSeconds".to_owned(), json!(30)),
        ("/spec/targetGroups/web/matcher".to_owned(), json!({"httpCode": "200"})),
        (
            "/spec/rules/web/actions".to_owned(),
            json!([{"type": "forward", "targetGroups": [{"targetGroup": "web", "weight": 1}]}]),
        ),
        ("/spec/components/migrate/task/deadlineSeconds".to_owned(), json!(3600)),
        ("/spec/components/migrate/task/run".to_owned(), json!("Completion")),
        ("/spec/drift".to_owned(), json!({"policy": "Repair"})),
        ("/spec/deletionPolicy".to_owned(), json!("Retain")),
    ];
    let short = state(&shop());
    for (pointer, value) in &defaults {
        assert_eq!(state(&changed(&[(pointer, value.clone())])), short, "{pointer}");
    }
    let all: Vec<(&str, Value)> = defaults.iter().map(|(p, value)| (p.as_str(), value.clone())).collect();
    assert_eq!(state(&changed(&all)), short);
}

/// A list in another order, decided by `seed`.
fn shuffle(items: &mut [Value], seed: u64) {
    items.sort_by_cached_key(|item| content_hash(&json!([seed, item])));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_lists_that_are_sets_does_not_matter(seed in any::<u64>()) {
        let mut document = changed(&[(
            "/spec/components/web/taskDefinition/containerDefinitions/-",
            json!({"name": "sidecar", "image": "shop/sidecar:1", "portMappings": [
                {"containerPort": 9000}, {"containerPort": 80}, {"containerPort": 443, "protocol": "udp"}]}),
        )]);
        let ordered = state(&document);
        for list in [
            "/spec/components/web/taskDefinition/containerDefinitions/0/environment",
            "/spec/components/web/taskDefinition/containerDefinitions/0/secrets",
            "/spec/components/web/taskDefinition/containerDefinitions/1/portMappings",
            "/spec/components/web/taskDefinition/containerDefinitions",
            "/spec/components/web/service/networkConfiguration/awsvpcConfiguration/subnets",
            "/spec/rules/web/conditions",
        ] {
            shuffle(document.pointer_mut(list).unwrap().as_array_mut().unwrap(), seed);
        }
        prop_assert_eq!(state(&document), ordered);
    }

    #[test]
    fn normalising_twice_is_normalising_once(
        cpu in prop_oneof![Just(json!(0)), Just(json!(10)), Just(Value::Null)],
        flags in prop::collection::vec(any::<bool>(), 4),
        ports in prop::collection::vec((1u16..9, 0u16..9, any::<bool>()), 0..4),
        names in prop::collection::vec("[A-C]", 0..4),
        mode in prop_oneof![Just("awsvpc"), Just("bridge"), Just("host")],
        capacity in prop_oneof![Just("FARGATE"), Just("EC2")],
    ) {
        let mut tree = json!({
            "networkMode": mode, "requiresCompatibilities": [capacity], "cpu": ".25 vCPU", "volumes": [{"name": "v", "host": {}}],
            "containerDefinitions": [{
                "name": "a", "cpu": cpu, "essential": flags[0], "privileged": flags[1], "stopTimeout": 30,
                "restartPolicy": {"enabled": flags[2], "restartAttemptPeriod": 300},
                "linuxParameters": {"initProcessEnabled": flags[3], "capabilities": {"add": [], "drop": names}},
                "portMappings": ports.iter().map(|(container, host, udp)| json!({
                    "containerPort": container, "hostPort": host, "protocol": if *udp { "udp" } else { "tcp" },
                })).collect::<Vec<_>>(),
                "environment": names.iter().map(|name| json!({"name": name, "value": ""})).collect::<Vec<_>>(),
            }],
        });
        normalise_task_definition(&mut tree);
        let once = tree.clone();
        normalise_task_definition(&mut tree);
        prop_assert_eq!(tree, once);
    }
}
