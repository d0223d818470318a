//! `PulumiService`: a self-hosted Pulumi service: migrations, API (with background jobs) and
//! console.

use super::ingress::{LoadBalancerSpec, PrivateLoadBalancerSpec};
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
/// A self-hosted Pulumi service. Components: `migrate` (task), then `api` and, when split, `jobs`,
/// then `console`.
#[schemars(extend("required" = ["placement", "imageTag", "domain", "licenseKey", "database"]))]
pub struct PulumiServiceSpec {
    /// Base domain without scheme: the API answers at `api.<domain>`, the console at
    /// `app.<domain>`.
    pub domain: String,
    /// Host of the API in place of `api.<domain>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_domain: Option<String>,
    /// Host of the console in place of `app.<domain>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub console_domain: Option<String>,
    /// DNS zone, given to the console as `PULUMI_ROOT_DOMAIN`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_domain: Option<String>,
    /// Secret with the licence key; the API refuses to start without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license_key: Option<SecretRef>,
    /// The MySQL database.
    pub database: PulumiDatabase,
    /// Buckets, or local paths in place of them.
    pub buckets: PulumiBuckets,
    /// What encrypts stacks' secrets: a KMS key or a local key, exactly one.
    pub encryption: PulumiEncryption,
    /// Region and credentials of the AWS SDK in the containers.
    pub aws: PulumiAws,
    /// How engine events are stored; see the warnings on each field.
    pub engine_events: PulumiEngineEvents,
    /// Signing in by e-mail.
    pub email_login: PulumiEmailLogin,
    /// Mail server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smtp: Option<PulumiSmtp>,
    /// Cloudflare Turnstile; its variables are called reCAPTCHA.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turnstile: Option<PulumiTurnstile>,
    /// SAML single sign-on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saml: Option<PulumiSaml>,
    /// OpenSearch for resource search.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<PulumiSearch>,
    /// Sign-in and integration with code hosts.
    pub oauth: PulumiOauth,
    /// TLS up to the containers.
    pub tls: PulumiTls,
    /// Logs, traces and metrics.
    pub telemetry: PulumiTelemetry,
    /// Lets ESC call private addresses, which it refuses since April 2026.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable_esc_ssrf_protection: Option<bool>,
    /// Image of Pulumi Deployments' jobs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployments_default_image: Option<String>,
    /// What only the console reads.
    pub console_options: PulumiConsoleOptions,
    /// The migration task.
    pub migrations: PulumiMigrations,
    /// The public load balancer of API and console, unless they have their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<LoadBalancerSpec>,
    /// An internal network load balancer in front of the API: TCP 80 and TLS 443, each with a
    /// target group of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_load_balancer: Option<PrivateLoadBalancerSpec>,
    /// Whether one service answers requests and runs background jobs, or one each.
    #[serde(skip_serializing_if = "ContainerMode::is_full")]
    pub container_mode: ContainerMode,
    /// The API. Defaults: 2 tasks of 2048 CPU units and 4096 MiB.
    pub api: ServiceSettings,
    /// The background jobs when `containerMode` is `SPLIT`. Defaults: 2 tasks of 2048 CPU units and
    /// 4096 MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jobs: Option<ServiceSettings>,
    /// The console. Defaults: 2 tasks of 512 CPU units and 1024 MiB.
    pub console: ServiceSettings,
}
}

/// How the API's functions are spread over services.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ContainerMode {
    /// One service does all.
    #[default]
    #[serde(rename = "FULL")]
    Full,
    /// `api` answers requests, `jobs` runs background jobs.
    #[serde(rename = "SPLIT")]
    Split,
}

impl ContainerMode {
    /// Whether this is the default.
    pub fn is_full(&self) -> bool {
        *self == Self::Full
    }
}

ecs_struct! {
/// The MySQL 8.0 database, which Evenkeel does not make.
pub struct PulumiDatabase {
    /// `host:port` of the writer; the host must match the database's certificate when TLS is used.
    pub endpoint: String,
    /// Host that is pinged before migrations. Default: the host of `endpoint`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ping_endpoint: Option<String>,
    /// Name of the database. Default `pulumi`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Secret whose JSON has `username` and `password`, as RDS makes them; in place of `userName`
    /// and `password`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<SecretRef>,
    /// Secret with the user's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_name: Option<SecretRef>,
    /// Secret with the user's password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretRef>,
    /// CA certificate of the database as PEM content (not a path); with `minTlsVersion` it turns
    /// TLS on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_certificate: Option<String>,
    /// Least TLS version, such as `1.2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_tls_version: Option<String>,
    /// `mysql` or `aurora-mysql`, for checking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// `sql_mode` of the (cluster) parameter group, for checking: without `STRICT_TRANS_TABLES`
    /// migrations abort.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sql_mode: Option<String>,
    /// Identifier of the RDS cluster or instance. A reference: Evenkeel does not change it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
}
}

ecs_struct! {
/// Bucket names, or whole URLs for S3-compatible storage
/// (`s3://name?endpoint=…&s3ForcePathStyle=true`). Every bucket must be another one.
pub struct PulumiBuckets {
    /// State.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoints: Option<String>,
    /// Policy packs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_packs: Option<String>,
    /// Metadata; needed for ESC, Deployments, OIDC trust and large configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_metadata: Option<String>,
    /// Large engine events, which otherwise grow the database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine_events: Option<String>,
    /// Public packages of the private registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry_public: Option<String>,
    /// Private packages of the private registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry_private: Option<String>,
    /// Path for state in place of a bucket; it must be a mounted volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_objects: Option<String>,
    /// Path for policy packs in place of a bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_policy_packs: Option<String>,
}
}

ecs_struct! {
/// What encrypts stacks' secrets. It must never change: what was encrypted with it is lost without
/// it.
pub struct PulumiEncryption {
    /// ARN of the KMS key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_key: Option<String>,
    /// Path of a file with a 32-byte key, in place of KMS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_keys: Option<String>,
    /// The `kms:` actions that the task role's policy and the key's policy grant, for checking.
    /// Since November 2025 four are needed: Encrypt, Decrypt, GenerateDataKey,
    /// GenerateDataKeyWithoutPlaintext.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub granted_actions: Vec<String>,
}
}

ecs_struct! {
/// Region and credentials of the AWS SDK in the containers; the task role is the normal way.
pub struct PulumiAws {
    /// Region of KMS and buckets. Default: the placement's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Profile name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Role that the service assumes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// Secret with a static access key id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<SecretRef>,
    /// Secret with a static secret access key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_access_key: Option<SecretRef>,
}
}

ecs_struct! {
/// How engine events are stored. An installation from before the second schema must not change
/// either field without Pulumi's support: the database has to be migrated first.
pub struct PulumiEngineEvents {
    /// Whether the installation existed before the second schema (March 2026).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub existing_installation: Option<bool>,
    /// The second schema. Default true for a new installation, false for an existing one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema_v2: Option<bool>,
    /// Writing in the old form. Default false for a new installation, true for an existing one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legacy_write: Option<bool>,
    /// Says that Pulumi's support has agreed to the change for this existing installation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub support_confirmed: Option<bool>,
}
}

ecs_struct! {
/// Signing in by e-mail. `disable…` blocks the API's handlers, `hide…` takes the forms off the
/// console.
pub struct PulumiEmailLogin {
    /// Blocks signing in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable_login: Option<bool>,
    /// Blocks signing up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable_signup: Option<bool>,
    /// Hides the sign-in form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hide_login: Option<bool>,
    /// Hides the sign-up form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hide_signup: Option<bool>,
}
}

ecs_struct! {
/// Mail server: all four or none.
pub struct PulumiSmtp {
    /// `host:port`, such as `email-smtp.eu-west-1.amazonaws.com:587`.
    pub server: String,
    /// User.
    pub username: String,
    /// Sender of all mails.
    pub generic_sender: String,
    /// Secret with the password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretRef>,
}
}

ecs_struct! {
/// Cloudflare Turnstile: both keys or none.
pub struct PulumiTurnstile {
    /// Site key, for the console.
    pub site_key: String,
    /// Secret with the secret key, for the API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_key: Option<SecretRef>,
    /// Also sets `LOGIN_RECAPTCHA_SECRET_KEY`, which old versions read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legacy_login_variable: Option<bool>,
}
}

ecs_struct! {
/// SAML single sign-on: certificate and key, RSA-2048, common name = the API's host.
pub struct PulumiSaml {
    /// Certificate as PEM content.
    pub certificate: String,
    /// Secret with the private key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_key: Option<SecretRef>,
}
}

ecs_struct! {
/// OpenSearch: all three or none.
pub struct PulumiSearch {
    /// URL with scheme and port, such as `https://search.internal:443`.
    pub endpoint: String,
    /// User. Default `admin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Secret with the password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretRef>,
}
}

ecs_struct! {
/// Code hosts.
pub struct PulumiOauth {
    /// GitHub or GitHub Enterprise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub github: Option<PulumiOauthApp>,
    /// GitLab.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gitlab: Option<PulumiOauthApp>,
    /// Bitbucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bitbucket: Option<PulumiOauthApp>,
}
}

ecs_struct! {
/// One OAuth application.
pub struct PulumiOauthApp {
    /// Client id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Secret with the client secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretRef>,
    /// URL of a self-hosted server (GitHub and GitLab only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
}
}

ecs_struct! {
/// TLS up to the containers: the API moves to port 8443, the console to 3443.
pub struct PulumiTls {
    /// Of the API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api: Option<TlsPair>,
    /// Of the console.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub console: Option<TlsPair>,
}
}

ecs_struct! {
/// A certificate and its key: all three or none.
pub struct TlsPair {
    /// Certificate as PEM content.
    pub certificate: String,
    /// Secret with the private key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_key: Option<SecretRef>,
    /// Least TLS version, such as `1.2`.
    pub min_version: String,
}
}

ecs_struct! {
/// Logs, traces and metrics.
pub struct PulumiTelemetry {
    /// DynamoDB table of audit logs (hash `org_id`, range `timestamp_id`, index `org_user`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit_logs_table: Option<String>,
    /// OpenTelemetry endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otlp_endpoint: Option<String>,
    /// `grpc` (default) or `http`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otlp_protocol: Option<String>,
    /// Metrics in the log. The service's default is true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deprecated_metrics: Option<bool>,
    /// Secret with the token that `/metrics` asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics_webhook_secret: Option<SecretRef>,
}
}

ecs_struct! {
/// What only the console reads.
pub struct PulumiConsoleOptions {
    /// Secret with the AG Grid licence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ag_grid_license_key: Option<SecretRef>,
    /// URL by which the console's server reaches the API. Default: the private load balancer's
    /// domain if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_internal_endpoint: Option<String>,
    /// Path of further CA certificates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_extra_ca_certs: Option<String>,
    /// Accepts any certificate of the API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_invalid_certs: Option<bool>,
}
}

ecs_struct! {
/// The migration task, which must exit 0 before the API is touched.
pub struct PulumiMigrations {
    /// Size, deadline and attempts. Defaults: 256 CPU units, 512 MiB, 3600 s, no second attempt.
    pub task: TaskSettings,
    /// Secret whose whole JSON has `username` and `password` of a user that may change the schema.
    /// Default: `database.credentials`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_credentials: Option<SecretRef>,
    /// Secret with that user's name. Default: `database.userName`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_username: Option<SecretRef>,
    /// Secret with that user's password. Default: `database.password`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_password: Option<SecretRef>,
    /// Port of the database. Default: the port of `database.endpoint`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mysql_port: Option<u16>,
    /// Skips the step that makes a user without password. Default true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip_create_db_user: Option<bool>,
    /// `RUN_MIGRATIONS_EXTERNALLY`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_externally: Option<bool>,
    /// `METADATA_LOCK_WAIT_TIMEOUT`, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata_lock_wait_timeout: Option<u32>,
    /// `METADATA_LOCK_RETRIES`. The image's default is 20.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata_lock_retries: Option<u32>,
    /// `MIGRATIONS_TABLE_NAME`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table_name: Option<String>,
    /// `MIGRATIONS_DIR`. The image's default is `migrations`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// `MYSQL_ALLOW_EMPTY_PASSWORD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_empty_password: Option<bool>,
}
}
