//! What a Datero needs, and where its data would be lost.

use crate::desired::kinds::TypedKind;
use crate::desired::kinds::ingress::check_certificate;
use crate::model::finding::Findings;
use crate::model::kinds::datero::{DateroMode, DateroSpec};

/// Major version of PostgreSQL in each published image, by the first two numbers of its tag.
/// Source: Datero's engine images 1.0.3, 1.1.0 and 1.2.0.
const POSTGRES_MAJORS: [(&str, u32); 3] = [("1.0", 15), ("1.1", 16), ("1.2", 17)];

/// Makes every check.
pub fn check(spec: &DateroSpec, findings: &mut Findings) {
    password(spec, findings);
    count(spec, findings);
    storage(spec, findings);
    upgrade(spec, findings);
    config(spec, findings);
    placement(spec, findings);
    load_balancers(spec, findings);
    if spec.capacity.cpu_architecture.as_deref() == Some("ARM64") {
        let message = "there is no ARM64 image of Datero";
        findings.error("spec.capacity.cpuArchitecture", message, "use X86_64");
    }
    findings.host("spec.domain", spec.domain.as_deref().unwrap_or_default());
}

fn password(spec: &DateroSpec, findings: &mut Findings) {
    let postgres = &spec.postgres;
    match (&postgres.password, &postgres.plain_password) {
        (None, None) => {
            findings.error("spec.postgres.password", "is required", "name the secret with the password");
        }
        (Some(_), Some(_)) => {
            findings.error("spec.postgres.plainPassword", "stands next to `password`", "keep the secret");
        }
        (None, Some(value)) if value.is_empty() => {
            findings.error(
                "spec.postgres.plainPassword",
                "is empty: PostgreSQL refuses to start",
                "use `password`",
            );
        }
        (None, Some(_)) => findings.warning(
            "spec.postgres.plainPassword",
            "everybody who may read the document or the task definition can read the password",
            "store it in Secrets Manager and set postgres.password",
        ),
        (Some(_), None) => {}
    }
    if postgres.host_auth_method.as_deref() == Some("trust") {
        let message = "lets everybody in without a password";
        findings.warning("spec.postgres.hostAuthMethod", message, "leave it out");
    }
}

fn count(spec: &DateroSpec, findings: &mut Findings) {
    let help = "two servers on one data directory destroy it; leave the count out";
    if spec.count.is_some_and(|count| count != 1) {
        findings.error("spec.count", "must be 1", help);
    }
    if spec.settings.most_tasks(1) > 1 {
        findings.error("spec.settings.desiredCount", "must not be more than 1", help);
    }
    let settings = &spec.settings;
    if settings.minimum_healthy_percent.is_some_and(|least| least > 0)
        || settings.maximum_percent.is_some_and(|most| most > 100)
    {
        let message = "a rollout would run two servers at a time";
        findings.error("spec.settings.minimumHealthyPercent", message, "leave both percentages out");
    }
}

fn storage(spec: &DateroSpec, findings: &mut Findings) {
    let storage = &spec.storage;
    if storage.efs.is_none() && storage.host_path.is_none() {
        findings.warning(
            "spec.storage",
            "PGDATA is ephemeral: imported schemas and servers are lost whenever the task is replaced",
            "name an EFS file system in storage.efs, or a path of the host in storage.hostPath",
        );
    }
    let fargate = spec.capacity.is_fargate();
    for (efs, host, field) in [
        (&storage.efs, &storage.host_path, "hostPath"),
        (&storage.files_efs, &storage.files_host_path, "filesHostPath"),
    ] {
        if efs.is_some() && host.is_some() {
            findings.error(
                format!("spec.storage.{field}"),
                "stands next to an EFS file system",
                "keep one of them",
            );
        }
        if fargate && host.is_some() {
            findings.error(
                format!("spec.storage.{field}"),
                "cannot be mounted on Fargate",
                "use EFS, or EC2 capacity",
            );
        }
    }
    if storage.mount_path.as_deref().is_some_and(|path| path == "/home" || path.starts_with("/home/")) {
        findings.error("spec.storage.mountPath", "would cover the application under /home", "leave it out");
    }
    if spec.postgres.pgdata.as_deref().is_some_and(|path| {
        let mount = storage.mount_path.as_deref().unwrap_or(super::DATA);
        (storage.efs.is_some() || storage.host_path.is_some()) && !path.starts_with(mount)
    }) {
        let message = "lies outside the volume: the database would not be kept";
        findings.error("spec.postgres.pgdata", message, "choose a folder below the volume's mount path");
    }
}

/// PostgreSQL does not start on the files of another major version.
fn upgrade(spec: &DateroSpec, findings: &mut Findings) {
    let storage = &spec.storage;
    let kept = storage.efs.is_some() || storage.host_path.is_some();
    let made = storage.initialised_with.as_deref();
    if let Some(made) = made.filter(|made| major(made).is_none()) {
        let message = format!("the PostgreSQL version of image tag `{made}` is not known");
        findings.warning(
            "spec.storage.initialisedWith",
            message,
            "check by hand that the major version is the same",
        );
    }
    let (Some(old), Some(new)) = (made.and_then(major), major(&spec.image_tag)) else { return };
    if kept && old != new && storage.major_upgrade_acknowledged != Some(true) {
        findings.error(
            "spec.imageTag",
            format!("runs PostgreSQL {new}, which cannot start on the kept files of PostgreSQL {old}"),
            "dump and restore, or empty the data directory, then set storage.majorUpgradeAcknowledged",
        );
    }
}

fn major(tag: &str) -> Option<u32> {
    let tag = tag.strip_prefix('v').unwrap_or(tag);
    let series =
        |prefix: &str| tag.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    POSTGRES_MAJORS.iter().find(|(prefix, _)| series(prefix)).map(|(_, major)| *major)
}

fn config(spec: &DateroSpec, findings: &mut Findings) {
    let Some(config) = &spec.config else { return };
    match (&config.secret, &config.host_path) {
        (None, None) => findings.error("spec.config.secret", "is required", "name the secret with the file"),
        (Some(_), Some(_)) => {
            findings.error("spec.config.hostPath", "stands next to `secret`", "keep one of them");
        }
        (None, Some(_)) if spec.capacity.is_fargate() => {
            findings.error("spec.config.hostPath", "cannot be mounted on Fargate", "use the secret");
        }
        (Some(_), None) | (None, Some(_)) => {}
    }
}

fn placement(spec: &DateroSpec, findings: &mut Findings) {
    let mode = spec.network_mode();
    if !["awsvpc", "host", "bridge"].contains(&mode) {
        let message = format!("`{mode}` will not do");
        findings.error("spec.networkMode", message, "use awsvpc, host or bridge");
    }
    if mode != "awsvpc" && spec.capacity.is_fargate() {
        findings.error(
            "spec.networkMode",
            format!("`{mode}` needs EC2 capacity; Fargate has awsvpc only"),
            "name a capacity provider in capacity.capacityProviderStrategy, or use awsvpc",
        );
    }
    if spec.mode == DateroMode::Task {
        if mode == "host" {
            let message = "with the host's network everybody who reaches the instance reaches the task";
            findings.warning("spec.networkMode", message, "use awsvpc for more than a trial");
        }
        for (field, given) in [
            ("loadBalancer", spec.load_balancer.is_some()),
            ("postgresLoadBalancer", spec.postgres_load_balancer.is_some()),
        ] {
            if given {
                let message = "a task outside a service joins no target group";
                findings.error(format!("spec.{field}"), message, "use mode: service");
            }
        }
    }
    if spec.postgres_load_balancer.is_some() && spec.expose_postgres == Some(false) {
        let message = "says no, but the load balancer needs the port";
        findings.error("spec.exposePostgres", message, "leave it out");
    }
}

fn load_balancers(spec: &DateroSpec, findings: &mut Findings) {
    if let Some(load_balancer) = &spec.postgres_load_balancer {
        let field = "spec.postgresLoadBalancer";
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
    }
    if spec.settings.port.is_some() {
        findings.error("spec.settings.port", "is not read: Datero listens on 80 and 5432", "leave it out");
    }
}
