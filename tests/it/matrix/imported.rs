//! Documents full of specimens, imported from what the controller made of them: every field that
//! can be declared is written in such a way that adopting it changes nothing.

use super::bench::Bench;
use super::documents::{Declared, component, errors, network, put};
use super::editions::Editions;
use super::{contents, manual, specimens};
use crate::import::{beside_tags, imported};
use crate::support::{Fixture, REGION};
use aws_sim::Sim;
use evenkeel::model::resource::ResourceKind;
use evenkeel::reconcile::is_ready;
use serde_json::{Value, json};

/// Imports each of the services and plans it; what would be written besides tags, by service.
async fn written(fixture: &Fixture, services: &[String]) -> Vec<String> {
    let mut wrong = Vec::new();
    for name in services {
        match imported(fixture, manual::CLUSTER, &[name]).await {
            Ok(imported) => {
                let found = beside_tags(fixture, &imported.text).await;
                wrong.extend(found.into_iter().map(|found| format!("{name}: {found}\n{}", imported.text)));
                wrong.extend(imported.errors.iter().map(|error| format!("{name}: {error}")));
            }
            Err(error) => wrong.push(format!("{name}: {error:#}")),
        }
    }
    wrong
}

fn services(fixture: &Fixture) -> Vec<String> {
    let mut names = Vec::new();
    let mut next = Value::Null;
    loop {
        let mut input = json!({"cluster": manual::CLUSTER, "maxResults": 100});
        if !next.is_null() {
            input["nextToken"] = next.clone();
        }
        let page = fixture.by_hand("ecs", "ListServices", input);
        let arns = page["serviceArns"].as_array().unwrap();
        names.extend(arns.iter().map(|arn| arn.as_str().unwrap().rsplit('/').next().unwrap().to_owned()));
        next = page["nextToken"].clone();
        if next.is_null() {
            return names;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_field_of_a_service_is_imported_as_it_is() {
    let bench = Bench::new(Declared::new("services", specimens::services())).await;
    let names = services(&bench.fixture);
    assert!(names.len() > 60, "{names:?}");
    let wrong = written(&bench.fixture, &names).await;
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn every_field_of_a_task_definition_is_imported_as_it_is() {
    let editions = Editions::new(contents::definitions()).await;
    let names = services(&editions.fixture);
    assert!(names.len() > 40, "{names:?}");
    let wrong = written(&editions.fixture, &names).await;
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// A document of one service with some fields of each kind, drawn from the specimens.
fn arbitrary(random: &mut fastrand::Rng, name: &str) -> Value {
    let group = json!({"port": 8080, "vpcId": "vpc-0123456789abcdef0"});
    let answer = json!([{"type": "fixed-response", "fixedResponseConfig": {"statusCode": "404"}}]);
    let forward = json!([{"type": "forward", "targetGroup": "web"}]);
    let mut web = component(json!({}), json!({"networkConfiguration": network(), "desiredCount": 1}));
    let mut spec = json!({"placement": {"region": REGION, "cluster": manual::CLUSTER}});
    let balanced = random.bool();
    if balanced {
        spec["targetGroups"] = json!({"web": group});
        spec["listeners"] = json!({"front": {"loadBalancer": "matrix", "port": random.u16(1000..2000), "protocol": "HTTP",
            "defaultActions": if random.bool() { answer } else { forward.clone() }}});
        spec["rules"] = json!({"web": {"listener": "front", "priority": random.u32(1..1000),
            "conditions": [{"field": "path-pattern", "values": ["/web/*"]}], "actions": forward}});
        web["service"]["loadBalancers"] =
            json!([{"targetGroup": "web", "containerName": "app", "containerPort": 8080}]);
    }
    if random.bool() {
        spec["tags"] = json!({"team": "shop"});
    }
    spec["components"] = json!({"web": web});
    let mut document = json!({"apiVersion": "evenkeel.dev/v1alpha1", "kind": "Application", "metadata": {"name": name}, "spec": spec});
    let mut drawn: Vec<(String, Value)> = Vec::new();
    let of_service = if balanced { "balanced" } else { "plain" };
    for specimen in specimens::services().into_iter().filter(|s| s.base == of_service && !s.named.is_null()) {
        drawn.push((format!("spec.components.web.service.{}", specimen.row.path), specimen.named));
    }
    for content in
        contents::definitions().into_iter().filter(|one| one.row.kind == ResourceKind::TaskDefinition)
    {
        let field = match content.row.path.strip_prefix("containerDefinitions[].") {
            Some(path) => format!("container.{path}"),
            None => format!("spec.components.web.taskDefinition.{}", content.row.path),
        };
        drawn.push((field, content.one));
    }
    if balanced {
        for specimen in
            specimens::target_groups().into_iter().filter(|s| s.base == "target group" && !s.named.is_null())
        {
            drawn.push((format!("spec.targetGroups.web.{}", specimen.row.path), specimen.named));
        }
        for specimen in specimens::rules().into_iter().filter(|s| s.row.path == "conditions") {
            drawn.push(("spec.rules.web.conditions".to_owned(), specimen.named));
        }
    }
    random.shuffle(&mut drawn);
    let many = random.usize(0..=drawn.len());
    for (field, value) in drawn.into_iter().take(many) {
        let mut with = document.clone();
        match field.strip_prefix("container.") {
            Some(path) => {
                put(
                    &mut with["spec"]["components"]["web"]["taskDefinition"]["containerDefinitions"][0],
                    path,
                    value,
                );
            }
            None => put(&mut with, &field, value),
        }
        // What does not go together with the rest is left out.
        if serde_json::from_value::<evenkeel::model::kinds::Document>(with.clone()).is_ok()
            && errors(&with).is_empty()
        {
            document = with;
        }
    }
    document
}

/// Whether it runs soon: a health check of another port, say, never succeeds.
async fn is_ready_soon(fixture: &Fixture) -> bool {
    for _ in 0..900 {
        let statuses = fixture.handle.statuses();
        if !statuses.is_empty() && statuses.iter().all(|status| is_ready(status)) {
            return true;
        }
        fixture.pass(1).await;
    }
    false
}

#[tokio::test(start_paused = true)]
async fn arbitrary_documents_come_back_from_what_runs_and_adopting_them_writes_tags_alone() {
    let mut wrong = Vec::new();
    let (mut fields, mut ready) = (0, 0);
    for seed in 0..24 {
        let mut random = fastrand::Rng::with_seed(seed);
        let name = format!("app{seed}");
        let document = arbitrary(&mut random, &name);
        fields += document["spec"]["components"]["web"]["service"].as_object().unwrap().len();
        let sim = Sim::builder().seed(seed).build();
        sim.seed_world(&json!({
            "region": REGION,
            "clusters": [{"name": manual::CLUSTER, "capacityProviders": ["FARGATE", "FARGATE_SPOT"], "containerInstances": 2}],
            "loadBalancers": [{"name": "matrix"}, {"name": "matrix-net", "type": "network"}],
            "secrets": ["matrix/one", "matrix/two"],
        }))
        .unwrap();
        let fixture = Fixture::bare(sim, &[("app.json", &document.to_string())]).await;
        if !is_ready_soon(&fixture).await {
            continue;
        }
        ready += 1;
        let found = written(&fixture, &[format!("{name}-web")]).await;
        wrong.extend(found.into_iter().map(|found| format!("seed {seed}: {found}\nfrom {document}")));
    }
    assert!(
        fields > 110 && ready >= 16,
        "{fields} fields in {ready} documents are too few to prove anything"
    );
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n\n"));
}
