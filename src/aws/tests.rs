use super::budget::{Category, OperationUse};
use super::clients::Scope;
use super::ecs::write as ecs;
use super::error::Kind;
use super::logs::write as logs;
use super::testing::{clients, connect, placement, settings};
use super::*;
use crate::model::observed::Gap;
use aws_sim::Sim;
use aws_sim::faults::{Effect, FaultRule, When};
use serde_json::json;
use std::collections::BTreeMap;
use std::error::Error as _;
use tokio::time::Instant;

fn seeded() -> Sim {
    fastrand::seed(7);
    let sim = Sim::builder().seed(7).build();
    let seed =
        json!({"region": "eu-west-1", "clusters": [{"name": "main", "capacityProviders": ["FARGATE"]}]});
    sim.seed_world(&seed).unwrap();
    sim
}

fn definition() -> crate::model::resource::Tree {
    json!({
        "family": "shop-web", "cpu": "256", "memory": "512", "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "containerDefinitions": [{"name": "web", "image": "shop/web:1", "portMappings": [{"containerPort": 8080}]}],
    })
}

fn service() -> crate::model::resource::Tree {
    json!({
        "cluster": "main", "serviceName": "shop-web", "taskDefinition": "shop-web:1", "desiredCount": 1,
        "launchType": "FARGATE",
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0a"]}},
    })
}

fn calls(sim: &Sim, service: &str, operation: &str) -> u64 {
    sim.counts().of(service, operation)
}

#[tokio::test(start_paused = true)]
async fn a_throttled_call_is_sent_again_and_succeeds() {
    let sim = seeded();
    sim.faults().add(FaultRule::on("logs:CreateLogGroup", Effect::throttle()).when(When::First(2)));
    let clients = clients(&sim).await;
    logs::create_log_group(&clients, "/shop", None, &BTreeMap::new()).await.unwrap();
    assert_eq!(calls(&sim, "logs", "CreateLogGroup"), 3);
    let usage = clients.usage();
    let expected = OperationUse { calls: 3, throttles: 2, failures: 0 };
    assert_eq!(usage.operations["logs:CreateLogGroup"], expected);
    assert_eq!(usage.categories[&Category::LogsWrite].throttles, 2);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_stays_throttled_says_that_nothing_happened() {
    let sim = seeded();
    sim.faults().add(FaultRule::on("logs:*", Effect::throttle()));
    let clients = clients(&sim).await;
    let error = logs::put_retention_policy(&clients, "/shop", 7).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (Kind::Throttled, "ThrottlingException"));
    assert!(error.answered() && error.retry());
    assert_eq!(calls(&sim, "logs", "PutRetentionPolicy"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_registration_without_an_answer_is_not_sent_again() {
    let sim = seeded();
    sim.faults().add(FaultRule::on("ecs:RegisterTaskDefinition", Effect::LostReply));
    let clients = clients(&sim).await;
    let error = ecs::register_task_definition(&clients, &definition(), &BTreeMap::new()).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (Kind::Transient, "NoConnection"));
    assert!(!error.answered());
    assert!(error.message.contains("connection reset"), "{}", error.message);
    assert_eq!(error.to_string(), "ecs:RegisterTaskDefinition: NoConnection", "the cause is its source");
    assert_eq!(error.source().unwrap().to_string(), "dispatch failure");
    assert_eq!(calls(&sim, "ecs", "RegisterTaskDefinition"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_service_whose_answer_was_lost_is_not_made_twice() {
    let sim = seeded();
    let clients = clients(&sim).await;
    ecs::register_task_definition(&clients, &definition(), &BTreeMap::new()).await.unwrap();
    sim.faults().add(FaultRule::on("ecs:CreateService", Effect::LostReply).when(When::Once));
    let written = ecs::create_service(&clients, "token-1", &service(), &BTreeMap::new()).await.unwrap();
    assert_eq!(calls(&sim, "ecs", "CreateService"), 2);
    assert!(written.arn.unwrap().ends_with(":service/main/shop-web"));
    assert!(written.deployment.unwrap().starts_with("ecs-svc/"));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_never_answered_ends_by_its_timeout() {
    let sim = seeded();
    sim.faults().add(FaultRule::on("ecs:UpdateService", Effect::Never));
    let clients = clients(&sim).await;
    let start = Instant::now();
    let fields = json!({"cluster": "main", "service": "shop-web", "desiredCount": 2});
    let error = ecs::update_service(&clients, &fields).await.unwrap_err();
    assert_eq!(error.code, "Timeout");
    assert!(!error.answered());
    // Three attempts of ten seconds each, and two pauses.
    assert!((30..35).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_attempt_without_an_answer_stays_open_when_the_next_one_is_throttled() {
    let sim = seeded();
    sim.faults().add(FaultRule::on("ecs:UpdateService", Effect::LostReply).when(When::Once));
    sim.faults().add(FaultRule::on("ecs:UpdateService", Effect::throttle()));
    let clients = clients(&sim).await;
    let fields = json!({"cluster": "main", "service": "shop-web", "desiredCount": 2});
    let error = ecs::update_service(&clients, &fields).await.unwrap_err();
    assert_eq!(error.code, "NoConnection");
    assert!(!error.answered());
}

#[tokio::test(start_paused = true)]
async fn a_denied_call_is_sent_once_and_keeps_awss_words() {
    let sim = seeded();
    sim.faults().add(FaultRule::on("logs:*", Effect::access_denied("logs:DeleteLogGroup")));
    let clients = clients(&sim).await;
    let error = logs::delete_log_group(&clients, "/shop").await.unwrap_err();
    assert_eq!(error.kind, Kind::Denied);
    assert!(error.answered() && error.retry());
    assert!(error.to_string().contains("not authorized to perform: logs:DeleteLogGroup"), "{error}");
    assert_eq!(error.source().unwrap().to_string(), "service error");
    assert_eq!(calls(&sim, "logs", "DeleteLogGroup"), 1);
    let gap = Gap::from(error);
    assert_eq!((gap.operation.as_str(), gap.code.as_str()), ("logs:DeleteLogGroup", "AccessDeniedException"));
    assert!(gap.message.contains("not authorized to perform: logs:DeleteLogGroup"));
}

#[tokio::test(start_paused = true)]
async fn a_server_error_leaves_a_registration_open() {
    let sim = seeded();
    sim.faults().add(FaultRule::on("ecs:RegisterTaskDefinition", Effect::server_error()));
    let clients = clients(&sim).await;
    let error = ecs::register_task_definition(&clients, &definition(), &BTreeMap::new()).await.unwrap_err();
    assert_eq!((error.kind, error.status), (Kind::Transient, Some(500)));
    assert!(!error.answered());
    assert_eq!(calls(&sim, "ecs", "RegisterTaskDefinition"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_broken_tree_is_not_sent() {
    let sim = seeded();
    let clients = clients(&sim).await;
    let fields = json!({"cluster": "main", "service": "shop-web", "colour": "blue"});
    let error = ecs::update_service(&clients, &fields).await.unwrap_err();
    assert_eq!(error.to_string(), "ecs:UpdateService: BadTree: ECS does not know `colour`");
    assert_eq!(sim.counts().total(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_account_is_asked_for_once() {
    let sim = seeded();
    let clients = clients(&sim).await;
    sim.faults().add(FaultRule::on("sts:GetCallerIdentity", Effect::access_denied("x")).when(When::Once));
    clients.account().await.unwrap_err();
    assert_eq!(clients.account().await.unwrap(), "123456789012");
    assert_eq!(clients.account().await.unwrap(), "123456789012");
    assert_eq!(calls(&sim, "sts", "GetCallerIdentity"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_placement_with_a_role_speaks_as_that_role_and_has_a_budget_of_its_own() {
    let sim = seeded();
    let aws = connect(&sim).await;
    let role_arn = Some("arn:aws:iam::999999999999:role/evenkeel".to_owned());
    let there = crate::model::kinds::Placement { role_arn, ..placement() };
    let clients = aws.at(&there).await;
    assert_eq!(clients.account().await.unwrap(), "999999999999");
    assert_eq!(aws.at(&placement()).await.account().await.unwrap(), "123456789012");
    assert_eq!(calls(&sim, "sts", "AssumeRole"), 1);
    let scopes: Vec<_> = aws.usage().into_keys().map(|Scope { account, .. }| account).collect();
    assert_eq!(scopes, ["999999999999", "own"]);
}

#[tokio::test(start_paused = true)]
async fn an_assumed_role_is_renewed_before_it_expires() {
    let sim = seeded();
    let role_arn = Some("arn:aws:iam::999999999999:role/evenkeel".to_owned());
    let there = crate::model::kinds::Placement { role_arn, ..placement() };
    let clients = connect(&sim).await.at(&there).await;
    for _ in 0..4 {
        logs::create_log_group(&clients, "/shop", None, &BTreeMap::new()).await.ok();
        logs::delete_log_group(&clients, "/shop").await.unwrap();
        tokio::time::advance(std::time::Duration::from_secs(3601)).await;
    }
    assert_eq!(calls(&sim, "sts", "AssumeRole"), 4);
}

#[tokio::test(start_paused = true)]
async fn clients_of_one_placement_are_shared() {
    let sim = seeded();
    let aws = connect(&sim).await;
    assert!(std::sync::Arc::ptr_eq(&aws.at(&placement()).await, &aws.clone().at(&placement()).await));
}

#[tokio::test(start_paused = true)]
async fn with_a_whole_share_the_account_is_never_throttled() {
    fastrand::seed(7);
    let sim = Sim::builder().seed(7).rate_limits(true).build();
    let aws = Aws::connect(settings(&sim, Some(1.0))).await;
    let clients = aws.at(&placement()).await;
    for _ in 0..60 {
        ecs::register_task_definition(&clients, &definition(), &BTreeMap::new()).await.unwrap();
    }
    assert_eq!(calls(&sim, "ecs", "RegisterTaskDefinition"), 60);
    assert_eq!(clients.usage().categories[&Category::EcsDefinitionWrite].throttles, 0);
}

#[tokio::test(start_paused = true)]
async fn every_field_of_a_definition_can_be_sent() {
    // The SDK's builders are filled field by field; a field that was forgotten there is an error,
    // not a loss.
    let sim = seeded();
    let clients = clients(&sim).await;
    let mut fields = definition();
    for (name, value) in [
        ("taskRoleArn", json!("arn:aws:iam::123456789012:role/t")),
        ("executionRoleArn", json!("arn:aws:iam::123456789012:role/e")),
        ("pidMode", json!("task")),
        ("ephemeralStorage", json!({"sizeInGiB": 30})),
        ("runtimePlatform", json!({"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"})),
        ("volumes", json!([{"name": "scratch", "host": {}}])),
        ("enableFaultInjection", json!(true)),
    ] {
        fields[name] = value;
    }
    let tags = BTreeMap::from([("evenkeel.dev/owner".to_owned(), "shop".to_owned())]);
    let arn = ecs::register_task_definition(&clients, &fields, &tags).await.unwrap().arn.unwrap();
    let include = aws_sdk_ecs::types::TaskDefinitionField::Tags;
    let seen = clients.ecs.describe_task_definition().task_definition(arn).include(include);
    let seen = seen.send().await.unwrap();
    let back = codec::to_tree(&seen.task_definition.unwrap()).unwrap();
    for (name, value) in fields.as_object().unwrap() {
        if name != "containerDefinitions" {
            assert_eq!(&back[name], value, "{name}");
        }
    }
    assert_eq!(seen.tags.unwrap()[0].value.as_deref(), Some("shop"));
}

#[tokio::test]
async fn another_endpoint_is_reached_over_a_socket_with_the_sdks_own_http_client() {
    let sim = seeded();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let served = sim.serve(listener, async { drop(stopped.await) });
    let work = async {
        let from_world = settings(&sim, Some(0.25));
        let aws = Aws::connect(Settings {
            endpoint_url: Some(endpoint),
            http_client: None,
            time_source: None,
            ..from_world
        });
        let clients = aws.await.at(&placement()).await;
        let account = clients.account().await.unwrap().to_owned();
        logs::create_log_group(&clients, "/shop", None, &BTreeMap::new()).await.unwrap();
        drop(stop);
        account
    };
    let (served, account) = tokio::join!(served, work);
    served.unwrap();
    assert_eq!(account, "123456789012");
    assert_eq!(calls(&sim, "logs", "CreateLogGroup"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_role_that_may_not_be_assumed_is_a_denial_and_nothing_was_sent() {
    let sim = seeded();
    sim.faults().add(FaultRule::on("sts:AssumeRole", Effect::access_denied("sts:AssumeRole")));
    let role_arn = Some("arn:aws:iam::999999999999:role/evenkeel".to_owned());
    let there = crate::model::kinds::Placement { role_arn, ..placement() };
    let clients = connect(&sim).await.at(&there).await;
    let error = ecs::register_task_definition(&clients, &definition(), &BTreeMap::new()).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (Kind::Denied, "NoCredentials"));
    assert!(error.answered() && error.retry());
    assert!(error.message.contains("not authorized to perform: sts:AssumeRole"), "{}", error.message);
    assert_eq!(calls(&sim, "ecs", "RegisterTaskDefinition"), 0);
}
