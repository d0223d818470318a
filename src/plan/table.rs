//! The ownership table: one row for every field that Evenkeel can write.
//!
//! The table drives the diff, the repair, the words of `ctl plan` and the documentation
//! ([`markdown`]). A field that is absent on one side is first given the meaning that its row
//! states, so that a spelled-out default and an absent one agree.
//!
//! # What is done about drift, field by field
//!
//! Measured by `tests/it/matrix` on a controller at work and the simulated AWS: *repaired* is
//! written back in the pass that sees it, and told; *told* is told and never fought; *left* is
//! neither told nor written.
//!
#![doc = include_str!("ownership/log-group.md")]
#![doc = include_str!("ownership/target-group.md")]
#![doc = include_str!("ownership/listener.md")]
#![doc = include_str!("ownership/rule.md")]
#![doc = include_str!("ownership/task-definition.md")]
#![doc = include_str!("ownership/task.md")]
#![doc = include_str!("ownership/service.md")]

mod load_balancing;
mod logs;
mod service;
mod task_definition;

use crate::model::plan::Ownership;
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
    fn words(self) -> &'static str {
        match self {
            Self::Exact => "exactly",
            Self::Text => "as text",
            Self::Set(_) => "as a set",
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
pub enum Carrier {
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

impl Carrier {
    fn words(self) -> &'static str {
        match self {
            Self::RetentionPolicy => "PutRetentionPolicy",
            Self::ModifyTargetGroup => "ModifyTargetGroup",
            Self::ModifyTargetGroupAttributes => "ModifyTargetGroupAttributes",
            Self::DeregisterTargets => "DeregisterTargets",
            Self::ModifyListener => "ModifyListener",
            Self::ModifyRule => "ModifyRule",
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
    fn words(self) -> &'static str {
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
    pub carrier: Carrier,
    /// What applying it does.
    pub effect: Effect,
    /// One line for people.
    pub doc: &'static str,
}

impl Row {
    /// A declared field, compared exactly, not managed when absent, changed in place.
    const fn new(kind: ResourceKind, carrier: Carrier, path: &'static str, doc: &'static str) -> Self {
        Self {
            kind,
            path,
            class: Class::Declared,
            compare: Compare::Exact,
            absent: Absent::Unmanaged,
            carrier,
            effect: Effect::InPlace,
            doc,
        }
    }

    const fn class(self, class: Class) -> Self {
        Self { class, ..self }
    }

    const fn compare(self, compare: Compare) -> Self {
        Self { compare, ..self }
    }

    /// Absent means this JSON text.
    const fn means(self, default: &'static str) -> Self {
        Self { absent: Absent::Means(default), ..self }
    }

    const fn deploys(self) -> Self {
        Self { effect: Effect::StartsDeployment, ..self }
    }

    const fn effect(self, effect: Effect) -> Self {
        Self { effect, ..self }
    }

    const fn carrier(self, carrier: Carrier) -> Self {
        Self { carrier, ..self }
    }

    /// Never compared: found by it, used at creation only, or resolved into another field.
    const fn identity(self) -> Self {
        Self { compare: Compare::Never, carrier: Carrier::Creation, effect: Effect::Replaces, ..self }
    }

    /// Never sent to AWS.
    const fn setting(self) -> Self {
        Self { compare: Compare::Never, carrier: Carrier::Nothing, ..self }
    }
}

/// The rows of one kind.
pub fn rows(kind: ResourceKind) -> &'static [Row] {
    match kind {
        ResourceKind::LogGroup => logs::LOG_GROUP,
        ResourceKind::TargetGroup => load_balancing::TARGET_GROUP,
        ResourceKind::Listener => load_balancing::LISTENER,
        ResourceKind::Rule => load_balancing::RULE,
        ResourceKind::TaskDefinition => task_definition::TASK_DEFINITION,
        ResourceKind::Task => service::TASK,
        ResourceKind::Service => service::SERVICE,
    }
}

/// The row that a concrete or schematic path belongs to: the one that equals it or stands above it.
pub fn row_for(kind: ResourceKind, path: &str) -> Option<&'static Row> {
    let path = without_keys(path);
    rows(kind).iter().find(|row| {
        path.strip_prefix(row.path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || rest.starts_with('['))
    })
}

/// `containerDefinitions[web].image` as `containerDefinitions[].image`.
fn without_keys(path: &str) -> String {
    let mut plain = String::with_capacity(path.len());
    let mut inside = false;
    for letter in path.chars() {
        match letter {
            '[' => inside = true,
            ']' => inside = false,
            _ if inside => continue,
            _ => {}
        }
        plain.push(letter);
    }
    plain
}

/// The rows of one kind as Markdown, for the documentation, with further columns after the owner.
pub fn markdown(kind: ResourceKind, columns: &[&str], cells: impl Fn(&Row) -> Vec<String>) -> String {
    let line = |cells: &[&str]| format!("| {} |\n", cells.join(" | "));
    let names = [&["field", "owner"], columns, &["compared", "carried by", "effect", ""]].concat();
    let mut text = line(&names) + &line(&vec!["---"; names.len()]);
    for row in rows(kind) {
        let path = format!("`{}`", row.path);
        let further = cells(row);
        let further: Vec<&str> = further.iter().map(String::as_str).collect();
        let (compare, carrier, effect) = (row.compare.words(), row.carrier.words(), row.effect.words());
        let own = [path.as_str(), row.class.words()];
        text += &line(&[&own, further.as_slice(), &[compare, carrier, effect, row.doc]].concat());
    }
    text
}
