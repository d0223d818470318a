//! Services whose traffic ECS shifts by itself: how they are declared, who edits that to and fro,
//! and who answers a deployment that is paused.

use super::document::{App, Kind, Part};
use super::scenario::{Edit, Step, What};
use serde_json::{Value, json};
use std::time::Duration;

/// A deployment strategy other than ROLLING.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shift {
    /// Which one.
    pub strategy: Strategy,
    /// `bakeTimeInMinutes`.
    pub bake: u32,
    /// Whether a rule of its own sends testers to the new tasks.
    pub tested: bool,
    /// Where a deployment waits for a person, and whether ECS rolls it back when nobody comes.
    pub pause: Option<(&'static str, bool)>,
}

/// How traffic is shifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// All at once.
    BlueGreen,
    /// So many percent every minute.
    Linear(u32),
    /// So many percent first, and a minute later the rest.
    Canary(u32),
}

/// Stages at which a deployment may be paused.
const STAGES: [&str; 5] = [
    "POST_SCALE_UP",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "PRE_SCALE_UP",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
];
/// Minutes after which ECS goes on without an answer.
const PATIENCE: u32 = 4;
/// Role with which ECS writes rules.
const ROLE: &str = "arn:aws:iam::123456789012:role/sim-infrastructure";

impl Strategy {
    /// As the API names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::BlueGreen => "BLUE_GREEN",
            Self::Linear(_) => "LINEAR",
            Self::Canary(_) => "CANARY",
        }
    }
}

impl Part {
    /// How ECS shifts its traffic, when it stands behind a load balancer and ECS does.
    pub fn shifted(&self) -> Option<Shift> {
        self.shift.filter(|_| self.is_balanced())
    }

    /// Key of the other target group, when there is one.
    pub fn alternate(&self) -> Option<String> {
        self.shifted().map(|_| format!("{}-alt", self.target_group()))
    }

    /// Key of the rule for testers, when there is one.
    pub fn test_rule(&self) -> Option<String> {
        self.shifted().filter(|shift| shift.tested).map(|_| format!("{}-test", self.key()))
    }
}

/// Writes what a strategy asks for into the fields of a service.
pub fn write(part: &Part, fields: &mut Value) {
    let (Some(shift), Some(alternate)) = (part.shifted(), part.alternate()) else { return };
    let mut advanced =
        json!({"alternateTargetGroupArn": alternate, "productionListenerRule": part.key(), "roleArn": ROLE});
    if let Some(rule) = part.test_rule() {
        advanced["testListenerRule"] = json!(rule);
    }
    fields["loadBalancers"][0]["advancedConfiguration"] = advanced;
    let configuration = &mut fields["deploymentConfiguration"];
    configuration["strategy"] = json!(shift.strategy.name());
    configuration["bakeTimeInMinutes"] = json!(shift.bake);
    match shift.strategy {
        Strategy::BlueGreen => {}
        Strategy::Linear(percent) => {
            configuration["linearConfiguration"] =
                json!({"stepPercent": percent, "stepBakeTimeInMinutes": 1});
        }
        Strategy::Canary(percent) => {
            configuration["canaryConfiguration"] =
                json!({"canaryPercent": percent, "canaryBakeTimeInMinutes": 1});
        }
    }
    if let Some((stage, rolls_back)) = shift.pause {
        let action = if rolls_back { "ROLLBACK" } else { "CONTINUE" };
        configuration["lifecycleHooks"] = json!([{"targetType": "PAUSE", "lifecycleStages": [stage],
            "timeoutConfiguration": {"timeoutInMinutes": PATIENCE, "action": action}}]);
    }
}

/// What the rule of a part does: it forwards to both groups where ECS shifts between them and no
/// other rule makes the alternate one known to the load balancer.
pub fn actions(part: &Part) -> Value {
    match part.alternate().filter(|_| part.test_rule().is_none()) {
        Some(alternate) => json!([{"type": "forward", "targetGroups": [
            {"targetGroup": part.target_group(), "weight": 1}, {"targetGroup": alternate, "weight": 0}]}]),
        None => json!([{"type": "forward", "targetGroup": part.target_group()}]),
    }
}

/// The rule for testers.
pub fn test_rule(part: &Part) -> Option<(String, Value)> {
    let (key, alternate) = (part.test_rule()?, part.alternate()?);
    let header = json!({"field": "http-header", "httpHeaderConfig": {"httpHeaderName": "x-test", "values": [part.name]}});
    let rule = json!({"listener": "http", "priority": part.way.priority - 5, "conditions": [header],
        "actions": [{"type": "forward", "targetGroup": alternate}]});
    Some((key, rule))
}

/// Gives services behind a load balancer a strategy, in a fifth of the seeds that have one. What
/// follows are edits of it, and what people say to a pause. Drawn by a chance of its own, so that
/// everything else of a seed is as it was before there were any.
pub fn draw(seed: u64, apps: &mut [App], chaos: Duration) -> Vec<Step> {
    let mut rng = fastrand::Rng::with_seed(seed ^ 0x0073_6869_6674);
    let candidates: Vec<(usize, usize)> = apps
        .iter()
        .enumerate()
        .filter_map(|(app, declared)| Some((app, declared.parts.iter().position(Part::is_balanced)?)))
        .collect();
    if candidates.is_empty() || rng.u8(0..5) > 0 {
        return Vec::new();
    }
    let pauses = rng.bool();
    let mut steps = Vec::new();
    let at = |rng: &mut fastrand::Rng| Duration::from_millis(rng.u64(0..chaos.as_millis() as u64));
    for (app, part) in candidates {
        if rng.u8(0..3) > 0 {
            apps[app].parts[part].shift = Some(shift(&mut rng, pauses));
        }
        for _ in 0..rng.usize(0..=3) {
            let shift = (rng.u8(0..3) > 0).then(|| shift(&mut rng, pauses));
            steps
                .push(Step { at: at(&mut rng), what: What::Edit { app, edit: Edit::Shift { part, shift } } });
        }
        // Most of what is shifted is the work of a new image.
        for version in 5..=5 + rng.u32(0..=2) {
            let edit = Edit::Tag { part, tag: format!("v{version}") };
            steps.push(Step { at: at(&mut rng), what: What::Edit { app, edit } });
        }
        let rolls_back = rng.u8(0..3) == 0;
        for _ in 0..if pauses { rng.usize(2..=8) } else { 0 } {
            let rollback = rolls_back && rng.bool();
            steps.push(Step { at: at(&mut rng), what: What::Answer { app, rollback } });
        }
    }
    steps
}

fn shift(rng: &mut fastrand::Rng, pauses: bool) -> Shift {
    let strategy = match rng.u8(0..4) {
        0 => Strategy::Linear([25, 40, 50][rng.usize(0..3)]),
        1 => Strategy::Canary([5, 20][rng.usize(0..2)]),
        _ => Strategy::BlueGreen,
    };
    let pause = (pauses && rng.u8(0..3) > 0).then(|| (STAGES[rng.usize(0..STAGES.len())], rng.bool()));
    Shift { strategy, bake: rng.u32(0..=2), tested: rng.bool(), pause }
}

/// Gives a service another strategy, where it stands behind a load balancer.
pub fn edit(part: &mut Part, shift: Option<Shift>) {
    if matches!(&part.kind, Kind::Service(service) if service.balanced) {
        part.shift = shift;
    }
}
