//! Target groups: what they are made of, and the calls that make, change, find and delete them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::attributes::Attributes;
use super::checks::{HealthCheck, Kind};
use super::errors::{bad, check_arn, check_name, invalid, target_group_not_found};
use super::target::Target;
use super::{Elbv2, load_balancers, paging, tags};
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::form::Form;

/// One target group.
#[derive(Debug, Clone)]
pub(super) struct TargetGroup {
    pub name: String,
    /// `None` for Lambda functions.
    pub protocol: Option<String>,
    pub version: Option<String>,
    pub port: Option<u16>,
    pub vpc: Option<String>,
    pub target_type: String,
    pub ip_address_type: Option<String>,
    pub check: HealthCheck,
    pub attributes: Attributes,
    /// Targets by id and port.
    pub targets: BTreeMap<(String, u16), Target>,
}

impl TargetGroup {
    /// Reads and checks a CreateTargetGroup request.
    fn create(form: &Form) -> Result<Self, ApiError> {
        let name = form.require("Name")?;
        check_name(name, "Target group")?;
        let target_type = form.get("TargetType").unwrap_or("instance");
        let lambda = target_type == "lambda";
        let protocol = form.get("Protocol");
        let port = form.number("Port")?;
        // pf-elbv2-lambda-target-protocol; the other two by analogy.
        for (is_set, what) in
            [(protocol.is_some(), "Protocol"), (port.is_some(), "Port"), (form.has("VpcId"), "VPC ID")]
        {
            if lambda && is_set {
                return Err(invalid(format!(
                    "{what} cannot be specified for target groups with target type 'lambda'"
                )));
            }
        }
        for (missing, what) in
            [(protocol.is_none(), "protocol"), (port.is_none(), "port"), (!form.has("VpcId"), "VPC ID")]
        {
            if missing && !lambda {
                return Err(invalid(format!("A {what} must be specified")));
            }
        }
        let vpc = form.get("VpcId");
        if vpc.is_some_and(|v| !v.starts_with("vpc-")) {
            return Err(invalid(format!("The VPC ID '{}' is not found", vpc.unwrap_or_default())));
        }
        let version = version(protocol, form)?;
        let ip_address_type = form.get("IpAddressType").unwrap_or("ipv4");
        let kind = Kind {
            protocol: protocol.unwrap_or_default(),
            version: version.unwrap_or_default(),
            target_type,
        };
        Ok(Self {
            name: name.to_owned(),
            protocol: protocol.map(str::to_owned),
            version: version.map(str::to_owned),
            port: port.and_then(|p| u16::try_from(p).ok()),
            vpc: vpc.map(str::to_owned),
            target_type: target_type.to_owned(),
            ip_address_type: (!lambda).then(|| ip_address_type.to_owned()),
            check: HealthCheck::create(kind, form)?,
            attributes: Attributes::of_target_group(kind.protocol, target_type),
            targets: BTreeMap::new(),
        })
    }

    fn kind(&self) -> Kind<'_> {
        Kind {
            protocol: self.protocol.as_deref().unwrap_or_default(),
            version: self.version.as_deref().unwrap_or_default(),
            target_type: &self.target_type,
        }
    }

    /// Whether a second CreateTargetGroup asked for just what is there.
    fn same_settings(&self, other: &Self) -> bool {
        let key =
            |g: &Self| (g.protocol.clone(), g.version.clone(), g.port, g.vpc.clone(), g.target_type.clone());
        key(self) == key(other) && self.ip_address_type == other.ip_address_type && self.check == other.check
    }

    fn view(&self, arn: &str, load_balancers: Vec<String>) -> Value {
        let mut view = self.check.view(self.target_type == "lambda");
        let own = json!({
            "TargetGroupArn": arn,
            "TargetGroupName": self.name,
            "Protocol": self.protocol,
            "ProtocolVersion": self.version,
            "Port": self.port,
            "VpcId": self.vpc,
            "TargetType": self.target_type,
            "IpAddressType": self.ip_address_type,
            "LoadBalancerArns": load_balancers,
        });
        if let (Some(view), Value::Object(own)) = (view.as_object_mut(), own) {
            view.extend(own);
        }
        view
    }
}

/// The version of the protocol that a request asks for: pf-elbv2-tg-protocol-version-http-only,
/// pf-elbv2-tg-protocol-version-values.
fn version<'a>(protocol: Option<&str>, form: &'a Form) -> Result<Option<&'a str>, ApiError> {
    let given = form.get("ProtocolVersion").filter(|version| !version.is_empty());
    match (protocol, given) {
        (Some("HTTP" | "HTTPS"), None) => Ok(Some("HTTP1")),
        (Some("HTTP" | "HTTPS"), Some("HTTP1" | "HTTP2" | "GRPC")) => Ok(given),
        (Some("HTTP" | "HTTPS"), Some(odd)) => Err(invalid(format!(
            "Target group protocol version '{odd}' must be one of '[HTTP2, HTTP1, GRPC]'"
        ))),
        (_, None) => Ok(None),
        (other, Some(_)) => Err(invalid(format!(
            "You cannot specify the protocol version for a target group with the '{}' protocol",
            other.unwrap_or_default()
        ))),
    }
}

impl Elbv2 {
    /// Changes what no call can change in a target group: `Protocol`, `ProtocolVersion`, `Port`,
    /// `VpcId` or `TargetType`. For tests. Answers whether there was such a group and such a
    /// member.
    pub fn alter_target_group(&mut self, arn: &str, member: &str, value: &str) -> bool {
        let Some(group) = self.target_groups.get_mut(arn) else { return false };
        let text = value.to_owned();
        match member {
            "Protocol" => group.protocol = Some(text),
            "ProtocolVersion" => group.version = Some(text),
            "Port" => group.port = text.parse().ok(),
            "VpcId" => group.vpc = Some(text),
            "TargetType" => group.target_type = text,
            _ => return false,
        }
        true
    }

    fn target_group_view(&self, arn: &str) -> Option<Value> {
        Some(self.target_groups.get(arn)?.view(arn, self.load_balancers_of(arn)))
    }

    fn target_group_named(&self, name: &str) -> Option<&str> {
        self.target_groups.iter().find(|(_, g)| g.name == name).map(|(arn, _)| arn.as_str())
    }

    pub(super) fn create_target_group(&mut self, ctx: &mut Ctx<'_>, form: &Form) -> Result<Value, ApiError> {
        let wanted = TargetGroup::create(form)?;
        let tags = tags::read(form)?;
        if let Some(arn) = self.target_group_named(&wanted.name).map(str::to_owned) {
            if !self.target_groups[&arn].same_settings(&wanted) {
                let text = format!(
                    "A target group with the same name '{}' exists, but with different settings",
                    wanted.name
                );
                return Err(bad("DuplicateTargetGroupName", text));
            }
            return Ok(json!({"TargetGroups": [self.target_group_view(&arn)]}));
        }
        let id = ctx.hex(16);
        let arn = ctx.arn("elasticloadbalancing", &format!("targetgroup/{}/{id}", wanted.name));
        self.target_groups.insert(arn.clone(), wanted);
        self.tags.insert(arn.clone(), tags);
        Ok(json!({"TargetGroups": [self.target_group_view(&arn)]}))
    }

    pub(super) fn describe_target_groups(&self, form: &Form) -> Result<Value, ApiError> {
        let (arns, names) = (form.list("TargetGroupArns"), form.list("Names"));
        let load_balancer = form.get("LoadBalancerArn");
        if [!arns.is_empty(), !names.is_empty(), load_balancer.is_some()].iter().filter(|b| **b).count() > 1 {
            return Err(invalid(
                "Target group names, target group ARNs, and a load balancer ARN cannot be specified at the same time",
            ));
        }
        let found: Vec<String> = if let Some(lb) = load_balancer {
            load_balancers::check(self, lb)?;
            self.uses.iter().filter(|(_, by_lb)| by_lb.contains_key(lb)).map(|(arn, _)| arn.clone()).collect()
        } else if !arns.is_empty() {
            arns.iter().try_for_each(|arn| self.group(arn).map(|_| ()))?;
            arns
        } else if !names.is_empty() {
            let arn =
                |n: &String| self.target_group_named(n).map(str::to_owned).ok_or_else(target_group_not_found);
            names.iter().map(arn).collect::<Result<_, _>>()?
        } else {
            self.target_groups.keys().cloned().collect()
        };
        let found: std::collections::BTreeSet<String> = found.into_iter().collect();
        let views =
            found.into_iter().filter_map(|arn| Some((arn.clone(), self.target_group_view(&arn)?))).collect();
        paging::page(views, "TargetGroups", form)
    }

    pub(super) fn modify_target_group(&mut self, ctx: &Ctx<'_>, form: &Form) -> Result<Value, ApiError> {
        let arn = form.require("TargetGroupArn")?;
        let group = self.group(arn)?;
        let check = group.check.clone().with(group.kind(), form)?;
        let group = self.target_groups.get_mut(arn).ok_or_else(target_group_not_found)?;
        if group.check != check {
            group.set_check(check, ctx.now);
        }
        Ok(json!({"TargetGroups": [self.target_group_view(arn)]}))
    }

    pub(super) fn delete_target_group(&mut self, form: &Form) -> Result<Value, ApiError> {
        let arn = form.require("TargetGroupArn")?;
        check_arn(arn, "targetgroup", "target group")?;
        if self.uses.contains_key(arn) {
            return Err(bad(
                "ResourceInUse",
                format!("Target group '{arn}' is currently in use by a listener or a rule"),
            ));
        }
        // Deleting what is not there succeeds: the operation names no error for it.
        self.target_groups.remove(arn);
        self.tags.remove(arn);
        Ok(json!({}))
    }

    pub(super) fn describe_target_group_attributes(&self, form: &Form) -> Result<Value, ApiError> {
        Ok(self.group(form.require("TargetGroupArn")?)?.attributes.view())
    }

    pub(super) fn modify_target_group_attributes(&mut self, form: &Form) -> Result<Value, ApiError> {
        let arn = form.require("TargetGroupArn")?;
        self.group(arn)?;
        let group = self.target_groups.get_mut(arn).ok_or_else(target_group_not_found)?;
        group.attributes.modify(form)?;
        Ok(group.attributes.view())
    }
}
