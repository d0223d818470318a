//! One row per rule, on the example document.

use crate::desired::kinds::golden::{Mistake, check_mistakes, lowered, secret, variable};
use crate::model::kinds::application::RunPolicy;
use crate::model::kinds::task_definition::OnRotation;
use serde_json::{Value, json};

fn on_ec2() -> (&'static str, Value) {
    ("capacity", json!({"capacityProviderStrategy": [{"capacityProvider": "datero-ec2", "weight": 1}]}))
}

fn trial() -> Vec<(&'static str, Value)> {
    vec![
        ("mode", json!("task")),
        on_ec2(),
        ("postgres", json!({"plainPassword": "postgres"})),
        ("storage", json!({})),
        ("loadBalancer", json!(null)),
        ("postgresLoadBalancer", json!(null)),
        ("network", json!({})),
    ]
}

#[test]
fn what_would_lose_data_is_found() {
    let mistakes: Vec<Mistake<'_>> = vec![
        ("nothing kept", vec![("storage", json!({}))], &["warning spec.storage"]),
        ("two servers", vec![("count", json!(2))], &["error spec.count"]),
        ("two tasks", vec![("settings.desiredCount", json!(2))], &["error spec.settings.desiredCount"]),
        (
            "rolled",
            vec![("settings.minimumHealthyPercent", json!(100))],
            &["error spec.settings.minimumHealthyPercent"],
        ),
        ("a new PostgreSQL", vec![("storage.initialisedWith", json!("1.1.0"))], &["error spec.imageTag"]),
        (
            "a new PostgreSQL, on purpose",
            vec![
                ("storage.initialisedWith", json!("1.1.0")),
                ("storage.majorUpgradeAcknowledged", json!(true)),
            ],
            &[],
        ),
        (
            "unknown image",
            vec![("storage.initialisedWith", json!("0.9.0"))],
            &["warning spec.storage.initialisedWith"],
        ),
        ("beside the volume", vec![("postgres.pgdata", json!("/srv/pg"))], &["error spec.postgres.pgdata"]),
        (
            "over the application",
            vec![("storage.mountPath", json!("/home"))],
            &["error spec.storage.mountPath"],
        ),
        (
            "host path on Fargate",
            vec![("storage.filesHostPath", json!("/srv"))],
            &["error spec.storage.filesHostPath"],
        ),
    ];
    check_mistakes("datero", mistakes);
}

#[test]
fn password_and_placement_are_checked() {
    let mistakes: Vec<Mistake<'_>> = vec![
        ("no password", vec![("postgres", json!({}))], &["error spec.postgres.password"]),
        (
            "plain password",
            vec![("postgres", json!({"plainPassword": "postgres"}))],
            &["warning spec.postgres.plainPassword"],
        ),
        ("both", vec![("postgres.plainPassword", json!("postgres"))], &["error spec.postgres.plainPassword"]),
        ("host network on Fargate", vec![("networkMode", json!("host"))], &["error spec.networkMode"]),
        ("ARM", vec![("capacity.cpuArchitecture", json!("ARM64"))], &["error spec.capacity.cpuArchitecture"]),
        ("empty config", vec![("config", json!({}))], &["error spec.config.secret"]),
        (
            "config of the host on Fargate",
            vec![("config", json!({"hostPath": "/c.yaml"}))],
            &["error spec.config.hostPath"],
        ),
        ("closed and balanced", vec![("exposePostgres", json!(false))], &["error spec.exposePostgres"]),
    ];
    check_mistakes("datero", mistakes);
    let mut balanced = trial();
    balanced.push(("loadBalancer", json!({"loadBalancer": "datero"})));
    check_mistakes(
        "datero",
        vec![
            (
                "the vendor's trial",
                trial(),
                &["warning spec.postgres.plainPassword", "warning spec.storage", "warning spec.networkMode"],
            ),
            (
                "a task behind a load balancer",
                balanced,
                &[
                    "warning spec.postgres.plainPassword",
                    "warning spec.storage",
                    "warning spec.networkMode",
                    "error spec.loadBalancer",
                ],
            ),
        ],
    );
}

#[test]
fn what_excludes_or_cannot_be_is_told() {
    let mistakes: Vec<Mistake<'_>> = vec![
        (
            "an empty password",
            vec![("postgres", json!({"plainPassword": ""}))],
            &["error spec.postgres.plainPassword"],
        ),
        (
            "everybody",
            vec![("postgres.hostAuthMethod", json!("trust"))],
            &["warning spec.postgres.hostAuthMethod"],
        ),
        (
            "two volumes in one place",
            vec![("storage.hostPath", json!("/srv")), on_ec2()],
            &["error spec.storage.hostPath"],
        ),
        (
            "two configurations",
            vec![("config", json!({"secret": "s", "hostPath": "/x"}))],
            &["error spec.config.hostPath"],
        ),
        (
            "configuration of a host on Fargate",
            vec![("config", json!({"hostPath": "/x"}))],
            &["error spec.config.hostPath"],
        ),
        ("no network", vec![("networkMode", json!("none")), on_ec2()], &["error spec.networkMode"]),
        ("port", vec![("settings.port", json!(1))], &["error spec.settings.port"]),
        (
            "a shared listener without a host to tell requests apart by",
            vec![
                (
                    "loadBalancer",
                    json!({"rulePriority": 5,
                        "httpsListenerArn": "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/x/1/2"}),
                ),
                ("domain", json!(null)),
            ],
            &["error spec.domain"],
        ),
        (
            "certificate",
            vec![("postgresLoadBalancer.certificateArn", json!("x"))],
            &["error spec.postgresLoadBalancer.certificateArn"],
        ),
    ];
    check_mistakes("datero", mistakes);
}

#[test]
fn a_task_outside_a_service_takes_its_constraints_from_its_definition() {
    let mut edits = trial();
    edits[1].1["placementConstraints"] =
        json!([{"type": "memberOf", "expression": "attribute:disk == big"}, {"type": "distinctInstance"}]);
    let application = lowered("datero", &edits);
    let constraints = &application.components["datero"].task_definition.placement_constraints;
    assert_eq!(constraints.len(), 1, "{constraints:?}");
    assert_eq!(constraints[0].expression.as_deref(), Some("attribute:disk == big"));
}

#[test]
fn the_vendors_trial_is_one_task_on_the_hosts_network() {
    let app = lowered("datero", &trial());
    let component = &app.components["datero"];
    let task = component.task.as_ref().unwrap();
    assert_eq!(task.run, RunPolicy::Forever);
    assert_eq!(task.capacity_provider_strategy[0].capacity_provider, "datero-ec2");
    assert_eq!(task.network_configuration, None);
    let definition = &component.task_definition;
    assert_eq!(definition.network_mode.as_deref(), Some("host"));
    let ports: Vec<_> =
        definition.container_definitions[0].port_mappings.iter().map(|p| p.container_port).collect();
    assert_eq!(ports, [Some(80)]);
    assert_eq!(variable(&app, "datero", "POSTGRES_PASSWORD"), Some("postgres"));
    assert!(app.target_groups.is_empty() && app.listeners.is_empty());
}

#[test]
fn a_service_is_a_singleton_whose_password_is_written_once() {
    let app = lowered("datero", &[]);
    let component = &app.components["datero"];
    let singleton = component.singleton.as_ref().unwrap();
    assert!(component.service.is_none() && component.task.is_none());
    assert_eq!(singleton.desired_count, Some(1));
    assert_eq!(singleton.load_balancers.len(), 2);
    assert_eq!(secret(&app, "datero", "POSTGRES_PASSWORD").unwrap().on_rotation, OnRotation::Ignore);
    let postgres = &app.target_groups["postgres"];
    assert_eq!((postgres.port, postgres.health_check_protocol.as_deref()), (5432, Some("TCP")));
    assert_eq!(postgres.health_check_path, None);
}

#[test]
fn a_configuration_file_is_written_before_the_server_starts() {
    let app = lowered("datero", &[("config", json!({"secret": "datero/config"}))]);
    let containers = &app.components["datero"].task_definition.container_definitions;
    assert_eq!(containers[0].depends_on[0].condition, "SUCCESS");
    assert_eq!((containers[1].name.as_str(), containers[1].essential), ("config", Some(false)));
    assert_eq!(containers[1].secrets[0].value_from, "datero/config");
    let mounted: Vec<_> = containers
        .iter()
        .flat_map(|c| &c.mount_points)
        .filter(|m| m.source_volume.as_deref() == Some("config"))
        .collect();
    assert_eq!(mounted.len(), 2);
}

#[test]
fn a_shared_listener_on_ec2_registers_instances() {
    let load_balancer = json!({"httpsListenerArn": "arn:aws:elasticloadbalancing:eu-west-1:1:listener/app/s/a/b", "rulePriority": 7});
    let app =
        lowered("datero", &[on_ec2(), ("networkMode", json!("bridge")), ("loadBalancer", load_balancer)]);
    assert_eq!(app.target_groups["datero"].target_type.as_deref(), Some("instance"));
    assert_eq!(app.rules["datero-https"].conditions[0].values, ["datero.internal.example.com"]);
    assert_eq!(app.components["datero"].singleton.as_ref().unwrap().network_configuration, None);
}
