//! What a rollout under way does not read again.

use super::shop::{Shop, collect, hand, id, seeded};
use crate::aws::logs;
use crate::model::call::{Call, Verb};
use crate::model::ids::Generation;
use crate::model::observed::{Depth, ObservedState};
use crate::model::plan::{Plan, PlannedAction, Reason};
use crate::model::resource::ResourceKind;
use crate::observed::{Kept, ObservationRequest};
use aws_sim::Sim;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

fn plan(actions: Vec<PlannedAction>) -> Plan {
    let (generation, stale_targets) = (Generation(1), BTreeMap::new());
    let (waiting_on, drift, notes) = (Vec::new(), Vec::new(), Vec::new());
    Plan { deployment: "shop".into(), generation, actions, waiting_on, drift, notes, stale_targets }
}

fn write(kind: ResourceKind, call: Call) -> PlannedAction {
    let (verb, reason) = (Verb::Update, Reason::Drifted);
    PlannedAction { resource: id(kind, "web"), verb, call, reason, changes: Vec::new() }
}

async fn look(sim: &Sim, shop: &Shop, kept: Option<&Kept>) -> ObservedState {
    sim.reset_calls();
    let ask = ObservationRequest { kept, ..shop.ask(Depth::Full) };
    collect(sim, &[ask]).await.pop().unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_ecs_does_not_move_is_taken_from_the_last_look_and_the_rest_is_read() {
    let sim = seeded();
    let mut shop = Shop::new("shop");
    shop.bring_up(&sim).await;
    let first = look(&sim, &shop, None).await;
    let kept = Kept::of(first.clone(), None, &plan(Vec::new())).unwrap();
    let second = look(&sim, &shop, Some(&kept)).await;
    let mut expected = first;
    expected.at = second.at;
    assert_eq!(second, expected, "nothing is missing in it");
    let counts = sim.counts();
    for (service, operation) in [
        ("ecs", "ListTaskDefinitions"),
        ("ecs", "DescribeTaskDefinition"),
        ("secretsmanager", "DescribeSecret"),
        ("logs", "DescribeLogGroups"),
        ("logs", "ListTagsForResource"),
        ("elasticloadbalancing", "DescribeTargetGroupAttributes"),
    ] {
        assert_eq!(counts.of(service, operation), 0, "{operation}");
    }
    for (service, operation) in [
        ("ecs", "DescribeServices"),
        ("ecs", "DescribeTasks"),
        ("elasticloadbalancing", "DescribeTargetHealth"),
        ("elasticloadbalancing", "DescribeRules"),
        ("elasticloadbalancing", "DescribeTargetGroups"),
    ] {
        assert!(counts.of(service, operation) > 0, "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_not_there_is_read_again() {
    let sim = seeded();
    let mut shop = Shop::new("shop");
    shop.bring_up(&sim).await;
    let hand = hand(&sim).await;
    logs::write::delete_log_group(&hand, "/shop").await.unwrap();
    let first = look(&sim, &shop, None).await;
    let group = id(ResourceKind::LogGroup, "/shop");
    assert!(first.resources[&group].is_absent());
    logs::write::create_log_group(&hand, "/shop", None, &BTreeMap::new()).await.unwrap();
    let kept = Kept::of(first, None, &plan(Vec::new())).unwrap();
    assert!(look(&sim, &shop, Some(&kept)).await.resources[&group].present().is_some());
}

#[tokio::test(start_paused = true)]
async fn it_is_kept_for_half_a_minute_from_when_it_was_read_and_never_beyond_a_write_of_ours() {
    let sim = seeded();
    let mut shop = Shop::new("shop");
    shop.bring_up(&sim).await;
    let first = look(&sim, &shop, None).await;
    let after = |seconds| first.at + SignedDuration::from_secs(seconds);
    let kept = Kept::of(first.clone(), None, &plan(Vec::new())).unwrap();
    let good = |kept: &Kept, now: Timestamp| Kept::from_text(&kept.to_text().unwrap(), now).is_some();
    assert!(good(&kept, after(29)) && !good(&kept, after(30)) && !good(&kept, after(-1)));

    let mut later = first.clone();
    later.at = after(20);
    let again = Kept::of(later, Some(&kept), &plan(Vec::new())).unwrap();
    assert!(good(&again, after(29)) && !good(&again, after(30)), "it is as old as what it was taken from");

    let arn = || "arn".to_owned();
    let retention = Call::DeleteRetentionPolicy { name: "/shop".to_owned() };
    let written = plan(vec![write(ResourceKind::LogGroup, retention)]);
    assert!(Kept::of(first.clone(), None, &written).is_none());
    let deregistered =
        plan(vec![write(ResourceKind::TaskDefinition, Call::DeregisterTaskDefinition { arn: arn() })]);
    assert!(Kept::of(first.clone(), None, &deregistered).is_none());
    let moved = plan(vec![write(ResourceKind::Rule, Call::DeleteRule { arn: arn() })]);
    assert!(Kept::of(first, None, &moved).is_some(), "rules are read by every look");
}
