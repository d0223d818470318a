//! Edits in which things of one deployment take each other's place: hosts, groups, keys, names.

use super::{listeners, open, turns};
use crate::support::traffic::Traffic;
use crate::support::{Fixture, SHOP};
use aws_sim::traffic::Request;
use serde_json::json;
use std::fmt::Write;

/// Three shops, each with a group, a rule and a service of its own.
const NAMES: [&str; 3] = ["a", "b", "c"];

/// One rule of the three: under which key and at which place it takes which host, and to which
/// group it sends it.
struct Rule<'a> {
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
fn straight() -> Vec<Rule<'static>> {
    NAMES.iter().enumerate().map(|(place, name)| Rule::of(name, place, name, name)).collect()
}

/// A document with these rules, in which the services are behind these groups.
fn document(rules: &[Rule<'_>], groups: [&str; 3]) -> String {
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

fn host(name: &str) -> Request {
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
