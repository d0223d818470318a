//! Evenkeel: a Kubernetes-style reconciliation controller for Amazon ECS. This page is the map of
//! the code.
//!
//! ```text
//!  spec store ──▶ declared ──▶ desired ──▶ observed ──▶ rollout step ──▶ plan ──▶ actions ──▶ status ──▶ state store
//!                validated    lowered     batched      one stage         diff     executor    computed
//!                  (pure)      (pure)     AWS reads     (pure)          (pure)   AWS writes    (pure)
//! ```
//!
//! # The layers, in the order in which data flows
//!
//! | layer | decides | |
//! |---|---|---|
//! | [`model`] | the types that the layers pass to each other | pure |
//! | [`specs`] | 1 DECLARED: what documents there are, and everything that is wrong with them, at line and column | I/O |
//! | [`desired`] | 2 DESIRED: what a document means, all defaults filled; what its references resolve to | pure |
//! | [`observed`] | 3 OBSERVED: what AWS shows, and what could not be seen | I/O |
//! | [`rollout`] | 4a STEP: which stage comes next; stored before anything is done | pure |
//! | [`plan`] | 4b PLAN: which differences are ours to remove, by which calls, in which order, and why | pure |
//! | [`executor`] | 5 ACT: nothing; it carries the plan out and says what became of it | I/O |
//! | [`status`] | 6 STATUS: what is reported | pure |
//! | [`state`] | where records are kept | I/O |
//! | [`reconcile`] | the control loop: the one place that calls the layers in turn | I/O |
//! | [`aws`] | how to talk to AWS: clients, request budget, errors; the only layer that names the SDK | I/O |
//! | [`http`], [`cli`] | the interfaces: health, metrics and what is told of deployments; `ctl` | I/O |
//! | [`settings`], [`telemetry`] | flags and environment, read once; logs | I/O |
//!
//! One pass is [`reconcile::pass`]; it reads like the drawing. `ctl plan` walks the same way and
//! stops before the actions: dry-run is a prefix, never a flag.
//!
//! # The dependency rule
//!
//! Layers never import layers; they share [`model`]. Only [`reconcile`] calls them in turn; the
//! interfaces read what [`state`] keeps. Only [`aws`] names the SDK. Only the binaries choose real
//! or simulated AWS (the member crate `aws-sim`, which knows nothing of this one). Pure layers know
//! no async, clock, chance or I/O.
//! `tests/tidy.rs` holds all of this.
//!
//! # Five sentences that every change is judged by
//!
//! Never destroy data. Never fight another controller. Never act on what was not observed. Zero
//! writes when nothing differs. Never break what serves before its successor serves.
//!
//! # To change a field
//!
//! Its type in [`model::kinds`], its row in the ownership table of [`plan`], and one test. ECS
//! fields need no code to be sent or read; one that DescribeServices shows only in deployments is
//! also named in `aws/ecs/shapes.rs`. The schemas under `crds/` follow from the type (`ctl schema
//! --write crds`).
//!
//! # To add a resource type
//!
//! What it is called, whether it is data, when it is made and what a change of identity does:
//! [`model::resource::ResourceKind::info`]. Its calls, one row each: [`model::call`]. Its type in
//! [`model::kinds`] and its map in `ApplicationSpec`. One file each in `desired/resources` (what a
//! declaration means, is refused for, claims and points at), `observed/resources` (how it is found,
//! how far it is) and `plan/resources` (its fields, its calls, what uses it), with a line in their
//! `of`. Its reads and writes in [`aws`], and a sender in [`executor`]. Without these nothing
//! compiles; without a specimen for each field the drift matrix fails.
//!
//! # To add a kind
//!
//! One line in `for_each_kind!` ([`model::kinds::document`]), its types in [`model::kinds`], its
//! lowering in `desired/kinds`, its example in `manifests/examples`, its chart in `charts`.
//!
//! # To add a command
//!
//! A file in `cli`, a module, a variant and an arm in `cli/mod.rs`. What a command asks of the
//! controller is a [`model::request::Request`] in the record store.
//!
//! # To add a store
//!
//! A variant of [`model::location::Location`], the implementation of [`specs::SpecStore`] or
//! [`state::RecordStore`] in a file of its own, and its arm in [`specs::open`] or [`state::open`].

pub mod aws;
pub mod cli;
pub mod desired;
pub mod executor;
#[cfg(test)]
mod golden;
pub mod http;
pub mod model;
pub mod observed;
pub mod plan;
pub mod reconcile;
pub mod rollout;
pub mod settings;
pub mod specs;
pub mod state;
pub mod status;
pub mod telemetry;
