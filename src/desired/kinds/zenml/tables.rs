//! The variables of ZenML's image, one row each. Sources: ZenML Pro's ECS guide, the chart of its
//! server and `config/server_config.py`. Variables that only the ECS guide knows are in rows marked
//! so.

use crate::desired::kinds::env::{Value, Variable, fixed, plain, python, secret, shown, text, write_once};
use crate::model::kinds::references::SecretRef;
use crate::model::kinds::task_definition::ContainerDefinition;
use crate::model::kinds::zenml::{WorkloadManagerKind, ZenMLSecretsStore, ZenMLWorkspaceSpec};

/// The port that is mapped, checked and forwarded to.
pub fn port(spec: &ZenMLWorkspaceSpec) -> u16 {
    spec.port.unwrap_or(8000)
}

/// Whether a task migrates the database before servers roll.
pub fn migrates_first(spec: &ZenMLWorkspaceSpec) -> bool {
    spec.migration.enabled.unwrap_or(true)
}

/// `value` when the guide's own variables are wanted.
fn guide(spec: &ZenMLWorkspaceSpec, value: Value) -> Value {
    if spec.guide_variables.unwrap_or(true) { value } else { Value::Plain(None) }
}

/// What every process of the image needs.
pub fn base(spec: &ZenMLWorkspaceSpec) -> Vec<Variable> {
    let options = &spec.server_options;
    let verbosity = options.logging_verbosity.clone().or(Some("INFO".to_owned()));
    vec![
        ("ZENML_SERVER", fixed("True")),
        ("ZENML_LOGGING_VERBOSITY", text(&verbosity)),
        ("ZENML_LOGGING_LEVEL", guide(spec, text(&verbosity))),
        ("ZENML_ANALYTICS_OPT_IN", python(options.analytics_opt_in)),
        ("ZENML_DEFAULT_PROJECT_NAME", text(&options.default_project_name)),
        ("ZENML_ENABLE_IMPLICIT_AUTH_METHODS", python(options.enable_implicit_auth_methods)),
        ("NODE_OPTIONS", text(&options.node_options)),
        ("HTTP_PROXY", text(&spec.proxy.http)),
        ("HTTPS_PROXY", text(&spec.proxy.https)),
        ("NO_PROXY", text(&spec.proxy.no_proxy)),
        ("REQUESTS_CA_BUNDLE", text(&spec.proxy.ca_bundle)),
        ("SSL_CERT_FILE", text(&spec.proxy.ssl_cert_file)),
    ]
}

/// What keeps servers and workers from migrating again, each for itself. The task must not have it:
/// the image only checks whether the variable is there.
pub fn no_migration(spec: &ZenMLWorkspaceSpec) -> Vec<Variable> {
    vec![("DISABLE_DATABASE_MIGRATION", python(migrates_first(spec).then_some(true)))]
}

/// How the workspace finds and proves itself to the control plane.
pub fn control_plane(spec: &ZenMLWorkspaceSpec) -> Vec<Variable> {
    let plane = &spec.control_plane;
    let api = plane.api_url.as_deref().unwrap_or("https://cloudapi.zenml.io");
    let dashboard = plane.dashboard_url.as_deref().unwrap_or("https://cloud.zenml.io");
    let broker = spec.workers.as_ref().and_then(|workers| workers.redis_broker_url.clone());
    vec![
        ("ZENML_SERVER_DEPLOYMENT_TYPE", fixed("cloud")),
        ("ZENML_SERVER_PRO_API_URL", fixed(api)),
        ("ZENML_SERVER_PRO_DASHBOARD_URL", fixed(dashboard)),
        ("ZENML_SERVER_PRO_OAUTH2_AUDIENCE", fixed(plane.oauth2_audience.as_deref().unwrap_or(api))),
        ("ZENML_SERVER_PRO_ORGANIZATION_ID", fixed(&spec.organization.id)),
        ("ZENML_SERVER_PRO_ORGANIZATION_NAME", text(&spec.organization.name)),
        ("ZENML_SERVER_PRO_WORKSPACE_ID", fixed(&spec.workspace.id)),
        ("ZENML_SERVER_PRO_WORKSPACE_NAME", text(&spec.workspace.name)),
        (
            "ZENML_SERVER_PRO_OAUTH2_CLIENT_SECRET",
            secret("spec.oauth2ClientSecret", &spec.oauth2_client_secret),
        ),
        ("ZENML_SERVER_PRO_HTTP_TIMEOUT", shown(plane.http_timeout)),
        ("ZENML_SERVER_SERVER_URL", fixed(&format!("https://{}", spec.domain))),
        ("ZENML_SERVER_JWT_SECRET_KEY", write_once("spec.jwtSecretKey", &spec.jwt_secret_key)),
        ("ZENML_REDIS_BROKER_URL", secret("spec.workers.redisBrokerUrl", &broker)),
    ]
}

/// The database. `ZENML_DATABASE_URL` occurs in the ECS guide only.
pub fn store(spec: &ZenMLWorkspaceSpec) -> Vec<Variable> {
    let (database, ssl) = (&spec.database, &spec.database.ssl);
    let url = || match &database.url {
        Some(_) => secret("spec.database.url", &database.url),
        None => Value::Plain(composed_url(spec)),
    };
    vec![
        ("ZENML_STORE_TYPE", fixed("sql")),
        ("ZENML_STORE_URL", url()),
        ("ZENML_DATABASE_URL", guide(spec, url())),
        ("ZENML_STORE_PASSWORD", secret("spec.database.password", &database.password)),
        ("ZENML_STORE_AUTH_MODE", text(&database.auth_mode)),
        ("ZENML_STORE_AWS_REGION", text(&database.aws_region)),
        ("ZENML_STORE_AWS_RDS_IAM_ROLE_ARN", text(&database.aws_rds_iam_role_arn)),
        ("ZENML_STORE_SSL", python(ssl.enabled)),
        ("ZENML_STORE_SSL_CA", text(&ssl.ca)),
        ("ZENML_STORE_SSL_CERT", text(&ssl.cert)),
        ("ZENML_STORE_SSL_KEY", secret("spec.database.ssl.key", &ssl.key)),
        ("ZENML_STORE_SSL_VERIFY_SERVER_CERT", python(ssl.verify_server_cert)),
        ("ZENML_STORE_POOL_SIZE", shown(database.pool_size)),
        ("ZENML_STORE_MAX_OVERFLOW", shown(database.max_overflow)),
        ("ZENML_STORE_BACKUP_STRATEGY", text(&database.backup_strategy)),
        ("ZENML_STORE_BACKUP_DATABASE", text(&database.backup_database)),
        ("ZENML_STORE_BACKUP_DIRECTORY", text(&database.backup_directory)),
        ("ZENML_STORE_PAYLOAD_STORAGE", secret("spec.database.payloadStorage", &database.payload_storage)),
    ]
}

/// The URL without a password, which comes from a secret or from IAM.
fn composed_url(spec: &ZenMLWorkspaceSpec) -> Option<String> {
    let database = &spec.database;
    let endpoint = database.endpoint.as_ref()?;
    let port = if endpoint.contains(':') { "" } else { ":3306" };
    let user = database.user_name.as_deref().unwrap_or_default();
    let name = database.name.as_deref().unwrap_or("zenml_hybrid");
    Some(format!("mysql://{user}@{endpoint}{port}/{name}"))
}

/// Where users' secrets are kept. An encryption key is written once: everything under it would be
/// lost.
pub fn secrets_stores(spec: &ZenMLWorkspaceSpec) -> Vec<Variable> {
    let none = ZenMLSecretsStore::default();
    let store = &spec.secrets_store;
    let backup = spec.backup_secrets_store.as_ref().unwrap_or(&none);
    let kind = store.kind.clone().or(Some("sql".to_owned()));
    let key = |field, key: &Option<SecretRef>| write_once(field, key);
    vec![
        ("ZENML_SECRETS_STORE_TYPE", text(&kind)),
        ("ZENML_SECRETS_STORE_ENCRYPTION_KEY", key("spec.secretsStore.encryptionKey", &store.encryption_key)),
        ("ZENML_SECRETS_STORE_AUTH_METHOD", text(&store.auth_method)),
        ("ZENML_SECRETS_STORE_AUTH_CONFIG", secret("spec.secretsStore.authConfig", &store.auth_config)),
        ("ZENML_SECRETS_STORE_REGION_NAME", text(&store.region_name)),
        ("ZENML_BACKUP_SECRETS_STORE_TYPE", text(&backup.kind)),
        (
            "ZENML_BACKUP_SECRETS_STORE_ENCRYPTION_KEY",
            key("spec.backupSecretsStore.encryptionKey", &backup.encryption_key),
        ),
        ("ZENML_BACKUP_SECRETS_STORE_AUTH_METHOD", text(&backup.auth_method)),
        (
            "ZENML_BACKUP_SECRETS_STORE_AUTH_CONFIG",
            secret("spec.backupSecretsStore.authConfig", &backup.auth_config),
        ),
        ("ZENML_BACKUP_SECRETS_STORE_REGION_NAME", text(&backup.region_name)),
    ]
}

/// The server only. Host and port are the ECS guide's: the server keeps them silently and does not
/// read them.
pub fn server(spec: &ZenMLWorkspaceSpec) -> Vec<Variable> {
    vec![
        ("ZENML_SERVER_HOSTNAME", guide(spec, fixed("0.0.0.0"))),
        ("ZENML_SERVER_PORT", guide(spec, shown(Some(port(spec))))),
    ]
}

/// The server's pools, timeouts and limits.
pub fn limits(spec: &ZenMLWorkspaceSpec) -> Vec<Variable> {
    let options = &spec.server_options;
    vec![
        ("ZENML_SERVER_THREAD_POOL_SIZE", shown(options.thread_pool_size)),
        ("ZENML_SERVER_AUTH_THREAD_POOL_SIZE", shown(options.auth_thread_pool_size)),
        ("ZENML_SERVER_REQUEST_TIMEOUT", shown(options.request_timeout)),
        ("ZENML_SERVER_REQUEST_CACHE_TIMEOUT", shown(options.request_cache_timeout)),
        ("ZENML_SERVER_JWT_TOKEN_EXPIRE_MINUTES", shown(options.jwt_token_expire_minutes)),
        ("ZENML_SERVER_CORS_ALLOW_ORIGINS", text(&options.cors_allow_origins)),
        ("ZENML_SERVER_AUTH_COOKIE_DOMAIN", text(&options.auth_cookie_domain)),
        ("ZENML_SERVER_ROOT_URL_PATH", text(&options.root_url_path)),
        ("ZENML_SERVER_RATE_LIMIT_ENABLED", python(options.rate_limit_enabled)),
        ("ZENML_SERVER_LOGIN_RATE_LIMIT_MINUTE", shown(options.login_rate_limit_minute)),
        ("ZENML_SERVER_LOGIN_RATE_LIMIT_DAY", shown(options.login_rate_limit_day)),
        ("ZENML_SERVER_MAX_CONCURRENT_TEMPLATE_RUNS", shown(options.max_concurrent_template_runs)),
    ]
}

/// Runs of snapshots on Kubernetes.
pub fn workload_manager(spec: &ZenMLWorkspaceSpec) -> Vec<Variable> {
    let Some(manager) = &spec.workload_manager else { return Vec::new() };
    let aws = manager.implementation == WorkloadManagerKind::AwsKubernetes;
    let region = manager.region.clone().unwrap_or_else(|| spec.placement.region.clone());
    vec![
        (
            "ZENML_SERVER_WORKLOAD_MANAGER_IMPLEMENTATION_SOURCE",
            fixed(match manager.implementation {
                WorkloadManagerKind::Kubernetes => {
                    "zenml_cloud_plugins.kubernetes_workload_manager.KubernetesWorkloadManager"
                }
                WorkloadManagerKind::AwsKubernetes => {
                    "zenml_cloud_plugins.aws_kubernetes_workload_manager.AWSKubernetesWorkloadManager"
                }
                WorkloadManagerKind::GcpKubernetes => {
                    "zenml_cloud_plugins.gcp_kubernetes_workload_manager.GCPKubernetesWorkloadManager"
                }
            }),
        ),
        ("ZENML_KUBERNETES_WORKLOAD_MANAGER_NAMESPACE", fixed(&manager.namespace)),
        ("ZENML_KUBERNETES_WORKLOAD_MANAGER_SERVICE_ACCOUNT", fixed(&manager.service_account)),
        ("ZENML_KUBERNETES_WORKLOAD_MANAGER_BUILD_RUNNER_IMAGE", shown(manager.build_runner_image)),
        ("ZENML_KUBERNETES_WORKLOAD_MANAGER_DOCKER_REGISTRY", text(&manager.docker_registry)),
        ("ZENML_KUBERNETES_WORKLOAD_MANAGER_RUNNER_IMAGE", text(&manager.runner_image)),
        ("ZENML_KUBERNETES_WORKLOAD_MANAGER_ENABLE_EXTERNAL_LOGS", shown(manager.enable_external_logs)),
        ("ZENML_KUBERNETES_WORKLOAD_MANAGER_POD_RESOURCES", text(&manager.pod_resources)),
        (
            "ZENML_KUBERNETES_WORKLOAD_MANAGER_TTL_SECONDS_AFTER_FINISHED",
            shown(manager.ttl_seconds_after_finished),
        ),
        ("ZENML_KUBERNETES_WORKLOAD_MANAGER_NODE_SELECTOR", text(&manager.node_selector)),
        ("ZENML_KUBERNETES_WORKLOAD_MANAGER_TOLERATIONS", text(&manager.tolerations)),
        ("ZENML_KUBERNETES_WORKLOAD_MANAGER_JOB_BACKOFF_LIMIT", shown(manager.job_backoff_limit)),
        ("ZENML_KUBERNETES_WORKLOAD_MANAGER_POD_FAILURE_POLICY", text(&manager.pod_failure_policy)),
        ("ZENML_AWS_KUBERNETES_WORKLOAD_MANAGER_BUCKET", text(&manager.bucket)),
        ("ZENML_AWS_KUBERNETES_WORKLOAD_MANAGER_REGION", shown(aws.then_some(region))),
    ]
}

/// What one worker reads beyond the base.
pub fn worker(spec: &ZenMLWorkspaceSpec, name: &str) -> Vec<Variable> {
    let size = spec.workers.as_ref().and_then(|workers| workers.consumer_worker_pool_size);
    vec![("ZENML_CONSUMER_WORKER_POOL_SIZE", shown(size.filter(|_| name == "executor")))]
}

/// Fields that the document gives by the rest of their variable's name.
pub fn free_fields(spec: &ZenMLWorkspaceSpec, container: &mut ContainerDefinition) {
    let options = &spec.server_options;
    let mut families = vec![
        ("ZENML_STORE_", &spec.database.options),
        ("ZENML_SECRETS_STORE_", &spec.secrets_store.options),
        ("ZENML_SERVER_SECURE_HEADERS_", &options.secure_headers),
        ("OTEL_", &options.otel),
        ("ZENML_SERVER_", &options.options),
    ];
    if let Some(backup) = &spec.backup_secrets_store {
        families.push(("ZENML_BACKUP_SECRETS_STORE_", &backup.options));
    }
    for (prefix, fields) in families {
        for (name, value) in fields {
            plain(container, format!("{prefix}{}", name.to_uppercase()), value.clone());
        }
    }
}
