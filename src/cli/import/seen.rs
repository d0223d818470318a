//! What AWS shows of some services and of what belongs to them. Nothing is written.

use crate::aws::cloudwatch::read::any_alarm_named;
use crate::aws::elbv2::read::{self as elb, By, ListenersOf, RulesOf};
use crate::aws::{Error, PlacementClients, ecs, logs};
use crate::model::arn::{cluster_name, service_name};
use crate::model::kinds::Placement;
use crate::model::nearest::nearest;
use crate::model::observed::{ObservedDefinition, ObservedResource, ObservedService, Seen};
use crate::model::resource::Tree;
use anyhow::{Context, bail};
use std::collections::{BTreeMap, BTreeSet};

/// One service with the revision that it points at.
#[derive(Clone, Debug)]
pub(super) struct SeenService {
    pub(super) service: ObservedService,
    pub(super) definition: ObservedDefinition,
    /// Whether Application Auto Scaling has alarms for it.
    pub(super) is_scaled: bool,
}

/// Some services of one cluster with what belongs to them.
#[derive(Clone, Debug)]
pub(super) struct SeenServices {
    pub(super) placement: Placement,
    pub(super) services: Vec<SeenService>,
    /// Their target groups, with attributes, by ARN.
    pub(super) groups: BTreeMap<String, ObservedResource>,
    /// Listeners whose default action forwards to one of these, by ARN.
    pub(super) listeners: BTreeMap<String, ObservedResource>,
    /// Rules that forward to one of these, by ARN.
    pub(super) rules: BTreeMap<String, ObservedResource>,
    /// Log groups that their containers write to and that are there, by name.
    pub(super) log_groups: BTreeMap<String, ObservedResource>,
    /// Log groups that they write to and that are not there.
    pub(super) no_log_groups: BTreeSet<String>,
    /// What could not be seen and can be done without.
    pub(super) unseen: Vec<String>,
}

/// Reads everything.
///
/// # Errors
///
/// There is no such cluster or service, with the one that was probably meant; a service is deleted,
/// or deployed by another than ECS; AWS could not be read.
pub(super) async fn read(
    clients: &PlacementClients,
    mut placement: Placement,
    names: &[String],
) -> anyhow::Result<SeenServices> {
    let cluster = cluster(clients, &placement).await?;
    cluster_name(&cluster).clone_into(&mut placement.cluster);
    let mut services = Vec::new();
    let mut unseen = Vec::new();
    for service in self::services(clients, &placement, names).await? {
        let definition = ecs::read::describe_task_definition(clients, &service.task_definition).await?;
        // The names that target tracking gives its alarms.
        let prefix = format!("TargetTracking-service/{}/{}-", placement.cluster, service.name);
        let is_scaled = any_alarm_named(clients, &prefix).await.unwrap_or_else(|error| {
            unseen.push(format!("whether {} is scaled by target tracking: {error}", service.name));
            false
        });
        services.push(SeenService { service, definition, is_scaled });
    }
    let arns: BTreeSet<String> = services.iter().flat_map(|one| group_arns(&one.service.fields)).collect();
    let groups = groups(clients, &arns).await?;
    let (listeners, rules) = forwarders(clients, &groups).await?;
    let (log_groups, no_log_groups) = log_groups(clients, &placement, &services).await?;
    let mut seen =
        SeenServices { placement, services, groups, listeners, rules, log_groups, no_log_groups, unseen };
    seen.tag(clients).await?;
    Ok(seen)
}

/// The ARN of a cluster that can be used.
async fn cluster(clients: &PlacementClients, placement: &Placement) -> anyhow::Result<String> {
    let Placement { region, cluster, .. } = placement;
    match ecs::read::describe_cluster(clients, cluster).await? {
        Seen::Present(found) if found.status == "INACTIVE" => {
            bail!("cluster `{cluster}` of {region} was deleted")
        }
        Seen::Present(found) => Ok(found.arn),
        Seen::Unknown(gap) => bail!("{}: {}: {}", gap.operation, gap.code, gap.message),
        Seen::Absent | Seen::NotRead => {
            let known = ecs::read::list_clusters(clients).await.unwrap_or_default();
            bail!("there is no cluster `{cluster}` in {region}{}", meant(cluster_name(cluster), &known))
        }
    }
}

/// `; did you mean …?`, or what there is.
fn meant(word: &str, known: &[String]) -> String {
    /// Names that are listed.
    const MOST: usize = 20;
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    match (nearest(word, &known), known.as_slice()) {
        (Some(meant), _) => format!("; did you mean `{meant}`?"),
        (None, []) => String::new(),
        (None, known) if known.len() <= MOST => format!("; there are: {}", known.join(", ")),
        (None, known) => {
            format!("; there are {}, such as {}", known.len(), known[..MOST].join(", "))
        }
    }
}

async fn services(
    clients: &PlacementClients,
    placement: &Placement,
    names: &[String],
) -> anyhow::Result<Vec<ObservedService>> {
    let cluster = &placement.cluster;
    let mut wanted: Vec<String> = Vec::new();
    for name in names.iter().map(|name| service_name(name).to_owned()) {
        if !wanted.contains(&name) {
            wanted.push(name);
        }
    }
    let mut found = Vec::new();
    for some in wanted.chunks(ecs::read::SERVICES_PER_CALL) {
        let mut seen = ecs::read::describe_services_of_any_status(clients, cluster, some).await?;
        for name in some {
            match seen.remove(name) {
                Some(Seen::Present(service)) => found.push(usable(service, cluster)?),
                Some(Seen::Unknown(gap)) => bail!("{}: {}: {}", gap.operation, gap.code, gap.message),
                _ => {
                    let known = ecs::read::list_services(clients, cluster).await.unwrap_or_default();
                    bail!("there is no service `{name}` in cluster `{cluster}`{}", meant(name, &known))
                }
            }
        }
    }
    Ok(found)
}

/// A service that can be declared.
fn usable(service: ObservedService, cluster: &str) -> anyhow::Result<ObservedService> {
    let name = &service.name;
    if service.status != "ACTIVE" {
        bail!(
            "service `{name}` of cluster `{cluster}` is {}: it was deleted, and ECS shows it for a while yet",
            service.status
        );
    }
    if let Some(controller) = &service.controller {
        bail!(
            "service `{name}` is deployed by {controller}, not by ECS itself: Evenkeel cannot keep it; UpdateService moves it to the \
             deployment controller ECS, and then it can be imported"
        );
    }
    if service.task_definition.is_empty() {
        bail!("service `{name}` has no task definition");
    }
    Ok(service)
}

/// ARNs of the target groups of a service, alternates among them.
pub(super) fn group_arns(fields: &Tree) -> Vec<String> {
    let balancers = fields["loadBalancers"].as_array().into_iter().flatten();
    let arns = balancers.flat_map(|balancer| {
        [&balancer["targetGroupArn"], &balancer["advancedConfiguration"]["alternateTargetGroupArn"]]
    });
    arns.filter_map(Tree::as_str).map(str::to_owned).collect()
}

/// One call for each, because one that is gone fails a call for several.
async fn groups(
    clients: &PlacementClients,
    arns: &BTreeSet<String>,
) -> Result<BTreeMap<String, ObservedResource>, Error> {
    let mut groups = BTreeMap::new();
    for arn in arns {
        let found = match elb::target_groups(clients, By::Arn, std::slice::from_ref(arn)).await {
            Err(error) if error.is_not_found() => continue,
            found => found?,
        };
        for mut group in found {
            let attributes = elb::target_group_attributes(clients, &group.arn).await?;
            group.fields["attributes"] = attributes.into_iter().collect::<Tree>();
            groups.insert(group.arn.clone(), group);
        }
    }
    Ok(groups)
}

type ByArn = BTreeMap<String, ObservedResource>;

/// Listeners and rules that forward to some target groups.
async fn forwarders(clients: &PlacementClients, groups: &ByArn) -> Result<(ByArn, ByArn), Error> {
    let arns: BTreeSet<&str> = groups.keys().map(String::as_str).collect();
    let balancers: BTreeSet<&String> = groups.values().flat_map(|group| &group.used_by).collect();
    let (mut listeners, mut rules) = (BTreeMap::new(), BTreeMap::new());
    for balancer in balancers {
        for listener in elb::listeners(clients, ListenersOf::LoadBalancer(balancer)).await? {
            for rule in elb::rules(clients, RulesOf::Listener(&listener.arn)).await? {
                if forwards_to(&rule.fields["actions"], &arns) {
                    rules.insert(rule.arn.clone(), rule);
                }
            }
            if forwards_to(&listener.fields["defaultActions"], &arns) {
                listeners.insert(listener.arn.clone(), listener);
            }
        }
    }
    Ok((listeners, rules))
}

fn forwards_to(actions: &Tree, groups: &BTreeSet<&str>) -> bool {
    let actions = actions.as_array().into_iter().flatten();
    let mut named = actions.flat_map(|action| action["targetGroups"].as_array().into_iter().flatten());
    named.any(|group| group["targetGroupArn"].as_str().is_some_and(|arn| groups.contains(arn)))
}

/// Log groups of this region, and which of them are not there.
async fn log_groups(
    clients: &PlacementClients,
    placement: &Placement,
    services: &[SeenService],
) -> anyhow::Result<(BTreeMap<String, ObservedResource>, BTreeSet<String>)> {
    let names: BTreeSet<String> =
        services.iter().flat_map(|one| log_group_names(one, &placement.region)).collect();
    let (mut there, mut missing) = (BTreeMap::new(), BTreeSet::new());
    for name in names {
        let found = match logs::read::log_groups(clients, std::slice::from_ref(&name)).await {
            Err(error) if error.is_not_found() => BTreeMap::new(),
            found => found.with_context(|| format!("log group {name}"))?,
        };
        match found.into_iter().next() {
            Some((name, mut group)) => {
                group.tags = logs::read::log_group_tags(clients, &group.arn).await?;
                there.insert(name, group);
            }
            None => drop(missing.insert(name)),
        }
    }
    Ok((there, missing))
}

fn log_group_names(one: &SeenService, region: &str) -> Vec<String> {
    let containers = one.definition.fields["containerDefinitions"].as_array().into_iter().flatten();
    let configurations = containers.map(|container| &container["logConfiguration"]);
    let proxy = &one.service.fields["serviceConnectConfiguration"]["logConfiguration"];
    let here = configurations.chain([proxy]).filter(|log| {
        let of_region = log["options"]["awslogs-region"].as_str();
        log["logDriver"] == "awslogs" && of_region.is_none_or(|of_region| of_region == region)
    });
    here.filter_map(|log| log["options"]["awslogs-group"].as_str()).map(str::to_owned).collect()
}

impl SeenServices {
    /// Reads the tags of what load balancing keeps.
    async fn tag(&mut self, clients: &PlacementClients) -> Result<(), Error> {
        let all = || self.groups.keys().chain(self.listeners.keys()).chain(self.rules.keys());
        let arns: Vec<String> = all().cloned().collect();
        for some in arns.chunks(elb::NAMES_PER_CALL) {
            for (arn, tags) in elb::tags(clients, some).await? {
                let resource = [&mut self.groups, &mut self.listeners, &mut self.rules]
                    .into_iter()
                    .find_map(|all| all.get_mut(&arn));
                if let Some(resource) = resource {
                    resource.tags = tags;
                }
            }
        }
        Ok(())
    }

    /// Everything that would be adopted, each with what it is and its tags.
    pub(super) fn tagged(&self) -> impl Iterator<Item = (String, &BTreeMap<String, String>)> {
        let services = self.services.iter().flat_map(|one| {
            let SeenService { service, definition, .. } = one;
            [
                (format!("service {}", service.name), &service.tags),
                (format!("task definition of {}", service.name), &definition.tags),
            ]
        });
        let all = [
            ("target group", &self.groups),
            ("listener", &self.listeners),
            ("rule", &self.rules),
            ("log group", &self.log_groups),
        ];
        let resources = all.into_iter().flat_map(|(what, all)| {
            all.iter().map(move |(id, resource)| (format!("{what} {id}"), &resource.tags))
        });
        services.chain(resources)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn service(controller: Option<&str>, status: &str) -> ObservedService {
        serde_json::from_value(json!({
            "arn": "arn:aws:ecs:eu-west-1:123456789012:service/shop/web", "name": "web", "status": status, "createdAt": null,
            "fields": {}, "taskDefinition": "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:1", "desired": 1, "running": 1,
            "pending": 0, "deployments": [], "events": [], "tags": {}, "controller": controller,
        }))
        .unwrap()
    }

    #[test]
    fn what_another_deploys_or_is_deleted_is_refused_with_a_sentence() {
        assert!(usable(service(None, "ACTIVE"), "shop").is_ok());
        for controller in ["CODE_DEPLOY", "EXTERNAL", "an Express service of ECS"] {
            let said = usable(service(Some(controller), "ACTIVE"), "shop").unwrap_err().to_string();
            assert!(
                said.starts_with(&format!("service `web` is deployed by {controller}, not by ECS itself")),
                "{said}"
            );
        }
        for status in ["INACTIVE", "DRAINING"] {
            let said = usable(service(None, status), "shop").unwrap_err().to_string();
            assert!(said.contains(&format!("is {status}: it was deleted")), "{said}");
        }
    }

    #[test]
    fn who_is_meant_is_said_or_who_there_is() {
        let known = ["web".to_owned(), "worker".to_owned()];
        assert_eq!(meant("wbe", &known), "; did you mean `web`?");
        assert_eq!(meant("database", &known), "; there are: web, worker");
        assert_eq!(meant("x", &[]), "");
        let many: Vec<String> = (0..30).map(|number| format!("service-{number:02}")).collect();
        assert!(meant("database", &many).starts_with("; there are 30, such as service-00, "));
    }
}
