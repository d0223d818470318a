//! The variables of Pulumi's three images, one row each. Sources: Pulumi's self-hosting guide
//! (components, operations) and its ECS installers.

use crate::desired::kinds::env::{Value, Variable, fixed, secret, shown, text, when, write_once};
use crate::model::kinds::pulumi::{PulumiOauthApp, PulumiServiceSpec};
use crate::model::kinds::references::SecretRef;

/// Host of the API.
pub fn api_host(spec: &PulumiServiceSpec) -> String {
    spec.api_domain.clone().unwrap_or_else(|| format!("api.{}", spec.domain))
}

/// Host of the console.
pub fn console_host(spec: &PulumiServiceSpec) -> String {
    spec.console_domain.clone().unwrap_or_else(|| format!("app.{}", spec.domain))
}

/// Port of the API: TLS moves it.
pub fn api_port(spec: &PulumiServiceSpec) -> u16 {
    spec.api.port.unwrap_or(if spec.tls.api.is_some() { 8443 } else { 8080 })
}

/// Port of the console: TLS moves it.
pub fn console_port(spec: &PulumiServiceSpec) -> u16 {
    spec.console.port.unwrap_or(if spec.tls.console.is_some() { 3443 } else { 3000 })
}

/// Whether the second schema of engine events is used, and whether events are written in the old
/// form too.
pub fn engine_events(spec: &PulumiServiceSpec) -> (bool, bool) {
    let events = &spec.engine_events;
    let existing = events.existing_installation.unwrap_or(false);
    (events.schema_v2.unwrap_or(!existing), events.legacy_write.unwrap_or(existing))
}

/// Host and port of the database.
fn database(spec: &PulumiServiceSpec) -> (String, Option<String>) {
    match spec.database.endpoint.rsplit_once(':') {
        Some((host, port)) => (host.to_owned(), Some(port.to_owned())),
        None => (spec.database.endpoint.clone(), None),
    }
}

fn ping_endpoint(spec: &PulumiServiceSpec) -> Value {
    let host = spec.database.ping_endpoint.clone().unwrap_or_else(|| database(spec).0);
    Value::Plain(Some(host))
}

fn database_name(spec: &PulumiServiceSpec) -> Value {
    fixed(spec.database.name.as_deref().unwrap_or("pulumi"))
}

/// The database user's name or password: a secret of its own, or a key of the credentials' JSON.
fn database_user(spec: &PulumiServiceSpec, key: &str) -> Value {
    let database = &spec.database;
    match (&database.credentials, key) {
        (Some(credentials), _) => secret("spec.database.credentials", &Some(credentials.key(key))),
        (None, "username") => secret("spec.database.userName", &database.user_name),
        (None, _) => secret("spec.database.password", &database.password),
    }
}

/// API, first part: what it cannot start without.
pub fn api_core(spec: &PulumiServiceSpec) -> Vec<Variable> {
    let (schema_v2, legacy_write) = engine_events(spec);
    let aws = &spec.aws;
    vec![
        ("PULUMI_LICENSE_KEY", secret("spec.licenseKey", &spec.license_key)),
        ("PULUMI_ENTERPRISE", fixed("true")),
        ("PULUMI_API_DOMAIN", fixed(&api_host(spec))),
        ("PULUMI_CONSOLE_DOMAIN", fixed(&console_host(spec))),
        ("PULUMI_DATABASE_ENDPOINT", fixed(&spec.database.endpoint)),
        ("PULUMI_DATABASE_PING_ENDPOINT", ping_endpoint(spec)),
        ("PULUMI_DATABASE_NAME", database_name(spec)),
        ("PULUMI_DATABASE_USER_NAME", database_user(spec, "username")),
        ("PULUMI_DATABASE_USER_PASSWORD", database_user(spec, "password")),
        ("DATABASE_CA_CERTIFICATE", text(&spec.database.ca_certificate)),
        ("DATABASE_MIN_TLS_VERSION", text(&spec.database.min_tls_version)),
        ("PULUMI_ENGINE_EVENTS_SCHEMA_V2", shown(Some(schema_v2))),
        ("PULUMI_ENGINE_EVENTS_LEGACY_WRITE", shown(Some(legacy_write))),
        ("AWS_REGION", region(spec)),
        ("AWS_PROFILE", text(&aws.profile)),
        ("AWS_ROLE_ARN", text(&aws.role_arn)),
        ("AWS_ACCESS_KEY_ID", secret("spec.aws.accessKeyId", &aws.access_key_id)),
        ("AWS_SECRET_ACCESS_KEY", secret("spec.aws.secretAccessKey", &aws.secret_access_key)),
        ("PORT", shown(spec.api.port)),
    ]
}

/// API, second part: buckets, keys and search.
pub fn api_storage(spec: &PulumiServiceSpec) -> Vec<Variable> {
    let buckets = &spec.buckets;
    let search = spec.search.clone().unwrap_or_default();
    let declared = spec.search.is_some();
    vec![
        ("PULUMI_CHECKPOINT_BLOB_STORAGE_ENDPOINT", bucket(&buckets.checkpoints)),
        ("PULUMI_POLICY_PACK_BLOB_STORAGE_ENDPOINT", bucket(&buckets.policy_packs)),
        ("PULUMI_SERVICE_METADATA_BLOB_STORAGE_ENDPOINT", bucket(&buckets.service_metadata)),
        ("PULUMI_ENGINE_EVENTS_BLOB_STORAGE_ENDPOINT", bucket(&buckets.engine_events)),
        ("PULUMI_REGISTRY_PUBLIC_BLOB_STORAGE_ENDPOINT", bucket(&buckets.registry_public)),
        ("PULUMI_REGISTRY_PRIVATE_BLOB_STORAGE_ENDPOINT", bucket(&buckets.registry_private)),
        ("PULUMI_LOCAL_OBJECTS", text(&buckets.local_objects)),
        ("PULUMI_POLICY_PACK_LOCAL_HTTP_OBJECTS", text(&buckets.local_policy_packs)),
        ("PULUMI_KMS_KEY", text(&spec.encryption.kms_key)),
        ("PULUMI_LOCAL_KEYS", text(&spec.encryption.local_keys)),
        ("PULUMI_SEARCH_DOMAIN", shown(declared.then_some(search.endpoint))),
        ("PULUMI_SEARCH_USER", shown(declared.then(|| search.user.unwrap_or_else(|| "admin".to_owned())))),
        ("PULUMI_SEARCH_PASSWORD", secret("spec.search.password", &search.password)),
    ]
}

/// API, third part: signing in and mail.
pub fn api_login(spec: &PulumiServiceSpec) -> Vec<Variable> {
    let smtp = spec.smtp.as_ref();
    let turnstile = spec.turnstile.clone().unwrap_or_default();
    let old_login = turnstile.secret_key.clone().filter(|_| turnstile.legacy_login_variable == Some(true));
    let saml = spec.saml.as_ref();
    let (github, gitlab) = (app(&spec.oauth.github), app(&spec.oauth.gitlab));
    vec![
        ("PULUMI_DISABLE_EMAIL_LOGIN", when(spec.email_login.disable_login)),
        ("PULUMI_DISABLE_EMAIL_SIGNUP", when(spec.email_login.disable_signup)),
        ("SMTP_SERVER", shown(smtp.map(|smtp| &smtp.server))),
        ("SMTP_USERNAME", shown(smtp.map(|smtp| &smtp.username))),
        ("SMTP_GENERIC_SENDER", shown(smtp.map(|smtp| &smtp.generic_sender))),
        ("SMTP_PASSWORD", secret("spec.smtp.password", &smtp.and_then(|smtp| smtp.password.clone()))),
        ("RECAPTCHA_SECRET_KEY", secret("spec.turnstile.secretKey", &turnstile.secret_key)),
        ("LOGIN_RECAPTCHA_SECRET_KEY", secret("spec.turnstile.secretKey", &old_login)),
        ("SAML_CERTIFICATE_PUBLIC_KEY", shown(saml.map(|saml| &saml.certificate))),
        (
            "SAML_CERTIFICATE_PRIVATE_KEY",
            secret("spec.saml.privateKey", &saml.and_then(|saml| saml.private_key.clone())),
        ),
        ("GITHUB_OAUTH_ENDPOINT", text(&github.endpoint)),
        ("GITLAB_OAUTH_ID", text(&gitlab.id)),
        ("GITLAB_OAUTH_SECRET", secret("spec.oauth.gitlab.secret", &gitlab.secret)),
        ("GITLAB_OAUTH_ENDPOINT", text(&gitlab.endpoint)),
    ]
}

/// API, last part: TLS, telemetry and the rest.
pub fn api_rest(spec: &PulumiServiceSpec) -> Vec<Variable> {
    let telemetry = &spec.telemetry;
    let tls = spec.tls.api.as_ref();
    vec![
        ("API_TLS_CERTIFICATE", shown(tls.map(|tls| &tls.certificate))),
        (
            "API_TLS_PRIVATE_KEY",
            secret("spec.tls.api.privateKey", &tls.and_then(|tls| tls.private_key.clone())),
        ),
        ("API_MIN_TLS_VERSION", shown(tls.map(|tls| &tls.min_version))),
        ("PULUMI_AUDIT_LOGS_DYNAMO_TABLE", text(&telemetry.audit_logs_table)),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", text(&telemetry.otlp_endpoint)),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", text(&telemetry.otlp_protocol)),
        ("PULUMI_ENABLE_DEPRECATED_METRICS", shown(telemetry.deprecated_metrics)),
        (
            "METRICS_WEBHOOK_SECRET",
            secret("spec.telemetry.metricsWebhookSecret", &telemetry.metrics_webhook_secret),
        ),
        ("PULUMI_DISABLE_ESC_SSRF_PROTECTION", when(spec.disable_esc_ssrf_protection)),
        ("PULUMI_DEPLOY_DEFAULT_IMAGE_REFERENCE", text(&spec.deployments_default_image)),
    ]
}

/// Console, first part.
pub fn console_core(spec: &PulumiServiceSpec) -> Vec<Variable> {
    let options = &spec.console_options;
    let tls = spec.tls.console.as_ref();
    let private = spec.private_load_balancer.as_ref().and_then(|load_balancer| {
        let scheme = if load_balancer.certificate_arn.is_some() { "https" } else { "http" };
        load_balancer.domain.as_ref().map(|domain| format!("{scheme}://{domain}"))
    });
    let internal = options.api_internal_endpoint.clone().or(private);
    vec![
        ("PULUMI_API", fixed(&format!("https://{}", api_host(spec)))),
        ("PULUMI_API_INTERNAL_ENDPOINT", text(&internal)),
        ("PULUMI_CONSOLE_DOMAIN", fixed(&console_host(spec))),
        ("PULUMI_HOMEPAGE_DOMAIN", fixed(&console_host(spec))),
        ("PULUMI_ROOT_DOMAIN", text(&spec.root_domain)),
        ("AWS_REGION", region(spec)),
        ("AG_GRID_LICENSE_KEY", secret("spec.consoleOptions.agGridLicenseKey", &options.ag_grid_license_key)),
        ("CONSOLE_TLS_CERTIFICATE", shown(tls.map(|tls| &tls.certificate))),
        (
            "CONSOLE_TLS_PRIVATE_KEY",
            secret("spec.tls.console.privateKey", &tls.and_then(|tls| tls.private_key.clone())),
        ),
        ("CONSOLE_MIN_TLS_VERSION", shown(tls.map(|tls| &tls.min_version))),
        ("NODE_EXTRA_CA_CERTS", text(&options.node_extra_ca_certs)),
        ("ALLOW_INVALID_CERTS", when(options.allow_invalid_certs)),
        ("PORT", shown(spec.console.port)),
    ]
}

/// Console, second part: signing in.
pub fn console_login(spec: &PulumiServiceSpec) -> Vec<Variable> {
    let oauth = &spec.oauth;
    let (github, gitlab, bitbucket) = (app(&oauth.github), app(&oauth.gitlab), app(&oauth.bitbucket));
    let site_key = spec.turnstile.as_ref().map(|turnstile| &turnstile.site_key);
    vec![
        ("SAML_SSO_ENABLED", when(Some(spec.saml.is_some()))),
        ("RECAPTCHA_SITE_KEY", shown(site_key)),
        ("PULUMI_HIDE_EMAIL_LOGIN", when(spec.email_login.hide_login)),
        ("PULUMI_HIDE_EMAIL_SIGNUP", when(spec.email_login.hide_signup)),
        ("GITHUB_OAUTH_ID", text(&github.id)),
        ("GITHUB_OAUTH_SECRET", secret("spec.oauth.github.secret", &github.secret)),
        ("GITHUB_OAUTH_ENDPOINT", text(&github.endpoint)),
        ("GITLAB_OAUTH_ID", text(&gitlab.id)),
        ("GITLAB_OAUTH_SECRET", secret("spec.oauth.gitlab.secret", &gitlab.secret)),
        ("GITLAB_OAUTH_ENDPOINT", text(&gitlab.endpoint)),
        ("BITBUCKET_OAUTH_ID", text(&bitbucket.id)),
        ("BITBUCKET_OAUTH_SECRET", secret("spec.oauth.bitbucket.secret", &bitbucket.secret)),
    ]
}

/// Migrations. Their credentials do not restart anything: the task runs per image and
/// configuration, and a rotated password is no reason to migrate again.
pub fn migrations(spec: &PulumiServiceSpec) -> Vec<Variable> {
    let (wanted, database) = (&spec.migrations, &spec.database);
    let named = wanted.root_username.is_some() || wanted.root_password.is_some();
    let whole = wanted.root_credentials.clone().or(database.credentials.clone().filter(|_| !named));
    let pick = |own: &Option<SecretRef>, own_field, api: &Option<SecretRef>, api_field| {
        let field = if own.is_some() { own_field } else { api_field };
        write_once(field, &own.clone().or(api.clone()).filter(|_| whole.is_none()))
    };
    let whole_field = if wanted.root_credentials.is_some() {
        "spec.migrations.rootCredentials"
    } else {
        "spec.database.credentials"
    };
    let user = ("spec.migrations.rootUsername", "spec.database.userName");
    let word = ("spec.migrations.rootPassword", "spec.database.password");
    let username = pick(&wanted.root_username, user.0, &database.user_name, user.1);
    let password = pick(&wanted.root_password, word.0, &database.password, word.1);
    let port = wanted.mysql_port.map(|port| port.to_string()).or(self::database(spec).1);
    vec![
        ("PULUMI_DATABASE_ENDPOINT", fixed(&database.endpoint)),
        ("PULUMI_DATABASE_PING_ENDPOINT", ping_endpoint(spec)),
        ("PULUMI_DATABASE_NAME", database_name(spec)),
        ("MYSQL_PORT", text(&port)),
        ("MYSQL_ROOT_CREDENTIALS", write_once(whole_field, &whole)),
        ("MYSQL_ROOT_USERNAME", username),
        ("MYSQL_ROOT_PASSWORD", password),
        ("MYSQL_ALLOW_EMPTY_PASSWORD", when(wanted.allow_empty_password)),
        ("SKIP_CREATE_DB_USER", shown(Some(wanted.skip_create_db_user.unwrap_or(true)))),
        ("RUN_MIGRATIONS_EXTERNALLY", when(wanted.run_externally)),
        ("DATABASE_CA_CERTIFICATE", text(&database.ca_certificate)),
        ("METADATA_LOCK_WAIT_TIMEOUT", shown(wanted.metadata_lock_wait_timeout)),
        ("METADATA_LOCK_RETRIES", shown(wanted.metadata_lock_retries)),
        ("MIGRATIONS_TABLE_NAME", text(&wanted.table_name)),
        ("MIGRATIONS_DIR", text(&wanted.directory)),
    ]
}

fn region(spec: &PulumiServiceSpec) -> Value {
    fixed(spec.aws.region.as_deref().unwrap_or(&spec.placement.region))
}

/// A bucket's name becomes a URL; a URL stays as it is, for S3-compatible storage has parameters
/// behind it.
fn bucket(bucket: &Option<String>) -> Value {
    let url = |bucket: &String| {
        if bucket.contains("://") { bucket.clone() } else { format!("s3://{bucket}") }
    };
    Value::Plain(bucket.as_ref().map(url))
}

fn app(app: &Option<PulumiOauthApp>) -> PulumiOauthApp {
    app.clone().unwrap_or_default()
}
