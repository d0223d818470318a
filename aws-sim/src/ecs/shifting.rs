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
use serde_json::Value;

use super::{
    Ecs, Env,
    input::Fields,
    queue::{after, seconds_between},
    rollout::SETTLED_AFTER,
    service::{Deployment, Service},
    shift::{Shift, Side, Stage, advanced, weights},
};

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
        match stage {
            Stage::Reconcile => self.stop_entangled(env, key, &green, blue.as_deref()),
            // Also what was replaced before it had completed, so that it is nobody's blue.
            Stage::CleanUp => self.stop_entangled(env, key, &green, None),
            _ => {}
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

/// The `loadBalancers` that tasks of a deployment are registered with.
pub(super) fn registered(deployment: &Deployment) -> Vec<Value> {
    deployment.side.balancers(deployment.spec.items("loadBalancers"))
}
