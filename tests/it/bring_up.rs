//! From nothing to Ready, and steady from there on.

use crate::support::{Fixture, SHOP};

#[tokio::test(start_paused = true)]
async fn an_application_becomes_ready_and_then_nothing_is_written() {
    let fixture = Fixture::new(&[("shop.yaml", SHOP)]).await;
    fixture.ready_within(600).await;
    let status = fixture.status("shop");
    assert_eq!(status.components["migrate"].phase, "Complete");
    assert_eq!((status.components["web"].running, status.components["web"].desired), (2, 2));
    assert_eq!(status.components["web"].targets["web"].healthy, 2);
    fixture.sim.reset_calls();
    fixture.pass(3600).await;
    assert_eq!(fixture.writes(), Vec::<String>::new());
}
