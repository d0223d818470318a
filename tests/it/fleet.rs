//! Many deployments on one controller: what observing them costs, and that none is forgotten.

use crate::support::Fixture;
use serde_json::json;

const FLEET: usize = 30;

/// A document with one service and its log group.
pub fn document(name: &str) -> String {
    format!(
        "
apiVersion: evenkeel.dev/v1alpha1
kind: Application
metadata: {{name: {name}}}
spec:
  placement: {{region: eu-west-1, cluster: shop}}
  logGroups: {{/ecs/{name}: {{retentionInDays: 30}}}}
  components:
    web:
      taskDefinition:
        cpu: 256
        memory: 512
        containerDefinitions: [{{name: web, image: registry.example.com/{name}:1.0}}]
      service:
        desiredCount: 1
        launchType: FARGATE
        networkConfiguration: {{awsvpcConfiguration: {{subnets: [subnet-0a1b2c3d], securityGroups: [sg-0a1b2c3d]}}}}
"
    )
}

async fn fleet() -> Fixture {
    let names: Vec<String> = (0..FLEET).map(|number| format!("app-{number:02}")).collect();
    let documents: Vec<(String, String)> =
        names.iter().map(|name| (format!("{name}.yaml"), document(name))).collect();
    let documents: Vec<(&str, &str)> =
        documents.iter().map(|(file, text)| (file.as_str(), text.as_str())).collect();
    let fixture = Fixture::new(&documents).await;
    fixture.ready_within(600).await;
    fixture.pass(300).await;
    fixture.sim.reset_calls();
    fixture
}

#[tokio::test(start_paused = true)]
async fn a_steady_fleet_is_read_in_batches_and_written_never() {
    let fixture = fleet().await;
    fixture.pass(1200).await;
    let counts = fixture.sim.counts();
    assert_eq!(fixture.writes(), Vec::<String>::new());
    let services = counts.of("ecs", "DescribeServices");
    // Twenty resyncs of three light batches and one full one; the spread may bring one resync more.
    assert!(services <= 21 * 4, "{services} reads of services");
    let definitions = counts.of("ecs", "DescribeTaskDefinition");
    assert!((190..=210).contains(&definitions), "ten full passes per resync, not {definitions} in twenty");
}

#[tokio::test(start_paused = true)]
async fn what_a_light_look_does_not_see_is_repaired_when_its_turn_comes() {
    let fixture = fleet().await;
    for number in 0..FLEET {
        let input = json!({"logGroupName": format!("/ecs/app-{number:02}"), "retentionInDays": 7});
        fixture.by_hand("logs", "PutRetentionPolicy", input);
    }
    fixture.sim.reset_calls();
    fixture.pass(4 * 60).await;
    assert_eq!(fixture.writes(), vec!["logs:PutRetentionPolicy"; FLEET]);
}

#[tokio::test(start_paused = true)]
async fn reading_the_same_documents_again_and_again_makes_no_pass() {
    let mut fixture = fleet().await;
    for _ in 0..30 {
        fixture.declare().await;
    }
    let reads = fixture.sim.counts().reads;
    assert_eq!(reads, 0, "no time went by");
}

#[tokio::test(start_paused = true)]
async fn a_light_look_that_sees_something_else_than_the_last_one_is_acted_on() {
    let fixture = fleet().await;
    // Long enough that nothing was computed for a while.
    fixture.pass(5 * 60).await;
    for number in 0..FLEET {
        let service = format!("app-{number:02}-web");
        let input = json!({"cluster": "shop", "service": service, "desiredCount": 3});
        fixture.by_hand("ecs", "UpdateService", input);
    }
    fixture.sim.reset_calls();
    fixture.pass(70).await;
    assert_eq!(fixture.writes(), vec!["ecs:UpdateService"; FLEET]);
    fixture.pass(5 * 60).await;
    fixture.sim.reset_calls();
    // Tags alone.
    for number in 0..FLEET {
        let service = format!("app-{number:02}-web");
        let input = json!({"cluster": "shop", "services": [service]});
        let seen = fixture.by_hand("ecs", "DescribeServices", input);
        let arn = &seen["services"][0]["serviceArn"];
        let input = json!({"resourceArn": arn, "tagKeys": ["evenkeel.dev/component"]});
        fixture.by_hand("ecs", "UntagResource", input);
    }
    fixture.pass(70).await;
    assert_eq!(fixture.writes(), vec!["ecs:TagResource"; FLEET]);
}
