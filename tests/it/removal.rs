//! What happens when a document, a part of it, or the whole folder goes away.

use crate::support::{Fixture, SHOP, condition, service};
use aws_sim::traffic::Request;
use evenkeel::model::condition::{ConditionType, Truth};
use evenkeel::model::request::RequestKind;
use evenkeel::state::{FileRecordStore, RecordStore};
use serde_json::{Value, json};

fn named(name: &str, port: u32) -> String {
    SHOP.replace("name: shop}", &format!("name: {name}}}"))
        .replace("/ecs/shop", &format!("/ecs/{name}"))
        .replace("port: 80\n", &format!("port: {port}\n"))
}

/// The listener on a port of the load balancer, as AWS shows it.
fn listener(fixture: &Fixture, port: u32) -> Value {
    let elb = |operation: &str, input| fixture.by_hand("elasticloadbalancing", operation, input);
    let balancer = elb("DescribeLoadBalancers", json!({}))["LoadBalancers"][0]["LoadBalancerArn"].clone();
    let listeners = elb("DescribeListeners", json!({"LoadBalancerArn": balancer}))["Listeners"].clone();
    listeners.as_array().unwrap().iter().find(|one| one["Port"] == port).unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn a_removed_document_is_retained_by_default_and_taken_up_again_when_it_comes_back() {
    let mut fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(600).await;
    fixture.sim.reset_calls();
    fixture.remove("shop.yaml").await;
    fixture.pass(600).await;
    assert!(fixture.status("shop").orphaned);
    assert_eq!(fixture.writes(), Vec::<String>::new());
    assert_eq!(service(&fixture)["runningCount"], 2);
    // A restart changes nothing about that.
    fixture.kill().await;
    fixture.start().await;
    fixture.pass(120).await;
    assert!(fixture.status("shop").orphaned);
    fixture.write("shop.yaml", SHOP).await;
    fixture
        .until(300, |status| !status.orphaned && condition(status, ConditionType::Ready).0 == Truth::True)
        .await;
    assert_eq!(fixture.writes(), Vec::<String>::new(), "nothing was different");
    fixture.edit("shop.yaml", ":1.0", ":1.1").await;
    fixture.pass(5).await;
    fixture.ready_within(900).await;
}

#[tokio::test(start_paused = true)]
async fn with_deletion_policy_delete_everything_goes_in_order_but_the_logs() {
    let document = SHOP.replace("spec:\n", "spec:\n  deletionPolicy: Delete\n");
    let mut fixture = Fixture::new(&[("shop.yaml", &document)]).await;
    fixture.ready_within(600).await;
    fixture.sim.reset_calls();
    fixture.remove("shop.yaml").await;
    fixture.pass(3).await;
    let status = fixture.status("shop");
    assert!(status.removing && !status.orphaned);
    let (truth, reason, message) = condition(&status, ConditionType::Ready);
    assert_eq!((truth, reason.as_str()), (Truth::False, "Removing"), "{message}");
    assert!(
        message.starts_with("the document is gone, and what was made for it is being deleted"),
        "{message}"
    );
    assert_eq!(status.components["web"].phase, "Removing");
    assert!(status.notes.iter().any(|note| note.message.contains("revisions of family shop-web stay")));
    fixture.pass(900).await;
    let writes = fixture.writes();
    let place = |call: &str| {
        writes.iter().position(|write| write == call).unwrap_or_else(|| panic!("no {call} in {writes:?}"))
    };
    assert!(place("elasticloadbalancing:DeleteRule") < place("ecs:DeleteService"), "{writes:?}");
    assert!(place("ecs:UpdateService") < place("ecs:DeleteService"), "{writes:?}");
    assert!(place("ecs:DeleteService") < place("elasticloadbalancing:DeleteTargetGroup"), "{writes:?}");
    assert!(!writes.contains(&"logs:DeleteLogGroup".to_owned()), "{writes:?}");
    assert_eq!(service(&fixture)["status"], "INACTIVE");
    assert!(fixture.handle.statuses().is_empty(), "nothing is left to speak of");
    let state = FileRecordStore::existing(fixture.state_folder()).unwrap();
    assert!(state.load(&"shop".into()).await.unwrap().is_none());
    // Forgotten for good, and free to be declared anew.
    fixture.kill().await;
    fixture.start().await;
    fixture.pass(60).await;
    assert!(fixture.handle.statuses().is_empty());
    fixture.write("shop.yaml", &document).await;
    fixture.ready_within(900).await;
}

fn has_logs(fixture: &Fixture) -> bool {
    let found = fixture.by_hand("logs", "DescribeLogGroups", json!({"logGroupNamePrefix": "/ecs/shop"}));
    !found["logGroups"].as_array().unwrap().is_empty()
}

#[tokio::test(start_paused = true)]
async fn a_log_group_goes_only_when_it_says_so_itself_and_a_person_confirmed() {
    for (says, confirmed, goes) in [(false, true, false), (true, false, false), (true, true, true)] {
        let mut document = SHOP.replace("spec:\n", "spec:\n  deletionPolicy: Delete\n");
        if says {
            document = document.replace("retentionInDays: 30", "retentionInDays: 30, deletionPolicy: Delete");
        }
        let mut fixture =
            Fixture::new(&[("shop.yaml", &document), ("other.yaml", &named("other", 81))]).await;
        fixture.ready_within(600).await;
        if confirmed {
            fixture.ask("shop", RequestKind::ConfirmDeletion).await;
        }
        fixture.remove("shop.yaml").await;
        fixture.pass(900).await;
        assert_eq!(has_logs(&fixture), !goes, "says {says}, confirmed {confirmed}");
        assert_eq!(service(&fixture)["status"], "INACTIVE");
        if !says || confirmed {
            continue;
        }
        // It is waited for, and may be confirmed at any time.
        let waits = serde_json::to_string(&fixture.status("shop").waiting_on).unwrap();
        assert!(waits.contains("ctl delete shop --confirm shop"), "{waits}");
        fixture.ask("shop", RequestKind::ConfirmDeletion).await;
        fixture.declare().await;
        fixture.pass(120).await;
        assert!(!has_logs(&fixture));
        assert!(fixture.handle.statuses().iter().all(|status| status.name.as_str() != "shop"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_confirmation_holds_for_one_removal_and_not_for_the_next() {
    let document = SHOP
        .replace("spec:\n", "spec:\n  deletionPolicy: Delete\n")
        .replace("retentionInDays: 30", "retentionInDays: 30, deletionPolicy: Delete");
    let mut fixture = Fixture::new(&[("shop.yaml", &document), ("other.yaml", &named("other", 81))]).await;
    fixture.ready_within(600).await;
    fixture.ask("shop", RequestKind::ConfirmDeletion).await;
    fixture.remove("shop.yaml").await;
    fixture.pass(4).await;
    let ready = condition(&fixture.status("shop"), ConditionType::Ready);
    assert_ne!(ready.0, Truth::True, "it is on its way out: {ready:?}");
    // It comes back in the middle of its removal: what was confirmed is over.
    fixture.write("shop.yaml", &document).await;
    fixture.ready_within(900).await;
    assert!(fixture.requests().await.is_empty(), "it was withdrawn");
    fixture.remove("shop.yaml").await;
    fixture.pass(900).await;
    assert!(has_logs(&fixture), "nobody confirmed this removal");
    // One that a crash has left of something forgotten long ago is none either.
    fixture.ask("blog", RequestKind::ConfirmDeletion).await;
    let blog = document.replace("shop", "blog").replace("priority: 10", "priority: 11");
    fixture.write("blog.yaml", &blog).await;
    fixture.pass(60).await;
    assert!(fixture.requests().await.is_empty(), "it was given for another one of that name");
}

#[tokio::test(start_paused = true)]
async fn a_confirmed_removal_that_a_pause_holds_is_not_asked_to_be_confirmed_again() {
    let document = SHOP.replace("spec:\n", "spec:\n  deletionPolicy: Delete\n");
    for pause_first in [true, false] {
        let mut fixture = Fixture::new(&[("shop.yaml", &document)]).await;
        fixture.ready_within(600).await;
        let until = fixture.clock.now() + jiff::SignedDuration::from_secs(3600);
        if pause_first {
            fixture.ask("shop", RequestKind::Pause { until }).await;
            fixture.declare().await;
        }
        std::fs::remove_file(fixture.specs_folder().join("shop.yaml")).unwrap();
        for _ in 0..3 {
            fixture.declare().await;
            fixture.pass(60).await;
        }
        let told = format!("{:?}", fixture.status("shop"));
        assert!(told.contains("ctl delete shop --confirm shop"), "the store is empty: {told}");
        if !pause_first {
            fixture.ask("shop", RequestKind::Pause { until }).await;
        }
        fixture.ask("shop", RequestKind::ConfirmDeletion).await;
        fixture.declare().await;
        fixture.pass(120).await;
        let status = fixture.status("shop");
        let told = format!("{status:?}");
        assert!(!told.contains("ctl delete shop"), "pause first {pause_first}: {told}");
        let state = FileRecordStore::existing(fixture.state_folder()).unwrap();
        let report = state.load_report().await.unwrap().unwrap_or_default();
        assert_eq!((report.prune_held, report.problems), (None, Vec::new()), "pause first {pause_first}");
        assert_eq!(service(&fixture)["status"], "ACTIVE");
        fixture.pass(3600).await;
        assert_eq!(service(&fixture)["status"], "INACTIVE");
    }
}

#[tokio::test(start_paused = true)]
async fn a_suspended_document_that_is_removed_goes_when_its_suspension_ends_and_is_not_forgotten_before() {
    let sim = aws_sim::Sim::builder().seed(7).build();
    let until = sim.now() + jiff::SignedDuration::from_mins(20);
    let pause = format!(
        "spec:\n  deletionPolicy: Delete\n  suspend: {{by: ops, reason: incident, until: \"{until}\"}}\n"
    );
    let mut fixture =
        Fixture::on(sim, &[("shop.yaml", &SHOP.replace("spec:\n", "spec:\n  deletionPolicy: Delete\n"))])
            .await;
    fixture.ready_within(600).await;
    fixture.write("shop.yaml", &SHOP.replace("spec:\n", &pause)).await;
    fixture.pass(5).await;
    fixture.sim.reset_calls();
    fixture.remove("shop.yaml").await;
    fixture.pass(300).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
    assert_eq!(service(&fixture)["status"], "ACTIVE");
    assert!(!fixture.handle.statuses().is_empty(), "it is still spoken of");
    fixture.pass(1500).await;
    assert_eq!(service(&fixture)["status"], "INACTIVE");
    assert!(fixture.handle.statuses().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_document_that_is_removed_while_it_is_observed_is_torn_down_and_not_forgotten() {
    let latency = std::time::Duration::from_millis(500);
    let sim = aws_sim::Sim::builder().seed(7).latency(latency, latency).build();
    let document = SHOP.replace("spec:\n", "spec:\n  deletionPolicy: Delete\n");
    let mut fixture = Fixture::on(sim, &[("shop.yaml", &document)]).await;
    fixture.ready_within(900).await;
    // Until a steady pass is under way: it takes seconds.
    fixture.pass(100).await;
    fixture.sim.reset_calls();
    while fixture.sim.counts().total() == 0 {
        fixture.pass(0).await;
    }
    fixture.remove("shop.yaml").await;
    fixture.pass(900).await;
    assert_eq!(service(&fixture)["status"], "INACTIVE");
}

#[tokio::test(start_paused = true)]
async fn a_document_that_is_removed_in_the_middle_of_its_first_rollout_is_gone_for_good() {
    let document = SHOP.replace("spec:\n", "spec:\n  deletionPolicy: Delete\n");
    let mut fixture = Fixture::new(&[("shop.yaml", &document)]).await;
    fixture.until(300, |status| status.components.get("web").is_some_and(|web| web.phase == "Rolling")).await;
    fixture.remove("shop.yaml").await;
    fixture.pass(900).await;
    assert!(fixture.handle.statuses().is_empty(), "nothing is left to speak of");
    fixture.sim.reset_calls();
    fixture.pass(300).await;
    assert_eq!(fixture.sim.counts().total(), 0, "and nothing to read");
}

#[tokio::test(start_paused = true)]
async fn a_teardown_that_is_killed_goes_on_after_the_restart() {
    let document = SHOP.replace("spec:\n", "spec:\n  deletionPolicy: Delete\n");
    let mut fixture = Fixture::new(&[("shop.yaml", &document)]).await;
    fixture.ready_within(600).await;
    fixture.remove("shop.yaml").await;
    fixture.pass(8).await;
    fixture.kill().await;
    fixture.start().await;
    fixture.pass(3).await;
    fixture.kill().await;
    fixture.start().await;
    fixture.pass(900).await;
    assert_eq!(service(&fixture)["status"], "INACTIVE");
    assert!(fixture.handle.statuses().is_empty());
}

#[tokio::test(start_paused = true)]
async fn parts_that_are_taken_out_of_a_document_go_and_the_rest_stays() {
    let more = SHOP.replace(
        "  components:\n",
        "    extra:\n      listener: http\n      priority: 20\n      conditions: [{field: path-pattern, values: [/extra]}]\n      actions: [{type: forward, targetGroup: web}]\n  components:\n",
    );
    let worker = "    worker:\n      taskDefinition:\n        cpu: 256\n        memory: 512\n        executionRoleArn: arn:aws:iam::123456789012:role/shop-execution\n        containerDefinitions: [{name: worker, image: \"registry.example.com/worker:1.0\"}]\n      service:\n        desiredCount: 1\n        launchType: FARGATE\n        networkConfiguration: *network\n";
    let mut fixture = Fixture::new(&[("shop.yaml", &format!("{more}{worker}"))]).await;
    fixture.ready_within(900).await;
    fixture.sim.reset_calls();
    fixture.write("shop.yaml", SHOP).await;
    fixture.pass(5).await;
    fixture.ready_within(300).await;
    fixture.pass(200).await;
    let mut writes = fixture.writes();
    writes.sort();
    writes.dedup();
    assert_eq!(writes, ["ecs:DeleteService", "ecs:UpdateService", "elasticloadbalancing:DeleteRule"]);
    let status = fixture.status("shop");
    assert!(!status.components.contains_key("worker"));
    assert_eq!(status.components["web"].running, 2);
    fixture.sim.reset_calls();
    fixture.pass(600).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_task_that_runs_for_ever_is_stopped_when_it_is_taken_out_of_its_document() {
    let forever = "    agent:\n      taskDefinition:\n        cpu: 256\n        memory: 512\n        executionRoleArn: arn:aws:iam::123456789012:role/shop-execution\n        containerDefinitions: [{name: agent, image: \"registry.example.com/agent:1.0\"}]\n      task:\n        run: Forever\n        launchType: FARGATE\n        networkConfiguration: *network\n";
    let mut fixture = Fixture::new(&[("shop.yaml", &format!("{SHOP}{forever}"))]).await;
    fixture.ready_within(900).await;
    let running = |fixture: &Fixture| {
        let listed = fixture.by_hand("ecs", "ListTasks", json!({"cluster": "shop", "family": "shop-agent"}));
        listed["taskArns"].as_array().unwrap().len()
    };
    assert_eq!(running(&fixture), 1);
    fixture.sim.reset_calls();
    fixture.write("shop.yaml", SHOP).await;
    fixture.pass(5).await;
    fixture.ready_within(300).await;
    fixture.pass(300).await;
    assert_eq!(running(&fixture), 0);
    assert_eq!(fixture.writes(), ["ecs:StopTask"]);
    fixture.sim.reset_calls();
    fixture.pass(300).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
    let remembered = fixture.record("shop").await.rollout.resources;
    assert!(!remembered.keys().any(|id| id.key == "agent"), "what has ended is forgotten: {remembered:?}");
}

#[tokio::test(start_paused = true)]
async fn when_most_documents_vanish_at_once_nothing_is_pruned_and_it_is_said() {
    let deleting =
        |name: &str, port| named(name, port).replace("spec:\n", "spec:\n  deletionPolicy: Delete\n");
    let documents =
        [("a.yaml", deleting("a", 80)), ("b.yaml", deleting("b", 81)), ("c.yaml", deleting("c", 82))];
    let borrowed: Vec<(&str, &str)> = documents.iter().map(|(file, text)| (*file, text.as_str())).collect();
    let mut fixture = Fixture::new(&borrowed).await;
    fixture.ready_within(900).await;
    fixture.sim.reset_calls();
    for file in ["a.yaml", "b.yaml"] {
        std::fs::remove_file(fixture.folder.path().join("specs").join(file)).unwrap();
    }
    fixture.declare().await;
    fixture.pass(2).await;
    fixture.declare().await;
    fixture.pass(300).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
    let state = FileRecordStore::existing(fixture.state_folder()).unwrap();
    let report = state.load_report().await.unwrap().unwrap();
    assert!(report.prune_held.unwrap().contains("2 of 3"));
    let said: Vec<String> = fixture.status("a").findings.iter().map(ToString::to_string).collect();
    assert!(said.iter().any(|finding| finding.contains("vanished at once")), "{said:?}");
    // One of them is confirmed: that one goes, the other stays.
    fixture.ask("a", RequestKind::ConfirmDeletion).await;
    fixture.declare().await;
    fixture.pass(900).await;
    assert!(fixture.handle.statuses().iter().all(|status| status.name.as_str() != "a"));
    // The other one comes back as if nothing had been.
    fixture.write("b.yaml", &documents[1].1).await;
    fixture.pass(5).await;
    fixture.ready_within(300).await;
    assert!(fixture.status("b").findings.is_empty());
    assert!(state.load_report().await.unwrap().unwrap().prune_held.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_cannot_be_read_removes_nothing() {
    let mut fixture =
        Fixture::new(&[("shop.yaml", &SHOP.replace("spec:\n", "spec:\n  deletionPolicy: Delete\n"))]).await;
    fixture.ready_within(600).await;
    fixture.sim.reset_calls();
    let specs = fixture.folder.path().join("specs");
    let aside = fixture.folder.path().join("aside");
    std::fs::rename(&specs, &aside).unwrap();
    fixture.declare().await;
    fixture.pass(2).await;
    fixture.declare().await;
    fixture.pass(300).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
    assert!(!fixture.status("shop").orphaned);
    // The same for a controller that starts while the folder is away.
    fixture.kill().await;
    fixture.start().await;
    fixture.pass(300).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
    fixture.by_hand(
        "ecs",
        "UpdateService",
        json!({"cluster": "shop", "service": "shop-web", "desiredCount": 5}),
    );
    fixture.pass(70).await;
    assert_eq!(service(&fixture)["desiredCount"], 2, "what is in force is still kept");
    std::fs::rename(&aside, &specs).unwrap();
    fixture.declare().await;
    fixture.pass(5).await;
    fixture.ready_within(300).await;
}

/// A listener that is to go has rules on it that this document knows nothing of: another
/// document's, and one that was made by hand.
#[tokio::test(start_paused = true)]
async fn a_listener_with_rules_of_others_stays_and_says_whose_they_are() {
    for whole in [false, true] {
        let document = SHOP.replace("spec:\n", "spec:\n  deletionPolicy: Delete\n");
        let mut fixture =
            Fixture::new(&[("shop.yaml", &document), ("other.yaml", &named("other", 81))]).await;
        fixture.ready_within(600).await;
        let elb = |operation: &str, input| fixture.by_hand("elasticloadbalancing", operation, input);
        let http = listener(&fixture, 80);
        let balancer = http["LoadBalancerArn"].clone();
        let input = json!({
            "ListenerArn": http["ListenerArn"], "Priority": 77,
            "Conditions.member.1.Field": "path-pattern", "Conditions.member.1.Values.member.1": "/theirs",
            "Actions.member.1.Type": "fixed-response",
            "Actions.member.1.FixedResponseConfig.StatusCode": "200",
        });
        elb("CreateRule", input);
        if whole {
            fixture.remove("shop.yaml").await;
        } else {
            fixture.edit("shop.yaml", "port: 80\n", "port: 82\n").await;
        }
        fixture.pass(1800).await;
        let rules = fixture.by_hand(
            "elasticloadbalancing",
            "DescribeRules",
            json!({"ListenerArn": http["ListenerArn"]}),
        );
        let priorities: Vec<&Value> =
            rules["Rules"].as_array().unwrap().iter().map(|rule| &rule["Priority"]).collect();
        assert_eq!(priorities, ["77", "default"], "ours is gone, theirs is not; removed as a whole: {whole}");
        let waits = fixture.status("shop").waiting_on;
        let waits = waits.iter().map(|waiting| waiting.on.to_string()).collect::<Vec<_>>().join("; ");
        assert!(waits.contains("rule with priority 77, made by somebody else"), "{waits}");
        // Once it is gone, the listener goes.
        let theirs = rules["Rules"].as_array().unwrap().iter().find(|rule| rule["Priority"] == "77").unwrap();
        fixture.by_hand("elasticloadbalancing", "DeleteRule", json!({"RuleArn": theirs["RuleArn"]}));
        fixture.pass(600).await;
        let left = fixture.by_hand(
            "elasticloadbalancing",
            "DescribeListeners",
            json!({"LoadBalancerArn": balancer}),
        );
        let ports: Vec<&Value> =
            left["Listeners"].as_array().unwrap().iter().map(|one| &one["Port"]).collect();
        assert!(!ports.contains(&&json!(80)), "{ports:?}");
    }
}

/// A rule of somebody else, on a listener of another document, forwards to a target group that a
/// service is to leave.
#[tokio::test(start_paused = true)]
async fn a_service_stays_in_a_group_that_a_rule_of_somebody_else_sends_to_and_says_which_one() {
    let mut fixture = Fixture::new(&[("shop.yaml", SHOP), ("other.yaml", &named("other", 81))]).await;
    fixture.ready_within(600).await;
    let elb = |operation: &str, input| fixture.by_hand("elasticloadbalancing", operation, input);
    let other = listener(&fixture, 81);
    let group = service(&fixture)["loadBalancers"][0]["targetGroupArn"].clone();
    let input = json!({
        "ListenerArn": other["ListenerArn"], "Priority": 77,
        "Conditions.member.1.Field": "path-pattern", "Conditions.member.1.Values.member.1": "/theirs",
        "Actions.member.1.Type": "forward", "Actions.member.1.TargetGroupArn": group,
    });
    let theirs = elb("CreateRule", input)["Rules"][0]["RuleArn"].clone();
    let traffic = fixture.traffic();
    traffic.also(Request::to("shop", 81).path("/theirs"));
    fixture.edit("shop.yaml", "      port: 8080\n", "      port: 9090\n").await;
    fixture.pass(1800).await;
    traffic.all_served();
    assert_eq!(service(&fixture)["loadBalancers"].as_array().unwrap().len(), 2, "in both");
    let waits = fixture.status("shop").waiting_on;
    let waits =
        waits.iter().map(|waiting| format!("{} {}", waiting.resource, waiting.on)).collect::<Vec<_>>();
    for who in ["service/web", "target-group/"] {
        let told = waits.iter().find(|wait| wait.starts_with(who)).unwrap_or_else(|| panic!("{waits:?}"));
        assert!(told.contains("the rule with priority 77, made by somebody else (arn:"), "{told}");
    }
    // Once it is gone, so is the group.
    traffic.no_longer(&Request::to("shop", 81).path("/theirs"));
    fixture.by_hand("elasticloadbalancing", "DeleteRule", json!({"RuleArn": theirs}));
    fixture.ready_within(1800).await;
    fixture.pass(600).await;
    assert_ne!(service(&fixture)["loadBalancers"][0]["targetGroupArn"], group);
    traffic.all_served();
    let groups = fixture.by_hand("elasticloadbalancing", "DescribeTargetGroups", json!({}));
    let mut left = groups["TargetGroups"].as_array().unwrap().iter();
    assert!(left.all(|one| one["TargetGroupArn"] != group));
}

/// A document without load balancing, one whose component is renamed together with its group, and
/// one that is gone: what others send to the group is served on.
#[tokio::test(start_paused = true)]
async fn what_others_send_to_a_group_is_served_whatever_becomes_of_its_document() {
    let document = SHOP.replace("spec:\n", "spec:\n  deletionPolicy: Delete\n");
    let (before, rest) = document.split_once("  targetGroups:\n").unwrap();
    let (_, components) = rest.split_once("  components:\n").unwrap();
    let bare = format!("{before}  components:\n{components}")
        .replace("        loadBalancers: [{targetGroup: web, containerName: web, containerPort: 8080}]\n", "")
        .replace("        healthCheckGracePeriodSeconds: 30\n", "");
    let renamed = document
        .replace("  targetGroups:\n    web:\n", "  targetGroups:\n    front:\n")
        .replace("targetGroup: web", "targetGroup: front")
        .replace("\n    web:\n      dependsOn", "\n    front:\n      dependsOn");
    let nexts = [Some(bare), Some(renamed), None];
    for (next, by_listener) in nexts.iter().flat_map(|next| [(next, false), (next, true)]) {
        let mut fixture =
            Fixture::new(&[("shop.yaml", &document), ("other.yaml", &named("other", 81))]).await;
        fixture.ready_within(600).await;
        let elb = |operation: &str, input| fixture.by_hand("elasticloadbalancing", operation, input);
        let other = listener(&fixture, 81);
        let input = json!({
            "ListenerArn": other["ListenerArn"], "Priority": 77,
            "Conditions.member.1.Field": "path-pattern", "Conditions.member.1.Values.member.1": "/theirs",
            "Actions.member.1.Type": "forward",
            "Actions.member.1.TargetGroupArn": service(&fixture)["loadBalancers"][0]["targetGroupArn"],
        });
        let traffic = if by_listener {
            let input = json!({
                "LoadBalancerArn": other["LoadBalancerArn"], "Port": 88, "Protocol": "HTTP",
                "DefaultActions.member.1.Type": "forward",
                "DefaultActions.member.1.TargetGroupArn": input["Actions.member.1.TargetGroupArn"],
            });
            elb("CreateListener", input);
            fixture.traffic()
        } else {
            elb("CreateRule", input);
            let traffic = fixture.traffic();
            traffic.also(Request::to("shop", 81).path("/theirs"));
            traffic
        };
        traffic.no_longer(&Request::to("shop", 80));
        match next {
            Some(next) => fixture.write("shop.yaml", next).await,
            None => fixture.remove("shop.yaml").await,
        }
        fixture.pass(900).await;
        traffic.all_served();
        let waits = fixture.status("shop").waiting_on;
        let by = if by_listener { "the listener on port 88" } else { "the rule with priority 77" };
        let told = |wait: &str| wait.contains(&format!("{by}, made by somebody else"));
        assert!(waits.iter().any(|waiting| told(&waiting.on.to_string())), "{waits:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_document_of_a_store_is_not_deleted_before_a_person_says_so() {
    let document = SHOP.replace("spec:\n", "spec:\n  deletionPolicy: Delete\n");
    let mut fixture = Fixture::new(&[("shop.yaml", &document)]).await;
    fixture.ready_within(600).await;
    let traffic = fixture.traffic();
    std::fs::remove_file(fixture.folder.path().join("specs/shop.yaml")).unwrap();
    fixture.declare().await;
    fixture.pass(600).await;
    fixture.declare().await;
    fixture.pass(600).await;
    traffic.all_served();
    let said = fixture.status("shop").findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(
        said.contains("the store holds no document any more") && said.contains("ctl delete shop"),
        "{said}"
    );
    drop(traffic);
    fixture.ask("shop", RequestKind::ConfirmDeletion).await;
    fixture.declare().await;
    fixture.pass(900).await;
    let found =
        fixture.by_hand("ecs", "DescribeServices", json!({"cluster": "shop", "services": ["shop-web"]}));
    assert!(found["services"].as_array().unwrap().iter().all(|one| one["status"] == "INACTIVE"), "{found}");
}
