//! `ctl import`: what is written for what runs, and that adopting it changes nothing that runs.

use crate::support::policy::{self, SHIPPED};
use crate::support::{Fixture, REGION, SHOP, service};
use aws_sim::Sim;
use evenkeel::aws::{self, Aws};
use evenkeel::cli::import::{Imported, import};
use evenkeel::model::finding::Finding;
use evenkeel::model::kinds::{Placement, Spec};
use evenkeel::model::plan::Plan;
use evenkeel::model::schema::output_schemas;
use evenkeel::model::view::{self, PlanList, PlanView, Road};
use evenkeel::observed::Collector;
use evenkeel::reconcile::declarations::{self, LoweringCache};
use evenkeel::reconcile::dry_run::{Subjects, reasons, roads};
use evenkeel::specs::{self, Scan};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

async fn client(fixture: &Fixture) -> Aws {
    let clock = fixture.sim.clock();
    Aws::connect(aws::Settings::closed(fixture.sim.http_client(), move || clock.now())).await
}

/// What is written for some services.
pub async fn imported(fixture: &Fixture, cluster: &str, services: &[&str]) -> anyhow::Result<Imported> {
    let placement = Placement { region: REGION.to_owned(), cluster: cluster.to_owned(), role_arn: None };
    let services: Vec<String> = services.iter().map(|name| (*name).to_owned()).collect();
    let before = fixture.sim.counts().writes;
    let imported = import(&client(fixture).await, placement, &services, None).await;
    assert_eq!(fixture.sim.counts().writes, before, "an import writes nothing");
    imported
}

/// The plans for a text, with nothing recorded of it, now and as AWS does its part.
pub async fn planned(fixture: &Fixture, text: &str) -> Vec<Plan> {
    let content = Arc::new(specs::read("imported.yaml", text.as_bytes()));
    let items = [("imported.yaml".to_owned(), content)].into_iter().collect();
    let snapshot = Scan { items, problems: Vec::new(), incomplete: true }.into();
    let now = fixture.clock.now();
    let (mut cache, known) = (LoweringCache::default(), BTreeMap::new());
    let subjects = Subjects::of(declarations::changes(&mut cache, &snapshot, &known, &[], now));
    let errors: Vec<String> = subjects
        .findings
        .iter()
        .filter(|(_, found)| found.is_error())
        .map(|(_, found)| found.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:#?}\n{text}");
    let collector = Collector::new(client(fixture).await);
    let (roads, gaps) = roads(&collector, &subjects.declared, &BTreeMap::new(), now).await;
    assert_eq!(reasons(&gaps), Vec::<String>::new());
    roads.into_iter().flat_map(|road| std::iter::once(road.plan).chain(road.then)).collect()
}

/// What a text would write that is no tag, and everything that it waits for.
pub async fn beside_tags(fixture: &Fixture, text: &str) -> Vec<String> {
    let plans = planned(fixture, text).await;
    assert!(!plans.is_empty());
    let tags =
        ["ecs:TagResource", "elasticloadbalancing:AddTags", "logs:TagResource", "cloudwatch:TagResource"];
    let mut found = Vec::new();
    for plan in &plans {
        let actions = plan.actions.iter().filter(|action| !tags.contains(&action.call.operation()));
        found.extend(
            actions.map(|action| format!("{} {:?} {:?}", action.resource, action.reason, action.changes)),
        );
        found.extend(
            plan.drift.iter().map(|drift| format!("drift of {}: {:?}", drift.resource, drift.change)),
        );
        found.extend(plan.notes.iter().map(|note| format!("note at {}: {}", note.resource, note.message)));
    }
    let now =
        plans[0].waiting_on.iter().map(|waiting| format!("{} waits for {:?}", waiting.resource, waiting.on));
    found.extend(now);
    found
}

/// A simulated AWS in which no controller works, and nothing is Evenkeel's.
async fn by_others() -> Fixture {
    let fixture = Fixture::idle(Sim::builder().seed(7).build(), &[]).await;
    fixture.sim.seed_world(&json!({"region": REGION, "clusters": [{"name": "shared", "capacityProviders": ["FARGATE", "FARGATE_SPOT"], "containerInstances": 2}]})).unwrap();
    fixture
}

#[tokio::test(start_paused = true)]
async fn what_evenkeel_made_is_imported_as_it_was_declared_and_plans_nothing_at_all() {
    let fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(900).await;
    let imported = imported(&fixture, "shop", &["shop-web"]).await.unwrap();
    assert_eq!(imported.document.metadata.name.as_str(), "shop", "{}", imported.text);
    let Spec::Application(spec) = &imported.document.spec else { panic!("{}", imported.text) };
    let keys = |map: &mut dyn Iterator<Item = &String>| map.cloned().collect::<Vec<_>>();
    assert_eq!(keys(&mut spec.components.keys()), ["web"]);
    assert_eq!(keys(&mut spec.rules.keys()), ["web"]);
    assert_eq!(keys(&mut spec.target_groups.keys()), ["web"]);
    assert_eq!(keys(&mut spec.log_groups.keys()), ["/ecs/shop"]);
    assert_eq!(
        planned(&fixture, &imported.text).await.iter().map(|plan| plan.actions.len()).sum::<usize>(),
        0
    );
    assert_eq!(imported.warnings, Vec::<String>::new(), "{}", imported.text);
    let expected = include_str!("../cases/import/shop.yaml");
    if updates() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/import/shop.yaml"), &imported.text)
            .unwrap();
    } else {
        similar_asserts::assert_eq!(imported.text, expected);
    }
}

#[expect(clippy::disallowed_methods, reason = "a switch for whoever runs the tests, not a setting")]
fn updates() -> bool {
    std::env::var("UPDATE_GOLDEN").is_ok_and(|value| value == "1")
}

/// A service that somebody made by hand behind a rule of a listener that others use, too.
async fn strangers() -> Fixture {
    let fixture = by_others().await;
    let seeded = fixture
        .sim
        .seed_world(&json!({"region": REGION, "loadBalancers": [
        {"name": "edge", "listeners": [{"port": 80, "protocol": "HTTP"}]}]}))
        .unwrap();
    let listener = seeded["listeners"]["edge:80"].as_str().unwrap().to_owned();
    let group = |name: &str| {
        let made = fixture.by_hand(
            "elbv2",
            "CreateTargetGroup",
            json!({"Name": name, "Protocol": "HTTP", "Port": 80,
            "VpcId": "vpc-0123456789abcdef0", "TargetType": "ip", "HealthCheckPath": "/up"}),
        );
        made["TargetGroups"][0]["TargetGroupArn"].as_str().unwrap().to_owned()
    };
    let (own, other, third) = (group("their-web"), group("somebody-elses"), group("third"));
    for (priority, path, forward) in
        [(5, "/api/*", [(&own, 3), (&other, 1)]), (9, "/others/*", [(&other, 1), (&third, 1)])]
    {
        fixture.by_hand(
            "elbv2",
            "CreateRule",
            json!({"ListenerArn": listener, "Priority": priority,
            "Conditions.member.1.Field": "path-pattern", "Conditions.member.1.Values.member.1": path,
            "Actions.member.1.Type": "forward",
            "Actions.member.1.ForwardConfig.TargetGroups.member.1.TargetGroupArn": forward[0].0,
            "Actions.member.1.ForwardConfig.TargetGroups.member.1.Weight": forward[0].1,
            "Actions.member.1.ForwardConfig.TargetGroups.member.2.TargetGroupArn": forward[1].0,
            "Actions.member.1.ForwardConfig.TargetGroups.member.2.Weight": forward[1].1}),
        );
    }
    fixture.by_hand("logs", "CreateLogGroup", json!({"logGroupName": "/their/logs"}));
    fixture.by_hand("ecs", "RegisterTaskDefinition", json!({
        "family": "Their_Web", "networkMode": "awsvpc", "cpu": "256", "memory": "512", "requiresCompatibilities": ["FARGATE"],
        "executionRoleArn": "arn:aws:iam::123456789012:role/shop-execution",
        "tags": [{"key": "team", "value": "theirs"}, {"key": "owner", "value": "ann"}],
        "containerDefinitions": [{
            "name": "Nginx", "image": "nginx:1.27", "essential": true, "portMappings": [{"containerPort": 80}],
            "environment": [{"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "MODE", "value": "a\nb"}],
            "secrets": [{"name": "KEY", "valueFrom": "their-parameter"}],
            "logConfiguration": {"logDriver": "awslogs", "options":
                {"awslogs-group": "/their/logs", "awslogs-region": REGION, "awslogs-stream-prefix": "web"}},
        }],
    }));
    let network = json!({"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"], "securityGroups": ["sg-0123456789abcdef0"]}});
    fixture.by_hand("ecs", "CreateService", json!({"cluster": "shared", "serviceName": "Their_Web", "taskDefinition": "Their_Web",
        "desiredCount": 2, "launchType": "FARGATE", "networkConfiguration": network, "healthCheckGracePeriodSeconds": 20,
        "tags": [{"key": "team", "value": "theirs"}],
        "loadBalancers": [{"targetGroupArn": own, "containerName": "Nginx", "containerPort": 80}]}));
    fixture.pass(300).await;
    fixture
}

#[tokio::test(start_paused = true)]
async fn a_strangers_service_is_adopted_by_tags_alone_and_no_task_is_replaced() {
    let mut fixture = strangers().await;
    let shown = |fixture: &Fixture| {
        let input = json!({"cluster": "shared", "services": ["Their_Web"]});
        let service = fixture.by_hand("ecs", "DescribeServices", input)["services"][0].clone();
        (
            service["taskDefinition"].clone(),
            service["deployments"].as_array().map(Vec::len),
            service["deployments"][0]["id"].clone(),
        )
    };
    let before = shown(&fixture);
    let imported = imported(&fixture, "shared", &["Their_Web"]).await.unwrap();
    assert_eq!(beside_tags(&fixture, &imported.text).await, Vec::<String>::new(), "{}", imported.text);
    fixture.sim.reset_calls();
    std::fs::write(fixture.specs_folder().join("their-web.yaml"), &imported.text).unwrap();
    fixture.start().await;
    fixture.ready_within(600).await;
    fixture.pass(600).await;
    let writes = fixture.writes();
    let tags = ["ecs:TagResource", "elasticloadbalancing:AddTags", "logs:TagResource"];
    assert!(!writes.is_empty() && writes.iter().all(|call| tags.contains(&call.as_str())), "{writes:?}");
    assert_eq!(shown(&fixture), before, "the same revision in the same deployment");
    // The next edit is carried out as any other.
    fixture.edit("their-web.yaml", "nginx:1.27", "nginx:1.28").await;
    fixture
        .until(900, |status| {
            status.components["nginx"].image.ends_with(":1.28")
                && status.components["nginx"].phase == "Complete"
        })
        .await;
    assert_ne!(shown(&fixture).0, before.0);
}

#[tokio::test(start_paused = true)]
async fn what_a_person_should_know_stands_at_its_place_and_is_said() {
    let fixture = strangers().await;
    let imported = imported(&fixture, "shared", &["Their_Web"]).await.unwrap();
    let text = &imported.text;
    let said = imported.warnings.join("\n");
    for (words, beside) in
        [("`DB_PASSWORD` looks like a secret", "value: hunter2"), ("tag owner=ann is not on everything", "")]
    {
        assert!(said.contains(words), "{words}: {said}");
        let comment = text.find(words).unwrap_or_else(|| panic!("{words}: {text}"));
        assert!(text[comment..].lines().take(4).any(|line| line.contains(beside)), "{words}: {text}");
    }
    assert!(text.contains("ssm:their-parameter"), "{text}");
    assert!(text.contains("hunter2"), "kept, and warned of: {text}");
    for default in [
        "essential",
        "protocol: tcp",
        "schedulingStrategy",
        "propagateTags",
        "platformVersion",
        "mountPoints",
        "LATEST",
    ] {
        assert!(!text.contains(default), "{default} is AWS's default: {text}");
    }
    assert!(text.contains("adopt: true") && text.contains("listenerArn:"), "{text}");
    let Spec::Application(spec) = &imported.document.spec else { panic!("{text}") };
    assert_eq!((spec.rules.len(), spec.target_groups.len(), spec.listeners.len()), (1, 1, 0), "{text}");
}

/// What an import of this service says.
async fn refusal(fixture: &Fixture, cluster: &str, service: &str) -> String {
    format!("{:#}", imported(fixture, cluster, &[service]).await.unwrap_err())
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_imported_is_refused_with_a_sentence() {
    let fixture = strangers().await;
    let mut wider = policy::adapted(SHIPPED);
    let more =
        json!({"Effect": "Allow", "Action": ["ecs:ListClusters", "ecs:ListServices"], "Resource": "*"});
    wider["Statement"].as_array_mut().unwrap().push(more);
    assert_eq!(
        refusal(&fixture, "shard", "x").await,
        "there is no cluster `shard` in eu-west-1",
        "nobody may list them"
    );
    fixture.under(&wider);
    assert_eq!(
        refusal(&fixture, "shard", "x").await,
        "there is no cluster `shard` in eu-west-1; did you mean `shared`?"
    );
    assert_eq!(
        refusal(&fixture, "shared", "their-wb").await,
        "there is no service `their-wb` in cluster `shared`; did you mean `Their_Web`?"
    );
    fixture.by_hand(
        "ecs",
        "DeleteService",
        json!({"cluster": "shared", "service": "Their_Web", "force": true}),
    );
    fixture.pass(600).await;
    let said = refusal(&fixture, "shared", "Their_Web").await;
    assert!(said.contains("is INACTIVE: it was deleted"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_revision_of_another_content_is_not_taken_over() {
    let fixture = Fixture::idle(Sim::builder().seed(7).build(), &[]).await;
    fixture.by_hand("ecs", "RegisterTaskDefinition", json!({"family": "theirs", "cpu": "256", "memory": "512", "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"], "containerDefinitions": [{"name": "web", "image": "registry.example.com/theirs:1"}]}));
    fixture.by_hand(
        "ecs",
        "CreateService",
        json!({"cluster": "shop", "serviceName": "shop-web", "taskDefinition": "theirs",
        "desiredCount": 1, "launchType": "FARGATE",
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"]}}}),
    );
    fixture.pass(120).await;
    let imported = imported(&fixture, "shop", &["shop-web"]).await.unwrap();
    assert_eq!(beside_tags(&fixture, &imported.text).await, Vec::<String>::new(), "{}", imported.text);
    let edited = imported.text.replace("registry.example.com/theirs:1", "registry.example.com/theirs:2");
    let operations: Vec<String> = planned(&fixture, &edited)
        .await
        .iter()
        .flat_map(|plan| &plan.actions)
        .map(|action| action.call.operation().to_owned())
        .filter(|operation| operation != "ecs:TagResource")
        .collect();
    assert_eq!(operations, ["ecs:RegisterTaskDefinition", "ecs:UpdateService"]);
    assert_eq!(service(&fixture)["tags"], Value::Null, "nothing was written by that");
}

/// Something that people run: a task definition, what is special about its service, and what the
/// document says of it.
#[derive(serde::Deserialize)]
struct Shape {
    what: String,
    definition: Value,
    service: Value,
    says: Vec<String>,
}

/// Shapes of the tools that people come from: task definitions that say nothing of where they run,
/// fields in the API's words for its defaults, parameters by plain names, volumes, sidecars.
fn shapes() -> Vec<Shape> {
    serde_json::from_str(include_str!("../cases/import/shapes.json")).unwrap()
}

#[tokio::test(start_paused = true)]
async fn services_of_other_tools_are_imported_whole_and_adopted_by_tags_alone() {
    let fixture = by_others().await;
    for (number, Shape { what, mut definition, service, says }) in shapes().into_iter().enumerate() {
        let name = format!("theirs-{number}");
        definition["family"] = json!(name);
        fixture.by_hand("ecs", "RegisterTaskDefinition", definition);
        let mut made =
            json!({"cluster": "shared", "serviceName": name, "taskDefinition": name, "desiredCount": 2});
        made.as_object_mut().unwrap().extend(service.as_object().unwrap().clone());
        made.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        fixture.by_hand("ecs", "CreateService", made);
        fixture.pass(180).await;
        let imported = imported(&fixture, "shared", &[&name]).await.unwrap();
        assert_eq!(
            beside_tags(&fixture, &imported.text).await,
            Vec::<String>::new(),
            "{what}: {}",
            imported.text
        );
        for words in says {
            assert!(imported.text.contains(&words), "{what}: {words}: {}", imported.text);
        }
        assert!(imported.errors.is_empty(), "{what}: {:?}", imported.errors);
    }
}

#[tokio::test(start_paused = true)]
async fn plans_are_told_in_objects_of_their_schemas() {
    let fixture = Fixture::idle(Sim::builder().seed(7).build(), &[]).await;
    let now = fixture.clock.now();
    let plans = planned(&fixture, SHOP).await;
    assert!(
        plans.iter().any(|plan| plan.actions.len() > 2)
            && plans.iter().any(|plan| !plan.waiting_on.is_empty())
    );
    let road = Road { plan: plans[0].clone(), then: plans[1..].to_vec() };
    let findings = vec![Finding::warning("spec.x", "odd", "mend it")];
    let one = PlanView {
        shape: view::Shape::of("Plan"),
        time: now,
        name: "shop".into(),
        findings: findings.clone(),
        of_last_good: true,
        plan: Some(road.clone()),
    };
    let list = PlanList {
        shape: view::Shape::of("PlanList"),
        time: now,
        items: vec![road],
        findings,
        of_last_good: vec!["shop".into()],
        gaps: vec!["ecs:DescribeServices: AccessDenied".to_owned()],
    };
    for value in [serde_json::to_value(&one).unwrap(), serde_json::to_value(&list).unwrap()] {
        let (_, schema) = output_schemas().into_iter().find(|(kind, _)| value["kind"] == *kind).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let wrong: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{}: {wrong:#?}", value["kind"]);
    }
}

/// Of what a text would do now, what concerns the revision of the web service.
async fn of_the_revision(fixture: &Fixture, text: &str) -> Vec<String> {
    let plans = planned(fixture, text).await;
    let actions = plans.iter().flat_map(|plan| &plan.actions);
    let of_web = actions.filter(|action| action.resource.to_string() == "task-definition/web");
    of_web.map(|action| action.call.operation().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_revision_with_an_earlier_version_of_a_secret_is_not_taken_over_when_its_record_is_lost() {
    let reads = "secrets: [{name: URL, valueFrom: \"shop/db:url::\"}]\n            environment: [{name: B";
    let document = SHOP.replace("environment: [{name: B", reads).replace("spec:\n", "spec:\n  adopt: true\n");
    let fixture = Fixture::new(&[("shop.yaml", &document)]).await;
    fixture.ready_within(900).await;
    assert_eq!(of_the_revision(&fixture, &document).await, Vec::<String>::new(), "it is known by its hash");
    let value = json!({"url": "mysql://canary-2"}).to_string();
    let input = json!({"SecretId": "shop/db", "SecretString": value, "ClientRequestToken": "r".repeat(32)});
    fixture.by_hand("secretsmanager", "PutSecretValue", input);
    assert_eq!(of_the_revision(&fixture, &document).await, ["ecs:RegisterTaskDefinition"]);
}
