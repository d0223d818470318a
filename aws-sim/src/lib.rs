//! Simulated AWS at the wire: Amazon ECS, Elastic Load Balancing v2, Secrets Manager, CloudWatch,
//! CloudWatch Logs and STS, answered from memory.
//!
//! ```no_run
//! # async fn example() {
//! use aws_sim::{Sim, behaviour::{Behaviour, BehaviourRule}, faults::{Effect, FaultRule, When}};
//!
//! let sim = Sim::builder().seed(7).rate_limits(true).build();
//! let client = sim.http_client();   // give it to an AWS SDK's configuration: no socket, tokio's (paused) time
//! sim.behave(BehaviourRule::image("*:bad", Behaviour::exits(1, 2.0)));
//! sim.faults().add(FaultRule::on("ecs:Update*", Effect::throttle()).when(When::EveryNth(3)));
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:4566").await.expect("a free port");
//! sim.serve(listener, std::future::pending()).await.expect("a working listener");   // or: on a TCP port
//! # }
//! ```
//!
//! # The map
//!
//! - [`sim`]: the handle: build, call, observe, break. [`in_process`] puts it under an SDK, [`tcp`]
//!   on a port, [`control`] under `/_sim`.
//! - [`wire`]: requests and answers in awsJson, awsQuery and Smithy RPC v2 CBOR; [`form`] and
//!   [`xml`] are the halves of awsQuery. `cbor` and `shapes` write and check by AWS's own service
//!   models.
//! - [`world`]: regions, and how a call is executed; [`throttle`], [`consistency`] and [`faults`]
//!   stand before it, [`record`] after it. [`seed`] fills a world.
//! - `services`: what the wire has to know of each. [`ecs`], [`elbv2`], [`secrets`],
//!   [`cloudwatch`], [`logs`], [`sts`]: the services themselves. [`behaviour`] says what containers
//!   do.
//! - [`traffic`]: requests of clients to load balancers, and what becomes of them.
//! - [`iam`]: policies of callers, and what each call asks of them.
//! - [`ctx`], [`error`], [`clock`]: what handlers may know, how they refuse, and time.
//!
//! # Guarantees
//!
//! - The same seed and the same calls at the same times give the same answers, to the byte: time
//!   comes from one clock, chance from one seed, and nothing happens in the background. Each call
//!   first lets everything happen that is due.
//! - What is not simulated is refused by name, never silently accepted. The module of each service
//!   says what that is.

pub mod behaviour;
mod cbor;
pub mod clock;
pub mod cloudwatch;
pub mod consistency;
pub mod control;
pub mod ctx;
pub mod ecs;
pub mod elbv2;
pub mod error;
pub mod faults;
mod fields;
pub mod form;
pub mod iam;
pub mod in_process;
pub mod logs;
mod one_or_many;
pub mod record;
pub mod secrets;
pub mod seed;
mod services;
mod shapes;
pub mod sim;
pub mod sts;
pub mod tcp;
pub mod throttle;
pub mod traffic;
pub mod wire;
pub mod world;
pub mod xml;

pub use self::sim::{Moment, Sim, SimBuilder};
