//! Every call of AWS that writes, and what is true of each: one row per call.
//!
//! To add a call: its variant with its parameters, its row in [`CallKind::spec`], its sender in
//! `executor`. Order, text, record, events and the test of the IAM policy read the row and the
//! action's [`Verb`]; whatever else must decide does not compile until it has.

use super::arn::{family_revision, task_id};
use super::ids::{ComponentName, ContentHash};
use super::resource::{ResourceKind, Tree};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use strum::{EnumDiscriminants, VariantArray};

/// What an action does to its resource, whatever the AWS call is named: one call may create or
/// update, as the plan has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Verb {
    /// It is there afterwards and was not before.
    Create,
    /// A new revision is registered beside the older ones.
    Register,
    /// A task is started.
    Run,
    /// It is changed where it stands.
    Update,
    /// Its tags are set.
    Tag,
    /// Tags are taken off it.
    Untag,
    /// A task is stopped.
    Stop,
    /// A revision or a target is taken out of use.
    Deregister,
    /// It is gone afterwards.
    Delete,
}

impl Verb {
    /// The word in a plan.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Register => "register",
            Self::Run => "run",
            Self::Update => "update",
            Self::Tag => "tag",
            Self::Untag => "untag",
            Self::Stop => "stop",
            Self::Deregister => "deregister",
            Self::Delete => "delete",
        }
    }

    /// Whether something new is there afterwards that AWS need not show at once.
    pub fn makes(self) -> bool {
        match self {
            Self::Create | Self::Run => true,
            // AWS is asked for a revision by its ARN, and a registration is recorded by itself.
            Self::Register => false,
            Self::Update | Self::Tag | Self::Untag | Self::Stop | Self::Deregister | Self::Delete => false,
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One call of AWS that writes. Trees are in AWS's form; tags are complete for creations and only
/// the missing ones for `Tag…`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, EnumDiscriminants, JsonSchema)]
#[strum_discriminants(name(CallKind), derive(VariantArray), doc = "A call without its parameters.")]
#[strum_discriminants(expect(missing_docs, reason = "the names are those of the AWS calls"))]
#[serde(tag = "call", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[expect(missing_docs, reason = "the fields are the parameters of the AWS calls of the same name")]
pub enum Call {
    CreateLogGroup {
        name: String,
        kms_key_id: Option<String>,
        tags: BTreeMap<String, String>,
    },
    PutRetentionPolicy {
        name: String,
        days: i32,
    },
    DeleteRetentionPolicy {
        name: String,
    },
    TagLogGroup {
        arn: String,
        tags: BTreeMap<String, String>,
    },
    UntagLogGroup {
        arn: String,
        keys: BTreeSet<String>,
    },
    DeleteLogGroup {
        name: String,
    },
    CreateTargetGroup {
        fields: Tree,
        tags: BTreeMap<String, String>,
    },
    ModifyTargetGroup {
        arn: String,
        fields: Tree,
    },
    ModifyTargetGroupAttributes {
        arn: String,
        attributes: BTreeMap<String, String>,
    },
    DeleteTargetGroup {
        arn: String,
    },
    DeregisterTargets {
        arn: String,
        targets: Vec<(String, u16)>,
    },
    CreateListener {
        fields: Tree,
        tags: BTreeMap<String, String>,
    },
    ModifyListener {
        arn: String,
        fields: Tree,
    },
    DeleteListener {
        arn: String,
    },
    CreateRule {
        fields: Tree,
        tags: BTreeMap<String, String>,
    },
    ModifyRule {
        arn: String,
        fields: Tree,
    },
    DeleteRule {
        arn: String,
    },
    /// Moves rules of one listener, all at once: they may swap their priorities.
    SetRulePriorities {
        priorities: BTreeMap<String, i32>,
    },
    /// Target groups, listeners and rules.
    TagElb {
        arn: String,
        tags: BTreeMap<String, String>,
    },
    UntagElb {
        arn: String,
        keys: BTreeSet<String>,
    },
    RegisterTaskDefinition {
        component: ComponentName,
        hash: ContentHash,
        fields: Tree,
        tags: BTreeMap<String, String>,
    },
    DeregisterTaskDefinition {
        arn: String,
    },
    /// `fields` hold `cluster`, `taskDefinition` and all that RunTask takes; `forever` says that
    /// the run does not end by itself.
    RunTask {
        component: ComponentName,
        token: String,
        forever: bool,
        fields: Tree,
        tags: BTreeMap<String, String>,
    },
    StopTask {
        cluster: String,
        arn: String,
        reason: String,
    },
    /// `fields` hold `cluster`, `serviceName`, `taskDefinition` and all that CreateService takes.
    CreateService {
        component: ComponentName,
        token: String,
        fields: Tree,
        tags: BTreeMap<String, String>,
    },
    /// `fields` hold `cluster`, `service` and only what is to change.
    UpdateService {
        component: ComponentName,
        fields: Tree,
    },
    /// Answers a service deployment that a hook pauses.
    ContinueServiceDeployment {
        arn: String,
        hook: String,
        rollback: bool,
    },
    DeleteService {
        cluster: String,
        service: String,
        force: bool,
    },
    /// Makes an alarm, or overwrites it as a whole; then its tags stay as they are.
    PutMetricAlarm {
        fields: Tree,
        tags: BTreeMap<String, String>,
    },
    TagAlarm {
        arn: String,
        tags: BTreeMap<String, String>,
    },
    UntagAlarm {
        arn: String,
        keys: BTreeSet<String>,
    },
    DeleteAlarm {
        name: String,
    },
    /// Services and task definitions.
    TagEcs {
        arn: String,
        tags: BTreeMap<String, String>,
    },
    UntagEcs {
        arn: String,
        keys: BTreeSet<String>,
    },
}

/// When a call is made among those of its plan: stage, then step within the stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stage(u8, u8);

impl Stage {
    /// Tags follow the resources.
    const TAGS: Self = Self(100, 0);
    /// Tags that are no longer declared.
    const UNTAGS: Self = Self(100, 1);

    /// Where a kind of resource is made.
    const fn of(kind: ResourceKind, step: u8) -> Self {
        Self(kind.info().stage, step)
    }

    /// Removals come last.
    const fn removal(step: u8) -> Self {
        Self(101, step)
    }
}

/// How a call needs its resource to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Not there.
    Absent,
    /// There and ours, or to be adopted.
    Present,
    /// There and made by us: adopting is no leave to delete.
    PresentAndMade,
    /// There and ours, or not there, but known which.
    Known,
    /// A task of which the list is known.
    Tasks,
    /// Nothing of its own.
    Nothing,
}

/// What is held back for the rest of a plan when a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Everything about the resource.
    Resource,
    /// Everything that runs of the component: its revision, its task, its service.
    Component,
    /// Only other calls with the same ARN: housekeeping holds up nothing and is not held up.
    Arn,
}

/// What is true of a call whatever its parameters are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallSpec {
    /// The AWS operation with its service, as in IAM: `ecs:UpdateService`.
    pub operation: &'static str,
    /// What it can be planned for; more than one when AWS has one call for creating and updating.
    pub verbs: &'static [Verb],
    /// Its place in the order.
    pub stage: Stage,
    /// Its place when the resource is on its way out, where that is another one.
    pub stage_undeclared: Stage,
    /// How its resource must be.
    pub needs: Need,
    /// What its failure holds back.
    pub subject: Subject,
    /// Whether a plan may hold several for one resource, each for another thing.
    pub may_repeat: bool,
    /// Whether it can start an ECS deployment.
    pub deploys: bool,
    /// The part of the resource that it updates, when it is not all that can be.
    pub part: Option<&'static str>,
}

impl CallSpec {
    const fn new(operation: &'static str, verbs: &'static [Verb], stage: Stage, needs: Need) -> Self {
        Self {
            operation,
            verbs,
            stage,
            stage_undeclared: stage,
            needs,
            subject: Subject::Resource,
            may_repeat: false,
            deploys: false,
            part: None,
        }
    }

    const fn create(operation: &'static str, of: ResourceKind) -> Self {
        Self::new(operation, &[Verb::Create], Stage::of(of, 0), Need::Absent)
    }

    const fn update(operation: &'static str, of: ResourceKind, step: u8) -> Self {
        Self::new(operation, &[Verb::Update], Stage::of(of, step), Need::Present)
    }

    /// Tags follow what they are put on.
    const fn tag(operation: &'static str) -> Self {
        Self::new(operation, &[Verb::Tag], Stage::TAGS, Need::Present)
    }

    /// Tags go when those that take their place are there.
    const fn untag(operation: &'static str) -> Self {
        Self::new(operation, &[Verb::Untag], Stage::UNTAGS, Need::Present)
    }

    /// Removals come last. What was adopted is not ours to delete.
    const fn delete(operation: &'static str, step: u8) -> Self {
        Self::new(operation, &[Verb::Delete], Stage::removal(step), Need::PresentAndMade)
    }

    const fn needs(self, needs: Need) -> Self {
        Self { needs, ..self }
    }

    const fn holds_back(self, subject: Subject) -> Self {
        Self { subject, ..self }
    }

    const fn removes_at(self, step: u8) -> Self {
        Self { stage_undeclared: Stage::removal(step), ..self }
    }

    const fn may_repeat(self) -> Self {
        Self { may_repeat: true, ..self }
    }

    const fn deploys(self) -> Self {
        Self { deploys: true, ..self }
    }

    const fn part(self, part: &'static str) -> Self {
        Self { part: Some(part), ..self }
    }
}

impl CallKind {
    /// Every call.
    pub const ALL: &'static [Self] = <Self as VariantArray>::VARIANTS;

    /// The row of a call.
    ///
    /// Stages: what others refer to comes first, tags follow the resources, removals come last and
    /// in the reverse order. On the way out a service is scaled down after its traffic is gone.
    #[expect(clippy::too_many_lines, reason = "a table: it is as long as there are calls")]
    pub fn spec(self) -> CallSpec {
        use CallSpec as Row;
        use Need::{Known, Nothing, Present, Tasks};
        use Subject::{Arn, Component};
        match self {
            Self::CreateLogGroup => Row::create("logs:CreateLogGroup", ResourceKind::LogGroup),
            Self::PutRetentionPolicy => Row::update("logs:PutRetentionPolicy", ResourceKind::LogGroup, 1)
                .needs(Known)
                .part("retention"),
            Self::DeleteRetentionPolicy => {
                Row::update("logs:DeleteRetentionPolicy", ResourceKind::LogGroup, 1).part("retention")
            }
            Self::TagLogGroup => Row::tag("logs:TagResource"),
            Self::UntagLogGroup => Row::untag("logs:UntagResource"),
            Self::DeleteLogGroup => Row::delete("logs:DeleteLogGroup", 7),
            Self::CreateTargetGroup => {
                Row::create("elasticloadbalancing:CreateTargetGroup", ResourceKind::TargetGroup)
            }
            Self::ModifyTargetGroup => {
                Row::update("elasticloadbalancing:ModifyTargetGroup", ResourceKind::TargetGroup, 1)
            }
            Self::ModifyTargetGroupAttributes => {
                Row::update("elasticloadbalancing:ModifyTargetGroupAttributes", ResourceKind::TargetGroup, 2)
                    .part("attributes")
            }
            Self::DeleteTargetGroup => Row::delete("elasticloadbalancing:DeleteTargetGroup", 5),
            Self::DeregisterTargets => Row::new(
                "elasticloadbalancing:DeregisterTargets",
                &[Verb::Deregister],
                Stage::removal(0),
                Present,
            )
            .holds_back(Arn),
            Self::CreateListener => {
                Row::create("elasticloadbalancing:CreateListener", ResourceKind::Listener)
            }
            Self::ModifyListener => {
                Row::update("elasticloadbalancing:ModifyListener", ResourceKind::Listener, 1)
            }
            // Listeners and rules that AWS cannot move are also deleted when they were adopted:
            // they come back as declared.
            Self::DeleteListener => Row::delete("elasticloadbalancing:DeleteListener", 2).needs(Present),
            Self::CreateRule => Row::create("elasticloadbalancing:CreateRule", ResourceKind::Rule),
            Self::ModifyRule => Row::update("elasticloadbalancing:ModifyRule", ResourceKind::Rule, 1),
            Self::SetRulePriorities => Row::new(
                "elasticloadbalancing:SetRulePriorities",
                &[Verb::Update],
                Stage::of(ResourceKind::Rule, 0),
                Nothing,
            )
            .may_repeat()
            .part("priorities"),
            Self::DeleteRule => Row::delete("elasticloadbalancing:DeleteRule", 1).needs(Present),
            Self::TagElb => Row::tag("elasticloadbalancing:AddTags"),
            Self::UntagElb => Row::untag("elasticloadbalancing:RemoveTags"),
            Self::RegisterTaskDefinition => Row::new(
                "ecs:RegisterTaskDefinition",
                &[Verb::Register],
                Stage::of(ResourceKind::TaskDefinition, 0),
                Nothing,
            )
            .holds_back(Component),
            Self::DeregisterTaskDefinition => {
                Row::new("ecs:DeregisterTaskDefinition", &[Verb::Deregister], Stage::removal(6), Nothing)
                    .holds_back(Arn)
                    .may_repeat()
            }
            Self::RunTask => Row::new("ecs:RunTask", &[Verb::Run], Stage::of(ResourceKind::Task, 1), Tasks)
                .holds_back(Component),
            Self::StopTask => {
                Row::new("ecs:StopTask", &[Verb::Stop], Stage::of(ResourceKind::Task, 0), Tasks)
                    .removes_at(4)
                    .holds_back(Component)
                    .may_repeat()
            }
            Self::CreateService => {
                Row::create("ecs:CreateService", ResourceKind::Service).holds_back(Component).deploys()
            }
            Self::UpdateService => Row::update("ecs:UpdateService", ResourceKind::Service, 1)
                .removes_at(3)
                .holds_back(Component)
                .deploys(),
            Self::ContinueServiceDeployment => {
                Row::update("ecs:ContinueServiceDeployment", ResourceKind::Service, 0).holds_back(Component)
            }
            Self::DeleteService => Row::delete("ecs:DeleteService", 3).holds_back(Component),
            Self::PutMetricAlarm => Row::new(
                "cloudwatch:PutMetricAlarm",
                &[Verb::Create, Verb::Update],
                Stage::of(ResourceKind::Alarm, 0),
                Known,
            ),
            Self::TagAlarm => Row::tag("cloudwatch:TagResource"),
            Self::UntagAlarm => Row::untag("cloudwatch:UntagResource"),
            Self::DeleteAlarm => Row::delete("cloudwatch:DeleteAlarms", 5),
            Self::TagEcs => Row::tag("ecs:TagResource").holds_back(Component),
            Self::UntagEcs => Row::untag("ecs:UntagResource").holds_back(Component),
        }
    }
}

impl Call {
    /// The row of the call.
    pub fn spec(&self) -> CallSpec {
        CallKind::from(self).spec()
    }

    /// The name of the AWS operation, with its service: `ecs:UpdateService`.
    pub fn operation(&self) -> &'static str {
        self.spec().operation
    }

    /// The ARN that the call names.
    pub fn arn(&self) -> Option<&str> {
        match self {
            Self::TagLogGroup { arn, .. }
            | Self::ModifyTargetGroup { arn, .. }
            | Self::ModifyTargetGroupAttributes { arn, .. }
            | Self::DeleteTargetGroup { arn }
            | Self::DeregisterTargets { arn, .. }
            | Self::ModifyListener { arn, .. }
            | Self::DeleteListener { arn }
            | Self::ModifyRule { arn, .. }
            | Self::DeleteRule { arn }
            | Self::TagElb { arn, .. }
            | Self::TagAlarm { arn, .. }
            | Self::DeregisterTaskDefinition { arn }
            | Self::StopTask { arn, .. }
            | Self::ContinueServiceDeployment { arn, .. }
            | Self::TagEcs { arn, .. }
            | Self::UntagLogGroup { arn, .. }
            | Self::UntagElb { arn, .. }
            | Self::UntagAlarm { arn, .. }
            | Self::UntagEcs { arn, .. } => Some(arn),
            Self::CreateLogGroup { .. }
            | Self::PutRetentionPolicy { .. }
            | Self::DeleteRetentionPolicy { .. }
            | Self::DeleteLogGroup { .. }
            | Self::CreateTargetGroup { .. }
            | Self::CreateListener { .. }
            | Self::CreateRule { .. }
            | Self::RegisterTaskDefinition { .. }
            | Self::RunTask { .. }
            | Self::CreateService { .. }
            | Self::UpdateService { .. }
            | Self::SetRulePriorities { .. }
            | Self::PutMetricAlarm { .. }
            | Self::DeleteAlarm { .. }
            | Self::DeleteService { .. } => None,
        }
    }

    /// The fields that the call writes, when it takes a tree of them.
    pub fn fields(&self) -> Option<&Tree> {
        match self {
            Self::CreateTargetGroup { fields, .. }
            | Self::ModifyTargetGroup { fields, .. }
            | Self::CreateListener { fields, .. }
            | Self::ModifyListener { fields, .. }
            | Self::CreateRule { fields, .. }
            | Self::ModifyRule { fields, .. }
            | Self::PutMetricAlarm { fields, .. }
            | Self::RegisterTaskDefinition { fields, .. }
            | Self::RunTask { fields, .. }
            | Self::CreateService { fields, .. }
            | Self::UpdateService { fields, .. } => Some(fields),
            Self::CreateLogGroup { .. }
            | Self::PutRetentionPolicy { .. }
            | Self::DeleteRetentionPolicy { .. }
            | Self::TagLogGroup { .. }
            | Self::DeleteLogGroup { .. }
            | Self::ModifyTargetGroupAttributes { .. }
            | Self::DeleteTargetGroup { .. }
            | Self::DeregisterTargets { .. }
            | Self::DeleteListener { .. }
            | Self::DeleteRule { .. }
            | Self::SetRulePriorities { .. }
            | Self::TagElb { .. }
            | Self::TagAlarm { .. }
            | Self::DeleteAlarm { .. }
            | Self::DeregisterTaskDefinition { .. }
            | Self::StopTask { .. }
            | Self::ContinueServiceDeployment { .. }
            | Self::DeleteService { .. }
            | Self::TagEcs { .. }
            | Self::UntagLogGroup { .. }
            | Self::UntagElb { .. }
            | Self::UntagAlarm { .. }
            | Self::UntagEcs { .. } => None,
        }
    }

    /// How many members it carries beyond what addresses its object; none for a call that is a
    /// wish by itself: it makes something, takes something away or sets the one value it names.
    pub fn carried(&self) -> Option<usize> {
        let members = |fields: &Tree| fields.as_object().map_or(0, serde_json::Map::len);
        match self {
            // `cluster` and `service` address it.
            Self::UpdateService { fields, .. } => Some(members(fields).saturating_sub(2)),
            Self::ModifyTargetGroup { fields, .. }
            | Self::ModifyListener { fields, .. }
            | Self::ModifyRule { fields, .. } => Some(members(fields)),
            Self::ModifyTargetGroupAttributes { attributes, .. } => Some(attributes.len()),
            Self::TagLogGroup { tags, .. }
            | Self::TagElb { tags, .. }
            | Self::TagAlarm { tags, .. }
            | Self::TagEcs { tags, .. } => Some(tags.len()),
            Self::UntagLogGroup { keys, .. }
            | Self::UntagElb { keys, .. }
            | Self::UntagAlarm { keys, .. }
            | Self::UntagEcs { keys, .. } => Some(keys.len()),
            Self::DeregisterTargets { targets, .. } => Some(targets.len()),
            Self::SetRulePriorities { priorities } => Some(priorities.len()),
            Self::CreateLogGroup { .. }
            | Self::PutRetentionPolicy { .. }
            | Self::DeleteRetentionPolicy { .. }
            | Self::DeleteLogGroup { .. }
            | Self::CreateTargetGroup { .. }
            | Self::DeleteTargetGroup { .. }
            | Self::CreateListener { .. }
            | Self::DeleteListener { .. }
            | Self::CreateRule { .. }
            | Self::DeleteRule { .. }
            | Self::PutMetricAlarm { .. }
            | Self::DeleteAlarm { .. }
            | Self::RegisterTaskDefinition { .. }
            | Self::DeregisterTaskDefinition { .. }
            | Self::RunTask { .. }
            | Self::StopTask { .. }
            | Self::CreateService { .. }
            | Self::ContinueServiceDeployment { .. }
            | Self::DeleteService { .. } => None,
        }
    }

    /// What the resource's name does not say, for people; begins with a blank when there is any.
    pub fn detail(&self) -> String {
        match self {
            Self::PutRetentionPolicy { days, .. } => format!(" {days} days"),
            Self::DeleteRetentionPolicy { .. } => " for ever".to_owned(),
            Self::DeregisterTaskDefinition { arn } => format!(" {}", family_revision(arn)),
            Self::StopTask { arn, .. } => format!(" {}", task_id(arn)),
            Self::ContinueServiceDeployment { rollback: true, .. } => " (roll back)".to_owned(),
            Self::CreateService { fields, .. } | Self::RunTask { fields, .. } => {
                let revision = fields["taskDefinition"].as_str().map(family_revision).unwrap_or_default();
                match fields["desiredCount"].as_u64() {
                    Some(count) => format!(" {revision} × {count}"),
                    None => format!(" {revision}"),
                }
            }
            Self::CreateLogGroup { .. }
            | Self::TagLogGroup { .. }
            | Self::DeleteLogGroup { .. }
            | Self::CreateTargetGroup { .. }
            | Self::ModifyTargetGroup { .. }
            | Self::ModifyTargetGroupAttributes { .. }
            | Self::DeleteTargetGroup { .. }
            | Self::DeregisterTargets { .. }
            | Self::CreateListener { .. }
            | Self::ModifyListener { .. }
            | Self::DeleteListener { .. }
            | Self::CreateRule { .. }
            | Self::ModifyRule { .. }
            | Self::DeleteRule { .. }
            | Self::SetRulePriorities { .. }
            | Self::TagElb { .. }
            | Self::RegisterTaskDefinition { .. }
            | Self::UpdateService { .. }
            | Self::ContinueServiceDeployment { .. }
            | Self::DeleteService { .. }
            | Self::PutMetricAlarm { .. }
            | Self::TagAlarm { .. }
            | Self::DeleteAlarm { .. }
            | Self::TagEcs { .. }
            | Self::UntagLogGroup { .. }
            | Self::UntagElb { .. }
            | Self::UntagAlarm { .. }
            | Self::UntagEcs { .. } => String::new(),
        }
    }

    /// Whether the call makes a service run the revision that it names.
    pub fn writes_revision(&self) -> bool {
        self.spec().deploys && self.fields().is_some_and(|fields| fields.get("taskDefinition").is_some())
    }
}
