//! One row per check: what is changed, the field that the finding names, and a part of what it says.

use super::*;

const C: &str = "/spec/components/web/taskDefinition/containerDefinitions/0";
const T: &str = "/spec/components/web/taskDefinition";
const S: &str = "/spec/components/web/service";
const G: &str = "/spec/targetGroups/web";
const L: &str = "/spec/listeners/http";
const R: &str = "/spec/rules/web";

type Row = (&'static str, &'static str, Value, &'static str, &'static str);

fn hold(rows: &[Row]) {
    let mut wrong = Vec::new();
    for (base, rest, value, field, message) in rows {
        let pointer = format!("{base}{rest}");
        let found = findings(&changed(&[(&pointer, value.clone())]));
        let hit = found.iter().any(|finding| finding.field == *field && finding.message.contains(message));
        if !hit {
            wrong.push(format!("{pointer} = {value}: wanted {field}: {message}; found {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn names_and_places_have_their_forms() {
    hold(&[
        ("/metadata/name", "", json!("Shop"), "metadata.name", "is not a name"),
        ("/metadata/name", "", json!("shop-"), "metadata.name", "is not a name"),
        ("/spec/placement/region", "", json!("Ireland"), "spec.placement.region", "is not a region"),
        (
            "/spec/placement/cluster",
            "",
            json!("a b"),
            "spec.placement.cluster",
            "neither the name nor the ARN",
        ),
        (
            "/spec/placement/cluster",
            "",
            json!("arn:aws:ecs:us-east-1:123456789012:cluster/shop"),
            "spec.placement.cluster",
            "the cluster is in us-east-1",
        ),
        ("/spec/placement/roleArn", "", json!("admin"), "spec.placement.roleArn", "not the ARN of a role"),
        ("/spec/tags/aws:x", "", json!("1"), "spec.tags[\"aws:x\"]", "reserved by AWS"),
        (
            "/spec/tags/evenkeel.dev~1owner",
            "",
            json!("x"),
            "spec.tags[\"evenkeel.dev/owner\"]",
            "what Evenkeel owns",
        ),
        (
            "/spec/suspend",
            "",
            json!({"by": "", "reason": "x", "until": "2026-12-01T08:00:00Z"}),
            "spec.suspend.by",
            "it is empty",
        ),
        (
            "/spec/drift",
            "",
            json!({"fields": {"service/wbe.desiredCount": "Ignore"}}),
            "spec.drift.fields[\"service/wbe.desiredCount\"]",
            "covers nothing",
        ),
        (
            "/spec/logGroups/~1ecs~1shop/retentionInDays",
            "",
            json!(31),
            "spec.logGroups[\"/ecs/shop\"].retentionInDays",
            "31 days",
        ),
        ("/spec/logGroups/a b", "", json!({}), "spec.logGroups[\"a b\"]", "not the name of a log group"),
    ]);
}

#[test]
fn components_have_one_workload_and_gates_that_open() {
    hold(&[
        (S, "", Value::Null, "spec.components.web", "exactly one workload, this one has 0"),
        ("/spec/components/web/task", "", json!({}), "spec.components.web", "this one has 2"),
        (
            "/spec/components/web/dependsOn",
            "",
            json!(["nobody"]),
            "spec.components.web.dependsOn[0]",
            "no component `nobody`",
        ),
        (
            "/spec/components/web/dependsOn",
            "",
            json!(["web"]),
            "spec.components.web.dependsOn[0]",
            "wait for itself",
        ),
        (
            "/spec/components/migrate/dependsOn",
            "",
            json!(["web"]),
            "spec.components.migrate.dependsOn",
            "wait for each other: migrate → web → migrate",
        ),
        ("/spec/components", "", json!({}), "spec.components", "there are no components"),
        (
            "/spec/components/worker/singleton/serviceName",
            "",
            json!("shop-web"),
            "spec.components.worker",
            "already there",
        ),
        (
            "/spec/components/worker/taskDefinition/family",
            "",
            json!("shop-web"),
            "spec.components.worker.taskDefinition.family",
            "already there",
        ),
    ]);
}

#[test]
fn task_definitions_fit_fargate() {
    let td = "spec.components.web.taskDefinition";
    let field = |rest: &str| -> &'static str { Box::leak(format!("{td}.{rest}").into_boxed_str()) };
    hold(&[
        (T, "/cpu", Value::Null, field("cpu"), "Fargate needs cpu"),
        (T, "/cpu", json!(300), field("cpu"), "no size with 300 CPU units"),
        (T, "/memory", json!(512), field("memory"), "no size with 512 CPU units and 512 MiB"),
        (T, "/memory", json!(1536), field("memory"), "no size"),
        (T, "/memory", json!("lots"), field("memory"), "`lots` is not an amount"),
        (T, "/networkMode", json!("bridge"), field("networkMode"), "awsvpc only"),
        (T, "/networkMode", json!("wifi"), field("networkMode"), "`wifi` is not known"),
        (T, "/pidMode", json!("host"), field("pidMode"), "pidMode task only"),
        (
            T,
            "/placementConstraints",
            json!([{"type": "memberOf"}]),
            field("placementConstraints"),
            "no placement",
        ),
        (T, "/requiresCompatibilities", json!(["EC2"]), field("requiresCompatibilities"), "runs on FARGATE"),
        (
            T,
            "/ephemeralStorage",
            json!({"sizeInGiB": 20}),
            field("ephemeralStorage.sizeInGiB"),
            "20 is out of range",
        ),
        (T, "/executionRoleArn", Value::Null, field("executionRoleArn"), "reads secrets"),
        (T, "/taskRoleArn", json!("x"), field("taskRoleArn"), "not the ARN of a role"),
        (
            T,
            "/volumes",
            json!([{"name": "v", "host": {"sourcePath": "/x"}}]),
            field("volumes[0]"),
            "no volumes of the host",
        ),
        (T, "/volumes", json!([{"name": "v"}, {"name": "v"}]), field("volumes[1].name"), "already there"),
        (
            T,
            "/volumes",
            json!([{"name": "v", "efsVolumeConfiguration": {"fileSystemId": "fs-1", "authorizationConfig": {"iam": "ENABLED"}}}]),
            field("volumes[0].efsVolumeConfiguration.transitEncryption"),
            "need encryption in transit",
        ),
        (T, "/containerDefinitions", json!([]), field("containerDefinitions"), "1 to 10 containers"),
        (C, "/essential", json!(false), field("containerDefinitions"), "no container is essential"),
        (C, "/cpu", json!(1024), field("cpu"), "ask for 1024 CPU units"),
        (C, "/memory", json!(2048), field("memory"), "reserve 2048 MiB"),
    ]);
}

#[test]
fn containers_are_what_ecs_takes() {
    let container = "spec.components.web.taskDefinition.containerDefinitions[0]";
    let field = |rest: &str| -> &'static str { Box::leak(format!("{container}.{rest}").into_boxed_str()) };
    hold(&[
        (C, "/name", json!("a b"), field("name"), "not a container name"),
        (C, "/image", json!(""), field("image"), "is not an image"),
        (C, "/image", json!("registry:5000/shop/web"), field("image"), "no tag"),
        (C, "/image", json!("shop/web:latest"), field("image"), "the tag `latest`"),
        (C, "/memory", json!(4), field("memory"), "too little"),
        (C, "/privileged", json!(true), field("privileged"), "Fargate does not allow it"),
        (C, "/links", json!(["x"]), field("links"), "awsvpc does not allow it"),
        (C, "/stopTimeout", json!(121), field("stopTimeout"), "121 is out of range"),
        (
            C,
            "/environment/-",
            json!({"name": "MODE", "value": "x"}),
            field("environment[2].name"),
            "already there",
        ),
        (
            C,
            "/environment/-",
            json!({"name": "KEY", "value": "x"}),
            field("secrets[1].name"),
            "already there",
        ),
        (
            C,
            "/environment/-",
            json!({"name": "", "value": "x"}),
            field("environment[2].name"),
            "not the name",
        ),
        (
            C,
            "/secrets/0/valueFrom",
            json!("arn:aws:s3:::b"),
            field("secrets[0].valueFrom"),
            "not a reference to a secret",
        ),
        (C, "/portMappings/0/hostPort", json!(80), field("portMappings[0].hostPort"), "the port on the host"),
        (C, "/portMappings/0/protocol", json!("sctp"), field("portMappings[0].protocol"), "not known"),
        (
            C,
            "/portMappings/-",
            json!({"containerPort": 8080}),
            field("portMappings[1].containerPort"),
            "already taken",
        ),
        (C, "/portMappings/-", json!({}), field("portMappings[1]"), "names no port"),
        (
            C,
            "/healthCheck",
            json!({"command": ["curl"]}),
            field("healthCheck.command"),
            "not a health check command",
        ),
        (
            C,
            "/healthCheck",
            json!({"command": ["CMD", "true"], "interval": 3}),
            field("healthCheck.interval"),
            "3 is out of range",
        ),
        (
            C,
            "/logConfiguration/options/awslogs-group",
            json!("/ecs/other"),
            field("logConfiguration.options.awslogs-group"),
            "is not declared",
        ),
        (
            C,
            "/logConfiguration/options/awslogs-region",
            Value::Null,
            field("logConfiguration.options.awslogs-region"),
            "awslogs needs awslogs-region",
        ),
        (C, "/logConfiguration/logDriver", json!("gelf"), field("logConfiguration.logDriver"), "not known"),
        (
            C,
            "/mountPoints",
            json!([{"sourceVolume": "v"}]),
            field("mountPoints[0].sourceVolume"),
            "no volume `v`",
        ),
        (C, "/mountPoints", json!([{"sourceVolume": "v"}]), field("mountPoints[0].containerPath"), "no path"),
        (
            C,
            "/ulimits",
            json!([{"name": "nofile", "softLimit": 2, "hardLimit": 1}]),
            field("ulimits[0]"),
            "above the hard limit",
        ),
        (
            C,
            "/dependsOn",
            json!([{"containerName": "x", "condition": "START"}]),
            field("dependsOn[0].containerName"),
            "no container `x`",
        ),
    ]);
}

#[test]
fn services_are_what_ecs_takes() {
    let service = "spec.components.web.service";
    let field = |rest: &str| -> &'static str { Box::leak(format!("{service}.{rest}").into_boxed_str()) };
    let strategy = json!([{"capacityProvider": "FARGATE", "weight": 1}]);
    let many: Vec<String> = (0..17).map(|number| format!("subnet-0123456789abcde{number:02}")).collect();
    hold(&[
        (S, "/launchType", json!("LAMBDA"), field("launchType"), "not known"),
        (S, "/networkConfiguration", Value::Null, field("networkConfiguration"), "needs subnets"),
        (
            S,
            "/networkConfiguration/awsvpcConfiguration/subnets",
            json!([]),
            field("networkConfiguration.awsvpcConfiguration.subnets"),
            "0 subnets",
        ),
        (
            S,
            "/networkConfiguration/awsvpcConfiguration/subnets",
            json!(many),
            field("networkConfiguration.awsvpcConfiguration.subnets"),
            "17 subnets",
        ),
        (
            S,
            "/networkConfiguration/awsvpcConfiguration/securityGroups",
            json!(["x"]),
            field("networkConfiguration.awsvpcConfiguration.securityGroups[0]"),
            "`x` is not an id",
        ),
        (S, "/platformVersion", json!("newest"), field("platformVersion"), "not a platform version"),
        (S, "/enableExecuteCommand", json!(true), field("enableExecuteCommand"), "needs a task role"),
        (S, "/propagateTags", json!("ALL"), field("propagateTags"), "not known"),
        (S, "/schedulingStrategy", json!("DAEMON"), field("desiredCount"), "one task per instance"),
        (S, "/schedulingStrategy", json!("DAEMON"), field("schedulingStrategy"), "EC2 and EXTERNAL"),
        (
            S,
            "/placementStrategy",
            json!([{"type": "random"}]),
            field("placementStrategy"),
            "Fargate places tasks itself",
        ),
        (
            "/spec/components/worker/singleton/healthCheckGracePeriodSeconds",
            "",
            json!(30),
            "spec.components.worker.singleton.healthCheckGracePeriodSeconds",
            "refuses a grace period",
        ),
        (
            S,
            "/loadBalancers/0/targetGroup",
            json!("api"),
            field("loadBalancers[0].targetGroup"),
            "no target group `api`",
        ),
        (S, "/loadBalancers/0/targetGroup", Value::Null, field("loadBalancers[0]"), "exactly one of"),
        (
            S,
            "/loadBalancers/0/containerName",
            json!("api"),
            field("loadBalancers[0].containerName"),
            "no container `api`",
        ),
        (
            S,
            "/loadBalancers/0/containerPort",
            json!(1),
            field("loadBalancers[0].containerPort"),
            "does not map port 1",
        ),
        (G, "/targetType", json!("instance"), field("loadBalancers[0].targetGroup"), "needs target type ip"),
        (
            S,
            "/deploymentConfiguration",
            json!({"maximumPercent": 100}),
            field("deploymentConfiguration"),
            "no deployment ever proceeds",
        ),
        (
            S,
            "/deploymentConfiguration",
            json!({"minimumHealthyPercent": 101}),
            field("deploymentConfiguration.minimumHealthyPercent"),
            "out of range",
        ),
        (
            S,
            "/deploymentConfiguration",
            json!({"strategy": "CANARY"}),
            field("loadBalancers[0].advancedConfiguration"),
            "CANARY needs",
        ),
        (
            S,
            "/deploymentConfiguration",
            json!({"canaryConfiguration": {}}),
            field("deploymentConfiguration.canaryConfiguration"),
            "for strategy CANARY",
        ),
        (
            S,
            "/deploymentConfiguration",
            json!({"deploymentCircuitBreaker": {"rollback": true}}),
            field("deploymentConfiguration.deploymentCircuitBreaker"),
            "does nothing",
        ),
        (
            S,
            "/deploymentConfiguration",
            json!({"alarms": {"enable": true}}),
            field("deploymentConfiguration.alarms.alarmNames"),
            "no alarms",
        ),
        (
            S,
            "/autoscaling",
            json!({"minCapacity": 3, "maxCapacity": 2}),
            field("autoscaling"),
            "3 to 2 is no range",
        ),
        (
            S,
            "/autoscaling",
            json!({"minCapacity": 1, "maxCapacity": 2}),
            field("desiredCount"),
            "desiredCount is ignored",
        ),
        (
            S,
            "/serviceRegistries",
            json!([{"registryArn": "x"}]),
            field("serviceRegistries[0].registryArn"),
            "Cloud Map",
        ),
        (
            "/spec/components/worker/singleton/desiredCount",
            "",
            json!(2),
            "spec.components.worker.singleton.desiredCount",
            "one task at most",
        ),
        (
            "/spec/components/worker/singleton/deploymentConfiguration",
            "",
            json!({"maximumPercent": 200}),
            "spec.components.worker.singleton.deploymentConfiguration",
            "always stopped before",
        ),
        (
            "/spec/components/migrate/task/deadlineSeconds",
            "",
            json!(0),
            "spec.components.migrate.task.deadlineSeconds",
            "0 is out of range",
        ),
    ]);
    let both = changed(&[
        (&format!("{S}/launchType"), json!("FARGATE")),
        (&format!("{S}/capacityProviderStrategy"), strategy),
    ]);
    assert!(findings(&both).iter().any(|finding| finding.message.contains("excludes launchType")));
}

#[test]
fn target_groups_listeners_and_rules_are_what_elb_takes() {
    let group =
        |rest: &str| -> &'static str { Box::leak(format!("spec.targetGroups.web{rest}").into_boxed_str()) };
    let listener =
        |rest: &str| -> &'static str { Box::leak(format!("spec.listeners.http{rest}").into_boxed_str()) };
    let rule = |rest: &str| -> &'static str { Box::leak(format!("spec.rules.web{rest}").into_boxed_str()) };
    let values: Vec<String> = (0..6).map(|number| format!("{number}.example.com")).collect();
    hold(&[
        (G, "/name", json!("-web"), group(".name"), "not the name of a target group"),
        (G, "/name", json!("a".repeat(33)), group(".name"), "not the name of a target group"),
        (G, "/vpcId", json!("default"), group(".vpcId"), "not the id of a VPC"),
        (G, "/targetType", json!("lambda"), group(".targetType"), "not known"),
        (
            G,
            "/healthCheckTimeoutSeconds",
            json!(30),
            group(".healthCheckTimeoutSeconds"),
            "not below the interval",
        ),
        (G, "/healthCheckProtocol", json!("TCP"), group(".healthCheckProtocol"), "cannot be checked by TCP"),
        (G, "/healthCheckPath", json!("up"), group(".healthCheckPath"), "is not a path"),
        (G, "/healthyThresholdCount", json!(1), group(".healthyThresholdCount"), "out of range"),
        (
            G,
            "/protocol",
            json!("TCP"),
            rule(".actions[0].targetGroup"),
            "cannot forward to target group `web` of TCP",
        ),
        (
            G,
            "/attributes",
            json!({"deregistration_delay.timeout_seconds": "9999"}),
            group(".attributes[\"deregistration_delay.timeout_seconds\"]"),
            "not a delay",
        ),
        ("/spec/rules", "", json!({}), group(""), "no listener or rule"),
        (L, "/loadBalancer", json!(""), listener(".loadBalancer"), "neither the name nor the ARN"),
        (L, "/protocol", json!("HTTPS"), listener(".certificates"), "exactly one default certificate"),
        (L, "/sslPolicy", json!("x"), listener(".sslPolicy"), "no security policy"),
        (L, "/defaultActions", json!([]), listener(".defaultActions"), "exactly one action"),
        (
            L,
            "/defaultActions/0/type",
            json!("forward"),
            listener(".defaultActions[0].targetGroup"),
            "forward needs",
        ),
        (
            L,
            "/defaultActions/0/fixedResponseConfig/statusCode",
            json!("303"),
            listener(".defaultActions[0].fixedResponseConfig.statusCode"),
            "not allowed",
        ),
        (
            L,
            "/defaultActions",
            json!([{"type": "redirect", "redirectConfig": {"statusCode": "HTTP_301"}}]),
            listener(".defaultActions[0].redirectConfig"),
            "round in circles",
        ),
        (R, "/listener", json!("https"), rule(".listener"), "no listener `https`"),
        (R, "/listenerArn", json!("arn:aws:x"), rule(""), "exactly one of"),
        (R, "/priority", json!(0), rule(".priority"), "0 is out of range"),
        (R, "/priority", json!(50001), rule(".priority"), "50001 is out of range"),
        (R, "/conditions", json!([]), rule(".conditions"), "at least one condition"),
        (R, "/conditions/0/values", json!(values), rule(".conditions"), "6 condition values"),
        (R, "/conditions/0/field", json!("cookie"), rule(".conditions[0].field"), "not known"),
        (
            R,
            "/conditions/-",
            json!({"field": "host-header", "values": ["x"]}),
            rule(".conditions[1].field"),
            "one host-header condition",
        ),
        (R, "/actions/0/targetGroup", json!("api"), rule(".actions[0].targetGroup"), "no target group `api`"),
        ("/spec/rules/again", "", shop().pointer(R).unwrap().clone(), rule(".priority"), "already there"),
        (
            "/spec/listeners/twin",
            "",
            shop().pointer(L).unwrap().clone(),
            "spec.listeners.twin",
            "already there",
        ),
    ]);
}

#[test]
fn all_faults_are_found_in_one_run() {
    let many = changed(&[
        ("/metadata/name", json!("X")),
        ("/spec/placement/region", json!("x")),
        (&format!("{T}/cpu"), json!(1)),
        (&format!("{S}/launchType"), json!("x")),
        (&format!("{R}/priority"), json!(0)),
    ]);
    let (state, found) = lower(&document(&many), Generation(1));
    assert_eq!(state, None);
    assert!(found.iter().filter(|finding| finding.is_error()).count() >= 5, "{found:#?}");
}

#[test]
fn a_warning_does_not_stop_a_document() {
    let (state, found) =
        lower(&document(&changed(&[(&format!("{C}/image"), json!("shop/web"))])), Generation(1));
    assert!(state.is_some());
    assert_eq!(found.iter().map(Finding::is_error).collect::<Vec<_>>(), [false]);
}

#[test]
fn an_image_with_a_digest_needs_no_tag() {
    let image = format!("shop/web@sha256:{}", "0".repeat(64));
    assert_eq!(findings(&changed(&[(&format!("{C}/image"), json!(image))])), []);
}
