//! Nouns only: what the layers hand to each other. No async, no clock, no AWS.

pub mod arn;
pub mod call;
pub mod canonical;
pub mod condition;
pub mod desired;
pub mod finding;
pub mod heartbeat;
pub mod ids;
pub mod kinds;
pub mod last_applied;
pub mod location;
pub mod membership;
pub mod normalise;
pub mod observed;
pub mod owner;
pub mod plan;
pub mod predecessor;
pub mod request;
pub mod resource;
pub mod resource_record;
pub mod rollout;
pub mod schema;
pub mod service_deployment;
pub mod status;
pub mod stop;
pub mod tree_text;
