//! What happens when a document, a part of it, or the whole folder goes away.

use crate::support::{SHOP, World, condition};
use evenkeel::model::condition::{ConditionType, Truth};
use evenkeel::model::request::RequestKind;
use evenkeel::state::{FileRecordStore, RecordStore};
use serde_json::{Value, json};

fn service(world: &World) -> Value {
    world.by_hand("ecs", "DescribeServices", json!({"cluster": "shop", "services": ["shop-web"]}))["services"]
        [0]
    .clone()
}

fn named(name: &str, port: u32) -> String {
    SHOP.replace("name: shop}", &format!("name: {name}}}"))
        .replace("/ecs/shop", &format!("/ecs/{name}"))
        .replace("port: 80\n", &format!("port: {port}\n"))
}

#[tokio::test(start_paused = true)]
async fn a_removed_document_is_retained_by_default_and_taken_up_again_when_it_comes_back() {
    let mut world = World::new(&[("shop.yaml", SHOP)]).await;
    world.ready_within(600).await;
    world.sim.reset_calls();
    world.remove("shop.yaml").await;
    world.pass(600).await;
    assert!(world.status("shop").orphaned);
    assert_eq!(world.writes(), Vec::<String>::new());
    assert_eq!(service(&world)["runningCount"], 2);
    // A restart changes nothing about that.
    world.kill().await;
    world.start().await;
    world.pass(120).await;
    assert!(world.status("shop").orphaned);
    world.write("shop.yaml", SHOP).await;
    world
        .until(300, |status| !status.orphaned && condition(status, ConditionType::Ready).0 == Truth::True)
        .await;
    assert_eq!(world.writes(), Vec::<String>::new(), "nothing was different");
    world.edit("shop.yaml", ":1.0", ":1.1").await;
    world.pass(5).await;
    world.ready_within(900).await;
}

#[tokio::test(start_paused = true)]
async fn with_deletion_policy_delete_everything_goes_in_order_but_the_logs() {
    let document = SHOP.replace("spec:\n", "spec:\n  deletionPolicy: Delete\n");
    let mut world = World::new(&[("shop.yaml", &document)]).await;
    world.ready_within(600).await;
    world.sim.reset_calls();
    world.remove("shop.yaml").await;
    world.pass(900).await;
    let writes = world.writes();
    let place = |call: &str| {
        writes.iter().position(|write| write == call).unwrap_or_else(|| panic!("no {call} in {writes:?}"))
    };
    assert!(place("elasticloadbalancing:DeleteRule") < place("ecs:DeleteService"), "{writes:?}");
    assert!(place("ecs:UpdateService") < place("ecs:DeleteService"), "{writes:?}");
    assert!(place("ecs:DeleteService") < place("elasticloadbalancing:DeleteTargetGroup"), "{writes:?}");
    assert!(!writes.contains(&"logs:DeleteLogGroup".to_owned()), "{writes:?}");
    assert_eq!(service(&world)["status"], "INACTIVE");
    assert!(world.handle.statuses().is_empty(), "nothing is left to speak of");
    let state = FileRecordStore::existing(world.state_folder()).unwrap();
    assert!(state.load(&"shop".into()).await.unwrap().is_none());
    // Forgotten for good, and free to be declared anew.
    world.kill().await;
    world.start().await;
    world.pass(60).await;
    assert!(world.handle.statuses().is_empty());
    world.write("shop.yaml", &document).await;
    world.ready_within(900).await;
}

#[tokio::test(start_paused = true)]
async fn a_log_group_goes_only_when_it_says_so_itself_and_a_person_confirmed() {
    for (says, confirmed, goes) in [(false, true, false), (true, false, false), (true, true, true)] {
        let mut document = SHOP.replace("spec:\n", "spec:\n  deletionPolicy: Delete\n");
        if says {
            document = document.replace("retentionInDays: 30", "retentionInDays: 30, deletionPolicy: Delete");
        }
        let mut world = World::new(&[("shop.yaml", &document)]).await;
        world.ready_within(600).await;
        if confirmed {
            world.ask("shop", RequestKind::ConfirmDeletion).await;
        }
        world.remove("shop.yaml").await;
        world.pass(900).await;
        let groups =
            world.by_hand("logs", "DescribeLogGroups", json!({}))["logGroups"].as_array().unwrap().len();
        assert_eq!(groups, usize::from(!goes), "says {says}, confirmed {confirmed}");
        assert_eq!(service(&world)["status"], "INACTIVE");
    }
}

#[tokio::test(start_paused = true)]
async fn a_confirmation_holds_for_one_removal_and_not_for_the_next() {
    let document = SHOP
        .replace("spec:\n", "spec:\n  deletionPolicy: Delete\n")
        .replace("retentionInDays: 30", "retentionInDays: 30, deletionPolicy: Delete");
    let mut world = World::new(&[("shop.yaml", &document)]).await;
    world.ready_within(600).await;
    world.ask("shop", RequestKind::ConfirmDeletion).await;
    world.remove("shop.yaml").await;
    world.pass(4).await;
    let ready = condition(&world.status("shop"), ConditionType::Ready);
    assert_ne!(ready.0, Truth::True, "it is on its way out: {ready:?}");
    // It comes back in the middle of its removal: what was confirmed is over.
    world.write("shop.yaml", &document).await;
    world.ready_within(900).await;
    assert!(world.requests().await.is_empty(), "it was withdrawn");
    world.remove("shop.yaml").await;
    world.pass(900).await;
    let groups = |world: &World| {
        let found = world.by_hand("logs", "DescribeLogGroups", json!({}));
        found["logGroups"].as_array().unwrap().len()
    };
    assert_eq!(groups(&world), 1, "nobody confirmed this removal");
    // One that a crash has left of something forgotten long ago is none either.
    world.ask("blog", RequestKind::ConfirmDeletion).await;
    let blog = document.replace("shop", "blog").replace("priority: 10", "priority: 11");
    world.write("blog.yaml", &blog).await;
    world.pass(60).await;
    assert!(world.requests().await.is_empty(), "it was given for another one of that name");
}

#[tokio::test(start_paused = true)]
async fn a_suspended_document_that_is_removed_goes_when_its_suspension_ends_and_is_not_forgotten_before() {
    let sim = aws_sim::Sim::builder().seed(7).build();
    let until = sim.now() + jiff::SignedDuration::from_mins(20);
    let pause = format!(
        "spec:\n  deletionPolicy: Delete\n  suspend: {{by: ops, reason: incident, until: \"{until}\"}}\n"
    );
    let mut world =
        World::on(sim, &[("shop.yaml", &SHOP.replace("spec:\n", "spec:\n  deletionPolicy: Delete\n"))]).await;
    world.ready_within(600).await;
    world.write("shop.yaml", &SHOP.replace("spec:\n", &pause)).await;
    world.pass(5).await;
    world.sim.reset_calls();
    world.remove("shop.yaml").await;
    world.pass(300).await;
    assert_eq!(world.writes(), Vec::<String>::new());
    assert_eq!(service(&world)["status"], "ACTIVE");
    assert!(!world.handle.statuses().is_empty(), "it is still spoken of");
    world.pass(1500).await;
    assert_eq!(service(&world)["status"], "INACTIVE");
    assert!(world.handle.statuses().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_document_that_is_removed_while_it_is_looked_at_is_torn_down_and_not_forgotten() {
    let latency = std::time::Duration::from_millis(500);
    let sim = aws_sim::Sim::builder().seed(7).latency(latency, latency).build();
    let document = SHOP.replace("spec:\n", "spec:\n  deletionPolicy: Delete\n");
    let mut world = World::on(sim, &[("shop.yaml", &document)]).await;
    world.ready_within(900).await;
    // Until a steady look is under way: it takes seconds.
    world.pass(100).await;
    world.sim.reset_calls();
    while world.sim.counts().total() == 0 {
        world.pass(0).await;
    }
    std::fs::remove_file(world.folder.path().join("specs/shop.yaml")).unwrap();
    world.declare().await;
    world.pass(1).await;
    world.declare().await;
    world.pass(900).await;
    assert_eq!(service(&world)["status"], "INACTIVE");
}

#[tokio::test(start_paused = true)]
async fn a_document_that_is_removed_in_the_middle_of_its_first_rollout_is_gone_for_good() {
    let document = SHOP.replace("spec:\n", "spec:\n  deletionPolicy: Delete\n");
    let mut world = World::new(&[("shop.yaml", &document)]).await;
    world.until(300, |status| status.components.get("web").is_some_and(|web| web.phase == "Rolling")).await;
    world.remove("shop.yaml").await;
    world.pass(900).await;
    assert!(world.handle.statuses().is_empty(), "nothing is left to speak of");
    world.sim.reset_calls();
    world.pass(300).await;
    assert_eq!(world.sim.counts().total(), 0, "and nothing to look at");
}

#[tokio::test(start_paused = true)]
async fn a_teardown_that_is_killed_goes_on_after_the_restart() {
    let document = SHOP.replace("spec:\n", "spec:\n  deletionPolicy: Delete\n");
    let mut world = World::new(&[("shop.yaml", &document)]).await;
    world.ready_within(600).await;
    world.remove("shop.yaml").await;
    world.pass(8).await;
    world.kill().await;
    world.start().await;
    world.pass(3).await;
    world.kill().await;
    world.start().await;
    world.pass(900).await;
    assert_eq!(service(&world)["status"], "INACTIVE");
    assert!(world.handle.statuses().is_empty());
}

#[tokio::test(start_paused = true)]
async fn parts_that_are_taken_out_of_a_document_go_and_the_rest_stays() {
    let more = SHOP.replace(
        "  components:\n",
        "    extra:\n      listener: http\n      priority: 20\n      conditions: [{field: path-pattern, values: [/extra]}]\n      actions: [{type: forward, targetGroup: web}]\n  components:\n",
    );
    let worker = "    worker:\n      taskDefinition:\n        cpu: 256\n        memory: 512\n        executionRoleArn: arn:aws:iam::123456789012:role/shop-execution\n        containerDefinitions: [{name: worker, image: \"registry.example.com/worker:1.0\"}]\n      service:\n        desiredCount: 1\n        launchType: FARGATE\n        networkConfiguration: *network\n";
    let mut world = World::new(&[("shop.yaml", &format!("{more}{worker}"))]).await;
    world.ready_within(900).await;
    world.sim.reset_calls();
    world.write("shop.yaml", SHOP).await;
    world.pass(5).await;
    world.ready_within(300).await;
    world.pass(200).await;
    let mut writes = world.writes();
    writes.sort();
    writes.dedup();
    assert_eq!(writes, ["ecs:DeleteService", "ecs:UpdateService", "elasticloadbalancing:DeleteRule"]);
    let status = world.status("shop");
    assert!(!status.components.contains_key("worker"));
    assert_eq!(status.components["web"].running, 2);
    world.sim.reset_calls();
    world.pass(600).await;
    assert_eq!(world.writes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_task_that_runs_for_ever_is_stopped_when_it_is_taken_out_of_its_document() {
    let forever = "    agent:\n      taskDefinition:\n        cpu: 256\n        memory: 512\n        executionRoleArn: arn:aws:iam::123456789012:role/shop-execution\n        containerDefinitions: [{name: agent, image: \"registry.example.com/agent:1.0\"}]\n      task:\n        run: Forever\n        launchType: FARGATE\n        networkConfiguration: *network\n";
    let mut world = World::new(&[("shop.yaml", &format!("{SHOP}{forever}"))]).await;
    world.ready_within(900).await;
    let running = |world: &World| {
        let listed = world.by_hand("ecs", "ListTasks", json!({"cluster": "shop", "family": "shop-agent"}));
        listed["taskArns"].as_array().unwrap().len()
    };
    assert_eq!(running(&world), 1);
    world.sim.reset_calls();
    world.write("shop.yaml", SHOP).await;
    world.pass(5).await;
    world.ready_within(300).await;
    world.pass(300).await;
    assert_eq!(running(&world), 0);
    assert_eq!(world.writes(), ["ecs:StopTask"]);
    world.sim.reset_calls();
    world.pass(300).await;
    assert_eq!(world.writes(), Vec::<String>::new());
    let remembered = world.record("shop").await.rollout.resources;
    assert!(!remembered.keys().any(|id| id.key == "agent"), "what has ended is forgotten: {remembered:?}");
}

#[tokio::test(start_paused = true)]
async fn when_most_documents_vanish_at_once_nothing_is_pruned_and_it_is_said() {
    let deleting =
        |name: &str, port| named(name, port).replace("spec:\n", "spec:\n  deletionPolicy: Delete\n");
    let documents =
        [("a.yaml", deleting("a", 80)), ("b.yaml", deleting("b", 81)), ("c.yaml", deleting("c", 82))];
    let borrowed: Vec<(&str, &str)> = documents.iter().map(|(file, text)| (*file, text.as_str())).collect();
    let mut world = World::new(&borrowed).await;
    world.ready_within(900).await;
    world.sim.reset_calls();
    for file in ["a.yaml", "b.yaml"] {
        std::fs::remove_file(world.folder.path().join("specs").join(file)).unwrap();
    }
    world.declare().await;
    world.pass(2).await;
    world.declare().await;
    world.pass(300).await;
    assert_eq!(world.writes(), Vec::<String>::new());
    let state = FileRecordStore::existing(world.state_folder()).unwrap();
    let report = state.load_report().await.unwrap().unwrap();
    assert!(report.prune_held.unwrap().contains("2 of 3"));
    let said: Vec<String> = world.status("a").findings.iter().map(ToString::to_string).collect();
    assert!(said.iter().any(|finding| finding.contains("vanished at once")), "{said:?}");
    // One of them is confirmed: that one goes, the other stays.
    world.ask("a", RequestKind::ConfirmDeletion).await;
    world.declare().await;
    world.pass(900).await;
    assert!(world.handle.statuses().iter().all(|status| status.name.as_str() != "a"));
    // The other one comes back as if nothing had been.
    world.write("b.yaml", &documents[1].1).await;
    world.pass(5).await;
    world.ready_within(300).await;
    assert!(world.status("b").findings.is_empty());
    assert!(state.load_report().await.unwrap().unwrap().prune_held.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_cannot_be_read_removes_nothing() {
    let mut world =
        World::new(&[("shop.yaml", &SHOP.replace("spec:\n", "spec:\n  deletionPolicy: Delete\n"))]).await;
    world.ready_within(600).await;
    world.sim.reset_calls();
    let specs = world.folder.path().join("specs");
    let aside = world.folder.path().join("aside");
    std::fs::rename(&specs, &aside).unwrap();
    world.declare().await;
    world.pass(2).await;
    world.declare().await;
    world.pass(300).await;
    assert_eq!(world.writes(), Vec::<String>::new());
    assert!(!world.status("shop").orphaned);
    // The same for a controller that starts while the folder is away.
    world.kill().await;
    world.start().await;
    world.pass(300).await;
    assert_eq!(world.writes(), Vec::<String>::new());
    world.by_hand(
        "ecs",
        "UpdateService",
        json!({"cluster": "shop", "service": "shop-web", "desiredCount": 5}),
    );
    world.pass(70).await;
    assert_eq!(service(&world)["desiredCount"], 2, "what is in force is still kept");
    std::fs::rename(&aside, &specs).unwrap();
    world.declare().await;
    world.pass(5).await;
    world.ready_within(300).await;
}
