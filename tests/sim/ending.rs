//! The end of a run: nothing is broken any more, so within bounded time everything runs as
//! declared, or a status says what holds it and the reason is a good one; and then nothing happens
//! any more.

use super::document::{App, CLUSTERS, REGION};
use super::scenario::{Edit, What};
use super::simulation::Simulation;
use super::watch::Violation;
use super::watch::call::{elb_tags, look, service, tag_in};
use super::watch::records::leaks;
use aws_sim::Sim;
use aws_sim::wire::Service;
use evenkeel::model::arn::family_of;
use evenkeel::model::condition::{ConditionType, Truth};
use evenkeel::model::status::DeploymentStatus;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Longest that it may take, in simulated time: a slow image, a rollout that ECS gives up, the
/// rollback, and the longest backoff.
const CONVERGES_WITHIN: Duration = Duration::from_secs(3600);
/// How long it may still be busy although all is Ready: a rotated secret settles, and what was
/// removed is forgotten once nothing was made for five minutes.
const SETTLES: Duration = Duration::from_secs(380);
/// The same for an address that somebody registered and that belongs to no task: it must be
/// certain.
const STRAY_SETTLES: Duration = Duration::from_secs(500);
/// How long it may take with images that cannot work.
const HOPELESS_WITHIN: Duration = Duration::from_secs(1500);
/// When everything was certainly looked at again.
const LOOKS_AGAIN: Duration = Duration::from_secs(70);
/// How long nothing may happen afterwards.
const IDLE: Duration = Duration::from_secs(130);
/// Revisions that a family keeps.
const KEPT_REVISIONS: usize = 10;

/// How far a deployment is.
#[derive(Clone, Debug, PartialEq)]
enum Standing {
    /// As declared, and said to be.
    Settled,
    /// On its way.
    Waiting(String),
    /// Held for a reason that it states; it does not go on by itself.
    Held(String),
}

/// Waits until everything is as declared, or explained; then mends the causes, waits again, and
/// sees that nothing happens any more.
///
/// **Errors**: the broken promise.
pub async fn converge(play: &mut Simulation) -> Result<Vec<String>, Violation> {
    play.calm().await;
    // Until the next look the clock's last jump is still in every status.
    let looked = play.elapsed() + LOOKS_AGAIN;
    play.wait_until(looked).await?;
    let held = settle(play).await?;
    let mut explained = Vec::new();
    for (app, reason) in held {
        judge_reason(play, app, &reason)?;
        explained.push(format!("{}: {reason}", play.apps[app].name));
        mend(play, app).await;
    }
    if !explained.is_empty()
        && let Some((app, reason)) = settle(play).await?.first()
    {
        let name = &play.apps[*app].name;
        if reason.starts_with("NotOwned") && play.life.watch.facts(|facts| facts.amnesia.contains(name)) {
            // Tags and record are both lost: nothing tells any more whose it is, and what is
            // nobody's is left alone.
            return Ok(explained);
        }
        return Err(violation(play, "converges", format!("{name} was mended and is still held: {reason}")));
    }
    idle(play).await?;
    inventory(play).await.map_err(|message| violation(play, "inventory", message))?;
    Ok(explained)
}

fn violation(play: &Simulation, checker: &'static str, message: String) -> Violation {
    Violation { checker, message, at: play.life.sim.now() }
}

/// Waits until nothing is on its way any more; answers what is held.
async fn settle(play: &mut Simulation) -> Result<Vec<(usize, String)>, Violation> {
    let begin = play.elapsed();
    let end = begin + CONVERGES_WITHIN;
    let mut calm_looks = 0;
    loop {
        let patient = play.elapsed() < begin + HOPELESS_WITHIN;
        let look = |app| match standing(play, app) {
            // Images that cannot work may keep a service from becoming steady without an end of
            // their own.
            Standing::Waiting(reason) if !patient && play.apps[app].is_hopeless() => Standing::Held(reason),
            other => other,
        };
        let standings: Vec<Standing> = (0..play.apps.len()).map(look).collect();
        let waiting = standings.iter().any(|one| matches!(one, Standing::Waiting(_)));
        // A status may be of a moment ago; what is at rest stays so.
        calm_looks = if waiting { 0 } else { calm_looks + 1 };
        if calm_looks >= 3 {
            let held = standings.into_iter().enumerate().filter_map(|(app, one)| match one {
                Standing::Held(reason) => Some((app, reason)),
                Standing::Settled | Standing::Waiting(_) => None,
            });
            return Ok(held.collect());
        }
        if play.elapsed() >= end {
            let told: Vec<String> = standings
                .iter()
                .enumerate()
                .map(|(app, one)| format!("{}: {one:?}", play.apps[app].name))
                .collect();
            let message = format!("not within {} s: {}", CONVERGES_WITHIN.as_secs(), told.join("; "));
            return Err(violation(play, "converges", message));
        }
        let next = play.elapsed() + Duration::from_secs(20);
        play.wait_until(next).await?;
    }
}

fn standing(play: &Simulation, app: usize) -> Standing {
    let (statuses, up_to_date) = play.life.statuses();
    let name = play.apps[app].name.as_str();
    let status = statuses.iter().find(|status| status.name.as_str() == name);
    if !up_to_date {
        return Standing::Waiting("not everything was looked at".to_owned());
    }
    if !play.present[app] {
        return absent(play, &play.apps[app], status);
    }
    let Some(status) = status else { return Standing::Waiting("it has no status".to_owned()) };
    if status.observed_generation != status.generation {
        return Standing::Waiting("its newest generation was not looked at".to_owned());
    }
    // Ready or not: when its time is over it is looked at again, and says so.
    if holds(status, ConditionType::Suspended) {
        return Standing::Waiting("it is suspended".to_owned());
    }
    if holds(status, ConditionType::Ready) {
        return match play.life.watch.runs(name) {
            Ok(()) => Standing::Settled,
            Err(why) => Standing::Waiting(format!("said to be Ready, and {why}")),
        };
    }
    if holds(status, ConditionType::Stalled) {
        return Standing::Held(told(status, ConditionType::Stalled));
    }
    Standing::Waiting(told(status, ConditionType::Ready))
}

fn absent(play: &Simulation, app: &App, status: Option<&Arc<DeploymentStatus>>) -> Standing {
    match status {
        None => Standing::Settled,
        Some(status) if status.orphaned && !app.delete => Standing::Settled,
        Some(status)
            if status.findings.iter().any(|finding| finding.to_string().contains("vanished at once")) =>
        {
            Standing::Held("the removal of most documents at once is doubted".to_owned())
        }
        // Lost with its record: nobody knows any more that it was there.
        Some(_) if play.life.watch.facts(|facts| facts.amnesia.contains(&app.name)) => Standing::Settled,
        Some(status) => {
            Standing::Waiting(format!("it is still there: {}", told(status, ConditionType::Ready)))
        }
    }
}

fn holds(status: &DeploymentStatus, kind: ConditionType) -> bool {
    status.conditions.iter().any(|condition| condition.kind == kind && condition.status == Truth::True)
}

fn told(status: &DeploymentStatus, kind: ConditionType) -> String {
    let condition = status.conditions.iter().find(|condition| condition.kind == kind);
    condition.map(|condition| format!("{}: {}", condition.reason, condition.message)).unwrap_or_default()
}

/// Whether what holds a deployment has a cause outside of the controller.
fn judge_reason(play: &Simulation, app: usize, reason: &str) -> Result<(), Violation> {
    let declared = &play.apps[app];
    let disturbed = play.life.watch.facts(|facts| {
        let ever_hopeless = facts.ever(&declared.name).any(App::is_hopeless);
        ever_hopeless || facts.was_ever_disturbed()
    });
    if !play.present[app] || disturbed || declared.is_hopeless() {
        return Ok(());
    }
    Err(violation(
        play,
        "converges",
        format!("{} is held, and nothing has ever gone wrong with it: {reason}", declared.name),
    ))
}

/// What a person does about what is held: images that work, another try, a confirmation.
async fn mend(play: &mut Simulation, app: usize) {
    if !play.present[app] {
        play.act_now(&What::Confirm { app }).await;
        return;
    }
    for part in 0..play.apps[app].parts.len() {
        if play.apps[app].parts[part].is_hopeless() {
            "v9".clone_into(&mut play.apps[app].parts[part].tag);
        }
    }
    play.act_now(&What::Edit { app, edit: Edit::Retry }).await;
}

/// From now on nothing is written, neither to AWS nor to the disk.
async fn idle(play: &mut Simulation) -> Result<(), Violation> {
    // What was rotated at the very end settles.
    let settled = play.elapsed() + if play.strays { STRAY_SETTLES } else { SETTLES };
    play.wait_until(settled).await?;
    let before = (play.life.sim.counts().writes, play.life.disk.steps());
    let end = play.elapsed() + IDLE;
    play.wait_until(end).await?;
    let after = (play.life.sim.counts().writes, play.life.disk.steps());
    if after.0 != before.0 {
        let message = format!("{} writes to AWS while all was as declared", after.0 - before.0);
        return Err(violation(play, "idle", message));
    }
    if after.1 != before.1 {
        return Err(violation(play, "idle", "records were written while nothing changed".to_owned()));
    }
    Ok(())
}

/// What is there at the end: what is declared, what is retained, and nothing else.
async fn inventory(play: &Simulation) -> Result<(), String> {
    let sim = &play.life.sim;
    if look(sim, Service::Logs, "DescribeLogGroups", &json!({"logGroupNamePrefix": "/ecs/bystander"}))
        .is_none_or(|found| found["logGroups"].as_array().is_none_or(Vec::is_empty))
    {
        return Err("the bystander's log group is gone".to_owned());
    }
    for (app, present) in play.apps.iter().zip(&play.present) {
        let amnesia = play.life.watch.facts(|facts| facts.amnesia.contains(&app.name));
        services(sim, app, *present, amnesia)?;
        balancing(sim, app, *present, amnesia)?;
        alarms(sim, app, *present, amnesia)?;
        log_group(play, app, *present)?;
        for part in &app.parts {
            revisions(sim, &app.resource(part))?;
        }
    }
    for content in play.life.disk.contents() {
        if leaks(&content) {
            return Err("a file of the state holds the value of a secret".to_owned());
        }
    }
    let loaded = play.life.records().await.map_err(|error| format!("the records cannot be read: {error}"))?;
    match loaded.damaged.first() {
        Some(damaged) => Err(format!("a record is damaged at the end: {damaged}")),
        None => Ok(()),
    }
}

fn services(sim: &Sim, app: &App, present: bool, amnesia: bool) -> Result<(), String> {
    for part in app.parts.iter().filter(|part| part.is_service()) {
        let name = app.resource(part);
        let declared = present && part.declared;
        for cluster in CLUSTERS {
            let found = service(sim, cluster, &name).filter(|found| found["status"] == "ACTIVE");
            let must_go = (present && !part.declared) || (!present && app.delete);
            match found {
                None if declared && cluster == app.cluster => {
                    return Err(format!("service {name} is not there"));
                }
                Some(_) if cluster != app.cluster => {
                    return Err(format!("service {name} is in cluster {cluster}"));
                }
                Some(_) if must_go && !amnesia => return Err(format!("service {name} was left behind")),
                Some(found)
                    if declared && tag_in(&found["tags"], "evenkeel.dev/owner") != Some(&app.name) =>
                {
                    return Err(format!("service {name} lacks its owner's tag"));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// Target groups and rules: one of each for each declared balanced component, each with its tags.
fn balancing(sim: &Sim, app: &App, present: bool, amnesia: bool) -> Result<(), String> {
    let wanted = app.declared().filter(|part| part.is_balanced() && present).count();
    let all = look(sim, Service::Elbv2, "DescribeTargetGroups", &json!({})).unwrap_or_default();
    let ours = |resource: &Value, member: &str| {
        let tags = resource[member].as_str().and_then(|arn| elb_tags(sim, arn)).unwrap_or_default();
        tag_in(&tags, "evenkeel.dev/owner") == Some(app.name.as_str())
    };
    let groups = all["TargetGroups"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|group| ours(group, "TargetGroupArn"))
        .count();
    let balancer =
        look(sim, Service::Elbv2, "DescribeLoadBalancers", &json!({"Names.member.1": app.balancer()}))
            .unwrap_or_default();
    let listeners = look(
        sim,
        Service::Elbv2,
        "DescribeListeners",
        &json!({"LoadBalancerArn": balancer["LoadBalancers"][0]["LoadBalancerArn"]}),
    );
    let listeners = listeners.unwrap_or_default();
    let listeners = listeners["Listeners"].as_array().cloned().unwrap_or_default();
    let rules: usize = listeners
        .iter()
        .map(|listener| {
            let rules =
                look(sim, Service::Elbv2, "DescribeRules", &json!({"ListenerArn": listener["ListenerArn"]}))
                    .unwrap_or_default();
            rules["Rules"].as_array().into_iter().flatten().filter(|rule| ours(rule, "RuleArn")).count()
        })
        .sum();
    let found = (groups, rules, listeners.len());
    let expected = (wanted, wanted, usize::from(wanted > 0));
    let retained = !present && !app.delete;
    let enough = found.0 >= wanted && found.1 >= wanted && found.2 >= expected.2;
    let as_expected = found == expected || (amnesia && enough);
    if !retained && !as_expected {
        return Err(format!(
            "{}: target groups, rules, listeners {found:?}, expected {expected:?}",
            app.name
        ));
    }
    Ok(())
}

/// Alarms: one for each declared balanced component, which its service lets ECS watch.
fn alarms(sim: &Sim, app: &App, present: bool, amnesia: bool) -> Result<(), String> {
    let wanted: BTreeSet<String> =
        app.declared().filter(|part| part.is_balanced() && present).map(|part| app.resource(part)).collect();
    let input = json!({"AlarmNamePrefix": format!("{}-", app.name)});
    let all = look(sim, Service::Cloudwatch, "DescribeAlarms", &input).unwrap_or_default();
    let names =
        all["MetricAlarms"].as_array().into_iter().flatten().filter_map(|alarm| alarm["AlarmName"].as_str());
    let found: BTreeSet<String> = names.map(str::to_owned).collect();
    let retained = !present && !app.delete;
    let as_expected = found == wanted || (amnesia && found.is_superset(&wanted));
    if retained || as_expected {
        return Ok(());
    }
    Err(format!("{}: alarms {found:?}, expected {wanted:?}", app.name))
}

fn log_group(play: &Simulation, app: &App, present: bool) -> Result<(), String> {
    let found = look(
        &play.life.sim,
        Service::Logs,
        "DescribeLogGroups",
        &json!({"logGroupNamePrefix": app.log_group()}),
    );
    let found = found.unwrap_or_default();
    let group = found["logGroups"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|group| group["logGroupName"] == app.log_group().as_str());
    match group {
        None if present => Err(format!("log group {} is not there", app.log_group())),
        Some(group) if present && group["retentionInDays"].as_u64() != app.retention.map(u64::from) => {
            Err(format!("log group {} is kept for {}", app.log_group(), group["retentionInDays"]))
        }
        _ => Ok(()),
    }
}

fn revisions(sim: &Sim, family: &str) -> Result<(), String> {
    let listed =
        look(sim, Service::Ecs, "ListTaskDefinitions", &json!({"familyPrefix": family})).unwrap_or_default();
    let active = listed["taskDefinitionArns"].as_array().map_or(0, Vec::len);
    let orphan = sim
        .with(|world| world.region(REGION).ecs.definition(family))
        .is_some_and(|newest| newest.tags.is_empty());
    // What ECS still shows a task of is kept, too, for as long.
    let shown: BTreeSet<String> = sim
        .with(|world| world.region(REGION).ecs.tasks())
        .into_iter()
        .map(|task| task.task_definition)
        .filter(|arn| family_of(arn) == family)
        .collect();
    if active > KEPT_REVISIONS + shown.len() {
        return Err(format!("{active} revisions of {family} are kept"));
    }
    if orphan {
        return Err(format!("the newest revision of {family} has no tags"));
    }
    Ok(())
}
