//! The simulation with a stopwatch, in the process of the controller.

use crate::meter::stopwatch;
use aws_sim::Sim;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The simulation with a stopwatch: how long its calls take it.
#[derive(Clone, Debug)]
pub struct Timed {
    /// What it measures.
    pub sim: Sim,
    /// Nanoseconds.
    pub spent: Arc<AtomicU64>,
}

impl HttpClient for Timed {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Timed {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut answer: Pin<Box<HttpConnectorFuture>> = Box::pin(self.sim.http_client().call(request));
        let spent = Arc::clone(&self.spent);
        HttpConnectorFuture::new(std::future::poll_fn(move |context| {
            let began = stopwatch();
            let polled = answer.as_mut().poll(context);
            let took = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
            spent.fetch_add(took, Ordering::Relaxed);
            polled
        }))
    }
}
