//! Edits in which things of one deployment take each other's place: hosts, groups, keys, names.

use super::{alive, listeners, open, open_on, services, turns, with_slow_workers, with_worker};
use crate::support::traffic::Traffic;
use crate::support::{Fixture, SHOP, condition};
use aws_sim::traffic::Request;
use evenkeel::model::condition::{ConditionType, Truth};
use serde_json::json;
use std::fmt::Write;

/// Three shops, each with a group, a rule and a service of its own.
pub const NAMES: [&str; 3] = ["a", "b", "c"];

/// One rule of the three: under which key and at which place it takes which host, and to which
/// group it sends it.
pub struct Rule<'a> {
    key: &'a str,
    place: usize,
    hosts: &'a str,
    group: &'a str,
}

impl<'a> Rule<'a> {
    fn of(key: &'a str, place: usize, hosts: &'a str, group: &'a str) -> Self {
        Self { key, place, hosts, group }
    }
}

/// The three shops as they are to begin with.
pub fn straight() -> Vec<Rule<'static>> {
    NAMES.iter().enumerate().map(|(place, name)| Rule::of(name, place, name, name)).collect()
}

/// A document with these rules, in which the services are behind these groups.
pub fn document(rules: &[Rule<'_>], groups: [&str; 3]) -> String {
    let after = |text: &'static str, mark: &str| text.split(mark).nth(1).unwrap();
    let group = after(SHOP, "  targetGroups:\n    web:\n").split("  listeners:").next().unwrap();
    let listeners =
        format!("  listeners:\n{}", after(SHOP, "  listeners:\n").split("  rules:").next().unwrap());
    let (head, migrate) = SHOP.split_once("  targetGroups:").unwrap();
    let migrate = migrate.split_once("  components:\n").unwrap().1.split("    web:\n").next().unwrap();
    let web = after(SHOP, "    web:\n      dependsOn: [migrate]\n");
    let mut text = format!("{head}  targetGroups:\n");
    NAMES.iter().for_each(|name| write!(text, "    {name}:\n{group}").unwrap());
    writeln!(text, "{listeners}  rules:").unwrap();
    for Rule { key, place, hosts, group } in rules {
        let hosts: Vec<String> = hosts.split(' ').map(|host| format!("{host}.example.com")).collect();
        write!(
            text,
            "    {key}:\n      listener: http\n      priority: {}\n      conditions: [{{field: host-header, values: [{}]}}]\n      \
             actions: [{{type: forward, targetGroup: {group}}}]\n",
            10 + place,
            hosts.join(", "),
        )
        .unwrap();
    }
    write!(text, "  components:\n{migrate}").unwrap();
    for (name, group) in NAMES.iter().zip(groups) {
        let one = web.replace("{targetGroup: web,", &format!("{{targetGroup: {group},"));
        write!(text, "    {name}:\n{one}").unwrap();
    }
    text
}

pub fn host(name: &str) -> Request {
    Request::to("shop", 80).host(format!("{name}.example.com"))
}

/// Declares another edition of the three shops, and waits until it is Ready and nothing is done any
/// more: all requests that need to be served were.
async fn becomes(fixture: &mut Fixture, traffic: &Traffic, document: &str) {
    fixture.write("shop.yaml", document).await;
    fixture.pass(1).await;
    fixture.ready_within(1800).await;
    fixture.pass(900).await;
    fixture.ready_within(1).await;
    traffic.all_served();
}

/// The three shops become another edition; `gone` is declared no longer.
async fn three(rules: &[Rule<'_>], groups: [&str; 3], gone: &[&str]) -> (Fixture, Traffic) {
    let (mut fixture, traffic) = open(&document(&straight(), NAMES)).await;
    gone.iter().for_each(|name| traffic.no_longer(&host(name)));
    becomes(&mut fixture, &traffic, &document(rules, groups)).await;
    (fixture, traffic)
}

/// Who serves each host in the end.
fn served_by(traffic: &Traffic) -> Vec<String> {
    let last = |name: &&str| turns(traffic, &host(name)).last().unwrap().join(" ");
    NAMES.iter().map(last).collect()
}

#[tokio::test(start_paused = true)]
async fn the_hosts_of_three_rules_rotate() {
    let rules = [Rule::of("a", 0, "b", "a"), Rule::of("b", 1, "c", "b"), Rule::of("c", 2, "a", "c")];
    let (_, traffic) = three(&rules, NAMES, &[]).await;
    assert_eq!(served_by(&traffic), ["shop/shop-c", "shop/shop-a", "shop/shop-b"]);
}

#[tokio::test(start_paused = true)]
async fn one_rule_takes_the_host_of_another_which_gets_a_new_one() {
    let rules = [Rule::of("a", 0, "b", "a"), Rule::of("b", 1, "d", "b"), Rule::of("c", 2, "c", "c")];
    let (_, traffic) = three(&rules, NAMES, &["a"]).await;
    assert_eq!(turns(&traffic, &host("b")), [["shop/shop-b"], ["shop/shop-a"]]);
    let rules = [Rule::of("a", 0, "d", "a"), Rule::of("b", 1, "a", "b"), Rule::of("c", 2, "c", "c")];
    let (_, traffic) = three(&rules, NAMES, &["b"]).await;
    assert_eq!(turns(&traffic, &host("a")), [["shop/shop-a"], ["shop/shop-b"]]);
}

#[tokio::test(start_paused = true)]
async fn a_host_goes_from_one_rule_to_another_that_keeps_its_own() {
    let rules = [Rule::of("a", 0, "a", "a"), Rule::of("b", 1, "b c", "b"), Rule::of("c", 2, "d", "c")];
    three(&rules, NAMES, &[]).await;
    let rules = [Rule::of("a", 0, "d", "a"), Rule::of("b", 1, "b a", "b"), Rule::of("c", 2, "c", "c")];
    three(&rules, NAMES, &[]).await;
}

#[tokio::test(start_paused = true)]
async fn the_keys_of_two_rules_are_exchanged() {
    let rules = [Rule::of("b", 0, "a", "a"), Rule::of("a", 1, "b", "b"), Rule::of("c", 2, "c", "c")];
    let (fixture, _) = three(&rules, NAMES, &[]).await;
    let moved = fixture.carried_out().into_keys().any(|call| call.ends_with(":SetRulePriorities"));
    assert!(!moved, "both stand where they are declared");
}

#[tokio::test(start_paused = true)]
async fn the_keys_and_the_hosts_of_three_rules_rotate() {
    let rules = [Rule::of("b", 0, "c", "a"), Rule::of("c", 1, "a", "b"), Rule::of("a", 2, "b", "c")];
    let (_, traffic) = three(&rules, NAMES, &[]).await;
    assert_eq!(served_by(&traffic), ["shop/shop-b", "shop/shop-c", "shop/shop-a"]);
}

#[tokio::test(start_paused = true)]
async fn the_groups_of_three_rules_rotate() {
    let rules = [Rule::of("a", 0, "a", "b"), Rule::of("b", 1, "b", "c"), Rule::of("c", 2, "c", "a")];
    let (_, traffic) = three(&rules, NAMES, &[]).await;
    assert_eq!(served_by(&traffic), ["shop/shop-b", "shop/shop-c", "shop/shop-a"]);
}

#[tokio::test(start_paused = true)]
async fn the_groups_of_three_services_rotate() {
    let (_, traffic) = three(&straight(), ["b", "c", "a"], &[]).await;
    assert_eq!(served_by(&traffic), ["shop/shop-c", "shop/shop-a", "shop/shop-b"]);
}

#[tokio::test(start_paused = true)]
async fn the_groups_of_three_rules_and_of_their_services_rotate() {
    let rules = [Rule::of("a", 0, "a", "b"), Rule::of("b", 1, "b", "c"), Rule::of("c", 2, "c", "a")];
    let (_, traffic) = three(&rules, ["b", "c", "a"], &[]).await;
    assert_eq!(served_by(&traffic), ["shop/shop-a", "shop/shop-b", "shop/shop-c"]);
}

#[tokio::test(start_paused = true)]
async fn a_service_stays_in_its_group_while_the_one_that_is_to_take_its_place_does_not_come_up() {
    let (mut fixture, traffic) = open(&document(&straight(), NAMES)).await;
    let rotated = document(&straight(), ["b", "c", "a"]);
    let (before, c) = rotated.rsplit_once("/shop:1.0").unwrap();
    let broken = format!("{before}/shop:crash{c}");
    fixture.write("shop.yaml", &broken).await;
    fixture.pass(3600).await;
    traffic.all_served();
    becomes(&mut fixture, &traffic, &rotated).await;
    assert_eq!(served_by(&traffic), ["shop/shop-c", "shop/shop-a", "shop/shop-b"]);
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_lost_its_tags_and_its_place_gets_both_back() {
    let (fixture, traffic) = open(SHOP).await;
    let listener = listeners(&fixture).remove(0)["ListenerArn"].clone();
    let found = fixture.by_hand("elasticloadbalancing", "DescribeRules", json!({"ListenerArn": listener}));
    let rules = found["Rules"].as_array().unwrap();
    let rule = &rules.iter().find(|rule| rule["Priority"] != "default").unwrap()["RuleArn"];
    let keys = json!({"ResourceArns.member.1": rule, "TagKeys.member.1": "evenkeel.dev/owner",
        "TagKeys.member.2": "evenkeel.dev/component"});
    fixture.by_hand("elasticloadbalancing", "RemoveTags", keys);
    let moved = json!({"RulePriorities.member.1.RuleArn": rule, "RulePriorities.member.1.Priority": 77});
    fixture.by_hand("elasticloadbalancing", "SetRulePriorities", moved);
    fixture.pass(180).await;
    fixture.ready_within(1).await;
    traffic.all_served();
    assert_eq!(super::rules(&fixture).into_iter().map(|rule| rule.0).collect::<Vec<_>>(), ["10"]);
    let tags =
        fixture.by_hand("elasticloadbalancing", "DescribeTags", json!({"ResourceArns.member.1": rule}));
    assert!(tags.to_string().contains("evenkeel.dev/owner"), "{tags}");
}

/// Calls that AWS refused, with the code of each.
fn refused(fixture: &Fixture) -> Vec<String> {
    let calls = fixture.sim.calls();
    let refused = calls.iter().filter(|call| call.write && call.status / 100 == 4);
    refused.map(|call| format!("{}: {}", call.operation, call.error.clone().unwrap_or_default())).collect()
}

#[tokio::test(start_paused = true)]
async fn nothing_is_refused_while_a_service_moves_to_another_target_group() {
    let (mut fixture, traffic) = open(SHOP).await;
    let moved = SHOP.replace("      port: 8080\n", "      port: 9090\n");
    becomes(&mut fixture, &traffic, &moved).await;
    assert_eq!(refused(&fixture), Vec::<String>::new());
}

/// The shop with a second load balancer, `mall`.
async fn beside_a_mall() -> (Fixture, Traffic) {
    let opened = open(SHOP).await;
    let mall = json!({"region": "eu-west-1", "loadBalancers": [{"name": "mall", "listeners": []}]});
    opened.0.sim.seed_world(&mall).unwrap();
    opened
}

/// The shop on the other load balancer.
fn in_the_mall() -> String {
    SHOP.replace("loadBalancer: shop\n", "loadBalancer: mall\n")
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_moves_to_another_load_balancer_needs_a_group_of_its_own_and_it_is_said() {
    let (mut fixture, traffic) = beside_a_mall().await;
    fixture.write("shop.yaml", &in_the_mall()).await;
    fixture.pass(4 * 3600).await;
    traffic.all_served();
    assert_eq!(refused(&fixture), Vec::<String>::new());
    let (ready, _, message) = condition(&fixture.status("shop"), ConditionType::Ready);
    assert_eq!(ready, Truth::False);
    for words in ["target group", "load balancer `shop`", "another key"] {
        assert!(message.contains(words), "{words}: {message}");
    }
    // Back again, nothing has happened.
    becomes(&mut fixture, &traffic, SHOP).await;
    // With a group of its own it moves.
    let moved = in_the_mall()
        .replace("  targetGroups:\n    web:", "  targetGroups:\n    front:")
        .replace("targetGroup: web", "targetGroup: front");
    fixture.write("shop.yaml", &moved).await;
    let mall = Request::to("mall", 80);
    for _ in 0..1800 {
        if fixture.sim.every_answer(&mall).iter().all(|answer| answer.target_group().is_some()) {
            break;
        }
        traffic.all_served();
        fixture.pass(1).await;
    }
    traffic.also(mall.clone());
    traffic.no_longer(&Request::to("shop", 80));
    fixture.ready_within(1800).await;
    fixture.pass(900).await;
    fixture.ready_within(1).await;
    traffic.all_served();
    assert_eq!(turns(&traffic, &mall), [["shop/shop-web"]]);
    assert_eq!(refused(&fixture), Vec::<String>::new());
}

/// The shop with two singletons under these names.
fn workers(names: [&str; 2]) -> String {
    let one = |key: &str, name: &str| {
        let whole = with_worker(key, "singleton");
        format!("{}        serviceName: {name}\n", whole.strip_prefix(SHOP).unwrap())
    };
    format!("{SHOP}{}{}", one("porter", names[0]), one("worker", names[1]))
}

/// The names of two singletons change: never two tasks of one run, and both do in the end.
async fn renamed(before: [&str; 2], after: [&str; 2]) {
    renamed_under(before, after, "Repair").await;
}

/// The same, with this policy for what differs from what is in force.
async fn renamed_under(before: [&str; 2], after: [&str; 2], policy: &str) {
    let document = |names| {
        let region = "  placement: {region: eu-west-1";
        workers(names).replace(region, &format!("  drift: {{policy: {policy}}}\n{region}"))
    };
    let (mut fixture, traffic) = open_on(with_slow_workers(), &document(before)).await;
    fixture.write("shop.yaml", &document(after)).await;
    let mut ready_for = 0;
    for _ in 0..3600 {
        fixture.pass(1).await;
        for family in ["shop-porter", "shop-worker"] {
            let count = alive(&fixture, family);
            assert!(count <= 1, "{count} of {family} at {}", fixture.sim.now());
        }
        let is_ready = fixture.handle.statuses().iter().all(|status| evenkeel::reconcile::is_ready(status));
        ready_for = if is_ready { ready_for + 1 } else { 0 };
    }
    assert!(ready_for > 900, "{:?}", fixture.status("shop"));
    traffic.all_served();
    assert_eq!([alive(&fixture, "shop-porter"), alive(&fixture, "shop-worker")], [1, 1]);
    let found = fixture.sim.with(|world| world.region("eu-west-1").ecs.services());
    for (family, name) in ["shop-porter", "shop-worker"].into_iter().zip(after) {
        let service = found.iter().find(|one| one.key == format!("shop/{name}")).unwrap();
        assert_eq!(service.status, "ACTIVE", "{name}");
        let input = json!({"cluster": "shop", "services": [name]});
        let shown = fixture.by_hand("ecs", "DescribeServices", input);
        let definition = shown["services"][0]["taskDefinition"].as_str().unwrap();
        assert!(definition.contains(&format!("/{family}:")), "{name} runs {definition}");
    }
    let active: Vec<String> = services(&fixture);
    assert_eq!(active.len(), 3, "{active:?}");
}

#[tokio::test(start_paused = true)]
async fn two_singletons_exchange_their_names() {
    renamed(["one", "two"], ["two", "one"]).await;
}

#[tokio::test(start_paused = true)]
async fn two_singletons_exchange_their_names_where_drift_is_only_reported() {
    renamed_under(["one", "two"], ["two", "one"], "Report").await;
}

#[tokio::test(start_paused = true)]
async fn a_singleton_takes_the_name_of_another_which_gets_a_new_one() {
    renamed(["one", "two"], ["two", "three"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_singleton_gets_a_new_name_and_another_takes_its_former_one() {
    renamed(["one", "two"], ["three", "one"]).await;
}

/// The shop whose listener sends everything to its group by itself.
fn by_default() -> String {
    let rule = SHOP.split("  rules:\n").nth(1).unwrap().split("  components:").next().unwrap();
    SHOP.replace(&format!("  rules:\n{rule}"), "").replace(
        "[{type: fixed-response, fixedResponseConfig: {statusCode: \"404\"}}]",
        "[{type: forward, targetGroup: web}]",
    )
}

#[tokio::test(start_paused = true)]
async fn a_default_action_and_a_rule_take_each_others_place_and_back_at_any_moment() {
    for after in [0, 2, 20, 200] {
        let (mut fixture, traffic) = open(SHOP).await;
        fixture.write("shop.yaml", &by_default()).await;
        fixture.pass(after).await;
        becomes(&mut fixture, &traffic, SHOP).await;
        becomes(&mut fixture, &traffic, &by_default()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_waits_with_its_new_group_for_the_load_balancer_that_is_to_forward_to_it() {
    let (mut fixture, traffic) = open(SHOP).await;
    let moved = in_the_mall()
        .replace("  targetGroups:\n    web:", "  targetGroups:\n    front:")
        .replace("targetGroup: web", "targetGroup: front")
        .replace("/shop:1.0", "/shop:2.0");
    fixture.write("shop.yaml", &moved).await;
    fixture.pass(1800).await;
    traffic.all_served();
    assert_eq!(refused(&fixture), Vec::<String>::new());
    let mall = json!({"region": "eu-west-1", "loadBalancers": [{"name": "mall", "listeners": []}]});
    fixture.sim.seed_world(&mall).unwrap();
    traffic.no_longer(&Request::to("shop", 80));
    fixture.ready_within(1800).await;
    assert_eq!(refused(&fixture), Vec::<String>::new());
}
