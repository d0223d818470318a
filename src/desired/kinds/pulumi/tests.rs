//! One row per rule, on the example document.

use crate::desired::kinds::golden::{Mistake, check_mistakes, edited, lower, lowered, secret, variable};
use crate::model::kinds::task_definition::OnRotation;
use serde_json::json;

const PEM: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";

#[test]
fn what_the_database_needs_is_checked() {
    let mistakes: Vec<Mistake<'_>> = vec![
        ("no endpoint", vec![("database.endpoint", json!(""))], &["error spec.database.endpoint"]),
        (
            "endpoint without port",
            vec![("database.endpoint", json!("db.example.com"))],
            &["error spec.database.endpoint"],
        ),
        (
            "endpoint as URL",
            vec![("database.endpoint", json!("mysql://db:3306"))],
            &["error spec.database.endpoint"],
        ),
        (
            "no credentials",
            vec![("database.credentials", json!(null))],
            &["error spec.database.userName", "error spec.database.password"],
        ),
        (
            "both forms",
            vec![("database.password", json!("pulumi/password"))],
            &["error spec.database.credentials"],
        ),
        ("half of TLS", vec![("database.caCertificate", json!(PEM))], &["error spec.database.minTlsVersion"]),
        (
            "a path for PEM",
            vec![("database.caCertificate", json!("/etc/ca.pem")), ("database.minTlsVersion", json!("1.2"))],
            &["error spec.database.caCertificate"],
        ),
        (
            "PostgreSQL",
            vec![("database.engine", json!("aurora-postgresql"))],
            &["error spec.database.engine"],
        ),
        (
            "loose mode",
            vec![("database.sqlMode", json!("NO_ENGINE_SUBSTITUTION"))],
            &["error spec.database.sqlMode"],
        ),
        ("mode not stated", vec![("database.sqlMode", json!(null))], &["warning spec.database.sqlMode"]),
        (
            "value for reference",
            vec![("database.credentials", json!("hunter 2"))],
            &["error spec.database.credentials"],
        ),
    ];
    check_mistakes("pulumi", mistakes);
}

#[test]
fn what_belongs_together_comes_together() {
    let mistakes: Vec<Mistake<'_>> = vec![
        (
            "mail without sender",
            vec![("smtp.genericSender", json!(null))],
            &["error spec.smtp.genericSender"],
        ),
        ("mail without password", vec![("smtp.password", json!(null))], &["error spec.smtp.password"]),
        ("half a Turnstile", vec![("turnstile.secretKey", json!(null))], &["error spec.turnstile.secretKey"]),
        (
            "SAML without key",
            vec![("saml", json!({"certificate": PEM})), ("emailLogin.disableSignup", json!(true))],
            &["error spec.saml.privateKey"],
        ),
        (
            "SAML beside signing up by e-mail",
            vec![("saml", json!({"certificate": PEM, "privateKey": "pulumi/saml"}))],
            &["warning spec.emailLogin.disableSignup"],
        ),
        (
            "half of TLS",
            vec![("tls.api", json!({"certificate": PEM, "privateKey": "pulumi/tls"}))],
            &["error spec.tls.api.minVersion"],
        ),
        (
            "search without password",
            vec![("search", json!({"endpoint": "https://search:443"}))],
            &["error spec.search.password"],
        ),
        (
            "hidden but open",
            vec![("emailLogin.hideLogin", json!(true))],
            &["warning spec.emailLogin.hideLogin"],
        ),
        (
            "nobody gets in",
            vec![("emailLogin.disableLogin", json!(true))],
            &["error spec.emailLogin.disableLogin"],
        ),
        (
            "half of static keys",
            vec![("aws.accessKeyId", json!("pulumi/id"))],
            &["error spec.aws.secretAccessKey"],
        ),
    ];
    check_mistakes("pulumi", mistakes);
}

#[test]
fn buckets_and_keys_are_checked() {
    let mistakes: Vec<Mistake<'_>> = vec![
        (
            "one bucket twice",
            vec![("buckets.policyPacks", json!("s3://example-pulumi-checkpoints?endpoint=minio"))],
            &["error spec.buckets.policyPacks"],
        ),
        ("no checkpoints", vec![("buckets.checkpoints", json!(null))], &["error spec.buckets.checkpoints"]),
        (
            "no metadata",
            vec![("buckets.serviceMetadata", json!(null))],
            &["warning spec.buckets.serviceMetadata"],
        ),
        (
            "not a bucket",
            vec![("buckets.checkpoints", json!("My_Bucket"))],
            &["error spec.buckets.checkpoints"],
        ),
        ("no key", vec![("encryption", json!({}))], &["error spec.encryption.kmsKey"]),
        ("two keys", vec![("encryption.localKeys", json!("/keys"))], &["error spec.encryption.localKeys"]),
        (
            "actions missing",
            vec![("encryption.grantedActions", json!(["kms:Decrypt", "GenerateDataKey*"]))],
            &["error spec.encryption.grantedActions"],
        ),
        (
            "actions not stated",
            vec![("encryption.grantedActions", json!(null))],
            &["warning spec.encryption.grantedActions"],
        ),
        ("no task role", vec![("roles.taskRoleArn", json!(null))], &["error spec.roles.taskRoleArn"]),
    ];
    check_mistakes("pulumi", mistakes);
}

#[test]
fn engine_events_of_an_old_installation_are_not_flipped_without_support() {
    let old = ("engineEvents.existingInstallation", json!(true));
    let mistakes: Vec<Mistake<'_>> = vec![
        (
            "flipped",
            vec![old.clone(), ("engineEvents.schemaV2", json!(true))],
            &["error spec.engineEvents.schemaV2"],
        ),
        (
            "old form off",
            vec![
                old.clone(),
                ("engineEvents.schemaV2", json!(true)),
                ("engineEvents.legacyWrite", json!(false)),
            ],
            &["error spec.engineEvents.schemaV2", "error spec.engineEvents.legacyWrite"],
        ),
        (
            "with support",
            vec![
                old.clone(),
                ("engineEvents.schemaV2", json!(true)),
                ("engineEvents.supportConfirmed", json!(true)),
            ],
            &[],
        ),
        (
            "not stated",
            vec![("engineEvents", json!({}))],
            &["warning spec.engineEvents.existingInstallation"],
        ),
        (
            "new with the old form",
            vec![("engineEvents.legacyWrite", json!(true))],
            &["warning spec.engineEvents"],
        ),
    ];
    check_mistakes("pulumi", mistakes);
    let app = lowered("pulumi", &[old]);
    assert_eq!(variable(&app, "api", "PULUMI_ENGINE_EVENTS_SCHEMA_V2"), Some("false"));
    assert_eq!(variable(&app, "api", "PULUMI_ENGINE_EVENTS_LEGACY_WRITE"), Some("true"));
}

#[test]
fn names_load_balancers_and_overrides_are_checked() {
    let mistakes: Vec<Mistake<'_>> = vec![
        ("latest", vec![("imageTag", json!("latest"))], &["warning spec.imageTag"]),
        ("no tag", vec![("imageTag", json!(""))], &["error spec.imageTag"]),
        ("domain with scheme", vec![("domain", json!("https://pulumi.example.com"))], &["error spec.domain"]),
        ("no licence", vec![("licenseKey", json!(null))], &["error spec.licenseKey"]),
        ("no registry", vec![("images.account", json!(null))], &["warning spec.images"]),
        ("no VPC", vec![("network.vpcId", json!(null))], &["error spec.network.vpcId"]),
        (
            "plain HTTP",
            vec![("loadBalancer.certificateArn", json!(null))],
            &["warning spec.loadBalancer.certificateArn"],
        ),
        (
            "shared without priority",
            vec![("loadBalancer", json!({"httpsListenerArn": "arn:aws:x"}))],
            &["error spec.loadBalancer.rulePriority"],
        ),
        ("no load balancer", vec![("loadBalancer", json!({}))], &["error spec.loadBalancer"]),
        (
            "unknown component",
            vec![("overrides", json!({"web": {"cpu": 256}}))],
            &["error spec.overrides.web"],
        ),
        (
            "a count for a task",
            vec![("overrides", json!({"migrate": {"desiredCount": 2}}))],
            &["error spec.overrides.migrate.desiredCount"],
        ),
        ("jobs in one service", vec![("jobs", json!({"cpu": 512}))], &["error spec.jobs"]),
        (
            "no execution role",
            vec![("roles.executionRoleArn", json!(null))],
            &["error spec.roles.executionRoleArn"],
        ),
    ];
    check_mistakes("pulumi", mistakes);
}

#[test]
fn what_excludes_or_cannot_be_is_told() {
    let mistakes: Vec<Mistake<'_>> = vec![
        (
            "one host for both",
            vec![("apiDomain", json!("x.example.com")), ("consoleDomain", json!("x.example.com"))],
            &["error spec.consoleDomain"],
        ),
        ("a repository", vec![("images.repository", json!("x"))], &["error spec.images.repository"]),
        ("two registries", vec![("images.registry", json!("r.example.com"))], &["error spec.images.account"]),
        (
            "ping by URL",
            vec![("database.pingEndpoint", json!("http://x"))],
            &["error spec.database.pingEndpoint"],
        ),
        (
            "a key of the credentials",
            vec![("database.credentials", json!("pulumi/db:username::"))],
            &["error spec.database.credentials", "error spec.database.credentials"],
        ),
        (
            "two root users",
            vec![
                ("migrations.rootCredentials", json!("r")),
                ("migrations.rootUsername", json!("u")),
                ("migrations.rootPassword", json!("p")),
            ],
            &["error spec.migrations.rootCredentials"],
        ),
        (
            "a user without password",
            vec![("migrations.skipCreateDbUser", json!(false))],
            &["warning spec.migrations.skipCreateDbUser"],
        ),
        (
            "bucket and folder",
            vec![("buckets.localObjects", json!("/x"))],
            &["error spec.buckets.localObjects"],
        ),
        ("key by alias", vec![("encryption.kmsKey", json!("alias/x"))], &["warning spec.encryption.kmsKey"]),
        (
            "no events at all",
            vec![(
                "engineEvents",
                json!({"existingInstallation": true, "schemaV2": false, "legacyWrite": false}),
            )],
            &["error spec.engineEvents.legacyWrite", "error spec.engineEvents"],
        ),
        ("exporter", vec![("telemetry.otlpProtocol", json!("udp"))], &["error spec.telemetry.otlpProtocol"]),
        (
            "Bitbucket's endpoint",
            vec![("oauth.bitbucket", json!({"id": "i", "secret": "s", "endpoint": "e"}))],
            &["error spec.oauth.bitbucket.endpoint"],
        ),
        (
            "port of the private load balancer",
            vec![("privateLoadBalancer.port", json!(1))],
            &["error spec.privateLoadBalancer.port"],
        ),
    ];
    check_mistakes("pulumi", mistakes);
}

#[test]
fn load_balancers_and_references_are_checked_by_their_form() {
    let arn = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/x/1/2";
    let shared = |more: serde_json::Value| {
        let mut load_balancer = json!({"httpsListenerArn": arn, "rulePriority": 5});
        load_balancer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ("loadBalancer", load_balancer)
    };
    let mistakes: Vec<Mistake<'_>> = vec![
        (
            "own and shared listeners",
            vec![("loadBalancer.httpsListenerArn", json!(arn))],
            &["error spec.loadBalancer"],
        ),
        ("neither", vec![("loadBalancer.loadBalancer", json!(null))], &["error spec.loadBalancer"]),
        (
            "not a certificate",
            vec![("loadBalancer.certificateArn", json!("x"))],
            &["error spec.loadBalancer.certificateArn"],
        ),
        (
            "certificate of shared listeners",
            vec![shared(json!({"certificateArn": "arn:aws:acm:eu-west-1:123456789012:certificate/x"}))],
            &["warning spec.loadBalancer.certificateArn"],
        ),
        (
            "secret of something else",
            vec![("licenseKey", json!("arn:aws:s3:::b"))],
            &["error spec.licenseKey"],
        ),
        ("no secret", vec![("licenseKey", json!(" "))], &["error spec.licenseKey"]),
        ("half a secret", vec![("licenseKey", json!("a:b"))], &["error spec.licenseKey"]),
        ("no tag", vec![("imageTag", json!(""))], &["error spec.imageTag"]),
        ("any tag", vec![("imageTag", json!("latest"))], &["warning spec.imageTag"]),
        ("not a tag", vec![("imageTag", json!("a b"))], &["error spec.imageTag"]),
        (
            "target group of a task",
            vec![(
                "overrides",
                json!({"migrate": {"targetGroup": {"port": 1, "vpcId": "x"}, "service": {}}}),
            )],
            &["error spec.overrides.migrate.targetGroup", "error spec.overrides.migrate.service"],
        ),
        (
            "search by host",
            vec![("search", json!({"endpoint": "x", "password": "p"}))],
            &["error spec.search.endpoint"],
        ),
    ];
    check_mistakes("pulumi", mistakes);
}

#[test]
fn the_highest_priority_there_is_makes_a_rule_and_no_panic() {
    let arn = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/x/1/2";
    let load_balancer = json!({"httpsListenerArn": arn, "rulePriority": u32::MAX});
    let application = lowered("pulumi", &[("loadBalancer", load_balancer)]);
    assert!(
        application.rules.values().all(|rule| rule.priority == u32::MAX),
        "the checks refuse it by its number"
    );
}

#[test]
fn all_mistakes_are_found_at_once() {
    let document = crate::desired::kinds::golden::document(
        "{apiVersion: evenkeel.dev/v1alpha1, kind: PulumiService, metadata: {name: p}, spec: {}}",
    );
    let (_, findings) = lower(&document);
    let errors: Vec<&str> = findings.iter().filter(|f| f.is_error()).map(|f| f.field.as_str()).collect();
    let expected = [
        "spec.placement.region",
        "spec.placement.cluster",
        "spec.imageTag",
        "spec.network.subnets",
        "spec.roles.executionRoleArn",
        "spec.domain",
        "spec.licenseKey",
        "spec.database.endpoint",
        "spec.database.userName",
        "spec.database.password",
        "spec.buckets.checkpoints",
        "spec.buckets.policyPacks",
        "spec.encryption.kmsKey",
    ];
    assert_eq!(errors, expected);
}

#[test]
fn a_secret_that_looks_like_a_value_is_not_repeated_in_its_finding() {
    let (_, findings) = lower(&edited("pulumi", &[("licenseKey", json!("eyJ hunter2 value"))]));
    assert_eq!(findings.len(), 1);
    assert!(!findings[0].to_string().contains("hunter2"));
}

#[test]
fn migrations_come_first_then_the_api_then_the_console() {
    let app = lowered("pulumi", &[]);
    let depends = |name: &str| app.components[name].depends_on.clone();
    assert_eq!(depends("migrate"), Vec::<String>::new());
    assert_eq!(depends("api"), ["migrate"]);
    assert_eq!(depends("console"), ["api"]);
    let credentials = secret(&app, "migrate", "MYSQL_ROOT_CREDENTIALS").unwrap();
    assert_eq!(
        (credentials.value_from.as_str(), credentials.on_rotation),
        ("pulumi/database", OnRotation::Ignore)
    );
    assert_eq!(app.components["migrate"].task_definition.task_role_arn, None);
}

#[test]
fn migrations_can_be_turned_off() {
    let app = lowered("pulumi", &[("migrations.task.enabled", json!(false))]);
    assert!(!app.components.contains_key("migrate"));
    assert!(app.components["api"].depends_on.is_empty());
}

#[test]
fn a_split_api_runs_its_jobs_in_a_service_of_their_own() {
    let app = lowered("pulumi", &[("containerMode", json!("SPLIT")), ("jobs", json!({"desiredCount": 1}))]);
    assert_eq!(variable(&app, "api", "PULUMI_API_CONTAINER_MODE"), Some("API"));
    assert_eq!(variable(&app, "jobs", "PULUMI_API_CONTAINER_MODE"), Some("JOBS"));
    let jobs = app.components["jobs"].service.as_ref().unwrap();
    assert_eq!((jobs.desired_count, jobs.load_balancers.len()), (Some(1), 0));
    assert_eq!(jobs.health_check_grace_period_seconds, None, "ECS refuses one without a load balancer");
}

#[test]
fn tls_to_the_container_moves_port_and_protocol() {
    let tls = json!({"certificate": PEM, "privateKey": "pulumi/tls", "minVersion": "1.2"});
    let app = lowered("pulumi", &[("tls.api", tls)]);
    let group = &app.target_groups["api"];
    assert_eq!((group.port, group.protocol.as_deref()), (8443, Some("HTTPS")));
    assert_eq!(secret(&app, "api", "API_TLS_PRIVATE_KEY").unwrap().value_from, "pulumi/tls");
}

#[test]
fn port_80_can_forward_as_the_installers_do() {
    let app = lowered("pulumi", &[("loadBalancer.httpPort", json!("Forward"))]);
    assert_eq!(app.rules["api-http"].actions[0].kind, "forward");
    assert_eq!(app.rules["console-http"].priority, 101);
    assert_eq!(app.listeners["http"].default_actions[0].kind, "fixed-response");
}

#[test]
fn a_shared_load_balancer_gets_rules_and_no_listeners() {
    let arn = |port: u16| format!("arn:aws:elasticloadbalancing:eu-west-1:1:listener/app/shared/a/{port}");
    let load_balancer = json!({"httpsListenerArn": arn(443), "httpListenerArn": arn(80), "rulePriority": 40});
    let app = lowered("pulumi", &[("loadBalancer", load_balancer), ("privateLoadBalancer", json!(null))]);
    assert!(app.listeners.is_empty());
    let rules: Vec<(&str, u32, &str)> = app
        .rules
        .iter()
        .map(|(key, rule)| (key.as_str(), rule.priority, rule.actions[0].kind.as_str()))
        .collect();
    assert_eq!(
        rules,
        [
            ("api-http", 40, "redirect"),
            ("api-https", 40, "forward"),
            ("console-http", 41, "redirect"),
            ("console-https", 41, "forward")
        ]
    );
}

#[test]
fn an_override_wins_over_the_kind() {
    let overrides = json!({"api": {
        "environment": [{"name": "AWS_REGION", "value": "eu-central-1"}],
        "secrets": [{"name": "PULUMI_API_DOMAIN", "valueFrom": "pulumi/domain"}],
        "unset": ["PULUMI_ENTERPRISE"],
        "containers": [{"name": "proxy", "image": "proxy:1"}],
        "cpu": 4096,
        "taskDefinition": {"family": "pulumi-service-task", "containerDefinitions": [
            {"name": "pulumi-service", "readonlyRootFilesystem": true}
        ]},
        "service": {"serviceName": "pulumi-api", "deploymentConfiguration": {"maximumPercent": 150}},
        "targetGroup": {"name": "pulumi-api", "healthCheckIntervalSeconds": 20},
    }});
    let app = lowered("pulumi", &[("overrides", overrides)]);
    assert_eq!(variable(&app, "api", "AWS_REGION"), Some("eu-central-1"));
    assert_eq!(variable(&app, "api", "PULUMI_API_DOMAIN"), None);
    assert_eq!(variable(&app, "api", "PULUMI_ENTERPRISE"), None);
    assert_eq!(secret(&app, "api", "PULUMI_API_DOMAIN").unwrap().value_from, "pulumi/domain");
    let definition = &app.components["api"].task_definition;
    assert_eq!(definition.cpu.as_ref().unwrap().0, "4096");
    assert_eq!(definition.family.as_deref(), Some("pulumi-service-task"));
    let containers = &definition.container_definitions;
    assert_eq!(containers.len(), 2);
    assert_eq!(containers[0].readonly_root_filesystem, Some(true));
    assert!(containers[0].image.contains("pulumi/service"), "an image that is not named stays");
    let service = app.components["api"].service.as_ref().unwrap();
    assert_eq!(service.service_name.as_deref(), Some("pulumi-api"));
    let rollout = service.deployment_configuration.as_ref().unwrap();
    assert_eq!((rollout.maximum_percent, rollout.deployment_circuit_breaker.is_some()), (Some(150), true));
    let group = &app.target_groups["api"];
    assert_eq!(
        (group.port, group.name.as_deref(), group.health_check_interval_seconds),
        (8080, Some("pulumi-api"), Some(20))
    );
}

#[test]
fn an_autoscaled_service_declares_no_count() {
    let scaling = json!({"minCapacity": 1, "maxCapacity": 6, "targetCpuPercent": 60});
    let app = lowered("pulumi", &[("console.autoscaling", scaling), ("console.desiredCount", json!(null))]);
    let service = app.components["console"].service.as_ref().unwrap();
    assert_eq!(service.desired_count, None);
    assert_eq!(service.autoscaling.as_ref().unwrap().max_capacity, 6);
}

#[test]
fn images_in_china_come_from_a_host_of_that_partition() {
    let app = lowered("pulumi", &[("placement.region", json!("cn-north-1"))]);
    let image = &app.components["api"].task_definition.container_definitions[0].image;
    assert!(
        image.starts_with("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/mirror/pulumi/service:"),
        "{image}"
    );
}

/// The vendor's tables, image by image. Deprecated names of buckets are left out.
const VARIABLES: &str = "
PULUMI_LICENSE_KEY PULUMI_ENTERPRISE PULUMI_DATABASE_ENDPOINT PULUMI_DATABASE_PING_ENDPOINT PULUMI_DATABASE_NAME
PULUMI_DATABASE_USER_NAME PULUMI_DATABASE_USER_PASSWORD PULUMI_API_DOMAIN PULUMI_CONSOLE_DOMAIN
PULUMI_CHECKPOINT_BLOB_STORAGE_ENDPOINT PULUMI_POLICY_PACK_BLOB_STORAGE_ENDPOINT
PULUMI_SERVICE_METADATA_BLOB_STORAGE_ENDPOINT PULUMI_ENGINE_EVENTS_BLOB_STORAGE_ENDPOINT
PULUMI_REGISTRY_PUBLIC_BLOB_STORAGE_ENDPOINT PULUMI_REGISTRY_PRIVATE_BLOB_STORAGE_ENDPOINT PULUMI_KMS_KEY
PULUMI_LOCAL_KEYS PULUMI_LOCAL_OBJECTS PULUMI_POLICY_PACK_LOCAL_HTTP_OBJECTS AWS_REGION AWS_PROFILE AWS_ROLE_ARN
PULUMI_ENGINE_EVENTS_SCHEMA_V2 PULUMI_ENGINE_EVENTS_LEGACY_WRITE PULUMI_DISABLE_EMAIL_LOGIN
PULUMI_DISABLE_EMAIL_SIGNUP SMTP_SERVER SMTP_USERNAME SMTP_GENERIC_SENDER SMTP_PASSWORD RECAPTCHA_SECRET_KEY
LOGIN_RECAPTCHA_SECRET_KEY SAML_CERTIFICATE_PUBLIC_KEY SAML_CERTIFICATE_PRIVATE_KEY PULUMI_SEARCH_DOMAIN
PULUMI_SEARCH_USER PULUMI_SEARCH_PASSWORD DATABASE_CA_CERTIFICATE DATABASE_MIN_TLS_VERSION API_TLS_CERTIFICATE
API_TLS_PRIVATE_KEY API_MIN_TLS_VERSION PULUMI_AUDIT_LOGS_DYNAMO_TABLE OTEL_EXPORTER_OTLP_ENDPOINT
OTEL_EXPORTER_OTLP_PROTOCOL PULUMI_ENABLE_DEPRECATED_METRICS METRICS_WEBHOOK_SECRET
PULUMI_DISABLE_ESC_SSRF_PROTECTION PULUMI_DEPLOY_DEFAULT_IMAGE_REFERENCE GITHUB_OAUTH_ENDPOINT GITLAB_OAUTH_ID
GITLAB_OAUTH_ENDPOINT GITLAB_OAUTH_SECRET PULUMI_API_CONTAINER_MODE PORT PULUMI_API PULUMI_API_INTERNAL_ENDPOINT
PULUMI_HOMEPAGE_DOMAIN PULUMI_ROOT_DOMAIN SAML_SSO_ENABLED RECAPTCHA_SITE_KEY AG_GRID_LICENSE_KEY
PULUMI_HIDE_EMAIL_LOGIN PULUMI_HIDE_EMAIL_SIGNUP GITHUB_OAUTH_ID GITHUB_OAUTH_SECRET BITBUCKET_OAUTH_ID
BITBUCKET_OAUTH_SECRET CONSOLE_TLS_CERTIFICATE CONSOLE_TLS_PRIVATE_KEY CONSOLE_MIN_TLS_VERSION NODE_EXTRA_CA_CERTS
ALLOW_INVALID_CERTS MYSQL_ROOT_USERNAME MYSQL_ROOT_PASSWORD MYSQL_ROOT_CREDENTIALS MYSQL_PORT SKIP_CREATE_DB_USER
RUN_MIGRATIONS_EXTERNALLY METADATA_LOCK_WAIT_TIMEOUT METADATA_LOCK_RETRIES MIGRATIONS_TABLE_NAME MIGRATIONS_DIR
MYSQL_ALLOW_EMPTY_PASSWORD";

#[test]
fn every_variable_of_the_vendors_tables_can_be_set() {
    let pem = |key: &str| json!({"certificate": PEM, "privateKey": key, "minVersion": "1.2"});
    let app = |id: &str| json!({"id": id, "secret": "pulumi/oauth", "endpoint": "https://git.example.com"});
    let edits = [
        ("database.caCertificate", json!(PEM)),
        ("database.minTlsVersion", json!("1.2")),
        ("buckets.registryPublic", json!("example-public")),
        ("buckets.registryPrivate", json!("example-private")),
        ("aws", json!({"profile": "p", "roleArn": "arn:aws:iam::1:role/r"})),
        (
            "emailLogin",
            json!({"disableLogin": true, "disableSignup": true, "hideLogin": true, "hideSignup": true}),
        ),
        ("turnstile.legacyLoginVariable", json!(true)),
        ("saml", json!({"certificate": PEM, "privateKey": "pulumi/saml"})),
        ("search", json!({"endpoint": "https://search.example.com:443", "password": "pulumi/search"})),
        (
            "oauth",
            json!({"github": app("a"), "gitlab": app("b"), "bitbucket": {"id": "c", "secret": "pulumi/oauth"}}),
        ),
        ("tls", json!({"api": pem("pulumi/api"), "console": pem("pulumi/console")})),
        (
            "telemetry",
            json!({"auditLogsTable": "t", "otlpEndpoint": "o", "otlpProtocol": "http", "deprecatedMetrics": true, "metricsWebhookSecret": "pulumi/m"}),
        ),
        ("disableEscSsrfProtection", json!(true)),
        ("deploymentsDefaultImage", json!("pulumi/pulumi:3")),
        ("consoleOptions.nodeExtraCaCerts", json!("/ca.pem")),
        ("consoleOptions.allowInvalidCerts", json!(true)),
        ("containerMode", json!("SPLIT")),
        ("api.port", json!(9443)),
        ("migrations.runExternally", json!(true)),
        ("migrations.metadataLockWaitTimeout", json!(10)),
        ("migrations.metadataLockRetries", json!(30)),
        ("migrations.tableName", json!("m")),
        ("migrations.directory", json!("d")),
        ("migrations.allowEmptyPassword", json!(true)),
    ];
    let whole = lowered("pulumi", &edits);
    // What excludes those: local files in place of buckets and KMS, and a pair of secrets in place
    // of a whole one.
    let local = lowered(
        "pulumi",
        &[
            (
                "buckets",
                json!({"localObjects": "/o", "localPolicyPacks": "/p", "serviceMetadata": "example-meta"}),
            ),
            ("encryption", json!({"localKeys": "/k"})),
            (
                "migrations",
                json!({"rootUsername": "pulumi/root-user", "rootPassword": "pulumi/root-password"}),
            ),
        ],
    );
    let set = |name: &str| {
        [&whole, &local].into_iter().any(|app| {
            let mut components = app.components.keys();
            components.any(|key| variable(app, key, name).is_some() || secret(app, key, name).is_some())
        })
    };
    let missing: Vec<&str> = VARIABLES.split_whitespace().filter(|name| !set(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
