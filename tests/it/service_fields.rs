//! Fields of a service that ECS shows elsewhere or fills in: what is made with one is in sync at
//! once, a change by hand is put back once, and what is taken out of the document is put back to
//! AWS's default, once.

use crate::support::Fixture;
use serde_json::{Map, Value, json};

/// A resync, with its spread of a twentieth.
const RESYNC: u64 = 64;
/// Ten resyncs.
const LONG: u64 = 640;

/// One field of the service `web`.
struct Field {
    /// Members of CreateService that declare it.
    declared: Value,
    /// Members of UpdateService that somebody sends.
    by_hand: Value,
    /// Where AWS shows it in its answer to DescribeServices.
    shown_at: &'static str,
    /// What AWS shows when the document does not name it.
    default: Value,
    /// Members of the task definition that it needs.
    definition: Value,
    /// Whether a change of it starts a deployment.
    deploys: bool,
}

impl Field {
    fn document(&self, named: bool) -> String {
        let mut definition = json!({
            "cpu": 256, "memory": 512, "executionRoleArn": "arn:aws:iam::123456789012:role/shop",
            "containerDefinitions": [{"name": "app", "image": "registry.example.com/app:1.0", "portMappings": [
                {"name": "http", "containerPort": 8080, "appProtocol": "http"}]}],
        });
        let mut service = json!({"desiredCount": 2, "networkConfiguration": {"awsvpcConfiguration":
            {"subnets": ["subnet-0123456789abcdef0"], "securityGroups": ["sg-0123456789abcdef0"]}}});
        if named {
            extend(&mut definition, &self.definition);
            extend(&mut service, &self.declared);
        }
        json!({"apiVersion": "evenkeel.dev/v1alpha1", "kind": "Application", "metadata": {"name": "shop"}, "spec": {
            "placement": {"region": "eu-west-1", "cluster": "shop"},
            "components": {"web": {"taskDefinition": definition, "service": service}}}})
        .to_string()
    }

    /// What AWS shows of it now.
    fn shown(&self, fixture: &Fixture) -> Value {
        let input = json!({"cluster": "shop", "services": ["shop-web"]});
        let service = &fixture.by_hand("ecs", "DescribeServices", input)["services"][0];
        service.pointer(self.shown_at).cloned().unwrap_or_default()
    }
}

fn extend(tree: &mut Value, members: &Value) {
    let members: &Map<String, Value> = members.as_object().unwrap();
    tree.as_object_mut().unwrap().extend(members.clone());
}

/// Service deployments that there have been.
fn deployments(fixture: &Fixture) -> usize {
    let input = json!({"cluster": "shop", "service": "shop-web"});
    let listed = fixture.by_hand("ecs", "ListServiceDeployments", input);
    listed["serviceDeployments"].as_array().unwrap().len()
}

/// Waits until all is as declared; answers the writes until then, and holds that there are no more
/// for long, neither calls nor deployments.
async fn settled(fixture: &Fixture) -> Vec<String> {
    fixture.pass(RESYNC).await;
    fixture.ready_within(900).await;
    let writes = fixture.writes();
    let before = deployments(fixture);
    fixture.sim.reset_calls();
    fixture.pass(LONG).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
    assert_eq!(deployments(fixture), before);
    writes
}

async fn holds(field: Field) {
    let mut fixture = Fixture::new(&[("shop.json", &field.document(true))]).await;
    let made = settled(&fixture).await;
    let updates = made.iter().filter(|call| *call == "ecs:UpdateService").count();
    assert_eq!(updates, 0, "CreateService says it all: {made:?}");
    let declared = field.shown(&fixture);
    assert_ne!(declared, field.default);

    let before = deployments(&fixture);
    let mut by_hand = json!({"cluster": "shop", "service": "shop-web"});
    extend(&mut by_hand, &field.by_hand);
    fixture.by_hand("ecs", "UpdateService", by_hand);
    assert_ne!(field.shown(&fixture), declared, "something was changed by hand");
    fixture.sim.reset_calls();
    assert_eq!(settled(&fixture).await, ["ecs:UpdateService"], "put back once");
    assert_eq!(field.shown(&fixture), declared);
    let each = usize::from(field.deploys);
    assert_eq!(deployments(&fixture), before + 2 * each, "one by hand, one to put it back");

    let before = deployments(&fixture);
    fixture.write("shop.json", &field.document(false)).await;
    let mut writes = settled(&fixture).await;
    writes.retain(|call| call != "ecs:RegisterTaskDefinition" && call != "ecs:DeregisterTaskDefinition");
    assert_eq!(writes, ["ecs:UpdateService"], "taken out once");
    assert_eq!(field.shown(&fixture), field.default);
    assert_eq!(deployments(&fixture), before + each);

    fixture.write("shop.json", &field.document(true)).await;
    settled(&fixture).await;
    assert_eq!(field.shown(&fixture), declared, "and put in again");
}

#[tokio::test(start_paused = true)]
async fn service_connect_is_made_repaired_and_turned_off() {
    let connect = |port: u16| {
        json!({"serviceConnectConfiguration": {"enabled": true, "namespace": "shop", "services": [
            {"portName": "http", "clientAliases": [{"port": port}]}]}})
    };
    holds(Field {
        declared: connect(80),
        by_hand: connect(81),
        shown_at: "/deployments/0/serviceConnectConfiguration",
        default: Value::Null,
        definition: json!({}),
        deploys: true,
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn service_connect_that_is_turned_off_by_hand_is_turned_on_again() {
    holds(Field {
        declared: json!({"serviceConnectConfiguration": {"enabled": true, "namespace":
            "arn:aws:servicediscovery:eu-west-1:123456789012:namespace/ns-1",
            "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/proxy"}},
            "accessLogConfiguration": {"format": "JSON", "includeQueryParameters": "DISABLED"}}}),
        by_hand: json!({"serviceConnectConfiguration": {"enabled": false}}),
        shown_at: "/deployments/0/serviceConnectConfiguration",
        default: Value::Null,
        definition: json!({}),
        deploys: true,
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn volumes_are_made_repaired_and_cleared_with_the_revision_that_needs_none() {
    let volumes = |size: u32| {
        json!({"volumeConfigurations": [{"name": "data", "managedEBSVolume":
            {"roleArn": "arn:aws:iam::123456789012:role/volumes", "sizeInGiB": size, "tagSpecifications":
                [{"resourceType": "volume", "tags": [{"key": "team", "value": "shop"}]}]}}]})
    };
    holds(Field {
        declared: volumes(20),
        by_hand: volumes(40),
        shown_at: "/deployments/0/volumeConfigurations",
        default: Value::Null,
        definition: json!({"volumes": [{"name": "data", "configuredAtLaunch": true}]}),
        deploys: true,
    })
    .await;
}

fn configured(members: Value) -> Value {
    json!({ "deploymentConfiguration": members })
}

#[tokio::test(start_paused = true)]
async fn lifecycle_hooks_are_made_repaired_and_cleared() {
    let hooks = |suite: &str| {
        configured(json!({"lifecycleHooks": [
            {"lifecycleStages": ["PRE_SCALE_UP", "POST_SCALE_UP"], "roleArn": "arn:aws:iam::123456789012:role/hooks",
                "hookTargetArn": "arn:aws:lambda:eu-west-1:123456789012:function:check",
                "hookDetails": {"suites": [suite, {"retries": 2.5, "strict": true}], "note": "a"}},
            {"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"], "timeoutConfiguration": {"timeoutInMinutes": 30}}]}))
    };
    holds(Field {
        declared: hooks("smoke"),
        by_hand: hooks("full"),
        shown_at: "/deploymentConfiguration/lifecycleHooks",
        default: json!([]),
        definition: json!({}),
        deploys: false,
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_circuit_breaker_s_threshold_and_reset_are_made_repaired_and_put_back() {
    let breaker = |kind: &str, value: u32, reset: bool| {
        configured(
            json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true, "resetOnHealthyTask": reset,
            "thresholdConfiguration": {"type": kind, "value": value}}}),
        )
    };
    let default = json!({"enable": false, "rollback": false, "resetOnHealthyTask": true,
        "thresholdConfiguration": {"type": "BOUNDED_PERCENT", "value": 50}});
    holds(Field {
        declared: breaker("COUNT", 4, false),
        by_hand: breaker("UNBOUNDED_PERCENT", 90, true),
        shown_at: "/deploymentConfiguration/deploymentCircuitBreaker",
        default,
        definition: json!({}),
        deploys: false,
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn early_success_is_made_repaired_and_turned_off() {
    let early = |percent: u32, cleanup: &str| {
        configured(json!({"minimumHealthyPercent": 50, "earlySuccessCriteria":
            {"enable": true, "healthyPercent": percent, "sourceServiceRevisionCleanup": cleanup}}))
    };
    holds(Field {
        declared: early(60, "DEFERRED"),
        by_hand: early(90, "BLOCKING"),
        shown_at: "/deploymentConfiguration/earlySuccessCriteria",
        default: json!({"enable": false}),
        definition: json!({}),
        deploys: false,
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_a_pause_hook_holds_is_left_alone_and_completes_once_it_is_continued() {
    let field = Field {
        declared: configured(json!({"strategy": "BLUE_GREEN", "lifecycleHooks": [
            {"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"]}]})),
        by_hand: Value::Null,
        shown_at: "",
        default: Value::Null,
        definition: json!({}),
        deploys: false,
    };
    let mut fixture = Fixture::new(&[("shop.json", &field.document(true))]).await;
    settled(&fixture).await;
    fixture.write("shop.json", &field.document(true).replace("app:1.0", "app:2.0")).await;
    fixture.until(600, |status| status.components["web"].phase == "Rolling").await;
    fixture.pass(600).await;
    fixture.sim.reset_calls();
    fixture.pass(3 * 3600).await;
    assert_eq!(fixture.writes(), Vec::<String>::new(), "it waits for somebody else");
    let listed =
        fixture.by_hand("ecs", "ListServiceDeployments", json!({"cluster": "shop", "service": "shop-web"}));
    let arn = listed["serviceDeployments"][0]["serviceDeploymentArn"].clone();
    let shown = fixture.by_hand("ecs", "DescribeServiceDeployments", json!({"serviceDeploymentArns": [arn]}));
    let hook = &shown["serviceDeployments"][0]["lifecycleHookDetails"][0];
    assert_eq!(hook["status"], "AWAITING_ACTION");
    let go_on = json!({"serviceDeploymentArn": arn, "hookId": hook["hookId"], "action": "CONTINUE"});
    fixture.by_hand("ecs", "ContinueServiceDeployment", go_on);
    fixture.ready_within(900).await;
    let web = &fixture.status("shop").components["web"];
    assert_eq!(
        (web.image.as_str(), web.phase.as_str()),
        ("registry.example.com/app:2.0", "Complete"),
        "{}",
        web.message
    );
}
