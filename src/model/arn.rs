//! The one place that takes Amazon resource names apart, of any partition (`aws`, `aws-cn`,
//! `aws-us-gov`, …); nothing here builds one, so that no partition is ever guessed.
//!
//! Source: AWS General Reference, ARN format; Service Authorization Reference, resource types of
//! Amazon ECS and of Elastic Load Balancing V2; ECS Developer Guide, "Amazon Resource Names (ARNs)
//! and IDs", for the short form of services and tasks, which leaves the cluster out.
//!
//! A name in place of an ARN is answered as it is.

/// The parts of an ARN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arn<'a> {
    /// Such as `ecs`.
    pub service: &'a str,
    /// Empty for global services.
    pub region: &'a str,
    /// Empty where the resource needs none.
    pub account: &'a str,
    /// All that follows the account.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Reads `arn:partition:service:region:account:resource`; `None` for anything else.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let (arn, partition) = (parts.next()?, parts.next()?);
        let (service, region, account) = (parts.next()?, parts.next()?, parts.next()?);
        let resource = parts.next()?;
        let known = arn == "arn" && (partition == "aws" || partition.starts_with("aws-"));
        (known && !service.is_empty() && !resource.is_empty()).then_some(Self {
            service,
            region,
            account,
            resource,
        })
    }

    /// Whether the account is twelve digits.
    pub fn has_account(&self) -> bool {
        self.account.len() == 12 && self.account.bytes().all(|byte| byte.is_ascii_digit())
    }
}

/// Whether something that may be given by name or ARN is given by ARN.
pub fn is_arn(text: &str) -> bool {
    text.starts_with("arn:")
}

/// What stands after the last `/`: the name or id of most resources.
pub fn last_part(text: &str) -> &str {
    text.rsplit_once('/').map_or(text, |(_, last)| last)
}

/// Name of a cluster, `…:cluster/NAME`.
pub fn cluster_name(cluster: &str) -> &str {
    Arn::parse(cluster).and_then(|arn| arn.resource.strip_prefix("cluster/")).unwrap_or(cluster)
}

/// Whether something is in a region, as far as its ARN tells.
pub fn is_in(region: &str, arn: &str) -> bool {
    Arn::parse(arn).is_none_or(|arn| arn.region.is_empty() || arn.region == region)
}

/// Whether an ARN is that of the service of this name in this cluster, which may be given by its
/// ARN. One of the short form does not name its cluster.
pub fn is_service(arn: &str, cluster: &str, name: &str) -> bool {
    let there = service_cluster(arn).is_none_or(|known| known == cluster_name(cluster));
    there && service_name(arn) == name
}

/// The ARN of the service of this name in a cluster, which may be given by its ARN, in the account
/// and region of its task definition.
///
/// Source: ECS Developer Guide, Amazon Resource Names and IDs (the form that all new resources
/// have).
pub fn service_arn(task_definition: &str, cluster: &str, name: &str) -> Option<String> {
    let (before, _) = task_definition.split_once(":task-definition/")?;
    Some(format!("{before}:service/{}/{name}", cluster_name(cluster)))
}

/// Name of a service, `…:service/CLUSTER/NAME` or `…:service/NAME`.
pub fn service_name(service: &str) -> &str {
    last_part(service)
}

/// Name of the cluster in a service's ARN; the short form does not tell.
pub fn service_cluster(service_arn: &str) -> Option<&str> {
    let (cluster, _) = Arn::parse(service_arn)?.resource.strip_prefix("service/")?.split_once('/')?;
    Some(cluster)
}

/// Id of a task, `…:task/CLUSTER/ID` or `…:task/ID`.
pub fn task_id(task: &str) -> &str {
    last_part(task)
}

/// Name of the cluster in a task's ARN; the short form does not tell.
pub fn task_cluster(task_arn: &str) -> Option<&str> {
    let (cluster, _) = Arn::parse(task_arn)?.resource.strip_prefix("task/")?.split_once('/')?;
    Some(cluster)
}

/// `web:7` of `…:task-definition/web:7`.
pub fn family_revision(definition: &str) -> &str {
    last_part(definition)
}

/// `web` of `…:task-definition/web:7`.
pub fn family_of(definition: &str) -> &str {
    let name = family_revision(definition);
    name.rsplit_once(':').map_or(name, |(family, _)| family)
}

/// `7` of `…:task-definition/web:7`; 0 when there is none.
pub fn revision_number(definition: &str) -> u64 {
    definition.rsplit_once(':').and_then(|(_, number)| number.parse().ok()).unwrap_or(0)
}

/// Name of a load balancer, `…:loadbalancer/app/NAME/ID`.
pub fn load_balancer_name(load_balancer: &str) -> &str {
    Arn::parse(load_balancer).and_then(|arn| arn.resource.split('/').nth(2)).unwrap_or(load_balancer)
}

/// The load balancer's ARN, which a listener's ARN holds: `…:listener/app/lb/1/2` is on
/// `…:loadbalancer/app/lb/1`.
pub fn load_balancer_of(listener_arn: &str) -> Option<String> {
    let (before, after) = listener_arn.rsplit_once('/')?.0.split_once(":listener/")?;
    Some(format!("{before}:loadbalancer/{after}"))
}

/// Name of a target group, `…:targetgroup/NAME/ID`.
pub fn target_group_name(group: &str) -> &str {
    let Some((_, rest)) = group.split_once("targetgroup/") else { return group };
    rest.split_once('/').map_or(rest, |(name, _)| name)
}

/// Name of an alarm, `…:alarm:NAME`. Source: Service Authorization Reference, Amazon CloudWatch.
pub fn alarm_name(alarm: &str) -> &str {
    alarm.split_once(":alarm:").map_or(alarm, |(_, name)| name)
}

/// The ARN of the alarm of this name in the account and region of something else.
///
/// Source: Service Authorization Reference, Amazon CloudWatch (the ARN of an alarm ends in
/// `alarm:` and its name).
pub fn alarm_arn(beside: &str, name: &str) -> Option<String> {
    let Arn { region, account, .. } = Arn::parse(beside).filter(Arn::has_account)?;
    let partition = beside.split(':').nth(1)?;
    (!region.is_empty()).then(|| format!("arn:{partition}:cloudwatch:{region}:{account}:alarm:{name}"))
}

/// The listener's ARN, which a rule's ARN holds: `…:listener-rule/app/lb/1/2/3` belongs to
/// `…:listener/app/lb/1/2`.
pub fn listener_of_rule(rule_arn: &str) -> Option<String> {
    let (listener, _) = rule_arn.rsplit_once('/')?;
    let (before, after) = listener.split_once(":listener-rule/")?;
    Some(format!("{before}:listener/{after}"))
}

#[cfg(test)]
#[path = "arn_tests.rs"]
mod tests;
