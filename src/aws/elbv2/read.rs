//! Reads of Elastic Load Balancing: one function per call and way of asking, all pages.
//!
//! Where several names or ARNs are asked for at once and one of them does not exist, AWS answers
//! the whole call with an error; the caller then asks for less at a time. Tags and attributes are
//! calls of their own: what is returned here has none until the caller has put them in.

use super::shapes;
use crate::aws::budget::Category;
use crate::aws::clients::PlacementClients;
use crate::aws::error::Error;
use crate::model::observed::{ObservedResource, ObservedTarget};
use std::collections::BTreeMap;

/// Names or ARNs per call: what DescribeLoadBalancers and DescribeTags take at most; the others
/// publish no limit.
pub const NAMES_PER_CALL: usize = 20;

/// What a page of a list holds at most.
const PAGE: i32 = 400;

const LOAD_BALANCERS: &str = "elasticloadbalancing:DescribeLoadBalancers";
const TARGET_GROUPS: &str = "elasticloadbalancing:DescribeTargetGroups";
const ATTRIBUTES: &str = "elasticloadbalancing:DescribeTargetGroupAttributes";
const TARGET_HEALTH: &str = "elasticloadbalancing:DescribeTargetHealth";
const LISTENERS: &str = "elasticloadbalancing:DescribeListeners";
const RULES: &str = "elasticloadbalancing:DescribeRules";
const TAGS: &str = "elasticloadbalancing:DescribeTags";

/// How things are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// By the name that is unique in account and region.
    Name,
    /// By ARN.
    Arn,
}

/// Load balancers, by name or ARN.
///
/// # Errors
///
/// Not found when any of them does not exist; otherwise when the call failed.
pub async fn load_balancers(
    clients: &PlacementClients,
    by: By,
    ids: &[String],
) -> Result<Vec<ObservedResource>, Error> {
    let send = || {
        let call = clients.elb.describe_load_balancers();
        let ids = Some(ids.to_vec());
        match by {
            By::Name => call.set_names(ids),
            By::Arn => call.set_load_balancer_arns(ids),
        }
        .send()
    };
    let answer = clients.read(Category::ElbRead, LOAD_BALANCERS, send).await?;
    Ok(answer.load_balancers.unwrap_or_default().into_iter().map(shapes::load_balancer).collect())
}

/// Every target group of the region.
///
/// # Errors
///
/// When a page failed.
pub async fn all_target_groups(clients: &PlacementClients) -> Result<Vec<ObservedResource>, Error> {
    let mut found = Vec::new();
    let mut marker = None;
    loop {
        let send = || clients.elb.describe_target_groups().set_marker(marker.clone()).page_size(PAGE).send();
        let answer = clients.read(Category::ElbRead, TARGET_GROUPS, send).await?;
        found.extend(answer.target_groups.unwrap_or_default().into_iter().map(shapes::target_group));
        marker = answer.next_marker.filter(|marker| !marker.is_empty());
        if marker.is_none() {
            return Ok(found);
        }
    }
}

/// Target groups, by name or ARN.
///
/// # Errors
///
/// Not found when any of them does not exist; otherwise when the call failed.
pub async fn target_groups(
    clients: &PlacementClients,
    by: By,
    ids: &[String],
) -> Result<Vec<ObservedResource>, Error> {
    let send = || {
        let call = clients.elb.describe_target_groups();
        let ids = Some(ids.to_vec());
        match by {
            By::Name => call.set_names(ids),
            By::Arn => call.set_target_group_arns(ids),
        }
        .send()
    };
    let answer = clients.read(Category::ElbRead, TARGET_GROUPS, send).await?;
    Ok(answer.target_groups.unwrap_or_default().into_iter().map(shapes::target_group).collect())
}

/// Attributes of one target group.
///
/// # Errors
///
/// Not found when it does not exist; otherwise when the call failed.
pub async fn target_group_attributes(
    clients: &PlacementClients,
    arn: &str,
) -> Result<BTreeMap<String, String>, Error> {
    let send = || clients.elb.describe_target_group_attributes().target_group_arn(arn).send();
    let answer = clients.read(Category::ElbRead, ATTRIBUTES, send).await?;
    let attributes = answer.attributes.unwrap_or_default().into_iter();
    Ok(attributes.filter_map(|attribute| Some((attribute.key?, attribute.value?))).collect())
}

/// The targets of one target group, by id and port.
///
/// # Errors
///
/// Not found when it does not exist; otherwise when the call failed.
pub async fn target_health(clients: &PlacementClients, arn: &str) -> Result<Vec<ObservedTarget>, Error> {
    let send = || clients.elb.describe_target_health().target_group_arn(arn).send();
    let answer = clients.read(Category::ElbRead, TARGET_HEALTH, send).await?;
    let described = answer.target_health_descriptions.unwrap_or_default().into_iter();
    let mut targets: Vec<_> = described.filter_map(shapes::target).collect();
    targets.sort_by(|a, b| (&a.id, a.port).cmp(&(&b.id, b.port)));
    Ok(targets)
}

/// Which listeners.
#[derive(Clone, Copy, Debug)]
pub enum ListenersOf<'a> {
    /// All of one load balancer, by its ARN.
    LoadBalancer(&'a str),
    /// These, by ARN.
    Arns(&'a [String]),
}

/// Listeners.
///
/// # Errors
///
/// Not found when the load balancer or any of the listeners does not exist; otherwise when a page
/// failed.
pub async fn listeners(
    clients: &PlacementClients,
    of: ListenersOf<'_>,
) -> Result<Vec<ObservedResource>, Error> {
    let mut found = Vec::new();
    let mut marker = None;
    loop {
        let send = || {
            let call = clients.elb.describe_listeners().set_marker(marker.clone());
            match of {
                ListenersOf::LoadBalancer(arn) => call.load_balancer_arn(arn),
                ListenersOf::Arns(arns) => call.set_listener_arns(Some(arns.to_vec())),
            }
            .send()
        };
        let answer = clients.read(Category::ElbRead, LISTENERS, send).await?;
        found.extend(answer.listeners.unwrap_or_default().into_iter().map(shapes::listener));
        marker = answer.next_marker.filter(|marker| !marker.is_empty());
        if marker.is_none() {
            return Ok(found);
        }
    }
}

/// Which rules.
#[derive(Clone, Copy, Debug)]
pub enum RulesOf<'a> {
    /// All of one listener, by its ARN, but for the default rule, which belongs to the listener.
    Listener(&'a str),
    /// These, by ARN.
    Arns(&'a [String]),
}

/// Rules.
///
/// # Errors
///
/// Not found when the listener or any of the rules does not exist; otherwise when a page failed.
pub async fn rules(clients: &PlacementClients, of: RulesOf<'_>) -> Result<Vec<ObservedResource>, Error> {
    let mut found = Vec::new();
    let mut marker = None;
    loop {
        let send = || {
            let call = clients.elb.describe_rules().set_marker(marker.clone());
            match of {
                RulesOf::Listener(arn) => call.listener_arn(arn),
                RulesOf::Arns(arns) => call.set_rule_arns(Some(arns.to_vec())),
            }
            .send()
        };
        let answer = clients.read(Category::ElbRead, RULES, send).await?;
        found.extend(answer.rules.unwrap_or_default().into_iter().filter_map(shapes::rule));
        marker = answer.next_marker.filter(|marker| !marker.is_empty());
        if marker.is_none() {
            return Ok(found);
        }
    }
}

/// Tags of up to [`NAMES_PER_CALL`] target groups, listeners and rules, by ARN.
///
/// # Errors
///
/// Not found when any of them does not exist; otherwise when the call failed.
pub async fn tags(
    clients: &PlacementClients,
    arns: &[String],
) -> Result<BTreeMap<String, BTreeMap<String, String>>, Error> {
    let send = || clients.elb.describe_tags().set_resource_arns(Some(arns.to_vec())).send();
    let answer = clients.read(Category::ElbRead, TAGS, send).await?;
    let described = answer.tag_descriptions.unwrap_or_default().into_iter();
    Ok(described.filter_map(|tags| Some((tags.resource_arn?, shapes::tags(tags.tags)))).collect())
}
