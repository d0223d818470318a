//! What the end of a task says of its work: why it stopped comes first, exit codes second.

use crate::model::observed::{ObservedContainer, ObservedTask};
use crate::model::resource::Tree;
use crate::model::stop::StoppedBy;
use jiff::SignedDuration;

/// What a stopped task says of its work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It ended by itself, and well.
    Done,
    /// It ended by itself and failed, or never started.
    Failed(String),
    /// AWS took it down: nothing is known of its work, and it is run again.
    Interrupted(String),
    /// Evenkeel stopped it for a cause that says nothing of it.
    StoppedByEvenkeel,
    /// Evenkeel stopped it because its time was up.
    StoppedAtDeadline,
    /// A person or another program stopped it.
    StoppedByAnother(String),
}

/// What ECS gives a container to obey the stop signal, where the definition says nothing.
///
/// Source: ECS API, ContainerDefinition.stopTimeout.
const STOP_TIMEOUT: SignedDuration = SignedDuration::from_secs(30);

/// Times of ECS are taken by different clocks.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_secs(1);

impl Ending {
    /// Judges a stopped task by the definition that declares its containers.
    ///
    /// Only `EssentialContainerExited`, or no code, leaves the verdict to the exit codes: in all
    /// other cases ECS has sent the stop signal, which most programs obey with exit code 0. Source:
    /// ECS API, Task.stopCode; ECS developer guide, "Stopped task error codes".
    pub(super) fn of(definition: &Tree, task: &ObservedTask) -> Self {
        let reason = task.stopped_reason.as_deref().unwrap_or_default();
        let why = || match (task.stop_code.as_deref(), reason) {
            (code, "") => code.unwrap_or_default().to_owned(),
            (Some(code), reason) => format!("{reason} ({code})"),
            (None, reason) => reason.to_owned(),
        };
        match task.stop_code.as_deref() {
            Some("UserInitiated") => match StoppedBy::of(reason) {
                StoppedBy::Deadline => Self::StoppedAtDeadline,
                StoppedBy::Evenkeel => Self::StoppedByEvenkeel,
                StoppedBy::Another => Self::StoppedByAnother(why()),
            },
            // The last is what the scheduler of a service does: a task of its own is none of ours.
            Some(
                "SpotInterruption"
                | "TerminationNotice"
                | "InfrastructureHealth"
                | "ServiceSchedulerInitiated",
            ) => Self::Interrupted(why()),
            Some("TaskFailedToStart") => Self::Failed(
                first_failure(definition, task).unwrap_or_else(|| format!("it did not start: {}", why())),
            ),
            // Source: ECS developer guide, "Stopped task error messages" ("Host EC2 (instance id)
            // stopped/terminated").
            None if reason.starts_with("Host EC2") => Self::Interrupted(why()),
            _ => first_failure(definition, task).map_or(Self::Done, Self::Failed),
        }
    }
}

/// The essential container of which the end is no success, if there is one, in words.
///
/// ECS stops the other essential containers when one ends, and does not say which one that was. One
/// that was stopped shows 143, or 137 when it did not obey in time. That is forgiven after another
/// container has ended with 0, one that does work of its own; a kill for want of memory is not.
fn first_failure(definition: &Tree, task: &ObservedTask) -> Option<String> {
    let declared = |name: &str| {
        let containers = definition["containerDefinitions"].as_array();
        containers.into_iter().flatten().find(|container| container["name"] == name)
    };
    let essential = |container: &&ObservedContainer| {
        declared(&container.name).is_none_or(|declared| declared["essential"] != false)
    };
    let essential: Vec<_> = task.containers.iter().filter(essential).collect();
    let works = |container: &ObservedContainer| !is_helper(definition, &container.name);
    let without_helpers = essential.iter().any(|container| works(container));
    let ended_well = |container: &&&ObservedContainer| {
        container.exit_code == Some(0) && (works(container) || !without_helpers)
    };
    let succeeded = essential.iter().any(|container| ended_well(&container));
    let bad = |container: &&&ObservedContainer| {
        let starved = container.reason.as_deref().is_some_and(|reason| reason.starts_with("OutOfMemory"));
        match container.exit_code {
            Some(_) if starved => true,
            Some(0) => false,
            Some(143) => !succeeded,
            Some(137) => !succeeded || !was_killed_after(task, stop_timeout(declared(&container.name))),
            Some(_) | None => true,
        }
    };
    let stop = task.stopped_reason.as_deref().or(task.stop_code.as_deref()).unwrap_or_default();
    match essential.iter().find(bad) {
        None if succeeded => None,
        None => Some(format!("no essential container ended with exit code 0: {stop}")),
        Some(container) => Some(match (container.exit_code, &container.reason) {
            (Some(code), Some(reason)) => format!("container {} exited {code}: {reason}", container.name),
            (Some(code), None) => format!("container {} exited {code}", container.name),
            (None, Some(reason)) => format!("container {} did not start: {reason}", container.name),
            (None, None) => format!("container {} did not start: {stop}", container.name),
        }),
    }
}

/// Whether a container only serves others of its task: it routes their logs, is their proxy, or
/// must run before they start. That it ends with 0 is no success of the task.
fn is_helper(definition: &Tree, name: &str) -> bool {
    let mut containers = definition["containerDefinitions"].as_array().into_iter().flatten();
    let serves = |container: &Tree| {
        let mut needs = container["dependsOn"].as_array().into_iter().flatten();
        needs.any(|on| {
            on["containerName"] == name && matches!(on["condition"].as_str(), Some("START" | "HEALTHY"))
        })
    };
    definition["proxyConfiguration"]["containerName"] == name
        || containers.any(|container| {
            (container["name"] == name && container["firelensConfiguration"].is_object()) || serves(container)
        })
}

fn stop_timeout(container: Option<&Tree>) -> SignedDuration {
    let declared = container.and_then(|container| container["stopTimeout"].as_i64());
    declared.map_or(STOP_TIMEOUT, SignedDuration::from_secs)
}

/// Whether so much time passed between the stop signal and the end that ECS may have killed what
/// did not obey. Without the times nothing says so.
fn was_killed_after(task: &ObservedTask, timeout: SignedDuration) -> bool {
    let took = task.stopping_at.zip(task.execution_stopped_at);
    took.is_some_and(|(asked, ended)| ended.duration_since(asked) >= timeout - CLOCKS_DIFFER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use serde_json::json;

    fn ended(name: &str, exit_code: Option<i32>, reason: Option<&str>) -> ObservedContainer {
        ObservedContainer { name: name.into(), exit_code, reason: reason.map(str::to_owned) }
    }

    /// A stopped task of which the containers took so many seconds to end.
    fn stopped(
        code: Option<&str>,
        reason: &str,
        containers: &[ObservedContainer],
        seconds: i64,
    ) -> ObservedTask {
        let at = Timestamp::UNIX_EPOCH;
        ObservedTask {
            arn: "arn:aws:ecs:eu-west-1:123456789012:task/c/t1".into(),
            task_definition: "arn:aws:ecs:eu-west-1:123456789012:task-definition/m:1".into(),
            last_status: "STOPPED".into(),
            started_by: None,
            created_at: None,
            stopping_at: Some(at),
            execution_stopped_at: Some(at + SignedDuration::from_secs(seconds)),
            stopped_at: Some(at + SignedDuration::from_secs(seconds + 5)),
            stop_code: code.map(str::to_owned),
            stopped_reason: Some(reason.to_owned()),
            containers: containers.to_vec(),
            health: None,
            addresses: vec![],
        }
    }

    fn judged(definition: &Tree, containers: &[ObservedContainer], seconds: i64) -> Option<String> {
        let code = Some("EssentialContainerExited");
        let task = stopped(code, "Essential container in task exited", containers, seconds);
        match Ending::of(definition, &task) {
            Ending::Done => None,
            Ending::Failed(why) => Some(why),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn why_a_task_stopped_decides_before_its_exit_codes() {
        let definition = json!({"containerDefinitions": [{"name": "m"}]});
        let obeyed = [ended("m", Some(0), None)];
        let end =
            |code: Option<&str>, reason: &str| Ending::of(&definition, &stopped(code, reason, &obeyed, 1));
        let user = Some("UserInitiated");
        assert_eq!(end(Some("EssentialContainerExited"), "Essential container in task exited"), Ending::Done);
        assert_eq!(end(None, ""), Ending::Done);
        assert_eq!(end(user, "Evenkeel: not done by 1970-01-01T00:00:00Z"), Ending::StoppedAtDeadline);
        assert_eq!(end(user, "Evenkeel: no longer declared"), Ending::StoppedByEvenkeel);
        let by_hand = Ending::StoppedByAnother("Task stopped by user (UserInitiated)".to_owned());
        assert_eq!(end(user, "Task stopped by user"), by_hand);
        assert_eq!(end(user, ""), Ending::StoppedByAnother("UserInitiated".to_owned()));
        for code in ["SpotInterruption", "TerminationNotice", "InfrastructureHealth"] {
            let interrupted = Ending::Interrupted(format!("Your Spot Task was interrupted. ({code})"));
            assert_eq!(end(Some(code), "Your Spot Task was interrupted."), interrupted);
        }
        let host = end(None, "Host EC2 (instance i-1) terminated.");
        assert!(matches!(host, Ending::Interrupted(_)), "{host:?}");
        let failed = end(Some("TaskFailedToStart"), "ResourceInitializationError");
        assert!(matches!(&failed, Ending::Failed(why) if why.contains("ResourceInitializationError")));
    }

    #[test]
    fn what_the_exit_codes_of_several_containers_say_together() {
        let definition = json!({"containerDefinitions": [
            {"name": "migrate"}, {"name": "log", "essential": true}, {"name": "side", "essential": false}]});
        let starved = Some("OutOfMemoryError: Container killed due to memory usage");
        for (containers, expected) in [
            (vec![ended("migrate", Some(0), None)], None),
            (vec![ended("migrate", Some(0), None), ended("log", Some(0), None)], None),
            (vec![ended("migrate", Some(0), None), ended("log", Some(143), None)], None),
            (vec![ended("migrate", Some(0), None), ended("log", None, None)], Some("log did not start")),
            (
                vec![ended("migrate", Some(0), None), ended("log", Some(2), None)],
                Some("container log exited 2"),
            ),
            (vec![ended("migrate", Some(0), None), ended("side", Some(1), None)], None),
            (vec![ended("side", Some(0), None)], Some("no essential container ended with exit code 0")),
            (
                vec![ended("migrate", Some(137), starved), ended("log", Some(0), None)],
                Some("exited 137: OutOfMemory"),
            ),
            (
                vec![ended("migrate", Some(137), None), ended("log", Some(0), None)],
                Some("migrate exited 137"),
            ),
            (vec![ended("migrate", Some(143), None)], Some("migrate exited 143")),
            (vec![ended("migrate", Some(1), None)], Some("container migrate exited 1")),
            (vec![ended("migrate", None, Some("CannotPull"))], Some("did not start: CannotPull")),
            (vec![ended("migrate", None, None)], Some("did not start: Essential container in task exited")),
            (vec![], Some("no essential container ended")),
        ] {
            match (judged(&definition, &containers, 5), expected) {
                (None, None) => {}
                (Some(why), Some(expected)) if why.contains(expected) => {}
                (judged, _) => panic!("{judged:?} for {containers:?}"),
            }
        }
    }

    #[test]
    fn a_kill_is_forgiven_only_when_the_time_to_obey_was_over() {
        let definition =
            json!({"containerDefinitions": [{"name": "migrate"}, {"name": "log", "stopTimeout": 10}]});
        let killed = [ended("migrate", Some(0), None), ended("log", Some(137), None)];
        assert_eq!(judged(&definition, &killed, 10), None);
        assert!(judged(&definition, &killed, 5).is_some(), "it was killed by something else");
        let other = [ended("migrate", Some(137), None), ended("log", Some(0), None)];
        assert!(judged(&definition, &other, 10).is_some(), "it had 30 s");
        assert_eq!(judged(&definition, &other, 30), None);
        let mut untimed = stopped(None, "", &killed, 60);
        untimed.execution_stopped_at = None;
        assert!(matches!(Ending::of(&definition, &untimed), Ending::Failed(_)));
    }

    #[test]
    fn a_helper_that_ends_well_is_no_success_of_the_task() {
        for definition in [
            json!({"containerDefinitions": [{"name": "m"}, {"name": "h", "firelensConfiguration": {"type": "fluentbit"}}]}),
            json!({"containerDefinitions": [{"name": "m"}, {"name": "h"}], "proxyConfiguration": {"containerName": "h"}}),
            json!({"containerDefinitions": [
                {"name": "m", "dependsOn": [{"containerName": "h", "condition": "HEALTHY"}]}, {"name": "h"}]}),
        ] {
            let stopped = [ended("m", Some(143), None), ended("h", Some(0), None)];
            assert!(judged(&definition, &stopped, 5).is_some(), "{definition}");
            let done = [ended("m", Some(0), None), ended("h", Some(143), None)];
            assert_eq!(judged(&definition, &done, 5), None, "{definition}");
        }
        let first = json!({"containerDefinitions": [
            {"name": "m", "dependsOn": [{"containerName": "h", "condition": "SUCCESS"}]}, {"name": "h"}]});
        assert_eq!(judged(&first, &[ended("m", Some(143), None), ended("h", Some(0), None)], 5), None);
    }
}
