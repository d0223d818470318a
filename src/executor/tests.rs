use super::*;
use crate::aws::testing::{connect, placement};
use crate::model::call::Call;
use crate::model::ids::{ContentHash, DeploymentName, Generation};
use crate::model::plan::Reason;
use crate::model::resource::{ResourceId, ResourceKind, TAG_OWNER, Tree};
use aws_sim::Sim;
use aws_sim::faults::{Effect, FaultRule};
use aws_sim::wire::Service as SimService;
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A simulated AWS with a cluster and a load balancer, and what it takes to act on it.
struct Fixture {
    sim: Sim,
    executor: Executor,
    load_balancer: String,
}

impl Fixture {
    async fn new() -> Self {
        fastrand::seed(7);
        let sim = Sim::builder().seed(7).build();
        let seeded = sim
            .seed_world(&json!({
                "region": "eu-west-1",
                "clusters": [{"name": "main", "capacityProviders": ["FARGATE"]}],
                "loadBalancers": [{"name": "edge"}],
            }))
            .unwrap();
        let load_balancer = seeded["loadBalancers"]["edge"].as_str().unwrap().to_owned();
        let executor = Executor::new(connect(&sim).await);
        Self { sim, executor, load_balancer }
    }

    async fn run(&self, actions: Vec<PlannedAction>) -> Vec<ActionResult> {
        let outcomes = self.executor.run(&placement(), &plan(actions), &NoFence).await;
        let numbers: Vec<_> = outcomes.iter().map(|outcome| outcome.action).collect();
        assert_eq!(numbers, (0..outcomes.len()).collect::<Vec<_>>());
        outcomes.into_iter().map(|outcome| outcome.result).collect()
    }

    /// Runs one action that must succeed; what AWS answered.
    async fn done(&self, action: PlannedAction) -> (Option<String>, Option<String>) {
        match self.run(vec![action]).await.remove(0) {
            ActionResult::Done { arn, deployment } => (arn, deployment),
            other => panic!("{other:?}"),
        }
    }

    /// AWS's answer to a call made by hand, or its error code.
    fn ask(&self, service: SimService, operation: &str, input: Tree) -> Result<Tree, String> {
        let answer = self.sim.with(|world| world.edit("eu-west-1", service, operation, &input));
        answer.map_err(|error| error.code.to_string())
    }

    fn calls(&self) -> Vec<String> {
        self.sim.calls().into_iter().map(|call| call.operation).collect()
    }
}

fn plan(actions: Vec<PlannedAction>) -> Plan {
    Plan {
        stale_targets: Default::default(),
        deployment: DeploymentName::from("shop"),
        generation: Generation(1),
        actions,
        waiting_on: Vec::new(),
        drift: Vec::new(),
        notes: Vec::new(),
    }
}

fn action(kind: ResourceKind, key: &str, call: Call) -> PlannedAction {
    let resource = ResourceId::new(kind, key);
    let verb = call.spec().verbs[0];
    PlannedAction { resource, verb, call, reason: Reason::Missing, changes: Vec::new() }
}

fn owner() -> BTreeMap<String, String> {
    BTreeMap::from([(TAG_OWNER.to_owned(), "shop".to_owned())])
}

fn log_group(name: &str) -> PlannedAction {
    let call = Call::CreateLogGroup { name: name.to_owned(), kms_key_id: None, tags: owner() };
    action(ResourceKind::LogGroup, name, call)
}

fn retention(name: &str) -> PlannedAction {
    action(ResourceKind::LogGroup, name, Call::PutRetentionPolicy { name: name.to_owned(), days: 30 })
}

fn register(component: &str, image: &str) -> PlannedAction {
    let fields = json!({
        "family": format!("shop-{component}"), "cpu": "256", "memory": "512", "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "containerDefinitions": [{"name": "web", "image": image, "portMappings": [{"containerPort": 8080}]}],
    });
    let hash = ContentHash::from("0123456789abcdef");
    let call = Call::RegisterTaskDefinition { component: component.into(), hash, fields, tags: owner() };
    action(ResourceKind::TaskDefinition, component, call)
}

fn network() -> Tree {
    json!({"awsvpcConfiguration": {"subnets": ["subnet-0a"], "securityGroups": ["sg-1"]}})
}

fn create_service(task_definition: &str, load_balancers: Tree) -> PlannedAction {
    let fields = json!({
        "cluster": "main", "serviceName": "shop-web", "taskDefinition": task_definition, "desiredCount": 2,
        "launchType": "FARGATE", "networkConfiguration": network(), "loadBalancers": load_balancers,
    });
    let call = Call::CreateService {
        component: "web".into(),
        token: "shop-web-1".to_owned(),
        fields,
        tags: owner(),
    };
    action(ResourceKind::Service, "web", call)
}

fn update_service(fields: Tree) -> PlannedAction {
    action(ResourceKind::Service, "web", Call::UpdateService { component: "web".into(), fields })
}

fn done() -> ActionResult {
    ActionResult::Done { arn: None, deployment: None }
}

#[tokio::test(start_paused = true)]
async fn log_groups_live_a_whole_life() {
    let fixture = Fixture::new().await;
    let name = "/shop/web".to_owned();
    let key_less = |call| action(ResourceKind::LogGroup, "/shop/web", call);
    let results = fixture.run(vec![log_group(&name), retention(&name)]).await;
    assert_eq!(results, [done(), done()]);
    let found =
        fixture.ask(SimService::Logs, "DescribeLogGroups", json!({"logGroupNamePrefix": name})).unwrap();
    assert_eq!(found["logGroups"][0]["retentionInDays"], 30);

    // The form of the ARN with `:*` is what DescribeLogGroups gives as `arn`.
    let arn = found["logGroups"][0]["arn"].as_str().unwrap().to_owned();
    assert!(arn.ends_with(":*"), "{arn}");
    let tags = BTreeMap::from([("team".to_owned(), "shop".to_owned())]);
    fixture.done(key_less(Call::TagLogGroup { arn: arn.clone(), tags })).await;
    let plain = arn.trim_end_matches(":*");
    let tagged = fixture.ask(SimService::Logs, "ListTagsForResource", json!({"resourceArn": plain})).unwrap();
    assert_eq!(tagged["tags"], json!({"evenkeel.dev/owner": "shop", "team": "shop"}));

    fixture.done(key_less(Call::DeleteRetentionPolicy { name: name.clone() })).await;
    fixture.done(key_less(Call::DeleteLogGroup { name: name.clone() })).await;
    // What is gone already is gone.
    assert_eq!(fixture.run(vec![key_less(Call::DeleteLogGroup { name })]).await, [done()]);
}

#[tokio::test(start_paused = true)]
async fn load_balancing_is_made_changed_and_removed() {
    let fixture = Fixture::new().await;
    let elb = |kind, call| action(kind, "web", call);
    let fields = json!({
        "name": "shop-web-1a2b3c4d", "protocol": "HTTP", "port": 8080, "vpcId": "vpc-1", "targetType": "ip",
        "healthCheckPath": "/healthz", "matcher": {"httpCode": "200-299"},
        "attributes": {"deregistration_delay.timeout_seconds": "30"},
    });
    let create = Call::CreateTargetGroup { fields, tags: owner() };
    let group = fixture.done(elb(ResourceKind::TargetGroup, create)).await.0.unwrap();
    let attributes = BTreeMap::from([("deregistration_delay.timeout_seconds".to_owned(), "30".to_owned())]);
    let fields = json!({"healthCheckPath": "/ready", "healthyThresholdCount": 2});
    for call in [
        Call::ModifyTargetGroupAttributes { arn: group.clone(), attributes },
        Call::ModifyTargetGroup { arn: group.clone(), fields },
        Call::DeregisterTargets { arn: group.clone(), targets: vec![("10.0.0.9".to_owned(), 8080)] },
        Call::TagElb { arn: group.clone(), tags: BTreeMap::from([("a".to_owned(), "b".to_owned())]) },
    ] {
        fixture.done(elb(ResourceKind::TargetGroup, call)).await;
    }
    let forward = json!({"type": "forward", "targetGroups": [{"targetGroupArn": group, "weight": 1}],
        "stickinessSeconds": 60});
    let fields = json!({
        "loadBalancerArn": fixture.load_balancer, "port": 80, "protocol": "HTTP",
        "defaultActions": [{"type": "redirect", "redirectConfig": {"protocol": "HTTPS", "statusCode": "HTTP_301"}}],
    });
    let create = Call::CreateListener { fields, tags: owner() };
    let listener = fixture.done(elb(ResourceKind::Listener, create)).await.0.unwrap();
    let fixed = json!({"type": "fixed-response", "fixedResponseConfig": {"statusCode": "404",
        "contentType": "text/plain", "messageBody": "no"}});
    let fields = json!({ "defaultActions": [fixed] });
    fixture.done(elb(ResourceKind::Listener, Call::ModifyListener { arn: listener.clone(), fields })).await;
    let fields = json!({"listenerArn": listener, "priority": 10, "actions": [forward],
        "conditions": [{"field": "host-header", "values": ["shop.example"]}]});
    let create = Call::CreateRule { fields, tags: owner() };
    let rule = fixture.done(elb(ResourceKind::Rule, create)).await.0.unwrap();
    let conditions = json!([
        {"field": "path-pattern", "values": ["/a/*"]},
        {"field": "http-header", "httpHeaderConfig": {"httpHeaderName": "X-A", "values": ["1"]}},
        {"field": "query-string", "queryStringConfig": {"values": [{"key": "v", "value": "2"}]}},
        {"field": "source-ip", "values": ["10.0.0.0/8"]},
    ]);
    let fields = json!({ "conditions": conditions });
    fixture.done(elb(ResourceKind::Rule, Call::ModifyRule { arn: rule.clone(), fields })).await;

    let seen = fixture.executor.aws.at(&placement()).await;
    let rules = seen.elb.describe_rules().listener_arn(&listener).send().await.unwrap().rules.unwrap();
    let seen_rule = rules.iter().find(|found| found.rule_arn.as_deref() == Some(&rule)).unwrap();
    let fields: Vec<_> =
        seen_rule.conditions().iter().map(|condition| condition.field().unwrap_or_default()).collect();
    assert_eq!(fields, ["path-pattern", "http-header", "query-string", "source-ip"]);
    let forward = seen_rule.actions()[0].forward_config().unwrap();
    assert_eq!(forward.target_group_stickiness_config().unwrap().duration_seconds(), Some(60));
    let groups = seen.elb.describe_target_groups().target_group_arns(&group).send().await.unwrap();
    assert_eq!(groups.target_groups()[0].health_check_path(), Some("/ready"));

    for call in [
        Call::DeleteRule { arn: rule },
        Call::DeleteListener { arn: listener },
        Call::DeleteTargetGroup { arn: group },
    ] {
        fixture.done(elb(ResourceKind::Rule, call.clone())).await;
        fixture.done(elb(ResourceKind::Rule, call)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_is_made_moved_scaled_tagged_and_deleted() {
    let fixture = Fixture::new().await;
    let first = fixture.done(register("web", "shop/web:1")).await.0.unwrap();
    assert!(first.ends_with(":task-definition/shop-web:1"), "{first}");
    let (arn, deployment) = fixture.done(create_service(&first, json!([]))).await;
    let (arn, deployment) = (arn.unwrap(), deployment.unwrap());

    let second = fixture.done(register("web", "shop/web:2")).await.0.unwrap();
    let moved = json!({"cluster": "main", "service": "shop-web", "taskDefinition": second});
    let newer = fixture.done(update_service(moved)).await.1.unwrap();
    assert_ne!(newer, deployment);
    let scaled = json!({"cluster": "main", "service": "shop-web", "desiredCount": 3});
    assert_eq!(fixture.done(update_service(scaled)).await.1.unwrap(), newer);

    let tags = BTreeMap::from([("team".to_owned(), "shop".to_owned())]);
    fixture.done(action(ResourceKind::Service, "web", Call::TagEcs { arn: arn.clone(), tags })).await;
    let tagged = fixture.ask(SimService::Ecs, "ListTagsForResource", json!({"resourceArn": arn})).unwrap();
    assert_eq!(tagged["tags"].as_array().unwrap().len(), 2);

    let old = Call::DeregisterTaskDefinition { arn: first };
    fixture.done(action(ResourceKind::TaskDefinition, "web", old)).await;
    let delete = || {
        let (cluster, service) = ("main".to_owned(), "shop-web".to_owned());
        action(ResourceKind::Service, "web", Call::DeleteService { cluster, service, force: true })
    };
    fixture.done(delete()).await;
    tokio::time::advance(std::time::Duration::from_secs(600)).await;
    fixture.done(delete()).await;
}

#[tokio::test(start_paused = true)]
async fn a_task_is_run_once_per_token_and_stopped() {
    let fixture = Fixture::new().await;
    let definition = fixture.done(register("migrate", "shop/migrate:1")).await.0.unwrap();
    let run = || {
        let fields = json!({
            "cluster": "main", "taskDefinition": definition, "count": 1, "launchType": "FARGATE",
            "startedBy": "shop-migrate-1", "networkConfiguration": network(),
        });
        let token = "shop-migrate-1".to_owned();
        let call =
            Call::RunTask { component: "migrate".into(), token, forever: false, fields, tags: owner() };
        action(ResourceKind::Task, "migrate", call)
    };
    let task = fixture.done(run()).await.0.unwrap();
    assert_eq!(fixture.done(run()).await.0.unwrap(), task);
    let stop = |arn: &str| {
        let (cluster, reason) = ("main".to_owned(), "deadline passed".to_owned());
        action(ResourceKind::Task, "migrate", Call::StopTask { cluster, arn: arn.to_owned(), reason })
    };
    fixture.done(stop(&task)).await;
    let missing = task.rsplit_once('/').unwrap().0.to_owned() + "/ffffffffffffffffffffffffffffffff";
    fixture.done(stop(&missing)).await;
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_the_rest_of_the_same_resource_is_skipped_and_others_go_on() {
    let fixture = Fixture::new().await;
    fixture.sim.faults().add(
        FaultRule::on("logs:CreateLogGroup", Effect::access_denied("logs:CreateLogGroup"))
            .resource("/shop/a"),
    );
    let actions =
        vec![log_group("/shop/a"), retention("/shop/a"), log_group("/shop/b"), retention("/shop/b")];
    let results = fixture.run(actions).await;
    let ActionResult::Failed { code, retryable, .. } = &results[0] else { panic!("{results:?}") };
    assert_eq!((code.as_str(), *retryable), ("AccessDeniedException", true));
    let because = "logs:CreateLogGroup for log-group//shop/a failed before it".to_owned();
    assert_eq!(results[1], ActionResult::Skipped { because });
    assert_eq!(results[2..], [done(), done()]);
}

#[tokio::test(start_paused = true)]
async fn a_component_whose_registration_failed_gets_no_service() {
    let fixture = Fixture::new().await;
    let mut broken = register("web", "shop/web:1");
    let Call::RegisterTaskDefinition { fields, .. } = &mut broken.call else { panic!("a registration") };
    fields["colour"] = json!("blue");
    let results =
        fixture.run(vec![broken, create_service("shop-web:1", json!([])), register("api", "a:1")]).await;
    let ActionResult::Failed { code, message, retryable } = &results[0] else { panic!("{results:?}") };
    assert_eq!((code.as_str(), *retryable), ("BadTree", false));
    assert_eq!(message, "ECS does not know `colour`");
    assert!(matches!(&results[1], ActionResult::Skipped { because }
        if because == "ecs:RegisterTaskDefinition for task-definition/web failed before it"));
    assert!(matches!(&results[2], ActionResult::Done { arn: Some(_), .. }));
    assert_eq!(fixture.calls(), ["RegisterTaskDefinition"]);
}

#[tokio::test(start_paused = true)]
async fn housekeeping_holds_nothing_up() {
    let fixture = Fixture::new().await;
    fixture.sim.faults().add(FaultRule::on("ecs:DeregisterTaskDefinition", Effect::access_denied("x")));
    let old = Call::DeregisterTaskDefinition { arn: "shop-web:1".to_owned() };
    let old = action(ResourceKind::TaskDefinition, "web", old);
    let results = fixture.run(vec![old, register("web", "shop/web:1")]).await;
    assert!(matches!(results[0], ActionResult::Failed { .. }));
    assert!(matches!(results[1], ActionResult::Done { .. }));
}

#[tokio::test(start_paused = true)]
async fn no_answer_is_unknown_and_never_failed() {
    let fixture = Fixture::new().await;
    for effect in [Effect::LostReply, Effect::Reset, Effect::Never, Effect::server_error()] {
        fixture.sim.faults().clear();
        fixture.sim.faults().add(FaultRule::on("ecs:RegisterTaskDefinition", effect.clone()));
        let results = fixture.run(vec![register("web", "shop/web:1")]).await;
        assert!(matches!(results[0], ActionResult::Unknown { .. }), "{effect:?}: {results:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_conflict_on_a_creation_is_not_taken_for_success() {
    let fixture = Fixture::new().await;
    fixture.done(log_group("/shop/web")).await;
    let results = fixture.run(vec![log_group("/shop/web")]).await;
    let ActionResult::Failed { code, retryable, .. } = &results[0] else { panic!("{results:?}") };
    assert_eq!((code.as_str(), *retryable), ("ResourceAlreadyExistsException", true));
}

#[tokio::test(start_paused = true)]
async fn a_service_before_its_rule_is_worth_trying_again() {
    let fixture = Fixture::new().await;
    fixture.done(register("web", "shop/web:1")).await;
    let fields =
        json!({"name": "web", "protocol": "HTTP", "port": 8080, "vpcId": "vpc-1", "targetType": "ip"});
    let create = Call::CreateTargetGroup { fields, tags: owner() };
    let group = fixture.done(action(ResourceKind::TargetGroup, "web", create)).await.0.unwrap();
    let balancers = json!([{"targetGroupArn": group, "containerName": "web", "containerPort": 8080}]);
    let results = fixture.run(vec![create_service("shop-web:1", balancers)]).await;
    let ActionResult::Failed { message, retryable, .. } = &results[0] else { panic!("{results:?}") };
    assert!(message.contains("does not have an associated load balancer"), "{message}");
    assert!(retryable);
}

#[tokio::test(start_paused = true)]
async fn a_refused_spec_is_not_worth_trying_again() {
    let fixture = Fixture::new().await;
    fixture.done(register("web", "shop/web:1")).await;
    let group = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/none/0123456789abcdef";
    let balancers = json!([{"targetGroupArn": group, "containerName": "web", "containerPort": 8080}]);
    let results = fixture.run(vec![create_service("shop-web:1", balancers)]).await;
    let ActionResult::Failed { code, retryable, .. } = &results[0] else { panic!("{results:?}") };
    assert_eq!((code.as_str(), *retryable), ("InvalidParameterException", false));
}

/// Always holds.
struct NoFence;

impl Fence for NoFence {
    fn holds(&self) -> bool {
        true
    }
}

/// Holds until a moment.
struct Until(tokio::time::Instant);

impl Fence for Until {
    fn holds(&self) -> bool {
        tokio::time::Instant::now() < self.0
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_lost_while_waiting_for_the_budget_holds_the_call_back() {
    let fixture = Fixture::new().await;
    let aws = Aws::connect(crate::aws::testing::settings(&fixture.sim, Some(0.25))).await;
    let actions = (0..7).map(|number| register(&format!("c{number}"), "shop/web:1")).collect();
    let start = tokio::time::Instant::now();
    let fence = Until(start + std::time::Duration::from_secs(2));
    let outcomes = Executor::new(aws).run(&placement(), &plan(actions), &fence).await;
    // Five registrations are free; the sixth would have its turn after four seconds, when the lease
    // is gone.
    let done = outcomes.iter().filter(|outcome| matches!(outcome.result, ActionResult::Done { .. })).count();
    assert_eq!((done, fixture.calls().len()), (5, 5));
    assert!(matches!(&outcomes[6].result, ActionResult::Skipped { because }
        if because == "the right to write was lost or given up"));
    assert_eq!(start.elapsed().as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_lease_lost_between_attempts_leaves_a_sent_call_open() {
    let fixture = Fixture::new().await;
    fixture.sim.faults().add(FaultRule::on("logs:PutRetentionPolicy", Effect::LostReply));
    let fence = Falls(AtomicUsize::new(1));
    let actions = vec![retention("/shop/a")];
    let outcomes = fixture.executor.run(&placement(), &plan(actions), &fence).await;
    assert!(matches!(outcomes[0].result, ActionResult::Unknown { .. }), "{outcomes:?}");
    assert_eq!(fixture.calls(), ["PutRetentionPolicy"]);
}

/// Holds for so many questions; there is one per attempt that need not wait.
struct Falls(AtomicUsize);

impl Fence for Falls {
    fn holds(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}

#[tokio::test(start_paused = true)]
async fn once_the_fence_falls_no_call_goes_out() {
    let fixture = Fixture::new().await;
    let actions = vec![log_group("/shop/a"), log_group("/shop/b"), log_group("/shop/c")];
    let fence = Falls(AtomicUsize::new(1));
    let outcomes = fixture.executor.run(&placement(), &plan(actions), &fence).await;
    assert_eq!(outcomes.len(), 3);
    assert_eq!(outcomes[0].result, done());
    for outcome in &outcomes[1..] {
        assert!(matches!(outcome.result, ActionResult::Skipped { .. }));
    }
    assert_eq!(fixture.calls(), ["CreateLogGroup"]);
}

#[tokio::test(start_paused = true)]
async fn an_empty_plan_calls_nothing() {
    let fixture = Fixture::new().await;
    assert!(fixture.run(Vec::new()).await.is_empty());
    assert_eq!(fixture.sim.counts().total(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_run_can_move_between_threads() {
    fn sent<T: Send>(future: T) -> T {
        future
    }
    let fixture = Fixture::new().await;
    let plan = plan(vec![log_group("/shop/a")]);
    let place = placement();
    let outcomes = sent(fixture.executor.run(&place, &plan, &NoFence)).await;
    assert_eq!(outcomes[0].result, done());
}
