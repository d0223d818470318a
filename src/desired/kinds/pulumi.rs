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
use super::findings::Findings;
use super::ingress::{Backend, DefaultAction, add_private_listener};
use super::{env, overrides};
use crate::model::finding::Finding;
use crate::model::ids::DeploymentName;
use crate::model::kinds::pulumi::{ContainerMode, PulumiServiceSpec};
use crate::model::kinds::references::{ServiceSettings, TargetHealth};
use crate::model::kinds::service::LoadBalancer;
use crate::model::kinds::task_definition::{ContainerDefinition, PortMapping, Ulimit};
use crate::model::kinds::{ApplicationSpec, Component};

/// The document as an `Application`, and everything that is wrong or odd with it.
///
/// **Guarantees**: findings name fields of the typed document, and all of them are there at once.
pub fn lower(name: &DeploymentName, spec: &PulumiServiceSpec) -> (ApplicationSpec, Vec<Finding>) {
    let mut findings = Findings::default();
    let context = KindContext { deployment: name, common: spec.common() };
    context.check(true, &mut findings);
    checks::check(spec, &mut findings);
    let mut app = spec.application();
    app.log_groups = context.log_groups();
    if runs_migrations(spec) {
        app.components.insert("migrate".to_owned(), migrate(&context, spec, &mut findings));
    }
    let api = api(&context, spec, &mut app, &mut findings);
    app.components.insert("api".to_owned(), api);
    if spec.container_mode == ContainerMode::Split {
        app.components.insert("jobs".to_owned(), jobs(&context, spec, &mut findings));
    }
    let console = console(&context, spec, &mut app, &mut findings);
    app.components.insert("console".to_owned(), console);
    overrides::apply(&spec.overrides, &mut app, &mut findings);
    (app, findings.finish())
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
    let container = api_container(context, spec, ("api", mode), findings);
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
        memberships.push(add_private_listener(
            &backend,
            ("private-http", 80, false),
            load_balancer,
            context,
            app,
        ));
        if load_balancer.certificate_arn.is_some() {
            memberships.push(add_private_listener(
                &backend,
                ("private-tls", 443, true),
                load_balancer,
                context,
                app,
            ));
        }
    }
    service(context, (&spec.api, 2048, 4096), container, memberships, after_migrations(spec))
}

fn jobs(context: &KindContext<'_>, spec: &PulumiServiceSpec, findings: &mut Findings) -> Component {
    let settings = spec.jobs.clone().unwrap_or_default();
    let container = api_container(context, spec, ("jobs", Some("JOBS")), findings);
    service(context, (&settings, 2048, 4096), container, Vec::new(), after_migrations(spec))
}

fn api_container(
    context: &KindContext<'_>,
    spec: &PulumiServiceSpec,
    (component, mode): (&str, Option<&str>),
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
        service(context, (&spec.console, 512, 1024), container, memberships, vec!["api".to_owned()]);
    // The console needs nothing of AWS. Source: Pulumi's ECS installer.
    component.task_definition.task_role_arn = None;
    component
}

fn service(
    context: &KindContext<'_>,
    (settings, cpu, memory): (&ServiceSettings, u32, u32),
    mut container: ContainerDefinition,
    memberships: Vec<LoadBalancer>,
    depends_on: Vec<String>,
) -> Component {
    container.stop_timeout = settings.stop_timeout_seconds.or(container.stop_timeout);
    let (cpu, memory) = (settings.cpu.unwrap_or(cpu), settings.memory.unwrap_or(memory));
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
