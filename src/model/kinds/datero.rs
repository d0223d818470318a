//! `Datero`: a data platform in one container: PostgreSQL with foreign data wrappers, API and web
//! page.

use super::ingress::{LoadBalancerSpec, PrivateLoadBalancerSpec};
use super::overrides::ComponentOverride;
use super::references::{Alarms, Capacity, Images, Logs, Network, Roles, SecretRef};
use super::settings::ServiceSettings;
use super::task_definition::{EfsVolume, ecs_struct};
use super::typed_kind::{CommonSpec, TypedSpec, typed_kind};
use super::{ApplicationSpec, DeletionPolicy, DriftSpec, Placement, Suspend};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

typed_kind! {
/// A Datero. One component, `datero`, of which never two tasks run at a time.
#[schemars(extend("required" = ["placement", "imageTag", "postgres"]))]
pub struct DateroSpec {
    /// `service`: a singleton service (the default); `task`: one task outside any service, as
    /// Datero's ECS guide runs it.
    #[serde(skip_serializing_if = "DateroMode::is_service")]
    pub mode: DateroMode,
    /// `awsvpc` (default for a service), `host` (default for a task) or `bridge`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_mode: Option<String>,
    /// Host of the web page, without scheme.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// How many: 1, for there is no other way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// The database inside.
    pub postgres: DateroPostgres,
    /// Where data is kept.
    pub storage: DateroStorage,
    /// The configuration file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<DateroConfig>,
    /// Whether PostgreSQL's port 5432 is opened next to 80. Default true for a service, false for a
    /// task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expose_postgres: Option<bool>,
    /// The load balancer of the web page, which asks nobody to sign in: keep the load balancer
    /// internal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<LoadBalancerSpec>,
    /// A network load balancer for PostgreSQL: TCP, port 5432 unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postgres_load_balancer: Option<PrivateLoadBalancerSpec>,
    /// Size, health and rollout. Defaults: 1024 CPU units and 2048 MiB.
    pub settings: ServiceSettings,
}
}

/// How Datero runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DateroMode {
    /// A singleton service.
    #[default]
    #[serde(rename = "service")]
    Service,
    /// One task outside any service, started again when it is gone.
    #[serde(rename = "task")]
    Task,
}

impl DateroMode {
    /// Whether this is the default.
    pub fn is_service(&self) -> bool {
        *self == Self::Service
    }
}

ecs_struct! {
/// PostgreSQL. Password, user and database are read only when the data directory is empty.
pub struct DateroPostgres {
    /// Secret with the superuser's password. Written once: a rotation changes nothing in the
    /// database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretRef>,
    /// The password itself, as in Datero's guide. Everybody who may read the task definition can
    /// read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plain_password: Option<String>,
    /// Superuser. Default `postgres`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Database. Default: the user's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// Host that the API connects to. Default `localhost`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Port that the API connects to. Default 5432.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// `POSTGRES_INITDB_ARGS`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initdb_args: Option<String>,
    /// `POSTGRES_INITDB_WALDIR`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initdb_waldir: Option<String>,
    /// `POSTGRES_HOST_AUTH_METHOD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_auth_method: Option<String>,
    /// `PGDATA`. Default: the image's, or a folder of the volume when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pgdata: Option<String>,
}
}

ecs_struct! {
/// Where data is kept. Without `efs` and `hostPath` the database is lost with its task.
pub struct DateroStorage {
    /// EFS file system for the database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub efs: Option<EfsVolume>,
    /// Path of the host for the database (EC2 only; the task must stay on that host).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_path: Option<String>,
    /// Where the volume is mounted. Default `/var/lib/postgresql/data`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mount_path: Option<String>,
    /// EFS file system mounted at `/data`, for DuckDB, SQLite and files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files_efs: Option<EfsVolume>,
    /// Path of the host mounted at `/data` (EC2 only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files_host_path: Option<String>,
    /// Image tag that made the kept data directory: PostgreSQL does not start on the files of
    /// another major version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initialised_with: Option<String>,
    /// Says that the data directory was dumped and restored, or emptied, for the new major version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub major_upgrade_acknowledged: Option<bool>,
}
}

ecs_struct! {
/// The configuration file `/home/instance/config.yaml`. It holds credentials of the sources: treat
/// it as a secret. Servers in it are created once; changed or removed ones are never applied.
pub struct DateroConfig {
    /// Secret with the whole file; a container that runs first writes it. Its folder is mounted
    /// with it, and covers what else the image has in `/home/instance`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretRef>,
    /// Path of the file on the host, in place of the secret (EC2 only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_path: Option<String>,
    /// Image of the container that writes the file. Default
    /// `public.ecr.aws/docker/library/busybox:1.37`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init_image: Option<String>,
}
}
