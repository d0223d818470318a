//! The layers that share only `model`, from the product's own sources: what the fuzz targets need,
//! without the AWS SDK.

#[path = "../../src/desired/mod.rs"]
pub mod desired;
#[path = "../../src/model/mod.rs"]
pub mod model;
#[path = "../../src/plan/mod.rs"]
pub mod plan;
#[path = "../../src/rollout/mod.rs"]
pub mod rollout;
#[path = "../../src/specs/mod.rs"]
pub mod specs;
#[path = "../../src/state/mod.rs"]
pub mod state;
#[path = "../../src/status/mod.rs"]
pub mod status;
