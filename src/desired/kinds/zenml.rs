//! `ZenMLWorkspace` lowered: the database is migrated, then the server rolls, then the workers.
//!
//! ZenML's ECS guide and its image disagree on port, database variable and log variable. Both sets
//! of variables are set, so that whichever is read is right; the port cannot be had both ways, so a
//! finding explains it. The guide does not mention migrations at all: without a task for them every
//! server migrates when it starts.

mod checks;
mod tables;
#[cfg(test)]
mod tests;

use super::context::KindContext;
use super::ingress::{Backend, DefaultAction};
use super::{TypedKind, env};
use crate::model::finding::Findings;
use crate::model::kinds::ingress::TargetHealth;
use crate::model::kinds::settings::ServiceSettings;
use crate::model::kinds::task_definition::{ContainerDefinition, HealthCheck, OnRotation, PortMapping};
use crate::model::kinds::zenml::ZenMLWorkspaceSpec;
use crate::model::kinds::{ApplicationSpec, Component};

/// Where ZenML publishes the server; pulling is granted per execution role on request.
const VENDOR: &str = "715803424590.dkr.ecr.eu-central-1.amazonaws.com";
/// Port of the workers' health page. Source: ZenML's chart.
const WORKER_PORT: u16 = 8000;

impl TypedKind for ZenMLWorkspaceSpec {
    fn check(&self, findings: &mut Findings) {
        checks::check(self, findings);
    }

    fn components(&self, context: &KindContext<'_>, app: &mut ApplicationSpec, findings: &mut Findings) {
        if tables::migrates_first(self) {
            app.components.insert("migrate".to_owned(), migrate(context, self, findings));
        }
        let server = server(context, self, app, findings);
        app.components.insert("server".to_owned(), server);
        workers(context, self, app, findings);
    }
}

fn container(
    context: &KindContext<'_>,
    spec: &ZenMLWorkspaceSpec,
    component: &str,
    name: &str,
    findings: &mut Findings,
) -> ContainerDefinition {
    let mut container = context.container(component, name, context.image("zenml-pro-server", VENDOR));
    for table in [tables::base, tables::control_plane, tables::store, tables::secrets_stores] {
        env::apply(table(spec), &mut container, findings);
    }
    tables::free_fields(spec, &mut container);
    container
}

fn migrate(context: &KindContext<'_>, spec: &ZenMLWorkspaceSpec, findings: &mut Findings) -> Component {
    let settings = &spec.migration;
    let mut container = container(context, spec, "migrate", "zenml-migrate", findings);
    container.command = ["zenml", "migrate-database"].map(str::to_owned).to_vec();
    // A rotated secret is no reason to migrate again.
    container.secrets.iter_mut().for_each(|secret| secret.on_rotation = OnRotation::Ignore);
    // The default backup is held in memory, so the task is as large as the server.
    let (cpu, memory) = (settings.cpu.unwrap_or(512), settings.memory.unwrap_or(1024));
    Component {
        task_definition: context.task_definition(cpu, memory, container),
        task: Some(context.task(settings)),
        ..Default::default()
    }
}

fn server(
    context: &KindContext<'_>,
    spec: &ZenMLWorkspaceSpec,
    app: &mut ApplicationSpec,
    findings: &mut Findings,
) -> Component {
    let settings = &spec.server;
    let mut container = container(context, spec, "server", "zenml-server", findings);
    env::apply(tables::no_migration(spec), &mut container, findings);
    env::apply(tables::server(spec), &mut container, findings);
    env::apply(tables::limits(spec), &mut container, findings);
    env::apply(tables::workload_manager(spec), &mut container, findings);
    let port = tables::port(spec);
    container.port_mappings = vec![PortMapping { container_port: Some(port), ..Default::default() }];
    container.command = spec.command.clone();
    container.memory_reservation = settings.memory_reservation;
    container.stop_timeout = settings.stop_timeout_seconds.or(container.stop_timeout);
    let backend = Backend {
        component: "server",
        container: &container.name.clone(),
        port,
        protocol: "HTTP",
        target_type: "ip",
        hosts: vec![spec.domain.clone()],
        health: health(),
        drain_seconds: 60,
        settings,
        settings_field: "spec.server",
        load_balancer: spec.load_balancer.as_ref(),
        rule_offset: 0,
        default_action: DefaultAction::Forward,
    };
    let mut service = context.service(settings, 1);
    service.load_balancers = backend.add_ingress(context, app, findings);
    context.grace(settings, &mut service);
    let (cpu, memory) = (settings.cpu.unwrap_or(512), settings.memory.unwrap_or(1024));
    let before = tables::migrates_first(spec).then(|| "migrate".to_owned());
    Component {
        depends_on: before.into_iter().collect(),
        task_definition: context.task_definition(cpu, memory, container),
        service: Some(service),
        ..Default::default()
    }
}

/// Scheduler and reconciler must never run twice; the executor may.
fn workers(
    context: &KindContext<'_>,
    spec: &ZenMLWorkspaceSpec,
    app: &mut ApplicationSpec,
    findings: &mut Findings,
) {
    let Some(workers) = &spec.workers else { return };
    let table = [
        ("scheduler", &workers.scheduler, "start-scheduler", true),
        ("executor", &workers.executor, "start-executor", false),
        (
            "resource-pool-reconciler",
            &workers.resource_pool_reconciler,
            "start-resource-pool-reconciler",
            true,
        ),
    ];
    for (name, settings, command, single) in table {
        let Some(settings) = settings else { continue };
        let mut container = container(context, spec, name, &format!("zenml-{name}"), findings);
        env::apply(tables::no_migration(spec), &mut container, findings);
        env::apply(tables::worker(spec, name), &mut container, findings);
        container.command = ["plugins", command].map(str::to_owned).to_vec();
        container.port_mappings =
            vec![PortMapping { container_port: Some(WORKER_PORT), ..Default::default() }];
        container.health_check = Some(worker_health());
        container.memory_reservation = settings.memory_reservation;
        container.stop_timeout = settings.stop_timeout_seconds.or(container.stop_timeout);
        app.components.insert(name.to_owned(), worker(context, settings, container, single));
    }
}

fn worker(
    context: &KindContext<'_>,
    settings: &ServiceSettings,
    container: ContainerDefinition,
    single: bool,
) -> Component {
    let (cpu, memory) = (settings.cpu.unwrap_or(256), settings.memory.unwrap_or(1024));
    let service = context.service(settings, 1);
    let (service, singleton) = if single { (None, Some(service)) } else { (Some(service), None) };
    Component {
        depends_on: vec!["server".to_owned()],
        task_definition: context.task_definition(cpu, memory, container),
        service,
        singleton,
        ..Default::default()
    }
}

/// Source: ZenML's ECS guide.
fn health() -> TargetHealth {
    TargetHealth {
        path: Some("/health".to_owned()),
        matcher: Some("200".to_owned()),
        interval_seconds: Some(30),
        timeout_seconds: Some(5),
        healthy_threshold: Some(2),
        unhealthy_threshold: Some(3),
    }
}

/// Asks the worker's health page with Python, for the image is sure to have that.
fn worker_health() -> HealthCheck {
    let ask = format!(
        "python -c \"import urllib.request as r; r.urlopen('http://localhost:{WORKER_PORT}/health', timeout=5)\""
    );
    HealthCheck {
        command: vec!["CMD-SHELL".to_owned(), ask],
        interval: Some(15),
        timeout: Some(10),
        retries: Some(5),
        start_period: Some(60),
    }
}
