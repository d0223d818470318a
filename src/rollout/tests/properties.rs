//! Invariants that hold for any history of observations.

use super::record::{answered, plan};
use super::{Fixture, arn, definition};
use crate::model::call::Call;
use crate::model::desired::Workload;
use crate::model::ids::ContentHash;
use crate::model::observed::*;
use crate::model::plan::{ActionResult, WaitingOn};
use crate::model::resource::{ResourceId, ResourceKind, TAG_HASH, TAG_OWNER};
use crate::model::rollout::{ComponentRollout, Phase, RolloutState, StallReason};
use crate::model::service_deployment::{ObservedHook, ObservedStage};
use jiff::SignedDuration;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

const BAKE: SignedDuration = SignedDuration::from_secs(60);
const PROGRESS_DEADLINE: SignedDuration = SignedDuration::from_secs(900);
const TASK_DEADLINE: SignedDuration = SignedDuration::from_secs(600);
/// How long a stage of the shifting service lasts by its configuration: baking, a step of its
/// traffic, and all of that with its hook while the stage is not known.
const STAGE_BAKE: SignedDuration = SignedDuration::from_mins(10);
const STAGE_STEP: SignedDuration = SignedDuration::from_mins(2);
const ALL_STAGES: SignedDuration = SignedDuration::from_mins(10 + 2 * 2 + 30);
const NAMES: [&str; 2] = ["migrate", "web"];

/// What happens between two passes. Contents and revisions have numbers: content 2 of `web` is
/// registered as revision 2 of its family.
#[derive(Clone, Debug)]
enum Happening {
    /// AWS does what was asked of it.
    Cooperates,
    /// So many seconds go by; the clock may be set back.
    Time(i64),
    Edit {
        name: &'static str,
        content: u32,
    },
    /// Fields of the service or task change, its content does not.
    Redeclare {
        name: &'static str,
        fields: u8,
    },
    Retry(u8),
    /// A secret is found, or cannot be.
    Resolves {
        name: &'static str,
        found: bool,
    },
    Registered(&'static str),
    Definition {
        name: &'static str,
        content: u32,
        active: bool,
    },
    Cluster(Seen<()>),
    Service(Seen<ServiceSight>),
    Deployments(Seen<(u32, &'static str)>),
    Stage(Seen<StageSight>),
    Tasks(Seen<TaskSight>),
    /// AWS answers what the last pass asked for, or does not.
    Answers(bool),
}

#[derive(Clone, Debug)]
struct ServiceSight {
    revision: u32,
    state: &'static str,
    running: u32,
    status: &'static str,
    ours: bool,
    rolls_back: bool,
    age: i64,
}

#[derive(Clone, Debug)]
struct StageSight {
    status: &'static str,
    stage: Option<&'static str>,
    production: f64,
    /// Whether a hook waits for a person, or for a function; and for how many seconds yet.
    hook: Option<(bool, Option<i64>)>,
}

#[derive(Clone, Debug)]
enum TaskSight {
    /// None is listed.
    None,
    /// The one that was asked for, or one of somebody else when none was.
    Current { status: &'static str, exit_code: Option<i32> },
}

fn unseen<T: Clone + std::fmt::Debug + 'static>(
    seen: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<Seen<T>> {
    let gap = Gap { operation: "ecs:Describe".into(), code: "Throttled".into(), message: "later".into() };
    prop_oneof![
        6 => seen.prop_map(Seen::Present),
        1 => Just(Seen::Absent),
        1 => Just(Seen::Unknown(gap)),
        1 => Just(Seen::NotRead),
    ]
    .boxed()
}

fn service_sight() -> impl Strategy<Value = ServiceSight> {
    let words = (
        prop::sample::select(vec!["COMPLETED", "IN_PROGRESS", "IN_PROGRESS", "FAILED"]),
        prop::sample::select(vec!["ACTIVE", "ACTIVE", "ACTIVE", "ACTIVE", "DRAINING"]),
        prop::sample::select(vec![0, 10, 1000]),
    );
    let flags = (prop::bool::weighted(0.9), prop::bool::weighted(0.2));
    (1..4u32, 0..2u32, words, flags).prop_map(
        |(revision, running, (state, status, age), (ours, rolls_back))| ServiceSight {
            revision,
            state,
            running,
            status,
            ours,
            rolls_back,
            age,
        },
    )
}

fn stage_sight() -> impl Strategy<Value = StageSight> {
    let status = prop::sample::select(vec![
        "PENDING",
        "IN_PROGRESS",
        "IN_PROGRESS",
        "ROLLBACK_REQUESTED",
        "ROLLBACK_IN_PROGRESS",
    ]);
    let stage = prop::sample::select(vec![
        None,
        Some("SCALE_UP"),
        Some("POST_TEST_TRAFFIC_SHIFT"),
        Some("PRODUCTION_TRAFFIC_SHIFT"),
        Some("BAKE_TIME"),
        Some("CLEAN_UP"),
    ]);
    let production = prop::sample::select(vec![0.0, 50.0, 100.0]);
    let until = prop::sample::select(vec![None, Some(-60), Some(600), Some(86_400)]);
    let hook = prop::option::weighted(0.4, (any::<bool>(), until));
    (status, stage, production, hook).prop_map(|(status, stage, production, hook)| StageSight {
        status,
        stage,
        production,
        hook,
    })
}

fn happening() -> impl Strategy<Value = Happening> {
    let name = || prop::sample::select(NAMES.to_vec());
    let exit_code = prop::sample::select(vec![Some(0), Some(1), None]);
    let status = prop::sample::select(vec!["PENDING", "RUNNING", "STOPPED", "STOPPED"]);
    let current =
        (status, exit_code).prop_map(|(status, exit_code)| TaskSight::Current { status, exit_code });
    let task = prop_oneof![1 => Just(TaskSight::None), 3 => current];
    let deployment = prop::sample::select(vec![
        "IN_PROGRESS",
        "STOPPED",
        "SUCCESSFUL",
        "ROLLBACK_REQUESTED",
        "ROLLBACK_IN_PROGRESS",
        "ROLLBACK_SUCCESSFUL",
        "ROLLBACK_FAILED",
    ]);
    prop_oneof![
        12 => Just(Happening::Cooperates),
        4 => prop::sample::select(vec![1, 30, 61, 301, 601, 901, 4000, -500]).prop_map(Happening::Time),
        2 => (name(), 1..4u32).prop_map(|(name, content)| Happening::Edit { name, content }),
        1 => (name(), 0..3u8).prop_map(|(name, fields)| Happening::Redeclare { name, fields }),
        1 => (0..3u8).prop_map(Happening::Retry),
        1 => (name(), any::<bool>()).prop_map(|(name, found)| Happening::Resolves { name, found }),
        2 => name().prop_map(Happening::Registered),
        1 => (name(), 1..4u32, any::<bool>())
            .prop_map(|(name, content, active)| Happening::Definition { name, content, active }),
        1 => unseen(Just(())).prop_map(Happening::Cluster),
        6 => unseen(service_sight()).prop_map(Happening::Service),
        2 => unseen((1..4u32, deployment)).prop_map(Happening::Deployments),
        4 => unseen(stage_sight()).prop_map(Happening::Stage),
        4 => unseen(task).prop_map(Happening::Tasks),
        3 => any::<bool>().prop_map(Happening::Answers),
    ]
}

fn map<T, U>(seen: Seen<T>, change: impl FnOnce(T) -> U) -> Seen<U> {
    match seen {
        Seen::Present(it) => Seen::Present(change(it)),
        Seen::Absent => Seen::Absent,
        Seen::NotRead => Seen::NotRead,
        Seen::Unknown(gap) => Seen::Unknown(gap),
    }
}

impl StageSight {
    fn shown(self, now: jiff::Timestamp) -> ObservedStage {
        let hook = self.hook.map(|(pauses, seconds)| ObservedHook {
            id: "ecs-hook-1".into(),
            pauses,
            target: (!pauses).then(|| "arn:aws:lambda:eu-west-1:1:function:check".into()),
            until: seconds.map(|seconds| now + SignedDuration::from_secs(seconds)),
            then: Some("ROLLBACK".into()),
        });
        ObservedStage {
            deployment: "arn:aws:ecs:eu-west-1:123456789012:service-deployment/c/shop-web/1".into(),
            status: self.status.into(),
            strategy: "LINEAR".into(),
            stage: self.stage.map(str::to_owned),
            production: Some(self.production),
            asked: Seen::Absent,
            moves_rule: false,
            hooks: hook.into_iter().collect(),
        }
    }
}

impl Fixture {
    /// A fixture whose web service bakes.
    fn baking() -> Self {
        let mut fixture = Self::new();
        let workload = &mut fixture.desired.components.get_mut("web").unwrap().workload;
        let Workload::Service { bake_seconds, .. } = workload else { panic!("web is a service") };
        *bake_seconds = u32::try_from(BAKE.as_secs()).unwrap();
        fixture
    }

    /// The same, and ECS shifts its traffic.
    fn shifting_traffic() -> Self {
        let mut fixture = Self::baking();
        let workload = &mut fixture.desired.components.get_mut("web").unwrap().workload;
        let Workload::Service { fields, .. } = workload else { panic!("web is a service") };
        let hook = json!({"targetType": "PAUSE", "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"],
            "timeoutConfiguration": {"timeoutInMinutes": 30, "action": "ROLLBACK"}});
        fields["deploymentConfiguration"] = json!({"strategy": "LINEAR", "bakeTimeInMinutes": 10,
            "linearConfiguration": {"stepPercent": 50, "stepBakeTimeInMinutes": 2}, "lifecycleHooks": [hook]});
        fixture
    }

    fn stage(&self) -> Option<&ObservedStage> {
        self.observed.stages.get("web").and_then(Seen::present)
    }

    /// Whether ECS waits for a person, or for a function that has time yet.
    fn is_held(&self) -> bool {
        let mut hooks = self.stage().into_iter().flat_map(|stage| &stage.hooks);
        hooks.any(|hook| hook.pauses || hook.until.is_some_and(|until| until > self.now))
    }

    /// How long a rollout may stand still where it is.
    fn patience(&self) -> SignedDuration {
        let Workload::Service { fields, .. } = &self.desired.components["web"].workload else {
            unreachable!()
        };
        if fields["deploymentConfiguration"]["strategy"] != "LINEAR" {
            return PROGRESS_DEADLINE;
        }
        PROGRESS_DEADLINE
            + match self.stage().map(|stage| stage.stage.as_deref()) {
                None | Some(None) => ALL_STAGES,
                Some(Some("BAKE_TIME")) => STAGE_BAKE,
                Some(Some("PRODUCTION_TRAFFIC_SHIFT")) => STAGE_STEP,
                Some(Some(_)) => SignedDuration::ZERO,
            }
    }

    /// Whether the service is at the revision of this content.
    fn is_at(&self, hash: &ContentHash) -> bool {
        let revision = self.state.components["web"].revision.as_ref().filter(|known| known.hash == *hash);
        let service = self.observed.services["web"].present();
        revision.zip(service).is_some_and(|(revision, service)| revision.arn == service.task_definition)
    }

    fn wanted(&self, name: &str) -> Option<&ContentHash> {
        self.resolved.components[name].definition.as_ref().map(|definition| &definition.hash)
    }

    /// Number of the content that is wanted.
    fn wanted_number(&self, name: &str) -> Option<u32> {
        self.wanted(name).and_then(|hash| hash.as_str()[1..].parse().ok())
    }

    fn hash(name: &str, content: u32) -> String {
        format!("{}{content}", &name[..1])
    }

    fn register_wanted(&mut self, name: &str) {
        if let Some(number) = self.wanted_number(name).filter(|_| self.state.components.contains_key(name)) {
            self.register_as_answered(name, &Self::hash(name, number), number);
        }
    }

    fn show_task(&mut self, status: &str, exit_code: Option<i32>) {
        if let Phase::TaskRunning { .. } = self.phase_of("migrate") {
            self.task(status, exit_code);
            let started = self.task_arn();
            let Some(Seen::Present(tasks)) = self.observed.tasks.get_mut("migrate") else { return };
            tasks[0].arn = started;
        }
    }

    /// An ARN of its own for every attempt.
    fn task_arn(&self) -> String {
        let Phase::TaskRunning { token, .. } = self.phase_of("migrate") else { return String::new() };
        format!("arn:aws:ecs:eu-west-1:123456789012:task/c/{token}")
    }

    fn phase_of(&self, name: &str) -> Phase {
        self.state.components.get(name).map(|component| component.phase.clone()).unwrap_or_default()
    }

    fn happens(&mut self, happening: Happening) {
        match happening {
            Happening::Cooperates => {
                NAMES.into_iter().for_each(|name| self.register_wanted(name));
                self.show_task("STOPPED", Some(0));
                if let (Phase::Rolling { .. } | Phase::Baking { .. }, Some(number)) =
                    (self.phase_of("web"), self.wanted_number("web"))
                {
                    self.service(number, "COMPLETED", 1);
                }
                self.pass(20);
            }
            Happening::Time(seconds) => self.pass(seconds),
            Happening::Edit { name, content } => {
                let component = self.resolved.components.get_mut(name).unwrap();
                component.definition = super::resolved(name, &Self::hash(name, content)).definition;
            }
            Happening::Redeclare { name, fields } => {
                self.resolved.components.get_mut(name).unwrap().declared = fields.to_string().as_str().into();
            }
            Happening::Retry(number) => self.desired.retry = Some(number.to_string()),
            Happening::Resolves { name, found } => {
                let component = self.resolved.components.get_mut(name).unwrap();
                let missing = WaitingOn::Secret { id: "shop/db".into(), because: "there is none".into() };
                component.waiting = if found { vec![] } else { vec![missing] };
            }
            Happening::Registered(name) => self.register_wanted(name),
            Happening::Definition { name, content, active } => {
                let family = format!("shop-{name}");
                let mut shown = definition(&family, content, if active { "ACTIVE" } else { "INACTIVE" });
                shown.tags.insert(TAG_OWNER.to_owned(), "shop".to_owned());
                shown.tags.insert(TAG_HASH.to_owned(), Self::hash(name, content));
                self.observed.definitions.insert(arn(&family, content), Seen::Present(shown));
            }
            Happening::Cluster(seen) => {
                self.observed.cluster = map(seen, |()| ObservedCluster {
                    arn: "arn:aws:ecs:eu-west-1:123456789012:cluster/c".into(),
                    status: "ACTIVE".into(),
                    capacity_providers: vec![],
                });
            }
            Happening::Service(seen) => self.show_service(seen),
            Happening::Deployments(seen) => {
                let shown = map(seen, |(revision, status)| vec![super::deployed(revision, status)]);
                self.observed.service_deployments.insert("web".into(), shown);
            }
            Happening::Stage(seen) => {
                let now = self.now;
                self.observed.stages.insert("web".into(), map(seen, |sight| sight.shown(now)));
            }
            Happening::Tasks(seen) => match seen {
                Seen::Present(TaskSight::Current { status, exit_code }) => self.show_task(status, exit_code),
                seen => {
                    self.observed.tasks.insert("migrate".into(), map(seen, |_| vec![]));
                }
            },
            Happening::Answers(answered) => self.answer(answered),
        }
    }

    fn show_service(&mut self, seen: Seen<ServiceSight>) {
        let Seen::Present(sight) = seen else {
            self.observed.services.insert("web".into(), map(seen, |_| unreachable!("it is not present")));
            return;
        };
        let created = self.now - SignedDuration::from_secs(sight.age);
        self.service(sight.revision, sight.state, sight.running);
        self.edit_service(|service| {
            service.status = sight.status.into();
            if !sight.ours {
                service.tags.clear();
            }
            let deployment = &mut service.deployments[0];
            deployment.created_at = Some(created);
            if sight.rolls_back {
                deployment.rollout_state_reason = Some("rolling back to deploymentId ecs-svc/1".into());
            }
        });
    }

    /// Records what AWS said to the run and the rollout that were begun.
    fn answer(&mut self, yes: bool) {
        let mut actions = Vec::new();
        let mut results = Vec::new();
        if let Phase::TaskRunning { token, task: None, .. } = self.phase_of("migrate") {
            let id = ResourceId::new(ResourceKind::Task, "migrate");
            let (component, fields, tags) = ("migrate".into(), json!({}), BTreeMap::new());
            actions.push((id, Call::RunTask { component, token, forever: false, fields, tags }));
            results.push(answered(&self.task_arn(), None));
        }
        if let Phase::Rolling { deployment: None, .. } = self.phase_of("web") {
            let id = ResourceId::new(ResourceKind::Service, "web");
            let fields = json!({"taskDefinition": "web"});
            actions.push((id, Call::UpdateService { component: "web".into(), fields }));
            results.push(answered("service/web", Some("ecs-svc/answered")));
        }
        if !yes {
            let silence = || Some(ActionResult::Unknown { message: "timed out".into() });
            results.iter_mut().for_each(|result| *result = silence());
        }
        self.state = self.recorded(&plan(actions), &results);
    }
}

/// What is remembered beside the controller, to check it by.
#[derive(Default)]
struct Oracle {
    /// Contents that failed and that nobody asked to be tried again.
    failed: BTreeSet<(&'static str, ContentHash)>,
}

impl Oracle {
    /// Takes note of what asks for another try.
    fn hears(&mut self, fixture: &Fixture, happening: &Happening) {
        match happening {
            Happening::Edit { name, content } => {
                let other =
                    fixture.wanted(name).is_none_or(|hash| hash.as_str() != Fixture::hash(name, *content));
                self.failed.retain(|(failed, _)| failed != name || !other);
            }
            Happening::Redeclare { name, fields } => {
                let other = fixture.resolved.components[*name].declared.as_str() != fields.to_string();
                self.failed.retain(|(failed, _)| failed != name || !other);
            }
            Happening::Retry(number) if fixture.desired.retry != Some(number.to_string()) => {
                self.failed.clear();
            }
            _ => {}
        }
    }

    fn check(&mut self, before: &RolloutState, fixture: &Fixture) -> Result<(), TestCaseError> {
        for name in NAMES {
            let none = ComponentRollout::default();
            let was = before.components.get(name).map_or(&none, AsRef::as_ref);
            let is = &fixture.state.components[name];
            let context = format!("{name}: {:?} became {:?}", was.phase, is.phase);
            self.never_tries_again(name, was, is, &context)?;
            one_stage(&was.phase, &is.phase, fixture, &context)?;
            gates_were_open(name, &was.phase, &is.phase, fixture, &context)?;
            says_why(&is.phase, &context)?;
            unknown_is_not_failed(name, was, is, fixture, &context)?;
            completed_is_kept(was, is, &context)?;
            no_limbo(name, &was.phase, &is.phase, fixture, &context)?;
            a_pause_is_no_stall(&is.phase, fixture, &context)?;
        }
        Ok(())
    }

    fn never_tries_again(
        &mut self,
        name: &'static str,
        was: &ComponentRollout,
        is: &ComponentRollout,
        context: &str,
    ) -> Result<(), TestCaseError> {
        match &is.phase {
            Phase::TaskRunning { hash, .. } | Phase::Rolling { hash, .. } | Phase::Baking { hash, .. } => {
                prop_assert!(!self.failed.contains(&(name, hash.clone())), "tried again: {context}");
            }
            Phase::Complete { hash, .. } => {
                self.failed.remove(&(name, hash.clone()));
            }
            Phase::Idle | Phase::Waiting { .. } | Phase::RolledBack { .. } | Phase::Stalled { .. } => {}
        }
        let new = is.failures.iter().filter(|failure| !was.failures.contains(failure));
        self.failed.extend(new.map(|failure| (name, failure.hash.clone())));
        Ok(())
    }
}

fn one_stage(was: &Phase, is: &Phase, fixture: &Fixture, context: &str) -> Result<(), TestCaseError> {
    let same_content = was.hash() == is.hash();
    let allowed = match is {
        Phase::Idle => false,
        Phase::Waiting { .. } | Phase::TaskRunning { .. } | Phase::Rolling { .. } => true,
        Phase::Stalled { .. } => true,
        Phase::Baking { .. } => matches!(was, Phase::Rolling { .. } | Phase::Baking { .. }) && same_content,
        Phase::RolledBack { .. } => !matches!(was, Phase::Idle | Phase::Waiting { .. }) && same_content,
        Phase::Complete { .. } => match was {
            Phase::Rolling { .. } => !same_content,
            Phase::Baking { until, .. } => !same_content || (*until).min(fixture.now + BAKE) <= fixture.now,
            _ => true,
        },
    };
    prop_assert!(allowed, "more than one stage: {context}");
    Ok(())
}

fn gates_were_open(
    name: &str,
    was: &Phase,
    is: &Phase,
    fixture: &Fixture,
    context: &str,
) -> Result<(), TestCaseError> {
    let begins = matches!(is, Phase::TaskRunning { .. } | Phase::Rolling { .. }) && was.hash() != is.hash();
    if !begins {
        return Ok(());
    }
    let cluster = fixture.observed.cluster.present().is_some();
    let needed = fixture.desired.components[name].depends_on.iter().all(|on| {
        let wanted = fixture.wanted(on.as_str());
        wanted.is_some_and(|wanted| fixture.phase_of(on.as_str()).is_complete_at(wanted))
    });
    let seen = match name {
        "web" => fixture.observed.services["web"].is_known(),
        _ => fixture.observed.tasks["migrate"].is_known(),
    };
    let registered = fixture.state.components[name].revision.as_ref().map(|revision| &revision.hash);
    prop_assert!(cluster && needed && seen, "begun behind closed gates: {context}");
    prop_assert_eq!(is.hash(), registered, "begun without its revision: {}", context);
    Ok(())
}

fn says_why(is: &Phase, context: &str) -> Result<(), TestCaseError> {
    let says = match is {
        Phase::Waiting { on, .. } => !on.is_empty() && on.iter().all(|on| !on.to_string().is_empty()),
        Phase::Stalled { message, .. } => !message.is_empty(),
        Phase::Idle
        | Phase::TaskRunning { .. }
        | Phase::Rolling { .. }
        | Phase::Baking { .. }
        | Phase::Complete { .. }
        | Phase::RolledBack { .. } => true,
    };
    prop_assert!(says, "held without a reason: {context}");
    Ok(())
}

fn unknown_is_not_failed(
    name: &str,
    was: &ComponentRollout,
    is: &ComponentRollout,
    fixture: &Fixture,
    context: &str,
) -> Result<(), TestCaseError> {
    let known = match name {
        "web" => fixture.observed.services["web"].is_known(),
        _ => fixture.observed.tasks["migrate"].is_known(),
    };
    let ended = |phase: &Phase| matches!(phase, Phase::Stalled { .. } | Phase::RolledBack { .. });
    let remembered = ended(&was.phase) || !is.failures.is_empty();
    prop_assert!(known || is.failures.len() <= was.failures.len(), "failed unseen: {context}");
    prop_assert!(known || !ended(&is.phase) || remembered, "given up unseen: {context}");
    Ok(())
}

fn completed_is_kept(
    was: &ComponentRollout,
    is: &ComponentRollout,
    context: &str,
) -> Result<(), TestCaseError> {
    let under_way =
        matches!(was.phase, Phase::TaskRunning { .. } | Phase::Rolling { .. } | Phase::Baking { .. });
    if let (true, Phase::Complete { hash, .. }) =
        (under_way && was.phase.hash() == is.phase.hash(), &is.phase)
    {
        let is_known = is.revision.iter().chain(&is.earlier).any(|revision| revision.hash == *hash);
        let completed = is.completed.as_ref().map(|revision| &revision.hash);
        prop_assert!(!is_known || completed == Some(hash), "completed without its revision: {context}");
    }
    let Some(before) = &was.completed else { return Ok(()) };
    let Some(now) = &is.completed else {
        return Err(TestCaseError::fail(format!("the completed revision is lost: {context}")));
    };
    prop_assert!(now == before || is.phase.is_complete_at(&now.hash), "completed without: {context}");
    Ok(())
}

/// What ECS holds for a person, or for a hook that has time yet, is not given up for want of
/// progress.
fn a_pause_is_no_stall(is: &Phase, fixture: &Fixture, context: &str) -> Result<(), TestCaseError> {
    let Phase::Stalled { hash, reason: StallReason::ProgressDeadlineExceeded, .. } = is else {
        return Ok(());
    };
    prop_assert!(!(fixture.is_held() && fixture.is_at(hash)), "given up in a pause: {context}");
    Ok(())
}

/// What is over its time, or over, is not simply left where it stands.
fn no_limbo(
    name: &str,
    was: &Phase,
    is: &Phase,
    fixture: &Fixture,
    context: &str,
) -> Result<(), TestCaseError> {
    let now = fixture.now;
    let service = fixture.observed.services["web"].present();
    let is_over = match is {
        Phase::Idle => true,
        // A run may end just now for a content that is wanted no more; the next pass goes on.
        Phase::Complete { hash, .. } => {
            let just_ended = matches!(was, Phase::TaskRunning { .. });
            !just_ended && fixture.wanted(name).is_some_and(|wanted| wanted != hash)
        }
        Phase::Rolling { hash, deployment, progress: (grew, _), .. } => {
            let watched = service.filter(|service| {
                fixture.is_at(hash) && service.primary().map(|primary| &primary.id) == deployment.as_ref()
            });
            let over = now.duration_since(*grew) > fixture.patience();
            watched.is_some() && over && !fixture.is_held()
        }
        Phase::Baking { until, .. } => *until > now + BAKE || (service.is_some() && *until <= now),
        Phase::TaskRunning { token, task, deadline, since, .. } => {
            let tasks = fixture.observed.tasks["migrate"].present();
            let own = |seen: &&ObservedTask| {
                seen.started_by.as_ref() == Some(token) || Some(&seen.arn) == task.as_ref()
            };
            let ended = tasks.and_then(|tasks| tasks.iter().find(own)).is_some_and(ObservedTask::is_stopped);
            let lost = task.is_some()
                && tasks.is_some_and(|tasks| !tasks.iter().any(|seen| own(&seen)))
                && now.duration_since(*since) > SignedDuration::from_mins(5);
            ended || lost || *deadline > now + TASK_DEADLINE
        }
        Phase::Waiting { .. } | Phase::RolledBack { .. } | Phase::Stalled { .. } => false,
    };
    prop_assert!(!is_over, "left in limbo: {context}");
    Ok(())
}

/// Walks through a history and checks every pass; gives the stages that were reached.
fn walk(shifts: bool, history: Vec<Happening>) -> Result<BTreeSet<&'static str>, TestCaseError> {
    let mut fixture = if shifts { Fixture::shifting_traffic() } else { Fixture::baking() };
    let mut oracle = Oracle::default();
    let mut reached = BTreeSet::new();
    for (happening, number) in history.into_iter().zip(1..) {
        // No two passes have the same time, wherever the clock is set.
        fixture.now += SignedDuration::new(1, number);
        oracle.hears(&fixture, &happening);
        // No two passes are at one instant: it is part of what distinguishes intents.
        fixture.pass(1);
        fixture.happens(happening);
        // As `resolve` does: the content of what waits for a secret is not known.
        let declared = fixture.resolved.clone();
        for component in fixture.resolved.components.values_mut() {
            let is_found = component.waiting.is_empty();
            component.definition = component.definition.take().filter(|_| is_found);
        }
        let before = fixture.state.clone();
        fixture.step();
        oracle.check(&before, &fixture)?;
        let once = std::mem::replace(&mut fixture.state, before);
        fixture.step();
        prop_assert_eq!(&once, &fixture.state, "not deterministic");
        fixture.resolved = declared;
        reached.extend(NAMES.into_iter().map(|name| fixture.word(name)));
    }
    Ok(reached)
}

#[test]
fn every_history_keeps_what_the_stage_machine_promises() {
    let reached = RefCell::new(BTreeSet::new());
    let mut runner = TestRunner::new(Config {
        cases: Config::default().cases * 6,
        failure_persistence: None,
        ..Config::default()
    });
    let histories = (any::<bool>(), prop::collection::vec(happening(), 1..50));
    let walked = runner.run(&histories, |(shifts, history)| {
        reached.borrow_mut().extend(walk(shifts, history)?);
        Ok(())
    });
    walked.unwrap_or_else(|broken| panic!("{broken}"));
    let all = ["Baking", "Complete", "RolledBack", "Rolling", "Stalled", "TaskRunning", "Waiting"];
    assert_eq!(reached.into_inner(), BTreeSet::from(all), "histories reach every stage");
}
