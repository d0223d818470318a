//! What is there and cannot be used yet: it is waited for, and reported; what failed is reported at
//! once.

use crate::support::{Fixture, REGION, SHOP, condition};
use aws_sim::Sim;
use evenkeel::model::condition::{ConditionType, Truth};

#[tokio::test(start_paused = true)]
async fn nothing_is_made_on_a_load_balancer_until_it_can_be_used() {
    let fixture = Fixture::on(Sim::builder().seed(7).build(), &[("shop.yaml", SHOP)]).await;
    fixture.pass(20).await;
    let status = fixture.status("shop");
    let (truth, reason, message) = condition(&status, ConditionType::ResourcesReady);
    assert_eq!((truth, reason.as_str()), (Truth::False, "ResourceMissing"), "{message}");
    let waits: Vec<String> = status.waiting_on.iter().map(|waiting| waiting.on.to_string()).collect();
    assert!(waits.contains(&"load balancer shop: it is provisioning".to_owned()), "{waits:?}");
    assert_eq!(condition(&status, ConditionType::Stalled).0, Truth::False, "it becomes ready by itself");
    assert!(!fixture.carried_out().contains_key("elasticloadbalancing:CreateListener"));
    fixture.pass(20).await;
    let made = fixture.carried_out();
    assert!(made.contains_key("elasticloadbalancing:CreateListener"), "it is observed often: {made:?}");
    fixture.ready_within(600).await;
    let status = fixture.status("shop");
    assert_eq!(condition(&status, ConditionType::ResourcesReady).1, "AllReady");
}

#[tokio::test(start_paused = true)]
async fn a_load_balancer_that_failed_stalls_the_deployment_with_awss_reason_until_it_is_mended() {
    let fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(600).await;
    fixture.sim.with(|world| world.region(REGION).elbv2.fail_load_balancer("shop", Some("no capacity")));
    fixture.sim.reset_calls();
    fixture.pass(120).await;
    let status = fixture.status("shop");
    for kind in [ConditionType::ResourcesReady, ConditionType::Stalled, ConditionType::Ready] {
        let (_, reason, message) = condition(&status, kind);
        assert_eq!(reason, "ResourceFailed", "{kind}: {message}");
        assert!(message.contains("load balancer shop: it failed: no capacity"), "{kind}: {message}");
    }
    assert_eq!(fixture.writes(), Vec::<String>::new(), "what serves is left alone");
    fixture.sim.with(|world| world.region(REGION).elbv2.fail_load_balancer("shop", None));
    fixture.ready_within(300).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_service_behind_a_group_that_nothing_forwards_to_is_ready_and_says_so() {
    let document = SHOP.replace(
        "actions: [{type: forward, targetGroup: web}]",
        "actions: [{type: fixed-response, fixedResponseConfig: {statusCode: \"503\"}}]",
    );
    let mut fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(600).await;
    fixture.write("shop.yaml", &document).await;
    fixture.pass(60).await;
    fixture.ready_within(600).await;
    let (truth, reason, message) = condition(&fixture.status("shop"), ConditionType::TargetsHealthy);
    assert_eq!((truth, reason.as_str()), (Truth::True, "TargetsUnused"), "{message}");
    assert!(message.contains("no rule or listener forwards to web"), "{message}");
    // What is to serve again has to be healthy first.
    fixture.write("shop.yaml", SHOP).await;
    fixture.pass(5).await;
    fixture.ready_within(900).await;
    let (truth, reason, _) = condition(&fixture.status("shop"), ConditionType::TargetsHealthy);
    assert_eq!((truth, reason.as_str()), (Truth::True, "AllHealthy"));
    fixture.traffic().all_served();
}
