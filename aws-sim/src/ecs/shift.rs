//! The state of a deployment whose traffic ECS shifts itself: where its tasks are, at which stage
//! it is, how much of the traffic it has. Sources: see `shifting`, which moves it on.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::input::Fields;

/// Which of the two target groups of a load balancer the tasks of a deployment are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// `targetGroupArn`.
    Declared,
    /// `advancedConfiguration.alternateTargetGroupArn`.
    Alternate,
}

impl Side {
    /// The other one.
    pub(super) fn other(self) -> Self {
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

/// A member of the `advancedConfiguration` of a load balancer of a service.
pub(super) fn advanced<'a>(balancer: &'a Value, member: &str) -> Option<&'a str> {
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
    pub(super) since: Timestamp,
    /// Percent of production traffic that green has after each step.
    pub(super) steps: Vec<f64>,
    /// Steps that were taken.
    pub(super) step: usize,
    pub(super) step_bake_minutes: f64,
    pub(super) bake_minutes: f64,
    /// Percent of test and of production traffic that green has.
    pub(super) test: f64,
    pub(super) production: f64,
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

    /// The stage after this one.
    pub(super) fn next(&self) -> Stage {
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
pub(super) fn weights(percent: f64) -> (i64, i64) {
    let whole = if percent.fract() == 0.0 { 1.0 } else { 10.0 };
    let green = (percent * whole).round() as i64;
    (green, (100.0 * whole) as i64 - green)
}

/// Adds what a ServiceRevisionSummary shows of shifting deployments only.
pub(super) fn add_weights(summary: &mut Value, shift: Option<&Shift>, green: bool) {
    if let (Some(shift), Some(members)) = (shift, summary.as_object_mut())
        && let Value::Object(weights) = shift.weights(green)
    {
        members.extend(weights);
    }
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
