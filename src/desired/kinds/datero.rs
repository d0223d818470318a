//! `Datero` lowered: one container, of which never two run at a time.
//!
//! PostgreSQL is in the container, so two tasks on one data directory would destroy it: the service
//! is a singleton and is recreated, never rolled. The vendor's ECS guide runs one task on EC2 with
//! the host's network instead; that is mode `task`, kept running by starting it again when it is
//! gone.

mod checks;
#[cfg(test)]
mod tests;

use super::context::KindContext;
use super::ingress::{Backend, DefaultAction, PrivateListener};
use super::{TypedKind, env};
use crate::model::finding::Findings;
use crate::model::kinds::application::RunPolicy;
use crate::model::kinds::datero::{DateroMode, DateroSpec};
use crate::model::kinds::ingress::TargetHealth;
use crate::model::kinds::service::Service;
use crate::model::kinds::task_definition::{
    ContainerDefinition, ContainerDependency, EfsVolume, HealthCheck, HostVolume, MountPoint, PortMapping,
    TaskDefinition, TaskPlacementConstraint, Volume,
};
use crate::model::kinds::{ApplicationSpec, Component, TaskWorkload};

const WEB_PORT: u16 = 80;
const POSTGRES_PORT: u16 = 5432;
/// Data directory of the image's PostgreSQL up to version 17. Source: docker-library/postgres.
const DATA: &str = "/var/lib/postgresql/data";
/// Folder of the configuration file.
const INSTANCE: &str = "/home/instance";
const INIT_IMAGE: &str = "public.ecr.aws/docker/library/busybox:1.37";

impl TypedKind for DateroSpec {
    fn network_mode(&self) -> &str {
        self.network_mode.as_deref().unwrap_or(match self.mode {
            DateroMode::Service => "awsvpc",
            DateroMode::Task => "host",
        })
    }

    fn check(&self, findings: &mut Findings) {
        checks::check(self, findings);
    }

    fn components(&self, context: &KindContext<'_>, app: &mut ApplicationSpec, findings: &mut Findings) {
        let component = datero(context, self, app, findings);
        app.components.insert("datero".to_owned(), component);
    }
}

fn exposes_postgres(spec: &DateroSpec) -> bool {
    spec.expose_postgres.unwrap_or(spec.mode == DateroMode::Service) || spec.postgres_load_balancer.is_some()
}

fn datero(
    context: &KindContext<'_>,
    spec: &DateroSpec,
    app: &mut ApplicationSpec,
    findings: &mut Findings,
) -> Component {
    let settings = &spec.settings;
    let mut main = context.container("datero", "datero", context.image("chumaky/datero", "docker.io"));
    env::apply(variables(spec), &mut main, findings);
    let open = [(WEB_PORT, true), (POSTGRES_PORT, exposes_postgres(spec))];
    main.port_mappings = open
        .into_iter()
        .filter(|(_, open)| *open)
        .map(|(port, _)| PortMapping { container_port: Some(port), ..Default::default() })
        .collect();
    main.health_check = Some(pg_isready(spec));
    main.memory_reservation = settings.memory_reservation;
    main.stop_timeout = settings.stop_timeout_seconds.or(main.stop_timeout);
    let (cpu, memory) = (settings.cpu.unwrap_or(1024), settings.memory.unwrap_or(2048));
    let mut definition = context.task_definition(cpu, memory, main);
    definition.network_mode = Some(spec.network_mode().to_owned());
    volumes(spec, &mut definition);
    configuration(context, spec, &mut definition, findings);
    match spec.mode {
        DateroMode::Service => Component {
            task_definition: definition,
            singleton: Some(service(context, spec, app, findings)),
            ..Default::default()
        },
        DateroMode::Task => {
            definition.placement_constraints = constraints(spec);
            Component { task_definition: definition, task: Some(task(context, spec)), ..Default::default() }
        }
    }
}

fn variables(spec: &DateroSpec) -> Vec<env::Variable> {
    let postgres = &spec.postgres;
    let kept = spec.storage.efs.is_some() || spec.storage.host_path.is_some();
    // A volume's root may hold `lost+found`, and PostgreSQL wants its directory to itself.
    let folder = kept.then(|| format!("{}/pgdata", spec.storage.mount_path.as_deref().unwrap_or(DATA)));
    let pgdata = postgres.pgdata.clone().or(folder);
    vec![
        ("POSTGRES_PASSWORD", env::write_once("spec.postgres.password", &postgres.password)),
        (
            "POSTGRES_PASSWORD",
            env::text(&postgres.plain_password.clone().filter(|_| postgres.password.is_none())),
        ),
        ("POSTGRES_USER", env::text(&postgres.user)),
        ("POSTGRES_DB", env::text(&postgres.database)),
        ("POSTGRES_HOST", env::text(&postgres.host)),
        ("POSTGRES_PORT", env::shown(postgres.port)),
        ("POSTGRES_INITDB_ARGS", env::text(&postgres.initdb_args)),
        ("POSTGRES_INITDB_WALDIR", env::text(&postgres.initdb_waldir)),
        ("POSTGRES_HOST_AUTH_METHOD", env::text(&postgres.host_auth_method)),
        ("PGDATA", env::text(&pgdata)),
    ]
}

/// Tolerant: some foreign data wrappers crash PostgreSQL, which starts again by itself.
fn pg_isready(spec: &DateroSpec) -> HealthCheck {
    let user = spec.postgres.user.as_deref().unwrap_or("postgres");
    let database = spec.postgres.database.as_deref().unwrap_or(user);
    HealthCheck {
        command: ["CMD", "pg_isready", "-U", user, "-d", database].map(str::to_owned).to_vec(),
        interval: Some(30),
        timeout: Some(5),
        retries: Some(5),
        start_period: Some(60),
    }
}

fn service(
    context: &KindContext<'_>,
    spec: &DateroSpec,
    app: &mut ApplicationSpec,
    findings: &mut Findings,
) -> Service {
    let settings = &spec.settings;
    let awsvpc = spec.network_mode() == "awsvpc";
    let backend = Backend {
        component: "datero",
        container: "datero",
        port: WEB_PORT,
        protocol: "HTTP",
        target_type: if awsvpc { "ip" } else { "instance" },
        hosts: spec.domain.iter().cloned().collect(),
        health: health(),
        drain_seconds: 30,
        settings,
        settings_field: "spec.settings",
        load_balancer: spec.load_balancer.as_ref(),
        rule_offset: 0,
        default_action: DefaultAction::Forward,
    };
    let mut service = context.service(settings, 1);
    service.load_balancers = backend.add_ingress(context, app, findings);
    if let Some(load_balancer) = &spec.postgres_load_balancer {
        let backend = Backend { port: POSTGRES_PORT, ..backend };
        let port = load_balancer.port.unwrap_or(POSTGRES_PORT);
        let listener = PrivateListener { key: "postgres", port, tls: true, load_balancer };
        service.load_balancers.push(backend.add_private_listener(listener, context, app));
        tcp_health(app);
    }
    context.grace(settings, &mut service);
    if !awsvpc {
        service.network_configuration = None;
    }
    service
}

/// PostgreSQL speaks no HTTP: its port is healthy when it can be connected to.
fn tcp_health(app: &mut ApplicationSpec) {
    if let Some(group) = app.target_groups.get_mut("postgres") {
        group.health_check_protocol = Some("TCP".to_owned());
        group.health_check_path = None;
        group.health_check_timeout_seconds = None;
        group.matcher = None;
    }
}

fn task(context: &KindContext<'_>, spec: &DateroSpec) -> TaskWorkload {
    let common = context.common;
    let network = context.network(&spec.settings.subnets, &spec.settings.security_groups);
    TaskWorkload {
        launch_type: common.capacity.launch_type.clone(),
        capacity_provider_strategy: common.capacity.capacity_provider_strategy.clone(),
        platform_version: common.capacity.platform_version.clone(),
        network_configuration: (spec.network_mode() == "awsvpc").then_some(network),
        run: RunPolicy::Forever,
        enable_execute_command: common.enable_execute_command,
        ..Default::default()
    }
}

/// A task outside a service takes its constraints from its definition.
fn constraints(spec: &DateroSpec) -> Vec<TaskPlacementConstraint> {
    let one = |constraint: &crate::model::kinds::service::PlacementConstraint| TaskPlacementConstraint {
        kind: constraint.kind.clone(),
        expression: constraint.expression.clone(),
    };
    spec.capacity
        .placement_constraints
        .iter()
        .filter(|constraint| constraint.kind == "memberOf")
        .map(one)
        .collect()
}

fn volumes(spec: &DateroSpec, definition: &mut TaskDefinition) {
    let storage = &spec.storage;
    let data = storage.mount_path.as_deref().unwrap_or(DATA);
    let kept = [
        ("pgdata", data, &storage.efs, &storage.host_path),
        ("files", "/data", &storage.files_efs, &storage.files_host_path),
    ];
    for (name, path, efs, host) in
        kept.into_iter().filter(|(_, _, efs, host)| efs.is_some() || host.is_some())
    {
        definition.volumes.push(volume(name, efs.clone(), host.clone()));
        mount(&mut definition.container_definitions[0], name, path, false);
    }
}

fn volume(name: &str, efs: Option<EfsVolume>, host: Option<String>) -> Volume {
    let host = host.filter(|_| efs.is_none()).map(|path| HostVolume { source_path: Some(path) });
    Volume { name: name.to_owned(), efs_volume_configuration: efs, host, ..Default::default() }
}

fn mount(container: &mut ContainerDefinition, volume: &str, path: &str, read_only: bool) {
    container.mount_points.push(MountPoint {
        source_volume: Some(volume.to_owned()),
        container_path: Some(path.to_owned()),
        read_only: read_only.then_some(true),
    });
}

/// ECS cannot mount one file from a secret: a container that runs first writes it to a volume that
/// both see.
fn configuration(
    context: &KindContext<'_>,
    spec: &DateroSpec,
    definition: &mut TaskDefinition,
    findings: &mut Findings,
) {
    let Some(config) = &spec.config else { return };
    let main = &mut definition.container_definitions[0];
    if let Some(path) = &config.host_path {
        mount(main, "config", &format!("{INSTANCE}/config.yaml"), true);
        definition.volumes.push(volume("config", None, Some(path.clone())));
    } else if config.secret.is_some() {
        mount(main, "config", INSTANCE, true);
        main.depends_on = vec![ContainerDependency {
            container_name: "config".to_owned(),
            condition: "SUCCESS".to_owned(),
        }];
        let image = config.init_image.clone().unwrap_or_else(|| INIT_IMAGE.to_owned());
        let mut init = context.container("datero", "config", image);
        init.essential = Some(false);
        init.stop_timeout = None;
        init.repository_credentials = None;
        let write = format!("umask 022 && printf '%s' \"$DATERO_CONFIG\" > {INSTANCE}/config.yaml");
        init.command = vec!["sh".to_owned(), "-c".to_owned(), write];
        env::apply(
            vec![("DATERO_CONFIG", env::secret("spec.config.secret", &config.secret))],
            &mut init,
            findings,
        );
        mount(&mut init, "config", INSTANCE, false);
        definition.volumes.push(volume("config", None, None));
        definition.container_definitions.push(init);
    }
}

/// The page's status code is not documented; redirects count as well.
fn health() -> TargetHealth {
    TargetHealth {
        path: Some("/".to_owned()),
        matcher: Some("200-399".to_owned()),
        interval_seconds: Some(30),
        timeout_seconds: Some(10),
        healthy_threshold: Some(2),
        unhealthy_threshold: Some(5),
    }
}
