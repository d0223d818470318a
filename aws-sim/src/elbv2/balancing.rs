//! Which targets of a target group take a request, and whom a client stays with.

use jiff::Timestamp;

use super::Elbv2;
use super::answers::Probe;
use super::health::{after, seconds};
use super::routing::Forward;
use super::target_groups::TargetGroup;
use crate::traffic::{Outcome, Request};

/// The cookie of a client that stays with a target (user guide, "Sticky sessions": duration-based
/// stickiness is kept in `AWSALB`). Of application-based stickiness nothing is seen here: it begins
/// with a cookie of the application, and targets set none.
const TARGET_COOKIE: &str = "AWSALB";

/// The cookie of a client that stays with a target group (user guide, "Sticky sessions").
const GROUP_COOKIE: &str = "AWSALBTG";

/// The choice that a load balancer has for one target group of a forward action.
#[derive(Debug)]
pub(crate) struct Choice {
    /// ARN of the target group.
    pub group: String,
    /// The group's share of the requests.
    pub weight: u64,
    /// Those who may take the request.
    pub targets: Vec<Reached>,
    /// What the client gets if there are none.
    pub nobody: Outcome,
    /// For how long the client then stays with the target and with the group.
    sticky: (Option<i64>, Option<i64>),
}

/// A target that may take a request.
#[derive(Debug, Clone)]
pub(crate) struct Reached {
    /// Id and port.
    pub id: String,
    /// The port.
    pub port: u16,
    /// Whether ECS registered it: then it is nobody once its task is gone.
    pub of_task: bool,
    /// What it answers if it is there; `None`: nothing.
    pub status: Option<u16>,
}

impl Choice {
    /// The cookies that a client gets from this group and this target.
    pub(crate) fn cookies(&self, target: &Reached, now: Timestamp) -> Vec<String> {
        let until = |duration: i64| after(now, duration as f64).as_second();
        let (target_for, group_for) = self.sticky;
        let own = target_for.map(|duration| {
            let whom = format!("{}|{}:{}", self.group, target.id, target.port);
            format!("{TARGET_COOKIE}={}.{}", hex::encode(whom), until(duration))
        });
        let groups = group_for
            .map(|duration| format!("{GROUP_COOKIE}={}.{}", hex::encode(&self.group), until(duration)));
        own.into_iter().chain(groups).collect()
    }
}

impl Elbv2 {
    /// The choices for a forward: one for each group with a weight, or the one group that the
    /// client stays with. Empty: no group has a weight.
    pub(crate) fn choices(&self, now: Timestamp, forward: &Forward, request: &Request) -> Vec<Choice> {
        let bound = forward.sticky.and_then(|_| stays(request, GROUP_COOKIE, now));
        // A client stays with its group whatever the weights have become, and even if the group has
        // no target any more (answer of AWS's support on re:Post, "ALB to automatically redirect
        // traffic"). A group that the action no longer names is a guess: it is chosen anew.
        let kept = bound.and_then(|arn| forward.groups.iter().find(|(group, _)| *group == arn));
        let weighted = forward.groups.iter().filter(|(_, weight)| *weight > 0);
        let groups: Vec<&(String, u64)> = match kept {
            Some(group) => vec![group],
            None => weighted.collect(),
        };
        groups.into_iter().map(|(arn, weight)| self.choice(now, arn, *weight, forward, request)).collect()
    }

    fn choice(&self, now: Timestamp, arn: &str, weight: u64, forward: &Forward, request: &Request) -> Choice {
        let status = forward.application.then_some(503);
        let mut choice = Choice {
            group: arn.to_owned(),
            weight: weight.max(1),
            targets: Vec::new(),
            nobody: Outcome::lost(status, format!("{} has no registered targets", name_of(arn))),
            sticky: (None, forward.sticky),
        };
        let Some(group) = self.target_groups.get(arn) else { return choice };
        let sticky = group.attributes.is_on("stickiness.enabled");
        choice.targets = self.fit(now, arn, group, request);
        match group.attributes.text("stickiness.type") {
            Some("lb_cookie") if sticky => {
                choice.sticky.0 = group.attributes.number("stickiness.lb_cookie.duration_seconds");
                let bound = stays(request, TARGET_COOKIE, now);
                let whom = |target: &Reached| format!("{arn}|{}:{}", target.id, target.port);
                // A target that is no longer fit is replaced (user guide, "Sticky sessions").
                let kept = choice.targets.iter().position(|target| bound.as_deref() == Some(&whom(target)));
                choice.targets =
                    kept.map(|place| vec![choice.targets[place].clone()]).unwrap_or(choice.targets);
            }
            // "source_ip" of Network Load Balancers: always the same target for the same address.
            Some("source_ip" | "source_ip_dest_ip" | "source_ip_dest_ip_proto") if sticky => {
                let many = choice.targets.len().max(1);
                let place = request.source.to_string().bytes().map(usize::from).sum::<usize>() % many;
                choice.targets = choice.targets.into_iter().skip(place).take(1).collect();
            }
            _ => {}
        }
        choice
    }

    /// The targets that are sent requests. "Each load balancer node routes requests only to the
    /// healthy targets"; "if a target group contains only unhealthy registered targets, the load
    /// balancer routes requests to all those targets" (user guide, "Health checks for target
    /// groups"), more exactly: when fewer are healthy than `unhealthy_state_routing` asks for
    /// ("Target group health"). A draining target gets nothing new ("Deregistration delay"), one in
    /// its initial checks nothing yet ("that target must pass initial health checks", AWS knowledge
    /// center, on failing health checks of Application Load Balancers). That the latter holds for a
    /// group which has no other targets, too, is a guess.
    fn fit(&self, now: Timestamp, arn: &str, group: &TargetGroup, request: &Request) -> Vec<Reached> {
        let state = |id: &str, port| self.health(now, arn, id, port).unwrap_or_default();
        let (mut healthy, mut unhealthy) = (Vec::new(), Vec::new());
        for ((id, port), target) in &group.targets {
            // Health checks of Lambda functions are off by default; without them, all are fit.
            let list = match state(id, *port) {
                "healthy" | "unavailable" => &mut healthy,
                "unhealthy" => &mut unhealthy,
                _ => continue,
            };
            let age = seconds(target.registered, now);
            let answered = match target.answers.probe(age, *port, Some(&request.path)) {
                Probe::Status(status) => Some(status),
                Probe::Silence => None,
            };
            list.push(Reached { id: id.clone(), port: *port, of_task: target.of_task, status: answered });
        }
        if healthy.len() < fewest(group, healthy.len() + unhealthy.len()) {
            healthy.append(&mut unhealthy);
        }
        healthy
    }
}

/// How many targets must be healthy lest all get requests: the higher of number and percentage
/// (user guide, "Target group health").
fn fewest(group: &TargetGroup, registered: usize) -> usize {
    let setting = |unit: &str| {
        let key = format!("target_group_health.unhealthy_state_routing.minimum_healthy_targets.{unit}");
        group.attributes.number(&key).and_then(|number| usize::try_from(number).ok())
    };
    let share = setting("percentage").map_or(0, |percent| (registered * percent).div_ceil(100));
    setting("count").unwrap_or(1).max(share)
}

/// Whom a cookie binds its client to, if it still does.
fn stays(request: &Request, cookie: &str, now: Timestamp) -> Option<String> {
    let (whom, until) = request.cookie(cookie)?.rsplit_once('.')?;
    let until: i64 = until.parse().ok()?;
    let whom = String::from_utf8(hex::decode(whom).ok()?).ok()?;
    (now.as_second() < until).then_some(whom)
}

/// The name in a target group's ARN.
fn name_of(arn: &str) -> &str {
    arn.rsplit('/').nth(1).unwrap_or(arn)
}
