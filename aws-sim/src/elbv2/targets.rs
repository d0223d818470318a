//! Targets: registration, draining and health, through the API and for ECS.

use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Elbv2;
use super::answers::{Probe, TargetAnswers};
use super::checks::HealthCheck;
use super::errors::{bad, check_arn, invalid, target_group_not_found};
use super::health::{self, Epoch, State};
use super::target::Target;
use super::target_groups::TargetGroup;
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::form::Form;

/// What DescribeTargetHealth says of one target.
struct TargetHealth {
    state: &'static str,
    reason: Option<&'static str>,
    description: Option<String>,
}

impl TargetHealth {
    fn new(state: &'static str, reason: &'static str, description: impl Into<String>) -> Self {
        Self { state, reason: Some(reason), description: Some(description.into()) }
    }
}

impl TargetGroup {
    /// All targets of the group begin their initial checks, because the group has come into use.
    pub(super) fn restart_checks(&mut self, now: Timestamp) {
        for target in self.targets.values_mut() {
            target.epoch = Epoch::initial(now);
        }
    }

    /// Puts a new health check in place. Targets keep the state they have and are judged anew from
    /// there.
    pub(super) fn set_check(&mut self, check: HealthCheck, now: Timestamp) {
        for ((_, port), target) in &mut self.targets {
            let state = health::state(&self.check, target.probed(*port), now);
            target.epoch = Epoch::carried(now, state);
        }
        self.check = check;
    }

    fn health(&self, id: &str, port: u16, now: Timestamp, in_use: bool) -> Option<TargetHealth> {
        let target = self.targets.get(&(id.to_owned(), port))?;
        if let Some(end) = target.drained_at {
            let draining = || {
                TargetHealth::new(
                    "draining",
                    "Target.DeregistrationInProgress",
                    "Target deregistration is in progress",
                )
            };
            return (now < end).then(draining);
        }
        if !in_use {
            let text = "Target group is not configured to receive traffic from the load balancer";
            return Some(TargetHealth::new("unused", "Target.NotInUse", text));
        }
        if !self.check.enabled {
            let text = "Health checks are disabled for this target group";
            return Some(TargetHealth::new("unavailable", "Target.HealthCheckDisabled", text));
        }
        Some(match health::state(&self.check, target.probed(port), now) {
            State::Initial { registering: true } => TargetHealth::new(
                "initial",
                "Elb.RegistrationInProgress",
                "Target registration is in progress",
            ),
            State::Initial { registering: false } => {
                TargetHealth::new("initial", "Elb.InitialHealthChecking", "Initial health checks in progress")
            }
            State::Healthy => TargetHealth { state: "healthy", reason: None, description: None },
            State::Unhealthy(Probe::Silence) => {
                TargetHealth::new("unhealthy", "Target.FailedHealthChecks", "Health checks failed")
            }
            State::Unhealthy(Probe::Status(code)) => {
                let text = format!("Health checks failed with these codes: [{code}]");
                TargetHealth::new("unhealthy", "Target.ResponseCodeMismatch", text)
            }
        })
    }
}

/// What ECS does with target groups on behalf of its services. None of this is an API call.
impl Elbv2 {
    /// Whether there is a target group with this ARN.
    #[must_use]
    pub fn target_group_exists(&self, arn: &str) -> bool {
        self.target_groups.contains_key(arn)
    }

    /// Whether any listener or rule forwards to the group. CreateService refuses a group without
    /// one.
    #[must_use]
    pub fn target_group_has_listener(&self, arn: &str) -> bool {
        self.uses.contains_key(arn)
    }

    /// The group's target type: `ip`, `instance`, `lambda` or `alb`.
    #[must_use]
    pub fn target_type(&self, arn: &str) -> Option<&str> {
        self.target_groups.get(arn).map(|g| g.target_type.as_str())
    }

    /// Registers a target that answers health checks as given. A target that is registered already
    /// stays as it is; one that is draining begins anew. An unknown group is ignored, because it
    /// may have been deleted meanwhile.
    pub fn register(
        &mut self,
        now: Timestamp,
        tg_arn: &str,
        target_id: &str,
        port: u16,
        answers: TargetAnswers,
    ) {
        let key = (target_id.to_owned(), port);
        self.add_target(tg_arn, key, Target::new(now, answers, None, true));
    }

    /// Begins to drain a target for the group's `deregistration_delay.timeout_seconds`; then it is
    /// gone. In a group that no listener uses it is gone at once.
    pub fn deregister(&mut self, now: Timestamp, tg_arn: &str, target_id: &str, port: u16) {
        let in_use = self.uses.contains_key(tg_arn);
        let Some(group) = self.target_groups.get_mut(tg_arn) else { return };
        group.targets.retain(|_, t| t.drained_at.is_none_or(|end| now < end));
        let key = (target_id.to_owned(), port);
        let delay = group.attributes.number("deregistration_delay.timeout_seconds").unwrap_or(0);
        if !in_use || delay == 0 {
            group.targets.remove(&key);
        } else if let Some(target) = group.targets.get_mut(&key) {
            let end = now.checked_add(jiff::SignedDuration::from_secs(delay)).unwrap_or(Timestamp::MAX);
            target.drained_at.get_or_insert(end);
        }
    }

    /// A target's state: `initial`, `healthy`, `unhealthy`, `draining`, `unused` or `unavailable`.
    /// `None` when it is not registered.
    #[must_use]
    pub fn health(&self, now: Timestamp, tg_arn: &str, target_id: &str, port: u16) -> Option<&'static str> {
        let group = self.target_groups.get(tg_arn)?;
        Some(group.health(target_id, port, now, self.uses.contains_key(tg_arn))?.state)
    }

    fn add_target(&mut self, tg_arn: &str, key: (String, u16), target: Target) {
        let Some(group) = self.target_groups.get_mut(tg_arn) else { return };
        if group.targets.get(&key).is_some_and(|t| t.drained_at.is_none()) {
            return;
        }
        group.targets.insert(key, target);
    }
}

impl Elbv2 {
    /// Says of an address that nothing answers there, from its next registration on.
    pub fn silence(&mut self, address: &str) {
        self.silent.insert(address.to_owned());
    }

    pub(super) fn register_targets(&mut self, ctx: &Ctx<'_>, form: &Form) -> Result<Value, ApiError> {
        let arn = form.require("TargetGroupArn")?.to_owned();
        let group = self.group(&arn)?;
        let mut wanted = Vec::new();
        for target in form.structs("Targets") {
            let (id, port) = named(group, target)?;
            check_target_id(group, &id)?;
            wanted.push((id, port, target.get("AvailabilityZone").map(str::to_owned)));
        }
        if wanted.is_empty() {
            return Err(crate::form::null_member("Targets"));
        }
        for (id, port, zone) in wanted {
            let answers = TargetAnswers { never: self.silent.contains(&id), ..TargetAnswers::default() };
            self.add_target(&arn, (id, port), Target::new(ctx.now, answers, zone, false));
        }
        Ok(json!({}))
    }

    pub(super) fn deregister_targets(&mut self, ctx: &Ctx<'_>, form: &Form) -> Result<Value, ApiError> {
        let arn = form.require("TargetGroupArn")?.to_owned();
        let group = self.group(&arn)?;
        if form.structs("Targets").is_empty() {
            return Err(crate::form::null_member("Targets"));
        }
        let mut gone = Vec::new();
        for target in form.structs("Targets") {
            let id = target.require("Id")?;
            // Without a port, the target leaves on every port that it is registered on.
            match target.number("Port")? {
                Some(_) => gone.push(named(group, target)?),
                None => gone.extend(group.targets.keys().filter(|(known, _)| known == id).cloned()),
            }
        }
        for (id, port) in gone {
            self.deregister(ctx.now, &arn, &id, port);
        }
        Ok(json!({}))
    }

    pub(super) fn describe_target_health(&self, ctx: &Ctx<'_>, form: &Form) -> Result<Value, ApiError> {
        let arn = form.require("TargetGroupArn")?;
        let group = self.group(arn)?;
        let in_use = self.uses.contains_key(arn);
        let asked = form.structs("Targets");
        let keys: Vec<(String, u16)> = if asked.is_empty() {
            group.targets.keys().cloned().collect()
        } else {
            asked.into_iter().map(|t| named(group, t)).collect::<Result<_, _>>()?
        };
        let anomaly = form.list("Include").iter().any(|i| i == "AnomalyDetection" || i == "All");
        let listed = !form.structs("Targets").is_empty();
        let descriptions: Vec<Value> = keys
            .into_iter()
            .filter_map(|(id, port)| {
                let unknown = || {
                    TargetHealth::new(
                        "unused",
                        "Target.NotRegistered",
                        "Target is not registered to the target group",
                    )
                };
                let health = group.health(&id, port, ctx.now, in_use).or_else(|| listed.then(unknown))?;
                Some(describe(group, &id, port, &health, anomaly))
            })
            .collect();
        Ok(json!({"TargetHealthDescriptions": descriptions}))
    }

    /// The target group with this ARN.
    pub(super) fn group(&self, arn: &str) -> Result<&TargetGroup, ApiError> {
        check_arn(arn, "targetgroup", "target group")?;
        self.target_groups.get(arn).ok_or_else(target_group_not_found)
    }
}

fn describe(group: &TargetGroup, id: &str, port: u16, health: &TargetHealth, anomaly: bool) -> Value {
    let registered = group.targets.get(&(id.to_owned(), port));
    let zone = registered.and_then(|t| t.zone.clone());
    let lambda = group.target_type == "lambda";
    json!({
        "Target": {"Id": id, "Port": (!lambda).then_some(port), "AvailabilityZone": zone},
        "HealthCheckPort": (!lambda).then(|| group.check.port_for(port).to_string()),
        "TargetHealth": {"State": health.state, "Reason": health.reason, "Description": health.description},
        "AnomalyDetection": anomaly.then(|| json!({"Result": "normal", "MitigationInEffect": "no"})),
        // Not for a target that is not registered: moto, test_describe_unknown_targets, verified.
        "AdministrativeOverride": registered.map(|_| json!({
            "State": "no_override",
            "Reason": "AdministrativeOverride.NoOverride",
            "Description": "No override is currently active on target",
        })),
    })
}

/// Id and port that a request means; without a port it is the group's.
fn named(group: &TargetGroup, target: &Form) -> Result<(String, u16), ApiError> {
    let id = target.require("Id")?.to_owned();
    let port = target.number("Port")?.and_then(|p| u16::try_from(p).ok()).or(group.port).unwrap_or(0);
    Ok((id, port))
}

fn check_target_id(group: &TargetGroup, id: &str) -> Result<(), ApiError> {
    match group.target_type.as_str() {
        "ip" if id.parse::<Ipv4Addr>().is_err() => {
            Err(invalid(format!("The IP address '{id}' is not a valid IPv4 address")))
        }
        "instance" if !id.starts_with("i-") => {
            Err(bad("InvalidTarget", format!("The following targets are not valid instances: '{id}'")))
        }
        "lambda" | "alb" if !id.starts_with("arn:") => {
            Err(invalid(format!("'{id}' is not a valid target ARN")))
        }
        _ => Ok(()),
    }
}
