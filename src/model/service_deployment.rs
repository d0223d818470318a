//! How far ECS is with a deployment that it takes through stages: where it stands, what holds it,
//! and what is known of that from pass to pass.

use super::resource::Tree;
use super::seen::Seen;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Whether a service with these fields leaves it to ECS to shift its traffic.
pub fn shifts_traffic(fields: &Tree) -> bool {
    let strategy = fields["deploymentConfiguration"]["strategy"].as_str();
    strategy.is_some_and(|strategy| strategy != "ROLLING")
}

/// ARNs of the target groups of a service, alternates included.
pub fn groups_of(fields: &Tree) -> BTreeSet<&str> {
    let balancers = fields["loadBalancers"].as_array().into_iter().flatten();
    balancers
        .flat_map(|balancer| {
            let alternate = balancer["advancedConfiguration"]["alternateTargetGroupArn"].as_str();
            balancer["targetGroupArn"].as_str().into_iter().chain(alternate)
        })
        .collect()
}

/// A service deployment under way, as ECS shows it. Source: ECS API, ServiceDeployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObservedStage {
    /// Full ARN of the service deployment.
    pub deployment: String,
    /// `PENDING`, `IN_PROGRESS`, `ROLLBACK_IN_PROGRESS` and others.
    pub status: String,
    /// `BLUE_GREEN`, `LINEAR`, `CANARY` or `ROLLING`.
    pub strategy: String,
    /// `PRE_SCALE_UP` … `CLEAN_UP`; ECS shows none of a deployment that has not begun.
    pub stage: Option<String>,
    /// Percent of production traffic that is asked for the new revision, where ECS shifts it.
    pub production: Option<f64>,
    /// Percent of production traffic that is asked for each target group, by ARN; absent where ECS
    /// does not say.
    #[serde(default)]
    pub asked: Seen<BTreeMap<String, f64>>,
    /// Whether production traffic comes by another rule than before it.
    #[serde(default)]
    pub moves_rule: bool,
    /// The hooks that it waits for.
    pub hooks: Vec<ObservedHook>,
}

/// A lifecycle hook that is not over. Source: ECS API, DeploymentLifecycleHookDetail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObservedHook {
    /// Its id, made by ECS when the deployment reached it.
    pub id: String,
    /// Whether it waits for a person: a PAUSE hook in status AWAITING_ACTION.
    pub pauses: bool,
    /// The function that it waits for, when it is one.
    pub target: Option<String>,
    /// When it times out.
    pub until: Option<Timestamp>,
    /// What ECS does then: `CONTINUE` or `ROLLBACK`.
    pub then: Option<String>,
}

impl ObservedStage {
    /// Whether it has production traffic, or ECS goes on to shift some by itself, and may have
    /// begun before a call gets there: its tasks are up, and no person is asked first.
    ///
    /// Source: ECS developer guide, lifecycle stages of blue/green deployments.
    pub fn has_or_gets_traffic(&self) -> bool {
        let scales = ["RECONCILE_SERVICE", "PRE_SCALE_UP", "SCALE_UP"];
        let is_up = self.stage.as_deref().is_some_and(|stage| !scales.contains(&stage));
        self.production.is_some_and(|percent| percent > 0.0) || (is_up && self.pause().is_none())
    }

    /// The hook that waits for a person, when one does.
    pub fn pause(&self) -> Option<&ObservedHook> {
        self.hooks.iter().find(|hook| hook.pauses)
    }

    /// Whether ECS moves no production traffic at present, and for some time: it waits for a
    /// person, or has shifted all of it.
    ///
    /// Source: ECS developer guide, lifecycle stages of blue/green deployments.
    pub fn holds_traffic(&self) -> bool {
        let shifted = matches!(self.stage.as_deref(), Some("BAKE_TIME" | "CLEAN_UP"));
        self.status == "IN_PROGRESS" && (shifted || self.pause().is_some())
    }

    /// Where it stands, in one word or two: another value is progress.
    pub fn place(&self) -> String {
        let stage = self.stage.as_deref().unwrap_or(&self.status);
        let shifted = self.production.filter(|percent| *percent > 0.0 && *percent < 100.0);
        let waits = if self.pause().is_some() { ", paused" } else { "" };
        match shifted {
            Some(percent) => format!("{stage} at {percent} %{waits}"),
            None => format!("{stage}{waits}"),
        }
    }
}

/// `BLUE_GREEN: POST_TEST_TRAFFIC_SHIFT, waits for ctl continue until …`.
impl fmt::Display for ObservedStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !matches!(self.status.as_str(), "PENDING" | "IN_PROGRESS") {
            return write!(f, "{}: {}", self.strategy, self.status);
        }
        let place = self.place();
        write!(f, "{}: {}", self.strategy, place.trim_end_matches(", paused"))?;
        for hook in &self.hooks {
            write!(f, ", {hook}")?;
        }
        Ok(())
    }
}

impl fmt::Display for ObservedHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.target, self.pauses) {
            (_, true) => f.write_str("waits for ctl continue")?,
            (Some(target), false) => write!(f, "waits for its hook {target}")?,
            (None, false) => write!(f, "waits for its hook {}", self.id)?,
        }
        let Some(until) = self.until else { return Ok(()) };
        write!(f, " until {until:.0}")?;
        match self.then.as_deref() {
            Some("CONTINUE") => f.write_str(" (then it goes on)"),
            Some("ROLLBACK") => f.write_str(" (then it rolls back)"),
            _ => Ok(()),
        }
    }
}

/// What is remembered of the stages of a component's deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StageRecord {
    /// Full ARN of the service deployment; records before this field say nothing of it.
    #[serde(default)]
    pub deployment: String,
    /// Whether it was seen to have production traffic, or to be about to: what shows less is older.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_traffic: bool,
    /// [`ObservedStage::place`] when it was last seen.
    pub place: String,
    /// The paused hook that was answered last: it is answered once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<String>,
    /// Since when, at this place, production traffic has not gone where ECS asks it to go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub misdirected_since: Option<Timestamp>,
}

/// What a person answered to a paused deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PauseAnswer {
    /// Full ARN of the service deployment.
    pub deployment: String,
    /// Id of the hook that pauses it.
    pub hook: String,
    /// Whether it is rolled back instead of continued.
    pub rollback: bool,
    /// Who, and why, in words.
    pub because: String,
}

/// A pause as it is reported, with what an answer to it must name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PauseStatus {
    /// Full ARN of the service deployment.
    pub deployment: String,
    /// Id of the hook.
    pub hook: String,
    /// The stage at which it waits.
    pub stage: String,
    /// When it times out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl PauseStatus {
    /// What is reported of a deployment, when it waits for a person.
    pub fn of(stage: &ObservedStage) -> Option<Self> {
        let hook = stage.pause()?;
        Some(Self {
            deployment: stage.deployment.clone(),
            hook: hook.id.clone(),
            stage: stage.stage.clone().unwrap_or_default(),
            until: hook.until,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(pauses: bool) -> ObservedStage {
        let hook = ObservedHook {
            id: "ecs-pause-1".to_owned(),
            pauses,
            target: (!pauses).then(|| "arn:aws:lambda:eu-west-1:1:function:check".to_owned()),
            until: Some("2026-11-29T12:00:00Z".parse().unwrap_or_default()),
            then: Some("ROLLBACK".to_owned()),
        };
        ObservedStage {
            deployment: "arn:aws:ecs:eu-west-1:1:service-deployment/c/web/1".to_owned(),
            status: "IN_PROGRESS".to_owned(),
            strategy: "BLUE_GREEN".to_owned(),
            stage: Some("POST_TEST_TRAFFIC_SHIFT".to_owned()),
            production: Some(0.0),
            asked: Seen::Absent,
            moves_rule: false,
            hooks: vec![hook],
        }
    }

    #[test]
    fn ecs_moves_no_traffic_while_a_person_is_asked_and_once_all_is_shifted() {
        assert!(stage(true).holds_traffic(), "a pause");
        assert!(!stage(false).holds_traffic(), "a function may answer at any moment");
        let at = |status: &str, stage_name: &str, pauses: bool| {
            let (status, name) = (status.to_owned(), Some(stage_name.to_owned()));
            ObservedStage { status, stage: name, ..stage(pauses) }.holds_traffic()
        };
        assert!(at("IN_PROGRESS", "BAKE_TIME", false) && at("IN_PROGRESS", "CLEAN_UP", false));
        assert!(!at("IN_PROGRESS", "PRODUCTION_TRAFFIC_SHIFT", false), "its steps are ECS's");
        assert!(!at("ROLLBACK_IN_PROGRESS", "BAKE_TIME", true), "it goes back at this moment");
    }

    #[test]
    fn a_stage_says_where_it_is_what_it_waits_for_until_when_and_what_comes_then() {
        let paused = stage(true);
        assert_eq!(
            paused.to_string(),
            "BLUE_GREEN: POST_TEST_TRAFFIC_SHIFT, waits for ctl continue until 2026-11-29T12:00:00Z (then it rolls back)"
        );
        assert_eq!(paused.place(), "POST_TEST_TRAFFIC_SHIFT, paused");
        assert_eq!(PauseStatus::of(&paused).map(|pause| pause.hook), Some("ecs-pause-1".to_owned()));
        let tested = stage(false);
        assert!(tested.to_string().contains("waits for its hook arn:aws:lambda"), "{tested}");
        assert_eq!((tested.place().as_str(), tested.pause()), ("POST_TEST_TRAFFIC_SHIFT", None));
        let shifting = ObservedStage {
            strategy: "LINEAR".to_owned(),
            stage: Some("PRODUCTION_TRAFFIC_SHIFT".to_owned()),
            production: Some(40.0),
            hooks: vec![],
            ..paused
        };
        assert_eq!(shifting.to_string(), "LINEAR: PRODUCTION_TRAFFIC_SHIFT at 40 %");
        let back = ObservedStage { status: "ROLLBACK_IN_PROGRESS".to_owned(), ..shifting };
        assert_eq!(back.to_string(), "LINEAR: ROLLBACK_IN_PROGRESS");
    }
}
