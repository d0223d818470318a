//! What goes together, what must differ and what must not be flipped in a Pulumi service.

use super::tables;
use crate::desired::kinds::ingress::check_certificate;
use crate::model::arn::is_arn;
use crate::model::finding::Findings;
use crate::model::kinds::pulumi::{ContainerMode, PulumiServiceSpec, TlsPair};
use std::collections::BTreeMap;

/// The KMS actions that the service needs since November 2025. Source: Pulumi's self-hosting
/// changelog.
const KMS_ACTIONS: [&str; 4] = ["Encrypt", "Decrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext"];

/// Makes every check.
pub fn check(spec: &PulumiServiceSpec, findings: &mut Findings) {
    names(spec, findings);
    database(spec, findings);
    migrations(spec, findings);
    buckets(spec, findings);
    encryption(spec, findings);
    engine_events(spec, findings);
    login(spec, findings);
    groups(spec, findings);
    private_load_balancer(spec, findings);
    if spec.jobs.is_some() && spec.container_mode == ContainerMode::Full {
        findings.error(
            "spec.jobs",
            "there is no such service in container mode FULL",
            "set containerMode: SPLIT",
        );
    }
}

fn names(spec: &PulumiServiceSpec, findings: &mut Findings) {
    let help = "the base domain, such as pulumi.example.com";
    findings.required("spec.domain", &spec.domain, help);
    for (field, value) in [
        ("spec.domain", Some(&spec.domain)),
        ("spec.apiDomain", spec.api_domain.as_ref()),
        ("spec.consoleDomain", spec.console_domain.as_ref()),
        ("spec.rootDomain", spec.root_domain.as_ref()),
    ] {
        findings.host(field, value.map_or("", String::as_str));
    }
    if tables::api_host(spec) == tables::console_host(spec) {
        findings.error(
            "spec.consoleDomain",
            "is the API's host as well",
            "give API and console hosts of their own",
        );
    }
    if spec.license_key.is_none() {
        let help = "name the secret with the licence key; the API does not start without it";
        findings.error("spec.licenseKey", "is required", help);
    }
    let images = &spec.images;
    if images.registry.is_none() && images.account.is_none() {
        findings.warning(
            "spec.images",
            "no registry is named: images come from Docker Hub, where Pulumi's are not public",
            "mirror them into your ECR and set images.account or images.registry",
        );
    }
    if images.repository.is_some() {
        let help = "use images.prefix: there are three repositories";
        findings.error("spec.images.repository", "cannot be set for this kind", help);
    }
}

fn database(spec: &PulumiServiceSpec, findings: &mut Findings) {
    let database = &spec.database;
    let example = "pulumi.cluster-abc.eu-west-1.rds.amazonaws.com:3306";
    findings.required("spec.database.endpoint", &database.endpoint, example);
    findings.host_port("spec.database.endpoint", &database.endpoint, example);
    if database.ping_endpoint.as_deref().is_some_and(|host| host.contains([':', '/'])) {
        findings.error("spec.database.pingEndpoint", "is not a bare host", "leave scheme and port out");
    }
    match &database.credentials {
        Some(credentials) => {
            if credentials.as_str().ends_with("::") {
                let help = "name the whole secret: its keys `username` and `password` are read";
                findings.error("spec.database.credentials", "selects a key", help);
            }
            if database.user_name.is_some() || database.password.is_some() {
                let message = "stands next to `userName` or `password`";
                findings.error("spec.database.credentials", message, "keep one form");
            }
        }
        None => {
            for (field, missing) in
                [("userName", database.user_name.is_none()), ("password", database.password.is_none())]
            {
                if missing {
                    let help = "name the secret, or one with both as JSON in `credentials`";
                    findings.error(format!("spec.database.{field}"), "is required", help);
                }
            }
        }
    }
    findings.together(
        "spec.database",
        &[
            ("caCertificate", database.ca_certificate.is_some()),
            ("minTlsVersion", database.min_tls_version.is_some()),
        ],
        "TLS needs both",
    );
    findings.pem("spec.database.caCertificate", database.ca_certificate.as_deref());
    if let Some(engine) =
        database.engine.as_deref().filter(|engine| !matches!(*engine, "mysql" | "aurora-mysql"))
    {
        let message = format!("`{engine}` will not do: the service runs on MySQL 8.0 only");
        findings.error("spec.database.engine", message, "use mysql or aurora-mysql");
    }
    match database.sql_mode.as_deref() {
        Some(modes) if modes.split(',').any(|mode| matches!(mode.trim(), "STRICT_TRANS_TABLES" | "TRADITIONAL")) => {}
        Some(_) => findings.error(
            "spec.database.sqlMode",
            "lacks STRICT_TRANS_TABLES: migrations abort without it",
            "set it in the cluster parameter group and reboot the database",
        ),
        None => findings.warning(
            "spec.database.sqlMode",
            "is not stated; migrations abort without STRICT_TRANS_TABLES, which Aurora does not set by itself",
            "set it in the cluster parameter group and state it here",
        ),
    }
}

fn migrations(spec: &PulumiServiceSpec, findings: &mut Findings) {
    let migrations = &spec.migrations;
    let pair = [
        ("rootUsername", migrations.root_username.is_some()),
        ("rootPassword", migrations.root_password.is_some()),
    ];
    if migrations.root_credentials.is_some() && pair.iter().any(|(_, present)| *present) {
        findings.error(
            "spec.migrations.rootCredentials",
            "stands next to `rootUsername` or `rootPassword`, and would win over them",
            "keep one form",
        );
    } else if spec.database.credentials.is_some() || spec.database.password.is_none() {
        findings.together("spec.migrations", &pair, "the pair is one user");
    }
    if migrations.skip_create_db_user == Some(false) {
        findings.warning(
            "spec.migrations.skipCreateDbUser",
            "the first migration makes a database user without password",
            "leave it true, and name the user's secrets",
        );
    }
}

fn buckets(spec: &PulumiServiceSpec, findings: &mut Findings) {
    let buckets = &spec.buckets;
    let all = [
        ("checkpoints", &buckets.checkpoints),
        ("policyPacks", &buckets.policy_packs),
        ("serviceMetadata", &buckets.service_metadata),
        ("engineEvents", &buckets.engine_events),
        ("registryPublic", &buckets.registry_public),
        ("registryPrivate", &buckets.registry_private),
    ];
    let mut taken: BTreeMap<&str, &str> = BTreeMap::new();
    for (field, bucket) in all.iter().filter_map(|(field, bucket)| Some((*field, bucket.as_ref()?))) {
        let name = bucket.split_once("://").map_or(bucket.as_str(), |(_, rest)| rest);
        let name = name.split(['?', '/']).next().unwrap_or_default();
        let path = format!("spec.buckets.{field}");
        if !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c))
            || name.len() < 3
        {
            let message = format!("`{name}` is not a bucket name");
            findings.error(path, message, "write the bucket's name, or s3://name with parameters");
        } else if let Some(first) = taken.insert(name, field) {
            let message = format!("is the bucket of `{first}` as well");
            findings.error(path, message, "give each purpose a bucket of its own");
        }
    }
    for (field, bucket, local_field, local) in [
        ("checkpoints", &buckets.checkpoints, "localObjects", &buckets.local_objects),
        ("policyPacks", &buckets.policy_packs, "localPolicyPacks", &buckets.local_policy_packs),
    ] {
        match (bucket, local) {
            (None, None) => findings.error(format!("spec.buckets.{field}"), "is required", "name the bucket"),
            (Some(_), Some(_)) => {
                let message = format!("stands next to `{field}`");
                findings.error(format!("spec.buckets.{local_field}"), message, "keep one of them");
            }
            _ => {}
        }
    }
    if buckets.service_metadata.is_none() {
        findings.warning(
            "spec.buckets.serviceMetadata",
            "is not set: ESC, Deployments, OIDC trust and large configuration do not work without it",
            "name a bucket of its own",
        );
    }
}

fn encryption(spec: &PulumiServiceSpec, findings: &mut Findings) {
    let encryption = &spec.encryption;
    match (&encryption.kms_key, &encryption.local_keys) {
        (Some(_), Some(_)) => {
            findings.error("spec.encryption.localKeys", "stands next to `kmsKey`", "keep one of them");
        }
        (None, None) => findings.error("spec.encryption.kmsKey", "is required", "name the KMS key's ARN"),
        (Some(key), None) if !is_arn(key) => {
            let message = format!("`{key}` is not an ARN; Pulumi's documents ask for one");
            findings.warning("spec.encryption.kmsKey", message, "write the key's ARN");
        }
        _ => {}
    }
    if encryption.kms_key.is_none() {
        return;
    }
    let granted = |action: &str| {
        let grants = |said: &String| {
            let said = said.strip_prefix("kms:").unwrap_or(said);
            said == action || said.strip_suffix('*').is_some_and(|start| action.starts_with(start))
        };
        encryption.granted_actions.iter().any(grants)
    };
    let missing: Vec<&str> = KMS_ACTIONS.into_iter().filter(|action| !granted(action)).collect();
    if encryption.granted_actions.is_empty() {
        let message = format!("is not stated; the service does not start without {}", KMS_ACTIONS.join(", "));
        let help = "grant all four in the task role's and the key's policy and state them here";
        findings.warning("spec.encryption.grantedActions", message, help);
    } else if !missing.is_empty() {
        let message = format!("lacks {}: the service does not start without", missing.join(", "));
        findings.error(
            "spec.encryption.grantedActions",
            message,
            "grant all four, in the role's and the key's policy",
        );
    }
    let aws = &spec.aws;
    let static_keys = aws.access_key_id.is_some() || aws.profile.is_some();
    if spec.roles.task_role_arn.is_none() && !static_keys {
        let help = "name the role that may use the buckets and the key";
        findings.error("spec.roles.taskRoleArn", "is required", help);
    }
    findings.together(
        "spec.aws",
        &[("accessKeyId", aws.access_key_id.is_some()), ("secretAccessKey", aws.secret_access_key.is_some())],
        "static keys come in pairs; the task role is better",
    );
}

/// Flipping these on an old installation loses engine events. Source: Pulumi's installers, revision
/// of March 2026.
fn engine_events(spec: &PulumiServiceSpec, findings: &mut Findings) {
    let events = &spec.engine_events;
    let (schema_v2, legacy_write) = tables::engine_events(spec);
    let confirmed = events.support_confirmed == Some(true);
    match events.existing_installation {
        Some(true) if !confirmed => {
            let help = "ask Pulumi's support, migrate the database with them, then set engineEvents.supportConfirmed";
            if schema_v2 {
                let message = "must not be turned on in an existing installation without Pulumi's support";
                findings.error("spec.engineEvents.schemaV2", message, help);
            }
            if !legacy_write {
                let message = "must not be turned off in an existing installation without Pulumi's support";
                findings.error("spec.engineEvents.legacyWrite", message, help);
            }
        }
        Some(false) if !schema_v2 || legacy_write => findings.warning(
            "spec.engineEvents",
            "a new installation uses schemaV2: true and legacyWrite: false",
            "leave both out",
        ),
        None => findings.warning(
            "spec.engineEvents.existingInstallation",
            "is not stated, and the second schema of engine events would harm an installation that began before it",
            "say false for an installation that began with it, true for an older one",
        ),
        _ => {}
    }
    if !schema_v2 && !legacy_write {
        let help = "turn one of schemaV2 and legacyWrite on";
        findings.error("spec.engineEvents", "engine events would be written in no form", help);
    }
}

fn login(spec: &PulumiServiceSpec, findings: &mut Findings) {
    let email = &spec.email_login;
    for (hide, disable, hidden, disabled) in [
        (email.hide_login, email.disable_login, "hideLogin", "disableLogin"),
        (email.hide_signup, email.disable_signup, "hideSignup", "disableSignup"),
    ] {
        if hide == Some(true) && disable != Some(true) {
            findings.warning(
                format!("spec.emailLogin.{hidden}"),
                "hides the form only: the API still takes such requests",
                format!("set {disabled} as well"),
            );
        }
    }
    if spec.saml.is_some() && email.disable_signup != Some(true) {
        findings.warning(
            "spec.emailLogin.disableSignup",
            "SAML does not stop people from signing up by e-mail, and the first to do so becomes administrator",
            "set it true once the first administrator is there",
        );
    }
    if email.disable_login == Some(true) && spec.saml.is_none() {
        let oauth = &spec.oauth;
        if oauth.github.is_none() && oauth.gitlab.is_none() && oauth.bitbucket.is_none() {
            let help = "declare saml or oauth, or leave e-mail on";
            findings.error("spec.emailLogin.disableLogin", "nobody could sign in", help);
        }
    }
}

fn groups(spec: &PulumiServiceSpec, findings: &mut Findings) {
    if let Some(smtp) = &spec.smtp {
        let present = [
            ("server", !smtp.server.is_empty()),
            ("username", !smtp.username.is_empty()),
            ("genericSender", !smtp.generic_sender.is_empty()),
            ("password", smtp.password.is_some()),
        ];
        findings.together("spec.smtp", &present, "mail needs server, user, sender and password");
        findings.host_port("spec.smtp.server", &smtp.server, "email-smtp.eu-west-1.amazonaws.com:587");
    }
    if let Some(turnstile) = &spec.turnstile {
        let present =
            [("siteKey", !turnstile.site_key.is_empty()), ("secretKey", turnstile.secret_key.is_some())];
        findings.together("spec.turnstile", &present, "console and API each need their half");
    }
    if let Some(saml) = &spec.saml {
        let present =
            [("certificate", !saml.certificate.is_empty()), ("privateKey", saml.private_key.is_some())];
        findings.together("spec.saml", &present, "a certificate is worth nothing without its key");
        findings.pem("spec.saml.certificate", Some(&saml.certificate));
    }
    if let Some(search) = &spec.search {
        let present = [("endpoint", !search.endpoint.is_empty()), ("password", search.password.is_some())];
        findings.together("spec.search", &present, "search needs both");
        findings.url("spec.search.endpoint", &search.endpoint);
    }
    for (base, tls) in [("spec.tls.api", &spec.tls.api), ("spec.tls.console", &spec.tls.console)] {
        tls_pair(base, tls.as_ref(), findings);
    }
    if let Some(protocol) = spec.telemetry.otlp_protocol.as_deref().filter(|p| !matches!(*p, "grpc" | "http"))
    {
        let message = format!("`{protocol}` is not a protocol of the exporter");
        findings.error("spec.telemetry.otlpProtocol", message, "use grpc or http");
    }
    let bitbucket = spec.oauth.bitbucket.as_ref();
    if bitbucket.is_some_and(|app| app.endpoint.is_some()) {
        findings.error("spec.oauth.bitbucket.endpoint", "there is no such setting", "leave it out");
    }
}

fn tls_pair(base: &str, tls: Option<&TlsPair>, findings: &mut Findings) {
    let Some(tls) = tls else { return };
    let present = [
        ("certificate", !tls.certificate.is_empty()),
        ("privateKey", tls.private_key.is_some()),
        ("minVersion", !tls.min_version.is_empty()),
    ];
    findings.together(base, &present, "TLS needs certificate, key and least version");
    findings.pem(&format!("{base}.certificate"), Some(&tls.certificate));
}

fn private_load_balancer(spec: &PulumiServiceSpec, findings: &mut Findings) {
    if let Some(load_balancer) = &spec.private_load_balancer {
        let field = "spec.privateLoadBalancer";
        findings.required(
            &format!("{field}.loadBalancer"),
            &load_balancer.load_balancer,
            "name the network load balancer",
        );
        check_certificate(
            &format!("{field}.certificateArn"),
            load_balancer.certificate_arn.as_ref(),
            findings,
        );
        if load_balancer.port.is_some() {
            findings.error(
                format!("{field}.port"),
                "cannot be set for this kind",
                "it listens on 80 and 443",
            );
        }
        if spec.network.vpc_id.is_none() {
            findings.error(
                "spec.network.vpcId",
                "is required",
                "target groups are made in the VPC of the tasks",
            );
        }
    } else if spec.load_balancer.is_none()
        && spec.api.load_balancer.is_none()
        && spec.api.target_group_arns.is_empty()
    {
        let help = "declare loadBalancer";
        findings.warning("spec.loadBalancer", "is not set: nothing leads to the API", help);
    }
}
