//! What a ZenML workspace needs, and the traps in which it starts and loses data.

use super::tables;
use crate::model::finding::{Findings, field_key};
use crate::model::kinds::zenml::{WorkloadManagerKind, ZenMLWorkspaceSpec};

/// The port that the image's own command listens on. Source: ZenML's `docker/base.Dockerfile`.
const IMAGE_PORT: u16 = 8080;

/// Makes every check.
pub fn check(spec: &ZenMLWorkspaceSpec, findings: &mut Findings) {
    identity(spec, findings);
    port(spec, findings);
    database(spec, findings);
    pools(spec, findings);
    keys(spec, findings);
    workers(spec, findings);
    workload_manager(spec, findings);
    option_names(spec, findings);
    if spec.load_balancer.is_none()
        && spec.server.load_balancer.is_none()
        && spec.server.target_group_arns.is_empty()
    {
        findings.warning(
            "spec.loadBalancer",
            "is not set: nothing leads to the server",
            "declare loadBalancer",
        );
    }
}

fn identity(spec: &ZenMLWorkspaceSpec, findings: &mut Findings) {
    findings.required("spec.domain", &spec.domain, "the workspace's host, such as zenml.example.com");
    findings.host("spec.domain", &spec.domain);
    findings.required("spec.organization.id", &spec.organization.id, "enrolment of the workspace returns it");
    findings.required("spec.workspace.id", &spec.workspace.id, "enrolment of the workspace returns it");
    if spec.oauth2_client_secret.is_none() {
        let help = "name the secret with the enrolment key";
        findings.error("spec.oauth2ClientSecret", "is required", help);
    }
    let plane = &spec.control_plane;
    for (field, url) in [("apiUrl", &plane.api_url), ("dashboardUrl", &plane.dashboard_url)] {
        findings.url(&format!("spec.controlPlane.{field}"), url.as_deref().unwrap_or_default());
    }
    let verbosity = spec.server_options.logging_verbosity.as_deref().unwrap_or("INFO");
    if !["DEBUG", "INFO", "WARN", "WARNING", "ERROR", "CRITICAL"].contains(&verbosity) {
        let message = format!("`{verbosity}` is not a level");
        findings.error(
            "spec.serverOptions.loggingVerbosity",
            message,
            "use DEBUG, INFO, WARN, ERROR or CRITICAL",
        );
    }
}

fn port(spec: &ZenMLWorkspaceSpec, findings: &mut Findings) {
    let port = tables::port(spec);
    if spec.server.port.is_some() {
        findings.error("spec.server.port", "is not read for this kind", "set spec.port");
    }
    let serves = if spec.command.is_empty() {
        port == IMAGE_PORT
    } else {
        spec.command.iter().any(|word| word.contains(&port.to_string()))
    };
    if serves {
        return;
    }
    if spec.command.is_empty() {
        let message = format!(
            "the ECS guide's ZENML_SERVER_PORT={port} is not read by the server: the published image listens on \
             {IMAGE_PORT}, so health checks on {port} would fail"
        );
        findings.warning(
            "spec.port",
            message,
            format!("set port: {IMAGE_PORT}, or a command that listens on {port}"),
        );
    } else {
        let message = format!("the command does not mention port {port}, which is mapped and checked");
        findings.warning("spec.command", message, "make it listen on that port, or set spec.port");
    }
}

fn database(spec: &ZenMLWorkspaceSpec, findings: &mut Findings) {
    let database = &spec.database;
    let iam = database.auth_mode.as_deref() == Some("aws_rds_iam");
    match (&database.url, &database.endpoint) {
        (None, None) => findings.error(
            "spec.database.url",
            "is required: without it the server keeps everything in a file that is lost with its task",
            "name the secret with mysql://user:password@host:3306/database, or set endpoint and userName",
        ),
        (Some(_), Some(_)) => {
            findings.error("spec.database.endpoint", "stands next to `url`", "keep one form");
        }
        (None, Some(endpoint)) => {
            if endpoint.contains("://") || endpoint.contains(['/', '@']) {
                findings.error(
                    "spec.database.endpoint",
                    "is not `host` or `host:port`",
                    "leave the rest of the URL out",
                );
            }
            let help = "the database's user";
            findings.required(
                "spec.database.userName",
                database.user_name.as_deref().unwrap_or_default(),
                help,
            );
            if database.password.is_none() && !iam {
                let help = "name the secret with the password, or set authMode: aws_rds_iam";
                findings.error("spec.database.password", "is required", help);
            }
        }
        (Some(_), None) => {
            for (field, given) in
                [("userName", database.user_name.is_some()), ("name", database.name.is_some())]
            {
                if given {
                    let message = "is not read: the URL says it";
                    findings.warning(format!("spec.database.{field}"), message, "leave it out");
                }
            }
        }
    }
    if let Some(engine) =
        database.engine.as_deref().filter(|engine| !matches!(*engine, "mysql" | "aurora-mysql"))
    {
        let message = format!("`{engine}` will not do: workspaces run on MySQL 8.0 only");
        findings.error("spec.database.engine", message, "use mysql");
    }
    if let Some(mode) =
        database.auth_mode.as_deref().filter(|mode| !matches!(*mode, "password" | "aws_rds_iam"))
    {
        findings.error(
            "spec.database.authMode",
            format!("`{mode}` is unknown"),
            "use password or aws_rds_iam",
        );
    }
    if iam && spec.roles.task_role_arn.is_none() {
        findings.error(
            "spec.roles.taskRoleArn",
            "is required with aws_rds_iam",
            "name a role with rds-db:connect",
        );
    }
    let ssl = &database.ssl;
    let pair = [("cert", ssl.cert.is_some()), ("key", ssl.key.is_some())];
    findings.together("spec.database.ssl", &pair, "a client certificate needs its key");
    backup(spec, findings);
}

fn backup(spec: &ZenMLWorkspaceSpec, findings: &mut Findings) {
    let database = &spec.database;
    let strategy = database.backup_strategy.as_deref().unwrap_or("in-memory");
    let known = ["in-memory", "database", "dump-file", "mydumper", "custom", "disabled"];
    if !known.contains(&strategy) {
        let message = format!("`{strategy}` is unknown");
        findings.error("spec.database.backupStrategy", message, format!("use one of {}", known.join(", ")));
    }
    if strategy == "database" && database.backup_database.is_none() {
        findings.error(
            "spec.database.backupDatabase",
            "is required with strategy `database`",
            "name the database",
        );
    }
    if strategy == "disabled" {
        let message = "a migration that fails half-way leaves the database broken, with nothing to restore";
        findings.warning("spec.database.backupStrategy", message, "keep a backup strategy");
    }
}

/// Every thread may hold a connection. Source: ZenML's guide to scaling the server.
fn pools(spec: &ZenMLWorkspaceSpec, findings: &mut Findings) {
    let (database, options) = (&spec.database, &spec.server_options);
    let overflow = database.max_overflow.unwrap_or(20);
    let connections = database.pool_size.unwrap_or(20).saturating_add(overflow);
    let threads =
        options.thread_pool_size.unwrap_or(40).saturating_add(options.auth_thread_pool_size.unwrap_or(5));
    let stated =
        database.pool_size.is_some() || database.max_overflow.is_some() || options.thread_pool_size.is_some();
    if stated && overflow >= 0 && i64::from(connections) < i64::from(threads) {
        let message =
            format!("{connections} connections are fewer than the {threads} threads that may need one");
        findings.warning(
            "spec.database.poolSize",
            message,
            "raise poolSize or maxOverflow, or lower the thread pools",
        );
    }
}

fn keys(spec: &ZenMLWorkspaceSpec, findings: &mut Findings) {
    if spec.server.most_tasks(1) > 1 && spec.jwt_secret_key.is_none() {
        findings.error(
            "spec.jwtSecretKey",
            "is required when more than one task runs: each would sign with a key of its own and refuse the others'",
            "name a secret with 32 random bytes in hexadecimal",
        );
    }
    let store = &spec.secrets_store;
    let kind = store.kind.as_deref().unwrap_or("sql");
    if kind == "sql" && store.encryption_key.is_none() {
        findings.warning(
            "spec.secretsStore.encryptionKey",
            "is not set: secrets are kept in the database as plain text",
            "name a secret with at least 32 characters, and never change it",
        );
    }
    for (base, kind) in [
        ("spec.secretsStore", Some(kind)),
        (
            "spec.backupSecretsStore",
            spec.backup_secrets_store.as_ref().map(|store| store.kind.as_deref().unwrap_or("")),
        ),
    ] {
        let Some(kind) = kind else { continue };
        if !["sql", "aws", "gcp", "azure", "hashicorp", "custom", "none"].contains(&kind) {
            let message = format!("`{kind}` is not a secrets store");
            findings.error(
                format!("{base}.type"),
                message,
                "use sql, aws, gcp, azure, hashicorp, custom or none",
            );
        }
    }
    if kind == "aws" && store.auth_method.is_none() {
        findings.error(
            "spec.secretsStore.authMethod",
            "is required for the aws store",
            "use implicit for the task role",
        );
    }
    if kind == "aws" && spec.roles.task_role_arn.is_none() {
        let help = "name a role that may manage secrets under zenml/";
        findings.warning("spec.roles.taskRoleArn", "is not set, and the aws secrets store uses it", help);
    }
}

fn workers(spec: &ZenMLWorkspaceSpec, findings: &mut Findings) {
    let Some(workers) = &spec.workers else { return };
    let needs_broker = workers.scheduler.is_some() || workers.executor.is_some();
    if needs_broker && workers.redis_broker_url.is_none() {
        let help = "name the secret with the broker's URL";
        findings.error("spec.workers.redisBrokerUrl", "is required for scheduler and executor", help);
    }
    for (field, settings) in
        [("scheduler", &workers.scheduler), ("resourcePoolReconciler", &workers.resource_pool_reconciler)]
    {
        if settings.as_ref().is_some_and(|settings| settings.most_tasks(1) > 1) {
            let path = format!("spec.workers.{field}.desiredCount");
            findings.error(path, "must be 1: two at a time do the same work twice", "leave it out");
        }
    }
    for (field, settings) in [
        ("scheduler", &workers.scheduler),
        ("executor", &workers.executor),
        ("resourcePoolReconciler", &workers.resource_pool_reconciler),
    ] {
        if settings
            .as_ref()
            .is_some_and(|settings| settings.load_balancer.is_some() || settings.port.is_some())
        {
            let message = "workers answer no requests: port and loadBalancer are not read";
            findings.error(format!("spec.workers.{field}"), message, "leave them out");
        }
    }
}

fn workload_manager(spec: &ZenMLWorkspaceSpec, findings: &mut Findings) {
    let Some(manager) = &spec.workload_manager else { return };
    let base = "spec.workloadManager";
    findings.warning(
        base,
        "ZenML's current documents support snapshots only for servers that run on Kubernetes, though its ECS guide offers them",
        "ask ZenML before relying on it",
    );
    findings.required(&format!("{base}.namespace"), &manager.namespace, "namespace of the jobs");
    findings.required(
        &format!("{base}.serviceAccount"),
        &manager.service_account,
        "service account of the jobs",
    );
    let builds = manager.build_runner_image == Some(true);
    if builds && manager.docker_registry.is_none() {
        findings.error(format!("{base}.dockerRegistry"), "is required to build images", "name the registry");
    }
    if !builds && manager.runner_image.is_none() {
        findings.error(
            format!("{base}.runnerImage"),
            "is required when images are not built",
            "name the image",
        );
    }
    let bucket = manager.bucket.as_deref();
    if manager.implementation == WorkloadManagerKind::AwsKubernetes
        && bucket.is_none_or(|b| !b.starts_with("s3://"))
    {
        findings.error(format!("{base}.bucket"), "is required as `s3://bucket/path`", "logs are kept there");
    }
}

/// The server ignores misspelt variables, so at least their form is checked.
fn option_names(spec: &ZenMLWorkspaceSpec, findings: &mut Findings) {
    let options = &spec.server_options;
    for (base, fields) in [
        ("spec.database.options", &spec.database.options),
        ("spec.secretsStore.options", &spec.secrets_store.options),
        ("spec.serverOptions.secureHeaders", &options.secure_headers),
        ("spec.serverOptions.otel", &options.otel),
        ("spec.serverOptions.options", &options.options),
    ] {
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        for name in fields.keys().filter(|name| name.is_empty() || !name.chars().all(legal)) {
            let message = format!("`{name}` is not the rest of a variable's name in lower case");
            findings.error(field_key(base, name), message, "use lower-case letters, digits and underscores");
        }
    }
}
