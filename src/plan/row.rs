//! A row of the ownership table: one field, who owns it, how it is compared and what carries it.

use crate::model::plan::{FieldChange, Ownership};
use crate::model::resource::ResourceKind;

/// What decides the class of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Always declared.
    Declared,
    /// Always declared: where the document does not name it, AWS's fixed default stands in the
    /// desired state.
    DeclaredWithDefault,
    /// Declared when the document names it; otherwise another controller's (an autoscaler, a
    /// person, AWS): observed, never fought.
    DelegatedUnlessDeclared,
    /// Declared when the document names it; otherwise AWS fills it in.
    DefaultedUnlessDeclared,
    /// Declared while services roll; while ECS shifts the traffic of a service (strategy
    /// BLUE_GREEN, CANARY or LINEAR) the weights and the active target group are ECS's, and only
    /// the set of allowed target groups is declared.
    WeightsDelegatedWhileShifting,
    /// Declared in phase Rolling before its deployment is seen; otherwise ECS's (a rollback, say).
    DeclaredWhileRolling,
    /// Another controller's, always.
    Delegated,
}

impl Class {
    /// The class of a field, given whether the document names it, and whether the named condition
    /// (`shifting`, or `rolling` for the revision) holds.
    pub fn owner(self, present: bool, condition: bool) -> Ownership {
        match self {
            Self::Declared => Ownership::Declared,
            Self::DelegatedUnlessDeclared if present => Ownership::Declared,
            Self::DeclaredWithDefault | Self::DefaultedUnlessDeclared if present => Ownership::Declared,
            Self::DeclaredWithDefault | Self::DefaultedUnlessDeclared => Ownership::Defaulted,
            Self::WeightsDelegatedWhileShifting if !condition => Ownership::Declared,
            Self::DeclaredWhileRolling if condition => Ownership::Declared,
            _ => Ownership::Delegated,
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::DeclaredWithDefault => "declared, with AWS's default when not named",
            Self::DelegatedUnlessDeclared => "declared when named, else delegated",
            Self::DefaultedUnlessDeclared => "declared when named, else defaulted",
            Self::WeightsDelegatedWhileShifting => "declared; weights delegated while ECS shifts traffic",
            Self::DeclaredWhileRolling => "declared while rolling out, else delegated",
            Self::Delegated => "delegated",
        }
    }
}

/// How two values of a field are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// As they are; members that are null count as absent, 1 and 1.0 are one number.
    Exact,
    /// As texts: 512 and "512" are one value.
    Text,
    /// As sets: order and repetition do not matter. Members of elements that equal these defaults
    /// (JSON texts) count as absent.
    Set(&'static [(&'static str, &'static str)]),
    /// As what is declared, at any depth: lists without order, and members that only AWS shows are
    /// its own defaults, but for those whose absence has a meaning.
    Declared(Inside),
    /// As lists of named things: compared element by element under the name in this member.
    Named(&'static str),
    /// As maps, key by key.
    Map,
    /// As maps, but only the keys that are declared.
    DeclaredKeys,
    /// As names or ARNs: what stands behind the last `/` counts when one of them is no ARN.
    NameOrArn,
    /// As listener actions: single target groups without weight, defaults of redirects filled in.
    Actions,
    /// As a set of a service's target groups; while ECS shifts its traffic, the two groups of an
    /// element may have changed places.
    Balancers,
    /// As rule conditions: order of conditions and of their values does not matter.
    Conditions,
    /// Not at all: it identifies the resource, is used once at creation, or never leaves Evenkeel.
    Never,
}

impl Compare {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Exact => "exactly",
            Self::Text => "as text",
            Self::Set(_) => "as a set",
            Self::Declared(_) => "as declared",
            Self::Named(_) => "by name",
            Self::Map => "key by key",
            Self::DeclaredKeys => "declared keys only",
            Self::NameOrArn => "as name or ARN",
            Self::Actions => "as actions",
            Self::Balancers => "as a set",
            Self::Conditions => "as conditions",
            Self::Never => "never",
        }
    }
}

/// What is known of the members inside of a field that is compared as it is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inside {
    /// What the absence of a member means (JSON texts; `null`: there is none), whoever leaves it
    /// out. Any other member that only AWS shows was filled in by AWS.
    pub absent: &'static [(&'static str, &'static str)],
    /// Members that are, when left out, named as another member of the same object is.
    pub named_after: &'static [(&'static str, &'static str)],
    /// Members that are compared exactly: maps under people's own keys, and JSON of any form.
    pub whole: &'static [&'static str],
    /// Members that AWS gives back as a name or as an ARN, whichever it has: one of each cannot be
    /// told apart, and is no difference.
    pub name_or_arn: &'static [&'static str],
}

/// What it means when a field is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// Absent in the document: the field is not managed. Absent in AWS: it differs from any
    /// declared value.
    Unmanaged,
    /// The same as this value (a JSON text), on both sides.
    Means(&'static str),
    /// A value of its own: absent in the document and present in AWS is a difference.
    Nothing,
}

/// The call that carries a field to an existing resource (creations carry all fields).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UpdateCall {
    /// `logs:PutRetentionPolicy` or `logs:DeleteRetentionPolicy`.
    RetentionPolicy,
    /// `elasticloadbalancing:ModifyTargetGroup`.
    ModifyTargetGroup,
    /// `elasticloadbalancing:ModifyTargetGroupAttributes`.
    ModifyTargetGroupAttributes,
    /// `elasticloadbalancing:DeregisterTargets`.
    DeregisterTargets,
    /// `elasticloadbalancing:ModifyListener`.
    ModifyListener,
    /// `elasticloadbalancing:ModifyRule`.
    ModifyRule,
    /// The call that made it, which overwrites it as a whole: `cloudwatch:PutMetricAlarm`.
    Put,
    /// `ecs:UpdateService`.
    UpdateService,
    /// `ecs:RegisterTaskDefinition`: a new revision.
    RegisterTaskDefinition,
    /// `ecs:RunTask`: the next task.
    RunTask,
    /// The tag call of the service that the resource belongs to.
    Tag,
    /// The creation alone.
    Creation,
    /// No call: a setting of Evenkeel's own.
    Nothing,
}

impl UpdateCall {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::RetentionPolicy => "PutRetentionPolicy",
            Self::ModifyTargetGroup => "ModifyTargetGroup",
            Self::ModifyTargetGroupAttributes => "ModifyTargetGroupAttributes",
            Self::DeregisterTargets => "DeregisterTargets",
            Self::ModifyListener => "ModifyListener",
            Self::ModifyRule => "ModifyRule",
            Self::Put => "the call that makes it",
            Self::UpdateService => "UpdateService",
            Self::RegisterTaskDefinition => "RegisterTaskDefinition",
            Self::RunTask => "RunTask",
            Self::Tag => "tags",
            Self::Creation => "creation",
            Self::Nothing => "none",
        }
    }
}

/// What applying a change of a field to an existing resource does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The resource is changed where it stands; no task is replaced.
    InPlace,
    /// ECS starts a deployment: tasks are replaced. Source: ECS API, UpdateService.
    StartsDeployment,
    /// A new revision, task or resource takes the place of the old one.
    Replaces,
    /// AWS has no call for it, or it would cost an outage: it is reported and left to a person.
    Impossible,
}

impl Effect {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::InPlace => "in place",
            Self::StartsDeployment => "starts a deployment",
            Self::Replaces => "replaces",
            Self::Impossible => "cannot be changed",
        }
    }
}

/// One field, or one subtree that is compared as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The kind of resource.
    pub kind: ResourceKind,
    /// Path from the resource's root; `[]` after a segment stands for each element of a list, found
    /// by its `name`.
    pub path: &'static str,
    /// What decides who owns it.
    pub class: Class,
    /// How it is compared.
    pub compare: Compare,
    /// What its absence means.
    pub absent: Absent,
    /// Which call carries it.
    pub update_call: UpdateCall,
    /// What applying it does.
    pub effect: Effect,
    /// One line for people.
    pub doc: &'static str,
}

impl Row {
    /// A declared field, compared exactly, not managed when absent, changed in place.
    pub(super) const fn new(
        kind: ResourceKind,
        update_call: UpdateCall,
        path: &'static str,
        doc: &'static str,
    ) -> Self {
        Self {
            kind,
            path,
            class: Class::Declared,
            compare: Compare::Exact,
            absent: Absent::Unmanaged,
            update_call,
            effect: Effect::InPlace,
            doc,
        }
    }

    pub(super) const fn class(self, class: Class) -> Self {
        Self { class, ..self }
    }

    pub(super) const fn compare(self, compare: Compare) -> Self {
        Self { compare, ..self }
    }

    /// Absent means this JSON text.
    pub(super) const fn means(self, default: &'static str) -> Self {
        Self { absent: Absent::Means(default), ..self }
    }

    pub(super) const fn deploys(self) -> Self {
        Self { effect: Effect::StartsDeployment, ..self }
    }

    pub(super) const fn effect(self, effect: Effect) -> Self {
        Self { effect, ..self }
    }

    pub(super) const fn update_call(self, update_call: UpdateCall) -> Self {
        Self { update_call, ..self }
    }

    /// Never compared: found by it, used at creation only, or resolved into another field.
    pub(super) const fn identity(self) -> Self {
        Self { compare: Compare::Never, update_call: UpdateCall::Creation, effect: Effect::Replaces, ..self }
    }

    /// Never sent to AWS.
    pub(super) const fn setting(self) -> Self {
        Self { compare: Compare::Never, update_call: UpdateCall::Nothing, ..self }
    }
}

/// One field that differs, with its row.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The row that the field belongs to.
    pub row: &'static Row,
    /// Path, old and new value.
    pub change: FieldChange,
}
