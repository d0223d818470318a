//! The way to a simulated AWS, for the tests of this room and of those that use it.

use super::budget::Pace;
use super::{Aws, PlacementClients, Settings};
use crate::model::kinds::Placement;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sim::Sim;
use aws_smithy_async::time::{SharedTimeSource, TimeSource};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use std::sync::Arc;
use std::time::SystemTime;

/// Simulated time, for signatures and the expiry of credentials.
#[derive(Debug)]
struct SimTime(aws_sim::clock::SimClock);

impl TimeSource for SimTime {
    fn now(&self) -> SystemTime {
        self.0.now().into()
    }
}

/// Settings of a closed world: no environment, no profile, no socket; `share` of the budget.
pub(crate) fn settings(sim: &Sim, share: Option<f64>) -> Settings {
    let credentials = Credentials::new("AKIASIMULATED", "secret", None, None, "test");
    Settings {
        http_client: Some(SharedHttpClient::new(sim.http_client())),
        credentials: Some(SharedCredentialsProvider::new(credentials)),
        time_source: Some(SharedTimeSource::new(SimTime(sim.clock()))),
        pace: Pace { share, speed: 1.0 },
        ..Settings::default()
    }
}

/// The cluster `main` in `eu-west-1`.
pub(crate) fn placement() -> Placement {
    Placement { region: "eu-west-1".to_owned(), cluster: "main".to_owned(), role_arn: None }
}

/// The simulation as this room sees it, without a budget.
pub(crate) async fn connect(sim: &Sim) -> Aws {
    Aws::connect(settings(sim, None)).await
}

/// Clients for [`placement`], without a budget.
pub(crate) async fn clients(sim: &Sim) -> Arc<PlacementClients> {
    connect(sim).await.at(&placement()).await
}
