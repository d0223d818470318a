//! `PulumiService` lowered: migrations, then the API, then the console.
//!
//! The order is Pulumi's own: the schema must be new before containers change, and the console
//! calls the API back when people sign in. The installers do not truly guarantee either; here both
//! are gates. The API may be split in two services, one of which runs background jobs only. Sizes
//! and counts follow Pulumi's operations guide, not the smaller defaults of its installers.

mod checks;
mod tables;
#[cfg(test)]
mod tests;

use super::context::KindContext;
use super::ingress::{Backend, DefaultAction, PrivateListener};
use super::{TypedKind, env};
use crate::model::finding::Findings;
use crate::model::kinds::ingress::TargetHealth;
use crate::model::kinds::pulumi::{ContainerMode, PulumiServiceSpec};
use crate::model::kinds::service::LoadBalancer;
use crate::model::kinds::settings::ServiceSettings;
use crate::model::kinds::task_definition::{ContainerDefinition, PortMapping, Ulimit};
use crate::model::kinds::{ApplicationSpec, Component};

/// Size of a task: CPU units, and memory in MiB.
#[derive(Clone, Copy)]
struct Size {
    cpu: u32,
    memory: u32,
}

const API_SIZE: Size = Size { cpu: 2048, memory: 4096 };
const CONSOLE_SIZE: Size = Size { cpu: 512, memory: 1024 };

impl TypedKind for PulumiServiceSpec {
    fn check(&self, findings: &mut Findings) {
        checks::check(self, findings);
    }

    fn components(&self, context: &KindContext<'_>, app: &mut ApplicationSpec, findings: &mut Findings) {
        if runs_migrations(self) {
            app.components.insert("migrate".to_owned(), migrate(context, self, findings));
        }
        let api = api(context, self, app, findings);
        app.components.insert("api".to_owned(), api);
        if self.container_mode == ContainerMode::Split {
            app.components.insert("jobs".to_owned(), jobs(context, self, findings));
        }
        let console = console(context, self, app, findings);
        app.components.insert("console".to_owned(), console);
    }
}

fn runs_migrations(spec: &PulumiServiceSpec) -> bool {
    spec.migrations.task.enabled.unwrap_or(true)
}

fn after_migrations(spec: &PulumiServiceSpec) -> Vec<String> {
    if runs_migrations(spec) { vec!["migrate".to_owned()] } else { Vec::new() }
}

fn migrate(context: &KindContext<'_>, spec: &PulumiServiceSpec, findings: &mut Findings) -> Component {
    let settings = &spec.migrations.task;
    let image = context.image("pulumi/migrations", "");
    let mut container = context.container("migrate", "pulumi-migration", image);
    env::apply(tables::migrations(spec), &mut container, findings);
    let cpu = settings.cpu.unwrap_or(256);
    let mut task_definition = context.task_definition(cpu, settings.memory.unwrap_or(512), container);
    // Migrations speak to the database only. Source: Pulumi's ECS installer, which gives them no
    // task role.
    task_definition.task_role_arn = None;
    Component { task_definition, task: Some(context.task(settings)), ..Default::default() }
}

fn api(
    context: &KindContext<'_>,
    spec: &PulumiServiceSpec,
    app: &mut ApplicationSpec,
    findings: &mut Findings,
) -> Component {
    let mode = (spec.container_mode == ContainerMode::Split).then_some("API");
    let container = api_container(context, spec, "api", mode, findings);
    let backend = Backend {
        component: "api",
        container: &container.name.clone(),
        port: tables::api_port(spec),
        protocol: if spec.tls.api.is_some() { "HTTPS" } else { "HTTP" },
        target_type: "ip",
        hosts: vec![tables::api_host(spec)],
        health: health("/api/status"),
        drain_seconds: 120,
        settings: &spec.api,
        settings_field: "spec.api",
        load_balancer: spec.load_balancer.as_ref(),
        rule_offset: 0,
        default_action: DefaultAction::Empty,
    };
    let mut memberships = backend.add_ingress(context, app, findings);
    if let Some(load_balancer) = &spec.private_load_balancer {
        let http = PrivateListener { key: "private-http", port: 80, tls: false, load_balancer };
        memberships.push(backend.add_private_listener(http, context, app));
        if load_balancer.certificate_arn.is_some() {
            let tls = PrivateListener { key: "private-tls", port: 443, tls: true, load_balancer };
            memberships.push(backend.add_private_listener(tls, context, app));
        }
    }
    service(context, &spec.api, API_SIZE, container, memberships, after_migrations(spec))
}

fn jobs(context: &KindContext<'_>, spec: &PulumiServiceSpec, findings: &mut Findings) -> Component {
    let settings = spec.jobs.clone().unwrap_or_default();
    let container = api_container(context, spec, "jobs", Some("JOBS"), findings);
    service(context, &settings, API_SIZE, container, Vec::new(), after_migrations(spec))
}

fn api_container(
    context: &KindContext<'_>,
    spec: &PulumiServiceSpec,
    component: &str,
    mode: Option<&str>,
    findings: &mut Findings,
) -> ContainerDefinition {
    let image = context.image("pulumi/service", "");
    let mut container = context.container(component, "pulumi-service", image);
    container.port_mappings = vec![port(tables::api_port(spec))];
    // Source: Pulumi's ECS installer.
    container.ulimits = vec![Ulimit { name: "nofile".to_owned(), soft_limit: 100_000, hard_limit: 200_000 }];
    container.memory_reservation = Some(settings_of(spec, component).memory_reservation.unwrap_or(384));
    for table in [tables::api_core, tables::api_storage, tables::api_login, tables::api_rest] {
        env::apply(table(spec), &mut container, findings);
    }
    if let Some(mode) = mode {
        env::plain(&mut container, "PULUMI_API_CONTAINER_MODE", mode);
    }
    container
}

fn settings_of<'a>(spec: &'a PulumiServiceSpec, component: &str) -> &'a ServiceSettings {
    match (component, &spec.jobs) {
        ("jobs", Some(jobs)) => jobs,
        _ => &spec.api,
    }
}

fn console(
    context: &KindContext<'_>,
    spec: &PulumiServiceSpec,
    app: &mut ApplicationSpec,
    findings: &mut Findings,
) -> Component {
    let image = context.image("pulumi/console", "");
    let mut container = context.container("console", "pulumi-console", image);
    container.port_mappings = vec![port(tables::console_port(spec))];
    container.memory_reservation = Some(spec.console.memory_reservation.unwrap_or(128));
    env::apply(tables::console_core(spec), &mut container, findings);
    env::apply(tables::console_login(spec), &mut container, findings);
    let backend = Backend {
        component: "console",
        container: &container.name.clone(),
        port: tables::console_port(spec),
        protocol: if spec.tls.console.is_some() { "HTTPS" } else { "HTTP" },
        target_type: "ip",
        hosts: vec![tables::console_host(spec)],
        health: health("/"),
        drain_seconds: 120,
        settings: &spec.console,
        settings_field: "spec.console",
        load_balancer: spec.load_balancer.as_ref(),
        rule_offset: 1,
        default_action: DefaultAction::Empty,
    };
    let memberships = backend.add_ingress(context, app, findings);
    let mut component =
        service(context, &spec.console, CONSOLE_SIZE, container, memberships, vec!["api".to_owned()]);
    // The console needs nothing of AWS. Source: Pulumi's ECS installer.
    component.task_definition.task_role_arn = None;
    component
}

fn service(
    context: &KindContext<'_>,
    settings: &ServiceSettings,
    default: Size,
    mut container: ContainerDefinition,
    memberships: Vec<LoadBalancer>,
    depends_on: Vec<String>,
) -> Component {
    container.stop_timeout = settings.stop_timeout_seconds.or(container.stop_timeout);
    let (cpu, memory) = (settings.cpu.unwrap_or(default.cpu), settings.memory.unwrap_or(default.memory));
    let mut service = context.service(settings, 2);
    service.load_balancers = memberships;
    context.grace(settings, &mut service);
    Component {
        depends_on,
        task_definition: context.task_definition(cpu, memory, container),
        service: Some(service),
        ..Default::default()
    }
}

fn port(number: u16) -> PortMapping {
    PortMapping { container_port: Some(number), ..Default::default() }
}

/// Source: Pulumi's ECS installer.
fn health(path: &str) -> TargetHealth {
    TargetHealth {
        path: Some(path.to_owned()),
        matcher: Some("200-299".to_owned()),
        interval_seconds: Some(10),
        timeout_seconds: Some(5),
        healthy_threshold: Some(5),
        unhealthy_threshold: Some(2),
    }
}
