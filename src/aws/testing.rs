//! The way to a simulated AWS, for the tests of this layer and of those that use it.

use super::budget::Pace;
use super::{Aws, PlacementClients, Settings};
use crate::model::kinds::Placement;
use aws_sim::Sim;
use std::sync::Arc;

/// Settings for a simulated AWS; `share` of the budget.
pub(crate) fn settings(sim: &Sim, share: Option<f64>) -> Settings {
    let clock = sim.clock();
    Settings {
        pace: Pace { share: share.map(Into::into), speed: 1.0 },
        ..Settings::closed(sim.http_client(), move || clock.now())
    }
}

/// The cluster `main` in `eu-west-1`.
pub(crate) fn placement() -> Placement {
    Placement { region: "eu-west-1".to_owned(), cluster: "main".to_owned(), role_arn: None }
}

/// The simulation as this layer sees it, without a budget.
pub(crate) async fn connect(sim: &Sim) -> Aws {
    Aws::connect(settings(sim, None)).await
}

/// Clients for [`placement`], without a budget.
pub(crate) async fn clients(sim: &Sim) -> Arc<PlacementClients> {
    connect(sim).await.at(&placement()).await
}
