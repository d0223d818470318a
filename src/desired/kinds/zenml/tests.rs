//! One row per rule, on the example document.

use crate::desired::kinds::golden::{Mistake, check_mistakes, edited, lower, lowered, secret, variable};
use crate::model::kinds::task_definition::OnRotation;
use serde_json::json;

#[test]
fn what_a_workspace_needs_is_checked() {
    let mistakes: Vec<Mistake<'_>> = vec![
        ("no domain", vec![("domain", json!(""))], &["error spec.domain"]),
        (
            "no ids",
            vec![("workspace.id", json!("")), ("organization.id", json!(""))],
            &["error spec.organization.id", "error spec.workspace.id"],
        ),
        ("no OAuth secret", vec![("oauth2ClientSecret", json!(null))], &["error spec.oauth2ClientSecret"]),
        ("no database", vec![("database.url", json!(null))], &["error spec.database.url"]),
        (
            "a URL in place of a secret",
            vec![("database.url", json!("mysql://u:p@h/db"))],
            &["error spec.database.url"],
        ),
        ("both forms", vec![("database.endpoint", json!("db:3306"))], &["error spec.database.endpoint"]),
        (
            "endpoint without user and password",
            vec![("database.url", json!(null)), ("database.endpoint", json!("db"))],
            &["error spec.database.userName", "error spec.database.password"],
        ),
        ("PostgreSQL", vec![("database.engine", json!("postgres"))], &["error spec.database.engine"]),
        (
            "unknown backup",
            vec![("database.backupStrategy", json!("hope"))],
            &["error spec.database.backupStrategy"],
        ),
        (
            "no backup",
            vec![("database.backupStrategy", json!("disabled"))],
            &["warning spec.database.backupStrategy"],
        ),
        (
            "half a client certificate",
            vec![("database.ssl.cert", json!("x"))],
            &["error spec.database.ssl.key"],
        ),
        ("small pool", vec![("database.maxOverflow", json!(0))], &["warning spec.database.poolSize"]),
        ("no limit on the pool", vec![("database.maxOverflow", json!(-1))], &[]),
        (
            "unknown level",
            vec![("serverOptions.loggingVerbosity", json!("LOUD"))],
            &["error spec.serverOptions.loggingVerbosity"],
        ),
        (
            "option in upper case",
            vec![("serverOptions.options", json!({"FOO": "1"}))],
            &["error spec.serverOptions.options.FOO"],
        ),
    ];
    check_mistakes("zenml", mistakes);
}

#[test]
fn keys_that_guard_data_are_asked_for() {
    let mistakes: Vec<Mistake<'_>> = vec![
        ("two tasks, no key", vec![("jwtSecretKey", json!(null))], &["error spec.jwtSecretKey"]),
        ("one task, no key", vec![("jwtSecretKey", json!(null)), ("server.desiredCount", json!(1))], &[]),
        (
            "autoscaled, no key",
            vec![
                ("jwtSecretKey", json!(null)),
                ("server.desiredCount", json!(null)),
                ("server.autoscaling", json!({"minCapacity": 1, "maxCapacity": 3})),
            ],
            &["error spec.jwtSecretKey"],
        ),
        (
            "plain secrets",
            vec![("secretsStore.encryptionKey", json!(null))],
            &["warning spec.secretsStore.encryptionKey"],
        ),
        ("unknown store", vec![("secretsStore.type", json!("drawer"))], &["error spec.secretsStore.type"]),
        (
            "aws store without method",
            vec![("secretsStore", json!({"type": "aws"}))],
            &["error spec.secretsStore.authMethod"],
        ),
    ];
    check_mistakes("zenml", mistakes);
    let app = lowered("zenml", &[]);
    for name in ["ZENML_SERVER_JWT_SECRET_KEY", "ZENML_SECRETS_STORE_ENCRYPTION_KEY"] {
        assert_eq!(secret(&app, "server", name).unwrap().on_rotation, OnRotation::Ignore);
    }
}

#[test]
fn what_excludes_or_cannot_be_is_told() {
    let without_url = |more: serde_json::Value| {
        let mut database = json!({"endpoint": "db:3306", "userName": "u", "password": "p"});
        database.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ("database", database)
    };
    let manager = |more: serde_json::Value| {
        let mut manager = json!({"implementation": "AwsKubernetes", "namespace": "n", "serviceAccount": "s",
            "bucket": "s3://b/p", "runnerImage": "i"});
        manager.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ("workloadManager", manager)
    };
    let mistakes: Vec<Mistake<'_>> = vec![
        ("no load balancer", vec![("loadBalancer", json!(null))], &["warning spec.loadBalancer"]),
        ("port of the server", vec![("server.port", json!(1))], &["error spec.server.port"]),
        (
            "URL as endpoint",
            vec![without_url(json!({"endpoint": "mysql://db"}))],
            &["error spec.database.endpoint"],
        ),
        ("no password", vec![without_url(json!({"password": null}))], &["error spec.database.password"]),
        (
            "by role, and no role",
            vec![
                without_url(json!({"password": null, "authMode": "aws_rds_iam"})),
                ("roles.taskRoleArn", json!(null)),
            ],
            &["error spec.roles.taskRoleArn"],
        ),
        ("unknown mode", vec![("database.authMode", json!("kerberos"))], &["error spec.database.authMode"]),
        (
            "said twice",
            vec![("database.userName", json!("u")), ("database.name", json!("n"))],
            &["warning spec.database.userName", "warning spec.database.name"],
        ),
        (
            "backup without a database",
            vec![("database.backupStrategy", json!("database"))],
            &["error spec.database.backupDatabase"],
        ),
        (
            "store of AWS without a role",
            vec![
                ("secretsStore", json!({"type": "aws", "authMethod": "implicit"})),
                ("roles.taskRoleArn", json!(null)),
            ],
            &["warning spec.roles.taskRoleArn"],
        ),
        (
            "a worker with a port",
            vec![("workers", json!({"executor": {"port": 1}, "redisBrokerUrl": "r"}))],
            &["error spec.workers.executor"],
        ),
        (
            "images built and put nowhere",
            vec![manager(json!({"buildRunnerImage": true}))],
            &["warning spec.workloadManager", "error spec.workloadManager.dockerRegistry"],
        ),
        (
            "threads without end",
            vec![("serverOptions.threadPoolSize", json!(u32::MAX))],
            &["warning spec.database.poolSize"],
        ),
        ("not a URL", vec![("controlPlane.apiUrl", json!("https://"))], &["error spec.controlPlane.apiUrl"]),
    ];
    check_mistakes("zenml", mistakes);
}

#[test]
fn the_guides_port_is_explained_until_something_listens_on_it() {
    let mistakes: Vec<Mistake<'_>> = vec![
        ("the guide's default", vec![("port", json!(null))], &["warning spec.port"]),
        ("the image's", vec![("port", json!(8080))], &[]),
        (
            "a command that listens",
            vec![("port", json!(8000)), ("command", json!(["serve", "--port", "8000"]))],
            &[],
        ),
        (
            "one that does not",
            vec![("port", json!(8000)), ("command", json!(["serve"]))],
            &["warning spec.command"],
        ),
    ];
    check_mistakes("zenml", mistakes);
    let (app, findings) = lower(&edited("zenml", &[("port", json!(null))]));
    assert!(findings[0].message.contains("8080"), "{}", findings[0]);
    assert_eq!(variable(&app, "server", "ZENML_SERVER_PORT"), Some("8000"));
    assert_eq!(app.target_groups["server"].port, 8000);
}

#[test]
fn both_the_real_variables_and_the_guides_are_set() {
    let app = lowered("zenml", &[]);
    for name in ["ZENML_STORE_URL", "ZENML_DATABASE_URL"] {
        assert_eq!(secret(&app, "server", name).unwrap().value_from, "zenml/store-url");
    }
    for name in ["ZENML_LOGGING_VERBOSITY", "ZENML_LOGGING_LEVEL"] {
        assert_eq!(variable(&app, "server", name), Some("INFO"));
    }
    let app = lowered("zenml", &[("guideVariables", json!(false))]);
    assert!(secret(&app, "server", "ZENML_DATABASE_URL").is_none());
    assert_eq!(variable(&app, "server", "ZENML_LOGGING_LEVEL"), None);
}

#[test]
fn a_password_of_its_own_stays_out_of_the_url() {
    let database =
        json!({"endpoint": "db.example.com", "userName": "zenml", "password": "zenml/rds/password"});
    let app = lowered("zenml", &[("database", database)]);
    assert_eq!(
        variable(&app, "server", "ZENML_STORE_URL"),
        Some("mysql://zenml@db.example.com:3306/zenml_hybrid")
    );
    assert_eq!(secret(&app, "server", "ZENML_STORE_PASSWORD").unwrap().value_from, "zenml/rds/password");
}

#[test]
fn only_the_task_migrates_and_only_for_a_new_image_or_configuration() {
    let app = lowered("zenml", &[]);
    assert_eq!(app.components["server"].depends_on, ["migrate"]);
    assert_eq!(variable(&app, "server", "DISABLE_DATABASE_MIGRATION"), Some("True"));
    assert_eq!(variable(&app, "migrate", "DISABLE_DATABASE_MIGRATION"), None);
    let container = &app.components["migrate"].task_definition.container_definitions[0];
    assert_eq!(container.command, ["zenml", "migrate-database"]);
    assert!(container.secrets.iter().all(|secret| secret.on_rotation == OnRotation::Ignore));
    let app = lowered("zenml", &[("migration.enabled", json!(false))]);
    assert!(!app.components.contains_key("migrate"));
    assert_eq!(variable(&app, "server", "DISABLE_DATABASE_MIGRATION"), None);
}

#[test]
fn scheduler_and_reconciler_are_singletons() {
    let workers = json!({"redisBrokerUrl": "zenml/redis", "scheduler": {}, "executor": {"desiredCount": 3}, "resourcePoolReconciler": {}, "consumerWorkerPoolSize": 8});
    let app = lowered("zenml", &[("workers", workers)]);
    assert!(app.components["scheduler"].singleton.is_some());
    assert!(app.components["resource-pool-reconciler"].singleton.is_some());
    assert_eq!(app.components["executor"].service.as_ref().unwrap().desired_count, Some(3));
    assert_eq!(variable(&app, "executor", "ZENML_CONSUMER_WORKER_POOL_SIZE"), Some("8"));
    assert_eq!(variable(&app, "scheduler", "ZENML_CONSUMER_WORKER_POOL_SIZE"), None);
    let mistakes: Vec<Mistake<'_>> = vec![
        (
            "two schedulers",
            vec![("workers", json!({"redisBrokerUrl": "r", "scheduler": {"desiredCount": 2}}))],
            &["error spec.workers.scheduler.desiredCount"],
        ),
        ("no broker", vec![("workers", json!({"executor": {}}))], &["error spec.workers.redisBrokerUrl"]),
    ];
    check_mistakes("zenml", mistakes);
}

#[test]
fn a_workload_manager_sets_its_variables_and_says_what_zenml_supports() {
    let manager = json!({
        "implementation": "AwsKubernetes", "namespace": "zenml-workload-manager", "serviceAccount": "zenml-runner",
        "buildRunnerImage": true, "dockerRegistry": "123456789012.dkr.ecr.eu-west-1.amazonaws.com", "bucket": "s3://logs/zenml",
    });
    let app = lowered("zenml", &[("workloadManager", manager)]);
    assert_eq!(variable(&app, "server", "ZENML_AWS_KUBERNETES_WORKLOAD_MANAGER_REGION"), Some("eu-west-1"));
    let empty = json!({"implementation": "AwsKubernetes"});
    let mistakes: Vec<Mistake<'_>> = vec![(
        "empty",
        vec![("workloadManager", empty)],
        &[
            "warning spec.workloadManager",
            "error spec.workloadManager.namespace",
            "error spec.workloadManager.serviceAccount",
            "error spec.workloadManager.runnerImage",
            "error spec.workloadManager.bucket",
        ],
    )];
    check_mistakes("zenml", mistakes);
}

#[test]
fn free_fields_become_variables_of_their_family() {
    let app = lowered(
        "zenml",
        &[
            ("serverOptions.secureHeaders", json!({"csp": "default-src"})),
            ("database.options", json!({"backup_keep": "3"})),
        ],
    );
    assert_eq!(variable(&app, "server", "ZENML_SERVER_SECURE_HEADERS_CSP"), Some("default-src"));
    assert_eq!(variable(&app, "server", "ZENML_STORE_BACKUP_KEEP"), Some("3"));
}

/// The vendor's tables.
const VARIABLES: &str = "
ZENML_SERVER_DEPLOYMENT_TYPE ZENML_SERVER_PRO_API_URL ZENML_SERVER_PRO_DASHBOARD_URL ZENML_SERVER_PRO_OAUTH2_AUDIENCE
ZENML_SERVER_PRO_ORGANIZATION_ID ZENML_SERVER_PRO_ORGANIZATION_NAME ZENML_SERVER_PRO_WORKSPACE_ID
ZENML_SERVER_PRO_WORKSPACE_NAME ZENML_SERVER_PRO_OAUTH2_CLIENT_SECRET ZENML_SERVER_PRO_HTTP_TIMEOUT
ZENML_SERVER_SERVER_URL ZENML_STORE_URL ZENML_DATABASE_URL ZENML_STORE_PASSWORD ZENML_STORE_TYPE ZENML_STORE_AUTH_MODE
ZENML_STORE_AWS_REGION ZENML_STORE_AWS_RDS_IAM_ROLE_ARN ZENML_STORE_SSL ZENML_STORE_SSL_CA ZENML_STORE_SSL_CERT
ZENML_STORE_SSL_KEY ZENML_STORE_SSL_VERIFY_SERVER_CERT ZENML_STORE_POOL_SIZE ZENML_STORE_MAX_OVERFLOW
ZENML_STORE_BACKUP_STRATEGY ZENML_STORE_BACKUP_DATABASE ZENML_STORE_BACKUP_DIRECTORY ZENML_STORE_PAYLOAD_STORAGE
ZENML_SERVER_JWT_SECRET_KEY ZENML_SECRETS_STORE_TYPE ZENML_SECRETS_STORE_ENCRYPTION_KEY
ZENML_SECRETS_STORE_AUTH_METHOD ZENML_SECRETS_STORE_AUTH_CONFIG ZENML_SECRETS_STORE_REGION_NAME
ZENML_BACKUP_SECRETS_STORE_TYPE ZENML_BACKUP_SECRETS_STORE_ENCRYPTION_KEY ZENML_LOGGING_VERBOSITY ZENML_LOGGING_LEVEL
ZENML_SERVER_HOSTNAME ZENML_SERVER_PORT ZENML_SERVER ZENML_ANALYTICS_OPT_IN ZENML_DEFAULT_PROJECT_NAME
ZENML_ENABLE_IMPLICIT_AUTH_METHODS NODE_OPTIONS DISABLE_DATABASE_MIGRATION ZENML_SERVER_THREAD_POOL_SIZE
ZENML_SERVER_AUTH_THREAD_POOL_SIZE ZENML_SERVER_REQUEST_TIMEOUT ZENML_SERVER_REQUEST_CACHE_TIMEOUT
ZENML_SERVER_JWT_TOKEN_EXPIRE_MINUTES ZENML_SERVER_CORS_ALLOW_ORIGINS ZENML_SERVER_AUTH_COOKIE_DOMAIN
ZENML_SERVER_ROOT_URL_PATH ZENML_SERVER_RATE_LIMIT_ENABLED ZENML_SERVER_LOGIN_RATE_LIMIT_MINUTE
ZENML_SERVER_LOGIN_RATE_LIMIT_DAY ZENML_SERVER_SECURE_HEADERS_CSP OTEL_EXPORTER_OTLP_ENDPOINT HTTP_PROXY HTTPS_PROXY
NO_PROXY REQUESTS_CA_BUNDLE SSL_CERT_FILE ZENML_REDIS_BROKER_URL ZENML_CONSUMER_WORKER_POOL_SIZE
ZENML_SERVER_WORKLOAD_MANAGER_IMPLEMENTATION_SOURCE ZENML_KUBERNETES_WORKLOAD_MANAGER_NAMESPACE
ZENML_KUBERNETES_WORKLOAD_MANAGER_SERVICE_ACCOUNT ZENML_KUBERNETES_WORKLOAD_MANAGER_BUILD_RUNNER_IMAGE
ZENML_KUBERNETES_WORKLOAD_MANAGER_DOCKER_REGISTRY ZENML_KUBERNETES_WORKLOAD_MANAGER_RUNNER_IMAGE
ZENML_KUBERNETES_WORKLOAD_MANAGER_ENABLE_EXTERNAL_LOGS ZENML_KUBERNETES_WORKLOAD_MANAGER_POD_RESOURCES
ZENML_KUBERNETES_WORKLOAD_MANAGER_TTL_SECONDS_AFTER_FINISHED ZENML_KUBERNETES_WORKLOAD_MANAGER_NODE_SELECTOR
ZENML_KUBERNETES_WORKLOAD_MANAGER_TOLERATIONS ZENML_KUBERNETES_WORKLOAD_MANAGER_JOB_BACKOFF_LIMIT
ZENML_KUBERNETES_WORKLOAD_MANAGER_POD_FAILURE_POLICY ZENML_AWS_KUBERNETES_WORKLOAD_MANAGER_BUCKET
ZENML_AWS_KUBERNETES_WORKLOAD_MANAGER_REGION ZENML_SERVER_MAX_CONCURRENT_TEMPLATE_RUNS";

#[test]
fn every_variable_of_the_vendors_tables_can_be_set() {
    let edits = [
        ("controlPlane", json!({"httpTimeout": 9})),
        ("database.password", json!("zenml/rds/password")),
        ("database.authMode", json!("aws_rds_iam")),
        ("database.awsRegion", json!("eu-west-1")),
        ("database.awsRdsIamRoleArn", json!("arn:aws:iam::1:role/r")),
        (
            "database.ssl",
            json!({"enabled": true, "ca": "c", "cert": "c", "key": "zenml/k", "verifyServerCert": true}),
        ),
        ("database.backupDatabase", json!("b")),
        ("database.payloadStorage", json!("zenml/payload")),
        (
            "secretsStore",
            json!({"type": "aws", "encryptionKey": "zenml/e", "authMethod": "implicit", "authConfig": "zenml/a", "regionName": "r"}),
        ),
        ("backupSecretsStore", json!({"type": "sql", "encryptionKey": "zenml/b"})),
        (
            "serverOptions",
            json!({
                "analyticsOptIn": true, "defaultProjectName": "d", "enableImplicitAuthMethods": true, "nodeOptions": "n",
                "threadPoolSize": 1, "authThreadPoolSize": 1, "requestTimeout": 1, "requestCacheTimeout": 1,
                "jwtTokenExpireMinutes": 1, "corsAllowOrigins": "*", "authCookieDomain": "d", "rootUrlPath": "/",
                "rateLimitEnabled": true, "loginRateLimitMinute": 1, "loginRateLimitDay": 1, "maxConcurrentTemplateRuns": 1,
                "secureHeaders": {"csp": "x"}, "otel": {"exporter_otlp_endpoint": "x"},
            }),
        ),
        ("proxy", json!({"http": "h", "https": "h", "noProxy": "n", "caBundle": "c", "sslCertFile": "s"})),
        ("workers", json!({"redisBrokerUrl": "zenml/redis", "executor": {}, "consumerWorkerPoolSize": 4})),
        (
            "workloadManager",
            json!({
                "implementation": "AwsKubernetes", "namespace": "n", "serviceAccount": "s", "buildRunnerImage": true,
                "dockerRegistry": "d", "runnerImage": "r", "enableExternalLogs": true, "podResources": "{}",
                "ttlSecondsAfterFinished": 1, "nodeSelector": "{}", "tolerations": "[]", "jobBackoffLimit": 1,
                "podFailurePolicy": "{}", "bucket": "s3://b/p",
            }),
        ),
    ];
    let app = lowered("zenml", &edits);
    let set = |name: &str| {
        let mut components = app.components.keys();
        components.any(|key| variable(&app, key, name).is_some() || secret(&app, key, name).is_some())
    };
    let missing: Vec<&str> = VARIABLES.split_whitespace().filter(|name| !set(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
