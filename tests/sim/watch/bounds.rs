//! Writes stay within bounds: only known operations, only on what is ours, nothing deleted that is
//! declared or holds data, never below minimum health by our own hand, and by one writer.

use super::CheckResult;
use super::call::{Parsed, alarm, elb_tags, read, service, tag_in};
use super::facts::Facts;
use crate::document::{App, Kind, Part};
use aws_sim::Sim;
use aws_sim::wire::Service;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// How long a version may still be acted on after it was replaced, in seconds: a pass may be slow,
/// or its controller dead for a while.
const STALE_VERSION: i64 = 1800;
const OWNER: &str = "evenkeel.dev/owner";
const COMPONENT: &str = "evenkeel.dev/component";

/// Everything that the controller has a reason to call.
const ALLOWED: [&str; 31] = [
    "RegisterTaskDefinition",
    "DeregisterTaskDefinition",
    "RunTask",
    "StopTask",
    "CreateService",
    "UpdateService",
    "DeleteService",
    "ContinueServiceDeployment",
    "TagResource",
    "UntagResource",
    "CreateTargetGroup",
    "ModifyTargetGroup",
    "ModifyTargetGroupAttributes",
    "DeleteTargetGroup",
    "DeregisterTargets",
    "CreateListener",
    "ModifyListener",
    "DeleteListener",
    "CreateRule",
    "ModifyRule",
    "DeleteRule",
    "SetRulePriorities",
    "AddTags",
    "RemoveTags",
    "CreateLogGroup",
    "PutRetentionPolicy",
    "DeleteRetentionPolicy",
    "TagLogGroup",
    "DeleteLogGroup",
    "PutMetricAlarm",
    "DeleteAlarms",
];

/// State of the checker.
#[derive(Debug, Default)]
pub struct Bounds {
    /// The key of the one controller that may write.
    key: String,
    /// Services (`cluster/name`) that were made with our tag: they stay ours when somebody takes
    /// the tag away.
    ours: BTreeSet<String>,
}

impl Bounds {
    /// A new controller.
    pub fn controller(&mut self, key: &str) {
        key.clone_into(&mut self.key);
    }

    /// Checks a write before it is executed.
    pub fn before(&mut self, call: &Parsed, facts: &Facts, sim: &Sim) -> CheckResult {
        if call.key.as_deref() != Some(self.key.as_str()) {
            return Err(format!(
                "two writers: {} is signed by {:?}, {} is in charge",
                call.operation, call.key, self.key
            ));
        }
        if !ALLOWED.contains(&call.operation.as_str()) {
            return Err(format!("{} is nothing that it has a reason to call", call.operation));
        }
        match call.service {
            Service::Ecs => self.ecs(call, facts, sim),
            Service::Elbv2 => elb(call, facts, sim),
            Service::Logs => logs(call, facts, sim),
            Service::Cloudwatch => alarms(call, facts, sim),
            other => Err(format!("it writes to {other:?}: {}", call.operation)),
        }
    }

    fn ecs(&mut self, call: &Parsed, facts: &Facts, sim: &Sim) -> CheckResult {
        match call.operation.as_str() {
            "RegisterTaskDefinition" | "RunTask" => owned(call, facts).map(|_| ()),
            "CreateService" => {
                owned(call, facts)?;
                self.ours.insert(format!("{}/{}", call.text("cluster"), call.text("serviceName")));
                Ok(())
            }
            "UpdateService" => {
                self.is_ours(call, facts, sim)?;
                update_service(call, facts, sim)
            }
            "DeleteService" => {
                self.is_ours(call, facts, sim)?;
                delete_service(call, facts, sim)
            }
            "StopTask" => stop_task(call, sim),
            "ContinueServiceDeployment" => continued(call, facts),
            "DeregisterTaskDefinition" => deregister_definition(call, sim),
            _ => Ok(()),
        }
    }

    fn is_ours(&self, call: &Parsed, facts: &Facts, sim: &Sim) -> CheckResult {
        let (cluster, name) = (call.text("cluster"), call.text("service"));
        let name = name.rsplit('/').next().unwrap_or(name);
        let Some(found) = service(sim, cluster, name) else { return Ok(()) };
        let owner = tag_in(&found["tags"], OWNER);
        let ours = owner.is_some_and(|owner| facts.names().any(|known| known == owner))
            || (owner.is_none() && self.ours.contains(&format!("{cluster}/{name}")));
        if ours { Ok(()) } else { Err(format!("{} of {name}, which belongs to {owner:?}", call.operation)) }
    }
}

/// Whether what a call makes carries the tag of the deployment whose name it bears.
fn owned<'f>(call: &Parsed, facts: &'f Facts) -> Result<&'f str, String> {
    let name = if call.operation == "RunTask" { call.text("taskDefinition") } else { call.target() };
    let name = name.rsplit('/').next().unwrap_or(name);
    let name = name.split(':').next().unwrap_or(name);
    let deployment = facts
        .deployment_of(name)
        .ok_or_else(|| format!("{} of {name}, which belongs to no deployment", call.operation))?;
    match call.tag(OWNER) {
        Some(owner) if owner == deployment => Ok(deployment),
        owner => Err(format!("{} of {name} carries the owner {owner:?}", call.operation)),
    }
}

/// The part of an application that a service is.
fn part_of<'a>(app: &'a App, service: &str) -> Option<&'a Part> {
    app.declared().find(|part| part.is_service() && app.resource(part) == service)
}

/// Whether a service whose count nobody declares may get tasks again: it went to another cluster,
/// or from its document, which took them from it, and has come back.
fn may_come_back(call: &Parsed, parts: &[&Part], deployment: &str, facts: &Facts, sim: &Sim) -> bool {
    let cluster = call.text("cluster").rsplit('/').next().unwrap_or_default();
    let name = call.text("service").rsplit('/').next().unwrap_or_default();
    let has_none = service(sim, cluster, name).is_some_and(|found| found["desiredCount"] == 0);
    let moved = facts.ever(deployment).any(|app| app.cluster != cluster || part_of(app, name).is_none());
    // Its document was gone, and is back.
    let left = moved || facts.lately(deployment, facts.now, STALE_VERSION).iter().any(Option::is_none);
    has_none && left && parts.iter().any(|part| part.count().is_none())
}

fn update_service(call: &Parsed, facts: &Facts, sim: &Sim) -> CheckResult {
    let name = call.text("service").rsplit('/').next().unwrap_or_default();
    let Some(deployment) = facts.deployment_of(name) else {
        return Err(format!("UpdateService of {name}, which belongs to no deployment"));
    };
    // What ECS has given up starts no more tasks: another try is a new deployment.
    let gave_up = || {
        let services = sim.with(|world| world.region(crate::document::REGION).ecs.services());
        services.iter().any(|one| one.key.ends_with(&format!("/{name}")) && one.rollout == "FAILED")
    };
    if call.input["forceNewDeployment"] == true && !gave_up() {
        return Err(format!("UpdateService of {name} forces a deployment"));
    }
    let parts: Vec<&Part> = facts.ever(deployment).filter_map(|app| part_of(app, name)).collect();
    if let Some(count) = call.input["desiredCount"].as_u64() {
        let declared = parts.iter().any(|part| part.count().is_some_and(|wanted| u64::from(wanted) == count));
        let goes = count == 0 && may_go(name, call.text("cluster"), deployment, facts);
        // Of several, whoever counted them, a singleton has one.
        let is_alone = |part: &&Part| part.kind == Kind::Singleton;
        let alone = count == 1 && parts.iter().any(is_alone);
        if !declared && !goes && !alone && !may_come_back(call, &parts, deployment, facts, sim) {
            return Err(format!("UpdateService scales {name} to {count}, which nobody declared"));
        }
    }
    let least = &call.input["deploymentConfiguration"]["minimumHealthyPercent"];
    if let Some(least) = least.as_u64() {
        let declared = parts.iter().any(|part| match &part.kind {
            Kind::Service(service) => u64::from(service.least) == least,
            _ => least == 0,
        });
        if !declared {
            return Err(format!("UpdateService lets {name} fall to {least} %, which nobody declared"));
        }
    }
    Ok(())
}

/// Whether a service may go: its document or its component was taken out lately, and the document
/// said that things go; or it is declared in another cluster.
fn may_go(service: &str, cluster: &str, deployment: &str, facts: &Facts) -> bool {
    let lately = facts.lately(deployment, facts.now, STALE_VERSION);
    let last = facts.ever(deployment).last();
    lately.iter().any(|version| match version {
        None => last.is_some_and(|app| app.delete),
        Some(app) => app.cluster != cluster || part_of(app, service).is_none(),
    })
}

fn delete_service(call: &Parsed, facts: &Facts, sim: &Sim) -> CheckResult {
    let name = call.text("service").rsplit('/').next().unwrap_or_default();
    let Some(deployment) = facts.deployment_of(name) else {
        return Err(format!("DeleteService of {name}, which belongs to no deployment"));
    };
    if !may_go(name, call.text("cluster"), deployment, facts) {
        return Err(format!("DeleteService of {name}, which is declared"));
    }
    let running = service(sim, call.text("cluster"), name).and_then(|found| found["runningCount"].as_u64());
    if running.unwrap_or(0) > 0 && call.input["force"] != true {
        return Ok(()); // ECS refuses that by itself.
    }
    if running.unwrap_or(0) > 0 {
        return Err(format!("DeleteService forces {name} away while {running:?} of its tasks run"));
    }
    Ok(())
}

/// Only a person says that a paused deployment goes on, or goes back.
fn continued(call: &Parsed, facts: &Facts) -> CheckResult {
    let answer = (call.text("hookId").to_owned(), call.text("action") == "ROLLBACK");
    if facts.answers.contains(&answer) {
        return Ok(());
    }
    Err(format!("{} of {} with {}, which nobody said", call.operation, call.target(), call.input))
}

fn stop_task(call: &Parsed, sim: &Sim) -> CheckResult {
    let id = call.text("task").rsplit('/').next().unwrap_or_default().to_owned();
    let task = sim
        .with(|world| world.region(crate::document::REGION).ecs.tasks())
        .into_iter()
        .find(|task| task.id == id);
    match task.and_then(|task| task.service) {
        Some(service) => Err(format!("StopTask of a task of service {service}")),
        None => Ok(()),
    }
}

fn deregister_definition(call: &Parsed, sim: &Sim) -> CheckResult {
    let arn = call.text("taskDefinition");
    let (services, tasks) = sim.with(|world| {
        let ecs = &world.region(crate::document::REGION).ecs;
        (ecs.services(), ecs.tasks())
    });
    let service =
        services.iter().find(|service| service.status == "ACTIVE" && service.task_definition == arn);
    if let Some(service) = service {
        return Err(format!("DeregisterTaskDefinition of {arn}, which {} runs", service.key));
    }
    // One that is being stopped needs it no more: ECS lets those that run go on, too (ECS developer
    // guide, "Deregistering an Amazon ECS task definition revision").
    let is_ending =
        |status: &str| matches!(status, "DEACTIVATING" | "STOPPING" | "DEPROVISIONING" | "STOPPED");
    let task = tasks.iter().find(|task| !is_ending(task.status) && task.task_definition == arn);
    match task {
        Some(task) => Err(format!("DeregisterTaskDefinition of {arn}, which task {} runs", task.id)),
        None => Ok(()),
    }
}

fn elb(call: &Parsed, facts: &Facts, sim: &Sim) -> CheckResult {
    if call.operation.starts_with("Create") {
        let owner = call.tag(OWNER).unwrap_or_default();
        let known = facts.names().any(|name| name == owner);
        return if known { Ok(()) } else { Err(format!("{} carries the owner {owner:?}", call.operation)) };
    }
    let Some(tags) = elb_tags(sim, call.target()) else { return Ok(()) };
    let Some(owner) = tag_in(&tags, OWNER).filter(|owner| facts.names().any(|name| name == *owner)) else {
        return Err(format!("{} of {}, which is not ours", call.operation, call.target()));
    };
    if call.operation == "DeregisterTargets" {
        return deregister_targets(call, sim);
    }
    if !call.operation.starts_with("Delete") {
        return Ok(());
    }
    let component = tag_in(&tags, COMPONENT).unwrap_or_default();
    let port = port_of(call, sim);
    let balanced = |app: &App, is_it: &dyn Fn(&Part) -> bool| {
        app.declared().any(|part| part.is_balanced() && is_it(part))
    };
    let declared = |app: &App| match call.operation.as_str() {
        "DeleteListener" => port == Some(app.port) && balanced(app, &|_| true),
        "DeleteRule" => {
            port == Some(app.port)
                && balanced(app, &|part| {
                    part.key() == component || part.test_rule().as_deref() == Some(component)
                })
        }
        _ => balanced(app, &|part| {
            let is_it = part.target_group() == component || part.alternate().as_deref() == Some(component);
            is_it && port == Some(part.way.port)
        }),
    };
    let last = facts.ever(owner).last();
    let lately = facts.lately(owner, facts.now, STALE_VERSION);
    let may_go = lately.iter().any(|version| match version {
        None => last.is_some_and(|app| app.delete),
        Some(app) => !declared(app) || is_one_too_many(call, owner, component, app, sim),
    });
    if may_go {
        Ok(())
    } else {
        Err(format!("{} of {owner}'s {component:?}, which is declared", call.operation))
    }
}

/// Whether a rule is not where it is declared, while another one of the same component is: who lost
/// the record between an edit of the priority and its undoing has made two.
fn is_one_too_many(call: &Parsed, owner: &str, component: &str, app: &App, sim: &Sim) -> bool {
    let Some(part) = app.declared().find(|part| part.is_balanced() && part.key() == component) else {
        return false;
    };
    let Some((listener, _)) = call.target().rsplit_once('/') else { return false };
    let listener = json!({"ListenerArn": listener.replacen(":listener-rule/", ":listener/", 1)});
    let Some(found) = read(sim, Service::Elbv2, "DescribeRules", &listener) else { return false };
    let declared = part.way.priority.to_string();
    let stands = |rule: &&Value| rule["Priority"] == declared.as_str();
    let Some(arn) = found["Rules"].as_array().into_iter().flatten().find(stands) else { return false };
    let Some(arn) = arn["RuleArn"].as_str() else { return false };
    let tags = elb_tags(sim, arn).unwrap_or_default();
    let is_its = tag_in(&tags, OWNER) == Some(owner) && tag_in(&tags, COMPONENT) == Some(component);
    is_its && arn != call.target()
}

/// The port of the target group, the listener, or the rule's listener that a call works on.
fn port_of(call: &Parsed, sim: &Sim) -> Option<u16> {
    let target = call.target();
    let (operation, list, named, arn) = if target.contains(":targetgroup/") {
        ("DescribeTargetGroups", "TargetGroups", "TargetGroupArns.member.1", target.to_owned())
    } else if target.contains(":listener-rule/") {
        let (listener, _) = target.rsplit_once('/')?;
        let arn = listener.replacen(":listener-rule/", ":listener/", 1);
        ("DescribeListeners", "Listeners", "ListenerArns.member.1", arn)
    } else {
        ("DescribeListeners", "Listeners", "ListenerArns.member.1", target.to_owned())
    };
    let found = read(sim, Service::Elbv2, operation, &json!({named: arn}))?;
    let port = &found[list][0]["Port"];
    let number = port.as_u64().or_else(|| port.as_str()?.parse().ok())?;
    u16::try_from(number).ok()
}

/// Only addresses that belong to no running task may be taken out.
fn deregister_targets(call: &Parsed, sim: &Sim) -> CheckResult {
    let addresses: BTreeSet<String> = sim
        .with(|world| world.region(crate::document::REGION).ecs.tasks())
        .iter()
        .filter(|task| task.status == "RUNNING")
        .flat_map(|task| {
            let input = json!({"cluster": task.cluster, "tasks": [task.id]});
            let found = read(sim, Service::Ecs, "DescribeTasks", &input).unwrap_or_default();
            let details = found["tasks"][0]["attachments"][0]["details"].clone();
            let address = details
                .as_array()
                .into_iter()
                .flatten()
                .find(|detail| detail["name"] == "privateIPv4Address");
            address.and_then(|detail| detail["value"].as_str()).map(str::to_owned)
        })
        .collect();
    let targets = call.input["Targets"].as_array().cloned().unwrap_or_default();
    let taken = targets
        .iter()
        .find_map(|target| target["Id"].as_str().filter(|id| addresses.contains(*id)).map(str::to_owned));
    match taken {
        Some(address) => Err(format!("DeregisterTargets of {address}, where a task runs")),
        None => Ok(()),
    }
}

/// Alarms of others are left alone, and one that is declared, or that a service lets ECS watch,
/// stays.
fn alarms(call: &Parsed, facts: &Facts, sim: &Sim) -> CheckResult {
    let name = call.target().rsplit(":alarm:").next().unwrap_or_default();
    let deployment = facts.deployment_of(name);
    let deployment =
        deployment.ok_or_else(|| format!("{} of {name}, which belongs to no deployment", call.operation))?;
    let Some((_, tags)) = alarm(sim, name) else {
        let owner = call.tag(OWNER).filter(|_| call.operation == "PutMetricAlarm");
        let made = call.operation != "PutMetricAlarm" || owner == Some(deployment);
        return if made {
            Ok(())
        } else {
            Err(format!("PutMetricAlarm of {name} carries the owner {owner:?}"))
        };
    };
    if tag_in(&tags, OWNER) != Some(deployment) {
        return Err(format!("{} of {name}, which is not ours", call.operation));
    }
    if call.operation != "DeleteAlarms" {
        return Ok(());
    }
    let declared = |app: &App| app.declared().any(|part| part.is_balanced() && app.resource(part) == name);
    let last = facts.ever(deployment).last();
    let may_go = facts.lately(deployment, facts.now, STALE_VERSION).iter().any(|version| match version {
        None => last.is_some_and(|app| app.delete),
        Some(app) => !declared(app),
    });
    if may_go { Ok(()) } else { Err(format!("DeleteAlarms of {name}, which is declared")) }
}

fn logs(call: &Parsed, facts: &Facts, sim: &Sim) -> CheckResult {
    let name = match call.text("logGroupName") {
        "" => call.text("resourceArn").rsplit("log-group:").next().unwrap_or_default(),
        name => name,
    };
    let Some(deployment) = name.strip_prefix("/ecs/").and_then(|rest| facts.deployment_of(rest)) else {
        return Err(format!("{} of {name}, which belongs to no deployment", call.operation));
    };
    if call.operation != "DeleteLogGroup" {
        return Ok(());
    }
    let _: &Sim = sim;
    let last = facts.ever(deployment).last();
    let asked = last.is_some_and(|app| app.delete && app.delete_logs);
    let gone = facts.lately(deployment, facts.now, STALE_VERSION).iter().any(Option::is_none);
    let confirmed = facts.confirmed.contains(deployment);
    if asked && gone && confirmed {
        return Ok(());
    }
    let lacks = json!({"deletionPolicy": asked, "documentGone": gone, "confirmed": confirmed});
    Err(format!("data is lost: DeleteLogGroup of {name} with {}", Value::to_string(&lacks)))
}
