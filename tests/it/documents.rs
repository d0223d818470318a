//! Documents that are wrong, claim what is another's, or claim what nobody gave them.

use crate::support::{Fixture, SHOP, condition};
use evenkeel::model::condition::{ConditionType, Truth};
use evenkeel::reconcile::is_ready;
use serde_json::{Value, json};

/// The same application once more under another name, in its own corner.
fn second() -> String {
    SHOP.replace("name: shop}", "name: zebra}")
        .replace("/ecs/shop", "/ecs/zebra")
        .replace("port: 80\n", "port: 81\n")
}

fn service(fixture: &Fixture, name: &str) -> Value {
    fixture.by_hand(
        "ecs",
        "DescribeServices",
        json!({"cluster": "shop", "services": [name], "include": ["TAGS"]}),
    )["services"][0]
        .clone()
}

#[tokio::test(start_paused = true)]
async fn of_two_documents_that_claim_one_service_the_first_by_name_keeps_it() {
    let thief = second().replace("      service:\n", "      service:\n        serviceName: shop-web\n");
    let mut fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(600).await;
    fixture.sim.reset_calls();
    fixture.write("zebra.yaml", &thief).await;
    fixture.pass(300).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
    let status = fixture.status("zebra");
    assert_eq!(condition(&status, ConditionType::Stalled).1, "InvalidSpec");
    let said: Vec<String> = status.findings.iter().map(ToString::to_string).collect();
    assert!(
        said.iter().any(|finding| finding.contains("`shop-web`") && finding.contains("belongs to `shop`")),
        "{said:?}"
    );
    assert_eq!(condition(&fixture.status("shop"), ConditionType::Ready).0, Truth::True);
    fixture.edit("zebra.yaml", "serviceName: shop-web", "serviceName: zebra-web").await;
    fixture.ready_within(900).await;
}

#[tokio::test(start_paused = true)]
async fn of_two_documents_that_claim_one_priority_of_a_listener_the_first_by_name_keeps_it() {
    let seed = json!({"region": "eu-west-1", "loadBalancers": [{"name": "shared", "listeners": [{"port": 80, "protocol": "HTTP"}]}]});
    let sim = aws_sim::Sim::builder().seed(7).build();
    let arn = sim.seed_world(&seed).unwrap()["listeners"]["shared:80"].as_str().unwrap().to_owned();
    let on_shared = |document: &str| {
        let start = document.find("  listeners:\n").unwrap();
        let end = document.find("  rules:\n").unwrap();
        format!("{}{}", &document[..start], &document[end..])
            .replace("listener: http", &format!("listenerArn: {arn}"))
    };
    let mut fixture =
        Fixture::on(sim, &[("a.yaml", &on_shared(SHOP)), ("b.yaml", &on_shared(&second()))]).await;
    let shop = fixture.until(900, |status| condition(status, ConditionType::Ready).0 == Truth::True).await;
    assert_eq!(shop.name.as_str(), "shop");
    let said: Vec<String> = fixture.status("zebra").findings.iter().map(ToString::to_string).collect();
    assert!(
        said.iter().any(|finding| finding.contains("priority 10") && finding.contains("belongs to `shop`")),
        "{said:?}"
    );
    fixture.edit("b.yaml", "priority: 10", "priority: 11").await;
    fixture.ready_within(900).await;
}

#[tokio::test(start_paused = true)]
async fn a_service_that_evenkeel_did_not_make_is_left_alone_until_it_is_adopted() {
    let mut fixture = Fixture::idle(aws_sim::Sim::builder().seed(7).build(), &[("shop.yaml", SHOP)]).await;
    fixture.by_hand("ecs", "RegisterTaskDefinition", json!({
        "family": "theirs", "networkMode": "awsvpc", "cpu": "256", "memory": "512", "requiresCompatibilities": ["FARGATE"],
        "containerDefinitions": [{"name": "web", "image": "theirs:1", "portMappings": [{"containerPort": 8080}]}]
    }));
    let network = json!({"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"], "securityGroups": ["sg-0123456789abcdef0"]}});
    fixture.by_hand("ecs", "CreateService", json!({
        "cluster": "shop", "serviceName": "shop-web", "taskDefinition": "theirs", "desiredCount": 1, "launchType": "FARGATE",
        "networkConfiguration": network
    }));
    fixture.start().await;
    fixture.pass(600).await;
    let status = fixture.status("shop");
    let (truth, _, message) = condition(&status, ConditionType::Stalled);
    assert_eq!(truth, Truth::True);
    assert!(
        message.contains("`shop-web`")
            && message.contains("was not created by Evenkeel")
            && message.contains("adopt"),
        "{message}"
    );
    let theirs = service(&fixture, "shop-web");
    assert!(theirs["taskDefinition"].as_str().unwrap().ends_with("theirs:1"));
    assert_eq!((theirs["desiredCount"].as_u64(), theirs["tags"].is_null()), (Some(1), true), "{theirs}");
    fixture.edit("shop.yaml", "spec:\n", "spec:\n  adopt: true\n").await;
    fixture.pass(5).await;
    fixture.ready_within(900).await;
    let ours = service(&fixture, "shop-web");
    assert!(ours["taskDefinition"].as_str().unwrap().contains("shop-web:"), "{ours}");
    assert!(ours["tags"].to_string().contains("evenkeel.dev/owner"), "{ours}");
}

/// Forty mistakes, each in a field of its own.
fn with_forty_mistakes() -> String {
    let wrong: String =
        (0..39).map(|n| format!("          - {{name: \"BAD {n}\", value: 1, vlaue: x}}\n")).collect();
    let start = SHOP.find("            environment:").unwrap();
    let end = SHOP[start..].find('\n').unwrap() + start;
    format!(
        "{}            environment:\n{}            cpuu: 1{}",
        &SHOP[..start],
        wrong.replace("          - ", "              - "),
        &SHOP[end..]
    )
}

#[tokio::test(start_paused = true)]
async fn forty_mistakes_in_a_running_deployment_change_nothing_and_are_all_told() {
    let mut fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(600).await;
    fixture.sim.reset_calls();
    fixture.write("shop.yaml", &with_forty_mistakes()).await;
    fixture.pass(130).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
    let status = fixture.status("shop");
    let errors: Vec<_> = status.findings.iter().filter(|finding| finding.is_error()).collect();
    assert!(errors.len() >= 40, "{} errors", errors.len());
    assert!(errors.iter().all(|finding| finding.place.is_some()), "each at its line");
    assert!(status.generation > status.observed_generation, "the edit is counted and not in force");
    assert_eq!(
        (status.components["web"].running, status.components["web"].image.as_str()),
        (2, "registry.example.com/shop:1.0")
    );
    // The last good version stays in force: drift of it is repaired, also after a restart.
    for _ in 0..2 {
        fixture.sim.reset_calls();
        fixture.by_hand(
            "ecs",
            "UpdateService",
            json!({"cluster": "shop", "service": "shop-web", "desiredCount": 5}),
        );
        fixture.pass(70).await;
        assert_eq!(fixture.writes(), vec!["ecs:UpdateService"]);
        assert_eq!(service(&fixture, "shop-web")["desiredCount"], 2);
        fixture.pass(60).await;
        fixture.kill().await;
        fixture.start().await;
        fixture.pass(5).await;
    }
    let still = fixture.status("shop").findings.iter().filter(|finding| finding.is_error()).count();
    assert!(still >= 40, "{still} errors after a restart");
    fixture.write("shop.yaml", &SHOP.replace(":1.0", ":1.1")).await;
    fixture.pass(5).await;
    fixture.ready_within(900).await;
    let status = fixture.status("shop");
    assert!(status.findings.is_empty() && status.components["web"].image.ends_with(":1.1"), "{status:?}");
}

#[tokio::test(start_paused = true)]
async fn a_broken_edit_that_comes_while_a_pass_is_under_way_loses_nothing() {
    let latency = std::time::Duration::from_secs(1);
    let sim = aws_sim::Sim::builder().seed(7).latency(latency, latency).build();
    let mut fixture = Fixture::on(sim, &[("shop.yaml", SHOP)]).await;
    fixture.ready_within(900).await;
    let calls = fixture.sim.counts().total();
    // A call was answered just now: the pass that made it is still under way.
    for _ in 0..1000 {
        if fixture.sim.counts().total() > calls {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    fixture.write("shop.yaml", &with_forty_mistakes()).await;
    fixture.pass(130).await;
    let status = fixture.status("shop");
    assert!(status.findings.len() >= 40, "{:?}", status.conditions);
    assert_eq!(status.components["web"].running, 2);
    let record = fixture.record("shop").await;
    assert!(record.declared.is_some() && !record.rollout.components.is_empty());
    let generation = record.declared.unwrap().generation;
    fixture.write("shop.yaml", &SHOP.replace(":1.0", ":1.1")).await;
    fixture.until(900, |status| is_ready(status) && status.components["web"].image.ends_with(":1.1")).await;
    assert_eq!(fixture.record("shop").await.declared.unwrap().generation, generation.next());
    assert_eq!(fixture.carried_out()["ecs:CreateService"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_good_edit_that_comes_while_a_pass_is_under_way_counts_as_one_generation() {
    let latency = std::time::Duration::from_secs(1);
    let sim = aws_sim::Sim::builder().seed(7).latency(latency, latency).build();
    let mut fixture = Fixture::on(sim, &[("shop.yaml", SHOP)]).await;
    fixture.ready_within(900).await;
    let calls = fixture.sim.counts().total();
    for _ in 0..1000 {
        if fixture.sim.counts().total() > calls {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    fixture.edit("shop.yaml", ":1.0", ":1.1").await;
    fixture.pass(30).await;
    fixture.ready_within(900).await;
    let status = fixture.status("shop");
    assert!(status.components["web"].image.ends_with(":1.1"));
    assert_eq!((status.generation.0, status.observed_generation.0), (2, 2));
}
