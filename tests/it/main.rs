//! The controller on the simulated AWS, in paused time: the same code as in production,
//! serialisation and retries included.

#![expect(clippy::unwrap_used, reason = "a test that meets what it does not expect fails, and says where")]
#![expect(clippy::disallowed_methods, reason = "tests wait in tokio's paused time")]

mod alarms;
mod answers;
mod asked;
mod availability;
mod binary;
mod bring_up;
mod capacity;
mod corpus;
mod crash;
mod documents;
mod drift;
mod examples;
mod faults;
mod fleet;
mod handover;
mod idle;
mod matrix;
mod permissions;
mod policies;
mod queue;
mod readiness;
mod removal;
mod requests;
mod road;
mod rollback;
mod rotation;
mod service_fields;
mod state;
mod strategies;
mod succession;
mod support;
mod task_endings;
mod twins;
mod undone;
mod upgrade;
mod window;
