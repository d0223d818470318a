//! Evenkeel: a Kubernetes-style reconciliation controller for Amazon ECS.

pub mod aws;
pub mod cli;
pub mod desired;
pub mod executor;
pub mod http;
pub mod model;
pub mod observed;
pub mod plan;
pub mod reconcile;
pub mod rollout;
pub mod settings;
pub mod status;
pub mod store;
pub mod telemetry;
