//! From nothing to Ready, and steady from there on.

use crate::support::{SHOP, World};

#[tokio::test(start_paused = true)]
async fn an_application_becomes_ready_and_then_nothing_is_written() {
    let world = World::new(&[("shop.yaml", SHOP)]).await;
    world.ready_within(600).await;
    let status = world.status("shop");
    assert_eq!(status.components["migrate"].phase, "Complete");
    assert_eq!((status.components["web"].running, status.components["web"].desired), (2, 2));
    assert_eq!(status.components["web"].targets["web"].healthy, 2);
    world.sim.reset_calls();
    world.pass(3600).await;
    assert_eq!(world.writes(), Vec::<String>::new());
}
