//! A deployment as it could be declared, and the same brought up in a simulated AWS by our own
//! writes.

use crate::aws::testing::{clients, connect, placement};
use crate::aws::{PlacementClients, ecs, elbv2, logs};
use crate::model::desired::{DesiredComponent, DesiredResource, DesiredState, SecretUse, Workload};
use crate::model::ids::Generation;
use crate::model::kinds::application::RunPolicy;
use crate::model::kinds::{DeletionPolicy, DriftSpec};
use crate::model::observed::{Depth, ObservedState};
use crate::model::resource::{ResourceId, ResourceKind, TAG_COMPONENT, TAG_HASH, TAG_OWNER, Tree};
use crate::model::rollout::{ComponentRollout, Phase, Revision, RolloutState};
use crate::observed::{Collector, ObservationRequest};
use aws_sim::Sim;
use jiff::Timestamp;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// What the shop stands on: a cluster, a load balancer with a listener of someone else, a secret.
pub(super) fn seeded() -> Sim {
    fastrand::seed(7);
    let sim = Sim::builder().seed(7).build();
    let seed = json!({
        "region": "eu-west-1",
        "clusters": [{"name": "main", "capacityProviders": ["FARGATE"]}],
        "secrets": [{"name": "shop/db", "value": {"password": "x"}}],
        "loadBalancers": [{"name": "edge", "listeners": [{"port": 443, "protocol": "HTTPS"}]}],
    });
    sim.seed_world(&seed).unwrap();
    sim
}

/// One deployment: what is declared and where its rollout stands.
pub(super) struct Shop {
    pub(super) desired: DesiredState,
    pub(super) rollout: RolloutState,
}

pub(super) fn id(kind: ResourceKind, key: &str) -> ResourceId {
    ResourceId::new(kind, key)
}

pub(super) fn owned(deployment: &str, component: &str) -> BTreeMap<String, String> {
    let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    [tag(TAG_OWNER, deployment), tag(TAG_COMPONENT, component)].into()
}

impl Shop {
    /// A migration task, and a service with a target group, a listener and a rule on it.
    pub(super) fn new(name: &str) -> Self {
        let mut shop = Self::plain(name);
        let resources = &mut shop.desired.resources;
        let mut add = |kind, key: &str, fields: Tree| {
            let resource = DesiredResource { fields, deletion_policy: DeletionPolicy::Retain };
            resources.insert(id(kind, key), resource);
        };
        add(ResourceKind::LogGroup, &format!("/{name}"), json!({"logGroupName": format!("/{name}")}));
        add(
            ResourceKind::TargetGroup,
            "web",
            json!({"name": format!("{name}-web"), "protocol": "HTTP", "port": 8080, "vpcId": "vpc-1", "targetType": "ip"}),
        );
        add(
            ResourceKind::Listener,
            "http",
            json!({"loadBalancer": "edge", "port": 80, "protocol": "HTTP", "defaultActions": [gone()]}),
        );
        add(
            ResourceKind::Rule,
            "web",
            json!({"listener": "http", "priority": 10, "conditions": [], "actions": []}),
        );
        let secret = SecretUse { secret_id: "shop/db".to_owned(), restarts: true };
        let migrate = DesiredComponent {
            name: "migrate".into(),
            depends_on: BTreeSet::new(),
            family: format!("{name}-migrate"),
            task_definition: json!({}),
            secrets: [secret].into(),
            workload: Workload::Task {
                fields: json!({}),
                deadline_seconds: 600,
                retries: 0,
                run: RunPolicy::Completion,
            },
        };
        shop.desired.components.insert("migrate".into(), migrate);
        if let Some(Workload::Service { fields, .. }) =
            shop.desired.components.get_mut("web").map(|web| &mut web.workload)
        {
            fields["loadBalancers"] =
                json!([{"targetGroup": "web", "containerName": "web", "containerPort": 8080}]);
        }
        shop
    }

    /// One service and nothing else.
    pub(super) fn plain(name: &str) -> Self {
        let web = DesiredComponent {
            name: "web".into(),
            depends_on: BTreeSet::new(),
            family: format!("{name}-web"),
            task_definition: json!({}),
            secrets: BTreeSet::new(),
            workload: Workload::Service {
                service_name: format!("{name}-web"),
                fields: json!({"desiredCount": 1}),
                initial_count: 1,
                most: None,
                bake_seconds: 0,
                progress_deadline_seconds: 900,
            },
        };
        let desired = DesiredState {
            deployment: name.into(),
            kind: "Application".to_owned(),
            generation: Generation(1),
            placement: placement(),
            drift: DriftSpec::default(),
            suspend: None,
            deletion_policy: DeletionPolicy::Retain,
            adopt: false,
            answers: BTreeMap::new(),
            shared: BTreeMap::new(),
            handover: Default::default(),
            adopts_from: BTreeSet::new(),
            retry: None,
            tags: BTreeMap::new(),
            resources: BTreeMap::new(),
            components: [("web".into(), web)].into(),
        };
        Self { desired, rollout: RolloutState::default() }
    }

    pub(super) fn ask(&self, depth: Depth) -> ObservationRequest<'_> {
        ObservationRequest {
            desired: &self.desired,
            rollout: &self.rollout,
            depth,
            removed: false,
            kept: None,
            rolling: None,
        }
    }

    pub(super) fn arn(&self, kind: ResourceKind, key: &str) -> &str {
        self.rollout.arn(&id(kind, key)).unwrap()
    }

    fn name(&self) -> &str {
        self.desired.deployment.as_str()
    }

    /// Makes everything that is declared, records it, and waits until the service is steady.
    pub(super) async fn bring_up(&mut self, sim: &Sim) {
        let clients = clients(sim).await;
        if self.desired.resources.is_empty() {
            self.make_service(&clients, json!([])).await;
        } else {
            let group = self.make_resources(sim, &clients).await;
            self.make_revision(&clients, "migrate").await;
            let balancers = json!([{"targetGroupArn": group, "containerName": "web", "containerPort": 8080}]);
            self.make_service(&clients, balancers).await;
        }
        tokio::time::advance(Duration::from_secs(300)).await;
    }

    async fn make_resources(&mut self, sim: &Sim, clients: &PlacementClients) -> String {
        let name = self.name().to_owned();
        let group_name = format!("/{name}");
        logs::write::create_log_group(clients, &group_name, None, &owned(&name, &group_name)).await.unwrap();
        logs::write::put_retention_policy(clients, &group_name, 30).await.unwrap();
        let fields = self.desired.resources[&id(ResourceKind::TargetGroup, "web")].fields.clone();
        let group = elbv2::write::create_target_group(clients, &fields, &owned(&name, "web")).await.unwrap();
        let group = self.record(ResourceKind::TargetGroup, "web", group.arn);
        let edge = load_balancer(sim);
        let fields =
            json!({"loadBalancerArn": edge, "port": 80, "protocol": "HTTP", "defaultActions": [gone()]});
        let listener = elbv2::write::create_listener(clients, &fields, &owned(&name, "http")).await.unwrap();
        let listener = self.record(ResourceKind::Listener, "http", listener.arn);
        let fields = rule(&listener, 10, &group);
        let rule = elbv2::write::create_rule(clients, &fields, &owned(&name, "web")).await.unwrap();
        self.record(ResourceKind::Rule, "web", rule.arn);
        group
    }

    pub(super) fn record(&mut self, kind: ResourceKind, key: &str, arn: Option<String>) -> String {
        let arn = arn.expect("AWS names what it made");
        self.rollout.resource_mut(&id(kind, key)).arn = Some(arn.clone());
        arn
    }

    /// Registers a revision of a component's family and records it as complete.
    pub(super) async fn make_revision(&mut self, clients: &PlacementClients, component: &str) -> String {
        let family = &self.desired.components[component].family;
        let arn = register(clients, self.name(), component, family, "h1").await;
        let revision = Revision { hash: "h1".into(), arn: arn.clone(), registered: None };
        let rollout = ComponentRollout {
            workload: None,
            initial_hash: None,
            pending_registration: None,
            earlier: vec![],
            phase: Phase::Complete { hash: "h1".into(), since: Timestamp::UNIX_EPOCH },
            revision: Some(revision.clone()),
            completed: Some(revision),
            former_task_until: None,
            last_run: None,
            stage: None,
            failures: Vec::new(),
        };
        self.rollout.components.insert(component.into(), rollout.into());
        arn
    }

    async fn make_service(&mut self, clients: &PlacementClients, balancers: Tree) {
        let revision = self.make_revision(clients, "web").await;
        let name = format!("{}-web", self.name());
        let fields = json!({
            "cluster": "main", "serviceName": name, "taskDefinition": revision, "desiredCount": 1,
            "launchType": "FARGATE", "loadBalancers": balancers,
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0a"]}},
        });
        let made =
            ecs::write::create_service(clients, &name, &fields, &owned(self.name(), "web")).await.unwrap();
        self.record(ResourceKind::Service, "web", made.arn);
    }

    /// One observation of this deployment alone, and the calls that it took.
    pub(super) async fn observe(&self, sim: &Sim, depth: Depth) -> (ObservedState, u64) {
        sim.reset_calls();
        let mut states = collect(sim, &[self.ask(depth)]).await;
        (states.pop().expect("one ask, one answer"), sim.counts().total())
    }
}

pub(super) async fn collect(sim: &Sim, asks: &[ObservationRequest<'_>]) -> Vec<ObservedState> {
    Collector::new(connect(sim).await).collect(&placement(), asks, sim.now()).await
}

pub(super) async fn register(
    clients: &PlacementClients,
    deployment: &str,
    component: &str,
    family: &str,
    hash: &str,
) -> String {
    let fields = json!({
        "family": family, "cpu": "256", "memory": "512", "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "containerDefinitions": [{"name": "web", "image": "shop/web:1", "portMappings": [{"containerPort": 8080}]}],
    });
    let mut tags = owned(deployment, component);
    tags.insert(TAG_HASH.to_owned(), hash.to_owned());
    ecs::write::register_task_definition(clients, &fields, &tags)
        .await
        .unwrap()
        .arn
        .expect("a revision has an ARN")
}

pub(super) fn rule(listener: &str, priority: u32, group: &str) -> Tree {
    json!({
        "listenerArn": listener, "priority": priority,
        "conditions": [{"field": "host-header", "values": ["b.example.com", "a.example.com"]}],
        "actions": [{"type": "forward", "targetGroups": [{"targetGroupArn": group, "weight": 1}]}],
    })
}

fn gone() -> Tree {
    json!({"type": "fixed-response", "fixedResponseConfig": {"statusCode": "404"}})
}

pub(super) fn load_balancer(sim: &Sim) -> String {
    let input = json!({"Names.member.1": "edge"});
    let elb = aws_sim::wire::Service::Elbv2;
    let found = sim.with(|world| world.edit("eu-west-1", elb, "DescribeLoadBalancers", &input)).unwrap();
    found["LoadBalancers"][0]["LoadBalancerArn"].as_str().expect("it was seeded").to_owned()
}

/// Clients to change things behind the collector's back.
pub(super) async fn hand(sim: &Sim) -> Arc<PlacementClients> {
    clients(sim).await
}
