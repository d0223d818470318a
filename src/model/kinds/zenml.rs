//! `ZenMLWorkspace`: a ZenML Pro Hybrid workspace: database migration, server and optional workers.

use super::ingress::LoadBalancerSpec;
use super::overrides::ComponentOverride;
use super::references::{Alarms, Capacity, Images, Logs, Network, Roles, SecretRef};
use super::settings::{ServiceSettings, TaskSettings};
use super::task_definition::ecs_struct;
use super::typed_kind::{CommonSpec, TypedSpec, typed_kind};
use super::{ApplicationSpec, DeletionPolicy, DriftSpec, Placement, Suspend};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

typed_kind! {
/// A ZenML Pro Hybrid workspace. Components: `migrate` (task), then `server`, then the workers that
/// are declared.
#[schemars(extend("required" = ["placement", "imageTag", "domain", "organization", "workspace", "oauth2ClientSecret", "database"]))]
pub struct ZenMLWorkspaceSpec {
    /// Host of the workspace, without scheme; the server's URL is `https://<domain>`.
    pub domain: String,
    /// Port that the server listens on. Default 8000, the ECS guide's. The published image listens
    /// on 8080 whatever the variables say, unless `command` makes it listen elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Command of the server in place of the image's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Whether the ECS guide's own variables (`ZENML_DATABASE_URL`, `ZENML_SERVER_HOSTNAME`,
    /// `ZENML_SERVER_PORT`, `ZENML_LOGGING_LEVEL`) are set next to those that the server reads.
    /// Default true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guide_variables: Option<bool>,
    /// The organization, from enrolment.
    pub organization: ZenMLIdentity,
    /// The workspace, from enrolment.
    pub workspace: ZenMLIdentity,
    /// Secret with the enrolment key.
    #[serde(rename = "oauth2ClientSecret", skip_serializing_if = "Option::is_none")]
    pub oauth2_client_secret: Option<SecretRef>,
    /// The control plane.
    pub control_plane: ZenMLControlPlane,
    /// The MySQL database.
    pub database: ZenMLDatabase,
    /// Secret with the key that signs tokens; needed when more than one task runs. Written once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwt_secret_key: Option<SecretRef>,
    /// Where the workspace keeps its users' secrets.
    pub secrets_store: ZenMLSecretsStore,
    /// A second secrets store, for moving from one to another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup_secrets_store: Option<ZenMLSecretsStore>,
    /// Behaviour of the server.
    pub server_options: ZenMLServerOptions,
    /// Proxy and private certificates.
    pub proxy: ZenMLProxy,
    /// Runs pipeline snapshots on a Kubernetes cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload_manager: Option<ZenMLWorkloadManager>,
    /// The migration task. Defaults: enabled, 512 CPU units, 1024 MiB, 3600 s, no second attempt.
    pub migration: TaskSettings,
    /// The load balancer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<LoadBalancerSpec>,
    /// The server. Defaults: 1 task of 512 CPU units and 1024 MiB.
    pub server: ServiceSettings,
    /// Workers, of the paid add-on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workers: Option<ZenMLWorkers>,
}
}

ecs_struct! {
/// An id and a name.
pub struct ZenMLIdentity {
    /// Id in ZenML Pro.
    pub id: String,
    /// Name; the ECS guide sets it as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}
}

ecs_struct! {
/// The control plane of ZenML Pro.
pub struct ZenMLControlPlane {
    /// URL of its API. Default `https://cloudapi.zenml.io`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_url: Option<String>,
    /// URL of its dashboard. Default `https://cloud.zenml.io`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dashboard_url: Option<String>,
    /// OAuth audience. Default: the API's URL.
    #[serde(rename = "oauth2Audience", skip_serializing_if = "Option::is_none")]
    pub oauth2_audience: Option<String>,
    /// Seconds until a call fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_timeout: Option<u32>,
}
}

ecs_struct! {
/// The MySQL database: either `url`, a secret with the whole URL, or `endpoint` with user and a
/// secret for the password.
pub struct ZenMLDatabase {
    /// Secret with `mysql://user:password@host:3306/database`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<SecretRef>,
    /// `host` or `host:port`, in place of `url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Name of the database, with `endpoint`. Default `zenml_hybrid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// User, with `endpoint`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// Secret with the password (`ZENML_STORE_PASSWORD`), which keeps it out of the URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretRef>,
    /// `mysql`, for checking: workspaces run on nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// `password` (default) or `aws_rds_iam`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_mode: Option<String>,
    /// Region for `aws_rds_iam`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws_region: Option<String>,
    /// Role to assume for `aws_rds_iam`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws_rds_iam_role_arn: Option<String>,
    /// TLS to the database.
    pub ssl: ZenMLDatabaseSsl,
    /// Connections kept open. The server's default is 20.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool_size: Option<i32>,
    /// Connections beyond those; -1 means no limit. The server's default is 20.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_overflow: Option<i32>,
    /// Backup before a migration: `in-memory`, `database`, `dump-file`, `mydumper`, `custom` or
    /// `disabled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup_strategy: Option<String>,
    /// Database for strategy `database`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup_database: Option<String>,
    /// Directory for strategy `dump-file` and `mydumper`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup_directory: Option<String>,
    /// Secret with the JSON that moves large payloads to S3; its path must not change once used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload_storage: Option<SecretRef>,
    /// Further `ZENML_STORE_…` fields by the rest of their name in lower case, such as
    /// `backup_keep`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
}
}

ecs_struct! {
/// TLS to the database. Certificates are PEM content or paths in the container.
pub struct ZenMLDatabaseSsl {
    /// Whether TLS is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// CA certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// Client certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert: Option<String>,
    /// Secret with the client's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<SecretRef>,
    /// Whether the server's certificate is verified. The server's default is false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify_server_cert: Option<bool>,
}
}

ecs_struct! {
/// A secrets store.
pub struct ZenMLSecretsStore {
    /// `sql` (default), `aws`, `gcp`, `azure`, `hashicorp`, `custom` or `none`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Secret with the key of the `sql` store, at least 32 characters. Written once: what it
    /// encrypted is lost without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption_key: Option<SecretRef>,
    /// `implicit` and others (`aws` store).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_method: Option<String>,
    /// Secret with the JSON of the authentication (`aws` store).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_config: Option<SecretRef>,
    /// Region (`aws` store).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region_name: Option<String>,
    /// Further fields of the store by the rest of their variable's name in lower case.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
}
}

ecs_struct! {
/// Behaviour of the server; unset fields keep the server's own defaults.
pub struct ZenMLServerOptions {
    /// `DEBUG`, `INFO` (default), `WARN`, `ERROR` or `CRITICAL`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logging_verbosity: Option<String>,
    /// Whether usage is reported to ZenML.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub analytics_opt_in: Option<bool>,
    /// Name of the first project. The server's default is `default`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_project_name: Option<String>,
    /// Lets connectors use the task role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_implicit_auth_methods: Option<bool>,
    /// `NODE_OPTIONS`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_options: Option<String>,
    /// Threads for requests. The server's default is 40.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread_pool_size: Option<u32>,
    /// Threads for authentication. The server's default is 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_thread_pool_size: Option<u32>,
    /// Seconds until a request fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_timeout: Option<u32>,
    /// Seconds that answers are kept for repeated requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_cache_timeout: Option<u32>,
    /// Minutes that a token is good for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwt_token_expire_minutes: Option<u32>,
    /// Origins for CORS, separated by commas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cors_allow_origins: Option<String>,
    /// Domain of the sign-in cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_cookie_domain: Option<String>,
    /// Path under which the server is reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_url_path: Option<String>,
    /// Limits sign-ins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit_enabled: Option<bool>,
    /// Sign-ins per minute. The server's default is 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login_rate_limit_minute: Option<u32>,
    /// Sign-ins per day. The server's default is 1000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login_rate_limit_day: Option<u32>,
    /// Template runs at a time. The server's default is 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_concurrent_template_runs: Option<u32>,
    /// `ZENML_SERVER_SECURE_HEADERS_…` by the rest of their name in lower case, such as `csp`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub secure_headers: BTreeMap<String, String>,
    /// `OTEL_…` by the rest of their name in lower case, such as `exporter_otlp_endpoint`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub otel: BTreeMap<String, String>,
    /// Further `ZENML_SERVER_…` fields by the rest of their name in lower case. The server ignores
    /// misspelt ones silently.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
}
}

ecs_struct! {
/// Proxy and private certificates.
pub struct ZenMLProxy {
    /// `HTTP_PROXY`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<String>,
    /// `HTTPS_PROXY`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub https: Option<String>,
    /// `NO_PROXY`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_proxy: Option<String>,
    /// Path for `REQUESTS_CA_BUNDLE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_bundle: Option<String>,
    /// Path for `SSL_CERT_FILE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssl_cert_file: Option<String>,
}
}

/// The implementations of the workload manager.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum WorkloadManagerKind {
    /// Any Kubernetes cluster.
    #[default]
    Kubernetes,
    /// EKS, with logs in S3.
    AwsKubernetes,
    /// GKE.
    GcpKubernetes,
}

ecs_struct! {
/// Runs pipeline snapshots on a Kubernetes cluster. ZenML's current documents support this only for
/// servers that run on Kubernetes themselves; its ECS guide offers it nevertheless.
pub struct ZenMLWorkloadManager {
    /// The implementation.
    pub implementation: WorkloadManagerKind,
    /// Namespace of the jobs.
    pub namespace: String,
    /// Service account of the jobs.
    pub service_account: String,
    /// Whether runner images are built.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build_runner_image: Option<bool>,
    /// Registry for built images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub docker_registry: Option<String>,
    /// Image when none are built.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runner_image: Option<String>,
    /// Whether logs go to the bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_external_logs: Option<bool>,
    /// JSON of the pods' resources.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_resources: Option<String>,
    /// Seconds that finished jobs are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_seconds_after_finished: Option<u32>,
    /// JSON of the node selector.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_selector: Option<String>,
    /// JSON of the tolerations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tolerations: Option<String>,
    /// Further attempts of a job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_backoff_limit: Option<u32>,
    /// JSON of the pod failure policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_failure_policy: Option<String>,
    /// `s3://bucket/path` for logs (`AwsKubernetes`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    /// Region of the bucket (`AwsKubernetes`). Default: the placement's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}
}

ecs_struct! {
/// Workers, of the same image; each one that is declared runs. Defaults: 1 task of 256 CPU units
/// and 1024 MiB.
pub struct ZenMLWorkers {
    /// Secret with the URL of the Redis broker; needed by server, scheduler and executor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redis_broker_url: Option<SecretRef>,
    /// The scheduler: never two tasks at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduler: Option<ServiceSettings>,
    /// The executor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executor: Option<ServiceSettings>,
    /// The resource pool reconciler: never two tasks at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_pool_reconciler: Option<ServiceSettings>,
    /// Jobs that one executor runs at a time. The image's default is 16.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumer_worker_pool_size: Option<u32>,
}
}
