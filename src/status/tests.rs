//! Sentences about status: a small shop, in a state that each test spoils in its own way.

mod conditions;
mod events;
mod ready;
mod reasons;

use super::{StatusInput, compute};
use crate::model::call::{Call, Verb};
use crate::model::condition::{Condition, ConditionType, Truth};
use crate::model::desired::*;
use crate::model::finding::Finding;
use crate::model::ids::{ComponentName, Generation};
use crate::model::kinds::application::RunPolicy;
use crate::model::kinds::{DeletionPolicy, DriftSpec, Placement, Suspend};
use crate::model::observed::*;
use crate::model::plan::*;
use crate::model::resource::{ResourceId, ResourceKind};
use crate::model::resource_record::ResourceRecord;
use crate::model::rollout::{ComponentRollout, Phase, Revision, RolloutState};
use crate::model::status::{DeploymentStatus, Source};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::collections::BTreeMap;

const WEB_1: &str = "arn:aws:ecs:eu-west-1:123456789012:task-definition/shop-web:1";

/// A migration and a web service with a target group and a secret: all that a status is computed
/// from.
#[derive(Clone)]
struct Fixture {
    prior: Option<DeploymentStatus>,
    generation: Generation,
    findings: Vec<Finding>,
    desired: DesiredState,
    resolved: ResolvedState,
    observed: ObservedState,
    rollout: RolloutState,
    plan: Plan,
    outcomes: Vec<Outcome>,
    now: Timestamp,
}

fn group() -> ResourceId {
    ResourceId::new(ResourceKind::TargetGroup, "web")
}

fn service() -> ResourceId {
    ResourceId::new(ResourceKind::Service, "web")
}

fn gap(code: &str) -> Gap {
    Gap { operation: "ecs:DescribeServices".to_owned(), code: code.to_owned(), message: "no".to_owned() }
}

fn components() -> [DesiredComponent; 2] {
    let component = |name: &str, workload| DesiredComponent {
        name: name.into(),
        depends_on: Default::default(),
        family: format!("shop-{name}"),
        task_definition: json!({"containerDefinitions": [
            {"name": "log", "image": "log:1", "essential": false}, {"name": name, "image": format!("{name}:1")}
        ]}),
        secrets: [SecretUse { secret_id: "shop/db".to_owned(), restarts: true }].into(),
        workload,
    };
    let task =
        Workload::Task { fields: json!({}), deadline_seconds: 60, retries: 0, run: RunPolicy::Completion };
    let service = Workload::Service {
        service_name: "shop-web".to_owned(),
        fields: json!({"desiredCount": 2, "loadBalancers": [{"targetGroup": "web"}]}),
        initial_count: 1,
        most: None,
        bake_seconds: 0,
        progress_deadline_seconds: 900,
    };
    [component("migrate", task), component("web", service)]
}

fn observed_service() -> ObservedService {
    ObservedService {
        controller: None,
        current_deployment: None,
        revision: None,
        arn: "arn:aws:ecs:eu-west-1:123456789012:service/shop/shop-web".to_owned(),
        name: "shop-web".to_owned(),
        status: "ACTIVE".to_owned(),
        created_at: None,
        fields: json!({}),
        task_definition: WEB_1.to_owned(),
        desired: 2,
        running: 2,
        pending: 0,
        deployments: vec![deployment("PRIMARY", 2)],
        events: vec![],
        tags: BTreeMap::new(),
    }
}

fn deployment(status: &str, running: u32) -> ObservedDeployment {
    ObservedDeployment {
        id: "ecs-svc/1".to_owned(),
        status: status.to_owned(),
        task_definition: WEB_1.to_owned(),
        rollout_state: Some("COMPLETED".to_owned()),
        rollout_state_reason: None,
        desired: 2,
        running,
        pending: 0,
        failed: 0,
        created_at: None,
    }
}

fn target(state: &str) -> ObservedTarget {
    ObservedTarget { id: "10.0.0.1".into(), port: 80, state: state.into(), reason: None, description: None }
}

fn resource() -> ObservedResource {
    ObservedResource::new("arn", json!({}))
}

impl Fixture {
    /// All is as declared, seen in full.
    fn good() -> Self {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let desired = Self::declared();
        let resolved = |name: &str| ResolvedComponent {
            definition: Some(ResolvedDefinition {
                family: format!("shop-{name}"),
                fields: json!({}),
                hash: "h1".into(),
            }),
            fields: Some(json!({})),
            waiting: vec![],
            declared: "d1".into(),
        };
        let revision =
            |name: &str| Revision { hash: "h1".into(), arn: WEB_1.replace("web", name), registered: None };
        let complete = |name: &str| ComponentRollout {
            workload: None,
            initial_hash: None,
            pending_registration: None,
            earlier: vec![],
            phase: Phase::Complete { hash: "h1".into(), since: now },
            revision: Some(revision(name)),
            completed: Some(revision(name)),
            former_task_until: None,
            last_run: None,
            stage: None,
            failures: vec![],
        };
        let by_component = ["migrate", "web"].map(ComponentName::from);
        Self {
            prior: None,
            generation: Generation(3),
            findings: vec![],
            resolved: ResolvedState {
                resources: [(
                    group(),
                    ResolvedResource { fields: Some(json!({})), waiting: vec![], declared: "d1".into() },
                )]
                .into(),
                components: by_component.clone().map(|name| (name.clone(), resolved(name.as_str()))).into(),
                tags: Default::default(),
            },
            observed: Self::seen(now),
            rollout: RolloutState {
                generation: Generation(3),
                components: by_component
                    .map(|name| {
                        let component = complete(name.as_str());
                        (name, component.into())
                    })
                    .into(),
                resources: [group(), service()].map(|id| (id, applied("d1").into())).into(),
                ..RolloutState::default()
            },
            plan: Plan {
                stale_targets: Default::default(),
                deployment: "shop".into(),
                generation: Generation(3),
                actions: vec![],
                waiting_on: vec![],
                drift: vec![],
                notes: vec![],
            },
            outcomes: vec![],
            desired,
            now,
        }
    }

    fn declared() -> DesiredState {
        DesiredState {
            deployment: "shop".into(),
            kind: "Application".to_owned(),
            generation: Generation(3),
            placement: Placement { region: "eu-west-1".into(), cluster: "main".into(), role_arn: None },
            drift: DriftSpec::default(),
            suspend: None,
            deletion_policy: DeletionPolicy::Retain,
            adopt: false,
            answers: BTreeMap::new(),
            shared: BTreeMap::new(),
            handover: Default::default(),
            adopts_from: Default::default(),
            retry: None,
            tags: BTreeMap::new(),
            resources: [(
                group(),
                DesiredResource { fields: json!({}), deletion_policy: DeletionPolicy::Retain },
            )]
            .into(),
            components: components().map(|component| (component.name.clone(), component)).into(),
        }
    }

    fn seen(now: Timestamp) -> ObservedState {
        ObservedState {
            resources: [(group(), Seen::Present(resource()))].into(),
            services: [("web".into(), Seen::Present(observed_service()))].into(),
            tasks: [("migrate".into(), Seen::Present(vec![]))].into(),
            targets: [("web".into(), Seen::Present(vec![target("healthy"), target("healthy")]))].into(),
            secrets: [(
                "shop/db".into(),
                Seen::Present(ObservedSecret {
                    arn: "arn".into(),
                    version: Some("v1".into()),
                    deleted: false,
                }),
            )]
            .into(),
            ..ObservedState::unread(now, Depth::Full)
        }
    }

    /// The same fixture a minute later, in a light pass that sees services only.
    fn lightly(mut self) -> Self {
        self.prior = Some(self.status());
        self.now += SignedDuration::from_secs(60);
        let services = self.observed.services.clone();
        self.observed = ObservedState { depth: Depth::Light, services, ..Self::seen(self.now) };
        self.observed.resources.clear();
        self.observed.tasks.clear();
        self.observed.targets.clear();
        self.observed.secrets.clear();
        self.resolved.components.values_mut().for_each(|component| component.definition = None);
        self
    }

    fn status(&self) -> DeploymentStatus {
        let source = Source::default();
        let status = compute(&StatusInput {
            prior: self.prior.as_ref(),
            source: &source,
            generation: self.generation,
            findings: &self.findings,
            desired: &self.desired,
            resolved: &self.resolved,
            observed: &self.observed,
            rollout: &self.rollout,
            plan: &self.plan,
            outcomes: &self.outcomes,
            removed: false,
            now: self.now,
        });
        let is = |kind| status.conditions.iter().any(|c| c.kind == kind && c.status == Truth::True);
        let kinds = [ConditionType::Ready, ConditionType::Reconciling, ConditionType::Stalled];
        let set = kinds.into_iter().filter(|kind| is(*kind)).count();
        assert_eq!(set, 1, "exactly one of them tells a waiting tool what to do: {:#?}", status.conditions);
        status
    }

    fn condition(&self, kind: ConditionType) -> Condition {
        self.status().conditions.into_iter().find(|condition| condition.kind == kind).unwrap()
    }

    /// Status, reason and message of a condition.
    fn says(&self, kind: ConditionType) -> (Truth, String, String) {
        let Condition { status, reason, message, .. } = self.condition(kind);
        (status, reason.to_string(), message)
    }

    fn web(&mut self) -> &mut ObservedService {
        match self.observed.services.get_mut("web") {
            Some(Seen::Present(service)) => service,
            other => panic!("{other:?}"),
        }
    }

    fn phase(&mut self, component: &str, phase: Phase) {
        self.rollout.components.get_mut(component).unwrap().phase = phase;
    }

    fn waits(&mut self, resource: ResourceId, on: WaitingOn) {
        self.plan.waiting_on.push(Waiting { resource, on });
    }

    /// Plans a call about the service, and says what became of it.
    fn acts(&mut self, reason: Reason, result: Option<ActionResult>) {
        self.plan.actions.push(PlannedAction {
            resource: service(),
            verb: Verb::Update,
            call: Call::UpdateService { component: "web".into(), fields: json!({"desiredCount": 2}) },
            reason,
            changes: vec![],
        });
        let action = self.plan.actions.len() - 1;
        self.outcomes.extend(result.map(|result| Outcome { action, result }));
    }

    fn drifts(&mut self, repaired: bool) {
        let change = FieldChange {
            path: "desiredCount".to_owned(),
            old: json!(5),
            new: json!(2),
            owner: Ownership::Declared,
            impact: Impact::None,
        };
        self.plan.drift.push(Drift { resource: service(), change: Some(change), repaired });
    }

    fn suspend(&mut self, until: SignedDuration) {
        self.desired.suspend =
            Some(Suspend { until: self.now + until, reason: "an incident".to_owned(), by: "ana".to_owned() });
        let because = "by ana".to_owned();
        self.waits(service(), WaitingOn::Suspended { because, answers: Vec::new() });
    }
}

fn done() -> Option<ActionResult> {
    Some(ActionResult::Done { arn: None, deployment: None })
}

fn failed(retryable: bool) -> Option<ActionResult> {
    Some(ActionResult::Failed { code: "AccessDenied".into(), message: "you may not".into(), retryable })
}

fn said(truth: Truth, reason: &str, message: &str) -> (Truth, String, String) {
    (truth, reason.to_owned(), message.to_owned())
}

/// What is known of a resource that was found as declared.
fn applied(declared: &str) -> ResourceRecord {
    ResourceRecord { applied: Some(declared.into()), ..ResourceRecord::default() }
}
