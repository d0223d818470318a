use super::*;
use crate::desired::common;
use std::collections::BTreeMap;

fn named(name: &str, changes: &[(&str, Value)]) -> DesiredState {
    let mut document = changed(changes);
    set(&mut document, "/metadata/name", json!(name));
    state(&document)
}

fn messages(all: &[DesiredState], name: &str) -> Vec<String> {
    common(all, &BTreeMap::new())
        .conflicts
        .remove(name)
        .unwrap_or_default()
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn the_second_claim_is_an_error_that_names_the_first() {
    let other_port = [("/spec/listeners/http/port", json!(81))];
    let one = named("a", &[]);
    let same_listener = named("b", &[]);
    let all = [same_listener, one.clone()];
    assert_eq!(messages(&all, "a"), Vec::<String>::new());
    let found = messages(&all, "b");
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].starts_with(
        "error: spec.listeners.http: the listener on port 80 of load balancer `front` belongs to `a`"
    ));
    assert!(found[1].contains("priority 10 of the listener on port 80"));
    assert_eq!(common(&[one, named("b", &other_port)], &BTreeMap::new()).conflicts, Default::default());
}

#[test]
fn services_families_and_target_groups_have_one_owner_each() {
    let port = ("/spec/listeners/http/port", json!(81));
    for (pointer, value, expected) in [
        (
            "/spec/components/web/service/serviceName",
            "a-web",
            "service `a-web` in cluster `shop` belongs to `a`",
        ),
        (
            "/spec/components/web/taskDefinition/family",
            "a-web",
            "task definition family `a-web` belongs to `a`",
        ),
    ] {
        let all = [named("a", &[]), named("b", &[port.clone(), (pointer, json!(value))])];
        let found = messages(&all, "b");
        assert!(found.len() == 1 && found[0].contains(expected), "{found:#?}");
    }
    let name = ("/spec/targetGroups/web/name", json!("one"));
    let found = messages(&[named("a", std::slice::from_ref(&name)), named("b", &[port, name])], "b");
    assert!(found.len() == 1 && found[0].contains("target group `one` belongs to `a`"), "{found:#?}");
}

#[test]
fn a_log_group_may_be_shared_when_both_say_the_same() {
    let port = ("/spec/listeners/http/port", json!(81));
    let days = ("/spec/logGroups/~1ecs~1shop/retentionInDays", json!(7));
    assert_eq!(
        common(&[named("a", &[]), named("b", std::slice::from_ref(&port))], &BTreeMap::new()).conflicts,
        Default::default()
    );
    let found = messages(&[named("a", &[]), named("b", &[port, days])], "b");
    assert!(found.len() == 1 && found[0].contains("declared with other settings by `a`"), "{found:#?}");
}

#[test]
fn another_region_is_another_world() {
    let region = ("/spec/placement/region", json!("eu-west-2"));
    assert_eq!(
        common(&[named("a", &[]), named("b", &[region])], &BTreeMap::new()).conflicts,
        Default::default()
    );
}
