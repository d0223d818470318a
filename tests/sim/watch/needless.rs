//! No write that changes nothing: what AWS shows of a thing before and after an update must differ.

use super::CheckResult;
use super::call::{Parsed, alarm, elb_tags, read, service};
use super::facts::{Disturbance, Facts};
use aws_sim::Sim;
use aws_sim::wire::Service;
use jiff::Timestamp;
use serde_json::{Value, json};

/// What may make a needless write an honest one: it was decided by what was true, or was sent again
/// for want of an answer.
const EXCUSES: [Disturbance; 5] = [
    Disturbance::Wire,
    Disturbance::Double,
    Disturbance::Stale,
    Disturbance::ManualChange,
    Disturbance::Refusals,
];
/// How long an excuse holds after it has ended, in seconds.
const EXCUSED: i64 = 240;

/// State of the checker: the calls that are under way.
#[derive(Debug, Default)]
pub struct Needless {
    before: Vec<(String, Value)>,
}

impl Needless {
    /// Reads the state before a write.
    pub fn before(&mut self, call: &Parsed, sim: &Sim) -> CheckResult {
        if let Some(shown) = shown(call, sim) {
            let id = id(call);
            self.before.retain(|(known, _)| *known != id);
            self.before.push((id, shown));
        }
        Ok(())
    }

    /// Compares the state after it.
    pub fn after(
        &mut self,
        call: &Parsed,
        done: bool,
        facts: &Facts,
        sim: &Sim,
        now: Timestamp,
    ) -> CheckResult {
        let id = id(call);
        let Some(at) = self.before.iter().position(|(known, _)| *known == id) else { return Ok(()) };
        let (_, before) = self.before.swap_remove(at);
        if !done || !facts.quiet(now, EXCUSED, &EXCUSES) || shown(call, sim).as_ref() != Some(&before) {
            return Ok(());
        }
        Err(format!("{} of {} changed nothing: {}", call.operation, call.target(), call.input))
    }
}

fn id(call: &Parsed) -> String {
    format!("{} {}", call.operation, call.input)
}

/// What AWS shows of the thing that a call updates; `None` for calls that make or remove things.
fn shown(call: &Parsed, sim: &Sim) -> Option<Value> {
    let target = call.target();
    match (call.service, call.operation.as_str()) {
        (Service::Ecs, "UpdateService") => {
            let mut shown = service(sim, call.text("cluster"), target)?;
            // Time goes on in these by itself.
            for member in ["events", "runningCount", "pendingCount"] {
                shown.as_object_mut()?.remove(member);
            }
            for deployment in shown["deployments"].as_array_mut()? {
                *deployment =
                    json!([deployment["id"], deployment["desiredCount"], deployment["taskDefinition"]]);
            }
            Some(shown)
        }
        (Service::Ecs, "TagResource") => {
            read(sim, Service::Ecs, "ListTagsForResource", &json!({"resourceArn": target}))
        }
        (Service::Elbv2, "ModifyTargetGroup") => {
            read(sim, Service::Elbv2, "DescribeTargetGroups", &json!({"TargetGroupArns.member.1": target}))
        }
        (Service::Elbv2, "ModifyTargetGroupAttributes") => {
            read(sim, Service::Elbv2, "DescribeTargetGroupAttributes", &json!({"TargetGroupArn": target}))
        }
        (Service::Elbv2, "ModifyRule") => {
            read(sim, Service::Elbv2, "DescribeRules", &json!({"RuleArns.member.1": target}))
        }
        (Service::Elbv2, "ModifyListener") => {
            read(sim, Service::Elbv2, "DescribeListeners", &json!({"ListenerArns.member.1": target}))
        }
        (Service::Cloudwatch, "PutMetricAlarm") => alarm(sim, target).map(|(alarm, _)| alarm),
        (Service::Elbv2, "AddTags") => elb_tags(sim, target),
        (Service::Logs, "PutRetentionPolicy" | "DeleteRetentionPolicy") => {
            read(sim, Service::Logs, "DescribeLogGroups", &json!({"logGroupNamePrefix": target}))
        }
        _ => None,
    }
}
