//! Load balancers: creation with a time of provisioning, attributes, subnets and deletion.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::attributes::Attributes;
use super::errors::{bad, check_arn, check_name, invalid, load_balancer_not_found};
use super::health::seconds;
use super::{Elbv2, paging, tags};
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::form::Form;

/// Seconds that a new load balancer is `provisioning` before it is `active`. AWS takes two to three
/// minutes for an Application Load Balancer; nothing waits on it here, so it is kept short.
const PROVISIONING_SECONDS: f64 = 30.0;

/// The network that all load balancers are in: subnets are not simulated, so they share one.
const VPC: &str = "vpc-0a1b2c3d4e5f60718";

/// One load balancer.
#[derive(Debug, Clone)]
pub(super) struct LoadBalancer {
    name: String,
    /// `application`, `network` or `gateway`.
    pub kind: String,
    scheme: String,
    dns_name: String,
    zone_id: &'static str,
    created: Timestamp,
    /// Why AWS could not set it up.
    failed: Option<String>,
    /// Subnet ids in the order of the request; each is in a zone of its own.
    subnets: Vec<String>,
    security_groups: Vec<String>,
    ip_address_type: String,
    region: String,
    pub attributes: Attributes,
}

impl LoadBalancer {
    fn create(ctx: &mut Ctx<'_>, form: &Form) -> Result<Self, ApiError> {
        let name = form.require("Name")?;
        check_name(name, "Load balancer")?;
        if name.starts_with("internal-") {
            return Err(invalid(format!("Load balancer name '{name}' cannot begin with 'internal-'")));
        }
        let kind = form.get("Type").unwrap_or("application");
        let scheme = form.get("Scheme").unwrap_or("internet-facing");
        let ip_address_type = form.get("IpAddressType").unwrap_or("ipv4");
        let security_groups = form.list("SecurityGroups");
        check_security_groups(&security_groups)?;
        let internal = scheme == "internal";
        Ok(Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            scheme: scheme.to_owned(),
            dns_name: dns_name(ctx, name, kind, internal),
            zone_id: hosted_zone(ctx.region, kind),
            created: ctx.now,
            failed: None,
            subnets: subnets(form, kind)?,
            security_groups: default_security_groups(security_groups, kind),
            ip_address_type: ip_address_type.to_owned(),
            region: ctx.region.to_owned(),
            attributes: Attributes::of_load_balancer(kind, internal),
        })
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether this is its name.
    pub(super) fn is_named(&self, name: &str) -> bool {
        self.name == name
    }

    /// The state that keeps it from taking requests; `None`: it is active.
    pub(super) fn not_active(&self, now: Timestamp) -> Option<&'static str> {
        match &self.failed {
            Some(_) => Some("failed"),
            None if seconds(self.created, now) < PROVISIONING_SECONDS => Some("provisioning"),
            None => None,
        }
    }

    fn same_settings(&self, other: &Self) -> bool {
        let set = |items: &[String]| items.iter().cloned().collect::<BTreeSet<_>>();
        self.scheme == other.scheme
            && self.kind == other.kind
            && self.ip_address_type == other.ip_address_type
            && set(&self.subnets) == set(&other.subnets)
            && set(&self.security_groups) == set(&other.security_groups)
    }

    /// The first letters of the kind, as they stand in ARNs.
    fn tag(&self) -> &'static str {
        match self.kind.as_str() {
            "application" => "app",
            "network" => "net",
            _ => "gwy",
        }
    }

    fn zones(&self) -> Value {
        let zone = |i: usize| char::from(b'a' + u8::try_from(i % 26).expect("below 26"));
        let one = |(i, subnet): (usize, &String)| json!({"ZoneName": format!("{}{}", self.region, zone(i)), "SubnetId": subnet, "LoadBalancerAddresses": []});
        self.subnets.iter().enumerate().map(one).collect()
    }

    fn view(&self, arn: &str, now: Timestamp) -> Value {
        let plain = self.kind == "gateway";
        let state = match &self.failed {
            Some(why) => json!({"Code": "failed", "Reason": why}),
            None => json!({"Code": self.not_active(now).unwrap_or("active")}),
        };
        json!({
            "LoadBalancerArn": arn,
            "DNSName": (!plain).then_some(&self.dns_name),
            "CanonicalHostedZoneId": (!plain).then_some(self.zone_id),
            "CreatedTime": self.created.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
            "LoadBalancerName": self.name,
            "Scheme": (!plain).then_some(&self.scheme),
            "VpcId": VPC,
            "State": state,
            "Type": self.kind,
            "AvailabilityZones": self.zones(),
            "SecurityGroups": (!self.security_groups.is_empty()).then_some(&self.security_groups),
            "IpAddressType": self.ip_address_type,
        })
    }
}

/// That there is a load balancer with this ARN.
pub(super) fn check(elb: &Elbv2, arn: &str) -> Result<(), ApiError> {
    elb.balancer(arn).map(|_| ())
}

impl Elbv2 {
    /// AWS could not set a load balancer up, or (`None`) has set it up after all. Source: Elastic
    /// Load Balancing v2 API, LoadBalancerState: `failed` with a reason.
    pub fn fail_load_balancer(&mut self, name: &str, why: Option<&str>) {
        for balancer in self.load_balancers.values_mut().filter(|balancer| balancer.name == name) {
            balancer.failed = why.map(str::to_owned);
        }
    }

    /// The load balancer with this ARN.
    pub(super) fn balancer(&self, arn: &str) -> Result<&LoadBalancer, ApiError> {
        check_arn(arn, "loadbalancer", "load balancer")?;
        self.load_balancers.get(arn).ok_or_else(load_balancer_not_found)
    }

    fn balancer_mut(&mut self, form: &Form) -> Result<&mut LoadBalancer, ApiError> {
        let arn = form.require("LoadBalancerArn")?;
        self.balancer(arn)?;
        self.load_balancers.get_mut(arn).ok_or_else(load_balancer_not_found)
    }

    pub(super) fn create_load_balancer(&mut self, ctx: &mut Ctx<'_>, form: &Form) -> Result<Value, ApiError> {
        let wanted = LoadBalancer::create(ctx, form)?;
        let tags = tags::read(form)?;
        if let Some((arn, known)) = self.load_balancers.iter().find(|(_, lb)| lb.name == wanted.name) {
            if !known.same_settings(&wanted) {
                let text = format!(
                    "A load balancer with the same name '{}' exists, but with different settings",
                    wanted.name
                );
                return Err(bad("DuplicateLoadBalancerName", text));
            }
            return Ok(json!({"LoadBalancers": [known.view(arn, ctx.now)]}));
        }
        let id = ctx.hex(16);
        let arn =
            ctx.arn("elasticloadbalancing", &format!("loadbalancer/{}/{}/{id}", wanted.tag(), wanted.name));
        let view = wanted.view(&arn, ctx.now);
        self.load_balancers.insert(arn.clone(), wanted);
        self.tags.insert(arn, tags);
        Ok(json!({"LoadBalancers": [view]}))
    }

    pub(super) fn describe_load_balancers(&self, ctx: &Ctx<'_>, form: &Form) -> Result<Value, ApiError> {
        let (arns, names) = (form.list("LoadBalancerArns"), form.list("Names"));
        if !arns.is_empty() && !names.is_empty() {
            return Err(invalid(
                "Load balancer names and load balancer ARNs cannot be specified at the same time",
            ));
        }
        arns.iter().try_for_each(|arn| check(self, arn))?;
        let unknown: Vec<String> = names
            .iter()
            .filter(|name| !self.load_balancers.values().any(|lb| lb.name == **name))
            .map(|name| format!("'{name}'"))
            .collect();
        if !unknown.is_empty() {
            let text = format!("Load balancers '[{}]' not found", unknown.join(", ").replace('\'', ""));
            return Err(bad("LoadBalancerNotFound", text));
        }
        let all = arns.is_empty() && names.is_empty();
        let views = self
            .load_balancers
            .iter()
            .filter(|(arn, lb)| all || arns.contains(arn) || names.contains(&lb.name))
            .map(|(arn, lb)| (arn.clone(), lb.view(arn, ctx.now)))
            .collect();
        paging::page(views, "LoadBalancers", form)
    }

    pub(super) fn delete_load_balancer(&mut self, form: &Form) -> Result<Value, ApiError> {
        let arn = form.require("LoadBalancerArn")?;
        check_arn(arn, "loadbalancer", "load balancer")?;
        // Deleting what is not there succeeds, as the API reference promises.
        let Some(balancer) = self.load_balancers.get(arn) else { return Ok(json!({})) };
        if balancer.attributes.is_on("deletion_protection.enabled") {
            let text =
                format!("Load balancer '{arn}' cannot be deleted because deletion protection is enabled");
            return Err(bad("OperationNotPermitted", text));
        }
        let listeners: Vec<String> =
            self.listeners.iter().filter(|(_, l)| l.load_balancer == arn).map(|(a, _)| a.clone()).collect();
        for listener in listeners {
            self.remove_listener(&listener);
        }
        self.load_balancers.remove(arn);
        self.tags.remove(arn);
        Ok(json!({}))
    }

    pub(super) fn describe_load_balancer_attributes(&self, form: &Form) -> Result<Value, ApiError> {
        Ok(self.balancer(form.require("LoadBalancerArn")?)?.attributes.view())
    }

    pub(super) fn modify_load_balancer_attributes(&mut self, form: &Form) -> Result<Value, ApiError> {
        let balancer = self.balancer_mut(form)?;
        balancer.attributes.modify(form)?;
        Ok(balancer.attributes.view())
    }

    pub(super) fn set_security_groups(&mut self, form: &Form) -> Result<Value, ApiError> {
        let groups = form.list("SecurityGroups");
        check_security_groups(&groups)?;
        let balancer = self.balancer_mut(form)?;
        if groups.is_empty() {
            return Err(crate::form::null_member("SecurityGroups"));
        }
        balancer.security_groups.clone_from(&groups);
        Ok(json!({"SecurityGroupIds": groups}))
    }

    pub(super) fn set_subnets(&mut self, ctx: &Ctx<'_>, form: &Form) -> Result<Value, ApiError> {
        let balancer = self.balancer_mut(form)?;
        balancer.subnets = subnets(form, &balancer.kind)?;
        ctx.region.clone_into(&mut balancer.region);
        Ok(json!({"AvailabilityZones": balancer.zones(), "IpAddressType": balancer.ip_address_type}))
    }
}

fn subnets(form: &Form, kind: &str) -> Result<Vec<String>, ApiError> {
    let mut ids = form.list("Subnets");
    let mapped = form.structs("SubnetMappings");
    if !ids.is_empty() && !mapped.is_empty() {
        return Err(invalid("Subnets and subnet mappings cannot be specified at the same time"));
    }
    ids.extend(mapped.iter().filter_map(|m| m.get("SubnetId").map(str::to_owned)));
    if let Some(odd) = ids.iter().find(|id| !id.starts_with("subnet-")) {
        return Err(bad("SubnetNotFound", format!("The subnet ID '{odd}' is not valid")));
    }
    let distinct: BTreeSet<&String> = ids.iter().collect();
    if distinct.len() != ids.len() {
        return Err(bad(
            "InvalidConfigurationRequest",
            "A load balancer cannot be attached to multiple subnets in the same Availability Zone",
        ));
    }
    match (kind, ids.len()) {
        (_, 0) => Err(invalid("At least one subnet must be specified")),
        ("application", 1) => {
            Err(invalid("At least two subnets in two different Availability Zones must be specified"))
        }
        _ => Ok(ids),
    }
}

fn check_security_groups(ids: &[String]) -> Result<(), ApiError> {
    match ids.iter().find(|id| !id.starts_with("sg-")) {
        Some(odd) => Err(bad("InvalidSecurityGroup", format!("The security group ID '{odd}' is not valid"))),
        None => Ok(()),
    }
}

/// An Application Load Balancer without groups gets the network's default group; others go without.
fn default_security_groups(given: Vec<String>, kind: &str) -> Vec<String> {
    if given.is_empty() && kind == "application" { vec!["sg-0d1e2f3a4b5c60718".to_owned()] } else { given }
}

fn dns_name(ctx: &mut Ctx<'_>, name: &str, kind: &str, internal: bool) -> String {
    let prefix = if internal && kind == "application" { "internal-" } else { "" };
    if kind == "application" {
        let number = ctx.digits(10);
        return format!("{prefix}{name}-{number}.{}.elb.amazonaws.com", ctx.region);
    }
    let id = ctx.hex(16);
    format!("{name}-{id}.elb.{}.amazonaws.com", ctx.region)
}

/// Route 53's zone of a region's load balancers (AWS General Reference, "Elastic Load Balancing
/// endpoints"). Regions that are not listed answer with the zone of us-east-1.
fn hosted_zone(region: &str, kind: &str) -> &'static str {
    let (application, network) = match region {
        "us-east-2" => ("Z3AADJGX6KTTL2", "ZLMOA37VPKANP"),
        "us-west-1" => ("Z368ELLRRE2KJ0", "Z24FKFUX50B4VW"),
        "us-west-2" => ("Z1H1FL5HABSF5", "Z18D5FSROUN65G"),
        "eu-west-1" => ("Z32O12XQLNTSW2", "Z2IFOLAFXWLO4F"),
        "eu-west-2" => ("ZHURV8PSTC4K8", "ZD4D7Y8KGAS4G"),
        "eu-central-1" => ("Z215JYRZR1TBD5", "Z3F0SRJ5LGBH90"),
        "eu-north-1" => ("Z23TAZ6LKFMNIO", "Z1UDT6IFJ4EJM"),
        _ => ("Z35SXDOTRQ7X7K", "Z26RNL4JYFTOTI"),
    };
    if kind == "application" { application } else { network }
}
