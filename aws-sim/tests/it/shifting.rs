//! Deployments whose traffic ECS shifts: which rule says what, when, and what comes back.

use aws_sim::wire::Service;
use serde_json::{Value, json};

use crate::rollouts::{hold, put_alarm};
use crate::support::{Bench, REGION, bench, pass, rollout};

/// A load balancer with a production rule and a test rule on two groups.
struct Balanced {
    bench: Bench,
    blue: String,
    green: String,
    production: String,
    test: String,
}

impl Balanced {
    /// A service `web` of two tasks of `nginx:1` that shifts traffic as configured.
    async fn new(seed: u64, configuration: Value) -> Self {
        let bench = bench(seed);
        let blue = bench.target_group("blue");
        let green = bench.target_group("green");
        let (production, test) = (rule_of(&bench, &blue), rule_of(&bench, &green));
        let own = Self { blue, green, production, test, bench };
        let definition = own.bench.define("web", "nginx:1").await;
        let more = json!({"deploymentConfiguration": configuration, "loadBalancers": own.declared()});
        own.bench.create("web", &definition, 2, more).await;
        own.bench.steady("web").await;
        own
    }

    fn declared(&self) -> Value {
        json!([{"targetGroupArn": self.blue, "containerName": "app", "containerPort": 80,
            "advancedConfiguration": {"alternateTargetGroupArn": self.green, "roleArn": "arn:aws:iam::123456789012:role/elb",
                "productionListenerRule": self.production, "testListenerRule": self.test}}])
    }

    /// The weights of the declared and of the alternate group in a rule.
    fn weights(&self, rule: &str) -> (i64, i64) {
        let input = json!({"RuleArns.member.1": rule});
        let shown =
            self.bench.sim.with(|world| world.edit(REGION, Service::Elbv2, "DescribeRules", &input)).unwrap();
        let groups = shown["Rules"][0]["Actions"][0]["ForwardConfig"]["TargetGroups"].clone();
        let of = |group: &str| {
            let all = groups.as_array().unwrap();
            all.iter()
                .find(|each| each["TargetGroupArn"] == group)
                .map_or(-1, |each| each["Weight"].as_i64().unwrap())
        };
        (of(&self.blue), of(&self.green))
    }

    async fn upgrade(&self) -> String {
        let definition = self.bench.define("web", "nginx:2").await;
        self.bench.update("web", json!({"taskDefinition": definition})).await.unwrap();
        definition
    }

    async fn newest(&self) -> Value {
        let input = json!({"cluster": "prod", "service": "web"});
        let all = self.bench.ecs("ListServiceDeployments", input).await.unwrap();
        let input = json!({"serviceDeploymentArns": [all["serviceDeployments"][0]["serviceDeploymentArn"]]});
        self.bench.ecs("DescribeServiceDeployments", input).await.unwrap()["serviceDeployments"][0].clone()
    }

    /// Waits for a stage and answers the deployment.
    async fn at(&self, stage: &str) -> Value {
        for _ in 0..900 {
            let shown = self.newest().await;
            if shown["lifecycleStage"] == stage {
                return shown;
            }
            pass(1).await;
        }
        panic!("never at {stage}: {:#}", self.newest().await);
    }

    fn healthy(&self) -> (usize, usize) {
        let of =
            |group: &str| self.bench.target_states(group).iter().filter(|state| *state == "healthy").count();
        (of(&self.blue), of(&self.green))
    }
}

fn rule_of(bench: &Bench, group: &str) -> String {
    let listeners = bench.sim.seed_world(
        &json!({"region": REGION, "loadBalancers": [{"name": "main", "listeners": [{"port": 80}]}]}),
    );
    let input = json!({"ListenerArn": listeners.unwrap()["listeners"]["main:80"]});
    let shown = bench.sim.with(|world| world.edit(REGION, Service::Elbv2, "DescribeRules", &input)).unwrap();
    let rules = shown["Rules"].as_array().unwrap().clone();
    let found = rules.iter().find(|rule| rule["Actions"][0]["TargetGroupArn"] == group).unwrap();
    found["RuleArn"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn green_runs_beside_blue_until_the_bake_time_is_over_and_the_groups_alternate() {
    let own = Balanced::new(41, json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 10})).await;
    assert_eq!(
        (own.weights(&own.production), own.healthy()),
        ((0, 100), (0, 2)),
        "the first is in the alternate group"
    );
    let definition = own.upgrade().await;
    let scaling = own.at("SCALE_UP").await;
    assert_eq!((own.weights(&own.production), own.weights(&own.test)), ((0, 100), (0, 100)));
    assert_eq!(scaling["targetServiceRevision"]["requestedProductionTrafficWeight"], 0.0);
    own.at("POST_TEST_TRAFFIC_SHIFT").await;
    assert_eq!((own.weights(&own.production), own.weights(&own.test)), ((0, 100), (100, 0)));
    let baking = own.at("BAKE_TIME").await;
    assert_eq!((own.weights(&own.production), own.healthy()), ((100, 0), (2, 2)));
    assert_eq!(baking["targetServiceRevision"]["requestedProductionTrafficWeight"], 100.0);
    assert_eq!(baking["sourceServiceRevisions"][0]["requestedProductionTrafficWeight"], 0.0);
    pass(590).await;
    assert_eq!(rollout(&own.bench.show("web").await), "IN_PROGRESS");
    let service = own.bench.steady("web").await;
    assert_eq!((&service["taskDefinition"], &service["runningCount"]), (&json!(definition), &json!(2)));
    assert_eq!(own.newest().await["status"], "SUCCESSFUL");
    let input = json!({"serviceRevisionArns": [service["currentServiceRevisions"][0]["arn"]]});
    let revision = own.bench.ecs("DescribeServiceRevisions", input).await.unwrap();
    let resolved = &revision["serviceRevisions"][0]["resolvedConfiguration"]["loadBalancers"];
    assert_eq!(resolved, &json!([{"targetGroupArn": own.blue, "productionListenerRule": own.production}]));
}

#[tokio::test(start_paused = true)]
async fn linear_and_canary_shift_by_steps_with_a_wait_between_them() {
    let steps = json!({"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 40.0, "stepBakeTimeInMinutes": 5}});
    let linear = Balanced::new(42, steps).await;
    linear.upgrade().await;
    linear.at("PRODUCTION_TRAFFIC_SHIFT").await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(linear.weights(&linear.production).0);
        pass(200).await;
    }
    assert_eq!(seen, [40, 40, 80, 80]);
    linear.bench.steady("web").await;
    assert_eq!(linear.weights(&linear.production), (100, 0));
    let canary = json!({"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 2.5, "canaryBakeTimeInMinutes": 5}});
    let canary = Balanced::new(43, canary).await;
    canary.upgrade().await;
    canary.at("PRODUCTION_TRAFFIC_SHIFT").await;
    assert_eq!(canary.weights(&canary.production), (25, 975));
    canary.at("POST_PRODUCTION_TRAFFIC_SHIFT").await;
    assert_eq!(canary.weights(&canary.production), (100, 0));
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_is_stopped_or_whose_function_fails_sends_its_traffic_back() {
    let function = "arn:aws:lambda:eu-west-1:123456789012:function:check";
    let hook = json!([{"lifecycleStages": ["POST_PRODUCTION_TRAFFIC_SHIFT"], "hookTargetArn": function,
        "roleArn": "arn:aws:iam::123456789012:role/hooks"}]);
    let own =
        Balanced::new(44, json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 10, "lifecycleHooks": hook}))
            .await;
    let first = own.bench.show("web").await["taskDefinition"].clone();
    own.upgrade().await;
    let arn = own.at("BAKE_TIME").await["serviceDeploymentArn"].clone();
    own.bench
        .ecs("StopServiceDeployment", json!({"serviceDeploymentArn": arn, "stopType": "ROLLBACK"}))
        .await
        .unwrap();
    assert_eq!((own.weights(&own.production), own.weights(&own.test)), ((0, 100), (0, 100)));
    assert_eq!(own.bench.steady("web").await["taskDefinition"], first);
    assert_eq!((own.newest().await["status"].clone(), own.healthy()), (json!("ROLLBACK_SUCCESSFUL"), (0, 2)));
    own.bench.sim.with(|world| world.region(REGION).ecs.fail_hook(function, true));
    own.upgrade().await;
    own.bench.until("web", 900, |service| service["taskDefinition"] == first).await;
    assert_eq!(own.weights(&own.production), (0, 100));
    let failed = own.newest().await;
    assert_eq!(failed["lifecycleHookDetails"][0]["status"], "FAILED");
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_is_aborted_keeps_blue_and_the_next_one_clears_up_first() {
    let own = Balanced::new(45, json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 10})).await;
    own.upgrade().await;
    let arn = own.at("BAKE_TIME").await["serviceDeploymentArn"].clone();
    own.bench
        .ecs("StopServiceDeployment", json!({"serviceDeploymentArn": arn, "stopType": "ABORT"}))
        .await
        .unwrap();
    pass(300).await;
    assert_eq!((own.weights(&own.production), own.healthy()), ((0, 100), (2, 2)));
    own.upgrade().await;
    own.at("RECONCILE_SERVICE").await;
    own.at("BAKE_TIME").await;
    own.bench.steady("web").await;
    assert_eq!((own.weights(&own.production), own.healthy()), ((100, 0), (2, 0)));
}

#[tokio::test(start_paused = true)]
async fn an_alarm_in_the_bake_time_sends_all_traffic_back_to_blue_which_still_runs() {
    let alarms = json!({"alarmNames": ["5xx"], "enable": true, "rollback": true});
    let own =
        Balanced::new(46, json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 10, "alarms": alarms})).await;
    let first = own.bench.show("web").await["taskDefinition"].clone();
    put_alarm(&own.bench, "5xx");
    own.upgrade().await;
    own.at("BAKE_TIME").await;
    hold(&own.bench, "5xx", "ALARM");
    own.bench.until("web", 20, |service| service["taskDefinition"] == first).await;
    assert_eq!((own.weights(&own.production), own.weights(&own.test)), ((0, 100), (0, 100)));
    assert_eq!(own.healthy().1, 2, "blue served all the while");
    own.bench.steady("web").await;
    let newest = own.newest().await;
    assert_eq!(
        (&newest["status"], &newest["alarms"]["triggeredAlarmNames"]),
        (&json!("ROLLBACK_SUCCESSFUL"), &json!(["5xx"]))
    );
    assert_eq!(own.healthy(), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn a_pause_between_the_shifts_holds_production_where_it_is_and_can_be_continued_or_rolled_back() {
    let pause = json!([{"targetType": "PAUSE", "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"],
        "timeoutConfiguration": {"timeoutInMinutes": 120, "action": "ROLLBACK"}}]);
    for (seed, action) in [(47, "CONTINUE"), (48, "ROLLBACK")] {
        let own = Balanced::new(seed, json!({"strategy": "BLUE_GREEN", "lifecycleHooks": pause})).await;
        own.upgrade().await;
        let paused = own.at("POST_TEST_TRAFFIC_SHIFT").await;
        pass(600).await;
        assert_eq!((own.weights(&own.production), own.weights(&own.test)), ((0, 100), (100, 0)));
        let hook = &own.newest().await["lifecycleHookDetails"][0];
        assert_eq!(
            (&hook["status"], &hook["timeoutAction"]),
            (&json!("AWAITING_ACTION"), &json!("ROLLBACK"))
        );
        let input = json!({"serviceDeploymentArn": paused["serviceDeploymentArn"], "hookId": hook["hookId"],
            "action": action});
        own.bench.ecs("ContinueServiceDeployment", input).await.unwrap();
        own.bench.steady("web").await;
        let (status, weights) = match action {
            "CONTINUE" => ("SUCCESSFUL", (100, 0)),
            _ => ("ROLLBACK_SUCCESSFUL", (0, 100)),
        };
        assert_eq!((&own.newest().await["status"], own.weights(&own.production)), (&json!(status), weights));
    }
}
