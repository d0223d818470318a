//! What goes over from one document to another: a component that moves to another file, a document
//! under another name.

use crate::support::{Fixture, SHOP, condition};
use aws_sim::Sim;
use aws_sim::faults::{Effect, FaultRule, When};
use evenkeel::model::condition::{ConditionType, Truth};
use evenkeel::model::request::RequestKind;
use serde_json::{Value, json};

/// The shop with a service name of its own.
fn storefront() -> String {
    SHOP.replace("      service:\n", "      service:\n        serviceName: storefront\n")
}

fn deleting(document: &str) -> String {
    document.replace("spec:\n", "spec:\n  deletionPolicy: Delete\n")
}

/// Takes a document away and puts another one in its place, in one commit.
async fn rename(fixture: &mut Fixture, document: &str, name: &str) {
    let renamed = document.replace("name: shop}", &format!("name: {name}}}"));
    fixture.write("shop.yaml", &renamed).await;
    fixture.pass(2).await;
    fixture.declare().await;
}

async fn becomes_ready(fixture: &Fixture, name: &str) {
    fixture.until(1800, |status| status.name.as_str() == name && evenkeel::reconcile::is_ready(status)).await;
}

fn found(fixture: &Fixture, service: &str) -> Value {
    let input = json!({"cluster": "shop", "services": [service], "include": ["TAGS"]});
    fixture.by_hand("ecs", "DescribeServices", input)["services"][0].clone()
}

fn owner(service: &Value) -> Option<&str> {
    let mut tags = service["tags"].as_array()?.iter();
    tags.find(|tag| tag["key"] == "evenkeel.dev/owner")?["value"].as_str()
}

/// Calls that AWS carried out and that delete something or make it.
fn made_or_deleted(fixture: &Fixture) -> Vec<String> {
    let calls = fixture.carried_out().into_keys();
    calls
        .filter(|call| [":Create", ":Delete", ":Register", ":RunTask"].iter().any(|word| call.contains(word)))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_document_under_another_name_takes_over_what_it_names_alike_and_serves_on() {
    for (document, policy) in [(storefront(), "Retain"), (deleting(&storefront()), "Delete")] {
        let mut fixture = Fixture::new(&[("shop.yaml", &document)]).await;
        fixture.ready_within(600).await;
        let traffic = fixture.traffic();
        rename(&mut fixture, &document, "store").await;
        becomes_ready(&fixture, "store").await;
        fixture.pass(900).await;
        traffic.all_served();
        assert_eq!(owner(&found(&fixture, "storefront")), Some("store"), "{policy}");
        let left = fixture.handle.statuses().iter().any(|status| status.name.as_str() == "shop");
        assert_eq!(left, policy == "Retain", "a document that deletes is gone once all of it is");
        fixture.sim.reset_calls();
        fixture.pass(900).await;
        assert_eq!(fixture.writes(), Vec::<String>::new(), "{policy}");
        // Back again.
        rename(&mut fixture, &document, "shop").await;
        becomes_ready(&fixture, "shop").await;
        fixture.pass(900).await;
        traffic.all_served();
        assert_eq!(owner(&found(&fixture, "storefront")), Some("shop"), "{policy}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_document_under_another_name_whose_services_are_named_by_it_serves_until_its_successor_does() {
    let document = deleting(SHOP);
    let mut fixture = Fixture::new(&[("shop.yaml", &document)]).await;
    fixture.ready_within(600).await;
    let traffic = fixture.traffic();
    rename(&mut fixture, &document, "store").await;
    becomes_ready(&fixture, "store").await;
    fixture.pass(1800).await;
    traffic.all_served();
    assert_eq!(found(&fixture, "shop-web")["status"], "INACTIVE");
    assert!(fixture.handle.statuses().iter().all(|status| status.name.as_str() != "shop"));
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_went_over_keeps_what_it_sends_to_whatever_becomes_of_it_there() {
    let document = deleting(SHOP);
    let mut fixture = Fixture::new(&[("shop.yaml", &document)]).await;
    fixture.ready_within(600).await;
    let traffic = fixture.traffic();
    rename(&mut fixture, &document, "store").await;
    fixture.ask("shop", RequestKind::ConfirmDeletion).await;
    fixture.pass(8).await;
    fixture.edit("shop.yaml", "priority: 10", "priority: 20").await;
    fixture.pass(2).await;
    fixture.declare().await;
    becomes_ready(&fixture, "store").await;
    fixture.pass(1800).await;
    traffic.all_served();
    assert_eq!(found(&fixture, "shop-web")["status"], "INACTIVE");
}

/// The document is edited so while AWS does not take this call, and gets another name before it
/// does: what is known goes over as it is, not as it was to become.
async fn renamed_before_an_edit_is_in_force(call: &str, from: &str, to: &str) -> Fixture {
    let document = deleting(&storefront());
    let mut fixture = Fixture::new(&[("shop.yaml", &document)]).await;
    fixture.ready_within(600).await;
    let traffic = fixture.traffic();
    let refuses = Effect::Error { code: "AccessDenied".into(), message: "no".into(), status: 403 };
    fixture.sim.faults().add(FaultRule::on(call, refuses).when(When::Always));
    let edited = document.replace(from, to);
    fixture.write("shop.yaml", &edited).await;
    fixture.pass(10).await;
    rename(&mut fixture, &edited, "store").await;
    fixture.ask("shop", RequestKind::ConfirmDeletion).await;
    fixture.pass(20).await;
    fixture.sim.faults().clear();
    becomes_ready(&fixture, "store").await;
    fixture.pass(1800).await;
    traffic.all_served();
    assert!(fixture.handle.statuses().iter().all(|status| status.name.as_str() != "shop"));
    fixture
}

#[tokio::test(start_paused = true)]
async fn a_rule_whose_edit_is_not_in_force_goes_over_as_it_is() {
    for call in ["elasticloadbalancing:SetRulePriorities", "elasticloadbalancing:*Rule*"] {
        let fixture = renamed_before_an_edit_is_in_force(call, "priority: 10", "priority: 20").await;
        let balancers = fixture.by_hand("elasticloadbalancing", "DescribeLoadBalancers", json!({}));
        let input = json!({"LoadBalancerArn": balancers["LoadBalancers"][0]["LoadBalancerArn"]});
        let listeners = fixture.by_hand("elasticloadbalancing", "DescribeListeners", input);
        let input = json!({"ListenerArn": listeners["Listeners"][0]["ListenerArn"]});
        let rules = fixture.by_hand("elasticloadbalancing", "DescribeRules", input);
        let priorities: Vec<&Value> =
            rules["Rules"].as_array().unwrap().iter().map(|rule| &rule["Priority"]).collect();
        assert_eq!(priorities, ["20", "default"], "{call}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_whose_new_name_is_not_in_force_goes_over_as_it_is() {
    let fixture = renamed_before_an_edit_is_in_force(
        "ecs:CreateService",
        "serviceName: storefront",
        "serviceName: frontage",
    )
    .await;
    assert_eq!(found(&fixture, "storefront")["status"], "INACTIVE");
    assert_eq!(owner(&found(&fixture, "frontage")), Some("store"));
}

#[tokio::test(start_paused = true)]
async fn what_another_document_wrote_meanwhile_is_no_drift_when_it_comes_back() {
    for policy in ["Report", "Ignore"] {
        let document = SHOP.replace("spec:\n", &format!("spec:\n  drift: {{policy: {policy}}}\n"));
        let mut fixture = Fixture::new(&[("shop.yaml", &document)]).await;
        fixture.ready_within(600).await;
        let traffic = fixture.traffic();
        rename(&mut fixture, &document, "store").await;
        becomes_ready(&fixture, "store").await;
        fixture.pass(900).await;
        rename(&mut fixture, &document, "shop").await;
        becomes_ready(&fixture, "shop").await;
        fixture.pass(900).await;
        traffic.all_served();
        let drift = fixture.status("shop").last_drift;
        assert!(drift.is_none(), "{policy}: {drift:?}");
    }
}

/// Web with all that is of it, as a document of its own, and what is left of the shop.
fn split() -> (String, String) {
    let document = storefront();
    let (before, web) = document.split_once("    web:\n      dependsOn").unwrap();
    let (head, migrate) = before.split_once("  components:\n").unwrap();
    let (head, _) = head.split_once("  targetGroups:\n").unwrap();
    let rest = format!("{head}  components:\n{migrate}");
    let front = document.split_once("    migrate:\n").unwrap().0.replace("name: shop}", "name: front}");
    let network = "&network\n          awsvpcConfiguration: {subnets: [subnet-0123456789abcdef0, subnet-0123456789abcdef1], securityGroups: [sg-0123456789abcdef0]}";
    let logs = "\n              logDriver: awslogs\n              options: {awslogs-group: /ecs/shop, awslogs-region: eu-west-1, awslogs-stream-prefix: shop}";
    let web = format!("    web:\n      dependsOn{web}")
        .replace("      dependsOn: [migrate]\n", "")
        .replace("*network", network)
        .replace("*logs", logs)
        .replace("      taskDefinition:\n", "      taskDefinition:\n        family: shop-web\n");
    let group = "      port: 8080\n";
    (rest, format!("{front}{web}").replace(group, &format!("      name: GROUP\n{group}")))
}

async fn moved(sim: Sim, interrupted: bool) {
    let document = storefront();
    let mut fixture = Fixture::on(sim, &[("shop.yaml", &document)]).await;
    fixture.ready_within(600).await;
    let groups = fixture.by_hand("elasticloadbalancing", "DescribeTargetGroups", json!({}));
    let group = groups["TargetGroups"][0]["TargetGroupName"].as_str().unwrap();
    let (rest, front) = split();
    let front = front.replace("GROUP", group);
    let traffic = fixture.traffic();
    fixture.sim.reset_calls();
    std::fs::write(fixture.folder.path().join("specs/front.yaml"), &front).unwrap();
    fixture.write("shop.yaml", &rest).await;
    if interrupted {
        fixture.pass(1).await;
        fixture.kill().await;
        fixture.start().await;
    }
    fixture.pass(5).await;
    fixture.ready_within(900).await;
    fixture.pass(900).await;
    traffic.all_served();
    assert_eq!(made_or_deleted(&fixture), Vec::<String>::new(), "it goes over as it stands");
    assert_eq!(owner(&found(&fixture, "storefront")), Some("front"));
    let known = fixture.record("shop").await.rollout.resources;
    assert!(known.keys().all(|id| id.key != "web" && id.key != "http"), "{known:?}");
    // It is of its new document: what is edited there happens, and what is removed there goes.
    fixture.edit("front.yaml", "shop:1.0", "shop:1.1").await;
    fixture.pass(5).await;
    fixture.ready_within(900).await;
    traffic.all_served();
    drop(traffic);
    std::fs::write(fixture.folder.path().join("specs/front.yaml"), deleting(&front)).unwrap();
    fixture.declare().await;
    fixture.pass(60).await;
    fixture.remove("front.yaml").await;
    fixture.pass(900).await;
    assert_eq!(found(&fixture, "storefront")["status"], "INACTIVE");
}

#[tokio::test(start_paused = true)]
async fn a_component_that_moves_to_another_document_goes_over_as_it_stands() {
    moved(Sim::builder().seed(7).build(), false).await;
}

#[tokio::test(start_paused = true)]
async fn a_kill_in_the_middle_of_a_move_changes_nothing() {
    moved(Sim::builder().seed(7).build(), true).await;
}

#[tokio::test(start_paused = true)]
async fn what_goes_over_to_a_document_that_cannot_take_it_stays_and_serves() {
    let document = deleting(&storefront());
    let mut fixture = Fixture::new(&[("shop.yaml", &document)]).await;
    fixture.ready_within(600).await;
    let traffic = fixture.traffic();
    let paused = document.replace(
        "spec:\n",
        "spec:\n  suspend: {until: \"2030-01-01T00:00:00Z\", reason: not yet, by: ops}\n",
    );
    rename(&mut fixture, &paused, "store").await;
    fixture.pass(900).await;
    traffic.all_served();
    let status = fixture.status("shop");
    let waits: Vec<String> = status.waiting_on.iter().map(|waiting| waiting.on.to_string()).collect();
    assert!(
        waits.iter().any(|wait| wait == "`store`, which declares it by now, to take it over"),
        "{waits:?}"
    );
    // A document that declares something else takes nothing over, and the removal goes on.
    let other = paused.replace("storefront", "other").replace("port: 80\n", "port: 81\n");
    rename(&mut fixture, &other, "store").await;
    fixture.ask("shop", RequestKind::ConfirmDeletion).await;
    fixture.declare().await;
    fixture.pass(1800).await;
    assert_eq!(found(&fixture, "storefront")["status"], "INACTIVE");
}

#[tokio::test(start_paused = true)]
async fn what_a_removed_document_left_is_taken_over_later_only_by_one_that_adopts() {
    let document = storefront();
    let mut fixture = Fixture::new(&[("shop.yaml", &document)]).await;
    fixture.ready_within(600).await;
    let traffic = fixture.traffic();
    fixture.remove("shop.yaml").await;
    fixture.pass(60).await;
    fixture.write("store.yaml", &document.replace("name: shop}", "name: store}")).await;
    fixture.pass(300).await;
    let waits = serde_json::to_string(&fixture.status("store")).unwrap();
    assert!(waits.contains("belongs to deployment `shop`") && waits.contains("ctl adopt"), "{waits}");
    assert_eq!(owner(&found(&fixture, "storefront")), Some("shop"));
    let until = fixture.clock.now() + jiff::SignedDuration::from_hours(1);
    fixture.ask("store", RequestKind::Adopt { until }).await;
    fixture.declare().await;
    becomes_ready(&fixture, "store").await;
    assert_eq!(owner(&found(&fixture, "storefront")), Some("store"));
    fixture.pass(2 * 3600).await;
    fixture.until(1, |status| status.name.as_str() == "store" && evenkeel::reconcile::is_ready(status)).await;
    traffic.all_served();
}

/// The files of one change come one after the other, or the document goes while a pass makes more.
#[tokio::test(start_paused = true)]
async fn what_a_removed_document_left_goes_over_to_one_that_comes_at_once() {
    let document = storefront();
    for (seconds, pause) in [(600, 10), (3, 1)] {
        let mut fixture = Fixture::new(&[("shop.yaml", &document)]).await;
        fixture.pass(seconds).await;
        fixture.remove("shop.yaml").await;
        fixture.declare().await;
        fixture.pass(pause).await;
        fixture.write("store.yaml", &document.replace("name: shop}", "name: store}")).await;
        becomes_ready(&fixture, "store").await;
        assert_eq!(owner(&found(&fixture, "storefront")), Some("store"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_group_that_several_documents_declare_alike_serves_them_all_and_outlives_who_made_it() {
    let other = SHOP.replace("name: shop}", "name: blog}").replace("port: 80\n", "port: 81\n");
    let mut fixture = Fixture::new(&[("shop.yaml", SHOP), ("blog.yaml", &other)]).await;
    fixture.ready_within(600).await;
    fixture.pass(300).await;
    fixture.ready_within(1).await;
    let logs = || fixture.by_hand("logs", "DescribeLogGroups", json!({"logGroupNamePrefix": "/ecs/shop"}));
    let arn = logs()["logGroups"][0]["logGroupArn"].clone();
    let tags = |fixture: &Fixture| {
        fixture.by_hand("logs", "ListTagsForResource", json!({"resourceArn": arn}))["tags"].clone()
    };
    let first = tags(&fixture)["evenkeel.dev/owner"].as_str().unwrap().to_owned();
    let (gone, stays) = if first == "shop" { ("shop.yaml", "blog") } else { ("blog.yaml", "shop") };
    fixture.remove(gone).await;
    fixture.pass(300).await;
    assert_eq!(tags(&fixture)["evenkeel.dev/owner"], stays, "it goes over");
    fixture.sim.reset_calls();
    fixture.pass(300).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
}

/// Writes a file and gives the controller a moment to see it.
async fn put(fixture: &mut Fixture, file: &str, text: &str, seconds: u64) {
    std::fs::write(fixture.folder.path().join("specs").join(file), text).unwrap();
    fixture.declare().await;
    fixture.pass(seconds.min(1)).await;
    // What is gone is believed to be gone when it is seen so twice.
    fixture.declare().await;
    fixture.pass(seconds.saturating_sub(1)).await;
}

/// The shop as it runs, and both documents of its web moved to another one.
async fn to_be_split() -> (Fixture, String, String) {
    let fixture = Fixture::new(&[("shop.yaml", &storefront())]).await;
    fixture.ready_within(600).await;
    fixture.pass(60).await;
    let groups = fixture.by_hand("elasticloadbalancing", "DescribeTargetGroups", json!({}));
    let (rest, front) = split();
    let front = front.replace("GROUP", groups["TargetGroups"][0]["TargetGroupName"].as_str().unwrap());
    fixture.sim.reset_calls();
    (fixture, rest, front)
}

/// The same, moved.
async fn split_up() -> (Fixture, String, String) {
    let (mut fixture, rest, front) = to_be_split().await;
    put(&mut fixture, "front.yaml", &front, 1).await;
    put(&mut fixture, "shop.yaml", &rest, 5).await;
    becomes_ready(&fixture, "front").await;
    fixture.pass(300).await;
    fixture.declare().await;
    (fixture, rest, front)
}

#[tokio::test(start_paused = true)]
async fn the_files_of_one_move_may_come_one_after_the_other() {
    for between in [1, 5, 20] {
        let (mut fixture, rest, front) = to_be_split().await;
        let traffic = fixture.traffic();
        put(&mut fixture, "shop.yaml", &rest, between).await;
        put(&mut fixture, "front.yaml", &front, 5).await;
        becomes_ready(&fixture, "front").await;
        fixture.pass(300).await;
        traffic.all_served();
        assert_eq!(made_or_deleted(&fixture), Vec::<String>::new(), "{between} s between");
        assert_eq!(owner(&found(&fixture, "storefront")), Some("front"));
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_removed_while_a_document_that_may_declare_it_is_refused() {
    let (mut fixture, rest, front) = to_be_split().await;
    let traffic = fixture.traffic();
    for wrong in [front.replace("desiredCount", "desiredConut"), format!("{front}\n  - : [\n")] {
        put(&mut fixture, "front.yaml", &wrong, 5).await;
        put(&mut fixture, "shop.yaml", &rest, 600).await;
        traffic.all_served();
        assert_eq!(made_or_deleted(&fixture), Vec::<String>::new());
        let waits = serde_json::to_string(&fixture.status("shop").waiting_on).unwrap();
        assert!(waits.contains("front") && waits.contains("may be the one; mend it"), "{waits}");
    }
    put(&mut fixture, "front.yaml", &front, 5).await;
    becomes_ready(&fixture, "front").await;
    fixture.pass(300).await;
    traffic.all_served();
    assert_eq!(made_or_deleted(&fixture), Vec::<String>::new());
    assert_eq!(owner(&found(&fixture, "storefront")), Some("front"));
    // Once the text is out of the store, nothing holds a removal.
    drop(traffic);
    put(
        &mut fixture,
        "typo.yaml",
        &front.replace("name: front}", "name: typo}").replace("spec:", "spce:"),
        5,
    )
    .await;
    put(&mut fixture, "front.yaml", &deleting(&front), 60).await;
    fixture.remove("front.yaml").await;
    fixture.pass(600).await;
    assert_eq!(found(&fixture, "storefront")["status"], "ACTIVE");
    fixture.remove("typo.yaml").await;
    fixture.pass(600).await;
    assert_eq!(found(&fixture, "storefront")["status"], "INACTIVE");
}

#[tokio::test(start_paused = true)]
async fn a_document_under_another_name_with_a_mistake_in_it_takes_nothing_away() {
    let document = deleting(&storefront());
    let mut fixture = Fixture::new(&[("shop.yaml", &document)]).await;
    fixture.ready_within(600).await;
    fixture.pass(60).await;
    let traffic = fixture.traffic();
    fixture.sim.reset_calls();
    let renamed = document.replace("name: shop}", "name: store}");
    put(&mut fixture, "shop.yaml", &renamed.replace("desiredCount", "desiredConut"), 600).await;
    put(&mut fixture, "shop.yaml", &renamed, 5).await;
    becomes_ready(&fixture, "store").await;
    fixture.pass(300).await;
    traffic.all_served();
    let served = ["CreateService", "DeleteService", "DeleteRule", "DeleteListener"];
    let calls = made_or_deleted(&fixture);
    assert!(calls.iter().all(|call| served.iter().all(|one| !call.ends_with(one))), "{calls:?}");
    assert!(fixture.handle.statuses().iter().all(|status| status.name.as_str() != "shop"));
}

#[tokio::test(start_paused = true)]
async fn what_runs_keeps_what_it_claims_whatever_the_name_of_a_new_document() {
    let mut fixture = Fixture::new(&[("shop.yaml", &storefront())]).await;
    fixture.ready_within(600).await;
    fixture.pass(60).await;
    let traffic = fixture.traffic();
    fixture.sim.reset_calls();
    // `attic` comes before `shop`, and claims its service, listener and rule.
    let other = storefront().replace("name: shop}", "name: attic}");
    put(&mut fixture, "attic.yaml", &other, 120).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
    let refused = serde_json::to_string(&fixture.status("attic")).unwrap();
    assert!(refused.contains("belongs to `shop`"), "{refused}");
    let running = fixture.status("shop");
    assert!(evenkeel::reconcile::is_ready(&running) && running.generation == running.observed_generation);
    // So it is after a restart, and while the document that runs has a mistake in it.
    fixture.kill().await;
    fixture.start().await;
    put(&mut fixture, "shop.yaml", &storefront().replace("desiredCount", "desiredConut"), 120).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
    // Its edits happen.
    put(&mut fixture, "shop.yaml", &storefront().replace("shop:1.0", "shop:1.1"), 5).await;
    becomes_ready(&fixture, "shop").await;
    traffic.all_served();
}

#[tokio::test(start_paused = true)]
async fn a_document_that_left_everything_is_forgotten_once_another_one_has_all_of_it() {
    let (mut fixture, _, front) = split_up().await;
    let traffic = fixture.traffic();
    let renamed = front.replace("name: front}", "name: window}");
    put(&mut fixture, "front.yaml", &renamed, 5).await;
    becomes_ready(&fixture, "window").await;
    fixture.pass(300).await;
    fixture.declare().await;
    traffic.all_served();
    assert!(fixture.handle.statuses().iter().all(|status| status.name.as_str() != "front"));
    let events = fixture.record("window").await.events;
    assert!(events.iter().any(|event| event.message.contains("taken over from `front`")), "{events:#?}");
    assert!(events.iter().all(|event| !["DriftRepaired", "Resumed"].contains(&event.reason.as_str())));
}

#[tokio::test(start_paused = true)]
async fn what_a_lost_record_knew_goes_over_where_a_person_asks_for_it() {
    let (mut fixture, rest, front) = to_be_split().await;
    let traffic = fixture.traffic();
    fixture.kill().await;
    for record in std::fs::read_dir(fixture.state_folder()).unwrap() {
        let path = record.unwrap().path();
        if path.is_file() {
            std::fs::remove_file(path).unwrap();
        }
    }
    std::fs::write(fixture.folder.path().join("specs/front.yaml"), &front).unwrap();
    std::fs::write(fixture.folder.path().join("specs/shop.yaml"), &rest).unwrap();
    fixture.start().await;
    fixture.declare().await;
    fixture.pass(300).await;
    let waits = serde_json::to_string(&fixture.status("front")).unwrap();
    assert!(waits.contains("does not declare any more, is taken over with `ctl adopt`"), "{waits}");
    let until = fixture.clock.now() + jiff::SignedDuration::from_hours(1);
    fixture.ask("front", RequestKind::Adopt { until }).await;
    fixture.declare().await;
    becomes_ready(&fixture, "front").await;
    fixture.pass(600).await;
    traffic.all_served();
    assert_eq!(owner(&found(&fixture, "storefront")), Some("front"));
}

/// When most documents vanish at once nothing of them is removed until that is confirmed; what
/// others declare by then goes over to them all the same.
#[tokio::test(start_paused = true)]
async fn all_documents_under_other_names_at_once_go_over_without_a_confirmation() {
    let (mut fixture, rest, front) = split_up().await;
    let traffic = fixture.traffic();
    fixture.sim.reset_calls();
    let write = |file: &str, text: &str| {
        std::fs::write(fixture.folder.path().join("specs").join(file), text).unwrap();
    };
    write("front.yaml", &front.replace("name: front}", "name: window}"));
    write("shop.yaml", &rest.replace("name: shop}", "name: office}"));
    fixture.declare().await;
    fixture.pass(2).await;
    fixture.declare().await;
    becomes_ready(&fixture, "window").await;
    fixture.pass(120).await;
    fixture.declare().await;
    fixture.pass(5).await;
    traffic.all_served();
    assert_eq!(owner(&found(&fixture, "storefront")), Some("window"));
    let left: Vec<String> = fixture.handle.statuses().iter().map(|status| status.name.to_string()).collect();
    assert!(!left.contains(&"front".to_owned()), "{left:?}");
    let services = made_or_deleted(&fixture).into_iter().filter(|call| call.contains("Service"));
    assert_eq!(services.collect::<Vec<_>>(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_removed_while_the_document_that_declares_it_is_refused_because_of_a_third_one() {
    let (mut fixture, rest, front) = to_be_split().await;
    let logs = "    /ecs/shop: {retentionInDays: 30}\n";
    let with = |document: &str, days: u32| {
        assert!(document.contains(logs));
        document.replace(logs, &format!("{logs}    /ecs/common: {{retentionInDays: {days}}}\n"))
    };
    let third = SHOP.replace("name: shop}", "name: third}").replace("port: 80\n", "port: 81\n");
    put(&mut fixture, "third.yaml", &with(&third, 7), 5).await;
    becomes_ready(&fixture, "third").await;
    fixture.pass(60).await;
    let traffic = fixture.traffic();
    fixture.sim.reset_calls();
    put(&mut fixture, "front.yaml", &with(&front, 3), 5).await;
    put(&mut fixture, "shop.yaml", &rest, 600).await;
    traffic.all_served();
    assert_eq!(made_or_deleted(&fixture), Vec::<String>::new());
    let waits = serde_json::to_string(&fixture.status("shop").waiting_on).unwrap();
    assert!(waits.contains("document `front`, which is refused, may be the one"), "{waits}");
    put(&mut fixture, "front.yaml", &front, 5).await;
    becomes_ready(&fixture, "front").await;
    fixture.pass(300).await;
    traffic.all_served();
    assert_eq!(made_or_deleted(&fixture), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_refused_edit_of_a_shared_log_group_leaves_the_version_in_force_ready() {
    let other = SHOP.replace("name: shop}", "name: blog}").replace("port: 80\n", "port: 81\n");
    let mut fixture = Fixture::new(&[("shop.yaml", SHOP), ("blog.yaml", &other)]).await;
    fixture.ready_within(600).await;
    fixture.pass(300).await;
    fixture.sim.reset_calls();
    for (file, document) in [("shop.yaml", SHOP), ("blog.yaml", &other)] {
        put(&mut fixture, file, &document.replace("retentionInDays: 30", "retentionInDays: 3"), 180).await;
        for status in fixture.handle.statuses() {
            let stalled = condition(&status, ConditionType::Stalled);
            assert_eq!(stalled.0, Truth::False, "{stalled:?}");
        }
        put(&mut fixture, file, document, 60).await;
    }
    assert_eq!(fixture.writes(), Vec::<String>::new());
}

/// What ECS does to a rule that sends to another service's tasks, while it brings up the first
/// deployment of a service that shifts its traffic, no page says.
#[tokio::test(start_paused = true)]
async fn a_service_that_shifts_its_traffic_does_not_come_beside_another_document_s_behind_one_rule() {
    let strategy = "          strategy: BLUE_GREEN\n          bakeTimeInMinutes: 1\n";
    let document = deleting(&crate::strategies::shop(strategy));
    let mut fixture = Fixture::new(&[("shop.yaml", &document)]).await;
    fixture.ready_within(1800).await;
    let traffic = fixture.traffic();
    // Where testers went nobody is until the new service is there.
    traffic.no_longer(&aws_sim::traffic::Request::to("shop", 80).header("x-test", "1"));
    rename(&mut fixture, &document, "store").await;
    fixture.pass(900).await;
    traffic.all_served();
    let (_, reason, message) = condition(&fixture.status("store"), ConditionType::Stalled);
    assert!(reason == "Blocked" && message.contains("serves behind the same rule"), "{reason}: {message}");
    assert!(message.contains("declare the strategy ROLLING"), "{message}");
    assert_eq!(found(&fixture, "shop-web")["status"], "ACTIVE");
}

/// What cannot be read may be what still sends requests to a service that is to go.
#[tokio::test(start_paused = true)]
async fn nothing_that_serves_stops_while_what_sends_to_it_cannot_be_read() {
    let document = deleting(SHOP);
    let mut fixture = Fixture::new(&[("shop.yaml", &document)]).await;
    fixture.ready_within(600).await;
    fixture.pass(60).await;
    let traffic = fixture.traffic();
    for operation in ["DescribeTargetGroups", "DescribeRules"] {
        let denied = Effect::access_denied(&format!("elasticloadbalancing:{operation}"));
        fixture.sim.faults().add(FaultRule::on(operation, denied).when(When::Always));
    }
    put(&mut fixture, "shop.yaml", &document.replace("name: shop}", "name: store}"), 300).await;
    traffic.all_served();
    assert_eq!(found(&fixture, "shop-web")["desiredCount"], 2);
    fixture.sim.faults().clear();
    becomes_ready(&fixture, "store").await;
    for _ in 0..10 {
        put(&mut fixture, "shop.yaml", &document.replace("name: shop}", "name: store}"), 60).await;
    }
    traffic.all_served();
    assert_eq!(found(&fixture, "shop-web")["status"], "INACTIVE");
}

/// A record that was lost knows nothing of what it left; whoever asks for it gets it by its tags.
#[tokio::test(start_paused = true)]
async fn what_a_document_left_whose_record_was_lost_is_adopted() {
    let mut fixture = Fixture::new(&[("shop.yaml", &storefront())]).await;
    fixture.ready_within(600).await;
    fixture.pass(60).await;
    let traffic = fixture.traffic();
    fixture.kill().await;
    std::fs::remove_file(fixture.state_folder().join("shop.json")).unwrap();
    fixture.start().await;
    // The document as it was is read once more, and all its things are its own again but one.
    let listener = "      port: 80\n";
    fixture.write("shop.yaml", &storefront().replace(listener, "      port: 82\n")).await;
    fixture.pass(2).await;
    rename(&mut fixture, &storefront(), "store").await;
    fixture.pass(300).await;
    let until = fixture.clock.now() + jiff::SignedDuration::from_hours(1);
    fixture.ask("store", RequestKind::Adopt { until }).await;
    fixture.declare().await;
    becomes_ready(&fixture, "store").await;
    fixture.pass(600).await;
    traffic.all_served();
    assert_eq!(owner(&found(&fixture, "storefront")), Some("store"));
}

/// The record is lost, and nothing could be looked at before the document got another name: what is
/// then found by its tags alone goes over like what is recorded.
#[tokio::test(start_paused = true)]
async fn what_a_lost_record_knew_of_is_not_removed_while_the_document_of_another_name_claims_it() {
    let document = deleting(SHOP);
    let mut fixture = Fixture::new(&[("shop.yaml", &document)]).await;
    fixture.ready_within(600).await;
    fixture.pass(60).await;
    let traffic = fixture.traffic();
    fixture.kill().await;
    std::fs::remove_file(fixture.state_folder().join("shop.json")).unwrap();
    fixture.sim.faults().add(FaultRule::on("*", Effect::server_error()));
    fixture.start().await;
    fixture.pass(3).await;
    rename(&mut fixture, &document, "store").await;
    fixture.pass(3).await;
    fixture.sim.faults().clear();
    for _ in 0..120 {
        fixture.declare().await;
        fixture.pass(5).await;
    }
    becomes_ready(&fixture, "store").await;
    traffic.all_served();
    let deleted = fixture.carried_out().into_keys().filter(|call| call.contains(":DeleteListener")).count();
    assert_eq!(deleted, 0, "the listener goes over");
}
