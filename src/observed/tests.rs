mod kept;
mod shop;

use self::shop::{Shop, collect, hand, id, owned, register, rule, seeded};
use crate::aws::testing::placement;
use crate::aws::{ecs, elbv2, logs};
use crate::model::desired::Workload;
use crate::model::observed::{Depth, ObservedState, Seen};
use crate::model::resource::ResourceKind::{Listener, LogGroup, Rule, Service, TargetGroup};
use crate::model::rollout::Phase;
use aws_sim::Sim;
use aws_sim::behaviour::{Behaviour, BehaviourRule};
use aws_sim::faults::{Effect, FaultRule, When};
use jiff::Timestamp;
use serde_json::json;
use std::time::Duration;

async fn shop(sim: &Sim) -> Shop {
    let mut shop = Shop::new("shop");
    shop.bring_up(sim).await;
    shop
}

fn operations(state: &ObservedState) -> Vec<(&str, &str)> {
    state.gaps.iter().map(|gap| (gap.operation.as_str(), gap.code.as_str())).collect()
}

fn task_running(token: &str, task: Option<String>) -> Phase {
    let (since, deadline) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
    Phase::TaskRunning {
        hash: "h1".into(),
        attempt: 1,
        token: token.to_owned(),
        task,
        since,
        deadline,
        within: None,
    }
}

fn denied(operation: &str) -> FaultRule {
    FaultRule::on(operation, Effect::access_denied(operation))
}

#[test]
fn a_look_can_be_taken_on_any_thread() {
    fn is_send<T: Send>(_: impl FnOnce(super::Collector) -> T) {}
    is_send(|collector| async move {
        let shop = Shop::plain("shop");
        collector.collect(&placement(), &[shop.ask(Depth::Full)], Timestamp::UNIX_EPOCH).await.len()
    });
}

#[tokio::test(start_paused = true)]
async fn a_light_look_at_a_steady_service_is_one_call() {
    let sim = seeded();
    let shop = shop(&sim).await;
    let (state, calls) = shop.observe(&sim, Depth::Light).await;
    assert_eq!((state.depth, calls), (Depth::Light, 1));
    let service = state.services["web"].present().unwrap();
    assert!(service.is_steady());
    assert_eq!(service.tags, owned("shop", "web"));
    assert!(state.resources.is_empty() && state.secrets.is_empty());
    assert_eq!(state.cluster, Seen::NotRead);
}

#[tokio::test(start_paused = true)]
async fn one_call_serves_ten_services() {
    let sim = seeded();
    let mut shops: Vec<Shop> = (0..10).map(|n| Shop::plain(&format!("app{n}"))).collect();
    for shop in &mut shops {
        shop.bring_up(&sim).await;
    }
    sim.reset_calls();
    let asks: Vec<_> = shops.iter().map(|shop| shop.ask(Depth::Light)).collect();
    let states = collect(&sim, &asks).await;
    assert_eq!(sim.counts().total(), 1);
    for (shop, state) in shops.iter().zip(&states) {
        let service = state.services["web"].present().unwrap();
        assert_eq!(service.name, format!("{}-web", shop.desired.deployment));
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_look_shows_everything_in_the_form_of_the_declaration() {
    let sim = seeded();
    let shop = shop(&sim).await;
    let (state, calls) = shop.observe(&sim, Depth::Full).await;
    assert_eq!(operations(&state), []);
    // Services 1, cluster 1, logs 2, secrets 1, families 2, revisions 2, tasks 4; load balancing:
    // load balancers 1, groups 1, attributes 1, targets 1, listeners 1, rules 1, tags 1.
    assert_eq!(calls, 20, "{:?}", sim.counts());
    assert_eq!(state.cluster.present().unwrap().status, "ACTIVE");

    let log_group = state.resources[&id(LogGroup, "/shop")].present().unwrap();
    assert_eq!(log_group.fields, json!({"logGroupName": "/shop", "retentionInDays": 30}));
    assert!(log_group.arn.ends_with(":log-group:/shop"), "{}", log_group.arn);
    assert_eq!(log_group.tags, owned("shop", "/shop"));

    let group = state.resources[&id(TargetGroup, "web")].present().unwrap();
    assert_eq!(
        (group.fields["port"].as_i64(), group.fields["name"].as_str()),
        (Some(8080), Some("shop-web"))
    );
    assert!(group.fields["attributes"]["deregistration_delay.timeout_seconds"].is_string());
    assert_eq!(group.used_by, [shop::load_balancer(&sim)]);

    let listener = state.resources[&id(Listener, "http")].present().unwrap();
    assert_eq!(listener.fields["loadBalancerArn"], shop::load_balancer(&sim));
    let seen = state.resources[&id(Rule, "web")].present().unwrap();
    let mut wanted = rule(&listener.arn, 10, &group.arn);
    wanted["conditions"][0]["values"] = json!(["a.example.com", "b.example.com"]);
    assert_eq!(seen.fields, wanted);
    assert_eq!(seen.tags, owned("shop", "web"));

    let targets = state.targets["web"].present().unwrap();
    let tasks = state.tasks["web"].present().unwrap();
    assert_eq!((targets.len(), tasks.len()), (1, 1));
    assert_eq!(tasks[0].addresses, [targets[0].id.clone()]);
    assert_eq!(targets[0].state, "healthy");
    let secret = state.secrets["shop/db"].present().unwrap();
    assert!(secret.version.is_some() && secret.arn.contains(":secret:shop/db-"));
    let revision = &shop.rollout.components["web"].revision.as_ref().unwrap().arn;
    assert_eq!(state.definitions[revision].present().unwrap().tags["evenkeel.dev/hash"], "h1");
    assert_eq!(state.families["web"], Seen::Present(vec![revision.clone()]));
    assert!(state.service_deployments.is_empty());
}

#[tokio::test(start_paused = true)]
async fn targets_are_read_before_tasks() {
    let sim = seeded();
    let shop = shop(&sim).await;
    shop.observe(&sim, Depth::Full).await;
    let calls = sim.calls();
    let last_target = calls.iter().rposition(|call| call.operation == "DescribeTargetHealth").unwrap();
    let first_task = calls.iter().position(|call| call.operation == "ListTasks").unwrap();
    assert!(last_target < first_task);
}

#[tokio::test(start_paused = true)]
async fn before_anything_is_made_everything_is_absent_and_nothing_is_a_gap() {
    let sim = seeded();
    let shop = Shop::new("shop");
    let (state, _) = shop.observe(&sim, Depth::Light).await;
    assert_eq!(state.depth, Depth::Full);
    assert_eq!(operations(&state), []);
    for seen in state.resources.values() {
        assert!(seen.is_absent(), "{seen:?}");
    }
    assert!(state.services["web"].is_absent());
    assert!(state.targets["web"].is_absent());
    assert_eq!(state.families["web"], Seen::Present(Vec::new()));
    assert!(state.load_balancers["edge"].present().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_light_look_goes_on_to_a_full_one_when_a_service_is_out_of_step() {
    let sim = seeded();
    let mut steady = Shop::plain("steady");
    steady.bring_up(&sim).await;
    let shop = shop(&sim).await;
    let clients = hand(&sim).await;
    ecs::write::update_service(
        &clients,
        &json!({"cluster": "main", "service": "shop-web", "desiredCount": 3}),
    )
    .await
    .unwrap();
    let states = collect(&sim, &[steady.ask(Depth::Light), shop.ask(Depth::Light)]).await;
    assert_eq!((states[0].depth, states[1].depth), (Depth::Light, Depth::Full));

    tokio::time::advance(Duration::from_secs(300)).await;
    assert_eq!(shop.observe(&sim, Depth::Light).await.0.depth, Depth::Light);

    let other = register(&clients, "x", "x", "x", "h2").await;
    ecs::write::update_service(
        &clients,
        &json!({"cluster": "main", "service": "shop-web", "taskDefinition": other}),
    )
    .await
    .unwrap();
    tokio::time::advance(Duration::from_secs(600)).await;
    let (state, _) = shop.observe(&sim, Depth::Light).await;
    assert_eq!(state.depth, Depth::Full);
    // Who moved it: the service deployments tell, with their revisions.
    let deployments = state.service_deployments["web"].present().unwrap();
    assert_eq!(deployments[0].task_definition.as_deref(), Some(other.as_str()));
    assert!(state.definitions[&other].present().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_rollout_under_way_is_read_in_full() {
    let sim = seeded();
    let mut shop = shop(&sim).await;
    let web = shop.rollout.components.get_mut("web").unwrap();
    web.phase = Phase::Baking { hash: "h1".into(), until: Timestamp::UNIX_EPOCH };
    assert_eq!(shop.observe(&sim, Depth::Light).await.0.depth, Depth::Full);
}

#[tokio::test(start_paused = true)]
async fn one_denied_call_leaves_all_others_intact() {
    let sim = seeded();
    let shop = shop(&sim).await;
    let all = [
        ("ecs:DescribeServices", "DescribeServices"),
        ("ecs:DescribeClusters", "DescribeClusters"),
        ("ecs:DescribeTaskDefinition", "DescribeTaskDefinition"),
        ("ecs:ListTaskDefinitions", "ListTaskDefinitions"),
        ("ecs:ListTasks", "ListTasks"),
        ("ecs:DescribeTasks", "DescribeTasks"),
        ("logs:DescribeLogGroups", "DescribeLogGroups"),
        ("logs:ListTagsForResource", "ListTagsForResource"),
        ("secretsmanager:DescribeSecret", "DescribeSecret"),
        ("elasticloadbalancing:DescribeLoadBalancers", "DescribeLoadBalancers"),
        ("elasticloadbalancing:DescribeTargetGroups", "DescribeTargetGroups"),
        ("elasticloadbalancing:DescribeTargetGroupAttributes", "DescribeTargetGroupAttributes"),
        ("elasticloadbalancing:DescribeTargetHealth", "DescribeTargetHealth"),
        ("elasticloadbalancing:DescribeListeners", "DescribeListeners"),
        ("elasticloadbalancing:DescribeRules", "DescribeRules"),
        ("elasticloadbalancing:DescribeTags", "DescribeTags"),
    ];
    let (whole, _) = shop.observe(&sim, Depth::Full).await;
    for (operation, name) in all {
        sim.faults().clear();
        sim.faults().add(denied(operation));
        let (state, _) = shop.observe(&sim, Depth::Full).await;
        assert_eq!(operations(&state), [(operation, "AccessDeniedException")], "{name}");
        let lost = |known: bool, was: bool| was && !known;
        let services = state.services.values().zip(whole.services.values());
        let lost_services = services.filter(|(a, b)| lost(a.is_known(), b.is_known())).count();
        assert_eq!(lost_services, usize::from(name == "DescribeServices"), "{name}");
        assert_eq!(state.secrets["shop/db"].is_known(), name != "DescribeSecret", "{name}");
        assert_eq!(state.cluster.is_known(), name != "DescribeClusters", "{name}");
        let group_blind =
            ["DescribeTargetGroups", "DescribeTargetGroupAttributes", "DescribeTags"].contains(&name);
        assert_eq!(state.resources[&id(TargetGroup, "web")].is_known(), !group_blind, "{name}");
        let targets_blind = ["DescribeTargetGroups", "DescribeTargetHealth"].contains(&name);
        assert_eq!(state.targets["web"].is_known(), !targets_blind, "{name}");
        let rule_blind = ["DescribeLoadBalancers", "DescribeListeners", "DescribeRules", "DescribeTags"];
        assert_eq!(state.resources[&id(Rule, "web")].is_known(), !rule_blind.contains(&name), "{name}");
        let log_blind = ["DescribeLogGroups", "ListTagsForResource"].contains(&name);
        assert_eq!(state.resources[&id(LogGroup, "/shop")].is_known(), !log_blind, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_service_that_may_not_be_seen_blinds_only_itself() {
    let sim = seeded();
    let mut shops: Vec<Shop> = (0..10).map(|n| Shop::plain(&format!("app{n}"))).collect();
    for shop in &mut shops {
        shop.bring_up(&sim).await;
    }
    sim.faults().add(denied("ecs:DescribeServices").resource("app7-web"));
    let asks: Vec<_> = shops.iter().map(|shop| shop.ask(Depth::Light)).collect();
    let states = collect(&sim, &asks).await;
    for (n, state) in states.iter().enumerate() {
        assert_eq!(state.services["web"].is_known(), n != 7, "{n}");
        assert_eq!(state.depth, Depth::Light, "unknown is no reason to read more");
    }
}

#[tokio::test(start_paused = true)]
async fn without_its_cluster_a_service_is_unknown_and_not_absent() {
    let sim = seeded();
    let mut shop = Shop::new("shop");
    shop.desired.placement.cluster = "elsewhere".to_owned();
    let place = shop.desired.placement.clone();
    let aws = crate::aws::testing::connect(&sim).await;
    let states = super::Collector::new(aws).collect(&place, &[shop.ask(Depth::Full)], sim.now()).await;
    assert!(states[0].cluster.is_absent());
    assert!(matches!(states[0].services["web"], Seen::Unknown(_)));
    assert!(matches!(states[0].tasks["migrate"], Seen::Unknown(_)));
    assert!(operations(&states[0]).contains(&("ecs:DescribeServices", "ClusterNotFoundException")));
}

#[tokio::test(start_paused = true)]
async fn a_missing_name_does_not_hide_the_others_of_its_batch() {
    let sim = seeded();
    let one = shop(&sim).await;
    let two = Shop::new("other");
    let states = collect(&sim, &[two.ask(Depth::Full), one.ask(Depth::Full)]).await;
    assert!(states[0].resources[&id(TargetGroup, "web")].is_absent());
    assert!(states[1].resources[&id(TargetGroup, "web")].present().is_some());
}

#[tokio::test(start_paused = true)]
async fn what_several_deployments_name_is_read_once() {
    let sim = seeded();
    let shop = shop(&sim).await;
    let asks = [shop.ask(Depth::Full), shop.ask(Depth::Full), shop.ask(Depth::Full)];
    let (_, alone) = shop.observe(&sim, Depth::Full).await;
    sim.reset_calls();
    let states = collect(&sim, &asks).await;
    // Only the lists of tasks are made for each deployment.
    assert_eq!(sim.counts().total() - sim.counts().of("ecs", "ListTasks") * 2 / 3, alone);
    assert_eq!(states[0], states[2]);
}

#[tokio::test(start_paused = true)]
async fn what_is_recorded_and_no_longer_declared_is_still_looked_at() {
    let sim = seeded();
    let mut shop = shop(&sim).await;
    for (kind, key) in [(Rule, "web"), (Listener, "http"), (TargetGroup, "web"), (LogGroup, "/shop")] {
        shop.desired.resources.remove(&id(kind, key));
    }
    shop.rollout.resource_mut(&id(LogGroup, "/shop")).arn = Some("arn".to_owned());
    let web = shop.desired.components.remove("web");
    let (state, _) = shop.observe(&sim, Depth::Full).await;
    for (kind, key) in [(Rule, "web"), (Listener, "http"), (TargetGroup, "web"), (LogGroup, "/shop")] {
        let seen = state.resources[&id(kind, key)].present().unwrap();
        assert_eq!(seen.tags["evenkeel.dev/owner"], "shop", "{kind}");
    }
    assert!(web.is_some() && state.services["web"].present().is_some());

    let clients = hand(&sim).await;
    elbv2::write::delete_rule(&clients, shop.arn(Rule, "web")).await.unwrap();
    logs::write::delete_log_group(&clients, "/shop").await.unwrap();
    let (state, _) = shop.observe(&sim, Depth::Full).await;
    assert!(state.resources[&id(Rule, "web")].is_absent());
    assert!(state.resources[&id(LogGroup, "/shop")].is_absent());
}

#[tokio::test(start_paused = true)]
async fn what_was_replaced_is_shown_by_its_arn() {
    let sim = seeded();
    let mut shop = shop(&sim).await;
    let declare = |shop: &mut Shop, kind, key: &str, field: &str, value| {
        shop.desired.resources.get_mut(&id(kind, key)).unwrap().fields[field] = value;
    };
    declare(&mut shop, TargetGroup, "web", "name", json!("shop-web-2"));
    declare(&mut shop, Rule, "web", "priority", json!(20));
    if let Workload::Service { service_name, .. } =
        &mut shop.desired.components.get_mut("web").unwrap().workload
    {
        *service_name = "shop-front".to_owned();
    }
    let (state, _) = shop.observe(&sim, Depth::Full).await;
    for (kind, key) in [(TargetGroup, "web"), (Rule, "web")] {
        assert!(state.resources[&id(kind, key)].is_absent(), "{kind}");
        let (_, old) = &state.leftovers[shop.arn(kind, key)];
        assert_eq!(old.present().unwrap().arn, shop.arn(kind, key), "{kind}");
    }
    assert!(state.services["web"].is_absent());
    let old = &state.leftover_services[shop.arn(Service, "web")];
    assert_eq!(old.present().unwrap().name, "shop-web");
}

#[tokio::test(start_paused = true)]
async fn nothing_looks_left_over_while_it_is_not_certain_what_is_declared() {
    let sim = seeded();
    let mut shop = shop(&sim).await;
    let arn = shop.rollout.resource_mut(&id(Rule, "web")).arn.take().unwrap();
    shop.rollout.resource_mut(&id(Rule, "former")).arn = Some(arn);
    // Found by the new key: it is the declared one and shown once.
    let (state, _) = shop.observe(&sim, Depth::Full).await;
    assert!(state.resources[&id(Rule, "web")].present().is_some());
    assert!(!state.resources.contains_key(&id(Rule, "former")));
    // The rules of the listener cannot be listed: what is recorded under the old key may be it.
    sim.faults().add(denied("elasticloadbalancing:DescribeRules").resource("ListenerArn"));
    let (state, _) = shop.observe(&sim, Depth::Full).await;
    assert!(matches!(state.resources[&id(Rule, "web")], Seen::Unknown(_)));
    assert!(matches!(state.resources[&id(Rule, "former")], Seen::Unknown(_)));
}

#[tokio::test(start_paused = true)]
async fn a_rule_on_a_listener_that_is_gone_is_unknown() {
    let sim = seeded();
    let mut shop = shop(&sim).await;
    let gone = shop.arn(Listener, "http").replace("listener/app", "listener/app/none");
    let rule = shop.desired.resources.get_mut(&id(Rule, "web")).unwrap();
    rule.fields = json!({"listenerArn": gone, "priority": 10});
    let (state, _) = shop.observe(&sim, Depth::Full).await;
    let Seen::Unknown(gap) = &state.resources[&id(Rule, "web")] else { panic!("it is not unknown") };
    assert_eq!(gap.operation, "elasticloadbalancing:DescribeRules");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_load_balancer_is_absent_and_so_is_its_listener() {
    let sim = seeded();
    let mut shop = Shop::new("shop");
    let listener = shop.desired.resources.get_mut(&id(Listener, "http")).unwrap();
    listener.fields["loadBalancer"] = json!("nowhere");
    let (state, _) = shop.observe(&sim, Depth::Full).await;
    assert!(state.load_balancers["nowhere"].is_absent());
    assert!(state.resources[&id(Listener, "http")].is_absent());
}

#[tokio::test(start_paused = true)]
async fn a_revision_whose_record_was_lost_is_found_by_its_tag() {
    let sim = seeded();
    let shop = shop(&sim).await;
    let clients = hand(&sim).await;
    let newer = register(&clients, "shop", "web", "shop-web", "h2").await;
    let (state, _) = shop.observe(&sim, Depth::Full).await;
    assert_eq!(state.definitions[&newer].present().unwrap().tags["evenkeel.dev/hash"], "h2");
    assert_eq!(state.families["web"].present().unwrap()[0], newer);
}

#[tokio::test(start_paused = true)]
async fn a_deregistered_revision_is_seen_to_be_inactive() {
    let sim = seeded();
    let shop = shop(&sim).await;
    let arn = shop.rollout.components["web"].revision.as_ref().unwrap().arn.clone();
    let clients = hand(&sim).await;
    ecs::write::deregister_task_definition(&clients, &arn).await.unwrap();
    let (state, _) = shop.observe(&sim, Depth::Full).await;
    assert_eq!(state.definitions[&arn].present().unwrap().status, "INACTIVE");
    assert_eq!(state.families["web"], Seen::Present(Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn a_task_is_found_by_its_tags_or_token_and_others_of_its_family_are_not() {
    let sim = seeded();
    sim.behave(BehaviourRule::image("*", Behaviour::exits(0, 5.0)).times(2));
    let mut shop = Shop::new("shop");
    let clients = hand(&sim).await;
    let revision = shop.make_revision(&clients, "migrate").await;
    let run = |token: &'static str, tags| {
        let fields = json!({
            "cluster": "main", "taskDefinition": revision, "launchType": "FARGATE", "startedBy": token,
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0a"]}},
        });
        let clients = clients.clone();
        async move { ecs::write::run_task(&clients, token, &fields, &tags).await.unwrap().arn.unwrap() }
    };
    let tagged = run("first", owned("shop", "migrate")).await;
    let by_token = run("evk-1", Default::default()).await;
    run("someone", Default::default()).await;
    shop.rollout.components.get_mut("migrate").unwrap().phase = task_running("evk-1", None);
    for running in [true, false] {
        let (state, _) = shop.observe(&sim, Depth::Full).await;
        let tasks = state.tasks["migrate"].present().unwrap();
        let mut arns: Vec<_> = tasks.iter().map(|task| task.arn.as_str()).collect();
        arns.sort_unstable();
        let mut wanted = [tagged.as_str(), by_token.as_str()];
        wanted.sort_unstable();
        assert_eq!(arns, wanted);
        if running {
            tokio::time::advance(Duration::from_secs(300)).await;
        } else {
            assert!(tasks.iter().all(|task| task.is_stopped() && task.containers[0].exit_code == Some(0)));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_no_list_shows_yet_is_found_by_its_recorded_arn() {
    let sim = seeded();
    sim.faults().add(FaultRule::on("ListTasks", Effect::StaleRead(60.0)));
    let mut shop = Shop::new("shop");
    let clients = hand(&sim).await;
    let revision = shop.make_revision(&clients, "migrate").await;
    tokio::time::advance(Duration::from_secs(300)).await;
    let fields = json!({
        "cluster": "main", "taskDefinition": revision, "launchType": "FARGATE",
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0a"]}},
    });
    let task = ecs::write::run_task(&clients, "evk-1", &fields, &owned("shop", "migrate")).await.unwrap().arn;
    for (recorded, found) in [(None, 0), (task, 1)] {
        shop.rollout.components.get_mut("migrate").unwrap().phase = task_running("evk-1", recorded);
        let (state, _) = shop.observe(&sim, Depth::Full).await;
        assert_eq!(state.tasks["migrate"].present().unwrap().len(), found);
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_missing_or_deleted_says_so() {
    let sim = seeded();
    let mut shop = Shop::new("shop");
    let migrate = shop.desired.components.get_mut("migrate").unwrap();
    let secret = |id: &str| crate::model::desired::SecretUse { secret_id: id.to_owned(), restarts: true };
    migrate.secrets = [secret("shop/db"), secret("shop/none")].into();
    let input = json!({"SecretId": "shop/db", "RecoveryWindowInDays": 7});
    let service = aws_sim::wire::Service::Secrets;
    sim.with(|world| world.edit("eu-west-1", service, "DeleteSecret", &input)).unwrap();
    let (state, _) = shop.observe(&sim, Depth::Full).await;
    assert!(state.secrets["shop/none"].is_absent());
    assert!(state.secrets["shop/db"].present().unwrap().deleted);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_was_deleted_is_absent_once_it_has_drained() {
    let sim = seeded();
    let shop = shop(&sim).await;
    let clients = hand(&sim).await;
    ecs::write::delete_service(&clients, "main", "shop-web", true).await.unwrap();
    let (state, _) = shop.observe(&sim, Depth::Light).await;
    assert_eq!(state.depth, Depth::Full);
    assert!(state.services["web"].present().is_none_or(|service| service.status == "DRAINING"));
    tokio::time::advance(Duration::from_secs(900)).await;
    let (state, _) = shop.observe(&sim, Depth::Light).await;
    assert!(state.services["web"].is_absent() && state.tasks["web"].is_absent());
}

#[tokio::test(start_paused = true)]
async fn a_stale_answer_by_name_is_mended_by_the_recorded_arn() {
    let sim = seeded();
    let shop = shop(&sim).await;
    let missing = Effect::Error {
        status: 400,
        code: "TargetGroupNotFound".to_owned(),
        message: "One or more target groups not found".to_owned(),
    };
    sim.faults().add(FaultRule::on("DescribeTargetGroups", missing).resource("Names"));
    let (state, _) = shop.observe(&sim, Depth::Full).await;
    assert_eq!(state.resources[&id(TargetGroup, "web")].present().unwrap().arn, shop.arn(TargetGroup, "web"));
}

#[tokio::test(start_paused = true)]
async fn the_rules_of_a_listener_that_no_list_shows_yet_are_looked_for_on_it() {
    let sim = seeded();
    let shop = shop(&sim).await;
    let before = FaultRule::on("DescribeListeners", Effect::StaleRead(3600.0)).resource("LoadBalancerArn");
    sim.faults().add(before);
    let (state, _) = shop.observe(&sim, Depth::Full).await;
    for kind in [Listener, Rule] {
        let found = state.resources.iter().find(|(id, _)| id.kind == kind).unwrap();
        assert!(found.1.present().is_some(), "{found:?}");
    }
    let clients = hand(&sim).await;
    elbv2::write::delete_rule(&clients, shop.arn(Rule, "web")).await.unwrap();
    sim.reset_calls();
    let (state, _) = shop.observe(&sim, Depth::Full).await;
    assert!(state.resources[&id(Rule, "web")].is_absent());
    assert_eq!(sim.counts().of("elasticloadbalancing", "DescribeRules"), 2, "the list, and the recorded one");
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_errors_is_all_gaps_and_a_throttled_third_is_none() {
    let sim = seeded();
    let shop = shop(&sim).await;
    sim.faults().add(FaultRule::on("*", Effect::throttle()).when(When::EveryNth(3)));
    let (state, _) = shop.observe(&sim, Depth::Full).await;
    assert_eq!(operations(&state), []);
    sim.faults().clear();
    sim.faults().add(FaultRule::on("*", Effect::server_error()));
    let (state, _) = shop.observe(&sim, Depth::Full).await;
    assert!(state.services.values().chain([]).all(|seen| matches!(seen, Seen::Unknown(_))));
    assert!(state.resources.values().all(|seen| matches!(seen, Seen::Unknown(_))), "{:#?}", state.resources);
    assert!(state.gaps.iter().all(|gap| gap.code == "ServerException"));
}

#[tokio::test(start_paused = true)]
async fn the_same_look_asks_in_the_same_order_and_gives_the_same_answer() {
    let mut observations = Vec::new();
    for _ in 0..2 {
        let sim = seeded();
        let shop = shop(&sim).await;
        let (state, _) = shop.observe(&sim, Depth::Full).await;
        observations.push((state, sim.calls()));
    }
    assert_eq!(observations[0], observations[1]);
}

#[tokio::test(start_paused = true)]
async fn all_pages_of_tasks_are_read() {
    let sim = seeded();
    let shop = shop(&sim).await;
    let clients = hand(&sim).await;
    let many = json!({"cluster": "main", "service": "shop-web", "desiredCount": 120});
    ecs::write::update_service(&clients, &many).await.unwrap();
    tokio::time::advance(Duration::from_secs(3600)).await;
    let (state, _) = shop.observe(&sim, Depth::Full).await;
    assert_eq!(state.services["web"].present().unwrap().running, 120);
    assert_eq!(state.tasks["web"].present().unwrap().len(), 120);
    assert_eq!(state.targets["web"].present().unwrap().len(), 120);
    assert_eq!(sim.counts().of("ecs", "DescribeTasks"), 2);
}

#[tokio::test(start_paused = true)]
async fn log_groups_are_found_by_prefix_where_identifiers_are_not_taken() {
    let sim = seeded();
    let shop = shop(&sim).await;
    let clients = hand(&sim).await;
    logs::write::create_log_group(&clients, "/shop-too", None, &owned("x", "x")).await.unwrap();
    let refused = Effect::Error {
        status: 400,
        code: "InvalidParameterException".to_owned(),
        message: "logGroupIdentifiers".to_owned(),
    };
    sim.faults().add(FaultRule::on("DescribeLogGroups", refused).resource("logGroupIdentifiers"));
    let (state, _) = shop.observe(&sim, Depth::Full).await;
    let group = state.resources[&id(LogGroup, "/shop")].present().unwrap();
    assert_eq!(group.fields["logGroupName"], "/shop");
    logs::write::delete_log_group(&clients, "/shop").await.unwrap();
    let (state, _) = shop.observe(&sim, Depth::Full).await;
    assert!(state.resources[&id(LogGroup, "/shop")].is_absent());
}

#[tokio::test(start_paused = true)]
async fn service_deployments_without_their_revisions_are_shown_with_a_gap() {
    let sim = seeded();
    let shop = shop(&sim).await;
    let clients = hand(&sim).await;
    let other = register(&clients, "x", "x", "x", "h2").await;
    let elsewhere = json!({"cluster": "main", "service": "shop-web", "taskDefinition": other});
    ecs::write::update_service(&clients, &elsewhere).await.unwrap();
    sim.faults().add(denied("ecs:DescribeServiceRevisions"));
    let (state, _) = shop.observe(&sim, Depth::Light).await;
    let deployments = state.service_deployments["web"].present().unwrap();
    assert!(deployments.iter().all(|deployment| deployment.task_definition.is_none()));
    assert_eq!(operations(&state), [("ecs:DescribeServiceRevisions", "AccessDeniedException")]);

    sim.faults().clear();
    sim.faults().add(denied("ecs:ListServiceDeployments"));
    let (state, _) = shop.observe(&sim, Depth::Light).await;
    assert!(matches!(state.service_deployments["web"], Seen::Unknown(_)));
}

#[tokio::test(start_paused = true)]
async fn a_rollout_that_ecs_took_back_is_no_reason_to_read_more() {
    let sim = seeded();
    let mut shop = Shop::plain("shop");
    shop.bring_up(&sim).await;
    let clients = hand(&sim).await;
    let failed = register(&clients, "shop", "web", "shop-web", "h2").await;
    let web = shop.rollout.components.get_mut("web").unwrap();
    web.revision = Some(crate::model::rollout::Revision { hash: "h2".into(), arn: failed, registered: None });
    web.phase = Phase::RolledBack {
        hash: "h2".into(),
        deployment: "ecs-svc/1".to_owned(),
        reason: "it failed".to_owned(),
        since: Timestamp::UNIX_EPOCH,
    };
    assert_eq!(shop.observe(&sim, Depth::Light).await.0.depth, Depth::Light);
}

#[tokio::test(start_paused = true)]
async fn rules_that_are_recorded_are_asked_for_and_a_listener_is_listed_only_for_what_is_not_there() {
    let sim = seeded();
    let shop = shop(&sim).await;
    let (before, _) = shop.observe(&sim, Depth::Full).await;
    let rule = id(Rule, "web");
    assert!(before.resources[&rule].present().is_some());
    assert_eq!(sim.counts().of("elasticloadbalancing", "DescribeRules"), 1);
    // Somebody deletes it and makes another one in its place.
    let hand = hand(&sim).await;
    elbv2::write::delete_rule(&hand, shop.arn(Rule, "web")).await.unwrap();
    let fields = self::rule(shop.arn(Listener, "http"), 10, shop.arn(TargetGroup, "web"));
    let made = elbv2::write::create_rule(&hand, &fields, &owned("stranger", "web")).await.unwrap();
    let (after, _) = shop.observe(&sim, Depth::Full).await;
    assert_eq!(Some(&after.resources[&rule].present().unwrap().arn), made.arn.as_ref());
    assert_eq!(sim.counts().of("elasticloadbalancing", "DescribeRules"), 2, "by its ARN, then the list");
}
