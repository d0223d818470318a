//! Every call of AWS that writes, and what is true of each: one row per call.
//!
//! To add a call: its variant with its parameters, its row in [`CallKind::spec`], its sender in
//! `executor`. Order, text, record, events and the test of the IAM policy read the row and the
//! action's [`Verb`]; whatever else must decide does not compile until it has.

use super::ids::{ComponentName, ContentHash};
use super::resource::Tree;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use strum::{EnumDiscriminants, VariantArray};

/// What an action does to its resource, whatever the AWS call is named: one call may create or
/// update, as the plan has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
            Self::Update | Self::Tag | Self::Stop | Self::Deregister | Self::Delete => false,
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, EnumDiscriminants)]
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
    /// Target groups, listeners and rules.
    TagElb {
        arn: String,
        tags: BTreeMap<String, String>,
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
    /// `fields` hold `cluster`, `taskDefinition` and all that RunTask takes.
    RunTask {
        component: ComponentName,
        token: String,
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
    DeleteService {
        cluster: String,
        service: String,
        force: bool,
    },
    /// Services and task definitions.
    TagEcs {
        arn: String,
        tags: BTreeMap<String, String>,
    },
}

/// When a call is made among those of its plan: stage, then step within the stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stage(pub u8, pub u8);

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
    const fn new(
        operation: &'static str,
        verbs: &'static [Verb],
        stage: Stage,
        needs: Need,
        subject: Subject,
    ) -> Self {
        Self {
            operation,
            verbs,
            stage,
            stage_undeclared: stage,
            needs,
            subject,
            may_repeat: false,
            deploys: false,
            part: None,
        }
    }

    const fn when_undeclared(self, stage_undeclared: Stage) -> Self {
        Self { stage_undeclared, ..self }
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
    pub fn spec(self) -> &'static CallSpec {
        use Need::{Absent, Known, Nothing, Present, PresentAndMade, Tasks};
        use Subject::{Arn, Component, Resource};
        match self {
            Self::CreateLogGroup => {
                const { &CallSpec::new("logs:CreateLogGroup", &[Verb::Create], Stage(0, 0), Absent, Resource) }
            }
            Self::PutRetentionPolicy => {
                const {
                    &CallSpec::new("logs:PutRetentionPolicy", &[Verb::Update], Stage(0, 1), Known, Resource)
                        .part("retention")
                }
            }
            Self::DeleteRetentionPolicy => {
                const {
                    &CallSpec::new(
                        "logs:DeleteRetentionPolicy",
                        &[Verb::Update],
                        Stage(0, 1),
                        Present,
                        Resource,
                    )
                    .part("retention")
                }
            }
            Self::TagLogGroup => {
                const { &CallSpec::new("logs:TagResource", &[Verb::Tag], Stage(7, 0), Present, Resource) }
            }
            Self::DeleteLogGroup => {
                const {
                    &CallSpec::new(
                        "logs:DeleteLogGroup",
                        &[Verb::Delete],
                        Stage(8, 7),
                        PresentAndMade,
                        Resource,
                    )
                }
            }
            Self::CreateTargetGroup => {
                const {
                    &CallSpec::new(
                        "elasticloadbalancing:CreateTargetGroup",
                        &[Verb::Create],
                        Stage(1, 0),
                        Absent,
                        Resource,
                    )
                }
            }
            Self::ModifyTargetGroup => {
                const {
                    &CallSpec::new(
                        "elasticloadbalancing:ModifyTargetGroup",
                        &[Verb::Update],
                        Stage(1, 1),
                        Present,
                        Resource,
                    )
                }
            }
            Self::ModifyTargetGroupAttributes => {
                const {
                    &CallSpec::new(
                        "elasticloadbalancing:ModifyTargetGroupAttributes",
                        &[Verb::Update],
                        Stage(1, 2),
                        Present,
                        Resource,
                    )
                    .part("attributes")
                }
            }
            Self::DeleteTargetGroup => {
                const {
                    &CallSpec::new(
                        "elasticloadbalancing:DeleteTargetGroup",
                        &[Verb::Delete],
                        Stage(8, 5),
                        PresentAndMade,
                        Resource,
                    )
                }
            }
            Self::DeregisterTargets => {
                const {
                    &CallSpec::new(
                        "elasticloadbalancing:DeregisterTargets",
                        &[Verb::Deregister],
                        Stage(8, 0),
                        Present,
                        Arn,
                    )
                }
            }
            Self::CreateListener => {
                const {
                    &CallSpec::new(
                        "elasticloadbalancing:CreateListener",
                        &[Verb::Create],
                        Stage(2, 0),
                        Absent,
                        Resource,
                    )
                }
            }
            Self::ModifyListener => {
                const {
                    &CallSpec::new(
                        "elasticloadbalancing:ModifyListener",
                        &[Verb::Update],
                        Stage(2, 1),
                        Present,
                        Resource,
                    )
                }
            }
            // Listeners and rules that AWS cannot move are also deleted when they were adopted:
            // they come back as declared.
            Self::DeleteListener => {
                const {
                    &CallSpec::new(
                        "elasticloadbalancing:DeleteListener",
                        &[Verb::Delete],
                        Stage(8, 2),
                        Present,
                        Resource,
                    )
                }
            }
            Self::CreateRule => {
                const {
                    &CallSpec::new(
                        "elasticloadbalancing:CreateRule",
                        &[Verb::Create],
                        Stage(3, 0),
                        Absent,
                        Resource,
                    )
                }
            }
            Self::ModifyRule => {
                const {
                    &CallSpec::new(
                        "elasticloadbalancing:ModifyRule",
                        &[Verb::Update],
                        Stage(3, 1),
                        Present,
                        Resource,
                    )
                }
            }
            Self::DeleteRule => {
                const {
                    &CallSpec::new(
                        "elasticloadbalancing:DeleteRule",
                        &[Verb::Delete],
                        Stage(8, 1),
                        Present,
                        Resource,
                    )
                }
            }
            Self::TagElb => {
                const {
                    &CallSpec::new(
                        "elasticloadbalancing:AddTags",
                        &[Verb::Tag],
                        Stage(7, 0),
                        Present,
                        Resource,
                    )
                }
            }
            Self::RegisterTaskDefinition => {
                const {
                    &CallSpec::new(
                        "ecs:RegisterTaskDefinition",
                        &[Verb::Register],
                        Stage(4, 0),
                        Nothing,
                        Component,
                    )
                }
            }
            Self::DeregisterTaskDefinition => {
                const {
                    &CallSpec::new(
                        "ecs:DeregisterTaskDefinition",
                        &[Verb::Deregister],
                        Stage(8, 6),
                        Nothing,
                        Arn,
                    )
                    .may_repeat()
                }
            }
            Self::RunTask => {
                const { &CallSpec::new("ecs:RunTask", &[Verb::Run], Stage(5, 1), Tasks, Component) }
            }
            Self::StopTask => {
                const {
                    &CallSpec::new("ecs:StopTask", &[Verb::Stop], Stage(5, 0), Tasks, Component)
                        .may_repeat()
                        .when_undeclared(Stage(8, 4))
                }
            }
            Self::CreateService => {
                const {
                    &CallSpec::new("ecs:CreateService", &[Verb::Create], Stage(6, 0), Absent, Component)
                        .deploys()
                }
            }
            Self::UpdateService => {
                const {
                    &CallSpec::new("ecs:UpdateService", &[Verb::Update], Stage(6, 1), Present, Component)
                        .deploys()
                        .when_undeclared(Stage(8, 3))
                }
            }
            Self::DeleteService => {
                const {
                    &CallSpec::new(
                        "ecs:DeleteService",
                        &[Verb::Delete],
                        Stage(8, 3),
                        PresentAndMade,
                        Component,
                    )
                }
            }
            Self::TagEcs => {
                const { &CallSpec::new("ecs:TagResource", &[Verb::Tag], Stage(7, 0), Present, Component) }
            }
        }
    }
}

impl Call {
    /// The row of the call.
    pub fn spec(&self) -> &'static CallSpec {
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
            | Self::DeregisterTaskDefinition { arn }
            | Self::StopTask { arn, .. }
            | Self::TagEcs { arn, .. } => Some(arn),
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
            | Self::TagElb { .. }
            | Self::DeregisterTaskDefinition { .. }
            | Self::StopTask { .. }
            | Self::DeleteService { .. }
            | Self::TagEcs { .. } => None,
        }
    }

    /// Whether the call makes a service run the revision that it names.
    pub fn writes_revision(&self) -> bool {
        self.spec().deploys && self.fields().is_some_and(|fields| fields.get("taskDefinition").is_some())
    }
}
