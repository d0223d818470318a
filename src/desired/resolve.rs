//! References, resolved against what this pass saw. Pure: what was not seen becomes a reason to
//! wait, never a guess.

use super::fields::{Fields, each, object};
use super::references::{self, Reference, To};
use super::resources;
use super::secret_ref::{SecretRef, could_be_parameter};
use crate::model::arn::Arn;
use crate::model::canonical::content_hash;
use crate::model::desired::{
    DesiredComponent, DesiredResource, DesiredState, ResolvedComponent, ResolvedDefinition, ResolvedResource,
    ResolvedState, Workload,
};
use crate::model::ids::ContentHash;
use crate::model::normalise::normalise_task_definition;
use crate::model::observed::{Depth, Gap, ObservedResource, ObservedSecret, ObservedState, Readiness, Seen};
use crate::model::owner::{Owner, OwnershipBasis};
use crate::model::plan::WaitingOn;
use crate::model::resource::{ResourceId, ResourceKind, Tree};
use crate::model::resource_record::ResourceRecord;
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt;

/// What the fields of a service or task point at.
const COMPONENT: &[Reference] = &[
    Reference {
        path: "deploymentConfiguration.alarms.alarms[]",
        to: To::FieldOf(ResourceKind::Alarm, "alarmName"),
        becomes: "alarmNames",
    },
    Reference {
        path: "loadBalancers[].targetGroup",
        to: To::Resource(ResourceKind::TargetGroup),
        becomes: "targetGroupArn",
    },
    Reference {
        path: "loadBalancers[].advancedConfiguration.alternateTargetGroupArn",
        to: To::Resource(ResourceKind::TargetGroup),
        becomes: "alternateTargetGroupArn",
    },
    Reference {
        path: "loadBalancers[].advancedConfiguration.productionListenerRule",
        to: To::Resource(ResourceKind::Rule),
        becomes: "productionListenerRule",
    },
    Reference {
        path: "loadBalancers[].advancedConfiguration.testListenerRule",
        to: To::Resource(ResourceKind::Rule),
        becomes: "testListenerRule",
    },
];

/// Resolves everything that this pass allows: keys to ARNs, secret names to full ARNs, contents to
/// hashes.
///
/// `versions` are the accepted versions by secret id as declared; a secret that is not among them
/// counts with the version that was observed. `recorded` is what earlier passes made or
/// recognised: its ARNs stand in for what this pass did not read, never for what
/// it looked for in vain.
///
/// **Guarantees**: a resolved part contains only what AWS said (`Present`, and ready) or what was
/// declared as an ARN; what relied on something already goes on while AWS changes that; the hash of
/// a definition depends on its family, its normalised content and the versions of the secrets that
/// restart it, on nothing else; each reason to wait is stated once per part.
pub fn resolve(
    desired: &DesiredState,
    observed: &ObservedState,
    versions: &BTreeMap<String, String>,
    recorded: &BTreeMap<ResourceId, Box<ResourceRecord>>,
) -> ResolvedState {
    let seen = Resolver { desired, observed, versions, recorded };
    let mut resolved = ResolvedState {
        resources: desired.resources.iter().map(|(id, part)| (id.clone(), seen.resource(id, part))).collect(),
        components: desired.components.iter().map(|(id, part)| (id.clone(), seen.component(part))).collect(),
        tags: desired.tags.clone(),
    };
    // A light pass reads services only: that the rest was not read is no reason to wait.
    if observed.depth == Depth::Light {
        resolved.resources.values_mut().for_each(|resource| resource.waiting.clear());
        resolved.components.values_mut().for_each(|component| component.waiting.clear());
    }
    resolved
}

struct Resolver<'a> {
    desired: &'a DesiredState,
    observed: &'a ObservedState,
    versions: &'a BTreeMap<String, String>,
    recorded: &'a BTreeMap<ResourceId, Box<ResourceRecord>>,
}

type Waiting = Vec<WaitingOn>;

impl Resolver<'_> {
    fn resource(&self, id: &ResourceId, resource: &DesiredResource) -> ResolvedResource {
        let mut waiting = Waiting::new();
        let mut tree = resource.fields.clone();
        let relying = self.relying(id);
        if let (Some(kind), Some(fields)) = (resources::of(id.kind), tree.as_object_mut()) {
            references::resolve(fields, kind.references(), |to, text| {
                self.find(to, text, relying, &mut waiting)
            });
            kind.settle(fields);
        }
        let fields = waiting.is_empty().then_some(tree);
        let references = resources::of(id.kind).map_or(&[][..], |kind| kind.references());
        let declared = self.declared(&resource.fields, references);
        ResolvedResource { fields, waiting: unique(waiting), declared }
    }

    fn is_ours(&self, id: &ResourceId, resource: &ObservedResource) -> bool {
        let recorded = self.recorded.get(id).is_some_and(|known| known.arn.as_ref() == Some(&resource.arn));
        let basis = OwnershipBasis { adopts: self.desired.adopt, recorded };
        Owner::of(&resource.arn, &resource.tags, self.desired, basis).is_ours()
    }

    /// Hash of a declaration: of its fields, and of what it refers to by key. A document that makes
    /// a key stand for something else (an alarm of another name, a target group of another port)
    /// changes the declaration of what refers to it, too.
    fn declared(&self, fields: &Tree, references: &[Reference]) -> ContentHash {
        let hash = content_hash(fields);
        let named = references::named(fields, references).into_iter();
        let meant: Vec<String> = named.filter_map(|(to, key)| self.meant(to, key)).collect();
        if meant.is_empty() { hash } else { content_hash(&json!([hash, meant])) }
    }

    /// What a key means by the document alone; `None` for what is no key of it.
    fn meant(&self, to: To, key: &str) -> Option<String> {
        let (To::Resource(kind) | To::FieldOf(kind, _)) = to else { return None };
        let id = ResourceId::new(kind, key);
        let resource = self.desired.resources.get(&id)?;
        resources::of(kind)?.claim(self.desired, &id, &resource.fields).map(|claim| claim.what)
    }

    /// Whether something relies on what it refers to already.
    fn relying(&self, id: &ResourceId) -> Relying {
        let applied = self.recorded.get(id).is_some_and(|known| known.applied.is_some());
        if applied { Relying::Already } else { Relying::NotYet }
    }

    /// What AWS takes in the place of a reference.
    fn find(&self, to: To, text: &str, relying: Relying, waiting: &mut Waiting) -> Option<String> {
        match to {
            To::Resource(kind) => self.own(kind, text, relying, waiting),
            To::FieldOf(kind, field) => {
                self.own(kind, text, relying, waiting)?;
                let declared = self.desired.resources.get(&ResourceId::new(kind, text))?;
                declared.fields[field].as_str().map(str::to_owned)
            }
            To::LoadBalancer => self.load_balancer(text, relying, waiting),
        }
    }

    fn component(&self, component: &DesiredComponent) -> ResolvedComponent {
        let mut waiting = Waiting::new();
        let definition = self.definition(component, &mut waiting);
        let (Workload::Service { fields: declared, .. } | Workload::Task { fields: declared, .. }) =
            &component.workload;
        let mut of_fields = Waiting::new();
        let relying = self.relying(&ResourceId::new(ResourceKind::Service, component.name.as_str()));
        let mut tree = declared.clone();
        if let Some(fields) = tree.as_object_mut() {
            references::resolve(fields, COMPONENT, |to, text| self.find(to, text, relying, &mut of_fields));
        }
        let fields = of_fields.is_empty().then_some(tree);
        waiting.extend(of_fields);
        self.log_groups(component, &mut waiting);
        ResolvedComponent {
            definition,
            fields,
            waiting: unique(waiting),
            declared: self.declared(declared, COMPONENT),
        }
    }

    /// Log groups of this deployment that the component's containers write to: without them no task
    /// starts.
    fn log_groups(&self, component: &DesiredComponent, waiting: &mut Waiting) {
        let containers = component.task_definition["containerDefinitions"].as_array().into_iter().flatten();
        for log in containers.map(|container| &container["logConfiguration"]) {
            let options = &log["options"];
            let elsewhere = options["awslogs-region"]
                .as_str()
                .is_some_and(|region| region != self.desired.placement.region);
            let (Some(name), false) = (options["awslogs-group"].as_str(), elsewhere) else { continue };
            let id = ResourceId::new(ResourceKind::LogGroup, name);
            if !self.desired.resources.contains_key(&id) || options["awslogs-create-group"] == "true" {
                continue;
            }
            let unseen = !self.observed.resources.get(&id).is_some_and(Seen::is_known);
            if !(unseen && self.recorded.get(&id).is_some_and(|known| known.arn.is_some())) {
                self.managed(ResourceKind::LogGroup, name, Relying::NotYet, waiting);
            }
        }
    }

    fn definition(&self, component: &DesiredComponent, waiting: &mut Waiting) -> Option<ResolvedDefinition> {
        let before = waiting.len();
        let mut arns = BTreeMap::new();
        let mut restarting = BTreeMap::new();
        for using in &component.secrets {
            let Some(secret) = self.secret(&using.secret_id, waiting) else { continue };
            arns.insert(using.secret_id.as_str(), secret.arn.as_str());
            if !using.restarts {
                continue;
            }
            let version = self.versions.get(&using.secret_id).or(secret.version.as_ref());
            restarting.insert(secret.arn.as_str(), version.map_or("", String::as_str));
        }
        if waiting.len() > before {
            return None;
        }
        let mut fields = component.task_definition.clone();
        with_full_arns(&mut fields, &arns);
        normalise_task_definition(&mut fields);
        // The family is no field of the content, and a renamed one is to be registered and rolled
        // out all the same.
        let hash =
            content_hash(&json!({"family": component.family, "fields": fields, "secrets": restarting}));
        Some(ResolvedDefinition { family: component.family.clone(), fields, hash })
    }

    /// The secret, when it exists, is not deleted and has a value to read.
    fn secret(&self, id: &str, waiting: &mut Waiting) -> Option<&ObservedSecret> {
        let because = match self.observed.secrets.get(id) {
            Some(Seen::Present(secret)) if secret.deleted => "it is scheduled for deletion".to_owned(),
            Some(Seen::Present(secret)) if secret.version.is_none() => "it has no current version".to_owned(),
            Some(Seen::Present(secret)) => return Some(secret),
            Some(Seen::Absent) if could_be_parameter(id) => format!(
                "there is none {}; for the parameter of that name in Parameter Store write `ssm:{id}`, or its ARN",
                self.whereabouts(id)
            ),
            Some(Seen::Absent) => format!("there is none {}", self.whereabouts(id)),
            Some(Seen::Unknown(gap)) => format!("{} {}", in_words(gap), self.whereabouts(id)),
            Some(Seen::NotRead) | None => {
                waiting.push(not_read(&format!("the secret {id}")));
                return None;
            }
        };
        waiting.push(WaitingOn::Secret { id: id.to_owned(), because });
        None
    }

    /// Account and region in which a secret is looked for: its own when it is given by ARN, else
    /// the cluster's.
    fn whereabouts(&self, id: &str) -> String {
        let cluster = self.observed.cluster.present().map(|cluster| cluster.arn.as_str());
        let declared = self.desired.placement.cluster.as_str();
        let role = self.desired.placement.role_arn.as_deref();
        let known = [Some(id), cluster, Some(declared)].into_iter().flatten().find_map(Arn::parse);
        let (account, region) = match known {
            Some(arn) => (Some(arn.account), arn.region),
            None => {
                (role.and_then(Arn::parse).map(|arn| arn.account), self.desired.placement.region.as_str())
            }
        };
        match account {
            Some(account) => format!("in account {account}, region {region}"),
            None => format!("in region {region}"),
        }
    }

    fn load_balancer(&self, name: &str, relying: Relying, waiting: &mut Waiting) -> Option<String> {
        let because = match self.observed.load_balancers.get(name) {
            Some(Seen::Present(balancer)) => {
                return usable(balancer, format!("load balancer {name}"), relying, waiting);
            }
            Some(Seen::Absent) => format!("there is none in region {}", self.desired.placement.region),
            Some(Seen::Unknown(gap)) => {
                waiting.push(WaitingOn::Observation { because: in_words(gap) });
                return None;
            }
            Some(Seen::NotRead) | None => {
                waiting.push(not_read(&format!("the load balancer {name}")));
                return None;
            }
        };
        waiting.push(WaitingOn::LoadBalancer { name: name.to_owned(), because });
        None
    }

    /// The ARN of a resource that is declared here and is this deployment's.
    fn own(&self, kind: ResourceKind, key: &str, relying: Relying, waiting: &mut Waiting) -> Option<String> {
        let id = ResourceId::new(kind, key);
        if let Some(Seen::Present(resource)) = self.observed.resources.get(&id)
            && !self.is_ours(&id, resource)
        {
            let because = "it is not this deployment's".to_owned();
            waiting.push(WaitingOn::NotReady { what: id.to_string(), because, failed: true });
            return None;
        }
        self.managed(kind, key, relying, waiting)
    }

    /// The ARN of a resource that is declared here, whoever's it is.
    fn managed(
        &self,
        kind: ResourceKind,
        key: &str,
        relying: Relying,
        waiting: &mut Waiting,
    ) -> Option<String> {
        let id = ResourceId::new(kind, key);
        let seen = self.observed.resources.get(&id);
        let recorded = self.recorded.get(&id).and_then(|known| known.arn.as_ref());
        if let (Some(Seen::NotRead) | None, Some(arn)) = (seen, recorded) {
            return Some(arn.clone());
        }
        waiting.push(match seen {
            Some(Seen::Present(resource)) => return usable(resource, id, relying, waiting),
            Some(Seen::Absent) => WaitingOn::Resource { id },
            Some(Seen::Unknown(gap)) => WaitingOn::Observation { because: in_words(gap) },
            Some(Seen::NotRead) | None => not_read(&id.to_string()),
        });
        None
    }
}

/// Whether what refers to something relies on it already: then it goes on while AWS changes that.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Relying {
    Already,
    NotYet,
}

/// The ARN of something that is there, once it is ready.
fn usable(
    resource: &ObservedResource,
    what: impl fmt::Display,
    relying: Relying,
    waiting: &mut Waiting,
) -> Option<String> {
    let is_changing = matches!(resource.readiness, Readiness::Changing { .. });
    if let Some(on) = WaitingOn::readiness(what, &resource.readiness)
        && !(is_changing && relying == Relying::Already)
    {
        waiting.push(on);
        return None;
    }
    Some(resource.arn.clone())
}

/// Writes full ARNs in place of names, keeping `:key:stage:version`.
fn with_full_arns(definition: &mut Tree, arns: &BTreeMap<&str, &str>) {
    let resolve = |fields: &mut Fields, field: &str| {
        let Some(written) = fields.get(field).and_then(Tree::as_str) else { return };
        let full = match SecretRef::parse(written) {
            SecretRef::Parameter { id } => Some(id.to_owned()),
            SecretRef::Secret { id, suffix } => arns.get(id).map(|arn| SecretRef::with_arn(arn, suffix)),
        };
        if let Some(full) = full {
            fields.insert(field.to_owned(), full.into());
        }
    };
    let Some(definition) = definition.as_object_mut() else { return };
    each(definition, "containerDefinitions", |container| {
        each(container, "secrets", |secret| resolve(secret, "valueFrom"));
        if let Some(log) = object(container, "logConfiguration") {
            each(log, "secretOptions", |secret| resolve(secret, "valueFrom"));
        }
        if let Some(credentials) = object(container, "repositoryCredentials") {
            resolve(credentials, "credentialsParameter");
        }
    });
}

fn in_words(gap: &Gap) -> String {
    format!("{} answered {}: {}", gap.operation, gap.code, gap.message)
}

fn not_read(what: &str) -> WaitingOn {
    WaitingOn::Observation { because: format!("{what} was not looked at in this pass") }
}

fn unique(mut waiting: Waiting) -> Waiting {
    let mut seen = Waiting::new();
    waiting.retain(|reason| {
        let new = !seen.contains(reason);
        if new {
            seen.push(reason.clone());
        }
        new
    });
    waiting
}
