//! Deployments whose traffic ECS shifts itself: BLUE_GREEN, LINEAR and CANARY.
//!
//! Tasks of the new revision (green) start beside those of the old one (blue) and are registered
//! in the other of the two target groups of `loadBalancers[]`: `targetGroupArn` and
//! `advancedConfiguration.alternateTargetGroupArn`. The test rule and then the production rule are
//! rewritten to forward to both groups by weight. Once the bake time is over, blue stops.
//!
//! Sources: API reference of DeploymentConfiguration (strategies, steps and their defaults),
//! ServiceDeployment (`lifecycleStage`), ServiceRevisionSummary (weights) and
//! ServiceRevisionLoadBalancer; Developer Guide, "Amazon ECS blue/green service deployments
//! workflow"; live observations in go-to-k/cdk-real-drift#1730 (the production rule is rewritten
//! to weights, 100 for the alternate group after the first deployment) and #1732 (tasks are found
//! in the alternate group); hashicorp/terraform-provider-aws#45678 (groups alternate),
//! hashicorp/terraform-provider-aws#43434 (a bake time is waited for in updates).
//!
//! Guesses, for want of a source: the first deployment, which has nothing to go back to, shifts
//! all of its traffic at once and does not bake. A deployment that fails without rollback sends its
//! traffic back to blue, and the tasks of neither revision stop. Green's group is given weight 0
//! before its tasks start, as CodeDeploy does, so that it is checked. With strategy ROLLING tasks
//! are registered in `targetGroupArn`, and no rule is changed. Every stage takes a pass of the
//! scheduler.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Ecs, Env,
    input::Fields,
    queue::{after, seconds_between},
    rollout::SETTLED_AFTER,
    service::{Deployment, Rollout, Service},
};

/// Which of the two target groups of a load balancer the tasks of a deployment are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// `targetGroupArn`.
    Declared,
    /// `advancedConfiguration.alternateTargetGroupArn`.
    Alternate,
}

impl Side {
    fn other(self) -> Self {
        match self {
            Self::Declared => Self::Alternate,
            Self::Alternate => Self::Declared,
        }
    }

    /// The target group of a load balancer of a service on this side.
    pub(super) fn group(self, balancer: &Value) -> Option<&str> {
        let declared = balancer.text("targetGroupArn");
        match self {
            Self::Declared => declared,
            Self::Alternate => advanced(balancer, "alternateTargetGroupArn").or(declared),
        }
    }

    /// The `loadBalancers` of a service as tasks on this side are registered.
    pub(super) fn balancers(self, declared: &[Value]) -> Vec<Value> {
        let of = |balancer: &Value| {
            let mut own = balancer.clone();
            if let Some(group) = self.group(balancer) {
                own["targetGroupArn"] = group.into();
            }
            own
        };
        declared.iter().map(of).collect()
    }

    /// `resolvedConfiguration` of a service revision on this side.
    pub(super) fn resolved(self, declared: &[Value]) -> Value {
        let of = |balancer: &Value| {
            let mut own = json!({"targetGroupArn": self.group(balancer)?});
            if let Some(rule) = advanced(balancer, "productionListenerRule") {
                own["productionListenerRule"] = rule.into();
            }
            Some(own)
        };
        json!({"loadBalancers": declared.iter().filter_map(of).collect::<Vec<_>>()})
    }
}

fn advanced<'a>(balancer: &'a Value, member: &str) -> Option<&'a str> {
    balancer.get("advancedConfiguration").and_then(|own| own.text(member))
}

/// A lifecycle stage, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Reconcile,
    PreScaleUp,
    ScaleUp,
    PostScaleUp,
    Test,
    PostTest,
    PreProduction,
    Production,
    PostProduction,
    Bake,
    CleanUp,
}

impl Stage {
    /// As the API names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Reconcile => "RECONCILE_SERVICE",
            Self::PreScaleUp => "PRE_SCALE_UP",
            Self::ScaleUp => "SCALE_UP",
            Self::PostScaleUp => "POST_SCALE_UP",
            Self::Test => "TEST_TRAFFIC_SHIFT",
            Self::PostTest => "POST_TEST_TRAFFIC_SHIFT",
            Self::PreProduction => "PRE_PRODUCTION_TRAFFIC_SHIFT",
            Self::Production => "PRODUCTION_TRAFFIC_SHIFT",
            Self::PostProduction => "POST_PRODUCTION_TRAFFIC_SHIFT",
            Self::Bake => "BAKE_TIME",
            Self::CleanUp => "CLEAN_UP",
        }
    }
}

/// Where a deployment that shifts traffic is.
#[derive(Debug, Clone)]
pub(super) struct Shift {
    pub(super) stage: Stage,
    /// Since when.
    since: Timestamp,
    /// Percent of production traffic that green has after each step.
    steps: Vec<f64>,
    /// Steps that were taken.
    pub(super) step: usize,
    step_bake_minutes: f64,
    bake_minutes: f64,
    /// Percent of test and of production traffic that green has.
    test: f64,
    production: f64,
}

impl Shift {
    /// The shift of a deployment that begins now; `None` for ROLLING. `first`: nothing has
    /// completed before. `tangled`: more than one older revision is active.
    pub(super) fn start(configuration: &Value, first: bool, tangled: bool, now: Timestamp) -> Option<Self> {
        let minutes = |of: &Value, name: &str| of[name].as_f64().unwrap_or(0.0);
        let (linear, canary) = (&configuration["linearConfiguration"], &configuration["canaryConfiguration"]);
        let (steps, step_bake_minutes) = match configuration.text("strategy") {
            None | Some("ROLLING") => return None,
            Some("LINEAR") => {
                (even_steps(minutes(linear, "stepPercent")), minutes(linear, "stepBakeTimeInMinutes"))
            }
            Some("CANARY") => {
                (vec![minutes(canary, "canaryPercent"), 100.0], minutes(canary, "canaryBakeTimeInMinutes"))
            }
            Some(_) => (vec![100.0], 0.0),
        };
        Some(Self {
            stage: if tangled { Stage::Reconcile } else { Stage::PreScaleUp },
            since: now,
            steps: if first { vec![100.0] } else { steps },
            step: 0,
            step_bake_minutes,
            bake_minutes: if first { 0.0 } else { minutes(configuration, "bakeTimeInMinutes") },
            test: 0.0,
            production: 0.0,
        })
    }

    /// The weights of a ServiceRevisionSummary.
    pub(super) fn weights(&self, green: bool) -> Value {
        let of = |percent: f64| if green { percent } else { 100.0 - percent };
        json!({"requestedTestTrafficWeight": of(self.test), "requestedProductionTrafficWeight": of(self.production)})
    }

    fn next(&self) -> Stage {
        match self.stage {
            Stage::Reconcile => Stage::PreScaleUp,
            Stage::PreScaleUp => Stage::ScaleUp,
            Stage::ScaleUp => Stage::PostScaleUp,
            Stage::PostScaleUp => Stage::Test,
            Stage::Test => Stage::PostTest,
            Stage::PostTest => Stage::PreProduction,
            Stage::PreProduction => Stage::Production,
            // The stages before and of a shift come again for each step (API reference,
            // DeploymentLifecycleHook).
            Stage::Production if self.step < self.steps.len() => Stage::PreProduction,
            Stage::Production => Stage::PostProduction,
            Stage::PostProduction => Stage::Bake,
            Stage::Bake | Stage::CleanUp => Stage::CleanUp,
        }
    }
}

/// Equal steps up to all of it. Source: API reference, LinearConfiguration.
fn even_steps(percent: f64) -> Vec<f64> {
    let each = if percent > 0.0 { percent } else { 10.0 };
    let mut steps = Vec::new();
    let mut sum = each;
    while sum < 99.95 {
        steps.push((sum * 10.0).round() / 10.0);
        sum += each;
    }
    steps.push(100.0);
    steps
}

/// Weights of a rule for a percentage. That tenths are weighed by the thousand is a guess.
fn weights(percent: f64) -> (i64, i64) {
    let whole = if percent.fract() == 0.0 { 1.0 } else { 10.0 };
    let green = (percent * whole).round() as i64;
    (green, (100.0 * whole) as i64 - green)
}

impl Ecs {
    /// On which side the tasks of a deployment that begins now are.
    pub(super) fn side_of_next(service: &Service) -> Side {
        let configuration = service.spec.get("deploymentConfiguration");
        match configuration.and_then(|own| own.text("strategy")) {
            None | Some("ROLLING") => Side::Declared,
            Some(_) => service.last_good.as_ref().map_or(Side::Alternate, |blue| blue.side.other()),
        }
    }

    /// The shift of the primary deployment and whether it is under way; `None` when it rolls, has
    /// completed or is what another was rolled back to.
    pub(super) fn shift_of(&self, key: &str) -> Option<(&Shift, bool)> {
        let service = self.services.get(key)?;
        let primary = service.deployments.first().filter(|each| each.state != "COMPLETED")?;
        let rollout = service.history.iter().rev().find(|rollout| rollout.deployment == primary.id)?;
        let ours = rollout.status == "IN_PROGRESS" || primary.given_up;
        rollout.shift.as_ref().filter(|_| ours).map(|shift| (shift, rollout.status == "IN_PROGRESS"))
    }

    /// A pass over a service whose primary deployment shifts traffic.
    pub(super) fn shift_pass(&mut self, env: &mut Env<'_>, key: &str) {
        let under_way = self.shift_of(key).is_some_and(|(_, under_way)| under_way);
        let Some((green, blue)) = self.green_and_blue(key) else { return };
        if !under_way {
            self.keep_tasks(env, key, blue.as_deref(), true);
            return;
        }
        let Some(stage) = self.shift_of(key).map(|(shift, _)| shift.stage) else { return };
        self.keep_tasks(env, key, blue.as_deref(), stage < Stage::CleanUp);
        self.keep_tasks(env, key, Some(&green), stage >= Stage::ScaleUp);
        if stage == Stage::Reconcile {
            self.stop_entangled(env, key, &green, blue.as_deref());
        }
        let given_up = self.fail_by_alarm(env, key) || self.fail_by_breaker(env, key);
        if given_up || self.is_held(env, key, stage.name()) {
            return;
        }
        if self.is_stage_over(env, key, blue.as_deref()) {
            self.next_stage(env, key);
        }
    }

    /// The ids of the primary deployment and of the one that it replaces.
    fn green_and_blue(&self, key: &str) -> Option<(String, Option<String>)> {
        let service = self.services.get(key)?;
        let green = service.deployments.first()?.id.clone();
        let blue = service.last_good.as_ref().map(|good| good.id.clone()).filter(|id| *id != green);
        Some((green, blue))
    }

    fn keep_tasks(&mut self, env: &mut Env<'_>, key: &str, deployment: Option<&str>, wanted: bool) {
        let Some(deployment) = deployment else { return };
        let Some(service) = self.services.get(key) else { return };
        let count = if wanted { service.desired } else { 0 };
        let own = self.wanted_tasks(service, |id| id == deployment);
        let known = service.deployments.iter().any(|each| each.id == deployment);
        let waits = service.hold_until.is_some_and(|until| until > env.ctx.now);
        if own.len() > count {
            self.stop_listed(env, key, &own[count..]);
        } else if known && !waits {
            self.start_tasks(env, key, deployment, count - own.len());
        }
    }

    /// The ids of tasks that are meant to run, of some deployments.
    fn wanted_tasks(&self, service: &Service, of: impl Fn(&str) -> bool) -> Vec<String> {
        let tasks = self.tasks_of(service);
        tasks.iter().filter(|task| task.wanted && of(&task.deployment)).map(|task| task.id.clone()).collect()
    }

    /// Tasks of revisions that are neither green nor blue stop before anything is started.
    fn stop_entangled(&mut self, env: &mut Env<'_>, key: &str, green: &str, blue: Option<&str>) {
        let Some(service) = self.services.get(key) else { return };
        let stops = self.wanted_tasks(service, |id| id != green && Some(id) != blue);
        self.stop_listed(env, key, &stops);
        let busy = self.services.get(key).map(|service| self.busy_deployments(service)).unwrap_or_default();
        let Some(service) = self.service_mut(key) else { return };
        service
            .deployments
            .retain(|each| each.id == green || Some(each.id.as_str()) == blue || busy.contains(&each.id));
    }

    fn is_stage_over(&mut self, env: &mut Env<'_>, key: &str, blue: Option<&str>) -> bool {
        let now = env.ctx.now;
        let (good, _) = self.primary_health(env, key);
        let settled = self.settled_since(key, good, now);
        let Some(service) = self.services.get(key) else { return false };
        let Some(rollout) = service.history.last() else { return false };
        let Some((shift, _)) = self.shift_of(key) else { return false };
        let passed = |minutes: f64| now >= after(shift.since, minutes * 60.0);
        match shift.stage {
            Stage::Reconcile => service.deployments.iter().skip(1).all(|each| Some(each.id.as_str()) == blue),
            Stage::ScaleUp => settled.is_some_and(|since| seconds_between(since, now) >= SETTLED_AFTER),
            Stage::Production => shift.step == shift.steps.len() || passed(shift.step_bake_minutes),
            Stage::Bake => {
                settled.is_some() && passed(shift.bake_minutes) && !rollout.alarms.is_baking(shift.since, now)
            }
            Stage::CleanUp => {
                let busy = self.busy_deployments(service);
                good && service.deployments.iter().skip(1).all(|each| !busy.contains(&each.id))
            }
            _ => true,
        }
    }

    fn settled_since(&mut self, key: &str, good: bool, now: Timestamp) -> Option<Timestamp> {
        let primary = self.services.get_mut(key)?.deployments.first_mut()?;
        primary.good_since = if good { primary.good_since.or(Some(now)) } else { None };
        primary.good_since
    }

    fn next_stage(&mut self, env: &mut Env<'_>, key: &str) {
        let now = env.ctx.now;
        let Some((green, _)) = self.green_and_blue(key) else { return };
        let Some(rollout) = self.service_mut(key).and_then(|service| service.rollout(&green)) else { return };
        let Some(shift) = &mut rollout.shift else { return };
        if shift.stage == Stage::CleanUp {
            self.complete(env, key);
            self.let_go(key);
            return;
        }
        shift.stage = shift.next();
        shift.since = now;
        rollout.updated_at = now;
        match shift.stage {
            Stage::Test => shift.test = 100.0,
            Stage::Production => {
                shift.production = shift.steps.get(shift.step).copied().unwrap_or(100.0);
                shift.step += 1;
            }
            Stage::ScaleUp => {}
            _ => return,
        }
        self.move_traffic(env, key);
    }

    /// Writes the rules of the primary deployment's load balancers as its shift says.
    fn move_traffic(&mut self, env: &mut Env<'_>, key: &str) {
        let Some(service) = self.services.get(key) else { return };
        let (Some(primary), Some((shift, _))) = (service.deployments.first(), self.shift_of(key)) else {
            return;
        };
        let (test, production) = (weights(shift.test), weights(shift.production));
        let tests = shift.stage >= Stage::Test;
        let mut said = Vec::new();
        for balancer in primary.spec.items("loadBalancers") {
            said.extend(weigh(env, balancer, "productionListenerRule", primary.side, production));
            if tests {
                said.extend(weigh(env, balancer, "testListenerRule", primary.side, test));
            }
        }
        for text in said {
            self.service_event(env, Some(key), &text);
        }
    }

    /// A deployment failed: what it had of the traffic goes back.
    pub(super) fn send_back(&mut self, env: &mut Env<'_>, key: &str, deployment: &str) {
        let Some(service) = self.service_mut(key) else { return };
        let Some(good) = service.last_good.clone().filter(|good| good.id != deployment) else { return };
        let Some(shift) = service.rollout(deployment).and_then(|rollout| rollout.shift.as_mut()) else {
            return;
        };
        let tested = shift.stage >= Stage::Test;
        (shift.test, shift.production) = (0.0, 0.0);
        for balancer in good.spec.items("loadBalancers") {
            weigh(env, balancer, "productionListenerRule", good.side, weights(100.0));
            if tested {
                weigh(env, balancer, "testListenerRule", good.side, weights(100.0));
            }
        }
    }

    fn fail_by_breaker(&mut self, env: &mut Env<'_>, key: &str) -> bool {
        let Some(service) = self.services.get(key) else { return false };
        let Some(primary) = service.deployments.first() else { return false };
        let trips = super::rollout::trips(primary, service.desired);
        if trips {
            self.break_circuit(env, key);
        }
        trips
    }
}

/// Gives one side of a load balancer these weights in one of its rules. Answers what the service
/// has to say when there is no such rule; the words are this simulator's.
fn weigh(
    env: &mut Env<'_>,
    balancer: &Value,
    rule: &str,
    side: Side,
    (own, other): (i64, i64),
) -> Option<String> {
    let rule = advanced(balancer, rule)?;
    let (green, blue) = (side.group(balancer)?, side.other().group(balancer)?);
    if green == blue {
        return None;
    }
    let mut pair = [(green.to_owned(), own), (blue.to_owned(), other)];
    if side == Side::Alternate {
        pair.reverse();
    }
    let missing = !env.elbv2.weigh(&env.ctx, rule, &pair);
    missing.then(|| format!("failed to shift traffic: (rule {rule}) does not exist."))
}

/// Adds what a ServiceRevisionSummary shows of shifting deployments only.
pub(super) fn add_weights(summary: &mut Value, rollout: &Rollout, green: bool) {
    if let (Some(shift), Some(members)) = (&rollout.shift, summary.as_object_mut())
        && let Value::Object(weights) = shift.weights(green)
    {
        members.extend(weights);
    }
}

/// The `loadBalancers` that tasks of a deployment are registered with.
pub(super) fn registered(deployment: &Deployment) -> Vec<Value> {
    deployment.side.balancers(deployment.spec.items("loadBalancers"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_steps_end_at_all_of_the_traffic() {
        assert_eq!(even_steps(25.0), [25.0, 50.0, 75.0, 100.0]);
        assert_eq!(even_steps(33.3), [33.3, 66.6, 99.9, 100.0]);
        assert_eq!(even_steps(60.0), [60.0, 100.0]);
        assert_eq!((weights(5.0), weights(0.1), weights(100.0)), ((5, 95), (1, 999), (100, 0)));
    }
}
